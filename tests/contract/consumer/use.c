/* SPDX-License-Identifier: MIT */
/* use.c -- a stranger's program in C: one participant, one ask. */
#include <liminal.h>

#include <stdio.h>
#include <string.h>

int main(void)
{
    liminal_supervisor *house = NULL;
    liminal_envelope *question = NULL, *answer = NULL;
    liminal_status st = liminal_supervisor_open(NULL, &house);
    int same;

    if (st == LIMINAL_OK) {
        st = liminal_envelope_printf(&question, "is anybody there?");
    }
    if (st == LIMINAL_OK) {
        st = liminal_supervisor_ask(house, liminal_behaviour_echo(), NULL, &question, &answer);
    }
    same = answer != NULL && strcmp(liminal_envelope_text(answer), "is anybody there?") == 0;
    printf("%s: %s\n", liminal_status_name(st), same ? "heard" : "nothing");
    liminal_envelope_drop(&answer);
    liminal_envelope_drop(&question);
    if (house != NULL && liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(5000)) != LIMINAL_OK) {
        return 1;
    }
    return st == LIMINAL_OK && same ? 0 : 1;
}

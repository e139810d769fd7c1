/* SPDX-License-Identifier: MIT */
/* A participant leaves; whoever was waiting "for ever" hears of it at once. */
#include <liminal.h>
#include <stdio.h>

static liminal_status leave(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self, (void)request, (void)out;
    return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_ERROR, 42});
}
static const liminal_behaviour mortal = {LIMINAL_OPS(liminal_behaviour), .answer = leave};

int main(void)
{
    liminal_supervisor *house = NULL;
    liminal_conversation *talk = NULL;
    liminal_envelope *question = NULL, *answer = NULL;
    liminal_status st;

    if ((st = liminal_supervisor_open(NULL, &house)) ||
        (st = liminal_supervisor_spawn_behaviour(house, &mortal, NULL, LIMINAL_CRASH_FAIL, &talk)) ||
        (st = liminal_envelope_printf(&question, "are you there?")))
        return 1;

    st = liminal_conversation_ask(talk, &question, &answer, liminal_deadline_never());
    printf("asked: %s\n", liminal_status_text(st));
    printf("why:   %s\n", liminal_status_detail());

    liminal_envelope_drop(&answer);
    liminal_envelope_drop(&question);
    liminal_conversation_drop(&talk);
    return liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(1000)) || st != LIMINAL_EEXIT;
}

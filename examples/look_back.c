/* SPDX-License-Identifier: MIT */
/* A participant fails; the snapshot says what was asked of whom, and how it ended. */
#include <liminal.h>
#include <stdio.h>

static liminal_status divide(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    int a, b;
    (void)self;
    if (sscanf(liminal_envelope_text(request), "%d/%d", &a, &b) != 2 || b == 0)
        return LIMINAL_EINVAL; /* any status but LIMINAL_OK ends the participant */
    return liminal_envelope_printf(out, "%d", a / b);
}
static const liminal_behaviour divider = {LIMINAL_OPS(liminal_behaviour), .answer = divide};

static void look_back(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_log_entry entry;
    size_t i;
    if (liminal_conversation_query(talk, &snapshot, liminal_deadline_in_ms(1000)))
        return;
    printf("%s: %s\n", liminal_phase_text(liminal_snapshot_read(snapshot).phase),
           liminal_snapshot_read(snapshot).cause_text);
    for (i = 0; !liminal_snapshot_entry(snapshot, i, &entry); i++)
        printf("%zu %-8s %s\n", i, liminal_log_kind_text(entry.kind), liminal_envelope_text(entry.envelope));
    liminal_snapshot_drop(&snapshot);
}

int main(void)
{
    const char *questions[] = {"84/2", "1/0", "6/3"};
    liminal_supervisor *house = NULL;
    liminal_conversation *talk = NULL;
    liminal_envelope *question = NULL, *answer = NULL;
    size_t i;
    if (liminal_supervisor_open(NULL, &house) ||
        liminal_supervisor_spawn_behaviour(house, &divider, NULL, LIMINAL_CRASH_FAIL, &talk))
        return 1;
    for (i = 0; i < 3 && !liminal_envelope_printf(&question, "%s", questions[i]); i++) {
        liminal_status st = liminal_conversation_ask(talk, &question, &answer, liminal_deadline_in_ms(1000));
        printf("%s = %s\n", questions[i], st ? liminal_status_text(st) : liminal_envelope_text(answer));
        liminal_envelope_drop(&question);
        liminal_envelope_drop(&answer);
    }
    look_back(talk);
    liminal_conversation_drop(&talk);
    return liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(1000)) != LIMINAL_OK;
}

/* SPDX-License-Identifier: MIT */
/* test_visits.c -- an inline participant is visited in a turn when it is given the work of one that died, and when it
 * is killed itself: what it was given is answered or ended with the conversation, and the one node that calls for a
 * visit is used again only when the visit before it is done with it. */
#include "stage.h"

enum { MESSAGES = 2 };

typedef struct pair {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_pid first, second;
} pair;

static liminal_conversation *spawn_pair(liminal_supervisor *supervisor)
{
    liminal_participant two[] = {
        {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = liminal_behaviour_echo()},
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo()},
    };
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = two, .participant_count = 2,
                             .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
    liminal_conversation *conversation = NULL;
    sched_check(liminal_supervisor_spawn(supervisor, &config, &conversation) == LIMINAL_OK);
    return conversation;
}

static void kill_both(void *argument)
{
    const pair *p = argument;
    sched_check(liminal_process_kill(p->supervisor, p->first) == LIMINAL_OK);
    sched_check(liminal_process_kill(p->supervisor, p->second) == LIMINAL_OK);
}

/* Both are killed while the first one has messages. */
static void work_and_a_kill(void)
{
    pair p = {.supervisor = stage_open()};
    liminal_envelope *reply = NULL;
    liminal_summary end;
    uint64_t got = 0;
    int thread;
    p.conversation = spawn_pair(p.supervisor);
    p.first = stage_pid(p.conversation, 0);
    p.second = stage_pid(p.conversation, 1);
    stage_go();
    thread = sched_thread(kill_both, &p);
    for (int i = 0; i < MESSAGES; i++) {
        liminal_envelope *message = stage_say("x");
        liminal_status st = liminal_conversation_send(p.conversation, &message, never());
        sched_check(st == LIMINAL_OK || st == LIMINAL_EEXIT);
        liminal_envelope_drop(&message);
    }
    sched_join(thread);
    sched_quiet(true);
    sched_settle();
    while (liminal_conversation_try_receive(p.conversation, &reply) == LIMINAL_OK) {
        liminal_envelope_drop(&reply);
        got++;
    }
    end = stage_look(p.conversation);
    sched_check(end.phase == LIMINAL_PHASE_FAILED && end.cause == LIMINAL_EEXIT && end.counts.received == got);
    sched_check(end.counts.sent <= got + end.counts.unfinished + end.counts.withdrawn);
    sched_outcome((unsigned)got);
    liminal_conversation_drop(&p.conversation);
    (void)stage_close(&p.supervisor);
}

static void no_visit_is_lost(void **state)
{
    (void)state;
    assert_seen(prove_widely(work_and_a_kill, .preemptions = 2, .turns = 1, .old = 1), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_visit_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

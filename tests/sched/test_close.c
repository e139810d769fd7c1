/* SPDX-License-Identifier: MIT */
/* test_close.c -- a close against another one: both return, and it is over. */
#include "stage.h"

static void two_closers_of(liminal_participant_kind kind)
{
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation = stage_spawn(supervisor, kind, liminal_behaviour_echo(), NULL);
    int thread;
    stage_go();
    thread = sched_thread(close_for_good, conversation);
    close_at_once(conversation);
    sched_join(thread);
    sched_quiet(true);
    liminal_conversation_drop(&conversation);
    (void)stage_close(&supervisor);
}

static void two_closers(void)
{
    two_closers_of(LIMINAL_PARTICIPANT_THREAD);
}

static void two_closers_inline(void)
{
    two_closers_of(LIMINAL_PARTICIPANT_INLINE);
}

static void closes(void **state)
{
    (void)state;
    assert_seen(prove_widely(two_closers, .preemptions = 2, .turns = 1, .old = 1), 0);
    assert_seen(prove_widely(two_closers_inline, .preemptions = 2, .turns = 1, .old = 1), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(closes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

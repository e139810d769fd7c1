/* SPDX-License-Identifier: MIT */
/* test_exit_against_end.c -- a participant dies as its conversation is closed, dropped or shut down, under
 * each policy. */
#include "race/policy_race.h"

static liminal_config with(liminal_crash_policy policy, int dispatch)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = policy,
                            .dispatch = dispatch == 0 ? LIMINAL_DISPATCH_ASSISTED : LIMINAL_DISPATCH_PINNED};
}

static liminal_phase ended_phase(liminal_conversation *conversation)
{
    liminal_phase phase = race_look(conversation).phase;
    assert_true(phase == LIMINAL_PHASE_CLOSED || phase == LIMINAL_PHASE_FAILED);
    return phase;
}

/* 1 if it had closed. An exit that the close asked for does not count, one that came before it does. */
static void a_close_that_an_exit_may_fail(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 6000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind],
                                                                with(LIMINAL_CRASH_FAIL, r.rounds % 2));
            race_line line = {0};
            race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 1), .line = &line,
                             .moment = race_moment(&r, most)};
            liminal_phase phase;
            size_t last;
            race_start_killer(&k);
            race_cross(&line, most - k.moment);
            assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
            test_thread_join(&k.thread);
            phase = ended_phase(conversation);
            assert_int_equal(race_log_count(conversation, LIMINAL_LOG_EXITED, &last), phase == LIMINAL_PHASE_FAILED);
            assert_int_equal(race_log_count(conversation, LIMINAL_LOG_FAILED, &last), phase == LIMINAL_PHASE_FAILED);
            r.seen[phase == LIMINAL_PHASE_CLOSED]++;
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* What was sent before is answered by the one or the other, and then it closes, in any case. 1 if it was the first. */
static void a_close_that_waits_for_the_next_one(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 20000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind],
                                                                with(LIMINAL_CRASH_ROUTE_NEXT, r.rounds % 2));
            race_line line = {0};
            race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                             .moment = race_moment(&r, most)};
            liminal_envelope *message = race_say("x"), *reply = NULL;
            race_start_killer(&k);
            race_cross(&line, (most - k.moment) / 2);
            assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
            assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
            test_thread_join(&k.thread);
            assert_int_equal(ended_phase(conversation), LIMINAL_PHASE_CLOSED);
            assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_OK);
            r.seen[strcmp(liminal_envelope_text(reply), "a") == 0]++;
            liminal_envelope_drop(&reply);
            assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()),
                             LIMINAL_ECLOSED);
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* Nobody looks any more: all of it goes. */
static void a_drop(void **state)
{
    static const liminal_crash_policy policies[] = {LIMINAL_CRASH_FAIL, LIMINAL_CRASH_ROUTE_NEXT,
                                                    LIMINAL_CRASH_COMPENSATE};
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int i = 0; i < 180; i++) {
        liminal_conversation *conversation =
            race_spawn_two(supervisor, race_kinds[i % 2], with(policies[i % 3], i / 6 % 2));
        race_line line = {0};
        race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                         .moment = (i % 16) * 500};
        liminal_envelope *message = race_say("x");
        race_start_killer(&k);
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        race_cross(&line, 8000 - k.moment);
        race_end_round(supervisor, &conversation);
        test_thread_join(&k.thread);
    }
    assert_int_equal(liminal_supervisor_census(supervisor).conversations, 0);
    assert_int_equal(liminal_supervisor_census(supervisor).participants, 0);
    (void)race_shutdown(&supervisor);
}

/* ---- a shutdown: who kills meanwhile does so inside a callback, which that waits for ---- */

typedef struct assassin {
    liminal_supervisor *supervisor;
    liminal_pid pid;
    test_gate begun;
    int64_t moment;
} assassin;

static liminal_status kill_in_the_middle(void *argument, const liminal_envelope *request, liminal_envelope **out_reply)
{
    assassin *a = argument;
    (void)request, (void)out_reply;
    test_gate_open(&a->begun);
    race_linger(a->moment, true);
    (void)test_check(liminal_process_kill(a->supervisor, a->pid) == LIMINAL_OK);
    return LIMINAL_OK;
}

/* 1 if the shutdown had closed it. */
static void a_shutdown(void **state)
{
    static const liminal_behaviour killing = {LIMINAL_OPS(liminal_behaviour), .answer = kill_in_the_middle};
    static const liminal_crash_policy policies[] = {LIMINAL_CRASH_FAIL, LIMINAL_CRASH_COMPENSATE};
    (void)state;
    for (int p = 0; p < 2; p++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 60000);
            liminal_supervisor *supervisor = race_open();
            assassin a = {.supervisor = supervisor, .begun = TEST_GATE_INIT, .moment = race_moment(&r, most)};
            liminal_conversation *victim, *other;
            liminal_envelope *message = race_say("x");
            victim = race_spawn_two(supervisor, race_kinds[r.rounds % 2], with(policies[p], r.rounds / 2 % 2));
            a.pid = race_pid(victim, 0);
            other = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &killing, &a);
            assert_int_equal(liminal_conversation_try_send(other, &message), LIMINAL_OK);
            test_gate_wait(&a.begun);
            assert_int_equal(race_shutdown(&supervisor).running, 0);
            r.seen[ended_phase(victim) == LIMINAL_PHASE_CLOSED]++;
            liminal_conversation_drop(&victim);
            liminal_conversation_drop(&other);
            assert_int_equal(test_blocks(), 0);
        }
        race_over(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_close_that_an_exit_may_fail),
        TEST(a_close_that_waits_for_the_next_one),
        TEST(a_drop),
        TEST(a_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

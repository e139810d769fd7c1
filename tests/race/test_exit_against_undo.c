/* SPDX-License-Identifier: MIT */
/* test_exit_against_undo.c -- a participant dies as a step is registered, as the conversation closes, and as what
 * undoes a step returns at its deadline: each step is undone once, or never. */
#include "race/policy_race.h"

typedef struct ledger {
    atomic_int undone;
    int64_t takes_ns;
} ledger;

static liminal_status undo(void *argument, const liminal_envelope *step)
{
    ledger *book = argument;
    (void)step;
    race_linger(book->takes_ns, true);
    atomic_fetch_add(&book->undone, 1);
    return LIMINAL_OK;
}

static liminal_status will_do(liminal_conversation *conversation, ledger *book)
{
    liminal_envelope *step = race_say("step");
    liminal_status st = liminal_conversation_undo_with(conversation, &step, undo, book);
    assert_true((step == NULL) == (st == LIMINAL_OK));
    liminal_envelope_drop(&step);
    return st;
}

static liminal_config undoing(int dispatch)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_COMPENSATE,
                            .dispatch = dispatch == 0 ? LIMINAL_DISPATCH_ASSISTED : LIMINAL_DISPATCH_PINNED};
}

/* 1 if it was accepted: then it is undone. */
static void a_step_and_an_exit(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 3000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], undoing(r.rounds % 2));
            race_line line = {0};
            ledger book = {.takes_ns = 0};
            race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                             .moment = race_moment(&r, most)};
            liminal_status st;
            size_t last;
            race_start_killer(&k);
            race_cross(&line, most - k.moment);
            st = will_do(conversation, &book);
            assert_true(st == LIMINAL_OK || st == LIMINAL_EEXIT);
            test_thread_join(&k.thread);
            assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
            assert_int_equal(race_look(conversation).phase, LIMINAL_PHASE_FAILED);
            assert_int_equal(atomic_load(&book.undone), st == LIMINAL_OK);
            assert_int_equal(race_log_count(conversation, LIMINAL_LOG_COMPENSATED, &last), st == LIMINAL_OK);
            r.seen[st == LIMINAL_OK]++;
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* 1 if it had closed: then nothing is undone. */
static void a_close_and_an_exit(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 6000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], undoing(r.rounds % 2));
            race_line line = {0};
            ledger book = {.takes_ns = 0};
            race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                             .moment = race_moment(&r, most)};
            liminal_phase phase;
            assert_int_equal(will_do(conversation, &book), LIMINAL_OK);
            assert_int_equal(will_do(conversation, &book), LIMINAL_OK);
            race_start_killer(&k);
            race_cross(&line, most - k.moment);
            assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
            test_thread_join(&k.thread);
            phase = race_look(conversation).phase;
            assert_true(phase == LIMINAL_PHASE_CLOSED || phase == LIMINAL_PHASE_FAILED);
            assert_int_equal(atomic_load(&book.undone), phase == LIMINAL_PHASE_CLOSED ? 0 : 2);
            r.seen[phase == LIMINAL_PHASE_CLOSED]++;
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* With nobody waiting: all (1) or nothing, and everything is gone afterwards. */
static void a_drop_and_an_exit(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 6000);
        liminal_conversation *conversation =
            race_spawn_two(supervisor, race_kinds[r.rounds % 2], undoing(r.rounds / 2 % 2));
        race_line line = {0};
        ledger book = {.takes_ns = 0};
        race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                         .moment = race_moment(&r, most)};
        assert_int_equal(will_do(conversation, &book), LIMINAL_OK);
        assert_int_equal(will_do(conversation, &book), LIMINAL_OK);
        race_start_killer(&k);
        race_cross(&line, most - k.moment);
        race_end_round(supervisor, &conversation);
        test_thread_join(&k.thread);
        assert_true(atomic_load(&book.undone) == 0 || atomic_load(&book.undone) == 2);
        r.seen[atomic_load(&book.undone) == 2]++;
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* What is undone first takes about as long as there is time for all: 1 if it was done in time. The other one is begun
 * only then. */
static void a_return_and_the_deadline(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 250000);
        liminal_config config = undoing(r.rounds % 2);
        liminal_conversation *conversation;
        ledger first = {.takes_ns = 0}, second = {.takes_ns = most / 5 * 3 + race_moment(&r, most / 5 * 2)};
        liminal_snapshot *snapshot = NULL;
        liminal_log_entry entry;
        size_t last;
        config.compensate_timeout_ns = most;
        conversation = race_spawn_two(supervisor, LIMINAL_PARTICIPANT_THREAD, config);
        assert_int_equal(will_do(conversation, &first), LIMINAL_OK);
        assert_int_equal(will_do(conversation, &second), LIMINAL_OK);
        assert_int_equal(liminal_process_kill(supervisor, race_pid(conversation, 1)), LIMINAL_OK);
        assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(race_look(conversation).phase, LIMINAL_PHASE_FAILED);
        assert_int_equal(race_log_count(conversation, LIMINAL_LOG_COMPENSATED, &last), 2); /* each in any case */
        assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(liminal_snapshot_entry(snapshot, last - 1, &entry), LIMINAL_OK);
        r.seen[entry.status == LIMINAL_OK]++;
        assert_true(entry.status == LIMINAL_OK || entry.status == LIMINAL_ETIMEDOUT);
        if (entry.status == LIMINAL_ETIMEDOUT) {
            assert_int_equal(liminal_snapshot_entry(snapshot, last, &entry), LIMINAL_OK);
            assert_int_equal(entry.status, LIMINAL_ETIMEDOUT);
        }
        liminal_snapshot_drop(&snapshot);
        race_end_round(supervisor, &conversation);
        assert_true(atomic_load(&first.undone) <= 1 && atomic_load(&second.undone) <= 1);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_step_and_an_exit),
        TEST(a_close_and_an_exit),
        TEST(a_drop_and_an_exit),
        TEST(a_return_and_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

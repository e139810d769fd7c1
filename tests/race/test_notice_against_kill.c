/* SPDX-License-Identifier: MIT */
/* test_notice_against_kill.c -- a notice is registered, or cancelled, as the process is killed by another thread; the
 * numbers are those of the list of cases. Each race goes on until both outcomes were seen. */
#include "race/second.h"
#include "unit/link_ear_kit.h"

enum { ROUNDS = 1000, MOST = 4 * ROUNDS, AT_ONCE = 100 };

static bool is_more_to_do(int round, const size_t seen[2])
{
    return round < ROUNDS || (round < MOST && (seen[0] == 0 || seen[1] == 0));
}

static void kill_the_other(second *s)
{
    (void)test_check(liminal_process_kill(s->supervisor, s->other) == LIMINAL_OK);
}

/* Many who can be killed, and a thread that does it. */
typedef struct world {
    liminal_supervisor *supervisor;
    liminal_conversation *crowd;
    liminal_pid pids[MOST];
    second killer;
    size_t seen[2];
} world;

static world *begin(void)
{
    static world w;
    memset(w.seen, 0, sizeof w.seen);
    w.supervisor = open_plain();
    w.crowd = spawn_crowd(w.supervisor, liminal_behaviour_echo(), MOST, w.pids);
    start_second(&w.killer, w.supervisor, kill_the_other);
    return &w;
}

static void end(world *w)
{
    end_second(&w->killer);
    assert_true(w->seen[0] > 0 && w->seen[1] > 0);
    liminal_conversation_drop(&w->crowd);
    shut(&w->supervisor);
}

static void assert_killed(const world *w, const ear *e, liminal_pid pid)
{
    liminal_exit recorded = {.pid = {0}};
    assert_int_equal(e->count, 1);
    assert_int_equal(e->heard.pid.value, pid.value);
    assert_true(same_reason(e->heard.reason, killed));
    assert_int_equal(liminal_process_wait(w->supervisor, pid, &recorded, liminal_deadline_passed()), LIMINAL_OK);
    assert_int_equal(recorded.seen_ns.ns, e->heard.seen_ns.ns);
}

static void case_36_a_notice_is_registered(void **state)
{
    world *w = begin();
    (void)state;
    for (int round = 0; is_more_to_do(round, w->seen); round++) {
        bool here;
        ear e;
        ear_init(&e, w->supervisor);
        w->killer.other = w->pids[round];
        off(&w->killer, round, w->seen);
        listen_to(&e, w->pids[round]);
        test_gate_wait(&w->killer.done); /* by then it has been called, by whomever */
        assert_killed(w, &e, w->pids[round]);
        here = pthread_equal(e.thread, pthread_self()) != 0;
        liminal_notice_drop(&e.notice);
        w->seen[here]++;
    }
    end(w);
}

static void case_37_a_notice_is_cancelled(void **state)
{
    world *w = begin();
    (void)state;
    for (int round = 0; is_more_to_do(round, w->seen); round++) {
        int fired;
        ear e;
        ear_init(&e, w->supervisor);
        listen_to(&e, w->pids[round]);
        w->killer.other = w->pids[round];
        off(&w->killer, round, w->seen);
        assert_int_equal(liminal_notice_cancel(&e.notice, liminal_deadline_never()), LIMINAL_OK);
        fired = e.count;
        test_gate_wait(&w->killer.done);
        assert_int_equal(e.count, fired); /* what had not begun when the cancel returned never does */
        w->seen[fired]++;
    }
    end(w);
}

/* Of 100 that are registered in a row some come before the kill, some after it. */
static void case_38_a_hundred_are_registered(void **state)
{
    static ear ears[AT_ONCE];
    world *w = begin();
    (void)state;
    for (int round = 0; round < 100 || (round < ROUNDS && (w->seen[0] == 0 || w->seen[1] == 0)); round++) {
        for (size_t i = 0; i < AT_ONCE; i++) {
            ear_init(&ears[i], w->supervisor);
        }
        w->killer.other = w->pids[round];
        off(&w->killer, round, w->seen);
        for (size_t i = 0; i < AT_ONCE; i++) {
            listen_to(&ears[i], w->pids[round]);
            liminal_notice_drop(&ears[i].notice);
        }
        test_gate_wait(&w->killer.done);
        for (size_t i = 0; i < AT_ONCE; i++) {
            assert_killed(w, &ears[i], w->pids[round]);
            w->seen[pthread_equal(ears[i].thread, pthread_self()) != 0]++;
        }
    }
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(case_36_a_notice_is_registered),
        TEST(case_37_a_notice_is_cancelled),
        TEST(case_38_a_hundred_are_registered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_watch_against_death.c -- an OS process ends as it is watched, as the supervisor shuts down, or as the host reaps
 * it; and two threads begin to watch at once. */
#define _GNU_SOURCE
#include "race/race.h"
#include "unit/os_kit.h"

typedef struct killer {
    sleeper target;
    bool reap;
    race_line line;
    int64_t moment;
    test_thread thread;
} killer;

static void kill_on_the_line(void *argument)
{
    killer *k = argument;
    race_cross(&k->line, k->moment);
    (void)kill(k->target.pid, SIGKILL);
    if (k->reap) {
        (void)test_check(waitpid(k->target.pid, NULL, 0) == k->target.pid);
    }
}

static void killer_start(killer *k, bool reap, int64_t moment)
{
    *k = (killer){.target = os_sleeper(), .reap = reap, .moment = moment};
    test_thread_start(&k->thread, kill_on_the_line, k);
}

static void killer_end(killer *k)
{
    test_thread_join(&k->thread);
    if (!k->reap) {
        (void)os_reap(k->target.pid);
    }
    (void)close(k->target.end);
}

/* While its zombie is there it can be watched, and says how it ended. */
static void it_dies_as_the_watch_begins(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 100000);
        liminal_pid pid;
        killer k;
        killer_start(&k, false, race_moment(&r, most));
        race_cross(&k.line, most - k.moment);
        pid = os_watch(supervisor, k.target.pid);
        r.seen[liminal_process_alive(supervisor, pid)]++;
        assert_ends(supervisor, pid, os_signal(SIGKILL));
        killer_end(&k);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

static void it_is_reaped_as_the_watch_begins(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 400000);
        liminal_pid pid = {0};
        liminal_exit exit;
        liminal_status st;
        killer k;
        killer_start(&k, true, race_moment(&r, most));
        race_cross(&k.line, most - k.moment);
        st = liminal_os_process_watch(supervisor, k.target.pid, &pid);
        if (st == LIMINAL_OK) {
            assert_int_equal(liminal_process_wait(supervisor, pid, &exit, liminal_deadline_in_ms(20000)), LIMINAL_OK);
            assert_true(exit.reason.kind == LIMINAL_EXIT_SIGNAL || exit.reason.kind == LIMINAL_EXIT_UNKNOWN);
        } else {
            assert_int_equal(st, LIMINAL_ENOPROC);
        }
        r.seen[st == LIMINAL_OK]++;
        killer_end(&k);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

static void it_dies_as_the_supervisor_shuts_down(void **state)
{
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 200000);
        liminal_supervisor *supervisor = race_open();
        witness w = witness_of(supervisor);
        liminal_pid pid;
        bool seen;
        killer k;
        killer_start(&k, false, race_moment(&r, most));
        pid = os_watch(supervisor, k.target.pid);
        notify(&w, pid);
        race_cross(&k.line, most - k.moment);
        (void)race_shutdown(&supervisor);
        assert_int_equal(test_blocks(), 0);
        seen = w.exit.reason.kind == LIMINAL_EXIT_SIGNAL;
        assert_told(&w, pid, seen ? os_signal(SIGKILL) : unknown);
        killer_end(&k);
        r.seen[seen]++;
    }
    race_over(&r);
}

typedef struct first {
    liminal_supervisor *supervisor;
    race_line *line;
    pid_t target;
    liminal_pid pid;
    test_thread thread;
} first;

static void watch_on_the_line(void *argument)
{
    first *f = argument;
    race_cross(f->line, 0);
    (void)test_check(liminal_os_process_watch(f->supervisor, f->target, &f->pid) == LIMINAL_OK);
}

static void two_begin_at_once_and_there_is_one_watcher(void **state)
{
    sleeper s = os_sleeper();
    int64_t began = test_now_ns();
    (void)state;
    while (test_now_ns() - began < 300000000) {
        race_line line = {0};
        first f = {.supervisor = race_open(), .line = &line, .target = s.pid};
        liminal_pid pid;
        test_thread_start(&f.thread, watch_on_the_line, &f);
        race_cross(&line, 0);
        pid = os_watch(f.supervisor, s.pid);
        test_thread_join(&f.thread);
        assert_true(pid.value != f.pid.value);
        assert_int_equal(race_shutdown(&f.supervisor).threads, 1);
        assert_int_equal(test_blocks(), 0);
    }
    (void)os_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_dies_as_the_watch_begins),
        TEST(it_is_reaped_as_the_watch_begins),
        TEST(it_dies_as_the_supervisor_shuts_down),
        TEST(two_begin_at_once_and_there_is_one_watcher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

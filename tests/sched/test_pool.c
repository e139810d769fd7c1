/* SPDX-License-Identifier: MIT */
/* test_pool.c -- a thread that has done its job: it becomes idle, is given another job, or leaves, while a shutdown or
 * another start wants it. Every job runs exactly once; what it wrote is seen; every thread is joined. And threads that
 * were kept for a job, and are given back. */
#include "stage.h"

#include "pool.h"
#include "supervisor.h"

typedef struct work {
    limi_job job;
    int runs; /* plain: the runs of a job, and what comes after them, are in an order */
} work;

typedef struct house {
    liminal_supervisor *supervisor;
    work first, second, third;
} house;

static void run(void *argument)
{
    work *w = argument;
    w->runs++;
}

static void run_and_say_that_it_ends(void *argument)
{
    work *w = argument;
    w->runs++;
    limi_pool_end_job(&w->job);
}

/* The census counts it before, as a spawn does. */
static bool start_as(house *h, work *w, void (*body)(void *argument))
{
    w->job = (limi_job){.plan = {.stack_bytes = 4096}, .supervisor = h->supervisor, .body = body, .argument = w};
    limi_supervisor_thread_more(h->supervisor);
    if (limi_pool_start(&w->job) != LIMINAL_OK) {
        limi_supervisor_thread_fewer(h->supervisor);
        return false;
    }
    return true;
}

static bool start(house *h, work *w)
{
    return start_as(h, w, run);
}

static void start_second(void *argument)
{
    house *h = argument;
    sched_check(start(h, &h->second));
}

static void open_house(house *h)
{
    memset(h, 0, sizeof *h);
    h->supervisor = stage_open_with(0);
}

/* Not quietly: it meets them on their way out. */
static void shut(house *h, size_t least, size_t most)
{
    liminal_report report;
    sched_check(liminal_supervisor_shutdown(&h->supervisor, &report, liminal_deadline_never()) == LIMINAL_OK);
    sched_check(report.threads >= least && report.threads <= most);
    sched_outcome((unsigned)(report.threads - least));
    sched_check(h->first.runs == 1 && h->second.runs <= 1);
}

/* The second job comes while the thread of the first one works, becomes idle, looks, or sleeps. */
static void start_behind(void (*first)(void *argument))
{
    house h;
    open_house(&h);
    sched_check(start_as(&h, &h.first, first));
    sched_quiet(false);
    sched_check(start(&h, &h.second));
    shut(&h, 1, 2);
    sched_check(h.second.runs == 1);
}

static void a_start_meets_one_that_becomes_idle(void)
{
    start_behind(run);
}

/* The same, and the first one says that it ends: the second start may wait a little for its thread. */
static void a_start_looks_for_one_that_ends(void)
{
    start_behind(run_and_say_that_it_ends);
}

/* Two wait for the same one. */
static void two_starts_look_for_one_that_ends(void)
{
    house h;
    int other;
    open_house(&h);
    sched_check(start_as(&h, &h.first, run_and_say_that_it_ends));
    sched_quiet(false);
    other = sched_thread(start_second, &h);
    sched_check(start(&h, &h.third));
    sched_join(other);
    shut(&h, 1, 3);
    sched_check(h.second.runs == 1 && h.third.runs == 1);
}

static void two_starts_meet_one_that_is_idle(void)
{
    house h;
    int other;
    open_house(&h);
    sched_check(start(&h, &h.first));
    stage_go();
    other = sched_thread(start_second, &h);
    sched_check(start(&h, &h.third));
    sched_join(other);
    shut(&h, 1, 2);
    sched_check(h.third.runs == 1);
}

/* The shutdown comes while the thread works, becomes idle, looks, or sleeps. */
static void a_shutdown_meets_one_that_becomes_idle(void)
{
    house h;
    open_house(&h);
    sched_check(start(&h, &h.first));
    sched_quiet(false);
    shut(&h, 1, 1);
}

/* An idle one has another stack: it leaves, so that there is room. */
static void a_start_dismisses_one_that_becomes_idle(void)
{
    house h;
    open_house(&h);
    h.supervisor->max_threads = 1;
    sched_check(start(&h, &h.first));
    sched_quiet(false);
    h.second.job = (limi_job){.plan = {.stack_bytes = 8192}, .supervisor = h.supervisor, .body = run,
                              .argument = &h.second};
    limi_supervisor_thread_more(h.supervisor);
    sched_check(limi_pool_start(&h.second.job) == LIMINAL_OK);
    shut(&h, 2, 2);
    sched_check(h.second.runs == 1);
}

/* ---- kept, and given back ---- */

static void keep(house *h, work *w)
{
    w->job = (limi_job){.plan = {.stack_bytes = 4096}, .supervisor = h->supervisor, .body = run, .argument = w};
    limi_supervisor_thread_more(h->supervisor);
    sched_check(limi_pool_keep(&w->job) == LIMINAL_OK);
}

/* So often its body is run: a new thread that has not come yet does so. */
static int give_back(work *w)
{
    return limi_pool_give_back(&w->job) ? 0 : 1;
}

#define KEPT 3 /* one more than leave at once */

/* Where none is to be idle all are given back, and leave, one behind the other, or serve another job first. */
static void give_all_back(bool come, bool another)
{
    house h;
    liminal_report report;
    work all[KEPT];
    int i, runs = 0, ran = 0;
    memset(&h, 0, sizeof h);
    memset(all, 0, sizeof all);
    h.supervisor = stage_open_with(LIMINAL_NO_IDLE_THREADS);
    for (i = 0; i < KEPT; i++) {
        keep(&h, &all[i]);
    }
    if (come) {
        sched_settle();
    }
    sched_quiet(false);
    for (i = 0; i < KEPT; i++) {
        runs += give_back(&all[i]);
    }
    sched_check(!come || runs == 0);
    if (another) {
        sched_check(start(&h, &h.first));
    }
    sched_check(liminal_supervisor_shutdown(&h.supervisor, &report, liminal_deadline_never()) == LIMINAL_OK);
    sched_check(report.threads >= KEPT && report.threads <= KEPT + (size_t)another);
    for (i = 0; i < KEPT; i++) {
        sched_check(all[i].runs <= 1);
        ran += all[i].runs;
    }
    sched_check(ran == runs && h.first.runs == another);
    sched_outcome(come ? (unsigned)report.threads - KEPT : (unsigned)runs);
}

static void all_leave_in_a_row(void)
{
    give_all_back(true, false);
}

static void a_start_meets_those_that_leave(void)
{
    give_all_back(true, true);
}

static void all_are_given_back_as_they_come(void)
{
    give_all_back(false, false);
}

static void kept(void **state)
{
    (void)state;
    assert_all(prove_widely(all_leave_in_a_row, .preemptions = 2, .turns = 1, .old = 1));
    assert_seen(prove_widely(a_start_meets_those_that_leave, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_seen(prove_widely(all_are_given_back_as_they_come, .preemptions = 2, .turns = 1, .old = 1), 15);
}

static void pool(void **state)
{
    (void)state;
    assert_seen(prove_widely(a_start_meets_one_that_becomes_idle, .preemptions = 3, .turns = SCHED_ANY, .old = 3), 3);
    assert_seen(prove_widely(two_starts_meet_one_that_is_idle, .preemptions = 2, .turns = SCHED_ANY, .old = 1), 3);
    assert_seen(prove_widely(a_start_looks_for_one_that_ends, .preemptions = 2, .turns = SCHED_ANY, .old = 1,
                             .spins = 2), 3);
    assert_seen(prove_widely(two_starts_look_for_one_that_ends, .preemptions = 2, .turns = 1, .old = 1,
                             .spins = 1), 7);
    assert_all(prove_widely(a_shutdown_meets_one_that_becomes_idle, .preemptions = 3, .turns = SCHED_ANY,
                             .old = 3));
    assert_all(prove_widely(a_start_dismisses_one_that_becomes_idle, .preemptions = 3, .turns = SCHED_ANY,
                             .old = 3));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pool),
        cmocka_unit_test(kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

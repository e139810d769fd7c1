/* SPDX-License-Identifier: MIT */
/* test_span.c -- two threads finish one span at once. */
#include "support/harness.h"

#include <liminal/span.h>

#include <sched.h>
#include <stdatomic.h>

enum { ROUNDS = 50, SPANS = 200 };

/* In each round the two race for one span after the other, and meet before each: what a gate wakes comes
 * some microseconds apart, which is no race. */
typedef struct track {
    liminal_span *spans[SPANS];
    atomic_size_t arrived;
    bool over;
} track;

typedef struct racer {
    test_thread thread;
    test_gate go, done;
    track *track;
    liminal_status results[SPANS];
} racer;

static void race(void *argument)
{
    racer *me = argument;
    track *on = me->track;
    for (;;) {
        test_gate_wait(&me->go);
        if (on->over) {
            return;
        }
        for (size_t i = 0; i < SPANS; i++) {
            (void)atomic_fetch_add(&on->arrived, 1);
            for (size_t spins = 1; atomic_load(&on->arrived) < 2 * (i + 1); spins++) {
                if (spins % 1024 == 0) {
                    (void)sched_yield(); /* with one processor; main's wait for `done` is the guard */
                }
            }
            me->results[i] = liminal_span_finish(on->spans[i], LIMINAL_OK, NULL);
        }
        test_gate_open(&me->done);
    }
}

/* How many got as far as the collector. */
static void count(void *context, const liminal_finished_span *span)
{
    (void)span;
    (void)atomic_fetch_add((atomic_size_t *)context, 1);
}

/* Each of the two wins at some time, and always one of them. */
static void two_threads_finish_at_once(void **state)
{
    static racer racers[2];
    static track on;
    atomic_size_t collected = 0;
    liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = &collected, .collect = count};
    liminal_span_options options = {
        LIMINAL_OPS(liminal_span_options),
        .collector = &collector,
        .allocator = test_allocator(),
    };
    size_t won[2] = {0, 0}, finished = 0;
    (void)state;
    for (int i = 0; i < 2; i++) {
        test_gate_init(&racers[i].go);
        test_gate_init(&racers[i].done);
        racers[i].track = &on;
        test_thread_start(&racers[i].thread, race, &racers[i]);
    }
    for (size_t round = 0; round < ROUNDS; round++) {
        for (size_t i = 0; i < SPANS; i++) {
            assert_int_equal(liminal_span_start("raced for", &options, &on.spans[i]), LIMINAL_OK);
        }
        atomic_store(&on.arrived, 0);
        test_gate_open(&racers[round & 1].go);
        test_gate_open(&racers[1 - (round & 1)].go);
        test_gate_wait(&racers[0].done);
        test_gate_wait(&racers[1].done);
        for (size_t i = 0; i < SPANS; i++) {
            bool first = racers[0].results[i] == LIMINAL_OK;
            finished++;
            won[first ? 0 : 1]++;
            (void)test_check(racers[first ? 0 : 1].results[i] == LIMINAL_OK);
            (void)test_check(racers[first ? 1 : 0].results[i] == LIMINAL_EPHASE);
            liminal_span_drop(&on.spans[i]);
        }
    }
    on.over = true;
    for (int i = 0; i < 2; i++) {
        test_gate_open(&racers[i].go);
        test_thread_join(&racers[i].thread);
    }
    assert_int_equal(atomic_load(&collected), finished);
    assert_true(won[0] > 0 && won[1] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(two_threads_finish_at_once)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

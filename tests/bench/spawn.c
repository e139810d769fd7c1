/* SPDX-License-Identifier: MIT */
/* spawn.c -- workloads: spawn a conversation, ask it once, close it, against threads that are started and joined.
 *
 * Two figures each. Fresh: many live at once under a new supervisor, so that every thread is a new one. Reused: one
 * after the other, so that a thread that has become idle can serve the next. Both include the opening and the shutdown
 * of their supervisor, which joins all that it has started.
 *
 * Of the bare threads that are started at once hardly two live at once: each ends by itself while the next is being
 * started, is woken by nobody, and leaves its stack to the next, the kernel's part of which is dear. What a crowd of
 * them costs, of which each lives until it is told to end, is said beside it: that is as much as new conversations that
 * live at once could reach. It has no bound. */
#include "bench.h"

#define FRESH_BOUND 1
#define REUSED_BOUND 5
#define MOST_AT_ONCE 32

typedef struct plan {
    liminal_participant_kind kind;
    int threads;       /* that a conversation has */
    int conversations; /* one after the other */
    int at_once;
} plan;

static void close_it(liminal_conversation *talk)
{
    bench_must(liminal_conversation_close(talk, liminal_deadline_in_ms(5000)));
    liminal_conversation_drop(&talk);
}

static void spawn_at_once(void *self)
{
    const plan *wanted = self;
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *talks[MOST_AT_ONCE];
    int i;
    for (i = 0; i < wanted->at_once; i++) {
        talks[i] = bench_spawn(house, wanted->kind);
        bench_ask(talks[i]);
    }
    for (i = 0; i < wanted->at_once; i++) {
        close_it(talks[i]);
    }
    bench_shut(house);
}

static void threads_at_once(void *self)
{
    const plan *wanted = self;
    int threads = wanted->at_once * wanted->threads;
    bench_threads_call(&threads);
}

static void crowd_at_once(void *self)
{
    const plan *wanted = self;
    int threads = wanted->at_once * wanted->threads;
    bench_crowd_call(&threads);
}

static void spawn_in_turn(void *self)
{
    const plan *wanted = self;
    liminal_supervisor *house = bench_open(NULL);
    int i;
    for (i = 0; i < wanted->conversations; i++) {
        liminal_conversation *talk = bench_spawn(house, wanted->kind);
        bench_ask(talk);
        close_it(talk);
    }
    bench_shut(house);
}

static void threads_in_turn(void *self)
{
    const plan *wanted = self;
    int i, threads = wanted->threads;
    for (i = 0; i < wanted->conversations; i++) {
        bench_threads_call(&threads);
    }
}

static void fight_at_once(const char *workload, const char *limit_name, plan *wanted, void (*limit)(void *self),
                          double bound)
{
    bench_fight(&(bench_duel){.workload = workload, .limit_name = limit_name,
                              .measure = BENCH_RATE, .rounds = bench_scale(31, 3), .calls = 1,
                              .ours = {.call = spawn_at_once, .self = wanted, .operations = wanted->at_once},
                              .limit = {.call = limit, .self = wanted, .operations = wanted->at_once},
                              .bound = bound});
}

static void spawn(const char *fresh, const char *crowd, const char *reused, plan wanted)
{
    if (bench.count != 0) {
        spawn_in_turn(&wanted);
        return;
    }
    bench_fight(&(bench_duel){.workload = reused, .limit_name = "as many threads started and joined, in turn",
                              .measure = BENCH_RATE, .rounds = bench_scale(31, 3), .calls = 1,
                              .ours = {.call = spawn_in_turn, .self = &wanted, .operations = wanted.conversations},
                              .limit = {.call = threads_in_turn, .self = &wanted, .operations = wanted.conversations},
                              .bound = REUSED_BOUND});
    fight_at_once(fresh, "as many threads started at once, then joined", &wanted, threads_at_once, FRESH_BOUND);
    fight_at_once(crowd, "as many threads that live at once, told to end, then joined", &wanted, crowd_at_once, 0);
}

static plan plan_for(liminal_participant_kind kind, int threads)
{
    return (plan){.kind = kind, .threads = threads, .at_once = (int)bench_scale(MOST_AT_ONCE, 6),
                  .conversations = bench.count != 0 ? (int)bench.count : (int)bench_scale(200, 6)};
}

void bench_spawn_inline(void)
{
    spawn("spawn-inline-fresh", "spawn-inline-crowd", "spawn-inline", plan_for(LIMINAL_PARTICIPANT_INLINE, 1));
}

void bench_spawn_threaded(void)
{
    spawn("spawn-threaded-fresh", "spawn-threaded-crowd", "spawn-threaded",
          plan_for(LIMINAL_PARTICIPANT_THREAD, 2));
}

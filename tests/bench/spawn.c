/* SPDX-License-Identifier: MIT */
/* spawn.c -- workloads: spawn a conversation, ask it once, close it, against threads that are started and joined.
 *
 * Three figures each. Reused: one after the other, so that a thread that has become idle can serve the next. Fresh:
 * the same with none kept for later, so that every thread is a new one. Crowd: many live at once, and so do the bare
 * threads beside them; for one that ends by itself as soon as it has begun gives its stack, the kernel's part of which
 * is dear, to the next, and is not woken. All include the opening and the shutdown of their supervisor, which joins
 * all that it has started. */
#include "bench.h"

#define FRESH_BOUND 1
#define REUSED_BOUND 5
#define MOST_AT_ONCE 32

typedef struct plan {
    liminal_participant_kind kind;
    int threads;       /* that a conversation has */
    size_t idle;       /* as in the options of a supervisor */
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
    bench_crowd_call(&threads);
}

static void spawn_in_turn(void *self)
{
    const plan *wanted = self;
    liminal_supervisor *house = bench_open(&(liminal_supervisor_options){LIMINAL_OPS(liminal_supervisor_options),
                                                                         .idle_threads = wanted->idle});
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

static void fight_in_turn(const char *workload, plan wanted, size_t idle, double bound)
{
    wanted.idle = idle;
    bench_fight(&(bench_duel){.workload = workload, .limit_name = "as many threads started and joined, in turn",
                              .measure = BENCH_RATE, .rounds = bench_scale(31, 3), .calls = 1,
                              .ours = {.call = spawn_in_turn, .self = &wanted, .operations = wanted.conversations},
                              .limit = {.call = threads_in_turn, .self = &wanted, .operations = wanted.conversations},
                              .bound = bound});
}

static void spawn(const char *reused, const char *fresh, const char *crowd, plan wanted)
{
    if (bench.count != 0) {
        spawn_in_turn(&wanted);
        return;
    }
    fight_in_turn(reused, wanted, 0, REUSED_BOUND);
    fight_in_turn(fresh, wanted, LIMINAL_NO_IDLE_THREADS, FRESH_BOUND);
    bench_fight(&(bench_duel){.workload = crowd, .limit_name = "as many threads that live at once, told to end, joined",
                              .measure = BENCH_RATE, .rounds = bench_scale(31, 3), .calls = 1,
                              .ours = {.call = spawn_at_once, .self = &wanted, .operations = wanted.at_once},
                              .limit = {.call = threads_at_once, .self = &wanted, .operations = wanted.at_once},
                              .bound = FRESH_BOUND});
}

static plan plan_for(liminal_participant_kind kind, int threads)
{
    return (plan){.kind = kind, .threads = threads, .at_once = (int)bench_scale(MOST_AT_ONCE, 6),
                  .conversations = bench.count != 0 ? (int)bench.count : (int)bench_scale(200, 6)};
}

void bench_spawn_inline(void)
{
    spawn("spawn-inline", "spawn-inline-fresh", "spawn-inline-crowd", plan_for(LIMINAL_PARTICIPANT_INLINE, 1));
}

void bench_spawn_threaded(void)
{
    spawn("spawn-threaded", "spawn-threaded-fresh", "spawn-threaded-crowd",
          plan_for(LIMINAL_PARTICIPANT_THREAD, 2));
}

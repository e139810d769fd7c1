/* SPDX-License-Identifier: MIT */
/* pinned.c -- workload: with one processor, nothing is slower than two threads that hand a word back and forth through
 * a futex. In a process of its own that is pinned before it starts a thread; `taskset -c 0 liminal-bench one-processor`
 * is the same. */
#include "bench.h"

#define PINNED_BOUND 1

/* Send so many, and wait for the last one: an ask that nobody answers ends when it has been consumed. */
static void send_many(void *traffic)
{
    const bench_traffic *wanted = traffic;
    liminal_envelope *last = NULL, *none = NULL;
    unsigned char bytes[BENCH_BYTES];
    liminal_status st;
    long i;
    bench_fill(bytes, 1);
    for (i = 0; i < wanted->messages; i++) {
        liminal_envelope *message = NULL;
        bench_must(liminal_envelope_create(bytes, sizeof bytes, NULL, &message));
        bench_must(liminal_conversation_send(wanted->talk, &message, liminal_deadline_never()));
    }
    bench_must(liminal_envelope_create(bytes, sizeof bytes, NULL, &last));
    st = liminal_conversation_ask(wanted->talk, &last, &none, liminal_deadline_in_ms(5000));
    if (st != LIMINAL_ECANCELED) {
        bench_stop("a silent participant made an ask end with %s", liminal_status_name(st));
    }
}

/* As many there-and-backs as one call of ours does operations. */
typedef struct match {
    bench_pingpong *game;
    long operations;
} match;

static void play(void *self)
{
    const match *of = self;
    long i;
    for (i = 0; i < of->operations; i++) {
        bench_pingpong_call(of->game);
    }
}

static void fight(const char *workload, bench_side ours, bench_measure measure, long calls, bench_pingpong *game)
{
    match of = {.game = game, .operations = ours.operations != 0 ? ours.operations : 1};
    bench_fight(&(bench_duel){.workload = workload, .measure = measure, .ours = ours,
                              .limit_name = "two threads hand a word back and forth through a futex",
                              .limit = {.call = play, .self = &of, .operations = of.operations},
                              .rounds = bench_scale(101, 3), .calls = calls, .bound = PINNED_BOUND});
}

void bench_one_processor(void)
{
    const liminal_config nobody = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    const liminal_config waiting = {LIMINAL_OPS(liminal_config), .overflow = LIMINAL_OVERFLOW_WAIT};
    liminal_supervisor *house;
    liminal_conversation *inlined, *threaded, *buffer = NULL;
    bench_traffic traffic = {.messages = bench_scale(1000, 100), .producers = 1};
    bench_pingpong *game;
    long calls = bench_scale(250, 20);
    if (bench.count != 0) {
        bench_stop("one-processor has no --count; try --one-processor --count N ask-busy");
    }
    if (bench_processors() != 1) {
        if (!bench_child_pass_on("one-processor", true)) {
            bench_stop("one-processor failed");
        }
        return;
    }
    house = bench_open(NULL);
    game = bench_pingpong_open(false);
    inlined = bench_spawn(house, LIMINAL_PARTICIPANT_INLINE);
    threaded = bench_spawn(house, LIMINAL_PARTICIPANT_THREAD);
    traffic.talk = bench_spawn_with(house, &waiting, LIMINAL_PARTICIPANT_THREAD, &bench_silent, NULL);
    bench_must(liminal_supervisor_spawn(house, &nobody, &buffer));
    fight("one-processor-ask-inline", (bench_side){.call = bench_ask, .self = inlined}, BENCH_EACH, calls, game);
    fight("one-processor-ask-threaded", (bench_side){.call = bench_ask, .self = threaded}, BENCH_EACH, calls, game);
    fight("one-processor-oneway",
          (bench_side){.call = send_many, .self = &traffic, .operations = traffic.messages}, BENCH_BATCH, 1, game);
    fight("one-processor-buffer", (bench_side){.call = bench_send_and_receive, .self = buffer}, BENCH_EACH, calls,
          game);
    bench_pingpong_close(game);
    liminal_conversation_drop(&inlined);
    liminal_conversation_drop(&threaded);
    liminal_conversation_drop(&traffic.talk);
    liminal_conversation_drop(&buffer);
    bench_shut(house);
}

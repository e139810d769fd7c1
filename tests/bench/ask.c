/* SPDX-License-Identifier: MIT */
/* ask.c -- workloads: 64 bytes there and back, with ids, log, trace context and deadline on. */
#include "bench.h"

#define ASK_INLINE_BOUND 12
#define ASK_BUSY_BOUND 4
#define ASK_RARE_BOUND 1.15

/* Who spins hands a word over in a tenth of this, there and back, if both have a processor for themselves. */
#define SPINNING_MOST_NS 5000

void bench_ask_inline(void)
{
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *talk = bench_spawn(house, LIMINAL_PARTICIPANT_INLINE);
    unsigned counter = 0;
    bench_fight(&(bench_duel){.workload = "ask-inline", .measure = BENCH_BATCH,
                              .limit_name = "a function that mallocs, fills, checks and frees 64 bytes",
                              .ours = {.call = bench_ask, .self = talk},
                              .limit = {.call = bench_plain_call, .self = &counter},
                              .rounds = bench_scale(401, 3), .calls = bench_scale(250, 100),
                              .bound = ASK_INLINE_BOUND});
    liminal_conversation_drop(&talk);
    bench_shut(house);
}

static void ask_threaded(const char *workload, const char *limit_name, bool spin, long calls, double pace_ns,
                         double bound)
{
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *talk = bench_spawn(house, LIMINAL_PARTICIPANT_THREAD);
    bench_pingpong *game = bench_pingpong_open(spin);
    bench_fight(&(bench_duel){.workload = workload, .limit_name = limit_name, .measure = BENCH_EACH,
                              .ours = {.call = bench_ask, .self = talk},
                              .limit = {.call = bench_pingpong_call, .self = game},
                              .rounds = bench_scale(31, 3), .calls = calls, .pace_ns = pace_ns, .bound = bound,
                              .limit_most = spin && bench_processors() > 1 ? SPINNING_MOST_NS : 0});
    bench_pingpong_close(game);
    liminal_conversation_drop(&talk);
    bench_shut(house);
}

void bench_ask_busy(void)
{
    ask_threaded("ask-busy", "two threads hand a word back and forth, spinning before they sleep", true,
                 bench_scale(3000, 100), 0, ASK_BUSY_BOUND);
}

/* One each 2 ms, so that everyone sleeps: one wake there, one wake back. */
void bench_ask_rare(void)
{
    ask_threaded("ask-rare", "two threads hand a word back and forth through a futex, at the same pace", false,
                 bench_scale(32, 3), 2e6, ASK_RARE_BOUND);
}

/* SPDX-License-Identifier: MIT */
/* span.c -- workloads: a span that is started, finished and dropped, against a read of the clock. */
#include "bench.h"

#define SPAN_BOUND 3
#define COLLECTED_BOUND 5

static void count(void *context, const liminal_finished_span *span)
{
    *(long *)context += span->status == LIMINAL_OK;
}

static void start_and_finish(void *options)
{
    liminal_span *span = NULL;
    bench_must(liminal_span_start("bench", options, &span));
    bench_must(liminal_span_finish(span, LIMINAL_OK, NULL));
    liminal_span_drop(&span);
}

static void read_clock(void *sum)
{
    *(double *)sum += bench_now_ns();
}

static void fight(const char *workload, liminal_span_options *options, double bound)
{
    double sum = 0;
    bench_fight(&(bench_duel){.workload = workload, .limit_name = "a read of the monotonic clock",
                              .measure = BENCH_BATCH, .ours = {.call = start_and_finish, .self = options},
                              .limit = {.call = read_clock, .self = &sum}, .rounds = bench_scale(401, 3),
                              .calls = bench_scale(250, 100), .bound = bound});
}

void bench_span(void)
{
    fight("span", &(liminal_span_options){LIMINAL_OPS(liminal_span_options)}, SPAN_BOUND);
}

void bench_span_collector(void)
{
    long counted = 0;
    const liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = &counted, .collect = count};
    fight("span-collector", &(liminal_span_options){LIMINAL_OPS(liminal_span_options), .collector = &collector},
          COLLECTED_BOUND);
    if (counted == 0) {
        bench_stop("the collector was not called");
    }
}

/* SPDX-License-Identifier: MIT */
/* duel.c -- ours against the bare limit, in turn, round by round. */
#include "bench.h"

#include <stdio.h>

typedef struct score {
    bench_samples taken;     /* ns an operation, what the ratio is made of */
    bench_samples processor; /* ns an operation */
} score;

/* One round of one side. `each`: a sample for every call; otherwise one for the mean of all. */
static void measure(const bench_duel *duel, const bench_side *side, bool each, bench_samples *taken,
                    bench_samples *processor)
{
    double operations = (double)(duel->calls * (duel->operations != 0 ? duel->operations : 1));
    double worked = bench_processor_ns();
    double began = bench_now_ns(), next = began, call_began;
    long i;
    for (i = 0; i < duel->calls; i++) {
        if (duel->pace_ns > 0) {
            next += duel->pace_ns;
            bench_sleep_until_ns(next);
        }
        if (each) {
            call_began = bench_now_ns();
            side->call(side->self);
            bench_add(taken, bench_now_ns() - call_began);
        } else {
            side->call(side->self);
        }
    }
    if (!each) {
        bench_add(taken, (bench_now_ns() - began) / operations);
    }
    if (processor != NULL) {
        bench_add(processor, (bench_processor_ns() - worked) / operations);
    }
}

static void say_quantiles(const char *workload, bench_samples *taken, const char *prefix)
{
    static const struct {
        const char *name;
        double q;
    } wanted[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
    char metric[64];
    size_t i;
    for (i = 0; i < sizeof wanted / sizeof wanted[0]; i++) {
        snprintf(metric, sizeof metric, "%s%s", prefix, wanted[i].name);
        bench_say(workload, metric, bench_quantile(taken, wanted[i].q), "ns", NULL);
    }
}

static double say(const bench_duel *duel, score *ours, score *limit, bench_samples *each)
{
    double our_ns = bench_median(&ours->taken), limit_ns = bench_median(&limit->taken), ratio;
    if (duel->measure == BENCH_RATE) {
        ratio = limit_ns / our_ns;
        bench_say(duel->workload, "rate", 1e6 / our_ns, "k/s", NULL);
        bench_say(duel->workload, "limit", 1e6 / limit_ns, "k/s", duel->limit_name);
        bench_say_bound(duel->workload, "ratio", ratio, "x", BENCH_AT_LEAST, duel->bound);
    } else {
        ratio = our_ns / limit_ns;
        bench_say(duel->workload, "median", our_ns, "ns", NULL);
        bench_say(duel->workload, "limit", limit_ns, "ns", duel->limit_name);
        bench_say_bound(duel->workload, "ratio", ratio, "x", BENCH_AT_MOST, duel->bound);
        if (duel->measure == BENCH_EACH) {
            say_quantiles(duel->workload, &ours->taken, "");
            say_quantiles(duel->workload, &limit->taken, "limit-");
        } else {
            say_quantiles(duel->workload, each, "");
        }
    }
    bench_say(duel->workload, "processor", bench_median(&ours->processor), "ns", NULL);
    bench_say(duel->workload, "limit-processor", bench_median(&limit->processor), "ns", NULL);
    return ratio;
}

static void clear(score *of)
{
    bench_clear(&of->taken);
    bench_clear(&of->processor);
}

double bench_fight(const bench_duel *duel)
{
    long rounds = bench.rounds != 0 ? bench.rounds : duel->rounds, round;
    bool each = duel->measure == BENCH_EACH;
    score ours = {0}, limit = {0};
    bench_samples quantiles = {0}, unused = {0};
    double ratio;
    if (bench.count != 0) {
        for (round = 0; round < bench.count; round++) {
            duel->ours.call(duel->ours.self);
        }
        return 0;
    }
    measure(duel, &duel->limit, false, &unused, NULL); /* to be warm */
    measure(duel, &duel->ours, false, &unused, NULL);
    for (round = 0; round < rounds; round++) {
        measure(duel, &duel->limit, each, &limit.taken, &limit.processor);
        measure(duel, &duel->ours, each, &ours.taken, &ours.processor);
        if (duel->measure == BENCH_BATCH) {
            measure(duel, &duel->ours, true, &quantiles, NULL);
        }
    }
    ratio = say(duel, &ours, &limit, &quantiles);
    clear(&ours);
    clear(&limit);
    bench_clear(&quantiles);
    bench_clear(&unused);
    return ratio;
}

/* SPDX-License-Identifier: MIT */
/* duel.c -- ours against the bare limit, in turn, round by round. */
#include "bench.h"

#include <stdio.h>

typedef struct score {
    bench_samples taken;     /* ns an operation, what the ratio is made of */
    bench_samples processor; /* ns an operation */
} score;

static long operations(const bench_side *side)
{
    return side->operations != 0 ? side->operations : 1;
}

/* One call, and how long it took in ns. */
static double time_call(const bench_side *side)
{
    double began;
    if (side->timed != NULL) {
        return side->timed(side->self);
    }
    began = bench_now_ns();
    side->call(side->self);
    return bench_now_ns() - began;
}

/* One round of one side. `each`: a sample for every call; otherwise one for the mean of all. */
static void measure(const bench_duel *duel, const bench_side *side, bool each, score *into)
{
    double done = (double)(duel->calls * operations(side)), worked = bench_processor_ns();
    double began = bench_now_ns(), next = began;
    long i;
    for (i = 0; i < duel->calls; i++) {
        if (duel->pace_ns > 0) {
            next += duel->pace_ns;
            bench_sleep_until_ns(next);
        }
        if (each) {
            bench_add(&into->taken, time_call(side));
        } else {
            side->call(side->self);
        }
    }
    if (!each) {
        bench_add(&into->taken, (bench_now_ns() - began) / done);
    }
    bench_add(&into->processor, (bench_processor_ns() - worked) / done);
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

static void say_ratio(const bench_duel *duel, double ratio, double limit_ns)
{
    bench_relation relation = duel->measure == BENCH_RATE ? BENCH_AT_LEAST : BENCH_AT_MOST;
    if (duel->unjudged != NULL) {
        bench_say_unjudged(duel->workload, "ratio", ratio, "x", duel->unjudged);
    } else if (duel->limit_most > 0 && limit_ns > duel->limit_most) {
        bench_say_unjudged(duel->workload, "ratio", ratio, "x", "the machine was too busy for the limit");
    } else {
        bench_say_bound(duel->workload, "ratio", ratio, "x", relation, duel->bound > 0 ? duel->bound : -1);
    }
}

static double say(const bench_duel *duel, score *ours, score *limit, score *stamped)
{
    double our_ns = bench_median(&ours->taken), limit_ns = bench_median(&limit->taken), ratio;
    if (duel->measure == BENCH_RATE) {
        ratio = limit_ns / our_ns;
        bench_say(duel->workload, "rate", 1e6 / our_ns, "k/s", NULL);
        bench_say(duel->workload, "limit", 1e6 / limit_ns, "k/s", duel->limit_name);
    } else {
        ratio = our_ns / limit_ns;
        bench_say(duel->workload, "median", our_ns, "ns", NULL);
        bench_say(duel->workload, "limit", limit_ns, "ns", duel->limit_name);
    }
    say_ratio(duel, ratio, limit_ns);
    if (duel->measure == BENCH_EACH) {
        say_quantiles(duel->workload, &ours->taken, "");
        say_quantiles(duel->workload, &limit->taken, "limit-");
    } else if (stamped->taken.count != 0) {
        say_quantiles(duel->workload, &stamped->taken, "");
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

static void only_count(const bench_side *side)
{
    long i;
    for (i = 0; i < bench.count; i++) {
        if (side->timed != NULL) {
            (void)side->timed(side->self);
        } else {
            side->call(side->self);
        }
    }
}

double bench_fight(const bench_duel *duel)
{
    long rounds = bench.rounds != 0 ? bench.rounds : duel->rounds, round;
    bool each = duel->measure == BENCH_EACH;
    score ours = {0}, limit = {0}, stamped = {0}, unused = {0};
    double ratio;
    if (bench.count != 0) {
        only_count(&duel->ours);
        return 0;
    }
    measure(duel, &duel->limit, each, &unused); /* to be warm */
    measure(duel, &duel->ours, each, &unused);
    for (round = 0; round < rounds; round++) {
        measure(duel, &duel->limit, each, &limit);
        measure(duel, &duel->ours, each, &ours);
        if (duel->measure == BENCH_BATCH && operations(&duel->ours) == 1) {
            measure(duel, &duel->ours, true, &stamped);
        }
    }
    ratio = say(duel, &ours, &limit, &stamped);
    clear(&ours);
    clear(&limit);
    clear(&stamped);
    clear(&unused);
    return ratio;
}

/* SPDX-License-Identifier: MIT */
/* figures.c -- samples, their quantiles, and the lines that are printed. */
#include "bench.h"

#include <stdio.h>
#include <stdlib.h>

void bench_add(bench_samples *samples, double value)
{
    if (samples->count == samples->room) {
        samples->room = samples->room == 0 ? 1024 : 2 * samples->room;
        samples->values = realloc(samples->values, samples->room * sizeof samples->values[0]);
        if (samples->values == NULL) {
            bench_stop("no memory for the samples");
        }
    }
    samples->values[samples->count++] = value;
}

void bench_clear(bench_samples *samples)
{
    free(samples->values);
    *samples = (bench_samples){0};
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

double bench_quantile(bench_samples *samples, double q)
{
    size_t rank;
    if (samples->count == 0) {
        bench_stop("nothing was measured");
    }
    qsort(samples->values, samples->count, sizeof samples->values[0], by_value);
    rank = (size_t)(q * (double)samples->count);
    return samples->values[rank < samples->count ? rank : samples->count - 1];
}

double bench_median(bench_samples *samples)
{
    return bench_quantile(samples, 0.5);
}

/* Three digits that mean something, never an exponent. */
static void print_value(double value)
{
    double size = value < 0 ? -value : value;
    printf("%.*f", size >= 100 || value == (double)(long)value ? 0 : size >= 10 ? 1 : 2, value);
}

static void begin_line(const char *workload, const char *metric, double value, const char *unit)
{
    printf("%s %s ", workload, metric);
    print_value(value);
    printf(" %s", unit);
}

void bench_say(const char *workload, const char *metric, double value, const char *unit, const char *remark)
{
    begin_line(workload, metric, value, unit);
    if (remark != NULL) {
        printf(" (%s)", remark);
    }
    printf("\n");
    fflush(stdout);
}

void bench_say_bound(const char *workload, const char *metric, double value, const char *unit, bench_relation relation,
                     double bound)
{
    bool met = relation == BENCH_AT_MOST ? value <= bound : value >= bound;
    if (bound < 0) {
        bench_say(workload, metric, value, unit, NULL);
        return;
    }
    begin_line(workload, metric, value, unit);
    printf(" (at %s ", relation == BENCH_AT_MOST ? "most" : "least");
    print_value(bound);
    printf(") %s\n", met ? "met" : "missed");
    fflush(stdout);
    bench.missed += !met;
}

void bench_say_unjudged(const char *workload, const char *metric, double value, const char *unit, const char *why)
{
    begin_line(workload, metric, value, unit);
    printf(" (no verdict: %s)\n", why);
    fflush(stdout);
    bench.unjudged++;
}

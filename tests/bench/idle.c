/* SPDX-License-Identifier: MIT */
/* idle.c -- workloads: many live conversations that do nothing, against as many threads that do nothing.
 *
 * Each measurement is made in a process of its own, which prints how many it got, the resident bytes and the
 * nanoseconds of each, and, if it got fewer than it wanted, what stopped it. A conversation has an inline participant,
 * so one thread. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMORY_BOUND 1536 /* bytes more than a bare thread */
#define CREATION_BOUND 1.3

static void print_each(long got, double bytes, double ns)
{
    printf("%ld\n%.0f\n%.0f\n", got, bytes / (double)got, ns / (double)got);
}

/* Long enough for every thread to have come to its rest. */
static void come_to_rest(void)
{
    bench_sleep_until_ns(bench_now_ns() + 200e6);
}

void bench_idle_conversations(long number)
{
    liminal_supervisor *house = bench_open(NULL);
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &bench_answering};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation **talks = calloc((size_t)number, sizeof(liminal_conversation *));
    liminal_status st = LIMINAL_OK;
    double before, began, ns;
    long got;
    if (talks == NULL) {
        bench_stop("no memory");
    }
    memset(talks, 0xff, (size_t)number * sizeof(liminal_conversation *)); /* resident before it counts */
    before = bench_resident();
    began = bench_now_ns();
    for (got = 0; got < number && st == LIMINAL_OK; got += st == LIMINAL_OK) {
        talks[got] = NULL;
        st = liminal_supervisor_spawn(house, &config, &talks[got]);
    }
    ns = bench_now_ns() - began;
    if (st != LIMINAL_OK) {
        printf("%s; %s\n", liminal_status_detail(), bench_limits());
    }
    come_to_rest();
    print_each(got, bench_resident() - before, ns);
}

static void *sleep_for_ever(void *unused)
{
    static _Atomic(unsigned) never;
    while (atomic_load(&never) == 0) {
        bench_word_wait(&never, 0);
    }
    return unused;
}

void bench_idle_threads(long number)
{
    pthread_t *threads = calloc((size_t)number, sizeof *threads);
    pthread_attr_t attributes;
    double before, began, ns;
    int failed = 0;
    long got;
    if (threads == NULL || pthread_attr_init(&attributes) != 0) {
        bench_stop("no memory");
    }
    pthread_attr_setstacksize(&attributes, LIMINAL_DEFAULT_STACK_BYTES);
    memset(threads, 0xff, (size_t)number * sizeof *threads);
    before = bench_resident();
    began = bench_now_ns();
    for (got = 0; got < number && failed == 0; got += failed == 0) {
        failed = pthread_create(&threads[got], &attributes, sleep_for_ever, NULL);
    }
    ns = bench_now_ns() - began;
    if (failed != 0) {
        printf("%s; %s\n", strerror(failed), bench_limits());
    }
    come_to_rest();
    print_each(got, bench_resident() - before, ns);
}

typedef struct side {
    const char *job;
    bench_samples bytes, ns;
    double got;
    char text[sizeof((bench_child *)0)->text];
} side;

static void measure(side *one, long number)
{
    bench_child child = bench_child_run(one->job, number);
    if (child.count != 3) {
        bench_stop("%s did not say what it measured", one->job);
    }
    one->got = child.values[0];
    bench_add(&one->bytes, child.values[1]);
    bench_add(&one->ns, child.values[2]);
    memcpy(one->text, child.text, sizeof one->text);
}

static void idle(const char *workload, long number)
{
    long rounds = bench.rounds != 0 ? bench.rounds : bench_scale(3, 1), round;
    side ours = {.job = "idle-conversations"}, bare = {.job = "idle-threads"};
    double bytes, bare_bytes, ns, bare_ns;
    if (bench.count != 0) {
        bench_stop("%s has no --count", workload);
    }
    for (round = 0; round < rounds; round++) {
        measure(&bare, number);
        measure(&ours, number);
    }
    if (ours.text[0] != '\0') {
        bench_say(workload, "stopped-at", ours.got, "conversations", ours.text);
    }
    if (bare.text[0] != '\0') {
        bench_say(workload, "limit-stopped-at", bare.got, "threads", bare.text);
    }
    bytes = bench_median(&ours.bytes);
    bare_bytes = bench_median(&bare.bytes);
    ns = bench_median(&ours.ns);
    bare_ns = bench_median(&bare.ns);
    bench_say(workload, "resident", bytes, "B", NULL);
    bench_say(workload, "limit-resident", bare_bytes, "B", "an idle thread with as large a stack");
    bench_say_bound(workload, "more-resident", bytes - bare_bytes, "B", BENCH_AT_MOST, MEMORY_BOUND);
    bench_say(workload, "creation", ns, "ns", NULL);
    bench_say(workload, "limit-creation", bare_ns, "ns", "the start of that thread");
    bench_say_bound(workload, "creation-ratio", ns / bare_ns, "x", BENCH_AT_MOST, CREATION_BOUND);
    bench_clear(&ours.bytes);
    bench_clear(&ours.ns);
    bench_clear(&bare.bytes);
    bench_clear(&bare.ns);
}

void bench_idle_10000(void)
{
    idle("idle-10000", bench_scale(10000, 20));
}

void bench_idle_30000(void)
{
    idle("idle-30000", bench_scale(30000, 20));
}

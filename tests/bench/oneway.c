/* SPDX-License-Identifier: MIT */
/* oneway.c -- workloads: producers send, a threaded participant counts.
 *
 * The limit's nodes hold the payload and no more, which is small enough for the fast lists of an allocator that has
 * such. How it fares with nodes of the size of an envelope is said beside, without a bound. */
#include "bench.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

#define ONEWAY_BOUND 0.7
#define MOST_PRODUCERS 16

/* The participant's, except while it has nothing to count. */
typedef struct counter {
    long counted, expected;
    sem_t done;
} counter;

static liminal_status count(void *self, const liminal_envelope *message, liminal_envelope **out)
{
    counter *to = self;
    (void)out;
    to->counted += *(const unsigned char *)liminal_envelope_data(message) != 0;
    if (to->counted == to->expected) {
        sem_post(&to->done);
    }
    return LIMINAL_OK;
}
static const liminal_behaviour counting = {LIMINAL_OPS(liminal_behaviour), .answer = count};

typedef struct ours {
    bench_traffic traffic;
    counter counter;
    liminal_envelope_options options;
    long each;
} ours;

static void *produce(void *self)
{
    const ours *by = self;
    unsigned char bytes[BENCH_BYTES];
    long i;
    for (i = 0; i < by->each; i++) {
        liminal_envelope *message = NULL;
        bench_fill(bytes, 1);
        bench_must(liminal_envelope_create(bytes, sizeof bytes, &by->options, &message));
        bench_must(liminal_conversation_send(by->traffic.talk, &message, liminal_deadline_never()));
    }
    return NULL;
}

static void send_all(void *self)
{
    ours *by = self;
    pthread_t producers[MOST_PRODUCERS];
    int i;
    by->each = by->traffic.messages / by->traffic.producers;
    by->counter.counted = 0;
    by->counter.expected = by->each * by->traffic.producers;
    if (by->counter.expected == 0) {
        return;
    }
    for (i = 1; i < by->traffic.producers; i++) {
        bench_thread_start(&producers[i], produce, by);
    }
    produce(by);
    for (i = 1; i < by->traffic.producers; i++) {
        pthread_join(producers[i], NULL);
    }
    while (sem_wait(&by->counter.done) != 0) {
    }
}

/* With its payload. */
static size_t envelope_bytes(void)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options)};
    liminal_envelope *one = NULL;
    bench_meter meter;
    size_t bytes;
    bench_meter_init(&meter);
    options.allocator = &meter.table;
    bench_must(liminal_envelope_create("", 0, &options, &one));
    bytes = atomic_load(&meter.live) + BENCH_BYTES;
    liminal_envelope_drop(&one);
    return bytes;
}

/* How many messages exist at once, at most, when all is sent once more with counted memory: as many as the mailbox
 * admits, one in the log, one being counted, and with each producer one that it has made and waits with. */
static void say_peak(const char *workload, int producers)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .overflow = LIMINAL_OVERFLOW_WAIT, .log_entries = 1};
    liminal_supervisor *house = bench_open(NULL);
    ours by = {.traffic = {.messages = bench_scale(100000, 2000), .producers = producers}};
    bench_meter meter;
    bench_meter_init(&meter);
    by.options = (liminal_envelope_options){LIMINAL_OPS(liminal_envelope_options), .allocator = &meter.table};
    sem_init(&by.counter.done, 0, 0);
    by.traffic.talk = bench_spawn_with(house, &config, LIMINAL_PARTICIPANT_THREAD, &counting, &by.counter);
    send_all(&by);
    liminal_conversation_drop(&by.traffic.talk);
    bench_shut(house);
    sem_destroy(&by.counter.done);
    bench_say_bound(workload, "peak", (double)atomic_load(&meter.peak) / (double)envelope_bytes(), "messages",
                    BENCH_AT_MOST, LIMINAL_DEFAULT_MAILBOX_MESSAGES + 2 + producers);
}

static void fight(const char *workload, const char *limit_name, ours *by, size_t node_bytes, double bound)
{
    bench_traffic bare = by->traffic;
    bare.node_bytes = node_bytes;
    bench_fight(&(bench_duel){.workload = workload, .measure = BENCH_RATE, .limit_name = limit_name,
                              .ours = {.call = send_all, .self = by, .operations = by->traffic.messages},
                              .limit = {.call = bench_list_call, .self = &bare, .operations = bare.messages},
                              .rounds = bench_scale(31, 3), .calls = 1, .bound = bound});
}

static void oneway(const char *workload, const char *wide, int producers)
{
    const liminal_config waiting = {LIMINAL_OPS(liminal_config), .overflow = LIMINAL_OVERFLOW_WAIT};
    liminal_supervisor *house = bench_open(NULL);
    ours by = {.traffic = {.messages = bench.count != 0 ? bench.count : bench_scale(20000, 500),
                           .producers = producers},
               .options = {LIMINAL_OPS(liminal_envelope_options)}};
    sem_init(&by.counter.done, 0, 0);
    by.traffic.talk = bench_spawn_with(house, &waiting, LIMINAL_PARTICIPANT_THREAD, &counting, &by.counter);
    if (bench.count != 0) {
        send_all(&by);
    } else {
        fight(workload, "a lock-free list of malloc'd nodes, emptied by a thread", &by, 0, ONEWAY_BOUND);
        fight(wide, "the same list with nodes as large as an envelope", &by, envelope_bytes(), 0);
    }
    liminal_conversation_drop(&by.traffic.talk);
    bench_shut(house);
    sem_destroy(&by.counter.done);
    if (bench.count == 0) {
        say_peak(workload, producers);
    }
}

void bench_oneway_1(void)
{
    oneway("oneway-1", "oneway-1-wide", 1);
}

void bench_oneway_4(void)
{
    oneway("oneway-4", "oneway-4-wide", 4);
}

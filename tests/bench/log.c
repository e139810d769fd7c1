/* SPDX-License-Identifier: MIT */
/* log.c -- workload: what the context log costs: bytes an entry beside the envelope, copies, and its share of an ask.
 *
 * Each ask makes two entries, sent and received. The share is the time that recording two entries takes on a bare
 * state (record.h) of the time of an ask, measured in turn. */
#include "bench.h"

#include <liminal/record.h>
#include <stdatomic.h>
#include <string.h>

#define ENTRY_BOUND 64
#define COPIED_BOUND 0
#define LARGE 4096

/* ---- bytes ---- */

static void ask_sized(liminal_conversation *talk, size_t size)
{
    static unsigned char bytes[LARGE];
    liminal_envelope *request = NULL, *reply = NULL;
    bench_must(liminal_envelope_create(bytes, size, NULL, &request));
    bench_must(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(5000)));
    liminal_envelope_drop(&reply);
}

/* What the conversation itself holds, once it has been asked so often, of each entry that can be read. Envelopes are
 * not counted: they come from another allocator. */
static double bytes_per_entry(size_t bound, long asks)
{
    bench_meter meter;
    liminal_supervisor *house;
    liminal_conversation *talk;
    liminal_snapshot *snapshot = NULL;
    const liminal_config config = {LIMINAL_OPS(liminal_config), .log_entries = bound};
    size_t before, entries;
    double each;
    long i;
    bench_meter_init(&meter);
    house = bench_open(&(liminal_supervisor_options){LIMINAL_OPS(liminal_supervisor_options),
                                                     .allocator = &meter.table});
    talk = bench_spawn_with(house, &config, LIMINAL_PARTICIPANT_INLINE, &bench_answering, NULL);
    before = atomic_load(&meter.live);
    for (i = 0; i < asks; i++) {
        ask_sized(talk, BENCH_BYTES);
    }
    each = (double)(atomic_load(&meter.live) - before);
    bench_must(liminal_conversation_query(talk, &snapshot, liminal_deadline_in_ms(5000)));
    entries = liminal_snapshot_read(snapshot).log_count;
    liminal_snapshot_drop(&snapshot);
    liminal_conversation_drop(&talk);
    bench_shut(house);
    return each / (double)entries;
}

/* What the library allocates in an ask beside its envelopes. */
static double bytes_per_ask(size_t size)
{
    bench_meter meter;
    liminal_supervisor *house;
    liminal_conversation *talk;
    size_t before;
    double each;
    const long asks = 1000;
    long i;
    bench_meter_init(&meter);
    house = bench_open(&(liminal_supervisor_options){LIMINAL_OPS(liminal_supervisor_options),
                                                     .allocator = &meter.table});
    talk = bench_spawn(house, LIMINAL_PARTICIPANT_INLINE);
    before = atomic_load(&meter.total);
    for (i = 0; i < asks; i++) {
        ask_sized(talk, size);
    }
    each = (double)(atomic_load(&meter.total) - before) / (double)asks;
    liminal_conversation_drop(&talk);
    bench_shut(house);
    return each;
}

/* ---- time ---- */

typedef struct record {
    liminal_state *state;
    liminal_envelope *envelope;
} record;

static record open_record(const liminal_config *config)
{
    record of = {0};
    bench_must(liminal_state_create(config, NULL, liminal_time_now(), liminal_deadline_never(), NULL, &of.state));
    bench_must(liminal_state_move(of.state, LIMINAL_PHASE_ACTIVE));
    bench_must(liminal_envelope_printf(&of.envelope, "entry"));
    return of;
}

static void record_two(void *self)
{
    static const liminal_time now = {1};
    record *of = self;
    bench_must(liminal_state_sent(of->state, of->envelope, now));
    bench_must(liminal_state_received(of->state, of->envelope, now));
}

static double per_call_ns(void (*call)(void *self), void *self, long calls)
{
    double began = bench_now_ns();
    long i;
    for (i = 0; i < calls; i++) {
        call(self);
    }
    return (bench_now_ns() - began) / (double)calls;
}

static void say_share(const char *prefix_ask, const char *prefix_share, size_t bound)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .log_entries = bound};
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *talk =
        bench_spawn_with(house, &config, LIMINAL_PARTICIPANT_INLINE, &bench_answering, NULL);
    record of = open_record(&config);
    long rounds = bench.rounds != 0 ? bench.rounds : bench_scale(201, 3), calls = bench_scale(250, 50), round;
    bench_samples asks = {0}, entries = {0};
    for (round = 0; round < rounds; round++) {
        bench_add(&entries, per_call_ns(record_two, &of, calls));
        bench_add(&asks, per_call_ns(bench_ask, talk, calls));
    }
    bench_say("log", prefix_ask, bench_median(&asks), "ns", NULL);
    bench_say("log", prefix_share, 100 * bench_median(&entries) / bench_median(&asks), "%", NULL);
    bench_clear(&asks);
    bench_clear(&entries);
    liminal_envelope_drop(&of.envelope);
    liminal_state_drop(&of.state);
    liminal_conversation_drop(&talk);
    bench_shut(house);
}

void bench_log(void)
{
    long asks = bench_scale(500000, 5000);
    if (bench.count != 0) {
        bench_stop("log has no --count");
    }
    bench_say_bound("log", "bounded-entry", bytes_per_entry(0, asks / 10), "B", BENCH_AT_MOST, ENTRY_BOUND);
    bench_say_bound("log", "unbounded-entry", bytes_per_entry(LIMINAL_UNBOUNDED, asks), "B", BENCH_AT_MOST,
                    ENTRY_BOUND);
    bench_say_bound("log", "copied", bytes_per_ask(LARGE) - bytes_per_ask(BENCH_BYTES), "B", BENCH_AT_MOST,
                    COPIED_BOUND);
    bench_say("log", "allocated", bytes_per_ask(BENCH_BYTES), "B", "in an ask, beside its envelopes");
    say_share("bounded-ask", "bounded-share", 0);
    say_share("unbounded-ask", "unbounded-share", LIMINAL_UNBOUNDED);
}

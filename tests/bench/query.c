/* SPDX-License-Identifier: MIT */
/* query.c -- workloads: a snapshot after many messages, all of them in the log, against one after a single message. */
#include "bench.h"

#define QUERY_BOUND 1.2

static void query(void *conversation)
{
    liminal_snapshot *snapshot = NULL;
    bench_must(liminal_conversation_query(conversation, &snapshot, liminal_deadline_in_ms(5000)));
    liminal_snapshot_drop(&snapshot);
}

/* A conversation that has been sent so many messages, and has them in its log. */
static liminal_conversation *after(liminal_supervisor *house, long messages)
{
    const liminal_config unbounded = {LIMINAL_OPS(liminal_config), .log_entries = LIMINAL_UNBOUNDED,
                                      .overflow = LIMINAL_OVERFLOW_WAIT};
    liminal_conversation *talk =
        bench_spawn_with(house, &unbounded, LIMINAL_PARTICIPANT_INLINE, &bench_silent, NULL);
    liminal_snapshot *snapshot = NULL;
    liminal_envelope *message = NULL, *again;
    long i;
    bench_must(liminal_envelope_printf(&message, "message"));
    for (i = 0; i < messages; i++) {
        again = liminal_envelope_ref(message);
        bench_must(liminal_conversation_send(talk, &again, liminal_deadline_never()));
    }
    liminal_envelope_drop(&message);
    bench_must(liminal_conversation_query(talk, &snapshot, liminal_deadline_in_ms(5000)));
    if (liminal_snapshot_read(snapshot).log_count != (size_t)messages) {
        bench_stop("%ld messages are not as many entries in the log", messages);
    }
    liminal_snapshot_drop(&snapshot);
    return talk;
}

static void fight(const char *workload, long messages)
{
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *few = after(house, 1), *lots = after(house, messages);
    bench_fight(&(bench_duel){.workload = workload, .limit_name = "a query after 1 message", .measure = BENCH_BATCH,
                              .ours = {.call = query, .self = lots}, .limit = {.call = query, .self = few},
                              .rounds = bench_scale(201, 3), .calls = bench_scale(250, 50), .bound = QUERY_BOUND});
    liminal_conversation_drop(&few);
    liminal_conversation_drop(&lots);
    bench_shut(house);
}

void bench_query_1000(void)
{
    fight("query-1000", 1000);
}

void bench_query_1000000(void)
{
    fight("query-1000000", bench_scale(1000000, 2000));
}

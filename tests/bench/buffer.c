/* SPDX-License-Identifier: MIT */
/* buffer.c -- workload: send and receive on a conversation without participants, on one thread. */
#include "bench.h"

#define BUFFER_BOUND 0.7

void bench_send_and_receive(void *conversation)
{
    static unsigned value;
    unsigned char bytes[BENCH_BYTES];
    liminal_envelope *message = NULL, *received = NULL;
    liminal_deadline deadline = liminal_deadline_in_ms(5000); /* one for both, as it is for an ask */
    bench_fill(bytes, ++value);
    bench_must(liminal_envelope_create(bytes, sizeof bytes, NULL, &message));
    bench_must(liminal_conversation_send(conversation, &message, deadline));
    bench_must(liminal_conversation_receive(conversation, &received, deadline));
    bench_check(liminal_envelope_data(received), value);
    liminal_envelope_drop(&received);
}

void bench_buffer(void)
{
    const liminal_config nobody = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *asked = bench_spawn(house, LIMINAL_PARTICIPANT_INLINE), *buffer = NULL;
    bench_must(liminal_supervisor_spawn(house, &nobody, &buffer));
    bench_fight(&(bench_duel){.workload = "buffer", .limit_name = "an ask of an inline participant",
                              .measure = BENCH_BATCH, .ours = {.call = bench_send_and_receive, .self = buffer},
                              .limit = {.call = bench_ask, .self = asked}, .rounds = bench_scale(401, 3),
                              .calls = bench_scale(250, 100), .bound = BUFFER_BOUND});
    liminal_conversation_drop(&buffer);
    liminal_conversation_drop(&asked);
    bench_shut(house);
}

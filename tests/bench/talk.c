/* SPDX-License-Identifier: MIT */
/* talk.c -- the library's side of most workloads: supervisors, conversations, asks, behaviours. */
#include "bench.h"

static liminal_status answer(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self;
    return liminal_envelope_create(liminal_envelope_data(request), liminal_envelope_size(request), NULL, out);
}
const liminal_behaviour bench_answering = {LIMINAL_OPS(liminal_behaviour), .answer = answer};

static liminal_status count(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    long *counted = self;
    (void)out;
    if (counted != NULL) {
        *counted += *(const unsigned char *)liminal_envelope_data(request) != 0;
    }
    return LIMINAL_OK;
}
const liminal_behaviour bench_silent = {LIMINAL_OPS(liminal_behaviour), .answer = count};

liminal_supervisor *bench_open(const liminal_supervisor_options *options)
{
    liminal_supervisor *house = NULL;
    bench_must(liminal_supervisor_open(options, &house));
    return house;
}

void bench_shut(liminal_supervisor *house)
{
    bench_must(liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(60000)));
}

liminal_conversation *bench_spawn_with(liminal_supervisor *house, const liminal_config *differences,
                                       liminal_participant_kind kind, const liminal_behaviour *behaviour, void *self)
{
    const liminal_participant participant = {.kind = kind, .behaviour = behaviour, .self = self};
    liminal_config config = {LIMINAL_OPS(liminal_config)};
    liminal_conversation *talk = NULL;
    if (differences != NULL) {
        config = *differences;
    }
    config.participants = &participant;
    config.participant_count = 1;
    config.on_crash = LIMINAL_CRASH_FAIL;
    bench_must(liminal_supervisor_spawn(house, &config, &talk));
    return talk;
}

liminal_conversation *bench_spawn(liminal_supervisor *house, liminal_participant_kind kind)
{
    return bench_spawn_with(house, NULL, kind, &bench_answering, NULL);
}

void bench_ask(void *conversation)
{
    static _Thread_local unsigned value;
    unsigned char bytes[BENCH_BYTES];
    liminal_envelope *request = NULL, *reply = NULL;
    bench_fill(bytes, ++value);
    bench_must(liminal_envelope_create(bytes, sizeof bytes, NULL, &request));
    bench_must(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_in_ms(5000)));
    bench_check(liminal_envelope_data(reply), value);
    liminal_envelope_drop(&reply);
}

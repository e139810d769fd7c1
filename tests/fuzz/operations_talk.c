/* SPDX-License-Identifier: MIT */
/* operations_talk.c -- sending, receiving and asking, each with what its contract promises. */
#include "operations.h"

#include <string.h>

void expect(liminal_status status, unsigned allowed, const char *call)
{
    allowed |= MAY(LIMINAL_OK) | (atomic_load(&here.memory_fails) ? MAY(LIMINAL_ENOMEM) : 0);
    if ((MAY(status) & allowed) == 0) {
        (void)fprintf(stderr, "%s gave %s: %s\n", call, liminal_status_name(status), liminal_status_detail());
        abort();
    }
}

liminal_envelope *say(size_t slot_number, deed what, uint8_t argument, bool is_ask, bool by_main,
                      liminal_deadline deadline, uint32_t *out_serial)
{
    words said = {atomic_fetch_add(&here.said, 1), (uint8_t)what, argument};
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator(),
                                              .deadline = deadline};
    liminal_envelope *envelope = NULL;
    saying *s;
    if (said.serial >= SAYINGS) {
        return NULL;
    }
    s = &here.sayings[said.serial];
    s->slot = (uint8_t)slot_number;
    s->is_ask = is_ask;
    s->by_main = by_main;
    *out_serial = said.serial;
    expect(liminal_envelope_create(&said, sizeof said, &options, &envelope), 0, "envelope_create");
    return envelope;
}

words read_words(const liminal_envelope *envelope)
{
    words said;
    FUZZ_CHECK(liminal_envelope_size(envelope) == sizeof said);
    memcpy(&said, liminal_envelope_data(envelope), sizeof said);
    FUZZ_CHECK(said.serial < SAYINGS);
    return said;
}

#define ENDED (MAY(LIMINAL_ECLOSED) | MAY(LIMINAL_EEXIT) | MAY(LIMINAL_EFAILED))

void talk_send(liminal_conversation *conversation, size_t slot_number, liminal_envelope *message, bool waits,
               liminal_deadline deadline)
{
    saying *s;
    liminal_status status;
    if (message == NULL) {
        return;
    }
    s = &here.sayings[read_words(message).serial];
    status = waits ? liminal_conversation_send(conversation, &message, deadline)
                   : liminal_conversation_try_send(conversation, &message);
    expect(status, ENDED | MAY(LIMINAL_EFULL) | MAY(LIMINAL_ETIMEDOUT) | MAY(LIMINAL_EDEADLK), "send");
    FUZZ_CHECK((status == LIMINAL_OK) == (message == NULL));
    if (status == LIMINAL_OK) {
        atomic_fetch_add(&here.slots[slot_number].taken, 1);
    } else {
        atomic_store(&s->came_back, true);
    }
    liminal_envelope_drop(&message);
}

/* A reply to something that was sent to this conversation, not asked, and the first one to it. */
liminal_status talk_receive(liminal_conversation *conversation, size_t slot_number, bool is_main,
                            liminal_deadline deadline)
{
    slot *t = &here.slots[slot_number];
    liminal_envelope *reply = NULL;
    liminal_status status = liminal_conversation_receive(conversation, &reply, deadline);
    expect(status, ENDED | MAY(LIMINAL_ETIMEDOUT) | MAY(LIMINAL_EDEADLK), "receive");
    FUZZ_CHECK((status == LIMINAL_OK) == (reply != NULL));
    if (reply != NULL) {
        uint32_t serial = read_words(reply).serial;
        saying *s = &here.sayings[serial];
        FUZZ_CHECK(!s->is_ask && s->slot == slot_number && !atomic_load(&s->came_back));
        FUZZ_CHECK(atomic_fetch_add(&s->heard, 1) == 0);
        FUZZ_CHECK(t->seat_count == 0 || atomic_load(&s->begun) > 0);
        atomic_fetch_add(&t->heard, 1);
        if (is_main && s->by_main) { /* they come in the order in which they were sent */
            FUZZ_CHECK(serial >= t->last_heard);
            t->last_heard = serial;
        }
    }
    liminal_envelope_drop(&reply);
    return status;
}

/* The answer to this very question, or the question back, or neither. */
void talk_ask(liminal_conversation *conversation, size_t slot_number, liminal_envelope *request, unsigned also,
              liminal_deadline deadline)
{
    slot *t = &here.slots[slot_number];
    liminal_envelope *reply = NULL;
    liminal_status status;
    uint32_t serial;
    saying *s;
    if (request == NULL) {
        return;
    }
    serial = read_words(request).serial;
    s = &here.sayings[serial];
    status = liminal_conversation_ask(conversation, &request, &reply, deadline);
    expect(status, ENDED | MAY(LIMINAL_EFULL) | MAY(LIMINAL_ENOPROC) | MAY(LIMINAL_ECANCELED) | also, "ask");
    FUZZ_CHECK((status == LIMINAL_OK) == (reply != NULL));
    FUZZ_CHECK(status != LIMINAL_OK || request == NULL);
    if (request != NULL) {
        atomic_store(&s->came_back, true);
        atomic_fetch_add(&t->back, 1);
    } else {
        atomic_fetch_add(&t->taken, 1);
    }
    if (reply != NULL) {
        FUZZ_CHECK(read_words(reply).serial == serial);
        FUZZ_CHECK(atomic_fetch_add(&s->heard, 1) == 0);
        atomic_fetch_add(&t->heard, 1);
    }
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

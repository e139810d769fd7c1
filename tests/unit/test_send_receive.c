/* SPDX-License-Identifier: MIT */
/* test_send_receive.c -- what is sent, what is received, and in which order. */
#define _GNU_SOURCE

#include "call_kit.h"

#include <stdlib.h>

/* ---- a buffer -------------------------------------------------------------------------------- */

static void buffer(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    liminal_envelope *message = note("first"), *reply = NULL;
    liminal_uuid id = liminal_envelope_read(message).id;
    open_house();
    talk = spawn(&config);
    assert_int_equal(liminal_conversation_send(talk, &message, liminal_deadline_passed()), LIMINAL_OK);
    assert_null(message);
    put(talk, "second");
    put(talk, "third");
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "first");
    assert_memory_equal(liminal_envelope_read(reply).id.bytes, id.bytes, sizeof id.bytes);
    liminal_envelope_drop(&reply);
    get(talk, "second");
    get(talk, "third");
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    assert_int_equal(look(talk).counts.sent, 3);
    assert_int_equal(look(talk).counts.received, 3);
    shut(&talk);
}

enum { SENDERS = 4, EACH = 50 };

typedef struct crowd {
    test_thread thread;
    liminal_conversation *talk;
    size_t number;
    size_t received;
    size_t seen[SENDERS * EACH];
} crowd;

static void crowd_sends(void *argument)
{
    crowd *self = argument;
    for (size_t i = 0; i < EACH; i++) {
        char text[32];
        liminal_envelope *message;
        (void)snprintf(text, sizeof text, "%zu", self->number * EACH + i);
        message = note(text);
        (void)test_check(liminal_conversation_send(self->talk, &message, LONG) == LIMINAL_OK);
        liminal_envelope_drop(&message);
    }
}

static void crowd_receives(void *argument)
{
    crowd *self = argument;
    for (size_t i = 0; i < EACH; i++) {
        liminal_envelope *reply = NULL;
        if (!test_check(liminal_conversation_receive(self->talk, &reply, LONG) == LIMINAL_OK)) {
            return;
        }
        self->seen[self->received++] = (size_t)strtoul(liminal_envelope_text(reply), NULL, 10);
        liminal_envelope_drop(&reply);
    }
}

/* Each sender's messages keep their order, whoever else sends. */
static void order_of_each_sender(liminal_conversation *talk)
{
    crowd senders[SENDERS];
    size_t next[SENDERS] = {0};
    for (size_t i = 0; i < SENDERS; i++) {
        senders[i] = (crowd){.talk = talk, .number = i};
        test_thread_start(&senders[i].thread, crowd_sends, &senders[i]);
    }
    for (size_t i = 0; i < SENDERS * EACH; i++) {
        liminal_envelope *reply = NULL;
        size_t number;
        assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
        number = (size_t)strtoul(liminal_envelope_text(reply), NULL, 10);
        liminal_envelope_drop(&reply);
        assert_true(number < SENDERS * EACH);
        assert_int_equal(number % EACH, next[number / EACH]++);
    }
    for (size_t i = 0; i < SENDERS; i++) {
        test_thread_join(&senders[i].thread);
    }
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
}

static void buffer_of_many_senders(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    order_of_each_sender(talk);
    shut(&talk);
}

static void echo_of_many_senders(void **state)
{
    liminal_conversation *talk;
    open_house();
    talk = echo_talk(*state);
    order_of_each_sender(talk);
    shut(&talk);
}

/* Several receivers share what there is: each message goes to exactly one of them. */
static void many_receivers(void **state)
{
    static crowd receivers[SENDERS], senders[SENDERS];
    bool seen[SENDERS * EACH] = {false};
    liminal_conversation *talk;
    open_house();
    talk = echo_talk(*state);
    for (size_t i = 0; i < SENDERS; i++) {
        receivers[i] = (crowd){.talk = talk, .number = i};
        senders[i] = (crowd){.talk = talk, .number = i};
        test_thread_start(&receivers[i].thread, crowd_receives, &receivers[i]);
        test_thread_start(&senders[i].thread, crowd_sends, &senders[i]);
    }
    for (size_t i = 0; i < SENDERS; i++) {
        test_thread_join(&senders[i].thread);
        test_thread_join(&receivers[i].thread);
    }
    for (size_t i = 0; i < SENDERS; i++) {
        assert_int_equal(receivers[i].received, EACH);
        for (size_t j = 0; j < EACH; j++) {
            size_t number = receivers[i].seen[j];
            assert_true(number < SENDERS * EACH);
            assert_false(seen[number]);
            seen[number] = true;
        }
    }
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    assert_int_equal(look(talk).counts.received, SENDERS * EACH);
    shut(&talk);
}

/* ---- order ----------------------------------------------------------------------------------- */

static void order(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    char text[32];
    open_house();
    talk = serving_talk(*state, &self);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof text, "message %d", i);
        put(talk, text);
    }
    for (int i = 0; i < 200; i++) {
        (void)snprintf(text, sizeof text, "message %d", i);
        get(talk, text);
    }
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    shut(&talk);
    assert_int_equal(self.answered, 200);
    assert_int_equal(self.released.count, 1);
}

/* A message goes to the first participant that has a behaviour, and to no other. */
static void to_the_first(void **state)
{
    const variant *v = *state;
    servant first = new_servant(), second = new_servant();
    liminal_config config = config_of(v), other = config_of(v);
    liminal_conversation *talk, *watched;
    liminal_participant participants[3] = {{.kind = LIMINAL_PARTICIPANT_WATCHED}, serving_as(v, &first),
                                           serving_as(v, &second)};
    open_house();
    watched = spawn(&other);
    participants[0].pid = liminal_conversation_pid(watched);
    config.participants = participants;
    config.participant_count = 3;
    talk = spawn(&config);
    put(talk, "one");
    put(talk, "two");
    get(talk, "one");
    get(talk, "two");
    liminal_conversation_drop(&talk);
    shut(&watched);
    assert_int_equal(first.answered, 2);
    assert_int_equal(second.answered, 0);
    assert_int_equal(second.released.count, 1);
}

static void waiting_receivers_in_order(void **state)
{
    servant self = new_servant();
    call receivers[3];
    static const char *const texts[] = {"one", "two", "three"};
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    for (size_t i = 0; i < 3; i++) {
        receivers[i] = (call){.talk = talk, .deadline = LONG};
        start_asleep(&receivers[i], receive_body);
    }
    for (size_t i = 0; i < 3; i++) {
        put(talk, texts[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        got(&receivers[i], texts[i]);
    }
    shut(&talk);
}

/* ---- payloads -------------------------------------------------------------------------------- */

#define BIG ((size_t)(UNDER_TSAN ? 8 : 64) * 1024 * 1024) /* every byte of it is looked at */

static void round_trip(liminal_conversation *talk, const void *data, size_t size)
{
    liminal_envelope *message = bytes(data, size), *reply = NULL;
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    assert_int_equal(liminal_envelope_size(reply), size);
    assert_true(memcmp(liminal_envelope_data(reply), data, size) == 0);
    assert_int_equal(liminal_envelope_text(reply)[size], 0);
    liminal_envelope_drop(&reply);
}

static void payloads(void **state)
{
    unsigned char *big = malloc(BIG);
    liminal_conversation *talk;
    assert_non_null(big);
    for (size_t i = 0; i < BIG; i += 4096) {
        memset(big + i, (int)(i / 4096 % 251), 4096);
    }
    open_house();
    talk = echo_talk(*state);
    round_trip(talk, "", 0);
    round_trip(talk, "\0", 1);
    round_trip(talk, "a\0b\0\0c", 6);
    round_trip(talk, big, BIG);
    shut(&talk);
    free(big);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static void arguments(void **state)
{
    liminal_config config = config_of(*state);
    liminal_envelope *message = note("x"), *kept = message, *none = NULL, *reply = NULL;
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    assert_int_equal(liminal_conversation_send(NULL, &message, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_send(talk, NULL, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_send(talk, &none, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_try_send(NULL, &message), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_try_send(talk, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_try_send(talk, &none), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_receive(NULL, &reply, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_receive(talk, NULL, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_try_receive(NULL, &reply), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_try_receive(talk, NULL), LIMINAL_EINVAL);
    assert_ptr_equal(message, kept);
    assert_null(reply);
    assert_null(liminal_conversation_ref(NULL));
    assert_int_equal(liminal_conversation_pid(NULL).value, 0);
    assert_int_equal(look(talk).counts.sent, 0);
    liminal_envelope_drop(&message);
    shut(&talk);
    liminal_conversation_drop(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(buffer),
        BOTH(buffer_of_many_senders),
        FOUR(echo_of_many_senders),
        FOUR(many_receivers),
        FOUR(order),
        FOUR(to_the_first),
        FOUR(waiting_receivers_in_order),
        FOUR(payloads),
        BOTH(arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_send_receive_room.c -- how much of it at once, and who waits for room. */
#define _GNU_SOURCE

#include "call_kit.h"

/* ---- bounds ---------------------------------------------------------------------------------- */

/* The send must fail like this, and the message stay the caller's. */
static void put_fails(liminal_conversation *talk, const char *text, liminal_deadline deadline, liminal_status status)
{
    liminal_envelope *message = note(text), *before = message;
    assert_int_equal(liminal_conversation_send(talk, &message, deadline), status);
    assert_ptr_equal(message, before);
    assert_string_equal(liminal_envelope_text(message), text);
    liminal_envelope_drop(&message);
}

static void bound_in_messages(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    config.mailbox_messages = 2;
    open_house();
    talk = spawn(&config);
    for (int round = 0; round < 3; round++) {
        put(talk, "a");
        put(talk, "b");
        put_fails(talk, "c", liminal_deadline_never(), LIMINAL_EFULL); /* refuse: it never waits */
        put_fails(talk, "c", liminal_deadline_passed(), LIMINAL_EFULL);
        get(talk, "a");
        put(talk, "c");
        put_fails(talk, "d", LONG, LIMINAL_EFULL);
        get(talk, "b");
        get(talk, "c");
    }
    assert_int_equal(look(talk).counts.sent, 9);
    shut(&talk);
}

static void bound_in_bytes(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    config.mailbox_bytes = 10;
    open_house();
    talk = spawn(&config);
    put_fails(talk, "12345678901", LONG, LIMINAL_ELIMIT);
    put(talk, "1234567890");
    put_fails(talk, "x", LONG, LIMINAL_EFULL);
    put_fails(talk, "12345678901", LONG, LIMINAL_ELIMIT); /* also while it is full */
    put(talk, ""); /* takes no bytes */
    get(talk, "1234567890");
    put(talk, "123456");
    put_fails(talk, "12345", LONG, LIMINAL_EFULL);
    put(talk, "1234");
    get(talk, "");
    get(talk, "123456");
    get(talk, "1234");
    put(talk, "1234567890");
    shut(&talk);
}

static void limit_where_it_waits(void **state)
{
    liminal_config config = config_of(*state);
    servant self = new_servant();
    liminal_envelope *message = note("12345"), *kept = message, *reply = NULL;
    liminal_conversation *talk;
    config.mailbox_bytes = 4;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    open_house();
    talk = spawn_with(config, serving_as(*state, &self));
    put_fails(talk, "12345", liminal_deadline_never(), LIMINAL_ELIMIT);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_ELIMIT);
    assert_int_equal(liminal_conversation_ask(talk, &message, &reply, liminal_deadline_never()), LIMINAL_ELIMIT);
    assert_ptr_equal(message, kept);
    assert_null(reply);
    liminal_envelope_drop(&message);
    put(talk, "1234");
    get(talk, "1234");
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

static void unbounded(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    config.mailbox_messages = LIMINAL_UNBOUNDED;
    config.mailbox_bytes = LIMINAL_UNBOUNDED;
    open_house();
    talk = spawn(&config);
    for (int i = 0; i < LIMINAL_DEFAULT_MAILBOX_MESSAGES + 1; i++) {
        put(talk, "x");
    }
    assert_int_equal(look(talk).counts.sent, LIMINAL_DEFAULT_MAILBOX_MESSAGES + 1);
    shut(&talk);
}

static void default_bound(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    for (int i = 0; i < LIMINAL_DEFAULT_MAILBOX_MESSAGES; i++) {
        put(talk, "x");
    }
    put_fails(talk, "x", LONG, LIMINAL_EFULL);
    shut(&talk);
}

/* ---- places ---------------------------------------------------------------------------------- */

/* It is answered, but not received: its place is taken all the same. */
static void place_is_held_until_received(void **state)
{
    liminal_config config = config_of(*state);
    servant self = new_servant();
    liminal_conversation *talk;
    config.mailbox_messages = 2;
    open_house();
    talk = spawn_with(config, serving_as(*state, &self));
    put(talk, "one");
    put(talk, "two");
    test_gate_wait(&self.done);
    test_gate_wait(&self.done);
    (void)look(talk);
    put_fails(talk, "three", LONG, LIMINAL_EFULL);
    get(talk, "one");
    put(talk, "three");
    put_fails(talk, "four", LONG, LIMINAL_EFULL);
    get(talk, "two");
    get(talk, "three");
    shut(&talk);
    assert_int_equal(self.answered, 3);
}

/* The place is free when whoever received the reply wakes. */
static void received_is_free(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    config.mailbox_messages = 1;
    open_house();
    talk = spawn(&config);
    for (int i = 0; i < 200; i++) {
        put(talk, "one");
        get(talk, "one");
    }
    shut(&talk);
}

/* What is consumed in silence gives its place back, or the second of these would wait for ever. */
static void silence_gives_the_place_back(void **state)
{
    liminal_config config = config_of(*state);
    servant self = new_servant();
    liminal_conversation *talk;
    config.mailbox_messages = 1;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    open_house();
    talk = spawn_with(config, serving_as(*state, &self));
    for (int i = 0; i < 20; i++) {
        put(talk, "silent");
    }
    ask_gives(talk, "fence", "fence");
    assert_int_equal(look(talk).counts.silent, 20);
    assert_int_equal(look(talk).counts.sent, 21);
    assert_int_equal(look(talk).counts.received, 1);
    shut(&talk);
    assert_int_equal(self.answered, 21);
}

/* An answered ask gives its place back too. */
static void ask_gives_the_place_back(void **state)
{
    liminal_config config = config_of(*state);
    servant self = new_servant();
    liminal_envelope *request = note("refused"), *kept = request, *reply = NULL;
    liminal_conversation *talk;
    config.mailbox_messages = 1;
    open_house();
    talk = spawn_with(config, serving_as(*state, &self));
    for (int i = 0; i < 20; i++) {
        ask_gives(talk, "fence", "fence");
    }
    put(talk, "one");
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_EFULL);
    assert_ptr_equal(request, kept);
    assert_null(reply);
    liminal_envelope_drop(&request);
    get(talk, "one");
    ask_gives(talk, "fence", "fence");
    shut(&talk);
    assert_int_equal(self.answered, 22);
}

/* ---- waiting for room ------------------------------------------------------------------------ */

static void waits_for_room(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    call sender;
    config.mailbox_messages = 1;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    open_house();
    talk = spawn(&config);
    put(talk, "one");
    put_fails(talk, "two", liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    put_fails(talk, "two", liminal_deadline_in_ms(5), LIMINAL_ETIMEDOUT);
    sender = (call){.talk = talk, .message = note("two"), .deadline = liminal_deadline_never()};
    start_asleep(&sender, send_body);
    get(talk, "one");
    get(talk, "two");
    joined(&sender, LIMINAL_OK);
    assert_null(sender.message);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    shut(&talk);
}

/* Room in bytes comes with whatever goes out, and as many of the waiting get in as fit. */
static void waits_for_bytes(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    call senders[2];
    config.mailbox_bytes = 8;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    open_house();
    talk = spawn(&config);
    put(talk, "12345678");
    for (size_t i = 0; i < 2; i++) {
        senders[i] = (call){.talk = talk, .message = note("abcd"), .deadline = liminal_deadline_never()};
        start_asleep(&senders[i], send_body);
    }
    get(talk, "12345678");
    for (size_t i = 0; i < 2; i++) {
        joined(&senders[i], LIMINAL_OK);
    }
    put_fails(talk, "x", liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    get(talk, "abcd");
    get(talk, "abcd");
    shut(&talk);
}

/* Whoever waits for room learns of the close, and keeps the message. */
static void waiting_sender_and_close(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    call sender;
    config.mailbox_messages = 1;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    open_house();
    talk = spawn(&config);
    put(talk, "one");
    sender = (call){.talk = talk, .message = note("two"), .deadline = liminal_deadline_never()};
    start_asleep(&sender, send_body);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    joined(&sender, LIMINAL_ECLOSED);
    assert_string_equal(liminal_envelope_text(sender.message), "two");
    liminal_envelope_drop(&sender.message);
    get(talk, "one");
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    shut(&talk);
}

/* ---- inside a behaviour ---------------------------------------------------------------------- */

static liminal_status inside(servant *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    const char *text = liminal_envelope_text(request);
    liminal_envelope *message = note("own");
    (void)out_reply;
    if (strcmp(text, "try") == 0) {
        self->send = liminal_conversation_try_send(self->own, &message);
    } else if (strncmp(text, "send", 4) == 0) {
        self->send = liminal_conversation_send(self->own, &message, strcmp(text, "send never") == 0
                                                                        ? liminal_deadline_never()
                                                                        : liminal_deadline_passed());
    } else {
        liminal_envelope_drop(&message);
        return LIMINAL_OK;
    }
    (void)test_check((message == NULL) == (self->send == LIMINAL_OK));
    liminal_envelope_drop(&message);
    return LIMINAL_OK;
}

/* The request that is being answered holds the only place, so nobody else could ever make room. */
static void waiting_for_room_inside(void **state)
{
    liminal_config config = config_of(*state);
    servant self = new_servant();
    liminal_conversation *talk;
    config.mailbox_messages = 1;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    open_house();
    talk = spawn_with(config, serving_as(*state, &self));
    self.also = inside;
    self.own = talk; /* borrowed; before the first message */
    put(talk, "send never");
    get(talk, "send never");
    assert_int_equal(self.send, LIMINAL_EDEADLK);
    put(talk, "try");
    get(talk, "try");
    assert_int_equal(self.send, LIMINAL_EFULL);
    shut(&talk);
    assert_int_equal(self.answered, 2);
}

/* With room it is a message like any other. */
static void sending_inside(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    self.also = inside;
    self.own = talk;
    put(talk, "send");
    get(talk, "send");
    get(talk, "own");
    put(talk, "try");
    get(talk, "try");
    get(talk, "own");
    shut(&talk);
    assert_int_equal(self.send, LIMINAL_OK);
    assert_int_equal(self.answered, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(bound_in_messages),
        BOTH(bound_in_bytes),
        FOUR(limit_where_it_waits),
        BOTH(unbounded),
        BOTH(default_bound),
        FOUR(place_is_held_until_received),
        BOTH(received_is_free),
        FOUR(silence_gives_the_place_back),
        FOUR(ask_gives_the_place_back),
        BOTH(waits_for_room),
        BOTH(waits_for_bytes),
        BOTH(waiting_sender_and_close),
        FOUR(waiting_for_room_inside),
        FOUR(sending_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_send_receive_deadline.c -- when it is too late to send or to receive, and when nobody is there. */
#define _GNU_SOURCE

#include "call_kit.h"

/* ---- calls that do not wait ------------------------------------------------------------------ */

/* What was accepted and come to is there for a call that does not wait; a query is what orders the two. */
static void accepted_is_there(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    for (uint64_t i = 1; i <= 200; i++) {
        liminal_envelope *reply = NULL;
        put(talk, "one");
        assert_int_equal(look(talk).counts.sent, i);
        assert_int_equal(liminal_conversation_try_receive(talk, &reply), LIMINAL_OK);
        assert_string_equal(liminal_envelope_text(reply), "one");
        liminal_envelope_drop(&reply);
    }
    shut(&talk);
}

static void tries(void **state)
{
    liminal_config config = config_of(*state);
    liminal_envelope *message = note("one"), *reply = NULL, *kept;
    liminal_conversation *talk;
    config.mailbox_messages = 1;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    open_house();
    talk = spawn(&config);
    assert_int_equal(liminal_conversation_try_receive(talk, &reply), LIMINAL_ETIMEDOUT);
    assert_null(reply);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_OK);
    assert_null(message);
    message = kept = note("two");
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_EFULL);
    assert_ptr_equal(message, kept);
    assert_int_equal(look(talk).counts.sent, 1); /* what was accepted is now there */
    assert_int_equal(liminal_conversation_try_receive(talk, &reply), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "one");
    liminal_envelope_drop(&reply);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_OK); /* the place is free by now */
    assert_null(message);
    assert_int_equal(look(talk).counts.received, 1);
    get(talk, "two");
    shut(&talk);
}

/* After a query everything that an inline participant was sent is answered, so a try finds it. */
static void tries_after_a_query(void **state)
{
    servant self = new_servant();
    liminal_envelope *message = note("one"), *reply = NULL;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_try_receive(talk, &reply), LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_OK);
    assert_int_equal(look(talk).counts.sent, 1);
    assert_int_equal(liminal_conversation_try_receive(talk, &reply), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "one");
    liminal_envelope_drop(&reply);
    shut(&talk);
}

/* ---- deadlines ------------------------------------------------------------------------------- */

static void deadlines(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    liminal_envelope *reply = NULL;
    int64_t began;
    open_house();
    talk = spawn(&config);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    get_fails(talk, liminal_deadline_in_ms(0), LIMINAL_ETIMEDOUT);
    get_fails(talk, liminal_deadline_in_ns(-1), LIMINAL_ETIMEDOUT);
    get_fails(talk, (liminal_deadline){0}, LIMINAL_ETIMEDOUT); /* the clock's first instant */
    began = test_now_ns();
    get_fails(talk, liminal_deadline_in_ms(20), LIMINAL_ETIMEDOUT);
    assert_true(test_now_ns() - began >= 20 * MS);
    put(talk, "one");
    assert_int_equal(liminal_conversation_receive(talk, &reply, liminal_deadline_never()), LIMINAL_OK);
    liminal_envelope_drop(&reply);
    /* What is there is given, whatever the deadline. */
    put(talk, "two");
    assert_int_equal(look(talk).counts.sent, 2); /* what was accepted is now there */
    assert_int_equal(liminal_conversation_receive(talk, &reply, liminal_deadline_passed()), LIMINAL_OK);
    liminal_envelope_drop(&reply);
    shut(&talk);
}

/* A receive that timed out has taken nothing. */
static void nothing_is_lost_to_a_timeout(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    for (int i = 0; i < 10; i++) {
        get_fails(talk, liminal_deadline_in_ns(i * 50000), LIMINAL_ETIMEDOUT);
        put(talk, "later");
        get(talk, "later");
    }
    assert_int_equal(look(talk).counts.received, 10);
    shut(&talk);
}

/* The waiter whose deadline is to come is on the way when the reply is: one of the two wins, and the
 * reply is received exactly once either way. */
static void timeout_meets_reply(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    for (int i = 0; i < 50; i++) {
        call receiver = {.talk = talk, .deadline = liminal_deadline_in_ns(i * 4000)};
        start(&receiver, receive_body);
        put(talk, "one");
        test_thread_join(&receiver.thread);
        if (receiver.status == LIMINAL_OK) {
            assert_string_equal(liminal_envelope_text(receiver.reply), "one");
            liminal_envelope_drop(&receiver.reply);
        } else {
            assert_int_equal(receiver.status, LIMINAL_ETIMEDOUT);
            assert_null(receiver.reply);
            get(talk, "one");
        }
    }
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    assert_int_equal(look(talk).counts.received, 50);
    shut(&talk);
}

/* Nobody need begin a message after its own deadline. */
static void deadline_of_the_envelope(void **state)
{
    servant self = new_servant();
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *message = NULL;
    liminal_conversation *talk;
    options.deadline = liminal_deadline_passed();
    assert_int_equal(liminal_envelope_create("stale", 5, &options, &message), LIMINAL_OK);
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    ask_gives(talk, "fence", "fence");
    assert_int_equal(look(talk).counts.withdrawn, 1);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

/* ---- watched only ---------------------------------------------------------------------------- */

static void watched_only(void **state)
{
    liminal_config config = config_of(*state), other = config_of(*state);
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED};
    liminal_conversation *talk, *watched;
    liminal_envelope *request = note("who?"), *kept = request, *reply = NULL;
    liminal_summary summary;
    open_house();
    watched = spawn(&other);
    participant.pid = liminal_conversation_pid(watched);
    config.mailbox_messages = 1;
    talk = spawn_with(config, participant);
    put(talk, "to nobody");
    summary = look(talk);
    assert_int_equal(summary.counts.sent, 1);
    assert_int_equal(summary.log_count, 1);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    get_fails(talk, liminal_deadline_in_ms(5), LIMINAL_ETIMEDOUT);
    put(talk, "to nobody again"); /* the first one's place is free: it goes nowhere */
    assert_int_equal(look(talk).counts.sent, 2);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_ENOPROC);
    assert_ptr_equal(request, kept);
    assert_null(reply);
    liminal_envelope_drop(&request);
    assert_int_equal(look(talk).counts.received, 0);
    liminal_conversation_drop(&talk);
    shut(&watched);
}

/* Only its exit matters: it fails the conversation, and whoever waits learns of it. */
static void watched_exit(void **state)
{
    liminal_config config = config_of(*state), other = config_of(*state);
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED};
    liminal_conversation *talk, *watched;
    liminal_envelope *message = note("x"), *kept = message;
    call receiver;
    open_house();
    watched = spawn(&other);
    participant.pid = liminal_conversation_pid(watched);
    talk = spawn_with(config, participant);
    receiver = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start_asleep(&receiver, receive_body);
    assert_int_equal(liminal_conversation_close(watched, LONG), LIMINAL_OK);
    joined(&receiver, LIMINAL_EEXIT);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_EEXIT);
    assert_ptr_equal(message, kept);
    assert_string_equal(liminal_envelope_text(message), "x");
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&talk);
    shut(&watched);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(accepted_is_there),
        BOTH(tries),
        INLINED(tries_after_a_query),
        BOTH(deadlines),
        FOUR(nothing_is_lost_to_a_timeout),
        FOUR(timeout_meets_reply),
        FOUR(deadline_of_the_envelope),
        BOTH(watched_only),
        BOTH(watched_exit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

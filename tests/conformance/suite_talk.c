/* SPDX-License-Identifier: MIT */
/* suite_talk.c -- send, receive, ask and their try-variants: ownership, order, deadlines. */
#include "suite.h"

#include <stdio.h>
#include <string.h>

static bool asks(const suite_backend *b)
{
    return b->asks;
}

static bool does_not_ask(const suite_backend *b)
{
    return !b->asks;
}

static void takes_and_gives(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("Good morning"), *sent = liminal_envelope_ref(message), *reply = NULL;
    b->open(b, &talk);
    suite_is(liminal_conversation_send(talk, &message, liminal_deadline_never()), OK);
    assert_null(message);
    suite_is(liminal_conversation_receive(talk, &reply, liminal_deadline_never()), OK);
    if (!b->capital) {
        assert_ptr_equal(reply, sent);
    }
    suite_answers(b, &reply, "Good morning");
    suite_finish(b, &talk);
    assert_string_equal(liminal_envelope_text(sent), "Good morning"); /* ours outlives it all */
    liminal_envelope_drop(&sent);
}

static void keeps_the_order(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    char text[32];
    const size_t room = b->bound;
    size_t i, sent = 0, received = 0;
    b->open(b, &talk);
    while (received < 5 * b->bound) {
        for (i = 0; i < 3; i++) { /* three in, two out, until it is full; then all out */
            if (sent - received < room) {
                (void)snprintf(text, sizeof text, "message %zu", sent++);
                suite_send(talk, text);
            }
        }
        do {
            (void)snprintf(text, sizeof text, "message %zu", received++);
            suite_receive(b, talk, text);
        } while (sent - received > room - 3);
    }
    while (received < sent) {
        (void)snprintf(text, sizeof text, "message %zu", received++);
        suite_receive(b, talk, text);
    }
    suite_finish(b, &talk);
}

static void empty_messages(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    b->open(b, &talk);
    suite_send(talk, "");
    suite_receive(b, talk, "");
    suite_finish(b, &talk);
}

static void timed_out_took_nothing(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *const nothing = suite_envelope("nothing");
    liminal_envelope *reply = nothing, *unused = nothing;
    const int64_t wait_ns = 5000000;
    int64_t began;
    b->open(b, &talk);
    suite_forget();
    began = test_now_ns();
    suite_is(liminal_conversation_receive(talk, &reply, liminal_deadline_in_ns(wait_ns)), ETIMEDOUT);
    assert_true(test_now_ns() - began >= wait_ns);
    suite_explained();
    assert_ptr_equal(reply, nothing);
    suite_send(talk, "later");
    suite_receive(b, talk, "later");
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT);
    assert_ptr_equal(reply, nothing);
    liminal_envelope_drop(&unused);
    suite_finish(b, &talk);
}

/* The second of three waiting receivers goes away; its place closes up. */
static void receivers_in_order_of_arrival(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    suite_call first, second, third;
    b->open(b, &talk);
    suite_start(&first, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_await_sleep(&first);
    suite_start(&second, talk, SUITE_RECEIVE, NULL, liminal_deadline_in_ms(20));
    suite_join(&second);
    suite_is(second.status, ETIMEDOUT);
    assert_null(second.reply);
    suite_start(&third, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_await_sleep(&third);
    suite_start(&second, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_await_sleep(&second);
    suite_send(talk, "one");
    suite_send(talk, "two");
    suite_send(talk, "three");
    suite_join(&first);
    suite_join(&second);
    suite_join(&third);
    suite_is(first.status, OK);
    suite_is(second.status, OK);
    suite_is(third.status, OK);
    suite_answers(b, &first.reply, "one");
    suite_answers(b, &third.reply, "two");
    suite_answers(b, &second.reply, "three");
    suite_finish(b, &talk);
}

static void first_receiver_gives_up(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    suite_call first, second;
    b->open(b, &talk);
    suite_start(&first, talk, SUITE_RECEIVE, NULL, liminal_deadline_in_ms(20));
    suite_start(&second, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_join(&first);
    suite_is(first.status, ETIMEDOUT);
    suite_send(talk, "for the other");
    suite_join(&second);
    suite_is(second.status, OK);
    suite_answers(b, &second.reply, "for the other");
    suite_finish(b, &talk);
}

static void past_deadlines_do_not_wait(const suite_backend *b)
{
    const liminal_deadline past[] = {liminal_deadline_passed(),
                                     liminal_deadline_in_ms(0),
                                     liminal_deadline_in_ns(0),
                                     liminal_deadline_in_ns(-5000000000),
                                     {.ns = 1},
                                     {.ns = -1},
                                     {.ns = -1500000000},
                                     {.ns = INT64_MIN}};
    const size_t count = sizeof past / sizeof past[0];
    liminal_conversation *talk = NULL;
    liminal_envelope *message = NULL, *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    size_t i;
    b->open(b, &talk);
    for (i = 0; i < count; i++) {
        suite_forget();
        suite_is(liminal_conversation_receive(talk, &reply, past[i]), ETIMEDOUT);
        suite_explained();
        message = suite_envelope("question");
        if (b->asks) {
            liminal_envelope *const mine = message;
            suite_is(liminal_conversation_ask(talk, &message, &reply, past[i]), ETIMEDOUT);
            assert_ptr_equal(message, mine);
        }
        assert_null(reply);
        suite_is(liminal_conversation_send(talk, &message, past[i]), OK); /* there is room: no wait is needed */
        assert_null(message);
        suite_settle(b, talk);
        suite_is(liminal_conversation_receive(talk, &reply, past[i]), OK);
        suite_answers(b, &reply, "question");
        suite_is(liminal_conversation_query(talk, &snapshot, past[i]), OK);
        assert_non_null(snapshot);
        liminal_snapshot_drop(&snapshot);
    }
    assert_int_equal(suite_look(talk).counts.sent, b->asks ? 2 * count : count); /* with those that settle */
    suite_is(liminal_conversation_close(talk, past[0]), OK);
    assert_int_equal(suite_look(talk).phase, LIMINAL_PHASE_CLOSED);
    for (i = 0; i < count; i++) {
        suite_is(liminal_conversation_close(talk, past[i]), OK);
    }
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

static void try_variants(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *const nothing = suite_envelope("nothing");
    liminal_envelope *message = suite_envelope("quick"), *reply = nothing, *unused = nothing;
    b->open(b, &talk);
    suite_forget();
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT);
    suite_explained();
    assert_ptr_equal(reply, nothing);
    suite_is(liminal_conversation_try_send(talk, &message), OK);
    assert_null(message);
    suite_settle(b, talk);
    suite_is(liminal_conversation_try_receive(talk, &reply), OK);
    suite_answers(b, &reply, "quick");
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT);
    liminal_envelope_drop(&unused);
    suite_finish(b, &talk);
}

/* ---- ask ---- */

static void asks_are_answered(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("How are you?"), *reply = NULL;
    b->open(b, &talk);
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), OK);
    assert_null(request);
    suite_answers(b, &reply, "How are you?");
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT); /* answers never come there */
    suite_finish(b, &talk);
}

static void an_ask_passes_by_a_receiver(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("mine"), *reply = NULL;
    suite_call receiver;
    b->open(b, &talk);
    suite_start(&receiver, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_await_sleep(&receiver);
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), OK);
    assert_null(request);
    suite_answers(b, &reply, "mine");
    suite_send(talk, "yours");
    suite_join(&receiver);
    suite_is(receiver.status, OK);
    suite_answers(b, &receiver.reply, "yours");
    suite_finish(b, &talk);
}

static void an_ask_passes_by_replies(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("mine"), *reply = NULL;
    b->open(b, &talk);
    suite_send(talk, "one");
    suite_send(talk, "two");
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), OK);
    suite_answers(b, &reply, "mine");
    suite_receive(b, talk, "one");
    suite_receive(b, talk, "two");
    suite_finish(b, &talk);
}

enum { ASKERS = 4, QUESTIONS = 50 };

typedef struct talker {
    test_thread thread;
    const suite_backend *backend;
    liminal_conversation *talk;
    test_gate *start;
    int number;
    size_t seen[ASKERS]; /* of whom it received how many */
} talker;

static void ask_a_lot(void *argument)
{
    const talker *me = argument;
    int i;
    test_gate_wait(me->start);
    for (i = 0; i < QUESTIONS; i++) {
        liminal_envelope *request, *reply = NULL;
        char text[32];
        (void)snprintf(text, sizeof text, "asker %d, question %d", me->number, i);
        request = suite_envelope(text);
        test_check(liminal_conversation_ask(me->talk, &request, &reply, liminal_deadline_never()) == LIMINAL_OK);
        test_check(request == NULL);
        test_check(suite_is_answer(me->backend, reply, text));
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
    }
}

/* One out for each one in, so that there are never more than there are talkers. */
static void send_and_receive_a_lot(void *argument)
{
    talker *me = argument;
    int i;
    test_gate_wait(me->start);
    for (i = 0; i < QUESTIONS; i++) {
        liminal_envelope *message, *reply = NULL;
        char text[32];
        int who = ASKERS;
        (void)snprintf(text, sizeof text, "%d %d", me->number, i);
        message = suite_envelope(text);
        test_check(liminal_conversation_send(me->talk, &message, liminal_deadline_never()) == LIMINAL_OK);
        test_check(message == NULL);
        test_check(liminal_conversation_receive(me->talk, &reply, liminal_deadline_never()) == LIMINAL_OK);
        if (test_check(sscanf(liminal_envelope_text(reply), "%d", &who) == 1 && who >= 0 && who < ASKERS)) {
            me->seen[who]++;
        }
        liminal_envelope_drop(&message);
        liminal_envelope_drop(&reply);
    }
}

static void all_at_once(const suite_backend *b, void (*body)(void *argument), talker *talkers, int count,
                        liminal_conversation *talk)
{
    test_gate start = TEST_GATE_INIT;
    int i;
    for (i = 0; i < count; i++) {
        talkers[i] = (talker){.backend = b, .talk = talk, .start = &start, .number = i};
        test_thread_start(&talkers[i].thread, body, &talkers[i]);
    }
    for (i = 0; i < count; i++) {
        test_gate_open(&start);
    }
    for (i = 0; i < count; i++) {
        test_thread_join(&talkers[i].thread);
    }
}

static void each_asker_gets_its_own(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_summary summary;
    talker talkers[ASKERS];
    b->open(b, &talk);
    all_at_once(b, ask_a_lot, talkers, ASKERS, talk);
    summary = suite_look(talk);
    assert_int_equal(summary.counts.sent, ASKERS * QUESTIONS);
    assert_int_equal(summary.counts.received, ASKERS * QUESTIONS);
    suite_finish(b, &talk);
}

static void each_reply_goes_to_one(const suite_backend *b)
{
    const int count = ASKERS; /* no more than the least bound */
    liminal_conversation *talk = NULL;
    liminal_envelope *reply = NULL;
    liminal_summary summary;
    talker talkers[ASKERS];
    int i, j;
    b->open(b, &talk);
    all_at_once(b, send_and_receive_a_lot, talkers, count, talk);
    for (i = 0; i < count; i++) {
        size_t seen = 0;
        for (j = 0; j < count; j++) {
            seen += talkers[j].seen[i];
        }
        assert_int_equal(seen, QUESTIONS);
    }
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT);
    summary = suite_look(talk);
    assert_int_equal(summary.counts.sent, count * QUESTIONS);
    assert_int_equal(summary.counts.received, count * QUESTIONS);
    suite_finish(b, &talk);
}

static void nobody_to_ask(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("anybody?"), *const mine = request, *reply = NULL;
    b->open(b, &talk);
    suite_forget();
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), ENOPROC);
    suite_explained();
    assert_ptr_equal(request, mine);
    assert_null(reply);
    assert_int_equal(suite_look(talk).counts.sent, 0);
    suite_is(liminal_conversation_send(talk, &request, liminal_deadline_never()), OK);
    suite_receive(b, talk, "anybody?");
    suite_finish(b, &talk);
}

const suite_case suite_talk[] = {
    {"takes and gives", takes_and_gives, NULL},
    {"keeps the order", keeps_the_order, NULL},
    {"empty messages", empty_messages, NULL},
    {"a receive that timed out took nothing", timed_out_took_nothing, NULL},
    {"receivers in order of arrival", receivers_in_order_of_arrival, NULL},
    {"the first receiver gives up", first_receiver_gives_up, NULL},
    {"past deadlines do not wait", past_deadlines_do_not_wait, NULL},
    {"try variants", try_variants, NULL},
    {"each reply goes to one", each_reply_goes_to_one, NULL},
    {"asks are answered", asks_are_answered, asks},
    {"an ask passes by a receiver", an_ask_passes_by_a_receiver, asks},
    {"an ask passes by replies", an_ask_passes_by_replies, asks},
    {"each asker gets its own", each_asker_gets_its_own, asks},
    {"nobody to ask", nobody_to_ask, does_not_ask},
    {NULL, NULL, NULL},
};

/* SPDX-License-Identifier: MIT */
/* test_checker.c -- the checker of histories is proved: it accepts what is right, and refuses what is wrong in one
 * thing each; and a conversation that lies now and then is found out, and the history shrunk to the lie. */
#include "play.h"

#include <liminal/backend.h>

#include <string.h>

/* ---- histories by hand ---- */

typedef struct story {
    model_history h;
} story;

static story begin(model_kind kind)
{
    story s;
    memset(&s, 0, sizeof s);
    s.h.kind = kind;
    return s;
}

/* The one that was added last. */
static model_call *last(story *s)
{
    return &s->h.calls[s->h.count - 1];
}

static model_call *add(story *s, model_verb verb, uint64_t from, uint64_t to, liminal_status status)
{
    model_call *call = &s->h.calls[s->h.count++];
    call->verb = verb;
    call->wait = verb == MODEL_RECEIVE && status == LIMINAL_ETIMEDOUT ? MODEL_NOW : MODEL_EVER;
    call->from = from;
    call->to = to;
    call->status = status;
    call->kept = verb == MODEL_ASK && status != LIMINAL_OK && status != LIMINAL_ECANCELED;
    return call;
}

static void send(story *s, uint64_t from, uint64_t to)
{
    uint32_t index = s->h.count;
    (void)add(s, MODEL_SEND, from, to, LIMINAL_OK);
    s->h.delivered[index] = s->h.kind != MODEL_BUFFER;
    s->h.counts.sent++;
}

static void receive(story *s, uint64_t from, uint64_t to, uint32_t got)
{
    add(s, MODEL_RECEIVE, from, to, LIMINAL_OK)->got = got;
    s->h.counts.received++;
}

static void ask(story *s, uint64_t from, uint64_t to, uint32_t got)
{
    s->h.delivered[s->h.count] = 1;
    add(s, MODEL_ASK, from, to, LIMINAL_OK)->got = got;
    s->h.counts.received++;
    s->h.counts.sent++;
}

static void query(story *s, uint64_t from, uint64_t to, liminal_phase phase, uint64_t sent, uint64_t received)
{
    model_call *call = add(s, MODEL_QUERY, from, to, LIMINAL_OK);
    call->phase = phase;
    call->counts.sent = sent;
    call->counts.received = received;
}

/* Everything is drained and closed, so that nothing is left to be explained. */
static void end(story *s)
{
    (void)add(s, MODEL_CLOSE, 100, 101, LIMINAL_OK);
    (void)add(s, MODEL_RECEIVE, 110, 111, LIMINAL_ECLOSED);
}

static void accepted(story *s)
{
    const char *wrong = model_refuses(&s->h);
    if (wrong != NULL) {
        model_print(&s->h);
        fail_msg("refused: %s", wrong);
    }
}

static void refused(story *s, const char *why)
{
    const char *wrong = model_refuses(&s->h);
    if (wrong == NULL || strcmp(wrong, why) != 0) {
        model_print(&s->h);
        fail_msg("not refused for: %s", why);
    }
}

static const char no_order[] = "no order of the calls explains what they gave";
static const char delivered[] = "a message was delivered twice, or lost, or was not the participant's";
static const char miscounted[] = "the counts at the end are not those of the calls";
static const char misquoted[] = "a query counts what was not there, or not what was";

static void what_is_right_is_accepted(void **state)
{
    (void)state;
    for (model_kind kind = MODEL_BUFFER; kind <= MODEL_THREAD; kind++) {
        story s = begin(kind);
        send(&s, 1, 2);
        send(&s, 3, 6);
        query(&s, 4, 5, LIMINAL_PHASE_ACTIVE, 1, 0);
        receive(&s, 7, 8, 0);
        receive(&s, 9, 20, 1);
        (void)add(&s, MODEL_SEND, 102, 103, LIMINAL_ECLOSED);
        end(&s);
        accepted(&s);
    }
}

/* Two that overlap may have come in either order. */
static void calls_at_once_have_any_order(void **state)
{
    story s = begin(MODEL_THREAD);
    (void)state;
    send(&s, 1, 4);
    send(&s, 2, 3);
    ask(&s, 5, 9, 2);
    (void)add(&s, MODEL_RECEIVE, 6, 7, LIMINAL_ETIMEDOUT);
    receive(&s, 10, 11, 1);
    receive(&s, 12, 13, 0);
    end(&s);
    accepted(&s);
}

static void a_lost_message_is_refused(void **state)
{
    (void)state;
    for (model_kind kind = MODEL_BUFFER; kind <= MODEL_THREAD; kind++) {
        story s = begin(kind);
        send(&s, 1, 2);
        send(&s, 3, 4);
        receive(&s, 5, 6, 0);
        end(&s); /* the receive behind the close should have had the other one */
        refused(&s, no_order);
    }
}

static void a_receive_out_of_order_is_refused(void **state)
{
    story s = begin(MODEL_BUFFER);
    (void)state;
    send(&s, 1, 2);
    send(&s, 3, 4);
    receive(&s, 5, 6, 1);
    receive(&s, 7, 8, 0);
    end(&s);
    refused(&s, no_order);
    s.h.calls[1].from = 0; /* with the sends at once it is right */
    accepted(&s);
}

static void a_reply_given_twice_is_refused(void **state)
{
    story s = begin(MODEL_INLINE);
    (void)state;
    send(&s, 1, 2);
    receive(&s, 3, 4, 0);
    receive(&s, 5, 6, 0);
    end(&s);
    refused(&s, no_order);
}

static void an_answer_to_another_ask_is_refused(void **state)
{
    story s = begin(MODEL_THREAD);
    (void)state;
    ask(&s, 1, 4, 0);
    ask(&s, 2, 3, 1);
    end(&s);
    accepted(&s);
    s.h.calls[1].got = 0; /* one answer twice */
    refused(&s, no_order);
}

/* An ask is answered behind all that was sent before it. */
static void an_answer_before_its_turn_is_refused(void **state)
{
    story s = begin(MODEL_THREAD);
    (void)state;
    send(&s, 1, 2);
    ask(&s, 3, 4, 1);
    (void)add(&s, MODEL_RECEIVE, 5, 6, LIMINAL_ETIMEDOUT);
    receive(&s, 7, 8, 0);
    end(&s);
    refused(&s, no_order);
    s.h.calls[0].to = 9; /* at once with the rest it is right */
    accepted(&s);
}

static void a_send_accepted_after_a_close_was_seen_is_refused(void **state)
{
    story s = begin(MODEL_BUFFER), t = begin(MODEL_BUFFER);
    (void)state;
    (void)add(&s, MODEL_CLOSE, 1, 50, LIMINAL_OK);
    query(&s, 2, 3, LIMINAL_PHASE_COMPLETING, 0, 0);
    send(&s, 4, 5);
    receive(&s, 60, 61, 2);
    end(&s);
    refused(&s, no_order);
    s.h.calls[2].from = 2; /* at once with the query it is right */
    accepted(&s);

    (void)add(&t, MODEL_CLOSE, 1, 50, LIMINAL_OK);
    (void)add(&t, MODEL_SEND, 2, 3, LIMINAL_ECLOSED);
    send(&t, 4, 5);
    receive(&t, 60, 61, 2);
    end(&t);
    refused(&t, no_order);
}

static void a_refusal_before_any_close_is_refused(void **state)
{
    story s = begin(MODEL_THREAD);
    (void)state;
    (void)add(&s, MODEL_SEND, 1, 2, LIMINAL_ECLOSED);
    end(&s);
    refused(&s, no_order);
}

/* Without a thread that answers, what was sent before a query is there after it. */
static void a_receive_that_finds_nothing_after_a_query_is_refused(void **state)
{
    story s = begin(MODEL_BUFFER);
    (void)state;
    send(&s, 1, 2);
    query(&s, 3, 4, LIMINAL_PHASE_ACTIVE, 1, 0);
    (void)add(&s, MODEL_RECEIVE, 5, 6, LIMINAL_ETIMEDOUT);
    receive(&s, 7, 8, 0);
    end(&s);
    refused(&s, no_order);
    s.h.kind = MODEL_THREAD; /* one may take its time */
    s.h.delivered[0] = 1;
    accepted(&s);
}

static void a_receive_that_gives_up_too_early_is_refused(void **state)
{
    story s = begin(MODEL_BUFFER), t = begin(MODEL_BUFFER);
    (void)state;
    add(&s, MODEL_RECEIVE, 1, 2, LIMINAL_ETIMEDOUT)->wait = MODEL_EVER;
    end(&s);
    refused(&s, no_order);
    end(&t);
    (void)add(&t, MODEL_RECEIVE, 120, 121, LIMINAL_ETIMEDOUT); /* it has closed: that is what it should say */
    refused(&t, no_order);
}

static void a_query_that_tells_a_story_is_refused(void **state)
{
    story s = begin(MODEL_BUFFER);
    (void)state;
    send(&s, 1, 2);
    query(&s, 3, 4, LIMINAL_PHASE_ACTIVE, 1, 0);
    receive(&s, 5, 6, 0);
    query(&s, 7, 8, LIMINAL_PHASE_ACTIVE, 1, 1);
    end(&s);
    accepted(&s);
    s.h.calls[1].counts.sent = 0;
    refused(&s, no_order);
    s.h.calls[1].counts.sent = 2;
    refused(&s, no_order);
    s.h.calls[1].counts.sent = 1;
    s.h.calls[3].counts.received = 0;
    refused(&s, misquoted);
    s.h.calls[3].counts.received = 1;
    s.h.calls[3].phase = LIMINAL_PHASE_COMPLETING;
    refused(&s, no_order);
}

static void a_delivery_that_should_not_be_is_refused(void **state)
{
    story s = begin(MODEL_THREAD);
    (void)state;
    send(&s, 1, 2);
    receive(&s, 3, 4, 0);
    add(&s, MODEL_ASK, 5, 6, LIMINAL_ETIMEDOUT)->wait = MODEL_SHORT;
    end(&s);
    accepted(&s);
    s.h.delivered[2] = 1; /* it was withdrawn */
    refused(&s, delivered);
    s.h.delivered[2] = 0;
    s.h.delivered[0] = 2;
    refused(&s, delivered);
    s.h.delivered[0] = 0;
    refused(&s, delivered);
}

static void books_that_do_not_balance_are_refused(void **state)
{
    story s = begin(MODEL_THREAD);
    (void)state;
    ask(&s, 1, 2, 0);
    add(&s, MODEL_ASK, 3, 4, LIMINAL_ETIMEDOUT)->wait = MODEL_SHORT;
    last(&s)->kept = false; /* it was begun */
    s.h.delivered[1] = 1;
    s.h.counts.late = 1;
    end(&s);
    accepted(&s);
    s.h.counts.late = 0;
    refused(&s, miscounted);
    s.h.counts.unfinished = 1; /* nothing cut it off */
    refused(&s, miscounted);
    s.h.counts.unfinished = 0;
    s.h.counts.late = 2;
    refused(&s, miscounted);
    s.h.counts.late = 1;
    s.h.counts.received = 2;
    refused(&s, miscounted);
}

/* A close that had no time may drop what nobody had begun; one that had must not. */
static void what_a_close_may_drop(void **state)
{
    story s = begin(MODEL_THREAD);
    (void)state;
    send(&s, 1, 2);
    s.h.delivered[0] = 0;
    s.h.counts.withdrawn = 1;
    add(&s, MODEL_CLOSE, 3, 4, LIMINAL_OK)->wait = MODEL_NOW;
    (void)add(&s, MODEL_RECEIVE, 5, 6, LIMINAL_ECLOSED);
    accepted(&s);
    s.h.calls[1].wait = MODEL_EVER;
    refused(&s, no_order);
}

/* ---- one that lies ---- */

typedef struct liar {
    liminal_conversation *inner;
    atomic_uint sends;
} liar;

/* Every second message is lost on the way. */
static liminal_status lie_send(void *self, liminal_envelope **message, liminal_deadline deadline)
{
    liar *l = self;
    if (atomic_fetch_add(&l->sends, 1) % 2 == 1) {
        liminal_envelope_drop(message);
        return LIMINAL_OK;
    }
    return liminal_conversation_send(l->inner, message, deadline);
}

static liminal_status lie_receive(void *self, liminal_envelope **out_reply, liminal_deadline deadline)
{
    return liminal_conversation_receive(((liar *)self)->inner, out_reply, deadline);
}

static liminal_status lie_ask(void *self, liminal_envelope **request, liminal_envelope **out_reply,
                              liminal_deadline deadline)
{
    return liminal_conversation_ask(((liar *)self)->inner, request, out_reply, deadline);
}

static liminal_status lie_close(void *self, liminal_deadline deadline)
{
    return liminal_conversation_close(((liar *)self)->inner, deadline);
}

static liminal_status lie_query(void *self, liminal_snapshot **out, liminal_deadline deadline)
{
    return liminal_conversation_query(((liar *)self)->inner, out, deadline);
}

static void lie_release(void *self)
{
    liar *l = self;
    liminal_conversation_drop(&l->inner);
    test_allocator()->release(test_allocator()->context, l, sizeof *l);
}

static liminal_conversation *wrap_in_lies(liminal_conversation *inner)
{
    static const liminal_backend backend = {
        LIMINAL_OPS(liminal_backend), .name = "a liar", .send = lie_send, .receive = lie_receive, .close = lie_close,
        .query = lie_query, .release = lie_release, .ask = lie_ask};
    liminal_conversation *conversation = NULL;
    liar *l = test_allocator()->allocate(test_allocator()->context, sizeof *l);
    assert_non_null(l);
    l->inner = inner;
    atomic_init(&l->sends, 0);
    assert_int_equal(liminal_conversation_open(&backend, l, test_allocator(), &conversation), LIMINAL_OK);
    return conversation;
}

static void a_liar_is_found_out_and_his_lie_shrunk(void **state)
{
    static player p;
    uint32_t sends = 0, others = 0;
    const char *wrong;
    (void)state;
    p = (player){.kind = MODEL_BUFFER, .wrap = wrap_in_lies};
    play_open(&p);
    wrong = play_on(&p, 60.0); /* it takes a few rounds */
    play_close(&p);
    assert_non_null(wrong);
    for (uint32_t i = 0; i < p.history.count; i++) {
        const model_call *call = &p.history.calls[i];
        sends += call->thread < MODEL_THREADS && call->verb == MODEL_SEND;
        others += call->thread < MODEL_THREADS && call->verb != MODEL_SEND;
    }
    assert_int_equal(sends, 2); /* the one that was lost, and the one before it */
    assert_int_equal(others, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_right_is_accepted),
        TEST(calls_at_once_have_any_order),
        TEST(a_lost_message_is_refused),
        TEST(a_receive_out_of_order_is_refused),
        TEST(a_reply_given_twice_is_refused),
        TEST(an_answer_to_another_ask_is_refused),
        TEST(an_answer_before_its_turn_is_refused),
        TEST(a_send_accepted_after_a_close_was_seen_is_refused),
        TEST(a_refusal_before_any_close_is_refused),
        TEST(a_receive_that_finds_nothing_after_a_query_is_refused),
        TEST(a_receive_that_gives_up_too_early_is_refused),
        TEST(a_query_that_tells_a_story_is_refused),
        TEST(a_delivery_that_should_not_be_is_refused),
        TEST(books_that_do_not_balance_are_refused),
        TEST(what_a_close_may_drop),
        TEST(a_liar_is_found_out_and_his_lie_shrunk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

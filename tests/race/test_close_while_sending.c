/* SPDX-License-Identifier: MIT */
/* test_close_while_sending.c -- a close meets sends that are under way. */
#include "race/race.h"

typedef struct gated {
    test_gate begun, go;
} gated;

static liminal_status echo_when_told(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    gated *g = self;
    test_gate_open(&g->begun);
    test_gate_wait(&g->go);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = echo_when_told};

static void send(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *message = race_say(text);
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
    assert_null(message);
}

static void assert_next(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *reply = NULL;
    assert_int_equal(liminal_conversation_try_receive(conversation, &reply), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), text);
    liminal_envelope_drop(&reply);
}

static void assert_no_more(liminal_conversation *conversation)
{
    liminal_envelope *reply = NULL;
    assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_ECLOSED);
}

typedef struct closer {
    liminal_conversation *conversation;
    liminal_status status;
    test_thread thread;
} closer;

static void close_for_good(void *argument)
{
    closer *c = argument;
    c->status = liminal_conversation_close(c->conversation, liminal_deadline_never());
}

static void what_was_accepted_is_answered(void **state)
{
    liminal_supervisor *supervisor = race_open();
    gated g = {TEST_GATE_INIT, TEST_GATE_INIT};
    closer c = {.conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, &g)};
    liminal_envelope *message;
    (void)state;
    send(c.conversation, "1");
    test_gate_wait(&g.begun);
    send(c.conversation, "2");
    send(c.conversation, "3");
    test_thread_start(&c.thread, close_for_good, &c);
    test_until(race_is_closed(c.conversation));
    message = race_say("too late");
    assert_int_equal(liminal_conversation_try_send(c.conversation, &message), LIMINAL_ECLOSED);
    assert_string_equal(liminal_status_detail(), "the conversation is closing");
    assert_string_equal(liminal_envelope_text(message), "too late");
    liminal_envelope_drop(&message);
    for (int i = 0; i < 3; i++) {
        test_gate_open(&g.go);
    }
    test_thread_join(&c.thread);
    assert_int_equal(c.status, LIMINAL_OK);
    assert_int_equal(race_look(c.conversation).phase, LIMINAL_PHASE_CLOSED);
    assert_next(c.conversation, "1");
    assert_next(c.conversation, "2");
    assert_next(c.conversation, "3");
    assert_no_more(c.conversation);
    liminal_conversation_drop(&c.conversation);
    (void)race_shutdown(&supervisor);
}

/* ---- one who waits for room ---- */

typedef struct sender {
    liminal_conversation *conversation;
    liminal_envelope *message;
    liminal_status status;
    bool closing; /* as the detail said */
    test_thread thread;
} sender;

static void send_when_there_is_room(void *argument)
{
    sender *s = argument;
    s->status = liminal_conversation_send(s->conversation, &s->message, liminal_deadline_never());
    s->closing = strncmp(liminal_status_detail(), "the conversation ", strlen("the conversation ")) == 0;
}

static void who_waits_for_room_is_sent_away(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL,
                             .overflow = LIMINAL_OVERFLOW_WAIT, .mailbox_messages = 1};
    sender s = {.message = race_say("second")};
    (void)state;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &s.conversation), LIMINAL_OK);
    send(s.conversation, "first");
    test_thread_start(&s.thread, send_when_there_is_room, &s);
    test_until(limi_u32_load(&race_talk(s.conversation)->quota.waiting) == 1);
    assert_int_equal(liminal_conversation_close(s.conversation, liminal_deadline_never()), LIMINAL_OK);
    test_thread_join(&s.thread);
    assert_int_equal(s.status, LIMINAL_ECLOSED);
    assert_true(s.closing);
    assert_string_equal(liminal_envelope_text(s.message), "second");
    liminal_envelope_drop(&s.message);
    assert_next(s.conversation, "first");
    assert_no_more(s.conversation);
    liminal_conversation_drop(&s.conversation);
    (void)race_shutdown(&supervisor);
}

/* ---- the race ---- */

typedef struct racer {
    liminal_conversation *conversation;
    race_line line;
    int64_t moment;
    liminal_status status;
    test_thread thread;
} racer;

static void send_one(void *argument)
{
    racer *me = argument;
    liminal_envelope *message = race_say("x");
    race_cross(&me->line, me->moment);
    me->status = liminal_conversation_try_send(me->conversation, &message);
    (void)test_check((message == NULL) == (me->status == LIMINAL_OK)); /* taken exactly when accepted */
    liminal_envelope_drop(&message);
}

static void run_race(liminal_participant_kind kind)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 10000);
        racer me = {.line = {0}, .moment = race_moment(&r, most)};
        me.conversation = race_spawn(supervisor, kind, liminal_behaviour_echo(), NULL);
        test_thread_start(&me.thread, send_one, &me);
        race_cross(&me.line, most - me.moment);
        assert_int_equal(liminal_conversation_close(me.conversation, liminal_deadline_never()), LIMINAL_OK);
        test_thread_join(&me.thread);
        if (me.status == LIMINAL_OK) { /* accepted: then the close has let it be answered */
            r.seen[0]++;
            assert_next(me.conversation, "x");
        } else {
            r.seen[1]++;
            assert_int_equal(me.status, LIMINAL_ECLOSED);
        }
        assert_no_more(me.conversation);
        liminal_conversation_drop(&me.conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

static void a_send_is_answered_or_refused(void **state)
{
    (void)state;
    run_race(LIMINAL_PARTICIPANT_THREAD);
}

static void the_same_inline(void **state)
{
    (void)state;
    run_race(LIMINAL_PARTICIPANT_INLINE);
}

/* The same with a close that does not wait: the step that ends it is then not taken in the turn. */
static void a_close_without_time_meets_a_send(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 2000);
        racer me = {.line = {0}, .moment = race_moment(&r, most)};
        me.conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
        test_thread_start(&me.thread, send_one, &me);
        race_cross(&me.line, most - me.moment);
        assert_int_equal(liminal_conversation_close(me.conversation, liminal_deadline_passed()), LIMINAL_OK);
        test_thread_join(&me.thread);
        assert_true(me.status == LIMINAL_OK || me.status == LIMINAL_ECLOSED);
        r.seen[me.status != LIMINAL_OK]++;
        assert_int_equal(race_look(me.conversation).phase, LIMINAL_PHASE_CLOSED);
        liminal_conversation_drop(&me.conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* The same with the conversation's own deadline, which its own thread sees to while the sender runs the turn. */
static void the_conversations_deadline_meets_sends(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        liminal_participant participant = {.behaviour = liminal_behaviour_echo()};
        liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                 .on_crash = LIMINAL_CRASH_FAIL, .timeout_ns = race_most(&r, 400000)};
        liminal_conversation *conversation = NULL;
        liminal_status st;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
        do {
            liminal_envelope *message = race_say("x"), *reply = NULL;
            st = liminal_conversation_try_send(conversation, &message);
            liminal_envelope_drop(&message);
            if (liminal_conversation_try_receive(conversation, &reply) == LIMINAL_OK) {
                liminal_envelope_drop(&reply);
            }
            r.seen[st != LIMINAL_OK]++;
        } while (st == LIMINAL_OK || st == LIMINAL_EFULL);
        assert_int_equal(st, LIMINAL_ETIMEDOUT);
        liminal_conversation_drop(&conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_accepted_is_answered),
        TEST(who_waits_for_room_is_sent_away),
        TEST(a_send_is_answered_or_refused),
        TEST(the_same_inline),
        TEST(a_close_without_time_meets_a_send),
        TEST(the_conversations_deadline_meets_sends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

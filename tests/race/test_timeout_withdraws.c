/* SPDX-License-Identifier: MIT */
/* test_timeout_withdraws.c -- an ask whose deadline passes before it is begun is withdrawn. */
#include "race/race.h"

/* Answers "hold" when it is told to, and everything else at once; counts what it was given. */
typedef struct slow {
    test_gate begun, go;
    atomic_int given;
} slow;

static liminal_status be_slow(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    slow *s = self;
    if (strcmp(liminal_envelope_text(request), "hold") == 0) {
        test_gate_open(&s->begun);
        test_gate_wait(&s->go);
    } else {
        atomic_fetch_add(&s->given, 1);
    }
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = be_slow};

static void begin(slow *s, liminal_supervisor **supervisor, liminal_conversation **conversation)
{
    test_gate_init(&s->begun);
    test_gate_init(&s->go);
    atomic_init(&s->given, 0);
    *supervisor = race_open();
    *conversation = race_spawn(*supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, s);
}

static void hold(slow *s, liminal_conversation *conversation)
{
    liminal_envelope *message = race_say("hold");
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
    test_gate_wait(&s->begun);
}

static void let_go(slow *s, liminal_conversation *conversation)
{
    liminal_envelope *reply = NULL;
    test_gate_open(&s->go);
    assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "hold");
    liminal_envelope_drop(&reply);
}

static void settle_with(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *request = race_say(text), *reply = NULL;
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), text);
    liminal_envelope_drop(&reply);
}

/* On a slow machine the time may be over before the ask even begins. */
static bool was_not_sent(void)
{
    return strcmp(liminal_status_detail(), "the deadline had passed before the ask") == 0;
}

static void what_is_not_begun_stays_with_its_asker(void **state)
{
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope *request = race_say("x"), *reply = NULL;
    liminal_deadline deadline = {0};
    liminal_summary summary;
    slow s;
    (void)state;
    begin(&s, &supervisor, &conversation);
    hold(&s, conversation);
    for (uint32_t ms = 2; ms == 2 || was_not_sent(); ms *= 2) {
        assert_true(ms < 10000);
        deadline = liminal_deadline_in_ms(ms);
        assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, deadline), LIMINAL_ETIMEDOUT);
    }
    assert_string_equal(liminal_status_detail(), "no answer before the deadline");
    assert_int_equal(liminal_deadline_remaining_ns(deadline), 0); /* not before */
    assert_string_equal(liminal_envelope_text(request), "x");
    assert_null(reply);
    let_go(&s, conversation);
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    assert_null(request); /* the same one, once more */
    liminal_envelope_drop(&reply);
    assert_int_equal(atomic_load(&s.given), 1); /* the first time it was never given to the behaviour */
    summary = race_look(conversation);
    assert_int_equal(summary.counts.withdrawn, 1);
    assert_int_equal(summary.counts.received, 2);
    assert_int_equal(summary.counts.late, 0);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

static void what_was_begun_was_taken(void **state)
{
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope *request = race_say("hold"), *reply = NULL;
    liminal_summary summary;
    int withdrawn = 0;
    slow s;
    (void)state;
    begin(&s, &supervisor, &conversation);
    for (uint32_t ms = 50; request != NULL; ms *= 2) { /* still there: on a slow machine it was not begun in time */
        assert_true(ms < 10000);
        withdrawn += ms > 50 && !was_not_sent();
        assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_in_ms(ms)),
                         LIMINAL_ETIMEDOUT);
    }
    test_gate_wait(&s.begun);
    assert_null(request);
    assert_null(reply);
    test_gate_open(&s.go);
    settle_with(conversation, "next"); /* gets its own answer, not the late one */
    assert_int_equal(liminal_conversation_try_receive(conversation, &reply), LIMINAL_ETIMEDOUT);
    summary = race_look(conversation);
    assert_int_equal(summary.counts.late, 1);
    assert_int_equal(summary.counts.withdrawn, withdrawn);
    assert_int_equal(summary.counts.received, 1);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

/* The request's own deadline, which passes while the asker would wait for longer. */
static void nobody_begins_what_is_past_its_own_deadline(void **state)
{
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator(),
                                        .deadline = liminal_deadline_passed()};
    liminal_envelope *request = NULL, *reply = NULL;
    slow s;
    (void)state;
    begin(&s, &supervisor, &conversation);
    assert_int_equal(liminal_envelope_create("x", 1, &options, &request), LIMINAL_OK);
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()),
                     LIMINAL_ETIMEDOUT);
    assert_non_null(request);
    assert_int_equal(atomic_load(&s.given), 0);
    assert_int_equal(race_look(conversation).counts.withdrawn, 1);
    liminal_envelope_drop(&request);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

static void an_ask_without_time_is_not_sent(void **state)
{
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope *request = race_say("x"), *reply = NULL;
    slow s;
    (void)state;
    begin(&s, &supervisor, &conversation);
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_passed()),
                     LIMINAL_ETIMEDOUT);
    assert_string_equal(liminal_status_detail(), "the deadline had passed before the ask");
    assert_non_null(request);
    assert_int_equal(race_look(conversation).counts.sent, 0);
    liminal_envelope_drop(&request);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

/* ---- the race: the participant begins it as its time runs out ---- */

typedef struct opener {
    test_gate *gate;
    liminal_deadline deadline;
    int64_t lead_ns;
    race_line line;
    test_thread thread;
} opener;

static void open_about_then(void *argument)
{
    opener *o = argument;
    race_cross(&o->line, 0);
    race_linger(liminal_deadline_remaining_ns(o->deadline) - o->lead_ns, true);
    test_gate_open(o->gate);
}

static void it_is_taken_or_withdrawn(void **state)
{
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    race r = race_begin();
    int taken = 0, withdrawn = 0, answered = 0;
    int64_t time_ns = 400000;
    liminal_summary summary;
    slow s;
    (void)state;
    begin(&s, &supervisor, &conversation);
    while (race_goes_on(&r)) {
        liminal_envelope *request = race_say("x"), *reply = NULL;
        opener o = {.gate = &s.go, .lead_ns = race_moment(&r, time_ns / 8 * 3)};
        liminal_status st;
        hold(&s, conversation);
        test_thread_start(&o.thread, open_about_then, &o);
        o.deadline = liminal_deadline_in_ns(time_ns);
        race_cross(&o.line, 0);
        st = liminal_conversation_ask(conversation, &request, &reply, o.deadline);
        test_thread_join(&o.thread);
        if (st == LIMINAL_OK) {
            answered++;
            assert_null(request);
            assert_string_equal(liminal_envelope_text(reply), "x");
            liminal_envelope_drop(&reply);
        } else {
            assert_int_equal(st, LIMINAL_ETIMEDOUT);
            assert_null(reply);
            taken += request == NULL;
            withdrawn += request != NULL && !was_not_sent();
        }
        r.seen[request != NULL]++;
        if (r.rounds % 64 == 0 && r.seen[0] == 0) {
            time_ns *= 2; /* a machine on which that much is no time at all */
        }
        liminal_envelope_drop(&request);
        assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_OK);
        assert_string_equal(liminal_envelope_text(reply), "hold"); /* never the late answer */
        liminal_envelope_drop(&reply);
    }
    settle_with(conversation, "last");
    summary = race_look(conversation);
    assert_int_equal(atomic_load(&s.given), answered + taken + 1); /* exactly those that were taken */
    assert_int_equal(summary.counts.withdrawn, withdrawn);
    assert_int_equal(summary.counts.late, taken);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_not_begun_stays_with_its_asker),
        TEST(what_was_begun_was_taken),
        TEST(nobody_begins_what_is_past_its_own_deadline),
        TEST(an_ask_without_time_is_not_sent),
        TEST(it_is_taken_or_withdrawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

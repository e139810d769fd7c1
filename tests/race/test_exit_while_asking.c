/* SPDX-License-Identifier: MIT */
/* test_exit_while_asking.c -- a participant exits while others wait for its answers. */
#include "race/race.h"

/* Answers with the request; "die" makes it exit, "last" makes it answer and exit. */
typedef struct mortal {
    test_gate *begun, *go; /* for each request, if they are there */
    int answered;
} mortal;

static liminal_status be_mortal(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    mortal *m = self;
    const char *text = liminal_envelope_text(request);
    if (m->begun != NULL) {
        test_gate_open(m->begun);
        test_gate_wait(m->go);
        m->answered++;
    }
    if (strcmp(text, "die") == 0) {
        return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_ERROR, 7});
    }
    *out_reply = liminal_envelope_ref(request);
    return strcmp(text, "last") == 0 ? LIMINAL_ECANCELED : LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = be_mortal};

typedef struct asker {
    liminal_conversation *conversation;
    const char *text;
    liminal_envelope *request, *reply;
    liminal_status status;
    bool explained; /* the detail named the exit */
    test_thread thread;
} asker;

static void ask(void *argument)
{
    asker *a = argument;
    a->request = race_say(a->text);
    a->reply = NULL;
    a->status = liminal_conversation_ask(a->conversation, &a->request, &a->reply, liminal_deadline_never());
    a->explained = a->status != LIMINAL_OK && strcmp(liminal_status_detail(), "participant exited: error 7") == 0;
}

static void start(asker *a, liminal_conversation *conversation, const char *text)
{
    *a = (asker){.conversation = conversation, .text = text};
    test_thread_start(&a->thread, ask, a);
}

/* One is being answered, two more wait for their turn. */
static liminal_summary one_begun_two_queued(asker askers[3], mortal *m)
{
    liminal_supervisor *supervisor = race_open();
    test_gate begun = TEST_GATE_INIT, go = TEST_GATE_INIT;
    liminal_conversation *conversation;
    liminal_summary summary;
    *m = (mortal){.begun = &begun, .go = &go};
    conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, m);
    start(&askers[0], conversation, "die");
    test_gate_wait(&begun);
    start(&askers[1], conversation, "one");
    start(&askers[2], conversation, "two");
    test_until(race_look(conversation).counts.sent == 3);
    test_gate_open(&go);
    for (int i = 0; i < 3; i++) {
        test_thread_join(&askers[i].thread);
    }
    summary = race_look(conversation);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
    return summary;
}

static void everyone_is_told_at_once(void **state)
{
    asker askers[3];
    mortal m;
    liminal_summary summary = one_begun_two_queued(askers, &m);
    (void)state;
    assert_int_equal(summary.phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(summary.cause, LIMINAL_EEXIT);
    assert_int_equal(summary.counts.sent, 3);
    assert_int_equal(summary.counts.received, 0);
    assert_int_equal(summary.counts.late, 0);
    assert_int_equal(m.answered, 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(askers[i].status, LIMINAL_EEXIT);
        assert_true(askers[i].explained);
        assert_null(askers[i].reply);
    }
    assert_null(askers[0].request); /* it was begun */
    for (int i = 1; i < 3; i++) { /* these never were, so they are still their askers' */
        assert_non_null(askers[i].request);
        assert_string_equal(liminal_envelope_text(askers[i].request), i == 1 ? "one" : "two");
        liminal_envelope_drop(&askers[i].request);
    }
}

static void later_asks_hear_of_the_first_cause(void **state)
{
    liminal_supervisor *supervisor = race_open();
    mortal m = {.answered = 0};
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, &m);
    liminal_envelope *request = race_say("last"), *reply = NULL;
    asker a;
    (void)state;
    /* A reply that comes with the exit is delivered before it. */
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    assert_null(request);
    assert_string_equal(liminal_envelope_text(reply), "last");
    liminal_envelope_drop(&reply);
    assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "participant exited: error 11");
    start(&a, conversation, "x");
    test_thread_join(&a.thread);
    assert_int_equal(a.status, LIMINAL_EEXIT);
    assert_non_null(a.request);
    liminal_envelope_drop(&a.request);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

/* ---- the race: an ask and a message that kills ---- */

typedef struct killer {
    liminal_conversation *conversation;
    race_line *line;
    int64_t moment;
    test_thread thread;
} killer;

static void send_death(void *argument)
{
    killer *k = argument;
    liminal_envelope *message = race_say("die");
    race_cross(k->line, k->moment);
    (void)test_check(liminal_conversation_try_send(k->conversation, &message) == LIMINAL_OK);
}

static void race_of(liminal_participant_kind kind)
{
    liminal_supervisor *supervisor = race_open();
    mortal m = {.answered = 0}; /* of all rounds: the participant of one may outlive it */
    race r = race_begin();
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 20000);
        race_line line = {0};
        killer k = {.line = &line, .moment = race_moment(&r, most)};
        liminal_envelope *request = race_say("x"), *reply = NULL;
        liminal_status st;
        k.conversation = race_spawn(supervisor, kind, &behaviour, &m);
        test_thread_start(&k.thread, send_death, &k);
        race_cross(&line, most - k.moment);
        st = liminal_conversation_ask(k.conversation, &request, &reply, liminal_deadline_never());
        test_thread_join(&k.thread);
        if (st == LIMINAL_OK) {
            r.seen[0]++;
            assert_null(request);
            assert_string_equal(liminal_envelope_text(reply), "x");
            liminal_envelope_drop(&reply);
        } else {
            r.seen[1]++;
            assert_int_equal(st, LIMINAL_EEXIT);
            assert_string_equal(liminal_status_detail(), "participant exited: error 7");
            assert_non_null(request); /* it came after the one that kills, so it was never begun */
            assert_null(reply);
            liminal_envelope_drop(&request);
        }
        liminal_conversation_drop(&k.conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

static void an_ask_is_answered_or_told_of_the_exit(void **state)
{
    (void)state;
    race_of(LIMINAL_PARTICIPANT_THREAD);
}

static void the_same_inline(void **state)
{
    (void)state;
    race_of(LIMINAL_PARTICIPANT_INLINE);
}

static void what_was_not_begun_counts_as_withdrawn(void **state)
{
    asker askers[3];
    mortal m;
    liminal_summary summary = one_begun_two_queued(askers, &m);
    (void)state;
    liminal_envelope_drop(&askers[1].request);
    liminal_envelope_drop(&askers[2].request);
    assert_int_equal(summary.counts.unfinished, 1); /* "requests that were begun and cut off by an exit" */
    assert_int_equal(summary.counts.withdrawn, 2);  /* "... whose conversation ended, before they were begun" */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everyone_is_told_at_once),
        TEST(later_asks_hear_of_the_first_cause),
        TEST(an_ask_is_answered_or_told_of_the_exit),
        TEST(the_same_inline),
        TEST(what_was_not_begun_counts_as_withdrawn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

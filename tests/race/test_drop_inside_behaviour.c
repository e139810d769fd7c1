/* SPDX-License-Identifier: MIT */
/* test_drop_inside_behaviour.c -- drop, close and send inside the callbacks of the same conversation. */
#include "race/race.h"

typedef struct keeper {
    liminal_conversation *mine; /* the last handle, once the test has let go of its own */
    test_gate begun, go, over;
    liminal_status (*act)(struct keeper *k, const liminal_envelope *request, liminal_envelope **out_reply);
    int released;
} keeper;

static liminal_status act(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    keeper *k = self;
    test_gate_open(&k->begun);
    test_gate_wait(&k->go);
    return k->act(k, request, out_reply);
}

static void released(void *self)
{
    keeper *k = self;
    k->released++;
    test_gate_open(&k->over);
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = act, .release = released};

static void begin(keeper *k, liminal_supervisor *supervisor, liminal_participant_kind kind)
{
    k->released = 0;
    test_gate_init(&k->begun);
    test_gate_init(&k->go);
    test_gate_init(&k->over);
    k->mine = race_spawn(supervisor, kind, &behaviour, k);
}

static void send(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *message = race_say(text);
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
}

static const liminal_participant_kind kinds[2] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};

/* ---- the last handle goes inside answer() ---- */

static liminal_status drop_it(keeper *k, const liminal_envelope *request, liminal_envelope **out_reply)
{
    *out_reply = liminal_envelope_ref(request);
    liminal_conversation_drop(&k->mine);
    (void)test_check(k->mine == NULL);
    return LIMINAL_OK;
}

static void the_last_handle_goes_in_answer(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        liminal_supervisor *supervisor = race_open();
        keeper k = {.act = drop_it};
        liminal_report report;
        begin(&k, supervisor, kinds[i]);
        send(k.mine, "1");
        test_gate_wait(&k.begun);
        send(k.mine, "2"); /* accepted, so handled too */
        test_gate_open(&k.go);
        test_gate_wait(&k.begun);
        test_gate_open(&k.go);
        test_gate_wait(&k.over); /* nobody asked for a shutdown: the drop has ended it */
        report = race_shutdown(&supervisor);
        assert_int_equal(report.handles, 0);
        assert_int_equal(k.released, 1);
        assert_null(k.mine);
    }
}

/* ---- in release(), when all is over ---- */

static liminal_status echo(keeper *k, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)k;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void release_and_drop(void *self)
{
    keeper *k = self;
    liminal_conversation_drop(&k->mine);
    released(self);
}

static void the_last_handle_goes_in_release(void **state)
{
    const liminal_behaviour dropping = {LIMINAL_OPS(liminal_behaviour), .answer = act, .release = release_and_drop};
    (void)state;
    for (int i = 0; i < 2; i++) {
        liminal_supervisor *supervisor = race_open();
        keeper k = {.act = echo, .released = 0};
        liminal_conversation *conversation;
        test_gate_init(&k.over);
        k.mine = conversation = race_spawn(supervisor, kinds[i], &dropping, &k);
        (void)liminal_conversation_ref(conversation);
        assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
        liminal_conversation_drop(&conversation);
        test_gate_wait(&k.over);
        (void)race_shutdown(&supervisor);
        assert_int_equal(k.released, 1);
        assert_null(k.mine);
    }
}

/* ---- in an exit notice of the conversation itself ---- */

static void drop_in_notice(void *self, const liminal_exit *exit)
{
    keeper *k = self;
    (void)test_check(exit->reason.kind == LIMINAL_EXIT_ERROR && exit->reason.code == LIMINAL_EEXIT);
    liminal_conversation_drop(&k->mine);
}

static liminal_status give_an_error(keeper *k, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)k, (void)request, (void)out_reply;
    return LIMINAL_EINVAL;
}

static void the_last_handle_goes_in_a_notice(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        liminal_supervisor *supervisor = race_open();
        keeper k = {.act = give_an_error};
        begin(&k, supervisor, kinds[i]);
        assert_int_equal(liminal_process_notify(supervisor, liminal_conversation_pid(k.mine), drop_in_notice, &k, NULL),
                         LIMINAL_OK);
        send(k.mine, "x");
        test_gate_wait(&k.begun);
        test_gate_open(&k.go);
        test_gate_wait(&k.over);
        (void)race_shutdown(&supervisor);
        assert_int_equal(k.released, 1);
        assert_null(k.mine);
    }
}

/* ---- close and the rest ---- */

static liminal_status close_and_talk(keeper *k, const liminal_envelope *request, liminal_envelope **out_reply)
{
    liminal_envelope *message = race_say("more"), *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    (void)test_check(liminal_conversation_try_send(k->mine, &message) == LIMINAL_OK);
    (void)test_check(liminal_conversation_receive(k->mine, &reply, liminal_deadline_never()) == LIMINAL_EDEADLK);
    message = race_say("question");
    (void)test_check(liminal_conversation_ask(k->mine, &message, &reply, liminal_deadline_never()) == LIMINAL_EDEADLK);
    (void)test_check(message != NULL && reply == NULL);
    /* It does not wait for itself: the closing has begun when it returns. */
    (void)test_check(liminal_conversation_close(k->mine, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(liminal_conversation_close(k->mine, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(liminal_conversation_try_send(k->mine, &message) == LIMINAL_ECLOSED);
    (void)test_check(liminal_conversation_ask(k->mine, &message, &reply, liminal_deadline_never()) == LIMINAL_ECLOSED);
    (void)test_check(liminal_conversation_query(k->mine, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    liminal_envelope_drop(&message);
    k->act = echo; /* for "more" */
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void close_inside_does_not_wait(void **state)
{
    (void)state;
    /* A query inside an inline behaviour knows that it is in the turn; inside a threaded one it waits for
     * the turn, which goes on. */
    for (int i = 0; i < 2; i++) {
        liminal_supervisor *supervisor = race_open();
        keeper k = {.act = close_and_talk};
        liminal_envelope *reply = NULL;
        begin(&k, supervisor, kinds[i]);
        send(k.mine, "first");
        test_gate_open(&k.go);
        test_gate_open(&k.go);
        test_gate_wait(&k.over);
        for (int n = 0; n < 2; n++) {
            assert_int_equal(liminal_conversation_receive(k.mine, &reply, liminal_deadline_never()), LIMINAL_OK);
            assert_string_equal(liminal_envelope_text(reply), n == 0 ? "first" : "more");
            liminal_envelope_drop(&reply);
        }
        assert_int_equal(liminal_conversation_receive(k.mine, &reply, liminal_deadline_never()), LIMINAL_ECLOSED);
        assert_int_equal(race_look(k.mine).phase, LIMINAL_PHASE_CLOSED);
        liminal_conversation_drop(&k.mine);
        (void)race_shutdown(&supervisor);
    }
}

/* ---- two drops at once, one of them inside ---- */


typedef struct line_keeper {
    keeper k;
    race_line line;
    int64_t moment;
    atomic_int order; /* how many drops have begun */
    int mine;
} line_keeper;

static liminal_status drop_on_the_line(keeper *k, const liminal_envelope *request, liminal_envelope **out_reply)
{
    line_keeper *l = (line_keeper *)(void *)k; /* its first member */
    (void)request, (void)out_reply;
    race_cross(&l->line, l->moment);
    l->mine = atomic_fetch_add(&l->order, 1);
    liminal_conversation_drop(&k->mine);
    return LIMINAL_OK;
}

static void run_race(liminal_participant_kind kind)
{
    race r = race_begin();
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 4000);
        liminal_supervisor *supervisor = race_open();
        line_keeper l = {.k = {.act = drop_on_the_line}, .moment = race_moment(&r, most)};
        liminal_conversation *conversation;
        begin(&l.k, supervisor, kind);
        conversation = liminal_conversation_ref(l.k.mine);
        send(conversation, "x");
        test_gate_open(&l.k.go);
        race_cross(&l.line, most - l.moment);
        (void)atomic_fetch_add(&l.order, 1);
        liminal_conversation_drop(&conversation);
        test_gate_wait(&l.k.over);
        assert_int_equal(race_shutdown(&supervisor).handles, 0);
        assert_int_equal(l.k.released, 1);
        r.seen[l.mine]++;
        assert_int_equal(test_blocks(), 0);
    }
    race_over(&r);
}

static void one_drop_inside_and_one_outside(void **state)
{
    (void)state;
    run_race(LIMINAL_PARTICIPANT_THREAD);
    run_race(LIMINAL_PARTICIPANT_INLINE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_handle_goes_in_answer),
        TEST(the_last_handle_goes_in_release),
        TEST(the_last_handle_goes_in_a_notice),
        TEST(close_inside_does_not_wait),
        TEST(one_drop_inside_and_one_outside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

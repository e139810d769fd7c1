/* SPDX-License-Identifier: MIT */
/* test_last_drop_against_shutdown.c -- the last handle goes while the supervisor shuts down. */
#include "race/race.h"

static void a_handle_outlives_its_supervisor(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *conversation =
        race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
    liminal_envelope *message = race_say("x"), *reply = NULL;
    liminal_report report;
    (void)state;
    report = race_shutdown(&supervisor);
    assert_int_equal(report.conversations, 1);
    assert_int_equal(report.handles, 1);
    assert_int_equal(report.threads, 2);
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_ask(conversation, &message, &reply, liminal_deadline_never()),
                     LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(race_look(conversation).phase, LIMINAL_PHASE_CLOSED);
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&conversation);
    assert_int_equal(test_blocks(), 0);
}

static void a_handle_that_has_gone_is_not_reported(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *conversation =
        race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
    liminal_report report;
    (void)state;
    liminal_conversation_drop(&conversation);
    report = race_shutdown(&supervisor);
    assert_int_equal(report.handles, 0);
    assert_int_equal(report.threads, 2);
    assert_int_equal(test_blocks(), 0);
}

/* ---- the race ---- */

typedef struct dropper {
    liminal_conversation *conversation;
    race_line line;
    int64_t moment;
    test_thread thread;
} dropper;

static void drop(void *argument)
{
    dropper *d = argument;
    race_cross(&d->line, d->moment);
    liminal_conversation_drop(&d->conversation);
}

static void run_race(liminal_participant_kind kind, size_t threads)
{
    race r = race_begin();
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 400000);
        liminal_supervisor *supervisor = race_open();
        dropper d = {.line = {0}, .moment = race_moment(&r, most)};
        liminal_report report;
        d.conversation = race_spawn(supervisor, kind, liminal_behaviour_echo(), NULL);
        test_thread_start(&d.thread, drop, &d);
        race_cross(&d.line, 0);
        report = race_shutdown(&supervisor);
        test_thread_join(&d.thread);
        assert_null(d.conversation);
        assert_true(report.handles <= 1);
        assert_true(report.conversations <= 1);
        assert_int_equal(report.threads, threads);
        r.seen[report.handles]++;
        assert_int_equal(test_blocks(), 0); /* freed by whoever was last */
    }
    race_over(&r);
}

static void whoever_is_last_frees(void **state)
{
    (void)state;
    run_race(LIMINAL_PARTICIPANT_THREAD, 2);
}

static void the_same_inline(void **state)
{
    (void)state;
    run_race(LIMINAL_PARTICIPANT_INLINE, 1);
}

/* ---- what the report says, and when ---- */

/* A callback that says when it is entered, and leaves when it is told. */
typedef struct corner {
    test_gate entered, leave;
} corner;

static void hold_the_turn(void *self, const liminal_exit *exit)
{
    corner *c = self;
    (void)exit;
    test_gate_open(&c->entered);
    test_gate_wait(&c->leave);
}

static liminal_status fail_it(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    return LIMINAL_ECANCELED;
}

/* The second participant ends its thread before the turn comes to its exit. */
static void nobody_is_reported_who_has_gone(void **state)
{
    static const liminal_behaviour failing = {LIMINAL_OPS(liminal_behaviour), .answer = fail_it};
    liminal_supervisor *supervisor = race_open();
    corner c = {TEST_GATE_INIT, TEST_GATE_INIT};
    liminal_participant people[2] = {{.behaviour = &failing}, {.behaviour = liminal_behaviour_echo()}};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                             .on_crash = LIMINAL_CRASH_FAIL, .dispatch = LIMINAL_DISPATCH_PINNED};
    liminal_conversation *conversation = NULL;
    liminal_envelope *message = race_say("x");
    liminal_report report;
    (void)state;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
    assert_int_equal(liminal_process_notify(supervisor, liminal_conversation_pid(conversation), hold_the_turn, &c,
                                            NULL),
                     LIMINAL_OK);
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
    test_gate_wait(&c.entered);
    test_until(liminal_supervisor_census(supervisor).threads == 1); /* both participants' have ended */
    test_gate_open(&c.leave);
    report = race_shutdown(&supervisor); /* LIMINAL_OK: so nobody is running */
    assert_int_equal(report.running, 0);
    liminal_conversation_drop(&conversation);
}

static void hold_the_caller(void *self, const liminal_exit *exit)
{
    corner *c = self;
    (void)exit;
    test_gate_open(&c->entered);
    test_gate_wait(&c->leave);
}

static liminal_status echo_when_told(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    corner *c = self;
    test_gate_open(&c->entered);
    test_gate_wait(&c->leave);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void close_at_once(void *argument)
{
    (void)test_check(liminal_conversation_close(argument, liminal_deadline_passed()) == LIMINAL_OK);
}

static void no_callback_outlives_the_shutdown(void **state)
{
    static const liminal_behaviour gated = {LIMINAL_OPS(liminal_behaviour), .answer = echo_when_told};
    liminal_supervisor *supervisor = race_open();
    corner in_answer = {TEST_GATE_INIT, TEST_GATE_INIT}, in_notice = {TEST_GATE_INIT, TEST_GATE_INIT};
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, &gated, &in_answer);
    liminal_envelope *message = race_say("x");
    test_thread thread;
    liminal_status st;
    (void)state;
    assert_int_equal(liminal_process_notify(supervisor, liminal_conversation_pid(conversation), hold_the_caller,
                                            &in_notice, NULL), LIMINAL_OK);
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
    test_gate_wait(&in_answer.entered); /* the conversation's own thread is in there */
    test_thread_start(&thread, close_at_once, conversation);
    test_gate_wait(&in_notice.entered); /* on the thread that closes, not in a turn */
    test_gate_open(&in_answer.leave);
    st = liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_in_ms(200));
    test_gate_open(&in_notice.leave);
    test_thread_join(&thread);
    assert_int_equal(st, LIMINAL_ETIMEDOUT);
    (void)race_shutdown(&supervisor);
    liminal_conversation_drop(&conversation);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_handle_outlives_its_supervisor),
        TEST(a_handle_that_has_gone_is_not_reported),
        TEST(whoever_is_last_frees),
        TEST(the_same_inline),
        TEST(nobody_is_reported_who_has_gone),
        TEST(no_callback_outlives_the_shutdown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

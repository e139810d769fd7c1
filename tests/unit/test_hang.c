/* SPDX-License-Identifier: MIT */
/* test_hang.c -- an inline behaviour does not return: nobody but its own asker waits for it longer than
 * the conversation's deadlines say. */
#include "support/harness.h"

#include <liminal.h>

#include <string.h>

typedef struct stuck {
    test_gate entered, go;
} stuck;

static liminal_status hang(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    stuck *s = self;
    test_gate_open(&s->entered);
    test_gate_wait(&s->go);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}
static const liminal_behaviour hanging = {LIMINAL_OPS(liminal_behaviour), .answer = hang};

typedef struct caller {
    liminal_conversation *conversation;
    bool sends; /* instead of asking */
    liminal_status status;
    bool kept;
} caller;

static void call(void *argument)
{
    caller *c = argument;
    liminal_envelope *request = NULL, *reply = NULL;
    (void)test_check(liminal_envelope_printf(&request, "next") == LIMINAL_OK);
    c->status = c->sends ? liminal_conversation_send(c->conversation, &request, liminal_deadline_never())
                         : liminal_conversation_ask(c->conversation, &request, &reply, liminal_deadline_never());
    c->kept = request != NULL;
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

static liminal_supervisor *open_house(void)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options),
                                                .allocator = test_allocator()};
    liminal_supervisor *house = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &house), LIMINAL_OK);
    return house;
}

static void finish(liminal_supervisor **house, liminal_conversation **talk, stuck *s)
{
    test_gate_open(&s->go);
    liminal_conversation_drop(talk);
    assert_int_equal(liminal_supervisor_shutdown(house, NULL, liminal_deadline_never()), LIMINAL_OK);
}

static bool has_failed(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    bool it;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_passed()), LIMINAL_OK);
    it = liminal_snapshot_read(snapshot).phase == LIMINAL_PHASE_FAILED;
    liminal_snapshot_drop(&snapshot);
    return it;
}

/* A conversation whose own thread is inside the behaviour when this returns true; and false if it had no time for
 * that. */
static bool start(liminal_supervisor *house, stuck *s, size_t messages, int64_t timeout_ns,
                  liminal_conversation **out)
{
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &hanging, .self = s};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL, .overflow = LIMINAL_OVERFLOW_WAIT,
                                   .mailbox_messages = messages, .timeout_ns = timeout_ns};
    liminal_envelope *message = NULL;
    bool is_inside = false;
    test_gate_init(&s->entered);
    test_gate_init(&s->go);
    assert_int_equal(liminal_supervisor_spawn(house, &config, out), LIMINAL_OK);
    assert_int_equal(liminal_envelope_printf(&message, "first"), LIMINAL_OK);
    assert_true(liminal_conversation_try_send(*out, &message) == LIMINAL_OK || has_failed(*out));
    liminal_envelope_drop(&message);
    test_until((is_inside = test_gate_try(&s->entered)) || has_failed(*out));
    return is_inside || test_gate_try(&s->entered);
}

static void a_shutdown_at_its_deadline_frees_the_askers(void **state)
{
    liminal_supervisor *house = open_house();
    stuck s;
    caller c = {.sends = false};
    liminal_report report;
    test_thread thread;
    (void)state;
    assert_true(start(house, &s, 0, 0, &c.conversation));
    test_thread_start(&thread, call, &c);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, liminal_deadline_in_ms(20)), LIMINAL_ETIMEDOUT);
    assert_int_equal(report.running, 1);
    test_thread_join(&thread); /* while the behaviour still hangs */
    assert_int_equal(c.status, LIMINAL_ECLOSED);
    assert_true(c.kept);
    finish(&house, &c.conversation, &s);
}

static void timeout_frees(bool sends)
{
    liminal_supervisor *house = open_house();
    stuck s;
    caller c = {.sends = sends};
    test_thread thread;
    for (int64_t ms = 50; !start(house, &s, sends ? 1 : 0, ms * 1000000, &c.conversation); ms *= 2) {
        finish(&house, &c.conversation, &s); /* it was not enough on this machine, at this moment */
        house = open_house();
    }
    test_thread_start(&thread, call, &c);
    test_thread_join(&thread);
    assert_int_equal(c.status, LIMINAL_ETIMEDOUT);
    assert_true(c.kept);
    finish(&house, &c.conversation, &s);
}

static void the_conversations_deadline_frees_an_asker(void **state)
{
    (void)state;
    timeout_frees(false);
}

static void the_conversations_deadline_frees_a_sender_without_room(void **state)
{
    (void)state;
    timeout_frees(true);
}

/* ---- beside it: a spawn that fails after a participant was watched by its pid ---- */

typedef struct watched {
    liminal_supervisor *house;
    liminal_pid first; /* any pid of this house: the ones that follow are counted up */
    int armed, fired;
} watched;

static void note(void *self, const liminal_exit *exit)
{
    watched *w = self;
    (void)test_check(exit->reason.kind == LIMINAL_EXIT_NOPROC);
    w->fired++;
}

static liminal_status watch_and_fail(void *self)
{
    watched *w = self;
    uint64_t next;
    for (next = w->first.value; next < w->first.value + 16; next++) {
        if (liminal_process_alive(w->house, (liminal_pid){next})) {
            w->armed += liminal_process_notify(w->house, (liminal_pid){next}, note, w, NULL) == LIMINAL_OK;
        }
    }
    return LIMINAL_EINVAL;
}

static void notices_of_a_failed_spawn_fire(void **state)
{
    static const liminal_behaviour failing = {LIMINAL_OPS(liminal_behaviour), .answer = hang,
                                              .start = watch_and_fail};
    watched w = {.house = open_house()};
    const liminal_participant participants[] = {
        {.behaviour = liminal_behaviour_echo()},
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &failing, .self = &w},
    };
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = 2,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *talk = NULL;
    (void)state;
    assert_int_equal(liminal_supervisor_spawn_behaviour(w.house, liminal_behaviour_echo(), NULL, LIMINAL_CRASH_FAIL,
                                                        &talk),
                     LIMINAL_OK);
    w.first = (liminal_pid){liminal_conversation_pid(talk).value + 2}; /* behind it and its participant */
    liminal_conversation_drop(&talk);
    assert_int_equal(liminal_supervisor_spawn(w.house, &config, &talk), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_shutdown(&w.house, NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(w.armed, 3); /* the actor and both participants */
    assert_int_equal(w.fired, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shutdown_at_its_deadline_frees_the_askers),
        TEST(the_conversations_deadline_frees_an_asker),
        TEST(the_conversations_deadline_frees_a_sender_without_room),
        TEST(notices_of_a_failed_spawn_fire),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

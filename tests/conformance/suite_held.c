/* SPDX-License-Identifier: MIT */
/* suite_held.c -- a participant that takes its time, is silent, or goes. */
#include "suite.h"

#include <string.h>

static bool behaves(const suite_backend *b)
{
    return b->behaves;
}

static bool aside(const suite_backend *b)
{
    return b->behaves && b->aside;
}

/* Send "hold", from a thread of its own because an inline behaviour may run there. */
static void hold(suite_call *sender, liminal_conversation *talk, suite_call_kind kind)
{
    suite_start(sender, talk, kind, "hold", liminal_deadline_never());
    test_gate_wait(&suite_held);
}

static void let_go(suite_call *sender)
{
    test_gate_open(&suite_go);
    suite_join(sender);
}

static void an_ask_that_was_not_begun_is_withdrawn(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("never begun"), *const mine = request, *reply = NULL;
    liminal_summary summary;
    suite_call sender;
    b->open(b, &talk);
    hold(&sender, talk, SUITE_SEND);
    suite_forget();
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(10)), ETIMEDOUT);
    suite_explained();
    assert_ptr_equal(request, mine);
    assert_null(reply);
    let_go(&sender);
    suite_is(sender.status, OK);
    suite_receive(b, talk, "hold");
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()),
             OK); /* it may be tried again */
    suite_answers(b, &reply, "never begun");
    summary = suite_look(talk);
    assert_int_equal(summary.counts.withdrawn, 1);
    assert_int_equal(summary.counts.late, 0);
    suite_finish(b, &talk);
}

static void a_late_answer_goes_to_nobody(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("hold"), *reply = NULL;
    liminal_summary summary;
    b->open(b, &talk);
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(100)), ETIMEDOUT);
    if (request == NULL) { /* as it should be, unless the machine did not begin it in all that time */
        test_gate_wait(&suite_held);
        assert_null(reply);
        test_gate_open(&suite_go);
    }
    suite_send(talk, "after it");
    suite_receive(b, talk, "after it");
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT);
    summary = suite_look(talk);
    assert_int_equal(summary.counts.late, request == NULL ? 1 : 0);
    assert_int_equal(summary.counts.withdrawn, request == NULL ? 0 : 1);
    assert_int_equal(summary.counts.received, 1);
    liminal_envelope_drop(&request);
    suite_finish(b, &talk);
}

static void close_lets_it_be_answered(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("too late"), *reply = NULL;
    suite_call sender, closer;
    b->open(b, &talk);
    hold(&sender, talk, SUITE_SEND);
    suite_start(&closer, talk, SUITE_CLOSE, NULL, liminal_deadline_never());
    suite_await_sleep(&closer);
    suite_is(liminal_conversation_try_send(talk, &message), ECLOSED);
    suite_is(liminal_conversation_ask(talk, &message, &reply, liminal_deadline_never()), ECLOSED);
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT); /* it has not closed yet */
    liminal_envelope_drop(&message);
    if (b->aside) {
        assert_int_equal(suite_look(talk).phase, LIMINAL_PHASE_COMPLETING);
    }
    let_go(&sender);
    suite_join(&closer);
    suite_is(closer.status, OK);
    assert_int_equal(suite_look(talk).phase, LIMINAL_PHASE_CLOSED);
    suite_receive(b, talk, "hold");
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

static void close_stops_waiting_at_its_deadline(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_snapshot *snapshot = NULL;
    suite_call asker, receiver;
    b->open(b, &talk);
    suite_start(&receiver, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_await_sleep(&receiver);
    hold(&asker, talk, SUITE_ASK);
    suite_is(liminal_conversation_close(talk, liminal_deadline_in_ms(5)), OK);
    suite_is(liminal_conversation_query(talk, &snapshot, liminal_deadline_passed()), OK);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_CLOSED);
    assert_int_equal(liminal_snapshot_read(snapshot).counts.unfinished, 1);
    liminal_snapshot_drop(&snapshot);
    suite_join(&receiver);
    suite_is(receiver.status, ECLOSED);
    if (b->aside) { /* an inline behaviour may be running on the asker's own thread */
        suite_join(&asker);
        test_gate_open(&suite_go);
    } else {
        let_go(&asker);
    }
    suite_is(asker.status, ECLOSED);
    assert_null(asker.message); /* it was begun */
    assert_null(asker.reply);
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

static void silence_cancels(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("hush"), *reply = NULL;
    liminal_summary summary;
    size_t i;
    b->open(b, &talk);
    suite_forget();
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), ECANCELED);
    suite_explained();
    assert_null(request);
    assert_null(reply);
    for (i = 0; i < 3 * b->bound; i++) { /* and holds no place any more */
        suite_send(talk, "hush");
        suite_settle(b, talk);
    }
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT);
    summary = suite_look(talk);
    assert_int_equal(summary.counts.silent, 3 * b->bound + 1);
    suite_finish(b, &talk);
}

/* ---- an exit ---- */

static void is_dead(const suite_backend *b, liminal_conversation *talk, uint64_t sent, uint64_t received)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    liminal_summary summary;
    liminal_log_entry entry;
    (void)b;
    suite_is(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), OK);
    summary = liminal_snapshot_read(snapshot);
    assert_int_equal(summary.phase, LIMINAL_PHASE_FAILED);
    suite_is(summary.cause, EEXIT);
    assert_string_not_equal(summary.cause_text, "");
    assert_int_equal(summary.counts.sent, sent);
    assert_int_equal(summary.counts.received, received);
    assert_int_equal(summary.counts.unfinished, 1);
    suite_is(liminal_snapshot_participant(snapshot, 0, &status), OK);
    assert_false(status.alive);
    assert_int_equal(status.reason.kind, LIMINAL_EXIT_ERROR);
    assert_int_equal(status.reason.code, 42);
    suite_is(liminal_snapshot_entry(snapshot, (size_t)sent, &entry), OK);
    assert_int_equal(entry.kind, LIMINAL_LOG_EXITED);
    assert_int_equal(entry.pid.value, status.pid.value);
    assert_int_equal(entry.policy, LIMINAL_CRASH_FAIL);
    assert_int_equal(entry.time.unix_ns, status.seen.unix_ns);
    suite_is(liminal_snapshot_entry(snapshot, (size_t)sent + 1, &entry), OK);
    assert_int_equal(entry.kind, LIMINAL_LOG_FAILED);
    suite_is(entry.status, EEXIT);
    assert_int_equal(summary.log_count, sent + received + 2);
    liminal_snapshot_drop(&snapshot);
}

static void an_exit_fails_it(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("die"), *reply = NULL;
    suite_call receiver;
    b->open(b, &talk);
    suite_start(&receiver, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_await_sleep(&receiver);
    suite_forget();
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), EEXIT);
    suite_explained();
    assert_null(request);
    assert_null(reply);
    suite_join(&receiver);
    suite_is(receiver.status, EEXIT);
    assert_null(receiver.reply);
    suite_refused(b, talk, LIMINAL_EEXIT);
    is_dead(b, talk, 1, 0);
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    suite_is(liminal_conversation_close(talk, liminal_deadline_passed()), OK);
    suite_refused(b, talk, LIMINAL_EEXIT);
    is_dead(b, talk, 1, 0); /* close leaves the diagnosis */
    suite_finish(b, &talk);
}

static void replies_come_before_the_cause(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = suite_envelope("die"), *reply = NULL;
    b->open(b, &talk);
    suite_send(talk, "one");
    suite_send(talk, "two");
    suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), EEXIT);
    suite_receive(b, talk, "one");
    suite_is(liminal_conversation_try_receive(talk, &reply), OK);
    suite_answers(b, &reply, "two");
    suite_refused(b, talk, LIMINAL_EEXIT);
    is_dead(b, talk, 3, 2);
    suite_finish(b, &talk);
}

const suite_case suite_held_cases[] = {
    {"an ask that was not begun is withdrawn", an_ask_that_was_not_begun_is_withdrawn, behaves},
    {"a late answer goes to nobody", a_late_answer_goes_to_nobody, aside},
    {"close lets it be answered", close_lets_it_be_answered, behaves},
    {"close stops waiting at its deadline", close_stops_waiting_at_its_deadline, behaves},
    {"silence cancels", silence_cancels, behaves},
    {"an exit fails it", an_exit_fails_it, behaves},
    {"replies come before the cause", replies_come_before_the_cause, behaves},
    {NULL, NULL, NULL},
};

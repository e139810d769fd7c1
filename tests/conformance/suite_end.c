/* SPDX-License-Identifier: MIT */
/* suite_end.c -- close, and what a query shows before and after. */
#include "suite.h"

#include <string.h>

static void close_refuses_and_keeps_replies(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("too late"), *const mine = message, *reply = NULL;
    b->open(b, &talk);
    suite_send(talk, "one");
    suite_send(talk, "two");
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    suite_forget();
    suite_is(liminal_conversation_send(talk, &message, liminal_deadline_never()), ECLOSED);
    suite_explained();
    suite_is(liminal_conversation_try_send(talk, &message), ECLOSED);
    if (b->asks) {
        suite_is(liminal_conversation_ask(talk, &message, &reply, liminal_deadline_never()), ECLOSED);
    }
    assert_ptr_equal(message, mine);
    assert_null(reply);
    liminal_envelope_drop(&message);
    suite_receive(b, talk, "one");
    suite_is(liminal_conversation_try_receive(talk, &reply), OK);
    suite_answers(b, &reply, "two");
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    suite_is(liminal_conversation_close(talk, liminal_deadline_passed()), OK);
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

static void close_wakes_receivers(const suite_backend *b)
{
    enum { RECEIVERS = 3 };
    liminal_conversation *talk = NULL;
    suite_call receivers[RECEIVERS];
    int i;
    b->open(b, &talk);
    for (i = 0; i < RECEIVERS; i++) {
        suite_start(&receivers[i], talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
        suite_await_sleep(&receivers[i]);
    }
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    for (i = 0; i < RECEIVERS; i++) {
        suite_join(&receivers[i]);
        suite_is(receivers[i].status, ECLOSED);
        assert_null(receivers[i].reply);
    }
    suite_finish(b, &talk);
}

static void many_close_at_once(const suite_backend *b)
{
    enum { CLOSERS = 4 };
    liminal_conversation *talk = NULL;
    suite_call closers[CLOSERS];
    int i;
    b->open(b, &talk);
    suite_send(talk, "kept");
    for (i = 0; i < CLOSERS; i++) {
        suite_start(&closers[i], talk, SUITE_CLOSE, NULL, liminal_deadline_never());
    }
    for (i = 0; i < CLOSERS; i++) {
        suite_join(&closers[i]);
        suite_is(closers[i].status, OK);
    }
    assert_int_equal(suite_look(talk).phase, LIMINAL_PHASE_CLOSED);
    suite_receive(b, talk, "kept");
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

static void close_with_nothing_said(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_summary summary;
    b->open(b, &talk);
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    summary = suite_look(talk);
    assert_int_equal(summary.phase, LIMINAL_PHASE_CLOSED);
    assert_int_equal(summary.log_count, 0);
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

/* ---- query ---- */

/* `counts` are the only ones that are not 0. */
static void shows(liminal_conversation *talk, liminal_phase phase, uint64_t sent, uint64_t received)
{
    const liminal_summary s = suite_look(talk);
    assert_string_equal(liminal_phase_text(s.phase), liminal_phase_text(phase));
    assert_int_equal(s.counts.sent, sent);
    assert_int_equal(s.counts.received, received);
    assert_int_equal(s.counts.withdrawn, 0);
    assert_int_equal(s.counts.late, 0);
    assert_int_equal(s.counts.silent, 0);
    assert_int_equal(s.counts.unfinished, 0);
    assert_int_equal(s.log_count, sent + received);
    assert_int_equal(s.log_dropped, 0);
    suite_is(s.cause, OK);
}

static void query_in_every_phase(const suite_backend *b)
{
    const liminal_time before = liminal_time_now();
    liminal_conversation *talk = NULL;
    liminal_envelope *reply = NULL;
    liminal_summary summary;
    b->open(b, &talk);
    summary = suite_look(talk);
    assert_int_equal(summary.mode, LIMINAL_MODE_EPHEMERAL);
    assert_int_equal(summary.deadline.ns, liminal_deadline_never().ns);
    assert_int_equal(summary.participant_count, b->behaves ? 1 : 0);
    assert_in_range(summary.created.unix_ns, before.unix_ns, liminal_time_now().unix_ns);
    shows(talk, LIMINAL_PHASE_ACTIVE, 0, 0);
    suite_send(talk, "one");
    shows(talk, LIMINAL_PHASE_ACTIVE, 1, 0);
    suite_send(talk, "two");
    shows(talk, LIMINAL_PHASE_ACTIVE, 2, 0);
    suite_receive(b, talk, "one");
    shows(talk, LIMINAL_PHASE_ACTIVE, 2, 1);
    suite_is(liminal_conversation_receive(talk, &reply, liminal_deadline_never()), OK);
    suite_answers(b, &reply, "two");
    suite_is(liminal_conversation_try_receive(talk, &reply), ETIMEDOUT);
    shows(talk, LIMINAL_PHASE_ACTIVE, 2, 2);
    suite_send(talk, "three");
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    shows(talk, LIMINAL_PHASE_CLOSED, 3, 2);
    suite_receive(b, talk, "three"); /* recorded in any phase */
    shows(talk, LIMINAL_PHASE_CLOSED, 3, 3);
    suite_refused(b, talk, LIMINAL_ECLOSED);
    shows(talk, LIMINAL_PHASE_CLOSED, 3, 3);
    suite_finish(b, &talk);
}

static void entry_is(const liminal_snapshot *snapshot, size_t index, liminal_log_kind kind,
                     const liminal_envelope *envelope, liminal_time from)
{
    liminal_log_entry entry;
    suite_is(liminal_snapshot_entry(snapshot, index, &entry), OK);
    assert_int_equal(entry.kind, kind);
    assert_ptr_equal(entry.envelope, envelope);
    assert_in_range(entry.time.unix_ns, from.unix_ns, liminal_time_now().unix_ns);
    assert_int_equal(entry.pid.value, 0);
}

static void the_log_holds_what_was_said(const suite_backend *b)
{
    const liminal_time from = liminal_time_now();
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("said"), *said = liminal_envelope_ref(message), *heard = NULL;
    liminal_envelope *request = suite_envelope("asked"), *asked = liminal_envelope_ref(request), *answered = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_log_entry entry;
    b->open(b, &talk);
    suite_is(liminal_conversation_send(talk, &message, liminal_deadline_never()), OK);
    suite_is(liminal_conversation_receive(talk, &heard, liminal_deadline_never()), OK);
    if (b->asks) {
        suite_is(liminal_conversation_ask(talk, &request, &answered, liminal_deadline_never()), OK);
    }
    suite_is(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), OK);
    suite_send(talk, "after the picture was taken");
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    suite_finish(b, &talk); /* a snapshot depends on nothing any more */
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_ACTIVE);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, b->asks ? 4 : 2);
    entry_is(snapshot, 0, LIMINAL_LOG_SENT, said, from);
    entry_is(snapshot, 1, LIMINAL_LOG_RECEIVED, heard, from);
    if (b->asks) {
        entry_is(snapshot, 2, LIMINAL_LOG_SENT, asked, from);
        entry_is(snapshot, 3, LIMINAL_LOG_RECEIVED, answered, from);
    }
    suite_is(liminal_snapshot_entry(snapshot, b->asks ? 4 : 2, &entry), EINVAL);
    liminal_envelope_drop(&said);
    liminal_envelope_drop(&heard);
    liminal_envelope_drop(&asked);
    liminal_envelope_drop(&answered);
    liminal_envelope_drop(&request);
    liminal_snapshot_drop(&snapshot);
}

static void query_shows_the_participant(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    b->open(b, &talk);
    suite_is(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), OK);
    if (b->behaves) {
        suite_is(liminal_snapshot_participant(snapshot, 0, &status), OK);
        assert_true(status.alive);
        assert_int_not_equal(status.pid.value, 0);
        assert_int_equal(status.seen.unix_ns, 0);
    }
    suite_is(liminal_snapshot_participant(snapshot, b->behaves ? 1 : 0, &status), EINVAL);
    liminal_snapshot_drop(&snapshot);
    suite_finish(b, &talk);
}

const suite_case suite_end[] = {
    {"close refuses and keeps replies", close_refuses_and_keeps_replies, NULL},
    {"close wakes receivers", close_wakes_receivers, NULL},
    {"many close at once", many_close_at_once, NULL},
    {"close with nothing said", close_with_nothing_said, NULL},
    {"query in every phase", query_in_every_phase, NULL},
    {"the log holds what was said", the_log_holds_what_was_said, NULL},
    {"query shows the participant", query_shows_the_participant, NULL},
    {NULL, NULL, NULL},
};

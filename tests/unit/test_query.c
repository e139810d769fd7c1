/* SPDX-License-Identifier: MIT */
/* test_query.c -- what a conversation shows of itself, in every phase. */
#define _GNU_SOURCE

#include "call_kit.h"

/* ---- phases ---------------------------------------------------------------------------------- */

static void fresh(void **state)
{
    const variant *v = *state;
    servant self = new_servant();
    liminal_config config = config_of(v), other = config_of(v);
    liminal_participant participants[2] = {{.kind = v->kind, .behaviour = &serving, .self = &self},
                                           {.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "watched"}};
    liminal_participant_status status;
    liminal_time before;
    liminal_deadline soonest, latest;
    liminal_summary summary;
    liminal_snapshot *snapshot;
    liminal_conversation *talk, *watched;
    liminal_log_entry untouched = {.kind = LIMINAL_LOG_FAILED, .status = LIMINAL_EFORKED};
    open_house();
    watched = spawn(&other);
    participants[1].pid = liminal_conversation_pid(watched);
    config.participants = participants;
    config.participant_count = 2;
    config.name = "talk \xc3\xa4";
    config.mode = LIMINAL_MODE_DURABLE;
    config.timeout_ns = 30000 * MS;
    before = liminal_time_now();
    soonest = liminal_deadline_in_ns(config.timeout_ns);
    talk = spawn(&config);
    latest = liminal_deadline_in_ns(config.timeout_ns);
    snapshot = picture(talk);
    summary = liminal_snapshot_read(snapshot);
    assert_int_equal(summary.phase, LIMINAL_PHASE_ACTIVE);
    assert_int_equal(summary.mode, LIMINAL_MODE_DURABLE);
    assert_string_equal(summary.name, "talk \xc3\xa4");
    assert_true(summary.created.unix_ns >= before.unix_ns && summary.created.unix_ns <= liminal_time_now().unix_ns);
    assert_true(summary.deadline.ns >= soonest.ns && summary.deadline.ns <= latest.ns);
    assert_int_equal(summary.cause, LIMINAL_OK);
    assert_string_equal(summary.cause_text, "");
    assert_int_equal(summary.participant_count, 2);
    assert_int_equal(summary.log_count, 0);
    assert_int_equal(summary.log_dropped, 0);
    assert_int_equal(summary.counts.sent + summary.counts.received + summary.counts.withdrawn, 0);
    assert_int_equal(summary.counts.late + summary.counts.silent + summary.counts.unfinished, 0);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_OK);
    assert_string_equal(status.name, "participant");
    assert_true(status.alive);
    assert_int_equal(status.seen.unix_ns, 0);
    assert_true(liminal_process_alive(house, status.pid));
    assert_int_not_equal(status.pid.value, liminal_conversation_pid(talk).value);
    assert_int_equal(liminal_snapshot_participant(snapshot, 1, &status), LIMINAL_OK);
    assert_string_equal(status.name, "watched");
    assert_int_equal(status.pid.value, liminal_conversation_pid(watched).value);
    assert_true(status.alive);
    assert_int_equal(liminal_snapshot_participant(snapshot, 2, &status), LIMINAL_EINVAL);
    assert_string_equal(status.name, "watched"); /* untouched */
    assert_int_equal(liminal_snapshot_entry(snapshot, 0, &untouched), LIMINAL_EINVAL);
    assert_int_equal(untouched.status, LIMINAL_EFORKED);
    assert_int_equal(liminal_snapshot_entry(snapshot, SIZE_MAX, &untouched), LIMINAL_EINVAL);
    liminal_snapshot_drop(&snapshot);
    liminal_conversation_drop(&talk);
    shut(&watched);
}

static void closed(void **state)
{
    servant self = new_servant();
    liminal_participant_status status;
    liminal_snapshot *snapshot;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    put(talk, "one");
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    get(talk, "one"); /* also this is recorded, after the close */
    test_gate_wait(&self.released);
    snapshot = picture(talk);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_CLOSED);
    assert_int_equal(liminal_snapshot_read(snapshot).cause, LIMINAL_OK);
    assert_int_equal(liminal_snapshot_read(snapshot).deadline.ns, liminal_deadline_never().ns);
    assert_string_equal(liminal_snapshot_read(snapshot).name, "");
    /* An exit that the close asked for is no entry. */
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 2);
    is_about(snapshot, 0, LIMINAL_LOG_SENT, "one");
    is_about(snapshot, 1, LIMINAL_LOG_RECEIVED, "one");
    assert_int_equal(liminal_snapshot_read(snapshot).participant_count, 1);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_OK);
    assert_string_equal(status.name, "server");
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

static void failed(void **state)
{
    servant self = new_servant();
    liminal_time before = liminal_time_now();
    liminal_participant_status status;
    liminal_summary summary;
    liminal_log_entry it;
    liminal_snapshot *snapshot;
    liminal_conversation *talk;
    liminal_pid pid;
    open_house();
    talk = serving_talk(*state, &self);
    snapshot = picture(talk);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_OK);
    pid = status.pid;
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(ask_until(talk, "die", NULL, LONG), LIMINAL_EEXIT);
    snapshot = picture(talk);
    summary = liminal_snapshot_read(snapshot);
    assert_int_equal(summary.phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(summary.cause, LIMINAL_EEXIT);
    assert_string_not_equal(summary.cause_text, "");
    assert_int_equal(summary.counts.sent, 1);
    assert_int_equal(summary.counts.unfinished, 1);
    assert_int_equal(summary.counts.received, 0);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_OK);
    assert_int_equal(status.pid.value, pid.value);
    assert_false(status.alive);
    assert_int_equal(status.reason.kind, LIMINAL_EXIT_ERROR);
    assert_int_equal(status.reason.code, LIMINAL_ELIMIT);
    assert_true(status.seen.unix_ns >= before.unix_ns && status.seen.unix_ns <= liminal_time_now().unix_ns);
    assert_int_equal(summary.log_count, 3);
    is_about(snapshot, 0, LIMINAL_LOG_SENT, "die");
    it = entry(snapshot, 1, LIMINAL_LOG_EXITED);
    assert_null(it.envelope);
    assert_int_equal(it.pid.value, pid.value);
    assert_int_equal(it.reason.kind, LIMINAL_EXIT_ERROR);
    assert_int_equal(it.reason.code, LIMINAL_ELIMIT);
    assert_int_equal(it.policy, LIMINAL_CRASH_FAIL);
    it = entry(snapshot, 2, LIMINAL_LOG_FAILED);
    assert_null(it.envelope);
    assert_int_equal(it.pid.value, 0);
    assert_int_equal(it.status, LIMINAL_EEXIT);
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    snapshot = picture(talk);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 3);
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

/* It dies of a signal. */
static liminal_status own_reason(servant *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_SIGNAL, 9});
}

static void reason_of_its_own(void **state)
{
    servant self = new_servant();
    liminal_participant_status status;
    liminal_snapshot *snapshot;
    liminal_conversation *talk;
    self.also = own_reason;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(ask_until(talk, "signal", NULL, LONG), LIMINAL_EEXIT);
    snapshot = picture(talk);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_OK);
    assert_false(status.alive);
    assert_int_equal(status.reason.kind, LIMINAL_EXIT_SIGNAL);
    assert_int_equal(status.reason.code, 9);
    assert_int_equal(entry(snapshot, 1, LIMINAL_LOG_EXITED).reason.code, 9);
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

/* ---- when it is asked ------------------------------------------------------------------------ */

/* Of its own conversation. */
typedef struct insider {
    servant base;
    liminal_summary seen;
} insider;

static liminal_status look_inside(servant *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    const char *text = liminal_envelope_text(request);
    liminal_snapshot *snapshot = NULL;
    (void)out_reply;
    if (strcmp(text, "close and query") == 0) {
        self->close = liminal_conversation_close(self->own, liminal_deadline_never());
    } else if (strcmp(text, "query") != 0) {
        return LIMINAL_OK;
    }
    self->query = liminal_conversation_query(self->own, &snapshot, liminal_deadline_never());
    if (test_check(self->query == LIMINAL_OK)) {
        ((insider *)self)->seen = liminal_snapshot_read(snapshot); /* the texts are borrowed */
    }
    liminal_snapshot_drop(&snapshot);
    return LIMINAL_OK;
}

static void inside_the_turn(void **state)
{
    insider self = {.base = new_servant()};
    liminal_conversation *talk;
    self.base.also = look_inside;
    open_house();
    talk = serving_talk(*state, &self.base);
    self.base.own = talk;
    put(talk, "first");
    get(talk, "first");
    assert_int_equal(ask_until(talk, "query", NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(self.base.query, LIMINAL_OK);
    assert_int_equal(self.seen.phase, LIMINAL_PHASE_ACTIVE);
    assert_int_equal(self.seen.counts.sent, 2); /* this one too */
    assert_int_equal(self.seen.counts.received, 1);
    assert_int_equal(self.seen.log_count, 3);
    shut(&talk);
}

/* A close inside a behaviour is seen there at once. */
static void completing(void **state)
{
    insider self = {.base = new_servant()};
    liminal_conversation *talk;
    self.base.also = look_inside;
    open_house();
    talk = serving_talk(*state, &self.base);
    self.base.own = talk;
    assert_int_equal(ask_until(talk, "close and query", NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(self.base.close, LIMINAL_OK);
    assert_int_equal(self.base.query, LIMINAL_OK);
    assert_int_equal(self.seen.phase, LIMINAL_PHASE_COMPLETING);
    assert_int_equal(self.seen.counts.sent, 1);
    assert_int_equal(self.seen.counts.received, 0);
    assert_int_equal(self.seen.log_count, 1);
    shut(&talk);
}

/* A behaviour on its own thread holds up nobody. */
static void while_a_thread_hangs(void **state)
{
    servant self = new_servant();
    call holder;
    liminal_snapshot *snapshot = NULL;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", LONG);
    put(talk, "one");
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_ACTIVE);
    assert_int_equal(liminal_snapshot_read(snapshot).counts.sent, 2);
    is_about(snapshot, 0, LIMINAL_LOG_SENT, "hold");
    is_about(snapshot, 1, LIMINAL_LOG_SENT, "one");
    liminal_snapshot_drop(&snapshot);
    test_gate_open(&self.go);
    got(&holder, "hold");
    shut(&talk);
}

/* At its deadline the query gives what there is, which is at least what the behaviour was given. */
static void while_an_inline_one_hangs(void **state)
{
    servant self = new_servant();
    call holder;
    liminal_snapshot *snapshot = NULL;
    liminal_conversation *talk;
    int64_t began;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", LONG);
    put(talk, "one");
    began = test_now_ns();
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_in_ms(20)), LIMINAL_OK);
    assert_true(test_now_ns() - began >= 20 * MS);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_ACTIVE);
    is_about(snapshot, 0, LIMINAL_LOG_SENT, "hold");
    assert_int_equal(liminal_snapshot_read(snapshot).counts.received, 0);
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_passed()), LIMINAL_OK);
    is_about(snapshot, 0, LIMINAL_LOG_SENT, "hold");
    liminal_snapshot_drop(&snapshot);
    test_gate_open(&self.go);
    got(&holder, "hold");
    assert_int_equal(look(talk).counts.sent, 2); /* now it shows everything again */
    get(talk, "one");
    shut(&talk);
}

/* Everything that was accepted before is shown. */
static void shows_what_was_accepted(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    for (uint64_t i = 1; i <= 100; i++) {
        put(talk, "one");
        assert_int_equal(look(talk).counts.sent, i);
    }
    for (uint64_t i = 1; i <= 100; i++) {
        get(talk, "one");
        assert_int_equal(look(talk).counts.received, i);
    }
    shut(&talk);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static void arguments(void **state)
{
    liminal_config config = config_of(*state);
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    liminal_log_entry it;
    liminal_summary nothing;
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    assert_int_equal(liminal_conversation_query(NULL, &snapshot, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_query(talk, NULL, LONG), LIMINAL_EINVAL);
    assert_null(snapshot);
    assert_int_equal(liminal_snapshot_participant(NULL, 0, &status), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_entry(NULL, 0, &it), LIMINAL_EINVAL);
    nothing = liminal_snapshot_read(NULL);
    assert_string_equal(nothing.name, "");
    assert_string_equal(nothing.cause_text, "");
    assert_int_equal(nothing.log_count + nothing.participant_count, 0);
    put(talk, "x");
    snapshot = picture(talk);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_entry(snapshot, 0, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_entry(snapshot, 1, &it), LIMINAL_EINVAL);
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(fresh),
        FOUR(closed),
        FOUR(failed),
        FOUR(reason_of_its_own),
        FOUR(inside_the_turn),
        FOUR(completing),
        THREADED(while_a_thread_hangs),
        INLINED(while_an_inline_one_hangs),
        FOUR(shows_what_was_accepted),
        BOTH(arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_close_failure.c -- the end of a conversation that failed or ran out of time, and what it leaves. */
#define _GNU_SOURCE

#include "call_kit.h"

/* ---- what is left over ----------------------------------------------------------------------- */

static void buffered_after_close(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    put(talk, "one");
    put(talk, "two");
    put(talk, "three");
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    get(talk, "one");
    get(talk, "two");
    get(talk, "three");
    all_say(talk, LIMINAL_ECLOSED);
    assert_int_equal(look(talk).counts.received, 3);
    shut(&talk);
}

static void buffered_after_failure(void **state)
{
    servant self = new_servant();
    liminal_envelope *reply = NULL;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    put(talk, "one");
    put(talk, "two");
    put(talk, "die");
    test_gate_wait(&self.released); /* after the exit was made known */
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    get(talk, "one");
    assert_int_equal(liminal_conversation_try_receive(talk, &reply), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "two");
    liminal_envelope_drop(&reply);
    all_say(talk, LIMINAL_EEXIT);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    all_say(talk, LIMINAL_EEXIT);
    shut(&talk);
    assert_int_equal(self.answered, 3);
}

/* Also when the close comes first: it releases everything else, not what somebody may yet fetch. */
static void buffered_after_failure_and_close(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    put(talk, "one");
    put(talk, "die");
    test_gate_wait(&self.released);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    get(talk, "one");
    all_say(talk, LIMINAL_EEXIT);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    assert_int_equal(look(talk).cause, LIMINAL_EEXIT);
    shut(&talk);
}

/* ---- failure --------------------------------------------------------------------------------- */

/* The first cause is kept, with its text, and every call reports it. */
static void sticky(void **state)
{
    servant self = new_servant();
    liminal_envelope *request = note("die"), *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    char cause[256];
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_EEXIT);
    (void)snprintf(cause, sizeof cause, "%s", liminal_status_detail());
    assert_string_not_equal(cause, "");
    liminal_envelope_drop(&request);
    all_say(talk, LIMINAL_EEXIT);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), cause);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    all_say(talk, LIMINAL_EEXIT);
    assert_int_equal(liminal_conversation_query(talk, &snapshot, LONG), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(liminal_snapshot_read(snapshot).cause, LIMINAL_EEXIT);
    assert_string_equal(liminal_snapshot_read(snapshot).cause_text, cause);
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

/* A failure while it is closing is a failure. */
static void failing_while_closing(void **state)
{
    servant self = new_servant();
    call holder, closer, receiver;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold and die", liminal_deadline_never());
    receiver = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start_asleep(&receiver, receive_body);
    closer = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start_asleep(&closer, close_body);
    test_gate_open(&self.go);
    joined(&holder, LIMINAL_EEXIT);
    joined(&receiver, LIMINAL_EEXIT);
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    all_say(talk, LIMINAL_EEXIT);
    shut(&talk);
}

/* Of two participants that die the first one counts. */
static void first_cause(void **state)
{
    const variant *v = *state;
    servant self = new_servant();
    liminal_config config = config_of(v), other = config_of(v);
    liminal_participant participants[2] = {{.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "watched"},
                                           {.kind = v->kind, .behaviour = &serving, .self = &self}};
    liminal_conversation *talk, *watched;
    liminal_snapshot *snapshot = NULL;
    char cause[256];
    open_house();
    watched = spawn(&other);
    participants[0].pid = liminal_conversation_pid(watched);
    config.participants = participants;
    config.participant_count = 2;
    talk = spawn(&config);
    put(talk, "die");
    get_fails(talk, liminal_deadline_never(), LIMINAL_EEXIT);
    (void)snprintf(cause, sizeof cause, "%s", liminal_status_detail());
    assert_int_equal(liminal_conversation_close(watched, LONG), LIMINAL_OK);
    get_fails(talk, liminal_deadline_never(), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), cause);
    assert_int_equal(liminal_conversation_query(talk, &snapshot, LONG), LIMINAL_OK);
    assert_string_equal(liminal_snapshot_read(snapshot).cause_text, cause);
    liminal_snapshot_drop(&snapshot);
    liminal_conversation_drop(&talk);
    shut(&watched);
}

/* ---- the conversation's own deadline --------------------------------------------------------- */

static liminal_conversation *serving_for(const variant *v, servant *self, int64_t timeout_ns)
{
    liminal_config config = config_of(v);
    config.timeout_ns = timeout_ns;
    return spawn_with(config, serving_as(v, self));
}

static void times_out(void **state)
{
    servant self = new_servant();
    call receivers[2];
    liminal_conversation *talk;
    int64_t began = test_now_ns();
    open_house();
    talk = serving_for(*state, &self, 20 * MS);
    for (size_t i = 0; i < 2; i++) {
        receivers[i] = (call){.talk = talk, .deadline = liminal_deadline_never()};
        start(&receivers[i], receive_body);
    }
    joined(&receivers[0], LIMINAL_ETIMEDOUT);
    joined(&receivers[1], LIMINAL_ETIMEDOUT);
    assert_true(test_now_ns() - began >= 20 * MS);
    all_say(talk, LIMINAL_ETIMEDOUT);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    assert_int_equal(look(talk).cause, LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    all_say(talk, LIMINAL_ETIMEDOUT);
    shut(&talk);
    assert_int_equal(self.answered, 0);
}

/* Nobody is there to notice: the conversation does by itself. */
static void times_out_alone(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_for(*state, &self, 10 * MS);
    test_gate_wait(&self.released);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    all_say(talk, LIMINAL_ETIMEDOUT);
    shut(&talk);
}

/* One whose time is over while the holder is held. What was not enough to come to that is doubled. */
static liminal_conversation *held_till_it_times_out(const variant *v, servant *self, call *holder)
{
    liminal_conversation *talk;
    for (int64_t timeout_ns = BRIEF_MS * MS;; timeout_ns *= 2) {
        liminal_envelope *message = note("sent");
        liminal_status sent;
        *self = new_servant();
        talk = serving_for(v, self, timeout_ns);
        sent = liminal_conversation_send(talk, &message, LONG);
        assert_true(sent == LIMINAL_OK || sent == LIMINAL_ETIMEDOUT);
        liminal_envelope_drop(&message);
        *holder = (call){.talk = talk, .text = "hold and die", .deadline = liminal_deadline_never()};
        start(holder, ask_body);
        if (is_begun(holder, &self->begun)) {
            return talk;
        }
        test_gate_wait(&self->released);
        liminal_conversation_drop(&talk);
        test_until(liminal_supervisor_census(house).threads == 0);
    }
}

/* Everyone is told while a behaviour hangs; for an inline one only the thread that runs it is not. */
static void times_out_while_held(void **state)
{
    const variant *v = *state;
    servant self;
    call holder, asker, receiver;
    liminal_conversation *talk;
    open_house();
    talk = held_till_it_times_out(v, &self, &holder);
    asker = (call){.talk = talk, .text = "second", .deadline = liminal_deadline_never()};
    start(&asker, ask_body);
    get(talk, "sent"); /* it was answered before */
    receiver = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start(&receiver, receive_body);
    joined(&asker, LIMINAL_ETIMEDOUT);
    assert_true(asker.kept);
    joined(&receiver, LIMINAL_ETIMEDOUT);
    all_say(talk, LIMINAL_ETIMEDOUT);
    if (v->kind == LIMINAL_PARTICIPANT_THREAD) {
        joined(&holder, LIMINAL_ETIMEDOUT);
        test_gate_open(&self.go);
    } else {
        test_gate_open(&self.go);
        joined(&holder, LIMINAL_ETIMEDOUT);
    }
    assert_false(holder.kept);
    test_gate_wait(&self.released);
    all_say(talk, LIMINAL_ETIMEDOUT); /* the exit that came after changes nothing */
    assert_int_equal(look(talk).cause, LIMINAL_ETIMEDOUT);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    shut(&talk);
    assert_int_equal(self.answered, 2);
}

/* One that has closed in time does not fail any more. */
static void closed_in_time(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk, *other;
    liminal_config config = config_of(*state);
    int64_t timeout_ns = BRIEF_MS * MS;
    open_house();
    talk = serving_for(*state, &self, timeout_ns);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    while (phase(talk) == LIMINAL_PHASE_FAILED) { /* it was not enough on this machine, at this moment */
        test_gate_wait(&self.released);
        liminal_conversation_drop(&talk);
        timeout_ns *= 2;
        talk = serving_for(*state, &self, timeout_ns);
        assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    }
    config.timeout_ns = timeout_ns + 20 * MS; /* this one's end comes after the other's would have */
    other = spawn(&config);
    get_fails(other, liminal_deadline_never(), LIMINAL_ETIMEDOUT);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    all_say(talk, LIMINAL_ECLOSED);
    liminal_conversation_drop(&other);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(buffered_after_close),
        FOUR(buffered_after_failure),
        FOUR(buffered_after_failure_and_close),
        FOUR(sticky),
        FOUR(failing_while_closing),
        FOUR(first_cause),
        FOUR(times_out),
        FOUR(times_out_alone),
        FOUR(times_out_while_held),
        FOUR(closed_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_close.c -- the end of a conversation that was asked for. */
#define _GNU_SOURCE

#include "call_kit.h"

/* ---- close ----------------------------------------------------------------------------------- */

static void idle(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_never()), LIMINAL_OK);
    all_say(talk, LIMINAL_ECLOSED);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    all_say(talk, LIMINAL_ECLOSED);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    assert_int_equal(look(talk).cause, LIMINAL_OK);
    shut(&talk);
    assert_int_equal(self.answered, 0);
    assert_true(test_gate_try(&self.released));
    assert_false(test_gate_try(&self.released));
}

static void at_once(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    all_say(talk, LIMINAL_ECLOSED);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    shut(&talk);
}

static void of_a_buffer(void **state)
{
    liminal_config config = config_of(*state);
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    put(talk, "one");
    put(talk, "two");
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    get(talk, "one");
    get(talk, "two");
    all_say(talk, LIMINAL_ECLOSED);
    shut(&talk);
}

/* What was accepted is still answered; what comes after the close is not accepted. */
static void lets_be_answered(void **state)
{
    servant self = new_servant();
    call holder, second, closer;
    liminal_envelope *message = note("too late"), *kept = message, *reply = NULL;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", liminal_deadline_never());
    second = (call){.talk = talk, .text = "second", .deadline = liminal_deadline_never()};
    start_asleep(&second, ask_body);
    put(talk, "sent");
    closer = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start_closing(&closer);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_ask(talk, &message, &reply, LONG), LIMINAL_ECLOSED);
    assert_ptr_equal(message, kept);
    liminal_envelope_drop(&message);
    test_gate_open(&self.go);
    got(&holder, "hold");
    got(&second, "second");
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    get(talk, "sent");
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    shut(&talk);
    assert_int_equal(self.answered, 3);
}

/* At its deadline the close is over, whatever a behaviour is doing; what was not begun never will be. */
static void has_a_deadline(void **state)
{
    const variant *v = *state;
    servant self = new_servant();
    call holder, second, receiver;
    liminal_conversation *talk;
    int64_t began;
    open_house();
    talk = serving_talk(v, &self);
    hold(&holder, &self, talk, "hold", liminal_deadline_never());
    second = (call){.talk = talk, .text = "second", .deadline = liminal_deadline_never()};
    start_asleep(&second, ask_body);
    receiver = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start_asleep(&receiver, receive_body);
    began = test_now_ns();
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_in_ms(20)), LIMINAL_OK);
    assert_true(test_now_ns() - began >= 20 * MS);
    joined(&second, LIMINAL_ECLOSED);
    assert_true(second.kept);
    joined(&receiver, LIMINAL_ECLOSED);
    all_say(talk, LIMINAL_ECLOSED);
    if (v->kind == LIMINAL_PARTICIPANT_THREAD) {
        joined(&holder, LIMINAL_ECLOSED); /* nobody waits for the behaviour */
        assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
        test_gate_open(&self.go);
    } else if (v->dispatch == LIMINAL_DISPATCH_PINNED) {
        joined(&holder, LIMINAL_ECLOSED);
        test_gate_open(&self.go);
    } else { /* the holder may be running the behaviour */
        test_gate_open(&self.go);
        joined(&holder, LIMINAL_ECLOSED);
    }
    assert_false(holder.kept);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    all_say(talk, LIMINAL_ECLOSED);
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

static void waiting_receivers(void **state)
{
    servant self = new_servant();
    call receivers[4];
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    for (size_t i = 0; i < 4; i++) {
        receivers[i] = (call){.talk = talk, .deadline = liminal_deadline_never()};
        start_asleep(&receivers[i], receive_body);
    }
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    for (size_t i = 0; i < 4; i++) {
        joined(&receivers[i], LIMINAL_ECLOSED);
    }
    shut(&talk);
}

static void waiting_receivers_of_a_buffer(void **state)
{
    liminal_config config = config_of(*state);
    call receivers[4];
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    for (size_t i = 0; i < 4; i++) {
        receivers[i] = (call){.talk = talk, .deadline = liminal_deadline_never()};
        start_asleep(&receivers[i], receive_body);
    }
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    for (size_t i = 0; i < 4; i++) {
        joined(&receivers[i], LIMINAL_ECLOSED);
    }
    shut(&talk);
}

/* Those who wait while a request is still being answered get its reply, and only then the end. */
static void waiting_while_completing(void **state)
{
    servant self = new_servant();
    call receivers[2], closer;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    put(talk, "hold");
    for (size_t i = 0; i < 2; i++) {
        receivers[i] = (call){.talk = talk, .deadline = liminal_deadline_never()};
        start(&receivers[i], receive_body);
        if (i == 0) {
            test_gate_wait(&self.begun); /* this receiver may be running it */
        }
    }
    test_until(test_sleeps(receivers[1].task));
    closer = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start_asleep(&closer, close_body);
    test_gate_open(&self.go);
    test_thread_join(&receivers[0].thread);
    test_thread_join(&receivers[1].thread);
    joined(&closer, LIMINAL_OK);
    for (size_t i = 0; i < 2; i++) {
        bool served = receivers[i].reply != NULL;
        assert_int_equal(receivers[i].status, served ? LIMINAL_OK : LIMINAL_ECLOSED);
        assert_int_not_equal(served, receivers[1 - i].status == LIMINAL_OK);
    }
    liminal_envelope_drop(&receivers[0].reply);
    liminal_envelope_drop(&receivers[1].reply);
    shut(&talk);
}

static void from_several_threads(void **state)
{
    servant self = new_servant();
    call holder, closers[4];
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", liminal_deadline_never());
    for (size_t i = 0; i < 4; i++) {
        closers[i] = (call){.talk = talk, .deadline = liminal_deadline_never()};
        start_asleep(&closers[i], close_body);
    }
    test_gate_open(&self.go);
    got(&holder, "hold");
    for (size_t i = 0; i < 4; i++) {
        joined(&closers[i], LIMINAL_OK);
    }
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    shut(&talk);
}

/* Of several deadlines the earliest ends it, for everyone. */
static void earliest_deadline(void **state)
{
    servant self = new_servant();
    call holder, closers[2];
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", liminal_deadline_never());
    for (size_t i = 0; i < 2; i++) {
        closers[i] = (call){.talk = talk, .deadline = liminal_deadline_never()};
        start_asleep(&closers[i], close_body);
    }
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_in_ms(5)), LIMINAL_OK);
    joined(&closers[0], LIMINAL_OK);
    joined(&closers[1], LIMINAL_OK);
    test_gate_open(&self.go);
    joined(&holder, LIMINAL_ECLOSED);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    shut(&talk);
}

/* All at once, with sends and asks on the way: nothing is lost, nothing hangs, each says what it was. */
static void race(void **state)
{
    for (int i = 0; i < 20; i++) {
        servant self = new_servant();
        call closers[2], askers[2];
        liminal_conversation *talk;
        open_house();
        talk = serving_talk(*state, &self);
        for (size_t j = 0; j < 2; j++) {
            askers[j] = (call){.talk = talk, .text = "one", .deadline = LONG};
            closers[j] = (call){.talk = talk, .deadline = LONG};
            start(&askers[j], ask_body);
            start(&closers[j], close_body);
        }
        for (size_t j = 0; j < 2; j++) {
            joined(&closers[j], LIMINAL_OK);
            test_thread_join(&askers[j].thread);
            assert_true(askers[j].status == LIMINAL_OK || askers[j].status == LIMINAL_ECLOSED);
            assert_int_equal(askers[j].kept, askers[j].status != LIMINAL_OK);
            liminal_envelope_drop(&askers[j].reply);
        }
        assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
        shut(&talk);
    }
}

/* ---- inside a behaviour ---------------------------------------------------------------------- */

static void close_inside(servant *self)
{
    liminal_envelope *message = note("too late");
    self->close = liminal_conversation_close(self->own, liminal_deadline_never());
    self->send = liminal_conversation_send(self->own, &message, liminal_deadline_never());
    self->again = liminal_conversation_close(self->own, liminal_deadline_never());
    (void)test_check(message != NULL);
    liminal_envelope_drop(&message);
}

static liminal_status end_inside(servant *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    const char *text = liminal_envelope_text(request);
    (void)out_reply;
    if (strcmp(text, "close") == 0) {
        close_inside(self);
    } else if (strcmp(text, "drop") == 0) {
        pause_here(self);
        liminal_conversation_drop(&self->own);
    }
    return LIMINAL_OK;
}

/* It does not wait for itself; the request it is answering is still answered. */
static void inside(void **state)
{
    servant self = new_servant();
    liminal_envelope *request = note("close"), *reply = NULL;
    liminal_conversation *talk;
    self.also = end_inside;
    open_house();
    talk = serving_talk(*state, &self);
    self.own = talk;
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "close");
    liminal_envelope_drop(&reply);
    assert_int_equal(self.close, LIMINAL_OK);
    assert_int_equal(self.again, LIMINAL_OK);
    assert_int_equal(self.send, LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    all_say(talk, LIMINAL_ECLOSED);
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

/* Nobody else closes: the end comes by itself once what was accepted is answered. */
static void inside_alone(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    self.also = end_inside;
    open_house();
    talk = serving_talk(*state, &self);
    self.own = talk;
    put(talk, "close");
    get(talk, "close");
    get_fails(talk, liminal_deadline_never(), LIMINAL_ECLOSED);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    shut(&talk);
}

static void last_drop_inside(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    liminal_pid pid;
    self.also = end_inside;
    open_house();
    talk = serving_talk(*state, &self);
    pid = liminal_conversation_pid(talk);
    self.own = liminal_conversation_ref(talk);
    put(talk, "drop");
    put(talk, "after"); /* accepted, so still handled */
    liminal_conversation_drop(&talk);
    assert_null(talk);
    test_gate_wait(&self.begun);
    test_gate_open(&self.go);
    test_gate_wait(&self.released);
    assert_int_equal(liminal_supervisor_find(house, pid, &talk), LIMINAL_ENOPROC);
    assert_null(talk);
    shut(&talk);
    assert_null(self.own);
    assert_int_equal(self.answered, 2);
}

/* The last drop closes without waiting and without a deadline: all that was accepted is handled. */
static void last_drop(void **state)
{
    servant self = new_servant();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    for (int i = 0; i < 50; i++) {
        put(talk, "one");
    }
    assert_ptr_equal(liminal_conversation_ref(talk), talk);
    (void)liminal_conversation_ref(talk);
    for (int i = 0; i < 3; i++) {
        liminal_conversation *mine = talk;
        liminal_conversation_drop(&mine);
        assert_null(mine);
    }
    test_gate_wait(&self.released);
    talk = NULL;
    shut(&talk);
    assert_int_equal(self.answered, 50);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static void arguments(void **state)
{
    liminal_conversation *none = NULL;
    (void)state;
    assert_int_equal(liminal_conversation_close(NULL, LONG), LIMINAL_EINVAL);
    liminal_conversation_drop(&none);
    liminal_conversation_drop(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(idle),
        FOUR(at_once),
        BOTH(of_a_buffer),
        FOUR(lets_be_answered),
        FOUR(has_a_deadline),
        FOUR(waiting_receivers),
        BOTH(waiting_receivers_of_a_buffer),
        FOUR(waiting_while_completing),
        FOUR(from_several_threads),
        FOUR(earliest_deadline),
        FOUR(race),
        FOUR(inside),
        FOUR(inside_alone),
        FOUR(last_drop_inside),
        FOUR(last_drop),
        TEST(arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

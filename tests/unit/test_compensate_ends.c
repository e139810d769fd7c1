/* SPDX-License-Identifier: MIT */
/* test_compensate_ends.c -- compensate while the conversation is being closed, dropped or shut down. */
#define _GNU_SOURCE
#include "deed_kit.h"

static void kill_from_there(void *argument)
{
    (void)test_check(liminal_process_kill(house, *(liminal_pid *)argument) == LIMINAL_OK);
}

/* One message is in hand, two are waiting, when the close begins; then the worker is killed. */
static void it_is_undone_while_it_is_closing(void **state)
{
    const variant *v = *state;
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    call closer = {.deadline = LONG};
    open_house();
    talk = spawn_deeds(v, undoing_config(), &w, &book, "xyz");
    put(talk, "hold");
    test_gate_wait(&w.begun);
    put(talk, "two");
    put(talk, "three");
    closer.talk = talk;
    start_closing(&closer);
    assert_int_equal(will_do(talk, &book, "more"), LIMINAL_ECLOSED); /* nothing is begun any more */
    kill_it(w.pid);
    if (v->kind == LIMINAL_PARTICIPANT_INLINE) {
        test_gate_open(&w.go); /* the actor's thread is in there */
    }
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    assert_string_equal(book.undone, "z y x ");
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_int_equal(look(talk).counts.unfinished, 1);
    assert_int_equal(look(talk).counts.withdrawn, 2);
    test_gate_open(&w.go);
    shut(&talk);
}

/* The close's time is over before the undoing's: the close does not wait longer, and cuts nothing short. */
static void a_close_waits_no_longer_than_it_may(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_deeds(*state, undoing_config(), &w, &book, "xy");
    book.holds_at = "y";
    kill_it(w.pid);
    test_gate_wait(&book.begun);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_in_ms(5)), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_COMPLETING);
    test_gate_open(&book.go);
    ends_failed(talk);
    assert_string_equal(book.undone, "y x ");
    log_is(talk, "exited killed, undone y OK, undone x OK, failed EEXIT");
    shut(&talk);
}

/* The other way round: the close was over, so there is nothing to undo when the participant is stopped. */
static void a_close_that_is_over_is_not_undone(void **state)
{
    const variant *v = *state;
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_deeds(v, undoing_config(), &w, &book, "xy");
    put(talk, "hold");
    test_gate_wait(&w.begun);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    kill_it(w.pid);
    test_gate_open(&w.go);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    shut(&talk);
    assert_int_equal(book.count, 0);
}

static void it_is_undone_after_the_last_drop(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_exit exit;
    liminal_pid pid;
    open_house();
    talk = spawn_deeds(*state, undoing_config(), &w, &book, "xyz");
    pid = liminal_conversation_pid(talk);
    put(talk, "hold");
    test_gate_wait(&w.begun);
    liminal_conversation_drop(&talk);
    kill_it(w.pid);
    test_gate_open(&w.go);
    /* Its record may have gone, with all the rest, by the time it is looked for. */
    if (liminal_process_wait(house, pid, &exit, LONG) == LIMINAL_OK) {
        assert_int_equal(exit.reason.code, LIMINAL_EEXIT);
    }
    shut(&talk);
    assert_string_equal(book.undone, "z y x ");
    assert_int_equal(w.releases, 1);
}

/* Nobody holds a handle any more while it is being undone, and the undoing drops the very last. */
static void drop_it(ledger *self, const liminal_envelope *step)
{
    (void)step;
    liminal_conversation_drop(&self->talk);
}

static void it_may_drop_the_last_handle_itself(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_deeds(*state, undoing_config(), &w, &book, "xyz");
    book.also = drop_it;
    talk = NULL; /* the ledger's now */
    kill_it(w.pid);
    shut(&talk);
    assert_string_equal(book.undone, "z y x ");
    assert_null(book.talk);
}

typedef struct shutter {
    test_thread thread;
    test_gate begun;
    liminal_deadline deadline;
    liminal_status status;
    liminal_report report;
} shutter;

static void shut_there(void *argument)
{
    shutter *self = argument;
    test_gate_open(&self->begun);
    self->status = liminal_supervisor_shutdown(&house, &self->report, self->deadline);
}

/* A participant dies while the shutdown lets it finish. */
static void it_is_undone_while_all_is_shut_down(void **state)
{
    const variant *v = *state;
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    shutter s = {.begun = TEST_GATE_INIT, .deadline = LONG};
    liminal_envelope *message = note("x");
    open_house();
    talk = spawn_deeds(v, undoing_config(), &w, &book, "xyz");
    w.mortal = true;
    put(talk, "hold");
    put(talk, "die");
    test_gate_wait(&w.begun);
    test_thread_start(&s.thread, shut_there, &s);
    test_gate_wait(&s.begun);
    test_until(phase_now(talk) == LIMINAL_PHASE_COMPLETING); /* it has been told to close */
    assert_int_equal(will_do(talk, &book, "more"), LIMINAL_ECLOSED);
    test_gate_open(&w.go);
    test_thread_join(&s.thread);
    assert_int_equal(s.status, LIMINAL_OK);
    assert_null(house);
    assert_int_equal(s.report.running, 0);
    assert_int_equal(s.report.handles, 1);
    assert_string_equal(book.undone, "z y x ");
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_EEXIT); /* the handle goes on to answer */
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&talk);
}

/* It has begun before the shutdown, which waits for it, names it at its deadline, and may be called again. */
static void a_shutdown_names_what_is_still_being_undone(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_report report;
    liminal_pid pid;
    open_house();
    talk = spawn_deeds(*state, undoing_config(), &w, &book, "xy");
    pid = liminal_conversation_pid(talk);
    book.holds_at = "y";
    kill_it(w.pid);
    test_gate_wait(&book.begun);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, liminal_deadline_in_ms(20)), LIMINAL_ETIMEDOUT);
    assert_non_null(house);
    assert_stuck_in(&report, "deeds");
    assert_int_equal(report.stragglers[0].pid.value, pid.value);
    assert_non_null(strstr(liminal_status_detail(), "deeds"));
    assert_int_equal(phase(talk), LIMINAL_PHASE_COMPLETING);
    test_gate_open(&book.go);
    shut(&talk);
    assert_string_equal(book.undone, "y x ");
}

static void one_without_a_name_is_named_for_what_it_does(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_report report;
    liminal_config config = undoing_config();
    config.name = NULL;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "x");
    book.holds_at = "x";
    kill_it(w.pid);
    test_gate_wait(&book.begun);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, liminal_deadline_in_ms(20)), LIMINAL_ETIMEDOUT);
    assert_stuck_in(&report, "compensation");
    test_gate_open(&book.go);
    shut(&talk);
}

/* Two threads kill two participants while two others close: all of it happens once. */
static void everything_at_once(void **state)
{
    const pair *p = *state;
    open_house();
    for (int round = 0; round < 20; round++) {
        ledger book = new_ledger();
        worker w[2];
        liminal_conversation *talk = spawn_pair(p, config_with(p, LIMINAL_CRASH_COMPENSATE), w);
        test_thread killers[2];
        call closers[2];
        assert_int_equal(will_do(talk, &book, "x"), LIMINAL_OK);
        assert_int_equal(will_do(talk, &book, "y"), LIMINAL_OK);
        put(talk, "hello");
        for (int i = 0; i < 2; i++) {
            test_thread_start(&killers[i], kill_from_there, &w[i].pid);
            closers[i] = (call){.talk = talk, .deadline = LONG};
            start(&closers[i], close_body);
        }
        for (int i = 0; i < 2; i++) {
            test_thread_join(&killers[i]);
            joined(&closers[i], LIMINAL_OK);
        }
        if (phase(talk) == LIMINAL_PHASE_FAILED) { /* an exit came before the close was done */
            assert_string_equal(book.undone, "y x ");
            assert_int_equal(log_count(talk, LIMINAL_LOG_COMPENSATED), 2);
            assert_int_equal(log_count(talk, LIMINAL_LOG_FAILED), 1);
        } else {
            assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
            assert_int_equal(book.count, 0);
        }
        liminal_conversation_drop(&talk);
        test_until(liminal_supervisor_census(house).threads == 0); /* the workers go with this round */
    }
    shut(&(liminal_conversation *){NULL});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(it_is_undone_while_it_is_closing),
        FOUR(a_close_waits_no_longer_than_it_may),
        FOUR(a_close_that_is_over_is_not_undone),
        FOUR(it_is_undone_after_the_last_drop),
        FOUR(it_may_drop_the_last_handle_itself),
        FOUR(it_is_undone_while_all_is_shut_down),
        FOUR(a_shutdown_names_what_is_still_being_undone),
        FOUR(one_without_a_name_is_named_for_what_it_does),
        EIGHT(everything_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

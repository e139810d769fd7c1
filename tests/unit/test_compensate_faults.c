/* SPDX-License-Identifier: MIT */
/* test_compensate_faults.c -- compensate: what is called may fail, ask others, call the very conversation, or not
 * return. */
#define _GNU_SOURCE
#include "deed_kit.h"

static void one_that_fails_does_not_stop_the_others(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.compensate = make_good;
    config.compensate_self = &book;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "xyz");
    book.fails_at = "y";
    kill_it(w.pid);
    ends_failed(talk);
    assert_string_equal(book.undone, "z y x - ");
    log_is(talk, "exited killed, undone z OK, undone y EFULL, undone x OK, undone - OK, failed EEXIT");
    liminal_conversation_drop(&talk);

    test_until(liminal_supervisor_census(house).threads == 0); /* the worker has been released */
    book = new_ledger();
    talk = spawn_deeds(*state, config, &w, &book, "x");
    book.fails_at = "-";
    kill_it(w.pid);
    ends_failed(talk);
    log_is(talk, "exited killed, undone x OK, undone - EFULL, failed EEXIT");
    all_say(talk, LIMINAL_EEXIT); /* what counts is the exit */
    shut(&talk);
}

static void end_the_thread(ledger *self, const liminal_envelope *step)
{
    (void)step;
    if (self->count == 2) {
        pthread_exit(NULL);
    }
}

/* The actor is as if it had been killed; the rest is undone by the same thread, at its end. */
static void one_that_ends_its_thread_does_not_either(void **state)
{
    for (int refused = 0; refused < 2; refused++) {
        ledger book = new_ledger();
        worker w;
        liminal_conversation *talk;
        open_house();
        talk = spawn_deeds(*state, undoing_config(), &w, &book, "xyz");
        book.also = end_the_thread;
        test_refuse_all_threads(refused == 1);
        kill_it(w.pid);
        ends_failed(talk);
        test_refuse_all_threads(false);
        assert_string_equal(book.undone, "z y x ");
        log_is(talk, "exited killed, undone z OK, restarted, undone y EEXIT, undone x OK, failed EEXIT");
        assert_int_not_equal(book.task, -1);
        shut(&talk);
    }
}

static void ask_the_other(ledger *self, const liminal_envelope *step)
{
    (void)test_check(ask_until(self->other, liminal_envelope_text(step), NULL, LONG) == LIMINAL_OK);
}

static void it_may_ask_another_conversation(void **state)
{
    const variant *v = *state;
    ledger book = new_ledger();
    worker w, clerk;
    liminal_conversation *talk, *other;
    liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    open_house();
    for (int i = 0; i < 2; i++) { /* the other one's participant on a thread, and inline */
        const variant kind = {v->dispatch, i == 0 ? LIMINAL_PARTICIPANT_THREAD : LIMINAL_PARTICIPANT_INLINE};
        other = spawn_worker(&kind, config, &clerk);
        book = new_ledger();
        talk = spawn_deeds(v, (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_COMPENSATE}, &w,
                           &book, "xyz");
        book.other = other;
        book.also = ask_the_other;
        kill_it(w.pid);
        ends_failed(talk);
        assert_int_equal(book.count, 3);
        assert_string_equal(clerk.heard, "z y x ");
        liminal_conversation_drop(&other);
        liminal_conversation_drop(&talk);
        test_until(liminal_supervisor_census(house).threads == 0);
    }
    shut(&(liminal_conversation *){NULL});
}

/* The behaviour that is asked asks the doomed one in turn: refused at once, no cycle of waits. */
static void ask_back(worker *self, const char *text)
{
    (void)text;
    (void)test_check(ask_until(self->context, "and you?", NULL, LONG) == LIMINAL_EEXIT);
}

static void who_is_asked_may_ask_back(void **state)
{
    const variant *v = *state;
    ledger book = new_ledger();
    worker w, clerk;
    liminal_conversation *talk, *other;
    liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    open_house();
    other = spawn_worker(v, config, &clerk);
    talk = spawn_deeds(v, undoing_config(), &w, &book, "xy");
    clerk.context = talk;
    clerk.also = ask_back;
    book.other = other;
    book.also = ask_the_other;
    kill_it(w.pid);
    ends_failed(talk);
    assert_string_equal(book.undone, "y x ");
    liminal_conversation_drop(&other);
    shut(&talk);
}

static void call_everything(ledger *self, const liminal_envelope *step)
{
    liminal_envelope *message = note("x"), *kept = message, *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_exit exit;
    (void)step;
    (void)test_check(liminal_conversation_send(self->talk, &message, LONG) == LIMINAL_EEXIT);
    (void)test_check(liminal_conversation_ask(self->talk, &message, &reply, LONG) == LIMINAL_EEXIT);
    (void)test_check(liminal_conversation_receive(self->talk, &reply, LONG) == LIMINAL_EEXIT);
    (void)test_check(liminal_conversation_undo_with(self->talk, &message, undo, self) == LIMINAL_EEXIT);
    (void)test_check(message == kept && reply == NULL);
    liminal_envelope_drop(&message);
    /* What would wait for its end, from inside of it: */
    (void)test_check(liminal_process_wait(house, liminal_conversation_pid(self->talk), &exit, LONG) ==
                     LIMINAL_EDEADLK);
    (void)test_check(liminal_supervisor_shutdown(&house, NULL, LONG) == LIMINAL_EDEADLK);
    (void)test_check(liminal_conversation_close(self->talk, LONG) == LIMINAL_OK); /* does not wait */
    (void)test_check(liminal_conversation_query(self->talk, &snapshot, LONG) == LIMINAL_OK);
    (void)test_check(liminal_snapshot_read(snapshot).phase == LIMINAL_PHASE_COMPLETING);
    liminal_snapshot_drop(&snapshot);
}

static void it_may_call_the_conversation_itself(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.compensate = make_good;
    config.compensate_self = &book;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "x");
    book.also = call_everything;
    kill_it(w.pid);
    ends_failed(talk);
    assert_string_equal(book.undone, "x - ");
    shut(&talk);
}

/* ---- one that does not return ---- */

/* Killed, one with these steps is undone as far as the one that does not return, "y", and its time passes meanwhile.
 * What was not enough to come to that is doubled. With a closer, the close waits already. */
static liminal_conversation *undone_too_long(const variant *v, liminal_config config, worker *w, ledger *book,
                                             const char *steps, call *closer)
{
    liminal_conversation *talk;
    bool is_begun = false;
    for (config.compensate_timeout_ns = BRIEF_MS * MS;; config.compensate_timeout_ns *= 2) {
        *book = new_ledger();
        talk = spawn_deeds(v, config, w, book, steps);
        book->holds_at = "y";
        if (closer != NULL) {
            put(talk, "hold");
            test_gate_wait(&w->begun);
            *closer = (call){.talk = talk, .deadline = LONG};
            start_closing(closer);
        }
        kill_it(w->pid);
        test_gate_open(&w->go);
        test_until((is_begun = test_gate_try(&book->begun)) || phase_now(talk) == LIMINAL_PHASE_FAILED);
        if (is_begun) {
            return talk;
        }
        test_gate_open(&book->go);
        if (closer != NULL) {
            joined(closer, LIMINAL_OK);
        }
        liminal_conversation_drop(&talk);
        test_until(liminal_supervisor_census(house).threads == 0);
    }
}

/* It fails at the deadline, for who looks and for who waits, and the rest is not begun when the one returns. */
static void at_the_deadline_it_fails_all_the_same(void **state)
{
    ledger book;
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    liminal_report report;
    config.compensate = make_good;
    config.compensate_self = &book;
    open_house();
    talk = undone_too_long(*state, config, &w, &book, "xyz", NULL);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    log_is(talk, "exited killed, undone z OK, undone y ETIMEDOUT, undone x ETIMEDOUT, undone - ETIMEDOUT, "
                 "failed EEXIT");
    all_say(talk, LIMINAL_EEXIT);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, liminal_deadline_in_ms(20)), LIMINAL_ETIMEDOUT);
    assert_stuck_in(&report, "deeds");
    test_gate_open(&book.go);
    shut(&talk);
    assert_string_equal(book.undone, "z y ");
}

static void who_only_looks_sees_it_fail_at_the_deadline(void **state)
{
    ledger book;
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = undone_too_long(*state, undoing_config(), &w, &book, "xy", NULL);
    test_until(phase(talk) == LIMINAL_PHASE_FAILED);
    log_is(talk, "exited killed, undone y ETIMEDOUT, undone x ETIMEDOUT, failed EEXIT");
    test_gate_open(&book.go);
    shut(&talk);
    assert_string_equal(book.undone, "y ");
}

/* A close that began before the exit, and whose own deadline is later, is woken at the undoing's. */
static void a_close_that_waits_already_is_not_forgotten(void **state)
{
    ledger book;
    worker w;
    liminal_conversation *talk;
    call closer;
    open_house();
    talk = undone_too_long(*state, undoing_config(), &w, &book, "xy", &closer);
    joined(&closer, LIMINAL_OK);
    test_gate_open(&book.go);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    shut(&talk);
    assert_string_equal(book.undone, "y ");
}

/* An inline behaviour keeps the actor's thread, so nothing can be undone; nor does anybody wait longer for that. */
static void a_behaviour_that_does_not_return_keeps_it_from_being_undone(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.compensate_timeout_ns = 40 * MS;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "xy");
    put(talk, "hold"); /* of an inline one, the actor's own thread runs it */
    test_gate_wait(&w.begun);
    kill_it(w.pid);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    log_is(talk, "sent hold, exited killed, undone y ETIMEDOUT, undone x ETIMEDOUT, failed EEXIT");
    test_gate_open(&w.go);
    shut(&talk);
    assert_int_equal(book.count, 0);
}

/* Nor does it keep those whose asks no turn has come to: they are told at once, also where there is no deadline that
 * could change. */
static void nor_does_anybody_wait_behind_it(void **state)
{
    static const int64_t times[] = {0, INT64_MAX};
    for (int i = 0; i < 2; i++) {
        ledger book = new_ledger();
        worker w;
        liminal_conversation *talk;
        liminal_config config = undoing_config();
        call asker = {.text = "x", .deadline = liminal_deadline_never()};
        config.compensate_timeout_ns = times[i];
        open_house();
        talk = spawn_deeds(*state, config, &w, &book, "x");
        put(talk, "hold");
        test_gate_wait(&w.begun);
        asker.talk = talk;
        start_asleep(&asker, ask_body);
        kill_it(w.pid);
        joined(&asker, LIMINAL_EEXIT);
        assert_true(asker.kept);
        test_gate_open(&w.go);
        ends_failed(talk);
        assert_string_equal(book.undone, "x ");
        shut(&talk);
    }
}

/* A kill has it renewed once: what it is called for later is done by the new one, and that goes on. */
static void its_thread_is_renewed_once(void **state)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .idle_threads = LIMINAL_NO_IDLE_THREADS};
    const variant *v = *state;
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    size_t asked, others = v->kind == LIMINAL_PARTICIPANT_THREAD;
    assert_int_equal(liminal_supervisor_open(&options, &house), LIMINAL_OK);
    talk = spawn_deeds(v, undoing_config(), &w, &book, "x");
    asked = test_threads_asked();
    kill_it(liminal_conversation_pid(talk));
    test_until(test_threads_asked() == asked + 1);
    book.holds_at = "x";
    kill_it(w.pid);
    test_gate_wait(&book.begun);
    /* Whoever else has something to bring is through with it, so that the thread finds the conversation as it left
     * it. */
    test_until(liminal_supervisor_census(house).threads == 1 || others == 0);
    test_gate_open(&book.go);
    test_until(liminal_supervisor_census(house).threads == 0);
    assert_int_equal(test_threads_asked(), asked + 1);
    ends_failed(talk);
    assert_string_equal(book.undone, "x ");
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(one_that_fails_does_not_stop_the_others),
        FOUR(one_that_ends_its_thread_does_not_either),
        FOUR(it_may_ask_another_conversation),
        FOUR(who_is_asked_may_ask_back),
        FOUR(it_may_call_the_conversation_itself),
        FOUR(at_the_deadline_it_fails_all_the_same),
        FOUR(who_only_looks_sees_it_fail_at_the_deadline),
        FOUR(a_close_that_waits_already_is_not_forgotten),
        FOUR(its_thread_is_renewed_once),
        INLINED(a_behaviour_that_does_not_return_keeps_it_from_being_undone),
        INLINED(nor_does_anybody_wait_behind_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

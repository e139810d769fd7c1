/* SPDX-License-Identifier: MIT */
/* test_compensate_order.c -- compensate: what is undone, in which order, on which thread, and what everyone is told
 * meanwhile. */
#define _GNU_SOURCE
#include "deed_kit.h"

/* ---- what is undone ---- */

static void take_step(worker *self, const char *text)
{
    ledger *book = self->context;
    if (strlen(text) == 1) { /* a step: registered before it is done */
        (void)test_check(will_do(book->talk, book, text) == LIMINAL_OK);
    }
}

static void the_last_step_is_undone_first(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_deeds(*state, undoing_config(), &w, &book, "");
    w.context = &book;
    w.also = take_step;
    ask_gives(talk, "x", "a:x");
    assert_int_equal(will_do(talk, &book, "y"), LIMINAL_OK); /* the host does things as well */
    ask_gives(talk, "z", "a:z");
    assert_int_equal(ask_until(talk, "die", NULL, LONG), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "worker a exited: error 6");
    ends_failed(talk);
    assert_string_equal(book.undone, "z y x ");
    all_say(talk, LIMINAL_EEXIT);
    log_is(talk, "sent x, sent z, sent die, exited error 6, undone z OK, undone y OK, undone x OK, failed EEXIT");
    shut(&talk);
    assert_int_equal(book.count, 3);
    assert_int_equal(w.releases, 1);
}

static void all_of_it_on_one_thread_of_the_conversation(void **state)
{
    const variant *v = *state;
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_deeds(v, undoing_config(), &w, &book, "wxyz");
    assert_int_equal(ask_until(talk, "die", NULL, LONG), LIMINAL_EEXIT);
    ends_failed(talk);
    assert_int_equal(book.count, 4);
    assert_int_not_equal(book.task, -1);
    assert_int_not_equal(book.task, syscall(SYS_gettid)); /* nobody who waits has to do it */
    if (v->kind == LIMINAL_PARTICIPANT_THREAD) {
        assert_int_not_equal(book.task, w.task);
    }
    assert_string_equal(book.thread, "deeds"); /* the actor's own */
    shut(&talk);
}

static void read_the_log(ledger *self, const liminal_envelope *step)
{
    (void)step;
    if (self->count == 3) {
        liminal_snapshot *snapshot = NULL;
        (void)test_check(liminal_conversation_query(self->talk, &snapshot, LONG) == LIMINAL_OK);
        (void)test_check(liminal_snapshot_read(snapshot).phase == LIMINAL_PHASE_COMPLETING);
        snapshot_log_is(snapshot, true, "sent die, exited error 6, undone y OK, undone x OK");
        liminal_snapshot_drop(&snapshot);
    }
}

static liminal_status read_and_make_good(void *argument, const liminal_snapshot *snapshot)
{
    (void)test_check(liminal_snapshot_read(snapshot).phase == LIMINAL_PHASE_COMPLETING);
    snapshot_log_is(snapshot, true, "sent die, exited error 6, undone y OK, undone x OK");
    return make_good(argument, snapshot);
}

static void the_configs_own_is_the_last(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.compensate = read_and_make_good;
    config.compensate_self = &book;
    book.also = read_the_log;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "xy");
    assert_int_equal(ask_until(talk, "die", NULL, LONG), LIMINAL_EEXIT);
    ends_failed(talk);
    assert_string_equal(book.undone, "y x - ");
    log_is(talk, "sent die, exited error 6, undone y OK, undone x OK, undone - OK, failed EEXIT");
    shut(&talk);
    assert_int_equal(book.count, 3);
}

static void it_may_be_all_there_is_or_there_may_be_nothing(void **state)
{
    for (int own = 0; own < 2; own++) {
        ledger book = new_ledger();
        worker w;
        liminal_conversation *talk;
        liminal_config config = undoing_config();
        config.compensate = own ? make_good : NULL;
        config.compensate_self = &book;
        open_house();
        talk = spawn_deeds(*state, config, &w, &book, "");
        kill_it(w.pid);
        ends_failed(talk);
        log_is(talk, own ? "exited killed, undone - OK, failed EEXIT" : "exited killed, failed EEXIT");
        assert_int_equal(book.count, own);
        shut(&talk);
    }
}

static void what_closes_is_not_undone(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.compensate = make_good;
    config.compensate_self = &book;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "xyz");
    ask_gives(talk, "hello", "a:hello");
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    assert_int_equal(will_do(talk, &book, "more"), LIMINAL_ECLOSED);
    shut(&talk);
    assert_int_equal(book.count, 0);
}

static void the_conversations_own_deadline_is_undone_too(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.timeout_ns = 10 * MS;
    config.name = NULL;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "");
    while (will_do(talk, &book, "x") != LIMINAL_OK || will_do(talk, &book, "y") != LIMINAL_OK) {
        liminal_conversation_drop(&talk); /* it was not enough on this machine, at this moment */
        test_until(liminal_supervisor_census(house).threads == 0);
        config.timeout_ns *= 2;
        book = new_ledger();
        talk = spawn_deeds(*state, config, &w, &book, "");
    }
    get_fails(talk, LONG, LIMINAL_ETIMEDOUT);
    ends_failed(talk);
    assert_string_equal(book.undone, "y x ");
    log_is(talk, "undone y OK, undone x OK, failed ETIMEDOUT");
    shut(&talk);
}

static void two_exits_are_undone_once(void **state)
{
    const pair *p = *state;
    ledger book = new_ledger();
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = spawn_pair(p, config_with(p, LIMINAL_CRASH_COMPENSATE), w);
    book.holds_at = "x";
    assert_int_equal(will_do(talk, &book, "w"), LIMINAL_OK);
    assert_int_equal(will_do(talk, &book, "x"), LIMINAL_OK);
    kill_it(w[1].pid);
    test_gate_wait(&book.begun);
    kill_it(w[0].pid);
    test_gate_open(&book.go);
    ends_failed(talk);
    assert_string_equal(book.undone, "x w ");
    log_is(talk, "exited killed, exited killed, undone x OK, undone w OK, failed EEXIT");
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "worker b exited: killed"); /* the first cause */
    shut(&talk);
    assert_int_equal(w[0].releases + w[1].releases, 2);
}

/* ---- what it sees ---- */

static void look_around(ledger *self, const liminal_envelope *step)
{
    liminal_deadline left = liminal_deadline_current();
    liminal_envelope *made = NULL;
    (void)self;
    (void)test_check(left.ns > test_now_ns() && left.ns <= test_now_ns() + 15000 * MS);
    (void)test_check(liminal_envelope_printf(&made, "about it") == LIMINAL_OK);
    (void)test_check(liminal_envelope_read(made).cause == step);
    (void)test_check(memcmp(liminal_envelope_read(made).trace.trace_id, liminal_envelope_read(step).trace.trace_id,
                            sizeof liminal_envelope_read(step).trace.trace_id) == 0);
    liminal_envelope_drop(&made);
}

static void it_knows_its_deadline_its_step_and_its_trace(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.compensate_timeout_ns = 15000 * MS;
    book.also = look_around;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "xy");
    kill_it(w.pid);
    ends_failed(talk);
    assert_string_equal(book.undone, "y x ");
    shut(&talk);
}

/* ---- what others are told meanwhile ---- */

static void nobody_waits_for_it_but_who_closes(void **state)
{
    const variant *v = *state;
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_snapshot *snapshot = NULL;
    call asker = {.text = "hold", .deadline = LONG}, receiver = {.deadline = LONG}, closer = {.deadline = LONG};
    open_house();
    talk = spawn_deeds(v, undoing_config(), &w, &book, "xy");
    book.holds_at = "y";
    asker.talk = receiver.talk = closer.talk = talk;
    start_asleep(&receiver, receive_body);
    if (v->kind == LIMINAL_PARTICIPANT_THREAD) { /* else the asker is in the behaviour, or the undoing behind it */
        start(&asker, ask_body);
        test_gate_wait(&w.begun);
    }
    kill_it(w.pid);
    test_gate_wait(&book.begun); /* it is in the middle of it, until the gate opens */
    joined(&receiver, LIMINAL_EEXIT);
    if (v->kind == LIMINAL_PARTICIPANT_THREAD) {
        joined(&asker, LIMINAL_EEXIT);
        test_gate_open(&w.go);
    }
    all_say(talk, LIMINAL_EEXIT);
    assert_int_equal(will_do(talk, &book, "more"), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "worker a exited: killed");
    assert_int_equal(liminal_conversation_query(talk, &snapshot, LONG), LIMINAL_OK); /* does not wait for it either */
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_COMPLETING);
    assert_int_equal(liminal_snapshot_read(snapshot).cause, LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    assert_true(liminal_process_alive(house, liminal_conversation_pid(talk)));
    start_asleep(&closer, close_body);
    assert_false(book.count > 1);
    test_gate_open(&book.go);
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    assert_string_equal(book.undone, "y x ");
    shut(&talk);
}

typedef struct last_word {
    ledger *book;
    liminal_exit exit;
    int count_then;
    test_gate told;
} last_word;

static void hear(void *argument, const liminal_exit *exit)
{
    last_word *self = argument;
    self->exit = *exit;
    self->count_then = self->book->count;
    test_gate_open(&self->told);
}

static void its_exit_is_known_when_all_is_undone(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    last_word last = {.book = &book, .told = TEST_GATE_INIT};
    open_house();
    talk = spawn_deeds(*state, undoing_config(), &w, &book, "xyz");
    assert_int_equal(liminal_process_notify(house, liminal_conversation_pid(talk), hear, &last, NULL), LIMINAL_OK);
    kill_it(w.pid);
    test_gate_wait(&last.told);
    assert_int_equal(last.count_then, 3);
    assert_int_equal(last.exit.reason.kind, LIMINAL_EXIT_ERROR);
    assert_int_equal(last.exit.reason.code, LIMINAL_EEXIT);
    shut(&talk);
}

/* ---- who may register ---- */

static void only_where_it_is_the_policy(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk = NULL;
    liminal_config config = undoing_config();
    liminal_envelope *step = note("x");
    open_house();
    config.on_crash = LIMINAL_CRASH_FAIL;
    talk = spawn_worker(*state, config, &w);
    assert_int_equal(will_do(talk, &book, "x"), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "policy"));
    assert_int_equal(liminal_conversation_undo_with(NULL, &step, undo, &book), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_undo_with(talk, NULL, undo, &book), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_undo_with(talk, &step, NULL, &book), LIMINAL_EINVAL);
    assert_non_null(step);
    liminal_envelope_drop(&step);
    assert_int_equal(liminal_conversation_undo_with(talk, &step, undo, &book), LIMINAL_EINVAL);
    liminal_conversation_drop(&talk);
    config.compensate = make_good;
    assert_int_equal(liminal_supervisor_spawn(house, &config, &talk), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "config.compensate"));
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(the_last_step_is_undone_first),
        FOUR(all_of_it_on_one_thread_of_the_conversation),
        FOUR(the_configs_own_is_the_last),
        FOUR(it_may_be_all_there_is_or_there_may_be_nothing),
        FOUR(what_closes_is_not_undone),
        FOUR(the_conversations_own_deadline_is_undone_too),
        EIGHT(two_exits_are_undone_once),
        FOUR(it_knows_its_deadline_its_step_and_its_trace),
        FOUR(nobody_waits_for_it_but_who_closes),
        FOUR(its_exit_is_known_when_all_is_undone),
        BOTH(only_where_it_is_the_policy),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

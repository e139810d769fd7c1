/* SPDX-License-Identifier: MIT */
/* test_restart_limits.c -- how often an actor may be killed, and kills at the edges: while it closes, is shut down, is
 * undone, starts, or is over. */
#define _GNU_SOURCE
#include "deed_kit.h"

static liminal_config restarting(uint32_t restarts, int64_t window_ns)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .restarts = restarts,
                            .restart_window_ns = window_ns};
}

static void kill_actor(liminal_conversation *talk)
{
    kill_it(liminal_conversation_pid(talk));
}

/* ---- how often ---- */

static void once_too_often_it_fails(void **state)
{
    const variant *v = *state;
    worker w;
    liminal_conversation *talk;
    call receiver = {.deadline = LONG}, asker = {.text = "hold", .deadline = LONG};
    liminal_exit exit;
    liminal_pid last;
    open_house();
    talk = spawn_worker(v, restarting(2, 3600 * 1000 * MS), &w);
    w.holds = true;
    receiver.talk = asker.talk = talk;
    start_asleep(&receiver, receive_body);
    if (v->kind == LIMINAL_PARTICIPANT_THREAD) {
        start(&asker, ask_body);
        test_gate_wait(&w.begun);
    }
    kill_actor(talk);
    kill_actor(talk);
    last = liminal_conversation_pid(talk);
    assert_int_equal(phase(talk), LIMINAL_PHASE_ACTIVE);
    kill_it(last);
    joined(&receiver, LIMINAL_EFAILED);
    if (v->kind == LIMINAL_PARTICIPANT_THREAD) {
        joined(&asker, LIMINAL_EFAILED);
        test_gate_open(&w.go);
    }
    get_fails(talk, LONG, LIMINAL_EFAILED);
    assert_string_equal(liminal_status_detail(), "the actor was killed more than 2 times within 3600000 ms");
    all_say(talk, LIMINAL_EFAILED);
    assert_int_equal(liminal_process_wait(house, last, &exit, LONG), LIMINAL_OK);
    assert_int_equal(exit.reason.kind, LIMINAL_EXIT_KILLED);
    assert_int_equal(liminal_conversation_pid(talk).value, last.value); /* there is no other one */
    kill_it(last);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 2);
    assert_int_equal(log_count(talk, LIMINAL_LOG_FAILED), 1);
    shut(&talk);
    assert_int_equal(w.releases, 1);
}

/* By default three times. */
static void as_often_as_the_config_says(void **state)
{
    static const struct {
        uint32_t given;
        size_t times;
    } cases[] = {{0, LIMINAL_DEFAULT_RESTARTS}, {1, 1}, {7, 7}, {LIMINAL_RESTARTS_MOST, LIMINAL_RESTARTS_MOST},
                 {LIMINAL_NO_RESTARTS, 0}};
    open_house();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        worker w;
        liminal_conversation *talk = spawn_worker(*state, restarting(cases[i].given, 3600 * 1000 * MS), &w);
        for (size_t n = 0; n < cases[i].times; n++) {
            kill_actor(talk);
        }
        ask_gives(talk, "hello", "a:hello");
        assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), cases[i].times);
        kill_actor(talk);
        assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
        assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), cases[i].times);
        all_say(talk, LIMINAL_EFAILED);
        liminal_conversation_drop(&talk);
        test_until(liminal_supervisor_census(house).threads == 0 && w.releases == 1);
    }
    shut(&(liminal_conversation *){NULL});
}

static void with_time_between_them_it_may_be_killed_for_ever(void **state)
{
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_worker(*state, restarting(1, 5 * MS), &w);
    for (int i = 0; i < 5; i++) {
        int64_t killed;
        kill_actor(talk);
        killed = test_now_ns();
        ask_gives(talk, "hello", "a:hello");
        test_until(test_now_ns() >= killed + 5 * MS);
    }
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 5);
    shut(&talk);
}

static void too_often_is_undone_as_any_failure(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    config.restarts = LIMINAL_NO_RESTARTS;
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "xy");
    kill_actor(talk);
    ends_failed(talk);
    assert_string_equal(book.undone, "y x ");
    all_say(talk, LIMINAL_EFAILED);
    log_is(talk, "restarted, undone y OK, undone x OK, failed EFAILED"); /* it comes back, to undo that */
    shut(&talk);
}

/* ---- while it ends ---- */

static void while_it_is_closing(void **state)
{
    worker w;
    liminal_conversation *talk;
    call closer = {.deadline = LONG};
    open_house();
    talk = spawn_worker(*state, restarting(LIMINAL_RESTARTS_MOST, 0), &w);
    w.holds = true;
    put(talk, "hold");
    test_gate_wait(&w.begun);
    put(talk, "two");
    closer.talk = talk;
    start_asleep(&closer, close_body);
    kill_actor(talk);
    kill_actor(talk);
    test_gate_open(&w.go);
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    kill_actor(talk); /* it is over */
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    get(talk, "a:hold");
    get(talk, "a:two");
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 2);
    shut(&talk);
}

static void while_it_is_closing_once_too_often(void **state)
{
    const variant *v = *state;
    worker w;
    liminal_conversation *talk;
    call closer = {.deadline = LONG};
    open_house();
    talk = spawn_worker(v, restarting(LIMINAL_NO_RESTARTS, 0), &w);
    w.holds = true;
    put(talk, "hold");
    test_gate_wait(&w.begun);
    closer.talk = talk;
    start_asleep(&closer, close_body);
    kill_actor(talk);
    joined(&closer, LIMINAL_OK); /* it does not wait for the behaviour */
    test_gate_open(&w.go);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    get_fails(talk, LONG, LIMINAL_EFAILED);
    shut(&talk);
}

static liminal_phase phase_at_once(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_phase now;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_passed()), LIMINAL_OK);
    now = liminal_snapshot_read(snapshot).phase;
    liminal_snapshot_drop(&snapshot);
    return now;
}

static void shut_there(void *argument)
{
    liminal_report *report = argument;
    (void)test_check(liminal_supervisor_shutdown(&house, report, LONG) == LIMINAL_OK);
}

static void while_all_is_shut_down(void **state)
{
    worker w;
    liminal_conversation *talk;
    liminal_supervisor *supervisor;
    liminal_report report;
    test_thread thread;
    open_house();
    supervisor = house;
    talk = spawn_worker(*state, restarting(LIMINAL_RESTARTS_MOST, 0), &w);
    w.holds = true;
    put(talk, "hold");
    test_gate_wait(&w.begun);
    test_thread_start(&thread, shut_there, &report);
    test_until(phase_at_once(talk) == LIMINAL_PHASE_COMPLETING);
    for (int i = 0; i < 5; i++) { /* it lives until the behaviour has returned */
        assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(talk)), LIMINAL_OK);
    }
    test_gate_open(&w.go);
    test_thread_join(&thread);
    assert_int_equal(report.running, 0);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 5);
    get(talk, "a:hold");
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    liminal_conversation_drop(&talk);
    assert_int_equal(w.releases, 1);
}

static void while_it_is_being_undone(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    liminal_config config = undoing_config();
    liminal_pid pid;
    config.restarts = LIMINAL_NO_RESTARTS; /* what has failed already can't be killed too often */
    open_house();
    talk = spawn_deeds(*state, config, &w, &book, "xyz");
    book.holds_at = "y";
    kill_it(w.pid);
    test_gate_wait(&book.begun);
    for (int i = 0; i < 3; i++) {
        kill_actor(talk);
    }
    pid = liminal_conversation_pid(talk);
    assert_true(liminal_process_alive(house, pid));
    test_gate_open(&book.go);
    ends_failed(talk);
    test_until(!liminal_process_alive(house, pid));
    assert_string_equal(book.undone, "z y x ");
    log_is(talk, "exited killed, undone z OK, restarted, restarted, restarted, undone y OK, undone x OK, failed EEXIT");
    shut(&talk);
}

/* ---- inside ---- */

static void kill_own(worker *self, const char *text)
{
    if (strcmp(text, "kill") == 0) {
        liminal_pid pid = liminal_conversation_pid(self->context);
        (void)test_check(liminal_process_kill(house, pid) == LIMINAL_OK);
        (void)test_check(liminal_conversation_pid(self->context).value != pid.value);
        (void)test_check(!liminal_process_alive(house, pid));
    }
}

static void inside_a_behaviour(void **state)
{
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_worker(*state, restarting(LIMINAL_RESTARTS_MOST, 0), &w);
    w.context = talk;
    w.also = kill_own;
    put(talk, "kill"); /* on the actor's own thread, where it is inline */
    put(talk, "one");
    get(talk, "a:kill");
    get(talk, "a:one");
    ask_gives(talk, "kill", "a:kill"); /* and on an asker's */
    ask_gives(talk, "two", "a:two");
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 2);
    shut(&talk);
}

static void inside_a_behaviour_once_too_often(void **state)
{
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_worker(*state, restarting(1, 3600 * 1000 * MS), &w);
    w.context = talk;
    w.also = kill_own;
    ask_gives(talk, "kill", "a:kill");
    w.also = NULL;
    kill_actor(talk);
    assert_int_equal(ask_until(talk, "hello", NULL, LONG), LIMINAL_EFAILED);
    shut(&talk);
}

static void kill_in_notice(void *argument, const liminal_exit *exit)
{
    (void)exit;
    (void)test_check(liminal_process_kill(house, liminal_conversation_pid(argument)) == LIMINAL_OK);
}

static void inside_a_notice(void **state)
{
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_worker(*state, restarting(LIMINAL_RESTARTS_MOST, 0), &w);
    /* Of its own exit: it dies again, as soon as it is back. */
    assert_int_equal(liminal_process_notify(house, liminal_conversation_pid(talk), kill_in_notice, talk, NULL),
                     LIMINAL_OK);
    assert_int_equal(liminal_process_notify(house, w.pid, kill_in_notice, talk, NULL), LIMINAL_OK);
    kill_actor(talk);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 2);
    ask_gives(talk, "hello", "a:hello");
    kill_it(w.pid); /* and of its participant's: it has failed by then */
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 2);
    shut(&talk);
}

static void kill_in_undo(ledger *self, const liminal_envelope *step)
{
    (void)step;
    (void)test_check(liminal_process_kill(house, liminal_conversation_pid(self->talk)) == LIMINAL_OK);
}

static void inside_an_undo(void **state)
{
    ledger book = new_ledger();
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_deeds(*state, undoing_config(), &w, &book, "xy");
    book.also = kill_in_undo;
    kill_it(w.pid);
    ends_failed(talk);
    assert_string_equal(book.undone, "y x ");
    log_is(talk, "exited killed, restarted, undone y OK, restarted, undone x OK, failed EEXIT");
    shut(&talk);
}

/* An inline behaviour ends the actor's own thread: the participant is dead, and the actor is as if it was killed. */
static void a_thread_that_is_ended_under_it(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    liminal_pid old;
    open_house();
    talk = spawn_pair(p, config_with(p, LIMINAL_CRASH_ROUTE_NEXT), w);
    old = liminal_conversation_pid(talk);
    w[0].mortal = true;
    put(talk, "vanish");
    put(talk, "one");
    get(talk, "b:vanish");
    get(talk, "b:one");
    test_until(log_count(talk, LIMINAL_LOG_RESTARTED) == 1);
    assert_int_not_equal(liminal_conversation_pid(talk).value, old.value);
    assert_int_equal(log_count(talk, LIMINAL_LOG_EXITED), 1);
    ask_gives(talk, "hello", "b:hello");
    shut(&talk);
    assert_int_equal(w[0].releases, 1);
}

static void a_thread_that_is_ended_under_it_and_no_other_to_be_had(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = spawn_pair(p, config_with(p, LIMINAL_CRASH_ROUTE_NEXT), w);
    w[0].mortal = true;
    test_refuse_all_threads(true);
    put(talk, "vanish");
    put(talk, "one");
    get(talk, "b:vanish"); /* the thread goes on with what it has to do, at its own end */
    get(talk, "b:one");
    ask_gives(talk, "hello", "b:hello");
    test_refuse_all_threads(false);
    kill_actor(talk);
    ask_gives(talk, "hello", "b:hello");
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(once_too_often_it_fails),
        FOUR(as_often_as_the_config_says),
        FOUR(with_time_between_them_it_may_be_killed_for_ever),
        FOUR(too_often_is_undone_as_any_failure),
        FOUR(while_it_is_closing),
        FOUR(while_it_is_closing_once_too_often),
        FOUR(while_all_is_shut_down),
        FOUR(while_it_is_being_undone),
        FOUR(inside_a_behaviour),
        FOUR(inside_a_behaviour_once_too_often),
        FOUR(inside_a_notice),
        FOUR(inside_an_undo),
        FIRST_INLINE(a_thread_that_is_ended_under_it),
        FIRST_INLINE(a_thread_that_is_ended_under_it_and_no_other_to_be_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

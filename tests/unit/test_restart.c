/* SPDX-License-Identifier: MIT */
/* test_restart.c -- an actor is killed and comes back: what changes, and what does not. */
#define _GNU_SOURCE
#include "policy_kit.h"

static liminal_config failing_config(void)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .name = "phoenix",
                            .restarts = LIMINAL_RESTARTS_MOST};
}

/* Kills the actor: gives its pid from then on. */
static liminal_pid kill_actor(liminal_conversation *talk)
{
    kill_it(liminal_conversation_pid(talk));
    return liminal_conversation_pid(talk);
}

static void it_comes_back_with_a_new_pid(void **state)
{
    worker w;
    liminal_conversation *talk, *found = NULL;
    liminal_pid old, new;
    liminal_snapshot *snapshot;
    liminal_census before, after;
    open_house();
    talk = spawn_worker(*state, failing_config(), &w);
    old = liminal_conversation_pid(talk);
    before = liminal_supervisor_census(house);
    new = kill_actor(talk);
    assert_int_not_equal(old.value, new.value);
    assert_false(liminal_process_alive(house, old));
    assert_true(liminal_process_alive(house, new));
    assert_int_equal(liminal_supervisor_find(house, old, &found), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find(house, new, &found), LIMINAL_OK);
    assert_ptr_equal(found, talk);
    liminal_conversation_drop(&found);
    assert_int_equal(liminal_supervisor_find_name(house, "phoenix", &found), LIMINAL_OK);
    liminal_conversation_drop(&found);
    ask_gives(talk, "hello", "a:hello");
    kill_it(old); /* it is gone: no error, no effect */
    assert_int_equal(liminal_conversation_pid(talk).value, new.value);
    log_is(talk, "restarted, sent hello");
    snapshot = picture(talk);
    assert_int_equal(entry(snapshot, 0, LIMINAL_LOG_RESTARTED).pid.value, new.value);
    liminal_snapshot_drop(&snapshot);
    test_until(liminal_supervisor_census(house).threads == before.threads);
    after = liminal_supervisor_census(house);
    assert_int_equal(after.conversations, 1);
    assert_int_equal(after.participants, 1);
    assert_true(liminal_process_alive(house, w.pid));
    assert_int_equal(pid_of(talk, 0).value, w.pid.value);
    assert_int_equal(w.releases, 0);
    shut(&talk);
    assert_int_equal(w.releases, 1);
}

static void who_waits_goes_on_waiting(void **state)
{
    worker w;
    liminal_conversation *talk;
    call receiver = {.deadline = LONG}, asker = {.text = "hold", .deadline = LONG};
    open_house();
    talk = spawn_worker(*state, failing_config(), &w);
    w.holds = true;
    receiver.talk = asker.talk = talk;
    start_asleep(&receiver, receive_body);
    start(&asker, ask_body);
    test_gate_wait(&w.begun);
    (void)kill_actor(talk);
    (void)kill_actor(talk);
    put(talk, "for the receiver");
    test_gate_open(&w.go);
    got(&asker, "a:hold");
    got(&receiver, "a:for the receiver");
    assert_int_equal(phase(talk), LIMINAL_PHASE_ACTIVE);
    shut(&talk);
}

static void nothing_that_was_sent_is_lost(void **state)
{
    enum { MESSAGES = 20 };
    worker w;
    liminal_conversation *talk;
    open_house();
    talk = spawn_worker(*state, failing_config(), &w);
    w.holds = true;
    put(talk, "hold");
    test_gate_wait(&w.begun);
    for (int i = 0; i < MESSAGES; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        put(talk, text);
        (void)kill_actor(talk);
    }
    test_gate_open(&w.go);
    get(talk, "a:hold");
    for (int i = 0; i < MESSAGES; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "a:%d", i);
        get(talk, text);
    }
    assert_int_equal(look(talk).counts.sent, MESSAGES + 1);
    assert_int_equal(look(talk).counts.received, MESSAGES + 1);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), MESSAGES);
    shut(&talk);
    assert_int_equal(w.answers, MESSAGES + 1);
}

static void a_buffer_keeps_what_it_has(void **state)
{
    const variant *v = *state;
    liminal_config config = config_of(v);
    liminal_conversation *talk;
    open_house();
    talk = spawn(&config);
    put(talk, "one");
    (void)kill_actor(talk);
    put(talk, "two");
    get(talk, "one");
    (void)kill_actor(talk);
    get(talk, "two");
    shut(&talk);
}

static void who_died_meanwhile_is_noticed_once(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    liminal_config config = config_with(p, LIMINAL_CRASH_ROUTE_NEXT);
    config.restarts = LIMINAL_RESTARTS_MOST;
    open_house();
    talk = spawn_pair(p, config, w);
    w[0].holds = true;
    put(talk, "hold"); /* where the first is inline, the actor's own thread is in there */
    test_gate_wait(&w[0].begun);
    (void)kill_actor(talk);
    kill_it(w[0].pid);
    (void)kill_actor(talk);
    test_gate_open(&w[0].go);
    get(talk, "b:hold");
    (void)kill_actor(talk);
    ask_gives(talk, "hello", "b:hello");
    assert_int_equal(log_count(talk, LIMINAL_LOG_EXITED), 1);
    kill_it(w[1].pid);
    (void)kill_actor(talk);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_int_equal(log_count(talk, LIMINAL_LOG_EXITED), 2);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 3); /* what has failed comes back no more */
    shut(&talk);
    assert_int_equal(w[0].releases + w[1].releases, 2);
}

/* ---- what others learn ---- */

typedef struct witness {
    atomic_int count;
    liminal_exit exit;
} witness;

static void see(void *argument, const liminal_exit *exit)
{
    witness *self = argument;
    self->exit = *exit;
    atomic_fetch_add(&self->count, 1);
}

static void notices_of_the_old_pid_fire(void **state)
{
    worker w;
    liminal_conversation *talk;
    witness early = {.count = 0}, late = {.count = 0}, next = {.count = 0};
    liminal_exit exit;
    liminal_pid old, new;
    open_house();
    talk = spawn_worker(*state, failing_config(), &w);
    old = liminal_conversation_pid(talk);
    assert_int_equal(liminal_process_notify(house, old, see, &early, NULL), LIMINAL_OK);
    new = kill_actor(talk);
    assert_int_equal(early.count, 1); /* on the thread that killed it */
    assert_int_equal(early.exit.pid.value, old.value);
    assert_int_equal(early.exit.reason.kind, LIMINAL_EXIT_KILLED);
    assert_int_equal(liminal_process_notify(house, new, see, &next, NULL), LIMINAL_OK);
    assert_int_equal(liminal_process_notify(house, old, see, &late, NULL), LIMINAL_OK);
    assert_int_equal(late.count, 1); /* the dead are remembered as long as the conversation is */
    assert_int_equal(late.exit.seen_ns.ns, early.exit.seen_ns.ns);
    assert_int_equal(liminal_process_wait(house, old, &exit, liminal_deadline_passed()), LIMINAL_OK);
    assert_int_equal(exit.reason.kind, LIMINAL_EXIT_KILLED);
    assert_int_equal(liminal_process_wait(house, new, &exit, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    ask_gives(talk, "hello", "a:hello");
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    test_until(next.count == 1);
    assert_int_equal(next.exit.reason.kind, LIMINAL_EXIT_NORMAL);
    assert_int_equal(early.count, 1);
    shut(&talk);
}

static void others_notice_nothing(void **state)
{
    worker w, v;
    liminal_conversation *talk, *other;
    liminal_config config = failing_config();
    liminal_pid pid;
    open_house();
    talk = spawn_worker(*state, config, &w);
    config.name = "other";
    other = spawn_worker(*state, config, &v);
    pid = liminal_conversation_pid(other);
    v.holds = true;
    put(other, "hold");
    test_gate_wait(&v.begun);
    for (int i = 0; i < 5; i++) {
        (void)kill_actor(talk);
    }
    test_gate_open(&v.go);
    get(other, "a:hold");
    assert_int_equal(liminal_conversation_pid(other).value, pid.value);
    log_is(other, "sent hold");
    liminal_conversation_drop(&other);
    shut(&talk);
}

static liminal_status hear_of(void *argument, const liminal_exit *exit)
{
    see(((worker *)argument)->context, exit);
    return LIMINAL_OK;
}

/* One that is linked dies with it, one that traps is told, a conversation writes it down; one that watches goes by its
 * policy. The new life has no links. */
static void who_is_linked_learns_of_it(void **state)
{
    static const liminal_behaviour trapping = {LIMINAL_OPS(liminal_behaviour), .answer = labour, .release = lay_off,
                                               .exited = hear_of};
    const variant *v = *state;
    worker w, plain, trap = new_worker('a');
    witness told = {.count = 0};
    liminal_conversation *talk, *plain_talk, *trap_talk, *watch_talk;
    liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .dispatch = v->dispatch};
    liminal_pid old, links[4];
    size_t count = 9;
    open_house();
    talk = spawn_worker(v, config, &w);
    old = liminal_conversation_pid(talk);
    plain_talk = spawn_worker(v, config, &plain);
    trap.context = &told;
    trap_talk = spawn_with(config, (liminal_participant){.kind = v->kind, .behaviour = &trapping, .self = &trap});
    watch_talk =
        spawn_with(config, (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = old, .name = "it"});
    assert_int_equal(liminal_process_link(house, old, plain.pid), LIMINAL_OK);
    assert_int_equal(liminal_process_link(house, old, pid_of(trap_talk, 0)), LIMINAL_OK);
    assert_int_equal(liminal_process_link(house, old, liminal_conversation_pid(trap_talk)), LIMINAL_OK);
    (void)kill_actor(talk);
    assert_int_equal(liminal_process_links(house, liminal_conversation_pid(talk), links, 4, &count), LIMINAL_OK);
    assert_int_equal(count, 0);
    get_fails(plain_talk, LONG, LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "worker a exited: killed");
    get_fails(watch_talk, LONG, LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "it exited: killed");
    test_until(told.count == 1);
    assert_int_equal(told.exit.pid.value, old.value);
    assert_int_equal(told.exit.reason.kind, LIMINAL_EXIT_KILLED);
    log_is(trap_talk, "exited killed");
    ask_gives(trap_talk, "hello", "a:hello");
    ask_gives(talk, "hello", "a:hello");
    log_is(talk, "restarted, sent hello"); /* its links broke with the old life, so it hears nothing back */
    liminal_conversation_drop(&plain_talk);
    liminal_conversation_drop(&trap_talk);
    liminal_conversation_drop(&watch_talk);
    shut(&talk);
    assert_int_equal(told.count, 1);
}

/* An exit message that has reached the old life, and that no turn has come to yet, is the new one's. */
static void exit_messages_are_not_lost(void **state)
{
    const variant *v = *state;
    worker w, other;
    liminal_conversation *talk, *elsewhere;
    liminal_config config = failing_config();
    open_house();
    talk = spawn_worker(v, config, &w);
    config.name = NULL;
    elsewhere = spawn_worker(&(variant){v->dispatch, LIMINAL_PARTICIPANT_THREAD}, config, &other);
    w.holds = true;
    put(talk, "hold"); /* an inline one keeps the turn */
    test_gate_wait(&w.begun);
    assert_int_equal(liminal_process_link(house, liminal_conversation_pid(talk), other.pid), LIMINAL_OK);
    kill_it(other.pid);
    (void)kill_actor(talk);
    (void)kill_actor(talk);
    test_gate_open(&w.go);
    get(talk, "a:hold");
    test_until(log_count(talk, LIMINAL_LOG_EXITED) == 1);
    ask_gives(talk, "hello", "a:hello");
    assert_int_equal(log_count(talk, LIMINAL_LOG_EXITED), 1);
    liminal_conversation_drop(&elsewhere);
    shut(&talk);
}

/* ---- the thread ---- */

/* With PINNED dispatch an inline behaviour tells on which thread its turns are run. */
static void its_thread_is_another_one(void **state)
{
    worker w;
    liminal_conversation *talk;
    size_t threads;
    liminal_report report;
    long first;
    open_house();
    talk = spawn_worker(*state, failing_config(), &w);
    ask_gives(talk, "hello", "a:hello");
    first = w.task;
    threads = test_threads_asked();
    (void)kill_actor(talk);
    test_until(ask_until(talk, "hello", "a:hello", LONG) == LIMINAL_OK && w.task != first);
    assert_int_equal(test_threads_asked(), threads + 1);
    test_until(liminal_supervisor_census(house).threads == 1);
    liminal_conversation_drop(&talk);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, LONG), LIMINAL_OK);
    assert_int_equal(report.threads, 2);
}

/* What the system does not give, it does without; the next kill tries again. */
static void without_another_thread_it_goes_on_with_the_old_one(void **state)
{
    worker w;
    liminal_conversation *talk;
    liminal_pid old;
    long first;
    open_house();
    talk = spawn_worker(*state, failing_config(), &w);
    ask_gives(talk, "hello", "a:hello");
    first = w.task;
    test_refuse_all_threads(true);
    for (int i = 0; i < 3; i++) {
        size_t asked = test_threads_asked();
        old = liminal_conversation_pid(talk);
        assert_int_not_equal(kill_actor(talk).value, old.value);
        test_until(test_threads_asked() > asked); /* it has been refused */
        ask_gives(talk, "hello", "a:hello");
        assert_int_equal(w.task, first);
        assert_int_equal(liminal_supervisor_census(house).threads, 1);
    }
    test_refuse_all_threads(false);
    (void)kill_actor(talk);
    test_until(ask_until(talk, "hello", "a:hello", LONG) == LIMINAL_OK && w.task != first);
    assert_int_equal(log_count(talk, LIMINAL_LOG_RESTARTED), 4);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(it_comes_back_with_a_new_pid),
        FOUR(who_waits_goes_on_waiting),
        FOUR(nothing_that_was_sent_is_lost),
        BOTH(a_buffer_keeps_what_it_has),
        EIGHT(who_died_meanwhile_is_noticed_once),
        FOUR(notices_of_the_old_pid_fire),
        FOUR(others_notice_nothing),
        FOUR(who_is_linked_learns_of_it),
        FOUR(exit_messages_are_not_lost),
        WITH(its_thread_is_another_one, "pinned, inline", 3),
        WITH(without_another_thread_it_goes_on_with_the_old_one, "pinned, inline", 3),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* waits_kit.h -- each call that has a deadline, waiting on a thread of its own for what does not come by itself. */
#ifndef TEST_WAITS_KIT_H
#define TEST_WAITS_KIT_H

#include "fault/calls_kit.h"

#include <sys/syscall.h>
#include <unistd.h>

#define SECOND ((int64_t)1000000000)
#define MINUTE (60 * SECOND)

/* ---- one call, and what it waits for ---- */

typedef struct scene {
    liminal_supervisor *supervisor;
    liminal_conversation *talk;
    liminal_pid part;
    liminal_notice *notice;
    test_gate there, go;
    const struct wait_row *row;
    liminal_deadline deadline;
    liminal_status status;
    atomic_bool over;
    atomic_long task; /* the kernel's number of its thread, when it has begun */
    test_thread thread, helper;
    bool helped;
} scene;

static liminal_status hang(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    scene *s = self;
    test_gate_open(&s->there);
    test_gate_wait(&s->go);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour hanging = {LIMINAL_OPS(liminal_behaviour), .answer = hang};

static void put(scene *s)
{
    liminal_envelope *message = race_say("x");
    (void)test_check(liminal_conversation_try_send(s->talk, &message) == LIMINAL_OK);
    liminal_envelope_drop(&message);
}

static void get(scene *s)
{
    (void)test_check(try_receive_from(s->talk) == LIMINAL_OK);
}

static void buffer_of(scene *s, size_t places)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL,
                                   .mailbox_messages = places, .overflow = LIMINAL_OVERFLOW_WAIT};
    assert_int_equal(liminal_supervisor_spawn(s->supervisor, &config, &s->talk), LIMINAL_OK);
}

static void buffer(scene *s)
{
    buffer_of(s, 1);
}

static void full_buffer(scene *s)
{
    buffer(s);
    put(s);
}

/* Whoever waits for a place among many is patient at first. */
static void full_large_buffer(scene *s)
{
    buffer_of(s, 64);
    for (int i = 0; i < 64; i++) {
        put(s);
    }
}

static void idle(scene *s)
{
    s->talk = race_spawn(s->supervisor, LIMINAL_PARTICIPANT_THREAD, &hanging, s);
    s->part = race_pid(s->talk, 0);
}

static void busy(scene *s)
{
    idle(s);
    put(s);
    test_gate_wait(&s->there);
}

/* Its own thread is inside the behaviour. */
static void busy_inline(scene *s)
{
    s->talk = race_spawn(s->supervisor, LIMINAL_PARTICIPANT_INLINE, &hanging, s);
    put(s);
    test_gate_wait(&s->there);
}

static void hang_in_notice(void *self, const liminal_exit *exit)
{
    scene *s = self;
    (void)exit;
    test_gate_open(&s->there);
    test_gate_wait(&s->go);
}

static void kill_it(void *self)
{
    scene *s = self;
    (void)test_check(liminal_process_kill(s->supervisor, s->part) == LIMINAL_OK);
}

static void busy_notice(scene *s)
{
    idle(s);
    assert_int_equal(liminal_process_notify(s->supervisor, s->part, hang_in_notice, s, &s->notice), LIMINAL_OK);
    test_thread_start(&s->helper, kill_it, s);
    s->helped = true;
    test_gate_wait(&s->there);
}

static liminal_status hang_in_undo(void *self, const liminal_snapshot *snapshot)
{
    (void)snapshot;
    hang_in_notice(self, NULL);
    return LIMINAL_OK;
}

static void busy_undo(scene *s)
{
    const liminal_participant part = {.behaviour = &hanging, .self = s};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &part, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_COMPENSATE, .compensate = hang_in_undo,
                                   .compensate_self = s, .compensate_timeout_ns = MINUTE / 2};
    assert_int_equal(liminal_supervisor_spawn(s->supervisor, &config, &s->talk), LIMINAL_OK);
    s->part = race_pid(s->talk, 0);
    kill_it(s);
    test_gate_wait(&s->there);
}

static void short_of_time(scene *s)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL,
                                   .timeout_ns = MINUTE / 2};
    assert_int_equal(liminal_supervisor_spawn(s->supervisor, &config, &s->talk), LIMINAL_OK);
}

static void stubborn_program(scene *s)
{
    static const char *const argv[] = {"sh", "-c", "trap '' TERM; echo deaf; read x; while :; do sleep 1; done", NULL};
    const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = argv, .close_patience_ns = MINUTE / 4,
                                     .term_patience_ns = MINUTE / 4};
    const liminal_participant part = {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &part, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    assert_int_equal(liminal_supervisor_spawn(s->supervisor, &config, &s->talk), LIMINAL_OK);
    s->part = race_pid(s->talk, 0);
    assert_int_equal(receive_from(s->talk, LONG), LIMINAL_OK); /* it is */
    assert_int_equal(liminal_conversation_close(s->talk, liminal_deadline_never()), LIMINAL_OK);
}

/* ---- the calls ---- */

static liminal_status wait_send(scene *s)
{
    liminal_envelope *message = race_say("y");
    liminal_status st = liminal_conversation_send(s->talk, &message, s->deadline);
    liminal_envelope_drop(&message);
    return st;
}

static liminal_status wait_receive(scene *s)
{
    return receive_from(s->talk, s->deadline);
}

static liminal_status wait_receive_long(scene *s)
{
    return receive_from(s->talk, liminal_deadline_never());
}

static liminal_status wait_ask(scene *s)
{
    liminal_envelope *request = race_say("y"), *reply = NULL;
    liminal_status st = liminal_conversation_ask(s->talk, &request, &reply, s->deadline);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return st;
}

static liminal_status wait_query(scene *s)
{
    liminal_snapshot *snapshot = NULL;
    liminal_status st = liminal_conversation_query(s->talk, &snapshot, s->deadline);
    liminal_snapshot_drop(&snapshot);
    return st;
}

static liminal_status wait_close(scene *s)
{
    return liminal_conversation_close(s->talk, s->deadline);
}

static liminal_status wait_exit(scene *s)
{
    liminal_exit exit;
    return liminal_process_wait(s->supervisor, s->part, &exit, s->deadline);
}

static liminal_status wait_next_exit(scene *s)
{
    liminal_pid me = {0};
    liminal_exit exit;
    liminal_status st;
    (void)test_check(liminal_thread_attach(s->supervisor, &me) == LIMINAL_OK);
    (void)test_check(liminal_process_trap(s->supervisor, me, true) == LIMINAL_OK);
    (void)test_check(liminal_process_link(s->supervisor, me, s->part) == LIMINAL_OK);
    st = liminal_thread_next_exit(s->supervisor, &exit, s->deadline);
    (void)test_check(liminal_thread_detach(s->supervisor) == LIMINAL_OK);
    return st;
}

static liminal_status wait_cancel(scene *s)
{
    return liminal_notice_cancel(&s->notice, s->deadline);
}

static liminal_status wait_ask_until(scene *s)
{
    liminal_envelope *request = race_say("y"), *reply = NULL;
    liminal_status st = liminal_supervisor_ask_until(s->supervisor, &hanging, s, &request, &reply, s->deadline);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return st;
}

static liminal_status wait_shutdown(scene *s)
{
    return liminal_supervisor_shutdown(&s->supervisor, NULL, s->deadline);
}

static liminal_status wait_killed(scene *s)
{
    liminal_exit exit = {.reason = {LIMINAL_EXIT_NORMAL, 0}};
    liminal_status st = liminal_process_wait(s->supervisor, s->part, &exit, liminal_deadline_never());
    return st == LIMINAL_OK && exit.reason.code != SIGKILL ? LIMINAL_EFAILED : st;
}

static void let_go(scene *s)
{
    test_gate_open(&s->go);
}

static void end_it(scene *s)
{
    kill_it(s);
}

typedef struct wait_row {
    const char *name;
    void (*prepare)(scene *s);
    liminal_status (*wait)(scene *s);
    liminal_status at_deadline;
    void (*satisfy)(scene *s); /* it is OK then; NULL: only the deadline ends it */
    bool far;                  /* its time is counted anew after the jump, from a clock that has no more of it */
} wait_row;

static const wait_row waits[] = {
    {"send", full_buffer, wait_send, LIMINAL_ETIMEDOUT, get, false},
    {"send, one of many", full_large_buffer, wait_send, LIMINAL_ETIMEDOUT, get, false},
    {"receive", buffer, wait_receive, LIMINAL_ETIMEDOUT, put, false},
    {"ask", idle, wait_ask, LIMINAL_ETIMEDOUT, let_go, false},
    {"query", busy_inline, wait_query, LIMINAL_OK, let_go, false},
    {"close", busy, wait_close, LIMINAL_OK, let_go, false},
    {"wait", idle, wait_exit, LIMINAL_ETIMEDOUT, end_it, false},
    {"next_exit", idle, wait_next_exit, LIMINAL_ETIMEDOUT, end_it, false},
    {"cancel", busy_notice, wait_cancel, LIMINAL_ETIMEDOUT, let_go, false},
    {"ask_until", buffer, wait_ask_until, LIMINAL_ETIMEDOUT, let_go, false},
    {"shutdown", busy, wait_shutdown, LIMINAL_ETIMEDOUT, let_go, false},
    {"the conversation's own time", short_of_time, wait_receive_long, LIMINAL_ETIMEDOUT, NULL, false},
    {"what is undone", busy_undo, wait_receive_long, LIMINAL_EEXIT, NULL, false},
    {"a program's patience", stubborn_program, wait_killed, LIMINAL_OK, NULL, true},
};
enum { WAITS = sizeof waits / sizeof waits[0] };

/* ---- what happens ---- */

static inline void wait_for_it(void *argument)
{
    scene *s = argument;
    atomic_store(&s->task, (long)syscall(SYS_gettid));
    s->status = s->row->wait(s);
    atomic_store(&s->over, true);
}

static inline void begin(scene *s, const wait_row *what, int64_t ns)
{
    memset(s, 0, sizeof *s);
    test_gate_init(&s->there);
    test_gate_init(&s->go);
    s->row = what;
    s->supervisor = race_open();
    what->prepare(s);
    s->deadline = liminal_deadline_in_ns(ns);
    test_thread_start(&s->thread, wait_for_it, s);
}

static inline void end(scene *s, liminal_status expected)
{
    test_thread_join(&s->thread);
    if (s->status != expected) {
        print_error("%s: %s, not %s\n", s->row->name, liminal_status_name(s->status), liminal_status_name(expected));
    }
    assert_int_equal(s->status, expected);
    for (int i = 0; i < 3; i++) { /* whoever hangs, or is about to */
        let_go(s);
    }
    if (s->helped) {
        test_thread_join(&s->helper);
    }
    liminal_notice_drop(&s->notice);
    liminal_conversation_drop(&s->talk);
    if (s->supervisor != NULL) {
        (void)race_shutdown(&s->supervisor);
    }
}

/* Each in turn: it waits, is disturbed, which it should not mind, and then gets what it waits for. */
static inline void what_is_satisfied_afterwards(int64_t patience_ns, void (*disturb)(scene *s),
                                                void (*afterwards)(void))
{
    scene s;
    for (size_t i = 0; i < WAITS; i++) {
        if (waits[i].satisfy != NULL) {
            begin(&s, &waits[i], patience_ns);
            disturb(&s);
            assert_false(atomic_load(&s.over));
            waits[i].satisfy(&s);
            end(&s, LIMINAL_OK);
            afterwards();
        }
    }
}

#endif

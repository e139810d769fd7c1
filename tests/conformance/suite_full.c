/* SPDX-License-Identifier: MIT */
/* suite_full.c -- the bound, handles, arguments, and calls that fail for want of memory or after fork(). */
#define _GNU_SOURCE

#include "suite.h"

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static bool waits(const suite_backend *b)
{
    return b->waits;
}

static void fill(const suite_backend *b, liminal_conversation *talk)
{
    char text[32];
    size_t i;
    for (i = 0; i < b->bound; i++) {
        liminal_envelope *message;
        (void)snprintf(text, sizeof text, "message %zu", i);
        message = suite_envelope(text);
        suite_is(liminal_conversation_try_send(talk, &message), OK);
        assert_null(message);
    }
}

static void drain(const suite_backend *b, liminal_conversation *talk, size_t from)
{
    char text[32];
    for (; from < b->bound; from++) {
        (void)snprintf(text, sizeof text, "message %zu", from);
        suite_receive(b, talk, text);
    }
}

static void a_full_one_refuses(const suite_backend *b)
{
    const liminal_status full = b->waits ? LIMINAL_ETIMEDOUT : LIMINAL_EFULL;
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("one more"), *const mine = message;
    liminal_summary summary;
    b->open(b, &talk);
    fill(b, talk);
    suite_forget();
    suite_is(liminal_conversation_try_send(talk, &message), EFULL);
    suite_explained();
    assert_ptr_equal(message, mine);
    suite_forget();
    assert_int_equal(liminal_conversation_send(talk, &message, liminal_deadline_passed()), full);
    suite_explained();
    assert_ptr_equal(message, mine);
    assert_int_equal(liminal_conversation_send(talk, &message, liminal_deadline_in_ms(5)), full);
    assert_ptr_equal(message, mine);
    summary = suite_look(talk);
    assert_int_equal(summary.counts.sent, b->bound); /* what was refused was not recorded */
    assert_int_equal(summary.log_count, b->bound);
    suite_receive(b, talk, "message 0");
    suite_is(liminal_conversation_try_send(talk, &message), OK);
    assert_null(message);
    drain(b, talk, 1);
    suite_receive(b, talk, "one more");
    suite_finish(b, &talk);
}

static void places_are_used_again(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    size_t i, round;
    b->open(b, &talk);
    for (round = 0; round < 20; round++) {
        for (i = 0; i + 1 < b->bound; i++) {
            suite_send(talk, "filler");
        }
        for (i = 0; i < 2 * b->bound; i++) {
            suite_send(talk, "filler");
            suite_receive(b, talk, "filler");
        }
        for (i = 0; i + 1 < b->bound; i++) {
            suite_receive(b, talk, "filler");
        }
    }
    suite_finish(b, &talk);
}

static void a_send_waits_for_room(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    suite_call sender;
    b->open(b, &talk);
    fill(b, talk);
    suite_start(&sender, talk, SUITE_SEND, "patient", liminal_deadline_never());
    suite_await_sleep(&sender);
    suite_receive(b, talk, "message 0");
    suite_join(&sender);
    suite_is(sender.status, OK);
    assert_null(sender.message);
    drain(b, talk, 1);
    suite_receive(b, talk, "patient");
    suite_finish(b, &talk);
}

static void a_close_wakes_who_waits_for_room(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    suite_call sender;
    b->open(b, &talk);
    fill(b, talk);
    suite_start(&sender, talk, SUITE_SEND, "patient", liminal_deadline_never());
    suite_await_sleep(&sender);
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    suite_join(&sender);
    suite_is(sender.status, ECLOSED);
    assert_string_equal(liminal_envelope_text(sender.message), "patient");
    liminal_envelope_drop(&sender.message);
    drain(b, talk, 0);
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

/* ---- handles ---- */

static void handles_share_a_conversation(const suite_backend *b)
{
    liminal_conversation *talk = NULL, *other;
    b->open(b, &talk);
    other = liminal_conversation_ref(talk);
    assert_ptr_equal(other, talk);
    suite_send(talk, "from one");
    suite_receive(b, other, "from one");
    suite_send(other, "left behind");
    liminal_conversation_drop(&other);
    assert_null(other);
    assert_int_equal(suite_look(talk).phase, LIMINAL_PHASE_ACTIVE);
    suite_receive(b, talk, "left behind");
    liminal_conversation_drop(&other); /* NULL is welcome */
    liminal_conversation_drop(NULL);
    assert_null(liminal_conversation_ref(NULL));
    suite_finish(b, &talk);
}

static void the_last_drop_closes(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    size_t i;
    b->open(b, &talk);
    for (i = 0; i < b->bound; i++) {
        suite_send(talk, "nobody will receive this");
    }
    suite_finish(b, &talk);
}

enum { HOLDERS = 4 };

typedef struct holder {
    test_thread thread;
    liminal_conversation *talk;
    test_gate *start;
} holder;

static void let_go(void *argument)
{
    holder *h = argument;
    liminal_envelope *message = suite_envelope("bye");
    test_gate_wait(h->start);
    test_check(liminal_conversation_try_send(h->talk, &message) == LIMINAL_OK);
    liminal_conversation_drop(&h->talk);
    test_check(h->talk == NULL);
    liminal_envelope_drop(&message);
}

static void any_drop_may_be_the_last(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    test_gate start = TEST_GATE_INIT;
    holder holders[HOLDERS];
    int i;
    b->open(b, &talk);
    for (i = 0; i < HOLDERS; i++) {
        holders[i].talk = liminal_conversation_ref(talk);
        holders[i].start = &start;
        test_thread_start(&holders[i].thread, let_go, &holders[i]);
    }
    liminal_conversation_drop(&talk);
    for (i = 0; i < HOLDERS; i++) {
        test_gate_open(&start);
    }
    for (i = 0; i < HOLDERS; i++) {
        test_thread_join(&holders[i].thread);
    }
    b->end(b);
}

static void pid_and_trace(const suite_backend *b)
{
    const liminal_trace_context zero = {.flags = 0};
    liminal_conversation *talk = NULL;
    liminal_trace_context trace;
    liminal_pid pid;
    b->open(b, &talk);
    trace = liminal_conversation_trace(talk);
    pid = liminal_conversation_pid(talk);
    assert_int_equal(liminal_trace_valid(&trace), b->pid);
    assert_int_equal(pid.value != 0, b->pid);
    if (!b->pid) {
        assert_memory_equal(&trace, &zero, sizeof zero);
    }
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    assert_int_equal(liminal_conversation_pid(talk).value, pid.value);
    suite_finish(b, &talk);
    trace = liminal_conversation_trace(NULL);
    assert_memory_equal(&trace, &zero, sizeof zero);
    assert_int_equal(liminal_conversation_pid(NULL).value, 0);
}

/* ---- arguments ---- */

#define REFUSES(call, text)                                 \
    do {                                                    \
        suite_forget();                                     \
        suite_is(call, EINVAL);                             \
        assert_string_equal(liminal_status_detail(), text); \
    } while (0)

static void null_arguments(const suite_backend *b)
{
    const liminal_deadline never = liminal_deadline_never();
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("whole"), *const mine = message, *none = NULL, *reply = message;
    liminal_snapshot *snapshot = NULL;
    b->open(b, &talk);
    REFUSES(liminal_conversation_send(NULL, &message, never), "conversation: NULL");
    REFUSES(liminal_conversation_send(talk, NULL, never), "message: NULL");
    REFUSES(liminal_conversation_send(talk, &none, never), "message: NULL");
    REFUSES(liminal_conversation_try_send(NULL, &message), "conversation: NULL");
    REFUSES(liminal_conversation_try_send(talk, NULL), "message: NULL");
    REFUSES(liminal_conversation_try_send(talk, &none), "message: NULL");
    REFUSES(liminal_conversation_receive(NULL, &reply, never), "conversation: NULL");
    REFUSES(liminal_conversation_receive(talk, NULL, never), "out_reply: NULL");
    REFUSES(liminal_conversation_try_receive(NULL, &reply), "conversation: NULL");
    REFUSES(liminal_conversation_try_receive(talk, NULL), "out_reply: NULL");
    REFUSES(liminal_conversation_ask(NULL, &message, &reply, never), "conversation: NULL");
    REFUSES(liminal_conversation_ask(talk, NULL, &reply, never), "request: NULL");
    REFUSES(liminal_conversation_ask(talk, &none, &reply, never), "request: NULL");
    REFUSES(liminal_conversation_ask(talk, &message, NULL, never), "out_reply: NULL");
    REFUSES(liminal_conversation_close(NULL, never), "conversation: NULL");
    REFUSES(liminal_conversation_query(NULL, &snapshot, never), "conversation: NULL");
    REFUSES(liminal_conversation_query(talk, NULL, never), "out: NULL");
    assert_ptr_equal(message, mine);
    assert_ptr_equal(reply, mine);
    assert_null(snapshot);
    suite_is(liminal_conversation_send(talk, &message, never), OK);
    suite_receive(b, talk, "whole");
    assert_int_equal(suite_look(talk).log_count, 2);
    suite_finish(b, &talk);
}

static void success_leaves_the_detail_alone(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    char before[256];
    b->open(b, &talk);
    suite_forget();
    (void)snprintf(before, sizeof before, "%s", liminal_status_detail());
    suite_send(talk, "fine");
    suite_receive(b, talk, "fine");
    (void)suite_look(talk);
    suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
    assert_string_equal(liminal_status_detail(), before);
    suite_finish(b, &talk);
}

/* ---- no memory ---- */

static void no_memory(const suite_backend *b)
{
    const liminal_deadline never = liminal_deadline_never();
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("again"), *const mine = message, *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_status st = LIMINAL_ENOMEM;
    size_t n;
    b->open(b, &talk);
    for (n = 1; st != LIMINAL_OK; n++) {
        test_fail_nth(n);
        st = liminal_conversation_send(talk, &message, never);
        test_fail_nth(0);
        if (st != LIMINAL_OK) {
            suite_is(st, ENOMEM);
            assert_ptr_equal(message, mine);
        }
    }
    assert_null(message);
    suite_settle(b, talk);
    for (st = LIMINAL_ENOMEM, n = 1; st != LIMINAL_OK; n++) {
        test_fail_nth(n);
        st = liminal_conversation_receive(talk, &reply, never);
        test_fail_nth(0);
        assert_int_equal(reply != NULL, st == LIMINAL_OK);
    }
    suite_answers(b, &reply, "again");
    message = b->asks ? suite_envelope("again") : NULL;
    for (st = LIMINAL_ENOMEM, n = 1; b->asks && st != LIMINAL_OK; n++) {
        test_fail_nth(n);
        st = liminal_conversation_ask(talk, &message, &reply, never);
        test_fail_nth(0);
        assert_true(st == LIMINAL_OK || st == LIMINAL_ENOMEM);
        assert_int_equal(message == NULL, st == LIMINAL_OK);
        assert_int_equal(reply != NULL, st == LIMINAL_OK);
    }
    liminal_envelope_drop(&reply);
    for (st = LIMINAL_ENOMEM, n = 1; st != LIMINAL_OK; n++) {
        test_fail_nth(n);
        st = liminal_conversation_query(talk, &snapshot, never);
        test_fail_nth(0);
        assert_true(st == LIMINAL_OK || st == LIMINAL_ENOMEM);
        assert_int_equal(snapshot != NULL, st == LIMINAL_OK);
    }
    assert_int_equal(liminal_snapshot_read(snapshot).counts.sent, b->asks ? 3 : 1); /* with the one that settled */
    liminal_snapshot_drop(&snapshot);
    for (st = LIMINAL_ENOMEM, n = 1; st != LIMINAL_OK; n++) {
        test_fail_nth(n);
        st = liminal_conversation_close(talk, never);
        test_fail_nth(0);
        assert_true(st == LIMINAL_OK || st == LIMINAL_ENOMEM);
    }
    suite_refused(b, talk, LIMINAL_ECLOSED);
    suite_finish(b, &talk);
}

/* ---- fork ---- */

static int in_the_child(const suite_backend *b, liminal_conversation *talk, liminal_envelope *message)
{
    const liminal_deadline never = liminal_deadline_never();
    liminal_envelope *const mine = message, *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    int wrong = 0;
    (void)alarm(20);
    wrong |= liminal_conversation_send(talk, &message, never) != LIMINAL_EFORKED ? 1 : 0;
    wrong |= liminal_conversation_try_send(talk, &message) != LIMINAL_EFORKED ? 2 : 0;
    wrong |= liminal_conversation_receive(talk, &reply, never) != LIMINAL_EFORKED ? 4 : 0;
    wrong |= b->asks && liminal_conversation_ask(talk, &message, &reply, never) != LIMINAL_EFORKED ? 8 : 0;
    wrong |= liminal_conversation_close(talk, never) != LIMINAL_EFORKED ? 16 : 0;
    wrong |= liminal_conversation_query(talk, &snapshot, never) != LIMINAL_EFORKED ? 32 : 0;
    wrong |= message != mine || reply != NULL || snapshot != NULL ? 64 : 0;
    liminal_conversation_drop(&talk);
    return wrong;
}

static void a_child_is_refused(const suite_backend *b)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *message = suite_envelope("in the child");
    suite_call receiver;
    pid_t child;
    int status = -1;
    b->open(b, &talk);
    suite_send(talk, "before");
    suite_receive(b, talk, "before");
    suite_start(&receiver, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
    suite_await_sleep(&receiver);
    child = fork();
    if (child == 0) {
        _exit(in_the_child(b, talk, message));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    suite_is(liminal_conversation_send(talk, &message, liminal_deadline_never()), OK);
    suite_join(&receiver);
    suite_is(receiver.status, OK);
    suite_answers(b, &receiver.reply, "in the child");
    suite_finish(b, &talk);
}

const suite_case suite_full[] = {
    {"a full one refuses", a_full_one_refuses, NULL},
    {"places are used again", places_are_used_again, NULL},
    {"a send waits for room", a_send_waits_for_room, waits},
    {"a close wakes who waits for room", a_close_wakes_who_waits_for_room, waits},
    {"handles share a conversation", handles_share_a_conversation, NULL},
    {"the last drop closes", the_last_drop_closes, NULL},
    {"any drop may be the last", any_drop_may_be_the_last, NULL},
    {"pid and trace", pid_and_trace, NULL},
    {"NULL arguments", null_arguments, NULL},
    {"success leaves the detail alone", success_leaves_the_detail_alone, NULL},
    {"no memory", no_memory, NULL},
    {"a child is refused", a_child_is_refused, NULL},
    {NULL, NULL, NULL},
};

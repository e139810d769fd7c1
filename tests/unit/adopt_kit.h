/* SPDX-License-Identifier: MIT */
/* adopt_kit.h -- what the tests of attached threads and OS processes share. */
#ifndef TEST_ADOPT_KIT_H
#define TEST_ADOPT_KIT_H

#include "support/harness.h"

#include <liminal.h>

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static const liminal_exit_reason normal = {LIMINAL_EXIT_NORMAL, 0};
static const liminal_exit_reason killed = {LIMINAL_EXIT_KILLED, 0};
static const liminal_exit_reason error_9 = {LIMINAL_EXIT_ERROR, 9};
static const liminal_exit_reason unknown = {LIMINAL_EXIT_UNKNOWN, 0};

static inline liminal_supervisor *open_limited(size_t threads)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .max_threads = threads};
    liminal_supervisor *supervisor = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    return supervisor;
}

static inline liminal_supervisor *open_plain(void)
{
    return open_limited(0);
}

static inline void shut(liminal_supervisor **supervisor)
{
    assert_int_equal(liminal_supervisor_shutdown(supervisor, NULL, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_null(*supervisor);
    assert_int_equal(test_blocks(), 0);
}

/* ---- who is told ---- */

typedef struct witness {
    liminal_supervisor *supervisor;
    liminal_exit exit;
    atomic_int count;
    pthread_t by;
    test_gate told;
    void (*act)(struct witness *w); /* inside the notice */
    void *context;
} witness;

static inline void be_told(void *self, const liminal_exit *exit)
{
    witness *w = self;
    w->exit = *exit;
    w->by = pthread_self();
    atomic_fetch_add(&w->count, 1);
    if (w->act != NULL) {
        w->act(w);
    }
    test_gate_open(&w->told);
}

static inline witness witness_of(liminal_supervisor *supervisor)
{
    witness w = {.supervisor = supervisor, .told = TEST_GATE_INIT};
    return w;
}

static inline void notify(witness *w, liminal_pid pid)
{
    assert_int_equal(liminal_process_notify(w->supervisor, pid, be_told, w, NULL), LIMINAL_OK);
}

static inline void assert_exit(const liminal_exit *exit, liminal_pid pid, liminal_exit_reason reason)
{
    assert_int_equal(exit->pid.value, pid.value);
    assert_int_equal(exit->reason.kind, reason.kind);
    assert_int_equal(exit->reason.code, reason.code);
    assert_true(exit->seen.unix_ns > 0);
    assert_true(exit->seen_ns.ns > 0 && exit->seen_ns.ns <= test_now_ns());
}

static inline void assert_told(witness *w, liminal_pid pid, liminal_exit_reason reason)
{
    test_gate_wait(&w->told);
    assert_int_equal(atomic_load(&w->count), 1);
    assert_exit(&w->exit, pid, reason);
}

static inline void assert_ends(liminal_supervisor *supervisor, liminal_pid pid, liminal_exit_reason reason)
{
    liminal_exit exit = {.pid = {0}};
    assert_int_equal(liminal_process_wait(supervisor, pid, &exit, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_exit(&exit, pid, reason);
    assert_false(liminal_process_alive(supervisor, pid));
}

/* ---- threads that attach ---- */

typedef enum guest_way { BY_DETACH, BY_RETURN, BY_EXIT, BY_CANCEL } guest_way;

/* A thread that attaches, does what `act` says, and leaves when it is told to. */
typedef struct guest {
    liminal_supervisor *supervisor;
    guest_way way;
    void (*act)(struct guest *g);
    void *context;
    liminal_pid pid;
    liminal_status detached;
    test_gate in, go;
    long number; /* the kernel's */
    test_thread thread;
} guest;

static inline void guest_main(void *argument)
{
    guest *g = argument;
    g->number = syscall(SYS_gettid);
    (void)test_check(liminal_thread_attach(g->supervisor, &g->pid) == LIMINAL_OK);
    test_gate_open(&g->in);
    if (g->act != NULL) {
        g->act(g);
    }
    test_gate_wait(&g->go);
    switch (g->way) {
    case BY_DETACH:
        g->detached = liminal_thread_detach(g->supervisor);
        break;
    case BY_EXIT:
        pthread_exit(NULL);
    case BY_CANCEL:
        (void)pthread_cancel(pthread_self());
        pthread_testcancel();
        (void)test_check(g == NULL); /* not reached */
        break;
    case BY_RETURN:
    default:
        break;
    }
}

/* It is attached when this returns, and its `act` may be running. */
static inline void guest_start(guest *g, liminal_supervisor *supervisor, guest_way way, void (*act)(guest *g),
                               void *context)
{
    *g = (guest){.supervisor = supervisor, .way = way, .act = act, .context = context, .in = TEST_GATE_INIT,
                 .go = TEST_GATE_INIT};
    test_thread_start(&g->thread, guest_main, g);
    test_gate_wait(&g->in);
}

static inline void guest_leave(guest *g)
{
    test_gate_open(&g->go);
    test_thread_join(&g->thread);
}

/* ---- conversations ---- */

static inline liminal_status watch_in_talk(liminal_supervisor *supervisor, liminal_pid pid, liminal_conversation **out)
{
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "watched", .pid = pid};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    return liminal_supervisor_spawn(supervisor, &config, out);
}

/* The conversation hears of it at once. */
static inline void assert_talk_ends(liminal_conversation **talk, const char *why)
{
    liminal_envelope *none = NULL;
    assert_int_equal(liminal_conversation_receive(*talk, &none, liminal_deadline_in_ms(20000)), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), why);
    assert_null(none);
    liminal_conversation_drop(talk);
}

#endif

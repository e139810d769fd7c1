/* SPDX-License-Identifier: MIT */
/* link_ear_kit.h -- exit notices that note what they hear, and do something about it. */
#ifndef TEST_LINK_EAR_KIT_H
#define TEST_LINK_EAR_KIT_H

#include "link_kit.h"

/* What one notice was told, and what it does. */
typedef struct ear {
    liminal_supervisor *supervisor;
    liminal_exit heard;
    atomic_int count;
    bool slow;            /* opens `inside` and waits for `go` */
    test_gate inside, go;
    void (*act)(struct ear *self, const liminal_exit *exit);
    being *target, *other;
    liminal_pid victim;
    struct ear *next;
    liminal_notice *notice;
    liminal_conversation **handle;
    pthread_t thread;
} ear;

static inline void hear(void *self, const liminal_exit *exit)
{
    ear *e = self;
    e->heard = *exit;
    e->thread = pthread_self();
    (void)test_check(!liminal_process_alive(e->supervisor, exit->pid));
    if (e->slow) {
        test_gate_open(&e->inside);
        test_gate_wait(&e->go);
    }
    if (e->act != NULL) {
        e->act(e, exit);
    }
    atomic_fetch_add(&e->count, 1);
}

static inline void ear_init(ear *e, liminal_supervisor *supervisor)
{
    memset(e, 0, sizeof *e);
    e->supervisor = supervisor;
    test_gate_init(&e->inside);
    test_gate_init(&e->go);
}

static inline void listen_to(ear *e, liminal_pid pid)
{
    (void)test_check(liminal_process_notify(e->supervisor, pid, hear, e, &e->notice) == LIMINAL_OK);
}

static inline void assert_heard(const ear *e, const being *b)
{
    assert_int_equal(e->count, 1);
    assert_int_equal(e->heard.pid.value, b->end.pid.value);
    assert_true(same_reason(e->heard.reason, b->end.reason));
    assert_int_equal(e->heard.seen_ns.ns, b->end.seen_ns.ns);
    assert_int_equal(e->heard.seen.unix_ns, b->end.seen.unix_ns);
}

static inline void kill_there(void *argument)
{
    being *b = argument;
    (void)test_check(liminal_process_kill(b->supervisor, b->pid) == LIMINAL_OK);
}

/* Dead at once, and its conversation knows; who is linked to it hears when this notice has returned. */
static inline void kill_the_target(ear *e, const liminal_exit *exit)
{
    liminal_envelope *message = say("are you there");
    (void)exit;
    (void)test_check(liminal_process_kill(e->supervisor, e->target->pid) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(e->supervisor, e->target->pid));
    (void)test_check(liminal_conversation_try_send(e->target->conversation, &message) == LIMINAL_EEXIT);
    liminal_envelope_drop(&message);
    (void)test_check(liminal_process_kill(e->supervisor, e->target->pid) == LIMINAL_OK);
    if (e->other != NULL) {
        (void)test_check(liminal_process_signal(e->supervisor, nobody, e->other->pid, bang) == LIMINAL_OK);
    }
}

#endif

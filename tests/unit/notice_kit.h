/* SPDX-License-Identifier: MIT */
/* notice_kit.h -- what the tests of exit notices share. */
#ifndef TEST_NOTICE_KIT_H
#define TEST_NOTICE_KIT_H

#include "plain_kit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* ---- what every case needs ---- */

/* A participant that ends when it is told to: "wait" stands at a gate before; "wait for" waits for
 * `target` there; all else comes back. */
typedef struct part {
    liminal_supervisor *supervisor;
    liminal_pid pid, target;
    liminal_exit_reason reason;
    liminal_status waited;
    test_gate entered, go;
    atomic_int releases;
    pthread_t thread;
} part;

static const liminal_exit_reason code_3 = {LIMINAL_EXIT_CODE, 3};
static const liminal_exit_reason normal = {LIMINAL_EXIT_NORMAL, 0};

static inline liminal_status part_answer(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    part *p = self;
    const char *text = liminal_envelope_text(request);
    p->thread = pthread_self();
    if (strcmp(text, "exit") == 0) {
        return liminal_process_exit(p->reason);
    } else if (strcmp(text, "wait") == 0) {
        test_gate_open(&p->entered);
        test_gate_wait(&p->go);
        return liminal_process_exit(p->reason);
    } else if (strcmp(text, "wait for") == 0) {
        liminal_exit end = {.pid = {77}};
        p->waited = liminal_process_wait(p->supervisor, p->target, &end, liminal_deadline_never());
        (void)test_check((p->waited == LIMINAL_OK) == (end.pid.value == p->target.value));
    }
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static inline void part_release(void *self)
{
    atomic_fetch_add(&((part *)self)->releases, 1);
}

static const liminal_behaviour parting = {LIMINAL_OPS(liminal_behaviour), .answer = part_answer,
                                          .release = part_release};

static inline liminal_status ask(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *request = say(text), *reply = NULL;
    liminal_status status = liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never());
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return status;
}

static inline liminal_status tell(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *message = say(text);
    liminal_status status = liminal_conversation_send(conversation, &message, liminal_deadline_never());
    liminal_envelope_drop(&message);
    return status;
}

/* What the conversation itself has recorded of its participant. */
static inline liminal_participant_status recorded(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_OK);
    status.name = NULL; /* it goes with the snapshot */
    liminal_snapshot_drop(&snapshot);
    return status;
}

static inline liminal_conversation *spawn(part *p, liminal_supervisor *supervisor, liminal_participant_kind kind)
{
    const liminal_participant participant = {.kind = kind, .name = "target", .behaviour = &parting, .self = p};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *out = NULL;
    memset(p, 0, sizeof *p);
    test_gate_init(&p->entered);
    test_gate_init(&p->go);
    p->supervisor = supervisor;
    p->reason = code_3;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &out), LIMINAL_OK);
    p->pid = recorded(out).pid;
    return out;
}

static const liminal_participant_kind both[] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};

/* What a notice was told. */
typedef struct seen {
    liminal_supervisor *supervisor;
    liminal_exit end;
    atomic_int count;
    pthread_t thread;
    test_gate told;   /* opens each time */
    test_gate inside; /* `slow` ones: opens when it is running ... */
    test_gate go;     /* ... and it stays until this does */
    atomic_bool returned;
    liminal_notice *notice;
    liminal_status status;
    liminal_pid other;
    struct seen *next;
} seen;

static inline seen seen_by(liminal_supervisor *supervisor)
{
    seen s = {.supervisor = supervisor};
    test_gate_init(&s.told);
    test_gate_init(&s.inside);
    test_gate_init(&s.go);
    return s;
}

static inline void note(void *self, const liminal_exit *end)
{
    seen *s = self;
    s->end = *end;
    s->thread = pthread_self();
    (void)test_check(!liminal_process_alive(s->supervisor, end->pid));
    atomic_fetch_add(&s->count, 1);
    test_gate_open(&s->told);
}

static inline void note_slowly(void *self, const liminal_exit *end)
{
    seen *s = self;
    test_gate_open(&s->inside);
    test_gate_wait(&s->go);
    s->returned = true;
    note(self, end);
}

static inline void assert_same_exit(const liminal_exit *a, const liminal_exit *b)
{
    assert_int_equal(a->pid.value, b->pid.value);
    assert_int_equal(a->reason.kind, b->reason.kind);
    assert_int_equal(a->reason.code, b->reason.code);
    assert_int_equal(a->seen.unix_ns, b->seen.unix_ns);
    assert_int_equal(a->seen_ns.ns, b->seen_ns.ns);
}

static inline void assert_exit(const liminal_exit *end, liminal_pid pid, liminal_exit_reason reason)
{
    assert_int_equal(end->pid.value, pid.value);
    assert_int_equal(end->reason.kind, reason.kind);
    assert_int_equal(end->reason.code, reason.code);
}

/* Registering and dying meet, again and again: told exactly once, however it falls. */
typedef struct meeting {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    test_gate ready, go;
} meeting;

static inline void ask_to_exit(void *argument)
{
    meeting *m = argument;
    test_gate_open(&m->ready);
    test_gate_wait(&m->go);
    (void)test_check(ask(m->conversation, "exit") == LIMINAL_EEXIT);
}

#endif

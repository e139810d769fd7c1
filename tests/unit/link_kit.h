/* SPDX-License-Identifier: MIT */
/* link_kit.h -- what the tests of links, exit signals and kills share: beings that die when they are told to. */
#ifndef TEST_LINK_KIT_H
#define TEST_LINK_KIT_H

#include "plain_kit.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- reasons ---- */

static const liminal_exit_reason boom = {LIMINAL_EXIT_CODE, 7};
static const liminal_exit_reason bang = {LIMINAL_EXIT_ERROR, 1234};
static const liminal_exit_reason normal = {LIMINAL_EXIT_NORMAL, 0};
static const liminal_exit_reason killed = {LIMINAL_EXIT_KILLED, 0};
static const liminal_exit_reason noproc = {LIMINAL_EXIT_NOPROC, 0};

static const liminal_pid nobody = {0};

static inline bool same_reason(liminal_exit_reason a, liminal_exit_reason b)
{
    return a.kind == b.kind && a.code == b.code;
}

/* ---- beings ---- */

/* A participant, alone in its conversation. */
typedef struct being {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_pid pid;
    liminal_exit_reason reason; /* for "exit" and its like */
    test_gate entered, go;      /* "wait ..." stands between the two */
    atomic_int answers, releases;

    atomic_int messages; /* a trapper's */
    liminal_exit last;   /* of them */
    test_gate told;      /* opens with each */
    bool slow;           /* exited() opens `entered` and waits for `go` */
    const char *spoken;  /* what the last request before it said; borrowed, so compare with literals only */
    void (*on_exit)(struct being *self, const liminal_exit *exit); /* more to do in exited(); NULL: nothing */
    void (*on_do)(struct being *self);                             /* what "do" does */
    void *context;

    liminal_exit end; /* its own exit, as a notice says */
    atomic_int deaths;
    test_gate over; /* opens with it */
} being;

static inline liminal_status being_answers(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    being *b = self;
    const char *text = liminal_envelope_text(request);
    atomic_fetch_add(&b->answers, 1);
    if (strncmp(text, "wait", 4) == 0) {
        test_gate_open(&b->entered);
        test_gate_wait(&b->go);
    } else if (strcmp(text, "do") == 0) {
        b->on_do(b);
    } else if (strcmp(text, "last words") == 0) {
        b->spoken = "last words";
    }
    if (strcmp(text, "exit") == 0 || strcmp(text, "wait, exit") == 0) {
        return liminal_process_exit(b->reason);
    }
    if (strcmp(text, "silence") != 0) {
        *out = liminal_envelope_ref(request);
    }
    return strstr(text, "answer, exit") != NULL ? liminal_process_exit(b->reason) : LIMINAL_OK;
}

static inline liminal_status being_is_told(void *self, const liminal_exit *exit)
{
    being *b = self;
    b->last = *exit;
    if (b->slow) {
        test_gate_open(&b->entered);
        test_gate_wait(&b->go);
    }
    if (b->on_exit != NULL) {
        b->on_exit(b, exit);
    }
    atomic_fetch_add(&b->messages, 1);
    test_gate_open(&b->told);
    return LIMINAL_OK;
}

static inline void being_is_released(void *self)
{
    atomic_fetch_add(&((being *)self)->releases, 1);
}

static const liminal_behaviour plain = {LIMINAL_OPS(liminal_behaviour), .answer = being_answers,
                                        .release = being_is_released};
static const liminal_behaviour trapper = {LIMINAL_OPS(liminal_behaviour), .answer = being_answers,
                                          .release = being_is_released, .exited = being_is_told};

static const liminal_participant_kind both[] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};

static inline void being_has_died(void *self, const liminal_exit *exit)
{
    being *b = self;
    b->end = *exit;
    (void)test_check(b->releases == 0); /* that comes after the exit was made known */
    atomic_fetch_add(&b->deaths, 1);
    test_gate_open(&b->over);
}

static inline void being_init(being *b, liminal_supervisor *supervisor)
{
    memset(b, 0, sizeof *b);
    b->supervisor = supervisor;
    b->reason = boom;
    test_gate_init(&b->entered);
    test_gate_init(&b->go);
    test_gate_init(&b->told);
    test_gate_init(&b->over);
}

static inline liminal_pid participant_pid(liminal_conversation *conversation, size_t index)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status = {.pid = {0}};
    (void)test_check(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(liminal_snapshot_participant(snapshot, index, &status) == LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    return status.pid;
}

/* A being in a conversation of `policy`; on any thread. */
static inline void be_with(being *b, liminal_supervisor *supervisor, liminal_participant_kind kind,
                           const liminal_behaviour *behaviour, liminal_crash_policy policy)
{
    const liminal_participant participant = {.kind = kind, .name = "being", .behaviour = behaviour, .self = b};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = policy};
    being_init(b, supervisor);
    (void)test_check(liminal_supervisor_spawn(supervisor, &config, &b->conversation) == LIMINAL_OK);
    b->pid = participant_pid(b->conversation, 0);
    (void)test_check(liminal_process_notify(supervisor, b->pid, being_has_died, b, NULL) == LIMINAL_OK);
}

static inline void be(being *b, liminal_supervisor *supervisor, liminal_participant_kind kind,
                      const liminal_behaviour *behaviour)
{
    be_with(b, supervisor, kind, behaviour, LIMINAL_CRASH_FAIL);
}

static inline void leave(being *b)
{
    liminal_conversation_drop(&b->conversation);
}

/* And nobody will touch it any more. */
static inline void leave_for_good(being *b)
{
    leave(b);
    test_until(b->releases == 1 && b->deaths == 1);
}

/* ---- talking to them; on any thread ---- */

static inline liminal_status ask_until(liminal_conversation *conversation, const char *text, liminal_deadline deadline)
{
    liminal_envelope *request = say(text), *reply = NULL;
    liminal_status status = liminal_conversation_ask(conversation, &request, &reply, deadline);
    (void)test_check((status == LIMINAL_OK) == (reply != NULL));
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return status;
}

/* Without a deadline: who is not told at once hangs. */
static inline liminal_status ask(liminal_conversation *conversation, const char *text)
{
    return ask_until(conversation, text, liminal_deadline_never());
}

static inline liminal_status tell(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *message = say(text);
    liminal_status status = liminal_conversation_send(conversation, &message, liminal_deadline_never());
    (void)test_check((status == LIMINAL_OK) == (message == NULL));
    liminal_envelope_drop(&message);
    return status;
}

static inline liminal_status link_to(const being *a, const being *b)
{
    return liminal_process_link(a->supervisor, a->pid, b->pid);
}

static inline liminal_status unlink_from(const being *a, const being *b)
{
    return liminal_process_unlink(a->supervisor, a->pid, b->pid);
}

static inline bool are_linked(const being *a, const being *b)
{
    bool linked = liminal_process_linked(a->supervisor, a->pid, b->pid);
    (void)test_check(linked == liminal_process_linked(a->supervisor, b->pid, a->pid));
    return linked;
}

static inline size_t links_of(const being *b)
{
    size_t count = 12345;
    (void)test_check(liminal_process_links(b->supervisor, b->pid, NULL, 0, &count) == LIMINAL_OK);
    return count;
}

/* It exits of its own; this returns when all who are linked to it have been told. */
static inline void exits(being *b, liminal_exit_reason reason)
{
    b->reason = reason;
    assert_int_equal(ask(b->conversation, "exit"), LIMINAL_EEXIT);
    test_gate_wait(&b->over);
    test_gate_open(&b->over); /* for who looks again */
    assert_true(same_reason(b->end.reason, reason));
}

/* What it does when it is asked to "do". */
static inline void have_it(being *b, void (*what)(being *b), void *context)
{
    b->on_do = what;
    b->context = context;
}

/* ---- what became of them ---- */

static inline void assert_lives(being *b)
{
    assert_true(liminal_process_alive(b->supervisor, b->pid));
    assert_int_equal(ask(b->conversation, "how are you"), LIMINAL_OK);
    assert_int_equal(b->deaths, 0);
}

/* It has died, or is about to: once, of `reason`, and its conversation knows. */
static inline void assert_dies(being *b, liminal_exit_reason reason)
{
    liminal_exit end = {.pid = {0}};
    test_gate_wait(&b->over);
    test_gate_open(&b->over);
    assert_int_equal(b->deaths, 1);
    assert_int_equal(b->end.pid.value, b->pid.value);
    assert_string_equal(liminal_exit_describe(b->end.reason).text, liminal_exit_describe(reason).text);
    assert_true(same_reason(b->end.reason, reason));
    assert_false(liminal_process_alive(b->supervisor, b->pid));
    assert_int_equal(liminal_process_wait(b->supervisor, b->pid, &end, liminal_deadline_passed()), LIMINAL_OK);
    assert_true(same_reason(end.reason, reason));
    assert_int_equal(end.seen_ns.ns, b->end.seen_ns.ns);
    assert_int_equal(ask(b->conversation, "are you there"), LIMINAL_EEXIT);
}

/* A trapper was told of one exit more than `before`, and of no more than that; it lives. */
static inline void assert_told_after(being *b, int before, liminal_pid who, liminal_exit_reason reason)
{
    test_gate_wait(&b->told);
    assert_lives(b); /* which it says behind all that it was told before */
    assert_int_equal(b->messages, before + 1);
    assert_int_equal(b->last.pid.value, who.value);
    assert_string_equal(liminal_exit_describe(b->last.reason).text, liminal_exit_describe(reason).text);
    assert_true(same_reason(b->last.reason, reason));
    assert_true(b->last.seen.unix_ns > 0 && b->last.seen_ns.ns > 0);
}

static inline void assert_told(being *b, liminal_pid who, liminal_exit_reason reason)
{
    assert_told_after(b, 0, who, reason);
}

/* ---- many in one conversation, inline: one thread for all of them ---- */

static inline liminal_status crowd_answers(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self;
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static inline liminal_status crowd_is_told(void *self, const liminal_exit *exit)
{
    (void)self, (void)exit;
    return LIMINAL_OK;
}

/* Plain ones are liminal_behaviour_echo(). */
static const liminal_behaviour crowd_trapper = {LIMINAL_OPS(liminal_behaviour), .answer = crowd_answers,
                                                .exited = crowd_is_told};

static inline liminal_conversation *spawn_crowd(liminal_supervisor *supervisor, const liminal_behaviour *behaviour,
                                                size_t count, liminal_pid *out)
{
    liminal_participant *people = calloc(count, sizeof *people);
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = count,
                                   .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
    liminal_conversation *crowd = NULL;
    liminal_snapshot *snapshot = NULL;
    for (size_t i = 0; i < count; i++) {
        people[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = behaviour};
    }
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &crowd), LIMINAL_OK);
    free(people);
    assert_int_equal(liminal_conversation_query(crowd, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    for (size_t i = 0; i < count; i++) {
        liminal_participant_status status;
        assert_int_equal(liminal_snapshot_participant(snapshot, i, &status), LIMINAL_OK);
        out[i] = status.pid;
    }
    liminal_snapshot_drop(&snapshot);
    return crowd;
}

#endif

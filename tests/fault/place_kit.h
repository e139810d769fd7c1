/* SPDX-License-Identifier: MIT */
/* place_kit.h -- every place in which the library calls the embedder: it is brought about, and something is done there,
 * once. Whatever calls back may do so on the thread that caused it, so that is one of its own. */
#ifndef TEST_PLACE_KIT_H
#define TEST_PLACE_KIT_H

#include "race/race.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

typedef enum place_kind {
    START_THREAD,
    START_INLINE,
    ANSWER_THREAD,
    ANSWER_INLINE, /* on the asker's thread */
    ANSWER_PINNED, /* inline, on the conversation's own thread */
    EXITED_THREAD,
    EXITED_INLINE,
    RELEASE_THREAD,
    RELEASE_INLINE,
    NOTICE_PART,  /* of a participant */
    NOTICE_ACTOR, /* of a conversation */
    NOTICE_OS,    /* of an OS process, on the watcher's thread */
    NOTICE_END,   /* of an attached thread, among its destructors */
    UNDO,
    COMPENSATE,
    COLLECT,     /* the span of a conversation */
    COLLECT_OWN, /* a span of the host's */
    ANSWERS,     /* a program's pairing function */
    ON_STDERR,
    RELEASE_PROGRAM,
    BACKEND, /* a slot of a table of the host's */
    PLACES
} place_kind;

static const char *const place_names[PLACES] = {
    "start", "start, inline", "answer", "answer, inline", "answer, pinned", "exited", "exited, inline", "release",
    "release, inline", "notice", "notice of an actor", "notice of an OS process", "notice at an end", "undo",
    "compensate", "collect", "collect, of the host", "answers", "on_stderr", "release of a program", "slot"};

/* `own` is the conversation whose callback it is, `other` one beside it, which echoes on a thread. */
typedef struct place {
    place_kind kind;
    void (*act)(struct place *p); /* what is done there */
    void *context;
    atomic_int visits; /* only the first one acts */
    test_gate there, done;

    liminal_supervisor *supervisor;
    liminal_conversation *own, *other, *table;
    liminal_pid own_actor, own_part, other_actor, other_part;
    liminal_notice *notice; /* that of the NOTICE kinds, but at an end */
    pid_t child;            /* of NOTICE_OS */
    bool no_trigger;        /* START: the spawn has run */
    test_thread trigger;
} place;

static size_t place_idle_threads; /* of its supervisor's options */

static inline void place_visit(place *p)
{
    if (atomic_fetch_add(&p->visits, 1) == 0) {
        test_gate_open(&p->there);
        p->act(p);
        test_gate_open(&p->done);
    }
}

/* ---- what calls back ---- */

static inline bool place_is(const place *p, place_kind first, place_kind last)
{
    return p->kind >= first && p->kind <= last;
}

static inline liminal_status place_start(void *self)
{
    place *p = self;
    if (place_is(p, START_THREAD, START_INLINE)) {
        place_visit(p);
    }
    return LIMINAL_OK;
}

static inline liminal_status place_answer(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    place *p = self;
    if (place_is(p, ANSWER_THREAD, ANSWER_PINNED)) {
        place_visit(p);
    }
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static inline liminal_status place_exited(void *self, const liminal_exit *exit)
{
    place *p = self;
    (void)exit;
    if (place_is(p, EXITED_THREAD, EXITED_INLINE)) {
        place_visit(p);
    }
    return LIMINAL_OK;
}

static inline void place_release(void *self)
{
    place *p = self;
    if (place_is(p, RELEASE_THREAD, RELEASE_INLINE) || p->kind == RELEASE_PROGRAM) {
        place_visit(p);
    }
}

static inline void place_note(void *self, const liminal_exit *exit)
{
    (void)exit;
    place_visit(self);
}

static inline liminal_status place_undo(void *self, const liminal_envelope *step)
{
    (void)step;
    place_visit(self);
    return LIMINAL_OK;
}

static inline liminal_status place_compensate(void *self, const liminal_snapshot *snapshot)
{
    (void)snapshot;
    place_visit(self);
    return LIMINAL_OK;
}

static inline void place_collect(void *context, const liminal_finished_span *span)
{
    place *p = context;
    if (p->kind == COLLECT && strcmp(span->name, "own") == 0) {
        place_visit(p);
    } else if (p->kind == COLLECT_OWN && strcmp(span->name, "host") == 0) {
        place_visit(p);
    }
}

static inline bool place_pairs(void *self, const liminal_envelope *request, const liminal_envelope *frame)
{
    place *p = self;
    (void)request, (void)frame;
    if (p->kind == ANSWERS) {
        place_visit(p);
    }
    return true;
}

static inline void place_hear(void *self, const void *bytes, size_t size)
{
    place *p = self;
    (void)bytes, (void)size;
    if (p->kind == ON_STDERR) {
        place_visit(p);
    }
}

static inline liminal_status place_slot_send(void *self, liminal_envelope **message, liminal_deadline deadline)
{
    (void)deadline;
    place_visit(self);
    liminal_envelope_drop(message);
    return LIMINAL_OK;
}

static inline liminal_status place_slot_give(void *self, liminal_envelope **out, liminal_deadline deadline)
{
    (void)self, (void)out, (void)deadline;
    return LIMINAL_ECLOSED;
}

static inline liminal_status place_slot_close(void *self, liminal_deadline deadline)
{
    (void)self, (void)deadline;
    return LIMINAL_OK;
}

static inline liminal_status place_slot_query(void *self, liminal_snapshot **out, liminal_deadline deadline)
{
    (void)self, (void)out, (void)deadline;
    return LIMINAL_ENOMEM;
}

static inline void place_slot_release(void *self)
{
    (void)self;
}

/* ---- how they are brought about ---- */

static inline liminal_status place_spawn(place *p)
{
    static const char *const argv[] = {"sh", "-c", "read x; echo x >&2; echo y; exec cat", NULL};
    const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = place_answer, .start = place_start,
                                         .release = place_release, .exited = place_exited};
    const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = argv, .answers = place_pairs,
                                     .pairing = LIMINAL_PAIRING_BY_FUNCTION, .errors = LIMINAL_STDERR_CALLBACK,
                                     .on_stderr = place_hear, .release = place_release};
    const bool is_inline = p->kind == START_INLINE || p->kind == ANSWER_INLINE || p->kind == ANSWER_PINNED ||
                           p->kind == EXITED_INLINE || p->kind == RELEASE_INLINE;
    const bool is_program = place_is(p, ANSWERS, RELEASE_PROGRAM);
    const bool undoes = place_is(p, UNDO, COMPENSATE);
    const liminal_participant part = {.behaviour = &behaviour, .program = &program, .self = p, .name = "part",
                                      .kind = is_program  ? LIMINAL_PARTICIPANT_PROGRAM
                                              : is_inline ? LIMINAL_PARTICIPANT_INLINE
                                                          : LIMINAL_PARTICIPANT_THREAD};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &part, .participant_count = 1,
                                   .on_crash = undoes ? LIMINAL_CRASH_COMPENSATE : LIMINAL_CRASH_FAIL, .name = "own",
                                   .dispatch = p->kind == ANSWER_PINNED ? LIMINAL_DISPATCH_PINNED
                                                                        : LIMINAL_DISPATCH_ASSISTED,
                                   .compensate = p->kind == COMPENSATE ? place_compensate : NULL,
                                   .compensate_self = p, .stack_bytes = (size_t)256 * 1024};
    return liminal_supervisor_spawn(p->supervisor, &config, &p->own);
}

static inline void place_give(place *p, bool ask)
{
    liminal_envelope *message = race_say("go"), *reply = NULL;
    liminal_status st = ask ? liminal_conversation_ask(p->own, &message, &reply, liminal_deadline_in_ms(20000))
                            : liminal_conversation_send(p->own, &message, liminal_deadline_in_ms(20000));
    (void)st; /* that depends on what is done there */
    liminal_envelope_drop(&message);
    liminal_envelope_drop(&reply);
}

static inline void place_finish_span(place *p)
{
    const liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = p, .collect = place_collect};
    const liminal_span_options options = {LIMINAL_OPS(liminal_span_options), .collector = &collector,
                                          .allocator = test_allocator()};
    liminal_span *span = NULL;
    (void)test_check(liminal_span_start("host", &options, &span) == LIMINAL_OK);
    (void)test_check(liminal_span_finish(span, LIMINAL_OK, NULL) == LIMINAL_OK);
    liminal_span_drop(&span);
}

static inline void place_attach(place *p)
{
    liminal_pid me = {0};
    (void)test_check(liminal_thread_attach(p->supervisor, &me) == LIMINAL_OK);
    (void)test_check(liminal_process_notify(p->supervisor, me, place_note, p, NULL) == LIMINAL_OK);
}

static inline void place_trigger(void *argument)
{
    place *p = argument;
    liminal_envelope *message = NULL;
    switch (p->kind) {
    case START_THREAD: case START_INLINE:
        (void)!place_spawn(p);
        break;
    case ANSWER_PINNED:
        place_give(p, false);
        break;
    case ANSWER_THREAD: case ANSWER_INLINE: case ANSWERS: case ON_STDERR:
        place_give(p, true);
        break;
    case EXITED_THREAD: case EXITED_INLINE:
        (void)!liminal_process_signal(p->supervisor, (liminal_pid){0}, p->own_part,
                                      (liminal_exit_reason){LIMINAL_EXIT_ERROR, 7});
        break;
    case RELEASE_THREAD: case RELEASE_INLINE: case RELEASE_PROGRAM: case NOTICE_ACTOR: case COLLECT:
        (void)!liminal_conversation_close(p->own, liminal_deadline_in_ms(20000));
        break;
    case NOTICE_PART: case UNDO: case COMPENSATE:
        (void)!liminal_process_kill(p->supervisor, p->own_part);
        break;
    case NOTICE_OS:
        (void)kill(p->child, SIGKILL);
        break;
    case NOTICE_END:
        place_attach(p);
        break;
    case COLLECT_OWN:
        place_finish_span(p);
        break;
    case BACKEND: default:
        message = race_say("go");
        (void)!liminal_conversation_send(p->table, &message, liminal_deadline_never());
        liminal_envelope_drop(&message);
        break;
    }
}

static inline void place_prepare(place *p)
{
    static const liminal_backend backend = {LIMINAL_OPS(liminal_backend), .name = "table", .send = place_slot_send,
                                            .receive = place_slot_give, .close = place_slot_close,
                                            .query = place_slot_query, .release = place_slot_release};
    liminal_pid watched = {0};
    liminal_envelope *step = NULL;
    if (p->kind == UNDO) {
        step = race_say("step");
        assert_int_equal(liminal_conversation_undo_with(p->own, &step, place_undo, p), LIMINAL_OK);
    } else if (place_is(p, NOTICE_PART, NOTICE_OS)) {
        watched = p->kind == NOTICE_PART ? p->own_part : p->own_actor;
        if (p->kind == NOTICE_OS) {
            p->child = fork();
            if (p->child == 0) {
                (void)alarm(60);
                for (;;) {
                    (void)pause();
                }
            }
            assert_int_equal(liminal_os_process_watch(p->supervisor, p->child, &watched), LIMINAL_OK);
        }
        assert_int_equal(liminal_process_notify(p->supervisor, watched, place_note, p, &p->notice), LIMINAL_OK);
    } else if (p->kind == BACKEND) {
        assert_int_equal(liminal_conversation_open(&backend, p, test_allocator(), &p->table), LIMINAL_OK);
    }
}

static inline void place_begin(place *p, place_kind kind, void (*act)(place *p), void *context)
{
    const liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = p, .collect = place_collect};
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .collector = &collector, .idle_threads = place_idle_threads};
    const liminal_participant echo = {.behaviour = liminal_behaviour_echo()};
    const liminal_config beside = {LIMINAL_OPS(liminal_config), .participants = &echo, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL, .name = "other"};
    memset(p, 0, sizeof *p);
    p->kind = kind;
    p->act = act;
    p->context = context;
    test_gate_init(&p->there);
    test_gate_init(&p->done);
    assert_int_equal(liminal_supervisor_open(&options, &p->supervisor), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_spawn(p->supervisor, &beside, &p->other), LIMINAL_OK);
    p->other_actor = liminal_conversation_pid(p->other);
    p->other_part = race_pid(p->other, 0);
    if (!place_is(p, START_THREAD, START_INLINE)) {
        assert_int_equal(place_spawn(p), LIMINAL_OK);
        p->own_actor = liminal_conversation_pid(p->own);
        p->own_part = race_pid(p->own, 0);
        place_prepare(p);
    }
    test_thread_start(&p->trigger, place_trigger, p);
    test_gate_wait(&p->there);
}

/* What was done there has been done. */
static inline void place_end(place *p)
{
    int status;
    test_gate_wait(&p->done);
    test_thread_join(&p->trigger);
    if (p->child > 0) {
        while (waitpid(p->child, &status, 0) < 0 && errno == EINTR) {
        }
    }
    assert_int_equal(liminal_notice_cancel(&p->notice, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    liminal_conversation_drop(&p->table);
    liminal_conversation_drop(&p->own);
    liminal_conversation_drop(&p->other);
    assert_int_equal(race_shutdown(&p->supervisor).running, 0);
}

#endif

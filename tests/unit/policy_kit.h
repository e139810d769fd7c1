/* SPDX-License-Identifier: MIT */
/* policy_kit.h -- what the tests of policies and restarts share: workers that say who they are, and
 * conversations with several of them. Define _GNU_SOURCE before it. */
#ifndef TEST_POLICY_KIT_H
#define TEST_POLICY_KIT_H

#include "call_kit.h"

#include <stdatomic.h>

/* ---- what the tests are parametrised over: the dispatch, and the kinds of the first two -------- */

typedef struct pair {
    liminal_dispatch dispatch;
    liminal_participant_kind kinds[2];
} pair;

#define TT {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_THREAD}
#define TI {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE}
#define IT {LIMINAL_PARTICIPANT_INLINE, LIMINAL_PARTICIPANT_THREAD}
#define II {LIMINAL_PARTICIPANT_INLINE, LIMINAL_PARTICIPANT_INLINE}

static pair pairs[] = {{LIMINAL_DISPATCH_ASSISTED, TT}, {LIMINAL_DISPATCH_PINNED, TT},
                       {LIMINAL_DISPATCH_ASSISTED, TI}, {LIMINAL_DISPATCH_PINNED, TI},
                       {LIMINAL_DISPATCH_ASSISTED, IT}, {LIMINAL_DISPATCH_PINNED, IT},
                       {LIMINAL_DISPATCH_ASSISTED, II}, {LIMINAL_DISPATCH_PINNED, II}};

#define PAIR(fn, text, i) {#fn " (" text ")", fn, test_setup, test_teardown, &pairs[i]}
#define FIRST_THREADED(fn)                                                                                     \
    PAIR(fn, "assisted, threads", 0), PAIR(fn, "pinned, threads", 1), PAIR(fn, "assisted, thread + inline", 2), \
        PAIR(fn, "pinned, thread + inline", 3)
#define FIRST_INLINE(fn)                                                                                      \
    PAIR(fn, "assisted, inline + thread", 4), PAIR(fn, "pinned, inline + thread", 5),                         \
        PAIR(fn, "assisted, inlines", 6), PAIR(fn, "pinned, inlines", 7)
#define EIGHT(fn) FIRST_THREADED(fn), FIRST_INLINE(fn)

/* Not every file is parametrised over both. */
static inline void either_will_do(void)
{
    (void)variants, (void)pairs;
}

/* ---- workers --------------------------------------------------------------------------------- */

/* It answers with its name, a colon and the text. What begins with "hold" waits at a gate if the worker `holds`;
 * "die" ends it if it is `mortal`, "die saying" with a last answer; "vanish" ends its thread. */
typedef struct worker {
    char name;
    bool holds, mortal;
    test_gate begun, go;
    char heard[512]; /* all that it was asked, with a blank behind each; for one call at a time */
    atomic_int answers, releases;
    long task; /* which thread it was last called on */
    liminal_pid pid;
    void (*also)(struct worker *self, const char *text); /* what else a test has it do */
    void *context;
} worker;

static inline worker new_worker(char name)
{
    return (worker){.name = name, .begun = TEST_GATE_INIT, .go = TEST_GATE_INIT};
}

static inline void write_down(worker *self, const char *text)
{
    size_t at = strlen(self->heard);
    (void)snprintf(self->heard + at, sizeof self->heard - at, "%s ", text);
}

static inline liminal_status labour(void *argument, const liminal_envelope *request, liminal_envelope **out_reply)
{
    worker *self = argument;
    const char *text = liminal_envelope_text(request);
    char reply[64];
    write_down(self, text);
    self->task = syscall(SYS_gettid);
    atomic_fetch_add(&self->answers, 1);
    if (self->also != NULL) {
        self->also(self, text);
    }
    if (self->holds && strncmp(text, "hold", 4) == 0) {
        test_gate_open(&self->begun);
        test_gate_wait(&self->go);
    }
    if (self->mortal && strcmp(text, "vanish") == 0) {
        pthread_exit(NULL);
    }
    if (self->mortal && strcmp(text, "die") == 0) {
        return LIMINAL_EFAILED;
    }
    (void)snprintf(reply, sizeof reply, "%c:%s", self->name, text);
    *out_reply = note(reply);
    return self->mortal && strcmp(text, "die saying") == 0 ? LIMINAL_EFAILED : LIMINAL_OK;
}

static inline void lay_off(void *argument)
{
    atomic_fetch_add(&((worker *)argument)->releases, 1);
}

static const liminal_behaviour labouring = {LIMINAL_OPS(liminal_behaviour), .answer = labour, .release = lay_off};

static inline liminal_participant labouring_as(liminal_participant_kind kind, worker *self)
{
    static const char *const names[] = {"worker a", "worker b", "worker c", "worker d"};
    const char *name = self->name >= 'a' && self->name <= 'd' ? names[self->name - 'a'] : "worker";
    return (liminal_participant){.kind = kind, .behaviour = &labouring, .self = self, .name = name};
}

/* ---- conversations --------------------------------------------------------------------------- */

static inline liminal_pid pid_of(liminal_conversation *talk, size_t index)
{
    liminal_snapshot *snapshot = picture(talk);
    liminal_participant_status status;
    assert_int_equal(liminal_snapshot_participant(snapshot, index, &status), LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    return status.pid;
}

static inline liminal_config config_with(const pair *p, liminal_crash_policy policy)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = policy, .dispatch = p->dispatch};
}

/* A conversation with workers of these kinds; they get their names, a, b ... here, and learn their pids. */
static inline liminal_conversation *spawn_pair(const pair *p, liminal_config config, worker workers[2])
{
    liminal_participant people[2];
    liminal_conversation *talk;
    for (int i = 0; i < 2; i++) {
        workers[i] = new_worker((char)('a' + i));
        people[i] = labouring_as(p->kinds[i], &workers[i]);
    }
    config.participants = people;
    config.participant_count = 2;
    talk = spawn(&config);
    for (size_t i = 0; i < 2; i++) {
        workers[i].pid = pid_of(talk, i);
    }
    return talk;
}

static inline liminal_conversation *spawn_worker(const variant *v, liminal_config config, worker *self)
{
    liminal_conversation *talk;
    *self = new_worker('a');
    config.dispatch = v->dispatch;
    talk = spawn_with(config, labouring_as(v->kind, self));
    self->pid = pid_of(talk, 0);
    return talk;
}

static inline void kill_it(liminal_pid pid)
{
    assert_int_equal(liminal_process_kill(house, pid), LIMINAL_OK);
}

/* ---- the log ---------------------------------------------------------------------------------- */

static inline void write_entry(const liminal_log_entry *it, char *text, size_t room)
{
    const char *said = it->envelope != NULL ? liminal_envelope_text(it->envelope) : "-";
    switch (it->kind) {
    case LIMINAL_LOG_EXITED:
        (void)snprintf(text, room, "exited %s", liminal_exit_describe(it->reason).text);
        break;
    case LIMINAL_LOG_COMPENSATED:
        (void)snprintf(text, room, "undone %s %s", said, liminal_status_name(it->status) + strlen("LIMINAL_"));
        break;
    case LIMINAL_LOG_FAILED:
        (void)snprintf(text, room, "failed %s", liminal_status_name(it->status) + strlen("LIMINAL_"));
        break;
    case LIMINAL_LOG_RESTARTED:
        (void)snprintf(text, room, "restarted");
        break;
    case LIMINAL_LOG_SENT:
    case LIMINAL_LOG_RECEIVED:
    default:
        (void)snprintf(text, room, "%s %s", liminal_log_kind_text(it->kind), said);
        break;
    }
}

/* The log, as "sent x, exited killed, undone y OK, failed EEXIT". What is received is left out with `quietly`: when
 * that happens is the receiver's affair. */
static inline void snapshot_log_is(const liminal_snapshot *snapshot, bool quietly, const char *expected)
{
    char text[1024] = "";
    for (size_t i = 0; i < liminal_snapshot_read(snapshot).log_count; i++) {
        liminal_log_entry it;
        size_t at = strlen(text);
        (void)test_check(liminal_snapshot_entry(snapshot, i, &it) == LIMINAL_OK);
        if (!quietly || it.kind != LIMINAL_LOG_RECEIVED) {
            at += (size_t)snprintf(text + at, sizeof text - at, "%s", at > 0 ? ", " : "");
            write_entry(&it, text + at, sizeof text - at);
        }
    }
    if (!test_check(strcmp(text, expected) == 0)) {
        print_error("the log is:  %s\nand not:     %s\n", text, expected);
    }
}

static inline void log_is(liminal_conversation *talk, const char *expected)
{
    liminal_snapshot *snapshot = picture(talk);
    snapshot_log_is(snapshot, true, expected);
    liminal_snapshot_drop(&snapshot);
}

static inline size_t log_count(liminal_conversation *talk, liminal_log_kind kind)
{
    liminal_snapshot *snapshot = picture(talk);
    size_t count = 0;
    for (size_t i = 0; i < liminal_snapshot_read(snapshot).log_count; i++) {
        liminal_log_entry it;
        assert_int_equal(liminal_snapshot_entry(snapshot, i, &it), LIMINAL_OK);
        count += it.kind == kind;
    }
    liminal_snapshot_drop(&snapshot);
    return count;
}

#endif

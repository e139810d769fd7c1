/* SPDX-License-Identifier: MIT */
/* exit_kit.h -- what the tests of exits share. */
#ifndef TEST_EXIT_KIT_H
#define TEST_EXIT_KIT_H

#include "plain_kit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

/* ---- what every case needs ---- */

/* A participant that does what the request says; see do_as_told(). */
typedef struct part {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation; /* its own, borrowed */
    liminal_pid pid;                    /* its own, once known */
    liminal_exit_reason reason;         /* for "exit" and its like */
    test_gate entered, go;
    atomic_int answers, releases, seen; /* `seen`: exit notices that have been called */
    pthread_t asker;
    bool on_asker;
    bool ordered; /* release() came after the exit had been made known */
} part;

static const liminal_exit_reason killed = {LIMINAL_EXIT_KILLED, 0};
static const liminal_exit_reason normal = {LIMINAL_EXIT_NORMAL, 0};

static inline liminal_status exit_twice(const part *p)
{
    (void)test_check(liminal_process_exit(p->reason) == LIMINAL_EEXIT);
    (void)test_check(liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_SIGNAL, 9}) == LIMINAL_EEXIT);
    return LIMINAL_OK; /* the first reason counts, whatever is returned */
}

static inline liminal_status exit_of_no_kind(void)
{
    (void)test_check(liminal_process_exit((liminal_exit_reason){(liminal_exit_kind)7, 0}) == LIMINAL_EINVAL);
    (void)test_check(strstr(liminal_status_detail(), "kind") != NULL);
    (void)test_check(liminal_process_exit((liminal_exit_reason){(liminal_exit_kind)-1, 0}) == LIMINAL_EINVAL);
    return LIMINAL_OK;
}

static inline liminal_status do_as_told(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    part *p = self;
    const char *text = liminal_envelope_text(request);
    atomic_fetch_add(&p->answers, 1);
    p->on_asker = pthread_equal(pthread_self(), p->asker) != 0;
    if (strcmp(text, "fail") == 0) {
        return LIMINAL_EFAILED;
    } else if (strcmp(text, "own number") == 0) {
        return (liminal_status)1234;
    } else if (strcmp(text, "exit") == 0) {
        return liminal_process_exit(p->reason);
    } else if (strcmp(text, "exit, ok") == 0) {
        return exit_twice(p);
    } else if (strcmp(text, "exit, fail") == 0) {
        (void)exit_twice(p);
        return LIMINAL_EFAILED;
    } else if (strcmp(text, "vanish") == 0) {
        pthread_exit(NULL);
    } else if (strcmp(text, "exit, vanish") == 0) {
        (void)exit_twice(p);
        pthread_exit(NULL);
    } else if (strcmp(text, "no kind") == 0) {
        (void)exit_of_no_kind();
    } else if (strncmp(text, "wait", 4) == 0) {
        test_gate_open(&p->entered);
        test_gate_wait(&p->go);
        if (strcmp(text, "wait, exit") == 0) {
            return liminal_process_exit(p->reason);
        } else if (strcmp(text, "wait, vanish") == 0) {
            pthread_exit(NULL);
        }
    }
    *out = liminal_envelope_ref(request);
    if (strcmp(text, "reply, fail") == 0) {
        return LIMINAL_EFAILED;
    } else if (strcmp(text, "reply, exit") == 0) {
        return liminal_process_exit(p->reason);
    } else if (strcmp(text, "reply, vanish") == 0) {
        pthread_exit(NULL);
    }
    return LIMINAL_OK;
}

/* Only after the exit has been made known: it is dead for all who look, and the notices were called. */
static inline void let_go(void *self)
{
    part *p = self;
    if (p->pid.value != 0) {
        p->ordered = !liminal_process_alive(p->supervisor, p->pid) && p->seen == 1;
    }
    atomic_fetch_add(&p->releases, 1);
}

static const liminal_behaviour obedient = {LIMINAL_OPS(liminal_behaviour), .answer = do_as_told, .release = let_go};

static inline void part_init(part *p, liminal_supervisor *supervisor)
{
    memset(p, 0, sizeof *p);
    test_gate_init(&p->entered);
    test_gate_init(&p->go);
    p->supervisor = supervisor;
    p->asker = pthread_self();
}

static inline liminal_participant participant_of(part *p, liminal_participant_kind kind)
{
    return (liminal_participant){.kind = kind, .name = "obedient one", .behaviour = &obedient, .self = p};
}

static inline liminal_config config_of(const liminal_participant *participants, size_t count)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = count,
                            .on_crash = LIMINAL_CRASH_FAIL};
}

static inline liminal_conversation *spawn(liminal_supervisor *supervisor, const liminal_config *config)
{
    liminal_conversation *out = NULL;
    assert_int_equal(liminal_supervisor_spawn(supervisor, config, &out), LIMINAL_OK);
    return out;
}

static inline liminal_conversation *spawn_one(part *p, liminal_participant_kind kind)
{
    liminal_participant participant = participant_of(p, kind);
    liminal_config config = config_of(&participant, 1);
    return p->conversation = spawn(p->supervisor, &config);
}

static inline liminal_conversation *watch(liminal_supervisor *supervisor, liminal_pid pid, const char *name)
{
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED, .name = name, .pid = pid};
    liminal_config config = config_of(&participant, 1);
    return spawn(supervisor, &config);
}

/* With a deadline that never comes, like all waits here: whoever is not told at once hangs. */
static inline liminal_status ask(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *request = say(text), *reply = NULL;
    liminal_status status = liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never());
    (void)test_check((status == LIMINAL_OK) == (reply != NULL));
    (void)test_check(status != LIMINAL_OK || strcmp(liminal_envelope_text(reply), text) == 0);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return status;
}

static inline liminal_status send(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *message = say(text);
    liminal_status status = liminal_conversation_send(conversation, &message, liminal_deadline_never());
    (void)test_check((status == LIMINAL_OK) == (message == NULL));
    liminal_envelope_drop(&message);
    return status;
}

static inline liminal_status receive(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *reply = NULL;
    liminal_status status = liminal_conversation_receive(conversation, &reply, liminal_deadline_never());
    (void)test_check((status == LIMINAL_OK) == (reply != NULL));
    (void)test_check(status != LIMINAL_OK || strcmp(liminal_envelope_text(reply), text) == 0);
    liminal_envelope_drop(&reply);
    return status;
}

static inline liminal_snapshot *look(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    return snapshot;
}

static inline liminal_phase phase_of(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = look(conversation);
    liminal_phase phase = liminal_snapshot_read(snapshot).phase;
    liminal_snapshot_drop(&snapshot);
    return phase;
}

static inline liminal_participant_status participant_in(const liminal_snapshot *snapshot, size_t index)
{
    liminal_participant_status status;
    assert_int_equal(liminal_snapshot_participant(snapshot, index, &status), LIMINAL_OK);
    return status;
}

static inline liminal_pid participant_pid(liminal_conversation *conversation, size_t index)
{
    liminal_snapshot *snapshot = look(conversation);
    liminal_pid pid = participant_in(snapshot, index).pid;
    liminal_snapshot_drop(&snapshot);
    return pid;
}

static inline size_t count_log(const liminal_snapshot *snapshot, liminal_log_kind kind, liminal_log_entry *last)
{
    size_t count = 0;
    for (size_t i = 0; i < liminal_snapshot_read(snapshot).log_count; i++) {
        liminal_log_entry entry;
        assert_int_equal(liminal_snapshot_entry(snapshot, i, &entry), LIMINAL_OK);
        if (entry.kind == kind) {
            *last = entry;
            count++;
        }
    }
    return count;
}

static inline void assert_detail_names(const char *who, liminal_exit_reason reason)
{
    assert_non_null(strstr(liminal_status_detail(), who));
    assert_non_null(strstr(liminal_status_detail(), liminal_exit_describe(reason).text));
}

/* The conversation has failed because participant `index`, named `who`, exited with `reason`; all it is
 * asked says so, now and for ever. */
static inline void assert_failed(liminal_conversation *conversation, size_t index, const char *who,
                                 liminal_exit_reason reason)
{
    liminal_snapshot *snapshot = look(conversation);
    liminal_summary summary = liminal_snapshot_read(snapshot);
    liminal_participant_status status = participant_in(snapshot, index);
    liminal_log_entry entry = {0};
    liminal_envelope *message = say("late"), *reply = NULL;
    assert_int_equal(summary.phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(summary.cause, LIMINAL_EEXIT);
    assert_non_null(strstr(summary.cause_text, who));
    assert_non_null(strstr(summary.cause_text, liminal_exit_describe(reason).text));
    assert_false(status.alive);
    assert_string_equal(status.name, who);
    assert_int_equal(status.reason.kind, reason.kind);
    assert_int_equal(status.reason.code, reason.code);
    assert_true(status.seen.unix_ns > 0 && status.seen.unix_ns <= liminal_time_now().unix_ns);
    assert_int_equal(count_log(snapshot, LIMINAL_LOG_EXITED, &entry), 1);
    assert_int_equal(entry.pid.value, status.pid.value);
    assert_int_equal(entry.reason.kind, reason.kind);
    assert_int_equal(entry.reason.code, reason.code);
    assert_int_equal(entry.policy, LIMINAL_CRASH_FAIL);
    assert_null(entry.envelope);
    assert_int_equal(count_log(snapshot, LIMINAL_LOG_FAILED, &entry), 1);
    assert_int_equal(entry.status, LIMINAL_EEXIT);
    liminal_snapshot_drop(&snapshot);

    assert_int_equal(liminal_conversation_send(conversation, &message, liminal_deadline_never()), LIMINAL_EEXIT);
    assert_detail_names(who, reason);
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_EEXIT);
    assert_detail_names(who, reason);
    assert_int_equal(liminal_conversation_ask(conversation, &message, &reply, liminal_deadline_never()), LIMINAL_EEXIT);
    assert_detail_names(who, reason);
    assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_EEXIT);
    assert_detail_names(who, reason);
    assert_int_equal(liminal_conversation_try_receive(conversation, &reply), LIMINAL_EEXIT);
    assert_detail_names(who, reason);
    assert_non_null(message);
    assert_null(reply);
    liminal_envelope_drop(&message);
    assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(phase_of(conversation), LIMINAL_PHASE_FAILED);
    assert_int_equal(liminal_conversation_try_receive(conversation, &reply), LIMINAL_EEXIT);
}

static const liminal_participant_kind both[] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};

/* Spawn one, ask it `text`, and see it fail with `reason`. */
static inline void ends(liminal_participant_kind kind, const char *text, liminal_exit_reason given,
                 liminal_exit_reason expected)
{
    part p;
    liminal_conversation *c;
    part_init(&p, open_plain());
    p.reason = given;
    c = spawn_one(&p, kind);
    assert_int_equal(ask(c, "hello"), LIMINAL_OK);
    assert_int_equal(ask(c, text), LIMINAL_EEXIT);
    assert_detail_names("obedient one", expected);
    assert_failed(c, 0, "obedient one", expected);
    assert_int_equal(p.answers, 2);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
}

typedef struct call {
    liminal_conversation *conversation;
    const char *text;
    liminal_status status;
    bool kept, back;
    test_gate begun;
} call;

static inline call call_of(liminal_conversation *conversation, const char *text)
{
    call c = {.conversation = conversation, .text = text};
    test_gate_init(&c.begun);
    return c;
}

static inline void receive_there(void *argument)
{
    call *c = argument;
    test_gate_open(&c->begun);
    c->status = receive(c->conversation, c->text);
    c->back = true;
}

static inline void ask_there(void *argument)
{
    call *c = argument;
    liminal_envelope *request = say(c->text), *reply = NULL;
    test_gate_open(&c->begun);
    c->status = liminal_conversation_ask(c->conversation, &request, &reply, liminal_deadline_never());
    c->kept = request != NULL;
    (void)test_check((c->status == LIMINAL_OK) == (reply != NULL));
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    c->back = true;
}

#endif

/* SPDX-License-Identifier: MIT */
/* supervisor_kit.h -- what the tests of supervisors share. */
#ifndef TEST_SUPERVISOR_KIT_H
#define TEST_SUPERVISOR_KIT_H

#include "support/internal.h"

#include <liminal.h>

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define MIB ((size_t)1024 * 1024)

/* So much of a stack of 1 MiB a behaviour uses here. TSan keeps much of its own there, too. */
#define MUCH ((UNDER_TSAN ? 100 : 900) * 1024)

/* ---- what every case needs ---- */

/* A participant that does what the request says: "wait" stands at a gate first, "silent" gives nothing,
 * "fail" ends, anything else comes back. `act`, if there is one, is called instead. */
typedef struct part {
    liminal_status (*act)(struct part *part, const liminal_envelope *request, liminal_envelope **out);
    liminal_status (*begin)(struct part *part);
    void (*end)(struct part *part);
    void *context;
    test_gate entered, go;
    atomic_int starts, answers, releases;
} part;

static inline liminal_status part_answer(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    part *p = self;
    const char *text = liminal_envelope_text(request);
    atomic_fetch_add(&p->answers, 1);
    if (p->act != NULL) {
        return p->act(p, request, out);
    }
    if (strcmp(text, "wait") == 0) {
        test_gate_open(&p->entered);
        test_gate_wait(&p->go);
    } else if (strcmp(text, "silent") == 0) {
        return LIMINAL_OK;
    } else if (strcmp(text, "fail") == 0) {
        return LIMINAL_EFAILED;
    }
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static inline liminal_status part_start(void *self)
{
    part *p = self;
    atomic_fetch_add(&p->starts, 1);
    return p->begin != NULL ? p->begin(p) : LIMINAL_OK;
}

static inline void part_release(void *self)
{
    part *p = self;
    if (p->end != NULL) {
        p->end(p);
    }
    atomic_fetch_add(&p->releases, 1);
}

static const liminal_behaviour parting = {LIMINAL_OPS(liminal_behaviour), .answer = part_answer, .start = part_start,
                                          .release = part_release};

static inline void part_init(part *p)
{
    memset(p, 0, sizeof *p);
    test_gate_init(&p->entered);
    test_gate_init(&p->go);
}

static inline liminal_participant threaded(part *p)
{
    return (liminal_participant){
        .kind = LIMINAL_PARTICIPANT_THREAD, .name = "worker", .behaviour = &parting, .self = p};
}

static inline liminal_participant inlined(part *p)
{
    return (liminal_participant){
        .kind = LIMINAL_PARTICIPANT_INLINE, .name = "worker", .behaviour = &parting, .self = p};
}

static inline liminal_config config_of(const liminal_participant *participants, size_t count)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = count,
                            .on_crash = LIMINAL_CRASH_FAIL};
}

static inline liminal_envelope *say(const char *text)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create(text, strlen(text), &options, &envelope) == LIMINAL_OK);
    return envelope;
}

static inline liminal_supervisor *open_limited(size_t conversations, size_t threads)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .max_conversations = conversations, .max_threads = threads};
    liminal_supervisor *supervisor = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    assert_non_null(supervisor);
    return supervisor;
}

static inline liminal_supervisor *open_plain(void)
{
    return open_limited(0, 0);
}

static inline void shut(liminal_supervisor **supervisor)
{
    liminal_report report;
    assert_int_equal(liminal_supervisor_shutdown(supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_null(*supervisor);
    assert_int_equal(report.running, 0);
    assert_int_equal(report.handles, 0);
    assert_int_equal(report.threads, test_threads_asked());
    assert_int_equal(test_blocks(), 0);
}

static inline liminal_conversation *spawn_one(liminal_supervisor *supervisor, liminal_participant participant,
                                       const char *name)
{
    liminal_config config = config_of(&participant, 1);
    liminal_conversation *out = NULL;
    config.name = name;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &out), LIMINAL_OK);
    assert_non_null(out);
    return out;
}

static inline liminal_conversation *spawn_buffer(liminal_supervisor *supervisor, const char *name)
{
    liminal_config config = config_of(NULL, 0);
    liminal_conversation *out = NULL;
    config.name = name;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &out), LIMINAL_OK);
    return out;
}

static inline liminal_status ask_text(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *request = say(text), *reply = NULL;
    liminal_status status = liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never());
    (void)test_check((status == LIMINAL_OK) == (reply != NULL));
    if (status == LIMINAL_OK) {
        (void)test_check(strcmp(liminal_envelope_text(reply), text) == 0);
    }
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return status;
}

static inline liminal_status send_text(liminal_conversation *conversation, const char *text)
{
    liminal_envelope *message = say(text);
    liminal_status status = liminal_conversation_send(conversation, &message, liminal_deadline_never());
    (void)test_check((status == LIMINAL_OK) == (message == NULL));
    liminal_envelope_drop(&message);
    return status;
}

static inline liminal_phase phase_of(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_phase phase;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    phase = liminal_snapshot_read(snapshot).phase;
    liminal_snapshot_drop(&snapshot);
    return phase;
}

static inline void assert_census(const liminal_supervisor *supervisor, size_t conversations, size_t threads,
                          size_t participants)
{
    liminal_census census = liminal_supervisor_census(supervisor);
    assert_int_equal(census.conversations, conversations);
    assert_int_equal(census.threads, threads);
    assert_int_equal(census.participants, participants);
}

static inline liminal_pid participant_pid(liminal_conversation *conversation, size_t index)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_participant(snapshot, index, &status), LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    return status.pid;
}

static inline liminal_status begin_badly(part *p)
{
    return *(liminal_status *)p->context;
}

static inline liminal_status begin_with_pthread_exit(part *p)
{
    (void)p;
    pthread_exit(NULL);
}

static const liminal_behaviour no_answer = {LIMINAL_OPS(liminal_behaviour), .start = part_start};
static const liminal_behaviour no_size = {.answer = part_answer};
static const liminal_behaviour too_large = {.size = sizeof(liminal_behaviour) + 8, .answer = part_answer};
static const liminal_trace_context invalid_parent;

#endif

/* SPDX-License-Identifier: MIT */
/* stage.h -- what the scenarios over the whole library share: a supervisor, conversations, envelopes, and the quiet
 * beginning and end around the moment that matters. */
#ifndef TEST_STAGE_H
#define TEST_STAGE_H

#include "prove.h"

#include <liminal.h>

#include <string.h>

/* Begin quietly: nothing is chosen until stage_go(), and then everyone who was started waits already. */
static inline liminal_supervisor *stage_open_with(size_t idle_threads)
{
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = sched_allocator(),
                                          .idle_threads = idle_threads};
    liminal_supervisor *supervisor = NULL;
    sched_quiet(true);
    sched_check(liminal_supervisor_open(&options, &supervisor) == LIMINAL_OK);
    return supervisor;
}

/* Its threads end with what they are for: those that are used again have scenarios of their own. */
static inline liminal_supervisor *stage_open(void)
{
    return stage_open_with(LIMINAL_NO_IDLE_THREADS);
}

static inline void stage_go(void)
{
    sched_settle();
    sched_quiet(false);
}

/* And end quietly. */
static inline liminal_report stage_close(liminal_supervisor **supervisor)
{
    liminal_report report;
    sched_quiet(true);
    sched_check(liminal_supervisor_shutdown(supervisor, &report, liminal_deadline_never()) == LIMINAL_OK);
    sched_check(report.running == 0);
    return report;
}

static inline liminal_envelope *stage_say(const char *text)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = sched_allocator()};
    liminal_envelope *envelope = NULL;
    sched_check(liminal_envelope_create(text, strlen(text), &options, &envelope) == LIMINAL_OK);
    return envelope;
}

static inline bool stage_says(const liminal_envelope *envelope, const char *text)
{
    return liminal_envelope_size(envelope) == strlen(text) &&
           memcmp(liminal_envelope_data(envelope), text, strlen(text)) == 0;
}

static inline liminal_conversation *stage_spawn(liminal_supervisor *supervisor, liminal_participant_kind kind,
                                                const liminal_behaviour *behaviour, void *self)
{
    liminal_participant participant = {.kind = kind, .behaviour = behaviour, .self = self};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *conversation = NULL;
    sched_check(liminal_supervisor_spawn(supervisor, &config, &conversation) == LIMINAL_OK);
    return conversation;
}

/* Everything that was accepted before has been handled. */
static inline liminal_summary stage_look(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_summary summary;
    sched_check(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    summary = liminal_snapshot_read(snapshot);
    liminal_snapshot_drop(&snapshot);
    summary.name = summary.cause_text = NULL;
    return summary;
}

static inline liminal_pid stage_pid(liminal_conversation *conversation, size_t index)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    sched_check(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    sched_check(liminal_snapshot_participant(snapshot, index, &status) == LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    return status.pid;
}

static inline liminal_deadline never(void)
{
    return liminal_deadline_never();
}

/* ---- closers, for a thread ---- */

static inline void close_for_good(void *argument)
{
    liminal_conversation *conversation = argument;
    sched_check(liminal_conversation_close(conversation, never()) == LIMINAL_OK);
    sched_check(stage_look(conversation).phase == LIMINAL_PHASE_CLOSED);
}

static inline void close_at_once(void *argument)
{
    liminal_conversation *conversation = argument;
    sched_check(liminal_conversation_close(conversation, liminal_deadline_passed()) == LIMINAL_OK);
    sched_check(stage_look(conversation).phase == LIMINAL_PHASE_CLOSED);
}

#endif

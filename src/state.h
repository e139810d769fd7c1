/* SPDX-License-Identifier: MIT */
/* state.h -- how a conversation's state and its snapshots lie in memory. Pure. */
#ifndef LIMI_STATE_H
#define LIMI_STATE_H

#include <liminal/record.h>

#include "cause.h"
#include "envelope.h"
#include "log.h"

/* It lies in a block of its own (record.h), or in that of a conversation, which has the allocator and the names. */
struct liminal_state {
    liminal_phase phase;
    liminal_mode mode;
    liminal_crash_policy policy;
    uint32_t participant_count;
    const char *name; /* borrowed, as are those of the participants */
    liminal_time created;
    liminal_deadline deadline;
    liminal_counts counts;
    limi_cause cause; /* the first */
    limi_log log; /* its allocator is that of the snapshots, too */
    liminal_participant_status statuses[]; /* then their numbers, sorted by pid, but for a few */
};

/* What the rules of the pthread actor need beside record.h. */

/* Of one that lies in other memory: there liminal_state_fail() and liminal_state_drop(), which are for those that
 * liminal_state_create() made, must not be called. */
size_t limi_state_size(size_t participant_count);

/* In zeroed memory of that size, from a config that was taken in. The name, and each participant's pid and name, are
 * there already. */
void limi_state_init(liminal_state *state, const liminal_config *config, liminal_time now, liminal_deadline deadline,
                     const liminal_allocator *allocator);

/* Let go of what it holds. */
void limi_state_clear(liminal_state *state);

/* As liminal_state_fail(), in a phase that is not final: what the cause borrows lives as long as the state. */
void limi_state_fail(liminal_state *state, const limi_cause *cause, liminal_time now);

/* What several threads write down comes with the times as each of them last saw them, which may be a tick ago (see
 * limi_clock_recent()). So an entry is put neither before the one that precedes it nor before its envelope was made,
 * unless the clock was set back by more than a tick takes. */
#define LIMI_TICK_MOST_NS 20000000

static inline liminal_time limi_not_before(liminal_time floor, liminal_time now)
{
    return (uint64_t)floor.unix_ns - (uint64_t)now.unix_ns < LIMI_TICK_MOST_NS ? floor : now;
}

static inline void limi_state_note_message(liminal_state *state, liminal_log_kind kind,
                                           const liminal_envelope *envelope, liminal_time now)
{
    now = limi_not_before(envelope->facts.created, now);
    limi_log_note_message(&state->log, kind, envelope, limi_not_before(state->log.latest, now));
}

/* Record a message whatever happens: it matters more than its place in the log, which is counted as dropped
 * if there is no memory for it. The phase is active or completing. */
static inline void limi_state_note_sent(liminal_state *state, const liminal_envelope *envelope, liminal_time now)
{
    limi_state_note_message(state, LIMINAL_LOG_SENT, envelope, now);
    state->counts.sent++;
}

static inline void limi_state_note_received(liminal_state *state, const liminal_envelope *envelope, liminal_time now)
{
    limi_state_note_message(state, LIMINAL_LOG_RECEIVED, envelope, now);
    state->counts.received++;
}

/* An undo was made: `what` may be NULL, for the config's own compensation. */
void limi_state_note_compensated(liminal_state *state, const liminal_envelope *what, liminal_status status,
                                 liminal_time now);

/* The actor has a new pid. */
void limi_state_note_restarted(liminal_state *state, liminal_pid pid, liminal_time now);

/* A process that is no participant has exited, and was linked to the actor or sent it a signal. */
void limi_state_note_exit(liminal_state *state, const liminal_exit *exit);

/* A participant has ended because the conversation had: it is dead, and that is no entry in the log. */
void limi_state_stopped(liminal_state *state, liminal_pid pid, liminal_exit_reason reason, liminal_time seen);

struct liminal_snapshot {
    liminal_allocator allocator;
    size_t block;
    liminal_summary summary;
    limi_log_view view;
    limi_words cause_text;
    liminal_participant_status statuses[]; /* then the names */
};

#endif

/* SPDX-License-Identifier: MIT */
/* state.h -- how a conversation's state and its snapshots lie in memory. Pure. */
#ifndef LIMI_STATE_H
#define LIMI_STATE_H

#include <liminal/record.h>

#include "detail.h"
#include "log.h"
#include "refcount.h"

/* The names of a conversation and its participants: they never change, so snapshots share them. */
typedef struct limi_roster {
    limi_refcount owners;
    liminal_allocator allocator;
    size_t block; /* bytes allocated */
    char texts[]; /* each with its zero byte; the conversation's first */
} limi_roster;

void limi_roster_drop(limi_roster *roster);

struct liminal_state {
    liminal_allocator allocator;
    size_t block;
    limi_roster *roster;
    liminal_summary summary; /* but for its log_ fields, which the log knows */
    liminal_crash_policy policy;
    limi_log log;
    uint16_t *by_pid; /* behind statuses: their numbers, sorted by pid; NULL for a few */
    char cause_text[LIMI_DETAIL_BYTES];
    liminal_participant_status statuses[];
};

/* What the rules of the pthread actor need beside record.h. */

/* The first cause of a failed conversation and its text, borrowed. */
liminal_status limi_state_cause(const liminal_state *state, const char **text);

/* Record a message whatever happens: it matters more than its place in the log, which is counted as dropped
 * if there is no memory for it. The phase is active or completing. */
void limi_state_note_sent(liminal_state *state, const liminal_envelope *envelope, liminal_time now);

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
    limi_roster *roster;
    liminal_summary summary;
    limi_log_view view;
    char cause_text[LIMI_DETAIL_BYTES];
    liminal_participant_status statuses[];
};

#endif

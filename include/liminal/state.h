/* SPDX-License-Identifier: MIT */
/* liminal/state.h -- phases, the context log, and the snapshot that a query gives.
 * record.h has the writing half, for those who write a backend. */
#ifndef LIMINAL_STATE_H
#define LIMINAL_STATE_H

#include <liminal/config.h>

LIMINAL_BEGIN

typedef enum liminal_phase {
    LIMINAL_PHASE_CREATED = 0,
    LIMINAL_PHASE_ACTIVE = 1,
    LIMINAL_PHASE_COMPLETING = 2, /* accepts no more sends, answers what it has */
    LIMINAL_PHASE_CLOSED = 3,     /* final */
    LIMINAL_PHASE_FAILED = 4      /* final; the first cause is kept */
} liminal_phase;

/**
 * Name a phase: "created", "active", "completing", "closed", "failed".
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a static text; "unknown" for a value outside the enum.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_phase_text(liminal_phase phase);

/**
 * Check a move: created -> active -> completing -> closed, and any that is not final -> failed.
 *
 * Active on active, completing on completing and closed on closed are allowed
 * and mean: nothing changes.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EPHASE, with "invalid conversation phase transition from X to Y" as detail; EINVAL (a
 *           value outside the enum).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_phase_check(liminal_phase from, liminal_phase to);

/* One participant as the conversation knows it. */
typedef struct liminal_participant_status {
    liminal_pid pid;
    const char *name; /* borrowed from the snapshot */
    bool alive;
    liminal_time seen;          /* when its exit was observed; {0} while it lives */
    liminal_exit_reason reason; /* meaningful once it is dead */
} liminal_participant_status;

typedef enum liminal_log_kind {
    LIMINAL_LOG_SENT = 0,
    LIMINAL_LOG_RECEIVED = 1,
    LIMINAL_LOG_EXITED = 2,      /* a participant did; `policy` was applied */
    LIMINAL_LOG_COMPENSATED = 3, /* `envelope`, a step, was undone with `status`; NULL: the config's compensate() */
    LIMINAL_LOG_FAILED = 4,     /* supervision failed: the conversation did, with `status` */
    LIMINAL_LOG_RESTARTED = 5   /* the actor was killed, and has the new pid `pid` */
} liminal_log_kind;

/**
 * Name a kind of log entry: "sent", "received", "exited", "compensated", "failed", "restarted".
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a static text; "unknown" for a value outside the enum.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_log_kind_text(liminal_log_kind kind);

/* One entry of the context log, which is in the order in which the conversation came to things.
 * The times of messages are in that order too, unless the clock was set back; an exit has the time at which it was
 * seen, which may be some while before it came here. Everything is borrowed from the snapshot. */
typedef struct liminal_log_entry {
    liminal_log_kind kind;
    liminal_time time; /* of SENT and RECEIVED within a tick of the system (1 to 10 ms) */
    const liminal_envelope *envelope; /* SENT, RECEIVED, COMPENSATED; NULL otherwise */
    liminal_pid pid;                  /* EXITED, RESTARTED: who; {0} otherwise */
    liminal_exit_reason reason;       /* EXITED */
    liminal_crash_policy policy;      /* EXITED; UNSET for one that was no participant, only linked */
    liminal_status status;            /* FAILED, COMPENSATED */
} liminal_log_entry;

/* What happened to everything that was accepted. Asks that were answered, withdrawn, late or ended
 * with the conversation, and sends, are counted once each. */
typedef struct liminal_counts {
    uint64_t sent;        /* messages accepted and recorded */
    uint64_t received;    /* envelopes handed to a receiver or an asker */
    uint64_t withdrawn;   /* requests that nobody ever began: the deadline passed, or the conversation ended */
    uint64_t late;        /* answers to an ask whose asker had gone; given to nobody */
    uint64_t silent;      /* requests consumed without a reply */
    uint64_t unfinished;  /* requests that were begun and cut off for good, by an exit or by the end */
} liminal_counts;

/* An immutable picture of a conversation. Taking one costs the same after a million messages. */
typedef struct liminal_snapshot liminal_snapshot;

/* The plain facts of a snapshot. Texts are borrowed from it. */
typedef struct liminal_summary {
    liminal_phase phase;
    liminal_mode mode;
    const char *name;          /* "" if it has none */
    liminal_time created;
    liminal_deadline deadline; /* of the whole conversation; the one that never comes if it has none */
    liminal_status cause;      /* LIMINAL_OK unless failed: the first cause */
    const char *cause_text;    /* "" unless failed */
    size_t participant_count;
    size_t log_count;          /* entries that can be read */
    uint64_t log_dropped;      /* older ones that the bound pushed out */
    liminal_counts counts;
} liminal_summary;

/**
 * Read the plain facts.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the facts, borrowed from `snapshot`; all zero and empty texts for NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_summary liminal_snapshot_read(const liminal_snapshot *snapshot);

/**
 * Read one participant's status, in the order of the config.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL, or no such index); *out is untouched then.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_snapshot_participant(const liminal_snapshot *snapshot, size_t index,
                                            liminal_participant_status *out);

/**
 * Read one entry of the context log, oldest first.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL, or no such index); *out is untouched then.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_snapshot_entry(const liminal_snapshot *snapshot, size_t index, liminal_log_entry *out);

/**
 * Release a snapshot and clear the caller's pointer. NULL is welcome.
 *
 * Takes:    *snapshot.
 * Threads:  any.
 * Blocks:   never.
 * Since:    0.1
 */
LIMINAL_API void liminal_snapshot_drop(LIMINAL_TAKE liminal_snapshot **snapshot);

LIMINAL_END

#endif

/* SPDX-License-Identifier: MIT */
/* liminal/record.h -- the recording half of a conversation's state, for those who write a backend.
 * Nothing here reads a clock or takes a lock: the backend says what the time is, and lets one thread
 * at a time in. Snapshots may leave for any thread. */
#ifndef LIMINAL_RECORD_H
#define LIMINAL_RECORD_H

#include <liminal/state.h>

LIMINAL_BEGIN

typedef struct liminal_state liminal_state;

/**
 * Make the state of a new conversation, in phase created.
 *
 * `pids` names each participant of the config, in order; it may be NULL if
 * there is none. `allocator` NULL means the default one.
 *
 * Gives:    *out.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (as liminal_config_check, or a NULL), ELIMIT, ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_state_create(const liminal_config *config, const liminal_pid *pids, liminal_time now,
                                    liminal_deadline deadline, const liminal_allocator *allocator,
                                    LIMINAL_GIVE liminal_state **out);

/**
 * Read the phase.
 *
 * Threads:  one at a time.
 * Blocks:   never.
 * Returns:  the phase; failed for NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_phase liminal_state_phase(const liminal_state *state);

/**
 * Move to active, completing or closed; the move the state is in already changes nothing.
 *
 * Threads:  one at a time.
 * Blocks:   never.
 * Errors:   EPHASE (as liminal_phase_check; also for failed, which has its own call), EINVAL.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_state_move(liminal_state *state, liminal_phase to);

/**
 * Move to failed, keep the cause with its text, and record it. The first cause stays.
 *
 * If there is no memory for the log entry it is counted as dropped; the move
 * is made all the same. `text` NULL means the text of the cause.
 *
 * Threads:  one at a time.
 * Blocks:   never.
 * Errors:   EPHASE (final already), EINVAL (state NULL; cause LIMINAL_OK or outside the enum).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_state_fail(liminal_state *state, liminal_status cause, const char *text, liminal_time now);

/**
 * Record a message that was sent; a reference to it is added.
 *
 * Threads:  one at a time.
 * Blocks:   never.
 * Errors:   EPHASE (only active takes messages), EINVAL (a NULL), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_state_sent(liminal_state *state, const liminal_envelope *envelope, liminal_time now);

/**
 * Record an envelope that a receiver got, in any phase; a reference to it is added.
 *
 * If there is no memory for the log entry it is counted as dropped: a
 * receiver that has its envelope is never told otherwise.
 *
 * Threads:  one at a time.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_state_received(liminal_state *state, const liminal_envelope *envelope, liminal_time now);

/**
 * Record that a participant has exited; the first exit of each counts.
 *
 * Marks it dead with the reason and the instant. Without memory for the log
 * entry, that is counted as dropped.
 *
 * Threads:  one at a time.
 * Blocks:   never.
 * Errors:   ENOPROC (no such participant), EPHASE (dead already), EINVAL (state NULL).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_state_exited(liminal_state *state, liminal_pid pid, liminal_exit_reason reason,
                                    liminal_time seen);

/**
 * The counters that snapshots show, for a backend to keep.
 *
 * Threads:  one at a time.
 * Blocks:   never.
 * Returns:  a pointer borrowed from `state`; sent and received are kept by the calls above.
 * Since:    0.1
 */
LIMINAL_API liminal_counts *liminal_state_counts(liminal_state *state);

/**
 * Take a picture, at a cost that does not grow with the log.
 *
 * Gives:    *out, which does not depend on `state` any more.
 * Threads:  one at a time.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_state_snapshot(const liminal_state *state, LIMINAL_GIVE liminal_snapshot **out);

/**
 * Release a state and clear the caller's pointer. NULL is welcome.
 *
 * Takes:    *state.
 * Threads:  one at a time.
 * Blocks:   never.
 * Since:    0.1
 */
LIMINAL_API void liminal_state_drop(LIMINAL_TAKE liminal_state **state);

LIMINAL_END

#endif

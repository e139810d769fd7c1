/* SPDX-License-Identifier: MIT */
/* liminal/deadline.h -- one point in monotonic time, the only way we spell a timeout. */
#ifndef LIMINAL_DEADLINE_H
#define LIMINAL_DEADLINE_H

#include <liminal/base.h>

LIMINAL_BEGIN

/* Nanoseconds on the monotonic clock. A struct, so that a bare count of milliseconds does not
 * compile where a deadline is meant. One that has passed means "do not wait". As a field that was
 * left zero it means "none", which each such field says. */
typedef struct liminal_deadline {
    int64_t ns;
} liminal_deadline;

/* A point on the wall clock, in nanoseconds since 1970-01-01 00:00 UTC. For people and logs; no
 * wait is ever measured by it. */
typedef struct liminal_time {
    int64_t unix_ns;
} liminal_time;

/**
 * The deadline `ms` milliseconds from now; 0 means "do not wait".
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a deadline that may be passed to any number of calls in turn.
 * Since:    0.1
 */
LIMINAL_API liminal_deadline liminal_deadline_in_ms(uint32_t ms);

/**
 * The deadline `ns` nanoseconds from now; 0 or less means "do not wait".
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a deadline: not before that, and at most 20 microseconds after it; on a machine whose processors do not
 *           count alike, within a millisecond of it. One too far away for the clock never comes.
 * Since:    0.1
 */
LIMINAL_API liminal_deadline liminal_deadline_in_ns(int64_t ns);

/**
 * The deadline that never comes.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a deadline no call will reach.
 * Since:    0.1
 */
LIMINAL_API liminal_deadline liminal_deadline_never(void);

/**
 * The deadline that has passed already: "do not wait".
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a deadline in the past, without reading the clock.
 * Since:    0.1
 */
LIMINAL_API liminal_deadline liminal_deadline_passed(void);

/**
 * The one of two deadlines that comes first.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  `a` or `b`.
 * Since:    0.1
 */
LIMINAL_API liminal_deadline liminal_deadline_earlier(liminal_deadline a, liminal_deadline b);

/**
 * How long until a deadline.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  nanoseconds; 0 once it has passed, INT64_MAX for the one that never comes.
 * Since:    0.1
 */
LIMINAL_API int64_t liminal_deadline_remaining_ns(liminal_deadline deadline);

/**
 * The deadline of the request that the calling behaviour is answering.
 *
 * It is the earlier of the asker's deadline and the envelope's own, so a
 * behaviour can pass it on to whatever it waits for in turn. Passed on as it
 * is, it ends both waits at the same instant; to answer still after that, wait
 * for less.
 *
 * Threads:  any; each thread has its own.
 * Blocks:   never.
 * Returns:  that deadline; the one that never comes outside a behaviour, and for a message that was
 *           sent without a deadline of its own.
 * Since:    0.1
 */
LIMINAL_API liminal_deadline liminal_deadline_current(void);

/**
 * Read the wall clock.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  now.
 * Since:    0.1
 */
LIMINAL_API liminal_time liminal_time_now(void);

LIMINAL_END

#endif

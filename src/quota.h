/* SPDX-License-Identifier: MIT */
/* quota.h -- the bound of a mailbox: places and bytes, and the wait for room. */
#ifndef LIMI_QUOTA_H
#define LIMI_QUOTA_H

#include "platform.h"

typedef struct limi_quota {
    limi_atomic_u64 used; /* messages and bytes, packed */
    uint64_t most_messages, most_bytes;
    limi_word room; /* changes whenever somebody who waits should look again */
    limi_atomic_u32 waiting; /* how many want to be woken for each place */
    limi_atomic_u32 patient; /* somebody wants to be woken when half of it is free */
} limi_quota;

/* SIZE_MAX: as many as can be counted. */
void limi_quota_init(limi_quota *quota, size_t most_messages, size_t most_bytes);
void limi_quota_destroy(limi_quota *quota);

/* Whether a message of so many bytes could ever fit. */
bool limi_quota_fits(const limi_quota *quota, size_t bytes);

#define LIMI_QUOTA_BYTE_BITS 36
#define LIMI_QUOTA_BYTES_MASK (((uint64_t)1 << LIMI_QUOTA_BYTE_BITS) - 1)

static inline bool limi_quota_has_room_beside(const limi_quota *quota, uint64_t used, size_t bytes)
{
    return used >> LIMI_QUOTA_BYTE_BITS < quota->most_messages &&
           bytes <= quota->most_bytes - (used & LIMI_QUOTA_BYTES_MASK);
}

/* Whether there is a place now; and take it, if there is. */
static inline bool limi_quota_has_room(const limi_quota *quota, size_t bytes)
{
    return limi_quota_has_room_beside(quota, limi_u64_load(&quota->used), bytes);
}
bool limi_quota_take(limi_quota *quota, size_t bytes);

/* Take a place, or wait for one until the deadline, or until given_up(argument) is true. */
typedef enum limi_room { LIMI_ROOM_TAKEN, LIMI_ROOM_TIMED_OUT, LIMI_ROOM_GIVEN_UP } limi_room;
limi_room limi_quota_wait(limi_quota *quota, size_t bytes, bool (*given_up)(void *argument), void *argument,
                          int64_t deadline_ns);

/* Whether somebody waits who wants to be woken for each place. */
static inline bool limi_quota_is_awaited(const limi_quota *quota)
{
    return limi_u32_load(&quota->waiting) != 0;
}

/* Give places back, with so many bytes together; or one. */
void limi_quota_release_all(limi_quota *quota, uint32_t messages, size_t bytes);

static inline void limi_quota_release(limi_quota *quota, size_t bytes)
{
    limi_quota_release_all(quota, 1, bytes);
}

/* Have everybody who waits for room look again, because given_up() may have changed. */
void limi_quota_disturb(limi_quota *quota);

#endif

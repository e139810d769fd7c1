/* SPDX-License-Identifier: MIT */
/* quota.c -- the bound of a mailbox.
 *
 * Messages and bytes share one word, so that a place is taken whole or not at all: 28 bits count
 * messages, 36 count bytes.
 *
 * No wake is lost. Who waits: adds itself to `waiting`, reads `room`, looks once more, parks on the
 * value it read. Who gives room: changes `used` (or closes the mailbox), then reads `waiting`, and if
 * that is not 0 changes `room` and unparks. All of it is sequentially consistent: either the giver
 * sees the waiter, or the waiter's second look sees what the giver did. */
#include "quota.h"

#define BYTE_BITS 36
#define BYTES_MASK (((uint64_t)1 << BYTE_BITS) - 1)
#define MESSAGES_MASK (((uint64_t)1 << (64 - BYTE_BITS)) - 1)

static uint64_t packed(uint64_t messages, uint64_t bytes)
{
    return messages << BYTE_BITS | bytes;
}

void limi_quota_init(limi_quota *quota, size_t most_messages, size_t most_bytes)
{
    limi_u64_init(&quota->used, 0);
    quota->most_messages = most_messages < MESSAGES_MASK ? most_messages : MESSAGES_MASK;
    quota->most_bytes = most_bytes < BYTES_MASK ? most_bytes : BYTES_MASK;
    limi_word_init(&quota->room, 0);
    limi_u32_init(&quota->waiting, 0);
}

void limi_quota_destroy(limi_quota *quota)
{
    limi_word_destroy(&quota->room);
}

bool limi_quota_fits(const limi_quota *quota, size_t bytes)
{
    return bytes <= quota->most_bytes;
}

static bool has_room(const limi_quota *quota, uint64_t used, size_t bytes)
{
    return used >> BYTE_BITS < quota->most_messages && bytes <= quota->most_bytes - (used & BYTES_MASK);
}

bool limi_quota_has_room(const limi_quota *quota, size_t bytes)
{
    return has_room(quota, limi_u64_load(&quota->used), bytes);
}

bool limi_quota_take(limi_quota *quota, size_t bytes)
{
    uint64_t seen = limi_u64_load(&quota->used);
    do {
        if (!has_room(quota, seen, bytes)) {
            return false;
        }
    } while (!limi_u64_cas(&quota->used, &seen, seen + packed(1, bytes)));
    return true;
}

limi_room limi_quota_wait(limi_quota *quota, size_t bytes, bool (*given_up)(void *argument), void *argument,
                          int64_t deadline_ns)
{
    limi_room outcome = LIMI_ROOM_TIMED_OUT;
    bool in_time = true;
    (void)limi_u32_add(&quota->waiting, 1);
    for (;;) {
        uint32_t look = limi_u32_load(&quota->room.value);
        if (given_up(argument)) {
            outcome = LIMI_ROOM_GIVEN_UP;
            break;
        }
        if (limi_quota_take(quota, bytes)) {
            outcome = LIMI_ROOM_TAKEN;
            break;
        }
        if (!in_time) {
            break;
        }
        in_time = limi_park(&quota->room, look, deadline_ns);
    }
    (void)limi_u32_sub(&quota->waiting, 1);
    return outcome;
}

void limi_quota_release(limi_quota *quota, size_t bytes)
{
    uint64_t before = limi_u64_sub(&quota->used, packed(1, bytes));
    LIMI_ASSERT(before >> BYTE_BITS != 0 && (before & BYTES_MASK) >= bytes);
    limi_quota_disturb(quota);
}

void limi_quota_disturb(limi_quota *quota)
{
    if (limi_u32_load(&quota->waiting) != 0) {
        (void)limi_u32_add(&quota->room.value, 1);
        limi_unpark(&quota->room);
    }
}

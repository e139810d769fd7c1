/* SPDX-License-Identifier: MIT */
/* quota.c -- the bound of a mailbox.
 *
 * Messages and bytes share one word, so that a place is taken whole or not at all: 28 bits count
 * messages, 36 count bytes.
 *
 * Who waits is patient at first: it is woken when half of the mailbox is free, so that one wake is good for many
 * messages. But whoever is to free the rest may be at a long one; so if that has not happened for PATIENCE_NS it looks
 * again, and from then on it is woken for each place.
 *
 * No wake is lost. Who waits: reads `room`, says that it waits, in `patient` or `waiting`, looks once more, parks on
 * the value it read. Who gives room: changes `used` (or closes the mailbox), then reads those two, and if it is
 * meant changes `room` and unparks. All of it is sequentially consistent: either the giver sees the waiter, or the
 * waiter's second look sees what the giver did. A giver takes `patient` back; who was woken and got nothing says it
 * again before it looks. */
#include "quota.h"

#include "later.h"

#define PATIENCE_NS 300000
#define FEW 64 /* places, of which each counts */

#define BYTE_BITS LIMI_QUOTA_BYTE_BITS
#define BYTES_MASK LIMI_QUOTA_BYTES_MASK
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
    limi_u32_init(&quota->patient, 0);
}

void limi_quota_destroy(limi_quota *quota)
{
    limi_word_destroy(&quota->room);
}

bool limi_quota_fits(const limi_quota *quota, size_t bytes)
{
    return bytes <= quota->most_bytes;
}

bool limi_quota_take(limi_quota *quota, size_t bytes)
{
    uint64_t seen = limi_u64_load(&quota->used);
    do {
        if (!limi_quota_has_room_beside(quota, seen, bytes)) {
            return false;
        }
    } while (!limi_u64_cas(&quota->used, &seen, seen + packed(1, bytes)));
    return true;
}

typedef struct wish {
    size_t bytes;
    bool (*given_up)(void *argument);
    void *argument;
} wish;

static limi_room wait_until(limi_quota *quota, const wish *w, bool patiently, int64_t deadline_ns)
{
    bool in_time = true;
    for (;;) {
        uint32_t look = limi_u32_load(&quota->room.value);
        if (patiently) {
            limi_u32_store(&quota->patient, 1);
        }
        if (w->given_up(w->argument)) {
            return LIMI_ROOM_GIVEN_UP;
        }
        if (limi_quota_take(quota, w->bytes)) {
            return LIMI_ROOM_TAKEN;
        }
        if (!in_time) {
            return LIMI_ROOM_TIMED_OUT;
        }
        in_time = limi_park(&quota->room, look, deadline_ns);
    }
}

/* LIMI_ROOM_TIMED_OUT: the deadline has passed, or it is to wait otherwise. As long as there is room for others now and
 * then, it may be for this one next time, if half of the mailbox is enough for it. */
static limi_room wait_patiently(limi_quota *quota, const wish *w, int64_t deadline_ns)
{
    limi_room outcome = LIMI_ROOM_TIMED_OUT;
    bool goes_on = quota->most_messages >= FEW;
    while (goes_on) {
        int64_t patience_ns = limi_later(limi_clock_monotonic(), PATIENCE_NS);
        uint32_t before = limi_u32_load(&quota->room.value);
        if (patience_ns == INT64_MAX) {
            return outcome;
        }
        outcome = wait_until(quota, w, true, deadline_ns < patience_ns ? deadline_ns : patience_ns);
        goes_on = outcome == LIMI_ROOM_TIMED_OUT && deadline_ns > patience_ns && w->bytes <= quota->most_bytes / 2 &&
                  limi_u32_load(&quota->room.value) != before;
    }
    return outcome;
}

limi_room limi_quota_wait(limi_quota *quota, size_t bytes, bool (*given_up)(void *argument), void *argument,
                          int64_t deadline_ns)
{
    const wish wanted = {bytes, given_up, argument};
    limi_room outcome = wait_patiently(quota, &wanted, deadline_ns);
    if (outcome == LIMI_ROOM_TIMED_OUT) {
        (void)limi_u32_add(&quota->waiting, 1);
        outcome = wait_until(quota, &wanted, false, deadline_ns);
        (void)limi_u32_sub(&quota->waiting, 1);
    }
    return outcome;
}

static void have_them_look(limi_quota *quota)
{
    (void)limi_u32_add(&quota->room.value, 1);
    limi_unpark(&quota->room);
}

static bool is_half_free(const limi_quota *quota, uint64_t used)
{
    return used >> BYTE_BITS <= quota->most_messages / 2 && (used & BYTES_MASK) <= quota->most_bytes / 2;
}

void limi_quota_release_all(limi_quota *quota, uint32_t messages, size_t bytes)
{
    uint64_t before = limi_u64_sub(&quota->used, packed(messages, bytes));
    LIMI_ASSERT(before >> BYTE_BITS >= messages && (before & BYTES_MASK) >= bytes);
    if (limi_u32_load(&quota->waiting) != 0 ||
        (limi_u32_load(&quota->patient) != 0 && is_half_free(quota, before - packed(messages, bytes)) &&
         limi_u32_exchange(&quota->patient, 0) != 0)) {
        have_them_look(quota);
    }
}

void limi_quota_disturb(limi_quota *quota)
{
    if (limi_u32_load(&quota->waiting) != 0 || limi_u32_exchange(&quota->patient, 0) != 0) {
        have_them_look(quota);
    }
}

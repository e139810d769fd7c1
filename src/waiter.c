/* SPDX-License-Identifier: MIT */
/* waiter.c -- one thread waits, once, for one thing to be done.
 *
 *   PENDING --wait--> PARKED --deadline--> PENDING     PENDING, PARKED --disturb--> DISTURBED --wait--> PENDING
 *   PENDING, PARKED, DISTURBED --done--> DONE
 *
 * The waiting thread makes the moves called wait and deadline, others the rest, all with sequentially
 * consistent read-modify-writes on one word. So done() and disturb() either find PARKED and wake, or
 * come before the move to PARKED, which then fails and finds them: no wake is lost. */
#include "waiter.h"

enum { PENDING, PARKED, DISTURBED, DONE };

void limi_waiter_init(limi_waiter *waiter)
{
    limi_word_init(&waiter->word, PENDING);
}

void limi_waiter_destroy(limi_waiter *waiter)
{
    limi_word_destroy(&waiter->word);
}

void limi_waiter_done(limi_waiter *waiter)
{
    uint32_t before = limi_u32_exchange(&waiter->word.value, DONE);
    LIMI_ASSERT(before != DONE);
    if (before == PARKED) {
        limi_unpark(&waiter->word);
    }
}

void limi_waiter_disturb(limi_waiter *waiter)
{
    uint32_t seen = limi_u32_load(&waiter->word.value);
    while (seen == PENDING || seen == PARKED) {
        if (limi_u32_cas(&waiter->word.value, &seen, DISTURBED)) {
            if (seen == PARKED) {
                limi_unpark(&waiter->word);
            }
            return;
        }
    }
}

bool limi_waiter_is_done(const limi_waiter *waiter)
{
    return limi_u32_load(&waiter->word.value) == DONE;
}

/* Leave a wait without having been waited for: true if it is done after all. */
static bool leave(limi_atomic_u32 *value, uint32_t from)
{
    return !limi_u32_cas(value, &from, PENDING) && from == DONE;
}

bool limi_waiter_wait(limi_waiter *waiter, int64_t deadline_ns)
{
    limi_atomic_u32 *value = &waiter->word.value;
    uint32_t seen = PENDING;
    uint32_t spins;
    for (spins = deadline_ns > 0 ? limi_spin_limit() : 0; spins > 0; spins--) {
        if (limi_u32_load(value) == DONE) {
            return true;
        }
        limi_relax();
    }
    if (!limi_u32_cas(value, &seen, PARKED)) {
        return seen == DONE || leave(value, DISTURBED);
    }
    for (;;) {
        bool in_time = limi_park(&waiter->word, PARKED, deadline_ns);
        seen = limi_u32_load(value);
        if (seen == DONE) {
            return true;
        }
        if (seen == DISTURBED || !in_time) {
            return leave(value, seen);
        }
    }
}

/* SPDX-License-Identifier: MIT */
/* waiter.c -- one thread waits, once, for one thing to be done.
 *
 *   PENDING --wait--> PARKED --done--> DONE        PENDING --done--> DONE        PARKED --deadline--> PENDING
 *
 * The waiting thread moves between PENDING and PARKED, the other one to DONE, all with sequentially
 * consistent read-modify-writes on one word. So done() either finds PARKED and wakes, or comes before
 * the move to PARKED, which then fails and finds DONE: no wake is lost. */
#include "waiter.h"

enum { PENDING, PARKED, DONE };

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

bool limi_waiter_is_done(const limi_waiter *waiter)
{
    return limi_u32_load(&waiter->word.value) == DONE;
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
        return true;
    }
    for (;;) {
        bool in_time = limi_park(&waiter->word, PARKED, deadline_ns);
        if (limi_u32_load(value) == DONE) {
            return true;
        }
        seen = PARKED;
        if (!in_time) {
            return !limi_u32_cas(value, &seen, PENDING);
        }
    }
}

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

enum { PENDING = 0, PARKED, DISTURBED, DONE };

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

static bool is_done(const void *self)
{
    return limi_waiter_is_done(self);
}

static bool sleep_until(limi_waiter *waiter, int64_t deadline_ns)
{
    for (;;) {
        bool in_time = limi_park(&waiter->word, PARKED, deadline_ns);
        uint32_t seen = limi_u32_load(&waiter->word.value);
        if (seen == DONE) {
            return true;
        }
        if (seen == DISTURBED || !in_time) {
            return leave(&waiter->word.value, seen);
        }
    }
}

bool limi_waiter_wait(limi_waiter *waiter, limi_spinner *spinner, int64_t deadline_ns)
{
    uint32_t seen = PENDING;
    int64_t since_ns;
    bool done;
    if (deadline_ns > 0 && spinner != NULL && limi_spinner_look(spinner, is_done, waiter)) {
        return true;
    }
    if (!limi_u32_cas(&waiter->word.value, &seen, PARKED)) {
        return seen == DONE || leave(&waiter->word.value, DISTURBED);
    }
    since_ns = spinner != NULL ? limi_clock_monotonic() : 0;
    done = sleep_until(waiter, deadline_ns);
    if (done && spinner != NULL) {
        limi_spinner_slept(spinner, since_ns);
    }
    return done;
}

/* SPDX-License-Identifier: MIT */
/* waiter.c -- one thread waits, once, for one thing to be done.
 *
 *   PENDING --wait--> PARKED --deadline--> PENDING     PENDING, PARKED --disturb--> DISTURBED --wait--> PENDING
 *   PENDING, PARKED, DISTURBED --done--> DONE
 *
 * And of one who can do itself what is left to be done, for as long as it has not slept:
 *
 *   OPEN --wait--> PARKED     OPEN --disturb--> DISTURBED     OPEN --done--> DONE     OPEN --shut--> PENDING
 *   OPEN --offer--> OFFERED --take--> PENDING
 *
 * The waiting thread makes the moves called wait and deadline, others the rest, all with sequentially
 * consistent read-modify-writes on one word. So done(), disturb() and offer() either find PARKED, and the first two
 * wake, or come before the move to PARKED, which then fails and finds them: no wake is lost. It is never OPEN again:
 * once somebody has shut it nothing is offered any more. Who may take is the users' affair. */
#include "waiter.h"

enum { PENDING = LIMI_WAITER_PENDING, OPEN, PARKED, DISTURBED, OFFERED, DONE };

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
    LIMI_ASSERT(before != DONE && before != OFFERED);
    if (before == PARKED) {
        limi_unpark(&waiter->word);
    }
}

void limi_waiter_disturb(limi_waiter *waiter)
{
    uint32_t seen = limi_u32_load(&waiter->word.value);
    while (seen == PENDING || seen == OPEN || seen == PARKED) {
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

void limi_waiter_open(limi_waiter *waiter)
{
    limi_u32_store_relaxed(&waiter->word.value, OPEN); /* it is shown to others after this */
}

bool limi_waiter_offer(limi_waiter *waiter)
{
    uint32_t open = OPEN;
    return limi_u32_cas(&waiter->word.value, &open, OFFERED);
}

void limi_waiter_shut(limi_waiter *waiter)
{
    uint32_t open = OPEN;
    (void)limi_u32_cas(&waiter->word.value, &open, PENDING);
}

bool limi_waiter_is_offered(const limi_waiter *waiter)
{
    return limi_u32_load(&waiter->word.value) == OFFERED;
}

bool limi_waiter_take(limi_waiter *waiter)
{
    uint32_t offered = OFFERED;
    return limi_u32_cas(&waiter->word.value, &offered, PENDING);
}

/* Leave a wait without having been waited for: true if it is done after all. */
static bool leave(limi_atomic_u32 *value, uint32_t from)
{
    return !limi_u32_cas(value, &from, PENDING) && from == DONE;
}

static bool has_come(const void *self)
{
    return limi_u32_load(&((const limi_waiter *)self)->word.value) >= OFFERED;
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
    uint32_t seen;
    int64_t since_ns;
    bool done;
    if (deadline_ns > 0 && spinner != NULL && limi_spinner_look(spinner, has_come, waiter)) {
        return limi_waiter_is_done(waiter);
    }
    seen = limi_u32_load(&waiter->word.value) == OPEN ? OPEN : PENDING;
    if (!limi_u32_cas(&waiter->word.value, &seen, PARKED)) {
        return seen == DONE || leave(&waiter->word.value, DISTURBED);
    }
    since_ns = spinner != NULL ? limi_spinner_sleeps() : 0;
    done = sleep_until(waiter, deadline_ns);
    if (done && spinner != NULL) {
        limi_spinner_slept(spinner, since_ns);
    }
    return done;
}

/* SPDX-License-Identifier: MIT */
/* waiter.c -- one thread waits, once, for one thing to be done.
 *
 *   PENDING --wait--> PARKED --deadline--> PENDING     PENDING, PARKED --disturb--> DISTURBED --wait--> PENDING
 *   PENDING, PARKED, DISTURBED --done--> DONE
 *
 * And of one who can do itself what is left to be done, until something else has come to it:
 *
 *   OPEN --wait--> PARKED_OPEN --deadline--> PENDING     OPEN --shut--> PENDING     PARKED_OPEN --shut--> PARKED
 *   OPEN, PARKED_OPEN --offer--> OFFERED --take--> PENDING, and as above --disturb--> and --done-->
 *
 * The waiting thread makes the moves called wait and deadline, others the rest, all with sequentially
 * consistent read-modify-writes on one word. So done(), disturb() and offer() either find it parked and wake, or come
 * before the move to that, which then fails and finds them: no wake is lost. It is never OPEN again: once somebody has
 * shut it nothing is offered any more. Who may take is the users' affair. */
#include "waiter.h"

enum { PENDING = LIMI_WAITER_PENDING, OPEN, PARKED, PARKED_OPEN, DISTURBED, OFFERED, DONE };

void limi_waiter_init(limi_waiter *waiter)
{
    limi_word_init(&waiter->word, PENDING);
}

void limi_waiter_destroy(limi_waiter *waiter)
{
    limi_word_destroy(&waiter->word);
}

static bool is_parked(uint32_t state)
{
    return state == PARKED || state == PARKED_OPEN;
}

void limi_waiter_done(limi_waiter *waiter)
{
    uint32_t before = limi_u32_exchange(&waiter->word.value, DONE);
    LIMI_ASSERT(before != DONE && before != OFFERED);
    if (is_parked(before)) {
        limi_unpark(&waiter->word);
    }
}

void limi_waiter_disturb(limi_waiter *waiter)
{
    uint32_t seen = limi_u32_load(&waiter->word.value);
    while (seen < DISTURBED) {
        if (limi_u32_cas(&waiter->word.value, &seen, DISTURBED)) {
            if (is_parked(seen)) {
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

bool limi_waiter_offer_asleep(limi_waiter *waiter)
{
    uint32_t asleep = PARKED_OPEN;
    bool offered = limi_u32_cas(&waiter->word.value, &asleep, OFFERED);
    if (offered) {
        limi_unpark(&waiter->word);
    }
    return offered;
}

void limi_waiter_shut(limi_waiter *waiter)
{
    uint32_t seen = limi_u32_load(&waiter->word.value);
    while ((seen == OPEN || seen == PARKED_OPEN) &&
           !limi_u32_cas(&waiter->word.value, &seen, seen == OPEN ? PENDING : PARKED)) {
    }
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

static bool has_come(const void *self)
{
    return limi_u32_load(&((const limi_waiter *)self)->word.value) >= OFFERED;
}

/* Fall asleep, unless something has come: PENDING, and it has been seen to, if that was a disturbance. */
static uint32_t lie_down(limi_waiter *waiter)
{
    uint32_t seen = limi_u32_load(&waiter->word.value), next;
    do {
        if (seen >= OFFERED) {
            return seen;
        }
        next = seen == DISTURBED ? PENDING : seen == OPEN ? PARKED_OPEN : PARKED;
    } while (!limi_u32_cas(&waiter->word.value, &seen, next));
    return next;
}

/* What it is woken by: OFFERED, DONE; or PENDING, by a disturbance, the deadline, or an offer that another one took. */
static uint32_t sleep_until(limi_waiter *waiter, int64_t deadline_ns)
{
    bool in_time = true;
    for (;;) {
        uint32_t seen = limi_u32_load(&waiter->word.value);
        if (seen >= OFFERED) {
            return seen;
        }
        if (is_parked(seen) && in_time) {
            in_time = limi_park(&waiter->word, seen, deadline_ns);
        } else if (limi_u32_cas(&waiter->word.value, &seen, PENDING)) { /* it may be that already */
            return PENDING;
        }
    }
}

bool limi_waiter_wait(limi_waiter *waiter, limi_spinner *spinner, int64_t deadline_ns)
{
    uint32_t state;
    int64_t since_ns;
    if (deadline_ns > 0 && spinner != NULL && limi_spinner_look(spinner, has_come, waiter)) {
        return limi_waiter_is_done(waiter);
    }
    state = lie_down(waiter);
    if (is_parked(state)) {
        since_ns = spinner != NULL ? limi_spinner_sleeps() : 0;
        state = sleep_until(waiter, deadline_ns);
        if (state >= OFFERED && spinner != NULL) {
            limi_spinner_slept(spinner, since_ns);
        }
    }
    return state == DONE;
}

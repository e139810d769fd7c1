/* SPDX-License-Identifier: MIT */
/* waiter.h -- one thread waits, once, for one thing to be done. */
#ifndef LIMI_WAITER_H
#define LIMI_WAITER_H

#include "spinner.h"

typedef struct limi_waiter {
    limi_word word;
} limi_waiter;

void limi_waiter_init(limi_waiter *waiter);
void limi_waiter_destroy(limi_waiter *waiter);

#define LIMI_WAITER_PENDING 0

/* To be waited for again, for something else: nobody waits, and nobody can still come with the last thing. */
static inline void limi_waiter_renew(limi_waiter *waiter)
{
    limi_u32_store_relaxed(&waiter->word.value, LIMI_WAITER_PENDING);
}

/* It is done: what was written before is seen after the wait. Once; the caller keeps the waiter alive
 * until this has returned. */
void limi_waiter_done(limi_waiter *waiter);

/* Have a wait that is under way, or the next one, return false before its deadline. */
void limi_waiter_disturb(limi_waiter *waiter);

bool limi_waiter_is_done(const limi_waiter *waiter);

/* For one that was renewed and that nobody else knows: until it is shut or disturbed, or a wait ends, the waiting
 * thread may be offered the rest of the work. */
void limi_waiter_open(limi_waiter *waiter);
void limi_waiter_shut(limi_waiter *waiter); /* by anyone */

/* The work is offered to a thread that is awake: what was written before is for who takes it. False: it sleeps, or
 * nothing may be offered any more. Then the same to one that sleeps, which is woken: for that the caller keeps the
 * waiter alive until this has returned. */
bool limi_waiter_offer(limi_waiter *waiter);
bool limi_waiter_offer_asleep(limi_waiter *waiter);
bool limi_waiter_is_offered(const limi_waiter *waiter);

/* It is the caller's now, and nobody else's, who calls done() in the end; false: nothing is offered. */
bool limi_waiter_take(limi_waiter *waiter);

/* Wait until it is done: true; or until the deadline, or until disturbed or offered something, also if another one
 * takes that. One thread at a time; may be called again after false, which may come for no reason. No spinner: it will
 * take long. */
bool limi_waiter_wait(limi_waiter *waiter, limi_spinner *spinner, int64_t deadline_ns);

#endif

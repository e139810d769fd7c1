/* SPDX-License-Identifier: MIT */
/* bell.h -- how one thread is called by any number of others: bits that they set, and that it takes. */
#ifndef LIMI_BELL_H
#define LIMI_BELL_H

#include "spinner.h"

#define LIMI_BELL_ASLEEP 0x80000000u

/* Its owner is one thread at a time; the bits are the user's, but for the highest. */
typedef struct limi_bell {
    limi_word word;
    limi_spinner spinner; /* the owner's */
} limi_bell;

void limi_bell_init(limi_bell *bell);
void limi_bell_destroy(limi_bell *bell);

/* Set bits, and wake the owner if it sleeps. The caller keeps the bell alive until this has returned. */
void limi_bell_ring(limi_bell *bell, uint32_t bits);

/* For the owner: take all bits that were set. */
uint32_t limi_bell_take(limi_bell *bell);

/* For the owner: whether a bit is set. */
static inline bool limi_bell_is_rung(const limi_bell *bell)
{
    return limi_u32_load_acquire(&bell->word.value) != 0;
}

/* For others: whether the owner sleeps, or is about to. */
static inline bool limi_bell_is_dozed(const limi_bell *bell)
{
    return (limi_u32_load(&bell->word.value) & LIMI_BELL_ASLEEP) != 0;
}

/* For the owner: sleep until a bit is set, or the deadline. */
void limi_bell_sleep(limi_bell *bell, int64_t deadline_ns);

/* The same, or until something lies in `tray`: an even address. Who lays that there rings if limi_bell_is_dozed() after
 * it; else the owner sees it without. */
void limi_bell_sleep_by(limi_bell *bell, const limi_atomic_ptr *tray, int64_t deadline_ns);

/* For an owner that sleeps elsewhere, in a poll: say so, unless a bit is set already (false). Whoever rings
 * then is told that it has to wake the owner by its own means: true from limi_bell_set(). */
bool limi_bell_doze(limi_bell *bell);
void limi_bell_wake(limi_bell *bell); /* it slept on the bell, after all */
void limi_bell_rouse(limi_bell *bell);
bool limi_bell_set(limi_bell *bell, uint32_t bits);

#endif

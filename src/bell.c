/* SPDX-License-Identifier: MIT */
/* bell.c -- how one thread is called by any number of others.
 *
 * One word: the bits that were rung and not yet taken, and ASLEEP: the owner sleeps, or is about to.
 * Only the owner sets ASLEEP; it clears it itself when it gets up, or by taking the bits.
 *
 * No wake is lost: ringing is a fetch-or, falling asleep a compare-and-swap from 0 to ASLEEP, on one
 * word. Either the ring comes first and the swap fails, or the ring sees ASLEEP and unparks. The word
 * has changed by then, so a park that begins after it returns at once.
 *
 * An owner that sleeps by a tray looks into it after it has said that it is asleep; who lays something there looks
 * after that whether it has, and then rings. One of the two sees the other, for all of it is sequentially consistent.
 * So who is awake need not be rung, and one write says all. */
#include "bell.h"

#define ASLEEP LIMI_BELL_ASLEEP

void limi_bell_init(limi_bell *bell)
{
    limi_word_init(&bell->word, 0);
    limi_spinner_init(&bell->spinner);
}

void limi_bell_destroy(limi_bell *bell)
{
    limi_word_destroy(&bell->word);
}

bool limi_bell_set(limi_bell *bell, uint32_t bits)
{
    return (limi_u32_or(&bell->word.value, bits) & ASLEEP) != 0;
}

void limi_bell_ring(limi_bell *bell, uint32_t bits)
{
    if (limi_bell_set(bell, bits)) {
        limi_unpark(&bell->word);
    }
}

uint32_t limi_bell_take(limi_bell *bell)
{
    return limi_u32_and(&bell->word.value, 0) & ~ASLEEP;
}

bool limi_bell_doze(limi_bell *bell)
{
    uint32_t nothing = 0;
    return limi_u32_cas(&bell->word.value, &nothing, ASLEEP);
}

void limi_bell_wake(limi_bell *bell)
{
    limi_unpark(&bell->word);
}

void limi_bell_rouse(limi_bell *bell)
{
    (void)limi_u32_and(&bell->word.value, ~ASLEEP);
}

static bool is_set(const void *self)
{
    return limi_u32_load(&((const limi_bell *)self)->word.value) != 0;
}

static bool never(const void *self)
{
    (void)self;
    return false;
}

static void sleep_unless(limi_bell *bell, bool (*has_come)(const void *self), bool (*is_there)(const void *self),
                         const void *self, int64_t deadline_ns)
{
    int64_t since_ns;
    if (limi_spinner_look(&bell->spinner, has_come, self) || !limi_bell_doze(bell)) {
        return;
    }
    if (!is_there(self)) {
        since_ns = limi_spinner_sleeps();
        while (limi_u32_load(&bell->word.value) == ASLEEP && limi_park(&bell->word, ASLEEP, deadline_ns)) {
        }
        limi_spinner_slept(&bell->spinner, since_ns);
    }
    limi_bell_rouse(bell);
}

void limi_bell_sleep(limi_bell *bell, int64_t deadline_ns)
{
    sleep_unless(bell, is_set, never, bell, deadline_ns);
}

typedef struct laid {
    const limi_bell *bell;
    const limi_atomic_ptr *tray;
} laid;

static bool is_laid(const void *self)
{
    const laid *l = self;
    uintptr_t there;
    limi_fetch(l->tray); /* what lies there is taken next */
    there = limi_ptr_load(l->tray);
    return there != 0 && (there & 1) == 0;
}

static bool is_set_or_laid(const void *self)
{
    const laid *l = self;
    return is_set(l->bell) || is_laid(l);
}

void limi_bell_sleep_by(limi_bell *bell, const limi_atomic_ptr *tray, int64_t deadline_ns)
{
    laid self = {bell, tray};
    sleep_unless(bell, is_set_or_laid, is_laid, &self, deadline_ns);
}

/* SPDX-License-Identifier: MIT */
/* bell.c -- how one thread is called by any number of others.
 *
 * One word: the bits that were rung and not yet taken, and ASLEEP: the owner sleeps, or is about to.
 * Only the owner sets ASLEEP; it clears it itself when it gets up, or by taking the bits.
 *
 * No wake is lost: ringing is a fetch-or, falling asleep a compare-and-swap from 0 to ASLEEP, on one
 * word. Either the ring comes first and the swap fails, or the ring sees ASLEEP and unparks. The word
 * has changed by then, so a park that begins after it returns at once. */
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

void limi_bell_sleep(limi_bell *bell, int64_t deadline_ns)
{
    int64_t since_ns;
    if (limi_spinner_look(&bell->spinner, is_set, bell) || !limi_bell_doze(bell)) {
        return;
    }
    since_ns = limi_clock_monotonic();
    while (limi_u32_load(&bell->word.value) == ASLEEP && limi_park(&bell->word, ASLEEP, deadline_ns)) {
    }
    limi_bell_rouse(bell);
    limi_spinner_slept(&bell->spinner, since_ns);
}

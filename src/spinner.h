/* SPDX-License-Identifier: MIT */
/* spinner.h -- how long to look before going to sleep.
 *
 * To wake a thread that sleeps on another processor costs some 30 to 50 microseconds, one that still looks a
 * hundredth of that; but who looks in vain takes the processor from whoever it waits for. So a spinner remembers
 * whether it has paid: with each look that was in vain it looks half as long, down to not at all; with each that was
 * not, or after a sleep so short that looking would have spared it, as long as it ever does. With one processor
 * it never looks.
 *
 * To be woken may take a little longer than the longest look. Two who wake each other then both look in vain, sleep,
 * and go on so, though either would see the other at once if it were awake. So after each so manieth short sleep in a
 * row the look is as long as that sleep may have been: on an average that is little more.
 *
 * Several threads may use one: what they write over is a guess, and no more. */
#ifndef LIMI_SPINNER_H
#define LIMI_SPINNER_H

#include "platform.h"

typedef struct limi_spinner {
    limi_atomic_u32 state; /* how often to look, 0: not at all; above that, short sleeps since a look has paid */
} limi_spinner;

#define LIMI_SPINNER_LOOKS 0xffffffu
#define LIMI_SPINNER_SLEEP (LIMI_SPINNER_LOOKS + 1)

/* A sleep that was shorter than this was not worth it: being woken takes about as long. */
#define LIMI_SHORT_SLEEP_NS 100000

/* Every eighth of them is followed by a look three times as long as usual. */
#define LIMI_SHORT_SLEEPS 8
#define LIMI_LONG_LOOK 3

static inline void limi_spinner_init(limi_spinner *spinner)
{
    limi_u32_init(&spinner->state, limi_spin_limit());
}

/* For who has no reason yet to expect anything: it sleeps first, and looks once a sleep was short. */
static inline void limi_spinner_init_idle(limi_spinner *spinner)
{
    limi_u32_init(&spinner->state, 0);
}

static inline uint32_t limi_spinner_looks(const limi_spinner *spinner)
{
    return limi_u32_load_acquire(&spinner->state) & LIMI_SPINNER_LOOKS;
}

static inline void limi_spinner_paid(limi_spinner *spinner)
{
    uint32_t limit = limi_spin_limit();
    if (limi_u32_load_acquire(&spinner->state) != limit) {
        limi_u32_store_relaxed(&spinner->state, limit);
    }
}

static inline void limi_spinner_in_vain(limi_spinner *spinner)
{
    uint32_t state = limi_u32_load_acquire(&spinner->state), looks = state & LIMI_SPINNER_LOOKS;
    limi_u32_store_relaxed(&spinner->state, state - looks + looks / 2);
}

/* A sleep was short. */
static inline void limi_spinner_in_need(limi_spinner *spinner)
{
    uint32_t sleeps = limi_u32_load_acquire(&spinner->state) / LIMI_SPINNER_SLEEP + 1;
    bool is_long = sleeps % LIMI_SHORT_SLEEPS == 0;
    uint32_t looks = limi_spin_limit() * (is_long ? LIMI_LONG_LOOK : 1);
    limi_u32_store_relaxed(&spinner->state, sleeps % LIMI_SHORT_SLEEPS * LIMI_SPINNER_SLEEP + looks);
}

/* Look for it; true: it has come. */
static inline bool limi_spinner_look(limi_spinner *spinner, bool (*has_come)(const void *self), const void *self)
{
    uint32_t left = limi_spinner_looks(spinner);
    bool looked = left > 0;
    for (; left > 0; left--) {
        if (has_come(self)) {
            limi_spinner_paid(spinner);
            return true;
        }
        limi_relax();
    }
    if (looked) {
        limi_spinner_in_vain(spinner);
    }
    return false;
}

/* Around a sleep. */
static inline int64_t limi_spinner_sleeps(void)
{
    return limi_spin_limit() != 0 ? limi_clock_monotonic() : INT64_MIN;
}

static inline void limi_spinner_slept(limi_spinner *spinner, int64_t since_ns)
{
    if (since_ns != INT64_MIN && limi_clock_monotonic() - since_ns < LIMI_SHORT_SLEEP_NS) {
        limi_spinner_in_need(spinner);
    }
}

#endif

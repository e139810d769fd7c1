/* SPDX-License-Identifier: MIT */
/* platform_counter.c -- the clocks between two looks at them, counted on by the processor; see platform.h.
 *
 * Each message needs two or three instants. To ask a clock takes a fifth of what a small message takes, mostly because
 * the processor waits for all that it has begun before it reads its counter. So a thread asks the clocks once, with the
 * counter beside it, and for the next GOOD_FOR_NS it adds what has been counted since, at the pace that it found
 * between its last two looks.
 *
 * What is counted lags behind the clock, by no more than a look took, and one that was not PROMPT says nothing of where
 * the counter stood. It is never further from the last look than GOOD_FOR_NS: so whatever becomes of the counter or its
 * pace (a machine that was suspended, or moved to another one; processors whose counters differ), the time is off by
 * less than that, which is a millisecond, as is what ids sort by. Nor does it go back, on processors that agree: where
 * the clock says less at a look than may have been counted, that stands until the clock has come to it. */
#include "platform.h"

#include "seldom.h"

#if defined(__x86_64__) && defined(__GNUC__) && defined(__linux__)

#include <cpuid.h>
#include <stdatomic.h>

#define GOOD_FOR_NS 1000000
#define PROMPT 8192 /* counts */

/* Looks that are so far apart give a pace, for what each is off by is little beside that; further apart they need not
 * have been on the same machine. */
#define PACE_AFTER_NS 1000000
#define PACE_UNTIL_NS 1000000000

/* Nanoseconds a count, with 32 bits behind the point: what there is counts some thousand million times a second. */
#define PACE_LEAST (UINT64_C(1) << 28)
#define PACE_MOST (UINT64_C(1) << 34)

typedef struct place {
    limi_instant looked;
    uint64_t count;    /* where the counter stood, or a little further */
    uint64_t good_for; /* counts from there; 0: it is not known how fast they go */
    uint64_t pace;
} place;

static _Thread_local place known;

/* In no order with what stands around it, or it would cost as much as the clock: off by some nanoseconds. */
static inline uint64_t counter(void)
{
    return __builtin_ia32_rdtsc();
}

/* Whether it is one that counts at the same pace whatever the processor does. To ask takes a virtual machine some
 * microseconds, so it is asked once. */
static bool is_even(void)
{
    enum { UNKNOWN, NO, YES };
    static _Atomic(int) even;
    unsigned a, b, c, d;
    int answer = atomic_load_explicit(&even, memory_order_relaxed);
    if (answer == UNKNOWN) {
        answer = __get_cpuid(0x80000007, &a, &b, &c, &d) != 0 && (d >> 8 & 1) != 0 ? YES : NO;
        atomic_store_explicit(&even, answer, memory_order_relaxed);
    }
    return answer == YES;
}

/* 0: it can't be told. */
static uint64_t pace_of(int64_t ns, uint64_t counts)
{
    uint64_t pace = ns <= PACE_UNTIL_NS && counts != 0 && is_even() ? ((uint64_t)ns << 32) / counts : 0;
    return pace >= PACE_LEAST && pace <= PACE_MOST ? pace : 0;
}

static limi_instant at(int64_t ns)
{
    return (limi_instant){known.looked.wall + ns, known.looked.monotonic + ns};
}

/* The distance of the two clocks may be measured anew for this, so the one that is counted on is asked again. */
LIMI_SELDOM static limi_instant look(void)
{
    limi_instant now = limi_clock_both();
    uint64_t before = counter(), count;
    int64_t monotonic = limi_clock_monotonic(), since_ns = monotonic - known.looked.monotonic;
    count = counter();
    now.wall += monotonic - now.monotonic;
    now.monotonic = monotonic;
    if (known.good_for != 0 && since_ns >= 0 && since_ns < GOOD_FOR_NS) {
        return at(GOOD_FOR_NS);
    }
    if (count - before < PROMPT && (since_ns < 0 || since_ns >= PACE_AFTER_NS)) {
        known.pace = since_ns >= 0 ? pace_of(since_ns, count - known.count) : 0;
        known.good_for = known.pace != 0 ? ((uint64_t)GOOD_FOR_NS << 32) / known.pace : 0;
        known.looked = now;
        known.count = count;
    }
    return now;
}

limi_instant limi_clock_counted(void)
{
    uint64_t passed = counter() - known.count;
    return passed < known.good_for ? at((int64_t)(passed * known.pace >> 32)) : look();
}

#else

limi_instant limi_clock_counted(void)
{
    return limi_clock_both();
}

#endif

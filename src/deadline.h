/* SPDX-License-Identifier: MIT */
/* deadline.h -- whether a deadline has passed, for no more than that costs. */
#ifndef LIMI_DEADLINE_H
#define LIMI_DEADLINE_H

#include <liminal/deadline.h>

#include "platform.h"

/* The last tick is old news, but by less than this, or the whole machine stood still. */
#define LIMI_TICK_SLACK_NS INT64_C(1000000000)

/* The monotonic clock, as exact as it has to be for who compares it with this deadline. */
static inline int64_t limi_clock_near(int64_t deadline_ns)
{
    int64_t tick = deadline_ns != INT64_MAX ? limi_tick_monotonic() : 0;
    bool far = deadline_ns > LIMI_TICK_SLACK_NS && deadline_ns - LIMI_TICK_SLACK_NS > tick;
    return far ? tick : limi_clock_monotonic();
}

/* The same for who knows a recent instant of it, no further back than that. */
static inline bool limi_deadline_is_past_by(int64_t deadline_ns, int64_t recent_ns)
{
    bool far = deadline_ns > LIMI_TICK_SLACK_NS && deadline_ns - LIMI_TICK_SLACK_NS > recent_ns;
    return !far && deadline_ns != INT64_MAX && limi_clock_monotonic() >= deadline_ns;
}

static inline bool limi_deadline_is_past(int64_t deadline_ns)
{
    return deadline_ns <= 0 || (deadline_ns != INT64_MAX && limi_clock_near(deadline_ns) >= deadline_ns);
}

#endif

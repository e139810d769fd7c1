/* SPDX-License-Identifier: MIT */
/* deadline.c -- points in time. */
#include <liminal/deadline.h>

#include "later.h"
#include "platform.h"

/* What is counted may be so far behind the clock, and a deadline is not to come early. */
#define COUNTED_LATE_NS 10000

liminal_deadline liminal_deadline_in_ns(int64_t ns)
{
    return (liminal_deadline){limi_later(limi_clock_counted().monotonic, ns > 0 ? limi_later(ns, COUNTED_LATE_NS) : 0)};
}

liminal_deadline liminal_deadline_in_ms(uint32_t ms)
{
    return liminal_deadline_in_ns((int64_t)ms * 1000000);
}

liminal_deadline liminal_deadline_never(void)
{
    return (liminal_deadline){INT64_MAX};
}

liminal_deadline liminal_deadline_passed(void)
{
    return (liminal_deadline){INT64_MIN};
}

liminal_deadline liminal_deadline_earlier(liminal_deadline a, liminal_deadline b)
{
    return a.ns < b.ns ? a : b;
}

int64_t liminal_deadline_remaining_ns(liminal_deadline deadline)
{
    int64_t now;
    if (deadline.ns == INT64_MAX) {
        return INT64_MAX;
    }
    now = limi_clock_monotonic();
    return deadline.ns > now ? deadline.ns - now : 0;
}

liminal_time liminal_time_now(void)
{
    return (liminal_time){limi_clock_counted().wall}; /* as an envelope is stamped, so the order of the two shows */
}

/* SPDX-License-Identifier: MIT */
/* later.h -- a point in time and a while after it, as far as there is time. Pure. */
#ifndef LIMI_LATER_H
#define LIMI_LATER_H

#include <stdint.h>

/* Neither is negative. */
static inline int64_t limi_later(int64_t ns, int64_t by_ns)
{
    return by_ns < INT64_MAX - ns ? ns + by_ns : INT64_MAX;
}

#endif

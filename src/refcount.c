/* SPDX-License-Identifier: MIT */
/* refcount.c -- a count of owners. */
#include "refcount.h"

#include "platform.h"

_Static_assert(sizeof(limi_atomic_u32) <= sizeof(limi_refcount), "a count has room for an atomic");
_Static_assert(_Alignof(limi_atomic_u32) <= _Alignof(limi_refcount), "a count is aligned for an atomic");

static limi_atomic_u32 *cell(limi_refcount *count)
{
    return (limi_atomic_u32 *)(void *)count->room;
}

void limi_refcount_init(limi_refcount *count)
{
    limi_u32_init(cell(count), 1);
}

void limi_refcount_up(limi_refcount *count)
{
    uint32_t before = limi_u32_add_relaxed(cell(count), 1);
    LIMI_ASSERT(before != 0 && before != UINT32_MAX);
}

bool limi_refcount_down(limi_refcount *count)
{
    uint32_t before = limi_u32_sub_acqrel(cell(count), 1);
    LIMI_ASSERT(before != 0);
    return before == 1;
}

bool limi_refcount_up_unless_zero(limi_refcount *count)
{
    uint32_t seen = limi_u32_load(cell(count));
    while (seen != 0) {
        LIMI_ASSERT(seen != UINT32_MAX);
        if (limi_u32_cas(cell(count), &seen, seen + 1)) {
            return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* refcount.c -- a count of owners: the rarer half. */
#include "refcount.h"

_Noreturn void limi_refcount_broken(void)
{
    __builtin_trap();
}

bool limi_refcount_up_unless_zero(limi_refcount *count)
{
    uint32_t seen = limi_u32_load(&count->owners);
    while (seen != 0) {
        if (seen == UINT32_MAX) {
            limi_refcount_broken();
        }
        if (limi_u32_cas(&count->owners, &seen, seen + 1)) {
            return true;
        }
    }
    return false;
}

/* SPDX-License-Identifier: MIT */
/* forgotten_unlock.c -- must not compile with clang -Wthread-safety -Werror: a path leaves with the lock. */
#include "platform.h"

int forgotten_unlock(limi_mutex *mutex, int wanted);

int forgotten_unlock(limi_mutex *mutex, int wanted)
{
    limi_mutex_lock(mutex);
    if (wanted == 0) {
        return 0;
    }
    limi_mutex_unlock(mutex);
    return wanted;
}

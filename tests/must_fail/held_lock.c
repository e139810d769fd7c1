/* SPDX-License-Identifier: MIT */
/* held_lock.c -- must fail: a lock of the library is destroyed while it is held, which is how a lock that
 * a function forgot to release shows when its owner ends. */
#include "platform.h"

#include <stdio.h>

static void forget(limi_mutex *mutex) LIMI_UNCHECKED
{
    limi_mutex_lock(mutex);
}

int main(void)
{
    limi_mutex mutex;
    limi_mutex_init(&mutex);
    forget(&mutex);
    (void)fputs("destroying a held lock\n", stderr);
    limi_mutex_destroy(&mutex);
    (void)fputs("nobody noticed\n", stderr);
    return 0;
}

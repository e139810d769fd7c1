/* SPDX-License-Identifier: MIT */
/* test_platform_watch.c -- a process is watched as this build does by itself: with a pidfd, or a thread. */
#define _GNU_SOURCE

#include "watch_cases.h"

int main(void)
{
    const struct CMUnitTest tests[] = {WATCH_CASES};
#ifdef LIMI_NO_PIDFD
    by_waiter = true;
#endif
    return cmocka_run_group_tests_name("platform_watch", tests, NULL, NULL);
}

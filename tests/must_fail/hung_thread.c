/* SPDX-License-Identifier: MIT */
/* hung_thread.c -- must fail: a test joins a thread that does not end. */
#include "support/harness.h"

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void wait_for_the_lock(void *argument)
{
    (void)argument;
    (void)pthread_mutex_lock(&held);
    (void)pthread_mutex_unlock(&held);
}

static void joins_for_ever(void **state)
{
    test_thread sleeper;
    (void)state;
    (void)pthread_mutex_lock(&held);
    test_thread_start(&sleeper, wait_for_the_lock, NULL);
    test_thread_join(&sleeper);
    (void)pthread_mutex_unlock(&held);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(joins_for_ever)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

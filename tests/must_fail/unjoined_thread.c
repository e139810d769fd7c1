/* SPDX-License-Identifier: MIT */
/* unjoined_thread.c -- must fail: a thread has ended, but nobody joined it. */
#include "support/harness.h"

static void *pass(void *argument)
{
    return argument;
}

static void never_joins(void **state)
{
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, pass, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(never_joins)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* leaked_thread.c -- must fail: a thread still runs when its test is over. */
#define _POSIX_C_SOURCE 200809L

#include "support/harness.h"

#include <unistd.h>

static void *stay(void *argument)
{
    for (;;) {
        (void)pause();
    }
    return argument;
}

static void leaves_a_thread(void **state)
{
    pthread_t thread;
    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, stay, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(leaves_a_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

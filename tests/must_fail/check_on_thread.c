/* SPDX-License-Identifier: MIT */
/* check_on_thread.c -- must fail: a check on another thread than the main one is false. */
#include "support/harness.h"

static void look(void *argument)
{
    (void)test_check(*(int *)argument == 8);
}

static void is_told_by_its_thread(void **state)
{
    int seven = 7;
    test_thread thread;
    (void)state;
    test_thread_start(&thread, look, &seven);
    test_thread_join(&thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(is_told_by_its_thread)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* hang.c -- must fail: a test waits for what never comes. */
#include "support/harness.h"

static test_gate reply = TEST_GATE_INIT;

static void waits_for_ever(void **state)
{
    (void)state;
    test_gate_wait(&reply);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(waits_for_ever)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* leaked_descriptor.c -- must fail: a descriptor stays open. */
#include "support/harness.h"

#include <fcntl.h>

static void leaves_a_descriptor(void **state)
{
    (void)state;
    assert_true(open("/dev/null", O_RDONLY) >= 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(leaves_a_descriptor)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

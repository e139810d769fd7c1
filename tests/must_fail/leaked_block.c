/* SPDX-License-Identifier: MIT */
/* leaked_block.c -- must fail: a block is never released. */
#include "support/harness.h"

static void leaves_a_block(void **state)
{
    const liminal_allocator *allocator = test_allocator();
    (void)state;
    assert_non_null(allocator->allocate(allocator->context, 24));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(leaves_a_block)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

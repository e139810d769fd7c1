/* SPDX-License-Identifier: MIT */
/* wrong_size.c -- must fail: a block is released with another size than it was allocated with. */
#include "support/harness.h"

static void releases_less(void **state)
{
    const liminal_allocator *allocator = test_allocator();
    void *memory = allocator->allocate(allocator->context, 24);
    (void)state;
    assert_non_null(memory);
    allocator->release(allocator->context, memory, 23);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(releases_less)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

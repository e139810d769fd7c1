/* SPDX-License-Identifier: MIT */
/* double_release.c -- must fail: a block is released twice. */
#include "support/harness.h"

static void releases_twice(void **state)
{
    const liminal_allocator *allocator = test_allocator();
    void *memory = allocator->allocate(allocator->context, 24);
    (void)state;
    assert_non_null(memory);
    allocator->release(allocator->context, memory, 24);
    allocator->release(allocator->context, memory, 24);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(releases_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* late_write.c -- must fail: a block is written to after its release. */
#include "support/harness.h"

static void writes_late(void **state)
{
    const liminal_allocator *allocator = test_allocator();
    volatile unsigned char *memory = allocator->allocate(allocator->context, 24);
    (void)state;
    assert_non_null((const void *)(uintptr_t)memory);
    allocator->release(allocator->context, (void *)(uintptr_t)memory, 24);
    memory[8] = 0; /* under ASan this ends the program */
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(writes_late)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

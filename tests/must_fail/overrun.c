/* SPDX-License-Identifier: MIT */
/* overrun.c -- must fail: one byte is written past the end of a block. */
#include "support/harness.h"

static void writes_past_the_end(void **state)
{
    const liminal_allocator *allocator = test_allocator();
    volatile unsigned char *memory = allocator->allocate(allocator->context, 21);
    (void)state;
    assert_non_null((const void *)(uintptr_t)memory);
    memory[21] = 0; /* under ASan this ends the program */
    allocator->release(allocator->context, (void *)(uintptr_t)memory, 21);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(writes_past_the_end)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

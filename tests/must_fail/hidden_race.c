/* SPDX-License-Identifier: MIT */
/* hidden_race.c -- must fail, under TSan: two threads write the same word with nothing between them but
 * the counting allocator. If its lock counted as an order, it would hide races like this one. */
#include "support/harness.h"

static volatile int word;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool written; /* under the lock */

static void allocate_something(void)
{
    const liminal_allocator *allocator = test_allocator();
    void *memory = allocator->allocate(allocator->context, 32);
    allocator->release(allocator->context, memory, 32);
}

static bool is_written(void)
{
    bool seen;
    (void)pthread_mutex_lock(&lock);
    seen = written;
    (void)pthread_mutex_unlock(&lock);
    return seen;
}

static void write_first(void *argument)
{
    (void)pthread_mutex_lock(&lock);
    written = true;
    (void)pthread_mutex_unlock(&lock);
    word = 1; /* after the unlock: the other one is not told of it */
    allocate_something();
    test_gate_wait(argument);
}

static void races(void **state)
{
    test_gate end = TEST_GATE_INIT;
    test_thread thread;
    (void)state;
    test_thread_start(&thread, write_first, &end);
    test_until(is_written());
    test_until(test_allocations() > 0); /* so that in time, if not in order, the write has been */
    allocate_something();
    word = 2;
    test_gate_open(&end);
    test_thread_join(&thread);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(races)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

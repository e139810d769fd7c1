/* SPDX-License-Identifier: MIT */
/* test_own_backend.c -- the suite over the backend of the example, and the example itself. */
int own_backend_main(void);
#define main own_backend_main
#include "../../examples/own_backend.c"
#undef main

#include "suite.h"

static size_t released;

static void count_release(void *self)
{
    released++;
    loopback_release(self);
}

static void open_own(const suite_backend *backend, liminal_conversation **out)
{
    liminal_backend table = loopback_backend;
    loopback *self = NULL;
    (void)backend;
    table.release = count_release;
    released = 0;
    suite_is(loopback_create(&self), OK);
    suite_is(liminal_conversation_open(&table, self, test_allocator(), out), OK);
}

static void end_own(const suite_backend *backend)
{
    (void)backend;
    assert_int_equal(released, 1);
}

static void test_the_example_runs(void **state)
{
    (void)state;
    assert_int_equal(own_backend_main(), 0);
}

int main(void)
{
    static const suite_backend own = {
        .name = "own", .open = open_own, .end = end_own, .bound = ROOM, .waits = true, .capital = true, .asks = true};
    const struct CMUnitTest more[] = {TEST(test_the_example_runs)};
    int failed = suite_run("own backend", &own, 1);
    return failed + cmocka_run_group_tests_name("own backend, more", more, NULL, NULL);
}

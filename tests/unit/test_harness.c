/* SPDX-License-Identifier: MIT */
/* test_harness.c -- the harness does what the other tests trust it to do. That it also fails when it
 * should is proved in tests/must_fail. */
#include "support/harness.h"

#include <errno.h>

static void *take(size_t bytes)
{
    return test_allocator()->allocate(test_allocator()->context, bytes);
}

static void give(void *memory, size_t bytes)
{
    test_allocator()->release(test_allocator()->context, memory, bytes);
}

static void test_counts_blocks(void **state)
{
    unsigned char *a = take(10), *b = take(20);
    (void)state;
    assert_int_equal(test_blocks(), 2);
    assert_int_equal(test_bytes(), 30);
    assert_int_equal(test_allocations(), 2);
    assert_int_equal(a[0], 0xa5);
    assert_int_equal(b[19], 0xa5);
    assert_int_equal((uintptr_t)a % _Alignof(max_align_t), 0);
    give(a, 10);
    assert_int_equal(test_blocks(), 1);
    assert_int_equal(test_bytes(), 20);
    give(b, 20);
    assert_int_equal(test_blocks(), 0);
    assert_int_equal(test_allocations(), 2);
}

static void test_counts_from_the_setup(void **state)
{
    (void)state;
    assert_int_equal(test_blocks(), 0);
    assert_int_equal(test_allocations(), 0);
    assert_int_equal(test_threads_asked(), 0);
}

static void test_fails_the_nth(void **state)
{
    void *a, *b;
    (void)state;
    test_fail_nth(2);
    a = take(1);
    assert_non_null(a);
    assert_null(take(1));
    b = take(1);
    assert_non_null(b);
    assert_int_equal(test_allocations(), 3);
    assert_int_equal(test_blocks(), 2);
    give(a, 1);
    give(b, 1);
    test_fail_nth(1);
    test_fail_nth(0);
    a = take(1);
    assert_non_null(a);
    give(a, 1);
}

static void test_fails_from(void **state)
{
    void *a;
    (void)state;
    test_fail_from(2);
    a = take(1);
    assert_non_null(a);
    assert_null(take(1));
    assert_null(take(1));
    test_fail_nth(0);
    give(a, 1);
    a = take(1);
    assert_non_null(a);
    give(a, 1);
}

static void test_refuses_the_absurd(void **state)
{
    (void)state;
    assert_null(take(SIZE_MAX));
    assert_null(take(((size_t)1 << 30) + 1));
    assert_int_equal(test_blocks(), 0);
}

static void test_survives_many_releases(void **state)
{
    (void)state;
    for (int i = 0; i < 10000; i++) { /* more than are kept */
        void *memory = take(64);
        assert_non_null(memory);
        give(memory, 64);
    }
    assert_int_equal(test_blocks(), 0);
    assert_int_equal(test_allocations(), 10000);
}

static void *nothing(void *argument)
{
    return argument;
}

static int start_one(void)
{
    pthread_t thread;
    int failed = pthread_create(&thread, NULL, nothing, NULL);
    return failed != 0 ? failed : pthread_join(thread, NULL);
}

static void test_refuses_threads(void **state)
{
    (void)state;
    test_refuse_threads(2);
    assert_int_equal(start_one(), 0);
    assert_int_equal(start_one(), EAGAIN);
    assert_int_equal(start_one(), 0);
    test_refuse_all_threads(true);
    assert_int_equal(start_one(), EAGAIN);
    assert_int_equal(start_one(), EAGAIN);
    test_refuse_all_threads(false);
    assert_int_equal(start_one(), 0);
    assert_int_equal(test_threads_asked(), 6);
}

typedef struct meeting {
    test_gate come, gone;
    int seen;
} meeting;

static void meet(void *argument)
{
    meeting *m = argument;
    for (int i = 0; i < 3; i++) {
        test_gate_wait(&m->come);
        m->seen++;
        test_gate_open(&m->gone);
    }
}

static void test_gates_count(void **state)
{
    meeting m = {TEST_GATE_INIT, TEST_GATE_INIT, 0};
    test_thread thread;
    (void)state;
    test_refuse_all_threads(true); /* the test's own are not refused */
    test_thread_start(&thread, meet, &m);
    for (int i = 1; i <= 3; i++) {
        assert_false(test_gate_try(&m.gone));
        test_gate_open(&m.come);
        test_gate_wait(&m.gone);
        assert_int_equal(m.seen, i);
    }
    test_thread_join(&thread);
    assert_false(test_gate_try(&m.come));
    test_gate_open(&m.come);
    test_gate_open(&m.come);
    assert_true(test_gate_try(&m.come));
    test_gate_wait(&m.come);
    assert_false(test_gate_try(&m.come));
    assert_int_equal(test_threads_asked(), 0);
}

static void end_early(void *argument)
{
    (void)argument;
    pthread_exit(NULL);
}

static void test_joins_a_thread_that_ended_itself(void **state)
{
    test_thread thread;
    (void)state;
    test_thread_start(&thread, end_early, NULL);
    test_thread_join(&thread);
}

static void count_up(void *argument)
{
    for (int i = 0; i < 2000; i++) {
        void *memory = take(16);
        if (test_check(memory != NULL)) {
            give(memory, 16);
        }
    }
    test_gate_open(argument);
}

static void test_counts_on_all_threads(void **state)
{
    enum { THREADS = 4 };
    test_gate done = TEST_GATE_INIT;
    test_thread threads[THREADS];
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        test_thread_start(&threads[i], count_up, &done);
    }
    for (int i = 0; i < THREADS; i++) {
        test_gate_wait(&done);
        test_thread_join(&threads[i]);
    }
    assert_int_equal(test_allocations(), THREADS * 2000);
    assert_int_equal(test_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_counts_blocks),
        TEST(test_counts_from_the_setup),
        TEST(test_fails_the_nth),
        TEST(test_fails_from),
        TEST(test_refuses_the_absurd),
        TEST(test_survives_many_releases),
        TEST(test_refuses_threads),
        TEST(test_gates_count),
        TEST(test_joins_a_thread_that_ended_itself),
        TEST(test_counts_on_all_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

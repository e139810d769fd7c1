/* SPDX-License-Identifier: MIT */
/* test_pids.c -- the index of processes by pid: finding, growing without memory, reading while it grows. */
#include "support/harness.h"

#include "pids.h"
#include "process.h"

#include <string.h>

enum { MANY = 3000, FIRST = 1000 };

static limi_process people[MANY];
static limi_pids pids;

static liminal_pid pid_of(size_t i)
{
    return (liminal_pid){FIRST + i};
}

static void begin(void)
{
    memset(people, 0, sizeof people);
    limi_pids_init(&pids);
    for (size_t i = 0; i < MANY; i++) {
        people[i].exit.pid = pid_of(i);
    }
}

static void add(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        limi_pids_add(&pids, &people[i], test_allocator());
    }
}

static void take_out(size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        limi_pids_remove(&pids, &people[i], test_allocator());
    }
}

/* These, and none but these. */
static void assert_there(size_t from, size_t to)
{
    assert_int_equal(pids.count, to - from);
    for (size_t i = 0; i < MANY; i++) {
        limi_process *expected = i >= from && i < to ? &people[i] : NULL;
        assert_ptr_equal(limi_pids_find(&pids, pid_of(i)), expected);
    }
    assert_null(limi_pids_find(&pids, (liminal_pid){0}));
    assert_null(limi_pids_find(&pids, (liminal_pid){UINT64_MAX}));
}

static void who_was_added_is_found(void **state)
{
    (void)state;
    begin();
    assert_there(0, 0);
    add(0, MANY);
    assert_there(0, MANY);
    assert_true(pids.bits > LIMI_PIDS_FEW_BITS);
    take_out(0, MANY / 2);
    assert_there(MANY / 2, MANY);
    take_out(MANY / 2, MANY);
    assert_there(0, 0);
    assert_int_equal(test_blocks(), 0); /* nothing is kept for nobody */
    add(0, 1);
    assert_there(0, 1);
    take_out(0, 1);
}

static void without_memory_nobody_is_lost(void **state)
{
    (void)state;
    begin();
    test_fail_from(1);
    add(0, MANY / 2);
    test_fail_nth(0);
    assert_int_equal(pids.bits, LIMI_PIDS_FEW_BITS);
    assert_there(0, MANY / 2);
    add(MANY / 2, MANY); /* now there is some */
    assert_true(pids.bits > LIMI_PIDS_FEW_BITS);
    assert_there(0, MANY);
    take_out(0, MANY);
}

/* How often each one is read; it grows, or is emptied and filled, behind each bucket. */
static void read_all(unsigned seen[MANY], size_t *there, size_t more_each_time)
{
    uint64_t place = 0;
    bool more = true;
    while (more) {
        limi_process *process;
        more = limi_pids_read(&pids, &place, &process);
        for (; process != NULL; process = process->chained) {
            seen[process - people]++;
        }
        if (*there + more_each_time <= MANY) {
            add(*there, *there + more_each_time);
            *there += more_each_time;
        }
    }
}

static void who_is_there_all_the_time_is_read_once(void **state)
{
    static const size_t steps[] = {0, 1, 50, 700};
    (void)state;
    for (size_t k = 0; k < sizeof steps / sizeof *steps; k++) {
        static unsigned seen[MANY];
        size_t there = 100;
        begin();
        memset(seen, 0, sizeof seen);
        add(0, there);
        read_all(seen, &there, steps[k]);
        for (size_t i = 0; i < MANY; i++) {
            assert_true(i < 100 ? seen[i] == 1 : seen[i] <= 1);
        }
        take_out(0, there);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_was_added_is_found),
        TEST(without_memory_nobody_is_lost),
        TEST(who_is_there_all_the_time_is_read_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

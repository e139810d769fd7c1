/* SPDX-License-Identifier: MIT */
/* test_waiter.c -- one thread waits, once, for one thing. */
#include "support/harness.h"

#include "waiter.h"

static int64_t in_ns(int64_t ns)
{
    return limi_clock_monotonic() + ns;
}

static void done_before_the_wait(void **state)
{
    limi_waiter waiter;
    (void)state;
    limi_waiter_init(&waiter);
    assert_false(limi_waiter_is_done(&waiter));
    limi_waiter_done(&waiter);
    assert_true(limi_waiter_is_done(&waiter));
    assert_true(limi_waiter_wait(&waiter, NULL, INT64_MIN)); /* done counts more than the deadline */
    assert_true(limi_waiter_wait(&waiter, NULL, INT64_MAX));
    limi_waiter_destroy(&waiter);
}

static void a_deadline_may_be_followed_by_another_wait(void **state)
{
    limi_waiter waiter;
    int64_t until = in_ns(2000000);
    (void)state;
    limi_waiter_init(&waiter);
    assert_false(limi_waiter_wait(&waiter, NULL, INT64_MIN));
    assert_false(limi_waiter_wait(&waiter, NULL, 0));
    assert_false(limi_waiter_wait(&waiter, NULL, until));
    assert_true(limi_clock_monotonic() >= until); /* not before */
    assert_false(limi_waiter_is_done(&waiter));
    limi_waiter_done(&waiter);
    assert_true(limi_waiter_wait(&waiter, NULL, INT64_MIN));
    limi_waiter_destroy(&waiter);
}

enum { ROUNDS = 20000 };

typedef struct ring {
    limi_waiter here, there;
    int plain;
} ring;

static void answer_each(void *argument)
{
    ring *rings = argument;
    for (int i = 0; i < ROUNDS; i++) {
        (void)test_check(limi_waiter_wait(&rings[i].there, NULL, INT64_MAX));
        (void)test_check(rings[i].plain == i);
        rings[i].plain = -i;
        limi_waiter_done(&rings[i].here);
    }
}

static ring rings[ROUNDS];

/* No wake is lost: one that is would hang. What was written before is seen after: TSan looks. */
static void there_and_back(void **state)
{
    test_thread thread;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        limi_waiter_init(&rings[i].here);
        limi_waiter_init(&rings[i].there);
    }
    test_thread_start(&thread, answer_each, rings);
    for (int i = 0; i < ROUNDS; i++) {
        rings[i].plain = i;
        limi_waiter_done(&rings[i].there);
        assert_true(limi_waiter_wait(&rings[i].here, NULL, INT64_MAX));
        assert_int_equal(rings[i].plain, -i);
    }
    test_thread_join(&thread);
    for (int i = 0; i < ROUNDS; i++) {
        limi_waiter_destroy(&rings[i].here);
        limi_waiter_destroy(&rings[i].there);
    }
}

typedef struct crossing {
    limi_waiter waiter;
    int64_t lead; /* this much before the deadline */
    int64_t deadline;
} crossing;

static void be_done_about_then(void *argument)
{
    crossing *c = argument;
    while (limi_clock_monotonic() < c->deadline - c->lead) {
        limi_relax();
    }
    limi_waiter_done(&c->waiter);
}

/* A wait that ends with the deadline and one that ends with the thing: both happen, and after false the
 * thing is still not lost. */
static void done_crosses_the_deadline(void **state)
{
    int in_time = 0, late = 0;
    (void)state;
    for (int i = 0; i < 200 || ((in_time == 0 || late == 0) && i < 4000); i++) {
        int64_t slower = 1 + i / 200; /* than the machine was believed to be */
        crossing c = {.lead = (i % 9 - 4) * slower * 20000};
        test_thread thread;
        limi_waiter_init(&c.waiter);
        c.deadline = in_ns(slower * 300000);
        test_thread_start(&thread, be_done_about_then, &c);
        if (limi_waiter_wait(&c.waiter, NULL, c.deadline)) {
            in_time++;
        } else {
            late++;
            assert_true(limi_clock_monotonic() >= c.deadline);
            assert_true(limi_waiter_wait(&c.waiter, NULL, INT64_MAX));
        }
        assert_true(limi_waiter_is_done(&c.waiter));
        test_thread_join(&thread);
        limi_waiter_destroy(&c.waiter);
    }
    assert_true(in_time > 0);
    assert_true(late > 0);
}

static void disturb(void *argument)
{
    limi_waiter_disturb(argument);
}

static void a_disturbed_wait_ends_early_and_loses_nothing(void **state)
{
    limi_waiter waiter;
    test_thread thread;
    (void)state;
    limi_waiter_init(&waiter);
    limi_waiter_disturb(&waiter);
    assert_false(limi_waiter_is_done(&waiter));
    assert_false(limi_waiter_wait(&waiter, NULL, INT64_MAX)); /* the next one */
    test_thread_start(&thread, disturb, &waiter);
    assert_false(limi_waiter_wait(&waiter, NULL, INT64_MAX)); /* or the one that is under way */
    test_thread_join(&thread);
    limi_waiter_disturb(&waiter);
    limi_waiter_done(&waiter);
    limi_waiter_disturb(&waiter); /* changes nothing any more */
    assert_true(limi_waiter_is_done(&waiter));
    assert_true(limi_waiter_wait(&waiter, NULL, INT64_MAX));
    limi_waiter_destroy(&waiter);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(done_before_the_wait),
        TEST(a_deadline_may_be_followed_by_another_wait),
        TEST(a_disturbed_wait_ends_early_and_loses_nothing),
        TEST(there_and_back),
        TEST(done_crosses_the_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_quota.c -- the bound of a mailbox. */
#include "support/harness.h"

#include "quota.h"

static bool never_gives_up(void *argument)
{
    (void)argument;
    return false;
}

static void wait_for_a_place(void *argument)
{
    (void)test_check(limi_quota_wait(argument, 1, never_gives_up, NULL, INT64_MAX) == LIMI_ROOM_TAKEN);
}

static void both_bounds_hold(void **state)
{
    limi_quota quota;
    (void)state;
    limi_quota_init(&quota, 3, 100);
    assert_true(limi_quota_fits(&quota, 100));
    assert_false(limi_quota_fits(&quota, 101));
    assert_true(limi_quota_take(&quota, 60));
    assert_false(limi_quota_take(&quota, 41)); /* too wide now */
    assert_true(limi_quota_take(&quota, 40));
    assert_true(limi_quota_take(&quota, 0)); /* no bytes, but a place */
    assert_false(limi_quota_take(&quota, 0));
    limi_quota_release(&quota, 60);
    assert_false(limi_quota_take(&quota, 61));
    assert_true(limi_quota_take(&quota, 60));
    limi_quota_release(&quota, 60);
    limi_quota_release(&quota, 40);
    limi_quota_release(&quota, 0);
    assert_true(limi_quota_take(&quota, 100));
    limi_quota_destroy(&quota);
}

static void places_go_back_together(void **state)
{
    limi_quota quota;
    (void)state;
    limi_quota_init(&quota, 3, 100);
    assert_true(limi_quota_take(&quota, 50) && limi_quota_take(&quota, 30) && limi_quota_take(&quota, 20));
    limi_quota_release_all(&quota, 2, 70);
    assert_false(limi_quota_take(&quota, 71));
    assert_true(limi_quota_take(&quota, 69) && limi_quota_take(&quota, 1));
    assert_false(limi_quota_take(&quota, 0));
    limi_quota_release_all(&quota, 3, 100);
    assert_int_equal(limi_u64_load(&quota.used), 0);
    limi_quota_destroy(&quota);
}

/* With no room for anybody. */
static void patience_ends(void **state)
{
    limi_quota quota;
    test_thread thread;
    (void)state;
    limi_quota_init(&quota, 64, SIZE_MAX);
    for (int i = 0; i < 64; i++) {
        assert_true(limi_quota_take(&quota, 1));
    }
    test_thread_start(&thread, wait_for_a_place, &quota);
    test_until(limi_u32_load(&quota.waiting) == 1);
    limi_quota_release(&quota, 1); /* far from half, and yet it is woken */
    test_thread_join(&thread);
    assert_int_equal(limi_u32_load(&quota.waiting), 0);
    limi_quota_destroy(&quota);
}

static void without_a_bound_there_is_room(void **state)
{
    limi_quota quota;
    const size_t gib = (size_t)1 << 30;
    (void)state;
    limi_quota_init(&quota, SIZE_MAX, SIZE_MAX);
    assert_true(limi_quota_fits(&quota, gib));
    for (int i = 0; i < 60; i++) {
        assert_true(limi_quota_take(&quota, gib));
    }
    for (int i = 0; i < 60; i++) {
        limi_quota_release(&quota, gib);
    }
    limi_quota_destroy(&quota);
}

static void a_wait_without_time_looks_once(void **state)
{
    limi_quota quota;
    int64_t until;
    (void)state;
    limi_quota_init(&quota, 1, 10);
    assert_int_equal(limi_quota_wait(&quota, 10, never_gives_up, NULL, INT64_MIN), LIMI_ROOM_TAKEN);
    assert_int_equal(limi_quota_wait(&quota, 10, never_gives_up, NULL, INT64_MIN), LIMI_ROOM_TIMED_OUT);
    until = limi_clock_monotonic() + 2000000;
    assert_int_equal(limi_quota_wait(&quota, 10, never_gives_up, NULL, until), LIMI_ROOM_TIMED_OUT);
    assert_true(limi_clock_monotonic() >= until);
    assert_int_equal(limi_u32_load(&quota.waiting), 0);
    limi_quota_release(&quota, 10);
    assert_true(limi_quota_take(&quota, 10)); /* those that timed out took nothing */
    limi_quota_destroy(&quota);
}

/* ---- giving up ---- */

typedef struct patient {
    limi_quota quota;
    limi_atomic_u32 gone;
    limi_room outcome;
} patient;

static bool is_gone(void *argument)
{
    return limi_u32_load(&((patient *)argument)->gone) != 0;
}

static void be_patient(void *argument)
{
    patient *p = argument;
    p->outcome = limi_quota_wait(&p->quota, 1, is_gone, p, INT64_MAX);
}

static void those_who_wait_are_told_to_go(void **state)
{
    patient p;
    test_thread thread;
    (void)state;
    limi_quota_init(&p.quota, 1, 1);
    limi_u32_init(&p.gone, 0);
    assert_true(limi_quota_take(&p.quota, 1));
    test_thread_start(&thread, be_patient, &p);
    test_until(limi_u32_load(&p.quota.waiting) == 1);
    limi_u32_store(&p.gone, 1);
    limi_quota_disturb(&p.quota);
    test_thread_join(&thread);
    assert_int_equal(p.outcome, LIMI_ROOM_GIVEN_UP);
    limi_quota_release(&p.quota, 1);
    assert_int_equal(limi_quota_wait(&p.quota, 1, is_gone, &p, INT64_MAX), LIMI_ROOM_GIVEN_UP); /* before room */
    assert_true(limi_quota_take(&p.quota, 1));
    limi_quota_destroy(&p.quota);
}

/* ---- two threads, one place ---- */

enum { EACH = 20000 };

typedef struct bench {
    limi_quota quota;
    int plain; /* guarded by having the one place: TSan looks */
} bench;

static void sit_and_rise(void *argument)
{
    bench *b = argument;
    for (int i = 0; i < EACH; i++) {
        (void)test_check(limi_quota_wait(&b->quota, 7, never_gives_up, NULL, INT64_MAX) == LIMI_ROOM_TAKEN);
        b->plain++;
        limi_quota_release(&b->quota, 7);
    }
}

static void one_place_is_a_lock(void **state)
{
    static bench b;
    test_thread threads[2];
    (void)state;
    limi_quota_init(&b.quota, 1, 7);
    b.plain = 0;
    for (int i = 0; i < 2; i++) {
        test_thread_start(&threads[i], sit_and_rise, &b);
    }
    for (int i = 0; i < 2; i++) {
        test_thread_join(&threads[i]);
    }
    assert_int_equal(b.plain, 2 * EACH);
    assert_int_equal(limi_u64_load(&b.quota.used), 0);
    assert_int_equal(limi_u32_load(&b.quota.waiting), 0);
    limi_quota_destroy(&b.quota);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(both_bounds_hold),
        TEST(places_go_back_together),
        TEST(patience_ends),
        TEST(without_a_bound_there_is_room),
        TEST(a_wait_without_time_looks_once),
        TEST(those_who_wait_are_told_to_go),
        TEST(one_place_is_a_lock),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

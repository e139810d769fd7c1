/* SPDX-License-Identifier: MIT */
/* test_platform_clock.c -- the clocks of the treaty say the same, within what each promises. */
#include "support/harness.h"

#include "platform.h"

#define MILLISECOND INT64_C(1000000)
#define MINUTE (60 * INT64_C(1000000000)) /* for a machine that is busy */

static bool is_near(int64_t a, int64_t b)
{
    return a - b < MINUTE && b - a < MINUTE;
}

/* The wall clock may be set meanwhile, but not thrice. */
static void both_clocks_are_those_two(void **state)
{
    bool wall = false;
    (void)state;
    for (int tries = 0; tries < 3 && !wall; tries++) {
        limi_instant both = limi_clock_both();
        assert_true(is_near(both.monotonic, limi_clock_monotonic()));
        wall = is_near(both.wall, limi_clock_wall());
    }
    assert_true(wall);
}

static void a_tick_is_not_far_behind(void **state)
{
    bool wall = false;
    int64_t before = limi_tick_monotonic();
    (void)state;
    assert_true(before <= limi_clock_monotonic());
    assert_true(is_near(limi_tick_monotonic(), limi_clock_monotonic()));
    for (int tries = 0; tries < 3 && !wall; tries++) {
        wall = is_near(limi_tick_wall(), limi_clock_wall());
    }
    assert_true(wall);
}

static void what_is_recent_is_no_older_than_what_was_seen_nor_than_a_tick(void **state)
{
    limi_instant seen = limi_clock_both();
    int64_t from = limi_clock_monotonic();
    bool again = false;
    (void)state;
    do { /* until the system has ticked */
        int64_t tick = limi_tick_monotonic();
        limi_instant recent = limi_clock_recent();
        assert_true(recent.monotonic >= seen.monotonic && recent.monotonic >= tick);
        assert_true(recent.monotonic <= limi_clock_monotonic());
        again = again || recent.monotonic != seen.monotonic;
        seen = recent;
    } while (!again && limi_clock_monotonic() - from < MINUTE);
    assert_true(again);
}

/* For so long that it is counted from several looks at the clocks. */
static void what_is_counted_is_what_the_clocks_say_to_the_millisecond(void **state)
{
    int64_t from = limi_clock_monotonic(), now;
    limi_instant counted = limi_clock_counted();
    (void)state;
    do {
        int64_t before = limi_clock_monotonic(), last = counted.monotonic;
        counted = limi_clock_counted();
        now = limi_clock_monotonic();
        assert_true(counted.monotonic >= last);
        assert_true(counted.monotonic > before - MILLISECOND && counted.monotonic < now + MILLISECOND);
    } while (now - from < 20 * MILLISECOND);
    assert_true(is_near(counted.wall, limi_clock_wall()) || is_near(limi_clock_counted().wall, limi_clock_wall()));
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(both_clocks_are_those_two), TEST(a_tick_is_not_far_behind),
                                       TEST(what_is_recent_is_no_older_than_what_was_seen_nor_than_a_tick),
                                       TEST(what_is_counted_is_what_the_clocks_say_to_the_millisecond)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

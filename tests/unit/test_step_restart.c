/* SPDX-License-Identifier: MIT */
/* test_step_restart.c -- how often an actor may be killed, and what the conversation does about it. */
#include "step_kit.h"

enum { MOST = 3, WINDOW = 100 };

static limi_intensity intensity_of(int64_t *times, uint32_t most)
{
    return (limi_intensity){.times = times, .most = most, .window_ns = WINDOW};
}

static void so_many_within_the_window(void **state)
{
    int64_t times[MOST];
    limi_intensity i = intensity_of(times, MOST);
    (void)state;
    assert_true(limi_intensity_allows(&i, 1000));
    assert_true(limi_intensity_allows(&i, 1010));
    assert_true(limi_intensity_allows(&i, 1010)); /* at the same instant, and exactly as many as may be */
    assert_false(limi_intensity_allows(&i, 1010));
    assert_false(limi_intensity_allows(&i, 1099)); /* the first is still within the window */
    assert_true(limi_intensity_allows(&i, 1100)); /* now it is not; those that were refused do not count */
    assert_false(limi_intensity_allows(&i, 1109));
    assert_true(limi_intensity_allows(&i, 1110));
    assert_true(limi_intensity_allows(&i, 1110));
    assert_false(limi_intensity_allows(&i, 1110));
    assert_true(limi_intensity_allows(&i, 5000));
}

static void none_at_all(void **state)
{
    limi_intensity i = intensity_of(NULL, 0);
    (void)state;
    assert_false(limi_intensity_allows(&i, 0));
    assert_false(limi_intensity_allows(&i, 1000000));
}

static void one(void **state)
{
    int64_t times[1];
    limi_intensity i = intensity_of(times, 1);
    (void)state;
    for (int64_t now = 0; now < 10 * WINDOW; now += WINDOW) {
        assert_true(limi_intensity_allows(&i, now));
        assert_false(limi_intensity_allows(&i, now));
        assert_false(limi_intensity_allows(&i, now + WINDOW - 1));
    }
}

/* Beside a record of everything that does not forget. */
static void as_one_would_count(void **state)
{
    enum { STEPS = 4000 };
    static int64_t allowed[STEPS];
    uint32_t chance = 12345;
    (void)state;
    for (uint32_t most = 1; most <= LIMINAL_RESTARTS_MOST; most += 9) {
        int64_t times[LIMINAL_RESTARTS_MOST], now = 0;
        limi_intensity i = intensity_of(times, most);
        size_t count = 0;
        for (int n = 0; n < STEPS; n++) {
            size_t within = 0;
            chance = chance * 1664525u + 1013904223u;
            now += (chance >> 16) % (3 * WINDOW / most + 1) * (chance >> 30 != 0);
            for (size_t k = count; k > 0 && now - allowed[k - 1] < WINDOW; k--) {
                within++;
            }
            assert_int_equal(limi_intensity_allows(&i, now), within < most);
            if (within < most) {
                allowed[count++] = now;
            }
        }
        assert_true(count > 0 && count < STEPS); /* both have been seen */
    }
}

/* ---- the conversation ---- */

static void open_killable(world *w, int64_t *times, uint32_t most)
{
    begin(w, 1, 1);
    w->dialogue.intensity = (limi_intensity){.times = times, .most = most, .window_ns = 5000000};
}

static void a_restart_changes_nothing_else(void **state)
{
    world w;
    int64_t times[MOST];
    named a, b, c, r, x;
    (void)state;
    open_killable(&w, times, MOST);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    renew_saying(&b, LIMI_TICKET_SEND, 'b');
    renew_saying(&c, LIMI_TICKET_ASK, 'c');
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    (void)sent(&w, &a);
    (void)sent(&w, &b);
    (void)pull(&w, 0);
    (void)receive(&w, &r);
    assert_string_equal(killed(&w), "restart");
    assert_refusal(&w, LIMINAL_OK, "");
    assert_string_equal(answered(&w, &a, "A"), "a=OK");
    assert_string_equal(sent(&w, &c), "");
    assert_string_equal(pull(&w, 0), "!b0");
    assert_string_equal(answered(&w, &b, "B"), "b= r=OK");
    (void)closing(&w, &x, INT64_MAX);
    assert_string_equal(killed(&w), "restart"); /* while it is closing as well */
    assert_string_equal(pull(&w, 0), "!c0");
    assert_string_equal(answered(&w, &c, "C"), "c=OK x.OK closing final");
    assert_string_equal(killed(&w), ""); /* it is over */
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_CLOSED);
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&c);
    drop_ticket(&r);
    end_world(&w);
}

static void killed_once_too_often_it_fails(void **state)
{
    world w;
    int64_t times[2];
    named a, r, x;
    (void)state;
    for (int closes = 0; closes < 2; closes++) {
        open_killable(&w, times, 2);
        renew_saying(&a, LIMI_TICKET_ASK, 'a');
        renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
        renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
        (void)sent(&w, &a);
        (void)receive(&w, &r);
        assert_string_equal(killed(&w), "restart");
        assert_string_equal(killed(&w), "restart");
        if (closes) {
            (void)closing(&w, &x, INT64_MAX);
        }
        assert_string_equal(killed(&w), closes ? "a=EFAILED r=EFAILED x.OK closing final"
                                               : "a=EFAILED r=EFAILED closing final");
        assert_refusal(&w, LIMINAL_EFAILED, "the actor was killed more than 2 times within 5 ms");
        assert_log(&w, "sent a, failed EFAILED");
        assert_counts(&w, "sent 1 received 0 withdrawn 1 late 0 silent 0 unfinished 0");
        assert_string_equal(killed(&w), "");
        drop_ticket(&a);
        end_world(&w);
    }
}

static void where_none_is_allowed_the_first_kill_fails_it(void **state)
{
    world w;
    (void)state;
    open_killable(&w, NULL, 0);
    assert_string_equal(killed(&w), "closing final");
    assert_refusal(&w, LIMINAL_EFAILED, "the actor was killed more than 0 times within 5 ms");
    end_world(&w);
}

static void with_time_between_them_it_goes_on(void **state)
{
    world w;
    int64_t times[1];
    (void)state;
    open_killable(&w, times, 1);
    for (int i = 0; i < 10; i++) {
        assert_string_equal(killed(&w), "restart");
        w.now_ns += 5000000;
    }
    w.now_ns -= 1;
    assert_string_equal(killed(&w), "closing final");
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(so_many_within_the_window),
        TEST(none_at_all),
        TEST(one),
        TEST(as_one_would_count),
        TEST(a_restart_changes_nothing_else),
        TEST(killed_once_too_often_it_fails),
        TEST(where_none_is_allowed_the_first_kill_fails_it),
        TEST(with_time_between_them_it_goes_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

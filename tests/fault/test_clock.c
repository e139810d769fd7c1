/* SPDX-License-Identifier: MIT */
/* test_clock.c -- clocks that jump by a second and by 292 years, in every call that has a deadline; and waits that end
 * for no reason. */
#define _GNU_SOURCE
#include "fault/waits_kit.h"
#include "fault/clock_kit.h"

/* 292 years after the machine started, and a minute before a clock of 64 bits has no next nanosecond. */
static void jump_by_centuries(void)
{
    atomic_store(&clock_ahead, INT64_MAX - 2 * MINUTE - __real_limi_clock_monotonic());
}

/* Between supervisors: for those who look, a monotonic clock never goes back. */
static void be_on_time(void)
{
    atomic_store(&clock_ahead, 0);
    atomic_store(&clock_wall_ahead, 0);
}

/* It sleeps by now, or comes to it: the threads of a quiet supervisor have all looked at the clock again. */
static void let_it_sleep(void)
{
    unsigned parks = atomic_load(&clock_parks);
    test_until(atomic_load(&clock_parks) - parks > 5);
}

/* A second at a time: were it measured by anything else it would take half a minute, and the harness has no patience
 * for that. */
static void seconds_end_a_wait(void **state)
{
    scene s;
    (void)state;
    for (size_t i = 0; i < WAITS; i++) {
        begin(&s, &waits[i], MINUTE / 2);
        while (!atomic_load(&s.over)) {
            const struct timespec moment = {0, 200000};
            atomic_fetch_add(&clock_ahead, SECOND);
            (void)nanosleep(&moment, NULL);
        }
        end(&s, waits[i].at_deadline);
        be_on_time();
    }
}

static void centuries_end_a_wait(void **state)
{
    scene s;
    (void)state;
    for (size_t i = 0; i < WAITS; i++) {
        if (!waits[i].far) {
            begin(&s, &waits[i], MINUTE);
            let_it_sleep();
            jump_by_centuries();
            end(&s, waits[i].at_deadline);
            be_on_time();
        }
    }
}

static void a_second(scene *s)
{
    (void)s;
    let_it_sleep();
    atomic_fetch_add(&clock_ahead, SECOND);
    let_it_sleep();
}

static void centuries(scene *s)
{
    (void)s;
    let_it_sleep();
    jump_by_centuries();
    let_it_sleep();
}

static void a_second_does_not_end_a_longer_wait(void **state)
{
    (void)state;
    what_is_satisfied_afterwards(MINUTE, a_second, be_on_time);
}

static void centuries_do_not_end_one_without_a_deadline(void **state)
{
    (void)state;
    what_is_satisfied_afterwards(INT64_MAX, centuries, be_on_time);
}

/* The wall clock is for people. */
static void jump_on_the_wall(scene *s)
{
    static const int64_t ahead[] = {SECOND, INT64_MAX, -SECOND, INT64_MIN};
    (void)s;
    for (size_t i = 0; i < sizeof ahead / sizeof ahead[0]; i++) {
        let_it_sleep();
        atomic_store(&clock_wall_ahead, ahead[i]);
    }
    let_it_sleep();
}

static void no_wait_goes_by_the_wall_clock(void **state)
{
    (void)state;
    what_is_satisfied_afterwards(MINUTE, jump_on_the_wall, be_on_time);
}

/* ---- everything, at such a time ---- */

static void live_everywhere(void)
{
    for (int kind = 0; kind < PLACES; kind++) {
        live_through((place_kind)kind);
    }
}

static void everything_works_after_centuries(void **state)
{
    (void)state;
    jump_by_centuries();
    live_everywhere();
    be_on_time();
}

/* Both clocks stand at the end of what they can count; what has no deadline goes on. */
static void asks_are_answered_at_the_end_of_time(void **state)
{
    static const int64_t walls[2] = {INT64_MAX, INT64_MIN};
    (void)state;
    for (int i = 0; i < 2; i++) {
        liminal_supervisor *supervisor;
        liminal_conversation *talk;
        liminal_snapshot *snapshot = NULL;
        atomic_store(&clock_ahead, INT64_MAX);
        atomic_store(&clock_wall_ahead, walls[i]);
        supervisor = race_open();
        talk = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
        for (int k = 0; k < 3; k++) {
            assert_int_equal(ask_of(talk), LIMINAL_OK);
            assert_int_equal(send_to(talk), LIMINAL_OK);
            assert_int_equal(receive_from(talk, liminal_deadline_never()), LIMINAL_OK);
            assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(talk)), LIMINAL_OK);
        }
        assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_ACTIVE);
        liminal_snapshot_drop(&snapshot);
        assert_int_equal(liminal_conversation_close(talk, liminal_deadline_never()), LIMINAL_OK);
        liminal_conversation_drop(&talk);
        (void)race_shutdown(&supervisor);
        be_on_time();
    }
}

/* A while later than that is no time at all. */
static void what_comes_at_the_end_of_time_ends_a_wait(void **state)
{
    (void)state;
    for (size_t i = 0; i < WAITS; i++) {
        if (waits[i].satisfy != NULL) {
            scene s;
            atomic_store(&clock_ahead, INT64_MAX);
            begin(&s, &waits[i], INT64_MAX);
            let_it_sleep();
            assert_false(atomic_load(&s.over));
            waits[i].satisfy(&s);
            end(&s, LIMINAL_OK);
            be_on_time();
        }
    }
}

/* Whoever reads a long list lets others in for a moment, now and then. */
static void a_long_list_at_the_end_of_time(void **state)
{
    enum { MANY = 4200 };
    static liminal_participant people[MANY];
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = MANY,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    liminal_supervisor *supervisor;
    liminal_conversation *talk = NULL;
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        people[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo(),
                                          .self = &people[i]};
    }
    atomic_store(&clock_ahead, INT64_MAX);
    supervisor = race_open();
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &talk), LIMINAL_OK);
    assert_int_equal(liminal_process_list(supervisor, NULL, 0, &count), LIMINAL_OK);
    assert_int_equal(count, MANY + 1);
    liminal_conversation_drop(&talk);
    (void)race_shutdown(&supervisor);
    be_on_time();
}

/* Restarts are counted within a window; a jump ends it. */
static void a_jump_ends_the_window_of_restarts(void **state)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .restarts = 1,
                                   .restart_window_ns = MINUTE};
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *talk = NULL;
    (void)state;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &talk), LIMINAL_OK);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(talk)), LIMINAL_OK);
        assert_int_equal(race_look(talk).phase, LIMINAL_PHASE_ACTIVE);
        if (i < 3) {
            atomic_fetch_add(&clock_ahead, i < 2 ? 2 * MINUTE : INT64_MAX / 2);
        }
    }
    assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(talk)), LIMINAL_OK);
    assert_int_equal(race_look(talk).phase, LIMINAL_PHASE_FAILED);
    liminal_conversation_drop(&talk);
    (void)race_shutdown(&supervisor);
    be_on_time();
}

/* Three of five of each park, poll and epoll_wait. */
static void waits_may_end_for_no_reason(void **state)
{
    (void)state;
    atomic_store(&clock_restless, 60);
    live_everywhere();
    atomic_store(&clock_restless, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(seconds_end_a_wait),
        TEST(centuries_end_a_wait),
        TEST(a_second_does_not_end_a_longer_wait),
        TEST(centuries_do_not_end_one_without_a_deadline),
        TEST(no_wait_goes_by_the_wall_clock),
        TEST(everything_works_after_centuries),
        TEST(asks_are_answered_at_the_end_of_time),
        TEST(what_comes_at_the_end_of_time_ends_a_wait),
        TEST(a_long_list_at_the_end_of_time),
        TEST(a_jump_ends_the_window_of_restarts),
        TEST(waits_may_end_for_no_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

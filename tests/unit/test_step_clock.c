/* SPDX-License-Identifier: MIT */
/* test_step_clock.c -- pulling by a clock that may be too early: when the rules want to know the exact time, and what
 * the end of the clock means. */
#include "step_kit.h"

enum { SLACK = 1000 };

typedef struct row {
    const char *name;
    int64_t deadline, now, slack;
    const char *effects;
    bool wants_clock;
} row;

static const row rows[] = {
    {"exact, in time", 300, 299, 0, "!a0", false},
    {"exact, late", 300, 300, 0, "a=ETIMEDOUT", false},
    {"far", 300 + SLACK, 299, SLACK, "!a0", false},
    {"just near", 299 + SLACK, 299, SLACK, "", true},
    {"late for certain", 300, 400, SLACK, "", true},
    {"none, the end of the clock", INT64_MAX, INT64_MAX - 1, SLACK, "!a0", false},
    {"the end of the clock", INT64_MAX - 1, INT64_MAX - 2, SLACK, "", true},
    {"just far from the end of the clock", INT64_MAX - 1, INT64_MAX - 2 - SLACK, SLACK, "!a0", false},
    {"the one that had passed before all", INT64_MIN, 300, SLACK, "", true},
    {"the one that had passed before all, exact", INT64_MIN, 300, 0, "a=ETIMEDOUT", false},
};

static void a_deadline_that_may_have_passed_wants_the_exact_time(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const row *r = &rows[i];
        limi_event event = {.kind = LIMI_EVENT_PULL, .now = some_time, .now_ns = r->now, .slack_ns = r->slack};
        world w;
        named a;
        begin(&w, 1, 1);
        renew_saying(&a, LIMI_TICKET_ASK, 'a');
        a.ticket.deadline.ns = r->deadline;
        w.now_ns = 0;
        assert_string_equal(sent(&w, &a), "work0");
        limi_step(&w.dialogue, &event, &w.effects);
        if (strcmp(effects_of(&w, event.ticket), r->effects) != 0 || event.wants_clock != r->wants_clock) {
            fail_msg("%s: \"%s\", %s", r->name, w.text, event.wants_clock ? "wants the clock" : "does not ask");
        }
        drop_ticket(&a);
        end_world(&w);
    }
}

static void at_the_end_of_the_clock_no_deadline_has_passed(void **state)
{
    world w;
    (void)state;
    begin(&w, 1, 1);
    assert_string_equal(clock_says(&w, INT64_MAX), "");
    assert_false(limi_dialogue_is_over(&w.dialogue));
    end_world(&w);
}

static void an_event_of_no_kind_changes_nothing(void **state)
{
    world w;
    (void)state;
    begin(&w, 1, 1);
    assert_string_equal(step(&w, (limi_event){.kind = (limi_event_kind)99}), "");
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_deadline_that_may_have_passed_wants_the_exact_time),
        TEST(at_the_end_of_the_clock_no_deadline_has_passed),
        TEST(an_event_of_no_kind_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_step_direct.c -- the shortest way of an ask, in two moves, and when it can't be gone; and when a pull wants the
 * exact time. */
#include "step_kit.h"

#include "dialogue.h"

static bool begins_at_once(world *w, named *n, uint32_t seat)
{
    return limi_dialogue_begin_at_once(&w->dialogue, &n->ticket, seat, some_time);
}

static bool answered_at_once(world *w, named *n, uint32_t seat, const char *text)
{
    liminal_envelope *reply = say(text);
    bool answered = limi_dialogue_answer_at_once(&w->dialogue, &n->ticket, seat, &reply, some_time);
    assert_int_equal(reply == NULL, answered); /* given, or still the caller's */
    liminal_envelope_drop(&reply);
    return answered;
}

static void two_moves_and_it_is_answered(void **state)
{
    world w;
    named a;
    (void)state;
    begin_with(&w, LIMINAL_CRASH_FAIL, 1, 1, 1);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    assert_true(begins_at_once(&w, &a, 0));
    assert_int_equal(a.ticket.where, LIMI_WHERE_BEGUN);
    assert_false(answered_at_once(&w, &a, 1, "A")); /* not by that one */
    assert_true(answered_at_once(&w, &a, 0, "A"));
    assert_true(a.ticket.decided);
    assert_int_equal(a.ticket.outcome, LIMINAL_OK);
    assert_int_equal(a.ticket.where, LIMI_WHERE_AWAY);
    assert_false(answered_at_once(&w, &a, 0, "A")); /* nor twice */
    assert_counts(&w, "sent 1 received 1 withdrawn 0 late 0 silent 0 unfinished 0");
    drop_ticket(&a);
    end_world(&w);
}

static void only_at_the_target_of_one_that_is_active(void **state)
{
    world w;
    named a;
    (void)state;
    begin_with(&w, LIMINAL_CRASH_ROUTE_NEXT, 2, 3, 3);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    assert_false(begins_at_once(&w, &a, 1));
    assert_string_equal(begins_to_close(&w, INT64_MAX), "closing");
    assert_false(begins_at_once(&w, &a, 0));
    assert_false(a.ticket.begun);
    assert_counts(&w, "sent 0 received 0 withdrawn 0 late 0 silent 0 unfinished 0");
    drop_ticket(&a);
    end_world(&w);
}

static void what_is_queued_is_not_overtaken(void **state)
{
    world w;
    named a, b;
    (void)state;
    begin_with(&w, LIMINAL_CRASH_ROUTE_NEXT, 2, 3, 2);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    renew_saying(&b, LIMI_TICKET_ASK, 'b');
    assert_string_equal(sent(&w, &a), "work0");
    assert_string_equal(exited(&w, 0), "work1");
    assert_false(begins_at_once(&w, &b, 1));
    assert_string_equal(pull(&w, 1), "!a1");
    assert_string_equal(answered(&w, &a, "A"), "a=OK");
    assert_true(begins_at_once(&w, &b, 1));
    assert_true(answered_at_once(&w, &b, 1, "B"));
    drop_ticket(&a);
    drop_ticket(&b);
    end_world(&w);
}

/* A close that came in between has to hear of the answer, and an asker who has gone gets none: the ordinary way. */
static void the_second_move_looks_again(void **state)
{
    world w;
    named a, x;
    (void)state;
    begin_with(&w, LIMINAL_CRASH_FAIL, 1, 1, 1);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    assert_true(begins_at_once(&w, &a, 0));
    assert_string_equal(closing(&w, &x, INT64_MAX), "closing");
    assert_false(answered_at_once(&w, &a, 0, "A"));
    assert_string_equal(answered(&w, &a, "A"), "a=OK x.OK closing final");
    drop_ticket(&a);
    end_world(&w);

    begin_with(&w, LIMINAL_CRASH_FAIL, 1, 1, 1);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    assert_true(begins_at_once(&w, &a, 0));
    assert_string_equal(gave_up(&w, &a), "");
    assert_false(answered_at_once(&w, &a, 0, "A"));
    assert_string_equal(answered(&w, &a, "A"), "a=");
    assert_counts(&w, "sent 1 received 0 withdrawn 0 late 1 silent 0 unfinished 0");
    drop_ticket(&a);
    end_world(&w);
}

static limi_event pull_at(world *w, int64_t now_ns, int64_t slack_ns)
{
    limi_event event = {.kind = LIMI_EVENT_PULL, .now = some_time, .now_ns = now_ns, .slack_ns = slack_ns};
    limi_step(&w->dialogue, &event, &w->effects);
    return event;
}

static void a_pull_wants_the_clock_when_a_deadline_is_near(void **state)
{
    world w;
    named a;
    limi_event event;
    (void)state;
    begin(&w, 1, 1);
    renew_saying(&a, LIMI_TICKET_SEND, 'a');
    a.ticket.deadline.ns = 100;
    assert_string_equal(sent(&w, &a), "work0");
    event = pull_at(&w, 90, 10); /* it may be 100 by now */
    assert_true(event.wants_clock);
    assert_null(event.ticket);
    event = pull_at(&w, 89, 10); /* it can't be */
    assert_false(event.wants_clock);
    assert_ptr_equal(event.ticket, &a.ticket);
    (void)answered(&w, &a, NULL);
    drop_ticket(&a);
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_moves_and_it_is_answered),
        TEST(only_at_the_target_of_one_that_is_active),
        TEST(what_is_queued_is_not_overtaken),
        TEST(the_second_move_looks_again),
        TEST(a_pull_wants_the_clock_when_a_deadline_is_near),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_step_unasked.c -- what participants say without being asked: for whoever receives, within a bound. */
#include "step_kit.h"

enum { BOUND = 4 };

static void open_bounded(world *w, size_t most, size_t most_bytes)
{
    begin(w, 1, 1);
    w->dialogue.most_unasked = most;
    w->dialogue.most_unasked_bytes = most_bytes;
}

/* Says it, and whether the speaker is told to wait. */
static void speaks(world *w, named *n, char name, const char *text, bool hushed)
{
    limi_event event = {.kind = LIMI_EVENT_UNASKED, .ticket = &n->ticket};
    renew(n, LIMI_TICKET_SEND, name, NULL);
    n->ticket.reply = say(text);
    event.now = some_time;
    event.hushed = !hushed;
    limi_step(&w->dialogue, &event, &w->effects);
    assert_int_equal(event.hushed, hushed);
    assert_string_equal(effects_of(w, NULL), "");
}

/* Receives this, with these effects. */
static void hears(world *w, const char *text, const char *effects)
{
    named r;
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(receive(w, &r), effects);
    assert_string_equal(liminal_envelope_text(r.ticket.reply), text);
    drop_ticket(&r);
}

static void it_is_for_whoever_receives(void **state)
{
    world w;
    named a, s, u[2], r;
    (void)state;
    open_bounded(&w, 1, SIZE_MAX);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    renew_saying(&s, LIMI_TICKET_SEND, 's');
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    renew(&u[0], LIMI_TICKET_SEND, 'u', NULL);
    (void)receive(&w, &r);
    (void)sent(&w, &a);
    (void)sent(&w, &s);
    (void)pull(&w, 0);
    (void)pull(&w, 0);
    assert_string_equal(unasked(&w, 0, &u[0], "by the way"), "u= r=OK"); /* not for the asker, and it did not wait */
    assert_string_equal(liminal_envelope_text(r.ticket.reply), "by the way");
    assert_false(w.dialogue.hushed);
    assert_string_equal(answered(&w, &s, "S"), ""); /* a reply that waits is none of those that count */
    assert_false(w.dialogue.hushed);
    speaks(&w, &u[1], 'v', "again", true);
    assert_string_equal(answered(&w, &a, "A"), "a=OK");
    hears(&w, "S", "s="); /* in the order in which they came */
    hears(&w, "again", "v= resume");
    assert_counts(&w, "sent 2 received 4 withdrawn 0 late 0 silent 0 unfinished 0");
    drop_ticket(&a);
    drop_ticket(&s);
    drop_ticket(&r);
    end_world(&w);
}

static void who_says_too_much_waits_until_half_is_heard(void **state)
{
    world w;
    named u[BOUND + 1];
    (void)state;
    open_bounded(&w, BOUND, SIZE_MAX);
    for (int round = 0; round < 2; round++) {
        speaks(&w, &u[0], 'a', "1", false);
        speaks(&w, &u[1], 'b', "2", false);
        speaks(&w, &u[2], 'c', "3", false);
        speaks(&w, &u[3], 'd', "4", true);
        speaks(&w, &u[4], 'e', "5", true); /* it had that already: kept */
        hears(&w, "1", "a=");
        hears(&w, "2", "b=");
        hears(&w, "3", "c= resume"); /* two are left */
        hears(&w, "4", "d="); /* once */
        hears(&w, "5", "e=");
        assert_int_equal(w.dialogue.unasked, 0);
        assert_int_equal(w.dialogue.unasked_bytes, 0);
    }
    end_world(&w);
}

static void bytes_count_as_well(void **state)
{
    world w;
    named u[3];
    (void)state;
    open_bounded(&w, 100, 10);
    speaks(&w, &u[0], 'a', "123", false);
    speaks(&w, &u[1], 'b', "123456", false);
    speaks(&w, &u[2], 'c', "1", true);
    hears(&w, "123", "a="); /* seven are left */
    hears(&w, "123456", "b= resume");
    hears(&w, "1", "c=");
    speaks(&w, &u[0], 'a', "much more than ten bytes", true);
    hears(&w, "much more than ten bytes", "a= resume");
    end_world(&w);
}

/* Another one, which nobody has hushed, speaks in between: the first must still be told to go on. */
static void no_resume_is_lost_to_another_speaker(void **state)
{
    world w;
    named u[6], other;
    (void)state;
    open_bounded(&w, 100, 10);
    speaks(&w, &u[0], 'a', "1234", false);
    speaks(&w, &u[1], 'b', "1234", false);
    speaks(&w, &u[2], 'c', "1234", true);
    hears(&w, "1234", "a=");
    speaks(&w, &other, 'x', "1", true); /* nine of ten, but there are more than half */
    hears(&w, "1234", "b= resume");
    hears(&w, "1234", "c=");
    hears(&w, "1", "x=");
    end_world(&w);

    open_bounded(&w, 6, SIZE_MAX);
    for (int i = 0; i < 6; i++) {
        speaks(&w, &u[i], (char)('a' + i), "y", i == 5);
    }
    hears(&w, "y", "a=");
    hears(&w, "y", "b=");
    speaks(&w, &other, 'x', "z", true); /* five of six */
    hears(&w, "y", "c=");
    hears(&w, "y", "d= resume");
    hears(&w, "y", "e=");
    hears(&w, "y", "f=");
    hears(&w, "z", "x=");
    end_world(&w);
}

static void the_bound_is_no_bar_to_asks(void **state)
{
    world w;
    named u, a;
    (void)state;
    open_bounded(&w, 1, 1);
    speaks(&w, &u, 'u', "enough", true);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    assert_string_equal(sent(&w, &a), "work0");
    (void)pull(&w, 0);
    assert_string_equal(answered(&w, &a, "A"), "a=OK");
    drop_ticket(&a);
    hears(&w, "enough", "u= resume");
    end_world(&w);
}

static void after_the_end_nobody_hears_it(void **state)
{
    world w;
    named u, v;
    (void)state;
    open_bounded(&w, BOUND, SIZE_MAX);
    speaks(&w, &u, 'u', "before", false);
    (void)closing(&w, NULL, 0);
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_CLOSED);
    renew(&v, LIMI_TICKET_SEND, 'v', NULL);
    assert_string_equal(unasked(&w, 0, &v, "after"), "v=");
    drop_ticket(&v);
    hears(&w, "before", "u="); /* what was there before the end is still given */
    assert_counts(&w, "sent 0 received 1 withdrawn 0 late 0 silent 0 unfinished 0");
    end_world(&w);
}

/* Its words may be on their way when its exit is seen; what it said before it died is kept. */
static void nor_what_a_dead_one_says(void **state)
{
    world w;
    named u, v;
    (void)state;
    begin_with(&w, LIMINAL_CRASH_ROUTE_NEXT, 2, 3, 0);
    speaks(&w, &u, 'u', "last words", false);
    (void)exited(&w, 0);
    renew(&v, LIMI_TICKET_SEND, 'v', NULL);
    assert_string_equal(unasked(&w, 0, &v, "from the grave"), "v=");
    drop_ticket(&v);
    hears(&w, "last words", "u=");
    end_world(&w);
}

/* What is said in a close that still answers is still received. */
static void while_it_is_closing_it_is_heard(void **state)
{
    world w;
    named u;
    (void)state;
    open_bounded(&w, BOUND, SIZE_MAX);
    (void)begins_to_close(&w, INT64_MAX);
    speaks(&w, &u, 'u', "in time", false);
    hears(&w, "in time", "u=");
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_for_whoever_receives),
        TEST(who_says_too_much_waits_until_half_is_heard),
        TEST(bytes_count_as_well),
        TEST(no_resume_is_lost_to_another_speaker),
        TEST(the_bound_is_no_bar_to_asks),
        TEST(after_the_end_nobody_hears_it),
        TEST(nor_what_a_dead_one_says),
        TEST(while_it_is_closing_it_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

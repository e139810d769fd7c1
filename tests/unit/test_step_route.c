/* SPDX-License-Identifier: MIT */
/* test_step_route.c -- the policy "route to next", event by event. */
#include "step_kit.h"

enum { MANY = 4 };

static void open_route(world *w, uint32_t seats, unsigned answers, unsigned inlined)
{
    begin_with(w, LIMINAL_CRASH_ROUTE_NEXT, seats, answers, inlined);
}

/* Asks that say their own names, a, b, c ..., sent in this order. */
static void ask_all(world *w, named *asks, int count)
{
    for (int i = 0; i < count; i++) {
        renew_saying(&asks[i], LIMI_TICKET_ASK, (char)('a' + i));
        (void)sent(w, &asks[i]);
    }
}

static void drop_all(named *tickets, int count)
{
    for (int i = 0; i < count; i++) {
        drop_ticket(&tickets[i]);
    }
}

static void what_was_begun_comes_first_then_the_rest(void **state)
{
    world w;
    named n[MANY];
    (void)state;
    open_route(&w, 3, 7, 0);
    ask_all(&w, n, MANY);
    assert_string_equal(pull(&w, 0), "!a0");
    assert_string_equal(pull(&w, 0), "!b0"); /* a program may have several */
    assert_string_equal(exited(&w, 0), "work1");
    assert_string_equal(pull(&w, 0), ""); /* it is dead */
    assert_string_equal(pull(&w, 1), "!a1");
    assert_string_equal(answered(&w, &n[0], "A"), "a=OK");
    assert_string_equal(pull(&w, 1), "!b1");
    assert_string_equal(pull(&w, 1), "!c1");
    assert_string_equal(exited(&w, 1), "work2");
    assert_string_equal(pull(&w, 2), "!b2");
    assert_string_equal(pull(&w, 2), "!c2");
    assert_string_equal(pull(&w, 2), "!d2");
    assert_string_equal(answered(&w, &n[1], "B"), "b=OK");
    assert_string_equal(answered(&w, &n[3], "D"), "d=OK");
    assert_string_equal(answered(&w, &n[2], "C"), "c=OK");
    assert_counts(&w, "sent 4 received 4 withdrawn 0 late 0 silent 0 unfinished 0");
    assert_log(&w, "sent a, sent b, sent c, sent d, exited 11, received A, exited 12, received B, received D, "
                   "received C");
    assert_refusal(&w, LIMINAL_OK, "");
    drop_all(n, MANY);
    end_world(&w);
}

static void what_nobody_waits_for_is_not_begun_again(void **state)
{
    world w;
    named n[3];
    (void)state;
    open_route(&w, 2, 3, 0);
    ask_all(&w, n, 3);
    (void)pull(&w, 0);
    (void)pull(&w, 0);
    assert_string_equal(gave_up(&w, &n[0]), "");
    assert_string_equal(exited(&w, 0), "work1 a=");
    assert_string_equal(pull(&w, 1), "!b1");
    assert_string_equal(pull(&w, 1), "!c1");
    assert_string_equal(pull(&w, 1), "");
    assert_string_equal(answered_by(&w, 0, &n[0], "A"), "");
    assert_counts(&w, "sent 3 received 0 withdrawn 0 late 0 silent 0 unfinished 1");
    (void)answered(&w, &n[1], NULL);
    (void)answered(&w, &n[2], NULL);
    drop_all(n, 3);
    end_world(&w);
}

/* It was begun once, so it is not one that nobody ever began. */
static void one_may_be_given_up_between_two_participants(void **state)
{
    world w;
    named n[2];
    (void)state;
    open_route(&w, 2, 3, 0);
    ask_all(&w, n, 2);
    (void)pull(&w, 0);
    (void)exited(&w, 0);
    assert_string_equal(gave_up(&w, &n[0]), "a=");
    assert_string_equal(gave_up(&w, &n[1]), "b=");
    assert_false(n[0].ticket.withdrawn);
    assert_true(n[1].ticket.withdrawn);
    assert_string_equal(pull(&w, 1), "");
    assert_counts(&w, "sent 2 received 0 withdrawn 1 late 0 silent 0 unfinished 1");
    drop_all(n, 2);
    end_world(&w);
}

static void the_dead_ones_answer_is_not_heard(void **state)
{
    world w;
    named a, b, r[2];
    (void)state;
    open_route(&w, 2, 3, 0);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    renew_saying(&b, LIMI_TICKET_SEND, 'b');
    renew(&r[0], LIMI_TICKET_RECEIVE, 'r', NULL);
    renew(&r[1], LIMI_TICKET_RECEIVE, 's', NULL);
    (void)sent(&w, &a);
    (void)sent(&w, &b);
    (void)pull(&w, 0);
    (void)pull(&w, 0);
    (void)receive(&w, &r[0]);
    (void)exited(&w, 0);
    assert_string_equal(answered_by(&w, 0, &a, "too late"), ""); /* while it is queued at the next */
    (void)pull(&w, 1);
    assert_string_equal(answered_by(&w, 0, &a, "too late"), ""); /* while it is begun there */
    assert_string_equal(answered_by(&w, 0, &b, "too late"), "");
    (void)pull(&w, 1);
    assert_string_equal(answered_by(&w, 1, &a, "A"), "a=OK");
    assert_string_equal(liminal_envelope_text(a.ticket.reply), "A");
    assert_string_equal(answered_by(&w, 1, &b, "B"), "b= r=OK");
    assert_string_equal(liminal_envelope_text(r[0].ticket.reply), "B");
    assert_string_equal(answered_by(&w, 0, &b, "too late"), ""); /* and when it is over */
    assert_string_equal(receive(&w, &r[1]), "");
    assert_counts(&w, "sent 2 received 2 withdrawn 0 late 0 silent 0 unfinished 0");
    drop_ticket(&a);
    drop_ticket(&b);
    drop_all(r, 2);
    end_world(&w);
}

static void with_the_last_one_gone_it_fails(void **state)
{
    world w;
    named n[2], r, x;
    (void)state;
    open_route(&w, 3, 7, 0);
    ask_all(&w, n, 2);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    renew(&x, LIMI_TICKET_ASK, 'x', say("x"));
    (void)receive(&w, &r);
    assert_string_equal(exited(&w, 1), ""); /* it had nothing */
    assert_string_equal(exited(&w, 0), "work2");
    (void)pull(&w, 2);
    assert_string_equal(exited(&w, 2), "a=EEXIT b=EEXIT r=EEXIT closing final");
    assert_refusal(&w, LIMINAL_EEXIT, "third exited: error 7");
    assert_string_equal(sent(&w, &x), "x=EEXIT");
    assert_counts(&w, "sent 2 received 0 withdrawn 2 late 0 silent 0 unfinished 1");
    assert_log(&w, "sent a, sent b, exited 12, exited 11, exited 13, failed EEXIT");
    assert_string_equal(exited(&w, 2), ""); /* each dies once */
    drop_all(n, 2);
    drop_ticket(&x);
    end_world(&w);
}

static void those_that_do_not_answer_get_nothing(void **state)
{
    world w;
    named n[2];
    (void)state;
    open_route(&w, 3, 5, 0); /* the second one is watched */
    ask_all(&w, n, 2);
    (void)pull(&w, 0);
    assert_string_equal(exited(&w, 0), "work2");
    assert_string_equal(exited(&w, 1), "");
    assert_string_equal(pull(&w, 2), "!a2");
    assert_string_equal(exited(&w, 2), "a=EEXIT b=EEXIT closing final");
    drop_all(n, 2);
    end_world(&w);

    open_route(&w, 2, 1, 0); /* one that is watched is left, and could answer nothing */
    assert_string_equal(exited(&w, 0), "closing final");
    end_world(&w);

    open_route(&w, 2, 0, 0); /* there never was anybody to answer: the last one counts */
    assert_string_equal(exited(&w, 1), "");
    assert_refusal(&w, LIMINAL_OK, "");
    assert_string_equal(exited(&w, 0), "closing final");
    assert_refusal(&w, LIMINAL_EEXIT, "first exited: error 7");
    end_world(&w);
}

static void it_goes_on_while_it_is_closing(void **state)
{
    world w;
    named n[2], x;
    (void)state;
    open_route(&w, 3, 7, 0);
    ask_all(&w, n, 2);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    (void)pull(&w, 0);
    (void)closing(&w, &x, INT64_MAX);
    assert_string_equal(exited(&w, 0), "work1");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_COMPLETING);
    (void)pull(&w, 1);
    (void)pull(&w, 1);
    assert_string_equal(answered(&w, &n[1], "B"), "b=OK");
    assert_string_equal(exited(&w, 1), "work2");
    (void)pull(&w, 2);
    assert_string_equal(answered(&w, &n[0], "A"), "a=OK x.OK closing final");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_CLOSED);
    assert_string_equal(exited(&w, 2), ""); /* the end asked for that one */
    drop_all(n, 2);
    end_world(&w);
}

static void a_close_does_not_wait_for_what_is_not_begun_again(void **state)
{
    world w;
    named n[1], x;
    (void)state;
    open_route(&w, 2, 3, 0);
    ask_all(&w, n, 1);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    (void)pull(&w, 0);
    (void)gave_up(&w, &n[0]);
    (void)closing(&w, &x, INT64_MAX);
    assert_string_equal(exited(&w, 0), "a= x.OK closing final");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_CLOSED);
    drop_all(n, 1);
    end_world(&w);
}

static void the_last_one_gone_while_closing_fails_it(void **state)
{
    world w;
    named n[1], x;
    (void)state;
    open_route(&w, 1, 1, 0);
    ask_all(&w, n, 1);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    (void)closing(&w, &x, INT64_MAX);
    assert_string_equal(exited(&w, 0), "a=EEXIT x.OK closing final");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_FAILED);
    drop_all(n, 1);
    end_world(&w);
}

/* What comes while the next one, which is inline, has some of the dead one's has to stand behind it. */
static void nothing_overtakes_on_an_inline_one(void **state)
{
    world w;
    named n[2], c, d;
    (void)state;
    open_route(&w, 2, 3, 2);
    ask_all(&w, n, 2);
    renew_saying(&c, LIMI_TICKET_ASK, 'c');
    renew_saying(&d, LIMI_TICKET_ASK, 'd');
    (void)pull(&w, 0);
    assert_string_equal(exited(&w, 0), "work1");
    assert_string_equal(sent(&w, &c), "");
    assert_string_equal(pull(&w, 1), "!a1");
    assert_string_equal(answered(&w, &n[0], "A"), "a=OK");
    assert_string_equal(pull(&w, 1), "!b1");
    (void)answered(&w, &n[1], "B");
    assert_string_equal(pull(&w, 1), "!c1");
    (void)answered(&w, &c, "C");
    assert_string_equal(pull(&w, 1), "");
    assert_string_equal(sent(&w, &d), ">d1");
    (void)answered(&w, &d, "D");
    drop_all(n, 2);
    drop_ticket(&c);
    drop_ticket(&d);
    end_world(&w);
}

/* The shell performs the effects of a step when it has released its lock: by then another thread's step may have taken
 * what was begun away from the one that was to answer it. */
static void what_was_begun_may_be_routed_before_it_is_answered(void **state)
{
    world w;
    named a;
    limi_effects turn;
    limi_event send = {.kind = LIMI_EVENT_SENT, .ticket = &a.ticket, .now = some_time};
    (void)state;
    open_route(&w, 2, 3, 3);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    limi_effects_init(&turn);
    limi_step(&w.dialogue, &send, &turn);
    assert_string_equal(exited(&w, 0), "work1");
    assert_ptr_equal(turn.run, &a.ticket);
    assert_int_equal(turn.run_at, 0); /* whoever is at this seat sees that it is dead */
    assert_int_equal(a.ticket.seat, 1);
    assert_string_equal(answered_by(&w, 0, &a, "no more"), "");
    assert_string_equal(pull(&w, 1), "!a1");
    assert_string_equal(answered_by(&w, 1, &a, "A"), "a=OK");
    drop_ticket(&a);
    end_world(&w);
}

static void what_is_late_by_then_is_not_begun_again(void **state)
{
    world w;
    named n[3];
    (void)state;
    open_route(&w, 2, 3, 0);
    ask_all(&w, n, 3);
    n[0].ticket.deadline.ns = n[1].ticket.deadline.ns = 300;
    (void)pull(&w, 0);
    (void)exited(&w, 0);
    w.now_ns = 300;
    assert_string_equal(pull(&w, 1), "!c1 a=ETIMEDOUT b=ETIMEDOUT");
    assert_counts(&w, "sent 3 received 0 withdrawn 1 late 0 silent 0 unfinished 1"); /* a was begun once */
    (void)answered(&w, &n[2], "C");
    drop_all(n, 3);
    end_world(&w);
}

static void what_is_sent_later_goes_to_the_next(void **state)
{
    world w;
    named a;
    (void)state;
    open_route(&w, 3, 7, 0);
    (void)exited(&w, 0);
    (void)exited(&w, 1);
    renew_saying(&a, LIMI_TICKET_SEND, 'a');
    assert_string_equal(sent(&w, &a), "work2");
    assert_string_equal(pull(&w, 2), "!a2");
    assert_string_equal(answered(&w, &a, NULL), "a=");
    drop_ticket(&a);
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_begun_comes_first_then_the_rest),
        TEST(what_nobody_waits_for_is_not_begun_again),
        TEST(one_may_be_given_up_between_two_participants),
        TEST(the_dead_ones_answer_is_not_heard),
        TEST(with_the_last_one_gone_it_fails),
        TEST(those_that_do_not_answer_get_nothing),
        TEST(it_goes_on_while_it_is_closing),
        TEST(a_close_does_not_wait_for_what_is_not_begun_again),
        TEST(the_last_one_gone_while_closing_fails_it),
        TEST(nothing_overtakes_on_an_inline_one),
        TEST(what_was_begun_may_be_routed_before_it_is_answered),
        TEST(what_is_late_by_then_is_not_begun_again),
        TEST(what_is_sent_later_goes_to_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_step_shortest.c -- the shortest way of an ask, begun and answered at once at an inline seat: every reason why
 * it can't be gone. Nothing is done then. */
#include "step_kit.h"

#include "dialogue.h"

static void open_inline(world *w, named *n)
{
    begin_with(w, LIMINAL_CRASH_ROUTE_NEXT, 2, 3, 3);
    renew_saying(n, LIMI_TICKET_ASK, 'a');
}

static void close_inline(world *w, named *n)
{
    drop_ticket(n);
    end_world(w);
}

static bool begins(world *w, named *n, uint32_t target)
{
    bool begun = limi_dialogue_begin_at_once(&w->dialogue, &n->ticket, target, some_time);
    assert_int_equal(n->ticket.where == LIMI_WHERE_BEGUN, begun);
    assert_int_equal(w->dialogue.at_seats, begun ? 1 : 0);
    return begun;
}

static bool answers(world *w, named *n, uint32_t seat)
{
    liminal_envelope *reply = say("A");
    limi_where before = n->ticket.where;
    bool answered = limi_dialogue_answer_at_once(&w->dialogue, &n->ticket, seat, &reply, some_time);
    assert_int_equal(reply == NULL, answered);
    assert_int_equal(n->ticket.decided, answered);
    assert_int_equal(n->ticket.where, answered ? LIMI_WHERE_AWAY : before);
    liminal_envelope_drop(&reply);
    return answered;
}

static void begun_and_answered(void **state)
{
    world w;
    named a;
    (void)state;
    open_inline(&w, &a);
    assert_true(begins(&w, &a, 0));
    assert_true(answers(&w, &a, 0));
    close_inline(&w, &a);
}

static void it_begins_at_the_target_only(void **state)
{
    world w;
    named a;
    (void)state;
    open_inline(&w, &a);
    assert_false(begins(&w, &a, 1));
    assert_string_equal(exited(&w, 0), "");
    assert_false(begins(&w, &a, 0));
    assert_true(begins(&w, &a, 1));
    assert_true(answers(&w, &a, 1));
    close_inline(&w, &a);
}

static void it_begins_behind_nobody(void **state)
{
    world w;
    named a, b;
    (void)state;
    open_inline(&w, &a);
    renew_saying(&b, LIMI_TICKET_SEND, 'b');
    limi_dialogue_seat(&w.dialogue, &b.ticket, 0, LIMI_WHERE_QUEUED);
    assert_false(limi_dialogue_begin_at_once(&w.dialogue, &a.ticket, 0, some_time));
    assert_int_equal(a.ticket.where, LIMI_WHERE_AWAY);
    limi_dialogue_unseat(&w.dialogue, &b.ticket);
    drop_ticket(&b);
    close_inline(&w, &a);
}

static void nothing_begins_while_it_closes(void **state)
{
    world w;
    named a;
    (void)state;
    open_inline(&w, &a);
    assert_string_equal(begins_to_close(&w, INT64_MAX), "closing");
    assert_false(begins(&w, &a, 0));
    close_inline(&w, &a);
}

static void what_is_begun_when_it_closes_goes_the_long_way(void **state)
{
    world w;
    named a;
    (void)state;
    open_inline(&w, &a);
    assert_true(begins(&w, &a, 0));
    assert_string_equal(begins_to_close(&w, INT64_MAX), "closing");
    assert_false(answers(&w, &a, 0));
    assert_string_equal(answered(&w, &a, "A"), "a=OK");
    close_inline(&w, &a);
}

static void only_who_has_it_answers(void **state)
{
    world w;
    named a;
    (void)state;
    open_inline(&w, &a);
    assert_false(answers(&w, &a, 0)); /* nobody has */
    assert_true(begins(&w, &a, 0));
    assert_false(answers(&w, &a, 1));
    assert_string_equal(exited(&w, 0), "work1"); /* it is queued there */
    assert_false(answers(&w, &a, 0));
    assert_false(answers(&w, &a, 1));
    assert_string_equal(pull(&w, 1), "!a1");
    assert_true(answers(&w, &a, 1));
    close_inline(&w, &a);
}

static void nobody_waits_for_it_any_more(void **state)
{
    world w;
    named a;
    (void)state;
    open_inline(&w, &a);
    assert_true(begins(&w, &a, 0));
    assert_string_equal(gave_up(&w, &a), "");
    assert_false(answers(&w, &a, 0));
    assert_string_equal(answered(&w, &a, "A"), "a=");
    assert_int_equal(liminal_state_counts(w.state)->late, 1);
    close_inline(&w, &a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begun_and_answered),
        TEST(it_begins_at_the_target_only),
        TEST(it_begins_behind_nobody),
        TEST(nothing_begins_while_it_closes),
        TEST(what_is_begun_when_it_closes_goes_the_long_way),
        TEST(only_who_has_it_answers),
        TEST(nobody_waits_for_it_any_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

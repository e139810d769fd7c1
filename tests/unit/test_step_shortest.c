/* SPDX-License-Identifier: MIT */
/* test_step_shortest.c -- the shortest way of an ask, begun and answered at once at an inline seat, and that of a
 * buffer, kept and taken at once: every reason why it can't be gone. Nothing is done then. */
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

/* Begun in place of a thread that has not seen it, and queued again: as if it had waited there from the start. */
static void taken_back_before_all_others(void **state)
{
    world w;
    named a, b;
    (void)state;
    begin(&w, 1, 1);
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    renew_saying(&b, LIMI_TICKET_ASK, 'b');
    assert_true(begins(&w, &a, 0));
    assert_true(a.ticket.begun);
    (void)sent(&w, &b);
    limi_dialogue_take_back(&w.dialogue, &a.ticket);
    assert_int_equal(a.ticket.where, LIMI_WHERE_QUEUED);
    assert_false(a.ticket.begun);
    assert_int_equal(w.dialogue.at_seats, 2);
    assert_string_equal(pull(&w, 0), "!a0");
    assert_true(a.ticket.begun);
    (void)answered(&w, &a, "A");
    assert_string_equal(pull(&w, 0), "!b0");
    (void)answered(&w, &b, "B");
    drop_ticket(&a);
    drop_ticket(&b);
    end_world(&w);
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

/* ---- buffers ---- */

static bool kept(world *w, named *n)
{
    liminal_envelope *said = n->ticket.envelope;
    bool done = limi_dialogue_keep_at_once(&w->dialogue, &n->ticket, some_time);
    assert_int_equal(n->ticket.where == LIMI_WHERE_REPLIED, done);
    assert_ptr_equal(done ? n->ticket.reply : n->ticket.envelope, said);
    assert_null(done ? n->ticket.envelope : n->ticket.reply);
    return done;
}

static void open_buffer(world *w, named *a, named *b)
{
    begin(w, 0, 0);
    renew_saying(a, LIMI_TICKET_SEND, 'a');
    renew_saying(b, LIMI_TICKET_SEND, 'b');
}

static void close_buffer(world *w, named *a, named *b)
{
    drop_ticket(a);
    drop_ticket(b);
    end_world(w);
}

static const named *taken(world *w)
{
    limi_ticket *ticket = limi_dialogue_take_at_once(&w->dialogue, some_time);
    assert_true(ticket == NULL || ticket->where == LIMI_WHERE_AWAY);
    return ticket != NULL ? named_of(ticket) : NULL;
}

static void kept_and_taken_in_order(void **state)
{
    world w;
    named a, b;
    (void)state;
    open_buffer(&w, &a, &b);
    assert_null(taken(&w));
    assert_true(kept(&w, &a) && kept(&w, &b));
    assert_ptr_equal(taken(&w), &a);
    assert_ptr_equal(taken(&w), &b);
    assert_null(taken(&w));
    assert_counts(&w, "sent 2 received 2 withdrawn 0 late 0 silent 0 unfinished 0");
    close_buffer(&w, &a, &b);
}

static void nothing_is_kept_past_who_waits(void **state)
{
    world w;
    named a, b, r;
    (void)state;
    open_buffer(&w, &a, &b);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(receive(&w, &r), "");
    assert_false(kept(&w, &a));
    assert_string_equal(sent(&w, &a), "a= r=OK");
    assert_true(kept(&w, &b)); /* nobody waits any more */
    drop_ticket(&r);
    close_buffer(&w, &a, &b);
}

static void nothing_is_kept_while_it_closes_but_all_is_taken(void **state)
{
    world w;
    named a, b;
    (void)state;
    open_buffer(&w, &a, &b);
    assert_true(kept(&w, &a));
    assert_string_equal(begins_to_close(&w, INT64_MAX), "closing");
    assert_false(kept(&w, &b));
    assert_ptr_equal(taken(&w), &a);
    close_buffer(&w, &a, &b);
}

static void who_has_seats_keeps_nothing(void **state)
{
    world w;
    named a;
    (void)state;
    begin(&w, 1, 0);
    renew_saying(&a, LIMI_TICKET_SEND, 'a');
    assert_false(kept(&w, &a));
    drop_ticket(&a);
    end_world(&w);
}

static void what_nobody_asked_for_is_not_taken_at_once(void **state)
{
    world w;
    named a, r;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_SEND, 'a', NULL);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(unasked(&w, 0, &a, "A"), "");
    assert_null(taken(&w));
    assert_string_equal(receive(&w, &r), "a=");
    drop_ticket(&a);
    drop_ticket(&r);
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(begun_and_answered),
        TEST(it_begins_at_the_target_only),
        TEST(it_begins_behind_nobody), TEST(taken_back_before_all_others),
        TEST(nothing_begins_while_it_closes),
        TEST(what_is_begun_when_it_closes_goes_the_long_way),
        TEST(only_who_has_it_answers),
        TEST(nobody_waits_for_it_any_more),
        TEST(kept_and_taken_in_order),
        TEST(nothing_is_kept_past_who_waits),
        TEST(nothing_is_kept_while_it_closes_but_all_is_taken),
        TEST(who_has_seats_keeps_nothing),
        TEST(what_nobody_asked_for_is_not_taken_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_step_rules.c -- the rules of a conversation, event by event. */
#include "step_kit.h"

/* ---- one participant ---- */

static void asks_and_sends_find_their_way(void **state)
{
    world w;
    named a, b, r;
    (void)state;
    begin(&w, 2, 3);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&b, LIMI_TICKET_SEND, 'b', say("b"));
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(sent(&w, &a), "work0");
    assert_string_equal(sent(&w, &b), ""); /* that seat has been told, and pulls until there is none */
    assert_string_equal(receive(&w, &r), "");
    assert_string_equal(pull(&w, 1), ""); /* nothing is at that seat */
    assert_string_equal(pull(&w, 0), "!a0");
    assert_string_equal(pull(&w, 0), "!b0");
    assert_string_equal(pull(&w, 0), "");
    assert_string_equal(answered(&w, &b, "B"), "b= r=OK"); /* the answer to a is not for r */
    assert_string_equal(liminal_envelope_text(r.ticket.reply), "B");
    assert_null(b.ticket.reply);
    assert_string_equal(answered(&w, &a, "A"), "a=OK");
    assert_string_equal(liminal_envelope_text(a.ticket.reply), "A");
    assert_counts(&w, "sent 2 received 2 withdrawn 0 late 0 silent 0 unfinished 0");
    assert_int_equal(w.dialogue.at_seats, 0);
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&r);
    end_world(&w);
}

static void replies_wait_in_order(void **state)
{
    world w;
    named s[3], r[3];
    (void)state;
    begin(&w, 1, 1);
    for (int i = 0; i < 3; i++) {
        renew(&s[i], LIMI_TICKET_SEND, (char)('a' + i), say("x"));
        renew(&r[i], LIMI_TICKET_RECEIVE, (char)('p' + i), NULL);
        (void)sent(&w, &s[i]);
        (void)pull(&w, 0);
    }
    assert_string_equal(answered(&w, &s[0], "1"), "");
    assert_string_equal(answered(&w, &s[1], "2"), "");
    assert_string_equal(receive(&w, &r[0]), "a="); /* decided at once: not settled, the sender is */
    assert_true(r[0].ticket.decided);
    assert_string_equal(liminal_envelope_text(r[0].ticket.reply), "1");
    assert_string_equal(receive(&w, &r[1]), "b=");
    assert_string_equal(liminal_envelope_text(r[1].ticket.reply), "2");
    assert_string_equal(receive(&w, &r[2]), "");
    assert_false(r[2].ticket.decided);
    assert_string_equal(gave_up(&w, &r[2]), "r=");
    assert_string_equal(answered(&w, &s[2], "3"), ""); /* not lost on who has gone */
    renew(&r[2], LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(receive(&w, &r[2]), "c=");
    assert_string_equal(liminal_envelope_text(r[2].ticket.reply), "3");
    for (int i = 0; i < 3; i++) {
        drop_ticket(&s[i]);
        drop_ticket(&r[i]);
    }
    end_world(&w);
}

static void a_look_that_may_not_wait_leaves_no_trace(void **state)
{
    world w;
    named r;
    limi_event event = {.kind = LIMI_EVENT_RECEIVE, .ticket = &r.ticket};
    (void)state;
    begin(&w, 1, 1);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    limi_step(&w.dialogue, &event, &w.effects);
    assert_false(event.decided);
    assert_string_equal(effects_of(&w, NULL), "");
    assert_true(limi_list_empty(&w.dialogue.receivers));
    end_world(&w);
}

static void silence(void **state)
{
    world w;
    named a, b;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&b, LIMI_TICKET_SEND, 'b', say("b"));
    (void)sent(&w, &a);
    (void)sent(&w, &b);
    (void)pull(&w, 0);
    (void)pull(&w, 0);
    assert_string_equal(answered(&w, &a, NULL), "a=ECANCELED");
    assert_string_equal(answered(&w, &b, NULL), "b=");
    assert_counts(&w, "sent 2 received 0 withdrawn 0 late 0 silent 2 unfinished 0");
    drop_ticket(&a);
    drop_ticket(&b);
    end_world(&w);
}

static void giving_up(void **state)
{
    world w;
    named a, b, c;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    renew(&c, LIMI_TICKET_ASK, 'c', say("c"));
    (void)sent(&w, &a);
    (void)sent(&w, &b);
    (void)pull(&w, 0);
    assert_string_equal(gave_up(&w, &a), ""); /* begun: stays there */
    assert_string_equal(gave_up(&w, &b), "b="); /* not begun: never will be */
    assert_string_equal(pull(&w, 0), "");
    assert_string_equal(gave_up(&w, &c), ""); /* still on its way */
    assert_string_equal(sent(&w, &c), "c=");
    assert_int_equal(w.dialogue.at_seats, 1);
    assert_string_equal(answered(&w, &a, "late"), "a=");
    assert_false(a.ticket.decided);
    assert_null(a.ticket.reply);
    assert_true(b.ticket.withdrawn && c.ticket.withdrawn && !a.ticket.withdrawn);
    assert_counts(&w, "sent 2 received 0 withdrawn 2 late 1 silent 0 unfinished 0");
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&c);
    end_world(&w);
}

static void what_is_late_is_not_begun(void **state)
{
    world w;
    named a, b, c;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&b, LIMI_TICKET_SEND, 'b', say("b"));
    renew(&c, LIMI_TICKET_SEND, 'c', say("c"));
    a.ticket.deadline.ns = b.ticket.deadline.ns = 300;
    w.now_ns = 299;
    (void)sent(&w, &a);
    (void)sent(&w, &b);
    (void)sent(&w, &c);
    w.now_ns = 300;
    assert_string_equal(pull(&w, 0), "!c0 a=ETIMEDOUT b=");
    assert_counts(&w, "sent 3 received 0 withdrawn 2 late 0 silent 0 unfinished 0");
    assert_string_equal(gave_up(&w, &a), ""); /* too late: it was decided */
    assert_false(a.ticket.abandoned);
    assert_counts(&w, "sent 3 received 0 withdrawn 2 late 0 silent 0 unfinished 0");
    drop_ticket(&a);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    a.ticket.deadline.ns = 301;
    assert_string_equal(sent(&w, &a), "work0");
    assert_string_equal(pull(&w, 0), "!a0"); /* in time, by so much */
    w.now_ns = 400;
    assert_string_equal(answered(&w, &a, "A"), "a=OK"); /* it need only be begun by then */
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&c);
    end_world(&w);
}

/* ---- inline: begun as it comes, one at a time ---- */

static void an_inline_one_begins_what_is_sent(void **state)
{
    world w;
    named a, b, c;
    (void)state;
    begin_with(&w, LIMINAL_CRASH_FAIL, 1, 1, 1);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    renew(&c, LIMI_TICKET_SEND, 'c', say("c"));
    b.ticket.deadline.ns = c.ticket.deadline.ns = 300;
    w.now_ns = 300;
    assert_string_equal(sent(&w, &a), ">a0");
    assert_true(a.ticket.begun);
    assert_string_equal(answered(&w, &a, "A"), "a=OK");
    assert_string_equal(sent(&w, &b), "b=ETIMEDOUT");
    assert_string_equal(sent(&w, &c), "c=");
    assert_counts(&w, "sent 3 received 1 withdrawn 2 late 0 silent 0 unfinished 0");
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&c);
    end_world(&w);
}

/* ---- none, or none that answers ---- */

static void without_participants_it_is_a_buffer(void **state)
{
    world w;
    named a, b, r;
    const liminal_envelope *said;
    (void)state;
    begin(&w, 0, 0);
    renew(&a, LIMI_TICKET_SEND, 'a', say("a"));
    said = a.ticket.envelope;
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(sent(&w, &a), "");
    assert_string_equal(receive(&w, &r), "a=");
    assert_ptr_equal(r.ticket.reply, said);
    assert_string_equal(sent(&w, &b), "b=ENOPROC");
    drop_ticket(&r);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(receive(&w, &r), "");
    drop_ticket(&a);
    renew(&a, LIMI_TICKET_SEND, 'a', say("again"));
    said = a.ticket.envelope;
    assert_string_equal(sent(&w, &a), "a= r=OK");
    assert_ptr_equal(r.ticket.reply, said);
    assert_counts(&w, "sent 2 received 2 withdrawn 0 late 0 silent 0 unfinished 0");
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&r);
    end_world(&w);
}

static void with_watched_ones_only_nobody_gets_it(void **state)
{
    world w;
    named a, b, r;
    (void)state;
    begin(&w, 2, 0);
    renew(&a, LIMI_TICKET_SEND, 'a', say("a"));
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(receive(&w, &r), "");
    assert_string_equal(sent(&w, &a), "a=");
    assert_string_equal(sent(&w, &b), "b=ENOPROC");
    assert_false(r.ticket.decided);
    assert_counts(&w, "sent 1 received 0 withdrawn 0 late 0 silent 0 unfinished 0");
    assert_string_equal(exited(&w, 1), "r=EEXIT closing final");
    assert_refusal(&w, LIMINAL_EEXIT, "second exited: error 7");
    drop_ticket(&a);
    drop_ticket(&b);
    end_world(&w);
}

static void messages_go_to_the_first_that_answers(void **state)
{
    world w;
    named a;
    (void)state;
    begin(&w, 2, 2);
    renew(&a, LIMI_TICKET_SEND, 'a', say("a"));
    assert_string_equal(sent(&w, &a), "work1");
    assert_string_equal(pull(&w, 1), "!a1");
    assert_string_equal(answered(&w, &a, NULL), "a=");
    drop_ticket(&a);
    end_world(&w);
}

/* ---- the end ---- */

static void an_exit_answers_everyone(void **state)
{
    world w;
    named a, b, c, r, x;
    (void)state;
    begin(&w, 2, 1);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&b, LIMI_TICKET_SEND, 'b', say("b"));
    renew(&c, LIMI_TICKET_SEND, 'c', say("c"));
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    (void)sent(&w, &c);
    (void)pull(&w, 0);
    (void)answered(&w, &c, "buffered");
    (void)sent(&w, &a);
    (void)sent(&w, &b);
    (void)pull(&w, 0);
    (void)pull(&w, 0);
    assert_string_equal(closing(&w, &x, INT64_MAX), "closing"); /* what is begun is let finish */
    assert_string_equal(exited(&w, 0), "a=EEXIT b= x.OK closing final");
    assert_counts(&w, "sent 3 received 0 withdrawn 0 late 0 silent 0 unfinished 2");
    assert_refusal(&w, LIMINAL_EEXIT, "first exited: error 7");
    assert_string_equal(receive(&w, &r), "c="); /* what was there before comes first */
    assert_int_equal(r.ticket.outcome, LIMINAL_OK);
    drop_ticket(&r);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    assert_string_equal(receive(&w, &r), "");
    assert_true(r.ticket.decided);
    assert_int_equal(r.ticket.outcome, LIMINAL_EEXIT);
    assert_string_equal(exited(&w, 0), "");
    assert_string_equal(exited(&w, 1), ""); /* the end asked for that one */
    assert_refusal(&w, LIMINAL_EEXIT, "first exited: error 7"); /* the first cause stays */
    drop_ticket(&x);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    assert_string_equal(closing(&w, &x, 0), "x.OK");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_FAILED);
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&c);
    end_world(&w);
}

static void a_close_waits_for_what_was_accepted(void **state)
{
    world w;
    named a, x, y, r;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_SEND, 'a', say("a"));
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    renew(&y, LIMI_TICKET_CLOSE, 'y', NULL);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    (void)sent(&w, &a);
    assert_int_equal(limi_dialogue_due(&w.dialogue).ns, INT64_MAX);
    assert_string_equal(closing(&w, &x, 500), "closing");
    assert_refusal(&w, LIMINAL_ECLOSED, "the conversation is closing");
    assert_int_equal(limi_dialogue_due(&w.dialogue).ns, 500);
    assert_string_equal(closing(&w, &y, 900), "closing");
    assert_int_equal(limi_dialogue_due(&w.dialogue).ns, 500); /* the earliest counts */
    assert_string_equal(gave_up(&w, &y), "y=");
    assert_string_equal(clock_says(&w, 499), "");
    assert_string_equal(pull(&w, 0), "!a0"); /* accepted before: begun all the same */
    assert_string_equal(answered(&w, &a, "A"), "x.OK closing final");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_CLOSED);
    assert_int_equal(limi_dialogue_due(&w.dialogue).ns, INT64_MAX);
    assert_string_equal(clock_says(&w, 501), "");
    assert_string_equal(receive(&w, &r), "a=");
    assert_string_equal(liminal_envelope_text(r.ticket.reply), "A");
    assert_refusal(&w, LIMINAL_ECLOSED, "the conversation has closed");
    drop_ticket(&a);
    drop_ticket(&r);
    end_world(&w);
}

static void what_is_still_on_its_way_is_let_in(void **state)
{
    world w;
    named a, b, x;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_SEND, 'a', say("a"));
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    assert_string_equal(begins_to_close(&w, INT64_MAX), "closing");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_COMPLETING); /* nothing at a seat, and still open */
    assert_refusal(&w, LIMINAL_ECLOSED, "the conversation is closing");
    assert_string_equal(sent(&w, &a), "work0");
    assert_string_equal(pull(&w, 0), "!a0");
    assert_string_equal(answered(&w, &a, NULL), "a=");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_COMPLETING);
    assert_string_equal(sent(&w, &b), "work0");
    assert_string_equal(step(&w, (limi_event){.kind = LIMI_EVENT_CLOSE, .ticket = &x.ticket}), "");
    assert_string_equal(pull(&w, 0), "!b0");
    assert_string_equal(answered(&w, &b, "B"), "b=OK x.OK closing final");
    drop_ticket(&a);
    drop_ticket(&b);
    end_world(&w);
}

static void the_close_deadline_ends_it(void **state)
{
    world w;
    named a, b, x, r;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    (void)sent(&w, &a);
    (void)pull(&w, 0);
    (void)receive(&w, &r);
    (void)closing(&w, &x, 500);
    assert_string_equal(clock_says(&w, 500), "a=ECLOSED r=ECLOSED x.OK closing final");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_CLOSED);
    assert_string_equal(sent(&w, &b), "b=ECLOSED"); /* accepted before, not begun */
    assert_counts(&w, "sent 1 received 0 withdrawn 1 late 0 silent 0 unfinished 1");
    assert_string_equal(pull(&w, 0), "");
    assert_string_equal(answered(&w, &a, "A"), ""); /* unknown by now */
    assert_counts(&w, "sent 1 received 0 withdrawn 1 late 0 silent 0 unfinished 1");
    drop_ticket(&a);
    drop_ticket(&b);
    end_world(&w);
}

static void the_conversations_own_deadline_fails_it(void **state)
{
    world w;
    named a, r;
    (void)state;
    open_timed(&w, 1, 1, (liminal_deadline){700});
    renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    (void)sent(&w, &a);
    (void)receive(&w, &r);
    assert_int_equal(limi_dialogue_due(&w.dialogue).ns, 700);
    assert_string_equal(closing(&w, NULL, 900), "closing");
    assert_int_equal(limi_dialogue_due(&w.dialogue).ns, 700);
    assert_string_equal(clock_says(&w, 699), "");
    assert_string_equal(clock_says(&w, 700), "a=ETIMEDOUT r=ETIMEDOUT closing final");
    assert_refusal(&w, LIMINAL_ETIMEDOUT, "the conversation's own deadline passed");
    assert_int_equal(liminal_state_phase(w.state), LIMINAL_PHASE_FAILED);
    drop_ticket(&a);
    end_world(&w);
}

/* The last that was accepted is given up, or comes too late: nothing is left to wait for. */
static void a_close_does_not_wait_for_what_will_not_be_begun(void **state)
{
    world w;
    named a, x;
    (void)state;
    for (int given_up = 0; given_up < 2; given_up++) {
        begin(&w, 1, 1);
        renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
        renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
        a.ticket.deadline.ns = 300;
        w.now_ns = 299;
        (void)sent(&w, &a);
        assert_string_equal(closing(&w, &x, INT64_MAX), "closing");
        w.now_ns = 300;
        if (given_up) {
            assert_string_equal(gave_up(&w, &a), "a= x.OK closing final");
        } else {
            assert_string_equal(pull(&w, 0), "a=ETIMEDOUT x.OK closing final");
        }
        drop_ticket(&a);
        end_world(&w);
    }
}

/* The shell performs the effects of a step when it has released its lock: what is on its way to be answered then
 * may be settled by another thread's step. */
static void what_was_begun_may_be_settled_before_it_is_answered(void **state)
{
    world w;
    named a, b;
    limi_effects turn;
    limi_event send = {.kind = LIMI_EVENT_SENT, .ticket = &a.ticket, .now = some_time};
    limi_event pulls = {.kind = LIMI_EVENT_PULL, .seat = 0};
    (void)state;
    for (unsigned inlined = 0; inlined < 2; inlined++) {
        begin_with(&w, LIMINAL_CRASH_FAIL, 1, 1, inlined);
        renew(&a, LIMI_TICKET_ASK, 'a', say("a"));
        renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
        limi_effects_init(&turn);
        limi_step(&w.dialogue, &send, &turn);
        if (inlined) {
            assert_ptr_equal(turn.run, &a.ticket);
        } else {
            assert_int_equal(turn.work, 0);
            assert_null(turn.run);
            limi_step(&w.dialogue, &pulls, &turn);
            assert_ptr_equal(pulls.ticket, &a.ticket);
        }
        (void)closing(&w, NULL, 500);
        assert_string_equal(clock_says(&w, 500), "a=ECLOSED closing final");
        assert_true(limi_list_empty(&turn.settled)); /* once */
        assert_string_equal(answered(&w, &a, "A"), "");
        assert_string_equal(pull(&w, 0), "");
        drop_ticket(&a);
        drop_ticket(&b);
        end_world(&w);
    }
}

static void what_is_queued_was_not_begun(void **state)
{
    world w;
    named a, b, c, d;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_SEND, 'a', say("a"));
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    renew(&c, LIMI_TICKET_ASK, 'c', say("c"));
    renew(&d, LIMI_TICKET_ASK, 'd', say("d"));
    (void)sent(&w, &b);
    (void)pull(&w, 0);
    (void)sent(&w, &a);
    (void)sent(&w, &c);
    (void)sent(&w, &d);
    assert_string_equal(gave_up(&w, &d), "d="); /* counted here, and not once more */
    assert_string_equal(exited(&w, 0), "b=EEXIT a= c=EEXIT closing final");
    assert_counts(&w, "sent 4 received 0 withdrawn 3 late 0 silent 0 unfinished 1");
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&c);
    drop_ticket(&d);
    end_world(&w);
}

static void a_close_with_nothing_to_wait_for_is_at_once(void **state)
{
    world w;
    named x, gone;
    (void)state;
    begin(&w, 0, 0);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    renew(&gone, LIMI_TICKET_CLOSE, 'g', NULL);
    assert_string_equal(gave_up(&w, &gone), ""); /* it is still on its way */
    assert_string_equal(closing(&w, &gone, INT64_MAX), "g. closing final");
    assert_string_equal(closing(&w, &x, INT64_MAX), "x.OK");
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(asks_and_sends_find_their_way),
        TEST(replies_wait_in_order),
        TEST(a_look_that_may_not_wait_leaves_no_trace),
        TEST(silence),
        TEST(giving_up),
        TEST(what_is_late_is_not_begun),
        TEST(an_inline_one_begins_what_is_sent),
        TEST(without_participants_it_is_a_buffer),
        TEST(with_watched_ones_only_nobody_gets_it),
        TEST(messages_go_to_the_first_that_answers),
        TEST(an_exit_answers_everyone),
        TEST(a_close_waits_for_what_was_accepted),
        TEST(what_is_still_on_its_way_is_let_in),
        TEST(the_close_deadline_ends_it),
        TEST(the_conversations_own_deadline_fails_it),
        TEST(a_close_does_not_wait_for_what_will_not_be_begun),
        TEST(what_was_begun_may_be_settled_before_it_is_answered),
        TEST(what_is_queued_was_not_begun),
        TEST(a_close_with_nothing_to_wait_for_is_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

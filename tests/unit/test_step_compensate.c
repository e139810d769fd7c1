/* SPDX-License-Identifier: MIT */
/* test_step_compensate.c -- the policy "compensate", event by event. */
#include "step_kit.h"

enum { STEPS = 3, WITHIN = 100 };

/* A world with steps to be undone, x, y and z, in the order in which they were registered. */
typedef struct deeds {
    world w;
    limi_undo undos[STEPS];
    liminal_envelope *steps[STEPS];
    limi_undo *given;
} deeds;

static void open_deeds(deeds *d, uint32_t seats, int steps, int64_t within_ns)
{
    memset(d, 0, sizeof *d);
    begin_with(&d->w, LIMINAL_CRASH_COMPENSATE, seats, 7, 0);
    d->w.compensation.within_ns = within_ns;
    for (int i = 0; i < steps; i++) {
        const char text[2] = {(char)('x' + i), 0};
        d->steps[i] = say(text);
        d->undos[i].what = d->steps[i];
        limi_list_append(&d->w.compensation.undos, &d->undos[i].link);
    }
}

static void end_deeds(deeds *d)
{
    end_world(&d->w);
    for (int i = 0; i < STEPS; i++) {
        liminal_envelope_drop(&d->steps[i]);
    }
}

/* The one before has ended so; the next one to be made is `expected`, NULL for none. */
static void next_is(deeds *d, liminal_status status, limi_undo *expected, const char *effects)
{
    assert_string_equal(undone(&d->w, status, &d->given), effects);
    assert_ptr_equal(d->given, expected);
}

static void who_waits_is_told_at_once(void **state)
{
    deeds d;
    named a, b, c, r, s, x;
    (void)state;
    open_deeds(&d, 2, 1, WITHIN);
    d.w.now_ns = 1000;
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    renew_saying(&b, LIMI_TICKET_SEND, 'b');
    renew_saying(&c, LIMI_TICKET_ASK, 'c');
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    renew(&s, LIMI_TICKET_RECEIVE, 's', NULL);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    (void)sent(&d.w, &a);
    (void)sent(&d.w, &b);
    (void)pull(&d.w, 0);
    (void)receive(&d.w, &r);
    (void)closing(&d.w, &x, INT64_MAX);
    assert_string_equal(exited(&d.w, 0), "a=EEXIT b= r=EEXIT compensate closing");
    assert_int_equal(liminal_state_phase(d.w.state), LIMINAL_PHASE_COMPLETING);
    assert_refusal(&d.w, LIMINAL_EEXIT, "first exited: error 7");
    assert_int_equal(limi_dialogue_due(&d.w.dialogue).ns, 1000 + WITHIN);
    assert_string_equal(sent(&d.w, &c), "c=EEXIT"); /* it was on its way */
    assert_string_equal(receive(&d.w, &s), "");
    assert_int_equal(s.ticket.outcome, LIMINAL_EEXIT);
    assert_string_equal(answered(&d.w, &a, "late"), "");
    assert_string_equal(pull(&d.w, 1), "");
    assert_counts(&d.w, "sent 2 received 0 withdrawn 2 late 0 silent 0 unfinished 1");
    next_is(&d, LIMINAL_OK, &d.undos[0], "");
    next_is(&d, LIMINAL_OK, NULL, "x.OK closing final"); /* the close is told last */
    assert_int_equal(liminal_state_phase(d.w.state), LIMINAL_PHASE_FAILED);
    assert_refusal(&d.w, LIMINAL_EEXIT, "first exited: error 7");
    assert_int_equal(limi_dialogue_due(&d.w.dialogue).ns, INT64_MAX);
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&c);
    end_deeds(&d);
}

static void replies_that_were_there_are_still_received(void **state)
{
    deeds d;
    named a, b, r;
    (void)state;
    open_deeds(&d, 1, 0, WITHIN);
    renew_saying(&a, LIMI_TICKET_SEND, 'a');
    renew(&b, LIMI_TICKET_SEND, 'b', NULL);
    renew(&r, LIMI_TICKET_RECEIVE, 'r', NULL);
    (void)sent(&d.w, &a);
    (void)pull(&d.w, 0);
    (void)answered(&d.w, &a, "A");
    assert_string_equal(exited(&d.w, 0), "compensate closing");
    assert_string_equal(unasked(&d.w, 0, &b, "too late"), "b="); /* nobody hears the dead */
    assert_string_equal(receive(&d.w, &r), "a=");
    assert_string_equal(liminal_envelope_text(r.ticket.reply), "A");
    drop_ticket(&a);
    drop_ticket(&b);
    drop_ticket(&r);
    end_deeds(&d);
}

static void the_last_is_undone_first_and_all_is_logged(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 1, 3, WITHIN);
    (void)exited(&d.w, 0);
    next_is(&d, LIMINAL_OK, &d.undos[2], "");
    assert_log(&d.w, "exited 11"); /* asked for the first time, nothing has been undone */
    next_is(&d, LIMINAL_OK, &d.undos[1], "");
    next_is(&d, LIMINAL_ENOMEM, &d.undos[0], ""); /* one that fails does not stop the others */
    next_is(&d, LIMINAL_OK, NULL, "closing final");
    assert_log(&d.w, "exited 11, undone z OK, undone y ENOMEM, undone x OK, failed EEXIT");
    next_is(&d, LIMINAL_OK, NULL, ""); /* nothing more, however often it is asked */
    assert_log(&d.w, "exited 11, undone z OK, undone y ENOMEM, undone x OK, failed EEXIT");
    end_deeds(&d);
}

static void with_nothing_to_undo_it_fails_when_asked(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 1, 0, WITHIN);
    assert_string_equal(exited(&d.w, 0), "compensate closing");
    next_is(&d, LIMINAL_OK, NULL, "closing final");
    assert_log(&d.w, "exited 11, failed EEXIT");
    end_deeds(&d);
}

/* The config's own has no envelope, stands before all others, and so is made last. */
static void what_has_no_envelope_is_logged_as_well(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 1, 2, WITHIN);
    liminal_envelope_drop(&d.steps[0]);
    d.undos[0].what = NULL;
    (void)exited(&d.w, 0);
    next_is(&d, LIMINAL_OK, &d.undos[1], "");
    next_is(&d, LIMINAL_OK, &d.undos[0], "");
    next_is(&d, LIMINAL_EPHASE, NULL, "closing final");
    assert_log(&d.w, "exited 11, undone y OK, undone  EPHASE, failed EEXIT");
    end_deeds(&d);
}

/* ---- the deadline ---- */

static void what_is_not_undone_in_time_is_logged_so(void **state)
{
    deeds d;
    (void)state;
    for (int made = 0; made < 2; made++) {
        open_deeds(&d, 1, 3, WITHIN);
        d.w.now_ns = 1000;
        (void)exited(&d.w, 0);
        next_is(&d, LIMINAL_OK, &d.undos[2], "");
        if (made == 1) {
            next_is(&d, LIMINAL_OK, &d.undos[1], "");
        }
        assert_string_equal(clock_says(&d.w, 1000 + WITHIN - 1), "");
        assert_string_equal(clock_says(&d.w, 1000 + WITHIN), "closing final");
        assert_refusal(&d.w, LIMINAL_EEXIT, "first exited: error 7"); /* that is still the cause */
        next_is(&d, LIMINAL_OK, NULL, ""); /* it returns after all; there is no next one */
        assert_null(d.w.compensation.undoing);
        assert_log(&d.w, made == 0
                             ? "exited 11, undone z ETIMEDOUT, undone y ETIMEDOUT, undone x ETIMEDOUT, failed EEXIT"
                             : "exited 11, undone z OK, undone y ETIMEDOUT, undone x ETIMEDOUT, failed EEXIT");
        end_deeds(&d);
    }
}

static void the_deadline_may_pass_before_anything_is_undone(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 1, 2, WITHIN);
    (void)exited(&d.w, 0);
    assert_string_equal(clock_says(&d.w, WITHIN), "closing final");
    assert_log(&d.w, "exited 11, undone y ETIMEDOUT, undone x ETIMEDOUT, failed EEXIT");
    next_is(&d, LIMINAL_OK, NULL, "");
    end_deeds(&d);
}

static void a_time_without_end_never_passes(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 1, 1, INT64_MAX);
    d.w.now_ns = 1000; /* the sum is more than can be counted */
    (void)exited(&d.w, 0);
    assert_int_equal(limi_dialogue_due(&d.w.dialogue).ns, INT64_MAX);
    assert_string_equal(clock_says(&d.w, INT64_MAX), "");
    next_is(&d, LIMINAL_OK, &d.undos[0], "");
    next_is(&d, LIMINAL_OK, NULL, "closing final");
    end_deeds(&d);
}

/* ---- what else happens meanwhile ---- */

static void another_exit_is_only_recorded(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 3, 1, WITHIN);
    assert_string_equal(exited(&d.w, 1), "compensate closing");
    assert_string_equal(exited(&d.w, 0), "");
    next_is(&d, LIMINAL_OK, &d.undos[0], "");
    assert_string_equal(exited(&d.w, 2), "");
    next_is(&d, LIMINAL_OK, NULL, "closing final");
    assert_refusal(&d.w, LIMINAL_EEXIT, "second exited: error 7");
    assert_log(&d.w, "exited 12, exited 11, exited 13, undone x OK, failed EEXIT");
    end_deeds(&d);
}

static void a_close_waits_until_all_is_undone(void **state)
{
    deeds d;
    named x, gone;
    (void)state;
    open_deeds(&d, 1, 1, WITHIN);
    renew(&x, LIMI_TICKET_CLOSE, 'x', NULL);
    renew(&gone, LIMI_TICKET_CLOSE, 'g', NULL);
    (void)exited(&d.w, 0);
    assert_string_equal(closing(&d.w, &gone, 5), "closing");
    assert_int_equal(limi_dialogue_due(&d.w.dialogue).ns, WITHIN);
    assert_string_equal(clock_says(&d.w, 5), ""); /* its deadline does not cut the undoing short */
    assert_string_equal(gave_up(&d.w, &gone), "g=");
    assert_string_equal(closing(&d.w, &x, INT64_MAX), "closing");
    next_is(&d, LIMINAL_OK, &d.undos[0], "");
    next_is(&d, LIMINAL_OK, NULL, "x.OK closing final");
    assert_int_equal(liminal_state_phase(d.w.state), LIMINAL_PHASE_FAILED);
    end_deeds(&d);
}

static void the_conversations_own_deadline_is_undone_too(void **state)
{
    deeds d;
    named a;
    (void)state;
    open_deeds(&d, 1, 1, WITHIN);
    d.w.dialogue.deadline.ns = 700;
    renew_saying(&a, LIMI_TICKET_ASK, 'a');
    (void)sent(&d.w, &a);
    assert_string_equal(clock_says(&d.w, 710), "a=ETIMEDOUT compensate closing");
    assert_refusal(&d.w, LIMINAL_ETIMEDOUT, "the conversation's own deadline passed");
    assert_int_equal(limi_dialogue_due(&d.w.dialogue).ns, 710 + WITHIN);
    assert_string_equal(clock_says(&d.w, 720), "");
    next_is(&d, LIMINAL_OK, &d.undos[0], "");
    next_is(&d, LIMINAL_OK, NULL, "closing final");
    assert_log(&d.w, "sent a, undone x OK, failed ETIMEDOUT");
    drop_ticket(&a);
    end_deeds(&d);
}

static void an_actor_killed_too_often_is_undone_too(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 1, 1, WITHIN); /* and no restart is allowed */
    d.w.dialogue.intensity.window_ns = 5000000;
    assert_string_equal(killed(&d.w), "restart compensate closing"); /* somebody has to undo it */
    assert_refusal(&d.w, LIMINAL_EFAILED, "the actor was killed more than 0 times within 5 ms");
    for (int i = 0; i < 3; i++) {
        assert_string_equal(killed(&d.w), "restart");
    }
    next_is(&d, LIMINAL_OK, &d.undos[0], "");
    assert_string_equal(killed(&d.w), "restart");
    next_is(&d, LIMINAL_OK, NULL, "closing final");
    assert_string_equal(killed(&d.w), "");
    assert_log(&d.w, "undone x OK, failed EFAILED");
    end_deeds(&d);
}

static void what_closes_is_not_undone(void **state)
{
    deeds d;
    (void)state;
    open_deeds(&d, 2, 3, WITHIN);
    assert_string_equal(closing(&d.w, NULL, INT64_MAX), "closing final");
    assert_string_equal(exited(&d.w, 0), "");
    assert_string_equal(clock_says(&d.w, 1000), "");
    assert_int_equal(liminal_state_phase(d.w.state), LIMINAL_PHASE_CLOSED);
    assert_log(&d.w, "");
    end_deeds(&d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(who_waits_is_told_at_once),
        TEST(replies_that_were_there_are_still_received),
        TEST(the_last_is_undone_first_and_all_is_logged),
        TEST(with_nothing_to_undo_it_fails_when_asked),
        TEST(what_has_no_envelope_is_logged_as_well),
        TEST(what_is_not_undone_in_time_is_logged_so),
        TEST(the_deadline_may_pass_before_anything_is_undone),
        TEST(a_time_without_end_never_passes),
        TEST(another_exit_is_only_recorded),
        TEST(a_close_waits_until_all_is_undone),
        TEST(the_conversations_own_deadline_is_undone_too),
        TEST(an_actor_killed_too_often_is_undone_too),
        TEST(what_closes_is_not_undone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

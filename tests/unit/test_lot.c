/* SPDX-License-Identifier: MIT */
/* test_lot.c -- a participant's thread begins messages together, and nobody can tell: order, counts, room, replies,
 * asks, exit messages, deadlines. How it ends in the middle of a lot is in test_lot_ends.c. */
#define _GNU_SOURCE
#include "lot_kit.h"

/* ---- order and counts ------------------------------------------------------------------------- */

static void order_is_kept_over_several_lots(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    begin(s, 100);
    go_to(s, 40);
    in_a_lot(s);
    put_to(s, 150);
    go_to(s, 90);
    in_a_lot(s);
    put_to(s, 160);
    go_to(s, 160);
    put_to(s, 200);
    go_on_alone(s);
    close_scene(s);
    silent_are(s, 201);
    end_scene(s);
    heard_only(&s->a, 0, 200);
}

/* At the edges of lots of 32, and next to each other; each look has what is done of the lot answered. */
static void a_query_counts_what_is_done_and_no_more(void **state)
{
    static const unsigned stops[] = {1, 2, 3, 17, 34, 35, 36, 66, 67, 68, 69, 99};
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    begin(s, 100);
    silent_are(s, 0);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        go_to(s, stops[i]);
        in_a_lot(s);
        silent_are(s, stops[i]);
        silent_are(s, stops[i]);
    }
    go_to(s, 100);
    silent_are(s, 100);
    put_to(s, 101);
    silent_are(s, 100);
    go_on_alone(s);
    close_scene(s);
    silent_are(s, 102);
    end_scene(s);
    heard_only(&s->a, 0, 101);
}

/* The edge of a lot that nobody has looked at before. */
static void a_query_at_the_end_of_a_whole_lot(void **state)
{
    for (unsigned stop = 31; stop <= 34; stop++) {
        scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
        begin(s, 70);
        go_to(s, stop);
        in_a_lot(s);
        silent_are(s, stop);
        go_on_alone(s);
        close_scene(s);
        end_scene(s);
        heard_only(&s->a, 0, 70);
    }
}

/* What the rules know without a look. */
static void rules_know(scene *s, unsigned silent)
{
    limi_talk *talk = s->talk->self;
    uint64_t is;
    limi_mutex_lock(&talk->lock);
    is = talk->dialogue.state->counts.silent;
    limi_mutex_unlock(&talk->lock);
    assert_int_equal(is, silent);
}

/* However many wait, the rules hear of it after 32; and after a reply, after 1, 2, 4, 8 ... */
static void the_rules_hear_of_what_is_done_after_each_lot(void **state)
{
    static const struct {
        unsigned stop, known;
    } cases[2][8] = {{{1, 1}, {2, 1}, {32, 1}, {33, 33}, {64, 33}, {65, 65}, {96, 65}, {97, 97}},
                     {{3, 2}, {4, 2}, {5, 4}, {8, 4}, {9, 8}, {16, 8}, {17, 16}, {33, 32}}};
    for (size_t i = 0; i < 2; i++) {
        scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
        s->a.deeds[1] = i == 0 ? 0 : REPLIES;
        begin(s, 100);
        for (size_t j = 0; j < 8; j++) {
            go_to(s, cases[i][j].stop);
            rules_know(s, s->mode->single ? cases[i][j].stop - (unsigned)i : cases[i][j].known);
        }
        go_on_alone(s);
        close_scene(s);
        end_scene(s);
        heard_only(&s->a, 0, 100);
    }
}

/* The log holds only the newest, and nobody else what is done. */
static void what_is_done_is_let_go_of_and_the_rest_is_not(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    s->config.log_entries = 1;
    begin(s, 60);
    for (unsigned stop = 5; stop < 60; stop += 9) {
        go_to(s, stop);
        silent_are(s, stop);
        for (unsigned i = 0; i <= 60; i++) {
            assert_int_equal(atomic_load(&ends[i]), i < stop ? 1 : 0);
        }
        assert_int_equal(atomic_load(&ended), stop);
    }
    go_on_alone(s);
    end_scene(s);
    heard_only(&s->a, 0, 60);
}

/* ---- room ------------------------------------------------------------------------------------- */

static const struct bound {
    size_t messages, bytes;
    unsigned most; /* of ours */
} bounds[] = {{4, 0, 4}, {0, 4 * DIGITS, 4}, {70, 0, 70}, {0, 70 * DIGITS, 70}};

enum { BOUNDS = sizeof bounds / sizeof bounds[0] };

static scene *bound_scene(void **state, const struct bound *bound, liminal_overflow overflow)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    s->config.mailbox_messages = bound->messages;
    s->config.mailbox_bytes = bound->bytes;
    s->config.overflow = overflow;
    begin(s, bound->most - 1);
    assert_int_equal(put_one(s, false), LIMINAL_EFULL);
    return s;
}

/* So many places are free, and no more; they are taken. */
static void places(scene *s, unsigned count, bool may_wait)
{
    while (count-- > 0) {
        assert_int_equal(put_one(s, may_wait), LIMINAL_OK);
    }
    assert_int_equal(put_one(s, false), LIMINAL_EFULL);
}

static void what_is_done_of_a_lot_is_room_while_the_next_is_being_answered(void **state)
{
    for (size_t i = 0; i < 4 * BOUNDS; i++) {
        const struct bound *bound = &bounds[i / 4];
        scene *s = bound_scene(state, bound, i % 2 ? LIMINAL_OVERFLOW_WAIT : LIMINAL_OVERFLOW_REFUSE);
        bool may_wait = i / 2 % 2 != 0;
        go_to(s, 2);
        in_a_lot(s);
        places(s, 2, may_wait);
        go_to(s, 3);
        places(s, 1, may_wait);
        go_to(s, 6 <= bound->most ? 20 : 5);
        places(s, 6 <= bound->most ? 17 : 2, may_wait);
        go_on_alone(s);
        close_scene(s);
        silent_are(s, s->sent);
        end_scene(s);
        heard_only(&s->a, 0, s->sent - 1);
    }
}

/* Whether it still is patient when the lot is gathered is left to chance; it gets its place all the same. */
static void who_waits_for_room_gets_what_is_done_of_a_lot(void **state)
{
    for (size_t i = 0; i < 4 * BOUNDS; i++) {
        scene *s = bound_scene(state, &bounds[i % BOUNDS], LIMINAL_OVERFLOW_WAIT);
        call first = {.talk = s->talk, .deadline = LONG}, second = {.talk = s->talk, .deadline = LONG};
        first.message = message(s);
        second.message = message(s);
        start_asleep(&first, send_body);
        start_asleep(&second, send_body);
        go_to(s, 2);
        joined(&first, LIMINAL_OK);
        joined(&second, LIMINAL_OK);
        assert_int_equal(put_one(s, false), LIMINAL_EFULL);
        silent_are(s, 2);
        go_on_alone(s);
        close_scene(s);
        silent_are(s, s->sent);
        end_scene(s);
        assert_int_equal(s->a.count, s->sent);
        (void)heard(&s->a, 0, 0, s->sent - 3); /* which of the two was first is theirs */
    }
}

/* It comes when there is a lot already, and finds no place of it done. */
static void who_begins_to_wait_in_the_middle_gets_the_next_place(void **state)
{
    for (size_t i = 0; i < 2 * BOUNDS; i++) {
        scene *s = bound_scene(state, &bounds[i % BOUNDS], LIMINAL_OVERFLOW_WAIT);
        call sender = {.talk = s->talk, .deadline = LONG};
        go_to(s, 1);
        in_a_lot(s);
        assert_int_equal(put_one(s, false), LIMINAL_OK); /* in the place of 0 */
        sender.message = message(s);
        start_asleep(&sender, send_body);
        go_to(s, 2);
        joined(&sender, LIMINAL_OK);
        silent_are(s, 2);
        go_on_alone(s);
        end_scene(s);
        heard_only(&s->a, 0, s->sent - 1);
    }
}

/* All places are taken when it begins to wait, that of 0 for longer, for its reply is not received. In time 1 is done,
 * and 2 is being answered. Whether that is in time is left to chance, so there are many rounds. */
static bool has_its_place_in_time(void **state, const struct bound *bound, int64_t time_ns)
{
    scene *s = bound_scene(state, bound, LIMINAL_OVERFLOW_WAIT);
    call sender = {.talk = s->talk};
    bool in_time;
    s->a.deeds[0] |= REPLIES;
    s->a.deeds[2] = STOPS;
    sender.message = message(s);
    s->a.watched = sender.deadline = liminal_deadline_in_ns(time_ns);
    start(&sender, send_body);
    go_on_alone(s);
    test_gate_wait(&s->a.begun);
    in_time = s->a.left_ns > 0;
    test_thread_join(&sender.thread);
    (void)test_check(!in_time || sender.status == LIMINAL_OK); /* noted, so that the scene is ended */
    liminal_envelope_drop(&sender.message);
    go_on_alone(s);
    end_scene(s);
    return in_time;
}

static void who_has_little_time_to_wait_gets_what_is_done_of_a_lot(void **state)
{
    for (size_t i = 0; i < BOUNDS; i++) {
        unsigned in_time = 0;
        for (int round = 0; round < 20 && in_time < 6; round++) {
            in_time += has_its_place_in_time(state, &bounds[i], (200 + 40 * (round % 10)) * MS / 1000);
        }
    }
}

/* ---- replies, asks ---------------------------------------------------------------------------- */

static void a_reply_out_of_a_lot_is_received_at_once(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    s->a.deeds[4] = s->a.deeds[5] = s->a.deeds[9] = REPLIES;
    begin(s, 20);
    go_to(s, 4);
    in_a_lot(s);
    get_fails(s->talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    go_to(s, 5);
    get_number(s, 4);
    get_fails(s->talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    go_to(s, 12);
    get_number(s, 5);
    get_number(s, 9);
    counted(s, (liminal_counts){.sent = 21, .received = 3, .silent = 9});
    go_on_alone(s);
    close_scene(s);
    counted(s, (liminal_counts){.sent = 21, .received = 3, .silent = 18});
    end_scene(s);
    heard_only(&s->a, 0, 20);
}

static void who_waits_for_a_reply_gets_it_out_of_a_lot(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    call receiver = {.deadline = LONG};
    s->a.deeds[7] = REPLIES;
    begin(s, 20);
    receiver.talk = s->talk;
    go_to(s, 3);
    in_a_lot(s);
    start_asleep(&receiver, receive_body);
    go_to(s, 8);
    got(&receiver, "0007");
    counted(s, (liminal_counts){.sent = 21, .received = 1, .silent = 7});
    go_on_alone(s);
    end_scene(s);
    heard_only(&s->a, 0, 20);
}

/* The ask is there before the lot is gathered, or comes in its middle. */
static void an_ask_behind_a_lot_is_answered_after_it(void **state)
{
    for (int i = 0; i < 4; i++) {
        scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
        call asker = {.text = "0250", .deadline = i % 2 ? LONG : liminal_deadline_never()};
        bool later = i / 2 != 0;
        size_t at;
        s->a.deeds[ASKED] = REPLIES;
        begin(s, 20);
        asker.talk = s->talk;
        if (later) {
            go_to(s, 7);
            in_a_lot(s);
        }
        start_asleep(&asker, ask_body);
        put_to(s, 40);
        go_to(s, 15);
        in_a_lot(s);
        counted(s, (liminal_counts){.sent = 42, .silent = 15});
        go_to(s, 30);
        got(&asker, "0250");
        counted(s, (liminal_counts){.sent = 42, .received = 1, .silent = 30});
        go_on_alone(s);
        close_scene(s);
        end_scene(s);
        at = heard(&s->a, 0, 0, 20);
        at = heard(&s->a, at, ASKED, ASKED);
        assert_int_equal(heard(&s->a, at, 21, 40), s->a.count);
    }
}

static void an_ask_behind_a_lot_may_be_given_up(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    begin(s, 20);
    go_to(s, 7);
    in_a_lot(s);
    assert_int_equal(ask_until(s->talk, "0250", NULL, liminal_deadline_in_ms(10)), LIMINAL_ETIMEDOUT);
    put_to(s, 30);
    counted(s, (liminal_counts){.sent = 32, .silent = 7, .withdrawn = 1});
    go_on_alone(s);
    close_scene(s);
    end_scene(s);
    heard_only(&s->a, 0, 30);
}

/* ---- exit messages ---------------------------------------------------------------------------- */

static void signal_a(scene *s)
{
    assert_int_equal(liminal_process_signal(house, (liminal_pid){0}, s->a.pid, reason), LIMINAL_OK);
}

/* One comes before there is a lot, one in its middle, one when the next has been ended by a look. */
static void an_exit_message_keeps_its_place_among_messages(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    size_t at;
    begin_with(s, &trapping, 1, 10);
    signal_a(s);
    put_to(s, 40);
    (void)look(s->talk);
    go_to(s, 20);
    in_a_lot(s);
    signal_a(s);
    put_to(s, 60);
    (void)look(s->talk);
    go_to(s, 50);
    in_a_lot(s);
    silent_are(s, 50);
    signal_a(s);
    put_to(s, 70);
    go_on_alone(s);
    close_scene(s);
    silent_are(s, 71);
    end_scene(s);
    at = heard(&s->a, 0, 0, 10);
    at = heard(&s->a, at, EXIT_HEARD, EXIT_HEARD);
    at = heard(&s->a, at, 11, 40);
    at = heard(&s->a, at, EXIT_HEARD, EXIT_HEARD);
    at = heard(&s->a, at, 41, 60);
    at = heard(&s->a, at, EXIT_HEARD, EXIT_HEARD);
    assert_int_equal(heard(&s->a, at, 61, 70), s->a.count);
}

static void who_dies_of_an_exit_message_has_done_what_came_before_it(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_ROUTE_NEXT);
    s->a.cannot_bear_exits = true;
    begin_with(s, &trapping, 2, 30);
    go_to(s, 7);
    in_a_lot(s);
    signal_a(s);
    put_to(s, 50);
    s->b.deeds[50] = STOPS;
    go_on_alone(s);
    test_gate_wait(&s->b.begun);
    silent_are(s, 50);
    test_gate_open(&s->b.go);
    close_scene(s);
    silent_are(s, 51);
    end_scene(s);
    assert_int_equal(heard(&s->a, heard(&s->a, 0, 0, 30), EXIT_HEARD, EXIT_HEARD), s->a.count);
    heard_only(&s->b, 31, 50);
}

/* ---- deadlines -------------------------------------------------------------------------------- */

/* So many, from the next one on, have a deadline that comes soon. */
static liminal_deadline put_mortal(scene *s, unsigned count)
{
    liminal_deadline deadline = s->deadline = liminal_deadline_in_ms(20);
    put_to(s, s->sent + count - 1);
    s->deadline = (liminal_deadline){0};
    return deadline;
}

static void what_is_too_late_is_not_begun(void **state)
{
    for (int later = 0; later < 2; later++) {
        scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
        liminal_deadline deadline;
        begin(s, 10);
        if (later) {
            go_to(s, 5);
            in_a_lot(s);
        }
        deadline = put_mortal(s, 3);
        put_to(s, 40);
        test_until(liminal_deadline_remaining_ns(deadline) == 0);
        go_to(s, 9);
        go_to(s, 20);
        counted(s, (liminal_counts){.sent = 41, .silent = 17, .withdrawn = 3});
        go_on_alone(s);
        close_scene(s);
        end_scene(s);
        assert_int_equal(heard(&s->a, heard(&s->a, 0, 0, 10), 14, 40), s->a.count);
    }
}

/* The lot goes up to it, and it is looked at when its turn comes. */
static void what_becomes_too_late_in_the_middle_is_not_begun(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    liminal_deadline deadline;
    begin(s, 10);
    deadline = s->deadline = liminal_deadline_in_ms(SHORT_MS);
    put_to(s, 11);
    s->deadline = (liminal_deadline){0};
    put_to(s, 30);
    (void)look(s->talk);
    go_to(s, 10);
    in_a_lot(s);
    test_until(liminal_deadline_remaining_ns(deadline) == 0);
    go_to(s, 25);
    counted(s, (liminal_counts){.sent = 31, .silent = 24, .withdrawn = 1});
    go_on_alone(s);
    end_scene(s);
    assert_int_equal(heard(&s->a, heard(&s->a, 0, 0, 10), 12, 30), s->a.count);
}

/* ---- from inside ------------------------------------------------------------------------------ */

static void count_inside(scene *s)
{
    liminal_snapshot *snapshot = NULL;
    s->status = liminal_conversation_query(s->talk, &snapshot, LONG);
    s->counts = liminal_snapshot_read(snapshot).counts;
    liminal_snapshot_drop(&snapshot);
}

static void a_behaviour_sees_what_it_has_done(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    s->a.act = count_inside;
    s->a.deeds[6] = s->a.deeds[7] = s->a.deeds[15] = ACTS;
    begin(s, 30);
    for (unsigned stop = 7; stop <= 16; stop += stop == 7 ? 1 : 8) {
        go_to(s, stop);
        assert_int_equal(s->status, LIMINAL_OK);
        same_counts(s->counts, (liminal_counts){.sent = 31, .silent = stop - 1});
        silent_are(s, stop);
    }
    go_on_alone(s);
    end_scene(s);
    heard_only(&s->a, 0, 30);
}

static void send_inside(scene *s)
{
    s->status = put_one(s, s->config.overflow == LIMINAL_OVERFLOW_WAIT);
}

static void a_behaviour_has_the_room_of_what_it_has_done(void **state)
{
    for (size_t i = 0; i < 2 * BOUNDS; i++) {
        scene *s = bound_scene(state, &bounds[i / 2], i % 2 ? LIMINAL_OVERFLOW_WAIT : LIMINAL_OVERFLOW_REFUSE);
        s->a.act = send_inside;
        s->a.deeds[2] = ACTS;
        go_to(s, 3);
        assert_int_equal(s->status, LIMINAL_OK);
        places(s, 2, false);
        go_on_alone(s);
        end_scene(s);
        heard_only(&s->a, 0, s->sent - 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {LOTS(order_is_kept_over_several_lots),
                                       LOTS(a_query_counts_what_is_done_and_no_more),
                                       LOTS(a_query_at_the_end_of_a_whole_lot),
                                       LOTS(the_rules_hear_of_what_is_done_after_each_lot),
                                       LOTS(what_is_done_is_let_go_of_and_the_rest_is_not),
                                       LOTS(what_is_done_of_a_lot_is_room_while_the_next_is_being_answered),
                                       LOTS(who_waits_for_room_gets_what_is_done_of_a_lot),
                                       LOTS(who_begins_to_wait_in_the_middle_gets_the_next_place),
                                       LOTS(who_has_little_time_to_wait_gets_what_is_done_of_a_lot),
                                       LOTS(a_reply_out_of_a_lot_is_received_at_once),
                                       LOTS(who_waits_for_a_reply_gets_it_out_of_a_lot),
                                       LOTS(an_ask_behind_a_lot_is_answered_after_it),
                                       LOTS(an_ask_behind_a_lot_may_be_given_up),
                                       LOTS(an_exit_message_keeps_its_place_among_messages),
                                       LOTS(who_dies_of_an_exit_message_has_done_what_came_before_it),
                                       LOTS(what_is_too_late_is_not_begun),
                                       LOTS(what_becomes_too_late_in_the_middle_is_not_begun),
                                       LOTS(a_behaviour_sees_what_it_has_done),
                                       LOTS(a_behaviour_has_the_room_of_what_it_has_done)};
    (void)variants;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

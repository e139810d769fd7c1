/* SPDX-License-Identifier: MIT */
/* test_lot_ends.c -- in the middle of a lot, the porter exits, or the conversation closes, fails or restarts: what is
 * done stays done, what was not looked at was never begun. See lot_kit.h. */
#define _GNU_SOURCE
#include "lot_kit.h"

/* ---- the porter exits ------------------------------------------------------------------------- */

enum { LAST = 40, DIES_AT = 12 };

typedef enum cause { ITSELF, KILLED, SIGNALLED } cause;
typedef enum manner { AT_A_STOP, LOOKED_AT, UNSEEN, MANNERS } manner;

static const struct exit_case {
    unsigned deed; /* at DIES_AT */
    cause cause;
} exits[] = {{FAILS, ITSELF}, {FAILS | REPLIES, ITSELF}, {EXITS, ITSELF}, {EXITS | REPLIES, ITSELF},
             {ENDS, ITSELF},  {ENDS | REPLIES, ITSELF},  {0, KILLED},       {REPLIES, KILLED},
             {0, SIGNALLED}};

enum { EXIT_CASES = sizeof exits / sizeof exits[0] };

/* Up to where it exits, or for one that others end has ended. A reply that is given after that is nobody's. */
static void go_to_the_exit(scene *s, const struct exit_case *it, manner how)
{
    if (how == UNSEEN && it->cause == ITSELF) {
        s->a.deeds[DIES_AT] = it->deed;
        go_on_alone(s);
        return;
    }
    go_to(s, DIES_AT);
    in_a_lot(s);
    s->a.deeds[DIES_AT] = it->deed;
    if (how == LOOKED_AT) {
        silent_are(s, DIES_AT);
    }
    if (it->cause == ITSELF) {
        go_on_alone(s);
    } else {
        assert_int_equal(it->cause == KILLED ?
                             liminal_process_kill(house, s->a.pid) :
                             liminal_process_signal(house, (liminal_pid){0}, s->a.pid, reason),
                         LIMINAL_OK);
    }
}

static bool is_answered(const struct exit_case *it)
{
    return it->cause == ITSELF && (it->deed & REPLIES) != 0;
}

static liminal_status keep_counts(void *self, const liminal_snapshot *snapshot)
{
    *(liminal_counts *)self = liminal_snapshot_read(snapshot).counts;
    return LIMINAL_OK;
}

static void fail_in_the_middle(void **state, liminal_crash_policy policy, const struct exit_case *it, manner how)
{
    scene *s = new_scene(state, policy);
    bool answered = is_answered(it);
    liminal_counts counts = {.sent = LAST + 1, .received = answered, .silent = DIES_AT, .unfinished = !answered,
                             .withdrawn = LAST - DIES_AT};
    if (policy == LIMINAL_CRASH_COMPENSATE) {
        s->config.compensate = keep_counts;
        s->config.compensate_self = &s->counts;
    }
    begin(s, LAST);
    go_to_the_exit(s, it, how);
    if (answered) {
        get_number(s, DIES_AT);
    }
    get_fails(s->talk, LONG, LIMINAL_EEXIT);
    test_until(phase(s->talk) == LIMINAL_PHASE_FAILED);
    counted(s, counts);
    if (it->cause != ITSELF) {
        go_on_alone(s);
    }
    all_say(s->talk, LIMINAL_EEXIT);
    counted(s, counts);
    if (policy == LIMINAL_CRASH_COMPENSATE) {
        assert_int_equal(s->counts.silent, DIES_AT);
        assert_int_equal(s->counts.sent, LAST + 1);
    }
    end_scene(s);
    heard_only(&s->a, 0, DIES_AT);
}

static void one_that_exits_in_a_lot_leaves_the_right_counts(void **state)
{
    for (size_t i = 0; i < EXIT_CASES * MANNERS; i++) {
        fail_in_the_middle(state, LIMINAL_CRASH_FAIL, &exits[i / MANNERS], (manner)(i % MANNERS));
    }
}

static void one_that_exits_in_a_lot_is_undone_after_the_right_counts(void **state)
{
    for (size_t i = 0; i < EXIT_CASES * MANNERS; i++) {
        fail_in_the_middle(state, LIMINAL_CRASH_COMPENSATE, &exits[i / MANNERS], (manner)(i % MANNERS));
    }
}

static void route_in_the_middle(void **state, const struct exit_case *it, manner how)
{
    scene *s = new_scene(state, LIMINAL_CRASH_ROUTE_NEXT);
    unsigned answered = is_answered(it);
    s->b.deeds[30] = s->b.deeds[LAST] = STOPS;
    begin_with(s, &carrying, 2, LAST);
    go_to_the_exit(s, it, how);
    test_gate_wait(&s->b.begun);
    counted(s, (liminal_counts){.sent = LAST + 1, .silent = 30 - answered});
    test_gate_open(&s->b.go);
    test_gate_wait(&s->b.begun);
    counted(s, (liminal_counts){.sent = LAST + 1, .silent = LAST - answered});
    if (answered) {
        get_number(s, DIES_AT);
    }
    test_gate_open(&s->b.go);
    if (it->cause != ITSELF) {
        go_on_alone(s);
    }
    put_to(s, LAST + 20);
    close_scene(s);
    counted(s, (liminal_counts){.sent = LAST + 21, .received = answered, .silent = LAST + 21 - answered});
    end_scene(s);
    heard_only(&s->a, 0, DIES_AT);
    heard_only(&s->b, DIES_AT + answered, LAST + 20);
}

static void one_that_exits_in_a_lot_is_followed_by_the_next(void **state)
{
    for (size_t i = 0; i < EXIT_CASES * MANNERS; i++) {
        route_in_the_middle(state, &exits[i / MANNERS], (manner)(i % MANNERS));
    }
}

static void both_exit_in_lots_of_the_same_messages(void **state)
{
    for (size_t i = 0; i < EXIT_CASES; i++) {
        scene *s = new_scene(state, LIMINAL_CRASH_ROUTE_NEXT);
        unsigned answered = is_answered(&exits[i]);
        s->b.deeds[20] = FAILS;
        begin_with(s, &carrying, 2, LAST);
        go_to_the_exit(s, &exits[i], AT_A_STOP);
        if (answered) {
            get_number(s, DIES_AT);
        }
        get_fails(s->talk, LONG, LIMINAL_EEXIT);
        counted(s, (liminal_counts){.sent = LAST + 1, .received = answered, .silent = 20 - answered, .unfinished = 1,
                                    .withdrawn = LAST - 20});
        if (exits[i].cause != ITSELF) {
            go_on_alone(s);
        }
        end_scene(s);
        heard_only(&s->a, 0, DIES_AT);
        heard_only(&s->b, DIES_AT + answered, 20);
    }
}

static void kill_a_inside(scene *s)
{
    s->status = liminal_process_kill(house, s->a.pid);
}

static void one_that_kills_itself_in_a_lot_is_followed_by_the_next(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_ROUTE_NEXT);
    s->a.act = kill_a_inside;
    s->a.deeds[DIES_AT] = ACTS;
    s->b.deeds[LAST] = STOPS;
    begin_with(s, &carrying, 2, LAST);
    go_on_alone(s);
    test_gate_wait(&s->b.begun);
    silent_are(s, LAST);
    test_gate_open(&s->b.go);
    close_scene(s);
    silent_are(s, LAST + 1);
    end_scene(s);
    assert_int_equal(s->status, LIMINAL_OK);
    heard_only(&s->a, 0, DIES_AT);
    heard_only(&s->b, DIES_AT, LAST);
}

static atomic_bool is_there;

/* Relaxed, so that this orders nothing: what the two porters' threads share they have to order themselves. */
static void wait_for_b(scene *s)
{
    (void)s;
    while (!atomic_load_explicit(&is_there, memory_order_relaxed)) {
    }
}

static void let_a_return(scene *s)
{
    (void)s;
    atomic_store_explicit(&is_there, true, memory_order_relaxed);
}

static void one_that_is_killed_returns_when_the_next_has_its_lot(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_ROUTE_NEXT);
    atomic_store(&is_there, false);
    s->a.act = wait_for_b;
    s->b.act = let_a_return;
    s->a.deeds[DIES_AT] = ACTS;
    s->b.deeds[DIES_AT + 3] = ACTS;
    begin_with(s, &carrying, 2, LAST);
    go_to(s, DIES_AT);
    in_a_lot(s);
    assert_int_equal(liminal_process_kill(house, s->a.pid), LIMINAL_OK);
    go_on_alone(s);
    close_scene(s);
    silent_are(s, LAST + 1);
    end_scene(s);
    heard_only(&s->a, 0, DIES_AT);
    heard_only(&s->b, DIES_AT, LAST);
}

/* What waits for room, and asks, behind a lot whose porter dies. */
static void who_waits_behind_a_lot_is_told_of_the_exit(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    call sender = {.deadline = LONG}, asker = {.text = "0250", .deadline = LONG}, receiver = {.deadline = LONG};
    s->config.mailbox_messages = 5;
    s->config.overflow = LIMINAL_OVERFLOW_WAIT;
    begin(s, 3);
    sender.talk = asker.talk = receiver.talk = s->talk;
    start_asleep(&asker, ask_body);
    sender.message = message(s);
    start_asleep(&sender, send_body);
    start_asleep(&receiver, receive_body);
    s->a.deeds[1] = FAILS;
    go_on_alone(s);
    test_thread_join(&sender.thread); /* it may have got the place of 0 just before */
    assert_true(sender.status == LIMINAL_EEXIT || sender.status == LIMINAL_OK);
    liminal_envelope_drop(&sender.message);
    joined(&asker, LIMINAL_EEXIT);
    joined(&receiver, LIMINAL_EEXIT);
    assert_int_equal(look(s->talk).counts.silent, 1);
    assert_int_equal(look(s->talk).counts.unfinished, 1);
    end_scene(s);
    heard_only(&s->a, 0, 1);
}

/* ---- it closes -------------------------------------------------------------------------------- */

/* The close is there, and nothing more is accepted. */
static void closing_has_begun(scene *s)
{
    test_until(phase(s->talk) == LIMINAL_PHASE_COMPLETING);
    assert_int_equal(put_one(s, false), LIMINAL_ECLOSED);
}

static void a_close_in_a_lot_lets_all_be_answered(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    call closer = {.deadline = LONG};
    begin(s, LAST);
    go_to(s, 12);
    in_a_lot(s);
    closer.talk = s->talk;
    start_asleep(&closer, close_body);
    closing_has_begun(s);
    silent_are(s, 12);
    go_to(s, 20);
    silent_are(s, 20);
    go_on_alone(s);
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(s->talk), LIMINAL_PHASE_CLOSED);
    silent_are(s, LAST + 1);
    end_scene(s);
    heard_only(&s->a, 0, LAST);
}

static void a_close_with_a_deadline_ends_a_lot_where_it_is(void **state)
{
    static const uint32_t times_ms[] = {0, 30};
    for (size_t i = 0; i < 2; i++) {
        scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
        liminal_counts counts = {.sent = LAST + 1, .silent = 12, .unfinished = 1, .withdrawn = LAST - 12};
        begin(s, LAST);
        go_to(s, 12);
        in_a_lot(s);
        s->a.deeds[12] |= REPLIES; /* which comes too late */
        assert_int_equal(liminal_conversation_close(s->talk, liminal_deadline_in_ms(times_ms[i])), LIMINAL_OK);
        assert_int_equal(phase(s->talk), LIMINAL_PHASE_CLOSED);
        counted(s, counts);
        get_fails(s->talk, LONG, LIMINAL_ECLOSED);
        go_on_alone(s);
        counted(s, counts);
        end_scene(s);
        heard_only(&s->a, 0, 12);
    }
}

static void close_inside(scene *s)
{
    s->status = liminal_conversation_close(s->talk, LONG);
}

static void a_close_by_the_porter_lets_all_be_answered(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    s->a.act = close_inside;
    s->a.deeds[12] = ACTS;
    begin(s, LAST);
    go_to(s, 20);
    assert_int_equal(s->status, LIMINAL_OK);
    closing_has_begun(s);
    silent_are(s, 20);
    go_on_alone(s);
    close_scene(s);
    silent_are(s, LAST + 1);
    end_scene(s);
    heard_only(&s->a, 0, LAST);
}

static void one_that_exits_while_it_closes_is_followed_by_the_next(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_ROUTE_NEXT);
    call closer = {.deadline = LONG};
    begin_with(s, &carrying, 2, LAST);
    go_to(s, 12);
    in_a_lot(s);
    closer.talk = s->talk;
    start_asleep(&closer, close_body);
    closing_has_begun(s);
    s->a.deeds[20] = ENDS;
    go_on_alone(s);
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(s->talk), LIMINAL_PHASE_CLOSED);
    silent_are(s, LAST + 1);
    end_scene(s);
    heard_only(&s->a, 0, 20);
    heard_only(&s->b, 20, LAST);
}

/* The handle goes while the porter is in the middle; nobody looks any more. */
static void the_last_drop_in_a_lot_lets_all_be_answered(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    begin(s, LAST);
    go_to(s, 12);
    in_a_lot(s);
    liminal_conversation_drop(&s->talk);
    go_on_alone(s);
    test_until(s->a.releases == 1);
    end_scene(s);
    heard_only(&s->a, 0, LAST);
}

/* ---- shutdown --------------------------------------------------------------------------------- */

typedef struct shutting {
    test_thread thread;
    test_gate started;
    liminal_status status;
} shutting;

static void shut_down(void *argument)
{
    shutting *self = argument;
    test_gate_open(&self->started);
    self->status = liminal_supervisor_shutdown(&house, NULL, LONG);
}

static void a_shutdown_in_a_lot_lets_all_be_answered(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    shutting down = {.started = TEST_GATE_INIT};
    begin(s, LAST);
    go_to(s, 12);
    in_a_lot(s);
    test_thread_start(&down.thread, shut_down, &down);
    test_gate_wait(&down.started);
    closing_has_begun(s);
    silent_are(s, 12);
    go_to(s, 20);
    go_on_alone(s);
    test_thread_join(&down.thread);
    assert_int_equal(down.status, LIMINAL_OK);
    assert_null(house);
    liminal_conversation_drop(&s->talk);
    each_ended_once(s);
    heard_only(&s->a, 0, LAST);
    assert_int_equal(s->a.releases, 1);
}

static void a_shutdown_that_is_out_of_time_ends_a_lot_where_it_is(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    liminal_counts counts = {.sent = LAST + 1, .silent = 12, .unfinished = 1, .withdrawn = LAST - 12};
    liminal_report report;
    begin(s, LAST);
    go_to(s, 12);
    in_a_lot(s);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, liminal_deadline_in_ms(30)), LIMINAL_ETIMEDOUT);
    assert_int_equal(report.running, 1);
    counted(s, counts);
    go_on_alone(s);
    end_scene(s);
    heard_only(&s->a, 0, 12);
}

/* ---- the conversation's deadline, and its actor ------------------------------------------------ */

/* Held here before its time is over. */
static bool comes_to(scene *s)
{
    bool is_held = false;
    test_until((is_held = test_gate_try(&s->a.begun)) || phase(s->talk) == LIMINAL_PHASE_FAILED);
    return is_held;
}

/* As begin(), go_to() and in_a_lot(), and false if its time was over before all that. */
static bool is_in_a_lot_in_time(scene *s, unsigned stop)
{
    limi_talk *talk;
    bool found;
    const liminal_participant person = {.behaviour = &carrying, .self = &s->a, .name = "a"};
    s->config.participants = &person;
    s->config.participant_count = 1;
    s->talk = spawn(&s->config);
    talk = s->talk->self;
    s->a.deeds[0] = s->a.deeds[stop] = STOPS;
    if (put_one(s, true) != LIMINAL_OK || !comes_to(s)) {
        return false;
    }
    while (s->sent <= LAST && put_one(s, s->sent % 2 == 0) == LIMINAL_OK) {
    }
    (void)look(s->talk);
    test_gate_open(&s->a.go);
    if (s->sent <= LAST || !comes_to(s)) {
        return false;
    }
    limi_mutex_lock(&talk->lock);
    found = limi_lot_is_there(talk);
    limi_mutex_unlock(&talk->lock);
    assert_true(found == !s->mode->single || phase(s->talk) == LIMINAL_PHASE_FAILED);
    return found == !s->mode->single;
}

static void the_conversations_deadline_ends_a_lot_where_it_is(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    liminal_counts counts = {.sent = LAST + 1, .silent = 12, .unfinished = 1, .withdrawn = LAST - 12};
    s->config.timeout_ns = BRIEF_MS * MS;
    while (!is_in_a_lot_in_time(s, 12)) {
        int64_t longer = 2 * s->config.timeout_ns;
        test_gate_open(&s->a.go);
        test_gate_open(&s->a.go);
        shut(&s->talk);
        s = new_scene(state, LIMINAL_CRASH_FAIL);
        s->config.timeout_ns = longer;
    }
    get_fails(s->talk, LONG, LIMINAL_ETIMEDOUT);
    assert_int_equal(phase(s->talk), LIMINAL_PHASE_FAILED);
    counted(s, counts);
    go_on_alone(s);
    counted(s, counts);
    end_scene(s);
    heard_only(&s->a, 0, 12);
}

static void kill_actor(scene *s)
{
    assert_int_equal(liminal_process_kill(house, liminal_conversation_pid(s->talk)), LIMINAL_OK);
}

static void an_actor_that_comes_back_in_a_lot_changes_nothing(void **state)
{
    static const unsigned stops[] = {1, 2, 12, 13, 33, 36};
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    s->config.restarts = LIMINAL_RESTARTS_MOST;
    s->a.deeds[20] = REPLIES;
    begin(s, LAST);
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++) {
        go_to(s, stops[i]);
        kill_actor(s);
        put_to(s, s->sent);
        if (i % 2 != 0) {
            counted(s, (liminal_counts){.sent = s->sent, .silent = stops[i] - (stops[i] > 20),
                                        .received = 0});
        }
    }
    get_number(s, 20);
    kill_actor(s);
    go_on_alone(s);
    close_scene(s);
    counted(s, (liminal_counts){.sent = s->sent, .silent = s->sent - 1, .received = 1});
    end_scene(s);
    heard_only(&s->a, 0, s->sent - 1);
}

static void an_actor_that_does_not_come_back_ends_a_lot_where_it_is(void **state)
{
    scene *s = new_scene(state, LIMINAL_CRASH_FAIL);
    liminal_counts counts = {.sent = LAST + 1, .silent = 12, .unfinished = 1, .withdrawn = LAST - 12};
    s->config.restarts = LIMINAL_NO_RESTARTS;
    begin(s, LAST);
    go_to(s, 12);
    in_a_lot(s);
    kill_actor(s);
    get_fails(s->talk, LONG, LIMINAL_EFAILED);
    counted(s, counts);
    go_on_alone(s);
    counted(s, counts);
    end_scene(s);
    heard_only(&s->a, 0, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {LOTS(one_that_exits_in_a_lot_leaves_the_right_counts),
                                       LOTS(one_that_exits_in_a_lot_is_undone_after_the_right_counts),
                                       LOTS(one_that_exits_in_a_lot_is_followed_by_the_next),
                                       LOTS(both_exit_in_lots_of_the_same_messages),
                                       LOTS(one_that_kills_itself_in_a_lot_is_followed_by_the_next),
                                       LOTS(one_that_is_killed_returns_when_the_next_has_its_lot),
                                       LOTS(who_waits_behind_a_lot_is_told_of_the_exit),
                                       LOTS(a_close_in_a_lot_lets_all_be_answered),
                                       LOTS(a_close_with_a_deadline_ends_a_lot_where_it_is),
                                       LOTS(a_close_by_the_porter_lets_all_be_answered),
                                       LOTS(one_that_exits_while_it_closes_is_followed_by_the_next),
                                       LOTS(the_last_drop_in_a_lot_lets_all_be_answered),
                                       LOTS(a_shutdown_in_a_lot_lets_all_be_answered),
                                       LOTS(a_shutdown_that_is_out_of_time_ends_a_lot_where_it_is),
                                       LOTS(the_conversations_deadline_ends_a_lot_where_it_is),
                                       LOTS(an_actor_that_comes_back_in_a_lot_changes_nothing),
                                       LOTS(an_actor_that_does_not_come_back_ends_a_lot_where_it_is)};
    (void)variants;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

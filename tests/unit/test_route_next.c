/* SPDX-License-Identifier: MIT */
/* test_route_next.c -- route to next: what a dead participant had not finished, the next one does. */
#define _GNU_SOURCE
#include "policy_kit.h"

static liminal_conversation *route_pair(const pair *p, worker workers[2])
{
    return spawn_pair(p, config_with(p, LIMINAL_CRASH_ROUTE_NEXT), workers);
}

/* What this worker is inside of ends when its gate opens; only then can an inline one be followed by another. */
static void let_first_return(const pair *p, worker *first)
{
    if (p->kinds[0] == LIMINAL_PARTICIPANT_INLINE) {
        test_gate_open(&first->go);
    }
}

static void let_first_go(const pair *p, worker *first)
{
    if (p->kinds[0] != LIMINAL_PARTICIPANT_INLINE) {
        test_gate_open(&first->go);
    }
}

/* ---- nothing is lost, nothing is answered twice ---- */

static void all_it_had_goes_to_the_next_in_order(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    call first, second;
    open_house();
    talk = route_pair(p, w);
    w[0].holds = true;
    first = (call){.talk = talk, .text = "hold", .deadline = LONG};
    start(&first, ask_body);
    test_gate_wait(&w[0].begun);
    put(talk, "one");
    put(talk, "two");
    second = (call){.talk = talk, .text = "three", .deadline = LONG};
    start_asleep(&second, ask_body);
    kill_it(w[0].pid);
    let_first_return(p, &w[0]);
    got(&first, "b:hold");
    got(&second, "b:three");
    get(talk, "b:one");
    get(talk, "b:two");
    let_first_go(p, &w[0]); /* what it gives now is nobody's */
    get_fails(talk, liminal_deadline_in_ms(1), LIMINAL_ETIMEDOUT);
    assert_int_equal(phase(talk), LIMINAL_PHASE_ACTIVE);
    assert_int_equal(look(talk).counts.sent, 4);
    assert_int_equal(look(talk).counts.received, 4);
    assert_int_equal(look(talk).counts.unfinished, 0);
    assert_int_equal(look(talk).counts.late, 0);
    assert_int_equal(log_count(talk, LIMINAL_LOG_EXITED), 1);
    assert_false(liminal_process_alive(house, w[0].pid));
    assert_true(liminal_process_alive(house, w[1].pid));
    shut(&talk);
    assert_string_equal(w[0].heard, "hold ");
    assert_string_equal(w[1].heard, "hold one two three ");
    assert_int_equal(w[0].releases, 1);
    assert_int_equal(w[1].releases, 1);
}

static void what_kills_one_is_asked_of_the_next(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    liminal_snapshot *snapshot;
    liminal_log_entry it;
    open_house();
    talk = route_pair(p, w);
    w[0].mortal = true;
    ask_gives(talk, "hello", "a:hello");
    ask_gives(talk, "die", "b:die");
    ask_gives(talk, "hello", "b:hello");
    snapshot = picture(talk);
    it = entry(snapshot, 3, LIMINAL_LOG_EXITED);
    assert_int_equal(it.policy, LIMINAL_CRASH_ROUTE_NEXT);
    assert_int_equal(it.pid.value, w[0].pid.value);
    assert_int_equal(it.reason.kind, LIMINAL_EXIT_ERROR);
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

/* A reply that comes with the exit is the answer; the request is done. */
static void last_words_are_an_answer(void **state)
{
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = route_pair(*state, w);
    w[0].mortal = true;
    ask_gives(talk, "die saying", "a:die saying");
    ask_gives(talk, "hello", "b:hello");
    put(talk, "die saying");
    get(talk, "b:die saying");
    shut(&talk);
    assert_string_equal(w[0].heard, "die saying ");
    assert_string_equal(w[1].heard, "hello die saying ");
}

static void a_thread_that_is_ended_is_followed_by_the_next(void **state)
{
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = route_pair(*state, w);
    w[0].mortal = true;
    put(talk, "one");
    put(talk, "vanish");
    put(talk, "two");
    get(talk, "a:one");
    get(talk, "b:vanish");
    get(talk, "b:two");
    shut(&talk);
    assert_int_equal(w[0].releases, 1);
}

static void replies_stay_in_the_order_of_the_messages(void **state)
{
    enum { MESSAGES = 60 };
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = route_pair(*state, w);
    w[0].mortal = true;
    for (int i = 0; i < MESSAGES; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", i);
        put(talk, i == MESSAGES / 3 ? "die" : text);
    }
    for (int i = 0; i < MESSAGES; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%c:%d", i < MESSAGES / 3 ? 'a' : 'b', i);
        get(talk, i == MESSAGES / 3 ? "b:die" : text);
    }
    assert_int_equal(look(talk).counts.received, MESSAGES);
    shut(&talk);
    assert_int_equal(w[0].answers, MESSAGES / 3 + 1);
    assert_int_equal(w[1].answers, MESSAGES - MESSAGES / 3);
}

/* ---- what is not routed ---- */

/* It is asked behind what is held. If its time is over before it can be seen to sleep, it is withdrawn, and joined. */
static bool is_asked_asleep(call *sleeper)
{
    bool has_ended = false;
    start(sleeper, ask_body);
    test_until(test_sleeps(sleeper->task) || (has_ended = test_gate_try(&sleeper->ended)));
    if (has_ended) {
        joined(sleeper, LIMINAL_ETIMEDOUT);
        assert_true(sleeper->kept);
    }
    return !has_ended;
}

static void what_nobody_waits_for_is_not_begun_again(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    call sleeper;
    uint32_t ms = BRIEF_MS;
    bool is_asleep;
    open_house();
    talk = route_pair(p, w);
    w[0].holds = true;
    for (;; ms *= 2) {
        put(talk, "hold this"); /* so that the asker is not the thread that is held */
        test_gate_wait(&w[0].begun);
        sleeper = (call){.talk = talk, .text = "hold that", .deadline = liminal_deadline_in_ms(ms)};
        is_asleep = is_asked_asleep(&sleeper);
        test_gate_open(&w[0].go);
        if (is_asleep && is_begun(&sleeper, &w[0].begun)) { /* and given up there */
            break;
        }
        get(talk, "a:hold this");
    }
    joined(&sleeper, LIMINAL_ETIMEDOUT);
    assert_false(sleeper.kept);
    kill_it(w[0].pid);
    test_gate_open(&w[0].go);
    ask_gives(talk, "next", "b:next");
    get(talk, "a:hold this");
    assert_int_equal(look(talk).counts.unfinished, 1);
    shut(&talk);
    assert_string_equal(w[1].heard, "next ");
}

static void with_the_last_one_gone_it_fails(void **state)
{
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = route_pair(*state, w);
    w[0].mortal = w[1].mortal = true;
    assert_int_equal(ask_until(talk, "die", NULL, LONG), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "worker b exited: error 6");
    all_say(talk, LIMINAL_EEXIT);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    log_is(talk, "sent die, exited error 6, exited error 6, failed EEXIT");
    shut(&talk);
    assert_string_equal(w[1].heard, "die ");
}

static void one_that_is_idle_may_die_unnoticed(void **state)
{
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = route_pair(*state, w);
    w[0].mortal = true;
    kill_it(w[1].pid);
    ask_gives(talk, "hello", "a:hello");
    assert_int_equal(phase(talk), LIMINAL_PHASE_ACTIVE);
    assert_int_equal(ask_until(talk, "die", NULL, LONG), LIMINAL_EEXIT);
    shut(&talk);
    assert_int_equal(w[1].answers, 0);
}

static void those_that_are_watched_get_nothing(void **state)
{
    const pair *p = *state;
    worker w[2], other;
    liminal_participant people[3];
    liminal_config config = config_with(p, LIMINAL_CRASH_ROUTE_NEXT);
    liminal_conversation *talk, *elsewhere;
    variant v = {p->dispatch, p->kinds[0]};
    open_house();
    elsewhere = spawn_worker(&v, config, &other);
    w[0] = new_worker('a');
    w[1] = new_worker('b');
    people[0] = labouring_as(p->kinds[0], &w[0]);
    people[1] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = other.pid, .name = "watched"};
    people[2] = labouring_as(p->kinds[1], &w[1]);
    config.participants = people;
    config.participant_count = 3;
    talk = spawn(&config);
    w[0].mortal = other.mortal = true;
    ask_gives(talk, "die", "b:die");
    assert_int_equal(ask_until(elsewhere, "die", NULL, LONG), LIMINAL_EEXIT); /* the watched one has gone, too */
    ask_gives(talk, "hello", "b:hello");
    test_until(log_count(talk, LIMINAL_LOG_EXITED) == 2);
    ask_gives(talk, "hello", "b:hello");
    liminal_conversation_drop(&elsewhere);
    shut(&talk);
}

/* ---- while it ends ---- */

static void a_close_waits_for_the_next_one(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    call closer;
    open_house();
    talk = route_pair(p, w);
    w[0].holds = true;
    put(talk, "hold");
    test_gate_wait(&w[0].begun);
    put(talk, "more");
    closer = (call){.talk = talk, .deadline = LONG};
    start_asleep(&closer, close_body);
    kill_it(w[0].pid);
    let_first_return(p, &w[0]);
    joined(&closer, LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_CLOSED);
    get(talk, "b:hold");
    get(talk, "b:more");
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    let_first_go(p, &w[0]);
    shut(&talk);
}

static void a_drop_and_a_shutdown_do_too(void **state)
{
    const pair *p = *state;
    worker w[2];
    liminal_conversation *talk;
    open_house();
    talk = route_pair(p, w);
    w[0].holds = true;
    put(talk, "hold");
    test_gate_wait(&w[0].begun);
    put(talk, "more");
    liminal_conversation_drop(&talk);
    kill_it(w[0].pid);
    test_gate_open(&w[0].go);
    shut(&talk); /* what was accepted is still handled */
    assert_string_equal(w[1].heard, "hold more ");
    assert_int_equal(w[0].releases, 1);
    assert_int_equal(w[1].releases, 1);
}

/* ---- many ---- */

enum { CROWD = 16, ASKERS = 4, ASKS = 40 };

typedef struct asker {
    test_thread thread;
    liminal_conversation *talk;
    char name;
    int answered;
} asker;

static void ask_on_and_on(void *argument)
{
    asker *self = argument;
    for (int i = 0; i < ASKS; i++) {
        liminal_envelope *request = NULL, *reply = NULL;
        char text[32];
        (void)snprintf(text, sizeof text, "%c%d", self->name, i);
        request = note(text);
        if (test_check(liminal_conversation_ask(self->talk, &request, &reply, LONG) == LIMINAL_OK)) {
            self->answered += test_check(strcmp(liminal_envelope_text(reply) + 2, text) == 0);
        }
        liminal_envelope_drop(&reply);
        liminal_envelope_drop(&request);
    }
}

static liminal_status labour_a_little(void *argument, const liminal_envelope *request, liminal_envelope **out_reply)
{
    worker *self = argument;
    return self->answers == 5 && self->mortal ? LIMINAL_EFAILED : labour(self, request, out_reply);
}

static void sixteen_in_a_row(void **state)
{
    static const liminal_behaviour brief = {LIMINAL_OPS(liminal_behaviour), .answer = labour_a_little,
                                            .release = lay_off};
    const pair *p = *state;
    static worker w[CROWD];
    liminal_participant people[CROWD];
    asker askers[ASKERS];
    liminal_config config = config_with(p, LIMINAL_CRASH_ROUTE_NEXT);
    liminal_conversation *talk;
    int answers = 0;
    open_house();
    for (int i = 0; i < CROWD; i++) {
        w[i] = new_worker((char)('A' + i));
        w[i].mortal = i < CROWD - 1;
        people[i] = (liminal_participant){.kind = p->kinds[i % 2], .behaviour = &brief, .self = &w[i]};
    }
    config.participants = people;
    config.participant_count = CROWD;
    talk = spawn(&config);
    for (int i = 0; i < ASKERS; i++) {
        askers[i] = (asker){.talk = talk, .name = (char)('p' + i)};
        test_thread_start(&askers[i].thread, ask_on_and_on, &askers[i]);
    }
    for (int i = 0; i < ASKERS; i++) {
        test_thread_join(&askers[i].thread);
        assert_int_equal(askers[i].answered, ASKS);
    }
    assert_int_equal(look(talk).counts.received, ASKERS * ASKS);
    assert_int_equal(look(talk).counts.sent, ASKERS * ASKS);
    assert_int_equal(log_count(talk, LIMINAL_LOG_EXITED), CROWD - 1);
    shut(&talk);
    for (int i = 0; i < CROWD; i++) {
        answers += w[i].answers;
        assert_int_equal(w[i].releases, 1);
    }
    assert_int_equal(answers, ASKERS * ASKS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EIGHT(all_it_had_goes_to_the_next_in_order),
        EIGHT(what_kills_one_is_asked_of_the_next),
        EIGHT(last_words_are_an_answer),
        EIGHT(a_thread_that_is_ended_is_followed_by_the_next),
        EIGHT(replies_stay_in_the_order_of_the_messages),
        PAIR(what_nobody_waits_for_is_not_begun_again, "assisted, threads", 0),
        PAIR(what_nobody_waits_for_is_not_begun_again, "pinned, thread + inline", 3),
        PAIR(what_nobody_waits_for_is_not_begun_again, "assisted, inline + thread", 4),
        PAIR(what_nobody_waits_for_is_not_begun_again, "pinned, inlines", 7),
        EIGHT(with_the_last_one_gone_it_fails),
        EIGHT(one_that_is_idle_may_die_unnoticed),
        EIGHT(those_that_are_watched_get_nothing),
        EIGHT(a_close_waits_for_the_next_one),
        EIGHT(a_drop_and_a_shutdown_do_too),
        EIGHT(sixteen_in_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_kill_against_restart.c -- an actor is killed as it is killed by another one, as a participant dies, as it is
 * asked, closed, dropped, shut down, or spawned. */
#include "race/policy_race.h"

static const liminal_config many = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_ROUTE_NEXT,
                                    .restarts = LIMINAL_RESTARTS_MOST};

static void still_answers(liminal_conversation *conversation)
{
    liminal_envelope *request = race_say("x"), *reply = NULL;
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    liminal_envelope_drop(&reply);
}

/* ---- against another kill ---- */

typedef struct witness {
    atomic_int count;
    pthread_t by;
} witness;

static void see(void *argument, const liminal_exit *exit)
{
    witness *w = argument;
    (void)test_check(exit->reason.kind == LIMINAL_EXIT_KILLED);
    w->by = pthread_self();
    atomic_fetch_add(&w->count, 1);
}

/* Both mean the same life: it ends once, whoever it is that ends it. */
static void two_kills_of_one_life(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 3000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], many);
            race_line line = {0};
            witness w = {.count = 0};
            size_t last;
            race_killer k = {.supervisor = supervisor, .pid = liminal_conversation_pid(conversation), .line = &line,
                             .moment = race_moment(&r, most)};
            assert_int_equal(liminal_process_notify(supervisor, k.pid, see, &w, NULL), LIMINAL_OK);
            race_start_killer(&k);
            race_cross(&line, most - k.moment);
            assert_int_equal(liminal_process_kill(supervisor, k.pid), LIMINAL_OK);
            test_thread_join(&k.thread);
            assert_int_equal(w.count, 1);
            r.seen[pthread_equal(w.by, pthread_self()) != 0]++;
            assert_int_equal(race_log_count(conversation, LIMINAL_LOG_RESTARTED, &last), 1);
            assert_true(liminal_process_alive(supervisor, liminal_conversation_pid(conversation)));
            still_answers(conversation);
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* Each means whoever there is: one kill or two, and as many restarts as lives that ended. Where the two never run at
 * once nobody comes between a look and a kill, so in each second round this one has looked before. */
static void two_kills_of_whoever_there_is(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 3000);
        liminal_conversation *conversation = race_spawn_two(supervisor, LIMINAL_PARTICIPANT_INLINE, many);
        race_line line = {0};
        race_killer k = {.supervisor = supervisor, .conversation = conversation, .line = &line,
                         .moment = race_moment(&r, most)};
        liminal_pid mine = liminal_conversation_pid(conversation);
        size_t last, count;
        race_start_killer(&k);
        race_cross(&line, most - k.moment);
        if (r.rounds % 2 == 0) {
            mine = liminal_conversation_pid(conversation);
        }
        assert_int_equal(liminal_process_kill(supervisor, mine), LIMINAL_OK);
        test_thread_join(&k.thread);
        count = race_log_count(conversation, LIMINAL_LOG_RESTARTED, &last);
        assert_int_equal(count, k.pid.value == mine.value ? 1 : 2);
        r.seen[count - 1]++;
        still_answers(conversation);
        race_end_round(supervisor, &conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

enum { KILLERS = 4, KILLS = 12, ASKERS = 2, ASKS = 150 };

typedef struct crowd {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
} crowd;

static void kill_and_kill(void *argument)
{
    const crowd *c = argument;
    for (int i = 0; i < KILLS; i++) {
        (void)test_check(liminal_process_kill(c->supervisor, liminal_conversation_pid(c->conversation)) == LIMINAL_OK);
    }
}

static void ask_and_ask(void *argument)
{
    const crowd *c = argument;
    for (int i = 0; i < ASKS; i++) {
        liminal_envelope *request = race_say("x"), *reply = NULL;
        (void)test_check(liminal_conversation_ask(c->conversation, &request, &reply, liminal_deadline_never()) ==
                         LIMINAL_OK);
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
    }
}

static void a_crowd_of_killers_and_askers(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        for (int dispatch = 0; dispatch < 2; dispatch++) {
            liminal_config config = many;
            crowd c = {.supervisor = supervisor};
            test_thread threads[KILLERS + ASKERS];
            size_t last, restarts;
            config.dispatch = dispatch == 0 ? LIMINAL_DISPATCH_ASSISTED : LIMINAL_DISPATCH_PINNED;
            c.conversation = race_spawn_two(supervisor, race_kinds[kind], config);
            for (int i = 0; i < KILLERS + ASKERS; i++) {
                test_thread_start(&threads[i], i < KILLERS ? kill_and_kill : ask_and_ask, &c);
            }
            for (int i = 0; i < KILLERS + ASKERS; i++) {
                test_thread_join(&threads[i]);
            }
            restarts = race_log_count(c.conversation, LIMINAL_LOG_RESTARTED, &last);
            assert_true(restarts > 0 && restarts <= KILLERS * KILLS);
            assert_int_equal(race_look(c.conversation).counts.received, ASKERS * ASKS);
            still_answers(c.conversation);
            race_end_round(supervisor, &c.conversation);
        }
    }
    (void)race_shutdown(&supervisor);
}

/* ---- against the rest ---- */

/* 1 if the exit is in the log before the restart. */
static void a_kill_and_a_participants_exit(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 3000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], many);
            race_line line = {0};
            race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                             .moment = race_moment(&r, most)};
            size_t exit, restart;
            race_start_killer(&k);
            race_cross(&line, most - k.moment);
            assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(conversation)), LIMINAL_OK);
            test_thread_join(&k.thread);
            assert_int_equal(race_log_count(conversation, LIMINAL_LOG_EXITED, &exit), 1);
            assert_int_equal(race_log_count(conversation, LIMINAL_LOG_RESTARTED, &restart), 1);
            r.seen[exit < restart]++;
            still_answers(conversation);
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* Killed for good, as it is asked: 1 if the answer came in time. */
static void a_last_kill_and_an_ask(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_config config = many;
    (void)state;
    config.restarts = LIMINAL_NO_RESTARTS;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 20000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], config);
            race_line line = {0};
            race_killer k = {.supervisor = supervisor, .pid = liminal_conversation_pid(conversation), .line = &line,
                             .moment = race_moment(&r, most)};
            liminal_envelope *request = race_say("x"), *reply = NULL;
            liminal_status st;
            race_start_killer(&k);
            race_cross(&line, (most - k.moment) / 4);
            st = liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never());
            test_thread_join(&k.thread);
            assert_true(st == LIMINAL_OK || st == LIMINAL_EFAILED);
            assert_true((reply != NULL) == (st == LIMINAL_OK));
            r.seen[st == LIMINAL_OK]++;
            liminal_envelope_drop(&request);
            liminal_envelope_drop(&reply);
            assert_int_equal(race_look(conversation).phase, LIMINAL_PHASE_FAILED);
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* 1 if it came back before it had closed. Closed it is in either case. */
static void a_kill_and_a_close(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 6000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], many);
            race_line line = {0};
            race_killer k = {.supervisor = supervisor, .conversation = conversation, .line = &line,
                             .moment = race_moment(&r, most)};
            size_t last, restarts;
            race_start_killer(&k);
            race_cross(&line, most - k.moment);
            assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
            test_thread_join(&k.thread);
            restarts = race_log_count(conversation, LIMINAL_LOG_RESTARTED, &last);
            assert_true(restarts <= 1);
            r.seen[restarts]++;
            assert_int_equal(race_look(conversation).phase, LIMINAL_PHASE_CLOSED);
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* Killed once too often as it closes: one or the other, for ever. */
static void a_last_kill_and_a_close(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_config config = many;
    race r = race_begin();
    (void)state;
    config.restarts = LIMINAL_NO_RESTARTS;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 6000);
        liminal_conversation *conversation = race_spawn_two(supervisor, LIMINAL_PARTICIPANT_THREAD, config);
        race_line line = {0};
        race_killer k = {.supervisor = supervisor, .pid = liminal_conversation_pid(conversation), .line = &line,
                         .moment = race_moment(&r, most)};
        liminal_exit exit;
        liminal_phase phase;
        race_start_killer(&k);
        race_cross(&line, most - k.moment);
        assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
        test_thread_join(&k.thread);
        phase = race_look(conversation).phase;
        assert_true(phase == LIMINAL_PHASE_CLOSED || phase == LIMINAL_PHASE_FAILED);
        assert_int_equal(liminal_process_wait(supervisor, k.pid, &exit, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(exit.reason.kind, phase == LIMINAL_PHASE_CLOSED ? LIMINAL_EXIT_NORMAL : LIMINAL_EXIT_KILLED);
        r.seen[phase == LIMINAL_PHASE_CLOSED]++;
        race_end_round(supervisor, &conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

static liminal_status count_answer(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    atomic_fetch_add((atomic_int *)self, 1);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

/* What was accepted is handled, whatever is killed while the last handle goes. */
static void a_kill_and_the_last_drop(void **state)
{
    enum { ROUNDS = 100 };
    static const liminal_behaviour counting = {LIMINAL_OPS(liminal_behaviour), .answer = count_answer};
    static atomic_int answers;
    liminal_supervisor *supervisor = race_open();
    (void)state;
    atomic_store(&answers, 0);
    for (int i = 0; i < ROUNDS; i++) {
        const liminal_participant participant = {.kind = race_kinds[i % 2], .behaviour = &counting, .self = &answers};
        liminal_conversation *conversation = NULL;
        liminal_config config = many;
        race_line line = {0};
        config.participants = &participant;
        config.participant_count = 1;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
        liminal_envelope *message = race_say("x");
        race_killer k = {.supervisor = supervisor, .pid = liminal_conversation_pid(conversation), .line = &line,
                         .moment = (i % 16) * 400};
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        race_start_killer(&k);
        race_cross(&line, 6000 - k.moment);
        liminal_conversation_drop(&conversation);
        test_thread_join(&k.thread);
    }
    (void)race_shutdown(&supervisor);
    assert_int_equal(atomic_load(&answers), ROUNDS);
}

/* The killer holds no share of the supervisor, so it kills in a callback, which the shutdown waits for. */
typedef struct last_act {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    test_gate begun;
    int64_t moment;
} last_act;

static liminal_status kill_in_the_middle(void *argument, const liminal_envelope *request, liminal_envelope **out_reply)
{
    last_act *act = argument;
    (void)request, (void)out_reply;
    test_gate_open(&act->begun);
    race_linger(act->moment, true);
    for (int i = 0; i < 3; i++) {
        (void)test_check(liminal_process_kill(act->supervisor, liminal_conversation_pid(act->conversation)) ==
                         LIMINAL_OK);
    }
    return LIMINAL_OK;
}

static void a_kill_and_a_shutdown(void **state)
{
    static const liminal_behaviour killing = {LIMINAL_OPS(liminal_behaviour), .answer = kill_in_the_middle};
    int restarted = 0;
    (void)state;
    for (int i = 0; i < 60; i++) {
        liminal_supervisor *supervisor = race_open();
        last_act act = {.supervisor = supervisor, .begun = TEST_GATE_INIT, .moment = (i % 16) * 4000};
        const liminal_participant participant = {.kind = race_kinds[i % 2], .behaviour = &killing, .self = &act};
        liminal_config config = many;
        liminal_envelope *message = race_say("x");
        liminal_pid before;
        config.participants = &participant;
        config.participant_count = 1;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &act.conversation), LIMINAL_OK);
        before = liminal_conversation_pid(act.conversation);
        assert_int_equal(liminal_conversation_try_send(act.conversation, &message), LIMINAL_OK);
        test_gate_wait(&act.begun);
        assert_int_equal(race_shutdown(&supervisor).running, 0);
        restarted += liminal_conversation_pid(act.conversation).value != before.value;
        liminal_conversation_drop(&act.conversation);
        assert_int_equal(test_blocks(), 0);
    }
    assert_true(restarted > 0); /* else no kill came before the end */
}

/* ---- against a spawn that fails ---- */

typedef struct hunter {
    liminal_supervisor *supervisor;
    atomic_bool over;
    atomic_int armed, fired;
    uint64_t largest;
    test_thread thread;
} hunter;

static void count_it(void *argument, const liminal_exit *exit)
{
    hunter *h = argument;
    (void)test_check(exit->reason.kind == LIMINAL_EXIT_KILLED || exit->reason.kind == LIMINAL_EXIT_NOPROC);
    atomic_fetch_add(&h->fired, 1);
}

/* Whoever lives and is new: be told of its end, and kill it. */
static void hunt(void *argument)
{
    hunter *h = argument;
    while (!atomic_load(&h->over)) {
        liminal_pid pids[16];
        size_t count = 0;
        (void)test_check(liminal_process_list(h->supervisor, pids, 16, &count) == LIMINAL_OK);
        for (size_t i = 0; i < count && i < 16; i++) {
            if (pids[i].value > h->largest) {
                h->largest = pids[i].value;
                if (liminal_process_notify(h->supervisor, pids[i], count_it, h, NULL) == LIMINAL_OK) {
                    atomic_fetch_add(&h->armed, 1);
                }
            }
            (void)test_check(liminal_process_kill(h->supervisor, pids[i]) == LIMINAL_OK);
        }
    }
}

static liminal_status start_badly(void *self)
{
    (void)self;
    return LIMINAL_EPHASE;
}

/* Until some were found: 50 if that does not take long. */
static bool are_enough(int tries, int found, int64_t began)
{
    int64_t passed = test_now_ns() - began;
    return tries >= 50 && (found >= 50 || (found > 0 && passed > 1000000000) || passed > (int64_t)20 * 1000000000);
}

/* Nobody that could be found is left without an end, and everyone that was promised one is told. */
static void a_kill_and_a_spawn_that_fails(void **state)
{
    static const liminal_behaviour bad = {LIMINAL_OPS(liminal_behaviour), .answer = race_name, .start = start_badly};
    liminal_supervisor *supervisor = race_open();
    hunter h = {.supervisor = supervisor};
    int64_t began = test_now_ns();
    (void)state;
    test_thread_start(&h.thread, hunt, &h);
    for (int i = 0; !are_enough(i, atomic_load(&h.armed), began); i++) {
        const liminal_participant participant = {.kind = race_kinds[i % 2], .behaviour = &bad};
        liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                 .on_crash = LIMINAL_CRASH_FAIL,
                                 .restarts = i % 3 == 0 ? LIMINAL_NO_RESTARTS : LIMINAL_RESTARTS_MOST};
        liminal_conversation *conversation = NULL;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_EPHASE);
        assert_null(conversation);
    }
    atomic_store(&h.over, true);
    test_thread_join(&h.thread);
    test_until(liminal_supervisor_census(supervisor).threads == 0);
    assert_int_equal(liminal_supervisor_census(supervisor).conversations, 0);
    assert_int_equal(liminal_supervisor_census(supervisor).participants, 0);
    (void)race_shutdown(&supervisor);
    assert_true(h.armed > 0);
    assert_int_equal(h.fired, h.armed);
}

/* ---- against a limit ---- */

typedef struct renewer {
    crowd crowd;
    atomic_bool over;
    test_thread thread;
} renewer;

static void kill_until_over(void *argument)
{
    renewer *r = argument;
    while (!atomic_load(&r->over)) {
        (void)test_check(liminal_process_kill(r->crowd.supervisor, liminal_conversation_pid(r->crowd.conversation)) ==
                         LIMINAL_OK);
    }
}

/* While one thread takes the place of another there is one more than the limit says, and no room for anybody else. */
static void a_kill_makes_no_room_for_others(void **state)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .max_threads = 1};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL,
                                   .restarts = LIMINAL_RESTARTS_MOST, .restart_window_ns = 1};
    renewer r = {.over = false};
    liminal_conversation *other = NULL;
    int64_t until;
    liminal_pid before;
    (void)state;
    assert_int_equal(liminal_supervisor_open(&options, &r.crowd.supervisor), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_spawn(r.crowd.supervisor, &config, &r.crowd.conversation), LIMINAL_OK);
    before = liminal_conversation_pid(r.crowd.conversation);
    test_thread_start(&r.thread, kill_until_over, &r);
    test_until(liminal_conversation_pid(r.crowd.conversation).value > before.value + 1); /* it comes back, often */
    until = test_now_ns() + 300000000;
    while (test_now_ns() < until && other == NULL) {
        (void)!liminal_supervisor_spawn(r.crowd.supervisor, &config, &other);
    }
    atomic_store(&r.over, true);
    test_thread_join(&r.thread);
    assert_null(other);
    liminal_conversation_drop(&r.crowd.conversation);
    (void)race_shutdown(&r.crowd.supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(two_kills_of_one_life),
        TEST(two_kills_of_whoever_there_is),
        TEST(a_crowd_of_killers_and_askers),
        TEST(a_kill_and_a_participants_exit),
        TEST(a_last_kill_and_an_ask),
        TEST(a_kill_and_a_close),
        TEST(a_last_kill_and_a_close),
        TEST(a_kill_and_the_last_drop),
        TEST(a_kill_and_a_shutdown),
        TEST(a_kill_and_a_spawn_that_fails),
        TEST(a_kill_makes_no_room_for_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

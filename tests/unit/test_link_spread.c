/* SPDX-License-Identifier: MIT */
/* test_link_spread.c -- how a death spreads: who hears first, on whose stack, under how many supervisors. */
#include "link_ear_kit.h"

/* Inside a notice of one supervisor somebody dies under another one, whose notice kills under the first. */
static void a_cascade_crosses_supervisors(void **state)
{
    enum { HERE, THERE, PAIRS = 4 };
    liminal_supervisor *supervisors[2] = {open_plain(), open_plain()};
    being beings[2 * PAIRS], linked[2 * PAIRS];
    ear ears[2 * PAIRS];
    (void)state;
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        be(&beings[i], supervisors[i % 2], both[i / 2 % 2], &plain);
        be(&linked[i], supervisors[i % 2], both[i / 2 % 2], &plain);
        assert_int_equal(link_to(&beings[i], &linked[i]), LIMINAL_OK);
        assert_int_equal(liminal_process_link(supervisors[i % 2], beings[i].pid, beings[i - i % 2].pid),
                         i % 2 ? LIMINAL_ENOPROC : LIMINAL_OK); /* not from one to the other */
    }
    for (size_t i = 0; i + 1 < 2 * PAIRS; i++) {
        ear_init(&ears[i], supervisors[i % 2]);
        ears[i].act = kill_the_target;
        ears[i].target = &beings[i + 1];
        listen_to(&ears[i], linked[i].pid);
        liminal_notice_drop(&ears[i].notice);
        ears[i].supervisor = supervisors[i % 2];
    }
    for (size_t i = 0; i + 1 < 2 * PAIRS; i++) { /* kill_the_target() kills under the other one */
        ears[i].supervisor = supervisors[(i + 1) % 2];
    }
    assert_int_equal(liminal_process_kill(supervisors[HERE], beings[0].pid), LIMINAL_OK);
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        assert_int_equal(beings[i].deaths, 1);
        assert_int_equal(linked[i].deaths, 1);
        assert_dies(&beings[i], killed);
        assert_dies(&linked[i], killed);
        leave(&beings[i]);
        leave(&linked[i]);
    }
    assert_int_equal(liminal_supervisor_shutdown(&supervisors[HERE], NULL, liminal_deadline_never()), LIMINAL_OK);
    shut(&supervisors[THERE]);
}

/* ---- who hears first ---- */

/* A notice that takes its time holds up neither the linked ones nor who watches. */
static void a_slow_notice_holds_up_no_other(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_participant watched[2] = {{.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "the killed"},
                                          {.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "the linked"}};
        liminal_conversation *watchers[2] = {NULL, NULL};
        liminal_envelope *reply = NULL;
        test_thread killer;
        being b, linked, trapping;
        ear e;
        be(&b, supervisor, both[k], &plain);
        be(&linked, supervisor, both[k], &plain);
        be(&trapping, supervisor, both[k], &trapper);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(link_to(&linked, &trapping), LIMINAL_OK);
        ear_init(&e, supervisor);
        e.slow = true;
        listen_to(&e, b.pid); /* before the watchers come */
        liminal_notice_drop(&e.notice);
        watched[0].pid = b.pid;
        watched[1].pid = linked.pid;
        for (size_t i = 0; i < 2; i++) {
            const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &watched[i],
                                           .participant_count = 1, .on_crash = LIMINAL_CRASH_FAIL};
            assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &watchers[i]), LIMINAL_OK);
        }
        test_thread_start(&killer, kill_there, &b);
        test_gate_wait(&e.inside);
        assert_int_equal(ask(b.conversation, "hello"), LIMINAL_EEXIT);
        assert_int_equal(ask(linked.conversation, "hello"), LIMINAL_EEXIT);
        assert_told(&trapping, linked.pid, killed);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(liminal_conversation_receive(watchers[i], &reply, liminal_deadline_never()),
                             LIMINAL_EEXIT);
        }
        assert_int_equal(linked.deaths, 0); /* its notice comes after this one */
        assert_int_equal(b.releases, 0);
        assert_int_equal(linked.releases, 0);
        test_gate_open(&e.go);
        test_thread_join(&killer);
        assert_int_equal(linked.deaths, 1);
        test_until(b.releases == 1 && linked.releases == 1);
        liminal_conversation_drop(&watchers[0]);
        liminal_conversation_drop(&watchers[1]);
        leave(&b);
        leave(&linked);
        leave(&trapping);
        shut(&supervisor);
    }
}

/* `self` may be what the notice looks at: it is released when the last notice has returned, whoever kills. */
static void a_release_comes_after_the_notices(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread killer;
        being b, other;
        ear e;
        be(&b, supervisor, both[i % 2], &plain);
        be(&other, supervisor, both[i % 2], &plain);
        ear_init(&e, supervisor);
        e.slow = true;
        listen_to(&e, b.pid);
        liminal_notice_drop(&e.notice);
        if (i / 2) { /* killed through a link */
            assert_int_equal(link_to(&b, &other), LIMINAL_OK);
        }
        test_thread_start(&killer, kill_there, i / 2 ? &other : &b);
        test_gate_wait(&e.inside);
        for (int turn = 0; turn < 200; turn++) { /* time enough for its thread to come by */
            assert_int_equal(ask(b.conversation, "hello"), LIMINAL_EEXIT);
            if (i / 2 == 0) {
                assert_lives(&other);
            }
        }
        assert_int_equal(b.releases, 0);
        test_gate_open(&e.go);
        test_thread_join(&killer);
        test_until(b.releases == 1);
        leave(&b);
        leave(&other);
        shut(&supervisor);
    }
}

typedef struct taking {
    test_gate inside, go;
    atomic_int count;
} taking;

static void collect_slowly(void *context, const liminal_finished_span *span)
{
    taking *t = context;
    atomic_fetch_add(&t->count, 1);
    if (strcmp(span->name, "slow") == 0) {
        test_gate_open(&t->inside);
        test_gate_wait(&t->go);
    }
}

/* Nor does the collector of a conversation that falls. */
static void a_slow_collector_holds_up_no_other(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        taking t = {TEST_GATE_INIT, TEST_GATE_INIT, 0};
        const liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = &t, .collect = collect_slowly};
        const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options),
                                                    .allocator = test_allocator(), .collector = &collector};
        liminal_supervisor *supervisor = NULL;
        liminal_participant participant = {.kind = both[k], .behaviour = &plain};
        const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant,
                                       .participant_count = 1, .on_crash = LIMINAL_CRASH_FAIL, .name = "slow"};
        test_thread killer;
        being b, linked;
        assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
        being_init(&b, supervisor);
        participant.self = &b;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b.conversation), LIMINAL_OK);
        b.pid = participant_pid(b.conversation, 0);
        be(&linked, supervisor, both[k], &plain);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        test_thread_start(&killer, kill_there, &b);
        test_gate_wait(&t.inside);
        assert_int_equal(ask(b.conversation, "hello"), LIMINAL_EEXIT);
        assert_int_equal(ask(linked.conversation, "hello"), LIMINAL_EEXIT);
        assert_false(liminal_process_alive(supervisor, linked.pid));
        test_gate_open(&t.go);
        test_thread_join(&killer);
        leave(&b);
        leave(&linked);
        shut(&supervisor);
        assert_int_equal(t.count, 2);
    }
}

/* ---- as many as you like ---- */

enum { ROW = 2000 };

static void kill_the_next(ear *e, const liminal_exit *exit)
{
    (void)exit;
    (void)test_check(liminal_process_kill(e->supervisor, e->victim) == LIMINAL_OK);
}

/* Each notice kills the next one: no recursion, on the small stack of a participant. */
static void notices_that_kill_do_not_nest(void **state)
{
    static liminal_pid pids[ROW];
    static ear ears[ROW];
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *row = spawn_crowd(supervisor, liminal_behaviour_echo(), ROW, pids);
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &plain};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL, .stack_bytes = 1};
    being b;
    ear head;
    (void)state;
    being_init(&b, supervisor);
    participant.self = &b;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b.conversation), LIMINAL_OK);
    b.pid = participant_pid(b.conversation, 0);
    ear_init(&head, supervisor);
    head.act = kill_the_next;
    head.victim = pids[0];
    listen_to(&head, b.pid);
    liminal_notice_drop(&head.notice);
    for (size_t i = 0; i < ROW; i++) {
        ear_init(&ears[i], supervisor);
        ears[i].act = i + 1 < ROW ? kill_the_next : NULL;
        ears[i].victim = pids[(i + 1) % ROW];
        listen_to(&ears[i], pids[i]);
        liminal_notice_drop(&ears[i].notice);
    }
    assert_int_equal(ask(b.conversation, "exit"), LIMINAL_EEXIT);
    test_until(ears[ROW - 1].count == 1);
    for (size_t i = 0; i < ROW; i++) {
        assert_int_equal(ears[i].count, 1);
        assert_true(pthread_equal(ears[i].thread, head.thread));
    }
    leave(&b);
    liminal_conversation_drop(&row);
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_cascade_crosses_supervisors),
        TEST(a_slow_notice_holds_up_no_other),
        TEST(a_release_comes_after_the_notices),
        TEST(a_slow_collector_holds_up_no_other),
        TEST(notices_that_kill_do_not_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_spawn_against_shutdown_inside_callback.c -- a callback spawns while its supervisor shuts down. */
#include "race/race.h"

typedef struct parent {
    liminal_supervisor *supervisor;
    race_line line;
    int64_t moment;
    test_gate begun, go;
    liminal_status status; /* of the spawn on the line, or of the last one */
    int spawned;
    int released;
} parent;

static liminal_status spawn_child(parent *p, liminal_conversation **child)
{
    return liminal_supervisor_spawn_behaviour(p->supervisor, liminal_behaviour_echo(), NULL, LIMINAL_CRASH_FAIL, child);
}

static void released(void *self)
{
    ((parent *)self)->released++;
}

/* ---- in a row, until it is refused ---- */

static liminal_status spawn_until_refused(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    parent *p = self;
    (void)request, (void)out_reply;
    do {
        liminal_conversation *child = NULL;
        p->status = spawn_child(p, &child);
        (void)test_check((child != NULL) == (p->status == LIMINAL_OK));
        p->spawned += child != NULL;
        if (p->spawned == 1) {
            test_gate_open(&p->begun);
        }
        liminal_conversation_drop(&child);
    } while (p->status == LIMINAL_OK);
    return LIMINAL_OK;
}

static void spawning_goes_on_until_the_shutdown(void **state)
{
    static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = spawn_until_refused,
                                                .release = released};
    const liminal_participant_kind kinds[2] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};
    (void)state;
    for (int i = 0; i < 2; i++) {
        parent p = {.supervisor = race_open_poolless(), .begun = TEST_GATE_INIT};
        liminal_supervisor *supervisor = p.supervisor;
        liminal_conversation *conversation = race_spawn(supervisor, kinds[i], &behaviour, &p);
        liminal_envelope *message = race_say("go");
        liminal_report report;
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        test_gate_wait(&p.begun);
        report = race_shutdown(&supervisor);
        assert_true(p.spawned >= 1);
        assert_int_equal(p.status, LIMINAL_ECLOSED);
        assert_int_equal(p.released, 1);
        assert_int_equal(report.threads, 2 * p.spawned + (kinds[i] == LIMINAL_PARTICIPANT_THREAD ? 2 : 1));
        assert_int_equal(report.handles, 1);
        liminal_conversation_drop(&conversation);
        assert_int_equal(test_blocks(), 0);
    }
}

/* ---- one spawn on the line with the shutdown ---- */

static liminal_status spawn_on_the_line(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    parent *p = self;
    liminal_conversation *child = NULL;
    (void)request;
    race_cross(&p->line, p->moment);
    p->status = spawn_child(p, &child);
    if (p->status == LIMINAL_OK) {
        liminal_envelope *question = race_say("are you there"), *reply = NULL;
        /* The child may have been told to close already; either way this comes to an end. */
        liminal_status st = liminal_conversation_ask(child, &question, &reply, liminal_deadline_never());
        (void)test_check(st == LIMINAL_OK || st == LIMINAL_ECLOSED);
        (void)test_check((st == LIMINAL_OK) == (question == NULL) && (st == LIMINAL_OK) == (reply != NULL));
        liminal_envelope_drop(&question);
        liminal_envelope_drop(&reply);
    }
    liminal_conversation_drop(&child);
    *out_reply = NULL;
    return LIMINAL_OK;
}

static void run_race(liminal_participant_kind kind)
{
    static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = spawn_on_the_line,
                                                .release = released};
    race r = race_begin();
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 6000);
        parent p = {.supervisor = race_open(), .moment = race_moment(&r, most)};
        liminal_supervisor *supervisor = p.supervisor;
        liminal_conversation *conversation = race_spawn(supervisor, kind, &behaviour, &p);
        liminal_envelope *message = race_say("go");
        liminal_report report;
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        race_cross(&p.line, most - p.moment);
        report = race_shutdown(&supervisor);
        if (p.status != LIMINAL_OK) {
            assert_int_equal(p.status, LIMINAL_ECLOSED);
        }
        r.seen[p.status != LIMINAL_OK]++;
        assert_int_equal(p.released, 1);
        assert_int_equal(report.handles, 1);
        liminal_conversation_drop(&conversation);
        assert_int_equal(test_blocks(), 0);
    }
    race_over(&r);
}

static void a_spawn_comes_before_the_shutdown_or_is_refused(void **state)
{
    (void)state;
    run_race(LIMINAL_PARTICIPANT_THREAD);
    run_race(LIMINAL_PARTICIPANT_INLINE);
}

/* ---- a shutdown from inside ---- */

static liminal_status shut_down(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    parent *p = self;
    liminal_supervisor *supervisor = p->supervisor;
    (void)request, (void)out_reply;
    p->status = liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_never());
    (void)test_check(supervisor == p->supervisor);
    test_gate_open(&p->begun);
    return LIMINAL_OK;
}

static void a_shutdown_inside_is_refused(void **state)
{
    static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = shut_down};
    const liminal_participant_kind kinds[2] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};
    (void)state;
    for (int i = 0; i < 2; i++) {
        parent p = {.supervisor = race_open_poolless(), .begun = TEST_GATE_INIT};
        liminal_conversation *conversation = race_spawn(p.supervisor, kinds[i], &behaviour, &p), *other;
        liminal_envelope *message = race_say("go");
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        test_gate_wait(&p.begun);
        assert_int_equal(p.status, LIMINAL_EDEADLK);
        /* It has not begun, either. */
        other = race_spawn(p.supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
        liminal_conversation_drop(&other);
        liminal_conversation_drop(&conversation);
        (void)race_shutdown(&p.supervisor);
    }
}

/* ---- the child's start() asks the one that waits for it ---- */

static liminal_conversation *of_the_parent;
static atomic_int refused, waited;

static liminal_status ask_the_parent(void *self)
{
    liminal_envelope *request = race_say("mother?"), *reply = NULL;
    liminal_status st = liminal_conversation_ask(of_the_parent, &request, &reply, liminal_deadline_in_ms(2000));
    (void)self;
    atomic_fetch_add(st == LIMINAL_EDEADLK ? &refused : &waited, 1);
    (void)test_check(reply == NULL);
    liminal_envelope_drop(&request);
    return LIMINAL_OK;
}

static liminal_status spawn_one_that_asks(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    static const liminal_behaviour asking = {LIMINAL_OPS(liminal_behaviour), .answer = spawn_on_the_line,
                                             .start = ask_the_parent};
    parent *p = self;
    liminal_conversation *child = NULL;
    p->status = liminal_supervisor_spawn_behaviour(p->supervisor, &asking, NULL, LIMINAL_CRASH_FAIL, &child);
    liminal_conversation_drop(&child);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void a_start_that_asks_back_is_refused(void **state)
{
    static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = spawn_one_that_asks,
                                                .release = released};
    parent p = {.supervisor = race_open()};
    int64_t until = test_now_ns() + 300000000;
    int rounds = 0;
    (void)state;
    atomic_store(&refused, 0);
    atomic_store(&waited, 0);
    of_the_parent = race_spawn(p.supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, &p);
    while (test_now_ns() < until && atomic_load(&waited) == 0) {
        liminal_envelope *request = race_say("go"), *reply = NULL;
        assert_int_equal(liminal_conversation_ask(of_the_parent, &request, &reply, liminal_deadline_never()),
                         LIMINAL_OK);
        assert_int_equal(p.status, LIMINAL_OK);
        liminal_envelope_drop(&reply);
        rounds++;
    }
    assert_int_equal(atomic_load(&waited), 0); /* it would have waited for its own start() */
    assert_int_equal(atomic_load(&refused), rounds);
    liminal_conversation_drop(&of_the_parent);
    (void)race_shutdown(&p.supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(spawning_goes_on_until_the_shutdown),
        TEST(a_spawn_comes_before_the_shutdown_or_is_refused),
        TEST(a_shutdown_inside_is_refused),
        TEST(a_start_that_asks_back_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

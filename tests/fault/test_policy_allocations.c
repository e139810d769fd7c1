/* SPDX-License-Identifier: MIT */
/* test_policy_allocations.c -- memory that is refused where a conversation is killed, comes back, routes or undoes. */
#include "race/policy_race.h"

typedef struct world {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope *step;
    atomic_int undone, told, released;
    liminal_exit exit;
    bool had_snapshot;
} world;

static liminal_status undo(void *self, const liminal_envelope *step)
{
    (void)test_check(strcmp(liminal_envelope_text(step), "step") == 0);
    atomic_fetch_add(&((world *)self)->undone, 1);
    return LIMINAL_OK;
}

static liminal_status make_good(void *self, const liminal_snapshot *snapshot)
{
    ((world *)self)->had_snapshot = snapshot != NULL;
    return undo(self, ((world *)self)->step);
}

static void note(void *self, const liminal_exit *exit)
{
    world *w = self;
    w->exit = *exit;
    atomic_fetch_add(&w->told, 1);
}

static void release(void *self)
{
    atomic_fetch_add(&((world *)self)->released, 1);
}

static liminal_status echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .release = release};

static void begin(world *w, liminal_participant_kind kind, liminal_config config)
{
    const liminal_participant participant = {.kind = kind, .behaviour = &behaviour, .self = w};
    memset(w, 0, sizeof *w);
    w->supervisor = race_open();
    w->step = race_say("step");
    config.size = sizeof config;
    config.participants = &participant;
    config.participant_count = 1;
    config.compensate_self = w;
    assert_int_equal(liminal_supervisor_spawn(w->supervisor, &config, &w->conversation), LIMINAL_OK);
}

static void end(world *w)
{
    liminal_envelope_drop(&w->step);
    liminal_conversation_drop(&w->conversation);
    (void)race_shutdown(&w->supervisor);
    assert_int_equal(atomic_load(&w->released), 1);
}

static void assert_answers(liminal_conversation *conversation)
{
    liminal_envelope *request = race_say("x"), *reply = NULL;
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    liminal_envelope_drop(&reply);
}

/* ---- each allocation in turn ---- */

static void undo_with(void **state)
{
    world w;
    liminal_envelope *step;
    size_t blocks;
    liminal_status st = LIMINAL_ENOMEM;
    int tries = 0;
    (void)state;
    begin(&w, LIMINAL_PARTICIPANT_THREAD, (liminal_config){.on_crash = LIMINAL_CRASH_COMPENSATE});
    step = liminal_envelope_ref(w.step);
    blocks = test_blocks();
    while (st != LIMINAL_OK) {
        assert_true(++tries < 100);
        test_fail_nth((size_t)tries);
        st = liminal_conversation_undo_with(w.conversation, &step, undo, &w);
        test_fail_nth(0);
        assert_true(st == LIMINAL_OK || st == LIMINAL_ENOMEM);
        assert_true((step == NULL) == (st == LIMINAL_OK));
        assert_int_equal(test_blocks(), blocks + (st == LIMINAL_OK));
    }
    assert_int_equal(tries, 2);
    assert_int_equal(liminal_process_kill(w.supervisor, race_pid(w.conversation, 0)), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(w.conversation, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(atomic_load(&w.undone), 1); /* what was refused is not undone */
    end(&w);
}

/* Until it succeeds; before that, nothing was done, and nothing is counted against it. */
static int kill_until_it_succeeds(world *w)
{
    liminal_pid old = liminal_conversation_pid(w->conversation);
    size_t last, before = race_log_count(w->conversation, LIMINAL_LOG_RESTARTED, &last);
    uint64_t dropped = race_look(w->conversation).log_dropped;
    atomic_store(&w->told, 0);
    assert_int_equal(liminal_process_notify(w->supervisor, old, note, w, NULL), LIMINAL_OK);
    for (int n = 1;; n++) {
        size_t blocks = test_blocks();
        liminal_status st;
        assert_true(n < 100);
        test_fail_nth((size_t)n);
        st = liminal_process_kill(w->supervisor, old);
        test_fail_nth(0);
        if (st == LIMINAL_OK) {
            size_t now = race_log_count(w->conversation, LIMINAL_LOG_RESTARTED, &last);
            assert_true(now == before + 1 || race_look(w->conversation).log_dropped == dropped + 1);
            assert_int_equal(atomic_load(&w->told), 1);
            assert_int_equal(w->exit.reason.kind, LIMINAL_EXIT_KILLED);
            assert_int_not_equal(liminal_conversation_pid(w->conversation).value, old.value);
            assert_true(liminal_process_alive(w->supervisor, liminal_conversation_pid(w->conversation)));
            return n - 1;
        }
        assert_int_equal(st, LIMINAL_ENOMEM);
        assert_true(liminal_status_detail()[0] != '\0');
        assert_int_equal(test_blocks(), blocks);
        assert_int_equal(liminal_conversation_pid(w->conversation).value, old.value);
        assert_true(liminal_process_alive(w->supervisor, old));
        assert_int_equal(atomic_load(&w->told), 0);
        assert_int_equal(race_log_count(w->conversation, LIMINAL_LOG_RESTARTED, &last), before);
    }
}

/* So often that the index of processes grows on the way, which takes memory of its own. */
static void process_kill(void **state)
{
    enum { KILLS = 500 };
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        world w;
        int most = 0;
        begin(&w, race_kinds[kind], (liminal_config){.on_crash = LIMINAL_CRASH_FAIL, .restarts = LIMINAL_RESTARTS_MOST,
                                                     .restart_window_ns = 1, .log_entries = LIMINAL_UNBOUNDED});
        for (int i = 0; i < KILLS; i++) {
            int failures = kill_until_it_succeeds(&w);
            assert_true(failures >= 1);
            most = failures > most ? failures : most;
        }
        assert_true(most >= 2); /* the life, and once in a while the index */
        assert_answers(w.conversation);
        assert_int_equal(race_look(w.conversation).phase, LIMINAL_PHASE_ACTIVE);
        end(&w);
    }
}

/* Once too often is once too often, with memory or without. */
static void a_kill_that_is_refused_is_not_counted(void **state)
{
    world w;
    (void)state;
    begin(&w, LIMINAL_PARTICIPANT_THREAD, (liminal_config){.on_crash = LIMINAL_CRASH_FAIL, .restarts = 1});
    test_fail_from(1);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(liminal_process_kill(w.supervisor, liminal_conversation_pid(w.conversation)), LIMINAL_ENOMEM);
    }
    test_fail_nth(0);
    assert_int_equal(liminal_process_kill(w.supervisor, liminal_conversation_pid(w.conversation)), LIMINAL_OK);
    assert_answers(w.conversation);
    test_fail_from(1);
    assert_int_equal(liminal_process_kill(w.supervisor, liminal_conversation_pid(w.conversation)), LIMINAL_ENOMEM);
    test_fail_nth(0);
    assert_answers(w.conversation);
    assert_int_equal(liminal_process_kill(w.supervisor, liminal_conversation_pid(w.conversation)), LIMINAL_OK);
    assert_int_equal(race_look(w.conversation).phase, LIMINAL_PHASE_FAILED);
    end(&w);
}

static liminal_status spawn(world *w, const liminal_config *config)
{
    return liminal_supervisor_spawn(w->supervisor, config, &w->conversation);
}

static void a_spawn_with_all_of_it(void **state)
{
    const liminal_participant people[2] = {{.behaviour = &race_naming, .self = (char[]){"a"}},
                                           {.behaviour = &race_naming, .self = (char[]){"b"}}};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                                   .on_crash = LIMINAL_CRASH_COMPENSATE, .compensate = make_good,
                                   .restarts = LIMINAL_RESTARTS_MOST, .restart_window_ns = 1};
    world w = {.supervisor = race_open()};
    size_t blocks = test_blocks();
    liminal_status st;
    int tries = 0;
    (void)state;
    do {
        assert_true(++tries < 100);
        test_fail_nth((size_t)tries);
        st = spawn(&w, &config);
        test_fail_nth(0);
        assert_true(st == LIMINAL_OK || st == LIMINAL_ENOMEM);
        if (st != LIMINAL_OK) {
            test_until(test_blocks() == blocks);
        }
    } while (st != LIMINAL_OK);
    assert_int_equal(tries, 4); /* its block, the registry's first entry */
    assert_answers(w.conversation);
    liminal_conversation_drop(&w.conversation);
    (void)race_shutdown(&w.supervisor);
}

/* ---- no memory at all ---- */

/* What an exit leads to asks for none: it is undone, and the log counts what it could not write down. */
static void undoing_takes_no_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        world w;
        liminal_envelope *step, *reply = NULL;
        liminal_pid pid, actor;
        liminal_exit exit;
        begin(&w, race_kinds[kind],
              (liminal_config){.on_crash = LIMINAL_CRASH_COMPENSATE, .compensate = make_good, .log_entries = 8});
        for (int i = 0; i < 3; i++) {
            step = liminal_envelope_ref(w.step);
            assert_int_equal(liminal_conversation_undo_with(w.conversation, &step, undo, &w), LIMINAL_OK);
        }
        pid = race_pid(w.conversation, 0);
        actor = liminal_conversation_pid(w.conversation);
        assert_int_equal(liminal_process_notify(w.supervisor, actor, note, &w, NULL), LIMINAL_OK);
        test_fail_from(1);
        assert_int_equal(liminal_process_kill(w.supervisor, pid), LIMINAL_OK);
        test_until(atomic_load(&w.told) == 1); /* its end, which comes when all has been undone */
        test_fail_nth(0);
        assert_int_equal(atomic_load(&w.undone), 4);
        assert_false(w.had_snapshot); /* there was none to be had: undoing matters more */
        assert_int_equal(w.exit.reason.code, LIMINAL_EEXIT);
        assert_int_equal(liminal_process_wait(w.supervisor, actor, &exit, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(liminal_conversation_receive(w.conversation, &reply, liminal_deadline_never()), LIMINAL_EEXIT);
        assert_int_equal(race_look(w.conversation).log_dropped, 6); /* exited, four undone, failed */
        end(&w);
    }
}

/* Nor does what goes to the next one. */
static void routing_takes_no_memory(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        liminal_supervisor *supervisor = race_open();
        const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_ROUTE_NEXT,
                                       .log_entries = 4};
        liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], config);
        liminal_pid pid = race_pid(conversation, 0);
        liminal_envelope *message, *reply = NULL;
        test_fail_from(1);
        assert_int_equal(liminal_process_kill(supervisor, pid), LIMINAL_OK);
        test_fail_nth(0);
        message = race_say("x");
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_OK);
        assert_string_equal(liminal_envelope_text(reply), "b");
        liminal_envelope_drop(&reply);
        assert_int_equal(race_look(conversation).log_dropped, 1);
        liminal_conversation_drop(&conversation);
        (void)race_shutdown(&supervisor);
    }
}

/* ---- a thread that is ended under the actor ---- */

static liminal_status vanish(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    pthread_exit(NULL);
}

/* Without memory for another life it keeps the one it has, and goes on with the next participant. */
static void a_thread_that_ends_without_memory(void **state)
{
    static const liminal_behaviour vanishing = {LIMINAL_OPS(liminal_behaviour), .answer = vanish};
    liminal_supervisor *supervisor = race_open();
    const liminal_participant people[2] = {
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &vanishing},
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &behaviour, .self = &(world){.supervisor = NULL}}};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                                   .on_crash = LIMINAL_CRASH_ROUTE_NEXT, .dispatch = LIMINAL_DISPATCH_PINNED};
    liminal_conversation *conversation = NULL;
    liminal_envelope *message = race_say("x"), *reply = NULL;
    liminal_pid pid;
    size_t last;
    (void)state;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
    pid = liminal_conversation_pid(conversation);
    test_fail_from(2); /* the request has its memory */
    assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
    test_until(liminal_conversation_try_receive(conversation, &reply) == LIMINAL_OK);
    test_fail_nth(0);
    liminal_envelope_drop(&reply);
    assert_answers(conversation);
    assert_int_equal(liminal_conversation_pid(conversation).value, pid.value);
    assert_int_equal(race_log_count(conversation, LIMINAL_LOG_RESTARTED, &last), 0);
    assert_int_equal(liminal_process_kill(supervisor, pid), LIMINAL_OK);
    assert_answers(conversation);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(undo_with),
        TEST(process_kill),
        TEST(a_kill_that_is_refused_is_not_counted),
        TEST(a_spawn_with_all_of_it),
        TEST(undoing_takes_no_memory),
        TEST(routing_takes_no_memory),
        TEST(a_thread_that_ends_without_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

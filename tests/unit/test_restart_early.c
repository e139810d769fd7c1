/* SPDX-License-Identifier: MIT */
/* test_restart_early.c -- kills before a conversation has started, and lives that never come to be. */
#define _GNU_SOURCE
#include "policy_kit.h"

/* ---- inside a start() ---- */

/* A participant whose start() kills the actor of its own conversation: of all that live it is the one that is neither
 * this participant nor any `known` one. */
typedef struct starter {
    worker w; /* first: labour() takes it for its self */
    liminal_pid known;
    liminal_status gives;
    bool notices;
    liminal_exit exits[2];
    atomic_int told;
    liminal_pid before, after;
} starter;

static void hear(void *argument, const liminal_exit *exit)
{
    starter *self = argument;
    int place = atomic_fetch_add(&self->told, 1);
    if (test_check(place < 2)) {
        self->exits[place] = *exit;
    }
}

/* Pids are given in order, the actor's before its participants': the smallest that is not the known one. */
static liminal_pid find_actor(liminal_pid known)
{
    liminal_pid pids[16], found = {UINT64_MAX};
    size_t count = 0;
    (void)test_check(liminal_process_list(house, pids, 16, &count) == LIMINAL_OK && count <= 16);
    for (size_t i = 0; i < count; i++) {
        if (pids[i].value != known.value && pids[i].value < found.value) {
            found = pids[i];
        }
    }
    return found;
}

/* After the kill the new one is the largest. */
static liminal_pid find_largest(void)
{
    liminal_pid pids[16], found = {0};
    size_t count = 0;
    (void)test_check(liminal_process_list(house, pids, 16, &count) == LIMINAL_OK && count <= 16);
    for (size_t i = 0; i < count; i++) {
        found = pids[i].value > found.value ? pids[i] : found;
    }
    return found;
}

static liminal_status kill_and_start(void *argument)
{
    starter *self = argument;
    self->before = find_actor(self->known);
    if (self->notices) {
        (void)test_check(liminal_process_notify(house, self->before, hear, self, NULL) == LIMINAL_OK);
    }
    (void)test_check(liminal_process_kill(house, self->before) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(house, self->before));
    self->after = find_largest();
    if (self->notices && self->after.value > self->before.value) {
        (void)test_check(liminal_process_notify(house, self->after, hear, self, NULL) == LIMINAL_OK);
    }
    return self->gives;
}

static const liminal_behaviour starting = {LIMINAL_OPS(liminal_behaviour), .answer = labour, .start = kill_and_start,
                                           .release = lay_off};

static liminal_status spawn_starter(const variant *v, starter *self, uint32_t restarts, liminal_conversation **out)
{
    const liminal_participant participant = {.kind = v->kind, .behaviour = &starting, .self = self};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL, .dispatch = v->dispatch, .restarts = restarts};
    self->w = new_worker('a');
    return liminal_supervisor_spawn(house, &config, out);
}

static void a_conversation_that_starts_may_be_killed(void **state)
{
    starter s = {.gives = LIMINAL_OK};
    liminal_conversation *talk = NULL;
    open_house();
    assert_int_equal(spawn_starter(*state, &s, 0, &talk), LIMINAL_OK);
    assert_int_equal(liminal_conversation_pid(talk).value, s.after.value);
    assert_true(s.after.value > s.before.value);
    ask_gives(talk, "hello", "a:hello");
    log_is(talk, "restarted, sent hello");
    shut(&talk);
    assert_int_equal(s.w.releases, 1);
}

/* The spawn fails after all: whoever was told one of its pids hears what became of that. */
static void one_that_does_not_start_leaves_nobody_waiting(void **state)
{
    starter s = {.gives = LIMINAL_EPHASE, .notices = true};
    liminal_conversation *talk = NULL;
    open_house();
    assert_int_equal(spawn_starter(*state, &s, 0, &talk), LIMINAL_EPHASE);
    assert_null(talk);
    assert_int_equal(s.told, 2);
    assert_int_equal(s.exits[0].pid.value, s.before.value);
    assert_int_equal(s.exits[0].reason.kind, LIMINAL_EXIT_KILLED);
    assert_int_equal(s.exits[1].pid.value, s.after.value);
    assert_int_equal(s.exits[1].reason.kind, LIMINAL_EXIT_NOPROC);
    assert_false(liminal_process_alive(house, s.after));
    shut(&talk);
    assert_int_equal(s.w.releases, 0);
}

/* Killed too often before it was there: it is given, and has failed. */
static void one_that_is_killed_for_good_is_given_as_failed(void **state)
{
    starter s = {.gives = LIMINAL_OK};
    liminal_conversation *talk = NULL;
    open_house();
    assert_int_equal(spawn_starter(*state, &s, LIMINAL_NO_RESTARTS, &talk), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
    all_say(talk, LIMINAL_EFAILED);
    assert_int_equal(liminal_supervisor_census(house).conversations, 0);
    shut(&talk);
    assert_int_equal(s.w.releases, 1);
}

static void and_so_is_one_that_does_not_start_as_well(void **state)
{
    starter s = {.gives = LIMINAL_EPHASE, .notices = true};
    liminal_conversation *talk = NULL;
    open_house();
    assert_int_equal(spawn_starter(*state, &s, LIMINAL_NO_RESTARTS, &talk), LIMINAL_EPHASE);
    assert_null(talk);
    assert_int_equal(s.exits[0].reason.kind, LIMINAL_EXIT_KILLED);
    assert_int_equal(liminal_supervisor_census(house).conversations, 0);
    shut(&talk);
}

/* ---- a life that never comes to be ---- */

/* An allocator that has another thread look at who lives, in the middle of a kill. */
typedef struct peeper {
    bool armed;
    int left; /* allocations until then */
    test_gate look, seen;
    size_t count;
    liminal_pid pids[16];
    test_thread thread;
} peeper;

static void *peep_and_allocate(void *context, size_t size)
{
    peeper *self = context;
    if (self->armed && --self->left == 0) {
        self->armed = false;
        test_gate_open(&self->look);
        test_gate_wait(&self->seen);
    }
    return test_allocator()->allocate(test_allocator()->context, size);
}

static void give_back(void *context, void *block, size_t size)
{
    (void)context;
    test_allocator()->release(test_allocator()->context, block, size);
}

static void peep(void *argument)
{
    peeper *self = argument;
    test_gate_wait(&self->look);
    (void)test_check(liminal_process_list(house, self->pids, 16, &self->count) == LIMINAL_OK);
    test_gate_open(&self->seen);
}

/* It is killed once too often: the next life, which is made before that is decided, is nobody that one could find,
 * be told of, or kill. The second allocation of the kill is the log's. */
static void nobody_sees_a_life_that_never_comes_to_be(void **state)
{
    const variant *v = *state;
    peeper p = {.look = TEST_GATE_INIT, .seen = TEST_GATE_INIT};
    const liminal_allocator allocator = {LIMINAL_OPS(liminal_allocator), .context = &p, .allocate = peep_and_allocate,
                                         .release = give_back};
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = &allocator};
    liminal_config config = config_of(v);
    liminal_conversation *talk;
    liminal_exit exit;
    liminal_pid old, next;
    assert_int_equal(liminal_supervisor_open(&options, &house), LIMINAL_OK);
    config.restarts = LIMINAL_NO_RESTARTS;
    talk = spawn(&config);
    old = liminal_conversation_pid(talk);
    next.value = old.value + 1; /* as they are given out */
    p.left = 2;
    p.armed = true;
    test_thread_start(&p.thread, peep, &p);
    kill_it(old);
    test_thread_join(&p.thread);
    assert_false(p.armed);
    for (size_t i = 0; i < p.count; i++) {
        assert_int_equal(p.pids[i].value, old.value);
    }
    assert_int_equal(liminal_process_wait(house, next, &exit, liminal_deadline_passed()), LIMINAL_ENOPROC);
    all_say(talk, LIMINAL_EFAILED);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(a_conversation_that_starts_may_be_killed),
        FOUR(one_that_does_not_start_leaves_nobody_waiting),
        FOUR(one_that_is_killed_for_good_is_given_as_failed),
        FOUR(and_so_is_one_that_does_not_start_as_well),
        BOTH(nobody_sees_a_life_that_never_comes_to_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

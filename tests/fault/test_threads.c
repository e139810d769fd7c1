/* SPDX-License-Identifier: MIT */
/* test_threads.c -- threads that are refused, limits, starts that fail, and threads that are ended. */
#include "race/race.h"

typedef struct crew {
    atomic_int started, released;
    int fail_at; /* the start, from 1, that fails */
} crew;

/* A `self`: no two participants of one behaviour may share theirs. */
typedef struct member {
    crew *crew;
} member;

static liminal_status start(void *self)
{
    crew *c = ((member *)self)->crew;
    return atomic_fetch_add(&c->started, 1) + 1 == c->fail_at ? LIMINAL_EPHASE : LIMINAL_OK;
}

static void release(void *self)
{
    atomic_fetch_add(&((member *)self)->crew->released, 1);
}

static liminal_status echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .start = start,
                                            .release = release};

enum { PEOPLE = 4, THREADS = 4 }; /* three of them on threads, and the actor */

typedef struct world {
    liminal_supervisor *supervisor;
    crew crew;
    member members[PEOPLE];
    liminal_participant people[PEOPLE];
    liminal_config config;
    liminal_conversation *conversation;
} world;

static void begin(world *w)
{
    static const char *const names[PEOPLE] = {"first", "second", "inline", "third"};
    memset(w, 0, sizeof *w);
    w->supervisor = race_open_poolless();
    for (int i = 0; i < PEOPLE; i++) {
        w->members[i].crew = &w->crew;
        w->people[i] = (liminal_participant){.name = names[i], .behaviour = &behaviour, .self = &w->members[i]};
    }
    w->people[2].kind = LIMINAL_PARTICIPANT_INLINE;
    w->config = (liminal_config){LIMINAL_OPS(liminal_config), .participants = w->people, .participant_count = PEOPLE,
                                 .on_crash = LIMINAL_CRASH_FAIL, .name = "taken while it lives"};
}

static liminal_status spawn(world *w)
{
    return liminal_supervisor_spawn(w->supervisor, &w->config, &w->conversation);
}

/* Nothing is left of a spawn that failed, once the threads that had begun have ended. */
static void assert_nothing_left(world *w, size_t blocks)
{
    liminal_census census = liminal_supervisor_census(w->supervisor);
    assert_int_equal(census.conversations, 0);
    assert_int_equal(census.participants, 0);
    test_until(liminal_supervisor_census(w->supervisor).threads == 0);
    assert_int_equal(test_blocks(), blocks);
    assert_null(w->conversation);
    assert_int_equal(atomic_load(&w->crew.released), 0); /* every `self` is still the caller's */
}

static void spawn_and_end(world *w)
{
    liminal_report report;
    liminal_envelope *request = race_say("x"), *reply = NULL;
    atomic_store(&w->crew.started, 0);
    assert_int_equal(spawn(w), LIMINAL_OK);
    assert_int_equal(atomic_load(&w->crew.started), PEOPLE);
    assert_int_equal(liminal_supervisor_census(w->supervisor).threads, THREADS);
    assert_int_equal(liminal_conversation_ask(w->conversation, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&w->conversation);
    report = race_shutdown(&w->supervisor);
    assert_int_equal(report.running, 0);
    assert_int_equal(atomic_load(&w->crew.released), PEOPLE);
}

/* ---- refused by the system ---- */

static void each_thread_of_a_spawn(void **state)
{
    static const char *const who[THREADS] = {"first", "second", "third", ""};
    static const int started[THREADS] = {0, 1, 3, 4};
    world w;
    size_t blocks;
    (void)state;
    begin(&w);
    blocks = test_blocks();
    for (int n = 1; n <= THREADS; n++) {
        size_t asked = test_threads_asked();
        atomic_store(&w.crew.started, 0);
        test_refuse_threads((size_t)n);
        assert_int_equal(spawn(&w), LIMINAL_ELIMIT);
        assert_non_null(strstr(liminal_status_detail(), "the system refuses a thread"));
        assert_non_null(strstr(liminal_status_detail(), who[n - 1]));
        assert_int_equal(test_threads_asked() - asked, n); /* and no more were asked for */
        assert_int_equal(atomic_load(&w.crew.started), started[n - 1]);
        assert_nothing_left(&w, blocks);
    }
    test_refuse_threads(THREADS + 1); /* one more than it takes */
    spawn_and_end(&w);
}

static void all_threads(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo()};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *conversation = NULL;
    liminal_envelope *request = race_say("x"), *reply = NULL;
    crew c = {.fail_at = 0};
    member m = {&c};
    (void)state;
    test_refuse_all_threads(true);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_ELIMIT);
        assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, &behaviour, &m, LIMINAL_CRASH_FAIL,
                                                            &conversation), LIMINAL_ELIMIT);
        assert_int_equal(atomic_load(&c.released), i); /* the spawn leaves `self` to the caller ... */
        assert_int_equal(liminal_supervisor_ask(supervisor, &behaviour, &m, &request, &reply), LIMINAL_ELIMIT);
        assert_int_equal(atomic_load(&c.released), i + 1); /* ... and the ask never does */
    }
    assert_null(conversation);
    assert_null(reply);
    assert_non_null(request);
    assert_int_equal(liminal_supervisor_census(supervisor).threads, 0);
    test_refuse_all_threads(false);
    assert_int_equal(liminal_supervisor_ask(supervisor, &behaviour, &m, &request, &reply), LIMINAL_OK);
    assert_null(request);
    assert_string_equal(liminal_envelope_text(reply), "x");
    liminal_envelope_drop(&reply);
    assert_int_equal(race_shutdown(&supervisor).threads, 2);
    assert_int_equal(atomic_load(&c.released), 3 + 1);
}

/* ---- refused by a limit of our own ---- */

static void limits(void **state)
{
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                          .max_conversations = 2, .max_threads = 3};
    liminal_supervisor *supervisor = NULL;
    liminal_conversation *one, *two, *three = NULL;
    size_t asked = test_threads_asked();
    (void)state;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    one = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, liminal_behaviour_echo(), NULL, LIMINAL_CRASH_FAIL,
                                                        &three), LIMINAL_ELIMIT);
    assert_string_equal(liminal_status_detail(), "max_threads: 2 live already, 2 wanted");
    two = race_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, liminal_behaviour_echo(), NULL, LIMINAL_CRASH_FAIL,
                                                        &three), LIMINAL_ELIMIT);
    assert_string_equal(liminal_status_detail(), "max_conversations: 2 live already");
    assert_null(three);
    assert_int_equal(test_threads_asked() - asked, 3);
    liminal_conversation_drop(&one); /* makes room again */
    test_until(liminal_supervisor_census(supervisor).threads == 1);
    one = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
    liminal_conversation_drop(&one);
    liminal_conversation_drop(&two);
    (void)race_shutdown(&supervisor);
}

/* ---- starts that fail ---- */

static void each_start_of_a_spawn(void **state)
{
    static const char *const names[PEOPLE] = {"first", "second", "inline", "third"};
    world w;
    size_t blocks;
    (void)state;
    begin(&w);
    blocks = test_blocks();
    for (int n = 1; n <= PEOPLE; n++) {
        atomic_store(&w.crew.started, 0);
        w.crew.fail_at = n;
        assert_int_equal(spawn(&w), LIMINAL_EPHASE);
        assert_non_null(strstr(liminal_status_detail(), names[n - 1]));
        assert_non_null(strstr(liminal_status_detail(), "LIMINAL_EPHASE"));
        assert_int_equal(atomic_load(&w.crew.started), n);
        assert_nothing_left(&w, blocks);
    }
    w.crew.fail_at = 0;
    spawn_and_end(&w);
}

/* ---- threads that are ended under a behaviour ---- */

static liminal_status end_the_thread(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    pthread_exit(NULL);
}

static const liminal_behaviour ending = {LIMINAL_OPS(liminal_behaviour), .answer = end_the_thread, .release = release};

static void assert_killed(liminal_conversation *conversation)
{
    liminal_envelope *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "participant exited: killed");
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, &status), LIMINAL_OK);
    assert_false(status.alive);
    assert_int_equal(status.reason.kind, LIMINAL_EXIT_KILLED);
    liminal_snapshot_drop(&snapshot);
}

static void answer_may_end_its_thread(void **state)
{
    const liminal_participant_kind kinds[2] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};
    (void)state;
    for (int i = 0; i < 2; i++) { /* the inline one ends the conversation's own thread: it was only sent to */
        liminal_supervisor *supervisor = race_open();
        crew c = {.fail_at = 0};
        member m = {&c};
        liminal_conversation *conversation = race_spawn(supervisor, kinds[i], &ending, &m);
        liminal_envelope *message = race_say("x");
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        assert_killed(conversation);
        liminal_conversation_drop(&conversation);
        (void)race_shutdown(&supervisor);
        assert_int_equal(atomic_load(&c.released), 1);
    }
}

/* An asker's own thread, which is in the behaviour. */
static void ask_and_be_ended(void *argument)
{
    liminal_envelope *request = race_say("x"), *reply = NULL;
    (void)!liminal_conversation_ask(argument, &request, &reply, liminal_deadline_never());
    (void)test_check(argument == NULL); /* not reached */
}

static void an_inline_answer_may_end_its_asker(void **state)
{
    liminal_supervisor *supervisor = race_open();
    crew c = {.fail_at = 0};
    member m = {&c};
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, &ending, &m);
    test_thread thread;
    (void)state;
    test_thread_start(&thread, ask_and_be_ended, conversation);
    test_thread_join(&thread);
    assert_killed(conversation);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
    assert_int_equal(atomic_load(&c.released), 1);
}

static liminal_status start_and_end(void *self)
{
    (void)self;
    pthread_exit(NULL);
}

static void start_may_end_its_thread(void **state)
{
    static const liminal_behaviour stillborn = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .start = start_and_end,
                                                .release = release};
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *conversation = NULL;
    crew c = {.fail_at = 0};
    member m = {&c};
    (void)state;
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, &stillborn, &m, LIMINAL_CRASH_FAIL, &conversation),
                     LIMINAL_EEXIT);
    assert_null(conversation);
    (void)race_shutdown(&supervisor);
    assert_int_equal(atomic_load(&c.released), 0);
}

static void release_and_end(void *self)
{
    release(self);
    pthread_exit(NULL);
}

static void release_may_end_its_thread(void **state)
{
    static const liminal_behaviour last = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .release = release_and_end};
    liminal_supervisor *supervisor = race_open();
    crew c = {.fail_at = 0};
    member m = {&c};
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &last, &m);
    (void)state;
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
    assert_int_equal(atomic_load(&c.released), 1);
}

static void an_inline_release_may_end_its_thread(void **state)
{
    static const liminal_behaviour last = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .release = release_and_end};
    liminal_supervisor *supervisor = race_open();
    crew c = {.fail_at = 0};
    member m = {&c};
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, &last, &m);
    (void)state;
    assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
    test_until(atomic_load(&c.released) == 1); /* on the conversation's own thread, which is told to go on */
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

/* An inline start() runs on the spawning thread. */
static void spawn_and_be_ended(void *argument)
{
    static const liminal_behaviour stillborn = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .start = start_and_end,
                                                .release = release};
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &stillborn};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL, .name = "stillborn"};
    liminal_conversation *conversation = NULL;
    (void)!liminal_supervisor_spawn(argument, &config, &conversation);
    (void)test_check(conversation != NULL && conversation == NULL); /* not reached */
}

static void an_inline_start_may_end_its_spawner(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *conversation = NULL;
    size_t blocks = test_blocks();
    test_thread thread;
    (void)state;
    test_thread_start(&thread, spawn_and_be_ended, supervisor);
    test_thread_join(&thread);
    assert_int_equal(liminal_supervisor_census(supervisor).conversations, 0);
    assert_int_equal(liminal_supervisor_census(supervisor).threads, 0);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "stillborn", &conversation), LIMINAL_ENOPROC);
    assert_int_equal(test_blocks(), blocks);
    (void)race_shutdown(&supervisor);
}

static void drop_request(void *argument)
{
    liminal_envelope **request = argument;
    (void)test_check(*request == NULL); /* a pointer that is not NULL is yours; this one was begun, so taken */
}

static void ask_with_a_handler(void *argument)
{
    liminal_envelope *request = race_say("x"), *reply = NULL;
    pthread_cleanup_push(drop_request, &request);
    (void)!liminal_conversation_ask(argument, &request, &reply, liminal_deadline_never());
    pthread_cleanup_pop(0);
}

static void an_ended_askers_request_was_taken(void **state)
{
    liminal_supervisor *supervisor = race_open();
    crew c = {.fail_at = 0};
    member m = {&c};
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, &ending, &m);
    test_thread thread;
    (void)state;
    test_thread_start(&thread, ask_with_a_handler, conversation);
    test_thread_join(&thread);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_thread_of_a_spawn),
        TEST(all_threads),
        TEST(limits),
        TEST(each_start_of_a_spawn),
        TEST(answer_may_end_its_thread),
        TEST(an_inline_answer_may_end_its_asker),
        TEST(start_may_end_its_thread),
        TEST(release_may_end_its_thread),
        TEST(an_inline_release_may_end_its_thread),
        TEST(an_inline_start_may_end_its_spawner),
        TEST(an_ended_askers_request_was_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

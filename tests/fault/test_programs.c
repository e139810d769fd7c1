/* SPDX-License-Identifier: MIT */
/* test_programs.c -- child programs without memory, threads or descriptors: every failure is a status, leaves
 * nothing behind, no child either, and may be tried again. */
#include "unit/program_kit.h"

#include <sys/resource.h>

static void ignore(void *self, const void *what, size_t size)
{
    (void)self, (void)what, (void)size;
}

static void never(void *self)
{
    (void)self;
    (void)test_check(false);
}

static void count(void *self)
{
    atomic_fetch_add((atomic_int *)self, 1);
}

/* Everything that a start may need. */
static liminal_program full_program(void)
{
    static const char *const cat[] = {"cat", NULL};
    liminal_program program = program_of(cat);
    program.errors = LIMINAL_STDERR_CALLBACK;
    program.on_stderr = ignore;
    program.release = never; /* unless it has started */
    return program;
}

static liminal_status try_two(liminal_program *program, liminal_conversation **out)
{
    liminal_participant participants[2] = {participant_of(program, "one"), participant_of(program, "two")};
    liminal_config config = config_of(participants, 2);
    liminal_status status = liminal_supervisor_spawn(house, &config, out);
    (void)test_check((status == LIMINAL_OK) == (*out != NULL));
    return status;
}

/* Nothing is left of a spawn that failed, once the threads that it had started have seen to their ends. */
static void nothing_is_left(void)
{
    test_until(liminal_supervisor_census(house).threads == 0 && no_child());
    assert_int_equal(liminal_supervisor_census(house).participants, 0);
    assert_int_equal(liminal_supervisor_census(house).conversations, 0);
}

static void works(liminal_conversation *talk)
{
    ask_gives(talk, "hello", "hello");
}

/* ---- descriptors ---- */

static void no_descriptors(void **state)
{
    struct rlimit before, few;
    liminal_program program = full_program();
    liminal_conversation *talk = NULL;
    liminal_status status = LIMINAL_ELIMIT;
    size_t refusals = 0;
    (void)state;
    program.release = NULL;
    open_house();
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    for (rlim_t limit = 3; status != LIMINAL_OK; limit++) {
        assert_true(limit < 200);
        few.rlim_cur = limit;
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
        status = try_two(&program, &talk);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        if (status != LIMINAL_OK) {
            assert_int_equal(status, LIMINAL_ELIMIT);
            refusals++;
            nothing_is_left();
        }
    }
    assert_true(refusals >= 10);
    works(talk);
    shut(&talk);
}

/* ---- threads ---- */

static void no_threads(void **state)
{
    liminal_program program = full_program();
    liminal_conversation *talk = NULL;
    (void)state;
    open_house_with(LIMINAL_NO_IDLE_THREADS);
    for (size_t n = 1; n <= 3; n++) { /* one for each program, one for the conversation */
        test_refuse_threads(n);
        assert_int_equal(try_two(&program, &talk), LIMINAL_ELIMIT);
        nothing_is_left();
    }
    test_refuse_threads(0);
    program.release = NULL;
    assert_int_equal(try_two(&program, &talk), LIMINAL_OK);
    works(talk);
    shut(&talk);
}

/* ---- memory ---- */

static void no_memory_to_start(void **state)
{
    liminal_program program = full_program();
    liminal_conversation *talk = NULL;
    liminal_status status = LIMINAL_ENOMEM;
    size_t n;
    (void)state;
    open_house();
    program.release = NULL;
    for (n = 1; status != LIMINAL_OK; n++) {
        test_fail_nth(n);
        status = try_two(&program, &talk);
        test_fail_nth(0);
        assert_true(n < 200);
        if (status != LIMINAL_OK) {
            assert_int_equal(status, LIMINAL_ENOMEM);
            nothing_is_left();
        }
    }
    assert_true(n > 4); /* its block, and what each program is kept with */
    works(talk);
    shut(&talk);
}

/* While it talks: an ask is answered, or says that there is no memory, or the program has ended for that; never
 * is anything else given, and never does anyone hang. */
static void no_memory_to_talk(void **state)
{
    size_t answered = 0, refused = 0, ended = 0, n;
    (void)state;
    open_house();
    for (n = 1; answered < 3; n++) { /* three times there was nothing left to fail */
        liminal_program program = program_of(SH("while read -r x; do echo news; echo \"$x\"; done"));
        static atomic_int releases;
        liminal_conversation *talk;
        liminal_envelope *request, *reply = NULL, *news = NULL;
        liminal_status status;
        releases = 0;
        program.release = count;
        program.pairing = LIMINAL_PAIRING_NONE;
        talk = spawn_program(&program, &releases);
        request = note("hello");
        test_fail_nth(n);
        status = liminal_conversation_send(talk, &request, LONG);
        if (status == LIMINAL_OK) {
            status = liminal_conversation_receive(talk, &news, LONG);
        }
        if (status == LIMINAL_OK) {
            status = liminal_conversation_receive(talk, &reply, LONG);
        }
        test_fail_nth(0);
        if (status == LIMINAL_OK) {
            assert_string_equal(liminal_envelope_text(news), "news");
            is_text(&reply, "hello");
            answered++;
        } else if (status == LIMINAL_ENOMEM) {
            refused++;
        } else {
            assert_int_equal(status, LIMINAL_EEXIT);
            ends(pid_of(talk, 0), LIMINAL_EXIT_ERROR, LIMINAL_ENOMEM);
            ended++;
        }
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&news);
        liminal_envelope_drop(&reply);
        liminal_conversation_drop(&talk);
        test_until(releases == 1);
        assert_true(n < 200);
    }
    assert_true(refused > 0);
    assert_true(ended > 1);
    shut_house();
}

/* The same for asks that are paired by a function. */
static bool same(void *self, const liminal_envelope *request, const liminal_envelope *frame)
{
    (void)self;
    return strcmp(liminal_envelope_text(request), liminal_envelope_text(frame)) == 0;
}

static void no_memory_to_pair(void **state)
{
    size_t answered = 0, ended = 0, n;
    (void)state;
    open_house();
    for (n = 1; answered < 3; n++) {
        liminal_program program = program_of(SH("while read -r x; do echo news; echo \"$x\"; done"));
        liminal_conversation *talk;
        liminal_envelope *request, *reply = NULL;
        liminal_status status;
        program.pairing = LIMINAL_PAIRING_BY_FUNCTION;
        program.answers = same;
        talk = spawn_program(&program, NULL);
        request = note("hello");
        test_fail_nth(n);
        status = liminal_conversation_ask(talk, &request, &reply, LONG);
        test_fail_nth(0);
        if (status == LIMINAL_OK) {
            is_text(&reply, "hello");
            answered++;
        } else if (status == LIMINAL_EEXIT) {
            ends(pid_of(talk, 0), LIMINAL_EXIT_ERROR, LIMINAL_ENOMEM);
            ended++;
        } else {
            assert_int_equal(status, LIMINAL_ENOMEM);
        }
        liminal_envelope_drop(&request);
        liminal_conversation_drop(&talk);
        assert_true(n < 200);
    }
    assert_true(ended > 1);
    shut_house();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(no_descriptors),    PROGRAM_TEST(no_threads),        PROGRAM_TEST(no_memory_to_start),
        PROGRAM_TEST(no_memory_to_talk), PROGRAM_TEST(no_memory_to_pair),
    };
    return cmocka_run_group_tests_name("programs", tests, NULL, NULL);
}

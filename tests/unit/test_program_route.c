/* SPDX-License-Identifier: MIT */
/* test_program_route.c -- route to next among programs: nothing is lost, nothing is answered twice. */
#include "program_kit.h"

#define PROGRAMS 3

/* The kernel's numbers of the programs, as they say themselves. */
static pid_t os_pids[PROGRAMS];

/* Each says its number first, and then sends every line back. */
static liminal_conversation *spawn_row(const char *script)
{
    static liminal_program programs[PROGRAMS];
    static liminal_participant participants[PROGRAMS];
    static const char *const names[PROGRAMS] = {"first", "second", "third"};
    const char *const *argv = SH(script);
    liminal_config config = config_of(participants, PROGRAMS);
    liminal_conversation *talk;
    for (int i = 0; i < PROGRAMS; i++) {
        programs[i] = program_of(argv);
        participants[i] = participant_of(&programs[i], names[i]);
    }
    config.on_crash = LIMINAL_CRASH_ROUTE_NEXT;
    talk = spawn(&config);
    for (int i = 0; i < PROGRAMS; i++) {
        liminal_envelope *said = NULL;
        const char *who;
        assert_int_equal(liminal_conversation_receive(talk, &said, LONG), LIMINAL_OK);
        who = liminal_envelope_read(said).publisher;
        os_pids[strcmp(who, "first") == 0 ? 0 : strcmp(who, "second") == 0 ? 1 : 2] =
            (pid_t)strtol(liminal_envelope_text(said), NULL, 10);
        liminal_envelope_drop(&said);
    }
    return talk;
}

static void put_numbers(liminal_conversation *talk, size_t from, size_t to)
{
    for (size_t i = from; i < to; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "%zu", i);
        put(talk, text);
    }
}

/* Killed at different points, with much in flight: every number comes once, and in order. */
static void sends_are_answered_once_and_in_order(void **state)
{
    (void)state;
    open_house();
    for (size_t at = 0; at <= 300; at += 60) {
        liminal_conversation *talk = spawn_row("echo $$; exec cat");
        put_numbers(talk, 0, 300);
        for (size_t i = 0; i < 300; i++) {
            if (i == at / 2) {
                assert_int_equal(kill(os_pids[0], SIGKILL), 0);
            }
            if (i == at) {
                assert_int_equal(kill(os_pids[1], SIGKILL), 0);
            }
            get_number(talk, i);
        }
        get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
        assert_int_equal(look(talk).phase, LIMINAL_PHASE_ACTIVE);
        assert_int_equal(look(talk).counts.unfinished, 0);
        liminal_conversation_drop(&talk);
    }
    shut_house();
}

typedef struct asker {
    test_thread thread;
    liminal_conversation *talk;
    int number;
    atomic_int answered;
} asker;

static void ask_many(void *argument)
{
    asker *a = argument;
    for (int i = 0; i < 200; i++) {
        char text[32];
        liminal_envelope *reply = NULL;
        (void)snprintf(text, sizeof text, "%d of %d", i, a->number);
        (void)test_check(ask_until(a->talk, text, &reply, LONG) == LIMINAL_OK);
        (void)test_check(strcmp(liminal_envelope_text(reply), text) == 0);
        liminal_envelope_drop(&reply);
        atomic_fetch_add(&a->answered, 1);
    }
}

/* Asked by several, killed under them by the kernel and by the library. */
static void askers_get_their_own_answers_all_the_same(void **state)
{
    static asker askers[4];
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_row("echo $$; exec cat");
    for (int i = 0; i < 4; i++) {
        askers[i].talk = talk;
        askers[i].number = i;
        atomic_store(&askers[i].answered, 0);
        test_thread_start(&askers[i].thread, ask_many, &askers[i]);
    }
    test_until(askers[0].answered >= 50);
    assert_int_equal(kill(os_pids[0], SIGKILL), 0);
    test_until(askers[1].answered >= 120);
    assert_int_equal(liminal_process_kill(house, pid_of(talk, 1)), LIMINAL_OK);
    for (int i = 0; i < 4; i++) {
        test_thread_join(&askers[i].thread);
        assert_int_equal(askers[i].answered, 200);
    }
    ends(pid_of(talk, 0), LIMINAL_EXIT_SIGNAL, SIGKILL);
    ends(pid_of(talk, 1), LIMINAL_EXIT_KILLED, 0);
    assert_true(liminal_process_alive(house, pid_of(talk, 2)));
    shut(&talk);
}

/* Each dies of the fourth line in its hand: three lines each, then nobody is left. */
static void with_the_last_one_gone_it_fails(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_row("echo $$; for i in 1 2 3; do read -r x; echo \"$x\"; done; read -r x; exit 3");
    put_numbers(talk, 0, 10);
    for (size_t i = 0; i < 9; i++) {
        get_number(talk, i);
    }
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_int_equal(look(talk).phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(look(talk).counts.unfinished, 1);
    for (size_t i = 0; i < PROGRAMS; i++) {
        ends(pid_of(talk, i), LIMINAL_EXIT_CODE, 3);
    }
    shut(&talk);
}

/* What it had answered before it died is not asked again, also where the answer was its partial last line. */
static void its_last_answer_counts(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_row("echo $$; read -r x; printf '%s from %s' \"$x\" $$; exit 0");
    for (int i = 0; i < 3; i++) {
        char answer[64];
        (void)snprintf(answer, sizeof answer, "hello from %d", (int)os_pids[i]);
        ask_gives(talk, "hello", answer);
    }
    ask_fails(talk, "hello", LONG, LIMINAL_EEXIT);
    shut(&talk);
}

/* A large request, half written to one, is written as a whole to the next. */
static void half_a_request_is_begun_again(void **state)
{
    const size_t size = 500000;
    char *large = malloc(size);
    liminal_conversation *talk;
    liminal_envelope *message, *reply = NULL;
    (void)state;
    memset(large, 'x', size);
    open_house();
    talk = spawn_row("echo $$; exec cat");
    assert_int_equal(kill(os_pids[0], SIGSTOP), 0);
    message = bytes(large, size);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    get_fails(talk, SOON, LIMINAL_ETIMEDOUT);
    assert_int_equal(kill(os_pids[0], SIGKILL), 0);
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    assert_int_equal(liminal_envelope_size(reply), size);
    assert_memory_equal(liminal_envelope_data(reply), large, size);
    assert_string_equal(liminal_envelope_read(reply).publisher, "second");
    liminal_envelope_drop(&reply);
    free(large);
    shut(&talk);
}

/* A behaviour may be the next one after a program, and a program after a behaviour. */
static void programs_and_behaviours_follow_each_other(void **state)
{
    liminal_program mortal = program_of(SH("read -r x; exit 3")), cat = program_of(ARGV("cat"));
    liminal_participant participants[3] = {
        participant_of(&mortal, "mortal"),
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo(), .name = "echo"},
        participant_of(&cat, "cat"),
    };
    liminal_config config = config_of(participants, 3);
    liminal_conversation *talk;
    (void)state;
    config.on_crash = LIMINAL_CRASH_ROUTE_NEXT;
    open_house();
    talk = spawn(&config);
    put_numbers(talk, 0, 10);
    for (size_t i = 0; i < 10; i++) {
        get_number(talk, i);
    }
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
    assert_int_equal(liminal_process_kill(house, pid_of(talk, 1)), LIMINAL_OK);
    put_numbers(talk, 10, 20);
    for (size_t i = 10; i < 20; i++) {
        get_number(talk, i);
    }
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(sends_are_answered_once_and_in_order),
        PROGRAM_TEST(askers_get_their_own_answers_all_the_same),
        PROGRAM_TEST(with_the_last_one_gone_it_fails),
        PROGRAM_TEST(its_last_answer_counts),
        PROGRAM_TEST(half_a_request_is_begun_again),
        PROGRAM_TEST(programs_and_behaviours_follow_each_other),
    };
    return cmocka_run_group_tests_name("program: route to next", tests, NULL, NULL);
}

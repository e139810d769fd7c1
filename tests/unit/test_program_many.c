/* SPDX-License-Identifier: MIT */
/* test_program_many.c -- many programs at once: 200 (fewer under a sanitizer), and 50 that die one after the other. */
#include "program_kit.h"

#define MANY LESS(200)
#define ROW 50 /* where it would take its time: starting and ending one costs some milliseconds */

static void two_hundred_conversations(void **state)
{
    static liminal_conversation *talks[MANY];
    (void)state;
    open_house();
    for (int i = 0; i < MANY; i++) {
        talks[i] = spawn_argv(ARGV("cat"));
    }
    assert_int_equal(children(NULL, 0), MANY);
    assert_int_equal(liminal_supervisor_census(house).participants, MANY);
    for (int i = 0; i < MANY; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "to %d", i);
        put(talks[i], text);
    }
    for (int i = 0; i < MANY; i++) {
        char text[32];
        (void)snprintf(text, sizeof text, "to %d", i);
        get(talks[i], text);
    }
    for (int i = 0; i < MANY; i += 2) { /* every second one dies; the others notice nothing */
        assert_int_equal(liminal_process_kill(house, pid_of(talks[i], 0)), LIMINAL_OK);
    }
    for (int i = 0; i < MANY; i++) {
        if (i % 2 == 0) {
            get_fails(talks[i], LONG, LIMINAL_EEXIT);
        } else {
            ask_gives(talks[i], "still there", "still there");
        }
        liminal_conversation_drop(&talks[i]);
    }
    shut_house();
}

/* All of one conversation, and each dies with a request in its hand: the last one answers them all. */
static void fifty_in_a_row(void **state)
{
    static liminal_program programs[ROW];
    static liminal_participant participants[ROW];
    const char *const *mortal = SH("read -r x; exit 3"), *const *last = ARGV("cat");
    liminal_config config = config_of(participants, ROW);
    liminal_conversation *talk;
    (void)state;
    for (int i = 0; i < ROW; i++) {
        programs[i] = program_of(i < ROW - 1 ? mortal : last);
        participants[i] = participant_of(&programs[i], "one of many");
    }
    config.on_crash = LIMINAL_CRASH_ROUTE_NEXT;
    open_house();
    talk = spawn(&config);
    for (int i = 0; i < 10; i++) {
        put(talk, i % 2 != 0 ? "odd" : "even");
    }
    for (int i = 0; i < 10; i++) {
        get(talk, i % 2 != 0 ? "odd" : "even");
    }
    for (size_t i = 0; i < ROW; i++) {
        assert_int_equal(member(talk, i).alive, i == ROW - 1);
    }
    assert_int_equal(children(NULL, 0), 1);
    shut(&talk);
}

/* A shutdown closes them all at the same time, not one after the other. */
static void they_are_closed_together(void **state)
{
    static liminal_conversation *talks[ROW];
    liminal_program program = program_of(SH("echo ready; exec sleep 100"));
    liminal_deadline deadline;
    (void)state;
    program.close_patience_ns = 500 * MS;
    open_house();
    for (int i = 0; i < ROW; i++) {
        talks[i] = spawn_program(&program, NULL);
    }
    for (int i = 0; i < ROW; i++) {
        get(talks[i], "ready");
        liminal_conversation_drop(&talks[i]);
    }
    deadline = liminal_deadline_in_ms(ROW * 500 * 3 / 4);
    assert_int_equal(liminal_supervisor_shutdown(&house, NULL, deadline), LIMINAL_OK);
    assert_true(no_child());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(two_hundred_conversations),
        PROGRAM_TEST(fifty_in_a_row),
        PROGRAM_TEST(they_are_closed_together),
    };
    return cmocka_run_group_tests_name("program: many", tests, NULL, NULL);
}

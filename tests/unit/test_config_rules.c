/* SPDX-License-Identifier: MIT */
/* test_config_rules.c -- what a config says of programs, times and restarts, with the field that its detail names; and
 * programs among many participants. */
#include "support/harness.h"

#include <liminal.h>

#include <string.h>

static const char *const argv[] = {"true", NULL};
static const liminal_program sound_program = {LIMINAL_OPS(liminal_program), .argv = argv};

static void gives(const liminal_config *config, liminal_status status, const char *detail)
{
    assert_int_equal(liminal_config_check(config), status);
    assert_memory_equal(liminal_status_detail(), detail, strlen(detail));
}

static void program_gives(const liminal_program *program, liminal_status status, const char *detail)
{
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = program};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    gives(&config, status, detail);
}

static void programs(void **state)
{
    static const int others[] = {-1, 4, 99};
    static const char *const empty[] = {NULL};
    liminal_program program = sound_program;
    (void)state;
    program_gives(NULL, LIMINAL_EINVAL, "config.participants[0].program");
    program.argv = empty;
    program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.argv");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        program = sound_program, program.framing = (liminal_framing)others[i];
        program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.framing");
        program = sound_program, program.pairing = (liminal_pairing)others[i];
        program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.pairing");
        program = sound_program, program.errors = (liminal_stderr)others[i];
        program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.errors");
    }
    program = sound_program, program.close_patience_ns = -1;
    program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.close_patience_ns: negative");
    program = sound_program, program.term_patience_ns = INT64_MIN;
    program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.term_patience_ns: negative");
    program = sound_program, program.pairing = LIMINAL_PAIRING_BY_FUNCTION;
    program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.answers");
    program = sound_program, program.errors = LIMINAL_STDERR_CALLBACK;
    program_gives(&program, LIMINAL_EINVAL, "config.participants[0].program.on_stderr");
}

static void times_and_restarts(void **state)
{
    const liminal_config sound = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    liminal_config config = sound;
    (void)state;
    config.timeout_ns = -1;
    gives(&config, LIMINAL_EINVAL, "config.timeout_ns: negative");
    config = sound, config.compensate_timeout_ns = -1;
    gives(&config, LIMINAL_EINVAL, "config.compensate_timeout_ns: negative");
    config = sound, config.restart_window_ns = INT64_MIN;
    gives(&config, LIMINAL_EINVAL, "config.restart_window_ns: negative");
    config = sound, config.restarts = LIMINAL_RESTARTS_MOST + 1;
    gives(&config, LIMINAL_EINVAL, "config.restarts: 65 is more than 64");
    config.restarts = LIMINAL_RESTARTS_MOST;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    config.restarts = LIMINAL_NO_RESTARTS;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
}

/* More than a glance can compare, so they are sorted: programs among behaviours and watched ones. */
static void programs_among_many(void **state)
{
    enum { MANY = 24 };
    liminal_participant people[MANY];
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = MANY,
                             .on_crash = LIMINAL_CRASH_FAIL};
    int selves[MANY];
    (void)state;
    for (size_t i = 0; i < MANY; i++) {
        people[i] = (liminal_participant){.kind = (liminal_participant_kind)(i % 4)};
        people[i].behaviour = liminal_behaviour_echo();
        people[i].program = &sound_program;
        people[i].pid.value = 100 - i;
        people[i].self = &selves[i];
    }
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    people[23].self = people[3].self;
    gives(&config, LIMINAL_EINVAL, "config.participants[23]");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(programs),
        TEST(times_and_restarts),
        TEST(programs_among_many),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

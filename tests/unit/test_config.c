/* SPDX-License-Identifier: MIT */
/* test_config.c -- every rule of a config, each with the field that its detail names. */
#include "support/harness.h"

#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static liminal_status echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour echoing = {LIMINAL_OPS(liminal_behaviour), .answer = echo};
static const liminal_behaviour echoing_too = {LIMINAL_OPS(liminal_behaviour), .answer = echo};

static liminal_config sound(const liminal_participant *participants, size_t count)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = count,
                            .on_crash = LIMINAL_CRASH_FAIL};
}

static void gives(const liminal_config *config, liminal_status status, const char *detail)
{
    assert_int_equal(liminal_config_check(config), status);
    assert_memory_equal(liminal_status_detail(), detail, strlen(detail));
}

static void sound_configs(void **state)
{
    liminal_trace_context parent = {.trace_id = {1}, .span_id = {1}};
    liminal_participant participants[] = {
        {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &echoing},
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &echoing, .name = "in line"},
        {.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = {7}, .name = "\xC3\xA4"},
    };
    liminal_config config = sound(NULL, 0);
    (void)state;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    config = sound(participants, 0);
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    config = sound(participants, 3);
    config.mode = LIMINAL_MODE_DURABLE;
    config.dispatch = LIMINAL_DISPATCH_PINNED;
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    config.name = "a name";
    config.parent = &parent;
    config.timeout_ns = INT64_MAX;
    config.mailbox_messages = 1;
    config.mailbox_bytes = LIMINAL_UNBOUNDED;
    config.log_entries = LIMINAL_UNBOUNDED;
    config.stack_bytes = 1;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
}

static void sizes(void **state)
{
    liminal_config config = sound(NULL, 0);
    (void)state;
    gives(NULL, LIMINAL_EINVAL, "config: NULL");
    config.size = 0;
    gives(&config, LIMINAL_EINVAL, "config: size 0");
    config.size = sizeof config - 1;
    gives(&config, LIMINAL_EINVAL, "config: size");
    config.size = sizeof config + 1;
    gives(&config, LIMINAL_EINVAL, "config: size");
}

static void values_outside_their_enum(void **state)
{
    static const int others[] = {-1, 2, 3, 4, 99};
    static const int no_policies[] = {-1, 4, 5, 99};
    liminal_config config = sound(NULL, 0);
    (void)state;
    config.on_crash = LIMINAL_CRASH_UNSET;
    gives(&config, LIMINAL_EINVAL, "config.on_crash: unset");
    for (size_t i = 0; i < sizeof no_policies / sizeof *no_policies; i++) {
        config.on_crash = (liminal_crash_policy)no_policies[i];
        gives(&config, LIMINAL_EINVAL, "config.on_crash: ");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        config = sound(NULL, 0), config.mode = (liminal_mode)others[i];
        gives(&config, LIMINAL_EINVAL, "config.mode: ");
        config = sound(NULL, 0), config.dispatch = (liminal_dispatch)others[i];
        gives(&config, LIMINAL_EINVAL, "config.dispatch: ");
        config = sound(NULL, 0), config.overflow = (liminal_overflow)others[i];
        gives(&config, LIMINAL_EINVAL, "config.overflow: ");
    }
}

static void plain_fields(void **state)
{
    liminal_trace_context no_trace = {.span_id = {1}}, no_span = {.trace_id = {1}};
    liminal_config config = sound(NULL, 0);
    char name[257];
    (void)state;
    memset(name, 'n', 256);
    name[256] = 0;
    config.name = "";
    gives(&config, LIMINAL_EINVAL, "config.name: empty");
    config.name = name;
    gives(&config, LIMINAL_EINVAL, "config.name: longer than 255 bytes");
    config.name = name + 1;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    config.name = "a\xFF";
    gives(&config, LIMINAL_EINVAL, "config.name: not UTF-8 at byte 1");
    config = sound(NULL, 0), config.parent = &no_trace;
    gives(&config, LIMINAL_EINVAL, "config.parent: ");
    config.parent = &no_span;
    gives(&config, LIMINAL_EINVAL, "config.parent: ");
    config = sound(NULL, 0), config.timeout_ns = -1;
    gives(&config, LIMINAL_EINVAL, "config.timeout_ns: ");
    config.timeout_ns = INT64_MIN;
    gives(&config, LIMINAL_EINVAL, "config.timeout_ns: ");
    config = sound(NULL, 1);
    gives(&config, LIMINAL_EINVAL, "config.participants: NULL");
}

static void participants_one_by_one(void **state)
{
    liminal_behaviour table = echoing;
    liminal_participant participants[2] = {{.behaviour = &echoing}, {.behaviour = &table}};
    liminal_config config = sound(participants, 2);
    (void)state;
    participants[1].behaviour = NULL;
    gives(&config, LIMINAL_EINVAL, "config.participants[1].behaviour: NULL");
    participants[1].kind = LIMINAL_PARTICIPANT_INLINE;
    gives(&config, LIMINAL_EINVAL, "config.participants[1].behaviour: NULL");
    participants[1].kind = LIMINAL_PARTICIPANT_WATCHED;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    participants[1].kind = (liminal_participant_kind)4;
    gives(&config, LIMINAL_EINVAL, "config.participants[1].kind: 4");
    participants[1] = (liminal_participant){.behaviour = &table};
    table.answer = NULL;
    gives(&config, LIMINAL_EINVAL, "config.participants[1].behaviour.answer: required");
    table = echoing, table.size = sizeof table - 1;
    gives(&config, LIMINAL_EINVAL, "config.participants[1].behaviour: size");
    table = echoing, table.size = sizeof table + 1;
    gives(&config, LIMINAL_EINVAL, "config.participants[1].behaviour: size");
    table = echoing, participants[1].name = "";
    gives(&config, LIMINAL_EINVAL, "config.participants[1].name: empty");
    participants[1].name = "\x80";
    gives(&config, LIMINAL_EINVAL, "config.participants[1].name: not UTF-8");
}

static void listed_twice(void **state)
{
    int self[2];
    liminal_participant participants[4] = {
        {.behaviour = &echoing, .self = &self[0]},
        {.behaviour = &echoing, .self = &self[1]},
        {.behaviour = &echoing_too, .self = &self[0]},
        {.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = {5}, .behaviour = &echoing, .self = &self[0]},
    };
    liminal_config config = sound(participants, 4);
    (void)state;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    participants[1] = participants[0], participants[1].kind = LIMINAL_PARTICIPANT_INLINE;
    gives(&config, LIMINAL_EINVAL, "config.participants[1]: the same as participants[0]");
    participants[0].self = participants[1].self = NULL; /* keeps nothing, so it may be shared */
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    participants[1] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = {5}};
    gives(&config, LIMINAL_EINVAL, "config.participants[3]: the same as participants[1]");
    participants[1].pid.value = 6;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
}

/* Each pair of places, in configs on both sides of the count that needs memory. */
static void listed_twice_anywhere(void **state)
{
    static const size_t counts[] = {2, 15, 16, 17, 40};
    liminal_participant participants[40];
    (void)state;
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        for (size_t i = 0; i < counts[c]; i++) {
            participants[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = {(i * 31) % 41 + 1}};
        }
        for (size_t a = 0; a < counts[c]; a++) {
            for (size_t b = a + 1; b < counts[c]; b++) {
                liminal_config config = sound(participants, counts[c]);
                uint64_t kept = participants[b].pid.value;
                char detail[96];
                assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
                participants[b].pid = participants[a].pid;
                (void)snprintf(detail, sizeof detail, "config.participants[%zu]: the same as participants[%zu]", b, a);
                gives(&config, LIMINAL_EINVAL, detail);
                participants[b].pid.value = kept;
            }
        }
    }
}

/* Quadratic work would show here: more than 2,000,000,000 comparisons. */
static void as_many_as_there_may_be(void **state)
{
    size_t most = 65535;
    liminal_participant *participants = calloc(most + 1, sizeof *participants);
    liminal_config config = sound(participants, most);
    (void)state;
    for (size_t i = 0; i <= most; i++) {
        participants[i] = (liminal_participant){.behaviour = &echoing, .self = &participants[most - i]};
    }
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    participants[most - 1].self = participants[0].self;
    gives(&config, LIMINAL_EINVAL, "config.participants[65534]: the same as participants[0]");
    config.participant_count = most + 1;
    gives(&config, LIMINAL_ELIMIT, "config.participant_count: 65536");
    config.participant_count = SIZE_MAX;
    gives(&config, LIMINAL_ELIMIT, "config.participant_count: ");
    free(participants);
}

static void memory_for_a_moment(void **state)
{
    liminal_participant participants[17] = {{.kind = LIMINAL_PARTICIPANT_INLINE}};
    liminal_config config = sound(participants, 16), taken = {0}, untouched = {0};
    (void)state;
    for (size_t i = 0; i < 17; i++) {
        participants[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = {i + 1}};
    }
    assert_int_equal(limi_config_take(&taken, &config, test_allocator()), LIMINAL_OK);
    assert_int_equal(test_allocations(), 0);
    taken = untouched;
    config.participant_count = 17;
    test_fail_nth(1);
    assert_int_equal(limi_config_take(&taken, &config, test_allocator()), LIMINAL_ENOMEM);
    assert_memory_equal(&taken, &untouched, sizeof taken);
    assert_int_equal(test_blocks(), 0);
    assert_int_equal(limi_config_take(&taken, &config, test_allocator()), LIMINAL_OK);
    assert_int_equal(test_blocks(), 0);
    participants[16].pid.value = 1;
    assert_int_equal(limi_config_take(&taken, &config, test_allocator()), LIMINAL_EINVAL);
    assert_int_equal(test_blocks(), 0);
}

static void defaults_are_filled_in(void **state)
{
    liminal_config config = sound(NULL, 0), taken;
    liminal_behaviour behaviour;
    (void)state;
    assert_int_equal(limi_config_take(&taken, &config, test_allocator()), LIMINAL_OK);
    assert_int_equal(taken.mailbox_messages, LIMINAL_DEFAULT_MAILBOX_MESSAGES);
    assert_int_equal(taken.mailbox_bytes, LIMINAL_DEFAULT_MAILBOX_BYTES);
    assert_int_equal(taken.log_entries, LIMINAL_DEFAULT_LOG_ENTRIES);
    config.mailbox_messages = 3, config.mailbox_bytes = 4, config.log_entries = 5;
    assert_int_equal(limi_config_take(&taken, &config, test_allocator()), LIMINAL_OK);
    assert_int_equal(taken.mailbox_messages, 3);
    assert_int_equal(taken.mailbox_bytes, 4);
    assert_int_equal(taken.log_entries, 5);

    assert_int_equal(limi_behaviour_take(&behaviour, &echoing, "b"), LIMINAL_OK);
    assert_ptr_equal(behaviour.answer, echo);
    assert_int_equal(behaviour.start(NULL), LIMINAL_OK);
    behaviour.release(NULL);
    assert_int_equal(limi_behaviour_take(&behaviour, NULL, "b"), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "b: NULL");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(sound_configs),
        TEST(sizes),
        TEST(values_outside_their_enum),
        TEST(plain_fields),
        TEST(participants_one_by_one),
        TEST(listed_twice),
        TEST(listed_twice_anywhere),
        TEST(as_many_as_there_may_be),
        TEST(memory_for_a_moment),
        TEST(defaults_are_filled_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

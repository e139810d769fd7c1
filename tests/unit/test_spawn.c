/* SPDX-License-Identifier: MIT */
/* test_spawn.c -- spawns that fail leave nothing behind. */
#define _GNU_SOURCE

#include "supervisor_kit.h"

/* ---- spawns that fail ---- */

typedef struct bad {
    liminal_status status;
    const char *detail; /* a part of it */
    void (*spoil)(liminal_config *config, liminal_participant *participants);
} bad;

#define SPOIL(field, how)                                                \
    static void spoil_##field(liminal_config *c, liminal_participant *p) \
    {                                                                    \
        (void)c;                                                         \
        (void)p;                                                         \
        how;                                                             \
    }
SPOIL(size_zero, c->size = 0)
SPOIL(size_less, c->size -= 1)
SPOIL(size_more, c->size += 8)
SPOIL(policy, c->on_crash = LIMINAL_CRASH_UNSET)
SPOIL(policy_kept, c->on_crash = (liminal_crash_policy)4)
SPOIL(mode, c->mode = (liminal_mode)2)
SPOIL(dispatch, c->dispatch = (liminal_dispatch)2)
SPOIL(overflow, c->overflow = (liminal_overflow)2)
SPOIL(name_empty, c->name = "")
SPOIL(name_bytes, c->name = "\xff\xfe")
SPOIL(name_taken, c->name = "taken")
SPOIL(timeout, c->timeout_ns = -1)
SPOIL(parent, c->parent = &invalid_parent)
SPOIL(list, c->participants = NULL)
SPOIL(count, c->participant_count = 65536)
SPOIL(behaviour, p[1].behaviour = NULL)
SPOIL(answer, p[1].behaviour = &no_answer)
SPOIL(table, p[1].behaviour = &no_size)
SPOIL(table_large, p[1].behaviour = &too_large)
SPOIL(kind, p[1].kind = (liminal_participant_kind)4)
SPOIL(double, p[1].self = p[0].self)
SPOIL(part_name, p[1].name = "")

static void spoil_name_long(liminal_config *c, liminal_participant *p)
{
    static char name[257];
    (void)p;
    memset(name, 'n', 256);
    c->name = name;
}

static void spoil_watched(liminal_config *c, liminal_participant *p)
{
    (void)c;
    p[1] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = {UINT64_MAX}};
}

static void spoil_watched_nobody(liminal_config *c, liminal_participant *p)
{
    (void)c;
    p[1] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED};
}

static const bad bads[] = {
    {LIMINAL_EINVAL, "size", spoil_size_zero},
    {LIMINAL_EINVAL, "size", spoil_size_less},
    {LIMINAL_EINVAL, "size", spoil_size_more},
    {LIMINAL_EINVAL, "on_crash", spoil_policy},
    {LIMINAL_EINVAL, "on_crash", spoil_policy_kept},
    {LIMINAL_EINVAL, "mode", spoil_mode},
    {LIMINAL_EINVAL, "dispatch", spoil_dispatch},
    {LIMINAL_EINVAL, "overflow", spoil_overflow},
    {LIMINAL_EINVAL, "name", spoil_name_empty},
    {LIMINAL_EINVAL, "name", spoil_name_bytes},
    {LIMINAL_EINVAL, "name", spoil_name_long},
    {LIMINAL_EINVAL, "name", spoil_name_taken},
    {LIMINAL_EINVAL, "timeout", spoil_timeout},
    {LIMINAL_EINVAL, "parent", spoil_parent},
    {LIMINAL_EINVAL, "participants", spoil_list},
    {LIMINAL_ELIMIT, "participant", spoil_count},
    {LIMINAL_EINVAL, "behaviour", spoil_behaviour},
    {LIMINAL_EINVAL, "answer", spoil_answer},
    {LIMINAL_EINVAL, "size", spoil_table},
    {LIMINAL_EINVAL, "size", spoil_table_large},
    {LIMINAL_EINVAL, "kind", spoil_kind},
    {LIMINAL_EINVAL, "participants[1]", spoil_double},
    {LIMINAL_EINVAL, "name", spoil_part_name},
    {LIMINAL_ENOPROC, "", spoil_watched},
    {LIMINAL_ENOPROC, "", spoil_watched_nobody},
};

static void test_spawn_of_bad_configs(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *taken = spawn_buffer(supervisor, "taken");
    size_t failed = 0;
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof bads[0]; i++) {
        part p, q;
        liminal_participant participants[2];
        liminal_config config;
        liminal_conversation *out = taken;
        liminal_status status;
        part_init(&p);
        part_init(&q);
        participants[0] = threaded(&p);
        participants[1] = inlined(&q);
        config = config_of(participants, 2);
        bads[i].spoil(&config, participants);
        status = liminal_supervisor_spawn(supervisor, &config, &out);
        if (status != bads[i].status || strstr(liminal_status_detail(), bads[i].detail) == NULL) {
            print_error("bad config %zu: %s, \"%s\" lacks \"%s\"\n", i, liminal_status_name(status),
                        liminal_status_detail(), bads[i].detail);
            failed++;
        }
        assert_ptr_equal(out, taken);
        if (liminal_config_check(&config) != LIMINAL_OK) {
            assert_int_equal(p.starts + q.starts, 0);
        }
        assert_int_equal(p.releases + q.releases, 0);
        test_until(liminal_supervisor_census(supervisor).threads == 1); /* one that had started may be on its way out */
        assert_int_equal(p.answers + q.answers, 0);
    }
    assert_int_equal(failed, 0);
    assert_census(supervisor, 1, 1, 0);
    liminal_conversation_drop(&taken);
    shut(&supervisor);
}

static liminal_status begin_with_exit(part *p)
{
    (void)p;
    return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_CODE, 3});
}

/* Whichever of three does not start: the status is the start's, nobody is released, the name is free. */
static void start_badly(liminal_participant_kind kind, liminal_status (*begin)(part *), liminal_status expected)
{
    liminal_supervisor *supervisor = open_plain();
    for (size_t which = 0; which < 3; which++) {
        part parts[3];
        liminal_participant participants[3];
        liminal_config config = config_of(participants, 3);
        liminal_conversation *out = NULL;
        for (size_t i = 0; i < 3; i++) {
            part_init(&parts[i]);
            parts[i].context = &expected;
            participants[i] = i % 2 == 0 ? threaded(&parts[i]) : inlined(&parts[i]);
        }
        participants[which].kind = kind;
        parts[which].begin = begin;
        config.name = "unborn";
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &out), expected);
        assert_null(out);
        assert_int_equal(parts[which].starts, 1);
        test_until(liminal_supervisor_census(supervisor).threads == 0);
        for (size_t i = 0; i < 3; i++) {
            assert_in_range(parts[i].starts, 0, 1);
            assert_int_equal(parts[i].answers, 0);
            assert_int_equal(parts[i].releases, 0);
        }
        assert_census(supervisor, 0, 0, 0);
        assert_int_equal(liminal_supervisor_find_name(supervisor, "unborn", &out), LIMINAL_ENOPROC);
        out = spawn_buffer(supervisor, "unborn");
        liminal_conversation_drop(&out);
        test_until(liminal_supervisor_census(supervisor).threads == 0);
    }
    shut(&supervisor);
}

static void test_start_fails(void **state)
{
    const liminal_status statuses[] = {LIMINAL_EFAILED, LIMINAL_EINVAL, LIMINAL_EEXIT, LIMINAL_ECLOSED};
    (void)state;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        start_badly(LIMINAL_PARTICIPANT_THREAD, begin_badly, statuses[i]);
        test_threads_begin();
        start_badly(LIMINAL_PARTICIPANT_INLINE, begin_badly, statuses[i]);
        test_threads_begin();
    }
}

static void test_start_exits(void **state)
{
    (void)state;
    start_badly(LIMINAL_PARTICIPANT_THREAD, begin_with_exit, LIMINAL_EEXIT);
    test_threads_begin();
    start_badly(LIMINAL_PARTICIPANT_INLINE, begin_with_exit, LIMINAL_EEXIT);
}

static void test_start_ends_its_thread(void **state)
{
    (void)state;
    start_badly(LIMINAL_PARTICIPANT_THREAD, begin_with_pthread_exit, LIMINAL_EEXIT);
}

/* Allocation and thread creation: each may fail, leaves everything the caller's, and may be tried again. */
static void spawn_until_it_works(void (*refuse)(size_t), liminal_status expected)
{
    liminal_supervisor *supervisor = open_plain();
    part parts[2];
    liminal_participant participants[2];
    liminal_config config = config_of(participants, 2);
    size_t failures = 0;
    liminal_status status;
    liminal_report report;
    part_init(&parts[0]);
    part_init(&parts[1]);
    participants[0] = threaded(&parts[0]);
    participants[1] = inlined(&parts[1]);
    config.name = "again";
    do {
        liminal_conversation *out = NULL;
        refuse(failures + 1);
        status = liminal_supervisor_spawn(supervisor, &config, &out);
        refuse(0);
        if (status != LIMINAL_OK) {
            assert_int_equal(status, expected);
            assert_null(out);
            test_until(liminal_supervisor_census(supervisor).threads == 0);
            assert_int_equal(parts[0].releases + parts[1].releases, 0);
            failures++;
        } else {
            assert_int_equal(ask_text(out, "hello"), LIMINAL_OK);
            liminal_conversation_drop(&out);
        }
    } while (status != LIMINAL_OK);
    assert_in_range(failures, 2, 200);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(parts[0].releases, 1);
    assert_int_equal(parts[1].releases, 1);
    assert_int_equal(test_blocks(), 0);
}

static void test_spawn_without_memory(void **state)
{
    (void)state;
    spawn_until_it_works(test_fail_nth, LIMINAL_ENOMEM);
}

static void test_spawn_without_threads(void **state)
{
    (void)state;
    spawn_until_it_works(test_refuse_threads, LIMINAL_ELIMIT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_spawn_of_bad_configs),
        TEST(test_start_fails),
        TEST(test_start_exits),
        TEST(test_start_ends_its_thread),
        TEST(test_spawn_without_memory),
        TEST(test_spawn_without_threads),
    };
    /* A child must not inherit the harness's lock from a thread that it does not have. */
    if (pthread_atfork(test_lock, test_unlock, test_unlock) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}




/* SPDX-License-Identifier: MIT */
/* test_registry.c -- finding, counting, two supervisors, the library's threads. */
#define _GNU_SOURCE

#include "supervisor_kit.h"

/* ---- finding ---- */

static void test_find(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    part p;
    liminal_conversation *a, *b = NULL, *c = NULL;
    liminal_pid pid;
    (void)state;
    part_init(&p);
    a = spawn_one(supervisor, threaded(&p), "a name");
    pid = liminal_conversation_pid(a);
    assert_true(pid.value != 0);
    assert_true(pid.value != participant_pid(a, 0).value);
    assert_int_equal(liminal_supervisor_find(supervisor, pid, &b), LIMINAL_OK);
    assert_int_equal(liminal_conversation_pid(b).value, pid.value);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "a name", &c), LIMINAL_OK);
    assert_int_equal(liminal_conversation_pid(c).value, pid.value);
    liminal_conversation_drop(&a); /* each handle counts */
    liminal_conversation_drop(&b);
    assert_int_equal(ask_text(c, "hello"), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_find(supervisor, participant_pid(c, 0), &a), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find(supervisor, (liminal_pid){0}, &a), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find(supervisor, (liminal_pid){pid.value + 1000}, &a), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "a nam", &a), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "a name ", &a), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "", &a), LIMINAL_ENOPROC);
    assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_find(supervisor, pid, &a), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "a name", &a), LIMINAL_ENOPROC);
    assert_null(a);
    liminal_conversation_drop(&c);
    shut(&supervisor);
}

/* Once the last handle has gone nobody finds it, though it is still at work and still has its name. */
static void test_find_after_the_last_drop(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    part p;
    liminal_conversation *a, *out = NULL;
    liminal_config config = config_of(NULL, 0);
    liminal_pid pid;
    liminal_exit end;
    liminal_status status;
    (void)state;
    part_init(&p);
    a = spawn_one(supervisor, threaded(&p), "busy");
    pid = liminal_conversation_pid(a);
    assert_int_equal(send_text(a, "wait"), LIMINAL_OK);
    test_gate_wait(&p.entered);
    liminal_conversation_drop(&a);
    assert_int_equal(liminal_supervisor_find(supervisor, pid, &out), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "busy", &out), LIMINAL_ENOPROC);
    assert_int_equal(liminal_supervisor_census(supervisor).conversations, 1);
    config.name = "busy";
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &out), LIMINAL_EINVAL);
    assert_null(out);
    test_gate_open(&p.go);
    status = liminal_process_wait(supervisor, pid, &end, liminal_deadline_never());
    assert_true(status == LIMINAL_OK || status == LIMINAL_ENOPROC); /* it may be forgotten by now */
    out = spawn_buffer(supervisor, "busy");
    liminal_conversation_drop(&out);
    shut(&supervisor);
    assert_int_equal(p.releases, 1);
}

typedef struct name_seen {
    liminal_supervisor *supervisor;
    atomic_int notices;
} name_seen;

/* Case 30: whoever sees the exit may have the name. */
static void take_the_name(void *self, const liminal_exit *end)
{
    name_seen *seen = self;
    liminal_conversation *out = NULL;
    liminal_config config = config_of(NULL, 0);
    (void)end;
    config.name = "heirloom";
    (void)test_check(liminal_supervisor_find_name(seen->supervisor, "heirloom", &out) == LIMINAL_ENOPROC);
    (void)test_check(liminal_supervisor_spawn(seen->supervisor, &config, &out) == LIMINAL_OK);
    liminal_conversation_drop(&out);
    atomic_fetch_add(&seen->notices, 1);
}

static void name_after(bool inline_one, bool by_close)
{
    liminal_supervisor *supervisor = open_plain();
    name_seen seen = {supervisor, 0};
    part p;
    liminal_conversation *a;
    part_init(&p);
    a = spawn_one(supervisor, inline_one ? inlined(&p) : threaded(&p), "heirloom");
    assert_int_equal(liminal_process_notify(supervisor, liminal_conversation_pid(a), take_the_name, &seen, NULL),
                     LIMINAL_OK);
    if (by_close) {
        assert_int_equal(liminal_conversation_close(a, liminal_deadline_never()), LIMINAL_OK);
    } else {
        assert_int_equal(ask_text(a, "fail"), LIMINAL_EEXIT);
    }
    test_until(seen.notices == 1);
    liminal_conversation_drop(&a);
    shut(&supervisor);
    assert_int_equal(p.releases, 1);
    test_threads_begin();
}

static void test_name_is_free_when_the_exit_is_seen(void **state)
{
    (void)state;
    name_after(false, false);
    name_after(false, true);
    name_after(true, false);
    name_after(true, true);
}

static void test_name_is_free_when_the_caller_knows(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *a, *b;
    part p;
    (void)state;
    part_init(&p);
    for (int i = 0; i < 50; i++) {
        a = spawn_one(supervisor, threaded(&p), "shared");
        assert_int_equal(ask_text(a, "fail"), LIMINAL_EEXIT);
        b = spawn_one(supervisor, threaded(&p), "shared"); /* `a` is still held */
        assert_int_equal(liminal_conversation_close(b, liminal_deadline_never()), LIMINAL_OK);
        liminal_conversation_drop(&a);
        liminal_conversation_drop(&b);
    }
    shut(&supervisor);
    assert_int_equal(p.releases, 100);
}

static void test_longest_name(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *a, *b = NULL;
    char name[LIMINAL_NAME_BYTES + 1];
    (void)state;
    memset(name, 'x', LIMINAL_NAME_BYTES);
    name[LIMINAL_NAME_BYTES] = '\0';
    a = spawn_buffer(supervisor, name);
    assert_int_equal(liminal_supervisor_find_name(supervisor, name, &b), LIMINAL_OK);
    liminal_conversation_drop(&a);
    liminal_conversation_drop(&b);
    shut(&supervisor);
}

/* ---- census ---- */

static void test_census(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *buffer, *two, *watcher = NULL;
    liminal_participant participants[2], watched;
    liminal_config config;
    part p, q;
    (void)state;
    part_init(&p);
    part_init(&q);
    assert_census(supervisor, 0, 0, 0);
    buffer = spawn_buffer(supervisor, NULL);
    assert_census(supervisor, 1, 1, 0);
    participants[0] = threaded(&p);
    participants[1] = inlined(&q);
    config = config_of(participants, 2);
    two = NULL;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &two), LIMINAL_OK);
    assert_census(supervisor, 2, 3, 2);
    watched = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = liminal_conversation_pid(buffer)};
    config = config_of(&watched, 1);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &watcher), LIMINAL_OK);
    assert_census(supervisor, 3, 4, 2);
    assert_int_equal(ask_text(two, "fail"), LIMINAL_EEXIT);
    assert_int_equal(liminal_supervisor_census(supervisor).conversations, 2);
    test_until(liminal_supervisor_census(supervisor).participants == 0);
    test_until(liminal_supervisor_census(supervisor).threads == 2);
    assert_int_equal(liminal_conversation_close(watcher, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_census(supervisor).conversations, 1);
    assert_int_equal(liminal_conversation_close(buffer, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_census(supervisor).conversations, 0);
    test_until(liminal_supervisor_census(supervisor).threads == 0);
    liminal_conversation_drop(&buffer);
    liminal_conversation_drop(&two);
    liminal_conversation_drop(&watcher);
    shut(&supervisor);
}

/* ---- two at once ---- */

static liminal_status shut_the_other(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    (void)test_check(liminal_supervisor_shutdown(p->context, NULL, liminal_deadline_never()) == LIMINAL_OK);
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void test_two_supervisors(void **state)
{
    liminal_supervisor *a = open_plain(), *b = open_limited(1, 2);
    liminal_conversation *in_a, *in_b, *found = NULL;
    part p, q;
    (void)state;
    part_init(&p);
    part_init(&q);
    q.act = shut_the_other;
    q.context = &a;
    in_a = spawn_one(a, threaded(&p), "same");
    in_b = spawn_one(b, threaded(&q), "same");
    assert_census(a, 1, 2, 1);
    assert_census(b, 1, 2, 1);
    assert_int_equal(liminal_supervisor_find_name(a, "same", &found), LIMINAL_OK);
    assert_int_equal(ask_text(found, "hello"), LIMINAL_OK);
    assert_int_equal(p.answers, 1);
    liminal_conversation_drop(&found);
    liminal_conversation_drop(&in_a);
    assert_int_equal(ask_text(in_b, "go"), LIMINAL_OK); /* inside a callback of b, a may be shut */
    assert_null(a);
    assert_int_equal(p.releases, 1);
    assert_int_equal(q.releases, 0);
    assert_int_equal(liminal_supervisor_find_name(b, "same", &found), LIMINAL_OK);
    liminal_conversation_drop(&found);
    liminal_conversation_drop(&in_b);
    assert_int_equal(liminal_supervisor_shutdown(&b, NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(q.releases, 1);
    assert_int_equal(test_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_find),
        TEST(test_find_after_the_last_drop),
        TEST(test_name_is_free_when_the_exit_is_seen),
        TEST(test_name_is_free_when_the_caller_knows),
        TEST(test_longest_name),
        TEST(test_census),
        TEST(test_two_supervisors),
    };
    /* A child must not inherit the harness's lock from a thread that it does not have. */
    if (pthread_atfork(test_lock, test_unlock, test_unlock) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_ask_pattern.c -- the ask pattern in one call. */
#define _GNU_SOURCE

#include "supervisor_kit.h"

/* ---- the ask pattern ------------------------------------------------------------------------- */

static liminal_status note_deadline(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    *(liminal_deadline *)p->context = liminal_deadline_current();
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void test_ask_deadlines(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *request = say("hello"), *reply = NULL;
    liminal_deadline seen = {0}, least, most, own;
    part p;
    (void)state;
    part_init(&p);
    p.act = note_deadline;
    p.context = &seen;
    least = liminal_deadline_in_ms(LIMINAL_DEFAULT_ASK_MS);
    assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &p, &request, &reply), LIMINAL_OK);
    most = liminal_deadline_in_ms(LIMINAL_DEFAULT_ASK_MS);
    assert_null(request);
    assert_string_equal(liminal_envelope_text(reply), "hello");
    assert_true(seen.ns >= least.ns && seen.ns <= most.ns);
    liminal_envelope_drop(&reply);

    request = say("hello");
    own = liminal_deadline_in_ms(600000);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, &parting, &p, &request, &reply, own), LIMINAL_OK);
    assert_int_equal(seen.ns, own.ns);
    liminal_envelope_drop(&reply);

    request = say("hello");
    own = liminal_deadline_never();
    assert_int_equal(liminal_supervisor_ask_until(supervisor, &parting, &p, &request, &reply, own), LIMINAL_OK);
    assert_int_equal(liminal_deadline_remaining_ns(seen), INT64_MAX);
    liminal_envelope_drop(&reply);

    options.deadline = liminal_deadline_in_ms(300000); /* the envelope's own is the earlier one */
    assert_int_equal(liminal_envelope_create("hello", 5, &options, &request), LIMINAL_OK);
    own = liminal_deadline_in_ms(600000);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, &parting, &p, &request, &reply, own), LIMINAL_OK);
    assert_int_equal(seen.ns, options.deadline.ns);
    liminal_envelope_drop(&reply);
    assert_int_equal(p.starts, 4);
    assert_int_equal(p.answers, 4);
    shut(&supervisor);
    assert_int_equal(p.releases, 4);
    assert_int_equal(liminal_deadline_remaining_ns(liminal_deadline_current()), INT64_MAX);
}

/* An outcome that is not a reply, of a participant that was started and took the request. */
static void ask_ends(const char *text, liminal_status expected)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_envelope *request = say(text), *reply = NULL;
    part p;
    part_init(&p);
    assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &p, &request, &reply), expected);
    assert_null(request);
    assert_null(reply);
    assert_int_equal(p.answers, 1);
    request = say(text);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, &parting, &p, &request, &reply, liminal_deadline_never()),
                     expected);
    assert_null(request);
    assert_null(reply);
    shut(&supervisor);
    assert_int_equal(p.releases, 2);
    test_threads_begin();
}

static void test_ask_without_a_reply(void **state)
{
    (void)state;
    ask_ends("silent", LIMINAL_ECANCELED);
    ask_ends("fail", LIMINAL_EEXIT);
}

/* Failures before anything is asked: the request is the caller's; `self` has been released all the same,
 * but for EINVAL. */
static void refused_ask(liminal_supervisor *supervisor, part *p, const liminal_behaviour *behaviour,
                        liminal_status expected)
{
    liminal_envelope *request = say("hello"), *reply = NULL;
    int releases = p->releases;
    assert_int_equal(liminal_supervisor_ask(supervisor, behaviour, p, &request, &reply), expected);
    assert_non_null(request);
    assert_null(reply);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, behaviour, p, &request, &reply, liminal_deadline_never()),
                     expected);
    assert_non_null(request);
    assert_null(reply);
    assert_string_equal(liminal_envelope_text(request), "hello");
    assert_int_equal(p->answers, 0);
    test_until(p->releases == releases + (expected == LIMINAL_EINVAL ? 0 : 2)); /* at the latest by its thread */
    liminal_envelope_drop(&request);
}

static void test_ask_refused(void **state)
{
    liminal_supervisor *supervisor = open_limited(1, 0);
    liminal_conversation *only = spawn_buffer(supervisor, NULL);
    liminal_status failed = LIMINAL_EFULL;
    part p;
    (void)state;
    part_init(&p);
    refused_ask(supervisor, &p, &parting, LIMINAL_ELIMIT);
    liminal_conversation_drop(&only);
    test_until(liminal_supervisor_census(supervisor).conversations == 0);
    refused_ask(supervisor, &p, &no_answer, LIMINAL_EINVAL);
    refused_ask(supervisor, &p, &no_size, LIMINAL_EINVAL);
    refused_ask(supervisor, &p, &too_large, LIMINAL_EINVAL);
    assert_int_equal(p.starts, 0);
    p.begin = begin_badly;
    p.context = &failed;
    refused_ask(supervisor, &p, &parting, LIMINAL_EFULL);
    p.begin = begin_with_pthread_exit;
    refused_ask(supervisor, &p, &parting, LIMINAL_EEXIT);
    assert_int_equal(p.starts, 4);
    shut(&supervisor);
    assert_int_equal(p.releases, 2 + 2 + 2);
}

static void test_ask_without_threads(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_report report;
    part p;
    (void)state;
    part_init(&p);
    test_refuse_all_threads(true);
    refused_ask(supervisor, &p, &parting, LIMINAL_ELIMIT);
    test_refuse_all_threads(false);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(report.threads, 0);
    assert_int_equal(p.releases, 2);
}

/* Whatever allocation fails: a request that is not NULL is ours, and was not begun; `self` never is. */
static void test_ask_without_memory(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_status status;
    size_t failures = 0;
    part p;
    (void)state;
    part_init(&p);
    do {
        liminal_envelope *request = say("hello"), *reply = NULL;
        int answers = p.answers;
        test_fail_nth(failures + 1);
        status = liminal_supervisor_ask_until(supervisor, &parting, &p, &request, &reply, liminal_deadline_never());
        test_fail_nth(0);
        if (status != LIMINAL_OK) {
            assert_int_equal(status, LIMINAL_ENOMEM);
            assert_non_null(request);
            assert_null(reply);
            assert_int_equal(p.answers, answers);
            failures++;
        } else {
            assert_null(request);
            assert_non_null(reply);
            assert_int_equal(p.answers, answers + 1);
        }
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
        test_until(liminal_supervisor_census(supervisor).threads == 0);
    } while (status != LIMINAL_OK);
    assert_in_range(failures, 2, 200);
    shut(&supervisor);
    assert_int_equal(p.releases, failures + 1);
}

static void test_ask_passed_deadline(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_envelope *request = say("hello"), *reply = NULL;
    part p;
    (void)state;
    part_init(&p);
    assert_int_equal(
        liminal_supervisor_ask_until(supervisor, &parting, &p, &request, &reply, liminal_deadline_passed()),
        LIMINAL_ETIMEDOUT);
    assert_non_null(request); /* withdrawn */
    assert_null(reply);
    liminal_envelope_drop(&request);
    shut(&supervisor);
    assert_int_equal(p.answers, 0);
    assert_int_equal(p.releases, 1);
}

/* The asker goes at its deadline, whatever the behaviour does; the request was taken if it was begun. */
static void test_ask_does_not_wait_for_the_behaviour(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_envelope *request = say("wait"), *reply = NULL;
    part p;
    (void)state;
    part_init(&p);
    assert_int_equal(
        liminal_supervisor_ask_until(supervisor, &parting, &p, &request, &reply, liminal_deadline_in_ms(200)),
        LIMINAL_ETIMEDOUT);
    assert_null(reply);
    test_gate_open(&p.go);
    shut(&supervisor);
    assert_int_equal(p.answers, request == NULL ? 1 : 0);
    assert_int_equal(p.releases, 1);
    liminal_envelope_drop(&request);
}

static liminal_status ask_in_turn(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    liminal_envelope *inner = liminal_envelope_ref(request);
    return liminal_supervisor_ask(p->context, liminal_behaviour_echo(), NULL, &inner, out);
}

static void test_ask_inside_a_behaviour(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_envelope *request = say("deep"), *reply = NULL;
    part p;
    (void)state;
    part_init(&p);
    p.act = ask_in_turn;
    p.context = supervisor;
    assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &p, &request, &reply), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "deep");
    liminal_envelope_drop(&reply);
    shut(&supervisor);
    assert_int_equal(p.releases, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_ask_deadlines),
        TEST(test_ask_without_a_reply),
        TEST(test_ask_refused),
        TEST(test_ask_without_threads),
        TEST(test_ask_without_memory),
        TEST(test_ask_passed_deadline),
        TEST(test_ask_does_not_wait_for_the_behaviour),
        TEST(test_ask_inside_a_behaviour),
    };
    /* A child must not inherit the harness's lock from a thread that it does not have. */
    if (pthread_atfork(test_lock, test_unlock, test_unlock) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

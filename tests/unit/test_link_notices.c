/* SPDX-License-Identifier: MIT */
/* test_link_notices.c -- exit notices of those who are killed, and what a notice may do; the numbers are those of the
 * list of cases. Other notices are in test_notice_fires.c and test_notice_ends.c. */
#include "link_ear_kit.h"

/* ---- 36: before, during, after ---- */

static void listen_again(ear *e, const liminal_exit *exit)
{
    listen_to(e->next, exit->pid);
    (void)test_check(e->next->count == 1); /* at once, inside this one */
}

static void case_36_before_during_and_after_the_death(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread killer;
        ear before, within, beside, after, last;
        being b;
        be(&b, supervisor, both[k], &plain);
        ear_init(&before, supervisor);
        ear_init(&within, supervisor);
        ear_init(&beside, supervisor);
        ear_init(&after, supervisor);
        ear_init(&last, supervisor);
        before.slow = true;
        before.act = listen_again;
        before.next = &within;
        listen_to(&before, b.pid);
        listen_to(&last, b.pid);
        test_thread_start(&killer, kill_there, &b);
        test_gate_wait(&before.inside);
        assert_int_equal(last.count, 0);
        listen_to(&beside, b.pid); /* while another thread is in the middle of the notices */
        assert_heard(&beside, &b);
        assert_true(pthread_equal(beside.thread, pthread_self()));
        assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK); /* too late */
        test_gate_open(&before.go);
        test_thread_join(&killer);
        listen_to(&after, b.pid);
        assert_dies(&b, killed);
        assert_heard(&before, &b);
        assert_heard(&within, &b);
        assert_heard(&after, &b);
        assert_heard(&last, &b);
        assert_true(pthread_equal(within.thread, before.thread));
        liminal_notice_drop(&before.notice);
        liminal_notice_drop(&within.notice);
        liminal_notice_drop(&beside.notice);
        liminal_notice_drop(&after.notice);
        liminal_notice_drop(&last.notice);
        leave(&b);
        shut(&supervisor);
        assert_int_equal(before.count + within.count + beside.count + after.count + last.count, 5);
    }
}

/* ---- 37: cancelled ---- */

static void case_37_a_cancelled_notice_never_fires(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        ear first, cancelled, last;
        being b;
        be(&b, supervisor, both[k], &plain);
        ear_init(&first, supervisor);
        ear_init(&cancelled, supervisor);
        ear_init(&last, supervisor);
        listen_to(&first, b.pid);
        listen_to(&cancelled, b.pid);
        listen_to(&last, b.pid);
        assert_int_equal(liminal_notice_cancel(&cancelled.notice, liminal_deadline_passed()), LIMINAL_OK);
        assert_null(cancelled.notice);
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        assert_heard(&first, &b);
        assert_heard(&last, &b);
        assert_int_equal(cancelled.count, 0);
        liminal_notice_drop(&first.notice);
        liminal_notice_drop(&last.notice);
        leave(&b);
        shut(&supervisor);
        assert_int_equal(cancelled.count, 0);
    }
}

/* It is running, on the thread that kills. */
static void case_37_a_cancel_waits_for_one_that_runs(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread killer;
        ear e, never;
        being b;
        be(&b, supervisor, both[k], &plain);
        ear_init(&e, supervisor);
        ear_init(&never, supervisor);
        e.slow = true;
        listen_to(&e, b.pid);
        listen_to(&never, b.pid);
        test_thread_start(&killer, kill_there, &b);
        test_gate_wait(&e.inside);
        assert_int_equal(liminal_notice_cancel(&e.notice, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
        assert_int_equal(liminal_notice_cancel(&e.notice, liminal_deadline_in_ms(5)), LIMINAL_ETIMEDOUT);
        assert_non_null(e.notice);
        assert_int_equal(liminal_notice_cancel(&never.notice, liminal_deadline_passed()), LIMINAL_OK); /* not yet */
        test_gate_open(&e.go);
        assert_int_equal(liminal_notice_cancel(&e.notice, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(e.count, 1);
        assert_null(e.notice);
        test_thread_join(&killer);
        leave(&b);
        shut(&supervisor);
        assert_int_equal(e.count, 1);
        assert_int_equal(never.count, 0);
    }
}

/* ---- 38: many, while it dies ---- */

enum { HEARERS = 100, LISTENERS = 4 };

typedef struct crowd {
    being *target;
    ear *ears; /* every LISTENERS-th from this one */
    test_gate *ready, *go;
} crowd;

static void listen_with_many(void *argument)
{
    crowd *c = argument;
    test_gate_open(c->ready);
    test_gate_wait(c->go);
    for (size_t i = 0; i < HEARERS; i += LISTENERS) {
        listen_to(&c->ears[i], c->target->pid);
        liminal_notice_drop(&c->ears[i].notice);
    }
}

static void case_38_all_of_100_notices_fire(void **state)
{
    static ear ears[HEARERS];
    enum { ROUNDS = 60 };
    size_t by_killer = 0, by_listener = 0;
    (void)state;
    for (int round = 0; round < ROUNDS || (round < 2000 && (by_killer == 0 || by_listener == 0)); round++) {
        liminal_supervisor *supervisor = open_plain();
        test_gate ready = TEST_GATE_INIT, go = TEST_GATE_INIT;
        test_thread threads[LISTENERS];
        crowd crowds[LISTENERS];
        being b;
        be(&b, supervisor, both[round % 2], &plain);
        for (size_t i = 0; i < HEARERS; i++) {
            ear_init(&ears[i], supervisor);
        }
        for (size_t i = 0; i < LISTENERS; i++) {
            crowds[i] = (crowd){&b, &ears[i], &ready, &go};
            test_thread_start(&threads[i], listen_with_many, &crowds[i]);
            test_gate_wait(&ready);
        }
        for (size_t i = 0; i < LISTENERS; i++) {
            test_gate_open(&go);
        }
        for (volatile int spin = 0; spin < round * 200; spin++) {
        }
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        for (size_t i = 0; i < LISTENERS; i++) {
            test_thread_join(&threads[i]);
        }
        leave(&b);
        shut(&supervisor);
        for (size_t i = 0; i < HEARERS; i++) {
            assert_heard(&ears[i], &b);
            *(pthread_equal(ears[i].thread, pthread_self()) ? &by_killer : &by_listener) += 1;
        }
    }
    assert_true(by_killer > 0);
    assert_true(by_listener > 0);
}

/* ---- what a notice may do ---- */

static void link_those_two(ear *e, const liminal_exit *exit)
{
    (void)test_check(link_to(e->target, e->other) == LIMINAL_OK);
    (void)test_check(are_linked(e->target, e->other));
    (void)test_check(liminal_process_link(e->supervisor, e->target->pid, exit->pid) == LIMINAL_OK); /* it traps */
    (void)test_check(liminal_process_link(e->supervisor, e->other->pid, exit->pid) == LIMINAL_ENOPROC);
}

static void a_notice_may_link(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, target, other;
        ear e;
        be(&b, supervisor, both[k], &plain);
        be(&target, supervisor, both[k], &trapper);
        be(&other, supervisor, both[k], &plain);
        ear_init(&e, supervisor);
        e.act = link_those_two;
        e.target = &target;
        e.other = &other;
        listen_to(&e, b.pid);
        liminal_notice_drop(&e.notice);
        exits(&b, boom);
        test_until(e.count == 1);
        assert_told(&target, b.pid, noproc);
        exits(&other, bang);
        assert_told_after(&target, 1, other.pid, bang);
        leave(&b);
        leave(&target);
        leave(&other);
        shut(&supervisor);
        assert_int_equal(e.count, 1);
    }
}

static void a_notice_may_kill(void **state)
{
    (void)state;
    for (size_t k = 0; k < 4; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, target, linked, trapping, other;
        ear e;
        be(&b, supervisor, both[k % 2], &plain);
        be(&target, supervisor, both[k / 2], &plain);
        be(&linked, supervisor, both[k % 2], &plain);
        be(&trapping, supervisor, both[k / 2], &trapper);
        be(&other, supervisor, both[k / 2], &plain);
        assert_int_equal(link_to(&target, &linked), LIMINAL_OK);
        assert_int_equal(link_to(&linked, &trapping), LIMINAL_OK);
        ear_init(&e, supervisor);
        e.act = kill_the_target;
        e.target = &target;
        e.other = &other;
        listen_to(&e, b.pid);
        liminal_notice_drop(&e.notice);
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        assert_int_equal(e.count, 1);
        assert_int_equal(linked.deaths, 1); /* all of it before the outermost call returned */
        assert_dies(&target, killed);
        assert_dies(&linked, killed);
        assert_dies(&other, bang);
        assert_told(&trapping, linked.pid, killed);
        leave(&b);
        leave(&target);
        leave(&linked);
        leave(&trapping);
        leave(&other);
        shut(&supervisor);
    }
}

static void drop_the_handle(ear *e, const liminal_exit *exit)
{
    (void)exit;
    liminal_conversation_drop(e->handle);
}

/* Its own last handle, and that of another one. */
static void a_notice_may_drop(void **state)
{
    (void)state;
    for (size_t k = 0; k < 8; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, other;
        ear e;
        be(&b, supervisor, both[k % 2], &plain);
        be(&other, supervisor, both[k / 4], &trapper);
        assert_int_equal(link_to(&other, &b), LIMINAL_OK);
        ear_init(&e, supervisor);
        e.act = drop_the_handle;
        e.handle = k / 2 % 2 ? &b.conversation : &other.conversation;
        listen_to(&e, b.pid);
        liminal_notice_drop(&e.notice);
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        assert_int_equal(e.count, 1);
        assert_null(*e.handle);
        if (other.conversation != NULL) {
            assert_told(&other, b.pid, killed);
        }
        leave(&b);
        leave(&other);
        shut(&supervisor);
        assert_int_equal(b.releases, 1);
        assert_int_equal(other.releases, 1);
    }
}

static void close_the_handle(ear *e, const liminal_exit *exit)
{
    (void)exit;
    (void)test_check(liminal_conversation_close(*e->handle, liminal_deadline_never()) == LIMINAL_OK);
}

static void a_notice_may_close(void **state)
{
    (void)state;
    for (size_t k = 0; k < 8; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_exit end;
        being b, other;
        ear e;
        be(&b, supervisor, both[k % 2], &plain);
        be(&other, supervisor, both[k / 4], &plain);
        ear_init(&e, supervisor);
        e.act = close_the_handle;
        e.handle = k / 2 % 2 ? &b.conversation : &other.conversation;
        listen_to(&e, b.pid);
        liminal_notice_drop(&e.notice);
        exits(&b, boom);
        test_until(e.count == 1);
        if (k / 2 % 2 == 0) {
            assert_int_equal(liminal_process_wait(supervisor, other.pid, &end, liminal_deadline_never()), LIMINAL_OK);
            assert_int_equal(end.reason.kind, LIMINAL_EXIT_NORMAL);
        }
        leave(&b);
        leave(&other);
        shut(&supervisor);
        assert_int_equal(e.count, 1);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(case_36_before_during_and_after_the_death),
        TEST(case_37_a_cancelled_notice_never_fires),
        TEST(case_37_a_cancel_waits_for_one_that_runs),
        TEST(case_38_all_of_100_notices_fire),
        TEST(a_notice_may_link),
        TEST(a_notice_may_kill),
        TEST(a_notice_may_drop),
        TEST(a_notice_may_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

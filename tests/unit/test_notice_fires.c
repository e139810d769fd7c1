/* SPDX-License-Identifier: MIT */
/* test_notice_fires.c -- a notice before, during and after the death; waiting for an exit. */
#include "notice_kit.h"

/* ---- before, after ---- */

static void test_before_and_after_the_death(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        seen before = seen_by(supervisor), after = seen_by(supervisor), again = seen_by(supervisor);
        liminal_time wall, wall_after;
        int64_t mono, mono_after;
        liminal_exit end;
        part p;
        liminal_conversation *c = spawn(&p, supervisor, both[k]);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &before, &before.notice), LIMINAL_OK);
        assert_non_null(before.notice);
        assert_int_equal(ask(c, "hello"), LIMINAL_OK);
        assert_int_equal(before.count, 0);
        wall = liminal_time_now();
        mono = test_now_ns();
        assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
        wall_after = liminal_time_now();
        mono_after = test_now_ns();
        test_gate_wait(&before.told);
        assert_int_equal(before.count, 1);
        assert_exit(&before.end, p.pid, code_3);
        assert_in_range(before.end.seen.unix_ns, wall.unix_ns, wall_after.unix_ns);
        assert_in_range(before.end.seen_ns.ns, mono, mono_after);
        assert_int_equal(recorded(c).seen.unix_ns, before.end.seen.unix_ns);
        if (both[k] == LIMINAL_PARTICIPANT_THREAD) { /* it is told on the thread that it ended on */
            assert_true(pthread_equal(before.thread, p.thread));
        }
        /* After it: before the call returns, on the calling thread, and the very same. */
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &after, &after.notice), LIMINAL_OK);
        assert_int_equal(after.count, 1);
        assert_true(pthread_equal(after.thread, pthread_self()));
        assert_same_exit(&after.end, &before.end);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &again, NULL), LIMINAL_OK);
        assert_int_equal(again.count, 1);
        assert_same_exit(&again.end, &before.end);
        memset(&end, 0x5a, sizeof end);
        assert_int_equal(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_passed()), LIMINAL_OK);
        assert_same_exit(&end, &before.end);

        assert_non_null(after.notice);
        assert_int_equal(liminal_notice_cancel(&before.notice, liminal_deadline_never()), LIMINAL_OK);
        assert_null(before.notice); /* released, for it has fired */
        liminal_notice_drop(&after.notice);
        assert_null(after.notice);
        liminal_conversation_drop(&c);
        shut(&supervisor);
        assert_int_equal(before.count, 1);
        assert_int_equal(after.count, 1);
        assert_int_equal(again.count, 1);
    }
}

/* Of many reasons the first one is told. */
static liminal_status exit_over_and_over(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self;
    (void)request;
    (void)out;
    (void)test_check(liminal_process_exit(code_3) == LIMINAL_EEXIT);
    (void)test_check(liminal_process_exit(normal) == LIMINAL_EEXIT);
    return LIMINAL_EFAILED;
}

static void test_first_reason_is_told(void **state)
{
    const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = exit_over_and_over};
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *c = NULL;
    liminal_exit end;
    (void)state;
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, &behaviour, NULL, LIMINAL_CRASH_FAIL, &c),
                     LIMINAL_OK);
    assert_int_equal(ask(c, "go"), LIMINAL_EEXIT);
    assert_int_equal(liminal_process_wait(supervisor, recorded(c).pid, &end, liminal_deadline_never()), LIMINAL_OK);
    assert_exit(&end, recorded(c).pid, code_3);
    liminal_conversation_drop(&c);
    shut(&supervisor);
}

/* ---- during ---- */

typedef struct crowd {
    liminal_supervisor *supervisor;
    liminal_pid pid;
    seen *each;
    size_t count;
    test_gate *begun; /* opened after the first quarter */
} crowd;

static void register_many(void *argument)
{
    crowd *c = argument;
    for (size_t i = 0; i < c->count; i++) {
        (void)test_check(liminal_process_notify(c->supervisor, c->pid, note, &c->each[i],
                                                i % 2 == 0 ? &c->each[i].notice : NULL) == LIMINAL_OK);
        if (i == c->count / 4) {
            test_gate_open(c->begun);
        }
    }
}

/* Case 38: 100 are registered by four threads while the target dies; 100 are told, the same. Over all
 * rounds some came before the death and some after it. */
static void test_a_hundred_while_it_dies(void **state)
{
    enum { THREADS = 4, EACH = 25, ALL = THREADS * EACH, ROUNDS = 30 };
    static seen all[ALL];
    size_t told_here = 0, told_there = 0;
    (void)state;
    for (int round = 0; round < ROUNDS; round++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread threads[THREADS];
        crowd crowds[THREADS];
        test_gate begun = TEST_GATE_INIT;
        part p;
        liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
        assert_int_equal(tell(c, "wait"), LIMINAL_OK);
        test_gate_wait(&p.entered);
        for (size_t i = 0; i < ALL; i++) {
            all[i] = seen_by(supervisor);
        }
        for (size_t t = 0; t < THREADS; t++) {
            crowds[t] = (crowd){supervisor, p.pid, &all[t * EACH], EACH, &begun};
            test_thread_start(&threads[t], register_many, &crowds[t]);
        }
        test_gate_wait(&begun);
        test_gate_open(&p.go);
        for (size_t t = 0; t < THREADS; t++) {
            test_thread_join(&threads[t]);
        }
        for (size_t i = 0; i < ALL; i++) {
            test_gate_wait(&all[i].told);
            assert_exit(&all[i].end, p.pid, code_3);
            assert_same_exit(&all[i].end, &all[0].end);
            *(pthread_equal(all[i].thread, p.thread) ? &told_there : &told_here) += 1;
        }
        liminal_conversation_drop(&c);
        for (size_t i = 0; i < ALL; i++) {
            liminal_notice_drop(&all[i].notice);
        }
        shut(&supervisor);
        for (size_t i = 0; i < ALL; i++) {
            assert_int_equal(all[i].count, 1);
        }
    }
    assert_int_equal(told_here + told_there, (size_t)ALL * ROUNDS);
    assert_true(told_there > 0);
}

static void test_registered_during_the_death(void **state)
{
    enum { ROUNDS = 100 };
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        meeting m = {supervisor, NULL, TEST_GATE_INIT, TEST_GATE_INIT};
        seen s = seen_by(supervisor);
        test_thread asker;
        liminal_exit end;
        part p;
        m.conversation = spawn(&p, supervisor, both[i % 2]);
        test_thread_start(&asker, ask_to_exit, &m);
        test_gate_wait(&m.ready);
        test_gate_open(&m.go);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &s, NULL), LIMINAL_OK);
        assert_int_equal(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_never()), LIMINAL_OK);
        test_gate_wait(&s.told);
        test_thread_join(&asker);
        assert_same_exit(&end, &s.end);
        assert_exit(&end, p.pid, code_3);
        liminal_conversation_drop(&m.conversation);
        test_until(p.releases == 1);
        assert_int_equal(s.count, 1);
    }
    shut(&supervisor);
}

/* ---- what can't be ---- */

static void test_wrong_arguments(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    seen s = seen_by(supervisor);
    liminal_exit end = {.pid = {77}};
    liminal_notice *out = NULL;
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    liminal_pid stranger = {p.pid.value + 1000};
    liminal_deadline never = liminal_deadline_never();
    (void)state;
    assert_int_equal(liminal_process_notify(NULL, p.pid, note, &s, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_notify(supervisor, p.pid, NULL, &s, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_notify(supervisor, stranger, note, &s, &out), LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_notify(supervisor, (liminal_pid){0}, note, &s, &out), LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_wait(NULL, p.pid, &end, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_wait(supervisor, p.pid, NULL, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_wait(supervisor, stranger, &end, never), LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_wait(supervisor, (liminal_pid){0}, &end, never), LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_in_ms(2)), LIMINAL_ETIMEDOUT);
    assert_int_equal(end.pid.value, 77); /* untouched */
    assert_null(out);
    assert_int_equal(liminal_notice_cancel(NULL, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_notice_cancel(&out, never), LIMINAL_OK);
    liminal_notice_drop(&out);
    liminal_notice_drop(NULL);
    assert_int_equal(ask(c, "hello"), LIMINAL_OK); /* it lives on */
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_int_equal(s.count, 0);
}

static void test_without_memory(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    seen s = seen_by(supervisor);
    liminal_exit end;
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    liminal_status status = LIMINAL_ENOMEM;
    size_t failures = 0;
    (void)state;
    while (status != LIMINAL_OK) {
        test_fail_nth(failures + 1);
        status = liminal_process_notify(supervisor, p.pid, note, &s, &s.notice);
        test_fail_nth(0);
        if (status != LIMINAL_OK) {
            assert_int_equal(status, LIMINAL_ENOMEM);
            assert_null(s.notice);
            failures++;
        }
    }
    assert_in_range(failures, 1, 10);
    test_fail_nth(1);
    assert_int_equal(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_never()), LIMINAL_ENOMEM);
    test_fail_nth(0);
    assert_int_equal(s.count, 0);
    assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
    test_gate_wait(&s.told);
    liminal_notice_drop(&s.notice);
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_int_equal(s.count, 1); /* those that failed were never there */
}

/* A process is remembered as long as its conversation is. */
static void test_forgotten_with_its_conversation(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_exit end;
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    liminal_pid actor = liminal_conversation_pid(c);
    (void)state;
    assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
    test_until(p.releases == 1);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(liminal_process_wait(supervisor, actor, &end, liminal_deadline_never()), LIMINAL_OK);
    }
    liminal_conversation_drop(&c);
    test_until(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_never()) == LIMINAL_ENOPROC);
    test_until(liminal_process_wait(supervisor, actor, &end, liminal_deadline_never()) == LIMINAL_ENOPROC);
    shut(&supervisor);
}

/* ---- waiting ---- */

typedef struct waiting {
    liminal_supervisor *supervisor;
    liminal_pid pid;
    liminal_exit end;
    liminal_status status;
    test_gate begun;
} waiting;

static void wait_there(void *argument)
{
    waiting *w = argument;
    test_gate_open(&w->begun);
    w->status = liminal_process_wait(w->supervisor, w->pid, &w->end, liminal_deadline_never());
}

static void test_many_wait(void **state)
{
    enum { MANY = 8 };
    liminal_supervisor *supervisor = open_plain();
    test_thread threads[MANY];
    waiting w[MANY];
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    (void)state;
    assert_int_equal(tell(c, "wait"), LIMINAL_OK);
    test_gate_wait(&p.entered);
    for (size_t i = 0; i < MANY; i++) {
        w[i] = (waiting){.supervisor = supervisor, .pid = i % 2 == 0 ? p.pid : liminal_conversation_pid(c)};
        test_gate_init(&w[i].begun);
        test_thread_start(&threads[i], wait_there, &w[i]);
    }
    for (size_t i = 0; i < MANY; i++) {
        test_gate_wait(&w[i].begun);
    }
    test_gate_open(&p.go);
    for (size_t i = 0; i < MANY; i++) {
        test_thread_join(&threads[i]);
        assert_int_equal(w[i].status, LIMINAL_OK);
        assert_int_equal(w[i].end.pid.value, w[i].pid.value);
        assert_same_exit(&w[i].end, &w[i % 2].end);
    }
    assert_exit(&w[0].end, p.pid, code_3);
    liminal_conversation_drop(&c);
    shut(&supervisor);
}

/* Waiting for oneself is refused at once; for another it is not, nor for one that has gone. */
static void test_waiting_for_oneself(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        part p, q;
        liminal_conversation *c = spawn(&p, supervisor, both[k]), *d = spawn(&q, supervisor, both[k]);
        p.target = p.pid;
        assert_int_equal(ask(c, "wait for"), LIMINAL_OK);
        assert_int_equal(p.waited, LIMINAL_EDEADLK);
        if (both[k] == LIMINAL_PARTICIPANT_INLINE) { /* which is inside the turn of the actor */
            p.target = liminal_conversation_pid(c);
            assert_int_equal(ask(c, "wait for"), LIMINAL_OK);
            assert_int_equal(p.waited, LIMINAL_EDEADLK);
        }
        assert_int_equal(ask(d, "exit"), LIMINAL_EEXIT);
        p.target = q.pid;
        assert_int_equal(ask(c, "wait for"), LIMINAL_OK);
        assert_int_equal(p.waited, LIMINAL_OK);
        p.target = liminal_conversation_pid(d);
        assert_int_equal(ask(c, "wait for"), LIMINAL_OK);
        assert_int_equal(p.waited, LIMINAL_OK);
        liminal_conversation_drop(&c);
        liminal_conversation_drop(&d);
        shut(&supervisor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_before_and_after_the_death),
        TEST(test_first_reason_is_told),
        TEST(test_a_hundred_while_it_dies),
        TEST(test_registered_during_the_death),
        TEST(test_wrong_arguments),
        TEST(test_without_memory),
        TEST(test_forgotten_with_its_conversation),
        TEST(test_many_wait),
        TEST(test_waiting_for_oneself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}



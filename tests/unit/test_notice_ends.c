/* SPDX-License-Identifier: MIT */
/* test_notice_ends.c -- notices that are cancelled, dropped, or go on; and the conversation's own pid. */
#include "notice_kit.h"

/* ---- cancelling ---- */

static void test_cancelled_never_fires(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        seen kept = seen_by(supervisor), gone = seen_by(supervisor), last = seen_by(supervisor);
        part p;
        liminal_conversation *c = spawn(&p, supervisor, both[k]);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &gone, &gone.notice), LIMINAL_OK);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &kept, &kept.notice), LIMINAL_OK);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &last, &last.notice), LIMINAL_OK);
        assert_int_equal(liminal_notice_cancel(&gone.notice, liminal_deadline_passed()), LIMINAL_OK);
        assert_null(gone.notice);
        assert_int_equal(liminal_notice_cancel(&gone.notice, liminal_deadline_passed()), LIMINAL_OK); /* NULL in it */
        assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
        test_gate_wait(&kept.told);
        test_gate_wait(&last.told);
        liminal_conversation_drop(&c);
        assert_int_equal(liminal_notice_cancel(&kept.notice, liminal_deadline_never()), LIMINAL_OK);
        liminal_notice_drop(&last.notice);
        shut(&supervisor);
        assert_int_equal(gone.count, 0);
        assert_int_equal(kept.count, 1);
        assert_int_equal(last.count, 1);
    }
}

/* Cancelling and dying meet: it has fired for good when the cancel returns, or never will. */
static void test_cancelled_during_the_death(void **state)
{
    enum { ROUNDS = 100 };
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        meeting m = {supervisor, NULL, TEST_GATE_INIT, TEST_GATE_INIT};
        seen s = seen_by(supervisor);
        test_thread asker;
        part p;
        int count;
        m.conversation = spawn(&p, supervisor, both[i % 2]);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &s, &s.notice), LIMINAL_OK);
        test_thread_start(&asker, ask_to_exit, &m);
        test_gate_wait(&m.ready);
        test_gate_open(&m.go);
        assert_int_equal(liminal_notice_cancel(&s.notice, liminal_deadline_never()), LIMINAL_OK);
        assert_null(s.notice);
        count = s.count;
        assert_in_range(count, 0, 1);
        test_thread_join(&asker);
        liminal_conversation_drop(&m.conversation);
        test_until(p.releases == 1);
        assert_int_equal(s.count, count);
    }
    shut(&supervisor);
}

static void cancel_inside(void *self, const liminal_exit *end)
{
    seen *s = self;
    test_gate_wait(&s->go); /* until the pointer is there */
    s->status = liminal_notice_cancel(&s->notice, liminal_deadline_never());
    (void)test_check(s->notice == NULL);
    note(self, end);
}

/* Inside itself it does not wait for itself. */
static void test_cancelled_inside_itself(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        seen s = seen_by(supervisor);
        part p;
        liminal_conversation *c = spawn(&p, supervisor, both[k]);
        s.status = LIMINAL_EFAILED;
        assert_int_equal(liminal_process_notify(supervisor, p.pid, cancel_inside, &s, &s.notice), LIMINAL_OK);
        test_gate_open(&s.go);
        assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
        test_gate_wait(&s.told);
        assert_int_equal(s.status, LIMINAL_OK);
        liminal_conversation_drop(&c);
        shut(&supervisor);
        assert_int_equal(s.count, 1);
    }
}

static void drop_inside(void *self, const liminal_exit *end)
{
    seen *s = self;
    test_gate_wait(&s->go);
    liminal_notice_drop(&s->notice);
    (void)test_check(s->notice == NULL);
    note(self, end);
}

static void test_dropped_inside_itself(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    seen s = seen_by(supervisor);
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    (void)state;
    assert_int_equal(liminal_process_notify(supervisor, p.pid, drop_inside, &s, &s.notice), LIMINAL_OK);
    test_gate_open(&s.go);
    assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
    test_gate_wait(&s.told);
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_int_equal(s.count, 1);
}

static void cancel_the_next(void *self, const liminal_exit *end)
{
    seen *s = self;
    s->status = liminal_notice_cancel(&s->next->notice, liminal_deadline_never());
    note(self, end);
}

/* One notice may cancel another of the same process: which of the two is told first is not said, and
 * the other one then is not, or was. */
static void test_one_cancels_the_other(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    seen a = seen_by(supervisor), b = seen_by(supervisor);
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    (void)state;
    a.next = &b;
    b.next = &a;
    assert_int_equal(liminal_process_notify(supervisor, p.pid, cancel_the_next, &a, &a.notice), LIMINAL_OK);
    assert_int_equal(liminal_process_notify(supervisor, p.pid, cancel_the_next, &b, &b.notice), LIMINAL_OK);
    assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
    test_until(p.releases == 1);
    assert_int_equal(a.count + b.count, 1);
    assert_int_equal(a.status, LIMINAL_OK);
    assert_int_equal(b.status, LIMINAL_OK);
    assert_true((a.notice == NULL) != (b.notice == NULL));
    liminal_notice_drop(&a.notice);
    liminal_notice_drop(&b.notice);
    liminal_conversation_drop(&c);
    shut(&supervisor);
}

static void cancel_there(void *argument)
{
    seen *s = argument;
    test_gate_open(&s->told); /* "about to" */
    s->status = liminal_notice_cancel(&s->notice, liminal_deadline_never());
    (void)test_check(s->returned); /* not before it had */
}

/* While it runs on another thread the cancel waits, until its deadline. */
static void test_cancel_waits_while_it_runs(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        seen s = seen_by(supervisor);
        meeting m = {supervisor, NULL, TEST_GATE_INIT, TEST_GATE_INIT};
        test_thread canceller, asker;
        part p;
        m.conversation = spawn(&p, supervisor, both[k]);
        assert_int_equal(liminal_process_notify(supervisor, p.pid, note_slowly, &s, &s.notice), LIMINAL_OK);
        test_thread_start(&asker, ask_to_exit, &m);
        test_gate_open(&m.go);
        test_gate_wait(&s.inside);
        assert_int_equal(liminal_notice_cancel(&s.notice, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
        assert_non_null(s.notice);
        assert_int_equal(liminal_notice_cancel(&s.notice, liminal_deadline_in_ms(2)), LIMINAL_ETIMEDOUT);
        assert_non_null(s.notice);
        assert_false(s.returned);
        test_thread_start(&canceller, cancel_there, &s);
        test_gate_wait(&s.told);
        test_gate_open(&s.go);
        test_thread_join(&canceller);
        test_thread_join(&asker);
        assert_int_equal(s.status, LIMINAL_OK);
        assert_null(s.notice);
        liminal_conversation_drop(&m.conversation);
        shut(&supervisor);
        assert_int_equal(s.count, 1);
    }
}

/* Whoever waits is told of the exit though a notice before it is still running. */
static void test_a_slow_notice_and_a_wait(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    seen s = seen_by(supervisor), late = seen_by(supervisor);
    liminal_exit end;
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    (void)state;
    assert_int_equal(liminal_process_notify(supervisor, p.pid, note_slowly, &s, NULL), LIMINAL_OK);
    assert_int_equal(tell(c, "exit"), LIMINAL_OK);
    test_gate_wait(&s.inside);
    /* The exit is recorded: a new notice and a new wait do not stand in line. */
    assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &late, NULL), LIMINAL_OK);
    assert_int_equal(late.count, 1);
    assert_int_equal(liminal_process_wait(supervisor, p.pid, &end, liminal_deadline_passed()), LIMINAL_OK);
    assert_same_exit(&end, &late.end);
    assert_int_equal(p.releases, 0);
    test_gate_open(&s.go);
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_same_exit(&s.end, &end);
    assert_int_equal(s.count, 1);
}

/* ---- dropping ---- */

static void test_dropped_still_fires(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    seen s = seen_by(supervisor);
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    (void)state;
    assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &s, &s.notice), LIMINAL_OK);
    liminal_notice_drop(&s.notice);
    assert_null(s.notice);
    assert_int_equal(s.count, 0);
    assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
    test_gate_wait(&s.told);
    assert_exit(&s.end, p.pid, code_3);
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_int_equal(s.count, 1);
}

/* A notice may be let go long after everything else has gone. */
static void test_notices_outlive_the_supervisor(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    seen s = seen_by(supervisor), t = seen_by(supervisor);
    part p;
    liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_THREAD);
    (void)state;
    assert_int_equal(liminal_process_notify(supervisor, p.pid, note, &s, &s.notice), LIMINAL_OK);
    assert_int_equal(liminal_process_notify(supervisor, liminal_conversation_pid(c), note, &t, &t.notice), LIMINAL_OK);
    liminal_conversation_drop(&c);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(s.count, 1); /* told before the shutdown returned */
    assert_int_equal(t.count, 1);
    assert_int_equal(liminal_notice_cancel(&s.notice, liminal_deadline_never()), LIMINAL_OK);
    assert_null(s.notice);
    liminal_notice_drop(&t.notice);
    assert_int_equal(test_blocks(), 0);
}

/* ---- a notice that goes on ---- */

static void register_further(void *self, const liminal_exit *end)
{
    seen *s = self;
    /* On the one that has just ended: told at once, inside this. */
    (void)test_check(liminal_process_notify(s->supervisor, end->pid, note, s->next, NULL) == LIMINAL_OK);
    (void)test_check(s->next->count == 1);
    (void)test_check(pthread_equal(s->next->thread, pthread_self()) != 0);
    /* On another one, for later. */
    (void)test_check(liminal_process_notify(s->supervisor, s->other, note, s->next->next, &s->next->next->notice) ==
                     LIMINAL_OK);
    note(self, end);
}

static void test_registering_inside_a_notice(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        seen s = seen_by(supervisor), same = seen_by(supervisor), later = seen_by(supervisor);
        part p, q;
        liminal_conversation *c = spawn(&p, supervisor, both[k]), *d = spawn(&q, supervisor, both[k]);
        s.next = &same;
        same.next = &later;
        s.other = q.pid;
        assert_int_equal(liminal_process_notify(supervisor, p.pid, register_further, &s, NULL), LIMINAL_OK);
        assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
        test_gate_wait(&s.told);
        assert_same_exit(&same.end, &s.end);
        assert_int_equal(later.count, 0);
        assert_int_equal(ask(d, "exit"), LIMINAL_EEXIT);
        test_gate_wait(&later.told);
        assert_exit(&later.end, q.pid, code_3);
        liminal_notice_drop(&later.notice);
        liminal_conversation_drop(&c);
        liminal_conversation_drop(&d);
        shut(&supervisor);
        assert_int_equal(s.count, 1);
        assert_int_equal(same.count, 1);
        assert_int_equal(later.count, 1);
    }
}

/* A chain of deaths, each notice ending the next one by closing its conversation. */
typedef struct domino {
    liminal_supervisor *supervisor;
    liminal_conversation *next; /* to be closed */
    atomic_int *fallen;
} domino;

static void fall(void *self, const liminal_exit *end)
{
    domino *d = self;
    (void)end;
    if (d->next != NULL) {
        (void)test_check(liminal_conversation_close(d->next, liminal_deadline_never()) == LIMINAL_OK);
        liminal_conversation_drop(&d->next);
    }
    atomic_fetch_add(d->fallen, 1);
}

static void test_notices_that_close_the_next(void **state)
{
    enum { ROW = 20 };
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *row[ROW];
    domino dominoes[ROW];
    atomic_int fallen = 0;
    part parts[ROW];
    (void)state;
    for (size_t i = 0; i < ROW; i++) {
        row[i] = spawn(&parts[i], supervisor, both[i % 2]);
    }
    for (size_t i = 0; i < ROW; i++) {
        dominoes[i] = (domino){supervisor, i + 1 < ROW ? row[i + 1] : NULL, &fallen};
        assert_int_equal(liminal_process_notify(supervisor, parts[i].pid, fall, &dominoes[i], NULL), LIMINAL_OK);
    }
    assert_int_equal(ask(row[0], "exit"), LIMINAL_EEXIT);
    test_until(fallen == ROW);
    liminal_conversation_drop(&row[0]);
    shut(&supervisor);
    for (size_t i = 0; i < ROW; i++) {
        assert_int_equal(parts[i].releases, 1);
        assert_null(dominoes[i].next);
    }
}

/* Inside a notice the library may be asked what there is to know. */
typedef struct curious {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    test_gate done;
} curious;

static void look_around(void *self, const liminal_exit *end)
{
    curious *c = self;
    liminal_exit again;
    liminal_snapshot *snapshot = NULL;
    liminal_envelope *request = say("hello"), *reply = NULL;
    (void)test_check(!liminal_process_alive(c->supervisor, end->pid));
    (void)test_check(liminal_process_exit(normal) == LIMINAL_EPHASE);
    (void)test_check(liminal_process_wait(c->supervisor, end->pid, &again, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(again.seen_ns.ns == end->seen_ns.ns && again.seen.unix_ns == end->seen.unix_ns);
    (void)test_check(liminal_conversation_query(c->conversation, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    (void)test_check(liminal_supervisor_ask(c->supervisor, liminal_behaviour_echo(), NULL, &request, &reply) ==
                     LIMINAL_OK);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&c->conversation);
    test_gate_open(&c->done);
}

static void test_looking_around_inside_a_notice(void **state)
{
    (void)state;
    for (int actor = 0; actor < 2; actor++) {
        for (size_t k = 0; k < 2; k++) {
            liminal_supervisor *supervisor = open_plain();
            part p;
            liminal_conversation *c = spawn(&p, supervisor, both[k]);
            curious q = {supervisor, liminal_conversation_ref(c), TEST_GATE_INIT};
            liminal_pid pid = actor ? liminal_conversation_pid(c) : p.pid;
            assert_int_equal(liminal_process_notify(supervisor, pid, look_around, &q, NULL), LIMINAL_OK);
            assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
            test_gate_wait(&q.done);
            liminal_conversation_drop(&c);
            shut(&supervisor);
            assert_int_equal(p.releases, 1);
        }
    }
}

/* ---- the conversation's own pid ---- */

static void on_actor(const char *way, liminal_participant_kind kind, liminal_exit_reason expected)
{
    liminal_supervisor *supervisor = open_plain();
    seen s = seen_by(supervisor);
    liminal_exit end;
    part p;
    liminal_conversation *c = spawn(&p, supervisor, kind);
    liminal_pid pid = liminal_conversation_pid(c);
    assert_int_equal(liminal_process_notify(supervisor, pid, note, &s, NULL), LIMINAL_OK);
    assert_int_equal(liminal_process_wait(supervisor, pid, &end, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    assert_true(liminal_process_alive(supervisor, pid));
    if (strcmp(way, "close") == 0) {
        assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(liminal_process_wait(supervisor, pid, &end, liminal_deadline_never()), LIMINAL_OK);
        test_gate_wait(&s.told);
        assert_same_exit(&end, &s.end);
    } else if (strcmp(way, "drop") == 0) {
        liminal_conversation_drop(&c);
        test_gate_wait(&s.told);
    } else if (strcmp(way, "exit") == 0) {
        assert_int_equal(ask(c, way), LIMINAL_EEXIT);
        assert_int_equal(liminal_process_wait(supervisor, pid, &end, liminal_deadline_never()), LIMINAL_OK);
        test_gate_wait(&s.told);
        assert_same_exit(&end, &s.end);
    }
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_int_equal(s.count, 1);
    assert_exit(&s.end, pid, expected);
}

static void test_on_a_conversations_pid(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        on_actor("close", both[k], normal);
        on_actor("drop", both[k], normal);
        on_actor("shutdown", both[k], normal);
        /* That a failed one says so is what we take "it failed; `code` is a liminal_status" to mean. */
        on_actor("exit", both[k], (liminal_exit_reason){LIMINAL_EXIT_ERROR, LIMINAL_EEXIT});
    }
}

static void wait_for_the_turn(void *self, const liminal_exit *end)
{
    curious *c = self;
    liminal_snapshot *snapshot = NULL;
    liminal_exit actors;
    liminal_status status;
    (void)end;
    /* Both would wait for the turn that is calling us, and must not. */
    (void)test_check(liminal_conversation_query(c->conversation, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    status = liminal_process_wait(c->supervisor, liminal_conversation_pid(c->conversation), &actors,
                                  liminal_deadline_never());
    (void)test_check(status == LIMINAL_EDEADLK || status == LIMINAL_OK); /* OK: its end is recorded already */
    test_gate_open(&c->done);
}

static void test_waiting_for_the_turn_inside_a_notice(void **state)
{
    (void)state;
    for (int by_close = 0; by_close < 2; by_close++) {
        liminal_supervisor *supervisor = open_plain();
        part p;
        liminal_conversation *c = spawn(&p, supervisor, LIMINAL_PARTICIPANT_INLINE);
        curious q = {supervisor, c, TEST_GATE_INIT};
        assert_int_equal(liminal_process_notify(supervisor, p.pid, wait_for_the_turn, &q, NULL), LIMINAL_OK);
        if (by_close) {
            assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
        } else {
            assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
        }
        test_gate_wait(&q.done);
        liminal_conversation_drop(&c);
        shut(&supervisor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_cancelled_never_fires),
        TEST(test_cancelled_during_the_death),
        TEST(test_cancelled_inside_itself),
        TEST(test_dropped_inside_itself),
        TEST(test_one_cancels_the_other),
        TEST(test_cancel_waits_while_it_runs),
        TEST(test_a_slow_notice_and_a_wait),
        TEST(test_dropped_still_fires),
        TEST(test_notices_outlive_the_supervisor),
        TEST(test_registering_inside_a_notice),
        TEST(test_notices_that_close_the_next),
        TEST(test_looking_around_inside_a_notice),
        TEST(test_on_a_conversations_pid),
        TEST(test_waiting_for_the_turn_inside_a_notice),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_answer_against_exit.c -- an answer crosses a deadline, a kill, a signal; two ends cross each other. The
 * numbers are those of the list of cases. Each race goes on until both outcomes were seen. */
#include "race/second.h"
#include "unit/link_kit.h"

enum { ROUNDS = 60, MOST = 40 * ROUNDS };

static bool is_more_to_do(int round, const size_t seen[2])
{
    return round < ROUNDS || (round < MOST && (seen[0] == 0 || seen[1] == 0));
}

static liminal_counts counts_of(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_counts counts;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    counts = liminal_snapshot_read(snapshot).counts;
    liminal_snapshot_drop(&snapshot);
    return counts;
}

/* A being that stands in its callback, and an asker who waits for it. */
typedef struct asked {
    being b;
    liminal_status status;
    liminal_deadline deadline;
    const char *text;
    test_thread asker;
} asked;

static void ask_there(void *argument)
{
    asked *a = argument;
    a->status = ask_until(a->b.conversation, a->text, a->deadline);
}

static void begin(asked *a, liminal_supervisor *supervisor, liminal_participant_kind kind, const char *text)
{
    memset(a, 0, sizeof *a);
    be(&a->b, supervisor, kind, &plain);
    a->deadline = liminal_deadline_never();
    a->text = text;
    test_thread_start(&a->asker, ask_there, a);
    test_gate_wait(&a->b.entered);
}

static void open_the_gate(second *s)
{
    test_gate_open(s->context);
}

/* ---- 34: the answer and the deadline ---- */

/* Longer ones as long as nothing is answered in time. */
static int64_t time_for(int round, const size_t seen[2])
{
    int doublings = seen[1] == 0 ? round / 64 : 0;
    return 1000 + ((int64_t)20000 * (round % 13) << (doublings < 8 ? doublings : 8));
}

static void case_34_the_answer_or_the_deadline(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    size_t seen[2] = {0, 0};
    second opener;
    being b;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    start_second(&opener, supervisor, open_the_gate);
    opener.context = &b.go;
    for (int round = 0; is_more_to_do(round, seen); round++) {
        liminal_counts counts;
        liminal_status status;
        bool begun;
        off(&opener, round, seen);
        status = ask_until(b.conversation, "wait", liminal_deadline_in_ns(time_for(round, seen)));
        assert_true(status == LIMINAL_OK || status == LIMINAL_ETIMEDOUT);
        test_gate_wait(&opener.done);
        begun = test_gate_try(&b.entered);
        if (!begun) { /* withdrawn; but it may be being withdrawn as it is begun, so ask something behind it */
            assert_int_equal(status, LIMINAL_ETIMEDOUT);
            test_gate_open(&b.go);
        }
        assert_int_equal(ask(b.conversation, "are you done"), LIMINAL_OK);
        while (test_gate_try(&b.go)) {
        }
        while (test_gate_try(&b.entered)) {
        }
        counts = counts_of(b.conversation);
        assert_int_equal(counts.unfinished, 0);
        seen[status == LIMINAL_OK]++;
        assert_int_equal(counts.received, seen[1] + (size_t)round + 1);
        assert_true(counts.late + counts.withdrawn <= seen[0]); /* less those whose time was up before they asked */
    }
    end_second(&opener);
    assert_true(seen[0] > 0 && seen[1] > 0);
    leave(&b);
    shut(&supervisor); /* with nothing left behind */
}

/* ---- 33: the answer and the kill ---- */

static void an_answer_or_the_kill(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        size_t seen[2] = {0, 0};
        second opener;
        start_second(&opener, supervisor, open_the_gate);
        for (int round = 0; is_more_to_do(round, seen); round++) {
            liminal_counts counts;
            asked a;
            begin(&a, supervisor, both[k], "wait");
            opener.context = &a.b.go;
            off(&opener, round, seen);
            assert_int_equal(liminal_process_kill(supervisor, a.b.pid), LIMINAL_OK);
            test_gate_wait(&opener.done);
            test_thread_join(&a.asker);
            assert_true(a.status == LIMINAL_OK || a.status == LIMINAL_EEXIT);
            counts = counts_of(a.b.conversation);
            assert_int_equal(counts.received, a.status == LIMINAL_OK);
            assert_int_equal(counts.unfinished, a.status != LIMINAL_OK);
            assert_true(same_reason(a.b.end.reason, killed));
            leave_for_good(&a.b);
            seen[a.status == LIMINAL_OK]++;
        }
        end_second(&opener);
        assert_true(seen[0] > 0 && seen[1] > 0);
        shut(&supervisor);
    }
}

/* The answer and the end that is given with it, and a kill: the end is the one or the other, and if it is its own the
 * answer was first. */
static void an_answer_with_an_exit_or_the_kill(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        size_t seen[2] = {0, 0};
        second opener;
        start_second(&opener, supervisor, open_the_gate);
        for (int round = 0; is_more_to_do(round, seen); round++) {
            asked a;
            bool own;
            begin(&a, supervisor, both[k], "wait, answer, exit");
            opener.context = &a.b.go;
            off(&opener, round, seen);
            assert_int_equal(liminal_process_kill(supervisor, a.b.pid), LIMINAL_OK);
            test_gate_wait(&opener.done);
            test_thread_join(&a.asker);
            leave_for_good(&a.b);
            own = same_reason(a.b.end.reason, boom);
            assert_true(own || same_reason(a.b.end.reason, killed));
            assert_true(!own || a.status == LIMINAL_OK);
            assert_true(a.status == LIMINAL_OK || a.status == LIMINAL_EEXIT);
            seen[own]++;
        }
        end_second(&opener);
        assert_true(seen[0] > 0 && seen[1] > 0);
        shut(&supervisor);
    }
}

/* ---- two ends ---- */

static void kill_the_other(second *s)
{
    (void)test_check(liminal_process_kill(s->supervisor, s->other) == LIMINAL_OK);
}

/* A kill and a signal: one of them, for all who look. */
static void a_kill_or_a_signal(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        size_t seen[2] = {0, 0};
        second killer;
        start_second(&killer, supervisor, kill_the_other);
        for (int round = 0; is_more_to_do(round, seen); round++) {
            being b, linked;
            bool by_kill;
            be(&b, supervisor, both[k], &plain);
            be(&linked, supervisor, LIMINAL_PARTICIPANT_INLINE, &plain);
            assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
            killer.other = b.pid;
            off(&killer, round, seen);
            assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK);
            test_gate_wait(&killer.done);
            leave_for_good(&b);
            leave_for_good(&linked);
            by_kill = same_reason(b.end.reason, killed);
            assert_true(by_kill || same_reason(b.end.reason, boom));
            assert_true(same_reason(linked.end.reason, b.end.reason));
            seen[by_kill]++;
        }
        end_second(&killer);
        assert_true(seen[0] > 0 && seen[1] > 0);
        shut(&supervisor);
    }
}

static void close_the_other(second *s)
{
    (void)test_check(liminal_conversation_close(s->context, liminal_deadline_never()) == LIMINAL_OK);
}

/* A kill and a close: failed by the kill, or closed before it. */
static void a_kill_or_a_close(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        size_t seen[2] = {0, 0};
        second closer;
        start_second(&closer, supervisor, close_the_other);
        for (int round = 0; is_more_to_do(round, seen); round++) {
            liminal_status status;
            being b, linked;
            be(&b, supervisor, both[k], &plain);
            be(&linked, supervisor, LIMINAL_PARTICIPANT_INLINE, &trapper);
            assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
            closer.context = b.conversation;
            off(&closer, round, seen);
            assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
            test_gate_wait(&closer.done);
            status = ask(b.conversation, "hello");
            assert_true(status == LIMINAL_ECLOSED || status == LIMINAL_EEXIT);
            test_gate_wait(&linked.told);
            leave_for_good(&b);
            assert_true(same_reason(linked.last.reason, b.end.reason));
            assert_true(status == LIMINAL_ECLOSED || same_reason(b.end.reason, killed));
            leave_for_good(&linked);
            assert_int_equal(linked.messages, 1);
            seen[status == LIMINAL_ECLOSED]++;
        }
        end_second(&closer);
        assert_true(seen[0] > 0 && seen[1] > 0);
        shut(&supervisor);
    }
}

static void kill_the_actor(second *s)
{
    (void)test_check(liminal_process_kill(s->supervisor, s->other) == LIMINAL_OK);
}

/* A kill of the actor and the last drop: whoever is first, nothing hangs, and the linked one is told once. */
static void a_restart_or_the_last_drop(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    size_t seen[2] = {0, 0};
    second killer;
    (void)state;
    start_second(&killer, supervisor, kill_the_actor);
    for (int round = 0; is_more_to_do(round, seen); round++) {
        bool was_killed;
        being b, linked;
        be(&b, supervisor, both[round % 2], &plain);
        be(&linked, supervisor, LIMINAL_PARTICIPANT_THREAD, &trapper);
        killer.other = liminal_conversation_pid(b.conversation);
        assert_int_equal(liminal_process_link(supervisor, linked.pid, killer.other), LIMINAL_OK);
        off(&killer, round, seen);
        leave(&b);
        test_gate_wait(&killer.done);
        test_gate_wait(&linked.told);
        leave_for_good(&b);
        was_killed = same_reason(linked.last.reason, killed);
        assert_true(was_killed || same_reason(linked.last.reason, normal));
        assert_int_equal(ask(linked.conversation, "is that all"), LIMINAL_OK);
        assert_int_equal(linked.messages, 1);
        leave_for_good(&linked);
        seen[was_killed]++;
    }
    end_second(&killer);
    assert_true(seen[0] > 0 && seen[1] > 0);
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(case_34_the_answer_or_the_deadline),
        TEST(an_answer_or_the_kill),
        TEST(an_answer_with_an_exit_or_the_kill),
        TEST(a_kill_or_a_signal),
        TEST(a_kill_or_a_close),
        TEST(a_restart_or_the_last_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_shutdown.c -- the end of a supervisor. */
#define _GNU_SOURCE

#include "supervisor_kit.h"

/* ---- shutdown ---- */

static void test_shutdown_report(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *closed, *open, *again, *dropped;
    liminal_report report;
    part p, q;
    (void)state;
    part_init(&p);
    part_init(&q);
    memset(&report, 0xff, sizeof report);
    closed = spawn_one(supervisor, threaded(&p), NULL);
    open = spawn_one(supervisor, threaded(&q), NULL);
    again = liminal_conversation_ref(open); /* two handles, one conversation */
    dropped = spawn_buffer(supervisor, NULL);
    assert_int_equal(liminal_conversation_close(closed, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(dropped, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(&dropped);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_null(supervisor);
    assert_int_equal(report.conversations, 1);
    assert_int_equal(report.threads, 5);
    assert_int_equal(report.threads, test_threads_asked());
    assert_int_equal(report.handles, 2);
    assert_int_equal(report.running, 0);
    assert_int_equal(p.releases, 1);
    assert_int_equal(q.releases, 1);
    liminal_conversation_drop(&closed);
    liminal_conversation_drop(&open);
    assert_true(test_blocks() > 0);
    liminal_conversation_drop(&again);
    assert_int_equal(test_blocks(), 0);
}

static void test_shutdown_of_nothing(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_report report;
    (void)state;
    memset(&report, 0xff, sizeof report);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_passed()), LIMINAL_OK);
    assert_null(supervisor);
    assert_int_equal(report.conversations, 0);
    assert_int_equal(report.threads, 0);
    assert_int_equal(report.handles, 0);
    assert_int_equal(report.running, 0);
}

/* Handles outlive the supervisor: what was answered is there, then everything is closed. */
static void test_handles_outlive_the_supervisor(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *c;
    liminal_envelope *reply = NULL, *message = say("late");
    liminal_snapshot *snapshot = NULL;
    liminal_report report;
    liminal_pid pid;
    liminal_deadline never = liminal_deadline_never();
    liminal_trace_context trace;
    char text[] = "0";
    part p;
    (void)state;
    part_init(&p);
    c = spawn_one(supervisor, threaded(&p), "survivor");
    pid = liminal_conversation_pid(c);
    trace = liminal_conversation_trace(c);
    for (int i = 0; i < 3; i++) {
        text[0] = (char)('0' + i);
        assert_int_equal(send_text(c, text), LIMINAL_OK);
    }
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, never), LIMINAL_OK);
    assert_int_equal(report.conversations, 1);
    assert_int_equal(report.handles, 1);
    assert_int_equal(p.answers, 3);
    assert_int_equal(p.releases, 1);
    for (int i = 0; i < 3; i++) {
        text[0] = (char)('0' + i);
        assert_int_equal(liminal_conversation_receive(c, &reply, never), LIMINAL_OK);
        assert_string_equal(liminal_envelope_text(reply), text);
        liminal_envelope_drop(&reply);
    }
    assert_int_equal(liminal_conversation_receive(c, &reply, never), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_try_receive(c, &reply), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_send(c, &message, never), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_try_send(c, &message), LIMINAL_ECLOSED);
    assert_int_equal(liminal_conversation_ask(c, &message, &reply, never), LIMINAL_ECLOSED);
    assert_non_null(message);
    assert_null(reply);
    assert_int_equal(liminal_conversation_close(c, never), LIMINAL_OK);
    assert_int_equal(liminal_conversation_query(c, &snapshot, never), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_CLOSED);
    assert_string_equal(liminal_snapshot_read(snapshot).name, "survivor");
    assert_int_equal(liminal_snapshot_read(snapshot).counts.sent, 3);
    assert_int_equal(liminal_snapshot_read(snapshot).counts.received, 3);
    assert_int_equal(liminal_conversation_pid(c).value, pid.value);
    {
        liminal_trace_context now = liminal_conversation_trace(c);
        assert_true(liminal_trace_equal(&trace, &now));
    }
    liminal_snapshot_drop(&snapshot);
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&c);
    assert_int_equal(test_blocks(), 0);
}

/* Those who stand at a gate are named, cut to 63 bytes; all others are counted. */
static void test_shutdown_names_who_is_running(void **state)
{
    enum { STUCK = LIMINAL_STRAGGLERS + 2 };
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *stuck[STUCK], *idle, *out = NULL;
    liminal_envelope *request = say("hello"), *reply = NULL;
    liminal_config buffer = config_of(NULL, 0);
    liminal_pid pids[STUCK];
    liminal_report report;
    char names[STUCK][80];
    part parts[STUCK], p, q;
    (void)state;
    part_init(&p);
    part_init(&q);
    for (size_t i = 0; i < STUCK; i++) {
        liminal_participant participant;
        part_init(&parts[i]);
        participant = threaded(&parts[i]);
        memset(names[i], (int)('a' + i), 70);
        names[i][70] = '\0';
        participant.name = names[i];
        stuck[i] = spawn_one(supervisor, participant, NULL);
        pids[i] = participant_pid(stuck[i], 0);
        assert_int_equal(send_text(stuck[i], "wait"), LIMINAL_OK);
    }
    for (size_t i = 0; i < STUCK; i++) {
        test_gate_wait(&parts[i].entered);
    }
    idle = spawn_one(supervisor, threaded(&p), NULL);

    /* The idle one's thread needs a moment to end, and is no straggler. */
    do {
        assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_in_ms(1)),
                         LIMINAL_ETIMEDOUT);
    } while (report.running != STUCK);
    for (int again = 0; again < 2; again++) {
        bool seen[STUCK] = {false};
        memset(&report, 0xff, sizeof report);
        assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_in_ms(again ? 0 : 20)),
                         LIMINAL_ETIMEDOUT);
        assert_non_null(supervisor);
        assert_int_equal(report.running, STUCK);
        for (size_t i = 0; i < LIMINAL_STRAGGLERS; i++) {
            size_t which = 0;
            while (which < STUCK && pids[which].value != report.stragglers[i].pid.value) {
                which++;
            }
            assert_in_range(which, 0, STUCK - 1);
            assert_false(seen[which]);
            seen[which] = true;
            assert_int_equal(strlen(report.stragglers[i].name), 63);
            assert_memory_equal(report.stragglers[i].name, names[which], 63);
        }
    }
    /* Nothing is spawned any more. */
    assert_int_equal(liminal_supervisor_spawn(supervisor, &buffer, &out), LIMINAL_ECLOSED);
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, &parting, &p, LIMINAL_CRASH_FAIL, &out),
                     LIMINAL_ECLOSED);
    assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &q, &request, &reply), LIMINAL_ECLOSED);
    assert_null(out);
    assert_non_null(request);
    assert_int_equal(p.starts, 1);
    assert_int_equal(q.starts, 0);
    assert_int_equal(q.releases, 1);
    liminal_envelope_drop(&request);

    for (size_t i = 0; i < STUCK; i++) {
        test_gate_open(&parts[i].go);
        assert_int_equal(send_text(stuck[i], "late"), LIMINAL_ECLOSED);
        liminal_conversation_drop(&stuck[i]);
    }
    liminal_conversation_drop(&idle);
    memset(&report, 0xff, sizeof report);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_null(supervisor);
    assert_int_equal(report.running, 0);
    assert_int_equal(report.handles, 0);
    assert_int_equal(report.threads, test_threads_asked());
    for (size_t i = 0; i < STUCK; i++) {
        assert_int_equal(parts[i].releases, 1);
    }
    assert_int_equal(p.releases, 1);
}

typedef struct talk {
    liminal_conversation *conversation;
    const char *text;
    liminal_status status;
    bool kept;
    liminal_supervisor *supervisor;
} talk;

static void ask_on_a_thread(void *argument)
{
    talk *t = argument;
    liminal_envelope *request = say(t->text), *reply = NULL;
    t->status = liminal_conversation_ask(t->conversation, &request, &reply, liminal_deadline_never());
    t->kept = request != NULL;
    (void)test_check((t->status == LIMINAL_OK) == (reply != NULL));
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

static void receive_on_a_thread(void *argument)
{
    talk *t = argument;
    liminal_envelope *reply = NULL;
    t->status = liminal_conversation_receive(t->conversation, &reply, liminal_deadline_never());
    (void)test_check((t->status == LIMINAL_OK) == (reply != NULL));
    liminal_envelope_drop(&reply);
}

static void shut_on_a_thread(void *argument)
{
    talk *t = argument;
    t->status = liminal_supervisor_shutdown(&t->supervisor, NULL, liminal_deadline_never());
}

/* What was accepted is still answered: the one that is begun, and the one behind it. */
static void test_shutdown_lets_answers_come(void **state)
{
    talk asked = {.text = "wait"}, received = {0}, over = {0};
    test_thread asker, receiver, closer;
    liminal_conversation *c;
    part p;
    (void)state;
    part_init(&p);
    over.supervisor = open_plain();
    c = spawn_one(over.supervisor, threaded(&p), NULL);
    asked.conversation = received.conversation = c;
    test_thread_start(&asker, ask_on_a_thread, &asked);
    test_gate_wait(&p.entered);
    assert_int_equal(send_text(c, "behind"), LIMINAL_OK);
    test_thread_start(&receiver, receive_on_a_thread, &received);
    test_thread_start(&closer, shut_on_a_thread, &over);
    test_until(phase_of(c) == LIMINAL_PHASE_COMPLETING);
    test_gate_open(&p.go);
    test_thread_join(&closer);
    test_thread_join(&asker);
    test_thread_join(&receiver);
    assert_int_equal(asked.status, LIMINAL_OK);
    assert_int_equal(received.status, LIMINAL_OK);
    assert_int_equal(over.status, LIMINAL_OK);
    assert_null(over.supervisor);
    assert_int_equal(p.answers, 2);
    assert_int_equal(p.releases, 1);
    liminal_conversation_drop(&c);
}

/* At the deadline all who wait are told, though the behaviour goes on. */
static void test_shutdown_at_its_deadline_tells_the_waiting(void **state)
{
    talk asked = {.text = "wait"}, behind = {.text = "behind"}, received = {0};
    test_thread asker, second, receiver;
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *c;
    liminal_report report;
    part p;
    (void)state;
    part_init(&p);
    c = spawn_one(supervisor, threaded(&p), NULL);
    asked.conversation = behind.conversation = received.conversation = c;
    test_thread_start(&asker, ask_on_a_thread, &asked);
    test_gate_wait(&p.entered);
    test_thread_start(&second, ask_on_a_thread, &behind);
    test_thread_start(&receiver, receive_on_a_thread, &received);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    assert_non_null(supervisor);
    assert_true(report.running >= 1);
    test_thread_join(&asker);
    test_thread_join(&second);
    test_thread_join(&receiver);
    assert_int_equal(asked.status, LIMINAL_ECLOSED);
    assert_false(asked.kept); /* it was begun */
    assert_int_equal(behind.status, LIMINAL_ECLOSED);
    assert_true(behind.kept);
    assert_int_equal(received.status, LIMINAL_ECLOSED);
    liminal_conversation_drop(&c);
    test_gate_open(&p.go);
    shut(&supervisor);
    assert_int_equal(p.answers, 1);
    assert_int_equal(p.releases, 1);
}

/* Inside a callback of whatever kind a shutdown is EDEADLK, and nothing happens. */
typedef struct inside {
    liminal_supervisor *supervisor;
    atomic_int tried;
} inside;

static void try_to_shut(inside *in)
{
    liminal_supervisor *copy = in->supervisor;
    liminal_report report;
    (void)test_check(liminal_supervisor_shutdown(&copy, &report, liminal_deadline_never()) == LIMINAL_EDEADLK);
    (void)test_check(copy == in->supervisor);
    atomic_fetch_add(&in->tried, 1);
}

static liminal_status shut_in_answer(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    try_to_shut(p->context);
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static liminal_status shut_in_start(part *p)
{
    try_to_shut(p->context);
    return LIMINAL_OK;
}

static void shut_in_release(part *p)
{
    try_to_shut(p->context);
}

static void shut_in_notice(void *self, const liminal_exit *end)
{
    (void)end;
    try_to_shut(self);
}

static void shut_in_collect(void *context, const liminal_finished_span *span)
{
    (void)span;
    try_to_shut(context);
}

static void test_shutdown_inside_a_callback(void **state)
{
    const liminal_participant_kind kinds[] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        inside in = {0};
        const liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = &in,
                                             .collect = shut_in_collect};
        const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options),
                                                    .allocator = test_allocator(), .collector = &collector};
        liminal_conversation *c;
        liminal_participant participant;
        part p;
        part_init(&p);
        p.act = shut_in_answer;
        p.begin = shut_in_start;
        p.end = shut_in_release;
        p.context = &in;
        assert_int_equal(liminal_supervisor_open(&options, &in.supervisor), LIMINAL_OK);
        participant = threaded(&p);
        participant.kind = kinds[i];
        c = spawn_one(in.supervisor, participant, NULL);
        assert_int_equal(in.tried, 1);
        assert_int_equal(ask_text(c, "hello"), LIMINAL_OK);
        assert_int_equal(in.tried, 2);
        assert_int_equal(liminal_process_notify(in.supervisor, participant_pid(c, 0), shut_in_notice, &in, NULL),
                         LIMINAL_OK);
        assert_int_equal(liminal_process_notify(in.supervisor, liminal_conversation_pid(c), shut_in_notice, &in, NULL),
                         LIMINAL_OK);
        assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
        liminal_conversation_drop(&c);
        test_until(in.tried == 6); /* two notices, the release, the span */
        shut(&in.supervisor);
        assert_int_equal(in.tried, 6);
        test_threads_begin();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_shutdown_report),
        TEST(test_shutdown_of_nothing),
        TEST(test_handles_outlive_the_supervisor),
        TEST(test_shutdown_names_who_is_running),
        TEST(test_shutdown_lets_answers_come),
        TEST(test_shutdown_at_its_deadline_tells_the_waiting),
        TEST(test_shutdown_inside_a_callback),
    };
    /* A child must not inherit the harness's lock from a thread that it does not have. */
    if (pthread_atfork(test_lock, test_unlock, test_unlock) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_exit_reasons.c -- how participants end. */
#include "exit_kit.h"

/* ---- reasons ---- */

static void test_returned_errors(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        ends(both[i], "fail", normal, (liminal_exit_reason){LIMINAL_EXIT_ERROR, LIMINAL_EFAILED});
        ends(both[i], "own number", normal, (liminal_exit_reason){LIMINAL_EXIT_ERROR, 1234});
    }
}

static const liminal_exit_reason reasons[] = {
    {LIMINAL_EXIT_NORMAL, 0}, {LIMINAL_EXIT_ERROR, 7},  {LIMINAL_EXIT_ERROR, -7},
    {LIMINAL_EXIT_KILLED, 0}, {LIMINAL_EXIT_NOPROC, 0}, {LIMINAL_EXIT_CODE, 3},
    {LIMINAL_EXIT_CODE, 0},   {LIMINAL_EXIT_SIGNAL, 9}, {LIMINAL_EXIT_UNKNOWN, 0}};

enum { REASONS = sizeof reasons / sizeof reasons[0] };

/* A normal exit counts too. */
static void test_every_kind_of_exit(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASONS; i++) {
        for (size_t k = 0; k < 2; k++) {
            ends(both[k], "exit", reasons[i], reasons[i]);
        }
    }
}

static void test_first_reason_counts(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < REASONS; i += 2) {
            ends(both[k], "exit, ok", reasons[i], reasons[i]);
            ends(both[k], "exit, fail", reasons[i], reasons[i]);
        }
    }
    ends(LIMINAL_PARTICIPANT_THREAD, "exit, vanish", reasons[5], reasons[5]);
}

static void test_exit_outside_and_wrong(void **state)
{
    part p;
    liminal_conversation *c;
    (void)state;
    assert_int_equal(liminal_process_exit(normal), LIMINAL_EPHASE);
    part_init(&p, open_plain());
    for (size_t k = 0; k < 2; k++) {
        c = spawn_one(&p, both[k]);
        assert_int_equal(ask(c, "no kind"), LIMINAL_OK);
        assert_int_equal(ask(c, "hello"), LIMINAL_OK); /* it lives */
        assert_int_equal(liminal_process_exit(normal), LIMINAL_EPHASE);
        assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
        liminal_conversation_drop(&c);
    }
    shut(&p.supervisor);
    assert_int_equal(p.releases, 2);
}

/* ---- pthread_exit ---- */

static void test_thread_ended(void **state)
{
    (void)state;
    ends(LIMINAL_PARTICIPANT_THREAD, "vanish", normal, killed);
}

static void send_there(void *argument)
{
    call *c = argument;
    test_gate_open(&c->begun);
    c->status = send(c->conversation, c->text);
    c->back = true;
}

/* Pinned: it is the actor's own thread that ends under the conversation. */
static void test_inline_ends_the_actors_thread(void **state)
{
    part p;
    liminal_participant participant;
    liminal_config config;
    liminal_conversation *c;
    (void)state;
    part_init(&p, open_plain());
    participant = participant_of(&p, LIMINAL_PARTICIPANT_INLINE);
    config = config_of(&participant, 1);
    config.dispatch = LIMINAL_DISPATCH_PINNED;
    c = spawn(p.supervisor, &config);
    assert_int_equal(ask(c, "vanish"), LIMINAL_EEXIT);
    assert_false(p.on_asker);
    assert_failed(c, 0, "obedient one", killed);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
}

/* Assisted: it may be the asker's own thread. Then that ends as it was told to, with nothing left of the
 * call; the conversation goes on to fail, and everyone else hears of it. */
static void test_inline_ends_the_askers_thread(void **state)
{
    enum { TIMES = 50 };
    int on_askers = 0;
    (void)state;
    for (int i = 0; i < TIMES; i++) {
        part p;
        call asked, received;
        test_thread asker, receiver;
        liminal_conversation *c;
        part_init(&p, open_plain());
        c = spawn_one(&p, LIMINAL_PARTICIPANT_INLINE);
        assert_int_equal(ask(c, "hello"), LIMINAL_OK);
        asked = call_of(c, i % 2 == 0 ? "vanish" : "exit, vanish");
        received = call_of(c, "");
        p.reason = (liminal_exit_reason){LIMINAL_EXIT_CODE, 3};
        test_thread_start(&receiver, receive_there, &received);
        test_gate_wait(&received.begun);
        p.asker = pthread_self();
        test_thread_start(&asker, ask_there, &asked);
        test_thread_join(&asker);
        test_thread_join(&receiver);
        assert_int_equal(received.status, LIMINAL_EEXIT);
        if (asked.back) {
            assert_int_equal(asked.status, LIMINAL_EEXIT);
        } else {
            on_askers++;
        }
        assert_failed(c, 0, "obedient one", i % 2 == 0 ? killed : p.reason);
        liminal_conversation_drop(&c);
        test_until(p.releases == 1);
        /* What a thread that ends takes with it is its own affair: the envelope it was asking with. */
        assert_int_equal(liminal_supervisor_shutdown(&p.supervisor, NULL, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(p.releases, 1);
        assert_int_equal(test_blocks(), 0);
    }
    assert_in_range(on_askers, 1, TIMES); /* else this tested nothing */
}

/* A reply that was put down before the thread ended is not promised, but it is not lost memory either. */
static void test_thread_ended_with_a_reply(void **state)
{
    (void)state;
    part p;
    liminal_conversation *c;
    liminal_status status;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    status = ask(c, "reply, vanish");
    assert_true(status == LIMINAL_OK || status == LIMINAL_EEXIT);
    assert_int_equal(ask(c, "late"), LIMINAL_EEXIT);
    assert_failed(c, 0, "obedient one", killed);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
}

/* ---- last words ---- */

static void last_words(liminal_participant_kind kind, const char *text, liminal_exit_reason reason)
{
    part p;
    liminal_conversation *c;
    part_init(&p, open_plain());
    p.reason = reason;
    c = spawn_one(&p, kind);
    assert_int_equal(ask(c, text), LIMINAL_OK); /* the answer wins, and then the exit */
    assert_int_equal(ask(c, "late"), LIMINAL_EEXIT);
    assert_failed(c, 0, "obedient one", reason);
    liminal_conversation_drop(&c);

    c = spawn_one(&p, kind);
    assert_int_equal(send(c, "one"), LIMINAL_OK);
    assert_int_equal(send(c, text), LIMINAL_OK);
    assert_int_equal(receive(c, "one"), LIMINAL_OK);
    assert_int_equal(receive(c, text), LIMINAL_OK);
    assert_int_equal(receive(c, ""), LIMINAL_EEXIT);
    assert_failed(c, 0, "obedient one", reason);
    liminal_conversation_drop(&c);

    c = spawn_one(&p, kind); /* the exit is known before anybody receives */
    assert_int_equal(send(c, "one"), LIMINAL_OK);
    assert_int_equal(send(c, text), LIMINAL_OK);
    test_until(phase_of(c) == LIMINAL_PHASE_FAILED);
    assert_int_equal(send(c, "late"), LIMINAL_EEXIT);
    assert_int_equal(receive(c, "one"), LIMINAL_OK);
    assert_int_equal(receive(c, text), LIMINAL_OK);
    assert_failed(c, 0, "obedient one", reason);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 3);
    assert_int_equal(p.answers, 1 + 2 + 2);
}

static void test_last_words(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        last_words(both[k], "reply, fail", (liminal_exit_reason){LIMINAL_EXIT_ERROR, LIMINAL_EFAILED});
        last_words(both[k], "reply, exit", (liminal_exit_reason){LIMINAL_EXIT_CODE, 3});
        last_words(both[k], "reply, exit", normal);
    }
}

/* ---- everyone at once ---- */

/* One request is begun, one asker stands behind it, one waits for a reply and one for room: all with
 * deadlines that never come, all told at once. */
static void everyone_hears(const char *text, liminal_exit_reason reason, liminal_exit_reason expected)
{
    part p;
    liminal_participant participant;
    liminal_config config;
    liminal_conversation *c;
    liminal_snapshot *snapshot;
    liminal_counts counts;
    call asked, behind, received, sent;
    test_thread threads[4];
    part_init(&p, open_plain());
    p.reason = reason;
    participant = participant_of(&p, LIMINAL_PARTICIPANT_THREAD);
    config = config_of(&participant, 1);
    config.overflow = LIMINAL_OVERFLOW_WAIT;
    config.mailbox_messages = 2;
    c = spawn(p.supervisor, &config);
    asked = call_of(c, text);
    behind = call_of(c, "behind");
    received = call_of(c, "");
    sent = call_of(c, "no room");
    test_thread_start(&threads[0], ask_there, &asked);
    test_gate_wait(&p.entered);
    test_thread_start(&threads[1], ask_there, &behind);
    do { /* until the second one has its place */
        snapshot = look(c);
        counts = liminal_snapshot_read(snapshot).counts;
        liminal_snapshot_drop(&snapshot);
    } while (counts.sent != 2);
    {
        liminal_envelope *message = say("full?");
        assert_int_equal(liminal_conversation_try_send(c, &message), LIMINAL_EFULL);
        assert_int_equal(liminal_conversation_send(c, &message, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
        liminal_envelope_drop(&message);
    }
    test_thread_start(&threads[2], receive_there, &received);
    test_thread_start(&threads[3], send_there, &sent);
    test_gate_wait(&received.begun);
    test_gate_wait(&sent.begun);
    test_gate_open(&p.go);
    for (size_t i = 0; i < 4; i++) {
        test_thread_join(&threads[i]);
    }
    assert_int_equal(asked.status, LIMINAL_EEXIT);
    assert_false(asked.kept); /* it was begun */
    assert_int_equal(behind.status, LIMINAL_EEXIT);
    assert_true(behind.kept); /* it was not: withdrawn */
    assert_int_equal(received.status, LIMINAL_EEXIT);
    assert_int_equal(sent.status, LIMINAL_EEXIT);
    assert_failed(c, 0, "obedient one", expected);
    snapshot = look(c);
    counts = liminal_snapshot_read(snapshot).counts;
    assert_int_equal(counts.sent, 2);
    assert_int_equal(counts.received, 0);
    assert_int_equal(counts.unfinished, 1);
    assert_int_equal(counts.withdrawn, 1);
    assert_int_equal(counts.late, 0);
    assert_int_equal(counts.silent, 0);
    liminal_snapshot_drop(&snapshot);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.answers, 1);
    assert_int_equal(p.releases, 1);
}

static void test_everyone_hears_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < REASONS; i += 4) {
        everyone_hears("wait, exit", reasons[i], reasons[i]); /* normal first: case 32 */
    }
    everyone_hears("wait, vanish", normal, killed);
}

/* Many of each, on several handles. */
static void test_a_crowd_hears(void **state)
{
    enum { EACH = 8 };
    part p;
    liminal_conversation *c;
    call first, asked[EACH], received[EACH];
    test_thread beginner, askers[EACH], receivers[EACH];
    (void)state;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    first = call_of(c, "wait, vanish");
    test_thread_start(&beginner, ask_there, &first);
    test_gate_wait(&p.entered);
    for (size_t i = 0; i < EACH; i++) {
        asked[i] = call_of(liminal_conversation_ref(c), "behind");
        received[i] = call_of(liminal_conversation_ref(c), "");
        test_thread_start(&askers[i], ask_there, &asked[i]);
        test_thread_start(&receivers[i], receive_there, &received[i]);
    }
    test_gate_open(&p.go); /* some may come after it: they hear the same */
    test_thread_join(&beginner);
    for (size_t i = 0; i < EACH; i++) {
        test_thread_join(&askers[i]);
        test_thread_join(&receivers[i]);
        assert_int_equal(asked[i].status, LIMINAL_EEXIT);
        assert_true(asked[i].kept);
        assert_int_equal(received[i].status, LIMINAL_EEXIT);
        liminal_conversation_drop(&asked[i].conversation);
        liminal_conversation_drop(&received[i].conversation);
    }
    assert_int_equal(first.status, LIMINAL_EEXIT);
    assert_failed(c, 0, "obedient one", killed);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.answers, 1);
    assert_int_equal(p.releases, 1);
}

/* Case 35: the asker has gone; the other side is none the wiser, its answer is counted and given to nobody. */
static void test_asker_goes_away(void **state)
{
    part p;
    liminal_conversation *c;
    liminal_envelope *request = say("wait"), *reply = NULL;
    liminal_snapshot *snapshot;
    liminal_counts counts;
    bool begun;
    (void)state;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    assert_int_equal(ask(c, "hello"), LIMINAL_OK);
    assert_int_equal(liminal_conversation_ask(c, &request, &reply, liminal_deadline_in_ms(200)), LIMINAL_ETIMEDOUT);
    begun = request == NULL; /* on a machine that is slow enough it was not, and then it never is */
    assert_null(reply);
    test_gate_open(&p.go);
    assert_int_equal(ask(c, "another"), LIMINAL_OK); /* unaffected, and not mixed up */
    assert_int_equal(liminal_conversation_try_receive(c, &reply), LIMINAL_ETIMEDOUT);
    snapshot = look(c);
    counts = liminal_snapshot_read(snapshot).counts;
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(counts.late, begun ? 1 : 0);
    assert_int_equal(counts.withdrawn, begun ? 0 : 1);
    assert_int_equal(counts.sent, 3);
    assert_int_equal(counts.received, 2);
    assert_int_equal(p.answers, begun ? 3 : 2);
    liminal_envelope_drop(&request);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
}

/* Case 31. */
static void test_pid_that_is_gone(void **state)
{
    part p;
    liminal_conversation *c, *found = NULL;
    liminal_pid pid;
    (void)state;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    pid = liminal_conversation_pid(c);
    assert_true(liminal_process_alive(p.supervisor, pid));
    assert_true(liminal_process_alive(p.supervisor, participant_pid(c, 0)));
    assert_false(liminal_process_alive(p.supervisor, (liminal_pid){0}));
    assert_false(liminal_process_alive(p.supervisor, (liminal_pid){pid.value + 1000}));
    assert_false(liminal_process_alive(NULL, pid));
    assert_int_equal(ask(c, "vanish"), LIMINAL_EEXIT);
    assert_false(liminal_process_alive(p.supervisor, participant_pid(c, 0)));
    assert_int_equal(liminal_supervisor_find(p.supervisor, pid, &found), LIMINAL_ENOPROC);
    test_until(!liminal_process_alive(p.supervisor, pid));
    assert_null(found);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_returned_errors),
        TEST(test_every_kind_of_exit),
        TEST(test_first_reason_counts),
        TEST(test_exit_outside_and_wrong),
        TEST(test_thread_ended),
        TEST(test_inline_ends_the_actors_thread),
        TEST(test_inline_ends_the_askers_thread),
        TEST(test_thread_ended_with_a_reply),
        TEST(test_last_words),
        TEST(test_everyone_hears_at_once),
        TEST(test_a_crowd_hears),
        TEST(test_asker_goes_away),
        TEST(test_pid_that_is_gone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}





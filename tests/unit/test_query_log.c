/* SPDX-License-Identifier: MIT */
/* test_query_log.c -- what a conversation has recorded and counted. */
#define _GNU_SOURCE

#include "call_kit.h"

/* ---- the log --------------------------------------------------------------------------------- */

static void order_of_the_log(void **state)
{
    const variant *v = *state;
    /* Each time is right within a tick, 10 ms at most, and with two threads each has its own. */
    int64_t apart_ns = v->dispatch == LIMINAL_DISPATCH_PINNED ? 10 * MS : 0;
    liminal_config config = config_of(v);
    liminal_envelope *message = note("one");
    liminal_uuid id = liminal_envelope_read(message).id;
    liminal_snapshot *snapshot;
    liminal_conversation *talk;
    liminal_log_entry it, before;
    open_house();
    talk = spawn(&config);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    put(talk, "two");
    (void)look(talk); /* both are recorded now, before the receive is */
    get(talk, "one");
    put(talk, "three");
    (void)look(talk);
    get(talk, "two");
    get(talk, "three");
    assert_int_equal(liminal_conversation_receive(talk, &message, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    snapshot = picture(talk);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 6);
    is_about(snapshot, 0, LIMINAL_LOG_SENT, "one");
    is_about(snapshot, 1, LIMINAL_LOG_SENT, "two");
    is_about(snapshot, 2, LIMINAL_LOG_RECEIVED, "one");
    is_about(snapshot, 3, LIMINAL_LOG_SENT, "three");
    is_about(snapshot, 4, LIMINAL_LOG_RECEIVED, "two");
    is_about(snapshot, 5, LIMINAL_LOG_RECEIVED, "three");
    it = entry(snapshot, 0, LIMINAL_LOG_SENT);
    assert_memory_equal(liminal_envelope_read(it.envelope).id.bytes, id.bytes, sizeof id.bytes);
    for (size_t i = 1; i < 6; i++) {
        assert_int_equal(liminal_snapshot_entry(snapshot, i - 1, &before), LIMINAL_OK);
        assert_int_equal(liminal_snapshot_entry(snapshot, i, &it), LIMINAL_OK);
        assert_true(before.time.unix_ns <= it.time.unix_ns + apart_ns);
    }
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

static void asks_in_the_log(void **state)
{
    servant self = new_servant();
    liminal_snapshot *snapshot;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(ask_until(talk, "one", NULL, LONG), LIMINAL_OK);
    assert_int_equal(ask_until(talk, "silent", NULL, LONG), LIMINAL_ECANCELED);
    assert_int_equal(ask_until(talk, "two", NULL, LONG), LIMINAL_OK);
    snapshot = picture(talk);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 5);
    is_about(snapshot, 0, LIMINAL_LOG_SENT, "one");
    is_about(snapshot, 1, LIMINAL_LOG_RECEIVED, "one");
    is_about(snapshot, 2, LIMINAL_LOG_SENT, "silent");
    is_about(snapshot, 3, LIMINAL_LOG_SENT, "two");
    is_about(snapshot, 4, LIMINAL_LOG_RECEIVED, "two");
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

enum { THREADS = 4, EACH = 25 };

typedef struct worker {
    test_thread thread;
    liminal_conversation *talk;
    size_t number;
} worker;

static void work(void *argument)
{
    worker *self = argument;
    for (size_t i = 0; i < EACH; i++) {
        char text[32];
        liminal_envelope *message, *reply = NULL;
        (void)snprintf(text, sizeof text, "%zu", self->number * EACH + i);
        message = note(text);
        if (i % 2 == 0) {
            (void)test_check(liminal_conversation_ask(self->talk, &message, &reply, LONG) == LIMINAL_OK);
        } else {
            (void)test_check(liminal_conversation_send(self->talk, &message, LONG) == LIMINAL_OK);
            (void)test_check(liminal_conversation_receive(self->talk, &reply, LONG) == LIMINAL_OK);
        }
        liminal_envelope_drop(&message);
        liminal_envelope_drop(&reply);
    }
}

/* Whoever received it, and however: each envelope is in the log once as sent, and then once as received. */
static void received_once(void **state)
{
    servant self = new_servant();
    worker workers[THREADS];
    size_t sent[THREADS * EACH] = {0}, received[THREADS * EACH] = {0};
    liminal_summary summary;
    liminal_snapshot *snapshot;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    for (size_t i = 0; i < THREADS; i++) {
        workers[i] = (worker){.talk = talk, .number = i};
        test_thread_start(&workers[i].thread, work, &workers[i]);
    }
    for (size_t i = 0; i < THREADS; i++) {
        test_thread_join(&workers[i].thread);
    }
    snapshot = picture(talk);
    summary = liminal_snapshot_read(snapshot);
    assert_int_equal(summary.counts.sent, THREADS * EACH);
    assert_int_equal(summary.counts.received, THREADS * EACH);
    assert_int_equal(summary.log_count, 2 * THREADS * EACH);
    for (size_t i = 0; i < summary.log_count; i++) {
        liminal_log_entry it;
        unsigned number;
        assert_int_equal(liminal_snapshot_entry(snapshot, i, &it), LIMINAL_OK);
        assert_int_equal(sscanf(liminal_envelope_text(it.envelope), "%u", &number), 1);
        assert_true(number < THREADS * EACH);
        if (it.kind == LIMINAL_LOG_SENT) {
            assert_int_equal(received[number], 0);
            sent[number]++;
        } else {
            assert_int_equal(it.kind, LIMINAL_LOG_RECEIVED);
            received[number]++;
        }
    }
    for (size_t i = 0; i < THREADS * EACH; i++) {
        assert_int_equal(sent[i], 1);
        assert_int_equal(received[i], 1);
    }
    liminal_snapshot_drop(&snapshot);
    shut(&talk);
}

/* The bound keeps the newest entries and counts those it dropped, and what they held is released. */
static void bound_of_the_log(void **state)
{
    static const size_t bounds[] = {1, 4, 5, 64, 100};
    for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++) {
        liminal_config config = config_of(*state);
        liminal_summary summary;
        liminal_snapshot *snapshot;
        liminal_conversation *talk;
        char text[32];
        config.log_entries = bounds[b];
        config.mailbox_messages = LIMINAL_UNBOUNDED;
        open_house();
        talk = spawn(&config);
        for (size_t i = 0; i < 300; i++) {
            (void)snprintf(text, sizeof text, "%zu", i);
            put(talk, text);
        }
        snapshot = picture(talk);
        summary = liminal_snapshot_read(snapshot);
        assert_int_equal(summary.log_count, bounds[b]);
        assert_int_equal(summary.log_dropped, 300 - bounds[b]);
        assert_int_equal(summary.counts.sent, 300);
        for (size_t i = 0; i < bounds[b]; i++) {
            (void)snprintf(text, sizeof text, "%zu", 300 - bounds[b] + i);
            is_about(snapshot, i, LIMINAL_LOG_SENT, text);
        }
        liminal_snapshot_drop(&snapshot);
        shut(&talk);
    }
}

static void bound_by_default(void **state)
{
    static const size_t bounds[] = {0, LIMINAL_UNBOUNDED};
    for (size_t b = 0; b < 2; b++) {
        liminal_config config = config_of(*state);
        const size_t more = LIMINAL_DEFAULT_LOG_ENTRIES + 10;
        liminal_summary summary;
        liminal_snapshot *snapshot;
        liminal_conversation *talk;
        config.log_entries = bounds[b];
        config.mailbox_messages = LIMINAL_UNBOUNDED;
        open_house();
        talk = spawn(&config);
        for (size_t i = 0; i < more; i++) {
            put(talk, "x");
        }
        snapshot = picture(talk);
        summary = liminal_snapshot_read(snapshot);
        assert_int_equal(summary.log_count, bounds[b] == 0 ? LIMINAL_DEFAULT_LOG_ENTRIES : more);
        assert_int_equal(summary.log_dropped, bounds[b] == 0 ? 10 : 0);
        liminal_snapshot_drop(&snapshot);
        shut(&talk);
    }
}

/* A snapshot is a picture: what happens later is not in it, and it outlives everything. */
static void a_picture_stays(void **state)
{
    liminal_config config = config_of(*state);
    liminal_snapshot *first, *second;
    liminal_conversation *talk;
    config.log_entries = 3;
    config.name = "talk";
    open_house();
    talk = spawn(&config);
    put(talk, "one");
    first = picture(talk);
    put(talk, "two");
    put(talk, "three");
    second = picture(talk);
    put(talk, "four");
    get(talk, "one");
    shut(&talk);
    assert_int_equal(liminal_snapshot_read(first).log_count, 1);
    assert_int_equal(liminal_snapshot_read(first).counts.sent, 1);
    is_about(first, 0, LIMINAL_LOG_SENT, "one");
    assert_string_equal(liminal_snapshot_read(first).name, "talk");
    assert_int_equal(liminal_snapshot_read(first).phase, LIMINAL_PHASE_ACTIVE);
    assert_int_equal(liminal_snapshot_read(second).log_count, 3);
    assert_int_equal(liminal_snapshot_read(second).log_dropped, 0);
    is_about(second, 0, LIMINAL_LOG_SENT, "one");
    is_about(second, 2, LIMINAL_LOG_SENT, "three");
    liminal_snapshot_drop(&first);
    assert_null(first);
    liminal_snapshot_drop(&second);
    liminal_snapshot_drop(&second);
    liminal_snapshot_drop(NULL);
}

/* ---- counts ---------------------------------------------------------------------------------- */

static void counts(void **state)
{
    const variant *v = *state;
    servant self = new_servant();
    call holder;
    liminal_summary summary;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(v, &self);
    put(talk, "one");
    get(talk, "one");              /* received 1 */
    ask_gives(talk, "two", "two"); /* received 2 */
    put(talk, "silent");           /* silent 1 */
    assert_int_equal(ask_until(talk, "silent", NULL, LONG), LIMINAL_ECANCELED); /* silent 2 */
    hold(&holder, &self, talk, "hold", LONG);
    assert_int_equal(ask_until(talk, "three", NULL, liminal_deadline_in_ms(5)), LIMINAL_ETIMEDOUT); /* withdrawn 1 */
    test_gate_open(&self.go);
    got(&holder, "hold");              /* received 3 */
    ask_gives(talk, "fence", "fence"); /* received 4 */
    put(talk, "left");                 /* answered, and received by nobody yet */
    ask_gives(talk, "fence", "fence"); /* received 5 */
    summary = look(talk);
    assert_int_equal(summary.counts.received, 5);
    assert_int_equal(summary.counts.silent, 2);
    assert_int_equal(summary.counts.withdrawn, 1);
    assert_int_equal(summary.counts.late, 0);
    assert_int_equal(summary.counts.unfinished, 0);
    /* "hold and die" is begun and cut off; what waits behind it is never begun. */
    hold(&holder, &self, talk, "hold and die", LONG);
    put(talk, "four");
    put(talk, "five");
    test_gate_open(&self.go);
    joined(&holder, LIMINAL_EEXIT);
    test_gate_wait(&self.released);
    summary = look(talk);
    assert_int_equal(summary.phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(summary.counts.unfinished, 1);
    assert_int_equal(summary.counts.withdrawn, 3);
    assert_int_equal(summary.counts.received, 5);
    get(talk, "left");
    assert_int_equal(look(talk).counts.received, 6);
    shut(&talk);
}

/* The same for what a close cuts off: what was begun is unfinished, what was not is withdrawn. */
static void counts_of_a_close(void **state)
{
    servant self = new_servant();
    call holder;
    liminal_summary summary;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", LONG);
    put(talk, "one");
    put(talk, "two");
    assert_int_equal(look(talk).counts.sent, 3); /* a turn has come to all of them */
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    joined(&holder, LIMINAL_ECLOSED);
    summary = look(talk);
    assert_int_equal(summary.phase, LIMINAL_PHASE_CLOSED);
    assert_int_equal(summary.counts.sent, 3);
    assert_int_equal(summary.counts.received, 0);
    assert_int_equal(summary.counts.withdrawn, 2);
    assert_int_equal(summary.counts.unfinished, 1);
    test_gate_open(&self.go);
    test_gate_wait(&self.released);
    summary = look(talk);
    assert_int_equal(summary.counts.received, 0);
    assert_int_equal(summary.counts.withdrawn, 2);
    assert_int_equal(summary.counts.unfinished, 1);
    assert_int_equal(summary.counts.late, 0);
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

/* While the behaviour has the turn, no turn comes to what is accepted: it is withdrawn, and was never sent. */
static void counts_of_what_no_turn_came_to(void **state)
{
    servant self = new_servant();
    call holder;
    liminal_summary summary;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", LONG);
    put(talk, "one");
    put(talk, "two");
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    test_gate_open(&self.go);
    joined(&holder, LIMINAL_ECLOSED);
    summary = look(talk);
    assert_int_equal(summary.phase, LIMINAL_PHASE_CLOSED);
    assert_int_equal(summary.counts.sent, 1);
    assert_int_equal(summary.counts.withdrawn, 2);
    assert_int_equal(summary.counts.received, 0);
    assert_int_equal(summary.counts.unfinished, 1);
    assert_int_equal(summary.counts.late, 0);
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

/* In a buffer nothing is ever begun: what was accepted was sent before the end, or withdrawn by it. */
static void counts_of_a_closed_buffer(void **state)
{
    for (uint64_t accepted = 0; accepted < 100; accepted++) {
        liminal_config config = config_of(*state);
        liminal_summary summary;
        liminal_conversation *talk;
        open_house();
        talk = spawn(&config);
        for (uint64_t i = 0; i < accepted; i++) {
            put(talk, "one");
        }
        assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
        summary = look(talk);
        assert_int_equal(summary.phase, LIMINAL_PHASE_CLOSED);
        assert_int_equal(summary.counts.sent + summary.counts.withdrawn, accepted);
        assert_int_equal(summary.log_count, summary.counts.sent);
        for (uint64_t i = 0; i < summary.counts.sent; i++) {
            get(talk, "one"); /* what was sent is still there */
        }
        get_fails(talk, LONG, LIMINAL_ECLOSED);
        assert_int_equal(look(talk).counts.received, summary.counts.sent);
        shut(&talk);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        BOTH(order_of_the_log),
        FOUR(asks_in_the_log),
        FOUR(received_once),
        BOTH(bound_of_the_log),
        BOTH(bound_by_default),
        BOTH(a_picture_stays),
        FOUR(counts),
        THREADED(counts_of_a_close),
        INLINED(counts_of_what_no_turn_came_to),
        BOTH(counts_of_a_closed_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_allocations.c -- memory that is refused: the 1st, 2nd, 3rd ... allocation of each operation. */
#include "race/race.h"

#include <liminal/backend.h>

typedef struct world {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope *message;
    liminal_pid pid;
    /* What an operation gives. */
    union {
        liminal_supervisor *supervisor;
        liminal_conversation *conversation;
        liminal_envelope *envelope;
        liminal_snapshot *snapshot;
        liminal_notice *notice;
        void *any;
    } out;
    liminal_exit exit;
    const liminal_config *config;
    atomic_int released;
} world;

typedef liminal_status operation(world *w);

/* Refuse one allocation after the other until the operation succeeds. Before each try and after each
 * failure everything is as it was. Gives the number of failures. */
static int until_it_succeeds(world *w, operation *operate)
{
    liminal_envelope *message = w->message;
    size_t blocks = test_blocks();
    for (int n = 1;; n++) {
        liminal_status st;
        assert_true(n < 200);
        test_fail_nth((size_t)n);
        st = operate(w);
        test_fail_nth(0);
        if (st == LIMINAL_OK) {
            return n - 1;
        }
        assert_int_equal(st, LIMINAL_ENOMEM);
        assert_true(liminal_status_detail()[0] != '\0');
        assert_null(w->out.any);
        assert_ptr_equal(w->message, message);
        assert_int_equal(w->exit.pid.value, 0);
        assert_int_equal(atomic_load(&w->released), 0);
        /* A thread of a spawn that failed lets go of its share when it ends. */
        test_until(test_blocks() == blocks);
    }
}

static void release(void *self)
{
    atomic_fetch_add(&((world *)self)->released, 1);
}

static liminal_status echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .release = release};

static void begin(world *w)
{
    memset(w, 0, sizeof *w);
    w->supervisor = race_open();
}

/* An inline participant, so that all that is allocated is allocated on this thread. */
static void begin_inline(world *w)
{
    begin(w);
    w->conversation = race_spawn(w->supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    w->message = race_say("x");
}

static void end(world *w)
{
    liminal_envelope_drop(&w->message);
    liminal_conversation_drop(&w->conversation);
    (void)race_shutdown(&w->supervisor);
}

/* ---- starting ---- */

static liminal_status open_supervisor(world *w)
{
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    return liminal_supervisor_open(&options, &w->out.supervisor);
}

static void supervisor_open(void **state)
{
    world w = {.supervisor = NULL};
    (void)state;
    assert_int_equal(until_it_succeeds(&w, open_supervisor), 1);
    (void)race_shutdown(&w.out.supervisor);
}

static liminal_status spawn(world *w)
{
    return liminal_supervisor_spawn(w->supervisor, w->config, &w->out.conversation);
}

static void assert_census(const world *w, size_t conversations, size_t threads, size_t participants)
{
    liminal_census census;
    test_until(liminal_supervisor_census(w->supervisor).threads == threads);
    census = liminal_supervisor_census(w->supervisor);
    assert_int_equal(census.conversations, conversations);
    assert_int_equal(census.participants, participants);
}

/* The watched one comes last, so that its notice is refused when the others run already. */
static void supervisor_spawn(void **state)
{
    world w;
    liminal_conversation *other;
    liminal_participant people[3];
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 3,
                             .on_crash = LIMINAL_CRASH_FAIL, .name = "the same each time"};
    (void)state;
    begin(&w);
    other = race_spawn(w.supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    people[0] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &behaviour, .self = &w};
    people[1] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo()};
    people[2] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = liminal_conversation_pid(other)};
    w.config = &config;
    assert_true(until_it_succeeds(&w, spawn) >= 4); /* its block, the table of names, the notice */
    assert_int_equal(atomic_load(&w.released), 0);
    assert_census(&w, 2, 3, 3);
    liminal_conversation_drop(&w.out.conversation);
    liminal_conversation_drop(&other);
    end(&w);
    assert_int_equal(atomic_load(&w.released), 1);
}

/* So many that the registry grows on the way. */
static void supervisor_spawn_with_many(void **state)
{
    enum { MANY = 500 };
    static liminal_participant people[MANY];
    world w;
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = MANY,
                             .on_crash = LIMINAL_CRASH_FAIL};
    (void)state;
    begin(&w);
    for (int i = 0; i < MANY; i++) {
        people[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo(),
                                          .self = &people[i]};
    }
    w.config = &config;
    assert_true(until_it_succeeds(&w, spawn) > 5); /* the check of so many, its block, the registry and its growth */
    assert_census(&w, 1, 1, MANY);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(liminal_process_alive(w.supervisor, race_pid(w.out.conversation, i)));
    }
    liminal_conversation_drop(&w.out.conversation);
    end(&w);
}

static liminal_status spawn_behaviour(world *w)
{
    return liminal_supervisor_spawn_behaviour(w->supervisor, &behaviour, w, LIMINAL_CRASH_FAIL, &w->out.conversation);
}

static void supervisor_spawn_behaviour(void **state)
{
    world w;
    (void)state;
    begin(&w);
    assert_int_equal(until_it_succeeds(&w, spawn_behaviour), 3); /* its block, the registry's first entry */
    liminal_conversation_drop(&w.out.conversation);
    end(&w);
    assert_int_equal(atomic_load(&w.released), 1);
}

static liminal_status spawn_and_ask(world *w)
{
    return liminal_supervisor_ask_until(w->supervisor, &behaviour, w, &w->message, &w->out.envelope,
                                        liminal_deadline_never());
}

/* `self` is released each time, whatever comes of the ask. */
static void supervisor_ask_until(void **state)
{
    world w;
    int tries = 0;
    (void)state;
    begin(&w);
    w.message = race_say("x");
    for (liminal_status st = LIMINAL_ENOMEM; st != LIMINAL_OK;) {
        tries++;
        assert_true(tries < 100);
        test_fail_nth((size_t)tries);
        st = spawn_and_ask(&w);
        test_fail_nth(0);
        assert_true(st == LIMINAL_OK || st == LIMINAL_ENOMEM);
        assert_true((st == LIMINAL_OK) == (w.message == NULL));
        assert_true((st == LIMINAL_OK) == (w.out.envelope != NULL));
        assert_census(&w, 0, 0, 0); /* its threads have ended */
        assert_int_equal(atomic_load(&w.released), tries);
    }
    assert_true(tries >= 5); /* its block, the registry's first entry, and the request */
    assert_string_equal(liminal_envelope_text(w.out.envelope), "x");
    liminal_envelope_drop(&w.out.envelope);
    end(&w);
    assert_int_equal(atomic_load(&w.released), tries);
}

static void no_slot(void *self)
{
    (void)self;
}

static liminal_status no_send(void *self, liminal_envelope **message, liminal_deadline deadline)
{
    (void)self, (void)message, (void)deadline;
    return LIMINAL_ECLOSED;
}

static liminal_status no_close(void *self, liminal_deadline deadline)
{
    (void)self, (void)deadline;
    return LIMINAL_OK;
}

static liminal_status no_query(void *self, liminal_snapshot **out, liminal_deadline deadline)
{
    (void)self, (void)out, (void)deadline;
    return LIMINAL_ENOMEM;
}

static liminal_status open_conversation(world *w)
{
    static const liminal_backend backend = {LIMINAL_OPS(liminal_backend), .name = "none", .send = no_send,
                                            .receive = no_send, .close = no_close, .query = no_query,
                                            .release = no_slot};
    return liminal_conversation_open(&backend, w, test_allocator(), &w->out.conversation);
}

static void conversation_open(void **state)
{
    world w = {.supervisor = NULL};
    (void)state;
    assert_int_equal(until_it_succeeds(&w, open_conversation), 1);
    liminal_conversation_drop(&w.out.conversation);
}

/* ---- talking ---- */

static liminal_status send(world *w)
{
    return liminal_conversation_send(w->conversation, &w->message, liminal_deadline_never());
}

static liminal_status try_send(world *w)
{
    return liminal_conversation_try_send(w->conversation, &w->message);
}

/* A message matters more than its place in the log, which is counted as dropped. */
static void conversation_send(void **state)
{
    operation *const both[2] = {send, try_send};
    (void)state;
    for (int i = 0; i < 2; i++) {
        world w;
        liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .mailbox_messages = 1};
        liminal_envelope *reply = NULL;
        liminal_summary summary;
        begin(&w);
        w.message = race_say("x");
        assert_int_equal(liminal_supervisor_spawn(w.supervisor, &config, &w.conversation), LIMINAL_OK);
        assert_int_equal(until_it_succeeds(&w, both[i]), 1); /* the one place is given back each time */
        assert_null(w.message);
        summary = race_look(w.conversation);
        assert_int_equal(summary.counts.sent, 1);
        assert_int_equal(summary.log_dropped, 1);
        assert_int_equal(summary.log_count, 0);
        assert_int_equal(liminal_conversation_try_receive(w.conversation, &reply), LIMINAL_OK);
        assert_string_equal(liminal_envelope_text(reply), "x");
        liminal_envelope_drop(&reply);
        end(&w);
    }
}

static liminal_status ask(world *w)
{
    return liminal_conversation_ask(w->conversation, &w->message, &w->out.envelope, liminal_deadline_never());
}

static void conversation_ask(void **state)
{
    world w;
    liminal_summary summary;
    (void)state;
    begin_inline(&w);
    assert_int_equal(until_it_succeeds(&w, ask), 1);
    assert_null(w.message);
    assert_string_equal(liminal_envelope_text(w.out.envelope), "x");
    liminal_envelope_drop(&w.out.envelope);
    summary = race_look(w.conversation);
    assert_int_equal(summary.counts.sent, 1);
    assert_int_equal(summary.counts.received, 1);
    assert_int_equal(summary.log_dropped, 1); /* "sent"; there was memory again for "received" */
    assert_int_equal(summary.log_count, 1);
    end(&w);
}

static liminal_status receive(world *w)
{
    return liminal_conversation_receive(w->conversation, &w->out.envelope, liminal_deadline_never());
}

static void conversation_receive(void **state)
{
    world w;
    liminal_summary summary;
    (void)state;
    begin_inline(&w);
    test_fail_from(1); /* to wait takes memory, to look does not */
    assert_int_equal(receive(&w), LIMINAL_ENOMEM);
    assert_int_equal(liminal_conversation_try_receive(w.conversation, &w.out.envelope), LIMINAL_ETIMEDOUT);
    assert_null(w.out.envelope);
    test_fail_nth(0);
    assert_int_equal(send(&w), LIMINAL_OK);
    (void)race_look(w.conversation);
    test_fail_from(1);
    assert_int_equal(receive(&w), LIMINAL_OK); /* it is there: no need to wait */
    test_fail_nth(0);
    assert_string_equal(liminal_envelope_text(w.out.envelope), "x");
    liminal_envelope_drop(&w.out.envelope);
    summary = race_look(w.conversation);
    assert_int_equal(summary.counts.received, 1);
    end(&w);
}

static liminal_status close_it(world *w)
{
    return liminal_conversation_close(w->conversation, liminal_deadline_never());
}

static void conversation_close(void **state)
{
    world w;
    (void)state;
    begin_inline(&w);
    test_fail_nth(1);
    assert_int_equal(close_it(&w), LIMINAL_ENOMEM);
    assert_int_equal(race_look(w.conversation).phase, LIMINAL_PHASE_ACTIVE); /* nothing has begun */
    assert_int_equal(ask(&w), LIMINAL_OK);
    liminal_envelope_drop(&w.out.envelope);
    assert_int_equal(until_it_succeeds(&w, close_it), 1);
    assert_int_equal(race_look(w.conversation).phase, LIMINAL_PHASE_CLOSED);
    end(&w);
}

static liminal_status query(world *w)
{
    return liminal_conversation_query(w->conversation, &w->out.snapshot, liminal_deadline_never());
}

static void conversation_query(void **state)
{
    world w;
    (void)state;
    begin_inline(&w);
    assert_int_equal(until_it_succeeds(&w, query), 1);
    liminal_snapshot_drop(&w.out.snapshot);
    assert_int_equal(close_it(&w), LIMINAL_OK);
    /* Until it has come to rest a query takes memory for its wait, too. */
    test_until(limi_mailbox_is_idle(&race_talk(w.conversation)->actor.mailbox));
    assert_int_equal(until_it_succeeds(&w, query), 1);
    liminal_snapshot_drop(&w.out.snapshot);
    end(&w);
}

/* ---- processes ---- */

static void note(void *self, const liminal_exit *exit)
{
    (void)exit;
    release(self);
}

static liminal_status notify(world *w)
{
    return liminal_process_notify(w->supervisor, w->pid, note, w, &w->out.notice);
}

static void process_notify(void **state)
{
    world w;
    (void)state;
    begin_inline(&w);
    w.pid = liminal_conversation_pid(w.conversation);
    assert_int_equal(until_it_succeeds(&w, notify), 1);
    assert_int_equal(close_it(&w), LIMINAL_OK);
    assert_int_equal(atomic_load(&w.released), 1); /* fired once, and none of those that failed */
    assert_int_equal(liminal_notice_cancel(&w.out.notice, liminal_deadline_never()), LIMINAL_OK);
    end(&w);
}

static liminal_status wait_for_exit(world *w)
{
    return liminal_process_wait(w->supervisor, w->pid, &w->exit, liminal_deadline_never());
}

static void process_wait(void **state)
{
    world w;
    (void)state;
    begin_inline(&w);
    w.pid = liminal_conversation_pid(w.conversation);
    assert_int_equal(close_it(&w), LIMINAL_OK);
    assert_int_equal(until_it_succeeds(&w, wait_for_exit), 1);
    assert_int_equal(w.exit.pid.value, w.pid.value);
    assert_int_equal(w.exit.reason.kind, LIMINAL_EXIT_NORMAL);
    end(&w);
}

/* ---- envelopes and configs ---- */

static liminal_status create(world *w)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    return liminal_envelope_create("text", 4, &options, &w->out.envelope);
}

static liminal_status adopt(world *w)
{
    static char text[] = "text";
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    void *data = text;
    liminal_status st = liminal_envelope_adopt(&data, 4, NULL, NULL, &options, &w->out.envelope);
    assert_true((data == NULL) == (st == LIMINAL_OK));
    return st;
}

static liminal_status format(world *w, const char *text, ...) LIMINAL_PRINTF(2, 3);

static liminal_status format(world *w, const char *text, ...)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_status st;
    va_list arguments;
    va_start(arguments, text);
    st = liminal_envelope_vprintf(&w->out.envelope, &options, text, arguments);
    va_end(arguments);
    return st;
}

static liminal_status vprint(world *w)
{
    return format(w, "%s", "text");
}

static void envelopes(void **state)
{
    operation *const all[3] = {create, adopt, vprint};
    (void)state;
    for (int i = 0; i < 3; i++) {
        world w = {.supervisor = NULL};
        assert_true(until_it_succeeds(&w, all[i]) >= 1);
        assert_string_equal(liminal_envelope_text(w.out.envelope), "text");
        liminal_envelope_drop(&w.out.envelope);
    }
}

/* ---- no memory at all ---- */

static liminal_status give_an_error(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    return LIMINAL_EINVAL;
}

/* What an exit needs was allocated with the participant; and what only lets go never asks for memory. */
static void an_exit_is_not_lost_for_want_of_memory(void **state)
{
    static const liminal_behaviour failing = {LIMINAL_OPS(liminal_behaviour), .answer = give_an_error,
                                              .release = release};
    const liminal_participant_kind kinds[2] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};
    (void)state;
    for (int i = 0; i < 2; i++) {
        world w;
        liminal_report report;
        liminal_status closed;
        liminal_summary summary;
        begin(&w);
        w.conversation = race_spawn(w.supervisor, kinds[i], &failing, &w);
        w.message = race_say("x");
        test_fail_from(2); /* the request gets its memory, nothing after it does */
        assert_int_equal(ask(&w), LIMINAL_EEXIT);
        assert_null(w.message);
        assert_string_equal(liminal_status_detail(), "participant exited: error 1");
        w.message = NULL;
        assert_int_equal(receive(&w), LIMINAL_EEXIT); /* and again without any */
        assert_int_equal(query(&w), LIMINAL_ENOMEM);
        assert_null(w.out.snapshot);
        test_fail_nth(0);
        summary = race_look(w.conversation);
        test_fail_from(1);
        assert_int_equal(summary.phase, LIMINAL_PHASE_FAILED);
        assert_int_equal(summary.counts.unfinished, 1);
        assert_int_equal(summary.log_count, 0);
        assert_int_equal(summary.log_dropped, 3); /* sent, exited, failed */
        closed = close_it(&w);
        assert_true(closed == LIMINAL_ENOMEM || closed == LIMINAL_OK); /* with the ask's request, if it is free */
        liminal_conversation_drop(&w.conversation);
        report = race_shutdown(&w.supervisor);
        assert_int_equal(report.handles, 0);
        assert_int_equal(report.running, 0);
        assert_int_equal(atomic_load(&w.released), 1);
        assert_int_equal(test_blocks(), 0);
        test_fail_nth(0);
    }
}

static void a_shutdown_takes_no_memory(void **state)
{
    world w;
    (void)state;
    begin_inline(&w);
    assert_int_equal(send(&w), LIMINAL_OK);
    test_fail_from(1);
    assert_int_equal(race_shutdown(&w.supervisor).conversations, 1); /* what was accepted is still handled */
    assert_int_equal(receive(&w), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(w.out.envelope), "x");
    assert_int_equal(liminal_conversation_receive(w.conversation, &w.message, liminal_deadline_never()),
                     LIMINAL_ECLOSED);
    test_fail_nth(0);
    liminal_envelope_drop(&w.out.envelope);
    liminal_conversation_drop(&w.conversation);
    assert_int_equal(test_blocks(), 0);
}

/* Everything is refused, then nothing: each operation works as if it had been the first time. */
static void after_the_drought(void **state)
{
    world w;
    (void)state;
    begin_inline(&w);
    for (int i = 0; i < 3; i++) {
        test_fail_from(1);
        assert_int_equal(send(&w), LIMINAL_ENOMEM);
        assert_int_equal(ask(&w), LIMINAL_ENOMEM);
        assert_int_equal(query(&w), LIMINAL_ENOMEM);
        assert_int_equal(close_it(&w), LIMINAL_ENOMEM);
        assert_int_equal(spawn_behaviour(&w), LIMINAL_ENOMEM);
        assert_int_equal(open_supervisor(&w), LIMINAL_ENOMEM);
        assert_int_equal(create(&w), LIMINAL_ENOMEM);
        assert_null(w.out.any);
        assert_non_null(w.message);
        assert_census(&w, 1, 1, 1);
        test_fail_nth(0);
    }
    assert_int_equal(ask(&w), LIMINAL_OK);
    liminal_envelope_drop(&w.out.envelope);
    assert_int_equal(race_look(w.conversation).counts.sent, 1);
    end(&w);
    assert_int_equal(atomic_load(&w.released), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(supervisor_open),
        TEST(supervisor_spawn),
        TEST(supervisor_spawn_with_many),
        TEST(supervisor_spawn_behaviour),
        TEST(supervisor_ask_until),
        TEST(conversation_open),
        TEST(conversation_send),
        TEST(conversation_ask),
        TEST(conversation_receive),
        TEST(conversation_close),
        TEST(conversation_query),
        TEST(process_notify),
        TEST(process_wait),
        TEST(envelopes),
        TEST(an_exit_is_not_lost_for_want_of_memory),
        TEST(a_shutdown_takes_no_memory),
        TEST(after_the_drought),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

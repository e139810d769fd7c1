/* SPDX-License-Identifier: MIT */
/* test_notice_against_death.c -- an exit notice is registered, or cancelled, as the process exits. */
#include "race/race.h"

static liminal_status die(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_CODE, 3});
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = die};

typedef struct witness {
    atomic_int fired;
    liminal_exit exit;
    pthread_t by;
    test_gate told;
} witness;

static void witness_it(void *self, const liminal_exit *exit)
{
    witness *w = self;
    w->exit = *exit;
    w->by = pthread_self();
    atomic_fetch_add(&w->fired, 1);
    test_gate_open(&w->told);
}

static void init_witness(witness *w)
{
    memset(w, 0, sizeof *w);
    test_gate_init(&w->told);
}

static void kill(liminal_conversation *conversation)
{
    liminal_envelope *message = race_say("x");
    (void)test_check(liminal_conversation_try_send(conversation, &message) == LIMINAL_OK);
}

static void assert_exit(const witness *w, liminal_pid pid)
{
    assert_int_equal(atomic_load(&w->fired), 1);
    assert_int_equal(w->exit.pid.value, pid.value);
    assert_int_equal(w->exit.reason.kind, LIMINAL_EXIT_CODE);
    assert_int_equal(w->exit.reason.code, 3);
}

static void before_and_after_say_the_same(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, NULL);
    liminal_pid pid = race_pid(conversation, 0);
    liminal_notice *notice = NULL;
    liminal_exit waited;
    witness early, late;
    (void)state;
    init_witness(&early);
    init_witness(&late);
    assert_true(liminal_process_alive(supervisor, pid));
    assert_int_equal(liminal_process_wait(supervisor, pid, &waited, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_process_notify(supervisor, pid, witness_it, &early, NULL), LIMINAL_OK);
    kill(conversation);
    test_gate_wait(&early.told);
    assert_exit(&early, pid);
    assert_false(pthread_equal(early.by, pthread_self()));
    assert_false(liminal_process_alive(supervisor, pid));
    assert_int_equal(liminal_process_notify(supervisor, pid, witness_it, &late, &notice), LIMINAL_OK);
    assert_exit(&late, pid); /* before the call returned, here */
    assert_true(pthread_equal(late.by, pthread_self()));
    assert_int_equal(late.exit.seen.unix_ns, early.exit.seen.unix_ns); /* the recorded instant */
    assert_int_equal(late.exit.seen_ns.ns, early.exit.seen_ns.ns);
    assert_int_equal(liminal_notice_cancel(&notice, liminal_deadline_passed()), LIMINAL_OK);
    assert_null(notice);
    assert_int_equal(liminal_process_wait(supervisor, pid, &waited, liminal_deadline_passed()), LIMINAL_OK);
    assert_int_equal(waited.seen_ns.ns, early.exit.seen_ns.ns);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
    assert_int_equal(atomic_load(&early.fired) + atomic_load(&late.fired), 2);
}

/* ---- the races ---- */

typedef struct killer {
    liminal_conversation *conversation;
    race_line line;
    int64_t moment;
    test_thread thread;
} killer;

static void kill_on_the_line(void *argument)
{
    killer *k = argument;
    race_cross(&k->line, k->moment);
    kill(k->conversation);
}

/* Everyone who is born, races, and is gone before the next round. */
static void race_of(liminal_participant_kind kind, int64_t most,
                    int (*run)(liminal_supervisor *supervisor, liminal_pid pid, killer *k, int64_t rest))
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    while (race_goes_on(&r)) {
        int64_t longest = race_most(&r, most);
        killer k = {.line = {0}, .moment = race_moment(&r, longest)};
        k.conversation = race_spawn(supervisor, kind, &behaviour, NULL);
        test_thread_start(&k.thread, kill_on_the_line, &k);
        r.seen[run(supervisor, race_pid(k.conversation, 0), &k, longest - k.moment)]++;
        test_thread_join(&k.thread);
        liminal_conversation_drop(&k.conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* 1 if it was dead already when it was registered. */
static int register_one(liminal_supervisor *supervisor, liminal_pid pid, killer *k, int64_t rest)
{
    witness w;
    bool here;
    init_witness(&w);
    race_cross(&k->line, rest);
    assert_int_equal(liminal_process_notify(supervisor, pid, witness_it, &w, NULL), LIMINAL_OK);
    test_gate_wait(&w.told); /* there is no window in which it is lost */
    assert_exit(&w, pid);
    here = pthread_equal(w.by, pthread_self()) != 0;
    assert_false(test_gate_try(&w.told)); /* nor told twice */
    return here;
}

static void a_notice_fires_exactly_once(void **state)
{
    (void)state;
    race_of(LIMINAL_PARTICIPANT_THREAD, 30000, register_one);
}

/* 1 if the notice had fired; if not, it never does. */
static int cancel_one(liminal_supervisor *supervisor, liminal_pid pid, killer *k, int64_t rest)
{
    liminal_notice *notice = NULL;
    liminal_exit seen;
    witness w;
    int fired;
    init_witness(&w);
    assert_int_equal(liminal_process_notify(supervisor, pid, witness_it, &w, &notice), LIMINAL_OK);
    race_cross(&k->line, rest);
    assert_int_equal(liminal_notice_cancel(&notice, liminal_deadline_never()), LIMINAL_OK);
    assert_null(notice);
    fired = atomic_load(&w.fired);
    assert_int_equal(liminal_process_wait(supervisor, pid, &seen, liminal_deadline_never()), LIMINAL_OK);
    /* Our wait came after that notice, so whoever fires them has been at it, if it ever was. */
    assert_int_equal(atomic_load(&w.fired), fired);
    assert_true(fired <= 1);
    return fired;
}

static void a_cancelled_notice_does_not_run_any_more(void **state)
{
    (void)state;
    race_of(LIMINAL_PARTICIPANT_THREAD, 30000, cancel_one);
    race_of(LIMINAL_PARTICIPANT_INLINE, 30000, cancel_one);
}

/* 1 if the exit came in time. */
static int wait_for_it(liminal_supervisor *supervisor, liminal_pid pid, killer *k, int64_t rest)
{
    liminal_exit seen;
    liminal_status st;
    race_cross(&k->line, 0);
    st = liminal_process_wait(supervisor, pid, &seen, liminal_deadline_in_ns(rest + 5000));
    if (st == LIMINAL_OK) {
        assert_int_equal(seen.pid.value, pid.value);
        assert_int_equal(seen.reason.code, 3);
        return 1;
    }
    assert_int_equal(st, LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_process_wait(supervisor, pid, &seen, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(seen.reason.code, 3);
    return 0;
}

static void a_wait_ends_with_the_exit_or_the_deadline(void **state)
{
    (void)state;
    race_of(LIMINAL_PARTICIPANT_THREAD, 60000, wait_for_it);
}

/* ---- a watched process that dies while it is being taken in ---- */

static void watching_one_that_dies(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 60000);
        killer k = {.line = {0}, .moment = race_moment(&r, most)};
        liminal_participant watched = {.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "other"};
        liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &watched, .participant_count = 1,
                                 .on_crash = LIMINAL_CRASH_FAIL};
        liminal_conversation *watcher = NULL;
        liminal_status st;
        k.conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, NULL);
        watched.pid = race_pid(k.conversation, 0);
        test_thread_start(&k.thread, kill_on_the_line, &k);
        race_cross(&k.line, most - k.moment);
        st = liminal_supervisor_spawn(supervisor, &config, &watcher);
        if (st == LIMINAL_OK) { /* it lived, so its exit is heard of */
            liminal_envelope *reply = NULL;
            assert_int_equal(liminal_conversation_receive(watcher, &reply, liminal_deadline_never()), LIMINAL_EEXIT);
            assert_string_equal(liminal_status_detail(), "other exited: exit code 3");
        } else {
            assert_int_equal(st, LIMINAL_ENOPROC);
            assert_null(watcher);
        }
        r.seen[st != LIMINAL_OK]++;
        test_thread_join(&k.thread);
        liminal_conversation_drop(&watcher);
        liminal_conversation_drop(&k.conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

typedef struct nosy {
    liminal_conversation *conversation;
    liminal_status closed;
    test_gate told;
} nosy;

static void close_in_notice(void *self, const liminal_exit *exit)
{
    nosy *n = self;
    (void)exit;
    n->closed = liminal_conversation_close(n->conversation, liminal_deadline_never());
    test_gate_open(&n->told);
}

static void a_notice_of_an_inline_one_may_close(void **state)
{
    liminal_supervisor *supervisor = race_open();
    nosy n = {.closed = LIMINAL_EINVAL, .told = TEST_GATE_INIT};
    (void)state;
    n.conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, &behaviour, NULL);
    assert_int_equal(liminal_process_notify(supervisor, race_pid(n.conversation, 0), close_in_notice, &n, NULL),
                     LIMINAL_OK);
    kill(n.conversation);
    test_gate_wait(&n.told);
    assert_int_equal(n.closed, LIMINAL_OK);
    liminal_conversation_drop(&n.conversation);
    (void)race_shutdown(&supervisor);
}

typedef struct stubborn {
    liminal_conversation *conversation;
    liminal_deadline deadline;
    pthread_t by; /* who has ended it */
    test_gate begun, go, in_notice, leave, closed;
    test_thread thread;
} stubborn;

static void stay(void *self, const liminal_exit *exit)
{
    stubborn *s = self;
    (void)exit;
    s->by = pthread_self();
    test_gate_open(&s->in_notice);
    test_gate_wait(&s->leave);
}

static liminal_status echo_when_told(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    stubborn *s = self;
    test_gate_open(&s->begun);
    test_gate_wait(&s->go);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void close_soon(void *argument)
{
    stubborn *s = argument;
    (void)test_check(liminal_conversation_close(s->conversation, s->deadline) == LIMINAL_OK);
    test_gate_open(&s->closed);
}

static bool is_among_the_closers(liminal_conversation *conversation)
{
    limi_talk *talk = race_talk(conversation);
    bool is;
    limi_mutex_lock(&talk->lock);
    is = !limi_list_empty(&talk->dialogue.closers);
    limi_mutex_unlock(&talk->lock);
    return is;
}

/* False: that much was no time at all, and so the closer was the one who ended it. */
static bool does_not_outwait(uint32_t ms)
{
    static const liminal_behaviour gated = {LIMINAL_OPS(liminal_behaviour), .answer = echo_when_told};
    liminal_supervisor *supervisor = race_open();
    stubborn s = {.begun = TEST_GATE_INIT, .go = TEST_GATE_INIT, .in_notice = TEST_GATE_INIT, .leave = TEST_GATE_INIT,
                  .closed = TEST_GATE_INIT};
    bool by_another;
    s.conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &gated, &s);
    assert_int_equal(liminal_process_notify(supervisor, liminal_conversation_pid(s.conversation), stay, &s, NULL),
                     LIMINAL_OK);
    kill(s.conversation); /* a message like any other, here */
    test_gate_wait(&s.begun);
    s.deadline = liminal_deadline_in_ms(ms);
    test_thread_start(&s.thread, close_soon, &s);
    test_until(is_among_the_closers(s.conversation) || liminal_deadline_remaining_ns(s.deadline) == 0);
    test_gate_open(&s.go);
    test_gate_wait(&s.in_notice);
    by_another = pthread_equal(s.by, s.thread.thread) == 0;
    if (by_another) {
        test_gate_wait(&s.closed); /* never comes: the deadline has no effect any more */
    }
    test_gate_open(&s.leave);
    test_thread_join(&s.thread);
    liminal_conversation_drop(&s.conversation);
    (void)race_shutdown(&supervisor);
    return by_another;
}

/* "Return once closed, or at `deadline` at the latest" (backend.h). */
static void a_close_does_not_outwait_its_deadline(void **state)
{
    uint32_t ms = 500;
    (void)state;
    do {
        ms *= 2;
        assert_true(ms < 10000);
    } while (!does_not_outwait(ms));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(before_and_after_say_the_same),
        TEST(a_notice_fires_exactly_once),
        TEST(a_cancelled_notice_does_not_run_any_more),
        TEST(a_wait_ends_with_the_exit_or_the_deadline),
        TEST(watching_one_that_dies),
        TEST(a_notice_of_an_inline_one_may_close),
        TEST(a_close_does_not_outwait_its_deadline),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

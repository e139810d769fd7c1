/* SPDX-License-Identifier: MIT */
/* test_fork.c -- in a forked child every call says so; what the library's threads are like. */
#define _GNU_SOURCE

#include "supervisor_kit.h"

/* ---- fork ---- */

/* What a child looks at. Made before the fork, for the child makes nothing with what it inherited. */
typedef struct heritage {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope *message;
    liminal_notice *notice, *other;
    liminal_pid actor, worker;
    part unused;
} heritage;

/* Past the sanitizers, which would take the parent's threads for leaks of the child. */
static void child_leaves(int code)
{
    (void)syscall(SYS_exit_group, code);
}

#define CHILD(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            dprintf(2, "child: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            child_leaves(1);                                                  \
        }                                                                     \
    } while (0)

static void never_called(void *self, const liminal_exit *end)
{
    (void)self;
    CHILD(end == NULL); /* no notice fires in a child */
}

static void child_looks_at_supervisor(heritage *h)
{
    liminal_deadline never = liminal_deadline_never();
    liminal_conversation *out = NULL;
    liminal_envelope *reply = NULL;
    liminal_exit end;
    liminal_notice *notice = NULL;
    liminal_config config = config_of(NULL, 0);
    liminal_census census = liminal_supervisor_census(h->supervisor);
    CHILD(census.conversations == 0 && census.threads == 0 && census.participants == 0);
    CHILD(liminal_supervisor_spawn(h->supervisor, &config, &out) == LIMINAL_EFORKED);
    CHILD(liminal_status_detail()[0] != '\0');
    CHILD(liminal_supervisor_spawn_behaviour(h->supervisor, &parting, &h->unused, LIMINAL_CRASH_FAIL, &out) ==
          LIMINAL_EFORKED);
    CHILD(liminal_supervisor_ask(h->supervisor, &parting, &h->unused, &h->message, &reply) == LIMINAL_EFORKED);
    CHILD(liminal_supervisor_ask_until(h->supervisor, &parting, &h->unused, &h->message, &reply, never) ==
          LIMINAL_EFORKED);
    CHILD(liminal_supervisor_find(h->supervisor, h->actor, &out) == LIMINAL_EFORKED);
    CHILD(liminal_supervisor_find_name(h->supervisor, "parent", &out) == LIMINAL_EFORKED);
    CHILD(!liminal_process_alive(h->supervisor, h->actor));
    CHILD(!liminal_process_alive(h->supervisor, h->worker));
    CHILD(liminal_process_notify(h->supervisor, h->worker, never_called, NULL, &notice) == LIMINAL_EFORKED);
    CHILD(liminal_process_wait(h->supervisor, h->worker, &end, never) == LIMINAL_EFORKED);
    CHILD(out == NULL && reply == NULL && notice == NULL && h->message != NULL);
    CHILD(h->unused.starts == 0 && h->unused.releases == 2); /* by the two asks, which always release it */
}

static void child_looks_at_conversation(heritage *h)
{
    liminal_deadline never = liminal_deadline_never();
    liminal_envelope *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    CHILD(liminal_conversation_send(h->conversation, &h->message, never) == LIMINAL_EFORKED);
    CHILD(liminal_conversation_try_send(h->conversation, &h->message) == LIMINAL_EFORKED);
    CHILD(liminal_conversation_receive(h->conversation, &reply, never) == LIMINAL_EFORKED);
    CHILD(liminal_conversation_try_receive(h->conversation, &reply) == LIMINAL_EFORKED);
    CHILD(liminal_conversation_ask(h->conversation, &h->message, &reply, never) == LIMINAL_EFORKED);
    CHILD(liminal_conversation_close(h->conversation, never) == LIMINAL_EFORKED);
    CHILD(liminal_conversation_query(h->conversation, &snapshot, never) == LIMINAL_EFORKED);
    CHILD(reply == NULL && snapshot == NULL && h->message != NULL);
    CHILD(liminal_conversation_pid(h->conversation).value == h->actor.value);
    {
        liminal_trace_context trace = liminal_conversation_trace(h->conversation);
        CHILD(liminal_trace_valid(&trace));
    }
    CHILD(liminal_conversation_ref(h->conversation) == h->conversation);
}

static void child_lets_go(heritage *h)
{
    liminal_conversation *second = h->conversation;
    liminal_status status = liminal_notice_cancel(&h->notice, liminal_deadline_never());
    CHILD(status == LIMINAL_OK || status == LIMINAL_EFORKED);
    liminal_notice_drop(&h->other);
    CHILD(h->other == NULL);
    liminal_conversation_drop(&second);
    liminal_conversation_drop(&h->conversation);
    CHILD(second == NULL && h->conversation == NULL);
    liminal_envelope_drop(&h->message);
    CHILD(liminal_supervisor_shutdown(&h->supervisor, NULL, liminal_deadline_never()) == LIMINAL_EFORKED);
    CHILD(h->supervisor == NULL);
}

/* The library is new to the child: it may open a supervisor of its own. */
static void child_starts_anew(void)
{
    liminal_supervisor *own = NULL;
    liminal_conversation *c = NULL;
    liminal_envelope *request = NULL, *reply = NULL;
    liminal_report report;
    CHILD(liminal_supervisor_open(NULL, &own) == LIMINAL_OK);
    if (UNDER_TSAN) { /* which can't start a thread in the child of a process with threads */
        CHILD(liminal_supervisor_shutdown(&own, NULL, liminal_deadline_never()) == LIMINAL_OK);
        return;
    }
    CHILD(liminal_envelope_printf(&request, "anew") == LIMINAL_OK);
    CHILD(liminal_supervisor_ask(own, liminal_behaviour_echo(), NULL, &request, &reply) == LIMINAL_OK);
    CHILD(strcmp(liminal_envelope_text(reply), "anew") == 0);
    liminal_envelope_drop(&reply);
    CHILD(liminal_supervisor_spawn_behaviour(own, liminal_behaviour_echo(), NULL, LIMINAL_CRASH_FAIL, &c) ==
          LIMINAL_OK);
    CHILD(liminal_envelope_printf(&request, "again") == LIMINAL_OK);
    CHILD(liminal_conversation_ask(c, &request, &reply, liminal_deadline_never()) == LIMINAL_OK);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&c);
    CHILD(liminal_supervisor_shutdown(&own, &report, liminal_deadline_never()) == LIMINAL_OK);
    CHILD(report.threads >= 2 && report.threads <= 4 && report.running == 0); /* some are used again */
}

/* Fork and say whether the child was content. Not one assertion here: it runs inside behaviours too. */
static bool fork_and_look(heritage *h)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(15); /* a child that hangs is a failure, not a wait */
        child_looks_at_supervisor(h);
        child_looks_at_conversation(h);
        if (UNDER_ASAN) { /* whose allocator's locks a child inherits as they were */
            child_leaves(0);
        }
        child_starts_anew();
        child_looks_at_conversation(h); /* its own one has changed nothing */
        child_lets_go(h);
        child_leaves(0);
    }
    return test_check(child > 0) && test_check(waitpid(child, &status, 0) == child) && test_check(status == 0);
}

static void nothing_to_do(void *self, const liminal_exit *end)
{
    (void)end;
    atomic_fetch_add((atomic_int *)self, 1);
}

static void bequeath(heritage *h, liminal_supervisor *supervisor, liminal_conversation *conversation,
                     atomic_int *notices)
{
    memset(h, 0, sizeof *h);
    part_init(&h->unused);
    h->supervisor = supervisor;
    h->conversation = conversation;
    h->actor = liminal_conversation_pid(conversation);
    h->worker = participant_pid(conversation, 0);
    h->message = say("inherited");
    assert_int_equal(liminal_process_notify(supervisor, h->worker, nothing_to_do, notices, &h->notice), LIMINAL_OK);
    assert_int_equal(liminal_process_notify(supervisor, h->actor, nothing_to_do, notices, &h->other), LIMINAL_OK);
}

static void let_go(heritage *h)
{
    liminal_conversation_drop(&h->conversation);
    liminal_notice_drop(&h->notice);
    liminal_notice_drop(&h->other);
    liminal_envelope_drop(&h->message);
    shut(&h->supervisor);
}

static void test_fork(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *c;
    atomic_int notices = 0;
    heritage h;
    part p;
    (void)state;
    part_init(&p);
    c = spawn_one(supervisor, threaded(&p), "parent");
    assert_int_equal(ask_text(c, "before"), LIMINAL_OK);
    bequeath(&h, supervisor, c, &notices);
    assert_true(fork_and_look(&h));
    assert_int_equal(ask_text(c, "after"), LIMINAL_OK); /* the parent did not notice */
    assert_true(fork_and_look(&h));
    assert_int_equal(notices, 0);
    let_go(&h);
    assert_int_equal(notices, 2);
    assert_int_equal(p.releases, 1);
}

/* A closed and a failed conversation are of the parent too. */
static void test_fork_with_what_is_over(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    atomic_int notices = 0;
    part p;
    (void)state;
    part_init(&p);
    for (int i = 0; i < 2; i++) {
        liminal_conversation *c = spawn_one(supervisor, threaded(&p), "parent");
        heritage h;
        if (i == 0) {
            assert_int_equal(ask_text(c, "fail"), LIMINAL_EEXIT);
        } else {
            assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
        }
        bequeath(&h, supervisor, c, &notices);
        assert_true(fork_and_look(&h));
        liminal_conversation_drop(&h.conversation);
        liminal_notice_drop(&h.notice);
        liminal_notice_drop(&h.other);
        liminal_envelope_drop(&h.message);
    }
    shut(&supervisor);
}

typedef struct busy {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    atomic_bool over;
    atomic_int turns;
    test_gate running;
} busy;

static void keep_busy(void *argument)
{
    busy *b = argument;
    for (int i = 0; !b->over; i++) {
        liminal_envelope *request = say("busy"), *reply = NULL;
        liminal_conversation *own = NULL;
        (void)test_check(ask_text(b->conversation, "busy") == LIMINAL_OK);
        (void)test_check(liminal_supervisor_spawn_behaviour(b->supervisor, liminal_behaviour_echo(), NULL,
                                                            LIMINAL_CRASH_FAIL, &own) == LIMINAL_OK);
        (void)test_check(liminal_conversation_ask(own, &request, &reply, liminal_deadline_never()) == LIMINAL_OK);
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
        liminal_conversation_drop(&own);
        atomic_fetch_add(&b->turns, 1);
        if (i == 0) {
            test_gate_open(&b->running);
        }
    }
}

static void test_fork_while_the_parent_is_busy(void **state)
{
    enum { THREADS = 3, FORKS = 10 };
    test_thread threads[THREADS];
    busy b = {.running = TEST_GATE_INIT};
    atomic_int notices = 0;
    heritage h;
    part p;
    (void)state;
    if (UNDER_TSAN) { /* a child may find a lock of TSan's own allocator held, for ever */
        skip();
    }
    part_init(&p);
    b.supervisor = open_plain();
    b.conversation = spawn_one(b.supervisor, inlined(&p), "parent");
    bequeath(&h, b.supervisor, b.conversation, &notices);
    for (size_t i = 0; i < THREADS; i++) {
        test_thread_start(&threads[i], keep_busy, &b);
    }
    for (size_t i = 0; i < THREADS; i++) {
        test_gate_wait(&b.running);
    }
    for (int i = 0; i < FORKS; i++) {
        (void)test_check(fork_and_look(&h));
    }
    b.over = true;
    for (size_t i = 0; i < THREADS; i++) {
        test_thread_join(&threads[i]);
    }
    let_go(&h);
    assert_int_equal(notices, 2);
    assert_int_equal(p.releases, 1);
}

static liminal_status fork_in_answer(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    (void)test_check(fork_and_look(p->context));
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

/* The forking thread is one of the library's, with the library's frames below it. */
static void test_fork_inside_a_behaviour(void **state)
{
    (void)state;
    if (UNDER_TSAN) { /* a child may find a lock of TSan's own allocator held, for ever */
        skip();
    }
    for (int i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_participant participant;
        liminal_config config;
        liminal_conversation *c = NULL;
        atomic_int notices = 0;
        heritage h;
        part p;
        part_init(&p);
        p.act = fork_in_answer;
        p.context = &h;
        participant = i % 2 == 0 ? threaded(&p) : inlined(&p);
        config = config_of(&participant, 1);
        config.name = "parent";
        config.dispatch = i < 2 ? LIMINAL_DISPATCH_ASSISTED : LIMINAL_DISPATCH_PINNED;
        config.stack_bytes = MIB;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &c), LIMINAL_OK);
        bequeath(&h, supervisor, c, &notices);
        assert_int_equal(ask_text(c, "fork"), LIMINAL_OK);
        assert_int_equal(p.answers, 1);
        let_go(&h);
        assert_int_equal(notices, 2);
        assert_int_equal(p.releases, 1);
        test_threads_begin();
    }
}

/* ---- the library's threads ---- */

typedef struct looks {
    char name[16];
    int unblocked; /* a signal that is not, 0 if all are */
    int cancel;
    bool on_test_thread;
    pthread_t test_thread;
} looks;

static liminal_status look_at_thread(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    looks *l = p->context;
    sigset_t mask;
    int unused;
    (void)sigemptyset(&mask);
    (void)test_check(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0);
    l->unblocked = 0;
    for (int s = 1; s <= SIGRTMAX; s++) {
        bool reserved = s == SIGKILL || s == SIGSTOP || (s > SIGSYS && s < SIGRTMIN); /* the C library's */
        if (!reserved && sigismember(&mask, s) != 1) {
            l->unblocked = s;
        }
    }
    (void)test_check(pthread_getname_np(pthread_self(), l->name, sizeof l->name) == 0);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &l->cancel);
    (void)pthread_setcancelstate(l->cancel, &unused);
    l->on_test_thread = pthread_equal(pthread_self(), l->test_thread) != 0;
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void look_at(liminal_participant_kind kind, const char *name, const char *participant_name, looks *l)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_participant participant;
    liminal_config config;
    liminal_conversation *c = NULL;
    part p;
    part_init(&p);
    memset(l, 0, sizeof *l);
    l->test_thread = pthread_self();
    p.act = look_at_thread;
    p.context = l;
    participant = threaded(&p);
    participant.kind = kind;
    participant.name = participant_name;
    config = config_of(&participant, 1);
    config.name = name;
    config.dispatch = LIMINAL_DISPATCH_PINNED;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &c), LIMINAL_OK);
    assert_int_equal(ask_text(c, "look"), LIMINAL_OK);
    liminal_conversation_drop(&c);
    shut(&supervisor);
    test_threads_begin();
}

static void test_threads_block_signals_and_have_names(void **state)
{
    sigset_t before, after;
    looks l;
    (void)state;
    (void)sigemptyset(&before);
    (void)sigaddset(&before, SIGUSR2);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);

    look_at(LIMINAL_PARTICIPANT_THREAD, "conversation of more than fifteen", "participant of more than fifteen", &l);
    assert_int_equal(l.unblocked, 0);
    assert_int_equal(l.cancel, PTHREAD_CANCEL_DISABLE);
    assert_false(l.on_test_thread);
    assert_string_equal(l.name, "participant of ");
    look_at(LIMINAL_PARTICIPANT_INLINE, "conversation of more than fifteen", "participant of more than fifteen", &l);
    assert_int_equal(l.unblocked, 0);
    assert_int_equal(l.cancel, PTHREAD_CANCEL_DISABLE);
    assert_false(l.on_test_thread); /* it is pinned */
    assert_string_equal(l.name, "conversation of");
    look_at(LIMINAL_PARTICIPANT_THREAD, "short", "tiny", &l);
    assert_string_equal(l.name, "tiny");
    look_at(LIMINAL_PARTICIPANT_INLINE, "short", "tiny", &l);
    assert_string_equal(l.name, "short");
    look_at(LIMINAL_PARTICIPANT_THREAD, NULL, NULL, &l);
    assert_string_equal(l.name, "participant");

    (void)pthread_sigmask(SIG_SETMASK, NULL, &after); /* the caller's own mask is as it was */
    for (int s = 1; s <= SIGRTMAX; s++) {
        assert_int_equal(sigismember(&after, s), sigismember(&before, s));
    }
    (void)sigemptyset(&before);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

typedef struct spawning {
    liminal_supervisor *supervisor;
    part *parts; /* two */
    bool returned;
} spawning;

static void spawn_and_vanish(void *argument)
{
    spawning *s = argument;
    liminal_participant participants[2] = {threaded(&s->parts[0]), inlined(&s->parts[1])};
    liminal_config config = config_of(participants, 2);
    liminal_conversation *out = NULL;
    liminal_status status;
    config.name = "unborn";
    status = liminal_supervisor_spawn(s->supervisor, &config, &out);
    s->returned = true;
    (void)test_check(status == LIMINAL_EEXIT && out == NULL);
}

/* An inline one starts on the spawning thread, which it may end: the spawn undoes itself on the way out. */
static void test_inline_start_ends_the_spawning_thread(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    part parts[2];
    spawning s = {supervisor, parts, false};
    test_thread thread;
    liminal_conversation *out = NULL;
    (void)state;
    part_init(&parts[0]);
    part_init(&parts[1]);
    parts[1].begin = begin_with_pthread_exit;
    test_thread_start(&thread, spawn_and_vanish, &s);
    test_thread_join(&thread);
    assert_int_equal(parts[1].starts, 1);
    test_until(liminal_supervisor_census(supervisor).threads == 0);
    assert_census(supervisor, 0, 0, 0);
    assert_int_equal(parts[0].releases + parts[1].releases, 0);
    out = spawn_buffer(supervisor, "unborn");
    liminal_conversation_drop(&out);
    shut(&supervisor);
}

static liminal_status wait_elsewhere(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    heritage *h = p->context;
    liminal_exit end;
    /* Our own pid, but asked of the other supervisor. */
    liminal_status status = liminal_process_wait(h->supervisor, h->worker, &end, liminal_deadline_passed());
    (void)test_check(status == LIMINAL_ETIMEDOUT || status == LIMINAL_ENOPROC);
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void test_pids_belong_to_their_supervisor(void **state)
{
    liminal_supervisor *a = open_plain(), *b = open_plain();
    liminal_conversation *in_a, *in_b;
    heritage h = {.supervisor = b};
    part p, q;
    (void)state;
    part_init(&p);
    part_init(&q);
    p.act = wait_elsewhere;
    p.context = &h;
    in_a = spawn_one(a, threaded(&p), NULL);
    in_b = spawn_one(b, threaded(&q), NULL);
    h.worker = participant_pid(in_a, 0);
    assert_int_equal(ask_text(in_a, "look"), LIMINAL_OK);
    liminal_conversation_drop(&in_a);
    liminal_conversation_drop(&in_b);
    assert_int_equal(liminal_supervisor_shutdown(&a, NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_shutdown(&b, NULL, liminal_deadline_never()), LIMINAL_OK);
}

static void test_asks_in_turn_need_one_place(void **state)
{
    liminal_supervisor *supervisor = open_limited(1, 0);
    part p;
    (void)state;
    part_init(&p);
    for (int i = 0; i < 300; i++) {
        const char *const texts[] = {"hello", "silent", "fail"};
        const liminal_status expected[] = {LIMINAL_OK, LIMINAL_ECANCELED, LIMINAL_EEXIT};
        liminal_envelope *request = say(texts[i % 3]), *reply = NULL;
        assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &p, &request, &reply), expected[i % 3]);
        assert_int_equal(liminal_supervisor_census(supervisor).conversations, 0);
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
    }
    shut(&supervisor);
    assert_int_equal(p.releases, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_fork),
        TEST(test_fork_with_what_is_over),
        TEST(test_fork_while_the_parent_is_busy),
        TEST(test_fork_inside_a_behaviour),
        TEST(test_threads_block_signals_and_have_names),
        TEST(test_inline_start_ends_the_spawning_thread),
        TEST(test_pids_belong_to_their_supervisor),
        TEST(test_asks_in_turn_need_one_place),
    };
    /* A child must not inherit the harness's lock from a thread that it does not have. */
    if (pthread_atfork(test_lock, test_unlock, test_unlock) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

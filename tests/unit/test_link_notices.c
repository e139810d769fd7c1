/* SPDX-License-Identifier: MIT */
/* test_link_notices.c -- exit notices and how a death spreads; the numbers are those of the list of cases. Notices
 * of conversations and the like are in test_notice_fires.c and test_notice_ends.c. */
#include "link_kit.h"

/* What one notice was told, and what it does. */
typedef struct ear {
    liminal_supervisor *supervisor;
    liminal_exit heard;
    atomic_int count;
    bool slow;            /* opens `inside` and waits for `go` */
    test_gate inside, go;
    void (*act)(struct ear *self, const liminal_exit *exit);
    being *target, *other;
    liminal_pid victim;
    struct ear *next;
    liminal_notice *notice;
    liminal_conversation **handle;
    pthread_t thread;
} ear;

static void hear(void *self, const liminal_exit *exit)
{
    ear *e = self;
    e->heard = *exit;
    e->thread = pthread_self();
    (void)test_check(!liminal_process_alive(e->supervisor, exit->pid));
    if (e->slow) {
        test_gate_open(&e->inside);
        test_gate_wait(&e->go);
    }
    if (e->act != NULL) {
        e->act(e, exit);
    }
    atomic_fetch_add(&e->count, 1);
}

static void ear_init(ear *e, liminal_supervisor *supervisor)
{
    memset(e, 0, sizeof *e);
    e->supervisor = supervisor;
    test_gate_init(&e->inside);
    test_gate_init(&e->go);
}

static void listen_to(ear *e, liminal_pid pid)
{
    (void)test_check(liminal_process_notify(e->supervisor, pid, hear, e, &e->notice) == LIMINAL_OK);
}

static void assert_heard(const ear *e, const being *b)
{
    assert_int_equal(e->count, 1);
    assert_int_equal(e->heard.pid.value, b->end.pid.value);
    assert_true(same_reason(e->heard.reason, b->end.reason));
    assert_int_equal(e->heard.seen_ns.ns, b->end.seen_ns.ns);
    assert_int_equal(e->heard.seen.unix_ns, b->end.seen.unix_ns);
}

static void kill_there(void *argument)
{
    being *b = argument;
    (void)test_check(liminal_process_kill(b->supervisor, b->pid) == LIMINAL_OK);
}

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

/* Dead at once, and its conversation knows; who is linked to it hears when this notice has returned. */
static void kill_the_target(ear *e, const liminal_exit *exit)
{
    liminal_envelope *message = say("are you there");
    (void)exit;
    (void)test_check(liminal_process_kill(e->supervisor, e->target->pid) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(e->supervisor, e->target->pid));
    (void)test_check(liminal_conversation_try_send(e->target->conversation, &message) == LIMINAL_EEXIT);
    liminal_envelope_drop(&message);
    (void)test_check(liminal_process_kill(e->supervisor, e->target->pid) == LIMINAL_OK);
    if (e->other != NULL) {
        (void)test_check(liminal_process_signal(e->supervisor, nobody, e->other->pid, bang) == LIMINAL_OK);
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

/* Inside a notice of one supervisor somebody dies under another one, whose notice kills under the first. */
static void a_cascade_crosses_supervisors(void **state)
{
    enum { HERE, THERE, PAIRS = 4 };
    liminal_supervisor *supervisors[2] = {open_plain(), open_plain()};
    being beings[2 * PAIRS], linked[2 * PAIRS];
    ear ears[2 * PAIRS];
    (void)state;
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        be(&beings[i], supervisors[i % 2], both[i / 2 % 2], &plain);
        be(&linked[i], supervisors[i % 2], both[i / 2 % 2], &plain);
        assert_int_equal(link_to(&beings[i], &linked[i]), LIMINAL_OK);
        assert_int_equal(liminal_process_link(supervisors[i % 2], beings[i].pid, beings[i - i % 2].pid),
                         i % 2 ? LIMINAL_ENOPROC : LIMINAL_OK); /* not from one to the other */
    }
    for (size_t i = 0; i + 1 < 2 * PAIRS; i++) {
        ear_init(&ears[i], supervisors[i % 2]);
        ears[i].act = kill_the_target;
        ears[i].target = &beings[i + 1];
        listen_to(&ears[i], linked[i].pid);
        liminal_notice_drop(&ears[i].notice);
        ears[i].supervisor = supervisors[i % 2];
    }
    for (size_t i = 0; i + 1 < 2 * PAIRS; i++) { /* kill_the_target() kills under the other one */
        ears[i].supervisor = supervisors[(i + 1) % 2];
    }
    assert_int_equal(liminal_process_kill(supervisors[HERE], beings[0].pid), LIMINAL_OK);
    for (size_t i = 0; i < 2 * PAIRS; i++) {
        assert_int_equal(beings[i].deaths, 1);
        assert_int_equal(linked[i].deaths, 1);
        assert_dies(&beings[i], killed);
        assert_dies(&linked[i], killed);
        leave(&beings[i]);
        leave(&linked[i]);
    }
    assert_int_equal(liminal_supervisor_shutdown(&supervisors[HERE], NULL, liminal_deadline_never()), LIMINAL_OK);
    shut(&supervisors[THERE]);
}

/* ---- who hears first ---- */

/* A notice that takes its time holds up neither the linked ones nor who watches. */
static void a_slow_notice_holds_up_no_other(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_participant watched[2] = {{.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "the killed"},
                                          {.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "the linked"}};
        liminal_conversation *watchers[2] = {NULL, NULL};
        liminal_envelope *reply = NULL;
        test_thread killer;
        being b, linked, trapping;
        ear e;
        be(&b, supervisor, both[k], &plain);
        be(&linked, supervisor, both[k], &plain);
        be(&trapping, supervisor, both[k], &trapper);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(link_to(&linked, &trapping), LIMINAL_OK);
        ear_init(&e, supervisor);
        e.slow = true;
        listen_to(&e, b.pid); /* before the watchers come */
        liminal_notice_drop(&e.notice);
        watched[0].pid = b.pid;
        watched[1].pid = linked.pid;
        for (size_t i = 0; i < 2; i++) {
            const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &watched[i],
                                           .participant_count = 1, .on_crash = LIMINAL_CRASH_FAIL};
            assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &watchers[i]), LIMINAL_OK);
        }
        test_thread_start(&killer, kill_there, &b);
        test_gate_wait(&e.inside);
        assert_int_equal(ask(b.conversation, "hello"), LIMINAL_EEXIT);
        assert_int_equal(ask(linked.conversation, "hello"), LIMINAL_EEXIT);
        assert_told(&trapping, linked.pid, killed);
        for (size_t i = 0; i < 2; i++) {
            assert_int_equal(liminal_conversation_receive(watchers[i], &reply, liminal_deadline_never()),
                             LIMINAL_EEXIT);
        }
        assert_int_equal(linked.deaths, 0); /* its notice comes after this one */
        assert_int_equal(b.releases, 0);
        assert_int_equal(linked.releases, 0);
        test_gate_open(&e.go);
        test_thread_join(&killer);
        assert_int_equal(linked.deaths, 1);
        test_until(b.releases == 1 && linked.releases == 1);
        liminal_conversation_drop(&watchers[0]);
        liminal_conversation_drop(&watchers[1]);
        leave(&b);
        leave(&linked);
        leave(&trapping);
        shut(&supervisor);
    }
}

/* `self` may be what the notice looks at: it is released when the last notice has returned, whoever kills. */
static void a_release_comes_after_the_notices(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread killer;
        being b, other;
        ear e;
        be(&b, supervisor, both[i % 2], &plain);
        be(&other, supervisor, both[i % 2], &plain);
        ear_init(&e, supervisor);
        e.slow = true;
        listen_to(&e, b.pid);
        liminal_notice_drop(&e.notice);
        if (i / 2) { /* killed through a link */
            assert_int_equal(link_to(&b, &other), LIMINAL_OK);
        }
        test_thread_start(&killer, kill_there, i / 2 ? &other : &b);
        test_gate_wait(&e.inside);
        for (int turn = 0; turn < 200; turn++) { /* time enough for its thread to come by */
            assert_int_equal(ask(b.conversation, "hello"), LIMINAL_EEXIT);
            if (i / 2 == 0) {
                assert_lives(&other);
            }
        }
        assert_int_equal(b.releases, 0);
        test_gate_open(&e.go);
        test_thread_join(&killer);
        test_until(b.releases == 1);
        leave(&b);
        leave(&other);
        shut(&supervisor);
    }
}

typedef struct taking {
    test_gate inside, go;
    atomic_int count;
} taking;

static void collect_slowly(void *context, const liminal_finished_span *span)
{
    taking *t = context;
    atomic_fetch_add(&t->count, 1);
    if (strcmp(span->name, "slow") == 0) {
        test_gate_open(&t->inside);
        test_gate_wait(&t->go);
    }
}

/* Nor does the collector of a conversation that falls. */
static void a_slow_collector_holds_up_no_other(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        taking t = {TEST_GATE_INIT, TEST_GATE_INIT, 0};
        const liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = &t, .collect = collect_slowly};
        const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options),
                                                    .allocator = test_allocator(), .collector = &collector};
        liminal_supervisor *supervisor = NULL;
        liminal_participant participant = {.kind = both[k], .behaviour = &plain};
        const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant,
                                       .participant_count = 1, .on_crash = LIMINAL_CRASH_FAIL, .name = "slow"};
        test_thread killer;
        being b, linked;
        assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
        being_init(&b, supervisor);
        participant.self = &b;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b.conversation), LIMINAL_OK);
        b.pid = participant_pid(b.conversation, 0);
        be(&linked, supervisor, both[k], &plain);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        test_thread_start(&killer, kill_there, &b);
        test_gate_wait(&t.inside);
        assert_int_equal(ask(b.conversation, "hello"), LIMINAL_EEXIT);
        assert_int_equal(ask(linked.conversation, "hello"), LIMINAL_EEXIT);
        assert_false(liminal_process_alive(supervisor, linked.pid));
        test_gate_open(&t.go);
        test_thread_join(&killer);
        leave(&b);
        leave(&linked);
        shut(&supervisor);
        assert_int_equal(t.count, 2);
    }
}

/* ---- as many as you like ---- */

enum { ROW = 2000 };

static void kill_the_next(ear *e, const liminal_exit *exit)
{
    (void)exit;
    (void)test_check(liminal_process_kill(e->supervisor, e->victim) == LIMINAL_OK);
}

/* Each notice kills the next one: no recursion, on the small stack of a participant. */
static void notices_that_kill_do_not_nest(void **state)
{
    static liminal_pid pids[ROW];
    static ear ears[ROW];
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *row = spawn_crowd(supervisor, liminal_behaviour_echo(), ROW, pids);
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &plain};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL, .stack_bytes = 1};
    being b;
    ear head;
    (void)state;
    being_init(&b, supervisor);
    participant.self = &b;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b.conversation), LIMINAL_OK);
    b.pid = participant_pid(b.conversation, 0);
    ear_init(&head, supervisor);
    head.act = kill_the_next;
    head.victim = pids[0];
    listen_to(&head, b.pid);
    liminal_notice_drop(&head.notice);
    for (size_t i = 0; i < ROW; i++) {
        ear_init(&ears[i], supervisor);
        ears[i].act = i + 1 < ROW ? kill_the_next : NULL;
        ears[i].victim = pids[(i + 1) % ROW];
        listen_to(&ears[i], pids[i]);
        liminal_notice_drop(&ears[i].notice);
    }
    assert_int_equal(ask(b.conversation, "exit"), LIMINAL_EEXIT);
    test_until(ears[ROW - 1].count == 1);
    for (size_t i = 0; i < ROW; i++) {
        assert_int_equal(ears[i].count, 1);
        assert_true(pthread_equal(ears[i].thread, head.thread));
    }
    leave(&b);
    liminal_conversation_drop(&row);
    shut(&supervisor);
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
        TEST(a_cascade_crosses_supervisors),
        TEST(a_slow_notice_holds_up_no_other),
        TEST(a_release_comes_after_the_notices),
        TEST(a_slow_collector_holds_up_no_other),
        TEST(notices_that_kill_do_not_nest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

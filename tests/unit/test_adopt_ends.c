/* SPDX-License-Identifier: MIT */
/* test_adopt_ends.c -- attached threads when the supervisor ends, when keys run out, and after fork(). */
#define _GNU_SOURCE
#include "adopt_kit.h"

#include <limits.h>
#include <stdlib.h>
#include <sys/wait.h>

/* ---- shutdown ---- */

static void a_shutdown_detaches(void **state)
{
    liminal_supervisor *supervisor = open_plain(), *gone;
    witness mine = witness_of(supervisor), theirs = witness_of(supervisor);
    liminal_pid me = {0};
    liminal_exit exit;
    guest g;
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    guest_start(&g, supervisor, BY_DETACH, NULL, NULL);
    notify(&mine, me);
    notify(&theirs, g.pid);
    gone = supervisor;
    shut(&supervisor);
    assert_told(&mine, me, normal);
    assert_told(&theirs, g.pid, normal);
    assert_true(pthread_equal(theirs.by, pthread_self()));
    assert_int_equal(liminal_thread_detach(gone), LIMINAL_EPHASE); /* though there is no supervisor any more */
    assert_int_equal(liminal_thread_next_exit(gone, &exit, liminal_deadline_never()), LIMINAL_EPHASE);
    guest_leave(&g);
    assert_int_equal(g.detached, LIMINAL_EPHASE);
}

/* The next supervisor may well have the key, and the address, of the one that is gone. */
static void threads_outlive_their_supervisors(void **state)
{
    enum { THREADS = 8 };
    guest guests[THREADS];
    liminal_pid me = {0};
    (void)state;
    for (int i = 0; i < THREADS; i++) {
        liminal_supervisor *supervisor = open_plain();
        assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
        guest_start(&guests[i], supervisor, i % 2 == 0 ? BY_RETURN : BY_DETACH, NULL, NULL);
        if (i % 3 == 0) {
            assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
        }
        shut(&supervisor);
    }
    for (int i = 0; i < THREADS; i++) {
        guest_leave(&guests[i]);
        assert_int_equal(guests[i].detached, i % 2 == 0 ? LIMINAL_OK : LIMINAL_EPHASE); /* OK: not called */
    }
}

/* A conversation that is closing sees no attached thread die. */
static liminal_status answer_slowly(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    test_gate *gates = self;
    test_gate_open(&gates[0]);
    test_gate_wait(&gates[1]);
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

typedef struct asking {
    liminal_conversation *talk;
    liminal_status st;
    test_thread thread;
} asking;

static void ask_once(void *argument)
{
    asking *a = argument;
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *request = NULL, *reply = NULL;
    (void)test_check(liminal_envelope_create("x", 1, &options, &request) == LIMINAL_OK);
    a->st = liminal_conversation_ask(a->talk, &request, &reply, liminal_deadline_never());
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&a->talk);
}

static void conversations_end_before_what_was_adopted(void **state)
{
    static const liminal_behaviour slow = {LIMINAL_OPS(liminal_behaviour), .answer = answer_slowly};
    test_gate gates[2] = {TEST_GATE_INIT, TEST_GATE_INIT};
    liminal_supervisor *supervisor = open_plain();
    liminal_participant participants[2] = {{.behaviour = &slow, .self = gates},
                                           {.kind = LIMINAL_PARTICIPANT_WATCHED}};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = 2,
                             .on_crash = LIMINAL_CRASH_FAIL};
    liminal_report report;
    asking a = {.talk = NULL};
    guest g;
    (void)state;
    guest_start(&g, supervisor, BY_DETACH, NULL, NULL);
    participants[1].pid = g.pid;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &a.talk), LIMINAL_OK);
    test_thread_start(&a.thread, ask_once, &a);
    test_gate_wait(&gates[0]);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    assert_int_equal(report.running, 1);
    assert_true(liminal_process_alive(supervisor, g.pid));
    {
        liminal_pid none = {0};
        assert_int_equal(liminal_thread_attach(supervisor, &none), LIMINAL_ECLOSED);
        assert_int_equal(none.value, 0);
    }
    test_gate_open(&gates[1]);
    test_thread_join(&a.thread);
    guest_leave(&g); /* as ever */
    assert_int_equal(g.detached, LIMINAL_OK);
    shut(&supervisor);
    assert_int_equal(a.st, LIMINAL_ECLOSED); /* not EEXIT: the first shutdown's deadline had passed */
}

/* ---- waiting for one that is leaving ---- */

typedef struct held_up {
    test_gate inside, go;
} held_up;

static void hold_up(witness *w)
{
    held_up *h = w->context;
    test_gate_open(&h->inside);
    test_gate_wait(&h->go);
}

static void leave_soon(void *argument)
{
    guest_leave(argument);
}

static void a_shutdown_waits_for_one_that_is_leaving(void **state)
{
    const guest_way ways[] = {BY_DETACH, BY_RETURN, BY_CANCEL};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        liminal_supervisor *supervisor = open_plain();
        witness w = witness_of(supervisor);
        held_up h = {TEST_GATE_INIT, TEST_GATE_INIT};
        liminal_report report;
        test_thread joiner;
        guest g;
        w.act = hold_up;
        w.context = &h;
        guest_start(&g, supervisor, ways[i], NULL, NULL);
        notify(&w, g.pid);
        test_thread_start(&joiner, leave_soon, &g);
        test_gate_wait(&h.inside);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_in_ms(20)),
                             LIMINAL_ETIMEDOUT);
            assert_non_null(supervisor);
            assert_int_equal(report.running, 0);
        }
        test_gate_open(&h.go);
        shut(&supervisor);
        test_thread_join(&joiner);
        assert_told(&w, g.pid, i == 0 ? normal : killed);
    }
}

/* ---- no keys left ---- */

static void without_thread_specific_data_there_is_no_attaching(void **state)
{
    static pthread_key_t keys[PTHREAD_KEYS_MAX + 1];
    liminal_supervisor *supervisor = open_plain();
    liminal_pid pid = {0};
    size_t count = 0, blocks = test_blocks(), listed = 0;
    (void)state;
    while (count <= PTHREAD_KEYS_MAX && pthread_key_create(&keys[count], NULL) == 0) {
        count++;
    }
    assert_true(count > 0 && count <= PTHREAD_KEYS_MAX);
    assert_int_equal(liminal_thread_attach(supervisor, &pid), LIMINAL_ELIMIT);
    assert_int_equal(pid.value, 0);
    assert_int_equal(test_blocks(), blocks);
    assert_int_equal(liminal_process_list(supervisor, NULL, 0, &listed), LIMINAL_OK);
    assert_int_equal(listed, 0);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EPHASE);
    assert_int_equal(pthread_key_delete(keys[--count]), 0);
    assert_int_equal(liminal_thread_attach(supervisor, &pid), LIMINAL_OK);
    assert_int_not_equal(pthread_key_create(&keys[count], NULL), 0); /* one for a supervisor ... */
    shut(&supervisor);
    assert_int_equal(pthread_key_create(&keys[count], NULL), 0); /* ... and it gives it back */
    for (count++; count > 0; count--) {
        assert_int_equal(pthread_key_delete(keys[count - 1]), 0);
    }
}

/* ---- fork ---- */

static void leave_child(void)
{
    (void)syscall(SYS_exit_group, 0); /* past the sanitizers, which would take the parent's memory for leaks */
}

#define CHILD(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            dprintf(2, "child: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            (void)syscall(SYS_exit_group, 1);                                 \
        }                                                                     \
    } while (0)

static pid_t parent;

static void not_in_a_child(void *self, const liminal_exit *exit)
{
    atomic_int *count = self;
    (void)exit;
    CHILD(getpid() == parent); /* not at its end either */
    atomic_fetch_add(count, 1);
}

static void be_the_child(liminal_supervisor *parents, int way)
{
    liminal_supervisor *own = NULL;
    liminal_pid pid = {0};
    liminal_exit exit;
    (void)alarm(15);
    CHILD(liminal_thread_attach(parents, &pid) == LIMINAL_EFORKED);
    CHILD(liminal_thread_next_exit(parents, &exit, liminal_deadline_never()) == LIMINAL_EFORKED);
    CHILD(liminal_os_process_watch(parents, getppid(), &pid) == LIMINAL_EFORKED);
    CHILD(liminal_thread_detach(parents) == LIMINAL_EFORKED);
    CHILD(pid.value == 0);
    CHILD(liminal_supervisor_open(NULL, &own) == LIMINAL_OK);
    CHILD(liminal_thread_attach(own, &pid) == LIMINAL_OK);
    CHILD(liminal_process_trap(own, pid, true) == LIMINAL_OK);
    CHILD(liminal_process_signal(own, pid, pid, error_9) == LIMINAL_OK);
    CHILD(liminal_thread_next_exit(own, &exit, liminal_deadline_never()) == LIMINAL_OK);
    CHILD(liminal_thread_attach(parents, &pid) == LIMINAL_EFORKED);
    if (way == 0) {
        CHILD(liminal_thread_detach(own) == LIMINAL_OK);
        CHILD(liminal_supervisor_shutdown(&own, NULL, liminal_deadline_never()) == LIMINAL_OK);
    } else if (way == 1) {
        CHILD(liminal_supervisor_shutdown(&own, NULL, liminal_deadline_never()) == LIMINAL_OK);
    }
    CHILD(liminal_thread_detach(parents) == LIMINAL_EFORKED);
    if (UNDER_TSAN) { /* which does not survive the end of a child's last thread */
        leave_child();
    }
    if (atexit(leave_child) == 0) {
        pthread_exit(NULL); /* with what it has inherited */
    }
}

typedef struct fork_plan {
    int way, status;
    atomic_int told;
} fork_plan;

static void fork_and_wait(guest *g)
{
    fork_plan *plan = g->context;
    pid_t child;
    (void)test_check(liminal_process_notify(g->supervisor, g->pid, not_in_a_child, &plan->told, NULL) == LIMINAL_OK);
    child = fork();
    if (child == 0) {
        be_the_child(g->supervisor, plan->way);
        (void)syscall(SYS_exit_group, 2);
    }
    (void)test_check(child > 0 && waitpid(child, &plan->status, 0) == child);
}

static void a_forked_child_is_not_attached(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    parent = getpid();
    for (int way = 0; way < 3; way++) { /* detached, shut down, still attached */
        fork_plan plan = {.way = way, .status = -1};
        guest g;
        guest_start(&g, supervisor, BY_RETURN, fork_and_wait, &plan);
        guest_leave(&g);
        assert_int_equal(plan.status, 0);
        assert_ends(supervisor, g.pid, killed);
        assert_int_equal(atomic_load(&plan.told), 1);
    }
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shutdown_detaches),
        TEST(threads_outlive_their_supervisors),
        TEST(conversations_end_before_what_was_adopted),
        TEST(a_shutdown_waits_for_one_that_is_leaving),
        TEST(without_thread_specific_data_there_is_no_attaching),
        TEST(a_forked_child_is_not_attached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

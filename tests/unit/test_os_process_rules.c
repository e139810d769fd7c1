/* SPDX-License-Identifier: MIT */
/* test_os_process_rules.c -- watched OS processes among other processes: links, signals, the watcher's thread, and the
 * shutdown. */
#define _GNU_SOURCE
#include "os_kit.h"

#include <sys/prctl.h>

/* ---- what is refused ---- */

static void what_is_no_process(void **state)
{
    const int64_t numbers[] = {0, -1, INT64_MIN, INT64_MAX, (int64_t)INT32_MAX + 1};
    liminal_supervisor *supervisor = open_plain();
    liminal_pid pid = {77};
    size_t count = 0;
    (void)state;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        assert_int_equal(liminal_os_process_watch(supervisor, numbers[i], &pid), LIMINAL_EINVAL);
    }
    assert_int_equal(liminal_os_process_watch(NULL, getpid(), &pid), LIMINAL_EINVAL);
    assert_int_equal(liminal_os_process_watch(supervisor, getpid(), NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_os_process_watch(supervisor, INT32_MAX, &pid), LIMINAL_ENOPROC);
    assert_true(liminal_status_detail()[0] != '\0');
    assert_int_equal(pid.value, 77);
    assert_int_equal(liminal_process_list(supervisor, NULL, 0, &count), LIMINAL_OK);
    assert_int_equal(count, 0);
    assert_int_equal(liminal_supervisor_census(supervisor).threads, 0); /* nor was a thread started for it */
    shut(&supervisor);
}

static void the_watchers_thread_counts(void **state)
{
    liminal_supervisor *supervisor = open_limited(2);
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *first = NULL, *second = NULL;
    liminal_report report;
    liminal_pid pid = {77};
    sleeper s = os_sleeper();
    (void)state;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &first), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &second), LIMINAL_OK);
    assert_int_equal(liminal_os_process_watch(supervisor, s.pid, &pid), LIMINAL_ELIMIT);
    assert_string_equal(liminal_status_detail(), "max_threads: 2 live already, 1 wanted");
    assert_int_equal(pid.value, 77);
    liminal_conversation_drop(&first);
    test_until(liminal_supervisor_census(supervisor).threads == 1);
    (void)os_watch(supervisor, s.pid);
    (void)os_watch(supervisor, s.pid); /* one is enough for all */
    assert_int_equal(liminal_supervisor_census(supervisor).threads, 2);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &first), LIMINAL_ELIMIT);
    liminal_conversation_drop(&second);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(report.threads, 3);
    (void)os_end(&s);
}

/* ---- it is not the library's to end ---- */

static void signals_do_nothing_to_it(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper();
    liminal_pid pid = os_watch(supervisor, s.pid);
    liminal_pid me = {0};
    guest g;
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    assert_int_equal(liminal_process_signal(supervisor, me, pid, error_9), LIMINAL_OK);
    assert_int_equal(liminal_process_signal(supervisor, pid, pid, error_9), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(supervisor, pid), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_trap(supervisor, pid, true), LIMINAL_EINVAL);
    guest_start(&g, supervisor, BY_RETURN, NULL, NULL);
    assert_int_equal(liminal_process_link(supervisor, pid, g.pid), LIMINAL_OK);
    guest_leave(&g); /* a linked one dies */
    assert_false(liminal_process_linked(supervisor, pid, g.pid));
    assert_true(liminal_process_alive(supervisor, pid));
    assert_int_equal(kill(s.pid, 0), 0);
    (void)os_end(&s);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    shut(&supervisor);
}

static void its_end_reaches_those_it_is_linked_to(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper();
    liminal_pid pid = os_watch(supervisor, s.pid), me = {0};
    liminal_exit exit;
    guest g;
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    assert_int_equal(liminal_process_trap(supervisor, me, true), LIMINAL_OK);
    guest_start(&g, supervisor, BY_DETACH, NULL, NULL);
    assert_int_equal(liminal_process_link(supervisor, me, pid), LIMINAL_OK);
    assert_int_equal(liminal_process_link(supervisor, pid, g.pid), LIMINAL_OK);
    (void)kill(s.pid, SIGKILL);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_exit(&exit, pid, os_signal(SIGKILL));
    assert_ends(supervisor, g.pid, os_signal(SIGKILL));
    guest_leave(&g);
    assert_int_equal(g.detached, LIMINAL_EEXIT);
    (void)os_end(&s);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    shut(&supervisor);
}

/* ---- on the watcher's thread ---- */

typedef struct third_party {
    sleeper more;
    liminal_pid other, watched;
} third_party;

static void try_everything(witness *w)
{
    third_party *t = w->context;
    liminal_supervisor *copy = w->supervisor;
    liminal_pid none = {0};
    liminal_exit exit;
    char name[16] = "";
    sigset_t mask;
    (void)test_check(pthread_getname_np(pthread_self(), name, sizeof name) == 0);
    (void)test_check(strcmp(name, "liminal-watcher") == 0);
    (void)test_check(pthread_sigmask(SIG_BLOCK, NULL, &mask) == 0 && sigismember(&mask, SIGCHLD) == 1);
    (void)test_check(liminal_thread_attach(w->supervisor, &none) == LIMINAL_EPHASE);
    (void)test_check(liminal_process_wait(w->supervisor, t->other, &exit, liminal_deadline_never()) ==
                     LIMINAL_EDEADLK);
    (void)test_check(liminal_process_wait(w->supervisor, w->exit.pid, &exit, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(liminal_supervisor_shutdown(&copy, NULL, liminal_deadline_never()) == LIMINAL_EDEADLK);
    (void)test_check(copy == w->supervisor && none.value == 0);
    (void)test_check(liminal_os_process_watch(w->supervisor, t->more.pid, &t->watched) == LIMINAL_OK);
}

static void what_a_notice_may_do_there(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper(), other = os_sleeper();
    third_party t = {.more = os_sleeper(), .other = os_watch(supervisor, other.pid)};
    witness w = witness_of(supervisor);
    liminal_pid pid = os_watch(supervisor, s.pid);
    (void)state;
    w.act = try_everything;
    w.context = &t;
    notify(&w, pid);
    (void)kill(s.pid, SIGKILL);
    assert_told(&w, pid, os_signal(SIGKILL));
    (void)kill(t.more.pid, SIGKILL);
    assert_ends(supervisor, t.watched, os_signal(SIGKILL));
    (void)os_end(&s);
    (void)os_end(&other);
    (void)os_end(&t.more);
    shut(&supervisor);
}

/* A notice must return. One that ends its thread instead costs the memory of its process, which is kept here ... */
typedef struct hoard {
    pthread_mutex_t lock;
    void *blocks[256];
} hoard;

static void *hoard_allocate(void *context, size_t bytes)
{
    hoard *h = context;
    void *memory = malloc(bytes);
    size_t i = 0;
    (void)pthread_mutex_lock(&h->lock);
    while (i < 256 && h->blocks[i] != NULL) {
        i++;
    }
    (void)test_check(i < 256);
    h->blocks[i < 256 ? i : 0] = memory;
    (void)pthread_mutex_unlock(&h->lock);
    return memory;
}

static void hoard_release(void *context, void *memory, size_t bytes)
{
    hoard *h = context;
    (void)bytes;
    (void)pthread_mutex_lock(&h->lock);
    for (size_t i = 0; i < 256; i++) {
        h->blocks[i] = h->blocks[i] == memory ? NULL : h->blocks[i];
    }
    (void)pthread_mutex_unlock(&h->lock);
    free(memory);
}

static void end_the_thread(void *self, const liminal_exit *exit)
{
    (void)exit;
    atomic_fetch_add((atomic_int *)self, 1);
    pthread_exit(NULL);
}

/* ... and nothing else: the others are told, and the shutdown ends. */
static void a_notice_that_ends_its_thread_holds_up_nobody(void **state)
{
    static hoard h = {.lock = PTHREAD_MUTEX_INITIALIZER};
    const liminal_allocator allocator = {LIMINAL_OPS(liminal_allocator), .context = &h, .allocate = hoard_allocate,
                                         .release = hoard_release};
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = &allocator};
    liminal_supervisor *supervisor = NULL;
    sleeper s = os_sleeper(), other = os_sleeper();
    atomic_int bad = 0;
    liminal_pid pid, fine;
    witness w;
    guest g;
    (void)state;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    w = witness_of(supervisor);
    guest_start(&g, supervisor, BY_DETACH, NULL, NULL);
    assert_int_equal(liminal_process_notify(supervisor, g.pid, end_the_thread, &bad, NULL), LIMINAL_OK);
    guest_leave(&g);
    assert_false(liminal_process_alive(supervisor, g.pid));
    pid = os_watch(supervisor, s.pid);
    fine = os_watch(supervisor, other.pid);
    assert_int_equal(liminal_process_notify(supervisor, pid, end_the_thread, &bad, NULL), LIMINAL_OK);
    notify(&w, fine);
    (void)os_end(&s);
    test_until(atomic_load(&bad) == 2);
    (void)kill(other.pid, SIGKILL);
    assert_told(&w, fine, os_signal(SIGKILL));
    (void)os_end(&other);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    for (size_t i = 0; i < 256; i++) {
        free(h.blocks[i]);
        h.blocks[i] = NULL;
    }
}

static void hold(witness *w)
{
    test_gate *gates = w->context;
    test_gate_open(&gates[0]);
    test_gate_wait(&gates[1]);
}

/* ---- the memory of the dead ---- */

static void the_last_so_many_dead_are_remembered(void **state)
{
    enum { MORE = 5 };
    static liminal_pid pids[LIMINAL_REMEMBERED + MORE];
    liminal_supervisor *supervisor = open_plain();
    pid_t zombie = os_shell("exit 3");
    size_t blocks = 0;
    liminal_exit exit;
    (void)state;
    os_await(zombie);
    for (size_t i = 0; i < LIMINAL_REMEMBERED + MORE; i++) {
        pids[i] = os_watch(supervisor, zombie);
        assert_ends(supervisor, pids[i], os_code(3));
        if (i == LIMINAL_REMEMBERED) {
            test_until(liminal_process_wait(supervisor, pids[0], &exit, liminal_deadline_passed()) == LIMINAL_ENOPROC);
            blocks = test_blocks();
        }
    }
    test_until(liminal_process_wait(supervisor, pids[MORE - 1], &exit, liminal_deadline_passed()) == LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_wait(supervisor, pids[MORE], &exit, liminal_deadline_passed()), LIMINAL_OK);
    test_until(test_blocks() <= blocks); /* it does not grow */
    (void)os_reap(zombie);
    shut(&supervisor);
}

/* ---- the shutdown ---- */

static void a_shutdown_ends_the_watch_and_not_the_process(void **state)
{
    enum { MANY = 5 };
    liminal_supervisor *supervisor = open_plain();
    sleeper s[MANY];
    liminal_pid pids[MANY];
    witness w[MANY];
    (void)state;
    for (int i = 0; i < MANY; i++) {
        s[i] = os_sleeper();
        pids[i] = os_watch(supervisor, s[i].pid);
        w[i] = witness_of(supervisor);
        notify(&w[i], pids[i]);
    }
    shut(&supervisor);
    for (int i = 0; i < MANY; i++) {
        assert_told(&w[i], pids[i], unknown);
        assert_int_equal(kill(s[i].pid, 0), 0);
        assert_true(WIFSIGNALED(os_end(&s[i])) != 0);
    }
}

static void a_shutdown_waits_for_the_watcher(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper(), other = os_sleeper();
    test_gate gates[2] = {TEST_GATE_INIT, TEST_GATE_INIT};
    witness w = witness_of(supervisor), late = witness_of(supervisor);
    liminal_pid pid = os_watch(supervisor, s.pid), another = os_watch(supervisor, other.pid);
    liminal_pid none = {77};
    (void)state;
    w.act = hold;
    w.context = gates;
    notify(&w, pid);
    notify(&late, another);
    (void)kill(s.pid, SIGKILL);
    test_gate_wait(&gates[0]);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_in_ms(20)),
                         LIMINAL_ETIMEDOUT);
        assert_non_null(supervisor);
        assert_int_equal(liminal_os_process_watch(supervisor, other.pid, &none), LIMINAL_ECLOSED);
        assert_int_equal(none.value, 77);
    }
    (void)kill(other.pid, SIGKILL);
    os_await(other.pid);
    test_gate_open(&gates[1]);
    shut(&supervisor);
    assert_told(&w, pid, os_signal(SIGKILL));
    assert_told(&late, another, os_signal(SIGKILL)); /* it had just ended, so that is what it says */
    (void)os_end(&s);
    (void)os_end(&other);
}

/* ---- after fork() ---- */

static void note_thread(witness *w)
{
    *(long *)w->context = syscall(SYS_gettid);
}

/* A child keeps copies of the descriptors, which must not tell the parent anything. */
static void a_forked_child_does_not_disturb(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper(), other = os_sleeper();
    liminal_pid pid = os_watch(supervisor, s.pid), another;
    witness w = witness_of(supervisor);
    long watcher = 0;
    pid_t child;
    (void)state;
    w.act = note_thread;
    w.context = &watcher;
    notify(&w, pid);
    child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            (void)pause();
        }
    }
    assert_true(child > 0);
    (void)kill(s.pid, SIGKILL);
    assert_told(&w, pid, os_signal(SIGKILL));
    another = os_watch(supervisor, other.pid);
    (void)kill(other.pid, SIGKILL);
    assert_ends(supervisor, another, os_signal(SIGKILL));
    assert_int_equal(atomic_load(&w.count), 1);
    test_until(test_sleeps(watcher)); /* and is not woken again and again */
    (void)os_end(&s);
    (void)os_end(&other);
    shut(&supervisor);
    (void)kill(child, SIGKILL);
    (void)os_reap(child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_is_no_process),
        TEST(the_watchers_thread_counts),
        TEST(signals_do_nothing_to_it),
        TEST(its_end_reaches_those_it_is_linked_to),
        TEST(what_a_notice_may_do_there),
        TEST(the_last_so_many_dead_are_remembered),
        TEST(a_notice_that_ends_its_thread_holds_up_nobody),
        TEST(a_shutdown_ends_the_watch_and_not_the_process),
        TEST(a_shutdown_waits_for_the_watcher),
        TEST(a_forked_child_does_not_disturb),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_os_process.c -- OS processes that are watched: how they end, and who else may look. */
#define _GNU_SOURCE
#include "os_kit.h"

/* ---- how it ends ---- */

static void a_child_ends_with_its_reason(void **state)
{
    static const struct {
        const char *line;
        liminal_exit_kind kind;
        int32_t code;
    } cases[] = {
        {"read x; exit 0", LIMINAL_EXIT_NORMAL, 0},
        {"read x; exit 7", LIMINAL_EXIT_CODE, 7},
        {"read x; exit 255", LIMINAL_EXIT_CODE, 255},
        {"read x; kill -KILL $$", LIMINAL_EXIT_SIGNAL, SIGKILL},
        {"read x; kill -SEGV $$", LIMINAL_EXIT_SIGNAL, SIGSEGV},
        {"read x; kill -TERM $$", LIMINAL_EXIT_SIGNAL, SIGTERM},
    };
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *const argv[] = {"sh", "-c", cases[i].line, NULL};
        witness w = witness_of(supervisor);
        liminal_conversation *talk = NULL;
        liminal_exit_reason reason = {cases[i].kind, cases[i].code};
        liminal_pid pid;
        pid_t child;
        int ends[2], status;
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        child = os_start(argv, ends[0], -1);
        pid = os_watch(supervisor, child);
        assert_true(liminal_process_alive(supervisor, pid));
        notify(&w, pid);
        assert_int_equal(watch_in_talk(supervisor, pid, &talk), LIMINAL_OK);
        assert_int_equal(write(ends[1], "x\n", 2), 2);
        assert_ends(supervisor, pid, reason);
        assert_told(&w, pid, reason);
        assert_false(pthread_equal(w.by, pthread_self()));
        {
            char why[80];
            (void)snprintf(why, sizeof why, "watched exited: %s", liminal_exit_describe(reason).text);
            assert_talk_ends(&talk, why);
        }
        assert_int_equal(watch_in_talk(supervisor, pid, &talk), LIMINAL_ENOPROC);
        status = os_reap(child); /* it is the host's, and still there */
        assert_true(cases[i].kind == LIMINAL_EXIT_SIGNAL ? WIFSIGNALED(status) && WTERMSIG(status) == cases[i].code
                                                         : WIFEXITED(status) && WEXITSTATUS(status) == cases[i].code);
        (void)close(ends[0]);
        (void)close(ends[1]);
    }
    test_until(liminal_supervisor_census(supervisor).threads == 1); /* the watcher stays */
    shut(&supervisor);
}

/* Cases 39 and 44's neighbour: what is over, or was never there. */
static void a_zombie_fires_at_once_and_one_that_was_reaped_is_none(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid pid = {0}, again = {0};
    pid_t child = os_shell("exit 7");
    (void)state;
    os_await(child);
    assert_int_equal(liminal_os_process_watch(supervisor, child, &pid), LIMINAL_OK);
    assert_ends(supervisor, pid, os_code(7));
    assert_int_equal(liminal_os_process_watch(supervisor, child, &again), LIMINAL_OK); /* it is there still */
    assert_ends(supervisor, again, os_code(7));
    assert_true(again.value != pid.value);
    (void)os_reap(child);
    again.value = 77;
    assert_int_equal(liminal_os_process_watch(supervisor, child, &again), LIMINAL_ENOPROC);
    assert_true(liminal_status_detail()[0] != '\0');
    assert_int_equal(again.value, 77);
    assert_ends(supervisor, pid, os_code(7)); /* remembered */
    shut(&supervisor);
}

static void watched_twice_it_has_two_pids_and_two_exits(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    witness first = witness_of(supervisor), second = witness_of(supervisor);
    sleeper s = os_sleeper();
    liminal_pid one = os_watch(supervisor, s.pid), two = os_watch(supervisor, s.pid);
    (void)state;
    assert_true(one.value != two.value);
    notify(&first, one);
    notify(&second, two);
    (void)kill(s.pid, SIGKILL);
    assert_told(&first, one, os_signal(SIGKILL));
    assert_told(&second, two, os_signal(SIGKILL));
    (void)os_end(&s);
    shut(&supervisor);
}

/* ---- not ours, or not ours any more ---- */

/* Case 40. */
static void of_one_that_is_no_child_only_the_end_is_seen(void **state)
{
    /* A shell whose child waits for a pipe that nobody writes to, and says which number it has. */
    static const char *const argv[] = {"sh", "-c", "exec 3<&0; cat <&3 & echo $!; wait", NULL};
    liminal_supervisor *supervisor;
    char number[32] = "";
    liminal_pid pid;
    pid_t shell, grandchild;
    int to[2], from[2];
    (void)state;
    if (!os_has_pidfds()) {
        skip();
    }
    supervisor = open_plain();
    assert_int_equal(pipe2(to, O_CLOEXEC), 0);
    assert_int_equal(pipe2(from, O_CLOEXEC), 0);
    shell = os_start(argv, to[0], from[1]);
    assert_true(read(from[0], number, sizeof number - 1) > 0);
    grandchild = (pid_t)strtol(number, NULL, 10);
    pid = os_watch(supervisor, grandchild);
    assert_true(liminal_process_alive(supervisor, pid));
    (void)kill(grandchild, SIGKILL);
    assert_ends(supervisor, pid, unknown);
    (void)os_reap(shell);
    for (int i = 0; i < 2; i++) {
        (void)close(to[i]);
        (void)close(from[i]);
    }
    shut(&supervisor);
}

/* Keeps the watcher busy, so that something can happen before it looks. */
typedef struct busy_watcher {
    test_gate inside, go;
    sleeper bait;
    witness w;
} busy_watcher;

static void stay_inside(witness *w)
{
    busy_watcher *b = w->context;
    test_gate_open(&b->inside);
    test_gate_wait(&b->go);
}

static void busy_begin(busy_watcher *b, liminal_supervisor *supervisor)
{
    *b = (busy_watcher){TEST_GATE_INIT, TEST_GATE_INIT, os_sleeper(), witness_of(supervisor)};
    b->w.act = stay_inside;
    b->w.context = b;
    notify(&b->w, os_watch(supervisor, b->bait.pid));
    (void)kill(b->bait.pid, SIGKILL);
    test_gate_wait(&b->inside);
}

static void busy_end(busy_watcher *b)
{
    test_gate_open(&b->go);
    test_gate_wait(&b->w.told);
    (void)os_end(&b->bait);
}

/* Case 41. */
static void the_host_may_reap_first(void **state)
{
    liminal_supervisor *supervisor;
    sleeper s;
    busy_watcher b;
    liminal_pid pid;
    (void)state;
    if (!os_has_pidfds()) {
        skip();
    }
    supervisor = open_plain();
    s = os_sleeper();
    busy_begin(&b, supervisor);
    pid = os_watch(supervisor, s.pid);
    assert_true(WIFSIGNALED(os_end(&s)));
    assert_true(liminal_process_alive(supervisor, pid)); /* nobody has looked yet */
    busy_end(&b);
    assert_ends(supervisor, pid, unknown);
    shut(&supervisor);
}

/* Whether the kernel's next process gets that number, if nobody else is quicker. */
static bool next_number_is(pid_t pid)
{
    char text[32];
    int fd = open("/proc/sys/kernel/ns_last_pid", O_WRONLY | O_CLOEXEC);
    int length = snprintf(text, sizeof text, "%d", (int)pid - 1);
    bool done = fd >= 0 && write(fd, text, (size_t)length) == length;
    if (fd >= 0) {
        (void)close(fd);
    }
    return done;
}

/* Case 42. */
static void a_number_that_is_used_again_changes_nothing(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    bool reused = false;
    (void)state;
    for (int i = 0; i < 200 && !reused; i++) {
        sleeper old = os_sleeper(), young;
        pid_t number = old.pid;
        liminal_pid before = os_watch(supervisor, number), after;
        (void)kill(number, SIGKILL);
        assert_ends(supervisor, before, os_signal(SIGKILL));
        (void)os_end(&old);
        if (!next_number_is(number)) {
            assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_never()), LIMINAL_OK);
            skip(); /* it takes a privilege */
        }
        young = os_sleeper();
        reused = young.pid == number;
        if (reused) {
            assert_false(liminal_process_alive(supervisor, before));
            after = os_watch(supervisor, number);
            assert_true(after.value != before.value);
            assert_true(liminal_process_alive(supervisor, after));
            assert_ends(supervisor, before, os_signal(SIGKILL));
            assert_true(liminal_process_alive(supervisor, after));
        }
        (void)os_end(&young);
    }
    assert_true(reused);
    shut(&supervisor);
}

/* The number is another's before the watcher has looked: the descriptor still names the old one. */
static void even_before_the_watcher_has_looked(void **state)
{
    liminal_supervisor *supervisor;
    bool reused = false;
    (void)state;
    if (!os_has_pidfds()) {
        skip();
    }
    supervisor = open_plain();
    for (int i = 0; i < 200 && !reused; i++) {
        sleeper old = os_sleeper(), young;
        busy_watcher b;
        liminal_pid before;
        busy_begin(&b, supervisor);
        before = os_watch(supervisor, old.pid);
        (void)os_end(&old);
        if (!next_number_is(old.pid)) {
            busy_end(&b);
            assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_never()), LIMINAL_OK);
            skip(); /* it takes a privilege */
        }
        young = os_sleeper();
        reused = young.pid == old.pid;
        busy_end(&b);
        assert_ends(supervisor, before, unknown);
        assert_int_equal(kill(young.pid, 0), 0);
        (void)os_end(&young);
    }
    assert_true(reused);
    shut(&supervisor);
}

/* ---- the host's signals ---- */

static atomic_int signalled;

static void count_signal(int number)
{
    (void)number;
    atomic_fetch_add(&signalled, 1);
}

static void sigchld_stays_the_hosts(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    struct sigaction mine = {.sa_handler = count_signal, .sa_flags = SA_RESTART}, before, after;
    sleeper s, other;
    liminal_pid pid;
    (void)state;
    atomic_store(&signalled, 0);
    (void)sigemptyset(&mine.sa_mask);
    assert_int_equal(sigaction(SIGCHLD, &mine, &before), 0);
    s = os_sleeper();
    other = os_sleeper();
    pid = os_watch(supervisor, s.pid);
    (void)kill(s.pid, SIGKILL);
    assert_ends(supervisor, pid, os_signal(SIGKILL));
    test_until(atomic_load(&signalled) == 1);
    (void)os_end(&s);
    shut(&supervisor);
    assert_int_equal(sigaction(SIGCHLD, NULL, &after), 0);
    assert_ptr_equal(after.sa_handler, count_signal);
    assert_int_equal(after.sa_flags & SA_RESTART, SA_RESTART);
    assert_true(WIFSIGNALED(os_end(&other))); /* one that was not watched was left alone */
    test_until(atomic_load(&signalled) == 2);
    (void)sigaction(SIGCHLD, &before, NULL);
}

static void children_that_nobody_wants_to_reap(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    sleeper s;
    liminal_pid pid;
    (void)state;
    (void)sigemptyset(&ignore.sa_mask);
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0); /* the kernel reaps */
    s = os_sleeper();
    pid = os_watch(supervisor, s.pid);
    (void)kill(s.pid, SIGKILL);
    assert_ends(supervisor, pid, unknown);
    (void)sigaction(SIGCHLD, &before, NULL);
    (void)close(s.end);
    shut(&supervisor);
}

static void a_stopped_one_is_not_dead(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper();
    liminal_pid pid = os_watch(supervisor, s.pid);
    liminal_exit exit;
    siginfo_t info;
    (void)state;
    (void)kill(s.pid, SIGSTOP);
    assert_int_equal(waitid(P_PID, (id_t)s.pid, &info, WSTOPPED), 0);
    assert_int_equal(liminal_process_wait(supervisor, pid, &exit, liminal_deadline_in_ms(30)), LIMINAL_ETIMEDOUT);
    assert_true(liminal_process_alive(supervisor, pid));
    (void)kill(s.pid, SIGKILL);
    assert_ends(supervisor, pid, os_signal(SIGKILL));
    (void)os_end(&s);
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_child_ends_with_its_reason),
        TEST(a_zombie_fires_at_once_and_one_that_was_reaped_is_none),
        TEST(watched_twice_it_has_two_pids_and_two_exits),
        TEST(of_one_that_is_no_child_only_the_end_is_seen),
        TEST(the_host_may_reap_first),
        TEST(even_before_the_watcher_has_looked),
        TEST(a_number_that_is_used_again_changes_nothing),
        TEST(sigchld_stays_the_hosts),
        TEST(children_that_nobody_wants_to_reap),
        TEST(a_stopped_one_is_not_dead),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

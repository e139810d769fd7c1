/* SPDX-License-Identifier: MIT */
/* watch_cases.h -- the cases of watching one process, for a watch that is a pidfd and for one that is a thread.
 * Define _GNU_SOURCE before it. `by_waiter` says which of the two is expected. */
#ifndef TEST_WATCH_CASES_H
#define TEST_WATCH_CASES_H

#include "child_kit.h"

static bool by_waiter;

static limi_watch *watch_it(limi_watch *watch, int64_t os_pid)
{
    assert_int_equal(limi_watch_open(watch, os_pid), LIMINAL_OK);
    assert_true((watch->other_fd >= 0) == by_waiter);
    assert_true(is_private(watch->fd) && (!by_waiter || is_private(watch->other_fd)));
    return watch;
}

static liminal_exit_reason seen_end(limi_watch *watch, bool reap)
{
    liminal_exit_reason reason = {LIMINAL_EXIT_ERROR, -1};
    assert_true(hears_soon(watch->fd));
    assert_true(limi_watch_over(watch, reap, &reason));
    return reason;
}

static void reason_is(liminal_exit_reason reason, liminal_exit_kind kind, int32_t code)
{
    assert_int_equal(reason.kind, kind);
    assert_int_equal(reason.code, code);
}

static void assert_no_child(int64_t os_pid)
{
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)os_pid, &info, WEXITED | WNOHANG | WNOWAIT), -1);
    assert_int_equal(errno, ECHILD);
}

static bool lives(const limi_child *child)
{
    siginfo_t info = {.si_pid = 0};
    return waitid(P_PID, (id_t)child->os_pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid == 0;
}

/* ---- how it ended ---- */

static void every_end_has_its_reason(void **state)
{
    static const struct {
        const char *script;
        liminal_exit_kind kind;
        int32_t code;
    } rows[] = {
        {"exit 0", LIMINAL_EXIT_NORMAL, 0},           {"exit 3", LIMINAL_EXIT_CODE, 3},
        {"exit 255", LIMINAL_EXIT_CODE, 255},         {"kill -KILL $$", LIMINAL_EXIT_SIGNAL, SIGKILL},
        {"kill -SEGV $$", LIMINAL_EXIT_SIGNAL, SIGSEGV}, {"kill -PIPE $$", LIMINAL_EXIT_SIGNAL, SIGPIPE},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char script[64];
        limi_child child;
        limi_watch watch;
        liminal_exit_reason reason;
        (void)snprintf(script, sizeof script, "ulimit -c 0; read line; %s", rows[i].script);
        child = start_program(SHELL(script));
        (void)watch_it(&watch, child.os_pid);
        assert_false(hears(watch.fd, limi_clock_monotonic()));
        assert_false(limi_watch_over(&watch, false, &reason));
        assert_false(limi_watch_over(&watch, true, &reason));
        limi_descriptor_close(&child.in);
        reason_is(seen_end(&watch, false), rows[i].kind, rows[i].code);
        reason_is(seen_end(&watch, false), rows[i].kind, rows[i].code); /* it stays so */
        reason_is(seen_end(&watch, true), rows[i].kind, rows[i].code);
        assert_no_child(child.os_pid);
        assert_true(limi_watch_over(&watch, true, &reason));
        assert_true(hears(watch.fd, 0));
        limi_watch_close(&watch);
        close_child(&child);
    }
}

static void a_zombie_is_over_at_once_and_is_left_for_the_host(void **state)
{
    limi_child child = start_program(SHELL("exit 5"));
    limi_watch watch;
    (void)state;
    await_zombie(child.os_pid);
    (void)watch_it(&watch, child.os_pid);
    reason_is(seen_end(&watch, false), LIMINAL_EXIT_CODE, 5);
    limi_watch_close(&watch);
    assert_int_equal(WEXITSTATUS(take_status(child.os_pid)), 5);
    close_child(&child);
}

static void a_signal_ends_it(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        limi_child child = start_program(ARGV("cat"));
        limi_watch watch;
        (void)watch_it(&watch, child.os_pid);
        limi_watch_signal(&watch, i == 0 ? LIMI_SIGNAL_TERM : LIMI_SIGNAL_KILL);
        reason_is(seen_end(&watch, true), LIMINAL_EXIT_SIGNAL, i == 0 ? SIGTERM : SIGKILL);
        limi_watch_signal(&watch, LIMI_SIGNAL_KILL); /* nobody */
        limi_watch_close(&watch);
        assert_no_child(child.os_pid);
        close_child(&child);
    }
}

static void reaping_waits_for_the_end(void **state)
{
    limi_child child = start_program(SHELL("trap '' TERM; echo ready; read line"));
    limi_watch watch;
    liminal_exit_reason reason;
    (void)state;
    (void)watch_it(&watch, child.os_pid);
    assert_true(hears_soon(child.out));
    limi_watch_signal(&watch, LIMI_SIGNAL_TERM); /* to no effect */
    limi_watch_signal(&watch, LIMI_SIGNAL_KILL);
    limi_watch_reap(&watch);
    assert_no_child(child.os_pid);
    assert_true(limi_watch_over(&watch, true, &reason));
    limi_watch_reap(&watch); /* once more does nothing */
    limi_watch_close(&watch);
    close_child(&child);
}

static void a_stopped_one_is_not_dead(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    limi_watch watch;
    liminal_exit_reason reason;
    siginfo_t info;
    (void)state;
    (void)watch_it(&watch, child.os_pid);
    assert_int_equal(kill((pid_t)child.os_pid, SIGSTOP), 0);
    assert_int_equal(waitid(P_PID, (id_t)child.os_pid, &info, WSTOPPED | WNOWAIT), 0);
    assert_false(limi_watch_over(&watch, true, &reason));
    assert_false(hears(watch.fd, limi_clock_monotonic() + 20000000));
    limi_watch_signal(&watch, LIMI_SIGNAL_KILL);
    reason_is(seen_end(&watch, true), LIMINAL_EXIT_SIGNAL, SIGKILL);
    limi_watch_close(&watch);
    close_child(&child);
}

static void the_end_of_its_output_is_not_its_own(void **state)
{
    limi_child child = start_program(SHELL("exec >&-; read line; exit 4"));
    limi_watch watch;
    liminal_exit_reason reason;
    char said[8];
    (void)state;
    (void)watch_it(&watch, child.os_pid);
    read_text(child.out, said, sizeof said);
    assert_false(limi_watch_over(&watch, true, &reason));
    limi_descriptor_close(&child.in);
    reason_is(seen_end(&watch, true), LIMINAL_EXIT_CODE, 4);
    limi_watch_close(&watch);
    close_child(&child);
}

static void its_end_is_not_that_of_its_output(void **state)
{
    limi_child child = start_program(SHELL("exec 3<&0; cat <&3 & exit 6")); /* the cat keeps both pipes */
    limi_watch watch;
    char said[64];
    (void)state;
    (void)watch_it(&watch, child.os_pid);
    reason_is(seen_end(&watch, true), LIMINAL_EXIT_CODE, 6);
    limi_watch_close(&watch);
    assert_int_equal(limi_descriptor_write(child.in, "still", 5), 5);
    limi_descriptor_close(&child.in);
    read_text(child.out, said, sizeof said);
    assert_string_equal(said, "still");
    close_child(&child);
}

/* ---- whose it is ---- */

static void who_is_gone_can_not_be_watched(void **state)
{
    limi_child child = start_program(ARGV("true")), alive = start_program(ARGV("cat"));
    const int64_t nobody[] = {0, -1, -4711, INT64_MIN, INT64_MAX, INT32_MAX, ((int64_t)1 << 32) + alive.os_pid};
    limi_watch watch;
    size_t descriptors = open_descriptors();
    (void)state;
    (void)take_status(child.os_pid);
    assert_int_equal(limi_watch_open(&watch, child.os_pid), LIMINAL_ENOPROC);
    for (size_t i = 0; i < sizeof nobody / sizeof nobody[0]; i++) {
        assert_int_equal(limi_watch_open(&watch, nobody[i]), LIMINAL_ENOPROC);
    }
    assert_int_equal(open_descriptors(), descriptors);
    close_child(&child);
    end_child(&alive);
}

static void a_grandchild_ends_for_unknown_reasons(void **state)
{
    limi_child child = start_program(SHELL("sleep 60 & echo $!"));
    limi_watch watch;
    char said[32];
    int64_t grandchild;
    size_t length = 0;
    (void)state;
    assert_int_equal(take_status(child.os_pid), 0);
    do { /* its output goes on: the other one has it as well */
        assert_true(hears_soon(child.out));
        assert_int_equal(limi_descriptor_read(child.out, said + length, 1), 1);
    } while (said[length++] != '\n' && length < sizeof said);
    grandchild = strtoll(said, NULL, 10);
    assert_true(grandchild > 1);
    if (by_waiter) {
        size_t descriptors = open_descriptors();
        assert_int_equal(limi_watch_open(&watch, grandchild), LIMINAL_ELIMIT);
        assert_int_equal(open_descriptors(), descriptors);
        assert_int_equal(kill((pid_t)grandchild, SIGKILL), 0);
    } else {
        liminal_exit_reason reason;
        (void)watch_it(&watch, grandchild);
        assert_false(hears(watch.fd, limi_clock_monotonic()));
        assert_false(limi_watch_over(&watch, true, &reason));
        limi_watch_signal(&watch, LIMI_SIGNAL_KILL);
        reason_is(seen_end(&watch, true), LIMINAL_EXIT_UNKNOWN, 0);
        limi_watch_reap(&watch); /* does not wait for what can't be reaped */
        limi_watch_close(&watch);
    }
    close_child(&child);
}

static void this_process_is_no_child(void **state)
{
    limi_watch watch;
    liminal_exit_reason reason;
    (void)state;
    if (by_waiter) {
        assert_int_equal(limi_watch_open(&watch, getpid()), LIMINAL_ELIMIT);
        return;
    }
    (void)watch_it(&watch, getpid());
    assert_false(limi_watch_over(&watch, true, &reason));
    limi_watch_close(&watch);
}

static void the_host_may_reap_it_first(void **state)
{
    limi_child child = start_program(SHELL("read line; exit 9"));
    limi_watch watch;
    liminal_exit_reason reason;
    (void)state;
    (void)watch_it(&watch, child.os_pid);
    limi_descriptor_close(&child.in);
    assert_int_equal(WEXITSTATUS(take_status(child.os_pid)), 9);
    reason = seen_end(&watch, false);
    if (!by_waiter || reason.kind != LIMINAL_EXIT_CODE) { /* the waiter may have had a look before */
        reason_is(reason, LIMINAL_EXIT_UNKNOWN, 0);
    }
    limi_watch_signal(&watch, LIMI_SIGNAL_KILL);
    reason_is(seen_end(&watch, true), reason.kind, reason.code);
    limi_watch_reap(&watch);
    limi_watch_close(&watch);
    close_child(&child);
}

static void the_host_may_ignore_its_children(void **state)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before;
    limi_child child;
    limi_watch watch;
    (void)state;
    assert_int_equal(sigaction(SIGCHLD, &ignore, &before), 0);
    child = start_program(SHELL("read line; exit 9"));
    (void)watch_it(&watch, child.os_pid);
    limi_descriptor_close(&child.in);
    reason_is(seen_end(&watch, true), LIMINAL_EXIT_UNKNOWN, 0);
    limi_watch_reap(&watch);
    limi_watch_close(&watch);
    assert_int_equal(sigaction(SIGCHLD, &before, NULL), 0);
    close_child(&child);
}

static void no_other_child_is_touched(void **state)
{
    limi_child others[3], child;
    limi_watch watch;
    (void)state;
    others[0] = start_program(SHELL("exit 10"));
    await_zombie(others[0].os_pid);
    child = start_program(SHELL("read line; exit 1"));
    (void)watch_it(&watch, child.os_pid);
    others[1] = start_program(SHELL("exit 11"));
    await_zombie(others[1].os_pid);
    limi_descriptor_close(&child.in);
    reason_is(seen_end(&watch, false), LIMINAL_EXIT_CODE, 1);
    others[2] = start_program(SHELL("exit 12"));
    await_zombie(others[2].os_pid);
    reason_is(seen_end(&watch, true), LIMINAL_EXIT_CODE, 1);
    limi_watch_close(&watch);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(WEXITSTATUS(take_status(others[i].os_pid)), 10 + i);
        close_child(&others[i]);
    }
    close_child(&child);
}

/* ---- letting go ---- */

static void it_lives_on_when_no_longer_watched(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    limi_watch first, second;
    (void)state;
    (void)watch_it(&first, child.os_pid);
    (void)watch_it(&second, child.os_pid);
    limi_watch_close(&first);
    assert_true(lives(&child));
    assert_false(hears(second.fd, 0));
    assert_int_equal(kill((pid_t)child.os_pid, SIGTERM), 0);
    reason_is(seen_end(&second, false), LIMINAL_EXIT_SIGNAL, SIGTERM);
    limi_watch_close(&second);
    assert_int_equal(WTERMSIG(take_status(child.os_pid)), SIGTERM);
    close_child(&child);
}

/* The end and the letting go at the same time; how far the end has come then is seen just before. */
static void letting_go_may_cross_the_end(void **state)
{
    int rounds = 0, over = 0, not_over = 0;
    (void)state;
    while (rounds < 50 || ((over == 0 || not_over == 0) && rounds < 2000)) {
        limi_child child = start_program(ARGV("cat"));
        limi_watch watch;
        liminal_exit_reason reason;
        int64_t until;
        (void)watch_it(&watch, child.os_pid);
        assert_int_equal(kill((pid_t)child.os_pid, SIGKILL), 0);
        until = limi_clock_monotonic() + rounds % 20 * (1 + rounds / 20) * 50000; /* longer each time */
        while (limi_clock_monotonic() < until) {
            limi_relax();
        }
        if (limi_watch_over(&watch, false, &reason)) {
            reason_is(reason, LIMINAL_EXIT_SIGNAL, SIGKILL);
            over++;
        } else {
            not_over++;
        }
        limi_watch_close(&watch);
        (void)take_status(child.os_pid);
        close_child(&child);
        rounds++;
    }
    assert_true(over > 0 && not_over > 0);
}

/* ---- many ---- */

enum { MANY = 200 };

static void two_hundred_end_at_once(void **state)
{
    static limi_child children[MANY];
    static limi_watch watches[MANY];
    static bool gone[MANY];
    limi_poller poller;
    void *keys[7];
    size_t left = MANY;
    int lead[2];
    char text[32];
    (void)state;
    memset(gone, 0, sizeof gone);
    assert_int_equal(pipe(lead), 0); /* each child waits for the end of this one */
    assert_int_equal(limi_poller_open(&poller), LIMINAL_OK);
    for (int i = 0; i < MANY; i++) {
        (void)snprintf(text, sizeof text, "read line <&%d; exit %d", lead[0], 1 + i % 100);
        (void)fcntl(lead[1], F_SETFD, FD_CLOEXEC);
        children[i] = start_program(SHELL(text));
        close_child(&children[i]);
        (void)watch_it(&watches[i], children[i].os_pid);
        assert_int_equal(limi_poller_add(&poller, watches[i].fd, &watches[i]), LIMINAL_OK);
    }
    assert_int_equal(limi_poller_wait(&poller, keys, 7, limi_clock_monotonic()), 0);
    (void)close(lead[1]);
    while (left > 0) {
        size_t count = limi_poller_wait(&poller, keys, 7, limi_clock_monotonic() + GUARD_NS);
        assert_in_range(count, 1, 7);
        for (size_t i = 0; i < count; i++) {
            limi_watch *watch = keys[i];
            int which = (int)(watch - watches);
            assert_false(gone[which]);
            gone[which] = true;
            reason_is(seen_end(watch, true), LIMINAL_EXIT_CODE, 1 + which % 100);
            limi_poller_remove(&poller, watch->fd);
            limi_watch_close(watch);
            left--;
        }
    }
    assert_int_equal(limi_poller_wait(&poller, keys, 7, 0), 0);
    limi_poller_close(&poller);
    (void)close(lead[0]);
}

/* ---- what may be refused ---- */

static void each_missing_descriptor_of_a_watch(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    size_t needed = by_waiter ? 2 : 1;
    (void)state;
    for (size_t left = 0; left <= needed; left++) {
        limi_watch watch;
        famine f;
        size_t before, after;
        liminal_status st;
        famine_begin(&f, left);
        before = open_descriptors();
        st = limi_watch_open(&watch, child.os_pid);
        after = open_descriptors();
        if (st == LIMINAL_OK) { /* let go in the famine */
            limi_watch_close(&watch);
        }
        famine_end(&f);
        assert_int_equal(st, left < needed ? LIMINAL_ELIMIT : LIMINAL_OK);
        assert_int_equal(after, left < needed ? before : before + needed);
    }
    end_child(&child);
}

static void a_thread_may_be_refused(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    limi_watch watch;
    size_t descriptors = open_descriptors();
    (void)state;
    test_refuse_threads(1);
    if (by_waiter) {
        assert_int_equal(limi_watch_open(&watch, child.os_pid), LIMINAL_ELIMIT);
        assert_int_equal(open_descriptors(), descriptors);
    }
    (void)watch_it(&watch, child.os_pid);
    assert_int_equal(test_threads_asked(), by_waiter ? 2 : 0);
    limi_watch_close(&watch);
    end_child(&child);
}

static void a_watch_is_none_of_the_hosts_three(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    (void)state;
    for (unsigned mask = 0; mask < 8; mask++) {
        limi_watch watch;
        liminal_status st;
        bare b;
        bare_begin(&b, mask);
        st = limi_watch_open(&watch, child.os_pid);
        bare_end(&b);
        assert_int_equal(st, LIMINAL_OK);
        assert_true(is_private(watch.fd) && (!by_waiter || is_private(watch.other_fd)));
        limi_watch_close(&watch);
    }
    end_child(&child);
}

/* ---- the host's threads ---- */

static void a_watch_while_cancelled(void *argument)
{
    limi_child *child = argument;
    limi_watch watch;
    liminal_exit_reason reason;
    (void)pthread_cancel(pthread_self()); /* pends until a point of cancellation */
    errno = 4711;
    if (test_check(limi_watch_open(&watch, child->os_pid) == LIMINAL_OK)) {
        (void)test_check(!limi_watch_over(&watch, true, &reason));
        limi_watch_signal(&watch, LIMI_SIGNAL_KILL);
        limi_watch_reap(&watch);
        (void)test_check(limi_watch_over(&watch, true, &reason));
        limi_watch_signal(&watch, LIMI_SIGNAL_KILL);
        limi_watch_close(&watch);
    }
    (void)test_check(limi_watch_open(&watch, -1) == LIMINAL_ENOPROC);
    (void)test_check(errno == 4711);
    limi_descriptor_close(&child->in);
    pthread_testcancel();
    (void)test_check(false); /* it was pending all the time, and is so still */
}

static void a_cancelled_thread_watches_to_the_end(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    test_thread thread;
    (void)state;
    test_thread_start(&thread, a_watch_while_cancelled, &child);
    test_thread_join(&thread);
    assert_int_equal(child.in, -1);
    assert_no_child(child.os_pid);
    close_child(&child);
}

#define WATCH_CASES                                                                                                    \
    TEST(every_end_has_its_reason), TEST(a_zombie_is_over_at_once_and_is_left_for_the_host), TEST(a_signal_ends_it),   \
        TEST(reaping_waits_for_the_end), TEST(a_stopped_one_is_not_dead), TEST(the_end_of_its_output_is_not_its_own),  \
        TEST(its_end_is_not_that_of_its_output), TEST(who_is_gone_can_not_be_watched),                                 \
        TEST(a_grandchild_ends_for_unknown_reasons), TEST(this_process_is_no_child), TEST(the_host_may_reap_it_first), \
        TEST(the_host_may_ignore_its_children), TEST(no_other_child_is_touched),                                       \
        TEST(it_lives_on_when_no_longer_watched), TEST(letting_go_may_cross_the_end), TEST(two_hundred_end_at_once),   \
        TEST(each_missing_descriptor_of_a_watch), TEST(a_thread_may_be_refused),                                       \
        TEST(a_watch_is_none_of_the_hosts_three), TEST(a_cancelled_thread_watches_to_the_end)

#endif

/* SPDX-License-Identifier: MIT */
/* test_platform_child_alone.c -- what a program does not get: descriptors, signals; and what its start leaves alone. */
#define _GNU_SOURCE

#include "child_kit.h"

enum { ROOM = 4096 };

/* ---- descriptors ---- */

static void each_missing_descriptor_in_turn(void **state)
{
    static const size_t needed[] = {6, 4}; /* with a pipe for standard error, and without */
    (void)state;
    for (size_t kind = 0; kind < 2; kind++) {
        limi_child_plan plan = plan_of(SHELL("echo alive; echo nowhere >&2"));
        plan.own_stderr = kind == 0;
        plan.stderr_away = kind == 1;
        plan.traceparent = "z";
        for (size_t left = 0; left <= needed[kind]; left++) {
            limi_child child = {.os_pid = -7};
            famine f;
            liminal_status st;
            char said[ROOM] = "";
            size_t before, after;
            famine_begin(&f, left);
            before = open_descriptors();
            st = limi_child_start(&plan, &child);
            after = open_descriptors();
            famine_end(&f);
            if (left < needed[kind]) {
                assert_int_equal(st, LIMINAL_ELIMIT);
                assert_int_equal(child.os_pid, -7);
                assert_int_equal(after, before);
                continue;
            }
            assert_int_equal(st, LIMINAL_OK);
            read_text(child.out, said, sizeof said);
            assert_string_equal(said, "alive\n");
            assert_int_equal(take_status(child.os_pid), 0);
            close_child(&child);
        }
    }
}

/* The host has closed some of 0, 1 and 2; ours are none of them, and the program has all three. */
static void the_hosts_own_three_may_be_closed(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 8; mask++) {
        limi_child_plan plan = plan_of(SHELL("readlink /proc/$$/fd/2; cat"));
        limi_child child = {.os_pid = -1};
        liminal_status st;
        char said[ROOM], *rest;
        bool hidden = false;
        bare b;
        plan.own_stderr = mask == 7;
        bare_begin(&b, mask);
        st = limi_child_start(&plan, &child);
        for (int fd = 0; fd < 3; fd++) {
            hidden = hidden || ((mask & (1u << fd)) != 0 && fcntl(fd, F_GETFD) >= 0);
        }
        bare_end(&b);
        assert_int_equal(st, LIMINAL_OK);
        assert_false(hidden);
        assert_true(is_private(child.in) && is_private(child.out) && (mask != 7 || is_private(child.err)));
        assert_int_equal(limi_descriptor_write(child.in, "input", 5), 5);
        limi_descriptor_close(&child.in);
        read_text(child.out, said, sizeof said);
        rest = strchr(said, '\n');
        assert_non_null(rest);
        assert_string_equal(rest, "\ninput");
        if ((mask & 4) != 0) {
            assert_int_equal(strncmp(said, mask == 7 ? "pipe:" : "/dev/null", 5), 0);
        }
        assert_int_equal(take_status(child.os_pid), 0);
        close_child(&child);
    }
}

static void each_missing_descriptor_above_the_closed_three(void **state)
{
    limi_child_plan plan = plan_of(ARGV("true"));
    size_t left = 0;
    liminal_status st;
    (void)state;
    do {
        limi_child child = {.os_pid = -7};
        famine f;
        bare b;
        size_t before, after;
        bare_begin(&b, 0);
        famine_begin(&f, left); /* takes none of 0, 1, 2, which are closed after it */
        for (int fd = 0; fd < 3; fd++) {
            (void)close(fd);
        }
        before = open_descriptors();
        st = limi_child_start(&plan, &child);
        after = open_descriptors();
        famine_end(&f);
        bare_end(&b);
        if (st == LIMINAL_OK) {
            assert_int_equal(take_status(child.os_pid), 0);
            close_child(&child);
        } else {
            assert_int_equal(st, LIMINAL_ELIMIT);
            assert_int_equal(after, before);
        }
        left++;
    } while (st != LIMINAL_OK && left < 10);
    assert_int_equal(left - 1, 4); /* what it takes with all of them open */
}

static void ours_do_not_reach_other_programs(void **state)
{
    limi_child_plan plan = plan_of(ARGV("cat"));
    limi_child other;
    limi_watch watch;
    limi_chime chime;
    limi_poller poller;
    char said[ROOM];
    size_t low = 0;
    (void)state;
    plan.own_stderr = true;
    other = start_plan(&plan);
    assert_int_equal(limi_watch_open(&watch, other.os_pid), LIMINAL_OK);
    assert_int_equal(limi_chime_open(&chime), LIMINAL_OK);
    assert_int_equal(limi_poller_open(&poller), LIMINAL_OK);
    /* The shell's own look into the folder is closed again when it asks what is really there. */
    (void)run_program(SHELL("for fd in /proc/$$/fd/*; do [ -e $fd ] && echo ${fd##*/}; done"), said, sizeof said);
    for (char *line = strtok(said, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        int fd = atoi(line);
        low += fd <= 2;
        /* Whoever runs the tests may have left something open across exec, for all. */
        assert_true(fd <= 2 || fcntl(fd, F_GETFD) == 0);
    }
    assert_int_equal(low, 3);
    limi_poller_close(&poller);
    limi_chime_close(&chime);
    limi_watch_close(&watch);
    end_child(&other);
}

static unsigned long flags_of(const char *said, const char *after)
{
    const char *at = strstr(said, after);
    assert_non_null(at);
    at = strstr(at, "flags:");
    assert_non_null(at);
    return strtoul(at + 6, NULL, 8);
}

static void our_ends_do_not_block_and_the_childs_do(void **state)
{
    limi_child_plan plan = plan_of(
        SHELL("for i in 0 1 2; do echo at $i; while read line; do echo $line; done </proc/$$/fdinfo/$i; done; cat"));
    limi_child child;
    char said[ROOM];
    (void)state;
    plan.own_stderr = true;
    child = start_plan(&plan);
    assert_true((fcntl(child.in, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(child.out, F_GETFL) & O_NONBLOCK) != 0);
    assert_true((fcntl(child.err, F_GETFL) & O_NONBLOCK) != 0);
    limi_descriptor_close(&child.in);
    read_text(child.out, said, sizeof said);
    assert_int_equal(flags_of(said, "at 0") & O_NONBLOCK, 0);
    assert_int_equal(flags_of(said, "at 1") & O_NONBLOCK, 0);
    assert_int_equal(flags_of(said, "at 2") & O_NONBLOCK, 0);
    assert_int_equal(take_status(child.os_pid), 0);
    close_child(&child);
}

/* ---- signals ---- */

static unsigned long long signals_of(const char *said, const char *name)
{
    const char *at = strstr(said, name);
    assert_non_null(at);
    return strtoull(at + strlen(name), NULL, 16);
}

static unsigned long long bit(int signal)
{
    return 1ull << (signal - 1);
}

static void no_signal_is_blocked_and_sigpipe_is_at_its_default(void **state)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN}, before[3], now;
    const int ignored[] = {SIGPIPE, SIGCHLD, SIGUSR1};
    sigset_t blocked, mask, after;
    char said[ROOM];
    int status;
    limi_child child;
    (void)state;
    (void)sigfillset(&blocked);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &blocked, &mask), 0);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sigaction(ignored[i], &ignore, &before[i]), 0);
    }
    child = start_program(ARGV("cat", "/proc/self/status"));
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &mask, &after), 0);
    assert_true(sigismember(&after, SIGTERM) == 1 && sigismember(&after, SIGUSR2) == 1); /* the host's is as it was */
    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    assert_true(now.sa_handler == SIG_IGN);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(sigaction(ignored[i], &before[i], NULL), 0);
    }
    read_text(child.out, said, sizeof said);
    /* While SIGCHLD was ignored it may have ended, and then nobody can have its status. */
    (void)waitpid((pid_t)child.os_pid, &status, 0);
    close_child(&child);
    assert_int_equal(signals_of(said, "SigBlk:"), 0);
    assert_int_equal(signals_of(said, "SigIgn:") & (bit(SIGPIPE) | bit(SIGCHLD)), 0);
    assert_true((signals_of(said, "SigIgn:") & bit(SIGUSR1)) != 0); /* what else the host ignores is its affair */
}

static volatile sig_atomic_t pipes_seen;

static void count_pipe(int signal)
{
    (void)signal;
    pipes_seen = pipes_seen + 1;
}

typedef struct deaf {
    int fd;
    ptrdiff_t put;
    limi_thread self;
    limi_thread_plan plan;
    test_gate ready;
} deaf;

static void write_to_nobody(void *argument)
{
    deaf *d = argument;
    sigset_t pending;
    d->self = limi_thread_self();
    errno = 4711;
    d->put = limi_descriptor_write(d->fd, "x", 1);
    (void)test_check(errno == 4711);
    (void)sigpending(&pending);
    (void)test_check(sigismember(&pending, SIGPIPE) == 1); /* else this would prove nothing */
    test_gate_open(&d->ready);
}

static void nobody_gets_a_sigpipe(void **state)
{
    struct sigaction counting = {.sa_handler = count_pipe}, before;
    limi_child child = start_program(ARGV("true"));
    deaf d = {.fd = child.in, .plan = {"deaf", 0, write_to_nobody, &d}, .ready = TEST_GATE_INIT};
    sigset_t pending;
    (void)state;
    assert_int_equal(take_status(child.os_pid), 0); /* now nobody reads */
    pipes_seen = 0;
    assert_int_equal(sigaction(SIGPIPE, &counting, &before), 0);
    assert_int_equal(limi_thread_start(&d.plan), LIMINAL_OK);
    test_gate_wait(&d.ready);
    limi_thread_join(d.self);
    assert_int_equal(d.put, -2);
    (void)sigpending(&pending);
    assert_int_equal(sigismember(&pending, SIGPIPE), 0);
    assert_int_equal(pipes_seen, 0);
    assert_int_equal(sigaction(SIGPIPE, &before, NULL), 0);
    close_child(&child);
}

/* ---- the host's threads ---- */

static void all_of_it_cancelled(void *argument)
{
    limi_child_plan plan = plan_of(ARGV("cat"));
    limi_child *child = argument;
    char said[8];
    (void)pthread_cancel(pthread_self()); /* pends until a point of cancellation */
    (void)test_check(limi_child_start(&plan, child) == LIMINAL_OK);
    (void)test_check(limi_descriptor_write(child->in, "x", 1) == 1);
    (void)test_check(hears_soon(child->out));
    (void)test_check(limi_descriptor_read(child->out, said, sizeof said) == 1);
    close_child(child);
    pthread_testcancel();
    (void)test_check(false); /* it was pending all the time, and is so still */
}

static void a_cancelled_thread_gets_through(void **state)
{
    limi_child child = {.os_pid = -1};
    test_thread thread;
    (void)state;
    test_thread_start(&thread, all_of_it_cancelled, &child);
    test_thread_join(&thread);
    assert_int_equal(child.in, -1);
    assert_int_equal(take_status(child.os_pid), 0);
}

static void errno_is_left_alone(void **state)
{
    limi_child_plan plan = plan_of(ARGV("cat"));
    limi_child child;
    char said[8];
    (void)state;
    errno = 4711;
    assert_int_equal(limi_child_start(&plan, &child), LIMINAL_OK);
    assert_int_equal(limi_descriptor_read(child.out, said, sizeof said), -1);
    assert_int_equal(limi_descriptor_write(child.in, "x", 1), 1);
    assert_int_equal(limi_descriptor_read(-1, said, sizeof said), 0);
    assert_int_equal(limi_descriptor_write(-1, said, sizeof said), -2);
    assert_true(hears_soon(child.out));
    limi_descriptor_close(&child.in);
    limi_descriptor_close(&(int){9999});
    assert_int_equal(errno, 4711);
    end_child(&child);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_missing_descriptor_in_turn),
        TEST(the_hosts_own_three_may_be_closed),
        TEST(each_missing_descriptor_above_the_closed_three),
        TEST(ours_do_not_reach_other_programs),
        TEST(our_ends_do_not_block_and_the_childs_do),
        TEST(no_signal_is_blocked_and_sigpipe_is_at_its_default),
        TEST(nobody_gets_a_sigpipe),
        TEST(a_cancelled_thread_gets_through),
        TEST(errno_is_left_alone),
    };
    return cmocka_run_group_tests_name("platform_child_alone", tests, NULL, NULL);
}

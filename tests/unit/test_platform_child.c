/* SPDX-License-Identifier: MIT */
/* test_platform_child.c -- programs are started as asked, with nothing that is not theirs. */
#define _GNU_SOURCE

#include "child_kit.h"

#include <sys/stat.h>

enum { ROOM = 4096 };

/* ---- talking ---- */

static void what_cat_is_told_it_says(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    char said[ROOM];
    (void)state;
    assert_true(child.os_pid > 0 && child.in >= 0 && child.out >= 0 && child.err == -1);
    assert_int_equal(limi_descriptor_read(child.out, said, sizeof said), -1); /* nothing yet */
    assert_int_equal(limi_descriptor_write(child.in, "one\ntwo", 7), 7);
    limi_descriptor_close(&child.in);
    assert_int_equal(child.in, -1);
    limi_descriptor_close(&child.in); /* welcome */
    read_text(child.out, said, sizeof said);
    assert_string_equal(said, "one\ntwo");
    assert_int_equal(limi_descriptor_read(child.out, said, sizeof said), 0); /* the end stays */
    assert_int_equal(take_status(child.os_pid), 0);
    close_child(&child);
}

static void arguments_arrive_as_they_are(void **state)
{
    char said[ROOM];
    (void)state;
    assert_int_equal(run_program(ARGV("sh", "-c", "printf '<%s>' \"$@\"; exit 7", "x", "", "a b", "$c", "\n"), said,
                                 sizeof said), 7);
    assert_string_equal(said, "<><a b><$c><\n>");
}

static void standard_error_goes_where_the_plan_says(void **state)
{
    limi_child_plan plan = plan_of(SHELL("echo out; echo err >&2"));
    limi_child child;
    char said[ROOM];
    (void)state;
    plan.own_stderr = true;
    child = start_plan(&plan);
    read_text(child.out, said, sizeof said);
    assert_string_equal(said, "out\n");
    read_text(child.err, said, sizeof said);
    assert_string_equal(said, "err\n");
    assert_int_equal(take_status(child.os_pid), 0);
    close_child(&child);

    plan = plan_of(SHELL("readlink /proc/$$/fd/2"));
    plan.stderr_away = true;
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "/dev/null\n");
}

static void standard_error_may_be_the_hosts(void **state)
{
    limi_child_plan plan = plan_of(SHELL("echo err >&2"));
    char said[ROOM];
    int ends[2], kept, code;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    kept = fcntl(2, F_DUPFD_CLOEXEC, 10);
    (void)dup2(ends[1], 2);
    code = run_plan(&plan, said, sizeof said);
    (void)dup2(kept, 2);
    (void)close(kept);
    (void)close(ends[1]);
    assert_int_equal(code, 0);
    assert_string_equal(said, "");
    read_text(ends[0], said, sizeof said);
    (void)close(ends[0]);
    assert_string_equal(said, "err\n");
}

static void a_full_pipe_says_so(void **state)
{
    limi_child child = start_program(ARGV("sleep", "60"));
    char block[ROOM];
    size_t put = 0;
    ptrdiff_t last;
    limi_pollee pollee = {.fd = child.in, .want_write = true};
    (void)state;
    memset(block, 'x', sizeof block);
    while ((last = limi_descriptor_write(child.in, block, sizeof block)) > 0) {
        put += (size_t)last;
    }
    assert_int_equal(last, -1);
    assert_true(put > 0);
    limi_poll(&pollee, 1, limi_clock_monotonic());
    assert_false(pollee.can_write);
    end_child(&child);
}

/* ---- environment ---- */

/* How many of the lines of `env` are exactly this one. */
static int lines(const char *said, const char *line)
{
    int count = 0;
    size_t length = strlen(line);
    for (const char *at = said; *at != '\0';) {
        const char *end = strchrnul(at, '\n');
        count += (size_t)(end - at) == length && strncmp(at, line, length) == 0;
        at = *end != '\0' ? end + 1 : end;
    }
    return count;
}

static void the_hosts_environment_is_handed_on(void **state)
{
    limi_child_plan plan = plan_of(ARGV("env"));
    char said[64 * ROOM];
    (void)state;
    assert_int_equal(setenv("OF_THE_HOST", "here", 1), 0);
    assert_int_equal(setenv("TRACEPARENT", "the host's", 1), 0);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_int_equal(lines(said, "OF_THE_HOST=here"), 1);
    assert_int_equal(lines(said, "TRACEPARENT=the host's"), 1);

    plan.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_int_equal(lines(said, "OF_THE_HOST=here"), 1);
    assert_int_equal(lines(said, "TRACEPARENT=the host's"), 0);
    assert_int_equal(lines(said, "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), 1);
    assert_string_equal(getenv("TRACEPARENT"), "the host's");
    assert_int_equal(unsetenv("TRACEPARENT") | unsetenv("OF_THE_HOST"), 0);
}

static void an_environment_of_its_own_is_all_there_is(void **state)
{
    limi_child_plan plan = plan_of(ARGV("env")); /* found through the host's PATH */
    char said[ROOM];
    (void)state;
    plan.environment = ARGV("A=1", "TRACEPARENT=x", "TRACEPARENTS=2", "TRACEPARENT=y");
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "A=1\nTRACEPARENT=x\nTRACEPARENTS=2\nTRACEPARENT=y\n");
    plan.traceparent = "z";
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "A=1\nTRACEPARENTS=2\nTRACEPARENT=z\n");
    plan.environment = (const char *const[]){NULL};
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "TRACEPARENT=z\n");
}

static void the_host_may_have_no_environment(void **state)
{
    limi_child_plan plan = plan_of(ARGV("/usr/bin/env"));
    char **kept = environ;
    char said[ROOM], less[ROOM];
    int codes[2];
    (void)state;
    environ = NULL;
    codes[0] = run_plan(&plan, less, sizeof less);
    plan.traceparent = "z";
    codes[1] = run_plan(&plan, said, sizeof said);
    environ = kept;
    assert_int_equal(codes[0], 0);
    assert_int_equal(codes[1], 0);
    assert_string_equal(less, "");
    assert_string_equal(said, "TRACEPARENT=z\n");
}

static void memory_may_fail(void **state)
{
    limi_child_plan plan = plan_of(ARGV("true"));
    limi_child child = {.os_pid = -7};
    size_t descriptors = open_descriptors();
    (void)state;
    plan.traceparent = "z";
    plan.own_stderr = true;
    test_fail_nth(1);
    assert_int_equal(limi_child_start(&plan, &child), LIMINAL_ENOMEM);
    assert_int_equal(child.os_pid, -7);
    assert_int_equal(open_descriptors(), descriptors);
    child = start_plan(&plan);
    assert_int_equal(take_status(child.os_pid), 0);
    close_child(&child);
}

/* ---- files ---- */

/* A folder with a script that runs, files that don't, and nothing else. */
typedef struct folder {
    char path[64];
} folder;

static void lay_file(const folder *f, const char *name, const char *text, mode_t mode)
{
    char path[128];
    int fd;
    (void)snprintf(path, sizeof path, "%s/%s", f->path, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static folder make_folder(void)
{
    folder f = {"/tmp/liminal-child-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    lay_file(&f, "runs", "#!/bin/sh\npwd\n", 0700);
    lay_file(&f, "plain", "#!/bin/sh\npwd\n", 0600);
    lay_file(&f, "nonsense", "neither a script nor a program\n", 0700);
    lay_file(&f, "orphan", "#!/nowhere/sh\n", 0700);
    return f;
}

static void drop_folder(const folder *f)
{
    static const char *const names[] = {"runs", "plain", "nonsense", "orphan"};
    char path[128];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(f->path), 0);
}

static void it_starts_in_the_directory_of_the_plan(void **state)
{
    folder f = make_folder();
    limi_child_plan plan = plan_of(ARGV("./runs"));
    char said[ROOM], expected[ROOM], here[ROOM];
    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    plan.directory = f.path;
    (void)snprintf(expected, sizeof expected, "%s\n", f.path);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, expected);

    plan = plan_of(ARGV("pwd"));
    (void)test_check(snprintf(expected, sizeof expected, "%s\n", here) < (int)sizeof expected);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, expected);
    drop_folder(&f);
}

static void a_name_without_a_slash_is_looked_up_in_path(void **state)
{
    folder f = make_folder();
    char said[ROOM], path[2 * ROOM];
    char *kept = strdup(getenv("PATH"));
    limi_child_plan plan = plan_of(ARGV("runs"));
    limi_child child;
    (void)state;
    assert_int_equal(limi_child_start(&plan, &child), LIMINAL_ENOPROC);
    (void)snprintf(path, sizeof path, "/nowhere:%s:%s", f.path, kept);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_int_equal(setenv("PATH", kept, 1), 0);
    free(kept);
    drop_folder(&f);
}

static void refusal(const limi_child_plan *plan, liminal_status status, const char *says)
{
    limi_child child = {.os_pid = -7, .in = -8, .out = -9, .err = -10};
    size_t descriptors = open_descriptors();
    errno = 4711;
    assert_int_equal(limi_child_start(plan, &child), status);
    assert_int_equal(errno, 4711);
    if (strstr(liminal_status_detail(), says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", liminal_status_detail(), says);
    }
    assert_non_null(strstr(liminal_status_detail(), plan->argv[0]));
    assert_true(child.os_pid == -7 && child.in == -8 && child.out == -9 && child.err == -10);
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(test_blocks(), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void what_cannot_be_executed_is_named(void **state)
{
    static const struct {
        const char *program, *directory, *says;
    } rows[] = {
        {"no-such-program-anywhere", NULL, "no such file"}, {"./no-such-program", NULL, "no such file"},
        {"", NULL, "no such file"},                         {"./orphan", "", "no such file"},
        {"./plain", "", "permission"},                      {"/tmp", NULL, "permission"},
        {"./nonsense", "", "not a program"},                {"./runs/further", "", "not a directory"},
        {"true", "/nowhere/at/all", "no such file"},        {"true", "/dev/null", "not a directory"},
    };
    folder f = make_folder();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        limi_child_plan plan = plan_of(ARGV(rows[i].program));
        plan.directory = rows[i].directory != NULL && rows[i].directory[0] == '\0' ? f.path : rows[i].directory;
        plan.own_stderr = i % 2 == 0;
        plan.traceparent = "z";
        refusal(&plan, LIMINAL_ENOPROC, rows[i].says);
        if (rows[i].directory != NULL) {
            assert_non_null(strstr(liminal_status_detail(), plan.directory));
        }
    }
    drop_folder(&f);
}

static void arguments_beyond_all_bounds_are_a_limit(void **state)
{
    size_t size = (size_t)8 * 1024 * 1024; /* more than one argument may have */
    char *huge = malloc(size);
    limi_child_plan plan = plan_of(ARGV("true", huge));
    (void)state;
    assert_non_null(huge);
    memset(huge, 'x', size - 1);
    huge[size - 1] = '\0';
    refusal(&plan, LIMINAL_ELIMIT, "too long");
    free(huge);
}

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
        TEST(what_cat_is_told_it_says),
        TEST(arguments_arrive_as_they_are),
        TEST(standard_error_goes_where_the_plan_says),
        TEST(standard_error_may_be_the_hosts),
        TEST(a_full_pipe_says_so),
        TEST(the_hosts_environment_is_handed_on),
        TEST(an_environment_of_its_own_is_all_there_is),
        TEST(the_host_may_have_no_environment),
        TEST(memory_may_fail),
        TEST(it_starts_in_the_directory_of_the_plan),
        TEST(a_name_without_a_slash_is_looked_up_in_path),
        TEST(what_cannot_be_executed_is_named),
        TEST(arguments_beyond_all_bounds_are_a_limit),
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
    return cmocka_run_group_tests_name("platform_child", tests, NULL, NULL);
}

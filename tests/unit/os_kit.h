/* SPDX-License-Identifier: MIT */
/* os_kit.h -- real processes for the tests of watching them. Every one that is started here is reaped here. */
#ifndef TEST_OS_KIT_H
#define TEST_OS_KIT_H

#include "adopt_kit.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/wait.h>

extern char **environ;

/* Else only children can be watched, and a number is all that they are known by. */
static inline bool os_has_pidfds(void)
{
#if defined(SYS_pidfd_open) && !defined(LIMI_NO_PIDFD)
    int fd = (int)syscall(SYS_pidfd_open, getpid(), 0);
    return fd >= 0 && close(fd) == 0;
#else
    return false;
#endif
}

/* A program, with one end of a pipe as its standard input or output; -1: neither. */
static inline pid_t os_start(const char *const *argv, int in, int out)
{
    posix_spawn_file_actions_t actions;
    pid_t pid = -1;
    int failed = posix_spawn_file_actions_init(&actions);
    if (in >= 0) {
        failed |= posix_spawn_file_actions_adddup2(&actions, in, 0);
    }
    if (out >= 0) {
        failed |= posix_spawn_file_actions_adddup2(&actions, out, 1);
    }
    failed |= posix_spawnp(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    failed |= posix_spawn_file_actions_destroy(&actions);
    assert_int_equal(failed, 0);
    return pid;
}

static inline pid_t os_shell(const char *line)
{
    const char *const argv[] = {"sh", "-c", line, NULL};
    return os_start(argv, -1, -1);
}

/* One that lives until it is killed, or the test ends. */
typedef struct sleeper {
    pid_t pid;
    int end; /* of the pipe that it reads from */
} sleeper;

static inline sleeper os_sleeper(void)
{
    static const char *const argv[] = {"cat", NULL};
    int ends[2];
    sleeper s;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    s.pid = os_start(argv, ends[0], -1);
    s.end = ends[1];
    (void)close(ends[0]);
    return s;
}

static inline int os_reap(pid_t pid)
{
    int status = -1;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

/* The status, left where it is. */
static inline void os_await(pid_t pid)
{
    siginfo_t info;
    assert_int_equal(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
}

/* End it, if it has not ended, and let it go. */
static inline int os_end(sleeper *s)
{
    int status;
    (void)kill(s->pid, SIGKILL);
    status = os_reap(s->pid);
    (void)close(s->end);
    return status;
}

static inline liminal_pid os_watch(liminal_supervisor *supervisor, pid_t pid)
{
    liminal_pid out = {0};
    assert_int_equal(liminal_os_process_watch(supervisor, pid, &out), LIMINAL_OK);
    assert_true(out.value != 0);
    return out;
}

static inline liminal_exit_reason os_code(int code)
{
    return (liminal_exit_reason){LIMINAL_EXIT_CODE, code};
}

static inline liminal_exit_reason os_signal(int number)
{
    return (liminal_exit_reason){LIMINAL_EXIT_SIGNAL, number};
}

#endif

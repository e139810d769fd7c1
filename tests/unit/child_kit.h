/* SPDX-License-Identifier: MIT */
/* child_kit.h -- real programs for the tests of the treaty's second part. Define _GNU_SOURCE before it. */
#ifndef TEST_CHILD_KIT_H
#define TEST_CHILD_KIT_H

#include "support/harness.h"

#include <liminal.h>

#include "platform_process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define GUARD_NS ((int64_t)20 * 1000000000)
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SHELL(script) ARGV("sh", "-c", script)

/* ---- waiting, which ends ---- */

static inline bool hears(int fd, int64_t deadline_ns)
{
    limi_pollee pollee = {.fd = fd, .want_read = true};
    limi_poll(&pollee, 1, deadline_ns);
    return pollee.can_read;
}

static inline bool hears_soon(int fd)
{
    return hears(fd, limi_clock_monotonic() + GUARD_NS);
}

/* All there is until the end of input, as a text; cut off at `room`. */
static inline void read_text(int fd, char *text, size_t room)
{
    size_t length = 0;
    char more[256];
    ptrdiff_t got;
    do {
        (void)test_check(hears_soon(fd));
        got = limi_descriptor_read(fd, more, sizeof more);
        for (ptrdiff_t i = 0; i < got && length + 1 < room; i++) {
            text[length++] = more[i];
        }
    } while (got > 0);
    (void)test_check(got == 0);
    text[length] = '\0';
}

/* ---- starting and ending ---- */

static inline limi_child_plan plan_of(const char *const *argv)
{
    return (limi_child_plan){.argv = argv, .allocator = test_allocator()};
}

static inline limi_child start_plan(const limi_child_plan *plan)
{
    limi_child child = {.os_pid = -1};
    assert_int_equal(limi_child_start(plan, &child), LIMINAL_OK);
    assert_int_equal(test_blocks(), 0);
    return child;
}

static inline limi_child start_program(const char *const *argv)
{
    limi_child_plan plan = plan_of(argv);
    return start_plan(&plan);
}

static inline void close_child(limi_child *child)
{
    limi_descriptor_close(&child->in);
    limi_descriptor_close(&child->out);
    limi_descriptor_close(&child->err);
}

/* As the host does: wait for it and take its status. */
static inline int take_status(int64_t os_pid)
{
    int status = -1;
    pid_t got;
    do {
        got = waitpid((pid_t)os_pid, &status, 0);
    } while (got < 0 && errno == EINTR);
    (void)test_check(got == (pid_t)os_pid);
    return status;
}

/* Until it is a zombie, which stays. */
static inline void await_zombie(int64_t os_pid)
{
    siginfo_t info;
    (void)test_check(waitid(P_PID, (id_t)os_pid, &info, WEXITED | WNOWAIT) == 0);
}

static inline void end_child(limi_child *child)
{
    (void)test_check(kill((pid_t)child->os_pid, SIGKILL) == 0);
    (void)take_status(child->os_pid);
    close_child(child);
}

/* Run it to its end without input; what it said. The exit code, or -1. */
static inline int run_plan(const limi_child_plan *plan, char *said, size_t room)
{
    limi_child child = start_plan(plan);
    int status;
    limi_descriptor_close(&child.in);
    read_text(child.out, said, room);
    status = take_status(child.os_pid);
    close_child(&child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline int run_program(const char *const *argv, char *said, size_t room)
{
    limi_child_plan plan = plan_of(argv);
    return run_plan(&plan, said, room);
}

/* ---- descriptors ---- */

static inline size_t open_descriptors(void)
{
    size_t count = 0;
    for (int fd = 0; fd < 256; fd++) {
        count += fcntl(fd, F_GETFD) >= 0;
    }
    return count;
}

/* All descriptors below a limit but `left` are taken. */
typedef struct famine {
    struct rlimit before;
    int taken[128];
    size_t count;
} famine;

static inline void famine_begin(famine *f, size_t left)
{
    struct rlimit scarce;
    int fd;
    f->count = 0;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &f->before), 0);
    scarce = f->before;
    scarce.rlim_cur = 100;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &scarce), 0);
    while (f->count < 128 && (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0) {
        f->taken[f->count++] = fd;
    }
    for (size_t i = 0; i < left; i++) {
        (void)close(f->taken[--f->count]);
    }
}

static inline void famine_end(famine *f)
{
    (void)setrlimit(RLIMIT_NOFILE, &f->before);
    while (f->count > 0) {
        (void)close(f->taken[--f->count]);
    }
}

/* 0, 1 and 2 put aside, and those in the mask closed. No assertion in between: there may be nowhere to say so. */
typedef struct bare {
    int kept[3];
} bare;

static inline void bare_begin(bare *b, unsigned mask)
{
    (void)fflush(NULL);
    for (int fd = 0; fd < 3; fd++) {
        b->kept[fd] = fcntl(fd, F_DUPFD_CLOEXEC, 10);
        if ((mask & (1u << fd)) != 0) {
            (void)close(fd);
        }
    }
}

static inline void bare_end(bare *b)
{
    for (int fd = 0; fd < 3; fd++) {
        (void)dup2(b->kept[fd], fd);
        (void)close(b->kept[fd]);
    }
}

/* Whether one is out of the way of 0 to 2 and goes to no other program. */
static inline bool is_private(int fd)
{
    int flags = fcntl(fd, F_GETFD);
    return fd > 2 && flags >= 0 && (flags & FD_CLOEXEC) != 0;
}

#endif

/* SPDX-License-Identifier: MIT */
/* platform_watch.c -- the treaty's second part, on POSIX: noticing the end of a process. The contract
 * stands in platform_process.h.
 *
 * With pidfds (Linux since 5.4) a watch is one descriptor, which names the process and never another one.
 *
 * Without, a thread of its own, the waiter, blocks in waitid() for that one child and leaves its zombie be:
 *
 *   STARTING --waiter--> WAITING --waiter, when waitid() has returned--> PAST
 *
 * The stages are stored by the waiter alone, each before it unparks the word, so that whoever parks on a stage
 * it has read sees the next one. What it saw is written before PAST, and read after. Then it writes a byte into
 * the pipe.
 *
 * To get the waiter back while its process lives on, limi_watch_close() cancels it: waitid() is a point of
 * cancellation, and the only one at which the waiter lets itself be cancelled; it holds nothing there. No
 * signal that a program could use is spent on it, nothing is polled, no child but that one is waited for. The
 * limits: a C library without pthread_cancel() can't have this way. The GNU C library loads its unwinder
 * (libgcc_s.so.1) at the first cancellation and stops a program that lacks it; as that takes a descriptor
 * for a moment, the pipe's end is closed first. And a number that the host has reaped can be another child's
 * before the waiter has run: the host then watches that one. */
#define _GNU_SOURCE

#include "platform_call.h"

#include "detail.h"

#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/syscall.h>
#endif

#if defined(SYS_pidfd_open) && defined(SYS_pidfd_send_signal) && !defined(LIMI_NO_PIDFD)
#define PIDFD 1
#endif

#define WAITER_STACK ((size_t)64 * 1024)

enum { STARTING, WAITING, PAST };

static int system_signal(limi_signal signal)
{
    return signal == LIMI_SIGNAL_KILL ? SIGKILL : SIGTERM;
}

static liminal_exit_reason reason_of(const siginfo_t *info)
{
    if (info->si_code != CLD_EXITED) {
        return (liminal_exit_reason){LIMINAL_EXIT_SIGNAL, info->si_status};
    }
    return (liminal_exit_reason){info->si_status == 0 ? LIMINAL_EXIT_NORMAL : LIMINAL_EXIT_CODE, info->si_status};
}

/* waitid(), again after EINTR. Returns an error number; info->si_pid is 0 if there is nothing yet. */
static int wait_for(idtype_t type, id_t id, int options, siginfo_t *info)
{
    int failed;
    do {
        memset(info, 0, sizeof *info);
        failed = waitid(type, id, info, options) == 0 ? 0 : errno;
    } while (failed == EINTR);
    return failed;
}

/* ---- with pidfds ---- */

#ifdef PIDFD

#define P_PIDFD_TYPE ((idtype_t)3) /* older headers lack the name */

/* False: there are none here. */
static bool open_pidfd(limi_watch *watch, pid_t pid, liminal_status *out)
{
    siginfo_t info;
    int fd = limi_descriptor_lift((int)syscall(SYS_pidfd_open, pid, 0));
    if (fd >= 0) {
        /* Linux 5.3 can open one, but not wait for it. */
        if (wait_for(P_PIDFD_TYPE, (id_t)fd, WEXITED | WNOHANG | WNOWAIT, &info) == EINVAL) {
            (void)close(fd);
            return false;
        }
        watch->fd = fd;
        *out = LIMINAL_OK;
        return true;
    }
    if (errno == ENOSYS || errno == EPERM) {
        return false; /* an old kernel; a sandbox that has never heard of it */
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENODEV || errno == ENOMEM) {
        *out = limi_descriptor_refused("watching a process");
    } else {
        *out = limi_detail(LIMINAL_ENOPROC, "there is no OS process %d", (int)pid);
    }
    return true;
}

static bool pidfd_over(const limi_watch *watch, bool reap, liminal_exit_reason *out)
{
    struct pollfd asked = {.fd = watch->fd, .events = POLLIN};
    siginfo_t info;
    int failed;
    while ((failed = poll(&asked, 1, 0)) < 0 && errno == EINTR) {
    }
    if (failed <= 0) {
        return false;
    }
    failed = wait_for(P_PIDFD_TYPE, (id_t)watch->fd, WEXITED | WNOHANG | (reap ? 0 : WNOWAIT), &info);
    if (failed == 0 && info.si_pid == 0) {
        return false; /* a debugger has it for another moment */
    }
    *out = failed == 0 ? reason_of(&info) : (liminal_exit_reason){LIMINAL_EXIT_UNKNOWN, 0};
    return true;
}

static void pidfd_reap(const limi_watch *watch)
{
    siginfo_t info;
    (void)wait_for(P_PIDFD_TYPE, (id_t)watch->fd, WEXITED, &info);
}

static void pidfd_signal(const limi_watch *watch, limi_signal signal)
{
    (void)syscall(SYS_pidfd_send_signal, watch->fd, system_signal(signal), NULL, 0);
}

#else

static bool open_pidfd(limi_watch *watch, pid_t pid, liminal_status *out)
{
    (void)watch, (void)pid, (void)out;
    return false;
}

static bool pidfd_over(const limi_watch *watch, bool reap, liminal_exit_reason *out)
{
    (void)watch, (void)reap, (void)out;
    return false;
}

static void pidfd_reap(const limi_watch *watch)
{
    (void)watch;
}

static void pidfd_signal(const limi_watch *watch, limi_signal signal)
{
    (void)watch, (void)signal;
}

#endif

/* ---- without: the waiter ---- */

static void go_on(limi_watch *watch, uint32_t stage)
{
    limi_u32_store(&watch->stage.value, stage);
    limi_unpark(&watch->stage);
}

static void await_stage(limi_watch *watch, uint32_t stage)
{
    uint32_t now;
    while ((now = limi_u32_load(&watch->stage.value)) < stage) {
        (void)limi_park(&watch->stage, now, INT64_MAX);
    }
}

_Static_assert(sizeof(siginfo_t) <= sizeof((limi_watch *)NULL)->seen, "room for what the waiter sees");

/* The part in which it may be cancelled. Nothing that AddressSanitizer marks lies on its stack meanwhile, for it
 * does not notice that a cancellation unwinds that; and it hears in limi_thread_guard() that the rest is gone. */
static void wait_for_end(void *argument)
{
    limi_watch *watch = argument;
    siginfo_t *info = (siginfo_t *)(void *)watch->seen;
    int failed;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    failed = wait_for(P_PID, (id_t)watch->os_pid, WEXITED | WNOWAIT, info);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    watch->reason = failed == 0 ? reason_of(info) : (liminal_exit_reason){LIMINAL_EXIT_UNKNOWN, 0};
    watch->reaped = failed != 0;
}

static void let_go(void *argument)
{
    (void)argument; /* it holds nothing */
}

static void waiter_main(void *argument)
{
    limi_watch *watch = argument;
    watch->waiter = limi_thread_self();
    go_on(watch, WAITING);
    limi_thread_guard(wait_for_end, let_go, watch);
    go_on(watch, PAST);
    /* If the reader has gone, this leaves a SIGPIPE pending for this thread, which blocks it and ends here. */
    while (write(watch->other_fd, "", 1) < 0 && errno == EINTR) {
    }
}

static liminal_status open_waiter(limi_watch *watch, pid_t pid)
{
    limi_thread_plan plan = {"liminal watch", WAITER_STACK, waiter_main, watch};
    int ends[2];
    siginfo_t info;
    liminal_status st;
    if (wait_for(P_PID, (id_t)pid, WEXITED | WNOHANG | WNOWAIT, &info) != 0) {
        return kill(pid, 0) == 0 || errno == EPERM
                   ? limi_detail(LIMINAL_ELIMIT, "OS process %d is no child: this system can't watch it", (int)pid)
                   : limi_detail(LIMINAL_ENOPROC, "there is no OS process %d", (int)pid);
    }
    if (!limi_pipe_open(ends)) {
        return limi_descriptor_refused("watching a process");
    }
    watch->fd = ends[0];
    watch->other_fd = ends[1];
    limi_word_init(&watch->stage, STARTING);
    st = limi_thread_start(&plan);
    if (st != LIMINAL_OK) {
        limi_word_destroy(&watch->stage);
        limi_descriptor_discard(&watch->fd);
        limi_descriptor_discard(&watch->other_fd);
        return limi_detail(st, "watching a process: the system gives no thread");
    }
    await_stage(watch, WAITING); /* it has taken the plan, and said who it is */
    return LIMINAL_OK;
}

static bool waiter_over(limi_watch *watch, bool reap, liminal_exit_reason *out)
{
    siginfo_t info;
    if (limi_u32_load(&watch->stage.value) != PAST) {
        if (wait_for(P_PID, (id_t)watch->os_pid, WEXITED | WNOHANG | WNOWAIT, &info) == 0 && info.si_pid == 0) {
            return false;
        }
        await_stage(watch, PAST); /* it is over, so waitid() returns to the waiter too, if it has not yet */
    }
    if (reap && !watch->reaped) {
        (void)wait_for(P_PID, (id_t)watch->os_pid, WEXITED | WNOHANG, &info);
        watch->reaped = true;
    }
    *out = watch->reason;
    return true;
}

static void waiter_signal(const limi_watch *watch, limi_signal signal)
{
    siginfo_t info;
    if (limi_u32_load(&watch->stage.value) == PAST) {
        return; /* who has reaped it may have given the number to another child */
    }
    /* A child that nobody has reaped keeps its number. */
    if (wait_for(P_PID, (id_t)watch->os_pid, WEXITED | WNOHANG | WNOWAIT, &info) == 0) {
        (void)kill((pid_t)watch->os_pid, system_signal(signal));
    }
}

static void close_waiter(limi_watch *watch)
{
    limi_descriptor_discard(&watch->fd);
    if (limi_u32_load(&watch->stage.value) != PAST) {
        pthread_t thread;
        memcpy(&thread, watch->waiter.room, sizeof thread);
        (void)pthread_cancel(thread); /* too late for one that is just PAST: then it pends, and is forgotten */
    }
    limi_thread_join(watch->waiter);
    limi_descriptor_discard(&watch->other_fd);
    limi_word_destroy(&watch->stage);
}

/* ---- either ---- */

liminal_status limi_watch_open(limi_watch *watch, int64_t os_pid)
{
    limi_aside aside = limi_aside_begin();
    liminal_status st;
    memset(watch, 0, sizeof *watch);
    watch->fd = watch->other_fd = -1;
    watch->os_pid = os_pid;
    if (os_pid <= 0 || os_pid > INT_MAX) {
        st = limi_detail(LIMINAL_ENOPROC, "there is no OS process %lld", (long long)os_pid);
    } else if (!open_pidfd(watch, (pid_t)os_pid, &st)) {
        st = open_waiter(watch, (pid_t)os_pid);
    }
    limi_aside_end(aside);
    return st;
}

bool limi_watch_over(limi_watch *watch, bool reap, liminal_exit_reason *out)
{
    limi_aside aside = limi_aside_begin();
    bool over = watch->other_fd < 0 ? pidfd_over(watch, reap, out) : waiter_over(watch, reap, out);
    limi_aside_end(aside);
    return over;
}

void limi_watch_reap(limi_watch *watch)
{
    limi_aside aside = limi_aside_begin();
    liminal_exit_reason reason;
    if (watch->other_fd < 0) {
        pidfd_reap(watch);
    } else {
        await_stage(watch, PAST);
        (void)waiter_over(watch, true, &reason);
    }
    limi_aside_end(aside);
}

void limi_watch_signal(limi_watch *watch, limi_signal signal)
{
    limi_aside aside = limi_aside_begin();
    if (watch->other_fd < 0) {
        pidfd_signal(watch, signal);
    } else {
        waiter_signal(watch, signal);
    }
    limi_aside_end(aside);
}

void limi_watch_close(limi_watch *watch)
{
    limi_aside aside = limi_aside_begin();
    if (watch->other_fd < 0) {
        limi_descriptor_discard(&watch->fd);
    } else {
        close_waiter(watch);
    }
    limi_aside_end(aside);
}

void limi_watch_abandon(int64_t os_pid)
{
    limi_aside aside = limi_aside_begin();
    siginfo_t info;
    if (wait_for(P_PID, (id_t)os_pid, WEXITED | WNOHANG | WNOWAIT, &info) == 0) { /* so the number is still its */
        (void)kill((pid_t)os_pid, SIGKILL);
        (void)wait_for(P_PID, (id_t)os_pid, WEXITED, &info);
    }
    limi_aside_end(aside);
}

/* SPDX-License-Identifier: MIT */
/* platform_process.h -- the treaty's second part: OS processes and the pipes to them.
 *
 * Descriptors are close-on-exec and never 0, 1 or 2. No call blocks but limi_poll(), limi_poller_wait(),
 * limi_thread-like joins in limi_watch_close(), and where it says so; none changes errno, none raises
 * SIGPIPE (they are made on threads that block it), none touches SIGCHLD or waits for any child but the
 * one it is told of. */
#ifndef LIMI_PLATFORM_PROCESS_H
#define LIMI_PLATFORM_PROCESS_H

#include <liminal/process.h>

#include "platform.h"

/* ---- watching: platform_watch.c --------------------------------------------------------------- */

/* Watches one OS process, whose number may be used again later for another. With pidfds `fd` is one.
 * Without (LIMI_NO_PIDFD), `fd` is a pipe that a thread of its own closes at the other end when its wait
 * for that one child has returned; nothing but a child can be watched then: ELIMIT. */
typedef struct limi_watch {
    int fd; /* becomes readable, or hangs up, when the process has ended */
    int other_fd; /* without pidfds; else -1 */
    int64_t os_pid;
    limi_thread waiter; /* without pidfds */
    limi_atomic_u32 left; /* without pidfds: the waiter is past its wait */
} limi_watch;

/* ENOPROC: no such process. ELIMIT: no descriptor, no thread, not possible here. The struct stays where it is. */
liminal_status limi_watch_open(limi_watch *watch, int64_t os_pid);

/* Whether it has ended, and how: NORMAL, CODE, SIGNAL; UNKNOWN for one that is not ours, or that was
 * reaped by somebody else. With `reap` its zombie goes; without, it is left for the host. Once true it
 * stays true; the reason of a later call may be UNKNOWN. */
bool limi_watch_over(limi_watch *watch, bool reap, liminal_exit_reason *out);

/* Wait until it has ended and reap it: only after a SIGKILL, for it waits without a deadline. */
void limi_watch_reap(limi_watch *watch);

/* Send it a signal, if it has not been reaped. */
typedef enum limi_signal { LIMI_SIGNAL_TERM, LIMI_SIGNAL_KILL } limi_signal;
void limi_watch_signal(limi_watch *watch, limi_signal signal);

void limi_watch_close(limi_watch *watch);

/* A bell that a poll can hear. */
typedef struct limi_chime {
    int fd; /* readable when it was rung */
    int other_fd;
} limi_chime;

liminal_status limi_chime_open(limi_chime *chime); /* ELIMIT */
void limi_chime_ring(limi_chime *chime);           /* any thread */
void limi_chime_clear(limi_chime *chime);
void limi_chime_close(limi_chime *chime);

/* Waits on any number of descriptors at a cost that does not grow with them. */
typedef struct limi_poller {
    int fd;
} limi_poller;

liminal_status limi_poller_open(limi_poller *poller);                  /* ELIMIT */
liminal_status limi_poller_add(limi_poller *poller, int fd, void *key); /* ELIMIT; readable or hung up */
void limi_poller_remove(limi_poller *poller, int fd);
size_t limi_poller_wait(limi_poller *poller, void **keys, size_t room, int64_t deadline_ns); /* how many are ready */
void limi_poller_close(limi_poller *poller);

/* ---- children: platform_child.c --------------------------------------------------------------- */

/* A few descriptors, waited for together. fd < 0: left out. */
typedef struct limi_pollee {
    int fd;
    bool want_read, want_write;
    bool can_read, can_write; /* out; also at the end of input, and when the reader has gone */
} limi_pollee;

void limi_poll(limi_pollee *pollees, size_t count, int64_t deadline_ns);

typedef struct limi_child_plan {
    const char *const *argv;
    const char *const *environment; /* NULL: the host's */
    const char *traceparent;        /* set over what the environment says */
    const char *directory;          /* NULL: the host's */
    bool own_stderr;                /* a pipe; else as `stderr_away` says */
    bool stderr_away;               /* nowhere; else the host's */
    const liminal_allocator *allocator; /* for the moment of the call */
} limi_child_plan;

typedef struct limi_child {
    int64_t os_pid;
    int in, out, err; /* our ends, non-blocking: to write, to read, to read; -1: none */
} limi_child;

/* Start a program. ENOPROC with a detail: it can't be executed (no such file, no permission, no such
 * directory). ELIMIT: no descriptor or process left. ENOMEM. Nothing is left behind. */
liminal_status limi_child_start(const limi_child_plan *plan, limi_child *out);

/* How much was read: 0 at the end of input, -1 if there is nothing now. An error is the end. */
ptrdiff_t limi_descriptor_read(int fd, void *to, size_t room);

/* How much was written: -1 if there is no room now, -2 if nobody reads any more. */
ptrdiff_t limi_descriptor_write(int fd, const void *from, size_t size);

void limi_descriptor_close(int *fd); /* and sets it to -1; -1 is welcome */

#endif

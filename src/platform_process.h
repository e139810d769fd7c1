/* SPDX-License-Identifier: MIT */
/* platform_process.h -- the treaty's second part: OS processes and the pipes to them.
 *
 * Descriptors are close-on-exec from birth and never 0, 1 or 2. No call blocks but limi_poll(),
 * limi_poller_wait(), limi_watch_reap(), and where it says so (without pidfds the others of a watch wait for its
 * thread for a moment: to begin, to see an end that is there, to leave); none is a point of cancellation, none changes
 * errno, none touches SIGCHLD or waits for any child but the one it is told of. None lets SIGPIPE out:
 * limi_descriptor_write() is called on threads of the library only, which block it and take it with them. */
#ifndef LIMI_PLATFORM_PROCESS_H
#define LIMI_PLATFORM_PROCESS_H

#include <liminal/memory.h>
#include <liminal/process.h>

#include "platform.h"

/* ---- watching: platform_watch.c --------------------------------------------------------------- */

/* Watches one OS process, whose number may be used again later for another. `fd` is a pidfd. Where the system
 * has none (LIMI_NO_PIDFD, or found out at run time), `fd` is a pipe into which a thread of its own writes
 * when its wait for that one child has returned; then nothing but a child can be watched: ELIMIT. A watch
 * is used by one thread at a time; whatever waits for `fd` may be another. */
typedef struct limi_watch {
    int fd; /* readable when the process has ended; never read from */
    int other_fd; /* the pipe's end to write to; -1: `fd` is a pidfd, and what follows is not used */
    int64_t os_pid;
    limi_thread waiter;
    limi_word stage; /* platform_watch.c */
    _Alignas(8) unsigned char seen[128]; /* what the waiter saw, */
    liminal_exit_reason reason; /* and what that means */
    bool reaped; /* the number is no longer its */
} limi_watch;

/* ENOPROC: no such process. ELIMIT: no descriptor, no thread, not possible here. ENOMEM. The struct stays where
 * it is. A child that the host's SIGCHLD settings or waits have reaped already is ENOPROC as well. */
liminal_status limi_watch_open(limi_watch *watch, int64_t os_pid);

/* Whether it has ended, and how: NORMAL, CODE, SIGNAL; UNKNOWN for one that is not ours, or that was
 * reaped by somebody else. With `reap` its zombie goes; without, it is left for the host. Once true it
 * stays true; the reason of a later call may be UNKNOWN. True no later than `fd` is readable. */
bool limi_watch_over(limi_watch *watch, bool reap, liminal_exit_reason *out);

/* Wait until it has ended and reap it: only after a SIGKILL, for it waits without a deadline. */
void limi_watch_reap(limi_watch *watch);

/* Send it a signal, if it has not been reaped. */
typedef enum limi_signal { LIMI_SIGNAL_TERM, LIMI_SIGNAL_KILL } limi_signal;
void limi_watch_signal(limi_watch *watch, limi_signal signal);

/* The process may still live, and is left alone. Nothing waits for `fd` any more. */
void limi_watch_close(limi_watch *watch);

/* A child that can't be watched: SIGKILL, and reap it. Waits for that. */
void limi_watch_abandon(int64_t os_pid);

/* ---- descriptors: platform_poll.c ------------------------------------------------------------- */

/* A bell that a poll can hear. */
typedef struct limi_chime {
    int fd; /* readable when it was rung */
    int other_fd; /* to ring at; on Linux the same */
} limi_chime;

liminal_status limi_chime_open(limi_chime *chime); /* ELIMIT */
void limi_chime_ring(limi_chime *chime);           /* any thread */
void limi_chime_clear(limi_chime *chime);
void limi_chime_close(limi_chime *chime);

/* Waits on any number of descriptors at a cost that does not grow with them. A descriptor is removed before it
 * is closed; that may be while another thread waits, which may still return its key then. */
typedef struct limi_poller {
    int fd;
} limi_poller;

liminal_status limi_poller_open(limi_poller *poller);                   /* ELIMIT */
liminal_status limi_poller_add(limi_poller *poller, int fd, void *key); /* ELIMIT; readable or hung up */
void limi_poller_remove(limi_poller *poller, int fd);

/* How many are ready, at most `room` (not 0); 0 only when the deadline has passed. What is ready stays so. */
size_t limi_poller_wait(limi_poller *poller, void **keys, size_t room, int64_t deadline_ns);
void limi_poller_close(limi_poller *poller);

/* A few descriptors, waited for together. fd < 0, or nothing wanted of it: left out. */
#define LIMI_POLL_MOST 8
typedef struct limi_pollee {
    int fd;
    bool want_read, want_write;
    bool can_read, can_write; /* out; also at the end of input, and when the reader has gone */
} limi_pollee;

/* Until one of them can, or the deadline; with none left out, merely until the deadline. */
void limi_poll(limi_pollee *pollees, size_t count, int64_t deadline_ns);

/* How much was read: 0 at the end of input, -1 if there is nothing now. An error is the end. `room` is not 0. */
ptrdiff_t limi_descriptor_read(int fd, void *to, size_t room);

/* How much could be read at once, were nothing to follow; 0 if that can't be known. */
size_t limi_descriptor_waiting(int fd);

/* How much was written: -1 if there is no room now, -2 if nobody reads any more. */
ptrdiff_t limi_descriptor_write(int fd, const void *from, size_t size);

void limi_descriptor_close(int *fd); /* and sets it to -1; -1 is welcome */

/* ---- children: platform_child.c --------------------------------------------------------------- */

typedef struct limi_child_plan {
    const char *const *argv;            /* argv[0] is looked up in the host's PATH if it has no slash */
    const char *const *environment;     /* NULL: the host's, which is only read */
    const char *traceparent;            /* set over what the environment says; NULL: not */
    const char *directory;              /* NULL: the host's; relative paths to the program start from here */
    bool own_stderr;                    /* a pipe; else as `stderr_away` says */
    bool stderr_away;                   /* nowhere; else the host's, or nowhere if that is closed */
    const liminal_allocator *allocator; /* for the moment of the call */
} limi_child_plan;

typedef struct limi_child {
    int64_t os_pid;
    int in, out, err; /* our ends, non-blocking: to write, to read, to read; -1: none */
} limi_child;

/* Start a program: no signal blocked, SIGPIPE and SIGCHLD at their defaults, no descriptor but 0, 1, 2 and what
 * the host leaves open across exec. Returns when the program has begun. ENOPROC with a detail: it can't be
 * executed (no such file, no permission, no such directory). ELIMIT: no descriptor or process left,
 * arguments too long. ENOMEM. Nothing is left behind, and *out is untouched then. */
liminal_status limi_child_start(const limi_child_plan *plan, limi_child *out);

#endif

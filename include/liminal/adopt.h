/* SPDX-License-Identifier: MIT */
/* liminal/adopt.h -- processes that the library did not start: threads of the host, and OS processes. */
#ifndef LIMINAL_ADOPT_H
#define LIMINAL_ADOPT_H

#include <liminal/process.h>

LIMINAL_BEGIN

/* What is adopted has a pid like anything else: it can be linked, waited for, and be a WATCHED
 * participant. Once it is dead, the supervisor remembers the last so many of them. */
#define LIMINAL_REMEMBERED 1024

/* To so many supervisors a thread can be attached at once. */
#define LIMINAL_ATTACHED_MOST 4

/**
 * Attach the calling thread: give it a pid of its own.
 *
 * If the thread ends before it has detached, by return, pthread_exit() or
 * cancellation, the process exits with LIMINAL_EXIT_KILLED; what follows from
 * that, notices too, happens on the thread, among its destructors of
 * thread-specific data. An exit signal ends the process, not the thread, which
 * goes on detached: it may attach again, and be another process. A thread may be
 * attached to several supervisors, once to each. A shutdown detaches it, when
 * all conversations have ended; its process then exits with LIMINAL_EXIT_NORMAL.
 *
 * Gives:    *out.
 * Threads:  any that the library did not start, but not inside a destructor of thread-specific data.
 * Blocks:   never.
 * Errors:   EPHASE (attached to this supervisor already, a thread of the library's, or one that is ending), EINVAL
 *           (a NULL), ELIMIT (attached to LIMINAL_ATTACHED_MOST; no room for thread-specific data), ENOMEM, ECLOSED
 *           (shutting down), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_thread_attach(liminal_supervisor *supervisor, LIMINAL_GIVE liminal_pid *out);

/**
 * Detach the calling thread: its process exits, LIMINAL_EXIT_NORMAL.
 *
 * When a shutdown has detached it before, this is EPHASE, and allowed although
 * the supervisor is gone; the same goes for liminal_thread_next_exit().
 *
 * Threads:  one that is attached.
 * Blocks:   never, unless a notice of its exit does.
 * Errors:   EEXIT (it had been ended, by a signal or as the shutdown began; it is detached now), EPHASE (not
 *           attached), EINVAL (NULL), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_thread_detach(liminal_supervisor *supervisor);

/**
 * Take the oldest exit message of the calling thread, or wait for one.
 *
 * Messages come while the process traps exits: see liminal_process_trap().
 * Those that had come before its own exit can still be taken after it.
 *
 * Gives:    *out.
 * Threads:  one that is attached.
 * Blocks:   until a message, until a signal or a shutdown ends its process, or the deadline.
 * Errors:   ETIMEDOUT, EEXIT (its own process has exited, with no message left), EPHASE (not attached),
 *           EINVAL (a NULL), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_thread_next_exit(liminal_supervisor *supervisor, LIMINAL_GIVE liminal_exit *out,
                                        liminal_deadline deadline);

/**
 * Watch an OS process: give it a pid that dies when it does.
 *
 * The reason is LIMINAL_EXIT_NORMAL, LIMINAL_EXIT_CODE or LIMINAL_EXIT_SIGNAL
 * for a child of the host, which is left for the host to reap; it is
 * LIMINAL_EXIT_UNKNOWN for one that is no child, or that the host reaped first. A number
 * that the system gives to another process later does not matter. One that is
 * watched twice has two pids, and two exits. Its notices are called on a thread
 * of the supervisor's, which the first watch starts; it stays until the
 * shutdown, and counts as one of max_threads. Watching ends with the process, or with the
 * shutdown, when all conversations have ended: the reason is then
 * LIMINAL_EXIT_UNKNOWN.
 *
 * Gives:    *out.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   ENOPROC (no such OS process), EINVAL (a NULL, a number that is none), ELIMIT (no descriptor or
 *           thread left, max_threads; or, on a system without pidfds, no child of the host), ENOMEM, ECLOSED (shutting
 *           down), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_os_process_watch(liminal_supervisor *supervisor, int64_t os_pid, LIMINAL_GIVE liminal_pid *out);

LIMINAL_END

#endif

/* SPDX-License-Identifier: MIT */
/* liminal/process.h -- process ids, exit reasons and exit notices. */
#ifndef LIMINAL_PROCESS_H
#define LIMINAL_PROCESS_H

#include <liminal/deadline.h>
#include <liminal/status.h>

LIMINAL_BEGIN

typedef struct liminal_supervisor liminal_supervisor;

/* Names a conversation's actor, a participant, an attached thread or a watched OS process. Never used
 * again within its supervisor, and never zero: {0} is nobody. A large number; print it with PRIu64. */
typedef struct liminal_pid {
    uint64_t value;
} liminal_pid;

typedef enum liminal_exit_kind {
    LIMINAL_EXIT_NORMAL = 0, /* it had finished */
    LIMINAL_EXIT_ERROR = 1,  /* it failed; `code` is a liminal_status or a number of its own */
    LIMINAL_EXIT_KILLED = 2, /* somebody ended it, or its thread was ended under it */
    LIMINAL_EXIT_NOPROC = 3, /* there was no such process */
    LIMINAL_EXIT_CODE = 4,   /* an OS process exited with `code` */
    LIMINAL_EXIT_SIGNAL = 5, /* an OS process was ended by signal `code` */
    LIMINAL_EXIT_UNKNOWN = 6 /* it ended, and nobody can say how */
} liminal_exit_kind;

typedef struct liminal_exit_reason {
    liminal_exit_kind kind;
    int32_t code; /* 0 where the kind does not use it */
} liminal_exit_reason;

/* What an exit notice says. */
typedef struct liminal_exit {
    liminal_pid pid;
    liminal_exit_reason reason;
    liminal_time seen;         /* when the exit was observed, by the wall clock */
    liminal_deadline seen_ns;  /* the same instant by the monotonic clock */
} liminal_exit;

/* Room for the longest text of a reason, with its terminating zero. */
typedef struct liminal_exit_text {
    char text[48];
} liminal_exit_text;

/**
 * Describe an exit reason for a person: "normal", "error 7", "signal 9".
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the text by value.
 * Since:    0.1
 */
LIMINAL_API liminal_exit_text liminal_exit_describe(liminal_exit_reason reason);

/**
 * End the calling participant with a reason, when its callback returns.
 *
 * For use in a behaviour: `return liminal_process_exit(reason);`. A reply that
 * the same call of answer() gives is still delivered. Of several reasons the
 * first one counts, also over the status that the callback returns.
 *
 * Threads:  inside a behaviour's start(), answer() or exited().
 * Blocks:   never.
 * Errors:   EEXIT (always, when the exit is noted), EPHASE (not inside a behaviour), EINVAL (kind outside
 *           the enum).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_exit(liminal_exit_reason reason);

/**
 * Tell whether a process lives.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  true if it does; false for one that has exited or was never there, for NULL, and after fork().
 * Since:    0.1
 */
LIMINAL_API bool liminal_process_alive(liminal_supervisor *supervisor, liminal_pid pid);

/* A wish to be told of one exit. */
typedef struct liminal_notice liminal_notice;

/**
 * Have `notify` called, exactly once, when a process exits.
 *
 * It is called on the thread that ends the process: the participant's own, one
 * that kills it or whose exit reaches it through links, or for an inline
 * participant and a conversation the one that runs the turn, which may be
 * inside a caller's ask. Of several deaths that follow from one, all are made
 * known to conversations and linked ones before the first notice is called. No
 * lock is held; it may call the library, may register further notices; it must
 * return, and soon. If the process has exited already, `notify` is called with
 * the recorded instant before this call returns. A participant is remembered as
 * long as its conversation is, others as adopt.h says; a notice still open
 * when one is forgotten was fired before.
 *
 * Gives:    *out, for liminal_notice_cancel(), before `notify` is called, unless that is inside this call; `out` may
 *           be NULL.
 * Threads:  any.
 * Blocks:   never, unless `notify` does.
 * Errors:   EINVAL (a NULL), ENOPROC (no such pid), ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_notify(liminal_supervisor *supervisor, liminal_pid pid,
                                      void (*notify)(void *self, const liminal_exit *exit), void *self,
                                      LIMINAL_GIVE liminal_notice **out);

/**
 * Wait for a process to exit.
 *
 * Threads:  any but the one that the process runs on, or is; for an OS process, not inside the notice of another.
 * Blocks:   until the exit or the deadline; not at all if it has exited.
 * Errors:   EINVAL (a NULL), ENOPROC (no such pid), ETIMEDOUT, EDEADLK (from inside that process), ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_process_wait(liminal_supervisor *supervisor, liminal_pid pid, liminal_exit *out,
                                    liminal_deadline deadline);

/**
 * Cancel a notice: once this has returned LIMINAL_OK it is not running and will not run.
 *
 * One that has fired is merely released. NULL in *notice is welcome.
 *
 * Takes:    *notice.
 * Threads:  any, also inside the notice itself (which then does not wait for itself).
 * Blocks:   while another thread is inside `notify`, until the deadline.
 * Errors:   ETIMEDOUT (it is still running; *notice stays yours), EINVAL (notice NULL).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_notice_cancel(LIMINAL_TAKE liminal_notice **notice, liminal_deadline deadline);

/**
 * Release a notice without cancelling it: it still fires. NULL is welcome.
 *
 * Takes:    *notice.
 * Threads:  any.
 * Blocks:   never.
 * Since:    0.1
 */
LIMINAL_API void liminal_notice_drop(LIMINAL_TAKE liminal_notice **notice);

LIMINAL_END

#endif

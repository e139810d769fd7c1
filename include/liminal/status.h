/* SPDX-License-Identifier: MIT */
/* liminal/status.h -- the one result type, and a text that says more. */
#ifndef LIMINAL_STATUS_H
#define LIMINAL_STATUS_H

#include <liminal/base.h>

LIMINAL_BEGIN

/* Name, value, text. The set is named for what the caller does next. Values are part of the ABI:
 * append, never renumber. */
#define LIMINAL_STATUS_MAP(X)                                             \
    X(OK, 0, "ok")                                                        \
    X(EINVAL, 1, "an argument breaks the documented contract")            \
    X(ENOMEM, 2, "out of memory")                                         \
    X(ELIMIT, 3, "a configured or system limit was reached")              \
    X(EPHASE, 4, "not allowed in the present phase")                      \
    X(ECLOSED, 5, "the conversation has closed")                          \
    X(EFAILED, 6, "the conversation has failed")                          \
    X(EEXIT, 7, "a participant has exited")                               \
    X(ENOPROC, 8, "no such process, or nobody who could answer")          \
    X(EFULL, 9, "the mailbox is full")                                    \
    X(ETIMEDOUT, 10, "the deadline passed")                               \
    X(ECANCELED, 11, "the request ended without an answer")               \
    X(EDEADLK, 12, "the call would make an actor wait for itself")        \
    X(EFORKED, 13, "the supervisor belongs to the parent of this process")

typedef enum liminal_status {
#define LIMINAL_X(name, value, text) LIMINAL_##name = value,
    LIMINAL_STATUS_MAP(LIMINAL_X)
#undef LIMINAL_X
} liminal_status;

/**
 * Describe a status for a person.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a static string; "unknown status" for a value outside the enum.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_status_text(liminal_status status);

/**
 * Name a status as it is spelled in C, for a log.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a static string such as "LIMINAL_EINVAL"; "LIMINAL_?" for a value outside the enum.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_status_name(liminal_status status);

/**
 * Read what more there is to say about this thread's last failure.
 *
 * Like errno it is written by a call that fails and left alone by one that
 * succeeds, so read it only after a status other than LIMINAL_OK.
 *
 * Threads:  any; each thread has its own.
 * Blocks:   never.
 * Returns:  one line without a line end, at most 255 bytes, borrowed until this thread's next
 *           failure; "" before the first.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_status_detail(void);

LIMINAL_END

#endif

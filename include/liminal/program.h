/* SPDX-License-Identifier: MIT */
/* liminal/program.h -- a child program as a participant: started, talked to through pipes, and ended. */
#ifndef LIMINAL_PROGRAM_H
#define LIMINAL_PROGRAM_H

#include <liminal/envelope.h>

LIMINAL_BEGIN

/* How one message is told from the next, in both directions. A frame that breaks the rules, or is
 * larger than the bound, ends the participant with LIMINAL_EXIT_ERROR and EINVAL or ELIMIT; want of memory
 * for one, with ENOMEM. Half a frame that an ending program leaves is dropped. */
typedef enum liminal_framing {
    /* A line. A request gets a line end unless it has one; a reply loses its own. That is the line feed: a
     * carriage return before it belongs to the line, and stays. A last line without a line end counts. */
    LIMINAL_FRAMING_LINE = 0,
    /* Four bytes, the most significant first, that count the bytes that follow. A request that they can't count is
     * consumed in silence. */
    LIMINAL_FRAMING_LENGTH32 = 1,
    /* A header with one line "Content-Length: N" (any case; other lines are skipped), an empty line, and
     * N bytes, as in the Language Server Protocol's base protocol. Lines end with CR LF; a bare LF is read as well.
     * A header of more than 8192 bytes is too large. */
    LIMINAL_FRAMING_CONTENT_LENGTH = 2
} liminal_framing;

/* Which request a frame that the program prints is the reply to: of those that it was given, if it was only
 * their first byte. A frame that is the reply to none was printed without being asked, and is for
 * liminal_conversation_receive(); so many of them wait as the mailbox holds messages, then the program has to.
 * All have the participant's name as publisher. */
typedef enum liminal_pairing {
    LIMINAL_PAIRING_IN_ORDER = 0,    /* the oldest one that it was given and has not answered */
    LIMINAL_PAIRING_BY_FUNCTION = 1, /* the oldest one that `answers` says yes to */
    LIMINAL_PAIRING_NONE = 2         /* none: a request is consumed in silence once it has been written */
} liminal_pairing;

/* Where its standard error goes. */
typedef enum liminal_stderr {
    LIMINAL_STDERR_HOST = 0,    /* to the host's own */
    LIMINAL_STDERR_AWAY = 1,    /* nowhere */
    LIMINAL_STDERR_CALLBACK = 2 /* to on_stderr() */
} liminal_stderr;

#define LIMINAL_DEFAULT_FRAME_BYTES ((size_t)16 * 1024 * 1024)
#define LIMINAL_DEFAULT_PATIENCE_NS ((int64_t)1000000000)

/* How to start one. Tables and texts are copied. The three functions are called one at a time on the
 * library's thread for this program, with the participant's `self`, with no lock held; they may call
 * the library, must return, and hold up only this program. Ending the thread inside one ends the
 * participant with LIMINAL_EXIT_KILLED. Since 0.1
 *
 * The program is started with SIGPIPE at its default, no signal blocked, nothing open but what the host
 * left open across exec, and TRACEPARENT in its environment: the conversation's trace context. Its end
 * is known when it has ended, not when its output ends: another process may hold that open. Exit code 0
 * is LIMINAL_EXIT_NORMAL, n LIMINAL_EXIT_CODE, a signal LIMINAL_EXIT_SIGNAL; if the host takes its
 * status away (SIGCHLD ignored, waitpid for any child), LIMINAL_EXIT_UNKNOWN. What it printed before is
 * delivered before. Nobody's SIGCHLD is touched, no other child is waited for, SIGPIPE is never raised.
 *
 * When the conversation is over: end of input; after `close_patience_ns` SIGTERM; after
 * `term_patience_ns` more SIGKILL. The same if it closes its standard output (unless PAIRING_NONE), or
 * its standard input while there is something to write. A shutdown shortens the two so that the SIGKILL
 * comes before its own deadline, and gives the conversation not more than half of that to end.
 * liminal_process_kill() is SIGKILL at once. */
typedef struct liminal_program {
    size_t size; /* LIMINAL_OPS(liminal_program) */

    const char *const *argv;        /* required, ends with NULL; argv[0] is looked up in PATH if it has no slash */
    const char *const *environment; /* "NAME=value", ends with NULL; NULL: the host's */
    const char *directory;          /* to start in; NULL: the host's */

    liminal_framing framing;
    liminal_pairing pairing;
    liminal_stderr errors;
    size_t frame_bytes;        /* the largest frame that is read; 0: the default above */
    int64_t close_patience_ns; /* 0: the default above; negative is EINVAL */
    int64_t term_patience_ns;  /* 0: the default above; negative is EINVAL */

    /* Required with LIMINAL_PAIRING_BY_FUNCTION. Whether `frame` is the reply to `request`. Borrows both. */
    bool (*answers)(void *self, const liminal_envelope *request, const liminal_envelope *frame);

    /* Required with LIMINAL_STDERR_CALLBACK. What it wrote there, in pieces as they come. Borrows `bytes`. */
    void (*on_stderr)(void *self, const void *bytes, size_t size);

    /* Optional. Let go of `self`: once, when the program has ended and its exit was made known. Never
     * called if the spawn failed. Default: does nothing. */
    void (*release)(void *self);
} liminal_program;

LIMINAL_END

#endif

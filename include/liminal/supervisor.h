/* SPDX-License-Identifier: MIT */
/* liminal/supervisor.h -- the owner of every actor and every thread. */
#ifndef LIMINAL_SUPERVISOR_H
#define LIMINAL_SUPERVISOR_H

#include <liminal/conversation.h>
#include <liminal/span.h>

LIMINAL_BEGIN

#define LIMINAL_DEFAULT_STACK_BYTES ((size_t)64 * 1024)
#define LIMINAL_DEFAULT_ASK_MS 5000
#define LIMINAL_DEFAULT_IDLE_THREADS 8
#define LIMINAL_NO_IDLE_THREADS ((size_t)-1)

/* How a supervisor is to be; NULL or zero for the defaults. Tables are copied.
 *
 * A thread that has done its work is kept for the next one that is wanted with as large a stack, if not more than
 * idle_threads are kept already: LIMINAL_NO_IDLE_THREADS for none. It sleeps; live and idle ones together are no more
 * than max_threads, and an idle one leaves before it keeps another out. To the next behaviour it is as new: its signals
 * are blocked, its name is that one's; but thread-specific data of the embedder's own stays until the thread ends, with
 * the shutdown at the latest. */
typedef struct liminal_supervisor_options {
    size_t size;                        /* LIMINAL_OPS(liminal_supervisor_options) */
    const liminal_allocator *allocator; /* NULL: malloc and free */
    size_t max_conversations;           /* live at once; 0: no limit */
    size_t max_threads;                 /* live at once; 0: no limit */
    size_t stack_bytes;                 /* of each thread; 0: the default above */
    const liminal_collector *collector; /* of the conversations' spans; NULL: none */
    size_t idle_threads;                /* kept for later, see above; 0: the default above */
} liminal_supervisor_options;

/* What lives under a supervisor right now. */
typedef struct liminal_census {
    size_t conversations; /* that have not closed or failed for good */
    size_t threads;       /* of actors and participants, and the one that watches OS processes; no idle one */
    size_t participants;  /* behaviours that have not exited */
} liminal_census;

/* A behaviour that would not return. */
typedef struct liminal_straggler {
    liminal_pid pid;
    char name[64]; /* cut if need be */
} liminal_straggler;

#define LIMINAL_STRAGGLERS 8

/* What a shutdown did. */
typedef struct liminal_report {
    size_t conversations; /* that it had to close */
    size_t threads;       /* that it joined, over the supervisor's whole life */
    size_t handles;       /* conversations that somebody still holds a handle on: memory not freed yet */
    size_t running;       /* stragglers in all */
    liminal_straggler stragglers[LIMINAL_STRAGGLERS]; /* the first of them */
} liminal_report;

/**
 * Open a supervisor. All state hangs from it: the library has no globals.
 *
 * Gives:    *out.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (out NULL, bad options), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_open(const liminal_supervisor_options *options,
                                       LIMINAL_GIVE liminal_supervisor **out);

/**
 * Start a conversation.
 *
 * Returns when each start() has returned and the rest can run, or with the
 * reason why not: there is no half-started conversation. On LIMINAL_OK each
 * participant's `self` belongs to its behaviour, which releases it; on any
 * other status all of them are still the caller's.
 *
 * Gives:    *out, an open handle.
 * Threads:  any, also inside a callback.
 * Blocks:   until every participant's start() has returned.
 * Errors:   EINVAL (as liminal_config_check, a NULL, or a name that a live conversation has), ENOPROC (a
 *           watched pid that does not live), ELIMIT, ENOMEM, ECLOSED (shutting down), EFORKED, and
 *           whatever a start() returned.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_spawn(liminal_supervisor *supervisor, const liminal_config *config,
                                        LIMINAL_GIVE liminal_conversation **out);

/**
 * Start a conversation with one participant, on a thread of its own, and defaults for the rest.
 *
 * Gives:    *out, an open handle.
 * Threads:  any, also inside a callback.
 * Blocks:   until the participant's start() has returned.
 * Errors:   as liminal_supervisor_spawn: EINVAL, ELIMIT, ENOMEM, ECLOSED, EFORKED, or start()'s.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_spawn_behaviour(liminal_supervisor *supervisor, const liminal_behaviour *behaviour,
                                                  void *self, liminal_crash_policy on_crash,
                                                  LIMINAL_GIVE liminal_conversation **out);

/**
 * Start a participant, ask it once, close, and give the reply: the ask pattern in one call.
 *
 * The deadline is LIMINAL_DEFAULT_ASK_MS from now; a behaviour can read what
 * is left. `self` is always released by the behaviour, once, whatever comes of
 * the ask; only if this gives EINVAL for a NULL or a bad table is it not touched.
 *
 * Takes:    *request, unless it was refused or withdrawn.
 * Gives:    *out_reply.
 * Threads:  any, also inside a callback.
 * Blocks:   until the answer, the exit, or the deadline; not for a behaviour that runs on after it.
 * Errors:   those of liminal_supervisor_spawn_behaviour() and liminal_conversation_ask(), among them
 *           ETIMEDOUT, EEXIT, ECANCELED, EINVAL, ELIMIT, ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_ask(liminal_supervisor *supervisor, const liminal_behaviour *behaviour, void *self,
                                      LIMINAL_TAKE liminal_envelope **request,
                                      LIMINAL_GIVE liminal_envelope **out_reply);

/**
 * The same, with a deadline.
 *
 * Takes:    *request, unless it was refused or withdrawn.
 * Gives:    *out_reply.
 * Threads:  any, also inside a callback.
 * Blocks:   until the answer, the exit, or the deadline; not for a behaviour that runs on after it.
 * Errors:   as liminal_supervisor_ask: ETIMEDOUT, EEXIT, ECANCELED, EINVAL, ELIMIT, ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_ask_until(liminal_supervisor *supervisor, const liminal_behaviour *behaviour,
                                            void *self, LIMINAL_TAKE liminal_envelope **request,
                                            LIMINAL_GIVE liminal_envelope **out_reply, liminal_deadline deadline);

/**
 * Find a conversation by the pid of its actor.
 *
 * Gives:    *out, a handle of the caller's own.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   ENOPROC (none that lives, or its last handle has gone), EINVAL (a NULL), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_find(liminal_supervisor *supervisor, liminal_pid pid,
                                       LIMINAL_GIVE liminal_conversation **out);

/**
 * Find a conversation by its name.
 *
 * A name is free again as soon as its conversation has closed or failed.
 *
 * Gives:    *out, a handle of the caller's own.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   ENOPROC (none that lives, or its last handle has gone), EINVAL (a NULL), EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_find_name(liminal_supervisor *supervisor, const char *name,
                                            LIMINAL_GIVE liminal_conversation **out);

/**
 * Count what lives.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the counts; all zero for NULL, and after fork().
 * Since:    0.1
 */
LIMINAL_API liminal_census liminal_supervisor_census(const liminal_supervisor *supervisor);

/**
 * Close every conversation, stop every participant, join every thread, release the supervisor.
 *
 * What was accepted is still answered, until the deadline. A behaviour that
 * has not returned by then is named in `*out` (which may be NULL), the
 * supervisor stays yours, and the call may be made again. Handles that are
 * still held go on to answer LIMINAL_ECLOSED and keep their own memory until
 * they are dropped. Nothing is spawned, attached or watched any more once this
 * was called. What was adopted is let go last: see adopt.h.
 *
 * Takes:    *supervisor; NULL in it is welcome.
 * Threads:  any but those inside a callback of this supervisor; nobody else may use the supervisor
 *           itself during or after this, but an attached thread may go on to wait, detach and end.
 * Blocks:   until the last behaviour returns, or the deadline.
 * Errors:   ETIMEDOUT (somebody is still running), EDEADLK (inside a callback), EFORKED (in a child: its
 *           copy is let go, unfreed), EINVAL (supervisor NULL).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_supervisor_shutdown(LIMINAL_TAKE liminal_supervisor **supervisor, liminal_report *out,
                                           liminal_deadline deadline);

LIMINAL_END

#endif

/* SPDX-License-Identifier: MIT */
/* liminal/participant.h -- what an embedder supplies: a behaviour, and where it runs. */
#ifndef LIMINAL_PARTICIPANT_H
#define LIMINAL_PARTICIPANT_H

#include <liminal/envelope.h>
#include <liminal/process.h>
#include <liminal/program.h>

LIMINAL_BEGIN

/* A participant is one function, and three that may be left out. All of them are called one at a time,
 * with no lock held, and may call anything in the library; a call that would wait for the caller
 * itself gives EDEADLK. Ending the thread inside one (pthread_exit) ends the participant with
 * LIMINAL_EXIT_KILLED. The table is copied when it is handed in. */
typedef struct liminal_behaviour {
    size_t size; /* LIMINAL_OPS(liminal_behaviour) */

    /* Required. Handle one request.
     * Called on the participant's thread; for an inline participant on whichever thread runs the
     * conversation's turn, which may be an asker's. The request's trace context is current, its
     * deadline is liminal_deadline_current(), and envelopes made here follow it.
     * Borrows `request`. May give one reply through `out_reply` (a reference to the request will
     * do); leaving it NULL consumes the request in silence. Any status but LIMINAL_OK ends the
     * participant with LIMINAL_EXIT_ERROR and that status; a reply given with it is still delivered,
     * and then the exit. To say no and live on, give a reply that says so. Since 0.1 */
    liminal_status (*answer)(void *self, const liminal_envelope *request, liminal_envelope **out_reply);

    /* Optional. Get ready. Called once, before the first answer() and before the spawn returns, on
     * the participant's thread; for an inline one on the spawning thread. Any status but LIMINAL_OK
     * is the status of the spawn. Default: does nothing. Since 0.1 */
    liminal_status (*start)(void *self);

    /* Optional. Let go of `self`. Called exactly once, after the last answer() and after the exit has
     * been made known, on the participant's thread; for an inline one on whichever runs the turn, possibly one
     * that closes, asks or sends. Never called if the spawn failed: every `self` is then still the caller's, also
     * one whose start() has run. Default: does nothing. Since 0.1 */
    void (*release)(void *self);

    /* Optional. Handle an exit message: a linked process has exited, or sent an exit signal. Having this slot
     * makes the participant trap exits from the start; see link.h. Called like answer(), in turn with the
     * requests that were accepted before and after it.
     * Any status but LIMINAL_OK ends the participant with LIMINAL_EXIT_ERROR and that status. Default: does
     * nothing, and the participant does not trap. Since 0.1 */
    liminal_status (*exited)(void *self, const liminal_exit *exit);
} liminal_behaviour;

typedef enum liminal_participant_kind {
    LIMINAL_PARTICIPANT_THREAD = 0, /* a behaviour on a thread of its own */
    LIMINAL_PARTICIPANT_INLINE = 1, /* a behaviour that the conversation's turn runs */
    LIMINAL_PARTICIPANT_WATCHED = 2, /* any live process of this supervisor: only its exit matters */
    LIMINAL_PARTICIPANT_PROGRAM = 3 /* a child program, talked to through pipes */
} liminal_participant_kind;

/* How to start one participant. */
typedef struct liminal_participant {
    liminal_participant_kind kind;
    const char *name;                   /* for details and snapshots, by config.name's rules; NULL: "participant" */
    const liminal_behaviour *behaviour; /* THREAD and INLINE; copied */
    void *self;                         /* handed to the behaviour or program, which releases it */
    liminal_pid pid;                    /* WATCHED: who */
    const liminal_program *program;     /* PROGRAM; copied */
} liminal_participant;

/**
 * A behaviour that gives each request back as its reply. Its `self` may be anything.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a static table.
 * Since:    0.1
 */
LIMINAL_API const liminal_behaviour *liminal_behaviour_echo(void);

LIMINAL_END

#endif

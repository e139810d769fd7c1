/* SPDX-License-Identifier: MIT */
/* participant.h -- one participant of a conversation: a behaviour on its own thread, a behaviour that
 * the turn runs, or a process that is only watched. */
#ifndef LIMI_PARTICIPANT_H
#define LIMI_PARTICIPANT_H

#include <liminal/participant.h>

#include "actor.h"
#include "process.h"
#include "request.h"

struct limi_talk;

typedef struct limi_participant {
    struct limi_talk *talk;
    uint32_t seat;
    liminal_participant_kind kind;
    const char *name;
    liminal_behaviour behaviour; /* with its defaults filled in */
    void *self;

    limi_process process;  /* THREAD, INLINE */
    limi_actor actor;      /* THREAD */
    limi_thread_plan plan; /* THREAD */
    limi_waiter started;   /* THREAD: start() has returned `start_status` */
    liminal_status start_status;
    bool enlisted; /* its process is in the registry */
    bool threaded; /* actor and started are initialised */
    bool launched; /* THREAD: for the spawn: it has a thread, which counts itself out */
    liminal_notice *watch; /* WATCHED; for the turn and the spawn */

    limi_atomic_u32 stopping; /* no request is begun any more */
    limi_node stop;           /* THREAD: so that it notices */
    limi_node exit;           /* posted to the conversation, once */
    liminal_exit_reason reason;
    liminal_time seen;
    int64_t seen_ns;

    /* For the thread that runs the behaviour. */
    bool exiting;  /* `reason` is decided: it ends when the callback returns */
    bool disowned; /* the spawn failed: `self` is the caller's */
    bool ended;
    limi_request *current; /* being answered */

    limi_atomic_u32 gone;       /* for the report of a shutdown: it runs nothing any more */
    struct limi_talk *waits_on; /* guarded by the supervisor's `waits`: see wait.c */
} limi_participant;

/* Start it; the conversation is not running yet. On failure nothing of it runs. */
liminal_status limi_participant_start(limi_participant *participant, size_t stack_bytes);

/* The spawn has failed: end one that was started; `self` stays the caller's. */
void limi_participant_disown(limi_participant *participant);

/* In a turn: hand it a request, and a share of that. */
void limi_participant_forward(limi_participant *participant, limi_request *request);

/* The conversation is over: begin no more. From any thread; does not wait. */
void limi_participant_stop(limi_participant *participant);

/* In a turn, after that: end an inline one, let go of a watched one. True if it is gone with this. */
bool limi_participant_dismiss(limi_participant *participant);

#endif

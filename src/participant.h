/* SPDX-License-Identifier: MIT */
/* participant.h -- one participant of a conversation: a behaviour on its own thread, a behaviour that
 * the turn runs, a child program, or a process that is only watched. */
#ifndef LIMI_PARTICIPANT_H
#define LIMI_PARTICIPANT_H

#include <liminal/participant.h>

#include "bell.h"
#include "pool.h"
#include "process.h"
#include "request.h"
#include "waiter.h"

struct limi_talk;
struct limi_program;

/* What a participant's thread is rung for. */
enum {
    LIMI_RING_WORK = 1,   /* there may be a request to pull */
    LIMI_RING_NEWS = 2,   /* there may be an exit message */
    LIMI_RING_STOP = 4,   /* `stopping` is set, or it was killed */
    LIMI_RING_RESUME = 8, /* who was hushed may speak again */
    LIMI_RING_HURRY = 16, /* talk->hurry_ns has changed */
    LIMI_RING_GO = 32,    /* the spawn has succeeded: a PROGRAM's functions may be called */
    LIMI_RING_HANDOFF = 64 /* a request was handed to it */
};

/* What only those have that have a thread of their own: THREAD, PROGRAM. */
typedef struct limi_engine {
    limi_bell bell;
    struct {
        limi_atomic_ptr request; /* and where it is; see handoff.c */
        const liminal_envelope *envelope;
        limi_atomic_u64 deadline_ns; /* an int64_t */
    } handed; /* THREAD: what was handed to it */
    limi_atomic_u32 lot_at; /* THREAD: how far it is with what it has begun together; see lot.c ... */
    uint32_t lot_first;     /* ... and the place of the first of them that is not answered; guarded by talk->lock */
    limi_job job;
    limi_waiter started;   /* THREAD: start() has returned `start_status` */
    liminal_status start_status;
    struct limi_program *program; /* PROGRAM: what program.c keeps */
    int64_t patience_ns;          /* PROGRAM: how long its end may take */
} limi_engine;

typedef struct limi_participant {
    struct limi_talk *talk;
    uint32_t seat;
    liminal_participant_kind kind;
    liminal_behaviour behaviour; /* with its defaults filled in; a PROGRAM's has release() only */
    void *self;

    limi_list news;           /* exit messages for it; guarded by talk->lock */

    limi_process process;  /* all but WATCHED, where it holds nothing but the pid */
    union {
        limi_engine *engine;   /* THREAD, PROGRAM */
        liminal_notice *watch; /* WATCHED; for the turn and the spawn */
    };
    bool launched; /* for the spawn: it has a thread, which counts itself out */
    bool exiting;  /* for the thread that runs the behaviour: `reason` is decided, and it ends with the callback */

    limi_atomic_u32 stopping; /* no request is begun any more */
    limi_atomic_u32 disowned; /* the spawn failed: `self` is the caller's, nobody is told */
    limi_atomic_u32 mourned;  /* its exit has been made known */
    limi_atomic_u32 gone;     /* for the report of a shutdown: it runs nothing any more */
    limi_atomic_u32 visiting; /* INLINE: `visit` is on its way */
    limi_node visit;          /* INLINE: posted to the conversation: it has work; once at a time */
    limi_node exit;           /* posted to the conversation, once, after `mourned` */

    /* For the thread that runs the behaviour. */
    liminal_exit_reason reason;
    const liminal_exit *heard; /* the exit message that it is being told */
    bool was_handed;           /* `current` was: see handoff.c */
    bool expects_more;         /* when it came back last there were several at once: see lot.c */
    uint8_t lot_most;          /* so many it begins together */
    limi_request *current;     /* being answered ... */
    liminal_envelope *reply;   /* ... with this */

    struct limi_talk *waits_on; /* guarded by the supervisor's `waits`: see wait.c */
} limi_participant;

extern const limi_process_kind limi_participant_kind, limi_program_kind;

static inline bool limi_kind_has_thread(liminal_participant_kind kind)
{
    return kind == LIMINAL_PARTICIPANT_THREAD || kind == LIMINAL_PARTICIPANT_PROGRAM;
}

/* Whether it has an engine, which it is given before this. */
static inline bool limi_participant_has_thread(const limi_participant *participant)
{
    return limi_kind_has_thread(participant->kind);
}

/* What it waits on, before anybody can ring it, and after everybody has gone. */
void limi_participant_init(limi_participant *participant);
void limi_participant_destroy(limi_participant *participant);

/* Start it; the conversation is not running yet. On failure nothing of it runs. */
liminal_status limi_participant_start(limi_participant *participant, const liminal_participant *spec,
                                      size_t stack_bytes);

/* The spawn has failed: end one that was started; `self` stays the caller's. */
void limi_participant_disown(limi_participant *participant);

/* There is something for it: from any thread, with no lock held; the caller keeps the conversation. */
void limi_participant_ring(limi_participant *participant, uint32_t bits);

/* In a turn: have an inline one answer a request that the rules have begun. Consumes a share of it. */
void limi_participant_answer_inline(limi_participant *participant, limi_request *request);

/* For who has called answer() itself: see to what came of it (participant->reply, participant->exiting); or, if that
 * ended the thread, to this. */
void limi_participant_conclude(limi_participant *participant);
void limi_participant_unwound(limi_participant *participant);

/* In a turn: its visit has come: work of an inline one. */
void limi_participant_visit(limi_participant *participant);

/* In a turn: an exit message for it has come, behind all that was accepted before. Takes the message. */
void limi_participant_news(limi_participant *participant, limi_message *message);

/* The first of those that wait for it, or NULL; with talk->lock held. */
limi_message *limi_participant_first_news(const limi_participant *participant);

/* In a turn: have an inline one handle what waits at its seat. */
void limi_participant_attend(limi_participant *participant);

/* The spawn is done: if its thread has ended already, that may let go of `self` now. */
void limi_participant_settle(limi_participant *participant);

/* The conversation is over: begin no more. From any thread; does not wait. */
void limi_participant_stop(limi_participant *participant);

/* In a turn, after that: end an inline one, let go of a watched one. True if it is gone with this. */
bool limi_participant_dismiss(limi_participant *participant);

/* ---- for those who run requests: participant_work.c and program_talk.c ---- */

/* Begin the next request, with a share of it; NULL: there is none now, or it is dead or stopping. */
limi_request *limi_participant_pull(limi_participant *participant);

/* It is answered, with *reply or, NULL, in silence. Takes *reply, whoever gets it, and the share. If the participant
 * is dead by now this changes nothing. */
void limi_participant_answer(limi_participant *participant, limi_request *request, liminal_envelope **reply);

/* Say something without being asked. Takes *message on LIMINAL_OK; ENOMEM. *out_hushed: say no more until
 * LIMI_RING_RESUME. */
liminal_status limi_participant_volunteer(limi_participant *participant, liminal_envelope **message, bool *out_hushed);

#endif

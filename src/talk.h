/* SPDX-License-Identifier: MIT */
/* talk.h -- the pthread actor's conversation: the rules' dialogue, an actor that steps it, and what
 * both need. */
#ifndef LIMI_TALK_H
#define LIMI_TALK_H

#include <liminal/backend.h>
#include <liminal/supervisor.h>

#include "actor.h"
#include "handle.h"
#include "participant.h"
#include "process.h"
#include "quota.h"
#include "refcount.h"
#include "request.h"
#include "span.h"
#include "state.h"
#include "step.h"
#include "supervisor.h"
#include "table.h"

/* What a conversation has with the policy "compensate": its dialogue's compensation, and this. */
typedef struct limi_remedy {
    limi_compensation rules;
    liminal_status (*compensate)(void *self, const liminal_snapshot *snapshot); /* the config's */
    void *self;
    limi_undo last; /* its place among the undos */
    limi_undo *made; /* for the actor's thread: the one that it is making */
} limi_remedy;

/* What it has if it was given a name: its entry in the registry. */
typedef struct limi_named {
    struct limi_talk *talk;
    UT_hash_handle hh;
} limi_named;

/* What a node in the conversation's mailbox brings. */
enum {
    LIMI_NODE_SENT,     /* a request */
    LIMI_NODE_CLOSE,    /* a request */
    LIMI_NODE_BARRIER,  /* a request: everything before it has been handled */
    LIMI_NODE_EXIT,     /* a participant that is dead */
    LIMI_NODE_VISIT,    /* an inline participant that has work or news */
    LIMI_NODE_NEWS,     /* an exit message, for a participant or the actor */
    LIMI_NODE_CLOSE_QUIETLY, /* the conversation: its last handle has gone, or the supervisor shuts down */
    LIMI_NODE_NUDGE     /* the conversation: what is left to be ended inside a turn */
};

/* One life of the actor: it gets a new one each time it is killed. The dead ones stay for who asks about
 * them. */
typedef struct limi_life {
    limi_process process;
    struct limi_life *before;
    bool last;          /* the conversation has ended with it ... */
    liminal_status how; /* ... for this */
} limi_life;

/* One block: this, the participants, and what talk.c lays behind them. */
typedef struct limi_talk {
    /* Never changes once the conversation has started; but the span has a mark that it is finished. */
    liminal_supervisor *supervisor;
    size_t block;
    liminal_span span;
    uint32_t participant_count;
    liminal_overflow overflow;
    bool has_inline;
    bool ends_long; /* its end may run the embedder's code, in a turn, for long */
    bool may_stall; /* its thread may be in the embedder's code for long */

    /* Guarded by the supervisor's lock, and here because there is room for them; more of that stands at the end. */
    bool has_handle; /* from the end of the spawn until the last one goes */
    bool is_named;   /* it is in the registry, under its name */
    bool over;       /* closed or failed */
    bool told;       /* by a shutdown, to close */

    limi_quota quota;
    limi_stock stock;
    limi_actor actor;
    limi_job job; /* of its actor */

    /* The rules. A step is taken under this lock, by whoever has an event: mostly the turn, but also a
     * receiver, a caller who gives up, and a deadline, which must not wait for an inline behaviour
     * that does not return. Effects are performed after it was released. */
    limi_mutex lock;

    /* Owners: the handle, the actor's thread, each participant that may still post, and whoever
     * looks after it for a moment. */
    limi_refcount owners;

    limi_dialogue dialogue;
    limi_request *handed; /* what may be settled: see handoff.c, and lot.c */
    int64_t due_ns; /* what the actor's thread was last told */
    limi_spinner asking, receiving; /* for those who wait here */
    limi_list sleepers; /* requests whose callers wait; kept only where a turn may be held up for long */

    /* A request that is not in use, or NULL: for who has the duty; of a buffer, where nobody needs that, for who has
     * the lock. */
    limi_request *own;

    /* Which participant a message goes to now, for who looks for cycles of waits. */
    limi_atomic_u32 target;

    /* For the turn only: what has still to end before the mailbox can be sealed. */
    uint32_t outstanding;
    limi_node nudge;
    limi_node quiet_close;
    limi_atomic_u32 quiet_close_posted;
    limi_atomic_u32 settled; /* the spawn has succeeded; till then no turn is run */

    limi_atomic_u64 pid;      /* life->process.exit.pid */
    limi_atomic_u64 hurry_ns; /* a shutdown's deadline: programs that are being ended have until then */
    limi_atomic_u32 renew;    /* the actor's thread is to be replaced: see restart.c */
    limi_atomic_u32 undoing;  /* see undo.c */

    /* Guarded by the supervisor's lock. */
    limi_life first_life;
    limi_life *life; /* the present one, or the last */
    limi_named *named; /* NULL: it has no name */
    limi_list siblings; /* supervisor->talks or ->told */

    liminal_conversation handle; /* the first handle and its clones */
    limi_participant participants[];
} limi_talk;

/* "" if it has none. */
static inline const char *limi_talk_name(const limi_talk *talk)
{
    return talk->dialogue.state->name;
}

static inline const char *limi_talk_name_of(const limi_participant *participant)
{
    return participant->talk->dialogue.state->statuses[participant->seat].name;
}

static inline const liminal_allocator *limi_talk_allocator(const limi_talk *talk)
{
    return &talk->supervisor->allocator;
}

/* ---- talk.c: its life ---- */

/* One owner: the caller. Registered, not running. */
liminal_status limi_talk_create(liminal_supervisor *supervisor, const liminal_config *config, limi_talk **out);
bool limi_talk_try_ref(limi_talk *talk); /* for who found it under the supervisor's lock */
void limi_talk_ref(limi_talk *talk);
void limi_talk_unref(limi_talk *talk);

/* The spawn has failed: whoever was told one of its pids hears that there is no such process. */
void limi_talk_never_was(limi_talk *talk);

/* Start a thread of this conversation, which holds a share of the talk and drops it when it leaves. With `keep` it is
 * only kept for the job, to be begun, or given back with the share. */
liminal_status limi_talk_start_thread(limi_talk *talk, limi_job *job, const char *name, size_t stack_bytes,
                                      void (*body)(void *argument), void *argument, bool keep);

/* ---- turn.c: the events ---- */

void limi_talk_handle(void *self, limi_node *node); /* the actor's */
void limi_talk_on_due(void *self);

/* As limi_process_kind.deliver: into the mailbox. */
void limi_talk_deliver(limi_process *process, limi_message *message);

/* It has ended: hand its span to the collector. Once. */
void limi_talk_finish_span(limi_talk *talk, liminal_status how);
/* With the duty: a message is here. The conversation's share of the request is the rules' from here on. */
void limi_talk_on_sent(limi_talk *talk, limi_request *request);

/* Take one step and perform its effects, on the calling thread, with no lock held. */
void limi_talk_step(limi_talk *talk, limi_event *event);

/* The same in two halves. */
typedef struct limi_done {
    limi_effects effects;
    liminal_status cause;
    limi_life *dead; /* to be mourned: the step ended it */
} limi_done;

void limi_talk_step_locked(limi_talk *talk, limi_event *event, limi_done *done) LIMI_REQUIRES(talk->lock);
void limi_talk_perform(limi_talk *talk, limi_done *done);

/* See to deadlines that have passed, from anywhere. */
void limi_talk_pass_deadline(limi_talk *talk);

/* Refuse sends from now on; what was accepted has until the deadline. A CLOSE has to follow. `awaited`: the caller is
 * going to wait until then itself, and to have the actor look if it is not over after that. */
void limi_talk_begin_close(limi_talk *talk, liminal_deadline deadline, bool awaited);

/* Both, from anywhere, without waiting. */
void limi_talk_close_quietly(limi_talk *talk, liminal_deadline deadline);

/* ---- restart.c: the actor's lives and its thread ---- */

extern const limi_process_kind limi_life_kind;

void limi_talk_free_restarts(limi_talk *talk);
liminal_status limi_talk_start_actor(limi_talk *talk, size_t stack_bytes);
bool limi_talk_on_call(void *self); /* the actor's, and these */
void limi_talk_begin_actor(void *self);
void limi_talk_forgo_actor(void *self);

/* ---- undo.c: compensation ---- */

void limi_talk_begin_compensation(limi_talk *talk); /* the actor's thread will make it */
void limi_talk_compensate(limi_talk *talk);         /* on that thread: make it, if it has begun */
void limi_talk_undo_unwound(limi_talk *talk);       /* that thread is being ended, perhaps in the middle of it */
liminal_status limi_talk_undo_with(void *self, liminal_envelope **step,
                                   liminal_status (*undo)(void *self, const liminal_envelope *step), void *undo_self);
void limi_talk_free_undos(limi_talk *talk);

/* ---- call.c: the backend ---- */

extern const liminal_backend limi_talk_backend;

#endif

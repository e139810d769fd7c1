/* SPDX-License-Identifier: MIT */
/* actor.h -- a mailbox, a turn, a thread of its own, and the choice who runs the turn. */
#ifndef LIMI_ACTOR_H
#define LIMI_ACTOR_H

#include "bell.h"
#include "mailbox.h"
#include "scope.h"

/* Whose it is. */
typedef struct limi_actor_kind {
    void (*handle)(void *self, limi_node *node); /* a turn is some of these, in order */
    void (*on_due)(void *self);                  /* on its own thread, inside no turn; NULL: never due */
    bool (*on_call)(void *self);                 /* the same; true: the thread is to leave */
    void (*begin)(void *self);                   /* its dormant thread is needed ... */
    void (*forgo)(void *self);                   /* ... and is not: nothing more will come. By any thread, once */
    void (*ref)(void *self);                     /* a share of whom the actor is part of, ... */
    void (*unref)(void *self);                   /* ... for a duty that is left in scope->owed */
} limi_actor_kind;

typedef struct limi_actor {
    limi_mailbox mailbox;
    limi_node *backlog; /* taken, not handled: belongs to the one with the duty */
    bool over;          /* seal at the next rest: belongs to the one with the duty */
    bool pinned;        /* only its own thread runs turns */
    bool heavy;         /* a turn may run the embedder's code, for as long as that likes */
    limi_bell bell;     /* how its thread is called; see actor.c */
    limi_atomic_u32 dormant; /* its thread is there, and has not begun: it may never have to */
    limi_atomic_u32 parting; /* what comes now is the end, and brief: nobody is woken for it that need not be */
    limi_atomic_u32 noted; /* `due` is one that its thread has not heard of */
    limi_atomic_u64 due; /* when its thread should call on_due(): an int64_t of monotonic ns */

    /* Set before the actor is started. */
    void *self;
    const limi_actor_kind *kind;
} limi_actor;

/* With `held` the caller has the duty, and nothing is handled until limi_actor_open(). */
void limi_actor_init(limi_actor *actor, bool held);
void limi_actor_open(limi_actor *actor);
void limi_actor_destroy(limi_actor *actor);

/* How far a producer goes to get the turn run itself. */
typedef enum limi_assist {
    LIMI_ASSIST_NONE,  /* never */
    LIMI_ASSIST_BRIEF, /* if a turn is brief */
    LIMI_ASSIST_WAIT   /* it is about to wait for this actor anyway, until `satisfied` */
} limi_assist;

/* Push a node and see to it that it is handled. With LIMI_ASSIST_WAIT the turn is left to the actor's
 * thread as soon as satisfied(argument) is true. The caller keeps the actor alive. */
limi_push limi_actor_post(limi_actor *actor, limi_node *node, limi_class class, limi_assist assist,
                          bool (*satisfied)(void *argument), void *argument);

/* A duty that a post has left in scope->owed, with a share: run the turn, or, if a turn is not brief, leave it to the
 * actor's thread; the latter in any case. The share is let go. */
void limi_actor_take_up(limi_actor *actor);
void limi_actor_pass_on(limi_actor *actor);

/* Turns never nest: inside a callback the stack may be short and the host may hold its locks. Nor does one hold
 * up deaths that are being spread. */
static inline bool limi_actor_may_assist(const limi_actor *actor, limi_assist assist)
{
    const limi_scope *scope = limi_scope_here();
    return assist != LIMI_ASSIST_NONE && !actor->pinned && !(actor->heavy && assist == LIMI_ASSIST_BRIEF) &&
           scope->frame == NULL && scope->cascade == NULL;
}

/* Give the duty up, to the actor's thread if there is something to be handled. */
void limi_actor_put_down(limi_actor *actor);

/* In place of a post: if the mailbox is idle and this thread may run a turn, it has the duty, and handles itself
 * what the node would have brought; then it leaves. */
static inline bool limi_actor_enter(limi_actor *actor, limi_assist assist)
{
    return limi_actor_may_assist(actor, assist) && limi_mailbox_enter(&actor->mailbox);
}

static inline void limi_actor_leave(limi_actor *actor)
{
    if (actor->backlog != NULL || actor->over || !limi_mailbox_leave(&actor->mailbox)) {
        limi_actor_put_down(actor);
    }
}

/* What the actor's thread does: turns, deadlines and calls, until the mailbox is sealed, or until on_call()
 * wants the thread to leave; then another one may take its place. */
void limi_actor_live(limi_actor *actor);

/* Its thread will begin when it is first called, and not at all if others bring everything to an end. */
void limi_actor_lie_dormant(limi_actor *actor);

/* Set the next deadline, by anyone; INT64_MAX: none. Its thread hears of it if that is earlier than what it sleeps
 * for. Note it: the caller will see to it itself, and the thread hears only when limi_actor_look() is called: when
 * the caller stops doing so, or is about to run what may take long. */
void limi_actor_set_due(limi_actor *actor, int64_t due_ns);
void limi_actor_note_due(limi_actor *actor, int64_t due_ns);
void limi_actor_look(limi_actor *actor);

/* Have on_call() called, by anyone. */
void limi_actor_call(limi_actor *actor);

/* For a thread that is being ended inside a handle(): leave the rest of the turn to the actor's thread,
 * which may be this very one: then calls that it had taken come again. */
void limi_actor_hand_over(limi_actor *actor);

/* For a handle() that knows nothing more will come: seal when all has been handled. */
void limi_actor_finish(limi_actor *actor);

#endif

/* SPDX-License-Identifier: MIT */
/* scope.h -- what the calling thread is in the middle of: its trace context, the request it is
 * answering, and the turns and callbacks it stands inside. */
#ifndef LIMI_SCOPE_H
#define LIMI_SCOPE_H

#include <liminal/adopt.h>
#include <liminal/envelope.h>

#include "detail.h"
#include "platform.h"

#include <string.h>

/* One callback or turn; they nest, innermost first, each on the stack of the call that entered it. */
typedef struct limi_frame {
    const void *turn;        /* the conversation whose turn this thread is running, or NULL */
    void *participant;       /* the participant whose behaviour this thread is running, or NULL */
    const void *supervisor;  /* the supervisor that this callback belongs to, or NULL */
    const void *notice;      /* the exit notice that is being called, or NULL */
    bool releasing;          /* the participant is being released: it can't exit any more */
    bool watching;           /* the thread is the one that watches the supervisor's OS processes */
    struct limi_frame *outer;
} limi_frame;

typedef struct limi_scope {
    liminal_trace_context trace;     /* current; all zero: none */
    const liminal_envelope *request; /* being answered; NULL: none */
    liminal_deadline deadline;       /* of what it is called for; {0}: nothing */
    limi_frame *frame;               /* innermost; NULL: the thread is in nobody's callback */
    void *ending;                    /* the participant whose thread this is, while it makes its own end known */
    struct limi_cascade *cascade;    /* of deaths that this thread is spreading, innermost; NULL: none */
    struct limi_actor **owed;        /* where this thread may leave a duty, for after the cascade; NULL: nowhere */
} limi_scope;

/* Where the thread's ids come from, for mint.c; worth nothing in a process whose epoch differs. */
typedef struct limi_generator {
    uint64_t epoch;
    uint64_t state;
    uint64_t step; /* odd */
} limi_generator;

/* Where the thread is attached: see adopt.c, which has the states and says who may touch what. */
typedef struct limi_slot {
    limi_key_value value; /* of the supervisor's key */
    limi_atomic_u32 state;
    uint64_t epoch;         /* else it is of the process that this one was forked from */
    const void *supervisor; /* also when it is free again */
    struct limi_attached *attached;
} limi_slot;

typedef struct limi_slots {
    bool ours;    /* the library has started this thread */
    bool leaving; /* the thread is ending: it is not attached any more */
    limi_slot slots[LIMINAL_ATTACHED_MOST];
} limi_slots;

/* All that the library keeps for each thread: zeroed at first. */
typedef struct limi_scope_room {
    limi_scope scope;
    limi_generator generator;
    const liminal_envelope *lent; /* a share of the request that is answered, for what follows it; or NULL: direct.c */
    limi_detail_room detail;
    limi_slots slots;
} limi_scope_room;

_Static_assert(sizeof(limi_scope_room) <= LIMI_THREAD_ROOM, "the platform gives each thread enough room");

static inline limi_scope_room *limi_scope_room_here(void)
{
    return limi_thread_room();
}

limi_slots *limi_scope_slots(void);

/* The calling thread is one that the library has started. */
void limi_scope_ours(void);

static inline limi_scope *limi_scope_here(void)
{
    return &limi_scope_room_here()->scope;
}

/* What is current is valid or all zero, so one of the two ids says which. */
static inline bool limi_scope_has_trace(const limi_scope *scope)
{
    uint64_t span_id;
    memcpy(&span_id, scope->trace.span_id, sizeof span_id);
    return span_id != 0;
}

/* It begins anew: it is in the middle of nothing, and nothing has failed on it. */
void limi_scope_renew(void);

/* The thread is being ended inside a callback: it is in the middle of nothing any more. */
void limi_scope_unwound(void);

static inline void limi_frame_push(limi_scope *scope, limi_frame *frame)
{
    frame->outer = scope->frame;
    scope->frame = frame;
}

static inline void limi_frame_pop(limi_scope *scope, const limi_frame *frame)
{
    LIMI_ASSERT(scope->frame == frame);
    scope->frame = frame->outer;
}

static inline void limi_frame_enter(limi_frame *frame)
{
    limi_frame_push(limi_scope_here(), frame);
}

static inline void limi_frame_leave(const limi_frame *frame)
{
    limi_frame_pop(limi_scope_here(), frame);
}

#endif

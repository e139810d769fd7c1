/* SPDX-License-Identifier: MIT */
/* scope.h -- what the calling thread is in the middle of: its trace context, the request it is
 * answering, and the turns and callbacks it stands inside. */
#ifndef LIMI_SCOPE_H
#define LIMI_SCOPE_H

#include <liminal/adopt.h>
#include <liminal/envelope.h>

#include "platform.h"

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
    struct limi_cascade *cascade;    /* of deaths that this thread is spreading, innermost; NULL: none */
} limi_scope;

/* Random bytes in stock, for mint.c; worth nothing in a process whose epoch differs. */
typedef struct limi_pool {
    uint64_t epoch;
    uint32_t left;
    uint8_t bytes[128];
} limi_pool;

limi_pool *limi_scope_pool(void);

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

limi_slots *limi_scope_slots(void);

/* The calling thread is one that the library has started. */
void limi_scope_ours(void);

/* The calling thread's scope, zeroed at first. */
limi_scope *limi_scope_here(void);

/* The thread is being ended inside a callback: it is in the middle of nothing any more. */
void limi_scope_unwound(void);

void limi_frame_enter(limi_frame *frame);
void limi_frame_leave(limi_frame *frame);

#endif

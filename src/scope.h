/* SPDX-License-Identifier: MIT */
/* scope.h -- what the calling thread is in the middle of: its trace context, the request it is
 * answering, and the turns and callbacks it stands inside. */
#ifndef LIMI_SCOPE_H
#define LIMI_SCOPE_H

#include <liminal/envelope.h>

/* One callback or turn; they nest, innermost first, each on the stack of the call that entered it. */
typedef struct limi_frame {
    const void *turn;        /* the conversation whose turn this thread is running, or NULL */
    void *participant;       /* the participant whose behaviour this thread is running, or NULL */
    const void *supervisor;  /* the supervisor that this callback belongs to, or NULL */
    const void *notice;      /* the exit notice that is being called, or NULL */
    bool releasing;          /* the participant is being released: it can't exit any more */
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

/* The calling thread's scope, zeroed at first. */
limi_scope *limi_scope_here(void);

/* The thread is being ended inside a callback: it is in the middle of nothing any more. */
void limi_scope_unwound(void);

void limi_frame_enter(limi_frame *frame);
void limi_frame_leave(limi_frame *frame);

#endif

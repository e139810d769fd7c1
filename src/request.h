/* SPDX-License-Identifier: MIT */
/* request.h -- a ticket with what the shell needs to carry it about.
 *
 * Owners, each with one count: the caller while it waits; the conversation from the post until the
 * rules retire the ticket; a participant from the forward until its node is back and handled. So
 * whoever wakes the caller still owns it, and what comes back late finds it alive. The node is on one
 * queue at a time: the conversation's, then the participant's, then the conversation's again. */
#ifndef LIMI_REQUEST_H
#define LIMI_REQUEST_H

#include "mailbox.h"
#include "memory.h"
#include "refcount.h"
#include "step.h"
#include "waiter.h"

typedef struct limi_request {
    limi_ticket ticket;
    limi_node node;
    limi_refcount owners;
    limi_waiter waiter;     /* done: the ticket is decided */
    limi_list sleeper;      /* on talk->sleepers */
    limi_atomic_u32 begun;  /* LIMI_QUEUED, then one of the other two, for ever */
    bool placed;            /* holds a place of the quota, `bytes` wide */
    size_t bytes;
    liminal_deadline deadline; /* after which it need not be begun */
    liminal_envelope *answer;  /* on its way back from the participant */
    const liminal_allocator *allocator;
} limi_request;

enum { LIMI_QUEUED, LIMI_BEGUN, LIMI_WITHDRAWN };

/* One owner: the caller. Takes nothing; `envelope` is dropped with the request only once the caller
 * leaves it there. NULL without memory. */
limi_request *limi_request_create(const liminal_allocator *allocator, limi_ticket_kind kind,
                                  liminal_envelope *envelope);
limi_request *limi_request_ref(limi_request *request);
void limi_request_drop(limi_request *request);

/* Exactly one of the two succeeds, once. */
bool limi_request_begin(limi_request *request);
bool limi_request_withdraw(limi_request *request);

#endif

/* SPDX-License-Identifier: MIT */
/* request.h -- a ticket with what the shell needs to carry it about.
 *
 * Owners, each with one count: the caller while it waits; the conversation from the post until the
 * rules settle the ticket; a participant from the moment it begins it, or it is handed to it, until it has
 * answered, or who brings its answer to the rules in its place has; but of a lot it has none (see lot.c). So whoever
 * wakes the caller still owns it, and an answer that comes late finds it alive. What the ticket says is
 * guarded by the conversation's lock, and does not change any more once it is decided. */
#ifndef LIMI_REQUEST_H
#define LIMI_REQUEST_H

#include "mailbox.h"
#include "memory.h"
#include "refcount.h"
#include "step.h"
#include "waiter.h"

/* Where requests of a conversation go that nobody needs any more, for the next ones: so an ask allocates its
 * envelopes and nothing else. A slot has a chain of them, by their nodes, and changes by an exchange or from empty, so
 * each chain in it is taken once. Who takes one puts back what it does not need of it. */
#define LIMI_STOCK_SLOTS 4
#define LIMI_STOCK_CHAIN 16
typedef struct limi_stock {
    limi_atomic_ptr slots[LIMI_STOCK_SLOTS];
    const liminal_allocator *allocator;
} limi_stock;

void limi_stock_init(limi_stock *stock, const liminal_allocator *allocator);
void limi_stock_clear(limi_stock *stock); /* when nobody has any of its requests */

typedef struct limi_request {
    limi_waiter waiter; /* done: the ticket is decided */
    liminal_envelope *offer; /* while the waiter says that there is one: see handoff.c; else it means nothing */
    limi_ticket ticket;
    limi_node node; /* in the conversation's mailbox */
    limi_refcount owners;
    limi_list sleeper;  /* on talk->sleepers */
    bool placed;        /* holds a place of the quota, `bytes` wide */
    size_t bytes;
    limi_stock *stock;
} limi_request;

/* One owner: the caller. Takes nothing; `envelope` is dropped with the request only once the caller
 * leaves it there. NULL without memory. The stock outlives the request. */
limi_request *limi_request_create(limi_stock *stock, limi_ticket_kind kind, liminal_envelope *envelope);
limi_request *limi_request_ref(limi_request *request);
void limi_request_drop(limi_request *request);

/* Requests of one conversation that go into its stock together: no more than a chain at a time. */
typedef struct limi_spares {
    limi_request *first;
    uint32_t count;
} limi_spares;

void limi_request_drop_to(limi_request *request, limi_spares *spares);
void limi_stock_put(limi_stock *stock, limi_spares *spares);

/* The next one, where requests follow each other by their nodes. */
static inline limi_request *limi_request_after(const limi_request *request)
{
    return request->node.next != NULL ? LIMI_HOLDER(request->node.next, limi_request, node) : NULL;
}

/* Have it stand for another wish, whose shares, so many, the caller hands out: it is the caller's alone. */
static inline void limi_request_renew(limi_request *request, limi_ticket_kind kind, liminal_envelope *envelope,
                                      uint32_t shares)
{
    limi_ticket_init(&request->ticket, kind, envelope);
    limi_refcount_set(&request->owners, shares);
    request->placed = false;
}

#endif

/* SPDX-License-Identifier: MIT */
/* begun.h -- the requests that one participant was given and has not answered, each with a share. Not a list
 * through the requests: one that died at another thread's hand still has its own while the next one has them. */
#ifndef LIMI_BEGUN_H
#define LIMI_BEGUN_H

#include "request.h"

typedef struct limi_begun {
    const liminal_allocator *allocator;
    limi_request **requests; /* `room` of them; from `first`, `count` are there, the oldest first */
    size_t room, first, count;
} limi_begun;

void limi_begun_init(limi_begun *begun, const liminal_allocator *allocator);

/* See to it that the next append finds room: ENOMEM. */
liminal_status limi_begun_reserve(limi_begun *begun);

/* The newest. Takes the share. */
void limi_begun_append(limi_begun *begun, limi_request *request);

/* The one with that index; 0 is the oldest. */
limi_request *limi_begun_at(const limi_begun *begun, size_t index);

/* The same, and it is out: the share is the caller's. Costs what its index is. */
limi_request *limi_begun_take(limi_begun *begun, size_t index);

/* Drop all shares, and the memory. */
void limi_begun_clear(limi_begun *begun);

#endif

/* SPDX-License-Identifier: MIT */
/* begun.c -- the requests that one participant was given and has not answered. */
#include "begun.h"

#include <string.h>

#define FIRST 16   /* room to begin with */
#define KEEP 1024 /* what an empty one may keep */

void limi_begun_init(limi_begun *b, const liminal_allocator *allocator)
{
    *b = (limi_begun){.allocator = allocator};
}

static void give_back(limi_begun *b)
{
    limi_release(b->allocator, b->requests, b->room * sizeof(limi_request *));
    limi_begun_init(b, b->allocator);
}

liminal_status limi_begun_reserve(limi_begun *b)
{
    size_t room = b->room > 0 ? b->room * 2 : FIRST;
    limi_request **requests;
    if (b->first + b->count < b->room) {
        return LIMINAL_OK;
    }
    if (b->first > b->room / 2) { /* more than half is free, so this pays */
        memmove(b->requests, b->requests + b->first, b->count * sizeof(limi_request *));
        b->first = 0;
        return LIMINAL_OK;
    }
    requests = limi_allocate(b->allocator, room * sizeof(limi_request *));
    if (requests == NULL) {
        return LIMINAL_ENOMEM;
    }
    if (b->count > 0) {
        memcpy(requests, b->requests + b->first, b->count * sizeof(limi_request *));
    }
    limi_release(b->allocator, b->requests, b->room * sizeof(limi_request *));
    b->requests = requests;
    b->room = room;
    b->first = 0;
    return LIMINAL_OK;
}

void limi_begun_append(limi_begun *b, limi_request *request)
{
    b->requests[b->first + b->count++] = request;
}

limi_request *limi_begun_at(const limi_begun *b, size_t index)
{
    return b->requests[b->first + index];
}

limi_request *limi_begun_take(limi_begun *b, size_t index)
{
    limi_request **first = b->requests + b->first, *taken = first[index];
    memmove(first + 1, first, index * sizeof(limi_request *));
    b->first++;
    b->count--;
    if (b->count == 0) {
        b->first = 0;
        if (b->room > KEEP) {
            give_back(b);
        }
    }
    return taken;
}

void limi_begun_clear(limi_begun *b)
{
    while (b->count > 0) {
        limi_request_drop(limi_begun_take(b, 0));
    }
    give_back(b);
}

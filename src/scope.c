/* SPDX-License-Identifier: MIT */
/* scope.c -- what the calling thread is in the middle of. The one place with per-thread state. */
#include "scope.h"

#include "detail.h"
#include "platform.h"

typedef struct room {
    limi_scope scope;
    limi_pool pool;
    limi_detail_room detail;
    limi_slots slots;
} room;

_Static_assert(sizeof(room) <= LIMI_THREAD_ROOM, "the platform gives each thread enough room");

static room *here(void)
{
    return limi_thread_room();
}

limi_scope *limi_scope_here(void)
{
    return &here()->scope;
}

limi_pool *limi_scope_pool(void)
{
    return &here()->pool;
}

limi_detail_room *limi_detail_here(void)
{
    return &here()->detail;
}

limi_slots *limi_scope_slots(void)
{
    return &here()->slots;
}

void limi_scope_ours(void)
{
    here()->slots.ours = true;
}

void limi_scope_unwound(void)
{
    *limi_scope_here() = (limi_scope){.frame = NULL};
}

void limi_frame_enter(limi_frame *frame)
{
    limi_scope *scope = limi_scope_here();
    frame->outer = scope->frame;
    scope->frame = frame;
}

void limi_frame_leave(limi_frame *frame)
{
    limi_scope *scope = limi_scope_here();
    LIMI_ASSERT(scope->frame == frame);
    scope->frame = frame->outer;
}

liminal_deadline liminal_deadline_current(void)
{
    const limi_scope *scope = limi_scope_here();
    return scope->deadline.ns != 0 ? scope->deadline : liminal_deadline_never();
}

/* SPDX-License-Identifier: MIT */
/* scope.c -- what the calling thread is in the middle of. */
#include "scope.h"

limi_detail_room *limi_detail_here(void)
{
    return &limi_scope_room_here()->detail;
}

limi_slots *limi_scope_slots(void)
{
    return &limi_scope_room_here()->slots;
}

void limi_scope_ours(void)
{
    limi_scope_room_here()->slots.ours = true;
}

void limi_scope_unwound(void)
{
    *limi_scope_here() = (limi_scope){.frame = NULL};
}

void limi_scope_renew(void)
{
    limi_scope_unwound();
    limi_detail_here()->text[0] = '\0';
}

liminal_deadline liminal_deadline_current(void)
{
    const limi_scope *scope = limi_scope_here();
    return scope->deadline.ns != 0 ? scope->deadline : liminal_deadline_never();
}

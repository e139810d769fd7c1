/* SPDX-License-Identifier: MIT */
/* refcount.h -- a count of owners. It names no atomic, so that the pure core can hold one.
 * Up is relaxed: who adds an owner is one already. Down is acquire-release: the last one out sees
 * everything the others did. There is no plain read. */
#ifndef LIMI_REFCOUNT_H
#define LIMI_REFCOUNT_H

#include <stdbool.h>
#include <stdint.h>

typedef struct limi_refcount {
    _Alignas(4) unsigned char room[4];
} limi_refcount;

void limi_refcount_init(limi_refcount *count); /* to 1 */
void limi_refcount_up(limi_refcount *count);
bool limi_refcount_down(limi_refcount *count);        /* true: that was the last owner */
bool limi_refcount_up_unless_zero(limi_refcount *count); /* for an index that owns nothing itself */

#endif

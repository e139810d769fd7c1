/* SPDX-License-Identifier: MIT */
/* refcount.h -- a count of owners.
 *
 * Up is relaxed: who adds an owner is one already. Down is acquire-release: the last one out sees everything the
 * others did.
 *
 * The private ones are for who owns a share itself, of what nobody can find who does not. There the one owner of a
 * count of 1 is the caller, so nobody else can count meanwhile: that is seen with one acquiring load, which sees all
 * that former owners did, and needs no locked operation. With an index that owns nothing it would be wrong, and so
 * would up_private() for who has borrowed a pointer, as others may have. */
#ifndef LIMI_REFCOUNT_H
#define LIMI_REFCOUNT_H

#include "platform_atomic.h"

typedef struct limi_refcount {
    limi_atomic_u32 owners;
} limi_refcount;

static inline void limi_refcount_init(limi_refcount *count)
{
    limi_u32_init(&count->owners, 1);
}

_Noreturn void limi_refcount_broken(void); /* an impossible count: stops the program where it is */

static inline void limi_refcount_up(limi_refcount *count)
{
    uint32_t before = limi_u32_add_relaxed(&count->owners, 1);
    if (before == 0 || before == UINT32_MAX) {
        limi_refcount_broken();
    }
}

/* True: that was the last owner. */
static inline bool limi_refcount_down(limi_refcount *count)
{
    uint32_t before = limi_u32_sub_acqrel(&count->owners, 1);
    if (before == 0) {
        limi_refcount_broken();
    }
    return before == 1;
}

/* So many, of which none is the last. */
static inline void limi_refcount_fewer(limi_refcount *count, uint32_t shares)
{
    uint32_t before = limi_u32_sub_acqrel(&count->owners, shares);
    if (before <= shares) {
        limi_refcount_broken();
    }
}

static inline bool limi_refcount_is(const limi_refcount *count, uint32_t shares)
{
    return limi_u32_load_acquire(&count->owners) == shares;
}

static inline bool limi_refcount_is_sole(const limi_refcount *count)
{
    return limi_refcount_is(count, 1);
}

/* Nobody else can count now: the only owner is about to hand out shares, its own among them; or what all there are
 * belong to is about to let some of them go. */
static inline void limi_refcount_set(limi_refcount *count, uint32_t shares)
{
    limi_u32_store_relaxed(&count->owners, shares);
}

/* One more, where nobody else can count meanwhile, though there may be other owners. */
static inline void limi_refcount_up_alone(limi_refcount *count)
{
    limi_refcount_set(count, limi_u32_load_acquire(&count->owners) + 1);
}

static inline void limi_refcount_up_private(limi_refcount *count)
{
    if (limi_refcount_is_sole(count)) {
        limi_refcount_set(count, 2);
    } else {
        limi_refcount_up(count);
    }
}

static inline bool limi_refcount_down_private(limi_refcount *count)
{
    return limi_refcount_is_sole(count) || limi_refcount_down(count);
}

/* For an index that owns nothing itself. */
bool limi_refcount_up_unless_zero(limi_refcount *count);

#endif

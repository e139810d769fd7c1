/* SPDX-License-Identifier: MIT */
/* mint.h -- where ids come from. Inlined, for each envelope has two. */
#ifndef LIMI_MINT_H
#define LIMI_MINT_H

#include "scope.h"

#include <string.h>

/* 64 random bits from the calling thread's generator, which is seeded by the platform, and again in a forked
 * child. Enough for ids, which are to differ; not for secrets. */
uint64_t limi_mint_draw(void);

/* ---- the generator ---- */

void limi_mint_seed(limi_generator *generator); /* if it is not one of this process's */

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 limi_wide;

/* Folded multiplication, as in Wang Yi's wyrand. */
static inline uint64_t limi_mint_mix(uint64_t x)
{
    limi_wide product = (limi_wide)x * (x ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}
#else
/* Stafford's thirteenth variant, as in SplitMix. */
static inline uint64_t limi_mint_mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}
#endif

/* Each thread has a generator of its own, for a system call costs more than all the rest of a small message: a
 * counter with a step of its own (a Weyl sequence), whose value is mixed. Threads do not meet: each has 127 random
 * bits of where it begins and how it goes on. */
static inline void limi_mint_ready(limi_generator *generator)
{
    uint64_t epoch = limi_epoch_known();
    if (generator->epoch != epoch || epoch == 0) {
        limi_mint_seed(generator);
    }
}

static inline limi_generator *limi_mint_here(void)
{
    limi_generator *generator = &limi_scope_room_here()->generator;
    limi_mint_ready(generator);
    return generator;
}

static inline uint64_t limi_mint_next(limi_generator *generator)
{
    generator->state += generator->step;
    return limi_mint_mix(generator->state);
}

/* ---- ids ---- */

/* The most significant byte first, as RFC 9562 has it. */
static inline void limi_mint_lay(uint8_t *to, uint64_t bits)
{
#if defined(__GNUC__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    bits = __builtin_bswap64(bits);
    memcpy(to, &bits, sizeof bits);
#else
    int i;
    for (i = 0; i < 8; i++) {
        to[i] = (uint8_t)(bits >> (56 - 8 * i));
    }
#endif
}

static inline liminal_uuid limi_mint_uuid_from(limi_generator *generator, liminal_time now)
{
    liminal_uuid uuid = {{0}};
    uint64_t high = (uint64_t)(now.unix_ns / 1000000) << 16;
    limi_mint_lay(uuid.bytes, high | UINT64_C(0x7000) | limi_mint_next(generator) >> 52);     /* version 7 */
    limi_mint_lay(uuid.bytes + 8, UINT64_C(1) << 63 | limi_mint_next(generator) >> 2); /* the variant of RFC 9562 */
    return uuid;
}

/* All zero would mean "none", so it is never given out. */
static inline void limi_mint_span_id(limi_generator *generator, liminal_trace_context *context)
{
    uint64_t id;
    do {
        id = limi_mint_next(generator);
    } while (id == 0);
    memcpy(context->span_id, &id, sizeof id);
}

static inline void limi_mint_root(limi_generator *generator, liminal_trace_context *root)
{
    uint64_t low, high;
    do {
        low = limi_mint_next(generator);
        high = limi_mint_next(generator);
    } while ((low | high) == 0);
    memcpy(root->trace_id, &low, sizeof low);
    memcpy(root->trace_id + sizeof low, &high, sizeof high);
    limi_mint_span_id(generator, root);
    root->flags = LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM;
}

/* A new UUID version 7 for this wall-clock instant. */
static inline liminal_uuid limi_mint_uuid(liminal_time now)
{
    return limi_mint_uuid_from(limi_mint_here(), now);
}

#endif

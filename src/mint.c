/* SPDX-License-Identifier: MIT */
/* mint.c -- where ids come from. */
#include "mint.h"

#include "platform.h"
#include "scope.h"

#include <string.h>

/* A forked child has its parent's generator: it is known by the epoch, and seeded anew. */
#if defined(__GNUC__)
__attribute__((noinline, cold))
#endif
static void seed(limi_generator *generator, uint64_t epoch)
{
    limi_random(&generator->state, sizeof generator->state);
    limi_random(&generator->step, sizeof generator->step);
    generator->step |= 1;
    generator->epoch = epoch;
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

/* Folded multiplication, as in Wang Yi's wyrand. */
static inline uint64_t mix(uint64_t x)
{
    wide product = (wide)x * (x ^ UINT64_C(0xe7037ed1a0b428db));
    return (uint64_t)(product >> 64) ^ (uint64_t)product;
}
#else
/* Stafford's thirteenth variant, as in SplitMix. */
static inline uint64_t mix(uint64_t x)
{
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}
#endif

/* Each thread has a generator of its own, for a system call costs more than all the rest of a small message: a
 * counter with a step of its own (a Weyl sequence), whose value is mixed. Threads do not meet: each has 127 random
 * bits of where it begins and how it goes on. */
static inline limi_generator *generator_here(void)
{
    limi_generator *generator = &limi_scope_room_here()->generator;
    uint64_t epoch = limi_epoch();
    if (generator->epoch != epoch || epoch == 0) {
        seed(generator, epoch);
    }
    return generator;
}

static inline uint64_t draw(limi_generator *generator)
{
    generator->state += generator->step;
    return mix(generator->state);
}

uint64_t limi_mint_draw(void)
{
    return draw(generator_here());
}

/* The most significant byte first, as RFC 9562 has it. */
static inline void lay_bytes(uint8_t *to, uint64_t bits)
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

static inline liminal_uuid draw_uuid(limi_generator *generator, liminal_time now)
{
    liminal_uuid uuid;
    uint64_t high = (uint64_t)(now.unix_ns / 1000000) << 16;
    lay_bytes(uuid.bytes, high | UINT64_C(0x7000) | draw(generator) >> 52);     /* version 7 */
    lay_bytes(uuid.bytes + 8, UINT64_C(1) << 63 | draw(generator) >> 2); /* the variant of RFC 9562 */
    return uuid;
}

/* All zero would mean "none", so it is never given out. */
static inline void draw_span_id(limi_generator *generator, liminal_trace_context *context)
{
    uint64_t id;
    do {
        id = draw(generator);
    } while (id == 0);
    memcpy(context->span_id, &id, sizeof id);
}

static inline void draw_root(limi_generator *generator, liminal_trace_context *root)
{
    uint64_t low, high;
    do {
        low = draw(generator);
        high = draw(generator);
    } while ((low | high) == 0);
    memcpy(root->trace_id, &low, sizeof low);
    memcpy(root->trace_id + sizeof low, &high, sizeof high);
    draw_span_id(generator, root);
    root->flags = LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM;
}

liminal_uuid limi_mint_uuid(liminal_time now)
{
    return draw_uuid(generator_here(), now);
}

void limi_mint_both(liminal_time now, liminal_uuid *out_uuid, liminal_trace_context *out_root)
{
    limi_generator *generator = generator_here();
    draw_root(generator, out_root);
    *out_uuid = draw_uuid(generator, now);
}

liminal_trace_context liminal_trace_root(void)
{
    liminal_trace_context root;
    draw_root(generator_here(), &root);
    return root;
}

liminal_trace_context liminal_trace_child(const liminal_trace_context *parent)
{
    liminal_trace_context child;
    if (!liminal_trace_valid(parent)) {
        return liminal_trace_root();
    }
    child = *parent;
    child.flags &= LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM;
    draw_span_id(generator_here(), &child);
    return child;
}

/* SPDX-License-Identifier: MIT */
/* mint.c -- where ids come from. */
#include "mint.h"

#include "platform.h"
#include "scope.h"

#include <string.h>

/* A thread keeps some random bytes in stock, for a system call costs more than all the rest of a small
 * message. A forked child has its parent's stock: it is known by the epoch, and thrown away. */
void limi_mint_random(void *bytes, size_t size)
{
    limi_pool *pool = limi_scope_pool();
    uint64_t epoch = limi_epoch();
    if (size > sizeof pool->bytes || epoch == 0) {
        limi_random(bytes, size);
        return;
    }
    if (pool->epoch != epoch || pool->left < size) {
        limi_random(pool->bytes, sizeof pool->bytes);
        pool->epoch = epoch;
        pool->left = sizeof pool->bytes;
    }
    pool->left -= (uint32_t)size;
    memcpy(bytes, pool->bytes + pool->left, size);
}

liminal_uuid limi_mint_uuid(liminal_time now)
{
    liminal_uuid uuid;
    uint64_t ms = (uint64_t)(now.unix_ns / 1000000);
    int i;
    limi_mint_random(uuid.bytes + 6, sizeof uuid.bytes - 6);
    for (i = 0; i < 6; i++) {
        uuid.bytes[i] = (uint8_t)(ms >> (40 - 8 * i));
    }
    uuid.bytes[6] = (uint8_t)(0x70 | (uuid.bytes[6] & 0x0f)); /* version 7 */
    uuid.bytes[8] = (uint8_t)(0x80 | (uuid.bytes[8] & 0x3f)); /* the variant of RFC 9562 */
    return uuid;
}

/* All zero would mean "none": so unlikely that one more draw decides it, but never given out. */
static void draw_id(uint8_t *id, size_t size)
{
    static const uint8_t none[16];
    do {
        limi_mint_random(id, size);
    } while (memcmp(id, none, size) == 0);
}

liminal_trace_context liminal_trace_root(void)
{
    liminal_trace_context root;
    draw_id(root.trace_id, sizeof root.trace_id);
    draw_id(root.span_id, sizeof root.span_id);
    root.flags = LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM;
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
    draw_id(child.span_id, sizeof child.span_id);
    return child;
}

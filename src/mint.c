/* SPDX-License-Identifier: MIT */
/* mint.c -- where ids come from: the rarer half. */
#include "mint.h"

#include "seldom.h"

/* A forked child has its parent's generator: it is known by the epoch, and seeded anew. */
LIMI_SELDOM void limi_mint_seed(limi_generator *generator)
{
    uint64_t epoch = limi_epoch();
    if (generator->epoch == epoch && epoch != 0) {
        return;
    }
    limi_random(&generator->state, sizeof generator->state);
    limi_random(&generator->step, sizeof generator->step);
    generator->step |= 1;
    generator->epoch = epoch;
}

uint64_t limi_mint_draw(void)
{
    return limi_mint_next(limi_mint_here());
}

liminal_trace_context liminal_trace_root(void)
{
    liminal_trace_context root;
    limi_mint_root(limi_mint_here(), &root);
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
    limi_mint_span_id(limi_mint_here(), &child);
    return child;
}

/* SPDX-License-Identifier: MIT */
/* mint.h -- where ids come from. */
#ifndef LIMI_MINT_H
#define LIMI_MINT_H

#include <liminal/envelope.h>

/* 64 random bits from the calling thread's generator, which is seeded by the platform, and again in a forked
 * child. Enough for ids, which are to differ; not for secrets. */
uint64_t limi_mint_draw(void);

/* A new UUID version 7 for this wall-clock instant. */
liminal_uuid limi_mint_uuid(liminal_time now);

/* That, and the context of a new root. */
void limi_mint_both(liminal_time now, liminal_uuid *out_uuid, liminal_trace_context *out_root);

#endif

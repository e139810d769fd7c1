/* SPDX-License-Identifier: MIT */
/* mint.h -- where ids come from. */
#ifndef LIMI_MINT_H
#define LIMI_MINT_H

#include <liminal/envelope.h>

/* Fill with random bytes from the calling thread's pool, which is renewed from the platform and
 * thrown away in a forked child. */
void limi_mint_random(void *bytes, size_t size);

/* A new UUID version 7 for this wall-clock instant. */
liminal_uuid limi_mint_uuid(liminal_time now);

#endif

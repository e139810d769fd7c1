/* SPDX-License-Identifier: MIT */
/* table.h -- uthash, as this library uses it: a failed allocation is a result and not an exit, memory
 * comes from the `allocator` and the hash from the `seed` that are in scope where it is used. */
#ifndef LIMI_TABLE_H
#define LIMI_TABLE_H

#include <stdint.h>

#define HASH_NONFATAL_OOM 1
#define uthash_malloc(bytes) (allocator->allocate(allocator->context, (bytes)))
#define uthash_free(memory, bytes) (allocator->release(allocator->context, (memory), (bytes)))
#define uthash_nonfatal_oom(element) ((element) = NULL)
#define HASH_FUNCTION(key, length, hash) ((hash) = limi_hash(seed, (key), (length)))

#include <uthash.h>

static inline uint32_t limi_hash(uint64_t seed, const void *key, size_t length)
{
    /* Seeded, so that nobody who chooses names can choose collisions. Multiply and shift, by word. */
    const unsigned char *at = key;
    uint64_t hash = seed ^ (uint64_t)length * 0x9e3779b97f4a7c15u;
    while (length > 0) {
        uint64_t word = 0;
        size_t step = length < 8 ? length : 8;
        memcpy(&word, at, step);
        hash = (hash ^ word) * 0xff51afd7ed558ccdu;
        hash ^= hash >> 32;
        hash = (hash + seed) * 0xc4ceb9fe1a85ec53u;
        hash ^= hash >> 29;
        at += step;
        length -= step;
    }
    return (uint32_t)(hash ^ hash >> 32);
}

#endif

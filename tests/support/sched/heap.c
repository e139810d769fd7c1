/* SPDX-License-Identifier: MIT */
/* heap.c -- memory that is given once in each execution: what was released is not given again, so whoever still uses
 * it is found. Each block has a header, which nobody may touch, before it. */
#include "inner.h"

#include <stdio.h>

typedef struct block {
    size_t bytes;
    unsigned number; /* which one of its fiber, from 1 */
    unsigned fiber;
    bool live;
} record;

enum { BLOCKS = 1 << 14, HEADER = 16 };

static record records[BLOCKS];
static unsigned char *places[BLOCKS]; /* of the blocks, in order */
static unsigned count;
static size_t used;

void heap_clear(void)
{
    count = 0;
    used = 0;
}

/* The last block that begins at `at` or before; NULL: none. */
static const record *find(const void *at, size_t *offset)
{
    unsigned from = 0, to = count;
    while (from < to) {
        unsigned middle = (from + to) / 2;
        if (places[middle] <= (const unsigned char *)at) {
            from = middle + 1;
        } else {
            to = middle;
        }
    }
    if (from == 0) {
        return NULL;
    }
    *offset = (size_t)((const unsigned char *)at - places[from - 1]);
    return &records[from - 1];
}

static void *allocate(void *context, size_t bytes)
{
    unsigned char *at = region + used + HEADER;
    size_t room = (bytes + HEADER - 1) / HEADER * HEADER;
    (void)context;
    if (bytes == 0) {
        sched_fail(SCHED_MISUSE, "an allocation of no bytes");
    }
    if (choose_refusal()) {
        return NULL;
    }
    if (count == BLOCKS || room > ARENA - used - HEADER) {
        sched_fail(SCHED_LIVELOCK, "too many allocations");
    }
    shadow_forbid(at - HEADER, HEADER);
    used += HEADER + room;
    records[count] = (record){bytes, ++world.now->blocks, world.now->id, true};
    places[count++] = at;
    return __real_memset(at, 0xa5, bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    size_t offset = 0;
    const record *found = find(memory, &offset);
    record *b = found != NULL ? &records[found - records] : NULL;
    (void)context;
    if (b == NULL || offset != 0) {
        sched_fail(SCHED_FREED, "release of what was never allocated");
    }
    if (!b->live) {
        sched_fail(SCHED_FREED, "released again: %s", heap_says(memory));
    }
    if (b->bytes != bytes) {
        sched_fail(SCHED_MISUSE, "released as %zu bytes: %s", bytes, heap_says(memory));
    }
    shadow_forbid(memory, bytes);
    (void)__real_memset(memory, 0xdd, bytes);
    b->live = false;
}

const liminal_allocator *sched_allocator(void)
{
    static const liminal_allocator allocator = {
        .size = sizeof(liminal_allocator), .allocate = allocate, .release = release};
    return &allocator;
}

void heap_count_left(void)
{
    for (unsigned i = 0; i < count; i++) {
        if (records[i].live) {
            note_failure(SCHED_LEAK, "never released: %s", heap_says(places[i]));
            return;
        }
    }
}

/* ---- names ---- */

static uint32_t mix(uint64_t a, uint64_t b)
{
    uint64_t z = (a + 1) * 0x9e3779b97f4a7c15u ^ (b + 1) * 0xc2b2ae3d27d4eb4fu;
    z = (z ^ z >> 29) * 0xbf58476d1ce4e5b9u;
    return (uint32_t)(z ^ z >> 32);
}

uint32_t heap_name(const void *at)
{
    size_t offset = (size_t)((uintptr_t)at - (uintptr_t)region);
    const record *b = offset < ARENA ? find(at, &offset) : NULL;
    if (b == NULL) {
        return mix(offset < REGION ? offset : (uintptr_t)at, 0); /* a stack, or static */
    }
    return mix((uint64_t)b->fiber << 32 | b->number, offset);
}

const char *heap_says(const void *at)
{
    static char text[120];
    size_t offset = (size_t)((uintptr_t)at - (uintptr_t)region);
    const record *b = offset < ARENA ? find(at, &offset) : NULL;
    if (b != NULL) {
        (void)snprintf(text, sizeof text, "byte %zu of the %zu of block %u of fiber %u%s", offset, b->bytes, b->number,
                       b->fiber, b->live ? "" : ", which was released");
    } else if (offset < REGION && offset >= ARENA) {
        (void)snprintf(text, sizeof text, "on the stack of fiber %zu", (offset - ARENA) / STACK);
    } else {
        (void)snprintf(text, sizeof text, "neither allocated nor on a stack");
    }
    return text;
}

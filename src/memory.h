/* SPDX-License-Identifier: MIT */
/* memory.h -- allocation through a table, and how tables of the embedder are taken in. */
#ifndef LIMI_MEMORY_H
#define LIMI_MEMORY_H

#include <liminal/memory.h>
#include <liminal/status.h>

/* What the default allocator does, without the table. */
void *limi_plain_allocate(size_t bytes);
void limi_plain_release(void *memory);

/* Give zeroed memory, or NULL with the detail text set. */
void *limi_allocate(const liminal_allocator *allocator, size_t bytes);

void *limi_no_memory(size_t bytes); /* NULL, with the detail text set */

/* The same, not zeroed. */
static inline void *limi_allocate_raw(const liminal_allocator *allocator, size_t bytes)
{
    void *memory = allocator->allocate(allocator->context, bytes);
    return memory != NULL ? memory : limi_no_memory(bytes);
}

/* Take it back; NULL is welcome. */
void limi_release(const liminal_allocator *allocator, void *memory, size_t bytes);

/* Copy an embedder's size-prefixed table into `to`, which is `room` bytes; the rest of those is zeroed. The size
 * that `from` states must lie between `least` (version 0.1's) and `room`. `what` names the table in
 * the detail text. EINVAL for NULL. */
liminal_status limi_table_take(void *to, size_t room, size_t least, const void *from, const char *what);

/* The same for an allocator, where NULL means the default one. */
liminal_status limi_allocator_take(liminal_allocator *to, const liminal_allocator *from);

#endif

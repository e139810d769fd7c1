/* SPDX-License-Identifier: MIT */
/* liminal/memory.h -- where the library gets its memory. */
#ifndef LIMINAL_MEMORY_H
#define LIMINAL_MEMORY_H

#include <liminal/base.h>

LIMINAL_BEGIN

/* An allocator that the embedder supplies. Whatever is handed such a table copies it; `context`
 * must outlive everything that was allocated through it. */
typedef struct liminal_allocator {
    size_t size; /* LIMINAL_OPS(liminal_allocator) */

    /* Handed to both functions. Never touched by the library. */
    void *context;

    /* Required. Give `bytes` (never 0) of memory aligned for any type, or NULL.
     * Called on any thread, concurrently, possibly with a lock of the library held: it must not
     * call the library. NULL becomes LIMINAL_ENOMEM, leaves nothing behind and may be tried again.
     * Since 0.1 */
    void *(*allocate)(void *context, size_t bytes);

    /* Required. Take back `memory` (never NULL) with the size it was allocated with.
     * Called on any thread, concurrently, under the same rule; it cannot fail.
     * Since 0.1 */
    void (*release)(void *context, void *memory, size_t bytes);
} liminal_allocator;

/**
 * The allocator that is used where none is given: malloc and free.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a static table.
 * Since:    0.1
 */
LIMINAL_API const liminal_allocator *liminal_allocator_default(void);

LIMINAL_END

#endif

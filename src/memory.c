/* SPDX-License-Identifier: MIT */
/* memory.c -- allocation through a table, and how tables of the embedder are taken in. */
#include "memory.h"

#include "detail.h"

#include <stdlib.h>
#include <string.h>

void *limi_plain_allocate(size_t bytes)
{
    return malloc(bytes);
}

void limi_plain_release(void *memory)
{
    free(memory);
}

static void *default_allocate(void *context, size_t bytes)
{
    (void)context;
    return limi_plain_allocate(bytes);
}

static void default_release(void *context, void *memory, size_t bytes)
{
    (void)context, (void)bytes;
    limi_plain_release(memory);
}

static const liminal_allocator default_allocator = {
    LIMINAL_OPS(liminal_allocator),
    .allocate = default_allocate,
    .release = default_release,
};

const liminal_allocator *liminal_allocator_default(void)
{
    return &default_allocator;
}

void *limi_no_memory(size_t bytes)
{
    (void)limi_detail(LIMINAL_ENOMEM, "no memory for %zu bytes", bytes);
    return NULL;
}

void *limi_allocate(const liminal_allocator *allocator, size_t bytes)
{
    void *memory = limi_allocate_raw(allocator, bytes);
    return memory != NULL ? memset(memory, 0, bytes) : NULL;
}

void limi_release(const liminal_allocator *allocator, void *memory, size_t bytes)
{
    if (memory != NULL) {
        allocator->release(allocator->context, memory, bytes);
    }
}

liminal_status limi_table_take(void *to, size_t room, size_t least, const void *from, const char *what)
{
    size_t size = 0;
    liminal_status st = LIMINAL_OK;
    if (from == NULL) {
        st = limi_detail(LIMINAL_EINVAL, "%s: NULL", what);
    } else {
        memcpy(&size, from, sizeof size);
        if (size == 0) {
            st = limi_detail(LIMINAL_EINVAL, "%s: size 0 is not one of ours; begin the table with LIMINAL_OPS", what);
        } else if (size < least || size > room) {
            st = limi_detail(LIMINAL_EINVAL, "%s: size %zu is not between %zu and %zu", what, size, least, room);
        }
    }
    if (st != LIMINAL_OK) {
        size = 0;
    } else {
        memcpy(to, from, size);
    }
    if (size < room) {
        memset((unsigned char *)to + size, 0, room - size);
    }
    return st;
}

liminal_status limi_allocator_take(liminal_allocator *to, const liminal_allocator *from)
{
    liminal_status st;
    if (from == NULL) {
        *to = default_allocator;
        return LIMINAL_OK;
    }
    st = limi_table_take(to, sizeof *to, sizeof *to, from, "allocator");
    if (st == LIMINAL_OK && (to->allocate == NULL || to->release == NULL)) {
        st = limi_detail(LIMINAL_EINVAL, "allocator: allocate and release are required");
    }
    return st;
}

/* SPDX-License-Identifier: MIT */
/* handle.h -- a conversation handle: a count of its clones over a backend table. */
#ifndef LIMI_HANDLE_H
#define LIMI_HANDLE_H

#include <liminal/backend.h>

#include "refcount.h"

/* It lies in a block of its own, or in what `self` is. */
struct liminal_conversation {
    const liminal_backend *backend; /* with its defaults filled in; borrowed */
    void *self;
    limi_refcount handles;
    bool lone;
};

/* A first handle, in memory that release() of the table may let go of. The table lacks nothing. */
void limi_handle_init(liminal_conversation *conversation, const liminal_backend *backend, void *self);

/* Add a handle unless the last one has gone. */
bool limi_handle_try_ref(liminal_conversation *conversation);

#endif

/* SPDX-License-Identifier: MIT */
/* handle.h -- a conversation handle: a count of its clones over a backend table. */
#ifndef LIMI_HANDLE_H
#define LIMI_HANDLE_H

#include <liminal/backend.h>

#include "refcount.h"

struct liminal_conversation {
    liminal_backend backend; /* with its defaults filled in */
    void *self;
    limi_refcount handles;
    liminal_allocator allocator;
};

/* Add a handle unless the last one has gone. */
bool limi_handle_try_ref(liminal_conversation *conversation);

/* Free a handle without releasing what is behind it. */
void limi_handle_discard(liminal_conversation *conversation);

#endif

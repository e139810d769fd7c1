/* SPDX-License-Identifier: MIT */
/* liminal/message.h -- any payload pointer, paired with the trace context it belongs to. */
#ifndef LIMINAL_MESSAGE_H
#define LIMINAL_MESSAGE_H

#include <liminal/span.h>

LIMINAL_BEGIN

/* A value: copied with =. The payload stays its owner's; nothing here ever frees it. */
typedef struct liminal_message {
    void *payload;
    liminal_trace_context context;
} liminal_message;

/**
 * Pair a payload with the context of a span.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the pair; with the thread's current context if `span` is NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_message liminal_message_make(void *payload, const liminal_span *span);

/**
 * Replace the payload by what `map` makes of it; the context stays.
 *
 * `map` is called once, with `self` and the payload, on the calling thread.
 *
 * Threads:  any.
 * Blocks:   as long as `map` does.
 * Returns:  the new pair; the old one unchanged if `map` is NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_message liminal_message_map(liminal_message message, void *(*map)(void *self, void *payload),
                                                void *self);

LIMINAL_END

#endif

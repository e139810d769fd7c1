/* SPDX-License-Identifier: MIT */
/* liminal/backend.h -- the table behind a conversation handle, for those who write another one.
 * Not part of liminal.h. tests/conformance/ holds what every backend has to pass. */
#ifndef LIMINAL_BACKEND_H
#define LIMINAL_BACKEND_H

#include <liminal/conversation.h>
#include <liminal/record.h>

LIMINAL_BEGIN

/* Every slot but release() may be called on any thread, concurrently with itself and the others, and
 * inside any callback; never after release(). The handle has checked its own arguments before: no
 * pointer is NULL, `*message` and `*request` are envelopes. Ownership is as in conversation.h: a slot
 * takes by storing NULL, gives on LIMINAL_OK only. A slot that fails may set no detail text; the
 * handle then supplies the status's own. What conversation.h says of any call, every backend owes:
 * receivers are served in order of arrival, and in a forked child each slot gives EFORKED or does
 * nothing, without waiting. Since 0.1, unless it says otherwise. */
typedef struct liminal_backend {
    size_t size; /* LIMINAL_OPS(liminal_backend) */

    const char *name; /* Required. For details; static. */

    /* Required. Accept `*message`, or say why not. May wait for room until `deadline`. */
    liminal_status (*send)(void *self, liminal_envelope **message, liminal_deadline deadline);

    /* Required. Give the oldest reply that nobody has, waiting until `deadline`; nothing is taken by
     * a call that fails. After a close or a failure: first what is left, then the error. */
    liminal_status (*receive)(void *self, liminal_envelope **out_reply, liminal_deadline deadline);

    /* Required. Refuse sends from now on; return once closed, or at `deadline` at the latest, with
     * LIMINAL_OK in either case, also for the second time. */
    liminal_status (*close)(void *self, liminal_deadline deadline);

    /* Required. Give a snapshot, in every phase; record.h has all that it takes. */
    liminal_status (*query)(void *self, liminal_snapshot **out, liminal_deadline deadline);

    /* Required. The last handle has gone: close without waiting and free `self` when it is no longer
     * needed. Called once, must not block; it cannot fail. */
    void (*release)(void *self);

    /* Optional. Send `*request` and give the reply to that very message. Default: ENOPROC. */
    liminal_status (*ask)(void *self, liminal_envelope **request, liminal_envelope **out_reply,
                          liminal_deadline deadline);

    /* Optional. Send if that needs no wait. Default: send() with a deadline that has passed, where
     * ETIMEDOUT becomes EFULL. */
    liminal_status (*try_send)(void *self, liminal_envelope **message);

    /* Optional. The pid of the actor. Default: {0}. */
    liminal_pid (*pid)(const void *self);

    /* Optional. The trace context of the conversation. Default: all zero. */
    liminal_trace_context (*trace)(const void *self);

    /* Optional. Register what undoes a step, taking `*step`. Default: EINVAL. */
    liminal_status (*undo_with)(void *self, liminal_envelope **step,
                                liminal_status (*undo)(void *self, const liminal_envelope *step), void *undo_self);
} liminal_backend;

/**
 * Make a handle on a conversation that another backend holds.
 *
 * The table is copied. `self` is released by the table's release(), when the
 * last handle has gone. `allocator` is for the handle itself; NULL means the
 * default one.
 *
 * Gives:    *out, an open handle.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL, a table of a wrong size or without a required slot), ENOMEM; `self` stays
 *           the caller's then.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_open(const liminal_backend *backend, void *self,
                                         const liminal_allocator *allocator, LIMINAL_GIVE liminal_conversation **out);

LIMINAL_END

#endif

/* SPDX-License-Identifier: MIT */
/* liminal/span.h -- spans, their collector, and the context a thread is working in. */
#ifndef LIMINAL_SPAN_H
#define LIMINAL_SPAN_H

#include <liminal/deadline.h>
#include <liminal/memory.h>
#include <liminal/trace.h>

LIMINAL_BEGIN

/* A named piece of time. Started by one call, finished once, dropped by its owner. */
typedef struct liminal_span liminal_span;

/* What is left of a span when it has finished. */
typedef struct liminal_finished_span {
    const char *name; /* borrowed: from the span, or for the length of the collector's call */
    liminal_trace_context context;
    liminal_trace_context parent; /* all zero for a root */
    liminal_time start;
    int64_t duration_ns; /* by the monotonic clock */
    liminal_status status;
} liminal_finished_span;

typedef struct liminal_collector {
    size_t size; /* LIMINAL_OPS(liminal_collector) */

    void *context; /* handed to collect(); must outlive every span that may finish */

    /* Required. Take note of a finished span.
     * Called on the thread that finishes the span, concurrently with itself, no lock held; a
     * conversation's span finishes on the thread that ran its last turn, which may be a caller's.
     * Borrows `span`. May call the library; a call that would wait for the conversation whose span
     * this is gives EDEADLK. It cannot fail, and must return. Since 0.1 */
    void (*collect)(void *context, const liminal_finished_span *span);
} liminal_collector;

/* How to start a span; NULL or zero for the defaults. */
typedef struct liminal_span_options {
    size_t size;                         /* LIMINAL_OPS(liminal_span_options) */
    const liminal_trace_context *parent; /* a remote parent; NULL: the thread's current context */
    bool root;                           /* start a fresh trace whatever is current; not with `parent` */
    const liminal_collector *collector;  /* copied; NULL: none */
    const liminal_allocator *allocator;  /* copied; NULL: the default one */
} liminal_span_options;

/**
 * Start a span: under options->parent, else under the current context, else as a root.
 *
 * Gives:    *out.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (name NULL, empty, over 255 bytes or not UTF-8; bad options), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_span_start(const char *name, const liminal_span_options *options,
                                  LIMINAL_GIVE liminal_span **out);

/**
 * Start a span under another one, with the same collector and allocator.
 *
 * Gives:    *out, which does not depend on `parent` any more.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (as liminal_span_start, or parent NULL), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_span_child(const liminal_span *parent, const char *name, LIMINAL_GIVE liminal_span **out);

/**
 * Read a span's name.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a text borrowed from `span`; "" for NULL.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_span_name(const liminal_span *span);

/**
 * Read a span's own context.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the context; all zero for NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_trace_context liminal_span_context(const liminal_span *span);

/**
 * Read the context of a span's parent.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the context; all zero for a root and for NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_trace_context liminal_span_parent(const liminal_span *span);

/**
 * Finish a span with an outcome and hand it to its collector, if it has one.
 *
 * `out` may be NULL; its name is borrowed from `span`.
 *
 * Threads:  any; of several callers exactly one gets LIMINAL_OK.
 * Blocks:   as long as the collector does.
 * Errors:   EPHASE (finished before), EINVAL (span NULL, or a status outside the enum).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_span_finish(liminal_span *span, liminal_status outcome, liminal_finished_span *out);

/**
 * Release a span and clear the caller's pointer. NULL is welcome.
 *
 * One that was not finished goes without reaching the collector.
 *
 * Takes:    *span.
 * Threads:  any; no other call on it may be under way.
 * Blocks:   never.
 * Since:    0.1
 */
LIMINAL_API void liminal_span_drop(LIMINAL_TAKE liminal_span **span);

/* The context that was current before an enter; hand it to the leave that belongs to it. */
typedef struct liminal_span_entry {
    liminal_trace_context previous; /* all zero: there was none */
} liminal_span_entry;

/**
 * Make a context the calling thread's current one.
 *
 * Spans and conversations that this thread starts without a parent of their
 * own take it as parent; envelopes carry it as it is. Pairs nest.
 *
 * Threads:  any; each thread has its own.
 * Blocks:   never.
 * Returns:  what liminal_span_leave() needs. A `context` that is NULL or not valid: none is current.
 * Since:    0.1
 */
LIMINAL_API liminal_span_entry liminal_span_enter(const liminal_trace_context *context);

/**
 * Restore the context that was current before the enter.
 *
 * Threads:  the one that entered.
 * Blocks:   never.
 * Since:    0.1
 */
LIMINAL_API void liminal_span_leave(liminal_span_entry entry);

/**
 * Read the calling thread's current context.
 *
 * Threads:  any; each thread has its own.
 * Blocks:   never.
 * Returns:  the context; all zero if none is current.
 * Since:    0.1
 */
LIMINAL_API liminal_trace_context liminal_span_current(void);

LIMINAL_END

#endif

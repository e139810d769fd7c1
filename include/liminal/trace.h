/* SPDX-License-Identifier: MIT */
/* liminal/trace.h -- trace context, traceparent and tracestate: plain values.
 * The rules are those of W3C Trace Context, level 2 (https://www.w3.org/TR/trace-context-2/). */
#ifndef LIMINAL_TRACE_H
#define LIMINAL_TRACE_H

#include <liminal/status.h>

LIMINAL_BEGIN

typedef struct liminal_trace_context {
    uint8_t trace_id[16]; /* never all zero */
    uint8_t span_id[8];   /* never all zero */
    uint8_t flags;        /* LIMINAL_TRACE_SAMPLED, LIMINAL_TRACE_RANDOM; no other bit is passed on */
} liminal_trace_context;

#define LIMINAL_TRACE_SAMPLED 0x01 /* the caller may have recorded this trace */
#define LIMINAL_TRACE_RANDOM 0x02  /* the low seven bytes of the trace id are random (level 2) */

/* The text form of a context, with its terminating zero. */
typedef struct liminal_traceparent {
    char text[56];
} liminal_traceparent;

#define LIMINAL_TRACESTATE_MEMBERS 32 /* most members a tracestate may have */
#define LIMINAL_TRACESTATE_LENGTH 512 /* most characters we carry */

/* A valid tracestate, already in canonical form; {0} is the empty one. Read `text`, change it only
 * through the functions below. */
typedef struct liminal_tracestate {
    uint16_t length; /* without the terminating zero */
    char text[LIMINAL_TRACESTATE_LENGTH + 1];
} liminal_tracestate;

/**
 * Make the context of a fresh trace: new ids, sampled, random.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a context whose ids are not zero; two calls never give the same trace id.
 * Since:    0.1
 */
LIMINAL_API liminal_trace_context liminal_trace_root(void);

/**
 * Make the context of a child: the parent's trace id and flags, a new span id.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a context; a fresh root if `parent` is NULL or has an id that is all zero.
 * Since:    0.1
 */
LIMINAL_API liminal_trace_context liminal_trace_child(const liminal_trace_context *parent);

/**
 * Compare two contexts: ids and flags.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  true if they are the same; false if either is NULL.
 * Since:    0.1
 */
LIMINAL_API bool liminal_trace_equal(const liminal_trace_context *a, const liminal_trace_context *b);

/**
 * Tell whether a context has a trace id and a span id that are not all zero.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  true if it does; false for NULL.
 * Since:    0.1
 */
LIMINAL_API bool liminal_trace_valid(const liminal_trace_context *context);

/**
 * Write a context as a version 00 traceparent.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the 55 characters by value; an empty text if the context is not valid.
 * Since:    0.1
 */
LIMINAL_API liminal_traceparent liminal_trace_format(const liminal_trace_context *context);

/**
 * Read a traceparent field.
 *
 * Spaces and tabs around it are trimmed. EINVAL means: ignore it and its
 * tracestate, and start a fresh trace. `*out` is written on LIMINAL_OK only.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (not a valid traceparent, or a NULL).
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_trace_parse(const char *text, size_t length, liminal_trace_context *out);

/**
 * Read `count` tracestate fields (zero-terminated texts), joined in order.
 *
 * A bad tracestate is dropped whole: `*out` is then empty. One that is longer
 * than we carry loses whole members: those over 128 characters first, then
 * from the right. `*out` is written in every case but that of a NULL.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (it was dropped, or a NULL); never a reason to refuse the traceparent.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_tracestate_parse(const char *const *fields, size_t count, liminal_tracestate *out);

/**
 * Put a member at the far left, in place of its older self.
 *
 * When there would be too many, the rightmost goes; when it would be too long,
 * members go as above, the new one last.
 *
 * Threads:  one at a time for one value.
 * Blocks:   never.
 * Errors:   EINVAL (key or value not allowed, the two together longer than we carry, or a NULL);
 *           nothing is changed then.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_tracestate_set(liminal_tracestate *state, const char *key, const char *value);

/**
 * Find a member's value.
 *
 * Threads:  any, while nobody changes it.
 * Blocks:   never.
 * Returns:  the first character of the value, borrowed from `state`, with its length in
 *           `*out_length`; NULL if there is no such member.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_tracestate_get(const liminal_tracestate *state, const char *key, size_t *out_length);

LIMINAL_END

#endif

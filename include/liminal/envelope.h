/* SPDX-License-Identifier: MIT */
/* liminal/envelope.h -- an immutable, reference-counted message. */
#ifndef LIMINAL_ENVELOPE_H
#define LIMINAL_ENVELOPE_H

#include <liminal/deadline.h>
#include <liminal/memory.h>
#include <liminal/trace.h>

#include <stdarg.h>

LIMINAL_BEGIN

/* Nothing about an envelope ever changes but its count, so any thread may read any envelope that it
 * holds a reference to. */
typedef struct liminal_envelope liminal_envelope;

/* A UUID version 7 (RFC 9562): sorts by time of creation, to the millisecond. */
typedef struct liminal_uuid {
    uint8_t bytes[16];
} liminal_uuid;

/* How to make an envelope; NULL or zero for the defaults. Texts are copied. */
typedef struct liminal_envelope_options {
    size_t size;                        /* LIMINAL_OPS(liminal_envelope_options) */
    const liminal_allocator *allocator; /* copied; NULL: the default one */
    liminal_envelope *cause;            /* which message this one follows; a reference is added. NULL: the
                                         * request that the calling behaviour is answering, if any */
    const char *schema;                 /* what the payload is, say "text/plain"; NULL: "" */
    const char *publisher;              /* who says it; NULL: "anonymous" */
    liminal_deadline deadline;          /* after this nobody need begin it; {0}: never */
    const liminal_trace_context *trace; /* NULL: the current context, else a fresh root */
} liminal_envelope_options;

/**
 * Copy `size` bytes into a new envelope. `data` may be NULL when `size` is 0.
 *
 * Gives:    *out, with one reference.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (NULL data with a size, a size that overflows, bad options, a schema or
 *           publisher over 255 bytes or not UTF-8), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_envelope_create(const void *data, size_t size, const liminal_envelope_options *options,
                                       LIMINAL_GIVE liminal_envelope **out);

/**
 * Make an envelope of the caller's own buffer, without a copy.
 *
 * The buffer must be `size` + 1 bytes long and hold a zero byte at [size].
 * `release(context, data, size)` is called once, by whoever drops the last
 * reference: on any thread, possibly with a lock of the library held, so it
 * must not call the library. NULL means that the buffer outlives every envelope.
 *
 * Takes:    *data.
 * Gives:    *out, with one reference.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (as above, or no zero byte at the end), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_envelope_adopt(LIMINAL_TAKE void **data, size_t size,
                                      void (*release)(void *context, void *data, size_t size), void *context,
                                      const liminal_envelope_options *options, LIMINAL_GIVE liminal_envelope **out);

/**
 * Format a text message, with the default options.
 *
 * Gives:    *out, with one reference.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL, or a format that fails), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED LIMINAL_PRINTF(2, 3)
liminal_status liminal_envelope_printf(LIMINAL_GIVE liminal_envelope **out, const char *format, ...);

/**
 * Format a text message, with options.
 *
 * Gives:    *out, with one reference.
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (as liminal_envelope_create, or a format that fails), ENOMEM.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED LIMINAL_PRINTF(3, 0)
liminal_status liminal_envelope_vprintf(LIMINAL_GIVE liminal_envelope **out, const liminal_envelope_options *options,
                                        const char *format, va_list arguments);

/**
 * Read the payload.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a pointer borrowed from `envelope`, never NULL; "" for NULL.
 * Since:    0.1
 */
LIMINAL_API const void *liminal_envelope_data(const liminal_envelope *envelope);

/**
 * Read the size of the payload in bytes.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the size; 0 for NULL.
 * Since:    0.1
 */
LIMINAL_API size_t liminal_envelope_size(const liminal_envelope *envelope);

/**
 * Read the payload as text: a zero byte, not counted in the size, always follows it.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  a text borrowed from `envelope`; "" for NULL.
 * Since:    0.1
 */
LIMINAL_API const char *liminal_envelope_text(const liminal_envelope *envelope);

/* What else an envelope carries. Everything is borrowed from it. */
typedef struct liminal_envelope_facts {
    liminal_uuid id;
    const liminal_envelope *cause; /* NULL: it follows nothing */
    const char *schema;            /* "" unless given */
    const char *publisher;         /* "anonymous" unless given */
    liminal_time created;
    liminal_deadline deadline; /* the one that never comes unless given */
    liminal_trace_context trace;
} liminal_envelope_facts;

/**
 * Read everything but the payload.
 *
 * The cause's own facts name its cause, and so on: parent, grandparent, ...
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the facts, borrowed from `envelope`; all zero and empty texts for NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_envelope_facts liminal_envelope_read(const liminal_envelope *envelope);

/**
 * Tell whether `earlier` stands in the cause chain of `later`: it happened before it.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  true if it does; false for the same envelope, and for NULL.
 * Since:    0.1
 */
LIMINAL_API bool liminal_envelope_follows(const liminal_envelope *later, const liminal_envelope *earlier);

/**
 * Add a reference.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  `envelope`, for chaining; release it with its own drop. NULL for NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_envelope *liminal_envelope_ref(const liminal_envelope *envelope);

/**
 * Release one reference and clear the caller's pointer. NULL is welcome.
 *
 * Takes:    *envelope.
 * Threads:  any.
 * Blocks:   never, unless an adopted buffer's release function does.
 * Since:    0.1
 */
LIMINAL_API void liminal_envelope_drop(LIMINAL_TAKE liminal_envelope **envelope);

LIMINAL_END

#endif

/* SPDX-License-Identifier: MIT */
/* span.h -- how a span lies in memory: in a block of its own, or in what it is the span of. */
#ifndef LIMI_SPAN_H
#define LIMI_SPAN_H

#include <liminal/span.h>

#include "platform.h"

struct liminal_span {
    const char *name;                   /* borrowed */
    const liminal_collector *collector; /* borrowed; NULL: none */
    liminal_time start;
    int64_t start_ns;
    limi_atomic_u32 finished; /* 0, then 1: of several who finish it, the one that moved it */
    liminal_trace_context context;
    liminal_trace_context parent; /* all zero: none */
};

/* Begin one in memory of the caller's, which lives as long as what is borrowed. Without a parent (NULL, or one that is
 * not valid) it is a root. liminal_span_child() and liminal_span_drop() are not for such a one. */
void limi_span_begin(liminal_span *span, const char *name, const liminal_trace_context *parent,
                     const liminal_collector *collector);

#endif

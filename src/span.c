/* SPDX-License-Identifier: MIT */
/* span.c -- spans, and the context a thread is working in. */
#include "span.h"

#include "config.h"
#include "detail.h"
#include "list.h"
#include "memory.h"
#include "platform.h"
#include "scope.h"
#include "text.h"

#include <string.h>

/* One that has its block to itself: this, then the span, then its name. */
typedef struct lone {
    liminal_allocator allocator;
    liminal_collector collector; /* size 0: none */
    size_t block;
    liminal_span span;
    char name[];
} lone;

static const lone *lone_of(const liminal_span *span)
{
    return LIMI_HOLDER(span, const lone, span);
}

static const liminal_trace_context no_context;

void limi_span_begin(liminal_span *span, const char *name, const liminal_trace_context *parent,
                     const liminal_collector *collector)
{
    limi_instant now;
    span->name = name;
    span->collector = collector;
    if (liminal_trace_valid(parent)) {
        span->parent = *parent;
        span->context = liminal_trace_child(parent);
    } else {
        span->parent = no_context;
        span->context = liminal_trace_root();
    }
    now = limi_clock_counted();
    span->start.unix_ns = now.wall;
    span->start_ns = now.monotonic;
    limi_u32_init(&span->finished, 0);
}

static liminal_status make(const char *name, const liminal_trace_context *parent, const liminal_collector *collector,
                           const liminal_allocator *allocator, liminal_span **out)
{
    size_t length, block;
    lone *made;
    liminal_status st = limi_text_check(name, LIMINAL_NAME_BYTES, false, "name", &length);
    if (st != LIMINAL_OK) {
        return st;
    }
    block = sizeof *made + length + 1;
    made = limi_allocate_raw(allocator, block);
    if (made == NULL) {
        return LIMINAL_ENOMEM;
    }
    made->allocator = *allocator;
    made->collector = *collector;
    made->block = block;
    memcpy(made->name, name, length + 1);
    limi_span_begin(&made->span, made->name, parent, made->collector.size != 0 ? &made->collector : NULL);
    *out = &made->span;
    return LIMINAL_OK;
}

static liminal_status take_collector(liminal_collector *to, const liminal_collector *from)
{
    liminal_status st;
    *to = (liminal_collector){.size = 0};
    if (from == NULL) {
        return LIMINAL_OK;
    }
    st = limi_table_take(to, sizeof *to, LIMI_LEAST(liminal_collector, collect), from, "collector");
    if (st == LIMINAL_OK && to->collect == NULL) {
        st = limi_detail(LIMINAL_EINVAL, "collector.collect: required");
    }
    return st;
}

liminal_status liminal_span_start(const char *name, const liminal_span_options *options, liminal_span **out)
{
    liminal_span_options chosen = {LIMINAL_OPS(liminal_span_options)};
    liminal_collector collector;
    liminal_allocator allocator;
    liminal_status st = LIMINAL_OK;
    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    if (options != NULL) {
        st = limi_table_take(&chosen, sizeof chosen, LIMI_LEAST(liminal_span_options, allocator), options, "options");
    }
    if (st || (st = take_collector(&collector, chosen.collector)) ||
        (st = limi_allocator_take(&allocator, chosen.allocator))) {
        return st;
    }
    if (chosen.parent != NULL && (chosen.root || !liminal_trace_valid(chosen.parent))) {
        return limi_detail(LIMINAL_EINVAL, "options.parent: %s", chosen.root ? "not with root" : "not a valid context");
    }
    if (chosen.parent == NULL && !chosen.root) {
        chosen.parent = &limi_scope_here()->trace;
    }
    return make(name, chosen.parent, &collector, &allocator, out);
}

liminal_status liminal_span_child(const liminal_span *parent, const char *name, liminal_span **out)
{
    if (parent == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", parent == NULL ? "parent" : "out");
    }
    return make(name, &parent->context, &lone_of(parent)->collector, &lone_of(parent)->allocator, out);
}

const char *liminal_span_name(const liminal_span *span)
{
    return span != NULL ? span->name : "";
}

liminal_trace_context liminal_span_context(const liminal_span *span)
{
    return span != NULL ? span->context : no_context;
}

liminal_trace_context liminal_span_parent(const liminal_span *span)
{
    return span != NULL ? span->parent : no_context;
}

/* Told to whoever wants to know. */
static void tell(const liminal_span *span, liminal_status outcome, int64_t now, liminal_finished_span *out)
{
    liminal_finished_span finished = {
        .name = span->name,
        .context = span->context,
        .parent = span->parent,
        .start = span->start,
        .duration_ns = now > span->start_ns ? now - span->start_ns : 0, /* by two threads' counts, or two looks */
        .status = outcome,
    };
    if (span->collector != NULL) {
        span->collector->collect(span->collector->context, &finished);
    }
    if (out != NULL) {
        *out = finished;
    }
}

liminal_status liminal_span_finish(liminal_span *span, liminal_status outcome, liminal_finished_span *out)
{
    int64_t now;
    if (span == NULL || !limi_status_known(outcome)) {
        return limi_detail(LIMINAL_EINVAL, "%s", span == NULL ? "span: NULL" : "outcome: not a status");
    }
    now = limi_clock_counted().monotonic;
    if (limi_u32_exchange(&span->finished, 1) != 0) {
        return limi_detail(LIMINAL_EPHASE, "span: finished before");
    }
    if (span->collector != NULL || out != NULL) {
        tell(span, outcome, now, out);
    }
    return LIMINAL_OK;
}

void liminal_span_drop(liminal_span **span)
{
    if (span != NULL && *span != NULL) {
        lone *dead = LIMI_HOLDER(*span, lone, span);
        liminal_allocator allocator = dead->allocator;
        *span = NULL;
        limi_release(&allocator, dead, dead->block);
    }
}

/* ---- the current context ---- */

liminal_span_entry liminal_span_enter(const liminal_trace_context *context)
{
    limi_scope *scope = limi_scope_here();
    liminal_span_entry entry = {scope->trace};
    scope->trace = liminal_trace_valid(context) ? *context : no_context;
    return entry;
}

void liminal_span_leave(liminal_span_entry entry)
{
    limi_scope_here()->trace = entry.previous;
}

liminal_trace_context liminal_span_current(void)
{
    return limi_scope_here()->trace;
}

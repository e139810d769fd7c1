/* SPDX-License-Identifier: MIT */
/* envelope_make.c -- making envelopes: what the pure half lacks comes from the clock, the mint and the
 * scope of the calling thread. */
#include "detail.h"
#include "envelope.h"
#include "mint.h"
#include "scope.h"

#include <stdio.h>
#include <string.h>

/* Lay out an envelope with `room` bytes for a payload that begins where the struct ends. */
static liminal_status make(size_t room, const liminal_envelope_options *options, liminal_envelope **out)
{
    const limi_scope *scope = limi_scope_here();
    limi_envelope_plan plan;
    liminal_status st = limi_envelope_plan_take(&plan, options);

    if (st != LIMINAL_OK) {
        return st;
    }
    if (plan.facts.cause == NULL) {
        plan.facts.cause = scope->request;
    }
    if (!liminal_trace_valid(&plan.facts.trace)) {
        plan.facts.trace = liminal_trace_valid(&scope->trace) ? scope->trace : liminal_trace_root();
    }
    plan.facts.created = liminal_time_now();
    plan.facts.id = limi_mint_uuid(plan.facts.created);
    return limi_envelope_lay(&plan, room, out);
}

liminal_status liminal_envelope_create(const void *data, size_t size, const liminal_envelope_options *options,
                                       liminal_envelope **out)
{
    liminal_envelope *envelope;
    liminal_status st;

    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    if (data == NULL && size != 0) {
        return limi_detail(LIMINAL_EINVAL, "data: NULL with a size of %zu", size);
    }
    if (size == SIZE_MAX) {
        return limi_detail(LIMINAL_EINVAL, "size: no room for the zero byte behind it");
    }
    st = make(size + 1, options, &envelope);
    if (st != LIMINAL_OK) {
        return st;
    }
    envelope->data = envelope->room;
    envelope->size = size;
    if (size != 0) {
        memcpy(envelope->room, data, size);
    }
    *out = envelope;
    return LIMINAL_OK;
}

liminal_status liminal_envelope_adopt(void **data, size_t size, void (*release)(void *context, void *data, size_t size),
                                      void *context, const liminal_envelope_options *options, liminal_envelope **out)
{
    liminal_envelope *envelope;
    liminal_status st;

    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    if (data == NULL || *data == NULL) {
        return limi_detail(LIMINAL_EINVAL, "data: NULL");
    }
    if (size == SIZE_MAX) {
        return limi_detail(LIMINAL_EINVAL, "size: no room for the zero byte behind it");
    }
    if (((const unsigned char *)*data)[size] != 0) {
        return limi_detail(LIMINAL_EINVAL, "data: no zero byte behind its %zu bytes", size);
    }
    st = make(0, options, &envelope);
    if (st != LIMINAL_OK) {
        return st;
    }
    envelope->data = *data;
    envelope->size = size;
    envelope->release = release;
    envelope->release_context = context;
    *data = NULL;
    *out = envelope;
    return LIMINAL_OK;
}

liminal_status liminal_envelope_printf(liminal_envelope **out, const char *format, ...)
{
    va_list arguments;
    liminal_status st;
    va_start(arguments, format);
    st = liminal_envelope_vprintf(out, NULL, format, arguments);
    va_end(arguments);
    return st;
}

liminal_status liminal_envelope_vprintf(liminal_envelope **out, const liminal_envelope_options *options,
                                        const char *format, va_list arguments)
{
    liminal_envelope *envelope;
    liminal_status st;
    va_list again;
    int length;

    if (out == NULL || format == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", out == NULL ? "out" : "format");
    }
    va_copy(again, arguments);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0) {
        return limi_detail(LIMINAL_EINVAL, "format: it can't be formatted");
    }
    st = make((size_t)length + 1, options, &envelope);
    if (st != LIMINAL_OK) {
        return st;
    }
    envelope->data = envelope->room;
    envelope->size = (size_t)length;
    if (vsnprintf((char *)envelope->room, (size_t)length + 1, format, arguments) != length) {
        liminal_envelope_drop(&envelope);
        return limi_detail(LIMINAL_EINVAL, "format: an argument changed while it was formatted");
    }
    *out = envelope;
    return LIMINAL_OK;
}

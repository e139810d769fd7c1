/* SPDX-License-Identifier: MIT */
/* envelope_make.c -- making envelopes: what the pure half lacks comes from the clock, the mint and the
 * scope of the calling thread. */
#include "detail.h"
#include "envelope.h"
#include "mint.h"
#include "scope.h"

#include <stdio.h>
#include <string.h>

/* What the options left out: they are those that were checked, or NULL. */
static void fill_in(liminal_envelope *envelope, const liminal_envelope_options *options)
{
    const limi_scope *scope = limi_scope_here();
    liminal_envelope_facts *facts = &envelope->facts;
    const liminal_envelope *cause = options != NULL ? options->cause : NULL;
    facts->deadline = (liminal_deadline){INT64_MAX};
    if (options != NULL && options->deadline.ns != 0) {
        facts->deadline = options->deadline;
    }
    facts->cause = liminal_envelope_ref(cause != NULL ? cause : scope->request);
    facts->created = liminal_time_now();
    if (options != NULL && options->trace != NULL) {
        facts->trace = *options->trace;
        facts->id = limi_mint_uuid(facts->created);
    } else if (liminal_trace_valid(&scope->trace)) {
        facts->trace = scope->trace;
        facts->id = limi_mint_uuid(facts->created);
    } else {
        limi_mint_both(facts->created, &facts->id, &facts->trace);
    }
}

/* Lay out an envelope with `room` bytes for a payload that begins where the struct ends. */
static liminal_status make(size_t room, const liminal_envelope_options *options, liminal_envelope **out)
{
    liminal_envelope_options checked;
    limi_envelope_plan plan;
    liminal_status st;

    if (options == NULL) {
        st = limi_envelope_lay(NULL, room, out);
    } else {
        st = limi_envelope_plan_take(&plan, options, &checked);
        if (st == LIMINAL_OK) {
            st = limi_envelope_lay(&plan, room, out);
        }
    }
    if (st == LIMINAL_OK) {
        fill_in(*out, options != NULL ? &checked : NULL);
    }
    return st;
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
    envelope->room[size] = 0;
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

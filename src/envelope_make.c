/* SPDX-License-Identifier: MIT */
/* envelope_make.c -- making envelopes: what the pure half lacks comes from the clock, the mint and the
 * scope of the calling thread. */
#include "detail.h"
#include "envelope.h"
#include "memory.h"
#include "mint.h"
#include "scope.h"
#include "seldom.h"

#include <stdio.h>
#include <string.h>

/* What the options left out: they are those that were checked, or NULL. */
static inline void fill_in(liminal_envelope *envelope, const liminal_envelope_options *options, limi_scope_room *here,
                           int64_t now)
{
    const limi_scope *scope = &here->scope;
    limi_generator generator = here->generator; /* which is ready; a copy, for ids are bytes, which may be anything's */
    liminal_envelope_facts *facts = &envelope->facts;
    const liminal_envelope *cause = options != NULL ? options->cause : NULL;
    facts->deadline = (liminal_deadline){INT64_MAX};
    if (options != NULL && options->deadline.ns != 0) {
        facts->deadline = options->deadline;
    }
    facts->cause = cause != NULL ? cause : scope->request;
    if (facts->cause != here->lent) {
        limi_envelope_share(facts->cause);
    } else {
        here->lent = NULL; /* it has that share, if there is one */
    }
    facts->created.unix_ns = now;
    if (options != NULL && options->trace != NULL) {
        facts->trace = *options->trace;
    } else if (limi_scope_has_trace(scope)) {
        facts->trace = scope->trace;
    } else {
        limi_mint_root(&generator, &facts->trace);
    }
    facts->id = limi_mint_uuid_from(&generator, facts->created);
    here->generator.state = generator.state;
}

/* Lay out a plain envelope with `room` bytes for a payload that begins where the struct ends; NULL without memory. What
 * calls others comes first, so that little has to be kept over those calls. */
static inline liminal_envelope *make_plain(size_t room, const void *data, size_t size)
{
    limi_scope_room *here = limi_scope_room_here();
    liminal_envelope *envelope;
    int64_t now;
    limi_mint_ready(&here->generator);
    now = limi_clock_counted().wall;
    envelope = limi_envelope_lay_plain(room);
    if (envelope == NULL) {
        return limi_no_memory(sizeof *envelope + room);
    }
    if (size != 0) {
        memcpy(envelope->room, data, size);
    }
    fill_in(envelope, NULL, here, now);
    return envelope;
}

/* Lay out any envelope so. */
LIMI_APART static liminal_status make(size_t room, const liminal_envelope_options *options, liminal_envelope **out)
{
    limi_scope_room *here = limi_scope_room_here();
    liminal_envelope_options checked;
    limi_envelope_plan plan;
    liminal_status st;
    if (options == NULL) {
        *out = make_plain(room, NULL, 0);
        return *out != NULL ? LIMINAL_OK : LIMINAL_ENOMEM;
    }
    st = limi_envelope_plan_take(&plan, options, &checked);
    if (st == LIMINAL_OK) {
        st = limi_envelope_lay(&plan, room, out);
    }
    if (st == LIMINAL_OK) {
        limi_mint_ready(&here->generator);
        fill_in(*out, &checked, here, limi_clock_counted().wall);
    }
    return st;
}

/* Its payload lies behind it, or will. */
static inline void enclose(liminal_envelope *envelope, size_t size)
{
    envelope->data = envelope->room;
    envelope->size = size;
    envelope->room[size] = 0;
}

LIMI_SELDOM static liminal_status refuse_to_create(const void *data, size_t size, const void *out)
{
    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    if (data == NULL) {
        return limi_detail(LIMINAL_EINVAL, "data: NULL with a size of %zu", size);
    }
    if (size == SIZE_MAX) {
        return limi_detail(LIMINAL_EINVAL, "size: no room for the zero byte behind it");
    }
    return limi_envelope_too_large(size + 1);
}

LIMI_APART static liminal_status create_as_told(const void *data, size_t size, const liminal_envelope_options *options,
                                                liminal_envelope **out)
{
    liminal_envelope *envelope;
    liminal_status st = make(size + 1, options, &envelope);
    if (st != LIMINAL_OK) {
        return st;
    }
    if (size != 0) {
        memcpy(envelope->room, data, size);
    }
    enclose(envelope, size);
    *out = envelope;
    return LIMINAL_OK;
}

liminal_status liminal_envelope_create(const void *data, size_t size, const liminal_envelope_options *options,
                                       liminal_envelope **out)
{
    liminal_envelope *envelope;
    if (out == NULL || size > LIMI_PAYLOAD_MOST || (data == NULL && size != 0)) {
        return refuse_to_create(data, size, out);
    }
    if (options != NULL) {
        return create_as_told(data, size, options, out);
    }
    envelope = make_plain(size + 1, data, size);
    if (envelope == NULL) {
        return LIMINAL_ENOMEM;
    }
    enclose(envelope, size);
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

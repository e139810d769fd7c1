/* SPDX-License-Identifier: MIT */
/* trace.c -- trace contexts and their text form, the traceparent. */
#include <liminal/trace.h>

#include "detail.h"

#include <string.h>

#define KNOWN_FLAGS (LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM)

/* Where the fields of a version 00 traceparent stand: VV-TRACE-SPAN-FF. */
enum { TRACE_AT = 3, SPAN_AT = 36, FLAGS_AT = 53, LENGTH = 55 };

static bool all_zero(const uint8_t *bytes, size_t words)
{
    uint64_t any = 0, word;
    size_t i;
    for (i = 0; i < words; i++) {
        memcpy(&word, bytes + i * sizeof word, sizeof word);
        any |= word;
    }
    return any == 0;
}

bool liminal_trace_valid(const liminal_trace_context *context)
{
    return context != NULL && !all_zero(context->trace_id, 2) && !all_zero(context->span_id, 1);
}

bool liminal_trace_equal(const liminal_trace_context *a, const liminal_trace_context *b)
{
    return a != NULL && b != NULL && memcmp(a->trace_id, b->trace_id, sizeof a->trace_id) == 0 &&
           memcmp(a->span_id, b->span_id, sizeof a->span_id) == 0 && a->flags == b->flags;
}

/* ---- writing ---- */

static char *write_hex(char *at, const uint8_t *bytes, size_t size)
{
    static const char digits[] = "0123456789abcdef";
    size_t i;
    for (i = 0; i < size; i++) {
        *at++ = digits[bytes[i] >> 4];
        *at++ = digits[bytes[i] & 15];
    }
    return at;
}

liminal_traceparent liminal_trace_format(const liminal_trace_context *context)
{
    liminal_traceparent parent = {""};
    char *at = parent.text;
    uint8_t flags;
    if (!liminal_trace_valid(context)) {
        return parent;
    }
    flags = context->flags & KNOWN_FLAGS;
    *at++ = '0';
    *at++ = '0';
    *at++ = '-';
    at = write_hex(at, context->trace_id, sizeof context->trace_id);
    *at++ = '-';
    at = write_hex(at, context->span_id, sizeof context->span_id);
    *at++ = '-';
    (void)write_hex(at, &flags, 1);
    return parent;
}

/* ---- reading ---- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; /* lower case only */
}

static bool read_hex(const char *text, uint8_t *bytes, size_t size)
{
    size_t i;
    for (i = 0; i < size; i++) {
        int high = hex_value(text[2 * i]);
        int low = hex_value(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

liminal_status liminal_trace_parse(const char *text, size_t length, liminal_trace_context *out)
{
    liminal_trace_context read;
    uint8_t version;
    if (text == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", text == NULL ? "text" : "out");
    }
    while (length > 0 && is_blank(text[0])) {
        text++;
        length--;
    }
    while (length > 0 && is_blank(text[length - 1])) {
        length--;
    }
    if (length < LENGTH || !read_hex(text, &version, 1) || version == 0xff) {
        return limi_detail(LIMINAL_EINVAL, "traceparent: too short, or not a version there is");
    }
    /* Version 00 ends here. A higher one may go on after another dash, with what we can't know. */
    if (length > LENGTH && (version == 0 || text[LENGTH] != '-')) {
        return limi_detail(LIMINAL_EINVAL, "traceparent: something follows the flags");
    }
    if (text[TRACE_AT - 1] != '-' || text[SPAN_AT - 1] != '-' || text[FLAGS_AT - 1] != '-' ||
        !read_hex(text + TRACE_AT, read.trace_id, sizeof read.trace_id) ||
        !read_hex(text + SPAN_AT, read.span_id, sizeof read.span_id) || !read_hex(text + FLAGS_AT, &read.flags, 1)) {
        return limi_detail(LIMINAL_EINVAL, "traceparent: not four fields of lower-case hex");
    }
    if (!liminal_trace_valid(&read)) {
        return limi_detail(LIMINAL_EINVAL, "traceparent: an id that is all zero");
    }
    read.flags &= KNOWN_FLAGS;
    *out = read;
    return LIMINAL_OK;
}

/* SPDX-License-Identifier: MIT */
/* fuzz_traceparent.c -- traceparent fields: what is read and what is refused against a second reader that goes by the
 * letter of the standard, blanks around it, and the way there and back. */
#include "fuzz.h"

#include <liminal/trace.h>

#include <string.h>

/* ---- the standard, character by character ---- */

/* One letter for what may stand at each place: v version, t trace id, s span id, f flags. */
static const char form[] = "vv-tttttttttttttttttttttttttttttttt-ssssssssssssssss-ff";
#define FORM (sizeof form - 1)

static bool blank(uint8_t c)
{
    return c == ' ' || c == '\t';
}

static int digit(uint8_t c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c != 0 ? strchr(digits, c) : NULL;
    return at != NULL ? (int)(at - digits) : -1;
}

static bool by_the_letter(const uint8_t *text, size_t size, liminal_trace_context *out)
{
    bool trace = false, span = false;
    memset(out, 0, sizeof *out);
    for (; size > 0 && blank(*text); size--) {
        text++;
    }
    while (size > 0 && blank(text[size - 1])) {
        size--;
    }
    if (size < FORM || (size > FORM && (text[FORM] != '-' || memcmp(text, "00", 2) == 0)) ||
        memcmp(text, "ff", 2) == 0) {
        return false;
    }
    for (size_t i = 0; i < FORM; i++) {
        int value = digit(text[i]);
        if (form[i] == '-' ? text[i] != '-' : value < 0) {
            return false;
        }
        if (form[i] == 't') {
            out->trace_id[(i - 3) / 2] |= (uint8_t)(value << ((i - 3) % 2 == 0 ? 4 : 0));
            trace |= value != 0;
        } else if (form[i] == 's') {
            out->span_id[(i - 36) / 2] |= (uint8_t)(value << ((i - 36) % 2 == 0 ? 4 : 0));
            span |= value != 0;
        } else if (i == FORM - 1) {
            out->flags = (uint8_t)(value & (LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM));
        }
    }
    return trace && span;
}

/* ---- there and back ---- */

static void check_text(const liminal_trace_context *context)
{
    liminal_traceparent text = liminal_trace_format(context);
    liminal_trace_context again;
    FUZZ_CHECK(strlen(text.text) == FORM && memcmp(text.text, "00-", 3) == 0);
    FUZZ_CHECK(liminal_trace_parse(text.text, FORM, &again) == LIMINAL_OK);
    FUZZ_CHECK(memcmp(again.trace_id, context->trace_id, sizeof again.trace_id) == 0);
    FUZZ_CHECK(memcmp(again.span_id, context->span_id, sizeof again.span_id) == 0);
    FUZZ_CHECK(again.flags == (context->flags & (LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM)));
}

static void check_child(const liminal_trace_context *parent)
{
    liminal_trace_context child = liminal_trace_child(parent);
    FUZZ_CHECK(liminal_trace_valid(&child));
    FUZZ_CHECK(memcmp(child.trace_id, parent->trace_id, sizeof child.trace_id) == 0);
    FUZZ_CHECK(memcmp(child.span_id, parent->span_id, sizeof child.span_id) != 0);
}

/* Any 25 bytes are a context, valid or not. */
static void check_bytes(const uint8_t *data)
{
    liminal_trace_context context;
    memcpy(context.trace_id, data, 16);
    memcpy(context.span_id, data + 16, 8);
    context.flags = data[24];
    if (liminal_trace_valid(&context)) {
        check_text(&context);
        check_child(&context);
    } else {
        FUZZ_CHECK(liminal_trace_format(&context).text[0] == '\0');
    }
}

/* Blanks around it, and only they, change nothing. */
static void check_blanks(const uint8_t *data, size_t size, liminal_status plain, const liminal_trace_context *context)
{
    char *padded = malloc(size + 3);
    liminal_trace_context again = *context;
    FUZZ_CHECK(padded != NULL);
    padded[0] = '\t';
    if (size > 0) {
        memcpy(padded + 1, data, size);
    }
    padded[size + 1] = ' ';
    padded[size + 2] = '\t';
    FUZZ_CHECK(liminal_trace_parse(padded, size + 3, &again) == plain);
    FUZZ_CHECK(liminal_trace_equal(&again, context));
    free(padded);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = size > 0 ? (const char *)data : "";
    liminal_trace_context read, untouched, expected;
    liminal_status status;
    memset(&untouched, 0xa5, sizeof untouched);
    read = untouched;
    status = liminal_trace_parse(text, size, &read);
    FUZZ_CHECK(status == LIMINAL_OK || status == LIMINAL_EINVAL);
    FUZZ_CHECK((status == LIMINAL_OK) == by_the_letter((const uint8_t *)text, size, &expected));
    FUZZ_CHECK(liminal_trace_equal(&read, status == LIMINAL_OK ? &expected : &untouched));
    if (status == LIMINAL_OK) {
        check_text(&read);
        check_child(&read);
    }
    check_blanks(data, size, status, &read);
    if (size >= 25) {
        check_bytes(data);
    }
    return 0;
}

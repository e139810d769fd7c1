/* SPDX-License-Identifier: MIT */
/* text.c -- the rules for names and labels that embedders hand in, and how they are kept in a block. */
#include "text.h"

#include "detail.h"

#include <string.h>

/* How many bytes the well-formed UTF-8 sequence at `s` has, which is not ASCII; 0 if there is none. What RFC 3629
 * forbids (overlong forms, surrogates, more than U+10FFFF) shows in the lead byte and in the range of the byte
 * behind it. A zero byte ends the text and is in no such range, so nothing behind it is read. */
static size_t sequence_length(const unsigned char *s)
{
    unsigned char low = 0x80;
    unsigned char high = 0xBF;
    size_t length;

    if (s[0] >= 0xC2 && s[0] <= 0xDF) {
        length = 2;
    } else if (s[0] >= 0xE0 && s[0] <= 0xEF) {
        length = 3;
        low = s[0] == 0xE0 ? 0xA0 : low;
        high = s[0] == 0xED ? 0x9F : high;
    } else if (s[0] >= 0xF0 && s[0] <= 0xF4) {
        length = 4;
        low = s[0] == 0xF0 ? 0x90 : low;
        high = s[0] == 0xF4 ? 0x8F : high;
    } else {
        return 0;
    }
    for (size_t i = 1; i < length; i++) {
        if (s[i] < low || s[i] > high) {
            return 0;
        }
        low = 0x80;
        high = 0xBF;
    }
    return length;
}

liminal_status limi_text_check(const char *text, size_t most, bool may_be_empty, const char *what, size_t *out_length)
{
    const char *end;
    size_t length;

    if (text == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", what);
    }
    end = memchr(text, 0, most < SIZE_MAX ? most + 1 : most);
    if (end == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: longer than %zu bytes", what, most);
    }
    length = (size_t)(end - text);
    if (length == 0 && !may_be_empty) {
        return limi_detail(LIMINAL_EINVAL, "%s: empty", what);
    }
    for (size_t at = 0; at < length;) {
        if ((unsigned char)text[at] < 0x80) {
            at++;
            continue;
        }
        size_t step = sequence_length((const unsigned char *)text + at);
        if (step == 0) {
            return limi_detail(LIMINAL_EINVAL, "%s: not UTF-8 at byte %zu", what, at);
        }
        at += step;
    }
    if (out_length != NULL) {
        *out_length = length;
    }
    return LIMINAL_OK;
}

size_t limi_text_room(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

const char *limi_text_lay(const char *text, const char *none, char **at)
{
    char *copy = *at;
    size_t room = limi_text_room(text);
    if (room == 0) {
        return none;
    }
    memcpy(copy, text, room);
    *at += room;
    return copy;
}

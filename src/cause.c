/* SPDX-License-Identifier: MIT */
/* cause.c -- why a conversation fails, in words. Pure. */
#include "cause.h"

#include <stdio.h>
#include <string.h>

void limi_cause_fit(limi_words *words, const char *text)
{
    const char *end = memchr(text, 0, sizeof words->text);
    size_t length = end != NULL ? (size_t)(end - text) : sizeof words->text - 1;
    while (end == NULL && length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    memcpy(words->text, text, length);
    words->text[length] = 0;
}

void limi_cause_say(const limi_cause *cause, limi_words *out)
{
    char text[2 * LIMI_DETAIL_BYTES];
    if (cause->status == LIMINAL_OK) {
        out->text[0] = 0;
        return;
    }
    switch (cause->kind) {
    case LIMI_CAUSE_EXIT:
        (void)snprintf(text, sizeof text, "%s exited: %s", cause->text, liminal_exit_describe(cause->reason).text);
        limi_cause_fit(out, text);
        break;
    case LIMI_CAUSE_KILLS:
        (void)snprintf(text, sizeof text, "the actor was killed more than %u times within %lld ms",
                       (unsigned)cause->most, (long long)(cause->window_ns / 1000000));
        limi_cause_fit(out, text);
        break;
    case LIMI_CAUSE_TEXT:
    default:
        limi_cause_fit(out, cause->text);
        break;
    }
}

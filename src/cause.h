/* SPDX-License-Identifier: MIT */
/* cause.h -- why a conversation fails: kept in a few bytes, and put into words when somebody asks. Pure. */
#ifndef LIMI_CAUSE_H
#define LIMI_CAUSE_H

#include <liminal/process.h>

#include "detail.h"

typedef enum limi_cause_kind {
    LIMI_CAUSE_TEXT, /* `text` says it */
    LIMI_CAUSE_EXIT, /* the participant called `text` has exited, for `reason` */
    LIMI_CAUSE_KILLS /* its actor was killed more than `most` times within `window_ns` */
} limi_cause_kind;

/* No memory is needed to keep one, so none is lost without. Its text is borrowed from the conversation. */
typedef struct limi_cause {
    liminal_status status; /* LIMINAL_OK: there is none */
    limi_cause_kind kind;
    union {
        const char *text;
        int64_t window_ns;
    };
    union {
        liminal_exit_reason reason;
        uint32_t most;
    };
} limi_cause;

typedef struct limi_words {
    char text[LIMI_DETAIL_BYTES];
} limi_words;

/* "" if there is none. */
void limi_cause_say(const limi_cause *cause, limi_words *out);

/* A text, or as much of it as fits, cut between two characters. */
void limi_cause_fit(limi_words *words, const char *text);

#endif

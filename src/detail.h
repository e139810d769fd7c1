/* SPDX-License-Identifier: MIT */
/* detail.h -- how a call that fails says more; read with liminal_status_detail(). */
#ifndef LIMI_DETAIL_H
#define LIMI_DETAIL_H

#include <liminal/status.h>

#define LIMI_DETAIL_BYTES 256

/* Keep a text for the calling thread and return `status`: `return limi_detail(LIMINAL_EINVAL, "...")`. */
liminal_status limi_detail(liminal_status status, const char *format, ...) LIMINAL_PRINTF(2, 3);

#ifdef LIMI_ANALYSED /* for tools that see one source at a time: what it returns is what it was given */
#define limi_detail(status, ...) ((void)limi_detail((status), __VA_ARGS__), (status))
#endif

/* The calling thread's text, zeroed at first. Provided by scope.c. */
typedef struct limi_detail_room {
    uint32_t written; /* how often, to see whether a call said something */
    char text[LIMI_DETAIL_BYTES];
} limi_detail_room;

limi_detail_room *limi_detail_here(void);

/* For a status that can't be a failure here, or whose failure changes nothing; say which where it is used. */
static inline void limi_ignore(liminal_status status)
{
    (void)status;
}

/* Whether a value lies inside the enum. */
bool limi_status_known(liminal_status status);

#endif

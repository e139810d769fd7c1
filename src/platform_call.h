/* SPDX-License-Identifier: MIT */
/* platform_call.h -- what the files of the treaty's second part share; for no other file. */
#ifndef LIMI_PLATFORM_CALL_H
#define LIMI_PLATFORM_CALL_H

#include "platform_process.h"

#include <errno.h>
#include <pthread.h>

/* Around every call: the host's errno is not ours to change, and a host's thread that was cancelled must not
 * leave the library half way, with a descriptor or a child that nobody knows of. */
typedef struct limi_aside {
    int error, cancel_state;
} limi_aside;

static inline limi_aside limi_aside_begin(void)
{
    limi_aside aside = {.error = errno};
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &aside.cancel_state);
    return aside;
}

static inline void limi_aside_end(limi_aside aside)
{
    (void)pthread_setcancelstate(aside.cancel_state, NULL);
    errno = aside.error;
}

/* limi_descriptor_close() from inside a call. */
void limi_descriptor_discard(int *fd);

/* Out of the way of 0, 1 and 2, which may be free because the host has closed them. -1 is handed through;
 * otherwise -1 means that it is closed, and errno says why. */
int limi_descriptor_lift(int fd);

/* A pipe: [0] is to read, [1] to write. False: errno says why, and both are -1. */
bool limi_pipe_open(int ends[2]);

/* ELIMIT or, if errno says so, ENOMEM; with a detail. */
liminal_status limi_descriptor_refused(const char *what);

#endif

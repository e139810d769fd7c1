/* SPDX-License-Identifier: MIT */
/* stand_in_inline.h -- in place of platform_inline.h: what stand_in.c has of it. */
#ifndef SCHED_STAND_IN_INLINE_H
#define SCHED_STAND_IN_INLINE_H

#include "platform_atomic.h"

static inline void limi_fetch(const void *address)
{
    (void)address;
}

static inline void limi_relax(void)
{
    sched_relax();
}

typedef struct LIMI_CAPABILITY("mutex") limi_mutex {
    _Alignas(8) unsigned char room[48];
} limi_mutex;

void limi_mutex_init(limi_mutex *mutex);
void limi_mutex_destroy(limi_mutex *mutex);
void limi_mutex_lock(limi_mutex *mutex) LIMI_ACQUIRES(*mutex);
void limi_mutex_unlock(limi_mutex *mutex) LIMI_RELEASES(*mutex);

void *limi_thread_room(void);
uint64_t limi_epoch(void);

static inline uint64_t limi_epoch_known(void)
{
    return limi_epoch();
}


#endif

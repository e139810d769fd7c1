/* SPDX-License-Identifier: MIT */
/* platform_inline.h -- what of the treaty is to cost no call, but the atomics; see platform.h. */
#ifndef LIMI_PLATFORM_INLINE_H
#define LIMI_PLATFORM_INLINE_H

#include "platform_atomic.h"

#if !defined(__linux__) || !defined(__LP64__) || defined(LIMI_NO_FUTEX)
#define LIMI_WORD_ROOM 96 /* a mutex and a condition variable */
#endif

/* ---- locks ---- */

#ifndef LIMI_WORD_ROOM

/* FREE, TAKEN, or CONTENDED: somebody may sleep on it. Taking and giving back without contention is one
 * exchange each; the kernel hears of it only when there is somebody to put to sleep or to wake. Who comes back
 * from sleep takes it as CONTENDED, for others may sleep as well: no wake is lost, one may be too many. */
enum { LIMI_MUTEX_FREE, LIMI_MUTEX_TAKEN, LIMI_MUTEX_CONTENDED };

typedef struct LIMI_CAPABILITY("mutex") limi_mutex {
    _Atomic(uint32_t) state;
} limi_mutex;

void limi_mutex_lock_contended(limi_mutex *mutex);
void limi_mutex_wake(limi_mutex *mutex);

static inline void limi_mutex_init(limi_mutex *mutex)
{
    atomic_init(&mutex->state, LIMI_MUTEX_FREE);
}

static inline void limi_mutex_destroy(limi_mutex *mutex)
{
    LIMI_ASSERT(atomic_load_explicit(&mutex->state, memory_order_relaxed) == LIMI_MUTEX_FREE);
}

static inline void limi_mutex_lock(limi_mutex *mutex) LIMI_ACQUIRES(*mutex) LIMI_UNCHECKED
{
    uint32_t seen = LIMI_MUTEX_FREE;
    if (!atomic_compare_exchange_strong_explicit(&mutex->state, &seen, LIMI_MUTEX_TAKEN, memory_order_acquire,
                                                 memory_order_relaxed)) {
        limi_mutex_lock_contended(mutex);
    }
}

static inline void limi_mutex_unlock(limi_mutex *mutex) LIMI_RELEASES(*mutex) LIMI_UNCHECKED
{
    uint32_t before = atomic_exchange_explicit(&mutex->state, LIMI_MUTEX_FREE, memory_order_release);
    if (before == LIMI_MUTEX_CONTENDED) {
        limi_mutex_wake(mutex);
    }
}

#else

typedef struct LIMI_CAPABILITY("mutex") limi_mutex {
    _Alignas(8) unsigned char room[48];
} limi_mutex;

void limi_mutex_init(limi_mutex *mutex);
void limi_mutex_destroy(limi_mutex *mutex);
void limi_mutex_lock(limi_mutex *mutex) LIMI_ACQUIRES(*mutex);
void limi_mutex_unlock(limi_mutex *mutex) LIMI_RELEASES(*mutex);

#endif

/* ---- per thread, per process ---- */

extern _Thread_local unsigned char limi_thread_room_here[LIMI_THREAD_ROOM];

static inline void *limi_thread_room(void)
{
    void *room = limi_thread_room_here;
#if defined(__GNUC__)
    __asm__("" : "+r"(room)); /* else the compiler asks for it again at each use, which in a shared object is a call */
#endif
    return room;
}

extern _Atomic(_Atomic(uint64_t) *) limi_epoch_page;
uint64_t limi_epoch_begin(void); /* the first in this process to ask */

static inline uint64_t limi_epoch_known(void)
{
    _Atomic(uint64_t) *page = atomic_load_explicit(&limi_epoch_page, memory_order_acquire);
    return page != NULL ? atomic_load(page) : 0;
}

static inline uint64_t limi_epoch(void)
{
    uint64_t known = limi_epoch_known();
    return known != 0 ? known : limi_epoch_begin();
}

/* Have the line with this address brought here, for writing: a hint, which costs nothing if it comes to nothing. */
static inline void limi_fetch(const void *address)
{
#if defined(__x86_64__)
    __asm__ volatile("prefetchw %0" : : "m"(*(const char *)address)); /* the builtin would fetch it for reading */
#else
    __builtin_prefetch(address, 1);
#endif
}

static inline void limi_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__) || defined(__arm__)
    __asm__ volatile("yield");
#endif
}

#endif

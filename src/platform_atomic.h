/* SPDX-License-Identifier: MIT */
/* platform_atomic.h -- the atomics of the treaty, over C11's; see platform.h. All of the platform that the pure core
 * may include: counts of owners are made of them. */
#ifndef LIMI_PLATFORM_ATOMIC_H
#define LIMI_PLATFORM_ATOMIC_H

#include <stdbool.h>
#include <stdint.h>

#ifdef LIMI_PLATFORM_ATOMIC_HEADER
#include LIMI_PLATFORM_ATOMIC_HEADER
#else

#include <stdatomic.h>

/* One family of operations per width: the same code thrice, so it is written once. */
#define LIMI_ATOMIC(name, type)                                                              \
    typedef struct limi_atomic_##name {                                                      \
        _Atomic(type) cell;                                                                  \
    } limi_atomic_##name;                                                                    \
    static inline void limi_##name##_init(limi_atomic_##name *a, type v)                     \
    {                                                                                        \
        atomic_init(&a->cell, v);                                                            \
    }                                                                                        \
    static inline type limi_##name##_load(const limi_atomic_##name *a)                       \
    {                                                                                        \
        return atomic_load(&((limi_atomic_##name *)(uintptr_t)a)->cell);                     \
    }                                                                                        \
    static inline type limi_##name##_load_acquire(const limi_atomic_##name *a)               \
    {                                                                                        \
        return atomic_load_explicit(&((limi_atomic_##name *)(uintptr_t)a)->cell, memory_order_acquire); \
    }                                                                                        \
    static inline void limi_##name##_store(limi_atomic_##name *a, type v)                    \
    {                                                                                        \
        atomic_store(&a->cell, v);                                                           \
    }                                                                                        \
    static inline type limi_##name##_exchange(limi_atomic_##name *a, type v)                 \
    {                                                                                        \
        return atomic_exchange(&a->cell, v);                                                 \
    }                                                                                        \
    static inline bool limi_##name##_cas(limi_atomic_##name *a, type *expected, type v)      \
    {                                                                                        \
        return atomic_compare_exchange_strong(&a->cell, expected, v);                        \
    }                                                                                        \
    static inline type limi_##name##_add(limi_atomic_##name *a, type v)                      \
    {                                                                                        \
        return atomic_fetch_add(&a->cell, v);                                                \
    }                                                                                        \
    static inline type limi_##name##_sub(limi_atomic_##name *a, type v)                      \
    {                                                                                        \
        return atomic_fetch_sub(&a->cell, v);                                                \
    }                                                                                        \
    static inline type limi_##name##_or(limi_atomic_##name *a, type v)                       \
    {                                                                                        \
        return atomic_fetch_or(&a->cell, v);                                                 \
    }                                                                                        \
    static inline type limi_##name##_and(limi_atomic_##name *a, type v)                      \
    {                                                                                        \
        return atomic_fetch_and(&a->cell, v);                                                \
    }

LIMI_ATOMIC(u32, uint32_t)
LIMI_ATOMIC(u64, uint64_t)
LIMI_ATOMIC(ptr, uintptr_t)

#undef LIMI_ATOMIC

/* A pointer that one thread reads with the first while another may write it with the second; all else that touches it
 * is ordered by other means. Nothing follows from what was read until something else says that it was not written. */
#if defined(__GNUC__)
#define LIMI_PEEK(pointer) __atomic_load_n(&(pointer), __ATOMIC_RELAXED)
#define LIMI_POKE(pointer, value) __atomic_store_n(&(pointer), (value), __ATOMIC_RELAXED)
#else
#define LIMI_PEEK(pointer) (pointer)
#define LIMI_POKE(pointer, value) ((void)((pointer) = (value)))
#endif

static inline uint32_t limi_u32_add_relaxed(limi_atomic_u32 *a, uint32_t v)
{
    return atomic_fetch_add_explicit(&a->cell, v, memory_order_relaxed);
}

static inline void limi_u32_store_relaxed(limi_atomic_u32 *a, uint32_t v)
{
    atomic_store_explicit(&a->cell, v, memory_order_relaxed);
}

static inline void limi_u64_store_relaxed(limi_atomic_u64 *a, uint64_t v)
{
    atomic_store_explicit(&a->cell, v, memory_order_relaxed);
}

static inline uint32_t limi_u32_sub_acqrel(limi_atomic_u32 *a, uint32_t v)
{
    return atomic_fetch_sub_explicit(&a->cell, v, memory_order_acq_rel);
}

#endif
#endif

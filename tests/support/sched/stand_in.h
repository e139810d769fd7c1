/* SPDX-License-Identifier: MIT */
/* stand_in.h -- in place of platform_atomic.h: every atomic operation is the scheduler's, in every order there is. */
#ifndef SCHED_STAND_IN_H
#define SCHED_STAND_IN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum sched_order {
    SCHED_RELAXED = 0,
    SCHED_ACQUIRE = 1,
    SCHED_RELEASE = 2,
    SCHED_ACQREL = 3,
    SCHED_SEQ = 7 /* both, and more */
} sched_order;

typedef enum sched_change { SCHED_EXCHANGE, SCHED_ADD, SCHED_SUB, SCHED_OR, SCHED_AND } sched_change;

/* `cell` is no value but the scheduler's mark of the place; zero is a place that holds a zero. */
void sched_init(uint32_t *cell, size_t width, uint64_t value);
uint64_t sched_load(const uint32_t *cell, size_t width, sched_order order);
void sched_store(uint32_t *cell, size_t width, uint64_t value, sched_order order);
uint64_t sched_modify(uint32_t *cell, size_t width, sched_change change, uint64_t value, sched_order order);
bool sched_cas(uint32_t *cell, size_t width, uint64_t *expected, uint64_t value, sched_order order);
void sched_relax(void);

typedef struct limi_atomic_u32 {
    uint32_t cell;
} limi_atomic_u32;

typedef struct limi_atomic_u64 {
    _Alignas(8) uint32_t cell;
    uint32_t room;
} limi_atomic_u64;

typedef struct limi_atomic_ptr {
    _Alignas(uintptr_t) uint32_t cell;
#if UINTPTR_MAX > UINT32_MAX
    uint32_t room;
#endif
} limi_atomic_ptr;

#define SCHED_ATOMIC_IN(name, type, suffix, order)                                                          \
    static inline type limi_##name##_load##suffix(const limi_atomic_##name *a)                              \
    {                                                                                                       \
        return (type)sched_load(&a->cell, sizeof(type), order);                                             \
    }                                                                                                       \
    static inline void limi_##name##_store##suffix(limi_atomic_##name *a, type v)                           \
    {                                                                                                       \
        sched_store(&a->cell, sizeof(type), v, order);                                                      \
    }                                                                                                       \
    static inline type limi_##name##_exchange##suffix(limi_atomic_##name *a, type v)                        \
    {                                                                                                       \
        return (type)sched_modify(&a->cell, sizeof(type), SCHED_EXCHANGE, v, order);                        \
    }                                                                                                       \
    static inline bool limi_##name##_cas##suffix(limi_atomic_##name *a, type *expected, type v)             \
    {                                                                                                       \
        uint64_t seen = *expected;                                                                          \
        bool stored = sched_cas(&a->cell, sizeof(type), &seen, v, order);                                   \
        if (!stored) {                                                                                      \
            *expected = (type)seen;                                                                         \
        }                                                                                                   \
        return stored;                                                                                      \
    }                                                                                                       \
    static inline type limi_##name##_add##suffix(limi_atomic_##name *a, type v)                             \
    {                                                                                                       \
        return (type)sched_modify(&a->cell, sizeof(type), SCHED_ADD, v, order);                             \
    }                                                                                                       \
    static inline type limi_##name##_sub##suffix(limi_atomic_##name *a, type v)                             \
    {                                                                                                       \
        return (type)sched_modify(&a->cell, sizeof(type), SCHED_SUB, v, order);                             \
    }                                                                                                       \
    static inline type limi_##name##_or##suffix(limi_atomic_##name *a, type v)                              \
    {                                                                                                       \
        return (type)sched_modify(&a->cell, sizeof(type), SCHED_OR, v, order);                              \
    }                                                                                                       \
    static inline type limi_##name##_and##suffix(limi_atomic_##name *a, type v)                             \
    {                                                                                                       \
        return (type)sched_modify(&a->cell, sizeof(type), SCHED_AND, v, order);                             \
    }

#define SCHED_ATOMIC(name, type)                                             \
    static inline void limi_##name##_init(limi_atomic_##name *a, type v)     \
    {                                                                        \
        sched_init(&a->cell, sizeof(type), v);                               \
    }                                                                        \
    SCHED_ATOMIC_IN(name, type, , SCHED_SEQ)                                 \
    SCHED_ATOMIC_IN(name, type, _acqrel, SCHED_ACQREL)                       \
    SCHED_ATOMIC_IN(name, type, _acquire, SCHED_ACQUIRE)                     \
    SCHED_ATOMIC_IN(name, type, _release, SCHED_RELEASE)                     \
    SCHED_ATOMIC_IN(name, type, _relaxed, SCHED_RELAXED)

SCHED_ATOMIC(u32, uint32_t)
SCHED_ATOMIC(u64, uint64_t)
SCHED_ATOMIC(ptr, uintptr_t)

/* These two may meet; but neither may meet a plain access, nor what was released. Neither is a point of choice, so what
 * is read is the newest: nothing may follow from it. */
void *sched_peek(const void *pointer);
void sched_poke(void *pointer, void *value);
#define LIMI_PEEK(pointer) ((__typeof__(pointer))sched_peek(&(pointer)))
#define LIMI_POKE(pointer, value) sched_poke(&(pointer), (value))

#undef SCHED_ATOMIC
#undef SCHED_ATOMIC_IN

#endif

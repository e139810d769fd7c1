/* SPDX-License-Identifier: MIT */
/* shadow.c -- plain accesses: the calls that -fsanitize=thread puts before each, and what is remembered of them.
 *
 * Each granule of eight bytes has four marks, of the last accesses that may still race with a later one: which bytes,
 * who, when on his own clock, whether he wrote, whether it was an atomic operation. Two accesses to a common byte race
 * if one of them writes, not both are atomic, and the later one's fiber does not know of the earlier one. A plain
 * write replaces all it covers: who races with what was there before races with it too. */
#include "inner.h"

#include <string.h>

enum { GRANULE = 8, MARKS = 4, PAGE = 256 /* granules */, PAGES = REGION / GRANULE / PAGE };

#define FORBIDDEN UINT32_MAX /* no access at all */
#define BYTES(mark) ((mark) & 0xffu)
#define KIND(mark) ((mark) >> 8 & 3u)
#define WHO(mark) ((mark) >> 10 & 15u)
#define WHEN(mark) ((mark) >> 16)

static uint32_t shadow[REGION / GRANULE][MARKS];
static bool touched[PAGES];
static unsigned touched_list[PAGES], touched_count;

void shadow_clear(void)
{
    for (unsigned i = 0; i < touched_count; i++) {
        memset(shadow[touched_list[i] * PAGE], 0, sizeof shadow[0] * PAGE);
        touched[touched_list[i]] = false;
    }
    touched_count = 0;
}

static uint32_t *marks_of(size_t granule)
{
    size_t page = granule / PAGE;
    if (!touched[page]) {
        touched[page] = true;
        touched_list[touched_count++] = (unsigned)page;
    }
    return shadow[granule];
}

static _Noreturn void race(size_t granule, unsigned kind, uint32_t with)
{
    static const char *const kinds[] = {"reads", "writes", "atomically reads", "atomically writes"};
    sched_fail(SCHED_RACE, "it %s what fiber %u %s, and nothing orders the two: %s", kinds[kind], WHO(with),
               kinds[KIND(with)], heap_says(region + granule * GRANULE));
}

static inline void check(size_t granule, uint32_t mark, uint32_t bytes, unsigned kind)
{
    if (mark == FORBIDDEN) {
        sched_fail(SCHED_FREED, "it uses what is not there: %s", heap_says(region + granule * GRANULE));
    }
    if (WHEN(mark) > world.now->clocks.of[WHO(mark)] && (BYTES(mark) & bytes) != 0 && ((kind | KIND(mark)) & 1) != 0 &&
        ((kind & KIND(mark)) & 2) == 0) {
        race(granule, kind, mark);
    }
}

/* Whether who races with `mark` races with `mine` as well. */
static inline bool is_covered(uint32_t mark, uint32_t mine)
{
    return (BYTES(mark) & ~BYTES(mine)) == 0 &&
           (KIND(mine) == PLAIN_WRITE || (WHO(mark) == WHO(mine) && (KIND(mark) | 1) == (KIND(mine) | 1) &&
                                          KIND(mark) <= KIND(mine)));
}

/* Whether it says all that `mine` would: by the same one, at the same moment. */
static inline bool says_it(uint32_t mark, uint32_t mine)
{
    return (mark ^ mine) >> 10 == 0 && (BYTES(mine) & ~mark) == 0 && ((KIND(mark) ^ KIND(mine)) & 2) == 0 &&
           KIND(mark) >= KIND(mine);
}

/* The marks of a granule have no gap. */
static void remember(size_t granule, uint32_t *marks, uint32_t mine)
{
    uint32_t bytes = BYTES(mine);
    unsigned kind = KIND(mine), kept = 0, i;
    for (i = 0; i < MARKS && marks[i] != 0; i++) {
        uint32_t mark = marks[i];
        check(granule, mark, bytes, kind);
        if (!is_covered(mark, mine)) {
            marks[kept++] = mark;
        }
    }
    if (kept == MARKS) {
        kept = world.step % MARKS;
    }
    marks[kept] = mine;
    while (++kept < i) {
        marks[kept] = 0;
    }
}

static inline void access_granule(size_t granule, uint32_t bytes, unsigned kind)
{
    uint32_t *marks = marks_of(granule);
    const fiber *me = world.now;
    uint32_t mine = (uint32_t)me->clocks.of[me->id] << 16 | me->id << 10 | kind << 8 | bytes;
    if (!says_it(marks[0], mine) && !says_it(marks[1], mine)) {
        remember(granule, marks, mine);
    }
}

static inline void watch(const void *at, size_t size, unsigned kind)
{
    size_t offset = (size_t)((uintptr_t)at - (uintptr_t)region);
    if (offset >= REGION || world.now == NULL) {
        return;
    }
    if (size <= GRANULE && offset % GRANULE <= GRANULE - size) {
        access_granule(offset / GRANULE, (0xffu >> (GRANULE - size)) << offset % GRANULE, kind);
        return;
    }
    while (size > 0) {
        size_t in = offset % GRANULE;
        size_t count = size < GRANULE - in ? size : GRANULE - in;
        access_granule(offset / GRANULE, (0xffu >> (GRANULE - count)) << in, kind);
        offset += count;
        size -= count;
    }
}

void shadow_access(const void *at, size_t size, unsigned kind)
{
    watch(at, size, kind);
}

void shadow_forbid(const void *at, size_t size)
{
    size_t first = (size_t)((const unsigned char *)at - region) / GRANULE;
    for (size_t granule = first; granule < first + (size + GRANULE - 1) / GRANULE; granule++) {
        uint32_t *marks = marks_of(granule);
        for (unsigned i = 0; i < MARKS && marks[i] != 0; i++) {
            check(granule, marks[i], 0xff, PLAIN_WRITE);
            marks[i] = 0;
        }
        marks[0] = FORBIDDEN;
    }
}

/* ---- what the compilers call ---- */

#define PLAIN(size)                                 \
    void __tsan_read##size(void *at);               \
    void __tsan_read##size(void *at)                \
    {                                               \
        watch(at, size, PLAIN_READ);                \
    }                                               \
    void __tsan_write##size(void *at);              \
    void __tsan_write##size(void *at)               \
    {                                               \
        watch(at, size, PLAIN_WRITE);               \
    }                                               \
    void __tsan_unaligned_read##size(void *at);     \
    void __tsan_unaligned_read##size(void *at)      \
    {                                               \
        watch(at, size, PLAIN_READ);                \
    }                                               \
    void __tsan_unaligned_write##size(void *at);    \
    void __tsan_unaligned_write##size(void *at)     \
    {                                               \
        watch(at, size, PLAIN_WRITE);               \
    }                                               \
    void __tsan_read_write##size(void *at);         \
    void __tsan_read_write##size(void *at)          \
    {                                               \
        watch(at, size, PLAIN_WRITE);               \
    }

PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)

void __tsan_init(void);
void __tsan_init(void)
{
}

void __tsan_func_entry(void *caller);
void __tsan_func_entry(void *caller)
{
    (void)caller;
}

void __tsan_func_exit(void);
void __tsan_func_exit(void)
{
}

void __tsan_read_range(void *at, unsigned long size);
void __tsan_read_range(void *at, unsigned long size)
{
    shadow_access(at, size, PLAIN_READ);
}

void __tsan_write_range(void *at, unsigned long size);
void __tsan_write_range(void *at, unsigned long size)
{
    shadow_access(at, size, PLAIN_WRITE);
}

/* Linked with --wrap. */
void *__real_memmove(void *to, const void *from, size_t size);
void *__wrap_memcpy(void *to, const void *from, size_t size);
void *__wrap_memmove(void *to, const void *from, size_t size);
void *__wrap_memset(void *to, int value, size_t size);

void *__wrap_memcpy(void *to, const void *from, size_t size)
{
    shadow_access(from, size, PLAIN_READ);
    shadow_access(to, size, PLAIN_WRITE);
    return __real_memcpy(to, from, size);
}

void *__wrap_memmove(void *to, const void *from, size_t size)
{
    shadow_access(from, size, PLAIN_READ);
    shadow_access(to, size, PLAIN_WRITE);
    return __real_memmove(to, from, size);
}

void *__wrap_memset(void *to, int value, size_t size)
{
    shadow_access(to, size, PLAIN_WRITE);
    return __real_memset(to, value, size);
}

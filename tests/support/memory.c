/* SPDX-License-Identifier: MIT */
/* memory.c -- the counting allocator.
 *
 * Each block is a header, the caller's bytes and a tail. Released blocks are kept for a while, so that a
 * second release finds the header and a write after the release is found when they are let go; ASan is
 * told that they are gone. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

#define FRESH 0xa5
#define RELEASED 0xdd
#define TAIL_BYTE 0x5a
#define TAIL 8
#define MOST ((size_t)1 << 30)
#define KEPT_BLOCKS 4096
#define KEPT_BYTES ((size_t)16 << 20)

static const uint64_t living = 0x6c6976696e676c69u; /* a header that says anything else is no header */
static const uint64_t dead = 0x6465616464656164u;

typedef struct block {
    _Alignas(max_align_t) struct block *next;
    struct block *prev;
    size_t bytes;
    size_t number;     /* which allocation of its test, from 1 */
    size_t generation; /* which test */
    uint64_t canary;
} block;

/* All under the lock of the harness. */
static block *live_first;
static block *kept_first, *kept_last; /* oldest first */
static size_t kept_blocks, kept_bytes;
static size_t generation, blocks, bytes_live;
static test_countdown refusal;


#if UNDER_ASAN
void __asan_poison_memory_region(void const volatile *at, size_t size);
void __asan_unpoison_memory_region(void const volatile *at, size_t size);
#define poison(at, size) __asan_poison_memory_region((at), (size))
#define unpoison(at, size) __asan_unpoison_memory_region((at), (size))
#else
#define poison(at, size) ((void)(at), (void)(size))
#define unpoison(at, size) ((void)(at), (void)(size))
#endif

static unsigned char *payload(block *b)
{
    return (unsigned char *)(b + 1);
}

static bool all(const unsigned char *at, size_t size, unsigned char value)
{
    for (size_t i = 0; i < size; i++) {
        if (at[i] != value) {
            return false;
        }
    }
    return true;
}

static void *allocate(void *context, size_t bytes)
{
    block *b = NULL;
    bool refused;
    (void)context;
    if (bytes == 0) {
        test_complain("allocation of 0 bytes");
    }
    test_lock();
    refused = test_countdown_hits(&refusal) || bytes > MOST;
    b = refused ? NULL : malloc(sizeof *b + bytes + TAIL);
    if (b != NULL) {
        *b = (block){live_first, NULL, bytes, refusal.asked, generation, living};
        if (live_first != NULL) {
            live_first->prev = b;
        }
        live_first = b;
        blocks++;
        bytes_live += bytes;
        memset(payload(b) + bytes, TAIL_BYTE, TAIL);
        poison(payload(b) + bytes, TAIL);
    }
    test_unlock();
    /* In TSan's sight: whoever used this memory before must have been done with it. */
    return b != NULL ? memset(payload(b), FRESH, bytes) : NULL;
}

/* With the lock held: let go of the oldest of the released blocks. False if it was written to. */
static bool let_go(void)
{
    block *b = kept_first;
    bool intact;
    kept_first = b->next;
    kept_last = kept_first == NULL ? NULL : kept_last;
    kept_blocks--;
    kept_bytes -= b->bytes;
    unpoison(payload(b), b->bytes);
    intact = all(payload(b), b->bytes, RELEASED);
    unpoison(payload(b), b->bytes + TAIL);
    free(b);
    return intact;
}

/* With the lock held: off the list of the living. */
static void bury(block *b)
{
    if (b->prev != NULL) {
        b->prev->next = b->next;
    } else {
        live_first = b->next;
    }
    if (b->next != NULL) {
        b->next->prev = b->prev;
    }
    if (b->generation == generation) {
        blocks--;
        bytes_live -= b->bytes;
    }
    b->canary = dead;
    b->next = NULL;
    if (kept_last != NULL) {
        kept_last->next = b;
    } else {
        kept_first = b;
    }
    kept_last = b;
    kept_blocks++;
    kept_bytes += b->bytes;
    poison(payload(b), b->bytes);
}

static void release(void *context, void *memory, size_t bytes)
{
    block *b = memory == NULL ? NULL : (block *)memory - 1;
    size_t written = 0, real = 0, number = 0;
    uint64_t canary = 0;
    bool overrun = false;
    (void)context;
    if (b == NULL) {
        test_complain("release of NULL");
        return;
    }
    test_lock();
    canary = b->canary;
    if (canary == living) {
        real = b->bytes;
        number = b->number;
        unpoison(payload(b) + real, TAIL);
        overrun = !all(payload(b) + real, TAIL, TAIL_BYTE);
    }
    test_unlock();
    if (canary != living) {
        test_complain(canary == dead ? "double release of %p" : "release of %p, which was never allocated", memory);
        return;
    }
    /* In TSan's sight: nobody else may be using it any more. */
    memset(memory, RELEASED, real);
    test_lock();
    bury(b);
    while (kept_blocks > KEPT_BLOCKS || kept_bytes > KEPT_BYTES) {
        written += let_go() ? 0 : 1;
    }
    test_unlock();
    if (real != bytes) {
        test_complain("block #%zu: release of %zu bytes, but %zu were allocated", number, bytes, real);
    }
    if (overrun) {
        test_complain("block #%zu of %zu bytes: written past its end", number, real);
    }
    if (written != 0) {
        test_complain("%zu block(s) written to after their release", written);
    }
}

static const liminal_allocator counting = {LIMINAL_OPS(liminal_allocator), .allocate = allocate, .release = release};

const liminal_allocator *test_allocator(void)
{
    return &counting;
}

/* ---- questions ---- */

static size_t look(const size_t *at)
{
    size_t value;
    test_lock();
    value = *at;
    test_unlock();
    return value;
}

size_t test_blocks(void)
{
    return look(&blocks);
}

size_t test_bytes(void)
{
    return look(&bytes_live);
}

size_t test_allocations(void)
{
    return look(&refusal.asked);
}

static void arm(size_t n, bool lasting)
{
    test_lock();
    refusal.left = n;
    refusal.lasting = lasting;
    test_unlock();
}

void test_fail_nth(size_t n)
{
    arm(n, false);
}

void test_fail_from(size_t n)
{
    arm(n, true);
}

/* ---- begin and end ---- */

void test_memory_begin(void)
{
    test_lock();
    refusal = (test_countdown){0, false, 0};
    generation++; /* what an earlier test left does not count again */
    blocks = 0;
    bytes_live = 0;
    test_unlock();
}

void test_memory_end(void)
{
    enum { SHOWN = 8 };
    size_t numbers[SHOWN], sizes[SHOWN], count = 0, bytes = 0, shown = 0, written = 0;
    test_lock();
    while (kept_first != NULL) {
        written += let_go() ? 0 : 1;
    }
    for (const block *b = live_first; b != NULL; b = b->next) {
        if (b->generation == generation) {
            if (shown < SHOWN) {
                numbers[shown] = b->number;
                sizes[shown++] = b->bytes;
            }
            count++;
            bytes += b->bytes;
        }
    }
    test_unlock();
    if (written != 0) {
        test_complain("%zu block(s) written to after their release", written);
    }
    for (size_t i = 0; i < shown; i++) {
        test_complain("left over: block #%zu of %zu bytes", numbers[i], sizes[i]);
    }
    if (count > shown) {
        test_complain("left over: %zu blocks, %zu bytes in all", count, bytes);
    }
}

/* SPDX-License-Identifier: MIT */
/* pids.c -- an index of processes by pid. */
#include "pids.h"

#include "process.h"

#include <string.h>

#define FULL 4 /* so many for each bucket, and it grows */
#define HASH_BITS 64

/* Pids are counted up, by us: all that is wanted is that neighbours do not meet. */
static uint64_t hash_of(liminal_pid pid)
{
    return pid.value * UINT64_C(0x9e3779b97f4a7c15);
}

static limi_process **bucket_of(const limi_pids *pids, liminal_pid pid)
{
    return &pids->buckets[hash_of(pid) >> (HASH_BITS - pids->bits)];
}

static size_t bytes_of(const limi_pids *pids)
{
    return ((size_t)1 << pids->bits) * sizeof(limi_process *);
}

void limi_pids_init(limi_pids *pids)
{
    memset(pids->few, 0, sizeof pids->few);
    pids->buckets = pids->few;
    pids->bits = LIMI_PIDS_FEW_BITS;
    pids->count = 0;
}

static void forget_buckets(limi_pids *pids, const liminal_allocator *allocator)
{
    if (pids->buckets != pids->few) {
        limi_release(allocator, pids->buckets, bytes_of(pids));
    }
}

static void put(limi_pids *pids, limi_process *process)
{
    limi_process **bucket = bucket_of(pids, process->exit.pid);
    process->chained = *bucket;
    *bucket = process;
}

/* Without memory it is tried again with the next one: nothing has failed. */
static void grow(limi_pids *pids, const liminal_allocator *allocator)
{
    size_t bytes = 2 * bytes_of(pids), i;
    limi_pids grown = {.bits = pids->bits + 1};
    grown.buckets = allocator->allocate(allocator->context, bytes);
    if (grown.buckets == NULL) {
        return;
    }
    memset(grown.buckets, 0, bytes);
    for (i = 0; i < (size_t)1 << pids->bits; i++) {
        while (pids->buckets[i] != NULL) {
            limi_process *process = pids->buckets[i];
            pids->buckets[i] = process->chained;
            put(&grown, process);
        }
    }
    forget_buckets(pids, allocator);
    pids->buckets = grown.buckets;
    pids->bits = grown.bits;
}

void limi_pids_add(limi_pids *pids, limi_process *process, const liminal_allocator *allocator)
{
    if (pids->count >> pids->bits >= FULL) {
        grow(pids, allocator);
    }
    put(pids, process);
    pids->count++;
}

void limi_pids_remove(limi_pids *pids, limi_process *process, const liminal_allocator *allocator)
{
    limi_process **at = bucket_of(pids, process->exit.pid);
    while (*at != process) {
        at = &(*at)->chained;
    }
    *at = process->chained;
    process->chained = NULL;
    pids->count--;
    if (pids->count == 0) {
        forget_buckets(pids, allocator);
        limi_pids_init(pids);
    }
}

limi_process *limi_pids_find(const limi_pids *pids, liminal_pid pid)
{
    limi_process *process = *bucket_of(pids, pid);
    while (process != NULL && process->exit.pid.value != pid.value) {
        process = process->chained;
    }
    return process;
}

bool limi_pids_read(const limi_pids *pids, uint64_t *place, limi_process **out_first)
{
    uint64_t bucket = *place >> (HASH_BITS - pids->bits);
    bool more = bucket + 1 < (uint64_t)1 << pids->bits;
    *out_first = pids->buckets[bucket];
    *place = more ? (bucket + 1) << (HASH_BITS - pids->bits) : 0;
    return more;
}

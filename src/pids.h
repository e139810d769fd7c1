/* SPDX-License-Identifier: MIT */
/* pids.h -- an index of processes by pid. The processes are chained through themselves, so that adding one never
 * fails: without memory for more buckets the chains become longer. Of a supervisor, and guarded by its lock.
 *
 * A process lies in the bucket that the upper bits of its hash name. With twice as many buckets each one is parted in
 * two neighbours; so whoever reads all of them, a bucket at a time, can go on in between from where he was. */
#ifndef LIMI_PIDS_H
#define LIMI_PIDS_H

#include <liminal/process.h>

#include "memory.h"

struct limi_process;

#define LIMI_PIDS_FEW_BITS 3

typedef struct limi_pids {
    struct limi_process **buckets; /* 1 << bits */
    unsigned bits;
    size_t count;
    struct limi_process *few[1 << LIMI_PIDS_FEW_BITS]; /* the first ones */
} limi_pids;

void limi_pids_init(limi_pids *pids); /* it stays where it is */
void limi_pids_add(limi_pids *pids, struct limi_process *process, const liminal_allocator *allocator);
void limi_pids_remove(limi_pids *pids, struct limi_process *process, const liminal_allocator *allocator);
struct limi_process *limi_pids_find(const limi_pids *pids, liminal_pid pid);

/* The first one of the next bucket, NULL if it is empty; then along `chained`. Begin with a place of 0; false: that was
 * the last bucket. */
bool limi_pids_read(const limi_pids *pids, uint64_t *place, struct limi_process **out_first);

#endif

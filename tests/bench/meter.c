/* SPDX-License-Identifier: MIT */
/* meter.c -- malloc and free, counted. Never used where time is measured. */
#include "bench.h"

#include <stdatomic.h>
#include <stdlib.h>

static void *allocate(void *context, size_t bytes)
{
    bench_meter *meter = context;
    void *memory = malloc(bytes);
    size_t live, peak;
    if (memory != NULL) {
        atomic_fetch_add(&meter->total, bytes);
        live = atomic_fetch_add(&meter->live, bytes) + bytes;
        peak = atomic_load(&meter->peak);
        while (live > peak && !atomic_compare_exchange_weak(&meter->peak, &peak, live)) {
        }
    }
    return memory;
}

static void release(void *context, void *memory, size_t bytes)
{
    bench_meter *meter = context;
    atomic_fetch_sub(&meter->live, bytes);
    free(memory);
}

void bench_meter_init(bench_meter *meter)
{
    meter->table = (liminal_allocator){LIMINAL_OPS(liminal_allocator), .context = meter, .allocate = allocate,
                                       .release = release};
    atomic_init(&meter->live, 0);
    atomic_init(&meter->peak, 0);
    atomic_init(&meter->total, 0);
}

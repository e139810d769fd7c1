/* SPDX-License-Identifier: MIT */
/* pauses.c -- a pause, now and then; see pauses.h. Each thread throws its own dice: nothing is shared, so nothing is
 * ordered by it. */
#define _GNU_SOURCE

#include <sched.h>
#include <stdint.h>
#include <time.h>

void limi_test_pause(void);

static _Thread_local uint32_t dice;

void limi_test_pause(void)
{
    if (dice == 0) { /* another number for each thread, and for each run where addresses are scattered */
        struct timespec now = {0, 0};
        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        dice = ((uint32_t)(uintptr_t)&dice ^ (uint32_t)now.tv_nsec) | 1u;
    }
    dice ^= dice << 13; /* xorshift: never 0 again */
    dice ^= dice >> 17;
    dice ^= dice << 5;
    if (dice % 4096 == 0) {
        for (int i = 0; i < 64; i++) {
            (void)sched_yield(); /* no nanosleep(): a thread of the host's could be cancelled in it */
        }
    } else if (dice % 128 == 1) {
        (void)sched_yield();
    }
}

/* SPDX-License-Identifier: MIT */
/* plain.c -- bare limit: a function that mallocs, fills, checks and frees as many bytes as a request has. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>

#if defined(__GNUC__)
#define APART __attribute__((noinline))
#else
#define APART
#endif

APART void bench_fill(unsigned char *bytes, unsigned value)
{
    memset(bytes, (int)(value & 255), BENCH_BYTES);
}

APART void bench_check(const unsigned char *bytes, unsigned value)
{
    unsigned different = 0;
    int i;
    for (i = 0; i < BENCH_BYTES; i++) {
        different |= bytes[i] ^ (value & 255);
    }
    if (different != 0) {
        bench_stop("the bytes are not those that were sent");
    }
}

/* Called through a pointer; and the compiler must not see that what was filled need not be read back. */
APART void bench_plain_call(void *unsigned_counter)
{
    unsigned value = (*(unsigned *)unsigned_counter)++;
    unsigned char *bytes = malloc(BENCH_BYTES);
    if (bytes == NULL) {
        bench_stop("no memory");
    }
    bench_fill(bytes, value);
    __asm__ volatile("" : : "r"(bytes) : "memory");
    bench_check(bytes, value);
    free(bytes);
}

/* SPDX-License-Identifier: MIT */
/* fuzz.h -- what the fuzz targets share. A target is one function over bytes; libFuzzer feeds it where the compiler has
 * that, and driver.c feeds it its seeds everywhere else. */
#ifndef TEST_FUZZ_H
#define TEST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Both drivers call it by this name; it gives 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A promise that must hold. Ends the program, so that the input is kept: assertions that jump belong to cmocka. */
#define FUZZ_CHECK(condition) ((condition) ? (void)0 : fuzz_broken(#condition, __FILE__, __LINE__))

static inline void fuzz_broken(const char *text, const char *file, int line)
{
    (void)fprintf(stderr, "%s:%d: broken: %s\n", file, line, text);
    abort();
}

#endif

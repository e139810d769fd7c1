/* SPDX-License-Identifier: MIT */
/* pauses.h -- stands before the platform's atomics and locks, in a build with LIMINAL_TEST_PAUSES: before each that
 * changes something there may be a pause, so that other threads come between where they seldom would. It changes
 * nothing else, and orders nothing, so a race is as visible to TSan as before. For gcc and futexes. */
#ifndef LIMI_TEST_PAUSES_H
#define LIMI_TEST_PAUSES_H

#include "platform_inline.h"

#ifdef LIMI_WORD_ROOM
#error "the pauses are for futexes: without them the locks are functions of the platform's"
#endif

void limi_test_pause(void);

/* A macro is not expanded within itself, so what stands inside is the real one. */
#define limi_mutex_lock(mutex) (limi_test_pause(), limi_mutex_lock(mutex))
#define limi_mutex_unlock(mutex) (limi_mutex_unlock(mutex), limi_test_pause())

#define limi_u32_load(a) (limi_test_pause(), limi_u32_load(a))
#define limi_u32_store(a, v) (limi_test_pause(), limi_u32_store((a), (v)))
#define limi_u32_exchange(a, v) (limi_test_pause(), limi_u32_exchange((a), (v)))
#define limi_u32_cas(a, expected, v) (limi_test_pause(), limi_u32_cas((a), (expected), (v)))
#define limi_u32_sub_acqrel(a, v) (limi_test_pause(), limi_u32_sub_acqrel((a), (v)))
#define limi_u64_cas(a, expected, v) (limi_test_pause(), limi_u64_cas((a), (expected), (v)))
#define limi_ptr_load(a) (limi_test_pause(), limi_ptr_load(a))
#define limi_ptr_exchange(a, v) (limi_test_pause(), limi_ptr_exchange((a), (v)))
#define limi_ptr_cas(a, expected, v) (limi_test_pause(), limi_ptr_cas((a), (expected), (v)))
#define limi_ptr_or(a, v) (limi_test_pause(), limi_ptr_or((a), (v)))

#endif

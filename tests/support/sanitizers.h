/* SPDX-License-Identifier: MIT */
/* sanitizers.h -- whether this is compiled for one of them: UNDER_TSAN and UNDER_ASAN are 0 or 1. LESS(n) is how often
 * to do, or how large to make, what is done much only to be sure: a sanitizer sees a mistake at once, and is slow. */
#ifndef TEST_SANITIZERS_H
#define TEST_SANITIZERS_H

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif

#if defined(__SANITIZE_ADDRESS__)
#define UNDER_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define UNDER_ASAN 1
#endif
#endif

#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif
#ifndef UNDER_ASAN
#define UNDER_ASAN 0
#endif

#define LESS(n) (UNDER_TSAN || UNDER_ASAN ? (n) / 10 : (n))

#endif

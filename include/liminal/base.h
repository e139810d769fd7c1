/* SPDX-License-Identifier: MIT */
/* liminal/base.h -- version, export and ownership marks. Includes nothing of ours. */
#ifndef LIMINAL_BASE_H
#define LIMINAL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LIMINAL_VERSION_MAJOR 0
#define LIMINAL_VERSION_MINOR 1
#define LIMINAL_VERSION_PATCH 0
#define LIMINAL_VERSION_NUMBER \
    (LIMINAL_VERSION_MAJOR * 1000000 + LIMINAL_VERSION_MINOR * 1000 + LIMINAL_VERSION_PATCH)

#ifdef __cplusplus
#define LIMINAL_BEGIN extern "C" {
#define LIMINAL_END }
#else
#define LIMINAL_BEGIN
#define LIMINAL_END
#endif

#if defined(__GNUC__)
#define LIMINAL_API __attribute__((visibility("default")))
#define LIMINAL_CHECKED __attribute__((warn_unused_result))
#define LIMINAL_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define LIMINAL_API
#define LIMINAL_CHECKED
#define LIMINAL_PRINTF(fmt, args)
#endif

/* Ownership marks. They expand to nothing; a test reads them.
 *   LIMINAL_TAKE T **p   the callee sets *p to NULL exactly when it has taken it
 *   LIMINAL_GIVE T **p   the callee stores a new reference in *p, on LIMINAL_OK only
 *   (no mark)    T  *p   borrowed until the call returns
 * So one rule serves every path: a pointer that is not NULL is yours to drop. */
#define LIMINAL_TAKE
#define LIMINAL_GIVE

/* First member of every table that an embedder fills in:
 *   static const liminal_behaviour greeter = {LIMINAL_OPS(liminal_behaviour), .answer = greet};
 * or, in C++ before C++20:
 *   liminal_behaviour greeter{}; greeter.size = sizeof greeter; greeter.answer = greet;
 * A table that is smaller than version 0.1's, or larger than this library's, is EINVAL. */
#define LIMINAL_OPS(type) .size = sizeof(type)

#endif

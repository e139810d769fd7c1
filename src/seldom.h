/* SPDX-License-Identifier: MIT */
/* seldom.h -- what lies off the usual way. */
#ifndef LIMI_SELDOM_H
#define LIMI_SELDOM_H

/* Before a function that is seldom needed: it stays out of line, for inlined it would have its caller save registers
 * each time, which costs the usual way more than all the call does here. */
#if defined(__GNUC__)
#define LIMI_SELDOM __attribute__((noinline, cold))
#define LIMI_APART __attribute__((noinline)) /* the same for what is wanted often, but not always */
#else
#define LIMI_SELDOM
#define LIMI_APART
#endif

#endif

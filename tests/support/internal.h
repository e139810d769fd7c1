/* SPDX-License-Identifier: MIT */
/* internal.h -- what the files of the harness share. */
#ifndef TEST_INTERNAL_H
#define TEST_INTERNAL_H

#include "harness.h"

/* Say it on stderr and remember that there was something to say. On any thread. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2)))
#endif
void test_complain(const char *format, ...);

/* How many complaints there were since this was last asked. */
size_t test_complaints(void);

/* Say it and end the program at once, whatever the other threads are doing. */
#if defined(__GNUC__)
__attribute__((format(printf, 1, 2), noreturn))
#endif
void test_give_up(const char *format, ...);

int64_t test_guard_ns(void);

/* The one lock of the harness. Between these two TSan neither looks nor learns: what the harness
 * writes down must not make two threads of the library look as if they were ordered. */
void test_lock(void);
void test_unlock(void);

/* A countdown to a refusal. With the lock held. */
typedef struct test_countdown {
    size_t left;  /* 0: none fails */
    bool lasting; /* once at 1 it stays there */
    size_t asked;
} test_countdown;
bool test_countdown_hits(test_countdown *countdown);

/* Start anew; both are called by the setup. */
void test_memory_begin(void);
void test_threads_begin(void);

/* Complain about the blocks that live, and let go of what was released. */
void test_memory_end(void);

/* Threads that were started and neither joined nor detached, since the setup. */
long test_threads_unjoined(void);

/* leftovers.c: note what the process has now; complain about what it has beyond that. */
void test_leftovers_begin(void);
void test_leftovers_end(void);

/* The real ones, past the refusals and the counts. */
int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument);
int __real_pthread_join(pthread_t thread, void **result);

#endif

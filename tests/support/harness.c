/* SPDX-License-Identifier: MIT */
/* harness.c -- setup, teardown, complaints and the lock. */
#define _GNU_SOURCE

#include "internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S 1000000000

/* ---- the lock ---- */

#if UNDER_TSAN
/* Exported by the runtime of TSan, which declares them nowhere. */
void AnnotateIgnoreSyncBegin(const char *file, int line);
void AnnotateIgnoreSyncEnd(const char *file, int line);
void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);

static void look_away(void)
{
    AnnotateIgnoreSyncBegin(__FILE__, __LINE__);
    AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
    AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
}

static void look_again(void)
{
    AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
    AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
    AnnotateIgnoreSyncEnd(__FILE__, __LINE__);
}
#else
static void look_away(void)
{
}

static void look_again(void)
{
}
#endif

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void test_lock(void)
{
    look_away();
    (void)pthread_mutex_lock(&lock);
}

void test_unlock(void)
{
    (void)pthread_mutex_unlock(&lock);
    look_again();
}

/* ---- complaints ---- */

static size_t complaints; /* under the lock */

void test_complain(const char *format, ...)
{
    char text[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)fprintf(stderr, "harness: %s\n", text);
    test_lock();
    complaints++;
    test_unlock();
}

size_t test_complaints(void)
{
    size_t count;
    test_lock();
    count = complaints;
    complaints = 0;
    test_unlock();
    return count;
}

bool test_check_at(bool condition, const char *text, const char *file, int line)
{
    if (!condition) {
        test_complain("%s:%d: check failed: %s", file, line, text);
    }
    return condition;
}

void test_give_up(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("harness: gave up: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    (void)fflush(NULL);
    _exit(70);
}

/* ---- time ---- */

int64_t test_now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t test_guard_ns(void)
{
    const char *seconds = getenv("TEST_GUARD_SECONDS");
    long value = seconds != NULL ? strtol(seconds, NULL, 10) : 0;
    return (value > 0 ? value : 20) * (int64_t)NS_PER_S;
}

void test_until_pause(int64_t began, const char *text, const char *file, int line)
{
    struct timespec moment = {0, 50000};
    if (test_now_ns() - began > test_guard_ns()) {
        test_give_up("%s:%d: never came true: %s", file, line, text);
    }
    /* Less than a yield would do, but a thread of ours that spins may starve the one it looks at. */
    (void)nanosleep(&moment, NULL);
}

/* ---- countdowns ---- */

bool test_countdown_hits(test_countdown *countdown)
{
    countdown->asked++;
    if (countdown->left == 0 || countdown->left > 1) {
        countdown->left -= countdown->left != 0;
        return false;
    }
    countdown->left = countdown->lasting ? 1 : 0;
    return true;
}

/* ---- each test ---- */

int test_setup(void **state)
{
    (void)state;
    (void)test_complaints();
    test_memory_begin();
    test_threads_begin();
    test_leftovers_begin();
    return 0;
}

int test_teardown(void **state)
{
    long unjoined = test_threads_unjoined();
    size_t count;
    (void)state;
    if (unjoined != 0) {
        test_complain("left over: %ld thread(s) started and not joined", unjoined);
    }
    test_leftovers_end();
    test_memory_end();
    test_fail_nth(0);
    test_refuse_threads(0);
    count = test_complaints();
    if (count != 0) {
        print_error("harness: %zu complaint(s) in this test\n", count);
        return -1;
    }
    return 0;
}

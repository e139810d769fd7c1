/* SPDX-License-Identifier: MIT */
/* harness.h -- what every test program stands on: an allocator that counts, gates that force an order,
 * and a teardown that finds whatever a test left behind.
 *
 * cmocka's assertions jump out of the function they stand in, so they belong on the main thread only.
 * On any other thread use test_check(), which notes the failure for the teardown and goes on. */
#ifndef TEST_HARNESS_H
#define TEST_HARNESS_H

#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <liminal/memory.h>

#include "sanitizers.h"

/* ---- each test ---- */

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, test_setup, test_teardown)

/* Note what is there and begin to count from zero. */
int test_setup(void **state);

/* Fail if something is left: a block, a thread that nobody joined, a descriptor, a child; or if
 * test_check() or the allocator had something to complain about. Says what. */
int test_teardown(void **state);

/* On any thread: note a failure if the condition is false. Returns the condition. */
#define test_check(condition) test_check_at((condition), #condition, __FILE__, __LINE__)
bool test_check_at(bool condition, const char *text, const char *file, int line);

/* ---- memory ---- */

/* Counts; hands out memory filled with 0xa5 and takes it back with 0xdd; notices a release with the
 * wrong size, a second one, and writes past the end or after the release. It does not order the
 * threads that use it as far as TSan can see, so it hides no race. More than 1 GiB at once: NULL. */
const liminal_allocator *test_allocator(void);

size_t test_blocks(void);      /* that live now and were allocated since the setup */
size_t test_bytes(void);       /* in them */
size_t test_allocations(void); /* asked for since the setup, those that failed too */

/* Both on any thread's allocations, and each replaces the other. */
void test_fail_nth(size_t n);  /* the n-th from now (1 = the next) fails, once; 0: none fails */
void test_fail_from(size_t n); /* it and every later one fail, until test_fail_nth(0) */

/* ---- threads ---- */

/* Make pthread_create() fail with EAGAIN, wherever it is called but in test_thread_start(). */
void test_refuse_threads(size_t n);        /* the n-th from now, once; 0: none */
void test_refuse_threads_later(bool refuse); /* after that one every later one as well, until told otherwise */
void test_refuse_all_threads(bool refuse); /* every one, until told otherwise */
size_t test_threads_asked(void);           /* calls since the setup, those that failed too */

typedef struct test_thread {
    pthread_t thread;
    void (*body)(void *argument);
    void *argument;
    struct test_gate *over;
} test_thread;

/* Main thread. The struct stays where it is until the join; a join that takes 20 s ends the program. */
void test_thread_start(test_thread *thread, void (*body)(void *argument), void *argument);
#define test_thread_join(thread) test_thread_join_at((thread), #thread, __FILE__, __LINE__)
void test_thread_join_at(test_thread *thread, const char *text, const char *file, int line);

/* ---- gates ---- */

/* A counter: open adds one, wait takes one. May be used again and again; needs no destroying. */
typedef struct test_gate {
    pthread_mutex_t lock;
    pthread_cond_t opened;
    size_t count;
} test_gate;

/* The fields are initialised without names, for this stands in initialisers of every kind. */
#define TEST_GATE_INIT {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0}

/* On any thread. A wait of 20 s (TEST_GUARD_SECONDS in the environment) says which gate never opened
 * and ends the program with a failure: whoever should have opened it won't come back. */
void test_gate_init(test_gate *gate);
void test_gate_open(test_gate *gate);
#define test_gate_wait(gate) test_gate_wait_at((gate), #gate, __FILE__, __LINE__)
void test_gate_wait_at(test_gate *gate, const char *text, const char *file, int line);
bool test_gate_try(test_gate *gate); /* take one if there is one */

/* Whether a thread of this process sleeps, by the kernel's number of it. */
bool test_sleeps(long task);

/* Look again and again, yielding, until the condition holds, under the same guard. For what can only be
 * seen and does not tell, such as "that thread has gone to sleep"; where a gate will do, use a gate. */
#define test_until(condition)                                                  \
    for (int64_t test_began_ = test_now_ns(); !(condition);                    \
         test_until_pause(test_began_, #condition, __FILE__, __LINE__)) {      \
    }
int64_t test_now_ns(void); /* monotonic */
void test_until_pause(int64_t began, const char *text, const char *file, int line);

/* Each test's own; in a program of many tests this is another name, so it needs to be declared. */
int main(void);

#endif

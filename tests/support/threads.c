/* SPDX-License-Identifier: MIT */
/* threads.c -- threads, their refusal, and gates. The linker sends every pthread_create(),
 * pthread_join() and pthread_detach() of a test program here (--wrap). */
#define _GNU_SOURCE

#include "internal.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <stdio.h>
#include <string.h>

#define NS_PER_S 1000000000

/* ---- refusing and counting ---- */

int __real_pthread_detach(pthread_t thread);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_detach(pthread_t thread);

/* Under the lock of the harness. */
static test_countdown refusal;
static bool refuse_all;
static long unjoined;

static void add_unjoined(long difference)
{
    test_lock();
    unjoined += difference;
    test_unlock();
}

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *), void *argument)
{
    bool refused;
    int failed;
    test_lock();
    refused = test_countdown_hits(&refusal) || refuse_all;
    unjoined += refused ? 0 : 1; /* before it runs, for it may be joined at once */
    test_unlock();
    if (refused) {
        return EAGAIN;
    }
    failed = __real_pthread_create(thread, attributes, body, argument);
    if (failed != 0) {
        add_unjoined(-1);
    }
    return failed;
}

int __wrap_pthread_join(pthread_t thread, void **result)
{
    int failed = __real_pthread_join(thread, result);
    if (failed == 0) {
        add_unjoined(-1);
    }
    return failed;
}

int __wrap_pthread_detach(pthread_t thread)
{
    int failed = __real_pthread_detach(thread);
    if (failed == 0) {
        add_unjoined(-1);
    }
    return failed;
}

void test_refuse_threads(size_t n)
{
    test_lock();
    refusal.left = n;
    refusal.lasting = false;
    refuse_all = false;
    test_unlock();
}

void test_refuse_threads_later(bool refuse)
{
    test_lock();
    refusal.lasting = refuse;
    test_unlock();
}

void test_refuse_all_threads(bool refuse)
{
    test_lock();
    refuse_all = refuse;
    test_unlock();
}

size_t test_threads_asked(void)
{
    size_t asked;
    test_lock();
    asked = refusal.asked;
    test_unlock();
    return asked;
}

void test_threads_begin(void)
{
    test_lock();
    refusal = (test_countdown){0, false, 0};
    refuse_all = false;
    unjoined = 0;
    test_unlock();
}

long test_threads_unjoined(void)
{
    long count;
    test_lock();
    count = unjoined;
    test_unlock();
    return count;
}

/* ---- threads of a test ---- */

static void now_over(void *thread)
{
    test_gate_open(((test_thread *)thread)->over);
}

static void *run(void *argument)
{
    test_thread *thread = argument;
    pthread_cleanup_push(now_over, thread); /* also if the body ends its thread */
    thread->body(thread->argument);
    pthread_cleanup_pop(1);
    return NULL;
}

void test_thread_start(test_thread *thread, void (*body)(void *argument), void *argument)
{
    thread->body = body;
    thread->argument = argument;
    thread->over = malloc(sizeof *thread->over);
    if (thread->over == NULL) {
        test_give_up("no memory for a thread");
    }
    test_gate_init(thread->over);
    add_unjoined(1);
    if (__real_pthread_create(&thread->thread, NULL, run, thread) != 0) {
        test_give_up("the system refuses a thread to the test itself");
    }
}

void test_thread_join_at(test_thread *thread, const char *text, const char *file, int line)
{
    test_gate_wait_at(thread->over, text, file, line);
    if (pthread_join(thread->thread, NULL) != 0) {
        test_give_up("%s:%d: can't join %s", file, line, text);
    }
    free(thread->over);
    thread->over = NULL;
}

/* ---- gates ---- */

void test_gate_init(test_gate *gate)
{
    *gate = (test_gate)TEST_GATE_INIT;
}

void test_gate_open(test_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->count++;
    (void)pthread_cond_signal(&gate->opened);
    (void)pthread_mutex_unlock(&gate->lock);
}

bool test_gate_try(test_gate *gate)
{
    bool taken;
    (void)pthread_mutex_lock(&gate->lock);
    taken = gate->count > 0;
    gate->count -= taken ? 1 : 0;
    (void)pthread_mutex_unlock(&gate->lock);
    return taken;
}

void test_gate_wait_at(test_gate *gate, const char *text, const char *file, int line)
{
    struct timespec until;
    int failed = 0;
    (void)clock_gettime(CLOCK_REALTIME, &until); /* what a condition variable made in an initialiser goes by */
    until.tv_sec += (time_t)(test_guard_ns() / NS_PER_S);
    (void)pthread_mutex_lock(&gate->lock);
    while (gate->count == 0 && failed == 0) {
        failed = pthread_cond_timedwait(&gate->opened, &gate->lock, &until);
    }
    if (gate->count == 0) {
        test_give_up("%s:%d: gate never opened: %s", file, line, text);
    }
    gate->count--;
    (void)pthread_mutex_unlock(&gate->lock);
}

bool test_sleeps(long task)
{
    char path[64], text[512] = "";
    const char *after;
    FILE *file;
    (void)snprintf(path, sizeof path, "/proc/self/task/%ld/stat", task);
    file = fopen(path, "re");
    if (file == NULL) {
        return false;
    }
    after = fgets(text, sizeof text, file) != NULL ? strrchr(text, ')') : NULL; /* its name may have any character */
    (void)fclose(file);
    return after != NULL && after[2] == 'S';
}

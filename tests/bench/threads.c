/* SPDX-License-Identifier: MIT */
/* threads.c -- bare limits: threads that are started, and joined. Their stacks are as large as the library's. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#define MOST_THREADS 64

void bench_thread_start(void *pthread, void *(*run)(void *), void *argument)
{
    pthread_attr_t attributes;
    int failed = pthread_attr_init(&attributes);
    if (failed == 0) {
        failed = pthread_attr_setstacksize(&attributes, LIMINAL_DEFAULT_STACK_BYTES);
    }
    if (failed == 0) {
        failed = pthread_create(pthread, &attributes, run, argument);
    }
    if (failed != 0) {
        bench_stop("a bare thread can't be started: %s; %s", strerror(failed), bench_limits());
    }
    pthread_attr_destroy(&attributes);
}

static void *do_nothing(void *unused)
{
    return unused;
}

void bench_threads_call(void *int_threads)
{
    pthread_t threads[MOST_THREADS];
    int i, count = *(int *)int_threads;
    for (i = 0; i < count; i++) {
        bench_thread_start(&threads[i], do_nothing, NULL);
    }
    for (i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

/* A line each: no two threads wait for one another's. */
static struct {
    _Alignas(128) _Atomic(unsigned) told;
} words[MOST_THREADS];

static void *wait_until_told(void *unsigned_word)
{
    _Atomic(unsigned) *word = unsigned_word;
    while (atomic_load(word) == 0) {
        bench_word_wait(word, 0);
    }
    return NULL;
}

void bench_crowd_call(void *int_threads)
{
    pthread_t threads[MOST_THREADS];
    int i, count = *(int *)int_threads;
    for (i = 0; i < count; i++) {
        atomic_store(&words[i].told, 0);
        bench_thread_start(&threads[i], wait_until_told, &words[i].told);
    }
    for (i = 0; i < count; i++) {
        atomic_store(&words[i].told, 1);
        bench_word_wake(&words[i].told);
    }
    for (i = 0; i < count; i++) {
        pthread_join(threads[i], NULL);
    }
}

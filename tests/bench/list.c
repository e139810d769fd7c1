/* SPDX-License-Identifier: MIT */
/* list.c -- bare limit: a lock-free list that any number of producers push malloc'd nodes to, and one consumer empties.
 *
 * A push is a compare-and-swap of the head; the consumer takes all with one exchange and turns them round. With
 * nothing there it looks for some 20 us, then says that it sleeps, looks once more, and sleeps. Only who pushed onto
 * an empty list need look whether it does: the consumer says so before it looks again, both sequentially consistent. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MOST_PRODUCERS 16

typedef struct node {
    struct node *next;
    unsigned char bytes[BENCH_BYTES];
} node;

typedef struct list {
    _Alignas(128) _Atomic(node *) head;
    _Alignas(128) _Atomic(unsigned) sleeps;
    long spins, messages_each, expected, counted;
    size_t node_bytes;
} list;

static void push(list *to, node *one)
{
    node *old = atomic_load_explicit(&to->head, memory_order_relaxed);
    do {
        one->next = old;
    } while (!atomic_compare_exchange_weak(&to->head, &old, one));
    if (old == NULL && atomic_load(&to->sleeps) != 0) {
        atomic_store(&to->sleeps, 0);
        bench_word_wake(&to->sleeps);
    }
}

static node *take_all(list *from)
{
    node *taken = NULL, *in_order = NULL, *next;
    long i;
    for (i = 0; atomic_load(&from->head) == NULL && i < from->spins; i++) {
        bench_relax();
    }
    while ((taken = atomic_exchange(&from->head, NULL)) == NULL) {
        atomic_store(&from->sleeps, 1);
        if (atomic_load(&from->head) == NULL) {
            bench_word_wait(&from->sleeps, 1);
        }
        atomic_store(&from->sleeps, 0);
    }
    for (; taken != NULL; taken = next) {
        next = taken->next;
        taken->next = in_order;
        in_order = taken;
    }
    return in_order;
}

static void *consume(void *self)
{
    list *from = self;
    node *one, *next;
    while (from->counted < from->expected) {
        for (one = take_all(from); one != NULL; one = next) {
            next = one->next;
            from->counted += one->bytes[0] != 0;
            free(one);
        }
    }
    return NULL;
}

static void *produce(void *self)
{
    list *to = self;
    node *one;
    long i;
    for (i = 0; i < to->messages_each; i++) {
        one = malloc(to->node_bytes);
        if (one == NULL) {
            bench_stop("no memory");
        }
        bench_fill(one->bytes, 1);
        push(to, one);
    }
    return NULL;
}

void bench_list_call(void *traffic)
{
    static long spins = -1;
    const bench_traffic *wanted = traffic;
    pthread_t consumer, producers[MOST_PRODUCERS];
    list to = {.messages_each = wanted->messages / wanted->producers, .node_bytes = sizeof(node)};
    int i;
    if (spins < 0) {
        spins = bench_spins();
    }
    to.spins = spins;
    if (wanted->node_bytes > sizeof(node)) {
        to.node_bytes = wanted->node_bytes;
    }
    to.expected = to.messages_each * wanted->producers;
    bench_thread_start(&consumer, consume, &to);
    for (i = 1; i < wanted->producers; i++) {
        bench_thread_start(&producers[i], produce, &to);
    }
    produce(&to);
    for (i = 1; i < wanted->producers; i++) {
        pthread_join(producers[i], NULL);
    }
    pthread_join(consumer, NULL);
}

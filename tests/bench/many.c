/* SPDX-License-Identifier: MIT */
/* many.c -- workloads: clients that ask 1,000 conversations in turn; and a neighbour that is slow.
 *
 * The figure is the inline one: two clients on two processors against one. With threaded participants one client
 * keeps both processors busy already, its own and the one that its participant is woken on, so that a second
 * client can't double anything; it is said without a bound. Beside both stands what the machine itself gives:
 * two threads that make plain function calls against one; where that is below the bound, it is not judged. And, without
 * a bound, two clients of which each has conversations of its own: what is missing there, all threads share; what is
 * missing only where they have the same ones, is memory that goes from one processor to the other. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define MANY_BOUND 1.8
#define NEIGHBOUR_BOUND 1.2
#define CLIENTS 2

typedef struct crowd {
    liminal_conversation **talks; /* NULL: plain function calls */
    long conversations, asks;     /* asks of each client */
    long round;                   /* so many of them each goes through: all, or its own share, which no other has */
    int clients;
    _Atomic(int) next;
} crowd;

static void *ask_in_turn(void *self)
{
    crowd *of = self;
    long at = of->conversations / CLIENTS * atomic_fetch_add(&of->next, 1), i;
    unsigned counter = 0;
    for (i = 0; i < of->asks; i++) {
        if (of->talks == NULL) {
            bench_plain_call(&counter);
        } else {
            bench_ask(of->talks[(at + i % of->round) % of->conversations]);
        }
    }
    return NULL;
}

static void all_ask(void *self)
{
    crowd *of = self;
    pthread_t clients[CLIENTS];
    int i;
    atomic_store(&of->next, 0);
    for (i = 0; i < of->clients; i++) {
        bench_thread_start(&clients[i], ask_in_turn, of);
    }
    for (i = 0; i < of->clients; i++) {
        pthread_join(clients[i], NULL);
    }
}

static double fight(const char *workload, const char *limit_name, crowd by_one, double bound, const char *unjudged)
{
    crowd by_two = by_one;
    by_one.clients = 1;
    by_two.clients = CLIENTS;
    if (bench.count != 0) {
        all_ask(&by_two);
        return 0;
    }
    return bench_fight(&(bench_duel){.workload = workload, .limit_name = limit_name, .measure = BENCH_RATE,
                                     .ours = {.call = all_ask, .self = &by_two, .operations = CLIENTS * by_two.asks},
                                     .limit = {.call = all_ask, .self = &by_one, .operations = by_one.asks},
                                     .rounds = bench_scale(31, 3), .calls = 1, .bound = bound, .unjudged = unjudged});
}

/* What this machine gives now: two threads that make plain function calls against one. */
static double fight_plain(const char *workload)
{
    const crowd plain = {.conversations = CLIENTS, .asks = bench_scale(200000, 1000)};
    return fight(workload, "one thread instead of two that make plain function calls", plain, 0, NULL);
}

static void many(const char *workload, const char *apart, const char *machine, liminal_participant_kind kind, long asks,
                 double bound)
{
    liminal_supervisor *house = bench_open(NULL);
    crowd all = {.conversations = bench_scale(1000, 20), .asks = bench.count != 0 ? bench.count / CLIENTS : asks};
    const char *unjudged = NULL;
    long i;
    all.talks = calloc((size_t)all.conversations, sizeof(liminal_conversation *));
    if (all.talks == NULL) {
        bench_stop("no memory");
    }
    for (i = 0; i < all.conversations; i++) {
        all.talks[i] = bench_spawn(house, kind);
    }
    if (bench.count == 0 && fight_plain(machine) < bound) {
        unjudged = "plain function calls fall short of the bound as well";
    }
    all.round = all.conversations;
    fight(workload, "one client instead of two", all, bound, unjudged);
    if (bench.count == 0) {
        all.round = all.conversations / CLIENTS;
        fight(apart, "one client instead of two, and none has what another one asks", all, 0, NULL);
    }
    for (i = 0; i < all.conversations; i++) {
        liminal_conversation_drop(&all.talks[i]);
    }
    free(all.talks);
    bench_shut(house);
}

void bench_many_inline(void)
{
    many("many-inline", "many-inline-apart", "many-inline-machine", LIMINAL_PARTICIPANT_INLINE, bench_scale(20000, 100),
         MANY_BOUND);
}

void bench_many_threaded(void)
{
    many("many-threaded", "many-threaded-apart", "many-threaded-machine", LIMINAL_PARTICIPANT_THREAD,
         bench_scale(2000, 40), 0);
}

/* ---- a slow neighbour ---- */

static liminal_status take_a_millisecond(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self;
    bench_sleep_until_ns(bench_now_ns() + 1e6);
    return liminal_envelope_create(liminal_envelope_data(request), liminal_envelope_size(request), NULL, out);
}
static const liminal_behaviour slow = {LIMINAL_OPS(liminal_behaviour), .answer = take_a_millisecond};

typedef struct asker {
    liminal_conversation *talk;
    atomic_bool over;
} asker;

static void *ask_on_and_on(void *self)
{
    asker *by = self;
    while (!atomic_load(&by->over)) {
        bench_ask(by->talk);
    }
    return NULL;
}

/* Two conversations of one supervisor, one of them slow, against one under a supervisor of its own. Meanwhile the slow
 * one is asked all the time, so that the machine is as busy for both. */
void bench_neighbour(void)
{
    liminal_supervisor *house = bench_open(NULL), *apart = bench_open(NULL);
    liminal_conversation *near = bench_spawn(house, LIMINAL_PARTICIPANT_THREAD);
    liminal_conversation *far = bench_spawn(apart, LIMINAL_PARTICIPANT_THREAD);
    asker by = {.talk = bench_spawn_with(house, NULL, LIMINAL_PARTICIPANT_THREAD, &slow, NULL)};
    pthread_t thread;
    bench_thread_start(&thread, ask_on_and_on, &by);
    bench_fight(&(bench_duel){.workload = "neighbour", .limit_name = "the same ask under another supervisor",
                              .measure = BENCH_EACH, .ours = {.call = bench_ask, .self = near},
                              .limit = {.call = bench_ask, .self = far},
                              .rounds = bench_scale(31, 3), .calls = bench_scale(500, 20), .bound = NEIGHBOUR_BOUND});
    atomic_store(&by.over, true);
    pthread_join(thread, NULL);
    liminal_conversation_drop(&by.talk);
    liminal_conversation_drop(&near);
    liminal_conversation_drop(&far);
    bench_shut(house);
    bench_shut(apart);
}

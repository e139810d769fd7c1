/* SPDX-License-Identifier: MIT */
/* memory.c -- workloads: memory is flat over 10 million messages, and falls back when conversations have closed.
 *
 * Each measurement is made in a process of its own, which prints its numbers. What malloc keeps for later is not what
 * anybody holds, so it is told to give that back, and what it kept is said beside. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__GLIBC__)
#include <malloc.h>
#define give_back() ((void)malloc_trim(0))
#else
#define give_back() ((void)0)
#endif

#define FLAT_BOUND 512 /* KiB: a malloc arena more or less is no growth */
#define BACK_BOUND 10  /* % of what they took */
#define LOOKS 10

/* ---- flat ---- */

/* Prints the resident bytes after the first messages, and the most that it saw afterwards. */
void bench_memory_flat_here(long messages)
{
    const liminal_config waiting = {LIMINAL_OPS(liminal_config), .overflow = LIMINAL_OVERFLOW_WAIT};
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *talk = bench_spawn_with(house, &waiting, LIMINAL_PARTICIPANT_THREAD, &bench_silent, NULL);
    unsigned char bytes[BENCH_BYTES];
    double warm = 0, most = 0, now;
    long first = messages / 100, i;
    bench_fill(bytes, 1);
    for (i = 1; i <= messages + first; i++) {
        liminal_envelope *message = NULL;
        bench_must(liminal_envelope_create(bytes, sizeof bytes, NULL, &message));
        bench_must(liminal_conversation_send(talk, &message, liminal_deadline_never()));
        if (i == first) {
            warm = bench_resident();
        } else if (i > first && (i - first) % (messages / LOOKS) == 0) {
            now = bench_resident();
            most = now > most ? now : most;
        }
    }
    liminal_conversation_drop(&talk);
    bench_shut(house);
    printf("%.0f\n%.0f\n", warm, most);
}

void bench_memory_flat(void)
{
    bench_child child;
    if (bench.count != 0) {
        bench_stop("memory-flat has no --count");
    }
    child = bench_child_run("memory-flat", bench_scale(10000000, 1000));
    if (child.count != 2) {
        bench_stop("memory-flat did not say what it measured");
    }
    bench_say("memory-flat", "resident", child.values[0] / 1024, "KiB", NULL);
    bench_say_bound("memory-flat", "growth", (child.values[1] - child.values[0]) / 1024, "KiB", BENCH_AT_MOST,
                    FLAT_BOUND);
}

/* ---- back ---- */

/* Prints how much was taken, and how many percent of it are left: as it is, and once malloc has given back. */
static void print_what_is_left(double before, double with)
{
    double kept = bench_resident() - before, left;
    give_back();
    left = bench_resident() - before;
    printf("%.0f\n%.2f\n%.2f\n", with - before, 100 * kept / (with - before), 100 * left / (with - before));
}

static long count_threads(void)
{
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long count = -1;
    if (file == NULL) {
        bench_stop("/proc/self/status can't be read");
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Threads:", 8) == 0) {
            count = strtol(line + 8, NULL, 10);
        }
    }
    fclose(file);
    return count;
}

/* Until nothing lives any more, and no more threads than the supervisor keeps for later; at most a minute. A thread
 * that is dismissed ends when it comes to that, and ten thousand take the system a second: the bare ones are measured
 * when they have been joined. */
static void wait_for_end(const liminal_supervisor *house)
{
    double until = bench_now_ns() + 60e9;
    liminal_census lives = liminal_supervisor_census(house);
    while ((lives.conversations + lives.participants != 0 || count_threads() > 1 + LIMINAL_DEFAULT_IDLE_THREADS) &&
           bench_now_ns() < until) {
        bench_settle();
        lives = liminal_supervisor_census(house);
    }
}

/* So many live conversations that were asked once, and closed; the supervisor is still open. Prints last the bytes
 * that the library itself holds more than before. */
void bench_memory_back_here(long conversations)
{
    bench_meter meter;
    liminal_supervisor *house;
    liminal_conversation **talks = calloc((size_t)conversations, sizeof(liminal_conversation *));
    double before, with;
    size_t held;
    long i;
    bench_meter_init(&meter);
    house = bench_open(&(liminal_supervisor_options){LIMINAL_OPS(liminal_supervisor_options),
                                                     .allocator = &meter.table});
    if (talks == NULL) {
        bench_stop("no memory");
    }
    before = bench_resident();
    held = atomic_load(&meter.live);
    for (i = 0; i < conversations; i++) {
        talks[i] = bench_spawn(house, LIMINAL_PARTICIPANT_INLINE);
        bench_ask(talks[i]);
    }
    with = bench_resident();
    for (i = 0; i < conversations; i++) {
        bench_must(liminal_conversation_close(talks[i], liminal_deadline_in_ms(5000)));
        liminal_conversation_drop(&talks[i]);
    }
    wait_for_end(house);
    print_what_is_left(before, with);
    printf("%.0f\n", (double)atomic_load(&meter.live) - (double)held);
    bench_shut(house);
    free(talks);
}

static void *wait_for_word(void *unsigned_word)
{
    _Atomic(unsigned) *word = unsigned_word;
    while (atomic_load(word) == 0) {
        bench_word_wait(word, 0);
    }
    return NULL;
}

/* The same for bare threads. */
void bench_memory_back_threads(long threads)
{
    static _Atomic(unsigned) word;
    pthread_t *all = calloc((size_t)threads, sizeof *all);
    double before, with;
    long i;
    if (all == NULL) {
        bench_stop("no memory");
    }
    before = bench_resident();
    for (i = 0; i < threads; i++) {
        bench_thread_start(&all[i], wait_for_word, &word);
    }
    with = bench_resident();
    atomic_store(&word, 1);
    for (i = 0; i < threads; i++) {
        bench_word_wake(&word);
    }
    for (i = 0; i < threads; i++) {
        pthread_join(all[i], NULL);
    }
    print_what_is_left(before, with);
    free(all);
}

void bench_memory_back(void)
{
    bench_child ours, bare;
    long number = bench_scale(10000, 20);
    if (bench.count != 0) {
        bench_stop("memory-back has no --count");
    }
    bare = bench_child_run("memory-back-threads", number);
    ours = bench_child_run("memory-back", number);
    if (ours.count != 4 || bare.count != 3) {
        bench_stop("memory-back did not say what it measured");
    }
    bench_say("memory-back", "taken", ours.values[0] / 1024, "KiB", "resident, while they lived");
    bench_say("memory-back", "kept", ours.values[1], "%", "with what malloc keeps for later");
    bench_say("memory-back", "limit-kept", bare.values[1], "%", NULL);
    bench_say("memory-back", "limit-left", bare.values[2], "%", "as many threads, joined");
    bench_say_bound("memory-back", "left", ours.values[2], "%", BENCH_AT_MOST, BACK_BOUND);
    bench_say("memory-back", "held", ours.values[3] / 1024, "KiB", "more than before, by the library");
}

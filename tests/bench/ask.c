/* SPDX-License-Identifier: MIT */
/* ask.c -- what one ask costs: 64 bytes there and back, with ids, log, trace context and deadline on.
 *
 * Prints lines `workload metric value unit`. Each round measures everything in turn, so that a machine
 * whose speed drifts does not favour one of them; medians over the rounds. The limit beside an inline
 * ask is a function call that mallocs, fills, checks and frees as many bytes; beside a threaded one,
 * two bare threads that hand a word back and forth and spin before they sleep. */
#define _GNU_SOURCE
#include <liminal.h>

#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 31
#define SIZE 64

static int calls_per_round = 5000;

static double now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* ---- limits ---- */

static __attribute__((noinline)) int plain_call(int fill)
{
    unsigned char *bytes = malloc(SIZE);
    int sum = 0, i;
    memset(bytes, fill, SIZE);
    __asm__ volatile("" : : "r"(bytes) : "memory");
    for (i = 0; i < SIZE; i++) {
        sum += bytes[i] == (unsigned char)fill;
    }
    free(bytes);
    return sum;
}

static void limit_call(void)
{
    int i, sum = 0;
    for (i = 0; i < calls_per_round; i++) {
        sum += plain_call(i & 255);
    }
    if (sum != calls_per_round * SIZE) {
        abort();
    }
}

static _Atomic(unsigned) ball; /* even: ours, odd: theirs */

static void wait_for(unsigned turn)
{
    int spins;
    for (spins = 0; spins < 200; spins++) {
        if (atomic_load(&ball) == turn) {
            return;
        }
#if defined(__x86_64__)
        __builtin_ia32_pause();
#endif
    }
    for (;;) {
        unsigned seen = atomic_load(&ball);
        if (seen == turn) {
            return;
        }
        syscall(SYS_futex, &ball, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
    }
}

static void hand_over(unsigned turn)
{
    atomic_store(&ball, turn);
    syscall(SYS_futex, &ball, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static void *other_player(void *argument)
{
    unsigned i, count = *(unsigned *)argument;
    for (i = 0; i < count; i++) {
        wait_for(2 * i + 1);
        hand_over(2 * i + 2);
    }
    return NULL;
}

static void limit_ping_pong(void)
{
    pthread_t thread;
    unsigned i, count = (unsigned)calls_per_round;
    atomic_store(&ball, 0);
    pthread_create(&thread, NULL, other_player, &count);
    for (i = 0; i < count; i++) {
        hand_over(2 * i + 1);
        wait_for(2 * i + 2);
    }
    pthread_join(thread, NULL);
}

/* ---- asks ---- */

static liminal_status answer(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self;
    return liminal_envelope_create(liminal_envelope_data(request), liminal_envelope_size(request), NULL, out);
}
static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = answer};

static liminal_conversation *spawn(liminal_supervisor *house, liminal_participant_kind kind)
{
    const liminal_participant participant = {.kind = kind, .behaviour = &behaviour};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant,
                                   .participant_count = 1, .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *talk = NULL;
    if (liminal_supervisor_spawn(house, &config, &talk) != LIMINAL_OK) {
        fprintf(stderr, "ask: %s\n", liminal_status_detail());
        exit(1);
    }
    return talk;
}

static void ask(liminal_conversation *talk)
{
    unsigned char bytes[SIZE];
    int i;
    for (i = 0; i < calls_per_round; i++) {
        liminal_envelope *request = NULL, *reply = NULL;
        memset(bytes, i & 255, sizeof bytes);
        if (liminal_envelope_create(bytes, sizeof bytes, NULL, &request) ||
            liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(5000)) ||
            memcmp(liminal_envelope_data(reply), bytes, sizeof bytes) != 0) {
            fprintf(stderr, "ask: %s\n", liminal_status_detail());
            exit(1);
        }
        liminal_envelope_drop(&reply);
    }
}

/* ---- measuring ---- */

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static double median(double *values)
{
    qsort(values, ROUNDS, sizeof values[0], by_value);
    return values[ROUNDS / 2];
}

static double per_call(double began)
{
    return (now_ns() - began) / calls_per_round;
}

int main(int argc, char **argv)
{
    static double call[ROUNDS], inlined[ROUNDS], ping[ROUNDS], threaded[ROUNDS];
    liminal_supervisor *house = NULL;
    liminal_conversation *near, *far;
    double limit, value;
    int round, rounds = ROUNDS;
    if (argc > 1) { /* for callgrind: inline asks only, so many of them; the difference of two runs counts */
        calls_per_round = atoi(argv[1]);
        rounds = 0;
    }
    if (liminal_supervisor_open(NULL, &house) != LIMINAL_OK) {
        return 1;
    }
    near = spawn(house, LIMINAL_PARTICIPANT_INLINE);
    if (rounds == 0) {
        ask(near);
    } else {
        far = spawn(house, LIMINAL_PARTICIPANT_THREAD);
        for (round = 0; round < rounds; round++) {
            double began = now_ns();
            limit_call();
            call[round] = per_call(began);
            began = now_ns();
            ask(near);
            inlined[round] = per_call(began);
            began = now_ns();
            limit_ping_pong();
            ping[round] = per_call(began);
            began = now_ns();
            ask(far);
            threaded[round] = per_call(began);
        }
        liminal_conversation_drop(&far);
        limit = median(call);
        value = median(inlined);
        printf("ask-inline limit %.0f ns\nask-inline median %.0f ns\nask-inline ratio %.1f x\n", limit, value,
               value / limit);
        limit = median(ping);
        value = median(threaded);
        printf("ask-threaded limit %.0f ns\nask-threaded median %.0f ns\nask-threaded ratio %.1f x\n", limit, value,
               value / limit);
    }
    liminal_conversation_drop(&near);
    return liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(5000)) != LIMINAL_OK;
}

/* SPDX-License-Identifier: MIT */
/* pingpong.c -- bare limit: two threads hand a word back and forth.
 *
 * The word counts up: odd, it is the other thread's turn; even, the caller's. Who waits looks at it for some 20 us if
 * told to spin, then says that it sleeps, looks once more, and sleeps until the word has changed. Who hands over
 * stores the word and wakes the other one only if that says it sleeps. Both store before they load, sequentially
 * consistent, so that either the sleeper sees the new word or the other one sees the sleeper. */
#include "bench.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

struct bench_pingpong {
    _Alignas(128) _Atomic(unsigned) word;
    _Alignas(128) _Atomic(unsigned) sleeps[2]; /* by who waits: [1] the other thread, for an odd word */
    _Alignas(128) atomic_bool over;
    long spins;
    pthread_t other;
};

static void wait_for(bench_pingpong *game, unsigned turn)
{
    unsigned seen;
    long i;
    for (i = 0; i < game->spins; i++) {
        if (atomic_load(&game->word) == turn) {
            return;
        }
        bench_relax();
    }
    atomic_store(&game->sleeps[turn & 1], 1);
    while ((seen = atomic_load(&game->word)) != turn) {
        bench_word_wait(&game->word, seen);
    }
    atomic_store(&game->sleeps[turn & 1], 0);
}

static void hand_over(bench_pingpong *game, unsigned turn)
{
    atomic_store(&game->word, turn);
    if (atomic_load(&game->sleeps[turn & 1]) != 0) {
        bench_word_wake(&game->word);
    }
}

static void *play(void *self)
{
    bench_pingpong *game = self;
    unsigned turn;
    for (turn = 1;; turn += 2) {
        wait_for(game, turn);
        if (atomic_load(&game->over)) {
            return NULL;
        }
        hand_over(game, turn + 1);
    }
}

bench_pingpong *bench_pingpong_open(bool spin)
{
    bench_pingpong *game = aligned_alloc(128, sizeof *game);
    if (game == NULL) {
        bench_stop("no memory");
    }
    atomic_init(&game->word, 0);
    atomic_init(&game->sleeps[0], 0);
    atomic_init(&game->sleeps[1], 0);
    atomic_init(&game->over, false);
    game->spins = spin ? bench_spins() : 0;
    bench_thread_start(&game->other, play, game);
    return game;
}

void bench_pingpong_call(void *pingpong)
{
    bench_pingpong *game = pingpong;
    unsigned turn = atomic_load(&game->word) + 1;
    hand_over(game, turn);
    wait_for(game, turn + 1);
}

void bench_pingpong_close(bench_pingpong *game)
{
    atomic_store(&game->over, true);
    hand_over(game, atomic_load(&game->word) + 1);
    pthread_join(game->other, NULL);
    free(game);
}

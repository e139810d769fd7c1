/* SPDX-License-Identifier: MIT */
/* play.h -- a plan of calls, made up from a seed, played by several threads on one conversation; and, when what came of
 * it is wrong, the smallest plan that still goes wrong.
 *
 * One round: a conversation is spawned, the threads leave a line together and make their calls, and the main thread
 * closes the conversation, in the middle of it or behind it, looks at it, and drains it.
 *
 *   LIMINAL_TEST_SECONDS  how long each test plays, in seconds of a processor; without it a few
 *   LIMINAL_TEST_SEED     the first round's seed; each round's is the one before and one more */
#ifndef MODEL_PLAY_H
#define MODEL_PLAY_H

#include "support/harness.h"

#include "history.h"

#include <stdatomic.h>

/* What is to be done: the calls of the threads, in order for each; the main thread's close has its own. */
typedef struct play_plan {
    model_history wishes;
    bool early;       /* the close comes in the middle */
    model_wait close; /* how long what was accepted has */
    uint32_t pause;   /* before an early close */
} play_plan;

struct player;

typedef struct play_hand {
    struct player *player;
    uint8_t thread;
    test_thread running;
    test_gate go;
} play_hand;

typedef struct player {
    /* Set by the test. */
    model_kind kind;
    liminal_conversation *(*wrap)(liminal_conversation *inner); /* NULL, or a liar in between */

    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    play_hand hands[MODEL_THREADS];
    test_gate done;
    bool over;
    uint32_t busy;    /* who has something to do, a bit for each */
    uint32_t in_line; /* how many have to be there before anyone goes */
    atomic_uint there;
    atomic_ullong stamp;
    model_history history; /* of this round: each call is its thread's */
    atomic_uint delivered[MODEL_CALLS], released;
    uint64_t rounds, calls, shrinks;
} player;

void play_open(player *p);
void play_close(player *p);

void play_make(play_plan *plan, model_kind kind, uint64_t seed);
const char *play_round(player *p, const play_plan *plan); /* NULL, or what is wrong with p->history */

/* Leave out calls for as long as it still goes wrong now and then; p->history is the last that did. */
const char *play_shrink(player *p, play_plan *plan);

/* Rounds until the time is up. NULL, or what is wrong: then it is said, with the seed and the smallest history. */
const char *play_on(player *p, double seconds);

double play_seconds(double otherwise);

#endif

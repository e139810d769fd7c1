/* SPDX-License-Identifier: MIT */
/* history.h -- what several threads did to one conversation, and whether one thread could have seen the same.
 *
 * A history is a list of calls with what each gave and two stamps from one counter, taken before and after it. It
 * is right if its calls can be put into one order, none before a call that had returned before it began, in which the
 * model of oracle.c gives what was seen. That is looked for by depth first with a memo (Wing and Gong). */
#ifndef MODEL_HISTORY_H
#define MODEL_HISTORY_H

#include <liminal.h>

#include <stdbool.h>
#include <stdint.h>

enum { MODEL_THREADS = 3, MODEL_CALLS = 32 };

/* What stands behind the conversation. */
typedef enum model_kind { MODEL_BUFFER, MODEL_INLINE, MODEL_THREAD } model_kind;

typedef enum model_verb { MODEL_SEND, MODEL_RECEIVE, MODEL_ASK, MODEL_CLOSE, MODEL_QUERY } model_verb;

/* How long it may wait. */
typedef enum model_wait { MODEL_NOW, MODEL_SHORT, MODEL_EVER } model_wait;

/* One call. A message says the index of its call, and its reply says the same. */
typedef struct model_call {
    /* What was to be done. */
    model_verb verb;
    model_wait wait;
    uint8_t thread;
    bool silent;    /* SEND, ASK: the participant gives no reply */
    uint16_t pause; /* before it */

    /* What came of it. */
    liminal_status status;
    uint32_t got;         /* RECEIVE, ASK with OK: what the reply says */
    bool kept;            /* ASK: the request stayed with the caller */
    liminal_phase phase;  /* QUERY */
    liminal_counts counts; /* QUERY */
    uint64_t from, to;    /* the stamps */
} model_call;

typedef struct model_history {
    model_kind kind;
    uint32_t count;
    model_call calls[MODEL_CALLS];
    uint32_t delivered[MODEL_CALLS]; /* how often the participant was given that call's message */
    liminal_counts counts;           /* at the very end */
} model_history;

/* Whether it can be put in order; and what does not depend on one. NULL, or what is wrong. */
const char *model_refuses(const model_history *history);

/* How many states were looked at, since the program began. */
uint64_t model_states(void);

void model_print(const model_history *history);

#endif

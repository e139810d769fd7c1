/* SPDX-License-Identifier: MIT */
/* pool.h -- the threads of a supervisor: started, used again, dismissed. */
#ifndef LIMI_POOL_H
#define LIMI_POOL_H

#include "list.h"
#include "spinner.h"

struct liminal_supervisor;

/* What a thread is wanted for; it stays where it is, and so does the name, until the body has begun. */
typedef struct limi_job {
    limi_thread_plan plan; /* for a thread that is new: the name and the stack are the job's */
    struct liminal_supervisor *supervisor;
    void (*body)(void *argument);
    void *argument;
    struct limi_worker *worker; /* that is kept for it, or does it; NULL: one that is kept has not come yet ... */
    bool begun;                 /* ... and is to begin when it does. Both guarded by the supervisor's lock */
} limi_job;

/* The idle ones; guarded by the supervisor's lock, but for what is atomic. */
typedef struct limi_pool {
    limi_list idle; /* the last that became idle in front: it may still be looking, and its stack is warm */
    size_t idle_count, idle_most;
    size_t leaving; /* dismissed, and not over yet */
    limi_atomic_u32 ending;  /* so many have said that they will soon be idle ... */
    limi_atomic_u32 arrived; /* ... and so many have become it, so far */
    limi_spinner spinner;    /* for who waits for one of them */
} limi_pool;

void limi_pool_init(limi_pool *pool);

/* Run the job's body on a thread, which the census counts already. ELIMIT if the system refuses one. */
liminal_status limi_pool_start(limi_job *job);

/* Keep a thread for the job instead, and let it sleep: an idle one, or a new one. Then it is begun, or given back, one
 * of them once. Given back, true: the census counts it no more. False: it is new and has not come yet; it will run
 * the body, which has to be left to it. */
liminal_status limi_pool_keep(limi_job *job);
void limi_pool_begin(limi_job *job);
bool limi_pool_give_back(limi_job *job);

/* By the thread that does the job: it is done, but for what is brief. */
void limi_pool_end_job(limi_job *job);

#endif

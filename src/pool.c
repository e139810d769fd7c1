/* SPDX-License-Identifier: MIT */
/* pool.c -- the threads of a supervisor: started, used again, dismissed.
 *
 *   BUSY --its job is done, and there is room--> IDLE        by itself
 *   IDLE --start: it takes the place of a new one--> BUSY    by who starts
 *   IDLE --dismiss--> LEAVING                                by a shutdown, or a start that needs the room
 *   BUSY --its job is done otherwise, or ended it--> OVER    by itself; so does LEAVING
 *
 * Each move but the last is made under the supervisor's lock, with the census: BUSY threads are in it, IDLE ones
 * are not. Where a thread keeps itself, the worker, is on its own stack. Whoever takes an idle one out of the list is
 * the only one who knows it; it writes the job, and rings before it lets go of the lock. The thread reads the job
 * after that, and takes the same lock before its stack goes: so the ring has returned by then. No wake is lost: see
 * bell.c.
 *
 * A thread that a behaviour has ended (pthread_exit) does not come back: the job's own end has run inside its
 * cleanup, and the rest is left() there. */
#include "pool.h"

#include "bell.h"
#include "detail.h"
#include "scope.h"
#include "supervisor.h"

#include <string.h>

enum { GO = 1, LEAVE = 2 };

typedef struct worker {
    liminal_supervisor *supervisor;
    limi_list place; /* among the idle */
    limi_bell bell;
    limi_thread_plan plan; /* its name is that of the job; its stack its own */
    void (*body)(void *argument);
    void *argument;
    bool leaving;
} worker;

/* ---- the thread ---- */

/* True: it was given another job. */
static bool rest(worker *w)
{
    liminal_supervisor *supervisor = w->supervisor;
    uint32_t rung = 0;
    bool idle;
    limi_mutex_lock(&supervisor->lock);
    idle = !supervisor->closing && supervisor->pool.idle_count < supervisor->pool.idle_most;
    if (idle) {
        limi_list_prepend(&supervisor->pool.idle, &w->place);
        supervisor->pool.idle_count++;
        supervisor->census.threads--;
    }
    limi_mutex_unlock(&supervisor->lock);
    while (idle && (rung = limi_bell_take(&w->bell)) == 0) {
        limi_bell_sleep(&w->bell, INT64_MAX);
    }
    return rung == GO;
}

static void left(void *argument)
{
    worker *w = argument;
    limi_bell_destroy(&w->bell);
    limi_supervisor_thread_over(w->supervisor, w->leaving);
}

static void serve(void *argument)
{
    worker *w = argument;
    w->body(w->argument);
    while (rest(w)) {
        limi_scope_renew();
        limi_thread_renew(w->plan.name);
        w->body(w->argument);
    }
}

static void worker_main(void *argument)
{
    const limi_job *job = argument;
    worker w = {.supervisor = job->supervisor, .plan = job->plan, .body = job->body, .argument = job->argument};
    limi_scope_ours();
    limi_bell_init(&w.bell);
    limi_thread_guard(serve, left, &w);
    left(&w);
}

/* ---- for those who need one ---- */

static void take(limi_pool *pool, worker *w)
{
    limi_list_remove(&w->place);
    pool->idle_count--;
}

static worker *find(const limi_pool *pool, size_t stack_bytes)
{
    limi_list *node;
    for (node = pool->idle.next; node != &pool->idle; node = node->next) {
        worker *w = LIMI_HOLDER(node, worker, place);
        if (w->plan.stack_bytes == stack_bytes) {
            return w;
        }
    }
    return NULL;
}

void limi_pool_dismiss(liminal_supervisor *supervisor, size_t keep)
{
    limi_pool *pool = &supervisor->pool;
    while (pool->idle_count > keep) {
        worker *w = LIMI_HOLDER(pool->idle.prev, worker, place);
        take(pool, w);
        w->leaving = true;
        pool->leaving++;
        limi_bell_ring(&w->bell, LEAVE);
    }
}

void limi_pool_make_room(liminal_supervisor *supervisor)
{
    size_t live = supervisor->census.threads;
    limi_pool_dismiss(supervisor, supervisor->max_threads > live ? supervisor->max_threads - live : 0);
}

liminal_status limi_pool_start(limi_job *job)
{
    liminal_supervisor *supervisor = job->supervisor;
    worker *w;
    limi_mutex_lock(&supervisor->lock);
    w = find(&supervisor->pool, job->plan.stack_bytes);
    if (w != NULL) {
        take(&supervisor->pool, w);
        w->body = job->body;
        w->argument = job->argument;
        memcpy(w->plan.name, job->plan.name, sizeof w->plan.name);
        limi_bell_ring(&w->bell, GO);
    } else {
        limi_pool_make_room(supervisor);
    }
    limi_mutex_unlock(&supervisor->lock);
    if (w != NULL) {
        return LIMINAL_OK;
    }
    job->plan.body = worker_main;
    job->plan.argument = job;
    return limi_thread_start(&job->plan);
}

/* SPDX-License-Identifier: MIT */
/* pool.c -- the threads of a supervisor: started, used again, dismissed.
 *
 *   BUSY --its job is done, and there is room--> IDLE        by itself
 *   IDLE --start: it takes the place of a new one--> BUSY    by who starts
 *   IDLE --reserve--> KEPT                                   by who may need one
 *   KEPT --begin--> BUSY, --give back--> IDLE, or LEAVING    by whoever decides that, which is one alone: see actor.c
 *   IDLE --dismiss--> LEAVING                                by a shutdown, or a start that needs the room
 *   BUSY --its job is done otherwise, or ended it--> OVER    by itself; so does LEAVING
 *
 * Each move but the last is made under the supervisor's lock, with the census: BUSY and KEPT threads are in it, IDLE
 * ones are not. What a thread is known by, the worker, is on its own stack. Whoever takes an idle one out of the list
 * is the only one who knows it, and so is who begins or gives back a kept one. It writes the job and rings with the
 * lock held. The thread reads the job after that, and takes the same lock before its stack goes: so the ring has
 * returned by then, and therefore it is made under that lock. No wake is lost: see bell.c.
 *
 * To wake an idle thread that sleeps takes ten times as long as to let one that is ending its job come to rest, which
 * still looks then. So who starts a job while one is `ending` looks a little for that first; nothing but time depends
 * on it, for what such a thread still does may be an embedder's, and take for ever.
 *
 * A thread that a behaviour has ended (pthread_exit) does not come back: the job's own end has run inside its
 * cleanup, and the rest is has_left() there. */
#include "pool.h"

#include "bell.h"
#include "detail.h"
#include "scope.h"
#include "supervisor.h"

enum { GO = 1, LEAVE = 2 };

typedef struct limi_worker {
    liminal_supervisor *supervisor;
    limi_list place; /* among the idle */
    limi_bell bell;
    const char *name; /* the job's */
    size_t stack_bytes;
    void (*body)(void *argument);
    void *argument;
    bool leaving;
    bool ending; /* counted in the pool's */
} worker;

void limi_pool_init(limi_pool *pool)
{
    limi_list_init(&pool->idle);
    limi_u32_init(&pool->ending, 0);
    limi_u32_init(&pool->arrived, 0);
    limi_spinner_init(&pool->spinner);
}

/* ---- the idle ---- */

static void add(limi_pool *pool, worker *w, bool last)
{
    if (last) {
        limi_list_prepend(&pool->idle, &w->place);
    } else {
        limi_list_append(&pool->idle, &w->place);
    }
    pool->idle_count++;
}

static void take_out(limi_pool *pool, worker *w)
{
    limi_list_remove(&w->place);
    pool->idle_count--;
}

static void dismiss(limi_pool *pool, worker *w)
{
    w->leaving = true;
    pool->leaving++;
    limi_bell_ring(&w->bell, LEAVE);
}

/* If it is full, one with a smaller stack, which nobody wants any more, makes room. */
static bool has_room(liminal_supervisor *supervisor, const worker *w) LIMI_REQUIRES(supervisor->lock)
{
    limi_pool *pool = &supervisor->pool;
    if (!supervisor->closing && pool->idle_most > 0 && pool->idle_count == pool->idle_most) {
        worker *oldest = LIMI_HOLDER(pool->idle.prev, worker, place);
        if (oldest->stack_bytes < w->stack_bytes) {
            take_out(pool, oldest);
            dismiss(pool, oldest);
        }
    }
    return !supervisor->closing && pool->idle_count < pool->idle_most;
}

/* It was kept for nothing. */
static void put(liminal_supervisor *supervisor, worker *w) LIMI_REQUIRES(supervisor->lock)
{
    if (has_room(supervisor, w)) {
        add(&supervisor->pool, w, false);
    } else {
        dismiss(&supervisor->pool, w);
    }
}

/* ---- the thread ---- */

static void job_has_ended(worker *w)
{
    if (w->ending) {
        w->ending = false;
        (void)limi_u32_sub(&w->supervisor->pool.ending, 1);
    }
}

/* True: it was given another job. */
static bool rest(worker *w)
{
    liminal_supervisor *supervisor = w->supervisor;
    uint32_t rung = 0;
    bool idle;
    limi_mutex_lock(&supervisor->lock);
    idle = has_room(supervisor, w);
    if (idle) {
        add(&supervisor->pool, w, true);
        supervisor->census.threads--;
        (void)limi_u32_add(&supervisor->pool.arrived, 1);
    }
    job_has_ended(w);
    limi_mutex_unlock(&supervisor->lock);
    while (idle && (rung = limi_bell_take(&w->bell)) == 0) {
        limi_bell_sleep(&w->bell, INT64_MAX);
    }
    return rung == GO;
}

static void has_left(void *argument)
{
    worker *w = argument;
    job_has_ended(w);
    limi_supervisor_thread_over(w->supervisor, w->leaving);
    limi_bell_destroy(&w->bell); /* behind that, which has had the lock: whoever rang it has let go of it */
}

static void serve(void *argument)
{
    worker *w = argument;
    w->body(w->argument);
    while (rest(w)) {
        limi_scope_renew();
        limi_thread_renew(w->name);
        w->body(w->argument);
    }
}

static void worker_main(void *argument)
{
    limi_job *job = argument;
    worker w = {.supervisor = job->supervisor, .stack_bytes = job->plan.stack_bytes, .body = job->body,
                .argument = job->argument};
    job->worker = &w;
    limi_scope_ours();
    limi_bell_init(&w.bell);
    limi_thread_guard(serve, has_left, &w);
    has_left(&w);
}

/* ---- for those who need one ---- */

/* With as large a stack: the one that became idle last, or first; NULL: none is idle. */
static worker *take(limi_pool *pool, size_t stack_bytes, bool last)
{
    limi_list *node;
    for (node = last ? pool->idle.next : pool->idle.prev; node != &pool->idle; node = last ? node->next : node->prev) {
        worker *w = LIMI_HOLDER(node, worker, place);
        if (w->stack_bytes >= stack_bytes) {
            take_out(pool, w);
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
        take_out(pool, w);
        dismiss(pool, w);
    }
}

void limi_pool_make_room(liminal_supervisor *supervisor)
{
    size_t live = supervisor->census.threads;
    limi_pool_dismiss(supervisor, supervisor->max_threads > live ? supervisor->max_threads - live : 0);
}

/* Whoever has taken it out of the list gives it the job. */
static void employ(worker *w, limi_job *job)
{
    job->worker = w;
    w->body = job->body;
    w->argument = job->argument;
    w->name = job->plan.name;
    limi_bell_ring(&w->bell, GO);
}

/* The one that would be taken sleeps, or there is none. */
static bool would_have_to_wake(const limi_pool *pool)
{
    return pool->idle_count == 0 || limi_bell_is_dozed(&LIMI_HOLDER(pool->idle.next, worker, place)->bell);
}

typedef struct arrival {
    const limi_pool *pool;
    uint32_t seen;
} arrival;

static bool has_arrived(const void *self)
{
    const arrival *next = self;
    return limi_u32_load(&next->pool->arrived) != next->seen;
}

static void look_for_one_that_ends(liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock)
{
    limi_pool *pool = &supervisor->pool;
    arrival next = {pool, limi_u32_load(&pool->arrived)};
    if (pool->idle_most > 0 && limi_u32_load(&pool->ending) != 0 && would_have_to_wake(pool)) {
        limi_mutex_unlock(&supervisor->lock);
        (void)limi_spinner_look(&pool->spinner, has_arrived, &next);
        limi_mutex_lock(&supervisor->lock);
    }
}

liminal_status limi_pool_start(limi_job *job)
{
    liminal_supervisor *supervisor = job->supervisor;
    worker *w;
    limi_mutex_lock(&supervisor->lock);
    look_for_one_that_ends(supervisor);
    w = take(&supervisor->pool, job->plan.stack_bytes, true);
    if (w != NULL) {
        employ(w, job);
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

bool limi_pool_reserve(limi_job *job)
{
    limi_mutex_lock(&job->supervisor->lock);
    job->worker = take(&job->supervisor->pool, job->plan.stack_bytes, false); /* it is to sleep */
    limi_mutex_unlock(&job->supervisor->lock);
    return job->worker != NULL;
}

void limi_pool_begin(limi_job *job)
{
    liminal_supervisor *supervisor = job->supervisor;
    limi_mutex_lock(&supervisor->lock);
    employ(job->worker, job);
    limi_mutex_unlock(&supervisor->lock);
}

void limi_pool_give_back(limi_job *job)
{
    liminal_supervisor *supervisor = job->supervisor;
    limi_mutex_lock(&supervisor->lock);
    supervisor->census.threads--;
    put(supervisor, job->worker);
    limi_mutex_unlock(&supervisor->lock);
}

void limi_pool_end_job(limi_job *job)
{
    job->worker->ending = true;
    (void)limi_u32_add(&job->supervisor->pool.ending, 1);
}

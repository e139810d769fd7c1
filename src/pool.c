/* SPDX-License-Identifier: MIT */
/* pool.c -- the threads of a supervisor: started, used again, dismissed.
 *
 *   BUSY --its job is done, and there is room--> IDLE        by itself
 *   IDLE --start: it takes the place of a new one--> BUSY    by who starts
 *   IDLE --keep--> KEPT                                      by who may need one
 *   new, kept --it has started--> KEPT                       by itself, if it was not begun or given back before
 *   KEPT --begin--> BUSY, --give back--> IDLE, or LEAVING    by whoever decides that, which is one alone: see actor.c
 *   IDLE --dismiss--> LEAVING                                by a shutdown, a start that needs the room, or one that
 *                                                            leaves; see below
 *   BUSY --its job is done otherwise, or ended it--> OVER    by itself; so does LEAVING
 *
 * Each move but the last is made under the supervisor's lock, with the census: BUSY and KEPT threads are in it, IDLE
 * ones are not. What a thread is known by, the worker, is on its own stack. Whoever takes an idle one out of the list
 * is the only one who knows it, and so is who begins or gives back a kept one. It writes the job and rings with the
 * lock held. The thread reads the job after that, and takes the same lock before its stack goes: so the ring has
 * returned by then, and therefore it is made under that lock. No wake is lost: see bell.c. A new one that is kept says
 * under that lock that it is there; until then there is nobody to ring for, and it finds what was decided meanwhile in
 * the job: to begin, also where it was to be given back, for then the body has nothing to do.
 *
 * More may be idle than are to be: those that were kept for nothing, and all of them in a shutdown. They leave in a
 * row, a few at a time, each dismissed by one before it as the last thing that one does. For whoever gives them back,
 * or the shutdown, would have to wake them, which takes it longer than all else it does; and they would all want the
 * lock that it holds. While there are such ones somebody is leaving, so that none is forgotten.
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
    bool kept; /* from the start: it has not been called to a job yet */
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
    take_out(pool, w);
    w->leaving = true;
    pool->leaving++;
    limi_bell_ring(&w->bell, LEAVE);
}

/* The one that nobody has needed for the longest time. */
static void dismiss_last(limi_pool *pool)
{
    dismiss(pool, LIMI_HOLDER(pool->idle.prev, worker, place));
}

#define LEAVE_AT_ONCE 2

void limi_pool_trim(liminal_supervisor *supervisor)
{
    limi_pool *pool = &supervisor->pool;
    size_t most = supervisor->closing ? 0 : pool->idle_most;
    while (pool->idle_count > most && pool->leaving < LEAVE_AT_ONCE) {
        dismiss_last(pool);
    }
}

static worker *find_smaller(const limi_pool *pool, size_t stack_bytes)
{
    limi_list *node;
    for (node = pool->idle.prev; node != &pool->idle; node = node->prev) {
        worker *w = LIMI_HOLDER(node, worker, place);
        if (w->stack_bytes < stack_bytes) {
            return w;
        }
    }
    return NULL;
}

/* If it is full, one with a smaller stack, which nobody wants any more, makes room. */
static bool has_room(liminal_supervisor *supervisor, const worker *w) LIMI_REQUIRES(supervisor->lock)
{
    limi_pool *pool = &supervisor->pool;
    if (!supervisor->closing && pool->idle_count == pool->idle_most) {
        worker *smaller = find_smaller(pool, w->stack_bytes);
        if (smaller != NULL) {
            dismiss(pool, smaller);
        }
    }
    return !supervisor->closing && pool->idle_count < pool->idle_most;
}

/* It was kept for nothing. Where there is no room it is the first to leave. */
static void put(liminal_supervisor *supervisor, worker *w) LIMI_REQUIRES(supervisor->lock)
{
    (void)has_room(supervisor, w);
    add(&supervisor->pool, w, false);
    limi_pool_trim(supervisor);
}

/* ---- the thread ---- */

static void job_has_ended(worker *w)
{
    if (w->ending) {
        w->ending = false;
        (void)limi_u32_sub(&w->supervisor->pool.ending, 1);
    }
}

/* It waits; true: for a job. */
static bool is_called(worker *w)
{
    uint32_t rung;
    while ((rung = limi_bell_take(&w->bell)) == 0) {
        limi_bell_sleep(&w->bell, INT64_MAX);
    }
    return rung == GO;
}

/* True: it was given another job. */
static bool rest(worker *w)
{
    liminal_supervisor *supervisor = w->supervisor;
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
    return idle && is_called(w);
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
    if (!w->kept) {
        w->body(w->argument);
    }
    while (w->kept ? is_called(w) : rest(w)) {
        w->kept = false;
        limi_scope_renew();
        limi_thread_renew(w->name);
        w->body(w->argument);
    }
}

static void be(worker *w)
{
    limi_scope_ours();
    limi_thread_guard(serve, has_left, w);
    has_left(w);
}

static void worker_main(void *argument)
{
    limi_job *job = argument;
    worker w = {.supervisor = job->supervisor, .stack_bytes = job->plan.stack_bytes, .body = job->body,
                .argument = job->argument};
    limi_bell_init(&w.bell);
    job->worker = &w;
    be(&w);
}

/* From the unlock on the job may be gone, unless it was begun. */
static void kept_main(void *argument)
{
    limi_job *job = argument;
    liminal_supervisor *supervisor = job->supervisor;
    worker w = {.supervisor = supervisor, .stack_bytes = job->plan.stack_bytes, .body = job->body,
                .argument = job->argument};
    limi_bell_init(&w.bell);
    limi_spinner_init_idle(&w.bell.spinner); /* most sleep for long */
    limi_mutex_lock(&supervisor->lock);
    job->worker = &w;
    w.kept = !job->begun;
    limi_mutex_unlock(&supervisor->lock);
    be(&w);
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

void limi_pool_make_room(liminal_supervisor *supervisor)
{
    size_t live = supervisor->census.threads;
    size_t room = supervisor->max_threads > live ? supervisor->max_threads - live : 0;
    while (supervisor->pool.idle_count > room) {
        dismiss_last(&supervisor->pool);
    }
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

/* The census counts it already. */
static liminal_status start_new(limi_job *job, void (*body)(void *argument))
{
    job->plan.body = body;
    job->plan.argument = job;
    return limi_thread_start(&job->plan);
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
    return w != NULL ? LIMINAL_OK : start_new(job, worker_main);
}

liminal_status limi_pool_keep(limi_job *job)
{
    liminal_supervisor *supervisor = job->supervisor;
    bool found;
    job->begun = false;
    limi_mutex_lock(&supervisor->lock);
    job->worker = take(&supervisor->pool, job->plan.stack_bytes, false); /* it is to sleep */
    if (job->worker == NULL) {
        look_for_one_that_ends(supervisor);
        job->worker = take(&supervisor->pool, job->plan.stack_bytes, false);
    }
    found = job->worker != NULL;
    if (!found) {
        limi_pool_make_room(supervisor);
    }
    limi_mutex_unlock(&supervisor->lock);
    return found ? LIMINAL_OK : start_new(job, kept_main);
}

void limi_pool_begin(limi_job *job)
{
    liminal_supervisor *supervisor = job->supervisor;
    limi_mutex_lock(&supervisor->lock);
    job->begun = true;
    if (job->worker != NULL) {
        employ(job->worker, job);
    }
    limi_mutex_unlock(&supervisor->lock);
}

bool limi_pool_give_back(limi_job *job)
{
    liminal_supervisor *supervisor = job->supervisor;
    bool there;
    limi_mutex_lock(&supervisor->lock);
    there = job->worker != NULL;
    job->begun = !there;
    if (there) {
        supervisor->census.threads--;
        put(supervisor, job->worker);
    }
    limi_mutex_unlock(&supervisor->lock);
    return there;
}

void limi_pool_end_job(limi_job *job)
{
    job->worker->ending = true;
    (void)limi_u32_add(&job->supervisor->pool.ending, 1);
}

/* SPDX-License-Identifier: MIT */
/* watcher.c -- OS processes as processes.
 *
 * One thread per supervisor, started with the first watch, sleeps in a poller on a descriptor for each process that
 * is watched and on a chime. It alone takes them out again, when they have ended, or all of them, when it is told to
 * leave: so what the poller names is there. They are put in by any thread, under the supervisor's lock; the watcher
 * takes that before it makes an end known, so it finds the record complete. An end that comes before the watch has
 * begun shows in the poller like any other.
 *
 *   watched --ended--> dead             by the watcher
 *   watched --told to leave--> dead     by the watcher: how it ended, if it just has, else UNKNOWN
 *
 * The watcher is told with `leaving`, and then the chime; it looks after it was woken. The descriptors are taken out of
 * the poller before they are closed: a forked child may have copies, which would keep them in it. */
#include "adopted.h"

#include "detail.h"
#include "platform_process.h"
#include "scope.h"

#define BATCH 64

typedef struct limi_watched {
    limi_adopted adopted;
    limi_watch watch; /* the watcher's, once it is in the poller */
    limi_list place;  /* watcher->watched */
} limi_watched;

typedef struct limi_watcher {
    liminal_supervisor *supervisor;
    limi_poller poller;
    limi_chime chime;
    limi_thread_plan plan;

    /* Guarded by the supervisor's lock. */
    limi_list watched;
    bool leaving;
} limi_watcher;

/* ---- as a process ---- */

static void unref(limi_process *process)
{
    limi_watched *watched = LIMI_HOLDER(process, limi_watched, adopted.process);
    if (limi_refcount_down(&watched->adopted.owners)) {
        limi_adopted_free(&watched->adopted, sizeof *watched);
    }
}

static const limi_process_kind watched_kind = {
    .ref = limi_adopted_ref, .unref = unref, .announce = limi_adopted_announce, .immune = true};

/* ---- on the watcher's thread ---- */

/* Let go of it, and make its exit known. The registry's share keeps it until then. */
static void end(limi_watcher *watcher, limi_watched *watched, liminal_exit_reason reason)
{
    liminal_supervisor *supervisor = watcher->supervisor;
    limi_poller_remove(&watcher->poller, watched->watch.fd);
    limi_watch_close(&watched->watch);
    limi_mutex_lock(&supervisor->lock);
    limi_list_remove(&watched->place);
    limi_mutex_unlock(&supervisor->lock);
    (void)limi_process_end(supervisor, &watched->adopted.process, reason);
}

static void look_at(limi_watcher *watcher, limi_watched *watched)
{
    liminal_exit_reason reason;
    if (limi_watch_over(&watched->watch, false, &reason)) {
        end(watcher, watched, reason);
    }
}

/* Whether it goes on. */
static bool look_at_all(limi_watcher *watcher, void *const *keys, size_t count)
{
    liminal_supervisor *supervisor = watcher->supervisor;
    bool leaving;
    size_t i;
    for (i = 0; i < count; i++) {
        if (keys[i] == watcher) {
            limi_chime_clear(&watcher->chime);
        } else {
            look_at(watcher, keys[i]);
        }
    }
    limi_mutex_lock(&supervisor->lock);
    leaving = watcher->leaving;
    limi_mutex_unlock(&supervisor->lock);
    return !leaving;
}

static limi_watched *first_of(limi_watcher *watcher)
{
    limi_list *first;
    limi_mutex_lock(&watcher->supervisor->lock);
    first = watcher->watched.next;
    limi_mutex_unlock(&watcher->supervisor->lock);
    return first != &watcher->watched ? LIMI_HOLDER(first, limi_watched, place) : NULL;
}

static void watch(void *argument)
{
    limi_watcher *watcher = argument;
    limi_frame frame = {.supervisor = watcher->supervisor, .watching = true};
    void *keys[BATCH];
    limi_watched *watched;
    limi_frame_enter(&frame);
    while (look_at_all(watcher, keys, limi_poller_wait(&watcher->poller, keys, BATCH, INT64_MAX))) {
    }
    while ((watched = first_of(watcher)) != NULL) {
        liminal_exit_reason reason = {LIMINAL_EXIT_UNKNOWN, 0};
        (void)limi_watch_over(&watched->watch, false, &reason);
        end(watcher, watched, reason);
    }
    limi_frame_leave(&frame);
}

static void destroy(limi_watcher *watcher)
{
    limi_chime_close(&watcher->chime);
    limi_poller_close(&watcher->poller);
    limi_release(&watcher->supervisor->allocator, watcher, sizeof *watcher);
}

static void unwound(void *argument);

static void body(void *argument)
{
    limi_watcher *watcher = argument;
    liminal_supervisor *supervisor = watcher->supervisor;
    limi_scope_ours();
    limi_thread_guard(watch, unwound, watcher);
    limi_mutex_lock(&supervisor->lock);
    supervisor->watcher = NULL;
    limi_mutex_unlock(&supervisor->lock);
    destroy(watcher);
    limi_supervisor_thread_over(supervisor, false);
}

/* A notice has ended this thread, which it must not do: the others are told nevertheless. */
static void unwound(void *argument)
{
    limi_scope_unwound();
    body(argument);
}

bool limi_watcher_is_here(const liminal_supervisor *supervisor)
{
    const limi_frame *frame;
    for (frame = limi_scope_here()->frame; frame != NULL; frame = frame->outer) {
        if (frame->watching && frame->supervisor == supervisor) {
            return true;
        }
    }
    return false;
}

/* ---- its start and its end ---- */

static liminal_status open_descriptors(limi_watcher *watcher)
{
    liminal_status st = limi_poller_open(&watcher->poller);
    if (st != LIMINAL_OK) {
        return st;
    }
    st = limi_chime_open(&watcher->chime);
    if (st != LIMINAL_OK) {
        limi_poller_close(&watcher->poller);
        return st;
    }
    st = limi_poller_add(&watcher->poller, watcher->chime.fd, watcher);
    if (st != LIMINAL_OK) {
        limi_chime_close(&watcher->chime);
        limi_poller_close(&watcher->poller);
    }
    return st;
}

/* All but its thread. */
static liminal_status create(liminal_supervisor *supervisor, limi_watcher **out) LIMI_REQUIRES(supervisor->lock)
{
    limi_watcher *watcher;
    liminal_status st;
    if (supervisor->census.threads >= supervisor->max_threads) {
        return limi_detail(LIMINAL_ELIMIT, "max_threads: %zu live already, 1 wanted", supervisor->census.threads);
    }
    watcher = limi_allocate(&supervisor->allocator, sizeof *watcher);
    if (watcher == NULL) {
        return LIMINAL_ENOMEM;
    }
    watcher->supervisor = supervisor;
    limi_list_init(&watcher->watched);
    st = open_descriptors(watcher);
    if (st != LIMINAL_OK) {
        limi_release(&supervisor->allocator, watcher, sizeof *watcher);
        return limi_detail(st, "no descriptor left to watch with");
    }
    *out = watcher;
    return LIMINAL_OK;
}

/* Once for each supervisor, so the lock may be held over it. */
static liminal_status start(liminal_supervisor *supervisor, limi_watcher *watcher) LIMI_REQUIRES(supervisor->lock)
{
    liminal_status st;
    watcher->plan.name = "liminal-watcher";
    watcher->plan.stack_bytes = supervisor->stack_bytes;
    watcher->plan.body = body;
    watcher->plan.argument = watcher;
    st = limi_thread_start(&watcher->plan);
    if (st != LIMINAL_OK) {
        return limi_detail(st, "watcher: the system refuses a thread of %zu bytes", supervisor->stack_bytes);
    }
    supervisor->census.threads++;
    supervisor->watcher = watcher;
    limi_pool_make_room(supervisor);
    return st;
}

void limi_watcher_dismiss(liminal_supervisor *supervisor)
{
    limi_mutex_lock(&supervisor->lock);
    if (supervisor->watcher != NULL && !supervisor->watcher->leaving) {
        supervisor->watcher->leaving = true;
        limi_chime_ring(&supervisor->watcher->chime); /* under the lock, so that it is there */
    }
    limi_mutex_unlock(&supervisor->lock);
}

/* ---- watching ---- */

/* Into the registry, into the poller, and a thread for it: all or nothing. */
static liminal_status enlist(liminal_supervisor *supervisor, limi_watcher *watcher, limi_watched *watched)
    LIMI_REQUIRES(supervisor->lock)
{
    liminal_status st = limi_adopted_enlist(supervisor, &watched->adopted);
    if (st != LIMINAL_OK) {
        return st;
    }
    st = limi_poller_add(&watcher->poller, watched->watch.fd, watched);
    if (st == LIMINAL_OK && supervisor->watcher == NULL) {
        st = start(supervisor, watcher);
        if (st != LIMINAL_OK) {
            limi_poller_remove(&watcher->poller, watched->watch.fd);
        }
    }
    if (st != LIMINAL_OK) {
        limi_registry_remove(supervisor, &watched->adopted.process);
        return st;
    }
    limi_list_append(&watcher->watched, &watched->place);
    watched->adopted.process.latent = false;
    return st;
}

static liminal_status begin(liminal_supervisor *supervisor, limi_watched *watched, liminal_pid *out)
{
    limi_watcher *watcher, *fresh = NULL;
    liminal_status st = LIMINAL_OK;
    limi_mutex_lock(&supervisor->lock);
    watcher = supervisor->watcher;
    if (watcher == NULL) {
        st = create(supervisor, &fresh);
        watcher = fresh;
    }
    if (st == LIMINAL_OK) {
        st = enlist(supervisor, watcher, watched);
    }
    if (st == LIMINAL_OK) {
        *out = watched->adopted.process.exit.pid;
    } else if (fresh != NULL) {
        destroy(fresh);
    }
    limi_mutex_unlock(&supervisor->lock);
    return st;
}

liminal_status liminal_os_process_watch(liminal_supervisor *supervisor, int64_t os_pid, liminal_pid *out)
{
    limi_watched *watched;
    liminal_status st;
    if (supervisor == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", supervisor == NULL ? "supervisor" : "out");
    }
    st = limi_supervisor_here(supervisor);
    if (st != LIMINAL_OK) {
        return st;
    }
    if (os_pid <= 0 || os_pid > INT32_MAX) {
        return limi_detail(LIMINAL_EINVAL, "os_pid: %lld is not a process", (long long)os_pid);
    }
    watched = limi_adopted_create(supervisor, sizeof *watched, &watched_kind);
    if (watched == NULL) {
        return LIMINAL_ENOMEM;
    }
    limi_list_init(&watched->place);
    st = limi_watch_open(&watched->watch, os_pid);
    if (st == LIMINAL_OK) {
        st = begin(supervisor, watched, out);
        if (st == LIMINAL_OK) {
            return st;
        }
        limi_watch_close(&watched->watch);
    }
    unref(&watched->adopted.process);
    return st;
}

/* SPDX-License-Identifier: MIT */
/* supervisor.c -- the owner of every conversation, thread and process id of one embedder.
 *
 * Threads that have ended are joined without anybody waiting for them: each one, as the last thing it
 * does, takes the place of one that ended LIMI_UNJOINED_MOST before it and joins that, which is gone by then. So no
 * more than those are unjoined, and with the census at zero joining them joins all. (To join the one just before means
 * to wait for it where many end at once, each for the next, in a long row.) */
#include "supervisor.h"

#include "detail.h"
#include "later.h"
#include "scope.h"
#include "talk.h"

#include <stdio.h>

liminal_status limi_supervisor_elsewhere(void)
{
    return limi_detail(LIMINAL_EFORKED, "the supervisor belongs to the process that this one was forked from");
}

liminal_status limi_supervisor_check(const liminal_supervisor *supervisor)
{
    return supervisor == NULL ? limi_detail(LIMINAL_EINVAL, "supervisor: NULL") : limi_supervisor_here(supervisor);
}

void limi_supervisor_ref(liminal_supervisor *supervisor)
{
    limi_refcount_up(&supervisor->owners);
}

void limi_supervisor_unref(liminal_supervisor *supervisor)
{
    if (limi_refcount_down(&supervisor->owners)) {
        liminal_allocator allocator = supervisor->allocator;
        limi_mutex_destroy(&supervisor->waits);
        limi_mutex_destroy(&supervisor->lock);
        limi_word_destroy(&supervisor->changed);
        limi_release(&allocator, supervisor, sizeof *supervisor);
    }
}

static liminal_status take_options(const liminal_supervisor_options *from, liminal_supervisor *to)
{
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options)};
    liminal_status st = LIMINAL_OK;
    if (from != NULL) {
        st = limi_table_take(&options, sizeof options, sizeof options, from, "options");
    }
    if (st || (st = limi_allocator_take(&to->allocator, options.allocator))) {
        return st;
    }
    if (options.collector != NULL) {
        st = limi_table_take(&to->collector, sizeof to->collector, sizeof to->collector, options.collector,
                             "options.collector");
        if (st == LIMINAL_OK && to->collector.collect == NULL) {
            st = limi_detail(LIMINAL_EINVAL, "options.collector: collect is required");
        }
    }
    to->max_conversations = options.max_conversations != 0 ? options.max_conversations : SIZE_MAX;
    to->max_threads = options.max_threads != 0 ? options.max_threads : SIZE_MAX;
    to->pool.idle_most = options.idle_threads != 0 ? options.idle_threads : LIMINAL_DEFAULT_IDLE_THREADS;
    to->pool.idle_most = options.idle_threads != LIMINAL_NO_IDLE_THREADS ? to->pool.idle_most : 0;
    to->stack_bytes = options.stack_bytes != 0 ? options.stack_bytes : LIMINAL_DEFAULT_STACK_BYTES;
    return st;
}

liminal_status liminal_supervisor_open(const liminal_supervisor_options *options, liminal_supervisor **out)
{
    liminal_supervisor made = {.epoch = limi_epoch()};
    liminal_supervisor *supervisor;
    liminal_status st;
    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    st = take_options(options, &made);
    if (st != LIMINAL_OK) {
        return st;
    }
    if (made.epoch == 0) {
        return limi_detail(LIMINAL_ENOMEM, "no memory to tell a forked child by");
    }
    supervisor = limi_allocate(&made.allocator, sizeof *supervisor);
    if (supervisor == NULL) {
        return LIMINAL_ENOMEM;
    }
    *supervisor = made;
    limi_refcount_init(&supervisor->owners);
    limi_mutex_init(&supervisor->waits);
    limi_mutex_init(&supervisor->lock);
    limi_word_init(&supervisor->changed, 0);
    limi_pool_init(&supervisor->pool);
    limi_list_init(&supervisor->talks);
    limi_list_init(&supervisor->told);
    limi_list_init(&supervisor->attached);
    limi_list_init(&supervisor->remembered);
    limi_list_init(&supervisor->registry.readings);
    limi_random(&supervisor->registry.seed, sizeof supervisor->registry.seed);
    *out = supervisor;
    return LIMINAL_OK;
}

/* The lock goes to whoever is quickest, which is not one that has to be woken first: so this stays away for a
 * moment. */
void limi_supervisor_let_in(liminal_supervisor *supervisor)
{
    enum { MOMENT_NS = 20000 };
    limi_word nothing;
    limi_mutex_unlock(&supervisor->lock);
    limi_word_init(&nothing, 0);
    (void)limi_park(&nothing, 0, limi_later(limi_clock_monotonic(), MOMENT_NS));
    limi_word_destroy(&nothing);
    limi_mutex_lock(&supervisor->lock);
}

/* ---- the census ---- */

liminal_status limi_supervisor_reserve(liminal_supervisor *supervisor, size_t threads)
{
    liminal_status st = LIMINAL_OK;
    limi_mutex_lock(&supervisor->lock);
    if (supervisor->closing) {
        st = limi_detail(LIMINAL_ECLOSED, "the supervisor is shutting down");
    } else if (supervisor->census.conversations >= supervisor->max_conversations) {
        st = limi_detail(LIMINAL_ELIMIT, "max_conversations: %zu live already", supervisor->census.conversations);
    } else if (supervisor->census.threads > supervisor->max_threads || /* one that is being replaced counts twice */
               threads > supervisor->max_threads - supervisor->census.threads) {
        st = limi_detail(LIMINAL_ELIMIT, "max_threads: %zu live already, %zu wanted", supervisor->census.threads,
                         threads);
    } else {
        supervisor->census.conversations++;
        supervisor->census.threads += threads;
    }
    limi_mutex_unlock(&supervisor->lock);
    return st;
}

/* The shutdown looks again, if there is one, when nobody is left but who watches OS processes: it says so before it
 * looks. */
void limi_supervisor_changed(liminal_supervisor *supervisor)
{
    size_t left = supervisor->census.threads + supervisor->pool.leaving + supervisor->pool.idle_count;
    if (supervisor->closing && left <= (supervisor->watcher != NULL)) {
        (void)limi_u32_add(&supervisor->changed.value, 1);
        limi_unpark(&supervisor->changed);
    }
}

void limi_supervisor_unreserve(liminal_supervisor *supervisor, size_t conversations, size_t threads)
{
    limi_mutex_lock(&supervisor->lock);
    supervisor->census.conversations -= conversations;
    supervisor->census.threads -= threads;
    limi_supervisor_changed(supervisor);
    limi_mutex_unlock(&supervisor->lock);
}

void limi_supervisor_conversation_over(liminal_supervisor *supervisor, limi_talk *talk)
{
    supervisor->census.conversations -= !talk->over; /* no shutdown waits for this */
    talk->over = true;
}

void limi_supervisor_participants(liminal_supervisor *supervisor, size_t more, size_t fewer)
{
    limi_mutex_lock(&supervisor->lock);
    supervisor->census.participants += more;
    supervisor->census.participants -= fewer;
    limi_mutex_unlock(&supervisor->lock);
}

void limi_supervisor_thread_more(liminal_supervisor *supervisor)
{
    limi_mutex_lock(&supervisor->lock);
    supervisor->census.threads++;
    limi_mutex_unlock(&supervisor->lock);
}

void limi_supervisor_thread_fewer(liminal_supervisor *supervisor)
{
    limi_mutex_lock(&supervisor->lock);
    supervisor->census.threads--;
    limi_supervisor_changed(supervisor);
    limi_mutex_unlock(&supervisor->lock);
}

/* The calling thread; true: *out has to make room for it. */
static bool put_among_the_ended(liminal_supervisor *supervisor, limi_thread *out) LIMI_REQUIRES(supervisor->lock)
{
    bool full = supervisor->ended_count == LIMI_UNJOINED_MOST;
    if (full) {
        *out = supervisor->ended[supervisor->ended_first];
        supervisor->ended_first = (supervisor->ended_first + 1) % LIMI_UNJOINED_MOST;
        supervisor->ended_count--;
    }
    supervisor->ended[(supervisor->ended_first + supervisor->ended_count) % LIMI_UNJOINED_MOST] = limi_thread_self();
    supervisor->ended_count++;
    return full;
}

void limi_supervisor_thread_over(liminal_supervisor *supervisor, bool dismissed)
{
    limi_thread before;
    bool had_before;
    limi_mutex_lock(&supervisor->lock);
    had_before = put_among_the_ended(supervisor, &before);
    supervisor->joined++;
    supervisor->census.threads -= !dismissed;
    supervisor->pool.leaving -= dismissed;
    limi_pool_trim(supervisor);
    limi_supervisor_changed(supervisor);
    limi_mutex_unlock(&supervisor->lock);
    /* The supervisor may be freed from here on, but not before this thread was joined. */
    if (had_before) {
        limi_thread_join(before);
    }
}

liminal_census liminal_supervisor_census(const liminal_supervisor *supervisor)
{
    liminal_census census = {0, 0, 0};
    if (supervisor != NULL && limi_supervisor_here(supervisor) == LIMINAL_OK) {
        liminal_supervisor *s = (liminal_supervisor *)(uintptr_t)supervisor; /* its lock changes, nothing else */
        limi_mutex_lock(&s->lock);
        census = s->census;
        limi_mutex_unlock(&s->lock);
    }
    return census;
}

/* ---- looking up ---- */

static liminal_status give_handle(limi_talk *talk, liminal_conversation **out)
{
    if (talk == NULL || talk->over || !talk->has_handle || !limi_handle_try_ref(&talk->handle)) {
        return LIMINAL_ENOPROC;
    }
    *out = &talk->handle;
    return LIMINAL_OK;
}

static liminal_status check_find(const liminal_supervisor *supervisor, bool rest, const char *what)
{
    if (supervisor == NULL || !rest) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", supervisor == NULL ? "supervisor" : what);
    }
    return limi_supervisor_here(supervisor);
}

liminal_status liminal_supervisor_find(liminal_supervisor *supervisor, liminal_pid pid, liminal_conversation **out)
{
    liminal_status st = check_find(supervisor, out != NULL, "out");
    limi_process *process;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    process = limi_registry_find(supervisor, pid);
    st = give_handle(process != NULL && process->kind == &limi_life_kind && !process->dead ? process->talk : NULL, out);
    limi_mutex_unlock(&supervisor->lock);
    return st == LIMINAL_OK ? st
                            : limi_detail(st, "no live conversation has pid %llu", (unsigned long long)pid.value);
}

liminal_status liminal_supervisor_find_name(liminal_supervisor *supervisor, const char *name,
                                            liminal_conversation **out)
{
    liminal_status st = check_find(supervisor, name != NULL && out != NULL, name == NULL ? "name" : "out");
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    st = give_handle(limi_registry_find_name(supervisor, name), out);
    limi_mutex_unlock(&supervisor->lock);
    return st == LIMINAL_OK ? st : limi_detail(st, "no live conversation is called \"%.100s\"", name);
}

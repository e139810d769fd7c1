/* SPDX-License-Identifier: MIT */
/* notice.c -- exit notices.
 *
 * A notice, guarded by the supervisor's lock:
 *
 *   ARMED --taken off the dead one's list--> FIRING --its callback has returned--> FIRED
 *   ARMED --cancelled--> CANCELLED
 *
 * The record of a death and the arming of a notice meet under that lock: the arming either is on the
 * list before `dead` is set, and the dying thread comes to it, or it sees `dead` and fires at once.
 * Each is taken off the list one at a time, so that it can be cancelled until the moment it fires.
 * Callbacks run outside the lock. Who cancels a FIRING one parks on `word`, which says FIRED before
 * the unpark. Owners of a notice: the embedder's pointer, and its place on the list until it has
 * fired or was cancelled. */
#include "process.h"

#include "detail.h"
#include "scope.h"
#include "supervisor.h"

enum { ARMED, FIRING, FIRED, CANCELLED };

struct liminal_notice {
    limi_list link;
    limi_word word; /* the state */
    limi_refcount owners;
    liminal_supervisor *supervisor;
    void (*notify)(void *self, const liminal_exit *exit);
    void *self;
    bool watch; /* it is a conversation's */
};

static void release(liminal_notice *notice)
{
    if (limi_refcount_down(&notice->owners)) {
        liminal_supervisor *supervisor = notice->supervisor;
        limi_word_destroy(&notice->word);
        limi_release(&supervisor->allocator, notice, sizeof *notice);
        limi_supervisor_unref(supervisor);
    }
}

typedef struct firing {
    liminal_notice *notice;
    const liminal_exit *exit;
    unsigned owners; /* that this call stands for: the list, and who is just registering it */
} firing;

static void call_notify(void *argument)
{
    const firing *f = argument;
    limi_frame frame = {.notice = f->notice, .supervisor = f->notice->supervisor};
    limi_frame_enter(&frame);
    f->notice->notify(f->notice->self, f->exit);
    limi_frame_leave(&frame);
}

static void fired(liminal_notice *notice)
{
    limi_u32_store(&notice->word.value, FIRED);
    limi_unpark(&notice->word);
    release(notice);
}

/* It ended its thread. */
static void fire_unwound(void *argument)
{
    const firing *f = argument;
    limi_scope_unwound();
    if (f->owners > 1) {
        release(f->notice);
    }
    fired(f->notice);
}

/* FIRING -> FIRED, on this thread. Consumes the list's ownership. */
static void fire(liminal_notice *notice, const liminal_exit *exit, unsigned owners)
{
    firing f = {notice, exit, owners};
    limi_thread_guard(call_notify, fire_unwound, &f);
    fired(notice);
}

/* The first one that is armed, or NULL. */
static liminal_notice *first_of(const limi_process *process)
{
    const limi_list *armed = &process->notices;
    return limi_list_empty(armed) ? NULL : LIMI_HOLDER(armed->next, liminal_notice, link);
}

static void fire_all(liminal_supervisor *supervisor, const limi_process *process, bool watches)
{
    for (;;) {
        liminal_notice *notice;
        limi_mutex_lock(&supervisor->lock);
        notice = first_of(process);
        if (notice != NULL && watches && !notice->watch) {
            notice = NULL;
        }
        if (notice != NULL) {
            limi_list_remove(&notice->link);
            limi_u32_store(&notice->word.value, FIRING);
        }
        limi_mutex_unlock(&supervisor->lock);
        if (notice == NULL) {
            return;
        }
        fire(notice, &process->exit, 1); /* dead: it does not change any more */
    }
}

void limi_process_tell_watchers(liminal_supervisor *supervisor, limi_process *process)
{
    fire_all(supervisor, process, true);
}

void limi_process_announce(liminal_supervisor *supervisor, limi_process *process)
{
    fire_all(supervisor, process, false);
}

liminal_status limi_notice_arm(liminal_supervisor *supervisor, liminal_pid pid,
                               void (*notify)(void *self, const liminal_exit *exit), void *self, bool watch,
                               liminal_notice **out)
{
    liminal_notice *notice = limi_allocate(&supervisor->allocator, sizeof *notice);
    limi_process *process;
    liminal_exit exit;
    bool dead = false;
    if (notice == NULL) {
        return LIMINAL_ENOMEM;
    }
    limi_refcount_init(&notice->owners);
    limi_word_init(&notice->word, ARMED);
    limi_list_init(&notice->link);
    notice->supervisor = supervisor;
    notice->notify = notify;
    notice->self = self;
    notice->watch = watch;
    limi_supervisor_ref(supervisor);

    limi_mutex_lock(&supervisor->lock);
    process = limi_registry_find(supervisor, pid);
    if (process == NULL || (process->dead && watch)) {
        limi_mutex_unlock(&supervisor->lock);
        release(notice);
        return limi_detail(LIMINAL_ENOPROC, "no process %llu here", (unsigned long long)pid.value);
    }
    dead = process->dead;
    exit = process->exit;
    limi_refcount_up(&notice->owners);
    if (dead) {
        limi_u32_store(&notice->word.value, FIRING);
    } else {
        if (watch) { /* in front, the last one first: no two conversations can tell */
            limi_list_prepend(&process->notices, &notice->link);
        } else {
            limi_list_append(&process->notices, &notice->link);
        }
        if (out != NULL) {
            *out = notice; /* before another thread can call it: it may let go of itself */
        }
    }
    limi_mutex_unlock(&supervisor->lock);

    if (dead) {
        fire(notice, &exit, 2); /* which may end this thread, and then nobody has it */
    }
    if (out == NULL) {
        release(notice);
    } else if (dead) {
        *out = notice;
    }
    return LIMINAL_OK;
}

/* ARMED -> CANCELLED; false if it is no longer armed. */
static bool disarm(liminal_notice *notice)
{
    bool armed;
    limi_mutex_lock(&notice->supervisor->lock);
    armed = limi_u32_load(&notice->word.value) == ARMED;
    if (armed) {
        limi_list_remove(&notice->link);
        limi_u32_store(&notice->word.value, CANCELLED);
    }
    limi_mutex_unlock(&notice->supervisor->lock);
    if (armed) {
        release(notice); /* the list's */
    }
    return armed;
}

bool limi_notice_take_back(liminal_notice **notice)
{
    bool armed = disarm(*notice);
    liminal_notice_drop(notice);
    return armed;
}

static bool inside(const liminal_notice *notice)
{
    const limi_frame *frame;
    for (frame = limi_scope_here()->frame; frame != NULL; frame = frame->outer) {
        if (frame->notice == notice) {
            return true;
        }
    }
    return false;
}

liminal_status liminal_notice_cancel(liminal_notice **notice, liminal_deadline deadline)
{
    if (notice == NULL) {
        return limi_detail(LIMINAL_EINVAL, "notice: NULL");
    }
    if (*notice == NULL) {
        return LIMINAL_OK;
    }
    if (limi_supervisor_here((*notice)->supervisor) != LIMINAL_OK) {
        *notice = NULL;
        return LIMINAL_OK; /* in a forked child it can never fire */
    }
    if (!disarm(*notice) && !inside(*notice)) {
        bool in_time = true;
        while (limi_u32_load(&(*notice)->word.value) == FIRING) {
            if (!in_time) {
                return limi_detail(LIMINAL_ETIMEDOUT, "the exit notice is still running");
            }
            in_time = limi_park(&(*notice)->word, FIRING, deadline.ns);
        }
    }
    release(*notice);
    *notice = NULL;
    return LIMINAL_OK;
}

void liminal_notice_drop(liminal_notice **notice)
{
    if (notice != NULL && *notice != NULL) {
        if (limi_supervisor_here((*notice)->supervisor) == LIMINAL_OK) {
            release(*notice);
        }
        *notice = NULL;
    }
}

/* SPDX-License-Identifier: MIT */
/* supervisor.h -- the owner of every conversation, thread and process id of one embedder. */
#ifndef LIMI_SUPERVISOR_H
#define LIMI_SUPERVISOR_H

#include <liminal/supervisor.h>

#include "memory.h"
#include "pool.h"
#include "process.h"
#include "refcount.h"

/* Three indexes: processes by pid, conversations by name, links by their two pids. Guarded by the
 * supervisor's lock. */
typedef struct limi_registry {
    limi_process *by_pid;
    limi_list readings; /* under way: see registry.c */
    struct limi_named *by_name;
    limi_link *links;
    uint64_t seed;
} limi_registry;

#define LIMI_UNJOINED_MOST 16

/* `lock` guards all that comes after it. It is taken last (inside a talk's lock, never the other way
 * round) and held for a few dozen instructions, in a loop for LIMI_STEPS_AT_ONCE steps;
 * nothing of the embedder runs under it but the allocator. `waits` has a lock of its own: see wait.c. */
struct liminal_supervisor {
    liminal_allocator allocator;
    liminal_collector collector; /* size 0: none */
    limi_refcount owners;        /* the embedder until shutdown, and each conversation */
    uint64_t epoch;
    size_t max_conversations, max_threads, stack_bytes;

    limi_mutex waits;

    limi_mutex lock;
    limi_registry registry;
    uint64_t last_pid;
    liminal_census census;
    limi_list talks;         /* every conversation whose memory lives ... */
    limi_list told;          /* ... and those that a shutdown has told to close */
    bool closing;
    limi_pool pool;
    limi_thread ended[LIMI_UNJOINED_MOST]; /* the last threads that ended: nobody has joined them yet ... */
    size_t ended_first, ended_count;       /* ... the oldest, and how many */
    size_t joined;
    size_t closed_by_shutdown;
    limi_word changed; /* in a shutdown: counts up when fewer threads are left, or an attached one lets go */

    /* What was adopted: see adopted.h. */
    limi_list attached; /* threads of the host ... */
    size_t held;        /* ... and how many have not let go of this supervisor */
    limi_key key;       /* of all of them */
    bool has_key;
    struct limi_watcher *watcher; /* from the first OS process that is watched */
    limi_list remembered;         /* the dead, the one that died first in front ... */
    size_t remembered_count;
    bool forgetful; /* ... until a shutdown has forgotten them */
};

/* LIMINAL_OK, or LIMINAL_EFORKED in a child. Cheap; before anything is locked. */
liminal_status limi_supervisor_elsewhere(void); /* EFORKED */
static inline liminal_status limi_supervisor_here(const liminal_supervisor *supervisor)
{
    return limi_epoch() == supervisor->epoch ? LIMINAL_OK : limi_supervisor_elsewhere();
}

/* The same, without a call and with no detail; false says only that it must be asked as above. */
static inline bool limi_supervisor_is_here(const liminal_supervisor *supervisor)
{
    return limi_epoch_known() == supervisor->epoch;
}

/* The same, and EINVAL for NULL. */
liminal_status limi_supervisor_check(const liminal_supervisor *supervisor);

void limi_supervisor_ref(liminal_supervisor *supervisor);
void limi_supervisor_unref(liminal_supervisor *supervisor);

/* Room for one conversation with so many threads: ECLOSED, ELIMIT. */
liminal_status limi_supervisor_reserve(liminal_supervisor *supervisor, size_t threads);
void limi_supervisor_unreserve(liminal_supervisor *supervisor, size_t conversations, size_t threads);

/* One conversation has closed or failed, and gives its place back: once, however often it is said. */
void limi_supervisor_conversation_over(liminal_supervisor *supervisor, struct limi_talk *talk)
    LIMI_REQUIRES(supervisor->lock);

/* So many behaviours have come, so many have gone. */
void limi_supervisor_participants(liminal_supervisor *supervisor, size_t more, size_t fewer);

/* A thread more, whatever the limit says, because it takes the place of another; and if it could not start. */
void limi_supervisor_thread_more(liminal_supervisor *supervisor);
void limi_supervisor_thread_fewer(liminal_supervisor *supervisor);

/* What a shutdown waits for has become less. */
void limi_supervisor_changed(liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock);

/* The last thing a thread of ours does: it is joined by one that ends later, or by shutdown. The census counts it
 * still, or, if it was dismissed from the pool, that does. */
void limi_supervisor_thread_over(liminal_supervisor *supervisor, bool dismissed);

/* ---- pool.c; with the lock held ---- */

/* If more are idle than may be, none at all in a shutdown, some leave, and each that is over dismisses the next. */
void limi_pool_trim(liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock);

/* Those that are live and those that are idle together are no more than may live. */
void limi_pool_make_room(liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock);

/* ---- registry.c; with the lock held ---- */

liminal_pid limi_registry_new_pid(liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock);

/* ENOMEM. What was not added, or was removed already, may be removed as well. */
liminal_status limi_registry_add(liminal_supervisor *supervisor, limi_process *process) LIMI_REQUIRES(supervisor->lock);
void limi_registry_remove(liminal_supervisor *supervisor, limi_process *process) LIMI_REQUIRES(supervisor->lock);

limi_process *limi_registry_find(liminal_supervisor *supervisor, liminal_pid pid) LIMI_REQUIRES(supervisor->lock);

/* EINVAL if the name is taken. The name is borrowed from the conversation until it is given up. */
liminal_status limi_registry_add_name(liminal_supervisor *supervisor, struct limi_talk *talk)
    LIMI_REQUIRES(supervisor->lock);
void limi_registry_remove_name(liminal_supervisor *supervisor, struct limi_talk *talk) LIMI_REQUIRES(supervisor->lock);
struct limi_talk *limi_registry_find_name(liminal_supervisor *supervisor, const char *name)
    LIMI_REQUIRES(supervisor->lock);

/* ---- process.c and link.c; with the lock held ---- */

bool limi_process_mark_locked(liminal_supervisor *supervisor, limi_process *process, liminal_exit_reason reason,
                              limi_instant seen) LIMI_REQUIRES(supervisor->lock);

/* What an exit did to another process: what is left to do when the lock is released. */
typedef struct limi_reached {
    limi_process *dead;    /* it was marked, and has to be mourned; with a ref */
    limi_process *told;    /* it traps, and has to be given ... */
    limi_message *message; /* ... this, or to look into its inbox; with a ref */
    limi_message *waste;   /* to be released */
} limi_reached;

limi_process *limi_process_find_alive(liminal_supervisor *supervisor, liminal_pid pid)
    LIMI_REQUIRES(supervisor->lock);

/* The exit reaches one that lives. Takes the message. */
void limi_process_reach(liminal_supervisor *supervisor, limi_process *to, const liminal_exit *exit,
                        limi_message *message, limi_reached *out) LIMI_REQUIRES(supervisor->lock);

/* An exit message with nothing in it; NULL without memory. Without the lock. */
limi_message *limi_message_create(liminal_supervisor *supervisor);

/* One who has died, and the next of those linked to it: that link is gone with this. False: no link is left. */
bool limi_link_break_next(liminal_supervisor *supervisor, limi_process *dead, limi_reached *out)
    LIMI_REQUIRES(supervisor->lock);

/* Whether it has links, broken ones not counted in. */
bool limi_link_has_any(liminal_supervisor *supervisor, const limi_process *process) LIMI_REQUIRES(supervisor->lock);

/* Without the lock: all but the mourning. */
void limi_reached_tell(liminal_supervisor *supervisor, limi_reached *reached);

/* In a long loop, each so many steps: let those in who wait for the lock. */
#define LIMI_STEPS_AT_ONCE 4096
void limi_supervisor_let_in(liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock);

#endif

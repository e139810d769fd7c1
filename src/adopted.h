/* SPDX-License-Identifier: MIT */
/* adopted.h -- processes that the library did not start: threads of the host (adopt.c) and OS processes
 * (watcher.c); and the memory of those of them that have died (adopted.c). */
#ifndef LIMI_ADOPTED_H
#define LIMI_ADOPTED_H

#include <liminal/adopt.h>

#include "process.h"
#include "refcount.h"
#include "supervisor.h"

/* The beginning of either. It is in the registry while it lives and while it is remembered; that is a share of it. */
typedef struct limi_adopted {
    limi_process process;
    liminal_supervisor *supervisor; /* with a share */
    limi_refcount owners;
    limi_list remembered;
    limi_list inbox; /* exit messages, the oldest first; guarded by the supervisor's lock */
} limi_adopted;

static inline limi_adopted *limi_adopted_of(limi_process *process)
{
    return LIMI_HOLDER(process, limi_adopted, process);
}

/* A zeroed block that begins with one, with one owner and no pid yet; NULL: no memory. */
void *limi_adopted_create(liminal_supervisor *supervisor, size_t size, const limi_process_kind *kind);
void limi_adopted_free(limi_adopted *adopted, size_t size);

/* Give it a pid and put it into the registry, which takes over the caller's share. ECLOSED, ENOMEM. Nobody finds it
 * there before `latent` is false; it can be taken out again until then. */
liminal_status limi_adopted_enlist(liminal_supervisor *supervisor, limi_adopted *adopted)
    LIMI_REQUIRES(supervisor->lock);

/* For its kind: ref(), inbox(), and announce(): after that it is remembered. */
void limi_adopted_ref(limi_process *process);
limi_list *limi_adopted_inbox(limi_process *process);
void limi_adopted_announce(limi_process *process);

/* For a shutdown: forget all, and whoever dies from here on. */
void limi_adopted_forget_all(liminal_supervisor *supervisor);

/* ---- threads of the host: adopt.c ---- */

extern const limi_process_kind limi_attached_kind;

/* Whether the process is the calling thread. */
bool limi_attached_is_here(const limi_process *process);

/* For a shutdown: detach all threads. Those that are inside a call, or leaving, let go by themselves: supervisor->held
 * counts who has not; it has to be called again when `changed` says so. */
void limi_attached_detach_all(liminal_supervisor *supervisor);

/* When nobody is attached any more, and nobody attaches. */
void limi_attached_close(liminal_supervisor *supervisor);

/* ---- OS processes: watcher.c ---- */

/* Whether the calling thread is the supervisor's watcher, on which all their exits are seen. */
bool limi_watcher_is_here(const liminal_supervisor *supervisor);

/* For a shutdown: have it end all that it watches, and leave. */
void limi_watcher_dismiss(liminal_supervisor *supervisor);

#endif

/* SPDX-License-Identifier: MIT */
/* adopted.c -- what all that was adopted has in common: a record of its own, and the memory of the dead.
 *
 *   living --died, announced--> remembered --LIMINAL_REMEMBERED younger ones, or a shutdown--> forgotten
 *
 * It can be found by its pid up to there. It is remembered only when its last notice has been called, so none is open
 * when it is forgotten, and none can be added later. A death that is still being mourned when the shutdown has
 * forgotten everyone is not remembered at all. Everything here is guarded by the supervisor's lock. */
#include "adopted.h"

#include "detail.h"

void *limi_adopted_create(liminal_supervisor *supervisor, size_t size, const limi_process_kind *kind)
{
    limi_adopted *adopted = limi_allocate(&supervisor->allocator, size);
    if (adopted != NULL) {
        limi_process_init(&adopted->process, (liminal_pid){0}, kind, NULL);
        adopted->process.latent = true;
        limi_refcount_init(&adopted->owners);
        limi_list_init(&adopted->remembered);
        limi_list_init(&adopted->inbox);
        limi_supervisor_ref(supervisor);
        adopted->supervisor = supervisor;
    }
    return adopted;
}

void limi_adopted_free(limi_adopted *adopted, size_t size)
{
    liminal_supervisor *supervisor = adopted->supervisor;
    limi_inbox_clear(supervisor, &adopted->inbox);
    limi_release(&supervisor->allocator, adopted, size);
    limi_supervisor_unref(supervisor);
}

liminal_status limi_adopted_enlist(liminal_supervisor *supervisor, limi_adopted *adopted)
{
    if (supervisor->closing) {
        return limi_detail(LIMINAL_ECLOSED, "the supervisor is shutting down");
    }
    adopted->process.exit.pid = limi_registry_new_pid(supervisor);
    return limi_registry_add(supervisor, &adopted->process);
}

void limi_adopted_ref(limi_process *process)
{
    limi_refcount_up(&limi_adopted_of(process)->owners);
}

limi_list *limi_adopted_inbox(limi_process *process)
{
    return &limi_adopted_of(process)->inbox;
}

/* The one that has been remembered longest leaves the registry; the share of it is the caller's. NULL: none is. */
static limi_adopted *forget_oldest(liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock)
{
    limi_list *node = limi_list_pop(&supervisor->remembered);
    limi_adopted *oldest = node != NULL ? LIMI_HOLDER(node, limi_adopted, remembered) : NULL;
    if (oldest != NULL) {
        supervisor->remembered_count--;
        limi_registry_remove(supervisor, &oldest->process);
    }
    return oldest;
}

void limi_adopted_announce(limi_process *process)
{
    limi_adopted *adopted = limi_adopted_of(process);
    liminal_supervisor *supervisor = adopted->supervisor;
    limi_adopted *oldest = NULL;
    limi_process_announce(supervisor, process);
    limi_mutex_lock(&supervisor->lock);
    limi_list_append(&supervisor->remembered, &adopted->remembered);
    supervisor->remembered_count++;
    if (supervisor->remembered_count > (supervisor->forgetful ? 0 : LIMINAL_REMEMBERED)) {
        oldest = forget_oldest(supervisor);
    }
    limi_mutex_unlock(&supervisor->lock);
    if (oldest != NULL) {
        oldest->process.kind->unref(&oldest->process);
    }
}

void limi_adopted_forget_all(liminal_supervisor *supervisor)
{
    limi_adopted *oldest;
    do {
        limi_mutex_lock(&supervisor->lock);
        supervisor->forgetful = true;
        oldest = forget_oldest(supervisor);
        limi_mutex_unlock(&supervisor->lock);
        if (oldest != NULL) {
            oldest->process.kind->unref(&oldest->process);
        }
    } while (oldest != NULL);
}

/* SPDX-License-Identifier: MIT */
/* registry.c -- who is who under one supervisor: an index by pid and one by name.
 *
 * Whoever wants to know of all processes reads the index in the order in which they came, a few at a time, so that
 * nobody has to wait for the lock long, however many they are. It leaves there which one it comes to next; who takes
 * that one out has it come to the one behind. */
#include "detail.h"
#include "supervisor.h"
#include "talk.h"

/* The upper bits differ from supervisor to supervisor, so that a pid of another one is not found; the
 * lower ones count, and would last half a year at a million processes a second. */
#define COUNT_BITS 44

liminal_pid limi_registry_new_pid(liminal_supervisor *supervisor)
{
    if (supervisor->last_pid == 0) {
        supervisor->last_pid = supervisor->registry.seed << COUNT_BITS;
    }
    supervisor->last_pid++;
    supervisor->last_pid += supervisor->last_pid == 0; /* which is nobody */
    return (liminal_pid){supervisor->last_pid};
}

typedef struct reading {
    limi_list place; /* among the registry's */
    const limi_process *next;
    liminal_pid *out;
    size_t room, count;
    size_t left; /* how many were there when this began: who keeps coming does not keep it going */
} reading;

liminal_status limi_registry_add(liminal_supervisor *supervisor, limi_process *process)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    uint64_t seed = supervisor->registry.seed;
    limi_process *added = process;
    HASH_ADD(hh, supervisor->registry.by_pid, exit.pid, sizeof added->exit.pid, added);
    if (added == NULL) {
        return limi_detail(LIMINAL_ENOMEM, "no memory for the registry of processes");
    }
    process->listed = true;
    return LIMINAL_OK;
}

void limi_registry_remove(liminal_supervisor *supervisor, limi_process *process)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    const limi_list *all = &supervisor->registry.readings, *node;
    if (!process->listed) {
        return;
    }
    LIMI_ASSERT(process->latent || (process->dead && !limi_link_has_any(supervisor, process)));
    for (node = all->next; node != all; node = node->next) {
        reading *r = LIMI_HOLDER(node, reading, place);
        r->next = r->next == process ? process->hh.next : r->next;
    }
    process->listed = false;
    HASH_DEL(supervisor->registry.by_pid, process);
}

limi_process *limi_registry_find(liminal_supervisor *supervisor, liminal_pid pid)
{
    uint64_t seed = supervisor->registry.seed;
    limi_process *found = NULL;
    HASH_FIND(hh, supervisor->registry.by_pid, &pid, sizeof pid, found);
    return found != NULL && !found->latent ? found : NULL;
}

liminal_status limi_registry_add_name(liminal_supervisor *supervisor, limi_talk *talk)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    uint64_t seed = supervisor->registry.seed;
    const char *name = limi_talk_name(talk);
    limi_named *added = talk->named;
    if (limi_registry_find_name(supervisor, name) != NULL) {
        return limi_detail(LIMINAL_EINVAL, "config.name: a live conversation is called \"%.100s\"", name);
    }
    HASH_ADD_KEYPTR(hh, supervisor->registry.by_name, name, strlen(name), added);
    if (added == NULL) {
        return limi_detail(LIMINAL_ENOMEM, "no memory for the registry of names");
    }
    talk->is_named = true;
    return LIMINAL_OK;
}

void limi_registry_remove_name(liminal_supervisor *supervisor, limi_talk *talk)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    if (talk->is_named) {
        HASH_DEL(supervisor->registry.by_name, talk->named);
        talk->is_named = false;
    }
}

limi_talk *limi_registry_find_name(liminal_supervisor *supervisor, const char *name)
{
    uint64_t seed = supervisor->registry.seed;
    const limi_named *found = NULL;
    HASH_FIND(hh, supervisor->registry.by_name, name, strlen(name), found);
    return found != NULL ? found->talk : NULL;
}

/* ---- all of them ---- */

/* With the lock. False: that was all. */
static bool read_some(reading *r)
{
    unsigned i;
    for (i = 0; i < LIMI_STEPS_AT_ONCE; i++) {
        const limi_process *process = r->next;
        if (process == NULL || r->left == 0) {
            return false;
        }
        if (!process->dead && !process->latent) {
            if (r->count < r->room) {
                r->out[r->count] = process->exit.pid;
            }
            r->count++;
        }
        r->next = process->hh.next;
        r->left--;
    }
    return true;
}

liminal_status liminal_process_list(liminal_supervisor *supervisor, liminal_pid *out, size_t room, size_t *out_count)
{
    reading r = {.out = out, .room = room};
    liminal_status st;
    if (supervisor == NULL || out_count == NULL || (out == NULL && room > 0)) {
        return limi_detail(LIMINAL_EINVAL, "supervisor, out or out_count: NULL");
    }
    st = limi_supervisor_here(supervisor);
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    r.next = supervisor->registry.by_pid;
    r.left = HASH_COUNT(supervisor->registry.by_pid);
    limi_list_append(&supervisor->registry.readings, &r.place);
    while (read_some(&r)) {
        limi_supervisor_let_in(supervisor);
    }
    limi_list_remove(&r.place);
    limi_mutex_unlock(&supervisor->lock);
    *out_count = r.count;
    return LIMINAL_OK;
}

/* SPDX-License-Identifier: MIT */
/* registry.c -- who is who under one supervisor: an index by pid and one by name.
 *
 * Whoever wants to know of all processes reads the list of all a few at a time, so that nobody has to wait for
 * the lock long, however many they are. It leaves a record of no kind there that holds its place meanwhile. */
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

liminal_status limi_registry_add(liminal_supervisor *supervisor, limi_process *process)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    uint64_t seed = supervisor->registry.seed;
    limi_process *added = process;
    HASH_ADD(hh, supervisor->registry.by_pid, exit.pid, sizeof added->exit.pid, added);
    if (added == NULL) {
        return limi_detail(LIMINAL_ENOMEM, "no memory for the registry of processes");
    }
    limi_list_append(&supervisor->registry.all, &process->peers);
    return LIMINAL_OK;
}

void limi_registry_remove(liminal_supervisor *supervisor, limi_process *process)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    LIMI_ASSERT(process->latent || (process->dead && !limi_link_has_any(supervisor, process)));
    limi_list_remove(&process->peers);
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
    limi_talk *added = talk;
    if (limi_registry_find_name(supervisor, talk->name) != NULL) {
        return limi_detail(LIMINAL_EINVAL, "config.name: a live conversation is called \"%.100s\"", talk->name);
    }
    HASH_ADD_KEYPTR(hh, supervisor->registry.by_name, talk->name, strlen(talk->name), added);
    if (added == NULL) {
        return limi_detail(LIMINAL_ENOMEM, "no memory for the registry of names");
    }
    talk->named = true;
    return LIMINAL_OK;
}

void limi_registry_remove_name(liminal_supervisor *supervisor, limi_talk *talk)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    if (talk->named) {
        HASH_DEL(supervisor->registry.by_name, talk);
        talk->named = false;
    }
}

limi_talk *limi_registry_find_name(liminal_supervisor *supervisor, const char *name)
{
    uint64_t seed = supervisor->registry.seed;
    limi_talk *found = NULL;
    HASH_FIND(hh, supervisor->registry.by_name, name, strlen(name), found);
    return found;
}

/* ---- the list of all ---- */

typedef struct reading {
    limi_process place; /* what follows it was not read */
    liminal_pid *out;
    size_t room, count;
    size_t left; /* how many were there when this began: who keeps coming does not keep it going */
} reading;

/* False: that was all. */
static bool read_some(liminal_supervisor *supervisor, reading *r) LIMI_REQUIRES(supervisor->lock)
{
    unsigned i;
    for (i = 0; i < LIMI_STEPS_AT_ONCE; i++) {
        limi_list *node = r->place.peers.next;
        const limi_process *process = LIMI_HOLDER(node, limi_process, peers);
        if (node == &supervisor->registry.all || r->left == 0) {
            return false;
        }
        r->left -= process->kind != NULL;
        if (process->kind != NULL && !process->dead && !process->latent) {
            if (r->count < r->room) {
                r->out[r->count] = process->exit.pid;
            }
            r->count++;
        }
        limi_list_remove(&r->place.peers);
        limi_list_append(node->next, &r->place.peers); /* behind that one */
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
    limi_list_init(&r.place.peers);
    limi_mutex_lock(&supervisor->lock);
    r.left = HASH_COUNT(supervisor->registry.by_pid);
    limi_list_append(supervisor->registry.all.next, &r.place.peers); /* before the first */
    while (read_some(supervisor, &r)) {
        limi_supervisor_let_in(supervisor);
    }
    limi_list_remove(&r.place.peers);
    limi_mutex_unlock(&supervisor->lock);
    *out_count = r.count;
    return LIMINAL_OK;
}

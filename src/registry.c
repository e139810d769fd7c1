/* SPDX-License-Identifier: MIT */
/* registry.c -- who is who under one supervisor: an index by pid and one by name.
 *
 * Whoever wants to know of all processes reads the index a few at a time, so that nobody has to wait for the lock
 * long, however many they are. */
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

void limi_registry_add(liminal_supervisor *supervisor, limi_process *process)
{
    limi_pids_add(&supervisor->registry.by_pid, process, &supervisor->allocator);
}

void limi_registry_remove(liminal_supervisor *supervisor, limi_process *process)
{
    LIMI_ASSERT(process->latent || (process->dead && !limi_link_has_any(supervisor, process)));
    limi_pids_remove(&supervisor->registry.by_pid, process, &supervisor->allocator);
}

limi_process *limi_registry_find(liminal_supervisor *supervisor, liminal_pid pid)
{
    limi_process *found = limi_pids_find(&supervisor->registry.by_pid, pid);
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

typedef struct reading {
    uint64_t place; /* what lies from here on was not read */
    liminal_pid *out;
    size_t room, count;
} reading;

/* False: that was all. */
static bool read_some(liminal_supervisor *supervisor, reading *r) LIMI_REQUIRES(supervisor->lock)
{
    bool more = true;
    unsigned steps;
    for (steps = 0; more && steps < LIMI_STEPS_AT_ONCE; steps++) {
        limi_process *process;
        more = limi_pids_read(&supervisor->registry.by_pid, &r->place, &process);
        for (; process != NULL; process = process->chained) {
            steps++;
            if (!process->dead && !process->latent) {
                if (r->count < r->room) {
                    r->out[r->count] = process->exit.pid;
                }
                r->count++;
            }
        }
    }
    return more;
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
    while (read_some(supervisor, &r)) {
        limi_supervisor_let_in(supervisor);
    }
    limi_mutex_unlock(&supervisor->lock);
    *out_count = r.count;
    return LIMINAL_OK;
}

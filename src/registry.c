/* SPDX-License-Identifier: MIT */
/* registry.c -- who is who under one supervisor: an index by pid and one by name. */
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
    return (liminal_pid){++supervisor->last_pid};
}

liminal_status limi_registry_add(liminal_supervisor *supervisor, limi_process *process)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    uint64_t seed = supervisor->registry.seed;
    limi_process *added = process;
    HASH_ADD(hh, supervisor->registry.by_pid, exit.pid, sizeof added->exit.pid, added);
    return added != NULL ? LIMINAL_OK : limi_detail(LIMINAL_ENOMEM, "no memory for the registry of processes");
}

void limi_registry_remove(liminal_supervisor *supervisor, limi_process *process)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    HASH_DEL(supervisor->registry.by_pid, process);
}

limi_process *limi_registry_find(liminal_supervisor *supervisor, liminal_pid pid)
{
    uint64_t seed = supervisor->registry.seed;
    limi_process *found = NULL;
    HASH_FIND(hh, supervisor->registry.by_pid, &pid, sizeof pid, found);
    return found;
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

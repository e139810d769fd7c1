/* SPDX-License-Identifier: MIT */
/* link.c -- links, exit messages and exit signals.
 *
 * A link is one block: an entry of the registry under its two pids, and an end on the list of each. When
 * one of the two dies and the other traps, that very block becomes the other's exit message, so no message
 * is lost to a failed allocation. Whether a process lives, its links and its inbox change under the
 * supervisor's lock only; so a link that is made while the peer dies either is on its list before the mark,
 * and is broken by the one who mourns it, or finds it dead. */
#include "detail.h"
#include "memory.h"
#include "process.h"
#include "supervisor.h"

typedef struct link_end {
    limi_list node; /* on the links of `who`; as a message the first end's is on an inbox */
    limi_process *who;
    limi_link *link;
} link_end;

struct limi_link {
    uint64_t pair[2]; /* the smaller pid first */
    link_end ends[2];
    liminal_exit exit; /* as a message */
    UT_hash_handle hh; /* in the registry, by pair */
};

static limi_link *find(liminal_supervisor *supervisor, liminal_pid a, liminal_pid b) LIMI_REQUIRES(supervisor->lock)
{
    uint64_t seed = supervisor->registry.seed;
    uint64_t pair[2] = {a.value < b.value ? a.value : b.value, a.value < b.value ? b.value : a.value};
    limi_link *found = NULL;
    HASH_FIND(hh, supervisor->registry.links, pair, sizeof pair, found);
    return found;
}

static limi_process *find_alive(liminal_supervisor *supervisor, liminal_pid pid) LIMI_REQUIRES(supervisor->lock)
{
    limi_process *process = limi_registry_find(supervisor, pid);
    return process != NULL && !process->dead ? process : NULL;
}

static limi_link *create(liminal_supervisor *supervisor)
{
    limi_link *link = limi_allocate(&supervisor->allocator, sizeof *link);
    unsigned i;
    for (i = 0; link != NULL && i < 2; i++) {
        limi_list_init(&link->ends[i].node);
        link->ends[i].link = link;
    }
    return link;
}

static void release(liminal_supervisor *supervisor, limi_link *link)
{
    limi_release(&supervisor->allocator, link, sizeof *link);
}

static bool tie(liminal_supervisor *supervisor, limi_link *link, limi_process *a, limi_process *b)
    LIMI_REQUIRES(supervisor->lock)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    uint64_t seed = supervisor->registry.seed;
    bool in_order = a->exit.pid.value < b->exit.pid.value;
    limi_link *added = link;
    unsigned i;
    link->ends[0].who = in_order ? a : b;
    link->ends[1].who = in_order ? b : a;
    for (i = 0; i < 2; i++) {
        link->pair[i] = link->ends[i].who->exit.pid.value;
    }
    HASH_ADD(hh, supervisor->registry.links, pair, sizeof added->pair, added);
    for (i = 0; added != NULL && i < 2; i++) {
        limi_list_append(&link->ends[i].who->links, &link->ends[i].node);
    }
    return added != NULL;
}

static void cut(liminal_supervisor *supervisor, limi_link *link) LIMI_REQUIRES(supervisor->lock)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    HASH_DEL(supervisor->registry.links, link);
    limi_list_remove(&link->ends[0].node);
    limi_list_remove(&link->ends[1].node);
}

/* ---- what an exit does to another one ---- */

/* Who has to be seen to when the lock is released, each with a share. */
typedef struct outcome {
    limi_process *dead, *told;
} outcome;

/* The exit reaches `to`, which lives. `message` is consumed, or released if it is not needed. */
static void reach(liminal_supervisor *supervisor, limi_process *to, const liminal_exit *exit, limi_link *message,
                  outcome *out) LIMI_REQUIRES(supervisor->lock)
{
    if (to->traps) {
        message->exit = *exit;
        limi_list_append(&to->inbox, &message->ends[0].node);
        to->kind->ref(to);
        out->told = to;
        return;
    }
    release(supervisor, message);
    if (exit->reason.kind != LIMINAL_EXIT_NORMAL && !to->kind->immune) {
        (void)limi_process_mark_locked(supervisor, to, exit->reason, exit->seen, exit->seen_ns.ns);
        to->kind->ref(to);
        out->dead = to;
    }
}

/* Without the lock. */
static void see_to(liminal_supervisor *supervisor, outcome *o)
{
    if (o->dead != NULL) {
        limi_process_mourn(supervisor, o->dead);
        o->dead->kind->unref(o->dead);
    }
    if (o->told != NULL) {
        o->told->kind->told(o->told);
        o->told->kind->unref(o->told);
    }
}

bool limi_link_break_next(liminal_supervisor *supervisor, limi_process *dead, limi_process **out_dead,
                          limi_process **out_told)
{
    limi_list *first = dead->links.next;
    outcome out = {NULL, NULL};
    limi_link *link;
    limi_process *peer;
    if (first == &dead->links) {
        return false;
    }
    link = LIMI_HOLDER(first, link_end, node)->link;
    peer = link->ends[link->ends[0].who == dead].who;
    cut(supervisor, link);
    if (peer->dead) { /* at the same instant, of a reason of its own */
        release(supervisor, link);
    } else {
        reach(supervisor, peer, &dead->exit, link, &out);
    }
    *out_dead = out.dead;
    *out_told = out.told;
    return true;
}

void limi_link_forget(liminal_supervisor *supervisor, limi_process *process)
{
    while (!limi_list_empty(&process->links)) {
        limi_link *link = LIMI_HOLDER(process->links.next, link_end, node)->link;
        cut(supervisor, link);
        release(supervisor, link);
    }
}

/* ---- the inbox ---- */

static limi_link *take_message(liminal_supervisor *supervisor, limi_process *process)
{
    limi_list *first;
    limi_mutex_lock(&supervisor->lock);
    first = limi_list_pop(&process->inbox);
    limi_mutex_unlock(&supervisor->lock);
    return first != NULL ? LIMI_HOLDER(first, link_end, node)->link : NULL;
}

bool limi_inbox_take(liminal_supervisor *supervisor, limi_process *process, liminal_exit *out)
{
    limi_link *message = take_message(supervisor, process);
    if (message == NULL) {
        return false;
    }
    *out = message->exit;
    release(supervisor, message);
    return true;
}

void limi_inbox_clear(liminal_supervisor *supervisor, limi_process *process)
{
    limi_link *message;
    while ((message = take_message(supervisor, process)) != NULL) {
        release(supervisor, message);
    }
}

/* ---- the calls ---- */

static liminal_status check(const liminal_supervisor *supervisor)
{
    return supervisor == NULL ? limi_detail(LIMINAL_EINVAL, "supervisor: NULL") : limi_supervisor_here(supervisor);
}

static liminal_status gone(liminal_pid pid)
{
    return limi_detail(LIMINAL_ENOPROC, "no process %llu lives here", (unsigned long long)pid.value);
}

static liminal_exit exit_of(liminal_pid pid, liminal_exit_reason reason)
{
    return (liminal_exit){pid, reason, liminal_time_now(), {limi_clock_monotonic()}};
}

/* `spare` is consumed if it is stored there; else it stays in *spare. */
static liminal_status link_locked(liminal_supervisor *supervisor, liminal_pid pid, liminal_pid other, limi_link **spare,
                                  outcome *out) LIMI_REQUIRES(supervisor->lock)
{
    limi_process *one = find_alive(supervisor, pid);
    limi_process *two = find_alive(supervisor, other);
    if (one == NULL || (two == NULL && !one->traps)) {
        return LIMINAL_ENOPROC;
    }
    if (two == NULL) {
        liminal_exit none = exit_of(other, (liminal_exit_reason){LIMINAL_EXIT_NOPROC, 0});
        reach(supervisor, one, &none, *spare, out);
    } else if (one == two || find(supervisor, pid, other) != NULL) {
        return LIMINAL_OK;
    } else if (!tie(supervisor, *spare, one, two)) {
        return LIMINAL_ENOMEM;
    }
    *spare = NULL;
    return LIMINAL_OK;
}

liminal_status liminal_process_link(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other)
{
    liminal_status st = check(supervisor);
    outcome out = {NULL, NULL};
    limi_link *spare;
    bool process_lives;
    if (st != LIMINAL_OK) {
        return st;
    }
    spare = create(supervisor);
    if (spare == NULL) {
        return LIMINAL_ENOMEM;
    }
    limi_mutex_lock(&supervisor->lock);
    st = link_locked(supervisor, process, other, &spare, &out);
    process_lives = find_alive(supervisor, process) != NULL;
    limi_mutex_unlock(&supervisor->lock);
    release(supervisor, spare);
    see_to(supervisor, &out);
    if (st == LIMINAL_ENOPROC) {
        return gone(process_lives ? other : process);
    }
    return st == LIMINAL_OK ? st : limi_detail(st, "no memory for the table of links");
}

liminal_status liminal_process_unlink(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other)
{
    liminal_status st = check(supervisor);
    if (st == LIMINAL_OK) {
        limi_link *link;
        limi_mutex_lock(&supervisor->lock);
        link = find(supervisor, process, other);
        if (link != NULL) {
            cut(supervisor, link);
        }
        limi_mutex_unlock(&supervisor->lock);
        release(supervisor, link);
    }
    return st;
}

bool liminal_process_linked(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other)
{
    bool linked;
    if (supervisor == NULL || limi_supervisor_here(supervisor) != LIMINAL_OK) {
        return false;
    }
    limi_mutex_lock(&supervisor->lock);
    linked = find(supervisor, process, other) != NULL;
    limi_mutex_unlock(&supervisor->lock);
    return linked;
}

/* False: it traps, and there is no message to tell it with. */
static bool signal_locked(liminal_supervisor *supervisor, liminal_pid to, const liminal_exit *exit, limi_link **message,
                          outcome *out) LIMI_REQUIRES(supervisor->lock)
{
    limi_process *process = find_alive(supervisor, to);
    if (process == NULL || process->kind->immune) {
        return true;
    }
    if (process->traps && *message == NULL) {
        return false;
    }
    if (!process->traps && exit->pid.value == to.value) { /* its own wish, also a normal one */
        (void)limi_process_mark_locked(supervisor, process, exit->reason, exit->seen, exit->seen_ns.ns);
        process->kind->ref(process);
        out->dead = process;
        return true;
    }
    reach(supervisor, process, exit, *message, out);
    *message = NULL;
    return true;
}

liminal_status liminal_process_signal(liminal_supervisor *supervisor, liminal_pid from, liminal_pid to,
                                      liminal_exit_reason reason)
{
    liminal_status st = check(supervisor);
    liminal_exit exit = exit_of(from, reason);
    limi_link *message = NULL;
    outcome out = {NULL, NULL};
    bool done;
    if (st != LIMINAL_OK) {
        return st;
    }
    if (reason.kind < LIMINAL_EXIT_NORMAL || reason.kind > LIMINAL_EXIT_UNKNOWN) {
        return limi_detail(LIMINAL_EINVAL, "reason.kind: %d is not an exit kind", (int)reason.kind);
    }
    for (done = false; !done;) {
        limi_mutex_lock(&supervisor->lock);
        done = signal_locked(supervisor, to, &exit, &message, &out);
        limi_mutex_unlock(&supervisor->lock);
        if (!done && (message = create(supervisor)) == NULL) {
            return LIMINAL_ENOMEM;
        }
    }
    release(supervisor, message);
    see_to(supervisor, &out);
    return LIMINAL_OK;
}

liminal_status liminal_process_kill(liminal_supervisor *supervisor, liminal_pid pid)
{
    liminal_status st = check(supervisor);
    limi_process *process;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    process = find_alive(supervisor, pid);
    if (process != NULL) {
        process->kind->ref(process);
    }
    limi_mutex_unlock(&supervisor->lock);
    if (process == NULL) {
        return LIMINAL_OK;
    }
    if (process->kind->immune) {
        st = limi_detail(LIMINAL_EINVAL, "process %llu is an OS process that is only watched",
                         (unsigned long long)pid.value);
    } else if (process->kind->kill != NULL) {
        st = process->kind->kill(process);
    } else {
        (void)limi_process_end(supervisor, process, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0});
    }
    process->kind->unref(process);
    return st;
}

liminal_status liminal_process_trap(liminal_supervisor *supervisor, liminal_pid pid, bool trap)
{
    liminal_status st = check(supervisor);
    limi_process *process;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    process = find_alive(supervisor, pid);
    if (process == NULL) {
        st = LIMINAL_ENOPROC;
    } else if (process->kind->told == NULL || process->kind->always_traps) {
        st = LIMINAL_EINVAL;
    } else {
        process->traps = trap;
    }
    limi_mutex_unlock(&supervisor->lock);
    if (st == LIMINAL_EINVAL) {
        return limi_detail(st, "process %llu: whether it traps exits can't be changed", (unsigned long long)pid.value);
    }
    return st == LIMINAL_OK ? st : gone(pid);
}

/* ---- lists ---- */

static void note(liminal_pid pid, liminal_pid *out, size_t room, size_t *count)
{
    if (*count < room) {
        out[*count] = pid;
    }
    (*count)++;
}

static liminal_status check_list(const liminal_supervisor *supervisor, const liminal_pid *out, size_t room,
                                 const size_t *out_count)
{
    if (out_count == NULL || (out == NULL && room > 0)) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", out_count == NULL ? "out_count" : "out");
    }
    return check(supervisor);
}

liminal_status liminal_process_links(liminal_supervisor *supervisor, liminal_pid pid, liminal_pid *out, size_t room,
                                     size_t *out_count)
{
    liminal_status st = check_list(supervisor, out, room, out_count);
    const limi_process *process;
    size_t count = 0;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    process = find_alive(supervisor, pid);
    if (process != NULL) {
        const limi_list *node;
        for (node = process->links.next; node != &process->links; node = node->next) {
            const limi_link *link = LIMI_HOLDER(node, link_end, node)->link;
            note(link->ends[link->ends[0].who == process].who->exit.pid, out, room, &count);
        }
    }
    limi_mutex_unlock(&supervisor->lock);
    if (process == NULL) {
        return gone(pid);
    }
    *out_count = count;
    return LIMINAL_OK;
}

liminal_status liminal_process_list(liminal_supervisor *supervisor, liminal_pid *out, size_t room, size_t *out_count)
{
    liminal_status st = check_list(supervisor, out, room, out_count);
    const limi_process *process;
    size_t count = 0;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    for (process = supervisor->registry.by_pid; process != NULL; process = process->hh.next) {
        if (!process->dead) {
            note(process->exit.pid, out, room, &count);
        }
    }
    limi_mutex_unlock(&supervisor->lock);
    *out_count = count;
    return LIMINAL_OK;
}

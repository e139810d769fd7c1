/* SPDX-License-Identifier: MIT */
/* link.c -- links, and what an exit does to those who are linked. Signals are in signal.c.
 *
 * A link is one block: an entry of the registry under its two pids, and an end on the list of each. When
 * one of the two dies and the other traps, that very block becomes the other's exit message, so no message
 * is lost to a failed allocation. Whether a process lives, and its links, change under the supervisor's lock
 * only; so a link that is made while the peer dies either is on its list before the mark, and is broken by the
 * one who mourns it, or finds it dead. A link to a dead one is an exit on its way.
 *
 * An exit message to one that belongs to a conversation goes through the conversation's mailbox, behind what was
 * accepted there before the exit: last words are heard first. */
#include "detail.h"
#include "memory.h"
#include "process.h"
#include "supervisor.h"

typedef struct link_end {
    limi_list node; /* on the links of `who` */
    limi_process *who;
    limi_link *link; /* NULL: no link, but the place of somebody who reads the list */
} link_end;

struct limi_link {
    uint64_t pair[2]; /* the smaller pid first */
    link_end ends[2];
    limi_message message; /* once it is broken */
    UT_hash_handle hh;    /* in the registry, by pair */
};

static limi_link *find(liminal_supervisor *supervisor, liminal_pid a, liminal_pid b) LIMI_REQUIRES(supervisor->lock)
{
    uint64_t seed = supervisor->registry.seed;
    uint64_t pair[2] = {a.value < b.value ? a.value : b.value, a.value < b.value ? b.value : a.value};
    limi_link *found = NULL;
    HASH_FIND(hh, supervisor->registry.links, pair, sizeof pair, found);
    return found;
}

limi_process *limi_process_find_alive(liminal_supervisor *supervisor, liminal_pid pid)
{
    limi_process *process = limi_registry_find(supervisor, pid);
    return process != NULL && !process->dead ? process : NULL;
}

static limi_link *create(liminal_supervisor *supervisor)
{
    limi_link *link = limi_allocate(&supervisor->allocator, sizeof *link);
    unsigned i;
    if (link != NULL) {
        limi_list_init(&link->message.place);
        for (i = 0; i < 2; i++) {
            limi_list_init(&link->ends[i].node);
            link->ends[i].link = link;
        }
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
        link->ends[i].who->link_count++;
    }
    return added != NULL;
}

static void cut(liminal_supervisor *supervisor, limi_link *link) LIMI_REQUIRES(supervisor->lock)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    unsigned i;
    HASH_DEL(supervisor->registry.links, link);
    for (i = 0; i < 2; i++) {
        limi_list_remove(&link->ends[i].node);
        link->ends[i].who->link_count--;
    }
}

static limi_process *other_than(const limi_link *link, const limi_process *process)
{
    return link->ends[link->ends[0].who == process].who;
}

static limi_link *first_of(const limi_process *process)
{
    const limi_list *node = process->links.next;
    while (node != &process->links && LIMI_HOLDER(node, link_end, node)->link == NULL) {
        node = node->next;
    }
    return node != &process->links ? LIMI_HOLDER(node, link_end, node)->link : NULL;
}

bool limi_link_has_any(liminal_supervisor *supervisor, const limi_process *process)
{
    (void)supervisor;
    return process->link_count > 0;
}

/* ---- exit messages ---- */

limi_message *limi_message_create(liminal_supervisor *supervisor)
{
    limi_link *link = create(supervisor);
    return link != NULL ? &link->message : NULL;
}

void limi_message_drop(liminal_supervisor *supervisor, limi_message *message)
{
    if (message != NULL) {
        release(supervisor, LIMI_HOLDER(message, limi_link, message));
    }
}

static limi_message *take_message(liminal_supervisor *supervisor, limi_list *inbox)
{
    limi_list *first;
    limi_mutex_lock(&supervisor->lock);
    first = limi_list_pop(inbox);
    limi_mutex_unlock(&supervisor->lock);
    return first != NULL ? LIMI_HOLDER(first, limi_message, place) : NULL;
}

bool limi_inbox_take(liminal_supervisor *supervisor, limi_list *inbox, liminal_exit *out)
{
    limi_message *message = take_message(supervisor, inbox);
    if (message == NULL) {
        return false;
    }
    *out = message->exit;
    limi_message_drop(supervisor, message);
    return true;
}

void limi_inbox_clear(liminal_supervisor *supervisor, limi_list *inbox)
{
    limi_message *message;
    while ((message = take_message(supervisor, inbox)) != NULL) {
        limi_message_drop(supervisor, message);
    }
}

/* ---- what an exit does to another one ---- */

void limi_process_reach(liminal_supervisor *supervisor, limi_process *to, const liminal_exit *exit,
                        limi_message *message, limi_reached *out)
{
    if (to->traps) {
        message->to = to;
        message->exit = *exit;
        out->told = to;
        if (to->kind->deliver != NULL) {
            out->message = message;
        } else {
            limi_list_append(to->kind->inbox(to), &message->place);
        }
    } else {
        out->waste = message;
        if (exit->reason.kind == LIMINAL_EXIT_NORMAL || to->kind->immune) {
            return;
        }
        (void)limi_process_mark_locked(supervisor, to, exit->reason,
                                       (limi_instant){exit->seen.unix_ns, exit->seen_ns.ns});
        out->dead = to;
    }
    to->kind->ref(to);
}

void limi_reached_tell(liminal_supervisor *supervisor, limi_reached *reached)
{
    limi_process *told = reached->told;
    limi_message_drop(supervisor, reached->waste);
    if (told != NULL) {
        if (reached->message != NULL) {
            told->kind->deliver(told, reached->message);
        } else {
            told->kind->told(told);
        }
        told->kind->unref(told);
    }
}

bool limi_link_break_next(liminal_supervisor *supervisor, limi_process *dead, limi_reached *out)
{
    limi_link *link = first_of(dead);
    limi_process *peer;
    *out = (limi_reached){NULL, NULL, NULL, NULL};
    if (link == NULL) {
        return false;
    }
    peer = other_than(link, dead);
    cut(supervisor, link);
    if (peer->dead) { /* at the same instant, of a reason of its own */
        out->waste = &link->message;
    } else {
        limi_process_reach(supervisor, peer, &dead->exit, &link->message, out);
    }
    return true;
}

/* ---- the calls ---- */

/* `spare` is taken if it is stored somewhere; else it stays in *spare. */
static liminal_status link_locked(liminal_supervisor *supervisor, liminal_pid pid, liminal_pid other, limi_link **spare,
                                  limi_reached *out) LIMI_REQUIRES(supervisor->lock)
{
    limi_process *one = limi_process_find_alive(supervisor, pid);
    limi_process *two = limi_process_find_alive(supervisor, other);
    if (one != NULL && (one == two || find(supervisor, pid, other) != NULL)) {
        return LIMINAL_OK; /* also if `other` has just died: that exit is on its way */
    }
    if (one == NULL || (two == NULL && !one->traps)) {
        return LIMINAL_ENOPROC;
    }
    if (two == NULL) {
        const limi_instant now = limi_clock_both();
        liminal_exit none = {other, {LIMINAL_EXIT_NOPROC, 0}, {now.wall}, {now.monotonic}};
        limi_process_reach(supervisor, one, &none, &(*spare)->message, out);
    } else if (!tie(supervisor, *spare, one, two)) {
        return LIMINAL_ENOMEM;
    }
    *spare = NULL;
    return LIMINAL_OK;
}

liminal_status liminal_process_link(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other)
{
    liminal_status st = limi_supervisor_check(supervisor);
    limi_reached reached = {NULL, NULL, NULL, NULL};
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
    st = link_locked(supervisor, process, other, &spare, &reached);
    process_lives = limi_process_find_alive(supervisor, process) != NULL;
    limi_mutex_unlock(&supervisor->lock);
    release(supervisor, spare);
    limi_reached_tell(supervisor, &reached);
    if (st == LIMINAL_ENOPROC) {
        return limi_detail(st, "no process %llu lives here",
                           (unsigned long long)(process_lives ? other.value : process.value));
    }
    return st == LIMINAL_OK ? st : limi_detail(st, "no memory for the table of links");
}

liminal_status liminal_process_unlink(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other)
{
    liminal_status st = limi_supervisor_check(supervisor);
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

/* Of two that live: if one is dead the link is an exit on its way. */
static bool links_two(const limi_link *link)
{
    return !link->ends[0].who->dead && !link->ends[1].who->dead;
}

bool liminal_process_linked(liminal_supervisor *supervisor, liminal_pid process, liminal_pid other)
{
    const limi_link *link;
    bool linked;
    if (supervisor == NULL || limi_supervisor_here(supervisor) != LIMINAL_OK) {
        return false;
    }
    limi_mutex_lock(&supervisor->lock);
    link = find(supervisor, process, other);
    linked = link != NULL && links_two(link);
    limi_mutex_unlock(&supervisor->lock);
    return linked;
}

/* ---- the list of them ---- */

typedef struct reading {
    link_end place; /* what follows it was not read */
    liminal_pid *out;
    size_t room, count;
    size_t left; /* how many were there when this began: links that keep coming do not keep it going */
} reading;

/* False: that was all. */
static bool read_some(limi_process *process, reading *r)
{
    unsigned i;
    for (i = 0; i < LIMI_STEPS_AT_ONCE; i++) {
        limi_list *node = r->place.node.next;
        const limi_link *link;
        if (node == &process->links || r->left == 0) {
            return false;
        }
        link = LIMI_HOLDER(node, link_end, node)->link;
        r->left -= link != NULL;
        if (link != NULL && links_two(link)) {
            if (r->count < r->room) {
                r->out[r->count] = other_than(link, process)->exit.pid;
            }
            r->count++;
        }
        limi_list_remove(&r->place.node);
        limi_list_append(node->next, &r->place.node); /* behind that one */
    }
    return true;
}

static liminal_status check_links(const liminal_supervisor *supervisor, const liminal_pid *out, size_t room,
                                  const size_t *out_count)
{
    if (out_count == NULL || (out == NULL && room > 0)) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", out_count == NULL ? "out_count" : "out");
    }
    return limi_supervisor_check(supervisor);
}

liminal_status liminal_process_links(liminal_supervisor *supervisor, liminal_pid pid, liminal_pid *out, size_t room,
                                     size_t *out_count)
{
    liminal_status st = check_links(supervisor, out, room, out_count);
    reading r = {.out = out, .room = room};
    limi_process *process;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_list_init(&r.place.node);
    limi_mutex_lock(&supervisor->lock);
    process = limi_process_find_alive(supervisor, pid);
    if (process == NULL) {
        limi_mutex_unlock(&supervisor->lock);
        return limi_detail(LIMINAL_ENOPROC, "no process %llu lives here", (unsigned long long)pid.value);
    }
    process->kind->ref(process);
    r.left = process->link_count;
    limi_list_append(process->links.next, &r.place.node); /* before the first */
    while (read_some(process, &r)) {
        limi_supervisor_let_in(supervisor);
    }
    limi_list_remove(&r.place.node);
    limi_mutex_unlock(&supervisor->lock);
    process->kind->unref(process);
    *out_count = r.count;
    return LIMINAL_OK;
}

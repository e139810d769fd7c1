/* SPDX-License-Identifier: MIT */
/* adopt.c -- threads of the host as processes.
 *
 * What a thread is attached by lies in two places. The record, on the heap, is the supervisor's: the process, its
 * inbox, its bell. The slot, in the library's room in the thread's own memory, is the thread's: which supervisor, which
 * record, and the state. A supervisor has a key of thread-specific data, made with the first attachment; each
 * attached thread's value for it is its slot, and that is how an end without a detach is noticed.
 *
 * Why a slot: deleting the key waits for nobody. A thread that ends may be on its way into at_end() when the shutdown
 * deletes the key and frees all that is the supervisor's. So what at_end() is given is memory of the thread's, which is
 * there as long as the thread is, and the state, one atomic word, says who may touch what:
 *
 *   FREE     --attach--> ATTACHED                       the thread, under the supervisor's lock
 *   ATTACHED --a call begins, or the thread ends--> BUSY  the thread, by compare-and-swap
 *   BUSY     --the call ends--> ATTACHED                the thread, under the supervisor's lock
 *   BUSY     --detached, or ended--> FREE               the thread, when its record is off the supervisor's list
 *   ATTACHED --shutdown--> FREE                         the shutdown, by compare-and-swap, under the lock
 *
 * The thread touches the supervisor through its slot only while it has it BUSY; the shutdown touches a slot only while
 * the record is on the supervisor's list, which is under the lock. One of two swaps from ATTACHED wins:
 *
 *   the shutdown   it takes the record off the list and never touches the slot again; whatever the thread does
 *                  later finds FREE, and does not touch the supervisor: at_end(), and a detach() that comes too late.
 *   the thread     the shutdown ends the process, which wakes a next_exit(), and waits for `held` to fall, or for the
 *                  slot to be ATTACHED again: both are said under the lock, by `changed`, as the last thing that the
 *                  thread does with the supervisor.
 *
 * A thread that attaches meets the shutdown under the lock: it finds `closing`, or is on the list. What a free slot was
 * attached to is kept, as an address to compare with and nothing more. A thread whose at_end() has been called is not
 * attached any more, by whatever a notice or another destructor does: the last round of destructors may be over. (So an
 * attachment that is made in the last round, by a thread that never had one, would not be noticed: the contract
 * forbids it.)
 *
 * After fork() the child has the slots of the thread that forked. Their epoch differs: they count as FREE.
 *
 * Waiting: next_exit() empties the bell, then looks whether there is a message and whether it is dead; both are there
 * before the bell is rung. */
#include "adopted.h"

#include "bell.h"
#include "deadline.h"
#include "detail.h"
#include "scope.h"

enum { FREE, ATTACHED, BUSY };

enum { NEWS = 1, DEAD = 2 }; /* what the bell is rung for */

typedef struct limi_attached {
    limi_adopted adopted; /* a share is the thread's, from the attach to the detach */
    limi_bell bell;
    limi_slot *slot;  /* while it is on the list */
    limi_list place;  /* supervisor->attached */
} limi_attached;

/* ---- as a process ---- */

static limi_attached *of(limi_process *process)
{
    return LIMI_HOLDER(process, limi_attached, adopted.process);
}

static void unref(limi_process *process)
{
    limi_attached *attached = of(process);
    if (limi_refcount_down(&attached->adopted.owners)) {
        limi_bell_destroy(&attached->bell);
        limi_adopted_free(&attached->adopted, sizeof *attached);
    }
}

static void died(limi_process *process)
{
    limi_bell_ring(&of(process)->bell, DEAD); /* its messages stay: the thread may still take them */
}

static void told(limi_process *process)
{
    limi_bell_ring(&of(process)->bell, NEWS);
}

const limi_process_kind limi_attached_kind = {
    .ref = limi_adopted_ref, .unref = unref, .died = died, .announce = limi_adopted_announce,
    .inbox = limi_adopted_inbox, .told = told};

/* ---- slots ---- */

/* The one that is, or was last, for this supervisor; NULL: none. */
static limi_slot *find(const liminal_supervisor *supervisor)
{
    limi_slots *mine = limi_scope_slots();
    size_t i;
    for (i = 0; i < LIMINAL_ATTACHED_MOST; i++) {
        limi_slot *slot = &mine->slots[i];
        if (slot->supervisor == supervisor && slot->epoch == limi_epoch()) {
            return slot;
        }
    }
    return NULL;
}

static bool is_free(const limi_slot *slot)
{
    return slot->epoch != limi_epoch() || limi_u32_load(&slot->state) == FREE;
}

bool limi_attached_is_here(const limi_process *process)
{
    limi_slots *mine = limi_scope_slots();
    size_t i;
    for (i = 0; i < LIMINAL_ATTACHED_MOST; i++) {
        if (!is_free(&mine->slots[i]) && &mine->slots[i].attached->adopted.process == process) {
            return true;
        }
    }
    return false;
}

/* ATTACHED -> BUSY: from here on the supervisor stays, and so does the record. */
static bool claim(limi_slot *slot)
{
    uint32_t attached = ATTACHED;
    return limi_u32_cas(&slot->state, &attached, BUSY);
}

/* BUSY -> ATTACHED. The supervisor may be gone when this returns. */
static void resume(limi_slot *slot)
{
    liminal_supervisor *supervisor = slot->attached->adopted.supervisor;
    limi_mutex_lock(&supervisor->lock);
    limi_u32_store(&slot->state, ATTACHED);
    limi_supervisor_changed(supervisor);
    limi_mutex_unlock(&supervisor->lock);
}

static void let_go(liminal_supervisor *supervisor)
{
    limi_mutex_lock(&supervisor->lock);
    supervisor->held--;
    limi_supervisor_changed(supervisor);
    limi_mutex_unlock(&supervisor->lock);
}

/* ---- leaving ---- */

typedef struct leaving {
    limi_slot *slot;
    liminal_exit_reason reason;
    bool first; /* nobody had ended it before */
} leaving;

static void end(void *argument)
{
    leaving *l = argument;
    limi_adopted *adopted = &l->slot->attached->adopted;
    l->first = limi_process_end(adopted->supervisor, &adopted->process, l->reason);
}

/* BUSY -> FREE. Also when a notice has ended the thread that detaches, which it must not do. */
static void finish(void *argument)
{
    limi_slot *slot = ((leaving *)argument)->slot;
    limi_attached *attached = slot->attached;
    liminal_supervisor *supervisor = attached->adopted.supervisor;
    limi_ignore(limi_key_set(&supervisor->key, NULL)); /* which does not fail */
    limi_mutex_lock(&supervisor->lock);
    limi_list_remove(&attached->place);
    limi_mutex_unlock(&supervisor->lock);
    limi_u32_store(&slot->state, FREE);
    unref(&attached->adopted.process);
    let_go(supervisor);
}

/* True if nobody had ended it before. */
static bool leave(limi_slot *slot, liminal_exit_kind kind)
{
    leaving l = {.slot = slot, .reason = {kind, 0}};
    limi_thread_guard(end, finish, &l);
    finish(&l);
    return l.first;
}

static void at_end(limi_key_value *value)
{
    limi_slot *slot = LIMI_HOLDER(value, limi_slot, value);
    limi_scope_unwound(); /* wherever it was ended */
    limi_scope_slots()->leaving = true;
    if (slot->epoch == limi_epoch() && claim(slot)) {
        (void)leave(slot, LIMINAL_EXIT_KILLED);
    }
}

/* ---- attaching ---- */

static bool is_over(const limi_slot *slot)
{
    limi_adopted *adopted = &slot->attached->adopted;
    bool dead;
    limi_mutex_lock(&adopted->supervisor->lock);
    dead = adopted->process.dead;
    limi_mutex_unlock(&adopted->supervisor->lock);
    return dead;
}

/* One that was never used, else one that is free again. NULL: none. */
static limi_slot *find_free(limi_slots *mine)
{
    limi_slot *found = NULL;
    size_t i;
    for (i = 0; i < LIMINAL_ATTACHED_MOST; i++) {
        limi_slot *slot = &mine->slots[i];
        if (is_free(slot) && (found == NULL || (slot->supervisor == NULL && found->supervisor != NULL))) {
            found = slot;
        }
    }
    return found;
}

/* A slot for the supervisor. One whose process was ended by a signal makes room. */
static liminal_status find_room(const liminal_supervisor *supervisor, limi_slot **out)
{
    limi_slots *mine = limi_scope_slots();
    limi_slot *slot = find(supervisor);
    if (mine->ours || mine->leaving) {
        return limi_detail(LIMINAL_EPHASE, mine->ours ? "a thread of the library's" : "the thread is ending");
    }
    if (slot != NULL && claim(slot)) {
        if (!is_over(slot)) {
            resume(slot);
            return limi_detail(LIMINAL_EPHASE, "the thread is attached already");
        }
        (void)leave(slot, LIMINAL_EXIT_NORMAL);
    }
    if (slot != NULL && !is_free(slot)) {
        return limi_detail(LIMINAL_EPHASE, "the thread is being detached");
    }
    *out = slot != NULL ? slot : find_free(mine);
    return *out != NULL ? LIMINAL_OK
                        : limi_detail(LIMINAL_ELIMIT, "the thread is attached %d times already", LIMINAL_ATTACHED_MOST);
}

static liminal_status set_key(liminal_supervisor *supervisor, limi_slot *slot) LIMI_REQUIRES(supervisor->lock)
{
    liminal_status st = LIMINAL_OK;
    if (!supervisor->has_key) {
        st = limi_key_create(&supervisor->key);
        supervisor->has_key = st == LIMINAL_OK;
    }
    if (st == LIMINAL_OK) {
        slot->value.at_end = at_end;
        st = limi_key_set(&supervisor->key, &slot->value);
    }
    return st == LIMINAL_OK ? st : limi_detail(st, "no room for thread-specific data");
}

static liminal_status enlist(liminal_supervisor *supervisor, limi_attached *attached, limi_slot *slot)
    LIMI_REQUIRES(supervisor->lock)
{
    liminal_status st = limi_adopted_enlist(supervisor, &attached->adopted);
    if (st != LIMINAL_OK) {
        return st;
    }
    st = set_key(supervisor, slot);
    if (st != LIMINAL_OK) {
        limi_registry_remove(supervisor, &attached->adopted.process);
        return st;
    }
    attached->adopted.process.latent = false;
    limi_refcount_up(&attached->adopted.owners); /* the thread's share */
    limi_list_append(&supervisor->attached, &attached->place);
    supervisor->held++;
    attached->slot = slot;
    slot->epoch = supervisor->epoch;
    slot->supervisor = supervisor;
    slot->attached = attached;
    limi_u32_store(&slot->state, ATTACHED);
    return st;
}

liminal_status liminal_thread_attach(liminal_supervisor *supervisor, liminal_pid *out)
{
    limi_attached *attached;
    limi_slot *slot;
    liminal_status st;
    if (supervisor == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", supervisor == NULL ? "supervisor" : "out");
    }
    if ((st = limi_supervisor_here(supervisor)) || (st = find_room(supervisor, &slot))) {
        return st;
    }
    attached = limi_adopted_create(supervisor, sizeof *attached, &limi_attached_kind);
    if (attached == NULL) {
        return LIMINAL_ENOMEM;
    }
    limi_bell_init(&attached->bell);
    limi_list_init(&attached->place);
    limi_mutex_lock(&supervisor->lock);
    st = enlist(supervisor, attached, slot);
    limi_mutex_unlock(&supervisor->lock);
    if (st != LIMINAL_OK) {
        unref(&attached->adopted.process);
        return st;
    }
    *out = attached->adopted.process.exit.pid; /* the thread's share keeps it */
    return st;
}

/* ---- attached ---- */

/* Claim the slot of the calling thread. Once a shutdown has detached it the supervisor may be gone, so it is not looked
 * at then. */
static liminal_status enter(const liminal_supervisor *supervisor, limi_slot **out)
{
    liminal_status st = LIMINAL_OK;
    *out = supervisor != NULL ? find(supervisor) : NULL;
    if (supervisor == NULL) {
        return limi_detail(LIMINAL_EINVAL, "supervisor: NULL");
    }
    if (*out == NULL) {
        st = limi_supervisor_here(supervisor);
    } else if (claim(*out)) {
        return LIMINAL_OK;
    }
    return st != LIMINAL_OK ? st : limi_detail(LIMINAL_EPHASE, "the thread is not attached");
}

liminal_status liminal_thread_detach(liminal_supervisor *supervisor)
{
    limi_slot *slot;
    liminal_status st = enter(supervisor, &slot);
    if (st == LIMINAL_OK && !leave(slot, LIMINAL_EXIT_NORMAL)) {
        st = limi_detail(LIMINAL_EEXIT, "the process had been ended before");
    }
    return st;
}

static liminal_status take(limi_slot *slot, liminal_exit *out, int64_t deadline_ns)
{
    limi_attached *attached = slot->attached;
    limi_process *process = &attached->adopted.process;
    for (;;) {
        bool over;
        (void)limi_bell_take(&attached->bell);
        over = is_over(slot); /* before the inbox, which gets nothing any more then */
        if (limi_inbox_take(attached->adopted.supervisor, &attached->adopted.inbox, out)) {
            return LIMINAL_OK;
        }
        if (over) {
            return limi_detail(LIMINAL_EEXIT, "the process has exited: %s",
                               liminal_exit_describe(process->exit.reason).text);
        }
        if (limi_deadline_is_past(deadline_ns)) {
            return limi_detail(LIMINAL_ETIMEDOUT, "no exit message");
        }
        limi_bell_sleep(&attached->bell, deadline_ns);
    }
}

liminal_status liminal_thread_next_exit(liminal_supervisor *supervisor, liminal_exit *out, liminal_deadline deadline)
{
    limi_slot *slot;
    liminal_status st;
    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    st = enter(supervisor, &slot);
    if (st == LIMINAL_OK) {
        st = take(slot, out, deadline.ns);
        resume(slot);
    }
    return st;
}

/* ---- a shutdown ---- */

/* The next one of `some`, which has been detached, or, if its thread has it, goes back to the list. With a ref. */
static limi_attached *detach_next(liminal_supervisor *supervisor, limi_list *some, bool *out_detached)
    LIMI_REQUIRES(supervisor->lock)
{
    limi_list *node = limi_list_pop(some);
    limi_attached *attached;
    uint32_t expected = ATTACHED;
    if (node == NULL) {
        return NULL;
    }
    attached = LIMI_HOLDER(node, limi_attached, place);
    limi_refcount_up(&attached->adopted.owners);
    *out_detached = limi_u32_cas(&attached->slot->state, &expected, FREE);
    if (!*out_detached) {
        limi_list_append(&supervisor->attached, &attached->place);
    }
    return attached;
}

void limi_attached_detach_all(liminal_supervisor *supervisor)
{
    limi_attached *attached;
    bool detached = false;
    limi_list some; /* threads that leave meanwhile take themselves off it */
    limi_list_init(&some);
    limi_mutex_lock(&supervisor->lock);
    limi_list_splice(&some, &supervisor->attached);
    while ((attached = detach_next(supervisor, &some, &detached)) != NULL) {
        limi_process *process = &attached->adopted.process;
        limi_mutex_unlock(&supervisor->lock);
        (void)limi_process_end(supervisor, process, (liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0});
        unref(process);
        if (detached) {
            unref(process); /* the thread's share */
            let_go(supervisor);
        }
        limi_mutex_lock(&supervisor->lock);
    }
    limi_mutex_unlock(&supervisor->lock);
}

void limi_attached_close(liminal_supervisor *supervisor)
{
    if (supervisor->has_key) {
        limi_key_delete(&supervisor->key);
        supervisor->has_key = false;
    }
}

/* SPDX-License-Identifier: MIT */
/* actor.c -- a mailbox, a turn, a thread of its own, and the choice who runs the turn.
 *
 * The duty. At any time at most one thread has it: the producer whose push found the mailbox idle,
 * until it rests, or rings the bell with DUTY and so hands it to the actor's own thread. `backlog`
 * and `over` belong to whoever has it; the mailbox's word and the bell hand them on. A producer that is spreading a
 * death which is soon spread keeps it until then (see process.c), so that nobody is woken for it.
 *
 * The bell's bits:
 *
 *   DUTY    the turn is yours            set by who gives the duty up, taken by the actor's thread
 *   LOOK    something changed: the deadline, or the mailbox was sealed
 *   CALL    on_call()
 *
 * Its thread may be one that has not begun:
 *
 *   DORMANT --the first ring--> begin()              by who rings
 *   DORMANT --the mailbox is sealed--> forgo()       by who has the duty, which is not the actor's thread then
 *   DORMANT --rung before it could doze--> begin()   by who starts it
 *
 * Each of them takes `dormant` by an exchange, so one alone acts. The bell dozes meanwhile, as if the thread slept;
 * what is rung stays there for it. `dormant` is set before that, and who sees the bell doze looks at it.
 *
 * See bell.c for why no ring is lost. `due` is stored before the ring with LOOK and read after the bell
 * was emptied. Only one thread at a time is the actor's: one that leaves takes the bell no more. */
#include "actor.h"

#define DUTY 1u
#define LOOK 2u
#define CALL 4u

static bool is_mine_to_decide(limi_actor *actor)
{
    return limi_u32_load(&actor->dormant) != 0 && limi_u32_exchange(&actor->dormant, 0) != 0;
}

static void ring(limi_actor *actor, uint32_t bits)
{
    if (!limi_bell_set(&actor->bell, bits)) {
        return;
    }
    if (is_mine_to_decide(actor)) {
        actor->kind->begin(actor->self);
    } else {
        limi_bell_wake(&actor->bell);
    }
}

/* The mailbox has been sealed by a thread that is not the actor's. */
static void part(limi_actor *actor)
{
    if (is_mine_to_decide(actor)) {
        actor->kind->forgo(actor->self);
    } else {
        ring(actor, LOOK);
    }
}

void limi_actor_lie_dormant(limi_actor *actor)
{
    limi_u32_store(&actor->dormant, 1);
    if (!limi_bell_doze(&actor->bell) && is_mine_to_decide(actor)) {
        actor->kind->begin(actor->self);
    }
}

void limi_actor_init(limi_actor *actor, bool held)
{
    limi_mailbox_init(&actor->mailbox, held);
    limi_bell_init(&actor->bell);
    limi_spinner_init_idle(&actor->bell.spinner); /* most are at rest from the start */
    limi_u32_init(&actor->dormant, 0);
    limi_u32_init(&actor->parting, 0);
    limi_u32_init(&actor->noted, 0);
    limi_u64_init(&actor->due, (uint64_t)INT64_MAX);
}

void limi_actor_destroy(limi_actor *actor)
{
    limi_bell_destroy(&actor->bell);
}

static limi_node *take(limi_actor *actor)
{
    limi_node *node = actor->backlog;
    if (node == NULL) {
        node = limi_mailbox_take(&actor->mailbox);
    }
    if (node != NULL) {
        actor->backlog = node->next;
    }
    return node;
}

void limi_actor_hand_over(limi_actor *actor)
{
    ring(actor, DUTY | CALL);
}

void limi_actor_call(limi_actor *actor)
{
    ring(actor, CALL);
}

void limi_actor_open(limi_actor *actor)
{
    if (!limi_mailbox_rest(&actor->mailbox, false)) {
        ring(actor, DUTY);
    }
}

#define BRIEF 64 /* nodes that a thread handles in passing, however many more keep coming */

void limi_actor_put_down(limi_actor *actor)
{
    bool over = actor->over;
    if (actor->backlog != NULL || !limi_mailbox_rest(&actor->mailbox, over)) {
        ring(actor, DUTY);
    } else if (over) {
        part(actor);
    }
}

/* Its thread has not begun, and would for the end alone. */
static bool is_to_part(const limi_actor *actor)
{
    return limi_u32_load(&actor->parting) != 0 && limi_u32_load(&actor->dormant) != 0;
}

/* With the duty: handle nodes until the mailbox rests, or until `satisfied`; the duty is gone then. */
static void run(limi_actor *actor, bool (*satisfied)(void *argument), void *argument, bool owner)
{
    unsigned handled = 0;
    for (;;) {
        limi_node *node = take(actor);
        if (node == NULL) {
            bool over = actor->over;
            if (!limi_mailbox_rest(&actor->mailbox, over)) {
                continue;
            }
            if (over && !owner) {
                part(actor);
            }
            return;
        }
        actor->kind->handle(actor->self, node);
        handled++;
        if (satisfied != NULL && satisfied(argument)) {
            satisfied = NULL;
            handled = is_to_part(actor) ? 0 : BRIEF;
        }
        if (satisfied == NULL && !owner && handled >= BRIEF) {
            limi_actor_put_down(actor);
            return;
        }
    }
}

/* Keep the duty for after this thread's cascade; false: it may not. */
static bool owe(limi_actor *actor)
{
    limi_actor **owed = limi_scope_here()->owed;
    bool may = owed != NULL && *owed == NULL && limi_scope_here()->frame == NULL && !actor->pinned && !actor->heavy;
    if (may) {
        actor->kind->ref(actor->self); /* once the turn has sealed the mailbox nothing else keeps it */
        *owed = actor;
    }
    return may;
}

limi_push limi_actor_post(limi_actor *actor, limi_node *node, limi_class class, limi_assist assist,
                          bool (*satisfied)(void *argument), void *argument)
{
    limi_push pushed = limi_mailbox_push(&actor->mailbox, node, class);
    if (pushed != LIMI_PUSH_DUTY) {
        return pushed;
    }
    if (limi_actor_may_assist(actor, assist)) {
        run(actor, satisfied, argument, false);
    } else if (!owe(actor)) {
        ring(actor, DUTY);
    }
    return pushed;
}

void limi_actor_take_up(limi_actor *actor)
{
    if (limi_actor_may_assist(actor, LIMI_ASSIST_BRIEF)) {
        run(actor, NULL, NULL, false);
        actor->kind->unref(actor->self);
    } else {
        limi_actor_pass_on(actor);
    }
}

void limi_actor_pass_on(limi_actor *actor)
{
    ring(actor, DUTY);
    actor->kind->unref(actor->self);
}

void limi_actor_live(limi_actor *actor)
{
    uint32_t rung = 0;
    for (;;) {
        int64_t due;
        rung |= limi_bell_take(&actor->bell);
        if (rung & DUTY) {
            rung &= ~DUTY;
            run(actor, NULL, NULL, true);
            continue;
        }
        if (rung & CALL) {
            rung = 0;
            if (actor->kind->on_call(actor->self)) {
                return;
            }
            continue;
        }
        if (limi_mailbox_is_sealed(&actor->mailbox)) {
            return;
        }
        due = (int64_t)limi_u64_load(&actor->due);
        if (due != INT64_MAX && limi_clock_monotonic() >= due) {
            /* on_due sets the next one, or none; nobody else's wish is overwritten by this. */
            uint64_t seen = (uint64_t)due;
            (void)limi_u64_cas(&actor->due, &seen, (uint64_t)INT64_MAX);
            actor->kind->on_due(actor->self);
            continue;
        }
        rung = 0;
        limi_bell_sleep(&actor->bell, due);
    }
}

static bool was_noted(limi_actor *actor)
{
    return limi_u32_load(&actor->noted) != 0 && limi_u32_exchange(&actor->noted, 0) != 0;
}

void limi_actor_set_due(limi_actor *actor, int64_t due_ns)
{
    int64_t before = (int64_t)limi_u64_exchange(&actor->due, (uint64_t)due_ns);
    bool unheard = was_noted(actor);
    if (due_ns != INT64_MAX && (unheard || due_ns < before)) {
        ring(actor, LOOK); /* else it sleeps for one that is earlier, and looks then */
    }
}

void limi_actor_note_due(limi_actor *actor, int64_t due_ns)
{
    limi_u64_store(&actor->due, (uint64_t)due_ns);
    limi_u32_store(&actor->noted, 1);
}

void limi_actor_look(limi_actor *actor)
{
    if (was_noted(actor) && (int64_t)limi_u64_load(&actor->due) != INT64_MAX) {
        ring(actor, LOOK);
    }
}

void limi_actor_finish(limi_actor *actor)
{
    actor->over = true;
}

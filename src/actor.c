/* SPDX-License-Identifier: MIT */
/* actor.c -- a mailbox, a turn, a thread of its own, and the choice who runs the turn.
 *
 * The duty. At any time at most one thread has it: the producer whose push found the mailbox idle,
 * until it rests, or rings the bell with DUTY and so hands it to the actor's own thread. `backlog`
 * and `over` belong to whoever has it; the mailbox's word and the bell hand them on.
 *
 * The bell, one word:
 *
 *   DUTY    the turn is yours            set by who gives the duty up, taken by the actor's thread
 *   LOOK    something changed: the deadline, or the mailbox was sealed
 *   ASLEEP  the actor's thread is parked, or about to be; only that thread sets and clears it
 *
 * No wake is lost: ringing is a fetch-or, falling asleep a compare-and-swap from 0 to ASLEEP, on one
 * word. Either the ring comes first and the swap fails, or the ring sees ASLEEP and unparks. The word
 * has changed by then, so a park that begins after it returns at once. `due` is stored before the
 * ring with LOOK and read after the bell was emptied. */
#include "actor.h"

#include "scope.h"

#define DUTY 1u
#define LOOK 2u
#define ASLEEP 4u

void limi_actor_init(limi_actor *actor, bool held)
{
    limi_mailbox_init(&actor->mailbox, held);
    limi_word_init(&actor->bell, 0);
    limi_u64_init(&actor->due, (uint64_t)INT64_MAX);
}

void limi_actor_destroy(limi_actor *actor)
{
    limi_word_destroy(&actor->bell);
}

static void ring(limi_actor *actor, uint32_t bits)
{
    if (limi_u32_or(&actor->bell.value, bits) & ASLEEP) {
        limi_unpark(&actor->bell);
    }
}

limi_node *limi_actor_take(limi_actor *actor)
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

void limi_actor_next(limi_actor *actor, limi_node *node)
{
    node->next = actor->backlog;
    actor->backlog = node;
}

void limi_actor_hand_over(limi_actor *actor)
{
    ring(actor, DUTY);
}

void limi_actor_open(limi_actor *actor)
{
    if (!limi_mailbox_rest(&actor->mailbox, false)) {
        ring(actor, DUTY);
    }
}

#define BRIEF 64 /* nodes that a thread handles in passing, however many more keep coming */

/* With the duty: handle nodes until the mailbox rests, or until `satisfied`; the duty is gone then. */
static void run(limi_actor *actor, bool (*satisfied)(void *argument), void *argument, bool owner)
{
    unsigned handled = 0;
    for (;;) {
        limi_node *node = limi_actor_take(actor);
        if (node == NULL) {
            bool over = actor->over;
            if (!limi_mailbox_rest(&actor->mailbox, over)) {
                continue;
            }
            if (over && !owner) {
                ring(actor, LOOK);
            }
            return;
        }
        actor->handle(actor->self, node);
        handled++;
        if (satisfied != NULL ? satisfied(argument) : !owner && handled == BRIEF) {
            bool over = actor->over;
            if (actor->backlog != NULL || !limi_mailbox_rest(&actor->mailbox, over)) {
                ring(actor, DUTY);
            } else if (over) {
                ring(actor, LOOK);
            }
            return;
        }
    }
}

limi_push limi_actor_post(limi_actor *actor, limi_node *node, limi_class class, limi_assist assist,
                          bool (*satisfied)(void *argument), void *argument)
{
    limi_push pushed = limi_mailbox_push(&actor->mailbox, node, class);
    if (pushed != LIMI_PUSH_DUTY) {
        return pushed;
    }
    /* Turns never nest: inside a callback the stack may be short and the host may hold its locks. */
    if (assist == LIMI_ASSIST_NONE || actor->pinned || (actor->heavy && assist == LIMI_ASSIST_BRIEF) ||
        limi_scope_here()->frame != NULL) {
        ring(actor, DUTY);
    } else {
        run(actor, satisfied, argument, false);
    }
    return pushed;
}

static void sleep_until_rung(limi_actor *actor, int64_t due)
{
    uint32_t nothing = 0;
    if (!limi_u32_cas(&actor->bell.value, &nothing, ASLEEP)) {
        return;
    }
    while (limi_u32_load(&actor->bell.value) == ASLEEP && limi_park(&actor->bell, ASLEEP, due)) {
    }
    (void)limi_u32_and(&actor->bell.value, ~ASLEEP);
}

void limi_actor_live(limi_actor *actor)
{
    for (;;) {
        uint32_t rung = limi_u32_and(&actor->bell.value, 0);
        int64_t due;
        if (rung & DUTY) {
            run(actor, NULL, NULL, true);
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
            actor->on_due(actor->self);
            continue;
        }
        sleep_until_rung(actor, due);
    }
}

void limi_actor_set_due(limi_actor *actor, int64_t due_ns)
{
    if ((int64_t)limi_u64_exchange(&actor->due, (uint64_t)due_ns) != due_ns) {
        ring(actor, LOOK);
    }
}

void limi_actor_finish(limi_actor *actor)
{
    actor->over = true;
}

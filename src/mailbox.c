/* SPDX-License-Identifier: MIT */
/* mailbox.c -- a queue with many producers and one consumer at a time.
 *
 * The word is the newest node's address, or none, and three flags:
 *
 *   BUSY    somebody has the duty: a producer that found it idle, or whoever that handed it to
 *   CLOSED  messages are refused, control is not
 *   SEALED  everything is refused, for ever
 *
 *        idle --push--> BUSY+node --push--> BUSY+node ...
 *        idle --enter--> BUSY               by one who brings what a node would have brought
 *        BUSY+node --take--> BUSY           by the one with the duty, all nodes at once
 *        BUSY --rest--> idle or SEALED      by the one with the duty, and only with no node there
 *        BUSY --leave--> idle               the same, where no flag is set besides
 *        any --close--> the same + CLOSED   by anyone
 *
 * Each move is one compare-and-swap on the one word, so a push either precedes a rest, which then
 * fails and leaves the duty where it is, or follows it, finds idle and gets the duty itself: no node
 * is ever left without somebody who is at work. The same holds for close and seal: a push sees the
 * flag, or is in the queue before the flag is set. The release in a push and the acquire in a take
 * are parts of the same sequentially consistent moves; resting and the next push hand on the
 * consumer's private state in the same way. */
#include "mailbox.h"

#define BUSY LIMI_MAILBOX_BUSY
#define CLOSED ((uintptr_t)2)
#define SEALED ((uintptr_t)4)
#define FLAGS ((uintptr_t)7)

_Static_assert(_Alignof(limi_node) >= 8, "a node's address leaves room for the flags");

void limi_mailbox_init(limi_mailbox *mailbox, bool busy)
{
    limi_ptr_init(&mailbox->word, busy ? BUSY : 0);
}

limi_push limi_mailbox_push(limi_mailbox *mailbox, limi_node *node, limi_class class)
{
    uintptr_t seen = limi_ptr_load(&mailbox->word);
    uintptr_t flags;
    LIMI_ASSERT(((uintptr_t)node & FLAGS) == 0);
    do {
        flags = seen & FLAGS;
        if (flags & SEALED) {
            return LIMI_PUSH_SEALED;
        }
        if ((flags & CLOSED) && class == LIMI_CLASS_MESSAGE) {
            return LIMI_PUSH_CLOSED;
        }
        node->next = (limi_node *)(seen & ~FLAGS);
    } while (!limi_ptr_cas(&mailbox->word, &seen, (uintptr_t)node | flags | BUSY));
    return (flags & BUSY) != 0 ? LIMI_PUSH_QUEUED : LIMI_PUSH_DUTY;
}

void limi_mailbox_close(limi_mailbox *mailbox)
{
    (void)limi_ptr_or(&mailbox->word, CLOSED);
}

limi_node *limi_mailbox_take(limi_mailbox *mailbox)
{
    uintptr_t seen = limi_ptr_load(&mailbox->word);
    limi_node *newest, *oldest = NULL;
    LIMI_ASSERT(seen & BUSY);
    if ((seen & ~FLAGS) == 0) {
        return NULL;
    }
    while (!limi_ptr_cas(&mailbox->word, &seen, seen & FLAGS)) {
    }
    for (newest = (limi_node *)(seen & ~FLAGS); newest != NULL;) {
        limi_node *older = newest->next;
        newest->next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

bool limi_mailbox_rest(limi_mailbox *mailbox, bool seal)
{
    uintptr_t seen = limi_ptr_load(&mailbox->word);
    do {
        LIMI_ASSERT(seen & BUSY);
        if ((seen & ~FLAGS) != 0) {
            return false;
        }
    } while (!limi_ptr_cas(&mailbox->word, &seen, seal ? CLOSED | SEALED : seen & CLOSED));
    return true;
}

bool limi_mailbox_is_closed(const limi_mailbox *mailbox)
{
    return (limi_ptr_load(&mailbox->word) & (CLOSED | SEALED)) != 0;
}

bool limi_mailbox_is_sealed(const limi_mailbox *mailbox)
{
    return (limi_ptr_load(&mailbox->word) & SEALED) != 0;
}

bool limi_mailbox_is_idle(const limi_mailbox *mailbox)
{
    return (limi_ptr_load(&mailbox->word) & BUSY) == 0;
}

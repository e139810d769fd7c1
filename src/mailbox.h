/* SPDX-License-Identifier: MIT */
/* mailbox.h -- a queue with many producers and one consumer at a time, whose one word also says
 * whether anybody is at work on it and whom it still admits. */
#ifndef LIMI_MAILBOX_H
#define LIMI_MAILBOX_H

#include "platform.h"

/* Embedded in whatever travels. On one queue at a time. */
typedef struct limi_node {
    _Alignas(8) struct limi_node *next; /* leaves room for the flags of the mailbox's word */
    uint32_t kind; /* the owner's */
} limi_node;

typedef struct limi_mailbox {
    limi_atomic_ptr word;
} limi_mailbox;

typedef enum limi_class {
    LIMI_CLASS_MESSAGE, /* refused once the mailbox is closed */
    LIMI_CLASS_CONTROL  /* replies, exits, stops: refused only once it is sealed */
} limi_class;

typedef enum limi_push {
    LIMI_PUSH_QUEUED, /* somebody is at work on it and will come to this node */
    LIMI_PUSH_DUTY,   /* it was idle: this producer, and no other, gets the turn run */
    LIMI_PUSH_CLOSED, /* not taken */
    LIMI_PUSH_SEALED  /* not taken */
} limi_push;

/* With `busy` the caller has the duty from the start: nothing is handled until it gives it up. */
void limi_mailbox_init(limi_mailbox *mailbox, bool busy);

/* Never waits for another producer or for the consumer. */
limi_push limi_mailbox_push(limi_mailbox *mailbox, limi_node *node, limi_class class);

#define LIMI_MAILBOX_BUSY ((uintptr_t)1)

/* Take the duty of an idle mailbox that admits messages, with no node: true if that is what it was. */
static inline bool limi_mailbox_enter(limi_mailbox *mailbox)
{
    uintptr_t idle = 0;
    return limi_ptr_load(&mailbox->word) == 0 && limi_ptr_cas(&mailbox->word, &idle, LIMI_MAILBOX_BUSY);
}

/* Whether it admits messages, and all that was pushed before has been handled. */
static inline bool limi_mailbox_is_open_and_idle(const limi_mailbox *mailbox)
{
    return limi_ptr_load(&mailbox->word) == 0;
}

/* Give it up again, if nothing has come and it is neither closed nor sealed: true. */
static inline bool limi_mailbox_leave(limi_mailbox *mailbox)
{
    uintptr_t busy = LIMI_MAILBOX_BUSY;
    return limi_ptr_cas(&mailbox->word, &busy, 0);
}

/* Refuse messages from now on: each one is either in the queue before this returns, or refused. */
void limi_mailbox_close(limi_mailbox *mailbox);

/* For who has the duty only: take all there is, oldest first; NULL if there is nothing. */
limi_node *limi_mailbox_take(limi_mailbox *mailbox);

/* For who has the duty only: give it up if nothing has come; false if something has. With `seal`
 * nothing will ever be admitted again. */
bool limi_mailbox_rest(limi_mailbox *mailbox, bool seal);

bool limi_mailbox_is_closed(const limi_mailbox *mailbox); /* or sealed */
bool limi_mailbox_is_sealed(const limi_mailbox *mailbox);
bool limi_mailbox_is_idle(const limi_mailbox *mailbox); /* all that was pushed before has been handled */

#endif

/* SPDX-License-Identifier: MIT */
/* list.h -- an intrusive, circular, doubly linked list. No allocation, no lock. */
#ifndef LIMI_LIST_H
#define LIMI_LIST_H

#include "platform_atomic.h"

#include <stddef.h>

typedef struct limi_list {
    struct limi_list *next, *prev;
} limi_list;

/* The struct that holds a node. */
#define LIMI_HOLDER(node, type, member) ((type *)(void *)((char *)(node) - offsetof(type, member)))

static inline void limi_list_init(limi_list *list)
{
    list->next = list->prev = list;
}

static inline bool limi_list_empty(const limi_list *list)
{
    return list->next == list;
}

static inline void limi_list_append(limi_list *list, limi_list *node)
{
    node->prev = list->prev;
    LIMI_POKE(node->next, list);
    LIMI_POKE(list->prev->next, node);
    list->prev = node;
}

static inline void limi_list_prepend(limi_list *list, limi_list *node)
{
    limi_list_append(list->next, node);
}

/* Welcome for a node that is on no list, if it was initialised. */
static inline void limi_list_remove(limi_list *node)
{
    LIMI_POKE(node->prev->next, node->next);
    node->next->prev = node->prev;
    LIMI_POKE(node->next, node);
    node->prev = node;
}

static inline limi_list *limi_list_pop(limi_list *list)
{
    limi_list *node = list->next;
    if (node == list) {
        return NULL;
    }
    limi_list_remove(node);
    return node;
}

/* Move all of `from` behind all of `to`; `from` is then empty. */
static inline void limi_list_splice(limi_list *to, limi_list *from)
{
    if (limi_list_empty(from)) {
        return;
    }
    from->next->prev = to->prev;
    to->prev->next = from->next;
    from->prev->next = to;
    to->prev = from->prev;
    limi_list_init(from);
}

/* Move what is behind `node` on `from` before all of `to`. */
static inline void limi_list_move_rest(limi_list *to, limi_list *from, limi_list *node)
{
    limi_list *first = node->next, *last = from->prev;
    if (first == from) {
        return;
    }
    from->prev = node;
    LIMI_POKE(node->next, from);
    last->next = to->next;
    to->next->prev = last;
    to->next = first;
    first->prev = to;
}

/* The one behind `node`, or the list itself; without the lock, for who knows that `node` is there. It may be put on
 * another list meanwhile: so `next` is written by a poke wherever that is somebody's current one. */
static inline limi_list *limi_list_peek(const limi_list *node)
{
    return LIMI_PEEK(node->next);
}

#endif

/* SPDX-License-Identifier: MIT */
/* request.c -- a ticket with what the shell needs to carry it about. */
#include "request.h"

void limi_stock_init(limi_stock *stock, const liminal_allocator *allocator)
{
    size_t i;
    for (i = 0; i < LIMI_STOCK_SLOTS; i++) {
        limi_ptr_init(&stock->slots[i], 0);
    }
    stock->allocator = allocator;
}

static limi_request *take_chain(limi_stock *stock)
{
    size_t i;
    for (i = 0; i < LIMI_STOCK_SLOTS; i++) {
        if (limi_ptr_load_acquire(&stock->slots[i]) != 0) {
            uintptr_t found = limi_ptr_exchange(&stock->slots[i], 0);
            if (found != 0) {
                return (limi_request *)found;
            }
        }
    }
    return NULL;
}

static bool put_chain(limi_stock *stock, limi_request *first)
{
    size_t i;
    for (i = 0; i < LIMI_STOCK_SLOTS; i++) {
        uintptr_t empty = 0;
        if (limi_ptr_load_acquire(&stock->slots[i]) == 0 &&
            limi_ptr_cas(&stock->slots[i], &empty, (uintptr_t)first)) {
            return true;
        }
    }
    return false;
}

static void discard_chain(limi_request *first)
{
    while (first != NULL) {
        limi_request *next = limi_request_after(first);
        limi_waiter_destroy(&first->waiter);
        limi_release(first->stock->allocator, first, sizeof *first);
        first = next;
    }
}

void limi_stock_put(limi_stock *stock, limi_spares *spares)
{
    if (spares->first != NULL && !put_chain(stock, spares->first)) {
        discard_chain(spares->first);
    }
    *spares = (limi_spares){.first = NULL};
}

static limi_request *take(limi_stock *stock)
{
    limi_request *first = take_chain(stock);
    limi_spares rest = {.first = first != NULL ? limi_request_after(first) : NULL};
    limi_stock_put(stock, &rest);
    return first;
}

void limi_stock_clear(limi_stock *stock)
{
    limi_request *first;
    while ((first = take_chain(stock)) != NULL) {
        discard_chain(first);
    }
}

limi_request *limi_request_create(limi_stock *stock, limi_ticket_kind kind, liminal_envelope *envelope)
{
    limi_request *request = take(stock);
    if (request == NULL) {
        request = limi_allocate(stock->allocator, sizeof *request);
        if (request == NULL) {
            return NULL;
        }
        limi_waiter_init(&request->waiter);
        limi_list_init(&request->sleeper);
        request->stock = stock;
    }
    limi_waiter_renew(&request->waiter);
    limi_request_renew(request, kind, envelope, 1);
    return request;
}

limi_request *limi_request_ref(limi_request *request)
{
    limi_refcount_up_private(&request->owners);
    return request;
}

void limi_request_drop_to(limi_request *request, limi_spares *spares)
{
    if (!limi_refcount_down_private(&request->owners)) {
        return;
    }
    liminal_envelope_drop(&request->ticket.envelope);
    liminal_envelope_drop(&request->ticket.reply);
    if (spares->count == LIMI_STOCK_CHAIN) {
        limi_stock_put(request->stock, spares);
    }
    request->node.next = spares->first != NULL ? &spares->first->node : NULL;
    spares->first = request;
    spares->count++;
}

void limi_request_drop(limi_request *request)
{
    limi_stock *stock = request->stock;
    limi_spares spares = {.first = NULL};
    limi_request_drop_to(request, &spares);
    limi_stock_put(stock, &spares);
}

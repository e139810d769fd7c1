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

static limi_request *take(limi_stock *stock)
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

static bool put(limi_stock *stock, limi_request *request)
{
    size_t i;
    for (i = 0; i < LIMI_STOCK_SLOTS; i++) {
        uintptr_t empty = 0;
        if (limi_ptr_load_acquire(&stock->slots[i]) == 0 &&
            limi_ptr_cas(&stock->slots[i], &empty, (uintptr_t)request)) {
            return true;
        }
    }
    return false;
}

static void discard(limi_request *request)
{
    limi_waiter_destroy(&request->waiter);
    limi_release(request->stock->allocator, request, sizeof *request);
}

void limi_stock_clear(limi_stock *stock)
{
    limi_request *request;
    while ((request = take(stock)) != NULL) {
        discard(request);
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

void limi_request_drop(limi_request *request)
{
    if (!limi_refcount_down_private(&request->owners)) {
        return;
    }
    liminal_envelope_drop(&request->ticket.envelope);
    liminal_envelope_drop(&request->ticket.reply);
    if (!put(request->stock, request)) {
        discard(request);
    }
}

/* SPDX-License-Identifier: MIT */
/* request.c -- a ticket with what the shell needs to carry it about. */
#include "request.h"

limi_request *limi_request_create(const liminal_allocator *allocator, limi_ticket_kind kind,
                                  liminal_envelope *envelope)
{
    limi_request *request = limi_allocate(allocator, sizeof *request);
    if (request == NULL) {
        return NULL;
    }
    limi_ticket_init(&request->ticket, kind, envelope);
    limi_refcount_init(&request->owners);
    limi_waiter_init(&request->waiter);
    limi_list_init(&request->sleeper);
    limi_list_init(&request->held);
    request->allocator = allocator;
    return request;
}

void limi_request_renew(limi_request *request, limi_ticket_kind kind, liminal_envelope *envelope, uint32_t shares)
{
    limi_ticket_init(&request->ticket, kind, envelope);
    limi_refcount_set(&request->owners, shares);
    request->placed = false;
}

bool limi_request_is_sole(limi_request *request)
{
    return limi_refcount_is_sole(&request->owners);
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
    limi_waiter_destroy(&request->waiter);
    limi_release(request->allocator, request, sizeof *request);
}

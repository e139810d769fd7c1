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
    request->allocator = allocator;
    return request;
}

limi_request *limi_request_ref(limi_request *request)
{
    limi_refcount_up(&request->owners);
    return request;
}

void limi_request_drop(limi_request *request)
{
    if (!limi_refcount_down(&request->owners)) {
        return;
    }
    liminal_envelope_drop(&request->ticket.envelope);
    liminal_envelope_drop(&request->ticket.reply);
    limi_waiter_destroy(&request->waiter);
    limi_release(request->allocator, request, sizeof *request);
}

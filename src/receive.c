/* SPDX-License-Identifier: MIT */
/* receive.c -- the slot that takes what was said to nobody in particular: at once, or when it comes. */
#include "call.h"

#include "deadline.h"
#include "detail.h"
#include "dialogue.h"
#include "seldom.h"
#include "wait.h"

static liminal_status receive_waiting(limi_talk *talk, liminal_envelope **out_reply, liminal_deadline deadline)
{
    limi_request *request = limi_request_create(&talk->stock, LIMI_TICKET_RECEIVE, NULL);
    limi_event event = {.kind = LIMI_EVENT_RECEIVE, .may_wait = true};
    liminal_status st;
    if (request == NULL) {
        return LIMINAL_ENOMEM;
    }
    event.ticket = &limi_request_ref(request)->ticket;
    limi_talk_step(talk, &event);
    if (event.decided) {
        limi_request_drop(request); /* the rules never kept their share */
    }
    if (event.decided || limi_call_await(talk, request, deadline)) {
        st = limi_call_outcome(talk, &request->ticket, out_reply);
    } else {
        st = limi_detail(LIMINAL_ETIMEDOUT, "nothing came before the deadline"); /* the end would have decided it */
    }
    limi_request_drop(request);
    return st;
}

/* With nothing there, or with something that nobody asked for. */
LIMI_APART static liminal_status receive(limi_talk *talk, liminal_envelope **out_reply, liminal_deadline deadline)
{
    limi_ticket ticket;
    limi_event event = {.kind = LIMI_EVENT_RECEIVE, .ticket = &ticket};
    liminal_status st;
    limi_ticket_init(&ticket, LIMI_TICKET_RECEIVE, NULL);
    limi_talk_step(talk, &event);
    if (event.decided) {
        return limi_call_outcome(talk, &ticket, out_reply);
    }
    if (limi_deadline_is_past(deadline.ns)) {
        return limi_detail(LIMINAL_ETIMEDOUT, "nothing is there");
    }
    st = limi_wait_enter(talk);
    if (st == LIMINAL_OK) {
        st = receive_waiting(talk, out_reply, deadline);
        limi_wait_leave(talk);
    }
    return st;
}

/* The shortest way, with a reply there: one step of the rules, of which nobody but the request need hear. */
liminal_status limi_talk_receive(void *self, liminal_envelope **out_reply, liminal_deadline deadline)
{
    limi_talk *talk = self;
    limi_request *request;
    limi_ticket *ticket;
    liminal_time now;
    size_t bytes;
    bool placed;
    liminal_status st = limi_supervisor_here(talk->supervisor);
    if (st != LIMINAL_OK) {
        return st;
    }
    now.unix_ns = limi_clock_recent().wall;
    limi_mutex_lock(&talk->lock);
    ticket = limi_dialogue_take_at_once(&talk->dialogue, now);
    if (ticket == NULL) {
        limi_mutex_unlock(&talk->lock);
        return receive(talk, out_reply, deadline);
    }
    request = LIMI_HOLDER(ticket, limi_request, ticket);
    *out_reply = ticket->reply;
    ticket->reply = NULL;
    bytes = request->bytes;
    placed = request->placed;
    if (talk->participant_count == 0 && talk->own == NULL) {
        talk->own = request; /* only the rules had a share, which is this one now */
        request = NULL;
    }
    limi_mutex_unlock(&talk->lock);
    if (placed) {
        limi_quota_release(&talk->quota, bytes);
    }
    if (request != NULL) {
        limi_request_drop(request);
    }
    return LIMINAL_OK;
}

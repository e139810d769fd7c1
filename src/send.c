/* SPDX-License-Identifier: MIT */
/* send.c -- a message's way into the mailbox: a place for it, and the two slots that only send. */
#include "call.h"

#include "deadline.h"
#include "detail.h"
#include "dialogue.h"
#include "envelope.h"
#include "lot.h"
#include "seldom.h"
#include "wait.h"

liminal_status limi_refusal(limi_talk *talk)
{
    liminal_status st;
    limi_words words;
    limi_mutex_lock(&talk->lock);
    st = limi_dialogue_refusal(&talk->dialogue, &words);
    limi_mutex_unlock(&talk->lock);
    if (st == LIMINAL_OK) { /* the close is on its way to the rules */
        return limi_detail(LIMINAL_ECLOSED, "the conversation is closing");
    }
    return limi_detail(st, "%s", words.text);
}

static bool is_closed(const limi_talk *talk)
{
    return limi_mailbox_is_closed(&talk->actor.mailbox);
}

/* Before each look of one who waits for a place. One who wants each place wants those, too, of what has been done of a
 * lot; from here on there are none while it waits. */
static bool is_to_give_up(void *argument)
{
    limi_talk *talk = argument;
    if (limi_quota_is_awaited(&talk->quota)) {
        limi_lot_end(talk);
    }
    return is_closed(talk);
}

static bool take_now(limi_talk *talk, size_t bytes)
{
    if (limi_quota_take(&talk->quota, bytes)) {
        return true;
    }
    limi_lot_reap(talk);
    return limi_quota_take(&talk->quota, bytes);
}

/* A place in the mailbox for `bytes`, or why not. */
static liminal_status take_place(limi_talk *talk, size_t bytes, liminal_deadline deadline, bool may_wait)
{
    limi_room room;
    liminal_status st;
    if (is_closed(talk)) {
        return limi_refusal(talk);
    }
    if (!limi_quota_fits(&talk->quota, bytes)) {
        return limi_detail(LIMINAL_ELIMIT, "%zu bytes are more than the mailbox may ever hold", bytes);
    }
    if (take_now(talk, bytes)) {
        return LIMINAL_OK;
    }
    if (!may_wait || talk->overflow == LIMINAL_OVERFLOW_REFUSE) {
        return limi_detail(LIMINAL_EFULL, "the mailbox is full");
    }
    st = limi_wait_enter(talk);
    if (st != LIMINAL_OK) {
        return st;
    }
    /* The conversation's own deadline as well: its thread may be inside an inline behaviour for long. */
    room = limi_quota_wait(&talk->quota, bytes, is_to_give_up, talk,
                           liminal_deadline_earlier(deadline, talk->dialogue.deadline).ns);
    limi_wait_leave(talk);
    if (room == LIMI_ROOM_TIMED_OUT && take_now(talk, bytes)) { /* by now some may be done of a lot */
        return LIMINAL_OK;
    }
    if (room == LIMI_ROOM_TIMED_OUT && talk->dialogue.deadline.ns < deadline.ns) {
        limi_talk_pass_deadline(talk);
        room = LIMI_ROOM_GIVEN_UP;
    }
    if (room == LIMI_ROOM_GIVEN_UP) {
        return limi_refusal(talk);
    }
    return room == LIMI_ROOM_TAKEN ? LIMINAL_OK : limi_detail(LIMINAL_ETIMEDOUT, "the mailbox stayed full");
}

static inline void put_in(limi_request *request, liminal_envelope *envelope)
{
    request->ticket.envelope = envelope;
    request->placed = true;
    request->bytes = envelope->size;
    request->node.kind = LIMI_NODE_SENT;
    request->ticket.deadline = envelope->facts.deadline;
}

/* With a place. */
static liminal_status request_with(limi_talk *talk, limi_ticket_kind kind, liminal_envelope *envelope,
                                   limi_request **out)
{
    limi_request *request = limi_request_create(&talk->stock, kind, envelope);
    if (request == NULL) {
        limi_quota_release(&talk->quota, envelope->size);
        return LIMINAL_ENOMEM;
    }
    put_in(request, envelope);
    *out = request;
    return LIMINAL_OK;
}

liminal_status limi_place(limi_talk *talk, limi_ticket_kind kind, liminal_envelope *envelope,
                          liminal_deadline deadline, bool may_wait, limi_request **out)
{
    liminal_status st = take_place(talk, envelope->size, deadline, may_wait);
    return st != LIMINAL_OK ? st : request_with(talk, kind, envelope, out);
}

void limi_displace(limi_talk *talk, limi_request *request)
{
    limi_quota_release(&talk->quota, request->bytes);
    request->ticket.envelope = NULL;
    limi_request_drop(request);
}

/* The shortest way, of a buffer at rest: one step of the rules, with no duty. Whoever sees that the mailbox is idle
 * comes behind all that it sent itself; and who sees under the lock that it is not closed comes before all that the
 * close refuses, whose rules hear of it only later. The request is `made`, or if that is NULL the one that a receive
 * has left. */
static bool keep(limi_talk *talk, liminal_envelope *envelope, limi_request *made)
{
    limi_request *request;
    liminal_time now;
    bool kept = false;
    if (talk->participant_count != 0 || talk->actor.pinned || !limi_mailbox_is_open_and_idle(&talk->actor.mailbox)) {
        return false;
    }
    now.unix_ns = limi_clock_recent().wall;
    limi_mutex_lock(&talk->lock);
    request = made != NULL ? made : talk->own;
    if (request != NULL && !is_closed(talk)) {
        put_in(request, envelope);
        kept = limi_dialogue_keep_at_once(&talk->dialogue, &request->ticket, now);
    }
    if (made == NULL && kept) {
        talk->own = NULL;
    } else if (made == NULL && request != NULL) {
        request->ticket.envelope = NULL;
    }
    limi_mutex_unlock(&talk->lock);
    return kept;
}

LIMI_APART static liminal_status post(limi_talk *talk, limi_request *request, liminal_envelope **message)
{
    limi_push pushed;
    if (limi_actor_enter(&talk->actor, LIMI_ASSIST_BRIEF)) {
        *message = NULL;
        limi_talk_on_sent(talk, request);
        limi_actor_leave(&talk->actor);
        return LIMINAL_OK;
    }
    pushed = limi_actor_post(&talk->actor, &request->node, LIMI_CLASS_MESSAGE, LIMI_ASSIST_BRIEF, NULL, NULL);
    if (pushed == LIMI_PUSH_CLOSED || pushed == LIMI_PUSH_SEALED) {
        limi_displace(talk, request);
        return limi_refusal(talk);
    }
    *message = NULL;
    return LIMINAL_OK;
}

static inline liminal_status send_now(limi_talk *talk, liminal_envelope **message, liminal_deadline deadline,
                                      bool may_wait)
{
    limi_request *request;
    liminal_status st = limi_supervisor_here(talk->supervisor);
    if (st || (st = take_place(talk, (*message)->size, deadline, may_wait))) {
        return st;
    }
    if (!keep(talk, *message, NULL)) {
        st = request_with(talk, LIMI_TICKET_SEND, *message, &request);
        if (st != LIMINAL_OK) {
            return st;
        }
        if (!keep(talk, *message, request)) {
            return post(talk, request, message);
        }
    }
    *message = NULL;
    return LIMINAL_OK;
}

liminal_status limi_talk_send(void *self, liminal_envelope **message, liminal_deadline deadline)
{
    return send_now(self, message, deadline, true);
}

liminal_status limi_talk_try_send(void *self, liminal_envelope **message)
{
    return send_now(self, message, liminal_deadline_passed(), false);
}

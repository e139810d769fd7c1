/* SPDX-License-Identifier: MIT */
/* call.c -- the caller's side of the pthread actor: the slots of its backend table. */
#include "call.h"

#include "deadline.h"
#include "detail.h"
#include "dialogue.h"
#include "handoff.h"
#include "lot.h"
#include "scope.h"
#include "wait.h"

/* The detail text that belongs to what the rules decided. */
static liminal_status explain(limi_talk *talk, liminal_status outcome)
{
    switch (outcome) {
    case LIMINAL_OK:
        return outcome;
    case LIMINAL_ENOPROC:
        return limi_detail(outcome, "the conversation has no participant that could answer");
    case LIMINAL_ECANCELED:
        return limi_detail(outcome, "the participant consumed the request without an answer");
    default:
        if (limi_refusal(talk) != outcome) { /* it was decided for a reason of the request's own */
            (void)limi_detail(outcome, "%s", liminal_status_text(outcome));
        }
        return outcome;
    }
}

liminal_status limi_call_outcome(limi_talk *talk, limi_ticket *ticket, liminal_envelope **out_reply)
{
    liminal_status st = explain(talk, ticket->outcome);
    if (st == LIMINAL_OK) {
        *out_reply = ticket->reply;
        ticket->reply = NULL;
    }
    return st;
}

/* ---- waiting for a decision ---- */

/* The rules hear that the caller has gone; true if they had decided before. */
static bool give_up(limi_talk *talk, limi_request *request)
{
    limi_event event = {.kind = LIMI_EVENT_GAVE_UP, .ticket = &request->ticket};
    limi_talk_step(talk, &event);
    return event.decided;
}

/* Only where a turn may be held up: see disturb_sleepers(). False: there is nothing to wait for any more. */
static bool lie_down(limi_talk *talk, limi_request *request, liminal_deadline *due)
{
    bool open = true;
    *due = liminal_deadline_never(); /* the actor's own thread sees to it */
    if (talk->may_stall) {
        limi_mutex_lock(&talk->lock);
        open = request->ticket.kind == LIMI_TICKET_CLOSE ? !limi_dialogue_is_over(&talk->dialogue)
                                                         : !limi_dialogue_is_lost(&talk->dialogue);
        if (open) {
            *due = limi_dialogue_due(&talk->dialogue);
            limi_list_append(&talk->sleepers, &request->sleeper);
        }
        limi_mutex_unlock(&talk->lock);
    }
    return open;
}

static void get_up(limi_talk *talk, limi_request *request)
{
    if (talk->may_stall) {
        limi_mutex_lock(&talk->lock);
        limi_list_remove(&request->sleeper);
        limi_mutex_unlock(&talk->lock);
    }
}

static limi_spinner *spinner_for(limi_talk *talk, const limi_request *request)
{
    switch (request->ticket.kind) {
    case LIMI_TICKET_ASK:
        return &talk->asking;
    case LIMI_TICKET_RECEIVE:
        return &talk->receiving;
    case LIMI_TICKET_SEND:
    case LIMI_TICKET_CLOSE:
    default:
        return NULL;
    }
}

/* The conversation's own deadlines are seen to as well where its thread may be inside an inline behaviour
 * that does not return; who sleeps is disturbed when they change. */
bool limi_call_await(limi_talk *talk, limi_request *request, liminal_deadline deadline)
{
    limi_spinner *spinner = spinner_for(talk, request);
    liminal_deadline due;
    while (!limi_waiter_is_done(&request->waiter) && lie_down(talk, request, &due)) {
        bool done = limi_waiter_wait(&request->waiter, spinner, liminal_deadline_earlier(deadline, due).ns);
        get_up(talk, request);
        if (done) {
            return true;
        }
        if (limi_waiter_is_offered(&request->waiter)) {
            if (limi_handoff_collect(talk, request)) {
                return true;
            }
            continue;
        }
        if (limi_deadline_is_past(deadline.ns)) {
            break;
        }
        if (limi_deadline_is_past(due.ns)) {
            limi_talk_pass_deadline(talk);
        }
    }
    if (limi_waiter_is_done(&request->waiter)) {
        return true;
    }
    if (!give_up(talk, request)) {
        return false;
    }
    if (request->ticket.kind == LIMI_TICKET_CLOSE) {
        return false; /* it has closed, but that is said only behind the embedder's callbacks */
    }
    while (!limi_waiter_wait(&request->waiter, spinner, INT64_MAX)) { /* whoever decided it is about to say so */
    }
    return true;
}

/* What an asker who gave up is told: the end, if that has come, else that time has run out. */
static liminal_status timed_out(limi_talk *talk)
{
    bool lost;
    limi_mutex_lock(&talk->lock);
    lost = limi_dialogue_is_lost(&talk->dialogue);
    limi_mutex_unlock(&talk->lock);
    return lost ? limi_refusal(talk) : limi_detail(LIMINAL_ETIMEDOUT, "no answer before the deadline");
}

/* ---- ask, close and the barrier of a query: they wait, and may run the turn themselves ---- */

typedef struct call {
    limi_talk *talk;
    limi_request *request;
    liminal_envelope **envelope; /* of an ask: the caller's */
    liminal_deadline deadline;
    limi_push pushed;
    bool decided;
} call;

static void await_barrier(limi_talk *talk, limi_request *request, liminal_deadline deadline);

static bool is_satisfied(void *argument)
{
    const call *c = argument;
    return limi_waiter_is_done(&c->request->waiter) || limi_deadline_is_past(c->deadline.ns);
}

static void post_and_await(void *argument)
{
    call *c = argument;
    limi_class class = c->request->ticket.kind == LIMI_TICKET_ASK ? LIMI_CLASS_MESSAGE : LIMI_CLASS_CONTROL;
    bool is_barrier = c->request->node.kind == LIMI_NODE_BARRIER; /* the node is others' once it is posted */
    if (c->envelope != NULL && limi_actor_enter(&c->talk->actor, LIMI_ASSIST_WAIT)) {
        c->pushed = LIMI_PUSH_DUTY;
        limi_handoff_on_sent(c->talk, limi_request_ref(c->request));
        limi_actor_leave(&c->talk->actor);
        c->decided = limi_call_await(c->talk, c->request, c->deadline);
        return;
    }
    c->pushed = limi_actor_post(&c->talk->actor, &limi_request_ref(c->request)->node, class, LIMI_ASSIST_WAIT,
                                is_satisfied, c);
    if (c->pushed == LIMI_PUSH_CLOSED || c->pushed == LIMI_PUSH_SEALED) {
        limi_request_drop(c->request); /* nobody took that share */
    } else if (is_barrier) {
        await_barrier(c->talk, c->request, c->deadline);
    } else {
        c->decided = limi_call_await(c->talk, c->request, c->deadline);
    }
}

/* An ask is over: what was begun was taken; what was not never will be, and stays the caller's. Decided or
 * given up, its ticket does not change any more. */
static void settle_ownership(limi_request *request, liminal_envelope **envelope, bool answered)
{
    if (!answered && !request->ticket.begun) {
        (void)liminal_envelope_ref(*envelope); /* the request keeps one until its node was handled */
    } else {
        *envelope = NULL;
    }
}

void limi_ask_abandoned(limi_talk *talk, limi_request *request, liminal_envelope **envelope)
{
    (void)give_up(talk, request);
    if (envelope != NULL) {
        settle_ownership(request, envelope, false);
    }
    limi_request_drop(request);
}

/* An inline behaviour ended the calling thread: the caller has gone. */
static void caller_unwound(void *argument)
{
    call *c = argument;
    limi_ask_abandoned(c->talk, c->request, c->envelope);
    limi_actor_look(&c->talk->actor); /* if it was a close, its deadline */
}

static void run_call(call *c)
{
    if (c->talk->has_inline) {
        limi_thread_guard(post_and_await, caller_unwound, c);
    } else {
        post_and_await(c);
    }
}

static liminal_status conclude(limi_talk *talk, limi_request *request, bool decided, liminal_envelope **envelope,
                               liminal_envelope **out_reply)
{
    liminal_status st = decided ? limi_call_outcome(talk, &request->ticket, out_reply) : timed_out(talk);
    settle_ownership(request, envelope, st == LIMINAL_OK);
    limi_request_drop(request);
    return st;
}

liminal_status limi_ask_await(limi_talk *talk, limi_request *request, liminal_envelope **envelope,
                              liminal_envelope **out_reply, liminal_deadline deadline)
{
    return conclude(talk, request, limi_call_await(talk, request, deadline), envelope, out_reply);
}

/* With a wait entered. On any status but LIMINAL_OK the request was either begun, and is taken, or
 * never will be, and stays the caller's. */
static liminal_status ask_waiting(limi_talk *talk, limi_request *request, liminal_envelope **envelope,
                                  liminal_envelope **out_reply, liminal_deadline deadline)
{
    call c = {.talk = talk, .request = request, .envelope = envelope, .deadline = deadline};
    run_call(&c);
    if (c.pushed == LIMI_PUSH_CLOSED || c.pushed == LIMI_PUSH_SEALED) {
        limi_displace(talk, request);
        return limi_refusal(talk);
    }
    return conclude(talk, request, c.decided, envelope, out_reply);
}

liminal_status limi_ask_by_mailbox(limi_talk *talk, liminal_envelope **envelope, liminal_envelope **out_reply,
                                   liminal_deadline deadline)
{
    limi_request *request;
    liminal_status st;
    if (limi_deadline_is_past(deadline.ns) && !limi_mailbox_is_closed(&talk->actor.mailbox)) {
        return limi_detail(LIMINAL_ETIMEDOUT, "the deadline had passed before the ask");
    }
    st = limi_place(talk, LIMI_TICKET_ASK, *envelope, deadline, true, &request);
    if (st != LIMINAL_OK) {
        return st;
    }
    request->ticket.deadline = liminal_deadline_earlier(request->ticket.deadline, deadline);
    st = limi_wait_enter(talk);
    if (st != LIMINAL_OK) {
        limi_displace(talk, request);
        return st;
    }
    st = ask_waiting(talk, request, envelope, out_reply, deadline);
    limi_wait_leave(talk);
    return st;
}

/* ---- close ---- */

static void close_now(limi_talk *talk)
{
    limi_talk_begin_close(talk, liminal_deadline_passed(), false);
    limi_talk_pass_deadline(talk);
}

static liminal_status talk_close(void *self, liminal_deadline deadline)
{
    limi_talk *talk = self;
    call c = {.talk = talk, .deadline = deadline};
    liminal_status st = limi_supervisor_here(talk->supervisor);
    if (st != LIMINAL_OK) {
        return st;
    }
    if (limi_wait_is_inside(talk) || limi_wait_is_callback()) {
        limi_talk_close_quietly(talk, deadline);
        return LIMINAL_OK;
    }
    st = limi_wait_enter(talk);
    if (st != LIMINAL_OK) {
        limi_talk_close_quietly(talk, deadline);
        return st;
    }
    c.request = limi_request_create(&talk->stock, LIMI_TICKET_CLOSE, NULL);
    if (c.request == NULL) {
        st = LIMINAL_ENOMEM;
    } else {
        c.request->node.kind = LIMI_NODE_CLOSE;
        limi_talk_begin_close(talk, deadline, true); /* it wakes nobody for what is over in a moment */
        run_call(&c);
        if (!c.decided && c.pushed != LIMI_PUSH_SEALED) {
            close_now(talk);
        }
        limi_actor_look(&talk->actor); /* what is left, others have to see to */
        limi_request_drop(c.request);
    }
    limi_wait_leave(talk);
    return st;
}

/* ---- query ---- */

/* Whether a turn may be held up by what is being undone: all that was accepted has been told so, and there is
 * nothing to wait for. If not, a sleeper is disturbed when that begins. */
static bool is_being_undone(limi_talk *talk, limi_request *sleeper)
{
    bool undone;
    limi_mutex_lock(&talk->lock);
    undone = talk->dialogue.doomed && (!limi_dialogue_is_over(&talk->dialogue) || limi_u32_load(&talk->undoing) != 0);
    if (!undone && talk->may_stall) {
        limi_list_append(&talk->sleepers, &sleeper->sleeper);
    }
    limi_mutex_unlock(&talk->lock);
    return undone;
}

static void await_barrier(limi_talk *talk, limi_request *request, liminal_deadline deadline)
{
    bool done = false;
    while (!done && !is_being_undone(talk, request)) {
        done = limi_waiter_wait(&request->waiter, NULL, deadline.ns);
        get_up(talk, request);
        done = done || limi_deadline_is_past(deadline.ns);
    }
}

static liminal_status barrier(limi_talk *talk, liminal_deadline deadline)
{
    call c = {.talk = talk, .deadline = deadline};
    c.request = limi_request_create(&talk->stock, LIMI_TICKET_CLOSE, NULL);
    if (c.request == NULL) {
        return LIMINAL_ENOMEM;
    }
    c.request->node.kind = LIMI_NODE_BARRIER;
    run_call(&c);
    limi_request_drop(c.request);
    return LIMINAL_OK;
}

/* The deadlines as well: its thread may be in the embedder's code, and nobody else may wait. */
static void pass_what_is_due(limi_talk *talk)
{
    liminal_deadline due;
    limi_mutex_lock(&talk->lock);
    due = limi_dialogue_due(&talk->dialogue);
    limi_mutex_unlock(&talk->lock);
    if (limi_deadline_is_past(due.ns)) {
        limi_talk_pass_deadline(talk);
    }
}

static liminal_status talk_query(void *self, liminal_snapshot **out, liminal_deadline deadline)
{
    limi_talk *talk = self;
    liminal_status st = limi_supervisor_here(talk->supervisor);
    if (st == LIMINAL_OK && talk->may_stall) {
        pass_what_is_due(talk);
    }
    if (st == LIMINAL_OK && !limi_mailbox_is_idle(&talk->actor.mailbox) && limi_scope_here()->frame == NULL) {
        st = barrier(talk, deadline);
    }
    if (st == LIMINAL_OK) {
        limi_lot_reap(talk);
        limi_mutex_lock(&talk->lock);
        st = liminal_state_snapshot(talk->dialogue.state, out);
        limi_mutex_unlock(&talk->lock);
    }
    return st;
}

/* ---- the rest ---- */

static liminal_pid talk_pid(const void *self)
{
    return (liminal_pid){limi_u64_load(&((const limi_talk *)self)->pid)};
}

static liminal_trace_context talk_trace(const void *self)
{
    return ((const limi_talk *)self)->span.context;
}

static void talk_release(void *self)
{
    limi_talk *talk = self;
    if (limi_supervisor_here(talk->supervisor) != LIMINAL_OK) {
        return; /* in a forked child nothing of it can run or be freed */
    }
    limi_mutex_lock(&talk->supervisor->lock);
    talk->has_handle = false;
    limi_mutex_unlock(&talk->supervisor->lock);
    limi_talk_close_quietly(talk, liminal_deadline_never());
    limi_talk_unref(talk);
}

const liminal_backend limi_talk_backend = {
    LIMINAL_OPS(liminal_backend),
    .name = "pthread actor",
    .send = limi_talk_send,
    .receive = limi_talk_receive,
    .close = talk_close,
    .query = talk_query,
    .release = talk_release,
    .ask = limi_talk_ask,
    .try_send = limi_talk_try_send,
    .pid = talk_pid,
    .trace = talk_trace,
    .undo_with = limi_talk_undo_with,
};

/* SPDX-License-Identifier: MIT */
/* direct.c -- the shortest way of an ask: of a conversation at rest, by an inline participant with nothing else to do.
 *
 * The asker has the duty (see actor.c) from before the request is begun until it is answered, so it needs no
 * message, no place in the mailbox and no wake: two steps of the rules with the behaviour in between, all on its
 * own thread. The request is the talk's own, which belongs to whoever has the duty.
 *
 * What else can happen meanwhile is a step of somebody else's: the participant is killed, the conversation fails or
 * is closed. The rules are asked before each of the two steps whether they still are where they were; if not,
 * or if the behaviour ends its participant, the request goes the ordinary way from there on, for which its three
 * shares were handed out at the start: the caller's, the rules' and the participant's.
 *
 * The asker counts a share of the request more, for the envelope that will be the answer, as long as no other thread
 * can count and no locked operation is needed for it. It lies in the thread's room meanwhile, where there is no other,
 * for turns do not nest; if it is still there when the behaviour returns, it is let go of. */
#include "call.h"

#include "deadline.h"
#include "dialogue.h"
#include "envelope.h"
#include "participant_work.h"
#include "scope.h"
#include "seldom.h"

/* For what is called with the thread guarded. */
typedef struct direct {
    limi_talk *talk;
    limi_participant *participant;
    limi_request *request;
    liminal_envelope **envelope; /* the caller's */
} direct;

/* The talk's own request, or another one: with the duty. */
static inline limi_request *take_request(limi_talk *talk)
{
    limi_request *own = talk->own;
    talk->own = NULL;
    return own != NULL ? own : limi_request_create(&talk->stock, LIMI_TICKET_ASK, NULL);
}

/* It is as it was made, or as an answer at once has left it; its shares are the caller's, all of them. */
static inline void fill_in(limi_request *request, liminal_envelope *envelope, int64_t deadline_ns)
{
    request->ticket.envelope = envelope;
    request->ticket.deadline.ns = deadline_ns;
    request->ticket.begun = false;
    request->ticket.decided = false;
    limi_refcount_set(&request->owners, 3);
}

static inline bool begin(limi_talk *talk, limi_participant *p, limi_request *request, liminal_time now)
{
    liminal_envelope *envelope = request->ticket.envelope;
    limi_scope_room *here = limi_scope_room_here();
    bool is_sole = limi_refcount_is_sole(&envelope->owners), begun;
    limi_mutex_lock(&talk->lock);
    begun = limi_list_empty(&p->news) && limi_dialogue_begin_at_once(&talk->dialogue, &request->ticket, p->seat, now);
    if (begun && is_sole) { /* but for the log, which lets go of it under the lock */
        limi_refcount_up_alone(&envelope->owners);
        here->lent = envelope;
    }
    limi_mutex_unlock(&talk->lock);
    return begun;
}

static inline bool answer(limi_talk *talk, limi_participant *p, limi_request *request)
{
    liminal_time now = {limi_clock_recent().wall};
    bool answered;
    limi_mutex_lock(&talk->lock);
    answered = limi_dialogue_answer_at_once(&talk->dialogue, &request->ticket, p->seat, &p->reply, now);
    limi_mutex_unlock(&talk->lock);
    return answered;
}

static void call(void *argument)
{
    direct *d = argument;
    limi_participant *p = d->participant;
    if (limi_u32_load(&p->stopping) != 0) {
        limi_request_drop(d->request); /* killed meanwhile: the rules hear, or have heard, of that */
        return;
    }
    p->current = d->request;
    limi_work_call_answer(p, p->talk, d->request->ticket.envelope, d->request->ticket.deadline);
    if (p->exiting) {
        limi_participant_conclude(p);
    }
}

static void conclude(void *argument)
{
    limi_participant_conclude(((direct *)argument)->participant);
}

/* The behaviour has ended the calling thread. */
static void unwound(void *argument)
{
    direct *d = argument;
    limi_work_take_back();
    limi_participant_unwound(d->participant);
    limi_ask_abandoned(d->talk, d->request, d->envelope);
}

/* The participant's share is gone with what it led to. */
LIMI_SELDOM static liminal_status go_on(direct *d, liminal_envelope **out_reply, liminal_deadline deadline)
{
    limi_actor_leave(&d->talk->actor);
    return limi_ask_await(d->talk, d->request, d->envelope, out_reply, deadline);
}

/* Still with the duty. */
static inline void leave(limi_talk *talk, limi_request *request)
{
    request->ticket.envelope = NULL;
    talk->own = request;
    limi_actor_leave(&talk->actor);
}

static inline liminal_status take_answer(limi_talk *talk, limi_request *request, liminal_envelope **out_reply)
{
    if (request->ticket.outcome != LIMINAL_OK) {
        return limi_call_outcome(talk, &request->ticket, out_reply);
    }
    *out_reply = request->ticket.reply;
    request->ticket.reply = NULL;
    return LIMINAL_OK;
}

/* With the duty; it is to be begun by `until_ns`. */
static inline liminal_status ask(limi_talk *talk, limi_participant *p, liminal_envelope **envelope,
                                 liminal_envelope **out_reply, liminal_deadline deadline, int64_t until_ns,
                                 liminal_time now)
{
    liminal_envelope *mine = *envelope;
    limi_request *request = take_request(talk);
    direct d = {talk, p, request, envelope};
    liminal_status st;
    if (request == NULL) {
        limi_actor_leave(&talk->actor);
        return LIMINAL_ENOMEM;
    }
    fill_in(request, mine, until_ns);
    if (!begin(talk, p, request, now)) {
        leave(talk, request);
        return limi_ask_by_mailbox(talk, envelope, out_reply, deadline);
    }
    limi_thread_guard(call, unwound, &d);
    limi_work_take_back();
    if (p->current != request) {
        return go_on(&d, out_reply, deadline);
    }
    if (!answer(talk, p, request)) {
        limi_thread_guard(conclude, unwound, &d);
        return go_on(&d, out_reply, deadline);
    }
    p->current = NULL;
    st = take_answer(talk, request, out_reply);
    leave(talk, request);
    *envelope = NULL;
    limi_envelope_unref(mine);
    return st;
}

/* Its target is one that this way leads to. Apart, so that the look at what it is needs no registers saved. */
LIMI_APART static liminal_status ask_inline(limi_talk *talk, liminal_envelope **envelope, liminal_envelope **out_reply,
                                            liminal_deadline deadline, limi_participant *p)
{
    const liminal_envelope *said = *envelope;
    int64_t until_ns = said->facts.deadline.ns < deadline.ns ? said->facts.deadline.ns : deadline.ns;
    limi_instant now = limi_clock_recent(); /* the request has just been made */
    if (limi_quota_has_room(&talk->quota, said->size) && !limi_deadline_is_past_by(until_ns, now.monotonic) &&
        limi_actor_enter(&talk->actor, LIMI_ASSIST_WAIT)) {
        return ask(talk, p, envelope, out_reply, deadline, until_ns, (liminal_time){now.wall});
    }
    return limi_ask_by_mailbox(talk, envelope, out_reply, deadline);
}

LIMI_SELDOM static liminal_status ask_elsewhere(limi_talk *talk, liminal_envelope **envelope,
                                                liminal_envelope **out_reply, liminal_deadline deadline)
{
    liminal_status st = limi_supervisor_here(talk->supervisor);
    return st != LIMINAL_OK ? st : limi_ask_by_mailbox(talk, envelope, out_reply, deadline);
}

liminal_status limi_talk_ask(void *self, liminal_envelope **envelope, liminal_envelope **out_reply,
                             liminal_deadline deadline)
{
    limi_talk *talk = self;
    uint32_t target = limi_u32_load(&talk->target);
    if (!limi_supervisor_is_here(talk->supervisor)) {
        return ask_elsewhere(talk, envelope, out_reply, deadline);
    }
    if (target < talk->participant_count && talk->participants[target].kind == LIMINAL_PARTICIPANT_INLINE) {
        return ask_inline(talk, envelope, out_reply, deadline, &talk->participants[target]);
    }
    return limi_ask_by_mailbox(talk, envelope, out_reply, deadline);
}

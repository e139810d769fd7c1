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
 * shares were handed out at the start: the caller's, the rules' and the participant's. */
#include "call.h"

#include "deadline.h"
#include "dialogue.h"
#include "envelope.h"

typedef struct direct {
    limi_talk *talk;
    limi_participant *participant;
    limi_request *request;
    liminal_envelope **envelope; /* the caller's */
    bool answered;               /* and that is all there is to it */
} direct;

/* The talk's own request, or another one: with the duty. */
static limi_request *take_request(limi_talk *talk)
{
    limi_request *own = talk->own;
    talk->own = NULL;
    return own != NULL ? own : limi_request_create(&talk->stock, LIMI_TICKET_ASK, NULL);
}

static bool begin(direct *d)
{
    limi_talk *talk = d->talk;
    liminal_time now = liminal_time_now();
    bool begun;
    limi_mutex_lock(&talk->lock);
    begun = limi_participant_first_news(d->participant) == NULL &&
            limi_dialogue_begin_at_once(&talk->dialogue, &d->request->ticket, d->participant->seat, now);
    limi_mutex_unlock(&talk->lock);
    return begun;
}

static bool answer(direct *d)
{
    limi_talk *talk = d->talk;
    limi_participant *p = d->participant;
    liminal_time now = liminal_time_now();
    bool answered;
    limi_mutex_lock(&talk->lock);
    answered = limi_dialogue_answer_at_once(&talk->dialogue, &d->request->ticket, p->seat, &p->reply, now);
    limi_mutex_unlock(&talk->lock);
    return answered;
}

static void run(void *argument)
{
    direct *d = argument;
    limi_participant *p = d->participant;
    if (limi_u32_load(&p->stopping) != 0) {
        limi_request_drop(d->request); /* killed meanwhile: the rules hear, or have heard, of that */
        return;
    }
    limi_participant_call(p, d->request);
    if (!p->exiting && answer(d)) {
        p->current = NULL;
        d->answered = true;
    } else {
        limi_participant_conclude(p);
    }
}

/* The behaviour has ended the calling thread. */
static void unwound(void *argument)
{
    direct *d = argument;
    limi_participant_unwound(d->participant);
    limi_ask_abandoned(d->talk, d->request, d->envelope);
}

/* If this way can be gone: with the duty, and a request with all its shares, or none without memory. */
static bool enter(direct *d, liminal_deadline deadline)
{
    limi_talk *talk = d->talk;
    liminal_envelope *envelope = *d->envelope;
    uint32_t target = limi_u32_load(&talk->target);
    deadline = liminal_deadline_earlier(envelope->facts.deadline, deadline);
    if (!talk->has_inline || target >= talk->participant_count ||
        talk->participants[target].kind != LIMINAL_PARTICIPANT_INLINE ||
        !limi_quota_has_room(&talk->quota, envelope->size) || limi_deadline_is_past(deadline.ns) ||
        !limi_actor_enter(&talk->actor, LIMI_ASSIST_WAIT)) {
        return false;
    }
    d->participant = &talk->participants[target];
    d->request = take_request(talk);
    if (d->request != NULL) {
        limi_request_renew(d->request, LIMI_TICKET_ASK, envelope, 3);
        d->request->ticket.deadline = deadline;
    }
    return true;
}

/* The request's shares are the caller's, all of them; still with the duty. */
static void leave(direct *d)
{
    d->request->ticket.envelope = NULL;
    d->talk->own = d->request;
    limi_actor_leave(&d->talk->actor);
}

bool limi_ask_direct(limi_talk *talk, liminal_envelope **envelope, liminal_envelope **out_reply,
                     liminal_deadline deadline, liminal_status *out)
{
    direct d = {.talk = talk, .envelope = envelope};
    if (!enter(&d, deadline)) {
        return false;
    }
    if (d.request == NULL) {
        limi_actor_leave(&talk->actor);
        *out = LIMINAL_ENOMEM;
        return true;
    }
    if (!begin(&d)) {
        leave(&d);
        return false;
    }
    limi_thread_guard(run, unwound, &d);
    if (!d.answered) {
        limi_actor_leave(&talk->actor);
        *out = limi_ask_await(talk, d.request, envelope, out_reply, deadline);
        return true;
    }
    *out = limi_ask_outcome(talk, d.request, out_reply);
    leave(&d);
    liminal_envelope_drop(envelope);
    return true;
}

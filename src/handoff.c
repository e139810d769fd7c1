/* SPDX-License-Identifier: MIT */
/* handoff.c -- the shortest way of an ask to a participant with a thread of its own, and back.
 *
 * What one processor has written last costs the other a tenth of a microsecond to look at, line by line, and the
 * rules are a dozen lines. So for an ask by a participant that has nothing else to do they stay where the asker is: it
 * begins the request in the participant's place, and brings the answer to the rules in its place too. The participant's
 * thread sees a line of its engine, the request's first one and the envelope, and takes no lock.
 *
 *   NONE --give--> GIVEN                   by the asker, with the duty and the lock: begun, for the rules
 *   GIVEN --accept--> TAKEN                by the participant's thread, without the lock
 *   TAKEN --offer--> OFFERED               by the same, without the lock
 *   OFFERED --collect, settle--> NONE      by anyone, with the lock: the answer goes to the rules
 *   GIVEN --settle--> NONE                 by anyone, with the lock: it is queued again, as if it had never been begun
 *   TAKEN --settle, end--> NONE            with the lock: nothing is offered any more; the participant brings back the
 *                                          answer itself, by a step of the rules like any other
 *
 * talk->handed is the request while it is not NONE, with a share of it, which goes to whoever makes it NONE, or with
 * TAKEN stays the participant's. GIVEN and TAKEN are told apart by engine->handed.request, where the mark of TAKEN then
 * stays until the next give; TAKEN and OFFERED by request->waiter; each by a compare-and-swap. So of an accept and a
 * settle, or of an offer and a settle, one comes first and the other sees it. Beside that lies a share of the envelope:
 * for what the behaviour makes that follows it.
 *
 * It is given only while nothing is queued, begun or told at the target's seat, so it comes before all else there.
 * Whoever brings an event that may decide about it otherwise, a caller who gives up, an exit, a close, a deadline, or
 * the participant that looks for more to do, settles first, under the same lock: so nothing is decided about a request
 * while an answer to it is on offer, and the rules know of all that was ever known of it.
 *
 * No wake is lost: see bell.c for the tray. What comes after the give rings the bell, or is found behind it: a thread
 * that was rung for nothing else before it accepted has nothing else to do when it has offered, and goes to sleep
 * without asking the rules; what has rung meanwhile keeps it from sleeping. What is queued again rings too. Who asked
 * can't go to sleep with an offer made, and is woken by one: see waiter.c. */
#include "handoff.h"

#include "deadline.h"
#include "dialogue.h"
#include "envelope.h"
#include "lot.h"

#define TAKEN ((uintptr_t)1)

#define LINE 64

/* An envelope that another processor has filled: all of its lines at once, not one after the other. */
static inline void fetch(const liminal_envelope *envelope)
{
    const char *at = (const char *)envelope, *end = at + sizeof *envelope + LINE;
    for (; at < end; at += LINE) {
        __builtin_prefetch(at);
    }
}

static bool is_late(int64_t deadline_ns, int64_t now_ns)
{
    return deadline_ns != INT64_MAX && now_ns >= deadline_ns;
}

/* The one that a message goes to now, if it has a thread of its own; the rules are asked again. */
static limi_participant *target_of(limi_talk *talk)
{
    uint32_t target = limi_u32_load(&talk->target);
    limi_participant *p = target < talk->participant_count ? &talk->participants[target] : NULL;
    return p != NULL && p->kind == LIMINAL_PARTICIPANT_THREAD ? p : NULL;
}

static bool give_locked(limi_talk *talk, limi_participant *p, limi_request *request, liminal_time now)
    LIMI_REQUIRES(talk->lock)
{
    limi_dialogue *d = &talk->dialogue;
    if (request->ticket.withdrawn || !limi_list_empty(&d->seats[p->seat].begun) || !limi_list_empty(&p->news) ||
        !limi_dialogue_begin_at_once(d, &request->ticket, p->seat, now)) {
        return false;
    }
    LIMI_ASSERT(talk->handed == NULL); /* it would be begun */
    talk->handed = limi_request_ref(request);
    limi_envelope_count(request->ticket.envelope); /* for what follows it: this is where its count is at hand */
    limi_waiter_open(&request->waiter);
    p->engine->handed.envelope = request->ticket.envelope;
    limi_u64_store_relaxed(&p->engine->handed.deadline_ns, (uint64_t)request->ticket.deadline.ns);
    limi_ptr_store(&p->engine->handed.request, (uintptr_t)request);
    return true;
}

void limi_handoff_on_sent(limi_talk *talk, limi_request *request)
{
    limi_event event = {.kind = LIMI_EVENT_SENT, .ticket = &request->ticket};
    limi_participant *p = target_of(talk);
    int64_t deadline_ns = request->ticket.deadline.ns;
    limi_done done;
    bool given;
    event.now_ns = limi_clock_near(deadline_ns);
    event.now.unix_ns = limi_clock_recent().wall;
    limi_mutex_lock(&talk->lock);
    given = p != NULL && !is_late(deadline_ns, event.now_ns) && give_locked(talk, p, request, event.now);
    if (!given) {
        limi_talk_step_locked(talk, &event, &done);
    }
    limi_mutex_unlock(&talk->lock);
    if (!given) {
        limi_talk_perform(talk, &done);
    } else if (limi_bell_is_dozed(&p->engine->bell)) {
        limi_participant_ring(p, LIMI_RING_HANDOFF);
    }
}

limi_request *limi_handoff_accept(limi_participant *p)
{
    uintptr_t handed = limi_ptr_load_acquire(&p->engine->handed.request);
    limi_request *request = (limi_request *)handed;
    int64_t deadline_ns;
    if (handed == 0 || (handed & TAKEN) != 0) {
        return NULL;
    }
    /* If another ask's is laid there meanwhile the swap fails, but for one that uses the same request again: that one's
     * deadline is then looked at by its asker alone. */
    deadline_ns = (int64_t)limi_u64_load_acquire(&p->engine->handed.deadline_ns);
    if (is_late(deadline_ns, limi_clock_near(deadline_ns))) {
        return NULL; /* it stays GIVEN: whoever settles it next, this thread if nobody else, has it queued */
    }
    if (!limi_ptr_cas(&p->engine->handed.request, &handed, handed | TAKEN)) {
        return NULL;
    }
    fetch(p->engine->handed.envelope);
    limi_scope_room_here()->lent = p->engine->handed.envelope;
    p->was_handed = true;
    return request;
}

/* Who is woken may be done with it before this returns: a share more. */
static bool offer_asleep(limi_request *request)
{
    bool offered;
    (void)limi_request_ref(request);
    offered = limi_waiter_offer_asleep(&request->waiter);
    limi_request_drop(request);
    return offered;
}

bool limi_handoff_offer(limi_participant *p)
{
    limi_request *request = p->current;
    request->offer = p->reply;
    if (!limi_waiter_offer(&request->waiter) && !offer_asleep(request)) {
        return false;
    }
    p->was_handed = false;
    p->reply = NULL;
    p->current = NULL;
    return true;
}

void limi_handoff_end(limi_talk *talk, limi_participant *p)
{
    p->was_handed = false;
    if (talk->handed == p->current) {
        talk->handed = NULL;
    }
}

/* Whatever else could have happened to it would have settled it: it is answered in the shortest way. */
bool limi_handoff_collect(limi_talk *talk, limi_request *request)
{
    liminal_time now = {limi_clock_recent().wall};
    bool is_there, answered;
    if (request->offer != NULL) {
        fetch(request->offer);
    }
    limi_mutex_lock(&talk->lock);
    is_there = talk->handed == request;
    if (is_there) {
        talk->handed = NULL;
        answered = limi_dialogue_answer_at_once(&talk->dialogue, &request->ticket, request->ticket.seat,
                                                &request->offer, now);
        LIMI_ASSERT(answered);
    }
    limi_mutex_unlock(&talk->lock);
    if (is_there) {
        limi_quota_release(&talk->quota, request->bytes);
        limi_refcount_fewer(&request->owners, 2); /* the rules' share, and the one that lay there */
    }
    return is_there;
}

/* What is offered goes to the rules. */
static void take_answer(limi_talk *talk, limi_request *request, limi_effects *effects) LIMI_REQUIRES(talk->lock)
{
    limi_event event = {.kind = LIMI_EVENT_ANSWERED, .seat = request->ticket.seat, .ticket = &request->ticket,
                        .reply = request->offer};
    event.now.unix_ns = limi_clock_recent().wall;
    limi_step(&talk->dialogue, &event, effects);
    LIMI_ASSERT(event.reply == NULL); /* who asked has neither given up nor been told anything else */
    limi_request_drop(request); /* not the last one: the rules' is among the effects */
}

/* Its participant has not seen it. */
static void take_back(limi_talk *talk, limi_request *request) LIMI_REQUIRES(talk->lock)
{
    limi_dialogue_take_back(&talk->dialogue, &request->ticket);
    limi_envelope_unref(request->ticket.envelope); /* neither is the last one: the rules have theirs */
    limi_request_drop(request);
}

void limi_handoff_settle(limi_talk *talk, limi_effects *effects)
{
    limi_request *request = talk->handed;
    uintptr_t given = (uintptr_t)request;
    if (request == NULL) {
        return;
    }
    if (limi_lot_is_there(talk)) {
        limi_lot_settle(talk, effects);
        return;
    }
    talk->handed = NULL;
    if (limi_ptr_cas(&talk->participants[request->ticket.seat].engine->handed.request, &given, 0)) {
        effects->work = request->ticket.seat; /* it may not have been told yet */
        take_back(talk, request);
        return;
    }
    limi_waiter_shut(&request->waiter);
    if (limi_waiter_take(&request->waiter)) {
        take_answer(talk, request, effects);
    }
}

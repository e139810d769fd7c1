/* SPDX-License-Identifier: MIT */
/* lot.c -- messages that a participant's thread has begun together.
 *
 * Each step of the rules has their lines of memory come over from the processor that took the last one. For who sends
 * without waiting and who works that off that would be twice for each message, and most of what it costs. So a
 * participant's thread begins all that waits for it under one lock, and what it has done of that, in silence, is
 * answered under the next one. In between it moves on by one word that nobody else writes while all goes well:
 *
 *   lot_at     the place of the one that is being answered; those before it are done, those behind it not looked at
 *   SETTLED    the lot is being settled, by who has the lock, which who wants a place then has to wait for ...
 *   GONE       ... and from then on is no more, as before the first one
 *
 * Each move is a compare-and-swap, and settling a fetch-or: so one comes first and the other sees it. Settled, it is
 * as if all of it had been pulled one by one: what is done is answered, what is not looked at is queued again, before
 * all else, as if it had never been begun, and the one in between is the thread's to bring back. Whoever brings an
 * event that may decide about any of them settles first, under the same lock: an exit, a close, a deadline, the thread
 * itself when it answers with a reply or wants more. So does who waits for each single place in a full mailbox, and as
 * long as somebody does no lots are gathered. Who only asks how things stand, or wants a place now, has what is done
 * answered, and the lot goes on.
 *
 * talk->handed is the first of it that is not answered, which is what tells it from an ask that was handed over (see
 * handoff.c): there are never both, for each is begun only where nothing else is. The others follow on the seat's list
 * of what was begun: all that was queued goes there at once, without a look at it, however much that is, and what has
 * not been looked at goes back the same way. So the lock is held no longer for a long queue than for a short one, where
 * all may be begun together; what is done is gone through under it. Until one is, or is the one in between, it still
 * says that it is queued, though it is on that list: nobody looks at any before the lot is settled.
 *
 * The list is changed under the lock, and the thread looks at it without: it only reads what is behind the current one,
 * and that does not change before SETTLED; so if it has moved on, what it read was right. It has no share of any of
 * them, but lives on the rules', who let go of none before the thread has moved on from it or the lot is settled; who
 * settles gives it one of the current one.
 *
 * Gathered are messages that nobody waits for and that have no deadline, while no exit message waits: one that comes
 * later comes behind them. What is done of them is let go of by the thread, before it looks at the next one; the rules
 * hear of it later, at the latest after as many as a lot may have.
 *
 * No wake is lost: whose lot has been settled finds that out before it can go to sleep, and looks for more. What comes
 * while there is a lot finds an empty queue, and rings. */
#include "lot.h"

#include "dialogue.h"
#include "envelope.h"

#define MOST 32
#define SETTLED ((uint32_t)1 << 31)
#define GONE UINT32_MAX

void limi_lot_init(limi_participant *p)
{
    limi_u32_init(&p->engine->lot_at, GONE);
    p->lot_most = MOST;
}

/* Two have a share of it, the rules and its thread: so no other thread is at it still, that has lost it. */
static bool may_gather(const limi_talk *talk, const limi_participant *p, const limi_request *first)
{
    return p->kind == LIMINAL_PARTICIPANT_THREAD && p->lot_most > 1 && first->ticket.kind == LIMI_TICKET_SEND &&
           limi_refcount_is(&first->owners, 2) && limi_list_empty(&p->news) && !limi_quota_is_awaited(&talk->quota);
}

/* All that is queued, without a look at it; or what comes before the first that may not follow. */
static void gather(limi_seat *seat, uint32_t most)
{
    limi_list *next;
    uint32_t count;
    if (seat->singles == 0) {
        limi_list_splice(&seat->begun, &seat->queue);
        return;
    }
    for (count = 1; count < most; count++) {
        next = seat->queue.next;
        if (limi_ticket_is_single(LIMI_HOLDER(next, limi_ticket, link))) {
            return;
        }
        limi_list_remove(next);
        limi_list_append(&seat->begun, next);
    }
}

void limi_lot_gather(limi_talk *talk, limi_participant *p, limi_request *first)
{
    limi_seat *seat = &talk->dialogue.seats[p->seat];
    p->expects_more = false;
    if (!may_gather(talk, p, first)) {
        return;
    }
    gather(seat, p->lot_most);
    if (first->ticket.link.next != &seat->begun) {
        LIMI_ASSERT(talk->handed == NULL); /* the pull has settled it */
        limi_refcount_fewer(&first->owners, 1);
        p->expects_more = true;
        p->engine->lot_first = 0;
        limi_u32_store(&p->engine->lot_at, 0);
        talk->handed = first;
    }
}

/* Lots grow as long as nothing is said: a reply ends one, and what has not been looked at is gathered again, and need
 * not be waited for. */
static void end_here(limi_participant *p, bool is_last)
{
    p->expects_more &= is_last;
    if (p->reply != NULL) {
        p->lot_most = 1;
    } else if (p->lot_most < MOST) {
        p->lot_most = (uint8_t)(2 * p->lot_most);
    }
}

/* Behind the current one; NULL: it is the last one. Whose lot is being settled may get anything. */
static limi_request *next_of(const limi_participant *p)
{
    const limi_list *next = limi_list_peek(&p->current->ticket.link);
    return next != &p->talk->dialogue.seats[p->seat].begun
               ? LIMI_HOLDER(LIMI_HOLDER(next, limi_ticket, link), limi_request, ticket)
               : NULL;
}

bool limi_lot_next(limi_participant *p)
{
    uint32_t at = limi_u32_load(&p->engine->lot_at);
    limi_request *next = (at & SETTLED) == 0 ? next_of(p) : NULL;
    liminal_envelope *message = p->current->ticket.envelope; /* who moves on from it lets go of it */
    if (next == NULL || at + 1 == p->lot_most || p->reply != NULL || limi_u32_load(&p->stopping) != 0 ||
        !limi_u32_cas(&p->engine->lot_at, &at, at + 1)) {
        end_here(p, next == NULL);
        return false;
    }
    p->current = next;
    limi_envelope_unref(message);
    return true;
}

static limi_participant *whose(limi_talk *talk)
{
    return &talk->participants[talk->handed->ticket.seat];
}

/* The first one that is not answered has been, in silence. */
static void answer_first(limi_dialogue *d, limi_request *done, limi_effects *effects)
{
    limi_ticket *ticket = &done->ticket;
    ticket->where = LIMI_WHERE_BEGUN;
    ticket->begun = true;
    limi_dialogue_unseat(d, ticket);
    limi_dialogue_take_silence(d, ticket, effects);
}

/* Those before this place. Their places in the mailbox are free with this, under the lock: else one who knows of that
 * would come to a full mailbox for a moment. */
static void finish(limi_talk *talk, uint32_t at, limi_effects *effects) LIMI_REQUIRES(talk->lock)
{
    limi_engine *engine = whose(talk)->engine;
    uint32_t messages = at - engine->lot_first;
    size_t bytes = 0;
    for (; engine->lot_first < at; engine->lot_first++) {
        limi_request *done = talk->handed;
        talk->handed = LIMI_HOLDER(LIMI_HOLDER(done->ticket.link.next, limi_ticket, link), limi_request, ticket);
        LIMI_ASSERT(done->placed);
        bytes += done->bytes;
        done->placed = false;
        done->ticket.envelope = NULL; /* its thread has let go of it, or is about to */
        answer_first(&talk->dialogue, done, effects);
    }
    if (messages != 0) {
        limi_quota_release_all(&talk->quota, messages, bytes);
    }
}

void limi_lot_settle(limi_talk *talk, limi_effects *effects)
{
    limi_participant *p = whose(talk);
    limi_seat *seat = &talk->dialogue.seats[p->seat];
    limi_ticket *current;
    finish(talk, limi_u32_or(&p->engine->lot_at, SETTLED), effects);
    limi_u32_store(&p->engine->lot_at, GONE);
    current = &talk->handed->ticket;
    current->where = LIMI_WHERE_BEGUN;
    current->begun = true;
    (void)limi_request_ref(talk->handed); /* for its thread, which was lent it until now */
    talk->handed = NULL;
    limi_list_move_rest(&seat->queue, &seat->begun, &current->link);
}

/* With `for_good` it is settled, else only what is done is answered. */
static void bring_to_the_rules(limi_talk *talk, bool for_good)
{
    limi_done done = {.cause = LIMINAL_OK};
    limi_effects_init(&done.effects);
    limi_mutex_lock(&talk->lock);
    if (limi_lot_is_there(talk) && for_good) {
        limi_lot_settle(talk, &done.effects);
    } else if (limi_lot_is_there(talk)) {
        finish(talk, limi_u32_load(&whose(talk)->engine->lot_at), &done.effects);
    }
    limi_mutex_unlock(&talk->lock);
    LIMI_ASSERT(!done.effects.final); /* the current one is at its seat still */
    limi_talk_perform(talk, &done);
}

void limi_lot_end(limi_talk *talk)
{
    bring_to_the_rules(talk, true);
}

/* Only the target has one, for an exit settles it. Without the lock, so that those who come often do not take that for
 * nothing: what a thread has done, as far as the caller knows of it, shows here. */
void limi_lot_reap(limi_talk *talk)
{
    uint32_t target = limi_u32_load(&talk->target), at;
    if (target < talk->participant_count && talk->participants[target].kind == LIMINAL_PARTICIPANT_THREAD) {
        at = limi_u32_load(&talk->participants[target].engine->lot_at);
        if (at != 0 && at != GONE) {
            bring_to_the_rules(talk, false);
        }
    }
}

/* Who came back for more and found several is likely to do so again, if it lets a moment pass: that costs less than
 * each line of memory that it would take away from who sends. */
void limi_lot_await(const limi_participant *p)
{
    uint32_t i;
    for (i = p->expects_more ? limi_spin_limit() / 4 : 0; i > 0; i--) {
        limi_relax();
    }
}

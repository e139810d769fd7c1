/* SPDX-License-Identifier: MIT */
/* dialogue.h -- the moves that the rules are made of; see dialogue.c. Inlined are those that each ask takes. Pure. */
#ifndef LIMI_DIALOGUE_H
#define LIMI_DIALOGUE_H

#include "state.h"
#include "step.h"

/* Nothing is accepted or begun any more, though it may not be final yet. */
bool limi_dialogue_is_lost(const limi_dialogue *d);

/* The first seat that lives and answers. */
void limi_dialogue_choose_target(limi_dialogue *d);

/* ---- tickets ---- */

/* The caller's outcome, unless it has gone. */
static inline void limi_ticket_decide(limi_ticket *ticket, liminal_status outcome)
{
    if (!ticket->abandoned) {
        ticket->decided = true;
        ticket->outcome = outcome;
    }
}

void limi_ticket_retire(limi_ticket *ticket, limi_effects *e);
void limi_ticket_let_close(limi_ticket *closer, limi_effects *e);

/* A reply is taken, and recorded. */
static inline void limi_dialogue_give(limi_dialogue *d, limi_ticket *to, liminal_envelope **reply, liminal_time now)
{
    limi_state_note_received(d->state, *reply, now);
    to->reply = *reply;
    *reply = NULL;
    limi_ticket_decide(to, LIMINAL_OK);
}

/* A SEND's reply goes to who has waited longest, or waits itself. */
void limi_dialogue_offer(limi_dialogue *d, limi_ticket *ticket, liminal_time now, limi_effects *e);

/* One that had waited is about to be given. */
void limi_dialogue_heard(limi_dialogue *d, const limi_ticket *ticket, limi_effects *e);

/* The answer to an ask that was begun, or silence (NULL). Left in *reply if nobody waits for it any more. */
static inline void limi_dialogue_answer_ask(limi_dialogue *d, limi_ticket *ticket, liminal_envelope **reply,
                                            liminal_time now)
{
    liminal_counts *counts = &d->state->counts;
    if (*reply == NULL) {
        counts->silent++;
        limi_ticket_decide(ticket, LIMINAL_ECANCELED);
    } else if (ticket->abandoned) {
        counts->late++;
    } else {
        limi_dialogue_give(d, ticket, reply, now);
    }
}

/* A SEND that was begun has led to nothing. */
static inline void limi_dialogue_take_silence(limi_dialogue *d, limi_ticket *ticket, limi_effects *e)
{
    d->state->counts.silent++;
    limi_ticket_retire(ticket, e);
}

/* ---- seats ---- */

/* Somebody waits for it, or it may be late, or it has been begun before: it is begun on its own. */
static inline bool limi_ticket_is_single(const limi_ticket *ticket)
{
    return ticket->kind != LIMI_TICKET_SEND || ticket->deadline.ns != INT64_MAX || ticket->begun;
}

static inline void limi_dialogue_seat(limi_dialogue *d, limi_ticket *ticket, uint32_t seat, limi_where where)
{
    ticket->seat = seat;
    ticket->where = where;
    ticket->begun |= where == LIMI_WHERE_BEGUN;
    d->seats[seat].singles += where == LIMI_WHERE_QUEUED && limi_ticket_is_single(ticket);
    d->at_seats++;
    ticket->number = ++d->seated;
    limi_list_append(where == LIMI_WHERE_BEGUN ? &d->seats[seat].begun : &d->seats[seat].queue, &ticket->link);
}

static inline void limi_dialogue_unseat(limi_dialogue *d, limi_ticket *ticket)
{
    d->seats[ticket->seat].singles -= ticket->where == LIMI_WHERE_QUEUED && limi_ticket_is_single(ticket);
    limi_list_remove(&ticket->link);
    ticket->where = LIMI_WHERE_AWAY;
    d->at_seats--;
}

limi_ticket *limi_seat_first(limi_seat *seat); /* what it began first, else what is queued first; or NULL */

/* It will not be answered. Whether it was ever begun says whose it is. */
void limi_dialogue_count_cut_off(limi_dialogue *d, limi_ticket *ticket);
void limi_dialogue_cut_off(limi_dialogue *d, limi_ticket *ticket, liminal_status outcome, limi_effects *e);

/* ---- the shortest way ---- */

/* A message for this seat, if it is the target still and nothing is queued there, is begun there: true; else nothing
 * was done. */
static inline bool limi_dialogue_begin_at_once(limi_dialogue *d, limi_ticket *ticket, uint32_t target,
                                               liminal_time now)
{
    if (d->state->phase != LIMINAL_PHASE_ACTIVE || d->target != target || !limi_list_empty(&d->seats[target].queue)) {
        return false;
    }
    limi_state_note_sent(d->state, ticket->envelope, now);
    limi_dialogue_seat(d, ticket, target, LIMI_WHERE_BEGUN);
    return true;
}

/* One that was begun there at once, though its participant has not seen it yet, is queued again, before all others, as
 * if it had never been begun. */
static inline void limi_dialogue_take_back(limi_dialogue *d, limi_ticket *ticket)
{
    limi_list_remove(&ticket->link);
    limi_list_prepend(&d->seats[ticket->seat].queue, &ticket->link);
    ticket->where = LIMI_WHERE_QUEUED;
    ticket->begun = false;
    d->seats[ticket->seat].singles += limi_ticket_is_single(ticket);
}

/* A message of a conversation without seats, while it is active and nobody waits, is kept for who receives it: true;
 * else nothing was done. Its share of the envelope becomes the reply's. */
static inline bool limi_dialogue_keep_at_once(limi_dialogue *d, limi_ticket *ticket, liminal_time now)
{
    if (d->state->phase != LIMINAL_PHASE_ACTIVE || d->seat_count != 0 || !limi_list_empty(&d->receivers)) {
        return false;
    }
    limi_state_note_sent(d->state, ticket->envelope, now);
    ticket->reply = ticket->envelope;
    ticket->envelope = NULL;
    ticket->where = LIMI_WHERE_REPLIED;
    limi_list_append(&d->replies, &ticket->link);
    return true;
}

/* The reply that has waited longest, if it was asked for, is given: its ticket, which the rules do not have any more.
 * NULL: nothing was done. */
static inline limi_ticket *limi_dialogue_take_at_once(limi_dialogue *d, liminal_time now)
{
    limi_ticket *ticket = LIMI_HOLDER(d->replies.next, limi_ticket, link);
    if (limi_list_empty(&d->replies) || ticket->unasked) {
        return NULL;
    }
    limi_list_remove(&ticket->link);
    ticket->where = LIMI_WHERE_AWAY;
    limi_state_note_received(d->state, ticket->reply, now);
    return ticket;
}

/* That seat's answer to an ask, or silence (*reply is NULL), while the conversation is active: the ticket is decided,
 * and the rules do not have it any more. False: something else has happened, and nothing was done. */
static inline bool limi_dialogue_answer_at_once(limi_dialogue *d, limi_ticket *ticket, uint32_t seat,
                                                liminal_envelope **reply, liminal_time now)
{
    if (d->state->phase != LIMINAL_PHASE_ACTIVE || ticket->where != LIMI_WHERE_BEGUN || ticket->seat != seat ||
        ticket->abandoned) {
        return false;
    }
    limi_dialogue_unseat(d, ticket);
    limi_dialogue_answer_ask(d, ticket, reply, now);
    return true;
}

/* ---- the end ---- */

void limi_dialogue_fail(limi_dialogue *d, const limi_cause *cause, liminal_time now, limi_effects *e);

/* It can't go on: it fails, at once or when what it did has been undone. Who waits hears of it now. */
void limi_dialogue_fall(limi_dialogue *d, const limi_cause *cause, const limi_event *event, limi_effects *e);
void limi_dialogue_close_if_done(limi_dialogue *d, bool at_once, limi_effects *e);

#endif

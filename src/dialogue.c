/* SPDX-License-Identifier: MIT */
/* dialogue.c -- where tickets are in a conversation, and how it ends: what the rules in step.c move. */
#include "dialogue.h"

#include "later.h"

void limi_effects_init(limi_effects *effects)
{
    *effects = (limi_effects){.work = UINT32_MAX};
    limi_list_init(&effects->settled);
    limi_list_init(&effects->closed);
}

bool limi_intensity_allows(limi_intensity *i, int64_t now_ns)
{
    while (i->used > 0 && now_ns - i->times[i->oldest] >= i->window_ns) {
        i->oldest = (i->oldest + 1) % i->most;
        i->used--;
    }
    if (i->used == i->most) {
        return false;
    }
    i->times[(i->oldest + i->used) % i->most] = now_ns;
    i->used++;
    return true;
}

void limi_dialogue_choose_target(limi_dialogue *d)
{
    while (d->target < d->seat_count && !(d->seats[d->target].alive && d->seats[d->target].answers)) {
        d->target++;
    }
}

void limi_dialogue_init(limi_dialogue *d, liminal_state *state, liminal_crash_policy policy, limi_seat *seats,
                        uint32_t seat_count, liminal_deadline deadline)
{
    uint32_t i;
    *d = (limi_dialogue){.state = state, .policy = policy, .seats = seats, .seat_count = seat_count};
    d->living = seat_count;
    d->deadline = deadline;
    d->close_deadline = (liminal_deadline){INT64_MAX};
    d->most_unasked = d->most_unasked_bytes = SIZE_MAX;
    limi_list_init(&d->replies);
    limi_list_init(&d->receivers);
    limi_list_init(&d->closers);
    for (i = 0; i < seat_count; i++) {
        limi_list_init(&seats[i].begun);
        limi_list_init(&seats[i].queue);
        seats[i].alive = true;
        seats[i].singles = 0;
    }
    limi_dialogue_choose_target(d);
    d->had_answerers = d->target < seat_count;
}

static liminal_phase phase_of(const limi_dialogue *d)
{
    return liminal_state_phase(d->state);
}

bool limi_dialogue_is_over(const limi_dialogue *d)
{
    return phase_of(d) == LIMINAL_PHASE_CLOSED || phase_of(d) == LIMINAL_PHASE_FAILED;
}

/* Nothing is accepted or begun any more, though it may not be final yet. */
bool limi_dialogue_is_lost(const limi_dialogue *d)
{
    return d->doomed || limi_dialogue_is_over(d);
}

liminal_deadline limi_dialogue_due(const limi_dialogue *d)
{
    if (limi_dialogue_is_over(d)) {
        return (liminal_deadline){INT64_MAX};
    }
    if (d->doomed) {
        return d->compensation->deadline;
    }
    if (phase_of(d) == LIMINAL_PHASE_COMPLETING && d->close_deadline.ns < d->deadline.ns) {
        return d->close_deadline;
    }
    return d->deadline;
}

static limi_cause why_refused(const limi_dialogue *d)
{
    switch (phase_of(d)) {
    case LIMINAL_PHASE_CREATED:
    case LIMINAL_PHASE_ACTIVE:
        return (limi_cause){.status = LIMINAL_OK};
    case LIMINAL_PHASE_FAILED:
        return d->state->cause;
    case LIMINAL_PHASE_COMPLETING:
        return d->doomed ? d->compensation->doom
                         : (limi_cause){.status = LIMINAL_ECLOSED, .text = "the conversation is closing"};
    case LIMINAL_PHASE_CLOSED:
    default:
        return (limi_cause){.status = LIMINAL_ECLOSED, .text = liminal_status_text(LIMINAL_ECLOSED)};
    }
}

liminal_status limi_dialogue_refusal(const limi_dialogue *d, limi_words *words)
{
    limi_cause why = why_refused(d);
    if (words != NULL) {
        limi_cause_say(&why, words);
    }
    return why.status;
}

/* ---- small moves ---- */

static void settle(limi_ticket *ticket, limi_list *where)
{
    limi_list_remove(&ticket->link);
    limi_list_append(where, &ticket->hop);
}

void limi_ticket_retire(limi_ticket *ticket, limi_effects *e)
{
    settle(ticket, &e->settled);
}

/* Hushed stays hushed until limi_dialogue_heard() says otherwise: somebody waits for that. */
static void note_unasked(limi_dialogue *d, const limi_ticket *ticket)
{
    if (ticket->unasked) {
        d->unasked++;
        d->unasked_bytes += liminal_envelope_size(ticket->reply);
        d->hushed |= d->unasked >= d->most_unasked || d->unasked_bytes >= d->most_unasked_bytes;
    }
}

/* One that had waited is about to be given. Who was hushed speaks again at half the bound, not at each step. */
void limi_dialogue_heard(limi_dialogue *d, const limi_ticket *ticket, limi_effects *e)
{
    if (ticket->unasked) {
        d->unasked--;
        d->unasked_bytes -= liminal_envelope_size(ticket->reply);
        if (d->hushed && d->unasked <= d->most_unasked / 2 && d->unasked_bytes <= d->most_unasked_bytes / 2) {
            d->hushed = false;
            e->resume = true;
        }
    }
}

/* A SEND's reply goes to who has waited longest, or waits itself. */
void limi_dialogue_offer(limi_dialogue *d, limi_ticket *ticket, liminal_time now, limi_effects *e)
{
    limi_list *first = limi_list_pop(&d->receivers);
    if (first == NULL) {
        ticket->where = LIMI_WHERE_REPLIED;
        limi_list_append(&d->replies, &ticket->link);
        note_unasked(d, ticket);
        return;
    }
    limi_ticket *receiver = LIMI_HOLDER(first, limi_ticket, link);
    limi_dialogue_give(d, receiver, &ticket->reply, now);
    limi_ticket_retire(ticket, e); /* first: its place is free when the receiver wakes */
    limi_ticket_retire(receiver, e);
}

void limi_ticket_let_close(limi_ticket *closer, limi_effects *e)
{
    limi_ticket_decide(closer, LIMINAL_OK);
    settle(closer, &e->closed);
}

/* It will not be answered. Whether it was ever begun says whose it is. */
void limi_dialogue_count_cut_off(limi_dialogue *d, limi_ticket *ticket)
{
    if (ticket->begun) {
        liminal_state_counts(d->state)->unfinished++;
    } else {
        ticket->withdrawn = true;
        liminal_state_counts(d->state)->withdrawn++;
    }
}

/* Off its seat, or on its way here, and not to be answered. */
void limi_dialogue_cut_off(limi_dialogue *d, limi_ticket *ticket, liminal_status outcome, limi_effects *e)
{
    limi_dialogue_count_cut_off(d, ticket);
    if (ticket->kind == LIMI_TICKET_ASK) {
        limi_ticket_decide(ticket, outcome);
    }
    limi_ticket_retire(ticket, e);
}

limi_ticket *limi_seat_first(limi_seat *seat)
{
    limi_list *from = limi_list_empty(&seat->begun) ? &seat->queue : &seat->begun;
    return limi_list_empty(from) ? NULL : LIMI_HOLDER(from->next, limi_ticket, link);
}

/* ---- the end ---- */

/* Everyone who waits for something that can't come any more is told. */
static void turn_away(limi_dialogue *d, liminal_status status, limi_effects *e)
{
    limi_ticket *ticket;
    limi_list *node;
    uint32_t i;
    for (i = 0; i < d->seat_count && d->at_seats > 0; i++) {
        while ((ticket = limi_seat_first(&d->seats[i])) != NULL) {
            limi_dialogue_unseat(d, ticket);
            limi_dialogue_cut_off(d, ticket, status, e);
        }
    }
    while ((node = limi_list_pop(&d->receivers)) != NULL) {
        limi_ticket *receiver = LIMI_HOLDER(node, limi_ticket, link);
        limi_ticket_decide(receiver, status);
        limi_ticket_retire(receiver, e);
    }
    e->closing = true;
}

static void end(limi_dialogue *d, liminal_status status, limi_effects *e)
{
    limi_list *node;
    turn_away(d, status, e);
    while ((node = limi_list_pop(&d->closers)) != NULL) {
        limi_ticket_let_close(LIMI_HOLDER(node, limi_ticket, link), e);
    }
    e->final = true;
}

/* No caller comes here in a final phase. */
void limi_dialogue_fail(limi_dialogue *d, const limi_cause *cause, liminal_time now, limi_effects *e)
{
    limi_state_fail(d->state, cause, now);
    end(d, cause->status, e);
}

/* It can't go on: it fails, at once or when what it did has been undone. Who waits hears of it now. */
void limi_dialogue_fall(limi_dialogue *d, const limi_cause *cause, const limi_event *event, limi_effects *e)
{
    if (d->policy != LIMINAL_CRASH_COMPENSATE) {
        limi_dialogue_fail(d, cause, event->now, e);
        return;
    }
    limi_ignore(liminal_state_move(d->state, LIMINAL_PHASE_COMPLETING)); /* active or completing */
    d->doomed = true;
    d->compensation->doom = *cause;
    d->compensation->deadline.ns = limi_later(event->now_ns, d->compensation->within_ns);
    turn_away(d, cause->status, e);
    e->compensate = true;
}

void limi_dialogue_close_if_done(limi_dialogue *d, bool at_once, limi_effects *e)
{
    if (!d->doomed && phase_of(d) == LIMINAL_PHASE_COMPLETING && (at_once || (d->all_here && d->at_seats == 0))) {
        limi_ignore(liminal_state_move(d->state, LIMINAL_PHASE_CLOSED));
        end(d, LIMINAL_ECLOSED, e);
    }
}

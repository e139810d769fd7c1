/* SPDX-License-Identifier: MIT */
/* step.c -- the rules of a conversation.
 *
 * Where a ticket may be, by kind; it is on one of these lists or on none:
 *
 *   SEND     SENT -> in flight at a seat -> ANSWERED -> replies -> retired
 *                 -> replies (no participants: a buffer)        -> retired
 *                 -> retired (silence, withdrawn, nobody to send to, the end)
 *   ASK      SENT -> in flight at a seat -> decided and retired
 *   RECEIVE  decided at once, or receivers -> decided and retired
 *   CLOSE    decided at once, or closers   -> decided and retired
 *
 * GAVE_UP marks an ASK, which stays in flight until it comes back, and takes the other two off their
 * list. What the end of the conversation finds in flight it decides and retires there and then; when
 * such a ticket comes back later, the dialogue does not know it any more. */
#include "step.h"

#include "state.h"

#include <stdio.h>

void limi_ticket_init(limi_ticket *ticket, limi_ticket_kind kind, liminal_envelope *envelope)
{
    *ticket = (limi_ticket){.kind = kind, .envelope = envelope};
    limi_list_init(&ticket->link);
    limi_list_init(&ticket->hop);
    limi_list_init(&ticket->way);
}

void limi_effects_init(limi_effects *effects)
{
    *effects = (limi_effects){.closing = false};
    limi_list_init(&effects->forward);
    limi_list_init(&effects->settled);
    limi_list_init(&effects->closed);
}

static void choose_target(limi_dialogue *d)
{
    while (d->target < d->seat_count && !(d->seats[d->target].alive && d->seats[d->target].answers)) {
        d->target++;
    }
}

void limi_dialogue_init(limi_dialogue *d, liminal_state *state, limi_seat *seats, uint32_t seat_count,
                        liminal_deadline deadline)
{
    uint32_t i;
    *d = (limi_dialogue){.state = state, .seats = seats, .seat_count = seat_count, .deadline = deadline};
    d->close_deadline = (liminal_deadline){INT64_MAX};
    limi_list_init(&d->replies);
    limi_list_init(&d->receivers);
    limi_list_init(&d->closers);
    for (i = 0; i < seat_count; i++) {
        limi_list_init(&seats[i].in_flight);
        seats[i].alive = true;
    }
    choose_target(d);
}

static liminal_phase phase_of(const limi_dialogue *d)
{
    return liminal_state_phase(d->state);
}

bool limi_dialogue_is_over(const limi_dialogue *d)
{
    return phase_of(d) == LIMINAL_PHASE_CLOSED || phase_of(d) == LIMINAL_PHASE_FAILED;
}

liminal_deadline limi_dialogue_due(const limi_dialogue *d)
{
    if (limi_dialogue_is_over(d)) {
        return (liminal_deadline){INT64_MAX};
    }
    if (phase_of(d) == LIMINAL_PHASE_COMPLETING && d->close_deadline.ns < d->deadline.ns) {
        return d->close_deadline;
    }
    return d->deadline;
}

liminal_status limi_dialogue_refusal(const limi_dialogue *d, const char **text)
{
    *text = "";
    switch (phase_of(d)) {
    case LIMINAL_PHASE_CREATED:
    case LIMINAL_PHASE_ACTIVE:
        return LIMINAL_OK;
    case LIMINAL_PHASE_FAILED:
        return limi_state_cause(d->state, text);
    case LIMINAL_PHASE_COMPLETING:
        *text = "the conversation is closing";
        return LIMINAL_ECLOSED;
    case LIMINAL_PHASE_CLOSED:
    default:
        *text = liminal_status_text(LIMINAL_ECLOSED);
        return LIMINAL_ECLOSED;
    }
}

/* ---- small moves ---- */

static void settle(limi_ticket *ticket, limi_list *where)
{
    limi_list_remove(&ticket->link);
    limi_list_append(where, &ticket->hop);
}

static void decide(limi_ticket *ticket, liminal_status outcome)
{
    if (!ticket->abandoned) {
        ticket->decided = true;
        ticket->outcome = outcome;
    }
}

static void retire(limi_ticket *ticket, limi_effects *e)
{
    settle(ticket, &e->settled);
}

static void give(limi_dialogue *d, limi_ticket *to, liminal_envelope **reply, liminal_time now)
{
    limi_ignore(liminal_state_received(d->state, *reply, now)); /* nothing is NULL */
    to->reply = *reply;
    *reply = NULL;
    decide(to, LIMINAL_OK);
}

/* A SEND's reply goes to who has waited longest, or waits itself. */
static void offer(limi_dialogue *d, limi_ticket *ticket, liminal_time now, limi_effects *e)
{
    limi_list *first = limi_list_pop(&d->receivers);
    if (first == NULL) {
        limi_list_append(&d->replies, &ticket->link);
        return;
    }
    limi_ticket *receiver = LIMI_HOLDER(first, limi_ticket, link);
    give(d, receiver, &ticket->reply, now);
    retire(ticket, e); /* first: its place is free when the receiver wakes */
    retire(receiver, e);
}

static void let_close(limi_ticket *closer, limi_effects *e)
{
    decide(closer, LIMINAL_OK);
    settle(closer, &e->closed);
}

/* ---- the end ---- */

static void count_cut_off(limi_dialogue *d, limi_ticket *ticket)
{
    if (ticket->withdrawn) {
        return; /* counted when that happened */
    }
    if (d->take_back != NULL && d->take_back(ticket)) {
        ticket->withdrawn = true;
        liminal_state_counts(d->state)->withdrawn++;
    } else {
        liminal_state_counts(d->state)->unfinished++;
    }
}

static void end(limi_dialogue *d, liminal_status status, limi_effects *e)
{
    limi_list *node;
    uint32_t i;
    for (i = 0; i < d->seat_count; i++) {
        while ((node = limi_list_pop(&d->seats[i].in_flight)) != NULL) {
            limi_ticket *ticket = LIMI_HOLDER(node, limi_ticket, link);
            ticket->in_flight = false;
            count_cut_off(d, ticket);
            if (ticket->kind == LIMI_TICKET_ASK) {
                decide(ticket, status);
            }
            retire(ticket, e);
        }
    }
    d->in_flight = 0;
    while ((node = limi_list_pop(&d->receivers)) != NULL) {
        limi_ticket *receiver = LIMI_HOLDER(node, limi_ticket, link);
        decide(receiver, status);
        retire(receiver, e);
    }
    while ((node = limi_list_pop(&d->closers)) != NULL) {
        let_close(LIMI_HOLDER(node, limi_ticket, link), e);
    }
    e->closing = e->final = true;
}

static void fail(limi_dialogue *d, liminal_status cause, const char *text, liminal_time now, limi_effects *e)
{
    limi_ignore(liminal_state_fail(d->state, cause, text, now)); /* no caller comes here in a final phase */
    end(d, cause, e);
}

static void close_if_done(limi_dialogue *d, bool at_once, limi_effects *e)
{
    if (phase_of(d) == LIMINAL_PHASE_COMPLETING && (at_once || (d->all_here && d->in_flight == 0))) {
        limi_ignore(liminal_state_move(d->state, LIMINAL_PHASE_CLOSED));
        end(d, LIMINAL_ECLOSED, e);
    }
}

/* ---- one function per event ---- */

static void on_sent(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *ticket = event->ticket;
    const char *text;
    /* Completing takes it: it was accepted before the closing. */
    liminal_status refusal = limi_dialogue_is_over(d) ? limi_dialogue_refusal(d, &text) : LIMINAL_OK;
    bool ask = ticket->kind == LIMI_TICKET_ASK;
    if (ticket->withdrawn) { /* counted when its asker gave up */
        retire(ticket, e);
        return;
    }
    if (refusal != LIMINAL_OK) { /* accepted before the end, but not begun before it */
        ticket->withdrawn = true;
        liminal_state_counts(d->state)->withdrawn++;
    } else if (ask && d->target == d->seat_count) {
        refusal = LIMINAL_ENOPROC;
    }
    if (refusal != LIMINAL_OK) {
        if (ask) {
            decide(ticket, refusal);
        }
        retire(ticket, e);
        return;
    }
    limi_state_note_sent(d->state, ticket->envelope, event->now);
    if (d->target < d->seat_count) {
        ticket->seat = d->target;
        ticket->in_flight = true;
        d->in_flight++;
        limi_list_append(&d->seats[d->target].in_flight, &ticket->link);
        limi_list_append(&e->forward, &ticket->way);
    } else if (d->seat_count == 0) {
        ticket->reply = liminal_envelope_ref(ticket->envelope);
        offer(d, ticket, event->now, e);
    } else {
        retire(ticket, e);
    }
}

static void on_answered(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *ticket = event->ticket;
    liminal_counts *counts = liminal_state_counts(d->state);
    if (event->reply == NULL) {
        counts->silent++;
    }
    if (ticket->kind == LIMI_TICKET_ASK) {
        if (event->reply == NULL) {
            decide(ticket, LIMINAL_ECANCELED);
        } else if (ticket->abandoned) {
            counts->late++;
        } else {
            give(d, ticket, &event->reply, event->now);
        }
        retire(ticket, e);
    } else if (event->reply == NULL) {
        retire(ticket, e);
    } else {
        ticket->reply = event->reply;
        event->reply = NULL;
        offer(d, ticket, event->now, e);
    }
}

static void on_return(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *ticket = event->ticket;
    if (!ticket->in_flight) {
        return; /* the end was quicker, and has counted it */
    }
    limi_list_remove(&ticket->link);
    ticket->in_flight = false;
    d->in_flight--;
    if (event->kind == LIMI_EVENT_ANSWERED) {
        on_answered(d, event, e);
    } else {
        if (!ticket->withdrawn) {
            ticket->withdrawn = true;
            liminal_state_counts(d->state)->withdrawn++;
        }
        if (ticket->kind == LIMI_TICKET_ASK) {
            decide(ticket, LIMINAL_ETIMEDOUT);
        }
        retire(ticket, e);
    }
    close_if_done(d, false, e);
}

static void on_receive(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    const char *text;
    limi_list *first = limi_list_pop(&d->replies);
    if (first != NULL) {
        limi_ticket *ticket = LIMI_HOLDER(first, limi_ticket, link);
        give(d, event->ticket, &ticket->reply, event->now);
        retire(ticket, e);
    } else if (limi_dialogue_is_over(d)) {
        decide(event->ticket, limi_dialogue_refusal(d, &text));
    } else if (event->may_wait) {
        limi_list_append(&d->receivers, &event->ticket->link);
    }
    event->decided = event->ticket->decided;
}

static void on_gave_up(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *ticket = event->ticket;
    event->decided = ticket->decided;
    if (ticket->decided) {
        return;
    }
    ticket->abandoned = true;
    if (ticket->kind != LIMI_TICKET_ASK) {
        if (!limi_list_empty(&ticket->link)) { /* else it is still on its way here */
            retire(ticket, e);
        }
    } else if (event->withdrawn) {
        ticket->withdrawn = true;
        liminal_state_counts(d->state)->withdrawn++;
    }
}

static void on_exited(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_seat *seat = &d->seats[event->seat];
    char text[256];
    if (!seat->alive) {
        return;
    }
    seat->alive = false;
    choose_target(d);
    if (limi_dialogue_is_over(d)) { /* the end asked for it */
        limi_state_stopped(d->state, seat->pid, event->reason, event->seen);
        return;
    }
    limi_ignore(liminal_state_exited(d->state, seat->pid, event->reason, event->seen)); /* it was alive */
    (void)snprintf(text, sizeof text, "%s exited: %s", seat->name,
                   liminal_exit_describe(event->reason).text);
    fail(d, LIMINAL_EEXIT, text, event->now, e);
}

static void on_closing(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    if (!limi_dialogue_is_over(d)) {
        limi_ignore(liminal_state_move(d->state, LIMINAL_PHASE_COMPLETING)); /* active or completing */
        e->closing = true;
        d->close_deadline = event->deadline.ns < d->close_deadline.ns ? event->deadline : d->close_deadline;
    }
}

static void on_close(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *closer = event->ticket;
    d->all_here = true;
    if (closer != NULL && (limi_dialogue_is_over(d) || closer->abandoned)) {
        let_close(closer, e);
    } else if (closer != NULL) {
        limi_list_append(&d->closers, &closer->link);
    }
    close_if_done(d, false, e);
}

static void on_deadline(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    if (limi_dialogue_is_over(d)) {
        return;
    }
    if (event->now_ns >= d->deadline.ns && d->deadline.ns != INT64_MAX) {
        fail(d, LIMINAL_ETIMEDOUT, "the conversation's own deadline passed", event->now, e);
    } else {
        close_if_done(d, event->now_ns >= d->close_deadline.ns, e);
    }
}

void limi_step(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    switch (event->kind) {
    case LIMI_EVENT_SENT:
        on_sent(d, event, e);
        break;
    case LIMI_EVENT_ANSWERED:
    case LIMI_EVENT_UNBEGUN:
        on_return(d, event, e);
        break;
    case LIMI_EVENT_RECEIVE:
        on_receive(d, event, e);
        break;
    case LIMI_EVENT_GAVE_UP:
        on_gave_up(d, event, e);
        break;
    case LIMI_EVENT_EXITED:
        on_exited(d, event, e);
        break;
    case LIMI_EVENT_CLOSING:
        on_closing(d, event, e);
        break;
    case LIMI_EVENT_CLOSE:
        on_close(d, event, e);
        break;
    case LIMI_EVENT_DEADLINE:
        on_deadline(d, event, e);
        break;
    default:
        break;
    }
}

/* SPDX-License-Identifier: MIT */
/* step.c -- the rules of a conversation.
 *
 * Where a ticket may be, by kind; it is on one of these lists or on none:
 *
 *   SEND     SENT -> queued at a seat -> PULL -> begun there -> ANSWERED -> replies -> settled
 *                 -> replies (no participants: a buffer)                            -> settled
 *                 -> settled (silence, too late, nobody to send to, the end)
 *            UNASKED                                                     -> replies -> settled
 *   ASK      SENT -> queued at a seat -> PULL -> begun there -> decided and settled
 *                                     -> GAVE_UP: settled
 *   RECEIVE  decided at once, or receivers -> decided and settled
 *   CLOSE    decided at once, or closers   -> decided and settled
 *
 * An inline seat begins what is sent to it at once, for SENT comes in its turn. GAVE_UP marks an ASK that was
 * begun, and it stays until it is answered. With EXITED and the policy "route to next" all that a seat has
 * goes to the queue of the next one, what was begun there first. A ticket that is settled is not known here
 * any more: an answer that still comes for it changes nothing, like one from a seat that lost it. */
#include "dialogue.h"

#include "state.h"

/* ---- messages ---- */

static bool is_late(const limi_ticket *ticket, const limi_event *event)
{
    return ticket->deadline.ns != INT64_MAX && event->now_ns >= ticket->deadline.ns;
}

static void on_sent(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *ticket = event->ticket;
    bool ask = ticket->kind == LIMI_TICKET_ASK;
    if (ticket->withdrawn) { /* counted when its asker gave up */
        limi_ticket_retire(ticket, e);
        return;
    }
    if (limi_dialogue_is_lost(d)) { /* accepted before the end, but not begun before it */
        limi_dialogue_cut_off(d, ticket, limi_dialogue_refusal(d, NULL), e);
        return;
    }
    if (ask && d->target == d->seat_count) {
        limi_ticket_decide(ticket, LIMINAL_ENOPROC);
        limi_ticket_retire(ticket, e);
        return;
    }
    limi_state_note_sent(d->state, ticket->envelope, event->now);
    if (d->target < d->seat_count) {
        limi_seat *seat = &d->seats[d->target];
        if (!seat->inlined || !limi_list_empty(&seat->queue)) {
            if (limi_list_empty(&seat->queue)) {
                e->work = d->target; /* else it has been told, and pulls until there is none */
            }
            limi_dialogue_seat(d, ticket, d->target, LIMI_WHERE_QUEUED);
        } else if (is_late(ticket, event)) {
            limi_dialogue_cut_off(d, ticket, LIMINAL_ETIMEDOUT, e);
        } else {
            limi_dialogue_seat(d, ticket, d->target, LIMI_WHERE_BEGUN);
            e->run = ticket;
            e->run_at = d->target;
        }
    } else if (d->seat_count == 0) {
        ticket->reply = ticket->envelope; /* with its share */
        ticket->envelope = NULL;
        limi_dialogue_offer(d, ticket, event->now, e);
    } else {
        limi_ticket_retire(ticket, e);
    }
}

/* By the exact time it may be: that is up to `slack_ns` later. A deadline may be as early or as late as there is. */
static bool may_be_late(const limi_ticket *ticket, const limi_event *event)
{
    int64_t latest = event->now_ns < INT64_MAX - event->slack_ns ? event->now_ns + event->slack_ns : INT64_MAX - 1;
    return event->slack_ns > 0 && ticket->deadline.ns <= latest;
}

/* What is queued at a seat first, if it may be pulled. */
static limi_ticket *first_to_pull(const limi_seat *seat, uint64_t until)
{
    limi_ticket *first = limi_list_empty(&seat->queue) ? NULL : LIMI_HOLDER(seat->queue.next, limi_ticket, link);
    return first != NULL && (until == 0 || first->number < until) ? first : NULL;
}

static void on_pull(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_seat *seat = &d->seats[event->seat];
    limi_ticket *ticket;
    event->ticket = NULL;
    event->wants_clock = false;
    while (event->ticket == NULL && (ticket = first_to_pull(seat, event->until)) != NULL) {
        if (may_be_late(ticket, event)) {
            event->wants_clock = true;
            break;
        }
        limi_dialogue_unseat(d, ticket);
        if (is_late(ticket, event)) {
            limi_dialogue_cut_off(d, ticket, LIMINAL_ETIMEDOUT, e);
        } else {
            limi_dialogue_seat(d, ticket, event->seat, LIMI_WHERE_BEGUN);
            event->ticket = ticket;
        }
    }
    limi_dialogue_close_if_done(d, false, e);
}

static void on_answered(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *ticket = event->ticket;
    if (ticket->where != LIMI_WHERE_BEGUN || ticket->seat != event->seat) {
        return; /* an end or an exit was quicker, and has counted it */
    }
    limi_dialogue_unseat(d, ticket);
    if (ticket->kind == LIMI_TICKET_ASK) {
        limi_dialogue_answer_ask(d, ticket, &event->reply, event->now);
        limi_ticket_retire(ticket, e);
    } else if (event->reply == NULL) {
        limi_dialogue_take_silence(d, ticket, e);
    } else {
        ticket->reply = event->reply;
        event->reply = NULL;
        limi_dialogue_offer(d, ticket, event->now, e);
    }
    limi_dialogue_close_if_done(d, false, e);
}

static void on_unasked(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_ticket *ticket = event->ticket;
    ticket->unasked = true;
    if (limi_dialogue_is_lost(d) || !d->seats[event->seat].alive) {
        limi_ticket_retire(ticket, e);
    } else {
        limi_dialogue_offer(d, ticket, event->now, e);
    }
    event->hushed = d->hushed;
}

static void on_receive(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_list *first = limi_list_pop(&d->replies);
    if (first != NULL) {
        limi_ticket *ticket = LIMI_HOLDER(first, limi_ticket, link);
        ticket->where = LIMI_WHERE_AWAY;
        limi_dialogue_heard(d, ticket, e);
        limi_dialogue_give(d, event->ticket, &ticket->reply, event->now);
        limi_ticket_retire(ticket, e);
    } else if (limi_dialogue_is_lost(d)) {
        limi_ticket_decide(event->ticket, limi_dialogue_refusal(d, NULL));
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
            limi_ticket_retire(ticket, e);
        }
    } else if (ticket->where == LIMI_WHERE_QUEUED) {
        limi_dialogue_unseat(d, ticket);
        limi_dialogue_count_cut_off(d, ticket);
        limi_ticket_retire(ticket, e);
        limi_dialogue_close_if_done(d, false, e);
    } else if (ticket->where == LIMI_WHERE_AWAY) { /* on its way here */
        limi_dialogue_count_cut_off(d, ticket);
    }
}

/* ---- exits ---- */

/* What the dead one had goes to the target, in order, but for what nobody waits for any more. */
static void route(limi_dialogue *d, limi_seat *dead, limi_effects *e)
{
    limi_ticket *ticket;
    while ((ticket = limi_seat_first(dead)) != NULL) {
        limi_dialogue_unseat(d, ticket);
        if (ticket->abandoned) {
            limi_dialogue_cut_off(d, ticket, LIMINAL_EEXIT, e);
        } else {
            limi_dialogue_seat(d, ticket, d->target, LIMI_WHERE_QUEUED);
            e->work = d->target;
        }
    }
    limi_dialogue_close_if_done(d, false, e);
}

static void on_exited(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_seat *seat = &d->seats[event->seat];
    const liminal_participant_status *who = &d->state->statuses[event->seat];
    const limi_cause cause = {LIMINAL_EEXIT, LIMI_CAUSE_EXIT, {.text = who->name}, {.reason = event->reason}};
    if (!seat->alive) {
        return;
    }
    seat->alive = false;
    d->living--;
    limi_dialogue_choose_target(d);
    if (limi_dialogue_is_over(d)) { /* the end asked for it */
        limi_state_stopped(d->state, who->pid, event->reason, event->seen);
        return;
    }
    limi_ignore(liminal_state_exited(d->state, who->pid, event->reason, event->seen)); /* it was alive */
    if (d->doomed) {
        return;
    }
    if (d->policy == LIMINAL_CRASH_ROUTE_NEXT &&
        (d->target < d->seat_count || (!d->had_answerers && d->living > 0))) {
        route(d, seat, e);
        return;
    }
    limi_dialogue_fall(d, &cause, event, e);
}

static void on_killed(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_cause cause = {.status = LIMINAL_EFAILED, .kind = LIMI_CAUSE_KILLS};
    if (limi_dialogue_is_over(d)) {
        return;
    }
    if (!d->doomed && !limi_intensity_allows(&d->intensity, event->now_ns)) {
        cause.most = d->intensity.most;
        cause.window_ns = d->intensity.window_ns;
        limi_dialogue_fall(d, &cause, event, e);
    }
    e->restart = !limi_dialogue_is_over(d); /* also where it has still to be undone */
}

/* ---- compensation ---- */

static limi_undo *take_undo(limi_compensation *c)
{
    limi_list *newest = c->undos.prev;
    if (newest == &c->undos) {
        return NULL;
    }
    limi_list_remove(newest);
    return LIMI_HOLDER(newest, limi_undo, link);
}

/* Asked for the first time there is none to report; with none left the conversation fails. */
static void on_undo(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    limi_compensation *c = d->compensation;
    event->undo = NULL;
    if (limi_dialogue_is_over(d)) {
        c->undoing = NULL;
        return; /* its deadline was quicker, and has said so */
    }
    if (c->undoing != NULL) {
        limi_state_note_compensated(d->state, c->undoing->what, event->status, event->now);
    }
    c->undoing = event->undo = take_undo(c);
    if (event->undo == NULL) {
        limi_dialogue_fail(d, &c->doom, event->now, e);
    }
}

/* What is being undone and what will not be any more is logged as such; the undos themselves are the shell's. */
static void give_up_undoing(limi_dialogue *d, const limi_event *event, limi_effects *e)
{
    const limi_compensation *c = d->compensation;
    limi_list *node;
    if (c->undoing != NULL) {
        limi_state_note_compensated(d->state, c->undoing->what, LIMINAL_ETIMEDOUT, event->now);
    }
    for (node = c->undos.prev; node != &c->undos; node = node->prev) {
        limi_state_note_compensated(d->state, LIMI_HOLDER(node, limi_undo, link)->what, LIMINAL_ETIMEDOUT, event->now);
    }
    limi_dialogue_fail(d, &c->doom, event->now, e);
}

/* ---- closing ---- */

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
        limi_ticket_let_close(closer, e);
    } else if (closer != NULL) {
        limi_list_append(&d->closers, &closer->link);
    }
    limi_dialogue_close_if_done(d, false, e);
}

static void on_deadline(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    const limi_cause late = {.status = LIMINAL_ETIMEDOUT, .text = "the conversation's own deadline passed"};
    if (limi_dialogue_is_over(d)) {
        return;
    }
    if (d->doomed) {
        if (d->compensation->deadline.ns != INT64_MAX && event->now_ns >= d->compensation->deadline.ns) {
            give_up_undoing(d, event, e);
        }
    } else if (event->now_ns >= d->deadline.ns && d->deadline.ns != INT64_MAX) {
        limi_dialogue_fall(d, &late, event, e);
    } else {
        limi_dialogue_close_if_done(d, event->now_ns >= d->close_deadline.ns, e);
    }
}

void limi_step(limi_dialogue *d, limi_event *event, limi_effects *e)
{
    switch (event->kind) {
    case LIMI_EVENT_SENT:
        on_sent(d, event, e);
        break;
    case LIMI_EVENT_PULL:
        on_pull(d, event, e);
        break;
    case LIMI_EVENT_ANSWERED:
        on_answered(d, event, e);
        break;
    case LIMI_EVENT_UNASKED:
        on_unasked(d, event, e);
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
    case LIMI_EVENT_KILLED:
        on_killed(d, event, e);
        break;
    case LIMI_EVENT_UNDO:
        on_undo(d, event, e);
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

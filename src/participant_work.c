/* SPDX-License-Identifier: MIT */
/* participant_work.c -- a participant's requests and exit messages: pulled from its seat, put to its behaviour, brought
 * back; and all of that inside a turn, for an inline one. Its states are in participant.c. */
#include "participant_work.h"

#include "deadline.h"
#include "detail.h"
#include "envelope.h"
#include "handoff.h"
#include "lot.h"
#include "scope.h"
#include "talk.h"

/* ---- the end ---- */

void limi_work_decide_exit(limi_participant *p, liminal_exit_reason reason)
{
    if (!p->exiting) {
        p->exiting = true;
        p->reason = reason;
    }
}

liminal_status liminal_process_exit(liminal_exit_reason reason)
{
    const limi_frame *frame = limi_scope_here()->frame;
    if (reason.kind < LIMINAL_EXIT_NORMAL || reason.kind > LIMINAL_EXIT_UNKNOWN) {
        return limi_detail(LIMINAL_EINVAL, "reason.kind: %d is not an exit kind", (int)reason.kind);
    }
    if (frame == NULL || frame->participant == NULL || frame->releasing ||
        ((const limi_participant *)frame->participant)->kind == LIMINAL_PARTICIPANT_PROGRAM) {
        return limi_detail(LIMINAL_EPHASE, "not inside a behaviour");
    }
    limi_work_decide_exit(frame->participant, reason);
    return limi_detail(LIMINAL_EEXIT, "the participant ends: %s", liminal_exit_describe(reason).text);
}

/* On its own thread: it ends now, for the reason that was decided, if nobody ended it before. */
void limi_work_end(limi_participant *p)
{
    limi_talk *talk = p->talk;
    limi_frame frame = {.turn = talk, .supervisor = talk->supervisor};
    limi_work_decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0});
    if (limi_u32_load(&p->disowned) != 0) {
        return; /* what becomes of its pid is said by the spawn */
    }
    if (p->kind == LIMINAL_PARTICIPANT_INLINE) { /* its notices are called inside the turn */
        limi_frame_enter(&frame);
        (void)limi_process_end(talk->supervisor, &p->process, p->reason);
        limi_frame_leave(&frame);
    } else {
        (void)limi_process_end(talk->supervisor, &p->process, p->reason);
    }
}

/* ---- requests ---- */

limi_request *limi_work_pull(limi_participant *p, liminal_exit *out_news)
{
    limi_talk *talk = p->talk;
    limi_event event = {.kind = LIMI_EVENT_PULL, .seat = p->seat};
    limi_message *news = NULL;
    limi_done done;
    if (out_news != NULL) {
        p->heard = NULL;
    }
    if (limi_u32_load(&p->stopping) != 0) {
        return NULL;
    }
    event.now_ns = limi_tick_monotonic();
    event.slack_ns = LIMI_TICK_SLACK_NS;
    limi_mutex_lock(&talk->lock);
    if (out_news != NULL && limi_participant_first_news(p) != NULL) {
        event.until = limi_participant_first_news(p)->behind;
    }
    limi_talk_step_locked(talk, &event, &done);
    if (event.ticket != NULL) {
        limi_lot_gather(talk, p, LIMI_HOLDER(event.ticket, limi_request, ticket));
    } else if (out_news != NULL && event.until != 0) {
        news = limi_participant_first_news(p);
        limi_list_remove(&news->place);
    }
    limi_mutex_unlock(&talk->lock);
    if (news != NULL) { /* so there is out_news */
        *out_news = news->exit;
        p->heard = out_news;
        limi_message_drop(talk->supervisor, news);
    }
    limi_talk_perform(talk, &done);
    return event.ticket != NULL ? LIMI_HOLDER(event.ticket, limi_request, ticket) : NULL;
}

limi_request *limi_participant_pull(limi_participant *p)
{
    return limi_work_pull(p, NULL);
}

void limi_participant_answer(limi_participant *p, limi_request *request, liminal_envelope **reply)
{
    limi_event event = {.kind = LIMI_EVENT_ANSWERED, .seat = p->seat, .ticket = &request->ticket, .reply = *reply};
    *reply = NULL;
    limi_talk_step(p->talk, &event);
    liminal_envelope_drop(&event.reply);
    limi_request_drop(request);
}

liminal_status limi_participant_volunteer(limi_participant *p, liminal_envelope **message, bool *out_hushed)
{
    limi_request *request = limi_request_create(&p->talk->stock, LIMI_TICKET_SEND, NULL);
    limi_event event = {.kind = LIMI_EVENT_UNASKED, .seat = p->seat};
    if (request == NULL) {
        return LIMINAL_ENOMEM;
    }
    request->ticket.reply = *message;
    *message = NULL;
    event.ticket = &request->ticket; /* the share is the rules' now */
    limi_talk_step(p->talk, &event);
    *out_hushed = event.hushed;
    return LIMINAL_OK;
}

void limi_work_take_back_from(limi_scope_room *here)
{
    const liminal_envelope *lent = here->lent;
    here->lent = NULL;
    limi_envelope_unref(lent);
}

void limi_work_answer(void *argument)
{
    limi_participant *p = argument;
    limi_work_call_answer(p, p->kind == LIMINAL_PARTICIPANT_INLINE ? p->talk : NULL, p->current->ticket.envelope,
                          p->current->ticket.deadline);
}

void limi_work_hear(void *argument)
{
    limi_participant *p = argument;
    bool inlined = p->kind == LIMINAL_PARTICIPANT_INLINE;
    limi_frame frame = {.participant = p, .turn = inlined ? p->talk : NULL, .supervisor = p->talk->supervisor};
    liminal_status st = LIMINAL_OK;
    if (p->behaviour.exited != NULL) { /* else it traps because somebody wanted it to, and does not look */
        limi_frame_enter(&frame);
        st = p->behaviour.exited(p->self, p->heard);
        limi_frame_leave(&frame);
    }
    if (st != LIMINAL_OK) {
        limi_work_decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_ERROR, (int32_t)st});
    }
}

/* What a request leads to, once answer() has returned or its thread was ended in it. A reply that was given
 * with an exit is delivered before it. */
void limi_work_bring_back(limi_participant *p)
{
    limi_request *request = p->current;
    if (p->was_handed) {
        limi_mutex_lock(&p->talk->lock);
        limi_handoff_end(p->talk, p);
        limi_mutex_unlock(&p->talk->lock);
    }
    p->current = NULL;
    if (request != NULL && p->exiting && p->reply == NULL) {
        limi_lot_end(p->talk); /* it may be of one, and then there is no share before */
        limi_request_drop(request); /* the rules still have it at this seat */
    } else if (request != NULL) {
        limi_participant_answer(p, request, &p->reply);
    }
}

/* ---- inline, in a turn ---- */

/* pthread_exit inside an inline behaviour: the thread may be a host's, so the rest of the turn is left
 * to the actor's own. */
static void inline_unwound(void *argument)
{
    limi_participant *p = argument;
    limi_scope_unwound();
    limi_work_decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0});
    limi_participant_conclude(p);
    limi_actor_hand_over(&p->talk->actor);
}

void limi_participant_unwound(limi_participant *p)
{
    inline_unwound(p);
}

void limi_participant_conclude(limi_participant *p)
{
    limi_work_bring_back(p);
    if (p->exiting) {
        limi_work_end(p);
    }
}

void limi_participant_answer_inline(limi_participant *p, limi_request *request)
{
    if (limi_u32_load(&p->stopping) != 0) {
        limi_request_drop(request); /* killed meanwhile: the rules hear, or have heard, of that */
        return;
    }
    p->current = request;
    limi_actor_look(&p->talk->actor); /* a close that runs this can't see to its deadline meanwhile */
    limi_thread_guard(limi_work_answer, inline_unwound, p);
    limi_participant_conclude(p);
}

void limi_participant_attend(limi_participant *p)
{
    for (;;) {
        liminal_exit news;
        limi_request *request = limi_work_pull(p, &news);
        if (request != NULL) {
            limi_participant_answer_inline(p, request);
        } else if (p->heard != NULL) {
            limi_actor_look(&p->talk->actor);
            limi_thread_guard(limi_work_hear, inline_unwound, p);
            if (p->exiting) {
                limi_work_end(p);
            }
        } else {
            return;
        }
    }
}

void limi_participant_visit(limi_participant *p)
{
    limi_u32_store(&p->visiting, 0); /* before looking: what comes from here on is another visit */
    limi_participant_attend(p);
}

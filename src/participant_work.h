/* SPDX-License-Identifier: MIT */
/* participant_work.h -- a participant's requests and exit messages, for the thread that runs its behaviour. */
#ifndef LIMI_PARTICIPANT_WORK_H
#define LIMI_PARTICIPANT_WORK_H

#include "envelope.h"
#include "scope.h"
#include "seldom.h"
#include "talk.h"

/* It ends when the callback returns, for the first reason that is given. */
void limi_work_decide_exit(limi_participant *participant, liminal_exit_reason reason);

/* It ends now, for the reason that was decided, if nobody ended it before. */
void limi_work_end(limi_participant *participant);

/* The next request; or, where its turn has come, the next exit message, which participant->heard points to then, else
 * that is NULL. */
limi_request *limi_work_pull(limi_participant *participant, liminal_exit *out_news);

/* Call answer() with participant->current, and exited() with participant->heard; the argument is the participant. */
void limi_work_answer(void *argument);
void limi_work_hear(void *argument);

/* That for a participant; `turn`: its talk, if it is inside that one's turn, else NULL; and what is in its current
 * request, for who has that without looking. */
static inline void limi_work_call_answer(limi_participant *p, const limi_talk *turn, const liminal_envelope *request,
                                         liminal_deadline until)
{
    limi_scope *scope = limi_scope_here();
    const liminal_trace_context trace = scope->trace;
    const liminal_envelope *outer = scope->request;
    const liminal_deadline deadline = scope->deadline;
    limi_frame frame = {.participant = p, .turn = turn, .supervisor = p->talk->supervisor};
    liminal_status st;
    scope->trace = request->facts.trace;
    scope->request = request;
    scope->deadline = until;
    limi_frame_push(scope, &frame);
    st = p->behaviour.answer(p->self, request, &p->reply);
    limi_frame_pop(scope, &frame);
    scope->trace = trace;
    scope->request = outer;
    scope->deadline = deadline;
    if (st != LIMINAL_OK) {
        limi_work_decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_ERROR, (int32_t)st});
    }
}

LIMI_SELDOM void limi_work_take_back_from(limi_scope_room *here);

/* The behaviour has returned, or left: a share of the request that was lent to it and not used is let go of. */
static inline void limi_work_take_back(void)
{
    limi_scope_room *here = limi_scope_room_here();
    if (here->lent != NULL) {
        limi_work_take_back_from(here);
    }
}

/* What a request leads to, once answer() has returned or its thread was ended in it. A reply that was given with an
 * exit is delivered before it. */
void limi_work_bring_back(limi_participant *participant);

#endif

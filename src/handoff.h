/* SPDX-License-Identifier: MIT */
/* handoff.h -- the shortest way of an ask to a participant with a thread of its own, and back: see handoff.c. */
#ifndef LIMI_HANDOFF_H
#define LIMI_HANDOFF_H

#include "talk.h"

/* As limi_talk_on_sent(), of an ask: with the duty. It is handed over, if it can be. */
void limi_handoff_on_sent(limi_talk *talk, limi_request *request);

/* For the participant's thread: what was handed to it, with a share, and with one of its envelope that is lent to the
 * behaviour; or NULL. */
limi_request *limi_handoff_accept(limi_participant *participant);

/* For the same: what came of participant->current, which it has accepted, is left to who asked: it has nothing any
 * more. False: it is to bring that back itself. */
bool limi_handoff_offer(limi_participant *participant);

/* For the same: if it still has something that was handed to it, it is going to bring that back itself. */
void limi_handoff_end(limi_talk *talk, limi_participant *participant) LIMI_REQUIRES(talk->lock);

/* For who asked: bring what was offered to the rules: true, and the waiter is not told; false: somebody else has, and
 * tells it. */
bool limi_handoff_collect(limi_talk *talk, limi_request *request);

/* Before whatever may lead to an end: what the rules know is true again. */
void limi_handoff_settle(limi_talk *talk, limi_effects *effects) LIMI_REQUIRES(talk->lock);

#endif

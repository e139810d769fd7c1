/* SPDX-License-Identifier: MIT */
/* lot.h -- messages that a participant's thread has begun together. */
#ifndef LIMI_LOT_H
#define LIMI_LOT_H

#include "talk.h"

/* THREAD and PROGRAM; only the former has lots. */
void limi_lot_init(limi_participant *participant);

/* With the lock, by the participant's thread, which has just begun `first`, with a share of it: what waits behind that
 * is begun with it, if it may be. If there is anything, that share is gone, and there is one of the current request
 * again when the lot is settled. */
void limi_lot_gather(limi_talk *talk, limi_participant *participant, limi_request *first) LIMI_REQUIRES(talk->lock);

/* By the participant's thread, when participant->current has been answered: true: it is done, and the next one of its
 * lot is current now, which nobody can take away any more. False: it is to be brought back like any other. */
bool limi_lot_next(limi_participant *participant);

/* With the lock, where there is one: what was done of it is answered, and what has not been looked at is queued
 * again. */
void limi_lot_settle(limi_talk *talk, limi_effects *effects) LIMI_REQUIRES(talk->lock);

static inline bool limi_lot_is_there(const limi_talk *talk)
{
    return talk->handed != NULL && talk->handed->ticket.kind == LIMI_TICKET_SEND;
}

/* From anywhere: the same, if there is one; or only what was done of it is answered, for who wants to know of that, or
 * to have its places. */
void limi_lot_end(limi_talk *talk);
void limi_lot_reap(limi_talk *talk);

/* By the participant's thread, before it looks what there is. */
void limi_lot_await(const limi_participant *participant);

#endif

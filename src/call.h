/* SPDX-License-Identifier: MIT */
/* call.h -- what the slots of the pthread actor's backend share. */
#ifndef LIMI_CALL_H
#define LIMI_CALL_H

#include "talk.h"

/* What a conversation that takes no more sends says, with its detail text. */
liminal_status limi_refusal(limi_talk *talk);

/* A request with a place in the mailbox, of one owner, or why not. The envelope is in it and still the
 * caller's. */
liminal_status limi_place(limi_talk *talk, limi_ticket_kind kind, liminal_envelope *envelope,
                          liminal_deadline deadline, bool may_wait, limi_request **out);

/* It was refused after all: undo limi_place(). */
void limi_displace(limi_talk *talk, limi_request *request);

liminal_status limi_talk_send(void *self, liminal_envelope **message, liminal_deadline deadline);
liminal_status limi_talk_try_send(void *self, liminal_envelope **message);

#endif

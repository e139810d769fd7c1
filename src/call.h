/* SPDX-License-Identifier: MIT */
/* call.h -- what the slots of the pthread actor's backend share. */
#ifndef LIMI_CALL_H
#define LIMI_CALL_H

#include "talk.h"

/* What a conversation that takes no more sends says, with its detail text. */
liminal_status limi_refusal(limi_talk *talk);

/* What a decided ticket says, with its detail text; and its reply, if it has one to give. */
liminal_status limi_call_outcome(limi_talk *talk, limi_ticket *ticket, liminal_envelope **out_reply);

/* Wait until the request is decided: true; or give it up at the deadline, or when the conversation ends. */
bool limi_call_await(limi_talk *talk, limi_request *request, liminal_deadline deadline);

/* A request with a place in the mailbox, of one owner, or why not. The envelope is in it and still the
 * caller's. */
liminal_status limi_place(limi_talk *talk, limi_ticket_kind kind, liminal_envelope *envelope,
                          liminal_deadline deadline, bool may_wait, limi_request **out);

/* It was refused after all: undo limi_place(). */
void limi_displace(limi_talk *talk, limi_request *request);

/* ---- asks: call.c and direct.c ---- */

/* The slot; the shortest way, where it can be gone ... */
liminal_status limi_talk_ask(void *self, liminal_envelope **envelope, liminal_envelope **out_reply,
                             liminal_deadline deadline);

/* ... and the ordinary one. */
liminal_status limi_ask_by_mailbox(limi_talk *talk, liminal_envelope **envelope, liminal_envelope **out_reply,
                                   liminal_deadline deadline);

/* Wait for what it leads to, and let go of the request. Takes *envelope if it was begun. */
liminal_status limi_ask_await(limi_talk *talk, limi_request *request, liminal_envelope **envelope,
                              liminal_envelope **out_reply, liminal_deadline deadline);

/* The asking thread is being ended inside the ask. */
void limi_ask_abandoned(limi_talk *talk, limi_request *request, liminal_envelope **envelope);

/* ---- sends: send.c ---- */

liminal_status limi_talk_send(void *self, liminal_envelope **message, liminal_deadline deadline);
liminal_status limi_talk_try_send(void *self, liminal_envelope **message);

/* ---- receives: receive.c ---- */

liminal_status limi_talk_receive(void *self, liminal_envelope **out_reply, liminal_deadline deadline);

#endif

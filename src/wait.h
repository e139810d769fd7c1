/* SPDX-License-Identifier: MIT */
/* wait.h -- who waits for whom, so that nobody waits for himself. */
#ifndef LIMI_WAIT_H
#define LIMI_WAIT_H

#include "talk.h"

/* Whether this thread is inside the conversation's participant, or a callback of its turn. */
bool limi_wait_is_inside(const limi_talk *talk);

/* Whether this thread is running the conversation's turn. */
bool limi_wait_is_turn(const limi_talk *talk);

/* Whether this thread is inside an exit notice or a collector: others may wait for what it is inside of. */
bool limi_wait_is_callback(void);

/* Before waiting for a conversation's participant: EDEADLK if that waits, directly or round others,
 * for one whose behaviour this thread is running. LIMINAL_OK is followed by a leave. */
liminal_status limi_wait_enter(limi_talk *talk);
void limi_wait_leave(limi_talk *talk);

#endif

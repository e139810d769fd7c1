/* SPDX-License-Identifier: MIT */
/* liminal/conversation.h -- the handle: send, receive, ask, close, query. */
#ifndef LIMINAL_CONVERSATION_H
#define LIMINAL_CONVERSATION_H

#include <liminal/envelope.h>
#include <liminal/state.h>

LIMINAL_BEGIN

/* One of any number of handles on one conversation. Every call may be made from any number of
 * threads at once, and inside any callback. What they have in common:
 *
 * After a failure every call reports the first cause, as it was: LIMINAL_EEXIT when a participant
 * exited, LIMINAL_ETIMEDOUT when the conversation's own deadline passed, LIMINAL_EFAILED otherwise.
 * After a close it is LIMINAL_ECLOSED, after fork() in the child LIMINAL_EFORKED. Replies that were
 * there before are still received first. A deadline that has passed means: do not wait. An inline
 * participant may run on the calling thread, which then takes as long as the behaviour does. Cycles
 * of waits are found among the behaviours of one supervisor; exit notices and collectors should not ask
 * or receive at all. LIMINAL_ETIMEDOUT with phase failed is the conversation's deadline, else the call's. */
typedef struct liminal_conversation liminal_conversation;

/**
 * Send a message; a reply to it, if there is one, is for liminal_conversation_receive().
 *
 * It goes to the first live participant that has a behaviour. Without any
 * participant it is for whoever receives; with only watched ones it is
 * recorded and goes to nobody. LIMINAL_OK means accepted. The deadline is for
 * room in the mailbox and does not travel: for that the envelope has its own.
 * The same envelope may be sent any number of times; each takes a reference.
 *
 * Takes:    *message.
 * Threads:  any, concurrently.
 * Blocks:   never; with LIMINAL_OVERFLOW_WAIT while the mailbox is full, until the deadline.
 * Errors:   EFULL (a full mailbox that refuses), ETIMEDOUT (a full mailbox, and the deadline passed),
 *           ELIMIT (larger than the mailbox's bound), EDEADLK (waiting for room inside its own
 *           participant), ECLOSED (also while it is closing), EEXIT, EFAILED, EINVAL (a NULL), ENOMEM,
 *           EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_send(liminal_conversation *conversation, LIMINAL_TAKE liminal_envelope **message,
                                         liminal_deadline deadline);

/**
 * Send a message if there is room right now.
 *
 * Takes:    *message.
 * Threads:  any, concurrently.
 * Blocks:   never.
 * Errors:   EFULL, and those of liminal_conversation_send().
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_try_send(liminal_conversation *conversation,
                                             LIMINAL_TAKE liminal_envelope **message);

/**
 * Receive the oldest reply that nobody has, or wait for one.
 *
 * A receive that ends without LIMINAL_OK has taken nothing: what comes later
 * goes to the next one. Answers to an ask never come here; a message that is
 * consumed in silence gives nothing to receive.
 *
 * Gives:    *out_reply.
 * Threads:  any, concurrently; waiting ones are served in order of arrival.
 * Blocks:   until a reply, an exit that fails the conversation, a close, or the deadline.
 * Errors:   ETIMEDOUT, ECLOSED, EEXIT, EFAILED, EDEADLK (inside its own participant, or round a cycle
 *           of waits), EINVAL (a NULL), ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_receive(liminal_conversation *conversation,
                                            LIMINAL_GIVE liminal_envelope **out_reply, liminal_deadline deadline);

/**
 * Receive the oldest reply if there is one right now.
 *
 * Gives:    *out_reply.
 * Threads:  any, concurrently.
 * Blocks:   never.
 * Errors:   ETIMEDOUT (nothing there), and those of liminal_conversation_receive().
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_try_receive(liminal_conversation *conversation,
                                                LIMINAL_GIVE liminal_envelope **out_reply);

/**
 * Ask one question and wait for the answer to it.
 *
 * Asks made at once from several threads each get their own answer. An exit
 * answers every asker at once. When the deadline passes before the participant
 * has begun, the request is withdrawn and stays with the caller, as it does
 * with a deadline that has passed already; after that, it was taken, and the
 * late answer is counted and goes to nobody.
 *
 * Takes:    *request, unless it was refused or withdrawn.
 * Gives:    *out_reply.
 * Threads:  any, concurrently.
 * Blocks:   until the answer, an exit that fails the conversation, a close, or the deadline.
 * Errors:   ETIMEDOUT, EEXIT, ECLOSED, EFAILED, EFULL, ELIMIT, ENOPROC (no participant that could
 *           answer), ECANCELED (the participant consumed it in silence), EDEADLK (inside its own
 *           participant, or round a cycle of asks), EINVAL (a NULL), ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_ask(liminal_conversation *conversation, LIMINAL_TAKE liminal_envelope **request,
                                        LIMINAL_GIVE liminal_envelope **out_reply, liminal_deadline deadline);

/**
 * Refuse sends from now on, let what was accepted be answered until the deadline, then close.
 *
 * Waiting receivers then get LIMINAL_ECLOSED, participants are stopped, and the
 * span is finished. Closing again is fine; it does not wait for the collector
 * and the notices of an end that came before it. Inside the conversation's own
 * participant, what undoes a step, a collector or an exit notice it does not
 * wait: the closing has begun when it returns. On a failed conversation it
 * returns LIMINAL_OK, and the phase stays failed. What is being undone has its
 * own time, which may be longer: then it is still completing when this returns,
 * at the deadline.
 *
 * Threads:  any, concurrently; of several deadlines the earliest ends it.
 * Blocks:   until the conversation has closed or failed; a behaviour that is still running is not waited for.
 * Errors:   EDEADLK (round a cycle of waits; the closing has begun all the same), EINVAL (NULL), ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_close(liminal_conversation *conversation, liminal_deadline deadline);

/**
 * Look at the conversation: phase, participants, context log, counts.
 *
 * Works in every phase. Shows everything that was accepted before the call;
 * if that takes longer than the deadline (an inline behaviour that does not
 * return), inside any callback, and while something is being undone, it shows
 * what there is without waiting.
 *
 * Gives:    *out, a snapshot.
 * Threads:  any, concurrently.
 * Blocks:   while earlier messages are being handled, until the deadline.
 * Errors:   EINVAL (a NULL), ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_query(liminal_conversation *conversation, LIMINAL_GIVE liminal_snapshot **out,
                                          liminal_deadline deadline);

/**
 * Register what undoes a step, before the step is done.
 *
 * For conversations with LIMINAL_CRASH_COMPENSATE: if the conversation fails,
 * each `undo` is called once, the last registered first, on the actor's own
 * thread, with no lock held; its status goes into the log with `step`. It has to
 * cope with a step that was begun, or never was. What time is left it can read
 * with liminal_deadline_current(). It may call the library; calls that would wait for
 * this conversation give EDEADLK. One that ends its thread has failed with LIMINAL_EEXIT.
 * When the conversation closes nothing is undone.
 *
 * Takes:    *step, which says what was to be done; `undo` borrows it. `self` has to live until the
 *           conversation has closed or failed.
 * Threads:  any, concurrently.
 * Blocks:   never.
 * Errors:   EINVAL (a NULL, another policy, a backend that can't), ECLOSED, EEXIT, ETIMEDOUT, EFAILED (no step is
 *           begun any more), ENOMEM, EFORKED.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_conversation_undo_with(liminal_conversation *conversation, LIMINAL_TAKE liminal_envelope **step,
                                              liminal_status (*undo)(void *self, const liminal_envelope *step),
                                              void *self);

/**
 * Read the pid of the conversation's actor; a new one each time it was killed and came back.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the pid; {0} for NULL, and where the backend has none.
 * Since:    0.1
 */
LIMINAL_API liminal_pid liminal_conversation_pid(const liminal_conversation *conversation);

/**
 * Read the trace context of the conversation's span.
 *
 * Envelopes carry the context that is current where they are made; to have
 * them in this trace, make them between liminal_span_enter() and its leave.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  the context; all zero for NULL, and where the backend has none.
 * Since:    0.1
 */
LIMINAL_API liminal_trace_context liminal_conversation_trace(const liminal_conversation *conversation);

/**
 * Add a handle: a second one on the same conversation.
 *
 * Threads:  any.
 * Blocks:   never.
 * Returns:  `conversation`, for chaining; release it with its own drop. NULL for NULL.
 * Since:    0.1
 */
LIMINAL_API liminal_conversation *liminal_conversation_ref(liminal_conversation *conversation);

/**
 * Release one handle and clear the caller's pointer. NULL is welcome.
 *
 * The last drop closes the conversation, without a deadline: what was accepted
 * is still handled. The supervisor, not this call, waits for the threads.
 *
 * Takes:    *conversation.
 * Threads:  any, also inside a behaviour.
 * Blocks:   never.
 * Since:    0.1
 */
LIMINAL_API void liminal_conversation_drop(LIMINAL_TAKE liminal_conversation **conversation);

LIMINAL_END

#endif

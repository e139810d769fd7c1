/* SPDX-License-Identifier: MIT */
/* liminal/config.h -- what a conversation is to be like, and its policies. */
#ifndef LIMINAL_CONFIG_H
#define LIMINAL_CONFIG_H

#include <liminal/participant.h>

LIMINAL_BEGIN

/* What the conversation does when a participant exits before it was closed; a normal exit counts.
 * Zero is deliberately not a policy: leaving the field out is EINVAL. */
typedef enum liminal_crash_policy {
    LIMINAL_CRASH_UNSET = 0,
    /* The conversation fails; everyone who waits gets LIMINAL_EEXIT at once. */
    LIMINAL_CRASH_FAIL = 1,
    /* What the dead one had not finished goes, in order, to the next live participant that answers; so do
     * later messages. Nobody gets two answers, but what was begun is begun again: a request that can't stand
     * that should say who asks. With none left, as FAIL. */
    LIMINAL_CRASH_ROUTE_NEXT = 2,
    /* Everyone who waits gets LIMINAL_EEXIT at once, and no more sends are accepted; then what was done is
     * undone: the steps of liminal_conversation_undo_with(), the last one first, then compensate() below.
     * Then the conversation fails, with the exit as its cause. The same when its deadline passes, or when its
     * actor is killed too often. */
    LIMINAL_CRASH_COMPENSATE = 3
} liminal_crash_policy;

typedef struct liminal_snapshot liminal_snapshot; /* see state.h */

/* What the conversation is meant to survive. The pthread actor lives and dies with its process, so
 * it only records the mode; a backend that keeps things reads it. */
typedef enum liminal_mode {
    LIMINAL_MODE_EPHEMERAL = 0,
    LIMINAL_MODE_DURABLE = 1
} liminal_mode;

/* Who runs a conversation's turns. A turn is where an accepted message is forwarded, logged, or made
 * ready to be received: with PINNED a call that does not wait may come before that. */
typedef enum liminal_dispatch {
    LIMINAL_DISPATCH_ASSISTED = 0, /* its own thread, or a caller that finds it idle */
    LIMINAL_DISPATCH_PINNED = 1    /* only ever its own thread */
} liminal_dispatch;

/* What a send does when the mailbox is full. */
typedef enum liminal_overflow {
    LIMINAL_OVERFLOW_REFUSE = 0, /* it gives LIMINAL_EFULL */
    LIMINAL_OVERFLOW_WAIT = 1    /* it waits for room until its deadline */
} liminal_overflow;

#define LIMINAL_DEFAULT_MAILBOX_MESSAGES 1024
#define LIMINAL_DEFAULT_MAILBOX_BYTES ((size_t)128 * 1024 * 1024)
#define LIMINAL_DEFAULT_LOG_ENTRIES 1024
#define LIMINAL_DEFAULT_COMPENSATE_NS ((int64_t)5000000000)
#define LIMINAL_DEFAULT_RESTARTS 3
#define LIMINAL_DEFAULT_RESTART_WINDOW_NS ((int64_t)5000000000)
#define LIMINAL_NO_RESTARTS UINT32_MAX
#define LIMINAL_RESTARTS_MOST 64
#define LIMINAL_UNBOUNDED SIZE_MAX
#define LIMINAL_NAME_BYTES 255 /* longest name, without its terminating zero */

/* Everything is copied, so a config may be used for any number of conversations; but a participant's
 * `self` is released by the one that took it. Zero is the default wherever one is named. */
typedef struct liminal_config {
    size_t size; /* LIMINAL_OPS(liminal_config) */

    const liminal_participant *participants; /* may be NULL with a count of 0: a buffer */
    size_t participant_count;

    liminal_crash_policy on_crash; /* required, no default */
    liminal_mode mode;
    liminal_dispatch dispatch;
    liminal_overflow overflow;

    const char *name;                    /* unique among live conversations; UTF-8; NULL: no name */
    const liminal_trace_context *parent; /* of its span; NULL: the current context, else a fresh root */

    /* For the whole conversation, from its spawn: when it has passed, the conversation fails with
     * LIMINAL_ETIMEDOUT. In nanoseconds; 0: none. Negative is EINVAL. */
    int64_t timeout_ns;

    /* A message holds its place from the send until its reply has been received, or until it was
     * consumed without one: what nobody receives does not pile up without bound. Replies, exits and
     * deadlines are never refused. A message that is larger than the bound is LIMINAL_ELIMIT.
     * 0: the default above; LIMINAL_UNBOUNDED: as many as can be counted, 2^28 - 1 messages and
     * 64 GiB less a byte. The bytes are those of payloads sent; replies are not counted in. */
    size_t mailbox_messages;
    size_t mailbox_bytes;

    /* The context log keeps this many of the newest entries, and their envelopes, and counts what it
     * dropped. 0: the default above; LIMINAL_UNBOUNDED: no bound. */
    size_t log_entries;

    /* Of each thread that this conversation starts, in bytes. 0: the supervisor's; raised to the
     * platform's minimum. */
    size_t stack_bytes;

    /* With LIMINAL_CRASH_COMPENSATE: the last thing that is undone, or all. Optional. Called once, on the
     * actor's own thread, with no lock held; borrows `snapshot`, which is NULL if there is no memory for one. Its
     * status goes into the log. It may call the library; it can read what time is left with
     * liminal_deadline_current(). `compensate_self` has to live until the conversation has closed or failed, and
     * longer if this does not return by its deadline. */
    liminal_status (*compensate)(void *self, const liminal_snapshot *snapshot);
    void *compensate_self;

    /* How long all undoing may take, in nanoseconds. When it has passed the conversation fails, and the log says
     * LIMINAL_ETIMEDOUT for what was not undone. 0: the default above; negative is EINVAL. */
    int64_t compensate_timeout_ns;

    /* How often within the window the actor comes back, with a new pid, when it was killed: with one more
     * the conversation fails with LIMINAL_EFAILED. Nothing that was sent is lost, all who wait go on waiting.
     * 0: the defaults above; LIMINAL_NO_RESTARTS: never. More than LIMINAL_RESTARTS_MOST, or a negative window, is
     * EINVAL. */
    uint32_t restarts;
    int64_t restart_window_ns;
} liminal_config;

/**
 * Check a config as a spawn would, as far as that can be told without a supervisor.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (with a detail that names the field): NULL; a size that is not one of ours; a
 *           crash policy unset; a value outside its enum; a participant without a behaviour, with a
 *           bad table, or listed twice (the same pid, or the same behaviour with the same `self`
 *           that is not NULL); a program without argv, with a bad table or value; a negative time; too
 *           many restarts; compensate() with another policy; a name that is empty, over 255 bytes or
 *           not UTF-8; a parent that is not valid; participants NULL with a count.
 *           ELIMIT: more than 65,535 participants. ENOMEM: more than 16, and no memory to look for doubles.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_config_check(const liminal_config *config);

LIMINAL_END

#endif

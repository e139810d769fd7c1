/* SPDX-License-Identifier: MIT */
/* liminal/config.h -- what a conversation is to be like, and its policies. */
#ifndef LIMINAL_CONFIG_H
#define LIMINAL_CONFIG_H

#include <liminal/participant.h>

LIMINAL_BEGIN

/* What the conversation does when a participant exits before it was closed.
 * Zero is deliberately not a policy: leaving the field out is EINVAL.
 * Values 2 and 3 are kept for "route to next" and "compensate". */
typedef enum liminal_crash_policy {
    LIMINAL_CRASH_UNSET = 0,
    LIMINAL_CRASH_FAIL = 1 /* the conversation fails; everyone who waits gets LIMINAL_EEXIT at once */
} liminal_crash_policy;

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
} liminal_config;

/**
 * Check a config as a spawn would, as far as that can be told without a supervisor.
 *
 * Threads:  any.
 * Blocks:   never.
 * Errors:   EINVAL (with a detail that names the field): NULL; a size that is not one of ours; a
 *           crash policy unset; a value outside its enum; a participant without a behaviour, with a
 *           bad table, or listed twice (the same pid, or the same behaviour with the same `self`
 *           that is not NULL); a name that is empty, over 255 bytes or not UTF-8; a negative
 *           timeout; a parent that is not valid; participants NULL with a count.
 *           ELIMIT: more than 65,535 participants. ENOMEM: more than 16, and no memory to look for doubles.
 * Since:    0.1
 */
LIMINAL_API LIMINAL_CHECKED
liminal_status liminal_config_check(const liminal_config *config);

LIMINAL_END

#endif

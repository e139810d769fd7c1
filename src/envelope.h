/* SPDX-License-Identifier: MIT */
/* envelope.h -- how an envelope lies in memory: this struct, then a copied payload, then its texts. */
#ifndef LIMI_ENVELOPE_H
#define LIMI_ENVELOPE_H

#include <liminal/envelope.h>

#include "memory.h"
#include "refcount.h"

struct liminal_envelope {
    /* What its end needs lies together, down to facts.cause: by then it has not been looked at for long. */
    limi_refcount owners;
    size_t block; /* bytes allocated by `allocator`; 0: it is the default one's */
    void (*release)(void *context, void *data, size_t size); /* of an adopted buffer, or NULL */
    void *data;
    size_t size;
    liminal_envelope_facts facts; /* facts.cause is an owned reference */

    void *release_context;
    liminal_allocator allocator; /* if `block` is not 0 */

    /* The payload comes first, so that a struct that was copied in can be read where it lies. */
    _Alignas(max_align_t) unsigned char room[];
};

/* What a new envelope is to be, checked. Its texts are borrowed; one that is NULL is the default. */
typedef struct limi_envelope_plan {
    liminal_allocator allocator;
    const char *schema, *publisher;
    size_t schema_length, publisher_length;
} limi_envelope_plan;

/* Check the options and make a plan of them; *checked gets those of them that the plan does not have: cause,
 * deadline, trace. EINVAL. */
liminal_status limi_envelope_plan_take(limi_envelope_plan *plan, const liminal_envelope_options *options,
                                       liminal_envelope_options *checked);

/* Lay out an envelope with `room` bytes for a payload, and with one owner. The caller fills in the payload, its size,
 * and all facts but the texts, before anybody else can see it. EINVAL if the sizes overflow, ENOMEM. */
liminal_status limi_envelope_lay(const limi_envelope_plan *plan, size_t room, liminal_envelope **out);

extern const char limi_no_schema[], limi_anonymous[];
liminal_status limi_envelope_too_large(size_t room);

/* More can't be laid out, with the zero byte behind it. */
#define LIMI_PAYLOAD_MOST (SIZE_MAX - sizeof(liminal_envelope) - 1)

/* The same by the default plan, for a room that is no larger than that. NULL without memory. It comes from the
 * default allocator without its table, for there are two in each ask: a `block` of 0 says so. */
static inline liminal_envelope *limi_envelope_lay_plain(size_t room)
{
    liminal_envelope *envelope = limi_plain_allocate(sizeof(liminal_envelope) + room);
    if (envelope != NULL) {
        envelope->block = 0;
        envelope->release = NULL;
        limi_refcount_init(&envelope->owners);
        envelope->facts.schema = limi_no_schema;
        envelope->facts.publisher = limi_anonymous;
    }
    return envelope;
}

/* One more owner, for who may have borrowed it, as others may at the same moment. NULL is welcome. */
static inline void limi_envelope_share(const liminal_envelope *envelope)
{
    if (envelope != NULL) {
        limi_refcount_up(&((liminal_envelope *)(uintptr_t)envelope)->owners);
    }
}

/* One more owner, for who has a share that nobody else uses; and one fewer. Through pointers to const. NULL is
 * welcome. */
static inline void limi_envelope_count(const liminal_envelope *envelope)
{
    if (envelope != NULL) {
        limi_refcount_up_private(&((liminal_envelope *)(uintptr_t)envelope)->owners);
    }
}

void limi_envelope_free(liminal_envelope *dead); /* with no owner left */

static inline void limi_envelope_unref(const liminal_envelope *envelope)
{
    liminal_envelope *mine = (liminal_envelope *)(uintptr_t)envelope;
    if (mine != NULL && limi_refcount_down_private(&mine->owners)) {
        limi_envelope_free(mine);
    }
}

#endif

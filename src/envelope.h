/* SPDX-License-Identifier: MIT */
/* envelope.h -- how an envelope lies in memory: this struct, then a copied payload, then its texts. */
#ifndef LIMI_ENVELOPE_H
#define LIMI_ENVELOPE_H

#include <liminal/envelope.h>

#include "refcount.h"

struct liminal_envelope {
    liminal_allocator allocator;
    size_t block; /* bytes allocated */
    limi_refcount owners;
    size_t size;
    void *data;
    void (*release)(void *context, void *data, size_t size); /* of an adopted buffer, or NULL */
    void *release_context;
    liminal_envelope_facts facts; /* facts.cause is an owned reference */

    /* The payload comes first, so that a struct that was copied in can be read where it lies. */
    _Alignas(max_align_t) unsigned char room[];
};

/* What a new envelope is to be, checked; its texts and its cause are borrowed. */
typedef struct limi_envelope_plan {
    liminal_allocator allocator;
    liminal_envelope_facts facts;
    size_t schema_length;
    size_t publisher_length;
} limi_envelope_plan;

/* Check the options (NULL: all default) and make a plan of them. It still lacks what is not in them: the
 * id, the time, and, where they name none, a cause (NULL) and a trace (all zero). EINVAL. */
liminal_status limi_envelope_plan_take(limi_envelope_plan *plan, const liminal_envelope_options *options);

/* Lay out an envelope with `room` zero bytes for a payload, and with one owner. The caller sets data and
 * size before anybody else can see it. EINVAL if the sizes overflow, ENOMEM. */
liminal_status limi_envelope_lay(const limi_envelope_plan *plan, size_t room, liminal_envelope **out);

/* Release one reference that is held through a pointer to const. NULL is welcome. */
void limi_envelope_unref(const liminal_envelope *envelope);

#endif

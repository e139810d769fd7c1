/* SPDX-License-Identifier: MIT */
/* envelope.c -- an immutable, reference-counted message: reading, counting, laying out. */
#include "envelope.h"

#include "config.h"
#include "detail.h"
#include "memory.h"
#include "seldom.h"
#include "text.h"

#include <string.h>

_Static_assert(sizeof(liminal_envelope) == offsetof(liminal_envelope, room), "a payload begins where the struct ends");

const char limi_no_schema[] = "";
const char limi_anonymous[] = "anonymous";

/* An envelope is const to everyone but its count and its end. */
static liminal_envelope *mutable(const liminal_envelope *envelope)
{
    return (liminal_envelope *)(uintptr_t)envelope;
}

const void *liminal_envelope_data(const liminal_envelope *envelope)
{
    return envelope != NULL ? envelope->data : "";
}

size_t liminal_envelope_size(const liminal_envelope *envelope)
{
    return envelope != NULL ? envelope->size : 0;
}

const char *liminal_envelope_text(const liminal_envelope *envelope)
{
    return liminal_envelope_data(envelope);
}

liminal_envelope_facts liminal_envelope_read(const liminal_envelope *envelope)
{
    if (envelope == NULL) {
        return (liminal_envelope_facts){.schema = "", .publisher = ""};
    }
    return envelope->facts;
}

bool liminal_envelope_follows(const liminal_envelope *later, const liminal_envelope *earlier)
{
    if (later == NULL || earlier == NULL) {
        return false;
    }
    do {
        later = later->facts.cause;
    } while (later != NULL && later != earlier);
    return later != NULL;
}

liminal_envelope *liminal_envelope_ref(const liminal_envelope *envelope)
{
    limi_envelope_share(envelope);
    return mutable(envelope);
}

LIMI_SELDOM static void give_back_payload(liminal_envelope *dead)
{
    dead->release(dead->release_context, dead->data, dead->size);
}

LIMI_SELDOM static void give_back(liminal_envelope *dead)
{
    const liminal_allocator *allocator = &dead->allocator;
    allocator->release(allocator->context, dead, dead->block);
}

/* The last owner of an envelope owns its cause in turn: a chain is let go link by link, not by recursion,
 * because nothing bounds its length. */
void limi_envelope_free(liminal_envelope *dead)
{
    liminal_envelope *next;
    do {
        next = mutable(dead->facts.cause);
        if (dead->release != NULL) {
            give_back_payload(dead);
        }
        if (dead->block == 0) {
            limi_plain_release(dead);
        } else {
            give_back(dead);
        }
        dead = next;
    } while (dead != NULL && limi_refcount_down_private(&dead->owners));
}

void liminal_envelope_drop(liminal_envelope **envelope)
{
    if (envelope != NULL) {
        liminal_envelope *mine = *envelope;
        *envelope = NULL;
        limi_envelope_unref(mine);
    }
}

static liminal_status take_label(const char *text, const char *what, const char **out, size_t *out_length)
{
    liminal_status st = LIMINAL_OK;
    if (text != NULL) {
        st = limi_text_check(text, LIMINAL_NAME_BYTES, true, what, out_length);
        *out = text;
    }
    return st;
}

liminal_status limi_envelope_plan_take(limi_envelope_plan *plan, const liminal_envelope_options *options,
                                       liminal_envelope_options *checked)
{
    liminal_status st;
    *plan = (limi_envelope_plan){.schema_length = 0};
    st = limi_table_take(checked, sizeof *checked, LIMI_LEAST(liminal_envelope_options, trace), options, "options");
    if (st || (st = limi_allocator_take(&plan->allocator, checked->allocator)) ||
        (st = take_label(checked->schema, "options.schema", &plan->schema, &plan->schema_length)) ||
        (st = take_label(checked->publisher, "options.publisher", &plan->publisher, &plan->publisher_length))) {
        return st;
    }
    if (checked->trace != NULL && !liminal_trace_valid(checked->trace)) {
        return limi_detail(LIMINAL_EINVAL, "options.trace: an id is all zero");
    }
    return LIMINAL_OK;
}

/* Copy a text to *at and step over it; one of our own needs no copy. */
static const char *lay_label(const char *text, size_t length, const char *ours, unsigned char **at)
{
    char *copy = (char *)*at;
    if (text == NULL) {
        return ours;
    }
    memcpy(copy, text, length + 1);
    *at += length + 1;
    return copy;
}

liminal_status limi_envelope_lay(const limi_envelope_plan *plan, size_t room, liminal_envelope **out)
{
    size_t block = sizeof(liminal_envelope);
    liminal_envelope *envelope;
    unsigned char *at;

    block += plan->schema != NULL ? plan->schema_length + 1 : 0;
    block += plan->publisher != NULL ? plan->publisher_length + 1 : 0;
    if (room > SIZE_MAX - block) {
        return limi_envelope_too_large(room);
    }
    block += room;
    envelope = limi_allocate_raw(&plan->allocator, block);
    if (envelope == NULL) {
        return LIMINAL_ENOMEM;
    }
    envelope->allocator = plan->allocator;
    envelope->block = block;
    envelope->release = NULL;
    limi_refcount_init(&envelope->owners);
    at = envelope->room + room;
    envelope->facts.schema = lay_label(plan->schema, plan->schema_length, limi_no_schema, &at);
    envelope->facts.publisher = lay_label(plan->publisher, plan->publisher_length, limi_anonymous, &at);
    *out = envelope;
    return LIMINAL_OK;
}

liminal_status limi_envelope_too_large(size_t room)
{
    return limi_detail(LIMINAL_EINVAL, "size: %zu bytes of payload overflow", room);
}

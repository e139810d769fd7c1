/* SPDX-License-Identifier: MIT */
/* envelope.c -- an immutable, reference-counted message: reading, counting, laying out. */
#include "envelope.h"

#include "config.h"
#include "detail.h"
#include "memory.h"
#include "text.h"

#include <string.h>

_Static_assert(sizeof(liminal_envelope) == offsetof(liminal_envelope, room), "a payload begins where the struct ends");

static const char no_schema[] = "";
static const char anonymous[] = "anonymous";

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
    if (envelope != NULL) {
        limi_refcount_up(&mutable(envelope)->owners);
    }
    return mutable(envelope);
}

void limi_envelope_unref(const liminal_envelope *envelope)
{
    liminal_envelope *next = mutable(envelope);
    /* The last owner of an envelope owns its cause in turn: a chain is let go link by link, not by
     * recursion, because nothing bounds its length. */
    while (next != NULL && limi_refcount_down(&next->owners)) {
        liminal_envelope *dead = next;
        liminal_allocator allocator = dead->allocator;
        next = mutable(dead->facts.cause);
        if (dead->release != NULL) {
            dead->release(dead->release_context, dead->data, dead->size);
        }
        limi_release(&allocator, dead, dead->block);
    }
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

liminal_status limi_envelope_plan_take(limi_envelope_plan *plan, const liminal_envelope_options *options)
{
    liminal_envelope_options mine = {0};
    liminal_status st = LIMINAL_OK;

    memset(plan, 0, sizeof *plan);
    plan->facts.schema = no_schema;
    plan->facts.publisher = anonymous;
    plan->publisher_length = sizeof anonymous - 1;
    if (options != NULL) {
        st = limi_table_take(&mine, sizeof mine, LIMI_LEAST(liminal_envelope_options, trace), options, "options");
    }
    if (st == LIMINAL_OK) {
        st = limi_allocator_take(&plan->allocator, mine.allocator);
    }
    if (st == LIMINAL_OK) {
        st = take_label(mine.schema, "options.schema", &plan->facts.schema, &plan->schema_length);
    }
    if (st == LIMINAL_OK) {
        st = take_label(mine.publisher, "options.publisher", &plan->facts.publisher, &plan->publisher_length);
    }
    if (st == LIMINAL_OK && mine.trace != NULL && !liminal_trace_valid(mine.trace)) {
        st = limi_detail(LIMINAL_EINVAL, "options.trace: an id is all zero");
    }
    if (st != LIMINAL_OK) {
        return st;
    }
    plan->facts.cause = mine.cause;
    plan->facts.deadline = mine.deadline.ns != 0 ? mine.deadline : (liminal_deadline){INT64_MAX};
    if (mine.trace != NULL) {
        plan->facts.trace = *mine.trace;
    }
    return LIMINAL_OK;
}

/* Copy a text to *at and step over it; one of our own needs no copy. */
static const char *lay_label(const char *text, size_t length, const char *ours, unsigned char **at)
{
    char *copy = (char *)*at;
    if (text == ours) {
        return ours;
    }
    memcpy(copy, text, length + 1);
    *at += length + 1;
    return copy;
}

liminal_status limi_envelope_lay(const limi_envelope_plan *plan, size_t room, liminal_envelope **out)
{
    size_t fixed = sizeof(liminal_envelope);
    liminal_envelope *envelope;
    unsigned char *at;

    fixed += plan->facts.schema != no_schema ? plan->schema_length + 1 : 0;
    fixed += plan->facts.publisher != anonymous ? plan->publisher_length + 1 : 0;
    if (room > SIZE_MAX - fixed) {
        return limi_detail(LIMINAL_EINVAL, "size: %zu bytes of payload overflow", room);
    }
    envelope = limi_allocate(&plan->allocator, fixed + room);
    if (envelope == NULL) {
        return LIMINAL_ENOMEM;
    }
    at = envelope->room + room;
    envelope->allocator = plan->allocator;
    envelope->block = fixed + room;
    limi_refcount_init(&envelope->owners);
    envelope->facts = plan->facts;
    envelope->facts.schema = lay_label(plan->facts.schema, plan->schema_length, no_schema, &at);
    envelope->facts.publisher = lay_label(plan->facts.publisher, plan->publisher_length, anonymous, &at);
    (void)liminal_envelope_ref(plan->facts.cause);
    *out = envelope;
    return LIMINAL_OK;
}

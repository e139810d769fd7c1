/* SPDX-License-Identifier: MIT */
/* test_message.c -- a payload pointer and the context it belongs to. */
#include "support/harness.h"

#include <liminal/message.h>

static const liminal_trace_context none;
static const liminal_trace_context current = {.trace_id = {7}, .span_id = {8}, .flags = 1};

static void assert_context(liminal_trace_context context, const liminal_trace_context *wanted)
{
    assert_true(liminal_trace_equal(&context, wanted));
}

static liminal_span *start(void)
{
    liminal_span_options options = {LIMINAL_OPS(liminal_span_options), .allocator = test_allocator()};
    liminal_span *span = NULL;
    assert_int_equal(liminal_span_start("work", &options, &span), LIMINAL_OK);
    return span;
}

static void made_under_a_span(void **state)
{
    int payload = 5;
    liminal_span_entry entry = liminal_span_enter(&current);
    liminal_span *span = start();
    liminal_trace_context context = liminal_span_context(span);
    liminal_message message = liminal_message_make(&payload, span), copy;
    (void)state;
    assert_ptr_equal(message.payload, &payload);
    assert_context(message.context, &context); /* the span's own, not the current one */
    assert_int_equal(test_allocations(), 1);   /* the span: a message is a value */
    liminal_span_drop(&span);
    copy = message; /* it does not depend on the span any more */
    assert_context(copy.context, &context);
    assert_int_equal(payload, 5);
    liminal_span_leave(entry);
}

static void made_without_a_span(void **state)
{
    int payload = 5;
    liminal_message message = liminal_message_make(&payload, NULL);
    liminal_span_entry entry;
    (void)state;
    assert_ptr_equal(message.payload, &payload);
    assert_context(message.context, &none);
    entry = liminal_span_enter(&current);
    message = liminal_message_make(NULL, NULL);
    assert_null(message.payload);
    assert_context(message.context, &current);
    liminal_span_leave(entry);
    assert_context(message.context, &current);
}

typedef struct mapper {
    size_t calls;
    void *seen;
    void *made;
} mapper;

static void *map(void *self, void *payload)
{
    mapper *m = self;
    m->calls++;
    m->seen = payload;
    return m->made;
}

static void mapping_keeps_the_context(void **state)
{
    int before = 1, after = 2;
    liminal_span *span = start();
    liminal_trace_context context = liminal_span_context(span);
    liminal_message message = liminal_message_make(&before, span), mapped;
    mapper m = {0, NULL, &after};
    liminal_span_entry entry = liminal_span_enter(&current); /* which is not the message's */
    (void)state;
    mapped = liminal_message_map(message, map, &m);
    assert_int_equal(m.calls, 1);
    assert_ptr_equal(m.seen, &before);
    assert_ptr_equal(mapped.payload, &after);
    assert_context(mapped.context, &context);
    assert_ptr_equal(message.payload, &before); /* a value: the old one is as it was */
    assert_int_equal(before, 1);

    m.made = NULL; /* a payload may be NULL, going in and coming out */
    mapped = liminal_message_map(mapped, map, &m);
    assert_ptr_equal(m.seen, &after);
    assert_null(mapped.payload);
    m.made = &before;
    mapped = liminal_message_map(mapped, map, &m);
    assert_null(m.seen);
    assert_ptr_equal(mapped.payload, &before);
    assert_context(mapped.context, &context);
    assert_int_equal(m.calls, 3);
    liminal_span_leave(entry);
    liminal_span_drop(&span);
}

static void without_a_map_nothing_changes(void **state)
{
    int payload = 5;
    liminal_message message = {&payload, current}, mapped = liminal_message_map(message, NULL, &payload);
    (void)state;
    assert_ptr_equal(mapped.payload, &payload);
    assert_context(mapped.context, &current);
    assert_int_equal(payload, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(made_under_a_span),
        TEST(made_without_a_span),
        TEST(mapping_keeps_the_context),
        TEST(without_a_map_nothing_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

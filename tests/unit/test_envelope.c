/* SPDX-License-Identifier: MIT */
/* test_envelope.c -- making, reading, counting and chaining envelopes. */
#include "support/harness.h"

#include "scope.h"

#include <liminal/envelope.h>

#include <stdlib.h>
#include <string.h>
#include <wchar.h>

#define BIG ((size_t)LESS(64) * 1024 * 1024)

static const liminal_trace_context some_trace = {.trace_id = {1}, .span_id = {2}, .flags = 1};

static liminal_envelope_options counted(void)
{
    return (liminal_envelope_options){LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
}

static liminal_envelope *make(const void *data, size_t size, liminal_envelope *cause)
{
    liminal_envelope_options options = counted();
    liminal_envelope *envelope = NULL;
    options.cause = cause;
    assert_int_equal(liminal_envelope_create(data, size, &options, &envelope), LIMINAL_OK);
    return envelope;
}

/* ---- create ----------------------------------------------------------------------------------- */

static void create_copies(void **state)
{
    char bytes[] = {'a', 0, 'b', 0, 0};
    liminal_envelope *envelope = make(bytes, 4, NULL);
    (void)state;
    memset(bytes, 'x', sizeof bytes);
    assert_int_equal(liminal_envelope_size(envelope), 4);
    assert_memory_equal(liminal_envelope_data(envelope), "a\0b\0", 5);
    assert_ptr_equal(liminal_envelope_text(envelope), liminal_envelope_data(envelope));
    assert_int_equal((uintptr_t)liminal_envelope_data(envelope) % _Alignof(max_align_t), 0);
    assert_int_equal(test_allocations(), 1);
    liminal_envelope_drop(&envelope);
    assert_null(envelope);
    assert_int_equal(test_blocks(), 0);
}

static void create_empty(void **state)
{
    liminal_envelope *envelope = make(NULL, 0, NULL);
    (void)state;
    assert_int_equal(liminal_envelope_size(envelope), 0);
    assert_string_equal(liminal_envelope_text(envelope), "");
    liminal_envelope_drop(&envelope);
    envelope = make("ignored", 0, NULL);
    assert_string_equal(liminal_envelope_text(envelope), "");
    liminal_envelope_drop(&envelope);
}

static void create_many_mib(void **state)
{
    unsigned char *bytes = malloc(BIG);
    liminal_envelope *envelope;
    (void)state;
    for (size_t i = 0; i < BIG; i++) {
        bytes[i] = (unsigned char)(i % 251);
    }
    envelope = make(bytes, BIG, NULL);
    assert_int_equal(liminal_envelope_size(envelope), BIG);
    assert_true(memcmp(liminal_envelope_data(envelope), bytes, BIG) == 0);
    assert_int_equal(liminal_envelope_text(envelope)[BIG], 0);
    liminal_envelope_drop(&envelope);
    free(bytes);
}

static void create_refuses(void **state)
{
    liminal_envelope_options options = counted();
    liminal_envelope *envelope = NULL;
    (void)state;
    assert_int_equal(liminal_envelope_create("a", 1, &options, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    assert_int_equal(liminal_envelope_create(NULL, 1, &options, &envelope), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "data: NULL with a size of 1");
    /* The sum overflows at each of its parts; nothing is read and nothing allocated. */
    options.schema = "a/b";
    for (size_t less = 0; less < 150; less++) {
        assert_int_equal(liminal_envelope_create("a", SIZE_MAX - less, &options, &envelope), LIMINAL_EINVAL);
        assert_memory_equal(liminal_status_detail(), "size: ", 6);
    }
    assert_null(envelope);
    assert_int_equal(test_allocations(), 0);
}

static void without_memory(void **state)
{
    liminal_envelope_options options = counted();
    liminal_envelope *cause = make("cause", 5, NULL);
    liminal_envelope *envelope = NULL;
    char buffer[] = "mine";
    void *data = buffer;
    (void)state;
    options.cause = cause;
    test_fail_nth(1);
    assert_int_equal(liminal_envelope_create("a", 1, &options, &envelope), LIMINAL_ENOMEM);
    assert_string_not_equal(liminal_status_detail(), "");
    test_fail_nth(1);
    assert_int_equal(liminal_envelope_adopt(&data, 4, NULL, NULL, &options, &envelope), LIMINAL_ENOMEM);
    assert_null(envelope);
    assert_ptr_equal(data, buffer);
    assert_int_equal(test_blocks(), 1);
    test_fail_nth(2); /* there is no second one */
    assert_int_equal(liminal_envelope_create("a", 1, &options, &envelope), LIMINAL_OK);
    test_fail_nth(0);
    liminal_envelope_drop(&envelope);
    liminal_envelope_drop(&cause);
}

/* ---- options and facts ------------------------------------------------------------------------ */

static void facts_by_default(void **state)
{
    static const liminal_uuid none;
    liminal_time before = liminal_time_now();
    liminal_envelope *envelope = NULL, *other = make("b", 1, NULL);
    liminal_envelope_facts facts;
    (void)state;
    assert_int_equal(liminal_envelope_create("a", 1, NULL, &envelope), LIMINAL_OK);
    facts = liminal_envelope_read(envelope);
    assert_null(facts.cause);
    assert_string_equal(facts.schema, "");
    assert_string_equal(facts.publisher, "anonymous");
    assert_int_equal(facts.deadline.ns, INT64_MAX);
    assert_true(facts.created.unix_ns >= before.unix_ns && facts.created.unix_ns <= liminal_time_now().unix_ns);
    assert_true(liminal_trace_valid(&facts.trace));
    assert_memory_not_equal(facts.id.bytes, none.bytes, sizeof none.bytes);
    assert_memory_not_equal(facts.id.bytes, liminal_envelope_read(other).id.bytes, sizeof none.bytes);
    assert_memory_not_equal(facts.trace.trace_id, liminal_envelope_read(other).trace.trace_id, 16);
    liminal_envelope_drop(&envelope);
    liminal_envelope_drop(&other);
}

static void facts_as_given(void **state)
{
    char schema[] = "text/plain", publisher[256];
    liminal_envelope *cause = make("cause", 5, NULL), *envelope = NULL;
    liminal_envelope_options options = counted();
    liminal_envelope_facts facts;
    (void)state;
    memset(publisher, 'p', 255);
    publisher[255] = 0;
    options.cause = cause;
    options.schema = schema;
    options.publisher = publisher;
    options.deadline = (liminal_deadline){123};
    options.trace = &some_trace;
    assert_int_equal(liminal_envelope_create("a", 1, &options, &envelope), LIMINAL_OK);
    assert_int_equal(test_allocations(), 2);
    memset(schema, 'x', 4);
    memset(publisher, 'x', 255);
    facts = liminal_envelope_read(envelope);
    assert_ptr_equal(facts.cause, cause);
    assert_string_equal(facts.schema, "text/plain");
    assert_int_equal(strlen(facts.publisher), 255);
    assert_int_equal(strspn(facts.publisher, "p"), 255);
    assert_int_equal(facts.deadline.ns, 123);
    assert_true(liminal_trace_equal(&facts.trace, &some_trace));
    assert_string_equal(liminal_envelope_text(envelope), "a");
    liminal_envelope_drop(&cause); /* the envelope holds it still */
    assert_int_equal(test_blocks(), 2);
    assert_string_equal(liminal_envelope_text(facts.cause), "cause");
    liminal_envelope_drop(&envelope);
}

static void empty_labels_are_kept(void **state)
{
    liminal_envelope_options options = counted();
    liminal_envelope *envelope = NULL;
    (void)state;
    options.schema = "";
    options.publisher = "";
    options.deadline = liminal_deadline_passed();
    assert_int_equal(liminal_envelope_create("a", 1, &options, &envelope), LIMINAL_OK);
    assert_string_equal(liminal_envelope_read(envelope).schema, "");
    assert_string_equal(liminal_envelope_read(envelope).publisher, "");
    assert_int_equal(liminal_envelope_read(envelope).deadline.ns, INT64_MIN);
    liminal_envelope_drop(&envelope);
}

static void refused(const liminal_envelope_options *options, const char *detail)
{
    liminal_envelope *envelope = NULL;
    char buffer[] = "mine";
    void *data = buffer;
    assert_int_equal(liminal_envelope_create("a", 1, options, &envelope), LIMINAL_EINVAL);
    assert_memory_equal(liminal_status_detail(), detail, strlen(detail));
    assert_int_equal(liminal_envelope_adopt(&data, 4, NULL, NULL, options, &envelope), LIMINAL_EINVAL);
    assert_ptr_equal(data, buffer);
    assert_null(envelope);
    assert_int_equal(test_allocations(), 0);
}

static void bad_options(void **state)
{
    liminal_trace_context no_span = {.trace_id = {1}}, no_trace = {.span_id = {1}};
    liminal_allocator half = *test_allocator();
    liminal_envelope_options options;
    char label[257];
    (void)state;
    memset(label, 'x', 256);
    label[256] = 0;

    options = counted(), options.size = 0;
    refused(&options, "options: size 0");
    options = counted(), options.size = sizeof options - sizeof(void *);
    refused(&options, "options: size");
    options = counted(), options.size = sizeof options + 1;
    refused(&options, "options: size");
    options = counted(), options.schema = label;
    refused(&options, "options.schema: longer");
    options = counted(), options.publisher = label;
    refused(&options, "options.publisher: longer");
    options = counted(), options.schema = "\xC0\x80";
    refused(&options, "options.schema: not UTF-8");
    options = counted(), options.publisher = "a\xED\xA0\x80";
    refused(&options, "options.publisher: not UTF-8 at byte 1");
    options = counted(), options.trace = &no_span;
    refused(&options, "options.trace");
    options = counted(), options.trace = &no_trace;
    refused(&options, "options.trace");
    options = counted(), options.allocator = &half;
    half.release = NULL;
    refused(&options, "allocator");
    half = *test_allocator(), half.allocate = NULL;
    refused(&options, "allocator");
    half = *test_allocator(), half.size = 3;
    refused(&options, "allocator");
}

static void the_scope_supplies_cause_and_trace(void **state)
{
    liminal_envelope *request = make("request", 7, NULL), *other = make("other", 5, NULL);
    liminal_envelope *first = NULL, *second = NULL;
    liminal_envelope_options options = counted();
    limi_scope *scope = limi_scope_here();
    liminal_trace_context outer = {.trace_id = {9}, .span_id = {9}, .flags = 3}, got;
    (void)state;
    scope->request = request;
    scope->trace = outer;
    assert_int_equal(liminal_envelope_printf(&first, "reply"), LIMINAL_OK);
    options.cause = other;
    options.trace = &some_trace;
    assert_int_equal(liminal_envelope_create("a", 1, &options, &second), LIMINAL_OK);
    scope->request = NULL;
    scope->trace = (liminal_trace_context){0};
    assert_ptr_equal(liminal_envelope_read(first).cause, request);
    got = liminal_envelope_read(first).trace;
    assert_true(liminal_trace_equal(&got, &outer));
    assert_ptr_equal(liminal_envelope_read(second).cause, other);
    assert_memory_equal(liminal_envelope_read(second).trace.trace_id, some_trace.trace_id, 16);
    liminal_envelope_drop(&request); /* a reference was added to each */
    liminal_envelope_drop(&other);
    assert_string_equal(liminal_envelope_text(liminal_envelope_read(first).cause), "request");
    liminal_envelope_drop(&first);
    liminal_envelope_drop(&second);
}

/* ---- adopt ------------------------------------------------------------------------------------ */

typedef struct released {
    int times;
    void *data;
    size_t size;
} released;

static void note_release(void *context, void *data, size_t size)
{
    released *seen = context;
    seen->times++;
    seen->data = data;
    seen->size = size;
}

static void adopt_takes_and_releases_once(void **state)
{
    char buffer[] = "pay\0load";
    void *data = buffer;
    released seen = {0};
    liminal_envelope_options options = counted();
    liminal_envelope *envelope = NULL, *second;
    (void)state;
    assert_int_equal(liminal_envelope_adopt(&data, 8, note_release, &seen, &options, &envelope), LIMINAL_OK);
    assert_null(data);
    assert_int_equal(test_allocations(), 1);
    assert_ptr_equal(liminal_envelope_data(envelope), buffer);
    assert_int_equal(liminal_envelope_size(envelope), 8);
    second = liminal_envelope_ref(envelope);
    assert_ptr_equal(second, envelope);
    liminal_envelope_drop(&envelope);
    assert_int_equal(seen.times, 0);
    liminal_envelope_drop(&second);
    assert_int_equal(seen.times, 1);
    assert_ptr_equal(seen.data, buffer);
    assert_int_equal(seen.size, 8);
}

static void adopt_what_nobody_releases(void **state)
{
    static char buffer[] = "";
    void *data = buffer;
    liminal_envelope *envelope = NULL;
    (void)state;
    assert_int_equal(liminal_envelope_adopt(&data, 0, NULL, NULL, NULL, &envelope), LIMINAL_OK);
    assert_ptr_equal(liminal_envelope_data(envelope), buffer);
    assert_int_equal(liminal_envelope_size(envelope), 0);
    liminal_envelope_drop(&envelope);
}

static void adopt_without_options_releases_once(void **state)
{
    static char buffer[] = "payload";
    void *data = buffer;
    released seen = {0};
    liminal_envelope *envelope = NULL;
    (void)state;
    assert_int_equal(liminal_envelope_adopt(&data, 7, note_release, &seen, NULL, &envelope), LIMINAL_OK);
    assert_int_equal(seen.times, 0);
    liminal_envelope_drop(&envelope);
    assert_int_equal(seen.times, 1);
    assert_ptr_equal(seen.data, buffer);
    assert_int_equal(seen.size, 7);
}

static void adopt_refuses(void **state)
{
    char buffer[] = "open!";
    void *data = buffer, *nothing = NULL;
    released seen = {0};
    liminal_envelope *envelope = NULL;
    (void)state;
    assert_int_equal(liminal_envelope_adopt(&data, 4, note_release, &seen, NULL, &envelope), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "data: no zero byte behind its 4 bytes");
    assert_int_equal(liminal_envelope_adopt(&data, SIZE_MAX, note_release, &seen, NULL, &envelope), LIMINAL_EINVAL);
    assert_int_equal(liminal_envelope_adopt(&nothing, 0, note_release, &seen, NULL, &envelope), LIMINAL_EINVAL);
    assert_int_equal(liminal_envelope_adopt(NULL, 0, note_release, &seen, NULL, &envelope), LIMINAL_EINVAL);
    assert_int_equal(liminal_envelope_adopt(&data, 5, note_release, &seen, NULL, NULL), LIMINAL_EINVAL);
    assert_ptr_equal(data, buffer);
    assert_null(envelope);
    assert_int_equal(seen.times, 0);
}

/* ---- printf ----------------------------------------------------------------------------------- */

static liminal_status format(liminal_envelope **out, const liminal_envelope_options *options, const char *text, ...)
{
    va_list arguments;
    liminal_status st;
    va_start(arguments, text);
    st = liminal_envelope_vprintf(out, options, text, arguments);
    va_end(arguments);
    return st;
}

static void formats(void **state)
{
    liminal_envelope_options options = counted();
    liminal_envelope *envelope = NULL;
    (void)state;
    assert_int_equal(liminal_envelope_printf(&envelope, "%d %s", 7, "seas"), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(envelope), "7 seas");
    assert_int_equal(liminal_envelope_size(envelope), 6);
    liminal_envelope_drop(&envelope);
    options.schema = "text/plain";
    options.publisher = "me";
    assert_int_equal(format(&envelope, &options, "%s", ""), LIMINAL_OK);
    assert_int_equal(test_allocations(), 1);
    assert_int_equal(liminal_envelope_size(envelope), 0);
    assert_string_equal(liminal_envelope_text(envelope), "");
    assert_string_equal(liminal_envelope_read(envelope).schema, "text/plain");
    assert_string_equal(liminal_envelope_read(envelope).publisher, "me");
    liminal_envelope_drop(&envelope);
    assert_int_equal(format(&envelope, &options, "a%cb", 0), LIMINAL_OK);
    assert_int_equal(liminal_envelope_size(envelope), 3);
    assert_memory_equal(liminal_envelope_data(envelope), "a\0b", 4);
    liminal_envelope_drop(&envelope);
    assert_int_equal(format(&envelope, &options, "%*d", 100000, 5), LIMINAL_OK);
    assert_int_equal(liminal_envelope_size(envelope), 100000);
    assert_string_equal(liminal_envelope_text(envelope) + 99998, " 5");
    assert_int_equal(test_allocations(), 3);
    liminal_envelope_drop(&envelope);
}

static void formats_that_fail(void **state)
{
    static const wchar_t no_character[] = {0x7FFFFFFF, 0}; /* in no encoding */
    liminal_envelope_options options = counted();
    liminal_envelope *envelope = NULL;
    (void)state;
    assert_int_equal(format(NULL, &options, "a"), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    assert_int_equal(format(&envelope, &options, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "format: NULL");
    assert_int_equal(format(&envelope, &options, "a%ls", no_character), LIMINAL_EINVAL);
    assert_memory_equal(liminal_status_detail(), "format: ", 8);
    test_fail_nth(1);
    assert_int_equal(format(&envelope, &options, "a"), LIMINAL_ENOMEM);
    assert_null(envelope);
}

/* ---- chains, counts, NULL --------------------------------------------------------------------- */

static void follows(void **state)
{
    liminal_envelope *a = make("a", 1, NULL), *b = make("b", 1, a), *c = make("c", 1, b), *d = make("d", 1, a);
    (void)state;
    assert_true(liminal_envelope_follows(b, a));
    assert_true(liminal_envelope_follows(c, a));
    assert_true(liminal_envelope_follows(c, b));
    assert_true(liminal_envelope_follows(d, a));
    assert_false(liminal_envelope_follows(d, b));
    assert_false(liminal_envelope_follows(a, b));
    assert_false(liminal_envelope_follows(a, c));
    assert_false(liminal_envelope_follows(a, a));
    assert_false(liminal_envelope_follows(c, c));
    assert_false(liminal_envelope_follows(NULL, a));
    assert_false(liminal_envelope_follows(a, NULL));
    assert_false(liminal_envelope_follows(NULL, NULL));
    liminal_envelope_drop(&a);
    liminal_envelope_drop(&b);
    assert_int_equal(test_blocks(), 4);
    liminal_envelope_drop(&c); /* takes b along, but not a, which d holds */
    assert_int_equal(test_blocks(), 2);
    liminal_envelope_drop(&d);
}

/* A recursion as deep as this would leave the stack. */
static void a_chain_of_a_million(void **state)
{
    enum { MANY = LESS(1000000) };
    liminal_envelope *first = make("0", 1, NULL), *last = liminal_envelope_ref(first);
    (void)state;
    for (int i = 1; i < MANY; i++) {
        liminal_envelope *next = make("n", 1, last);
        liminal_envelope_drop(&last);
        last = next;
    }
    assert_true(liminal_envelope_follows(last, first));
    assert_int_equal(test_blocks(), MANY);
    liminal_envelope_drop(&first);
    assert_int_equal(test_blocks(), MANY);
    liminal_envelope_drop(&last);
    assert_int_equal(test_blocks(), 0);
}

static void null_is_welcome(void **state)
{
    static const liminal_uuid none;
    liminal_envelope *nobody = NULL;
    liminal_envelope_facts facts = liminal_envelope_read(NULL);
    (void)state;
    assert_string_equal(liminal_envelope_data(NULL), "");
    assert_string_equal(liminal_envelope_text(NULL), "");
    assert_int_equal(liminal_envelope_size(NULL), 0);
    assert_null(liminal_envelope_ref(NULL));
    liminal_envelope_drop(NULL);
    liminal_envelope_drop(&nobody);
    assert_memory_equal(facts.id.bytes, none.bytes, sizeof none.bytes);
    assert_null(facts.cause);
    assert_string_equal(facts.schema, "");
    assert_string_equal(facts.publisher, "");
    assert_int_equal(facts.created.unix_ns, 0);
    assert_int_equal(facts.deadline.ns, 0);
    assert_false(liminal_trace_valid(&facts.trace));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(create_copies),
        TEST(create_empty),
        TEST(create_many_mib),
        TEST(create_refuses),
        TEST(without_memory),
        TEST(facts_by_default),
        TEST(facts_as_given),
        TEST(empty_labels_are_kept),
        TEST(bad_options),
        TEST(the_scope_supplies_cause_and_trace),
        TEST(adopt_takes_and_releases_once),
        TEST(adopt_what_nobody_releases),
        TEST(adopt_without_options_releases_once),
        TEST(adopt_refuses),
        TEST(formats),
        TEST(formats_that_fail),
        TEST(follows),
        TEST(a_chain_of_a_million),
        TEST(null_is_welcome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

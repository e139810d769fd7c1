/* SPDX-License-Identifier: MIT */
/* test_span.c -- spans, their collector, and the context a thread is working in. That of several threads
 * that finish one span exactly one succeeds is in tests/race/. */
#include "support/harness.h"

#include <liminal/span.h>

#include <stdlib.h>
#include <string.h>

static const liminal_trace_context none;
static const liminal_trace_context remote = {
    .trace_id = {0xaa, 1, 2, 3}, .span_id = {0xbb, 4, 5}, .flags = LIMINAL_TRACE_SAMPLED};

/* A copy of what a collector was given. */
typedef struct note {
    size_t count;
    char name[256];
    liminal_finished_span last;
} note;

static void collect(void *context, const liminal_finished_span *span)
{
    note *to = context;
    to->count++;
    to->last = *span;
    (void)test_check(strlen(span->name) < sizeof to->name);
    memcpy(to->name, span->name, strlen(span->name) + 1);
    to->last.name = to->name;
}

static liminal_span_options counted(void)
{
    return (liminal_span_options){LIMINAL_OPS(liminal_span_options), .allocator = test_allocator()};
}

static liminal_collector into(note *to)
{
    *to = (note){0};
    return (liminal_collector){LIMINAL_OPS(liminal_collector), .context = to, .collect = collect};
}

static liminal_span *start(const char *name, const liminal_span_options *options)
{
    liminal_span_options plain = counted();
    liminal_span *span = NULL;
    assert_int_equal(liminal_span_start(name, options != NULL ? options : &plain, &span), LIMINAL_OK);
    assert_non_null(span);
    return span;
}

static liminal_span *child_of(const liminal_span *parent, const char *name)
{
    liminal_span *span = NULL;
    assert_int_equal(liminal_span_child(parent, name, &span), LIMINAL_OK);
    assert_non_null(span);
    return span;
}

static void assert_context(liminal_trace_context context, const liminal_trace_context *wanted)
{
    if (!liminal_trace_equal(&context, wanted)) {
        fail_msg("%s, not %s", liminal_trace_format(&context).text, liminal_trace_format(wanted).text);
    }
}

/* A new span id in the trace of `parent`. */
static void assert_under(const liminal_span *span, const liminal_trace_context *parent)
{
    liminal_trace_context context = liminal_span_context(span);
    assert_true(liminal_trace_valid(&context));
    assert_memory_equal(context.trace_id, parent->trace_id, 16);
    assert_memory_not_equal(context.span_id, parent->span_id, 8);
    assert_int_equal(context.flags, parent->flags & 3);
    assert_context(liminal_span_parent(span), parent);
}

/* ---- starting --------------------------------------------------------------------------------- */

static void a_root(void **state)
{
    char name[] = "root";
    liminal_span *span = start(name, NULL), *other = start(name, NULL);
    liminal_trace_context context = liminal_span_context(span), another = liminal_span_context(other);
    (void)state;
    memset(name, 'x', 4);
    assert_string_equal(liminal_span_name(span), "root");
    assert_true(liminal_trace_valid(&context));
    assert_int_equal(context.flags, LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM);
    assert_context(liminal_span_parent(span), &none);
    assert_memory_not_equal(context.trace_id, another.trace_id, 16);
    assert_memory_not_equal(context.span_id, another.span_id, 8);
    assert_int_equal(test_blocks(), 2);
    liminal_span_drop(&span);
    liminal_span_drop(&other);
    assert_null(span);
    assert_int_equal(test_blocks(), 0);

    assert_int_equal(liminal_span_start("default options", NULL, &span), LIMINAL_OK);
    assert_int_equal(test_blocks(), 0);
    assert_context(liminal_span_parent(span), &none);
    assert_int_equal(liminal_span_finish(span, LIMINAL_OK, NULL), LIMINAL_OK);
    liminal_span_drop(&span);
}

static void a_child_stands_alone(void **state)
{
    note seen;
    liminal_collector collector = into(&seen);
    liminal_span_options options = counted();
    liminal_span *root, *child, *grandchild;
    liminal_trace_context top, middle;
    (void)state;
    options.collector = &collector;
    root = start("root", &options);
    memset(&collector, 0xee, sizeof collector); /* it was copied */
    top = liminal_span_context(root);
    child = child_of(root, "child");
    assert_under(child, &top);
    middle = liminal_span_context(child);
    liminal_span_drop(&root);
    grandchild = child_of(child, "grandchild");
    assert_under(grandchild, &middle);
    assert_int_equal(test_blocks(), 2); /* the parent's allocator */
    liminal_span_drop(&child);
    assert_int_equal(liminal_span_finish(grandchild, LIMINAL_OK, NULL), LIMINAL_OK);
    assert_int_equal(seen.count, 1); /* the parent's collector */
    assert_string_equal(seen.name, "grandchild");
    liminal_span_drop(&grandchild);
}

static void a_remote_parent(void **state)
{
    liminal_span_options options = counted();
    liminal_trace_context strange = remote, given;
    liminal_span_entry entry = liminal_span_enter(&(liminal_trace_context){.trace_id = {1}, .span_id = {1}});
    liminal_span *span;
    (void)state;
    given = remote;
    options.parent = &given;
    span = start("under a remote one", &options); /* it wins over the current one */
    given = none;                                 /* it was copied */
    assert_under(span, &remote);
    liminal_span_drop(&span);

    strange.flags = 0xfe; /* what nobody knows is not passed on */
    options.parent = &strange;
    span = start("under a strange one", &options);
    assert_under(span, &strange);
    assert_int_equal(liminal_span_context(span).flags, LIMINAL_TRACE_RANDOM);
    liminal_span_drop(&span);
    liminal_span_leave(entry);
}

static void the_current_context_is_the_parent(void **state)
{
    liminal_span_options options = counted();
    liminal_span_entry entry = liminal_span_enter(&remote);
    liminal_span *under = start("under the current one", &options), *root, *child;
    liminal_trace_context context = liminal_span_context(under);
    (void)state;
    assert_under(under, &remote);
    assert_context(liminal_span_current(), &remote); /* a start does not enter */
    options.root = true;
    root = start("a root all the same", &options);
    assert_context(liminal_span_parent(root), &none);
    assert_memory_not_equal(liminal_span_context(root).trace_id, remote.trace_id, 16);
    assert_int_equal(liminal_span_context(root).flags, 3);
    child = child_of(under, "the named parent wins");
    assert_under(child, &context);
    liminal_span_drop(&child);
    liminal_span_drop(&root);
    liminal_span_drop(&under);
    liminal_span_leave(entry);
}

static void refused_start(const char *name, const liminal_span_options *options, const char *detail)
{
    liminal_span *out = (liminal_span *)(uintptr_t)&none;
    size_t before = test_allocations();
    assert_int_equal(liminal_span_start(name, options, &out), LIMINAL_EINVAL);
    assert_ptr_equal(out, &none);
    assert_int_equal(test_allocations(), before);
    if (strncmp(liminal_status_detail(), detail, strlen(detail)) != 0) {
        fail_msg("\"%s\" does not begin with \"%s\"", liminal_status_detail(), detail);
    }
}

static void names_are_checked(void **state)
{
    static const char *const bad[] = {NULL, "", "\xff", "a\xc3"};
    liminal_span_options options = counted();
    liminal_span *span = start("parent", NULL), *child = NULL;
    char name[257] = "";
    (void)state;
    memset(name, 'n', 256);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        refused_start(bad[i], &options, "name: ");
        assert_int_equal(liminal_span_child(span, bad[i], &child), LIMINAL_EINVAL);
        assert_null(child);
    }
    refused_start(name, &options, "name: ");
    assert_int_equal(liminal_span_child(span, name, &child), LIMINAL_EINVAL);
    assert_int_equal(liminal_span_child(NULL, "child", &child), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "parent: NULL");
    assert_int_equal(liminal_span_child(span, "child", NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    assert_int_equal(liminal_span_start("name", &options, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    assert_null(child);
    child = child_of(span, name + 1); /* 255 */
    assert_string_equal(liminal_span_name(child), name + 1);
    liminal_span_drop(&child);
    liminal_span_drop(&span);
}

static void options_are_checked(void **state)
{
    note seen;
    liminal_collector collector = into(&seen);
    liminal_allocator allocator = *test_allocator();
    liminal_trace_context no_trace = {.span_id = {1}}, no_span = {.trace_id = {1}};
    liminal_span_options options = counted();
    (void)state;
    options.size = 0;
    refused_start("name", &options, "options: size 0 ");
    options.size = sizeof options + 1;
    refused_start("name", &options, "options: size ");
    options.size = sizeof options - 1;
    refused_start("name", &options, "options: size ");

    options = counted(), options.parent = &no_trace;
    refused_start("name", &options, "options.parent: ");
    options.parent = &no_span;
    refused_start("name", &options, "options.parent: ");
    options.parent = &remote, options.root = true;
    refused_start("name", &options, "options.parent: ");

    options = counted(), options.collector = &collector;
    collector.collect = NULL;
    refused_start("name", &options, "collector.collect: ");
    collector.size = 0;
    refused_start("name", &options, "collector: size 0 ");
    collector = into(&seen), collector.size++;
    refused_start("name", &options, "collector: size ");

    options = counted(), options.allocator = &allocator;
    allocator.release = NULL;
    refused_start("name", &options, "allocator: ");
    allocator = *test_allocator(), allocator.size = 0;
    refused_start("name", &options, "allocator: size 0 ");
}

static void out_of_memory(void **state)
{
    liminal_span *span = NULL, *child = NULL;
    liminal_span_options options = counted();
    liminal_status st;
    size_t n = 0;
    (void)state;
    do {
        test_fail_nth(++n);
        st = liminal_span_start("name", &options, &span);
        assert_true(st == LIMINAL_OK || (st == LIMINAL_ENOMEM && span == NULL && test_blocks() == 0));
    } while (st != LIMINAL_OK);
    test_fail_nth(0);
    assert_int_equal(n, 2); /* so there is one allocation, and it was refused once */
    n = 0;
    do {
        test_fail_nth(++n);
        st = liminal_span_child(span, "child", &child);
        assert_true(st == LIMINAL_OK || (st == LIMINAL_ENOMEM && child == NULL && test_blocks() == 1));
    } while (st != LIMINAL_OK);
    test_fail_nth(0);
    assert_int_equal(n, 2);
    liminal_span_drop(&child);
    liminal_span_drop(&span);
}

static void null_spans(void **state)
{
    liminal_span *span = NULL;
    (void)state;
    assert_string_equal(liminal_span_name(NULL), "");
    assert_context(liminal_span_context(NULL), &none);
    assert_context(liminal_span_parent(NULL), &none);
    liminal_span_drop(NULL);
    liminal_span_drop(&span);
    assert_int_equal(liminal_span_finish(NULL, LIMINAL_OK, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "span: NULL");
}

/* ---- finishing -------------------------------------------------------------------------------- */

static void finish_tells_all(void **state)
{
    note seen;
    liminal_collector collector = into(&seen);
    liminal_span_options options = counted();
    liminal_finished_span out;
    liminal_span *span;
    liminal_time wall_before, wall_after;
    int64_t a, b, c, d; /* a, start, b ... c, finish, d */
    (void)state;
    options.collector = &collector, options.parent = &remote;
    wall_before = liminal_time_now();
    a = test_now_ns();
    span = start("work", &options);
    b = test_now_ns();
    wall_after = liminal_time_now();
    do {
        c = test_now_ns();
    } while (c == b);
    assert_int_equal(seen.count, 0);
    assert_int_equal(liminal_span_finish(span, LIMINAL_ETIMEDOUT, &out), LIMINAL_OK);
    d = test_now_ns();

    assert_ptr_equal(out.name, liminal_span_name(span));
    assert_context(liminal_span_context(span), &out.context);
    assert_context(out.parent, &remote);
    assert_true(out.start.unix_ns >= wall_before.unix_ns && out.start.unix_ns <= wall_after.unix_ns);
    assert_true(out.duration_ns >= c - b && out.duration_ns <= d - a);
    assert_int_equal(out.status, LIMINAL_ETIMEDOUT);

    assert_int_equal(seen.count, 1);
    assert_string_equal(seen.name, "work");
    assert_context(seen.last.context, &out.context);
    assert_context(seen.last.parent, &remote);
    assert_true(seen.last.start.unix_ns == out.start.unix_ns);
    assert_true(seen.last.duration_ns == out.duration_ns);
    assert_int_equal(seen.last.status, LIMINAL_ETIMEDOUT);
    liminal_span_drop(&span);
    assert_int_equal(seen.count, 1); /* not again */
}

static void finish_only_once(void **state)
{
    note seen;
    liminal_collector collector = into(&seen);
    liminal_span_options options = counted();
    liminal_finished_span out, before;
    liminal_span *span, *child;
    (void)state;
    options.collector = &collector;
    span = start("once", &options);
    memset(&out, 0xee, sizeof out);
    before = out;
    assert_int_equal(liminal_span_finish(span, (liminal_status)999, &out), LIMINAL_EINVAL);
    assert_memory_equal(liminal_status_detail(), "outcome: ", 9);
    assert_int_equal(liminal_span_finish(span, (liminal_status)-1, &out), LIMINAL_EINVAL);
    assert_int_equal(seen.count, 0); /* and it is not finished */
    assert_int_equal(liminal_span_finish(span, LIMINAL_EFAILED, NULL), LIMINAL_OK);
    assert_int_equal(liminal_span_finish(span, LIMINAL_OK, &out), LIMINAL_EPHASE);
    assert_memory_equal(liminal_status_detail(), "span: ", 6);
    assert_memory_equal(&out, &before, sizeof out);
    assert_int_equal(liminal_span_finish(span, LIMINAL_OK, NULL), LIMINAL_EPHASE);
    assert_int_equal(seen.count, 1);
    assert_int_equal(seen.last.status, LIMINAL_EFAILED);

    child = child_of(span, "a finished parent is a parent"); /* and the child is not finished with it */
    assert_int_equal(liminal_span_finish(child, LIMINAL_OK, NULL), LIMINAL_OK);
    assert_int_equal(seen.count, 2);
    liminal_span_drop(&child);
    liminal_span_drop(&span);
}

static void every_outcome_is_kept(void **state)
{
#define LIMINAL_X(name, value, text) LIMINAL_##name,
    static const liminal_status all[] = {LIMINAL_STATUS_MAP(LIMINAL_X)};
#undef LIMINAL_X
    (void)state;
    assert_true(sizeof all / sizeof *all >= 14);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        liminal_span *span = start("name", NULL); /* without a collector */
        liminal_finished_span out;
        assert_int_equal(liminal_span_finish(span, all[i], &out), LIMINAL_OK);
        assert_int_equal(out.status, all[i]);
        liminal_span_drop(&span);
    }
}

static void an_unfinished_one_is_not_collected(void **state)
{
    note seen;
    liminal_collector collector = into(&seen);
    liminal_span_options options = counted();
    liminal_span *span, *child;
    (void)state;
    options.collector = &collector;
    span = start("name", &options);
    child = child_of(span, "child");
    liminal_span_drop(&child);
    liminal_span_drop(&span);
    assert_null(child);
    assert_null(span);
    assert_int_equal(seen.count, 0);
    assert_int_equal(test_blocks(), 0);
}

/* A collector may call the library: this one finishes one more span, and tries the same one again. */
typedef struct nested {
    note outer, inner;
    liminal_span *self;
    liminal_status again;
} nested;

static void collect_nested(void *context, const liminal_finished_span *span)
{
    nested *n = context;
    liminal_collector collector = into(&n->inner);
    liminal_span_options options = counted();
    liminal_span *more = NULL;
    collect(&n->outer, span);
    n->again = liminal_span_finish(n->self, LIMINAL_OK, NULL);
    options.collector = &collector;
    options.parent = &span->context;
    (void)test_check(liminal_span_start("inner", &options, &more) == LIMINAL_OK);
    (void)test_check(liminal_span_finish(more, LIMINAL_OK, NULL) == LIMINAL_OK);
    liminal_span_drop(&more);
}

static void a_collector_may_call_the_library(void **state)
{
    nested n = {.again = LIMINAL_OK};
    liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = &n, .collect = collect_nested};
    liminal_span_options options = counted();
    (void)state;
    options.collector = &collector;
    n.self = start("outer", &options);
    assert_int_equal(liminal_span_finish(n.self, LIMINAL_ECLOSED, NULL), LIMINAL_OK);
    assert_int_equal(n.again, LIMINAL_EPHASE);
    assert_int_equal(n.outer.count, 1);
    assert_int_equal(n.outer.last.status, LIMINAL_ECLOSED);
    assert_int_equal(n.inner.count, 1);
    assert_string_equal(n.inner.name, "inner");
    assert_context(n.inner.last.parent, &n.outer.last.context);
    liminal_span_drop(&n.self);
}

/* ---- the current context ---------------------------------------------------------------------- */

static void enters_nest(void **state)
{
    static const liminal_trace_context no_trace = {.span_id = {1}}, no_span = {.trace_id = {1}};
    const liminal_trace_context *const nothing[] = {NULL, &none, &no_trace, &no_span};
    liminal_trace_context a = {.trace_id = {1}, .span_id = {1}, .flags = 1}, b = {.trace_id = {2}, .span_id = {2}};
    liminal_span_entry outer, middle, inner;
    (void)state;
    assert_context(liminal_span_current(), &none);
    outer = liminal_span_enter(&a);
    assert_context(outer.previous, &none);
    assert_context(liminal_span_current(), &a);
    middle = liminal_span_enter(&b);
    assert_context(middle.previous, &a);
    assert_context(liminal_span_current(), &b);
    for (size_t i = 0; i < sizeof nothing / sizeof *nothing; i++) {
        inner = liminal_span_enter(nothing[i]);
        assert_context(inner.previous, &b);
        assert_context(liminal_span_current(), &none);
        liminal_span_leave(inner);
        assert_context(liminal_span_current(), &b);
    }
    inner = liminal_span_enter(&b); /* the same once more */
    liminal_span_leave(inner);
    assert_context(liminal_span_current(), &b);
    liminal_span_leave(middle);
    assert_context(liminal_span_current(), &a);
    b = a, a.flags = 0; /* what was entered is a copy */
    assert_context(liminal_span_current(), &b);
    liminal_span_leave(outer);
    assert_context(liminal_span_current(), &none);
}

typedef struct other {
    test_gate entered, look;
    liminal_trace_context before, after;
} other;

static void on_another_thread(void *argument)
{
    other *o = argument;
    liminal_trace_context mine = {.trace_id = {9}, .span_id = {9}};
    liminal_span_entry entry;
    o->before = liminal_span_current();
    entry = liminal_span_enter(&mine);
    test_gate_open(&o->entered);
    test_gate_wait(&o->look);
    o->after = liminal_span_current();
    liminal_span_leave(entry);
}

static void each_thread_has_its_own(void **state)
{
    liminal_span_entry entry = liminal_span_enter(&remote), inner;
    other o = {TEST_GATE_INIT, TEST_GATE_INIT, remote, none};
    liminal_trace_context mine = {.trace_id = {9}, .span_id = {9}};
    test_thread thread;
    (void)state;
    test_thread_start(&thread, on_another_thread, &o);
    test_gate_wait(&o.entered);
    assert_context(liminal_span_current(), &remote);
    inner = liminal_span_enter(NULL);
    test_gate_open(&o.look);
    test_thread_join(&thread);
    assert_context(o.before, &none);
    assert_context(o.after, &mine);
    liminal_span_leave(inner);
    liminal_span_leave(entry);
}

/* ---- ids -------------------------------------------------------------------------------------- */

static int by_span_id(const void *a, const void *b)
{
    return memcmp(((const liminal_trace_context *)a)->span_id, ((const liminal_trace_context *)b)->span_id, 8);
}

static int by_trace_id(const void *a, const void *b)
{
    return memcmp(((const liminal_trace_context *)a)->trace_id, ((const liminal_trace_context *)b)->trace_id, 16);
}

static void no_id_comes_twice(void **state)
{
    enum { COUNT = 10000 };
    liminal_trace_context *all = malloc(2 * COUNT * sizeof *all); /* roots, then children */
    (void)state;
    assert_non_null(all);
    for (size_t i = 0; i < COUNT; i++) {
        liminal_span *root = start("root", NULL), *child = child_of(root, "child");
        all[i] = liminal_span_context(root);
        all[COUNT + i] = liminal_span_context(child);
        assert_under(child, &all[i]);
        liminal_span_drop(&child);
        liminal_span_drop(&root);
    }
    qsort(all, COUNT, sizeof *all, by_trace_id);
    for (size_t i = 1; i < COUNT; i++) {
        assert_true(by_trace_id(&all[i - 1], &all[i]) < 0);
    }
    qsort(all, 2 * COUNT, sizeof *all, by_span_id);
    for (size_t i = 1; i < 2 * COUNT; i++) {
        assert_true(by_span_id(&all[i - 1], &all[i]) < 0);
    }
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_root),
                                       TEST(a_child_stands_alone),
                                       TEST(a_remote_parent),
                                       TEST(the_current_context_is_the_parent),
                                       TEST(names_are_checked),
                                       TEST(options_are_checked),
                                       TEST(out_of_memory),
                                       TEST(null_spans),
                                       TEST(finish_tells_all),
                                       TEST(finish_only_once),
                                       TEST(every_outcome_is_kept),
                                       TEST(an_unfinished_one_is_not_collected),
                                       TEST(a_collector_may_call_the_library),
                                       TEST(enters_nest),
                                       TEST(each_thread_has_its_own),
                                       TEST(no_id_comes_twice)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_options.c -- opening a supervisor: options, limits, stacks. */
#define _GNU_SOURCE

#include "supervisor_kit.h"

/* ---- options ---- */

static liminal_status open_with(const liminal_supervisor_options *options)
{
    liminal_supervisor *const before = (liminal_supervisor *)(void *)&parting;
    liminal_supervisor *out = before;
    liminal_status status = liminal_supervisor_open(options, &out);
    if (status != LIMINAL_OK) {
        assert_ptr_equal(out, before);
    } else {
        assert_int_equal(liminal_supervisor_shutdown(&out, NULL, liminal_deadline_never()), LIMINAL_OK);
    }
    return status;
}

static void test_open_defaults(void **state)
{
    const liminal_supervisor_options zero = {LIMINAL_OPS(liminal_supervisor_options)};
    (void)state;
    assert_int_equal(open_with(NULL), LIMINAL_OK);
    assert_int_equal(open_with(&zero), LIMINAL_OK);
    assert_int_equal(test_allocations(), 0);
}

static void collect_nothing(void *context, const liminal_finished_span *span)
{
    (void)context;
    (void)span;
}

static void test_open_bad_options(void **state)
{
    const liminal_supervisor_options good = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    liminal_allocator allocator = *test_allocator();
    liminal_collector collector = {LIMINAL_OPS(liminal_collector), .collect = collect_nothing};
    liminal_supervisor_options options = good;
    (void)state;
    assert_int_equal(liminal_supervisor_open(&good, NULL), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "out"));
    options.size = 0;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "size"));
    options.size = sizeof options - 1;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    options.size = sizeof options + sizeof(void *);
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);

    options = good;
    options.allocator = &allocator;
    allocator.size = 0;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "allocator"));
    allocator.size = sizeof allocator + 8;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    allocator = *test_allocator();
    allocator.allocate = NULL;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    allocator = *test_allocator();
    allocator.release = NULL;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);

    options = good;
    options.collector = &collector;
    collector.size = 0;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "collector"));
    collector.size = sizeof collector + 8;
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    collector = (liminal_collector){LIMINAL_OPS(liminal_collector), .collect = NULL};
    assert_int_equal(open_with(&options), LIMINAL_EINVAL);
    assert_int_equal(test_blocks(), 0);
    assert_int_equal(open_with(&good), LIMINAL_OK);
}

static void test_open_without_memory(void **state)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    size_t failures = 0;
    liminal_status status;
    (void)state;
    do {
        test_fail_nth(failures + 1);
        status = open_with(&options);
        test_fail_nth(0);
        assert_int_equal(test_blocks(), 0);
        if (status != LIMINAL_OK) {
            assert_int_equal(status, LIMINAL_ENOMEM);
            failures++;
        }
    } while (status != LIMINAL_OK);
    assert_in_range(failures, 1, 50);
}

static void count_span(void *context, const liminal_finished_span *span)
{
    (void)test_check(span != NULL && span->name != NULL);
    atomic_fetch_add((atomic_int *)context, 1);
}

/* The tables may go, and be scribbled over, once the call is back. */
static void test_open_copies_its_tables(void **state)
{
    atomic_int spans = 0;
    liminal_allocator allocator = *test_allocator();
    liminal_collector collector = {LIMINAL_OPS(liminal_collector), .context = &spans, .collect = count_span};
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = &allocator,
                                          .collector = &collector};
    liminal_behaviour behaviour = parting;
    liminal_supervisor *supervisor = NULL;
    liminal_conversation *conversation = NULL, *found = NULL;
    part p;
    char name[] = "copied";
    liminal_participant participant;
    liminal_config config;
    (void)state;
    part_init(&p);
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    memset(&allocator, 0x55, sizeof allocator);
    memset(&collector, 0x55, sizeof collector);
    memset(&options, 0x55, sizeof options);
    participant = threaded(&p);
    participant.behaviour = &behaviour;
    config = config_of(&participant, 1);
    config.name = name;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
    memset(&behaviour, 0x55, sizeof behaviour);
    memset(&participant, 0x55, sizeof participant);
    memset(&config, 0x55, sizeof config);
    name[0] = 'C';
    assert_int_equal(ask_text(conversation, "hello"), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "copied", &found), LIMINAL_OK);
    liminal_conversation_drop(&found);
    assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(&conversation);
    shut(&supervisor);
    assert_int_equal(p.releases, 1);
    assert_int_equal(spans, 1);
}

static void test_null_arguments(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *out = NULL;
    liminal_envelope *request = say("hello"), *reply = NULL, *none = NULL;
    liminal_config config = config_of(NULL, 0);
    liminal_deadline never = liminal_deadline_never();
    part p;
    (void)state;
    part_init(&p);
    assert_int_equal(liminal_supervisor_spawn(NULL, &config, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_spawn(supervisor, NULL, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_spawn_behaviour(NULL, &parting, &p, LIMINAL_CRASH_FAIL, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, NULL, &p, LIMINAL_CRASH_FAIL, &out),
                     LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, &parting, &p, LIMINAL_CRASH_UNSET, &out),
                     LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "on_crash"));
    assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, &parting, &p, LIMINAL_CRASH_FAIL, NULL),
                     LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask(NULL, &parting, &p, &request, &reply), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask(supervisor, NULL, &p, &request, &reply), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &p, NULL, &reply), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &p, &none, &reply), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask(supervisor, &parting, &p, &request, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask_until(NULL, &parting, &p, &request, &reply, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, NULL, &p, &request, &reply, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, &parting, &p, NULL, &reply, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, &parting, &p, &none, &reply, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_ask_until(supervisor, &parting, &p, &request, NULL, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_find(NULL, (liminal_pid){1}, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_find(supervisor, (liminal_pid){1}, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_find_name(NULL, "x", &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_find_name(supervisor, NULL, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_find_name(supervisor, "x", NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_supervisor_shutdown(NULL, NULL, never), LIMINAL_EINVAL);
    assert_census(NULL, 0, 0, 0);
    assert_null(out);
    assert_null(reply);
    assert_non_null(request);
    assert_int_equal(p.starts, 0);
    assert_int_equal(p.releases, 0);
    assert_int_equal(test_threads_asked(), 0);
    liminal_envelope_drop(&request);
    shut(&supervisor);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, never), LIMINAL_OK); /* NULL in it */
}

/* ---- limits ---- */

static void test_limit_of_conversations(void **state)
{
    liminal_supervisor *supervisor = open_limited(2, 0);
    liminal_conversation *a, *b, *c = NULL;
    liminal_participant participant;
    liminal_config config;
    part p, q;
    (void)state;
    part_init(&p);
    part_init(&q);
    a = spawn_buffer(supervisor, NULL);
    b = spawn_one(supervisor, threaded(&p), NULL);
    participant = threaded(&q);
    config = config_of(&participant, 1);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &c), LIMINAL_ELIMIT);
    assert_non_null(strstr(liminal_status_detail(), "conversations"));
    assert_null(c);
    assert_int_equal(q.releases, 0);
    assert_census(supervisor, 2, 3, 1);

    assert_int_equal(liminal_conversation_close(a, liminal_deadline_never()), LIMINAL_OK); /* still held */
    c = spawn_one(supervisor, threaded(&q), NULL);
    assert_int_equal(ask_text(c, "hello"), LIMINAL_OK);

    assert_int_equal(ask_text(b, "fail"), LIMINAL_EEXIT); /* a failure makes room as a close does */
    liminal_conversation_drop(&a);
    a = spawn_buffer(supervisor, NULL);
    liminal_conversation_drop(&a);
    liminal_conversation_drop(&b);
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_int_equal(p.releases, 1);
    assert_int_equal(q.releases, 1);
}

static void test_limit_of_threads(void **state)
{
    liminal_supervisor *supervisor = open_limited(0, 3);
    liminal_conversation *a, *b, *c = NULL;
    liminal_config buffer = config_of(NULL, 0), config;
    liminal_participant participant;
    part p, q;
    (void)state;
    part_init(&p);
    part_init(&q);
    a = spawn_one(supervisor, threaded(&p), NULL); /* its own thread and its participant's */
    assert_census(supervisor, 1, 2, 1);
    participant = threaded(&q);
    config = config_of(&participant, 1);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &c), LIMINAL_ELIMIT);
    assert_non_null(strstr(liminal_status_detail(), "threads"));
    assert_null(c);
    assert_int_equal(q.releases, 0);
    test_until(liminal_supervisor_census(supervisor).threads == 2);
    b = spawn_buffer(supervisor, NULL);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &buffer, &c), LIMINAL_ELIMIT);
    assert_null(c);

    assert_int_equal(liminal_conversation_close(a, liminal_deadline_never()), LIMINAL_OK);
    test_until(liminal_supervisor_census(supervisor).threads == 1); /* the close does not wait for them */
    c = spawn_one(supervisor, threaded(&q), NULL);
    assert_int_equal(ask_text(c, "hello"), LIMINAL_OK);
    liminal_conversation_drop(&a);
    liminal_conversation_drop(&b);
    liminal_conversation_drop(&c);
    shut(&supervisor);
    assert_int_equal(p.releases, 1);
    assert_int_equal(q.releases, 1);
}

/* A thousand in turn where two may live at once: each one's place comes back. */
static void test_limits_come_back(void **state)
{
    liminal_supervisor *supervisor = open_limited(2, 0);
    part p;
    (void)state;
    part_init(&p);
    for (int i = 0; i < 300; i++) {
        liminal_conversation *a = spawn_one(supervisor, inlined(&p), NULL);
        if (i % 3 == 0) {
            assert_int_equal(ask_text(a, "fail"), LIMINAL_EEXIT);
        } else {
            assert_int_equal(liminal_conversation_close(a, liminal_deadline_never()), LIMINAL_OK);
        }
        liminal_conversation_drop(&a);
    }
    shut(&supervisor);
    assert_int_equal(p.releases, 300);
}

/* ---- stacks ---- */

static size_t stack_here(void)
{
    pthread_attr_t attributes;
    size_t bytes = 0;
    if (test_check(pthread_getattr_np(pthread_self(), &attributes) == 0)) {
        (void)pthread_attr_getstacksize(&attributes, &bytes);
        (void)pthread_attr_destroy(&attributes);
    }
    return bytes;
}

static __attribute__((noinline)) size_t use_much(size_t seed)
{
    volatile unsigned char much[MUCH];
    size_t sum = 0;
    for (size_t i = 0; i < sizeof much; i += 512) {
        much[i] = (unsigned char)(i / 512 + seed);
    }
    for (size_t i = 0; i < sizeof much; i += 512) {
        sum += much[i] == (unsigned char)(i / 512 + seed);
    }
    return sum;
}

static liminal_status deep(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    size_t *sizes = p->context;
    sizes[0] = stack_here();
    sizes[1] = sizes[0] >= MIB ? use_much(liminal_envelope_size(request)) : 0;
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

/* Spawn one that runs deep() and say how large its stack was. */
static void measure(liminal_supervisor *supervisor, liminal_participant_kind kind, size_t stack_bytes, size_t sizes[2])
{
    part p;
    liminal_participant participant;
    liminal_config config;
    liminal_conversation *conversation = NULL;
    liminal_snapshot *snapshot = NULL;
    part_init(&p);
    p.act = deep;
    p.context = sizes;
    participant = threaded(&p);
    participant.kind = kind;
    config = config_of(&participant, 1);
    config.stack_bytes = stack_bytes;
    config.dispatch = LIMINAL_DISPATCH_PINNED; /* an inline one then runs on the actor's own thread */
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
    assert_int_equal(ask_text(conversation, "hello"), LIMINAL_OK);
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(liminal_conversation_close(conversation, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(&conversation);
    test_until(p.releases == 1);
}

static void test_stack_bytes(void **state)
{
    const liminal_participant_kind kinds[] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .stack_bytes = 2 * MIB};
    liminal_supervisor *plain = open_plain(), *large = NULL;
    liminal_report report;
    size_t threads;
    (void)state;
    assert_int_equal(liminal_supervisor_open(&options, &large), LIMINAL_OK);
    for (size_t i = 0; i < 2; i++) {
        /* No upper bounds: the C library may lend a larger stack that it has left over. */
        size_t sizes[2] = {0, 0};
        measure(plain, kinds[i], 0, sizes);
        assert_true(sizes[0] >= LIMINAL_DEFAULT_STACK_BYTES);
        measure(plain, kinds[i], 1, sizes); /* raised to the least there is */
        assert_true(sizes[0] >= 1024);
        measure(plain, kinds[i], MIB, sizes);
        assert_true(sizes[0] >= MIB);
        assert_int_equal(sizes[1], MUCH / 512);
        measure(large, kinds[i], 0, sizes); /* the supervisor's */
        assert_true(sizes[0] >= 2 * MIB);
        assert_int_equal(sizes[1], MUCH / 512);
        measure(large, kinds[i], 3 * MIB, sizes); /* the config's comes first */
        assert_true(sizes[0] >= 3 * MIB);
    }
    assert_int_equal(liminal_supervisor_shutdown(&plain, &report, liminal_deadline_never()), LIMINAL_OK);
    threads = report.threads;
    assert_int_equal(liminal_supervisor_shutdown(&large, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(threads + report.threads, test_threads_asked());
}

/* No such stack can be had: a status, and all stays the caller's. */
static void test_stack_beyond_all_bounds(void **state)
{
    const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 4095, SIZE_MAX / 2, (size_t)1 << 50};
    liminal_supervisor *supervisor = open_plain();
    part p;
    liminal_participant participant;
    liminal_report report;
    (void)state;
    part_init(&p);
    participant = threaded(&p);
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        liminal_config config = config_of(&participant, 1);
        liminal_conversation *out = NULL;
        liminal_status status;
        config.stack_bytes = sizes[i];
        status = liminal_supervisor_spawn(supervisor, &config, &out);
        assert_true(status == LIMINAL_ELIMIT || status == LIMINAL_ENOMEM || status == LIMINAL_EINVAL);
        assert_null(out);
        assert_int_equal(p.starts, 0);
        assert_int_equal(p.releases, 0);
    }
    assert_census(supervisor, 0, 0, 0);
    assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(report.threads, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_open_defaults),
        TEST(test_open_bad_options),
        TEST(test_open_without_memory),
        TEST(test_open_copies_its_tables),
        TEST(test_null_arguments),
        TEST(test_limit_of_conversations),
        TEST(test_limit_of_threads),
        TEST(test_limits_come_back),
        TEST(test_stack_bytes),
        TEST(test_stack_beyond_all_bounds),
    };
    /* A child must not inherit the harness's lock from a thread that it does not have. */
    if (pthread_atfork(test_lock, test_unlock, test_unlock) != 0) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}

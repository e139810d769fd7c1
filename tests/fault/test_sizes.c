/* SPDX-License-Identifier: MIT */
/* test_sizes.c -- payloads of nothing, of one byte, of a page and one more, of 1 GiB and of as much as a mailbox can
 * count; and sizes, counts and times that are as large as their types. */
#define _GNU_SOURCE
#include "race/race.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define UNDER_SANITIZER (UNDER_TSAN || UNDER_ASAN)

#define GIB ((size_t)1 << 30)
#define MOST (64 * GIB - 1) /* bytes that a mailbox counts */
#define LONG liminal_deadline_in_ms(20000)

static liminal_conversation *spawn(liminal_supervisor *supervisor, const liminal_participant *part, size_t bytes)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = part,
                                   .participant_count = part != NULL, .on_crash = LIMINAL_CRASH_FAIL,
                                   .mailbox_bytes = bytes};
    liminal_conversation *talk = NULL;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &talk), LIMINAL_OK);
    return talk;
}

/* ---- small ones ---- */

static liminal_envelope *of_size(size_t size)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    unsigned char *bytes = malloc(size + 1);
    assert_non_null(bytes);
    for (size_t i = 0; i < size; i++) {
        bytes[i] = (unsigned char)(i * 7 + size); /* line ends and zero bytes among them */
    }
    assert_int_equal(liminal_envelope_create(bytes, size, &options, &envelope), LIMINAL_OK);
    free(bytes);
    return envelope;
}

static void assert_same(const liminal_envelope *a, const liminal_envelope *b)
{
    size_t size = liminal_envelope_size(a);
    assert_int_equal(liminal_envelope_size(b), size);
    assert_memory_equal(liminal_envelope_data(a), liminal_envelope_data(b), size);
    assert_int_equal(liminal_envelope_text(b)[size], '\0');
}

static void go_and_come_back(liminal_conversation *talk, size_t size, bool asks)
{
    liminal_envelope *sent = of_size(size), *message, *reply = NULL;
    message = liminal_envelope_ref(sent);
    if (asks) {
        assert_int_equal(liminal_conversation_ask(talk, &message, &reply, LONG), LIMINAL_OK);
        assert_same(sent, reply);
        liminal_envelope_drop(&reply);
        message = liminal_envelope_ref(sent);
    }
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    assert_same(sent, reply);
    liminal_envelope_drop(&reply);
    liminal_envelope_drop(&sent);
}

static void small_sizes_go_and_come_back(void **state)
{
    static const char *const cat[] = {"cat", NULL};
    const liminal_program counted = {LIMINAL_OPS(liminal_program), .argv = cat, .framing = LIMINAL_FRAMING_LENGTH32};
    const liminal_program headed = {LIMINAL_OPS(liminal_program), .argv = cat,
                                    .framing = LIMINAL_FRAMING_CONTENT_LENGTH};
    const liminal_participant parts[] = {
        {.behaviour = liminal_behaviour_echo()},
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo()},
        {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &counted},
        {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &headed},
    };
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t sizes[] = {0, 1, 2, page - 1, page, page + 1, 16 * page - 1, 16 * page, 16 * page + 1};
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (size_t k = 0; k <= sizeof parts / sizeof parts[0]; k++) {
        bool is_buffer = k == sizeof parts / sizeof parts[0];
        liminal_conversation *talk = spawn(supervisor, is_buffer ? NULL : &parts[k], 16 * page + 1); /* just */
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            go_and_come_back(talk, sizes[i], !is_buffer);
        }
        {
            liminal_envelope *more = of_size(16 * page + 2);
            assert_int_equal(liminal_conversation_send(talk, &more, LONG), LIMINAL_ELIMIT);
            assert_non_null(more);
            liminal_envelope_drop(&more);
        }
        liminal_conversation_drop(&talk);
    }
    (void)race_shutdown(&supervisor);
}

/* ---- large ones ---- */

/* Zero bytes that are nowhere but in the page tables, and there only when they are looked at. NULL: the system has not
 * so many addresses. */
static void *addresses(size_t size)
{
    void *memory = mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

static void unmap(void *context, void *data, size_t size)
{
    atomic_fetch_add((atomic_int *)context, 1);
    (void)munmap(data, size + 1);
}

static liminal_envelope *adopted(size_t size, atomic_int *unmapped)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    void *data = addresses(size + 1);
    if (data != NULL) {
        assert_int_equal(liminal_envelope_adopt(&data, size, unmap, unmapped, &options, &envelope), LIMINAL_OK);
        assert_int_equal(liminal_envelope_size(envelope), size);
    }
    return envelope;
}

/* By reference: as quick as a small one. */
static void large_sizes_are_counted(void **state)
{
    static const struct {
        size_t size, bound;
        liminal_status expected;
    } rows[] = {
        {GIB, 0, LIMINAL_ELIMIT},
        {GIB, GIB - 1, LIMINAL_ELIMIT},
        {GIB, GIB, LIMINAL_OK},
        {GIB, LIMINAL_UNBOUNDED, LIMINAL_OK},
        {4 * GIB + 1, LIMINAL_UNBOUNDED, LIMINAL_OK},
        {MOST, LIMINAL_UNBOUNDED, LIMINAL_OK},
        {MOST + 1, LIMINAL_UNBOUNDED, LIMINAL_ELIMIT},
    };
    const liminal_participant echo = {.behaviour = liminal_behaviour_echo()};
    liminal_supervisor *supervisor = race_open();
    atomic_int unmapped = 0;
    int made = 0;
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        liminal_conversation *talk = spawn(supervisor, &echo, rows[i].bound);
        liminal_envelope *message = adopted(rows[i].size, &unmapped), *second, *reply = NULL;
        if (message == NULL) {
            print_message("no addresses for %zu bytes\n", rows[i].size);
            liminal_conversation_drop(&talk);
            continue;
        }
        made++;
        second = liminal_envelope_ref(message);
        assert_int_equal(liminal_conversation_ask(talk, &message, &reply, LONG), rows[i].expected);
        assert_true((reply == second) == (rows[i].expected == LIMINAL_OK));
        liminal_envelope_drop(&reply);
        liminal_envelope_drop(&message);
        assert_int_equal(liminal_conversation_try_send(talk, &second), rows[i].expected);
        liminal_envelope_drop(&second);
        liminal_conversation_drop(&talk);
    }
    (void)race_shutdown(&supervisor);
    assert_int_equal(atomic_load(&unmapped), made);
    assert_true(made >= 4);
}

/* 32 bits count what stands in a frame. What they can't is consumed in silence, and nothing of it is written. */
static void what_a_frame_can_not_count(void **state)
{
    static const char *const argv[] = {"cat", NULL};
    const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = argv, .framing = LIMINAL_FRAMING_LENGTH32};
    const liminal_participant part = {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program};
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *talk = spawn(supervisor, &part, LIMINAL_UNBOUNDED);
    atomic_int unmapped = 0;
    liminal_envelope *message = adopted(4 * GIB, &unmapped), *reply = NULL;
    const bool made = message != NULL;
    (void)state;
    if (made) {
        assert_int_equal(liminal_conversation_ask(talk, &message, &reply, LONG), LIMINAL_ECANCELED);
        assert_null(message);
        go_and_come_back(talk, 1, true);
    }
    liminal_conversation_drop(&talk);
    (void)race_shutdown(&supervisor);
    assert_int_equal(atomic_load(&unmapped), made); /* the log had kept it */
}

/* 1 GiB of addresses over and over the same 2 MiB, but for the first and the last, where there is more than bytes. */
static void *allocate_folded(void *context, size_t bytes)
{
    const size_t piece = (size_t)2 << 20;
    const int fd = *(const int *)context;
    char *at = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (at == MAP_FAILED) {
        return NULL;
    }
    for (size_t done = piece; bytes - done > piece; done += piece) {
        if (mmap(at + done, piece, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
            (void)munmap(at, bytes);
            return NULL;
        }
    }
    return at;
}

static void release_folded(void *context, void *memory, size_t bytes)
{
    (void)context;
    (void)munmap(memory, bytes);
}

static void a_copy_of_one_gib(void **state)
{
    int fd;
    liminal_allocator folded = {LIMINAL_OPS(liminal_allocator), .context = &fd, .allocate = allocate_folded,
                                .release = release_folded};
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = &folded};
    liminal_envelope *envelope = NULL;
    const void *data;
    (void)state;
    /* A sanitizer's shadow of it would be no smaller; and so many pages take half a minute on some machines, so it is
     * for those who have the time. */
    if (UNDER_SANITIZER || getenv("LIMINAL_TEST_SECONDS") == NULL) {
        skip();
    }
    fd = memfd_create("folded", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 2 << 20), 0);
    data = allocate_folded(&fd, GIB);
    assert_non_null(data);
    assert_int_equal(liminal_envelope_create(data, GIB, &options, &envelope), LIMINAL_OK);
    assert_int_equal(liminal_envelope_size(envelope), GIB);
    assert_int_equal(liminal_envelope_text(envelope)[GIB], '\0');
    liminal_envelope_drop(&envelope);
    release_folded(NULL, (void *)(uintptr_t)data, GIB);
    (void)close(fd);
}

/* ---- as large as can be ---- */

static void sizes_that_overflow(void **state)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator(),
                                              .schema = "schema", .publisher = "publisher"};
    static char byte;
    (void)state;
    for (size_t less = 0; less < 1024; less++) {
        liminal_envelope *envelope = NULL;
        void *data = &byte;
        liminal_status st = liminal_envelope_create(&byte, SIZE_MAX - less, &options, &envelope);
        assert_true(st == LIMINAL_EINVAL || (less > 16 && st == LIMINAL_ENOMEM));
        assert_null(envelope);
        if (less == 0) { /* any other one would be looked at */
            assert_int_equal(liminal_envelope_adopt(&data, SIZE_MAX, NULL, NULL, &options, &envelope), LIMINAL_EINVAL);
            assert_non_null(data);
        }
    }
}

static liminal_status spawn_of(liminal_supervisor *supervisor, const liminal_config *config)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *request = race_say("x"), *reply = NULL;
    liminal_status st = liminal_supervisor_spawn(supervisor, config, &talk);
    if (st == LIMINAL_OK) {
        assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
        assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(talk)), LIMINAL_OK);
        assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    }
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&talk);
    return st;
}

static void configs_as_large_as_can_be(void **state)
{
    static const char *const cat[] = {"cat", NULL};
    liminal_program program = {LIMINAL_OPS(liminal_program), .argv = cat, .frame_bytes = SIZE_MAX,
                               .close_patience_ns = INT64_MAX, .term_patience_ns = INT64_MAX};
    const liminal_participant parts[2] = {{.behaviour = liminal_behaviour_echo()},
                                          {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program}};
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                          .max_conversations = SIZE_MAX, .max_threads = SIZE_MAX,
                                          .idle_threads = SIZE_MAX - 1};
    liminal_supervisor *supervisor = NULL;
    (void)state;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    for (int i = 0; i < 2; i++) {
        liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &parts[i], .participant_count = 1,
                                 .on_crash = LIMINAL_CRASH_COMPENSATE, .mailbox_messages = SIZE_MAX - 1,
                                 .mailbox_bytes = SIZE_MAX - 1, .log_entries = SIZE_MAX - 1, .timeout_ns = INT64_MAX,
                                 .compensate_timeout_ns = INT64_MAX, .restart_window_ns = INT64_MAX,
                                 .restarts = LIMINAL_RESTARTS_MOST};
        assert_int_equal(spawn_of(supervisor, &config), LIMINAL_OK);
        for (size_t less = 0; less < 3; less++) {
            config.stack_bytes = SIZE_MAX - less * 4096;
            assert_int_equal(spawn_of(supervisor, &config), LIMINAL_ELIMIT); /* the system has no such thread */
        }
        config.stack_bytes = 0;
        config.participant_count = SIZE_MAX;
        assert_int_equal(spawn_of(supervisor, &config), LIMINAL_ELIMIT);
    }
    (void)race_shutdown(&supervisor);
    options.stack_bytes = SIZE_MAX;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    assert_int_equal(spawn_of(supervisor, &(liminal_config){LIMINAL_OPS(liminal_config), .participants = parts,
                                                            .participant_count = 1, .on_crash = LIMINAL_CRASH_FAIL}),
                     LIMINAL_ELIMIT);
    (void)race_shutdown(&supervisor);
}

static void times_as_large_as_can_be(void **state)
{
    (void)state;
    assert_int_equal(liminal_deadline_in_ns(INT64_MAX).ns, INT64_MAX);
    assert_true(liminal_deadline_remaining_ns(liminal_deadline_in_ns(INT64_MIN)) == 0);
    assert_true(liminal_deadline_remaining_ns((liminal_deadline){INT64_MIN}) == 0);
    assert_true(liminal_deadline_remaining_ns((liminal_deadline){INT64_MAX - 1}) > 0);
    assert_true(liminal_deadline_in_ms(UINT32_MAX).ns > liminal_deadline_in_ms(UINT32_MAX - 1).ns - 1000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(small_sizes_go_and_come_back),
        TEST(large_sizes_are_counted),
        TEST(what_a_frame_can_not_count),
        TEST(a_copy_of_one_gib),
        TEST(sizes_that_overflow),
        TEST(configs_as_large_as_can_be),
        TEST(times_as_large_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

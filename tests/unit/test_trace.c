/* SPDX-License-Identifier: MIT */
/* test_trace.c -- traceparents, contexts, and where their ids come from. */
#include "support/harness.h"

#include "mint.h"
#include "platform.h"
#include "scope.h"

#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define T "12345678901234567890123456789012"
#define S "1234567890123456"

static const uint8_t t_bytes[16] = {0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56,
                                    0x78, 0x90, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12};
static const uint8_t s_bytes[8] = {0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34, 0x56};

static liminal_trace_context sample(uint8_t flags)
{
    liminal_trace_context context = {.flags = flags};
    memcpy(context.trace_id, t_bytes, sizeof t_bytes);
    memcpy(context.span_id, s_bytes, sizeof s_bytes);
    return context;
}

/* Parse a copy that is not a byte longer than it says, so that ASan sees who reads on. */
static liminal_status parse(const char *text, size_t length, liminal_trace_context *out)
{
    char *exact = malloc(length);
    liminal_status st;
    assert_true(exact != NULL || length == 0);
    if (length > 0) {
        memcpy(exact, text, length);
    }
    st = liminal_trace_parse(exact != NULL ? exact : "", length, out);
    free(exact);
    return st;
}

/* ---- reading ---------------------------------------------------------------------------------- */

/* clang-format off */
#define NEW(text) {text, sizeof(text) - 1, false, 0}
#define KEEP(text, flags) {text, sizeof(text) - 1, true, flags}
/* clang-format on */

static const struct {
    const char *text;
    size_t length;
    bool keep;
    uint8_t flags;
} cases[] = {
    /* w3c-cases.md, in its order */
    NEW(""),
    KEEP("00-" T "-" S "-01", 1),
    KEEP("00-" T "-" S "-00", 0),
    KEEP("00-" T "-" S "-02", 2),
    NEW("00-" T "-" S "-01."),
    NEW("00-" T "-" S "-01-what-the-future-will-be-like"),
    KEEP("cc-" T "-" S "-01-what-the-future-will-be-like", 1),
    NEW("cc-" T "-" S "-01.what-the-future-will-be-like"),
    NEW("ff-" T "-" S "-01"),
    NEW("000-" T "-" S "-01"),
    NEW("0-" T "-" S "-01"),
    NEW(".0-" T "-" S "-01"),
    NEW("00-00000000000000000000000000000000-" S "-01"),
    NEW("00-1234567890123456789012345678901-" S "-01"),
    NEW("00-" T "3-" S "-01"),
    NEW("00-.2345678901234567890123456789012-" S "-01"),
    NEW("00-1234567890123456.890123456789012-" S "-01"),
    NEW("00-" T "-0000000000000000-01"),
    NEW("00-" T "-123456789012345-01"),
    NEW("00-" T "-12345678901234567-01"),
    NEW("00-" T "-.234567890123456-01"),
    NEW("00-" T "-12345678.0123456-01"),
    NEW("00-" T "-" S "-.0"),
    NEW("00-" T "-" S "-001"),
    NEW("00-" T "-" S "-1"),
    KEEP(" 00-" T "-" S "-01", 1),
    KEEP("\t00-" T "-" S "-01", 1),
    KEEP("00-" T "-" S "-01 ", 1),
    KEEP("00-" T "-" S "-01\t", 1),

    /* blanks, and what is none */
    KEEP(" \t \t00-" T "-" S "-01\t \t ", 1),
    NEW(" "),
    NEW("\t \t"),
    NEW("\n00-" T "-" S "-01"),
    NEW("00-" T "-" S "-01\r"),
    NEW("00-" T "-" S "-01\n"),
    NEW("00-" T "-" S "-01\v"),
    NEW("00-" T "-" S "-01\xC2\xA0"),
    NEW("00 -" T "-" S "-01"),
    NEW("00-" T "- " S "-01"),
    KEEP(" cc-" T "-" S "-01-x\t", 1),
    KEEP("cc-" T "-" S "-01- ", 1),
    NEW("cc-" T "-" S "-01 -x"),

    /* versions */
    KEEP("01-" T "-" S "-01", 1),
    KEEP("01-" T "-" S "-01-", 1),
    KEEP("fe-" T "-" S "-01-00", 1),
    KEEP("f0-" T "-" S "-01", 1),
    KEEP("0f-" T "-" S "-01", 1),
    NEW("00-" T "-" S "-01-"),
    NEW("00-" T "-" S "-010"),
    NEW("01-" T "-" S "-010"),
    NEW("01-" T "-" S "-0"),
    NEW("01-" T "-" S "-1-x"),
    NEW("01-" T "-" S "-.0-x"),
    NEW("cc-00000000000000000000000000000000-" S "-01-x"),
    NEW("cc-" T "-0000000000000000-01-x"),
    NEW("ff-" T "-" S "-01-x"),
    NEW("CC-" T "-" S "-01"),
    NEW("FF-" T "-" S "-01"),
    NEW("fF-" T "-" S "-01"),

    /* lower-case hex only */
    NEW("00-A2345678901234567890123456789012-" S "-01"),
    NEW("00-1234567890123456789012345678901F-" S "-01"),
    NEW("00-" T "-A234567890123456-01"),
    NEW("00-" T "-123456789012345F-01"),
    NEW("00-" T "-" S "-0A"),
    NEW("00-" T "-" S "-0x"),
    NEW("00-" T "-" S "-g0"),

    /* flags are bits: those that nobody knows are masked, in a higher version too */
    KEEP("00-" T "-" S "-03", 3),
    KEEP("00-" T "-" S "-04", 0),
    KEEP("00-" T "-" S "-09", 1),
    KEEP("00-" T "-" S "-fc", 0),
    KEEP("00-" T "-" S "-fd", 1),
    KEEP("00-" T "-" S "-fe", 2),
    KEEP("00-" T "-" S "-ff", 3),
    KEEP("cc-" T "-" S "-ff-x", 3),

    /* a zero byte is a byte like others that are not allowed; what is ignored may hold one */
    NEW("\0"
        "0-" T "-" S "-01"),
    NEW("00\0" T "-" S "-01"),
    NEW("00-" T "-" S "-01\0"),
    NEW("\0"
        "00-" T "-" S "-01"),
    NEW("01-" T "-" S "-01\0x"),
    NEW("00-" T "-12345678\0"
        "0123456-01"),
    KEEP("01-" T "-" S "-01-\0x", 1),
};

static void every_case(void **state)
{
    size_t kept = 0;
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        liminal_trace_context out, before, wanted = sample(cases[i].flags), next;
        liminal_status st;
        memset(&out, 0xee, sizeof out);
        before = out;
        st = parse(cases[i].text, cases[i].length, &out);
        if (cases[i].keep != (st == LIMINAL_OK)) {
            fail_msg("case %zu, \"%s\": %s", i, cases[i].text, liminal_status_name(st));
        }
        if (!cases[i].keep) {
            assert_int_equal(st, LIMINAL_EINVAL);
            assert_memory_equal(&out, &before, sizeof out);
            assert_memory_equal(liminal_status_detail(), "traceparent: ", 13);
            continue;
        }
        kept++;
        if (!liminal_trace_equal(&out, &wanted)) {
            fail_msg("case %zu, \"%s\": %s", i, cases[i].text, liminal_trace_format(&out).text);
        }
        next = liminal_trace_child(&out); /* whatever came in, version 00 goes out */
        assert_memory_equal(liminal_trace_format(&next).text, "00-" T "-", 36);
        assert_memory_not_equal(next.span_id, s_bytes, sizeof s_bytes);
        assert_int_equal(next.flags, cases[i].flags);
    }
    assert_int_equal(kept, 25);
}

/* Every byte at every place of a good one. */
static void every_byte_everywhere(void **state)
{
    static const char good[] = "0f-" T "-" S "-01";
    size_t accepted = 0;
    (void)state;
    for (size_t at = 0; at < sizeof good - 1; at++) {
        for (int byte = 0; byte < 256; byte++) {
            bool dash = at == 2 || at == 35 || at == 52;
            bool hex = (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'f');
            bool fine = dash ? byte == '-' : hex && !(at == 0 && byte == 'f');
            char text[sizeof good];
            liminal_trace_context out;
            memcpy(text, good, sizeof good);
            text[at] = (char)byte;
            if ((parse(text, sizeof good - 1, &out) == LIMINAL_OK) != fine) {
                fail_msg("byte %d at %zu", byte, at);
            }
            accepted += fine;
        }
    }
    assert_int_equal(accepted, 3 + 15 + 51 * 16);
}

static void cut_off_anywhere(void **state)
{
    static const char *const good[] = {"00-" T "-" S "-01", "cc-" T "-" S "-01-and-more"};
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        for (size_t length = 0; length <= strlen(good[i]); length++) {
            liminal_trace_context out;
            assert_int_equal(parse(good[i], length, &out), length >= 55 ? LIMINAL_OK : LIMINAL_EINVAL);
        }
    }
}

static void one_bit_is_an_id(void **state)
{
    (void)state;
    for (size_t digit = 0; digit < 48; digit++) {
        char text[] = "00-00000000000000000000000000000000-0000000000000000-00";
        liminal_trace_context out;
        text[digit < 32 ? 3 + digit : 4 + digit] = '1';
        assert_int_equal(parse(text, 55, &out), LIMINAL_EINVAL); /* the other id is all zero */
        text[digit < 32 ? 36 : 3] = '1';
        assert_int_equal(parse(text, 55, &out), LIMINAL_OK);
        assert_string_equal(liminal_trace_format(&out).text, text);
    }
}

static void nulls(void **state)
{
    static const char good[] = "00-" T "-" S "-01";
    liminal_trace_context out = sample(3), before = out;
    (void)state;
    assert_int_equal(liminal_trace_parse(NULL, 55, &out), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "text: NULL");
    assert_int_equal(liminal_trace_parse(NULL, 0, &out), LIMINAL_EINVAL);
    assert_int_equal(liminal_trace_parse(good, 55, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    assert_memory_equal(&out, &before, sizeof out);
}

/* ---- writing and comparing -------------------------------------------------------------------- */

static void format_writes_version_00(void **state)
{
    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        liminal_trace_context context = sample((uint8_t)flags), again;
        char wanted[56] = "00-" T "-" S "-00";
        wanted[54] = (char)('0' + (flags & 3));
        assert_string_equal(liminal_trace_format(&context).text, wanted);
        assert_int_equal(parse(wanted, 55, &again), LIMINAL_OK);
        context.flags &= 3;
        assert_true(liminal_trace_equal(&again, &context));
    }
}

static void every_digit_is_written(void **state)
{
    liminal_trace_context context = {
        .trace_id = {0x00, 0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0xff},
        .span_id = {0x0f, 0xf0, 0xa5, 0x5a, 0x80, 0x7f, 0x10, 0x01},
        .flags = 1,
    };
    (void)state;
    assert_string_equal(liminal_trace_format(&context).text, "00-000123456789abcdeffedcba987654ff-0ff0a55a807f1001-01");
}

static void what_is_not_valid_is_not_written(void **state)
{
    liminal_trace_context no_trace = {.span_id = {1}, .flags = 1}, no_span = {.trace_id = {1}, .flags = 1};
    (void)state;
    assert_string_equal(liminal_trace_format(NULL).text, "");
    assert_string_equal(liminal_trace_format(&no_trace).text, "");
    assert_string_equal(liminal_trace_format(&no_span).text, "");
    assert_false(liminal_trace_valid(NULL));
    assert_false(liminal_trace_valid(&no_trace));
    assert_false(liminal_trace_valid(&no_span));
    for (size_t i = 0; i < 16; i++) {
        for (size_t j = 0; j < 8; j++) {
            liminal_trace_context context = {.flags = 0};
            context.trace_id[i] = 0x80;
            context.span_id[j] = 0x01;
            assert_true(liminal_trace_valid(&context));
        }
    }
}

static void equal_looks_at_every_byte(void **state)
{
    liminal_trace_context a = sample(1), b = sample(1);
    (void)state;
    assert_true(liminal_trace_equal(&a, &a));
    assert_true(liminal_trace_equal(&a, &b));
    for (size_t i = 0; i < 16; i++) {
        b = a, b.trace_id[i] ^= 0x10;
        assert_false(liminal_trace_equal(&a, &b));
    }
    for (size_t i = 0; i < 8; i++) {
        b = a, b.span_id[i] ^= 0x01;
        assert_false(liminal_trace_equal(&a, &b));
    }
    b = a, b.flags ^= LIMINAL_TRACE_RANDOM;
    assert_false(liminal_trace_equal(&a, &b));
    assert_false(liminal_trace_equal(&a, NULL));
    assert_false(liminal_trace_equal(NULL, &a));
    assert_false(liminal_trace_equal(NULL, NULL));
}

/* ---- roots, children, ids --------------------------------------------------------------------- */

static void a_child_keeps_what_is_known(void **state)
{
    liminal_trace_context no_trace = {.span_id = {1}, .flags = 0}, no_span = {.trace_id = {1}, .flags = 0}, made;
    (void)state;
    for (unsigned flags = 0; flags < 256; flags++) {
        liminal_trace_context parent = sample((uint8_t)flags), child = liminal_trace_child(&parent);
        assert_memory_equal(child.trace_id, t_bytes, sizeof t_bytes);
        assert_memory_not_equal(child.span_id, s_bytes, sizeof s_bytes);
        assert_int_equal(child.flags, flags & 3);
        assert_true(liminal_trace_valid(&child));
    }
    made = liminal_trace_child(NULL);
    assert_true(liminal_trace_valid(&made));
    assert_int_equal(made.flags, 3);
    made = liminal_trace_child(&no_trace);
    assert_true(liminal_trace_valid(&made));
    assert_int_equal(made.flags, 3);
    made = liminal_trace_child(&no_span);
    assert_int_equal(made.flags, 3);
    assert_memory_not_equal(made.trace_id, no_span.trace_id, 16);
}

/* Among so many, each bit is both 0 and 1 once: the random flag does not lie. */
static void every_bit_of_a_root_is_random(void **state)
{
    uint8_t ones[24] = {0}, zeros[24] = {0};
    (void)state;
    for (int i = 0; i < 300; i++) {
        liminal_trace_context root = liminal_trace_root();
        uint8_t ids[24];
        assert_int_equal(root.flags, LIMINAL_TRACE_SAMPLED | LIMINAL_TRACE_RANDOM);
        memcpy(ids, root.trace_id, 16);
        memcpy(ids + 16, root.span_id, 8);
        for (size_t at = 0; at < 24; at++) {
            ones[at] |= ids[at];
            zeros[at] |= (uint8_t)~ids[at];
        }
    }
    for (size_t at = 0; at < 24; at++) {
        assert_int_equal(ones[at], 0xff);
        assert_int_equal(zeros[at], 0xff);
    }
}

/* Set the calling thread's generator. */
static void set_generator(uint64_t state, uint64_t step, uint64_t epoch)
{
    limi_generator *generator = &limi_scope_room_here()->generator;
    generator->state = state;
    generator->step = step;
    generator->epoch = epoch;
}

static void the_generator_goes_on_and_is_seeded_anew(void **state)
{
    uint64_t first, second, again;
    (void)state;
    assert_true(limi_epoch() != 0);
    set_generator(7, 9, limi_epoch());
    first = limi_mint_draw();
    second = limi_mint_draw();
    assert_true(first != second);
    set_generator(7, 9, limi_epoch());
    again = limi_mint_draw();
    assert_true(again == first);

    set_generator(7, 9, limi_epoch() + 2); /* another process's */
    assert_true(limi_mint_draw() != first);
    assert_true(limi_scope_room_here()->generator.epoch == limi_epoch());
    set_generator(7, 9, 0); /* nobody's */
    assert_true(limi_mint_draw() != first);
    assert_true(limi_scope_room_here()->generator.step % 2 == 1);
}

/* A counter of zero is mixed to zero. */
static void no_id_is_ever_zero(void **state)
{
    liminal_trace_context parent = sample(1), made;
    int left;
    (void)state;
    for (left = 1; left < 6; left++) { /* zero comes as the first, second ... draw */
        uint64_t step = UINT64_C(0x9e3779b97f4a7c15);
        set_generator(0 - step * (uint64_t)left, step, limi_epoch());
        made = liminal_trace_root();
        assert_true(liminal_trace_valid(&made));
        set_generator(0 - step * (uint64_t)left, step, limi_epoch());
        made = liminal_trace_child(&parent);
        assert_true(liminal_trace_valid(&made));
    }
    set_generator(0, UINT64_C(1) << 63, limi_epoch()); /* every other one is zero: half an id may be */
    made = liminal_trace_root();
    assert_true(liminal_trace_valid(&made));
    set_generator(0, 1, 0);
}

/* Two threads' generators: no id of one is one of the other's. */
static void draw_many(void *argument)
{
    uint64_t *drawn = argument;
    int i;
    for (i = 0; i < 1000; i++) {
        drawn[i] = limi_mint_draw();
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void threads_draw_different_ids(void **state)
{
    static uint64_t drawn[4000];
    test_thread threads[4];
    size_t i;
    (void)state;
    for (i = 0; i < 4; i++) {
        test_thread_start(&threads[i], draw_many, drawn + 1000 * i);
    }
    for (i = 0; i < 4; i++) {
        test_thread_join(&threads[i]);
    }
    qsort(drawn, 4000, sizeof *drawn, by_value);
    for (i = 1; i < 4000; i++) {
        assert_true(drawn[i - 1] != drawn[i]);
    }
}

/* Parent and child have the same generator; they must not draw the same ids from it. */
static void a_forked_child_draws_its_own(void **state)
{
    liminal_trace_context mine = liminal_trace_root(), theirs;
    int ends[2], status;
    pid_t child;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        theirs = liminal_trace_root();
        _exit(write(ends[1], &theirs, sizeof theirs) == (ssize_t)sizeof theirs ? 0 : 1);
    }
    mine = liminal_trace_root();
    assert_int_equal(close(ends[1]), 0);
    assert_int_equal(read(ends[0], &theirs, sizeof theirs), sizeof theirs);
    assert_int_equal(close(ends[0]), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(liminal_trace_valid(&theirs));
    assert_memory_not_equal(mine.trace_id, theirs.trace_id, 16);
    assert_memory_not_equal(mine.span_id, theirs.span_id, 8);
}

/* ---- UUIDs ------------------------------------------------------------------------------------ */

static void a_uuid_is_laid_out_as_rfc_9562_has_it(void **state)
{
    /* The instant of the RFC's own example: 2022-02-22 19:22:22 UTC, 0x017F22E279B0 ms. */
    static const uint8_t stamp[6] = {0x01, 0x7f, 0x22, 0xe2, 0x79, 0xb0};
    const liminal_time then = {INT64_C(1645557742000) * 1000000 + 999999}; /* the rest of the millisecond is cut */
    uint8_t ones[10] = {0}, zeros[10] = {0};
    static const uint8_t free_bits[10] = {0x0f, 0xff, 0x3f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    (void)state;
    for (int i = 0; i < 300; i++) {
        liminal_uuid uuid = limi_mint_uuid(then);
        assert_memory_equal(uuid.bytes, stamp, sizeof stamp);
        assert_int_equal(uuid.bytes[6] >> 4, 7);
        assert_int_equal(uuid.bytes[8] >> 6, 2);
        for (size_t at = 0; at < 10; at++) {
            ones[at] |= uuid.bytes[6 + at];
            zeros[at] |= (uint8_t)~uuid.bytes[6 + at];
        }
    }
    for (size_t at = 0; at < 10; at++) { /* each of the 74 other bits is random */
        assert_int_equal(ones[at] & free_bits[at], free_bits[at]);
        assert_int_equal(zeros[at] & free_bits[at], free_bits[at]);
    }
}

static void uuids_sort_by_time(void **state)
{
    liminal_uuid before = limi_mint_uuid((liminal_time){0});
    static const uint8_t epoch[6] = {0};
    (void)state;
    assert_memory_equal(before.bytes, epoch, sizeof epoch);
    for (int64_t ms = 1; ms < INT64_C(9000000000000); ms = ms * 3 + 1) {
        liminal_uuid after = limi_mint_uuid((liminal_time){ms * 1000000});
        assert_true(memcmp(before.bytes, after.bytes, 16) < 0);
        before = after;
    }
}

static int by_bytes(const void *a, const void *b)
{
    return memcmp(a, b, 16);
}

static void ten_thousand_uuids_of_one_instant(void **state)
{
    enum { COUNT = 10000 };
    liminal_uuid *all = malloc(COUNT * sizeof *all);
    (void)state;
    assert_non_null(all);
    for (int i = 0; i < COUNT; i++) {
        all[i] = limi_mint_uuid((liminal_time){1});
    }
    qsort(all, COUNT, sizeof *all, by_bytes);
    for (int i = 1; i < COUNT; i++) {
        assert_memory_not_equal(all[i - 1].bytes, all[i].bytes, 16);
    }
    free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_case),
                                       TEST(every_byte_everywhere),
                                       TEST(cut_off_anywhere),
                                       TEST(one_bit_is_an_id),
                                       TEST(nulls),
                                       TEST(format_writes_version_00),
                                       TEST(every_digit_is_written),
                                       TEST(what_is_not_valid_is_not_written),
                                       TEST(equal_looks_at_every_byte),
                                       TEST(a_child_keeps_what_is_known),
                                       TEST(every_bit_of_a_root_is_random),
                                       TEST(the_generator_goes_on_and_is_seeded_anew),
                                       TEST(threads_draw_different_ids),
                                       TEST(no_id_is_ever_zero),
                                       TEST(a_forked_child_draws_its_own),
                                       TEST(a_uuid_is_laid_out_as_rfc_9562_has_it),
                                       TEST(uuids_sort_by_time),
                                       TEST(ten_thousand_uuids_of_one_instant)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

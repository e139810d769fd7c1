/* SPDX-License-Identifier: MIT */
/* test_frame.c -- the three framings: what comes out of a stream, however it was cut into pieces, what is
 * refused, what the buffer costs, and the marks around what is sent. */
#include "support/harness.h"

#include "frame.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST 100 /* bytes of the largest frame, where a case says nothing else */

/* ---- a stream, and what comes out of it ---- */

/* What a stream led to: every frame as "size:bytes;", then how it ended. */
typedef struct outcome {
    char frames[4096];
    size_t length;
    liminal_status status; /* the first failure */
    bool at_rest;          /* ... which came only at the end of the stream */
} outcome;

static void note(outcome *out, const unsigned char *payload, size_t size)
{
    int head = snprintf(out->frames + out->length, sizeof out->frames - out->length, "%zu:", size);
    out->length += (size_t)head;
    assert_true(out->length + size + 2 < sizeof out->frames);
    memcpy(out->frames + out->length, payload, size);
    out->length += size;
    out->frames[out->length++] = ';';
}

static void take_all(limi_framer *framer, outcome *out)
{
    const unsigned char *payload;
    size_t size;
    while (out->status == LIMINAL_OK) {
        out->status = limi_framer_next(framer, &payload, &size);
        if (payload == NULL) {
            assert_int_equal(size, 0);
            return;
        }
        assert_int_equal(out->status, LIMINAL_OK);
        note(out, payload, size);
    }
}

static void give(limi_framer *framer, const char *bytes, size_t size, outcome *out)
{
    while (size > 0 && out->status == LIMINAL_OK) {
        unsigned char *room = NULL;
        size_t most = 0;
        assert_int_equal(limi_framer_room(framer, &room, &most), LIMINAL_OK);
        assert_true(most > 0);
        most = most < size ? most : size;
        memcpy(room, bytes, most);
        limi_framer_filled(framer, most);
        bytes += most;
        size -= most;
        take_all(framer, out);
    }
}

static void end(limi_framer *framer, outcome *out)
{
    const unsigned char *payload;
    size_t size;
    if (out->status == LIMINAL_OK) {
        out->status = limi_framer_rest(framer, &payload, &size);
        out->at_rest = out->status != LIMINAL_OK;
        if (payload != NULL) {
            note(out, payload, size);
        }
    }
    limi_framer_clear(framer);
}

/* One that comes in pieces: cut before `first`, before `second`, and, with `each`, before every byte. */
static outcome cut(liminal_framing framing, size_t most, const char *bytes, size_t size, size_t first, size_t second,
                   bool each)
{
    static limi_framer framer;
    outcome out = {.length = 0};
    limi_framer_init(&framer, framing, most, test_allocator());
    for (size_t i = 0; each && i < size; i++) {
        give(&framer, bytes + i, 1, &out);
    }
    if (!each) {
        give(&framer, bytes, first, &out);
        give(&framer, bytes + first, second - first, &out);
        give(&framer, bytes + second, size - second, &out);
    }
    end(&framer, &out);
    return out;
}

/* ---- the table ---- */

typedef struct row {
    const char *name;
    liminal_framing framing;
    size_t most; /* 0: MOST */
    const char *bytes;
    size_t size;
    const char *frames;
    size_t frames_size;
    liminal_status status;
    bool at_rest;
} row;

#define LINE LIMINAL_FRAMING_LINE
#define COUNT LIMINAL_FRAMING_LENGTH32
#define HEADER LIMINAL_FRAMING_CONTENT_LENGTH
#define B(text) text, sizeof text - 1

static const row rows[] = {
    {"nothing", LINE, 0, B(""), B(""), LIMINAL_OK, false},
    {"a line", LINE, 0, B("abc\n"), B("3:abc;"), LIMINAL_OK, false},
    {"lines", LINE, 0, B("a\nbc\nd\n"), B("1:a;2:bc;1:d;"), LIMINAL_OK, false},
    {"empty lines", LINE, 0, B("\n\na\n\n"), B("0:;0:;1:a;0:;"), LIMINAL_OK, false},
    {"a last line without end", LINE, 0, B("a\nbc"), B("1:a;2:bc;"), LIMINAL_OK, false},
    {"nothing but a line without end", LINE, 0, B("abc"), B("3:abc;"), LIMINAL_OK, false},
    {"a carriage return stays", LINE, 0, B("a\r\n\r\nb\rc\n\r"), B("2:a\r;1:\r;3:b\rc;1:\r;"), LIMINAL_OK, false},
    {"zero bytes", LINE, 0, B("a\0b\n\0\n"), B("3:a\0b;1:\0;"), LIMINAL_OK, false},
    {"a line as large as may be", LINE, 5, B("12345\n12345"), B("5:12345;5:12345;"), LIMINAL_OK, false},
    {"a line too large", LINE, 5, B("1\n123456\n2\n"), B("1:1;"), LIMINAL_ELIMIT, false},
    {"a line too large without end", LINE, 5, B("1\n123456"), B("1:1;"), LIMINAL_ELIMIT, false},
    {"the carriage return counts", LINE, 5, B("12345\r\n"), B(""), LIMINAL_ELIMIT, false},

    {"nothing, counted", COUNT, 0, B(""), B(""), LIMINAL_OK, false},
    {"counted", COUNT, 0, B("\0\0\0\3abc"), B("3:abc;"), LIMINAL_OK, false},
    {"counted ones", COUNT, 0, B("\0\0\0\1a\0\0\0\0\0\0\0\2\n\0"), B("1:a;0:;2:\n\0;"), LIMINAL_OK, false},
    {"counted, as large as may be", COUNT, 5, B("\0\0\0\00512345"), B("5:12345;"), LIMINAL_OK, false},
    {"counted, too large", COUNT, 5, B("\0\0\0\1a\0\0\0\006123456"), B("1:a;"), LIMINAL_ELIMIT, false},
    {"counted, huge", COUNT, 0, B("\xFF\xFF\xFF\xFFx"), B(""), LIMINAL_ELIMIT, false},
    {"the first byte counts most", COUNT, 0, B("\1\0\0\0x"), B(""), LIMINAL_ELIMIT, false},
    {"the second byte", COUNT, 0x10000, B("\0\1\0\1x"), B(""), LIMINAL_ELIMIT, false},
    {"the third byte", COUNT, 256, B("\0\0\1\1x"), B(""), LIMINAL_ELIMIT, false},
    {"half a count", COUNT, 0, B("\0\0\0\1a\0\0"), B("1:a;"), LIMINAL_EINVAL, true},
    {"a count and nothing", COUNT, 0, B("\0\0\0\1"), B(""), LIMINAL_EINVAL, true},
    {"half a counted one", COUNT, 0, B("\0\0\0\2a"), B(""), LIMINAL_EINVAL, true},

    {"nothing, headed", HEADER, 0, B(""), B(""), LIMINAL_OK, false},
    {"headed", HEADER, 0, B("Content-Length: 3\r\n\r\nabc"), B("3:abc;"), LIMINAL_OK, false},
    {"headed ones", HEADER, 0, B("Content-Length: 1\r\n\r\naContent-Length: 0\r\n\r\nContent-Length: 2\r\n\r\n\r\n"),
     B("1:a;0:;2:\r\n;"), LIMINAL_OK, false},
    {"a line that is the beginning of the name", HEADER, 0, B("Content-Len\r\nContent-Length: 1\r\n\r\na"),
     B("1:a;"), LIMINAL_OK, false},
    {"any case", HEADER, 0, B("cONTENT-lENGTH: 1\r\n\r\naCONTENT-LENGTH:1\r\n\r\nb"), B("1:a;1:b;"), LIMINAL_OK,
     false},
    {"bare line feeds", HEADER, 0, B("Content-Length: 1\n\naContent-Length: 1\r\n\nbContent-Length: 1\n\r\nc"),
     B("1:a;1:b;1:c;"), LIMINAL_OK, false},
    {"blanks around the number", HEADER, 0, B("Content-Length:\t  2 \t\r\n\r\nab"), B("2:ab;"), LIMINAL_OK, false},
    {"zeros before the number", HEADER, 0, B("Content-Length: 0002\r\n\r\nab"), B("2:ab;"), LIMINAL_OK, false},
    {"other lines", HEADER, 0,
     B("Content-Type: x; charset=utf-8\r\nContent-Length: 2\r\nno colon\r\nX-Content-Length: 9\r\n"
       " Content-Length: 9\r\nContent-Length : 9\r\nContent-Lengt: 9\r\n\rC\r\n\r\nab"),
     B("2:ab;"), LIMINAL_OK, false},
    {"a payload like a header", HEADER, 0, B("Content-Length: 21\r\n\r\nContent-Length: 9\r\n\r\n"),
     B("21:Content-Length: 9\r\n\r\n;"), LIMINAL_OK, false},
    {"headed, as large as may be", HEADER, 5, B("Content-Length: 5\r\n\r\n12345"), B("5:12345;"), LIMINAL_OK, false},
    {"headed, too large", HEADER, 5, B("Content-Length: 1\r\n\r\naContent-Length: 6\r\n\r\n123456"), B("1:a;"),
     LIMINAL_ELIMIT, false},
    {"headed, huge", HEADER, 0, B("Content-Length: 99999999999999999999999999999999999999999\r\n\r\n"), B(""),
     LIMINAL_ELIMIT, false},
    {"headed, more than 64 bits count", HEADER, 0, B("Content-Length: 18446744073709551619\r\n\r\nabc"), B(""),
     LIMINAL_ELIMIT, false},
    {"negative", HEADER, 0, B("Content-Length: -1\r\n\r\n"), B(""), LIMINAL_EINVAL, false},
    {"signed", HEADER, 0, B("Content-Length: +1\r\n\r\na"), B(""), LIMINAL_EINVAL, false},
    {"no number", HEADER, 0, B("Content-Length: \r\n\r\n"), B(""), LIMINAL_EINVAL, false},
    {"a number and more", HEADER, 0, B("Content-Length: 1a\r\n\r\n"), B(""), LIMINAL_EINVAL, false},
    {"two numbers", HEADER, 0, B("Content-Length: 1 1\r\n\r\na"), B(""), LIMINAL_EINVAL, false},
    {"hexadecimal", HEADER, 0, B("Content-Length: 0x1\r\n\r\na"), B(""), LIMINAL_EINVAL, false},
    {"twice", HEADER, 0, B("Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), B(""), LIMINAL_EINVAL, false},
    {"missing", HEADER, 0, B("Content-Length: 1\r\n\r\naContent-Type: x\r\n\r\n"), B("1:a;"), LIMINAL_EINVAL, false},
    {"no header at all", HEADER, 0, B("\r\n"), B(""), LIMINAL_EINVAL, false},
    {"half a header", HEADER, 0, B("Content-Length: 1\r\n"), B(""), LIMINAL_EINVAL, true},
    {"a header and nothing", HEADER, 0, B("Content-Length: 1\r\n\r\n"), B(""), LIMINAL_EINVAL, true},
    {"half a headed one", HEADER, 0, B("Content-Length: 2\r\n\r\na"), B(""), LIMINAL_EINVAL, true},
};

static void check(const row *r, const outcome *got, const char *how, size_t first, size_t second)
{
    if (got->status != r->status || got->at_rest != r->at_rest || got->length != r->frames_size ||
        memcmp(got->frames, r->frames, r->frames_size) != 0) {
        fail_msg("%s, %s (%zu, %zu): status %d%s, frames %.*s", r->name, how, first, second, (int)got->status,
                 got->at_rest ? " at the end" : "", (int)got->length, got->frames);
    }
}

static void every_row_at_every_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row *r = &rows[i];
        size_t most = r->most != 0 ? r->most : MOST;
        outcome got = cut(r->framing, most, r->bytes, r->size, 0, 0, true);
        check(r, &got, "byte by byte", 0, 0);
        for (size_t first = 0; first <= r->size; first++) {
            /* A second cut as well, where that does not take for ever. */
            for (size_t second = first; second <= (r->size <= 50 ? r->size : first); second++) {
                got = cut(r->framing, most, r->bytes, r->size, first, second, false);
                check(r, &got, "cut", first, second);
            }
        }
        assert_int_equal(test_blocks(), 0);
    }
}

/* ---- limits, at sizes that the table can't hold ---- */

static void fill(limi_framer *framer, const char *bytes, size_t size)
{
    unsigned char *room = NULL;
    size_t most = 0;
    assert_int_equal(limi_framer_room(framer, &room, &most), LIMINAL_OK);
    assert_true(size <= most);
    memcpy(room, bytes, size);
    limi_framer_filled(framer, size);
}

static liminal_status header_of(size_t size, bool whole)
{
    static char bytes[2 * LIMI_HEADER_MOST];
    limi_framer framer;
    outcome out = {.length = 0};
    const size_t tail = whole ? sizeof "\r\nContent-Length: 0\r\n\r\n" - 1 : 0;
    memset(bytes, 'x', size);
    memcpy(bytes + size - tail, "\r\nContent-Length: 0\r\n\r\n", tail);
    limi_framer_init(&framer, HEADER, MOST, test_allocator());
    give(&framer, bytes, size, &out);
    limi_framer_clear(&framer);
    assert_int_equal(out.length, out.status == LIMINAL_OK && whole ? 3 : 0);
    return out.status;
}

static void a_header_has_a_limit(void **state)
{
    (void)state;
    assert_int_equal(header_of(LIMI_HEADER_MOST, true), LIMINAL_OK);
    assert_int_equal(header_of(LIMI_HEADER_MOST + 1, true), LIMINAL_ELIMIT);
    assert_int_equal(header_of(LIMI_HEADER_MOST - 1, false), LIMINAL_OK);
    assert_int_equal(header_of(LIMI_HEADER_MOST, false), LIMINAL_ELIMIT);
}

/* The buffer holds the largest frame and what framing needs, and shrinks when that has gone. */
static void the_buffer_is_bounded(void **state)
{
    static const liminal_framing framings[] = {LINE, COUNT, HEADER};
    const size_t most = 3000017;
    char *payload = malloc(most);
    (void)state;
    memset(payload, 'p', most);
    for (size_t i = 0; i < 3; i++) {
        limi_framer framer;
        limi_framing_marks marks;
        const unsigned char *got;
        size_t size = 0;
        assert_int_equal(limi_framing_marks_for(framings[i], payload, most, &marks), LIMINAL_OK);
        limi_framer_init(&framer, framings[i], most, test_allocator());
        if (marks.before_size > 0) {
            fill(&framer, marks.before, marks.before_size);
        }
        for (size_t given = 0; given < most;) {
            unsigned char *room;
            size_t part;
            assert_int_equal(limi_framer_next(&framer, &got, &size), LIMINAL_OK);
            assert_null(got);
            assert_int_equal(limi_framer_room(&framer, &room, &part), LIMINAL_OK);
            assert_true(test_bytes() <= most + LIMI_HEADER_MOST);
            part = part < most - given ? part : most - given;
            memcpy(room, payload + given, part);
            limi_framer_filled(&framer, part);
            given += part;
        }
        if (marks.after_size > 0) {
            fill(&framer, marks.after, marks.after_size);
        }
        assert_int_equal(limi_framer_next(&framer, &got, &size), LIMINAL_OK);
        assert_int_equal(size, most);
        assert_memory_equal(got, payload, most);
        assert_int_equal(limi_framer_next(&framer, &got, &size), LIMINAL_OK);
        assert_null(got);
        assert_true(test_bytes() <= 64 * 1024);
        limi_framer_clear(&framer);
        assert_int_equal(test_bytes(), 0);
    }
    free(payload);
}

/* A million bytes, one at a time, each looked at once: a scan from the beginning would take minutes. */
static void a_long_line_costs_what_it_is_long(void **state)
{
    const size_t length = 1000000;
    limi_framer framer;
    const unsigned char *got;
    size_t size;
    (void)state;
    limi_framer_init(&framer, LINE, length, test_allocator());
    for (size_t i = 0; i < length; i++) {
        fill(&framer, "x", 1);
        assert_int_equal(limi_framer_next(&framer, &got, &size), LIMINAL_OK);
        assert_null(got);
        assert_int_equal(framer.looked, i + 1);
    }
    fill(&framer, "\n", 1);
    assert_int_equal(limi_framer_next(&framer, &got, &size), LIMINAL_OK);
    assert_int_equal(size, length);
    limi_framer_clear(&framer);
}

/* Many frames through one small buffer, which moves what is left and never grows. */
static void the_buffer_is_used_again(void **state)
{
    limi_framer framer;
    const unsigned char *got;
    size_t size, begun = test_allocations();
    (void)state;
    limi_framer_init(&framer, LINE, MOST, test_allocator());
    for (size_t i = 0; i < 10000; i++) {
        fill(&framer, "twelve bytes\nhal", 16);
        assert_int_equal(limi_framer_next(&framer, &got, &size), LIMINAL_OK);
        assert_int_equal(size, i == 0 ? 12 : 15);
        assert_int_equal(limi_framer_next(&framer, &got, &size), LIMINAL_OK);
        assert_null(got);
    }
    assert_int_equal(test_allocations() - begun, 1);
    limi_framer_clear(&framer);
}

static void no_memory_is_a_status(void **state)
{
    limi_framer framer;
    unsigned char *room = NULL;
    size_t most = 0;
    (void)state;
    limi_framer_init(&framer, LINE, 1000000, test_allocator());
    test_fail_nth(1);
    assert_int_equal(limi_framer_room(&framer, &room, &most), LIMINAL_ENOMEM);
    assert_int_equal(limi_framer_room(&framer, &room, &most), LIMINAL_OK); /* it may be tried again */
    assert_true(most > 1);
    memset(room, 'x', most - 1);
    limi_framer_filled(&framer, most - 1);
    test_fail_from(1);
    assert_int_equal(limi_framer_room(&framer, &room, &most), LIMINAL_OK); /* a byte is left */
    assert_int_equal(most, 1);
    *room = 'x';
    limi_framer_filled(&framer, 1);
    assert_int_equal(limi_framer_room(&framer, &room, &most), LIMINAL_ENOMEM);
    test_fail_nth(0);
    limi_framer_clear(&framer);
}

/* It can't become larger than that, and need not: the frame is whole before the room has gone. */
static void the_longest_header_and_the_largest_payload_fit(void **state)
{
    enum { LARGEST = 20000 };
    static const char first[] = "Content-Length: 20000\r\nX: ", last[] = "\r\n\r\n";
    static char stream[LIMI_HEADER_MOST + LARGEST];
    size_t size = LIMI_HEADER_MOST - 1 + LARGEST;
    outcome out = {.status = LIMINAL_OK};
    limi_framer framer;
    const unsigned char *payload = NULL;
    size_t got = 0;
    (void)state;
    memset(stream, 'x', size);
    memcpy(stream, first, sizeof first - 1);
    memcpy(stream + LIMI_HEADER_MOST - 1 - (sizeof last - 1), last, sizeof last - 1);
    limi_framer_init(&framer, HEADER, LARGEST, test_allocator());
    give(&framer, stream, size - 1, &out);
    assert_int_equal(out.status, LIMINAL_OK);
    assert_int_equal(out.length, 0);
    assert_int_equal(framer.room, LARGEST + LIMI_HEADER_MOST);
    {
        unsigned char *room = NULL;
        assert_int_equal(limi_framer_room(&framer, &room, &got), LIMINAL_OK);
        assert_int_equal(got, 2);
        *room = 'y';
    }
    limi_framer_filled(&framer, 1);
    assert_int_equal(limi_framer_next(&framer, &payload, &got), LIMINAL_OK);
    assert_non_null(payload);
    assert_int_equal(got, LARGEST);
    assert_int_equal(payload[LARGEST - 1], 'y');
    limi_framer_clear(&framer);
}

/* Even when nobody looked for whole frames before the end. */
static void a_rest_that_is_too_large_is_refused(void **state)
{
    limi_framer framer;
    unsigned char *room = NULL;
    const unsigned char *payload = NULL;
    size_t size = 0;
    (void)state;
    limi_framer_init(&framer, LINE, 5, test_allocator());
    assert_int_equal(limi_framer_room(&framer, &room, &size), LIMINAL_OK);
    memcpy(room, "123456", 6);
    limi_framer_filled(&framer, 6);
    assert_int_equal(limi_framer_rest(&framer, &payload, &size), LIMINAL_ELIMIT);
    assert_null(payload);
    limi_framer_clear(&framer);
}

/* ---- what is sent ---- */

static void marks_are(liminal_framing framing, const char *payload, size_t size, const char *before, size_t before_size,
                      const char *after)
{
    limi_framing_marks marks;
    assert_int_equal(limi_framing_marks_for(framing, payload, size, &marks), LIMINAL_OK);
    assert_int_equal(marks.before_size, before_size);
    assert_memory_equal(marks.before, before, before_size);
    assert_int_equal(marks.after_size, strlen(after));
    assert_memory_equal(marks.after, after, strlen(after));
}

static void marks_around_what_is_sent(void **state)
{
    limi_framing_marks marks;
    (void)state;
    marks_are(LINE, "abc", 3, "", 0, "\n");
    marks_are(LINE, "abc\n", 4, "", 0, "");
    marks_are(LINE, "a\nb", 3, "", 0, "\n");
    marks_are(LINE, "", 0, "", 0, "\n");
    marks_are(COUNT, "abc", 3, "\0\0\0\3", 4, "");
    marks_are(COUNT, "", 0, "\0\0\0\0", 4, "");
    marks_are(COUNT, NULL, 0x01020304, "\1\2\3\4", 4, "");
    marks_are(COUNT, NULL, UINT32_MAX, "\xFF\xFF\xFF\xFF", 4, "");
    assert_int_equal(limi_framing_marks_for(COUNT, NULL, (size_t)UINT32_MAX + 1, &marks), LIMINAL_ELIMIT);
    marks_are(HEADER, "abc", 3, B("Content-Length: 3\r\n\r\n"), "");
    marks_are(HEADER, "", 0, B("Content-Length: 0\r\n\r\n"), "");
    marks_are(HEADER, NULL, SIZE_MAX, B("Content-Length: 18446744073709551615\r\n\r\n"), "");
}

/* What is sent with its marks is what is read again. */
static void what_is_sent_is_read_again(void **state)
{
    static const liminal_framing framings[] = {LINE, COUNT, HEADER};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        static char bytes[64 * 1024];
        char payload[300];
        size_t length = 0;
        limi_framer framer;
        const unsigned char *got;
        limi_framer_init(&framer, framings[i], sizeof payload, test_allocator());
        for (size_t size = 0; size < sizeof payload; size += 7) {
            limi_framing_marks marks;
            memset(payload, (int)('a' + size % 26), size);
            assert_int_equal(limi_framing_marks_for(framings[i], payload, size, &marks), LIMINAL_OK);
            memcpy(bytes + length, marks.before, marks.before_size);
            memcpy(bytes + length + marks.before_size, payload, size);
            memcpy(bytes + length + marks.before_size + size, marks.after, marks.after_size);
            length += marks.before_size + size + marks.after_size;
        }
        fill(&framer, bytes, length);
        for (size_t size = 0; size < sizeof payload; size += 7) {
            size_t read = 0;
            assert_int_equal(limi_framer_next(&framer, &got, &read), LIMINAL_OK);
            assert_non_null(got);
            assert_int_equal(read, size);
            assert_true(size == 0 || got[size - 1] == (unsigned char)('a' + size % 26));
        }
        limi_framer_clear(&framer);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_row_at_every_cut),      TEST(a_header_has_a_limit),     TEST(the_buffer_is_bounded),
        TEST(a_long_line_costs_what_it_is_long), TEST(the_buffer_is_used_again), TEST(no_memory_is_a_status),
        TEST(the_longest_header_and_the_largest_payload_fit), TEST(a_rest_that_is_too_large_is_refused),
        TEST(marks_around_what_is_sent),   TEST(what_is_sent_is_read_again),
    };
    return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}

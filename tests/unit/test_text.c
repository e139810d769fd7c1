/* SPDX-License-Identifier: MIT */
/* test_text.c -- the rules for names: length, emptiness, UTF-8 as RFC 3629 has it. */
#include "support/harness.h"

#include "text.h"

#include <stdlib.h>
#include <string.h>

static bool accepts(const void *bytes, size_t length)
{
    char text[16] = {0};
    assert_true(length < sizeof text);
    memcpy(text, bytes, length);
    return limi_text_check(text, sizeof text, true, "text", NULL) == LIMINAL_OK;
}

static void lengths_are_checked(void **state)
{
    size_t length = 77;
    (void)state;
    assert_int_equal(limi_text_check(NULL, 5, true, "a.name", &length), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "a.name: NULL");
    assert_int_equal(limi_text_check("", 5, false, "a.name", &length), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "a.name: empty");
    assert_int_equal(limi_text_check("sixsix", 5, true, "a.name", &length), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "a.name: longer than 5 bytes");
    assert_int_equal(limi_text_check("ab\xFF", 5, true, "a.name", &length), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "a.name: not UTF-8 at byte 2");
    assert_int_equal(length, 77);

    assert_int_equal(limi_text_check("", 5, true, "a.name", &length), LIMINAL_OK);
    assert_int_equal(length, 0);
    assert_int_equal(limi_text_check("fives", 5, false, "a.name", &length), LIMINAL_OK);
    assert_int_equal(length, 5);
    assert_int_equal(limi_text_check("\xC3\xA4\xC3\xA4", 3, false, "a.name", NULL), LIMINAL_EINVAL);
    assert_int_equal(limi_text_check("\xC3\xA4\xC3\xA4", SIZE_MAX, false, "a.name", &length), LIMINAL_OK);
    assert_int_equal(length, 4);
}

/* What does not fit is not read: the text need not end there. */
static void reads_no_further_than_it_must(void **state)
{
    char *room = malloc(4);
    (void)state;
    memset(room, 'x', 4);
    assert_int_equal(limi_text_check(room, 3, true, "text", NULL), LIMINAL_EINVAL);
    memcpy(room, "xx\xF0", 4); /* cut off inside a character, at the end of the room */
    assert_int_equal(limi_text_check(room, 3, true, "text", NULL), LIMINAL_EINVAL);
    free(room);
}

static size_t encode(uint32_t point, unsigned char *to, size_t length)
{
    static const unsigned char lead[] = {0, 0, 0xC0, 0xE0, 0xF0, 0xF8, 0xFC};
    if (length == 1) {
        to[0] = (unsigned char)point;
        return 1;
    }
    for (size_t i = length; i-- > 1;) {
        to[i] = (unsigned char)(0x80U | (point & 0x3FU));
        point >>= 6;
    }
    to[0] = (unsigned char)(lead[length] | point);
    return length;
}

static void every_code_point(void **state)
{
    unsigned char bytes[8];
    (void)state;
    for (uint32_t point = 1; point < 0x120000; point++) {
        size_t least = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
        bool fine = point <= 0x10FFFF && (point < 0xD800 || point > 0xDFFF);
        if (accepts(bytes, encode(point, bytes, least)) != fine) {
            fail_msg("U+%X", (unsigned)point);
        }
    }
}

static void overlong_forms(void **state)
{
    unsigned char bytes[8];
    (void)state;
    for (uint32_t point = 0; point < 0x10000; point++) {
        size_t least = point < 0x80 ? 1 : point < 0x800 ? 2 : 3;
        for (size_t length = least + 1; length <= 6; length++) {
            if (accepts(bytes, encode(point, bytes, length))) {
                fail_msg("U+%X in %zu bytes", (unsigned)point, length);
            }
        }
    }
    assert_false(accepts("\xF8\x88\x80\x80\x80", 5)); /* U+200000 as once was */
    assert_false(accepts("\xFC\x84\x80\x80\x80\x80", 6));
}

/* Every way to break one byte of a good character, in the middle of a text. */
static void broken_bytes(void **state)
{
    static const char *const good[] = {"a\xC3\xA4z", "a\xE2\x82\xACz", "a\xED\x9F\xBFz", "a\xF0\x9F\x98\x80z",
                                       "a\xF4\x8F\xBF\xBFz"};
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        size_t length = strlen(good[i]);
        assert_true(accepts(good[i], length));
        for (size_t at = 2; at < length - 1; at++) {
            for (unsigned byte = 0; byte < 256; byte++) {
                char text[8];
                memcpy(text, good[i], length);
                text[at] = (char)byte;
                if (byte < 0x80 || byte > 0xBF) {
                    assert_false(accepts(text, length));
                }
            }
        }
        for (size_t cut = 2; cut < length - 1; cut++) {
            assert_false(accepts(good[i], cut)); /* the text ends inside */
        }
    }
    for (unsigned byte = 0x80; byte < 256; byte++) {
        char text[3] = {(char)byte, 'z', 0};
        assert_false(accepts(text, 2));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lengths_are_checked), TEST(reads_no_further_than_it_must), TEST(every_code_point), TEST(overlong_forms),
        TEST(broken_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

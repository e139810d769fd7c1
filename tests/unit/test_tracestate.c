/* SPDX-License-Identifier: MIT */
/* test_tracestate.c -- reading, shortening, setting and finding members. */
#include "support/harness.h"

#include <liminal/trace.h>

#include <stdlib.h>
#include <string.h>

#define LONGEST 40000

static const liminal_tracestate empty;

/* A text that is built up. */
typedef struct builder {
    size_t length;
    char text[LONGEST + 1];
} builder;

static void put(builder *to, const char *text)
{
    size_t length = strlen(text);
    assert_true(to->length + length <= LONGEST);
    memcpy(to->text + to->length, text, length + 1);
    to->length += length;
}

static void put_many(builder *to, char c, size_t count)
{
    assert_true(to->length + count <= LONGEST);
    memset(to->text + to->length, c, count);
    to->length += count;
    to->text[to->length] = '\0';
}

/* A member of that many characters, behind a comma unless it is the first. */
static void put_member(builder *to, const char *key, size_t length)
{
    if (to->length > 0) {
        put(to, ",");
    }
    put(to, key);
    put(to, "=");
    put_many(to, key[0], length - strlen(key) - 1);
}

/* From an allocation that is exact, so that ASan sees who reads on. */
static liminal_status parse(const char *field, liminal_tracestate *out)
{
    size_t size = strlen(field) + 1;
    char *exact = malloc(size);
    const char *fields[1];
    liminal_status st;
    assert_non_null(exact);
    memcpy(exact, field, size);
    fields[0] = exact;
    st = liminal_tracestate_parse(fields, 1, out);
    free(exact);
    return st;
}

static void assert_state(const liminal_tracestate *state, const char *text)
{
    assert_string_equal(state->text, text);
    assert_int_equal(state->length, strlen(text));
}

/* Every byte of it; there is padding behind the text. */
static void assert_same(const liminal_tracestate *a, const liminal_tracestate *b)
{
    assert_int_equal(a->length, b->length);
    assert_memory_equal(a->text, b->text, sizeof a->text);
}

static liminal_tracestate state_of(const char *text)
{
    liminal_tracestate state;
    assert_int_equal(parse(text, &state), LIMINAL_OK);
    assert_state(&state, text);
    return state;
}

/* The field becomes `wanted`; NULL: it is dropped. */
static void assert_becomes(const char *field, const char *wanted)
{
    liminal_tracestate out;
    liminal_status st;
    memset(&out, 0xee, sizeof out);
    st = parse(field, &out);
    if (st != (wanted != NULL ? LIMINAL_OK : LIMINAL_EINVAL)) {
        fail_msg("\"%.80s\": %s", field, liminal_status_name(st));
    }
    assert_state(&out, wanted != NULL ? wanted : "");
    if (wanted == NULL) {
        assert_same(&out, &empty);
        assert_memory_equal(liminal_status_detail(), "tracestate: ", 12);
    }
}

/* ---- reading ---------------------------------------------------------------------------------- */

static const struct {
    const char *fields[4]; /* up to the first NULL */
    const char *wanted;    /* NULL: dropped */
} cases[] = {
    /* w3c-cases.md, in its order; 32 and 33 members are further down */
    {{"foo=1,bar=2"}, "foo=1,bar=2"},
    {{"foo=1 \t , \t bar=2"}, "foo=1,bar=2"},
    {{"foo =1"}, NULL},
    {{"FOO=1"}, NULL},
    {{"foo.bar=1"}, NULL},
    {{"@foo=1,bar=2"}, NULL},
    {{"foo=bar=baz"}, NULL},
    {{"foo=,bar=3"}, NULL},

    /* blanks: around a member they are trimmed, leading ones of a value belong to it */
    {{" foo=1"}, "foo=1"},
    {{"\tfoo=1\t"}, "foo=1"},
    {{"foo=1   "}, "foo=1"},
    {{"foo=1   ,bar=2\t\t"}, "foo=1,bar=2"},
    {{"foo=  1"}, "foo=  1"},
    {{"foo= 1 2 ,bar= "}, NULL},
    {{"foo= 1 2 \t ,bar= 3"}, "foo= 1 2,bar= 3"},
    {{"foo=\t1"}, NULL},
    {{"foo=1\t2"}, NULL},
    {{"foo\t=1"}, NULL},
    {{"fo o=1"}, NULL},
    {{"foo=1\n"}, NULL},
    {{"\rfoo=1"}, NULL},
    {{"foo= "}, NULL},

    /* no key, no value, no equals */
    {{"foo"}, NULL},
    {{"="}, NULL},
    {{"=1"}, NULL},
    {{"foo="}, NULL},
    {{"foo=1,bar"}, NULL},
    {{"foo=1,=2"}, NULL},
    {{"foo==1"}, NULL},
    {{"foo=1="}, NULL},
    {{"foo=1;bar=2"}, NULL},

    /* keys */
    {{"0=1"}, "0=1"},
    {{"0foo=1"}, "0foo=1"},
    {{"a_-*/@9z=1"}, "a_-*/@9z=1"},
    {{"fw529a3039@dt=1"}, "fw529a3039@dt=1"},
    {{"foo@=1"}, "foo@=1"},
    {{"foo@bar@baz=1"}, "foo@bar@baz=1"},
    {{"_foo=1"}, NULL},
    {{"-foo=1"}, NULL},
    {{"*foo=1"}, NULL},
    {{"/foo=1"}, NULL},
    {{"foO=1"}, NULL},

    /* empty members are allowed, and not passed on */
    {{""}, ""},
    {{" \t "}, ""},
    {{","}, ""},
    {{",,, \t,"}, ""},
    {{"foo=1,"}, "foo=1"},
    {{",foo=1"}, "foo=1"},
    {{"foo=1,,bar=2"}, "foo=1,bar=2"},
    {{" ,foo=1, \t ,bar=2, "}, "foo=1,bar=2"},

    /* several fields are one list, in their order; a member ends with its field */
    {{"foo=1", "bar=2"}, "foo=1,bar=2"},
    {{"foo=1,bar=2", "rojo=1,congo=2", "baz=3"}, "foo=1,bar=2,rojo=1,congo=2,baz=3"},
    {{"foo=1", ""}, "foo=1"},
    {{"", "foo=1"}, "foo=1"},
    {{"foo=1", " \t ", "bar=2"}, "foo=1,bar=2"},
    {{"foo=1,", ",bar=2"}, "foo=1,bar=2"},
    {{"foo=1 ", " bar=2"}, "foo=1,bar=2"},
    {{"foo", "=1"}, NULL},
    {{"foo=1", "BAR=2"}, NULL},
    {{"FOO=1", "bar=2"}, NULL},

    /* Doubles. By level 2 it is the sender who sees to it that a key stands once; a receiver may pass
     * doubles on or drop them, and its public tests take either. We keep the first, which is the newest. */
    {{"foo=1,foo=1"}, "foo=1"},
    {{"foo=1,bar=2,foo=3"}, "foo=1,bar=2"},
    {{"foo=1,bar=2", "foo=3,bar=4,baz=5"}, "foo=1,bar=2,baz=5"},
    {{"foo=1,fo=2,fooo=3"}, "foo=1,fo=2,fooo=3"},
    {{"foo=1,foo="}, NULL},
};

static void every_case(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        liminal_tracestate out;
        liminal_status st;
        size_t count = 0;
        while (count < 4 && cases[i].fields[count] != NULL) {
            count++;
        }
        memset(&out, 0xee, sizeof out);
        st = liminal_tracestate_parse(cases[i].fields, count, &out);
        if (st != (cases[i].wanted != NULL ? LIMINAL_OK : LIMINAL_EINVAL)) {
            fail_msg("case %zu, \"%s\": %s", i, cases[i].fields[0], liminal_status_name(st));
        }
        assert_state(&out, cases[i].wanted != NULL ? cases[i].wanted : "");
        if (count == 1) {
            assert_becomes(cases[i].fields[0], cases[i].wanted);
        }
    }
}

static void every_byte(void **state)
{
    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char c = (char)byte;
        bool always = (byte >= 'a' && byte <= 'z') || (byte >= '0' && byte <= '9');
        bool in_key = always || strchr("_-*/@", byte) != NULL;
        bool in_value = byte >= 0x20 && byte <= 0x7e && byte != ',' && byte != '=';
        char first[] = {c, 'z', '=', '1', 0}, later[] = {'z', c, 'z', '=', '1', 0};
        char inside[] = {'z', '=', '1', c, '1', 0}, only[] = {'z', '=', c, 0};
        if (c != ',' && c != ' ' && c != '\t') { /* those end or trim */
            assert_becomes(first, always ? first : NULL);
            assert_becomes(only, in_value ? only : NULL);
        }
        assert_becomes(later, in_key ? later : NULL);
        assert_becomes(inside, in_value ? inside : NULL);
    }
    assert_becomes(" z=1", "z=1");
    assert_becomes("z=1,1", NULL);
}

static void at_most_32_members(void **state)
{
    liminal_tracestate out;
    builder list = {0};
    const char *fields[40];
    char each[40][8];
    (void)state;
    for (size_t i = 0; i < 40; i++) {
        memcpy(each[i], "k00=1", 6);
        each[i][1] = (char)('0' + i / 10);
        each[i][2] = (char)('0' + i % 10);
        fields[i] = each[i];
    }
    for (size_t i = 0; i < 33; i++) {
        put(&list, i > 0 ? "," : "");
        put(&list, each[i]);
        assert_becomes(list.text, i < 32 ? list.text : NULL);
        assert_int_equal(liminal_tracestate_parse(fields, i + 1, &out), i < 32 ? LIMINAL_OK : LIMINAL_EINVAL);
        assert_state(&out, i < 32 ? list.text : "");
    }

    /* Empty members are none; a double is one. */
    list = (builder){0};
    for (size_t i = 0; i < 32; i++) {
        put(&list, i > 0 ? ", ,," : ",,");
        put(&list, each[i]);
    }
    put(&list, ",,");
    assert_int_equal(parse(list.text, &out), LIMINAL_OK);
    assert_int_equal(out.length, 32 * 6 - 1);
    put(&list, each[0]);
    assert_becomes(list.text, NULL);
}

static void at_most_256_characters(void **state)
{
    liminal_tracestate out;
    builder list;
    (void)state;
    for (size_t length = 255; length <= 257; length++) {
        list = (builder){0}; /* the key */
        put_many(&list, 'k', length);
        put(&list, "=v");
        assert_becomes(list.text, length <= 256 ? list.text : NULL);

        list = (builder){0}; /* the value */
        put(&list, "k=");
        put_many(&list, 'v', length);
        assert_becomes(list.text, length <= 256 ? list.text : NULL);

        list = (builder){0}; /* leading spaces count */
        put(&list, "k=");
        put_many(&list, ' ', length - 1);
        put(&list, "v");
        assert_becomes(list.text, length <= 256 ? list.text : NULL);
    }
    list = (builder){0}; /* trailing ones do not */
    put(&list, "k=");
    put_many(&list, 'v', 256);
    put_many(&list, ' ', 1000);
    assert_int_equal(parse(list.text, &out), LIMINAL_OK);
    assert_int_equal(out.length, 258);

    list = (builder){0}; /* too long a key makes the whole of it bad, also when it would be shortened away */
    put_member(&list, "a", 128);
    put(&list, ",");
    put_many(&list, 'k', 257);
    put(&list, "=v");
    assert_becomes(list.text, NULL);
}

static void nulls(void **state)
{
    const char *fields[] = {"a=1", NULL, "b=2"};
    liminal_tracestate out = state_of("old=1"), before = out;
    (void)state;
    assert_int_equal(liminal_tracestate_parse(NULL, 1, &out), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "fields: NULL");
    assert_int_equal(liminal_tracestate_parse(fields, 3, &out), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "fields[1]: NULL");
    assert_same(&out, &before);
    assert_int_equal(liminal_tracestate_parse(fields, 1, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    assert_int_equal(liminal_tracestate_parse(NULL, 0, &out), LIMINAL_OK); /* no field: nothing to be wrong */
    assert_same(&out, &empty);
}

/* ---- shortening ------------------------------------------------------------------------------- */

/* Members by the first letters of their keys and their lengths, "a100 b129", and what is left of them. */
static void shorten(const char *members, const char *left)
{
    builder list = {0}, wanted = {0};
    const char *at = members;
    while (*at != '\0') {
        char key[2] = {*at++, '\0'};
        char *end;
        size_t length = (size_t)strtol(at, &end, 10);
        put_member(&list, key, length);
        if (strchr(left, key[0]) != NULL) {
            put_member(&wanted, key, length);
        }
        at = end + (*end == ' ');
    }
    assert_becomes(list.text, wanted.text);
    assert_becomes(wanted.text, wanted.text);
}

static void shortened_to_512(void **state)
{
    (void)state;
    /* 512 are carried, 513 are not; the commas count. */
    shorten("a128 b128 c128 d125", "abcd");
    shorten("a128 b128 c128 d126", "abc");
    shorten("a257", "a");
    shorten("a255 b256", "ab");
    shorten("a256 b256", "a"); /* 513: of two long ones the right one goes */

    /* From the right, whole members, as few as will do. */
    shorten("a100 b100 c100 d100 e100 f100 g100", "abcde");
    shorten("a128 b128 c128 d128 e3", "abc"); /* the short one at the end goes before its neighbour */
    shorten("a3 b128 c128 d128 e128", "abcd");

    /* Those over 128 go first, however far to the left; 128 is not over it. */
    shorten("a129 b128 c128 d128", "bcd");
    shorten("a128 b129 c128 d128", "acd");
    shorten("a128 b128 c128 d129", "abc");
    shorten("a200 b200 c100 d100", "acd"); /* and no more of them than must */
    shorten("a250 b3 c250 d3 e3", "abde");
    shorten("a250 b130 c130 d3", "abd");
    shorten("a140 b250 c128 d128 e100", "acde"); /* 249 are too many, and the right one of the long goes */
    shorten("a200 b200 c200 d100 e100", "ade");  /* two of three */
    shorten("a240 b240 c200 d100 e100 f100", "def");
    shorten("a129 b129 c128 d128 e128 f128 g128", "cde"); /* all of them, and that does not do */
}

static void too_large_for_itself(void **state)
{
    builder list = {0};
    (void)state;
    put_many(&list, 'k', 256);
    put(&list, "=");
    put_many(&list, 'v', 255);
    assert_becomes(list.text, list.text); /* 512 */
    put(&list, "v");
    assert_becomes(list.text, ""); /* 513: good, but more than we carry */
    put(&list, ",a=1");
    assert_becomes(list.text, "a=1");
}

static void only_what_is_passed_on_counts(void **state)
{
    builder list = {0};
    (void)state;
    for (int i = 0; i < 300; i++) {
        put(&list, i % 100 == 0 ? (i == 0 ? " \t a=1" : i == 100 ? " \t b=2" : " \t c=3") : "  ");
        put(&list, "\t \t,");
    }
    assert_true(list.length > 1000);
    assert_becomes(list.text, "a=1,b=2,c=3");
}

static void shortened_at_its_longest(void **state)
{
    builder list = {0};
    char key[] = "a00";
    liminal_tracestate out;
    (void)state;
    for (int i = 0; i < 32; i++) {
        key[1] = (char)('0' + i / 10);
        key[2] = (char)('0' + i % 10);
        put(&list, i > 0 ? "," : "");
        put(&list, key);
        put_many(&list, 'k', 253);
        put(&list, "=");
        put_many(&list, 'v', 256);
    }
    assert_int_equal(list.length, 32 * 513 + 31);
    assert_int_equal(parse(list.text, &out), LIMINAL_OK);
    assert_state(&out, "");
}

/* ---- set -------------------------------------------------------------------------------------- */

static void set_goes_to_the_far_left(void **state)
{
    liminal_tracestate s = {0};
    (void)state;
    assert_int_equal(liminal_tracestate_set(&s, "a", "1"), LIMINAL_OK);
    assert_state(&s, "a=1");
    assert_int_equal(liminal_tracestate_set(&s, "b", "  2"), LIMINAL_OK);
    assert_state(&s, "b=  2,a=1");
    assert_int_equal(liminal_tracestate_set(&s, "c@d", "3"), LIMINAL_OK);
    assert_state(&s, "c@d=3,b=  2,a=1");

    /* In place of its older self, wherever that was. */
    assert_int_equal(liminal_tracestate_set(&s, "b", "two"), LIMINAL_OK);
    assert_state(&s, "b=two,c@d=3,a=1");
    assert_int_equal(liminal_tracestate_set(&s, "a", "one"), LIMINAL_OK);
    assert_state(&s, "a=one,b=two,c@d=3");
    assert_int_equal(liminal_tracestate_set(&s, "a", "0"), LIMINAL_OK);
    assert_state(&s, "a=0,b=two,c@d=3");
    assert_int_equal(liminal_tracestate_set(&s, "c", "4"), LIMINAL_OK); /* not the same key */
    assert_state(&s, "c=4,a=0,b=two,c@d=3");

    for (size_t i = s.length; i < sizeof s.text; i++) {
        assert_int_equal(s.text[i], 0); /* nothing of the longer past is left */
    }
}

static void set_refuses_and_changes_nothing(void **state)
{
    static const struct {
        const char *key, *value;
    } bad[] = {{"", "1"},    {"A", "1"},    {"@a", "1"},   {"a=", "1"},        {"a b", "1"}, {" a", "1"},
               {"a,b", "1"}, {"a", ""},     {"a", " "},    {"a", "1 "},        {"a", "1,2"}, {"a", "1=2"},
               {"a", "1\t"}, {"a", "\x7f"}, {"a", "\x80"}, {"a\xc3\xa4", "1"}, {NULL, "1"},  {"a", NULL}};
    liminal_tracestate s = state_of("a=1,b=2"), before = s;
    builder longer = {0};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        if (liminal_tracestate_set(&s, bad[i].key, bad[i].value) != LIMINAL_EINVAL) {
            fail_msg("bad case %zu", i);
        }
        assert_same(&s, &before);
    }
    assert_int_equal(liminal_tracestate_set(NULL, "a", "1"), LIMINAL_EINVAL);
    put_many(&longer, 'k', 257);
    assert_int_equal(liminal_tracestate_set(&s, longer.text, "1"), LIMINAL_EINVAL);
    assert_int_equal(liminal_tracestate_set(&s, "a", longer.text), LIMINAL_EINVAL);
    /* 256 for each is allowed, but together they are one more than we carry. */
    assert_int_equal(liminal_tracestate_set(&s, longer.text + 1, longer.text + 1), LIMINAL_EINVAL);
    assert_same(&s, &before);

    s = (liminal_tracestate){3, "FOO"}; /* not made by us */
    before = s;
    assert_int_equal(liminal_tracestate_set(&s, "a", "1"), LIMINAL_EINVAL);
    assert_same(&s, &before);
}

static void set_at_32_members(void **state)
{
    builder list = {0}, wanted = {0};
    char key[] = "k00";
    liminal_tracestate s;
    (void)state;
    for (int i = 0; i < 32; i++) {
        key[1] = (char)('0' + i / 10);
        key[2] = (char)('0' + i % 10);
        put_member(&list, key, 6);
    }
    s = state_of(list.text);
    assert_int_equal(liminal_tracestate_set(&s, "k31", "x"), LIMINAL_OK); /* the rightmost one itself: none goes */
    put(&wanted, "k31=x,");
    put(&wanted, list.text);
    wanted.text[6 + 31 * 7 - 1] = '\0';
    assert_state(&s, wanted.text);

    s = state_of(list.text);
    assert_int_equal(liminal_tracestate_set(&s, "new", "x"), LIMINAL_OK); /* another one: the rightmost goes */
    memcpy(wanted.text, "new", 3);
    assert_state(&s, wanted.text);
}

static void set_shortens_the_others(void **state)
{
    builder list = {0}, wanted = {0}, value = {0};
    liminal_tracestate s;
    (void)state;
    put_member(&list, "a", 128); /* 512 in all, one of them long */
    put_member(&list, "b", 140);
    put_member(&list, "c", 120);
    put_member(&list, "d", 121);
    assert_int_equal(list.length, 512);
    s = state_of(list.text);
    assert_int_equal(liminal_tracestate_set(&s, "n", "1"), LIMINAL_OK);
    put(&wanted, "n=1");
    put_member(&wanted, "a", 128);
    put_member(&wanted, "c", 120);
    put_member(&wanted, "d", 121);
    assert_state(&s, wanted.text);

    s = state_of(list.text); /* a new one that is itself long stays; then from the right */
    put_many(&value, 'n', 254);
    assert_int_equal(liminal_tracestate_set(&s, "n", value.text), LIMINAL_OK);
    wanted = (builder){0};
    put_member(&wanted, "n", 256);
    put_member(&wanted, "a", 128);
    put_member(&wanted, "c", 120);
    assert_state(&s, wanted.text);

    s = state_of(list.text); /* its older self makes room first */
    value = (builder){0};
    put_many(&value, 'x', 138);
    assert_int_equal(liminal_tracestate_set(&s, "b", value.text), LIMINAL_OK);
    assert_int_equal(s.length, 512);

    s = state_of("a=1"); /* 512 leave no room for anyone else */
    value = (builder){0};
    put_many(&value, 'k', 256);
    assert_int_equal(liminal_tracestate_set(&s, value.text, value.text + 1), LIMINAL_OK);
    assert_int_equal(s.length, 512);
    assert_null(strchr(s.text, ','));
}

/* What is handed in may stand in the state that is changed. */
static void set_from_itself(void **state)
{
    liminal_tracestate s = state_of("a=1,b=22");
    size_t length = 0;
    const char *value = liminal_tracestate_get(&s, "b", &length);
    (void)state;
    assert_string_equal(value, "22");
    assert_int_equal(liminal_tracestate_set(&s, "c", value), LIMINAL_OK);
    assert_state(&s, "c=22,a=1,b=22");
    assert_int_equal(liminal_tracestate_set(&s, s.text + s.length - 1, s.text + s.length - 1), LIMINAL_OK);
    assert_state(&s, "2=2,c=22,a=1,b=22");
}

/* ---- get -------------------------------------------------------------------------------------- */

static void get_finds(void **state)
{
    const liminal_tracestate s = state_of("foo=1,fo=22,fooo=  333,a@b=z/z");
    size_t length = 77;
    (void)state;
    assert_ptr_equal(liminal_tracestate_get(&s, "foo", &length), s.text + 4);
    assert_int_equal(length, 1);
    assert_ptr_equal(liminal_tracestate_get(&s, "fo", &length), s.text + 9);
    assert_int_equal(length, 2);
    assert_ptr_equal(liminal_tracestate_get(&s, "fooo", &length), s.text + 17);
    assert_int_equal(length, 5);
    assert_ptr_equal(liminal_tracestate_get(&s, "a@b", &length), s.text + 27);
    assert_int_equal(length, 3);

    length = 77;
    assert_null(liminal_tracestate_get(&s, "f", &length));
    assert_null(liminal_tracestate_get(&s, "", &length));
    assert_null(liminal_tracestate_get(&s, "1", &length));
    assert_null(liminal_tracestate_get(&s, "foo=1", &length));
    assert_null(liminal_tracestate_get(&s, "FOO", &length));
    assert_null(liminal_tracestate_get(&empty, "foo", &length));
    assert_null(liminal_tracestate_get(NULL, "foo", &length));
    assert_null(liminal_tracestate_get(&s, NULL, &length));
    assert_int_equal(length, 77);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(every_case),
                                       TEST(every_byte),
                                       TEST(at_most_32_members),
                                       TEST(at_most_256_characters),
                                       TEST(nulls),
                                       TEST(shortened_to_512),
                                       TEST(too_large_for_itself),
                                       TEST(only_what_is_passed_on_counts),
                                       TEST(shortened_at_its_longest),
                                       TEST(set_goes_to_the_far_left),
                                       TEST(set_refuses_and_changes_nothing),
                                       TEST(set_at_32_members),
                                       TEST(set_shortens_the_others),
                                       TEST(set_from_itself),
                                       TEST(get_finds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* fuzz_tracestate.c -- tracestate fields, and members that are put in: against a second reader that goes by the letter
 * of the standard.
 *
 * Of the input, what stands before the first zero byte is the header fields, one a line; then come a key, its value,
 * the next key ..., with a zero byte behind each. */
#include "fuzz.h"

#include <liminal/trace.h>

#include <string.h>

enum { FIELDS = 8, MEMBERS = LIMINAL_TRACESTATE_MEMBERS, LENGTH = LIMINAL_TRACESTATE_LENGTH, LONG = 128 };

/* ---- the standard ---- */

typedef struct member {
    const char *text;
    size_t key, size;
} member;

typedef struct list {
    member at[MEMBERS];
    size_t count;
} list;

static bool key_allowed(const char *key, size_t size)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyz0123456789", later[] = "_-*/@";
    for (size_t i = 0; i < size; i++) {
        if (key[i] == '\0' || (strchr(first, key[i]) == NULL && (i == 0 || strchr(later, key[i]) == NULL))) {
            return false;
        }
    }
    return size >= 1 && size <= 256;
}

static bool value_allowed(const char *value, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (value[i] < ' ' || value[i] > '~' || value[i] == ',' || value[i] == '=') {
            return false;
        }
    }
    return size >= 1 && size <= 256 && value[size - 1] != ' ';
}

static size_t text_length(const list *members)
{
    size_t length = members->count;
    for (size_t i = 0; i < members->count; i++) {
        length += members->at[i].size;
    }
    return length > 0 ? length - 1 : 0;
}

static void drop(list *members, size_t at)
{
    for (members->count--; at < members->count; at++) {
        members->at[at] = members->at[at + 1];
    }
}

/* Whole members go, the long ones first, each time the one that is furthest to the right; the first `kept` stay. */
static void fit(list *members, size_t kept)
{
    while (text_length(members) > LENGTH) {
        size_t victim = members->count - 1;
        for (size_t i = members->count; i > kept; i--) {
            if (members->at[i - 1].size > LONG) {
                victim = i - 1;
                break;
            }
        }
        drop(members, victim);
    }
}

/* False: bad, or one too many. `seen` goes on over the fields. */
static bool read_members(const char *field, list *out, size_t *seen)
{
    while (*field != '\0') {
        const char *end = strchr(field, ',') != NULL ? strchr(field, ',') : field + strlen(field);
        const char *from = field, *to = end, *equals;
        size_t i = 0;
        field = *end != '\0' ? end + 1 : end;
        for (; from < to && (*from == ' ' || *from == '\t'); from++) {
        }
        for (; to > from && (to[-1] == ' ' || to[-1] == '\t'); to--) {
        }
        if (from == to) {
            continue;
        }
        for (equals = from; equals < to && *equals != '='; equals++) {
        }
        if (++*seen > MEMBERS || equals == to || !key_allowed(from, (size_t)(equals - from)) ||
            !value_allowed(equals + 1, (size_t)(to - equals - 1))) {
            return false;
        }
        while (i < out->count && !(out->at[i].key == (size_t)(equals - from) &&
                                   memcmp(out->at[i].text, from, out->at[i].key) == 0)) {
            i++;
        }
        if (i == out->count) {
            out->at[out->count++] = (member){from, (size_t)(equals - from), (size_t)(to - from)};
        }
    }
    return true;
}

static void check_is(const liminal_tracestate *state, const list *members)
{
    const char *at = state->text;
    FUZZ_CHECK(state->length <= LENGTH && strlen(state->text) == state->length);
    FUZZ_CHECK(state->length == text_length(members));
    for (size_t i = 0; i < members->count; i++) {
        const member *m = &members->at[i];
        char key[257];
        size_t size = 0;
        const char *value;
        FUZZ_CHECK(i == 0 || *at++ == ',');
        FUZZ_CHECK(memcmp(at, m->text, m->size) == 0);
        memcpy(key, m->text, m->key);
        key[m->key] = '\0';
        value = liminal_tracestate_get(state, key, &size);
        FUZZ_CHECK(value == at + m->key + 1 && size == m->size - m->key - 1);
        at += m->size;
    }
}

/* What we write, we read, and it stays as it is. */
static void check_canonical(const liminal_tracestate *state)
{
    const char *field = state->text;
    liminal_tracestate again;
    FUZZ_CHECK(liminal_tracestate_parse(&field, 1, &again) == LIMINAL_OK);
    FUZZ_CHECK(again.length == state->length && strcmp(again.text, state->text) == 0);
}

/* ---- putting one in ---- */

static void put(liminal_tracestate *state, const char *key, const char *value)
{
    const liminal_tracestate before = *state;
    list old = {.count = 0}, made = {.count = 1};
    size_t seen = 0, key_size = strlen(key), value_size = strlen(value);
    bool allowed = key_allowed(key, key_size) && value_allowed(value, value_size) &&
                   key_size + 1 + value_size <= LENGTH;
    liminal_status status = liminal_tracestate_set(state, key, value);
    char text[LENGTH + 1];
    FUZZ_CHECK(status == (allowed ? LIMINAL_OK : LIMINAL_EINVAL));
    FUZZ_CHECK(read_members(before.text, &old, &seen));
    if (!allowed) {
        check_is(state, &old);
        return;
    }
    (void)snprintf(text, sizeof text, "%s=%s", key, value);
    made.at[0] = (member){text, key_size, key_size + 1 + value_size};
    for (size_t i = 0; i < old.count && made.count < MEMBERS; i++) {
        if (old.at[i].key != key_size || memcmp(old.at[i].text, key, key_size) != 0) {
            made.at[made.count++] = old.at[i];
        }
    }
    fit(&made, 1);
    check_is(state, &made);
    check_canonical(state);
}

/* ---- the input ---- */

/* Cut at line ends, in place. */
static size_t cut_fields(char *text, const char **out)
{
    size_t count = 1;
    out[0] = text;
    for (; *text != '\0'; text++) {
        if (*text == '\n' && count < FIELDS) {
            *text = '\0';
            out[count++] = text + 1;
        }
    }
    return count;
}

static void parse(char *text, liminal_tracestate *state)
{
    const char *fields[FIELDS];
    size_t count = cut_fields(text, fields), seen = 0;
    list expected = {.count = 0};
    liminal_status status;
    bool good = true;
    memset(state, 0xa5, sizeof *state);
    status = liminal_tracestate_parse(fields, count, state);
    for (size_t i = 0; i < count && good; i++) {
        good = read_members(fields[i], &expected, &seen);
    }
    FUZZ_CHECK(status == (good ? LIMINAL_OK : LIMINAL_EINVAL));
    expected.count = good ? expected.count : 0;
    fit(&expected, 0);
    check_is(state, &expected);
    check_canonical(state);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1), *at = copy;
    liminal_tracestate state;
    FUZZ_CHECK(copy != NULL);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    at += strlen(at); /* before the fields are cut */
    parse(copy, &state);
    while (at < copy + size && at + 1 < copy + size) {
        const char *key = at + 1, *value = key + strlen(key);
        value = value < copy + size ? value + 1 : value;
        put(&state, key, value);
        at = copy + (value - copy) + strlen(value);
    }
    free(copy);
    return 0;
}

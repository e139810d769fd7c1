/* SPDX-License-Identifier: MIT */
/* tracestate.c -- the vendors' part of a trace: a short list of members, newest first.
 *
 * A member is looked at where it stands, as a slice; only what is kept is copied. Of members with the
 * same key the first one counts, for it is the newest; the standard lets a receiver drop the others. */
#include <liminal/trace.h>

#include "detail.h"

#include <string.h>

#define LONG_MEMBER 128 /* longer ones are the first to go */

typedef struct slice {
    const char *text;
    size_t key;    /* length of the key */
    size_t length; /* of all of it: key, '=', value */
} slice;

typedef struct members {
    slice of[LIMINAL_TRACESTATE_MEMBERS];
    size_t count;
} members;

/* ---- what a member looks like ---- */

static bool is_key(const char *text, size_t length)
{
    size_t i;
    if (length == 0 || length > 256) {
        return false;
    }
    for (i = 0; i < length; i++) {
        char c = text[i];
        bool always = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        bool later = i > 0 && (c == '_' || c == '-' || c == '*' || c == '/' || c == '@');
        if (!always && !later) {
            return false;
        }
    }
    return true;
}

static bool is_value(const char *text, size_t length)
{
    size_t i;
    if (length == 0 || length > 256 || text[length - 1] == ' ') {
        return false;
    }
    for (i = 0; i < length; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e || text[i] == ',' || text[i] == '=') {
            return false;
        }
    }
    return true;
}

static bool read_member(const char *text, size_t length, slice *out)
{
    const char *equals = memchr(text, '=', length);
    if (equals == NULL) {
        return false;
    }
    *out = (slice){text, (size_t)(equals - text), length};
    return is_key(text, out->key) && is_value(equals + 1, length - out->key - 1);
}

static bool has_key(const slice *member, const char *key, size_t length)
{
    return member->key == length && memcmp(member->text, key, length) == 0;
}

/* ---- lists of members ---- */

static const slice *find(const members *list, const char *key, size_t length)
{
    size_t i;
    for (i = 0; i < list->count; i++) {
        if (has_key(&list->of[i], key, length)) {
            return &list->of[i];
        }
    }
    return NULL;
}

/* Add the members of one field; `seen` counts them, doubles too. False: the whole tracestate is bad. */
static bool read_field(const char *field, members *list, size_t *seen)
{
    while (*field != '\0') {
        size_t span = strcspn(field, ",");
        const char *at = field;
        size_t length = span;
        slice member;
        field += span + (field[span] == ',');
        while (length > 0 && (at[0] == ' ' || at[0] == '\t')) {
            at++;
            length--;
        }
        while (length > 0 && (at[length - 1] == ' ' || at[length - 1] == '\t')) {
            length--;
        }
        if (length == 0) {
            continue;
        }
        if (++*seen > LIMINAL_TRACESTATE_MEMBERS || !read_member(at, length, &member)) {
            return false;
        }
        if (find(list, member.text, member.key) == NULL) {
            list->of[list->count++] = member;
        }
    }
    return true;
}

/* Of a list that is not empty. */
static size_t length_of(const members *list)
{
    size_t i, length = list->count - 1; /* the commas */
    for (i = 0; i < list->count; i++) {
        length += list->of[i].length;
    }
    return length;
}

static void remove_at(members *list, size_t index)
{
    list->count--;
    memmove(&list->of[index], &list->of[index + 1], (list->count - index) * sizeof list->of[0]);
}

/* Make it as short as we carry; the first `kept` members go last. */
static void shorten(members *list, size_t kept)
{
    size_t i;
    for (i = list->count; i > kept && length_of(list) > LIMINAL_TRACESTATE_LENGTH; i--) {
        if (list->of[i - 1].length > LONG_MEMBER) {
            remove_at(list, i - 1);
        }
    }
    while (list->count > kept && length_of(list) > LIMINAL_TRACESTATE_LENGTH) {
        list->count--;
    }
}

static void write_all(const members *list, liminal_tracestate *out)
{
    liminal_tracestate made = {0, ""};
    size_t i, at = 0;
    for (i = 0; i < list->count; i++) {
        if (i > 0) {
            made.text[at++] = ',';
        }
        memcpy(made.text + at, list->of[i].text, list->of[i].length);
        at += list->of[i].length;
    }
    made.length = (uint16_t)at;
    *out = made;
}

/* ---- public ---- */

liminal_status liminal_tracestate_parse(const char *const *fields, size_t count, liminal_tracestate *out)
{
    members list = {.count = 0};
    size_t i, seen = 0;
    if (out == NULL || (fields == NULL && count > 0)) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", out == NULL ? "out" : "fields");
    }
    for (i = 0; i < count; i++) {
        if (fields[i] == NULL) {
            return limi_detail(LIMINAL_EINVAL, "fields[%zu]: NULL", i);
        }
    }
    for (i = 0; i < count; i++) {
        if (!read_field(fields[i], &list, &seen)) {
            *out = (liminal_tracestate){0, ""};
            return limi_detail(LIMINAL_EINVAL, "tracestate: member %zu is bad, or one too many", seen);
        }
    }
    shorten(&list, 0);
    write_all(&list, out);
    return LIMINAL_OK;
}

liminal_status liminal_tracestate_set(liminal_tracestate *state, const char *key, const char *value)
{
    liminal_tracestate old;
    members list = {.count = 0}, made = {.count = 1};
    char member[LIMINAL_TRACESTATE_LENGTH + 1];
    size_t i, seen = 0, key_length, value_length;
    if (state == NULL || key == NULL || value == NULL) {
        return limi_detail(LIMINAL_EINVAL, "state, key or value: NULL");
    }
    key_length = strlen(key);
    value_length = strlen(value);
    if (!is_key(key, key_length) || !is_value(value, value_length) ||
        key_length + 1 + value_length > LIMINAL_TRACESTATE_LENGTH) {
        return limi_detail(LIMINAL_EINVAL, "key or value: not allowed in a tracestate, or too long");
    }
    memcpy(member, key, key_length);
    member[key_length] = '=';
    memcpy(member + key_length + 1, value, value_length);
    made.of[0] = (slice){member, key_length, key_length + 1 + value_length};

    old = *state;
    if (!read_field(old.text, &list, &seen)) {
        return limi_detail(LIMINAL_EINVAL, "state: not a tracestate");
    }
    for (i = 0; i < list.count && made.count < LIMINAL_TRACESTATE_MEMBERS; i++) {
        if (!has_key(&list.of[i], key, key_length)) {
            made.of[made.count++] = list.of[i];
        }
    }
    shorten(&made, 1);
    write_all(&made, state);
    return LIMINAL_OK;
}

const char *liminal_tracestate_get(const liminal_tracestate *state, const char *key, size_t *out_length)
{
    members list = {.count = 0};
    const slice *member = NULL;
    size_t seen = 0;
    if (state != NULL && key != NULL && out_length != NULL && read_field(state->text, &list, &seen)) {
        member = find(&list, key, strlen(key));
    }
    if (member == NULL) {
        return NULL;
    }
    *out_length = member->length - member->key - 1;
    return member->text + member->key + 1;
}

/* SPDX-License-Identifier: MIT */
/* frame.c -- telling one message from the next in a stream of bytes.
 *
 * Every byte is looked at once, however the stream was cut into pieces: `looked` says how far, and a
 * header's lines are read as each one ends. The buffer doubles while a frame needs it, up to what the
 * largest one takes; bytes are moved to its front only when there is little room behind them, and then
 * less than one frame is left of them. */
#include "frame.h"

#include "detail.h"
#include "memory.h"

#include <stdio.h>
#include <string.h>

#define FIRST ((size_t)16 * 1024) /* room to begin with */
#define LITTLE ((size_t)4 * 1024) /* room that is not worth a read, if there could be more */
#define KEEP ((size_t)64 * 1024)  /* what an empty buffer may keep */

void limi_framer_init(limi_framer *f, liminal_framing framing, size_t most, const liminal_allocator *allocator)
{
    *f = (limi_framer){.framing = framing, .allocator = allocator, .most = most};
}

void limi_framer_clear(limi_framer *f)
{
    limi_release(f->allocator, f->bytes, f->room);
    limi_framer_init(f, f->framing, f->most, f->allocator);
}

/* ---- room ---- */

/* More than this no frame needs that has not ended yet. */
static size_t largest(const limi_framer *f)
{
    size_t most = f->most < SIZE_MAX - LIMI_HEADER_MOST ? f->most + LIMI_HEADER_MOST : SIZE_MAX;
    return most > FIRST ? most : FIRST;
}

static size_t tail(const limi_framer *f)
{
    return f->room - f->begin - f->used;
}

static void tidy(limi_framer *f)
{
    if (f->used == 0) {
        f->begin = 0;
        if (f->room > KEEP) {
            limi_release(f->allocator, f->bytes, f->room);
            f->bytes = NULL;
            f->room = 0;
        }
    }
}

static void to_front(limi_framer *f)
{
    if (f->begin > 0) {
        memmove(f->bytes, f->bytes + f->begin, f->used);
        f->begin = 0;
    }
}

static bool grow(limi_framer *f)
{
    size_t most = largest(f);
    size_t room = f->room == 0 ? FIRST : f->room > most / 2 ? most : f->room * 2;
    unsigned char *bytes = limi_allocate(f->allocator, room);
    if (bytes == NULL) {
        return false;
    }
    if (f->used > 0) {
        memcpy(bytes, f->bytes + f->begin, f->used);
    }
    limi_release(f->allocator, f->bytes, f->room);
    f->bytes = bytes;
    f->room = room;
    f->begin = 0;
    return true;
}

liminal_status limi_framer_room(limi_framer *f, unsigned char **out, size_t *out_room)
{
    tidy(f);
    if (tail(f) < LITTLE) {
        to_front(f);
    }
    if (tail(f) < LITTLE && f->room < largest(f) && !grow(f) && tail(f) == 0) {
        return LIMINAL_ENOMEM;
    }
    *out = f->bytes + f->begin + f->used;
    *out_room = tail(f);
    return LIMINAL_OK;
}

void limi_framer_filled(limi_framer *f, size_t size)
{
    f->used += size;
}

/* ---- frames ---- */

static liminal_status too_large(const limi_framer *f)
{
    return limi_detail(LIMINAL_ELIMIT, "a frame of more than %zu bytes", f->most);
}

/* A frame: `before` bytes, the payload, `after` bytes. */
static void give(limi_framer *f, size_t before, size_t size, size_t after, const unsigned char **out, size_t *out_size)
{
    *out = f->bytes + f->begin + before;
    *out_size = size;
    f->begin += before + size + after;
    f->used -= before + size + after;
    f->looked = f->line = f->head = f->body = 0;
    f->has_body = false;
}

/* How many bytes lie before the next line end, counted from `begin`; all of them if there is none. */
static size_t find_line_end(const limi_framer *f)
{
    const unsigned char *from = f->bytes + f->begin;
    const unsigned char *end = f->looked < f->used ? memchr(from + f->looked, '\n', f->used - f->looked) : NULL;
    return end != NULL ? (size_t)(end - from) : f->used;
}

static liminal_status next_line(limi_framer *f, const unsigned char **out, size_t *out_size)
{
    size_t end = find_line_end(f);
    if (end > f->most) {
        return too_large(f);
    }
    if (end < f->used) {
        give(f, 0, end, 1, out, out_size);
    } else {
        f->looked = f->used;
    }
    return LIMINAL_OK;
}

static void read_count(limi_framer *f)
{
    if (f->used >= 4) {
        const unsigned char *at = f->bytes + f->begin;
        f->head = 4;
        f->body = (size_t)at[0] << 24 | (size_t)at[1] << 16 | (size_t)at[2] << 8 | (size_t)at[3];
    }
}

static bool is_blank(unsigned char c)
{
    return c == ' ' || c == '\t';
}

/* Whether the line names it, in any case; *out_at: where its value begins. */
static bool names_length(const unsigned char *line, size_t size, size_t *out_at)
{
    static const char name[] = "content-length:";
    size_t i;
    for (i = 0; i < sizeof name - 1; i++) {
        unsigned char c = i < size ? line[i] : 0;
        if (c >= 'A' && c <= 'Z') {
            c = (unsigned char)(c - 'A' + 'a');
        }
        if (c != (unsigned char)name[i]) {
            return false;
        }
    }
    *out_at = i;
    return true;
}

static liminal_status read_header_line(limi_framer *f, const unsigned char *line, size_t size)
{
    size_t at = 0, value = 0, first;
    if (!names_length(line, size, &at)) {
        return LIMINAL_OK;
    }
    if (f->has_body) {
        return limi_detail(LIMINAL_EINVAL, "Content-Length: twice in one header");
    }
    while (at < size && is_blank(line[at])) {
        at++;
    }
    while (size > at && is_blank(line[size - 1])) {
        size--;
    }
    for (first = at; at < size && line[at] >= '0' && line[at] <= '9'; at++) {
        size_t digit = (size_t)(line[at] - '0');
        value = value > (SIZE_MAX - digit) / 10 ? SIZE_MAX : value * 10 + digit;
    }
    if (first == size || at != size) {
        return limi_detail(LIMINAL_EINVAL, "Content-Length: not a number");
    }
    f->has_body = true;
    f->body = value;
    return LIMINAL_OK;
}

/* Line by line, until an empty one. */
static liminal_status read_header(limi_framer *f)
{
    while (f->head == 0) {
        const unsigned char *line = f->bytes + f->begin + f->line;
        size_t end = find_line_end(f), size = end - f->line;
        liminal_status st;
        if (end >= LIMI_HEADER_MOST) {
            return limi_detail(LIMINAL_ELIMIT, "a header of more than %zu bytes", LIMI_HEADER_MOST);
        }
        if (end == f->used) {
            f->looked = f->used;
            return LIMINAL_OK;
        }
        size -= size > 0 && line[size - 1] == '\r';
        st = size > 0 ? read_header_line(f, line, size) : LIMINAL_OK;
        if (st != LIMINAL_OK) {
            return st;
        }
        f->line = f->looked = end + 1;
        f->head = size == 0 ? end + 1 : 0;
    }
    return f->has_body ? LIMINAL_OK : limi_detail(LIMINAL_EINVAL, "Content-Length: not in the header");
}

liminal_status limi_framer_next(limi_framer *f, const unsigned char **out_payload, size_t *out_size)
{
    liminal_status st = LIMINAL_OK;
    *out_payload = NULL;
    *out_size = 0;
    tidy(f);
    if (f->framing == LIMINAL_FRAMING_LINE) {
        return f->used > 0 ? next_line(f, out_payload, out_size) : LIMINAL_OK;
    }
    if (f->framing == LIMINAL_FRAMING_CONTENT_LENGTH && f->used > 0) {
        st = read_header(f);
    } else if (f->head == 0) {
        read_count(f);
    }
    if (st == LIMINAL_OK && f->head > 0 && f->body > f->most) {
        st = too_large(f);
    }
    if (st == LIMINAL_OK && f->head > 0 && f->used - f->head >= f->body) {
        give(f, f->head, f->body, 0, out_payload, out_size);
    }
    return st;
}

liminal_status limi_framer_rest(limi_framer *f, const unsigned char **out_payload, size_t *out_size)
{
    *out_payload = NULL;
    *out_size = 0;
    if (f->used == 0) {
        return LIMINAL_OK;
    }
    if (f->framing != LIMINAL_FRAMING_LINE) {
        return limi_detail(LIMINAL_EINVAL, "the stream ends inside a frame");
    }
    if (f->used > f->most) {
        return too_large(f);
    }
    give(f, 0, f->used, 0, out_payload, out_size);
    return LIMINAL_OK;
}

/* ---- what is sent ---- */

liminal_status limi_framing_marks_for(liminal_framing framing, const void *payload, size_t size,
                                      limi_framing_marks *out)
{
    *out = (limi_framing_marks){.before_size = 0};
    if (framing == LIMINAL_FRAMING_LINE) {
        out->after_size = size == 0 || ((const char *)payload)[size - 1] != '\n';
        out->after[0] = '\n';
    } else if (framing == LIMINAL_FRAMING_CONTENT_LENGTH) {
        out->before_size =
            (size_t)snprintf(out->before, sizeof out->before, "Content-Length: %zu\r\n\r\n", size);
    } else if (size <= UINT32_MAX) {
        size_t i;
        for (i = 0; i < 4; i++) {
            out->before[i] = (char)(unsigned char)(size >> (24 - 8 * i) & 0xFF);
        }
        out->before_size = 4;
    } else {
        return limi_detail(LIMINAL_ELIMIT, "a message of %zu bytes: more than 32 bits can count", size);
    }
    return LIMINAL_OK;
}

/* SPDX-License-Identifier: MIT */
/* fuzz_frame.c -- the three framings of child programs, against a second reader that has the whole stream before it:
 * however the stream is cut, it gives the same frames and the same end; no frame is larger than it may be, nor the
 * buffer; what came out goes in again and comes out the same; and where memory fails nothing is lost.
 *
 * The input: the framing, the limit, how often the stream is repeated, three bytes that say where it is cut, one that
 * says which allocation fails, then the stream. */
#include "fuzz.h"

#include "frame.h"

#include <string.h>

enum { HEAD = 7, STREAM_MOST = 80 * 1024, LITTLE = 2048 };

/* ---- memory: the harness's own allocator keeps blocks, which libFuzzer would take for leaks ---- */

static size_t blocks, fails_in; /* the n-th from now fails, once; 0: none */

static void *take_block(void *context, size_t size)
{
    void *block = fails_in == 1 ? NULL : malloc(size);
    (void)context;
    fails_in -= fails_in > 0;
    blocks += block != NULL;
    return block;
}

static void leave_block(void *context, void *block, size_t size)
{
    (void)context, (void)size;
    blocks--;
    free(block);
}

static const liminal_allocator counting = {LIMINAL_OPS(liminal_allocator), .allocate = take_block,
                                           .release = leave_block};

/* ---- what a stream led to ---- */

typedef struct outcome {
    uint8_t *bytes; /* of all frames */
    size_t used, room;
    size_t *sizes;
    size_t count, sizes_room;
    liminal_status status;
    bool at_rest; /* ... which came only at the end of the stream */
} outcome;

static void note(outcome *o, const uint8_t *payload, size_t size)
{
    while (o->used + size > o->room) {
        o->room = o->room * 2 + 4096;
        o->bytes = realloc(o->bytes, o->room);
        FUZZ_CHECK(o->bytes != NULL);
    }
    if (o->count == o->sizes_room) {
        o->sizes_room = o->sizes_room * 2 + 64;
        o->sizes = realloc(o->sizes, o->sizes_room * sizeof *o->sizes);
        FUZZ_CHECK(o->sizes != NULL);
    }
    if (size > 0) {
        memcpy(o->bytes + o->used, payload, size);
    }
    o->used += size;
    o->sizes[o->count++] = size;
}

static void forget(outcome *o)
{
    free(o->bytes);
    free(o->sizes);
}

static void check_same_frames(const outcome *a, const outcome *b)
{
    FUZZ_CHECK(a->count == b->count && a->used == b->used);
    FUZZ_CHECK(a->count == 0 || memcmp(a->sizes, b->sizes, a->count * sizeof *a->sizes) == 0);
    FUZZ_CHECK(a->used == 0 || memcmp(a->bytes, b->bytes, a->used) == 0);
}

/* ---- reading one ---- */

static void take_all(limi_framer *framer, outcome *o)
{
    const unsigned char *payload = NULL;
    size_t size = 0;
    do {
        o->status = limi_framer_next(framer, &payload, &size);
        if (payload != NULL) {
            FUZZ_CHECK(o->status == LIMINAL_OK && size <= framer->most);
            note(o, payload, size);
        }
    } while (payload != NULL);
    FUZZ_CHECK(size == 0);
    FUZZ_CHECK(o->status == LIMINAL_OK || o->status == LIMINAL_EINVAL || o->status == LIMINAL_ELIMIT);
}

/* Up to `size` bytes, in as many reads as the room takes. */
static void fill(limi_framer *framer, const uint8_t *bytes, size_t size, outcome *o)
{
    while (size > 0 && o->status == LIMINAL_OK) {
        unsigned char *room = NULL;
        size_t most = 0;
        liminal_status status = limi_framer_room(framer, &room, &most);
        if (status == LIMINAL_ENOMEM) { /* once; the next try has memory */
            status = limi_framer_room(framer, &room, &most);
        }
        FUZZ_CHECK(status == LIMINAL_OK && most > 0);
        FUZZ_CHECK(framer->room <= 16384 || framer->room - LIMI_HEADER_MOST <= framer->most);
        most = most < size ? most : size;
        memcpy(room, bytes, most);
        limi_framer_filled(framer, most);
        take_all(framer, o);
        bytes += most;
        size -= most;
    }
}

/* Cut by `cuts`, one after another; NULL: as large as the room is. */
static outcome read_stream(liminal_framing framing, size_t most, const uint8_t *bytes, size_t size, const uint8_t *cuts,
                           size_t fails)
{
    outcome o = {.status = LIMINAL_OK};
    limi_framer framer;
    const unsigned char *payload = NULL;
    size_t rest = 0, at = 0;
    limi_framer_init(&framer, framing, most, &counting);
    fails_in = fails;
    for (size_t i = 0; at < size && o.status == LIMINAL_OK; i++) {
        size_t piece = cuts == NULL ? size : ((size_t)cuts[i % 3] + 1) * (size > LITTLE ? 64 : 1);
        piece = piece < size - at ? piece : size - at;
        fill(&framer, bytes + at, piece, &o);
        at += piece;
    }
    fails_in = 0;
    if (o.status == LIMINAL_OK) {
        o.status = limi_framer_rest(&framer, &payload, &rest);
        o.at_rest = o.status != LIMINAL_OK;
        if (payload != NULL) {
            FUZZ_CHECK(framing == LIMINAL_FRAMING_LINE && rest <= most);
            note(&o, payload, rest);
        }
    }
    limi_framer_clear(&framer);
    return o;
}

/* ---- by the letter: the whole stream lies there ---- */

static bool stop(outcome *o, liminal_status status, bool at_rest)
{
    o->status = status;
    o->at_rest = at_rest;
    return false;
}

/* The next frame; false: there is none, and *o says why. */
static bool expect_line(outcome *o, size_t most, const uint8_t *at, size_t left, size_t *used)
{
    size_t size = 0;
    while (size < left && at[size] != '\n') {
        size++;
    }
    if (size > most) {
        return stop(o, LIMINAL_ELIMIT, false);
    }
    note(o, at, size);
    *used = size < left ? size + 1 : size;
    return true;
}

static bool expect_payload(outcome *o, size_t most, const uint8_t *at, size_t left, size_t head, size_t size,
                           size_t *used)
{
    if (size > most) {
        return stop(o, LIMINAL_ELIMIT, false);
    }
    if (left - head < size) {
        return stop(o, LIMINAL_EINVAL, true);
    }
    note(o, at + head, size);
    *used = head + size;
    return true;
}

static bool expect_counted(outcome *o, size_t most, const uint8_t *at, size_t left, size_t *used)
{
    return left < 4 ? stop(o, LIMINAL_EINVAL, true)
                    : expect_payload(o, most, at, left, 4, (size_t)((uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 |
                                                                     (uint32_t)at[2] << 8 | at[3]), used);
}

/* One line of a header, without its end. False: against the rules. *count is -1 until one says it. */
static bool expect_header_line(const uint8_t *line, size_t size, double *count)
{
    static const char name[] = "content-length:", upper[] = "CONTENT-LENGTH:";
    size_t i = 0;
    double value = 0;
    while (i < size && i < sizeof name - 1 && (line[i] == (uint8_t)name[i] || line[i] == (uint8_t)upper[i])) {
        i++;
    }
    if (i < sizeof name - 1) {
        return true; /* another one */
    }
    while (size > i && (line[size - 1] == ' ' || line[size - 1] == '\t')) {
        size--;
    }
    while (i < size && (line[i] == ' ' || line[i] == '\t')) {
        i++;
    }
    if (*count >= 0 || i == size) {
        return false;
    }
    for (; i < size; i++) {
        if (line[i] < '0' || line[i] > '9') {
            return false;
        }
        value = value * 10 + (line[i] - '0');
    }
    *count = value;
    return true;
}

static bool expect_headed(outcome *o, size_t most, const uint8_t *at, size_t left, size_t *used)
{
    double count = -1;
    size_t from = 0;
    for (;;) {
        size_t end = from, size;
        while (end < left && at[end] != '\n') {
            end++;
        }
        if (end >= LIMI_HEADER_MOST) {
            return stop(o, LIMINAL_ELIMIT, false);
        }
        if (end == left) {
            return stop(o, LIMINAL_EINVAL, true);
        }
        size = end > from && at[end - 1] == '\r' ? end - from - 1 : end - from;
        if (size == 0 && count < 0) {
            return stop(o, LIMINAL_EINVAL, false);
        }
        if (size == 0) { /* beyond 2^53 it is no longer exact, but far beyond all that there is here */
            return expect_payload(o, most, at, left, end + 1, count < 9e15 ? (size_t)count : SIZE_MAX, used);
        }
        if (!expect_header_line(at + from, size, &count)) {
            return stop(o, LIMINAL_EINVAL, false);
        }
        from = end + 1;
    }
}

static outcome expect_stream(liminal_framing framing, size_t most, const uint8_t *bytes, size_t size)
{
    outcome o = {.status = LIMINAL_OK};
    size_t at = 0, used = 0;
    while (at < size) {
        bool more = framing == LIMINAL_FRAMING_LINE       ? expect_line(&o, most, bytes + at, size - at, &used)
                    : framing == LIMINAL_FRAMING_LENGTH32 ? expect_counted(&o, most, bytes + at, size - at, &used)
                                                          : expect_headed(&o, most, bytes + at, size - at, &used);
        if (!more) {
            break;
        }
        at += used;
    }
    return o;
}

/* ---- writing one ---- */

/* All frames of `o`, with the marks around them, in a block of its own. */
static uint8_t *write_stream(liminal_framing framing, const outcome *o, size_t *out_size)
{
    uint8_t *bytes = malloc(o->used + o->count * (sizeof(limi_framing_marks)) + 1);
    size_t at = 0, from = 0;
    FUZZ_CHECK(bytes != NULL);
    for (size_t i = 0; i < o->count; i++) {
        limi_framing_marks marks;
        const uint8_t *payload = o->used > 0 ? o->bytes + from : (const uint8_t *)"";
        FUZZ_CHECK(limi_framing_marks_for(framing, payload, o->sizes[i], &marks) == LIMINAL_OK);
        FUZZ_CHECK(marks.before_size <= sizeof marks.before && marks.after_size <= sizeof marks.after);
        memcpy(bytes + at, marks.before, marks.before_size);
        at += marks.before_size;
        memcpy(bytes + at, payload, o->sizes[i]);
        at += o->sizes[i];
        memcpy(bytes + at, marks.after, marks.after_size);
        at += marks.after_size;
        from += o->sizes[i];
    }
    *out_size = at;
    return bytes;
}

static void check_there_and_back(liminal_framing framing, size_t most, const outcome *frames)
{
    size_t size = 0;
    uint8_t *bytes = write_stream(framing, frames, &size);
    outcome again = read_stream(framing, most, bytes, size, NULL, 0);
    FUZZ_CHECK(again.status == LIMINAL_OK);
    check_same_frames(frames, &again);
    forget(&again);
    free(bytes);
}

/* ---- the input ---- */

static void try_cuts(liminal_framing framing, size_t most, const uint8_t *head, const uint8_t *bytes, size_t size)
{
    static const uint8_t each[3] = {0, 0, 0};
    outcome whole = read_stream(framing, most, bytes, size, NULL, 0);
    outcome other = expect_stream(framing, most, bytes, size);
    FUZZ_CHECK(other.status == whole.status && other.at_rest == whole.at_rest);
    check_same_frames(&whole, &other);
    forget(&other);
    for (int i = 0; i < 3; i++) {
        if (i == 0 && size > LITTLE) {
            continue; /* byte by byte would take too long */
        }
        other = read_stream(framing, most, bytes, size, i == 0 ? each : i == 1 ? head + 3 : NULL,
                            i == 0 ? 0 : head[6] % 8u);
        FUZZ_CHECK(other.status == whole.status && other.at_rest == whole.at_rest);
        check_same_frames(&whole, &other);
        forget(&other);
    }
    check_there_and_back(framing, most, &whole);
    forget(&whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const size_t limits[] = {1, 2, 5, 100, 8191, 8192, 16384, 70000, SIZE_MAX};
    size_t times, length;
    uint8_t *bytes;
    if (size < HEAD) {
        return 0;
    }
    length = size - HEAD;
    times = data[2] < 16 ? (size_t)1 << data[2] : 1; /* long ones take long, so they are to be few */
    times = length > 0 && times > STREAM_MOST / length ? STREAM_MOST / length : times;
    bytes = malloc(length * times + 1);
    FUZZ_CHECK(bytes != NULL);
    for (size_t i = 0; i < times; i++) {
        memcpy(bytes + i * length, data + HEAD, length);
    }
    try_cuts((liminal_framing)(data[0] % 3), limits[data[1] % (sizeof limits / sizeof limits[0])], data, bytes,
             length * times);
    FUZZ_CHECK(blocks == 0);
    free(bytes);
    return 0;
}

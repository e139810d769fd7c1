/* SPDX-License-Identifier: MIT */
/* fuzz_frame.c -- the three framings of child programs: one stream in several cuts gives the same frames and the same
 * end; no frame is larger than it may be, nor the buffer; what came out goes in again and comes out the same; and where
 * memory fails nothing is lost.
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

static void note(outcome *o, const unsigned char *payload, size_t size)
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
    outcome other;
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
    times = (size_t)1 << (data[2] % 16);
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

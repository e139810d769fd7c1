/* SPDX-License-Identifier: MIT */
/* frame.h -- telling one message from the next in a stream of bytes, and the bytes around one that is
 * sent. Pure: no descriptor, no thread. */
#ifndef LIMI_FRAME_H
#define LIMI_FRAME_H

#include <liminal/memory.h>
#include <liminal/program.h>
#include <liminal/status.h>

/* Bytes that came and are no whole frame yet. */
typedef struct limi_framer {
    liminal_framing framing;
    const liminal_allocator *allocator; /* borrowed */
    size_t most;                        /* bytes of the largest frame */
    unsigned char *bytes;               /* `room` of them; from `begin`, `used` are there */
    size_t room, begin, used;
    size_t looked; /* bytes from `begin` that were looked at in vain for an end of line */
    size_t line;   /* CONTENT_LENGTH: where in them the last line begins, which has no end yet */
    size_t head;   /* LENGTH32, CONTENT_LENGTH: bytes before the payload; 0: not known yet */
    size_t body;   /* ... and of the payload */
    bool has_body; /* CONTENT_LENGTH: a line of the header said so */
} limi_framer;

/* The lines before a payload, all together: more than that is no header. */
#define LIMI_HEADER_MOST ((size_t)8192)

void limi_framer_init(limi_framer *framer, liminal_framing framing, size_t most, const liminal_allocator *allocator);
void limi_framer_clear(limi_framer *framer);

/* Room to read into: at least one byte, in *out_room. Only when there is no whole frame. What it keeps is
 * never more than `most` and LIMI_HEADER_MOST together (or a small buffer), and less again when a large
 * frame has gone. ENOMEM: only if there is no room at all. */
liminal_status limi_framer_room(limi_framer *framer, unsigned char **out, size_t *out_room);

/* So many bytes were read into it. */
void limi_framer_filled(limi_framer *framer, size_t size);

/* Take the next whole frame: its payload lies in the framer until the next call of anything here. *out_payload is NULL
 * if there is none yet. EINVAL (against the rules of the framing), ELIMIT (larger than `most`): the
 * stream can't be read on. */
liminal_status limi_framer_next(limi_framer *framer, const unsigned char **out_payload, size_t *out_size);

/* The stream has ended: what is left as a last frame (LINE, if anything is left), or EINVAL for half a
 * frame of the other two; *out_payload is NULL if nothing is left. */
liminal_status limi_framer_rest(limi_framer *framer, const unsigned char **out_payload, size_t *out_size);

/* What goes before and after a payload that is sent. */
typedef struct limi_framing_marks {
    char before[48];
    size_t before_size;
    char after[2];
    size_t after_size;
} limi_framing_marks;

/* ELIMIT: LENGTH32 can't count that many bytes. */
liminal_status limi_framing_marks_for(liminal_framing framing, const void *payload, size_t size,
                                      limi_framing_marks *out);

#endif

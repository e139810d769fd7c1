/* SPDX-License-Identifier: MIT */
/* program_talk.h -- what is said to a child program and what it says, between program.c, which decides how
 * long it lives, and program_talk.c, which reads and writes. All of it is for the program's own thread. */
#ifndef LIMI_PROGRAM_TALK_H
#define LIMI_PROGRAM_TALK_H

#include "begun.h"
#include "frame.h"
#include "platform_process.h"
#include "program.h"

/* How near its end the OS process is; see program.c. */
typedef enum limi_program_stage {
    LIMI_STAGE_LIVING,
    LIMI_STAGE_CLOSING, /* it was given the end of its input */
    LIMI_STAGE_TERMED,  /* SIGTERM */
    LIMI_STAGE_KILLED   /* SIGKILL */
} limi_program_stage;

/* What is being written: one request at most. */
typedef struct limi_outgoing {
    liminal_envelope *envelope; /* NULL: nothing */
    limi_request *request;      /* with its share, until it is begun: until the program took the first byte of it */
    limi_framing_marks marks;
    size_t size, done; /* bytes, with the marks; how many of them were written */
    bool together;     /* they all stand in `bytes` */
    unsigned char bytes[512];
} limi_outgoing;

typedef struct limi_program {
    limi_participant *participant;
    const liminal_allocator *allocator;
    liminal_program spec; /* its texts are the caller's, and not kept */
    liminal_trace_context trace; /* the conversation's */

    /* Its life: program.c. */
    limi_child child; /* a descriptor is -1 once it is closed */
    limi_watch watch;
    bool watched; /* else it has ended already, and nobody knows how */
    bool reaped;
    limi_chime chime; /* rung with the participant's bell, while the thread is in a poll */
    uint32_t rung;    /* taken from the bell, and not yet looked at */
    limi_program_stage stage;
    int64_t term_at_ns, kill_at_ns; /* CLOSING and TERMED: when the next step is due */
    bool silent; /* its functions are not called any more, and nothing is made known */

    /* What is said: program_talk.c. */
    limi_outgoing outgoing;
    bool may_pull;    /* there may be a request to be begun */
    limi_begun begun; /* what it was given, if it was only the first byte, and has not answered */
    limi_framer framer;
    liminal_envelope *frame; /* being handed to answers(), or kept until it may be said */
    bool hushed;      /* what it says unasked has to wait for LIMI_RING_RESUME */
    bool out_over;    /* its standard output has ended */
    bool last;        /* it has ended: what it printed is delivered whatever `hushed` says */
    unsigned char scratch[2048]; /* what is on its way to on_stderr(), or nowhere */
} limi_program;

/* ---- program_talk.c ---- */

/* The conversation wants nothing from it any more, nor it from the conversation. */
bool limi_program_is_mute(const limi_program *program);

/* Write requests until it takes no more, or there are no more, or for a while: true if there may be more to
 * write at once. */
bool limi_program_feed(limi_program *program);

/* Whether its standard output is to be read now. */
bool limi_program_wants_more(const limi_program *program);

/* Deliver the frames that are there, as far as they may be. */
void limi_program_deliver(limi_program *program);

/* Read its standard output once, or its standard error, and hand on what came. How much; 0: nothing more now. */
size_t limi_program_read_out(limi_program *program);
size_t limi_program_read_err(limi_program *program);

/* It has ended: read and hand on what is still in its pipes. */
void limi_program_read_last(limi_program *program);

/* Let go of all requests and frames. */
void limi_program_forget(limi_program *program);

/* ---- program.c ---- */

/* The participant ends with that reason, if nothing else has ended it before; the OS process is closed. */
void limi_program_end(limi_program *program, liminal_exit_reason reason);

/* Begin to close the OS process, unless that has begun. */
void limi_program_close(limi_program *program);

#endif

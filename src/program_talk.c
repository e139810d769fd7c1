/* SPDX-License-Identifier: MIT */
/* program_talk.c -- what is said to a child program, and what it says.
 *
 * A request is pulled from its seat when the one before it has been written, so at most one was taken and
 * has still to be written; the others wait at the seat, within the mailbox's bound. It is begun for the
 * pairing with its first byte, and stays on `begun` until a frame is its answer. One whose asker has gone
 * stays as well: its answer still comes, is the rules' to count as late, and must not be the next one's.
 *
 * What is printed unasked waits in the conversation within its bound. When that is reached nothing more is
 * read, so that the program has to wait; but while it owes an answer and pairs in order, the next frame
 * is that answer, and is read. With a function there is no telling before it was read: the first one
 * that turns out to be unasked is kept, and no more is read then. */
#include "program_talk.h"

#include "detail.h"
#include "scope.h"
#include "talk.h"

#include <string.h>

#define WRITES 64 /* in a row; then what it says is looked at */

bool limi_program_is_mute(const limi_program *pr)
{
    return pr->silent || limi_u32_load(&pr->participant->stopping) != 0;
}

static void fail(limi_program *pr, liminal_status st)
{
    limi_program_end(pr, (liminal_exit_reason){LIMINAL_EXIT_ERROR, (int32_t)st});
}

/* What it has begun with that index, 0 being the oldest, is answered with pr->frame. */
static void answer(limi_program *pr, size_t index)
{
    limi_participant_answer(pr->participant, limi_begun_take(&pr->begun, index), &pr->frame);
}

static void answer_in_silence(limi_program *pr, limi_request *request)
{
    liminal_envelope *silence = NULL;
    limi_participant_answer(pr->participant, request, &silence);
}

/* ---- to the program ---- */

static void begin(limi_program *pr)
{
    limi_begun_append(&pr->begun, pr->outgoing.request);
    pr->outgoing.request = NULL;
}

static void written(limi_program *pr)
{
    limi_request *request = pr->outgoing.request;
    liminal_envelope_drop(&pr->outgoing.envelope);
    pr->outgoing.request = NULL;
    if (request != NULL) { /* LIMINAL_PAIRING_NONE */
        answer_in_silence(pr, request);
    }
}

/* A small message goes out with its marks in one write: who reads it wakes once. */
static void put_together(limi_outgoing *o, const void *payload, size_t size)
{
    o->together = o->size <= sizeof o->bytes;
    if (o->together) {
        memcpy(o->bytes, o->marks.before, o->marks.before_size);
        memcpy(o->bytes + o->marks.before_size, payload, size);
        memcpy(o->bytes + o->marks.before_size + size, o->marks.after, o->marks.after_size);
    }
}

/* Take the next request to be written: false if there is none. */
static bool load(limi_program *pr)
{
    limi_outgoing *o = &pr->outgoing;
    while (pr->may_pull) {
        liminal_status st = limi_begun_reserve(&pr->begun);
        limi_request *request = st == LIMINAL_OK ? limi_participant_pull(pr->participant) : NULL;
        const liminal_envelope *envelope = request != NULL ? request->ticket.envelope : NULL;
        size_t size = liminal_envelope_size(envelope);
        if (st != LIMINAL_OK) {
            fail(pr, st);
            return false;
        }
        if (request == NULL) {
            pr->may_pull = false;
        } else if (limi_framing_marks_for(pr->spec.framing, liminal_envelope_data(envelope), size, &o->marks) !=
                   LIMINAL_OK) {
            answer_in_silence(pr, request); /* it can't be said in this framing */
        } else {
            o->request = request;
            o->envelope = liminal_envelope_ref(envelope);
            o->size = o->marks.before_size + size + o->marks.after_size;
            o->done = 0;
            put_together(o, liminal_envelope_data(envelope), size);
            return true;
        }
    }
    return false;
}

/* What is to be written next of it. */
static const void *piece(const limi_outgoing *o, size_t *out_size)
{
    const char *payload = liminal_envelope_data(o->envelope);
    size_t size = liminal_envelope_size(o->envelope), done = o->done;
    if (o->together) {
        *out_size = o->size - done;
        return o->bytes + done;
    }
    if (done < o->marks.before_size) {
        *out_size = o->marks.before_size - done;
        return o->marks.before + done;
    }
    done -= o->marks.before_size;
    if (done < size) {
        *out_size = size - done;
        return payload + done;
    }
    done -= size;
    *out_size = o->marks.after_size - done;
    return o->marks.after + done;
}

bool limi_program_feed(limi_program *pr)
{
    limi_outgoing *o = &pr->outgoing;
    unsigned writes;
    for (writes = 0; writes < WRITES && pr->stage == LIMI_STAGE_LIVING; writes++) {
        const void *from;
        size_t size = 0;
        ptrdiff_t put;
        if (o->envelope == NULL && !load(pr)) {
            return false;
        }
        from = piece(o, &size);
        put = limi_descriptor_write(pr->child.in, from, size);
        if (put == -2) {
            limi_program_close(pr); /* nobody reads what has to be said; the rules have all of it */
        }
        if (put <= 0) {
            return false;
        }
        if (o->request != NULL && pr->spec.pairing != LIMINAL_PAIRING_NONE) {
            begin(pr);
        }
        o->done += (size_t)put;
        if (o->done == o->size) {
            written(pr);
        }
    }
    return pr->stage == LIMI_STAGE_LIVING;
}

/* ---- its functions ---- */

typedef struct calling {
    limi_frame frame;
    liminal_trace_context outer;
} calling;

static void enter(const limi_program *pr, calling *c)
{
    limi_scope *scope = limi_scope_here();
    c->frame = (limi_frame){.participant = pr->participant, .supervisor = pr->participant->talk->supervisor};
    c->outer = scope->trace;
    scope->trace = pr->trace;
    limi_frame_enter(&c->frame);
}

static void leave(calling *c)
{
    limi_frame_leave(&c->frame);
    limi_scope_here()->trace = c->outer;
}

static bool call_answers(const limi_program *pr, const limi_request *request)
{
    calling c;
    bool yes;
    enter(pr, &c);
    yes = pr->spec.answers(pr->participant->self, request->ticket.envelope, pr->frame);
    leave(&c);
    return yes;
}

static void call_on_stderr(const limi_program *pr, size_t size)
{
    calling c;
    enter(pr, &c);
    pr->spec.on_stderr(pr->participant->self, pr->scratch, size);
    leave(&c);
}

/* ---- from the program ---- */

/* What it printed, as an envelope that follows `request`, if that is not NULL. */
static liminal_status make(const limi_program *pr, const limi_request *request, const void *payload, size_t size,
                           liminal_envelope **out)
{
    liminal_envelope *cause = request != NULL ? request->ticket.envelope : NULL;
    liminal_trace_context trace = cause != NULL ? liminal_envelope_read(cause).trace : pr->trace;
    const liminal_envelope_options options = {
        LIMINAL_OPS(liminal_envelope_options),
        .allocator = pr->allocator,
        .cause = cause,
        .publisher = limi_talk_name_of(pr->participant),
        .trace = &trace,
    };
    return liminal_envelope_create(payload, size, &options, out);
}

/* Say what is in pr->frame, which nobody asked for. It stays there while it may not be said. */
static void say_unasked(limi_program *pr)
{
    liminal_status st = LIMINAL_OK;
    if (!pr->hushed || pr->last) {
        st = limi_participant_volunteer(pr->participant, &pr->frame, &pr->hushed);
    }
    if (st != LIMINAL_OK) {
        fail(pr, st);
    }
}

static void hand_in_order(limi_program *pr, const unsigned char *payload, size_t size)
{
    bool owed = pr->spec.pairing == LIMINAL_PAIRING_IN_ORDER && pr->begun.count > 0;
    liminal_status st = make(pr, owed ? limi_begun_at(&pr->begun, 0) : NULL, payload, size, &pr->frame);
    if (st != LIMINAL_OK) {
        fail(pr, st);
    } else if (owed) {
        answer(pr, 0);
    } else {
        say_unasked(pr);
    }
}

static void hand_by_function(limi_program *pr, const unsigned char *payload, size_t size)
{
    liminal_status st = make(pr, NULL, payload, size, &pr->frame);
    size_t i;
    for (i = 0; st == LIMINAL_OK && i < pr->begun.count; i++) {
        limi_request *request = limi_begun_at(&pr->begun, i);
        if (call_answers(pr, request)) {
            liminal_envelope_drop(&pr->frame);
            st = make(pr, request, payload, size, &pr->frame); /* again: now it is known what it follows */
            if (st == LIMINAL_OK) {
                answer(pr, i);
                return;
            }
        }
    }
    if (st == LIMINAL_OK) {
        say_unasked(pr);
    } else {
        fail(pr, st);
    }
}

bool limi_program_wants_more(const limi_program *pr)
{
    if (limi_program_is_mute(pr) || !pr->hushed || pr->last) {
        return true;
    }
    return pr->frame == NULL && pr->spec.pairing != LIMINAL_PAIRING_NONE && pr->begun.count > 0;
}

/* A whole frame, or what is left at the end. Half a frame is nothing: why it ended says its exit. */
static liminal_status next(limi_program *pr, const unsigned char **out, size_t *out_size)
{
    liminal_status st = limi_framer_next(&pr->framer, out, out_size);
    if (st == LIMINAL_OK && *out == NULL && pr->out_over) {
        st = limi_framer_rest(&pr->framer, out, out_size);
        if (st == LIMINAL_EINVAL) {
            limi_framer_clear(&pr->framer);
            st = LIMINAL_OK;
        }
    }
    return st;
}

void limi_program_deliver(limi_program *pr)
{
    const unsigned char *payload;
    size_t size;
    if (pr->frame != NULL && !limi_program_is_mute(pr)) {
        say_unasked(pr);
    }
    while (limi_program_wants_more(pr) && !limi_program_is_mute(pr)) {
        liminal_status st = next(pr, &payload, &size);
        if (st != LIMINAL_OK) {
            fail(pr, st);
        }
        if (payload == NULL) {
            return;
        }
        if (pr->spec.pairing == LIMINAL_PAIRING_BY_FUNCTION) {
            hand_by_function(pr, payload, size);
        } else {
            hand_in_order(pr, payload, size);
        }
    }
}

static void out_over(limi_program *pr)
{
    pr->out_over = true;
    limi_descriptor_close(&pr->child.out);
    limi_program_deliver(pr);
    if (pr->spec.pairing != LIMINAL_PAIRING_NONE) {
        limi_program_close(pr);
    }
}

size_t limi_program_read_out(limi_program *pr)
{
    unsigned char *to = pr->scratch;
    size_t room = sizeof pr->scratch;
    ptrdiff_t got;
    liminal_status st = limi_program_is_mute(pr) ? LIMINAL_OK : limi_framer_room(&pr->framer, &to, &room);
    if (st != LIMINAL_OK) {
        fail(pr, st);
        return 0;
    }
    got = limi_descriptor_read(pr->child.out, to, room);
    if (got == 0) {
        out_over(pr);
    } else if (got > 0 && to != pr->scratch) {
        limi_framer_filled(&pr->framer, (size_t)got);
        limi_program_deliver(pr);
    }
    return got > 0 ? (size_t)got : 0;
}

size_t limi_program_read_err(limi_program *pr)
{
    ptrdiff_t got = limi_descriptor_read(pr->child.err, pr->scratch, sizeof pr->scratch);
    if (got == 0) {
        limi_descriptor_close(&pr->child.err);
    } else if (got > 0 && !pr->silent) {
        call_on_stderr(pr, (size_t)got);
    }
    return got > 0 ? (size_t)got : 0;
}

/* ---- the end ---- */

/* So much as is there now, and no more: a child of its own may have the pipe, and write on for ever. */
static void read_left(limi_program *pr, const int *fd, size_t (*read_once)(limi_program *pr))
{
    size_t left = *fd >= 0 ? limi_descriptor_waiting(*fd) : 0, got = 1;
    for (; left > 0 && got > 0 && *fd >= 0; left -= got < left ? got : left) {
        got = read_once(pr);
    }
}

void limi_program_read_last(limi_program *pr)
{
    pr->last = true;
    limi_program_deliver(pr);
    if (!limi_program_is_mute(pr)) {
        read_left(pr, &pr->child.out, limi_program_read_out);
    }
    pr->out_over = true; /* what a child of its own prints from here on is nobody's */
    limi_program_deliver(pr);
    if (!pr->silent) {
        read_left(pr, &pr->child.err, limi_program_read_err);
    }
}

void limi_program_forget(limi_program *pr)
{
    limi_begun_clear(&pr->begun);
    if (pr->outgoing.request != NULL) {
        limi_request_drop(pr->outgoing.request);
        pr->outgoing.request = NULL;
    }
    liminal_envelope_drop(&pr->outgoing.envelope);
    liminal_envelope_drop(&pr->frame);
    limi_framer_clear(&pr->framer);
}

/* SPDX-License-Identifier: MIT */
/* oracle.c -- a conversation as one thread would see it, and the search for an order.
 *
 * The model: a line of messages that were accepted, a line of replies, a phase. What is promised is this and no more:
 *
 *   send      accepted while it is open: at the end of the line. Refused once a close has begun.
 *   ask       the same; and it is answered when all that was in line before it has been dealt with. Two moves,
 *             therefore: it gets in line, it has its answer. One that ran out of time may have been in line or not.
 *   receive   takes the oldest reply; waits, or gives up, only while there is none.
 *   close     two moves: from the first on nothing is accepted; at the second all that was accepted has been dealt
 *             with, or, if a close had a deadline, some of it, the rest is dropped.
 *   query     two moves: at the first it sees what was accepted, at the second the phase; and then, without a thread
 *             that answers, all that was accepted before it began has been dealt with.
 *
 * Who deals with what is in line does so whenever he likes: nobody is promised to find a reply just because the send
 * has returned. So the model deals with it as late as it can, when a call needs it: a reply that is there only ever
 * forbids something, a receive that found none. The same for the move from closing to closed. */
#include "history.h"

#include <stdio.h>
#include <string.h>

typedef enum phase { OPEN, CLOSING, CLOSED } phase;

typedef struct model {
    uint32_t answered; /* asks whose answer is there, a bit for each call */
    uint8_t phase;
    uint8_t hurried; /* a close with a deadline has begun */
    uint8_t sent;
    uint8_t in_line, replies;
    uint8_t line[MODEL_CALLS], reply[MODEL_CALLS];
} model;

/* Where the search is: which calls have made their first move, which their last, and the model then. */
typedef struct spot {
    uint32_t begun, done;
    model m;
} spot;

enum { MEMO = 1 << 14, NEXT = MODEL_CALLS + 1 };

typedef struct memo {
    uint64_t of; /* which search */
    spot at;
} memo;

static memo memos[MEMO];
static uint64_t searches, states;

typedef struct search {
    const model_history *h;
    uint32_t unsure; /* asks that may have been accepted, or not */
    bool lost;       /* the memo was full: look no further, and accept */
} search;

uint64_t model_states(void)
{
    return states;
}

/* ---- the model ---- */

static void shift(uint8_t *line, uint8_t *count)
{
    (*count)--;
    memmove(line, line + 1, *count);
    line[*count] = 0; /* equal models have equal bytes */
}

static void deal_with_first(const search *s, model *m)
{
    uint8_t first = m->line[0];
    const model_call *call = &s->h->calls[first];
    shift(m->line, &m->in_line);
    if (call->verb == MODEL_ASK) {
        m->answered |= 1u << first;
    } else if (!call->silent || s->h->kind == MODEL_BUFFER) {
        m->reply[m->replies++] = first;
    }
}

/* All the ways to be closed from here. */
static size_t be_closed(const search *s, const model *m, model *next)
{
    size_t count = 0;
    model at = *m;
    if (m->phase == OPEN) {
        return 0;
    }
    for (;;) {
        if (at.in_line == 0 || m->hurried) {
            next[count] = at;
            next[count].phase = CLOSED;
            next[count].in_line = 0;
            memset(next[count].line, 0, sizeof at.line);
            count++;
        }
        if (at.in_line == 0) {
            return count;
        }
        deal_with_first(s, &at);
    }
}

static size_t on_send(const model_call *call, uint8_t index, model *next)
{
    if (call->status == LIMINAL_OK && next->phase == OPEN) {
        next->line[next->in_line++] = index;
        next->sent++;
        return 1;
    }
    return call->status == LIMINAL_ECLOSED && next->phase != OPEN;
}

static size_t on_receive(const search *s, const model_call *call, model *next)
{
    size_t ways, kept = 0;
    switch ((int)call->status) {
    case LIMINAL_OK:
        while (next->replies == 0 && next->in_line > 0) {
            deal_with_first(s, next);
        }
        if (next->replies == 0 || next->reply[0] != call->got) {
            return 0;
        }
        shift(next->reply, &next->replies);
        return 1;
    case LIMINAL_ETIMEDOUT:
        return call->wait != MODEL_EVER && next->replies == 0 && next->phase != CLOSED;
    case LIMINAL_ECLOSED: {
        model before = *next;
        ways = be_closed(s, &before, next);
        for (size_t i = 0; i < ways; i++) {
            if (next[i].replies == 0) {
                next[kept++] = next[i];
            }
        }
        return kept;
    }
    default:
        return 0;
    }
}

/* Whether an ask that gave this makes its first move apart from its last. */
static bool is_answer(const model_call *call)
{
    return call->verb == MODEL_ASK && (call->status == LIMINAL_OK || call->status == LIMINAL_ECANCELED);
}

static size_t on_answer(const search *s, const model_call *call, uint8_t index, model *next)
{
    bool right = call->status == LIMINAL_OK ? call->got == index && !call->silent : call->silent;
    while (!(next->answered >> index & 1u) && next->in_line > 0) {
        deal_with_first(s, next);
    }
    return right && (next->answered >> index & 1u);
}

static size_t on_other_ask(const search *s, const model_call *call, model *next)
{
    switch ((int)call->status) {
    case LIMINAL_ENOPROC:
        return s->h->kind == MODEL_BUFFER && call->kept && next->phase == OPEN;
    case LIMINAL_ETIMEDOUT:
        return call->wait != MODEL_EVER && (call->kept || (call->wait != MODEL_NOW && s->h->kind != MODEL_BUFFER)) &&
               next->phase != CLOSED;
    case LIMINAL_ECLOSED: /* refused; or begun, and cut off by a close in a hurry */
        return next->phase != OPEN && (call->kept || next->hurried);
    default:
        return 0;
    }
}

/* Its sends are all that were accepted before, and some that came meanwhile. */
static bool on_query(const search *s, const model_call *call, const model *m)
{
    return call->status == LIMINAL_OK && (m->hurried || call->counts.sent >= m->sent) &&
           call->counts.sent <= m->sent + s->unsure;
}

/* Whether something in line had been accepted before that call began. */
static bool is_older_in_line(const search *s, const model_call *call, const model *m)
{
    bool older = false;
    for (uint8_t i = 0; i < m->in_line; i++) {
        older |= s->h->calls[m->line[i]].to < call->from;
    }
    return older;
}

/* When it returns, what was accepted before it began has been dealt with, where no thread of a participant's does that.
 * Its phase is seen then, so what came meanwhile may be in it or not; and sends are refused before the phase has
 * changed. How many were received is for bounds(). */
static size_t on_query_phase(const search *s, const model_call *call, const model *m, model *next)
{
    model now = *m;
    while (s->h->kind != MODEL_THREAD && !m->hurried && is_older_in_line(s, call, &now)) {
        deal_with_first(s, &now);
    }
    *next = now;
    switch (call->phase) {
    case LIMINAL_PHASE_ACTIVE:
        return now.phase != CLOSED;
    case LIMINAL_PHASE_COMPLETING:
        return now.phase == CLOSING;
    case LIMINAL_PHASE_CLOSED:
        return be_closed(s, &now, next);
    case LIMINAL_PHASE_CREATED:
    case LIMINAL_PHASE_FAILED:
    default:
        return 0;
    }
}

/* What the model may be after this move of that call; *last: it was its last. */
static size_t move(const search *s, uint8_t index, bool first, const model *m, model *next, bool *last)
{
    const model_call *call = &s->h->calls[index];
    model before = *m;
    next[0] = before;
    *last = true;
    switch (call->verb) {
    case MODEL_SEND:
        return on_send(call, index, next);
    case MODEL_RECEIVE:
        return on_receive(s, call, next);
    case MODEL_QUERY:
        *last = !first;
        return first ? on_query(s, call, m) : on_query_phase(s, call, m, next);
    case MODEL_ASK:
        if (!is_answer(call)) {
            return on_other_ask(s, call, next);
        }
        if (!first) {
            return on_answer(s, call, index, next);
        }
        *last = false;
        next->line[next->in_line++] = index;
        next->sent++;
        return s->h->kind != MODEL_BUFFER && m->phase == OPEN;
    case MODEL_CLOSE:
    default:
        if (!first) {
            return be_closed(s, m, next);
        }
        *last = false;
        next->phase = m->phase == OPEN ? CLOSING : m->phase;
        next->hurried |= call->wait != MODEL_EVER;
        return call->status == LIMINAL_OK;
    }
}

/* ---- the search ---- */

/* Whether it was here before. */
static bool remember(search *s, const spot *at)
{
    uint64_t hash = UINT64_C(14695981039346656037);
    const unsigned char *bytes = (const unsigned char *)at;
    for (size_t i = 0; i < sizeof *at; i++) {
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
    }
    for (size_t tries = 0; tries < MEMO; tries++) {
        memo *m = &memos[(hash + tries) % MEMO];
        if (m->of != searches) {
            m->of = searches;
            m->at = *at;
            states++;
            return false;
        }
        if (memcmp(&m->at, at, sizeof *at) == 0) {
            return true;
        }
    }
    s->lost = true;
    return true;
}

static bool find(search *s, const spot *at)
{
    uint64_t end = UINT64_MAX;
    uint32_t all = s->h->count == 32 ? UINT32_MAX : (1u << s->h->count) - 1;
    if (at->done == all || s->lost) {
        return true;
    }
    if (remember(s, at)) {
        return s->lost;
    }
    for (uint32_t i = 0; i < s->h->count; i++) {
        if (!(at->done >> i & 1u) && s->h->calls[i].to < end) {
            end = s->h->calls[i].to;
        }
    }
    for (uint8_t i = 0; i < s->h->count; i++) {
        model next[NEXT];
        bool last;
        size_t ways;
        if ((at->done >> i & 1u) || s->h->calls[i].from > end) {
            continue;
        }
        ways = move(s, i, !(at->begun >> i & 1u), &at->m, next, &last);
        for (size_t way = 0; way < ways; way++) {
            spot there;
            memset(&there, 0, sizeof there);
            there.begun = at->begun | 1u << i;
            there.done = at->done | (last ? 1u << i : 0);
            there.m = next[way];
            if (find(s, &there)) {
                return true;
            }
        }
    }
    return false;
}

static bool has_order(const model_history *h)
{
    search s = {.h = h};
    spot start;
    memset(&start, 0, sizeof start);
    searches++;
    for (uint32_t i = 0; i < h->count; i++) {
        s.unsure += h->calls[i].verb == MODEL_ASK && !is_answer(&h->calls[i]);
    }
    return find(&s, &start);
}

/* ---- what needs no order ---- */

/* What a query says was handed over: all that had been when it began, nothing that was not asked for when it ended. */
static bool bounds(const model_history *h)
{
    for (uint32_t q = 0; q < h->count; q++) {
        uint64_t least = 0, most = 0;
        for (uint32_t i = 0; i < h->count; i++) {
            const model_call *call = &h->calls[i];
            if ((call->verb == MODEL_RECEIVE || call->verb == MODEL_ASK) && call->status == LIMINAL_OK) {
                least += call->to < h->calls[q].from;
                most += call->from < h->calls[q].to;
            }
        }
        if (h->calls[q].verb == MODEL_QUERY &&
            (h->calls[q].counts.received < least || h->calls[q].counts.received > most)) {
            return false;
        }
    }
    return true;
}

static bool was_hurried(const model_history *h)
{
    bool hurried = false;
    for (uint32_t i = 0; i < h->count; i++) {
        hurried |= h->calls[i].verb == MODEL_CLOSE && h->calls[i].wait != MODEL_EVER;
    }
    return hurried;
}

/* Each message came to the participant once, if it was taken; never, if it stayed with the caller. */
static bool deliveries(const model_history *h)
{
    bool hurried = was_hurried(h);
    for (uint32_t i = 0; i < h->count; i++) {
        const model_call *call = &h->calls[i];
        bool taken = call->verb == MODEL_ASK ? !call->kept : call->verb == MODEL_SEND && call->status == LIMINAL_OK;
        bool sure = taken && (!hurried || is_answer(call)); /* else it may have been dropped */
        if (h->delivered[i] > taken || (sure && h->kind != MODEL_BUFFER && h->delivered[i] == 0)) {
            return false;
        }
    }
    return true;
}

/* asked = answered + timed out + failed + cancelled + withdrawn, and the conversation's own books say the same. */
static bool conservation(const model_history *h)
{
    const liminal_counts *c = &h->counts;
    uint64_t asked = 0, answered = 0, late = 0, cut_off = 0, cancelled = 0, kept = 0, sends = 0, silent = 0, got = 0;
    uint64_t booked, brought;
    bool hurried = was_hurried(h);
    for (uint32_t i = 0; i < h->count; i++) {
        const model_call *call = &h->calls[i];
        bool ask = call->verb == MODEL_ASK;
        asked += ask;
        answered += ask && call->status == LIMINAL_OK;
        late += ask && call->status == LIMINAL_ETIMEDOUT && !call->kept;
        cut_off += ask && call->status == LIMINAL_ECLOSED && !call->kept;
        cancelled += ask && call->status == LIMINAL_ECANCELED;
        kept += ask && call->kept;
        got += call->verb == MODEL_RECEIVE && call->status == LIMINAL_OK;
        sends += call->verb == MODEL_SEND && call->status == LIMINAL_OK;
        silent += call->verb == MODEL_SEND && call->status == LIMINAL_OK && call->silent;
    }
    if (asked != answered + late + cut_off + cancelled + kept || c->received != got + answered) {
        return false;
    }
    if (h->kind == MODEL_BUFFER) {
        booked = c->sent + c->withdrawn;
        return c->sent == got && booked >= sends && booked <= sends + kept && (hurried || c->sent == sends);
    }
    booked = c->received + c->late + c->silent + c->unfinished + c->withdrawn;
    brought = sends + answered + late + cut_off + cancelled;
    return booked >= brought && booked <= brought + kept &&
           (hurried || (c->unfinished == 0 && c->withdrawn <= kept && c->late <= late &&
                        c->late + c->silent == late + cancelled + silent));
}

const char *model_refuses(const model_history *history)
{
    return !has_order(history)      ? "no order of the calls explains what they gave"
           : !bounds(history)       ? "a query counts what was not there, or not what was"
           : !deliveries(history)   ? "a message was delivered twice, or lost, or was not the participant's"
           : !conservation(history) ? "the counts at the end are not those of the calls"
                                    : NULL;
}

/* ---- to be read ---- */

void model_print(const model_history *h)
{
    static const char *const kinds[] = {"without participants", "with an inline one", "with a threaded one"};
    static const char *const verbs[] = {"send", "receive", "ask", "close", "query"};
    static const char *const waits[] = {"now", "short", "ever"};
    (void)printf("    a conversation %s; stamps, thread, call, what it gave:\n", kinds[h->kind]);
    for (uint32_t i = 0; i < h->count; i++) {
        const model_call *c = &h->calls[i];
        (void)printf("    %2u  %4llu-%-4llu  %u  %s%s, %s: %s", (unsigned)i, (unsigned long long)c->from,
                     (unsigned long long)c->to, (unsigned)c->thread, verbs[c->verb], c->silent ? " in silence" : "",
                     waits[c->wait], liminal_status_name(c->status));
        if (c->verb == MODEL_QUERY) {
            (void)printf(", phase %d, %d sent, %d received", (int)c->phase, (int)c->counts.sent,
                         (int)c->counts.received);
        } else if (c->status == LIMINAL_OK && (c->verb == MODEL_RECEIVE || c->verb == MODEL_ASK)) {
            (void)printf(" %u", (unsigned)c->got);
        }
        (void)printf("%s, delivered %u\n", c->kept ? ", kept" : "", (unsigned)h->delivered[i]);
    }
    (void)printf("    at the end: sent %d received %d withdrawn %d late %d silent %d unfinished %d\n",
                 (int)h->counts.sent, (int)h->counts.received, (int)h->counts.withdrawn, (int)h->counts.late,
                 (int)h->counts.silent, (int)h->counts.unfinished);
}

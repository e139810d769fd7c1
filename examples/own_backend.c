/* SPDX-License-Identifier: MIT */
/* Somebody else's backend: a loopback in memory that answers in capitals, behind the same handle as any other
 * conversation. It passes tests/conformance/. */
#define _POSIX_C_SOURCE 200809L
#include <liminal.h>
#include <liminal/backend.h>

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define ROOM 16 /* for replies that nobody has received yet */

/* A receive() that waits, on its own stack. While anybody waits there are no replies. */
typedef struct waiter {
    struct waiter *next;
    liminal_envelope *reply;
} waiter;

typedef struct loopback {
    pid_t process; /* a child by fork() has no business here */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    liminal_state *state;
    liminal_envelope *replies[ROOM];
    size_t in, out; /* how many ever went in and out */
    waiter *waiters;
} loopback;

static liminal_status enter(loopback *l)
{
    return l->process == getpid() && pthread_mutex_lock(&l->lock) == 0 ? LIMINAL_OK : LIMINAL_EFORKED;
}

static liminal_status leave(loopback *l, liminal_status st)
{
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    return st;
}

static bool is_open(const loopback *l)
{
    return liminal_state_phase(l->state) == LIMINAL_PHASE_ACTIVE;
}

/* Sleep until something may have changed; false once the deadline has passed. */
static bool await(loopback *l, liminal_deadline deadline)
{
    struct timespec until = {(time_t)(deadline.ns / 1000000000), (long)(deadline.ns % 1000000000)};
    return deadline.ns > 0 && pthread_cond_timedwait(&l->changed, &l->lock, &until) == 0;
}

/* The end of the list, or the place where `wanted` stands in it. */
static waiter **find(waiter **place, const waiter *wanted)
{
    while (*place != NULL && *place != wanted)
        place = &(*place)->next;
    return place;
}

/* Answer `*request`, record it, and take it. */
static liminal_status answer(loopback *l, liminal_envelope **request, liminal_envelope **out)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .cause = *request};
    size_t size = liminal_envelope_size(*request), i;
    char *text = malloc(size + 1);
    liminal_envelope *reply = NULL;
    liminal_status st = text != NULL ? LIMINAL_OK : LIMINAL_ENOMEM;
    for (i = 0; !st && i < size; i++)
        text[i] = (char)toupper((unsigned char)liminal_envelope_text(*request)[i]);
    if (!st && !(st = liminal_envelope_create(text, size, &options, &reply)) &&
        !(st = liminal_state_sent(l->state, *request, liminal_time_now()))) {
        liminal_envelope_drop(request); /* sets it to NULL: taken */
        *out = reply;
    } else {
        liminal_envelope_drop(&reply);
    }
    free(text);
    return st;
}

static liminal_status loopback_send(void *self, liminal_envelope **message, liminal_deadline deadline)
{
    loopback *l = self;
    liminal_envelope *reply = NULL;
    liminal_status st = enter(l);
    if (st)
        return st;
    while (is_open(l) && l->in - l->out == ROOM && await(l, deadline))
        continue;
    if (!is_open(l))
        st = LIMINAL_ECLOSED;
    else if (l->in - l->out == ROOM)
        st = LIMINAL_ETIMEDOUT;
    else if (!(st = answer(l, message, &reply)) && l->waiters != NULL) {
        l->waiters->reply = reply;
        l->waiters = l->waiters->next;
    } else if (!st)
        l->replies[l->in++ % ROOM] = reply;
    return leave(l, st);
}

static liminal_status loopback_receive(void *self, liminal_envelope **out_reply, liminal_deadline deadline)
{
    loopback *l = self;
    waiter me = {NULL, NULL};
    liminal_status st = enter(l);
    if (st)
        return st;
    if (l->in > l->out) {
        me.reply = l->replies[l->out++ % ROOM];
    } else {
        *find(&l->waiters, NULL) = &me;
        while (me.reply == NULL && is_open(l) && await(l, deadline))
            continue;
    }
    if (me.reply == NULL) {
        *find(&l->waiters, &me) = me.next;
        return leave(l, is_open(l) ? LIMINAL_ETIMEDOUT : LIMINAL_ECLOSED);
    }
    *out_reply = me.reply;
    return leave(l, liminal_state_received(l->state, me.reply, liminal_time_now()));
}

static liminal_status loopback_ask(void *self, liminal_envelope **request, liminal_envelope **out_reply,
                                   liminal_deadline deadline)
{
    loopback *l = self;
    liminal_status st = enter(l);
    if (st)
        return st;
    if (!is_open(l))
        st = LIMINAL_ECLOSED;
    else if (liminal_deadline_remaining_ns(deadline) == 0)
        st = LIMINAL_ETIMEDOUT;
    else if (!(st = answer(l, request, out_reply)))
        st = liminal_state_received(l->state, *out_reply, liminal_time_now());
    return leave(l, st);
}

static liminal_status loopback_close(void *self, liminal_deadline deadline)
{
    loopback *l = self;
    liminal_status st = enter(l);
    (void)deadline; /* whatever was accepted has been answered already */
    if (st)
        return st;
    if (is_open(l) && !(st = liminal_state_move(l->state, LIMINAL_PHASE_COMPLETING)))
        st = liminal_state_move(l->state, LIMINAL_PHASE_CLOSED);
    return leave(l, st);
}

static liminal_status loopback_query(void *self, liminal_snapshot **out, liminal_deadline deadline)
{
    loopback *l = self;
    liminal_status st = enter(l);
    (void)deadline;
    return st ? st : leave(l, liminal_state_snapshot(l->state, out));
}

static void loopback_release(void *self)
{
    loopback *l = self;
    if (l->process != getpid())
        return;
    while (l->in > l->out)
        liminal_envelope_drop(&l->replies[l->out++ % ROOM]);
    liminal_state_drop(&l->state);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    free(l);
}

static const liminal_backend loopback_backend = {
    LIMINAL_OPS(liminal_backend), .name = "loopback",      .send = loopback_send,       .receive = loopback_receive,
    .close = loopback_close,      .query = loopback_query, .release = loopback_release, .ask = loopback_ask,
};

static liminal_status loopback_create(loopback **out)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    pthread_condattr_t monotonic;
    loopback *l = calloc(1, sizeof *l);
    liminal_status st;
    if (l == NULL)
        return LIMINAL_ENOMEM;
    l->process = getpid();
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC); /* the clock of our deadlines */
    pthread_cond_init(&l->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    pthread_mutex_init(&l->lock, NULL);
    st = liminal_state_create(&config, NULL, liminal_time_now(), liminal_deadline_never(), NULL, &l->state);
    if (st || (st = liminal_state_move(l->state, LIMINAL_PHASE_ACTIVE)))
        loopback_release(l);
    else
        *out = l;
    return st;
}

int main(void)
{
    const liminal_deadline soon = liminal_deadline_in_ms(1000);
    loopback *self = NULL;
    liminal_conversation *talk = NULL;
    liminal_envelope *message = NULL, *received = NULL, *answered = NULL;
    liminal_snapshot *picture = NULL;
    liminal_status st = loopback_create(&self);

    if (!st && (st = liminal_conversation_open(&loopback_backend, self, NULL, &talk)))
        loopback_release(self);
    if (st || (st = liminal_envelope_printf(&message, "good morning")) ||
        (st = liminal_conversation_send(talk, &message, soon)) ||
        (st = liminal_conversation_receive(talk, &received, soon)) ||
        (st = liminal_envelope_printf(&message, "is anybody there?")) ||
        (st = liminal_conversation_ask(talk, &message, &answered, soon)) ||
        (st = liminal_conversation_close(talk, soon)) || (st = liminal_conversation_query(talk, &picture, soon)))
        fprintf(stderr, "own_backend: %s: %s\n", liminal_status_text(st), liminal_status_detail());
    else
        printf("%s\n%s\n%zu log entries\n", liminal_envelope_text(received), liminal_envelope_text(answered),
               liminal_snapshot_read(picture).log_count);

    liminal_snapshot_drop(&picture);
    liminal_envelope_drop(&answered);
    liminal_envelope_drop(&received);
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&talk);
    return st != LIMINAL_OK;
}

/* SPDX-License-Identifier: MIT */
/* lot_kit.h -- what the tests of lots share (see src/lot.c): numbered messages that say when they end, porters that do
 * with each what a table says, and the way into the middle of a lot. Define _GNU_SOURCE before it.
 *
 * Message 0 is held by a gate while the others are sent, so the next pull finds them all. Where a stop is set, the
 * porter waits at a gate in answer(). Each test is run with messages that may be gathered, and with the same ones
 * that may not, because they have a deadline: what is seen from outside has to be the same. */
#ifndef TEST_LOT_KIT_H
#define TEST_LOT_KIT_H

#include "call_kit.h"

#include "handle.h"
#include "lot.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { NUMBERS = 256, ASKED = 250, EXIT_HEARD = 1000, DIGITS = 4 };

/* ---- what the tests are parametrised over ----------------------------------------------------- */

typedef struct mode {
    liminal_dispatch dispatch;
    bool single;
} mode;

static mode modes[] = {{LIMINAL_DISPATCH_ASSISTED, false}, {LIMINAL_DISPATCH_PINNED, false},
                       {LIMINAL_DISPATCH_ASSISTED, true}, {LIMINAL_DISPATCH_PINNED, true}};

#define MODE(fn, text, i) {#fn " (" text ")", fn, test_setup, test_teardown, &modes[i]}
#define LOTS(fn)                                                                                          \
    MODE(fn, "assisted, one by one", 2), MODE(fn, "pinned, one by one", 3), MODE(fn, "assisted, lots", 0), \
        MODE(fn, "pinned, lots", 1)

/* ---- porters ---------------------------------------------------------------------------------- */

/* What is done with a message; in silence, and no more than that: 0. */
enum { STOPS = 1, REPLIES = 2, FAILS = 4, EXITS = 8, ENDS = 16, ACTS = 32 };

typedef struct scene scene;

/* The plain fields are written by the tests while it is held or idle, and by its thread otherwise. */
typedef struct porter {
    unsigned deeds[NUMBERS];
    unsigned heard[2 * NUMBERS];
    size_t count;
    test_gate begun, go;
    liminal_deadline watched; /* at a stop, so much of it was left: */
    int64_t left_ns;
    bool cannot_bear_exits;
    void (*act)(scene *s);
    scene *scene;
    atomic_int releases;
    liminal_pid pid;
} porter;

struct scene {
    const mode *mode;
    liminal_config config;
    liminal_conversation *talk;
    porter a, b;
    unsigned sent;             /* the next number */
    liminal_deadline deadline; /* of the next messages; {0}: the mode's */
    liminal_status status;     /* for what a porter does */
    liminal_counts counts;
};

static const liminal_exit_reason reason = {LIMINAL_EXIT_CODE, 7};

static inline void hear(porter *self, unsigned number)
{
    (void)test_check(self->count < 2 * NUMBERS);
    self->heard[self->count++] = number;
}

static inline liminal_status carry(void *argument, const liminal_envelope *request, liminal_envelope **out_reply)
{
    porter *self = argument;
    unsigned number = (unsigned)strtoul(liminal_envelope_text(request), NULL, 10);
    unsigned deed;
    hear(self, number);
    if (self->deeds[number] & STOPS) {
        self->left_ns = liminal_deadline_remaining_ns(self->watched);
        test_gate_open(&self->begun);
        test_gate_wait(&self->go);
    }
    deed = self->deeds[number]; /* it may have been changed meanwhile */
    if (deed & ACTS) {
        self->act(self->scene);
    }
    if (deed & REPLIES) {
        *out_reply = liminal_envelope_ref(request);
    }
    if (deed & ENDS) {
        pthread_exit(NULL);
    }
    if (deed & EXITS) {
        return liminal_process_exit(reason);
    }
    return deed & FAILS ? LIMINAL_ELIMIT : LIMINAL_OK;
}

static inline liminal_status hear_exit(void *argument, const liminal_exit *exit)
{
    porter *self = argument;
    (void)exit;
    hear(self, EXIT_HEARD);
    return self->cannot_bear_exits ? LIMINAL_ELIMIT : LIMINAL_OK;
}

static inline void lay_down(void *argument)
{
    atomic_fetch_add(&((porter *)argument)->releases, 1);
}

static const liminal_behaviour carrying = {LIMINAL_OPS(liminal_behaviour), .answer = carry, .release = lay_down};
static const liminal_behaviour trapping = {LIMINAL_OPS(liminal_behaviour), .answer = carry, .release = lay_down,
                                           .exited = hear_exit};

/* From `at` on it has heard these. Gives the place behind them. */
static inline size_t heard(const porter *p, size_t at, unsigned from, unsigned to)
{
    for (unsigned number = from; number <= to; number++, at++) {
        assert_true(at < p->count);
        assert_int_equal(p->heard[at], number);
    }
    return at;
}

/* It has heard these and nothing else. */
static inline void heard_only(const porter *p, unsigned from, unsigned to)
{
    assert_int_equal(heard(p, 0, from, to), p->count);
}

/* ---- messages --------------------------------------------------------------------------------- */

static atomic_uint ends[NUMBERS]; /* of each message's memory */
static atomic_uint ended;

static inline void *give_memory(void *context, size_t bytes)
{
    (void)context;
    return malloc(bytes);
}

static inline void count_end(void *context, void *memory, size_t bytes)
{
    (void)bytes;
    atomic_fetch_add(&ends[(uintptr_t)context], 1);
    atomic_fetch_add(&ended, 1);
    free(memory);
}

/* On any thread, one at a time. */
static inline liminal_envelope *message(scene *s)
{
    unsigned number = s->sent++;
    liminal_allocator counting = {LIMINAL_OPS(liminal_allocator), .context = (void *)(uintptr_t)number,
                                  .allocate = give_memory, .release = count_end};
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = &counting};
    char text[2 * DIGITS];
    liminal_envelope *made = NULL;
    options.deadline = s->deadline;
    if (s->deadline.ns == 0 && s->mode->single) {
        options.deadline = liminal_deadline_in_ms(600000);
    }
    (void)test_check(number < ASKED);
    (void)snprintf(text, sizeof text, "%0*u", DIGITS, number % 10000);
    (void)test_check(liminal_envelope_create(text, DIGITS, &options, &made) == LIMINAL_OK);
    return made;
}

/* On any thread. What is refused was never there. */
static inline liminal_status put_one(scene *s, bool may_wait)
{
    liminal_envelope *made = message(s);
    liminal_status status = may_wait ? liminal_conversation_send(s->talk, &made, LONG) :
                                       liminal_conversation_try_send(s->talk, &made);
    (void)test_check((status == LIMINAL_OK) == (made == NULL));
    liminal_envelope_drop(&made);
    if (status != LIMINAL_OK) {
        s->sent--;
        (void)test_check(atomic_exchange(&ends[s->sent], 0) == 1);
        atomic_fetch_sub(&ended, 1);
    }
    return status;
}

/* All up to this one. */
static inline void put_to(scene *s, unsigned last)
{
    while (s->sent <= last) {
        assert_int_equal(put_one(s, s->sent % 2 == 0), LIMINAL_OK);
    }
}

static inline void get_number(scene *s, unsigned number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%0*u", DIGITS, number);
    get(s->talk, text);
}

/* ---- scenes ----------------------------------------------------------------------------------- */

static inline void porter_init(porter *p, scene *s)
{
    p->scene = s;
    test_gate_init(&p->begun);
    test_gate_init(&p->go);
}

static inline scene *new_scene(void **state, liminal_crash_policy policy)
{
    static scene s;
    memset(&s, 0, sizeof s);
    s.mode = *state;
    s.config = (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = policy, .dispatch = s.mode->dispatch};
    porter_init(&s.a, &s);
    porter_init(&s.b, &s);
    for (size_t i = 0; i < NUMBERS; i++) {
        atomic_store(&ends[i], 0);
    }
    atomic_store(&ended, 0);
    open_house();
    return &s;
}

/* One that has just begun looks for work, as any thread does before it sleeps, and ends whatever lot there is. */
static inline void come_to_rest(scene *s, size_t number)
{
    limi_talk *talk = s->talk->self;
    test_until(limi_bell_is_dozed(&talk->participants[number].engine->bell));
}

/* A conversation with one or two porters, the first of which is in the middle of 0, and has 1 to `last` behind that. */
static inline void begin_with(scene *s, const liminal_behaviour *behaviour, size_t porters, unsigned last)
{
    liminal_participant people[] = {{.behaviour = behaviour, .self = &s->a, .name = "a"},
                                    {.behaviour = behaviour, .self = &s->b, .name = "b"}};
    liminal_snapshot *snapshot;
    s->config.participants = people;
    s->config.participant_count = porters;
    s->talk = spawn(&s->config);
    snapshot = picture(s->talk);
    for (size_t i = 0; i < porters; i++) {
        liminal_participant_status status;
        assert_int_equal(liminal_snapshot_participant(snapshot, i, &status), LIMINAL_OK);
        *(i == 0 ? &s->a.pid : &s->b.pid) = status.pid;
        come_to_rest(s, i);
    }
    liminal_snapshot_drop(&snapshot);
    s->a.deeds[0] |= STOPS;
    put_to(s, 0);
    test_gate_wait(&s->a.begun);
    put_to(s, last);
    (void)look(s->talk);
}

static inline void begin(scene *s, unsigned last)
{
    begin_with(s, &carrying, 1, last);
}

/* The first porter, which is held, goes on to this one and is held there. */
static inline void go_to(scene *s, unsigned number)
{
    s->a.deeds[number] |= STOPS;
    test_gate_open(&s->a.go);
    test_gate_wait(&s->a.begun);
    assert_int_equal(s->a.heard[s->a.count - 1], number);
}

static inline void go_on_alone(scene *s)
{
    test_gate_open(&s->a.go);
}

/* That there is a lot, so that the test is about one. */
static inline void in_a_lot(scene *s)
{
    limi_talk *talk = s->talk->self;
    bool is_there;
    limi_mutex_lock(&talk->lock);
    is_there = limi_lot_is_there(talk);
    limi_mutex_unlock(&talk->lock);
    assert_int_equal(is_there, !s->mode->single);
}

static inline void same_counts(liminal_counts is, liminal_counts expected)
{
    assert_int_equal(is.sent, expected.sent);
    assert_int_equal(is.received, expected.received);
    assert_int_equal(is.silent, expected.silent);
    assert_int_equal(is.unfinished, expected.unfinished);
    assert_int_equal(is.withdrawn, expected.withdrawn);
    assert_int_equal(is.late, expected.late);
}

static inline void counted(scene *s, liminal_counts expected)
{
    same_counts(look(s->talk).counts, expected);
}

/* What has been sent, so much of it is done in silence, and the rest is open. */
static inline void silent_are(scene *s, unsigned silent)
{
    counted(s, (liminal_counts){.sent = s->sent, .silent = silent});
}

static inline void each_ended_once(const scene *s)
{
    for (unsigned i = 0; i < s->sent; i++) {
        assert_int_equal(atomic_load(&ends[i]), 1);
    }
}

static inline void end_scene(scene *s)
{
    shut(&s->talk);
    each_ended_once(s);
    assert_int_equal(s->a.releases, 1);
    assert_int_equal(s->b.releases, s->b.pid.value != 0 ? 1 : 0);
}

/* What was accepted is answered first. */
static inline void close_scene(scene *s)
{
    assert_int_equal(liminal_conversation_close(s->talk, LONG), LIMINAL_OK);
    assert_int_equal(phase(s->talk), LIMINAL_PHASE_CLOSED);
}

#endif

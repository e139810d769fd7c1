/* SPDX-License-Identifier: MIT */
/* step_kit.h -- a world for the rules: named tickets, effects as text. */
#ifndef TEST_STEP_KIT_H
#define TEST_STEP_KIT_H

#include "support/harness.h"

#include "step.h"

#include <stdio.h>
#include <string.h>

/* A ticket with a letter to call it by. */
typedef struct named {
    limi_ticket ticket;
    char name;
} named;

typedef struct world {
    liminal_state *state;
    limi_seat seats[2];
    limi_dialogue dialogue;
    limi_effects effects;
    char text[256];
} world;

static const liminal_time some_time = {1000};

static liminal_status silent(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = silent};

/* `answers`: one bit for each seat. */
static void open_timed(world *w, uint32_t seats, unsigned answers, liminal_deadline deadline,
                       const liminal_allocator *allocator)
{
    liminal_participant people[2] = {{.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &behaviour},
                                     {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &behaviour}};
    const liminal_pid pids[2] = {{11}, {12}};
    static const char *const names[2] = {"first", "second"};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = seats > 0 ? people : NULL,
                             .participant_count = seats, .on_crash = LIMINAL_CRASH_FAIL, .log_entries = 4};
    memset(w, 0, sizeof *w);
    assert_int_equal(liminal_state_create(&config, seats > 0 ? pids : NULL, some_time, deadline, allocator, &w->state),
                     LIMINAL_OK);
    assert_int_equal(liminal_state_move(w->state, LIMINAL_PHASE_ACTIVE), LIMINAL_OK);
    for (uint32_t i = 0; i < seats && i < 2; i++) { /* gcc does not see that there are no more */
        w->seats[i].pid = pids[i];
        w->seats[i].name = names[i];
        w->seats[i].answers = (answers >> i & 1u) != 0;
    }
    limi_dialogue_init(&w->dialogue, w->state, w->seats, seats, deadline);
    limi_effects_init(&w->effects);
}

static void begin(world *w, uint32_t seats, unsigned answers)
{
    open_timed(w, seats, answers, liminal_deadline_never(), test_allocator());
}

static void end_world(world *w)
{
    liminal_state_drop(&w->state);
}

static liminal_envelope *say(const char *text)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    assert_int_equal(liminal_envelope_create(text, strlen(text), &options, &envelope), LIMINAL_OK);
    return envelope;
}

static void renew(named *n, limi_ticket_kind kind, char name, liminal_envelope *envelope)
{
    n->name = name;
    limi_ticket_init(&n->ticket, kind, envelope);
}

static void drop_ticket(named *n)
{
    liminal_envelope_drop(&n->ticket.envelope);
    liminal_envelope_drop(&n->ticket.reply);
}

/* ---- effects as text: ">a0" forwarded to seat 0; "a" settled, "a=OK" with an outcome; "a.OK" after the
 * rest; "closing", "final" ---- */

static inline void say_settled(world *w, limi_list *list, const char *mark)
{
    limi_list *hop;
    while ((hop = limi_list_pop(list)) != NULL) {
        const named *n = LIMI_HOLDER(LIMI_HOLDER(hop, limi_ticket, hop), named, ticket);
        size_t at = strlen(w->text);
        (void)snprintf(w->text + at, sizeof w->text - at, " %c%s%s", n->name, mark,
                       n->ticket.decided ? liminal_status_name(n->ticket.outcome) + strlen("LIMINAL_") : "");
    }
}

static inline const char *effects_of(world *w)
{
    limi_list *hop;
    w->text[0] = '\0';
    while ((hop = limi_list_pop(&w->effects.forward)) != NULL) {
        const named *n = LIMI_HOLDER(LIMI_HOLDER(hop, limi_ticket, way), named, ticket);
        size_t at = strlen(w->text);
        (void)snprintf(w->text + at, sizeof w->text - at, " >%c%u", n->name, (unsigned)n->ticket.seat);
    }
    say_settled(w, &w->effects.settled, "=");
    say_settled(w, &w->effects.closed, ".");
    strcat(w->text, w->effects.closing ? " closing" : "");
    strcat(w->text, w->effects.final ? " final" : "");
    limi_effects_init(&w->effects);
    return w->text[0] != '\0' ? w->text + 1 : "";
}

/* One step, and its effects. */
static inline const char *step(world *w, limi_event event)
{
    event.now = some_time;
    limi_step(&w->dialogue, &event, &w->effects);
    liminal_envelope_drop(&event.reply); /* nobody got it */
    return effects_of(w);
}

static inline const char *sent(world *w, named *n)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_SENT, .ticket = &n->ticket});
}

static inline const char *answered(world *w, named *n, const char *reply)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_ANSWERED, .ticket = &n->ticket,
                                .reply = reply != NULL ? say(reply) : NULL});
}

static inline const char *unbegun(world *w, named *n)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_UNBEGUN, .ticket = &n->ticket});
}

static inline const char *receive(world *w, named *n)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_RECEIVE, .ticket = &n->ticket, .may_wait = true});
}

static inline const char *gave_up(world *w, named *n, bool withdrawn)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_GAVE_UP, .ticket = &n->ticket, .withdrawn = withdrawn});
}

static inline const char *exited(world *w, uint32_t seat)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_EXITED, .seat = seat, .seen = some_time,
                                .reason = {LIMINAL_EXIT_ERROR, 7}});
}

/* No more sends from here on; what was accepted may still be on its way. */
static inline const char *begins_to_close(world *w, int64_t deadline_ns)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_CLOSING, .deadline = {deadline_ns}});
}

/* Both halves of a close. */
static inline const char *closing(world *w, named *n, int64_t deadline_ns)
{
    limi_event first = {.kind = LIMI_EVENT_CLOSING, .deadline = {deadline_ns}, .now = some_time};
    limi_step(&w->dialogue, &first, &w->effects);
    return step(w, (limi_event){.kind = LIMI_EVENT_CLOSE, .ticket = n != NULL ? &n->ticket : NULL});
}

static inline const char *clock_says(world *w, int64_t now_ns)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_DEADLINE, .now_ns = now_ns});
}

static inline void assert_counts(const world *w, const char *expected)
{
    const liminal_counts *c = liminal_state_counts(w->state);
    char text[160];
    (void)snprintf(text, sizeof text, "sent %d received %d withdrawn %d late %d silent %d unfinished %d", (int)c->sent,
                   (int)c->received, (int)c->withdrawn, (int)c->late, (int)c->silent, (int)c->unfinished);
    assert_string_equal(text, expected);
}

static inline void assert_refusal(const world *w, liminal_status status, const char *text)
{
    const char *said;
    assert_int_equal(limi_dialogue_refusal(&w->dialogue, &said), status);
    assert_string_equal(said, text);
}

#endif

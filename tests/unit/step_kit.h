/* SPDX-License-Identifier: MIT */
/* step_kit.h -- a world for the rules: named tickets, effects as text. */
#ifndef TEST_STEP_KIT_H
#define TEST_STEP_KIT_H

#include "support/harness.h"

#include "step.h"

#include <stdio.h>
#include <string.h>

enum { SEATS = 3 };

/* A ticket with a letter to call it by. */
typedef struct named {
    limi_ticket ticket;
    char name;
} named;

typedef struct world {
    liminal_state *state;
    limi_seat seats[SEATS];
    limi_dialogue dialogue;
    limi_compensation compensation;
    limi_effects effects;
    int64_t now_ns; /* what the monotonic clock says with each event */
    char text[256];
} world;

static const liminal_time some_time = {1000};

static liminal_status silent(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = silent};

/* What a world is made of; a bit for each seat. */
typedef struct world_plan {
    uint32_t seats;
    unsigned answers, inlined;
    liminal_crash_policy policy;
    liminal_deadline deadline; /* of the conversation */
    size_t log_entries;
    const liminal_allocator *allocator;
} world_plan;

static void open_planned(world *w, const world_plan *plan)
{
    static const char *const names[SEATS] = {"first", "second", "third"};
    liminal_participant people[SEATS];
    liminal_pid pids[SEATS];
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = plan->seats > 0 ? people : NULL,
                             .participant_count = plan->seats, .on_crash = plan->policy,
                             .log_entries = plan->log_entries};
    memset(w, 0, sizeof *w);
    for (uint32_t i = 0; i < plan->seats && i < SEATS; i++) { /* gcc does not see that there are no more */
        people[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &behaviour,
                                          .name = names[i]};
        pids[i] = (liminal_pid){11 + i};
        w->seats[i].answers = (plan->answers >> i & 1u) != 0;
        w->seats[i].inlined = (plan->inlined >> i & 1u) != 0;
    }
    assert_int_equal(liminal_state_create(&config, plan->seats > 0 ? pids : NULL, some_time, plan->deadline,
                                          plan->allocator, &w->state), LIMINAL_OK);
    assert_int_equal(liminal_state_move(w->state, LIMINAL_PHASE_ACTIVE), LIMINAL_OK);
    limi_dialogue_init(&w->dialogue, w->state, plan->policy, w->seats, plan->seats, plan->deadline);
    limi_list_init(&w->compensation.undos);
    w->dialogue.compensation = plan->policy == LIMINAL_CRASH_COMPENSATE ? &w->compensation : NULL;
    limi_effects_init(&w->effects);
}

/* `answers`: one bit for each seat. */
static inline void open_timed(world *w, uint32_t seats, unsigned answers, liminal_deadline deadline)
{
    open_planned(w, &(world_plan){.seats = seats, .answers = answers, .policy = LIMINAL_CRASH_FAIL,
                                  .deadline = deadline, .log_entries = 4, .allocator = test_allocator()});
}

static inline void begin(world *w, uint32_t seats, unsigned answers)
{
    open_timed(w, seats, answers, liminal_deadline_never());
}

static inline void begin_with(world *w, liminal_crash_policy policy, uint32_t seats, unsigned answers, unsigned inlined)
{
    open_planned(w, &(world_plan){.seats = seats, .answers = answers, .inlined = inlined, .policy = policy,
                                  .deadline = liminal_deadline_never(), .log_entries = 32,
                                  .allocator = test_allocator()});
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

/* One that says its own name. */
static inline void renew_saying(named *n, limi_ticket_kind kind, char name)
{
    const char text[2] = {name, 0};
    renew(n, kind, name, say(text));
}

static void drop_ticket(named *n)
{
    liminal_envelope_drop(&n->ticket.envelope);
    liminal_envelope_drop(&n->ticket.reply);
}

static inline named *named_of(limi_ticket *ticket)
{
    return LIMI_HOLDER(ticket, named, ticket);
}

/* ---- effects as text: "!a0" begun at seat 0, which pulled it; ">a0" the same, inline, when it was sent; "work0":
 * seat 0 has something to pull; "a" settled, "a=OK" with an outcome; "a.OK" after the rest; "resume", "restart",
 * "compensate", "closing", "final" ---- */

static inline void say_settled(world *w, limi_list *list, const char *mark)
{
    limi_list *hop;
    while ((hop = limi_list_pop(list)) != NULL) {
        const named *n = named_of(LIMI_HOLDER(hop, limi_ticket, hop));
        size_t at = strlen(w->text);
        (void)snprintf(w->text + at, sizeof w->text - at, " %c%s%s", n->name, mark,
                       n->ticket.decided ? liminal_status_name(n->ticket.outcome) + strlen("LIMINAL_") : "");
    }
}

static inline void say_begun(world *w, limi_ticket *ticket, char mark)
{
    if (ticket != NULL) {
        size_t at = strlen(w->text);
        (void)snprintf(w->text + at, sizeof w->text - at, " %c%c%u", mark, named_of(ticket)->name,
                       (unsigned)ticket->seat);
    }
}

static inline const char *effects_of(world *w, limi_ticket *pulled)
{
    w->text[0] = '\0';
    say_begun(w, pulled, '!');
    say_begun(w, w->effects.run, '>');
    if (w->effects.work != UINT32_MAX) {
        size_t at = strlen(w->text);
        (void)snprintf(w->text + at, sizeof w->text - at, " work%u", (unsigned)w->effects.work);
    }
    say_settled(w, &w->effects.settled, "=");
    say_settled(w, &w->effects.closed, ".");
    strcat(w->text, w->effects.resume ? " resume" : "");
    strcat(w->text, w->effects.restart ? " restart" : "");
    strcat(w->text, w->effects.compensate ? " compensate" : "");
    strcat(w->text, w->effects.closing ? " closing" : "");
    strcat(w->text, w->effects.final ? " final" : "");
    limi_effects_init(&w->effects);
    return w->text[0] != '\0' ? w->text + 1 : "";
}

/* One step, and its effects. */
static inline const char *step(world *w, limi_event event)
{
    event.now = some_time;
    event.now_ns = w->now_ns;
    limi_step(&w->dialogue, &event, &w->effects);
    liminal_envelope_drop(&event.reply); /* nobody got it */
    return effects_of(w, event.kind == LIMI_EVENT_PULL ? event.ticket : NULL);
}

static inline const char *sent(world *w, named *n)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_SENT, .ticket = &n->ticket});
}

/* Its participant begins the next one. */
static inline const char *pull(world *w, uint32_t seat)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_PULL, .seat = seat});
}

static inline const char *answered_by(world *w, uint32_t seat, named *n, const char *reply)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_ANSWERED, .seat = seat, .ticket = &n->ticket,
                                .reply = reply != NULL ? say(reply) : NULL});
}

/* By the seat it was last at. */
static inline const char *answered(world *w, named *n, const char *reply)
{
    return answered_by(w, n->ticket.seat, n, reply);
}

static inline const char *receive(world *w, named *n)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_RECEIVE, .ticket = &n->ticket, .may_wait = true});
}

static inline const char *gave_up(world *w, named *n)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_GAVE_UP, .ticket = &n->ticket});
}

static inline const char *exited(world *w, uint32_t seat)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_EXITED, .seat = seat, .seen = some_time,
                                .reason = {LIMINAL_EXIT_ERROR, 7}});
}

static inline const char *killed(world *w)
{
    return step(w, (limi_event){.kind = LIMI_EVENT_KILLED});
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
    w->now_ns = now_ns;
    return step(w, (limi_event){.kind = LIMI_EVENT_DEADLINE});
}

/* A participant speaks without being asked. */
static inline const char *unasked(world *w, uint32_t seat, named *n, const char *text)
{
    n->ticket.reply = say(text);
    return step(w, (limi_event){.kind = LIMI_EVENT_UNASKED, .seat = seat, .ticket = &n->ticket});
}

/* The one that was given last has been made; *out: the next. */
static inline const char *undone(world *w, liminal_status status, limi_undo **out)
{
    limi_event event = {.kind = LIMI_EVENT_UNDO, .status = status, .now = some_time, .now_ns = w->now_ns};
    limi_step(&w->dialogue, &event, &w->effects);
    *out = event.undo;
    return effects_of(w, NULL);
}

/* ---- the log as text: "sent a, exited 11, undone b OK, failed EEXIT"; an undo of nothing is the config's ---- */

static inline void say_entry(const liminal_log_entry *entry, char *text, size_t room)
{
    const char *status = liminal_status_name(entry->status) + strlen("LIMINAL_");
    switch (entry->kind) {
    case LIMINAL_LOG_EXITED:
    case LIMINAL_LOG_RESTARTED:
        (void)snprintf(text, room, "exited %d", (int)entry->pid.value);
        break;
    case LIMINAL_LOG_COMPENSATED:
        (void)snprintf(text, room, "undone %s %s", liminal_envelope_text(entry->envelope), status);
        break;
    case LIMINAL_LOG_FAILED:
        (void)snprintf(text, room, "failed %s", status);
        break;
    case LIMINAL_LOG_SENT:
    case LIMINAL_LOG_RECEIVED:
    default:
        (void)snprintf(text, room, "%s %s", liminal_log_kind_text(entry->kind), liminal_envelope_text(entry->envelope));
        break;
    }
}

static inline void assert_log(const world *w, const char *expected)
{
    liminal_snapshot *snapshot = NULL;
    char text[512] = "";
    assert_int_equal(liminal_state_snapshot(w->state, &snapshot), LIMINAL_OK);
    for (size_t i = 0; i < liminal_snapshot_read(snapshot).log_count; i++) {
        liminal_log_entry entry;
        size_t at = strlen(text);
        assert_int_equal(liminal_snapshot_entry(snapshot, i, &entry), LIMINAL_OK);
        at += (size_t)snprintf(text + at, sizeof text - at, "%s", i > 0 ? ", " : "");
        say_entry(&entry, text + at, sizeof text - at);
        if (entry.kind == LIMINAL_LOG_EXITED) {
            assert_int_equal(entry.policy, w->dialogue.policy);
        }
    }
    liminal_snapshot_drop(&snapshot);
    assert_string_equal(text, expected);
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
    limi_words said;
    assert_int_equal(limi_dialogue_refusal(&w->dialogue, &said), status);
    assert_string_equal(said.text, text);
}

#endif

/* SPDX-License-Identifier: MIT */
/* state.c -- the recording half of a conversation's state. */
#include "state.h"

#include "config.h"
#include "memory.h"
#include "phase.h"
#include "sort.h"
#include "text.h"

#include <string.h>

#define FEW 16 /* participants that are found by looking at each */

/* ---- making ----------------------------------------------------------------------------------- */

/* One that has its block to itself: this, then the state. */
typedef struct lone {
    liminal_allocator allocator;
    size_t block;
    limi_words cause_text;
} lone;

_Static_assert(sizeof(lone) % _Alignof(liminal_state) == 0, "the state may follow");

static lone *lone_of(liminal_state *state)
{
    return (lone *)(void *)state - 1;
}

/* Of equal pids the one that is listed first comes first, as it does without an index. */
static bool pid_before(const void *things, uint16_t a, uint16_t b)
{
    const liminal_participant_status *statuses = things;
    uint64_t pid_a = statuses[a].pid.value;
    uint64_t pid_b = statuses[b].pid.value;
    return pid_a != pid_b ? pid_a < pid_b : a < b;
}

/* The index; there is none for a few. */
static uint16_t *by_pid_of(liminal_state *state)
{
    return (uint16_t *)(void *)&state->statuses[state->participant_count];
}

static void sort_by_pid(liminal_state *state)
{
    uint16_t *by_pid = by_pid_of(state);
    for (size_t i = 0; i < state->participant_count; i++) {
        by_pid[i] = (uint16_t)i;
    }
    limi_sort(by_pid, state->participant_count, pid_before, state->statuses);
}

size_t limi_state_size(size_t participant_count)
{
    size_t bytes = sizeof(liminal_state) + participant_count * sizeof(liminal_participant_status);
    bytes += participant_count > FEW ? participant_count * sizeof(uint16_t) : 0;
    return (bytes + _Alignof(liminal_state) - 1) / _Alignof(liminal_state) * _Alignof(liminal_state);
}

void limi_state_init(liminal_state *state, const liminal_config *config, liminal_time now, liminal_deadline deadline,
                     const liminal_allocator *allocator)
{
    state->phase = LIMINAL_PHASE_CREATED;
    state->mode = config->mode;
    state->policy = config->on_crash;
    state->participant_count = (uint32_t)config->participant_count;
    state->created = now;
    /* Left zero it means none, as in any field that holds a deadline. */
    state->deadline = deadline.ns != 0 ? deadline : (liminal_deadline){INT64_MAX};
    limi_log_init(&state->log, config->log_entries, allocator);
    for (size_t i = 0; i < state->participant_count; i++) {
        state->statuses[i].alive = true;
    }
    if (state->participant_count > FEW) {
        sort_by_pid(state);
    }
}

static liminal_status make_state(const liminal_config *config, const liminal_pid *pids,
                                 const liminal_allocator *allocator, liminal_state **out)
{
    size_t size = limi_state_size(config->participant_count);
    size_t bytes = sizeof(lone) + size + limi_text_room(config->name);
    liminal_state *state;
    lone *block;
    char *at;

    for (size_t i = 0; i < config->participant_count; i++) {
        bytes += limi_text_room(config->participants[i].name);
    }
    block = limi_allocate(allocator, bytes);
    if (block == NULL) {
        return LIMINAL_ENOMEM;
    }
    block->allocator = *allocator;
    block->block = bytes;
    state = (liminal_state *)(void *)(block + 1);
    at = (char *)state + size;
    state->name = limi_text_lay(config->name, "", &at);
    for (size_t i = 0; i < config->participant_count; i++) {
        state->statuses[i].pid = pids[i];
        state->statuses[i].name = limi_text_lay(config->participants[i].name, "participant", &at);
    }
    *out = state;
    return LIMINAL_OK;
}

liminal_status liminal_state_create(const liminal_config *config, const liminal_pid *pids, liminal_time now,
                                    liminal_deadline deadline, const liminal_allocator *allocator, liminal_state **out)
{
    liminal_allocator mine;
    liminal_config checked;
    liminal_state *state;
    liminal_status st;

    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    st = limi_allocator_take(&mine, allocator);
    if (st == LIMINAL_OK) {
        st = limi_config_take(&checked, config, &mine);
    }
    if (st == LIMINAL_OK && pids == NULL && checked.participant_count != 0) {
        st = limi_detail(LIMINAL_EINVAL, "pids: NULL with %zu participants", checked.participant_count);
    }
    if (st == LIMINAL_OK) {
        st = make_state(&checked, pids, &mine, &state);
    }
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_state_init(state, &checked, now, deadline, &lone_of(state)->allocator);
    *out = state;
    return LIMINAL_OK;
}

void limi_state_clear(liminal_state *state)
{
    limi_log_clear(&state->log);
}

void liminal_state_drop(liminal_state **state)
{
    if (state != NULL && *state != NULL) {
        liminal_state *mine = *state;
        lone *dead = lone_of(mine);
        liminal_allocator allocator = dead->allocator;
        *state = NULL;
        limi_state_clear(mine); /* which may run a callback */
        limi_release(&allocator, dead, dead->block);
    }
}

/* ---- recording -------------------------------------------------------------------------------- */

liminal_phase liminal_state_phase(const liminal_state *state)
{
    return state != NULL ? state->phase : LIMINAL_PHASE_FAILED;
}

liminal_counts *liminal_state_counts(liminal_state *state)
{
    return state != NULL ? &state->counts : NULL;
}

liminal_status liminal_state_move(liminal_state *state, liminal_phase to)
{
    liminal_status st;
    if (state == NULL) {
        return limi_detail(LIMINAL_EINVAL, "state: NULL");
    }
    st = liminal_phase_check(state->phase, to);
    if (st == LIMINAL_OK && to == LIMINAL_PHASE_FAILED) {
        st = limi_detail(LIMINAL_EPHASE, "to: a conversation fails by liminal_state_fail(), which asks for the cause");
    }
    if (st == LIMINAL_OK) {
        state->phase = to;
    }
    return st;
}

void limi_state_fail(liminal_state *state, const limi_cause *cause, liminal_time now)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_FAILED, .time = now, .status = cause->status};
    state->phase = LIMINAL_PHASE_FAILED;
    state->cause = *cause;
    limi_log_note(&state->log, &entry);
}

liminal_status liminal_state_fail(liminal_state *state, liminal_status cause, const char *text, liminal_time now)
{
    limi_cause why = {.status = cause};
    if (state == NULL) {
        return limi_detail(LIMINAL_EINVAL, "state: NULL");
    }
    if (cause == LIMINAL_OK || !limi_status_known(cause)) {
        return limi_detail(LIMINAL_EINVAL, "cause: %d is not a failure", (int)cause);
    }
    if (limi_phase_final(state->phase)) {
        return liminal_phase_check(state->phase, LIMINAL_PHASE_FAILED);
    }
    limi_cause_fit(&lone_of(state)->cause_text, text != NULL ? text : liminal_status_text(cause));
    why.text = lone_of(state)->cause_text.text;
    limi_state_fail(state, &why, now);
    return LIMINAL_OK;
}

liminal_status liminal_state_sent(liminal_state *state, const liminal_envelope *envelope, liminal_time now)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_SENT, .time = now, .envelope = envelope};
    liminal_status st;
    if (state == NULL || envelope == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", state == NULL ? "state" : "envelope");
    }
    if (state->phase != LIMINAL_PHASE_ACTIVE) {
        return limi_detail(LIMINAL_EPHASE, "a conversation that is %s takes no messages",
                           liminal_phase_text(state->phase));
    }
    st = limi_log_append(&state->log, &entry);
    if (st == LIMINAL_OK) {
        state->counts.sent++;
    }
    return st;
}

liminal_status liminal_state_received(liminal_state *state, const liminal_envelope *envelope, liminal_time now)
{
    if (state == NULL || envelope == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", state == NULL ? "state" : "envelope");
    }
    limi_log_note_message(&state->log, LIMINAL_LOG_RECEIVED, envelope, now);
    state->counts.received++;
    return LIMINAL_OK;
}

static liminal_participant_status *find(liminal_state *state, liminal_pid pid)
{
    const uint16_t *by_pid = by_pid_of(state);
    size_t low = 0;
    size_t count = state->participant_count;
    if (count <= FEW) {
        while (low < count && state->statuses[low].pid.value != pid.value) {
            low++;
        }
        return low < count ? &state->statuses[low] : NULL;
    }
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (state->statuses[by_pid[middle]].pid.value < pid.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == count || state->statuses[by_pid[low]].pid.value != pid.value) {
        return NULL;
    }
    return &state->statuses[by_pid[low]];
}

static void mark_dead(liminal_participant_status *participant, liminal_exit_reason reason, liminal_time seen)
{
    participant->alive = false;
    participant->seen = seen;
    participant->reason = reason;
}

liminal_status liminal_state_exited(liminal_state *state, liminal_pid pid, liminal_exit_reason reason,
                                    liminal_time seen)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_EXITED, .time = seen, .pid = pid, .reason = reason};
    liminal_participant_status *participant;
    if (state == NULL) {
        return limi_detail(LIMINAL_EINVAL, "state: NULL");
    }
    participant = find(state, pid);
    if (participant == NULL) {
        return limi_detail(LIMINAL_ENOPROC, "pid: %llu is no participant", (unsigned long long)pid.value);
    }
    if (!participant->alive) {
        return limi_detail(LIMINAL_EPHASE, "pid: %llu has exited already", (unsigned long long)pid.value);
    }
    mark_dead(participant, reason, seen);
    entry.policy = state->policy;
    limi_log_note(&state->log, &entry);
    return LIMINAL_OK;
}

/* ---- for the rules ---------------------------------------------------------------------------- */

void limi_state_note_compensated(liminal_state *state, const liminal_envelope *what, liminal_status status,
                                 liminal_time now)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_COMPENSATED, .time = now, .envelope = what, .status = status};
    limi_log_note(&state->log, &entry);
}

void limi_state_note_restarted(liminal_state *state, liminal_pid pid, liminal_time now)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_RESTARTED, .time = now, .pid = pid};
    limi_log_note(&state->log, &entry);
}

void limi_state_note_exit(liminal_state *state, const liminal_exit *exit)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_EXITED, .time = exit->seen, .pid = exit->pid};
    entry.reason = exit->reason;
    limi_log_note(&state->log, &entry);
}

void limi_state_stopped(liminal_state *state, liminal_pid pid, liminal_exit_reason reason, liminal_time seen)
{
    liminal_participant_status *participant = find(state, pid);
    if (participant != NULL && participant->alive) {
        mark_dead(participant, reason, seen);
    }
}

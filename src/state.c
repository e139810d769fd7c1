/* SPDX-License-Identifier: MIT */
/* state.c -- the recording half of a conversation's state. */
#include "state.h"

#include "config.h"
#include "memory.h"
#include "phase.h"
#include "sort.h"

#include <string.h>

#define FEW 16 /* participants that are found by looking at each */

/* ---- making ----------------------------------------------------------------------------------- */

static size_t text_room(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* Copy a text to *at and step over it; `none` stands for NULL. */
static const char *lay_text(const char *text, const char *none, char **at)
{
    char *copy = *at;
    size_t room = text_room(text);
    if (room == 0) {
        return none;
    }
    memcpy(copy, text, room);
    *at += room;
    return copy;
}

static limi_roster *make_roster(const liminal_config *config, const liminal_allocator *allocator)
{
    size_t bytes = sizeof(limi_roster) + text_room(config->name);
    limi_roster *roster;
    for (size_t i = 0; i < config->participant_count; i++) {
        bytes += text_room(config->participants[i].name);
    }
    roster = limi_allocate(allocator, bytes);
    if (roster != NULL) {
        limi_refcount_init(&roster->owners);
        roster->allocator = *allocator;
        roster->block = bytes;
    }
    return roster;
}

void limi_roster_drop(limi_roster *roster)
{
    if (limi_refcount_down(&roster->owners)) {
        liminal_allocator allocator = roster->allocator;
        limi_release(&allocator, roster, roster->block);
    }
}

/* Of equal pids the one that is listed first comes first, as it does without an index. */
static bool pid_before(const void *things, uint16_t a, uint16_t b)
{
    const liminal_participant_status *statuses = things;
    uint64_t pid_a = statuses[a].pid.value;
    uint64_t pid_b = statuses[b].pid.value;
    return pid_a != pid_b ? pid_a < pid_b : a < b;
}

static void enlist(liminal_state *state, const liminal_config *config, const liminal_pid *pids)
{
    size_t count = config->participant_count;
    char *at = state->roster->texts;

    state->summary.name = lay_text(config->name, "", &at);
    state->summary.participant_count = count;
    for (size_t i = 0; i < count; i++) {
        state->statuses[i].pid = pids[i];
        state->statuses[i].name = lay_text(config->participants[i].name, "participant", &at);
        state->statuses[i].alive = true;
    }
    if (count <= FEW) {
        return;
    }
    state->by_pid = (uint16_t *)(void *)&state->statuses[count];
    for (size_t i = 0; i < count; i++) {
        state->by_pid[i] = (uint16_t)i;
    }
    limi_sort(state->by_pid, count, pid_before, state->statuses);
}

static liminal_status make_state(const liminal_config *config, const liminal_allocator *allocator, liminal_state **out)
{
    size_t count = config->participant_count;
    size_t bytes = sizeof(liminal_state) + count * sizeof(liminal_participant_status);
    liminal_state *state;

    bytes += count > FEW ? count * sizeof(uint16_t) : 0;
    state = limi_allocate(allocator, bytes);
    if (state == NULL) {
        return LIMINAL_ENOMEM;
    }
    state->roster = make_roster(config, allocator);
    if (state->roster == NULL) {
        limi_release(allocator, state, bytes);
        return LIMINAL_ENOMEM;
    }
    state->allocator = *allocator;
    state->block = bytes;
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
        st = make_state(&checked, &mine, &state);
    }
    if (st != LIMINAL_OK) {
        return st;
    }
    enlist(state, &checked, pids);
    limi_log_init(&state->log, checked.log_entries, &state->allocator);
    state->policy = checked.on_crash;
    state->summary.phase = LIMINAL_PHASE_CREATED;
    state->summary.mode = checked.mode;
    state->summary.created = now;
    /* Left zero it means none, as in any field that holds a deadline. */
    state->summary.deadline = deadline.ns != 0 ? deadline : (liminal_deadline){INT64_MAX};
    *out = state;
    return LIMINAL_OK;
}

void liminal_state_drop(liminal_state **state)
{
    if (state != NULL && *state != NULL) {
        liminal_state *dead = *state;
        liminal_allocator allocator = dead->allocator;
        *state = NULL;
        limi_log_clear(&dead->log);
        limi_roster_drop(dead->roster);
        limi_release(&allocator, dead, dead->block);
    }
}

/* ---- recording -------------------------------------------------------------------------------- */

liminal_phase liminal_state_phase(const liminal_state *state)
{
    return state != NULL ? state->summary.phase : LIMINAL_PHASE_FAILED;
}

liminal_counts *liminal_state_counts(liminal_state *state)
{
    return state != NULL ? &state->summary.counts : NULL;
}

liminal_status liminal_state_move(liminal_state *state, liminal_phase to)
{
    liminal_status st;
    if (state == NULL) {
        return limi_detail(LIMINAL_EINVAL, "state: NULL");
    }
    st = liminal_phase_check(state->summary.phase, to);
    if (st == LIMINAL_OK && to == LIMINAL_PHASE_FAILED) {
        st = limi_detail(LIMINAL_EPHASE, "to: a conversation fails by liminal_state_fail(), which asks for the cause");
    }
    if (st == LIMINAL_OK) {
        state->summary.phase = to;
    }
    return st;
}

/* Keep what fits, cut between two characters. */
static void keep_cause_text(liminal_state *state, const char *text)
{
    const char *end = memchr(text, 0, sizeof state->cause_text);
    size_t length = end != NULL ? (size_t)(end - text) : sizeof state->cause_text - 1;
    while (end == NULL && length > 0 && ((unsigned char)text[length] & 0xC0) == 0x80) {
        length--;
    }
    memcpy(state->cause_text, text, length);
    state->cause_text[length] = 0;
}

liminal_status liminal_state_fail(liminal_state *state, liminal_status cause, const char *text, liminal_time now)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_FAILED, .time = now, .status = cause};
    if (state == NULL) {
        return limi_detail(LIMINAL_EINVAL, "state: NULL");
    }
    if (cause == LIMINAL_OK || !limi_status_known(cause)) {
        return limi_detail(LIMINAL_EINVAL, "cause: %d is not a failure", (int)cause);
    }
    if (limi_phase_final(state->summary.phase)) {
        return liminal_phase_check(state->summary.phase, LIMINAL_PHASE_FAILED);
    }
    state->summary.phase = LIMINAL_PHASE_FAILED;
    state->summary.cause = cause;
    keep_cause_text(state, text != NULL ? text : liminal_status_text(cause));
    limi_log_note(&state->log, &entry);
    return LIMINAL_OK;
}

liminal_status liminal_state_sent(liminal_state *state, const liminal_envelope *envelope, liminal_time now)
{
    liminal_log_entry entry = {.kind = LIMINAL_LOG_SENT, .time = now, .envelope = envelope};
    liminal_status st;
    if (state == NULL || envelope == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", state == NULL ? "state" : "envelope");
    }
    if (state->summary.phase != LIMINAL_PHASE_ACTIVE) {
        return limi_detail(LIMINAL_EPHASE, "a conversation that is %s takes no messages",
                           liminal_phase_text(state->summary.phase));
    }
    st = limi_log_append(&state->log, &entry);
    if (st == LIMINAL_OK) {
        state->summary.counts.sent++;
    }
    return st;
}

liminal_status liminal_state_received(liminal_state *state, const liminal_envelope *envelope, liminal_time now)
{
    if (state == NULL || envelope == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", state == NULL ? "state" : "envelope");
    }
    limi_log_note_message(&state->log, LIMINAL_LOG_RECEIVED, envelope, now);
    state->summary.counts.received++;
    return LIMINAL_OK;
}

static liminal_participant_status *find(liminal_state *state, liminal_pid pid)
{
    size_t low = 0;
    size_t count = state->summary.participant_count;
    if (state->by_pid == NULL) {
        while (low < count && state->statuses[low].pid.value != pid.value) {
            low++;
        }
        return low < count ? &state->statuses[low] : NULL;
    }
    for (size_t high = count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (state->statuses[state->by_pid[middle]].pid.value < pid.value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == count || state->statuses[state->by_pid[low]].pid.value != pid.value) {
        return NULL;
    }
    return &state->statuses[state->by_pid[low]];
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

liminal_status limi_state_cause(const liminal_state *state, const char **text)
{
    *text = state->cause_text;
    return state->summary.cause;
}

void limi_state_note_sent(liminal_state *state, const liminal_envelope *envelope, liminal_time now)
{
    limi_log_note_message(&state->log, LIMINAL_LOG_SENT, envelope, now);
    state->summary.counts.sent++;
}

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

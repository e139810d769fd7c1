/* SPDX-License-Identifier: MIT */
/* snapshot.c -- an immutable picture of a conversation: taking it and reading it. */
#include "memory.h"
#include "state.h"
#include "text.h"

#include <string.h>

static size_t bytes_of(const liminal_state *state)
{
    size_t bytes = sizeof(liminal_snapshot) + state->participant_count * sizeof *state->statuses;
    bytes += limi_text_room(state->name);
    for (size_t i = 0; i < state->participant_count; i++) {
        bytes += limi_text_room(state->statuses[i].name);
    }
    return bytes;
}

static void copy_people(liminal_snapshot *snapshot, const liminal_state *state)
{
    char *at = (char *)&snapshot->statuses[state->participant_count];
    snapshot->summary.name = limi_text_lay(state->name, "", &at);
    memcpy(snapshot->statuses, state->statuses, state->participant_count * sizeof *state->statuses);
    for (size_t i = 0; i < state->participant_count; i++) {
        snapshot->statuses[i].name = limi_text_lay(state->statuses[i].name, "", &at);
    }
}

liminal_status liminal_state_snapshot(const liminal_state *state, liminal_snapshot **out)
{
    liminal_snapshot *snapshot;
    size_t bytes;

    if (state == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", state == NULL ? "state" : "out");
    }
    bytes = bytes_of(state);
    snapshot = limi_allocate(state->log.allocator, bytes);
    if (snapshot == NULL) {
        return LIMINAL_ENOMEM;
    }
    snapshot->allocator = *state->log.allocator;
    snapshot->block = bytes;
    limi_log_share(&state->log, &snapshot->view);
    limi_cause_say(&state->cause, &snapshot->cause_text);
    snapshot->summary = (liminal_summary){
        .phase = state->phase,
        .mode = state->mode,
        .created = state->created,
        .deadline = state->deadline,
        .cause = state->cause.status,
        .cause_text = snapshot->cause_text.text,
        .participant_count = state->participant_count,
        .log_count = limi_log_view_count(&snapshot->view),
        .log_dropped = limi_log_dropped(&state->log),
        .counts = state->counts,
    };
    copy_people(snapshot, state);
    *out = snapshot;
    return LIMINAL_OK;
}

liminal_summary liminal_snapshot_read(const liminal_snapshot *snapshot)
{
    if (snapshot == NULL) {
        return (liminal_summary){.name = "", .cause_text = ""};
    }
    return snapshot->summary;
}

liminal_status liminal_snapshot_participant(const liminal_snapshot *snapshot, size_t index,
                                            liminal_participant_status *out)
{
    if (snapshot == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", snapshot == NULL ? "snapshot" : "out");
    }
    if (index >= snapshot->summary.participant_count) {
        return limi_detail(LIMINAL_EINVAL, "index: %zu of %zu participants", index,
                           snapshot->summary.participant_count);
    }
    *out = snapshot->statuses[index];
    return LIMINAL_OK;
}

liminal_status liminal_snapshot_entry(const liminal_snapshot *snapshot, size_t index, liminal_log_entry *out)
{
    if (snapshot == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", snapshot == NULL ? "snapshot" : "out");
    }
    if (index >= snapshot->summary.log_count) {
        return limi_detail(LIMINAL_EINVAL, "index: %zu of %zu entries", index, snapshot->summary.log_count);
    }
    *out = *limi_log_view_at(&snapshot->view, index);
    return LIMINAL_OK;
}

void liminal_snapshot_drop(liminal_snapshot **snapshot)
{
    if (snapshot != NULL && *snapshot != NULL) {
        liminal_snapshot *dead = *snapshot;
        liminal_allocator allocator = dead->allocator;
        *snapshot = NULL;
        limi_log_view_drop(&dead->view);
        limi_release(&allocator, dead, dead->block);
    }
}

const char *liminal_log_kind_text(liminal_log_kind kind)
{
    switch (kind) {
    case LIMINAL_LOG_SENT:
        return "sent";
    case LIMINAL_LOG_RECEIVED:
        return "received";
    case LIMINAL_LOG_EXITED:
        return "exited";
    case LIMINAL_LOG_COMPENSATED:
        return "compensated";
    case LIMINAL_LOG_RESTARTED:
        return "restarted";
    case LIMINAL_LOG_FAILED:
        return "failed";
    default:
        return "unknown";
    }
}

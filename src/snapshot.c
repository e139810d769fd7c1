/* SPDX-License-Identifier: MIT */
/* snapshot.c -- an immutable picture of a conversation: taking it and reading it. */
#include "memory.h"
#include "state.h"

#include <string.h>

liminal_status liminal_state_snapshot(const liminal_state *state, liminal_snapshot **out)
{
    liminal_snapshot *snapshot;
    size_t people, bytes;

    if (state == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", state == NULL ? "state" : "out");
    }
    people = state->summary.participant_count * sizeof(liminal_participant_status);
    bytes = sizeof *snapshot + people;
    snapshot = limi_allocate(&state->allocator, bytes);
    if (snapshot == NULL) {
        return LIMINAL_ENOMEM;
    }
    snapshot->allocator = state->allocator;
    snapshot->block = bytes;
    snapshot->roster = state->roster;
    limi_refcount_up(&snapshot->roster->owners);
    limi_log_share(&state->log, &snapshot->view);
    memcpy(snapshot->statuses, state->statuses, people);
    memcpy(snapshot->cause_text, state->cause_text, sizeof snapshot->cause_text);
    snapshot->summary = state->summary;
    snapshot->summary.cause_text = snapshot->cause_text;
    snapshot->summary.log_count = limi_log_view_count(&snapshot->view);
    snapshot->summary.log_dropped = limi_log_dropped(&state->log);
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
        limi_roster_drop(dead->roster);
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

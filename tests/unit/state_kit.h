/* SPDX-License-Identifier: MIT */
/* state_kit.h -- what test_state.c and test_snapshot.c both need. */
#ifndef TEST_STATE_KIT_H
#define TEST_STATE_KIT_H

#include "support/harness.h"
#include "state.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static inline liminal_status silent(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self, (void)request, (void)out_reply;
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = silent};
static const liminal_exit_reason signal_9 = {LIMINAL_EXIT_SIGNAL, 9};
static const liminal_time some_time = {1000};

static inline liminal_config plain(const liminal_participant *participants, size_t count)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = count,
                            .on_crash = LIMINAL_CRASH_FAIL};
}

static inline liminal_state *make(const liminal_config *config, const liminal_pid *pids)
{
    liminal_state *state = NULL;
    assert_int_equal(liminal_state_create(config, pids, some_time, liminal_deadline_never(), test_allocator(), &state),
                     LIMINAL_OK);
    return state;
}

static inline liminal_state *make_active(size_t log_entries)
{
    liminal_config config = plain(NULL, 0);
    liminal_state *state;
    config.log_entries = log_entries;
    state = make(&config, NULL);
    assert_int_equal(liminal_state_move(state, LIMINAL_PHASE_ACTIVE), LIMINAL_OK);
    return state;
}

static inline liminal_envelope *say(const char *text)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    assert_int_equal(liminal_envelope_create(text, strlen(text), &options, &envelope), LIMINAL_OK);
    return envelope;
}

static inline liminal_snapshot *look(const liminal_state *state)
{
    liminal_snapshot *snapshot = NULL;
    assert_int_equal(liminal_state_snapshot(state, &snapshot), LIMINAL_OK);
    return snapshot;
}

static inline liminal_summary summary_now(const liminal_state *state)
{
    liminal_snapshot *snapshot = look(state);
    liminal_summary summary = liminal_snapshot_read(snapshot);
    liminal_snapshot_drop(&snapshot);
    summary.name = summary.cause_text = NULL; /* they went with the snapshot */
    return summary;
}

static inline liminal_participant_status status_of(const liminal_snapshot *snapshot, size_t index)
{
    liminal_participant_status status;
    assert_int_equal(liminal_snapshot_participant(snapshot, index, &status), LIMINAL_OK);
    return status;
}

static inline liminal_log_entry entry_of(const liminal_snapshot *snapshot, size_t index)
{
    liminal_log_entry entry;
    assert_int_equal(liminal_snapshot_entry(snapshot, index, &entry), LIMINAL_OK);
    return entry;
}

#endif

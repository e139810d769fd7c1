/* SPDX-License-Identifier: MIT */
/* test_snapshot.c -- the picture of a conversation: its cost, its bounds, NULL. */
#include "state_kit.h"

/* ---- snapshots -------------------------------------------------------------------------------- */

static void cost_of_a_snapshot(const liminal_state *state, size_t *allocations, size_t *bytes)
{
    size_t allocations_before = test_allocations(), bytes_before = test_bytes();
    liminal_snapshot *snapshot = look(state);
    *allocations = test_allocations() - allocations_before;
    *bytes = test_bytes() - bytes_before;
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(test_bytes(), bytes_before);
}

static void a_snapshot_costs_the_same(void **test)
{
    liminal_state *state = make_active(LIMINAL_UNBOUNDED);
    liminal_envelope *message = say("message");
    size_t first_allocations = 0, first_bytes = 0, allocations, bytes;
    liminal_snapshot *snapshot;
    (void)test;
    for (int64_t sent = 1; sent <= 1000000; sent++) {
        assert_int_equal(liminal_state_sent(state, message, (liminal_time){sent}), LIMINAL_OK);
        if (sent == 1) {
            cost_of_a_snapshot(state, &first_allocations, &first_bytes);
            assert_int_equal(first_allocations, 1);
        } else if (sent == 1000 || sent == 1000000) {
            cost_of_a_snapshot(state, &allocations, &bytes);
            assert_int_equal(allocations, first_allocations);
            assert_int_equal(bytes, first_bytes);
        }
    }
    snapshot = look(state);
    liminal_state_drop(&state);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 1000000);
    assert_int_equal(entry_of(snapshot, 0).time.unix_ns, 1);
    assert_int_equal(entry_of(snapshot, 654321).time.unix_ns, 654322);
    assert_int_equal(entry_of(snapshot, 999999).time.unix_ns, 1000000);
    liminal_snapshot_drop(&snapshot);
    liminal_envelope_drop(&message);
}

static void reading_outside(void **test)
{
    liminal_participant participant = {.behaviour = &behaviour};
    liminal_config config = plain(&participant, 1);
    liminal_state *state = make(&config, &(liminal_pid){5});
    liminal_participant_status status = {.pid = {77}};
    liminal_log_entry entry = {.pid = {78}};
    liminal_snapshot *snapshot = look(state);
    (void)test;
    assert_int_equal(liminal_snapshot_participant(snapshot, 1, &status), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "index: 1 of 1 participants");
    assert_int_equal(liminal_snapshot_participant(snapshot, SIZE_MAX, &status), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_participant(NULL, 0, &status), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_participant(snapshot, 0, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_entry(snapshot, 0, &entry), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "index: 0 of 0 entries");
    assert_int_equal(liminal_snapshot_entry(NULL, 0, &entry), LIMINAL_EINVAL);
    assert_int_equal(liminal_snapshot_entry(snapshot, 0, NULL), LIMINAL_EINVAL);
    assert_int_equal(status.pid.value, 77);
    assert_int_equal(entry.pid.value, 78);
    liminal_snapshot_drop(&snapshot);
    liminal_state_drop(&state);
}

static void null_is_refused_or_welcome(void **test)
{
    liminal_state *state = make_active(0), *no_state = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_envelope *message = say("message");
    liminal_summary summary = liminal_snapshot_read(NULL);
    (void)test;
    assert_int_equal(liminal_state_phase(NULL), LIMINAL_PHASE_FAILED);
    assert_null(liminal_state_counts(NULL));
    assert_int_equal(liminal_state_move(NULL, LIMINAL_PHASE_ACTIVE), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_fail(NULL, LIMINAL_EEXIT, NULL, some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_sent(NULL, message, some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_sent(state, NULL, some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_received(NULL, message, some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_received(state, NULL, some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_exited(NULL, (liminal_pid){1}, signal_9, some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_snapshot(NULL, &snapshot), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_snapshot(state, NULL), LIMINAL_EINVAL);
    assert_null(snapshot);
    assert_int_equal(summary_now(state).log_count, 0);
    assert_int_equal(summary_now(state).counts.received, 0);
    liminal_state_drop(NULL);
    liminal_state_drop(&no_state);
    liminal_snapshot_drop(NULL);
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(summary.phase, LIMINAL_PHASE_CREATED);
    assert_string_equal(summary.name, "");
    assert_string_equal(summary.cause_text, "");
    assert_int_equal(summary.deadline.ns, 0);
    assert_int_equal(summary.log_count, 0);
    liminal_envelope_drop(&message);
    liminal_state_drop(&state);
}

static void names_of_kinds(void **test)
{
    static const char *const names[] = {"sent", "received", "exited", "compensated", "failed", "restarted"};
    int kind;
    (void)test;
    for (kind = 0; kind < 6; kind++) {
        assert_string_equal(liminal_log_kind_text((liminal_log_kind)kind), names[kind]);
    }
    assert_string_equal(liminal_log_kind_text((liminal_log_kind)6), "unknown");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_snapshot_costs_the_same),
        TEST(reading_outside),
        TEST(null_is_refused_or_welcome),
        TEST(names_of_kinds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

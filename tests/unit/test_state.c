/* SPDX-License-Identifier: MIT */
/* test_state.c -- the recording half of a conversation's state, and snapshots of it. */
#include "state_kit.h"

/* ---- create ----------------------------------------------------------------------------------- */

static void as_configured(void **test)
{
    char name[] = "talk", first[] = "first";
    liminal_participant participants[2] = {{.behaviour = &behaviour, .name = first}, {.behaviour = &behaviour}};
    liminal_pid pids[2] = {{11}, {12}};
    liminal_config config = plain(participants, 2);
    liminal_state *state = NULL;
    liminal_snapshot *snapshot;
    liminal_summary summary;
    (void)test;
    config.name = name;
    config.mode = LIMINAL_MODE_DURABLE;
    assert_int_equal(liminal_state_create(&config, pids, some_time, (liminal_deadline){5000}, test_allocator(), &state),
                     LIMINAL_OK);
    memset(name, 'x', 4), memset(first, 'x', 5), memset(pids, 0, sizeof pids);
    snapshot = look(state);
    liminal_state_drop(&state);
    assert_null(state);
    summary = liminal_snapshot_read(snapshot); /* which does not depend on the state */
    assert_int_equal(summary.phase, LIMINAL_PHASE_CREATED);
    assert_int_equal(summary.mode, LIMINAL_MODE_DURABLE);
    assert_string_equal(summary.name, "talk");
    assert_int_equal(summary.created.unix_ns, 1000);
    assert_int_equal(summary.deadline.ns, 5000);
    assert_int_equal(summary.cause, LIMINAL_OK);
    assert_string_equal(summary.cause_text, "");
    assert_int_equal(summary.participant_count, 2);
    assert_int_equal(summary.log_count, 0);
    assert_int_equal(summary.log_dropped, 0);
    assert_int_equal(status_of(snapshot, 0).pid.value, 11);
    assert_string_equal(status_of(snapshot, 0).name, "first");
    assert_true(status_of(snapshot, 0).alive);
    assert_int_equal(status_of(snapshot, 0).seen.unix_ns, 0);
    assert_int_equal(status_of(snapshot, 1).pid.value, 12);
    assert_string_equal(status_of(snapshot, 1).name, "participant");
    liminal_snapshot_drop(&snapshot);
    assert_null(snapshot);
}

static void without_a_name_or_a_deadline(void **test)
{
    liminal_config config = plain(NULL, 0);
    liminal_state *state = NULL;
    liminal_snapshot *snapshot;
    (void)test;
    assert_int_equal(liminal_state_create(&config, NULL, some_time, (liminal_deadline){0}, test_allocator(), &state),
                     LIMINAL_OK);
    snapshot = look(state);
    assert_string_equal(liminal_snapshot_read(snapshot).name, "");
    assert_int_equal(liminal_snapshot_read(snapshot).deadline.ns, INT64_MAX);
    assert_int_equal(liminal_snapshot_read(snapshot).participant_count, 0);
    liminal_snapshot_drop(&snapshot);
    liminal_state_drop(&state);
}

static void create_refuses(void **test)
{
    liminal_participant participant = {.behaviour = &behaviour};
    liminal_config config = plain(&participant, 1);
    liminal_allocator bad = *test_allocator();
    liminal_deadline never = liminal_deadline_never();
    liminal_pid pid = {1};
    liminal_state *state = NULL;
    (void)test;
    assert_int_equal(liminal_state_create(NULL, &pid, some_time, never, NULL, &state), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "config: NULL");
    assert_int_equal(liminal_state_create(&config, NULL, some_time, never, NULL, &state), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "pids: NULL with 1 participants");
    assert_int_equal(liminal_state_create(&config, &pid, some_time, never, NULL, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    bad.size = 1;
    assert_int_equal(liminal_state_create(&config, &pid, some_time, never, &bad, &state), LIMINAL_EINVAL);
    config.on_crash = LIMINAL_CRASH_UNSET;
    assert_int_equal(liminal_state_create(&config, &pid, some_time, never, NULL, &state), LIMINAL_EINVAL);
    config = plain(&participant, 65536);
    assert_int_equal(liminal_state_create(&config, &pid, some_time, never, NULL, &state), LIMINAL_ELIMIT);
    assert_null(state);
    config = plain(&participant, 1);
    assert_int_equal(liminal_state_create(&config, &pid, some_time, never, NULL, &state), LIMINAL_OK);
    liminal_state_drop(&state);
}

static void create_without_memory(void **test)
{
    liminal_participant participants[40] = {{0}};
    liminal_pid pids[40] = {{0}};
    liminal_config config = plain(participants, 40);
    liminal_state *state = NULL;
    size_t nth;
    (void)test;
    for (size_t i = 0; i < 40; i++) {
        participants[i] = (liminal_participant){.behaviour = &behaviour, .name = "p"};
    }
    for (nth = 1;; nth++) {
        liminal_status st;
        test_fail_nth(nth);
        st = liminal_state_create(&config, pids, some_time, liminal_deadline_never(), test_allocator(), &state);
        if (st == LIMINAL_OK) {
            break;
        }
        assert_int_equal(st, LIMINAL_ENOMEM);
        assert_null(state);
        assert_int_equal(test_blocks(), 0);
    }
    test_fail_nth(0);
    assert_int_equal(nth, 3); /* the check of so many, the state */
    liminal_state_drop(&state);
}

/* ---- phases ----------------------------------------------------------------------------------- */

static void moves(void **test)
{
    liminal_config config = plain(NULL, 0);
    liminal_state *state = make(&config, NULL);
    (void)test;
    assert_int_equal(liminal_state_phase(state), LIMINAL_PHASE_CREATED);
    assert_int_equal(liminal_state_move(state, LIMINAL_PHASE_COMPLETING), LIMINAL_EPHASE);
    assert_string_equal(liminal_status_detail(), "invalid conversation phase transition from created to completing");
    assert_int_equal(liminal_state_move(state, LIMINAL_PHASE_FAILED), LIMINAL_EPHASE);
    assert_int_equal(liminal_state_move(state, (liminal_phase)9), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_phase(state), LIMINAL_PHASE_CREATED);
    for (int to = LIMINAL_PHASE_ACTIVE; to <= LIMINAL_PHASE_CLOSED; to++) {
        assert_int_equal(liminal_state_move(state, (liminal_phase)to), LIMINAL_OK);
        assert_int_equal(liminal_state_move(state, (liminal_phase)to), LIMINAL_OK);
        assert_int_equal(liminal_state_phase(state), to);
        assert_int_equal(summary_now(state).phase, to);
    }
    assert_int_equal(liminal_state_move(state, LIMINAL_PHASE_ACTIVE), LIMINAL_EPHASE);
    assert_string_equal(liminal_status_detail(), "invalid conversation phase transition from closed to active");
    assert_int_equal(liminal_state_fail(state, LIMINAL_EEXIT, NULL, some_time), LIMINAL_EPHASE);
    assert_int_equal(liminal_state_phase(state), LIMINAL_PHASE_CLOSED);
    assert_int_equal(summary_now(state).log_count, 0);
    liminal_state_drop(&state);
}

static void the_first_cause_stays(void **test)
{
    liminal_state *state = make_active(0);
    liminal_snapshot *snapshot;
    char text[] = "the worker went away";
    (void)test;
    assert_int_equal(liminal_state_fail(state, LIMINAL_OK, "x", some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_fail(state, (liminal_status)99, "x", some_time), LIMINAL_EINVAL);
    assert_int_equal(liminal_state_phase(state), LIMINAL_PHASE_ACTIVE);
    assert_int_equal(liminal_state_fail(state, LIMINAL_EEXIT, text, (liminal_time){7}), LIMINAL_OK);
    memset(text, 'x', 3);
    assert_int_equal(liminal_state_fail(state, LIMINAL_ETIMEDOUT, "later", (liminal_time){8}), LIMINAL_EPHASE);
    assert_string_equal(liminal_status_detail(), "invalid conversation phase transition from failed to failed");
    assert_int_equal(liminal_state_move(state, LIMINAL_PHASE_CLOSED), LIMINAL_EPHASE);
    snapshot = look(state);
    liminal_state_drop(&state);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(liminal_snapshot_read(snapshot).cause, LIMINAL_EEXIT);
    assert_string_equal(liminal_snapshot_read(snapshot).cause_text, "the worker went away");
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 1);
    assert_int_equal(entry_of(snapshot, 0).kind, LIMINAL_LOG_FAILED);
    assert_int_equal(entry_of(snapshot, 0).status, LIMINAL_EEXIT);
    assert_int_equal(entry_of(snapshot, 0).time.unix_ns, 7);
    assert_null(entry_of(snapshot, 0).envelope);
    assert_int_equal(entry_of(snapshot, 0).pid.value, 0);
    liminal_snapshot_drop(&snapshot);
}

static void fails_with(const char *text, const char *kept)
{
    liminal_state *state = make_active(0);
    liminal_snapshot *snapshot;
    assert_int_equal(liminal_state_fail(state, LIMINAL_EFAILED, text, some_time), LIMINAL_OK);
    snapshot = look(state);
    assert_string_equal(liminal_snapshot_read(snapshot).cause_text, kept);
    liminal_snapshot_drop(&snapshot);
    liminal_state_drop(&state);
}

static void texts_of_causes(void **test)
{
    char text[300] = {0}, kept[300] = {0};
    (void)test;
    fails_with(NULL, liminal_status_text(LIMINAL_EFAILED));
    fails_with("", "");
    memset(text, 'a', 255), memset(kept, 'a', 255);
    fails_with(text, kept);
    text[255] = 'b', text[256] = 'c';
    fails_with(text, kept);
    memcpy(text + 253, "\xE2\x82\xAC", 4); /* a character that does not fit is left out whole */
    kept[253] = 0;
    fails_with(text, kept);
    memset(text, 0x80, 299); /* no character begins anywhere */
    fails_with(text, "");
    /* The caller's detail text may be the cause. */
    assert_int_equal(liminal_phase_check(LIMINAL_PHASE_FAILED, LIMINAL_PHASE_ACTIVE), LIMINAL_EPHASE);
    fails_with(liminal_status_detail(), "invalid conversation phase transition from failed to active");
}

/* ---- recording -------------------------------------------------------------------------------- */

static void messages(void **test)
{
    liminal_state *state = make_active(0);
    liminal_envelope *request = say("request"), *reply = say("reply");
    liminal_snapshot *snapshot;
    (void)test;
    assert_int_equal(liminal_state_sent(state, request, (liminal_time){1}), LIMINAL_OK);
    assert_int_equal(liminal_state_received(state, reply, (liminal_time){2}), LIMINAL_OK);
    assert_ptr_equal(liminal_state_counts(state), liminal_state_counts(state));
    liminal_state_counts(state)->late = 5;
    snapshot = look(state);
    liminal_state_counts(state)->late = 6;
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    liminal_state_drop(&state);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 2);
    assert_int_equal(liminal_snapshot_read(snapshot).counts.sent, 1);
    assert_int_equal(liminal_snapshot_read(snapshot).counts.received, 1);
    assert_int_equal(liminal_snapshot_read(snapshot).counts.late, 5);
    assert_int_equal(entry_of(snapshot, 0).kind, LIMINAL_LOG_SENT);
    assert_string_equal(liminal_envelope_text(entry_of(snapshot, 0).envelope), "request");
    assert_int_equal(entry_of(snapshot, 0).time.unix_ns, 1);
    assert_int_equal(entry_of(snapshot, 1).kind, LIMINAL_LOG_RECEIVED);
    assert_string_equal(liminal_envelope_text(entry_of(snapshot, 1).envelope), "reply");
    assert_int_equal(entry_of(snapshot, 1).time.unix_ns, 2);
    liminal_snapshot_drop(&snapshot);
}

/* What a conversation's threads note down comes with times that may be a tick old. */
static void what_is_noted_is_in_the_order_of_time_unless_the_clock_was_set(void **test)
{
    liminal_state *state = make_active(0);
    liminal_envelope *said = say("said");
    const liminal_time now = {liminal_envelope_read(said).created.unix_ns + 1000000000};
    const liminal_time tick_ago = {now.unix_ns - LIMI_TICK_MOST_NS + 1}, set_back = {now.unix_ns - LIMI_TICK_MOST_NS};
    liminal_snapshot *snapshot;
    (void)test;
    limi_state_note_sent(state, said, now);
    limi_state_note_received(state, said, tick_ago);
    limi_state_note_received(state, said, set_back);
    snapshot = look(state);
    assert_true(entry_of(snapshot, 0).time.unix_ns == now.unix_ns);
    assert_true(entry_of(snapshot, 1).time.unix_ns == now.unix_ns);
    assert_true(entry_of(snapshot, 2).time.unix_ns == set_back.unix_ns);
    liminal_snapshot_drop(&snapshot);
    liminal_envelope_drop(&said);
    liminal_state_drop(&state);
}

static void what_is_noted_is_not_before_its_envelope(void **test)
{
    liminal_state *state = make_active(0);
    liminal_envelope *said = say("said");
    const liminal_time made = liminal_envelope_read(said).created;
    liminal_snapshot *snapshot;
    (void)test;
    limi_state_note_sent(state, said, (liminal_time){made.unix_ns - LIMI_TICK_MOST_NS + 1});
    snapshot = look(state);
    assert_true(entry_of(snapshot, 0).time.unix_ns == made.unix_ns);
    liminal_snapshot_drop(&snapshot);
    liminal_envelope_drop(&said);
    liminal_state_drop(&state);
}

/* Every phase takes what was received; only active takes what is sent. */
static void messages_in_each_phase(void **test)
{
    liminal_envelope *message = say("message");
    (void)test;
    for (int phase = LIMINAL_PHASE_CREATED; phase <= LIMINAL_PHASE_FAILED; phase++) {
        liminal_config config = plain(NULL, 0);
        liminal_state *state = make(&config, NULL);
        char detail[64];
        for (int to = LIMINAL_PHASE_ACTIVE; to <= phase && to < LIMINAL_PHASE_FAILED; to++) {
            if (phase != LIMINAL_PHASE_FAILED) {
                assert_int_equal(liminal_state_move(state, (liminal_phase)to), LIMINAL_OK);
            }
        }
        if (phase == LIMINAL_PHASE_FAILED) {
            assert_int_equal(liminal_state_fail(state, LIMINAL_EFAILED, NULL, some_time), LIMINAL_OK);
        }
        assert_int_equal(liminal_state_phase(state), phase);
        if (phase == LIMINAL_PHASE_ACTIVE) {
            assert_int_equal(liminal_state_sent(state, message, some_time), LIMINAL_OK);
        } else {
            assert_int_equal(liminal_state_sent(state, message, some_time), LIMINAL_EPHASE);
            (void)snprintf(detail, sizeof detail, "a conversation that is %s takes no messages",
                           liminal_phase_text((liminal_phase)phase));
            assert_string_equal(liminal_status_detail(), detail);
        }
        assert_int_equal(liminal_state_received(state, message, some_time), LIMINAL_OK);
        assert_int_equal(summary_now(state).counts.sent, phase == LIMINAL_PHASE_ACTIVE);
        assert_int_equal(summary_now(state).counts.received, 1);
        liminal_state_drop(&state);
    }
    liminal_envelope_drop(&message);
}

static void exits(void **test)
{
    liminal_participant participants[2] = {{.behaviour = &behaviour}, {.behaviour = &behaviour}};
    liminal_pid pids[2] = {{11}, {12}};
    liminal_config config = plain(participants, 2);
    liminal_state *state = make(&config, pids);
    liminal_snapshot *before, *after;
    (void)test;
    before = look(state);
    assert_int_equal(liminal_state_exited(state, (liminal_pid){13}, signal_9, some_time), LIMINAL_ENOPROC);
    assert_string_equal(liminal_status_detail(), "pid: 13 is no participant");
    assert_int_equal(liminal_state_exited(state, (liminal_pid){12}, signal_9, (liminal_time){44}), LIMINAL_OK);
    assert_int_equal(liminal_state_exited(state, (liminal_pid){12}, (liminal_exit_reason){0}, some_time),
                     LIMINAL_EPHASE);
    assert_string_equal(liminal_status_detail(), "pid: 12 has exited already");
    after = look(state);
    liminal_state_drop(&state);
    assert_true(status_of(before, 1).alive);
    assert_int_equal(liminal_snapshot_read(before).log_count, 0);
    assert_true(status_of(after, 0).alive);
    assert_false(status_of(after, 1).alive);
    assert_int_equal(status_of(after, 1).seen.unix_ns, 44);
    assert_int_equal(status_of(after, 1).reason.kind, LIMINAL_EXIT_SIGNAL);
    assert_int_equal(status_of(after, 1).reason.code, 9);
    assert_int_equal(liminal_snapshot_read(after).log_count, 1);
    assert_int_equal(entry_of(after, 0).kind, LIMINAL_LOG_EXITED);
    assert_int_equal(entry_of(after, 0).time.unix_ns, 44);
    assert_int_equal(entry_of(after, 0).pid.value, 12);
    assert_int_equal(entry_of(after, 0).reason.kind, LIMINAL_EXIT_SIGNAL);
    assert_int_equal(entry_of(after, 0).policy, LIMINAL_CRASH_FAIL);
    liminal_snapshot_drop(&before);
    liminal_snapshot_drop(&after);
}

/* On both sides of the count from which an index is kept. */
static void exits_of_many(void **test)
{
    static const size_t counts[] = {1, 2, 15, 16, 17, 18, 100, 65535};
    liminal_participant *participants = calloc(65535, sizeof *participants);
    liminal_pid *pids = calloc(65535, sizeof *pids);
    (void)test;
    for (size_t i = 0; i < 65535; i++) {
        participants[i] = (liminal_participant){.behaviour = &behaviour};
        pids[i].value = (i * 7919) % 65537 * 2 + 1; /* odd, all different, in no order */
    }
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        liminal_config config = plain(participants, counts[c]);
        liminal_state *state = make(&config, pids);
        liminal_snapshot *snapshot;
        size_t alive = 0;
        for (size_t i = 0; i < counts[c]; i += 2) {
            liminal_pid nobody = {pids[i].value + 1};
            assert_int_equal(liminal_state_exited(state, nobody, signal_9, some_time), LIMINAL_ENOPROC);
            assert_int_equal(liminal_state_exited(state, pids[i], signal_9, (liminal_time){(int64_t)i}), LIMINAL_OK);
            assert_int_equal(liminal_state_exited(state, pids[i], signal_9, some_time), LIMINAL_EPHASE);
        }
        assert_int_equal(liminal_state_exited(state, (liminal_pid){0}, signal_9, some_time), LIMINAL_ENOPROC);
        assert_int_equal(liminal_state_exited(state, (liminal_pid){UINT64_MAX}, signal_9, some_time), LIMINAL_ENOPROC);
        snapshot = look(state);
        for (size_t i = 0; i < counts[c]; i++) {
            liminal_participant_status status = status_of(snapshot, i);
            assert_int_equal(status.pid.value, pids[i].value); /* in the order of the config */
            alive += status.alive;
            assert_int_equal(status.seen.unix_ns, status.alive ? 0 : (int64_t)i);
        }
        assert_int_equal(alive, counts[c] / 2);
        liminal_snapshot_drop(&snapshot);
        liminal_state_drop(&state);
    }
    free(participants);
    free(pids);
}

static void the_bound_keeps_the_newest(void **test)
{
    liminal_state *state = make_active(3);
    liminal_envelope *message = say("message");
    liminal_snapshot *early, *late;
    (void)test;
    for (int64_t i = 0; i < 10; i++) {
        assert_int_equal(liminal_state_sent(state, message, (liminal_time){i}), LIMINAL_OK);
    }
    early = look(state);
    for (int64_t i = 10; i < 1000; i++) {
        assert_int_equal(liminal_state_received(state, message, (liminal_time){i}), LIMINAL_OK);
    }
    late = look(state);
    liminal_envelope_drop(&message);
    liminal_state_drop(&state);
    assert_int_equal(liminal_snapshot_read(early).log_count, 3);
    assert_int_equal(liminal_snapshot_read(early).log_dropped, 7);
    assert_int_equal(liminal_snapshot_read(late).log_count, 3);
    assert_int_equal(liminal_snapshot_read(late).log_dropped, 997);
    assert_int_equal(liminal_snapshot_read(late).counts.received, 990);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(entry_of(early, i).time.unix_ns, 7 + (int64_t)i);
        assert_int_equal(entry_of(late, i).time.unix_ns, 997 + (int64_t)i);
        assert_string_equal(liminal_envelope_text(entry_of(early, i).envelope), "message");
    }
    liminal_snapshot_drop(&early);
    liminal_snapshot_drop(&late);
}

static void the_default_bound(void **test)
{
    liminal_state *state = make_active(0);
    liminal_envelope *message = say("message");
    (void)test;
    for (int64_t i = 0; i < 2000; i++) {
        assert_int_equal(liminal_state_sent(state, message, (liminal_time){i}), LIMINAL_OK);
    }
    assert_int_equal(summary_now(state).log_count, LIMINAL_DEFAULT_LOG_ENTRIES);
    assert_int_equal(summary_now(state).log_dropped, 2000 - LIMINAL_DEFAULT_LOG_ENTRIES);
    liminal_envelope_drop(&message);
    liminal_state_drop(&state);
}

/* ---- without memory --------------------------------------------------------------------------- */

static void sent_without_memory(void **test)
{
    liminal_state *state = make_active(0);
    liminal_envelope *message = say("message");
    int failures = 0;
    (void)test;
    for (uint64_t sent = 0; sent < 100; sent++) {
        for (size_t nth = 1;; nth++) {
            size_t blocks = test_blocks();
            liminal_status st;
            test_fail_nth(nth);
            st = liminal_state_sent(state, message, some_time);
            test_fail_nth(0);
            if (st == LIMINAL_OK) {
                break;
            }
            assert_int_equal(st, LIMINAL_ENOMEM);
            assert_int_equal(test_blocks(), blocks);
            assert_int_equal(summary_now(state).counts.sent, sent);
            assert_int_equal(summary_now(state).log_count, sent);
            assert_int_equal(summary_now(state).log_dropped, 0);
            failures++;
        }
    }
    assert_true(failures >= 4);
    liminal_envelope_drop(&message);
    liminal_state_drop(&state);
}

static void the_rest_never_fails(void **test)
{
    liminal_participant participant = {.behaviour = &behaviour};
    liminal_config config = plain(&participant, 1);
    liminal_state *state = make(&config, &(liminal_pid){5});
    liminal_envelope *reply = say("reply");
    liminal_snapshot *snapshot;
    (void)test;
    assert_int_equal(liminal_phase_check(LIMINAL_PHASE_CLOSED, LIMINAL_PHASE_ACTIVE), LIMINAL_EPHASE);
    test_fail_from(1);
    assert_int_equal(liminal_state_received(state, reply, some_time), LIMINAL_OK);
    assert_int_equal(liminal_state_exited(state, (liminal_pid){5}, signal_9, some_time), LIMINAL_OK);
    assert_int_equal(liminal_state_fail(state, LIMINAL_EEXIT, "gone", some_time), LIMINAL_OK);
    test_fail_nth(0);
    /* A call that succeeds leaves the detail alone. */
    assert_string_equal(liminal_status_detail(), "invalid conversation phase transition from closed to active");
    snapshot = look(state);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_FAILED);
    assert_string_equal(liminal_snapshot_read(snapshot).cause_text, "gone");
    assert_int_equal(liminal_snapshot_read(snapshot).counts.received, 1);
    assert_false(status_of(snapshot, 0).alive);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 0);
    assert_int_equal(liminal_snapshot_read(snapshot).log_dropped, 3);
    liminal_snapshot_drop(&snapshot);
    liminal_envelope_drop(&reply);
    liminal_state_drop(&state);
}

static void a_snapshot_without_memory(void **test)
{
    liminal_state *state = make_active(0);
    liminal_envelope *message = say("message");
    liminal_snapshot *snapshot = NULL;
    size_t blocks;
    (void)test;
    assert_int_equal(liminal_state_sent(state, message, some_time), LIMINAL_OK);
    blocks = test_blocks();
    test_fail_nth(1);
    assert_int_equal(liminal_state_snapshot(state, &snapshot), LIMINAL_ENOMEM);
    assert_null(snapshot);
    assert_int_equal(test_blocks(), blocks);
    test_fail_nth(2); /* there is no second one */
    assert_int_equal(liminal_state_snapshot(state, &snapshot), LIMINAL_OK);
    test_fail_nth(0);
    liminal_snapshot_drop(&snapshot);
    liminal_envelope_drop(&message);
    liminal_state_drop(&state);
}

/* ---- for the rules ---------------------------------------------------------------------------- */

static void a_cause_is_told(void **test)
{
    liminal_state *state = make_active(0);
    limi_words words;
    (void)test;
    limi_cause_say(&state->cause, &words);
    assert_int_equal(state->cause.status, LIMINAL_OK);
    assert_string_equal(words.text, "");
    assert_int_equal(liminal_state_fail(state, LIMINAL_ETIMEDOUT, "too slow", some_time), LIMINAL_OK);
    limi_cause_say(&state->cause, &words);
    assert_int_equal(state->cause.status, LIMINAL_ETIMEDOUT);
    assert_string_equal(words.text, "too slow");
    liminal_state_drop(&state);
}

static void counted_but_not_recorded(void **test)
{
    static const liminal_pid pids[2] = {{11}, {12}};
    liminal_participant participants[2] = {{.behaviour = &behaviour}, {.behaviour = &behaviour}};
    liminal_config config = plain(participants, 2);
    liminal_state *state = make(&config, pids);
    liminal_snapshot *snapshot;
    (void)test;
    liminal_envelope *message = say("message");
    test_fail_nth(1); /* the log has no chunk yet, and gets no memory for one */
    limi_state_note_sent(state, message, some_time);
    test_fail_nth(0);
    liminal_envelope_drop(&message);
    assert_int_equal(liminal_state_exited(state, pids[0], signal_9, (liminal_time){1}), LIMINAL_OK);
    limi_state_stopped(state, pids[0], (liminal_exit_reason){0}, (liminal_time){2}); /* the first exit counts */
    limi_state_stopped(state, pids[1], (liminal_exit_reason){0}, (liminal_time){3});
    limi_state_stopped(state, (liminal_pid){13}, signal_9, (liminal_time){4});
    snapshot = look(state);
    assert_int_equal(liminal_snapshot_read(snapshot).counts.sent, 1);
    assert_int_equal(liminal_snapshot_read(snapshot).log_dropped, 1);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 1);
    assert_int_equal(status_of(snapshot, 0).reason.kind, LIMINAL_EXIT_SIGNAL);
    assert_int_equal(status_of(snapshot, 0).seen.unix_ns, 1);
    assert_false(status_of(snapshot, 1).alive);
    assert_int_equal(status_of(snapshot, 1).reason.kind, LIMINAL_EXIT_NORMAL);
    assert_int_equal(status_of(snapshot, 1).seen.unix_ns, 3);
    liminal_snapshot_drop(&snapshot);
    liminal_state_drop(&state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(as_configured),
        TEST(without_a_name_or_a_deadline),
        TEST(create_refuses),
        TEST(create_without_memory),
        TEST(moves),
        TEST(the_first_cause_stays),
        TEST(texts_of_causes),
        TEST(messages),
        TEST(what_is_noted_is_in_the_order_of_time_unless_the_clock_was_set),
        TEST(what_is_noted_is_not_before_its_envelope),
        TEST(messages_in_each_phase),
        TEST(exits),
        TEST(exits_of_many),
        TEST(the_bound_keeps_the_newest),
        TEST(the_default_bound),
        TEST(sent_without_memory),
        TEST(the_rest_never_fails),
        TEST(a_snapshot_without_memory),
        TEST(a_cause_is_told),
        TEST(counted_but_not_recorded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

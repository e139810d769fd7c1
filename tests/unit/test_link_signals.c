/* SPDX-License-Identifier: MIT */
/* test_link_signals.c -- exit signals and kills; the numbers are those of the list of cases. */
#include "link_kit.h"

static liminal_status signal_to(const being *from, const being *to, liminal_exit_reason reason)
{
    return liminal_process_signal(to->supervisor, from->pid, to->pid, reason);
}

static liminal_status kill_it(const being *b)
{
    return liminal_process_kill(b->supervisor, b->pid);
}

/* ---- 17 and 18: kill ---- */

static void case_17_a_kill_can_not_be_trapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        being b;
        be(&b, supervisor, both[i % 2], i < 2 ? &plain : &trapper);
        assert_int_equal(kill_it(&b), LIMINAL_OK);
        assert_false(liminal_process_alive(supervisor, b.pid)); /* at once */
        assert_int_equal(b.deaths, 1);                          /* and made known before the kill returns */
        assert_dies(&b, killed);
        assert_int_equal(b.messages, 0);
        assert_int_equal(kill_it(&b), LIMINAL_OK); /* again: nobody is there */
        test_until(b.releases == 1);
        leave(&b);
        shut(&supervisor);
        assert_int_equal(b.deaths, 1);
        assert_int_equal(b.releases, 1);
    }
}

static void case_18_the_linked_ones_hear_killed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        being b, goes, stays;
        be(&b, supervisor, both[i % 2], i < 2 ? &plain : &trapper);
        be(&goes, supervisor, both[i % 2], &plain);
        be(&stays, supervisor, both[i % 2], &trapper);
        assert_int_equal(link_to(&b, &goes), LIMINAL_OK);
        assert_int_equal(link_to(&stays, &b), LIMINAL_OK);
        assert_int_equal(kill_it(&b), LIMINAL_OK);
        assert_int_equal(goes.deaths, 1); /* before the kill returned */
        assert_dies(&b, killed);
        assert_dies(&goes, killed);
        assert_told(&stays, b.pid, killed);
        leave(&b);
        leave(&goes);
        leave(&stays);
        shut(&supervisor);
    }
}

/* "Killed" from a link or a signal is a reason like others. */
static void a_signal_that_says_killed_can_be_trapped(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being from, goes, stays;
        be(&from, supervisor, both[k], &plain);
        be(&goes, supervisor, both[k], &plain);
        be(&stays, supervisor, both[k], &trapper);
        assert_int_equal(signal_to(&from, &goes, killed), LIMINAL_OK);
        assert_int_equal(signal_to(&from, &stays, killed), LIMINAL_OK);
        assert_dies(&goes, killed);
        assert_told(&stays, from.pid, killed);
        assert_lives(&from);
        leave(&from);
        leave(&goes);
        leave(&stays);
        shut(&supervisor);
    }
}

/* ---- 19 to 22: signals ---- */

static void case_19_a_normal_signal_kills_no_other(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being from, to;
        be(&from, supervisor, both[k], &plain);
        be(&to, supervisor, both[k], &plain);
        assert_int_equal(signal_to(&from, &to, normal), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, to.pid, normal), LIMINAL_OK);
        assert_lives(&to);
        assert_lives(&from);
        assert_int_equal(signal_to(&to, &to, normal), LIMINAL_OK); /* but oneself */
        assert_dies(&to, normal);
        leave(&from);
        leave(&to);
        shut(&supervisor);
    }
}

static void case_20_a_trapper_is_told_of_a_normal_signal(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being from, to;
        be(&from, supervisor, both[k], &plain);
        be(&to, supervisor, both[k], &trapper);
        assert_int_equal(signal_to(&from, &to, normal), LIMINAL_OK);
        assert_told(&to, from.pid, normal);
        assert_int_equal(liminal_process_signal(supervisor, nobody, to.pid, boom), LIMINAL_OK);
        assert_told_after(&to, 1, nobody, boom);
        assert_int_equal(signal_to(&to, &to, normal), LIMINAL_OK); /* it traps its own as well */
        assert_told_after(&to, 2, to.pid, normal);
        leave(&from);
        leave(&to);
        shut(&supervisor);
    }
}

static void every_other_reason_kills_a_plain_one(void **state)
{
    (void)state;
    for (int kind = LIMINAL_EXIT_ERROR; kind <= LIMINAL_EXIT_UNKNOWN; kind++) {
        for (size_t k = 0; k < 2; k++) {
            const liminal_exit_reason reason = {(liminal_exit_kind)kind, -kind};
            liminal_supervisor *supervisor = open_plain();
            being to, linked;
            be(&to, supervisor, both[k], &plain);
            be(&linked, supervisor, both[k], &plain);
            assert_int_equal(link_to(&to, &linked), LIMINAL_OK);
            assert_int_equal(liminal_process_signal(supervisor, nobody, to.pid, reason), LIMINAL_OK);
            assert_dies(&to, reason);
            assert_dies(&linked, reason);
            leave(&to);
            leave(&linked);
            shut(&supervisor);
        }
    }
}

static void case_21_a_signal_to_the_dead_has_no_effect(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    being to;
    (void)state;
    be(&to, supervisor, LIMINAL_PARTICIPANT_THREAD, &trapper);
    exits(&to, boom);
    assert_int_equal(signal_to(&to, &to, bang), LIMINAL_OK);
    assert_int_equal(liminal_process_signal(supervisor, nobody, nobody, bang), LIMINAL_OK);
    assert_int_equal(liminal_process_signal(supervisor, nobody, (liminal_pid){987654}, bang), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(supervisor, nobody), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(supervisor, (liminal_pid){987654}), LIMINAL_OK);
    assert_dies(&to, boom);
    leave(&to);
    shut(&supervisor);
    assert_int_equal(to.messages, 0);
}

static void case_22_of_two_signals_the_first_wins(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being to, watcher;
        be(&to, supervisor, both[k], &plain);
        be(&watcher, supervisor, both[k], &trapper);
        assert_int_equal(link_to(&watcher, &to), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, to.pid, boom), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, to.pid, bang), LIMINAL_OK);
        assert_int_equal(kill_it(&to), LIMINAL_OK);
        assert_dies(&to, boom);
        assert_told(&watcher, to.pid, boom);
        assert_int_equal(liminal_process_signal(supervisor, nobody, watcher.pid, bang), LIMINAL_OK);
        assert_told_after(&watcher, 1, nobody, bang);
        leave(&to);
        leave(&watcher);
        shut(&supervisor);
    }
}

/* And of a signal and its own exit: it is in the callback that is going to end it when the signal comes. */
static void a_signal_is_quicker_than_an_exit_that_is_to_come(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        const liminal_participant_kind kind = both[k];
        being to;
        liminal_envelope *message = say("wait, exit");
        be(&to, supervisor, kind, &plain);
        assert_int_equal(liminal_conversation_try_send(to.conversation, &message), LIMINAL_OK);
        test_gate_wait(&to.entered);
        assert_int_equal(liminal_process_signal(supervisor, nobody, to.pid, bang), LIMINAL_OK);
        assert_dies(&to, bang); /* dead for everybody, though its callback has not returned */
        assert_int_equal(to.releases, 0);
        test_gate_open(&to.go);
        test_until(to.releases == 1);
        leave(&to);
        shut(&supervisor);
        assert_int_equal(to.deaths, 1);
    }
}

/* ---- conversations, which trap ---- */

static void a_signal_to_a_conversation_is_logged(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_snapshot *snapshot = NULL;
    liminal_pid actor;
    being b;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    actor = liminal_conversation_pid(b.conversation);
    assert_int_equal(liminal_process_signal(supervisor, b.pid, actor, boom), LIMINAL_OK);
    assert_int_equal(liminal_process_signal(supervisor, nobody, actor, normal), LIMINAL_OK);
    assert_int_equal(liminal_process_link(supervisor, actor, (liminal_pid){4711}), LIMINAL_OK);
    assert_true(liminal_process_alive(supervisor, actor));
    assert_int_equal(liminal_conversation_query(b.conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_read(snapshot).log_count, 3);
    for (size_t i = 0; i < 3; i++) {
        const liminal_exit_reason reasons[] = {boom, normal, noproc};
        const uint64_t pids[] = {b.pid.value, 0, 4711};
        liminal_log_entry entry;
        assert_int_equal(liminal_snapshot_entry(snapshot, i, &entry), LIMINAL_OK);
        assert_int_equal(entry.kind, LIMINAL_LOG_EXITED);
        assert_int_equal(entry.pid.value, pids[i]);
        assert_int_equal(entry.policy, LIMINAL_CRASH_UNSET);
        assert_true(same_reason(entry.reason, reasons[i]));
    }
    liminal_snapshot_drop(&snapshot);
    assert_lives(&b);
    leave(&b);
    shut(&supervisor);
}

/* Killed, it is back with a new pid; the linked ones of the old one have heard. */
static void a_killed_conversation_leaves_its_links_behind(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid before, after;
    being b, goes, stays;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    be(&goes, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    be(&stays, supervisor, LIMINAL_PARTICIPANT_INLINE, &trapper);
    before = liminal_conversation_pid(b.conversation);
    assert_int_equal(liminal_process_link(supervisor, before, goes.pid), LIMINAL_OK);
    assert_int_equal(liminal_process_link(supervisor, stays.pid, before), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(supervisor, before), LIMINAL_OK);
    after = liminal_conversation_pid(b.conversation);
    assert_true(after.value != before.value);
    assert_false(liminal_process_alive(supervisor, before));
    assert_true(liminal_process_alive(supervisor, after));
    assert_dies(&goes, killed);
    assert_told(&stays, before, killed);
    assert_false(liminal_process_linked(supervisor, stays.pid, after));
    assert_int_equal(liminal_process_link(supervisor, stays.pid, before), LIMINAL_OK);
    assert_told_after(&stays, 1, before, noproc);
    assert_lives(&b);
    leave(&b);
    leave(&goes);
    leave(&stays);
    shut(&supervisor);
}

/* ---- 23: a full mailbox ---- */

enum { QUEUED = 1000 };

static void count_release(void *context, void *data, size_t size)
{
    (void)data, (void)size;
    atomic_fetch_add((atomic_int *)context, 1);
}

static liminal_envelope *counted(atomic_int *released)
{
    static char text[] = "queued";
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    void *data = text;
    assert_int_equal(liminal_envelope_adopt(&data, sizeof text - 1, count_release, released, &options, &envelope),
                     LIMINAL_OK);
    return envelope;
}

/* The log keeps the newest envelopes; the bound makes room for the rest to be seen freed. */
static void case_23_what_was_queued_is_dropped_and_freed(void **state)
{
    static atomic_int released;
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_participant participant = {.kind = both[k], .behaviour = &plain};
        liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                 .on_crash = LIMINAL_CRASH_FAIL, .log_entries = 1};
        liminal_snapshot *snapshot = NULL;
        liminal_envelope *late, *reply = NULL;
        liminal_counts counts;
        being b;
        released = 0;
        being_init(&b, supervisor);
        participant.self = &b;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b.conversation), LIMINAL_OK);
        b.pid = participant_pid(b.conversation, 0);
        assert_int_equal(tell(b.conversation, "wait"), LIMINAL_OK);
        test_gate_wait(&b.entered);
        for (int i = 0; i < QUEUED; i++) {
            liminal_envelope *message = counted(&released);
            assert_int_equal(liminal_conversation_send(b.conversation, &message, liminal_deadline_never()), LIMINAL_OK);
        }
        assert_int_equal(kill_it(&b), LIMINAL_OK);
        late = counted(&released);
        assert_int_equal(liminal_conversation_send(b.conversation, &late, liminal_deadline_never()), LIMINAL_EEXIT);
        assert_int_equal(liminal_conversation_try_send(b.conversation, &late), LIMINAL_EEXIT);
        assert_int_equal(liminal_conversation_ask(b.conversation, &late, &reply, liminal_deadline_never()),
                         LIMINAL_EEXIT);
        assert_non_null(late); /* refused, and not lost */
        liminal_envelope_drop(&late);
        test_gate_open(&b.go);
        test_until(b.releases == 1);
        assert_int_equal(b.answers, 1);
        assert_int_equal(liminal_conversation_query(b.conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
        counts = liminal_snapshot_read(snapshot).counts;
        assert_int_equal(counts.unfinished, 1);
        assert_int_equal(counts.withdrawn, QUEUED);
        assert_int_equal(counts.received, 0);
        liminal_snapshot_drop(&snapshot);
        test_until(released == QUEUED + 1); /* with the handle still there */
        leave(&b);
        shut(&supervisor);
        assert_int_equal(released, QUEUED + 1);
    }
}

/* Exit messages too: the one who holds them is killed. */
static void messages_of_the_killed_are_freed(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b;
        be(&b, supervisor, both[k], &trapper);
        assert_int_equal(tell(b.conversation, "wait"), LIMINAL_OK);
        test_gate_wait(&b.entered);
        for (int i = 0; i < QUEUED; i++) {
            assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK);
        }
        assert_int_equal(kill_it(&b), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK);
        test_gate_open(&b.go);
        test_until(b.releases == 1);
        assert_int_equal(b.messages, 0);
        leave(&b);
        shut(&supervisor);
    }
}

/* ---- who traps ---- */

static void trapping_is_begun_and_given_up(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being was_plain, was_trapper, other;
        be(&was_plain, supervisor, both[k], &plain);
        be(&was_trapper, supervisor, both[k], &trapper);
        be(&other, supervisor, both[k], &plain);
        assert_int_equal(liminal_process_trap(supervisor, was_plain.pid, true), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, was_plain.pid, boom), LIMINAL_OK);
        assert_lives(&was_plain); /* it has nothing to be told with */
        assert_int_equal(link_to(&was_plain, &other), LIMINAL_OK);
        assert_int_equal(link_to(&was_trapper, &other), LIMINAL_OK);
        assert_int_equal(liminal_process_trap(supervisor, was_trapper.pid, false), LIMINAL_OK);
        exits(&other, boom);
        assert_lives(&was_plain);
        assert_dies(&was_trapper, boom);
        assert_int_equal(was_trapper.messages, 0);
        assert_int_equal(liminal_process_trap(supervisor, was_plain.pid, false), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, was_plain.pid, bang), LIMINAL_OK);
        assert_dies(&was_plain, bang);
        leave(&was_plain);
        leave(&was_trapper);
        leave(&other);
        shut(&supervisor);
    }
}

static void fail_at_exit(being *b, const liminal_exit *exit)
{
    (void)exit;
    (void)test_check(liminal_process_exit(bang) == LIMINAL_EEXIT);
    b->spoken = "exits";
}

static void status_of_exited_ends_a_trapper(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, linked;
        be(&b, supervisor, both[k], &trapper);
        be(&linked, supervisor, both[k], &plain);
        b.on_exit = fail_at_exit;
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK);
        assert_dies(&b, bang);
        assert_dies(&linked, bang);
        assert_int_equal(b.messages, 1);
        leave(&b);
        leave(&linked);
        shut(&supervisor);
    }
}

static void vanish_at_exit(being *b, const liminal_exit *exit)
{
    (void)b, (void)exit;
    pthread_exit(NULL);
}

/* It ends its thread inside exited(); an inline one that of the conversation. */
static void a_trapper_may_end_its_thread(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, linked;
        be(&b, supervisor, both[k], &trapper);
        be(&linked, supervisor, both[k], &plain);
        b.on_exit = vanish_at_exit;
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK);
        assert_dies(&b, killed);
        assert_dies(&linked, killed);
        leave(&b);
        leave(&linked);
        shut(&supervisor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(case_17_a_kill_can_not_be_trapped),
        TEST(case_18_the_linked_ones_hear_killed),
        TEST(a_signal_that_says_killed_can_be_trapped),
        TEST(case_19_a_normal_signal_kills_no_other),
        TEST(case_20_a_trapper_is_told_of_a_normal_signal),
        TEST(every_other_reason_kills_a_plain_one),
        TEST(case_21_a_signal_to_the_dead_has_no_effect),
        TEST(case_22_of_two_signals_the_first_wins),
        TEST(a_signal_is_quicker_than_an_exit_that_is_to_come),
        TEST(a_signal_to_a_conversation_is_logged),
        TEST(a_killed_conversation_leaves_its_links_behind),
        TEST(case_23_what_was_queued_is_dropped_and_freed),
        TEST(messages_of_the_killed_are_freed),
        TEST(trapping_is_begun_and_given_up),
        TEST(status_of_exited_ends_a_trapper),
        TEST(a_trapper_may_end_its_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

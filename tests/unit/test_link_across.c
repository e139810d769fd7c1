/* SPDX-License-Identifier: MIT */
/* test_link_across.c -- exits that cross a close, a restart, a shutdown and a spawn. Gates force every order. */
#include "link_kit.h"

/* ---- a close ---- */

static void close_there(void *argument)
{
    being *b = argument;
    (void)test_check(liminal_conversation_close(b->conversation, liminal_deadline_never()) == LIMINAL_OK);
}

static liminal_phase phase_of(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_phase phase;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_passed()), LIMINAL_OK);
    phase = liminal_snapshot_read(snapshot).phase;
    liminal_snapshot_drop(&snapshot);
    return phase;
}

/* The close waits for the last answer; instead comes the exit, through a link. */
static void an_exit_that_crosses_a_close(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread closer;
        being b, linked;
        be(&b, supervisor, both[k], &plain);
        be(&linked, supervisor, both[k], &plain);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(tell(b.conversation, "wait"), LIMINAL_OK);
        test_gate_wait(&b.entered);
        test_thread_start(&closer, close_there, &b);
        test_until(phase_of(b.conversation) == LIMINAL_PHASE_COMPLETING);
        exits(&linked, bang);
        test_thread_join(&closer);
        assert_dies(&b, bang);
        assert_int_equal(phase_of(b.conversation), LIMINAL_PHASE_FAILED);
        test_gate_open(&b.go);
        leave(&b);
        leave(&linked);
        shut(&supervisor);
    }
}

/* It has closed already; one that is still in its callback may be killed, which changes nothing there. */
static void a_kill_behind_a_close(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, trapping;
        be(&b, supervisor, both[k], &plain);
        be(&trapping, supervisor, both[k], &trapper);
        assert_int_equal(link_to(&b, &trapping), LIMINAL_OK);
        assert_int_equal(tell(b.conversation, "wait"), LIMINAL_OK);
        test_gate_wait(&b.entered);
        assert_int_equal(liminal_conversation_close(b.conversation, liminal_deadline_passed()), LIMINAL_OK);
        assert_int_equal(phase_of(b.conversation), LIMINAL_PHASE_CLOSED);
        assert_true(liminal_process_alive(supervisor, b.pid));
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        assert_told(&trapping, b.pid, killed);
        assert_int_equal(phase_of(b.conversation), LIMINAL_PHASE_CLOSED);
        assert_int_equal(ask(b.conversation, "hello"), LIMINAL_ECLOSED);
        test_gate_open(&b.go);
        test_until(b.releases == 1);
        assert_int_equal(b.deaths, 1);
        leave(&b);
        leave(&trapping);
        shut(&supervisor);
    }
}

/* ---- a restart ---- */

static void kill_my_actor(being *b)
{
    liminal_pid before = liminal_conversation_pid(b->conversation);
    (void)test_check(liminal_process_kill(b->supervisor, before) == LIMINAL_OK);
    (void)test_check(liminal_conversation_pid(b->conversation).value != before.value);
    (void)test_check(!liminal_process_alive(b->supervisor, before));
}

static void an_actor_is_killed_inside_its_participant(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, trapping;
        liminal_pid before;
        be(&b, supervisor, both[k], &plain);
        be(&trapping, supervisor, both[k], &trapper);
        before = liminal_conversation_pid(b.conversation);
        assert_int_equal(liminal_process_link(supervisor, trapping.pid, before), LIMINAL_OK);
        have_it(&b, kill_my_actor, NULL);
        assert_int_equal(ask(b.conversation, "do"), LIMINAL_OK); /* the answer is not lost */
        assert_told(&trapping, before, killed);
        assert_lives(&b);
        leave(&b);
        leave(&trapping);
        shut(&supervisor);
    }
}

/* The actor is killed, and then the participant, and whatever is in between is heard of once. */
static void an_exit_that_crosses_a_restart(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_snapshot *snapshot = NULL;
        liminal_log_entry entry;
        size_t exited = 0, restarted = 0;
        being b, linked, next;
        liminal_participant people[2] = {{.kind = both[i % 2], .name = "first", .behaviour = &plain},
                                         {.kind = both[i / 2], .name = "next", .behaviour = &plain}};
        const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                                       .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
        being_init(&b, supervisor);
        being_init(&next, supervisor);
        people[0].self = &b;
        people[1].self = &next;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b.conversation), LIMINAL_OK);
        b.pid = participant_pid(b.conversation, 0);
        be(&linked, supervisor, both[i % 2], &plain);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(tell(b.conversation, "wait"), LIMINAL_OK);
        test_gate_wait(&b.entered);
        assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(b.conversation)), LIMINAL_OK);
        exits(&linked, boom);
        assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(b.conversation)), LIMINAL_OK);
        assert_false(liminal_process_alive(supervisor, b.pid));
        test_gate_open(&b.go);
        test_gate_open(&next.go);
        test_gate_wait(&next.entered); /* nothing that was sent is lost */
        assert_int_equal(ask(b.conversation, "hello"), LIMINAL_OK);
        assert_int_equal(next.answers, 2);
        assert_int_equal(liminal_conversation_query(b.conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
        for (size_t e = 0; liminal_snapshot_entry(snapshot, e, &entry) == LIMINAL_OK; e++) {
            exited += entry.kind == LIMINAL_LOG_EXITED;
            restarted += entry.kind == LIMINAL_LOG_RESTARTED;
        }
        liminal_snapshot_drop(&snapshot);
        assert_int_equal(exited, 1);
        assert_int_equal(restarted, 2);
        leave(&b);
        leave(&linked);
        shut(&supervisor);
        assert_int_equal(b.releases + next.releases, 2);
    }
}

static void kill_it_again(void *self, const liminal_exit *exit)
{
    being *b = self;
    liminal_pid present = liminal_conversation_pid(b->conversation);
    (void)test_check(exit->pid.value != present.value);
    if (b->messages < 2) {
        atomic_fetch_add(&b->messages, 1);
        (void)test_check(liminal_process_notify(b->supervisor, present, kill_it_again, b, NULL) == LIMINAL_OK);
        (void)test_check(liminal_process_kill(b->supervisor, present) == LIMINAL_OK);
    }
}

/* However slow the machine is, its restarts are counted together. */
static void be_within_the_hour(being *b, liminal_supervisor *supervisor)
{
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_THREAD, .name = "being", .behaviour = &plain,
                                             .self = b};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL, .restart_window_ns = (int64_t)3600 * 1000000000};
    being_init(b, supervisor);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b->conversation), LIMINAL_OK);
    b->pid = participant_pid(b->conversation, 0);
    assert_int_equal(liminal_process_notify(supervisor, b->pid, being_has_died, b, NULL), LIMINAL_OK);
}

/* Each life's notice kills the next one: as often as it may come back. */
static void an_actor_is_killed_inside_its_own_notice(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    being b;
    (void)state;
    be_within_the_hour(&b, supervisor);
    assert_int_equal(liminal_process_notify(supervisor, liminal_conversation_pid(b.conversation), kill_it_again, &b,
                                            NULL), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(b.conversation)), LIMINAL_OK);
    assert_int_equal(b.messages, 2);
    assert_lives(&b);
    assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(b.conversation)), LIMINAL_OK);
    assert_int_equal(ask(b.conversation, "hello"), LIMINAL_EFAILED); /* that was the fourth */
    leave(&b);
    shut(&supervisor);
}

/* ---- a shutdown ---- */

static void wait_and_kill(being *b)
{
    being *other = b->context;
    test_gate_open(&b->entered);
    test_gate_wait(&b->go);
    (void)test_check(liminal_process_kill(b->supervisor, other->pid) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(b->supervisor, b->pid)); /* they are linked */
}

/* It has begun, and waits for two callbacks; one of them kills the other, which takes it along. */
static void an_exit_that_crosses_a_shutdown(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_report report;
        being b, other;
        be(&b, supervisor, both[i % 2], &plain);
        be(&other, supervisor, both[i / 2], &plain);
        assert_int_equal(link_to(&b, &other), LIMINAL_OK);
        have_it(&b, wait_and_kill, &other);
        assert_int_equal(tell(b.conversation, "do"), LIMINAL_OK);
        assert_int_equal(tell(other.conversation, "wait"), LIMINAL_OK);
        test_gate_wait(&b.entered);
        test_gate_wait(&other.entered);
        assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_in_ms(5)),
                         LIMINAL_ETIMEDOUT);
        assert_int_equal(report.running, 2);
        test_gate_open(&b.go);
        test_gate_wait(&b.over);
        assert_true(same_reason(b.end.reason, killed) && same_reason(other.end.reason, killed));
        test_gate_open(&other.go);
        leave(&b);
        leave(&other);
        shut(&supervisor);
        assert_int_equal(b.releases + other.releases, 2);
        assert_int_equal(b.deaths + other.deaths, 2);
    }
}

/* ---- a spawn ---- */

/* The second participant's start(): whoever came before it can be found. */
typedef struct birth {
    liminal_supervisor *supervisor;
    being first, witness;
    void (*what)(struct birth *self, liminal_pid actor, liminal_pid first);
    liminal_status status;
} birth;

static liminal_status start_second(void *self)
{
    birth *b = self;
    liminal_pid pids[8];
    size_t count = 0;
    (void)test_check(liminal_process_list(b->supervisor, pids, 8, &count) == LIMINAL_OK);
    (void)test_check(count == 5); /* two actors and three participants */
    for (size_t i = 0; i < count; i++) { /* those of the witness come first, then the actor, then the participants */
        for (size_t j = i + 1; j < count; j++) {
            if (pids[j].value < pids[i].value) {
                liminal_pid pid = pids[i];
                pids[i] = pids[j];
                pids[j] = pid;
            }
        }
    }
    b->first.pid = pids[3];
    b->what(b, pids[2], pids[3]);
    for (int turn = 0; turn < 50; turn++) { /* time enough for its thread to come by */
        (void)test_check(ask(b->witness.conversation, "hello") == LIMINAL_OK);
    }
    (void)test_check(b->first.releases == 0);
    return b->status;
}

static const liminal_behaviour second = {LIMINAL_OPS(liminal_behaviour), .answer = being_answers,
                                         .start = start_second};

static void kill_the_first(birth *b, liminal_pid actor, liminal_pid first)
{
    (void)actor;
    (void)test_check(liminal_process_link(b->supervisor, b->witness.pid, first) == LIMINAL_OK);
    (void)test_check(liminal_process_kill(b->supervisor, first) == LIMINAL_OK);
}

static void signal_the_first(birth *b, liminal_pid actor, liminal_pid first)
{
    for (int i = 0; i < 3; i++) {
        (void)test_check(liminal_process_signal(b->supervisor, actor, first, boom) == LIMINAL_OK);
        (void)test_check(liminal_process_signal(b->supervisor, first, actor, boom) == LIMINAL_OK);
    }
}

static void link_the_first(birth *b, liminal_pid actor, liminal_pid first)
{
    (void)test_check(liminal_process_link(b->supervisor, b->witness.pid, first) == LIMINAL_OK);
    (void)test_check(liminal_process_link(b->supervisor, first, actor) == LIMINAL_OK);
}

static liminal_status bear(birth *b, liminal_participant_kind kind, const liminal_behaviour *behaviour,
                           void (*what)(birth *self, liminal_pid actor, liminal_pid first), liminal_status status)
{
    const liminal_participant people[2] = {{.kind = kind, .behaviour = behaviour, .self = &b->first},
                                           {.kind = kind, .behaviour = &second, .self = b}};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    b->supervisor = open_plain();
    be(&b->witness, b->supervisor, LIMINAL_PARTICIPANT_THREAD, &trapper);
    being_init(&b->first, b->supervisor);
    b->what = what;
    b->status = status;
    return liminal_supervisor_spawn(b->supervisor, &config, &b->first.conversation);
}

/* A kill while the spawn is under way, which then fails: `self` is the caller's, and was not released. */
static void killed_before_it_was_born(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        birth b;
        assert_int_equal(bear(&b, both[k], &plain, kill_the_first, LIMINAL_EFAILED), LIMINAL_EFAILED);
        assert_null(b.first.conversation);
        assert_told(&b.witness, b.first.pid, killed);
        leave(&b.witness);
        shut(&b.supervisor);
        assert_int_equal(b.first.releases, 0);
    }
}

/* The spawn succeeds: then it is the conversation's, which has failed. */
static void killed_while_it_was_born(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        birth b;
        assert_int_equal(bear(&b, both[k], &plain, kill_the_first, LIMINAL_OK), LIMINAL_OK);
        assert_int_equal(ask(b.first.conversation, "hello"), LIMINAL_EEXIT);
        assert_told(&b.witness, b.first.pid, killed);
        test_until(b.first.releases == 1);
        leave(&b.first);
        leave(&b.witness);
        shut(&b.supervisor);
        assert_int_equal(b.first.releases, 1);
    }
}

/* Exit messages of a conversation that never was are freed; if it is, they are delivered. */
static void signalled_before_it_was_born(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        const liminal_status status = i / 2 ? LIMINAL_OK : LIMINAL_EFAILED;
        birth b;
        assert_int_equal(bear(&b, both[i % 2], &trapper, signal_the_first, status), status);
        if (status == LIMINAL_OK) {
            for (int n = 0; n < 3; n++) {
                test_gate_wait(&b.first.told);
            }
            assert_int_equal(ask(b.first.conversation, "hello"), LIMINAL_OK);
        }
        leave(&b.first);
        leave(&b.witness);
        shut(&b.supervisor);
        assert_int_equal(b.first.messages, status == LIMINAL_OK ? 3 : 0);
        assert_int_equal(b.first.releases, status == LIMINAL_OK ? 1 : 0);
    }
}

/* Whoever has linked to one that then never was is told so. */
static void linked_before_it_was_born(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        birth b;
        assert_int_equal(bear(&b, both[k], &plain, link_the_first, LIMINAL_EFAILED), LIMINAL_EFAILED);
        assert_told(&b.witness, b.first.pid, noproc);
        assert_int_equal(links_of(&b.witness), 0);
        leave(&b.witness);
        shut(&b.supervisor);
        assert_int_equal(b.first.releases, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_exit_that_crosses_a_close),
        TEST(a_kill_behind_a_close),
        TEST(an_actor_is_killed_inside_its_participant),
        TEST(an_exit_that_crosses_a_restart),
        TEST(an_actor_is_killed_inside_its_own_notice),
        TEST(an_exit_that_crosses_a_shutdown),
        TEST(killed_before_it_was_born),
        TEST(killed_while_it_was_born),
        TEST(signalled_before_it_was_born),
        TEST(linked_before_it_was_born),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

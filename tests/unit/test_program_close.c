/* SPDX-License-Identifier: MIT */
/* test_program_close.c -- how a program is ended: end of input, SIGTERM, SIGKILL, each in its time, and how a
 * shutdown hurries that. Times are looked at from below; from above the machine may be busy, so what was not
 * waited for is told by the reason: who ends at SIGTERM was not killed, and who is killed had its SIGTERM. */
#include "program_kit.h"

#define IGNORES_INPUT SH("echo ready; exec sleep 20")
#define IGNORES_TERM SH("trap '' TERM; echo ready; exec sleep 20")

/* One that has begun, with so much patience. */
static liminal_conversation *spawn_patient(const char *const *argv, int64_t close_ms, int64_t term_ms)
{
    liminal_program program = program_of(argv);
    liminal_conversation *talk;
    program.close_patience_ns = close_ms * MS;
    program.term_patience_ns = term_ms * MS;
    talk = spawn_program(&program, NULL);
    get(talk, "ready");
    return talk;
}

/* ---- each step, in its time ---- */

static void is_closed(const char *const *argv, int64_t close_ms, int64_t term_ms, liminal_exit_kind kind, int code,
                      int64_t least_ms)
{
    liminal_conversation *talk;
    liminal_pid pid;
    liminal_exit exit;
    int64_t began;
    open_house();
    talk = spawn_patient(argv, close_ms, term_ms);
    pid = pid_of(talk, 0);
    began = test_now_ns();
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(look(talk).phase, LIMINAL_PHASE_CLOSED);
    exit = ends(pid, kind, code);
    assert_true(exit.seen_ns.ns - began >= least_ms * MS);
    assert_true(no_child());
    assert_int_equal(look(talk).phase, LIMINAL_PHASE_CLOSED); /* the close asked for it */
    shut(&talk);
}

static void first_it_gets_the_end_of_its_input(void **state)
{
    (void)state;
    is_closed(SH("echo ready; exec cat"), 15000, 15000, LIMINAL_EXIT_NORMAL, 0, 0);
    is_closed(SH("echo ready; cat; exit 6"), 15000, 15000, LIMINAL_EXIT_CODE, 6, 0);
    is_closed(SH("echo ready; cat >/dev/null; seq 1 200000"), 15000, 15000, LIMINAL_EXIT_NORMAL, 0, 0);
}

static void then_sigterm(void **state)
{
    (void)state;
    is_closed(IGNORES_INPUT, 150, 15000, LIMINAL_EXIT_SIGNAL, SIGTERM, 150);
    is_closed(SH("trap 'exit 5' TERM; echo ready; while :; do sleep 0.02; done"), 150, 15000, LIMINAL_EXIT_CODE, 5,
              150);
    is_closed(SH("echo ready; exec yes"), 150, 15000, LIMINAL_EXIT_SIGNAL, SIGTERM, 150);
}

static void then_sigkill(void **state)
{
    (void)state;
    is_closed(IGNORES_TERM, 100, 200, LIMINAL_EXIT_SIGNAL, SIGKILL, 300);
    is_closed(SH("trap '' TERM; echo ready; exec yes"), 100, 200, LIMINAL_EXIT_SIGNAL, SIGKILL, 300);
}

/* Stopped, it sees neither the end of its input nor SIGTERM. */
static void a_stopped_one_is_killed(void **state)
{
    liminal_conversation *talk;
    liminal_pid pid;
    pid_t child;
    int status = 0;
    (void)state;
    open_house();
    talk = spawn_patient(SH("echo ready; exec cat"), 100, 100);
    pid = pid_of(talk, 0);
    child = only_child();
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    liminal_conversation_drop(&talk);
    ends(pid, LIMINAL_EXIT_SIGNAL, SIGKILL);
    shut_house();
}

/* The caller waits for the conversation, not for the program. */
static void a_close_does_not_wait_for_it(void **state)
{
    liminal_conversation *talk;
    liminal_pid pid;
    (void)state;
    open_house();
    talk = spawn_patient(IGNORES_TERM, 15000, 15000);
    pid = pid_of(talk, 0);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_true(liminal_process_alive(house, pid));
    assert_int_equal(liminal_process_kill(house, pid), LIMINAL_OK); /* in the middle of it */
    ends(pid, LIMINAL_EXIT_KILLED, 0);
    shut(&talk);
}

/* What is in flight is waited for; what it answers after the end is dropped. */
static void requests_in_flight_are_answered_first(void **state)
{
    latch gate;
    char begun[96];
    liminal_conversation *talk;
    (void)state;
    latch_make(&gate);
    open_house();
    (void)snprintf(begun, sizeof begun, "%s.begun", gate.path);
    talk = spawn_argv(SH("read -r a; : >\"$0.begun\"; read -r go <\"$0\"; echo \"$a\"; exec cat", gate.path));
    put(talk, "in flight");
    test_until(access(begun, F_OK) == 0);
    (void)unlink(begun);
    assert_int_equal(liminal_conversation_close(talk, SOON), LIMINAL_OK); /* its deadline comes first */
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    assert_int_equal(look(talk).counts.unfinished, 1);
    latch_open(&gate);
    liminal_conversation_drop(&talk);
    talk = spawn_argv(SH("read -r a; read -r go <\"$0\"; echo \"$a\"; exec cat", gate.path));
    put(talk, "in flight");
    latch_open(&gate);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    get(talk, "in flight");
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    shut(&talk);
    latch_remove(&gate);
}

/* Half of a large request was written when the conversation ends. */
static void a_close_in_the_middle_of_a_write(void **state)
{
    const size_t size = 1000000;
    char *large = malloc(size);
    liminal_conversation *talk;
    liminal_envelope *message;
    liminal_pid pid;
    (void)state;
    open_house();
    talk = spawn_patient(IGNORES_INPUT, 100, 15000);
    pid = pid_of(talk, 0);
    memset(large, 'x', size);
    message = bytes(large, size);
    free(large);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(talk, SOON), LIMINAL_OK);
    ends(pid, LIMINAL_EXIT_SIGNAL, SIGTERM);
    shut(&talk);
}

/* One participant dies, the conversation fails, and the other one is closed. */
static void a_failure_closes_the_others(void **state)
{
    liminal_program one = program_of(SH("read -r x; exit 3")), two = program_of(SH("cat; exit 6"));
    liminal_participant participants[2] = {participant_of(&one, "one"), participant_of(&two, "two")};
    liminal_config config = config_of(participants, 2);
    liminal_conversation *talk;
    liminal_pid pids[2];
    (void)state;
    open_house();
    talk = spawn(&config);
    pids[0] = pid_of(talk, 0);
    pids[1] = pid_of(talk, 1);
    ask_fails(talk, "go", LONG, LIMINAL_EEXIT);
    ends(pids[0], LIMINAL_EXIT_CODE, 3);
    ends(pids[1], LIMINAL_EXIT_CODE, 6);
    shut(&talk);
}

/* ---- a shutdown has no more patience than time ---- */

static void keep_exit(void *self, const liminal_exit *exit)
{
    *(liminal_exit *)self = *exit;
}

/* Whether it was. If not, then because its time was over, and it is done without. */
static bool is_shut_by(liminal_deadline deadline)
{
    liminal_report report;
    liminal_status status = liminal_supervisor_shutdown(&house, &report, deadline);
    if (status == LIMINAL_ETIMEDOUT) {
        assert_int_equal(liminal_deadline_remaining_ns(deadline), 0);
        shut_house();
        return false;
    }
    assert_int_equal(status, LIMINAL_OK);
    assert_int_equal(report.running, 0);
    assert_true(no_child());
    return true;
}

/* With `ms`; or with more, if that was not enough on this machine, but never with as much as the patience. */
static void is_shut_within(uint32_t ms, bool (*attempt)(const void *what, uint32_t ms), const void *what)
{
    while (!attempt(what, ms)) {
        ms *= 2;
        assert_true(ms < 15000);
    }
}

typedef struct ending {
    const char *const *argv;
    liminal_exit_kind kind;
    int code;
} ending;

/* It would have half a minute; the shutdown has `ms`. */
static bool ends_within(const void *what, uint32_t ms)
{
    const ending *it = what;
    liminal_conversation *talk;
    liminal_exit exit = {.pid = {0}};
    open_house();
    talk = spawn_patient(it->argv, 15000, 15000);
    assert_int_equal(liminal_process_notify(house, pid_of(talk, 0), keep_exit, &exit, NULL), LIMINAL_OK);
    liminal_conversation_drop(&talk);
    if (!is_shut_by(liminal_deadline_in_ms(ms))) {
        return false;
    }
    assert_int_equal(exit.reason.kind, it->kind);
    assert_int_equal(exit.reason.code, it->code);
    return true;
}

static void a_shutdown_ends_it_before_its_deadline(void **state)
{
    (void)state;
    is_shut_within(10000, ends_within, &(ending){SH("echo ready; exec cat"), LIMINAL_EXIT_NORMAL, 0});
    is_shut_within(1800, ends_within, &(ending){IGNORES_INPUT, LIMINAL_EXIT_SIGNAL, SIGTERM});
    is_shut_within(1800, ends_within, &(ending){IGNORES_TERM, LIMINAL_EXIT_SIGNAL, SIGKILL});
}

static bool ends_without_an_answer(const void *what, uint32_t ms)
{
    liminal_program program = program_of(IGNORES_TERM);
    liminal_conversation *talk;
    bool in_time;
    (void)what;
    open_house();
    talk = spawn_program(&program, NULL);
    get(talk, "ready");
    put(talk, "never answered");
    in_time = is_shut_by(liminal_deadline_in_ms(ms));
    get_fails(talk, LONG, LIMINAL_ECLOSED);
    liminal_conversation_drop(&talk);
    return in_time;
}

/* Also one that is in the middle of an ask that it will never answer. */
static void a_shutdown_does_not_wait_for_answers_till_the_end(void **state)
{
    (void)state;
    is_shut_within(3000, ends_without_an_answer, NULL);
}

/* One that has no time at all, and the next one, that waits for what it has begun. */
static void a_shutdown_that_is_late_kills(void **state)
{
    liminal_conversation *talk;
    liminal_exit exit = {.pid = {0}};
    (void)state;
    open_house();
    talk = spawn_patient(IGNORES_TERM, 15000, 15000);
    assert_int_equal(liminal_process_notify(house, pid_of(talk, 0), keep_exit, &exit, NULL), LIMINAL_OK);
    liminal_conversation_drop(&talk);
    if (liminal_supervisor_shutdown(&house, NULL, liminal_deadline_passed()) != LIMINAL_OK) { /* it was not so quick */
        assert_non_null(house);
        shut_house();
    }
    assert_int_equal(exit.reason.kind, LIMINAL_EXIT_SIGNAL);
    assert_int_equal(exit.reason.code, SIGKILL);
}

static bool ends_hurried(const void *what, uint32_t ms)
{
    liminal_conversation *talk;
    (void)what;
    open_house();
    talk = spawn_patient(IGNORES_TERM, 15000, 15000);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    liminal_conversation_drop(&talk);
    return is_shut_by(liminal_deadline_in_ms(ms));
}

/* A close that is under way is hurried as well. */
static void a_shutdown_hurries_a_close_that_has_begun(void **state)
{
    (void)state;
    is_shut_within(1800, ends_hurried, NULL);
}

/* Of the time that there is, SIGTERM comes with most, and with time to answer it. */
static void a_shutdown_leaves_time_after_sigterm(void **state)
{
    const char *const *argv = SH("trap 'sleep 0.1; exit 6' TERM; echo ready; while :; do sleep 0.02; done");
    liminal_conversation *talk;
    liminal_exit exit = {.pid = {0}};
    (void)state;
    open_house();
    talk = spawn_patient(argv, 100, 15000);
    assert_int_equal(liminal_process_notify(house, pid_of(talk, 0), keep_exit, &exit, NULL), LIMINAL_OK);
    liminal_conversation_drop(&talk);
    assert_int_equal(liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(10000)), LIMINAL_OK);
    assert_int_equal(exit.reason.kind, LIMINAL_EXIT_CODE);
    assert_int_equal(exit.reason.code, 6);
}

/* With time enough everybody has the patience that was asked for. */
static void a_shutdown_with_time_has_patience(void **state)
{
    liminal_conversation *talk;
    liminal_exit exit = {.pid = {0}};
    int64_t began;
    (void)state;
    open_house();
    talk = spawn_patient(IGNORES_INPUT, 300, 15000);
    assert_int_equal(liminal_process_notify(house, pid_of(talk, 0), keep_exit, &exit, NULL), LIMINAL_OK);
    liminal_conversation_drop(&talk);
    began = test_now_ns();
    assert_int_equal(liminal_supervisor_shutdown(&house, NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_true(exit.seen_ns.ns - began >= 300 * MS);
    assert_int_equal(exit.reason.code, SIGTERM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(first_it_gets_the_end_of_its_input),
        PROGRAM_TEST(then_sigterm),
        PROGRAM_TEST(then_sigkill),
        PROGRAM_TEST(a_stopped_one_is_killed),
        PROGRAM_TEST(a_close_does_not_wait_for_it),
        PROGRAM_TEST(requests_in_flight_are_answered_first),
        PROGRAM_TEST(a_close_in_the_middle_of_a_write),
        PROGRAM_TEST(a_failure_closes_the_others),
        PROGRAM_TEST(a_shutdown_ends_it_before_its_deadline),
        PROGRAM_TEST(a_shutdown_does_not_wait_for_answers_till_the_end),
        PROGRAM_TEST(a_shutdown_that_is_late_kills),
        PROGRAM_TEST(a_shutdown_hurries_a_close_that_has_begun),
        PROGRAM_TEST(a_shutdown_leaves_time_after_sigterm),
        PROGRAM_TEST(a_shutdown_with_time_has_patience),
    };
    return cmocka_run_group_tests_name("program: closing", tests, NULL, NULL);
}

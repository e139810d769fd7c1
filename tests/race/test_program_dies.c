/* SPDX-License-Identifier: MIT */
/* test_program_dies.c -- a child program's death crosses an answer, a close, a shutdown and a spawn. */
#include "unit/program_kit.h"

#define LEAST 20 /* rounds */
#define MOST 600 /* after which it is said that only one outcome was seen */

/* A little longer in each round, and over again; longer ones where so many are needed, for the machine may be slow. */
static void dawdle(int round)
{
    const int doublings = round / 80 < 5 ? round / 80 : 5;
    const struct timespec time = {0, (long)(round % 40 * 50000) << doublings};
    (void)nanosleep(&time, NULL);
}

/* ---- an answer ---- */

typedef struct asker {
    test_thread thread;
    liminal_conversation *talk;
    atomic_int answered;
    liminal_status status;
} asker;

static void ask_until_it_fails(void *argument)
{
    asker *a = argument;
    do {
        char text[32];
        liminal_envelope *reply = NULL;
        (void)snprintf(text, sizeof text, "number %d", atomic_load(&a->answered));
        a->status = ask_until(a->talk, text, &reply, LONG);
        if (a->status == LIMINAL_OK) {
            (void)test_check(strcmp(liminal_envelope_text(reply), text) == 0);
            atomic_fetch_add(&a->answered, 1);
        }
        liminal_envelope_drop(&reply);
    } while (a->status == LIMINAL_OK);
}

/* By the kernel, by the library, by its own death's reason: each ask has its own answer, or is told of the exit. */
static void a_death_crosses_an_answer(void **state)
{
    int between = 0, within = 0, round;
    (void)state;
    open_house();
    for (round = 0; round < MOST && (round < LEAST || between == 0 || within == 0); round++) {
        static asker a;
        liminal_conversation *talk = spawn_argv(ARGV("cat"));
        liminal_pid pid = pid_of(talk, 0);
        pid_t child = only_child();
        liminal_counts counts;
        a.talk = talk;
        atomic_store(&a.answered, 0);
        test_thread_start(&a.thread, ask_until_it_fails, &a);
        test_until(a.answered >= 3);
        dawdle(round);
        if (round % 2 == 0) {
            assert_int_equal(kill(child, SIGKILL), 0);
        } else {
            assert_int_equal(liminal_process_kill(house, pid), LIMINAL_OK);
        }
        test_thread_join(&a.thread);
        assert_int_equal(a.status, LIMINAL_EEXIT);
        ends(pid, round % 2 == 0 ? LIMINAL_EXIT_SIGNAL : LIMINAL_EXIT_KILLED, round % 2 == 0 ? SIGKILL : 0);
        counts = look(talk).counts;
        assert_int_equal(counts.received, a.answered);
        assert_true(counts.received + counts.unfinished <= counts.sent);
        assert_true(counts.sent <= counts.received + counts.unfinished + counts.withdrawn);
        assert_int_equal(counts.late, 0);
        within += counts.unfinished == 1;
        between += counts.unfinished == 0;
        liminal_conversation_drop(&talk);
        test_until(no_child());
    }
    assert_true(between > 0 && within > 0);
    shut_house();
}

/* ---- a close ---- */

/* It ends of its own when it has answered, and the conversation is closed then: it has closed, or failed. */
static void a_death_crosses_a_close(void **state)
{
    int closed = 0, failed = 0, round;
    (void)state;
    open_house();
    for (round = 0; round < MOST && (round < LEAST || closed == 0 || failed == 0); round++) {
        liminal_conversation *talk = spawn_argv(SH("read -r x; echo \"$x\"; exit 0"));
        liminal_pid pid = pid_of(talk, 0);
        liminal_phase phase;
        ask_gives(talk, "last", "last");
        dawdle(round);
        assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
        ends(pid, LIMINAL_EXIT_NORMAL, 0);
        phase = look(talk).phase;
        assert_true(phase == LIMINAL_PHASE_CLOSED || phase == LIMINAL_PHASE_FAILED);
        closed += phase == LIMINAL_PHASE_CLOSED;
        failed += phase == LIMINAL_PHASE_FAILED;
        liminal_conversation_drop(&talk);
        assert_true(no_child());
    }
    assert_true(closed > 0 && failed > 0);
    shut_house();
}

/* ---- a shutdown ---- */

typedef struct killer {
    test_thread thread;
    test_gate up; /* so that the two set out together, whatever a thread's start takes */
    pid_t child;
    int round;
} killer;

static void kill_there(void *argument)
{
    killer *k = argument;
    test_gate_open(&k->up);
    dawdle(k->round);
    (void)kill(k->child, SIGKILL);
}

/* The killer, and the caller with what is to cross that: now one is first, and now the other. */
static void set_out(killer *k, pid_t child, int round)
{
    k->child = child;
    k->round = round;
    k->up = (test_gate)TEST_GATE_INIT;
    test_thread_start(&k->thread, kill_there, k);
    test_gate_wait(&k->up);
    if (round % 2 == 0) {
        dawdle(round / 2);
    }
}

static void keep_exit(void *self, const liminal_exit *exit)
{
    *(liminal_exit *)self = *exit;
}

/* Killed by another while a shutdown closes it: it is reaped once, and made known once. The number can't be
 * another's: it is ours to wait for until the shutdown has returned, and then the killer may find nobody. */
static void a_death_crosses_a_shutdown(void **state)
{
    int killed = 0, closed = 0, round;
    (void)state;
    for (round = 0; round < MOST && (round < LEAST || killed == 0 || closed == 0); round++) {
        static killer k;
        liminal_conversation *talk;
        liminal_exit exit = {.pid = {0}};
        pid_t child;
        open_house();
        talk = spawn_argv(ARGV("cat"));
        ask_gives(talk, "x", "x");
        assert_int_equal(liminal_process_notify(house, pid_of(talk, 0), keep_exit, &exit, NULL), LIMINAL_OK);
        child = only_child();
        liminal_conversation_drop(&talk);
        set_out(&k, child, round);
        shut_house();
        test_thread_join(&k.thread);
        if (exit.reason.kind == LIMINAL_EXIT_SIGNAL) {
            assert_int_equal(exit.reason.code, SIGKILL);
            killed++;
        } else {
            assert_int_equal(exit.reason.kind, LIMINAL_EXIT_NORMAL);
            closed++;
        }
    }
    assert_true(killed > 0 && closed > 0);
}

/* ---- a restart of the actor, and the last drop ---- */

/* The program is killed by another thread, around the moment at which the actor is: its exit is heard once, by
 * whichever life there is, and the conversation fails of it. */
static void a_death_crosses_a_restart(void **state)
{
    int before = 0, after = 0, round;
    (void)state;
    open_house();
    for (round = 0; round < MOST && (round < LEAST || before == 0 || after == 0); round++) {
        static killer k;
        liminal_conversation *talk = spawn_argv(ARGV("cat"));
        liminal_pid pid = pid_of(talk, 0), life = liminal_conversation_pid(talk);
        liminal_status killed;
        ask_gives(talk, "x", "x");
        set_out(&k, only_child(), round);
        killed = liminal_process_kill(house, life);
        assert_true(killed == LIMINAL_OK || killed == LIMINAL_ENOPROC);
        get_fails(talk, LONG, LIMINAL_EEXIT);
        ends(pid, LIMINAL_EXIT_SIGNAL, SIGKILL);
        assert_int_equal(look(talk).phase, LIMINAL_PHASE_FAILED);
        before += liminal_conversation_pid(talk).value != life.value; /* it was restarted, and then it died */
        after += liminal_conversation_pid(talk).value == life.value;
        test_thread_join(&k.thread);
        liminal_conversation_drop(&talk);
        test_until(no_child());
    }
    assert_true(before > 0 && after > 0);
    shut_house();
}

static void a_death_crosses_the_last_drop(void **state)
{
    int killed = 0, closed = 0, round;
    (void)state;
    open_house();
    for (round = 0; round < MOST && (round < LEAST || killed == 0 || closed == 0); round++) {
        static killer k;
        liminal_conversation *talk = spawn_argv(ARGV("cat"));
        liminal_exit exit = {.pid = {0}};
        liminal_notice *notice = NULL;
        liminal_pid pid = pid_of(talk, 0);
        ask_gives(talk, "x", "x");
        assert_int_equal(liminal_process_notify(house, pid, keep_exit, &exit, &notice), LIMINAL_OK);
        set_out(&k, only_child(), round);
        liminal_conversation_drop(&talk);
        test_thread_join(&k.thread);
        test_until(no_child() && liminal_supervisor_census(house).threads == 0);
        liminal_notice_drop(&notice);
        assert_int_equal(exit.pid.value, pid.value);
        killed += exit.reason.kind == LIMINAL_EXIT_SIGNAL && exit.reason.code == SIGKILL;
        closed += exit.reason.kind == LIMINAL_EXIT_NORMAL;
        assert_true(exit.reason.kind == LIMINAL_EXIT_SIGNAL || exit.reason.kind == LIMINAL_EXIT_NORMAL);
    }
    assert_true(killed > 0 && closed > 0);
    shut_house();
}

/* ---- a spawn that fails at the next one ---- */

/* The first program has ended, is ending, or lives when the second one can't be started: nobody hears of it. */
static void a_death_crosses_a_failing_spawn(void **state)
{
    (void)state;
    open_house();
    for (int round = 0; round < LEAST; round++) {
        liminal_program first = program_of(round % 2 == 0 ? ARGV("true") : ARGV("cat")),
                        second = program_of(ARGV("./no-such-program"));
        liminal_participant participants[2] = {participant_of(&first, "first"), participant_of(&second, "second")};
        liminal_config config = config_of(participants, 2);
        liminal_conversation *talk = NULL;
        assert_int_equal(liminal_supervisor_spawn(house, &config, &talk), LIMINAL_ENOPROC);
        assert_null(talk);
        test_until(no_child());
    }
    shut_house();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(a_death_crosses_an_answer),
        PROGRAM_TEST(a_death_crosses_a_close),
        PROGRAM_TEST(a_death_crosses_a_shutdown),
        PROGRAM_TEST(a_death_crosses_a_restart),
        PROGRAM_TEST(a_death_crosses_the_last_drop),
        PROGRAM_TEST(a_death_crosses_a_failing_spawn),
    };
    return cmocka_run_group_tests_name("a program dies", tests, NULL, NULL);
}

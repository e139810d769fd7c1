/* SPDX-License-Identifier: MIT */
/* test_program_exit.c -- how child programs end, and what of them is known then. */
#include "program_kit.h"

/* ---- the reason ---- */

static void ends_on_command(const char *command, liminal_exit_kind kind, int code)
{
    liminal_conversation *talk;
    liminal_pid pid;
    liminal_exit exit;
    liminal_participant_status status;
    open_house();
    talk = spawn_argv(SH("ulimit -c 0; while read -r x; do eval \"$x\"; done"));
    pid = pid_of(talk, 0);
    ask_gives(talk, "echo here", "here");
    assert_true(liminal_process_alive(house, pid));
    ask_fails(talk, command, LONG, LIMINAL_EEXIT);
    exit = ends(pid, kind, code);
    assert_false(liminal_process_alive(house, pid));
    assert_true(no_child());
    assert_true(exit.seen.unix_ns > 0 && exit.seen.unix_ns <= liminal_time_now().unix_ns);
    status = member(talk, 0);
    assert_false(status.alive);
    assert_int_equal(status.seen.unix_ns, exit.seen.unix_ns);
    assert_int_equal(status.reason.kind, kind);
    assert_int_equal(status.reason.code, code);
    assert_int_equal(look(talk).phase, LIMINAL_PHASE_FAILED);
    assert_int_equal(look(talk).cause, LIMINAL_EEXIT);
    shut(&talk);
}

static void code_and_signal_are_the_reason(void **state)
{
    (void)state;
    ends_on_command("exit 0", LIMINAL_EXIT_NORMAL, 0);
    ends_on_command("exit 3", LIMINAL_EXIT_CODE, 3);
    ends_on_command("exit 255", LIMINAL_EXIT_CODE, 255);
    ends_on_command("kill -KILL $$", LIMINAL_EXIT_SIGNAL, SIGKILL);
    ends_on_command("kill -SEGV $$", LIMINAL_EXIT_SIGNAL, SIGSEGV);
    ends_on_command("kill -TERM $$", LIMINAL_EXIT_SIGNAL, SIGTERM);
    ends_on_command("kill -PIPE $$", LIMINAL_EXIT_SIGNAL, SIGPIPE);
}

static void one_that_dies_at_once_is_an_exit(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("true"));
    ends(pid_of(talk, 0), LIMINAL_EXIT_NORMAL, 0);
    ask_fails(talk, "x", LONG, LIMINAL_EEXIT);
    liminal_conversation_drop(&talk);
    talk = spawn_argv(ARGV("false"));
    get_fails(talk, LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 1);
    shut(&talk);
}

/* ---- when the host takes the status away ---- */

static void with_sigchld_ignored_nobody_knows(void **state)
{
    liminal_conversation *talk;
    void (*before)(int) = signal(SIGCHLD, SIG_IGN);
    (void)state;
    open_house();
    talk = spawn_argv(SH("read -r x; exit 3"));
    put(talk, "go");
    ends(pid_of(talk, 0), LIMINAL_EXIT_UNKNOWN, 0);
    shut(&talk);
    open_house();
    talk = spawn_argv(ARGV("true")); /* over before anybody could look, or not */
    ends(pid_of(talk, 0), LIMINAL_EXIT_UNKNOWN, 0);
    shut(&talk);
    (void)signal(SIGCHLD, before);
}

typedef struct stealing {
    test_thread thread;
    test_gate begun;
    pid_t pid, got;
} stealing;

static void steal(void *argument)
{
    stealing *s = argument;
    test_gate_open(&s->begun);
    s->got = waitpid(s->pid, NULL, 0);
}

/* Two wait for one child, and one of them gets it. */
static void a_host_that_waits_for_it_may_have_the_status(void **state)
{
    stealing s = {.begun = TEST_GATE_INIT};
    liminal_conversation *talk;
    liminal_exit exit;
    (void)state;
    open_house();
    talk = spawn_argv(SH("read -r x; exit 3"));
    s.pid = only_child();
    test_thread_start(&s.thread, steal, &s);
    test_gate_wait(&s.begun);
    put(talk, "go");
    test_thread_join(&s.thread);
    assert_int_equal(liminal_process_wait(house, pid_of(talk, 0), &exit, LONG), LIMINAL_OK);
    if (s.got != s.pid || exit.reason.kind != LIMINAL_EXIT_UNKNOWN) { /* without pidfds both may have seen it */
        assert_int_equal(exit.reason.kind, LIMINAL_EXIT_CODE);
        assert_int_equal(exit.reason.code, 3);
    }
    shut(&talk);
}

/* ---- what it printed before ---- */

static void what_it_printed_comes_before_its_end(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(SH("seq 1 5000; kill -KILL $$"));
    ends(pid_of(talk, 0), LIMINAL_EXIT_SIGNAL, SIGKILL);
    for (size_t i = 1; i <= 5000; i++) {
        get_number(talk, i);
    }
    get_fails(talk, LONG, LIMINAL_EEXIT);
    shut(&talk);
}

static void a_partial_last_line_is_not_lost(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(SH("printf 'one\\ntwo'"));
    get(talk, "one");
    get(talk, "two");
    get_fails(talk, LONG, LIMINAL_EEXIT);
    liminal_conversation_drop(&talk);
    talk = spawn_argv(SH("read -r x; printf %s \"$x\"; exit 3"));
    ask_gives(talk, "as an answer", "as an answer");
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
    shut(&talk);
}

/* Why it ended says its exit, not the frame that it could not finish. */
static void half_a_frame_is_dropped(void **state)
{
    liminal_program program = program_of(SH("printf '\\0\\0\\0\\2ok\\0\\0\\0\\3ab'; exit 3"));
    liminal_conversation *talk;
    (void)state;
    program.framing = LIMINAL_FRAMING_LENGTH32;
    open_house();
    talk = spawn_program(&program, NULL);
    get(talk, "ok");
    get_fails(talk, LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
    shut(&talk);
}

/* ---- ended by others ---- */

static void a_kill_is_sigkill_at_once(void **state)
{
    liminal_conversation *talk;
    liminal_pid pid;
    liminal_program program = program_of(SH("trap '' TERM HUP INT; echo ready; exec sleep 100"));
    (void)state;
    program.close_patience_ns = program.term_patience_ns = (int64_t)3600 * 1000 * MS;
    open_house();
    talk = spawn_program(&program, NULL);
    pid = pid_of(talk, 0);
    get(talk, "ready");
    assert_int_equal(liminal_process_kill(house, pid), LIMINAL_OK);
    ends(pid, LIMINAL_EXIT_KILLED, 0);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    test_until(no_child()); /* no patience was had with it */
    assert_int_equal(liminal_process_kill(house, pid), LIMINAL_OK);
    shut(&talk);
}

static void a_stopped_one_can_be_killed(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(SH("kill -STOP $$"));
    assert_int_equal(liminal_process_kill(house, pid_of(talk, 0)), LIMINAL_OK);
    test_until(no_child());
    shut(&talk);
}

/* A signal is a death at once for everybody, and for the program the end of its input. */
static void a_signal_closes_it(void **state)
{
    const liminal_exit_reason reason = {LIMINAL_EXIT_ERROR, 7};
    latch gate;
    char path[100], line[16] = "";
    liminal_conversation *talk;
    liminal_pid pid;
    FILE *file;
    (void)state;
    latch_make(&gate);
    (void)snprintf(path, sizeof path, "%s/bye", gate.folder);
    open_house();
    talk = spawn_argv(SH("read -r x; echo \"$x\"; cat >/dev/null; echo bye >\"$0\"", path));
    pid = pid_of(talk, 0);
    ask_gives(talk, "x", "x");
    assert_int_equal(liminal_process_signal(house, pid, pid, reason), LIMINAL_OK);
    ends(pid, LIMINAL_EXIT_ERROR, 7);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    test_until(no_child());
    file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    assert_string_equal(line, "bye\n");
    shut(&talk);
    (void)unlink(path);
    latch_remove(&gate);
}

/* Links: a program that dies takes a linked one along, with its reason. */
static void linked_programs_die_together(void **state)
{
    liminal_conversation *one, *two;
    liminal_pid pids[2];
    (void)state;
    open_house();
    one = spawn_argv(SH("read -r x; exit 4"));
    two = spawn_argv(ARGV("cat"));
    pids[0] = pid_of(one, 0);
    pids[1] = pid_of(two, 0);
    assert_int_equal(liminal_process_link(house, pids[0], pids[1]), LIMINAL_OK);
    assert_true(liminal_process_linked(house, pids[1], pids[0]));
    assert_int_equal(liminal_process_trap(house, pids[1], true), LIMINAL_EINVAL); /* it could not be told */
    put(one, "go");
    ends(pids[0], LIMINAL_EXIT_CODE, 4);
    ends(pids[1], LIMINAL_EXIT_CODE, 4);
    get_fails(two, LONG, LIMINAL_EEXIT);
    liminal_conversation_drop(&one);
    shut(&two);
}

/* ---- stopped is not dead ---- */

static void a_stopped_one_is_not_dead(void **state)
{
    liminal_conversation *talk;
    liminal_pid pid;
    pid_t child;
    int status = 0;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("cat"));
    pid = pid_of(talk, 0);
    child = only_child();
    ask_gives(talk, "before", "before");
    assert_int_equal(kill(child, SIGSTOP), 0);
    assert_int_equal(waitpid(child, &status, WUNTRACED), child);
    assert_true(WIFSTOPPED(status));
    (void)ask_in_vain(talk, "meanwhile"); /* the deadline decides */
    assert_true(liminal_process_alive(house, pid));
    assert_int_equal(kill(child, SIGCONT), 0);
    ask_gives(talk, "after", "after");
    assert_int_equal(look(talk).counts.late, 1);
    shut(&talk);
}

/* ---- who is told, and when ---- */

typedef struct told {
    liminal_pid pid;
    atomic_int notices, releases;
    bool alive_at_release, first;
    liminal_exit exit;
} told;

static void on_exit_notice(void *self, const liminal_exit *exit)
{
    told *t = self;
    t->exit = *exit;
    atomic_fetch_add(&t->notices, 1);
}

static void on_release(void *self)
{
    told *t = self;
    t->alive_at_release = liminal_process_alive(house, t->pid);
    t->first = t->notices == 0;
    atomic_fetch_add(&t->releases, 1);
}

static void notices_come_before_the_release(void **state)
{
    told t = {.notices = 0};
    liminal_program program = program_of(SH("read -r x; exit 5"));
    liminal_conversation *talk;
    (void)state;
    program.release = on_release;
    open_house();
    talk = spawn_program(&program, &t);
    t.pid = pid_of(talk, 0);
    assert_int_equal(liminal_process_notify(house, t.pid, on_exit_notice, &t, NULL), LIMINAL_OK);
    put(talk, "go");
    test_until(t.releases == 1);
    assert_int_equal(t.notices, 1);
    assert_int_equal(t.exit.reason.kind, LIMINAL_EXIT_CODE);
    assert_int_equal(t.exit.reason.code, 5);
    assert_false(t.alive_at_release);
    assert_false(t.first);
    assert_int_equal(liminal_process_notify(house, t.pid, on_exit_notice, &t, NULL), LIMINAL_OK); /* at once */
    assert_int_equal(t.notices, 2);
    shut(&talk);
    assert_int_equal(t.releases, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(code_and_signal_are_the_reason),
        PROGRAM_TEST(one_that_dies_at_once_is_an_exit),
        PROGRAM_TEST(with_sigchld_ignored_nobody_knows),
        PROGRAM_TEST(a_host_that_waits_for_it_may_have_the_status),
        PROGRAM_TEST(what_it_printed_comes_before_its_end),
        PROGRAM_TEST(a_partial_last_line_is_not_lost),
        PROGRAM_TEST(half_a_frame_is_dropped),
        PROGRAM_TEST(a_kill_is_sigkill_at_once),
        PROGRAM_TEST(a_stopped_one_can_be_killed),
        PROGRAM_TEST(a_signal_closes_it),
        PROGRAM_TEST(linked_programs_die_together),
        PROGRAM_TEST(a_stopped_one_is_not_dead),
        PROGRAM_TEST(notices_come_before_the_release),
    };
    return cmocka_run_group_tests_name("program: exits", tests, NULL, NULL);
}

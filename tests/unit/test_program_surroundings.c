/* SPDX-License-Identifier: MIT */
/* test_program_surroundings.c -- what a program finds around it, and that the host's own things are left alone. */
#include "program_kit.h"

static liminal_conversation *spawn_in(const char *const *argv, const char *const *environment, const char *directory)
{
    liminal_program program = program_of(argv);
    program.environment = environment;
    program.directory = directory;
    program.close_patience_ns = 15000 * MS; /* each that has to end of its own can */
    return spawn_program(&program, NULL);
}

/* ---- environment ---- */

static void traceparent_of(liminal_conversation *talk, char *out, size_t room)
{
    liminal_trace_context trace = liminal_conversation_trace(talk);
    liminal_traceparent text = liminal_trace_format(&trace);
    assert_true((size_t)snprintf(out, room, "%s", text.text) < room);
}

static void it_has_the_conversations_traceparent(void **state)
{
    liminal_conversation *talk;
    char expected[64];
    (void)state;
    open_house();
    talk = spawn_in(SH("echo \"$TRACEPARENT\"; cat"), NULL, NULL);
    traceparent_of(talk, expected, sizeof expected);
    get(talk, expected);
    shut(&talk);
}

static void it_has_the_hosts_environment(void **state)
{
    liminal_conversation *talk;
    char expected[64];
    (void)state;
    assert_int_equal(setenv("LIMINAL_TEST_VARIABLE", "a value", 1), 0);
    assert_int_equal(setenv("TRACEPARENT", "the host's own", 1), 0);
    open_house();
    talk = spawn_in(SH("echo \"$LIMINAL_TEST_VARIABLE\"; env | grep -c '^TRACEPARENT='; echo $TRACEPARENT; cat"), NULL,
                    NULL);
    get(talk, "a value");
    get(talk, "1");
    traceparent_of(talk, expected, sizeof expected);
    get(talk, expected);
    assert_string_equal(getenv("TRACEPARENT"), "the host's own");
    shut(&talk);
    (void)unsetenv("TRACEPARENT");
    (void)unsetenv("LIMINAL_TEST_VARIABLE");
}

static void or_the_one_it_was_given(void **state)
{
    liminal_conversation *talk;
    char expected[80];
    char traceparent[64];
    (void)state;
    open_house();
    talk = spawn_in(ARGV("/usr/bin/env"), ARGV("A=1", "B=two words", "TRACEPARENT=theirs"), NULL);
    get(talk, "A=1");
    get(talk, "B=two words");
    traceparent_of(talk, traceparent, sizeof traceparent);
    (void)snprintf(expected, sizeof expected, "TRACEPARENT=%s", traceparent);
    get(talk, expected);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    shut(&talk);
}

/* ---- directory ---- */

static void it_starts_where_it_was_told_to(void **state)
{
    liminal_conversation *talk;
    char here[512];
    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    open_house();
    talk = spawn_in(SH("pwd; cat"), NULL, "/usr");
    get(talk, "/usr");
    liminal_conversation_drop(&talk);
    talk = spawn_in(SH("pwd -P; cat"), NULL, NULL);
    get(talk, here);
    shut(&talk);
}

/* ---- descriptors ---- */

static size_t open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    size_t count = 0;
    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

/* Beyond 0, 1 and 2: what the host leaves open for any program. */
static size_t left_open(void)
{
    size_t count = 0;
    for (int fd = 3; fd < 1024; fd++) {
        int flags = fcntl(fd, F_GETFD);
        count += flags >= 0 && (flags & FD_CLOEXEC) == 0;
    }
    return count;
}

/* Three, whatever else the host and the other conversations have open; and one more that the host leaves open. */
static void nothing_is_open_but_what_the_host_left_open(void **state)
{
    enum { OTHERS = 5 };
    liminal_conversation *talk, *others[OTHERS];
    int left, marked;
    char number[32];
    (void)state;
    open_house();
    for (int i = 0; i < OTHERS; i++) {
        others[i] = spawn_in(ARGV("cat"), NULL, NULL);
    }
    marked = open("/dev/null", O_RDONLY | O_CLOEXEC);
    left = open("/dev/null", O_RDONLY);
    (void)snprintf(number, sizeof number, "%d", left);
    /* `ls` has one more for the folder that it lists. */
    talk = spawn_in(SH("ls -l /proc/self/fd | grep -c -e '->'; test -e /proc/self/fd/$0 && echo left; cat",
                       number),
                    NULL, NULL);
    get_number(talk, 3 + left_open() + 1);
    get(talk, "left");
    liminal_conversation_drop(&talk);
    for (int i = 0; i < OTHERS; i++) {
        ask_gives(others[i], "x", "x");
        liminal_conversation_drop(&others[i]);
    }
    (void)close(marked);
    (void)close(left);
    shut_house();
}

/* So that the end of one's input is its end, though another was started later. */
static void no_program_holds_anothers_pipes(void **state)
{
    liminal_conversation *one, *two;
    size_t before = open_descriptors();
    (void)state;
    open_house();
    one = spawn_in(ARGV("cat"), NULL, NULL);
    two = spawn_in(SH("echo ready; exec sleep 20"), NULL, NULL);
    get(two, "ready");
    assert_int_equal(liminal_conversation_close(one, LONG), LIMINAL_OK);
    ends(pid_of(one, 0), LIMINAL_EXIT_NORMAL, 0); /* of its own, at the end of its input */
    liminal_conversation_drop(&one);
    assert_int_equal(liminal_process_kill(house, pid_of(two, 0)), LIMINAL_OK);
    shut(&two);
    assert_int_equal(open_descriptors(), before);
}

/* ---- signals ---- */

static unsigned long long mask_of(liminal_conversation *talk)
{
    liminal_envelope *said = NULL;
    unsigned long long mask = 1;
    assert_int_equal(liminal_conversation_receive(talk, &said, LONG), LIMINAL_OK);
    mask = strtoull(liminal_envelope_text(said), NULL, 16);
    liminal_envelope_drop(&said);
    return mask;
}

static void its_signals_are_as_programs_expect(void **state)
{
    liminal_conversation *talk;
    sigset_t all, before;
    void (*pipe_before)(int) = signal(SIGPIPE, SIG_IGN);
    unsigned long long blocked, ignored;
    (void)state;
    (void)sigfillset(&all);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &all, &before), 0);
    open_house();
    talk = spawn_in(SH("exec sed -n 's/^Sig\\(Blk\\|Ign\\):[^0-9a-f]*//p' /proc/self/status"), NULL, NULL);
    assert_int_equal(pthread_sigmask(SIG_SETMASK, &before, NULL), 0);
    blocked = mask_of(talk);
    ignored = mask_of(talk);
    assert_int_equal(blocked, 0);
    assert_int_equal(ignored & (1ULL << (SIGPIPE - 1)), 0);
    shut(&talk);
    (void)signal(SIGPIPE, pipe_before);
}

static atomic_int handled;

static void on_signal(int number)
{
    (void)number;
    atomic_fetch_add(&handled, 1);
}

/* Writing to a program that has gone raises nothing here, and who handles SIGCHLD does so still. */
static void the_hosts_signals_are_left_alone(void **state)
{
    struct sigaction action = {.sa_handler = on_signal}, pipe_before, child_before, now;
    liminal_conversation *talk;
    (void)state;
    handled = 0;
    assert_int_equal(sigaction(SIGPIPE, &action, &pipe_before), 0);
    open_house();
    talk = spawn_in(SH("exec <&-; echo closed; exec sleep 20"), NULL, NULL);
    get(talk, "closed");
    ask_fails(talk, "nobody reads this", SOON, LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_process_kill(house, pid_of(talk, 0)), LIMINAL_OK);
    shut(&talk);
    assert_int_equal(handled, 0);
    assert_int_equal(sigaction(SIGPIPE, NULL, &now), 0);
    assert_true(now.sa_handler == on_signal);
    assert_int_equal(sigaction(SIGPIPE, &pipe_before, NULL), 0);

    action.sa_flags = SA_RESTART | SA_NOCLDSTOP;
    assert_int_equal(sigaction(SIGCHLD, &action, &child_before), 0);
    open_house();
    talk = spawn_in(ARGV("cat"), NULL, NULL);
    ask_gives(talk, "x", "x");
    shut(&talk);
    test_until(handled == 1);
    assert_int_equal(sigaction(SIGCHLD, NULL, &now), 0);
    assert_true(now.sa_handler == on_signal);
    assert_int_equal(sigaction(SIGCHLD, &child_before, NULL), 0);
}

/* ---- the host's other children ---- */

static void no_other_child_is_waited_for(void **state)
{
    liminal_conversation *talk;
    pid_t own;
    int status = 0;
    (void)state;
    own = fork();
    assert_true(own >= 0);
    if (own == 0) {
        _exit(9);
    }
    assert_int_equal(waitid(P_PID, (id_t)own, &(siginfo_t){.si_pid = 0}, WEXITED | WNOWAIT), 0);
    open_house();
    for (int i = 0; i < 5; i++) {
        talk = spawn_in(SH("exit 3"), NULL, NULL);
        ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
        liminal_conversation_drop(&talk);
    }
    assert_int_equal(waitpid(own, &status, 0), own);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 9);
    shut_house();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(it_has_the_conversations_traceparent),
        PROGRAM_TEST(it_has_the_hosts_environment),
        PROGRAM_TEST(or_the_one_it_was_given),
        PROGRAM_TEST(it_starts_where_it_was_told_to),
        PROGRAM_TEST(nothing_is_open_but_what_the_host_left_open),
        PROGRAM_TEST(no_program_holds_anothers_pipes),
        PROGRAM_TEST(its_signals_are_as_programs_expect),
        PROGRAM_TEST(the_hosts_signals_are_left_alone),
        PROGRAM_TEST(no_other_child_is_waited_for),
    };
    return cmocka_run_group_tests_name("program: surroundings", tests, NULL, NULL);
}

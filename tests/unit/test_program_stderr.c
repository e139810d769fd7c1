/* SPDX-License-Identifier: MIT */
/* test_program_stderr.c -- where a program's standard error goes. */
#include "program_kit.h"

/* ---- a listener ---- */

typedef struct ear {
    pthread_mutex_t lock;
    char text[200000];
    size_t size, most; /* bytes; the largest piece */
    atomic_int calls, releases;
    pthread_t thread;
    void (*also)(struct ear *ear);
    liminal_conversation *talk; /* for `also` */
    liminal_status status;
    test_gate entered, go;
} ear;

static ear the_ear;

static ear *new_ear(void)
{
    memset(&the_ear, 0, sizeof the_ear);
    (void)pthread_mutex_init(&the_ear.lock, NULL);
    test_gate_init(&the_ear.entered);
    test_gate_init(&the_ear.go);
    return &the_ear;
}

static void hear(void *self, const void *what, size_t size)
{
    ear *e = self;
    (void)test_check(size > 0);
    (void)pthread_mutex_lock(&e->lock);
    (void)test_check(e->size + size < sizeof e->text);
    memcpy(e->text + e->size, what, size);
    e->size += size;
    e->most = size > e->most ? size : e->most;
    (void)test_check(e->calls == 0 || pthread_equal(e->thread, pthread_self()));
    e->thread = pthread_self();
    (void)pthread_mutex_unlock(&e->lock);
    atomic_fetch_add(&e->calls, 1);
    if (e->also != NULL) {
        e->also(e);
    }
}

static void let_go(void *self)
{
    atomic_fetch_add(&((ear *)self)->releases, 1);
}

static size_t heard(ear *e)
{
    size_t size;
    (void)pthread_mutex_lock(&e->lock);
    size = e->size;
    (void)pthread_mutex_unlock(&e->lock);
    return size;
}

static liminal_program with_ear(const char *const *argv)
{
    liminal_program program = program_of(argv);
    program.errors = LIMINAL_STDERR_CALLBACK;
    program.on_stderr = hear;
    program.release = let_go;
    return program;
}

/* ---- to the callback ---- */

static void it_comes_in_pieces_and_apart_from_the_answers(void **state)
{
    liminal_program program = with_ear(SH("while read -r x; do echo \"err $x\" >&2; echo \"out $x\"; done"));
    ear *e = new_ear();
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_program(&program, e);
    ask_gives(talk, "1", "out 1");
    ask_gives(talk, "2", "out 2");
    test_until(heard(e) == strlen("err 1\nerr 2\n"));
    assert_string_equal(e->text, "err 1\nerr 2\n");
    shut(&talk);
    assert_int_equal(e->releases, 1);
}

/* All of it, also what was written just before the end, and before the end is made known. */
static void all_of_it_comes_before_the_end(void **state)
{
    liminal_program program = with_ear(SH("seq 1 20000 >&2; exit 3"));
    ear *e = new_ear();
    liminal_conversation *talk;
    size_t at = 0;
    (void)state;
    open_house();
    talk = spawn_program(&program, e);
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
    for (int i = 1; i <= 20000; i++) {
        char line[16];
        size_t length = (size_t)snprintf(line, sizeof line, "%d\n", i);
        assert_memory_equal(e->text + at, line, length);
        at += length;
    }
    assert_int_equal(e->size, at);
    shut(&talk);
}

/* What it says while it is being closed is heard as well. */
static void last_words_are_heard(void **state)
{
    liminal_program program = with_ear(SH("echo ready; cat >/dev/null; echo 'last words' >&2"));
    ear *e = new_ear();
    liminal_conversation *talk;
    (void)state;
    program.close_patience_ns = 15000 * MS; /* to say them in */
    open_house();
    talk = spawn_program(&program, e);
    get(talk, "ready");
    shut(&talk);
    assert_string_equal(e->text, "last words\n");
}

static void it_may_close_it_and_talk_on(void **state)
{
    liminal_program program = with_ear(SH("echo bye >&2; exec 2>&-; exec cat"));
    ear *e = new_ear();
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_program(&program, e);
    test_until(heard(e) == 4);
    ask_gives(talk, "a", "a");
    ask_gives(talk, "b", "b");
    shut(&talk);
}

/* ---- what the callback may do ---- */

static void vanish(ear *e)
{
    (void)e;
    pthread_exit(NULL);
}

static void ending_the_thread_inside_is_a_kill(void **state)
{
    liminal_program program = with_ear(SH("trap '' TERM; echo now >&2; exec sleep 20"));
    ear *e = new_ear();
    liminal_conversation *talk;
    (void)state;
    e->also = vanish;
    open_house();
    talk = spawn_program(&program, e);
    ends(pid_of(talk, 0), LIMINAL_EXIT_KILLED, 0);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    assert_true(no_child()); /* reaped before it was made known */
    test_until(e->releases == 1);
    shut(&talk);
    assert_int_equal(e->releases, 1);
}

/* The library is open to it, but for what would wait for itself. */
static void call(ear *e)
{
    liminal_envelope *reply = NULL;
    test_gate_wait(&e->go);
    e->status = ask_until(e->talk, "x", &reply, LONG);
    (void)test_check(liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0}) == LIMINAL_EPHASE);
    liminal_envelope_drop(&reply);
    put(e->talk, "sent from inside");
    test_gate_open(&e->entered);
}

static void it_may_call_the_library(void **state)
{
    liminal_program program = with_ear(SH("echo now >&2; exec cat"));
    ear *e = new_ear();
    liminal_conversation *talk;
    (void)state;
    e->also = call;
    open_house();
    talk = e->talk = spawn_program(&program, e);
    test_gate_open(&e->go);
    test_gate_wait(&e->entered);
    assert_int_equal(e->status, LIMINAL_EDEADLK);
    get(talk, "sent from inside");
    shut(&talk);
}

static void hold(ear *e)
{
    test_gate_open(&e->entered);
    test_gate_wait(&e->go);
}

/* One that does not return holds up its own program, and is named by a shutdown. */
static void one_that_does_not_return_is_named(void **state)
{
    liminal_program program = with_ear(SH("echo now >&2; exec cat"));
    ear *e = new_ear();
    liminal_conversation *talk;
    liminal_report report;
    (void)state;
    e->also = hold;
    open_house();
    talk = spawn_program(&program, e);
    test_gate_wait(&e->entered);
    liminal_conversation_drop(&talk);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, SOON), LIMINAL_ETIMEDOUT);
    assert_int_equal(report.running, 1);
    assert_string_equal(report.stragglers[0].name, "program");
    test_gate_open(&e->go);
    shut_house();
}

/* A spawn that fails leaves `self` alone: nothing of it is called any more, however much the program says. */
static void a_spawn_that_fails_calls_nothing(void **state)
{
    liminal_program talker = with_ear(SH("yes >&2")), missing = program_of(ARGV("./no-such-program"));
    liminal_participant participants[2] = {participant_of(&talker, "talker"), participant_of(&missing, "missing")};
    liminal_config config = config_of(participants, 2);
    ear *e = new_ear();
    liminal_conversation *talk = NULL;
    (void)state;
    participants[0].self = e;
    open_house();
    for (int i = 0; i < 20; i++) {
        assert_int_equal(liminal_supervisor_spawn(house, &config, &talk), LIMINAL_ENOPROC);
        assert_null(talk);
    }
    shut_house();
    assert_int_equal(e->calls, 0);
    assert_int_equal(e->releases, 0);
}

/* ---- elsewhere ---- */

/* What the program writes to the host's standard error is what was put there. */
static void to_the_host(liminal_stderr errors, const char *expected)
{
    liminal_program program = program_of(SH("echo text >&2; exec cat"));
    liminal_conversation *talk;
    int ends_of_pipe[2], kept = dup(STDERR_FILENO);
    char text[64] = "";
    ssize_t got;
    program.errors = errors;
    assert_int_equal(pipe2(ends_of_pipe, O_CLOEXEC), 0);
    open_house();
    (void)dup2(ends_of_pipe[1], STDERR_FILENO);
    talk = spawn_program(&program, NULL);
    (void)dup2(kept, STDERR_FILENO);
    (void)close(kept);
    (void)close(ends_of_pipe[1]);
    ask_gives(talk, "a", "a");
    shut(&talk);
    got = read(ends_of_pipe[0], text, sizeof text - 1); /* nobody writes any more: it ends */
    assert_true(got >= 0);
    (void)close(ends_of_pipe[0]);
    assert_string_equal(text, expected);
}

static void to_the_hosts_or_nowhere(void **state)
{
    (void)state;
    to_the_host(LIMINAL_STDERR_HOST, "text\n");
    to_the_host(LIMINAL_STDERR_AWAY, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(it_comes_in_pieces_and_apart_from_the_answers),
        PROGRAM_TEST(all_of_it_comes_before_the_end),
        PROGRAM_TEST(last_words_are_heard),
        PROGRAM_TEST(it_may_close_it_and_talk_on),
        PROGRAM_TEST(ending_the_thread_inside_is_a_kill),
        PROGRAM_TEST(it_may_call_the_library),
        PROGRAM_TEST(one_that_does_not_return_is_named),
        PROGRAM_TEST(a_spawn_that_fails_calls_nothing),
        PROGRAM_TEST(to_the_hosts_or_nowhere),
    };
    return cmocka_run_group_tests_name("program: standard error", tests, NULL, NULL);
}

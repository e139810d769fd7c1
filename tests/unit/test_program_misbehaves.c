/* SPDX-License-Identifier: MIT */
/* test_program_misbehaves.c -- programs that shut one pipe, do not read, do not stop, buffer, or leave their
 * pipes to others. None may hang, and none may take more than its bound. */
#include "program_kit.h"

static liminal_conversation *spawn_impatient(liminal_program program)
{
    program.close_patience_ns = 150 * MS;
    program.term_patience_ns = 150 * MS;
    return spawn_program(&program, NULL);
}

/* ---- one pipe only ---- */

/* Without its output it can't answer: it is closed, and who asked learns of its end. */
static void shutting_its_output_is_the_end(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_impatient(program_of(SH("echo last; exec sleep 20 >&-")));
    get(talk, "last");
    ask_fails(talk, "x", LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_SIGNAL, SIGTERM);
    liminal_conversation_drop(&talk);
    talk = spawn_argv(SH("printf 'a partial line'; exec >&-; cat; exit 4"));
    get(talk, "a partial line");
    get_fails(talk, LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 4); /* its input ended, and so did it */
    shut(&talk);
}

static void unless_nothing_is_expected_of_it(void **state)
{
    latch gate;
    char path[100], line[16] = "";
    liminal_program program;
    liminal_conversation *talk;
    (void)state;
    latch_make(&gate);
    (void)snprintf(path, sizeof path, "%s/file", gate.folder);
    program = program_of(SH("exec >\"$0\"; cat", path));
    program.pairing = LIMINAL_PAIRING_NONE;
    program.close_patience_ns = 15000 * MS; /* at the end of its input it ends of its own */
    open_house();
    talk = spawn_program(&program, NULL);
    get_fails(talk, SOON, LIMINAL_ETIMEDOUT);
    put(talk, "to the file");
    assert_true(liminal_process_alive(house, pid_of(talk, 0)));
    shut(&talk);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_non_null(fgets(line, sizeof line, file));
    (void)fclose(file);
    assert_string_equal(line, "to the file\n");
    (void)unlink(path);
    latch_remove(&gate);
}

/* Without its input it lives, until there is something to say to it. */
static void shutting_its_input_matters_when_something_is_said(void **state)
{
    latch gate;
    liminal_conversation *talk;
    (void)state;
    latch_make(&gate);
    open_house();
    talk = spawn_impatient(program_of(SH("exec <&-; echo a; read -r go <\"$0\"; echo b; exec sleep 20", gate.path)));
    get(talk, "a");
    get_fails(talk, SOON, LIMINAL_ETIMEDOUT);
    latch_open(&gate);
    get(talk, "b");
    assert_true(liminal_process_alive(house, pid_of(talk, 0)));
    ask_fails(talk, "x", LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_SIGNAL, SIGTERM);
    shut(&talk);
    latch_remove(&gate);
}

/* It goes while a large request is being written to it. */
static void ending_in_the_middle_of_a_request(void **state)
{
    const size_t size = 1000000;
    char *large = malloc(size);
    liminal_conversation *talk;
    liminal_envelope *request, *reply = NULL;
    (void)state;
    open_house();
    talk = spawn_argv(SH("head -c 1000 >/dev/null; exit 3"));
    memset(large, 'x', size);
    request = bytes(large, size);
    free(large);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_EEXIT);
    liminal_envelope_drop(&request);
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
    shut(&talk);
}

/* ---- without end ---- */

static void a_line_without_end_is_too_large(void **state)
{
    liminal_program program = program_of(SH("exec 3<&0; exec tr '\\0' x </dev/zero"));
    liminal_conversation *talk;
    (void)state;
    program.frame_bytes = 1000000;
    open_house();
    talk = spawn_impatient(program);
    ask_fails(talk, "x", LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_ERROR, LIMINAL_ELIMIT);
    shut(&talk);
}

static void errors_without_end_hold_up_nothing(void **state)
{
    liminal_program program = program_of(SH("yes >&2 & cat; kill $!"));
    liminal_conversation *talk;
    (void)state;
    program.errors = LIMINAL_STDERR_AWAY;
    open_house();
    talk = spawn_program(&program, NULL);
    ask_gives(talk, "x", "x");
    shut(&talk);
}

static void listen(void *self, const void *bytes_there, size_t size)
{
    (void)bytes_there;
    atomic_fetch_add((atomic_size_t *)self, size);
}

static void nor_with_somebody_listening(void **state)
{
    static atomic_size_t heard;
    liminal_program program = program_of(SH("yes >&2 & echo $!; exec cat"));
    liminal_conversation *talk;
    liminal_envelope *said = NULL;
    pid_t noise;
    (void)state;
    heard = 0;
    program.errors = LIMINAL_STDERR_CALLBACK;
    program.on_stderr = listen;
    open_house();
    talk = spawn_program(&program, &heard);
    assert_int_equal(liminal_conversation_receive(talk, &said, LONG), LIMINAL_OK);
    noise = (pid_t)strtol(liminal_envelope_text(said), NULL, 10);
    liminal_envelope_drop(&said);
    test_until(heard > 1000000);
    for (int i = 0; i < 20; i++) {
        ask_gives(talk, "x", "x");
    }
    shut(&talk); /* cat ends; the noise goes on, and dies of its pipe */
    test_until(kill(noise, 0) != 0 || waitpid(noise, NULL, WNOHANG) == noise);
}

/* ---- silent ---- */

static void one_that_buffers_is_asked_in_vain(void **state)
{
    liminal_program program = program_of(ARGV("tr", "a", "b"));
    liminal_conversation *talk;
    (void)state;
    program.close_patience_ns = 15000 * MS;
    open_house();
    talk = spawn_program(&program, NULL);
    ask_fails(talk, "a", SOON, LIMINAL_ETIMEDOUT);
    ask_fails(talk, "a", SOON, LIMINAL_ETIMEDOUT);
    assert_true(liminal_process_alive(house, pid_of(talk, 0)));
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    ends(pid_of(talk, 0), LIMINAL_EXIT_NORMAL, 0);
    shut(&talk);
}

/* One that does not read: no more is accepted than the mailbox holds, and when it reads nothing is lost. */
static void one_that_does_not_read_fills_the_mailbox(void **state)
{
    enum { BOUND = 100, SIZE = 5000, DIGITS = 20 };
    latch gate;
    char *text = calloc(1, SIZE + 1);
    liminal_program program;
    liminal_participant participant;
    liminal_config config;
    liminal_conversation *talk;
    size_t accepted = 0;
    (void)state;
    latch_make(&gate);
    program = program_of(SH("read -r go <\"$0\"; exec cat", gate.path));
    participant = participant_of(&program, "deaf");
    config = config_of(&participant, 1);
    config.mailbox_messages = BOUND;
    memset(text, 'x', SIZE);
    open_house();
    talk = spawn(&config);
    for (;;) {
        liminal_envelope *message;
        liminal_status status;
        (void)snprintf(text + SIZE - DIGITS, DIGITS + 1, "%020zu", accepted);
        message = note(text);
        status = liminal_conversation_try_send(talk, &message);
        liminal_envelope_drop(&message);
        if (status != LIMINAL_OK) {
            assert_int_equal(status, LIMINAL_EFULL);
            break;
        }
        accepted++;
        assert_true(accepted <= BOUND);
    }
    assert_int_equal(accepted, BOUND);
    latch_open(&gate);
    for (size_t i = 0; i < accepted; i++) {
        (void)snprintf(text + SIZE - DIGITS, DIGITS + 1, "%020zu", i);
        get(talk, text);
    }
    free(text);
    shut(&talk);
    latch_remove(&gate);
}

/* ---- what it leaves behind ---- */

/* Its end is its own, though a child of its own holds its pipes open. */
static void a_child_of_its_own_that_holds_the_pipes(void **state)
{
    liminal_conversation *talk;
    liminal_envelope *said = NULL;
    pid_t left;
    (void)state;
    open_house();
    talk = spawn_argv(SH("sleep 20 & echo $!; printf 'last words'; exit 3"));
    assert_int_equal(liminal_conversation_receive(talk, &said, LONG), LIMINAL_OK);
    left = (pid_t)strtol(liminal_envelope_text(said), NULL, 10);
    liminal_envelope_drop(&said);
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
    assert_int_equal(kill(left, 0), 0); /* it still lives */
    get(talk, "last words");
    get_fails(talk, LONG, LIMINAL_EEXIT);
    shut(&talk);
    (void)kill(left, SIGKILL);
}

/* ... and writes on for ever: some of that may be taken for the program's own, but it ends. */
static void a_child_of_its_own_that_writes_on(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    for (int i = 0; i < 5; i++) {
        liminal_program program = program_of(SH("yes & yes >&2 & exit 3"));
        static atomic_size_t heard;
        program.errors = LIMINAL_STDERR_CALLBACK;
        program.on_stderr = listen;
        talk = spawn_program(&program, &heard);
        ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
        liminal_conversation_drop(&talk);
    }
    shut_house();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(shutting_its_output_is_the_end),
        PROGRAM_TEST(unless_nothing_is_expected_of_it),
        PROGRAM_TEST(shutting_its_input_matters_when_something_is_said),
        PROGRAM_TEST(ending_in_the_middle_of_a_request),
        PROGRAM_TEST(a_line_without_end_is_too_large),
        PROGRAM_TEST(errors_without_end_hold_up_nothing),
        PROGRAM_TEST(nor_with_somebody_listening),
        PROGRAM_TEST(one_that_buffers_is_asked_in_vain),
        PROGRAM_TEST(one_that_does_not_read_fills_the_mailbox),
        PROGRAM_TEST(a_child_of_its_own_that_holds_the_pipes),
        PROGRAM_TEST(a_child_of_its_own_that_writes_on),
    };
    return cmocka_run_group_tests_name("program: misbehaving", tests, NULL, NULL);
}

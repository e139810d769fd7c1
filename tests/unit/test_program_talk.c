/* SPDX-License-Identifier: MIT */
/* test_program_talk.c -- asking real programs, in the three framings. */
#include "program_kit.h"

/* ---- lines ---- */

static void bc_answers_sums(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("bc", "-q"));
    ask_gives(talk, "1 + 1", "2");
    ask_gives(talk, "2 ^ 70", "1180591620717411303424");
    for (int i = 0; i < 300; i++) {
        char sum[32], answer[32];
        (void)snprintf(sum, sizeof sum, "%d * %d", i, i);
        (void)snprintf(answer, sizeof answer, "%d", i * i);
        ask_gives(talk, sum, answer);
    }
    shut(&talk);
}

static void cat_sends_each_line_back(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("cat"));
    ask_gives(talk, "a line", "a line");
    ask_gives(talk, "", "");
    ask_gives(talk, "it has its line end\n", "it has its line end");
    ask_gives(talk, "\n", "");
    ask_gives(talk, "a carriage return\r\n", "a carriage return\r");
    ask_gives(talk, "\xC3\xA4", "\xC3\xA4");
    shut(&talk);
}

static void sqlite3_answers_queries(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("sqlite3", "-batch", ":memory:"));
    ask_gives(talk, "create table t (n integer); insert into t values (40), (2); select sum(n) from t;", "42");
    ask_gives(talk, "select 'x' || 'y';", "xy");
    shut(&talk);
}

static void sh_answers_commands(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("sh"));
    ask_gives(talk, "echo one two", "one two");
    ask_gives(talk, "x=7; echo $((x * 6))", "42");
    ask_gives(talk, "echo $((x + 1))", "8");
    shut(&talk);
}

/* Sends are answered in order, however many are under way. */
static void many_at_once_are_answered_in_order(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("cat"));
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 1000; i++) {
            char text[32];
            (void)snprintf(text, sizeof text, "%d", i);
            put(talk, text);
        }
        for (size_t i = 0; i < 1000; i++) {
            get_number(talk, i);
        }
    }
    shut(&talk);
}

typedef struct asker {
    test_thread thread;
    liminal_conversation *talk;
    int number;
} asker;

static void ask_sums(void *argument)
{
    asker *a = argument;
    for (int i = 0; i < 100; i++) {
        char sum[32], answer[32];
        liminal_envelope *reply = NULL;
        (void)snprintf(sum, sizeof sum, "%d + %d", a->number * 1000, i);
        (void)snprintf(answer, sizeof answer, "%d", a->number * 1000 + i);
        (void)test_check(ask_until(a->talk, sum, &reply, LONG) == LIMINAL_OK);
        (void)test_check(strcmp(liminal_envelope_text(reply), answer) == 0);
        liminal_envelope_drop(&reply);
    }
}

static void many_askers_get_each_their_own(void **state)
{
    static asker askers[8];
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("bc", "-q"));
    for (int i = 0; i < 8; i++) {
        askers[i].talk = talk;
        askers[i].number = i;
        test_thread_start(&askers[i].thread, ask_sums, &askers[i]);
    }
    for (int i = 0; i < 8; i++) {
        test_thread_join(&askers[i].thread);
    }
    shut(&talk);
}

/* ---- large ones ---- */

/* More than both pipes hold: it writes while it still reads, and so do we. */
static void large_ones(liminal_framing framing)
{
    const size_t size = 1000001;
    char *data = malloc(size);
    liminal_program program = program_of(ARGV("cat"));
    liminal_conversation *talk;
    open_house();
    program.framing = framing;
    talk = spawn_program(&program, NULL);
    for (size_t i = 0; i < size; i++) {
        data[i] = (char)('a' + i % 23);
    }
    for (int i = 0; i < 3; i++) {
        liminal_envelope *request = bytes(data, size), *reply = NULL;
        assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
        assert_int_equal(liminal_envelope_size(reply), size);
        assert_memory_equal(liminal_envelope_data(reply), data, size);
        liminal_envelope_drop(&reply);
    }
    free(data);
    shut(&talk);
}

static void large_lines(void **state)
{
    (void)state;
    large_ones(LIMINAL_FRAMING_LINE);
}

static void large_counted_ones(void **state)
{
    (void)state;
    large_ones(LIMINAL_FRAMING_LENGTH32);
}

static void large_headed_ones(void **state)
{
    (void)state;
    large_ones(LIMINAL_FRAMING_CONTENT_LENGTH);
}

/* ---- the other framings ---- */

static void echo_bytes(liminal_framing framing)
{
    static const char with_zero[] = "a\0b\n\0\n";
    liminal_program program = program_of(ARGV("cat"));
    liminal_conversation *talk;
    liminal_envelope *request, *reply = NULL;
    open_house();
    program.framing = framing;
    talk = spawn_program(&program, NULL);
    ask_gives(talk, "text", "text");
    ask_gives(talk, "", "");
    ask_gives(talk, "Content-Length: 5\r\n\r\n", "Content-Length: 5\r\n\r\n");
    request = bytes(with_zero, sizeof with_zero);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
    assert_int_equal(liminal_envelope_size(reply), sizeof with_zero);
    assert_memory_equal(liminal_envelope_data(reply), with_zero, sizeof with_zero);
    liminal_envelope_drop(&reply);
    shut(&talk);
}

static void counted_bytes(void **state)
{
    (void)state;
    echo_bytes(LIMINAL_FRAMING_LENGTH32);
}

static void headed_bytes(void **state)
{
    (void)state;
    echo_bytes(LIMINAL_FRAMING_CONTENT_LENGTH);
}

/* What is written is what the other side reads, byte for byte. */
static void what_is_written(liminal_framing framing, const char *script, const char *answer)
{
    liminal_program program = program_of(SH(script));
    liminal_conversation *talk;
    open_house();
    program.framing = framing;
    talk = spawn_program(&program, NULL);
    ask_gives(talk, "abc", answer);
    shut(&talk);
}

static void the_bytes_of_each_framing(void **state)
{
    (void)state;
    what_is_written(LIMINAL_FRAMING_LINE, "head -c 4 | od -An -tx1 | tr -d ' '; cat >/dev/null", "6162630a");
    what_is_written(LIMINAL_FRAMING_LENGTH32,
                    "x=$(head -c 7 | od -An -tx1 | tr -d ' \\n'); printf '\\000\\000\\000\\016%s' $x; cat >/dev/null",
                    "00000003616263");
    what_is_written(LIMINAL_FRAMING_CONTENT_LENGTH,
                    "x=$(head -c 24 | tr '\\r\\n' 'RN'); printf 'content-TYPE: x\\nCONTENT-length:24\\n\\n%s' \"$x\"; "
                    "cat >/dev/null",
                    "Content-Length: 3RNRNabc");
}

/* ---- what is printed and is no frame ---- */

static void is_ended_for(liminal_framing framing, size_t most, const char *script, liminal_status status)
{
    liminal_program program = program_of(SH(script));
    liminal_conversation *talk;
    open_house();
    program.framing = framing;
    program.frame_bytes = most;
    talk = spawn_program(&program, NULL);
    get(talk, "ok");
    get_fails(talk, LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_ERROR, (int)status);
    shut(&talk);
}

static void a_frame_that_breaks_the_rules_ends_it(void **state)
{
    (void)state;
    is_ended_for(LIMINAL_FRAMING_LINE, 10, "echo ok; echo 12345678901; cat", LIMINAL_ELIMIT);
    is_ended_for(LIMINAL_FRAMING_LINE, 10, "echo ok; printf 12345678901; cat", LIMINAL_ELIMIT);
    is_ended_for(LIMINAL_FRAMING_LENGTH32, 10, "printf '\\0\\0\\0\\2ok\\0\\0\\0\\13'; cat", LIMINAL_ELIMIT);
    is_ended_for(LIMINAL_FRAMING_CONTENT_LENGTH, 10,
                 "printf 'Content-Length: 2\r\n\r\nokContent-Length: 11\r\n\r\n'; cat", LIMINAL_ELIMIT);
    is_ended_for(LIMINAL_FRAMING_CONTENT_LENGTH, 0, "printf 'Content-Length: 2\r\n\r\nokContent-Length: x\r\n'; cat",
                 LIMINAL_EINVAL);
    is_ended_for(LIMINAL_FRAMING_CONTENT_LENGTH, 0, "printf 'Content-Length: 2\r\n\r\nok\r\n\r\n'; cat",
                 LIMINAL_EINVAL);
}

/* ---- the envelopes ---- */

static void a_reply_follows_its_request(void **state)
{
    liminal_conversation *talk;
    liminal_envelope *request = note("abc"), *kept = liminal_envelope_ref(request), *reply = NULL;
    liminal_envelope_facts facts;
    (void)state;
    open_house();
    talk = spawn_argv(ARGV("cat"));
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
    facts = liminal_envelope_read(reply);
    assert_ptr_equal(facts.cause, kept);
    assert_true(liminal_envelope_follows(reply, kept));
    assert_memory_equal(facts.trace.trace_id, liminal_envelope_read(kept).trace.trace_id, 16);
    assert_string_equal(facts.publisher, "program");
    liminal_envelope_drop(&reply);
    liminal_envelope_drop(&kept);
    shut(&talk);
}

/* ---- what can't be started ---- */

static void refused(const liminal_program *program, liminal_status status, const char *detail)
{
    liminal_participant participant = participant_of(program, "nobody");
    liminal_config config = config_of(&participant, 1);
    liminal_conversation *talk = NULL;
    assert_int_equal(liminal_supervisor_spawn(house, &config, &talk), status);
    assert_null(talk);
    if (strstr(liminal_status_detail(), detail) == NULL) {
        fail_msg("the detail: %s", liminal_status_detail());
    }
    assert_true(no_child());
    assert_int_equal(liminal_supervisor_census(house).threads, 0);
    assert_int_equal(liminal_supervisor_census(house).participants, 0);
}

static void never(void *self)
{
    (void)self;
    (void)test_check(false);
}

static void what_can_not_be_executed_is_a_status(void **state)
{
    liminal_program program = program_of(ARGV("./no-such-program"));
    (void)state;
    open_house();
    program.release = never; /* `self` stays the caller's */
    refused(&program, LIMINAL_ENOPROC, "no-such-program");
    program.argv = ARGV("no-such-program-in-the-path");
    refused(&program, LIMINAL_ENOPROC, "no-such-program-in-the-path");
    program.argv = ARGV("/");
    refused(&program, LIMINAL_ENOPROC, "permission");
    program.argv = ARGV("/etc/passwd");
    refused(&program, LIMINAL_ENOPROC, "permission");
    program.argv = ARGV("cat");
    program.directory = "/no/such/folder";
    refused(&program, LIMINAL_ENOPROC, "/no/such/folder");
    shut_house();
}

/* All that the table points to is the caller's again when the spawn has returned. */
static void texts_are_copied(void **state)
{
    char *word = strdup("cat"), *variable = strdup("A=b"), *folder = strdup("/tmp");
    const char **argv = calloc(2, sizeof *argv), **environment = calloc(2, sizeof *environment);
    liminal_program *program = calloc(1, sizeof *program);
    liminal_conversation *talk;
    (void)state;
    open_house();
    argv[0] = word;
    environment[0] = variable;
    *program = program_of(argv);
    program->environment = environment;
    program->directory = folder;
    talk = spawn_program(program, NULL);
    free(word), free(variable), free(folder), free(argv), free(environment), free(program);
    ask_gives(talk, "abc", "abc");
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(bc_answers_sums),
        PROGRAM_TEST(cat_sends_each_line_back),
        PROGRAM_TEST(sqlite3_answers_queries),
        PROGRAM_TEST(sh_answers_commands),
        PROGRAM_TEST(many_at_once_are_answered_in_order),
        PROGRAM_TEST(many_askers_get_each_their_own),
        PROGRAM_TEST(large_lines),
        PROGRAM_TEST(large_counted_ones),
        PROGRAM_TEST(large_headed_ones),
        PROGRAM_TEST(counted_bytes),
        PROGRAM_TEST(headed_bytes),
        PROGRAM_TEST(the_bytes_of_each_framing),
        PROGRAM_TEST(a_frame_that_breaks_the_rules_ends_it),
        PROGRAM_TEST(a_reply_follows_its_request),
        PROGRAM_TEST(what_can_not_be_executed_is_a_status),
        PROGRAM_TEST(texts_are_copied),
    };
    return cmocka_run_group_tests_name("program: talking", tests, NULL, NULL);
}

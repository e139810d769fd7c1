/* SPDX-License-Identifier: MIT */
/* test_program_unasked.c -- what a program prints without being asked, within the conversation's bound. */
#include "program_kit.h"

#define BOUND 16

static liminal_conversation *spawn_bounded(const liminal_program *program, void *self, size_t messages, size_t bound)
{
    liminal_participant participant = participant_of(program, "program");
    liminal_config config = config_of(&participant, 1);
    participant.self = self;
    config.mailbox_messages = messages;
    config.mailbox_bytes = bound;
    return spawn(&config);
}

/* How many bytes the only child has written, to all it writes to. */
static uint64_t written_by(pid_t pid)
{
    char path[64], line[128];
    unsigned long long count = 0;
    FILE *file;
    (void)snprintf(path, sizeof path, "/proc/%d/io", (int)pid);
    file = fopen(path, "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL) {
        (void)sscanf(line, "wchar: %llu", &count);
    }
    (void)fclose(file);
    return count;
}

/* It has come to a stop: it has written, and sleeps; those that are asked about do so only in a pipe that is full. */
static bool is_stuck(pid_t pid)
{
    char path[64], state = '?';
    uint64_t before = written_by(pid);
    FILE *file;
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    file = fopen(path, "re");
    assert_non_null(file);
    (void)fscanf(file, "%*d (%*[^)]) %c", &state);
    (void)fclose(file);
    return before > 0 && state == 'S' && written_by(pid) == before;
}

/* ---- it comes, and in order ---- */

static void what_it_prints_unasked_is_received(void **state)
{
    liminal_conversation *talk;
    liminal_envelope *reply = NULL;
    liminal_envelope_facts facts;
    (void)state;
    open_house();
    talk = spawn_argv(SH("echo hello; echo; echo world; cat"));
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    facts = liminal_envelope_read(reply);
    assert_null(facts.cause);
    assert_string_equal(facts.publisher, "program");
    assert_memory_equal(facts.trace.span_id, liminal_conversation_trace(talk).span_id, 8);
    is_text(&reply, "hello");
    get(talk, "");
    get(talk, "world");
    ask_gives(talk, "asked", "asked");
    shut(&talk);
}

/* An ask gets the answer to its own question only: an answer that was printed before is news. */
static void news_is_nobodys_answer(void **state)
{
    latch gate;
    liminal_conversation *talk;
    (void)state;
    latch_make(&gate);
    open_house();
    talk = spawn_argv(SH("echo early; read -r go <\"$0\"; echo ready; cat", gate.path));
    get(talk, "early");
    latch_open(&gate);
    get(talk, "ready"); /* received before the ask, so that it can't be taken for its answer */
    ask_gives(talk, "x", "x");
    shut(&talk);
    latch_remove(&gate);
}

/* ---- the bound ---- */

/* Many more than the bound, and than the pipe holds: it is stopped, loses nothing, and goes on. */
static void it_waits_at_the_bound_and_nothing_is_lost(void **state)
{
    const size_t count = 60000;
    char script[64];
    liminal_program program = program_of(SH(script));
    liminal_conversation *talk;
    (void)state;
    (void)snprintf(script, sizeof script, "exec seq 1 %zu", count);
    open_house();
    talk = spawn_bounded(&program, NULL, BOUND, 0);
    test_until(is_stuck(only_child()));
    for (size_t i = 1; i <= count; i++) {
        get_number(talk, i);
    }
    ends(pid_of(talk, 0), LIMINAL_EXIT_NORMAL, 0);
    get_fails(talk, LONG, LIMINAL_EEXIT);
    shut(&talk);
}

static void the_bound_in_bytes_counts_as_well(void **state)
{
    liminal_program program = program_of(SH("exec yes 'a line that is forty bytes long, as you see.'"));
    liminal_conversation *talk;
    pid_t pid;
    size_t blocks;
    (void)state;
    open_house();
    talk = spawn_bounded(&program, NULL, 1000000, 10000);
    pid = only_child();
    test_until(is_stuck(pid));
    blocks = test_bytes();
    assert_true(blocks < 400000); /* as envelopes; without the bound it would not have stopped */
    get(talk, "a line that is forty bytes long, as you see.");
    assert_true(liminal_process_alive(house, pid_of(talk, 0)));
    shut(&talk);
}

/* While it is hushed its end is noticed, and what it had printed comes before it. */
static void its_end_is_noticed_while_it_is_hushed(void **state)
{
    const size_t count = 3000; /* within one pipe */
    char script[64];
    liminal_program program = program_of(SH(script));
    liminal_conversation *talk;
    (void)state;
    (void)snprintf(script, sizeof script, "seq 1 %zu; exit 3", count);
    open_house();
    talk = spawn_bounded(&program, NULL, BOUND, 0);
    ends(pid_of(talk, 0), LIMINAL_EXIT_CODE, 3);
    for (size_t i = 1; i <= count; i++) {
        get_number(talk, i);
    }
    get_fails(talk, LONG, LIMINAL_EEXIT);
    shut(&talk);
}

/* It never stops talking, and nobody listens; but who asks is answered. */
static void who_asks_is_answered_over_the_noise(void **state)
{
    liminal_program program = program_of(ARGV("yes"));
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_bounded(&program, NULL, BOUND, 0);
    test_until(is_stuck(only_child()));
    for (int i = 0; i < 50; i++) {
        ask_gives(talk, "well?", "y");
    }
    get(talk, "y");
    shut(&talk);
}

/* ... however often: what was read and may not be said yet is not read over and over. */
static void the_noise_is_not_piled_up(void **state)
{
    liminal_program program = program_of(ARGV("yes"));
    liminal_conversation *talk;
    size_t before;
    (void)state;
    open_house();
    talk = spawn_bounded(&program, NULL, BOUND, 0);
    test_until(is_stuck(only_child()));
    ask_gives(talk, "well?", "y");
    before = test_bytes();
    for (int i = 0; i < 200; i++) {
        ask_gives(talk, "well?", "y");
    }
    assert_true(test_bytes() < before + 150 * 1024); /* the log has grown */
    shut(&talk);
}

/* ---- the same with a function ---- */

static bool is_answer(void *self, const liminal_envelope *request, const liminal_envelope *frame)
{
    (void)self;
    return strcmp(liminal_envelope_text(request), liminal_envelope_text(frame)) == 0;
}

/* The noise is in the way of the answer: as soon as somebody listens, it comes. */
static void with_a_function_noise_waits_and_nothing_is_lost(void **state)
{
    liminal_program program = program_of(SH("seq 1 30000; cat"));
    liminal_conversation *talk;
    (void)state;
    program.pairing = LIMINAL_PAIRING_BY_FUNCTION;
    program.answers = is_answer;
    open_house();
    talk = spawn_bounded(&program, NULL, BOUND, 0);
    (void)ask_in_vain(talk, "question");
    put(talk, "another");
    for (size_t i = 1; i <= 30000; i++) {
        get_number(talk, i);
    }
    get(talk, "another");
    assert_int_equal(look(talk).counts.late, 1); /* "question" */
    shut(&talk);
}

static void without_pairing_everything_is_news(void **state)
{
    liminal_program program = program_of(SH("read -r a; seq 1 30000; exec cat"));
    liminal_conversation *talk;
    (void)state;
    program.pairing = LIMINAL_PAIRING_NONE;
    open_house();
    talk = spawn_bounded(&program, NULL, BOUND, 0);
    put(talk, "go");
    for (size_t i = 1; i <= 30000; i++) {
        get_number(talk, i);
    }
    put(talk, "last");
    get(talk, "last");
    shut(&talk);
}

/* ---- two that speak ---- */

/* The bound is the conversation's, so both wait, and both go on. */
static void two_programs_share_the_bound(void **state)
{
    liminal_program one = program_of(SH("seq -f 'a %.0f' 1 20000; exec cat")),
                    two = program_of(SH("seq -f 'b %.0f' 1 20000; exec cat"));
    liminal_participant participants[2] = {participant_of(&one, "a"), participant_of(&two, "b")};
    liminal_config config = config_of(participants, 2);
    liminal_conversation *talk;
    size_t next[2] = {1, 1};
    (void)state;
    config.mailbox_messages = BOUND;
    open_house();
    talk = spawn(&config);
    for (int i = 0; i < 40000; i++) {
        liminal_envelope *said = NULL;
        char expected[32];
        size_t which;
        assert_int_equal(liminal_conversation_receive(talk, &said, LONG), LIMINAL_OK);
        which = liminal_envelope_text(said)[0] == 'b';
        (void)snprintf(expected, sizeof expected, "%c %zu", which ? 'b' : 'a', next[which]++);
        assert_string_equal(liminal_envelope_read(said).publisher, which ? "b" : "a");
        is_text(&said, expected);
    }
    assert_int_equal(next[0], 20001);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(what_it_prints_unasked_is_received),
        PROGRAM_TEST(news_is_nobodys_answer),
        PROGRAM_TEST(it_waits_at_the_bound_and_nothing_is_lost),
        PROGRAM_TEST(the_bound_in_bytes_counts_as_well),
        PROGRAM_TEST(its_end_is_noticed_while_it_is_hushed),
        PROGRAM_TEST(who_asks_is_answered_over_the_noise),
        PROGRAM_TEST(the_noise_is_not_piled_up),
        PROGRAM_TEST(with_a_function_noise_waits_and_nothing_is_lost),
        PROGRAM_TEST(without_pairing_everything_is_news),
        PROGRAM_TEST(two_programs_share_the_bound),
    };
    return cmocka_run_group_tests_name("program: unasked", tests, NULL, NULL);
}

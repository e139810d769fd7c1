/* SPDX-License-Identifier: MIT */
/* test_program_pairing.c -- which request a frame is the reply to, and what becomes of a request whose
 * asker has gone. */
#include "program_kit.h"

/* ---- in order ---- */

/* It answers a line only when the next one has come: several are begun and unanswered. */
#define ONE_BEHIND "IFS= read -r a; while IFS= read -r b; do printf '%s\\n' \"$a\"; a=$b; done; printf '%s\\n' \"$a\""

static void several_are_begun_and_answered_in_order(void **state)
{
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = spawn_argv(SH("read -r a; read -r b; read -r c; echo $a; echo $b; echo $c; cat >/dev/null"));
    put(talk, "1");
    put(talk, "2");
    get_fails(talk, SOON, LIMINAL_ETIMEDOUT);
    put(talk, "3");
    get(talk, "1");
    get(talk, "2");
    get(talk, "3");
    shut(&talk);
}

/* The answer to an ask that was given up comes, is counted, and is nobody else's. */
static void a_late_answer_is_not_the_next_ones(void **state)
{
    liminal_conversation *talk;
    liminal_summary summary;
    size_t not_begun;
    (void)state;
    open_house();
    talk = spawn_argv(SH(ONE_BEHIND));
    not_begun = ask_in_vain(talk, "first");
    not_begun += ask_in_vain(talk, "second"); /* brings the answer to the first one */
    put(talk, "third");                       /* and to the second one */
    put(talk, "fourth");
    get(talk, "third");
    summary = look(talk);
    assert_int_equal(summary.counts.late, 2);
    assert_true(summary.counts.withdrawn <= not_begun); /* what came too late to be accepted is not counted */
    put(talk, "fifth");
    get(talk, "fourth");
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_passed()), LIMINAL_OK);
    assert_int_equal(look(talk).counts.unfinished, 1);
    shut(&talk);
}

/* One that the program has not begun to read is withdrawn: it never sees it. */
static void what_was_not_begun_is_withdrawn(void **state)
{
    latch gate;
    liminal_conversation *talk;
    const size_t size = 1000000; /* more than the pipe holds */
    char *large = malloc(size);
    liminal_envelope *message, *reply = NULL;
    (void)state;
    latch_make(&gate);
    open_house();
    talk = spawn_argv(SH("read -r go <\"$0\"; cat", gate.path));
    memset(large, 'x', size);
    message = bytes(large, size);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    ask_fails(talk, "not seen", SOON, LIMINAL_ETIMEDOUT);
    assert_int_equal(look(talk).counts.withdrawn, 1);
    latch_open(&gate);
    ask_gives(talk, "seen", "seen");
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    assert_int_equal(liminal_envelope_size(reply), size);
    liminal_envelope_drop(&reply);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    assert_int_equal(look(talk).counts.late, 0);
    free(large);
    shut(&talk);
    latch_remove(&gate);
}

/* Answered before it was written to its end: the rest is written all the same, and the stream stays whole. */
static void an_answer_may_come_before_the_end_of_its_request(void **state)
{
    const size_t size = 500000;
    char *large = malloc(size), answer[32];
    liminal_program program = program_of(SH("head -c 4 >/dev/null; printf '\\0\\0\\0\\5early'; "
                                            "head -c 500000 | wc -c | { read -r n; printf '\\0\\0\\0\\6%s' $n; }; "
                                            "cat"));
    liminal_conversation *talk;
    liminal_envelope *request, *reply = NULL;
    (void)state;
    open_house();
    program.framing = LIMINAL_FRAMING_LENGTH32;
    talk = spawn_program(&program, NULL);
    memset(large, 'x', size);
    request = bytes(large, size);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
    is_text(&reply, "early");
    (void)snprintf(answer, sizeof answer, "%zu", size);
    get(talk, answer); /* unasked */
    ask_gives(talk, "abc", "abc");
    free(large);
    shut(&talk);
}

/* ---- by function ---- */

/* Requests and answers begin with a key, up to a blank. */
typedef struct keys {
    atomic_int calls, releases;
    liminal_envelope *made; /* in the last call */
} keys;

static bool same_key(void *self, const liminal_envelope *request, const liminal_envelope *frame)
{
    keys *k = self;
    const char *a = liminal_envelope_text(request), *b = liminal_envelope_text(frame);
    size_t length = strcspn(a, " ");
    atomic_fetch_add(&k->calls, 1);
    liminal_envelope_drop(&k->made);
    k->made = note("made inside");
    (void)test_check(liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0}) == LIMINAL_EPHASE);
    return length == strcspn(b, " ") && memcmp(a, b, length) == 0;
}

static void released(void *self)
{
    keys *k = self;
    liminal_envelope_drop(&k->made);
    atomic_fetch_add(&k->releases, 1);
}

static liminal_program by_key(const char *const *argv)
{
    liminal_program program = program_of(argv);
    program.pairing = LIMINAL_PAIRING_BY_FUNCTION;
    program.answers = same_key;
    program.release = released;
    return program;
}

typedef struct asking {
    test_thread thread;
    liminal_conversation *talk;
    const char *text, *answer;
} asking;

static void ask_there(void *argument)
{
    asking *a = argument;
    liminal_envelope *reply = NULL;
    (void)test_check(ask_until(a->talk, a->text, &reply, LONG) == LIMINAL_OK);
    (void)test_check(strcmp(liminal_envelope_text(reply), a->answer) == 0);
    liminal_envelope_drop(&reply);
}

/* Three askers, answered in the opposite order, with something unasked between. */
static void answers_in_any_order_find_their_requests(void **state)
{
    static keys k;
    static asking askers[3] = {{.text = "a 1", .answer = "a re 1"},
                               {.text = "b 2", .answer = "b re 2"},
                               {.text = "c 3", .answer = "c re 3"}};
    liminal_program program =
        by_key(SH("for i in 1 2 3; do read -r k v; all=\"$k re $v\n$all\"; done; printf '%s' \"$all\" | { read -r x; "
                  "echo \"$x\"; echo 'news for nobody'; cat; }; cat"));
    liminal_conversation *talk;
    liminal_trace_context trace;
    (void)state;
    k = (keys){.calls = 0};
    open_house();
    talk = spawn_program(&program, &k);
    for (int i = 0; i < 3; i++) {
        askers[i].talk = talk;
        test_thread_start(&askers[i].thread, ask_there, &askers[i]);
    }
    for (int i = 0; i < 3; i++) {
        test_thread_join(&askers[i].thread);
    }
    get(talk, "news for nobody");
    ask_gives(talk, "d 4", "d 4");
    trace = liminal_conversation_trace(talk); /* is current in the function */
    assert_memory_equal(liminal_envelope_read(k.made).trace.span_id, trace.span_id, 8);
    assert_null(liminal_envelope_read(k.made).cause);
    shut(&talk);
    assert_true(k.calls >= 5);
    assert_int_equal(k.releases, 1);
}

/* It says what the reply follows only once it is known. */
static void a_reply_by_function_follows_its_request(void **state)
{
    static keys k;
    liminal_program program = by_key(SH("read -r a; read -r b; echo \"$b\"; echo \"$a\"; cat"));
    liminal_conversation *talk;
    liminal_envelope *first = note("a 1"), *second = note("b 2"), *kept[2], *reply = NULL;
    (void)state;
    k = (keys){.calls = 0};
    open_house();
    talk = spawn_program(&program, &k);
    kept[0] = liminal_envelope_ref(first);
    kept[1] = liminal_envelope_ref(second);
    assert_int_equal(liminal_conversation_send(talk, &first, LONG), LIMINAL_OK);
    assert_int_equal(liminal_conversation_send(talk, &second, LONG), LIMINAL_OK);
    for (int i = 1; i >= 0; i--) {
        assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
        assert_ptr_equal(liminal_envelope_read(reply).cause, kept[i]);
        assert_memory_equal(liminal_envelope_read(reply).trace.span_id, liminal_envelope_read(kept[i]).trace.span_id,
                            8);
        liminal_envelope_drop(&reply);
        liminal_envelope_drop(&kept[i]);
    }
    shut(&talk);
}

/* Given up, it is still there for its answer, which is then nobody's news. */
static void a_late_answer_by_function_is_counted(void **state)
{
    static keys k;
    liminal_program program = by_key(SH("read -r a; read -r b; echo \"$b\"; echo \"$a\"; cat"));
    liminal_conversation *talk;
    (void)state;
    k = (keys){.calls = 0};
    open_house();
    talk = spawn_program(&program, &k);
    (void)ask_in_vain(talk, "a 1");
    ask_gives(talk, "b 2", "b 2");
    ask_gives(talk, "c 3", "c 3"); /* so the late one has come, too */
    assert_int_equal(look(talk).counts.late, 1);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    shut(&talk);
}

static bool vanish(void *self, const liminal_envelope *request, const liminal_envelope *frame)
{
    (void)self, (void)request, (void)frame;
    pthread_exit(NULL);
}

static void ending_the_thread_inside_is_a_kill(void **state)
{
    static keys k;
    liminal_program program = by_key(ARGV("cat"));
    liminal_conversation *talk;
    (void)state;
    k = (keys){.calls = 0};
    program.answers = vanish;
    open_house();
    talk = spawn_program(&program, &k);
    ask_fails(talk, "a 1", LONG, LIMINAL_EEXIT);
    ends(pid_of(talk, 0), LIMINAL_EXIT_KILLED, 0);
    test_until(k.releases == 1);
    assert_true(no_child());
    shut(&talk);
    assert_int_equal(k.releases, 1);
}

/* ---- none ---- */

static void without_pairing_requests_are_consumed_in_silence(void **state)
{
    liminal_program program = program_of(ARGV("cat"));
    liminal_conversation *talk;
    liminal_summary summary;
    (void)state;
    program.pairing = LIMINAL_PAIRING_NONE;
    open_house();
    talk = spawn_program(&program, NULL);
    ask_fails(talk, "asked", LONG, LIMINAL_ECANCELED);
    put(talk, "sent");
    get(talk, "asked"); /* what comes was not asked for */
    get(talk, "sent");
    summary = look(talk);
    assert_int_equal(summary.counts.silent, 2);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK); /* nothing is in flight */
    shut(&talk);
}

/* ---- a table that makes no sense ---- */

static void functions_and_pairing_go_together(void **state)
{
    liminal_program program = program_of(ARGV("cat"));
    liminal_participant participant = participant_of(&program, "p");
    liminal_config config = config_of(&participant, 1);
    (void)state;
    assert_int_equal(liminal_config_check(&config), LIMINAL_OK);
    program.answers = same_key;
    assert_int_equal(liminal_config_check(&config), LIMINAL_EINVAL);
    program.answers = NULL;
    program.pairing = LIMINAL_PAIRING_BY_FUNCTION;
    assert_int_equal(liminal_config_check(&config), LIMINAL_EINVAL);
    program.pairing = (liminal_pairing)3;
    assert_int_equal(liminal_config_check(&config), LIMINAL_EINVAL);
    program.pairing = LIMINAL_PAIRING_NONE;
    program.errors = LIMINAL_STDERR_CALLBACK;
    assert_int_equal(liminal_config_check(&config), LIMINAL_EINVAL);
    program.errors = LIMINAL_STDERR_AWAY;
    program.close_patience_ns = -1;
    assert_int_equal(liminal_config_check(&config), LIMINAL_EINVAL);
    program.close_patience_ns = 0;
    program.argv = ARGV(NULL);
    assert_int_equal(liminal_config_check(&config), LIMINAL_EINVAL);
    program.argv = NULL;
    assert_int_equal(liminal_config_check(&config), LIMINAL_EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROGRAM_TEST(several_are_begun_and_answered_in_order),
        PROGRAM_TEST(a_late_answer_is_not_the_next_ones),
        PROGRAM_TEST(what_was_not_begun_is_withdrawn),
        PROGRAM_TEST(an_answer_may_come_before_the_end_of_its_request),
        PROGRAM_TEST(answers_in_any_order_find_their_requests),
        PROGRAM_TEST(a_reply_by_function_follows_its_request),
        PROGRAM_TEST(a_late_answer_by_function_is_counted),
        PROGRAM_TEST(ending_the_thread_inside_is_a_kill),
        PROGRAM_TEST(without_pairing_requests_are_consumed_in_silence),
        PROGRAM_TEST(functions_and_pairing_go_together),
    };
    return cmocka_run_group_tests_name("program: pairing", tests, NULL, NULL);
}

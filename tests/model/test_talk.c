/* SPDX-License-Identifier: MIT */
/* test_talk.c -- random calls from several threads, as the model has them: on a buffer, with an inline participant,
 * with a threaded one. LIMINAL_TEST_SECONDS makes each of the three take so many seconds of a processor instead of 1;
 * LIMINAL_TEST_SEED begins with another seed. */
#include "play.h"

#define SECONDS 1.0

static void play(model_kind kind)
{
    static player p;
    const char *wrong;
    uint64_t before = model_states();
    p = (player){.kind = kind};
    play_open(&p);
    wrong = play_on(&p, play_seconds(SECONDS));
    play_close(&p);
    print_message("%llu histories of %llu calls, %llu states of the model\n", (unsigned long long)p.rounds,
                  (unsigned long long)p.calls, (unsigned long long)(model_states() - before));
    assert_true(p.rounds > 0);
    if (wrong != NULL) {
        fail_msg("%s", wrong);
    }
}

static void a_buffer_is_a_line(void **state)
{
    (void)state;
    play(MODEL_BUFFER);
}

static void an_inline_participant_answers_in_order(void **state)
{
    (void)state;
    play(MODEL_INLINE);
}

static void a_threaded_participant_answers_in_order(void **state)
{
    (void)state;
    play(MODEL_THREAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_buffer_is_a_line),
        TEST(an_inline_participant_answers_in_order),
        TEST(a_threaded_participant_answers_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_exit_crosses_reply.c -- a participant is killed as it answers: one answer, or one reason why not, whatever the
 * policy; and nothing is answered twice or lost where another one goes on. */
#include "race/policy_race.h"

#include <stdio.h>

static const liminal_config routing = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
static const liminal_config failing = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};

/* With another one to go on: 1 if the first one's answer was in time. */
static void an_ask_is_answered_by_one_of_them(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 20000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], routing);
            race_line line = {0};
            race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                             .moment = race_moment(&r, most)};
            liminal_envelope *request = race_say("x"), *reply = NULL;
            liminal_summary summary;
            race_start_killer(&k);
            race_cross(&line, (most - k.moment) / 2);
            assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()),
                             LIMINAL_OK);
            test_thread_join(&k.thread);
            r.seen[strcmp(liminal_envelope_text(reply), "a") == 0]++;
            liminal_envelope_drop(&reply);
            summary = race_look(conversation);
            assert_int_equal(summary.counts.sent, 1);
            assert_int_equal(summary.counts.received, 1);
            assert_int_equal(summary.counts.late + summary.counts.unfinished + summary.counts.withdrawn, 0);
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

enum { MESSAGES = 40 };

static liminal_status echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    atomic_fetch_add((atomic_int *)self, 1);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

/* Forty messages, and a kill somewhere among them: forty replies, in their order; 1 if it fell between two of them. On
 * a slow machine that takes longer, so the moments are more and more apart. */
static void no_reply_is_lost_or_doubled(void **state)
{
    static const liminal_behaviour echoing = {LIMINAL_OPS(liminal_behaviour), .answer = echo};
    static atomic_int answers[2];
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 120000);
        const liminal_participant people[2] = {
            {.kind = race_kinds[r.rounds % 2], .behaviour = &echoing, .self = &answers[0]},
            {.kind = race_kinds[r.rounds / 2 % 2], .behaviour = &echoing, .self = &answers[1]}};
        liminal_config config = routing;
        liminal_conversation *conversation = NULL;
        race_line line = {0};
        race_killer k = {.supervisor = supervisor, .line = &line, .moment = race_moment(&r, most)};
        liminal_envelope *reply = NULL;
        config.participants = people;
        config.participant_count = 2;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
        k.pid = race_pid(conversation, 0);
        atomic_store(&answers[0], 0);
        atomic_store(&answers[1], 0);
        race_start_killer(&k);
        race_cross(&line, 0);
        for (int m = 0; m < MESSAGES; m++) {
            char text[8];
            liminal_envelope *message;
            (void)snprintf(text, sizeof text, "%d", m);
            message = race_say(text);
            assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        }
        for (int m = 0; m < MESSAGES; m++) {
            char text[8];
            (void)snprintf(text, sizeof text, "%d", m);
            assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()),
                             LIMINAL_OK);
            assert_string_equal(liminal_envelope_text(reply), text);
            liminal_envelope_drop(&reply);
        }
        assert_int_equal(liminal_conversation_try_receive(conversation, &reply), LIMINAL_ETIMEDOUT);
        test_thread_join(&k.thread);
        assert_int_equal(race_look(conversation).counts.received, MESSAGES);
        r.seen[atomic_load(&answers[0]) > 0 && atomic_load(&answers[1]) > 0]++;
        race_end_round(supervisor, &conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* Where an exit fails the conversation: 1 if the answer was in time; and it is accounted for. */
static void an_ask_is_answered_or_told_of_the_exit(void **state)
{
    liminal_supervisor *supervisor = race_open();
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        race r = race_begin();
        while (race_goes_on(&r)) {
            int64_t most = race_most(&r, 20000);
            liminal_conversation *conversation = race_spawn_two(supervisor, race_kinds[kind], failing);
            race_line line = {0};
            race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                             .moment = race_moment(&r, most)};
            liminal_envelope *request = race_say("x"), *reply = NULL;
            liminal_counts counts;
            liminal_status st;
            race_start_killer(&k);
            race_cross(&line, (most - k.moment) / 2);
            st = liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never());
            test_thread_join(&k.thread);
            assert_true(st == LIMINAL_OK || st == LIMINAL_EEXIT);
            assert_true((reply != NULL) == (st == LIMINAL_OK));
            counts = race_look(conversation).counts;
            /* Begun means taken; what never was begun is still the caller's. */
            assert_int_equal(request != NULL, counts.received + counts.unfinished == 0);
            assert_int_equal(counts.received, st == LIMINAL_OK);
            assert_true(counts.withdrawn + counts.unfinished + counts.received <= 1);
            r.seen[st == LIMINAL_OK]++;
            liminal_envelope_drop(&request);
            liminal_envelope_drop(&reply);
            race_end_round(supervisor, &conversation);
        }
        race_over(&r);
    }
    (void)race_shutdown(&supervisor);
}

/* ---- the reply comes with the exit, and the kill crosses both ---- */

static liminal_status last_words(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_EFULL;
}

/* 1 if it died of its own. Its words are heard then; if the kill came first, they may not be. */
static void one_that_answers_and_dies_of_two_causes(void **state)
{
    static const liminal_behaviour dying = {LIMINAL_OPS(liminal_behaviour), .answer = last_words};
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 30000);
        liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &dying, NULL);
        race_line line = {0};
        race_killer k = {.supervisor = supervisor, .pid = race_pid(conversation, 0), .line = &line,
                         .moment = race_moment(&r, most)};
        liminal_envelope *request = race_say("x"), *reply = NULL;
        liminal_exit exit;
        liminal_status st;
        race_start_killer(&k);
        race_cross(&line, (most - k.moment) / 2);
        st = liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never());
        test_thread_join(&k.thread);
        assert_int_equal(liminal_process_wait(supervisor, k.pid, &exit, liminal_deadline_never()), LIMINAL_OK);
        assert_true(exit.reason.kind == LIMINAL_EXIT_ERROR || exit.reason.kind == LIMINAL_EXIT_KILLED);
        assert_true(st == LIMINAL_OK || exit.reason.kind == LIMINAL_EXIT_KILLED);
        r.seen[exit.reason.kind == LIMINAL_EXIT_ERROR]++;
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
        race_end_round(supervisor, &conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_ask_is_answered_by_one_of_them),
        TEST(no_reply_is_lost_or_doubled),
        TEST(an_ask_is_answered_or_told_of_the_exit),
        TEST(one_that_answers_and_dies_of_two_causes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

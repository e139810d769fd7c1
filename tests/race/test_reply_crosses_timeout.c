/* SPDX-License-Identifier: MIT */
/* test_reply_crosses_timeout.c -- a reply that comes as the one who waits for it runs out of time. */
#include "race/race.h"

/* Answers when the moment has come that the request names. */
static liminal_status answer_on_time(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    liminal_deadline moment;
    (void)self;
    memcpy(&moment, liminal_envelope_data(request), sizeof moment);
    race_linger(liminal_deadline_remaining_ns(moment), true);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = answer_on_time};

static liminal_envelope *for_moment(liminal_deadline moment)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    assert_int_equal(liminal_envelope_create(&moment, sizeof moment, &options, &envelope), LIMINAL_OK);
    return envelope;
}

/* The deadline of this round, and a moment for the answer that is now before it and now behind it. */
static liminal_deadline choose(const race *r, liminal_deadline *moment)
{
    int64_t most = race_most(r, 300000);
    liminal_deadline deadline = liminal_deadline_in_ns(most);
    moment->ns = deadline.ns + most / 15 * 2 - race_moment(r, most / 5 * 2);
    return deadline;
}

static void an_ask_gets_it_or_it_is_late(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, NULL);
    race r = race_begin();
    liminal_envelope *request, *reply = NULL;
    liminal_summary summary;
    int withdrawn = 0;
    (void)state;
    while (race_goes_on(&r)) {
        liminal_deadline moment, deadline = choose(&r, &moment);
        liminal_status st;
        request = for_moment(moment);
        st = liminal_conversation_ask(conversation, &request, &reply, deadline);
        if (st == LIMINAL_OK) {
            int64_t answered;
            r.seen[0]++;
            memcpy(&answered, liminal_envelope_data(reply), sizeof answered);
            assert_int_equal(answered, moment.ns); /* its own answer, not a late one of a round before */
            assert_null(request);
            liminal_envelope_drop(&reply);
        } else {
            assert_int_equal(st, LIMINAL_ETIMEDOUT);
            assert_null(reply);
            if (request != NULL) { /* on a slow machine it may not have been begun, or not even been sent */
                withdrawn += strcmp(liminal_status_detail(), "the deadline had passed before the ask") != 0;
                liminal_envelope_drop(&request);
            } else {
                r.seen[1]++;
            }
        }
    }
    request = for_moment(liminal_deadline_passed());
    assert_int_equal(liminal_conversation_ask(conversation, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
    liminal_envelope_drop(&reply);
    summary = race_look(conversation);
    assert_int_equal(summary.counts.received, r.seen[0] + 1);
    assert_int_equal(summary.counts.late, r.seen[1]);
    assert_int_equal(summary.counts.withdrawn, withdrawn);
    assert_int_equal(liminal_conversation_try_receive(conversation, &reply), LIMINAL_ETIMEDOUT);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

static void a_receive_gets_it_or_the_next_one_does(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, NULL);
    race r = race_begin();
    liminal_summary summary;
    (void)state;
    while (race_goes_on(&r)) {
        liminal_deadline moment, deadline = choose(&r, &moment);
        liminal_envelope *message = for_moment(moment), *reply = NULL;
        int64_t answered;
        liminal_status st;
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        st = liminal_conversation_receive(conversation, &reply, deadline);
        r.seen[st != LIMINAL_OK]++;
        if (st != LIMINAL_OK) {
            assert_int_equal(st, LIMINAL_ETIMEDOUT);
            assert_null(reply); /* has taken nothing */
            assert_int_equal(liminal_conversation_receive(conversation, &reply, liminal_deadline_never()), LIMINAL_OK);
        }
        memcpy(&answered, liminal_envelope_data(reply), sizeof answered);
        assert_int_equal(answered, moment.ns);
        liminal_envelope_drop(&reply);
    }
    summary = race_look(conversation);
    assert_int_equal(summary.counts.sent, r.rounds - 1);
    assert_int_equal(summary.counts.received, r.rounds - 1);
    assert_int_equal(summary.counts.late, 0);
    liminal_conversation_drop(&conversation);
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* ---- and a close that runs out of time as what it waits for is answered ---- */

static void a_close_lets_it_be_answered_or_ends_it(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        liminal_conversation *conversation = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, NULL);
        liminal_deadline moment, deadline = choose(&r, &moment);
        liminal_envelope *message = for_moment(moment), *reply = NULL;
        liminal_status st;
        assert_int_equal(liminal_conversation_try_send(conversation, &message), LIMINAL_OK);
        (void)race_look(conversation); /* it has been handed to the participant */
        assert_int_equal(liminal_conversation_close(conversation, deadline), LIMINAL_OK);
        assert_int_equal(race_look(conversation).phase, LIMINAL_PHASE_CLOSED);
        st = liminal_conversation_receive(conversation, &reply, liminal_deadline_never());
        r.seen[st != LIMINAL_OK]++;
        if (st != LIMINAL_OK) {
            assert_int_equal(st, LIMINAL_ECLOSED);
        }
        liminal_envelope_drop(&reply);
        liminal_conversation_drop(&conversation);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_ask_gets_it_or_it_is_late),
        TEST(a_receive_gets_it_or_the_next_one_does),
        TEST(a_close_lets_it_be_answered_or_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

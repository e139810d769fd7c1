/* SPDX-License-Identifier: MIT */
/* test_replies.c -- a reply against the end of whoever waits for it: every request is answered, withdrawn, late or
 * refused, and exactly one of them. */
#include "stage.h"

/* ---- a participant that counts ---- */

typedef struct counter {
    int begun; /* the participant's thread only; read when that was joined */
    int released;
} counter;

static liminal_status count_and_echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    counter *c = self;
    c->begun++;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void count_release(void *self)
{
    counter *c = self;
    c->released++;
}

static const liminal_behaviour counting = {
    LIMINAL_OPS(liminal_behaviour), .answer = count_and_echo, .release = count_release};

static void end_counted(liminal_supervisor **supervisor, liminal_conversation **conversation, const counter *c,
                        int begun)
{
    sched_quiet(true);
    liminal_conversation_drop(conversation);
    (void)stage_close(supervisor);
    sched_check(c->released == 1 && c->begun == begun);
}

/* ---- receive ---- */

static void receive_against_reply(void)
{
    counter c = {0, 0};
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation = stage_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &counting, &c);
    liminal_envelope *message = stage_say("x"), *reply = NULL;
    liminal_status st;
    stage_go();
    sched_check(liminal_conversation_try_send(conversation, &message) == LIMINAL_OK);
    st = liminal_conversation_receive(conversation, &reply, sched_deadline(1000));
    sched_outcome(st == LIMINAL_OK);
    if (st != LIMINAL_OK) {
        sched_check(st == LIMINAL_ETIMEDOUT && reply == NULL);
        sched_check(liminal_conversation_receive(conversation, &reply, never()) == LIMINAL_OK);
    }
    sched_quiet(true);
    sched_check(stage_says(reply, "x") && stage_look(conversation).counts.received == 1);
    liminal_envelope_drop(&reply);
    end_counted(&supervisor, &conversation, &c, 1);
}

/* ---- ask ---- */

static void ask_against_begin(void)
{
    counter c = {0, 0};
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation = stage_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &counting, &c);
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    liminal_counts counts;
    liminal_status st;
    stage_go();
    st = liminal_conversation_ask(conversation, &request, &reply, sched_deadline(1000));
    sched_quiet(true);
    sched_settle(); /* a late answer has come by then */
    counts = stage_look(conversation).counts;
    if (st == LIMINAL_OK) {
        sched_outcome(0);
        sched_check(request == NULL && stage_says(reply, "x") && counts.received == 1);
    } else {
        sched_check(st == LIMINAL_ETIMEDOUT && reply == NULL && counts.received == 0);
        sched_outcome(request != NULL ? 1 : 2);
        sched_check(counts.late == (request == NULL));
        sched_check(counts.withdrawn == (request != NULL && counts.sent == 1)); /* or the deadline was past before */
    }
    sched_check(counts.received + counts.withdrawn + counts.late == counts.sent);
    end_counted(&supervisor, &conversation, &c, request == NULL);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

typedef struct asker {
    liminal_conversation *conversation;
    const char *text;
} asker;

static void ask_own(void *argument)
{
    const asker *a = argument;
    liminal_envelope *request = stage_say(a->text), *reply = NULL;
    sched_check(liminal_conversation_ask(a->conversation, &request, &reply, never()) == LIMINAL_OK);
    sched_check(request == NULL && stage_says(reply, a->text));
    liminal_envelope_drop(&reply);
}

static void two_askers_of(liminal_participant_kind kind)
{
    counter c = {0, 0};
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation = stage_spawn(supervisor, kind, &counting, &c);
    asker askers[2] = {{conversation, "one"}, {conversation, "two"}};
    int thread;
    stage_go();
    thread = sched_thread(ask_own, &askers[1]);
    ask_own(&askers[0]);
    sched_join(thread);
    end_counted(&supervisor, &conversation, &c, 2);
}

static void two_askers(void)
{
    two_askers_of(LIMINAL_PARTICIPANT_THREAD);
}

static void two_askers_inline(void)
{
    two_askers_of(LIMINAL_PARTICIPANT_INLINE);
}

/* ---- the conversation's own deadline ---- */

static void deadline_against_reply(void)
{
    counter c = {0, 0};
    liminal_supervisor *supervisor = stage_open();
    liminal_participant participant = {.behaviour = &counting, .self = &c};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL, .timeout_ns = 1000};
    liminal_conversation *conversation = NULL;
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    liminal_summary summary;
    liminal_status st;
    sched_check(liminal_supervisor_spawn(supervisor, &config, &conversation) == LIMINAL_OK);
    (void)sched_deadline(1000);
    stage_go();
    st = liminal_conversation_ask(conversation, &request, &reply, never());
    sched_quiet(true);
    sched_settle();
    summary = stage_look(conversation);
    if (st == LIMINAL_OK) {
        sched_outcome(0);
        sched_check(stage_says(reply, "x") && summary.counts.received == 1);
    } else {
        sched_outcome(request != NULL ? 1 : 2);
        sched_check(st == LIMINAL_ETIMEDOUT && summary.phase == LIMINAL_PHASE_FAILED);
        sched_check(summary.counts.received == 0);
    }
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&conversation);
    (void)stage_close(&supervisor);
    sched_check(c.released == 1 && c.begun <= 1);
}

/* ---- tests ---- */

static void receives_and_asks(void **state)
{
    (void)state;
    assert_seen(prove_widely(receive_against_reply, .preemptions = 2, .turns = 2, .old = 1, .early = 1), 3);
    assert_seen(prove_widely(ask_against_begin, .preemptions = 2, .turns = 2, .old = 1, .early = 1), 7);
    assert_seen(prove_widely(deadline_against_reply, .preemptions = 2, .turns = 0, .old = 1, .early = 1), 7);
}

static void each_gets_its_own(void **state)
{
    (void)state;
    assert_all(prove_widely(two_askers, .preemptions = 2, .turns = 2, .old = 1));
    assert_all(prove_widely(two_askers_inline, .preemptions = 2, .turns = 2, .old = 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(receives_and_asks),
        cmocka_unit_test(each_gets_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

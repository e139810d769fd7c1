/* SPDX-License-Identifier: MIT */
/* test_cycles.c -- behaviours that wait for each other: of the waits that would close a cycle the last one is refused,
 * whoever comes first, and no two see too little of each other. */
#include "stage.h"

/* Two conversations; the participant of each, which its asker runs, asks the other one. */
typedef struct side {
    liminal_conversation *mine, *other;
    liminal_status answered; /* what its participant was told; written and read inside its turns */
    liminal_status told;     /* what its asker was told */
    int asked;
} side;

static side sides[2];

/* No reply is passed on: who is refused says so. */
static liminal_status ask_the_other(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    side *s = self;
    liminal_envelope *question = stage_say("and you"), *reply = NULL;
    liminal_status st = liminal_conversation_ask(s->other, &question, &reply, never());
    sched_check(st == LIMINAL_OK || st == LIMINAL_EDEADLK);
    s->asked++;
    if (s->answered != LIMINAL_EDEADLK) {
        s->answered = st;
    }
    liminal_envelope_drop(&question);
    liminal_envelope_drop(&reply);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour asking = {LIMINAL_OPS(liminal_behaviour), .answer = ask_the_other};

static void ask_mine(void *argument)
{
    side *s = argument;
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    s->told = liminal_conversation_ask(s->mine, &request, &reply, never());
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

static void both_ask(void)
{
    liminal_supervisor *supervisor = stage_open();
    int thread;
    memset(sides, 0, sizeof sides);
    for (int i = 0; i < 2; i++) {
        sides[i].mine = stage_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, &asking, &sides[i]);
    }
    sides[0].other = sides[1].mine;
    sides[1].other = sides[0].mine;
    stage_go();
    thread = sched_thread(ask_mine, &sides[1]);
    ask_mine(&sides[0]);
    sched_join(thread);
    sched_quiet(true);
    sched_check(sides[0].told == LIMINAL_OK && sides[1].told == LIMINAL_OK);
    (void)stage_look(sides[0].mine);
    (void)stage_look(sides[1].mine);
    sched_check(sides[0].answered == LIMINAL_EDEADLK || sides[1].answered == LIMINAL_EDEADLK);
    sched_outcome((unsigned)(sides[0].asked + sides[1].asked) - 3);
    for (int i = 0; i < 2; i++) {
        liminal_conversation_drop(&sides[i].mine);
    }
    (void)stage_close(&supervisor);
}

static void no_cycle_is_closed(void **state)
{
    (void)state;
    assert_seen(prove_widely(both_ask, .preemptions = 2), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_cycle_is_closed)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

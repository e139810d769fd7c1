/* SPDX-License-Identifier: MIT */
/* test_ask_cycle.c -- questions inside a behaviour: to itself, in a cycle, down a chain. */
#define _GNU_SOURCE

#include "call_kit.h"

/* ---- waiting for oneself --------------------------------------------------------------------- */

static void wait_for_itself(servant *self)
{
    liminal_envelope *request = note("own"), *kept = request, *reply = NULL;
    self->ask = liminal_conversation_ask(self->own, &request, &reply, liminal_deadline_never());
    (void)test_check(request == kept && reply == NULL);
    self->receive = liminal_conversation_receive(self->own, &reply, liminal_deadline_never());
    (void)test_check(reply == NULL);
    liminal_envelope_drop(&request);
}

/* Ask the next one the same, and hand on what it says, or why it says nothing. */
static liminal_envelope *pass_on(servant *self, const char *text)
{
    liminal_envelope *request = note(text), *reply = NULL;
    liminal_status status = liminal_conversation_ask(self->next, &request, &reply, liminal_deadline_never());
    self->ask = status;
    if (status != LIMINAL_OK) {
        (void)test_check(request != NULL && reply == NULL);
        liminal_envelope_drop(&request);
        reply = note(liminal_status_name(status));
    }
    return reply;
}

static liminal_status ask_inside(servant *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    const char *text = liminal_envelope_text(request);
    if (strcmp(text, "itself") == 0) {
        wait_for_itself(self);
    } else if (strcmp(text, "meet") == 0) {
        pause_here(self);
        *out_reply = pass_on(self, "leaf");
    } else if (strcmp(text, "round") == 0) {
        *out_reply = pass_on(self, "round");
    }
    return LIMINAL_OK;
}

static servant new_asked(void)
{
    servant self = new_servant();
    self.anew = true;
    self.also = ask_inside;
    return self;
}

static void inside_its_own(void **state)
{
    servant self = new_asked();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    self.own = talk;
    ask_gives(talk, "itself", "re: itself");
    put(talk, "itself");
    get(talk, "re: itself");
    assert_int_equal(self.ask, LIMINAL_EDEADLK);
    assert_int_equal(self.receive, LIMINAL_EDEADLK);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT); /* its own question was not delivered */
    shut(&talk);
    assert_int_equal(self.answered, 2);
}

/* The first of `count` asks the second, and so on, and the last one asks the first. */
static void round_a_cycle(const variant *kinds, size_t count)
{
    servant selves[3];
    liminal_conversation *talks[3] = {NULL, NULL, NULL};
    open_house();
    for (size_t i = 0; i < count; i++) {
        selves[i] = new_asked();
        talks[i] = serving_talk(&kinds[i], &selves[i]);
    }
    for (size_t i = 0; i < count; i++) {
        selves[i].next = talks[(i + 1) % count];
    }
    for (size_t turn = 0; turn < 3; turn++) {
        for (size_t i = 0; i < count; i++) {
            ask_gives(talks[i], "round", "LIMINAL_EDEADLK");
            for (size_t j = 0; j < count; j++) {
                /* Only the last one is refused: the others wait for somebody who does answer. */
                assert_int_equal(selves[j].ask, (j + 1) % count == i ? LIMINAL_EDEADLK : LIMINAL_OK);
            }
        }
    }
    for (size_t i = 1; i < count; i++) {
        liminal_conversation_drop(&talks[i]);
    }
    shut(&talks[0]);
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(selves[i].answered, 3 * count);
    }
}

static void cycle_of_two(void **state)
{
    const variant *v = *state;
    const variant kinds[] = {*v, *v};
    round_a_cycle(kinds, 2);
}

static void cycle_of_three(void **state)
{
    const variant *v = *state;
    const variant kinds[] = {*v, *v, *v};
    round_a_cycle(kinds, 3);
}

static void mixed_cycle_of_two(void **state)
{
    const variant *v = *state;
    const variant kinds[] = {{v->dispatch, LIMINAL_PARTICIPANT_THREAD}, {v->dispatch, LIMINAL_PARTICIPANT_INLINE}};
    round_a_cycle(kinds, 2);
}

static void mixed_cycle_of_three(void **state)
{
    const variant *v = *state;
    const variant kinds[] = {{LIMINAL_DISPATCH_ASSISTED, LIMINAL_PARTICIPANT_INLINE},
                             {LIMINAL_DISPATCH_PINNED, LIMINAL_PARTICIPANT_INLINE},
                             {v->dispatch, LIMINAL_PARTICIPANT_THREAD}};
    round_a_cycle(kinds, 3);
}

/* Both are in the middle of a request when each asks the other. */
static void both_at_once(void **state)
{
    servant selves[2] = {new_asked(), new_asked()};
    liminal_conversation *talks[2];
    call askers[2];
    size_t refused = 0;
    open_house();
    for (size_t i = 0; i < 2; i++) {
        talks[i] = serving_talk(*state, &selves[i]);
    }
    for (size_t i = 0; i < 2; i++) {
        selves[i].next = talks[1 - i];
        askers[i] = (call){.talk = talks[i], .text = "meet", .deadline = liminal_deadline_never()};
        start(&askers[i], ask_body);
        test_gate_wait(&selves[i].begun);
    }
    test_gate_open(&selves[0].go);
    test_gate_open(&selves[1].go);
    for (size_t i = 0; i < 2; i++) {
        const char *text;
        joined(&askers[i], LIMINAL_OK);
        text = liminal_envelope_text(askers[i].reply);
        refused += strcmp(text, "LIMINAL_EDEADLK") == 0;
        assert_true(strcmp(text, "LIMINAL_EDEADLK") == 0 || strcmp(text, "re: leaf") == 0);
        liminal_envelope_drop(&askers[i].reply);
    }
    assert_int_equal(refused, 1);
    liminal_conversation_drop(&talks[1]);
    shut(&talks[0]);
    assert_int_equal(selves[0].answered + selves[1].answered, 3);
}

/* To ask somebody else inside a behaviour is fine, at any depth. */
static void a_chain_is_no_cycle(void **state)
{
    servant selves[3] = {new_asked(), new_asked(), new_asked()};
    liminal_conversation *talks[3], *last;
    const liminal_participant echo = {.behaviour = liminal_behaviour_echo()};
    open_house();
    last = spawn_with(config_of(*state), echo);
    for (size_t i = 0; i < 3; i++) {
        talks[i] = serving_talk(*state, &selves[i]);
    }
    for (size_t i = 0; i < 3; i++) {
        selves[i].next = i < 2 ? talks[i + 1] : last;
    }
    for (int i = 0; i < 10; i++) {
        ask_gives(talks[0], "round", "round");
    }
    liminal_conversation_drop(&last);
    liminal_conversation_drop(&talks[1]);
    liminal_conversation_drop(&talks[2]);
    shut(&talks[0]);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(selves[i].answered, 10);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(inside_its_own),
        FOUR(cycle_of_two),
        FOUR(cycle_of_three),
        BOTH(mixed_cycle_of_two),
        BOTH(mixed_cycle_of_three),
        FOUR(both_at_once),
        FOUR(a_chain_is_no_cycle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_ask.c -- one question, one answer, to the one who asked; or none. */
#define _GNU_SOURCE

#include "call_kit.h"

/* A reply that comes with an error. */
static liminal_status last(servant *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    const char *text = liminal_envelope_text(request);
    (void)self;
    if (strcmp(text, "last words") != 0) {
        return LIMINAL_OK;
    }
    *out_reply = re(text);
    return LIMINAL_EFAILED;
}

static servant new_asked(void)
{
    servant self = new_servant();
    self.anew = true;
    self.also = last;
    return self;
}

/* ---- answers --------------------------------------------------------------------------------- */

static void echo(void **state)
{
    liminal_conversation *talk;
    open_house();
    talk = echo_talk(*state);
    for (int i = 0; i < 50; i++) {
        liminal_envelope *request = bytes("a\0b", 3), *reply = NULL;
        liminal_uuid id = liminal_envelope_read(request).id;
        assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), LIMINAL_OK);
        assert_null(request);
        assert_int_equal(liminal_envelope_size(reply), 3);
        assert_memory_equal(liminal_envelope_data(reply), "a\0b", 4);
        assert_memory_equal(liminal_envelope_read(reply).id.bytes, id.bytes, sizeof id.bytes);
        liminal_envelope_drop(&reply);
    }
    assert_int_equal(look(talk).counts.sent, 50);
    assert_int_equal(look(talk).counts.received, 50);
    shut(&talk);
}

static void own_behaviour(void **state)
{
    servant self = new_asked();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    ask_gives(talk, "one", "re: one");
    ask_gives(talk, "", "re: ");
    ask_gives(talk, "two", "re: two");
    shut(&talk);
    assert_int_equal(self.answered, 3);
}

enum { ASKERS = 8, EACH = 25 };

typedef struct asker {
    test_thread thread;
    liminal_conversation *talk;
    size_t number;
} asker;

static void ask_many(void *argument)
{
    asker *self = argument;
    for (size_t i = 0; i < EACH; i++) {
        char text[32], answer[48];
        (void)snprintf(text, sizeof text, "%zu.%zu", self->number, i);
        (void)snprintf(answer, sizeof answer, "re: %s", text);
        (void)test_check(ask_until(self->talk, text, answer, LONG) == LIMINAL_OK);
    }
}

/* Eight at once, and a receiver beside them that gets what was sent, and nothing else. */
static void each_its_own(void **state)
{
    servant self = new_asked();
    asker askers[ASKERS];
    call receiver;
    liminal_conversation *talk;
    liminal_summary summary;
    open_house();
    talk = serving_talk(*state, &self);
    receiver = (call){.talk = talk, .deadline = liminal_deadline_never()};
    start_asleep(&receiver, receive_body);
    for (size_t i = 0; i < ASKERS; i++) {
        askers[i] = (asker){.talk = talk, .number = i};
        test_thread_start(&askers[i].thread, ask_many, &askers[i]);
    }
    for (size_t i = 0; i < ASKERS; i++) {
        test_thread_join(&askers[i].thread);
    }
    put(talk, "sent");
    got(&receiver, "re: sent");
    summary = look(talk);
    assert_int_equal(summary.counts.sent, ASKERS * EACH + 1);
    assert_int_equal(summary.counts.received, ASKERS * EACH + 1);
    assert_int_equal(summary.counts.withdrawn + summary.counts.late + summary.counts.silent, 0);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    shut(&talk);
    assert_int_equal(self.answered, ASKERS * EACH + 1);
}

/* Sends before and after an ask keep their replies for the receivers. */
static void ask_between_sends(void **state)
{
    servant self = new_asked();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    put(talk, "one");
    ask_gives(talk, "two", "re: two");
    put(talk, "three");
    ask_gives(talk, "four", "re: four");
    get(talk, "re: one");
    get(talk, "re: three");
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    shut(&talk);
}

/* ---- no answer ------------------------------------------------------------------------------- */

static void silence(void **state)
{
    servant self = new_asked();
    liminal_envelope *request = note("silent"), *reply = NULL;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), LIMINAL_ECANCELED);
    assert_null(request); /* it was taken */
    assert_null(reply);
    ask_gives(talk, "one", "re: one");
    assert_int_equal(look(talk).counts.silent, 1);
    assert_int_equal(look(talk).counts.received, 1);
    shut(&talk);
    assert_int_equal(self.silent, 1);
}

static void nobody_could_answer(void **state)
{
    liminal_config config = config_of(*state), watching = config_of(*state);
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED};
    liminal_envelope *request = note("who?"), *kept = request, *reply = NULL;
    liminal_conversation *talk, *watcher;
    open_house();
    talk = spawn(&config);
    participant.pid = liminal_conversation_pid(talk);
    watching.participants = &participant;
    watching.participant_count = 1;
    watcher = spawn(&watching);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), LIMINAL_ENOPROC);
    assert_ptr_equal(request, kept);
    assert_int_equal(liminal_conversation_ask(watcher, &request, &reply, liminal_deadline_never()), LIMINAL_ENOPROC);
    assert_ptr_equal(request, kept);
    assert_null(reply);
    assert_int_equal(look(talk).counts.sent, 0);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT); /* it did not become a message */
    liminal_envelope_drop(&request);
    liminal_conversation_drop(&watcher);
    shut(&talk);
}

static void death_is_an_answer(void **state)
{
    servant self = new_asked();
    call askers[3];
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&askers[0], &self, talk, "hold", LONG);
    askers[1] = (call){.talk = talk, .text = "die", .deadline = liminal_deadline_never()};
    start_asleep(&askers[1], ask_body);
    askers[2] = (call){.talk = talk, .text = "never begun", .deadline = liminal_deadline_never()};
    start_asleep(&askers[2], ask_body);
    test_gate_open(&self.go);
    for (size_t i = 0; i < 3; i++) {
        test_thread_join(&askers[i].thread);
    }
    assert_int_equal(askers[0].status, LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(askers[0].reply), "re: hold");
    liminal_envelope_drop(&askers[0].reply);
    assert_int_equal(askers[1].status, LIMINAL_EEXIT);
    assert_false(askers[1].kept); /* it was begun */
    assert_int_equal(askers[2].status, LIMINAL_EEXIT);
    assert_int_equal(ask_until(talk, "x", NULL, LONG), LIMINAL_EEXIT);
    shut(&talk);
    assert_int_equal(self.answered, 2);
}

/* A reply that is given together with an error is still delivered, and then the exit. */
static void last_words(void **state)
{
    servant self = new_asked();
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    ask_gives(talk, "last words", "re: last words");
    get_fails(talk, liminal_deadline_never(), LIMINAL_EEXIT);
    assert_int_equal(ask_until(talk, "x", NULL, LONG), LIMINAL_EEXIT);
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

/* ---- arguments ------------------------------------------------------------------------------- */

static void arguments(void **state)
{
    servant self = new_asked();
    liminal_envelope *request = note("x"), *kept = request, *none = NULL, *reply = NULL;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_ask(NULL, &request, &reply, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_ask(talk, NULL, &reply, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_ask(talk, &none, &reply, LONG), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_ask(talk, &request, NULL, LONG), LIMINAL_EINVAL);
    assert_ptr_equal(request, kept);
    assert_null(reply);
    liminal_envelope_drop(&request);
    shut(&talk);
    assert_int_equal(self.answered, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(echo),
        FOUR(own_behaviour),
        FOUR(each_its_own),
        FOUR(ask_between_sends),
        FOUR(silence),
        BOTH(nobody_could_answer),
        FOUR(death_is_an_answer),
        FOUR(last_words),
        FOUR(arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

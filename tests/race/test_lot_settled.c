/* SPDX-License-Identifier: MIT */
/* test_lot_settled.c -- a porter works off lots (see src/lot.c) while others send, look, and kill it. It says when it
 * begins a message; so all before that are done by then, and whoever has read that has to find them done. The same is
 * run with messages that have a deadline, and so are never gathered. */
#include "race/race.h"

#include <stdio.h>
#include <stdlib.h>

enum { MESSAGES = 4000, PLACES = 40, ROUNDS = 100, EACH = 100 };

typedef struct porter {
    atomic_uint begun;
    unsigned first, last;
    atomic_bool in_order;
    liminal_pid pid;
} porter;

typedef struct scene {
    bool single;
    liminal_supervisor *supervisor;
    liminal_conversation *talk;
    porter a, b;
    unsigned dies_at;
    unsigned messages;
    atomic_uint sent, refused; /* messages that were refused wrongly */
    atomic_bool over;
    test_thread sender;
} scene;

static liminal_status carry(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    porter *p = self;
    unsigned number = (unsigned)strtoul(liminal_envelope_text(request), NULL, 10);
    if (strchr(liminal_envelope_text(request), '?') != NULL) {
        *out_reply = liminal_envelope_ref(request);
    }
    if (atomic_fetch_add(&p->begun, 1) == 0) {
        p->first = number;
    } else if (number != p->last + 1) {
        atomic_store(&p->in_order, false);
    }
    p->last = number;
    return LIMINAL_OK;
}

static const liminal_behaviour carrying = {LIMINAL_OPS(liminal_behaviour), .answer = carry};

static liminal_envelope *words(const scene *s, unsigned number, const char *mark)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *made = NULL;
    char text[16];
    (void)snprintf(text, sizeof text, "%u%s", number, mark);
    if (s->single) {
        options.deadline = liminal_deadline_in_ms(600000);
    }
    (void)test_check(liminal_envelope_create(text, strlen(text), &options, &made) == LIMINAL_OK);
    return made;
}

static liminal_envelope *message(const scene *s, unsigned number)
{
    return words(s, number, "");
}

static void begin(scene *s, bool single, size_t places, size_t porters)
{
    liminal_participant people[] = {{.behaviour = &carrying, .self = &s->a}, {.behaviour = &carrying, .self = &s->b}};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = porters,
                             .on_crash = LIMINAL_CRASH_ROUTE_NEXT, .mailbox_messages = places,
                             .overflow = LIMINAL_OVERFLOW_WAIT, .log_entries = 4};
    *s = (scene){.single = single, .messages = MESSAGES};
    s->a.in_order = s->b.in_order = true;
    s->supervisor = race_open();
    assert_int_equal(liminal_supervisor_spawn(s->supervisor, &config, &s->talk), LIMINAL_OK);
    s->a.pid = race_pid(s->talk, 0);
}

static void end(scene *s)
{
    test_thread_join(&s->sender);
    assert_int_equal(liminal_conversation_close(s->talk, liminal_deadline_in_ms(15000)), LIMINAL_OK);
    assert_int_equal(race_look(s->talk).counts.silent, s->messages);
    assert_int_equal(race_look(s->talk).counts.sent, s->messages);
    liminal_conversation_drop(&s->talk);
    (void)race_shutdown(&s->supervisor);
    assert_true(s->a.in_order);
    assert_true(s->b.in_order);
}

static void send_all(void *argument)
{
    scene *s = argument;
    for (unsigned i = 0; i < s->messages; i++) {
        liminal_envelope *made = message(s, i);
        (void)test_check(liminal_conversation_send(s->talk, &made, liminal_deadline_in_ms(15000)) == LIMINAL_OK);
        liminal_envelope_drop(&made);
        atomic_fetch_add(&s->sent, 1);
    }
    atomic_store(&s->over, true);
}

/* ---- counts ----------------------------------------------------------------------------------- */

static void look_at_it(scene *s)
{
    unsigned sent = atomic_load(&s->sent), begun = atomic_load(&s->a.begun);
    liminal_counts counts = race_look(s->talk).counts;
    (void)test_check(counts.sent >= sent);
    (void)test_check(counts.silent + 1 >= begun);
    (void)test_check(counts.silent <= atomic_load(&s->a.begun));
    (void)test_check(counts.sent <= atomic_load(&s->sent) + 1);
    (void)test_check(counts.withdrawn + counts.unfinished + counts.received == 0);
}

static void a_look_counts_all_that_is_known_to_be_done(void **state)
{
    static scene s;
    (void)state;
    for (int i = 0; i < 4; i++) {
        begin(&s, i % 2 != 0, i < 2 ? PLACES : 1000, 1);
        test_thread_start(&s.sender, send_all, &s);
        while (!atomic_load(&s.over)) {
            look_at_it(&s);
        }
        end(&s);
    }
}

/* ---- room ------------------------------------------------------------------------------------- */

/* Whoever is refused knew of no room. */
static void try_all(void *argument)
{
    scene *s = argument;
    bool was_refused = false;
    for (unsigned i = 0; i < s->messages;) {
        liminal_envelope *made = message(s, i);
        unsigned begun = atomic_load(&s->a.begun);
        liminal_status status = liminal_conversation_try_send(s->talk, &made);
        liminal_envelope_drop(&made);
        if (status == LIMINAL_OK) {
            i++;
            atomic_fetch_add(&s->sent, 1);
            was_refused = false;
        } else {
            unsigned open = i - (begun > 0 ? begun - 1 : 0);
            (void)test_check(status == LIMINAL_EFULL);
            atomic_fetch_add(&s->refused, open < PLACES && !was_refused ? 1 : 0);
            was_refused = was_refused || open < PLACES;
        }
    }
    atomic_store(&s->over, true);
}

static void nobody_is_refused_who_knows_of_room(void **state)
{
    static scene s;
    (void)state;
    for (int i = 0; i < 4; i++) {
        begin(&s, i % 2 != 0, PLACES, 1);
        test_thread_start(&s.sender, try_all, &s);
        while (i >= 2 && !atomic_load(&s.over)) { /* others settle as well */
            look_at_it(&s);
        }
        end(&s);
        if (!test_check(s.refused == 0)) {
            print_error("%s: %u messages were refused\n", s.single ? "one by one" : "lots", s.refused);
        }
    }
}

/* ---- asks ------------------------------------------------------------------------------------- */

/* Every so often it asks, and has its answer when all that it sent before is done. */
static void send_and_ask(void *argument)
{
    scene *s = argument;
    unsigned chance = 1;
    for (unsigned i = 0; i < s->messages; i++) {
        liminal_envelope *made, *reply = NULL;
        chance = chance * 1103515245u + 12345u;
        made = words(s, i, (chance >> 16) % 40 < 2 ? "?" : "");
        if ((chance >> 16) % 40 >= 2) {
            (void)test_check(liminal_conversation_send(s->talk, &made, liminal_deadline_in_ms(15000)) == LIMINAL_OK);
            continue;
        }
        (void)test_check(liminal_conversation_ask(s->talk, &made, &reply, liminal_deadline_in_ms(15000)) ==
                         LIMINAL_OK);
        (void)test_check((unsigned)strtoul(liminal_envelope_text(reply), NULL, 10) == i);
        (void)test_check(atomic_load(&s->a.begun) == i + 1);
        liminal_envelope_drop(&made);
        liminal_envelope_drop(&reply);
    }
    atomic_store(&s->over, true);
}

static void an_answer_comes_after_all_that_was_sent_before(void **state)
{
    static scene s;
    (void)state;
    for (int i = 0; i < 8; i++) {
        liminal_counts counts;
        begin(&s, i % 2 != 0, i < 4 ? PLACES : 1000, 1);
        test_thread_start(&s.sender, send_and_ask, &s);
        while (i / 2 % 2 != 0 && !atomic_load(&s.over)) {
            (void)test_check(race_look(s.talk).counts.silent <= atomic_load(&s.a.begun));
        }
        test_thread_join(&s.sender);
        assert_int_equal(liminal_conversation_close(s.talk, liminal_deadline_in_ms(15000)), LIMINAL_OK);
        counts = race_look(s.talk).counts;
        assert_int_equal(counts.silent + counts.received, s.messages);
        liminal_conversation_drop(&s.talk);
        (void)race_shutdown(&s.supervisor);
        assert_true(s.a.in_order);
    }
}

/* ---- kills ------------------------------------------------------------------------------------ */

/* No gap, nothing that was done is begun again. */
static void what_one_leaves_the_next_one_does(void **state)
{
    static scene s;
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        begin(&s, i % 2 != 0, i % 3 ? 1000 : PLACES, 2);
        s.messages = EACH;
        test_thread_start(&s.sender, send_all, &s);
        test_until(atomic_load(&s.a.begun) > (unsigned)i % EACH);
        assert_int_equal(liminal_process_kill(s.supervisor, s.a.pid), LIMINAL_OK);
        end(&s);
        (void)test_check(s.a.first == 0);
        if (s.b.begun > 0) {
            (void)test_check(s.b.first == s.a.last || s.b.first == s.a.last + 1);
            (void)test_check(s.b.last == EACH - 1);
        } else {
            (void)test_check(s.a.last == EACH - 1);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(a_look_counts_all_that_is_known_to_be_done),
                                       TEST(an_answer_comes_after_all_that_was_sent_before),
                                       TEST(nobody_is_refused_who_knows_of_room),
                                       TEST(what_one_leaves_the_next_one_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

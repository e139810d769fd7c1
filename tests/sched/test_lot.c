/* SPDX-License-Identifier: MIT */
/* test_lot.c -- messages that a participant's thread has begun together, against everything that may come between:
 * somebody who asks how things stand, or wants a place in the mailbox, an exit, an exit message, a close, an ask. A
 * first message is held until the others wait behind it, so that the next look gathers them. */
#include "stage.h"

#include "platform.h"

enum { LOT = 3 };

typedef struct scene {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation, *linked;
    liminal_pid pid, other;
    limi_word gate;        /* 1: the first one may go on */
    limi_word room;        /* 1: the one that waits for `waits_at` may */
    limi_atomic_u32 calls; /* by the participant, the first one's among them */
    uint32_t waits_at;     /* the call that waits for `room`; 0: none */
    uint32_t heard_at;     /* calls there were when an exit message came; read when its thread has ended */
    uint32_t heard;
} scene;

static void wait_for(limi_word *word)
{
    while (limi_u32_load(&word->value) == 0) {
        (void)limi_park(word, 0, INT64_MAX);
    }
}

static void open_gate(limi_word *word)
{
    limi_u32_store(&word->value, 1);
    limi_unpark(word);
}

/* Messages say their number, from 0; an ask says so. */
static liminal_status count(void *self, const liminal_envelope *message, liminal_envelope **out_reply)
{
    scene *s = self;
    uint32_t call = limi_u32_add(&s->calls, 1);
    const char *said = liminal_envelope_data(message);
    if (*said == '?') {
        *out_reply = liminal_envelope_ref(message);
        return LIMINAL_OK;
    }
    sched_check((uint32_t)(*said - '0') == call);
    if (call == 0) {
        wait_for(&s->gate);
    } else if (call == s->waits_at) {
        wait_for(&s->room);
    }
    return LIMINAL_OK;
}

static liminal_status hear(void *self, const liminal_exit *exit)
{
    scene *s = self;
    (void)exit;
    s->heard++;
    s->heard_at = limi_u32_load(&s->calls);
    return LIMINAL_OK;
}

static const liminal_behaviour counting = {LIMINAL_OPS(liminal_behaviour), .answer = count},
                               hearing = {LIMINAL_OPS(liminal_behaviour), .answer = count, .exited = hear};

static liminal_status send(scene *s, unsigned number, bool may_wait)
{
    char text[2] = {(char)('0' + number), 0};
    liminal_envelope *message = stage_say(text);
    liminal_status st = may_wait ? liminal_conversation_send(s->conversation, &message, never())
                                 : liminal_conversation_try_send(s->conversation, &message);
    liminal_envelope_drop(&message);
    return st;
}

/* The first one is being answered, the others are queued behind it. */
static void scene_open(scene *s, const liminal_behaviour *behaviour, size_t mailbox_messages, uint32_t waits_at)
{
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = behaviour, .self = s};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL, .overflow = LIMINAL_OVERFLOW_WAIT,
                             .mailbox_messages = mailbox_messages};
    memset(s, 0, sizeof *s);
    limi_word_init(&s->gate, 0);
    limi_word_init(&s->room, 0);
    limi_u32_init(&s->calls, 0);
    s->waits_at = waits_at;
    s->supervisor = stage_open();
    sched_check(liminal_supervisor_spawn(s->supervisor, &config, &s->conversation) == LIMINAL_OK);
    s->pid = stage_pid(s->conversation, 0);
    for (unsigned i = 0; i <= LOT; i++) {
        sched_check(send(s, i, false) == LIMINAL_OK);
        sched_settle();
    }
    stage_go();
}

/* Somebody does this while the lot is begun and worked off. */
static void meet(scene *s, void (*other)(void *argument))
{
    int thread = sched_thread(other, s);
    open_gate(&s->gate);
    sched_join(thread);
}

static liminal_counts counts_of(scene *s)
{
    return stage_look(s->conversation).counts;
}

static void scene_close(scene *s)
{
    liminal_counts counts;
    sched_quiet(true);
    sched_settle();
    counts = counts_of(s);
    sched_check(counts.received + counts.silent + counts.unfinished + counts.withdrawn == counts.sent);
    sched_check(limi_u32_load(&s->calls) == counts.received + counts.silent + counts.unfinished);
    liminal_conversation_drop(&s->conversation);
    (void)stage_close(&s->supervisor);
    limi_word_destroy(&s->gate);
    limi_word_destroy(&s->room);
}

/* ---- who asks ---- */

/* What a call was made for, and all before it, has been answered when the next call is made. */
static void query(void *argument)
{
    scene *s = argument;
    uint32_t calls = limi_u32_load(&s->calls);
    liminal_counts counts = counts_of(s);
    sched_check(counts.silent + 1 >= calls && counts.silent <= LOT + 1);
    sched_outcome((unsigned)counts.silent);
}

static void against_a_query(void)
{
    scene s;
    scene_open(&s, &counting, 0, 0);
    meet(&s, query);
    scene_close(&s);
    sched_check(limi_u32_load(&s.calls) == LOT + 1);
}

static void ask_it(void *argument)
{
    scene *s = argument;
    liminal_envelope *request = stage_say("?"), *reply = NULL;
    sched_check(liminal_conversation_ask(s->conversation, &request, &reply, never()) == LIMINAL_OK);
    sched_check(limi_u32_load(&s->calls) == LOT + 2); /* it was accepted behind the others */
    liminal_envelope_drop(&reply);
}

static void against_an_ask(void)
{
    scene s;
    scene_open(&s, &counting, 0, 0);
    meet(&s, ask_it);
    scene_close(&s);
}

/* Nobody answers it, and the participant waits until that is known. */
static void ask_in_vain(void *argument)
{
    scene *s = argument;
    liminal_envelope *request = stage_say("4"), *reply = NULL;
    sched_check(liminal_conversation_ask(s->conversation, &request, &reply, never()) == LIMINAL_ECANCELED);
    liminal_envelope_drop(&request);
    open_gate(&s->room);
}

static void against_an_ask_in_vain(void)
{
    scene s;
    int thread;
    scene_open(&s, &counting, 0, LOT + 2);
    sched_quiet(true);
    thread = sched_thread(ask_in_vain, &s);
    sched_settle();
    sched_check(send(&s, LOT + 2, false) == LIMINAL_OK);
    stage_go();
    open_gate(&s.gate);
    sched_join(thread);
    scene_close(&s);
    sched_check(limi_u32_load(&s.calls) == LOT + 3);
}

/* What they were made of is used again. */
static void lot_after_lot(void)
{
    scene s;
    scene_open(&s, &counting, 0, LOT + 1);
    sched_quiet(true);
    open_gate(&s.gate);
    sched_settle();
    for (unsigned i = LOT + 1; i < 2 * LOT + 2; i++) {
        sched_check(send(&s, i, false) == LIMINAL_OK);
        sched_settle();
    }
    stage_go();
    open_gate(&s.room);
    sched_check(send(&s, 2 * LOT + 2, false) == LIMINAL_OK);
    scene_close(&s);
    sched_check(limi_u32_load(&s.calls) == 2 * LOT + 3);
}

static void who_asks(void **state)
{
    (void)state;
    assert_all(prove_widely(against_a_query, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(against_an_ask, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(against_an_ask_in_vain, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(lot_after_lot, .preemptions = 2, .turns = 1, .old = 1));
}

/* ---- who wants a place ---- */

static void send_two_more(void *argument)
{
    sched_check(send(argument, LOT + 1, true) == LIMINAL_OK);
    sched_check(send(argument, LOT + 2, true) == LIMINAL_OK);
}

/* The mailbox is full, and what the participant waits for is that the places of those that it has done are taken. */
static void against_a_sender_that_it_waits_for(void)
{
    scene s;
    scene_open(&s, &counting, LOT + 1, 2);
    meet(&s, send_two_more);
    open_gate(&s.room);
    scene_close(&s);
    sched_check(limi_u32_load(&s.calls) == LOT + 3);
}

/* Nor need it wait. */
static void a_place_of_what_is_done(void)
{
    scene s;
    scene_open(&s, &counting, LOT + 1, 2);
    sched_check(send(&s, LOT + 1, false) == LIMINAL_EFULL);
    open_gate(&s.gate);
    sched_settle();
    sched_check(send(&s, LOT + 1, false) == LIMINAL_OK && send(&s, LOT + 2, false) == LIMINAL_OK);
    sched_check(send(&s, LOT + 3, false) == LIMINAL_EFULL);
    open_gate(&s.room);
    scene_close(&s);
    sched_check(limi_u32_load(&s.calls) == LOT + 3);
}

static void who_wants_a_place(void **state)
{
    (void)state;
    assert_all(prove_widely(against_a_sender_that_it_waits_for, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(a_place_of_what_is_done, .preemptions = 2, .turns = 1, .old = 1));
}

/* ---- exits ---- */

static void kill_it(void *argument)
{
    scene *s = argument;
    sched_check(liminal_process_kill(s->supervisor, s->pid) == LIMINAL_OK);
}

static void against_a_kill(void)
{
    scene s;
    scene_open(&s, &counting, 0, 0);
    meet(&s, kill_it);
    sched_quiet(true);
    sched_settle();
    sched_outcome((unsigned)counts_of(&s).withdrawn);
    scene_close(&s);
}

static void kill_other(void *argument)
{
    scene *s = argument;
    sched_check(liminal_process_kill(s->supervisor, s->other) == LIMINAL_OK);
    (void)send(s, LOT + 1, false);
}

/* It comes behind all that was accepted before. */
static void against_an_exit_message(void)
{
    scene s;
    scene_open(&s, &hearing, 0, 0);
    sched_quiet(true);
    s.linked = stage_spawn(s.supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    s.other = stage_pid(s.linked, 0);
    sched_check(liminal_process_link(s.supervisor, s.pid, s.other) == LIMINAL_OK);
    stage_go();
    meet(&s, kill_other);
    sched_quiet(true);
    sched_settle();
    liminal_conversation_drop(&s.linked);
    scene_close(&s);
    sched_check(s.heard == 1 && s.heard_at == LOT + 1);
}

static void exits(void **state)
{
    (void)state;
    assert_all(prove_widely(against_a_kill, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(against_an_exit_message, .preemptions = 2, .turns = 1, .old = 0));
}

/* ---- ends ---- */

static void close_it(void *argument)
{
    close_for_good(((scene *)argument)->conversation);
}

/* All that was accepted is answered first. */
static void against_a_close(void)
{
    scene s;
    scene_open(&s, &counting, 0, 0);
    meet(&s, close_it);
    sched_check(counts_of(&s).silent == LOT + 1);
    scene_close(&s);
}

static void drop_all(void)
{
    scene s;
    scene_open(&s, &counting, 0, 0);
    open_gate(&s.gate);
    liminal_conversation_drop(&s.conversation);
    (void)stage_close(&s.supervisor);
    sched_check(limi_u32_load(&s.calls) == LOT + 1);
    limi_word_destroy(&s.gate);
    limi_word_destroy(&s.room);
}

static void ends(void **state)
{
    (void)state;
    assert_all(prove_widely(against_a_close, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(drop_all, .preemptions = 2, .turns = 1, .old = 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks),
        cmocka_unit_test(who_wants_a_place),
        cmocka_unit_test(exits),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

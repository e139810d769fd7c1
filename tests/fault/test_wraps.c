/* SPDX-License-Identifier: MIT */
/* test_wraps.c -- counters that start just before they wrap: pids, and the words that change so that whoever sleeps on
 * them looks again; and those of 64 bits where they leave 32. */
#define _GNU_SOURCE
#include "fault/waits_kit.h"

#include "log.h"
#include "mint.h"
#include "scope.h"
#include "supervisor.h"

/* ---- pids ---- */

static void zero_is_nobodys_pid(void **state)
{
    enum { MANY = 12 };
    liminal_supervisor *supervisor = race_open();
    liminal_conversation *talks[MANY / 2];
    liminal_pid pids[MANY];
    (void)state;
    limi_mutex_lock(&supervisor->lock);
    supervisor->last_pid = UINT64_MAX - MANY / 2;
    limi_mutex_unlock(&supervisor->lock);
    for (size_t i = 0; i < MANY / 2; i++) {
        talks[i] = race_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
        pids[2 * i] = liminal_conversation_pid(talks[i]);
        pids[2 * i + 1] = race_pid(talks[i], 0);
    }
    for (size_t i = 0; i < MANY; i++) {
        assert_true(pids[i].value != 0);
        assert_true(liminal_process_alive(supervisor, pids[i]));
        for (size_t k = 0; k < i; k++) {
            assert_true(pids[i].value != pids[k].value);
        }
    }
    for (size_t i = 0; i < MANY / 2; i++) {
        assert_int_equal(ask_of(talks[i]), LIMINAL_OK);
        assert_int_equal(liminal_process_kill(supervisor, pids[2 * i]), LIMINAL_OK); /* and another one for the next */
        assert_int_equal(ask_of(talks[i]), LIMINAL_OK);
        liminal_conversation_drop(&talks[i]);
    }
    (void)race_shutdown(&supervisor);
}

/* ---- words ---- */

/* It sleeps, or is about to look once more before it does. */
static bool is_waiting(scene *s)
{
    const limi_quota *quota = &race_talk(s->talk)->quota;
    bool closing;
    limi_mutex_lock(&s->supervisor->lock);
    closing = s->supervisor->closing;
    limi_mutex_unlock(&s->supervisor->lock);
    return closing || limi_u32_load(&quota->waiting) != 0 || limi_u32_load(&quota->patient) != 0;
}

/* As many give room, and end, as take the words over their edge, while somebody sleeps on them. */
static void whoever_sleeps_on_a_word_wakes_all_the_same(void **state)
{
    (void)state;
    for (uint32_t left = 0; left < 4; left++) {
        scene s;
        for (size_t i = 0; i < WAITS; i++) {
            if (waits[i].wait != wait_send && waits[i].wait != wait_shutdown) {
                continue;
            }
            memset(&s, 0, sizeof s);
            test_gate_init(&s.there);
            test_gate_init(&s.go);
            s.row = &waits[i];
            s.deadline = liminal_deadline_never();
            s.supervisor = race_open();
            waits[i].prepare(&s);
            limi_u32_store(&race_talk(s.talk)->quota.room.value, UINT32_MAX - left);
            limi_u32_store(&s.supervisor->changed.value, UINT32_MAX - left);
            test_thread_start(&s.thread, wait_for_it, &s);
            test_until(is_waiting(&s));
            waits[i].satisfy(&s);
            end(&s, LIMINAL_OK);
        }
    }
}

/* ---- numbers ---- */

typedef struct order {
    char seen[64];
    size_t count;
    test_gate there, go;
} order;

static liminal_status write_down(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    order *o = self;
    (void)out_reply;
    if (strcmp(liminal_envelope_text(request), "wait") == 0) {
        test_gate_open(&o->there);
        test_gate_wait(&o->go);
    } else {
        o->seen[o->count++] = liminal_envelope_text(request)[0];
    }
    return LIMINAL_OK;
}

static liminal_status write_exit(void *self, const liminal_exit *exit)
{
    order *o = self;
    o->seen[o->count++] = (char)('0' + exit->reason.code);
    return LIMINAL_OK;
}

static void tell(liminal_conversation *talk, const char *text)
{
    liminal_envelope *message = race_say(text);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_OK);
}

/* Requests and exit messages come in the order in which they were accepted, by their numbers. */
static void seats_are_numbered_beyond_32_bits(void **state)
{
    static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = write_down,
                                                .exited = write_exit};
    liminal_supervisor *supervisor = race_open();
    order o = {.there = TEST_GATE_INIT, .go = TEST_GATE_INIT};
    liminal_conversation *talk = race_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, &behaviour, &o);
    liminal_pid part = race_pid(talk, 0);
    (void)state;
    limi_mutex_lock(&race_talk(talk)->lock);
    race_talk(talk)->dialogue.seated = UINT32_MAX - 4;
    limi_mutex_unlock(&race_talk(talk)->lock);
    tell(talk, "wait");
    test_gate_wait(&o.there);
    for (int i = 0; i < 8; i++) {
        tell(talk, (const char[]){(char)('a' + i), '\0'});
        (void)race_look(talk); /* it has its seat */
        assert_int_equal(liminal_process_signal(supervisor, (liminal_pid){0}, part,
                                                (liminal_exit_reason){LIMINAL_EXIT_ERROR, i}), LIMINAL_OK);
        (void)race_look(talk);
    }
    tell(talk, "i"); /* a close lets what was accepted be answered */
    test_gate_open(&o.go);
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    liminal_conversation_drop(&talk);
    (void)race_shutdown(&supervisor);
    assert_string_equal(o.seen, "a0b1c2d3e4f5g6h7i");
}

/* A log that has had so many entries; what it keeps is what came last. */
static void entries_are_numbered_beyond_32_bits(void **state)
{
    limi_log log;
    limi_log_view view;
    int chunk;
    (void)state;
    limi_log_init(&log, 3, test_allocator());
    chunk = 1 << log.shift;
    log.begin = log.end = ((uint64_t)1 << 32) - (uint64_t)chunk; /* where a chunk begins */
    for (int i = 0; i < 3 * chunk; i++) {
        const liminal_log_entry entry = {.kind = LIMINAL_LOG_FAILED, .time = {i}};
        assert_int_equal(limi_log_append(&log, &entry), LIMINAL_OK);
        limi_log_share(&log, &view);
        assert_int_equal(limi_log_view_count(&view), i < 3 ? i + 1 : 3);
        assert_int_equal(limi_log_view_at(&view, limi_log_view_count(&view) - 1)->time.unix_ns, i);
        assert_int_equal(limi_log_view_at(&view, 0)->time.unix_ns, i < 3 ? 0 : i - 2);
        limi_log_view_drop(&view);
    }
    assert_int_equal(limi_log_dropped(&log), ((uint64_t)1 << 32) + (uint64_t)(2 * chunk - 3));
    limi_log_clear(&log);
}

/* ---- ids ---- */

/* The counter behind them comes to 0, which is mixed to 0: and that would be nobody's. */
static void no_id_is_zero(void **state)
{
    static const uint8_t zero[16];
    limi_generator *generator = &limi_scope_room_here()->generator;
    (void)state;
    (void)limi_mint_draw(); /* it is this process's */
    for (uint64_t ahead = 1; ahead < 5; ahead++) {
        liminal_trace_context root, child;
        generator->state = 0 - ahead * generator->step;
        root = liminal_trace_root();
        assert_true(liminal_trace_valid(&root));
        generator->state = 0 - ahead * generator->step;
        child = liminal_trace_child(&root);
        assert_true(liminal_trace_valid(&child));
        assert_memory_equal(child.trace_id, root.trace_id, sizeof root.trace_id);
        assert_memory_not_equal(child.span_id, zero, sizeof child.span_id);
        generator->state = 0 - ahead * generator->step;
        assert_memory_not_equal(limi_mint_uuid((liminal_time){0}).bytes, zero, sizeof zero);
    }
    generator->state = 0 - generator->step;
    assert_int_equal(limi_mint_draw(), 0); /* so it was met */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(zero_is_nobodys_pid),
        TEST(whoever_sleeps_on_a_word_wakes_all_the_same),
        TEST(seats_are_numbered_beyond_32_bits),
        TEST(entries_are_numbered_beyond_32_bits),
        TEST(no_id_is_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

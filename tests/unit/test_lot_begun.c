/* SPDX-License-Identifier: MIT */
/* test_lot_begun.c -- what another participant has begun before keeps that: it is taken one by one. */
#include "talk_kit.h"

#include "handle.h"
#include "lot.h"

enum { MESSAGES = 4 };

typedef struct holder {
    test_gate begun, go;
} holder;

static liminal_status hold(void *self, const liminal_envelope *message, liminal_envelope **out_reply)
{
    holder *h = self;
    (void)message, (void)out_reply;
    test_gate_open(&h->begun);
    test_gate_wait(&h->go);
    return LIMINAL_OK;
}

static const liminal_behaviour holding = {LIMINAL_OPS(liminal_behaviour), .answer = hold};

/* A program that reads nothing is given all there is, for that fits into the pipe. */
static liminal_conversation *spawn_before(holder *h)
{
    static const char *const argv[] = {"sleep", "1000", NULL};
    static const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = argv};
    const liminal_participant people[2] = {
        {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program, .name = "deaf"},
        {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &holding, .self = h, .name = "next"}};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                                   .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
    return spawn(&config);
}

static liminal_summary look_at(liminal_conversation *talk, liminal_pid pids[2])
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    liminal_summary summary;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, LONG), LIMINAL_OK);
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(liminal_snapshot_participant(snapshot, i, &status), LIMINAL_OK);
        pids[i] = status.pid;
    }
    summary = liminal_snapshot_read(snapshot);
    liminal_snapshot_drop(&snapshot);
    return summary;
}

static bool is_all_begun(liminal_conversation *conversation)
{
    limi_talk *talk = conversation->self;
    bool is_so;
    limi_mutex_lock(&talk->lock);
    is_so = talk->dialogue.at_seats == MESSAGES && limi_list_empty(&talk->dialogue.seats[0].queue);
    limi_mutex_unlock(&talk->lock);
    return is_so;
}

/* Both die: what the first was given is unfinished, whether the second has looked at it or not. */
static void what_a_program_was_given_was_begun(void **state)
{
    holder h = {TEST_GATE_INIT, TEST_GATE_INIT};
    liminal_conversation *talk;
    liminal_pid pids[2];
    liminal_counts counts;
    (void)state;
    open_house();
    talk = spawn_before(&h);
    (void)look_at(talk, pids);
    for (int i = 0; i < MESSAGES; i++) {
        put(talk, "x");
    }
    test_until(is_all_begun(talk));
    assert_int_equal(liminal_process_kill(house, pids[0]), LIMINAL_OK);
    test_gate_wait(&h.begun);
    assert_int_equal(liminal_process_kill(house, pids[1]), LIMINAL_OK);
    test_gate_open(&h.go);
    test_until(look_at(talk, pids).phase == LIMINAL_PHASE_FAILED);
    counts = look_at(talk, pids).counts;
    assert_int_equal(counts.unfinished, MESSAGES);
    assert_int_equal(counts.withdrawn, 0);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(what_a_program_was_given_was_begun)};
    (void)variants;
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_policy.c -- what a conversation does about an exit, against everything that goes on meanwhile: requests that go
 * to the next participant, undoing, room in a full mailbox, and behaviours that end the thread they run on. */
#include "stage.h"

typedef struct scene {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    int begun[2];  /* by each participant; their own threads */
    int undone, compensated, released;
    bool ends_thread;
} scene;

typedef struct seat {
    scene *scene;
    int number;
} seat;

static liminal_status echo_and_count(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    seat *s = self;
    s->scene->begun[s->number]++;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour counting = {LIMINAL_OPS(liminal_behaviour), .answer = echo_and_count};

static void kill_participant(void *argument)
{
    scene *s = argument;
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    sched_check(liminal_conversation_query(s->conversation, &snapshot, liminal_deadline_passed()) == LIMINAL_OK);
    sched_check(liminal_snapshot_participant(snapshot, 0, &status) == LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    sched_check(liminal_process_kill(s->supervisor, status.pid) == LIMINAL_OK);
}

/* ---- route to next ---- */

static void routed_of(liminal_participant_kind first, liminal_participant_kind second)
{
    scene s = {.supervisor = stage_open()};
    seat seats[2] = {{&s, 0}, {&s, 1}};
    liminal_participant participants[2] = {{.kind = first, .behaviour = &counting, .self = &seats[0]},
                                           {.kind = second, .behaviour = &counting, .self = &seats[1]}};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = 2,
                             .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    liminal_counts counts;
    int thread;
    sched_check(liminal_supervisor_spawn(s.supervisor, &config, &s.conversation) == LIMINAL_OK);
    stage_go();
    thread = sched_thread(kill_participant, &s);
    sched_check(liminal_conversation_ask(s.conversation, &request, &reply, never()) == LIMINAL_OK);
    sched_check(request == NULL && stage_says(reply, "x")); /* whoever answered */
    sched_join(thread);
    sched_quiet(true);
    counts = stage_look(s.conversation).counts;
    sched_check(counts.sent == 1 && counts.received == 1 && counts.late == 0);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&s.conversation);
    (void)stage_close(&s.supervisor);
    sched_check(s.begun[0] + s.begun[1] >= 1 && s.begun[0] <= 1 && s.begun[1] <= 1);
    sched_outcome((unsigned)(s.begun[0] + 2 * s.begun[1]));
}

static void routed_between_threads(void)
{
    routed_of(LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_THREAD);
}

static void routed_from_inline(void)
{
    routed_of(LIMINAL_PARTICIPANT_INLINE, LIMINAL_PARTICIPANT_THREAD);
}

static void routing(void **state)
{
    (void)state;
    /* By the first, by the second, or begun by both and answered by the second. */
    assert_seen(prove_widely(routed_between_threads, .preemptions = 2, .turns = 1, .old = 1), 2 | 4 | 8);
    assert_all(prove_widely(routed_from_inline, .preemptions = 2, .turns = 1, .old = 1));
}

/* ---- compensation ---- */

static liminal_status undo(void *self, const liminal_envelope *step)
{
    scene *s = self;
    s->undone += step != NULL;
    return LIMINAL_OK;
}

static liminal_status compensate(void *self, const liminal_snapshot *snapshot)
{
    scene *s = self;
    (void)snapshot;
    sched_check(s->undone <= 1); /* the steps come first */
    s->compensated++;
    return LIMINAL_OK;
}

static void undone_against_close(void)
{
    scene s = {.supervisor = stage_open()};
    seat seats[1] = {{&s, 0}};
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &counting, .self = &seats[0]};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_COMPENSATE, .compensate = compensate, .compensate_self = &s};
    liminal_envelope *step = stage_say("step");
    liminal_summary summary;
    int thread;
    sched_check(liminal_supervisor_spawn(s.supervisor, &config, &s.conversation) == LIMINAL_OK);
    sched_check(liminal_conversation_undo_with(s.conversation, &step, undo, &s) == LIMINAL_OK);
    stage_go();
    thread = sched_thread(kill_participant, &s);
    sched_check(liminal_conversation_close(s.conversation, never()) == LIMINAL_OK);
    summary = stage_look(s.conversation);
    sched_check(summary.phase == LIMINAL_PHASE_CLOSED || summary.phase == LIMINAL_PHASE_FAILED);
    sched_join(thread);
    sched_quiet(true);
    liminal_conversation_drop(&s.conversation);
    (void)stage_close(&s.supervisor);
    sched_check(s.undone == (summary.phase == LIMINAL_PHASE_FAILED) && s.compensated == s.undone);
    sched_outcome((unsigned)s.undone);
}

static void compensations(void **state)
{
    (void)state;
    assert_seen(prove_widely(undone_against_close, .preemptions = 2, .turns = 1, .old = 1), 3);
}

/* ---- a full mailbox ---- */

static void send_when_there_is_room(void *argument)
{
    scene *s = argument;
    liminal_envelope *message = stage_say("y");
    liminal_status st = liminal_conversation_send(s->conversation, &message, never());
    sched_check(st == LIMINAL_OK || st == LIMINAL_ECLOSED);
    sched_check((st == LIMINAL_OK) == (message == NULL));
    sched_outcome(st == LIMINAL_OK);
    liminal_envelope_drop(&message);
}

static void room_for_one(bool close)
{
    scene s = {.supervisor = stage_open()};
    liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .mailbox_messages = 1,
                             .overflow = LIMINAL_OVERFLOW_WAIT};
    liminal_envelope *message = stage_say("x"), *reply = NULL;
    int thread;
    sched_check(liminal_supervisor_spawn(s.supervisor, &config, &s.conversation) == LIMINAL_OK);
    sched_check(liminal_conversation_try_send(s.conversation, &message) == LIMINAL_OK);
    stage_go();
    thread = sched_thread(send_when_there_is_room, &s);
    if (close) {
        sched_check(liminal_conversation_close(s.conversation, never()) == LIMINAL_OK);
    }
    sched_check(liminal_conversation_receive(s.conversation, &reply, never()) == LIMINAL_OK);
    sched_check(stage_says(reply, "x"));
    sched_join(thread);
    liminal_envelope_drop(&reply);
    sched_quiet(true);
    liminal_conversation_drop(&s.conversation);
    (void)stage_close(&s.supervisor);
}

static void room_by_receiving(void)
{
    room_for_one(false);
}

static void no_room_any_more(void)
{
    room_for_one(true);
}

static void full_mailboxes(void **state)
{
    (void)state;
    assert_seen(prove_widely(room_by_receiving, .preemptions = 2, .turns = 2, .old = 1), 2);
    assert_seen(prove_widely(no_room_any_more, .preemptions = 2, .turns = 2, .old = 1), 1);
}

/* ---- a behaviour that ends its thread ---- */

static liminal_status end_thread(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    seat *s = self;
    (void)request, (void)out_reply;
    s->scene->begun[0]++;
    sched_thread_exit();
    return LIMINAL_OK;
}

static void note_released(void *self)
{
    seat *s = self;
    s->scene->released++;
}

static const liminal_behaviour ending = {
    LIMINAL_OPS(liminal_behaviour), .answer = end_thread, .release = note_released};

static void ask_in_vain(void *argument)
{
    scene *s = argument;
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    liminal_status st = liminal_conversation_ask(s->conversation, &request, &reply, never());
    sched_check(st == LIMINAL_EEXIT && reply == NULL);
    liminal_envelope_drop(&request);
}

static void ended_in_a_thread(void)
{
    scene s = {.supervisor = stage_open()};
    seat seats[1] = {{&s, 0}};
    int thread;
    s.conversation = stage_spawn(s.supervisor, LIMINAL_PARTICIPANT_THREAD, &ending, &seats[0]);
    stage_go();
    thread = sched_thread(ask_in_vain, &s);
    ask_in_vain(&s);
    sched_join(thread);
    sched_quiet(true);
    sched_check(stage_look(s.conversation).phase == LIMINAL_PHASE_FAILED);
    liminal_conversation_drop(&s.conversation);
    (void)stage_close(&s.supervisor);
    sched_check(s.begun[0] == 1 && s.released == 1);
}

/* It runs on the thread of whoever assists, or on the actor's own, which comes back. */
static void send_and_end(void *argument)
{
    scene *s = argument;
    liminal_envelope *message = stage_say("x");
    liminal_status st = liminal_conversation_try_send(s->conversation, &message);
    sched_check(st == LIMINAL_OK || st == LIMINAL_EEXIT);
    liminal_envelope_drop(&message);
}

static void ended_in_a_turn(void)
{
    scene s = {.supervisor = stage_open()};
    seat seats[1] = {{&s, 0}};
    int one, two;
    s.conversation = stage_spawn(s.supervisor, LIMINAL_PARTICIPANT_INLINE, &ending, &seats[0]);
    stage_go();
    one = sched_thread(send_and_end, &s);
    two = sched_thread(send_and_end, &s);
    sched_join(one);
    sched_join(two);
    sched_quiet(true);
    sched_settle();
    sched_check(stage_look(s.conversation).phase == LIMINAL_PHASE_FAILED);
    liminal_conversation_drop(&s.conversation);
    (void)stage_close(&s.supervisor);
    sched_check(s.begun[0] == 1 && s.released == 1);
}

static void ended_threads(void **state)
{
    (void)state;
    assert_all(prove_widely(ended_in_a_thread, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(ended_in_a_turn, .preemptions = 2, .turns = 1, .old = 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(routing),
        cmocka_unit_test(compensations),
        cmocka_unit_test(full_mailboxes),
        cmocka_unit_test(ended_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

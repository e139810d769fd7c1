/* SPDX-License-Identifier: MIT */
/* test_faults.c -- each allocation and each start of a thread is refused in turn, in every order of the threads that
 * one preemption gives: a refusal is a status, leaves nothing behind, and nobody waits for ever because of it. */
#include "stage.h"

static liminal_supervisor_options options_of(void)
{
    return (liminal_supervisor_options){LIMINAL_OPS(liminal_supervisor_options), .allocator = sched_allocator()};
}

static bool is_refusal(liminal_status st)
{
    return st == LIMINAL_ENOMEM || st == LIMINAL_ELIMIT;
}

/* NULL: refused. */
static liminal_envelope *try_say(const char *text)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = sched_allocator()};
    liminal_envelope *envelope = NULL;
    liminal_status st = liminal_envelope_create(text, strlen(text), &options, &envelope);
    sched_check(st == LIMINAL_OK || (is_refusal(st) && envelope == NULL));
    return envelope;
}

static void talk_to(liminal_conversation *conversation)
{
    liminal_envelope *request = try_say("x"), *reply = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_status st;
    if (request != NULL) {
        st = liminal_conversation_ask(conversation, &request, &reply, never());
        sched_check(st == LIMINAL_OK || is_refusal(st));
        sched_check((st == LIMINAL_OK) == (reply != NULL) && (st == LIMINAL_OK) == (request == NULL));
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
    }
    st = liminal_conversation_query(conversation, &snapshot, never());
    sched_check(st == LIMINAL_OK || is_refusal(st));
    liminal_snapshot_drop(&snapshot);
    st = liminal_conversation_close(conversation, never());
    sched_check(st == LIMINAL_OK || is_refusal(st));
}

static void from_end_to_end(liminal_participant_kind kind)
{
    liminal_supervisor_options options = options_of();
    liminal_participant participants[2] = {{.kind = kind, .behaviour = liminal_behaviour_echo()},
                                           {.behaviour = liminal_behaviour_echo()}};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = 2,
                             .on_crash = LIMINAL_CRASH_FAIL, .name = "somebody"};
    liminal_supervisor *supervisor = NULL;
    liminal_conversation *conversation = NULL;
    liminal_status st = liminal_supervisor_open(&options, &supervisor);
    if (st != LIMINAL_OK) {
        sched_check(is_refusal(st) && supervisor == NULL);
        sched_outcome(0);
        return;
    }
    st = liminal_supervisor_spawn(supervisor, &config, &conversation);
    sched_check(st == LIMINAL_OK || (is_refusal(st) && conversation == NULL));
    sched_outcome(st == LIMINAL_OK ? 2 : 1);
    if (st == LIMINAL_OK) {
        talk_to(conversation);
        liminal_conversation_drop(&conversation);
    }
    sched_check(liminal_supervisor_census(supervisor).conversations == 0 || st == LIMINAL_OK);
    sched_check(liminal_supervisor_shutdown(&supervisor, NULL, never()) == LIMINAL_OK);
}

static void threaded(void)
{
    from_end_to_end(LIMINAL_PARTICIPANT_THREAD);
}

static void inlined(void)
{
    from_end_to_end(LIMINAL_PARTICIPANT_INLINE);
}

static void a_refusal_leaves_nothing_behind(void **state)
{
    (void)state;
    assert_seen(prove(threaded, .preemptions = 1, .turns = 1, .old = 1, .faults = 1), 7);
    assert_seen(prove(inlined, .preemptions = 1, .turns = 1, .old = 1, .faults = 1), 7);
    assert_seen(prove(threaded, .faults = 2), 7);
    assert_seen(prove(inlined, .faults = 2), 7);
}

/* ---- while something else is going on ---- */

typedef struct target {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
} target;

static void try_to_kill(void *argument)
{
    const target *t = argument;
    liminal_status st = liminal_process_kill(t->supervisor, liminal_conversation_pid(t->conversation));
    sched_check(st == LIMINAL_OK || is_refusal(st));
}

static void kill_refused(void)
{
    target t = {stage_open(), NULL};
    int thread;
    t.conversation = stage_spawn(t.supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    stage_go();
    thread = sched_thread(try_to_kill, &t);
    talk_to(t.conversation);
    sched_join(thread);
    sched_quiet(true);
    liminal_conversation_drop(&t.conversation);
    (void)stage_close(&t.supervisor);
}

static void try_to_link(void *argument)
{
    const target *t = argument;
    liminal_status st = liminal_process_link(t->supervisor, liminal_conversation_pid(t->conversation),
                                             (liminal_pid){77});
    sched_check(st == LIMINAL_OK || st == LIMINAL_ENOPROC || is_refusal(st));
}

static void link_refused(void)
{
    target t = {stage_open(), NULL};
    int thread;
    t.conversation = stage_spawn(t.supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
    stage_go();
    thread = sched_thread(try_to_link, &t);
    talk_to(t.conversation);
    sched_join(thread);
    sched_quiet(true);
    liminal_conversation_drop(&t.conversation);
    (void)stage_close(&t.supervisor);
}

static void refusals_in_the_middle(void **state)
{
    (void)state;
    assert_all(prove(kill_refused, .preemptions = 1, .turns = 1, .old = 1, .faults = 1));
    assert_all(prove(link_refused, .preemptions = 1, .turns = 1, .old = 1, .faults = 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refusal_leaves_nothing_behind),
        cmocka_unit_test(refusals_in_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

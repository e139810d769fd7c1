/* SPDX-License-Identifier: MIT */
/* test_ends.c -- the last drop on any thread, and shutdown against the last drop, a spawn, an ask. At each end nothing
 * is left: the scheduler counts blocks, threads and locks. */
#include "stage.h"

/* ---- the last drop ---- */

static void drop_it(void *argument)
{
    liminal_conversation *conversation = argument;
    liminal_conversation_drop(&conversation);
}

static void drop_against_shutdown_of(liminal_participant_kind kind)
{
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation = stage_spawn(supervisor, kind, liminal_behaviour_echo(), NULL);
    liminal_report report;
    int thread;
    stage_go();
    thread = sched_thread(drop_it, conversation);
    sched_check(liminal_supervisor_shutdown(&supervisor, &report, never()) == LIMINAL_OK);
    sched_check(report.handles <= 1 && report.conversations <= 1);
    sched_outcome((unsigned)report.handles * 2 + (unsigned)report.conversations);
    sched_join(thread);
}

static void drop_against_shutdown(void)
{
    drop_against_shutdown_of(LIMINAL_PARTICIPANT_THREAD);
}

static void drop_against_shutdown_inline(void)
{
    drop_against_shutdown_of(LIMINAL_PARTICIPANT_INLINE);
}

typedef struct killing {
    liminal_supervisor *supervisor;
    liminal_pid pid;
} killing;

static void kill_it(void *argument)
{
    killing *k = argument;
    sched_check(liminal_process_kill(k->supervisor, k->pid) == LIMINAL_OK);
}

/* Who kills may run the turn that ends it, while its actor's thread goes, and with it the last share but the
 * killer's. */
static void drop_against_kill_of(liminal_participant_kind kind)
{
    liminal_supervisor *supervisor = stage_open();
    liminal_participant two[2] = {{.kind = kind, .behaviour = liminal_behaviour_echo()},
                                  {.kind = kind, .behaviour = liminal_behaviour_echo()}};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = two, .participant_count = 2,
                             .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *conversation = NULL;
    liminal_envelope *message = stage_say("x");
    killing k = {supervisor, {0}};
    int thread;
    sched_check(liminal_supervisor_spawn(supervisor, &config, &conversation) == LIMINAL_OK);
    k.pid = stage_pid(conversation, 0);
    stage_go();
    thread = sched_thread(kill_it, &k);
    if (liminal_conversation_try_send(conversation, &message) != LIMINAL_OK) {
        liminal_envelope_drop(&message); /* it has failed already */
    }
    liminal_conversation_drop(&conversation);
    sched_outcome(liminal_process_alive(supervisor, k.pid) ? 1 : 0);
    sched_join(thread);
    sched_check(!liminal_process_alive(supervisor, k.pid));
    (void)stage_close(&supervisor);
}

static void drop_against_kill(void)
{
    drop_against_kill_of(LIMINAL_PARTICIPANT_THREAD);
}

static void drop_against_kill_inline(void)
{
    drop_against_kill_of(LIMINAL_PARTICIPANT_INLINE);
}

/* The handle goes inside the behaviour: on the participant's thread, or inline on the actor's own. */
static liminal_status drop_and_echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    liminal_conversation **handle = self;
    liminal_conversation_drop(handle);
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour dropping = {LIMINAL_OPS(liminal_behaviour), .answer = drop_and_echo};

static void dropped_inside_of(liminal_participant_kind kind, liminal_dispatch dispatch)
{
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation = NULL, *inner = NULL;
    liminal_participant participant = {.kind = kind, .behaviour = &dropping, .self = &inner};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL, .dispatch = dispatch};
    liminal_envelope *message = stage_say("x");
    sched_check(liminal_supervisor_spawn(supervisor, &config, &conversation) == LIMINAL_OK);
    inner = liminal_conversation_ref(conversation);
    stage_go();
    sched_check(liminal_conversation_try_send(conversation, &message) == LIMINAL_OK);
    liminal_conversation_drop(&conversation); /* this one is the last, or the inner one is */
    (void)stage_close(&supervisor);
    sched_check(inner == NULL);
}

static void dropped_inside_thread(void)
{
    dropped_inside_of(LIMINAL_PARTICIPANT_THREAD, LIMINAL_DISPATCH_ASSISTED);
}

static void dropped_inside_turn(void)
{
    dropped_inside_of(LIMINAL_PARTICIPANT_INLINE, LIMINAL_DISPATCH_PINNED);
}

static void last_drops(void **state)
{
    (void)state;
    assert_all(prove_widely(drop_against_shutdown, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(drop_against_shutdown_inline, .preemptions = 2, .turns = 1, .old = 1));
    (void)prove(drop_against_kill, .search = SCHED_PRIORITIES, .preemptions = 5, .turns = 1, .old = 2, .spurious = 2,
                .most = 20000, .seed = 2);
    assert_all(prove_widely(drop_against_kill, .preemptions = 2, .turns = 1, .old = 1));
    assert_seen(prove_widely(drop_against_kill_inline, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_all(prove_widely(dropped_inside_thread, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(dropped_inside_turn, .preemptions = 2, .turns = 1, .old = 1));
}

static void ask_one(void *argument)
{
    liminal_conversation *conversation = argument;
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    liminal_status st = liminal_conversation_ask(conversation, &request, &reply, never());
    sched_check(st == LIMINAL_OK || st == LIMINAL_ECLOSED);
    sched_check((reply != NULL) == (st == LIMINAL_OK) && (st != LIMINAL_OK || request == NULL));
    sched_outcome(st == LIMINAL_OK ? 0 : 1);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

/* ---- shutdown against a spawn inside a behaviour, and against one who asks ---- */

typedef struct nest {
    liminal_supervisor *supervisor;
    liminal_status spawned;
} nest;

static liminal_status spawn_another(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    nest *n = self;
    liminal_conversation *another = NULL;
    (void)request, (void)out_reply;
    n->spawned = liminal_supervisor_spawn_behaviour(n->supervisor, liminal_behaviour_echo(), NULL, LIMINAL_CRASH_FAIL,
                                                    &another);
    liminal_conversation_drop(&another);
    return LIMINAL_OK;
}

static const liminal_behaviour spawning = {LIMINAL_OPS(liminal_behaviour), .answer = spawn_another};

static void shutdown_against_spawn(void)
{
    nest n = {stage_open(), LIMINAL_EFAILED};
    liminal_conversation *conversation = stage_spawn(n.supervisor, LIMINAL_PARTICIPANT_THREAD, &spawning, &n);
    liminal_supervisor *supervisor = n.supervisor;
    liminal_envelope *message = stage_say("x");
    liminal_report report;
    stage_go();
    sched_check(liminal_conversation_try_send(conversation, &message) == LIMINAL_OK);
    sched_check(liminal_supervisor_shutdown(&supervisor, &report, never()) == LIMINAL_OK);
    sched_check(n.spawned == LIMINAL_OK || n.spawned == LIMINAL_ECLOSED);
    sched_outcome(n.spawned == LIMINAL_OK);
    sched_quiet(true);
    liminal_conversation_drop(&conversation);
}

static void shut_down(void *argument)
{
    liminal_supervisor *supervisor = argument;
    sched_check(liminal_supervisor_shutdown(&supervisor, NULL, never()) == LIMINAL_OK);
}

static void shutdown_against_ask(void)
{
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation =
        stage_spawn(supervisor, LIMINAL_PARTICIPANT_THREAD, liminal_behaviour_echo(), NULL);
    int thread;
    stage_go();
    thread = sched_thread(shut_down, supervisor);
    ask_one(conversation);
    sched_join(thread);
    sched_quiet(true);
    liminal_conversation_drop(&conversation);
}

static void shutdowns(void **state)
{
    (void)state;
    assert_seen(prove_widely(shutdown_against_spawn, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_seen(prove_widely(shutdown_against_ask, .preemptions = 2, .turns = 1, .old = 1), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_drops),
        cmocka_unit_test(shutdowns),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

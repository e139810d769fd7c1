/* SPDX-License-Identifier: MIT */
/* test_dormant.c -- an actor whose thread has not begun: it is begun once, or given back once, whoever decides that;
 * nothing that it was rung for is lost, and nobody waits for it in vain. The thread is an idle one that was kept, or a
 * new one, which may not have come yet when that is decided. */
#include "stage.h"

#include "pool.h"
#include "supervisor.h"

typedef struct house {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    limi_job job;
} house;

static bool anew; /* its thread is a new one */

static void run_nothing(void *argument)
{
    (void)argument;
}

static size_t idle(house *h)
{
    size_t count;
    limi_mutex_lock(&h->supervisor->lock);
    count = h->supervisor->pool.idle_count;
    limi_mutex_unlock(&h->supervisor->lock);
    return count;
}

static void start_an_idle_one(house *h)
{
    h->job = (limi_job){.plan = {.stack_bytes = LIMINAL_DEFAULT_STACK_BYTES}, .supervisor = h->supervisor,
                        .body = run_nothing};
    limi_supervisor_thread_more(h->supervisor);
    sched_check(limi_pool_start(&h->job) == LIMINAL_OK);
    sched_settle();
    sched_check(idle(h) == 1);
}

/* One thread, idle before or new, and a conversation that has it. */
static void open_house(house *h, int64_t timeout_ns)
{
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo()};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL, .timeout_ns = timeout_ns};
    memset(h, 0, sizeof *h);
    h->supervisor = stage_open_with(1);
    if (!anew) {
        start_an_idle_one(h);
    }
    sched_check(liminal_supervisor_spawn(h->supervisor, &config, &h->conversation) == LIMINAL_OK);
    sched_check(idle(h) == 0);
}

/* A new thread is still on its way. */
static void go(void)
{
    if (anew) {
        sched_quiet(false);
    } else {
        stage_go();
    }
}

static void close_house(house *h)
{
    liminal_report report;
    sched_quiet(true);
    liminal_conversation_drop(&h->conversation);
    report = stage_close(&h->supervisor);
    sched_check(report.threads >= 1 && report.threads <= 2); /* a killed actor gets another one */
}

static void close_it(void *argument)
{
    house *h = argument;
    sched_check(liminal_conversation_close(h->conversation, never()) == LIMINAL_OK);
}

static void ask_it(void *argument)
{
    house *h = argument;
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    liminal_status st = liminal_conversation_ask(h->conversation, &request, &reply, never());
    sched_check(st == LIMINAL_OK || st == LIMINAL_ECLOSED);
    sched_outcome(st != LIMINAL_OK);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

/* An exit signal of another process: it is brought by its thread, and by no other. */
static void kill_it(void *argument)
{
    house *h = argument;
    liminal_status st = liminal_process_kill(h->supervisor, liminal_conversation_pid(h->conversation));
    sched_check(st == LIMINAL_OK || st == LIMINAL_ENOPROC);
}

static void against_close(void (*other)(void *argument))
{
    house h;
    int thread;
    open_house(&h, 0);
    go();
    thread = sched_thread(other, &h);
    close_it(&h);
    sched_join(thread);
    close_house(&h);
}

static void close_alone(void)
{
    house h;
    open_house(&h, 0);
    go();
    close_it(&h);
    sched_quiet(true);
    sched_settle();
    sched_check(idle(&h) == 1); /* and it has not run */
    close_house(&h);
}

static void close_against_ask(void)
{
    against_close(ask_it);
}

static void two_closers(void)
{
    against_close(close_it);
}

static void close_against_kill(void)
{
    against_close(kill_it);
}

/* Nobody but the actor's thread sees to the conversation's own deadline. */
static void deadline_alone(void)
{
    house h;
    liminal_envelope *reply = NULL;
    open_house(&h, 1000);
    go();
    sched_check(liminal_conversation_receive(h.conversation, &reply, never()) == LIMINAL_ETIMEDOUT);
    close_house(&h);
}

/* Two who ring, and nobody who ends it before the shutdown. */
static void kill_against_ask(void)
{
    house h;
    int thread;
    open_house(&h, 0);
    go();
    thread = sched_thread(kill_it, &h);
    ask_it(&h);
    sched_join(thread);
    close_house(&h);
}

static void drop_it(void *argument)
{
    house *h = argument;
    liminal_conversation_drop(&h->conversation);
}

static void last_drop_against_shutdown(void)
{
    house h;
    liminal_report report;
    int thread;
    open_house(&h, 0);
    go();
    thread = sched_thread(drop_it, &h);
    sched_check(liminal_supervisor_shutdown(&h.supervisor, &report, never()) == LIMINAL_OK);
    sched_join(thread);
    sched_check(report.threads == 1 && report.running == 0);
}

static void each(void)
{
    assert_all(prove_widely(close_alone, .preemptions = 2, .turns = SCHED_ANY, .old = 1));
    assert_seen(prove_widely(close_against_ask, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_all(prove_widely(two_closers, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(close_against_kill, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(kill_against_ask, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(deadline_alone, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(last_drop_against_shutdown, .preemptions = 2, .turns = 1, .old = 1));
}

static void dormant(void **state)
{
    (void)state;
    anew = false;
    each();
}

static void dormant_and_new(void **state)
{
    (void)state;
    anew = true;
    each();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(dormant), cmocka_unit_test(dormant_and_new)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

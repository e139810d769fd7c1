/* SPDX-License-Identifier: MIT */
/* test_actor.c -- who has the duty: an actor's own thread and those who assist it, in every order; deadlines and
 * calls; and a thread that is ended in the middle of a turn. Only the duty guards `handled` and `count`. */
#include "prove.h"

#include "actor.h"
#include "scope.h"
#include "waiter.h"

#include <string.h>

enum { LAST = 99, MOST = 6 };

typedef struct job {
    limi_node node;
    int number;
    limi_atomic_u32 done;
} job;

typedef struct world_of_one {
    limi_actor actor;
    job jobs[MOST];
    job last;
    int handled[MOST], count; /* guarded by the duty */
    int by_owner;
    int dues;
    int calls; /* the actor's thread only */
    int owner; /* which fiber its thread is */
    job *then;     /* posted in the middle of job 0 */
    bool ends_in;  /* the thread is ended in job 0 */
    bool leave;    /* on_call() makes the thread leave, once */
    limi_waiter told;
} world_of_one;

static void handle(void *self, limi_node *node)
{
    world_of_one *w = self;
    job *j = (job *)(void *)node;
    if (j->number == LAST) {
        limi_actor_finish(&w->actor);
        return;
    }
    w->handled[w->count++] = j->number;
    w->by_owner += sched_here() == w->owner;
    if (j->number == 0 && w->then != NULL) {
        (void)limi_actor_post(&w->actor, &w->then->node, LIMI_CLASS_CONTROL, LIMI_ASSIST_BRIEF, NULL, NULL);
    }
    limi_u32_store(&j->done, 1);
    if (j->number == 0 && w->ends_in) {
        limi_actor_hand_over(&w->actor);
        sched_thread_exit();
    }
}

static void on_due(void *self)
{
    world_of_one *w = self;
    w->dues++;
}

static bool on_call(void *self)
{
    world_of_one *w = self;
    bool leave = w->leave;
    w->calls++;
    w->leave = false;
    return leave;
}

static void live(void *argument)
{
    world_of_one *w = argument;
    limi_actor_live(&w->actor);
}

static const limi_actor_kind plain = {.handle = handle, .on_due = on_due, .on_call = on_call};

static world_of_one *open_world(bool held)
{
    world_of_one *w = sched_allocator()->allocate(NULL, sizeof *w);
    memset(w, 0, sizeof *w);
    limi_actor_init(&w->actor, held);
    limi_waiter_init(&w->told);
    w->owner = 1; /* the first that is started */
    w->actor.self = w;
    w->actor.kind = &plain;
    for (int i = 0; i < MOST; i++) {
        w->jobs[i].number = i;
    }
    w->last.number = LAST;
    return w;
}

static void post(world_of_one *w, int number, limi_assist assist)
{
    sched_check(limi_actor_post(&w->actor, &w->jobs[number].node, LIMI_CLASS_CONTROL, assist, NULL, NULL) <=
                LIMI_PUSH_DUTY);
}

/* Ends it, and the actor's thread; what was posted before was handled, once. */
static void end_world(world_of_one *w, int owner, int count)
{
    bool seen[MOST] = {false};
    (void)limi_actor_post(&w->actor, &w->last.node, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    sched_join(owner);
    sched_check(w->count == count);
    for (int i = 0; i < count; i++) {
        sched_check(!seen[w->handled[i]]);
        seen[w->handled[i]] = true;
    }
    sched_check(limi_mailbox_is_sealed(&w->actor.mailbox));
    limi_actor_destroy(&w->actor);
    limi_waiter_destroy(&w->told); /* when who said it has left */
    sched_allocator()->release(NULL, w, sizeof *w);
}

/* ---- an assistant and the thread ---- */

static void post_brief(void *argument)
{
    post(argument, 0, LIMI_ASSIST_BRIEF);
}

static void post_none(void *argument)
{
    post(argument, 1, LIMI_ASSIST_NONE);
}

static bool is_done(void *argument)
{
    return limi_u32_load(&((job *)argument)->done) != 0;
}

/* It leaves the rest to the thread as soon as its own is done. */
static void post_wait(void *argument)
{
    world_of_one *w = argument;
    job *j = &w->jobs[2];
    sched_check(limi_actor_post(&w->actor, &j->node, LIMI_CLASS_CONTROL, LIMI_ASSIST_WAIT, is_done, j) <=
                LIMI_PUSH_DUTY);
}

static void run_two(void (*first)(void *), void (*second)(void *), int count)
{
    world_of_one *w = open_world(false);
    int owner = sched_thread(live, w), one = sched_thread(first, w), two = sched_thread(second, w);
    sched_join(one);
    sched_join(two);
    end_world(w, owner, count);
}

static void brief_and_none(void)
{
    run_two(post_brief, post_none, 2);
}

static void wait_and_brief(void)
{
    run_two(post_wait, post_brief, 2);
}

static void wait_and_none(void)
{
    run_two(post_wait, post_none, 2);
}

static void the_duty_is_handed_on(void **state)
{
    (void)state;
    assert_all(prove(brief_and_none, .preemptions = 3, .turns = SCHED_ANY, .old = 1));
    assert_all(prove(wait_and_brief, .preemptions = 3, .turns = SCHED_ANY, .old = 1));
    assert_all(prove(wait_and_none, .preemptions = 3, .turns = SCHED_ANY, .old = 1));
}

/* ---- what is posted inside a turn; held until it is opened ---- */

static void a_post_inside_a_turn(void)
{
    world_of_one *w = open_world(true);
    int owner = sched_thread(live, w), one;
    w->then = &w->jobs[3];
    one = sched_thread(post_brief, w);
    limi_actor_open(&w->actor);
    sched_join(one);
    end_world(w, owner, 2);
}

static void held_and_inside(void **state)
{
    (void)state;
    assert_all(prove(a_post_inside_a_turn, .preemptions = 3, .turns = SCHED_ANY, .old = 1, .spurious = 1));
}

/* ---- deadlines and calls ---- */

static void set_due(void *argument)
{
    world_of_one *w = argument;
    limi_actor_set_due(&w->actor, sched_deadline(1000).ns);
}

static void due_and_post(void)
{
    world_of_one *w = open_world(false);
    int owner = sched_thread(live, w), one = sched_thread(set_due, w), two = sched_thread(post_brief, w);
    sched_join(one);
    sched_join(two);
    (void)limi_actor_post(&w->actor, &w->last.node, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    sched_join(owner);
    sched_check(w->count == 1 && w->dues <= 1);
    sched_outcome((unsigned)w->dues);
    limi_actor_destroy(&w->actor);
    limi_waiter_destroy(&w->told); /* when who said it has left */
    sched_allocator()->release(NULL, w, sizeof *w);
}

/* Nothing but the deadline wakes it, and then who waits for it. */
static void tell(void *self)
{
    world_of_one *w = self;
    w->dues++;
    limi_waiter_done(&w->told);
}

static void due_alone(void)
{
    static const limi_actor_kind telling = {.handle = handle, .on_due = tell, .on_call = on_call};
    world_of_one *w = open_world(false);
    int owner, one;
    w->actor.kind = &telling;
    owner = sched_thread(live, w);
    one = sched_thread(set_due, w);
    sched_check(limi_waiter_wait(&w->told, NULL, INT64_MAX) && w->dues == 1);
    sched_join(one);
    end_world(w, owner, 0);
}

static void call(void *argument)
{
    world_of_one *w = argument;
    limi_actor_call(&w->actor);
}

/* The thread leaves on the call; another one takes its place, and nothing that was rung is lost. */
static void a_thread_takes_over(void)
{
    world_of_one *w = open_world(false);
    int owner, one, two;
    w->leave = true;
    owner = sched_thread(live, w);
    one = sched_thread(call, w);
    two = sched_thread(post_none, w);
    sched_join(owner);
    owner = sched_thread(live, w);
    sched_join(one);
    sched_join(two);
    sched_check(w->calls == 1);
    end_world(w, owner, 1);
}

static void dues_and_calls(void **state)
{
    (void)state;
    assert_seen(prove(due_and_post, .preemptions = 2, .turns = SCHED_ANY, .old = 1, .early = 1), 3);
    assert_all(prove(due_alone, .preemptions = 3, .turns = SCHED_ANY, .old = 1, .early = 1));
    assert_all(prove(a_thread_takes_over, .preemptions = 2, .turns = SCHED_ANY, .old = 1));
}

/* ---- a thread that ends in a turn ---- */

static void ended_in_a_turn(void)
{
    world_of_one *w = open_world(false);
    int owner, one, two;
    w->ends_in = true;
    owner = sched_thread(live, w);
    one = sched_thread(post_brief, w);
    two = sched_thread(post_none, w);
    sched_join(one);
    sched_join(two);
    (void)limi_actor_post(&w->actor, &w->last.node, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    sched_join(owner);
    /* If it was the actor's own thread the duty lies in its bell, for the next one. */
    owner = sched_thread(live, w);
    sched_join(owner);
    sched_check(w->count == 2);
    sched_outcome((unsigned)w->by_owner);
    limi_actor_destroy(&w->actor);
    limi_waiter_destroy(&w->told); /* when who said it has left */
    sched_allocator()->release(NULL, w, sizeof *w);
}

static void the_rest_of_its_turn_is_not_lost(void **state)
{
    (void)state;
    assert_seen(prove(ended_in_a_turn, .preemptions = 2, .turns = SCHED_ANY, .old = 1), 2 | 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_duty_is_handed_on),
        cmocka_unit_test(held_and_inside),
        cmocka_unit_test(dues_and_calls),
        cmocka_unit_test(the_rest_of_its_turn_is_not_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

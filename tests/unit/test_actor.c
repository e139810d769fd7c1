/* SPDX-License-Identifier: MIT */
/* test_actor.c -- who runs the turn, and that nobody is left waiting for one. */
#include "support/harness.h"

#include "actor.h"
#include "scope.h"

#include <string.h>

typedef struct job {
    limi_node node;
    int number;
} job;

enum { MOST = 8 };

/* All but the actor is guarded by the duty. */
typedef struct world {
    limi_actor actor;
    int handled[MOST];
    pthread_t by[MOST];
    int count;
    int dues;
    int64_t next_due; /* set by the first due */
    pthread_t due_by;
    test_gate told; /* once per node and per due */
    test_gate *hold; /* waited for in node 1, if it is there */
    limi_node *next_up; /* posted in the middle of node 1 */
    limi_node *and_then; /* and this one behind it */
    int finish_at; /* the node that ends it all */
    test_thread thread;
} world;

static void handle(void *self, limi_node *node)
{
    world *w = self;
    const job *j = (const job *)(const void *)node;
    if (w->count < MOST) {
        w->handled[w->count] = j->number;
        w->by[w->count] = pthread_self();
    }
    w->count++;
    if (j->number == 1 && w->next_up != NULL) {
        (void)limi_actor_post(&w->actor, w->next_up, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    }
    if (j->number == 1 && w->and_then != NULL) {
        (void)limi_actor_post(&w->actor, w->and_then, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    }
    if (j->number == w->finish_at) {
        limi_actor_finish(&w->actor);
    }
    if (j->number == 1 && w->hold != NULL) {
        test_gate_open(&w->told);
        test_gate_wait(w->hold);
        return;
    }
    test_gate_open(&w->told);
}

static void on_due(void *self)
{
    world *w = self;
    w->dues++;
    if (w->next_due != 0) {
        limi_actor_set_due(&w->actor, w->next_due);
        w->next_due = 0;
    }
    w->due_by = pthread_self();
    test_gate_open(&w->told);
}

static void live(void *argument)
{
    limi_actor_live(&((world *)argument)->actor);
}

static const limi_actor_kind plain = {.handle = handle, .on_due = on_due};

static void begin(world *w, bool held)
{
    memset(w, 0, sizeof *w);
    limi_actor_init(&w->actor, held);
    w->actor.self = w;
    w->actor.kind = &plain;
    w->finish_at = 99;
    test_gate_init(&w->told);
}

static void start(world *w)
{
    test_thread_start(&w->thread, live, w);
}

static limi_push post(world *w, job *j, limi_assist assist)
{
    return limi_actor_post(&w->actor, &j->node, LIMI_CLASS_CONTROL, assist, NULL, NULL);
}

/* The last job makes the thread end. */
static void finish(world *w)
{
    job last = {.number = 99};
    (void)post(w, &last, LIMI_ASSIST_NONE);
    test_thread_join(&w->thread);
    assert_true(limi_mailbox_is_sealed(&w->actor.mailbox));
    limi_actor_destroy(&w->actor);
}

static bool was_mine(const world *w, int index)
{
    return pthread_equal(w->by[index], pthread_self()) != 0;
}

/* ---- who runs it ---- */

static void a_brief_turn_is_run_by_who_finds_it_idle(void **state)
{
    world w;
    job jobs[2] = {{.number = 1}, {.number = 2}};
    (void)state;
    begin(&w, false);
    start(&w);
    assert_int_equal(post(&w, &jobs[0], LIMI_ASSIST_BRIEF), LIMI_PUSH_DUTY);
    assert_int_equal(w.count, 1); /* before it returned */
    assert_true(was_mine(&w, 0));
    assert_int_equal(post(&w, &jobs[1], LIMI_ASSIST_WAIT), LIMI_PUSH_DUTY);
    assert_int_equal(w.count, 2);
    assert_true(was_mine(&w, 1));
    finish(&w);
    assert_int_equal(w.count, 3);
}

static void own_thread_only(world *w, limi_assist assist)
{
    job j = {.number = 1};
    start(w);
    assert_int_equal(post(w, &j, assist), LIMI_PUSH_DUTY);
    test_gate_wait(&w->told);
    assert_int_equal(w->handled[0], 1);
    assert_false(was_mine(w, 0));
    finish(w);
}

static void others_are_left_to_its_thread(void **state)
{
    world w;
    limi_frame frame = {.turn = NULL};
    (void)state;
    begin(&w, false);
    own_thread_only(&w, LIMI_ASSIST_NONE);
    begin(&w, false);
    w.actor.pinned = true;
    own_thread_only(&w, LIMI_ASSIST_WAIT);
    begin(&w, false);
    w.actor.heavy = true;
    own_thread_only(&w, LIMI_ASSIST_BRIEF);
    begin(&w, false);
    limi_frame_enter(&frame); /* turns never nest */
    own_thread_only(&w, LIMI_ASSIST_WAIT);
    limi_frame_leave(&frame);
}

static void a_heavy_turn_is_run_by_who_waits_for_it(void **state)
{
    world w;
    job j = {.number = 1};
    (void)state;
    begin(&w, false);
    w.actor.heavy = true;
    start(&w);
    assert_int_equal(post(&w, &j, LIMI_ASSIST_WAIT), LIMI_PUSH_DUTY);
    assert_true(was_mine(&w, 0));
    finish(&w);
}

static bool is_satisfied(void *argument)
{
    (void)argument;
    return true;
}

static void who_is_satisfied_leaves_the_rest(void **state)
{
    world w;
    job jobs[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    (void)state;
    begin(&w, false);
    w.next_up = &jobs[1].node;
    start(&w);
    assert_int_equal(limi_actor_post(&w.actor, &jobs[0].node, LIMI_CLASS_CONTROL, LIMI_ASSIST_WAIT, is_satisfied, NULL),
                     LIMI_PUSH_DUTY);
    test_gate_wait(&w.told);
    test_gate_wait(&w.told);
    assert_int_equal(w.handled[0], 1);
    assert_int_equal(w.handled[1], 2);
    assert_true(was_mine(&w, 0));
    assert_false(was_mine(&w, 1));
    test_until(limi_mailbox_is_idle(&w.actor.mailbox));
    w.next_up = NULL;
    assert_int_equal(limi_actor_post(&w.actor, &jobs[2].node, LIMI_CLASS_CONTROL, LIMI_ASSIST_WAIT, is_satisfied, NULL),
                     LIMI_PUSH_DUTY);
    assert_true(limi_mailbox_is_idle(&w.actor.mailbox)); /* nothing was left: it rests */
    assert_true(was_mine(&w, 2));
    finish(&w);
}

static bool has_handled_two(void *argument)
{
    return ((world *)argument)->count == 2;
}

/* The rest is what it has taken out of the mailbox already, and nothing is in there any more. */
static void what_was_taken_out_is_left_as_well(void **state)
{
    world w;
    job jobs[3] = {{.number = 1}, {.number = 2}, {.number = 3}};
    (void)state;
    begin(&w, false);
    w.next_up = &jobs[1].node;
    w.and_then = &jobs[2].node;
    start(&w);
    assert_int_equal(limi_actor_post(&w.actor, &jobs[0].node, LIMI_CLASS_CONTROL, LIMI_ASSIST_WAIT, has_handled_two,
                                     &w), LIMI_PUSH_DUTY);
    for (int i = 0; i < 3; i++) {
        test_gate_wait(&w.told);
    }
    assert_int_equal(w.handled[2], 3);
    assert_true(was_mine(&w, 1));
    assert_false(was_mine(&w, 2));
    finish(&w);
}

/* ---- order, holding, ending ---- */

static void nothing_is_handled_while_held(void **state)
{
    world w;
    job jobs[2] = {{.number = 1}, {.number = 2}};
    (void)state;
    begin(&w, true);
    start(&w);
    assert_int_equal(post(&w, &jobs[0], LIMI_ASSIST_WAIT), LIMI_PUSH_QUEUED);
    assert_int_equal(post(&w, &jobs[1], LIMI_ASSIST_WAIT), LIMI_PUSH_QUEUED);
    assert_int_equal(w.count, 0);
    limi_actor_open(&w.actor);
    test_gate_wait(&w.told);
    test_gate_wait(&w.told);
    assert_int_equal(w.handled[0], 1);
    assert_int_equal(w.handled[1], 2);
    finish(&w);

    begin(&w, true);
    limi_actor_open(&w.actor); /* with nothing there it is idle */
    assert_true(limi_mailbox_is_idle(&w.actor.mailbox));
    start(&w);
    finish(&w);
}

static void a_turn_by_another_ends_its_thread_too(void **state)
{
    world w;
    job j = {.number = 5};
    (void)state;
    begin(&w, false);
    w.finish_at = 5;
    start(&w);
    assert_int_equal(post(&w, &j, LIMI_ASSIST_WAIT), LIMI_PUSH_DUTY);
    assert_true(was_mine(&w, 0));
    assert_true(limi_mailbox_is_sealed(&w.actor.mailbox));
    test_thread_join(&w.thread);
    assert_int_equal(post(&w, &j, LIMI_ASSIST_WAIT), LIMI_PUSH_SEALED);
    limi_actor_destroy(&w.actor);
}

/* ---- due ---- */

static void due_is_called_once_on_its_own_thread(void **state)
{
    world w;
    (void)state;
    begin(&w, false);
    start(&w);
    limi_actor_set_due(&w.actor, limi_clock_monotonic() + 1000000);
    test_gate_wait(&w.told);
    assert_false(pthread_equal(w.due_by, pthread_self()));
    limi_actor_set_due(&w.actor, INT64_MIN); /* has passed */
    test_gate_wait(&w.told);
    limi_actor_set_due(&w.actor, limi_clock_monotonic() + (int64_t)3600 * 1000000000);
    limi_actor_set_due(&w.actor, limi_clock_monotonic() + 1000000); /* sooner than what it sleeps for */
    test_gate_wait(&w.told);
    limi_actor_set_due(&w.actor, limi_clock_monotonic() + (int64_t)3600 * 1000000000);
    limi_actor_set_due(&w.actor, INT64_MAX);
    finish(&w);
    assert_int_equal(w.dues, 3);
}

static bool was_called(world *w)
{
    return limi_bell_take(&w->actor.bell) != 0;
}

/* Its thread is the test's, and only looks whether it was called. */
static void a_due_that_is_noted_is_heard_of_later(void **state)
{
    world w;
    (void)state;
    begin(&w, false);
    limi_actor_look(&w.actor);
    assert_false(was_called(&w)); /* there is nothing to hear */
    limi_actor_note_due(&w.actor, 1000);
    assert_false(was_called(&w));
    limi_actor_look(&w.actor);
    assert_true(was_called(&w));
    limi_actor_look(&w.actor);
    assert_false(was_called(&w)); /* once */
    limi_actor_set_due(&w.actor, 2000);
    assert_false(was_called(&w)); /* it sleeps for an earlier one */
    limi_actor_note_due(&w.actor, 1500);
    limi_actor_set_due(&w.actor, 1700);
    assert_true(was_called(&w)); /* it has not heard of any earlier one than this */
    limi_actor_note_due(&w.actor, 1800);
    limi_actor_set_due(&w.actor, INT64_MAX);
    limi_actor_look(&w.actor);
    assert_false(was_called(&w)); /* it is none any more */
    limi_actor_destroy(&w.actor);
}

/* ---- two producers and the thread itself ---- */

enum { EACH = 10000 };

typedef struct producer {
    limi_actor *actor;
    limi_node *nodes;
    limi_assist assist;
    test_thread thread;
} producer;

static void count_up(void *self, limi_node *node)
{
    int *totals = self;
    totals[node->kind]++;
}

static void produce(void *argument)
{
    producer *me = argument;
    for (int i = 0; i < EACH; i++) {
        limi_push pushed = limi_actor_post(me->actor, &me->nodes[i], LIMI_CLASS_MESSAGE, me->assist, NULL, NULL);
        (void)test_check(pushed == LIMI_PUSH_DUTY || pushed == LIMI_PUSH_QUEUED);
    }
}

static void a_due_may_set_the_next_one(void **state)
{
    world w;
    (void)state;
    begin(&w, false);
    w.next_due = 2; /* long ago, as the first */
    start(&w);
    limi_actor_set_due(&w.actor, 1);
    test_gate_wait(&w.told);
    test_gate_wait(&w.told);
    finish(&w);
    assert_int_equal(w.dues, 2);
}

static void a_due_that_has_not_come_is_not_called(void **state)
{
    world w;
    job jobs[4] = {{.number = 1}, {.number = 2}, {.number = 3}, {.number = 4}};
    (void)state;
    begin(&w, false);
    start(&w);
    limi_actor_set_due(&w.actor, limi_clock_monotonic() + INT64_C(3600) * 1000000000);
    for (int i = 0; i < 4; i++) { /* each time its thread looks again */
        (void)post(&w, &jobs[i], LIMI_ASSIST_NONE);
        test_gate_wait(&w.told);
    }
    finish(&w);
    assert_int_equal(w.dues, 0);
}

static void every_node_is_handled_once(void **state)
{
    static limi_node nodes[2][EACH];
    static const limi_actor_kind counting = {.handle = count_up};
    static const limi_assist pairs[][2] = {
        {LIMI_ASSIST_NONE, LIMI_ASSIST_NONE},
        {LIMI_ASSIST_NONE, LIMI_ASSIST_BRIEF},
        {LIMI_ASSIST_BRIEF, LIMI_ASSIST_WAIT},
    };
    (void)state;
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        int totals[2] = {0, 0}; /* guarded by the duty: TSan looks */
        world w;
        producer producers[2];
        begin(&w, false);
        w.actor.self = totals;
        w.actor.kind = &counting;
        start(&w);
        for (uint32_t i = 0; i < 2; i++) {
            for (int n = 0; n < EACH; n++) {
                nodes[i][n] = (limi_node){.kind = i};
            }
            producers[i] = (producer){.actor = &w.actor, .nodes = nodes[i], .assist = pairs[k][i]};
            test_thread_start(&producers[i].thread, produce, &producers[i]);
        }
        for (int i = 0; i < 2; i++) {
            test_thread_join(&producers[i].thread);
        }
        test_until(limi_mailbox_is_idle(&w.actor.mailbox)); /* a node whose wake was lost would stay for ever */
        w.actor.self = &w;
        w.actor.kind = &plain;
        finish(&w);
        assert_int_equal(totals[0], EACH);
        assert_int_equal(totals[1], EACH);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_brief_turn_is_run_by_who_finds_it_idle),
        TEST(others_are_left_to_its_thread),
        TEST(a_heavy_turn_is_run_by_who_waits_for_it),
        TEST(who_is_satisfied_leaves_the_rest),
        TEST(what_was_taken_out_is_left_as_well),
        TEST(nothing_is_handled_while_held),
        TEST(a_turn_by_another_ends_its_thread_too),
        TEST(due_is_called_once_on_its_own_thread),
        TEST(a_due_that_is_noted_is_heard_of_later),
        TEST(a_due_may_set_the_next_one),
        TEST(a_due_that_has_not_come_is_not_called),
        TEST(every_node_is_handled_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

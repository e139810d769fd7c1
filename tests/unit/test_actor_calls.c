/* SPDX-License-Identifier: MIT */
/* test_actor_calls.c -- an actor's thread is called, leaves, is replaced, or is ended in the middle of a turn: nothing
 * that was on its way is lost. */
#include "support/harness.h"

#include "actor.h"

#include <stdatomic.h>
#include <string.h>

enum { NODES = 4 };

/* All but the actor belongs to who has the duty, or is its thread. */
typedef struct world {
    limi_actor actor;
    limi_node nodes[NODES];
    char story[64]; /* a letter for each thing that happened: 0 1 2 3 a node, c a call, d a deadline, l it leaves */
    atomic_int calls, leaves; /* calls made; how often on_call() is still to say "leave" */
    bool calls_itself;        /* node 1 and the first call call once more */
    bool ends_thread;         /* node 1 ends the thread */
    test_gate told, hold;     /* node 0 waits at `hold`, if it is `held` */
    bool held;
    test_thread thread;
} world;

static void tell(world *w, char what)
{
    w->story[strlen(w->story)] = what;
}

static void handle(void *self, limi_node *node)
{
    world *w = self;
    tell(w, (char)('0' + node->kind));
    if (node->kind == 0 && w->held) {
        test_gate_open(&w->told);
        test_gate_wait(&w->hold);
    }
    if (node->kind == 1 && w->calls_itself) {
        limi_actor_call(&w->actor);
    }
    if (node->kind == 1 && w->ends_thread) {
        limi_actor_hand_over(&w->actor); /* as who guards the embedder's code does */
        pthread_exit(NULL);
    }
    if (node->kind == NODES - 1) {
        limi_actor_finish(&w->actor);
    }
    test_gate_open(&w->told);
}

static bool on_call(void *self)
{
    world *w = self;
    bool leaves = atomic_load(&w->leaves) > 0;
    tell(w, leaves ? 'l' : 'c');
    if (w->calls_itself && atomic_load(&w->calls) == 0) {
        limi_actor_call(&w->actor);
    }
    atomic_fetch_add(&w->calls, 1);
    atomic_fetch_sub(&w->leaves, leaves);
    test_gate_open(&w->told);
    return leaves;
}

static void on_due(void *self)
{
    tell(self, 'd');
    test_gate_open(&((world *)self)->told);
}

static void live(void *argument)
{
    limi_actor_live(&((world *)argument)->actor);
}

/* What is left to be done by one whose thread was ended is done at its end. */
static void body(void *argument)
{
    limi_thread_guard(live, live, argument);
}

static const limi_actor_kind plain = {.handle = handle, .on_call = on_call, .on_due = on_due};

static void begin(world *w)
{
    memset(w, 0, sizeof *w);
    limi_actor_init(&w->actor, false);
    w->actor.self = w;
    w->actor.kind = &plain;
    test_gate_init(&w->told);
    test_gate_init(&w->hold);
    for (uint32_t i = 0; i < NODES; i++) {
        w->nodes[i].kind = i;
    }
}

static void start(world *w)
{
    test_thread_start(&w->thread, body, w);
}

static void post(world *w, int i)
{
    (void)limi_actor_post(&w->actor, &w->nodes[i], LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
}

/* The last node makes the thread end. */
static void finish(world *w, const char *story)
{
    post(w, NODES - 1);
    test_thread_join(&w->thread);
    assert_string_equal(w->story, story);
    assert_true(limi_mailbox_is_sealed(&w->actor.mailbox));
    limi_actor_destroy(&w->actor);
}

static void a_call_is_made_on_its_thread(void **state)
{
    world w;
    (void)state;
    begin(&w);
    limi_actor_call(&w.actor); /* before there is a thread */
    limi_actor_call(&w.actor); /* twice is once: nobody had come to the first */
    start(&w);
    test_gate_wait(&w.told);
    limi_actor_call(&w.actor);
    test_gate_wait(&w.told);
    finish(&w, "cc3");
}

static void the_turn_comes_before_the_call(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.held = true;
    post(&w, 0);
    start(&w);
    test_gate_wait(&w.told);
    limi_actor_call(&w.actor); /* while it is in the middle of a turn */
    post(&w, 1);
    post(&w, 2);
    test_gate_open(&w.hold);
    for (int i = 0; i < 4; i++) {
        test_gate_wait(&w.told);
    }
    finish(&w, "012c3");
}

/* A call that comes while another one is made is made as well. */
static void a_call_inside_a_call_and_inside_a_turn(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.calls_itself = true;
    start(&w);
    limi_actor_call(&w.actor);
    test_gate_wait(&w.told);
    test_gate_wait(&w.told);
    post(&w, 1);
    test_gate_wait(&w.told);
    test_gate_wait(&w.told);
    finish(&w, "cc1c3");
}

/* Between one thread and the next: nodes, calls and deadlines wait for whoever comes. */
static void who_leaves_leaves_everything(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.leaves = 1;
    limi_actor_call(&w.actor);
    start(&w);
    test_thread_join(&w.thread);
    assert_string_equal(w.story, "l");
    post(&w, 0);
    post(&w, 1);
    limi_actor_call(&w.actor);
    limi_actor_set_due(&w.actor, 1); /* long ago */
    start(&w);
    for (int i = 0; i < 5; i++) { /* with the one that left */
        test_gate_wait(&w.told);
    }
    finish(&w, "l01cd3");
}

/* The turn was handed to it as it left. */
static void who_leaves_leaves_a_turn_that_was_its(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.leaves = 3;
    for (int i = 0; i < 3; i++) {
        limi_actor_call(&w.actor);
        start(&w);
        post(&w, i); /* before or after it has left */
        test_thread_join(&w.thread);
    }
    start(&w);
    for (int i = 0; i < 6; i++) {
        test_gate_wait(&w.told);
    }
    post(&w, NODES - 1);
    test_thread_join(&w.thread);
    assert_int_equal(strlen(w.story), 7);
    assert_true(strchr(w.story, '0') < strchr(w.story, '1') && strchr(w.story, '1') < strchr(w.story, '2'));
    assert_int_equal(w.calls, 3);
    limi_actor_destroy(&w.actor);
}

/* Its thread is ended in a turn, with a call taken and not made, and more nodes in hand. */
static void who_is_ended_goes_on_at_its_end(void **state)
{
    world w;
    (void)state;
    begin(&w);
    w.ends_thread = true;
    post(&w, 0);
    post(&w, 1);
    post(&w, 2);
    limi_actor_call(&w.actor);
    start(&w);
    for (int i = 0; i < 3; i++) { /* node 1 tells nobody */
        test_gate_wait(&w.told);
    }
    finish(&w, "012c3");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_call_is_made_on_its_thread),
        TEST(the_turn_comes_before_the_call),
        TEST(a_call_inside_a_call_and_inside_a_turn),
        TEST(who_leaves_leaves_everything),
        TEST(who_leaves_leaves_a_turn_that_was_its),
        TEST(who_is_ended_goes_on_at_its_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_stuck.c -- every kind of callback, when it does not return, or its thread is ended or cancelled inside it:
 * others go on, calls end at their deadlines, a shutdown says who it is, and in the end nothing is left. */
#define _GNU_SOURCE
#include "fault/waits_kit.h"

typedef struct stuck_one {
    test_gate go;
} stuck_one;

static void stay(place *p)
{
    test_gate_wait(&((stuck_one *)p->context)->go);
}

static liminal_status ask_within(liminal_conversation *talk, liminal_deadline deadline)
{
    liminal_envelope *request = race_say("x"), *reply = NULL;
    liminal_status st = liminal_conversation_ask(talk, &request, &reply, deadline);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return st;
}

/* While one callback stays, nobody else has to. */
static void others_go_on(place *p)
{
    const liminal_deadline far = liminal_deadline_in_ms(20000);
    liminal_conversation *talk = NULL, *third = NULL;
    liminal_snapshot *snapshot = NULL;
    liminal_pid pids[16];
    size_t count;
    assert_int_equal(ask_within(p->other, far), LIMINAL_OK);
    assert_int_equal(liminal_supervisor_spawn_behaviour(p->supervisor, liminal_behaviour_echo(), NULL,
                                                        LIMINAL_CRASH_FAIL, &third), LIMINAL_OK);
    assert_int_equal(ask_within(third, far), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(p->supervisor, race_pid(third, 0)), LIMINAL_OK);
    assert_int_equal(liminal_conversation_close(third, far), LIMINAL_OK);
    liminal_conversation_drop(&third);
    assert_int_equal(liminal_process_list(p->supervisor, pids, 16, &count), LIMINAL_OK);
    if (p->own != NULL && !place_is(p, START_THREAD, START_INLINE)) { /* the call returns at its deadline */
        liminal_status st = ask_within(p->own, liminal_deadline_in_ms(1));
        assert_true(st == LIMINAL_OK || st == LIMINAL_ETIMEDOUT || st == LIMINAL_ECLOSED || st == LIMINAL_EEXIT);
        assert_int_equal(liminal_conversation_query(p->own, &snapshot, liminal_deadline_in_ms(1)), LIMINAL_OK);
        liminal_snapshot_drop(&snapshot);
        assert_int_equal(liminal_conversation_close(p->own, liminal_deadline_in_ms(1)), LIMINAL_OK);
    }
    if (liminal_supervisor_find_name(p->supervisor, "other", &talk) == LIMINAL_OK) {
        liminal_conversation_drop(&talk);
    }
}

/* A behaviour and what undoes are named; a notice and a collector are no behaviour of anybody's. Others may be on their
 * way out still. */
static void assert_straggler(const place *p, const liminal_report *report)
{
    const char *name = place_is(p, UNDO, COMPENSATE) ? "own" : "part";
    bool found = place_is(p, NOTICE_ACTOR, NOTICE_END) || p->kind == COLLECT;
    for (size_t i = 0; i < report->running && i < LIMINAL_STRAGGLERS; i++) {
        found = found || strcmp(report->stragglers[i].name, name) == 0;
    }
    assert_true(found);
}

static void one_that_does_not_return(void **state)
{
    place p;
    stuck_one s;
    (void)state;
    for (int kind = 0; kind < PLACES; kind++) {
        liminal_supervisor *copy;
        liminal_report report;
        liminal_status st;
        test_gate_init(&s.go);
        place_begin(&p, (place_kind)kind, stay, &s);
        others_go_on(&p);
        copy = p.supervisor;
        if (kind == COLLECT_OWN || kind == BACKEND) { /* of the host's: no shutdown need wait for them */
            test_gate_open(&s.go);
            place_end(&p);
            continue;
        }
        st = liminal_supervisor_shutdown(&copy, &report, liminal_deadline_in_ms(2));
        assert_int_equal(st, LIMINAL_ETIMEDOUT);
        assert_ptr_equal(copy, p.supervisor);
        assert_straggler(&p, &report);
        test_gate_open(&s.go);
        place_end(&p);
    }
}

/* ---- a thread that is ended inside ---- */

static void end_the_thread(place *p)
{
    test_gate_open(&p->done);
    pthread_exit(NULL);
}

/* Those that may; the others have to return. */
static void in_each_that_may(void (*act)(place *p))
{
    place p;
    for (int kind = 0; kind < PLACES; kind++) {
        if (kind != NOTICE_ACTOR && kind != NOTICE_END && kind != COLLECT && kind != COLLECT_OWN && kind != BACKEND) {
            place_begin(&p, (place_kind)kind, act, NULL);
            place_end(&p);
        }
    }
}

static void one_that_ends_its_thread(void **state)
{
    (void)state;
    in_each_that_may(end_the_thread);
}

/* The library's threads do not hear of it; a host's thread that runs a behaviour does. */
static void cancel_the_thread(place *p)
{
    (void)pthread_cancel(pthread_self());
    test_gate_open(&p->done);
    pthread_testcancel();
}

static void one_that_is_cancelled(void **state)
{
    (void)state;
    in_each_that_may(cancel_the_thread);
}

/* ---- a caller that is cancelled while it waits ---- */

/* It does not leave the library half way: that comes at its next point of cancellation, when it is out again. */
static void cancel_it(scene *s)
{
    test_until(atomic_load(&s->task) != 0 && test_sleeps(atomic_load(&s->task)));
    (void)pthread_cancel(s->thread.thread);
}

static void nothing(void)
{
}

static void a_cancelled_caller_gets_what_it_waits_for(void **state)
{
    (void)state;
    what_is_satisfied_afterwards(MINUTE, cancel_it, nothing);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_that_does_not_return),
        TEST(one_that_ends_its_thread),
        TEST(one_that_is_cancelled),
        TEST(a_cancelled_caller_gets_what_it_waits_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

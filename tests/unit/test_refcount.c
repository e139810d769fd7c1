/* SPDX-License-Identifier: MIT */
/* test_refcount.c -- a count of owners. */
#include "support/harness.h"

#include "refcount.h"

static void the_last_down_says_so(void **state)
{
    limi_refcount count;
    (void)state;
    limi_refcount_init(&count);
    limi_refcount_up(&count);
    limi_refcount_up(&count);
    assert_false(limi_refcount_down(&count));
    assert_false(limi_refcount_down(&count));
    assert_true(limi_refcount_up_unless_zero(&count));
    assert_false(limi_refcount_down(&count));
    assert_true(limi_refcount_down(&count));
    assert_false(limi_refcount_up_unless_zero(&count));
    assert_false(limi_refcount_up_unless_zero(&count)); /* and it has not moved */
}

enum { ROUNDS = 2000, TURNS = 20 };

/* One thing that two threads own; its `plain` field is guarded by nothing but the count. */
typedef struct shared {
    limi_refcount owners;
    int plain[2];
    int freed;
} shared;

typedef struct side {
    shared *things;
    int number;
    int last_out; /* how often this side was the last one */
} side;

static void use_and_let_go(void *argument)
{
    side *me = argument;
    for (int i = 0; i < ROUNDS; i++) {
        shared *thing = &me->things[i];
        for (int k = 0; k < TURNS; k++) {
            limi_refcount_up(&thing->owners);
            (void)test_check(!limi_refcount_down(&thing->owners));
        }
        thing->plain[me->number] = i;
        if (limi_refcount_down(&thing->owners)) {
            /* Sees what the other one did before it let go: TSan looks. */
            (void)test_check(thing->plain[0] == i && thing->plain[1] == i);
            thing->freed++;
            me->last_out++;
        }
    }
}

static void exactly_one_is_the_last(void **state)
{
    static shared things[ROUNDS];
    side sides[2] = {{things, 0, 0}, {things, 1, 0}};
    test_thread threads[2];
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        limi_refcount_init(&things[i].owners);
        limi_refcount_up(&things[i].owners);
    }
    for (int i = 0; i < 2; i++) {
        test_thread_start(&threads[i], use_and_let_go, &sides[i]);
    }
    for (int i = 0; i < 2; i++) {
        test_thread_join(&threads[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(things[i].freed, 1);
    }
    assert_int_equal(sides[0].last_out + sides[1].last_out, ROUNDS);
}

typedef struct seeker {
    shared *things;
    int found;
} seeker;

static void seek(void *argument)
{
    seeker *me = argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (limi_refcount_up_unless_zero(&me->things[i].owners)) {
            me->found++;
            if (limi_refcount_down(&me->things[i].owners)) {
                me->things[i].freed++;
            }
        }
    }
}

static void let_go(void *argument)
{
    shared *things = argument;
    for (int i = 0; i < ROUNDS; i++) {
        if (limi_refcount_down(&things[i].owners)) {
            things[i].freed++;
        }
    }
}

/* Whoever finds it in an index either becomes an owner or finds it gone; it is freed once either way. */
static void none_rises_from_zero(void **state)
{
    static shared things[ROUNDS];
    seeker me = {things, 0};
    test_thread threads[2];
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        limi_refcount_init(&things[i].owners);
    }
    test_thread_start(&threads[0], seek, &me);
    test_thread_start(&threads[1], let_go, things);
    test_thread_join(&threads[0]);
    test_thread_join(&threads[1]);
    for (int i = 0; i < ROUNDS; i++) {
        assert_int_equal(things[i].freed, 1);
        assert_false(limi_refcount_up_unless_zero(&things[i].owners));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_down_says_so),
        TEST(exactly_one_is_the_last),
        TEST(none_rises_from_zero),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

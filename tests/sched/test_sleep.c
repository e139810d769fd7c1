/* SPDX-License-Identifier: MIT */
/* test_sleep.c -- whoever sleeps is woken: waiter, bell and quota, in every order, with every end of a wait. */
#include "prove.h"

#include "bell.h"
#include "quota.h"
#include "waiter.h"

#include <string.h>

/* ---- waiter: park against unpark ---- */

typedef struct desk {
    limi_waiter waiter;
    limi_atomic_u32 owners; /* of `waiter` and the rest */
    int plain;
    bool disturbed;
    int64_t deadline;
} desk;

static desk *open_desk(void)
{
    desk *d = sched_allocator()->allocate(NULL, sizeof *d);
    memset(d, 0, sizeof *d);
    limi_waiter_init(&d->waiter);
    limi_u32_init(&d->owners, 2);
    d->deadline = INT64_MAX;
    return d;
}

static void leave_desk(desk *d)
{
    if (limi_u32_sub_acqrel(&d->owners, 1) == 1) {
        limi_waiter_destroy(&d->waiter);
        sched_allocator()->release(NULL, d, sizeof *d);
    }
}

static void say_done(void *argument)
{
    desk *d = argument;
    d->plain = 7;
    limi_waiter_done(&d->waiter);
    leave_desk(d);
}

static void done_against_wait(void)
{
    desk *d = open_desk();
    int other = sched_thread(say_done, d);
    sched_check(limi_waiter_wait(&d->waiter, NULL, INT64_MAX));
    sched_check(d->plain == 7);
    leave_desk(d);
    sched_join(other);
}

/* Who only looks, and sees that it is done, sees all that was done before. */
static void done_against_a_look(void)
{
    desk *d = open_desk();
    int other = sched_thread(say_done, d);
    bool done = limi_waiter_is_done(&d->waiter);
    sched_outcome(done);
    sched_check(done ? d->plain == 7 : limi_waiter_wait(&d->waiter, NULL, INT64_MAX));
    leave_desk(d);
    sched_join(other);
}

/* Whoever was late waits again. */
static void done_against_deadline(void)
{
    desk *d = open_desk();
    int other = sched_thread(say_done, d);
    bool in_time = limi_waiter_wait(&d->waiter, NULL, sched_deadline(1000).ns);
    sched_outcome(in_time);
    if (!in_time) {
        sched_check(limi_clock_monotonic() >= 1000);
        in_time = limi_waiter_wait(&d->waiter, NULL, INT64_MAX);
    }
    sched_check(in_time && limi_waiter_is_done(&d->waiter) && d->plain == 7);
    leave_desk(d);
    sched_join(other);
}

static void disturb(void *argument)
{
    desk *d = argument;
    d->disturbed = true;
    limi_waiter_disturb(&d->waiter);
}

static void disturbed_against_done(void)
{
    desk *d = open_desk();
    int other = sched_thread(say_done, d), third;
    d->disturbed = false;
    third = sched_thread(disturb, d);
    if (!limi_waiter_wait(&d->waiter, NULL, INT64_MAX)) {
        sched_check(d->disturbed); /* also in the sight of the clocks */
        sched_outcome(0);
        sched_check(limi_waiter_wait(&d->waiter, NULL, INT64_MAX));
    } else {
        sched_outcome(1);
    }
    sched_check(d->plain == 7);
    sched_join(third);
    leave_desk(d);
    sched_join(other);
}

/* What is left to be done is offered to who waits; it is taken by one: who waits, or another one who has shut it. */
static void make_offer(void *argument)
{
    desk *d = argument;
    d->plain = 7;
    if (!limi_waiter_offer(&d->waiter)) {
        d->plain = 8;
        limi_waiter_done(&d->waiter);
    }
    leave_desk(d);
}

static void shut_and_take(void *argument)
{
    desk *d = argument;
    limi_waiter_shut(&d->waiter);
    if (limi_waiter_take(&d->waiter)) {
        sched_check(d->plain == 7);
        d->plain = 8;
        limi_waiter_done(&d->waiter);
        sched_outcome(2);
    }
}

static void offered_of(bool is_shut)
{
    desk *d = open_desk();
    int other, third = 0;
    bool done = false;
    limi_waiter_open(&d->waiter);
    other = sched_thread(make_offer, d);
    if (is_shut) {
        third = sched_thread(shut_and_take, d);
    }
    while (!done && !(done = limi_waiter_wait(&d->waiter, NULL, INT64_MAX))) {
        if (limi_waiter_is_offered(&d->waiter) && limi_waiter_take(&d->waiter)) {
            sched_check(d->plain == 7);
            sched_outcome(0);
            d->plain = 8;
            done = true;
        }
    }
    sched_check(d->plain == 8);
    sched_outcome(1);
    if (is_shut) {
        sched_join(third);
    }
    leave_desk(d);
    sched_join(other);
}

static void offered_against_wait(void)
{
    offered_of(false);
}

static void offered_against_shut(void)
{
    offered_of(true);
}

static void waiters(void **state)
{
    (void)state;
    assert_seen(prove(done_against_wait, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4, .spurious = 2), 0);
    assert_seen(prove(done_against_wait, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4, .spins = 2), 0);
    assert_seen(prove(done_against_a_look, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4), 3);
    assert_seen(prove(done_against_deadline, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4, .early = 2,
                      .spurious = 1),
                3);
    assert_seen(prove(offered_against_wait, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4, .spurious = 1), 3);
    assert_seen(prove(offered_against_shut, .preemptions = 3, .turns = SCHED_ANY, .old = 2, .spurious = 1), 7);
    assert_seen(prove(offered_against_shut, .preemptions = 3, .turns = SCHED_ANY, .old = 2, .spins = 1), 7);
    assert_seen(prove(disturbed_against_done, .preemptions = 3, .turns = SCHED_ANY, .old = 2, .spurious = 1), 3);
}

/* ---- bell: ring against sleep ---- */

typedef struct house {
    limi_bell bell;
    int plain[2];
    limi_word outside; /* what the owner sleeps on who sleeps elsewhere */
    limi_atomic_ptr tray;
    int64_t deadline;
} house;

static void house_init(house *h)
{
    memset(h, 0, sizeof *h);
    limi_bell_init(&h->bell);
    limi_word_init(&h->outside, 0);
    limi_ptr_init(&h->tray, 0);
    h->deadline = INT64_MAX;
}

static void ring_one(void *argument)
{
    house *h = argument;
    h->plain[0] = 1;
    limi_bell_ring(&h->bell, 1);
}

static void ring_two(void *argument)
{
    house *h = argument;
    h->plain[1] = 1;
    limi_bell_ring(&h->bell, 2);
}

static void rung_by_two(void)
{
    house h;
    int one, two;
    uint32_t rung = 0;
    house_init(&h);
    one = sched_thread(ring_one, &h);
    two = sched_thread(ring_two, &h);
    while (rung != 3) {
        uint32_t now = limi_bell_take(&h.bell);
        sched_check((rung & now) == 0); /* each once */
        rung |= now;
        sched_check((now & 1) == 0 || h.plain[0] == 1);
        sched_check((now & 2) == 0 || h.plain[1] == 1);
        if (rung != 3) {
            limi_bell_sleep(&h.bell, INT64_MAX);
        }
    }
    sched_join(one);
    sched_join(two);
    limi_bell_destroy(&h.bell);
}

static void rung_or_late(void)
{
    house h;
    int one;
    int64_t deadline;
    house_init(&h);
    one = sched_thread(ring_one, &h);
    deadline = sched_deadline(1000).ns;
    while (limi_bell_take(&h.bell) == 0) {
        if (limi_clock_monotonic() >= deadline) {
            sched_outcome(0);
            deadline = INT64_MAX;
        }
        limi_bell_sleep(&h.bell, deadline);
    }
    sched_check(h.plain[0] == 1);
    sched_outcome(1);
    sched_join(one);
    limi_bell_destroy(&h.bell);
}

/* As one whose thread is in a poll: it is told by other means, and only when it has said that it is there. */
static void ring_outside(void *argument)
{
    house *h = argument;
    h->plain[0] = 1;
    if (limi_bell_set(&h->bell, 1)) {
        (void)limi_u32_add(&h->outside.value, 1);
        limi_unpark(&h->outside);
        sched_outcome(0);
    }
}

static void asleep_elsewhere(void)
{
    house h;
    int one;
    house_init(&h);
    one = sched_thread(ring_outside, &h);
    for (;;) {
        uint32_t look = limi_u32_load(&h.outside.value);
        if (limi_bell_take(&h.bell) == 1) {
            break;
        }
        if (limi_bell_doze(&h.bell)) {
            (void)limi_park(&h.outside, look, INT64_MAX);
            limi_bell_rouse(&h.bell);
        }
    }
    sched_check(h.plain[0] == 1);
    sched_outcome(1);
    sched_join(one);
}

/* By a tray: who lays something there rings only if the owner sleeps. */
static const uint64_t something[1];

static void lay_something(void *argument)
{
    house *h = argument;
    h->plain[1] = 1;
    limi_ptr_store(&h->tray, (uintptr_t)something);
    if (limi_bell_is_dozed(&h->bell)) {
        limi_bell_ring(&h->bell, 4);
    } else {
        sched_outcome(0);
    }
}

static void asleep_by_a_tray(void)
{
    house h;
    int one, two;
    bool laid = false;
    uint32_t rung = 0;
    house_init(&h);
    one = sched_thread(ring_one, &h);
    two = sched_thread(lay_something, &h);
    while (!laid || (rung & 1) == 0) {
        uintptr_t there;
        rung |= limi_bell_take(&h.bell);
        there = limi_ptr_load(&h.tray);
        if (there == (uintptr_t)something && limi_ptr_cas(&h.tray, &there, there | 1)) {
            sched_check(!laid && h.plain[1] == 1);
            laid = true;
        } else if (!laid || (rung & 1) == 0) {
            limi_bell_sleep_by(&h.bell, &h.tray, INT64_MAX);
        }
    }
    sched_check(h.plain[0] == 1);
    sched_outcome(1);
    sched_join(one);
    sched_join(two);
    limi_bell_destroy(&h.bell);
}

static void bells(void **state)
{
    (void)state;
    assert_all(prove(rung_by_two, .preemptions = 3, .turns = SCHED_ANY, .old = 3, .spurious = 1));
    assert_seen(prove(rung_or_late, .preemptions = 3, .turns = SCHED_ANY, .old = 3, .spurious = 1, .early = 2), 3);
    assert_seen(prove(asleep_by_a_tray, .preemptions = 3, .turns = SCHED_ANY, .old = 2, .spurious = 1), 3);
    assert_seen(prove(asleep_by_a_tray, .preemptions = 3, .turns = SCHED_ANY, .old = 2, .spins = 1), 3);
    assert_seen(prove(asleep_elsewhere, .preemptions = 4, .turns = SCHED_ANY, .old = 3, .spurious = 1), 3);
}

/* ---- quota: room for one ---- */

typedef struct room {
    limi_quota quota;
    limi_atomic_u32 closed;
    limi_atomic_u32 inside; /* how many have the place */
    int plain;              /* guarded by the place */
} room;

static bool is_closed(void *argument)
{
    return limi_u32_load(&((room *)argument)->closed) != 0;
}

static void stay(room *r)
{
    sched_check(limi_u32_add_relaxed(&r->inside, 1) == 0);
    sched_check(limi_u32_sub_relaxed(&r->inside, 1) == 1);
    limi_quota_release(&r->quota, 1);
}

static void enter_room(void *argument)
{
    room *r = argument;
    if (limi_quota_take(&r->quota, 1) ||
        limi_quota_wait(&r->quota, 1, is_closed, r, INT64_MAX) == LIMI_ROOM_TAKEN) {
        stay(r);
    } else {
        sched_check(is_closed(r));
        sched_outcome(0);
    }
}

static void enter_room_for_a_while(void *argument)
{
    room *r = argument;
    limi_room outcome = limi_quota_wait(&r->quota, 1, is_closed, r, sched_deadline(1000).ns);
    sched_outcome(1 + (unsigned)outcome);
    if (outcome == LIMI_ROOM_TAKEN) {
        stay(r);
    }
}

static void room_init(room *r)
{
    memset(r, 0, sizeof *r);
    limi_quota_init(&r->quota, 1, 100);
    limi_u32_init(&r->closed, 0);
    limi_u32_init(&r->inside, 0);
}

static void room_for_one(void)
{
    room r;
    int one, two;
    room_init(&r);
    sched_check(limi_quota_take(&r.quota, 1));
    one = sched_thread(enter_room, &r);
    two = sched_thread(enter_room, &r);
    limi_quota_release(&r.quota, 1);
    sched_join(one);
    sched_join(two);
    limi_quota_destroy(&r.quota);
}

static void room_or_late(void)
{
    room r;
    int one;
    room_init(&r);
    sched_check(limi_quota_take(&r.quota, 1));
    one = sched_thread(enter_room_for_a_while, &r);
    limi_quota_release(&r.quota, 1);
    sched_join(one);
    limi_quota_destroy(&r.quota);
}

/* Nobody releases: the close has to wake them. */
static void room_or_closed(void)
{
    room r;
    int one, two;
    room_init(&r);
    sched_check(limi_quota_take(&r.quota, 1));
    one = sched_thread(enter_room, &r);
    two = sched_thread(enter_room, &r);
    limi_u32_store(&r.closed, 1);
    limi_quota_disturb(&r.quota);
    sched_join(one);
    sched_join(two);
    limi_quota_destroy(&r.quota);
}

/* ---- quota: patience ---- */

static void enter_large_room(void *argument)
{
    room *r = argument;
    int64_t since_ns = limi_clock_monotonic();
    sched_check(limi_quota_wait(&r->quota, 40, is_closed, r, INT64_MAX) == LIMI_ROOM_TAKEN);
    sched_outcome(limi_clock_monotonic() - since_ns >= 300000); /* its patience is over */
}

static void large_room(room *r, size_t released)
{
    int one, two;
    room_init(r);
    r->quota.most_messages = 64;
    sched_check(limi_quota_take(&r->quota, released) && limi_quota_take(&r->quota, 100 - released));
    one = sched_thread(enter_large_room, r);
    two = sched_thread(enter_large_room, r);
    limi_quota_release(&r->quota, released);
    sched_join(one);
    sched_join(two);
    limi_quota_destroy(&r->quota);
}

/* It is the release that wakes both: no time has passed. */
static void half_free(void)
{
    room r;
    large_room(&r, 80);
}

/* Nobody wakes them, and still they find it. */
static void not_half_free(void)
{
    room r;
    int one, two;
    room_init(&r);
    r.quota.most_messages = 64;
    sched_check(limi_quota_take(&r.quota, 41) && limi_quota_take(&r.quota, 19) && limi_quota_take(&r.quota, 40));
    one = sched_thread(enter_large_room, &r);
    limi_quota_release(&r.quota, 40);
    sched_join(one);
    two = sched_thread(enter_large_room, &r); /* and this one from its second wait: for each place */
    limi_quota_release(&r.quota, 19);
    limi_quota_release(&r.quota, 41);
    sched_join(two);
    limi_quota_destroy(&r.quota);
}

static void quotas(void **state)
{
    (void)state;
    assert_all(prove(room_for_one, .preemptions = 4, .turns = SCHED_ANY, .old = 2));
    assert_seen(prove(room_or_late, .preemptions = 3, .turns = SCHED_ANY, .old = 3, .early = 1, .spurious = 1), 6);
    assert_seen(prove(half_free, .preemptions = 2, .turns = SCHED_ANY, .old = 2), 1);
    assert_seen(prove(not_half_free, .preemptions = 3, .turns = SCHED_ANY, .old = 2, .early = 1), 3);
    assert_seen(prove(room_or_closed, .preemptions = 3, .turns = SCHED_ANY, .old = 2, .spurious = 1), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiters),
        cmocka_unit_test(bells),
        cmocka_unit_test(quotas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

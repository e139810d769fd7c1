/* SPDX-License-Identifier: MIT */
/* test_litmus.c -- the scheduler proves itself: small programs of which it is known what may come of them. What is
 * allowed has to be seen, what is not allowed must not be; and each kind of failure has to be found. */
#include "prove.h"

#include <string.h>

#define ALL .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = SCHED_ANY
#define BIT(n) (1u << (n))

/* Two locations, two results; what each thread does comes from the test. */
typedef struct board {
    limi_atomic_u32 x, y;
    uint32_t a, b, c, d;
    int plain;
} board;

static void board_init(board *m)
{
    memset(m, 0, sizeof *m);
    limi_u32_init(&m->x, 0);
    limi_u32_init(&m->y, 0);
}

static void run_all(board *m, size_t count, void (*const bodies[])(void *))
{
    int threads[4];
    for (size_t i = 0; i < count; i++) {
        threads[i] = sched_thread(bodies[i], m);
    }
    for (size_t i = 0; i < count; i++) {
        sched_join(threads[i]);
    }
}

#define BODY(name, ...)                    \
    static void name(void *argument)       \
    {                                      \
        board *m = argument;               \
        __VA_ARGS__                        \
    }

/* The outcome is m.a and m.b as a number of two bits. */
#define SCENARIO(name, outcome, ...)                                                        \
    static void name(void)                                                                  \
    {                                                                                       \
        static void (*const bodies[])(void *) = {__VA_ARGS__};                              \
        board m;                                                                            \
        board_init(&m);                                                                     \
        run_all(&m, sizeof bodies / sizeof *bodies, bodies);                                \
        sched_outcome(outcome);                                                             \
    }

/* ---- store buffering ---- */

BODY(sb_seq_1, limi_u32_store(&m->x, 1); m->a = limi_u32_load(&m->y);)
BODY(sb_seq_2, limi_u32_store(&m->y, 1); m->b = limi_u32_load(&m->x);)
SCENARIO(sb_seq, m.a * 2 + m.b, sb_seq_1, sb_seq_2)

BODY(sb_weak_1, limi_u32_store_release(&m->x, 1); m->a = limi_u32_load_acquire(&m->y);)
BODY(sb_weak_2, limi_u32_store_release(&m->y, 1); m->b = limi_u32_load_acquire(&m->x);)
SCENARIO(sb_weak, m.a * 2 + m.b, sb_weak_1, sb_weak_2)

/* One side weaker is enough. */
SCENARIO(sb_half, m.a * 2 + m.b, sb_seq_1, sb_weak_2)

/* A read-modify-write takes the newest, but orders nothing else by that. */
BODY(sb_change_1, (void)limi_u32_exchange_acqrel(&m->x, 1); m->a = limi_u32_add_acqrel(&m->y, 0);)
BODY(sb_change_2, (void)limi_u32_exchange_acqrel(&m->y, 1); m->b = limi_u32_add_acqrel(&m->x, 0);)
SCENARIO(sb_change, m.a * 2 + m.b, sb_change_1, sb_change_2)

static void store_buffering(void **state)
{
    (void)state;
    assert_seen(prove(sb_seq, ALL), BIT(1) | BIT(2) | BIT(3)); /* not both zero */
    assert_seen(prove(sb_weak, ALL), BIT(0) | BIT(1) | BIT(2) | BIT(3));
    assert_seen(prove(sb_half, ALL), BIT(0) | BIT(1) | BIT(2) | BIT(3));
    assert_seen(prove(sb_change, ALL), BIT(1) | BIT(2) | BIT(3));
}

/* ---- message passing ---- */

BODY(mp_send, limi_u32_store_relaxed(&m->x, 1); limi_u32_store_release(&m->y, 1);)
BODY(mp_take, m->a = limi_u32_load_acquire(&m->y); m->b = limi_u32_load_relaxed(&m->x);)
SCENARIO(mp, m.a * 2 + m.b, mp_send, mp_take)

BODY(mp_take_relaxed, m->a = limi_u32_load_relaxed(&m->y); m->b = limi_u32_load_relaxed(&m->x);)
SCENARIO(mp_relaxed_take, m.a * 2 + m.b, mp_send, mp_take_relaxed)

BODY(mp_send_relaxed, limi_u32_store_relaxed(&m->x, 1); limi_u32_store_relaxed(&m->y, 1);)
SCENARIO(mp_relaxed_send, m.a * 2 + m.b, mp_send_relaxed, mp_take)

/* A relaxed read-modify-write in between hands on what the release before it gave; a store does not. */
BODY(mp_between, uint32_t one = 1; (void)limi_u32_cas_relaxed(&m->y, &one, 3);)
BODY(mp_take_last, m->a = limi_u32_load_acquire(&m->y) == 3; m->b = limi_u32_load_relaxed(&m->x);)
SCENARIO(mp_sequence, m.a * 2 + m.b, mp_send, mp_between, mp_take_last)

BODY(mp_over, if (limi_u32_load_relaxed(&m->y) == 1) { limi_u32_store_relaxed(&m->y, 3); })
SCENARIO(mp_no_sequence, m.a * 2 + m.b, mp_send, mp_over, mp_take_last)

static void message_passing(void **state)
{
    (void)state;
    assert_seen(prove(mp, ALL), BIT(0) | BIT(1) | BIT(3));
    assert_seen(prove(mp_relaxed_take, ALL), BIT(0) | BIT(1) | BIT(2) | BIT(3));
    assert_seen(prove(mp_relaxed_send, ALL), BIT(0) | BIT(1) | BIT(2) | BIT(3));
    assert_seen(prove(mp_sequence, ALL), BIT(0) | BIT(1) | BIT(3));
    assert_seen(prove(mp_no_sequence, ALL), BIT(0) | BIT(1) | BIT(2) | BIT(3));
}

/* ---- coherence, and the four threads ---- */

BODY(co_write, limi_u32_store_relaxed(&m->x, 1); limi_u32_store_relaxed(&m->x, 2);)
BODY(co_read, m->a = limi_u32_load_relaxed(&m->x); m->b = limi_u32_load_relaxed(&m->x);)
SCENARIO(co, m.a > m.b, co_write, co_read)

/* What one has read and then told another of, the other can't read behind. */
BODY(co_tell, m->a = limi_u32_load_relaxed(&m->x); limi_u32_store_release(&m->y, m->a);)
BODY(co_told, m->b = limi_u32_load_acquire(&m->y); m->c = limi_u32_load_relaxed(&m->x);)
SCENARIO(co_across, m.b > m.c, co_write, co_tell, co_told)

BODY(iriw_x, limi_u32_store(&m->x, 1);)
BODY(iriw_y, limi_u32_store(&m->y, 1);)
BODY(iriw_xy, m->a = limi_u32_load(&m->x); m->b = limi_u32_load(&m->y);)
BODY(iriw_yx, m->c = limi_u32_load(&m->y); m->d = limi_u32_load(&m->x);)
SCENARIO(iriw, m.a == 1 && m.b == 0 && m.c == 1 && m.d == 0, iriw_x, iriw_y, iriw_xy, iriw_yx)

BODY(iriw_weak_xy, m->a = limi_u32_load_acquire(&m->x); m->b = limi_u32_load_acquire(&m->y);)
BODY(iriw_weak_yx, m->c = limi_u32_load_acquire(&m->y); m->d = limi_u32_load_acquire(&m->x);)
SCENARIO(iriw_weak, m.a == 1 && m.b == 0 && m.c == 1 && m.d == 0, iriw_x, iriw_y, iriw_weak_xy, iriw_weak_yx)

/* Never modelled: see the limits in sched.h. */
BODY(lb_1, m->a = limi_u32_load_relaxed(&m->x); limi_u32_store_relaxed(&m->y, 1);)
BODY(lb_2, m->b = limi_u32_load_relaxed(&m->y); limi_u32_store_relaxed(&m->x, 1);)
SCENARIO(lb, m.a * 2 + m.b, lb_1, lb_2)

static void coherence_and_agreement(void **state)
{
    (void)state;
    assert_seen(prove(co, ALL), BIT(0));
    assert_seen(prove(co_across, ALL), BIT(0));
    assert_seen(prove(iriw, ALL), BIT(0));
    assert_seen(prove(iriw_weak, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 1), BIT(0) | BIT(1));
    assert_seen(prove(lb, ALL), BIT(0) | BIT(1) | BIT(2));
}

/* ---- races ---- */

BODY(race_write, m->plain = 1; limi_u32_store_release(&m->x, 1);)
BODY(race_wait_read, while (limi_u32_load_acquire(&m->x) == 0) { limi_relax(); } m->a = (uint32_t)m->plain;)
SCENARIO(handed_over, m.a, race_write, race_wait_read)

BODY(race_wait_relaxed, while (limi_u32_load_relaxed(&m->x) == 0) { limi_relax(); } m->a = (uint32_t)m->plain;)
SCENARIO(handed_over_loosely, m.a, race_write, race_wait_relaxed)

BODY(race_late_write, limi_u32_store_release(&m->x, 1); m->plain = 1;)
SCENARIO(written_after_handing_over, m.a, race_late_write, race_wait_read)

BODY(race_copy, memset(&m->plain, 1, sizeof m->plain);)
BODY(race_touch, m->plain++;)
SCENARIO(two_writers, 0, race_copy, race_touch)

static void a_race_on_a_plain_field(void **state)
{
    (void)state;
    assert_seen(prove(handed_over, ALL), BIT(1));
    (void)find(SCHED_RACE, handed_over_loosely, ALL);
    (void)find(SCHED_RACE, written_after_handing_over, ALL);
    (void)find(SCHED_RACE, two_writers, ALL);
}

/* ---- sleeping ---- */

typedef struct bed {
    limi_word word;
    limi_atomic_u32 work;
} bed;

/* The sleeper says that it sleeps, looks for work, sleeps; the waker leaves work, looks whether it sleeps. */
#define BED(name, order)                                                                    \
    static void sleep_##name(void *argument)                                                \
    {                                                                                       \
        bed *b = argument;                                                                  \
        limi_u32_store##order(&b->word.value, 1);                                           \
        if (limi_u32_load##order(&b->work) == 0) {                                          \
            while (limi_u32_load##order(&b->word.value) == 1) {                             \
                (void)limi_park(&b->word, 1, INT64_MAX);                                    \
            }                                                                               \
            sched_outcome(1);                                                               \
        }                                                                                   \
    }                                                                                       \
    static void scenario_##name(void)                                                       \
    {                                                                                       \
        bed b;                                                                              \
        int sleeper;                                                                        \
        limi_word_init(&b.word, 0);                                                         \
        limi_u32_init(&b.work, 0);                                                          \
        sleeper = sched_thread(sleep_##name, &b);                                           \
        limi_u32_store##order(&b.work, 1);                                                  \
        if (limi_u32_load##order(&b.word.value) == 1) {                                     \
            limi_u32_store##order(&b.word.value, 2);                                        \
            limi_unpark(&b.word);                                                           \
            sched_outcome(0);                                                               \
        }                                                                                   \
        sched_join(sleeper);                                                                \
        limi_word_destroy(&b.word);                                                         \
    }

#define limi_u32_load_weak limi_u32_load_acquire
#define limi_u32_store_weak limi_u32_store_release
BED(firm, )
BED(weak, _weak)

/* Nobody unparks. */
static void sleep_in_vain(void *argument)
{
    bed *b = argument;
    while (limi_u32_load(&b->word.value) == 0) {
        (void)limi_park(&b->word, 0, INT64_MAX);
    }
}

static void forgotten_unpark(void)
{
    bed b;
    int sleeper;
    limi_word_init(&b.word, 0);
    sleeper = sched_thread(sleep_in_vain, &b);
    limi_u32_store(&b.word.value, 1);
    sched_join(sleeper);
}

static void sleep_for_a_while(void *argument)
{
    bed *b = argument;
    int64_t until = limi_clock_monotonic() + 1000;
    bool in_time = limi_park(&b->word, 0, until);
    sched_check(in_time || limi_clock_monotonic() >= until);
    sched_outcome(!in_time ? 0 : limi_u32_load(&b->word.value) != 0 ? 1 : 2);
}

static void woken_or_late(void)
{
    bed b;
    int sleeper;
    limi_word_init(&b.word, 0);
    sleeper = sched_thread(sleep_for_a_while, &b);
    limi_u32_store(&b.word.value, 1);
    limi_unpark(&b.word);
    sched_join(sleeper);
    limi_word_destroy(&b.word);
}

/* Who sleeps may be up and away when the waker comes to wake it. */
static void wake_late(void *argument)
{
    bed *b = argument;
    limi_u32_store(&b->word.value, 1);
    limi_unpark(&b->word);
}

static void gone_before_the_unpark(void)
{
    bed b;
    int waker;
    limi_word_init(&b.word, 0);
    waker = sched_thread(wake_late, &b);
    while (limi_u32_load(&b.word.value) == 0) {
        (void)limi_park(&b.word, 0, INT64_MAX);
    }
    limi_word_destroy(&b.word);
    sched_join(waker);
}

static void a_lost_wake(void **state)
{
    (void)state;
    assert_seen(prove(scenario_firm, ALL, .spurious = 1), BIT(0) | BIT(1));
    (void)find(SCHED_DEADLOCK, scenario_weak, ALL); /* each missed the other */
    (void)find(SCHED_DEADLOCK, scenario_weak, .preemptions = 1, .old = 1);
    /* Without old values it is not seen. */
    assert_all(prove(scenario_weak, .preemptions = SCHED_ANY, .turns = SCHED_ANY));
    (void)find(SCHED_LOST_WAKE, forgotten_unpark, ALL);
    (void)find(SCHED_FREED, gone_before_the_unpark, ALL);
}

static void ends_of_waits(void **state)
{
    (void)state;
    assert_seen(prove(woken_or_late, ALL, .early = 1, .spurious = 1), BIT(0) | BIT(1) | BIT(2));
    assert_seen(prove(woken_or_late, ALL, .early = 1), BIT(0) | BIT(1));
    assert_seen(prove(woken_or_late, ALL), BIT(1));
}

/* ---- memory ---- */

static void *take_block(void)
{
    return sched_allocator()->allocate(sched_allocator()->context, 24);
}

static void give_block(void *block)
{
    sched_allocator()->release(sched_allocator()->context, block, 24);
}

/* Two owners; the last one releases. With a plain look at the count both may. */
typedef struct shared_block {
    limi_atomic_u32 owners;
    int *block;
} shared_block;

static void drop_well(void *argument)
{
    shared_block *s = argument;
    s->block[1 + (sched_here() == 0)] = 1;
    if (limi_u32_sub_acqrel(&s->owners, 1) == 1) {
        give_block(s->block);
    }
}

static void drop_relaxed(void *argument)
{
    shared_block *s = argument;
    s->block[1 + (sched_here() == 0)] = 1;
    if (limi_u32_sub_relaxed(&s->owners, 1) == 1) {
        give_block(s->block);
    }
}

static void drop_twice(void *argument)
{
    shared_block *s = argument;
    (void)limi_u32_sub(&s->owners, 1);
    if (limi_u32_load(&s->owners) == 0) {
        give_block(s->block);
    }
}

static void drop_both(void (*drop)(void *))
{
    shared_block s;
    int other;
    limi_u32_init(&s.owners, 2);
    s.block = take_block();
    other = sched_thread(drop, &s);
    drop(&s);
    sched_join(other);
}

static void dropped_well(void)
{
    drop_both(drop_well);
}

static void dropped_relaxed(void)
{
    drop_both(drop_relaxed);
}

static void dropped_twice(void)
{
    drop_both(drop_twice);
}

static void used_after(void)
{
    int *block = take_block();
    give_block(block);
    block[0] = 1;
}

static void leaked(void)
{
    (void)take_block();
}

static void refused(void)
{
    void *block = take_block();
    sched_outcome(block == NULL);
    if (block != NULL) {
        give_block(block);
    }
}

static void blocks_are_watched(void **state)
{
    (void)state;
    assert_seen(prove(dropped_well, ALL), 0);
    (void)find(SCHED_RACE, dropped_relaxed, ALL);
    (void)find(SCHED_FREED, dropped_twice, ALL);
    (void)find(SCHED_FREED, used_after, .preemptions = 0);
    (void)find(SCHED_LEAK, leaked, .preemptions = 0);
    assert_seen(prove(refused, .faults = 1), BIT(0) | BIT(1));
    assert_seen(prove(refused, .preemptions = 1), BIT(0));
}

/* ---- locks, threads, progress ---- */

typedef struct pair {
    limi_mutex one, two;
    int plain;
} pair;

static void lock_one_two(void *argument) LIMI_UNCHECKED
{
    pair *p = argument;
    limi_mutex_lock(&p->one);
    limi_mutex_lock(&p->two);
    p->plain++;
    limi_mutex_unlock(&p->two);
    limi_mutex_unlock(&p->one);
}

static void lock_two_one(void *argument) LIMI_UNCHECKED
{
    pair *p = argument;
    limi_mutex_lock(&p->two);
    limi_mutex_lock(&p->one);
    p->plain++;
    limi_mutex_unlock(&p->one);
    limi_mutex_unlock(&p->two);
}

static void lock_both(void (*first)(void *), void (*second)(void *))
{
    pair p;
    int other;
    limi_mutex_init(&p.one);
    limi_mutex_init(&p.two);
    p.plain = 0;
    other = sched_thread(first, &p);
    second(&p);
    sched_join(other);
    sched_check(p.plain == 2);
    limi_mutex_destroy(&p.one);
    limi_mutex_destroy(&p.two);
}

static void locked_in_order(void)
{
    lock_both(lock_one_two, lock_one_two);
}

static void locked_crosswise(void)
{
    lock_both(lock_one_two, lock_two_one);
}

static void locks(void **state)
{
    (void)state;
    assert_seen(prove(locked_in_order, ALL), 0);
    (void)find(SCHED_DEADLOCK, locked_crosswise, .preemptions = 1);
}

BODY(after_you, limi_u32_store(&m->x, 1); while (limi_u32_load(&m->y) == 0) { limi_relax(); })
BODY(no_after_you, while (limi_u32_load(&m->x) != 2) { limi_relax(); } limi_u32_store(&m->y, 1);)
SCENARIO(politeness, 0, after_you, no_after_you)

BODY(wrong, sched_check(limi_u32_add(&m->x, 1) == 0);)
SCENARIO(false_hope, 0, wrong, wrong)

BODY(falls, LIMI_ASSERT(limi_u32_add(&m->x, 1) == 0);)
SCENARIO(asserted, 0, falls, falls)

BODY(no_such_place, ((board *)(uintptr_t)(m->plain - 1))->a = 1;)
SCENARIO(crashed, 0, no_such_place)

static void does_nothing(void *argument)
{
    (void)argument;
}

static void unjoined(void)
{
    (void)sched_thread(does_nothing, NULL);
}

static void progress_and_the_rest(void **state)
{
    (void)state;
    (void)find(SCHED_LIVELOCK, politeness, .preemptions = 1, .steps = 500);
    (void)find(SCHED_LIVELOCK, politeness, .search = SCHED_RANDOM, .most = 10, .steps = 500);
    (void)find(SCHED_CHECK, false_hope, ALL);
    (void)find(SCHED_TRAP, asserted, ALL);
    (void)find(SCHED_TRAP, crashed, ALL);
    (void)find(SCHED_LEAK, unjoined, ALL);
}

/* ---- what only one thread touches is passed over, and nothing is lost by it ---- */

/* Which of the others' places it comes to is decided by what it sees. */
static void wander(void *argument)
{
    board *m = argument;
    limi_atomic_u32 *mine = sched_here() == 1 ? &m->x : &m->y, *theirs = sched_here() == 1 ? &m->y : &m->x;
    (void)limi_u32_add(mine, 1);
    if (limi_u32_load(mine) == 1 && sched_here() == 2) {
        m->a = limi_u32_exchange(theirs, 5);
    } else if (limi_u32_load(mine) != 1) {
        m->b = 1;
    }
    (void)limi_u32_add(mine, 1);
}

static void wandering(void)
{
    board m;
    int threads[2];
    board_init(&m);
    for (int i = 0; i < 2; i++) {
        threads[i] = sched_thread(wander, &m);
    }
    for (int i = 0; i < 2; i++) {
        sched_join(threads[i]);
    }
    sched_outcome(m.b * 4 + (m.a < 3 ? m.a : 3));
}

static void passing_over_loses_nothing(void **state)
{
    unsigned preemptions;
    (void)state;
    for (preemptions = 0; preemptions < 4; preemptions++) {
        sched_result brief = prove(wandering, .preemptions = preemptions, .turns = SCHED_ANY);
        sched_result every = prove(wandering, .preemptions = preemptions, .turns = SCHED_ANY, .every = true);
        assert_true(brief.complete && every.complete);
        for (unsigned i = 0; i < SCHED_OUTCOMES; i++) {
            assert_int_equal(brief.seen[i] != 0, every.seen[i] != 0);
        }
    }
}

/* ---- the other ways to search, and how fast it is ---- */

static void random_searches_find_it_as_well(void **state)
{
    (void)state;
    (void)find(SCHED_DEADLOCK, scenario_weak, .search = SCHED_RANDOM, .most = 100000, .old = 4, .seed = 1);
    (void)find(SCHED_DEADLOCK, scenario_weak, .search = SCHED_PRIORITIES, .preemptions = 3, .most = 100000, .old = 4);
    (void)find(SCHED_DEADLOCK, locked_crosswise, .search = SCHED_PRIORITIES, .preemptions = 3, .most = 10000);
    assert_int_equal(prove(sb_seq, .search = SCHED_RANDOM, .most = 10000, .old = 4).seen[0], 0);
}

static void fast_enough(void **state)
{
    sched_result r = prove(locked_in_order, .search = SCHED_RANDOM, .most = 200000);
    (void)state;
    print_message("%.0f executions a second\n", (double)r.executions / r.seconds);
    assert_true(r.seconds < 20); /* a machine that is busy elsewhere is no failure: 4 s are wanted */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(store_buffering),
        cmocka_unit_test(message_passing),
        cmocka_unit_test(coherence_and_agreement),
        cmocka_unit_test(a_race_on_a_plain_field),
        cmocka_unit_test(a_lost_wake),
        cmocka_unit_test(ends_of_waits),
        cmocka_unit_test(blocks_are_watched),
        cmocka_unit_test(locks),
        cmocka_unit_test(progress_and_the_rest),
        cmocka_unit_test(passing_over_loses_nothing),
        cmocka_unit_test(random_searches_find_it_as_well),
        cmocka_unit_test(fast_enough),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_platform_poll.c -- waiting for descriptors: a few, many, and a bell among them. */
#define _GNU_SOURCE

#include "child_kit.h"

#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>

static int64_t in_ms(int64_t ms)
{
    return limi_clock_monotonic() + ms * 1000000;
}

/* What this thread has used of a processor. */
static int64_t cpu_ns(void)
{
    struct timespec used;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used), 0);
    return (int64_t)used.tv_sec * 1000000000 + used.tv_nsec;
}

/* ---- a few ---- */

static void nothing_ready_takes_until_the_deadline(void **state)
{
    limi_pollee pollees[2] = {{.fd = -1, .want_read = true, .can_read = true}, {.want_read = true}};
    int ends[2];
    int64_t until;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pollees[1].fd = ends[0];
    for (size_t count = 0; count <= 2; count++) {
        until = in_ms(2);
        limi_poll(pollees, count, until);
        assert_true(limi_clock_monotonic() >= until); /* not before */
        assert_false(pollees[1].can_read);
    }
    assert_false(pollees[0].can_read || pollees[0].can_write);
    limi_poll(pollees, 2, 0);
    limi_poll(pollees, 2, INT64_MIN);
    limi_poll(pollees, 2, limi_clock_monotonic());
    assert_false(pollees[1].can_read);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void what_is_ready_is_told(void **state)
{
    limi_pollee pollees[3] = {{.want_read = true}, {.want_write = true}, {.fd = -1, .want_read = true}};
    int ends[2];
    (void)state;
    assert_int_equal(pipe(ends), 0);
    pollees[0].fd = ends[0];
    pollees[1].fd = ends[1];
    limi_poll(pollees, 3, INT64_MAX);
    assert_true(!pollees[0].can_read && pollees[1].can_write && !pollees[2].can_read);
    assert_int_equal(write(ends[1], "x", 1), 1);
    pollees[1].want_write = false;
    limi_poll(pollees, 3, INT64_MAX);
    assert_true(pollees[0].can_read && !pollees[0].can_write && !pollees[1].can_write);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void the_end_of_either_side_is_told_to_who_wants_to_know(void **state)
{
    limi_pollee pollee;
    int ends[2];
    int64_t began, used, elapsed;
    (void)state;
    assert_int_equal(pipe(ends), 0);
    (void)close(ends[1]);
    pollee = (limi_pollee){.fd = ends[0], .want_read = true};
    limi_poll(&pollee, 1, INT64_MAX);
    assert_true(pollee.can_read);
    used = cpu_ns();
    began = limi_clock_monotonic();
    pollee = (limi_pollee){.fd = ends[0]}; /* nothing is wanted of it, so the hang-up wakes nobody */
    limi_poll(&pollee, 1, began + 60000000);
    elapsed = limi_clock_monotonic() - began;
    used = cpu_ns() - used;
    assert_true(elapsed >= 60000000);
    assert_true(used < elapsed / 4); /* and does not keep the poll busy */
    assert_false(pollee.can_read || pollee.can_write);
    (void)close(ends[0]);

    assert_int_equal(pipe(ends), 0);
    (void)close(ends[0]);
    pollee = (limi_pollee){.fd = ends[1], .want_write = true};
    limi_poll(&pollee, 1, INT64_MAX);
    assert_true(pollee.can_write && !pollee.can_read);
    (void)close(ends[1]);
}

/* ---- signals in between ---- */

static atomic_int interruptions;

static void interrupt(int signal)
{
    (void)signal;
    (void)atomic_fetch_add(&interruptions, 1);
}

typedef struct pest {
    pthread_t victim;
    long task;
    limi_chime *chime;
} pest;

static void interrupt_five_times_then_ring(void *argument)
{
    pest *p = argument;
    int before = atomic_load(&interruptions);
    for (int i = 1; i <= 5; i++) {
        test_until(test_sleeps(p->task));
        (void)pthread_kill(p->victim, SIGUSR1);
        test_until(atomic_load(&interruptions) == before + i);
    }
    test_until(test_sleeps(p->task));
    limi_chime_ring(p->chime);
}

static void signals_do_not_end_a_wait(void **state)
{
    struct sigaction action = {.sa_handler = interrupt}, before; /* without SA_RESTART */
    limi_chime chime;
    limi_poller poller;
    pest p = {pthread_self(), syscall(SYS_gettid), &chime};
    void *key = NULL;
    (void)state;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    assert_int_equal(limi_chime_open(&chime), LIMINAL_OK);
    assert_int_equal(limi_poller_open(&poller), LIMINAL_OK);
    assert_int_equal(limi_poller_add(&poller, chime.fd, &p), LIMINAL_OK);
    for (int i = 0; i < 4; i++) {
        int64_t deadline = i % 2 == 0 ? INT64_MAX : limi_clock_monotonic() + GUARD_NS;
        test_thread thread;
        test_thread_start(&thread, interrupt_five_times_then_ring, &p);
        if (i < 2) {
            assert_true(hears(chime.fd, deadline));
        } else {
            assert_int_equal(limi_poller_wait(&poller, &key, 1, deadline), 1);
            assert_ptr_equal(key, &p);
        }
        test_thread_join(&thread);
        limi_chime_clear(&chime);
    }
    limi_poller_close(&poller);
    limi_chime_close(&chime);
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* ---- chime ---- */

static void a_chime_is_heard_until_it_is_cleared(void **state)
{
    limi_chime chime;
    (void)state;
    assert_int_equal(limi_chime_open(&chime), LIMINAL_OK);
    assert_false(hears(chime.fd, 0));
    limi_chime_clear(&chime); /* never rung: does not wait */
    for (int i = 0; i < 100000; i++) { /* never full either */
        limi_chime_ring(&chime);
    }
    assert_true(hears(chime.fd, 0));
    assert_true(hears(chime.fd, INT64_MAX));
    limi_chime_clear(&chime);
    assert_false(hears(chime.fd, 0));
    limi_chime_ring(&chime);
    assert_true(hears(chime.fd, INT64_MAX));
    limi_chime_close(&chime);
    assert_int_equal(chime.fd, -1);
}

enum { RINGERS = 4, RINGS = 2000 };

typedef struct tower {
    limi_chime chime;
    atomic_int rung;
} tower;

static void ring_on(void *argument)
{
    tower *t = argument;
    for (int i = 0; i < RINGS; i++) {
        (void)atomic_fetch_add(&t->rung, 1);
        limi_chime_ring(&t->chime);
    }
}

static void no_ring_is_lost(void **state)
{
    tower t = {.rung = 0};
    test_thread threads[RINGERS];
    int heard = 0;
    (void)state;
    assert_int_equal(limi_chime_open(&t.chime), LIMINAL_OK);
    for (int i = 0; i < RINGERS; i++) {
        test_thread_start(&threads[i], ring_on, &t);
    }
    while (heard < RINGERS * RINGS) {
        assert_true(hears_soon(t.chime.fd)); /* a lost one would leave us here */
        limi_chime_clear(&t.chime);
        heard = atomic_load(&t.rung);
    }
    for (int i = 0; i < RINGERS; i++) {
        test_thread_join(&threads[i]);
    }
    limi_chime_close(&t.chime);
}

/* ---- poller ---- */

enum { MANY = 150 };

static void a_poller_tells_whom_it_has_heard(void **state)
{
    limi_chime chimes[MANY];
    limi_poller poller;
    void *keys[2 * MANY];
    size_t heard = 0;
    (void)state;
    assert_int_equal(limi_poller_open(&poller), LIMINAL_OK);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(limi_chime_open(&chimes[i]), LIMINAL_OK);
        assert_int_equal(limi_poller_add(&poller, chimes[i].fd, &chimes[i]), LIMINAL_OK);
    }
    limi_chime_ring(&chimes[70]);
    for (int i = 0; i < 3; i++) { /* for as long as it is ready */
        assert_int_equal(limi_poller_wait(&poller, keys, 2 * MANY, INT64_MAX), 1);
        assert_ptr_equal(keys[0], &chimes[70]);
    }
    for (int i = 0; i < MANY; i++) {
        limi_chime_ring(&chimes[i]);
    }
    while (heard < MANY) { /* each of them once, in as many calls as it takes */
        size_t count = limi_poller_wait(&poller, keys, 2 * MANY, INT64_MAX);
        assert_true(count > 0);
        for (size_t i = 0; i < count; i++) {
            limi_chime *chime = keys[i];
            assert_true(hears(chime->fd, 0));
            limi_chime_clear(chime);
        }
        heard += count;
    }
    assert_int_equal(heard, MANY);
    assert_int_equal(limi_poller_wait(&poller, keys, 2 * MANY, 0), 0);
    limi_chime_ring(&chimes[0]);
    limi_poller_remove(&poller, chimes[0].fd);
    limi_poller_remove(&poller, chimes[0].fd); /* once more does nothing */
    assert_int_equal(limi_poller_wait(&poller, keys, 2 * MANY, in_ms(2)), 0);
    for (int i = 0; i < MANY; i++) {
        limi_chime_close(&chimes[i]);
    }
    limi_poller_close(&poller);
}

static void a_poller_waits_until_its_deadline_and_hears_hangups(void **state)
{
    limi_poller poller;
    void *key = NULL;
    int ends[2];
    int64_t until = in_ms(2);
    (void)state;
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(limi_poller_open(&poller), LIMINAL_OK);
    assert_int_equal(limi_poller_add(&poller, ends[0], ends), LIMINAL_OK);
    assert_int_equal(limi_poller_wait(&poller, &key, 1, until), 0);
    assert_true(limi_clock_monotonic() >= until);
    (void)close(ends[1]);
    assert_int_equal(limi_poller_wait(&poller, &key, 1, INT64_MAX), 1);
    assert_ptr_equal(key, ends);
    assert_int_equal(limi_poller_add(&poller, -1, &key), LIMINAL_ELIMIT);
    limi_poller_close(&poller);
    assert_int_equal(poller.fd, -1);
    (void)close(ends[0]);
}

/* ---- what may be refused, and what is left alone ---- */

static void each_missing_descriptor(void **state)
{
    (void)state;
    for (size_t left = 0; left < 3; left++) {
        limi_chime chime = {.fd = -1};
        limi_poller poller = {.fd = -1};
        liminal_status st[2];
        famine f;
        famine_begin(&f, left);
        st[0] = limi_chime_open(&chime);
        st[1] = limi_poller_open(&poller);
        famine_end(&f);
        assert_int_equal(st[0], left > 0 ? LIMINAL_OK : LIMINAL_ELIMIT);
        assert_int_equal(st[1], left > 1 ? LIMINAL_OK : LIMINAL_ELIMIT);
        assert_true((chime.fd >= 0) == (left > 0) && (poller.fd >= 0) == (left > 1));
        limi_chime_close(&chime); /* welcome also when it could not be opened */
        limi_poller_close(&poller);
    }
}

static void they_are_none_of_the_hosts_three(void **state)
{
    (void)state;
    for (unsigned mask = 0; mask < 8; mask++) {
        limi_chime chime;
        limi_poller poller;
        liminal_status st;
        bare b;
        bare_begin(&b, mask);
        st = limi_chime_open(&chime);
        st = st == LIMINAL_OK ? limi_poller_open(&poller) : st;
        bare_end(&b);
        assert_int_equal(st, LIMINAL_OK);
        assert_true(is_private(chime.fd) && is_private(chime.other_fd) && is_private(poller.fd));
        limi_chime_close(&chime);
        limi_poller_close(&poller);
    }
}

static void all_of_it_cancelled(void *argument)
{
    limi_chime chime;
    limi_poller poller;
    void *key;
    (void)pthread_cancel(pthread_self()); /* pends until a point of cancellation */
    errno = 4711;
    (void)test_check(limi_chime_open(&chime) == LIMINAL_OK);
    (void)test_check(limi_poller_open(&poller) == LIMINAL_OK);
    (void)test_check(limi_poller_add(&poller, chime.fd, &chime) == LIMINAL_OK);
    (void)test_check(!hears(chime.fd, in_ms(1)));
    (void)test_check(limi_poller_wait(&poller, &key, 1, in_ms(1)) == 0);
    limi_chime_clear(&chime);
    limi_chime_ring(&chime);
    (void)test_check(limi_poller_wait(&poller, &key, 1, INT64_MAX) == 1);
    limi_poller_remove(&poller, chime.fd);
    limi_poller_remove(&poller, chime.fd);
    limi_poller_close(&poller);
    limi_chime_close(&chime);
    (void)test_check(errno == 4711);
    *(bool *)argument = true;
    pthread_testcancel();
    (void)test_check(false); /* it was pending all the time, and is so still */
}

static void a_cancelled_thread_gets_through_and_errno_is_left_alone(void **state)
{
    bool through = false;
    test_thread thread;
    (void)state;
    test_thread_start(&thread, all_of_it_cancelled, &through);
    test_thread_join(&thread);
    assert_true(through);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(nothing_ready_takes_until_the_deadline),
        TEST(what_is_ready_is_told),
        TEST(the_end_of_either_side_is_told_to_who_wants_to_know),
        TEST(signals_do_not_end_a_wait),
        TEST(a_chime_is_heard_until_it_is_cleared),
        TEST(no_ring_is_lost),
        TEST(a_poller_tells_whom_it_has_heard),
        TEST(a_poller_waits_until_its_deadline_and_hears_hangups),
        TEST(each_missing_descriptor),
        TEST(they_are_none_of_the_hosts_three),
        TEST(a_cancelled_thread_gets_through_and_errno_is_left_alone),
    };
    return cmocka_run_group_tests_name("platform_poll", tests, NULL, NULL);
}

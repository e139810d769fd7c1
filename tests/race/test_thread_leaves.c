/* SPDX-License-Identifier: MIT */
/* test_thread_leaves.c -- an attached thread leaves as the supervisor shuts down, as somebody links to it, wants to be
 * told of its exit, or ends it. */
#define _GNU_SOURCE
#include "race/race.h"
#include "unit/adopt_kit.h"

/* A guest that leaves on the line, and does so at once. */
typedef struct leaver {
    race_line line;
    int64_t moment;
    guest g;
} leaver;

static void go_to_the_line(guest *g)
{
    leaver *l = g->context;
    test_gate_open(&g->go);
    race_cross(&l->line, l->moment);
}

static void leaver_start(leaver *l, liminal_supervisor *supervisor, guest_way way, int64_t moment)
{
    memset(&l->line, 0, sizeof l->line);
    l->moment = moment;
    guest_start(&l->g, supervisor, way, go_to_the_line, l);
}

static const guest_way silent_ways[] = {BY_RETURN, BY_EXIT, BY_CANCEL};

/* ---- the shutdown ---- */

static void a_thread_ends_as_the_supervisor_shuts_down(void **state)
{
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 40000);
        liminal_supervisor *supervisor = race_open();
        witness w = witness_of(supervisor);
        bool by_shutdown;
        leaver l;
        leaver_start(&l, supervisor, silent_ways[r.rounds % 3], race_moment(&r, most));
        notify(&w, l.g.pid);
        race_cross(&l.line, most - l.moment);
        (void)race_shutdown(&supervisor);
        assert_int_equal(test_blocks(), 0); /* nothing is left, though the thread may be */
        by_shutdown = w.exit.reason.kind == LIMINAL_EXIT_NORMAL;
        assert_told(&w, l.g.pid, by_shutdown ? normal : killed);
        test_thread_join(&l.g.thread);
        assert_int_equal(atomic_load(&w.count), 1);
        r.seen[by_shutdown]++;
    }
    race_over(&r);
}

static void a_thread_detaches_as_the_supervisor_shuts_down(void **state)
{
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 40000);
        liminal_supervisor *supervisor = race_open();
        witness w = witness_of(supervisor);
        leaver l;
        leaver_start(&l, supervisor, BY_DETACH, race_moment(&r, most));
        notify(&w, l.g.pid);
        race_cross(&l.line, most - l.moment);
        (void)race_shutdown(&supervisor);
        assert_int_equal(test_blocks(), 0);
        assert_told(&w, l.g.pid, normal);
        test_thread_join(&l.g.thread);
        assert_int_equal(atomic_load(&w.count), 1);
        /* EEXIT: the shutdown had ended it when it was on its way. */
        assert_true(l.g.detached == LIMINAL_OK || l.g.detached == LIMINAL_EEXIT || l.g.detached == LIMINAL_EPHASE);
        r.seen[l.g.detached == LIMINAL_EPHASE]++;
    }
    race_over(&r);
}

/* One that takes messages all the time is thrown out, wherever it is. */
static void take_until_thrown_out(guest *g)
{
    leaver *l = g->context;
    liminal_status st;
    liminal_exit exit;
    bool told = false;
    race_cross(&l->line, l->moment);
    do {
        st = liminal_thread_next_exit(g->supervisor, &exit, liminal_deadline_passed());
        told |= st == LIMINAL_EEXIT;
    } while (st == LIMINAL_ETIMEDOUT || st == LIMINAL_EEXIT);
    (void)test_check(st == LIMINAL_EPHASE);
    g->detached = told ? LIMINAL_EEXIT : LIMINAL_EPHASE;
    test_gate_open(&g->go);
}

static void a_thread_takes_messages_as_the_supervisor_shuts_down(void **state)
{
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 20000);
        liminal_supervisor *supervisor = race_open();
        leaver l = {.moment = race_moment(&r, most)};
        guest_start(&l.g, supervisor, BY_RETURN, take_until_thrown_out, &l);
        race_cross(&l.line, most - l.moment);
        (void)race_shutdown(&supervisor);
        assert_int_equal(test_blocks(), 0);
        test_thread_join(&l.g.thread);
        r.seen[l.g.detached == LIMINAL_EEXIT]++; /* the shutdown found it inside the call, or outside */
    }
    race_over(&r);
}

/* ---- attaching as a shutdown begins ---- */

static void hold(witness *w)
{
    test_gate *gates = w->context;
    test_gate_open(&gates[0]);
    test_gate_wait(&gates[1]);
}

static void let_it_leave(void *argument)
{
    guest_leave(argument);
}

typedef struct comer {
    liminal_supervisor *supervisor;
    race_line line;
    int64_t moment;
    liminal_pid pid;
    liminal_status st;
    test_thread thread;
} comer;

static void attach_on_the_line(void *argument)
{
    comer *c = argument;
    race_cross(&c->line, c->moment);
    c->st = liminal_thread_attach(c->supervisor, &c->pid);
}

/* Another thread is leaving and can't get any further, so the shutdown can't either. */
static void a_thread_attaches_as_the_shutdown_begins(void **state)
{
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 20000);
        liminal_supervisor *supervisor = race_open();
        test_gate gates[2] = {TEST_GATE_INIT, TEST_GATE_INIT};
        witness w = witness_of(supervisor);
        comer c = {.supervisor = supervisor, .moment = race_moment(&r, most)};
        test_thread joiner;
        guest g;
        w.act = hold;
        w.context = gates;
        guest_start(&g, supervisor, BY_RETURN, NULL, NULL);
        notify(&w, g.pid);
        test_thread_start(&joiner, let_it_leave, &g);
        test_gate_wait(&gates[0]);
        test_thread_start(&c.thread, attach_on_the_line, &c);
        race_cross(&c.line, most - c.moment);
        assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_passed()),
                         LIMINAL_ETIMEDOUT);
        test_thread_join(&c.thread);
        assert_true(c.st == LIMINAL_OK || c.st == LIMINAL_ECLOSED);
        assert_int_equal(c.pid.value != 0, c.st == LIMINAL_OK);
        assert_false(liminal_process_alive(supervisor, c.pid));
        test_gate_open(&gates[1]);
        test_thread_join(&joiner);
        (void)race_shutdown(&supervisor);
        assert_int_equal(test_blocks(), 0);
        r.seen[c.st == LIMINAL_ECLOSED]++;
    }
    race_over(&r);
}

/* ---- a link ---- */

/* Case 25: exactly one message, whichever it is. */
static void one_that_traps_links_to_it(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_pid me = {0};
    race r = race_begin();
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    assert_int_equal(liminal_process_trap(supervisor, me, true), LIMINAL_OK);
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 30000);
        liminal_exit exit;
        leaver l;
        leaver_start(&l, supervisor, silent_ways[r.rounds % 3], race_moment(&r, most));
        race_cross(&l.line, most - l.moment);
        assert_int_equal(liminal_process_link(supervisor, me, l.g.pid), LIMINAL_OK);
        assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_in_ms(20000)), LIMINAL_OK);
        assert_int_equal(exit.pid.value, l.g.pid.value);
        assert_true(exit.reason.kind == LIMINAL_EXIT_KILLED || exit.reason.kind == LIMINAL_EXIT_NOPROC);
        r.seen[exit.reason.kind == LIMINAL_EXIT_NOPROC]++;
        test_thread_join(&l.g.thread);
        assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* Case 26: it dies of it, or the call fails; never neither. */
static void a_plain_one_links_to_it(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 30000);
        liminal_pid me = {0};
        liminal_status st;
        leaver l;
        assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
        leaver_start(&l, supervisor, silent_ways[r.rounds % 3], race_moment(&r, most));
        race_cross(&l.line, most - l.moment);
        st = liminal_process_link(supervisor, me, l.g.pid);
        test_thread_join(&l.g.thread);
        assert_true(st == LIMINAL_OK || st == LIMINAL_ENOPROC);
        assert_int_equal(liminal_process_alive(supervisor, me), st == LIMINAL_ENOPROC);
        if (st == LIMINAL_OK) {
            assert_ends(supervisor, me, killed);
        }
        assert_int_equal(liminal_thread_detach(supervisor), st == LIMINAL_OK ? LIMINAL_EEXIT : LIMINAL_OK);
        r.seen[st == LIMINAL_OK]++;
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* Case 28: both leave at once. */
static void linked_ones_leave_at_the_same_instant(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 20000);
        witness w = witness_of(supervisor);
        liminal_pid me = {0};
        liminal_status st;
        leaver l;
        assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
        leaver_start(&l, supervisor, BY_RETURN, race_moment(&r, most));
        notify(&w, l.g.pid);
        assert_int_equal(liminal_process_link(supervisor, me, l.g.pid), LIMINAL_OK);
        race_cross(&l.line, most - l.moment);
        st = liminal_thread_detach(supervisor); /* normal, which harms nobody */
        assert_true(st == LIMINAL_OK || st == LIMINAL_EEXIT);
        assert_ends(supervisor, me, st == LIMINAL_OK ? normal : killed);
        test_thread_join(&l.g.thread);
        assert_told(&w, l.g.pid, killed);
        r.seen[st == LIMINAL_OK]++;
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* ---- a notice ---- */

static void somebody_wants_to_be_told(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 30000);
        witness early = witness_of(supervisor), late = witness_of(supervisor);
        leaver l;
        leaver_start(&l, supervisor, silent_ways[r.rounds % 3], race_moment(&r, most));
        notify(&early, l.g.pid);
        race_cross(&l.line, most - l.moment);
        notify(&late, l.g.pid);
        assert_told(&late, l.g.pid, killed); /* there is no window in which it is lost */
        assert_told(&early, l.g.pid, killed);
        assert_int_equal(early.exit.seen_ns.ns, late.exit.seen_ns.ns);
        r.seen[pthread_equal(late.by, pthread_self()) != 0]++;
        test_thread_join(&l.g.thread);
        assert_int_equal(atomic_load(&late.count), 1);
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* ---- a signal ---- */

static void somebody_ends_it(void **state)
{
    liminal_supervisor *supervisor = race_open();
    race r = race_begin();
    (void)state;
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 30000);
        witness w = witness_of(supervisor);
        bool signalled;
        leaver l;
        leaver_start(&l, supervisor, r.rounds % 2 == 0 ? BY_DETACH : BY_RETURN, race_moment(&r, most));
        notify(&w, l.g.pid);
        race_cross(&l.line, most - l.moment);
        assert_int_equal(liminal_process_signal(supervisor, (liminal_pid){0}, l.g.pid, error_9), LIMINAL_OK);
        test_thread_join(&l.g.thread);
        test_gate_wait(&w.told);
        signalled = w.exit.reason.kind == LIMINAL_EXIT_ERROR; /* the first one counts, for everybody */
        assert_ends(supervisor, l.g.pid, signalled ? error_9 : l.g.way == BY_DETACH ? normal : killed);
        if (l.g.way == BY_DETACH) {
            assert_int_equal(l.g.detached, signalled ? LIMINAL_EEXIT : LIMINAL_OK);
        }
        assert_int_equal(atomic_load(&w.count), 1);
        r.seen[signalled]++;
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

/* A message comes as the wait for it runs out: taken then, or there for the next call. */
typedef struct sender {
    liminal_supervisor *supervisor;
    liminal_pid to;
    race_line line;
    int64_t moment;
    test_thread thread;
} sender;

static void signal_on_the_line(void *argument)
{
    sender *s = argument;
    race_cross(&s->line, s->moment);
    (void)test_check(liminal_process_signal(s->supervisor, s->to, s->to, error_9) == LIMINAL_OK);
}

static void a_message_comes_as_the_wait_runs_out(void **state)
{
    liminal_supervisor *supervisor = race_open();
    liminal_pid me = {0};
    race r = race_begin();
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    assert_int_equal(liminal_process_trap(supervisor, me, true), LIMINAL_OK);
    while (race_goes_on(&r)) {
        int64_t most = race_most(&r, 60000);
        sender s = {.supervisor = supervisor, .to = me, .moment = race_moment(&r, most)};
        liminal_status st;
        liminal_exit exit;
        test_thread_start(&s.thread, signal_on_the_line, &s);
        race_cross(&s.line, 0);
        st = liminal_thread_next_exit(supervisor, &exit, liminal_deadline_in_ns(most / 2));
        assert_true(st == LIMINAL_OK || st == LIMINAL_ETIMEDOUT);
        if (st == LIMINAL_ETIMEDOUT) {
            assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_OK);
        }
        assert_exit(&exit, me, error_9);
        test_thread_join(&s.thread);
        assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
        r.seen[st == LIMINAL_OK]++;
    }
    (void)race_shutdown(&supervisor);
    race_over(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thread_ends_as_the_supervisor_shuts_down),
        TEST(a_thread_detaches_as_the_supervisor_shuts_down),
        TEST(a_thread_takes_messages_as_the_supervisor_shuts_down),
        TEST(a_thread_attaches_as_the_shutdown_begins),
        TEST(one_that_traps_links_to_it),
        TEST(a_plain_one_links_to_it),
        TEST(linked_ones_leave_at_the_same_instant),
        TEST(somebody_wants_to_be_told),
        TEST(somebody_ends_it),
        TEST(a_message_comes_as_the_wait_runs_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

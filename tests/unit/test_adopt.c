/* SPDX-License-Identifier: MIT */
/* test_adopt.c -- threads of the host as processes: attaching, leaving, and what others see of it. */
#define _GNU_SOURCE
#include "adopt_kit.h"

/* ---- attaching and detaching ---- */

static void it_is_a_process_from_the_attach_to_the_detach(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid pid = {0}, again = {0}, listed[4];
    witness w = witness_of(supervisor);
    size_t count = 0;
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &pid), LIMINAL_OK);
    assert_true(pid.value != 0);
    assert_true(liminal_process_alive(supervisor, pid));
    assert_int_equal(liminal_process_list(supervisor, listed, 4, &count), LIMINAL_OK);
    assert_int_equal(count, 1);
    assert_int_equal(listed[0].value, pid.value);
    assert_int_equal(liminal_supervisor_census(supervisor).threads, 0); /* it is the host's */
    notify(&w, pid);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    assert_told(&w, pid, normal);
    assert_true(pthread_equal(w.by, pthread_self()));
    assert_ends(supervisor, pid, normal);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EPHASE);
    assert_int_equal(liminal_thread_attach(supervisor, &again), LIMINAL_OK);
    assert_true(again.value != 0 && again.value != pid.value); /* pids are never used again */
    assert_false(liminal_process_alive(supervisor, pid));
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    shut(&supervisor);
}

static void what_is_refused(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid pid = {0}, other = {77};
    liminal_exit exit = {.pid = {77}};
    (void)state;
    assert_int_equal(liminal_thread_attach(NULL, &pid), LIMINAL_EINVAL);
    assert_int_equal(liminal_thread_attach(supervisor, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_thread_detach(NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_thread_next_exit(NULL, &exit, liminal_deadline_passed()), LIMINAL_EINVAL);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EPHASE);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_EPHASE);
    assert_int_equal(liminal_thread_attach(supervisor, &pid), LIMINAL_OK);
    assert_int_equal(liminal_thread_attach(supervisor, &other), LIMINAL_EPHASE);
    assert_true(liminal_status_detail()[0] != '\0');
    assert_int_equal(liminal_thread_next_exit(supervisor, NULL, liminal_deadline_passed()), LIMINAL_EINVAL);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    assert_int_equal(other.value, 77);
    assert_int_equal(exit.pid.value, 77);
    assert_true(liminal_process_alive(supervisor, pid)); /* none of that was a harm to it */
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    shut(&supervisor);
}

static void an_end_without_detach_is_noticed(void **state)
{
    const guest_way ways[] = {BY_DETACH, BY_RETURN, BY_EXIT, BY_CANCEL};
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
        witness w = witness_of(supervisor);
        liminal_conversation *talk = NULL;
        pthread_t who;
        guest g;
        guest_start(&g, supervisor, ways[i], NULL, NULL);
        who = g.thread.thread;
        notify(&w, g.pid);
        assert_int_equal(watch_in_talk(supervisor, g.pid, &talk), LIMINAL_OK);
        assert_true(liminal_process_alive(supervisor, g.pid));
        guest_leave(&g);
        /* It was told by then, on the thread itself. */
        assert_int_equal(atomic_load(&w.count), 1);
        assert_true(pthread_equal(w.by, who));
        assert_told(&w, g.pid, ways[i] == BY_DETACH ? normal : killed);
        assert_ends(supervisor, g.pid, ways[i] == BY_DETACH ? normal : killed);
        assert_talk_ends(&talk, ways[i] == BY_DETACH ? "watched exited: normal" : "watched exited: killed");
        assert_int_equal(watch_in_talk(supervisor, g.pid, &talk), LIMINAL_ENOPROC); /* only the living */
        assert_int_equal(g.detached, LIMINAL_OK);
    }
    shut(&supervisor);
}

static liminal_status attach_in_answer(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    liminal_pid pid = {0};
    (void)test_check(liminal_thread_attach(self, &pid) == LIMINAL_EPHASE);
    (void)test_check(liminal_thread_detach(self) == LIMINAL_EPHASE);
    (void)test_check(pid.value == 0);
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

/* Also one of another supervisor's. */
static void a_thread_of_the_library_does_not_attach(void **state)
{
    static const liminal_behaviour attaching = {LIMINAL_OPS(liminal_behaviour), .answer = attach_in_answer};
    liminal_supervisor *supervisor = open_plain(), *other = open_plain();
    (void)state;
    for (int i = 0; i < 2; i++) {
        const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
        liminal_envelope *request = NULL, *reply = NULL;
        assert_int_equal(liminal_envelope_create("x", 1, &options, &request), LIMINAL_OK);
        assert_int_equal(liminal_supervisor_ask(supervisor, &attaching, i == 0 ? supervisor : other, &request, &reply),
                         LIMINAL_OK);
        liminal_envelope_drop(&reply);
    }
    assert_int_equal(liminal_supervisor_shutdown(&other, NULL, liminal_deadline_never()), LIMINAL_OK);
    shut(&supervisor);
}

/* ---- several supervisors ---- */

typedef struct houses {
    liminal_supervisor *all[LIMINAL_ATTACHED_MOST + 1];
    liminal_pid pids[LIMINAL_ATTACHED_MOST + 1];
} houses;

static void attach_to_all(guest *g)
{
    houses *h = g->context;
    h->pids[0] = g->pid;
    for (int i = 1; i < LIMINAL_ATTACHED_MOST; i++) {
        (void)test_check(liminal_thread_attach(h->all[i], &h->pids[i]) == LIMINAL_OK);
    }
    (void)test_check(liminal_thread_attach(h->all[LIMINAL_ATTACHED_MOST], &h->pids[LIMINAL_ATTACHED_MOST]) ==
                     LIMINAL_ELIMIT);
    (void)test_check(liminal_thread_detach(h->all[1]) == LIMINAL_OK); /* makes room */
    (void)test_check(liminal_thread_attach(h->all[LIMINAL_ATTACHED_MOST], &h->pids[LIMINAL_ATTACHED_MOST]) ==
                     LIMINAL_OK);
    test_gate_open(&g->in);
}

static void a_thread_may_be_attached_to_several(void **state)
{
    houses h = {.pids = {{0}}};
    guest g;
    (void)state;
    for (int i = 0; i <= LIMINAL_ATTACHED_MOST; i++) {
        h.all[i] = open_plain();
    }
    guest_start(&g, h.all[0], BY_RETURN, attach_to_all, &h);
    test_gate_wait(&g.in);
    guest_leave(&g);
    for (int i = 0; i <= LIMINAL_ATTACHED_MOST; i++) {
        assert_ends(h.all[i], h.pids[i], i == 1 ? normal : killed);
    }
    for (int i = 0; i <= LIMINAL_ATTACHED_MOST; i++) {
        assert_int_equal(liminal_supervisor_shutdown(&h.all[i], NULL, liminal_deadline_never()), LIMINAL_OK);
    }
    assert_int_equal(test_blocks(), 0);
}

/* ---- signals, kills, links ---- */

static void a_signal_ends_the_process_and_not_the_thread(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid pid = {0}, next = {0};
    liminal_exit exit;
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &pid), LIMINAL_OK);
    assert_int_equal(liminal_process_signal(supervisor, (liminal_pid){0}, pid, error_9), LIMINAL_OK);
    assert_ends(supervisor, pid, error_9);
    assert_int_equal(liminal_process_signal(supervisor, (liminal_pid){0}, pid, killed), LIMINAL_OK); /* too late */
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_EEXIT);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "the process had been ended before");
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EPHASE);
    assert_ends(supervisor, pid, error_9);

    /* Without the detach, too, it may become another process. */
    assert_int_equal(liminal_thread_attach(supervisor, &pid), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(supervisor, pid), LIMINAL_OK);
    assert_ends(supervisor, pid, killed);
    assert_int_equal(liminal_thread_attach(supervisor, &next), LIMINAL_OK);
    assert_true(next.value != pid.value);
    assert_true(liminal_process_alive(supervisor, next));
    assert_int_equal(liminal_thread_attach(supervisor, &next), LIMINAL_EPHASE);
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    assert_ends(supervisor, pid, killed);
    assert_ends(supervisor, next, normal);
    shut(&supervisor);
}

static void one_that_was_killed_may_just_leave(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    witness w = witness_of(supervisor);
    guest g;
    (void)state;
    guest_start(&g, supervisor, BY_RETURN, NULL, NULL);
    notify(&w, g.pid);
    assert_int_equal(liminal_process_signal(supervisor, (liminal_pid){0}, g.pid, error_9), LIMINAL_OK);
    assert_told(&w, g.pid, error_9);
    guest_leave(&g);
    assert_ends(supervisor, g.pid, error_9);
    assert_int_equal(atomic_load(&w.count), 1);
    shut(&supervisor);
}

/* Cases 1, 2, 14, 18: what a plain one makes of the exit of a linked one. */
static void plain_ones_go_with_those_they_are_linked_to(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    guest a, b, c;
    (void)state;
    guest_start(&a, supervisor, BY_DETACH, NULL, NULL);
    guest_start(&b, supervisor, BY_DETACH, NULL, NULL);
    guest_start(&c, supervisor, BY_RETURN, NULL, NULL);
    assert_int_equal(liminal_process_link(supervisor, a.pid, b.pid), LIMINAL_OK);
    assert_int_equal(liminal_process_link(supervisor, b.pid, c.pid), LIMINAL_OK);
    guest_leave(&a); /* normal: nothing happens */
    assert_false(liminal_process_linked(supervisor, a.pid, b.pid));
    assert_true(liminal_process_alive(supervisor, b.pid));
    guest_leave(&c);
    assert_ends(supervisor, c.pid, killed);
    assert_ends(supervisor, b.pid, killed);
    guest_leave(&b);
    assert_int_equal(b.detached, LIMINAL_EEXIT);
    assert_int_equal(liminal_process_link(supervisor, c.pid, b.pid), LIMINAL_ENOPROC);
    shut(&supervisor);
}

/* ---- exit messages ---- */

static void one_that_traps_takes_messages_in_order(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid me = {0};
    liminal_exit exit;
    guest a, b;
    (void)state;
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    assert_int_equal(liminal_process_trap(supervisor, me, true), LIMINAL_OK);
    guest_start(&a, supervisor, BY_DETACH, NULL, NULL);
    guest_start(&b, supervisor, BY_CANCEL, NULL, NULL);
    assert_int_equal(liminal_process_link(supervisor, me, a.pid), LIMINAL_OK);
    assert_int_equal(liminal_process_link(supervisor, me, b.pid), LIMINAL_OK);
    guest_leave(&a);
    guest_leave(&b);
    assert_int_equal(liminal_process_link(supervisor, me, a.pid), LIMINAL_OK); /* case 5 */
    assert_int_equal(liminal_process_signal(supervisor, b.pid, me, normal), LIMINAL_OK); /* case 20 */
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_passed()), LIMINAL_OK);
    assert_exit(&exit, a.pid, normal);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_OK);
    assert_exit(&exit, b.pid, killed);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_OK);
    assert_exit(&exit, a.pid, (liminal_exit_reason){LIMINAL_EXIT_NOPROC, 0});
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_OK);
    assert_exit(&exit, b.pid, normal);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_in_ms(1)), LIMINAL_ETIMEDOUT);

    /* What had come before its own exit can still be taken. */
    assert_int_equal(liminal_process_signal(supervisor, b.pid, me, error_9), LIMINAL_OK);
    assert_int_equal(liminal_process_kill(supervisor, me), LIMINAL_OK);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_OK);
    assert_exit(&exit, b.pid, error_9);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()), LIMINAL_EEXIT);
    assert_string_equal(liminal_status_detail(), "the process has exited: killed");
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EEXIT);
    shut(&supervisor);
}

static void messages_that_nobody_takes_are_freed(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    guest g;
    (void)state;
    for (int i = 0; i < 2; i++) {
        guest_start(&g, supervisor, i == 0 ? BY_DETACH : BY_RETURN, NULL, NULL);
        assert_int_equal(liminal_process_trap(supervisor, g.pid, true), LIMINAL_OK);
        for (int k = 0; k < 100; k++) {
            assert_int_equal(liminal_process_signal(supervisor, (liminal_pid){0}, g.pid, error_9), LIMINAL_OK);
        }
        guest_leave(&g);
    }
    shut(&supervisor);
}

typedef struct sleeping {
    liminal_exit exit;
    liminal_status st;
    test_gate awake;
} sleeping;

static void wait_for_a_message(guest *g)
{
    sleeping *s = g->context;
    s->st = liminal_thread_next_exit(g->supervisor, &s->exit, liminal_deadline_never());
    test_gate_open(&s->awake);
}

static void a_message_or_the_own_end_wakes_who_waits(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (int i = 0; i < 3; i++) {
        sleeping s = {.awake = TEST_GATE_INIT};
        guest g;
        guest_start(&g, supervisor, BY_DETACH, wait_for_a_message, &s);
        assert_int_equal(liminal_process_trap(supervisor, g.pid, true), LIMINAL_OK);
        test_until(test_sleeps(g.number));
        if (i == 0) {
            assert_int_equal(liminal_process_signal(supervisor, g.pid, g.pid, error_9), LIMINAL_OK);
        } else if (i == 1) {
            assert_int_equal(liminal_process_kill(supervisor, g.pid), LIMINAL_OK);
        } else {
            shut(&supervisor);
        }
        test_gate_wait(&s.awake);
        assert_int_equal(s.st, i == 0 ? LIMINAL_OK : LIMINAL_EEXIT);
        guest_leave(&g);
        assert_int_equal(g.detached, i == 0 ? LIMINAL_OK : i == 1 ? LIMINAL_EEXIT : LIMINAL_EPHASE);
        if (i == 0) {
            assert_exit(&s.exit, g.pid, error_9);
        }
    }
}

/* ---- waiting ---- */

static void nobody_waits_for_himself(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid me = {0};
    liminal_exit exit = {.pid = {77}};
    guest g;
    (void)state;
    guest_start(&g, supervisor, BY_RETURN, NULL, NULL);
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    assert_int_equal(liminal_process_wait(supervisor, me, &exit, liminal_deadline_never()), LIMINAL_EDEADLK);
    assert_int_equal(exit.pid.value, 77);
    assert_int_equal(liminal_process_wait(supervisor, g.pid, &exit, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    guest_leave(&g);
    assert_int_equal(liminal_process_kill(supervisor, me), LIMINAL_OK);
    assert_ends(supervisor, me, killed); /* now there is nothing to wait for */
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EEXIT);
    shut(&supervisor);
}

/* ---- inside the end ---- */

/* On the thread, when it is dead and not yet gone. */
static void try_everything(witness *w)
{
    liminal_supervisor *supervisor = w->supervisor, *copy = w->supervisor;
    liminal_pid pid = {77};
    liminal_exit exit;
    (void)test_check(!liminal_process_alive(supervisor, w->exit.pid));
    (void)test_check(liminal_thread_attach(supervisor, &pid) == LIMINAL_EPHASE);
    (void)test_check(liminal_thread_detach(supervisor) == LIMINAL_EPHASE);
    (void)test_check(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_never()) == LIMINAL_EPHASE);
    (void)test_check(liminal_process_wait(supervisor, w->exit.pid, &exit, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(liminal_process_signal(supervisor, pid, w->exit.pid, error_9) == LIMINAL_OK);
    (void)test_check(liminal_process_kill(supervisor, w->exit.pid) == LIMINAL_OK);
    (void)test_check(liminal_process_notify(supervisor, w->exit.pid, be_told, w->context, NULL) == LIMINAL_OK);
    (void)test_check(liminal_supervisor_shutdown(&copy, NULL, liminal_deadline_never()) == LIMINAL_EDEADLK);
    (void)test_check(copy == supervisor && pid.value == 77);
}

static void what_a_notice_may_do_while_its_thread_leaves(void **state)
{
    const guest_way ways[] = {BY_DETACH, BY_RETURN, BY_CANCEL};
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        witness outer = witness_of(supervisor), inner = witness_of(supervisor);
        guest g;
        outer.act = try_everything;
        outer.context = &inner;
        guest_start(&g, supervisor, ways[i], NULL, NULL);
        notify(&outer, g.pid);
        guest_leave(&g);
        assert_told(&outer, g.pid, i == 0 ? normal : killed);
        assert_told(&inner, g.pid, i == 0 ? normal : killed);
    }
    shut(&supervisor);
}

static void be_cancelled(witness *w)
{
    (void)w;
    (void)pthread_cancel(pthread_self());
    pthread_testcancel();
}

/* The thread has returned when somebody cancels it: all are told nevertheless. */
static void a_cancellation_does_not_break_into_the_end(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    witness first = witness_of(supervisor), second = witness_of(supervisor);
    guest g;
    (void)state;
    first.act = be_cancelled;
    guest_start(&g, supervisor, BY_RETURN, NULL, NULL);
    notify(&first, g.pid);
    notify(&second, g.pid);
    guest_leave(&g);
    assert_told(&first, g.pid, killed);
    assert_told(&second, g.pid, killed);
    shut(&supervisor);
}

/* A destructor of the host's, before or after the library's, and in later rounds. */
typedef struct host_data {
    liminal_supervisor *supervisor, *other;
    pthread_key_t key;
    int rounds;
} host_data;

static void try_to_attach(void *value)
{
    host_data *h = value;
    liminal_pid pid = {0};
    h->rounds++;
    if (h->rounds == 1) { /* the library's may come after this one; afterwards it has been called */
        (void)pthread_setspecific(h->key, h);
        return;
    }
    (void)test_check(liminal_thread_attach(h->supervisor, &pid) == LIMINAL_EPHASE);
    (void)test_check(liminal_thread_attach(h->other, &pid) == LIMINAL_EPHASE);
    (void)test_check(liminal_thread_detach(h->supervisor) == LIMINAL_EPHASE);
    (void)test_check(pid.value == 0);
}

static void set_host_data(guest *g)
{
    host_data *h = g->context;
    (void)pthread_setspecific(h->key, h);
}

static void a_thread_that_ends_does_not_attach_again(void **state)
{
    (void)state;
    for (int i = 0; i < 2; i++) {
        host_data h = {.supervisor = open_plain(), .other = open_plain()};
        liminal_pid pid = {0};
        guest g;
        if (i == 0) { /* the library's key is the older one */
            assert_int_equal(liminal_thread_attach(h.supervisor, &pid), LIMINAL_OK);
            assert_int_equal(liminal_thread_detach(h.supervisor), LIMINAL_OK);
        }
        assert_int_equal(pthread_key_create(&h.key, try_to_attach), 0);
        guest_start(&g, h.supervisor, BY_RETURN, set_host_data, &h);
        guest_leave(&g);
        assert_ends(h.supervisor, g.pid, killed);
        assert_int_equal(h.rounds, 2);
        (void)pthread_key_delete(h.key);
        assert_int_equal(liminal_supervisor_shutdown(&h.other, NULL, liminal_deadline_never()), LIMINAL_OK);
        shut(&h.supervisor);
    }
}

static liminal_status end_the_thread(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self, (void)request, (void)out;
    pthread_exit(NULL);
}

static void ask_and_be_ended(guest *g)
{
    liminal_envelope *request = NULL, *reply = NULL;
    test_gate_wait(&g->go); /* until it is watched */
    (void)test_check(liminal_envelope_printf(&request, "x") == LIMINAL_OK);
    (void)!liminal_conversation_ask(g->context, &request, &reply, liminal_deadline_never());
    (void)test_check(reply != NULL && reply == NULL); /* not reached */
}

/* Ended inside a callback, with the library's frames on its stack. */
static void a_thread_that_an_inline_behaviour_ends_is_dead_as_well(void **state)
{
    static const liminal_behaviour ending = {LIMINAL_OPS(liminal_behaviour), .answer = end_the_thread};
    const liminal_participant inlined = {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &ending};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &inlined, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *talk = NULL;
    witness w = witness_of(supervisor);
    guest g;
    (void)state;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &talk), LIMINAL_OK);
    guest_start(&g, supervisor, BY_RETURN, ask_and_be_ended, talk);
    notify(&w, g.pid);
    guest_leave(&g);
    assert_told(&w, g.pid, killed);
    assert_talk_ends(&talk, "participant exited: killed");
    shut(&supervisor);
}

/* ---- the memory of the dead ---- */

static void the_last_so_many_dead_are_remembered(void **state)
{
    enum { MORE = 10 };
    liminal_supervisor *supervisor = open_plain();
    witness w = witness_of(supervisor);
    liminal_pid pids[LIMINAL_REMEMBERED + MORE];
    liminal_exit exit;
    size_t blocks = 0, count = 0;
    (void)state;
    for (size_t i = 0; i < LIMINAL_REMEMBERED + MORE; i++) {
        assert_int_equal(liminal_thread_attach(supervisor, &pids[i]), LIMINAL_OK);
        notify(&w, pids[i]);
        assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
        assert_int_equal(atomic_load(&w.count), i + 1); /* none is open when it is forgotten */
        if (i == LIMINAL_REMEMBERED) {
            blocks = test_blocks();
        }
    }
    assert_int_equal(test_blocks(), blocks); /* it does not grow */
    for (size_t i = 0; i < LIMINAL_REMEMBERED + MORE; i++) {
        assert_int_equal(liminal_process_wait(supervisor, pids[i], &exit, liminal_deadline_passed()),
                         i < MORE ? LIMINAL_ENOPROC : LIMINAL_OK);
        assert_false(liminal_process_alive(supervisor, pids[i]));
    }
    assert_int_equal(liminal_process_list(supervisor, NULL, 0, &count), LIMINAL_OK);
    assert_int_equal(count, 0);
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(it_is_a_process_from_the_attach_to_the_detach),
        TEST(what_is_refused),
        TEST(an_end_without_detach_is_noticed),
        TEST(a_thread_of_the_library_does_not_attach),
        TEST(a_thread_may_be_attached_to_several),
        TEST(a_signal_ends_the_process_and_not_the_thread),
        TEST(one_that_was_killed_may_just_leave),
        TEST(plain_ones_go_with_those_they_are_linked_to),
        TEST(one_that_traps_takes_messages_in_order),
        TEST(messages_that_nobody_takes_are_freed),
        TEST(a_message_or_the_own_end_wakes_who_waits),
        TEST(nobody_waits_for_himself),
        TEST(what_a_notice_may_do_while_its_thread_leaves),
        TEST(a_cancellation_does_not_break_into_the_end),
        TEST(a_thread_that_ends_does_not_attach_again),
        TEST(a_thread_that_an_inline_behaviour_ends_is_dead_as_well),
        TEST(the_last_so_many_dead_are_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

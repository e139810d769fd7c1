/* SPDX-License-Identifier: MIT */
/* test_link_calls.c -- what the calls of link.h refuse, and what they cost in memory; lists; pids; fork. */
#define _GNU_SOURCE

#include "link_kit.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- arguments ---- */

static void no_supervisor_no_outputs(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid pids[2] = {{77}, {77}};
    size_t count = 99;
    being b;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_INLINE, &plain);
    assert_int_equal(liminal_process_link(NULL, b.pid, b.pid), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "supervisor"));
    assert_int_equal(liminal_process_unlink(NULL, b.pid, b.pid), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_signal(NULL, b.pid, b.pid, boom), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_kill(NULL, b.pid), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_trap(NULL, b.pid, true), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_links(NULL, b.pid, pids, 2, &count), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_list(NULL, pids, 2, &count), LIMINAL_EINVAL);
    assert_false(liminal_process_linked(NULL, b.pid, b.pid));
    assert_false(liminal_process_alive(NULL, b.pid));
    assert_int_equal(liminal_process_links(supervisor, b.pid, pids, 2, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_list(supervisor, pids, 2, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_links(supervisor, b.pid, NULL, 1, &count), LIMINAL_EINVAL);
    assert_int_equal(liminal_process_list(supervisor, NULL, 1, &count), LIMINAL_EINVAL);
    assert_true(liminal_status_detail()[0] != '\0');
    assert_lives(&b);
    leave(&b);
    shut(&supervisor);
    assert_int_equal(count, 99);
    assert_int_equal(pids[0].value, 77);
}

static void no_kind_that_is_none(void **state)
{
    const int kinds[] = {-1, LIMINAL_EXIT_UNKNOWN + 1, 1000};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const liminal_exit_reason reason = {(liminal_exit_kind)kinds[i], 0};
        liminal_supervisor *supervisor = open_plain();
        being p, t;
        be(&p, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
        be(&t, supervisor, LIMINAL_PARTICIPANT_THREAD, &trapper);
        assert_int_equal(liminal_process_signal(supervisor, nobody, p.pid, reason), LIMINAL_EINVAL);
        assert_non_null(strstr(liminal_status_detail(), "kind"));
        assert_int_equal(liminal_process_signal(supervisor, nobody, t.pid, reason), LIMINAL_EINVAL);
        assert_int_equal(liminal_process_signal(supervisor, nobody, nobody, reason), LIMINAL_EINVAL);
        assert_lives(&p);
        assert_lives(&t);
        assert_int_equal(t.messages, 0);
        leave(&p);
        leave(&t);
        shut(&supervisor);
    }
}

static void whose_trapping_can_not_be_changed(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_pid actor;
    being b;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    actor = liminal_conversation_pid(b.conversation);
    for (int trap = 0; trap < 2; trap++) {
        assert_int_equal(liminal_process_trap(supervisor, actor, trap != 0), LIMINAL_EINVAL);
        assert_int_equal(liminal_process_trap(supervisor, nobody, trap != 0), LIMINAL_ENOPROC);
        assert_int_equal(liminal_process_trap(supervisor, (liminal_pid){5}, trap != 0), LIMINAL_ENOPROC);
    }
    assert_int_equal(liminal_process_signal(supervisor, nobody, actor, boom), LIMINAL_OK);
    assert_true(liminal_process_alive(supervisor, actor));
    assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
    assert_int_equal(liminal_process_trap(supervisor, b.pid, true), LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_trap(supervisor, actor, true), LIMINAL_ENOPROC);
    leave(&b);
    shut(&supervisor);
}

/* A pid of another supervisor is nobody here. */
static void a_pid_of_another_supervisor(void **state)
{
    liminal_supervisor *here = open_plain(), *there = open_plain();
    size_t count = 99;
    being b, t;
    (void)state;
    be(&b, here, LIMINAL_PARTICIPANT_INLINE, &plain);
    be(&t, there, LIMINAL_PARTICIPANT_INLINE, &trapper);
    assert_false(liminal_process_alive(there, b.pid));
    assert_int_equal(liminal_process_link(here, b.pid, t.pid), LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_link(there, t.pid, b.pid), LIMINAL_OK);
    assert_told(&t, b.pid, noproc);
    assert_int_equal(liminal_process_links(there, b.pid, NULL, 0, &count), LIMINAL_ENOPROC);
    assert_int_equal(liminal_process_kill(there, b.pid), LIMINAL_OK);
    assert_lives(&b);
    leave(&b);
    leave(&t);
    assert_int_equal(liminal_supervisor_shutdown(&here, NULL, liminal_deadline_never()), LIMINAL_OK);
    shut(&there);
    assert_int_equal(count, 99);
}

/* ---- lists ---- */

enum { MANY = 300 }; /* more than are read at once */

static bool is_among(liminal_pid pid, const liminal_pid *pids, size_t count)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        found += pids[i].value == pid.value;
    }
    assert_true(found < 2);
    return found == 1;
}

static void the_list_of_links(void **state)
{
    static liminal_pid others[MANY], out[MANY + 1];
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *crowd = spawn_crowd(supervisor, liminal_behaviour_echo(), MANY, others);
    size_t count = 99;
    being b;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_INLINE, &trapper);
    assert_int_equal(liminal_process_links(supervisor, b.pid, NULL, 0, &count), LIMINAL_OK);
    assert_int_equal(count, 0);
    for (size_t i = 0; i < MANY; i++) {
        assert_int_equal(liminal_process_link(supervisor, others[i], b.pid), LIMINAL_OK);
    }
    for (size_t room = 0; room <= MANY + 1; room += room < 70 ? 1 : 77) {
        memset(out, 0xee, sizeof out);
        assert_int_equal(liminal_process_links(supervisor, b.pid, room ? out : NULL, room, &count), LIMINAL_OK);
        assert_int_equal(count, MANY); /* how many there are, whatever the room */
        for (size_t i = 0; i < MANY + 1; i++) {
            if (i < room && i < MANY) {
                assert_true(is_among(out[i], others, MANY));
            } else {
                assert_int_equal(out[i].value, UINT64_C(0xeeeeeeeeeeeeeeee));
            }
        }
    }
    assert_int_equal(liminal_process_links(supervisor, b.pid, out, MANY, &count), LIMINAL_OK);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(is_among(others[i], out, MANY));
        assert_int_equal(liminal_process_links(supervisor, others[i], out + i, 1, &count), LIMINAL_OK);
        assert_int_equal(count, 1);
        assert_int_equal(out[i].value, b.pid.value);
    }
    assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
    assert_int_equal(liminal_process_links(supervisor, b.pid, out, MANY, &count), LIMINAL_ENOPROC);
    assert_int_equal(count, 1); /* untouched */
    leave(&b);
    liminal_conversation_drop(&crowd);
    shut(&supervisor);
}

static void the_list_of_all(void **state)
{
    static liminal_pid others[MANY], out[2 * MANY];
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *crowd;
    size_t count = 99;
    being b;
    (void)state;
    assert_int_equal(liminal_process_list(supervisor, NULL, 0, &count), LIMINAL_OK);
    assert_int_equal(count, 0);
    crowd = spawn_crowd(supervisor, liminal_behaviour_echo(), MANY, others);
    be(&b, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    for (size_t room = 0; room <= 2 * MANY; room += room < 70 ? 1 : 77) {
        memset(out, 0xee, sizeof out);
        assert_int_equal(liminal_process_list(supervisor, room ? out : NULL, room, &count), LIMINAL_OK);
        assert_int_equal(count, MANY + 3); /* with two actors */
        for (size_t i = 0; i < 2 * MANY; i++) {
            assert_int_equal(i < room && i < count, out[i].value != UINT64_C(0xeeeeeeeeeeeeeeee));
            assert_true(i >= room || i >= count || liminal_process_alive(supervisor, out[i]));
        }
    }
    assert_int_equal(liminal_process_list(supervisor, out, 2 * MANY, &count), LIMINAL_OK);
    for (size_t i = 0; i < MANY; i++) {
        assert_true(is_among(others[i], out, count));
    }
    assert_true(is_among(b.pid, out, count));
    assert_true(is_among(liminal_conversation_pid(b.conversation), out, count));
    assert_true(is_among(liminal_conversation_pid(crowd), out, count));
    for (size_t i = 0; i < MANY; i += 2) {
        assert_int_equal(liminal_process_kill(supervisor, others[i]), LIMINAL_OK);
    }
    exits(&b, boom);
    assert_int_equal(liminal_process_list(supervisor, out, 2 * MANY, &count), LIMINAL_OK);
    assert_int_equal(count, MANY / 2 + 1); /* the dead are not on it, though they are remembered */
    assert_false(is_among(others[0], out, count));
    assert_true(is_among(others[1], out, count));
    assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(crowd)), LIMINAL_OK);
    assert_int_equal(liminal_process_list(supervisor, out, 2 * MANY, &count), LIMINAL_OK);
    assert_int_equal(count, MANY / 2 + 1); /* it is back */
    assert_true(is_among(liminal_conversation_pid(crowd), out, count));
    liminal_conversation_drop(&crowd);
    leave(&b);
    shut(&supervisor);
}

/* ---- pids ---- */

enum { PIDS = 4000 };

static int by_value(const void *a, const void *b)
{
    uint64_t x = ((const liminal_pid *)a)->value, y = ((const liminal_pid *)b)->value;
    return x < y ? -1 : x > y;
}

static liminal_status will_not(void *self)
{
    (void)self;
    return LIMINAL_EFAILED;
}

/* Conversations, participants, next lives, and spawns that fail: each has pids of its own. */
static void pids_are_never_used_again(void **state)
{
    static liminal_pid pids[PIDS];
    liminal_behaviour unwilling = *liminal_behaviour_echo();
    liminal_supervisor *supervisor = open_plain();
    size_t count = 0;
    unwilling.start = will_not;
    (void)state;
    while (count + 4 < PIDS) {
        liminal_conversation *c = NULL;
        being b;
        if (count % 5 == 0) {
            assert_int_equal(liminal_supervisor_spawn_behaviour(supervisor, &unwilling, NULL, LIMINAL_CRASH_FAIL, &c),
                             LIMINAL_EFAILED); /* when it has its pids */
        }
        be(&b, supervisor, LIMINAL_PARTICIPANT_INLINE, &plain);
        pids[count++] = b.pid;
        pids[count++] = liminal_conversation_pid(b.conversation);
        assert_int_equal(liminal_process_kill(supervisor, liminal_conversation_pid(b.conversation)), LIMINAL_OK);
        pids[count++] = liminal_conversation_pid(b.conversation);
        leave_for_good(&b);
    }
    for (size_t i = 0; i < count; i++) {
        assert_true(pids[i].value != 0);
        assert_false(liminal_process_alive(supervisor, pids[i]));
    }
    qsort(pids, count, sizeof pids[0], by_value);
    for (size_t i = 1; i < count; i++) {
        assert_true(pids[i - 1].value != pids[i].value);
    }
    shut(&supervisor);
}

/* ---- memory ---- */

/* Each allocation of each link is refused once; the table grows on the way. */
static void a_link_without_memory(void **state)
{
    static liminal_pid others[MANY];
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *crowd = spawn_crowd(supervisor, liminal_behaviour_echo(), MANY, others);
    size_t refused = 0, most = 0;
    being b;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_INLINE, &trapper);
    for (size_t i = 0; i < MANY; i++) {
        liminal_status status = LIMINAL_ENOMEM;
        for (size_t n = 1; status != LIMINAL_OK; n++) {
            size_t blocks = test_blocks();
            test_fail_nth(n);
            status = liminal_process_link(supervisor, b.pid, others[i]);
            test_fail_nth(0);
            if (status != LIMINAL_OK) {
                assert_int_equal(status, LIMINAL_ENOMEM);
                assert_true(liminal_status_detail()[0] != '\0');
                assert_int_equal(test_blocks(), blocks);
                assert_false(liminal_process_linked(supervisor, b.pid, others[i]));
                assert_int_equal(links_of(&b), i);
                refused++;
                most = n > most ? n : most;
            }
        }
        assert_int_equal(links_of(&b), i + 1);
    }
    assert_true(refused > MANY); /* the link each time, the table sometimes */
    assert_true(most > 1);
    assert_int_equal(liminal_process_kill(supervisor, others[5]), LIMINAL_OK);
    assert_told(&b, others[5], killed);
    test_fail_nth(1);
    assert_int_equal(liminal_process_link(supervisor, b.pid, others[5]), LIMINAL_ENOMEM); /* for the message */
    test_fail_nth(0);
    assert_lives(&b);
    assert_int_equal(b.messages, 1);
    assert_int_equal(liminal_process_link(supervisor, b.pid, others[5]), LIMINAL_OK);
    assert_told_after(&b, 1, others[5], noproc);
    liminal_conversation_drop(&crowd);
    leave(&b);
    shut(&supervisor);
}

static void a_signal_without_memory(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    being t, p;
    (void)state;
    be(&t, supervisor, LIMINAL_PARTICIPANT_THREAD, &trapper);
    be(&p, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    test_fail_nth(1);
    assert_int_equal(liminal_process_signal(supervisor, nobody, t.pid, boom), LIMINAL_ENOMEM);
    test_fail_nth(0);
    assert_true(liminal_status_detail()[0] != '\0');
    assert_lives(&t);
    assert_int_equal(t.messages, 0);
    assert_int_equal(liminal_process_signal(supervisor, nobody, t.pid, boom), LIMINAL_OK);
    assert_told(&t, nobody, boom);
    test_fail_from(1); /* one that is to die of it needs none */
    assert_int_equal(liminal_process_signal(supervisor, nobody, p.pid, normal), LIMINAL_OK);
    assert_int_equal(liminal_process_signal(supervisor, nobody, p.pid, boom), LIMINAL_OK);
    assert_int_equal(p.deaths, 1);
    test_fail_nth(0);
    assert_dies(&p, boom);
    leave(&t);
    leave(&p);
    shut(&supervisor);
}

static void a_kill_of_an_actor_without_memory(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_status status = LIMINAL_ENOMEM;
    liminal_pid before, after;
    size_t n;
    being b, t;
    (void)state;
    be(&b, supervisor, LIMINAL_PARTICIPANT_INLINE, &plain);
    be(&t, supervisor, LIMINAL_PARTICIPANT_INLINE, &trapper);
    before = liminal_conversation_pid(b.conversation);
    assert_int_equal(liminal_process_link(supervisor, before, t.pid), LIMINAL_OK);
    for (n = 1; status != LIMINAL_OK; n++) {
        size_t blocks = test_blocks();
        test_fail_nth(n);
        status = liminal_process_kill(supervisor, before);
        test_fail_nth(0);
        if (status != LIMINAL_OK && n < 10) {
            assert_int_equal(status, LIMINAL_ENOMEM);
            assert_int_equal(test_blocks(), blocks);
            assert_int_equal(liminal_conversation_pid(b.conversation).value, before.value); /* nothing was done */
            assert_true(liminal_process_alive(supervisor, before));
            assert_true(liminal_process_linked(supervisor, before, t.pid));
        }
        assert_true(n < 10);
    }
    assert_true(n > 2);
    after = liminal_conversation_pid(b.conversation);
    assert_true(after.value != before.value);
    assert_told(&t, before, killed);
    assert_lives(&b);
    leave(&b);
    leave(&t);
    shut(&supervisor);
}

/* There is no memory at all: whoever was linked hears all the same. */
static void no_exit_is_lost_without_memory(void **state)
{
    enum { ROUND = 20 };
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, plains[ROUND], trappers[ROUND];
        liminal_status unlinked;
        size_t count = 0;
        be(&b, supervisor, both[k], &plain);
        for (size_t i = 0; i < ROUND; i++) {
            be(&plains[i], supervisor, both[i % 2], &plain);
            be(&trappers[i], supervisor, both[i % 2], &trapper);
            assert_int_equal(link_to(&b, &plains[i]), LIMINAL_OK);
            assert_int_equal(link_to(&trappers[i], &plains[i]), LIMINAL_OK);
        }
        test_fail_from(1);
        unlinked = unlink_from(&trappers[0], &plains[0]);
        unlinked = unlinked != LIMINAL_OK ? unlinked : liminal_process_list(supervisor, NULL, 0, &count);
        unlinked = unlinked != LIMINAL_OK ? unlinked : liminal_process_kill(supervisor, b.pid);
        for (size_t i = 0; i < ROUND; i++) {
            test_gate_wait(&plains[i].over);
            test_gate_open(&plains[i].over);
            if (i > 0) {
                test_gate_wait(&trappers[i].told);
                test_gate_open(&trappers[i].told);
            }
        }
        test_fail_nth(0);
        assert_int_equal(unlinked, LIMINAL_OK);
        assert_int_equal(count, 2 + 4 * ROUND);
        for (size_t i = 0; i < ROUND; i++) {
            assert_dies(&plains[i], killed);
            if (i > 0) {
                assert_told(&trappers[i], plains[i].pid, killed);
            } else {
                assert_lives(&trappers[i]);
                assert_int_equal(trappers[i].messages, 0);
            }
            leave(&plains[i]);
            leave(&trappers[i]);
        }
        leave(&b);
        shut(&supervisor);
    }
}

/* ---- fork ---- */

/* Past the sanitizers, which would take the parent's threads for leaks of the child. */
static void child_leaves(int code)
{
    (void)syscall(SYS_exit_group, code);
}

#define CHILD(condition)                                                      \
    do {                                                                      \
        if (!(condition)) {                                                   \
            dprintf(2, "child: %s:%d: %s\n", __FILE__, __LINE__, #condition); \
            child_leaves(1);                                                  \
        }                                                                     \
    } while (0)

static void in_the_child(const being *a, const being *b)
{
    liminal_pid pids[4];
    size_t count = 99;
    CHILD(!liminal_process_alive(a->supervisor, a->pid));
    CHILD(!liminal_process_linked(a->supervisor, a->pid, b->pid));
    CHILD(liminal_process_link(a->supervisor, a->pid, b->pid) == LIMINAL_EFORKED);
    CHILD(liminal_process_unlink(a->supervisor, a->pid, b->pid) == LIMINAL_EFORKED);
    CHILD(liminal_process_signal(a->supervisor, a->pid, b->pid, boom) == LIMINAL_EFORKED);
    CHILD(liminal_process_kill(a->supervisor, a->pid) == LIMINAL_EFORKED);
    CHILD(liminal_process_trap(a->supervisor, a->pid, true) == LIMINAL_EFORKED);
    CHILD(liminal_process_links(a->supervisor, a->pid, pids, 4, &count) == LIMINAL_EFORKED);
    CHILD(liminal_process_list(a->supervisor, pids, 4, &count) == LIMINAL_EFORKED);
    CHILD(count == 99);
    CHILD(strstr(liminal_status_detail(), "fork") != NULL);
}

static void fork_and_look(const being *a, const being *b)
{
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        (void)alarm(15);
        in_the_child(a, b);
        child_leaves(0);
    }
    (void)test_check(child > 0);
    (void)test_check(waitpid(child, &status, 0) == child);
    (void)test_check(status == 0);
}

static void after_a_fork_nobody_is_linked_or_alive(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    being a, b;
    (void)state;
    be(&a, supervisor, LIMINAL_PARTICIPANT_THREAD, &trapper);
    be(&b, supervisor, LIMINAL_PARTICIPANT_INLINE, &plain);
    assert_int_equal(link_to(&a, &b), LIMINAL_OK);
    fork_and_look(&a, &b);
    assert_true(are_linked(&a, &b)); /* the parent did not notice */
    exits(&b, boom);
    assert_told(&a, b.pid, boom);
    fork_and_look(&a, &b);
    leave(&a);
    leave(&b);
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(no_supervisor_no_outputs),
        TEST(no_kind_that_is_none),
        TEST(whose_trapping_can_not_be_changed),
        TEST(a_pid_of_another_supervisor),
        TEST(the_list_of_links),
        TEST(the_list_of_all),
        TEST(pids_are_never_used_again),
        TEST(a_link_without_memory),
        TEST(a_signal_without_memory),
        TEST(a_kill_of_an_actor_without_memory),
        TEST(no_exit_is_lost_without_memory),
        TEST(after_a_fork_nobody_is_linked_or_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

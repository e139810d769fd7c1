/* SPDX-License-Identifier: MIT */
/* test_adopt.c -- memory, threads and descriptors that are refused when a thread attaches or a process is watched; and
 * exits when there is no memory at all. */
#define _GNU_SOURCE
#include "unit/os_kit.h"

#include <sys/resource.h>

/* What is there of a supervisor, and of this process. */
typedef struct inventory {
    size_t blocks, processes, threads;
    int descriptors;
} inventory;

static inventory take_inventory(liminal_supervisor *supervisor)
{
    inventory now = {.blocks = test_blocks(), .threads = liminal_supervisor_census(supervisor).threads};
    int fd;
    assert_int_equal(liminal_process_list(supervisor, NULL, 0, &now.processes), LIMINAL_OK);
    for (fd = 0; fd < 1000; fd++) {
        now.descriptors += fcntl(fd, F_GETFD) != -1;
    }
    return now;
}

static void assert_nothing_left(liminal_supervisor *supervisor, const inventory *before)
{
    inventory now = take_inventory(supervisor);
    assert_int_equal(now.blocks, before->blocks);
    assert_int_equal(now.processes, before->processes);
    assert_int_equal(now.threads, before->threads);
    assert_int_equal(now.descriptors, before->descriptors);
}

/* ---- memory ---- */

static void each_allocation_of_an_attach(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    inventory before = take_inventory(supervisor);
    liminal_pid pid = {0};
    size_t n;
    (void)state;
    for (n = 1;; n++) {
        liminal_status st;
        test_fail_nth(n);
        st = liminal_thread_attach(supervisor, &pid);
        test_fail_nth(0);
        if (st == LIMINAL_OK) {
            break;
        }
        assert_int_equal(st, LIMINAL_ENOMEM);
        assert_true(liminal_status_detail()[0] != '\0');
        assert_int_equal(pid.value, 0);
        assert_nothing_left(supervisor, &before);
        assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_EPHASE);
    }
    assert_true(n > 2); /* its record, and the registry's first entry */
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    shut(&supervisor);
}

static void each_allocation_of_a_watch(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    inventory before = take_inventory(supervisor);
    sleeper s;
    liminal_pid pid = {0};
    size_t n;
    (void)state;
    s = os_sleeper();
    before.descriptors++; /* the sleeper's */
    for (n = 1;; n++) {
        liminal_status st;
        test_fail_nth(n);
        st = liminal_os_process_watch(supervisor, s.pid, &pid);
        test_fail_nth(0);
        if (st == LIMINAL_OK) {
            break;
        }
        assert_int_equal(st, LIMINAL_ENOMEM);
        assert_true(liminal_status_detail()[0] != '\0');
        assert_int_equal(pid.value, 0);
        assert_nothing_left(supervisor, &before);
    }
    assert_true(n > 3); /* its record, the watcher, and the registry's first entry */
    (void)kill(s.pid, SIGKILL);
    assert_ends(supervisor, pid, os_signal(SIGKILL));
    (void)os_end(&s);
    shut(&supervisor);
}

/* Everything that an exit needs was there before. */
static void exits_are_seen_without_any_memory(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper();
    liminal_pid pid = os_watch(supervisor, s.pid), me = {0};
    witness of_thread = witness_of(supervisor), of_process = witness_of(supervisor);
    liminal_conversation *first = NULL, *second = NULL;
    liminal_exit exit;
    guest g;
    (void)state;
    guest_start(&g, supervisor, BY_RETURN, NULL, NULL);
    assert_int_equal(liminal_thread_attach(supervisor, &me), LIMINAL_OK);
    assert_int_equal(liminal_process_trap(supervisor, me, true), LIMINAL_OK);
    assert_int_equal(liminal_process_link(supervisor, me, g.pid), LIMINAL_OK);
    assert_int_equal(liminal_process_link(supervisor, me, pid), LIMINAL_OK);
    assert_int_equal(watch_in_talk(supervisor, g.pid, &first), LIMINAL_OK);
    assert_int_equal(watch_in_talk(supervisor, pid, &second), LIMINAL_OK);
    notify(&of_thread, g.pid);
    notify(&of_process, pid);
    test_fail_from(1);
    guest_leave(&g);
    assert_told(&of_thread, g.pid, killed);
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_exit(&exit, g.pid, killed);
    (void)kill(s.pid, SIGKILL);
    assert_told(&of_process, pid, os_signal(SIGKILL));
    assert_int_equal(liminal_thread_next_exit(supervisor, &exit, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_exit(&exit, pid, os_signal(SIGKILL));
    assert_talk_ends(&first, "watched exited: killed");
    assert_talk_ends(&second, "watched exited: signal 9");
    assert_int_equal(liminal_thread_detach(supervisor), LIMINAL_OK);
    shut(&supervisor);
    test_fail_nth(0);
    (void)os_end(&s);
}

/* ---- threads ---- */

static void each_thread_of_a_watch(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper();
    inventory before = take_inventory(supervisor);
    liminal_pid pid = {0};
    size_t n;
    (void)state;
    for (n = 1;; n++) {
        liminal_status st;
        test_refuse_threads(n);
        st = liminal_os_process_watch(supervisor, s.pid, &pid);
        test_refuse_threads(0);
        if (st == LIMINAL_OK) {
            break;
        }
        assert_int_equal(st, LIMINAL_ELIMIT);
        assert_non_null(strstr(liminal_status_detail(), "thread"));
        assert_int_equal(pid.value, 0);
        assert_nothing_left(supervisor, &before);
    }
    assert_true(n > 1);
    (void)kill(s.pid, SIGKILL);
    assert_ends(supervisor, pid, os_signal(SIGKILL));
    (void)os_end(&s);
    shut(&supervisor);
}

/* ---- descriptors ---- */

/* So many may still be opened; gives the limit that there was. */
static struct rlimit allow_descriptors(int count)
{
    struct rlimit before, limit;
    int fd;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    for (fd = 0; count > 0 || fcntl(fd, F_GETFD) != -1; fd++) {
        count -= fcntl(fd, F_GETFD) == -1;
    }
    limit = before;
    limit.rlim_cur = (rlim_t)fd;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    return before;
}

/* Case 44. */
static void without_descriptors_nothing_is_half_watched(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    sleeper s = os_sleeper();
    inventory before = take_inventory(supervisor);
    liminal_pid pid = {0}, second = {0};
    int count;
    (void)state;
    for (count = 0;; count++) {
        struct rlimit limit = allow_descriptors(count);
        liminal_status st = liminal_os_process_watch(supervisor, s.pid, &pid);
        if (st == LIMINAL_OK) { /* not one more can be had now, but what is watched is watched */
            before = take_inventory(supervisor);
            assert_int_equal(liminal_os_process_watch(supervisor, s.pid, &second), LIMINAL_ELIMIT);
            assert_nothing_left(supervisor, &before);
        }
        (void)setrlimit(RLIMIT_NOFILE, &limit);
        if (st == LIMINAL_OK) {
            break;
        }
        assert_int_equal(st, LIMINAL_ELIMIT);
        assert_true(liminal_status_detail()[0] != '\0');
        assert_int_equal(pid.value, 0);
        assert_nothing_left(supervisor, &before);
    }
    assert_true(count >= 2); /* one of the process, and the watcher's */
    assert_int_equal(second.value, 0);
    second = os_watch(supervisor, s.pid);
    (void)kill(s.pid, SIGKILL);
    assert_ends(supervisor, pid, os_signal(SIGKILL));
    assert_ends(supervisor, second, os_signal(SIGKILL));
    (void)os_end(&s);
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_allocation_of_an_attach),
        TEST(each_allocation_of_a_watch),
        TEST(exits_are_seen_without_any_memory),
        TEST(each_thread_of_a_watch),
        TEST(without_descriptors_nothing_is_half_watched),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_os_process_many.c -- a thousand OS processes at once. */
#define _GNU_SOURCE
#include "os_kit.h"

#include <sys/prctl.h>
#include <sys/resource.h>

/* A child that runs nothing, so that many of them cost little. It ends with the test. */
static pid_t idle_child(pid_t group)
{
    pid_t child = fork();
    if (child == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
            (void)pause();
        }
    }
    assert_true(child > 0);
    assert_int_equal(setpgid(child, group), 0);
    return child;
}

/* Case 43. */
static void a_thousand_killed_at_once_are_a_thousand_exits(void **state)
{
    enum { MANY = UNDER_TSAN ? 100 : LESS(1000) }; /* there a fork takes thirty times as long */
    static witness told[MANY];
    static pid_t children[MANY];
    static liminal_pid pids[MANY];
    liminal_supervisor *supervisor = open_plain();
    struct rlimit before, limit;
    (void)state;
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    limit = before;
    if (limit.rlim_cur < MANY + 100) {
        limit.rlim_cur = MANY + 100;
        if (limit.rlim_max < limit.rlim_cur || setrlimit(RLIMIT_NOFILE, &limit) != 0) {
            assert_int_equal(liminal_supervisor_shutdown(&supervisor, NULL, liminal_deadline_never()), LIMINAL_OK);
            skip();
        }
    }
    for (int i = 0; i < MANY; i++) {
        children[i] = idle_child(i == 0 ? 0 : children[0]);
    }
    for (int i = 0; i < MANY; i++) {
        told[i] = witness_of(supervisor);
        pids[i] = os_watch(supervisor, children[i]);
        notify(&told[i], pids[i]);
    }
    assert_int_equal(kill(-children[0], SIGKILL), 0);
    for (int i = 0; i < MANY; i++) {
        assert_told(&told[i], pids[i], os_signal(SIGKILL));
    }
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(atomic_load(&told[i].count), 1);
        assert_true(WIFSIGNALED(os_reap(children[i]))); /* not one was reaped for the host */
    }
    (void)setrlimit(RLIMIT_NOFILE, &before);
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_thousand_killed_at_once_are_a_thousand_exits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_platform_watch_waiter.c -- the same where the kernel turns out to have no pidfds, or has them and can't
 * wait for them. A filter of system calls plays the part of the old kernel; it can't be taken off again, so this
 * is a program of its own. */
#define _GNU_SOURCE

#include "watch_cases.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

enum { P_PIDFD_TYPE = 3 };

static bool install(struct sock_filter *filter, size_t count)
{
    struct sock_fprog program = {(unsigned short)count, filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

/* Linux 5.3: pidfd_open() is there, waitid() knows no P_PIDFD. */
static bool forget_waiting(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_waitid, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, P_PIDFD_TYPE, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EINVAL),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return install(filter, sizeof filter / sizeof filter[0]);
}

/* Before that, or in a sandbox: no pidfd_open() at all. */
static bool forget_opening(unsigned error)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_open, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    return install(filter, sizeof filter / sizeof filter[0]);
}

static void the_kernel_forgets(void **state)
{
    siginfo_t info;
    (void)state;
    assert_true(forget_waiting());
    assert_int_equal(waitid((idtype_t)P_PIDFD_TYPE, 0, &info, WEXITED | WNOHANG), -1);
    assert_int_equal(errno, EINVAL);
}

static void the_kernel_forgets_more(void **state)
{
    (void)state;
    assert_true(forget_opening(EPERM));
    assert_int_equal(syscall(SYS_pidfd_open, getpid(), 0), -1);
    assert_int_equal(errno, EPERM);
}

static void the_kernel_has_never_heard_of_it(void **state)
{
    (void)state;
    assert_true(forget_opening(ENOSYS)); /* of several filters that refuse, the last one's error counts */
    assert_int_equal(syscall(SYS_pidfd_open, getpid(), 0), -1);
    assert_int_equal(errno, ENOSYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_kernel_forgets),      TEST(every_end_has_its_reason),         TEST(a_signal_ends_it),
        TEST(the_kernel_forgets_more), TEST(a_zombie_is_over_at_once_and_is_left_for_the_host),
        TEST(the_kernel_has_never_heard_of_it), WATCH_CASES,
    };
    by_waiter = true;
    return cmocka_run_group_tests_name("platform_watch_waiter", tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_signals.c -- signals: a storm of them at every thread while everything goes on, and system calls that a signal
 * ends. Nothing fails, hangs, or is lost; and nothing but the host's threads hears of them. */
#define _GNU_SOURCE
#include "fault/waits_kit.h"

#include <dirent.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/random.h>
#include <sys/syscall.h>
#include <time.h>

/* ---- the storm ---- */

static atomic_ulong heard, sent;
static atomic_bool calm;
static test_thread storm;
static struct sigaction before;

static void hear(int number)
{
    (void)number;
    atomic_fetch_add(&heard, 1);
}

/* The threads there are: they come and go, so it looks again after a while. */
static size_t look_round(pid_t *tasks, size_t room)
{
    DIR *folder = opendir("/proc/self/task");
    const struct dirent *entry;
    size_t count = 0;
    while (folder != NULL && (entry = readdir(folder)) != NULL && count < room) {
        pid_t task = (pid_t)strtol(entry->d_name, NULL, 10);
        if (task > 0 && task != (pid_t)syscall(SYS_gettid)) {
            tasks[count++] = task;
        }
    }
    if (folder != NULL) {
        (void)closedir(folder);
    }
    return count;
}

static void rage(void *argument)
{
    const struct timespec moment = {0, 20000};
    pid_t tasks[256];
    (void)argument;
    while (!atomic_load(&calm)) {
        size_t count = look_round(tasks, 256);
        for (int i = 0; i < 8; i++) {
            for (size_t k = 0; k < count; k++) {
                atomic_fetch_add(&sent, syscall(SYS_tgkill, getpid(), tasks[k], SIGUSR1) == 0);
            }
            (void)nanosleep(&moment, NULL);
        }
    }
}

/* Without SA_RESTART: what a signal ends is not begun again. */
static void begin_storm(void)
{
    struct sigaction action;
    sigset_t one;
    memset(&action, 0, sizeof action);
    action.sa_handler = hear;
    assert_int_equal(sigaction(SIGUSR1, &action, &before), 0);
    atomic_store(&heard, 0);
    atomic_store(&sent, 0);
    atomic_store(&calm, false);
    (void)sigemptyset(&one);
    (void)sigaddset(&one, SIGUSR1);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &one, NULL), 0); /* for the thread that sends them */
    test_thread_start(&storm, rage, NULL);
    assert_int_equal(pthread_sigmask(SIG_UNBLOCK, &one, NULL), 0);
}

static void end_storm(unsigned long least)
{
    atomic_store(&calm, true);
    test_thread_join(&storm);
    assert_true(atomic_load(&heard) >= least);
    assert_true(atomic_load(&sent) >= atomic_load(&heard));
    assert_int_equal(sigaction(SIGUSR1, &before, NULL), 0);
}

/* How many are heard meanwhile is the machine's affair: it may give the storm little time. */
static void everything_works_in_a_storm(void **state)
{
    enum { MANY = 1000 };
    int64_t began = test_now_ns();
    (void)state;
    begin_storm();
    do {
        live_everywhere(1);
    } while (atomic_load(&heard) < MANY && test_now_ns() - began < (int64_t)20 * SECOND);
    end_storm(MANY);
}

/* The calling thread hears so many more; those that would end a wait are among them. */
static void hear_more(scene *s)
{
    unsigned long count = atomic_load(&heard);
    (void)s;
    test_until(atomic_load(&heard) - count > 60);
}

static void nothing(void)
{
}

static void no_wait_ends_by_a_signal(void **state)
{
    (void)state;
    begin_storm();
    what_is_satisfied_afterwards(MINUTE, hear_more, nothing);
    end_storm(WAITS);
}

/* ---- system calls that a signal ends ---- */

/* Of each three of a kind the second is ended by a signal that nobody sent. */
enum { READ, WRITE, WAITID, POLL, EPOLL_WAIT, GETRANDOM, CALLS };
static atomic_bool interrupting;
static atomic_uint calls[CALLS];

static bool is_interrupted(int which)
{
    bool hit = atomic_load(&interrupting) && atomic_fetch_add(&calls[which], 1) % 3 == 1;
    if (hit) {
        errno = EINTR;
    }
    return hit;
}

/* The linker sends the library's calls here. */
ssize_t __real_read(int fd, void *to, size_t room);
ssize_t __real_write(int fd, const void *from, size_t size);
int __real_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __real_poll(struct pollfd *asked, nfds_t count, int wait_ms);
int __real_epoll_wait(int fd, struct epoll_event *events, int room, int wait_ms);
ssize_t __real_getrandom(void *to, size_t size, unsigned flags);
ssize_t __wrap_read(int fd, void *to, size_t room);
ssize_t __wrap_write(int fd, const void *from, size_t size);
int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options);
int __wrap_poll(struct pollfd *asked, nfds_t count, int wait_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int wait_ms);
ssize_t __wrap_getrandom(void *to, size_t size, unsigned flags);

ssize_t __wrap_read(int fd, void *to, size_t room)
{
    return is_interrupted(READ) ? -1 : __real_read(fd, to, room);
}

ssize_t __wrap_write(int fd, const void *from, size_t size)
{
    return is_interrupted(WRITE) ? -1 : __real_write(fd, from, size);
}

int __wrap_waitid(idtype_t type, id_t id, siginfo_t *info, int options)
{
    return is_interrupted(WAITID) ? -1 : __real_waitid(type, id, info, options);
}

int __wrap_poll(struct pollfd *asked, nfds_t count, int wait_ms)
{
    return is_interrupted(POLL) ? -1 : __real_poll(asked, count, wait_ms);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int wait_ms)
{
    return is_interrupted(EPOLL_WAIT) ? -1 : __real_epoll_wait(fd, events, room, wait_ms);
}

ssize_t __wrap_getrandom(void *to, size_t size, unsigned flags)
{
    return is_interrupted(GETRANDOM) ? -1 : __real_getrandom(to, size, flags);
}

static bool were_all_interrupted(void)
{
    bool all = true;
    for (int i = 0; i < CALLS; i++) {
        all &= atomic_load(&calls[i]) >= 2;
    }
    return all;
}

/* How many threads are new, and so ask for random bytes, is chance. */
static void each_system_call_may_be_interrupted(void **state)
{
    (void)state;
    atomic_store(&interrupting, true);
    for (int rounds = 0; rounds < 10 && !were_all_interrupted(); rounds++) {
        live_everywhere(4); /* a program is started in each */
    }
    atomic_store(&interrupting, false);
    assert_true(were_all_interrupted());
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(everything_works_in_a_storm),
        TEST(no_wait_ends_by_a_signal),
        TEST(each_system_call_may_be_interrupted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

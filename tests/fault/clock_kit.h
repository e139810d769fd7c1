/* SPDX-License-Identifier: MIT */
/* clock_kit.h -- clocks that jump, and waits that end for no reason. The linker sends the library's calls of the
 * platform here (--wrap): it sees clocks that are ahead of the machine's by as much as a test says, and its waits look
 * every few milliseconds what those say. The harness goes by the machine's own. */
#ifndef TEST_CLOCK_KIT_H
#define TEST_CLOCK_KIT_H

#include "platform_process.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <sys/epoll.h>

#define SLICE_NS ((int64_t)1000000)
#define SLICE_MS 1

static _Atomic(int64_t) clock_ahead, clock_wall_ahead;
static atomic_uint clock_restless; /* not 0: so many waits of each hundred end at once, for no reason */
static atomic_uint clock_parks;    /* waits that began, or went on */
static atomic_uint clock_throws;

int64_t __real_limi_clock_monotonic(void);
int64_t __real_limi_clock_wall(void);
int64_t __real_limi_tick_monotonic(void);
int64_t __real_limi_tick_wall(void);
limi_instant __real_limi_clock_both(void);
limi_instant __real_limi_clock_recent(void);
bool __real_limi_park(limi_word *word, uint32_t expected, int64_t deadline_ns);
int __real_poll(struct pollfd *asked, nfds_t count, int wait_ms);
int __real_epoll_wait(int fd, struct epoll_event *events, int room, int wait_ms);

int64_t __wrap_limi_clock_monotonic(void);
int64_t __wrap_limi_clock_wall(void);
int64_t __wrap_limi_tick_monotonic(void);
int64_t __wrap_limi_tick_wall(void);
limi_instant __wrap_limi_clock_both(void);
limi_instant __wrap_limi_clock_recent(void);
limi_instant __wrap_limi_clock_counted(void);
bool __wrap_limi_park(limi_word *word, uint32_t expected, int64_t deadline_ns);
int __wrap_poll(struct pollfd *asked, nfds_t count, int wait_ms);
int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int wait_ms);

/* A clock stands still at the end of what it can count. */
static int64_t clock_sum(int64_t time, int64_t ahead)
{
    int64_t sum;
    if (__builtin_add_overflow(time, ahead, &sum)) {
        sum = ahead > 0 ? INT64_MAX : INT64_MIN;
    }
    return sum;
}

int64_t __wrap_limi_clock_monotonic(void)
{
    return clock_sum(__real_limi_clock_monotonic(), atomic_load(&clock_ahead));
}

int64_t __wrap_limi_tick_monotonic(void)
{
    return clock_sum(__real_limi_tick_monotonic(), atomic_load(&clock_ahead));
}

int64_t __wrap_limi_clock_wall(void)
{
    return clock_sum(__real_limi_clock_wall(), atomic_load(&clock_wall_ahead));
}

int64_t __wrap_limi_tick_wall(void)
{
    return clock_sum(__real_limi_tick_wall(), atomic_load(&clock_wall_ahead));
}

static limi_instant clock_both_ahead(limi_instant now)
{
    return (limi_instant){clock_sum(now.wall, atomic_load(&clock_wall_ahead)),
                          clock_sum(now.monotonic, atomic_load(&clock_ahead))};
}

limi_instant __wrap_limi_clock_both(void)
{
    return clock_both_ahead(__real_limi_clock_both());
}

limi_instant __wrap_limi_clock_recent(void)
{
    return clock_both_ahead(__real_limi_clock_recent());
}

/* What is counted on from a look would not have heard of a jump for a millisecond. */
limi_instant __wrap_limi_clock_counted(void)
{
    return __wrap_limi_clock_both();
}

static bool clock_wakes_for_no_reason(void)
{
    unsigned percent = atomic_load(&clock_restless);
    return percent != 0 && atomic_fetch_add(&clock_throws, 37) % 100 < percent;
}

/* True a few times too often: a park may return for no reason. */
bool __wrap_limi_park(limi_word *word, uint32_t expected, int64_t deadline_ns)
{
    int64_t now = __wrap_limi_clock_monotonic(), slice;
    atomic_fetch_add(&clock_parks, 1);
    if (deadline_ns <= now && deadline_ns != INT64_MAX) {
        return __real_limi_park(word, expected, 0);
    }
    if (clock_wakes_for_no_reason()) {
        return true;
    }
    slice = __real_limi_clock_monotonic() + SLICE_NS;
    (void)__real_limi_park(word, expected, slice);
    return deadline_ns == INT64_MAX || __wrap_limi_clock_monotonic() < deadline_ns;
}

/* 0: for now there is nothing; or a signal that nobody has sent. */
static bool clock_ends_poll(int *wait_ms)
{
    atomic_fetch_add(&clock_parks, 1);
    *wait_ms = *wait_ms < 0 || *wait_ms > SLICE_MS ? SLICE_MS : *wait_ms;
    errno = EINTR;
    return clock_wakes_for_no_reason();
}

int __wrap_poll(struct pollfd *asked, nfds_t count, int wait_ms)
{
    return clock_ends_poll(&wait_ms) ? -1 : __real_poll(asked, count, wait_ms);
}

int __wrap_epoll_wait(int fd, struct epoll_event *events, int room, int wait_ms)
{
    return clock_ends_poll(&wait_ms) ? -1 : __real_epoll_wait(fd, events, room, wait_ms);
}

#endif

/* SPDX-License-Identifier: MIT */
/* platform_poll.c -- the treaty's second part, on POSIX: descriptors, and what waits for them. The contracts
 * stand in platform_process.h and platform_call.h. */
#define _GNU_SOURCE

#include "platform_call.h"

#include "detail.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#if defined(__linux__)
#include <sys/epoll.h>
#include <sys/eventfd.h>
#endif

/* ---- descriptors ---- */

void limi_descriptor_discard(int *fd)
{
    if (*fd >= 0) {
        (void)close(*fd); /* never again after EINTR: the number may be another's by then */
        *fd = -1;
    }
}

int limi_descriptor_lift(int fd)
{
    int lifted, error;
    if (fd < 0 || fd > STDERR_FILENO) {
        return fd;
    }
    lifted = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
    error = errno;
    (void)close(fd);
    errno = error;
    return lifted;
}

bool limi_pipe_open(int ends[2])
{
    int error;
#if defined(__linux__)
    if (pipe2(ends, O_CLOEXEC) != 0) {
        ends[0] = ends[1] = -1;
        return false;
    }
#else
    if (pipe(ends) != 0) {
        ends[0] = ends[1] = -1;
        return false;
    }
    (void)fcntl(ends[0], F_SETFD, FD_CLOEXEC);
    (void)fcntl(ends[1], F_SETFD, FD_CLOEXEC);
#endif
    ends[0] = limi_descriptor_lift(ends[0]);
    error = errno;
    ends[1] = limi_descriptor_lift(ends[1]);
    if (ends[0] >= 0 && ends[1] >= 0) {
        return true;
    }
    error = ends[0] < 0 ? error : errno;
    limi_descriptor_discard(&ends[0]);
    limi_descriptor_discard(&ends[1]);
    errno = error;
    return false;
}

liminal_status limi_descriptor_refused(const char *what)
{
    if (errno == ENOMEM) {
        return limi_detail(LIMINAL_ENOMEM, "%s: the system has no memory", what);
    }
    return limi_detail(LIMINAL_ELIMIT, "%s: the system gives no descriptor (error %d)", what, errno);
}

void limi_descriptor_close(int *fd)
{
    limi_aside aside = limi_aside_begin();
    limi_descriptor_discard(fd);
    limi_aside_end(aside);
}

ptrdiff_t limi_descriptor_read(int fd, void *to, size_t room)
{
    limi_aside aside = limi_aside_begin();
    ssize_t got;
    do {
        got = read(fd, to, room);
    } while (got < 0 && errno == EINTR);
    if (got < 0) {
        got = errno == EAGAIN || errno == EWOULDBLOCK ? -1 : 0;
    }
    limi_aside_end(aside);
    return got;
}

size_t limi_descriptor_waiting(int fd)
{
    limi_aside aside = limi_aside_begin();
    int count = 0;
    if (ioctl(fd, FIONREAD, &count) != 0 || count < 0) {
        count = 0;
    }
    limi_aside_end(aside);
    return (size_t)count;
}

/* With EPIPE comes a SIGPIPE for the calling thread. It blocks all signals, so that this one stays pending for
 * that thread alone, is never handed to another one, and is forgotten when it ends. */
ptrdiff_t limi_descriptor_write(int fd, const void *from, size_t size)
{
    limi_aside aside = limi_aside_begin();
    ssize_t put;
    do {
        put = write(fd, from, size);
    } while (put < 0 && errno == EINTR);
    if (put < 0) {
        put = errno == EAGAIN || errno == EWOULDBLOCK ? -1 : -2;
    }
    limi_aside_end(aside);
    return put;
}

/* ---- a few descriptors ---- */

/* What poll() and epoll_wait() want: milliseconds, rounded up; -1 for never. */
static int milliseconds_until(int64_t deadline_ns)
{
    const int64_t ns_per_ms = 1000000;
    int64_t left;
    if (deadline_ns == INT64_MAX) {
        return -1;
    }
    left = deadline_ns > 0 ? deadline_ns - limi_clock_monotonic() : 0;
    if (left <= 0) {
        return 0;
    }
    left = (left - 1) / ns_per_ms + 1;
    return left < INT_MAX ? (int)left : INT_MAX;
}

static bool take_answers(limi_pollee *pollees, const struct pollfd *asked, size_t count)
{
    const int over = POLLHUP | POLLERR | POLLNVAL;
    bool any = false;
    for (size_t i = 0; i < count; i++) {
        int seen = asked[i].fd >= 0 ? asked[i].revents : 0;
        pollees[i].can_read = pollees[i].want_read && (seen & (POLLIN | over)) != 0;
        pollees[i].can_write = pollees[i].want_write && (seen & (POLLOUT | over)) != 0;
        any = any || pollees[i].can_read || pollees[i].can_write;
    }
    return any;
}

void limi_poll(limi_pollee *pollees, size_t count, int64_t deadline_ns)
{
    limi_aside aside = limi_aside_begin();
    struct pollfd asked[LIMI_POLL_MOST];
    int ready, wait_ms;
    bool some;
    LIMI_ASSERT(count <= LIMI_POLL_MOST);
    for (size_t i = 0; i < count; i++) {
        bool wanted = pollees[i].want_read || pollees[i].want_write; /* else a hang-up would wake it for nothing */
        asked[i].fd = wanted ? pollees[i].fd : -1;
        asked[i].revents = 0;
        asked[i].events = (short)((pollees[i].want_read ? POLLIN : 0) | (pollees[i].want_write ? POLLOUT : 0));
    }
    do {
        wait_ms = milliseconds_until(deadline_ns);
        ready = poll(asked, (nfds_t)count, wait_ms);
        some = take_answers(pollees, asked, count);
    } while (!some && wait_ms != 0 && (ready >= 0 || errno == EINTR));
    limi_aside_end(aside);
}

/* ---- chime ---- */

#if defined(__linux__)

static bool open_chime(int ends[2])
{
    ends[0] = ends[1] = limi_descriptor_lift(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    return ends[0] >= 0;
}

#else

static bool open_chime(int ends[2])
{
    if (!limi_pipe_open(ends)) {
        return false;
    }
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    (void)fcntl(ends[1], F_SETFL, O_NONBLOCK);
    return true;
}

#endif

liminal_status limi_chime_open(limi_chime *chime)
{
    limi_aside aside = limi_aside_begin();
    int ends[2];
    liminal_status st = open_chime(ends) ? LIMINAL_OK : limi_descriptor_refused("a chime");
    *chime = (limi_chime){.fd = ends[0], .other_fd = ends[1]};
    limi_aside_end(aside);
    return st;
}

void limi_chime_ring(limi_chime *chime)
{
    limi_aside aside = limi_aside_begin();
    const uint64_t one = 1;
    /* No room means that it rings already. Its reader lives as long as it does, so there is no SIGPIPE. */
    while (write(chime->other_fd, &one, sizeof one) < 0 && errno == EINTR) {
    }
    limi_aside_end(aside);
}

void limi_chime_clear(limi_chime *chime)
{
    limi_aside aside = limi_aside_begin();
    uint64_t rung[8];
    ssize_t got;
    do { /* a ring that comes between stays for the next poll, or is one that this clear was for */
        got = read(chime->fd, rung, sizeof rung);
    } while (got == (ssize_t)sizeof rung || (got < 0 && errno == EINTR));
    limi_aside_end(aside);
}

void limi_chime_close(limi_chime *chime)
{
    if (chime->other_fd != chime->fd) {
        limi_descriptor_close(&chime->other_fd);
    }
    limi_descriptor_close(&chime->fd);
    chime->other_fd = -1;
}

/* ---- poller ---- */

#if defined(__linux__)

liminal_status limi_poller_open(limi_poller *poller)
{
    limi_aside aside = limi_aside_begin();
    liminal_status st = LIMINAL_OK;
    poller->fd = limi_descriptor_lift(epoll_create1(EPOLL_CLOEXEC));
    if (poller->fd < 0) {
        st = limi_descriptor_refused("a poller");
    }
    limi_aside_end(aside);
    return st;
}

liminal_status limi_poller_add(limi_poller *poller, int fd, void *key)
{
    limi_aside aside = limi_aside_begin();
    struct epoll_event event = {.events = EPOLLIN, .data = {.ptr = key}};
    liminal_status st = LIMINAL_OK;
    if (epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event) != 0) {
        st = limi_descriptor_refused("polling one more");
    }
    limi_aside_end(aside);
    return st;
}

void limi_poller_remove(limi_poller *poller, int fd)
{
    limi_aside aside = limi_aside_begin();
    struct epoll_event event = {.events = 0}; /* old kernels want one */
    (void)epoll_ctl(poller->fd, EPOLL_CTL_DEL, fd, &event);
    limi_aside_end(aside);
}

size_t limi_poller_wait(limi_poller *poller, void **keys, size_t room, int64_t deadline_ns)
{
    enum { MOST = 64 };
    limi_aside aside = limi_aside_begin();
    struct epoll_event events[MOST];
    int ready, wait_ms;
    do {
        wait_ms = milliseconds_until(deadline_ns);
        ready = epoll_wait(poller->fd, events, room < MOST ? (int)room : MOST, wait_ms);
    } while (ready <= 0 && wait_ms != 0 && (ready == 0 || errno == EINTR));
    for (int i = 0; i < ready; i++) {
        keys[i] = events[i].data.ptr;
    }
    limi_aside_end(aside);
    return ready > 0 ? (size_t)ready : 0;
}

#else /* a port brings its own; without one, only the programs that the library starts can be watched */

liminal_status limi_poller_open(limi_poller *poller)
{
    poller->fd = -1;
    return limi_detail(LIMINAL_ELIMIT, "a poller: not possible on this system");
}

liminal_status limi_poller_add(limi_poller *poller, int fd, void *key)
{
    (void)poller, (void)fd, (void)key;
    return LIMINAL_ELIMIT;
}

void limi_poller_remove(limi_poller *poller, int fd)
{
    (void)poller, (void)fd;
}

size_t limi_poller_wait(limi_poller *poller, void **keys, size_t room, int64_t deadline_ns)
{
    (void)poller, (void)keys, (void)room, (void)deadline_ns;
    return 0;
}

#endif

void limi_poller_close(limi_poller *poller)
{
    limi_descriptor_close(&poller->fd);
}

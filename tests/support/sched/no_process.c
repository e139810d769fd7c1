/* SPDX-License-Identifier: MIT */
/* no_process.c -- in place of platform_child.c and platform_watch.c: a machine without OS processes. What opens
 * something is refused; the rest is never called. */
#include <liminal/memory.h>

#include "platform_process.h"

liminal_status limi_watch_open(limi_watch *watch, int64_t os_pid)
{
    (void)watch, (void)os_pid;
    return LIMINAL_ELIMIT;
}

bool limi_watch_over(limi_watch *watch, bool reap, liminal_exit_reason *out)
{
    (void)watch, (void)reap, (void)out;
    __builtin_trap();
}

void limi_watch_reap(limi_watch *watch)
{
    (void)watch;
    __builtin_trap();
}

void limi_watch_signal(limi_watch *watch, limi_signal signal)
{
    (void)watch, (void)signal;
    __builtin_trap();
}

void limi_watch_close(limi_watch *watch)
{
    (void)watch;
    __builtin_trap();
}

liminal_status limi_chime_open(limi_chime *chime)
{
    (void)chime;
    return LIMINAL_ELIMIT;
}

void limi_chime_ring(limi_chime *chime)
{
    (void)chime;
    __builtin_trap();
}

void limi_chime_clear(limi_chime *chime)
{
    (void)chime;
    __builtin_trap();
}

void limi_chime_close(limi_chime *chime)
{
    (void)chime;
    __builtin_trap();
}

liminal_status limi_poller_open(limi_poller *poller)
{
    (void)poller;
    return LIMINAL_ELIMIT;
}

liminal_status limi_poller_add(limi_poller *poller, int fd, void *key)
{
    (void)poller, (void)fd, (void)key;
    return LIMINAL_ELIMIT;
}

void limi_poller_remove(limi_poller *poller, int fd)
{
    (void)poller, (void)fd;
    __builtin_trap();
}

size_t limi_poller_wait(limi_poller *poller, void **keys, size_t room, int64_t deadline_ns)
{
    (void)poller, (void)keys, (void)room, (void)deadline_ns;
    __builtin_trap();
}

void limi_poller_close(limi_poller *poller)
{
    (void)poller;
    __builtin_trap();
}

void limi_poll(limi_pollee *pollees, size_t count, int64_t deadline_ns)
{
    (void)pollees, (void)count, (void)deadline_ns;
    __builtin_trap();
}

liminal_status limi_child_start(const limi_child_plan *plan, limi_child *out)
{
    (void)plan, (void)out;
    return LIMINAL_ELIMIT;
}

ptrdiff_t limi_descriptor_read(int fd, void *to, size_t room)
{
    (void)fd, (void)to, (void)room;
    __builtin_trap();
}

ptrdiff_t limi_descriptor_write(int fd, const void *from, size_t size)
{
    (void)fd, (void)from, (void)size;
    __builtin_trap();
}

void limi_descriptor_close(int *fd)
{
    if (*fd >= 0) {
        __builtin_trap();
    }
}

void limi_watch_abandon(int64_t os_pid)
{
    (void)os_pid;
    __builtin_trap();
}

size_t limi_descriptor_waiting(int fd)
{
    (void)fd;
    __builtin_trap();
}

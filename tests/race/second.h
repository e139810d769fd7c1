/* SPDX-License-Identifier: MIT */
/* second.h -- a second thread for races that are run many times over. */
#ifndef TEST_SECOND_H
#define TEST_SECOND_H

#include "race/race.h"

#include <sched.h>

enum { SECOND_MOMENT_NS = 20000 };

/* One thread that does something at the line, again and again. */
typedef struct second {
    liminal_supervisor *supervisor;
    void (*what)(struct second *self);
    liminal_pid mine, other;
    liminal_exit_reason reason;
    liminal_status status;
    void *context;
    race_line line;
    int64_t moment;
    test_gate go, done;
    atomic_bool over;
    test_thread thread;
} second;

/* As race_cross(), but kind to a machine that has no processor to spare. */
static inline void meet(race_line *line, int64_t moment_ns)
{
    int64_t until;
    atomic_fetch_add(&line->there, 1);
    for (int spins = 0; atomic_load(&line->there) < 2; spins++) {
        if (spins > 1000) {
            (void)sched_yield();
        }
    }
    until = test_now_ns() + moment_ns;
    while (moment_ns > 0 && test_now_ns() < until) {
    }
}

static inline void do_it_again(void *argument)
{
    second *s = argument;
    for (;;) {
        test_gate_wait(&s->go);
        if (s->over) {
            return;
        }
        meet(&s->line, s->moment);
        s->what(s);
        test_gate_open(&s->done);
    }
}

static inline void start_second(second *s, liminal_supervisor *supervisor, void (*what)(second *self))
{
    memset(s, 0, sizeof *s);
    s->supervisor = supervisor;
    s->what = what;
    test_gate_init(&s->go);
    test_gate_init(&s->done);
    test_thread_start(&s->thread, do_it_again, s);
}

/* Both are off: this returns on the line, now before the other one, now behind it. */
static inline void off(second *s, int round)
{
    s->line.there = 0;
    s->moment = SECOND_MOMENT_NS * (round % 16) / 15;
    test_gate_open(&s->go);
    meet(&s->line, SECOND_MOMENT_NS - s->moment);
}

static inline void end_second(second *s)
{
    s->over = true;
    test_gate_open(&s->go);
    test_thread_join(&s->thread);
}

#endif

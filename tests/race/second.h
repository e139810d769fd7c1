/* SPDX-License-Identifier: MIT */
/* second.h -- a second thread for races that are run many times over. */
#ifndef TEST_SECOND_H
#define TEST_SECOND_H

#include "race/race.h"

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

static inline void do_it_again(void *argument)
{
    second *s = argument;
    for (;;) {
        test_gate_wait(&s->go);
        if (s->over) {
            return;
        }
        race_cross(&s->line, s->moment);
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

/* Both are off: this returns on the line, now before the other one, now behind it. Where one of two outcomes was not
 * `seen` for long they are further and further apart, for the machine may be slow. NULL: there is but one. */
static inline void off(second *s, int round, const size_t seen[2])
{
    int doublings = seen != NULL && (seen[0] == 0 || seen[1] == 0) ? round / 64 : 0;
    int64_t most = (int64_t)SECOND_MOMENT_NS << (doublings < 8 ? doublings : 8);
    s->line = (race_line){0};
    s->moment = most * (round % 16) / 15;
    test_gate_open(&s->go);
    race_cross(&s->line, most - s->moment);
}

static inline void end_second(second *s)
{
    s->over = true;
    test_gate_open(&s->go);
    test_thread_join(&s->thread);
}

#endif

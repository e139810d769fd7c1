/* SPDX-License-Identifier: MIT */
/* turn.c -- who runs next, and how time passes.
 *
 * A fiber comes here before it does something others may see (it could go on, or another one could), when it spins
 * (another one should), and when it can't go on. Time stands still but where a reading of the clock makes it jump to
 * the next date at which something may happen, where the end of a wait is chosen, and where nobody else can go on:
 * then it is the earliest end of a wait. */
#include "inner.h"

#include <stdio.h>
#include <string.h>

/* ---- time ---- */

void note_date(int64_t ns)
{
    enum { MOST = sizeof world.dates / sizeof *world.dates };
    for (unsigned i = 0; i < world.date_count; i++) {
        if (world.dates[i] == ns) {
            return;
        }
    }
    if (ns != INT64_MAX && world.date_count < MOST) {
        world.dates[world.date_count++] = ns;
    }
}

static int64_t next_date(void)
{
    int64_t next = INT64_MAX;
    for (unsigned i = 0; i < world.date_count; i++) {
        if (world.dates[i] > world.time && world.dates[i] < next) {
            next = world.dates[i];
        }
    }
    return next;
}

static void jump(int64_t to)
{
    if (to > world.time) {
        world.time = to;
    }
    for (unsigned i = 0; i < world.count; i++) {
        fiber *f = &world.fibers[i];
        if (f->state == ASLEEP && f->deadline <= world.time) {
            f->state = READY;
            f->timed_out = true;
        }
    }
}

bool choose_jump(void)
{
    static const option options[] = {{0, 0}, {'j', 0}};
    int64_t next = next_date();
    world.step++;
    if (!may_choose(world.left.early) || next == INT64_MAX || choose(options, 2) == 0) {
        return false;
    }
    world.left.early--;
    jump(next);
    return true;
}

/* ---- who is next ---- */

typedef enum departure { GOES_ON, YIELDS, BLOCKS } departure;

static fiber *next_round(unsigned k)
{
    return &world.fibers[(world.now->id + k) % world.count];
}

/* Those that could run now, the first being the one that does by itself. */
static unsigned list_ready(option *options, departure how)
{
    unsigned count = 0;
    if (how == GOES_ON) {
        options[count++] = (option){'s', world.now->id};
    }
    for (unsigned k = 1; k < world.count; k++) {
        if (next_round(k)->state == READY) {
            options[count++] = (option){'s', next_round(k)->id};
        }
    }
    if (how == BLOCKS && world.now->state == READY) { /* a jump has woken it */
        options[count++] = (option){'s', world.now->id};
    }
    for (unsigned i = 0; count == 0 && i < world.count; i++) {
        if (world.fibers[i].state == SETTLING) {
            options[count++] = (option){'s', i};
        }
    }
    return count;
}

/* What else could happen to those that sleep. */
static unsigned list_sleepers(option *options, unsigned count)
{
    for (unsigned i = 0; i < world.count; i++) {
        const fiber *f = &world.fibers[i];
        if (f->state == ASLEEP && f->deadline != INT64_MAX && may_choose(world.left.early)) {
            options[count++] = (option){'t', i};
        }
        if (f->state == ASLEEP && may_choose(world.left.spurious)) {
            options[count++] = (option){'w', i};
        }
    }
    return count;
}

/* The earliest end of a wait, when nobody else can go on. */
static bool let_time_pass(void)
{
    int64_t first = INT64_MAX;
    for (unsigned i = 0; i < world.count; i++) {
        if (world.fibers[i].state == ASLEEP && world.fibers[i].deadline < first) {
            first = world.fibers[i].deadline;
        }
    }
    if (first != INT64_MAX) {
        jump(first);
    }
    return first != INT64_MAX;
}

static void stuck(void)
{
    static const char *const states[] = {"ready", "waits for a lock", "sleeps", "joins", "settles"};
    sched_failure failure = SCHED_DEADLOCK;
    char text[160] = "";
    size_t used = 0;
    for (unsigned i = 0; i < world.count; i++) {
        const fiber *f = &world.fibers[i];
        bool changed = f->state == ASLEEP && place_newest(f->on) != f->expected;
        if (f->state != OVER && used < sizeof text) {
            used += (size_t)snprintf(text + used, sizeof text - used, " %u %s%s,", i, states[f->state],
                                     changed ? " on a word that has changed" : "");
        }
        failure = changed ? SCHED_LOST_WAKE : failure;
    }
    sched_fail(failure, "nobody can go on:%s", text);
}

static void take(option chosen, departure how, bool other)
{
    fiber *f = &world.fibers[chosen.which];
    switch (chosen.what) {
    case 't':
        world.left.early--;
        jump(f->deadline);
        break;
    case 'w':
        world.left.spurious--;
        break;
    default:
        if (other && how == GOES_ON) {
            world.left.preemptions--;
        } else if (other && world.left.turns != SCHED_ANY) {
            world.left.turns--;
        }
        break;
    }
    f->state = READY;
    fiber_switch(f);
}

static void decide(departure how)
{
    option options[1 + 3 * SCHED_FIBERS];
    unsigned ready, count, chosen = 0;
    while ((ready = list_ready(options, how)) == 0 && let_time_pass()) {
    }
    if (ready == 0 && how != YIELDS) {
        stuck();
    }
    if (ready == 0) {
        return; /* it spins alone */
    }
    count = list_sleepers(options, ready);
    if (world.quiet) {
        count = 1;
    } else if ((how == GOES_ON ? world.left.preemptions : world.left.turns) == 0) {
        memmove(options + 1, options + ready, (count - ready) * sizeof *options);
        count -= ready - 1;
    }
    if (count > 1) {
        chosen = choose(options, count);
    }
    take(options[chosen], how, chosen != 0);
}

static void step(void)
{
    if (++world.step > world.most_steps) {
        sched_fail(SCHED_LIVELOCK, "still going on");
    }
}

void turn_point(bool shared)
{
    step();
    if (world.quiet || world.count == 1) {
        return;
    }
    if (world.search == SCHED_DEPTH_FIRST) {
        const sched_bounds *left = &world.left;
        if ((!shared && !world.every) || (left->preemptions | left->early | left->spurious) == 0) {
            return;
        }
    }
    decide(GOES_ON);
}

void turn_yield(void)
{
    step();
    decide(YIELDS);
}

void turn_block(fiber_state state, const void *on)
{
    world.now->state = state;
    world.now->on = on;
    decide(BLOCKS);
}

_Noreturn void fiber_end(void)
{
    fiber *me = world.now;
    if (me->held != 0) {
        sched_fail(SCHED_MISUSE, "the thread has ended and still holds a lock");
    }
    me->state = OVER;
    wake_all(JOINING, me);
    for (unsigned i = 0; i < world.count; i++) {
        if (world.fibers[i].state != OVER) {
            decide(BLOCKS);
        }
    }
    fiber_go_home();
}


void sched_settle(void)
{
    turn_block(SETTLING, NULL);
}

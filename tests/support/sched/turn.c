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

enum { CLOCK = 1 }; /* a name */

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
        now_shared(CLOCK); /* who reads the clock may find it there */
        footprint_note(&world.time, false);
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

/* By a fiber of its own, or by itself: who sleeps no more was not unparked. */
static void jump(int64_t to, void (*note)(const void *where))
{
    note(&world.time);
    if (to > world.time) {
        world.time = to;
    }
    for (unsigned i = 0; i < world.count; i++) {
        fiber *f = &world.fibers[i];
        if (f->state == ASLEEP && f->deadline <= world.time) {
            note(place_cell(f->on));
            f->state = READY;
            f->timed_out = true;
        }
    }
}

/* Then whatever depends on the time is something that others may see. */
bool time_may_jump(void)
{
    return world.left.early > 0 && is_shared(CLOCK);
}

static void by_the_present(const void *where)
{
    footprint_note(where, false);
}

/* A point like others where time may be made to jump; then it may jump right here as well. */
void read_clock(void)
{
    static const option options[] = {{0, 0}, {'j', 0}};
    int64_t next;
    turn_point(time_may_jump());
    footprint_note(&world.time, true);
    next = next_date();
    if (may_choose(world.left.early) && next != INT64_MAX && choose(options, 2) != 0) {
        world.left.early--;
        jump(next, by_the_present);
    }
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

static int64_t earliest_end(void)
{
    int64_t first = INT64_MAX;
    for (unsigned i = 0; i < world.count; i++) {
        if (world.fibers[i].state == ASLEEP && world.fibers[i].deadline < first) {
            first = world.fibers[i].deadline;
        }
    }
    return first;
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

/* This execution is as good as another one: see footprint.c. */
static _Noreturn void give_up(void)
{
    world.given_up = true;
    fiber_go_home();
}

static void take(option chosen, departure how, bool other)
{
    fiber *f = &world.fibers[chosen.which];
    switch (chosen.what) {
    case 't':
        world.left.early--;
        jump(f->deadline, footprint_of_nobody);
        break;
    case 'w':
        world.left.spurious--;
        footprint_of_nobody(place_cell(f->on));
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
    if (is_asleep(f->id) && world.left.turns == SCHED_ANY) {
        give_up();
    }
    fiber_switch(f);
}

/* Nobody is ready: time goes on to the earliest end of a wait, or somebody else's wait ends: true, then he has run. */
static bool let_time_pass(departure how)
{
    option options[1 + 2 * SCHED_FIBERS] = {{0, 0}};
    unsigned count = list_sleepers(options, 1);
    unsigned chosen = count > 1 ? choose(options, count) : 0;
    if (chosen != 0) {
        take(options[chosen], how, true);
        return true;
    }
    jump(earliest_end(), footprint_of_nobody);
    return false;
}

static void decide(departure how)
{
    option options[1 + 3 * SCHED_FIBERS];
    unsigned ready, count, chosen = 0;
    footprint_end(how != GOES_ON);
    while ((ready = list_ready(options, how)) == 0) {
        if (earliest_end() == INT64_MAX && how == YIELDS) {
            return; /* it spins alone */
        }
        if (earliest_end() == INT64_MAX) {
            stuck();
        }
        if (let_time_pass(how)) {
            return;
        }
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
    if (is_asleep(world.now->id) && how == GOES_ON && chosen == 0) {
        give_up();
    }
    wake_up(world.now->id);
    if (count > 1 && world.search == SCHED_DEPTH_FIRST && how == GOES_ON) {
        footprint_decided(last_choice(), chosen == 0);
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
        if (!shared && !world.every) {
            return;
        }
        if ((left->preemptions | left->early | left->spurious) == 0) {
            if (is_asleep(world.now->id)) {
                give_up();
            }
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
    footprint_note(me, false);
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

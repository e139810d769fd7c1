/* SPDX-License-Identifier: MIT */
/* footprint.c -- executions that need not be looked at, because another one is the same but for the order of what has
 * nothing to do with each other.
 *
 * A fiber that was about to do something is preempted. Others run, and then it goes on. If none of them has touched
 * what it touches from there to its next point, it could have done that before they ran, and been preempted at that
 * next point instead: an execution within the same bounds, which is seen anyway. So it is asleep until somebody touches
 * what it is going to touch, and an execution that would have it go on before is given up.
 *
 * What it is going to touch is known: to go on is the first possibility at each point, and when another one is tried
 * all that came of the first has been seen. Loads of the same thing do not disturb each other; everything else does.
 *
 * Where turns are bounded the other execution might need one more of them, in two cases, which are seen to: it waits at
 * its next point, so that others are next in the round; or it is preempted again there, for which the other one takes
 * a turn. So it is left alone if it waits, and otherwise goes on in its sleep until it is clear that it is not
 * preempted. */
#include "inner.h"

#include <string.h>

enum { MARKS = 24, ANYTHING = MARKS + 1, UNKNOWN = MARKS + 2, NOBODY = -1 };

typedef struct footprint {
    uint32_t count; /* ANYTHING: too much; UNKNOWN: to go on was never tried */
    uint32_t marks[MARKS]; /* where, and in the lowest bit whether more than a load */
} footprint;

static footprint prints[SCHED_TRAIL];
static int recorded; /* of which choice the present fiber makes the footprint; or NOBODY */
static int asleep[SCHED_FIBERS]; /* after which choice it sleeps; or NOBODY */
static unsigned sleepers;

void footprints_begin(void)
{
    recorded = NOBODY;
    sleepers = 0;
    for (int i = 0; i < SCHED_FIBERS; i++) {
        asleep[i] = NOBODY;
    }
}

void footprint_open(unsigned choice)
{
    prints[choice].count = UNKNOWN;
}

void wake_up(unsigned id)
{
    sleepers -= asleep[id] != NOBODY;
    asleep[id] = NOBODY;
}

void footprint_decided(unsigned choice, bool goes_on)
{
    if (world.every) {
        return;
    }
    if (goes_on) {
        recorded = (int)choice;
        prints[choice].count = prints[choice].count == UNKNOWN ? 0 : prints[choice].count;
    } else {
        wake_up(world.now->id);
        asleep[world.now->id] = (int)choice;
        sleepers++;
    }
}

void footprint_blur(void)
{
    if (recorded != NOBODY) {
        prints[recorded].count = ANYTHING;
    }
}

void footprint_end(bool waits)
{
    if (waits && world.left.turns != SCHED_ANY) {
        footprint_blur();
    }
    recorded = NOBODY;
}

bool is_asleep(unsigned id)
{
    return asleep[id] != NOBODY;
}

static void record(footprint *print, uint32_t mark)
{
    for (uint32_t i = 0; i < print->count && i < MARKS; i++) {
        if ((print->marks[i] ^ mark) <= 1) {
            print->marks[i] |= mark;
            return;
        }
    }
    if (print->count < MARKS) {
        print->marks[print->count] = mark;
    }
    print->count += print->count < ANYTHING;
}

static bool disturbs(const footprint *print, uint32_t mark)
{
    if (print->count >= ANYTHING) {
        return true;
    }
    for (uint32_t i = 0; i < print->count; i++) {
        if ((print->marks[i] ^ mark) <= 1 && ((print->marks[i] | mark) & 1) != 0) {
            return true;
        }
    }
    return false;
}

static void disturb(uint32_t mark, const fiber *but)
{
    for (unsigned i = 0; sleepers > 0 && i < world.count; i++) {
        if (asleep[i] != NOBODY && &world.fibers[i] != but && disturbs(&prints[asleep[i]], mark)) {
            wake_up(i);
        }
    }
}

static uint32_t mark_of(const void *where, bool only_loads)
{
    return (uint32_t)((uintptr_t)where >> 2 << 1) | !only_loads;
}

void footprint_note(const void *where, bool only_loads)
{
    uint32_t mark = mark_of(where, only_loads);
    if (recorded != NOBODY) {
        record(&prints[recorded], mark);
    }
    disturb(mark, world.now);
}

void footprint_of_nobody(const void *where)
{
    disturb(mark_of(where, false), NULL);
}

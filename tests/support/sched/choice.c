/* SPDX-License-Identifier: MIT */
/* choice.c -- what determines an execution: what choose() gives, call by call.
 *
 * Depth first, the trail holds what it gave, and out of how many; the next execution is given the same but for the
 * last one that has another possibility left, which is the next of those; behind it the first of each. The first
 * possibility is always what happens by itself: to go on, or the next fiber round; the newest store; no refusal.
 *
 * A list of choices names the step and what was done there, and leaves out what happens by itself; so it says the same
 * whatever the bounds and the search were. */
#include "inner.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct made {
    unsigned step;
    option option;
} made;

enum { TRAIL = SCHED_TRAIL, MADE = 4096, NAMES = 1 << 20, CHANGES = 16 };

static struct {
    uint16_t chosen, of;
} trail[TRAIL];
static unsigned depth, at;

static made now_made[MADE]; /* in this execution, but for what happens by itself */
static unsigned made_count;
static made list[MADE]; /* to be replayed */
static unsigned list_count, list_at;

static uint64_t state;
static unsigned changes[CHANGES]; /* PRIORITIES: before which steps */
static unsigned change_count;

/* Names that are shared, as bits: as it is known since the trail was cleared, so that the same trail means the same;
 * and as it has been found since. */
static uint8_t shared[NAMES / 8], found_shared[NAMES / 8];

static uint64_t draw(void)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void choices_open(uint64_t seed)
{
    state = seed;
    depth = at = made_count = list_count = 0;
    memset(shared, 0, sizeof shared);
    memset(found_shared, 0, sizeof found_shared);
}

void choices_begin(unsigned preemptions, unsigned usual_steps)
{
    at = made_count = list_at = 0;
    footprints_begin();
    change_count = world.search == SCHED_PRIORITIES && preemptions < CHANGES ? preemptions : 0;
    for (unsigned i = 0; i < change_count; i++) {
        changes[i] = (unsigned)(draw() % (usual_steps + 1));
    }
}

/* ---- names that are shared ---- */

bool is_shared(uint32_t name)
{
    name %= NAMES;
    return (shared[name / 8] >> name % 8 & 1) != 0;
}

void now_shared(uint32_t name)
{
    name %= NAMES;
    found_shared[name / 8] |= (uint8_t)(1u << name % 8);
}

/* ---- depth first ---- */

static unsigned from_trail(unsigned count)
{
    if (at == depth) {
        if (depth == TRAIL) {
            sched_fail(SCHED_LIVELOCK, "more than %d choices", TRAIL);
        }
        trail[at].chosen = 0;
        trail[at].of = (uint16_t)count;
        footprint_open(at);
        depth++;
    } else if (trail[at].of != count) {
        sched_fail(SCHED_MISUSE, "the scenario is not the same each time");
    }
    return trail[at++].chosen;
}

void trail_clear(void)
{
    depth = 0;
    memcpy(shared, found_shared, sizeof shared);
}

unsigned last_choice(void)
{
    return at - 1;
}

bool trail_next(void)
{
    while (depth > 0 && trail[depth - 1].chosen + 1 == trail[depth - 1].of) {
        depth--;
    }
    if (depth == 0) {
        return false;
    }
    trail[depth - 1].chosen++;
    return true;
}

bool trail_is_enough(void)
{
    return memcmp(shared, found_shared, sizeof shared) == 0;
}

/* ---- at random ---- */

unsigned fiber_priority(void)
{
    return CHANGES + (unsigned)(draw() % 4096);
}

/* Who is ready and has the highest priority; now and then somebody's wait ends instead. */
static unsigned by_priority(const option *options, unsigned count)
{
    unsigned ready = 0, best = 0;
    while (ready < count && options[ready].what == 's') {
        ready++;
    }
    if (ready < count && (ready == 0 || draw() % 32 == 0)) {
        return ready + (unsigned)(draw() % (count - ready));
    }
    for (unsigned i = 0; i < change_count; i++) {
        if (changes[i] != 0 && changes[i] <= world.step) {
            changes[i] = 0;
            world.now->priority = i;
        }
    }
    for (unsigned i = 1; i < ready; i++) {
        best = world.fibers[options[i].which].priority > world.fibers[options[best].which].priority ? i : best;
    }
    return best;
}

/* ---- from a list ---- */

static unsigned from_list(const option *options, unsigned count)
{
    while (list_at < list_count && list[list_at].step < world.step) {
        list_at++;
    }
    for (unsigned k = list_at; k < list_count && list[k].step == world.step; k++) {
        for (unsigned i = 1; i < count; i++) {
            if (options[i].what == list[k].option.what && options[i].which == list[k].option.which) {
                return i;
            }
        }
    }
    return 0;
}

void list_print(char *to, size_t room)
{
    size_t used = 0;
    to[0] = '\0';
    for (unsigned i = 0; i < made_count && used + 24 < room; i++) {
        const made *m = &now_made[i];
        used += (size_t)snprintf(to + used, room - used, "%s%c%u.%u", i > 0 ? " " : "", m->option.what, m->step,
                                 m->option.which);
    }
}

void list_read(const char *from)
{
    list_count = 0;
    while (from != NULL && *from != '\0' && list_count < MADE) {
        made *m = &list[list_count++];
        char *end;
        m->option.what = *from;
        m->step = (unsigned)strtoul(from + 1, &end, 10);
        m->option.which = *end == '.' ? (unsigned)strtoul(end + 1, &end, 10) : 0;
        from = end + strspn(end, " ");
    }
}

static void keep_but(const made *whole, unsigned count, unsigned from, unsigned out)
{
    memcpy(list, whole, from * sizeof *whole);
    memcpy(list + from, whole + from + out, (count - from - out) * sizeof *whole);
    list_count = count - out;
}

void list_shrink(bool (*fails_so)(void))
{
    static made whole[MADE];
    unsigned count = made_count, chunk;
    memcpy(whole, now_made, count * sizeof *whole);
    for (chunk = count; chunk > 0; chunk = chunk > 1 ? (chunk + 1) / 2 : 0) {
        for (unsigned from = 0; from < count;) {
            unsigned out = from + chunk < count ? chunk : count - from;
            keep_but(whole, count, from, out);
            if (fails_so()) {
                count -= out;
                memcpy(whole, list, count * sizeof *whole);
            } else {
                from += out;
            }
        }
    }
    keep_but(whole, count, 0, 0);
    (void)fails_so();
}

/* ---- one choice ---- */

unsigned choose(const option *options, unsigned count)
{
    unsigned chosen;
    switch (world.search) {
    case SCHED_DEPTH_FIRST:
        chosen = from_trail(count);
        break;
    case SCHED_REPLAY:
        chosen = from_list(options, count);
        break;
    case SCHED_PRIORITIES:
        chosen = by_priority(options, count);
        break;
    case SCHED_RANDOM:
    default:
        chosen = (unsigned)(draw() % count);
        break;
    }
    if (chosen != 0 && made_count < MADE) {
        now_made[made_count++] = (made){world.step, options[chosen]};
    }
    return chosen;
}

bool may_choose(unsigned left)
{
    return left > 0 && !world.quiet;
}

bool choose_refusal(void)
{
    static const option options[] = {{0, 0}, {'f', 0}};
    world.step++;
    if (!may_choose(world.left.faults) || choose(options, 2) == 0) {
        return false;
    }
    world.left.faults--;
    return true;
}

unsigned choose_old(unsigned count)
{
    option options[SCHED_OLD] = {{0, 0}};
    unsigned chosen;
    for (unsigned i = 1; i < count; i++) {
        options[i] = (option){'r', i};
    }
    chosen = choose(options, count);
    world.left.old -= chosen != 0;
    return chosen;
}

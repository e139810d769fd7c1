/* SPDX-License-Identifier: MIT */
/* explorer.c -- one execution after the other, until there is none left, one fails, or it is enough. */
#define _GNU_SOURCE

#include "inner.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

typedef struct exploration {
    const sched_plan *plan;
    sched_result result;
    double began, limit;
    uint64_t most;
    unsigned seen; /* outcomes of this execution, as bits */
} exploration;

static exploration *present;

/* ---- one execution ---- */

static void scenario_body(void *argument)
{
    const exploration *e = argument;
    e->plan->scenario();
}

void sched_outcome(unsigned which)
{
    present->seen |= 1u << which;
}

void sched_quiet(bool quiet)
{
    footprint_blur(); /* what the others may choose depends on it */
    world.quiet = quiet;
}

static void begin(exploration *e, sched_search search)
{
    const sched_plan *plan = e->plan;
    sched_bounds *left = &world.left;
    world.search = search;
    *left = (sched_bounds){plan->preemptions, plan->turns, plan->old, plan->early, plan->spurious, plan->faults};
    if (search != SCHED_DEPTH_FIRST) {
        left->preemptions = left->turns = UINT32_MAX;
    }
    if (search == SCHED_REPLAY) {
        left->old = left->early = left->spurious = left->faults = UINT32_MAX;
    }
    world.count = world.step = world.date_count = 0;
    world.run = world.run % 0xfffe + 1;
    world.quiet = world.given_up = false;
    world.time = 1000000000;
    world.random = 1;
    world.spins = plan->spins;
    world.every = plan->every;
    world.most_steps = plan->steps != 0 ? plan->steps : 20000;
    e->seen = 0;
    failure_clear();
    places_clear();
    heap_clear();
    shadow_clear();
    choices_begin(plan->preemptions, e->result.steps);
}

static sched_failure execute(exploration *e, sched_search search)
{
    const char *text;
    begin(e, search);
    fiber_run(fiber_start(scenario_body, e));
    if (world.given_up) {
        return SCHED_NONE;
    }
    heap_count_left();
    for (unsigned i = 1; i < world.count; i++) {
        if (!world.fibers[i].joined) {
            note_failure(SCHED_LEAK, "thread %u was never joined", i);
        }
    }
    return failure_now(&text);
}

/* ---- all of them ---- */

static double seconds_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* True: enough. */
static bool run_one(exploration *e, sched_search search)
{
    sched_result *r = &e->result;
    r->failure = execute(e, search);
    r->executions += !world.given_up;
    r->given_up += world.given_up;
    r->steps = world.step > r->steps ? world.step : r->steps;
    for (unsigned i = 0; i < SCHED_OUTCOMES && !world.given_up; i++) {
        r->seen[i] += e->seen >> i & 1;
    }
    return r->failure != SCHED_NONE || r->executions == e->most ||
           (e->limit > 0 && (r->executions + r->given_up) % 64 == 0 && seconds_now() - e->began > e->limit);
}

/* Again from the start for as long as names turn out to be shared; a few random executions find most of them. */
static void go_deep(exploration *e)
{
    bool enough = false;
    for (int i = 0; i < 64 && !enough; i++) {
        enough = run_one(e, SCHED_RANDOM);
    }
    while (!enough) {
        sched_result fresh = {.seconds = 0};
        e->result = fresh;
        trail_clear();
        do {
            enough = run_one(e, SCHED_DEPTH_FIRST);
        } while (!enough && trail_next());
        if (!enough && trail_is_enough()) {
            e->result.complete = true;
            return;
        }
    }
}

static void search(exploration *e)
{
    switch (e->plan->search) {
    case SCHED_DEPTH_FIRST:
        go_deep(e);
        break;
    case SCHED_REPLAY:
        list_read(e->plan->choices);
        (void)run_one(e, SCHED_REPLAY);
        break;
    case SCHED_RANDOM:
    case SCHED_PRIORITIES:
    default:
        while (!run_one(e, e->plan->search)) {
        }
        break;
    }
}

static bool fails_so(void)
{
    return execute(present, SCHED_REPLAY) == present->result.failure;
}

static void describe_failure(exploration *e)
{
    sched_result *r = &e->result;
    const char *text;
    if (e->plan->search != SCHED_REPLAY) {
        list_shrink(fails_so);
    }
    (void)failure_now(&text);
    strcpy(r->text, text);
    list_print(r->choices, sizeof r->choices);
}

/* SCHED_LONG=N: N times as long, where there is a limit. SCHED_DEEPER=N: N more preemptions depth first. */
static sched_plan widened(const sched_plan *plan)
{
    const char *longer = getenv("SCHED_LONG"), *deeper = getenv("SCHED_DEEPER");
    double factor = longer != NULL && atof(longer) > 0 ? atof(longer) : 1;
    sched_plan wide = *plan;
    wide.seconds *= factor;
    wide.most = (uint64_t)((double)plan->most * factor);
    if (deeper != NULL && plan->search == SCHED_DEPTH_FIRST && plan->preemptions < SCHED_ANY) {
        wide.preemptions += (unsigned)strtoul(deeper, NULL, 10);
    }
    return wide;
}

sched_result sched_explore(const sched_plan *given)
{
    const sched_plan wide = widened(given), *plan = &wide;
    exploration e = {.plan = plan, .began = seconds_now(), .limit = plan->seconds, .most = plan->most};
    present = &e;
    choices_open(plan->seed);
    fibers_open();
    signals_open();
    search(&e);
    e.result.seconds = seconds_now() - e.began;
    if (e.result.failure != SCHED_NONE) {
        describe_failure(&e);
    }
    shadow_clear();
    signals_close();
    fibers_close();
    return e.result;
}

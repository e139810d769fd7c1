/* SPDX-License-Identifier: MIT */
/* sched.h -- a scheduler that stands behind platform.h: it runs a scenario again and again, each time in another
 * order, until it has seen every order within given bounds, or one that fails.
 *
 * Threads are fibers of one thread of the system. Whenever one of them comes to an atomic operation, a lock, a park
 * or an unpark the scheduler may let another one go on; where one of them loads, it may give an older value; a wait
 * may end in time, too early or for no reason; an allocation or the start of a thread may fail. Which of these it did
 * is a list of choices, and the list is all there is: the same list gives the same execution.
 *
 *   s12.1   at step 12 switch to fiber 1        r12.2   the load at step 12 reads the second but newest store
 *   t12.1   time jumps, fiber 1 wakes of it     j12.0   time jumps, at this reading of the clock
 *   w12.1   fiber 1 wakes for no reason         f12.0   what is asked for at step 12 is refused
 *
 * What it finds: a failed sched_check() or LIMI_ASSERT(), a crash; two accesses to a plain field that nothing orders,
 * where one writes; use of a released or never initialised thing, a double release, a leak; a deadlock, a lost wake
 * (a deadlock in which somebody sleeps on a word that has changed), a livelock; a lock left held, or held over a wait;
 * a thread never joined. The library and the scenarios are compiled with -fsanitize=thread, so that every plain access
 * calls shadow.c; no runtime of a sanitizer is linked.
 *
 * Its limits.
 * - The order of the stores to one location is the order in which they were executed, and nothing is read from the
 *   future: no load buffering, no 2+2W. Apart from that it is C11's memory model: a load takes any store not older
 *   than what its thread has seen or was told of; acquire, release and release sequences order; a sequentially
 *   consistent load reads nothing older than the last sequentially consistent store. Mutexes and joins order, parks
 *   and unparks do not; the check inside a park may read an old value, but not one older than an unpark has seen.
 * - A load reads at most the SCHED_OLD newest stores.
 * - A plain access is no point of choice: if it races, that is the failure. Accesses inside the C library (snprintf,
 *   strlen) and, with clang, of builtins it expands itself are not seen. At most four accesses to one granule of eight
 *   bytes are remembered.
 * - Points at which an atomic is touched that only one thread touches are passed over, by names that are stable from
 *   one execution to the next (who allocated the how manyeth block); the exploration begins anew when a name turns out
 *   to be shared.
 * - An execution is given up when it turns out to be the same as another one, but for the order of what has nothing to
 *   do with each other: see footprint.c.
 * - Depth first, a bound counts: preemptions, turns (who comes after one that blocks, if not the next one round), old
 *   values, early ends of waits, wakes for no reason, refusals. "Complete" means: within these bounds.
 * - Memory that was released is not used again within one execution. No OS processes, no fork(), no cancellation. */
#ifndef SCHED_H
#define SCHED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <liminal/deadline.h>
#include <liminal/memory.h>

#define SCHED_FIBERS 16
#define SCHED_OLD 4
#define SCHED_OUTCOMES 8
#define SCHED_ANY 255u

typedef enum sched_failure {
    SCHED_NONE,
    SCHED_CHECK,
    SCHED_TRAP,
    SCHED_RACE,
    SCHED_FREED,
    SCHED_LEAK,
    SCHED_DEADLOCK,
    SCHED_LOST_WAKE,
    SCHED_LIVELOCK,
    SCHED_MISUSE
} sched_failure;

typedef enum sched_search {
    SCHED_DEPTH_FIRST, /* all there is within the bounds */
    SCHED_RANDOM,      /* at each point anything that is possible */
    SCHED_PRIORITIES,  /* random priorities, which change at `preemptions` random points (PCT) */
    SCHED_REPLAY       /* one execution: `choices` */
} sched_search;

typedef struct sched_plan {
    void (*scenario)(void); /* the body of fiber 0; anew for each execution */
    sched_search search;
    unsigned preemptions, turns, old, early, spurious, faults; /* how many in one execution */
    bool every;         /* DEPTH_FIRST: nothing is passed over and nothing given up */
    unsigned spins;     /* what limi_spin_limit() says */
    unsigned steps;     /* more are a livelock; 0: 20000 */
    uint64_t most;      /* executions; 0: no limit */
    double seconds;     /* 0: no limit */
    uint64_t seed;      /* RANDOM, PRIORITIES */
    const char *choices; /* REPLAY */
} sched_plan;

typedef struct sched_result {
    sched_failure failure;
    char text[256];
    char choices[2048];
    uint64_t executions;
    uint64_t given_up; /* not in these: half way it turned out that another one is the same */
    bool complete;  /* every execution within the bounds was seen */
    unsigned steps; /* of the longest one */
    double seconds;
    uint64_t seen[SCHED_OUTCOMES]; /* in how many executions sched_outcome() was called */
} sched_result;

/* On the main thread. Not inside a scenario. With SCHED_LONG=N in the environment limits of time and number are N times
 * as wide, with SCHED_DEEPER=N depth first has N preemptions more. */
sched_result sched_explore(const sched_plan *plan);
const char *sched_failure_name(sched_failure failure);

/* ---- inside a scenario, on any of its threads ---- */

/* Threads are joined before the scenario ends, or by the library. */
int sched_thread(void (*body)(void *argument), void *argument);
void sched_join(int thread);
void sched_thread_exit(void); /* as pthread_exit() */
int sched_here(void);         /* which fiber */

#define sched_check(condition) \
    ((condition) ? (void)0 : sched_fail(SCHED_CHECK, "%s:%d: %s", __FILE__, __LINE__, #condition))
#if defined(__GNUC__)
__attribute__((noreturn, format(printf, 2, 3)))
#endif
void sched_fail(sched_failure failure, const char *format, ...);

/* This execution has come out so; 0 to SCHED_OUTCOMES - 1. */
void sched_outcome(unsigned which);

/* While quiet nothing is chosen: every thread runs until it blocks. Scenarios begin loud. */
void sched_quiet(bool quiet);

/* Let all others run until each of them waits. */
void sched_settle(void);

/* A deadline so many nanoseconds from now, at which a reading of the clock may find itself. */
liminal_deadline sched_deadline(int64_t ns);

/* Counts; refuses when the scheduler chooses to. */
const liminal_allocator *sched_allocator(void);

#endif

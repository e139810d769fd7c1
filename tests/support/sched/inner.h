/* SPDX-License-Identifier: MIT */
/* inner.h -- what the files of the scheduler share. */
#ifndef SCHED_INNER_H
#define SCHED_INNER_H

#include "sched.h"
#include "stand_in.h"

/* How much each fiber has seen of each: the vector clock. A fiber's own number counts its operations. */
typedef struct sched_clocks {
    _Alignas(32) uint16_t of[SCHED_FIBERS];
} sched_clocks;

static inline void sched_join_clocks(sched_clocks *to, const sched_clocks *from)
{
    for (int i = 0; i < SCHED_FIBERS; i++) {
        to->of[i] = to->of[i] > from->of[i] ? to->of[i] : from->of[i];
    }
}

/* ---- fibers: fiber.c ---- */

typedef enum fiber_state { READY, ON_LOCK, ASLEEP, JOINING, SETTLING, OVER } fiber_state;

typedef struct guard {
    void (*unwound)(void *argument);
    void *argument;
    struct guard *outer;
} guard;

typedef struct fiber {
    sched_clocks clocks;
    void *stack; /* where it is while it does not run */
    unsigned id;
    fiber_state state;
    const void *on;   /* the lock, the place or the fiber that it waits for */
    int64_t deadline; /* ASLEEP; INT64_MAX: none */
    uint32_t expected; /* ASLEEP */
    bool timed_out;
    bool joined;
    unsigned held;     /* locks */
    unsigned blocks;   /* that it has allocated */
    void (*body)(void *argument);
    void *argument;
    guard *guards;
    unsigned priority;
    _Alignas(16) unsigned char room[704];
} fiber;

typedef struct sched_bounds {
    unsigned preemptions, turns, old, early, spurious, faults;
} sched_bounds;

typedef struct sched_world {
    fiber *now; /* NULL: outside of every execution */
    void *home; /* the explorer's stack while a fiber runs */
    fiber fibers[SCHED_FIBERS];
    unsigned count;
    unsigned step;
    uint32_t run; /* which execution; never 0 */
    unsigned most_steps;
    sched_search search;
    sched_bounds left; /* in this execution */
    bool quiet;
    bool given_up; /* another execution is as good */
    int64_t time;
    int64_t dates[32]; /* at which something may happen */
    unsigned date_count;
    uint64_t random; /* the next of limi_random() */
    unsigned spins;
    bool every;
} sched_world;

extern sched_world world;

void fibers_open(void);
void fibers_close(void);
fiber *fiber_start(void (*body)(void *argument), void *argument);
void fiber_switch(fiber *to);        /* from the present one */
void fiber_run(fiber *first);        /* from home, until fiber_go_home() */
_Noreturn void fiber_go_home(void);  /* the present one never goes on */
_Noreturn void fiber_end(void);

/* ---- who is next, and the time: turn.c ---- */

/* The present fiber is about to do something that others may see, or not. */
void turn_point(bool shared);
void turn_yield(void);
/* It can't go on: others do, until its state is READY again. */
void turn_block(fiber_state state, const void *on);
void note_date(int64_t ns);
void read_clock(void);
bool time_may_jump(void);

/* ---- what is chosen: choice.c ---- */

typedef struct option {
    char what; /* a letter of a list of choices */
    unsigned which;
} option;

void choices_open(uint64_t seed);
void choices_begin(unsigned preemptions, unsigned usual_steps);
void trail_clear(void);
bool trail_next(void);
bool trail_is_enough(void); /* nothing was found to be shared that was not known to be */
void list_read(const char *from);
void list_print(char *to, size_t room);
void list_shrink(bool (*fails_so)(void)); /* leave out whatever is not needed for that */

/* One of them; the first is what happens by itself. */
unsigned choose(const option *options, unsigned count);
unsigned last_choice(void); /* on the trail */
bool may_choose(unsigned left);
bool choose_refusal(void);
unsigned choose_old(unsigned count);
unsigned fiber_priority(void); /* a new one's */
bool is_shared(uint32_t name);
void now_shared(uint32_t name);

/* ---- what need not be seen: footprint.c ---- */

#define SCHED_TRAIL 8192

void footprints_begin(void);                              /* an execution */
void footprint_open(unsigned choice);                     /* it is made for the first time */
void footprint_decided(unsigned choice, bool goes_on);    /* at a point of the present fiber */
void footprint_end(bool waits);                           /* the present fiber has come to its next point */
void footprint_blur(void);                                /* it touches anything */
void footprint_note(const void *where, bool only_loads);  /* it touches something */
void footprint_of_nobody(const void *where);              /* it changes by itself */
bool is_asleep(unsigned id);
void wake_up(unsigned id);

/* ---- failures: failure.c ---- */

void note_failure(sched_failure failure, const char *format, ...); /* the first one counts */
sched_failure failure_now(const char **text);
void failure_clear(void);
void signals_open(void); /* crashes are failures */
void signals_close(void);

static inline void wake_all(fiber_state state, const void *on)
{
    for (unsigned i = 0; i < world.count; i++) {
        if (world.fibers[i].state == state && world.fibers[i].on == on) {
            world.fibers[i].state = READY;
        }
    }
}

static inline void tick(void)
{
    world.now->clocks.of[world.now->id]++;
}

/* ---- plain memory: shadow.c, heap.c ---- */

#define ARENA ((size_t)8 << 20)
#define STACK ((size_t)64 << 10)
#define REGION (ARENA + SCHED_FIBERS * STACK)

enum { PLAIN_READ = 0, PLAIN_WRITE = 1, ATOMIC_READ = 2, ATOMIC_WRITE = 3 };

extern unsigned char *region; /* the arena, then the stacks */

void shadow_clear(void);
void shadow_access(const void *at, size_t size, unsigned kind);
void shadow_forbid(const void *at, size_t size); /* it goes, which is a write, and nobody may touch it any more */

/* Unseen; those without this in their names are watched. */
void *__real_memcpy(void *to, const void *from, size_t size);
void *__real_memset(void *to, int value, size_t size);

void heap_clear(void);
uint32_t heap_name(const void *at);     /* the same in every execution, as far as possible */
const char *heap_says(const void *at);  /* for a person */
void heap_count_left(void);             /* a leak is a failure */

/* ---- atomics: place.c ---- */

typedef struct place place;

#define PLACE_GONE UINT32_MAX /* the mark of none */

void places_clear(void);
place *place_at(uint32_t *cell);
void place_touch(place *p, bool also); /* with a point, also if it is not shared; then it may be gone */
bool place_check(place *p, uint32_t expected); /* of a park */
void place_unparked(place *p);
const void *place_cell(const place *p);
uint64_t place_newest(const place *p);

/* For what is no atomic but known to several: who has touched it. */
void touch(uint16_t *fibers, bool shared, uint32_t name);

#endif

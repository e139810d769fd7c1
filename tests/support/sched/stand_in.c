/* SPDX-License-Identifier: MIT */
/* stand_in.c -- in place of platform_posix.c: locks, parks, threads and clocks as platform.h promises them, and not a
 * bit better. */
#include "platform.h"

#include "inner.h"

#include <string.h>

void *sched_peek(const void *pointer)
{
    shadow_access(pointer, sizeof(void *), ATOMIC_READ);
    return *(void *const *)pointer; /* memcpy would be watched */
}

void sched_poke(void *pointer, void *value)
{
    shadow_access(pointer, sizeof(void *), ATOMIC_WRITE);
    *(void **)pointer = value;
}

/* ---- locks ---- */

typedef struct lock {
    uint32_t run; /* in which it was initialised */
    uint32_t name;
    uint16_t fibers;
    bool shared;
    int8_t owner; /* -1: none */
    uint16_t released[SCHED_FIBERS];
} lock;

_Static_assert(sizeof(lock) <= sizeof(limi_mutex), "room for a lock");

static lock *lock_of(limi_mutex *mutex)
{
    return (lock *)(void *)mutex->room;
}

/* It is there, and was initialised in this execution. */
static lock *come_to(limi_mutex *mutex)
{
    lock *l = lock_of(mutex);
    shadow_access(mutex, sizeof(uint64_t), ATOMIC_WRITE);
    if (l->run != world.run) {
        sched_fail(SCHED_FREED, "no lock is here: %s", heap_says(mutex));
    }
    return l;
}

void limi_mutex_init(limi_mutex *mutex)
{
    lock *l = lock_of(mutex);
    shadow_access(mutex, sizeof *mutex, PLAIN_WRITE);
    *l = (lock){.run = world.run, .name = heap_name(mutex), .owner = -1};
    l->shared = is_shared(l->name);
}

void limi_mutex_destroy(limi_mutex *mutex)
{
    lock *l = come_to(mutex);
    if (l->owner >= 0) {
        sched_fail(SCHED_MISUSE, "a lock is destroyed that fiber %d holds", l->owner);
    }
    shadow_access(mutex, sizeof *mutex, PLAIN_WRITE);
    l->run = 0;
}

void limi_mutex_lock(limi_mutex *mutex) LIMI_UNCHECKED
{
    lock *l = come_to(mutex);
    fiber *me = world.now;
    sched_clocks released;
    if (l->owner == (int)me->id) {
        sched_fail(SCHED_MISUSE, "it locks what it holds");
    }
    touch(&l->fibers, l->shared, l->name);
    turn_point(l->shared);
    while ((l = come_to(mutex))->owner >= 0) {
        footprint_note(mutex, false);
        turn_block(ON_LOCK, mutex);
    }
    footprint_note(mutex, false);
    l->owner = (int8_t)me->id;
    me->held++;
    (void)__real_memcpy(released.of, l->released, sizeof released.of);
    sched_join_clocks(&me->clocks, &released);
    tick();
}

void limi_mutex_unlock(limi_mutex *mutex) LIMI_UNCHECKED
{
    lock *l = come_to(mutex);
    fiber *me = world.now;
    if (l->owner != (int)me->id) {
        sched_fail(SCHED_MISUSE, "it unlocks what it does not hold");
    }
    (void)__real_memcpy(l->released, me->clocks.of, sizeof l->released);
    footprint_note(mutex, false);
    l->owner = -1;
    me->held--;
    wake_all(ON_LOCK, mutex);
    tick();
}

/* ---- parks ---- */

void limi_word_init(limi_word *word, uint32_t value)
{
    limi_u32_init(&word->value, value);
}

void limi_word_destroy(limi_word *word)
{
    for (unsigned i = 0; i < world.count; i++) {
        if (world.fibers[i].state == ASLEEP && world.fibers[i].on == place_at(&word->value.cell)) {
            sched_fail(SCHED_MISUSE, "fiber %u sleeps on a word that is destroyed", i);
        }
    }
    word->value.cell = PLACE_GONE; /* whoever still comes here is told that no atomic is */
}

static place *come_to_word(limi_word *word, bool timed)
{
    uint32_t *cell = &word->value.cell;
    place_touch(place_at(cell), timed && time_may_jump());
    shadow_access(cell, sizeof(uint32_t), ATOMIC_READ);
    footprint_note(cell, false);
    footprint_note(&world.time, true);
    return place_at(cell);
}

/* As a futex: the check and the falling asleep are one step; whether the check sees a store that the unparks of others
 * do not need it to see is chosen. */
bool limi_park(limi_word *word, uint32_t expected, int64_t deadline_ns)
{
    place *p = come_to_word(word, deadline_ns != INT64_MAX);
    fiber *me = world.now;
    if (me->held != 0) {
        sched_fail(SCHED_MISUSE, "it parks and holds a lock");
    }
    if (!place_check(p, expected)) {
        return true;
    }
    note_date(deadline_ns);
    if (deadline_ns <= world.time) {
        return false;
    }
    me->expected = expected;
    me->deadline = deadline_ns;
    me->timed_out = false;
    turn_block(ASLEEP, p);
    return !me->timed_out;
}

void limi_unpark(limi_word *word)
{
    place *p = come_to_word(word, false);
    place_unparked(p);
    wake_all(ASLEEP, p);
}

uint32_t limi_spin_limit(void)
{
    return world.spins;
}

/* ---- threads ---- */

static void run_plan(void *argument)
{
    const limi_thread_plan *plan = argument; /* read here: it has to be there still */
    void (*body)(void *of_body);
    void *of_body;
    shadow_access(plan, sizeof *plan, PLAIN_READ);
    body = plan->body;
    of_body = plan->argument;
    body(of_body);
}

liminal_status limi_thread_start(const limi_thread_plan *plan)
{
    if (choose_refusal()) {
        return LIMINAL_ELIMIT;
    }
    (void)fiber_start(run_plan, (void *)(uintptr_t)plan);
    return LIMINAL_OK;
}

void limi_thread_renew(const char *name)
{
    (void)name; /* there are neither signals nor names here */
}

limi_thread limi_thread_self(void)
{
    limi_thread self;
    memset(&self, 0, sizeof self);
    self.room[0] = (unsigned char)(world.now->id + 1);
    return self;
}

void sched_join(int thread)
{
    fiber *f = &world.fibers[thread];
    if (thread < 0 || (unsigned)thread >= world.count || f->joined) {
        sched_fail(SCHED_MISUSE, "it joins what is no thread, or was joined");
    }
    f->joined = true;
    footprint_note(f, true);
    while (f->state != OVER) {
        turn_block(JOINING, f);
    }
    sched_join_clocks(&world.now->clocks, &f->clocks);
}

void limi_thread_join(limi_thread thread)
{
    sched_join(thread.room[0] - 1);
}

int sched_thread(void (*body)(void *argument), void *argument)
{
    return (int)fiber_start(body, argument)->id;
}

int sched_here(void)
{
    return (int)world.now->id;
}

void limi_thread_guard(void (*body)(void *argument), void (*unwound)(void *argument), void *argument)
{
    fiber *me = world.now;
    guard mine = {unwound, argument, me->guards};
    me->guards = &mine;
    body(argument);
    me->guards = mine.outer;
}

void sched_thread_exit(void)
{
    fiber *me = world.now;
    while (me->guards != NULL) {
        const guard *innermost = me->guards;
        me->guards = innermost->outer;
        innermost->unwound(innermost->argument);
    }
    fiber_end();
}

void *limi_thread_room(void)
{
    _Static_assert(sizeof world.now->room == LIMI_THREAD_ROOM, "as much as the treaty says");
    return world.now->room;
}

/* ---- clocks, randomness, epoch ---- */

int64_t limi_clock_monotonic(void)
{
    read_clock();
    return world.time;
}

int64_t limi_clock_wall(void)
{
    return 1700000000000000000 + world.time;
}

/* Each instant has its tick. */
int64_t limi_tick_monotonic(void)
{
    return limi_clock_monotonic();
}

int64_t limi_tick_wall(void)
{
    return limi_clock_wall();
}

limi_instant limi_clock_both(void)
{
    int64_t now = limi_clock_monotonic();
    return (limi_instant){limi_clock_wall(), now};
}

limi_instant limi_clock_recent(void)
{
    return limi_clock_both();
}

limi_instant limi_clock_counted(void)
{
    return limi_clock_both();
}

/* A machine without thread-specific data: nobody attaches. */
liminal_status limi_key_create(limi_key *key)
{
    (void)key;
    return LIMINAL_ELIMIT;
}

void limi_key_delete(limi_key *key)
{
    (void)key;
    __builtin_trap();
}

liminal_status limi_key_set(const limi_key *key, limi_key_value *value)
{
    (void)key, (void)value;
    __builtin_trap();
}

liminal_deadline sched_deadline(int64_t ns)
{
    note_date(world.time + ns);
    return (liminal_deadline){world.time + ns};
}

void limi_random(void *bytes, size_t size)
{
    unsigned char *at = bytes;
    for (size_t i = 0; i < size; i++) {
        world.random = world.random * 6364136223846793005u + 1442695040888963407u;
        at[i] = (unsigned char)(world.random >> 56);
    }
}

uint64_t limi_epoch(void)
{
    return 1;
}

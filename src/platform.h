/* SPDX-License-Identifier: MIT */
/* platform.h -- the treaty: all that the library asks of the machine it runs on.
 *
 * Every atomic operation and every wait of the library goes through here, so that another
 * implementation can stand in its place: a port, or a deterministic scheduler for tests (which
 * defines LIMI_PLATFORM_HEADER and LIMI_PLATFORM_ATOMIC_HEADER to the headers that replace platform_inline.h and
 * platform_atomic.h). A port provides:
 *
 *   atomics   sequentially consistent; a weaker one carries its order in its name, and the reason
 *             stands where it is used. No stand-alone fences.
 *   park      see limi_park. The order is carried by the word's own atomic operations.
 *   threads   all signals blocked, cancellation disabled, named, with at least the stack asked for.
 *   clocks    monotonic and wall, in nanoseconds, never failing.
 *   random    unpredictable bytes.
 *   epoch     a number that tells this process from the one it was forked from.
 */
#ifndef LIMI_PLATFORM_H
#define LIMI_PLATFORM_H

#include <liminal/status.h>

/* ---- thread safety annotations, checked by clang -Wthread-safety ------------------------------ */

#if defined(__clang__)
#define LIMI_CAPABILITY(name) __attribute__((capability(name)))
#define LIMI_ACQUIRES(...) __attribute__((acquire_capability(__VA_ARGS__)))
#define LIMI_RELEASES(...) __attribute__((release_capability(__VA_ARGS__)))
#define LIMI_REQUIRES(...) __attribute__((requires_capability(__VA_ARGS__)))
#define LIMI_UNCHECKED __attribute__((no_thread_safety_analysis))
#else
#define LIMI_CAPABILITY(name)
#define LIMI_ACQUIRES(...)
#define LIMI_RELEASES(...)
#define LIMI_REQUIRES(...)
#define LIMI_UNCHECKED
#endif

/* An impossible state stops the program where it is, in release builds too: no output, no abort(). */
#define LIMI_ASSERT(condition) ((condition) ? (void)0 : __builtin_trap())

/* ---- atomics ---------------------------------------------------------------------------------- */

#define LIMI_THREAD_ROOM 704

#ifdef LIMI_PLATFORM_HEADER
#include LIMI_PLATFORM_HEADER
#else
#include "platform_inline.h"
#endif

/* platform_inline.h defines the types limi_atomic_u32, limi_atomic_u64, limi_atomic_ptr (a uintptr_t)
 * and, for each, with NAME one of u32, u64, ptr:
 *
 *   limi_NAME_init(a, v)                 before anyone else can see it
 *   limi_NAME_load(a)                    limi_NAME_store(a, v)
 *   limi_NAME_load_acquire(a)
 *   limi_NAME_exchange(a, v)             returns the value before
 *   limi_NAME_cas(a, &expected, v)       strong; true if it was stored, else expected = the value
 *   limi_NAME_add(a, v), limi_NAME_sub(a, v), limi_NAME_or(a, v), limi_NAME_and(a, v)   return the value before
 *   limi_u32_add_relaxed(a, v), limi_u32_sub_acqrel(a, v), limi_u32_store_relaxed(a, v)   for counts of references
 *   limi_u64_store_relaxed(a, v)         shown to others by what is stored after it
 *   LIMI_PEEK(pointer), LIMI_POKE(pointer, value)   of a plain pointer: whether it counts is said by something else
 *
 * and limi_relax(), a pause inside a spin; limi_fetch(address), which has the line with that address brought to this
 * processor for writing, and may do nothing; and what is wanted so often that it is to cost no call:
 * the locks, limi_thread_room(), limi_epoch() and limi_epoch_known(), which stand further down. */

/* ---- locks ------------------------------------------------------------------------------------ */

/* limi_mutex, with limi_mutex_init(m), limi_mutex_destroy(m), limi_mutex_lock(m), limi_mutex_unlock(m). Not
 * recursive. Held for a few dozen instructions, never across a callback or a wait. */

/* ---- park and unpark -------------------------------------------------------------------------- */

/* A word that threads sleep on. `value` is used freely through the atomics above. */
typedef struct limi_word {
    limi_atomic_u32 value;
#ifdef LIMI_WORD_ROOM
    _Alignas(8) unsigned char room[LIMI_WORD_ROOM]; /* for a port without futexes */
#endif
} limi_word;

void limi_word_init(limi_word *word, uint32_t value);
void limi_word_destroy(limi_word *word);

/* Sleep while word->value == expected, until limi_unpark(word) or `deadline_ns` on the monotonic
 * clock (INT64_MAX: for ever). May return early for no reason: the caller looks again. Returns false
 * only if the deadline has passed. A store to `value` that precedes limi_unpark in the waker, and
 * that the sleeper's check of `expected` did not see, wakes the sleeper: the check and the falling
 * asleep are one step as seen from limi_unpark. */
bool limi_park(limi_word *word, uint32_t expected, int64_t deadline_ns);

/* Wake everyone who sleeps on the word. The caller keeps the word alive until this has returned. */
void limi_unpark(limi_word *word);

/* How many limi_relax() take about half as long as it costs to be woken; 0 with one processor. */
uint32_t limi_spin_limit(void);

/* ---- threads ---------------------------------------------------------------------------------- */

typedef struct limi_thread {
    _Alignas(8) unsigned char room[16];
} limi_thread;

typedef struct limi_thread_plan {
    const char *name; /* as much of it as the system shows; borrowed until that has begun */
    size_t stack_bytes; /* raised to the platform's minimum */
    void (*body)(void *argument);
    void *argument;
} limi_thread_plan;

/* Start a thread that runs plan->body; the plan stays where it is until that has begun. ELIMIT if the
 * system refuses. Every thread that was started is joined once, by its limi_thread_self(). */
liminal_status limi_thread_start(const limi_thread_plan *plan);
limi_thread limi_thread_self(void);
void limi_thread_join(limi_thread thread);

/* The calling thread is as when it began, whatever was done on it: its signals blocked, with this name. */
void limi_thread_renew(const char *name);

/* Run body(argument). If the thread is ended inside it (pthread_exit, cancellation of a host's
 * thread), run unwound(argument) while the stack unwinds; the thread then really ends. */
void limi_thread_guard(void (*body)(void *argument), void (*unwound)(void *argument), void *argument);

/* limi_thread_room(): LIMI_THREAD_ROOM bytes of the calling thread's, zeroed at first, for scope.h. They are there
 * until the thread has ended, also for an at_end() below. */

/* A value of each thread's own, noticed when the thread ends. */
typedef struct limi_key {
    _Alignas(8) unsigned char room[8];
} limi_key;

/* What the value points to: memory of that thread's, for limi_key_delete() waits for nobody. */
typedef struct limi_key_value {
    void (*at_end)(struct limi_key_value *value);
} limi_key_value;

/* From here on value->at_end(value) is called for each thread that ends with a value that is not NULL, by return,
 * pthread_exit or cancellation: on the thread, with cancellation disabled; the value is NULL by then. ELIMIT: no key is
 * left. */
liminal_status limi_key_create(limi_key *key);

/* No thread begins an at_end() for this key any more, but one may be in it, or about to be. */
void limi_key_delete(limi_key *key);

/* The calling thread's value. ELIMIT: no memory for it; never for NULL. */
liminal_status limi_key_set(const limi_key *key, limi_key_value *value);

/* ---- clocks, randomness, epoch ---------------------------------------------------------------- */

int64_t limi_clock_monotonic(void);
int64_t limi_clock_wall(void);

/* The same as of the system's last tick, some 1 to 10 ms ago: for a tenth of the price. Later than that only while
 * the machine itself stands still. */
int64_t limi_tick_monotonic(void);
int64_t limi_tick_wall(void);

/* Both clocks at one instant. Where the wall clock is set, that may show a millisecond later. */
typedef struct limi_instant {
    int64_t wall, monotonic;
} limi_instant;
limi_instant limi_clock_both(void);

/* The same as the calling thread last saw them there, if the system has not ticked since, else read anew: never
 * further back than a tick. For the price of a tick: for times of what follows at once on something that was timed, and
 * has that one's time as its floor. */
limi_instant limi_clock_recent(void);

/* Both clocks, counted on from where the calling thread last asked them: for a third of the price. Some nanoseconds
 * late; at most a few thousand late or early; where the counters of processors differ, up to a millisecond. For one
 * thread it does not go back, unless a clock does, or it moves to a processor whose counter is behind. A wall clock
 * that is set shows a millisecond later still than in limi_clock_both(). */
limi_instant limi_clock_counted(void);

/* Fill with unpredictable bytes; never fails (it waits for the system's entropy at boot). */
void limi_random(void *bytes, size_t size);

/* limi_epoch(): a number, never 0, that is the same for the life of a process and another one in a forked child,
 * however it was forked; read without a system call. 0 if the machine gives no memory for it.
 * limi_epoch_known(): the same, or 0 if nobody in this process has asked for it yet. */

#endif

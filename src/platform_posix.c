/* SPDX-License-Identifier: MIT */
/* platform_posix.c -- the treaty on POSIX threads; on 64-bit Linux with futexes. The contracts stand
 * in platform.h. Only the platform files include the system's own headers. */
#define _GNU_SOURCE

#include "platform.h"

#include "later.h"
#include "seldom.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#ifndef LIMI_WORD_ROOM
#include <linux/futex.h>
#include <sys/syscall.h>
#endif

#define NS_PER_S 1000000000

static int64_t read_clock(clockid_t clock)
{
    struct timespec now;
    int failed = clock_gettime(clock, &now);
    LIMI_ASSERT(failed == 0);
    return (int64_t)now.tv_sec * NS_PER_S + now.tv_nsec;
}

int64_t limi_clock_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

int64_t limi_clock_wall(void)
{
    return read_clock(CLOCK_REALTIME);
}

#if defined(CLOCK_MONOTONIC_COARSE) && defined(CLOCK_REALTIME_COARSE)

int64_t limi_tick_monotonic(void)
{
    return read_clock(CLOCK_MONOTONIC_COARSE);
}

int64_t limi_tick_wall(void)
{
    return read_clock(CLOCK_REALTIME_COARSE);
}

#define APART_NS 1000000

/* As of one tick the two are as far apart as they are now. */
static int64_t measure_apart(void)
{
    int64_t tick = limi_tick_monotonic(), again, apart;
    do {
        again = tick;
        apart = limi_tick_wall() - tick;
        tick = limi_tick_monotonic();
    } while (tick != again);
    return apart;
}

/* To ask the second clock costs as much as the first one. So each thread measures how far apart they are, and that is
 * good for a millisecond, which is less than a tick is old. */
static _Thread_local struct {
    limi_instant last;
    int64_t apart, until;
} reading;

LIMI_SELDOM static void measure_again(int64_t now)
{
    reading.apart = measure_apart();
    reading.until = limi_later(now, APART_NS);
}

limi_instant limi_clock_both(void)
{
    limi_instant now = {.monotonic = read_clock(CLOCK_MONOTONIC)};
    if (now.monotonic >= reading.until) {
        measure_again(now.monotonic);
    }
    now.wall = now.monotonic + reading.apart;
    reading.last = now;
    return now;
}

limi_instant limi_clock_recent(void)
{
    int64_t tick = read_clock(CLOCK_MONOTONIC_COARSE);
    return reading.last.monotonic >= tick ? reading.last : limi_clock_both();
}

#else

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
    return (limi_instant){limi_clock_wall(), limi_clock_monotonic()};
}

limi_instant limi_clock_recent(void)
{
    return limi_clock_both();
}

#endif

static struct timespec timespec_of(int64_t ns)
{
    return (struct timespec){.tv_sec = (time_t)(ns / NS_PER_S), .tv_nsec = (long)(ns % NS_PER_S)};
}

/* ---- park and unpark ---- */

#ifndef LIMI_WORD_ROOM

void limi_word_init(limi_word *word, uint32_t value)
{
    limi_u32_init(&word->value, value);
}

void limi_word_destroy(limi_word *word)
{
    (void)word;
}

bool limi_park(limi_word *word, uint32_t expected, int64_t deadline_ns)
{
    struct timespec until;
    long result;
    int saved = errno; /* the host's errno is not ours to change */
    if (deadline_ns <= 0) {
        return false;
    }
    until = timespec_of(deadline_ns);
    result = syscall(SYS_futex, &word->value, FUTEX_WAIT_BITSET_PRIVATE, expected,
                     deadline_ns == INT64_MAX ? NULL : &until, NULL, FUTEX_BITSET_MATCH_ANY);
    result = result == 0 ? 0 : errno;
    errno = saved;
    return result != ETIMEDOUT; /* EAGAIN and EINTR: the caller looks again */
}

void limi_unpark(limi_word *word)
{
    int saved = errno;
    (void)syscall(SYS_futex, &word->value, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
    errno = saved;
}

#else /* no futexes: a mutex and a condition variable in each word */

typedef struct sleepers {
    pthread_mutex_t lock;
    pthread_cond_t woken;
} sleepers;

_Static_assert(sizeof(sleepers) <= LIMI_WORD_ROOM, "room for the sleepers");

static sleepers *sleepers_of(limi_word *word)
{
    return (sleepers *)(void *)word->room;
}

void limi_word_init(limi_word *word, uint32_t value)
{
    pthread_condattr_t attributes;
    int failed = pthread_condattr_init(&attributes);
    limi_u32_init(&word->value, value);
    failed |= pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    failed |= pthread_cond_init(&sleepers_of(word)->woken, &attributes);
    failed |= pthread_condattr_destroy(&attributes);
    failed |= pthread_mutex_init(&sleepers_of(word)->lock, NULL);
    LIMI_ASSERT(failed == 0);
}

void limi_word_destroy(limi_word *word)
{
    int failed = pthread_cond_destroy(&sleepers_of(word)->woken);
    failed |= pthread_mutex_destroy(&sleepers_of(word)->lock);
    LIMI_ASSERT(failed == 0);
}

bool limi_park(limi_word *word, uint32_t expected, int64_t deadline_ns)
{
    sleepers *s = sleepers_of(word);
    struct timespec until;
    int result = 0, state;
    if (deadline_ns <= 0) {
        return false;
    }
    until = timespec_of(deadline_ns);
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* else it would leave the lock held */
    (void)pthread_mutex_lock(&s->lock);
    /* The check and the falling asleep are one step for limi_unpark, which takes the same lock. */
    if (limi_u32_load(&word->value) == expected) {
        result = deadline_ns == INT64_MAX ? pthread_cond_wait(&s->woken, &s->lock)
                                          : pthread_cond_timedwait(&s->woken, &s->lock, &until);
    }
    (void)pthread_mutex_unlock(&s->lock);
    (void)pthread_setcancelstate(state, NULL);
    return result != ETIMEDOUT;
}

void limi_unpark(limi_word *word)
{
    sleepers *s = sleepers_of(word);
    (void)pthread_mutex_lock(&s->lock);
    (void)pthread_cond_broadcast(&s->woken);
    (void)pthread_mutex_unlock(&s->lock);
}

#endif

/* ---- locks ---- */

#ifndef LIMI_WORD_ROOM

static void wait_on(limi_mutex *mutex)
{
    int saved = errno;
    (void)syscall(SYS_futex, &mutex->state, FUTEX_WAIT_PRIVATE, LIMI_MUTEX_CONTENDED, NULL, NULL, 0);
    errno = saved; /* woken, interrupted, or it had changed: the caller looks again */
}

void limi_mutex_lock_contended(limi_mutex *mutex)
{
    uint32_t spins = limi_spin_limit() / 4; /* whoever has it is about to give it back, or was put off the processor */
    for (; spins > 0; spins--) {
        uint32_t seen = LIMI_MUTEX_FREE;
        if (atomic_load_explicit(&mutex->state, memory_order_relaxed) == LIMI_MUTEX_FREE &&
            atomic_compare_exchange_strong_explicit(&mutex->state, &seen, LIMI_MUTEX_TAKEN, memory_order_acquire,
                                                    memory_order_relaxed)) {
            return;
        }
        limi_relax();
    }
    while (atomic_exchange_explicit(&mutex->state, LIMI_MUTEX_CONTENDED, memory_order_acquire) != LIMI_MUTEX_FREE) {
        wait_on(mutex);
    }
}

/* It may have been destroyed by now, by whoever took it in between: the kernel only compares the address. */
void limi_mutex_wake(limi_mutex *mutex)
{
    int saved = errno;
    (void)syscall(SYS_futex, &mutex->state, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    errno = saved;
}

#else

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(limi_mutex), "room for a mutex");

static pthread_mutex_t *native(limi_mutex *mutex)
{
    return (pthread_mutex_t *)(void *)mutex->room;
}

void limi_mutex_init(limi_mutex *mutex)
{
    int failed = pthread_mutex_init(native(mutex), NULL);
    LIMI_ASSERT(failed == 0);
}

void limi_mutex_destroy(limi_mutex *mutex)
{
    int failed = pthread_mutex_destroy(native(mutex));
    LIMI_ASSERT(failed == 0);
}

void limi_mutex_lock(limi_mutex *mutex) LIMI_UNCHECKED
{
    int failed = pthread_mutex_lock(native(mutex));
    LIMI_ASSERT(failed == 0);
}

void limi_mutex_unlock(limi_mutex *mutex) LIMI_UNCHECKED
{
    int failed = pthread_mutex_unlock(native(mutex));
    LIMI_ASSERT(failed == 0);
}

#endif

/* ---- looking before sleeping ---- */

#define SPIN_NS 20000 /* half of what it costs to be woken */
#define SAMPLE 64

static uint32_t processors(void)
{
#if defined(__linux__)
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
        return (uint32_t)CPU_COUNT(&allowed);
    }
#endif
    return sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
}

/* A pause takes 10 to 150 cycles, by the make of the processor. The best of several, for we may be interrupted. */
static uint32_t measure_spins(void)
{
    int64_t best = SPIN_NS;
    int tries;
    for (tries = 0; tries < 5; tries++) {
        int64_t began = limi_clock_monotonic(), took;
        int i;
        for (i = 0; i < SAMPLE; i++) {
            limi_relax();
        }
        took = limi_clock_monotonic() - began;
        best = took > 0 && took < best ? took : best;
    }
    return (uint32_t)((int64_t)SPIN_NS * SAMPLE / best);
}

uint32_t limi_spin_limit(void)
{
    static _Atomic(uint32_t) known; /* 0: not asked yet; else the limit plus one */
    uint32_t limit = atomic_load_explicit(&known, memory_order_relaxed);
    if (limit == 0) {
        limit = processors() > 1 ? measure_spins() + 1 : 1;
        atomic_store_explicit(&known, limit, memory_order_relaxed);
    }
    return limit - 1;
}

/* ---- threads ---- */

_Static_assert(sizeof(pthread_t) <= sizeof(limi_thread), "room for a thread");

#define NAME_BYTES 16 /* more of it the system does not take */

static void be_ours(const char *name)
{
    char shown[NAME_BYTES] = "";
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL);
    (void)strncat(shown, name, sizeof shown - 1);
    if (shown[0] != '\0') {
        (void)pthread_setname_np(pthread_self(), shown);
    }
}

static void *thread_main(void *argument)
{
    const limi_thread_plan *plan = argument;
    void (*body)(void *) = plan->body;
    void *body_argument = plan->argument;
    be_ours(plan->name);
    body(body_argument);
    return NULL;
}

void limi_thread_renew(const char *name)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    be_ours(name);
}

static size_t stack_floor(size_t wanted)
{
    long least = sysconf(_SC_THREAD_STACK_MIN);
    size_t floor = least > 0 ? (size_t)least : (size_t)PTHREAD_STACK_MIN;
    long page = sysconf(_SC_PAGESIZE);
    size_t mask = page > 0 ? (size_t)page - 1 : 4095;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    floor += 256 * 1024; /* instrumented frames are several times as large */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
    floor += 256 * 1024;
#endif
#endif
    if (wanted > SIZE_MAX - floor - mask) {
        return wanted & ~mask; /* the system will refuse it */
    }
    return ((wanted > floor ? wanted : floor) + mask) & ~mask;
}

/* Born with every signal blocked: signals are the host's. Where the attributes can say so, without a system call. */
#if defined(__GLIBC__) && (__GLIBC__ > 2 || __GLIBC_MINOR__ >= 32)

static int create_blocked(pthread_t *thread, pthread_attr_t *attributes, const limi_thread_plan *plan)
{
    sigset_t all;
    int failed;
    (void)sigfillset(&all);
    failed = pthread_attr_setsigmask_np(attributes, &all);
    return failed != 0 ? failed : pthread_create(thread, attributes, thread_main, (void *)(uintptr_t)plan);
}

#else

static int create_blocked(pthread_t *thread, pthread_attr_t *attributes, const limi_thread_plan *plan)
{
    sigset_t all, before;
    int failed;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    failed = pthread_create(thread, attributes, thread_main, (void *)(uintptr_t)plan);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed;
}

#endif

liminal_status limi_thread_start(const limi_thread_plan *plan)
{
    pthread_attr_t attributes;
    pthread_t thread;
    int failed = pthread_attr_init(&attributes);
    if (failed != 0) {
        return LIMINAL_ELIMIT;
    }
    failed = pthread_attr_setstacksize(&attributes, stack_floor(plan->stack_bytes));
    if (failed == 0) {
        failed = create_blocked(&thread, &attributes, plan);
    }
    (void)pthread_attr_destroy(&attributes);
    return failed == 0 ? LIMINAL_OK : LIMINAL_ELIMIT;
}

limi_thread limi_thread_self(void)
{
    limi_thread self;
    pthread_t thread = pthread_self();
    memset(&self, 0, sizeof self);
    memcpy(self.room, &thread, sizeof thread);
    return self;
}

void limi_thread_join(limi_thread thread)
{
    pthread_t joined;
    int failed, state;
    memcpy(&joined, thread.room, sizeof joined);
    /* A host's thread that was cancelled must not leave the library half way. */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    failed = pthread_join(joined, NULL);
    (void)pthread_setcancelstate(state, NULL);
    LIMI_ASSERT(failed == 0);
}

/* Where a thread is being ended, ASan would look at this function's stack before it goes on, and take the marks that
 * the frames that were left have put there for those of its own: there is nothing of ours to be watched here. */
#if defined(__GNUC__)
__attribute__((no_sanitize_address))
#endif
void limi_thread_guard(void (*body)(void *argument), void (*unwound)(void *argument), void *argument)
{
    pthread_cleanup_push(unwound, argument);
    body(argument);
    pthread_cleanup_pop(0);
}

_Thread_local _Alignas(16) unsigned char limi_thread_room_here[LIMI_THREAD_ROOM];

_Static_assert(sizeof(pthread_key_t) <= sizeof(limi_key), "room for a key");

static pthread_key_t native_key(const limi_key *key)
{
    pthread_key_t native_one;
    memcpy(&native_one, key->room, sizeof native_one);
    return native_one;
}

/* A notice that is cancelled among the destructors is more than the C library copes with. */
static void thread_ends(void *value)
{
    limi_key_value *at = value;
    int state;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    at->at_end(at);
    (void)pthread_setcancelstate(state, NULL);
}

liminal_status limi_key_create(limi_key *key)
{
    pthread_key_t made;
    if (pthread_key_create(&made, thread_ends) != 0) {
        return LIMINAL_ELIMIT;
    }
    memcpy(key->room, &made, sizeof made);
    return LIMINAL_OK;
}

void limi_key_delete(limi_key *key)
{
    int failed = pthread_key_delete(native_key(key));
    LIMI_ASSERT(failed == 0);
}

liminal_status limi_key_set(const limi_key *key, limi_key_value *value)
{
    return pthread_setspecific(native_key(key), value) == 0 ? LIMINAL_OK : LIMINAL_ELIMIT;
}

/* ---- randomness ---- */

void limi_random(void *bytes, size_t size)
{
    unsigned char *at = bytes;
    int saved = errno, state;
    (void)pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state); /* getrandom() is a point of cancellation */
    while (size > 0) {
        ssize_t got = getrandom(at, size < 256 ? size : 256, 0);
        LIMI_ASSERT(got > 0 || errno == EINTR);
        if (got > 0) {
            at += got;
            size -= (size_t)got;
        }
    }
    (void)pthread_setcancelstate(state, NULL);
    errno = saved;
}

/* ---- epoch ---- */

/* One page for the process that the kernel wipes in a forked child, however it was forked. Where the
 * kernel can't, fork() itself wipes it. With limi_spin_limit()'s number it is what in the library is no
 * supervisor's, and it is never given back: a child must find it. */
typedef _Atomic(uint64_t) epoch_cell;
_Atomic(epoch_cell *) limi_epoch_page;

static void epoch_wipe(void)
{
    epoch_cell *page = atomic_load(&limi_epoch_page);
    if (page != NULL) {
        atomic_store(page, 0);
    }
}

static epoch_cell *epoch_open(void)
{
    long page = sysconf(_SC_PAGESIZE);
    size_t size = page > 0 ? (size_t)page : 4096;
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    epoch_cell *mine = memory, *theirs = NULL;
    bool wiped = false;
    if (memory == MAP_FAILED) {
        return NULL;
    }
#ifdef MADV_WIPEONFORK
    wiped = madvise(memory, size, MADV_WIPEONFORK) == 0;
#endif
    if (!wiped && pthread_atfork(NULL, NULL, epoch_wipe) != 0) {
        (void)munmap(memory, size);
        return NULL; /* a child could not be told from its parent */
    }
    if (atomic_compare_exchange_strong(&limi_epoch_page, &theirs, mine)) {
        return mine;
    }
    (void)munmap(memory, size); /* another thread was first */
    return theirs;
}

uint64_t limi_epoch_begin(void)
{
    uint64_t seen, fresh;
    epoch_cell *page = atomic_load_explicit(&limi_epoch_page, memory_order_acquire);
    if (page == NULL) {
        page = epoch_open();
    }
    if (page == NULL) {
        return 0;
    }
    seen = atomic_load(page);
    if (seen != 0) {
        return seen;
    }
    limi_random(&fresh, sizeof fresh);
    fresh |= 1;
    return atomic_compare_exchange_strong(page, &seen, fresh) ? fresh : seen;
}

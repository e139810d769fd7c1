/* SPDX-License-Identifier: MIT */
/* test_refused.c -- whatever a call asks the machine for is refused, the first, second, third ... of it in turn until
 * the call succeeds: memory, threads, pipes, descriptors, programs, keys. Once, and from then on always, so that what
 * is wanted to recover is refused as well. In every place in which the library calls back, and outside of all.
 * test_allocations.c and its neighbours say call by call what is left as it was. */
#define _GNU_SOURCE
#include "fault/calls_kit.h"

#include "platform.h"

#include <spawn.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#define SLOW (UNDER_TSAN || UNDER_ASAN)

/* ---- what is refused ---- */

typedef enum means { MEMORY, THREADS, SYSTEM } means;

/* Of the third kind, on whatever thread. */
static atomic_size_t system_left, system_asked;
static atomic_bool system_lasting;

static bool system_refuses(void)
{
    size_t left = atomic_load(&system_left);
    atomic_fetch_add(&system_asked, 1);
    while (left != 0) {
        size_t next = left > 1 ? left - 1 : atomic_load(&system_lasting) ? 1 : 0;
        if (atomic_compare_exchange_weak(&system_left, &left, next)) {
            return left == 1;
        }
    }
    return false;
}

/* The linker sends the library's calls here, if `ours`. */
#define REFUSABLE_IF(ours, type, name, parameters, arguments, refusal) \
    type __real_##name parameters;                                     \
    type __wrap_##name parameters;                                     \
    type __wrap_##name parameters                                      \
    {                                                                  \
        if ((ours) && system_refuses()) {                              \
            refusal;                                                   \
        }                                                              \
        return __real_##name arguments;                                \
    }
#define REFUSABLE(type, name, parameters, arguments, refusal) \
    REFUSABLE_IF(true, type, name, parameters, arguments, refusal)

REFUSABLE(int, pipe2, (int ends[2], int flags), (ends, flags), errno = ENFILE; return -1)
REFUSABLE(int, eventfd, (unsigned value, int flags), (value, flags), errno = EMFILE; return -1)
REFUSABLE(int, epoll_create1, (int flags), (flags), errno = EMFILE; return -1)
REFUSABLE(int, epoll_ctl, (int fd, int what, int other, struct epoll_event *event), (fd, what, other, event),
          errno = ENOSPC; return -1)
REFUSABLE(int, posix_spawnp, (pid_t *out, const char *file, const posix_spawn_file_actions_t *actions,
                              const posix_spawnattr_t *attributes, char *const argv[], char *const environment[]),
          (out, file, actions, attributes, argv, environment), return EAGAIN)
REFUSABLE(int, posix_spawn_file_actions_init, (posix_spawn_file_actions_t *actions), (actions), return ENOMEM)
REFUSABLE(int, posix_spawn_file_actions_adddup2, (posix_spawn_file_actions_t *actions, int from, int to),
          (actions, from, to), return ENOMEM)
REFUSABLE(int, posix_spawnattr_init, (posix_spawnattr_t *attributes), (attributes), return ENOMEM)

/* Clang's TSan is linked in, and calls these before it is there itself. */
#ifdef REFUSES_PTHREADS
/* A sanitizer that is linked in has a key of its own, which nobody can refuse it. */
static _Thread_local bool is_our_key;

#define OUR_KEY(name, parameters, arguments)     \
    liminal_status __real_##name parameters;     \
    liminal_status __wrap_##name parameters;     \
    liminal_status __wrap_##name parameters      \
    {                                            \
        liminal_status st;                       \
        is_our_key = true;                       \
        st = __real_##name arguments;            \
        is_our_key = false;                      \
        return st;                               \
    }

OUR_KEY(limi_key_create, (limi_key *key), (key))
OUR_KEY(limi_key_set, (const limi_key *key, limi_key_value *value), (key, value))

REFUSABLE_IF(is_our_key, int, pthread_key_create, (pthread_key_t *key, void (*at_end)(void *)), (key, at_end),
             return EAGAIN)
REFUSABLE_IF(is_our_key, int, pthread_setspecific, (pthread_key_t key, const void *value), (key, value), return ENOMEM)
REFUSABLE(int, pthread_attr_init, (pthread_attr_t *attributes), (attributes), return ENOMEM)
#endif

static void refuse(means what, size_t n, bool lasting)
{
    atomic_store(&may_be_refused, n != 0);
    switch (what) {
    case MEMORY:
        if (lasting) {
            test_fail_from(n);
        } else {
            test_fail_nth(n);
        }
        break;
    case THREADS:
        test_refuse_threads(n);
        test_refuse_threads_later(n != 0 && lasting);
        break;
    case SYSTEM: default:
        atomic_store(&system_lasting, lasting);
        atomic_store(&system_left, n);
        break;
    }
}

static size_t asked_for(means what)
{
    return what == MEMORY ? test_allocations() : what == THREADS ? test_threads_asked() : atomic_load(&system_asked);
}

/* ---- each call, until nothing was refused that it asked for ---- */

static size_t refusals[3];

static bool is_refusal(liminal_status st, means what)
{
    return st == LIMINAL_ENOMEM || (what != MEMORY && st == LIMINAL_ELIMIT);
}

static void call_until(place *p, liminal_conversation *own, size_t i, means what, bool lasting)
{
    const char expected = rows[i].expected[p->kind];
    for (size_t n = 1;; n++) {
        size_t before;
        liminal_status st;
        bool enough;
        if (rows[i].call == receive_other) {
            (void)test_check(send_to(p->other) == LIMINAL_OK); /* one may be received though something was refused */
        }
        before = asked_for(what);
        p->at_once = expected == 'D';
        refuse(what, n, lasting);
        st = rows[i].call(p, own);
        enough = asked_for(what) - before < n;
        refuse(what, 0, false);
        refusals[what] += is_refusal(st, what);
        if (!test_check(is_expected(st, expected) || (!enough && is_refusal(st, what))) || !test_check(n < 100)) {
            print_error("%s inside %s, refusal %zu%s: %s: %s\n", rows[i].name, place_names[p->kind], n,
                        lasting ? " and later" : "", liminal_status_name(st), liminal_status_detail());
            return;
        }
        if (enough) {
            return;
        }
    }
}

/* Where replies that were not expected may be left, and what checks itself. */
static bool is_left_out(size_t i)
{
    return rows[i].call == receive_in_vain || rows[i].call == receive_other_again ||
           rows[i].call == another_supervisor ||
           rows[i].call == values || rows[i].call == spans || rows[i].call == exit_self ||
           rows[i].call == kill_other || rows[i].call == kill_other_actor || rows[i].call == close_other;
}

static void call_refused(place *p, liminal_conversation *own, size_t i, means what)
{
    bool starts = rows[i].call == spawn_program; /* which takes long */
    if (rows[i].expected[p->kind] != '-' && !is_left_out(i) && (!starts || p->kind % 8 == 4)) {
        call_until(p, own, i, what, false);
        call_until(p, own, i, what, true);
    }
}

/* Last come those that change the world for the others, and among those the close. */
static void act_refused(place *p)
{
    const means what = *(const means *)p->context;
    liminal_conversation *own = own_of(p);
    for (int alone = 0; alone < 2; alone++) {
        for (size_t i = ROWS; i-- > 0;) {
            size_t k = alone ? i : ROWS - 1 - i;
            if (rows[k].alone == (alone != 0)) {
                call_refused(p, own, k, what);
            }
        }
    }
    liminal_conversation_drop(&own);
}

/* Where something is refused matters little; so not everywhere where that would take long. */
static void everywhere(means what)
{
    place p;
    spare = race_say("inside");
    place_idle_threads = what == THREADS ? LIMINAL_NO_IDLE_THREADS : 0;
    for (int kind = 0; kind < PLACES; kind += what == MEMORY && !SLOW ? 1 : 4) {
        place_begin(&p, (place_kind)kind, act_refused, &what);
        place_end(&p);
    }
    liminal_envelope_drop(&spare);
    print_message("refused: %zu\n", refusals[what]);
    assert_true(refusals[what] > (what != MEMORY ? 50 : SLOW ? 150 : 500));
}

static void memory(void **state)
{
    (void)state;
    everywhere(MEMORY);
}

static void threads(void **state)
{
    (void)state;
    everywhere(THREADS);
}

static void descriptors_programs_and_keys(void **state)
{
    (void)state;
    everywhere(SYSTEM);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(memory),
        TEST(threads),
        TEST(descriptors_programs_and_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

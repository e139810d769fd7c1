/* SPDX-License-Identifier: MIT */
/* test_reductions.c -- what the scheduler passes over and gives up is seen elsewhere: random small programs come to the
 * same results with and without that, within the same bounds. */
#include "prove.h"

#include <stdlib.h>
#include <string.h>

enum { THREADS = 3, OPERATIONS = 4, PLACES = 3, RESULTS = 1 << 14 };

typedef enum what { LOAD, LOAD_WEAK, STORE, STORE_WEAK, ADD, CAS, LOCKED_ADD, LOOK_AT_TIME, NAP, KINDS } what;

typedef struct operation {
    what what;
    unsigned place;
} operation;

static operation program[THREADS][OPERATIONS];
static uint64_t dice;

static unsigned roll(unsigned sides)
{
    dice = dice * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(dice >> 33) % sides;
}

static void write_program(void)
{
    for (int t = 0; t < THREADS; t++) {
        for (int i = 0; i < OPERATIONS; i++) {
            program[t][i] = (operation){(what)roll(KINDS), roll(PLACES)};
        }
    }
}

/* ---- a run of it ---- */

typedef struct stage {
    limi_atomic_u32 places[PLACES];
    limi_mutex lock;
    uint32_t locked;
    limi_word bed;
    uint64_t result[THREADS];
} stage;

static uint32_t operate(stage *s, operation o) LIMI_UNCHECKED
{
    limi_atomic_u32 *place = &s->places[o.place];
    uint32_t value = 0;
    switch (o.what) {
    case LOAD:
        return limi_u32_load(place);
    case LOAD_WEAK:
        return limi_u32_load_acquire(place);
    case STORE:
        limi_u32_store(place, 10 + (uint32_t)sched_here());
        return 0;
    case STORE_WEAK:
        limi_u32_store_release(place, 20 + (uint32_t)sched_here());
        return 0;
    case ADD:
        return limi_u32_add(place, 100);
    case CAS:
        (void)limi_u32_cas(place, &value, 7);
        return value;
    case LOCKED_ADD:
        limi_mutex_lock(&s->lock);
        value = s->locked++;
        limi_mutex_unlock(&s->lock);
        return value;
    case LOOK_AT_TIME:
        return (uint32_t)limi_clock_monotonic();
    case NAP:
    case KINDS:
    default:
        value = limi_park(&s->bed, 0, 1000000000 + 100 * (1 + (int64_t)o.place));
        limi_u32_store(&s->bed.value, o.place & 1);
        limi_unpark(&s->bed);
        return value;
    }
}

static void run_thread(void *argument)
{
    stage *s = argument;
    int me = sched_here() - 1;
    for (int i = 0; i < OPERATIONS; i++) {
        s->result[me] = s->result[me] * 31 + operate(s, program[me][i]);
    }
}

/* ---- the set of results ---- */

static uint64_t results[RESULTS];
static unsigned result_count;

static void note_result(uint64_t result)
{
    for (unsigned at = (unsigned)(result % RESULTS);; at = (at + 1) % RESULTS) {
        if (results[at] == result) {
            return;
        }
        if (results[at] == 0) {
            results[at] = result;
            result_count++;
            return;
        }
    }
}

static void random_program(void)
{
    stage s;
    int threads[THREADS];
    uint64_t result = 1;
    memset(&s, 0, sizeof s);
    limi_mutex_init(&s.lock);
    for (int i = 0; i < THREADS; i++) {
        threads[i] = sched_thread(run_thread, &s);
    }
    for (int i = 0; i < THREADS; i++) {
        sched_join(threads[i]);
        result = (result ^ s.result[i]) * 0x9e3779b97f4a7c15u;
    }
    note_result(result | 1);
    limi_mutex_destroy(&s.lock);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static unsigned collect(sched_plan plan, uint64_t *out)
{
    sched_result r;
    memset(results, 0, sizeof results);
    result_count = 0;
    plan.scenario = random_program;
    r = sched_explore(&plan);
    if (r.failure != SCHED_NONE) {
        fail_msg("%s", r.text);
    }
    assert_true(r.complete && result_count < RESULTS / 2);
    memcpy(out, results, sizeof results);
    qsort(out, RESULTS, sizeof *out, ascending);
    return result_count;
}

static void the_same_results(unsigned rounds, sched_plan plan)
{
    static uint64_t brief[RESULTS], every[RESULTS];
    const char *longer = getenv("SCHED_LONG");
    unsigned sum = 0;
    rounds *= longer != NULL ? (unsigned)strtoul(longer, NULL, 10) : 1;
    for (dice = 1; rounds > 0; rounds--) {
        unsigned count;
        write_program();
        plan.every = false;
        count = collect(plan, brief);
        plan.every = true;
        assert_int_equal(collect(plan, every), count);
        assert_memory_equal(brief, every, sizeof brief);
        sum += count;
    }
    print_message("%u preemptions, %u turns, %u old: %u results of all\n", plan.preemptions, plan.turns, plan.old, sum);
}

static void nothing_is_lost(void **state)
{
    (void)state;
    the_same_results(60, (sched_plan){.preemptions = 1, .turns = SCHED_ANY, .old = 1});
    the_same_results(60, (sched_plan){.preemptions = 2, .turns = SCHED_ANY});
    the_same_results(20, (sched_plan){.preemptions = 2, .turns = 1, .early = 1});
    the_same_results(20, (sched_plan){.preemptions = 1, .turns = 2, .early = 2, .spurious = 1});
    the_same_results(60, (sched_plan){.preemptions = 1, .turns = 1, .old = 1, .spurious = 1});
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_lost)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

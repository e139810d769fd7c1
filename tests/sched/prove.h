/* SPDX-License-Identifier: MIT */
/* prove.h -- what the tests of schedules share: an exploration, what came of it, and what was expected. */
#ifndef TEST_PROVE_H
#define TEST_PROVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "support/sched/sched.h"

#include "platform.h"

static inline void say_bound(const char *what, unsigned bound)
{
    if (bound >= SCHED_ANY) {
        print_message(" any %s", what);
    } else if (bound > 0) {
        print_message(" %u %s", bound, what);
    }
}

static inline void say_result(const char *name, const sched_plan *plan, const sched_result *r)
{
    static const char *const searches[] = {"all with", "at random with", "by priorities with", "replayed, "};
    print_message("%s: %s", name, searches[plan->search]);
    say_bound("preemptions", plan->preemptions);
    say_bound("turns", plan->turns);
    say_bound("old", plan->old);
    say_bound("early", plan->early);
    say_bound("spurious", plan->spurious);
    say_bound("faults", plan->faults);
    print_message(": %llu executions (and %llu half) in %.2f s, %s, of up to %u steps",
                  (unsigned long long)r->executions, (unsigned long long)r->given_up, r->seconds,
                  r->complete ? "complete" : "not all there are", r->steps);
    for (unsigned i = 0; i < SCHED_OUTCOMES; i++) {
        if (r->seen[i] != 0) {
            print_message(", outcome %u: %llu", i, (unsigned long long)r->seen[i]);
        }
    }
    print_message("\n");
    if (r->failure != SCHED_NONE) {
        print_message("    %s: %s\n    choices: \"%s\"\n", sched_failure_name(r->failure), r->text, r->choices);
    }
}

/* No execution fails. */
static inline sched_result prove_at(const char *name, const sched_plan *plan)
{
    sched_result r = sched_explore(plan);
    say_result(name, plan, &r);
    if (r.failure != SCHED_NONE) {
        fail_msg("%s: %s; replay \"%s\"", name, sched_failure_name(r.failure), r.choices);
    }
    return r;
}
#define prove(scenario, ...) prove_at(#scenario, &(sched_plan){scenario, __VA_ARGS__})

/* Where the search of a whole conversation ends, in a run that has to be short. Those that have the time
 * (LIMINAL_TEST_SECONDS is set) go to its end. */
#define PROVE_USUALLY 15000

/* And some thousand more, with more preemptions and everything else there is, by priorities. */
static inline sched_result prove_widely_at(const char *name, const sched_plan *plan)
{
    sched_plan wide = *plan, usual = *plan;
    wide.search = SCHED_PRIORITIES;
    wide.preemptions = 4;
    wide.old = 4;
    wide.spurious = 1;
    wide.most = 2000;
    wide.seed = 1;
    (void)prove_at(name, &wide);
    usual.most = getenv("LIMINAL_TEST_SECONDS") == NULL ? PROVE_USUALLY : 0;
    return prove_at(name, &usual);
}
#define prove_widely(scenario, ...) prove_widely_at(#scenario, &(sched_plan){scenario, __VA_ARGS__})

/* Some execution fails, so; and again when its choices are replayed. */
static inline sched_result find_at(const char *name, const sched_plan *plan, sched_failure failure)
{
    sched_result r = sched_explore(plan), again;
    sched_plan replay = *plan;
    say_result(name, plan, &r);
    assert_int_equal(r.failure, failure);
    replay.search = SCHED_REPLAY;
    replay.choices = r.choices;
    again = sched_explore(&replay);
    assert_int_equal(again.failure, failure);
    assert_string_equal(again.text, r.text);
    assert_string_equal(again.choices, r.choices);
    return r;
}
#define find(failure, scenario, ...) find_at(#scenario, &(sched_plan){scenario, __VA_ARGS__}, (failure))

/* Within the bounds there is nothing more. */
static inline void assert_all(sched_result result)
{
    assert_true(result.complete || result.executions == PROVE_USUALLY);
}

/* The same; and these outcomes were seen, as bits, no others. */
static inline void assert_seen(sched_result result, unsigned outcomes)
{
    assert_all(result);
    for (unsigned i = 0; i < SCHED_OUTCOMES; i++) {
        bool meant = (outcomes >> i & 1u) != 0;
        assert_true(meant || result.seen[i] == 0);
        assert_true(!meant || result.seen[i] != 0 || !result.complete);
    }
}

#endif

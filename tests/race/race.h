/* SPDX-License-Identifier: MIT */
/* race.h -- what the tests of races share. */
#ifndef TEST_RACE_H
#define TEST_RACE_H

#include "support/harness.h"

#include <liminal.h>

#include "handle.h"
#include "talk.h"

#include <sched.h>
#include <stdatomic.h>
#include <string.h>

/* ---- making and ending ---- */

static inline liminal_supervisor *race_open(void)
{
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    liminal_supervisor *supervisor = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    return supervisor;
}

/* One that starts every thread anew. */
static inline liminal_supervisor *race_open_poolless(void)
{
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                          .idle_threads = LIMINAL_NO_IDLE_THREADS};
    liminal_supervisor *supervisor = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    return supervisor;
}

static inline liminal_report race_shutdown(liminal_supervisor **supervisor)
{
    liminal_report report;
    assert_int_equal(liminal_supervisor_shutdown(supervisor, &report, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_null(*supervisor);
    return report;
}

/* On any thread; NULL only if something is wrong, which the teardown then says. */
static inline liminal_envelope *race_say(const char *text)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create(text, strlen(text), &options, &envelope) == LIMINAL_OK);
    return envelope;
}

static inline liminal_conversation *race_spawn(liminal_supervisor *supervisor, liminal_participant_kind kind,
                                               const liminal_behaviour *behaviour, void *self)
{
    liminal_participant participant = {.kind = kind, .behaviour = behaviour, .self = self};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *conversation = NULL;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
    return conversation;
}

/* ---- looking ---- */

static inline liminal_summary race_look(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_summary summary;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    summary = liminal_snapshot_read(snapshot);
    liminal_snapshot_drop(&snapshot);
    summary.name = summary.cause_text = NULL; /* they went with the snapshot */
    return summary;
}

static inline liminal_pid race_pid(liminal_conversation *conversation, size_t index)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_participant(snapshot, index, &status), LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    return status.pid;
}

/* Behind the handle, for what only shows there. */
static inline limi_talk *race_talk(liminal_conversation *conversation)
{
    return conversation->self;
}

static inline bool race_is_closed(liminal_conversation *conversation)
{
    return limi_mailbox_is_closed(&race_talk(conversation)->actor.mailbox);
}

/* ---- a race that is repeated until both outcomes were seen ---- */

typedef struct race {
    int64_t began;
    int rounds;
    int seen[2];
} race;

static inline race race_begin(void)
{
    race r = {test_now_ns(), 0, {0, 0}};
    return r;
}

/* The longest moments that race_most() gives begin with this round. */
enum { RACE_DOUBLINGS = 8, RACE_ROUNDS_EACH = 48, RACE_LONGEST = RACE_DOUBLINGS * RACE_ROUNDS_EACH };

/* A third of a second in any case; longer, within bounds, only while one outcome is missing. The bound is one of
 * rounds, too: a machine that has stood still for seconds has seen none. */
static inline bool race_goes_on(race *r)
{
    int64_t passed = test_now_ns() - r->began;
    bool enough = r->rounds >= 20 && passed > 300000000;
    bool given_up = r->rounds >= RACE_LONGEST + 128 && passed > (int64_t)8 * 1000000000;
    r->rounds++;
    return r->seen[0] > 0 && r->seen[1] > 0 ? !enough : !given_up;
}

static inline void race_over(const race *r)
{
    assert_true(r->seen[0] > 0);
    assert_true(r->seen[1] > 0);
}

/* Two threads leave it together; then each waits a moment, so that now one and now the other is first. Who had to wait
 * there for long lets the other one run, then and in its moment, and so does the other: they may have one processor
 * between them, and without that the order would always be that in which they came. */
typedef struct race_line {
    atomic_int there;
    atomic_bool crowded;
} race_line;

static inline void race_linger(int64_t moment_ns, bool crowded)
{
    for (int64_t until = test_now_ns() + moment_ns; moment_ns > 0 && test_now_ns() < until;) {
        if (crowded) {
            (void)sched_yield();
        } else {
            limi_relax();
        }
    }
}

static inline void race_cross(race_line *line, int64_t moment_ns)
{
    atomic_fetch_add(&line->there, 1);
    for (int spins = 0; atomic_load(&line->there) < 2; spins++) {
        if (spins > 1000) {
            atomic_store(&line->crowded, true);
            (void)sched_yield();
        } else {
            limi_relax();
        }
    }
    race_linger(moment_ns, atomic_load(&line->crowded));
}

/* Of this round, from 0 up to `most`, and for the other thread the rest of it. */
static inline int64_t race_moment(const race *r, int64_t most)
{
    return most * (r->rounds % 16) / 15;
}

/* The longest of these moments: longer ones as long as one outcome does not come, for the machine may be slow. */
static inline int64_t race_most(const race *r, int64_t first)
{
    bool both = r->seen[0] > 0 && r->seen[1] > 0;
    int doublings = r->rounds / RACE_ROUNDS_EACH;
    return both ? first : first << (doublings < RACE_DOUBLINGS ? doublings : RACE_DOUBLINGS);
}

#endif

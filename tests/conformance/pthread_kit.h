/* SPDX-License-Identifier: MIT */
/* pthread_kit.h -- opening and ending a conversation of the pthread actor, for the three programs that
 * run the suite over it. */
#ifndef TEST_PTHREAD_KIT_H
#define TEST_PTHREAD_KIT_H

#include "suite.h"

enum { BOUND = 4 };

/* What suite_backend.with points to. */
typedef struct pthread_kind {
    bool participant;
    liminal_participant_kind kind;
    liminal_dispatch dispatch;
    liminal_overflow overflow;
} pthread_kind;

static liminal_supervisor *house;
static suite_count handled;

static inline void kit_open_until(const suite_backend *backend, int64_t timeout_ns, liminal_conversation **out)
{
    const pthread_kind *kind = backend->with;
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    const liminal_participant participant = {.kind = kind->kind, .behaviour = suite_behaviour(), .self = &handled};
    const liminal_config config = {
        LIMINAL_OPS(liminal_config),
        .participants = kind->participant ? &participant : NULL,
        .participant_count = kind->participant ? 1 : 0,
        .on_crash = LIMINAL_CRASH_FAIL,
        .dispatch = kind->dispatch,
        .overflow = kind->overflow,
        .timeout_ns = timeout_ns,
        .mailbox_messages = BOUND,
    };
    handled = (suite_count){.released = 0};
    suite_is(liminal_supervisor_open(&options, &house), OK);
    suite_is(liminal_supervisor_spawn(house, &config, out), OK);
    assert_non_null(*out);
}

static inline void kit_open(const suite_backend *backend, liminal_conversation **out)
{
    kit_open_until(backend, 0, out);
}

/* Nothing of the conversation is left once its supervisor has shut down, and the behaviour was
 * released once. */
static inline void kit_end(const suite_backend *backend)
{
    liminal_report report;
    suite_is(liminal_supervisor_shutdown(&house, &report, liminal_deadline_never()), OK);
    assert_null(house);
    assert_int_equal(report.handles, 0);
    assert_int_equal(report.running, 0);
    assert_int_equal(handled.released, backend->behaves ? 1 : 0);
}

#endif

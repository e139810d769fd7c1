/* SPDX-License-Identifier: MIT */
/* plain_kit.h -- what most tests of more than one conversation begin and end with: a supervisor that counts its blocks,
 * and something to say. */
#ifndef TEST_PLAIN_KIT_H
#define TEST_PLAIN_KIT_H

#include "support/harness.h"

#include <liminal.h>

#include <string.h>

static inline liminal_supervisor *open_plain(void)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    liminal_supervisor *supervisor = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    return supervisor;
}

static inline void shut(liminal_supervisor **supervisor)
{
    assert_int_equal(liminal_supervisor_shutdown(supervisor, NULL, liminal_deadline_never()), LIMINAL_OK);
    assert_null(*supervisor);
    assert_int_equal(test_blocks(), 0);
}

/* On any thread. */
static inline liminal_envelope *say(const char *text)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create(text, strlen(text), &options, &envelope) == LIMINAL_OK);
    return envelope;
}

#endif

/* SPDX-License-Identifier: MIT */
/* test_phase.c -- all 25 moves between phases, against a table of the test's own. */
#include "support/harness.h"

#include "phase.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const liminal_phase phases[] = {LIMINAL_PHASE_CREATED, LIMINAL_PHASE_ACTIVE, LIMINAL_PHASE_COMPLETING,
                                       LIMINAL_PHASE_CLOSED, LIMINAL_PHASE_FAILED};
static const char *const names[] = {"created", "active", "completing", "closed", "failed"};

/* From (down), to (across), in the order above. */
/* clang-format off */
static const char *const allowed[] = {
    ".x..x",
    ".xx.x",
    "..xxx",
    "...x.",
    ".....",
};
/* clang-format on */

static void all_25_moves(void **state)
{
    int moves = 0;
    (void)state;
    for (int from = 0; from < 5; from++) {
        for (int to = 0; to < 5; to++) {
            liminal_status st = liminal_phase_check(phases[from], phases[to]);
            if (allowed[from][to] == 'x') {
                assert_int_equal(st, LIMINAL_OK);
                moves++;
            } else {
                char detail[128];
                (void)snprintf(detail, sizeof detail, "invalid conversation phase transition from %s to %s",
                               names[from], names[to]);
                assert_int_equal(st, LIMINAL_EPHASE);
                assert_string_equal(liminal_status_detail(), detail);
            }
        }
    }
    assert_int_equal(moves, 9);
}

static void names_and_ends(void **state)
{
    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(phases[i], i); /* part of the ABI */
        assert_string_equal(liminal_phase_text(phases[i]), names[i]);
        assert_int_equal(limi_phase_final(phases[i]), i >= 3);
    }
}

static void values_outside_the_enum(void **state)
{
    static const int others[] = {-1, 5, 6, 31, 32, 33, 256, 0x7FFFFFFF};
    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        liminal_phase other = (liminal_phase)others[i];
        assert_string_equal(liminal_phase_text(other), "unknown");
        assert_true(limi_phase_final(other));
        for (int known = 0; known < 5; known++) {
            assert_int_equal(liminal_phase_check(other, phases[known]), LIMINAL_EINVAL);
            assert_memory_equal(liminal_status_detail(), "from: ", 6);
            assert_int_equal(liminal_phase_check(phases[known], other), LIMINAL_EINVAL);
            assert_memory_equal(liminal_status_detail(), "to: ", 4);
        }
        assert_int_equal(liminal_phase_check(other, other), LIMINAL_EINVAL);
        assert_int_equal(liminal_phase_check(other, LIMINAL_PHASE_ACTIVE), LIMINAL_EINVAL);
        assert_int_equal(atoi(liminal_status_detail() + strlen("from: ")), others[i]);
        assert_int_equal(liminal_phase_check(LIMINAL_PHASE_ACTIVE, other), LIMINAL_EINVAL);
        assert_int_equal(atoi(liminal_status_detail() + strlen("to: ")), others[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(all_25_moves), TEST(names_and_ends), TEST(values_outside_the_enum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

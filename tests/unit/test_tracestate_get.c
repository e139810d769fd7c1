/* SPDX-License-Identifier: MIT */
/* test_tracestate_get.c -- looking for a member in what is none, or is broken. */
#include "support/harness.h"

#include <liminal/trace.h>

static void get_of_nothing_is_nothing(void **state)
{
    const char *field = "a=1";
    liminal_tracestate s, broken = {3, "a=="};
    size_t length = 7;
    (void)state;
    assert_int_equal(liminal_tracestate_parse(&field, 1, &s), LIMINAL_OK);
    assert_null(liminal_tracestate_get(NULL, "a", &length));
    assert_null(liminal_tracestate_get(&s, NULL, &length));
    assert_null(liminal_tracestate_get(&s, "a", NULL));
    assert_null(liminal_tracestate_get(&broken, "a", &length)); /* somebody wrote into it */
    assert_int_equal(length, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(get_of_nothing_is_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

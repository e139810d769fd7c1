/* SPDX-License-Identifier: MIT */
/* test_status.c -- statuses: values, names, texts, and the detail of this thread's last failure. */
#include <liminal.h>

#include "support/harness.h"

#include <string.h>

/* Written out a second time on purpose: values are part of the ABI. */
static const struct {
    liminal_status status;
    int value;
    const char *name;
} table[] = {
    {LIMINAL_OK, 0, "LIMINAL_OK"},
    {LIMINAL_EINVAL, 1, "LIMINAL_EINVAL"},
    {LIMINAL_ENOMEM, 2, "LIMINAL_ENOMEM"},
    {LIMINAL_ELIMIT, 3, "LIMINAL_ELIMIT"},
    {LIMINAL_EPHASE, 4, "LIMINAL_EPHASE"},
    {LIMINAL_ECLOSED, 5, "LIMINAL_ECLOSED"},
    {LIMINAL_EFAILED, 6, "LIMINAL_EFAILED"},
    {LIMINAL_EEXIT, 7, "LIMINAL_EEXIT"},
    {LIMINAL_ENOPROC, 8, "LIMINAL_ENOPROC"},
    {LIMINAL_EFULL, 9, "LIMINAL_EFULL"},
    {LIMINAL_ETIMEDOUT, 10, "LIMINAL_ETIMEDOUT"},
    {LIMINAL_ECANCELED, 11, "LIMINAL_ECANCELED"},
    {LIMINAL_EDEADLK, 12, "LIMINAL_EDEADLK"},
    {LIMINAL_EFORKED, 13, "LIMINAL_EFORKED"},
};

#define COUNT (sizeof table / sizeof table[0])

static void values_and_names(void **state)
{
    size_t i, j;
    (void)state;
    for (i = 0; i < COUNT; i++) {
        assert_int_equal((int)table[i].status, table[i].value);
        assert_string_equal(liminal_status_name(table[i].status), table[i].name);
        assert_true(strlen(liminal_status_text(table[i].status)) > 0);
        for (j = 0; j < i; j++) {
            assert_string_not_equal(liminal_status_text(table[i].status), liminal_status_text(table[j].status));
        }
    }
}

static void outside_the_enum(void **state)
{
    (void)state;
    assert_string_equal(liminal_status_text((liminal_status)14), "unknown status");
    assert_string_equal(liminal_status_name((liminal_status)14), "LIMINAL_?");
    assert_string_equal(liminal_status_text((liminal_status)-1), "unknown status");
}

static void fail_elsewhere(void *argument)
{
    char *seen = argument;
    strcpy(seen, liminal_status_detail()); /* "" before this thread's first failure */
    if (liminal_config_check(NULL) != LIMINAL_EINVAL) {
        strcpy(seen, "no failure");
    }
}

static void detail_is_per_thread(void **state)
{
    char seen[256] = "untouched", before[256];
    liminal_envelope *envelope = NULL;
    test_thread thread;
    (void)state;
    assert_int_equal(liminal_envelope_create(NULL, 1, NULL, &envelope), LIMINAL_EINVAL);
    strcpy(before, liminal_status_detail());
    assert_true(strstr(before, "data") != NULL);
    test_thread_start(&thread, fail_elsewhere, seen);
    test_thread_join(&thread);
    assert_string_equal(seen, "");
    assert_string_equal(liminal_status_detail(), before);
    assert_int_equal(liminal_envelope_create("", 0, NULL, &envelope), LIMINAL_OK);
    assert_string_equal(liminal_status_detail(), before);
    liminal_envelope_drop(&envelope);
}

static void exit_reasons(void **state)
{
    static const struct {
        liminal_exit_reason reason;
        const char *text;
    } reasons[] = {
        {{LIMINAL_EXIT_NORMAL, 0}, "normal"},       {{LIMINAL_EXIT_ERROR, 7}, "error 7"},
        {{LIMINAL_EXIT_KILLED, 0}, "killed"},       {{LIMINAL_EXIT_NOPROC, 0}, "no such process"},
        {{LIMINAL_EXIT_CODE, 3}, "exit code 3"},    {{LIMINAL_EXIT_SIGNAL, 9}, "signal 9"},
        {{LIMINAL_EXIT_UNKNOWN, 0}, "unknown"},     {{(liminal_exit_kind)99, 0}, "unknown"},
        {{LIMINAL_EXIT_ERROR, INT32_MIN}, "error -2147483648"},
    };
    size_t i;
    (void)state;
    for (i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        assert_string_equal(liminal_exit_describe(reasons[i].reason).text, reasons[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(values_and_names),
        TEST(outside_the_enum),
        TEST(detail_is_per_thread),
        TEST(exit_reasons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* left_child.c -- must fail: a child process is left behind. */
#define _POSIX_C_SOURCE 200809L

#include "support/harness.h"

#include <sys/types.h>
#include <unistd.h>

static int line[2]; /* opened before the setup; the child lives until its other end is closed */

static void leaves_a_child(void **state)
{
    char byte;
    pid_t child = fork();
    (void)state;
    if (child == 0) {
        (void)close(line[1]);
        _exit(read(line[0], &byte, 1) != 0);
    }
    assert_true(child > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(leaves_a_child)};
    return pipe(line) != 0 ? 0 : cmocka_run_group_tests(tests, NULL, NULL);
}

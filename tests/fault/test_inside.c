/* SPDX-License-Identifier: MIT */
/* test_inside.c -- every call inside every kind of callback: it does its work or says what the headers say it does,
 * and none of them waits for ever. The same in a child that is forked there, which every call tells so. */
#define _GNU_SOURCE
#include "fault/calls_kit.h"

#include <stdio.h>
#include <sys/syscall.h>

static void each_call_in_each_place(void **state)
{
    place p;
    (void)state;
    for (int kind = 0; kind < PLACES; kind++) {
        place_begin(&p, (place_kind)kind, act_row, NULL);
        place_end(&p);
        for (size_t i = 0; i < ROWS; i++) {
            if (rows[i].alone) {
                place_begin(&p, (place_kind)kind, act_row, &i);
                place_end(&p);
            }
        }
    }
}

/* ---- a fork in each place ---- */

static void be_the_child(place *p, liminal_conversation *own)
{
    int code = 0;
    (void)alarm(15);
    for (size_t i = 0; i < ROWS; i++) {
        if (rows[i].in_child != '-' && own != NULL) {
            liminal_status st = rows[i].call(p, own);
            if (!is_expected(st, rows[i].in_child)) {
                (void)dprintf(2, "child of %s: %s: %s\n", place_names[p->kind], rows[i].name, liminal_status_name(st));
                code = 1;
            }
        }
    }
    (void)syscall(SYS_exit_group, code); /* past the sanitizers, which would take the parent's threads for leaks */
}

static void act_fork(place *p)
{
    liminal_conversation *own = own_of(p);
    liminal_envelope *message = race_say("inherited");
    int status = -1;
    pid_t child = fork();
    if (child == 0) {
        spare = message;
        be_the_child(p, own != NULL ? own : p->other);
    }
    (void)test_check(child > 0 && waitpid(child, &status, 0) == child && status == 0);
    liminal_envelope_drop(&message);
    act_row(p); /* the parent has not noticed */
    liminal_conversation_drop(&own);
}

static void a_fork_in_each_place(void **state)
{
    place p;
    (void)state;
    if (UNDER_TSAN) { /* a child may find a lock of TSan's own allocator held, for ever */
        skip();
    }
    for (int kind = 0; kind < PLACES; kind++) {
        place_begin(&p, (place_kind)kind, act_fork, &(size_t){ROWS - 1});
        place_end(&p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_call_in_each_place),
        TEST(a_fork_in_each_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

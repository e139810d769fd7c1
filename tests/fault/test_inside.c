/* SPDX-License-Identifier: MIT */
/* test_inside.c -- every call inside every kind of callback: it does its work or says what the headers say it does,
 * and none of them waits for ever. The same in a child that is forked there, which every call tells so. */
#define _GNU_SOURCE
#include "fault/calls_kit.h"

#include <stdio.h>
#include <sys/syscall.h>

#if defined(__SANITIZE_THREAD__)
#define UNDER_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define UNDER_TSAN 1
#endif
#endif
#ifndef UNDER_TSAN
#define UNDER_TSAN 0
#endif

/* ---- what is expected ---- */

/* A letter for each place, in the order of place_kit.h:
 *   O ok  T timed out  D deadlock  C closed  X exit  P phase  I invalid  N no process   - is not called there
 *   * ok or phase: it may be the caller's own thread, or one of the library's
 *   w ok, or a limit where a system without pidfds watches only children */
typedef struct row {
    const char *name;
    liminal_status (*call)(place *p, liminal_conversation *own);
    const char *expected;
    char in_child; /* K: forked */
    bool alone;    /* in a world of its own, for it changes it */
} row;

#define ROW(call, expected, in_child) {#call, call, expected, in_child, false}
#define ALONE(call, expected, in_child) {#call, call, expected, in_child, true}

static const row rows[] = {
    /*                        start answer exited release notices undo collect program table
     *                           --  ---  --  --  ----  --  --  ---  - */
    ROW(query_own,           "IIOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(try_receive_own,     "IITTTTTCCXCTTXXCTTTCT", 'K'),
    ROW(receive_own,         "IIDDDDDCCXCTTXXCTDDCT", 'K'),
    ROW(drop_own,            "OOOOOOOOOOOOOOOOOOOOO", 'O'),
    ROW(ask_own,             "IIDDDDDCCXCOOXXCODDCO", 'K'),
    ROW(send_own,            "IIOOOOOCCXCOOXXCOOOCO", 'K'),
    ROW(try_send_own,        "IIOOOOOCCXCOOXXCOOOCO", 'K'),
    ROW(undo_own,            "IIIIIIIIIIIIIXXIIIIII", 'K'),
    ROW(send_other,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(receive_other,       "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(try_send_other,      "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(receive_other_again, "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(receive_in_vain,     "TTTTTTTTTTTTTTTTTTTTT", 'K'),
    ROW(ask_other,           "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(query_other,         "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(undo_other,          "IIIIIIIIIIIIIIIIIIIII", 'K'),
    ROW(link_own,            "NNOOOOONNNNOONNNOOONO", 'K'),
    ROW(linked_own,          "NNOOOOONNNNOONNNOOONO", 'N'),
    ROW(links_own,           "NNOOOOONNNNOONNNOOONO", 'K'),
    ROW(unlink_own,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(list_all,            "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(trap_other,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(trap_own,            "NNOOOOONNNNOONNNOIINO", 'K'),
    ROW(signal_other,        "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(alive_other,         "OOOOOOOOOOOOOOOOOOOOO", 'N'),
    ROW(notify_other,        "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(notify_own,          "NNOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(wait_own,            "NNDDDDDOOOOTTOOOTDDOT", 'K'),
    ROW(wait_own_actor,      "NNTDDTDOOOOTTDDOTTTOT", 'K'),
    ROW(wait_other,          "TTTTTTTTTTTTTTTTTTTTT", 'K'),
    ROW(spawn,               "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(spawn_behaviour,     "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(spawn_program,       "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(ask_once,            "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(ask_until,           "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(find,                "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(find_name,           "NNOOOOONNNNOOOONOOONO", 'K'),
    ROW(census,              "OOOOOOOOOOOOOOOOOOOOO", 'I'),
    ROW(another_supervisor,  "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(values,              "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(spans,               "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(watch,               "wwwwwwwwwwwwwwwwwwwww", 'K'),
    ROW(attach,              "P*P*PP*P*O*PPPP*OPPPO", 'K'),
    ROW(shutdown,            "DDDDDDDDDDDDDDDD-DDD-", 'K'),
    ROW(cancel_own,          "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(kill_other_actor,    "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(kill_other,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(close_other,         "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(exit_self,           "XXXXXXXPPPPPPPPPPPPPP", '-'),
    ALONE(close_own,         "IIOOOOOOOOOOOOOOOOOOO", 'K'),
    ALONE(signal_own,        "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ALONE(kill_own,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ALONE(kill_own_actor,    "OOOOOOOOOOOOOOOOOOOOO", 'K'),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static bool is_expected(liminal_status st, char expected)
{
    static const char letters[] = "OIMLPCFXNUTADK"; /* by their values */
    switch (expected) {
    case '*':
        return st == LIMINAL_OK || st == LIMINAL_EPHASE;
    case 'w':
        return st == LIMINAL_OK || st == LIMINAL_ELIMIT;
    default:
        return letters[st] == expected;
    }
}

/* ---- each call in each place ---- */

static void call_row(place *p, liminal_conversation *own, size_t i)
{
    char expected = rows[i].expected[p->kind];
    liminal_status st;
    if (expected == '-') {
        return;
    }
    st = rows[i].call(p, own);
    if (!test_check(is_expected(st, expected))) {
        print_error("%s inside %s: %s, not %c: %s\n", rows[i].name, place_names[p->kind], liminal_status_name(st),
                    expected, liminal_status_detail());
    }
}

/* The row, or all that change nothing for the others. */
static void act_row(place *p)
{
    const size_t *which = p->context;
    liminal_conversation *own = own_of(p);
    for (size_t i = 0; i < ROWS; i++) {
        if (which != NULL ? i == *which : !rows[i].alone) {
            call_row(p, own, i);
        }
    }
    liminal_conversation_drop(&own);
}

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

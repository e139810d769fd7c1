/* SPDX-License-Identifier: MIT */
/* failure.c -- an execution fails: what is said of it, and how it is left. */
#define _GNU_SOURCE

#include "inner.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>

static sched_failure failed;
static char said[256];

sched_failure failure_now(const char **text)
{
    *text = said;
    return failed;
}

void failure_clear(void)
{
    failed = SCHED_NONE;
    said[0] = '\0';
}

/* ---- failures ---- */

const char *sched_failure_name(sched_failure failure)
{
    static const char *const names[] = {"none",     "a check",   "a trap",   "a race",  "use of what is not there",
                                        "a leak",   "deadlock",  "lost wake", "livelock", "misuse"};
    return names[failure];
}

void note_failure(sched_failure failure, const char *format, ...)
{
    va_list arguments;
    if (failed != SCHED_NONE) {
        return;
    }
    failed = failure;
    va_start(arguments, format);
    (void)vsnprintf(said, sizeof said, format, arguments);
    va_end(arguments);
}

void sched_fail(sched_failure failure, const char *format, ...)
{
    va_list arguments;
    char text[200];
    unsigned id = world.now->id;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    note_failure(failure, "fiber %u, step %u: %s", id, world.step, text);
    fiber_go_home();
}

/* On a stack of its own, which is simply left. */
static void on_signal(int number)
{
    if (world.now == NULL) {
        (void)signal(number, SIG_DFL);
        (void)raise(number);
        return;
    }
    sched_fail(SCHED_TRAP, "%s", number == SIGILL || number == SIGTRAP ? "an assertion" : "a crash");
}

static const int signals[] = {SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE};
enum { SIGNALS = sizeof signals / sizeof *signals };
static struct sigaction before[SIGNALS];
static stack_t stack_before;

void signals_open(void)
{
    static unsigned char room[65536];
    stack_t own = {.ss_sp = room, .ss_size = sizeof room};
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_ONSTACK | SA_NODEFER};
    (void)sigaltstack(&own, &stack_before);
    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &action, &before[i]);
    }
}

void signals_close(void)
{
    for (int i = 0; i < SIGNALS; i++) {
        (void)sigaction(signals[i], &before[i], NULL);
    }
    (void)sigaltstack(&stack_before, NULL);
}


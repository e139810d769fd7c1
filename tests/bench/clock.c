/* SPDX-License-Identifier: MIT */
/* clock.c -- clocks, processors, and the two ways to wait: looking again and again, and asleep on a futex. */
#define _GNU_SOURCE
#include "bench.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define SPIN_NS 20000.0
#define SETTLE_NS 300000

static double read_ns(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* A double holds nanoseconds exactly for a hundred days after the machine has started. */
double bench_now_ns(void)
{
    return read_ns(CLOCK_MONOTONIC);
}

double bench_processor_ns(void)
{
    return read_ns(CLOCK_PROCESS_CPUTIME_ID);
}

void bench_sleep_until_ns(double ns)
{
    struct timespec until;
    until.tv_sec = (time_t)(ns / 1e9);
    until.tv_nsec = (long)(ns - (double)until.tv_sec * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) {
    }
}

void bench_settle(void)
{
    bench_sleep_until_ns(bench_now_ns() + SETTLE_NS);
}

int bench_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        bench_stop("the processors can't be counted");
    }
    return CPU_COUNT(&set);
}

void bench_pin(void)
{
    cpu_set_t set;
    size_t first = 0;
    if (sched_getaffinity(0, sizeof set, &set) != 0) {
        bench_stop("the processors can't be counted");
    }
    while (!CPU_ISSET(first, &set)) {
        first++;
    }
    CPU_ZERO(&set);
    CPU_SET(first, &set);
    if (sched_setaffinity(0, sizeof set, &set) != 0) {
        bench_stop("this thread can't be pinned to processor %zu", first);
    }
}

void bench_stay(bench_place place)
{
    static cpu_set_t all; /* as it was for the first thread that asked, which had not been put anywhere then */
    cpu_set_t wanted;
    size_t at = 0, seen = 0;
    if (CPU_COUNT(&all) == 0 && sched_getaffinity(0, sizeof all, &all) != 0) {
        bench_stop("the processors can't be counted");
    }
    wanted = all;
    if (place != BENCH_ANYWHERE && CPU_COUNT(&all) > 1) {
        while (!CPU_ISSET(at, &all) || seen++ != (size_t)place) {
            at++;
        }
        CPU_ZERO(&wanted);
        CPU_SET(at, &wanted);
    }
    if (sched_setaffinity(0, sizeof wanted, &wanted) != 0) {
        bench_stop("this thread can't be put on another processor");
    }
}

void bench_relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

long bench_spins(void)
{
    static _Atomic(unsigned) nothing;
    const long looks = 20000;
    double began, each;
    long i;
    if (bench_processors() == 1) {
        return 0; /* nobody can come meanwhile */
    }
    began = bench_now_ns();
    for (i = 0; i < looks && atomic_load(&nothing) == 0; i++) {
        bench_relax();
    }
    each = (bench_now_ns() - began) / (double)looks;
    return (long)(SPIN_NS / each) + 1;
}

void bench_word_wait(_Atomic(unsigned) *word, unsigned expected)
{
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, expected, NULL, NULL, 0);
}

void bench_word_wake(_Atomic(unsigned) *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

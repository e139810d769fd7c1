/* SPDX-License-Identifier: MIT */
/* quiet.c -- workload: 1,000 conversations that nobody talks to cause no wake-up. */
#include "bench.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_CONVERSATIONS 1000

static double switches_in(const char *status)
{
    FILE *file = fopen(status, "r");
    char line[256];
    double sum = 0;
    if (file == NULL) {
        return 0; /* it has just ended */
    }
    while (fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0) {
            sum += strtod(line + 24, NULL);
        }
    }
    fclose(file);
    return sum;
}

/* How often all threads but this one have gone to sleep so far; a thread that slept before has been woken each time.
 * This one is the first of the process, and the directory names it first. */
static double count_switches(void)
{
    DIR *tasks = opendir("/proc/self/task");
    struct dirent *task;
    char path[320];
    double sum = 0;
    bool first = true;
    if (tasks == NULL) {
        bench_stop("/proc/self/task can't be read");
    }
    while ((task = readdir(tasks)) != NULL) {
        if (task->d_name[0] != '.') {
            snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
            sum += first ? 0 : switches_in(path);
            first = false;
        }
    }
    closedir(tasks);
    return sum;
}

/* Until nobody moves any more, or half a minute has passed. */
static double wait_for_rest(void)
{
    double until = bench_now_ns() + 30e9, before, now = count_switches();
    do {
        before = now;
        bench_sleep_until_ns(bench_now_ns() + 100e6);
        now = count_switches();
    } while (now != before && bench_now_ns() < until);
    return now;
}

void bench_quiet(void)
{
    static liminal_conversation *talks[MOST_CONVERSATIONS];
    liminal_supervisor *house = bench_open(NULL);
    long conversations = bench_scale(MOST_CONVERSATIONS, 20), i;
    double seconds = bench.quick ? 0.2 : 10, before, worked, looked;
    if (bench.count != 0) {
        bench_stop("quiet has no --count");
    }
    for (i = 0; i < conversations; i++) {
        talks[i] = bench_spawn(house, i % 2 == 0 ? LIMINAL_PARTICIPANT_THREAD : LIMINAL_PARTICIPANT_INLINE);
        bench_ask(talks[i]);
    }
    before = wait_for_rest();
    looked = bench_processor_ns(); /* which adds up all threads, and so takes a while itself */
    worked = bench_processor_ns();
    looked = worked - looked;
    bench_sleep_until_ns(bench_now_ns() + seconds * 1e9);
    worked = bench_processor_ns() - worked - looked;
    bench_say("quiet", "lasted", seconds, "s", NULL);
    bench_say_bound("quiet", "wake-ups", count_switches() - before, "switches", BENCH_AT_MOST, 0);
    bench_say("quiet", "processor", worked > 0 ? worked / 1e3 : 0, "us", "of the whole program, which only slept");
    for (i = 0; i < conversations; i++) {
        liminal_conversation_drop(&talks[i]);
    }
    bench_shut(house);
}

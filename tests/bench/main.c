/* SPDX-License-Identifier: MIT */
/* main.c -- liminal-bench: what the library costs, beside the bare limit of the machine. */
#include "bench.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bench_settings bench;

static const struct workload {
    const char *name;
    const char *what;
    void (*run)(void);
} workloads[] = {
    {"ask-inline", "64 bytes there and back, inline participant", bench_ask_inline},
    {"ask-busy", "the same, threaded participant, back to back", bench_ask_busy},
    {"ask-rare", "the same, one each 2 ms, so that everyone sleeps", bench_ask_rare},
    {"oneway-1", "1 producer, threaded participant that counts", bench_oneway_1},
    {"oneway-4", "4 producers, threaded participant that counts", bench_oneway_4},
    {"buffer", "send and receive without participants", bench_buffer},
    {"spawn-inline", "spawn, ask, close: inline participant, 1 thread", bench_spawn_inline},
    {"spawn-threaded", "spawn, ask, close: threaded participant, 2 threads", bench_spawn_threaded},
    {"idle-10000", "10,000 live conversations: memory and creation", bench_idle_10000},
    {"idle-30000", "30,000 of them", bench_idle_30000},
    {"death-thread", "a threaded participant exits while a receive waits", bench_death_thread},
    {"death-guest", "a thread of the host's ends while a receive waits", bench_death_guest},
    {"death-program", "a child program is killed while a receive waits", bench_death_program},
    {"many-inline", "1,000 conversations, 2 clients against 1, inline", bench_many_inline},
    {"many-threaded", "the same, threaded", bench_many_threaded},
    {"neighbour", "an ask beside a slow conversation", bench_neighbour},
    {"query-1000", "a snapshot after 1,000 messages", bench_query_1000},
    {"query-1000000", "a snapshot after 1,000,000", bench_query_1000000},
    {"log", "the context log: bytes, copies, share of an ask", bench_log},
    {"span", "a span, no collector", bench_span},
    {"span-collector", "a span, with a collector that counts", bench_span_collector},
    {"memory-flat", "resident memory over 10 million messages", bench_memory_flat},
    {"memory-back", "resident memory after 10,000 conversations have closed", bench_memory_back},
    {"quiet", "wake-ups of 1,000 quiet conversations in 10 s", bench_quiet},
    {"one-processor", "asks, sends and a buffer, pinned to one processor", bench_one_processor},
};
#define WORKLOADS (sizeof workloads / sizeof workloads[0])

long bench_scale(long full, long quick)
{
    return bench.quick ? quick : full;
}

void bench_stop(const char *format, ...)
{
    va_list arguments;
    fflush(stdout);
    fputs("liminal-bench: ", stderr);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    exit(1);
}

void bench_must(liminal_status st)
{
    if (st == LIMINAL_ELIMIT) {
        bench_stop("%s: %s; %s", liminal_status_name(st), liminal_status_detail(), bench_limits());
    } else if (st != LIMINAL_OK) {
        bench_stop("%s: %s", liminal_status_name(st), liminal_status_detail());
    }
}

static void usage(void)
{
    size_t i;
    printf("liminal-bench [--quick] [--rounds N] [--one-processor] [--count N] WORKLOAD... | all\n\n"
           "Prints lines `workload metric value unit`, each figure beside the bare limit of this machine.\n"
           "A WORKLOAD is one of these, or what some of them begin with, as in `ask`:\n\n");
    for (i = 0; i < WORKLOADS; i++) {
        printf("  %-16s %s\n", workloads[i].name, workloads[i].what);
    }
    printf("\n  --quick          a few times each: to see that all works; the figures mean nothing\n"
           "  --rounds N       so many rounds instead of the usual number\n"
           "  --one-processor  pinned to one processor, as with taskset -c\n"
           "  --count N        N calls of ours and nothing else, without output: for callgrind\n");
}

static long read_number(const char *option, const char *text)
{
    char *end = NULL;
    long value = text != NULL ? strtol(text, &end, 10) : 0;
    if (text == NULL || *end != '\0' || value < 1) {
        bench_stop("%s takes a number from 1 on", option);
    }
    return value;
}

static int read_options(int argc, char **argv)
{
    int i;
    for (i = 1; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--quick") == 0) {
            bench.quick = true;
        } else if (strcmp(argv[i], "--one-processor") == 0) {
            bench.one_processor = true;
        } else if (strcmp(argv[i], "--rounds") == 0) {
            bench.rounds = read_number(argv[i], argv[i + 1]);
            i++;
        } else if (strcmp(argv[i], "--count") == 0) {
            bench.count = read_number(argv[i], argv[i + 1]);
            i++;
        } else {
            usage();
            exit(2);
        }
    }
    return i;
}

/* All, the one of that name, or all whose names begin so and go on with a `-`. */
static bool is_meant(const char *name, const char *wanted, bool whole)
{
    size_t length = strlen(wanted);
    if (strcmp(wanted, "all") == 0) {
        return true;
    }
    return strncmp(name, wanted, length) == 0 && name[length] == (whole ? '\0' : '-');
}

/* Run what is meant, or only count it. Of several, each gets a process of its own: what one leaves in the heap, or
 * can't do on this machine, is nothing to the next. */
static int run_meant(const char *wanted, bool whole, bool run, bool apart)
{
    size_t i;
    int found = 0;
    for (i = 0; i < WORKLOADS; i++) {
        if (!is_meant(workloads[i].name, wanted, whole)) {
            continue;
        }
        found++;
        if (run && !apart) {
            workloads[i].run();
        } else if (run && !bench_child_pass_on(workloads[i].name, false)) {
            bench_say(workloads[i].name, "stopped", 1, "workload", "see what it said");
            bench.stopped++;
        }
    }
    return found;
}

static int run_one_argument(const char *wanted, bool run, bool apart)
{
    int found = run_meant(wanted, true, run, apart);
    if (found == 0) {
        found = run_meant(wanted, false, run, apart);
    }
    if (found == 0) {
        bench_stop("there is no workload %s", wanted);
    }
    return found;
}

int main(int argc, char **argv)
{
    int first, i, found = 0;
    if (argc == 4 && strcmp(argv[1], "--child") == 0) { /* see child.c */
        bench_child_work(argv[2], read_number(argv[1], argv[3]));
    }
    first = read_options(argc, argv);
    if (first == argc) {
        usage();
        return 0;
    }
    if (bench.one_processor) {
        bench_pin();
    }
    for (i = first; i < argc; i++) {
        found += run_one_argument(argv[i], false, false);
    }
    for (i = first; i < argc; i++) {
        run_one_argument(argv[i], true, found > 1 && bench.count == 0);
    }
    if (bench.count == 0) {
        bench_say("all", "unjudged", bench.unjudged, "bounds", NULL);
        bench_say("all", "missed", bench.missed, "bounds", NULL);
    }
    return bench.stopped != 0;
}

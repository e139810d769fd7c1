/* SPDX-License-Identifier: MIT */
/* child.c -- this program again, started afresh: a clean heap, no threads left over, and all that the library keeps
 * about the machine read again. */
#define _GNU_SOURCE
#include "bench.h"

#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define LINE 512

extern char **environ;

static const struct job {
    const char *name;
    void (*run)(long number);
} jobs[] = {
    {"idle-conversations", bench_idle_conversations},
    {"idle-threads", bench_idle_threads},
    {"memory-flat", bench_memory_flat_here},
    {"memory-back", bench_memory_back_here},
    {"memory-back-threads", bench_memory_back_threads},
};

void bench_child_work(const char *job, long number)
{
    size_t i;
    for (i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
        if (strcmp(jobs[i].name, job) == 0) {
            jobs[i].run(number);
            fflush(stdout);
            _exit(0); /* some leave thousands of threads behind; what a shutdown does is measured elsewhere */
        }
    }
    bench_stop("there is no job %s", job);
}

/* Start this program with other arguments; what it prints is to be read from the stream. */
static FILE *start(const char *const *arguments, pid_t *out)
{
    posix_spawn_file_actions_t actions;
    int ends[2], failed;
    FILE *output;
    if (pipe(ends) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        bench_stop("a pipe can't be made");
    }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    posix_spawn_file_actions_addclose(&actions, ends[0]);
    posix_spawn_file_actions_addclose(&actions, ends[1]);
    failed = posix_spawn(out, "/proc/self/exe", &actions, NULL, (char *const *)(const void *)arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    output = fdopen(ends[0], "r");
    if (failed != 0 || output == NULL) {
        bench_stop("this program can't be started again");
    }
    return output;
}

static bool finish(FILE *output, pid_t child)
{
    int status = 0;
    fclose(output);
    return waitpid(child, &status, 0) == child && status == 0;
}

bench_child bench_child_run(const char *job, long number)
{
    char digits[32], line[LINE], *end;
    const char *const arguments[] = {"liminal-bench", "--child", job, digits, NULL};
    bench_child child = {.count = 0};
    FILE *output;
    double value;
    pid_t pid;
    snprintf(digits, sizeof digits, "%ld", number);
    output = start(arguments, &pid);
    while (fgets(line, sizeof line, output) != NULL) {
        line[strcspn(line, "\n")] = '\0';
        value = strtod(line, &end);
        if (end != line && *end == '\0') {
            if (child.count < (int)(sizeof child.values / sizeof child.values[0])) {
                child.values[child.count++] = value;
            }
        } else {
            snprintf(child.text, sizeof child.text, "%.*s", (int)sizeof child.text - 1, line);
        }
    }
    if (!finish(output, pid)) {
        bench_stop("%s %ld, started on its own, failed", job, number);
    }
    return child;
}

bool bench_child_pass_on(const char *workload, bool pinned)
{
    char rounds[32], line[LINE];
    const char *arguments[8] = {"liminal-bench"};
    int count = 1;
    FILE *output;
    pid_t pid;
    size_t length;
    if (bench.quick) {
        arguments[count++] = "--quick";
    }
    if (pinned || bench.one_processor) {
        arguments[count++] = "--one-processor";
    }
    if (bench.rounds != 0) {
        snprintf(rounds, sizeof rounds, "%ld", bench.rounds);
        arguments[count++] = "--rounds";
        arguments[count++] = rounds;
    }
    arguments[count] = workload;
    output = start(arguments, &pid);
    while (fgets(line, sizeof line, output) != NULL) {
        if (strncmp(line, "all ", 4) == 0) {
            continue; /* we say how many bounds were missed altogether */
        }
        length = strlen(line);
        bench.unjudged += strstr(line, " (no verdict: ") != NULL;
        bench.missed += length > 7 && strcmp(line + length - 7, "missed\n") == 0;
        fputs(line, stdout);
        fflush(stdout);
    }
    return finish(output, pid);
}

static long read_number_of(const char *path)
{
    FILE *file = fopen(path, "r");
    long value = -1;
    if (file != NULL) {
        if (fscanf(file, "%ld", &value) != 1) {
            value = -1;
        }
        fclose(file);
    }
    return value;
}

const char *bench_limits(void)
{
    static char text[256];
    struct rlimit processes = {0}, space = {0};
    getrlimit(RLIMIT_NPROC, &processes);
    getrlimit(RLIMIT_AS, &space);
    snprintf(text, sizeof text,
             "vm.max_map_count %ld, kernel.pid_max %ld, kernel.threads-max %ld, ulimit -u %ld, ulimit -v %ld KiB",
             read_number_of("/proc/sys/vm/max_map_count"), read_number_of("/proc/sys/kernel/pid_max"),
             read_number_of("/proc/sys/kernel/threads-max"), (long)processes.rlim_cur,
             space.rlim_cur == RLIM_INFINITY ? -1L : (long)(space.rlim_cur / 1024));
    return text;
}

/* Added up from the page tables, where the cheaper counters may lag by 64 pages a thread. */
double bench_resident(void)
{
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    char line[LINE];
    double kib = -1;
    if (file == NULL) {
        bench_stop("/proc/self/smaps_rollup can't be read");
    }
    while (kib < 0 && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "Rss:", 4) == 0) {
            kib = strtod(line + 4, NULL);
        }
    }
    fclose(file);
    if (kib < 0) {
        bench_stop("/proc/self/smaps_rollup has no Rss");
    }
    return kib * 1024;
}

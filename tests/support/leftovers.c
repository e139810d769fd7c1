/* SPDX-License-Identifier: MIT */
/* leftovers.c -- threads, descriptors and children, as the kernel lists them. */
#define _GNU_SOURCE

#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 1024 };

typedef struct numbers {
    long at[MOST];
    size_t count;
} numbers;

static numbers tasks_before, descriptors_before, children_before;
static bool had_children;

static void add(numbers *set, long number)
{
    if (set->count == MOST) {
        test_give_up("more than %d threads, descriptors or children", (int)MOST);
    }
    set->at[set->count++] = number;
}

static bool holds(const numbers *set, long number)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->at[i] == number) {
            return true;
        }
    }
    return false;
}

/* The entries of a folder that are numbers. */
static void list(const char *path, numbers *set)
{
    DIR *folder = opendir(path);
    const struct dirent *entry;
    set->count = 0;
    if (folder == NULL) {
        test_give_up("can't read %s: %s", path, strerror(errno));
    }
    while ((entry = readdir(folder)) != NULL) {
        char *end;
        long number = strtol(entry->d_name, &end, 10);
        if (end != entry->d_name && *end == '\0' && !(number == dirfd(folder) && strcmp(path, "/proc/self/fd") == 0)) {
            add(set, number);
        }
    }
    (void)closedir(folder);
}

static void list_children(numbers *set)
{
    numbers tasks;
    list("/proc/self/task", &tasks);
    set->count = 0;
    for (size_t i = 0; i < tasks.count; i++) {
        char path[64];
        FILE *file;
        long pid;
        (void)snprintf(path, sizeof path, "/proc/self/task/%ld/children", tasks.at[i]);
        file = fopen(path, "r"); /* not every kernel has it, and the thread may just have ended */
        while (file != NULL && fscanf(file, "%ld", &pid) == 1) {
            add(set, pid);
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
}

/* Whether there is any child, running or not waited for. Reaps none. */
static bool any_children(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static void *tell_who(void *argument)
{
    *(long *)argument = syscall(SYS_gettid);
    return NULL;
}

/* A sanitizer starts a thread of its own beside the first one; that is not the first test's. */
static void warm_up(void)
{
    static bool warm;
    pthread_t thread;
    char path[64];
    long who = 0;
    if (warm || __real_pthread_create(&thread, NULL, tell_who, &who) != 0) {
        return;
    }
    warm = true;
    (void)__real_pthread_join(thread, NULL);
    (void)snprintf(path, sizeof path, "/proc/self/task/%ld", who);
    test_until(access(path, F_OK) != 0);
}

static bool new_tasks(numbers *fresh)
{
    numbers now;
    list("/proc/self/task", &now);
    fresh->count = 0;
    for (size_t i = 0; i < now.count; i++) {
        if (!holds(&tasks_before, now.at[i])) {
            add(fresh, now.at[i]);
        }
    }
    return fresh->count != 0;
}

/* The kernel wakes the one who joins a thread a moment before it takes the thread off its list. What is counted is how
 * often this looks, and not the time, in which the whole process may have stood still. */
static bool settle(numbers *fresh)
{
    const struct timespec moment = {0, 1000000};
    for (int looks = 0; new_tasks(fresh); looks++) {
        if (looks == 2000) {
            return false;
        }
        (void)nanosleep(&moment, NULL);
    }
    return true;
}

void test_leftovers_begin(void)
{
    warm_up();
    list("/proc/self/task", &tasks_before);
    list("/proc/self/fd", &descriptors_before);
    list_children(&children_before);
    had_children = any_children();
}

static void end_tasks(void)
{
    numbers fresh;
    if (settle(&fresh)) {
        return;
    }
    for (size_t i = 0; i < fresh.count; i++) {
        char path[64], name[64] = "?";
        FILE *file;
        (void)snprintf(path, sizeof path, "/proc/self/task/%ld/comm", fresh.at[i]);
        file = fopen(path, "r");
        if (file != NULL) {
            if (fscanf(file, "%63[^\n]", name) != 1) {
                name[0] = '\0';
            }
            (void)fclose(file);
        }
        test_complain("left over: thread %ld (%s)", fresh.at[i], name);
    }
}

static void end_descriptors(void)
{
    numbers now;
    list("/proc/self/fd", &now);
    for (size_t i = 0; i < now.count; i++) {
        char path[64], target[256];
        ssize_t length;
        if (holds(&descriptors_before, now.at[i])) {
            continue;
        }
        (void)snprintf(path, sizeof path, "/proc/self/fd/%ld", now.at[i]);
        length = readlink(path, target, sizeof target - 1);
        target[length > 0 ? length : 0] = '\0';
        test_complain("left over: descriptor %ld (%s)", now.at[i], target);
    }
    for (size_t i = 0; i < descriptors_before.count; i++) {
        if (!holds(&now, descriptors_before.at[i])) {
            test_complain("descriptor %ld was closed, and it was not the test's", descriptors_before.at[i]);
        }
    }
}

static void end_children(void)
{
    numbers now;
    size_t found = 0;
    list_children(&now);
    for (size_t i = 0; i < now.count; i++) {
        if (!holds(&children_before, now.at[i])) {
            test_complain("left over: child %ld", now.at[i]);
            found++;
        }
    }
    if (found == 0 && !had_children && any_children()) {
        test_complain("left over: a child");
    }
}

void test_leftovers_end(void)
{
    end_tasks();
    end_descriptors();
    end_children();
}

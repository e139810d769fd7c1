/* SPDX-License-Identifier: MIT */
/* death.c -- workloads: how long from a death to the return of a receive that waits.
 *
 * The clock starts just before the last thing that the dying one does, or just before it is sent SIGKILL. */
#define _GNU_SOURCE
#include "bench.h"

#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define DEATH_BOUND 1.3

extern char **environ;

static _Atomic(double) began; /* when the death began */

/* ---- limits ---- */

static void *wake_and_leave(void *unsigned_word)
{
    _Atomic(unsigned) *word = unsigned_word;
    bench_settle();
    began = bench_now_ns();
    atomic_store(word, 1);
    bench_word_wake(word);
    return NULL;
}

static double bare_thread(void *unused)
{
    static _Atomic(unsigned) word;
    pthread_t thread;
    double took;
    (void)unused;
    atomic_store(&word, 0);
    bench_thread_start(&thread, wake_and_leave, &word);
    while (atomic_load(&word) == 0) {
        bench_word_wait(&word, 0);
    }
    took = bench_now_ns() - began;
    pthread_join(thread, NULL);
    return took;
}

static void *kill_it(void *number)
{
    bench_settle();
    began = bench_now_ns();
    kill(*(const pid_t *)number, SIGKILL);
    return NULL;
}

static double bare_program(void *unused)
{
    char *const argv[] = {"cat", NULL};
    struct pollfd fd = {.events = POLLIN};
    posix_spawn_file_actions_t actions;
    int ends[2], failed;
    pthread_t thread;
    double took;
    pid_t pid;
    (void)unused;
    if (pipe(ends) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        bench_stop("a pipe can't be made");
    }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    failed = posix_spawnp(&pid, "cat", &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0 || (fd.fd = (int)syscall(SYS_pidfd_open, pid, 0)) < 0) {
        bench_stop("cat can't be started and watched");
    }
    bench_thread_start(&thread, kill_it, &pid);
    poll(&fd, 1, -1);
    took = bench_now_ns() - began;
    pthread_join(thread, NULL);
    waitpid(pid, NULL, 0);
    close(fd.fd);
    close(ends[0]);
    close(ends[1]);
    return took;
}

/* ---- ours ---- */

/* Wait for what never comes, until the death. */
static double until_told(liminal_conversation *talk)
{
    liminal_envelope *none = NULL;
    liminal_status st = liminal_conversation_receive(talk, &none, liminal_deadline_in_ms(10000));
    double took = bench_now_ns() - began;
    if (st != LIMINAL_EEXIT) {
        bench_stop("a death was told as %s", liminal_status_name(st));
    }
    liminal_conversation_drop(&talk);
    return took;
}

static liminal_status die(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self, (void)request, (void)out;
    bench_settle();
    began = bench_now_ns();
    return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_ERROR, 1});
}
static const liminal_behaviour dying = {LIMINAL_OPS(liminal_behaviour), .answer = die};

static double our_thread(void *house)
{
    liminal_conversation *talk = bench_spawn_with(house, NULL, LIMINAL_PARTICIPANT_THREAD, &dying, NULL);
    liminal_envelope *last = NULL;
    bench_must(liminal_envelope_create("die", 3, NULL, &last));
    bench_must(liminal_conversation_send(talk, &last, liminal_deadline_never()));
    return until_told(talk);
}

static liminal_status spawn_program(liminal_supervisor *house, liminal_conversation **out)
{
    /* It says who it is, and becomes a program that waits. */
    static const char *const argv[] = {"sh", "-c", "echo $$; exec cat", NULL};
    const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = argv};
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    return liminal_supervisor_spawn(house, &config, out);
}

static double our_program(void *house)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *said = NULL;
    pthread_t thread;
    double took;
    pid_t pid;
    bench_must(spawn_program(house, &talk));
    bench_must(liminal_conversation_receive(talk, &said, liminal_deadline_in_ms(10000)));
    pid = (pid_t)strtol(liminal_envelope_text(said), NULL, 10);
    liminal_envelope_drop(&said);
    if (pid <= 1) {
        bench_stop("the program did not say who it is");
    }
    bench_settle();
    bench_thread_start(&thread, kill_it, &pid);
    took = until_told(talk);
    pthread_join(thread, NULL);
    return took;
}

/* ---- workloads ---- */

void bench_death_thread(void)
{
    liminal_supervisor *house = bench_open(NULL);
    bench_fight(&(bench_duel){.workload = "death-thread", .limit_name = "a thread's last futex wake",
                              .measure = BENCH_EACH, .ours = {.timed = our_thread, .self = house},
                              .limit = {.timed = bare_thread}, .rounds = bench_scale(601, 3), .calls = 1,
                              .bound = DEATH_BOUND});
    bench_shut(house);
}

void bench_death_program(void)
{
    liminal_supervisor *house = bench_open(NULL);
    liminal_conversation *first = NULL;
    liminal_status st = spawn_program(house, &first);
    if (st == LIMINAL_ELIMIT) {
        bench_say("death-program", "skipped", 1, "workload", liminal_status_detail());
    } else {
        bench_must(st);
        liminal_conversation_drop(&first);
        bench_fight(&(bench_duel){.workload = "death-program", .limit_name = "a poll on a child's pidfd",
                                  .measure = BENCH_EACH, .ours = {.timed = our_program, .self = house},
                                  .limit = {.timed = bare_program}, .rounds = bench_scale(301, 3), .calls = 1,
                                  .bound = DEATH_BOUND});
    }
    bench_shut(house);
}

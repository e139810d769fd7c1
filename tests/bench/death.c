/* SPDX-License-Identifier: MIT */
/* death.c -- workloads: how long from a death to the return of a receive that waits.
 *
 * The clock starts just before the last thing that the dying one does, or just before it is sent SIGKILL.
 *
 * Who waits stays on the first processor. Where a thread dies on the second one, each death is told by a wake from
 * one processor to the other. Left to itself the scheduler puts the two on one processor or on two, as it has it, and
 * goes on with that for thousands of rounds, for the bare threads (new ones) otherwise than for ours (the same two):
 * then the one's switch on a processor that is awake is set against the other's wake of one that sleeps, which takes
 * ten to thirty times as long. What is told on one processor is another figure, and has no bound: there the one who
 * waits runs when the dying one leaves the processor, and the bare thread's own end is part of that. */
#define _GNU_SOURCE
#include "bench.h"

#include <fcntl.h>
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
static bench_place dies_on;   /* where the dying thread does so */

/* ---- limits ---- */

static void *wake_and_leave(void *unsigned_word)
{
    _Atomic(unsigned) *word = unsigned_word;
    bench_stay(dies_on);
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

static void *just_leave(void *unused)
{
    bench_settle();
    began = bench_now_ns();
    return unused;
}

static double bare_join(void *unused)
{
    pthread_t thread;
    (void)unused;
    bench_thread_start(&thread, just_leave, NULL);
    pthread_join(thread, NULL);
    return bench_now_ns() - began;
}

static void *kill_it(void *number)
{
    bench_settle();
    began = bench_now_ns();
    kill(*(const pid_t *)number, SIGKILL);
    return NULL;
}

/* It says who it is, and becomes a program that says back what it is told: then it has certainly started. */
static char *const echo_argv[] = {"sh", "-c", "echo $$; exec cat", NULL};

static pid_t start_bare(int *to, int *from)
{
    posix_spawn_file_actions_t actions;
    int in[2], out[2], failed;
    pid_t pid;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        bench_stop("a pipe can't be made");
    }
    posix_spawn_file_actions_adddup2(&actions, in[0], 0);
    posix_spawn_file_actions_adddup2(&actions, out[1], 1);
    failed = posix_spawnp(&pid, echo_argv[0], &actions, NULL, echo_argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) {
        bench_stop("sh can't be started");
    }
    close(in[0]);
    close(out[1]);
    *to = in[1];
    *from = out[0];
    return pid;
}

static double bare_program(void *unused)
{
    struct pollfd fd = {.events = POLLIN};
    char line[64];
    pthread_t thread;
    double took;
    int to, from;
    pid_t pid = start_bare(&to, &from);
    (void)unused;
    fd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
    if (fd.fd < 0 || read(from, line, sizeof line) < 1 || write(to, "x\n", 2) != 2 || read(from, line, 2) < 1) {
        bench_stop("a child can't be talked to and watched");
    }
    bench_thread_start(&thread, kill_it, &pid);
    poll(&fd, 1, -1);
    took = bench_now_ns() - began;
    pthread_join(thread, NULL);
    waitpid(pid, NULL, 0);
    close(fd.fd);
    close(to);
    close(from);
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
    bench_stay(dies_on);
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

typedef struct guest {
    liminal_supervisor *house;
    liminal_pid pid;
    pthread_barrier_t met;
} guest;

static void *attach_and_leave(void *self)
{
    guest *one = self;
    bench_must(liminal_thread_attach(one->house, &one->pid));
    pthread_barrier_wait(&one->met);
    pthread_barrier_wait(&one->met);
    return just_leave(NULL);
}

static double our_guest(void *house)
{
    guest one = {.house = house};
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *talk = NULL;
    pthread_t thread;
    double took;
    pthread_barrier_init(&one.met, NULL, 2);
    bench_thread_start(&thread, attach_and_leave, &one);
    pthread_barrier_wait(&one.met);
    participant.pid = one.pid;
    bench_must(liminal_supervisor_spawn(house, &config, &talk));
    pthread_barrier_wait(&one.met);
    took = until_told(talk);
    pthread_join(thread, NULL);
    pthread_barrier_destroy(&one.met);
    return took;
}

static liminal_status spawn_program(liminal_supervisor *house, liminal_conversation **out)
{
    const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = (const char *const *)echo_argv};
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    return liminal_supervisor_spawn(house, &config, out);
}

static double our_program(void *house)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *said = NULL, *word = NULL;
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
    bench_must(liminal_envelope_printf(&word, "x"));
    bench_must(liminal_conversation_ask(talk, &word, &said, liminal_deadline_in_ms(10000)));
    liminal_envelope_drop(&said);
    bench_thread_start(&thread, kill_it, &pid);
    took = until_told(talk);
    pthread_join(thread, NULL);
    return took;
}

/* ---- workloads ---- */

static void fight_thread(const char *workload, bench_place place, double bound)
{
    liminal_supervisor *house;
    bench_stay(BENCH_FIRST);
    dies_on = place;
    house = bench_open(NULL);
    bench_fight(&(bench_duel){.workload = workload, .limit_name = "a thread's last futex wake",
                              .measure = BENCH_EACH, .ours = {.timed = our_thread, .self = house},
                              .limit = {.timed = bare_thread}, .rounds = bench_scale(601, 3), .calls = 1,
                              .bound = bound});
    bench_shut(house);
    bench_stay(BENCH_ANYWHERE);
}

void bench_death_thread(void)
{
    fight_thread("death-thread", BENCH_SECOND, DEATH_BOUND);
    if (bench.count == 0) {
        fight_thread("death-thread-near", BENCH_FIRST, 0);
    }
}

/* One of the host's own threads, attached; no bound: a thread's exit is heard of when the thread has gone. */
void bench_death_guest(void)
{
    liminal_supervisor *house = bench_open(NULL);
    bench_fight(&(bench_duel){.workload = "death-guest", .limit_name = "a pthread_join",
                              .measure = BENCH_EACH, .ours = {.timed = our_guest, .self = house},
                              .limit = {.timed = bare_join}, .rounds = bench_scale(601, 3), .calls = 1});
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

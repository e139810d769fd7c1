/* SPDX-License-Identifier: MIT */
/* death.c -- how long from a death to the return of a receive that waits: a behaviour's thread, an attached
 * thread, a child program.
 *
 * Prints lines `workload metric value unit`. Each is measured in turn with its limit, round by round: for the
 * threads a bare thread's last futex wake, and a pthread_join; for the program a bare poll on a pidfd. The clock
 * starts just before the last thing that the dying one does, or just before it is sent SIGKILL. */
#define _GNU_SOURCE
#include <liminal.h>

#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MOST_ROUNDS 10000

static int rounds = 300;
static _Atomic(double) began; /* when the death began */

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

/* So that whoever waits is asleep by then. */
static void settle(void)
{
    const struct timespec pause = {0, 300000};
    nanosleep(&pause, NULL);
}

static void must(liminal_status st)
{
    if (st != LIMINAL_OK) {
        fprintf(stderr, "bench_death: %s: %s\n", liminal_status_name(st), liminal_status_detail());
        exit(1);
    }
}

/* ---- limits ---- */

static _Atomic(unsigned) word;

static void *wake_and_leave(void *unused)
{
    (void)unused;
    settle();
    began = now_us();
    atomic_store(&word, 1);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return NULL;
}

static double limit_futex(void)
{
    pthread_t thread;
    double took;
    atomic_store(&word, 0);
    pthread_create(&thread, NULL, wake_and_leave, NULL);
    while (atomic_load(&word) == 0) {
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    took = now_us() - began;
    pthread_join(thread, NULL);
    return took;
}

static void *just_leave(void *unused)
{
    (void)unused;
    settle();
    began = now_us();
    return NULL;
}

static double limit_join(void)
{
    pthread_t thread;
    pthread_create(&thread, NULL, just_leave, NULL);
    pthread_join(thread, NULL);
    return now_us() - began;
}

static void *kill_it(void *pid)
{
    settle();
    began = now_us();
    kill((pid_t)*(int64_t *)pid, SIGKILL);
    return NULL;
}

static double limit_pidfd(void)
{
    extern char **environ;
    char *const argv[] = {"cat", NULL};
    struct pollfd fd = {.events = POLLIN};
    posix_spawn_file_actions_t actions;
    int ends[2];
    pthread_t thread;
    int64_t number;
    double took;
    pid_t pid;
    if (pipe(ends) != 0 || posix_spawn_file_actions_init(&actions) != 0) {
        exit(1);
    }
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    if (posix_spawnp(&pid, "cat", &actions, NULL, argv, environ) != 0) {
        exit(1);
    }
    posix_spawn_file_actions_destroy(&actions);
    number = pid;
    fd.fd = (int)syscall(SYS_pidfd_open, pid, 0);
    pthread_create(&thread, NULL, kill_it, &number);
    poll(&fd, 1, -1);
    took = now_us() - began;
    pthread_join(thread, NULL);
    waitpid(pid, NULL, 0);
    close(fd.fd);
    close(ends[0]);
    close(ends[1]);
    return took;
}

/* ---- deaths ---- */

static liminal_supervisor *house;

/* Wait for what never comes, until the death. */
static double until_told(liminal_conversation *talk)
{
    liminal_envelope *none = NULL;
    liminal_status st = liminal_conversation_receive(talk, &none, liminal_deadline_in_ms(10000));
    double took = now_us() - began;
    if (st != LIMINAL_EEXIT) {
        must(st != LIMINAL_OK ? st : LIMINAL_EINVAL);
    }
    liminal_conversation_drop(&talk);
    return took;
}

static liminal_status die(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self, (void)request, (void)out;
    settle();
    began = now_us();
    return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_ERROR, 1});
}
static const liminal_behaviour dying = {LIMINAL_OPS(liminal_behaviour), .answer = die};

static double death_of_behaviour(void)
{
    liminal_conversation *talk = NULL;
    liminal_envelope *last = NULL;
    must(liminal_supervisor_spawn_behaviour(house, &dying, NULL, LIMINAL_CRASH_FAIL, &talk));
    must(liminal_envelope_create("die", 3, NULL, &last));
    must(liminal_conversation_send(talk, &last, liminal_deadline_never()));
    return until_told(talk);
}

static liminal_conversation *spawn(const liminal_participant *participant)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *talk = NULL;
    must(liminal_supervisor_spawn(house, &config, &talk));
    return talk;
}

static liminal_pid attached;
static pthread_barrier_t met;

static void *attach_and_leave(void *unused)
{
    (void)unused;
    must(liminal_thread_attach(house, &attached));
    pthread_barrier_wait(&met);
    pthread_barrier_wait(&met);
    settle();
    began = now_us();
    return NULL;
}

static double death_of_thread(void)
{
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED};
    liminal_conversation *talk;
    pthread_t thread;
    double took;
    pthread_create(&thread, NULL, attach_and_leave, NULL);
    pthread_barrier_wait(&met);
    participant.pid = attached;
    talk = spawn(&participant);
    pthread_barrier_wait(&met);
    took = until_told(talk);
    pthread_join(thread, NULL);
    return took;
}

static double death_of_program(void)
{
    /* It says who it is, and becomes a program that waits. */
    static const char *const argv[] = {"sh", "-c", "echo $$; exec cat", NULL};
    const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = argv};
    const liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program};
    liminal_conversation *talk = spawn(&participant);
    liminal_envelope *said = NULL;
    pthread_t thread;
    int64_t number;
    double took;
    must(liminal_conversation_receive(talk, &said, liminal_deadline_in_ms(10000)));
    number = strtoll(liminal_envelope_text(said), NULL, 10);
    liminal_envelope_drop(&said);
    settle();
    pthread_create(&thread, NULL, kill_it, &number);
    took = until_told(talk);
    pthread_join(thread, NULL);
    return took;
}

/* ---- figures ---- */

static const struct measure {
    const char *name;
    double (*run)(void);
    int limit; /* the measure it is compared with; -1: it is one */
} measures[] = {
    {"bare-futex-wake", limit_futex, -1},  {"bare-pthread-join", limit_join, -1},
    {"bare-pidfd-poll", limit_pidfd, -1},  {"death-behaviour-thread", death_of_behaviour, 0},
    {"death-attached-thread", death_of_thread, 1}, {"death-program", death_of_program, 2},
};
#define MEASURES (sizeof measures / sizeof *measures)

static double taken[MEASURES][MOST_ROUNDS];

static int by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
    size_t i;
    int round;
    if (argc > 1) {
        rounds = atoi(argv[1]);
    }
    if (rounds < 1 || rounds > MOST_ROUNDS) {
        fprintf(stderr, "bench_death [ROUNDS], at most %d\n", MOST_ROUNDS);
        return 2;
    }
    pthread_barrier_init(&met, NULL, 2);
    must(liminal_supervisor_open(NULL, &house));
    for (round = 0; round < rounds; round++) {
        for (i = 0; i < MEASURES; i++) {
            taken[i][round] = measures[i].run();
        }
    }
    for (i = 0; i < MEASURES; i++) {
        qsort(taken[i], (size_t)rounds, sizeof taken[i][0], by_size);
        printf("%s median %.1f us\n", measures[i].name, taken[i][rounds / 2]);
        printf("%s p99 %.1f us\n", measures[i].name, taken[i][rounds * 99 / 100]);
        if (measures[i].limit >= 0) {
            printf("%s ratio %.2f x of %s\n", measures[i].name,
                   taken[i][rounds / 2] / taken[measures[i].limit][rounds / 2], measures[measures[i].limit].name);
        }
    }
    must(liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(10000)));
    return 0;
}

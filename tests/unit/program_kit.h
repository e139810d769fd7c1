/* SPDX-License-Identifier: MIT */
/* program_kit.h -- what the tests of child programs share. A test that fails kills what it started. */
#ifndef TEST_PROGRAM_KIT_H
#define TEST_PROGRAM_KIT_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "support/harness.h"

#include <liminal.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <dirent.h>
#include <unistd.h>

#define MS ((int64_t)1000000)
#define LONG liminal_deadline_in_ms(15000) /* comes only where something hangs */
#define SOON liminal_deadline_in_ms(150)   /* passes while nothing can come */

#define PROGRAM_TEST(fn) cmocka_unit_test_setup_teardown(fn, test_setup, kit_teardown)

/* ---- a supervisor, and what is left of it if a test fails ---- */

static liminal_supervisor *house;

/* The children of this process, by their numbers, as far as there is room; how many there are. */
static inline size_t children(pid_t *out, size_t room)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *task;
    size_t count = 0;
    assert_non_null(tasks);
    while ((task = readdir(tasks)) != NULL) {
        char path[300];
        long pid;
        FILE *file;
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/children", task->d_name);
        file = fopen(path, "re");
        while (file != NULL && fscanf(file, "%ld", &pid) == 1) {
            if (count < room) {
                out[count] = (pid_t)pid;
            }
            count++;
        }
        if (file != NULL) {
            (void)fclose(file);
        }
    }
    (void)closedir(tasks);
    return count;
}

/* The only child that there is. */
static inline pid_t only_child(void)
{
    pid_t pid = 0;
    assert_int_equal(children(&pid, 1), 1);
    return pid;
}

/* Not even one that has ended and was not waited for. Reaps none. */
static inline bool no_child(void)
{
    siginfo_t info;
    return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) != 0 && errno == ECHILD;
}

static inline int kit_teardown(void **state)
{
    if (house != NULL) { /* the test has failed */
        pid_t pids[256];
        size_t count = children(pids, 256);
        for (size_t i = 0; i < count && i < 256; i++) {
            (void)kill(pids[i], SIGKILL);
        }
        if (liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(5000)) != LIMINAL_OK) {
            print_error("kit: the shutdown after a failure: %s\n", liminal_status_detail());
            house = NULL;
        }
    }
    return test_teardown(state);
}

static inline void open_house_with(size_t idle_threads)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .idle_threads = idle_threads};
    house = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &house), LIMINAL_OK);
}

static inline void open_house(void)
{
    open_house_with(0);
}

static inline void shut_house(void)
{
    liminal_report report;
    liminal_status status = liminal_supervisor_shutdown(&house, &report, LONG);
    assert_int_equal(status, LIMINAL_OK);
    assert_int_equal(report.running, 0);
    assert_true(no_child());
}

static inline void shut(liminal_conversation **talk)
{
    liminal_conversation_drop(talk);
    shut_house();
}

/* ---- programs ---- */

/* They live as long as the block they stand in. */
#define ARGV(...) ((const char *const[]){__VA_ARGS__, NULL})
#define SH(...) ARGV("sh", "-c", __VA_ARGS__) /* the script, then its $0, $1, ... */

static inline liminal_program program_of(const char *const *argv)
{
    return (liminal_program){LIMINAL_OPS(liminal_program), .argv = argv};
}

static inline liminal_participant participant_of(const liminal_program *program, const char *name)
{
    return (liminal_participant){.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = program, .name = name};
}

static inline liminal_config config_of(const liminal_participant *participants, size_t count)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .participants = participants, .participant_count = count,
                            .on_crash = LIMINAL_CRASH_FAIL};
}

static inline liminal_conversation *spawn(const liminal_config *config)
{
    liminal_conversation *talk = NULL;
    if (liminal_supervisor_spawn(house, config, &talk) != LIMINAL_OK) {
        fail_msg("spawn: %s", liminal_status_detail());
    }
    return talk;
}

static inline liminal_conversation *spawn_program(const liminal_program *program, void *self)
{
    liminal_participant participant = participant_of(program, "program");
    liminal_config config = config_of(&participant, 1);
    participant.self = self;
    return spawn(&config);
}

/* With all defaults. */
static inline liminal_conversation *spawn_argv(const char *const *argv)
{
    liminal_program program = program_of(argv);
    return spawn_program(&program, NULL);
}

/* ---- what is said ---- */

/* On any thread. */
static inline liminal_envelope *bytes(const void *data, size_t size)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create(data, size, &options, &envelope) == LIMINAL_OK);
    return envelope;
}

static inline liminal_envelope *note(const char *text)
{
    return bytes(text, strlen(text));
}

static inline void put(liminal_conversation *talk, const char *text)
{
    liminal_envelope *message = note(text);
    liminal_status status = liminal_conversation_send(talk, &message, LONG);
    liminal_envelope_drop(&message);
    assert_int_equal(status, LIMINAL_OK);
}

static inline void is_text(liminal_envelope **envelope, const char *text)
{
    bool same = liminal_envelope_size(*envelope) == strlen(text) &&
                memcmp(liminal_envelope_data(*envelope), text, strlen(text)) == 0;
    if (!same) {
        print_error("kit: '%.100s' instead of '%.100s'\n", liminal_envelope_text(*envelope), text);
    }
    liminal_envelope_drop(envelope);
    assert_true(same);
}

static inline void get(liminal_conversation *talk, const char *text)
{
    liminal_envelope *reply = NULL;
    liminal_status status = liminal_conversation_receive(talk, &reply, LONG);
    assert_int_equal(status, LIMINAL_OK);
    is_text(&reply, text);
}

static inline void get_number(liminal_conversation *talk, size_t number)
{
    char text[32];
    (void)snprintf(text, sizeof text, "%zu", number);
    get(talk, text);
}

static inline void get_fails(liminal_conversation *talk, liminal_deadline deadline, liminal_status status)
{
    liminal_envelope *reply = NULL;
    liminal_status got = liminal_conversation_receive(talk, &reply, deadline);
    liminal_envelope_drop(&reply);
    assert_int_equal(got, status);
}

/* On any thread. *out may be unwanted (NULL). */
static inline liminal_status ask_until(liminal_conversation *talk, const char *text, liminal_envelope **out,
                                       liminal_deadline deadline)
{
    liminal_envelope *request = note(text), *reply = NULL;
    liminal_status status = liminal_conversation_ask(talk, &request, &reply, deadline);
    (void)test_check((reply != NULL) == (status == LIMINAL_OK));
    liminal_envelope_drop(&request);
    if (out != NULL) {
        *out = reply;
    } else {
        liminal_envelope_drop(&reply);
    }
    return status;
}

static inline void ask_gives(liminal_conversation *talk, const char *text, const char *answer)
{
    liminal_envelope *reply = NULL;
    liminal_status status = ask_until(talk, text, &reply, LONG);
    if (status != LIMINAL_OK) {
        print_error("kit: '%.100s': %s\n", text, liminal_status_detail());
    }
    assert_int_equal(status, LIMINAL_OK);
    is_text(&reply, answer);
}

static inline void ask_fails(liminal_conversation *talk, const char *text, liminal_deadline deadline,
                             liminal_status status)
{
    assert_int_equal(ask_until(talk, text, NULL, deadline), status);
}

/* Ask what is not answered before the deadline, but begun. If the time was not enough for that, twice as much is tried.
 * Gives how often it was not begun. */
static inline size_t ask_in_vain(liminal_conversation *talk, const char *text)
{
    size_t before = 0;
    for (uint32_t ms = 50;; ms *= 2, before++) {
        liminal_envelope *request = note(text), *reply = NULL;
        liminal_status status = liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(ms));
        bool begun = request == NULL;
        liminal_envelope_drop(&request);
        liminal_envelope_drop(&reply);
        assert_int_equal(status, LIMINAL_ETIMEDOUT);
        if (begun) {
            return before;
        }
    }
}

/* ---- what has become of it ---- */

static inline liminal_participant_status member(liminal_conversation *talk, size_t index)
{
    liminal_participant_status status = {.alive = false};
    liminal_snapshot *snapshot = NULL;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, LONG), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_participant(snapshot, index, &status), LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    status.name = NULL; /* borrowed */
    return status;
}

static inline liminal_summary look(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_summary summary;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, LONG), LIMINAL_OK);
    summary = liminal_snapshot_read(snapshot);
    summary.name = summary.cause_text = NULL; /* borrowed */
    liminal_snapshot_drop(&snapshot);
    return summary;
}

static inline liminal_pid pid_of(liminal_conversation *talk, size_t index)
{
    return member(talk, index).pid;
}

/* Wait for the exit of a participant, and see how it ended. */
static inline liminal_exit ends(liminal_pid pid, liminal_exit_kind kind, int code)
{
    liminal_exit exit = {.pid = {0}};
    assert_int_equal(liminal_process_wait(house, pid, &exit, LONG), LIMINAL_OK);
    if (exit.reason.kind != kind || exit.reason.code != code) {
        fail_msg("it ended with %s", liminal_exit_describe(exit.reason).text);
    }
    return exit;
}

/* ---- a latch: a program that reads a line from the file $0 waits until it is opened ---- */

typedef struct latch {
    char folder[64], path[80];
    int fd;
} latch;

static inline void latch_make(latch *l)
{
    (void)snprintf(l->folder, sizeof l->folder, "/tmp/liminal-test-XXXXXX");
    assert_non_null(mkdtemp(l->folder));
    (void)snprintf(l->path, sizeof l->path, "%s/latch", l->folder);
    assert_int_equal(mkfifo(l->path, 0600), 0);
    l->fd = open(l->path, O_RDWR | O_CLOEXEC);
    assert_true(l->fd >= 0);
}

static inline void latch_open(const latch *l)
{
    assert_int_equal(write(l->fd, "go\n", 3), 3);
}

static inline void latch_remove(latch *l)
{
    (void)close(l->fd);
    (void)unlink(l->path);
    (void)rmdir(l->folder);
}

#endif

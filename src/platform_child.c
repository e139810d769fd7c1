/* SPDX-License-Identifier: MIT */
/* platform_child.c -- the treaty's second part, on POSIX: starting a program. The contract stands in
 * platform_process.h.
 *
 * All ends of the pipes are close-on-exec from birth, so that no program that another thread of the host starts
 * at that moment gets them, and none is 0, 1 or 2. The new program's ends of its pipes reach it by
 * dup2() alone, which leaves the mark off. O_NONBLOCK belongs to one end of a pipe: ours; the program's end
 * blocks, as programs expect. */
#define _GNU_SOURCE

#include "platform_call.h"

#include "detail.h"
#include "memory.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <unistd.h>

#if defined(__GLIBC__) && !__GLIBC_PREREQ(2, 29)
#define NO_ADDCHDIR 1
#endif

/* ---- environment ---- */

#define TRACEPARENT "TRACEPARENT="

typedef struct surroundings {
    char **list; /* what the program gets */
    void *memory; /* of the list, and of the text at its end; NULL: nothing had to be made */
    size_t bytes;
} surroundings;

static bool is_traceparent(const char *entry)
{
    return strncmp(entry, TRACEPARENT, sizeof TRACEPARENT - 1) == 0;
}

static bool lay_surroundings(surroundings *s, const limi_child_plan *plan)
{
    static const char *const nothing[] = {NULL};
    const char *const *from = plan->environment != NULL ? plan->environment : (const char *const *)environ;
    size_t count = 0, kept = 0, text_bytes;
    char *text;
    from = from != NULL ? from : nothing; /* the host has called clearenv() */
    *s = (surroundings){.list = (char **)(uintptr_t)from};
    if (plan->traceparent == NULL) {
        return true;
    }
    while (from[count] != NULL) {
        count++;
    }
    text_bytes = sizeof TRACEPARENT + strlen(plan->traceparent);
    s->bytes = (count + 2) * sizeof *s->list + text_bytes;
    s->memory = limi_allocate(plan->allocator, s->bytes);
    if (s->memory == NULL) {
        return false;
    }
    s->list = s->memory;
    for (size_t i = 0; i < count && from[i] != NULL; i++) {
        if (!is_traceparent(from[i])) {
            s->list[kept++] = (char *)(uintptr_t)from[i];
        }
    }
    text = (char *)(s->list + count + 2);
    memcpy(text, TRACEPARENT, sizeof TRACEPARENT - 1);
    memcpy(text + sizeof TRACEPARENT - 1, plan->traceparent, strlen(plan->traceparent) + 1);
    s->list[kept++] = text;
    s->list[kept] = NULL;
    return true;
}

/* ---- starting ---- */

/* Both ends of the three pipes; -1: none. */
typedef struct pipes {
    int in[2], out[2], err[2];
} pipes;

static void close_pipes(pipes *p)
{
    for (size_t i = 0; i < 2; i++) {
        limi_descriptor_discard(&p->in[i]);
        limi_descriptor_discard(&p->out[i]);
        limi_descriptor_discard(&p->err[i]);
    }
}

static bool make_ours(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0;
}

static bool open_pipes(pipes *p, bool with_err)
{
    return limi_pipe_open(p->in) && make_ours(p->in[1]) && limi_pipe_open(p->out) && make_ours(p->out[0]) &&
           (!with_err || (limi_pipe_open(p->err) && make_ours(p->err[0])));
}

/* What happens in the new process before the program begins. Returns an error number. */
static int plan_actions(posix_spawn_file_actions_t *actions, const limi_child_plan *plan, const pipes *p)
{
    int failed = posix_spawn_file_actions_adddup2(actions, p->in[0], STDIN_FILENO);
    if (failed == 0) {
        failed = posix_spawn_file_actions_adddup2(actions, p->out[1], STDOUT_FILENO);
    }
    if (failed == 0 && plan->own_stderr) {
        failed = posix_spawn_file_actions_adddup2(actions, p->err[1], STDERR_FILENO);
    } else if (failed == 0 && (plan->stderr_away || fcntl(STDERR_FILENO, F_GETFD) < 0)) {
        failed = posix_spawn_file_actions_addopen(actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    }
    if (failed == 0 && plan->directory != NULL) {
#ifdef NO_ADDCHDIR
        failed = ENOSYS;
#else
        failed = posix_spawn_file_actions_addchdir_np(actions, plan->directory);
#endif
    }
    return failed;
}

static int plan_attributes(posix_spawnattr_t *attributes)
{
    sigset_t none, defaults;
    int failed;
    (void)sigemptyset(&none);
    (void)sigemptyset(&defaults);
    (void)sigaddset(&defaults, SIGPIPE);
    (void)sigaddset(&defaults, SIGCHLD); /* ignored in the host, it would hide the program's own children from it */
    failed = posix_spawnattr_setsigmask(attributes, &none);
    if (failed == 0) {
        failed = posix_spawnattr_setsigdefault(attributes, &defaults);
    }
    if (failed == 0) {
        failed = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    }
    return failed;
}

static int spawn(pid_t *out, const limi_child_plan *plan, const pipes *p, char *const *environment)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&actions);
    if (failed != 0) {
        return failed;
    }
    failed = posix_spawnattr_init(&attributes);
    if (failed == 0) {
        failed = plan_actions(&actions, plan, p);
        if (failed == 0) {
            failed = plan_attributes(&attributes);
        }
        if (failed == 0) {
            failed = posix_spawnp(out, plan->argv[0], &actions, &attributes, (char *const *)(uintptr_t)plan->argv,
                                  environment);
        }
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return failed;
}

/* strerror() is not for programs with threads. */
static const char *text_of(int error)
{
    switch (error) {
    case ENOENT: return "no such file or directory";
    case EACCES: return "permission denied";
    case ENOEXEC: return "not a program of this system";
    case ENOTDIR: return "a part of the path is not a directory";
    case ELOOP: return "too many symbolic links";
    case ENAMETOOLONG: return "the name is too long";
    case EISDIR: return "it is a directory";
    case ETXTBSY: return "it is open for writing";
    case EPERM: return "not permitted";
    case E2BIG: return "arguments and environment are too long";
    case EAGAIN: return "the system gives no process";
    case EMFILE:
    case ENFILE: return "the system gives no descriptor";
    case ENOSYS: return "not possible on this system";
    default: return "the system refuses it";
    }
}

static liminal_status refused(const limi_child_plan *plan, int error)
{
    const char *in = plan->directory != NULL ? " in " : "";
    const char *directory = plan->directory != NULL ? plan->directory : "";
    liminal_status st = LIMINAL_ENOPROC; /* whatever it is, it is about this program */
    if (error == ENOMEM) {
        st = LIMINAL_ENOMEM;
    } else if (error == EMFILE || error == ENFILE || error == EAGAIN || error == E2BIG || error == ENOSYS) {
        st = LIMINAL_ELIMIT;
    }
    return limi_detail(st, "can't start %.100s%s%.60s: %s (error %d)", plan->argv[0], in, directory, text_of(error),
                       error);
}

static liminal_status start(const limi_child_plan *plan, pipes *p, limi_child *out)
{
    surroundings around;
    pid_t pid = 0;
    int failed;
    if (!open_pipes(p, plan->own_stderr)) {
        return limi_descriptor_refused("the pipes to a program");
    }
    if (!lay_surroundings(&around, plan)) {
        return LIMINAL_ENOMEM;
    }
    failed = spawn(&pid, plan, p, around.list);
    limi_release(plan->allocator, around.memory, around.bytes);
    if (failed != 0) {
        return refused(plan, failed);
    }
    *out = (limi_child){.os_pid = pid, .in = p->in[1], .out = p->out[0], .err = p->err[0]};
    p->in[1] = p->out[0] = p->err[0] = -1;
    return LIMINAL_OK;
}

liminal_status limi_child_start(const limi_child_plan *plan, limi_child *out)
{
    limi_aside aside = limi_aside_begin();
    pipes p = {{-1, -1}, {-1, -1}, {-1, -1}};
    liminal_status st = start(plan, &p, out);
    close_pipes(&p);
    limi_aside_end(aside);
    return st;
}

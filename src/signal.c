/* SPDX-License-Identifier: MIT */
/* signal.c -- exit signals, kills, and who traps exits. */
#include "detail.h"
#include "process.h"
#include "supervisor.h"

/* False: it traps, and there is no message to tell it with. */
static bool signal_locked(liminal_supervisor *supervisor, liminal_pid to, const liminal_exit *exit,
                          limi_message **message, limi_reached *out) LIMI_REQUIRES(supervisor->lock)
{
    limi_process *process = limi_process_find_alive(supervisor, to);
    if (process == NULL || process->kind->immune) {
        return true;
    }
    if (process->traps && *message == NULL) {
        return false;
    }
    if (!process->traps && exit->pid.value == to.value) { /* its own wish, also a normal one */
        (void)limi_process_mark_locked(supervisor, process, exit->reason,
                                       (limi_instant){exit->seen.unix_ns, exit->seen_ns.ns});
        process->kind->ref(process);
        out->dead = process;
        return true;
    }
    limi_process_reach(supervisor, process, exit, *message, out);
    *message = NULL;
    return true;
}

liminal_status liminal_process_signal(liminal_supervisor *supervisor, liminal_pid from, liminal_pid to,
                                      liminal_exit_reason reason)
{
    liminal_status st = limi_supervisor_check(supervisor);
    const limi_instant now = limi_clock_both();
    liminal_exit exit = {from, reason, {now.wall}, {now.monotonic}};
    limi_reached reached = {NULL, NULL, NULL, NULL};
    limi_message *message = NULL;
    bool done;
    if (st != LIMINAL_OK) {
        return st;
    }
    if (reason.kind < LIMINAL_EXIT_NORMAL || reason.kind > LIMINAL_EXIT_UNKNOWN) {
        return limi_detail(LIMINAL_EINVAL, "reason.kind: %d is not an exit kind", (int)reason.kind);
    }
    for (done = false; !done;) {
        limi_mutex_lock(&supervisor->lock);
        done = signal_locked(supervisor, to, &exit, &message, &reached);
        limi_mutex_unlock(&supervisor->lock);
        if (!done && (message = limi_message_create(supervisor)) == NULL) {
            return LIMINAL_ENOMEM;
        }
    }
    limi_message_drop(supervisor, message);
    limi_reached_tell(supervisor, &reached);
    if (reached.dead != NULL) {
        limi_process_mourn_held(supervisor, reached.dead);
    }
    return LIMINAL_OK;
}

/* With a share, which this takes. */
static liminal_status kill_held(liminal_supervisor *supervisor, limi_process *process)
{
    if (process->kind->kill != NULL) {
        return process->kind->kill(process);
    }
    if (limi_process_mark(supervisor, process, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0}, limi_clock_both())) {
        limi_process_mourn_held(supervisor, process);
    } else {
        process->kind->unref(process);
    }
    return LIMINAL_OK;
}

liminal_status liminal_process_kill(liminal_supervisor *supervisor, liminal_pid pid)
{
    liminal_status st = limi_supervisor_check(supervisor);
    limi_process *process;
    bool immune;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    process = limi_process_find_alive(supervisor, pid);
    immune = process != NULL && process->kind->immune;
    if (process != NULL && !immune) {
        process->kind->ref(process);
    }
    limi_mutex_unlock(&supervisor->lock);
    if (immune) {
        return limi_detail(LIMINAL_EINVAL, "process %llu is an OS process that is only watched",
                           (unsigned long long)pid.value);
    }
    return process != NULL ? kill_held(supervisor, process) : LIMINAL_OK;
}

liminal_status liminal_process_trap(liminal_supervisor *supervisor, liminal_pid pid, bool trap)
{
    liminal_status st = limi_supervisor_check(supervisor);
    limi_process *process;
    if (st != LIMINAL_OK) {
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    process = limi_process_find_alive(supervisor, pid);
    if (process == NULL) {
        st = LIMINAL_ENOPROC;
    } else if ((process->kind->told == NULL && process->kind->deliver == NULL) || process->kind->always_traps) {
        st = LIMINAL_EINVAL;
    } else {
        process->traps = trap;
    }
    limi_mutex_unlock(&supervisor->lock);
    if (st == LIMINAL_EINVAL) {
        return limi_detail(st, "process %llu: whether it traps exits can't be changed", (unsigned long long)pid.value);
    }
    return st == LIMINAL_OK ? st : limi_detail(st, "no process %llu lives here", (unsigned long long)pid.value);
}

/* SPDX-License-Identifier: MIT */
/* wait.c -- who waits for whom, and waiting for an exit.
 *
 * A participant whose behaviour waits for a conversation has an edge to it, waits_on; a conversation
 * has one to the participant that its messages go to now. The edges are set and followed under one
 * lock per supervisor, so of the waits that would close a cycle the last one sees all the others, and
 * is refused. Only waits from inside a callback come here; those of exit notices and collectors have no
 * edges, and where they could close a cycle they do not wait. A conversation at the end of an
 * edge is alive: who waits holds a handle on it. */
#include "wait.h"

#include "adopted.h"
#include "detail.h"
#include "scope.h"

bool limi_wait_is_inside(const limi_talk *talk)
{
    const limi_frame *frame;
    for (frame = limi_scope_here()->frame; frame != NULL; frame = frame->outer) {
        const limi_participant *p = frame->participant;
        if (frame->turn == talk || (p != NULL && p->talk == talk)) {
            return true;
        }
    }
    return false;
}

bool limi_wait_is_turn(const limi_talk *talk)
{
    const limi_frame *frame;
    for (frame = limi_scope_here()->frame; frame != NULL; frame = frame->outer) {
        if (frame->turn == talk) {
            return true;
        }
    }
    return false;
}

bool limi_wait_is_callback(void)
{
    const limi_frame *frame = limi_scope_here()->frame;
    return frame != NULL && frame->participant == NULL;
}

/* Whether `p` is one of those whose behaviour this thread is running. */
static bool is_mine(const limi_participant *p)
{
    const limi_frame *frame;
    for (frame = limi_scope_here()->frame; frame != NULL; frame = frame->outer) {
        if (frame->participant == p) {
            return true;
        }
    }
    return false;
}

static bool comes_back(limi_talk *talk)
{
    while (talk != NULL) {
        uint32_t target = limi_u32_load(&talk->target);
        if (target >= talk->participant_count) {
            return false;
        }
        if (is_mine(&talk->participants[target])) {
            return true;
        }
        talk = talk->participants[target].waits_on;
    }
    return false;
}

static void mark(const liminal_supervisor *supervisor, limi_talk *waits_on)
{
    limi_frame *frame;
    for (frame = limi_scope_here()->frame; frame != NULL; frame = frame->outer) {
        limi_participant *p = frame->participant;
        if (p != NULL && p->talk->supervisor == supervisor) {
            p->waits_on = waits_on;
        }
    }
}

liminal_status limi_wait_enter(limi_talk *talk)
{
    liminal_supervisor *supervisor = talk->supervisor;
    bool cycle;
    if (limi_scope_here()->frame == NULL) {
        return LIMINAL_OK;
    }
    if (limi_wait_is_inside(talk)) {
        return limi_detail(LIMINAL_EDEADLK, "the caller is inside this conversation's own participant or turn");
    }
    limi_mutex_lock(&supervisor->waits);
    cycle = comes_back(talk);
    if (!cycle) {
        mark(supervisor, talk);
    }
    limi_mutex_unlock(&supervisor->waits);
    return cycle ? limi_detail(LIMINAL_EDEADLK, "the conversation waits for the caller, round a cycle") : LIMINAL_OK;
}

void limi_wait_leave(limi_talk *talk)
{
    if (limi_scope_here()->frame != NULL) {
        limi_mutex_lock(&talk->supervisor->waits);
        mark(talk->supervisor, NULL);
        limi_mutex_unlock(&talk->supervisor->waits);
    }
}

/* ---- waiting for an exit ---- */

bool liminal_process_alive(liminal_supervisor *supervisor, liminal_pid pid)
{
    const limi_process *process;
    bool alive;
    if (supervisor == NULL || limi_supervisor_here(supervisor) != LIMINAL_OK) {
        return false;
    }
    limi_mutex_lock(&supervisor->lock);
    process = limi_registry_find(supervisor, pid);
    alive = process != NULL && !process->dead;
    limi_mutex_unlock(&supervisor->lock);
    return alive;
}

liminal_status liminal_process_notify(liminal_supervisor *supervisor, liminal_pid pid,
                                      void (*notify)(void *self, const liminal_exit *exit), void *self,
                                      liminal_notice **out)
{
    liminal_status st;
    if (supervisor == NULL || notify == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", supervisor == NULL ? "supervisor" : "notify");
    }
    st = limi_supervisor_here(supervisor);
    return st != LIMINAL_OK ? st : limi_notice_arm(supervisor, pid, notify, self, false, out);
}

typedef struct exit_wait {
    limi_waiter waiter;
    liminal_exit exit;
} exit_wait;

static void note_exit(void *self, const liminal_exit *exit)
{
    exit_wait *wait = self;
    wait->exit = *exit;
    limi_waiter_done(&wait->waiter);
}

/* Whether the process can't end before this thread is out of what it is inside of: it is its behaviour
 * or its turn, or an inline participant of a turn that this thread is running; or it is attached as that
 * process; or it is the one that would see that OS process end. */
static bool is_inside_process(liminal_supervisor *supervisor, liminal_pid pid)
{
    const limi_process *process;
    bool inside = false;
    if (supervisor == NULL || limi_supervisor_here(supervisor) != LIMINAL_OK) {
        return false;
    }
    limi_mutex_lock(&supervisor->lock);
    process = limi_registry_find(supervisor, pid);
    if (process != NULL && process->kind == &limi_life_kind) {
        inside = !process->dead && limi_wait_is_turn(process->talk);
    } else if (process != NULL && process->talk != NULL) {
        const limi_participant *p = LIMI_HOLDER(process, limi_participant, process);
        bool in_my_turn = p->kind == LIMINAL_PARTICIPANT_INLINE && limi_wait_is_turn(p->talk);
        inside = !process->dead && (is_mine(p) || in_my_turn);
    } else if (process != NULL && process->kind == &limi_attached_kind) {
        inside = !process->dead && limi_attached_is_here(process);
    } else if (process != NULL) {
        inside = !process->dead && limi_watcher_is_here(supervisor);
    }
    limi_mutex_unlock(&supervisor->lock);
    return inside;
}

liminal_status liminal_process_wait(liminal_supervisor *supervisor, liminal_pid pid, liminal_exit *out,
                                    liminal_deadline deadline)
{
    exit_wait wait;
    liminal_notice *notice = NULL;
    liminal_status st;
    bool seen;
    if (out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "out: NULL");
    }
    if (is_inside_process(supervisor, pid)) {
        return limi_detail(LIMINAL_EDEADLK, "the caller is inside process %llu", (unsigned long long)pid.value);
    }
    limi_waiter_init(&wait.waiter);
    st = liminal_process_notify(supervisor, pid, note_exit, &wait, &notice);
    if (st == LIMINAL_OK) {
        (void)limi_waiter_wait(&wait.waiter, NULL, deadline.ns);
        /* Whoever is inside note_exit() is using `wait`: the cancel returns after that. */
        st = liminal_notice_cancel(&notice, liminal_deadline_never());
        seen = limi_waiter_is_done(&wait.waiter);
        if (seen) {
            *out = wait.exit;
        } else if (st == LIMINAL_OK) {
            st = limi_detail(LIMINAL_ETIMEDOUT, "process %llu had not exited", (unsigned long long)pid.value);
        }
    }
    limi_waiter_destroy(&wait.waiter);
    return st;
}

/* SPDX-License-Identifier: MIT */
/* shutdown.c -- the end of a supervisor: tell everyone, wait for the threads, say who is left.
 *
 * What it waits for, the threads that live, are idle or are leaving, only falls under the lock; who makes it fall to
 * where a wait ends, and sees `closing`, counts `changed` up and unparks. The shutdown has set that under the lock,
 * reads `changed` before it looks and parks on what it read: that fall is not missed. (A thread becomes idle only where
 * it sees no `closing`, and one that was kept for nothing was counted before.)
 *
 * First all conversations end, and their threads; then what was adopted is let go. So who still has something to
 * finish does not see an attached thread or an OS process die before. */
#include "adopted.h"
#include "detail.h"
#include "scope.h"
#include "supervisor.h"
#include "talk.h"

#include <stdio.h>

static bool is_inside(const liminal_supervisor *supervisor)
{
    const limi_frame *frame;
    for (frame = limi_scope_here()->frame; frame != NULL; frame = frame->outer) {
        if (frame->supervisor == supervisor) {
            return true;
        }
    }
    return false;
}

/* The next conversation that was not told yet, with a share of it; NULL: none. */
static limi_talk *next_to_tell(liminal_supervisor *supervisor)
{
    limi_talk *found = NULL;
    limi_mutex_lock(&supervisor->lock);
    supervisor->closing = true;
    while (found == NULL && !limi_list_empty(&supervisor->talks)) {
        limi_talk *talk = LIMI_HOLDER(limi_list_pop(&supervisor->talks), limi_talk, siblings);
        limi_list_append(&supervisor->told, &talk->siblings);
        if (limi_talk_try_ref(talk)) { /* else it is being freed right now */
            found = talk;
            supervisor->closed_by_shutdown += !talk->over && !talk->told;
            talk->told = true;
        }
    }
    limi_mutex_unlock(&supervisor->lock);
    return found;
}

/* Of several deadlines the earliest counts: what a shutdown that was late has begun to end is not spared by the
 * next one. */
static void hurry(limi_talk *talk, liminal_deadline deadline)
{
    uint64_t seen = limi_u64_load(&talk->hurry_ns);
    uint32_t i;
    while ((int64_t)seen > deadline.ns && !limi_u64_cas(&talk->hurry_ns, &seen, (uint64_t)deadline.ns)) {
    }
    for (i = 0; i < talk->participant_count; i++) {
        if (talk->participants[i].kind == LIMINAL_PARTICIPANT_PROGRAM) {
            limi_participant_ring(&talk->participants[i], LIMI_RING_HURRY);
        }
    }
}

/* Programs need some of the time as well, to end after the conversation has: their patience, or half of it. */
static liminal_deadline close_by(const limi_talk *talk, liminal_deadline deadline)
{
    int64_t half = liminal_deadline_remaining_ns(deadline) / 2, needed = 0;
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        const limi_participant *p = &talk->participants[i];
        int64_t patience = limi_participant_has_thread(p) ? p->engine->patience_ns : 0;
        needed = patience > needed ? patience : needed;
    }
    if (deadline.ns != INT64_MAX) {
        deadline.ns -= needed < half ? needed : half;
    }
    return deadline;
}

static void tell_everyone(liminal_supervisor *supervisor, liminal_deadline deadline)
{
    limi_talk *talk;
    limi_mutex_lock(&supervisor->lock);
    limi_list_splice(&supervisor->talks, &supervisor->told); /* again: with a new deadline */
    limi_mutex_unlock(&supervisor->lock);
    while ((talk = next_to_tell(supervisor)) != NULL) {
        hurry(talk, deadline);
        limi_talk_close_quietly(talk, close_by(talk, deadline));
        limi_talk_pass_deadline(talk); /* its own thread may be inside an inline behaviour */
        limi_talk_unref(talk);
    }
}

/* How many have still to leave before the next step. */
static size_t conversations_left(liminal_supervisor *supervisor)
{
    size_t threads;
    limi_mutex_lock(&supervisor->lock);
    limi_pool_trim(supervisor);
    threads = supervisor->census.threads + supervisor->pool.leaving + supervisor->pool.idle_count -
              (supervisor->watcher != NULL);
    limi_mutex_unlock(&supervisor->lock);
    return threads;
}

static size_t adopted_left(liminal_supervisor *supervisor)
{
    size_t left;
    limi_watcher_dismiss(supervisor);
    limi_attached_detach_all(supervisor);
    limi_mutex_lock(&supervisor->lock);
    left = supervisor->census.threads + supervisor->held;
    limi_mutex_unlock(&supervisor->lock);
    return left;
}

static bool wait_for(liminal_supervisor *supervisor, size_t (*left)(liminal_supervisor *supervisor),
                     liminal_deadline deadline)
{
    bool in_time = true;
    for (;;) {
        uint32_t seen = limi_u32_load(&supervisor->changed.value);
        size_t now_left = left(supervisor);
        if (now_left == 0 || !in_time) {
            return now_left == 0;
        }
        in_time = limi_park(&supervisor->changed, seen, deadline.ns);
    }
}

static void note_straggler(liminal_report *report, liminal_pid pid, const char *name)
{
    if (report->running < LIMINAL_STRAGGLERS) {
        liminal_straggler *straggler = &report->stragglers[report->running];
        straggler->pid = pid;
        (void)snprintf(straggler->name, sizeof straggler->name, "%s", name);
    }
    report->running++;
}

static void note_stragglers(liminal_report *report, const limi_talk *talk)
{
    const char *name = limi_talk_name(talk);
    uint32_t i;
    if (limi_u32_load(&talk->undoing) != 0) {
        note_straggler(report, talk->life->process.exit.pid, name[0] != '\0' ? name : "compensation");
    }
    for (i = 0; i < talk->participant_count; i++) {
        const limi_participant *p = &talk->participants[i];
        if (limi_u32_load(&p->gone) == 0 && p->kind != LIMINAL_PARTICIPANT_WATCHED) {
            note_straggler(report, p->process.exit.pid, limi_talk_name_of(p));
        }
    }
}

static void fill(liminal_supervisor *supervisor, liminal_report *report)
{
    const limi_list *node;
    limi_mutex_lock(&supervisor->lock);
    report->conversations = supervisor->closed_by_shutdown;
    report->threads = supervisor->joined;
    for (node = supervisor->told.next; node != &supervisor->told; node = node->next) {
        const limi_talk *talk = LIMI_HOLDER(node, limi_talk, siblings);
        report->handles += talk->has_handle;
        note_stragglers(report, talk);
    }
    limi_mutex_unlock(&supervisor->lock);
}

static bool take_ended(liminal_supervisor *supervisor, limi_thread *out)
{
    bool any;
    limi_mutex_lock(&supervisor->lock);
    any = supervisor->ended_count > 0;
    if (any) {
        *out = supervisor->ended[supervisor->ended_first];
        supervisor->ended_first = (supervisor->ended_first + 1) % LIMI_UNJOINED_MOST;
        supervisor->ended_count--;
    }
    limi_mutex_unlock(&supervisor->lock);
    return any;
}

static void join_last(liminal_supervisor *supervisor)
{
    limi_thread ended;
    while (take_ended(supervisor, &ended)) {
        limi_thread_join(ended);
    }
}

liminal_status liminal_supervisor_shutdown(liminal_supervisor **supervisor, liminal_report *out,
                                           liminal_deadline deadline)
{
    liminal_report report = {.running = 0};
    bool done;
    if (supervisor == NULL) {
        return limi_detail(LIMINAL_EINVAL, "supervisor: NULL");
    }
    if (out != NULL) {
        *out = report;
    }
    if (*supervisor == NULL) {
        return LIMINAL_OK;
    }
    if (limi_supervisor_here(*supervisor) != LIMINAL_OK) {
        *supervisor = NULL;
        return LIMINAL_EFORKED;
    }
    if (is_inside(*supervisor)) {
        return limi_detail(LIMINAL_EDEADLK, "the caller is inside a callback of this supervisor");
    }
    tell_everyone(*supervisor, deadline);
    done = wait_for(*supervisor, conversations_left, deadline) && wait_for(*supervisor, adopted_left, deadline);
    if (done) {
        join_last(*supervisor);
        limi_attached_close(*supervisor);
        limi_adopted_forget_all(*supervisor);
    } else {
        tell_everyone(*supervisor, liminal_deadline_passed());
    }
    fill(*supervisor, &report);
    if (out != NULL) {
        *out = report;
    }
    if (!done && report.running > 0) {
        return limi_detail(LIMINAL_ETIMEDOUT, "behaviours still running: %zu, among them %s", report.running,
                           report.stragglers[0].name);
    }
    if (!done) {
        return limi_detail(LIMINAL_ETIMEDOUT, "threads are still on their way out");
    }
    limi_supervisor_unref(*supervisor);
    *supervisor = NULL;
    return LIMINAL_OK;
}

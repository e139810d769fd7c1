/* SPDX-License-Identifier: MIT */
/* restart.c -- the actor's lives and its thread.
 *
 * What a conversation is made of does not die with its actor: state, mailbox, waiters and participants are
 * the conversation's. A kill ends a life: its pid is dead, its links break, its notices fire. In the same
 * step of the rules, under the conversation's lock, the next life begins, with a pid that was put into the
 * registry before, so that there is no moment without one and nothing to go wrong half way; or the rules say
 * that it was killed too often, and the conversation falls.
 *
 * The thread is renewed as well. It does so itself: the old one starts the new one and leaves, so that never
 * two take rings from one bell; if the system refuses a thread, the old one goes on. A thread that an
 * inline behaviour ends under the actor is a kill that nobody asked for. */
#include "detail.h"
#include "scope.h"
#include "state.h"
#include "talk.h"

static void ref(limi_process *process)
{
    limi_talk_ref(process->talk);
}

static void unref(limi_process *process)
{
    limi_talk_unref(process->talk);
}

static void announce(limi_process *process)
{
    const limi_life *life = LIMI_HOLDER(process, limi_life, process);
    if (life->last) {
        limi_talk_finish_span(process->talk, life->how);
    }
    limi_process_announce(process->talk->supervisor, process);
}

/* ---- a new life ---- */

/* With the conversation's lock held: put the next life into the registry, if `old` is the present one. Until it has
 * begun it is dead for all who look: nobody may get hold of what may never be. */
static liminal_status enlist(limi_talk *talk, const limi_process *old, limi_life *next)
{
    liminal_supervisor *supervisor = talk->supervisor;
    liminal_status st = LIMINAL_ENOPROC;
    limi_mutex_lock(&supervisor->lock);
    if (!old->dead && old == &talk->life->process) {
        limi_process_init(&next->process, limi_registry_new_pid(supervisor), &limi_life_kind, talk);
        next->process.latent = true;
        st = limi_registry_add(supervisor, &next->process);
    }
    limi_mutex_unlock(&supervisor->lock);
    return st;
}

/* The old life is dead, the next one is the present one. */
static void succeed(limi_talk *talk, limi_life *next)
{
    liminal_supervisor *supervisor = talk->supervisor;
    limi_life *old = talk->life;
    limi_instant seen = limi_clock_both();
    limi_mutex_lock(&supervisor->lock);
    (void)limi_process_mark_locked(supervisor, &old->process, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0}, seen);
    next->process.latent = false;
    next->before = old;
    talk->life = next;
    limi_u64_store(&talk->pid, next->process.exit.pid.value);
    limi_mutex_unlock(&supervisor->lock);
    limi_state_note_restarted(talk->dialogue.state, next->process.exit.pid, (liminal_time){seen.wall});
}

static void discard(liminal_supervisor *supervisor, limi_life *next)
{
    limi_mutex_lock(&supervisor->lock);
    limi_registry_remove(supervisor, &next->process); /* if it is there */
    limi_mutex_unlock(&supervisor->lock);
    limi_release(&supervisor->allocator, next, sizeof *next);
}

static size_t count_bytes(const limi_talk *talk)
{
    return talk->dialogue.intensity.most * sizeof(int64_t);
}

/* Most are never killed: where the rules write down when, they have from the first time on. */
static bool can_count(limi_talk *talk)
{
    int64_t *times = NULL;
    bool wanted;
    limi_mutex_lock(&talk->lock);
    wanted = talk->dialogue.intensity.most > 0 && talk->dialogue.intensity.times == NULL;
    limi_mutex_unlock(&talk->lock);
    if (!wanted) {
        return true;
    }
    times = limi_allocate(limi_talk_allocator(talk), count_bytes(talk));
    if (times == NULL) {
        return false;
    }
    limi_mutex_lock(&talk->lock);
    wanted = talk->dialogue.intensity.times == NULL; /* still */
    if (wanted) {
        talk->dialogue.intensity.times = times;
    }
    limi_mutex_unlock(&talk->lock);
    limi_release(limi_talk_allocator(talk), wanted ? NULL : times, count_bytes(talk));
    return true;
}

void limi_talk_free_restarts(limi_talk *talk)
{
    limi_release(limi_talk_allocator(talk), talk->dialogue.intensity.times, count_bytes(talk));
}

/* LIMINAL_OK also if that life is over already; *out_dead: it is to be mourned, and followed by another. */
static liminal_status end_life(limi_talk *talk, limi_process *process, bool *out_dead)
{
    liminal_supervisor *supervisor = talk->supervisor;
    limi_life *next = limi_allocate(&supervisor->allocator, sizeof *next);
    limi_event event = {.kind = LIMI_EVENT_KILLED, .now_ns = limi_clock_monotonic()};
    limi_done done;
    liminal_status st;
    if (next == NULL || !can_count(talk)) {
        limi_release(&supervisor->allocator, next, sizeof *next);
        return LIMINAL_ENOMEM;
    }
    limi_mutex_lock(&talk->lock);
    st = enlist(talk, process, next);
    if (st == LIMINAL_OK) {
        limi_talk_step_locked(talk, &event, &done);
        if (done.effects.restart) {
            succeed(talk, next);
        }
    }
    limi_mutex_unlock(&talk->lock);
    if (st != LIMINAL_OK || !done.effects.restart) {
        discard(supervisor, next);
    }
    if (st != LIMINAL_OK) {
        return st == LIMINAL_ENOPROC ? LIMINAL_OK : st;
    }
    *out_dead = done.effects.restart;
    limi_talk_perform(talk, &done);
    return LIMINAL_OK;
}

/* Takes a share of the conversation. */
static liminal_status kill_life(limi_process *process)
{
    limi_talk *talk = process->talk;
    bool dead = false;
    liminal_status st = end_life(talk, process, &dead);
    if (dead) {
        limi_u32_store(&talk->renew, 1);
        limi_actor_call(&talk->actor);
        limi_process_mourn_held(talk->supervisor, process);
    } else {
        limi_talk_unref(talk);
    }
    return st;
}

const limi_process_kind limi_life_kind = {
    .ref = ref,
    .unref = unref,
    .announce = announce,
    .deliver = limi_talk_deliver,
    .kill = kill_life,
    .always_traps = true,
};

/* ---- the thread ---- */

static void live(void *argument)
{
    limi_talk *talk = argument;
    limi_actor_live(&talk->actor);
}

static void body(void *argument);

/* An inline behaviour has ended this thread; it has handed the turn over, to this very thread, which goes
 * on from here, inside its own end, until another one has started. */
static void unwound(void *argument)
{
    limi_talk *talk = argument;
    limi_process *present;
    limi_scope_unwound();
    limi_talk_ref(talk);
    limi_talk_undo_unwound(talk);
    limi_mutex_lock(&talk->lock);
    present = &talk->life->process;
    limi_mutex_unlock(&talk->lock);
    limi_ignore(kill_life(present)); /* without memory it keeps its pid, and goes on */
    body(argument);
}

static void body(void *argument)
{
    limi_thread_guard(live, unwound, argument);
    limi_talk_unref(argument);
}

static liminal_status start(limi_talk *talk, bool keep)
{
    const char *name = limi_talk_name(talk);
    return limi_talk_start_thread(talk, &talk->job, name[0] != '\0' ? name : "liminal", talk->job.plan.stack_bytes,
                                  body, talk, keep);
}

/* A short conversation needs no thread but those of its callers: one is kept for it, and left to sleep. */
liminal_status limi_talk_start_actor(limi_talk *talk, size_t stack_bytes)
{
    liminal_status st;
    talk->job.plan.stack_bytes = stack_bytes;
    st = start(talk, true);
    if (st == LIMINAL_OK) {
        limi_actor_lie_dormant(&talk->actor);
    }
    return st;
}

void limi_talk_begin_actor(void *self)
{
    limi_talk *talk = self;
    limi_pool_begin(&talk->job);
}

void limi_talk_forgo_actor(void *self)
{
    limi_talk *talk = self;
    if (limi_pool_give_back(&talk->job)) {
        limi_talk_unref(talk);
    }
}

bool limi_talk_on_call(void *self)
{
    limi_talk *talk = self;
    limi_talk_compensate(talk);
    if (limi_u32_exchange(&talk->renew, 0) == 0 || limi_mailbox_is_sealed(&talk->actor.mailbox)) {
        return false;
    }
    limi_supervisor_thread_more(talk->supervisor);
    if (start(talk, false) != LIMINAL_OK) {
        limi_supervisor_thread_fewer(talk->supervisor);
        return false;
    }
    return true;
}

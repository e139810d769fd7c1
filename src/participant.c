/* SPDX-License-Identifier: MIT */
/* participant.c -- one participant of a conversation.
 *
 * Its work lies at its seat in the rules. It pulls one request after the other, under the conversation's
 * lock, and brings back each answer by a step of the rules on its own thread; what it does not bring back,
 * because it has ended, the rules still have. So whoever takes its seat's work away, an exit or the end of
 * the conversation, needs nothing from it, not even that its callback returns.
 *
 *   living --callback fails, exit asked for, thread ended--> dead --released--> gone     by its own thread
 *   living --killed, signalled, a linked one died----------> dead                        by any thread
 *   living --stop (the conversation is over)---------------> dead                        by its own thread
 *
 * Its own thread: the participant's, or the one that has the conversation's turn. Who makes it dead is
 * decided by limi_process_mark(); died() below follows once, on that thread, and sets `stopping`. A dead
 * one's thread may still be inside a callback: what that gives changes nothing, and then it leaves. `self` is
 * let go of by its own thread, when announce() has been there.
 *
 * Exit messages come through the conversation's mailbox like requests, and wait at the seat behind those that
 * came before them; each request has a number there.
 *
 * No wake is lost: work, news, stop, `mourned`, `disowned` and talk->settled are there before the ring, and
 * looked for after the bell was emptied. */
#include "participant_work.h"

#include "config.h"
#include "deadline.h"
#include "detail.h"
#include "handoff.h"
#include "lot.h"
#include "program.h"
#include "scope.h"
#include "talk.h"
#include "wait.h"

/* ---- the echo ---- */

static liminal_status echo_answer(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

const liminal_behaviour *liminal_behaviour_echo(void)
{
    static const liminal_behaviour echo = {LIMINAL_OPS(liminal_behaviour), .answer = echo_answer};
    return &echo;
}

void limi_participant_ring(limi_participant *p, uint32_t bits)
{
    switch (p->kind) {
    case LIMINAL_PARTICIPANT_THREAD:
        limi_bell_ring(&p->engine->bell, bits);
        break;
    case LIMINAL_PARTICIPANT_PROGRAM:
        limi_program_ring(p, bits);
        break;
    case LIMINAL_PARTICIPANT_INLINE:
        if (limi_u32_exchange(&p->visiting, 1) == 0) {
            p->visit.kind = LIMI_NODE_VISIT;
            (void)limi_actor_post(&p->talk->actor, &p->visit, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
        }
        break;
    case LIMINAL_PARTICIPANT_WATCHED:
    default:
        break;
    }
}

/* ---- a thread of its own ---- */

/* Bring back an answer and begin the next request, if there is one and no exit message, under one lock. */
static void answer_and_pull(limi_participant *p)
{
    limi_talk *talk = p->talk;
    limi_request *request = p->current;
    limi_event answered = {.kind = LIMI_EVENT_ANSWERED, .seat = p->seat, .ticket = &request->ticket};
    limi_event next = {.kind = LIMI_EVENT_PULL, .seat = p->seat, .slack_ns = LIMI_TICK_SLACK_NS};
    limi_done first, second;
    bool may_pull;
    answered.reply = p->reply;
    p->reply = NULL;
    next.now_ns = limi_tick_monotonic();
    limi_mutex_lock(&talk->lock);
    if (p->was_handed) {
        limi_handoff_end(talk, p);
    }
    limi_talk_step_locked(talk, &answered, &first);
    may_pull = limi_participant_first_news(p) == NULL && limi_u32_load(&p->stopping) == 0;
    if (may_pull) {
        limi_talk_step_locked(talk, &next, &second);
    }
    p->current = next.ticket != NULL ? LIMI_HOLDER(next.ticket, limi_request, ticket) : NULL;
    if (p->current != NULL) {
        limi_lot_gather(talk, p, p->current);
    }
    limi_mutex_unlock(&talk->lock);
    limi_talk_perform(talk, &first);
    if (may_pull) {
        limi_talk_perform(talk, &second);
    }
    liminal_envelope_drop(&answered.reply);
    limi_request_drop(request);
}

/* After answer(): bring back what came of it; true: the next request has been begun, or there is none. */
static bool go_on(limi_participant *p)
{
    limi_work_take_back();
    if (!p->exiting && limi_lot_next(p)) {
        return true;
    }
    if (p->exiting || limi_bell_is_rung(&p->engine->bell)) {
        limi_work_bring_back(p);
        return false;
    }
    answer_and_pull(p);
    return true;
}

/* As long as there are requests and nothing else to do. */
static void answer_all(limi_participant *p)
{
    while (p->current != NULL) {
        limi_work_answer(p);
        if (!go_on(p)) {
            return;
        }
    }
}

/* What was handed to it, without a look at anything else. True: it has been left to who asked. */
static bool answer_handed(limi_participant *p)
{
    const liminal_deadline until = {(int64_t)limi_u64_load_acquire(&p->engine->handed.deadline_ns)};
    limi_work_call_answer(p, NULL, p->engine->handed.envelope, until);
    limi_work_take_back(); /* before it is offered: it may be the last share then */
    return !p->exiting && limi_handoff_offer(p);
}

/* False: there is nothing to do. */
static bool has_done_something(limi_participant *p, uint32_t rung)
{
    liminal_exit news;
    p->current = limi_handoff_accept(p);
    if (p->current != NULL && (rung & ~(uint32_t)LIMI_RING_HANDOFF) == 0) {
        if (answer_handed(p)) {
            return false;
        }
        if (go_on(p)) {
            answer_all(p);
        }
        return true;
    }
    if (p->current == NULL) {
        limi_lot_await(p);
        p->current = limi_work_pull(p, &news);
    }
    if (p->current != NULL) {
        answer_all(p);
    } else if (p->heard != NULL) {
        limi_work_hear(p);
    } else {
        return false;
    }
    return true;
}

static void work(limi_participant *p)
{
    while (!p->exiting) {
        uint32_t rung = limi_bell_take(&p->engine->bell);
        if (limi_u32_load(&p->stopping) != 0) {
            return;
        }
        if (!has_done_something(p, rung)) {
            limi_bell_sleep_by(&p->engine->bell, &p->engine->handed.request, INT64_MAX);
        }
    }
}

static liminal_status call_start(limi_participant *p)
{
    limi_frame frame = {.participant = p, .supervisor = p->talk->supervisor};
    liminal_status st;
    limi_frame_enter(&frame);
    st = p->behaviour.start(p->self);
    limi_frame_leave(&frame);
    if (st == LIMINAL_OK && p->exiting) {
        st = LIMINAL_EEXIT;
    }
    return st;
}

/* It brings its exit to the conversation itself, when the deaths have been spread, so that the actor's thread need not
 * be woken for that. */
static void end_own_life(limi_participant *p)
{
    limi_scope *scope = limi_scope_here();
    scope->ending = p;
    limi_work_end(p);
    if (scope->ending == NULL) { /* announce() has left it to this */
        (void)limi_actor_post(&p->talk->actor, &p->exit, LIMI_CLASS_CONTROL, LIMI_ASSIST_BRIEF, NULL, NULL);
    }
    scope->ending = NULL;
}

static void serve(void *argument)
{
    limi_participant *p = argument;
    liminal_status st;
    if (p->kind == LIMINAL_PARTICIPANT_PROGRAM) {
        limi_program_serve(p);
        return;
    }
    if (!limi_waiter_is_done(&p->engine->started)) {
        st = call_start(p);
        p->engine->start_status = st;
        limi_u32_store(&p->disowned, st != LIMINAL_OK);
        limi_waiter_done(&p->engine->started);
        if (st != LIMINAL_OK) {
            return;
        }
    }
    work(p);
    limi_pool_end_job(&p->engine->job);
    end_own_life(p);
}

static void serve_unwound(void *argument)
{
    limi_participant *p = argument;
    limi_scope_unwound();
    limi_work_take_back();
    limi_work_decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0});
    if (p->kind == LIMINAL_PARTICIPANT_PROGRAM) {
        limi_program_unwound(p);
        return;
    }
    if (!limi_waiter_is_done(&p->engine->started)) {
        p->engine->start_status = limi_detail(LIMINAL_EEXIT, "start() ended its thread");
        limi_u32_store(&p->disowned, 1);
        limi_waiter_done(&p->engine->started);
        return;
    }
    limi_work_bring_back(p);
    limi_work_end(p);
}

static void release_self(void *argument)
{
    limi_participant *p = argument;
    limi_frame frame = {.participant = p, .supervisor = p->talk->supervisor, .releasing = true};
    if (limi_u32_load(&p->disowned) == 0) {
        limi_frame_enter(&frame);
        p->behaviour.release(p->self);
        limi_frame_leave(&frame);
    }
}

static void leave(void *argument)
{
    limi_participant *p = argument;
    limi_scope_unwound();
    limi_u32_store(&p->gone, 1);
    limi_talk_unref(p->talk);
}

/* `self` is let go of when its exit has been made known, by whoever ended it, and when it is its: a spawn that
 * fails leaves it to the caller. */
static void await_release(limi_participant *p)
{
    for (;;) {
        (void)limi_bell_take(&p->engine->bell);
        if (limi_u32_load(&p->disowned) != 0 ||
            (limi_u32_load(&p->mourned) != 0 && limi_u32_load(&p->talk->settled) != 0)) {
            return;
        }
        limi_bell_sleep(&p->engine->bell, INT64_MAX);
    }
}

static void after_life(void *argument)
{
    await_release(argument);
    limi_thread_guard(release_self, leave, argument);
    leave(argument);
}

static void unwound_life(void *argument)
{
    serve_unwound(argument);
    after_life(argument);
}

static void thread_body(void *argument)
{
    limi_thread_guard(serve, unwound_life, argument);
    after_life(argument);
}

/* Where there is nothing to wait for. */
static bool starts_at_once(const limi_participant *p)
{
    return p->kind == LIMINAL_PARTICIPANT_PROGRAM || limi_behaviour_starts_at_once(&p->behaviour);
}

/* Start its thread and wait for start(). */
static liminal_status launch(limi_participant *p, size_t stack_bytes)
{
    const char *name = limi_talk_name_of(p);
    liminal_status st = limi_talk_start_thread(p->talk, &p->engine->job, name, stack_bytes, thread_body, p, false);
    if (st != LIMINAL_OK) {
        return st;
    }
    p->launched = true;
    if (starts_at_once(p)) {
        return st;
    }
    (void)limi_waiter_wait(&p->engine->started, NULL, INT64_MAX);
    if (p->engine->start_status != LIMINAL_OK) {
        return limi_detail(p->engine->start_status, "participant %s: start() gave %s", name,
                           liminal_status_name(p->engine->start_status));
    }
    return LIMINAL_OK;
}

static liminal_status start_thread(limi_participant *p, size_t stack_bytes)
{
    liminal_status st;
    if (starts_at_once(p)) {
        limi_waiter_done(&p->engine->started);
        return launch(p, stack_bytes);
    }
    /* If this thread is in a behaviour, that is going to wait for start(), which must not ask it in turn:
     * the edge is there before start() can be. It closes no cycle, for nobody waits for this one yet. */
    limi_u32_store(&p->talk->target, p->seat);
    st = limi_wait_enter(p->talk);
    LIMI_ASSERT(st == LIMINAL_OK);
    st = launch(p, stack_bytes);
    limi_wait_leave(p->talk);
    limi_mutex_lock(&p->talk->lock); /* it can be killed, or shut down, before it has started */
    limi_u32_store(&p->talk->target, p->talk->dialogue.target);
    limi_mutex_unlock(&p->talk->lock);
    return st;
}

static liminal_status start_program(limi_participant *p, const liminal_program *spec, size_t stack_bytes)
{
    liminal_status st;
    st = limi_program_start(p, spec);
    if (st != LIMINAL_OK) {
        return st;
    }
    st = launch(p, stack_bytes);
    if (st != LIMINAL_OK) {
        limi_program_abort(p);
    }
    return st;
}

/* ---- watched ---- */

static void watched_exit(void *self, const liminal_exit *exit)
{
    limi_participant *p = self;
    limi_talk *talk = p->talk;
    limi_event event = {.kind = LIMI_EVENT_EXITED, .seat = p->seat, .reason = exit->reason, .seen = exit->seen};
    event.now_ns = exit->seen_ns.ns;
    limi_talk_step(talk, &event);
    p->exit.kind = LIMI_NODE_EXIT;
    (void)limi_actor_post(&talk->actor, &p->exit, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    limi_talk_unref(talk);
}

/* ---- what the conversation calls ---- */

void limi_participant_init(limi_participant *p)
{
    if (limi_participant_has_thread(p)) {
        limi_bell_init(&p->engine->bell);
        limi_waiter_init(&p->engine->started);
        limi_ptr_init(&p->engine->handed.request, 0);
        limi_u64_init(&p->engine->handed.deadline_ns, 0);
        limi_lot_init(p);
    }
    limi_u32_init(&p->stopping, 0);
    limi_u32_init(&p->disowned, 0);
    limi_u32_init(&p->visiting, 0);
    limi_u32_init(&p->mourned, 0);
    limi_list_init(&p->news);
    limi_u32_init(&p->gone, 0);
}

void limi_participant_destroy(limi_participant *p)
{
    if (limi_participant_has_thread(p)) {
        limi_program_free(p);
        limi_bell_destroy(&p->engine->bell);
        limi_waiter_destroy(&p->engine->started);
    } else if (p->kind == LIMINAL_PARTICIPANT_WATCHED) {
        liminal_notice_drop(&p->watch);
    }
}

liminal_status limi_participant_start(limi_participant *p, const liminal_participant *spec, size_t stack_bytes)
{
    liminal_status st;
    switch (p->kind) {
    case LIMINAL_PARTICIPANT_THREAD:
        return start_thread(p, stack_bytes);
    case LIMINAL_PARTICIPANT_PROGRAM:
        return start_program(p, spec->program, stack_bytes);
    case LIMINAL_PARTICIPANT_INLINE:
        st = call_start(p);
        return st == LIMINAL_OK ? st
                                : limi_detail(st, "participant %s: start() gave %s", limi_talk_name_of(p),
                                              liminal_status_name(st));
    case LIMINAL_PARTICIPANT_WATCHED:
    default:
        limi_talk_ref(p->talk);
        st = limi_notice_arm(p->talk->supervisor, p->process.exit.pid, watched_exit, p, true, &p->watch);
        if (st != LIMINAL_OK) {
            limi_talk_unref(p->talk);
        }
        return st;
    }
}

void limi_participant_disown(limi_participant *p)
{
    if (p->kind == LIMINAL_PARTICIPANT_WATCHED) {
        if (limi_notice_take_back(&p->watch)) {
            limi_talk_unref(p->talk);
        }
    } else {
        limi_participant_stop(p);
    }
    if (limi_participant_has_thread(p)) {
        limi_bell_ring(&p->engine->bell, LIMI_RING_STOP); /* it may be waiting to hear whose `self` is */
    }
}

void limi_participant_settle(limi_participant *p)
{
    if (limi_participant_has_thread(p) && limi_u32_load(&p->stopping) != 0) {
        limi_bell_ring(&p->engine->bell, LIMI_RING_STOP);
    }
}

void limi_participant_stop(limi_participant *p)
{
    limi_u32_store(&p->stopping, 1);
    if (p->kind != LIMINAL_PARTICIPANT_INLINE) {
        limi_participant_ring(p, LIMI_RING_STOP);
    }
}

bool limi_participant_dismiss(limi_participant *p)
{
    switch (p->kind) {
    case LIMINAL_PARTICIPANT_INLINE:
        limi_work_end(p); /* its exit node follows */
        return false;
    case LIMINAL_PARTICIPANT_WATCHED:
        if (limi_notice_take_back(&p->watch)) {
            limi_u32_store(&p->gone, 1);
            limi_talk_unref(p->talk);
            return true;
        }
        return false;
    case LIMINAL_PARTICIPANT_THREAD:
    case LIMINAL_PARTICIPANT_PROGRAM:
    default:
        return false;
    }
}

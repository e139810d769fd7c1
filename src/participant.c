/* SPDX-License-Identifier: MIT */
/* participant.c -- one participant of a conversation.
 *
 * A request comes by limi_participant_forward() and goes back to the conversation exactly once:
 * answered, or not begun; or it does not come back, because the participant has ended: then it was
 * let go before the exit was posted, and the rules still have it in flight.
 *
 *   living --callback fails, exit asked for, thread ended--> ended --EXIT handled--> gone
 *   living --stop (the conversation is over)---------------> ended --EXIT handled--> gone
 *
 * The thread that runs the behaviour makes these moves: the participant's own, or the one that has
 * the conversation's duty. */
#include "participant.h"

#include "detail.h"
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

/* ---- the end ---- */

static void decide_exit(limi_participant *p, liminal_exit_reason reason)
{
    if (!p->exiting) {
        p->exiting = true;
        p->reason = reason;
    }
}

liminal_status liminal_process_exit(liminal_exit_reason reason)
{
    const limi_frame *frame = limi_scope_here()->frame;
    if (reason.kind < LIMINAL_EXIT_NORMAL || reason.kind > LIMINAL_EXIT_UNKNOWN) {
        return limi_detail(LIMINAL_EINVAL, "reason.kind: %d is not an exit kind", (int)reason.kind);
    }
    if (frame == NULL || frame->participant == NULL || ((limi_participant *)frame->participant)->ended) {
        return limi_detail(LIMINAL_EPHASE, "not inside a behaviour");
    }
    decide_exit(frame->participant, reason);
    return limi_detail(LIMINAL_EEXIT, "the participant ends: %s", liminal_exit_describe(reason).text);
}

/* Its reason is decided. What it holds is let go first, so that the rules may hand it to another. */
static void end(limi_participant *p)
{
    liminal_supervisor *supervisor = p->talk->supervisor;
    if (p->ended) {
        return;
    }
    p->ended = true;
    p->seen = liminal_time_now();
    p->seen_ns = limi_clock_monotonic();
    if (p->kind == LIMINAL_PARTICIPANT_THREAD) {
        limi_node *node;
        limi_mailbox_close(&p->actor.mailbox);
        while ((node = limi_actor_take(&p->actor)) != NULL) {
            if (node != &p->stop) {
                limi_request_drop(LIMI_HOLDER(node, limi_request, node));
            }
        }
        limi_actor_finish(&p->actor);
    }
    if (p->disowned) {
        return; /* it was never there: what becomes of its pid is said when the conversation is freed */
    }
    if (limi_process_mark(supervisor, &p->process, p->reason, p->seen, p->seen_ns)) {
        limi_supervisor_participants(supervisor, 0, 1);
    }
    p->exit.kind = LIMI_NODE_EXIT;
    if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
        limi_actor_next(&p->talk->actor, &p->exit); /* announced when that is handled */
    } else {
        (void)limi_actor_post(&p->talk->actor, &p->exit, LIMI_CLASS_CONTROL, LIMI_ASSIST_BRIEF, NULL, NULL);
        limi_process_announce(supervisor, &p->process);
    }
}

/* ---- one request ---- */

static void give_back(limi_participant *p, limi_request *request, uint32_t kind)
{
    request->node.kind = kind;
    if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
        limi_actor_next(&p->talk->actor, &request->node);
    } else {
        (void)limi_actor_post(&p->talk->actor, &request->node, LIMI_CLASS_CONTROL, LIMI_ASSIST_BRIEF, NULL, NULL);
    }
}

static void call_answer(void *argument)
{
    limi_participant *p = argument;
    limi_request *request = p->current;
    limi_scope *scope = limi_scope_here();
    limi_scope outer = *scope;
    bool inlined = p->kind == LIMINAL_PARTICIPANT_INLINE;
    limi_frame frame = {.participant = p, .turn = inlined ? p->talk : NULL, .supervisor = p->talk->supervisor};
    const liminal_envelope *envelope = request->ticket.envelope;
    liminal_status st;
    scope->trace = liminal_envelope_read(envelope).trace;
    scope->request = envelope;
    scope->deadline = request->deadline;
    limi_frame_enter(&frame);
    st = p->behaviour.answer(p->self, envelope, &request->answer);
    limi_frame_leave(&frame);
    *scope = outer;
    if (st != LIMINAL_OK) {
        decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_ERROR, (int32_t)st});
    }
}

/* What a request leads to, once answer() has returned or its thread was ended in it. */
static void after_answer(limi_participant *p)
{
    limi_request *request = p->current;
    p->current = NULL;
    if (p->exiting) {
        /* An inline one's nodes are stacked: the exit goes below the answer. */
        if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
            end(p);
        }
        if (request->answer != NULL) {
            give_back(p, request, LIMI_NODE_ANSWERED);
        } else {
            limi_request_drop(request);
        }
        end(p);
    } else {
        give_back(p, request, LIMI_NODE_ANSWERED);
    }
}

/* pthread_exit inside an inline behaviour: the thread may be a host's, so the rest of the turn is left
 * to the actor's own. */
static void inline_unwound(void *argument)
{
    limi_participant *p = argument;
    limi_scope_unwound();
    decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0});
    after_answer(p);
    limi_actor_hand_over(&p->talk->actor);
}

static void answer(limi_participant *p, limi_request *request)
{
    bool late = request->deadline.ns != INT64_MAX && limi_clock_monotonic() >= request->deadline.ns;
    if (p->ended || limi_u32_load(&p->stopping) != 0) {
        limi_request_drop(request);
        return;
    }
    if (late ? (limi_request_withdraw(request), true) : !limi_request_begin(request)) {
        give_back(p, request, LIMI_NODE_UNBEGUN);
        return;
    }
    p->current = request;
    if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
        limi_thread_guard(call_answer, inline_unwound, p);
    } else {
        call_answer(p);
    }
    after_answer(p);
}

void limi_participant_forward(limi_participant *p, limi_request *request)
{
    limi_push pushed;
    if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
        answer(p, request);
        return;
    }
    pushed = limi_actor_post(&p->actor, &request->node, LIMI_CLASS_MESSAGE, LIMI_ASSIST_NONE, NULL, NULL);
    if (pushed == LIMI_PUSH_CLOSED || pushed == LIMI_PUSH_SEALED) {
        limi_request_drop(request); /* it has ended: its exit is on the way and finds this in flight */
    }
}

/* ---- a thread of its own ---- */

static void handle(void *self, limi_node *node)
{
    limi_participant *p = self;
    if (node != &p->stop) {
        answer(p, LIMI_HOLDER(node, limi_request, node));
    } else if (!p->ended) {
        decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0});
        end(p);
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

static void serve(void *argument)
{
    limi_participant *p = argument;
    liminal_status st = call_start(p);
    p->start_status = st;
    if (st != LIMINAL_OK) {
        p->disowned = true;
        p->ended = true; /* and was never there: nobody is told */
    }
    limi_waiter_done(&p->started);
    if (st == LIMINAL_OK) {
        limi_actor_live(&p->actor);
    }
}

static void serve_unwound(void *argument)
{
    limi_participant *p = argument;
    limi_scope_unwound();
    decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0});
    if (!limi_waiter_is_done(&p->started)) {
        p->start_status = limi_detail(LIMINAL_EEXIT, "start() ended its thread");
        p->disowned = true;
        p->ended = true;
        limi_waiter_done(&p->started);
        return;
    }
    if (p->current != NULL) {
        after_answer(p);
    }
    end(p);
    limi_actor_hand_over(&p->actor); /* to this very thread */
    limi_actor_live(&p->actor);
}

static void release_self(void *argument)
{
    limi_participant *p = argument;
    limi_frame frame = {.participant = p, .supervisor = p->talk->supervisor};
    if (!p->disowned) {
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
    limi_talk_leave_thread(p->talk);
}

static void after_life(void *argument)
{
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

/* Start its thread and wait for start(). */
static liminal_status launch(limi_participant *p, size_t stack_bytes)
{
    liminal_status st = limi_talk_start_thread(p->talk, &p->plan, p->name, stack_bytes, thread_body, p);
    if (st != LIMINAL_OK) {
        return st;
    }
    p->launched = true;
    (void)limi_waiter_wait(&p->started, INT64_MAX);
    if (p->start_status != LIMINAL_OK) {
        return limi_detail(p->start_status, "participant %s: start() gave %s", p->name,
                           liminal_status_name(p->start_status));
    }
    return LIMINAL_OK;
}

static liminal_status start_thread(limi_participant *p, size_t stack_bytes)
{
    liminal_status st;
    limi_actor_init(&p->actor, false);
    p->actor.self = p;
    p->actor.handle = handle;
    p->actor.pinned = true;
    limi_waiter_init(&p->started);
    p->threaded = true;
    /* If this thread is in a behaviour, that is going to wait for start(), which must not ask it in turn:
     * the edge is there before start() can be. It closes no cycle, for nobody waits for this one yet. */
    limi_u32_store(&p->talk->target, p->seat);
    st = limi_wait_enter(p->talk);
    LIMI_ASSERT(st == LIMINAL_OK);
    st = launch(p, stack_bytes);
    limi_wait_leave(p->talk);
    limi_u32_store(&p->talk->target, p->talk->dialogue.target);
    return st;
}

/* ---- watched ---- */

static void watched_exit(void *self, const liminal_exit *exit)
{
    limi_participant *p = self;
    limi_talk *talk = p->talk;
    p->reason = exit->reason;
    p->seen = exit->seen;
    p->seen_ns = exit->seen_ns.ns;
    p->exit.kind = LIMI_NODE_EXIT;
    (void)limi_actor_post(&talk->actor, &p->exit, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    limi_talk_unref(talk);
}

/* ---- what the conversation calls ---- */

liminal_status limi_participant_start(limi_participant *p, size_t stack_bytes)
{
    liminal_status st;
    switch (p->kind) {
    case LIMINAL_PARTICIPANT_THREAD:
        return start_thread(p, stack_bytes);
    case LIMINAL_PARTICIPANT_INLINE:
        st = call_start(p);
        return st == LIMINAL_OK ? st
                                : limi_detail(st, "participant %s: start() gave %s", p->name, liminal_status_name(st));
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
    p->disowned = true; /* its thread reads this only after the stop below */
    if (p->kind == LIMINAL_PARTICIPANT_WATCHED) {
        if (limi_notice_take_back(&p->watch)) {
            limi_talk_unref(p->talk);
        }
    } else {
        limi_participant_stop(p);
    }
}

void limi_participant_stop(limi_participant *p)
{
    limi_u32_store(&p->stopping, 1);
    if (p->kind == LIMINAL_PARTICIPANT_THREAD) {
        (void)limi_actor_post(&p->actor, &p->stop, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
    }
}

bool limi_participant_dismiss(limi_participant *p)
{
    switch (p->kind) {
    case LIMINAL_PARTICIPANT_INLINE:
        if (!p->ended) {
            decide_exit(p, (liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0});
            end(p); /* its exit is the next node */
        }
        return false;
    case LIMINAL_PARTICIPANT_WATCHED:
        if (limi_notice_take_back(&p->watch)) {
            limi_u32_store(&p->gone, 1);
            limi_talk_unref(p->talk);
            return true;
        }
        return false;
    case LIMINAL_PARTICIPANT_THREAD:
    default:
        return false;
    }
}

/* SPDX-License-Identifier: MIT */
/* turn.c -- what happens in a conversation: an event, a step of the rules, its effects.
 *
 * Steps are serialised by talk->lock; whoever has an event takes the step and performs its effects
 * after the lock is released. Only the turn brings SENT, so inline participants run in the turn only. A
 * step can make the conversation final only once, so what belongs to the end is performed once.
 *
 * The end, in order: no more sends and a free name, before the lock is released, so that nobody sees
 * the end without them; everyone who waits is woken; participants are told to stop; then the embedder's
 * code: the span's collector, the exit notices; then the nudge, which dismisses in a turn what only a
 * turn may touch; then those who wait for the close. With the nudge and the last exit handled nobody can
 * post any more but callers and late visits, and the mailbox is sealed. */
#include "talk.h"

#include "deadline.h"
#include "detail.h"
#include "handoff.h"
#include "lot.h"
#include "scope.h"
#include "state.h"

/* ---- effects ---- */

static limi_request *request_of(limi_list *hop)
{
    return LIMI_HOLDER(LIMI_HOLDER(hop, limi_ticket, hop), limi_request, ticket);
}

static void let_go(limi_talk *talk, limi_list *settled)
{
    limi_spares spares = {.first = NULL};
    limi_list *node;
    while ((node = limi_list_pop(settled)) != NULL) {
        limi_request *request = request_of(node);
        if (request->placed) {
            limi_quota_release(&talk->quota, request->bytes);
        }
        if (request->ticket.decided) {
            limi_waiter_done(&request->waiter);
        }
        limi_request_drop_to(request, &spares);
    }
    limi_stock_put(&talk->stock, &spares);
}

static void stop_everyone(limi_talk *talk)
{
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        limi_participant_stop(&talk->participants[i]);
    }
}

void limi_talk_finish_span(limi_talk *talk, liminal_status how)
{
    limi_frame frame = {.turn = talk, .supervisor = talk->supervisor};
    limi_frame_enter(&frame);
    limi_ignore(liminal_span_finish(&talk->span, how == LIMINAL_ECLOSED ? LIMINAL_OK : how, NULL)); /* once */
    limi_frame_leave(&frame);
}

/* The embedder's code comes when all that follows from this end was made known: see announce() in restart.c. */
static void announce_end(limi_talk *talk, const limi_done *done)
{
    limi_frame frame = {.turn = talk, .supervisor = talk->supervisor};
    limi_frame_enter(&frame);
    if (done->dead != NULL) {
        limi_process_mourn(talk->supervisor, &done->dead->process);
    } else {
        limi_talk_finish_span(talk, done->cause);
    }
    limi_frame_leave(&frame);
    /* Only now: until this is handled the mailbox can't be sealed, and no shutdown overtakes a callback. Inside a
     * cascade they come later; but whoever has that is in a turn, or a thread that a shutdown waits for. */
    (void)limi_actor_post(&talk->actor, &talk->nudge, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
}

static void resume_everyone(limi_talk *talk)
{
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        if (talk->participants[i].kind == LIMINAL_PARTICIPANT_PROGRAM) {
            limi_participant_ring(&talk->participants[i], LIMI_RING_RESUME);
        }
    }
}

void limi_talk_perform(limi_talk *talk, limi_done *done)
{
    limi_effects *effects = &done->effects;
    if (effects->closing) {
        limi_quota_disturb(&talk->quota);
    }
    let_go(talk, &effects->settled);
    if (effects->final) {
        stop_everyone(talk);
    }
    if (effects->work != UINT32_MAX) {
        limi_participant_ring(&talk->participants[effects->work], LIMI_RING_WORK);
    }
    if (effects->resume) {
        resume_everyone(talk);
    }
    if (effects->compensate) {
        limi_talk_begin_compensation(talk);
    }
    if (effects->final) {
        announce_end(talk, done);
    }
    let_go(talk, &effects->closed);
    if (effects->run != NULL) { /* last: it may take long, or end the thread */
        limi_participant_answer_inline(&talk->participants[effects->run_at],
                                       LIMI_HOLDER(effects->run, limi_request, ticket));
    }
}

/* Callers wait on their own, and some are unknown to the rules: their tickets are still in the mailbox,
 * behind an inline behaviour that does not return. They have to look again when the conversation has
 * ended, or is to be undone, or means to end at another time. With the lock held. */
static void disturb_sleepers(limi_talk *talk)
{
    limi_list *node;
    for (node = talk->sleepers.next; node != &talk->sleepers; node = node->next) {
        limi_waiter_disturb(&LIMI_HOLDER(node, limi_request, sleeper)->waiter);
    }
}

/* It has ended: its name and its place are free, its actor is dead. */
static void give_up_place(limi_talk *talk, limi_done *done, bool killed)
{
    liminal_supervisor *supervisor = talk->supervisor;
    liminal_exit_reason reason = {LIMINAL_EXIT_NORMAL, 0};
    if (killed && done->cause != LIMINAL_ECLOSED) {
        reason = (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0};
    } else if (done->cause != LIMINAL_ECLOSED) {
        reason = (liminal_exit_reason){LIMINAL_EXIT_ERROR, (int32_t)done->cause};
    }
    limi_mutex_lock(&supervisor->lock);
    limi_registry_remove_name(supervisor, talk);
    limi_supervisor_conversation_over(supervisor, talk); /* unless a spawn that failed has said so */
    if (limi_process_mark_locked(supervisor, &talk->life->process, reason, limi_clock_both())) {
        done->dead = talk->life;
        done->dead->last = true;
        done->dead->how = done->cause;
    }
    limi_mutex_unlock(&supervisor->lock);
}

/* A participant's share of what it has begun, taken under the lock: as soon as that is released another
 * thread's step may end the conversation, and with it the rules' share. */
static void share_with_participant(const limi_event *event, const limi_effects *effects)
{
    limi_ticket *begun = event->kind == LIMI_EVENT_PULL ? event->ticket : effects->run;
    if (begun != NULL) {
        (void)limi_request_ref(LIMI_HOLDER(begun, limi_request, ticket));
    }
}

/* Whether the log may get an entry of it, with the time. */
static bool is_stamped(const limi_talk *talk, const limi_event *event)
{
    switch (event->kind) {
    case LIMI_EVENT_PULL:
    case LIMI_EVENT_GAVE_UP:
        return false;
    case LIMI_EVENT_ANSWERED:
        return event->reply != NULL;
    case LIMI_EVENT_RECEIVE:
        return !limi_list_empty(&talk->dialogue.replies);
    default:
        return true;
    }
}

/* What others look at without the lock, when more has changed than where one message is. */
static void publish(limi_talk *talk, const limi_event *event, limi_done *done)
{
    int64_t due;
    if (done->effects.closing) { /* under the lock: who has seen the end does not get a send accepted after it */
        limi_mailbox_close(&talk->actor.mailbox);
    }
    done->cause = limi_dialogue_refusal(&talk->dialogue, NULL);
    limi_u32_store(&talk->target, talk->dialogue.target);
    due = limi_dialogue_due(&talk->dialogue).ns;
    if (due != talk->due_ns) { /* under the lock, so that the last one told is the last one decided */
        talk->due_ns = due;
        if (event->awaited) {
            limi_actor_note_due(&talk->actor, due);
        } else {
            limi_actor_set_due(&talk->actor, due);
        }
        disturb_sleepers(talk);
    }
    if (done->effects.compensate) { /* the same, though there may be no deadline before or after */
        disturb_sleepers(talk);
    }
    if (done->effects.final) { /* under the lock, so that nobody sees the end before the name is free, or closes */
        limi_u32_store(&talk->actor.parting, !talk->ends_long);
        give_up_place(talk, done, event->kind == LIMI_EVENT_KILLED);
        disturb_sleepers(talk);
    }
}

void limi_talk_step_locked(limi_talk *talk, limi_event *event, limi_done *done)
{
    limi_effects *effects = &done->effects;
    done->cause = LIMINAL_OK;
    done->dead = NULL;
    limi_effects_init(effects);
    if (event->kind >= LIMI_EVENT_PULL) {
        limi_handoff_settle(talk, effects);
    } else if (event->kind == LIMI_EVENT_ANSWERED && limi_lot_is_there(talk)) { /* it may be of one */
        limi_lot_settle(talk, effects);
    }
    if (is_stamped(talk, event)) {
        event->now.unix_ns = event->kind < LIMI_EVENT_EXITED ? limi_clock_recent().wall : limi_clock_wall();
    }
    limi_step(&talk->dialogue, event, effects);
    if (event->kind == LIMI_EVENT_PULL && event->wants_clock) {
        event->now_ns = limi_clock_monotonic();
        event->slack_ns = 0;
        limi_step(&talk->dialogue, event, effects);
    }
    share_with_participant(event, effects);
    if (effects->closing || effects->final || event->kind >= LIMI_EVENT_EXITED) {
        publish(talk, event, done);
    }
}

void limi_talk_step(limi_talk *talk, limi_event *event)
{
    limi_done done;
    limi_mutex_lock(&talk->lock);
    limi_talk_step_locked(talk, event, &done);
    limi_mutex_unlock(&talk->lock);
    limi_talk_perform(talk, &done);
}

/* ---- events ---- */

static void one_less(limi_talk *talk)
{
    talk->outstanding--;
    if (talk->outstanding == 0) {
        limi_actor_finish(&talk->actor);
    }
}

static void release_inline(void *argument)
{
    limi_participant *p = argument;
    limi_frame frame = {.participant = p, .turn = p->talk, .supervisor = p->talk->supervisor, .releasing = true};
    limi_frame_enter(&frame);
    p->behaviour.release(p->self);
    limi_frame_leave(&frame);
}

/* It ended the thread that ran the turn, which may be a host's. */
static void release_unwound(void *argument)
{
    limi_participant *p = argument;
    limi_scope_unwound();
    limi_u32_store(&p->gone, 1);
    one_less(p->talk);
    limi_actor_hand_over(&p->talk->actor);
}

static void on_end_of(limi_talk *talk, limi_participant *p)
{
    if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
        limi_thread_guard(release_inline, release_unwound, p);
        limi_u32_store(&p->gone, 1);
    }
    one_less(talk);
}

static void on_nudge(limi_talk *talk)
{
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        if (limi_participant_dismiss(&talk->participants[i])) {
            one_less(talk);
        }
    }
    one_less(talk); /* the nudge itself */
}

void limi_talk_on_sent(limi_talk *talk, limi_request *request)
{
    limi_event event = {.kind = LIMI_EVENT_SENT, .ticket = &request->ticket};
    event.now_ns = limi_clock_near(request->ticket.deadline.ns);
    limi_talk_step(talk, &event);
}

static void on_close(limi_talk *talk, limi_request *request)
{
    limi_event event = {.kind = LIMI_EVENT_CLOSE, .ticket = &request->ticket};
    limi_talk_step(talk, &event);
}

/* Conversations trap exits: what reaches the actor from elsewhere is written down, whichever life it was for. */
static void on_news(limi_talk *talk, limi_message *message)
{
    if (message->to->kind != &limi_life_kind) {
        limi_participant_news(LIMI_HOLDER(message->to, limi_participant, process), message);
        return;
    }
    limi_mutex_lock(&talk->lock);
    limi_state_note_exit(talk->dialogue.state, &message->exit);
    limi_mutex_unlock(&talk->lock);
    limi_message_drop(talk->supervisor, message);
}

void limi_talk_deliver(limi_process *process, limi_message *message)
{
    limi_talk *talk = process->talk;
    message->node.kind = LIMI_NODE_NEWS;
    if (limi_actor_post(&talk->actor, &message->node, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL) ==
        LIMI_PUSH_SEALED) {
        limi_message_drop(talk->supervisor, message);
    }
}

static void on_quiet_close(limi_talk *talk)
{
    limi_event event = {.kind = LIMI_EVENT_CLOSE};
    limi_u32_store(&talk->quiet_close_posted, 0);
    limi_talk_step(talk, &event);
}

void limi_talk_handle(void *self, limi_node *node)
{
    limi_talk *talk = self;
    uint32_t kind = node->kind;
    switch (kind) {
    case LIMI_NODE_EXIT:
        on_end_of(talk, LIMI_HOLDER(node, limi_participant, exit));
        break;
    case LIMI_NODE_VISIT:
        limi_participant_visit(LIMI_HOLDER(node, limi_participant, visit));
        break;
    case LIMI_NODE_NEWS:
        on_news(talk, LIMI_HOLDER(node, limi_message, node));
        break;
    case LIMI_NODE_NUDGE:
        on_nudge(talk);
        break;
    case LIMI_NODE_CLOSE_QUIETLY:
        on_quiet_close(talk);
        break;
    case LIMI_NODE_BARRIER: {
        limi_request *barrier = LIMI_HOLDER(node, limi_request, node);
        limi_waiter_done(&barrier->waiter);
        limi_request_drop(barrier);
        break;
    }
    case LIMI_NODE_CLOSE:
        on_close(talk, LIMI_HOLDER(node, limi_request, node));
        break;
    case LIMI_NODE_SENT:
    default:
        limi_talk_on_sent(talk, LIMI_HOLDER(node, limi_request, node));
        break;
    }
}

void limi_talk_on_due(void *self)
{
    limi_talk *talk = self;
    limi_mutex_lock(&talk->lock);
    talk->due_ns = INT64_MAX; /* as the actor has it, or has had: the step that follows sets what is due */
    limi_mutex_unlock(&talk->lock);
    limi_talk_pass_deadline(talk);
}

void limi_talk_pass_deadline(limi_talk *talk)
{
    limi_event event = {.kind = LIMI_EVENT_DEADLINE, .now_ns = limi_clock_monotonic()};
    limi_talk_step(talk, &event);
}

void limi_talk_begin_close(limi_talk *talk, liminal_deadline deadline, bool awaited)
{
    limi_event event = {.kind = LIMI_EVENT_CLOSING, .deadline = deadline, .awaited = awaited};
    limi_mailbox_close(&talk->actor.mailbox); /* first: what is accepted is in the mailbox by then */
    limi_talk_step(talk, &event);
}

void limi_talk_close_quietly(limi_talk *talk, liminal_deadline deadline)
{
    limi_talk_begin_close(talk, deadline, false);
    if (limi_u32_exchange(&talk->quiet_close_posted, 1) == 0) {
        (void)limi_actor_post(&talk->actor, &talk->quiet_close, LIMI_CLASS_CONTROL, LIMI_ASSIST_BRIEF, NULL, NULL);
    }
}

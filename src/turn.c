/* SPDX-License-Identifier: MIT */
/* turn.c -- what happens in a conversation: an event, a step of the rules, its effects.
 *
 * Steps are serialised by talk->lock; whoever has an event takes the step and performs its effects
 * after the lock is released. Only the turn forwards requests, so they keep their order. A step can
 * make the conversation final only once, so what belongs to the end is performed once.
 *
 * The end, in order: no more sends and a free name, before the lock is released, so that nobody sees
 * the end without them; everyone who waits is woken; participants are told to stop; then the embedder's
 * code: the span's collector, the exit notices; then the nudge, which dismisses in a turn what only a
 * turn may touch; then those who wait for the close. With the nudge and the last exit handled nobody can
 * post any more but callers, and the mailbox is sealed. */
#include "talk.h"

#include "detail.h"
#include "scope.h"

/* ---- effects ---- */

static limi_request *request_of(limi_list *hop)
{
    return LIMI_HOLDER(LIMI_HOLDER(hop, limi_ticket, hop), limi_request, ticket);
}

static void let_go(limi_talk *talk, limi_list *settled)
{
    limi_list *node;
    while ((node = limi_list_pop(settled)) != NULL) {
        limi_request *request = request_of(node);
        if (request->placed) {
            limi_quota_release(&talk->quota, request->bytes);
        }
        if (request->ticket.decided) {
            limi_waiter_done(&request->waiter);
        }
        limi_request_drop(request);
    }
}

static void stop_everyone(limi_talk *talk)
{
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        limi_participant_stop(&talk->participants[i]);
    }
}

static void announce_end(limi_talk *talk, liminal_status cause)
{
    limi_frame frame = {.turn = talk, .supervisor = talk->supervisor};
    limi_frame_enter(&frame);
    limi_ignore(liminal_span_finish(talk->span, cause == LIMINAL_ECLOSED ? LIMINAL_OK : cause, NULL)); /* once */
    limi_process_announce(talk->supervisor, &talk->process);
    limi_frame_leave(&frame);
    /* Only now: until this is handled the mailbox can't be sealed, and no shutdown overtakes a callback. */
    (void)limi_actor_post(&talk->actor, &talk->nudge, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
}

static void perform(limi_talk *talk, limi_effects *effects, liminal_status cause)
{
    limi_list *node;
    if (effects->closing) {
        limi_quota_disturb(&talk->quota);
    }
    let_go(talk, &effects->settled);
    if (effects->final) {
        stop_everyone(talk);
    }
    while ((node = limi_list_pop(&effects->forward)) != NULL) {
        limi_request *request = LIMI_HOLDER(LIMI_HOLDER(node, limi_ticket, way), limi_request, ticket);
        limi_participant_forward(&talk->participants[request->ticket.seat], request);
    }
    if (effects->final) {
        announce_end(talk, cause);
    }
    let_go(talk, &effects->closed);
}

/* Callers wait on their own, and some are unknown to the rules: their tickets are still in the mailbox,
 * behind an inline behaviour that does not return. They have to look again when the conversation has
 * ended, or means to end at another time. With the lock held. */
static void disturb_sleepers(limi_talk *talk)
{
    limi_list *node;
    for (node = talk->sleepers.next; node != &talk->sleepers; node = node->next) {
        limi_waiter_disturb(&LIMI_HOLDER(node, limi_request, sleeper)->waiter);
    }
}

/* It has ended: its name and its place are free, its actor is dead. */
static void give_up_place(limi_talk *talk, liminal_status cause)
{
    liminal_supervisor *supervisor = talk->supervisor;
    liminal_exit_reason reason = {LIMINAL_EXIT_NORMAL, 0};
    if (cause != LIMINAL_ECLOSED) {
        reason = (liminal_exit_reason){LIMINAL_EXIT_ERROR, (int32_t)cause};
    }
    limi_mutex_lock(&supervisor->lock);
    limi_registry_remove_name(supervisor, talk);
    talk->over = true;
    limi_mutex_unlock(&supervisor->lock);
    limi_supervisor_conversation_over(supervisor);
    (void)limi_process_mark(supervisor, &talk->process, reason, liminal_time_now(), limi_clock_monotonic());
}

/* The participant's share of what is to be forwarded, taken under the lock: as soon as that is
 * released another thread's step may end the conversation, and with it the rules' share. */
static void share_with_participants(limi_effects *effects)
{
    limi_list *node;
    for (node = effects->forward.next; node != &effects->forward; node = node->next) {
        (void)limi_request_ref(LIMI_HOLDER(LIMI_HOLDER(node, limi_ticket, way), limi_request, ticket));
    }
}

void limi_talk_step(limi_talk *talk, limi_event *event)
{
    limi_effects effects;
    liminal_status cause;
    const char *text;
    int64_t due;
    limi_effects_init(&effects);
    event->now = liminal_time_now();
    limi_mutex_lock(&talk->lock);
    limi_step(&talk->dialogue, event, &effects);
    share_with_participants(&effects);
    if (effects.closing) { /* under the lock: who has seen the end does not get a send accepted after it */
        limi_mailbox_close(&talk->actor.mailbox);
    }
    cause = limi_dialogue_refusal(&talk->dialogue, &text);
    limi_u32_store(&talk->target, talk->dialogue.target);
    due = limi_dialogue_due(&talk->dialogue).ns;
    if (due != talk->due_ns) { /* under the lock, so that the last one told is the last one decided */
        talk->due_ns = due;
        limi_actor_set_due(&talk->actor, due);
        disturb_sleepers(talk);
    }
    if (effects.final) { /* under the lock, so that nobody sees the end before the name is free */
        give_up_place(talk, cause);
        disturb_sleepers(talk);
    }
    limi_mutex_unlock(&talk->lock);
    perform(talk, &effects, cause);
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
    limi_frame frame = {.participant = p, .turn = p->talk, .supervisor = p->talk->supervisor};
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
    limi_event event = {.kind = LIMI_EVENT_EXITED, .seat = p->seat, .reason = p->reason, .seen = p->seen};
    limi_talk_step(talk, &event);
    if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
        limi_frame frame = {.turn = talk, .supervisor = talk->supervisor};
        limi_frame_enter(&frame);
        limi_process_announce(talk->supervisor, &p->process);
        limi_frame_leave(&frame);
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

static void on_request(limi_talk *talk, limi_request *request, uint32_t kind)
{
    limi_event event = {.ticket = &request->ticket};
    if (kind == LIMI_NODE_SENT) {
        event.kind = LIMI_EVENT_SENT;
        limi_talk_step(talk, &event); /* the conversation's share of the request is the rules' now */
        return;
    }
    if (kind == LIMI_NODE_CLOSE) {
        event.kind = LIMI_EVENT_CLOSE;
        limi_talk_step(talk, &event);
        return;
    }
    event.kind = kind == LIMI_NODE_ANSWERED ? LIMI_EVENT_ANSWERED : LIMI_EVENT_UNBEGUN;
    event.reply = request->answer;
    request->answer = NULL;
    limi_talk_step(talk, &event);
    liminal_envelope_drop(&event.reply);
    limi_request_drop(request); /* the participant's share */
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
    default:
        on_request(talk, LIMI_HOLDER(node, limi_request, node), kind);
        break;
    }
}

void limi_talk_on_due(void *self)
{
    limi_talk *talk = self;
    limi_mutex_lock(&talk->lock);
    talk->due_ns = INT64_MAX; /* as the actor has it now */
    limi_mutex_unlock(&talk->lock);
    limi_talk_pass_deadline(talk);
}

void limi_talk_pass_deadline(limi_talk *talk)
{
    limi_event event = {.kind = LIMI_EVENT_DEADLINE, .now_ns = limi_clock_monotonic()};
    limi_talk_step(talk, &event);
}

void limi_talk_begin_close(limi_talk *talk, liminal_deadline deadline)
{
    limi_event event = {.kind = LIMI_EVENT_CLOSING, .deadline = deadline};
    limi_mailbox_close(&talk->actor.mailbox); /* first: what is accepted is in the mailbox by then */
    limi_talk_step(talk, &event);
}

void limi_talk_close_quietly(limi_talk *talk, liminal_deadline deadline)
{
    limi_talk_begin_close(talk, deadline);
    if (limi_u32_exchange(&talk->quiet_close_posted, 1) == 0) {
        (void)limi_actor_post(&talk->actor, &talk->quiet_close, LIMI_CLASS_CONTROL, LIMI_ASSIST_BRIEF, NULL, NULL);
    }
}

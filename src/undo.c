/* SPDX-License-Identifier: MIT */
/* undo.c -- compensation: what was done in a conversation is undone, the last step first.
 *
 *   talk->undoing   0 --the rules say compensate--> ASKED --the actor's thread--> BUSY --nothing left--> 0
 *                   BUSY --what it calls ends the thread--> ASKED, and the next thread goes on behind it
 *
 * The rules keep the list of steps and say which comes next, or that the time is over; the actor's own
 * thread makes them, one at a time, outside any turn and with no lock held. Meanwhile turns are run by
 * whoever has the duty. If a step does not return, the conversation fails at its deadline all the same,
 * seen to by whoever waits for it, and the thread finds that out when the step returns. */
#include "detail.h"
#include "scope.h"
#include "talk.h"

enum { NONE, ASKED, BUSY };

/* Of one with the policy "compensate". */
static limi_remedy *remedy_of(const limi_talk *talk)
{
    return LIMI_HOLDER(talk->dialogue.compensation, limi_remedy, rules);
}

liminal_status limi_talk_undo_with(void *self, liminal_envelope **step,
                                   liminal_status (*undo)(void *self, const liminal_envelope *step), void *undo_self)
{
    limi_talk *talk = self;
    liminal_status st = limi_supervisor_here(talk->supervisor);
    limi_words words;
    limi_undo *made;
    if (st != LIMINAL_OK) {
        return st;
    }
    if (talk->dialogue.policy != LIMINAL_CRASH_COMPENSATE) {
        return limi_detail(LIMINAL_EINVAL, "the conversation's policy is not to compensate");
    }
    made = limi_allocate(limi_talk_allocator(talk), sizeof *made);
    if (made == NULL) {
        return LIMINAL_ENOMEM;
    }
    made->what = *step;
    made->undo = undo;
    made->self = undo_self;
    limi_mutex_lock(&talk->lock);
    st = limi_dialogue_refusal(&talk->dialogue, &words);
    if (st == LIMINAL_OK) {
        limi_list_append(&remedy_of(talk)->rules.undos, &made->link);
        *step = NULL;
    } else {
        (void)limi_detail(st, "%s", words.text);
    }
    limi_mutex_unlock(&talk->lock);
    if (st != LIMINAL_OK) {
        limi_release(limi_talk_allocator(talk), made, sizeof *made);
    }
    return st;
}

static void free_undo(limi_talk *talk, limi_undo *undo)
{
    if (undo != &remedy_of(talk)->last) {
        liminal_envelope_drop(&undo->what);
        limi_release(limi_talk_allocator(talk), undo, sizeof *undo);
    }
}

void limi_talk_free_undos(limi_talk *talk)
{
    limi_list *node;
    while (talk->dialogue.compensation != NULL && (node = limi_list_pop(&remedy_of(talk)->rules.undos)) != NULL) {
        free_undo(talk, LIMI_HOLDER(node, limi_undo, link));
    }
}

void limi_talk_begin_compensation(limi_talk *talk)
{
    limi_u32_store(&talk->undoing, ASKED);
    limi_actor_call(&talk->actor);
}

typedef struct last {
    limi_talk *talk;
    liminal_snapshot *snapshot;
    liminal_status status;
} last;

static void call_last(void *argument)
{
    last *l = argument;
    l->status = remedy_of(l->talk)->compensate(remedy_of(l->talk)->self, l->snapshot);
}

/* It has ended its thread. */
static void last_unwound(void *argument)
{
    liminal_snapshot_drop(&((last *)argument)->snapshot);
}

/* Without memory for a snapshot it is called without one: undoing matters more. */
static liminal_status make_last(limi_talk *talk)
{
    last l = {.talk = talk};
    limi_mutex_lock(&talk->lock);
    limi_ignore(liminal_state_snapshot(talk->dialogue.state, &l.snapshot));
    limi_mutex_unlock(&talk->lock);
    limi_thread_guard(call_last, last_unwound, &l);
    liminal_snapshot_drop(&l.snapshot);
    return l.status;
}

static liminal_status make(limi_talk *talk, const limi_undo *undo, liminal_deadline deadline)
{
    limi_frame frame = {.turn = talk, .supervisor = talk->supervisor}; /* it can't wait for this conversation */
    limi_scope *scope = limi_scope_here();
    limi_scope outer = *scope;
    liminal_status st;
    scope->trace = talk->span.context;
    scope->request = undo->what;
    scope->deadline = deadline;
    if (undo->what != NULL) {
        scope->trace = liminal_envelope_read(undo->what).trace;
    }
    limi_frame_enter(&frame);
    st = undo == &remedy_of(talk)->last ? make_last(talk) : undo->undo(undo->self, undo->what);
    limi_frame_leave(&frame);
    *scope = outer;
    return st;
}

void limi_talk_undo_unwound(limi_talk *talk)
{
    if (limi_u32_load(&talk->undoing) == BUSY) {
        limi_talk_begin_compensation(talk);
    }
}

void limi_talk_compensate(limi_talk *talk)
{
    /* Of the one that ended its thread, if there is one. */
    limi_event event = {.kind = LIMI_EVENT_UNDO, .status = LIMINAL_EEXIT};
    if (limi_u32_load(&talk->undoing) != ASKED) {
        return;
    }
    limi_u32_store(&talk->undoing, BUSY);
    for (;;) {
        liminal_deadline deadline;
        limi_talk_step(talk, &event);
        if (remedy_of(talk)->made != NULL) {
            free_undo(talk, remedy_of(talk)->made); /* only now, for until the step the rules may still name it */
        }
        remedy_of(talk)->made = event.undo;
        if (remedy_of(talk)->made == NULL) {
            break;
        }
        limi_mutex_lock(&talk->lock);
        deadline = remedy_of(talk)->rules.deadline;
        limi_mutex_unlock(&talk->lock);
        event = (limi_event){.kind = LIMI_EVENT_UNDO, .status = make(talk, remedy_of(talk)->made, deadline)};
    }
    limi_u32_store(&talk->undoing, NONE);
}

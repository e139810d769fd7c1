/* SPDX-License-Identifier: MIT */
/* participant_exit.c -- a participant as a process: how its death is made known, and how it hears of others'.
 * What runs it is in participant.c, where its states are. */
#include "participant.h"

#include "scope.h"
#include "talk.h"

static limi_participant *of(limi_process *process)
{
    return LIMI_HOLDER(process, limi_participant, process);
}

static void ref(limi_process *process)
{
    limi_talk_ref(process->talk);
}

static void unref(limi_process *process)
{
    limi_talk_unref(process->talk);
}

limi_message *limi_participant_first_news(const limi_participant *p)
{
    return limi_list_empty(&p->news) ? NULL : LIMI_HOLDER(p->news.next, limi_message, place);
}

/* It will not be told any more: `stopping` is set. */
static void forget_news(limi_participant *p)
{
    limi_message *message;
    do {
        limi_mutex_lock(&p->talk->lock);
        message = limi_participant_first_news(p);
        if (message != NULL) {
            limi_list_remove(&message->place);
        }
        limi_mutex_unlock(&p->talk->lock);
        limi_message_drop(p->talk->supervisor, message);
    } while (message != NULL);
}

static void died(limi_process *process)
{
    limi_participant *p = of(process);
    limi_talk *talk = p->talk;
    limi_event event = {.kind = LIMI_EVENT_EXITED, .seat = p->seat, .reason = process->exit.reason};
    limi_u32_store(&p->stopping, 1);
    forget_news(p);
    limi_supervisor_participants(talk->supervisor, 0, 1);
    if (limi_u32_load(&p->disowned) != 0) {
        return; /* it was never there */
    }
    event.seen = process->exit.seen;
    event.now_ns = process->exit.seen_ns.ns;
    limi_talk_step(talk, &event);
    limi_participant_ring(p, LIMI_RING_STOP);
}

static void announce(limi_process *process)
{
    limi_participant *p = of(process);
    limi_process_announce(p->talk->supervisor, process);
    limi_u32_store(&p->mourned, 1);
    if (limi_u32_load(&p->disowned) != 0) {
        return;
    }
    if (limi_participant_has_thread(p)) {
        limi_bell_ring(&p->engine->bell, LIMI_RING_STOP); /* its thread may be waiting for this */
    }
    p->exit.kind = LIMI_NODE_EXIT;
    if (limi_scope_here()->ending == p && limi_process_is_announced_last()) {
        limi_scope_here()->ending = NULL;
        return;
    }
    (void)limi_actor_post(&p->talk->actor, &p->exit, LIMI_CLASS_CONTROL, LIMI_ASSIST_NONE, NULL, NULL);
}

const limi_process_kind limi_participant_kind = {
    .ref = ref, .unref = unref, .died = died, .announce = announce, .deliver = limi_talk_deliver};
const limi_process_kind limi_program_kind = {.ref = ref, .unref = unref, .died = died, .announce = announce};

/* ---- the exits of others ---- */

/* It comes behind the requests that lie at the seat now. Dead or stopping: died() clears the list after it has set
 * `stopping`, under the same lock. */
void limi_participant_news(limi_participant *p, limi_message *message)
{
    limi_talk *talk = p->talk;
    bool wanted;
    limi_mutex_lock(&talk->lock);
    wanted = limi_u32_load(&p->stopping) == 0;
    if (wanted) {
        message->behind = talk->dialogue.seated + 1;
        limi_list_append(&p->news, &message->place);
    }
    limi_mutex_unlock(&talk->lock);
    if (!wanted) {
        limi_message_drop(talk->supervisor, message);
    } else if (p->kind == LIMINAL_PARTICIPANT_INLINE) {
        limi_participant_attend(p);
    } else {
        limi_participant_ring(p, LIMI_RING_NEWS);
    }
}

/* SPDX-License-Identifier: MIT */
/* spawn.c -- starting a conversation: all of it, or nothing. */
#include "config.h"
#include "detail.h"
#include "handle.h"
#include "supervisor.h"
#include "talk.h"

/* ---- the actor's thread ---- */

static void actor_live(void *argument)
{
    limi_talk *talk = argument;
    limi_actor_live(&talk->actor);
}

/* An inline behaviour ended this thread: it has handed the turn over, to this very thread. */
static void actor_unwound(void *argument)
{
    limi_thread_guard(actor_live, actor_unwound, argument);
    limi_talk_leave_thread(argument);
}

static void actor_body(void *argument)
{
    limi_thread_guard(actor_live, actor_unwound, argument);
    limi_talk_leave_thread(argument);
}

static liminal_status start_actor(limi_talk *talk, size_t stack_bytes)
{
    const char *name = talk->name[0] != '\0' ? talk->name : "liminal";
    return limi_talk_start_thread(talk, &talk->plan, name, stack_bytes, actor_body, talk);
}

/* ---- all or nothing ---- */

typedef struct crew {
    size_t threads;    /* that were reserved: one for the actor, one for each threaded participant */
    size_t behaviours; /* threaded and inline participants */
} crew;

static crew count(const liminal_config *config)
{
    crew c = {1, 0};
    size_t i;
    for (i = 0; i < config->participant_count; i++) {
        c.threads += config->participants[i].kind == LIMINAL_PARTICIPANT_THREAD;
        c.behaviours += config->participants[i].kind != LIMINAL_PARTICIPANT_WATCHED;
    }
    return c;
}

/* Begin the conversation; the rules may hear of a watched one's exit from now on. */
static liminal_status activate(limi_talk *talk)
{
    liminal_status st;
    limi_mutex_lock(&talk->lock);
    st = liminal_state_move(talk->state, LIMINAL_PHASE_ACTIVE);
    talk->due_ns = talk->deadline.ns;
    limi_actor_set_due(&talk->actor, talk->deadline.ns);
    limi_mutex_unlock(&talk->lock);
    return st;
}

/* Start everyone; on failure end those who were started, and say how many threads count themselves out. */
static liminal_status start_all(limi_talk *talk, size_t stack_bytes, size_t *launched)
{
    liminal_status st = LIMINAL_OK;
    uint32_t i, started = 0;
    while (st == LIMINAL_OK && started < talk->participant_count) {
        st = limi_participant_start(&talk->participants[started], stack_bytes);
        started += st == LIMINAL_OK;
    }
    if (st || (st = activate(talk)) || (st = start_actor(talk, stack_bytes))) {
        for (i = 0; i < talk->participant_count; i++) {
            *launched += talk->participants[i].launched;
        }
        for (i = 0; i < started; i++) {
            limi_participant_disown(&talk->participants[i]);
        }
    }
    return st;
}

static liminal_status spawn_reserved(liminal_supervisor *supervisor, const liminal_config *config, crew c,
                                     liminal_conversation **out)
{
    liminal_conversation *conversation;
    limi_talk *talk;
    size_t launched = 0;
    size_t stack_bytes = config->stack_bytes != 0 ? config->stack_bytes : supervisor->stack_bytes;
    liminal_status st = limi_talk_create(supervisor, config, &talk);
    if (st != LIMINAL_OK) {
        limi_supervisor_unreserve(supervisor, c.threads);
        return st;
    }
    st = liminal_conversation_open(&limi_talk_backend, talk, &supervisor->allocator, &conversation);
    if (st == LIMINAL_OK) {
        limi_supervisor_participants(supervisor, c.behaviours, 0);
        st = start_all(talk, stack_bytes, &launched);
        if (st != LIMINAL_OK) {
            limi_supervisor_participants(supervisor, 0, c.behaviours);
            limi_handle_discard(conversation);
        }
    }
    if (st != LIMINAL_OK) {
        limi_supervisor_unreserve(supervisor, c.threads - launched);
        limi_talk_unref(talk);
        return st;
    }
    limi_mutex_lock(&supervisor->lock);
    talk->handle = conversation;
    limi_mutex_unlock(&supervisor->lock);
    limi_actor_open(&talk->actor);
    *out = conversation;
    return LIMINAL_OK;
}

liminal_status liminal_supervisor_spawn(liminal_supervisor *supervisor, const liminal_config *config,
                                        liminal_conversation **out)
{
    liminal_config copy;
    liminal_status st;
    crew c;
    if (supervisor == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", supervisor == NULL ? "supervisor" : "out");
    }
    if ((st = limi_supervisor_here(supervisor)) || (st = limi_config_take(&copy, config, &supervisor->allocator))) {
        return st;
    }
    c = count(&copy);
    st = limi_supervisor_reserve(supervisor, c.threads);
    return st != LIMINAL_OK ? st : spawn_reserved(supervisor, &copy, c, out);
}

liminal_status liminal_supervisor_spawn_behaviour(liminal_supervisor *supervisor, const liminal_behaviour *behaviour,
                                                  void *self, liminal_crash_policy on_crash,
                                                  liminal_conversation **out)
{
    const liminal_participant participant = {.behaviour = behaviour, .self = self};
    const liminal_config config = {
        LIMINAL_OPS(liminal_config),
        .participants = &participant,
        .participant_count = 1,
        .on_crash = on_crash,
    };
    return liminal_supervisor_spawn(supervisor, &config, out);
}

/* ---- the ask pattern ---- */

liminal_status liminal_supervisor_ask_until(liminal_supervisor *supervisor, const liminal_behaviour *behaviour,
                                            void *self, liminal_envelope **request, liminal_envelope **out_reply,
                                            liminal_deadline deadline)
{
    liminal_conversation *conversation = NULL;
    liminal_status st;
    if (request == NULL || *request == NULL || out_reply == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", out_reply == NULL ? "out_reply" : "request");
    }
    st = liminal_supervisor_spawn_behaviour(supervisor, behaviour, self, LIMINAL_CRASH_FAIL, &conversation);
    if (st != LIMINAL_OK) {
        return st;
    }
    st = liminal_conversation_ask(conversation, request, out_reply, deadline);
    liminal_conversation_drop(&conversation); /* closes it, and waits for nothing */
    return st;
}

liminal_status liminal_supervisor_ask(liminal_supervisor *supervisor, const liminal_behaviour *behaviour, void *self,
                                      liminal_envelope **request, liminal_envelope **out_reply)
{
    return liminal_supervisor_ask_until(supervisor, behaviour, self, request, out_reply,
                                        liminal_deadline_in_ms(LIMINAL_DEFAULT_ASK_MS));
}

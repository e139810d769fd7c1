/* SPDX-License-Identifier: MIT */
/* spawn.c -- starting a conversation: all of it, or nothing. */
#include "config.h"
#include "detail.h"
#include "handle.h"
#include "scope.h"
#include "supervisor.h"
#include "talk.h"

/* ---- the actor's thread ---- */

static void actor_live(void *argument)
{
    limi_talk *talk = argument;
    limi_actor_live(&talk->actor);
}

/* When an inline behaviour ends this thread it has handed the turn over, to this very thread. */
static void actor_body(void *argument)
{
    limi_thread_guard(actor_live, actor_body, argument);
    limi_talk_leave_thread(argument);
}

static liminal_status start_actor(limi_talk *talk, size_t stack_bytes)
{
    const char *name = talk->name[0] != '\0' ? talk->name : "liminal";
    return limi_talk_start_thread(talk, &talk->plan, name, stack_bytes, actor_body, talk);
}

/* ---- all or nothing ---- */

typedef struct spawning {
    liminal_supervisor *supervisor;
    limi_talk *talk;
    liminal_conversation *conversation;
    size_t threads;    /* that were reserved: one for the actor, one for each threaded participant */
    size_t behaviours; /* threaded and inline participants */
    size_t stack_bytes;
    uint32_t started; /* participants */
    liminal_status status;
} spawning;

static spawning plan_for(liminal_supervisor *supervisor, const liminal_config *config)
{
    spawning s = {.supervisor = supervisor, .threads = 1};
    size_t i;
    for (i = 0; i < config->participant_count; i++) {
        s.threads += config->participants[i].kind == LIMINAL_PARTICIPANT_THREAD;
        s.behaviours += config->participants[i].kind != LIMINAL_PARTICIPANT_WATCHED;
    }
    s.stack_bytes = config->stack_bytes != 0 ? config->stack_bytes : supervisor->stack_bytes;
    return s;
}

static void start_all(void *argument)
{
    spawning *s = argument;
    liminal_status st = LIMINAL_OK;
    while (st == LIMINAL_OK && s->started < s->talk->participant_count) {
        st = limi_participant_start(&s->talk->participants[s->started], s->stack_bytes);
        s->started += st == LIMINAL_OK;
    }
    s->status = st == LIMINAL_OK ? start_actor(s->talk, s->stack_bytes) : st;
}

/* End those who were started; their threads count themselves out. */
static void undo(void *argument)
{
    spawning *s = argument;
    uint32_t i;
    for (i = 0; i < s->talk->participant_count; i++) {
        s->threads -= s->talk->participants[i].launched;
    }
    for (i = 0; i < s->started; i++) {
        limi_participant_disown(&s->talk->participants[i]);
    }
    limi_supervisor_participants(s->supervisor, 0, s->behaviours);
    limi_handle_discard(s->conversation);
    limi_supervisor_unreserve(s->supervisor, s->threads);
    limi_talk_unref(s->talk);
}

/* An inline start() has ended the spawning thread. */
static void spawn_unwound(void *argument)
{
    limi_scope_unwound();
    undo(argument);
}

static liminal_status spawn_reserved(spawning *s, const liminal_config *config, liminal_conversation **out)
{
    liminal_supervisor *supervisor = s->supervisor;
    liminal_status st = limi_talk_create(supervisor, config, &s->talk);
    if (st != LIMINAL_OK) {
        limi_supervisor_unreserve(supervisor, s->threads);
        return st;
    }
    st = liminal_conversation_open(&limi_talk_backend, s->talk, &supervisor->allocator, &s->conversation);
    if (st != LIMINAL_OK) {
        limi_supervisor_unreserve(supervisor, s->threads);
        limi_talk_unref(s->talk);
        return st;
    }
    limi_supervisor_participants(supervisor, s->behaviours, 0);
    limi_thread_guard(start_all, spawn_unwound, s);
    if (s->status != LIMINAL_OK) {
        undo(s);
        return s->status;
    }
    limi_mutex_lock(&supervisor->lock);
    s->talk->handle = s->conversation;
    limi_mutex_unlock(&supervisor->lock);
    limi_actor_open(&s->talk->actor);
    *out = s->conversation;
    return LIMINAL_OK;
}

liminal_status liminal_supervisor_spawn(liminal_supervisor *supervisor, const liminal_config *config,
                                        liminal_conversation **out)
{
    liminal_config copy;
    liminal_status st;
    spawning s;
    if (supervisor == NULL || out == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s: NULL", supervisor == NULL ? "supervisor" : "out");
    }
    if ((st = limi_supervisor_here(supervisor)) || (st = limi_config_take(&copy, config, &supervisor->allocator))) {
        return st;
    }
    s = plan_for(supervisor, &copy);
    st = limi_supervisor_reserve(supervisor, s.threads);
    return st != LIMINAL_OK ? st : spawn_reserved(&s, &copy, out);
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
    liminal_behaviour copy;
    liminal_conversation *conversation = NULL;
    liminal_status st;
    if (supervisor == NULL || request == NULL || *request == NULL || out_reply == NULL) {
        return limi_detail(LIMINAL_EINVAL, "supervisor, request or out_reply: NULL");
    }
    st = limi_behaviour_take(&copy, behaviour, "behaviour");
    if (st != LIMINAL_OK) {
        return st;
    }
    st = liminal_supervisor_spawn_behaviour(supervisor, &copy, self, LIMINAL_CRASH_FAIL, &conversation);
    if (st != LIMINAL_OK) {
        copy.release(self); /* the caller could not tell whether it still has to */
        return st;
    }
    st = liminal_conversation_ask(conversation, request, out_reply, deadline);
    /* At once, so that its place is free; that fails only where the drop, which follows, does as well. */
    limi_ignore(liminal_conversation_close(conversation, liminal_deadline_passed()));
    liminal_conversation_drop(&conversation);
    return st;
}

liminal_status liminal_supervisor_ask(liminal_supervisor *supervisor, const liminal_behaviour *behaviour, void *self,
                                      liminal_envelope **request, liminal_envelope **out_reply)
{
    return liminal_supervisor_ask_until(supervisor, behaviour, self, request, out_reply,
                                        liminal_deadline_in_ms(LIMINAL_DEFAULT_ASK_MS));
}

/* SPDX-License-Identifier: MIT */
/* spawn.c -- starting a conversation: all of it, or nothing. */
#include "config.h"
#include "detail.h"
#include "scope.h"
#include "supervisor.h"
#include "talk.h"

/* ---- all or nothing ---- */

typedef struct spawning {
    const liminal_config *config;
    liminal_supervisor *supervisor;
    limi_talk *talk;
    size_t threads;    /* that were reserved: one for the actor, one for each threaded participant */
    size_t behaviours; /* participants that are not just watched */
    size_t stack_bytes;
    uint32_t started; /* participants */
    liminal_status status;
} spawning;

static spawning plan_for(liminal_supervisor *supervisor, const liminal_config *config)
{
    spawning s = {.config = config, .supervisor = supervisor, .threads = 1};
    size_t i;
    for (i = 0; i < config->participant_count; i++) {
        s.threads += limi_kind_has_thread(config->participants[i].kind);
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
        st = limi_participant_start(&s->talk->participants[s->started], &s->config->participants[s->started],
                                    s->stack_bytes);
        s->started += st == LIMINAL_OK;
    }
    s->status = st == LIMINAL_OK ? limi_talk_start_actor(s->talk, s->stack_bytes) : st;
}

/* From here on each `self` is its participant's. Who was killed before this may be waiting for it. */
static void settle(limi_talk *talk)
{
    uint32_t i;
    limi_u32_store(&talk->settled, 1);
    for (i = 0; i < talk->participant_count; i++) {
        limi_participant_settle(&talk->participants[i]);
    }
}

/* End those who were started; their threads count themselves out. */
static void undo(void *argument)
{
    spawning *s = argument;
    uint32_t i;
    for (i = 0; i < s->talk->participant_count; i++) {
        s->threads -= s->talk->participants[i].launched;
    }
    limi_talk_never_was(s->talk);
    for (i = 0; i < s->started; i++) {
        limi_participant_disown(&s->talk->participants[i]);
    }
    limi_mutex_lock(&s->supervisor->lock);
    limi_supervisor_conversation_over(s->supervisor, s->talk); /* unless a shutdown has ended it */
    limi_mutex_unlock(&s->supervisor->lock);
    limi_supervisor_unreserve(s->supervisor, 0, s->threads);
    limi_talk_unref(s->talk);
}

/* An inline start() has ended the spawning thread. */
static void spawn_unwound(void *argument)
{
    limi_scope_unwound();
    undo(argument);
}

/* Until now a failure could have given their `self` back to the caller. */
static void let_programs_speak(limi_talk *talk)
{
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        if (talk->participants[i].kind == LIMINAL_PARTICIPANT_PROGRAM) {
            limi_participant_ring(&talk->participants[i], LIMI_RING_GO);
        }
    }
}

static liminal_status spawn_reserved(spawning *s, liminal_conversation **out)
{
    liminal_supervisor *supervisor = s->supervisor;
    liminal_status st;
    limi_supervisor_participants(supervisor, s->behaviours, 0); /* first, for they may be killed as soon as they are */
    st = limi_talk_create(supervisor, s->config, &s->talk);
    if (st != LIMINAL_OK) {
        limi_supervisor_participants(supervisor, 0, s->behaviours);
        limi_supervisor_unreserve(supervisor, 1, s->threads);
        return st;
    }
    limi_thread_guard(start_all, spawn_unwound, s);
    if (s->status != LIMINAL_OK) {
        undo(s);
        return s->status;
    }
    limi_mutex_lock(&supervisor->lock);
    s->talk->has_handle = true;
    limi_mutex_unlock(&supervisor->lock);
    settle(s->talk);
    limi_actor_open(&s->talk->actor);
    let_programs_speak(s->talk);
    *out = &s->talk->handle;
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
    return st != LIMINAL_OK ? st : spawn_reserved(&s, out);
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

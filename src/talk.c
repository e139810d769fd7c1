/* SPDX-License-Identifier: MIT */
/* talk.c -- the life of a conversation: memory, registration, owners. */
#include "talk.h"

#include "config.h"
#include "detail.h"
#include "later.h"
#include "scope.h"
#include "text.h"

/* ---- its block: the talk and its participants, the seats, the state; a remedy, engines and an entry for its name,
 * where they are wanted; then the texts. All but the last begin where everything may. ---- */

#define ALIGNMENT 8

_Static_assert(_Alignof(limi_seat) <= ALIGNMENT && _Alignof(liminal_state) <= ALIGNMENT &&
                   _Alignof(limi_remedy) <= ALIGNMENT && _Alignof(limi_named) <= ALIGNMENT &&
                   _Alignof(limi_engine) <= ALIGNMENT && sizeof(limi_participant) % ALIGNMENT == 0,
               "what follows is aligned");

static size_t aligned(size_t size)
{
    return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

static size_t block_size(const liminal_config *config)
{
    size_t size = sizeof(limi_talk) + config->participant_count * sizeof(limi_participant);
    size_t i;
    size += aligned(config->participant_count * sizeof(limi_seat));
    size += aligned(limi_state_size(config->participant_count));
    size += config->on_crash == LIMINAL_CRASH_COMPENSATE ? aligned(sizeof(limi_remedy)) : 0;
    size += config->name != NULL ? aligned(sizeof(limi_named)) : 0;
    size += limi_text_room(config->name);
    for (i = 0; i < config->participant_count; i++) {
        size += limi_kind_has_thread(config->participants[i].kind) ? aligned(sizeof(limi_engine)) : 0;
        size += limi_text_room(config->participants[i].name);
    }
    return size;
}

static void *take_room(char **room, size_t size)
{
    void *taken = *room;
    *room += aligned(size);
    return taken;
}

static void lay_out(limi_talk *talk, const liminal_config *config)
{
    char *room = (char *)&talk->participants[talk->participant_count];
    limi_dialogue *d = &talk->dialogue;
    uint32_t i;
    d->seats = take_room(&room, talk->participant_count * sizeof(limi_seat));
    d->state = take_room(&room, limi_state_size(talk->participant_count));
    if (config->on_crash == LIMINAL_CRASH_COMPENSATE) {
        d->compensation = &((limi_remedy *)take_room(&room, sizeof(limi_remedy)))->rules;
    }
    if (config->name != NULL) {
        talk->named = take_room(&room, sizeof(limi_named));
        talk->named->talk = talk;
    }
    for (i = 0; i < talk->participant_count; i++) {
        if (limi_kind_has_thread(config->participants[i].kind)) {
            talk->participants[i].engine = take_room(&room, sizeof(limi_engine));
        }
    }
    d->state->name = limi_text_lay(config->name, "", &room);
    for (i = 0; i < talk->participant_count; i++) {
        d->state->statuses[i].name = limi_text_lay(config->participants[i].name, "participant", &room);
    }
}

/* ---- its making ---- */

static void seat_participants(limi_talk *talk, const liminal_config *config)
{
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        const liminal_participant *spec = &config->participants[i];
        limi_participant *p = &talk->participants[i];
        limi_seat *seat = &talk->dialogue.seats[i];
        p->talk = talk;
        p->seat = i;
        p->kind = spec->kind;
        p->self = spec->self;
        limi_participant_init(p);
        if (spec->kind == LIMINAL_PARTICIPANT_PROGRAM) {
            liminal_program program;
            limi_ignore(limi_program_take(&program, spec->program, "program")); /* checked already */
            p->behaviour.release = program.release;
            p->engine->patience_ns = limi_later(program.close_patience_ns, program.term_patience_ns);
        } else if (spec->kind != LIMINAL_PARTICIPANT_WATCHED) {
            limi_ignore(limi_behaviour_take(&p->behaviour, spec->behaviour, "behaviour")); /* the same */
        }
        talk->has_inline |= spec->kind == LIMINAL_PARTICIPANT_INLINE;
        talk->ends_long |= spec->kind == LIMINAL_PARTICIPANT_INLINE && !limi_behaviour_releases_nothing(&p->behaviour);
        seat->answers = spec->kind != LIMINAL_PARTICIPANT_WATCHED;
        seat->inlined = spec->kind == LIMINAL_PARTICIPANT_INLINE;
    }
}

static void give_pids(limi_talk *talk, const liminal_config *config)
{
    liminal_supervisor *supervisor = talk->supervisor;
    uint32_t i;
    limi_mutex_lock(&supervisor->lock);
    limi_process_init(&talk->life->process, limi_registry_new_pid(supervisor), &limi_life_kind, talk);
    limi_u64_init(&talk->pid, talk->life->process.exit.pid.value);
    for (i = 0; i < talk->participant_count; i++) {
        limi_participant *p = &talk->participants[i];
        bool ours = p->kind != LIMINAL_PARTICIPANT_WATCHED;
        limi_process_init(&p->process, ours ? limi_registry_new_pid(supervisor) : config->participants[i].pid,
                          p->kind == LIMINAL_PARTICIPANT_PROGRAM ? &limi_program_kind : &limi_participant_kind, talk);
        p->process.traps = p->behaviour.exited != NULL;
        talk->dialogue.state->statuses[i].pid = p->process.exit.pid;
    }
    limi_mutex_unlock(&supervisor->lock);
}

/* With the supervisor's lock held, in a long loop: others may come in now and then. */
static void let_others_in(liminal_supervisor *supervisor, uint32_t i) LIMI_REQUIRES(supervisor->lock)
{
    if (i % LIMI_STEPS_AT_ONCE == LIMI_STEPS_AT_ONCE - 1) {
        limi_supervisor_let_in(supervisor);
    }
}

static liminal_status add_everyone(limi_talk *talk, liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock)
{
    liminal_status st;
    uint32_t i;
    talk->life->process.latent = true;
    st = limi_registry_add(supervisor, &talk->life->process);
    for (i = 0; i < talk->participant_count && st == LIMINAL_OK; i++) {
        limi_participant *p = &talk->participants[i];
        if (p->kind != LIMINAL_PARTICIPANT_WATCHED) {
            p->process.latent = true;
            st = limi_registry_add(supervisor, &p->process);
        }
        let_others_in(supervisor, i);
    }
    return st;
}

static void show_everyone(limi_talk *talk, liminal_supervisor *supervisor) LIMI_REQUIRES(supervisor->lock)
{
    uint32_t i;
    talk->life->process.latent = false;
    for (i = 0; i < talk->participant_count; i++) {
        talk->participants[i].process.latent = false;
        let_others_in(supervisor, i);
    }
}

/* Put everyone into the registry, and let them be seen once nothing can go wrong. From here on others can find
 * the conversation, and a shutdown can tell it to close, though its turns are held until the spawn is done. */
static liminal_status enlist(limi_talk *talk)
{
    liminal_supervisor *supervisor = talk->supervisor;
    liminal_status st;
    limi_mutex_lock(&supervisor->lock);
    st = add_everyone(talk, supervisor);
    /* Looked at under the lock under which a shutdown goes through the list: it finds this, or this
     * finds that it has begun. */
    if (st == LIMINAL_OK && supervisor->closing) {
        st = limi_detail(LIMINAL_ECLOSED, "the supervisor is shutting down");
    }
    if (st == LIMINAL_OK && talk->named != NULL) {
        st = limi_registry_add_name(supervisor, talk);
    }
    if (st == LIMINAL_OK) {
        limi_list_append(&supervisor->talks, &talk->siblings);
        show_everyone(talk, supervisor);
    }
    limi_mutex_unlock(&supervisor->lock);
    return st;
}

/* They are dead, or were never seen. */
static void delist(limi_talk *talk)
{
    liminal_supervisor *supervisor = talk->supervisor;
    limi_life *life;
    uint32_t i = 0;
    limi_mutex_lock(&supervisor->lock);
    limi_list_remove(&talk->siblings);
    limi_registry_remove_name(supervisor, talk);
    for (life = talk->life; life != NULL; life = life->before) {
        limi_registry_remove(supervisor, &life->process);
        let_others_in(supervisor, i++);
    }
    for (i = 0; i < talk->participant_count; i++) {
        limi_registry_remove(supervisor, &talk->participants[i].process);
        let_others_in(supervisor, i);
    }
    limi_mutex_unlock(&supervisor->lock);
}

static void set_remedy(limi_talk *talk, const liminal_config *config)
{
    limi_remedy *remedy = LIMI_HOLDER(talk->dialogue.compensation, limi_remedy, rules);
    remedy->rules.within_ns = config->compensate_timeout_ns;
    remedy->compensate = config->compensate;
    remedy->self = config->compensate_self;
    limi_list_init(&remedy->rules.undos);
    limi_list_init(&remedy->last.link);
    if (config->compensate != NULL) {
        limi_list_append(&remedy->rules.undos, &remedy->last.link);
    }
}

static void set_rules(limi_talk *talk, const liminal_config *config)
{
    limi_dialogue *d = &talk->dialogue;
    limi_compensation *compensation = d->compensation; /* the room for it */
    liminal_deadline deadline =
        config->timeout_ns > 0 ? liminal_deadline_in_ns(config->timeout_ns) : liminal_deadline_never();
    limi_state_init(d->state, config, liminal_time_now(), deadline, limi_talk_allocator(talk));
    limi_ignore(liminal_state_move(d->state, LIMINAL_PHASE_ACTIVE)); /* it was created */
    limi_dialogue_init(d, d->state, config->on_crash, d->seats, talk->participant_count, deadline);
    d->most_unasked = config->mailbox_messages;
    d->most_unasked_bytes = config->mailbox_bytes;
    d->intensity.most = config->restarts == LIMINAL_NO_RESTARTS ? 0 : config->restarts;
    d->intensity.window_ns = config->restart_window_ns;
    d->compensation = compensation;
    if (compensation != NULL) {
        set_remedy(talk, config);
    }
    limi_u32_init(&talk->target, d->target);
}

static void begin_span(limi_talk *talk, const liminal_config *config)
{
    const liminal_collector *collector = &talk->supervisor->collector;
    const char *name = limi_talk_name(talk);
    limi_span_begin(&talk->span, name[0] != '\0' ? name : "conversation",
                    config->parent != NULL ? config->parent : &limi_scope_here()->trace,
                    collector->size != 0 ? collector : NULL);
}

static void actor_ref(void *self)
{
    limi_talk_ref(self);
}

static void actor_unref(void *self)
{
    limi_talk_unref(self);
}

static const limi_actor_kind actor_kind = {
    .handle = limi_talk_handle,
    .on_due = limi_talk_on_due,
    .on_call = limi_talk_on_call,
    .begin = limi_talk_begin_actor,
    .forgo = limi_talk_forgo_actor,
    .ref = actor_ref,
    .unref = actor_unref,
};

static void init_parts(limi_talk *talk, const liminal_config *config)
{
    limi_refcount_init(&talk->owners);
    limi_quota_init(&talk->quota, config->mailbox_messages, config->mailbox_bytes);
    limi_stock_init(&talk->stock, limi_talk_allocator(talk));
    limi_actor_init(&talk->actor, true);
    talk->actor.self = talk;
    talk->actor.kind = &actor_kind;
    talk->actor.pinned = config->dispatch == LIMINAL_DISPATCH_PINNED;
    talk->actor.heavy = talk->has_inline;
    limi_mutex_init(&talk->lock);
    limi_list_init(&talk->siblings);
    limi_u32_init(&talk->quiet_close_posted, 0);
    limi_list_init(&talk->sleepers);
    limi_u32_init(&talk->settled, 0);
    limi_spinner_init(&talk->asking);
    limi_spinner_init(&talk->receiving);
    limi_u32_init(&talk->renew, 0);
    limi_u32_init(&talk->undoing, 0);
    limi_u64_init(&talk->hurry_ns, (uint64_t)INT64_MAX);
    talk->may_stall = talk->has_inline || config->on_crash == LIMINAL_CRASH_COMPENSATE;
    talk->nudge.kind = LIMI_NODE_NUDGE;
    talk->quiet_close.kind = LIMI_NODE_CLOSE_QUIETLY;
    talk->due_ns = talk->dialogue.deadline.ns;
    limi_actor_set_due(&talk->actor, talk->due_ns);
    talk->outstanding = talk->participant_count + 1;
}

liminal_status limi_talk_create(liminal_supervisor *supervisor, const liminal_config *config, limi_talk **out)
{
    const liminal_allocator *allocator = &supervisor->allocator;
    size_t block = block_size(config);
    limi_talk *talk = limi_allocate(allocator, block);
    liminal_status st;
    if (talk == NULL) {
        return LIMINAL_ENOMEM;
    }
    limi_supervisor_ref(supervisor);
    talk->supervisor = supervisor;
    talk->block = block;
    talk->participant_count = (uint32_t)config->participant_count;
    talk->life = &talk->first_life;
    talk->overflow = config->overflow;
    lay_out(talk, config);
    seat_participants(talk, config);
    give_pids(talk, config);
    set_rules(talk, config);
    init_parts(talk, config);
    limi_handle_init(&talk->handle, &limi_talk_backend, talk);
    begin_span(talk, config);
    st = enlist(talk);
    if (st != LIMINAL_OK) {
        limi_talk_unref(talk);
        return st;
    }
    *out = talk;
    return LIMINAL_OK;
}

bool limi_talk_try_ref(limi_talk *talk)
{
    return limi_refcount_up_unless_zero(&talk->owners);
}

void limi_talk_ref(limi_talk *talk)
{
    limi_refcount_up(&talk->owners);
}

static void never_was(limi_talk *talk, limi_process *process)
{
    (void)limi_process_end(talk->supervisor, process, (liminal_exit_reason){LIMINAL_EXIT_NOPROC, 0});
}

/* Under the conversation's lock, under which a kill goes from one life to the next: either it finds this one dead, or
 * this finds the next one. */
static void end_life(limi_talk *talk)
{
    liminal_supervisor *supervisor = talk->supervisor;
    const liminal_exit_reason none = {LIMINAL_EXIT_NOPROC, 0};
    limi_process *life;
    bool first;
    limi_mutex_lock(&talk->lock);
    life = &talk->life->process;
    first = limi_process_mark(supervisor, life, none, limi_clock_both());
    limi_mutex_unlock(&talk->lock);
    if (first) {
        limi_process_mourn(supervisor, life);
    }
}

void limi_talk_never_was(limi_talk *talk)
{
    uint32_t i;
    for (i = 0; i < talk->participant_count; i++) {
        limi_u32_store(&talk->participants[i].disowned, 1);
    }
    for (i = 0; i < talk->participant_count; i++) {
        if (talk->participants[i].kind != LIMINAL_PARTICIPANT_WATCHED) {
            never_was(talk, &talk->participants[i].process);
        }
    }
    end_life(talk);
}

static void free_lives(limi_talk *talk)
{
    while (talk->life != &talk->first_life) {
        limi_life *life = talk->life;
        talk->life = life->before;
        limi_release(limi_talk_allocator(talk), life, sizeof *life);
    }
}

/* No turn was ever run: the spawn has failed. */
static void forget_news(limi_talk *talk)
{
    limi_node *node = limi_mailbox_take(&talk->actor.mailbox);
    while (node != NULL) {
        limi_node *next = node->next;
        if (node->kind == LIMI_NODE_NEWS) {
            limi_message_drop(talk->supervisor, LIMI_HOLDER(node, limi_message, node));
        }
        node = next;
    }
}

static void destroy(limi_talk *talk)
{
    liminal_supervisor *supervisor = talk->supervisor;
    limi_list *node;
    uint32_t i;
    if (limi_u32_load(&talk->settled) == 0) {
        forget_news(talk);
    }
    delist(talk);
    free_lives(talk);
    while ((node = limi_list_pop(&talk->dialogue.replies)) != NULL) {
        limi_request_drop(LIMI_HOLDER(LIMI_HOLDER(node, limi_ticket, link), limi_request, ticket));
    }
    limi_talk_free_undos(talk);
    limi_talk_free_restarts(talk);
    limi_state_clear(talk->dialogue.state);
    if (talk->own != NULL) {
        limi_request_renew(talk->own, LIMI_TICKET_ASK, NULL, 1);
        limi_request_drop(talk->own);
    }
    for (i = 0; i < talk->participant_count; i++) {
        limi_participant_destroy(&talk->participants[i]);
    }
    limi_stock_clear(&talk->stock); /* last of what may let go of requests */
    limi_actor_destroy(&talk->actor);
    limi_quota_destroy(&talk->quota);
    limi_mutex_destroy(&talk->lock);
    limi_release(limi_talk_allocator(talk), talk, talk->block);
    limi_supervisor_unref(supervisor);
}

void limi_talk_unref(limi_talk *talk)
{
    if (limi_refcount_down(&talk->owners)) {
        destroy(talk);
    }
}

/* ---- its threads ---- */

liminal_status limi_talk_start_thread(limi_talk *talk, limi_job *job, const char *name, size_t stack_bytes,
                                      void (*body)(void *argument), void *argument, bool keep)
{
    liminal_status st;
    job->plan.name = name;
    job->plan.stack_bytes = stack_bytes;
    job->supervisor = talk->supervisor;
    job->body = body;
    job->argument = argument;
    limi_talk_ref(talk);
    st = keep ? limi_pool_keep(job) : limi_pool_start(job);
    if (st != LIMINAL_OK) {
        limi_talk_unref(talk);
        return limi_detail(st, "%s: the system refuses a thread of %zu bytes", name, stack_bytes);
    }
    return LIMINAL_OK;
}

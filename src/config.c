/* SPDX-License-Identifier: MIT */
/* config.c -- taking in what an embedder says a conversation is to be. */
#include "config.h"

#include "detail.h"
#include "memory.h"
#include "sort.h"
#include "text.h"

#include <stdio.h>

#define FEW 16 /* participants whose index fits on the stack */

static liminal_status start_at_once(void *self)
{
    (void)self;
    return LIMINAL_OK;
}

bool limi_behaviour_starts_at_once(const liminal_behaviour *behaviour)
{
    return behaviour->start == start_at_once;
}

static void release_nothing(void *self)
{
    (void)self;
}

bool limi_behaviour_releases_nothing(const liminal_behaviour *behaviour)
{
    return behaviour->release == release_nothing;
}

liminal_status limi_behaviour_take(liminal_behaviour *to, const liminal_behaviour *from, const char *what)
{
    liminal_behaviour mine;
    liminal_status st = limi_table_take(&mine, sizeof mine, LIMI_LEAST(liminal_behaviour, exited), from, what);
    if (st != LIMINAL_OK) {
        return st;
    }
    if (mine.answer == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s.answer: required", what);
    }
    mine.size = sizeof mine;
    mine.start = mine.start != NULL ? mine.start : start_at_once;
    mine.release = mine.release != NULL ? mine.release : release_nothing;
    *to = mine; /* exited() stays NULL where it was: who has none does not trap */
    return LIMINAL_OK;
}

static liminal_status check_program(const liminal_program *program, const char *what)
{
    if (program->argv == NULL || program->argv[0] == NULL) {
        return limi_detail(LIMINAL_EINVAL, "%s.argv: required", what);
    }
    if (program->framing < LIMINAL_FRAMING_LINE || program->framing > LIMINAL_FRAMING_CONTENT_LENGTH) {
        return limi_detail(LIMINAL_EINVAL, "%s.framing: %d is not a framing", what, (int)program->framing);
    }
    if (program->pairing < LIMINAL_PAIRING_IN_ORDER || program->pairing > LIMINAL_PAIRING_NONE) {
        return limi_detail(LIMINAL_EINVAL, "%s.pairing: %d is not a pairing", what, (int)program->pairing);
    }
    if (program->errors < LIMINAL_STDERR_HOST || program->errors > LIMINAL_STDERR_CALLBACK) {
        return limi_detail(LIMINAL_EINVAL, "%s.errors: %d is no place for them", what, (int)program->errors);
    }
    if (program->close_patience_ns < 0 || program->term_patience_ns < 0) {
        return limi_detail(LIMINAL_EINVAL, "%s.%s: negative", what,
                           program->close_patience_ns < 0 ? "close_patience_ns" : "term_patience_ns");
    }
    if ((program->pairing == LIMINAL_PAIRING_BY_FUNCTION) != (program->answers != NULL)) {
        return limi_detail(LIMINAL_EINVAL, "%s.answers: with LIMINAL_PAIRING_BY_FUNCTION, and only then", what);
    }
    if ((program->errors == LIMINAL_STDERR_CALLBACK) != (program->on_stderr != NULL)) {
        return limi_detail(LIMINAL_EINVAL, "%s.on_stderr: with LIMINAL_STDERR_CALLBACK, and only then", what);
    }
    return LIMINAL_OK;
}

liminal_status limi_program_take(liminal_program *to, const liminal_program *from, const char *what)
{
    liminal_program mine;
    liminal_status st = limi_table_take(&mine, sizeof mine, LIMI_LEAST(liminal_program, release), from, what);
    if (st == LIMINAL_OK) {
        st = check_program(&mine, what);
    }
    if (st != LIMINAL_OK) {
        return st;
    }
    mine.size = sizeof mine;
    mine.frame_bytes = mine.frame_bytes != 0 ? mine.frame_bytes : LIMINAL_DEFAULT_FRAME_BYTES;
    mine.close_patience_ns = mine.close_patience_ns != 0 ? mine.close_patience_ns : LIMINAL_DEFAULT_PATIENCE_NS;
    mine.term_patience_ns = mine.term_patience_ns != 0 ? mine.term_patience_ns : LIMINAL_DEFAULT_PATIENCE_NS;
    mine.release = mine.release != NULL ? mine.release : release_nothing;
    *to = mine;
    return LIMINAL_OK;
}

static liminal_status check_choices(const liminal_config *config)
{
    /* Zero is refused on purpose: what a crash means is for the embedder to say. */
    if (config->on_crash == LIMINAL_CRASH_UNSET) {
        return limi_detail(LIMINAL_EINVAL, "config.on_crash: unset; it has no default");
    }
    if ((unsigned)config->on_crash > LIMINAL_CRASH_COMPENSATE) { /* it may be negative where an enum can be */
        return limi_detail(LIMINAL_EINVAL, "config.on_crash: %d is not a policy", (int)config->on_crash);
    }
    if (config->mode != LIMINAL_MODE_EPHEMERAL && config->mode != LIMINAL_MODE_DURABLE) {
        return limi_detail(LIMINAL_EINVAL, "config.mode: %d is not a mode", (int)config->mode);
    }
    if (config->dispatch != LIMINAL_DISPATCH_ASSISTED && config->dispatch != LIMINAL_DISPATCH_PINNED) {
        return limi_detail(LIMINAL_EINVAL, "config.dispatch: %d is not a dispatch", (int)config->dispatch);
    }
    if (config->overflow != LIMINAL_OVERFLOW_REFUSE && config->overflow != LIMINAL_OVERFLOW_WAIT) {
        return limi_detail(LIMINAL_EINVAL, "config.overflow: %d is not an overflow", (int)config->overflow);
    }
    return LIMINAL_OK;
}

static liminal_status check_values(const liminal_config *config)
{
    if (config->name != NULL) {
        liminal_status st = limi_text_check(config->name, LIMINAL_NAME_BYTES, false, "config.name", NULL);
        if (st != LIMINAL_OK) {
            return st;
        }
    }
    if (config->parent != NULL && !liminal_trace_valid(config->parent)) {
        return limi_detail(LIMINAL_EINVAL, "config.parent: an id is all zero");
    }
    if (config->timeout_ns < 0 || config->compensate_timeout_ns < 0 || config->restart_window_ns < 0) {
        return limi_detail(LIMINAL_EINVAL, "config.%s: negative",
                           config->timeout_ns < 0              ? "timeout_ns"
                           : config->compensate_timeout_ns < 0 ? "compensate_timeout_ns"
                                                               : "restart_window_ns");
    }
    if (config->restarts > LIMINAL_RESTARTS_MOST && config->restarts != LIMINAL_NO_RESTARTS) {
        return limi_detail(LIMINAL_EINVAL, "config.restarts: %u is more than %d", (unsigned)config->restarts,
                           LIMINAL_RESTARTS_MOST);
    }
    if (config->compensate != NULL && config->on_crash != LIMINAL_CRASH_COMPENSATE) {
        return limi_detail(LIMINAL_EINVAL, "config.compensate: only with LIMINAL_CRASH_COMPENSATE");
    }
    if (config->participants == NULL && config->participant_count != 0) {
        return limi_detail(LIMINAL_EINVAL, "config.participants: NULL with a count of %zu", config->participant_count);
    }
    if (config->participant_count > LIMI_PARTICIPANTS_MOST) {
        return limi_detail(LIMINAL_ELIMIT, "config.participant_count: %zu is more than %d", config->participant_count,
                           LIMI_PARTICIPANTS_MOST);
    }
    return LIMINAL_OK;
}

static liminal_status check_one(const liminal_participant *participant, const char *name, const char *behaviour)
{
    liminal_behaviour table;
    liminal_program program;
    if (participant->name != NULL) {
        liminal_status st = limi_text_check(participant->name, LIMINAL_NAME_BYTES, false, name, NULL);
        if (st != LIMINAL_OK) {
            return st;
        }
    }
    if (participant->kind == LIMINAL_PARTICIPANT_WATCHED) {
        return LIMINAL_OK;
    }
    if (participant->kind == LIMINAL_PARTICIPANT_PROGRAM) {
        return limi_program_take(&program, participant->program, behaviour);
    }
    return limi_behaviour_take(&table, participant->behaviour, behaviour);
}

static liminal_status check_participant(const liminal_participant *participant, size_t index)
{
    char name[64];
    char behaviour[64];

    if (participant->kind < LIMINAL_PARTICIPANT_THREAD || participant->kind > LIMINAL_PARTICIPANT_PROGRAM) {
        return limi_detail(LIMINAL_EINVAL, "config.participants[%zu].kind: %d is not a kind", index,
                           (int)participant->kind);
    }
    if (check_one(participant, "name", "behaviour") == LIMINAL_OK) {
        return LIMINAL_OK;
    }
    /* Once more, to say which one it is: formatting that for every sound one would cost more than the check. */
    (void)snprintf(name, sizeof name, "config.participants[%zu].name", index);
    (void)snprintf(behaviour, sizeof behaviour, "config.participants[%zu].%s", index,
                   participant->kind == LIMINAL_PARTICIPANT_PROGRAM ? "program" : "behaviour");
    return check_one(participant, name, behaviour);
}

/* Who a participant is: a process that is watched, or a behaviour with its `self`. */
typedef struct identity {
    uint64_t kind, what, self;
} identity;

static identity identity_of(const liminal_participant *participant)
{
    if (participant->kind == LIMINAL_PARTICIPANT_WATCHED) {
        return (identity){1, participant->pid.value, 0};
    }
    if (participant->kind == LIMINAL_PARTICIPANT_PROGRAM) {
        return (identity){2, (uintptr_t)participant->program, (uintptr_t)participant->self};
    }
    return (identity){0, (uintptr_t)participant->behaviour, (uintptr_t)participant->self};
}

static int order(identity a, identity b)
{
    if (a.kind != b.kind) {
        return a.kind < b.kind ? -1 : 1;
    }
    if (a.what != b.what) {
        return a.what < b.what ? -1 : 1;
    }
    return (a.self > b.self) - (a.self < b.self);
}

/* The number decides between equals, so that the detail names the earlier one first. */
static bool before(const void *things, uint16_t a, uint16_t b)
{
    const liminal_participant *participants = things;
    int by = order(identity_of(&participants[a]), identity_of(&participants[b]));
    return by != 0 ? by < 0 : a < b;
}

static liminal_status find_twice(const liminal_config *config, uint16_t *index)
{
    const liminal_participant *all = config->participants;
    size_t count = 0;

    for (size_t i = 0; i < config->participant_count; i++) {
        /* Any number may share a behaviour that keeps nothing. */
        if (all[i].kind == LIMINAL_PARTICIPANT_WATCHED || all[i].self != NULL) {
            index[count++] = (uint16_t)i;
        }
    }
    limi_sort(index, count, before, all);
    for (size_t i = 1; i < count; i++) {
        if (order(identity_of(&all[index[i - 1]]), identity_of(&all[index[i]])) == 0) {
            return limi_detail(LIMINAL_EINVAL, "config.participants[%u]: the same as participants[%u]",
                               (unsigned)index[i], (unsigned)index[i - 1]);
        }
    }
    return LIMINAL_OK;
}

static liminal_status check_twice(const liminal_config *config, const liminal_allocator *allocator)
{
    uint16_t few[FEW];
    uint16_t *index;
    size_t bytes = config->participant_count * sizeof *index;
    liminal_status st;

    if (config->participant_count <= FEW) {
        return find_twice(config, few);
    }
    index = limi_allocate(allocator, bytes);
    if (index == NULL) {
        return LIMINAL_ENOMEM;
    }
    st = find_twice(config, index);
    limi_release(allocator, index, bytes);
    return st;
}

liminal_status limi_config_take(liminal_config *to, const liminal_config *from, const liminal_allocator *allocator)
{
    liminal_config mine;
    size_t least = LIMI_LEAST(liminal_config, restart_window_ns);
    liminal_status st = limi_table_take(&mine, sizeof mine, least, from, "config");

    if (st == LIMINAL_OK) {
        st = check_choices(&mine);
    }
    if (st == LIMINAL_OK) {
        st = check_values(&mine);
    }
    for (size_t i = 0; st == LIMINAL_OK && i < mine.participant_count; i++) {
        st = check_participant(&mine.participants[i], i);
    }
    if (st == LIMINAL_OK) {
        st = check_twice(&mine, allocator);
    }
    if (st != LIMINAL_OK) {
        return st;
    }
    mine.size = sizeof mine;
    mine.mailbox_messages = mine.mailbox_messages != 0 ? mine.mailbox_messages : LIMINAL_DEFAULT_MAILBOX_MESSAGES;
    mine.mailbox_bytes = mine.mailbox_bytes != 0 ? mine.mailbox_bytes : LIMINAL_DEFAULT_MAILBOX_BYTES;
    mine.log_entries = mine.log_entries != 0 ? mine.log_entries : LIMINAL_DEFAULT_LOG_ENTRIES;
    mine.compensate_timeout_ns =
        mine.compensate_timeout_ns != 0 ? mine.compensate_timeout_ns : LIMINAL_DEFAULT_COMPENSATE_NS;
    mine.restarts = mine.restarts != 0 ? mine.restarts : LIMINAL_DEFAULT_RESTARTS;
    mine.restart_window_ns = mine.restart_window_ns != 0 ? mine.restart_window_ns : LIMINAL_DEFAULT_RESTART_WINDOW_NS;
    *to = mine;
    return LIMINAL_OK;
}

liminal_status liminal_config_check(const liminal_config *config)
{
    liminal_config mine;
    return limi_config_take(&mine, config, liminal_allocator_default());
}

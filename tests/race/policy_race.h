/* SPDX-License-Identifier: MIT */
/* policy_race.h -- what the races of policies and kills share: conversations with one or two participants, and a second
 * thread that does one thing at its moment. */
#ifndef TEST_POLICY_RACE_H
#define TEST_POLICY_RACE_H

#include "race/race.h"

static const liminal_participant_kind race_kinds[2] = {LIMINAL_PARTICIPANT_THREAD, LIMINAL_PARTICIPANT_INLINE};

/* Answers with its name. */
static inline liminal_status race_name(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)request;
    *out_reply = race_say(self);
    return LIMINAL_OK;
}

static const liminal_behaviour race_naming = {LIMINAL_OPS(liminal_behaviour), .answer = race_name};

/* Two participants of one kind, "a" and "b". */
static inline liminal_conversation *race_spawn_two(liminal_supervisor *supervisor, liminal_participant_kind kind,
                                                   liminal_config config)
{
    static char names[2][2] = {"a", "b"};
    const liminal_participant people[2] = {
        {.kind = kind, .behaviour = &race_naming, .self = names[0], .name = "first"},
        {.kind = kind, .behaviour = &race_naming, .self = names[1], .name = "second"}};
    liminal_conversation *conversation = NULL;
    config.size = sizeof config;
    config.participants = people;
    config.participant_count = 2;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &conversation), LIMINAL_OK);
    return conversation;
}

/* How often a kind of entry is in the log, and where the last one is. */
static inline size_t race_log_count(liminal_conversation *conversation, liminal_log_kind kind, size_t *last)
{
    liminal_snapshot *snapshot = NULL;
    size_t count = 0;
    *last = 0;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    for (size_t i = 0; i < liminal_snapshot_read(snapshot).log_count; i++) {
        liminal_log_entry entry;
        assert_int_equal(liminal_snapshot_entry(snapshot, i, &entry), LIMINAL_OK);
        if (entry.kind == kind) {
            count++;
            *last = i;
        }
    }
    liminal_snapshot_drop(&snapshot);
    return count;
}

/* Kills a process, or whoever is the actor at that moment. */
typedef struct race_killer {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation; /* NULL: `pid` */
    liminal_pid pid;
    race_line *line;
    int64_t moment;
    test_thread thread;
} race_killer;

static inline void race_kill(void *argument)
{
    race_killer *k = argument;
    race_cross(k->line, k->moment);
    if (k->conversation != NULL) {
        k->pid = liminal_conversation_pid(k->conversation);
    }
    (void)test_check(liminal_process_kill(k->supervisor, k->pid) == LIMINAL_OK);
}

static inline void race_start_killer(race_killer *k)
{
    test_thread_start(&k->thread, race_kill, k);
}

/* Everything of a round has ended, so that the next one may use the same memory. */
static inline void race_end_round(liminal_supervisor *supervisor, liminal_conversation **conversation)
{
    liminal_conversation_drop(conversation);
    test_until(liminal_supervisor_census(supervisor).threads == 0);
}

#endif

/* SPDX-License-Identifier: MIT */
/* operations_end.c -- the end of a sequence: everything is shut down, and then the books must balance. */
#include "operations.h"

#define LONG_MS 20000

void check_snapshot(const slot *s, const liminal_snapshot *snapshot)
{
    liminal_summary summary = liminal_snapshot_read(snapshot);
    liminal_participant_status status;
    liminal_log_entry entry;
    FUZZ_CHECK(summary.participant_count == s->seat_count);
    FUZZ_CHECK(summary.log_count <= s->log_entries);
    FUZZ_CHECK((summary.phase == LIMINAL_PHASE_FAILED) == (summary.cause != LIMINAL_OK));
    for (size_t i = 0; i < summary.participant_count; i++) {
        FUZZ_CHECK(liminal_snapshot_participant(snapshot, i, &status) == LIMINAL_OK);
        FUZZ_CHECK(status.pid.value != 0 && status.alive == (status.seen.unix_ns == 0));
    }
    FUZZ_CHECK(liminal_snapshot_participant(snapshot, summary.participant_count, &status) == LIMINAL_EINVAL);
    for (size_t i = 0; i < summary.log_count; i++) {
        bool says;
        FUZZ_CHECK(liminal_snapshot_entry(snapshot, i, &entry) == LIMINAL_OK);
        says = entry.kind == LIMINAL_LOG_SENT || entry.kind == LIMINAL_LOG_RECEIVED;
        FUZZ_CHECK(!says || read_words(entry.envelope).serial < SAYINGS);
        FUZZ_CHECK((entry.kind == LIMINAL_LOG_FAILED) <= (summary.phase == LIMINAL_PHASE_FAILED));
    }
    FUZZ_CHECK(liminal_snapshot_entry(snapshot, summary.log_count, &entry) == LIMINAL_EINVAL);
}

/* Nobody is at work any more, and every reply was taken: each message came to exactly one end. */
static void check_counts(slot *s, const liminal_counts *counts)
{
    size_t taken = atomic_load(&s->taken), back = atomic_load(&s->back);
    uint64_t ended = counts->received + counts->withdrawn + counts->late + counts->silent + counts->unfinished;
    FUZZ_CHECK(counts->received == atomic_load(&s->heard));
    FUZZ_CHECK(counts->sent <= taken + back);
    if (!s->watched_only) { /* what those are sent is recorded, and that is all */
        FUZZ_CHECK(ended >= taken && ended <= taken + back);
    }
}

static void check_undone(size_t number, liminal_phase phase)
{
    for (size_t i = 0; i < here.step_count; i++) {
        const step *s = &here.steps[i];
        if (s->registered && s->slot == number) {
            FUZZ_CHECK(atomic_load(&s->undone) == (phase == LIMINAL_PHASE_FAILED));
        }
    }
    FUZZ_CHECK(atomic_load(&here.slots[number].undone) ==
               (here.slots[number].compensates && phase == LIMINAL_PHASE_FAILED));
}

/* It has closed or failed; replies that were there before are still to be had, and nothing else. */
static void check_over(size_t number, liminal_conversation *conversation)
{
    slot *s = &here.slots[number];
    liminal_snapshot *snapshot = NULL;
    liminal_summary summary;
    liminal_envelope *message;
    uint32_t serial;
    while (talk_receive(conversation, number, true, liminal_deadline_passed()) == LIMINAL_OK) {
    }
    FUZZ_CHECK(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    check_snapshot(s, snapshot);
    summary = liminal_snapshot_read(snapshot);
    FUZZ_CHECK(summary.phase == LIMINAL_PHASE_CLOSED || summary.phase == LIMINAL_PHASE_FAILED);
    check_counts(s, &summary.counts);
    check_undone(number, summary.phase);
    message = say(number, DEED_ECHO, 0, false, true, (liminal_deadline){0}, &serial);
    if (message != NULL) {
        liminal_status expected = summary.phase == LIMINAL_PHASE_CLOSED ? LIMINAL_ECLOSED : summary.cause;
        FUZZ_CHECK(liminal_conversation_try_send(conversation, &message) == expected);
        liminal_envelope_drop(&message);
    }
    liminal_snapshot_drop(&snapshot);
}

static size_t held(void)
{
    size_t count = 0;
    for (size_t i = 0; i < here.slot_count; i++) {
        const slot *s = &here.slots[i];
        count += s->handles[0] != NULL || s->handles[1] != NULL || s->handles[2] != NULL;
    }
    return count;
}

static void check_sayings(void)
{
    uint32_t said = atomic_load(&here.said);
    for (uint32_t i = 0; i < said && i < SAYINGS; i++) {
        const saying *s = &here.sayings[i];
        int begun = atomic_load(&s->begun);
        bool routes = s->slot < SLOTS && here.slots[s->slot].routes;
        FUZZ_CHECK(!atomic_load(&s->came_back) || begun == 0);
        FUZZ_CHECK(begun <= (routes ? SEATS : 1));
    }
}

static void check_fellow(const fellow *f)
{
    FUZZ_CHECK(atomic_load(&f->releases) == f->taken);
}

void end_world(void)
{
    liminal_report report;
    size_t holds = held();
    test_fail_nth(0);
    test_refuse_threads(0);
    FUZZ_CHECK(liminal_supervisor_shutdown(&here.supervisor, &report, liminal_deadline_in_ms(LONG_MS)) == LIMINAL_OK);
    FUZZ_CHECK(here.supervisor == NULL && report.running == 0 && report.handles == holds);
    for (size_t i = 0; i < here.slot_count; i++) {
        slot *s = &here.slots[i];
        bool looked = false;
        for (size_t h = 0; h < HANDLES; h++) {
            if (s->handles[h] != NULL && !looked) {
                check_over(i, s->handles[h]);
                looked = true;
            }
            liminal_conversation_drop(&s->handles[h]);
        }
        for (size_t f = 0; f < SEATS; f++) {
            check_fellow(&s->fellows[f]);
        }
    }
    for (size_t i = 0; i < here.wish_count; i++) {
        wish *w = &here.wishes[i];
        liminal_notice_drop(&w->notice);
        FUZZ_CHECK(atomic_load(&w->fired) == (w->cancelled ? w->fired_before : w->registered));
    }
    for (size_t i = 0; i < here.extra_count; i++) {
        check_fellow(&here.extras[i]);
    }
    check_sayings();
}

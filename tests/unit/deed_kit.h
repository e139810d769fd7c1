/* SPDX-License-Identifier: MIT */
/* deed_kit.h -- what the tests of compensation share: steps, and a ledger of what was undone. Define _GNU_SOURCE
 * before it. */
#ifndef TEST_DEED_KIT_H
#define TEST_DEED_KIT_H

#include "policy_kit.h"

/* Written by undo() and compensate(), which are called one at a time; read at a gate, or behind a close. */
typedef struct ledger {
    char undone[256]; /* the steps, with a blank behind each; "-" for the config's own */
    int count;
    long task;        /* on which thread; -1: on several */
    char thread[16];  /* its name */
    const char *holds_at, *fails_at; /* these steps; NULL: none */
    test_gate begun, go;
    void (*also)(struct ledger *self, const liminal_envelope *step); /* what else a test has it do */
    liminal_conversation *talk, *other;
    void *context;
} ledger;

static inline ledger new_ledger(void)
{
    return (ledger){.begun = TEST_GATE_INIT, .go = TEST_GATE_INIT};
}

static inline liminal_status write_off(ledger *self, const char *text, const liminal_envelope *step)
{
    size_t at = strlen(self->undone);
    long task = syscall(SYS_gettid);
    (void)snprintf(self->undone + at, sizeof self->undone - at, "%s ", text);
    self->task = self->count == 0 || self->task == task ? task : -1;
    self->count++;
    (void)pthread_getname_np(pthread_self(), self->thread, sizeof self->thread);
    if (self->also != NULL) {
        self->also(self, step);
    }
    if (self->holds_at != NULL && strcmp(self->holds_at, text) == 0) {
        test_gate_open(&self->begun);
        test_gate_wait(&self->go);
    }
    return self->fails_at != NULL && strcmp(self->fails_at, text) == 0 ? LIMINAL_EFULL : LIMINAL_OK;
}

static inline liminal_status undo(void *argument, const liminal_envelope *step)
{
    return write_off(argument, liminal_envelope_text(step), step);
}

static inline liminal_status make_good(void *argument, const liminal_snapshot *snapshot)
{
    (void)test_check(snapshot != NULL);
    return write_off(argument, "-", NULL);
}

/* On any thread: register what undoes this step. */
static inline liminal_status will_do(liminal_conversation *talk, ledger *book, const char *text)
{
    liminal_envelope *step = note(text), *before = step;
    liminal_status st = liminal_conversation_undo_with(talk, &step, undo, book);
    (void)test_check(st == LIMINAL_OK ? step == NULL : step == before);
    liminal_envelope_drop(&step);
    return st;
}

static inline liminal_config undoing_config(void)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_COMPENSATE, .name = "deeds"};
}

/* A conversation with one mortal worker, and steps that were taken in it: one letter each. */
static inline liminal_conversation *spawn_deeds(const variant *v, liminal_config config, worker *w, ledger *book,
                                                const char *steps)
{
    liminal_conversation *talk = spawn_worker(v, config, w);
    w->mortal = w->holds = true;
    for (; *steps != '\0'; steps++) {
        const char text[2] = {*steps, '\0'};
        assert_int_equal(will_do(talk, book, text), LIMINAL_OK);
    }
    book->talk = talk;
    return talk;
}

/* It ends as failed, once all that is to be undone has been; after this the ledger can be read. */
static inline void ends_failed(liminal_conversation *talk)
{
    assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
    assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
}

/* The shutdown found it being undone. An inline worker that was killed is released in a turn, which may have to stand
 * behind that, and is then named as well. */
static inline void assert_stuck_in(const liminal_report *report, const char *name)
{
    assert_true(report->running == 1 || report->running == 2);
    assert_string_equal(report->stragglers[0].name, name);
}

#endif

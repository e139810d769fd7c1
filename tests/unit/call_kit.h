/* SPDX-License-Identifier: MIT */
/* call_kit.h -- calls of talk_kit.h's conversation on threads of their own. Define _GNU_SOURCE before it. */
#ifndef TEST_CALL_KIT_H
#define TEST_CALL_KIT_H

#include "talk_kit.h"

#include <sys/syscall.h>
#include <unistd.h>

#define BRIEF_MS 50 /* passes while something is held; if it was not enough to begin that, twice as much is tried */

typedef struct call {
    test_thread thread;
    liminal_conversation *talk;
    const char *text;          /* to ask */
    liminal_envelope *message; /* to send */
    liminal_deadline deadline;
    liminal_status status;
    bool kept; /* the request is still the caller's */
    liminal_envelope *reply;
    long task;
    test_gate started, ended; /* the latter of an ask only */
} call;

static inline void start(call *self, void (*body)(void *argument))
{
    test_gate_init(&self->started);
    test_gate_init(&self->ended);
    test_thread_start(&self->thread, body, self);
    test_gate_wait(&self->started);
}

static inline void begins(call *self)
{
    self->task = syscall(SYS_gettid);
    test_gate_open(&self->started);
}

static inline void send_body(void *argument)
{
    call *self = argument;
    begins(self);
    self->status = liminal_conversation_send(self->talk, &self->message, self->deadline);
}

static inline void receive_body(void *argument)
{
    call *self = argument;
    begins(self);
    self->status = liminal_conversation_receive(self->talk, &self->reply, self->deadline);
}

static inline void ask_body(void *argument)
{
    call *self = argument;
    liminal_envelope *request = note(self->text), *before = request;
    begins(self);
    self->status = liminal_conversation_ask(self->talk, &request, &self->reply, self->deadline);
    self->kept = request == before;
    (void)test_check(self->kept || request == NULL);
    liminal_envelope_drop(&request);
    test_gate_open(&self->ended);
}

static inline void close_body(void *argument)
{
    call *self = argument;
    begins(self);
    self->status = liminal_conversation_close(self->talk, self->deadline);
}

static inline void start_asleep(call *self, void (*body)(void *argument))
{
    start(self, body);
    test_until(test_sleeps(self->task));
}

/* Also while the actor's thread is held: as it is, and not behind what was accepted. */
static inline liminal_phase phase_now(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_phase it;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_passed()), LIMINAL_OK);
    it = liminal_snapshot_read(snapshot).phase;
    liminal_snapshot_drop(&snapshot);
    return it;
}

/* A close, and on return nothing more is accepted. That it sleeps does not say so: it may wait for a lock first. */
static inline void start_closing(call *self)
{
    start(self, close_body);
    test_until(phase_now(self->talk) != LIMINAL_PHASE_ACTIVE);
}

/* An ask, and on return the behaviour is in the middle of it. */
static inline void hold(call *self, servant *whom, liminal_conversation *talk, const char *text,
                        liminal_deadline deadline)
{
    *self = (call){.talk = talk, .text = text, .deadline = deadline};
    start(self, ask_body);
    test_gate_wait(&whom->begun);
}

static inline void joined(call *self, liminal_status status)
{
    test_thread_join(&self->thread);
    assert_int_equal(self->status, status);
    if (status != LIMINAL_OK) {
        assert_null(self->reply);
    }
}

/* Whether an ask whose deadline comes by itself was begun before that. If not, it has been withdrawn, and is joined:
 * its time was not enough on this machine, at this moment. */
static inline bool is_begun(call *self, test_gate *begun)
{
    bool in_time = false;
    test_until((in_time = test_gate_try(begun)) || test_gate_try(&self->ended));
    if (!in_time && !self->kept) {
        test_gate_wait(begun); /* both came between two looks */
        in_time = true;
    }
    if (!in_time) {
        joined(self, LIMINAL_ETIMEDOUT);
    }
    return in_time;
}

/* As hold(), with a deadline that comes while it is held. Gives how often it was not begun before that. */
static inline size_t hold_briefly(call *self, servant *whom, liminal_conversation *talk, const char *text)
{
    uint32_t ms = BRIEF_MS;
    size_t in_vain = 0;
    for (;; ms *= 2, in_vain++) {
        *self = (call){.talk = talk, .text = text, .deadline = liminal_deadline_in_ms(ms)};
        start(self, ask_body);
        if (is_begun(self, &whom->begun)) {
            return in_vain;
        }
    }
}

/* It was given this. */
static inline void got(call *self, const char *text)
{
    joined(self, LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(self->reply), text);
    liminal_envelope_drop(&self->reply);
}

#endif

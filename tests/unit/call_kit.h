/* SPDX-License-Identifier: MIT */
/* call_kit.h -- calls of talk_kit.h's conversation on threads of their own. Define _GNU_SOURCE before it. */
#ifndef TEST_CALL_KIT_H
#define TEST_CALL_KIT_H

#include "talk_kit.h"

#include <sys/syscall.h>
#include <unistd.h>

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
    test_gate started;
} call;

static inline void start(call *self, void (*body)(void *argument))
{
    test_gate_init(&self->started);
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

/* It was given this. */
static inline void got(call *self, const char *text)
{
    joined(self, LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(self->reply), text);
    liminal_envelope_drop(&self->reply);
}

#endif

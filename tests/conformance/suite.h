/* SPDX-License-Identifier: MIT */
/* suite.h -- what conversation.h promises of every backend, as tests. A program per backend fills in
 * what it opens and what that can do, and runs the suite over it.
 *
 * Every envelope of the suite comes from test_allocator(), so one that a backend lost is found by the
 * teardown, if the backend's own memory is counted or not. */
#ifndef TEST_SUITE_H
#define TEST_SUITE_H

#include "support/harness.h"

#include <liminal.h>
#include <liminal/backend.h>

typedef struct suite_backend {
    const char *name; /* in front of the name of each test */
    const void *with; /* the program's own: which of its kinds this is */

    /* Open a fresh conversation. Main thread; asserts. */
    void (*open)(const struct suite_backend *backend, liminal_conversation **out);

    /* The last handle has just gone: assert that what was behind it was released, once. */
    void (*end)(const struct suite_backend *backend);

    size_t bound; /* sends that nobody has received yet; 4 at least */
    bool waits;   /* while it is full a send waits until its deadline, else it is refused */
    bool capital; /* the reply is the text in capitals; else it is the very envelope */
    bool asks;    /* ask is there; else it is ENOPROC */
    bool pid;     /* it has a pid and a trace context */

    /* It runs suite_behaviour(), with suite_handled as `self`. */
    bool behaves;
    bool aside; /* on a thread that runs nothing else */
} suite_backend;

/* Answers in capitals, on its way opening and waiting at these gates: for "hold" suite_held and then
 * suite_go. "hush" it consumes in silence, and at "die" it exits with error 42. `self` counts. */
const liminal_behaviour *suite_behaviour(void);
extern test_gate suite_held, suite_go;
typedef struct suite_count {
    size_t answered, released; /* read only once every thread has gone */
} suite_count;

/* Every test over every backend; the exit status of the program. */
int suite_run(const char *program, const suite_backend *backends, size_t count);

/* ---- for the files of the suite, and for what a program adds ---- */

typedef struct suite_case {
    const char *name;
    void (*run)(const suite_backend *backend);
    bool (*applies)(const suite_backend *backend); /* NULL: to every backend */
} suite_case;

extern const suite_case suite_talk[], suite_full[], suite_end[], suite_held_cases[]; /* a NULL name ends each */

#define suite_is(status, expected) \
    assert_string_equal(liminal_status_name(status), liminal_status_name(LIMINAL_##expected))

/* Any thread. NULL only when there is no memory, which test_check() has then noted. */
liminal_envelope *suite_envelope(const char *text);

/* A reply to `text`, as this backend makes it; and that it is one, letting go of it. Main thread. */
#define suite_answers(backend, reply, text) suite_answers_at((backend), (reply), (text), __FILE__, __LINE__)
void suite_answers_at(const suite_backend *backend, liminal_envelope **reply, const char *text, const char *file,
                      int line);
bool suite_is_answer(const suite_backend *backend, const liminal_envelope *reply, const char *text);

/* Main thread; each asserts LIMINAL_OK. */
void suite_send(liminal_conversation *talk, const char *text);
void suite_receive(const suite_backend *backend, liminal_conversation *talk, const char *text);
void suite_settle(const suite_backend *backend, liminal_conversation *talk);  /* all replies so far are there */
liminal_summary suite_look(liminal_conversation *talk);                       /* `name` and `cause_text` are "" */
void suite_finish(const suite_backend *backend, liminal_conversation **talk); /* drop, and end() */

/* A status that is not LIMINAL_OK has set a detail text. suite_forget() before the call. */
void suite_forget(void);
void suite_explained(void);

/* Main thread: every call but close and query says `expected`, takes nothing, gives nothing, waits for
 * nothing and has the same detail text, if there are no replies left. */
void suite_refused(const suite_backend *backend, liminal_conversation *talk, liminal_status expected);

/* One call on a thread of its own. */
typedef enum suite_call_kind { SUITE_SEND, SUITE_RECEIVE, SUITE_ASK, SUITE_CLOSE } suite_call_kind;
typedef struct suite_call {
    test_thread thread;
    liminal_conversation *talk;
    suite_call_kind kind;
    liminal_deadline deadline;
    liminal_envelope *message; /* SEND, ASK: made from the text; NULL once it was taken */
    liminal_envelope *reply;
    liminal_status status;
    test_gate begun;
    long task;
} suite_call;

void suite_start(suite_call *call, liminal_conversation *talk, suite_call_kind kind, const char *text,
                 liminal_deadline deadline);
void suite_await_sleep(suite_call *call); /* until it is waiting */
#define suite_join(call) test_thread_join(&(call)->thread)

#endif

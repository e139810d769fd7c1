/* SPDX-License-Identifier: MIT */
/* talk_kit.h -- what the tests of send, receive, ask, close and query share: one conversation, and a
 * behaviour that does as it is told. */
#ifndef TEST_TALK_KIT_H
#define TEST_TALK_KIT_H

#include "support/harness.h"

#include <liminal.h>

#include <stdio.h>
#include <string.h>

#define MS ((int64_t)1000000)
#define LONG liminal_deadline_in_ms(15000) /* comes only where something hangs */
#define SHORT_MS 400                       /* passes while something is held */

/* ---- what the tests are parametrised over ---------------------------------------------------- */

typedef struct variant {
    liminal_dispatch dispatch;
    liminal_participant_kind kind;
} variant;

static variant variants[] = {{LIMINAL_DISPATCH_ASSISTED, LIMINAL_PARTICIPANT_THREAD},
                             {LIMINAL_DISPATCH_ASSISTED, LIMINAL_PARTICIPANT_INLINE},
                             {LIMINAL_DISPATCH_PINNED, LIMINAL_PARTICIPANT_THREAD},
                             {LIMINAL_DISPATCH_PINNED, LIMINAL_PARTICIPANT_INLINE}};

#define WITH(fn, text, i) {#fn " (" text ")", fn, test_setup, test_teardown, &variants[i]}
#define BOTH(fn) WITH(fn, "assisted", 0), WITH(fn, "pinned", 2)
#define THREADED(fn) WITH(fn, "assisted, thread", 0), WITH(fn, "pinned, thread", 2)
#define INLINED(fn) WITH(fn, "assisted, inline", 1), WITH(fn, "pinned, inline", 3)
#define FOUR(fn) THREADED(fn), INLINED(fn)

/* ---- a supervisor and a conversation --------------------------------------------------------- */

static liminal_supervisor *house;

static inline void open_house(void)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    house = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &house), LIMINAL_OK);
}

static inline void shut(liminal_conversation **talk)
{
    liminal_report report;
    liminal_conversation_drop(talk);
    assert_int_equal(liminal_supervisor_shutdown(&house, &report, LONG), LIMINAL_OK);
    assert_null(house);
    assert_int_equal(report.handles, 0);
    assert_int_equal(report.running, 0);
}

static inline liminal_config config_of(const variant *v)
{
    return (liminal_config){LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .dispatch = v->dispatch};
}

static inline liminal_conversation *spawn(const liminal_config *config)
{
    liminal_conversation *talk = NULL;
    assert_int_equal(liminal_supervisor_spawn(house, config, &talk), LIMINAL_OK);
    return talk;
}

static inline liminal_conversation *spawn_with(liminal_config config, liminal_participant participant)
{
    config.participants = &participant;
    config.participant_count = 1;
    return spawn(&config);
}

static inline liminal_conversation *echo_talk(const variant *v)
{
    return spawn_with(config_of(v),
                      (liminal_participant){.kind = v->kind, .behaviour = liminal_behaviour_echo()});
}

/* ---- what is said in it ---------------------------------------------------------------------- */

/* On any thread. */
static inline liminal_envelope *bytes(const void *data, size_t size)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create(data, size, &options, &envelope) == LIMINAL_OK);
    return envelope;
}

static inline liminal_envelope *note(const char *text)
{
    return bytes(text, strlen(text));
}

static inline void put(liminal_conversation *talk, const char *text)
{
    liminal_envelope *message = note(text);
    assert_int_equal(liminal_conversation_send(talk, &message, LONG), LIMINAL_OK);
    assert_null(message);
}

static inline void get(liminal_conversation *talk, const char *text)
{
    liminal_envelope *reply = NULL;
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), text);
    liminal_envelope_drop(&reply);
}

static inline void get_fails(liminal_conversation *talk, liminal_deadline deadline, liminal_status status)
{
    liminal_envelope *reply = NULL;
    assert_int_equal(liminal_conversation_receive(talk, &reply, deadline), status);
    assert_null(reply);
}

/* On any thread. Any answer will do if `answer` is NULL. */
static inline liminal_status ask_until(liminal_conversation *talk, const char *text, const char *answer,
                                       liminal_deadline deadline)
{
    liminal_envelope *request = note(text), *reply = NULL;
    liminal_status status = liminal_conversation_ask(talk, &request, &reply, deadline);
    (void)test_check((reply != NULL) == (status == LIMINAL_OK));
    (void)test_check(status != LIMINAL_OK || request == NULL);
    (void)test_check(answer == NULL || strcmp(liminal_envelope_text(reply), answer) == 0);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return status;
}

static inline void ask_gives(liminal_conversation *talk, const char *text, const char *answer)
{
    liminal_envelope *request = note(text), *reply = NULL;
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
    assert_null(request);
    assert_string_equal(liminal_envelope_text(reply), answer);
    liminal_envelope_drop(&reply);
}

static inline liminal_snapshot *picture(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, LONG), LIMINAL_OK);
    assert_non_null(snapshot);
    return snapshot;
}

/* A query is a barrier too: the conversation has come to everything that was accepted before it. */
static inline liminal_summary look(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = picture(talk);
    liminal_summary summary = liminal_snapshot_read(snapshot);
    summary.name = summary.cause_text = NULL; /* borrowed */
    liminal_snapshot_drop(&snapshot);
    return summary;
}

static inline liminal_phase phase(liminal_conversation *talk)
{
    return look(talk).phase;
}

/* Whatever is called now, it says this. */
static inline void all_say(liminal_conversation *talk, liminal_status status)
{
    liminal_envelope *message = note("x"), *kept = message, *reply = NULL;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(liminal_conversation_send(talk, &message, LONG), status);
        assert_int_equal(liminal_conversation_try_send(talk, &message), status);
        assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), status);
        assert_int_equal(liminal_conversation_receive(talk, &reply, liminal_deadline_passed()), status);
        assert_int_equal(liminal_conversation_try_receive(talk, &reply), status);
        assert_int_equal(liminal_conversation_ask(talk, &message, &reply, LONG), status);
        assert_ptr_equal(message, kept);
        assert_null(reply);
    }
    liminal_envelope_drop(&message);
}

/* ---- the log --------------------------------------------------------------------------------- */

static inline liminal_log_entry entry(const liminal_snapshot *snapshot, size_t index, liminal_log_kind kind)
{
    liminal_log_entry it;
    assert_int_equal(liminal_snapshot_entry(snapshot, index, &it), LIMINAL_OK);
    assert_int_equal(it.kind, kind);
    assert_true(it.time.unix_ns > 0);
    return it;
}

/* The entry is about an envelope, and only about that. */
static inline void is_about(const liminal_snapshot *snapshot, size_t index, liminal_log_kind kind, const char *text)
{
    liminal_log_entry it = entry(snapshot, index, kind);
    assert_non_null(it.envelope);
    assert_string_equal(liminal_envelope_text(it.envelope), text);
    assert_int_equal(it.pid.value, 0);
}

/* ---- a behaviour that does as it is told ----------------------------------------------------- */

/* The plain fields are written by one call at a time, and read by others behind an answer or the shutdown. */
typedef struct servant {
    size_t answered, silent;
    test_gate begun, go; /* of what begins with "hold" */
    test_gate done;      /* opened once for each request */
    test_gate released;
    bool anew; /* it answers with "re: " and the text, not with the request itself */
    /* What else a test file has it do, first. Anything but LIMINAL_OK, or a reply, and that is all. */
    liminal_status (*also)(struct servant *self, const liminal_envelope *request, liminal_envelope **out_reply);
    liminal_conversation *own, *next;                 /* for what is called inside, and what that gave: */
    liminal_status send, receive, ask, query, close, again;
} servant;

static inline servant new_servant(void)
{
    return (servant){.begun = TEST_GATE_INIT, .go = TEST_GATE_INIT, .done = TEST_GATE_INIT, .released = TEST_GATE_INIT};
}

static inline void pause_here(servant *self)
{
    test_gate_open(&self->begun);
    test_gate_wait(&self->go);
}

/* What a behaviour makes follows what it is answering. */
static inline liminal_envelope *re(const char *text)
{
    char buffer[128];
    (void)snprintf(buffer, sizeof buffer, "re: %s", text);
    return note(buffer);
}

static inline liminal_status serve(void *argument, const liminal_envelope *request, liminal_envelope **out_reply)
{
    servant *self = argument;
    const char *text = liminal_envelope_text(request);
    liminal_status status = LIMINAL_OK;
    self->answered++;
    if (strncmp(text, "hold", 4) == 0) {
        pause_here(self);
    }
    if (self->also != NULL) {
        status = self->also(self, request, out_reply);
    }
    if (strcmp(text, "silent") == 0) {
        self->silent++;
    } else if (strcmp(text, "die") == 0 || strcmp(text, "hold and die") == 0) {
        status = LIMINAL_ELIMIT;
    } else if (status == LIMINAL_OK && *out_reply == NULL) {
        *out_reply = self->anew ? re(text) : liminal_envelope_ref(request);
    }
    test_gate_open(&self->done);
    return status;
}

static inline void let_go(void *argument)
{
    test_gate_open(&((servant *)argument)->released);
}

static const liminal_behaviour serving = {LIMINAL_OPS(liminal_behaviour), .answer = serve, .release = let_go};

static inline liminal_participant serving_as(const variant *v, servant *self)
{
    return (liminal_participant){.kind = v->kind, .behaviour = &serving, .self = self, .name = "server"};
}

static inline liminal_conversation *serving_talk(const variant *v, servant *self)
{
    return spawn_with(config_of(v), serving_as(v, self));
}

#endif

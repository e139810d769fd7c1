/* SPDX-License-Identifier: MIT */
/* suite.c -- what the cases stand on, and the program. */
#define _GNU_SOURCE

#include "suite.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* ---- the behaviour ---- */

test_gate suite_held = TEST_GATE_INIT, suite_go = TEST_GATE_INIT;

static liminal_status say(const char *text, const liminal_allocator *allocator, bool capital, liminal_envelope **out)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = allocator};
    char copy[64];
    size_t i;
    for (i = 0; i + 1 < sizeof copy && text[i] != '\0'; i++) {
        copy[i] = capital ? (char)toupper((unsigned char)text[i]) : text[i];
    }
    return liminal_envelope_create(copy, i, &options, out);
}

static liminal_status behave(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    suite_count *count = self;
    const char *text = liminal_envelope_text(request);
    liminal_status st = LIMINAL_OK;
    if (strcmp(text, "hold") == 0) {
        test_gate_open(&suite_held);
        test_gate_wait(&suite_go);
    }
    if (strcmp(text, "die") == 0) {
        st = liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_ERROR, 42});
    } else if (strcmp(text, "hush") != 0) {
        st = say(text, NULL, true, out_reply); /* not counted, so that a refusal of memory is not for here */
    }
    count->answered++;
    return st;
}

static void release(void *self)
{
    ((suite_count *)self)->released++;
}

const liminal_behaviour *suite_behaviour(void)
{
    static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = behave, .release = release};
    return &behaviour;
}

/* ---- envelopes ---- */

liminal_envelope *suite_envelope(const char *text)
{
    liminal_envelope *envelope = NULL;
    (void)test_check(say(text, test_allocator(), false, &envelope) == LIMINAL_OK);
    return envelope;
}

bool suite_is_answer(const suite_backend *backend, const liminal_envelope *reply, const char *text)
{
    const char *got = liminal_envelope_text(reply);
    size_t i, length = strlen(text);
    if (reply == NULL || liminal_envelope_size(reply) != length) {
        return false;
    }
    for (i = 0; i < length; i++) {
        if (got[i] != (backend->capital ? (char)toupper((unsigned char)text[i]) : text[i])) {
            return false;
        }
    }
    return true;
}

void suite_answers_at(const suite_backend *backend, liminal_envelope **reply, const char *text, const char *file,
                      int line)
{
    if (!suite_is_answer(backend, *reply, text)) {
        print_error("%s:%d: the reply to \"%s\" is \"%s\"\n", file, line, text, liminal_envelope_text(*reply));
        fail();
    }
    liminal_envelope_drop(reply);
}

/* ---- calls ---- */

void suite_send(liminal_conversation *talk, const char *text)
{
    liminal_envelope *message = suite_envelope(text);
    suite_is(liminal_conversation_send(talk, &message, liminal_deadline_never()), OK);
    assert_null(message);
}

void suite_receive(const suite_backend *backend, liminal_conversation *talk, const char *text)
{
    liminal_envelope *reply = NULL;
    suite_is(liminal_conversation_receive(talk, &reply, liminal_deadline_never()), OK);
    suite_answers(backend, &reply, text);
}

/* Whoever answers in order has answered what came before a question; without any questions, whatever
 * was accepted is a reply as soon as it was handled, which is what a query waits for. */
void suite_settle(const suite_backend *backend, liminal_conversation *talk)
{
    liminal_envelope *request = suite_envelope("settle");
    liminal_envelope *reply = NULL;
    if (backend->asks) {
        suite_is(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), OK);
        suite_answers(backend, &reply, "settle");
    } else {
        (void)suite_look(talk);
    }
    liminal_envelope_drop(&request);
}

liminal_summary suite_look(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_summary summary;
    suite_is(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), OK);
    assert_non_null(snapshot);
    summary = liminal_snapshot_read(snapshot);
    summary.name = summary.cause_text = "";
    liminal_snapshot_drop(&snapshot);
    assert_null(snapshot);
    return summary;
}

void suite_finish(const suite_backend *backend, liminal_conversation **talk)
{
    liminal_conversation_drop(talk);
    assert_null(*talk);
    backend->end(backend);
}

#define FORGOTTEN "reason.kind: 99 is not an exit kind"

void suite_forget(void)
{
    suite_is(liminal_process_exit((liminal_exit_reason){(liminal_exit_kind)99, 0}), EINVAL);
    assert_string_equal(liminal_status_detail(), FORGOTTEN);
}

void suite_explained(void)
{
    assert_string_not_equal(liminal_status_detail(), FORGOTTEN);
    assert_string_not_equal(liminal_status_detail(), "");
}

/* That it was refused with this, and what it said. */
static void same_refusal(liminal_status st, liminal_status expected, char *said, size_t room)
{
    assert_string_equal(liminal_status_name(st), liminal_status_name(expected));
    suite_explained();
    if (said[0] == '\0') {
        (void)snprintf(said, room, "%s", liminal_status_detail());
    }
    assert_string_equal(liminal_status_detail(), said);
    suite_forget();
}

void suite_refused(const suite_backend *backend, liminal_conversation *talk, liminal_status expected)
{
    const liminal_deadline deadlines[] = {liminal_deadline_never(), liminal_deadline_passed()};
    liminal_envelope *const nothing = suite_envelope("nothing");
    liminal_envelope *message = suite_envelope("too late"), *const mine = message, *reply = nothing;
    liminal_envelope *unused = nothing;
    char said[256] = "";
    size_t i;
    suite_forget();
    for (i = 0; i < 2; i++) {
        same_refusal(liminal_conversation_send(talk, &message, deadlines[i]), expected, said, sizeof said);
        same_refusal(liminal_conversation_receive(talk, &reply, deadlines[i]), expected, said, sizeof said);
        if (backend->asks) {
            same_refusal(liminal_conversation_ask(talk, &message, &reply, deadlines[i]), expected, said, sizeof said);
        }
        same_refusal(liminal_conversation_try_send(talk, &message), expected, said, sizeof said);
        same_refusal(liminal_conversation_try_receive(talk, &reply), expected, said, sizeof said);
        assert_ptr_equal(message, mine);
        assert_ptr_equal(reply, nothing);
    }
    liminal_envelope_drop(&message);
    liminal_envelope_drop(&unused);
}

/* ---- calls on threads of their own ---- */

static void call_body(void *argument)
{
    suite_call *call = argument;
    call->task = syscall(SYS_gettid);
    test_gate_open(&call->begun);
    switch (call->kind) {
    case SUITE_SEND:
        call->status = liminal_conversation_send(call->talk, &call->message, call->deadline);
        break;
    case SUITE_RECEIVE:
        call->status = liminal_conversation_receive(call->talk, &call->reply, call->deadline);
        break;
    case SUITE_ASK:
        call->status = liminal_conversation_ask(call->talk, &call->message, &call->reply, call->deadline);
        break;
    case SUITE_CLOSE:
    default:
        call->status = liminal_conversation_close(call->talk, call->deadline);
        break;
    }
}

void suite_start(suite_call *call, liminal_conversation *talk, suite_call_kind kind, const char *text,
                 liminal_deadline deadline)
{
    *call = (suite_call){.talk = talk, .kind = kind, .deadline = deadline};
    call->message = text != NULL ? suite_envelope(text) : NULL;
    test_gate_init(&call->begun);
    test_thread_start(&call->thread, call_body, call);
    test_gate_wait(&call->begun);
}

/* Asleep, and how often it has been put to sleep; -1: awake. */
static long sleeps(long task)
{
    char path[64], line[128], state = '?';
    long count = -1;
    FILE *file;
    (void)snprintf(path, sizeof path, "/proc/self/task/%ld/status", task);
    file = fopen(path, "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "State:", 6) == 0) {
            (void)sscanf(line + 6, " %c", &state);
        } else if (strncmp(line, "voluntary_ctxt_switches:", 24) == 0) {
            count = strtol(line + 24, NULL, 10);
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return state == 'S' ? count : -1;
}

/* A thread that sleeps for a moment only, for a lock, does not sleep as one sleep on several looks. */
static bool sleeps_soundly(long task, long *before, int *looks)
{
    long now = sleeps(task);
    *looks = now >= 0 && now == *before ? *looks + 1 : 0;
    *before = now;
    return *looks >= 5;
}

void suite_await_sleep(suite_call *call)
{
    long before = -1;
    int looks = 0;
    test_until(sleeps_soundly(call->task, &before, &looks));
}

/* ---- the program ---- */

enum { MOST = 256 };

typedef struct plan {
    const suite_backend *backend;
    void (*run)(const suite_backend *backend);
} plan;

static void run_plan(void **state)
{
    const plan *p = *state;
    p->run(p->backend);
}

int suite_run(const char *program, const suite_backend *backends, size_t count)
{
    static const suite_case *const all[] = {suite_talk, suite_full, suite_end, suite_held_cases};
    static struct CMUnitTest tests[MOST];
    static plan plans[MOST];
    static char names[MOST][96];
    size_t i, j, n = 0;
    for (i = 0; i < count; i++) {
        for (j = 0; j < sizeof all / sizeof all[0]; j++) {
            const suite_case *c;
            for (c = all[j]; c->name != NULL; c++) {
                if (c->applies != NULL && !c->applies(&backends[i])) {
                    continue;
                }
                if (n == MOST) {
                    print_error("more than %d tests\n", (int)MOST);
                    return 1;
                }
                plans[n] = (plan){&backends[i], c->run};
                (void)snprintf(names[n], sizeof names[n], "%s: %s", backends[i].name, c->name);
                tests[n] = (struct CMUnitTest){names[n], run_plan, test_setup, test_teardown, &plans[n]};
                n++;
            }
        }
    }
    return _cmocka_run_group_tests(program, tests, n, NULL, NULL);
}

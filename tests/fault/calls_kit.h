/* SPDX-License-Identifier: MIT */
/* calls_kit.h -- a call of each public function, for some place in which the library calls back, and what it is to
 * say there. What they made they let go. */
#ifndef TEST_CALLS_KIT_H
#define TEST_CALLS_KIT_H

#include "fault/place_kit.h"

#define LONG liminal_deadline_in_ms(20000) /* comes only where something hangs */
#define SOON liminal_deadline_in_ms(p->at_once ? 20000 : 1) /* comes: nothing else can */

/* While memory or something else is refused, what is checked inside a call may fail. */
static atomic_bool may_be_refused;
#define check_unless_refused(condition) ((void)test_check(atomic_load(&may_be_refused) || (condition)))

/* Where there may be no memory for another; or in a child, where a lock of the allocator's may be held for ever by a
 * thread that is not there. */
static liminal_envelope *spare;

static liminal_envelope *say(void)
{
    return spare != NULL ? liminal_envelope_ref(spare) : race_say("inside");
}

/* A callback begins inside the spawn that has not given `own` yet, where there is a name to find it by. */
static liminal_conversation *own_of(place *p)
{
    liminal_conversation *own = NULL;
    if (p->own != NULL) {
        return liminal_conversation_ref(p->own);
    }
    return liminal_supervisor_find_name(p->supervisor, "own", &own) == LIMINAL_OK ? own : NULL;
}

/* One that is an expression. */
#define CALL(name, expression)                                            \
    static liminal_status name(place *p, liminal_conversation *own)       \
    {                                                                     \
        (void)p, (void)own;                                               \
        return expression;                                                \
    }

/* ---- conversations ---- */

static liminal_status send_to(liminal_conversation *talk)
{
    liminal_envelope *message = say();
    liminal_status st = liminal_conversation_send(talk, &message, LONG);
    liminal_envelope_drop(&message);
    return st;
}

static liminal_status try_send_to(liminal_conversation *talk)
{
    liminal_envelope *message = say();
    liminal_status st = liminal_conversation_try_send(talk, &message);
    liminal_envelope_drop(&message);
    return st;
}

static liminal_status receive_from(liminal_conversation *talk, liminal_deadline deadline)
{
    liminal_envelope *reply = NULL;
    liminal_status st = liminal_conversation_receive(talk, &reply, deadline);
    liminal_envelope_drop(&reply);
    return st;
}

static liminal_status try_receive_from(liminal_conversation *talk)
{
    liminal_envelope *reply = NULL;
    liminal_status st = liminal_conversation_try_receive(talk, &reply);
    liminal_envelope_drop(&reply);
    return st;
}

static liminal_status ask_of(liminal_conversation *talk)
{
    liminal_envelope *request = say(), *reply = NULL;
    liminal_status st = liminal_conversation_ask(talk, &request, &reply, LONG);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return st;
}

static liminal_status query_of(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_status st = liminal_conversation_query(talk, &snapshot, LONG);
    liminal_snapshot_drop(&snapshot);
    return st;
}

static liminal_status undo_nothing(void *self, const liminal_envelope *step)
{
    (void)self, (void)step;
    return LIMINAL_OK;
}

static liminal_status undo_of(liminal_conversation *talk)
{
    liminal_envelope *step = say();
    liminal_status st = liminal_conversation_undo_with(talk, &step, undo_nothing, NULL);
    liminal_envelope_drop(&step);
    return st;
}

CALL(send_own, send_to(own))
CALL(try_send_own, try_send_to(own))
CALL(receive_own, receive_from(own, SOON))
CALL(try_receive_own, try_receive_from(own))
CALL(ask_own, ask_of(own))
CALL(query_own, query_of(own))
CALL(undo_own, undo_of(own))
CALL(close_own, liminal_conversation_close(own, LONG))

static liminal_status drop_own(place *p, liminal_conversation *own)
{
    liminal_conversation *more = liminal_conversation_ref(own);
    liminal_trace_context trace = liminal_conversation_trace(own);
    (void)test_check(own == NULL || liminal_trace_valid(&trace));
    (void)test_check(p->own_actor.value == 0 || liminal_conversation_pid(own).value == p->own_actor.value);
    liminal_conversation_drop(&more);
    return more == NULL ? LIMINAL_OK : LIMINAL_EINVAL;
}

CALL(send_other, send_to(p->other))
CALL(receive_other, receive_from(p->other, LONG))
CALL(try_send_other, try_send_to(p->other))
CALL(receive_other_again, receive_from(p->other, LONG))
CALL(receive_in_vain, receive_from(p->other, SOON))
CALL(ask_other, ask_of(p->other))
CALL(query_other, query_of(p->other))
CALL(undo_other, undo_of(p->other))
CALL(close_other, liminal_conversation_close(p->other, LONG))

/* ---- processes ---- */

/* Attached or not, the three agree. */
static liminal_status attach(place *p, liminal_conversation *own)
{
    liminal_pid pid = {0};
    liminal_exit exit;
    liminal_status st = liminal_thread_attach(p->supervisor, &pid), next, end;
    liminal_status unless = st == LIMINAL_EFORKED ? st : LIMINAL_EPHASE;
    (void)own;
    next = liminal_thread_next_exit(p->supervisor, &exit, SOON);
    end = liminal_thread_detach(p->supervisor);
    (void)test_check(next == (st == LIMINAL_OK ? LIMINAL_ETIMEDOUT : unless));
    (void)test_check(end == (st == LIMINAL_OK ? st : unless));
    return st;
}

static liminal_status watch(place *p, liminal_conversation *own)
{
    liminal_pid pid = {0};
    (void)own;
    return liminal_os_process_watch(p->supervisor, getpid(), &pid);
}

CALL(link_own, liminal_process_link(p->supervisor, p->own_part, p->other_actor))
CALL(linked_own, liminal_process_linked(p->supervisor, p->own_part, p->other_actor) ? LIMINAL_OK : LIMINAL_ENOPROC)

static liminal_status links_own(place *p, liminal_conversation *own)
{
    liminal_pid pids[4];
    size_t count;
    (void)own;
    return liminal_process_links(p->supervisor, p->own_part, pids, 4, &count);
}

CALL(unlink_own, liminal_process_unlink(p->supervisor, p->own_part, p->other_actor))

static liminal_status list_all(place *p, liminal_conversation *own)
{
    liminal_pid pids[8];
    size_t count = 0;
    liminal_status st = liminal_process_list(p->supervisor, pids, 8, &count);
    (void)own;
    (void)test_check(st != LIMINAL_OK || count >= 2);
    return st;
}

CALL(trap_other, liminal_process_trap(p->supervisor, p->other_part, false))
CALL(trap_own, liminal_process_trap(p->supervisor, p->own_part, true))
CALL(signal_other,
     liminal_process_signal(p->supervisor, p->own_part, p->other_part, (liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0}))
CALL(signal_own,
     liminal_process_signal(p->supervisor, p->other_part, p->own_part, (liminal_exit_reason){LIMINAL_EXIT_ERROR, 8}))
CALL(kill_other, liminal_process_kill(p->supervisor, p->other_part))
CALL(kill_other_actor, liminal_process_kill(p->supervisor, p->other_actor))
CALL(kill_own, liminal_process_kill(p->supervisor, p->own_part))
CALL(kill_own_actor, liminal_process_kill(p->supervisor, own != NULL ? liminal_conversation_pid(own) : p->own_actor))
CALL(alive_other, liminal_process_alive(p->supervisor, p->other_part) ? LIMINAL_OK : LIMINAL_ENOPROC)

static void ignore_exit(void *self, const liminal_exit *exit)
{
    (void)self, (void)exit;
}

static liminal_status notify_other(place *p, liminal_conversation *own)
{
    liminal_notice *notice = NULL;
    liminal_status st = liminal_process_notify(p->supervisor, p->other_part, ignore_exit, NULL, &notice);
    (void)own;
    (void)test_check(liminal_notice_cancel(&notice, LONG) == LIMINAL_OK);
    return st;
}

static liminal_status notify_own(place *p, liminal_conversation *own)
{
    liminal_notice *notice = NULL;
    liminal_status st = liminal_process_notify(p->supervisor, p->own_part, ignore_exit, NULL, &notice);
    (void)own;
    liminal_notice_drop(&notice);
    return st;
}

CALL(cancel_own, liminal_notice_cancel(&p->notice, LONG))

static liminal_status wait_own(place *p, liminal_conversation *own)
{
    liminal_exit exit;
    (void)own;
    return liminal_process_wait(p->supervisor, p->own_part, &exit, SOON);
}

static liminal_status wait_own_actor(place *p, liminal_conversation *own)
{
    liminal_exit exit;
    return liminal_process_wait(p->supervisor, own != NULL ? liminal_conversation_pid(own) : p->own_actor, &exit, SOON);
}

static liminal_status wait_other(place *p, liminal_conversation *own)
{
    liminal_exit exit;
    (void)own;
    return liminal_process_wait(p->supervisor, p->other_part, &exit, SOON);
}

CALL(exit_self, liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_CODE, 3}))

/* ---- supervisors ---- */

static liminal_status spawn(place *p, liminal_conversation *own)
{
    const liminal_participant people[2] = {
        {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = liminal_behaviour_echo()},
        {.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = p->other_part}};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                                   .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
    liminal_conversation *talk = NULL;
    liminal_status st = liminal_supervisor_spawn(p->supervisor, &config, &talk);
    (void)own;
    if (st == LIMINAL_OK) {
        check_unless_refused(ask_of(talk) == LIMINAL_OK);
        check_unless_refused(liminal_conversation_close(talk, LONG) == LIMINAL_OK);
    }
    liminal_conversation_drop(&talk);
    return st;
}

static liminal_status spawn_behaviour(place *p, liminal_conversation *own)
{
    liminal_conversation *talk = NULL;
    liminal_status st = liminal_supervisor_spawn_behaviour(p->supervisor, liminal_behaviour_echo(), NULL,
                                                           LIMINAL_CRASH_FAIL, &talk);
    (void)own;
    liminal_conversation_drop(&talk);
    return st;
}

static liminal_status spawn_program(place *p, liminal_conversation *own)
{
    static const char *const cat[] = {"cat", NULL};
    const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = cat};
    const liminal_participant part = {.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &part, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL};
    liminal_conversation *talk = NULL;
    liminal_status st = liminal_supervisor_spawn(p->supervisor, &config, &talk);
    (void)own;
    check_unless_refused(st != LIMINAL_OK || ask_of(talk) == LIMINAL_OK);
    liminal_conversation_drop(&talk);
    return st;
}

static liminal_status ask_once(place *p, liminal_conversation *own)
{
    liminal_envelope *request = say(), *reply = NULL;
    liminal_status st = liminal_supervisor_ask(p->supervisor, liminal_behaviour_echo(), NULL, &request, &reply);
    (void)own;
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return st;
}

static liminal_status ask_until(place *p, liminal_conversation *own)
{
    liminal_envelope *request = say(), *reply = NULL;
    liminal_status st = liminal_supervisor_ask_until(p->supervisor, liminal_behaviour_echo(), NULL, &request, &reply,
                                                     LONG);
    (void)own;
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return st;
}

static liminal_status find(place *p, liminal_conversation *own)
{
    liminal_conversation *talk = NULL;
    liminal_status st = liminal_supervisor_find(p->supervisor, p->other_actor, &talk);
    (void)own;
    liminal_conversation_drop(&talk);
    return st;
}

static liminal_status find_name(place *p, liminal_conversation *own)
{
    liminal_conversation *talk = NULL;
    liminal_status st = liminal_supervisor_find_name(p->supervisor, "own", &talk);
    (void)own;
    liminal_conversation_drop(&talk);
    return st;
}

static liminal_status census(place *p, liminal_conversation *own)
{
    liminal_census now = liminal_supervisor_census(p->supervisor);
    (void)own;
    return now.conversations >= 1 && now.threads >= 2 && now.participants >= 1 ? LIMINAL_OK : LIMINAL_EINVAL;
}

static liminal_status shutdown(place *p, liminal_conversation *own)
{
    liminal_supervisor *copy = p->supervisor;
    liminal_status st = liminal_supervisor_shutdown(&copy, NULL, LONG);
    (void)own;
    (void)test_check((copy == NULL) == (st == LIMINAL_EFORKED));
    return st;
}

static liminal_status another_supervisor(place *p, liminal_conversation *own)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    liminal_supervisor *another = NULL;
    liminal_conversation *talk = NULL;
    liminal_status st = liminal_supervisor_open(&options, &another);
    (void)p, (void)own;
    (void)test_check(liminal_supervisor_spawn_behaviour(another, liminal_behaviour_echo(), NULL, LIMINAL_CRASH_FAIL,
                                                        &talk) == LIMINAL_OK);
    (void)test_check(ask_of(talk) == LIMINAL_OK);
    liminal_conversation_drop(&talk);
    (void)test_check(liminal_supervisor_shutdown(&another, NULL, LONG) == LIMINAL_OK);
    return st;
}

/* ---- values, and what belongs to no supervisor ---- */

static liminal_status values(place *p, liminal_conversation *own)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    liminal_trace_context root = liminal_trace_root(), read;
    liminal_traceparent text = liminal_trace_format(&root);
    liminal_envelope *envelope = NULL;
    liminal_state *state = NULL;
    liminal_snapshot *snapshot = NULL;
    void *data = (char[]){"bytes"};
    (void)p, (void)own;
    (void)test_check(liminal_trace_parse(text.text, strlen(text.text), &read) == LIMINAL_OK);
    (void)test_check(liminal_trace_equal(&root, &read));
    (void)test_check(liminal_config_check(&config) == LIMINAL_OK);
    (void)test_check(liminal_deadline_remaining_ns(LONG) > 0 && liminal_time_now().unix_ns > 0);
    (void)test_check(liminal_envelope_adopt(&data, 5, NULL, NULL, &options, &envelope) == LIMINAL_OK);
    (void)test_check(strcmp(liminal_envelope_text(envelope), "bytes") == 0);
    liminal_envelope_drop(&envelope);
    (void)test_check(liminal_envelope_printf(&envelope, "%d", 5) == LIMINAL_OK);
    liminal_envelope_drop(&envelope);
    (void)test_check(liminal_state_create(&config, NULL, liminal_time_now(), liminal_deadline_never(),
                                          test_allocator(), &state) == LIMINAL_OK);
    (void)test_check(liminal_state_snapshot(state, &snapshot) == LIMINAL_OK);
    liminal_state_drop(&state);
    (void)test_check(liminal_snapshot_read(snapshot).phase == LIMINAL_PHASE_CREATED);
    liminal_snapshot_drop(&snapshot);
    return LIMINAL_OK;
}

static liminal_status spans(place *p, liminal_conversation *own)
{
    const liminal_span_options options = {LIMINAL_OPS(liminal_span_options), .allocator = test_allocator()};
    liminal_trace_context before = liminal_span_current(), inner, after;
    liminal_span *span = NULL, *child = NULL;
    liminal_span_entry entry;
    liminal_status st = liminal_span_start("inside", &options, &span);
    (void)p, (void)own;
    inner = liminal_span_context(span);
    entry = liminal_span_enter(&inner);
    (void)test_check(liminal_span_child(span, "within", &child) == LIMINAL_OK);
    (void)test_check(liminal_span_finish(child, LIMINAL_OK, NULL) == LIMINAL_OK);
    liminal_span_drop(&child);
    liminal_span_leave(entry);
    after = liminal_span_current();
    (void)test_check(memcmp(&before, &after, sizeof before) == 0);
    (void)test_check(liminal_span_finish(span, LIMINAL_OK, NULL) == LIMINAL_OK);
    liminal_span_drop(&span);
    return st;
}

/* ---- what is expected ---- */

/* A letter for each place, in the order of place_kit.h:
 *   O ok  T timed out  D deadlock  C closed  X exit  P phase  I invalid  N no process   - is not called there
 *   * ok or phase: it may be the caller's own thread, or one of the library's
 *   n ok or no process, o ok or timed out: the participant may be on its way out still
 *   w ok, or a limit where a system without pidfds watches only children */
typedef struct row {
    const char *name;
    liminal_status (*call)(place *p, liminal_conversation *own);
    const char *expected;
    char in_child; /* K: forked */
    bool alone;    /* in a world of its own, for it changes it */
} row;

#define ROW(call, expected, in_child) {#call, call, expected, in_child, false}
#define ALONE(call, expected, in_child) {#call, call, expected, in_child, true}

static const row rows[] = {
    /*                        start answer exited release notices undo collect program table
     *                           --  ---  --  --  ----  --  --  ---  - */
    ROW(query_own,           "IIOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(try_receive_own,     "IITTTTTCCXCTTXXCTTTCT", 'K'),
    ROW(receive_own,         "IIDDDDDCCXCTTXXCTDDCT", 'K'),
    ROW(drop_own,            "OOOOOOOOOOOOOOOOOOOOO", 'O'),
    ROW(ask_own,             "IIDDDDDCCXCOOXXCODDCO", 'K'),
    ROW(send_own,            "IIOOOOOCCXCOOXXCOOOCO", 'K'),
    ROW(try_send_own,        "IIOOOOOCCXCOOXXCOOOCO", 'K'),
    ROW(undo_own,            "IIIIIIIIIIIIIXXIIIIII", 'K'),
    ROW(send_other,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(receive_other,       "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(try_send_other,      "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(receive_other_again, "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(receive_in_vain,     "TTTTTTTTTTTTTTTTTTTTT", 'K'),
    ROW(ask_other,           "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(query_other,         "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(undo_other,          "IIIIIIIIIIIIIIIIIIIII", 'K'),
    ROW(link_own,            "NNOOOOONNNnOONNnOOONO", 'K'),
    ROW(linked_own,          "NNOOOOONNNnOONNnOOONO", 'N'),
    ROW(links_own,           "NNOOOOONNNnOONNnOOONO", 'K'),
    ROW(unlink_own,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(list_all,            "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(trap_other,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(trap_own,            "NNOOOOONNNnOONNnOIINO", 'K'),
    ROW(signal_other,        "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(alive_other,         "OOOOOOOOOOOOOOOOOOOOO", 'N'),
    ROW(notify_other,        "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(notify_own,          "NNOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(wait_own,            "NNDDDDDOOOoTTOOoTDDOT", 'K'),
    ROW(wait_own_actor,      "NNTDDTDOOOOTTDDOTTTOT", 'K'),
    ROW(wait_other,          "TTTTTTTTTTTTTTTTTTTTT", 'K'),
    ROW(spawn,               "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(spawn_behaviour,     "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(spawn_program,       "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(ask_once,            "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(ask_until,           "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(find,                "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(find_name,           "NNOOOOONNNNOOOONOOONO", 'K'),
    ROW(census,              "OOOOOOOOOOOOOOOOOOOOO", 'I'),
    ROW(another_supervisor,  "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(values,              "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(spans,               "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(watch,               "wwwwwwwwwwwwwwwwwwwww", 'K'),
    ROW(attach,              "P*P*PP*P*O*PPPP*OPPPO", 'K'),
    ROW(shutdown,            "DDDDDDDDDDDDDDDD-DDD-", 'K'),
    ROW(cancel_own,          "OOOOOOOOOOOOOOOOOOOOO", '-'),
    ROW(kill_other_actor,    "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(kill_other,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(close_other,         "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ROW(exit_self,           "XXXXXXXPPPPPPPPPPPPPP", '-'),
    ALONE(close_own,         "IIOOOOOOOOOOOOOOOOOOO", 'K'),
    ALONE(signal_own,        "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ALONE(kill_own,          "OOOOOOOOOOOOOOOOOOOOO", 'K'),
    ALONE(kill_own_actor,    "OOOOOOOOOOOOOOOOOOOOO", 'K'),
};
enum { ROWS = sizeof rows / sizeof rows[0] };

static inline bool is_expected(liminal_status st, char expected)
{
    static const char letters[] = "OIMLPCFXNUTADK"; /* by their values */
    switch (expected) {
    case '*':
        return st == LIMINAL_OK || st == LIMINAL_EPHASE;
    case 'n':
        return st == LIMINAL_OK || st == LIMINAL_ENOPROC;
    case 'o':
        return st == LIMINAL_OK || st == LIMINAL_ETIMEDOUT;
    case 'w':
        return st == LIMINAL_OK || st == LIMINAL_ELIMIT;
    default:
        return letters[st] == expected;
    }
}

/* ---- each call in each place ---- */

static inline void call_row(place *p, liminal_conversation *own, size_t i)
{
    char expected = rows[i].expected[p->kind];
    liminal_status st;
    if (expected == '-') {
        return;
    }
    p->at_once = expected == 'D';
    st = rows[i].call(p, own);
    if (!test_check(is_expected(st, expected))) {
        print_error("%s inside %s: %s, not %c: %s\n", rows[i].name, place_names[p->kind], liminal_status_name(st),
                    expected, liminal_status_detail());
    }
}

/* The row, or all that change nothing for the others. */
static inline void act_row(place *p)
{
    const size_t *which = p->context;
    liminal_conversation *own = own_of(p);
    for (size_t i = 0; i < ROWS; i++) {
        if (which != NULL ? i == *which : !rows[i].alone) {
            call_row(p, own, i);
        }
    }
    liminal_conversation_drop(&own);
}

/* In each place, or each so many-th, each call that is not alone in its world: nothing waits that should not. */
static inline void live_everywhere(int step)
{
    place p;
    for (int kind = step - 1; kind < PLACES; kind += step) {
        place_begin(&p, (place_kind)kind, act_row, NULL);
        place_end(&p);
    }
}

#endif

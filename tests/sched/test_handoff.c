/* SPDX-License-Identifier: MIT */
/* test_handoff.c -- an ask's shortest way to a thread and back, against everything that may come between: another
 * message, an exit, an exit message, a close, a deadline, a look. A caller that is looking is offered the answer, one
 * that sleeps is not: so each is searched with and without a look. */
#include "stage.h"

typedef struct scene {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation, *linked;
    liminal_pid pid, other;
    int begun, heard; /* by its thread; read when that has ended */
    bool ends;        /* with its first answer */
    bool hears_first;
    bool is_behind; /* what is sent is, of the second ask */
} scene;

static liminal_status echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    scene *s = self;
    s->begun++;
    sched_check(s->heard == 1 || !s->hears_first);
    sched_check(!stage_says(request, "behind") || s->begun == 3);
    *out_reply = liminal_envelope_ref(request);
    return s->ends ? liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_NORMAL, 0}) : LIMINAL_OK;
}

static liminal_status hear(void *self, const liminal_exit *exit)
{
    scene *s = self;
    (void)exit;
    s->heard++;
    return LIMINAL_OK;
}

static liminal_status keep_silent(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    scene *s = self;
    (void)request;
    (void)out_reply;
    s->begun++;
    return LIMINAL_OK;
}

static const liminal_behaviour echoing = {LIMINAL_OPS(liminal_behaviour), .answer = echo},
                               hearing = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .exited = hear},
                               silent = {LIMINAL_OPS(liminal_behaviour), .answer = keep_silent};

static void scene_open(scene *s, const liminal_behaviour *behaviour)
{
    memset(s, 0, sizeof *s);
    s->supervisor = stage_open();
    s->conversation = stage_spawn(s->supervisor, LIMINAL_PARTICIPANT_THREAD, behaviour, s);
    s->pid = stage_pid(s->conversation, 0);
}

/* Every request that was sent is answered, cut off, withdrawn or late, and in the books once; one that was withdrawn on
 * its way to the rules never was sent. */
static liminal_counts scene_counts(scene *s)
{
    liminal_counts counts;
    uint64_t begun;
    sched_quiet(true);
    sched_settle();
    counts = stage_look(s->conversation).counts;
    begun = counts.received + counts.silent + counts.late + counts.unfinished;
    sched_check(begun <= counts.sent && counts.sent <= begun + counts.withdrawn);
    return counts;
}

static void scene_close(scene *s, int begun)
{
    sched_quiet(true);
    liminal_conversation_drop(&s->conversation);
    (void)stage_close(&s->supervisor);
    sched_check(s->begun == begun);
}

static liminal_status ask(scene *s, const char *text, liminal_deadline deadline)
{
    liminal_envelope *request = stage_say(text), *reply = NULL;
    liminal_status st = liminal_conversation_ask(s->conversation, &request, &reply, deadline);
    sched_check((st == LIMINAL_OK) == (reply != NULL));
    sched_check(st != LIMINAL_OK || (request == NULL && stage_says(reply, text)));
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    return st;
}

/* ---- nothing comes between ---- */

static void one_after_the_other(void)
{
    scene s;
    scene_open(&s, &echoing);
    stage_go();
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    sched_check(ask(&s, "two", never()) == LIMINAL_OK);
    sched_check(scene_counts(&s).received == 2);
    scene_close(&s, 2);
}

static void silence(void)
{
    scene s;
    scene_open(&s, &silent);
    stage_go();
    sched_check(ask(&s, "one", never()) == LIMINAL_ECANCELED);
    sched_check(scene_counts(&s).silent == 1);
    scene_close(&s, 1);
}

static void alone(void **state)
{
    (void)state;
    assert_all(prove_widely(one_after_the_other, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(one_after_the_other, .preemptions = 2, .turns = 1, .old = 1, .spins = 1));
    assert_all(prove_widely(silence, .preemptions = 2, .turns = 1, .old = 1, .spins = 1));
}

/* ---- another message ---- */

static void send_another(void *argument)
{
    scene *s = argument;
    liminal_envelope *message = stage_say("sent");
    sched_check(liminal_conversation_send(s->conversation, &message, never()) == LIMINAL_OK);
}

static void against_a_send(void)
{
    scene s;
    liminal_envelope *reply = NULL;
    int thread;
    scene_open(&s, &echoing);
    stage_go();
    thread = sched_thread(send_another, &s);
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    sched_check(liminal_conversation_receive(s.conversation, &reply, never()) == LIMINAL_OK);
    sched_check(stage_says(reply, "sent"));
    liminal_envelope_drop(&reply);
    sched_join(thread);
    sched_check(scene_counts(&s).received == 2);
    scene_close(&s, 2);
}

static void send_behind(void *argument)
{
    scene *s = argument;
    bool is_there = stage_look(s->conversation).counts.sent == 2;
    liminal_envelope *message = stage_say(is_there ? "behind" : "sent");
    s->is_behind = is_there;
    sched_check(liminal_conversation_send(s->conversation, &message, never()) == LIMINAL_OK);
}

/* Whoever has seen that a message was sent comes behind it, though that one was handed over and not looked at yet. */
static void behind_an_ask(void)
{
    scene s;
    int thread;
    scene_open(&s, &echoing);
    stage_go();
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    thread = sched_thread(send_behind, &s);
    sched_check(ask(&s, "two", never()) == LIMINAL_OK);
    sched_join(thread);
    sched_outcome(s.is_behind);
    scene_close(&s, 3);
}

static void ask_another(void *argument)
{
    sched_check(ask(argument, "another", never()) == LIMINAL_OK);
}

static void ask_two_more(void *argument)
{
    ask_another(argument);
    ask_another(argument);
}

static void ask_beside(void (*others)(void *argument), unsigned asks)
{
    scene s;
    int thread;
    scene_open(&s, &echoing);
    stage_go();
    thread = sched_thread(others, &s);
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    sched_join(thread);
    sched_check(scene_counts(&s).received == asks);
    scene_close(&s, (int)asks);
}

/* Whoever is slow to fetch its answer may find another one's request handed over. */
static void against_two_asks(void)
{
    ask_beside(ask_two_more, 3);
}

static void against_an_ask(void)
{
    ask_beside(ask_another, 2);
}

static void messages(void **state)
{
    (void)state;
    assert_all(prove_widely(against_a_send, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(against_a_send, .preemptions = 2, .turns = 1, .old = 1, .spins = 1));
    assert_seen(prove_widely(behind_an_ask, .preemptions = 2, .turns = 1, .old = 0, .spins = 1), 3);
    assert_all(prove_widely(against_two_asks, .preemptions = 2, .turns = 1, .old = 0, .spins = 1));
    assert_all(prove_widely(against_an_ask, .preemptions = 2, .turns = 1, .old = 1, .spins = 1));
}

/* ---- exits ---- */

static void kill_it(void *argument)
{
    scene *s = argument;
    sched_check(liminal_process_kill(s->supervisor, s->pid) == LIMINAL_OK);
}

/* It is answered, or told `other`, for what somebody else does meanwhile. */
static liminal_counts ask_against(scene *s, void (*end)(void *argument), liminal_status other)
{
    liminal_counts counts;
    liminal_status st;
    int thread;
    scene_open(s, &echoing);
    stage_go();
    thread = sched_thread(end, s);
    st = ask(s, "one", never());
    sched_check(st == LIMINAL_OK || st == other);
    sched_outcome(st == LIMINAL_OK);
    sched_join(thread);
    counts = scene_counts(s);
    sched_check((counts.received == 1) == (st == LIMINAL_OK));
    sched_quiet(true);
    liminal_conversation_drop(&s->conversation);
    (void)stage_close(&s->supervisor);
    sched_check(s->begun <= 1 && s->begun >= (int)(counts.received + counts.unfinished));
    return counts;
}

static void against_a_kill(void)
{
    scene s;
    if (ask_against(&s, kill_it, LIMINAL_EEXIT).withdrawn == 1) {
        sched_check(s.begun == 0);
        sched_outcome(2);
    }
}

/* It says its last word and goes: who asked hears the word. */
static void with_an_exit(void)
{
    scene s;
    scene_open(&s, &echoing);
    s.ends = true;
    stage_go();
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    sched_check(scene_counts(&s).received == 1 && stage_look(s.conversation).phase == LIMINAL_PHASE_FAILED);
    scene_close(&s, 1);
}

static void kill_other(void *argument)
{
    scene *s = argument;
    sched_check(liminal_process_kill(s->supervisor, s->other) == LIMINAL_OK);
}

static void scene_open_linked(scene *s)
{
    scene_open(s, &hearing);
    s->linked = stage_spawn(s->supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    s->other = stage_pid(s->linked, 0);
    sched_check(liminal_process_link(s->supervisor, s->pid, s->other) == LIMINAL_OK);
    stage_go();
}

static void scene_close_linked(scene *s)
{
    (void)scene_counts(s);
    sched_settle(); /* a query may have been what rang it; from here on nothing does but the end */
    liminal_conversation_drop(&s->linked);
    scene_close(s, 1);
    sched_check(s->heard == 1);
}

/* What it is told while it answers is not forgotten. */
static void against_an_exit_message(void)
{
    scene s;
    int thread;
    scene_open_linked(&s);
    thread = sched_thread(kill_other, &s);
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    sched_join(thread);
    scene_close_linked(&s);
}

/* What it was told before comes before. */
static void behind_an_exit_message(void)
{
    scene s;
    scene_open_linked(&s);
    s.hears_first = true;
    kill_other(&s);
    (void)stage_look(s.conversation);
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    scene_close_linked(&s);
}

static void exits(void **state)
{
    (void)state;
    assert_seen(prove_widely(against_a_kill, .preemptions = 2, .turns = 1, .old = 1), 7);
    assert_seen(prove_widely(against_a_kill, .preemptions = 2, .turns = 1, .old = 1, .spins = 1), 7);
    assert_all(prove_widely(with_an_exit, .preemptions = 2, .turns = 1, .old = 1, .spins = 1));
    assert_all(prove_widely(behind_an_exit_message, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(behind_an_exit_message, .preemptions = 2, .turns = 1, .old = 1, .spins = 1));
    assert_all(prove_widely(against_an_exit_message, .preemptions = 2, .turns = 1, .old = 1));
    assert_all(prove_widely(against_an_exit_message, .preemptions = 2, .turns = 1, .old = 1, .spins = 1));
}

/* ---- the end, and time ---- */

static void close_it(void *argument)
{
    close_for_good(((scene *)argument)->conversation);
}

static void close_it_at_once(void *argument)
{
    close_at_once(((scene *)argument)->conversation);
}

static void against_a_close(void)
{
    scene s;
    (void)ask_against(&s, close_it, LIMINAL_ECLOSED);
}

static void against_a_close_at_once(void)
{
    scene s;
    (void)ask_against(&s, close_it_at_once, LIMINAL_ECLOSED);
}

/* The second one is handed to a thread that is awake still, and taken back before it has looked. */
static void second_against_a_close(void)
{
    scene s;
    liminal_status st;
    int thread;
    scene_open(&s, &echoing);
    stage_go();
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    thread = sched_thread(close_it, &s);
    st = ask(&s, "two", never());
    sched_check(st == LIMINAL_OK || st == LIMINAL_ECLOSED);
    sched_outcome(st == LIMINAL_OK);
    sched_join(thread);
    scene_close(&s, 1 + (st == LIMINAL_OK));
}

/* The first one is still being answered, for nobody. */
static void second_after_time(void)
{
    scene s;
    liminal_counts counts;
    liminal_status st;
    scene_open(&s, &echoing);
    stage_go();
    st = ask(&s, "one", sched_deadline(1000));
    sched_check(ask(&s, "two", never()) == LIMINAL_OK);
    counts = scene_counts(&s);
    sched_check(counts.received == 1 + (st == LIMINAL_OK));
    sched_outcome(st == LIMINAL_OK ? 0 : counts.late == 1 ? 1 : 2);
    scene_close(&s, (int)(counts.received + counts.late));
}

static void against_time(void)
{
    scene s;
    liminal_counts counts;
    liminal_status st;
    scene_open(&s, &echoing);
    stage_go();
    st = ask(&s, "one", sched_deadline(1000));
    sched_check(st == LIMINAL_OK || st == LIMINAL_ETIMEDOUT);
    counts = scene_counts(&s);
    sched_check(st == LIMINAL_OK ? counts.received == 1 : counts.received == 0);
    sched_outcome(counts.received == 1 ? 0 : counts.late == 1 ? 1 : 2);
    scene_close(&s, (int)(counts.received + counts.late));
}

static void look_at_it(void *argument)
{
    scene *s = argument;
    liminal_counts counts = stage_look(s->conversation).counts;
    sched_check(counts.sent <= 1 && counts.received <= counts.sent);
    sched_outcome((unsigned)(counts.sent + counts.received));
}

static void against_a_look(void)
{
    scene s;
    int thread;
    scene_open(&s, &echoing);
    stage_go();
    thread = sched_thread(look_at_it, &s);
    sched_check(ask(&s, "one", never()) == LIMINAL_OK);
    sched_join(thread);
    sched_check(scene_counts(&s).received == 1);
    scene_close(&s, 1);
}

static void ends(void **state)
{
    (void)state;
    assert_seen(prove_widely(against_a_close, .preemptions = 2, .turns = 1, .old = 1, .spins = 1), 3);
    assert_seen(prove_widely(against_a_close_at_once, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_seen(prove_widely(against_a_close_at_once, .preemptions = 2, .turns = 1, .old = 1, .spins = 1), 3);
    assert_seen(prove_widely(against_time, .preemptions = 2, .turns = 1, .old = 1, .early = 1), 7);
    assert_seen(prove_widely(against_time, .preemptions = 2, .turns = 1, .old = 1, .early = 1, .spins = 1), 7);
    assert_seen(prove_widely(second_against_a_close, .preemptions = 2, .turns = 1, .old = 0, .spins = 1), 3);
    assert_seen(prove_widely(second_after_time, .preemptions = 2, .turns = 1, .old = 1, .early = 1, .spins = 1), 7);
    assert_seen(prove_widely(against_a_look, .preemptions = 2, .turns = 1, .old = 1, .spins = 1), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(alone),
        cmocka_unit_test(messages),
        cmocka_unit_test(exits),
        cmocka_unit_test(ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

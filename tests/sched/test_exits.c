/* SPDX-License-Identifier: MIT */
/* test_exits.c -- an exit against whoever links, unlinks, wants to be told, closes, restarts or waits, in every order:
 * it reaches everyone whom it has to reach, once, and nobody else. */
#include "stage.h"

/* Two conversations, each with one inline participant; `two`'s may trap exits. */
typedef struct pair {
    liminal_supervisor *supervisor;
    liminal_conversation *one, *two;
    liminal_pid first, second; /* the participants */
    int messages;              /* that the second one got; for whoever runs it */
    liminal_exit_kind kind;
    int fired[2]; /* notices */
    liminal_exit_kind fired_kind;
    liminal_notice *notice;
} pair;

static liminal_status take_message(void *self, const liminal_exit *exit)
{
    pair *p = self;
    p->messages++;
    p->kind = exit->reason.kind;
    return LIMINAL_OK;
}

static liminal_status echo(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    (void)self;
    *out_reply = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static const liminal_behaviour trapping = {LIMINAL_OPS(liminal_behaviour), .answer = echo, .exited = take_message};

static void pair_open(pair *p, bool traps)
{
    memset(p, 0, sizeof *p);
    p->supervisor = stage_open();
    p->one = stage_spawn(p->supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    p->two = stage_spawn(p->supervisor, LIMINAL_PARTICIPANT_INLINE, traps ? &trapping : liminal_behaviour_echo(), p);
    p->first = stage_pid(p->one, 0);
    p->second = stage_pid(p->two, 0);
}

/* Everything that follows from what was done has happened. */
static void pair_rest(pair *p)
{
    sched_quiet(true);
    sched_settle();
    (void)stage_look(p->one);
    (void)stage_look(p->two);
}

static void pair_close(pair *p)
{
    liminal_conversation_drop(&p->one);
    liminal_conversation_drop(&p->two);
    (void)stage_close(&p->supervisor);
}

static void kill_first(void *argument)
{
    pair *p = argument;
    sched_check(liminal_process_kill(p->supervisor, p->first) == LIMINAL_OK);
}

static void kill_second(void *argument)
{
    pair *p = argument;
    sched_check(liminal_process_kill(p->supervisor, p->second) == LIMINAL_OK);
}

static bool second_lives(const pair *p)
{
    return liminal_process_alive(p->supervisor, p->second);
}

/* ---- link and unlink ---- */

static void link_against_exit_of(bool traps)
{
    pair p;
    liminal_status st;
    int thread;
    pair_open(&p, traps);
    stage_go();
    thread = sched_thread(kill_first, &p);
    st = liminal_process_link(p.supervisor, p.second, p.first);
    sched_join(thread);
    pair_rest(&p);
    sched_check(!liminal_process_linked(p.supervisor, p.first, p.second));
    if (traps) {
        sched_check(st == LIMINAL_OK && second_lives(&p) && p.messages == 1);
        sched_check(p.kind == LIMINAL_EXIT_KILLED || p.kind == LIMINAL_EXIT_NOPROC);
        sched_outcome(p.kind == LIMINAL_EXIT_NOPROC);
    } else {
        sched_check(st == LIMINAL_OK || st == LIMINAL_ENOPROC);
        sched_check(second_lives(&p) == (st == LIMINAL_ENOPROC));
        sched_outcome(st == LIMINAL_ENOPROC);
    }
    pair_close(&p);
}

static void link_against_exit(void)
{
    link_against_exit_of(false);
}

static void link_against_exit_trapped(void)
{
    link_against_exit_of(true);
}

static void unlink_against_exit_of(bool traps)
{
    pair p;
    int thread;
    pair_open(&p, traps);
    sched_check(liminal_process_link(p.supervisor, p.first, p.second) == LIMINAL_OK);
    stage_go();
    thread = sched_thread(kill_first, &p);
    sched_check(liminal_process_unlink(p.supervisor, p.second, p.first) == LIMINAL_OK);
    sched_join(thread);
    pair_rest(&p);
    sched_check(!liminal_process_linked(p.supervisor, p.first, p.second));
    sched_check(traps ? second_lives(&p) && p.messages <= 1 : p.messages == 0);
    sched_outcome(traps ? p.messages == 0 : second_lives(&p));
    pair_close(&p);
}

static void unlink_against_exit(void)
{
    unlink_against_exit_of(false);
}

static void unlink_against_exit_trapped(void)
{
    unlink_against_exit_of(true);
}

static void link_other_way(void *argument)
{
    pair *p = argument;
    sched_check(liminal_process_link(p->supervisor, p->first, p->second) == LIMINAL_OK);
}

static void both_link(void)
{
    pair p;
    liminal_pid peers[2];
    size_t count = 0;
    int thread;
    pair_open(&p, false);
    stage_go();
    thread = sched_thread(link_other_way, &p);
    sched_check(liminal_process_link(p.supervisor, p.second, p.first) == LIMINAL_OK);
    sched_join(thread);
    pair_rest(&p);
    sched_check(liminal_process_links(p.supervisor, p.first, peers, 2, &count) == LIMINAL_OK && count == 1);
    sched_check(liminal_process_linked(p.supervisor, p.first, p.second));
    pair_close(&p);
}

static void note_one(void *self, const liminal_exit *exit)
{
    pair *p = self;
    p->fired[0]++;
    p->fired_kind = exit->reason.kind;
}

static void note_two(void *self, const liminal_exit *exit)
{
    pair *p = self;
    (void)exit;
    p->fired[1]++;
}

/* Two deaths that meet in the middle of a link. */
static void both_die(void)
{
    pair p;
    int thread;
    pair_open(&p, false);
    sched_check(liminal_process_link(p.supervisor, p.first, p.second) == LIMINAL_OK);
    sched_check(liminal_process_notify(p.supervisor, p.first, note_one, &p, NULL) == LIMINAL_OK);
    sched_check(liminal_process_notify(p.supervisor, p.second, note_two, &p, NULL) == LIMINAL_OK);
    stage_go();
    thread = sched_thread(kill_first, &p);
    kill_second(&p);
    sched_join(thread);
    pair_rest(&p);
    sched_check(p.fired[0] == 1 && p.fired[1] == 1);
    pair_close(&p);
}

static void links(void **state)
{
    (void)state;
    assert_seen(prove_widely(link_against_exit, .preemptions = 2, .turns = 2, .old = 1), 3);
    assert_seen(prove_widely(link_against_exit_trapped, .preemptions = 2, .turns = 2, .old = 1), 3);
    assert_seen(prove_widely(unlink_against_exit, .preemptions = 2, .turns = 2, .old = 1), 3);
    assert_seen(prove_widely(unlink_against_exit_trapped, .preemptions = 2, .turns = 2, .old = 1), 3);
    assert_all(prove_widely(both_link, .preemptions = 3, .turns = 2, .old = 1));
    assert_all(prove_widely(both_die, .preemptions = 2, .turns = 1, .old = 1));
}

/* ---- notices ---- */

static void notice_against_exit(void)
{
    pair p;
    int thread;
    pair_open(&p, false);
    stage_go();
    thread = sched_thread(kill_first, &p);
    sched_check(liminal_process_notify(p.supervisor, p.first, note_one, &p, NULL) == LIMINAL_OK);
    sched_join(thread);
    pair_rest(&p);
    sched_check(p.fired[0] == 1 && p.fired_kind == LIMINAL_EXIT_KILLED);
    pair_close(&p);
}

static void cancel_against_firing(void)
{
    pair p;
    int thread, fired;
    pair_open(&p, false);
    sched_check(liminal_process_notify(p.supervisor, p.first, note_one, &p, &p.notice) == LIMINAL_OK);
    stage_go();
    thread = sched_thread(kill_first, &p);
    sched_check(liminal_notice_cancel(&p.notice, never()) == LIMINAL_OK && p.notice == NULL);
    fired = p.fired[0]; /* not running, will not run: so this is no race */
    sched_join(thread);
    sched_check(p.fired[0] == fired && fired <= 1);
    sched_outcome((unsigned)fired);
    pair_rest(&p);
    pair_close(&p);
}

/* A notice that takes its time, and a cancel that has none. */
typedef struct slow {
    pair p;
    limi_word word;
    int done;
} slow;

static void note_slowly(void *self, const liminal_exit *exit)
{
    slow *s = self;
    (void)exit;
    while (limi_u32_load(&s->word.value) == 0) {
        (void)limi_park(&s->word, 0, INT64_MAX);
    }
    s->done++;
}

static void cancel_that_gives_up(void)
{
    slow s;
    liminal_status st;
    int thread;
    pair_open(&s.p, false);
    limi_word_init(&s.word, 0);
    s.done = 0;
    sched_check(liminal_process_notify(s.p.supervisor, s.p.first, note_slowly, &s, &s.p.notice) == LIMINAL_OK);
    stage_go();
    thread = sched_thread(kill_first, &s.p);
    st = liminal_notice_cancel(&s.p.notice, sched_deadline(1000));
    sched_check(st == LIMINAL_OK || st == LIMINAL_ETIMEDOUT);
    sched_check((st == LIMINAL_OK) == (s.p.notice == NULL));
    sched_outcome(st == LIMINAL_OK);
    limi_u32_store(&s.word.value, 1);
    limi_unpark(&s.word);
    sched_check(liminal_notice_cancel(&s.p.notice, never()) == LIMINAL_OK);
    sched_check(s.done == (st == LIMINAL_ETIMEDOUT));
    sched_join(thread);
    pair_rest(&s.p);
    pair_close(&s.p);
    limi_word_destroy(&s.word);
}

static void wait_against_exit(void)
{
    pair p;
    liminal_exit exit;
    liminal_status st;
    int thread;
    pair_open(&p, false);
    stage_go();
    thread = sched_thread(kill_first, &p);
    st = liminal_process_wait(p.supervisor, p.first, &exit, sched_deadline(1000));
    sched_check(st == LIMINAL_OK ? exit.reason.kind == LIMINAL_EXIT_KILLED : st == LIMINAL_ETIMEDOUT);
    sched_outcome(st == LIMINAL_OK);
    sched_join(thread);
    pair_rest(&p);
    pair_close(&p);
}

static void notices(void **state)
{
    (void)state;
    assert_all(prove_widely(notice_against_exit, .preemptions = 2, .turns = 2, .old = 1));
    assert_seen(prove_widely(cancel_against_firing, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_seen(prove_widely(cancel_that_gives_up, .preemptions = 2, .turns = 1, .old = 1, .early = 1), 3);
    assert_seen(prove_widely(wait_against_exit, .preemptions = 2, .turns = 1, .old = 1, .early = 1), 3);
}

/* ---- an exit against a close, a restart, an ask ---- */

static void close_against_exit(void)
{
    pair p;
    liminal_summary summary;
    int thread;
    pair_open(&p, false);
    stage_go();
    thread = sched_thread(kill_first, &p);
    sched_check(liminal_conversation_close(p.one, never()) == LIMINAL_OK);
    sched_join(thread);
    sched_quiet(true);
    summary = stage_look(p.one);
    sched_check(summary.phase == LIMINAL_PHASE_CLOSED || summary.phase == LIMINAL_PHASE_FAILED);
    sched_check(summary.phase != LIMINAL_PHASE_FAILED || summary.cause == LIMINAL_EEXIT);
    sched_outcome(summary.phase == LIMINAL_PHASE_FAILED);
    sched_check(!liminal_process_alive(p.supervisor, p.first));
    pair_close(&p);
}

static void ask_against_exit(void)
{
    pair p;
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    liminal_status st;
    int thread;
    pair_open(&p, false);
    stage_go();
    thread = sched_thread(kill_first, &p);
    st = liminal_conversation_ask(p.one, &request, &reply, never());
    sched_check(st == LIMINAL_OK || st == LIMINAL_EEXIT);
    sched_check((reply != NULL) == (st == LIMINAL_OK));
    sched_outcome(st == LIMINAL_OK ? 0 : request != NULL ? 1 : 2);
    sched_join(thread);
    sched_quiet(true);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
    pair_close(&p);
}

typedef struct killer {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_pid killed;
} killer;

static void kill_actor(void *argument)
{
    killer *k = argument;
    k->killed = liminal_conversation_pid(k->conversation);
    sched_check(liminal_process_kill(k->supervisor, k->killed) == LIMINAL_OK);
}

static size_t count_restarts(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_log_entry entry;
    size_t restarts = 0;
    sched_check(liminal_conversation_query(conversation, &snapshot, never()) == LIMINAL_OK);
    for (size_t i = 0; liminal_snapshot_entry(snapshot, i, &entry) == LIMINAL_OK; i++) {
        restarts += entry.kind == LIMINAL_LOG_RESTARTED;
    }
    liminal_snapshot_drop(&snapshot);
    return restarts;
}

static void exit_against_restart(void)
{
    pair p;
    killer k;
    int thread;
    pair_open(&p, false);
    k = (killer){p.supervisor, p.one, {0}};
    stage_go();
    thread = sched_thread(kill_first, &p);
    kill_actor(&k);
    sched_join(thread);
    pair_rest(&p);
    sched_check(stage_look(p.one).phase == LIMINAL_PHASE_FAILED && stage_look(p.one).cause == LIMINAL_EEXIT);
    sched_outcome((unsigned)count_restarts(p.one));
    sched_check(!liminal_process_alive(p.supervisor, k.killed));
    pair_close(&p);
}

/* Each kill of a life that was the present one brings a new one; an ask is answered all the same. */
static void kill_against_restart(void)
{
    liminal_supervisor *supervisor = stage_open();
    liminal_conversation *conversation =
        stage_spawn(supervisor, LIMINAL_PARTICIPANT_INLINE, liminal_behaviour_echo(), NULL);
    killer killers[2] = {{supervisor, conversation, {0}}, {supervisor, conversation, {0}}};
    liminal_pid before = liminal_conversation_pid(conversation), after;
    liminal_envelope *request = stage_say("x"), *reply = NULL;
    int one, two;
    stage_go();
    one = sched_thread(kill_actor, &killers[0]);
    two = sched_thread(kill_actor, &killers[1]);
    sched_check(liminal_conversation_ask(conversation, &request, &reply, never()) == LIMINAL_OK);
    sched_join(one);
    sched_join(two);
    sched_quiet(true);
    after = liminal_conversation_pid(conversation);
    sched_check(before.value != after.value && liminal_process_alive(supervisor, after));
    sched_check(count_restarts(conversation) == 1 + (killers[0].killed.value != killers[1].killed.value));
    sched_outcome(killers[0].killed.value != killers[1].killed.value);
    liminal_envelope_drop(&reply);
    liminal_conversation_drop(&conversation);
    (void)stage_close(&supervisor);
}

static void kill_against_close(void)
{
    pair p;
    killer k;
    int thread;
    pair_open(&p, false);
    k = (killer){p.supervisor, p.one, {0}};
    stage_go();
    thread = sched_thread(kill_actor, &k);
    sched_check(liminal_conversation_close(p.one, never()) == LIMINAL_OK);
    sched_join(thread);
    sched_quiet(true);
    sched_check(stage_look(p.one).phase == LIMINAL_PHASE_CLOSED);
    sched_check(!liminal_process_alive(p.supervisor, k.killed));
    sched_outcome((unsigned)count_restarts(p.one));
    pair_close(&p);
}

static void ends_and_restarts(void **state)
{
    (void)state;
    assert_seen(prove_widely(close_against_exit, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_all(prove_widely(ask_against_exit, .preemptions = 2, .turns = 2, .old = 1));
    assert_seen(prove_widely(exit_against_restart, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_seen(prove_widely(kill_against_restart, .preemptions = 2, .turns = 1, .old = 1), 3);
    assert_seen(prove_widely(kill_against_close, .preemptions = 2, .turns = 1, .old = 1), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(links),
        cmocka_unit_test(notices),
        cmocka_unit_test(ends_and_restarts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_lot_exits.c -- the end of a participant that is in the middle of a lot (see src/lot.c), by itself and by
 * others, where the next one goes on with what it leaves; and lots that end where the limit of a lot is. A first
 * message is held until the others wait behind it. What each one says is its number, and nobody hears one twice, but
 * that which the first one was at. */
#include "stage.h"

#include "platform.h"

enum { FEW = 4, MANY = 36, FIRST = '0', NONE = 100 };

/* What the first one does with the message `at`; in silence otherwise. */
enum { REPLIES = 1, FAILS = 2, EXITS = 4, ENDS = 8 };

typedef struct porter {
    struct scene *scene;
    uint32_t heard;
    unsigned first, last;
} porter;

typedef struct scene {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    porter a, b;
    liminal_pid pid_a, pid_b;
    limi_word gate; /* 1: the first message may be done */
    unsigned at, deed, sent;
} scene;

static const liminal_exit_reason reason = {LIMINAL_EXIT_CODE, 7};

static void wait_for(limi_word *word)
{
    while (limi_u32_load(&word->value) == 0) {
        (void)limi_park(word, 0, INT64_MAX);
    }
}

static void note(porter *p, unsigned number)
{
    sched_check(p->heard == 0 || number == p->last + 1);
    p->first = p->heard == 0 ? number : p->first;
    p->last = number;
    p->heard++;
}

static liminal_status carry(void *self, const liminal_envelope *message, liminal_envelope **out_reply)
{
    porter *p = self;
    scene *s = p->scene;
    unsigned number = (unsigned)(*(const char *)liminal_envelope_data(message) - FIRST);
    unsigned deed = p == &s->a && number == s->at ? s->deed : 0;
    note(p, number);
    if (number == 0 && p == &s->a) {
        wait_for(&s->gate);
    }
    if (deed & REPLIES) {
        *out_reply = liminal_envelope_ref(message);
    }
    if (deed & ENDS) {
        sched_thread_exit();
    }
    if (deed & EXITS) {
        return liminal_process_exit(reason);
    }
    return deed & FAILS ? LIMINAL_ELIMIT : LIMINAL_OK;
}

static const liminal_behaviour carrying = {LIMINAL_OPS(liminal_behaviour), .answer = carry};

static void send_one(scene *s)
{
    char text[2] = {(char)(FIRST + (int)s->sent), 0};
    liminal_envelope *message = stage_say(text);
    s->sent += liminal_conversation_try_send(s->conversation, &message) == LIMINAL_OK;
    liminal_envelope_drop(&message);
}

/* One or two porters; the first one is at 0, and `count` are queued behind that. */
static void scene_open(scene *s, size_t porters, unsigned count, unsigned at, unsigned deed)
{
    const liminal_participant people[] = {{.behaviour = &carrying, .self = &s->a},
                                          {.behaviour = &carrying, .self = &s->b}};
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = porters,
                             .on_crash = porters > 1 ? LIMINAL_CRASH_ROUTE_NEXT : LIMINAL_CRASH_FAIL};
    memset(s, 0, sizeof *s);
    limi_word_init(&s->gate, 0);
    s->a.scene = s->b.scene = s;
    s->at = at;
    s->deed = deed;
    s->supervisor = stage_open();
    sched_check(liminal_supervisor_spawn(s->supervisor, &config, &s->conversation) == LIMINAL_OK);
    s->pid_a = stage_pid(s->conversation, 0);
    s->pid_b = porters > 1 ? stage_pid(s->conversation, 1) : s->pid_a;
    while (s->sent <= count) {
        send_one(s);
        sched_settle();
    }
    stage_go();
}

/* This thread may do this meanwhile. */
static void meet(scene *s, void (*other)(void *argument))
{
    int thread = other != NULL ? sched_thread(other, s) : -1;
    limi_u32_store(&s->gate.value, 1);
    limi_unpark(&s->gate);
    if (other != NULL) {
        sched_join(thread);
    }
}

static liminal_counts scene_close(scene *s)
{
    liminal_counts counts;
    sched_quiet(true);
    sched_settle();
    counts = stage_look(s->conversation).counts;
    liminal_conversation_drop(&s->conversation);
    (void)stage_close(&s->supervisor);
    limi_word_destroy(&s->gate);
    return counts;
}

/* Nothing was lost, and nothing done twice. After its end, which orders what the porters have noted before this. */
static void all_is_done(const scene *s, liminal_counts counts, unsigned replies)
{
    sched_check(counts.sent == s->sent && counts.silent == s->sent - replies);
    sched_check(counts.unfinished + counts.withdrawn + counts.late == 0);
    sched_check(s->a.first == 0);
    sched_check(s->b.heard != 0 ? s->b.last == s->sent - 1 : s->a.last == s->sent - 1);
}

static void take_reply(scene *s, unsigned number)
{
    char text[2] = {(char)(FIRST + (int)number), 0};
    liminal_envelope *reply = NULL;
    sched_check(liminal_conversation_receive(s->conversation, &reply, liminal_deadline_passed()) == LIMINAL_OK);
    sched_check(stage_says(reply, text));
    liminal_envelope_drop(&reply);
}

static void send_another(void *argument)
{
    send_one(argument);
}

static void look(void *argument)
{
    scene *s = argument;
    liminal_counts counts = stage_look(s->conversation).counts;
    sched_check(counts.silent + counts.unfinished + counts.withdrawn <= s->sent);
}

/* ---- by itself -------------------------------------------------------------------------------- */

/* It exits at 2, somebody sends meanwhile, and the next one goes on. */
static void is_followed(unsigned deed)
{
    scene s;
    unsigned replies = (deed & REPLIES) != 0;
    scene_open(&s, 2, FEW, 2, deed);
    meet(&s, send_another);
    sched_quiet(true);
    sched_settle();
    if (replies != 0) {
        take_reply(&s, 2);
    }
    all_is_done(&s, scene_close(&s), replies);
    sched_check(s.a.last == 2 && s.b.first == 2 + replies && s.b.last == s.sent - 1);
}

static void one_that_fails_is_followed(void)
{
    is_followed(FAILS);
}

static void one_that_exits_with_a_reply_is_followed(void)
{
    is_followed(EXITS | REPLIES);
}

static void one_whose_thread_ends_is_followed(void)
{
    is_followed(ENDS);
}

static void one_whose_thread_ends_with_a_reply_is_followed(void)
{
    is_followed(ENDS | REPLIES);
}

/* Nobody follows, and somebody looks. */
static void one_that_fails_alone(void)
{
    scene s;
    liminal_counts counts;
    scene_open(&s, 1, FEW, 2, FAILS);
    meet(&s, look);
    counts = scene_close(&s);
    sched_check(counts.silent == 2 && counts.unfinished == 1 && counts.withdrawn == FEW - 2);
    sched_check(s.a.last == 2);
}

static void it_exits_itself(void **state)
{
    (void)state;
    assert_all(prove_widely(one_that_fails_is_followed, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(one_that_exits_with_a_reply_is_followed, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(one_whose_thread_ends_is_followed, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(one_whose_thread_ends_with_a_reply_is_followed, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(one_that_fails_alone, .preemptions = 2, .turns = 1, .old = 1));
}

/* ---- by others -------------------------------------------------------------------------------- */

static void kill_a(void *argument)
{
    scene *s = argument;
    sched_check(liminal_process_kill(s->supervisor, s->pid_a) == LIMINAL_OK);
}

/* The one that it was at is heard again, or was done. */
static void one_that_is_killed_is_followed(void)
{
    scene s;
    liminal_counts counts;
    scene_open(&s, 2, FEW, NONE, 0);
    meet(&s, kill_a);
    counts = scene_close(&s);
    all_is_done(&s, counts, 0);
    sched_check(s.b.heard == 0 || s.b.first == s.a.last || s.b.first == s.a.last + 1);
    sched_outcome(s.b.heard == 0 ? 7 : s.b.first);
}

/* A reply ends the lot, and what is behind it goes back, perhaps after the kill. */
static void one_that_replies_is_killed(void)
{
    scene s;
    liminal_counts counts;
    scene_open(&s, 2, FEW, 2, REPLIES);
    meet(&s, kill_a);
    counts = scene_close(&s);
    sched_check(counts.silent + 1 == s.sent || counts.silent == s.sent);
    all_is_done(&s, counts, s.sent - (unsigned)counts.silent);
    sched_check(s.b.heard == 0 || s.b.first == s.a.last || s.b.first == s.a.last + 1);
}

static void kill_both(void *argument)
{
    scene *s = argument;
    kill_a(s);
    sched_check(liminal_process_kill(s->supervisor, s->pid_b) == LIMINAL_OK);
}

static void both_are_killed(void)
{
    scene s;
    liminal_counts counts;
    scene_open(&s, 2, FEW, NONE, 0);
    meet(&s, kill_both);
    counts = scene_close(&s);
    sched_check(counts.silent + counts.unfinished + counts.withdrawn == s.sent && counts.unfinished <= 1);
    sched_check(s.a.last + 1 >= counts.silent + counts.unfinished || s.b.heard != 0);
    sched_outcome((unsigned)counts.withdrawn);
}

static void close_it_at_once(void *argument)
{
    close_at_once(((scene *)argument)->conversation);
}

/* What has not been looked at was never begun. */
static void one_that_is_cut_off(void)
{
    scene s;
    liminal_counts counts;
    scene_open(&s, 1, FEW, NONE, 0);
    meet(&s, close_it_at_once);
    counts = scene_close(&s);
    sched_check(counts.silent + counts.unfinished + counts.withdrawn == s.sent && counts.unfinished <= 1);
    sched_check(s.a.heard == counts.silent + counts.unfinished);
    sched_outcome((unsigned)counts.withdrawn);
}

static void others_end_it(void **state)
{
    (void)state;
    assert_all(prove_widely(one_that_is_killed_is_followed, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(one_that_replies_is_killed, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(both_are_killed, .preemptions = 2, .turns = 1, .old = 0));
    assert_all(prove_widely(one_that_is_cut_off, .preemptions = 2, .turns = 1, .old = 1));
}

/* ---- where a lot ends ------------------------------------------------------------------------- */

/* More than there may be in a lot: what is behind that goes back, and before what comes meanwhile. */
static void more_than_a_lot(void)
{
    scene s;
    scene_open(&s, 1, MANY, NONE, 0);
    meet(&s, send_another);
    all_is_done(&s, scene_close(&s), 0);
}

/* Lots of 2, 4 and 8 follow the reply. */
static void lots_that_grow(void)
{
    scene s;
    scene_open(&s, 1, 3 * FEW, 1, REPLIES);
    meet(&s, send_another);
    all_is_done(&s, scene_close(&s), 1);
}

/* It fails at the last place of a lot, behind which there is more, and at the first one behind that. */
static void one_that_fails_at_the_edge(void)
{
    for (unsigned at = 31; at <= 34; at++) {
        scene s;
        scene_open(&s, 2, MANY, at, FAILS);
        meet(&s, NULL);
        all_is_done(&s, scene_close(&s), 0);
        sched_check(s.a.last == at && s.b.first == at);
    }
}

static void where_a_lot_ends(void **state)
{
    (void)state;
    assert_all(prove_widely(more_than_a_lot, .preemptions = 1, .turns = 1, .old = 0));
    assert_all(prove_widely(lots_that_grow, .preemptions = 2, .turns = 1, .old = 0));
    (void)prove(one_that_fails_at_the_edge, .search = SCHED_PRIORITIES, .preemptions = 4, .old = 4, .spurious = 1,
                .most = 300, .seed = 1, .steps = 100000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_exits_itself),
        cmocka_unit_test(others_end_it),
        cmocka_unit_test(where_a_lot_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_mailbox.c -- senders, turns, a close and a seal, in every order. What the duty guards is plain memory, so a
 * duty that two have at once is a race. */
#include "prove.h"

#include "mailbox.h"

#include <string.h>

enum { SENDERS = 3, EACH = 2 };

typedef struct parcel {
    limi_node node; /* kind: whose */
    int number;
} parcel;

typedef struct office {
    limi_mailbox mailbox;
    parcel parcels[SENDERS][EACH];
    int each; /* how many each sender has */
    limi_push pushed[SENDERS][EACH];
    bool seal; /* at the first rest behind `last` */
    /* Guarded by the duty. */
    int handled[SENDERS], total, turns;
    bool sealed;
} office;

static office *open_office(int each)
{
    office *o = sched_allocator()->allocate(NULL, sizeof *o);
    memset(o, 0, sizeof *o);
    o->each = each;
    limi_mailbox_init(&o->mailbox, false);
    return o;
}

static void work(office *o)
{
    o->turns++;
    do {
        limi_node *node = limi_mailbox_take(&o->mailbox);
        while (node != NULL) {
            const parcel *p = (const parcel *)(const void *)node;
            uint32_t from = node->kind;
            node = node->next;
            sched_check(p->number == o->handled[from]); /* in the order in which that one sent them */
            o->handled[from]++;
            o->total++;
        }
    } while (!limi_mailbox_rest(&o->mailbox, o->seal && o->total > 0));
}

static void send_all(office *o, int sender, limi_class class)
{
    for (int i = 0; i < o->each; i++) {
        parcel *p = &o->parcels[sender][i];
        p->node.kind = (uint32_t)sender;
        p->number = i;
        o->pushed[sender][i] = limi_mailbox_push(&o->mailbox, &p->node, class);
        if (o->pushed[sender][i] == LIMI_PUSH_DUTY) {
            work(o);
        }
    }
}

static void send_first(void *argument)
{
    send_all(argument, 0, LIMI_CLASS_MESSAGE);
}

static void send_second(void *argument)
{
    send_all(argument, 1, LIMI_CLASS_MESSAGE);
}

static void send_third(void *argument)
{
    send_all(argument, 2, LIMI_CLASS_CONTROL);
}

static void close_it(void *argument)
{
    office *o = argument;
    limi_mailbox_close(&o->mailbox);
    sched_check(limi_mailbox_is_closed(&o->mailbox));
}

/* Everything that was accepted has been handled, once; nobody is at work. */
static void end_office(office *o, int senders)
{
    int accepted = 0;
    for (int s = 0; s < senders; s++) {
        int mine = 0;
        for (int i = 0; i < o->each; i++) {
            mine += o->pushed[s][i] == LIMI_PUSH_QUEUED || o->pushed[s][i] == LIMI_PUSH_DUTY;
        }
        sched_check(o->handled[s] == mine);
        accepted += mine;
    }
    sched_check(o->total == accepted);
    sched_check(limi_mailbox_is_idle(&o->mailbox));
    sched_outcome((unsigned)(o->turns < 7 ? o->turns : 7));
    sched_allocator()->release(NULL, o, sizeof *o);
}

static void run_office(office *o, int threads, void (*const bodies[])(void *))
{
    int started[3];
    for (int i = 0; i < threads; i++) {
        started[i] = sched_thread(bodies[i], o);
    }
    for (int i = 0; i < threads; i++) {
        sched_join(started[i]);
    }
}

/* ---- two and three senders and a turn ---- */

static void two_senders(void)
{
    static void (*const bodies[])(void *) = {send_first, send_second};
    office *o = open_office(2);
    run_office(o, 2, bodies);
    end_office(o, 2);
}

static void three_senders(void)
{
    static void (*const bodies[])(void *) = {send_first, send_second, send_third};
    office *o = open_office(1);
    run_office(o, 3, bodies);
    end_office(o, 3);
}

static void senders_and_a_turn(void **state)
{
    (void)state;
    assert_all(prove(two_senders, .preemptions = 4, .turns = SCHED_ANY, .old = 4));
    assert_all(prove(three_senders, .preemptions = 3, .turns = SCHED_ANY, .old = 4));
}

/* ---- one who brings what a node would have brought ---- */

static void enter_or_send(void *argument)
{
    office *o = argument;
    if (limi_mailbox_enter(&o->mailbox)) {
        sched_check(o->handled[1] == 0);
        o->handled[1]++;
        o->total++;
        o->pushed[1][0] = LIMI_PUSH_DUTY;
        if (!limi_mailbox_rest(&o->mailbox, false)) {
            work(o);
        }
    } else {
        send_all(o, 1, LIMI_CLASS_MESSAGE);
    }
}

static void one_enters(void)
{
    static void (*const bodies[])(void *) = {send_first, enter_or_send};
    office *o = open_office(1);
    run_office(o, 2, bodies);
    end_office(o, 2);
}

static void who_enters_has_the_duty(void **state)
{
    (void)state;
    assert_all(prove(one_enters, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4));
}

/* ---- a close between them ---- */

static void a_close_between(void)
{
    static void (*const bodies[])(void *) = {send_first, send_second, close_it};
    office *o = open_office(2);
    limi_push late;
    parcel letter = {.node.kind = 0};
    run_office(o, 3, bodies);
    for (int s = 0; s < 2; s++) {
        sched_check(o->pushed[s][0] != LIMI_PUSH_CLOSED || o->pushed[s][1] == LIMI_PUSH_CLOSED); /* it stays closed */
    }
    late = limi_mailbox_push(&o->mailbox, &letter.node, LIMI_CLASS_MESSAGE);
    sched_check(late == LIMI_PUSH_CLOSED);
    end_office(o, 2);
}

/* ---- the end: nothing slips in behind it ---- */

static void a_seal_between(void)
{
    static void (*const bodies[])(void *) = {send_first, send_third};
    office *o = open_office(1);
    int sealed = 0;
    o->seal = true;
    run_office(o, 2, bodies);
    sealed += o->pushed[0][0] == LIMI_PUSH_SEALED;
    sealed += o->pushed[2][0] == LIMI_PUSH_SEALED;
    sched_check(sealed < 2 && limi_mailbox_is_sealed(&o->mailbox));
    sched_outcome((unsigned)sealed);
    sched_check(o->total == 2 - sealed);
    sched_allocator()->release(NULL, o, sizeof *o);
}

static void a_close_and_a_seal(void **state)
{
    (void)state;
    assert_all(prove(a_close_between, .preemptions = 3, .turns = SCHED_ANY, .old = 2));
    assert_seen(prove(a_seal_between, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4), 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(senders_and_a_turn),
        cmocka_unit_test(who_enters_has_the_duty),
        cmocka_unit_test(a_close_and_a_seal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

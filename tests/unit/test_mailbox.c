/* SPDX-License-Identifier: MIT */
/* test_mailbox.c -- the queue whose one word also says who is at work and who is admitted. */
#include "support/harness.h"

#include "mailbox.h"

static limi_push message(limi_mailbox *mailbox, limi_node *node)
{
    return limi_mailbox_push(mailbox, node, LIMI_CLASS_MESSAGE);
}

static limi_push control(limi_mailbox *mailbox, limi_node *node)
{
    return limi_mailbox_push(mailbox, node, LIMI_CLASS_CONTROL);
}

static void the_first_push_has_the_duty(void **state)
{
    limi_mailbox mailbox;
    limi_node nodes[4] = {{.kind = 0}};
    limi_node *taken;
    (void)state;
    limi_mailbox_init(&mailbox, false);
    assert_true(limi_mailbox_is_idle(&mailbox));
    assert_int_equal(message(&mailbox, &nodes[0]), LIMI_PUSH_DUTY);
    assert_false(limi_mailbox_is_idle(&mailbox));
    assert_int_equal(message(&mailbox, &nodes[1]), LIMI_PUSH_QUEUED);
    assert_int_equal(control(&mailbox, &nodes[2]), LIMI_PUSH_QUEUED);
    assert_false(limi_mailbox_rest(&mailbox, false)); /* something is there */

    taken = limi_mailbox_take(&mailbox);
    assert_ptr_equal(taken, &nodes[0]); /* oldest first */
    assert_ptr_equal(taken->next, &nodes[1]);
    assert_ptr_equal(taken->next->next, &nodes[2]);
    assert_null(taken->next->next->next);
    assert_null(limi_mailbox_take(&mailbox));

    assert_false(limi_mailbox_is_idle(&mailbox)); /* taken is not handled */
    assert_int_equal(message(&mailbox, &nodes[3]), LIMI_PUSH_QUEUED);
    assert_false(limi_mailbox_rest(&mailbox, false));
    assert_ptr_equal(limi_mailbox_take(&mailbox), &nodes[3]);
    assert_true(limi_mailbox_rest(&mailbox, false));
    assert_true(limi_mailbox_is_idle(&mailbox));
    assert_int_equal(message(&mailbox, &nodes[0]), LIMI_PUSH_DUTY);
}

static void a_busy_one_is_nobodys_duty(void **state)
{
    limi_mailbox mailbox;
    limi_node node = {.kind = 0};
    (void)state;
    limi_mailbox_init(&mailbox, true);
    assert_false(limi_mailbox_is_idle(&mailbox));
    assert_int_equal(message(&mailbox, &node), LIMI_PUSH_QUEUED);
    assert_false(limi_mailbox_rest(&mailbox, false));
    assert_ptr_equal(limi_mailbox_take(&mailbox), &node);
    assert_true(limi_mailbox_rest(&mailbox, false));
}

static void closed_admits_control_and_sealed_nothing(void **state)
{
    limi_mailbox mailbox;
    limi_node nodes[3] = {{.kind = 0}};
    (void)state;
    limi_mailbox_init(&mailbox, false);
    assert_int_equal(message(&mailbox, &nodes[0]), LIMI_PUSH_DUTY);
    assert_false(limi_mailbox_is_closed(&mailbox));
    limi_mailbox_close(&mailbox);
    limi_mailbox_close(&mailbox);
    assert_true(limi_mailbox_is_closed(&mailbox));
    assert_false(limi_mailbox_is_sealed(&mailbox));
    assert_int_equal(message(&mailbox, &nodes[1]), LIMI_PUSH_CLOSED);
    assert_int_equal(control(&mailbox, &nodes[2]), LIMI_PUSH_QUEUED);
    assert_false(limi_mailbox_rest(&mailbox, true));
    assert_false(limi_mailbox_is_sealed(&mailbox));
    assert_ptr_equal(limi_mailbox_take(&mailbox), &nodes[0]); /* what was in stays in */
    assert_true(limi_mailbox_rest(&mailbox, false));
    assert_true(limi_mailbox_is_closed(&mailbox)); /* resting does not open it */
    assert_int_equal(message(&mailbox, &nodes[1]), LIMI_PUSH_CLOSED);
    assert_int_equal(control(&mailbox, &nodes[1]), LIMI_PUSH_DUTY);
    assert_ptr_equal(limi_mailbox_take(&mailbox), &nodes[1]);
    assert_true(limi_mailbox_rest(&mailbox, true));
    assert_true(limi_mailbox_is_sealed(&mailbox));
    assert_true(limi_mailbox_is_closed(&mailbox));
    assert_true(limi_mailbox_is_idle(&mailbox));
    assert_int_equal(message(&mailbox, &nodes[0]), LIMI_PUSH_SEALED);
    assert_int_equal(control(&mailbox, &nodes[0]), LIMI_PUSH_SEALED);
}

/* ---- two producers, who are also the consumers; and one who closes ---- */

enum { EACH = 20000 };

typedef struct parcel {
    limi_node node; /* kind: which producer */
    uint32_t number;
} parcel;

/* Everything but the mailbox is guarded by the duty alone: TSan looks. */
typedef struct office {
    limi_mailbox mailbox;
    parcel parcels[2][EACH];
    uint32_t handled[2], last[2];
    bool in_order;
} office;

typedef struct producer {
    office *office;
    uint32_t number;
    uint32_t accepted, refused, refused_then_accepted;
    test_gate *half_way;
} producer;

static void work(office *o)
{
    do {
        limi_node *node = limi_mailbox_take(&o->mailbox);
        while (node != NULL) {
            const parcel *p = (const parcel *)(const void *)node;
            uint32_t from = node->kind;
            node = node->next;
            o->in_order = o->in_order && p->number == o->last[from] + 1;
            o->last[from] = p->number;
            o->handled[from]++;
        }
    } while (!limi_mailbox_rest(&o->mailbox, false));
}

static void produce(void *argument)
{
    producer *me = argument;
    for (uint32_t i = 0; i < EACH; i++) {
        parcel *p = &me->office->parcels[me->number][i];
        limi_push pushed;
        p->node.kind = me->number;
        p->number = me->accepted + 1;
        if (i == EACH / 2 && me->half_way != NULL) {
            test_gate_open(me->half_way);
        }
        pushed = limi_mailbox_push(&me->office->mailbox, &p->node, LIMI_CLASS_MESSAGE);
        if (pushed == LIMI_PUSH_CLOSED) {
            me->refused++;
            continue;
        }
        me->accepted++;
        me->refused_then_accepted += me->refused != 0;
        if (pushed == LIMI_PUSH_DUTY) {
            work(me->office);
        }
    }
}

static void race(office *o, producer producers[2], bool close)
{
    test_gate half_way = TEST_GATE_INIT;
    test_thread threads[2];
    limi_mailbox_init(&o->mailbox, false);
    o->in_order = true;
    for (uint32_t i = 0; i < 2; i++) {
        o->handled[i] = o->last[i] = 0;
        producers[i] = (producer){.office = o, .number = i, .half_way = close ? &half_way : NULL};
    }
    for (int i = 0; i < 2; i++) {
        test_thread_start(&threads[i], produce, &producers[i]);
    }
    if (close) {
        test_gate_wait(&half_way);
        limi_mailbox_close(&o->mailbox);
    }
    for (int i = 0; i < 2; i++) {
        test_thread_join(&threads[i]);
    }
    assert_true(o->in_order);
    assert_true(limi_mailbox_is_idle(&o->mailbox));
}

static office shared_office;

static void nothing_is_lost_or_doubled(void **state)
{
    producer producers[2];
    (void)state;
    race(&shared_office, producers, false);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(producers[i].accepted, EACH);
        assert_int_equal(shared_office.handled[i], EACH);
    }
}

static void accepted_is_handled_and_refused_is_not(void **state)
{
    producer producers[2];
    (void)state;
    race(&shared_office, producers, true);
    for (int i = 0; i < 2; i++) {
        assert_int_equal(producers[i].accepted + producers[i].refused, EACH);
        assert_int_equal(shared_office.handled[i], producers[i].accepted);
        assert_int_equal(producers[i].refused_then_accepted, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_first_push_has_the_duty),
        TEST(a_busy_one_is_nobodys_duty),
        TEST(closed_admits_control_and_sealed_nothing),
        TEST(nothing_is_lost_or_doubled),
        TEST(accepted_is_handled_and_refused_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

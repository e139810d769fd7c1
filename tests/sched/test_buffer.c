/* SPDX-License-Identifier: MIT */
/* test_buffer.c -- a conversation without participants: two send, one of them twice, while one receives. The shortest
 * way past the mailbox does not overtake what lies in it. And two send while one closes: what comes by that way is not
 * accepted after somebody was refused. */
#include "stage.h"

typedef struct buffer {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    liminal_envelope *first; /* that was received */
    liminal_status status;   /* of a send, and how many had been accepted then */
    size_t sent;
} buffer;

static void put(buffer *b, const char *text)
{
    liminal_envelope *message = stage_say(text);
    sched_check(liminal_conversation_send(b->conversation, &message, liminal_deadline_never()) == LIMINAL_OK);
}

static void put_another(void *argument)
{
    put(argument, "another");
}

static void get_first(void *argument)
{
    buffer *b = argument;
    sched_check(liminal_conversation_receive(b->conversation, &b->first, liminal_deadline_never()) == LIMINAL_OK);
}

/* Which of three it is, and let go of it. */
static int which(liminal_envelope *message)
{
    int number = stage_says(message, "one") ? 0 : stage_says(message, "two") ? 1 : 2;
    liminal_envelope_drop(&message);
    return number;
}

static void in_the_order_of_each_sender(void)
{
    const liminal_config nobody = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    buffer b = {.supervisor = stage_open()};
    int sender, receiver, place[3] = {-1, -1, -1};
    sched_check(liminal_supervisor_spawn(b.supervisor, &nobody, &b.conversation) == LIMINAL_OK);
    stage_go();
    receiver = sched_thread(get_first, &b);
    sender = sched_thread(put_another, &b);
    put(&b, "one");
    put(&b, "two");
    sched_join(sender);
    sched_join(receiver);
    sched_quiet(true);
    place[which(b.first)] = 0;
    for (int i = 1; i < 3; i++) {
        liminal_envelope *next = NULL;
        sched_check(liminal_conversation_receive(b.conversation, &next, liminal_deadline_never()) == LIMINAL_OK);
        place[which(next)] = i;
    }
    sched_check(place[0] >= 0 && place[1] > place[0] && place[2] >= 0);
    sched_outcome((unsigned)place[2]);
    liminal_conversation_drop(&b.conversation);
    (void)stage_close(&b.supervisor);
}

/* ---- a close ---- */

static void close_it(void *argument)
{
    buffer *b = argument;
    sched_check(liminal_conversation_close(b->conversation, liminal_deadline_never()) == LIMINAL_OK);
}

static liminal_status put_or_be_refused(buffer *b)
{
    liminal_envelope *message = stage_say("another");
    liminal_status st = liminal_conversation_send(b->conversation, &message, liminal_deadline_never());
    sched_check(st == LIMINAL_OK || st == LIMINAL_ECLOSED);
    liminal_envelope_drop(&message);
    return st;
}

static void put_there(void *argument)
{
    (void)put_or_be_refused(argument);
}

static void put_and_look(void *argument)
{
    buffer *b = argument;
    b->status = put_or_be_refused(b);
    b->sent = stage_look(b->conversation).counts.sent;
}

/* Once somebody has been refused nothing is accepted any more, also not what was on its way. */
static void none_after_a_refusal(void)
{
    const liminal_config nobody = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL};
    buffer b = {.supervisor = stage_open()};
    int sender, closer, looker;
    sched_check(liminal_supervisor_spawn(b.supervisor, &nobody, &b.conversation) == LIMINAL_OK);
    stage_go();
    sender = sched_thread(put_there, &b);
    closer = sched_thread(close_it, &b);
    looker = sched_thread(put_and_look, &b);
    sched_join(sender);
    sched_join(closer);
    sched_join(looker);
    sched_quiet(true);
    sched_check(b.status == LIMINAL_OK || stage_look(b.conversation).counts.sent == b.sent);
    sched_outcome((unsigned)b.sent + (b.status == LIMINAL_OK ? 3 : 0));
    liminal_conversation_drop(&b.conversation);
    (void)stage_close(&b.supervisor);
}

static void closed_buffers(void **state)
{
    (void)state;
    assert_seen(prove_widely(none_after_a_refusal, .preemptions = 2, .turns = 1, .old = 1), 0x33);
}

static void buffers(void **state)
{
    (void)state;
    assert_seen(prove_widely(in_the_order_of_each_sender, .preemptions = 2, .turns = 1, .old = 1), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(buffers), cmocka_unit_test(closed_buffers)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

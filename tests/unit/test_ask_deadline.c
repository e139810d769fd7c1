/* SPDX-License-Identifier: MIT */
/* test_ask_deadline.c -- an answer in time or not at all; and what a behaviour is told with the question. */
#define _GNU_SOURCE

#include "call_kit.h"

static servant new_asked(void)
{
    servant self = new_servant();
    self.anew = true;
    return self;
}

/* ---- deadlines ------------------------------------------------------------------------------- */

/* What was not begun is withdrawn: it stays the caller's, is never delivered, and may be asked again. */
static void withdrawn(void **state)
{
    servant self = new_asked();
    liminal_envelope *request = note("late"), *kept = request, *reply = NULL;
    call holder;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    hold(&holder, &self, talk, "hold", LONG);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(5)), LIMINAL_ETIMEDOUT);
    assert_ptr_equal(request, kept);
    assert_null(reply);
    test_gate_open(&self.go);
    got(&holder, "re: hold");
    ask_gives(talk, "fence", "re: fence");
    assert_int_equal(look(talk).counts.withdrawn, 1);
    assert_int_equal(look(talk).counts.late, 0);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), "re: late");
    liminal_envelope_drop(&reply);
    shut(&talk);
    assert_int_equal(self.answered, 3); /* hold, fence, late */
}

static void passed_already(void **state)
{
    servant self = new_asked();
    liminal_envelope *request = note("late"), *kept = request, *reply = NULL;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_passed()), LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(0)), LIMINAL_ETIMEDOUT);
    assert_ptr_equal(request, kept);
    assert_null(reply);
    ask_gives(talk, "fence", "re: fence");
    liminal_envelope_drop(&request);
    shut(&talk);
    assert_int_equal(self.answered, 1);
}

/* The answer that comes after its asker has gone is counted, and goes to no receiver and no asker. */
static void late_answer(void **state)
{
    servant self = new_asked();
    call holder;
    liminal_conversation *talk;
    liminal_summary summary;
    size_t in_vain;
    open_house();
    talk = serving_talk(*state, &self);
    ask_gives(talk, "warm", "re: warm");
    in_vain = hold_briefly(&holder, &self, talk, "hold");
    test_thread_join(&holder.thread); /* at its deadline, while the behaviour still runs */
    test_gate_open(&self.go);
    assert_int_equal(holder.status, LIMINAL_ETIMEDOUT);
    assert_false(holder.kept);
    assert_null(holder.reply);
    ask_gives(talk, "fence", "re: fence");
    summary = look(talk);
    assert_int_equal(summary.counts.late, 1);
    assert_true(summary.counts.withdrawn <= in_vain); /* what came too late to be accepted is not counted */
    assert_int_equal(summary.counts.received, 2);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    put(talk, "sent");
    get(talk, "re: sent");
    shut(&talk);
    assert_int_equal(self.answered, 4);
}

/* An asker that runs the behaviour itself notices its deadline only afterwards. Whether it still gets the
 * answer is open; but it is either received or late, and never both. */
static void late_answer_of_ones_own(void **state)
{
    servant self = new_asked();
    call holder;
    liminal_conversation *talk;
    liminal_summary summary;
    bool late;
    open_house();
    talk = serving_talk(*state, &self);
    (void)hold_briefly(&holder, &self, talk, "hold");
    test_until(liminal_deadline_remaining_ns(holder.deadline) == 0);
    test_gate_open(&self.go);
    test_thread_join(&holder.thread);
    late = holder.status == LIMINAL_ETIMEDOUT;
    assert_int_equal(holder.status, late ? LIMINAL_ETIMEDOUT : LIMINAL_OK);
    assert_false(holder.kept);
    assert_int_equal(holder.reply == NULL, late);
    liminal_envelope_drop(&holder.reply);
    ask_gives(talk, "fence", "re: fence");
    summary = look(talk);
    assert_int_equal(summary.counts.late, late ? 1 : 0);
    assert_int_equal(summary.counts.received, late ? 1 : 2);
    get_fails(talk, liminal_deadline_passed(), LIMINAL_ETIMEDOUT);
    shut(&talk);
    assert_int_equal(self.answered, 2);
}

/* ---- what is current in the behaviour -------------------------------------------------------- */

/* What is current while it answers, in the last request. */
typedef struct witness {
    servant base;
    liminal_deadline deadline, own_deadline;
    liminal_trace_context trace, asked;
} witness;

static liminal_status notice(servant *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    witness *it = (witness *)self; /* the first field of it */
    (void)out_reply;
    it->deadline = liminal_deadline_current();
    it->own_deadline = liminal_envelope_read(request).deadline;
    it->trace = liminal_span_current();
    it->asked = liminal_envelope_read(request).trace;
    return LIMINAL_OK;
}

static void deadline_in_the_behaviour(void **state)
{
    witness self = {.base = new_servant()};
    liminal_deadline soon, later;
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *request = NULL, *reply = NULL;
    liminal_conversation *talk;
    self.base.anew = true;
    self.base.also = notice;
    open_house();
    talk = serving_talk(*state, &self.base);
    assert_int_equal(liminal_deadline_current().ns, liminal_deadline_never().ns);
    soon = liminal_deadline_in_ms(20000);
    later = liminal_deadline_in_ms(30000);

    assert_int_equal(ask_until(talk, "a", "re: a", soon), LIMINAL_OK); /* the asker's */
    assert_int_equal(self.deadline.ns, soon.ns);

    options.deadline = later; /* both: the asker's is earlier */
    assert_int_equal(liminal_envelope_create("b", 1, &options, &request), LIMINAL_OK);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, soon), LIMINAL_OK);
    liminal_envelope_drop(&reply);
    assert_int_equal(self.deadline.ns, soon.ns);
    assert_int_equal(self.own_deadline.ns, later.ns);

    options.deadline = soon; /* both: the envelope's is earlier */
    assert_int_equal(liminal_envelope_create("c", 1, &options, &request), LIMINAL_OK);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, later), LIMINAL_OK);
    liminal_envelope_drop(&reply);
    assert_int_equal(self.deadline.ns, soon.ns);

    assert_int_equal(ask_until(talk, "d", "re: d", liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(self.deadline.ns, liminal_deadline_never().ns);

    put(talk, "e"); /* the deadline of a send is for room; nobody waits for the answer */
    get(talk, "re: e");
    assert_int_equal(self.deadline.ns, liminal_deadline_never().ns);

    options.deadline = later;
    assert_int_equal(liminal_envelope_create("f", 1, &options, &request), LIMINAL_OK);
    assert_int_equal(liminal_conversation_send(talk, &request, soon), LIMINAL_OK);
    get(talk, "re: f");
    assert_int_equal(self.deadline.ns, later.ns);

    assert_int_equal(liminal_deadline_current().ns, liminal_deadline_never().ns); /* restored on this thread */
    shut(&talk);
}

static void trace_in_the_behaviour(void **state)
{
    witness self = {.base = new_servant()};
    const liminal_trace_context here = liminal_trace_root(), there = liminal_trace_root();
    liminal_trace_context current;
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *request = NULL, *reply = NULL;
    liminal_span_entry entry;
    liminal_conversation *talk;
    self.base.anew = true;
    self.base.also = notice;
    open_house();
    talk = serving_talk(*state, &self.base);
    options.trace = &there;
    assert_int_equal(liminal_envelope_create("a", 1, &options, &request), LIMINAL_OK);
    entry = liminal_span_enter(&here);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
    current = liminal_span_current();
    liminal_span_leave(entry);
    assert_true(liminal_trace_equal(&current, &here)); /* also if the behaviour ran on this thread */
    assert_true(liminal_trace_equal(&self.asked, &there));
    assert_true(liminal_trace_equal(&self.trace, &there));
    current = liminal_envelope_read(reply).trace;
    assert_memory_equal(current.trace_id, there.trace_id, sizeof there.trace_id);
    liminal_envelope_drop(&reply);
    current = liminal_span_current();
    assert_false(liminal_trace_valid(&current));
    shut(&talk);
}

static void cause_in_the_behaviour(void **state)
{
    servant self = new_asked();
    liminal_envelope *request = note("a"), *asked = liminal_envelope_ref(request), *reply = NULL, *after;
    liminal_conversation *talk;
    open_house();
    talk = serving_talk(*state, &self);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
    assert_ptr_equal(liminal_envelope_read(reply).cause, asked);
    assert_true(liminal_envelope_follows(reply, asked));
    assert_false(liminal_envelope_follows(asked, reply));
    liminal_envelope_drop(&reply);
    after = note("outside");
    assert_null(liminal_envelope_read(after).cause);
    liminal_envelope_drop(&after);

    /* The same for a message that was merely sent. */
    request = liminal_envelope_ref(asked);
    assert_int_equal(liminal_conversation_send(talk, &request, LONG), LIMINAL_OK);
    assert_int_equal(liminal_conversation_receive(talk, &reply, LONG), LIMINAL_OK);
    assert_ptr_equal(liminal_envelope_read(reply).cause, asked);
    liminal_envelope_drop(&reply);
    liminal_envelope_drop(&asked);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FOUR(withdrawn),
        FOUR(passed_already),
        THREADED(late_answer),
        WITH(late_answer, "pinned, inline", 3),
        FOUR(late_answer_of_ones_own),
        FOUR(deadline_in_the_behaviour),
        FOUR(trace_in_the_behaviour),
        FOUR(cause_in_the_behaviour),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

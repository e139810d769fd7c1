/* SPDX-License-Identifier: MIT */
/* test_step_conservation.c -- every ticket comes to one end: all sequences of five events. */
#include "step_kit.h"

/* ---- conservation: all sequences of five events, over none, one and two seats ---- */

enum { LENGTH = 5, TICKETS = LENGTH + 2 };

typedef struct law {
    world w;
    named tickets[TICKETS];
    bool accepted[TICKETS], settled[TICKETS], at_seat[TICKETS], was_decided[TICKETS];
    int count;
    int replies_in, replies_back; /* brought to the rules; left over for the shell to drop */
    int finals;
    liminal_envelope *envelope;
} law;

static void law_settle(law *l, limi_list *list)
{
    limi_list *hop;
    while ((hop = limi_list_pop(list)) != NULL) {
        named *n = LIMI_HOLDER(LIMI_HOLDER(hop, limi_ticket, hop), named, ticket);
        long i = n - l->tickets;
        assert_true(i >= 0 && i < l->count);
        assert_true(l->accepted[i]);
        assert_false(l->settled[i]); /* never twice */
        assert_true(limi_list_empty(&n->ticket.link));
        l->settled[i] = true;
        if (!n->ticket.abandoned && n->ticket.kind != LIMI_TICKET_SEND) {
            assert_true(n->ticket.decided); /* who waits is told */
        }
        if (n->ticket.kind == LIMI_TICKET_SEND) {
            assert_null(n->ticket.reply);
        }
    }
}

static size_t length_of(const limi_list *list)
{
    size_t length = 0;
    for (const limi_list *at = list->next; at != list; at = at->next) {
        length++;
    }
    return length;
}

static void law_step(law *l, limi_event event)
{
    limi_list *hop;
    size_t in_flight = 0;
    event.now = event.seen = some_time;
    if (event.reply != NULL) {
        l->replies_in++;
    }
    limi_step(&l->w.dialogue, &event, &l->w.effects);
    if (event.reply != NULL) {
        l->replies_back++;
        liminal_envelope_drop(&event.reply);
    }
    if (event.kind == LIMI_EVENT_RECEIVE && event.decided) { /* the caller keeps it, the rules never had it */
        l->settled[(named *)(void *)event.ticket - l->tickets] = true;
    }
    while ((hop = limi_list_pop(&l->w.effects.forward)) != NULL) {
        named *n = LIMI_HOLDER(LIMI_HOLDER(hop, limi_ticket, way), named, ticket);
        long i = n - l->tickets;
        assert_false(l->at_seat[i]);
        assert_true(l->w.seats[n->ticket.seat].alive);
        l->at_seat[i] = true;
    }
    law_settle(l, &l->w.effects.settled);
    law_settle(l, &l->w.effects.closed);
    l->finals += l->w.effects.final;
    assert_true(l->finals <= 1);
    limi_effects_init(&l->w.effects);
    for (uint32_t i = 0; i < l->w.dialogue.seat_count; i++) {
        in_flight += length_of(&l->w.seats[i].in_flight);
    }
    assert_int_equal(in_flight, l->w.dialogue.in_flight);
    for (int i = 0; i < l->count; i++) {
        assert_true(l->tickets[i].ticket.decided || !l->was_decided[i]);
        l->was_decided[i] = l->tickets[i].ticket.decided;
    }
}

static void law_new(law *l, limi_ticket_kind kind, limi_event event)
{
    int i = l->count++;
    bool speaks = kind == LIMI_TICKET_SEND || kind == LIMI_TICKET_ASK;
    renew(&l->tickets[i], kind, 't', speaks ? liminal_envelope_ref(l->envelope) : NULL);
    l->accepted[i] = true;
    l->settled[i] = l->at_seat[i] = l->was_decided[i] = false;
    event.ticket = &l->tickets[i].ticket;
    law_step(l, event);
}

/* The participant gives back the oldest that it has. */
static void law_return(law *l, bool with_reply, bool begun)
{
    for (int i = 0; i < l->count; i++) {
        if (l->at_seat[i]) {
            limi_ticket *ticket = &l->tickets[i].ticket;
            bool answers = begun && !ticket->withdrawn;
            l->at_seat[i] = false;
            law_step(l, (limi_event){.kind = answers ? LIMI_EVENT_ANSWERED : LIMI_EVENT_UNBEGUN, .ticket = ticket,
                                     .reply = answers && with_reply ? liminal_envelope_ref(l->envelope) : NULL});
            return;
        }
    }
}

/* The oldest one of a kind that waits gives up. */
static void law_give_up(law *l, limi_ticket_kind kind, bool withdrawn)
{
    for (int i = 0; i < l->count; i++) {
        limi_ticket *ticket = &l->tickets[i].ticket;
        if (ticket->kind == kind && !ticket->decided && !ticket->abandoned) {
            law_step(l, (limi_event){.kind = LIMI_EVENT_GAVE_UP, .ticket = ticket, .withdrawn = withdrawn});
            return;
        }
    }
}

static const char letters[] = "SARCcvgNQUXYD";

static void law_event(law *l, char letter, int place)
{
    uint32_t seat = letter == 'Y' ? 1 : 0;
    switch (letter) {
    case 'S':
        law_new(l, LIMI_TICKET_SEND, (limi_event){.kind = LIMI_EVENT_SENT});
        break;
    case 'A':
        law_new(l, LIMI_TICKET_ASK, (limi_event){.kind = LIMI_EVENT_SENT});
        break;
    case 'R':
        law_new(l, LIMI_TICKET_RECEIVE, (limi_event){.kind = LIMI_EVENT_RECEIVE, .may_wait = true});
        break;
    case 'C':
        law_step(l, (limi_event){.kind = LIMI_EVENT_CLOSING, .deadline = {500}});
        law_new(l, LIMI_TICKET_CLOSE, (limi_event){.kind = LIMI_EVENT_CLOSE});
        break;
    case 'c':
        law_step(l, (limi_event){.kind = LIMI_EVENT_CLOSING, .deadline = {500}});
        break;
    case 'v':
        law_give_up(l, LIMI_TICKET_RECEIVE, false);
        break;
    case 'g':
        law_give_up(l, LIMI_TICKET_ASK, place % 2 == 0);
        break;
    case 'N':
    case 'Q':
    case 'U':
        law_return(l, letter == 'N', letter != 'U');
        break;
    case 'X':
    case 'Y':
        if (seat < l->w.dialogue.seat_count) {
            law_step(l, (limi_event){.kind = LIMI_EVENT_EXITED, .seat = seat, .reason = {LIMINAL_EXIT_NORMAL, 0}});
        }
        break;
    default:
        law_step(l, (limi_event){.kind = LIMI_EVENT_DEADLINE, .now_ns = 600});
        break;
    }
}

/* End it, bring back all that is out, and account for every ticket and every reply. */
static void law_account(law *l)
{
    int given = 0, waiting = 0;
    law_step(l, (limi_event){.kind = LIMI_EVENT_CLOSING, .deadline = liminal_deadline_passed()});
    law_step(l, (limi_event){.kind = LIMI_EVENT_DEADLINE, .now_ns = 600});
    assert_int_equal(l->finals, 1);
    for (int i = 0; i < l->count; i++) {
        law_return(l, true, true);
    }
    for (int i = 0; i < l->count; i++) {
        limi_ticket *ticket = &l->tickets[i].ticket;
        assert_false(l->at_seat[i]);
        if (!l->settled[i]) { /* only a reply that nobody fetched is still kept */
            assert_int_equal(ticket->kind, LIMI_TICKET_SEND);
            assert_non_null(ticket->reply);
            waiting++;
        } else if (ticket->reply != NULL) {
            assert_true(ticket->decided);
            assert_int_equal(ticket->outcome, LIMINAL_OK);
            given++;
        }
        drop_ticket(&l->tickets[i]);
    }
    assert_int_equal(waiting, length_of(&l->w.dialogue.replies));
    assert_int_equal(given, liminal_state_counts(l->w.state)->received);
    if (l->w.dialogue.seat_count > 0) {
        assert_int_equal(l->replies_in, given + waiting + l->replies_back);
    } else {
        assert_int_equal(liminal_state_counts(l->w.state)->sent, given + waiting);
    }
}

static void every_ticket_is_accounted_for(void **state)
{
    static law l;
    const int kinds = (int)sizeof letters - 1;
    liminal_envelope *envelope = say("x");
    int total = 1;
    (void)state;
    for (int i = 0; i < LENGTH; i++) {
        total *= kinds;
    }
    for (uint32_t seats = 0; seats <= 2; seats++) {
        for (int number = 0; number < total; number++) {
            int rest = number;
            memset(&l, 0, sizeof l);
            l.envelope = envelope;
            open_timed(&l.w, seats, 3, liminal_deadline_never(), liminal_allocator_default());
            for (int place = 0; place < LENGTH; place++, rest /= kinds) {
                law_event(&l, letters[rest % kinds], place);
            }
            law_account(&l);
            end_world(&l.w);
        }
    }
    liminal_envelope_drop(&envelope); /* the last reference: the teardown sees whether it was */
}

static void what_was_cut_off_is_counted_once(void **state)
{
    world w;
    named a, b;
    (void)state;
    begin(&w, 1, 1);
    renew(&a, LIMI_TICKET_SEND, 'a', say("a"));
    renew(&b, LIMI_TICKET_ASK, 'b', say("b"));
    (void)sent(&w, &a);
    (void)sent(&w, &b);
    (void)closing(&w, NULL, 500);
    assert_string_equal(clock_says(&w, 500), "a= b=ECLOSED closing final");
    assert_counts(&w, "sent 2 received 0 withdrawn 0 late 0 silent 0 unfinished 2");
    (void)answered(&w, &a, "A"); /* late is for "answers to an ask whose asker had gone": this is a send */
    (void)answered(&w, &b, "B"); /* "asks that were ... late or ended with the conversation ... counted once" */
    assert_counts(&w, "sent 2 received 0 withdrawn 0 late 0 silent 0 unfinished 2");
    drop_ticket(&a);
    drop_ticket(&b);
    end_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(every_ticket_is_accounted_for),
        TEST(what_was_cut_off_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_step_conservation.c -- every ticket comes to one end: all sequences of five events, for each policy, over
 * none, one and three seats. After each event the rules' own books are checked, after the last one the conversation
 * is ended, all that participants have is brought back, and every ticket and every reply accounted for:
 * asked = answered + timed out + failed + cancelled + withdrawn. */
#include "step_kit.h"

/* There is one thread, so TSan has nothing to find here, and would take a minute. */
#define LENGTH (UNDER_TSAN || UNDER_ASAN ? 4 : 5)

enum { TICKETS = LENGTH + 2, UNDOS = 3, DEADLINE = 500, AFTER = 600 };

/* What is tried: so many seats, with this policy, and these letters; see law_event(). */
typedef struct trial {
    uint32_t seats;
    unsigned inlined; /* a bit for each seat */
    liminal_crash_policy policy;
    const char *letters;
} trial;

/* Memory of one sequence: so many are tried that giving each block back would cost more than all the rest. */
static _Alignas(16) unsigned char arena[8192];
static size_t arena_used;

static void *take_bytes(void *context, size_t size)
{
    unsigned char *at = arena + arena_used;
    (void)context;
    assert_true(size <= sizeof arena - arena_used);
    arena_used += (size + 15) / 16 * 16;
    return at;
}

static void keep_bytes(void *context, void *block, size_t size)
{
    (void)context, (void)block, (void)size;
}

static const liminal_allocator of_arena = {LIMINAL_OPS(liminal_allocator), .allocate = take_bytes,
                                           .release = keep_bytes};

typedef struct law {
    world w;
    named tickets[TICKETS];
    bool accepted[TICKETS], settled[TICKETS], was_decided[TICKETS];
    liminal_status outcome[TICKETS]; /* once decided */
    int begun_by[TICKETS][SEATS]; /* how often; a participant that has died still answers what it has */
    int count;
    int replies_in, replies_back; /* brought to the rules; left over for the shell to drop */
    int finals, unheard, arrived, nowhere;
    bool compensating; /* the effect has come: the shell asks for undos */
    limi_undo undos[UNDOS];
    int undone; /* how many were given out, the last first */
    bool undoing;
    liminal_envelope *envelope;
} law;

static long index_of(const law *l, limi_ticket *ticket)
{
    long i = named_of(ticket) - l->tickets;
    assert_true(i >= 0 && i < l->count);
    return i;
}

static void law_settle(law *l, limi_list *list)
{
    limi_list *hop;
    while ((hop = limi_list_pop(list)) != NULL) {
        limi_ticket *ticket = LIMI_HOLDER(hop, limi_ticket, hop);
        long i = index_of(l, ticket);
        assert_true(l->accepted[i]);
        assert_false(l->settled[i]); /* never twice */
        assert_true(limi_list_empty(&ticket->link));
        assert_int_equal(ticket->where, LIMI_WHERE_AWAY);
        l->settled[i] = true;
        if (!ticket->abandoned && ticket->kind != LIMI_TICKET_SEND) {
            assert_true(ticket->decided); /* who waits is told */
        }
        if (ticket->kind == LIMI_TICKET_SEND && ticket->reply != NULL) {
            assert_true(ticket->unasked); /* nobody will hear it: the shell drops it */
            l->unheard++;
        }
        l->nowhere += ticket->decided && ticket->outcome == LIMINAL_ENOPROC;
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

/* What a seat has is in the order in which it was sent, what was begun first, and says where it is. */
static size_t law_check_list(law *l, const limi_list *list, uint32_t seat, limi_where where, long *last)
{
    size_t length = 0;
    for (const limi_list *at = list->next; at != list; at = at->next, length++) {
        limi_ticket *ticket = LIMI_HOLDER(at, limi_ticket, link);
        long i = index_of(l, ticket);
        assert_int_equal(ticket->where, where);
        assert_int_equal(ticket->seat, seat);
        assert_false(l->settled[i] || ticket->decided || ticket->withdrawn);
        assert_true(i > *last);
        *last = i;
    }
    return length;
}

static void law_check_singles(const limi_seat *seat)
{
    uint32_t singles = 0;
    for (const limi_list *at = seat->queue.next; at != &seat->queue; at = at->next) {
        const limi_ticket *ticket = LIMI_HOLDER(at, limi_ticket, link);
        singles += ticket->kind == LIMI_TICKET_ASK || ticket->deadline.ns != INT64_MAX || ticket->begun;
    }
    assert_int_equal(seat->singles, singles);
}

/* What has come and is not settled is on one list, and on no other. */
static void law_check_places(const law *l, size_t at_seats)
{
    const limi_dialogue *d = &l->w.dialogue;
    size_t open = 0, on_lists = at_seats;
    on_lists += length_of(&d->replies) + length_of(&d->receivers) + length_of(&d->closers);
    for (int i = 0; i < l->count; i++) {
        open += l->accepted[i] && !l->settled[i];
        assert_int_equal(limi_list_empty(&l->tickets[i].ticket.link), l->settled[i]);
    }
    assert_int_equal(on_lists, open);
}

static void law_check(law *l)
{
    limi_dialogue *d = &l->w.dialogue;
    size_t at_seats = 0;
    uint32_t living = 0, first = d->seat_count;
    for (uint32_t seat = 0; seat < d->seat_count; seat++) {
        long last = -1;
        size_t here = law_check_list(l, &l->w.seats[seat].begun, seat, LIMI_WHERE_BEGUN, &last);
        here += law_check_list(l, &l->w.seats[seat].queue, seat, LIMI_WHERE_QUEUED, &last);
        assert_true(here == 0 || l->w.seats[seat].alive); /* the dead have no work */
        law_check_singles(&l->w.seats[seat]);
        at_seats += here;
        living += l->w.seats[seat].alive;
        first = first == d->seat_count && l->w.seats[seat].alive ? seat : first;
    }
    law_check_places(l, at_seats);
    assert_int_equal(at_seats, d->at_seats);
    assert_int_equal(living, d->living);
    assert_int_equal(first, d->target);
    if (limi_dialogue_is_over(d) || d->doomed) {
        assert_int_equal(at_seats, 0);
        assert_true(limi_list_empty(&d->receivers));
    }
    assert_true(limi_list_empty(&d->closers) || !limi_dialogue_is_over(d));
    assert_true(limi_list_empty(&d->receivers) || limi_list_empty(&d->replies)); /* who waits is given what is there */
    assert_int_equal(limi_dialogue_is_over(d), l->finals == 1);
}

static void law_perform(law *l, const limi_event *event)
{
    limi_effects *e = &l->w.effects;
    limi_ticket *begun = event->kind == LIMI_EVENT_PULL ? event->ticket : e->run;
    if (begun != NULL) {
        long i = index_of(l, begun);
        assert_true(begun->begun);
        assert_int_equal(begun->where, LIMI_WHERE_BEGUN);
        assert_true(l->w.seats[begun->seat].alive);
        assert_true(event->kind == LIMI_EVENT_PULL || (l->w.seats[begun->seat].inlined && e->run_at == begun->seat));
        l->begun_by[i][begun->seat]++;
        assert_int_equal(l->begun_by[i][begun->seat], 1); /* nobody begins a thing twice */
    }
    if (e->work != UINT32_MAX) {
        assert_false(limi_list_empty(&l->w.seats[e->work].queue));
    }
    law_settle(l, &e->settled);
    law_settle(l, &e->closed);
    l->finals += e->final;
    assert_true(l->finals <= 1);
    assert_false(e->compensate && l->compensating); /* begun once */
    l->compensating |= e->compensate;
    assert_true(!e->compensate || l->w.dialogue.policy == LIMINAL_CRASH_COMPENSATE);
    assert_true(!e->final || e->closing);
    limi_effects_init(e);
}

static void law_step(law *l, limi_event event)
{
    event.now = event.seen = some_time;
    event.now_ns = l->w.now_ns;
    if (event.reply != NULL) {
        l->replies_in++;
    }
    limi_step(&l->w.dialogue, &event, &l->w.effects);
    if (event.reply != NULL) {
        l->replies_back++;
        liminal_envelope_drop(&event.reply);
    }
    if (event.kind == LIMI_EVENT_RECEIVE && event.decided) { /* the caller keeps it, the rules never had it */
        l->settled[index_of(l, event.ticket)] = true;
    }
    law_perform(l, &event);
    if (event.kind == LIMI_EVENT_UNDO) {
        l->undoing = event.undo != NULL;
        if (event.undo != NULL) { /* the last first, each once */
            l->undone++;
            assert_ptr_equal(event.undo, &l->undos[UNDOS - l->undone]);
        }
    }
    law_check(l);
    for (int i = 0; i < l->count; i++) {
        const limi_ticket *ticket = &l->tickets[i].ticket;
        assert_true(!l->was_decided[i] || (ticket->decided && ticket->outcome == l->outcome[i])); /* once */
        l->was_decided[i] = ticket->decided;
        l->outcome[i] = ticket->outcome;
    }
}

static void law_new(law *l, limi_ticket_kind kind, limi_event event)
{
    int i = l->count++;
    bool speaks = event.kind == LIMI_EVENT_SENT;
    renew(&l->tickets[i], kind, 't', speaks ? liminal_envelope_ref(l->envelope) : NULL);
    l->accepted[i] = true;
    l->settled[i] = l->was_decided[i] = false;
    memset(l->begun_by[i], 0, sizeof l->begun_by[i]);
    l->arrived += speaks;
    event.ticket = &l->tickets[i].ticket;
    if (speaks && i % 2 == 1) {
        event.ticket->deadline.ns = DEADLINE;
    }
    if (event.kind == LIMI_EVENT_UNASKED) {
        event.ticket->reply = liminal_envelope_ref(l->envelope);
        l->replies_in++;
    }
    law_step(l, event);
}

/* The participant that lives, or one that does not, brings back the oldest that it has. */
static bool law_return(law *l, bool with_reply, bool living)
{
    for (int i = 0; i < l->count; i++) {
        for (uint32_t seat = 0; seat < l->w.dialogue.seat_count; seat++) {
            if (l->begun_by[i][seat] == 1 && l->w.seats[seat].alive == living) {
                l->begun_by[i][seat]++;
                law_step(l, (limi_event){.kind = LIMI_EVENT_ANSWERED, .seat = seat, .ticket = &l->tickets[i].ticket,
                                         .reply = with_reply ? liminal_envelope_ref(l->envelope) : NULL});
                return true;
            }
        }
    }
    return false;
}

/* The oldest one of a kind that waits gives up. */
static void law_give_up(law *l, limi_ticket_kind kind)
{
    for (int i = 0; i < l->count; i++) {
        limi_ticket *ticket = &l->tickets[i].ticket;
        if (ticket->kind == kind && !ticket->decided && !ticket->abandoned) {
            law_step(l, (limi_event){.kind = LIMI_EVENT_GAVE_UP, .ticket = ticket});
            return;
        }
    }
}

static void law_talk(law *l, char letter)
{
    uint32_t target = l->w.dialogue.target;
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
    case 'U':
        if (target < l->w.dialogue.seat_count) {
            law_new(l, LIMI_TICKET_SEND, (limi_event){.kind = LIMI_EVENT_UNASKED, .seat = target});
        }
        break;
    case 'P':
        if (target < l->w.dialogue.seat_count) {
            law_step(l, (limi_event){.kind = LIMI_EVENT_PULL, .seat = target});
        }
        break;
    case 'V': /* of one that has died */
        (void)law_return(l, true, false);
        break;
    default: /* N with a reply, Q in silence */
        (void)law_return(l, letter == 'N', true);
        break;
    }
}

static void law_event(law *l, char letter)
{
    uint32_t seat = (uint32_t)(letter - 'X');
    switch (letter) {
    case 'C':
        law_step(l, (limi_event){.kind = LIMI_EVENT_CLOSING, .deadline = {DEADLINE}});
        law_new(l, LIMI_TICKET_CLOSE, (limi_event){.kind = LIMI_EVENT_CLOSE});
        break;
    case 'c':
        law_step(l, (limi_event){.kind = LIMI_EVENT_CLOSING, .deadline = {DEADLINE}});
        break;
    case 'v':
        law_give_up(l, LIMI_TICKET_RECEIVE);
        break;
    case 'g':
        law_give_up(l, LIMI_TICKET_ASK);
        break;
    case 'X':
    case 'Y':
    case 'Z':
        if (seat < l->w.dialogue.seat_count) {
            law_step(l, (limi_event){.kind = LIMI_EVENT_EXITED, .seat = seat, .reason = {LIMINAL_EXIT_NORMAL, 0}});
        }
        break;
    case 'K':
        law_step(l, (limi_event){.kind = LIMI_EVENT_KILLED});
        break;
    case 'O':
        if (l->compensating && (l->undoing || l->undone == 0)) {
            law_step(l, (limi_event){.kind = LIMI_EVENT_UNDO, .status = LIMINAL_OK});
        }
        break;
    case 'D':
        l->w.now_ns = AFTER;
        law_step(l, (limi_event){.kind = LIMI_EVENT_DEADLINE});
        break;
    default:
        law_talk(l, letter);
        break;
    }
}

static void law_open(law *l, const trial *t, liminal_envelope *envelope)
{
    memset(l, 0, sizeof *l);
    arena_used = 0;
    l->envelope = envelope;
    open_planned(&l->w, &(world_plan){.seats = t->seats, .answers = 7, .inlined = t->inlined, .policy = t->policy,
                                      .deadline = liminal_deadline_never(), .log_entries = 4,
                                      .allocator = &of_arena});
    l->w.compensation.within_ns = DEADLINE;
    for (int i = 0; i < UNDOS && t->policy == LIMINAL_CRASH_COMPENSATE; i++) {
        l->undos[i].what = envelope;
        limi_list_append(&l->w.compensation.undos, &l->undos[i].link);
    }
}

/* Every reply and every message is somewhere, once. */
static void law_balance(law *l, int given, int waiting, int unasked)
{
    const liminal_counts *c = liminal_state_counts(l->w.state);
    assert_int_equal(waiting, length_of(&l->w.dialogue.replies));
    assert_int_equal(given, c->received);
    if (l->w.dialogue.seat_count > 0) {
        assert_int_equal(l->replies_in, given + waiting + l->replies_back + l->unheard);
        /* What arrived was answered, or ended in one of the other ways. */
        assert_int_equal(l->arrived + unasked, given + waiting + l->unheard + l->nowhere +
                                                   (int)(c->late + c->silent + c->unfinished + c->withdrawn));
    } else {
        assert_int_equal(c->sent, given + waiting);
        assert_int_equal(l->arrived, given + waiting + l->nowhere + (int)c->withdrawn);
    }
}

/* Each ask has come to one of the ends that there are. */
static void law_balance_asks(const law *l)
{
    int asked = 0, answered = 0, timed_out = 0, failed = 0, cancelled = 0, withdrawn = 0;
    for (int i = 0; i < l->count; i++) {
        const limi_ticket *ticket = &l->tickets[i].ticket;
        if (ticket->kind == LIMI_TICKET_ASK) {
            bool abandoned = ticket->abandoned && !ticket->decided;
            asked++;
            answered += ticket->decided && ticket->outcome == LIMINAL_OK && ticket->reply != NULL;
            cancelled += ticket->decided && ticket->outcome == LIMINAL_ECANCELED;
            withdrawn += ticket->withdrawn;
            timed_out += !ticket->withdrawn && abandoned; /* it was begun, and its asker had gone */
            failed += !ticket->withdrawn && ticket->decided &&
                      (ticket->outcome == LIMINAL_EEXIT || ticket->outcome == LIMINAL_ECLOSED ||
                       ticket->outcome == LIMINAL_EFAILED || ticket->outcome == LIMINAL_ENOPROC);
        }
    }
    assert_int_equal(asked, answered + timed_out + failed + cancelled + withdrawn);
}

/* End it, bring back all that is out, and account for every ticket and every reply. */
static void law_account(law *l)
{
    int given = 0, waiting = 0, unasked = 0;
    law_step(l, (limi_event){.kind = LIMI_EVENT_CLOSING, .deadline = liminal_deadline_passed()});
    l->w.now_ns = AFTER;
    law_step(l, (limi_event){.kind = LIMI_EVENT_DEADLINE});
    if (l->w.dialogue.doomed && l->finals == 0) { /* doomed only now: it has its time */
        l->w.now_ns = 2 * AFTER;
        law_step(l, (limi_event){.kind = LIMI_EVENT_DEADLINE});
    }
    assert_int_equal(l->finals, 1);
    if (l->undoing) { /* the one that was being made comes back too late, and there is no next one */
        law_step(l, (limi_event){.kind = LIMI_EVENT_UNDO, .status = LIMINAL_OK});
        assert_false(l->undoing);
    }
    while (law_return(l, true, true) || law_return(l, true, false)) {
    }
    for (int i = 0; i < l->count; i++) {
        limi_ticket *ticket = &l->tickets[i].ticket;
        unasked += ticket->unasked;
        if (!l->settled[i]) { /* only a reply that nobody fetched is still kept */
            assert_int_equal(ticket->kind, LIMI_TICKET_SEND);
            assert_int_equal(ticket->where, LIMI_WHERE_REPLIED);
            assert_non_null(ticket->reply);
            waiting++;
        } else if (ticket->reply != NULL && !ticket->unasked) {
            assert_true(ticket->decided);
            assert_int_equal(ticket->outcome, LIMINAL_OK);
            given++;
        }
    }
    law_balance(l, given, waiting, unasked);
    law_balance_asks(l);
    for (int i = 0; i < l->count; i++) {
        drop_ticket(&l->tickets[i]);
    }
}

static void account_for_all(const trial *t)
{
    static law l;
    const int kinds = (int)strlen(t->letters);
    liminal_envelope *envelope = say("x");
    int total = 1;
    for (int i = 0; i < LENGTH; i++) {
        total *= kinds;
    }
    for (int number = 0; number < total; number++) {
        int rest = number;
        law_open(&l, t, envelope);
        for (int place = 0; place < LENGTH; place++, rest /= kinds) {
            law_event(&l, t->letters[rest % kinds]);
        }
        law_account(&l);
        end_world(&l.w);
    }
    print_message("%d sequences of %d events\n", total, LENGTH);
    liminal_envelope_drop(&envelope); /* the last reference: the teardown sees whether it was */
}

static void with_no_participants(void **state)
{
    (void)state;
    account_for_all(&(trial){.seats = 0, .policy = LIMINAL_CRASH_FAIL, .letters = "SARCcvgD"});
}

static void with_one_that_fails_it(void **state)
{
    (void)state;
    account_for_all(&(trial){.seats = 1, .policy = LIMINAL_CRASH_FAIL, .letters = "SARCvgPNQUXD"});
}

static void with_one_inline(void **state)
{
    (void)state;
    account_for_all(&(trial){.seats = 1, .inlined = 1, .policy = LIMINAL_CRASH_FAIL, .letters = "SARCgPNQXDK"});
}

static void with_three_and_none_to_spare(void **state)
{
    (void)state;
    account_for_all(&(trial){.seats = 3, .inlined = 4, .policy = LIMINAL_CRASH_FAIL, .letters = "SARCgPNQXZDK"});
}

static void with_three_and_a_route(void **state)
{
    (void)state;
    account_for_all(&(trial){.seats = 3, .policy = LIMINAL_CRASH_ROUTE_NEXT, .letters = "SACgPNVXYZD"});
}

static void with_three_and_a_route_through_an_inline_one(void **state)
{
    (void)state;
    account_for_all(&(trial){.seats = 3, .inlined = 2, .policy = LIMINAL_CRASH_ROUTE_NEXT, .letters = "SARcPNVXYD"});
}

static void with_three_and_a_compensation(void **state)
{
    (void)state;
    account_for_all(&(trial){.seats = 3, .policy = LIMINAL_CRASH_COMPENSATE, .letters = "SARCPNXYDOKU"});
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
    (void)pull(&w, 0);
    (void)pull(&w, 0);
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
        TEST(with_no_participants),
        TEST(with_one_that_fails_it),
        TEST(with_one_inline),
        TEST(with_three_and_none_to_spare),
        TEST(with_three_and_a_route),
        TEST(with_three_and_a_route_through_an_inline_one),
        TEST(with_three_and_a_compensation),
        TEST(what_was_cut_off_is_counted_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_owners.c -- the last owner frees, and sees what all the others did; an index that owns nothing finds either a
 * living one or none; counts without an index, requests that are used again, and what the log pushes out; handles
 * over a backend. */
#include "prove.h"

#include <liminal/backend.h>

#include "handle.h"
#include "log.h"
#include "refcount.h"
#include "request.h"

#include <string.h>

typedef struct thing {
    limi_refcount owners;
    int used[4]; /* each by the owner with that number */
} thing;

typedef struct shelf {
    limi_mutex lock;
    thing *thing; /* owns nothing; guarded by the lock */
} shelf;

static void drop_thing(shelf *s, thing *t) LIMI_UNCHECKED
{
    t->used[sched_here()]++;
    if (limi_refcount_down(&t->owners)) {
        int sum = t->used[0] + t->used[1] + t->used[2] + t->used[3];
        sched_check(sum > 0); /* reads all: a race, if it does not see them */
        limi_mutex_lock(&s->lock);
        s->thing = NULL;
        limi_mutex_unlock(&s->lock);
        sched_allocator()->release(NULL, t, sizeof *t);
    }
}

static thing *open_thing(shelf *s)
{
    thing *t = sched_allocator()->allocate(NULL, sizeof *t);
    memset(t, 0, sizeof *t);
    limi_refcount_init(&t->owners);
    limi_mutex_init(&s->lock);
    s->thing = t;
    return t;
}

static void drop_mine(void *argument)
{
    shelf *s = argument;
    drop_thing(s, s->thing);
}

static void clone_and_drop(void *argument)
{
    shelf *s = argument;
    thing *t = s->thing;
    limi_refcount_up(&t->owners);
    drop_thing(s, t);
    drop_thing(s, t);
}

static void three_owners(void)
{
    shelf s;
    thing *t = open_thing(&s);
    int one, two;
    limi_refcount_up(&t->owners);
    limi_refcount_up(&t->owners);
    one = sched_thread(drop_mine, &s);
    two = sched_thread(clone_and_drop, &s);
    drop_thing(&s, t);
    sched_join(one);
    sched_join(two);
    limi_mutex_destroy(&s.lock);
}

static void find_it(void *argument) LIMI_UNCHECKED
{
    shelf *s = argument;
    thing *found;
    limi_mutex_lock(&s->lock);
    found = s->thing;
    found = found != NULL && limi_refcount_up_unless_zero(&found->owners) ? found : NULL;
    limi_mutex_unlock(&s->lock);
    sched_outcome(found != NULL);
    if (found != NULL) {
        drop_thing(s, found);
    }
}

static void found_or_gone(void)
{
    shelf s;
    thing *t = open_thing(&s);
    int one = sched_thread(find_it, &s), two = sched_thread(find_it, &s);
    drop_thing(&s, t);
    sched_join(one);
    sched_join(two);
    sched_check(s.thing == NULL);
    limi_mutex_destroy(&s.lock);
}

static void counts(void **state)
{
    (void)state;
    /* Two of the three look at `thing` without the lock, which is right only for an owner. */
    assert_all(prove(three_owners, .preemptions = 3, .turns = SCHED_ANY, .old = 2));
    assert_seen(prove(found_or_gone, .preemptions = 3, .turns = SCHED_ANY, .old = 2), 3);
}

/* ---- counts that nobody can find who has no share ---- */

static void drop_privately(thing *t)
{
    t->used[sched_here()]++;
    if (limi_refcount_down_private(&t->owners)) {
        sched_check(t->used[0] + t->used[1] + t->used[2] + t->used[3] > 0); /* reads all, as above */
        sched_allocator()->release(NULL, t, sizeof *t);
    }
}

static void drop_one_privately(void *argument)
{
    drop_privately(argument);
}

static void two_private_owners(void)
{
    shelf s;
    thing *t = open_thing(&s);
    int one;
    limi_refcount_up_private(&t->owners);
    one = sched_thread(drop_one_privately, t);
    drop_privately(t);
    sched_join(one);
    limi_mutex_destroy(&s.lock);
}

/* A request that one thread is done with is the next one's, wherever that runs: what it says is plain memory. */
static void use_a_request(void *argument)
{
    limi_request *request = limi_request_create(argument, LIMI_TICKET_RECEIVE, NULL);
    sched_check(request != NULL && request->ticket.kind == LIMI_TICKET_RECEIVE && !request->ticket.decided);
    request->ticket.decided = true;
    request->bytes++;
    limi_request_drop(request);
}

static void two_who_need_requests(void)
{
    limi_stock stock;
    int one, two;
    limi_stock_init(&stock, sched_allocator());
    use_a_request(&stock); /* so that one is there: both see it, and one of them takes what the other has put back */
    one = sched_thread(use_a_request, &stock);
    two = sched_thread(use_a_request, &stock);
    sched_join(one);
    sched_join(two);
    limi_stock_clear(&stock);
}

static void private_counts(void **state)
{
    (void)state;
    assert_all(prove(two_private_owners, .preemptions = SCHED_ANY, .turns = SCHED_ANY, .old = 4));
    assert_all(prove(two_who_need_requests, .preemptions = 3, .turns = SCHED_ANY, .old = 2));
}

/* ---- handles ---- */

typedef struct behind {
    int released, closed, used[4];
} behind;

static liminal_status no_send(void *self, liminal_envelope **message, liminal_deadline deadline)
{
    (void)self, (void)message, (void)deadline;
    return LIMINAL_ECLOSED;
}

static liminal_status no_receive(void *self, liminal_envelope **out, liminal_deadline deadline)
{
    (void)self, (void)out, (void)deadline;
    return LIMINAL_ECLOSED;
}

static liminal_status use(void *self, liminal_deadline deadline)
{
    behind *b = self;
    (void)deadline;
    b->used[sched_here()]++;
    return LIMINAL_OK;
}

static liminal_status no_query(void *self, liminal_snapshot **out, liminal_deadline deadline)
{
    (void)self, (void)out, (void)deadline;
    return LIMINAL_ENOMEM;
}

static void release(void *self)
{
    behind *b = self;
    b->released += 1 + 0 * (b->used[0] + b->used[1] + b->used[2]);
}

static const liminal_backend backend = {
    LIMINAL_OPS(liminal_backend), .name = "nothing", .send = no_send, .receive = no_receive, .close = use,
    .query = no_query, .release = release,
};

static void use_and_drop(void *argument)
{
    liminal_conversation *handle = argument;
    sched_check(liminal_conversation_close(handle, liminal_deadline_never()) == LIMINAL_OK);
    liminal_conversation_drop(&handle);
}

static void clone_use_and_drop(void *argument)
{
    use_and_drop(liminal_conversation_ref(argument));
    use_and_drop(argument);
}

static void the_last_handle(void)
{
    behind b;
    liminal_conversation *handle = NULL;
    int one, two;
    memset(&b, 0, sizeof b);
    sched_check(liminal_conversation_open(&backend, &b, sched_allocator(), &handle) == LIMINAL_OK);
    one = sched_thread(use_and_drop, liminal_conversation_ref(handle));
    two = sched_thread(clone_use_and_drop, liminal_conversation_ref(handle));
    use_and_drop(handle);
    sched_join(one);
    sched_join(two);
    sched_check(b.released == 1);
}

static void handles(void **state)
{
    (void)state;
    assert_all(prove(the_last_handle, .preemptions = 3, .turns = SCHED_ANY, .old = 2));
}

/* ---- what the log lets go of where it thinks that nobody else can count ---- */

typedef struct answered {
    limi_log log;
    liminal_envelope *reply;
} answered;

/* The reply's owner comes by a share of the request through it. */
static void drop_both(void *argument)
{
    answered *a = argument;
    liminal_envelope *request = liminal_envelope_ref(liminal_envelope_read(a->reply).cause);
    liminal_envelope_drop(&a->reply);
    liminal_envelope_drop(&request);
}

static void pushed_out_against_dropped(void)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = sched_allocator()};
    const liminal_log_entry other = {.kind = LIMINAL_LOG_FAILED};
    liminal_envelope *request;
    answered a;
    int one;
    sched_check(liminal_envelope_create("", 0, &options, &request) == LIMINAL_OK);
    options.cause = request;
    sched_check(liminal_envelope_create("", 0, &options, &a.reply) == LIMINAL_OK);
    limi_log_init(&a.log, 2, sched_allocator());
    limi_log_note_message(&a.log, LIMINAL_LOG_SENT, request, (liminal_time){1});
    limi_log_note_message(&a.log, LIMINAL_LOG_RECEIVED, a.reply, (liminal_time){1});
    liminal_envelope_drop(&request);
    one = sched_thread(drop_both, &a);
    limi_log_note(&a.log, &other);
    limi_log_note(&a.log, &other);
    sched_join(one);
    limi_log_clear(&a.log);
}

static void counts_of_the_log(void **state)
{
    (void)state;
    assert_all(prove(pushed_out_against_dropped, .preemptions = 3, .turns = SCHED_ANY, .old = 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts),
        cmocka_unit_test(private_counts),
        cmocka_unit_test(counts_of_the_log),
        cmocka_unit_test(handles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

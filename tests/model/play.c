/* SPDX-License-Identifier: MIT */
/* play.c -- see play.h. */
#include "play.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAIN = MODEL_THREADS, LONGEST_PAUSE = 600, SHRINK_TRIES = 1000, SHORT_NS = 30000 };

/* ---- chance ---- */

static uint64_t draw(uint64_t *state)
{
    uint64_t x = *state += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
    return x ^ x >> 31;
}

static uint32_t below(uint64_t *state, uint32_t bound)
{
    return (uint32_t)(draw(state) % bound);
}

static model_wait some_wait(uint64_t *state, uint32_t ever, uint32_t now)
{
    uint32_t of_100 = below(state, 100);
    return of_100 < ever ? MODEL_EVER : of_100 < ever + now ? MODEL_NOW : MODEL_SHORT;
}

static model_call some_call(uint64_t *state)
{
    model_call call;
    uint32_t of_100 = below(state, 100);
    memset(&call, 0, sizeof call);
    call.pause = (uint16_t)(below(state, 3) == 0 ? below(state, LONGEST_PAUSE) : 0);
    if (of_100 < 35) {
        call.verb = MODEL_SEND;
        call.wait = some_wait(state, 50, 50);
        call.silent = below(state, 8) == 0;
    } else if (of_100 < 62) {
        call.verb = MODEL_RECEIVE;
        call.wait = some_wait(state, 20, 45);
    } else if (of_100 < 80) {
        call.verb = MODEL_ASK;
        call.wait = some_wait(state, 60, 10);
        call.silent = below(state, 8) == 0;
    } else if (of_100 < 93) {
        call.verb = MODEL_QUERY;
        call.wait = MODEL_EVER;
    } else {
        call.verb = MODEL_CLOSE;
        call.wait = some_wait(state, 60, 20);
    }
    return call;
}

void play_make(play_plan *plan, model_kind kind, uint64_t seed)
{
    uint64_t state = seed;
    uint32_t threads = 2 + below(&state, MODEL_THREADS - 1);
    memset(plan, 0, sizeof *plan);
    plan->wishes.kind = kind;
    plan->early = below(&state, 2) == 0;
    plan->close = below(&state, 3) == 0 ? MODEL_NOW : MODEL_EVER;
    plan->pause = below(&state, 20) * LONGEST_PAUSE / 4;
    for (uint8_t thread = 0; thread < threads; thread++) {
        for (uint32_t left = 1 + below(&state, 4); left > 0; left--) {
            model_call call = some_call(&state);
            call.thread = thread;
            plan->wishes.calls[plan->wishes.count++] = call;
            plan->early |= call.verb == MODEL_RECEIVE && call.wait == MODEL_EVER; /* it may wait for the close */
        }
    }
}

/* ---- the calls ---- */

static void pause_for(uint32_t turns)
{
    static atomic_uint nothing;
    for (; turns > 0; turns--) {
        (void)atomic_load_explicit(&nothing, memory_order_relaxed);
    }
}

static liminal_deadline deadline_of(model_wait wait)
{
    return wait == MODEL_NOW     ? liminal_deadline_passed()
           : wait == MODEL_SHORT ? liminal_deadline_in_ns(SHORT_NS)
                                 : liminal_deadline_never();
}

static liminal_envelope *say_index(uint32_t index)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create(&index, sizeof index, &options, &envelope) == LIMINAL_OK);
    return envelope;
}

static uint32_t read_index(const liminal_envelope *envelope)
{
    uint32_t index = UINT32_MAX;
    if (test_check(liminal_envelope_size(envelope) == sizeof index)) {
        memcpy(&index, liminal_envelope_data(envelope), sizeof index);
    }
    return index;
}

static void take_reply(model_call *call, liminal_envelope **reply)
{
    bool due = call->status == LIMINAL_OK && (call->verb == MODEL_RECEIVE || call->verb == MODEL_ASK);
    (void)test_check((*reply != NULL) == due);
    if (*reply != NULL) {
        call->got = read_index(*reply);
        liminal_envelope_drop(reply);
    }
}

static void look(liminal_conversation *conversation, model_call *call)
{
    liminal_snapshot *snapshot = NULL;
    call->status = liminal_conversation_query(conversation, &snapshot, deadline_of(call->wait));
    if (call->status == LIMINAL_OK) {
        call->phase = liminal_snapshot_read(snapshot).phase;
        call->counts = liminal_snapshot_read(snapshot).counts;
        liminal_snapshot_drop(&snapshot);
    }
}

/* Between the stamps is the call and nothing else. */
static void make_call(player *p, uint32_t index)
{
    model_call *call = &p->history.calls[index];
    liminal_envelope *message = call->verb == MODEL_SEND || call->verb == MODEL_ASK ? say_index(index) : NULL;
    liminal_envelope *reply = NULL;
    pause_for(call->pause);
    call->from = atomic_fetch_add(&p->stamp, 1);
    switch (call->verb) {
    case MODEL_SEND:
        call->status = call->wait == MODEL_NOW
                           ? liminal_conversation_try_send(p->conversation, &message)
                           : liminal_conversation_send(p->conversation, &message, deadline_of(call->wait));
        break;
    case MODEL_RECEIVE:
        call->status = call->wait == MODEL_NOW
                           ? liminal_conversation_try_receive(p->conversation, &reply)
                           : liminal_conversation_receive(p->conversation, &reply, deadline_of(call->wait));
        break;
    case MODEL_ASK:
        call->status = liminal_conversation_ask(p->conversation, &message, &reply, deadline_of(call->wait));
        break;
    case MODEL_QUERY:
        look(p->conversation, call);
        break;
    case MODEL_CLOSE:
    default:
        call->status = liminal_conversation_close(p->conversation, deadline_of(call->wait));
        break;
    }
    call->to = atomic_fetch_add(&p->stamp, 1);
    take_reply(call, &reply);
    call->kept = call->verb == MODEL_ASK && message != NULL;
    (void)test_check(call->verb != MODEL_SEND || (message == NULL) == (call->status == LIMINAL_OK));
    liminal_envelope_drop(&message);
}

/* ---- the participant ---- */

static liminal_status answer(void *self, const liminal_envelope *request, liminal_envelope **out_reply)
{
    player *p = self;
    uint32_t index = read_index(request);
    if (test_check(index < MODEL_CALLS)) {
        atomic_fetch_add(&p->delivered[index], 1);
        if (!p->history.calls[index].silent) {
            *out_reply = liminal_envelope_ref(request);
        }
    }
    return LIMINAL_OK;
}

static void release(void *self)
{
    player *p = self;
    atomic_store(&p->released, 1);
}

static const liminal_behaviour behaviour = {LIMINAL_OPS(liminal_behaviour), .answer = answer, .release = release};

/* ---- the threads ---- */

static void leave_line(player *p)
{
    atomic_fetch_add(&p->there, 1);
    while (atomic_load(&p->there) < p->in_line) {
        sched_yield();
    }
}

static void play_hand_body(void *argument)
{
    play_hand *hand = argument;
    player *p = hand->player;
    for (;;) {
        test_gate_wait(&hand->go);
        if (p->over) {
            return;
        }
        if (p->busy >> hand->thread & 1u) {
            leave_line(p);
        }
        for (uint32_t i = 0; i < p->history.count; i++) {
            if (p->history.calls[i].thread == hand->thread) {
                make_call(p, i);
            }
        }
        test_gate_open(&p->done);
    }
}

void play_open(player *p)
{
    liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    assert_int_equal(liminal_supervisor_open(&options, &p->supervisor), LIMINAL_OK);
    test_gate_init(&p->done);
    for (uint8_t i = 0; i < MODEL_THREADS; i++) {
        p->hands[i].player = p;
        p->hands[i].thread = i;
        test_gate_init(&p->hands[i].go);
        test_thread_start(&p->hands[i].running, play_hand_body, &p->hands[i]);
    }
}

void play_close(player *p)
{
    p->over = true;
    for (uint8_t i = 0; i < MODEL_THREADS; i++) {
        test_gate_open(&p->hands[i].go);
        test_thread_join(&p->hands[i].running);
    }
    assert_int_equal(liminal_supervisor_shutdown(&p->supervisor, NULL, liminal_deadline_in_ms(20000)), LIMINAL_OK);
}

/* ---- a round ---- */

static void spawn(player *p)
{
    liminal_participant participant = {.kind = p->kind == MODEL_INLINE ? LIMINAL_PARTICIPANT_INLINE
                                                                       : LIMINAL_PARTICIPANT_THREAD,
                                       .behaviour = &behaviour, .self = p};
    liminal_config config = {LIMINAL_OPS(liminal_config),
                             .participants = p->kind == MODEL_BUFFER ? NULL : &participant,
                             .participant_count = p->kind == MODEL_BUFFER ? 0 : 1, .on_crash = LIMINAL_CRASH_FAIL};
    atomic_store(&p->released, p->kind == MODEL_BUFFER);
    assert_int_equal(liminal_supervisor_spawn(p->supervisor, &config, &p->conversation), LIMINAL_OK);
    if (p->wrap != NULL) {
        p->conversation = p->wrap(p->conversation);
    }
}

static model_call *by_main(player *p, model_verb verb, model_wait wait)
{
    uint32_t index = p->history.count++;
    model_call *call = &p->history.calls[index];
    assert_true(index < MODEL_CALLS);
    memset(call, 0, sizeof *call);
    call->verb = verb;
    call->wait = wait;
    call->thread = MAIN;
    make_call(p, index);
    return call;
}

/* Which threads have something to do, a bit for each. */
static uint32_t busy_hands(const model_history *wishes, uint32_t *count)
{
    uint32_t busy = 0;
    *count = 0;
    for (uint32_t i = 0; i < wishes->count; i++) {
        *count += !(busy >> wishes->calls[i].thread & 1u);
        busy |= 1u << wishes->calls[i].thread;
    }
    return busy;
}

/* What main does is behind what the others have, which they look for among the calls that there are at the start. */
static void play_calls(player *p, const play_plan *plan)
{
    uint32_t count;
    model_call *closing = &p->history.calls[p->history.count];
    closing->verb = MODEL_CLOSE;
    closing->wait = plan->close;
    closing->thread = MAIN;
    p->history.count++;
    p->busy = busy_hands(&plan->wishes, &count);
    p->in_line = count + plan->early;
    atomic_store(&p->there, 0);
    for (uint8_t i = 0; i < MODEL_THREADS; i++) {
        test_gate_open(&p->hands[i].go); /* also of those with nothing to do: the gates are guarded */
    }
    if (plan->early) {
        leave_line(p);
        pause_for(plan->pause);
        make_call(p, p->history.count - 1);
    }
    for (uint8_t i = 0; i < MODEL_THREADS; i++) {
        test_gate_wait(&p->done);
    }
    if (!plan->early) {
        make_call(p, p->history.count - 1);
    }
}

const char *play_round(player *p, const play_plan *plan)
{
    const model_call *last;
    p->history = plan->wishes;
    for (uint32_t i = 0; i < MODEL_CALLS; i++) {
        atomic_store(&p->delivered[i], 0);
    }
    atomic_store(&p->stamp, 1);
    spawn(p);
    play_calls(p, plan);
    p->history.counts = by_main(p, MODEL_QUERY, MODEL_EVER)->counts;
    do {
        last = by_main(p, MODEL_RECEIVE, MODEL_NOW);
    } while (last->status == LIMINAL_OK && p->history.count < MODEL_CALLS - 1);
    p->history.counts = by_main(p, MODEL_QUERY, MODEL_EVER)->counts;
    liminal_conversation_drop(&p->conversation);
    test_until(atomic_load(&p->released) != 0);
    for (uint32_t i = 0; i < MODEL_CALLS; i++) {
        p->history.delivered[i] = atomic_load(&p->delivered[i]);
    }
    p->rounds++;
    p->calls += p->history.count;
    return model_refuses(&p->history);
}

/* ---- when it goes wrong ---- */

static const char *goes_wrong(player *p, const play_plan *plan)
{
    const char *wrong = NULL;
    for (int i = 0; i < SHRINK_TRIES && wrong == NULL; i++) {
        wrong = play_round(p, plan);
        p->shrinks++;
    }
    return wrong;
}

const char *play_shrink(player *p, play_plan *plan)
{
    const char *wrong = NULL;
    model_history last = p->history;
    for (uint32_t i = 0; i < plan->wishes.count;) {
        play_plan less = *plan;
        const char *still;
        memmove(&less.wishes.calls[i], &less.wishes.calls[i + 1], (MODEL_CALLS - 1 - i) * sizeof less.wishes.calls[0]);
        less.wishes.count--;
        still = goes_wrong(p, &less);
        if (still == NULL) {
            i++;
            continue;
        }
        *plan = less;
        wrong = still;
        last = p->history;
        i = 0; /* what could not be left out before may be now */
    }
    p->history = last;
    return wrong;
}

static const char *complain(player *p, play_plan *plan, uint64_t seed, const char *wrong)
{
    const char *smaller;
    (void)printf("seed %llu: %s\n", (unsigned long long)seed, wrong);
    model_print(&p->history);
    smaller = play_shrink(p, plan);
    if (smaller != NULL) {
        (void)printf("smaller: %s\n", smaller);
        model_print(&p->history);
    }
    return smaller != NULL ? smaller : wrong;
}

const char *play_on(player *p, double seconds)
{
    const char *from = getenv("LIMINAL_TEST_SEED");
    uint64_t seed = from != NULL ? strtoull(from, NULL, 10) : 1;
    clock_t began = clock();
    for (; (double)(clock() - began) < seconds * CLOCKS_PER_SEC; seed++) {
        play_plan plan;
        const char *wrong;
        play_make(&plan, p->kind, seed);
        wrong = play_round(p, &plan);
        if (wrong != NULL) {
            return complain(p, &plan, seed, wrong);
        }
    }
    return NULL;
}

double play_seconds(double otherwise)
{
    const char *seconds = getenv("LIMINAL_TEST_SECONDS");
    return seconds != NULL && atof(seconds) > 0 ? atof(seconds) : otherwise;
}

/* SPDX-License-Identifier: MIT */
/* test_ask_lent.c -- an inline answer finds a share of its request counted already. Whatever the behaviour makes of
 * that, whoever holds what, and however short the log: each request is let go of once, and not before its time. */
#define _GNU_SOURCE
#include "talk_kit.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { ASKS = 240, HELD = 3, ROOM = 32 };

/* ---- requests that say when they end ---------------------------------------------------------- */

static atomic_uint ends[ASKS + 8]; /* of each request's buffer */
static atomic_uint ended, asked;

static void count_end(void *context, void *data, size_t size)
{
    (void)size;
    atomic_fetch_add(&ends[(uintptr_t)context], 1);
    atomic_fetch_add(&ended, 1);
    free(data);
}

static const char *words(unsigned number)
{
    static _Thread_local char text[ROOM];
    (void)snprintf(text, sizeof text, "request %u", number);
    return text;
}

static liminal_envelope *next_request(void)
{
    unsigned number = atomic_fetch_add(&asked, 1);
    size_t size = strlen(words(number));
    void *data = calloc(1, ROOM);
    liminal_envelope *request = NULL;
    memcpy(data, words(number), size);
    (void)test_check(liminal_envelope_adopt(&data, size, count_end, (void *)(uintptr_t)number, NULL, &request) ==
                     LIMINAL_OK);
    return request;
}

static void begin_anew(void)
{
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        atomic_store(&ends[i], 0);
    }
    atomic_store(&ended, 0);
    atomic_store(&asked, 0);
}

static void each_ended_once(void)
{
    for (unsigned i = 0; i < atomic_load(&asked); i++) {
        assert_int_equal(atomic_load(&ends[i]), 1);
    }
}

/* ---- behaviours ------------------------------------------------------------------------------- */

typedef enum way { SILENT, PLAIN, SMALLER, LARGER, OPTIONED, NAMED, SECOND, ITSELF, WAYS, CLOSES, EXITS, ENDS } way;

typedef struct maker {
    way how;
    bool first; /* an envelope is made before it ends */
    liminal_conversation *talk;
} maker;

static liminal_envelope *made(const void *data, size_t size, const liminal_envelope_options *options)
{
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create(data, size, options, &envelope) == LIMINAL_OK);
    return envelope;
}

static liminal_envelope *plain(const liminal_envelope *request)
{
    return made(liminal_envelope_data(request), liminal_envelope_size(request), NULL);
}

static liminal_status make(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    static const char much[1000];
    const maker *m = self;
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .schema = "s"};
    liminal_envelope *dropped = NULL;
    switch (m->how) {
    case SILENT:
        return LIMINAL_OK;
    case SMALLER:
        *out = made("", 0, NULL);
        return LIMINAL_OK;
    case LARGER:
        *out = made(much, sizeof much, NULL);
        return LIMINAL_OK;
    case NAMED:
        options.cause = (liminal_envelope *)(uintptr_t)request;
        *out = made("", 0, &options);
        return LIMINAL_OK;
    case OPTIONED:
        *out = made("", 0, &options);
        return LIMINAL_OK;
    case ITSELF:
        *out = liminal_envelope_ref(request);
        return LIMINAL_OK;
    case CLOSES:
        (void)test_check(liminal_conversation_close(m->talk, liminal_deadline_passed()) == LIMINAL_OK);
        break;
    case ENDS:
        if (m->first) {
            dropped = plain(request);
            liminal_envelope_drop(&dropped);
        }
        pthread_exit(NULL);
    case SECOND:
        dropped = plain(request);
        liminal_envelope_drop(&dropped);
        break;
    case PLAIN:
    case WAYS:
    case EXITS:
    default:
        break;
    }
    *out = plain(request);
    return m->how == EXITS ? liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_ERROR, 1}) : LIMINAL_OK;
}

static const liminal_behaviour making = {LIMINAL_OPS(liminal_behaviour), .answer = make};

static liminal_conversation *making_talk(maker *m, size_t log_entries)
{
    liminal_config config = config_of(&variants[1]);
    config.log_entries = log_entries;
    m->talk = spawn_with(config, (liminal_participant){.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &making,
                                                       .self = m});
    return m->talk;
}

/* ---- asks ------------------------------------------------------------------------------------- */

/* What is still held of the last asks, in turn. */
typedef struct held {
    liminal_envelope *requests[HELD], *replies[HELD];
} held;

static void let_go_of(held *h, size_t i)
{
    liminal_envelope_drop(&h->requests[i]);
    liminal_envelope_drop(&h->replies[i]);
}

static void follows(const liminal_envelope *reply, way how, unsigned number)
{
    const liminal_envelope *cause = liminal_envelope_read(reply).cause;
    if (how == ITSELF) {
        assert_null(cause);
        cause = reply;
    }
    assert_string_equal(liminal_envelope_text(cause), words(number));
    assert_int_equal(atomic_load(&ends[number]), 0);
}

/* One ask; what is held of it depends on `hold`. */
static void ask_once(liminal_conversation *talk, way how, unsigned hold, held *h)
{
    unsigned number = atomic_load(&asked);
    size_t place = number % HELD;
    liminal_envelope *request = next_request(), *reply = NULL;
    let_go_of(h, place);
    if (hold & 1) {
        h->requests[place] = liminal_envelope_ref(request);
    }
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG),
                     how == SILENT ? LIMINAL_ECANCELED : LIMINAL_OK);
    assert_null(request);
    if (reply != NULL) {
        follows(reply, how, number);
    }
    if (hold & 2) {
        h->replies[place] = reply;
        reply = NULL;
    }
    liminal_envelope_drop(&reply);
}

static void each_way_with_each_log_and_holder(void **state)
{
    static const size_t entries[] = {1, 2, 3, 4, 5, 33};
    (void)state;
    for (size_t e = 0; e < sizeof entries / sizeof entries[0]; e++) {
        maker m = {.how = PLAIN};
        held h = {{NULL}, {NULL}};
        liminal_conversation *talk;
        unsigned chance = 1;
        begin_anew();
        open_house();
        talk = making_talk(&m, entries[e]);
        for (int i = 0; i < ASKS; i++) {
            chance = chance * 1103515245u + 12345u;
            m.how = (chance >> 16) % 3 == 0 ? (way)((chance >> 20) % WAYS) : PLAIN;
            ask_once(talk, m.how, (chance >> 24) % 4, &h);
            assert_true(atomic_load(&asked) - atomic_load(&ended) <= entries[e] + (size_t)HELD);
            if (i % 50 == 7) { /* what a snapshot has seen is emptied in another way */
                liminal_snapshot *snapshot = picture(talk);
                liminal_snapshot_drop(&snapshot);
                i++;
                m.how = SECOND;
                ask_once(talk, SECOND, 0, &h);
            }
        }
        for (size_t i = 0; i < HELD; i++) {
            let_go_of(&h, i);
        }
        shut(&talk);
        each_ended_once();
    }
}

/* With a log that is full. */
static liminal_conversation *asked_before(maker *m, held *h)
{
    liminal_conversation *talk;
    begin_anew();
    open_house();
    talk = making_talk(m, 2);
    for (int n = 0; n < 4; n++) {
        ask_once(talk, PLAIN, 0, h);
    }
    return talk;
}

/* The rules are not where they were when the behaviour returns. */
static void the_conversation_has_ended_meanwhile(void **state)
{
    static const way last[] = {CLOSES, EXITS};
    (void)state;
    for (size_t i = 0; i < sizeof last / sizeof last[0]; i++) {
        maker m = {.how = PLAIN};
        held h = {{NULL}, {NULL}};
        liminal_envelope *request, *reply = NULL;
        liminal_conversation *talk;
        talk = asked_before(&m, &h);
        m.how = last[i];
        request = next_request();
        (void)test_check(liminal_conversation_ask(talk, &request, &reply, LONG) == LIMINAL_OK || reply == NULL);
        assert_null(request);
        liminal_envelope_drop(&reply);
        shut(&talk);
        each_ended_once();
    }
}

/* ---- inside another one ----------------------------------------------------------------------- */

typedef struct relay {
    liminal_conversation *inner;
    liminal_envelope *foreign; /* what the inner request follows, so that it needs no share of the outer one */
    bool makes;                /* an answer of its own */
} relay;

static liminal_status ask_inner(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    const relay *r = self;
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .cause = r->foreign};
    liminal_envelope *question = made("inner", 5, &options), *answer = NULL;
    (void)test_check(liminal_conversation_ask(r->inner, &question, &answer, LONG) == LIMINAL_OK);
    if (r->makes) {
        liminal_envelope_drop(&answer);
        answer = plain(request);
    }
    *out = answer;
    return LIMINAL_OK;
}

static const liminal_behaviour relaying = {LIMINAL_OPS(liminal_behaviour), .answer = ask_inner};

static void a_behaviour_that_asks_another_one(void **state)
{
    static const liminal_participant_kind kinds[] = {LIMINAL_PARTICIPANT_INLINE, LIMINAL_PARTICIPANT_THREAD};
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        maker m = {.how = PLAIN};
        relay r = {.makes = i % 2 != 0};
        liminal_config config = config_of(&variants[1]);
        liminal_conversation *talk;
        begin_anew();
        open_house();
        r.foreign = made("foreign", 7, NULL);
        r.inner = making_talk(&m, 2);
        config.log_entries = 2;
        talk = spawn_with(config, (liminal_participant){.kind = kinds[i / 2], .behaviour = &relaying, .self = &r});
        for (int n = 0; n < 8; n++) {
            liminal_envelope *request = next_request(), *reply = NULL;
            assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
            liminal_envelope_drop(&reply);
        }
        assert_int_equal(liminal_conversation_close(r.inner, LONG), LIMINAL_OK);
        liminal_conversation_drop(&r.inner);
        shut(&talk);
        liminal_envelope_drop(&r.foreign);
        each_ended_once();
    }
}

static void ask_and_end(void *argument)
{
    liminal_envelope *request = next_request(), *reply = NULL;
    (void)test_check(liminal_conversation_ask(argument, &request, &reply, LONG) == LIMINAL_OK);
    (void)test_check(false); /* it does not come here */
}

static void the_behaviour_ends_the_thread(void **state)
{
    (void)state;
    for (int first = 0; first < 2; first++) {
        maker m = {.how = PLAIN, .first = first != 0};
        held h = {{NULL}, {NULL}};
        test_thread thread;
        liminal_conversation *talk;
        talk = asked_before(&m, &h);
        m.how = ENDS;
        test_thread_start(&thread, ask_and_end, talk);
        test_thread_join(&thread);
        assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
        shut(&talk);
        each_ended_once();
    }
}

/* ---- with another thread ---------------------------------------------------------------------- */

enum { PASSED = 20000 };

typedef struct passing {
    test_thread thread;
    liminal_conversation *talk;
    _Atomic(liminal_envelope *) next; /* NULL: none */
    atomic_bool over;
} passing;

/* It drops what it gets, and a share of what that follows, while the log lets go of the same two; and views of that. */
static void drop_each(void *argument)
{
    passing *p = argument;
    for (unsigned turn = 0;; turn++) {
        liminal_snapshot *snapshot = NULL;
        bool over = atomic_load(&p->over);
        liminal_envelope *reply = atomic_exchange(&p->next, NULL), *cause;
        if (reply != NULL) {
            cause = liminal_envelope_ref(liminal_envelope_read(reply).cause);
            liminal_envelope_drop(&reply);
            liminal_envelope_drop(&cause);
        } else if (over) {
            return;
        }
        if (turn % 64 == 0) {
            (void)test_check(liminal_conversation_query(p->talk, &snapshot, LONG) == LIMINAL_OK);
            liminal_snapshot_drop(&snapshot);
        }
    }
}

static void another_thread_drops_them(void **state)
{
    static passing p;
    maker m = {.how = PLAIN};
    liminal_conversation *talk;
    (void)state;
    open_house();
    talk = making_talk(&m, 2);
    p.talk = talk;
    test_thread_start(&p.thread, drop_each, &p);
    for (int i = 0; i < PASSED; i++) {
        liminal_envelope *request = made("x", 1, NULL), *reply = NULL;
        assert_int_equal(liminal_conversation_ask(talk, &request, &reply, LONG), LIMINAL_OK);
        reply = atomic_exchange(&p.next, reply);
        liminal_envelope_drop(&reply);
    }
    atomic_store(&p.over, true);
    test_thread_join(&p.thread);
    shut(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(each_way_with_each_log_and_holder),
                                       TEST(the_conversation_has_ended_meanwhile),
                                       TEST(a_behaviour_that_asks_another_one), TEST(the_behaviour_ends_the_thread),
                                       TEST(another_thread_drops_them)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

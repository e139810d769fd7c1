/* SPDX-License-Identifier: MIT */
/* test_soak.c -- everything at once, for as long as one likes: many conversations, inline, threaded, with two
 * participants and with child programs; clients that ask, send, close, drop, find, link and kill at random, with random
 * deadlines; behaviours that fail or end their thread in one answer of a hundred. In the end nothing is left: no
 * block, thread, descriptor, child or handle; every notice has fired once, and what was asked adds up: the callers'
 * outcomes among themselves, and with the books of the conversations, of which every other one is kept until the end
 * of its last participant for that. In the builds with LIMINAL_TEST_PAUSES there are pauses inside of the library too.
 *
 *   LIMINAL_TEST_SECONDS  how long, in seconds of the clock; without it a few; and until each client has asked often
 *   LIMINAL_TEST_SEED     of the first client; each has the one before and one more */
#define _GNU_SOURCE
#include "support/harness.h"

#include <liminal.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define SLOW (UNDER_TSAN || UNDER_ASAN)

enum { CLIENTS = 4, SLOTS = SLOW ? 50 : 250, PROGRAMS = 4, OUTCOMES = 32, GRAVES = 64, SECONDS = 4, LEAST = 100 };

/* What callers got from the conversations that are kept, and what those say. */
typedef struct tally {
    uint64_t answered, taken, withdrawn; /* asks: OK, not but begun, and those that stayed with the caller */
    uint64_t sent, received;
    liminal_counts books;
} tally;

typedef struct client {
    test_thread thread;
    struct world *world;
    uint64_t random;
    int number, programs;
    liminal_conversation *talks[SLOTS];
    bool is_program[SLOTS], is_kept[SLOTS];
    liminal_conversation *graves[GRAVES];
    size_t buried;
    tally tally;
    unsigned long asked, refused, outcomes[OUTCOMES];
} client;

typedef struct world {
    liminal_supervisor *supervisor;
    int64_t until_ns;
    client clients[CLIENTS];
    atomic_ulong begun, released, armed, fired;
    atomic_ulong selves; /* that were given to a participant */
} world;

static uint64_t draw(client *c, uint64_t below)
{
    c->random ^= c->random << 13;
    c->random ^= c->random >> 7;
    c->random ^= c->random << 17;
    return (c->random >> 11) % below;
}

/* ---- the participants ---- */

/* One for each; its own block, for a slot is used again before the one before has ended. */
typedef struct self {
    world *world;
} self;

static liminal_status answer(void *of, const liminal_envelope *request, liminal_envelope **out)
{
    world *w = ((self *)of)->world;
    uint64_t chance = (atomic_fetch_add(&w->begun, 1) * 0x9E3779B97F4A7C15u) >> 33;
    if (chance % 16 == 0) {
        (void)sched_yield();
    }
    if (chance % 100 == 1) {
        return LIMINAL_EFAILED;
    }
    if (chance % 500 == 2) {
        return liminal_process_exit((liminal_exit_reason){LIMINAL_EXIT_CODE, 3});
    }
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static liminal_status answer_or_end(void *of, const liminal_envelope *request, liminal_envelope **out)
{
    world *w = ((self *)of)->world;
    if (atomic_load(&w->begun) % 211 == 0) {
        atomic_fetch_add(&w->begun, 1);
        pthread_exit(NULL);
    }
    return answer(of, request, out);
}

static void release(void *of)
{
    atomic_fetch_add(&((self *)of)->world->released, 1);
    free(of);
}

static const liminal_behaviour inlined = {LIMINAL_OPS(liminal_behaviour), .answer = answer, .release = release};
static const liminal_behaviour threaded = {LIMINAL_OPS(liminal_behaviour), .answer = answer_or_end, .release = release};

/* ---- what a client does ---- */

static liminal_envelope *say(void)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    (void)test_check(liminal_envelope_create("soak", 4, &options, &envelope) == LIMINAL_OK);
    return envelope;
}

static liminal_deadline some_time(client *c)
{
    static const int64_t ns[] = {0, 50000, 1000000, 20000000, 200000000};
    uint64_t which = draw(c, 5);
    return which == 0 ? liminal_deadline_passed() : liminal_deadline_in_ns(ns[which]);
}

static void spawn(client *c, size_t slot)
{
    static const char *const cat[] = {"cat", NULL};
    static const liminal_program program = {LIMINAL_OPS(liminal_program), .argv = cat,
                                            .close_patience_ns = 20000000, .term_patience_ns = 20000000};
    world *w = c->world;
    liminal_participant people[2];
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 1 + draw(c, 2),
                             .on_crash = draw(c, 2) == 0 ? LIMINAL_CRASH_FAIL : LIMINAL_CRASH_ROUTE_NEXT};
    bool with_program = c->programs < PROGRAMS && draw(c, 100) == 0;
    char name[32];
    self *selves[2] = {NULL, NULL};
    liminal_status st;
    bool is_kept = draw(c, 2) == 0;
    (void)snprintf(name, sizeof name, "%d.%zu%s", c->number, slot, is_kept ? " kept" : "");
    for (size_t i = 0; i < config.participant_count; i++) {
        bool is_inline = draw(c, 2) == 0;
        people[i] = (liminal_participant){.kind = is_inline ? LIMINAL_PARTICIPANT_INLINE : LIMINAL_PARTICIPANT_THREAD,
                                          .behaviour = is_inline ? &inlined : &threaded};
        if (with_program && i == 0) {
            people[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &program};
        } else {
            people[i].self = selves[i] = malloc(sizeof *selves[i]);
            selves[i]->world = w;
        }
    }
    config.name = draw(c, 4) == 0 ? NULL : name;
    config.timeout_ns = draw(c, 10) == 0 ? (int64_t)(1 + draw(c, 50)) * 1000000 : 0;
    config.log_entries = 16;
    st = liminal_supervisor_spawn(w->supervisor, &config, &c->talks[slot]);
    /* The one before may still be ending, and have the name; or somebody kills it before it has begun. */
    if (!test_check(st == LIMINAL_OK || (st == LIMINAL_EINVAL && config.name != NULL) || st == LIMINAL_EEXIT)) {
        print_error("spawn: %s, %s\n", liminal_status_name(st), liminal_status_detail());
    }
    if (st != LIMINAL_OK) {
        free(selves[0]);
        free(selves[1]);
    } else {
        atomic_fetch_add(&w->selves, (unsigned long)(selves[0] != NULL) + (selves[1] != NULL));
        c->is_program[slot] = with_program;
        c->is_kept[slot] = is_kept;
        c->programs += with_program;
    }
}

static void ask(client *c, liminal_conversation *talk, bool is_kept)
{
    liminal_envelope *request = say(), *reply = NULL;
    liminal_status st = liminal_conversation_ask(talk, &request, &reply, some_time(c));
    c->asked++;
    c->outcomes[-(int)st >= 0 ? -(int)st % OUTCOMES : (int)st % OUTCOMES]++;
    c->refused += request != NULL;
    c->tally.answered += is_kept && st == LIMINAL_OK;
    c->tally.taken += is_kept && st != LIMINAL_OK && request == NULL;
    c->tally.withdrawn += is_kept && request != NULL;
    (void)test_check((st == LIMINAL_OK) == (reply != NULL));
    (void)test_check(st == LIMINAL_OK || st == LIMINAL_ETIMEDOUT || st == LIMINAL_EEXIT || st == LIMINAL_ECLOSED ||
                     st == LIMINAL_ECANCELED || st == LIMINAL_EFAILED);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

static void send(client *c, liminal_conversation *talk, bool is_kept)
{
    liminal_envelope *message = say(), *reply = NULL;
    if (liminal_conversation_send(talk, &message, some_time(c)) == LIMINAL_OK) {
        c->tally.sent += is_kept;
        if (liminal_conversation_receive(talk, &reply, some_time(c)) == LIMINAL_OK) {
            (void)test_check(reply != NULL);
            c->tally.received += is_kept;
        }
    }
    liminal_envelope_drop(&message);
    liminal_envelope_drop(&reply);
}

static void look(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    if (test_check(liminal_conversation_query(talk, &snapshot, liminal_deadline_in_ms(20000)) == LIMINAL_OK)) {
        liminal_counts counts = liminal_snapshot_read(snapshot).counts;
        (void)test_check(counts.sent <= counts.received + counts.withdrawn + counts.unfinished + counts.late + 2048);
        liminal_snapshot_drop(&snapshot);
    }
}

static void be_told(void *of, const liminal_exit *exit)
{
    (void)exit;
    atomic_fetch_add(&((world *)of)->fired, 1);
}

/* With the process of anybody. */
static void meddle(client *c)
{
    static const size_t room = 64;
    liminal_pid pids[64], pid, other;
    size_t count = 0;
    world *w = c->world;
    if (liminal_process_list(w->supervisor, pids, room, &count) != LIMINAL_OK || count == 0) {
        return;
    }
    pid = pids[draw(c, count < room ? count : room)];
    other = pids[draw(c, count < room ? count : room)];
    switch (draw(c, 3)) {
    case 0: {
        liminal_status st = liminal_process_kill(w->supervisor, pid);
        (void)test_check(st == LIMINAL_OK || st == LIMINAL_ENOPROC);
        break;
    }
    case 1: {
        liminal_status st = liminal_process_link(w->supervisor, pid, other);
        (void)test_check(st == LIMINAL_OK || st == LIMINAL_ENOPROC || st == LIMINAL_EINVAL);
        break;
    }
    default:
        if (liminal_process_notify(w->supervisor, pid, be_told, w, NULL) == LIMINAL_OK) {
            atomic_fetch_add(&w->armed, 1);
        }
        break;
    }
}

/* It has ended, and so have all who could still answer: now its books are closed. */
static void read_books(client *c, liminal_conversation **talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status part;
    liminal_counts counts;
    liminal_exit exit;
    (void)test_check(liminal_conversation_close(*talk, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(liminal_conversation_query(*talk, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    for (size_t i = 0; liminal_snapshot_participant(snapshot, i, &part) == LIMINAL_OK; i++) {
        (void)test_check(liminal_process_wait(c->world->supervisor, part.pid, &exit, liminal_deadline_in_ms(20000)) ==
                         LIMINAL_OK);
    }
    liminal_snapshot_drop(&snapshot);
    (void)test_check(liminal_conversation_query(*talk, &snapshot, liminal_deadline_never()) == LIMINAL_OK);
    counts = liminal_snapshot_read(snapshot).counts;
    c->tally.books.received += counts.received;
    c->tally.books.withdrawn += counts.withdrawn;
    c->tally.books.late += counts.late;
    c->tally.books.silent += counts.silent;
    c->tally.books.unfinished += counts.unfinished;
    liminal_snapshot_drop(&snapshot);
    liminal_conversation_drop(talk);
}

/* The oldest one of those that are kept makes room. */
static void bury(client *c, liminal_conversation **talk)
{
    liminal_conversation **grave = &c->graves[c->buried++ % GRAVES];
    if (*grave != NULL) {
        read_books(c, grave);
    }
    *grave = *talk;
    *talk = NULL;
}

static void end(client *c, size_t slot)
{
    if (draw(c, 2) == 0) {
        liminal_deadline soon = liminal_deadline_in_ns((int64_t)draw(c, 5000000));
        liminal_status st = liminal_conversation_close(c->talks[slot], soon);
        (void)test_check(st == LIMINAL_OK);
    }
    if (c->is_kept[slot]) {
        bury(c, &c->talks[slot]);
    }
    liminal_conversation_drop(&c->talks[slot]);
    c->programs -= c->is_program[slot];
    c->is_program[slot] = false;
}

static void visit_another(client *c)
{
    liminal_conversation *talk = NULL;
    char name[32];
    bool is_kept = draw(c, 2) == 0;
    (void)snprintf(name, sizeof name, "%d.%d%s", (int)draw(c, CLIENTS), (int)draw(c, SLOTS), is_kept ? " kept" : "");
    if (liminal_supervisor_find_name(c->world->supervisor, name, &talk) == LIMINAL_OK) {
        ask(c, talk, is_kept);
        liminal_conversation_drop(&talk);
    }
}

static void live(void *argument)
{
    client *c = argument;
    while (test_now_ns() < c->world->until_ns || c->asked < LEAST) {
        size_t slot = draw(c, SLOTS);
        uint64_t chance = draw(c, 100);
        if (c->talks[slot] == NULL) {
            spawn(c, slot);
        } else if (chance < 60) {
            ask(c, c->talks[slot], c->is_kept[slot]);
        } else if (chance < 75) {
            send(c, c->talks[slot], c->is_kept[slot]);
        } else if (chance < 80) {
            look(c->talks[slot]);
        } else if (chance < 90) {
            visit_another(c);
        } else if (chance < 93) {
            meddle(c);
        } else {
            end(c, slot);
        }
    }
    for (size_t slot = 0; slot < SLOTS; slot++) {
        if (c->talks[slot] != NULL) {
            end(c, slot);
        }
    }
}

/* ---- the test ---- */

/* asked = answered + timed out + failed + cancelled + withdrawn, and the books say the same. What was sent may lie
 * there unread; what was withdrawn may have been refused, which is in no book. */
static void assert_conserved(world *w)
{
    uint64_t answered = 0, taken = 0, withdrawn = 0, sent = 0, received = 0, booked = 0, delivered = 0;
    for (int i = 0; i < CLIENTS; i++) {
        const tally *t = &w->clients[i].tally;
        answered += t->answered;
        taken += t->taken;
        withdrawn += t->withdrawn;
        sent += t->sent;
        received += t->received;
        delivered += t->books.received;
        booked += t->books.received + t->books.withdrawn + t->books.late + t->books.silent + t->books.unfinished;
    }
    print_message("kept: %llu answered, %llu received, %llu handed over; %llu in the books, of %llu to %llu\n",
                  (unsigned long long)answered, (unsigned long long)received, (unsigned long long)delivered,
                  (unsigned long long)booked, (unsigned long long)(answered + taken),
                  (unsigned long long)(answered + taken + withdrawn + sent));
    assert_int_equal(delivered, answered + received);
    assert_in_range(booked, answered + taken, answered + taken + withdrawn + sent);
}

static int64_t number(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL ? (int64_t)(strtod(text, NULL) * 1e3) : otherwise * 1000;
}

static void in_the_end_nothing_is_left(void **state)
{
    static world w;
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator()};
    uint64_t seed = (uint64_t)number("LIMINAL_TEST_SEED", 1);
    unsigned long asked = 0, counted = 0, answered = 0;
    liminal_report report;
    (void)state;
    memset(&w, 0, sizeof w);
    assert_int_equal(liminal_supervisor_open(&options, &w.supervisor), LIMINAL_OK);
    w.until_ns = test_now_ns() + number("LIMINAL_TEST_SECONDS", SECONDS) * 1000000;
    for (int i = 0; i < CLIENTS; i++) {
        w.clients[i].world = &w;
        w.clients[i].number = i;
        w.clients[i].random = (seed + (uint64_t)i) * 0x9E3779B97F4A7C15u | 1;
        test_thread_start(&w.clients[i].thread, live, &w.clients[i]);
    }
    while (test_now_ns() < w.until_ns) { /* for the harness gives up what takes longer than a test */
        const struct timespec moment = {0, 50000000};
        (void)nanosleep(&moment, NULL);
    }
    for (int i = 0; i < CLIENTS; i++) {
        test_thread_join(&w.clients[i].thread);
    }
    for (int i = 0; i < CLIENTS; i++) { /* now that nobody visits any more */
        for (size_t g = 0; g < GRAVES; g++) {
            if (w.clients[i].graves[g] != NULL) {
                read_books(&w.clients[i], &w.clients[i].graves[g]);
            }
        }
    }
    assert_int_equal(liminal_supervisor_shutdown(&w.supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(report.running, 0);
    assert_int_equal(report.handles, 0);
    for (int i = 0; i < CLIENTS; i++) {
        const client *c = &w.clients[i];
        asked += c->asked;
        answered += c->outcomes[LIMINAL_OK];
        for (int k = 0; k < OUTCOMES; k++) {
            counted += c->outcomes[k];
        }
    }
    print_message("seed %llu: %lu asks, %lu answered, %lu notices, %zu threads\n", (unsigned long long)seed / 1000,
                  asked, answered, atomic_load(&w.fired), report.threads);
    assert_true(answered > 0 && answered < asked);
    assert_int_equal(asked, counted);
    assert_conserved(&w);
    assert_int_equal(atomic_load(&w.released), atomic_load(&w.selves)); /* each `self` once */
    assert_int_equal(atomic_load(&w.fired), atomic_load(&w.armed));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(in_the_end_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_link_mass.c -- many links, many processes: what they cost, and that nothing grows with them. */
#include "link_kit.h"

#define MS ((int64_t)1000000)

/* TSan needs minutes for so many; and pauses at every lock make each call twenty times as long. */
#define ALL (UNDER_TSAN ? 10000 : 100000)
#define APART (UNDER_TSAN ? 40 : 150)
#define BESIDE (UNDER_TSAN ? 5 : 50)

/* ---- shutdown ---- */

enum { LINKS = LESS(10000), MESH = 142 };

static void hub_of_many_links(void **state)
{
    static liminal_pid pids[LINKS];
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_conversation *crowd = spawn_crowd(supervisor, i / 2 ? &crowd_trapper : liminal_behaviour_echo(), LINKS,
                                                  pids);
        being hub;
        be(&hub, supervisor, LIMINAL_PARTICIPANT_THREAD, i % 2 ? &trapper : &plain);
        for (size_t n = 0; n < LINKS; n++) {
            assert_int_equal(liminal_process_link(supervisor, hub.pid, pids[n]), LIMINAL_OK);
        }
        assert_int_equal(links_of(&hub), LINKS);
        if (i % 2) { /* who is shut down first does not matter */
            liminal_conversation_drop(&crowd);
        }
        leave(&hub);
        liminal_conversation_drop(&crowd);
        shut(&supervisor); /* with every byte freed */
        assert_int_equal(hub.releases, 1);
        assert_true(same_reason(hub.end.reason, normal)); /* a shutdown kills nobody */
    }
}

/* Each with each other: 10,011 links, among plain ones and trappers. */
static void mesh_of_about_10000_links(void **state)
{
    static liminal_pid plains[MESH / 2], trappers[MESH / 2];
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *p = spawn_crowd(supervisor, liminal_behaviour_echo(), MESH / 2, plains);
    liminal_conversation *t = spawn_crowd(supervisor, &crowd_trapper, MESH / 2, trappers);
    liminal_pid all[MESH];
    size_t count = 0;
    (void)state;
    memcpy(all, plains, sizeof plains);
    memcpy(all + MESH / 2, trappers, sizeof trappers);
    for (size_t i = 0; i < MESH; i++) {
        for (size_t j = 0; j < i; j++) {
            assert_int_equal(liminal_process_link(supervisor, all[i], all[j]), LIMINAL_OK);
        }
    }
    assert_int_equal(liminal_process_links(supervisor, all[7], NULL, 0, &count), LIMINAL_OK);
    assert_int_equal(count, MESH - 1);
    liminal_conversation_drop(&p);
    liminal_conversation_drop(&t);
    shut(&supervisor);
}

/* All of them are there when the shutdown begins: it finds the conversations open and the links tied. */
static void a_shutdown_tears_down_many_links(void **state)
{
    static liminal_pid pids[LINKS];
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_conversation *crowd = spawn_crowd(supervisor, i == 1 ? &crowd_trapper : liminal_behaviour_echo(),
                                                  LINKS, pids);
        liminal_report report;
        being hub;
        be(&hub, supervisor, LIMINAL_PARTICIPANT_THREAD, i == 1 ? &trapper : &plain);
        for (size_t n = 0; n < LINKS; n++) {
            assert_int_equal(liminal_process_link(supervisor, hub.pid, pids[n]), LIMINAL_OK);
        }
        assert_int_equal(links_of(&hub), LINKS);
        assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(report.conversations, 2);
        assert_int_equal(report.handles, 2);
        assert_int_equal(report.running, 0);
        assert_int_equal(hub.releases, 1);
        assert_true(same_reason(hub.end.reason, normal));
        liminal_conversation_drop(&crowd);
        liminal_conversation_drop(&hub.conversation);
        assert_int_equal(test_blocks(), 0);
    }
}

/* ---- a chain ---- */

enum { CHAIN = 5000 };

/* The head stands on a stack as small as there is; so does the spreading. */
static void be_a_head(being *b, liminal_supervisor *supervisor)
{
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &plain, .self = b};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL, .stack_bytes = 1};
    being_init(b, supervisor);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b->conversation), LIMINAL_OK);
    b->pid = participant_pid(b->conversation, 0);
    assert_int_equal(liminal_process_notify(supervisor, b->pid, being_has_died, b, NULL), LIMINAL_OK);
}

static void chain_of_5000_falls_promptly(void **state)
{
    static liminal_pid pids[CHAIN];
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *chain = spawn_crowd(supervisor, liminal_behaviour_echo(), CHAIN, pids);
    liminal_exit end;
    int64_t began;
    being head;
    (void)state;
    be_a_head(&head, supervisor);
    assert_int_equal(liminal_process_link(supervisor, head.pid, pids[0]), LIMINAL_OK);
    for (size_t i = 1; i < CHAIN; i++) {
        assert_int_equal(liminal_process_link(supervisor, pids[i], pids[i - 1]), LIMINAL_OK);
    }
    began = test_now_ns();
    exits(&head, boom);
    assert_true(test_now_ns() - began < 10000 * MS); /* some ten in a usual build */
    for (size_t i = 0; i < CHAIN; i++) {
        assert_int_equal(liminal_process_wait(supervisor, pids[i], &end, liminal_deadline_passed()), LIMINAL_OK);
        assert_true(same_reason(end.reason, boom));
        assert_int_equal(end.seen_ns.ns, head.end.seen_ns.ns);
    }
    assert_int_equal(ask(chain, "hello"), LIMINAL_EEXIT); /* with the last one */
    leave(&head);
    liminal_conversation_drop(&chain);
    shut(&supervisor);
}

/* Each in a conversation of its own, which falls with it, and the next one watches that. */
static void chain_of_conversations_falls(void **state)
{
    static being chain[APART];
    static liminal_conversation *watchers[APART];
    liminal_supervisor *supervisor = open_plain();
    liminal_envelope *reply = NULL;
    being head;
    (void)state;
    be_a_head(&head, supervisor);
    for (size_t i = 0; i < APART; i++) {
        const liminal_participant watched = {.kind = LIMINAL_PARTICIPANT_WATCHED,
                                             .pid = liminal_conversation_pid(i ? watchers[i - 1] : head.conversation)};
        const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &watched, .participant_count = 1,
                                       .on_crash = LIMINAL_CRASH_FAIL, .stack_bytes = 1};
        be(&chain[i], supervisor, i % 10 ? LIMINAL_PARTICIPANT_INLINE : LIMINAL_PARTICIPANT_THREAD, &plain);
        assert_int_equal(link_to(&chain[i], i ? &chain[i - 1] : &head), LIMINAL_OK);
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &watchers[i]), LIMINAL_OK);
    }
    exits(&head, boom);
    for (size_t i = 0; i < APART; i++) {
        assert_int_equal(liminal_conversation_receive(watchers[i], &reply, liminal_deadline_never()), LIMINAL_EEXIT);
        liminal_conversation_drop(&watchers[i]);
        assert_dies(&chain[i], boom);
        leave(&chain[i]);
    }
    leave(&head);
    shut(&supervisor);
}

/* ---- what it costs ---- */

enum { FEW = 10, HALF = ALL / 2, SAMPLES = 101, CALLS = 20, LISTS = 8 };

typedef struct world {
    liminal_supervisor *supervisor;
    liminal_conversation *crowds[2];
    liminal_pid *pids;
    size_t count;
} world;

static void populate(world *w, size_t count)
{
    w->supervisor = open_plain();
    w->count = count;
    w->pids = calloc(count, sizeof *w->pids);
    assert_non_null(w->pids);
    for (size_t i = 0; i < 2; i++) {
        w->crowds[i] = spawn_crowd(w->supervisor, liminal_behaviour_echo(), count / 2, w->pids + i * (count / 2));
    }
}

static void depopulate(world *w)
{
    free(w->pids);
    liminal_conversation_drop(&w->crowds[0]);
    liminal_conversation_drop(&w->crowds[1]);
    assert_int_equal(liminal_supervisor_shutdown(&w->supervisor, NULL, liminal_deadline_never()), LIMINAL_OK);
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static int64_t median(int64_t *samples, size_t count)
{
    qsort(samples, count, sizeof *samples, by_size);
    return samples[count / 2];
}

/* Link, look, list, signal, unlink. */
static int64_t time_of_links(world *w, size_t s)
{
    int64_t began = test_now_ns();
    for (size_t c = 0; c < CALLS; c++) {
        liminal_pid a = w->pids[(s * 7 + c) % 5], b = w->pids[w->count - 1 - (s + c) % 5], one;
        size_t count = 0;
        assert_int_equal(liminal_process_link(w->supervisor, a, b), LIMINAL_OK);
        assert_true(liminal_process_linked(w->supervisor, b, a));
        assert_int_equal(liminal_process_links(w->supervisor, a, &one, 1, &count), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(w->supervisor, a, b, normal), LIMINAL_OK);
        assert_int_equal(liminal_process_unlink(w->supervisor, a, b), LIMINAL_OK);
        assert_int_equal(count, 1);
    }
    return test_now_ns() - began;
}

static void count_it(void *self, const liminal_exit *exit)
{
    (void)exit;
    *(int *)self += 1;
}

/* A kill that takes one linked to it along, whose notice is called. */
static int64_t time_of_exits(world *w, size_t s)
{
    liminal_pid a = w->pids[2 * s], b = w->pids[2 * s + 1];
    int64_t began;
    int seen = 0;
    assert_int_equal(liminal_process_link(w->supervisor, a, b), LIMINAL_OK);
    assert_int_equal(liminal_process_notify(w->supervisor, b, count_it, &seen, NULL), LIMINAL_OK);
    began = test_now_ns();
    assert_int_equal(liminal_process_kill(w->supervisor, a), LIMINAL_OK);
    assert_int_equal(seen, 1);
    return test_now_ns() - began;
}

/* Now the one, now the other, so that whatever else the machine does is the same for both. */
static bool cost_the_same(const char *what, int64_t (*time)(world *w, size_t s), world *few, world *all)
{
    static int64_t of_few[SAMPLES], of_all[SAMPLES];
    for (size_t s = 0; s < SAMPLES; s++) {
        of_few[s] = time(few, s);
        of_all[s] = time(all, s);
    }
    print_message("%s: %lld ns with %zu processes, %lld ns with %zu\n", what, (long long)median(of_few, SAMPLES),
                  few->count, (long long)median(of_all, SAMPLES), all->count);
    return median(of_all, SAMPLES) < 30 * median(of_few, SAMPLES);
}

static size_t allocations_of_links(world *w)
{
    size_t before;
    liminal_pid a = w->pids[0], b = w->pids[w->count - 1];
    assert_int_equal(liminal_process_link(w->supervisor, w->pids[1], w->pids[2]), LIMINAL_OK); /* the table is there */
    before = test_allocations();
    assert_int_equal(liminal_process_link(w->supervisor, a, b), LIMINAL_OK);
    assert_int_equal(test_allocations(), before + 1);
    assert_int_equal(liminal_process_link(w->supervisor, a, b), LIMINAL_OK);
    before = test_allocations();
    assert_true(liminal_process_linked(w->supervisor, a, b));
    assert_int_equal(liminal_process_signal(w->supervisor, a, b, normal), LIMINAL_OK);
    assert_int_equal(liminal_process_unlink(w->supervisor, a, b), LIMINAL_OK);
    assert_int_equal(liminal_process_unlink(w->supervisor, w->pids[1], w->pids[2]), LIMINAL_OK);
    return test_allocations() - before;
}

/* The same with 10 as with 100,000: allocations to the letter, time within a bound that only something that grows
 * with their number would break. Exits need memory for nothing but the log. */
static void links_and_exits_cost_the_same(void **state)
{
    world few, enough_to_kill, all;
    size_t before;
    (void)state;
    populate(&few, FEW);
    populate(&enough_to_kill, 4 * SAMPLES);
    populate(&all, ALL);
    assert_int_equal(allocations_of_links(&few), 0);
    assert_int_equal(allocations_of_links(&all), 0);
    assert_true(cost_the_same("links", time_of_links, &few, &all));
    assert_true(cost_the_same("exits", time_of_exits, &enough_to_kill, &all));
    before = test_allocations();
    assert_int_equal(liminal_process_kill(all.supervisor, all.pids[HALF + 1]), LIMINAL_OK);
    assert_true(test_allocations() - before <= 2);
    depopulate(&few);
    depopulate(&enough_to_kill);
    depopulate(&all);
}

/* ---- who waits for whom ---- */

typedef struct lister {
    world *world;
    atomic_size_t begun, done; /* lists */
    test_gate go;
    bool over; /* written before the gate is opened for the last time */
} lister;

static void list_them(void *argument)
{
    lister *l = argument;
    for (;;) {
        size_t count = 0;
        test_gate_wait(&l->go);
        if (l->over) {
            return;
        }
        atomic_fetch_add(&l->begun, 1);
        (void)test_check(liminal_process_list(l->world->supervisor, NULL, 0, &count) == LIMINAL_OK);
        atomic_fetch_add(&l->done, 1);
        (void)test_check(count == l->world->count + 2);
    }
}

/* While one lists all of them others get on. On a busy machine the two rarely run at the same time, so it is looked at
 * until that was so often enough. */
static void a_long_list_holds_nobody_up(void **state)
{
    size_t free_lists = 0, lists = 0;
    lister l = {.go = TEST_GATE_INIT};
    test_thread thread;
    world all;
    (void)state;
    populate(&all, ALL);
    l.world = &all;
    test_thread_start(&thread, list_them, &l);
    for (; free_lists < LISTS && lists < 40 * LISTS; lists++) {
        size_t calls = 0;
        test_gate_open(&l.go);
        while (l.begun == lists) {
        }
        while (l.done == lists && calls < 1000) {
            assert_true(liminal_process_alive(all.supervisor, all.pids[lists]));
            calls++;
        }
        test_until(l.done > lists);
        free_lists += calls > BESIDE; /* held up it would be one or two */
    }
    l.over = true;
    test_gate_open(&l.go);
    test_thread_join(&thread);
    print_message("%zu of %zu lists had calls beside them\n", free_lists, lists);
    assert_int_equal(free_lists, LISTS);
    depopulate(&all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(hub_of_many_links),
        TEST(a_shutdown_tears_down_many_links),
        TEST(mesh_of_about_10000_links),
        TEST(chain_of_5000_falls_promptly),
        TEST(chain_of_conversations_falls),
        TEST(links_and_exits_cost_the_same),
        TEST(a_long_list_holds_nobody_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

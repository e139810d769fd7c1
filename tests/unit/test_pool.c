/* SPDX-License-Identifier: MIT */
/* test_pool.c -- threads that are used again: which, how many are kept, what they are to the next behaviour. */
#define _GNU_SOURCE
#include "supervisor_kit.h"

#include <dirent.h>
#include <pthread.h>
#include <signal.h>

static liminal_supervisor *open_with(size_t max_threads, size_t idle_threads)
{
    const liminal_supervisor_options options = {LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(),
                                                .max_threads = max_threads, .idle_threads = idle_threads};
    liminal_supervisor *supervisor = NULL;
    assert_int_equal(liminal_supervisor_open(&options, &supervisor), LIMINAL_OK);
    return supervisor;
}

static liminal_conversation *spawn_with_stack(liminal_supervisor *supervisor, part *p, size_t stack_bytes)
{
    liminal_participant participant = threaded(p);
    liminal_config config = config_of(&participant, 1);
    liminal_conversation *out = NULL;
    config.stack_bytes = stack_bytes;
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &out), LIMINAL_OK);
    return out;
}

/* Closed, and its threads, all that there are, have become idle or have ended. */
static void end(liminal_supervisor *supervisor, liminal_conversation **conversation)
{
    assert_int_equal(liminal_conversation_close(*conversation, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(conversation);
    test_until(liminal_supervisor_census(supervisor).threads == 0);
}

static void a_round(liminal_supervisor *supervisor, size_t stack_bytes)
{
    liminal_conversation *c;
    part p;
    part_init(&p);
    c = spawn_with_stack(supervisor, &p, stack_bytes);
    assert_int_equal(ask_text(c, "hello"), LIMINAL_OK);
    end(supervisor, &c);
    test_until(atomic_load(&p.releases) == 1);
}

static void threads_are_used_again(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (int i = 0; i < 20; i++) {
        a_round(supervisor, 0);
    }
    assert_int_equal(test_threads_asked(), 2);
    shut(&supervisor);
}

static void none_are_where_none_are_wanted(void **state)
{
    liminal_supervisor *supervisor = open_with(0, LIMINAL_NO_IDLE_THREADS);
    (void)state;
    for (int i = 0; i < 5; i++) {
        a_round(supervisor, 0);
    }
    assert_int_equal(test_threads_asked(), 10);
    shut(&supervisor);
}

/* Of the 6 threads of three conversations so many are kept; the next three need the rest. */
static void no_more_than_so_many_are_kept(void **state)
{
    enum { KEPT = 4, MANY = 3 };
    liminal_supervisor *supervisor = open_with(0, KEPT);
    part parts[MANY];
    (void)state;
    for (int round = 0; round < 3; round++) {
        liminal_conversation *c[MANY];
        for (int i = 0; i < MANY; i++) {
            part_init(&parts[i]);
            c[i] = spawn_with_stack(supervisor, &parts[i], 0);
        }
        assert_int_equal(test_threads_asked(), 2 * MANY + (size_t)round * (2 * MANY - KEPT));
        for (int i = 0; i < MANY; i++) {
            assert_int_equal(liminal_conversation_close(c[i], liminal_deadline_never()), LIMINAL_OK);
            liminal_conversation_drop(&c[i]);
        }
        test_until(liminal_supervisor_census(supervisor).threads == 0);
    }
    shut(&supervisor);
}

static void a_larger_stack_is_another_thread(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    a_round(supervisor, 0);
    assert_int_equal(test_threads_asked(), 2);
    a_round(supervisor, MUCH);
    assert_int_equal(test_threads_asked(), 4);
    a_round(supervisor, 0); /* served by either */
    a_round(supervisor, MUCH);
    assert_int_equal(test_threads_asked(), 4);
    shut(&supervisor);
}

/* Those with a stack that nobody wants any more do not keep the others from being kept. */
static void small_ones_make_room_for_large_ones(void **state)
{
    liminal_supervisor *supervisor = open_with(0, 2);
    (void)state;
    a_round(supervisor, 0);
    a_round(supervisor, MUCH);
    assert_int_equal(test_threads_asked(), 4);
    a_round(supervisor, MUCH);
    a_round(supervisor, 0);
    assert_int_equal(test_threads_asked(), 4);
    shut(&supervisor);
}

/* Of this process. */
static int count_threads(void)
{
    DIR *tasks = opendir("/proc/self/task");
    int count = 0;
    assert_non_null(tasks);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        count += task->d_name[0] != '.';
    }
    (void)closedir(tasks);
    return count;
}

/* Idle ones never keep others out, and live and idle ones together are no more than may live. */
static void idle_ones_make_room(void **state)
{
    liminal_supervisor *supervisor = open_with(2, 0);
    int before = count_threads();
    (void)state;
    for (int i = 0; i < 4; i++) {
        a_round(supervisor, (size_t)i * MUCH);
        assert_int_equal(test_threads_asked(), 2 * (i + 1)); /* the two before had to leave */
        test_until(count_threads() == before + 2);
    }
    shut(&supervisor);
}

/* The same where the one thread of a conversation is only kept for it. */
static void idle_ones_make_room_for_kept_ones(void **state)
{
    liminal_supervisor *supervisor = open_with(1, 0);
    int before = count_threads();
    (void)state;
    for (int i = 0; i < 4; i++) {
        liminal_participant participant;
        liminal_config config = config_of(&participant, 1);
        liminal_conversation *c = NULL;
        part p;
        part_init(&p);
        participant = inlined(&p);
        config.stack_bytes = (size_t)i * MUCH;
        assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &c), LIMINAL_OK);
        test_until(count_threads() == before + 1);
        end(supervisor, &c);
    }
    shut(&supervisor);
}

/* Threads that were kept for nothing, and are given back at once: as many as may be idle stay, and the others leave,
 * though nobody starts one or shuts down. */
static void those_that_are_too_many_leave_by_themselves(void **state)
{
    enum { MANY = 40, KEPT = 3 };
    liminal_supervisor *supervisor = open_with(0, KEPT);
    liminal_conversation *c[MANY];
    part parts[MANY];
    int before = count_threads();
    (void)state;
    for (int i = 0; i < MANY; i++) {
        part_init(&parts[i]);
        c[i] = spawn_one(supervisor, inlined(&parts[i]), NULL);
    }
    assert_int_equal(test_threads_asked(), MANY);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(ask_text(c[i], "hello"), LIMINAL_OK);
        assert_int_equal(liminal_conversation_close(c[i], liminal_deadline_never()), LIMINAL_OK);
        liminal_conversation_drop(&c[i]);
    }
    test_until(liminal_supervisor_census(supervisor).threads == 0);
    test_until(count_threads() == before + KEPT);
    shut(&supervisor);
}

/* ---- as new ---- */

typedef struct visit {
    pthread_t thread;
    bool blocked;
    char name[16], detail[64];
} visit;

static liminal_status look_around(part *p)
{
    visit *v = p->context;
    sigset_t mask;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &mask);
    v->thread = pthread_self();
    v->blocked = sigismember(&mask, SIGUSR1) == 1 && sigismember(&mask, SIGTERM) == 1;
    (void)pthread_getname_np(pthread_self(), v->name, sizeof v->name);
    (void)snprintf(v->detail, sizeof v->detail, "%s", liminal_status_detail());
    return LIMINAL_OK;
}

/* As untidy as can be. */
static liminal_status leave_a_mess(part *p)
{
    sigset_t none;
    liminal_status status = look_around(p);
    (void)sigemptyset(&none);
    (void)pthread_sigmask(SIG_SETMASK, &none, NULL);
    (void)pthread_setname_np(pthread_self(), "mess");
    (void)test_check(liminal_conversation_close(NULL, liminal_deadline_never()) == LIMINAL_EINVAL); /* says why */
    (void)pthread_setcancelstate(PTHREAD_CANCEL_ENABLE, NULL);
    return status;
}

#define VISITORS 3

static void visit_all(liminal_supervisor *supervisor, visit *visits, liminal_status (*begin)(part *p))
{
    static const char *const names[VISITORS] = {"one", "two", "three"};
    liminal_participant participants[VISITORS] = {{.kind = LIMINAL_PARTICIPANT_INLINE}};
    liminal_config config = config_of(participants, VISITORS);
    liminal_conversation *c = NULL;
    part parts[VISITORS];
    for (int i = 0; i < VISITORS; i++) {
        part_init(&parts[i]);
        parts[i].begin = begin;
        parts[i].context = &visits[i];
        participants[i] = threaded(&parts[i]);
        participants[i].name = names[i];
    }
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &c), LIMINAL_OK);
    end(supervisor, &c);
    for (int i = 0; i < VISITORS; i++) {
        assert_true(visits[i].blocked);
        assert_string_equal(visits[i].name, names[i]);
        assert_string_equal(visits[i].detail, "");
    }
}

/* Of four threads three are a mess: of the next three, two at least are among them. */
static void the_next_one_finds_it_as_new(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    visit before[VISITORS] = {{.blocked = false}}, after[VISITORS] = {{.blocked = false}};
    int met = 0;
    (void)state;
    visit_all(supervisor, before, leave_a_mess);
    visit_all(supervisor, after, look_around);
    assert_int_equal(test_threads_asked(), VISITORS + 1);
    for (int i = 0; i < VISITORS * VISITORS; i++) {
        met += pthread_equal(before[i / VISITORS].thread, after[i % VISITORS].thread) != 0;
    }
    assert_true(met >= 2);
    shut(&supervisor);
}

/* ---- the end ---- */

static liminal_status end_the_thread(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    (void)p, (void)request, (void)out;
    pthread_exit(NULL);
}

static void one_that_was_ended_does_not_come_back(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (int i = 0; i < 3; i++) {
        liminal_conversation *c;
        part p;
        part_init(&p);
        p.act = end_the_thread;
        c = spawn_with_stack(supervisor, &p, 0);
        assert_int_equal(ask_text(c, "x"), LIMINAL_EEXIT);
        end(supervisor, &c);
        assert_int_equal(atomic_load(&p.releases), 1);
        assert_int_equal(test_threads_asked(), 2 + i); /* the actor's is used again */
    }
    shut(&supervisor);
}

/* The last deed of a conversation and the shutdown at once: idle, or over, and joined. */
static void a_shutdown_takes_them_all(void **state)
{
    (void)state;
    for (int i = 0; i < 200; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_conversation *c;
        liminal_report report;
        size_t before = test_threads_asked();
        part p;
        part_init(&p);
        c = spawn_with_stack(supervisor, &p, 0);
        assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
        liminal_conversation_drop(&c);
        if (i % 2 == 0) {
            test_until(liminal_supervisor_census(supervisor).threads <= (size_t)(i % 4) / 2);
        }
        assert_int_equal(liminal_supervisor_shutdown(&supervisor, &report, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(report.threads, test_threads_asked() - before);
        assert_int_equal(test_blocks(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(threads_are_used_again),
        TEST(none_are_where_none_are_wanted),
        TEST(no_more_than_so_many_are_kept),
        TEST(a_larger_stack_is_another_thread),
        TEST(small_ones_make_room_for_large_ones),
        TEST(idle_ones_make_room),
        TEST(idle_ones_make_room_for_kept_ones),
        TEST(those_that_are_too_many_leave_by_themselves),
        TEST(the_next_one_finds_it_as_new),
        TEST(one_that_was_ended_does_not_come_back),
        TEST(a_shutdown_takes_them_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_woken.c -- nobody is woken who need not be: counted by how often the kernel has seen a thread go to sleep. */
#define _GNU_SOURCE
#include "supervisor_kit.h"

#include <dirent.h>
#include <stdlib.h>

/* ---- threads, by their numbers in the kernel ---- */

enum { MOST_TASKS = 64 };

typedef struct tasks {
    long numbers[MOST_TASKS];
    size_t count;
} tasks;

static tasks list_tasks(void)
{
    tasks out = {.count = 0};
    DIR *directory = opendir("/proc/self/task");
    assert_non_null(directory);
    for (const struct dirent *task = readdir(directory); task != NULL; task = readdir(directory)) {
        if (task->d_name[0] != '.') {
            assert_true(out.count < MOST_TASKS);
            out.numbers[out.count++] = strtol(task->d_name, NULL, 10);
        }
    }
    (void)closedir(directory);
    return out;
}

static bool is_among(const tasks *all, long task)
{
    bool found = false;
    for (size_t i = 0; i < all->count; i++) {
        found |= all->numbers[i] == task;
    }
    return found;
}

/* Of those that have come since, the one that is not `other`. */
static long the_new_one_beside(const tasks *before, long other)
{
    tasks now = list_tasks();
    long found = 0;
    for (size_t i = 0; i < now.count; i++) {
        if (!is_among(before, now.numbers[i]) && now.numbers[i] != other) {
            assert_int_equal(found, 0);
            found = now.numbers[i];
        }
    }
    assert_int_not_equal(found, 0);
    return found;
}

/* How often it has gone to sleep so far. */
static long count_sleeps(long task)
{
    char line[256];
    long count = -1;
    FILE *status;
    (void)snprintf(line, sizeof line, "/proc/self/task/%ld/status", task);
    status = fopen(line, "r");
    assert_non_null(status);
    while (count < 0 && fgets(line, sizeof line, status) != NULL) {
        (void)sscanf(line, "voluntary_ctxt_switches: %ld", &count);
    }
    (void)fclose(status);
    assert_true(count >= 0);
    return count;
}

/* ---- a death ---- */

static liminal_status say_who(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    *(atomic_long *)p->context = syscall(SYS_gettid);
    if (strcmp(liminal_envelope_text(request), "die") == 0) {
        test_gate_wait(&p->go);
        return LIMINAL_EFAILED;
    }
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

typedef struct crowd {
    liminal_supervisor *supervisor;
    liminal_conversation *conversation;
    atomic_long worker; /* the participant's thread */
    part p;
} crowd;

static void spawn(crowd *c)
{
    part_init(&c->p);
    c->p.act = say_who;
    c->p.context = &c->worker;
    c->conversation = spawn_one(c->supervisor, threaded(&c->p), NULL);
}

static void end(crowd *c)
{
    assert_int_equal(liminal_conversation_close(c->conversation, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(&c->conversation);
    test_until(liminal_supervisor_census(c->supervisor).threads == 0);
}

static void let_it_die(void *argument)
{
    crowd *c = argument;
    test_until(test_sleeps(getpid())); /* it receives */
    test_gate_open(&c->p.go);
}

static void receive_its_end(crowd *c)
{
    liminal_envelope *none = NULL;
    test_thread killer;
    test_thread_start(&killer, let_it_die, c);
    assert_int_equal(liminal_conversation_receive(c->conversation, &none, liminal_deadline_never()), LIMINAL_EEXIT);
    test_thread_join(&killer);
}

/* Two threads have become idle, and serve the next conversation: one is its participant's. The other one, its own, is
 * not needed, whether a participant dies or not. */
static void a_death_wakes_those_who_wait_and_nobody_else(void **state)
{
    tasks before = list_tasks();
    crowd c = {.supervisor = open_plain()};
    long own, sleeps;
    (void)state;
    atomic_init(&c.worker, 0);
    spawn(&c);
    assert_int_equal(ask_text(c.conversation, "hello"), LIMINAL_OK);
    end(&c);
    for (int i = 0; i < 20; i++) {
        spawn(&c);
        assert_int_equal(ask_text(c.conversation, "hello"), LIMINAL_OK);
        own = the_new_one_beside(&before, atomic_load(&c.worker));
        test_until(test_sleeps(own));
        sleeps = count_sleeps(own);
        assert_int_equal(send_text(c.conversation, "die"), LIMINAL_OK);
        receive_its_end(&c);
        end(&c);
        assert_int_equal(count_sleeps(own), sleeps);
        assert_int_equal(atomic_load(&c.p.releases), 1);
    }
    assert_int_equal(test_threads_asked(), 2);
    shut(&c.supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_death_wakes_those_who_wait_and_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

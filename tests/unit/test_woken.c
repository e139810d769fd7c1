/* SPDX-License-Identifier: MIT */
/* test_woken.c -- nobody is woken who need not be. A conversation's own thread, where it is one that was idle, takes
 * the conversation's name when it is called for the first time; so the kernel can tell whether it was. */
#define _GNU_SOURCE
#include "supervisor_kit.h"

#include <dirent.h>

/* Whether a thread of this process has the name. */
static bool has_thread(const char *name)
{
    DIR *tasks = opendir("/proc/self/task");
    bool found = false;
    assert_non_null(tasks);
    for (const struct dirent *task = readdir(tasks); task != NULL; task = readdir(tasks)) {
        char path[320], line[64] = "";
        FILE *comm;
        (void)snprintf(path, sizeof path, "/proc/self/task/%s/comm", task->d_name);
        comm = task->d_name[0] != '.' ? fopen(path, "r") : NULL;
        if (comm != NULL) { /* else it has just ended */
            found |= fgets(line, sizeof line, comm) != NULL && strncmp(line, name, strlen(name)) == 0;
            (void)fclose(comm);
        }
    }
    (void)closedir(tasks);
    return found;
}

static liminal_status die_when_told(part *p, const liminal_envelope *request, liminal_envelope **out)
{
    if (strcmp(liminal_envelope_text(request), "die") == 0) {
        test_gate_wait(&p->go);
        return LIMINAL_EFAILED;
    }
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

/* Its threads, all that there are, have become idle. */
static void end(liminal_supervisor *supervisor, liminal_conversation **c)
{
    assert_int_equal(liminal_conversation_close(*c, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(c);
    test_until(liminal_supervisor_census(supervisor).threads == 0);
}

static void let_it_die(void *argument)
{
    part *p = argument;
    test_until(test_sleeps(getpid())); /* it receives */
    test_gate_open(&p->go);
}

static void receive_its_end(liminal_conversation *c, part *p)
{
    liminal_envelope *none = NULL;
    test_thread killer;
    test_thread_start(&killer, let_it_die, p);
    assert_int_equal(liminal_conversation_receive(c, &none, liminal_deadline_never()), LIMINAL_EEXIT);
    test_thread_join(&killer);
}

/* What else has to be done when a participant has died, its own thread does. */
static void a_death_wakes_those_who_wait_and_nobody_else(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (int i = 0; i < 20; i++) {
        liminal_conversation *c;
        char name[16];
        part p;
        part_init(&p);
        p.act = die_when_told;
        (void)snprintf(name, sizeof name, "talk %d.", i);
        c = spawn_one(supervisor, threaded(&p), name);
        assert_int_equal(ask_text(c, "hello"), LIMINAL_OK);
        assert_int_equal(send_text(c, "die"), LIMINAL_OK);
        receive_its_end(c, &p);
        end(supervisor, &c);
        assert_int_equal(atomic_load(&p.releases), 1);
        assert_true(i == 0 || !has_thread(name)); /* at first its thread is new, and begins with that name */
    }
    assert_int_equal(test_threads_asked(), 2);
    shut(&supervisor);
}

/* An exit notice is the embedder's, and may take long: what else has to be done is left to the conversation's own
 * thread before that, so that nobody waits for the notice who waits for what was accepted. */
typedef struct witness {
    test_gate called, go;
} witness;

static void stand(void *self, const liminal_exit *exit)
{
    witness *w = self;
    (void)exit;
    test_gate_open(&w->called);
    test_gate_wait(&w->go);
}

static void a_notice_that_takes_long_holds_up_nobody_else(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    (void)state;
    for (int i = 0; i < 20; i++) {
        witness w = {.called = TEST_GATE_INIT, .go = TEST_GATE_INIT};
        liminal_conversation *c;
        liminal_snapshot *snapshot = NULL;
        liminal_notice *notice = NULL;
        part p;
        part_init(&p);
        p.act = die_when_told;
        c = spawn_one(supervisor, threaded(&p), NULL);
        assert_int_equal(liminal_process_notify(supervisor, participant_pid(c, 0), stand, &w, &notice), LIMINAL_OK);
        assert_int_equal(send_text(c, "die"), LIMINAL_OK);
        test_gate_open(&p.go);
        test_gate_wait(&w.called);
        assert_int_equal(liminal_conversation_query(c, &snapshot, liminal_deadline_in_ms(10000)), LIMINAL_OK);
        assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_FAILED);
        liminal_snapshot_drop(&snapshot);
        test_gate_open(&w.go);
        liminal_notice_drop(&notice);
        end(supervisor, &c);
        assert_int_equal(atomic_load(&p.releases), 1);
    }
    shut(&supervisor);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_death_wakes_those_who_wait_and_nobody_else),
        TEST(a_notice_that_takes_long_holds_up_nobody_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_link_inside.c -- links, signals and kills from inside callbacks. Gates force every order. */
#include "link_kit.h"

/* ---- oneself ---- */

static void kill_myself(being *b)
{
    liminal_exit end = {.pid = {0}};
    (void)test_check(liminal_process_kill(b->supervisor, b->pid) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(b->supervisor, b->pid));
    (void)test_check(b->deaths == 1); /* dead for everybody, and still here */
    (void)test_check(b->releases == 0);
    (void)test_check(liminal_process_wait(b->supervisor, b->pid, &end, liminal_deadline_never()) == LIMINAL_OK);
    (void)test_check(end.reason.kind == LIMINAL_EXIT_KILLED);
    (void)test_check(liminal_process_link(b->supervisor, b->pid, b->pid) == LIMINAL_ENOPROC);
    (void)test_check(liminal_process_exit(boom) == LIMINAL_EEXIT); /* noted, and too late */
}

static void signal_myself(being *b)
{
    (void)test_check(liminal_process_signal(b->supervisor, b->pid, b->pid, b->reason) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(b->supervisor, b->pid));
}

static void killed_by_itself(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        const liminal_exit_reason reasons[] = {killed, bang, normal};
        liminal_supervisor *supervisor = open_plain();
        being b, linked, trapping;
        be(&b, supervisor, both[i % 2], &plain);
        be(&linked, supervisor, both[i % 2], &plain);
        be(&trapping, supervisor, both[i % 2], &trapper);
        b.reason = reasons[i / 2];
        have_it(&b, i / 2 == 0 ? kill_myself : signal_myself, NULL);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(link_to(&b, &trapping), LIMINAL_OK);
        assert_int_equal(ask(b.conversation, "do"), LIMINAL_EEXIT); /* what it gives after that is dropped */
        assert_dies(&b, b.reason);
        assert_told(&trapping, b.pid, b.reason);
        if (b.reason.kind != LIMINAL_EXIT_NORMAL) {
            assert_dies(&linked, b.reason);
        } else {
            assert_lives(&linked);
        }
        test_until(b.releases == 1);
        leave(&b);
        leave(&linked);
        leave(&trapping);
        shut(&supervisor);
    }
}

static void kill_when_told(being *b, const liminal_exit *exit)
{
    (void)exit;
    kill_myself(b);
}

static void killed_by_itself_when_told(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b;
        be(&b, supervisor, both[k], &trapper);
        b.on_exit = kill_when_told;
        assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, boom), LIMINAL_OK);
        assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, bang), LIMINAL_OK);
        assert_dies(&b, killed);
        test_until(b.releases == 1);
        assert_int_equal(b.messages, 1); /* the second one is for nobody */
        leave(&b);
        shut(&supervisor);
    }
}

/* ---- another one ---- */

static void kill_another(being *b)
{
    being *other = b->context;
    (void)test_check(liminal_process_kill(b->supervisor, other->pid) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(b->supervisor, other->pid));
    (void)test_check(other->deaths == 1);
    (void)test_check(ask(other->conversation, "are you there") == LIMINAL_EEXIT);
}

static void killed_by_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        liminal_supervisor *supervisor = open_plain();
        being b, other;
        be(&b, supervisor, both[i % 2], i / 4 ? &trapper : &plain);
        be(&other, supervisor, both[i / 2 % 2], &plain);
        have_it(&b, kill_another, &other);
        if (i / 4) {
            assert_int_equal(link_to(&b, &other), LIMINAL_OK);
        }
        assert_int_equal(ask(b.conversation, "do"), LIMINAL_OK);
        assert_dies(&other, killed);
        if (i / 4) {
            assert_told(&b, other.pid, killed);
        } else {
            assert_lives(&b);
        }
        leave(&b);
        leave(&other);
        shut(&supervisor);
    }
}

/* They are linked, so that the kill comes back to who made it: dead before its call has returned. */
static void kill_one_i_am_linked_to(being *b)
{
    being *other = b->context;
    (void)test_check(link_to(b, other) == LIMINAL_OK);
    (void)test_check(liminal_process_kill(b->supervisor, other->pid) == LIMINAL_OK);
    (void)test_check(!liminal_process_alive(b->supervisor, b->pid));
    (void)test_check(b->deaths == 1 && b->releases == 0);
}

static void a_kill_that_comes_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        being b, other;
        be(&b, supervisor, both[i % 2], &plain);
        be(&other, supervisor, both[i / 2], &plain);
        have_it(&b, kill_one_i_am_linked_to, &other);
        assert_int_equal(ask(b.conversation, "do"), LIMINAL_EEXIT);
        assert_dies(&other, killed);
        assert_dies(&b, killed);
        leave(&b);
        leave(&other);
        shut(&supervisor);
    }
}

static void have_it_wait(void *argument)
{
    being *b = argument;
    (void)test_check(ask(b->conversation, "wait") == LIMINAL_EEXIT);
}

/* Both stand in a callback. */
static void one_is_killed_inside_a_callback_by_another(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread asker;
        being b, other;
        be(&b, supervisor, both[i % 2], &plain);
        be(&other, supervisor, both[i / 2], &plain);
        have_it(&b, kill_another, &other);
        test_thread_start(&asker, have_it_wait, &other);
        test_gate_wait(&other.entered);
        assert_int_equal(ask(b.conversation, "do"), LIMINAL_OK);
        assert_dies(&other, killed);
        test_gate_open(&other.go);
        test_thread_join(&asker);
        test_until(other.releases == 1);
        assert_lives(&b);
        leave(&b);
        leave(&other);
        shut(&supervisor);
    }
}

/* ---- the last handle ---- */

static void drop_and_exit(being *b)
{
    test_gate_wait(&b->go); /* the one who told it is done with the handle */
    liminal_conversation_drop(&b->conversation);
    (void)test_check(b->conversation == NULL);
    (void)test_check(liminal_process_exit(boom) == LIMINAL_EEXIT);
}

/* It drops the last handle of its own conversation, and exits: that is what the linked one hears. */
static void an_exit_behind_the_last_drop(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b, linked, trapping;
        be(&b, supervisor, both[k], &plain);
        be(&linked, supervisor, both[k], &plain);
        be(&trapping, supervisor, both[k], &trapper);
        have_it(&b, drop_and_exit, NULL);
        assert_int_equal(link_to(&b, &linked), LIMINAL_OK);
        assert_int_equal(link_to(&b, &trapping), LIMINAL_OK);
        assert_int_equal(tell(b.conversation, "do"), LIMINAL_OK);
        test_gate_open(&b.go);
        assert_told(&trapping, b.pid, boom);
        assert_dies(&linked, boom);
        test_until(b.releases == 1);
        leave(&linked);
        leave(&trapping);
        shut(&supervisor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(killed_by_itself),
        TEST(killed_by_itself_when_told),
        TEST(killed_by_another),
        TEST(a_kill_that_comes_back),
        TEST(one_is_killed_inside_a_callback_by_another),
        TEST(an_exit_behind_the_last_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

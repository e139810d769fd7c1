/* SPDX-License-Identifier: MIT */
/* test_link_cases.c -- links and exits, case by case; the numbers are those of the list of cases. Signals
 * and kills are in test_link_signals.c, conversations in test_link_words.c, notices in test_link_notices.c. */
#include "link_kit.h"

/* Me and the other one, of each kind. */
typedef struct pair {
    liminal_supervisor *supervisor;
    being me, other;
} pair;

typedef void act(pair *p);

static void with_each(const liminal_behaviour *mine, const liminal_behaviour *others, act *what)
{
    for (size_t i = 0; i < 4; i++) {
        pair p = {.supervisor = open_plain()};
        be(&p.me, p.supervisor, both[i / 2], mine);
        be(&p.other, p.supervisor, both[i % 2], others);
        what(&p);
        leave(&p.me);
        leave(&p.other);
        shut(&p.supervisor);
        assert_int_equal(p.me.releases, 1);
        assert_int_equal(p.other.releases, 1);
        assert_int_equal(p.me.deaths, 1);
        assert_int_equal(p.other.deaths, 1);
    }
}

static void join(pair *p)
{
    assert_int_equal(link_to(&p->me, &p->other), LIMINAL_OK);
    assert_true(are_linked(&p->me, &p->other));
    assert_int_equal(links_of(&p->me), 1);
    assert_int_equal(links_of(&p->other), 1);
}

/* ---- 1 to 3: what an exit does ---- */

static void normal_exit_of_the_linked(pair *p)
{
    join(p);
    exits(&p->other, normal);
    assert_lives(&p->me);
    assert_false(are_linked(&p->me, &p->other));
    assert_int_equal(links_of(&p->me), 0);
}

static void case_1_normal_exit_does_nothing_to_a_plain_one(void **state)
{
    (void)state;
    with_each(&plain, &plain, normal_exit_of_the_linked);
    with_each(&plain, &trapper, normal_exit_of_the_linked);
}

static void boom_of_the_linked(pair *p)
{
    join(p);
    exits(&p->other, boom);
    assert_dies(&p->me, boom);
    assert_int_equal(p->me.end.seen_ns.ns, p->other.end.seen_ns.ns); /* they went together */
    assert_false(are_linked(&p->me, &p->other));
}

static void case_2_boom_takes_a_plain_one_along(void **state)
{
    (void)state;
    with_each(&plain, &plain, boom_of_the_linked);
    with_each(&plain, &trapper, boom_of_the_linked);
}

static void a_trapper_is_told_of_boom(pair *p)
{
    join(p);
    exits(&p->other, boom);
    assert_told(&p->me, p->other.pid, boom);
    assert_int_equal(p->me.last.seen_ns.ns, p->other.end.seen_ns.ns);
    assert_int_equal(p->me.last.seen.unix_ns, p->other.end.seen.unix_ns);
    assert_int_equal(links_of(&p->me), 0);
}

static void a_trapper_is_told_of_a_normal_exit(pair *p)
{
    join(p);
    exits(&p->other, normal);
    assert_told(&p->me, p->other.pid, normal);
}

static void a_trapper_is_told_of_a_close(pair *p)
{
    join(p);
    assert_int_equal(liminal_conversation_close(p->other.conversation, liminal_deadline_never()), LIMINAL_OK);
    assert_told(&p->me, p->other.pid, normal);
}

static void case_3_a_trapper_gets_one_message(void **state)
{
    (void)state;
    with_each(&trapper, &plain, a_trapper_is_told_of_boom);
    with_each(&trapper, &plain, a_trapper_is_told_of_a_normal_exit);
    with_each(&trapper, &trapper, a_trapper_is_told_of_boom);
    with_each(&trapper, &plain, a_trapper_is_told_of_a_close);
}

/* ---- 4 and 5: the other one is gone ---- */

static void a_link_to_the_dead_fails(pair *p)
{
    exits(&p->other, boom);
    assert_int_equal(link_to(&p->me, &p->other), LIMINAL_ENOPROC);
    assert_true(liminal_status_detail()[0] != '\0');
    assert_int_equal(liminal_process_link(p->supervisor, p->me.pid, nobody), LIMINAL_ENOPROC);
    assert_lives(&p->me);
    assert_int_equal(links_of(&p->me), 0);
}

static void case_4_a_plain_one_can_not_link_to_the_dead(void **state)
{
    (void)state;
    with_each(&plain, &plain, a_link_to_the_dead_fails);
}

static void a_link_to_the_dead_is_a_message(pair *p)
{
    exits(&p->other, boom);
    assert_int_equal(link_to(&p->me, &p->other), LIMINAL_OK);
    assert_told(&p->me, p->other.pid, noproc);
    assert_int_equal(link_to(&p->me, &p->other), LIMINAL_OK); /* each time */
    assert_told_after(&p->me, 1, p->other.pid, noproc);
    assert_int_equal(liminal_process_link(p->supervisor, p->me.pid, (liminal_pid){12345}), LIMINAL_OK);
    assert_told_after(&p->me, 2, (liminal_pid){12345}, noproc);
    assert_int_equal(links_of(&p->me), 0);
    assert_int_equal(link_to(&p->other, &p->me), LIMINAL_ENOPROC); /* the dead ask for nothing */
    assert_lives(&p->me);
    assert_int_equal(p->me.messages, 3);
}

static void case_5_a_trapper_is_told_that_there_is_nobody(void **state)
{
    (void)state;
    with_each(&trapper, &plain, a_link_to_the_dead_is_a_message);
}

/* ---- 6 to 9: links are one, symmetric, and of no effect on oneself ---- */

static void linked_twice(pair *p)
{
    join(p);
    join(p);
    assert_int_equal(link_to(&p->other, &p->me), LIMINAL_OK);
    assert_int_equal(links_of(&p->me), 1);
    exits(&p->other, boom);
    assert_told(&p->me, p->other.pid, boom);
}

static void case_6_a_second_link_changes_nothing(void **state)
{
    (void)state;
    with_each(&trapper, &plain, linked_twice);
}

static void linked_twice_unlinked_once(pair *p)
{
    join(p);
    join(p);
    assert_int_equal(unlink_from(&p->me, &p->other), LIMINAL_OK);
    assert_false(are_linked(&p->me, &p->other));
    assert_int_equal(links_of(&p->me), 0);
    assert_int_equal(links_of(&p->other), 0);
    exits(&p->other, boom);
    assert_lives(&p->me);
    assert_int_equal(p->me.messages, 0);
}

static void case_7_one_unlink_is_enough(void **state)
{
    (void)state;
    with_each(&plain, &plain, linked_twice_unlinked_once);
    with_each(&trapper, &plain, linked_twice_unlinked_once);
}

static void linked_to_myself(pair *p)
{
    assert_int_equal(link_to(&p->me, &p->me), LIMINAL_OK);
    assert_false(are_linked(&p->me, &p->me));
    assert_int_equal(links_of(&p->me), 0);
    assert_lives(&p->me);
    exits(&p->me, boom);
    assert_dies(&p->me, boom);
    assert_int_equal(p->me.messages, 0);
    assert_int_equal(link_to(&p->me, &p->me), LIMINAL_ENOPROC);
}

static void case_8_a_link_to_myself_has_no_effect(void **state)
{
    (void)state;
    with_each(&plain, &plain, linked_to_myself);
    with_each(&trapper, &plain, linked_to_myself);
}

static void unlinked_from_whom_i_was_not_linked_to(pair *p)
{
    assert_int_equal(unlink_from(&p->me, &p->me), LIMINAL_OK);
    assert_int_equal(unlink_from(&p->me, &p->other), LIMINAL_OK);
    exits(&p->other, boom);
    assert_int_equal(unlink_from(&p->me, &p->other), LIMINAL_OK);
    assert_int_equal(unlink_from(&p->other, &p->me), LIMINAL_OK);
    assert_int_equal(liminal_process_unlink(p->supervisor, p->me.pid, nobody), LIMINAL_OK);
    assert_int_equal(liminal_process_unlink(p->supervisor, nobody, nobody), LIMINAL_OK);
    assert_lives(&p->me);
    assert_int_equal(p->me.messages, 0);
}

static void case_9_an_unlink_of_no_link_has_no_effect(void **state)
{
    (void)state;
    with_each(&plain, &plain, unlinked_from_whom_i_was_not_linked_to);
    with_each(&trapper, &plain, unlinked_from_whom_i_was_not_linked_to);
}

/* ---- 10 to 13: unlinking and the exit ---- */

static void unlinked_before_the_exit(pair *p)
{
    join(p);
    assert_int_equal(unlink_from(&p->me, &p->other), LIMINAL_OK);
    exits(&p->other, boom);
    assert_lives(&p->me);
    assert_int_equal(p->me.messages, 0);
}

static void case_10_after_the_unlink_comes_nothing(void **state)
{
    (void)state;
    with_each(&plain, &plain, unlinked_before_the_exit);
    with_each(&trapper, &plain, unlinked_before_the_exit);
}

static void wait_for_me(void *argument)
{
    (void)test_check(ask(((pair *)argument)->me.conversation, "wait") == LIMINAL_OK);
}

/* It stands in a callback while the message comes. */
static void unlinked_behind_the_message(pair *p)
{
    test_thread asker;
    join(p);
    test_thread_start(&asker, wait_for_me, p);
    test_gate_wait(&p->me.entered);
    exits(&p->other, boom);
    assert_int_equal(p->me.messages, 0);
    assert_int_equal(unlink_from(&p->me, &p->other), LIMINAL_OK);
    test_gate_open(&p->me.go);
    test_thread_join(&asker);
    assert_told(&p->me, p->other.pid, boom);
}

static void case_11_a_message_that_is_there_stays(void **state)
{
    (void)state;
    with_each(&trapper, &plain, unlinked_behind_the_message);
}

static void unlinked_by_the_other(pair *p)
{
    join(p);
    assert_int_equal(unlink_from(&p->other, &p->me), LIMINAL_OK);
    assert_false(are_linked(&p->me, &p->other));
    exits(&p->other, boom);
    assert_lives(&p->me);
    assert_int_equal(p->me.messages, 0);
}

static void case_12_either_side_may_unlink(void **state)
{
    (void)state;
    with_each(&plain, &plain, unlinked_by_the_other);
    with_each(&trapper, &trapper, unlinked_by_the_other);
}

static void unlinked_and_linked_again(pair *p)
{
    for (int i = 0; i < 3; i++) {
        join(p);
        assert_int_equal(unlink_from(i == 1 ? &p->other : &p->me, &p->me), LIMINAL_OK);
        assert_int_equal(unlink_from(&p->me, &p->other), LIMINAL_OK);
    }
    join(p);
    exits(&p->other, boom);
    assert_told(&p->me, p->other.pid, boom);
}

static void case_13_linked_again_is_linked_once(void **state)
{
    (void)state;
    with_each(&trapper, &plain, unlinked_and_linked_again);
}

/* ---- 14 to 16 and 24: more than two ---- */

enum { FOUR = 4, SPOKES = 40, TRAPPERS = LESS(200) };

static void case_14_a_chain_falls(void **state)
{
    (void)state;
    for (unsigned kinds = 0; kinds < 1u << FOUR; kinds++) {
        liminal_supervisor *supervisor = open_plain();
        being chain[FOUR];
        for (size_t i = 0; i < FOUR; i++) {
            be(&chain[i], supervisor, both[kinds >> i & 1u], &plain);
            if (i > 0) { /* now this side asks, now that one */
                assert_int_equal(i % 2 ? link_to(&chain[i], &chain[i - 1]) : link_to(&chain[i - 1], &chain[i]),
                                 LIMINAL_OK);
            }
        }
        assert_int_equal(links_of(&chain[1]), 2);
        exits(&chain[kinds % FOUR], boom); /* from any place in it */
        for (size_t i = 0; i < FOUR; i++) {
            assert_dies(&chain[i], boom);
            leave(&chain[i]);
        }
        shut(&supervisor);
    }
}

static void case_15_a_trapper_stops_the_cascade(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being chain[FOUR];
        for (size_t i = 0; i < FOUR; i++) {
            be(&chain[i], supervisor, both[k], i == 2 ? &trapper : &plain);
            if (i > 0) {
                assert_int_equal(link_to(&chain[i], &chain[i - 1]), LIMINAL_OK);
            }
        }
        exits(&chain[0], boom);
        assert_dies(&chain[1], boom);
        assert_told(&chain[2], chain[1].pid, boom);
        assert_lives(&chain[3]);
        assert_true(are_linked(&chain[2], &chain[3]));
        assert_int_equal(links_of(&chain[2]), 1);
        for (size_t i = 0; i < FOUR; i++) {
            leave(&chain[i]);
        }
        shut(&supervisor);
    }
}

/* Conversations trap, always: what comes from elsewhere is in the log, and they go on. */
static void case_15_a_conversation_stops_the_cascade(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_snapshot *snapshot = NULL;
        liminal_log_entry entry;
        liminal_pid actor;
        being first, last;
        be(&first, supervisor, both[k], &plain);
        be(&last, supervisor, both[k], &plain);
        actor = liminal_conversation_pid(last.conversation);
        assert_int_equal(liminal_process_link(supervisor, first.pid, actor), LIMINAL_OK);
        assert_int_equal(liminal_process_link(supervisor, actor, last.pid), LIMINAL_OK);
        exits(&first, boom);
        assert_lives(&last);
        assert_int_equal(liminal_conversation_pid(last.conversation).value, actor.value);
        assert_int_equal(liminal_conversation_query(last.conversation, &snapshot, liminal_deadline_never()),
                         LIMINAL_OK);
        assert_int_equal(liminal_snapshot_read(snapshot).log_count, 3); /* the exit, and how it is */
        assert_int_equal(liminal_snapshot_entry(snapshot, 0, &entry), LIMINAL_OK);
        assert_int_equal(entry.kind, LIMINAL_LOG_EXITED);
        assert_int_equal(entry.pid.value, first.pid.value);
        assert_int_equal(entry.policy, LIMINAL_CRASH_UNSET);
        assert_true(same_reason(entry.reason, boom));
        liminal_snapshot_drop(&snapshot);
        leave(&first);
        leave(&last);
        shut(&supervisor);
    }
}

static void case_16_the_hub_of_a_star_dies(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being hub, spokes[SPOKES];
        be(&hub, supervisor, both[k], &plain);
        for (size_t i = 0; i < SPOKES; i++) {
            be(&spokes[i], supervisor, both[i / 2 % 2], i % 2 ? &trapper : &plain);
            assert_int_equal(i % 4 < 2 ? link_to(&hub, &spokes[i]) : link_to(&spokes[i], &hub), LIMINAL_OK);
        }
        assert_int_equal(links_of(&hub), SPOKES);
        exits(&hub, bang);
        for (size_t i = 0; i < SPOKES; i++) {
            if (i % 2) {
                assert_told(&spokes[i], hub.pid, bang);
            } else {
                assert_dies(&spokes[i], bang);
            }
            leave(&spokes[i]);
        }
        leave(&hub);
        shut(&supervisor);
    }
}

/* Round a ring, and back to where it came from: each dies once. */
static void a_ring_falls_once(void **state)
{
    enum { RING = 10 };
    liminal_supervisor *supervisor = open_plain();
    being ring[RING];
    (void)state;
    for (size_t i = 0; i < RING; i++) {
        be(&ring[i], supervisor, both[i % 2], &plain);
    }
    for (size_t i = 0; i < RING; i++) {
        for (size_t step = 1; step < 4; step++) {
            assert_int_equal(link_to(&ring[i], &ring[(i + step) % RING]), LIMINAL_OK);
        }
    }
    exits(&ring[3], boom);
    for (size_t i = 0; i < RING; i++) {
        assert_dies(&ring[i], boom);
        leave(&ring[i]);
    }
    shut(&supervisor);
}

static void case_24_each_of_200_trappers_is_told_once(void **state)
{
    static being trappers[TRAPPERS];
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being other;
        be(&other, supervisor, both[k], &plain);
        for (size_t i = 0; i < TRAPPERS; i++) {
            be(&trappers[i], supervisor, i % 8 ? LIMINAL_PARTICIPANT_INLINE : LIMINAL_PARTICIPANT_THREAD, &trapper);
            assert_int_equal(link_to(&trappers[i], &other), LIMINAL_OK);
        }
        exits(&other, boom);
        for (size_t i = 0; i < TRAPPERS; i++) {
            assert_told(&trappers[i], other.pid, boom);
            leave(&trappers[i]);
        }
        leave(&other);
        shut(&supervisor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(case_1_normal_exit_does_nothing_to_a_plain_one),
        TEST(case_2_boom_takes_a_plain_one_along),
        TEST(case_3_a_trapper_gets_one_message),
        TEST(case_4_a_plain_one_can_not_link_to_the_dead),
        TEST(case_5_a_trapper_is_told_that_there_is_nobody),
        TEST(case_6_a_second_link_changes_nothing),
        TEST(case_7_one_unlink_is_enough),
        TEST(case_8_a_link_to_myself_has_no_effect),
        TEST(case_9_an_unlink_of_no_link_has_no_effect),
        TEST(case_10_after_the_unlink_comes_nothing),
        TEST(case_11_a_message_that_is_there_stays),
        TEST(case_12_either_side_may_unlink),
        TEST(case_13_linked_again_is_linked_once),
        TEST(case_14_a_chain_falls),
        TEST(case_15_a_trapper_stops_the_cascade),
        TEST(case_15_a_conversation_stops_the_cascade),
        TEST(case_16_the_hub_of_a_star_dies),
        TEST(a_ring_falls_once),
        TEST(case_24_each_of_200_trappers_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

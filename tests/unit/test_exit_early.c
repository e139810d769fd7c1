/* SPDX-License-Identifier: MIT */
/* test_exit_early.c -- participants that are killed before their conversation has started: some of them run already,
 * some have not been started yet. */
#define _GNU_SOURCE
#include "policy_kit.h"

enum { PEOPLE = 3 };

/* The second of three, whose start() kills some of them: a bit for each. */
typedef struct crew {
    worker w[PEOPLE];
    unsigned kills;
    liminal_status gives;
    atomic_int told;
} crew;

static void count_it(void *argument, const liminal_exit *exit)
{
    (void)test_check(exit->reason.kind == LIMINAL_EXIT_KILLED);
    atomic_fetch_add(&((crew *)argument)->told, 1);
}

/* Pids are given in order, to the actor first, and there is nobody else. */
static liminal_status kill_some(void *argument)
{
    crew *c = ((worker *)argument)->context;
    liminal_pid pids[PEOPLE + 1], first = {UINT64_MAX};
    size_t count = 0;
    if (c == NULL) { /* not the second one */
        return LIMINAL_OK;
    }
    (void)test_check(liminal_process_list(house, pids, PEOPLE + 1, &count) == LIMINAL_OK);
    (void)test_check(count == PEOPLE + 1);
    for (size_t i = 0; i < count; i++) {
        first = pids[i].value < first.value ? pids[i] : first;
    }
    for (unsigned i = 0; i < PEOPLE; i++) {
        const liminal_pid pid = {first.value + 1 + i};
        if (c->kills >> i & 1u) {
            (void)test_check(liminal_process_notify(house, pid, count_it, c, NULL) == LIMINAL_OK);
            (void)test_check(liminal_process_kill(house, pid) == LIMINAL_OK);
        }
    }
    return c->gives;
}

static const liminal_behaviour killing = {LIMINAL_OPS(liminal_behaviour), .answer = labour, .start = kill_some,
                                          .release = lay_off};

static liminal_status spawn_crew(const pair *p, crew *c, liminal_crash_policy policy, unsigned kills,
                                 liminal_status gives, liminal_conversation **out)
{
    liminal_participant people[PEOPLE];
    liminal_config config = config_with(p, policy);
    memset(c, 0, sizeof *c);
    c->kills = kills;
    c->gives = gives;
    for (int i = 0; i < PEOPLE; i++) {
        c->w[i] = new_worker((char)('a' + i));
        c->w[i].context = i == 1 ? c : NULL;
        people[i] = labouring_as(p->kinds[i % 2], &c->w[i]);
        people[i].behaviour = &killing;
    }
    config.participants = people;
    config.participant_count = PEOPLE;
    return liminal_supervisor_spawn(house, &config, out);
}

static int bits_of(unsigned kills)
{
    return (int)((kills & 1u) + (kills >> 1 & 1u) + (kills >> 2 & 1u));
}

static void assert_all_released(const crew *c)
{
    for (int i = 0; i < PEOPLE; i++) {
        assert_int_equal(c->w[i].releases, 1);
    }
}

/* Whoever is left goes on; with nobody left it is given as failed. */
static void with_route_to_next_the_others_go_on(void **state)
{
    for (unsigned kills = 1; kills < 8; kills++) {
        crew c;
        liminal_conversation *talk = NULL;
        open_house();
        assert_int_equal(spawn_crew(*state, &c, LIMINAL_CRASH_ROUTE_NEXT, kills, LIMINAL_OK, &talk), LIMINAL_OK);
        assert_int_equal(c.told, bits_of(kills));
        if (kills == 7) {
            all_say(talk, LIMINAL_EEXIT);
        } else {
            ask_gives(talk, "x", (kills & 1u) == 0 ? "a:x" : (kills & 2u) == 0 ? "b:x" : "c:x");
            assert_int_equal(log_count(talk, LIMINAL_LOG_EXITED), bits_of(kills));
        }
        shut(&talk);
        assert_all_released(&c);
    }
}

static void else_it_is_given_as_failed(void **state)
{
    static const liminal_crash_policy policies[] = {LIMINAL_CRASH_FAIL, LIMINAL_CRASH_COMPENSATE};
    for (unsigned kills = 1; kills < 8; kills++) {
        for (int i = 0; i < 2; i++) {
            crew c;
            liminal_conversation *talk = NULL;
            open_house();
            assert_int_equal(spawn_crew(*state, &c, policies[i], kills, LIMINAL_OK, &talk), LIMINAL_OK);
            all_say(talk, LIMINAL_EEXIT);
            assert_int_equal(liminal_conversation_close(talk, LONG), LIMINAL_OK);
            assert_int_equal(phase(talk), LIMINAL_PHASE_FAILED);
            assert_int_equal(log_count(talk, LIMINAL_LOG_FAILED), 1);
            shut(&talk);
            assert_all_released(&c);
        }
    }
}

/* And if the start fails as well, nothing of it was ever there, and every `self` is the caller's. */
static void a_start_that_fails_as_well_leaves_nothing(void **state)
{
    static const liminal_crash_policy policies[] = {LIMINAL_CRASH_FAIL, LIMINAL_CRASH_ROUTE_NEXT,
                                                    LIMINAL_CRASH_COMPENSATE};
    for (unsigned kills = 1; kills < 8; kills++) {
        for (int i = 0; i < 3; i++) {
            crew c;
            liminal_conversation *talk = NULL;
            open_house();
            assert_int_equal(spawn_crew(*state, &c, policies[i], kills, LIMINAL_EPHASE, &talk), LIMINAL_EPHASE);
            assert_null(talk);
            assert_int_equal(c.told, bits_of(kills));
            test_until(liminal_supervisor_census(house).threads == 0);
            assert_int_equal(liminal_supervisor_census(house).conversations, 0);
            assert_int_equal(liminal_supervisor_census(house).participants, 0);
            shut(&talk);
            for (int n = 0; n < PEOPLE; n++) {
                assert_int_equal(c.w[n].releases, 0);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        EIGHT(with_route_to_next_the_others_go_on),
        EIGHT(else_it_is_given_as_failed),
        EIGHT(a_start_that_fails_as_well_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

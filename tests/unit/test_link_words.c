/* SPDX-License-Identifier: MIT */
/* test_link_words.c -- what is said around an exit: last words, names, answers; the numbers are those of the list
 * of cases. Case 34, the answer against the deadline, is in race/test_answer_against_exit.c. */
#include "link_kit.h"

static const liminal_dispatch dispatches[] = {LIMINAL_DISPATCH_ASSISTED, LIMINAL_DISPATCH_PINNED};

static void be_dispatched(being *b, liminal_supervisor *supervisor, liminal_participant_kind kind,
                          const liminal_behaviour *behaviour, liminal_dispatch dispatch, const char *name)
{
    const liminal_participant participant = {.kind = kind, .name = "being", .behaviour = behaviour, .self = b};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = &participant, .participant_count = 1,
                                   .on_crash = LIMINAL_CRASH_FAIL, .dispatch = dispatch, .name = name};
    being_init(b, supervisor);
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &b->conversation), LIMINAL_OK);
    b->pid = participant_pid(b->conversation, 0);
    assert_int_equal(liminal_process_notify(supervisor, b->pid, being_has_died, b, NULL), LIMINAL_OK);
}

/* ---- 29: last words ---- */

static void case_29_a_reply_is_received_before_the_exit(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_envelope *reply = NULL;
        being b;
        be(&b, supervisor, both[k], &plain);
        assert_int_equal(tell(b.conversation, "one"), LIMINAL_OK);
        assert_int_equal(tell(b.conversation, "answer, exit"), LIMINAL_OK);
        test_gate_wait(&b.over);
        for (int i = 0; i < 2; i++) {
            assert_int_equal(liminal_conversation_receive(b.conversation, &reply, liminal_deadline_never()),
                             LIMINAL_OK);
            assert_string_equal(liminal_envelope_text(reply), i == 0 ? "one" : "answer, exit");
            liminal_envelope_drop(&reply);
        }
        assert_int_equal(liminal_conversation_receive(b.conversation, &reply, liminal_deadline_never()), LIMINAL_EEXIT);
        leave(&b);
        shut(&supervisor);
    }
}

static void say_last_words(being *b)
{
    being *friend = b->context;
    (void)test_check(tell(friend->conversation, "last words") == LIMINAL_OK);
    (void)test_check(liminal_process_exit(b->reason) == LIMINAL_EEXIT);
}

static void words_come_first(being *b, const liminal_exit *exit)
{
    (void)exit;
    (void)test_check(b->spoken != NULL);
    b->spoken = NULL;
}

/* One process to another: it stands in a callback while the words and then the exit come. */
static void case_29_a_message_is_seen_before_the_exit(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        liminal_supervisor *supervisor = open_plain();
        being friend, dying;
        be_dispatched(&friend, supervisor, both[i % 2], &trapper, dispatches[i / 4], NULL);
        be(&dying, supervisor, both[i / 2 % 2], &plain);
        friend.on_exit = words_come_first;
        dying.on_do = say_last_words;
        dying.context = &friend;
        assert_int_equal(link_to(&friend, &dying), LIMINAL_OK);
        assert_int_equal(tell(friend.conversation, "wait"), LIMINAL_OK);
        test_gate_wait(&friend.entered);
        assert_int_equal(ask(dying.conversation, "do"), LIMINAL_OK); /* and then it exits */
        test_gate_wait(&dying.over);
        test_gate_open(&friend.go);
        assert_told(&friend, dying.pid, boom);
        assert_int_equal(friend.answers, 3);
        leave(&friend);
        leave(&dying);
        shut(&supervisor);
    }
}

/* The same with nobody held up. */
static void case_29_by_repetition(void **state)
{
    enum { ROUNDS = 100 };
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        liminal_supervisor *supervisor = open_plain();
        being friend;
        be_dispatched(&friend, supervisor, both[i % 2], &trapper, dispatches[i / 4], NULL);
        friend.on_exit = words_come_first;
        for (int round = 0; round < ROUNDS; round++) {
            being dying;
            be(&dying, supervisor, both[i / 2 % 2], &plain);
            dying.on_do = say_last_words;
            dying.context = &friend;
            assert_int_equal(link_to(&friend, &dying), LIMINAL_OK);
            assert_int_equal(ask(dying.conversation, "do"), LIMINAL_OK);
            test_gate_wait(&friend.told);
            leave_for_good(&dying);
        }
        assert_int_equal(friend.messages, ROUNDS);
        leave(&friend);
        shut(&supervisor);
    }
}

static void silence_comes_first(being *b, const liminal_exit *exit)
{
    (void)exit;
    (void)test_check(b->spoken == NULL);
}

static void signal_and_speak(being *b)
{
    being *friend = b->context;
    (void)test_check(liminal_process_signal(b->supervisor, b->pid, friend->pid, boom) == LIMINAL_OK);
    (void)test_check(tell(friend->conversation, "last words") == LIMINAL_OK);
}

/* The other way round: what one thread sends after a signal comes after it. */
static void a_signal_is_seen_before_what_is_said_after_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        liminal_supervisor *supervisor = open_plain();
        being friend, other;
        be_dispatched(&friend, supervisor, both[i % 2], &trapper, dispatches[i / 4], NULL);
        be(&other, supervisor, both[i / 2 % 2], &plain);
        friend.on_exit = silence_comes_first;
        other.on_do = signal_and_speak;
        other.context = &friend;
        for (int round = 0; round < 50; round++) {
            friend.spoken = NULL;
            assert_int_equal(ask(other.conversation, "do"), LIMINAL_OK);
            test_gate_wait(&friend.told);
            assert_int_equal(ask(friend.conversation, "are you done"), LIMINAL_OK);
            assert_non_null(friend.spoken);
        }
        leave(&friend);
        leave(&other);
        shut(&supervisor);
    }
}

/* A conversation is a process like others: its log has the words first. */
static void a_conversation_logs_last_words_first(void **state)
{
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_snapshot *snapshot = NULL;
        liminal_log_entry entry;
        being friend, dying;
        be_dispatched(&friend, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain, dispatches[i], NULL);
        be(&dying, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
        dying.on_do = say_last_words;
        dying.context = &friend;
        assert_int_equal(liminal_process_link(supervisor, liminal_conversation_pid(friend.conversation), dying.pid),
                         LIMINAL_OK);
        assert_int_equal(ask(dying.conversation, "do"), LIMINAL_OK);
        test_gate_wait(&dying.over);
        assert_int_equal(liminal_conversation_query(friend.conversation, &snapshot, liminal_deadline_never()),
                         LIMINAL_OK);
        assert_int_equal(liminal_snapshot_read(snapshot).log_count, 2);
        assert_int_equal(liminal_snapshot_entry(snapshot, 0, &entry), LIMINAL_OK);
        assert_int_equal(entry.kind, LIMINAL_LOG_SENT);
        assert_int_equal(liminal_snapshot_entry(snapshot, 1, &entry), LIMINAL_OK);
        assert_int_equal(entry.kind, LIMINAL_LOG_EXITED);
        assert_int_equal(entry.pid.value, dying.pid.value);
        liminal_snapshot_drop(&snapshot);
        leave(&friend);
        leave(&dying);
        shut(&supervisor);
    }
}

/* ---- 30: a name ---- */

static void take_the_name(liminal_supervisor *supervisor, const char *name)
{
    const liminal_config config = {LIMINAL_OPS(liminal_config), .on_crash = LIMINAL_CRASH_FAIL, .name = name};
    liminal_conversation *found = NULL, *taker = NULL;
    (void)test_check(liminal_supervisor_find_name(supervisor, name, &found) == LIMINAL_ENOPROC);
    (void)test_check(liminal_supervisor_spawn(supervisor, &config, &taker) == LIMINAL_OK);
    liminal_conversation_drop(&found);
    (void)test_check(taker == NULL || liminal_conversation_close(taker, liminal_deadline_never()) == LIMINAL_OK);
    liminal_conversation_drop(&taker);
}

static void take_it_in_a_notice(void *self, const liminal_exit *exit)
{
    being *b = self;
    (void)exit;
    take_the_name(b->supervisor, "the name");
    atomic_fetch_add(&b->messages, 1);
    test_gate_open(&b->told);
}

static void take_it_when_told(being *b, const liminal_exit *exit)
{
    (void)exit;
    take_the_name(b->supervisor, "the name");
}

static void case_30_a_name_is_free_before_the_exit_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_pid actor;
        liminal_exit end;
        being owner, heir;
        be_dispatched(&owner, supervisor, both[i % 2], &plain, LIMINAL_DISPATCH_ASSISTED, "the name");
        be(&heir, supervisor, both[i % 2], &trapper);
        actor = liminal_conversation_pid(owner.conversation);
        if (i / 2 == 0) {
            heir.on_exit = take_it_when_told;
            assert_int_equal(liminal_process_link(supervisor, heir.pid, actor), LIMINAL_OK);
        } else {
            assert_int_equal(liminal_process_notify(supervisor, i / 2 == 1 ? actor : owner.pid, take_it_in_a_notice,
                                                    &heir, NULL), LIMINAL_OK);
        }
        assert_int_equal(ask(owner.conversation, "exit"), LIMINAL_EEXIT);
        test_gate_wait(&heir.told);
        assert_int_equal(heir.messages, 1);
        assert_int_equal(liminal_process_wait(supervisor, actor, &end, liminal_deadline_never()), LIMINAL_OK);
        leave(&owner);
        leave(&heir);
        shut(&supervisor);
    }
}

/* ---- 31 to 33: asking and the exit; no deadline ever comes here ---- */

static void case_31_who_is_gone_is_not_found(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_conversation *found = NULL;
        liminal_pid actor;
        being b;
        be(&b, supervisor, both[k], &plain);
        actor = liminal_conversation_pid(b.conversation);
        assert_int_equal(liminal_supervisor_find(supervisor, actor, &found), LIMINAL_OK);
        assert_int_equal(ask(found, "hello"), LIMINAL_OK);
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        assert_int_equal(ask(found, "hello"), LIMINAL_EEXIT); /* a handle says why */
        liminal_conversation_drop(&found);
        assert_int_equal(liminal_supervisor_find(supervisor, actor, &found), LIMINAL_ENOPROC);
        assert_int_equal(liminal_supervisor_find(supervisor, b.pid, &found), LIMINAL_ENOPROC);
        assert_int_equal(liminal_supervisor_find(supervisor, (liminal_pid){31}, &found), LIMINAL_ENOPROC);
        assert_null(found);
        leave(&b);
        shut(&supervisor);
    }
}

/* All who could answer have gone, and who is watched lives. */
static void case_31_nobody_is_left_to_answer(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    liminal_participant people[3];
    liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 1,
                             .on_crash = LIMINAL_CRASH_ROUTE_NEXT};
    liminal_conversation *c = NULL;
    being other;
    (void)state;
    be(&other, supervisor, LIMINAL_PARTICIPANT_THREAD, &plain);
    people[0] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .name = "watched", .pid = other.pid};
    assert_int_equal(liminal_supervisor_spawn(supervisor, &config, &c), LIMINAL_OK);
    assert_int_equal(ask(c, "hello"), LIMINAL_ENOPROC);
    liminal_conversation_drop(&c);
    leave(&other);
    shut(&supervisor);
}

static void ask_and_hear(void *argument)
{
    being *b = argument;
    liminal_status status = ask(b->conversation, "wait, exit");
    (void)test_check(status == LIMINAL_EEXIT);
    (void)test_check(strstr(liminal_status_detail(), liminal_exit_describe(b->reason).text) != NULL);
}

static void case_32_an_asker_gets_the_normal_exit_at_once(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread asker;
        being b;
        be(&b, supervisor, both[k], &plain);
        b.reason = normal;
        test_thread_start(&asker, ask_and_hear, &b);
        test_gate_wait(&b.entered);
        test_gate_open(&b.go);
        test_thread_join(&asker);
        assert_dies(&b, normal);
        leave(&b);
        shut(&supervisor);
    }
}

static void ask_a_silent_one(void *argument)
{
    being *b = argument;
    (void)test_check(ask(b->conversation, "wait") == LIMINAL_EEXIT);
}

/* Its own thread is held up in the callback; who waits is not. (An inline one may hold up the asker itself.) */
static void an_asker_gets_a_kill_at_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        const liminal_exit_reason reason = i < 2 ? killed : bang;
        test_thread asker;
        being b;
        be_dispatched(&b, supervisor, both[i % 2], &plain, LIMINAL_DISPATCH_PINNED, NULL);
        test_thread_start(&asker, ask_a_silent_one, &b);
        test_gate_wait(&b.entered);
        if (i < 2) {
            assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        } else {
            assert_int_equal(liminal_process_signal(supervisor, nobody, b.pid, reason), LIMINAL_OK);
        }
        test_thread_join(&asker);
        assert_dies(&b, reason);
        assert_int_equal(b.releases, 0);
        test_gate_open(&b.go);
        test_until(b.releases == 1);
        leave(&b);
        shut(&supervisor);
    }
}

static void case_33_an_answer_wins_over_the_crash_behind_it(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        being b;
        be(&b, supervisor, both[k], &plain);
        assert_int_equal(ask(b.conversation, "answer, exit"), LIMINAL_OK);
        assert_dies(&b, boom);
        leave_for_good(&b);
        be(&b, supervisor, both[k], &plain);
        assert_int_equal(ask(b.conversation, "answer"), LIMINAL_OK);
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        assert_dies(&b, killed);
        leave(&b);
        shut(&supervisor);
    }
}

/* A reply that nobody has received yet survives the kill of who gave it. */
static void a_reply_survives_the_kill(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_envelope *reply = NULL;
        being b;
        be(&b, supervisor, both[k], &plain);
        assert_int_equal(tell(b.conversation, "one"), LIMINAL_OK);
        assert_int_equal(ask(b.conversation, "two"), LIMINAL_OK);
        assert_int_equal(liminal_process_kill(supervisor, b.pid), LIMINAL_OK);
        assert_int_equal(liminal_conversation_try_receive(b.conversation, &reply), LIMINAL_OK);
        assert_string_equal(liminal_envelope_text(reply), "one");
        liminal_envelope_drop(&reply);
        assert_int_equal(liminal_conversation_try_receive(b.conversation, &reply), LIMINAL_EEXIT);
        leave(&b);
        shut(&supervisor);
    }
}

/* ---- 35: the asker goes away ---- */

static liminal_counts counts_of(liminal_conversation *conversation)
{
    liminal_snapshot *snapshot = NULL;
    liminal_counts counts;
    assert_int_equal(liminal_conversation_query(conversation, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    counts = liminal_snapshot_read(snapshot).counts;
    liminal_snapshot_drop(&snapshot);
    return counts;
}

/* Its deadline passes while the other side is at work: which goes on, and is not told. */
static void case_35_an_asker_that_gave_up(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_counts counts;
        uint32_t ms = 10;
        being b;
        be_dispatched(&b, supervisor, both[k], &plain, LIMINAL_DISPATCH_PINNED, NULL);
        do { /* a time that is over before the other side has begun shows nothing */
            ms *= 2;
            assert_int_equal(ask_until(b.conversation, "wait", liminal_deadline_in_ms(ms)), LIMINAL_ETIMEDOUT);
        } while (!test_gate_try(&b.entered));
        test_gate_open(&b.go);
        assert_lives(&b);
        counts = counts_of(b.conversation);
        assert_int_equal(counts.late, 1);
        assert_int_equal(counts.received, 1);
        assert_int_equal(b.answers, 2);
        leave(&b);
        shut(&supervisor);
    }
}

static void ask_the_friend(being *b)
{
    being *friend = b->context;
    (void)test_check(ask(friend->conversation, "wait") == LIMINAL_OK);
    test_gate_open(&b->told);
}

static void have_it_ask(void *argument)
{
    being *b = argument;
    (void)test_check(ask(b->conversation, "do") == LIMINAL_EEXIT);
}

/* The asker is a process, and is killed: the other side answers a call that does not matter any more. */
static void case_35_an_asker_that_was_killed(void **state)
{
    (void)state;
    for (size_t i = 0; i < 4; i++) {
        liminal_supervisor *supervisor = open_plain();
        test_thread host;
        liminal_counts counts;
        being asker, friend;
        be_dispatched(&asker, supervisor, both[i % 2], &plain, LIMINAL_DISPATCH_PINNED, NULL);
        be(&friend, supervisor, both[i / 2], &plain);
        asker.on_do = ask_the_friend;
        asker.context = &friend;
        test_thread_start(&host, have_it_ask, &asker);
        test_gate_wait(&friend.entered);
        assert_int_equal(liminal_process_kill(supervisor, asker.pid), LIMINAL_OK);
        test_thread_join(&host); /* it is told, though the asker still stands in its call */
        assert_int_equal(asker.releases, 0);
        test_gate_open(&friend.go);
        test_gate_wait(&asker.told);
        test_until(asker.releases == 1);
        counts = counts_of(asker.conversation);
        assert_int_equal(counts.received, 0);
        assert_int_equal(counts.unfinished, 1);
        assert_lives(&friend);
        leave(&asker);
        leave(&friend);
        shut(&supervisor);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(case_29_a_reply_is_received_before_the_exit),
        TEST(case_29_a_message_is_seen_before_the_exit),
        TEST(case_29_by_repetition),
        TEST(a_signal_is_seen_before_what_is_said_after_it),
        TEST(a_conversation_logs_last_words_first),
        TEST(case_30_a_name_is_free_before_the_exit_is_seen),
        TEST(case_31_who_is_gone_is_not_found),
        TEST(case_31_nobody_is_left_to_answer),
        TEST(case_32_an_asker_gets_the_normal_exit_at_once),
        TEST(an_asker_gets_a_kill_at_once),
        TEST(case_33_an_answer_wins_over_the_crash_behind_it),
        TEST(a_reply_survives_the_kill),
        TEST(case_35_an_asker_that_gave_up),
        TEST(case_35_an_asker_that_was_killed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

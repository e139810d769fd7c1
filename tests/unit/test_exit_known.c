/* SPDX-License-Identifier: MIT */
/* test_exit_known.c -- who learns of an end: closes, releases, watchers. */
#include "exit_kit.h"

/* ---- exits and closes ---- */

static void test_exit_that_the_close_asked_for(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        part p;
        liminal_conversation *c;
        liminal_snapshot *snapshot;
        liminal_log_entry entry;
        liminal_pid pid;
        liminal_exit end;
        part_init(&p, open_plain());
        c = spawn_one(&p, both[k]);
        pid = participant_pid(c, 0);
        assert_int_equal(ask(c, "hello"), LIMINAL_OK);
        assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(liminal_process_wait(p.supervisor, pid, &end, liminal_deadline_never()), LIMINAL_OK);
        assert_int_equal(end.pid.value, pid.value);
        assert_int_equal(end.reason.kind, LIMINAL_EXIT_NORMAL);
        assert_int_equal(end.reason.code, 0);
        test_until(p.releases == 1);
        snapshot = look(c);
        assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_CLOSED);
        assert_int_equal(liminal_snapshot_read(snapshot).cause, LIMINAL_OK);
        assert_string_equal(liminal_snapshot_read(snapshot).cause_text, "");
        assert_int_equal(liminal_snapshot_read(snapshot).log_count, 2); /* sent and received */
        assert_int_equal(count_log(snapshot, LIMINAL_LOG_EXITED, &entry), 0);
        assert_int_equal(count_log(snapshot, LIMINAL_LOG_FAILED, &entry), 0);
        liminal_snapshot_drop(&snapshot);
        assert_int_equal(ask(c, "late"), LIMINAL_ECLOSED);
        liminal_conversation_drop(&c);
        shut(&p.supervisor);
        assert_int_equal(p.releases, 1);
    }
}

static void close_there(void *argument)
{
    call *c = argument;
    c->status = liminal_conversation_close(c->conversation, liminal_deadline_never());
}

/* It has been asked to close, and waits for the last answer; instead comes an exit. That counts. */
static void test_exit_while_closing(void **state)
{
    part p;
    liminal_conversation *c;
    call asked, closed;
    test_thread asker, closer;
    (void)state;
    part_init(&p, open_plain());
    p.reason = (liminal_exit_reason){LIMINAL_EXIT_CODE, 3};
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    asked = call_of(c, "wait, exit");
    closed = call_of(c, "");
    test_thread_start(&asker, ask_there, &asked);
    test_gate_wait(&p.entered);
    test_thread_start(&closer, close_there, &closed);
    test_until(phase_of(c) == LIMINAL_PHASE_COMPLETING);
    assert_int_equal(send(c, "late"), LIMINAL_ECLOSED);
    test_gate_open(&p.go);
    test_thread_join(&asker);
    test_thread_join(&closer);
    assert_int_equal(asked.status, LIMINAL_EEXIT);
    assert_int_equal(closed.status, LIMINAL_OK);
    assert_failed(c, 0, "obedient one", p.reason);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
}

/* The first cause is kept: after a close that did not wait, an exit changes nothing. */
static void test_exit_after_the_close(void **state)
{
    part p;
    liminal_conversation *c;
    call asked;
    test_thread asker;
    liminal_snapshot *snapshot;
    liminal_log_entry entry;
    liminal_exit end;
    liminal_pid pid;
    (void)state;
    part_init(&p, open_plain());
    p.reason = (liminal_exit_reason){LIMINAL_EXIT_CODE, 3};
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    pid = participant_pid(c, 0);
    asked = call_of(c, "wait, exit");
    test_thread_start(&asker, ask_there, &asked);
    test_gate_wait(&p.entered);
    assert_int_equal(liminal_conversation_close(c, liminal_deadline_passed()), LIMINAL_OK);
    test_thread_join(&asker);
    assert_int_equal(asked.status, LIMINAL_ECLOSED);
    assert_int_equal(phase_of(c), LIMINAL_PHASE_CLOSED);
    test_gate_open(&p.go);
    assert_int_equal(liminal_process_wait(p.supervisor, pid, &end, liminal_deadline_never()), LIMINAL_OK);
    test_until(p.releases == 1);
    snapshot = look(c);
    assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_CLOSED);
    assert_int_equal(liminal_snapshot_read(snapshot).cause, LIMINAL_OK);
    assert_int_equal(count_log(snapshot, LIMINAL_LOG_EXITED, &entry), 0);
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(ask(c, "late"), LIMINAL_ECLOSED);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
}

/* ---- release ---- */

static void notice_seen(void *self, const liminal_exit *end)
{
    part *p = self;
    (void)test_check(end->pid.value == p->pid.value);
    (void)test_check(p->releases == 0);
    atomic_fetch_add(&p->seen, 1);
}

/* Whatever ends it: once, and after the exit has been made known. */
static void test_release_once_and_last(void **state)
{
    const char *const ways[] = {"fail", "exit", "vanish", "close", "drop", "shutdown"};
    (void)state;
    for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++) {
        for (size_t k = 0; k < 2; k++) {
            bool vanishes = strcmp(ways[i], "vanish") == 0;
            liminal_participant participant;
            liminal_config config;
            part p;
            liminal_conversation *c;
            part_init(&p, open_plain());
            participant = participant_of(&p, both[k]);
            config = config_of(&participant, 1);
            config.dispatch = vanishes ? LIMINAL_DISPATCH_PINNED : LIMINAL_DISPATCH_ASSISTED;
            c = spawn(p.supervisor, &config);
            p.pid = participant_pid(c, 0);
            assert_int_equal(liminal_process_notify(p.supervisor, p.pid, notice_seen, &p, NULL), LIMINAL_OK);
            assert_int_equal(ask(c, "hello"), LIMINAL_OK);
            assert_int_equal(p.releases, 0);
            if (strcmp(ways[i], "close") == 0) {
                assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
                test_until(p.releases == 1);
            } else if (strcmp(ways[i], "drop") == 0) {
                liminal_conversation_drop(&c);
                test_until(p.releases == 1);
            } else if (strcmp(ways[i], "shutdown") != 0) {
                assert_int_equal(ask(c, ways[i]), LIMINAL_EEXIT);
                test_until(p.releases == 1);
            }
            liminal_conversation_drop(&c);
            shut(&p.supervisor);
            assert_int_equal(p.seen, 1);
            assert_int_equal(p.releases, 1);
            assert_true(p.ordered);
        }
    }
}

/* A behaviour may do without start() and release(), and with a `self` that is NULL, many times over. */
static liminal_status answer_nothing(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)request;
    (void)out;
    return test_check(self == NULL) ? LIMINAL_OK : LIMINAL_EINVAL;
}

static void test_behaviour_of_one_function(void **state)
{
    const liminal_behaviour bare = {LIMINAL_OPS(liminal_behaviour), .answer = answer_nothing};
    const liminal_participant participants[] = {{.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &bare},
                                                {.kind = LIMINAL_PARTICIPANT_INLINE, .behaviour = &bare},
                                                {.kind = LIMINAL_PARTICIPANT_THREAD, .behaviour = &bare}};
    liminal_config config = config_of(participants, 3);
    liminal_supervisor *supervisor = open_plain();
    liminal_conversation *c = spawn(supervisor, &config);
    liminal_snapshot *snapshot = look(c);
    (void)state;
    assert_string_equal(participant_in(snapshot, 0).name, "participant");
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(ask(c, "hello"), LIMINAL_ECANCELED);
    liminal_conversation_drop(&c);
    shut(&supervisor);
}

/* One dies: the others of the same conversation are stopped, and theirs is no exit that counts. */
static void test_the_others_are_stopped(void **state)
{
    liminal_supervisor *supervisor = open_plain();
    part parts[3];
    liminal_participant participants[3];
    liminal_config config = config_of(participants, 3);
    liminal_conversation *c;
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        part_init(&parts[i], supervisor);
        participants[i] = participant_of(&parts[i], i == 1 ? LIMINAL_PARTICIPANT_INLINE : LIMINAL_PARTICIPANT_THREAD);
    }
    c = spawn(supervisor, &config);
    assert_int_equal(ask(c, "fail"), LIMINAL_EEXIT); /* it goes to the first one */
    assert_failed(c, 0, "obedient one", (liminal_exit_reason){LIMINAL_EXIT_ERROR, LIMINAL_EFAILED});
    for (size_t i = 0; i < 3; i++) {
        test_until(parts[i].releases == 1);
        assert_int_equal(parts[i].answers, i == 0 ? 1 : 0);
    }
    assert_failed(c, 0, "obedient one", (liminal_exit_reason){LIMINAL_EXIT_ERROR, LIMINAL_EFAILED});
    liminal_conversation_drop(&c);
    shut(&supervisor);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(parts[i].releases, 1);
    }
}

/* ---- watched ---- */

static void test_watching_a_participant(void **state)
{
    (void)state;
    for (size_t k = 0; k < 2; k++) {
        part p;
        liminal_conversation *c, *watcher;
        call received;
        test_thread receiver;
        liminal_snapshot *theirs, *ours;
        liminal_envelope *message = say("to nobody"), *reply = NULL;
        liminal_pid pid;
        part_init(&p, open_plain());
        p.reason = (liminal_exit_reason){LIMINAL_EXIT_SIGNAL, 11};
        c = spawn_one(&p, both[k]);
        pid = participant_pid(c, 0);
        watcher = watch(p.supervisor, pid, "the watched");
        assert_int_equal(participant_pid(watcher, 0).value, pid.value);
        assert_int_equal(liminal_conversation_send(watcher, &message, liminal_deadline_never()), LIMINAL_OK);
        message = say("who?");
        assert_int_equal(liminal_conversation_try_receive(watcher, &reply), LIMINAL_ETIMEDOUT);
        assert_int_equal(liminal_conversation_ask(watcher, &message, &reply, liminal_deadline_never()),
                         LIMINAL_ENOPROC);
        assert_non_null(message);
        liminal_envelope_drop(&message);
        received = call_of(watcher, "");
        test_thread_start(&receiver, receive_there, &received);
        test_gate_wait(&received.begun);
        assert_int_equal(ask(c, "exit"), LIMINAL_EEXIT);
        test_thread_join(&receiver);
        assert_int_equal(received.status, LIMINAL_EEXIT);
        assert_failed(watcher, 0, "the watched", p.reason);
        assert_failed(c, 0, "obedient one", p.reason);
        theirs = look(c);
        ours = look(watcher);
        assert_int_equal(participant_in(theirs, 0).seen.unix_ns, participant_in(ours, 0).seen.unix_ns);
        liminal_snapshot_drop(&theirs);
        liminal_snapshot_drop(&ours);
        liminal_conversation_drop(&c);
        liminal_conversation_drop(&watcher);
        shut(&p.supervisor);
        assert_int_equal(p.releases, 1);
    }
}

static void test_watching_an_actor_that_closes(void **state)
{
    part p;
    liminal_conversation *c, *watcher;
    (void)state;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    watcher = watch(p.supervisor, liminal_conversation_pid(c), "the actor");
    assert_int_equal(liminal_conversation_close(c, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(receive(watcher, ""), LIMINAL_EEXIT);
    assert_failed(watcher, 0, "the actor", normal);
    liminal_conversation_drop(&c);
    liminal_conversation_drop(&watcher);
    shut(&p.supervisor);
}

static void test_watching_an_actor_that_fails(void **state)
{
    part p;
    liminal_conversation *c, *watcher;
    liminal_snapshot *snapshot;
    liminal_exit_reason reason;
    (void)state;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    watcher = watch(p.supervisor, liminal_conversation_pid(c), "the actor");
    assert_int_equal(ask(c, "vanish"), LIMINAL_EEXIT);
    assert_int_equal(receive(watcher, ""), LIMINAL_EEXIT);
    snapshot = look(watcher);
    reason = participant_in(snapshot, 0).reason;
    liminal_snapshot_drop(&snapshot);
    assert_int_equal(reason.kind, LIMINAL_EXIT_ERROR);
    assert_int_equal(reason.code, LIMINAL_EEXIT);
    assert_failed(watcher, 0, "the actor", reason);
    liminal_conversation_drop(&c);
    liminal_conversation_drop(&watcher);
    shut(&p.supervisor);
}

/* The watched one does not care who watches, or that they go. */
static void test_watcher_goes_first(void **state)
{
    part p;
    liminal_conversation *c, *watchers[20];
    (void)state;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    for (size_t i = 0; i < 20; i++) {
        watchers[i] = watch(p.supervisor, participant_pid(c, 0), "watched");
    }
    for (size_t i = 0; i < 10; i++) {
        assert_int_equal(liminal_conversation_close(watchers[i], liminal_deadline_never()), LIMINAL_OK);
    }
    assert_int_equal(ask(c, "hello"), LIMINAL_OK);
    assert_int_equal(ask(c, "fail"), LIMINAL_EEXIT);
    for (size_t i = 0; i < 20; i++) {
        liminal_snapshot *snapshot;
        liminal_log_entry entry;
        assert_int_equal(receive(watchers[i], ""), i < 10 ? LIMINAL_ECLOSED : LIMINAL_EEXIT);
        snapshot = look(watchers[i]);
        assert_int_equal(count_log(snapshot, LIMINAL_LOG_EXITED, &entry), i < 10 ? 0 : 1);
        liminal_snapshot_drop(&snapshot);
        liminal_conversation_drop(&watchers[i]);
    }
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
}

/* A behaviour and one to watch: messages go to the behaviour, the other's exit ends them both. */
static void test_watched_beside_a_behaviour(void **state)
{
    part p, q;
    liminal_participant participants[2] = {{.kind = LIMINAL_PARTICIPANT_INLINE}};
    liminal_config config = config_of(participants, 2);
    liminal_conversation *other, *c;
    (void)state;
    part_init(&p, open_plain());
    part_init(&q, p.supervisor);
    other = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    participants[0] = (liminal_participant){
        .kind = LIMINAL_PARTICIPANT_WATCHED, .name = "neighbour", .pid = participant_pid(other, 0)};
    participants[1] = participant_of(&q, LIMINAL_PARTICIPANT_THREAD);
    c = spawn(p.supervisor, &config);
    assert_int_equal(ask(c, "hello"), LIMINAL_OK);
    assert_int_equal(q.answers, 1);
    assert_int_equal(ask(other, "fail"), LIMINAL_EEXIT);
    assert_int_equal(receive(c, ""), LIMINAL_EEXIT);
    assert_failed(c, 0, "neighbour", (liminal_exit_reason){LIMINAL_EXIT_ERROR, LIMINAL_EFAILED});
    test_until(q.releases == 1);
    liminal_conversation_drop(&other);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
    assert_int_equal(q.releases, 1);
}

/* Who has exited before is not there to be watched, whatever is still known of it. */
static void test_watching_the_dead(void **state)
{
    part p;
    liminal_participant participant = {.kind = LIMINAL_PARTICIPANT_WATCHED};
    liminal_config config = config_of(&participant, 1);
    liminal_conversation *c, *out = NULL;
    (void)state;
    part_init(&p, open_plain());
    c = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    participant.pid = participant_pid(c, 0);
    assert_int_equal(ask(c, "fail"), LIMINAL_EEXIT);
    assert_int_equal(liminal_supervisor_spawn(p.supervisor, &config, &out), LIMINAL_ENOPROC);
    participant.pid = liminal_conversation_pid(c);
    test_until(!liminal_process_alive(p.supervisor, participant.pid));
    assert_int_equal(liminal_supervisor_spawn(p.supervisor, &config, &out), LIMINAL_ENOPROC);
    assert_null(out);
    liminal_conversation_drop(&c);
    shut(&p.supervisor);
}

/* Each watches the actor before it: the first falls, and all fall, however long the row. */
static void test_row_of_watchers(void **state)
{
    enum { ROW = 60 };
    part p;
    liminal_conversation *row[ROW];
    (void)state;
    part_init(&p, open_plain());
    row[0] = spawn_one(&p, LIMINAL_PARTICIPANT_THREAD);
    for (size_t i = 1; i < ROW; i++) {
        row[i] = watch(p.supervisor, liminal_conversation_pid(row[i - 1]), "the one before");
    }
    assert_int_equal(ask(row[0], "vanish"), LIMINAL_EEXIT);
    for (size_t i = ROW; i-- > 0;) {
        assert_int_equal(receive(row[i], ""), LIMINAL_EEXIT);
        assert_int_equal(phase_of(row[i]), LIMINAL_PHASE_FAILED);
        liminal_conversation_drop(&row[i]);
    }
    shut(&p.supervisor);
    assert_int_equal(p.releases, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exit_that_the_close_asked_for),
        TEST(test_exit_while_closing),
        TEST(test_exit_after_the_close),
        TEST(test_release_once_and_last),
        TEST(test_behaviour_of_one_function),
        TEST(test_the_others_are_stopped),
        TEST(test_watching_a_participant),
        TEST(test_watching_an_actor_that_closes),
        TEST(test_watching_an_actor_that_fails),
        TEST(test_watcher_goes_first),
        TEST(test_watched_beside_a_behaviour),
        TEST(test_watching_the_dead),
        TEST(test_row_of_watchers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

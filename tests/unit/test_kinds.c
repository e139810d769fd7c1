/* SPDX-License-Identifier: MIT */
/* test_kinds.c -- what is promised of a participant that dies, for those that the library did not start or that are
 * programs: an attached thread, an OS process, a child program; under each policy, across a restart, with notices. */
#define _GNU_SOURCE
#include "os_kit.h"

/* ---- three of a kind ---- */

typedef enum subject_kind { GUEST, PROCESS, PROGRAM, KINDS } subject_kind;

typedef struct subject {
    subject_kind kind;
    liminal_supervisor *supervisor;
    liminal_pid pid; /* of a program: once its conversation is there */
    guest guest;
    sleeper process;
    liminal_exit_reason reason; /* it will end with */
} subject;

static void subject_start(subject *s, subject_kind kind, liminal_supervisor *supervisor)
{
    memset(s, 0, sizeof *s);
    s->kind = kind;
    s->supervisor = supervisor;
    s->reason = kind == GUEST ? killed : os_signal(SIGKILL);
    if (kind == GUEST) {
        guest_start(&s->guest, supervisor, BY_RETURN, NULL, NULL);
        s->pid = s->guest.pid;
    } else if (kind == PROCESS) {
        s->process = os_sleeper();
        s->pid = os_watch(supervisor, s->process.pid);
    }
}

static liminal_participant as_participant(const subject *s)
{
    static const char *const argv[] = {"cat", NULL};
    static const liminal_program cat = {LIMINAL_OPS(liminal_program), .argv = argv};
    if (s->kind == PROGRAM) {
        return (liminal_participant){.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &cat, .name = "subject"};
    }
    return (liminal_participant){.kind = LIMINAL_PARTICIPANT_WATCHED, .pid = s->pid, .name = "subject"};
}

/* Its death is under way when this returns. */
static void subject_die(subject *s)
{
    if (s->kind == GUEST) {
        test_gate_open(&s->guest.go);
    } else if (s->kind == PROCESS) {
        (void)kill(s->process.pid, SIGKILL);
    } else {
        pid_t child = 0;
        char path[64];
        FILE *file;
        (void)snprintf(path, sizeof path, "/proc/self/task/%ld/children", (long)getpid());
        /* The only child of whichever thread has spawned it, which is this one. */
        file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%d", &child), 1);
        (void)fclose(file);
        (void)kill(child, SIGKILL);
    }
}

static void subject_clear(subject *s)
{
    if (s->kind == GUEST) {
        test_thread_join(&s->guest.thread);
    } else if (s->kind == PROCESS) {
        (void)os_end(&s->process);
    }
}

/* ---- its conversation ---- */

static liminal_participant_status member(liminal_conversation *talk, size_t index)
{
    liminal_participant_status status = {.alive = false};
    liminal_snapshot *snapshot = NULL;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_participant(snapshot, index, &status), LIMINAL_OK);
    liminal_snapshot_drop(&snapshot);
    return status;
}

static liminal_phase phase_of(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_phase phase;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), LIMINAL_OK);
    phase = liminal_snapshot_read(snapshot).phase;
    liminal_snapshot_drop(&snapshot);
    return phase;
}

/* The subject, and an echo behind it. */
static liminal_conversation *spawn_with(subject *s, liminal_crash_policy policy)
{
    liminal_participant people[2] = {as_participant(s), {.behaviour = liminal_behaviour_echo(), .name = "echo"}};
    const liminal_config config = {LIMINAL_OPS(liminal_config), .participants = people, .participant_count = 2,
                                   .on_crash = policy};
    liminal_conversation *talk = NULL;
    assert_int_equal(liminal_supervisor_spawn(s->supervisor, &config, &talk), LIMINAL_OK);
    s->pid = member(talk, 0).pid;
    return talk;
}

static liminal_envelope *text(const char *what)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *envelope = NULL;
    assert_int_equal(liminal_envelope_create(what, strlen(what), &options, &envelope), LIMINAL_OK);
    return envelope;
}

static void ask_gives_back(liminal_conversation *talk, const char *what)
{
    liminal_envelope *request = text(what), *reply = NULL;
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_string_equal(liminal_envelope_text(reply), what);
    liminal_envelope_drop(&reply);
}

static void receive_gives(liminal_conversation *talk, liminal_status status)
{
    liminal_envelope *reply = NULL;
    assert_int_equal(liminal_conversation_receive(talk, &reply, liminal_deadline_in_ms(20000)), status);
}

/* Twice each, for every kind: a subject, alive, in a conversation of that policy. */
static void with_each(liminal_crash_policy policy, void (*look)(subject *s, liminal_conversation *talk))
{
    for (int i = 0; i < 2 * KINDS; i++) {
        liminal_supervisor *supervisor = open_plain();
        liminal_conversation *talk;
        subject s;
        subject_start(&s, (subject_kind)(i % KINDS), supervisor);
        talk = spawn_with(&s, policy);
        look(&s, talk);
        assert_ends(supervisor, s.pid, s.reason);
        liminal_conversation_drop(&talk);
        subject_clear(&s);
        shut(&supervisor);
    }
}

/* ---- the registry ---- */

static void is_listed(subject *s, liminal_conversation *talk)
{
    liminal_pid pids[16];
    size_t count = 0, found = 0;
    (void)talk;
    assert_true(liminal_process_alive(s->supervisor, s->pid));
    assert_int_equal(liminal_process_list(s->supervisor, pids, 16, &count), LIMINAL_OK);
    assert_int_equal(count, 3); /* the echo and the actor as well */
    for (size_t i = 0; i < count; i++) {
        found += pids[i].value == s->pid.value;
    }
    assert_int_equal(found, 1);
    subject_die(s);
    assert_ends(s->supervisor, s->pid, s->reason);
    assert_int_equal(liminal_process_list(s->supervisor, pids, 16, &count), LIMINAL_OK);
    for (size_t i = 0; i < count; i++) {
        assert_int_not_equal(pids[i].value, s->pid.value);
    }
}

static void each_kind_is_listed_while_it_lives(void **state)
{
    (void)state;
    with_each(LIMINAL_CRASH_ROUTE_NEXT, is_listed);
}

/* ---- the policies ---- */

static void fails(subject *s, liminal_conversation *talk)
{
    subject_die(s);
    receive_gives(talk, LIMINAL_EEXIT);
    assert_non_null(strstr(liminal_status_detail(), "subject"));
    assert_int_equal(phase_of(talk), LIMINAL_PHASE_FAILED);
    assert_false(member(talk, 0).alive);
}

static void a_death_fails_the_conversation(void **state)
{
    (void)state;
    with_each(LIMINAL_CRASH_FAIL, fails);
}

static void goes_on(subject *s, liminal_conversation *talk)
{
    ask_gives_back(talk, "before");
    subject_die(s);
    ask_gives_back(talk, "meanwhile");
    test_until(!member(talk, 0).alive);
    ask_gives_back(talk, "after");
    assert_int_equal(phase_of(talk), LIMINAL_PHASE_ACTIVE);
    assert_true(member(talk, 1).alive);
}

static void the_next_one_goes_on(void **state)
{
    (void)state;
    with_each(LIMINAL_CRASH_ROUTE_NEXT, goes_on);
}

static char undone[8];

static liminal_status undo(void *self, const liminal_envelope *step)
{
    (void)self;
    (void)strncat(undone, liminal_envelope_text(step), sizeof undone - strlen(undone) - 1);
    return LIMINAL_OK;
}

static void is_undone(subject *s, liminal_conversation *talk)
{
    static const char *const steps[] = {"1", "2", "3"};
    undone[0] = '\0';
    for (size_t i = 0; i < 3; i++) {
        liminal_envelope *step = text(steps[i]);
        assert_int_equal(liminal_conversation_undo_with(talk, &step, undo, NULL), LIMINAL_OK);
    }
    subject_die(s);
    receive_gives(talk, LIMINAL_EEXIT);
    test_until(phase_of(talk) == LIMINAL_PHASE_FAILED);
    assert_string_equal(undone, "321");
}

static void a_death_is_compensated(void **state)
{
    (void)state;
    with_each(LIMINAL_CRASH_COMPENSATE, is_undone);
}

/* ---- a restart ---- */

static void survives(subject *s, liminal_conversation *talk)
{
    liminal_pid before = liminal_conversation_pid(talk);
    assert_int_equal(liminal_process_kill(s->supervisor, before), LIMINAL_OK);
    assert_int_not_equal(liminal_conversation_pid(talk).value, before.value);
    assert_true(member(talk, 0).alive);
    assert_int_equal(member(talk, 0).pid.value, s->pid.value);
    ask_gives_back(talk, "still there");
    subject_die(s); /* and its death is heard of as before */
    receive_gives(talk, LIMINAL_EEXIT);
    assert_int_equal(phase_of(talk), LIMINAL_PHASE_FAILED);
}

static void a_restart_leaves_it_where_it_is(void **state)
{
    (void)state;
    with_each(LIMINAL_CRASH_FAIL, survives);
}

/* ---- notices ---- */

enum { NOTICES = 60 };

typedef struct counted {
    const subject *subject;
    atomic_int fired;
} counted;

static void count_it(void *self, const liminal_exit *exit)
{
    counted *c = self;
    const liminal_exit_reason *expected = &c->subject->reason;
    (void)test_check(exit->reason.kind == expected->kind && exit->reason.code == expected->code);
    atomic_fetch_add(&c->fired, 1);
}

/* Its death is in the middle of them: some are armed before, some while it goes, the last ones after. */
static void tells_each_once(subject *s, liminal_conversation *talk)
{
    static counted all[NOTICES];
    (void)talk;
    for (int i = 0; i < NOTICES; i++) {
        all[i] = (counted){.subject = s};
        if (i == NOTICES / 3) {
            subject_die(s);
        }
        if (i == NOTICES - 5) {
            assert_ends(s->supervisor, s->pid, s->reason);
        }
        assert_int_equal(liminal_process_notify(s->supervisor, s->pid, count_it, &all[i], NULL), LIMINAL_OK);
        assert_true(i < NOTICES - 5 || atomic_load(&all[i].fired) == 1); /* before it returns */
    }
    for (int i = 0; i < NOTICES; i++) {
        test_until(atomic_load(&all[i].fired) > 0);
    }
    for (int i = 0; i < NOTICES; i++) {
        assert_int_equal(atomic_load(&all[i].fired), 1);
    }
}

static void notices_before_during_and_after(void **state)
{
    (void)state;
    with_each(LIMINAL_CRASH_ROUTE_NEXT, tells_each_once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_kind_is_listed_while_it_lives),
        TEST(a_death_fails_the_conversation),
        TEST(the_next_one_goes_on),
        TEST(a_death_is_compensated),
        TEST(a_restart_leaves_it_where_it_is),
        TEST(notices_before_during_and_after),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_pthread_buffer.c -- the suite over the pthread actor without participants. */
#include "pthread_kit.h"

#define BUFFER(text, how, when)                                                                                 \
    {                                                                                                           \
        .name = (text), .with = &(const pthread_kind){.dispatch = (how), .overflow = (when)}, .open = kit_open, \
        .end = kit_end, .bound = BOUND, .waits = (when) == LIMINAL_OVERFLOW_WAIT, .pid = true                   \
    }

static const suite_backend backends[] = {
    BUFFER("assisted, refusing", LIMINAL_DISPATCH_ASSISTED, LIMINAL_OVERFLOW_REFUSE),
    BUFFER("assisted, waiting", LIMINAL_DISPATCH_ASSISTED, LIMINAL_OVERFLOW_WAIT),
    BUFFER("pinned, refusing", LIMINAL_DISPATCH_PINNED, LIMINAL_OVERFLOW_REFUSE),
    BUFFER("pinned, waiting", LIMINAL_DISPATCH_PINNED, LIMINAL_OVERFLOW_WAIT),
};

/* The conversation's own deadline is the one cause that a buffer has. */
static void test_fails_at_its_own_deadline(void **state)
{
    size_t i;
    (void)state;
    for (i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        const suite_backend *b = &backends[i];
        liminal_conversation *talk = NULL;
        liminal_envelope *reply = NULL;
        liminal_snapshot *snapshot = NULL;
        liminal_log_entry entry;
        kit_open_until(b, 1, &talk);
        suite_is(liminal_conversation_receive(talk, &reply, liminal_deadline_never()), ETIMEDOUT);
        suite_is(liminal_conversation_close(talk, liminal_deadline_never()), OK);
        suite_refused(b, talk, LIMINAL_ETIMEDOUT);
        suite_is(liminal_conversation_query(talk, &snapshot, liminal_deadline_never()), OK);
        assert_int_equal(liminal_snapshot_read(snapshot).phase, LIMINAL_PHASE_FAILED);
        suite_is(liminal_snapshot_read(snapshot).cause, ETIMEDOUT);
        assert_int_equal(liminal_snapshot_read(snapshot).log_count, 1);
        suite_is(liminal_snapshot_entry(snapshot, 0, &entry), OK);
        assert_int_equal(entry.kind, LIMINAL_LOG_FAILED);
        suite_is(entry.status, ETIMEDOUT);
        liminal_snapshot_drop(&snapshot);
        suite_finish(b, &talk);
    }
}

static liminal_phase phase_now(liminal_conversation *talk)
{
    liminal_snapshot *snapshot = NULL;
    liminal_phase phase;
    suite_is(liminal_conversation_query(talk, &snapshot, liminal_deadline_passed()), OK);
    phase = liminal_snapshot_read(snapshot).phase;
    liminal_snapshot_drop(&snapshot);
    return phase;
}

static void test_refuses_as_soon_as_it_has_failed(void **state)
{
    size_t i;
    (void)state;
    for (i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        liminal_conversation *talk = NULL;
        liminal_envelope *message = suite_envelope("too late");
        suite_call receiver;
        kit_open_until(&backends[i], 2000000, &talk);
        suite_start(&receiver, talk, SUITE_RECEIVE, NULL, liminal_deadline_never());
        while (phase_now(talk) != LIMINAL_PHASE_FAILED) { /* a pause would miss the moment */
        }
        suite_is(liminal_conversation_try_send(talk, &message), ETIMEDOUT);
        suite_join(&receiver);
        liminal_envelope_drop(&message);
        suite_finish(&backends[i], &talk);
    }
}
int main(void)
{
    const struct CMUnitTest more[] = {
        TEST(test_fails_at_its_own_deadline),
        TEST(test_refuses_as_soon_as_it_has_failed),
    };
    int failed = suite_run("pthread buffer", backends, sizeof backends / sizeof backends[0]);
    return failed + cmocka_run_group_tests_name("pthread buffer, more", more, NULL, NULL);
}

/* SPDX-License-Identifier: MIT */
/* test_backend.c -- the handle over a backend table: what a table must have, what is put in for the rest. */
#include "support/harness.h"

#include <liminal.h>
#include <liminal/backend.h>

#include <string.h>

/* A backend that does what it is told, and remembers what it was called with. */
typedef struct fake {
    liminal_status status; /* of every call */
    bool explains;         /* each failure sets a detail text */
    size_t calls, released;
    liminal_envelope **message, **reply;
    liminal_snapshot **picture;
    liminal_deadline deadline;
} fake;

static liminal_status note(fake *f, liminal_envelope **message, liminal_envelope **reply, liminal_deadline deadline)
{
    f->calls++;
    f->message = message;
    f->reply = reply;
    f->deadline = deadline;
    if (f->explains) {
        (void)!liminal_process_exit((liminal_exit_reason){(liminal_exit_kind)77, 0});
    }
    return f->status;
}

static liminal_status fake_send(void *self, liminal_envelope **message, liminal_deadline deadline)
{
    liminal_status st = note(self, message, NULL, deadline);
    if (st == LIMINAL_OK) {
        liminal_envelope_drop(message);
    }
    return st;
}

static liminal_status fake_receive(void *self, liminal_envelope **out_reply, liminal_deadline deadline)
{
    return note(self, NULL, out_reply, deadline);
}

static liminal_status fake_close(void *self, liminal_deadline deadline)
{
    return note(self, NULL, NULL, deadline);
}

static liminal_status fake_query(void *self, liminal_snapshot **out, liminal_deadline deadline)
{
    ((fake *)self)->picture = out;
    return note(self, NULL, NULL, deadline);
}

static void fake_release(void *self)
{
    ((fake *)self)->released++;
}

static liminal_status fake_ask(void *self, liminal_envelope **request, liminal_envelope **out_reply,
                               liminal_deadline deadline)
{
    return note(self, request, out_reply, deadline);
}

static liminal_status fake_try_send(void *self, liminal_envelope **message)
{
    return note(self, message, NULL, (liminal_deadline){4711});
}

static liminal_pid fake_pid(const void *self)
{
    (void)self;
    return (liminal_pid){99};
}

static liminal_trace_context fake_trace(const void *self)
{
    (void)self;
    return (liminal_trace_context){.flags = 3};
}

static liminal_backend full_table(void)
{
    return (liminal_backend){
        LIMINAL_OPS(liminal_backend), .name = "fake",      .send = fake_send,       .receive = fake_receive,
        .close = fake_close,          .query = fake_query, .release = fake_release, .ask = fake_ask,
        .try_send = fake_try_send,    .pid = fake_pid,     .trace = fake_trace,
    };
}

static liminal_backend least_table(void)
{
    liminal_backend table = full_table();
    table.ask = NULL;
    table.try_send = NULL;
    table.pid = NULL;
    table.trace = NULL;
    return table;
}

static liminal_envelope *envelope(void)
{
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_envelope *made = NULL;
    assert_int_equal(liminal_envelope_create("text", 4, &options, &made), LIMINAL_OK);
    return made;
}

static liminal_conversation *opened(const liminal_backend *table, fake *f)
{
    liminal_conversation *talk = NULL;
    assert_int_equal(liminal_conversation_open(table, f, test_allocator(), &talk), LIMINAL_OK);
    assert_non_null(talk);
    return talk;
}

/* Refused, and nothing of it is left; `self` is still ours. */
static void refused(const liminal_backend *table, const char *word)
{
    liminal_conversation *const untouched = (liminal_conversation *)(void *)&table;
    liminal_conversation *talk = untouched;
    fake f = {.calls = 0};
    (void)!liminal_process_exit((liminal_exit_reason){(liminal_exit_kind)99, 0});
    assert_int_equal(liminal_conversation_open(table, &f, test_allocator(), &talk), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), word));
    assert_ptr_equal(talk, untouched);
    assert_int_equal(f.calls + f.released, 0);
    assert_int_equal(test_blocks(), 0);
}

static void test_wrong_sizes(void **state)
{
    const size_t wrong[] = {0,
                            1,
                            sizeof(size_t),
                            offsetof(liminal_backend, release),
                            offsetof(liminal_backend, ask) - 1,
                            sizeof(liminal_backend) + 1,
                            SIZE_MAX};
    liminal_backend table = full_table();
    size_t i;
    (void)state;
    for (i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        table.size = wrong[i];
        refused(&table, "size");
    }
    refused(NULL, "backend: NULL");
}

static void test_required_slots(void **state)
{
    liminal_backend table;
    (void)state;
#define WITHOUT(slot)     \
    table = full_table(); \
    table.slot = NULL;    \
    refused(&table, #slot)
    WITHOUT(name);
    WITHOUT(send);
    WITHOUT(receive);
    WITHOUT(close);
    WITHOUT(query);
    WITHOUT(release);
#undef WITHOUT
}

static void test_open_arguments(void **state)
{
    const liminal_backend table = full_table();
    liminal_allocator bad = *test_allocator();
    liminal_conversation *talk = NULL;
    fake f = {.calls = 0};
    (void)state;
    assert_int_equal(liminal_conversation_open(&table, &f, NULL, NULL), LIMINAL_EINVAL);
    assert_string_equal(liminal_status_detail(), "out: NULL");
    bad.size--;
    assert_int_equal(liminal_conversation_open(&table, &f, &bad, &talk), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "allocator"));
    test_fail_nth(1);
    assert_int_equal(liminal_conversation_open(&table, &f, test_allocator(), &talk), LIMINAL_ENOMEM);
    assert_null(talk);
    assert_int_equal(f.released, 0);
    assert_int_equal(liminal_conversation_open(&table, &f, NULL, &talk), LIMINAL_OK); /* the default allocator */
    assert_int_equal(test_blocks(), 0);
    liminal_conversation_drop(&talk);
    assert_int_equal(f.released, 1);
}

static void test_a_table_that_ends_within_a_slot(void **state)
{
    liminal_backend table = full_table();
    (void)state;
    for (table.size = offsetof(liminal_backend, ask); table.size < sizeof table; table.size++) {
        refused(&table, "size");
    }
}

static void test_default_ask_pid_and_trace(void **state)
{
    const liminal_backend table = least_table();
    const liminal_trace_context zero = {.flags = 0};
    liminal_envelope *request = envelope(), *const mine = request, *reply = NULL;
    liminal_trace_context trace;
    liminal_conversation *talk;
    fake f = {.calls = 0};
    (void)state;
    talk = opened(&table, &f);
    (void)!liminal_process_exit((liminal_exit_reason){(liminal_exit_kind)99, 0});
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_never()), LIMINAL_ENOPROC);
    assert_null(strstr(liminal_status_detail(), "99"));
    assert_ptr_equal(request, mine);
    assert_null(reply);
    assert_int_equal(f.calls, 0);
    assert_int_equal(liminal_conversation_pid(talk).value, 0);
    trace = liminal_conversation_trace(talk);
    assert_memory_equal(&trace, &zero, sizeof zero);
    liminal_envelope_drop(&request);
    liminal_conversation_drop(&talk);
}

static liminal_status never_undone(void *self, const liminal_envelope *step)
{
    (void)self, (void)step;
    return LIMINAL_OK;
}

static void test_default_undo_with(void **state)
{
    const liminal_backend table = least_table();
    liminal_envelope *step = envelope(), *const mine = step;
    liminal_conversation *talk;
    fake f = {.calls = 0};
    (void)state;
    talk = opened(&table, &f);
    assert_int_equal(liminal_conversation_undo_with(talk, &step, never_undone, NULL), LIMINAL_EINVAL);
    assert_non_null(strstr(liminal_status_detail(), "backend"));
    assert_ptr_equal(step, mine);
    assert_int_equal(f.calls, 0);
    liminal_envelope_drop(&step);
    liminal_conversation_drop(&talk);
}

static void test_default_try_send(void **state)
{
    const liminal_backend table = least_table();
    liminal_envelope *message = envelope(), *const mine = message;
    liminal_conversation *talk;
    fake f = {.status = LIMINAL_ETIMEDOUT};
    int st;
    (void)state;
    talk = opened(&table, &f);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_EFULL);
    assert_string_equal(liminal_status_detail(), liminal_status_text(LIMINAL_EFULL));
    assert_int_equal(liminal_deadline_remaining_ns(f.deadline), 0);
    assert_int_equal(f.calls, 1);
    for (st = LIMINAL_EINVAL; st <= LIMINAL_EFORKED; st++) { /* every other one passes */
        f.status = (liminal_status)st;
        assert_int_equal(liminal_conversation_try_send(talk, &message),
                         st == LIMINAL_ETIMEDOUT ? LIMINAL_EFULL : (liminal_status)st);
    }
    assert_ptr_equal(message, mine);
    /* send() itself is not changed by it. */
    f.status = LIMINAL_ETIMEDOUT;
    assert_int_equal(liminal_conversation_send(talk, &message, (liminal_deadline){5}), LIMINAL_ETIMEDOUT);
    assert_int_equal(f.deadline.ns, 5);
    f.status = LIMINAL_OK;
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_OK);
    assert_null(message);
    liminal_conversation_drop(&talk);
}

static void test_own_slots_are_called(void **state)
{
    const liminal_backend table = full_table();
    liminal_envelope *message = envelope(), *reply = NULL;
    liminal_snapshot *picture = NULL;
    liminal_conversation *talk;
    fake f = {.status = LIMINAL_ELIMIT};
    (void)state;
    talk = opened(&table, &f);
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_ELIMIT);
    assert_int_equal(f.deadline.ns, 4711);
    assert_ptr_equal(f.message, &message);
    f.status = LIMINAL_ETIMEDOUT; /* only the default makes this EFULL */
    assert_int_equal(liminal_conversation_try_send(talk, &message), LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_conversation_ask(talk, &message, &reply, (liminal_deadline){6}), LIMINAL_ETIMEDOUT);
    assert_ptr_equal(f.message, &message);
    assert_ptr_equal(f.reply, &reply);
    assert_int_equal(f.deadline.ns, 6);
    assert_int_equal(liminal_conversation_receive(talk, &reply, (liminal_deadline){7}), LIMINAL_ETIMEDOUT);
    assert_ptr_equal(f.reply, &reply);
    assert_int_equal(f.deadline.ns, 7);
    assert_int_equal(liminal_conversation_try_receive(talk, &reply), LIMINAL_ETIMEDOUT);
    assert_int_equal(liminal_deadline_remaining_ns(f.deadline), 0);
    assert_int_equal(liminal_conversation_close(talk, (liminal_deadline){8}), LIMINAL_ETIMEDOUT);
    assert_int_equal(f.deadline.ns, 8);
    assert_int_equal(liminal_conversation_query(talk, &picture, (liminal_deadline){9}), LIMINAL_ETIMEDOUT);
    assert_ptr_equal(f.picture, &picture);
    assert_int_equal(f.deadline.ns, 9);
    assert_int_equal(f.calls, 7);
    assert_int_equal(liminal_conversation_pid(talk).value, 99);
    assert_int_equal(liminal_conversation_trace(talk).flags, 3);
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&talk);
    assert_int_equal(f.calls, 7); /* a drop releases, and calls nothing else */
    assert_int_equal(f.released, 1);
}

static void test_the_table_is_copied(void **state)
{
    liminal_backend table = full_table();
    liminal_conversation *talk;
    fake f = {.calls = 0};
    (void)state;
    talk = opened(&table, &f);
    memset(&table, 0, sizeof table);
    assert_int_equal(liminal_conversation_close(talk, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(&talk);
    assert_int_equal(f.released, 1);
}

static void says(liminal_conversation *talk, fake *f, liminal_status st, bool explains, const char *text)
{
    liminal_envelope *message = envelope(), *reply = NULL;
    liminal_snapshot *picture = NULL;
    const liminal_deadline never = liminal_deadline_never();
    int i;
    f->status = st;
    f->explains = explains;
    for (i = 0; i < 6; i++) {
        liminal_status got = LIMINAL_OK;
        (void)!liminal_process_exit((liminal_exit_reason){(liminal_exit_kind)99, 0});
        switch (i) {
        case 0:
            got = liminal_conversation_send(talk, &message, never);
            break;
        case 1:
            got = liminal_conversation_try_send(talk, &message);
            break;
        case 2:
            got = liminal_conversation_receive(talk, &reply, never);
            break;
        case 3:
            got = liminal_conversation_ask(talk, &message, &reply, never);
            break;
        case 4:
            got = liminal_conversation_close(talk, never);
            break;
        default:
            got = liminal_conversation_query(talk, &picture, never);
            break;
        }
        assert_int_equal(got, st);
        assert_string_equal(liminal_status_detail(), text);
    }
    liminal_envelope_drop(&message);
}

static void test_details(void **state)
{
    const liminal_backend table = full_table();
    liminal_conversation *talk;
    fake f = {.calls = 0};
    (void)state;
    talk = opened(&table, &f);
    says(talk, &f, LIMINAL_EFAILED, false, liminal_status_text(LIMINAL_EFAILED));
    says(talk, &f, LIMINAL_ECLOSED, false, liminal_status_text(LIMINAL_ECLOSED));
    says(talk, &f, LIMINAL_EFAILED, true, "reason.kind: 77 is not an exit kind"); /* its own is kept */
    liminal_conversation_drop(&talk);
}

static void test_null_arguments_do_not_reach_a_slot(void **state)
{
    const liminal_backend table = full_table();
    const liminal_deadline never = liminal_deadline_never();
    liminal_envelope *none = NULL, *message = envelope();
    liminal_conversation *talk;
    fake f = {.calls = 0};
    (void)state;
    talk = opened(&table, &f);
    assert_int_equal(liminal_conversation_send(talk, NULL, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_send(talk, &none, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_try_send(talk, &none), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_receive(talk, NULL, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_try_receive(talk, NULL), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_ask(talk, &none, &none, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_ask(talk, &message, NULL, never), LIMINAL_EINVAL);
    assert_int_equal(liminal_conversation_query(talk, NULL, never), LIMINAL_EINVAL);
    assert_int_equal(f.calls, 0);
    liminal_envelope_drop(&message);
    liminal_conversation_drop(&talk);
}

static void test_released_by_the_last_handle(void **state)
{
    const liminal_backend table = full_table();
    liminal_conversation *talk, *other;
    fake f = {.calls = 0};
    (void)state;
    talk = opened(&table, &f);
    other = liminal_conversation_ref(talk);
    liminal_conversation_drop(&talk);
    assert_null(talk);
    assert_int_equal(f.released, 0);
    assert_int_equal(test_blocks(), 1);
    assert_int_equal(liminal_conversation_close(other, liminal_deadline_never()), LIMINAL_OK);
    liminal_conversation_drop(&other);
    assert_null(other);
    assert_int_equal(f.released, 1);
    assert_int_equal(test_blocks(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_sizes),
        TEST(test_required_slots),
        TEST(test_open_arguments),
        TEST(test_a_table_that_ends_within_a_slot),
        TEST(test_default_ask_pid_and_trace),
        TEST(test_default_undo_with),
        TEST(test_default_try_send),
        TEST(test_own_slots_are_called),
        TEST(test_the_table_is_copied),
        TEST(test_details),
        TEST(test_null_arguments_do_not_reach_a_slot),
        TEST(test_released_by_the_last_handle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

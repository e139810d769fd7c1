/* SPDX-License-Identifier: MIT */
/* test_borrowed_envelope.c -- two threads at once add references to an envelope that neither of them owns: each counts,
 * so it ends when the one who lent it lets go, once. */
#include "race.h"
#include "support/sanitizers.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { TIMES = LESS(1000000) };

static atomic_uint ended;

static void count_end(void *context, void *data, size_t size)
{
    (void)context;
    (void)size;
    atomic_fetch_add(&ended, 1);
    free(data);
}

static liminal_envelope *lend(void)
{
    void *data = calloc(1, 2);
    liminal_envelope *lent = NULL;
    atomic_store(&ended, 0);
    assert_int_equal(liminal_envelope_adopt(&data, 1, count_end, NULL, NULL, &lent), LIMINAL_OK);
    return lent;
}

typedef struct borrower {
    test_thread thread;
    test_gate go;
    const liminal_envelope *lent;
    bool follows; /* by what it makes */
} borrower;

static void borrow(void *argument)
{
    borrower *b = argument;
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    options.cause = (liminal_envelope *)(uintptr_t)b->lent;
    test_gate_wait(&b->go);
    for (int i = 0; i < TIMES; i++) {
        liminal_envelope *mine = NULL;
        if (b->follows) {
            (void)test_check(liminal_envelope_create("", 0, &options, &mine) == LIMINAL_OK);
        } else {
            mine = liminal_envelope_ref(b->lent);
        }
        liminal_envelope_drop(&mine);
    }
}

static void both_borrow(const liminal_envelope *first, const liminal_envelope *second, bool follow)
{
    borrower both[2] = {{.lent = first, .follows = follow}, {.lent = second, .follows = follow}};
    for (int i = 0; i < 2; i++) {
        test_gate_init(&both[i].go);
        test_thread_start(&both[i].thread, borrow, &both[i]);
    }
    for (int i = 0; i < 2; i++) {
        test_gate_open(&both[i].go);
    }
    for (int i = 0; i < 2; i++) {
        test_thread_join(&both[i].thread);
    }
}

static void of_a_thread(bool follow)
{
    liminal_envelope *lent = lend();
    both_borrow(lent, lent, follow);
    assert_int_equal(atomic_load(&ended), 0);
    liminal_envelope_drop(&lent);
    assert_int_equal(atomic_load(&ended), 1);
}

static void both_refer_to_what_a_third_one_owns(void **state)
{
    (void)state;
    of_a_thread(false);
}

static void both_follow_what_a_third_one_owns(void **state)
{
    (void)state;
    of_a_thread(true);
}

static liminal_status keep_silent(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    (void)self;
    (void)request;
    (void)out;
    return LIMINAL_OK;
}

static const liminal_behaviour silent = {LIMINAL_OPS(liminal_behaviour), .answer = keep_silent};

static liminal_snapshot *look(liminal_conversation *talk, const liminal_envelope **out)
{
    liminal_snapshot *snapshot = NULL;
    liminal_log_entry entry;
    assert_int_equal(liminal_conversation_query(talk, &snapshot, liminal_deadline_in_ms(20000)), LIMINAL_OK);
    assert_int_equal(liminal_snapshot_entry(snapshot, 0, &entry), LIMINAL_OK);
    *out = entry.envelope;
    return snapshot;
}

static void both_read_the_log(void **state)
{
    liminal_supervisor *house = race_open();
    liminal_conversation *talk = NULL;
    liminal_envelope *request = lend(), *reply = NULL;
    const liminal_envelope *first, *second;
    liminal_snapshot *one, *two;
    (void)state;
    assert_int_equal(liminal_supervisor_spawn_behaviour(house, &silent, NULL, LIMINAL_CRASH_FAIL, &talk), LIMINAL_OK);
    assert_int_equal(liminal_conversation_ask(talk, &request, &reply, liminal_deadline_in_ms(20000)),
                     LIMINAL_ECANCELED);
    one = look(talk, &first);
    two = look(talk, &second);
    assert_ptr_equal(first, second);
    both_borrow(first, second, false);
    assert_int_equal(atomic_load(&ended), 0);
    liminal_snapshot_drop(&one);
    liminal_snapshot_drop(&two);
    liminal_conversation_drop(&talk);
    (void)race_shutdown(&house);
    assert_int_equal(atomic_load(&ended), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(both_refer_to_what_a_third_one_owns),
                                       TEST(both_follow_what_a_third_one_owns), TEST(both_read_the_log)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

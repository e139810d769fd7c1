/* SPDX-License-Identifier: MIT */
/* test_begun.c -- the requests that a participant was given, in order, taken from anywhere. */
#include "support/harness.h"

#include "begun.h"

static limi_stock stock;

/* A request stands for its number, which is its deadline here. */
static void append(limi_begun *begun, int64_t number)
{
    limi_request *request;
    assert_int_equal(limi_begun_reserve(begun), LIMINAL_OK);
    request = limi_request_create(&stock, LIMI_TICKET_SEND, NULL);
    assert_non_null(request);
    request->ticket.deadline.ns = number;
    limi_begun_append(begun, request);
}

static int64_t take(limi_begun *begun, size_t index)
{
    limi_request *request = limi_begun_take(begun, index);
    int64_t number = request->ticket.deadline.ns;
    limi_request_drop(request);
    limi_stock_clear(&stock);
    return number;
}

static void first_in_first_out(void **state)
{
    limi_begun begun;
    int64_t next = 0, expected = 0;
    (void)state;
    limi_begun_init(&begun, test_allocator());
    limi_stock_init(&stock, test_allocator());
    for (int round = 0; round < 1000; round++) { /* three in, two out */
        append(&begun, next++);
        append(&begun, next++);
        append(&begun, next++);
        assert_int_equal(take(&begun, 0), expected++);
        assert_int_equal(take(&begun, 0), expected++);
        assert_int_equal(begun.count, next - expected);
    }
    while (begun.count > 0) {
        assert_int_equal(take(&begun, 0), expected++);
    }
    assert_int_equal(expected, next);
    assert_int_equal(test_blocks(), 0); /* it was large, and is empty */
    limi_begun_clear(&begun);
    limi_stock_clear(&stock);
}

/* In and out for ever at a small size: no more room than that. */
static void room_is_used_again(void **state)
{
    limi_begun begun;
    (void)state;
    limi_begun_init(&begun, test_allocator());
    limi_stock_init(&stock, test_allocator());
    for (int64_t i = 0; i < 10; i++) {
        append(&begun, i);
    }
    for (int64_t i = 10; i < 10000; i++) {
        append(&begun, i);
        assert_int_equal(take(&begun, 0), i - 10);
        assert_true(begun.room <= 32);
    }
    limi_begun_clear(&begun);
    limi_stock_clear(&stock);
    assert_int_equal(test_blocks(), 0);
}

static void taken_from_anywhere_the_order_stays(void **state)
{
    static const size_t indexes[] = {3, 0, 4, 1, 1, 0, 1, 1, 0, 0};
    static const int64_t numbers[] = {3, 0, 6, 2, 4, 1, 7, 8, 5, 9};
    limi_begun begun;
    (void)state;
    limi_begun_init(&begun, test_allocator());
    limi_stock_init(&stock, test_allocator());
    for (int64_t i = 0; i < 10; i++) {
        append(&begun, i);
    }
    for (size_t i = 0; i < 10; i++) {
        int64_t seen = limi_begun_at(&begun, indexes[i])->ticket.deadline.ns;
        assert_int_equal(seen, numbers[i]);
        assert_int_equal(take(&begun, indexes[i]), numbers[i]);
    }
    assert_int_equal(begun.count, 0);
    limi_begun_clear(&begun);
    limi_stock_clear(&stock);
}

static void clearing_drops_the_shares(void **state)
{
    limi_begun begun;
    (void)state;
    limi_begun_init(&begun, test_allocator());
    limi_stock_init(&stock, test_allocator());
    for (int64_t i = 0; i < 40; i++) {
        append(&begun, i);
    }
    limi_begun_clear(&begun);
    limi_stock_clear(&stock);
    assert_int_equal(begun.count, 0);
    assert_int_equal(test_blocks(), 0);
    append(&begun, 1); /* and may be used again */
    limi_begun_clear(&begun);
    limi_stock_clear(&stock);
}

static void no_memory_is_a_status(void **state)
{
    limi_begun begun;
    (void)state;
    limi_begun_init(&begun, test_allocator());
    limi_stock_init(&stock, test_allocator());
    test_fail_nth(1);
    assert_int_equal(limi_begun_reserve(&begun), LIMINAL_ENOMEM);
    for (int64_t i = 0; i < 16; i++) {
        append(&begun, i);
    }
    test_fail_nth(1);
    assert_int_equal(limi_begun_reserve(&begun), LIMINAL_ENOMEM);
    assert_int_equal(begun.count, 16);
    append(&begun, 16);
    for (int64_t i = 0; i < 17; i++) {
        assert_int_equal(take(&begun, 0), i);
    }
    limi_begun_clear(&begun);
    limi_stock_clear(&stock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(first_in_first_out),        TEST(room_is_used_again),    TEST(taken_from_anywhere_the_order_stays),
        TEST(clearing_drops_the_shares), TEST(no_memory_is_a_status),
    };
    return cmocka_run_group_tests_name("begun", tests, NULL, NULL);
}

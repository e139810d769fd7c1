/* SPDX-License-Identifier: MIT */
/* test_request.c -- requests that nobody needs any more wait for the next ones, and there are not too many. */
#include "support/harness.h"

#include "request.h"

enum { MANY = 2 * LIMI_STOCK_SLOTS * LIMI_STOCK_CHAIN, KEPT = LIMI_STOCK_SLOTS * LIMI_STOCK_CHAIN };

static void create_many(limi_stock *stock, limi_request **out)
{
    for (int i = 0; i < MANY; i++) {
        out[i] = limi_request_create(stock, LIMI_TICKET_SEND, NULL);
        assert_non_null(out[i]);
    }
}

/* As many as there is room for are kept, and given again before any is made. */
static void what_goes_together_comes_back(void **state)
{
    limi_request *requests[MANY];
    limi_spares spares = {.first = NULL};
    limi_stock stock;
    (void)state;
    limi_stock_init(&stock, test_allocator());
    create_many(&stock, requests);
    assert_int_equal(test_blocks(), MANY);
    for (int i = 0; i < MANY; i++) {
        limi_request_drop_to(requests[i], &spares);
    }
    limi_stock_put(&stock, &spares);
    assert_null(spares.first);
    assert_int_equal(test_blocks(), KEPT);
    create_many(&stock, requests);
    assert_int_equal(test_blocks(), MANY);
    for (int i = 0; i < MANY; i++) {
        for (int k = 0; k < i; k++) {
            assert_ptr_not_equal(requests[i], requests[k]);
        }
    }
    for (int i = 0; i < MANY; i++) {
        limi_request_drop(requests[i]);
    }
    assert_int_equal(test_blocks(), LIMI_STOCK_SLOTS); /* one by one: a slot for each */
    limi_stock_clear(&stock);
    assert_int_equal(test_blocks(), 0);
}

/* Whoever has a share of one has it. */
static void what_somebody_needs_stays(void **state)
{
    limi_spares spares = {.first = NULL};
    limi_request *request;
    limi_stock stock;
    (void)state;
    limi_stock_init(&stock, test_allocator());
    request = limi_request_create(&stock, LIMI_TICKET_SEND, NULL);
    assert_non_null(request);
    limi_request_drop_to(limi_request_ref(request), &spares);
    assert_null(spares.first);
    limi_request_drop_to(request, &spares);
    assert_ptr_equal(spares.first, request);
    limi_stock_put(&stock, &spares);
    assert_ptr_equal(limi_request_create(&stock, LIMI_TICKET_ASK, NULL), request);
    limi_request_drop(request);
    limi_stock_clear(&stock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_goes_together_comes_back),
        TEST(what_somebody_needs_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

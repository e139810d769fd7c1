/* SPDX-License-Identifier: MIT */
/* test_list.c -- the intrusive list. */
#include "support/harness.h"

#include "list.h"

typedef struct item {
    int number;
    limi_list link;
} item;

static void fill(limi_list *list, item *items, int first, int count)
{
    for (int i = 0; i < count; i++) {
        items[i].number = first + i;
        limi_list_init(&items[i].link);
        limi_list_append(list, &items[i].link);
    }
}

/* Forwards and backwards, as digits of one number. */
static long read_list(const limi_list *list)
{
    long forwards = 0, backwards = 0, place = 1;
    for (const limi_list *at = list->next; at != list; at = at->next) {
        forwards = forwards * 10 + LIMI_HOLDER(at, item, link)->number;
    }
    for (const limi_list *at = list->prev; at != list; at = at->prev) {
        backwards += place * LIMI_HOLDER(at, item, link)->number;
        place *= 10;
    }
    assert_int_equal(forwards, backwards);
    return forwards;
}

static void pops_in_order(void **state)
{
    limi_list list;
    item items[3];
    (void)state;
    limi_list_init(&list);
    assert_true(limi_list_empty(&list));
    assert_null(limi_list_pop(&list));
    fill(&list, items, 1, 3);
    assert_false(limi_list_empty(&list));
    assert_int_equal(read_list(&list), 123);
    for (int i = 0; i < 3; i++) {
        limi_list *node = limi_list_pop(&list);
        assert_ptr_equal(node, &items[i].link);
        assert_true(limi_list_empty(node)); /* on no list any more */
    }
    assert_null(limi_list_pop(&list));
}

static void removes_anywhere(void **state)
{
    limi_list list;
    item items[4];
    (void)state;
    limi_list_init(&list);
    fill(&list, items, 1, 4);
    limi_list_remove(&items[1].link);
    assert_int_equal(read_list(&list), 134);
    limi_list_remove(&items[0].link);
    assert_int_equal(read_list(&list), 34);
    limi_list_remove(&items[3].link);
    assert_int_equal(read_list(&list), 3);
    limi_list_remove(&items[3].link); /* on no list: welcome */
    assert_int_equal(read_list(&list), 3);
    limi_list_remove(&items[2].link);
    assert_true(limi_list_empty(&list));
    limi_list_append(&list, &items[2].link); /* and again */
    assert_int_equal(read_list(&list), 3);
}

static void splices_behind(void **state)
{
    limi_list to, from;
    item first[2], second[3];
    (void)state;
    limi_list_init(&to);
    limi_list_init(&from);
    limi_list_splice(&to, &from);
    assert_true(limi_list_empty(&to));
    fill(&from, second, 5, 3);
    limi_list_splice(&to, &from);
    assert_true(limi_list_empty(&from));
    assert_int_equal(read_list(&to), 567);
    limi_list_splice(&to, &from);
    assert_int_equal(read_list(&to), 567);
    fill(&from, first, 1, 2);
    limi_list_splice(&to, &from);
    assert_true(limi_list_empty(&from));
    assert_int_equal(read_list(&to), 56712);
    assert_ptr_equal(limi_list_pop(&to), &second[0].link);
    assert_int_equal(read_list(&to), 6712);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(pops_in_order),
        TEST(removes_anywhere),
        TEST(splices_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

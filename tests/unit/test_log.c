/* SPDX-License-Identifier: MIT */
/* test_log.c -- the context log: its window, what views keep, what it costs, and views on another thread. */
#include "support/harness.h"

#include "log.h"

#include <liminal/envelope.h>

#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* ---- entries that say which they are ---------------------------------------------------------- */

static liminal_log_entry numbered(int64_t number)
{
    return (liminal_log_entry){.kind = LIMINAL_LOG_FAILED, .time = {number}};
}

static void append(limi_log *log, int64_t number)
{
    liminal_log_entry entry = numbered(number);
    assert_int_equal(limi_log_append(log, &entry), LIMINAL_OK);
}

static void shows(const limi_log_view *view, int64_t begin, int64_t end)
{
    assert_int_equal(limi_log_view_count(view), end - begin);
    for (int64_t i = begin; i < end; i++) {
        assert_int_equal(limi_log_view_at(view, (size_t)(i - begin))->time.unix_ns, i);
    }
}

static const size_t bounds[] = {1, 2, 3, 4, 5, 7, 8, 31, 32, 33, 64, 127, 128, 200, 1024, LIMINAL_UNBOUNDED};

#define EACH_BOUND(b) for (size_t b = 0; b < sizeof bounds / sizeof *bounds; b++)

static int64_t window_begin(int64_t end, size_t bound)
{
    return (uint64_t)end > bound ? end - (int64_t)bound : 0;
}

static void exactly_the_newest(void **state)
{
    (void)state;
    EACH_BOUND(b)
    {
        limi_log log;
        limi_log_init(&log, bounds[b], test_allocator());
        for (int64_t end = 0; end <= 1500; end++) {
            limi_log_view view;
            int64_t begin = window_begin(end, bounds[b]);
            /* With all mixtures of appending with and without a view having been taken. */
            if (end % 7 == 0 || end % 191 < 40) {
                limi_log_share(&log, &view);
                shows(&view, begin, end);
                limi_log_view_drop(&view);
            }
            assert_int_equal(limi_log_dropped(&log), begin);
            append(&log, end);
        }
        limi_log_clear(&log);
        assert_int_equal(test_blocks(), 0);
    }
}

static void views_never_change(void **state)
{
    (void)state;
    EACH_BOUND(b)
    {
        limi_log_view views[100];
        limi_log log;
        limi_log_init(&log, bounds[b], test_allocator());
        for (int64_t end = 0; end < 2500; end++) {
            if (end % 25 == 0) {
                size_t before = test_allocations();
                limi_log_share(&log, &views[end / 25]);
                assert_int_equal(test_allocations(), before); /* whatever the length */
            }
            append(&log, end);
        }
        limi_log_clear(&log); /* the views outlive it */
        for (int64_t i = 0; i < 100; i++) {
            int64_t which = i * 37 % 100; /* in no particular order */
            shows(&views[which], window_begin(which * 25, bounds[b]), which * 25);
            limi_log_view_drop(&views[which]);
            assert_null(views[which].directory);
        }
        assert_int_equal(test_blocks(), 0);
    }
}

/* ---- what it costs ---------------------------------------------------------------------------- */

static void at_most_64_bytes_an_entry(void **state)
{
    static const size_t few[] = {16, 32, 64, 128, 1024};
    limi_log log;
    (void)state;
    limi_log_init(&log, LIMINAL_UNBOUNDED, test_allocator());
    for (int64_t i = 0; i < 100000; i++) {
        append(&log, i);
    }
    assert_true(test_bytes() <= (size_t)100000 * 64);
    limi_log_clear(&log);
    for (size_t f = 0; f < sizeof few / sizeof *few; f++) {
        limi_log_init(&log, few[f], test_allocator());
        for (size_t i = 0; i < few[f]; i++) {
            append(&log, (int64_t)i);
        }
        assert_true(test_bytes() <= few[f] * 64 + 256); /* and a directory */
        limi_log_clear(&log);
    }
}

/* One view is held for ever, one is taken and dropped again and again: neither makes the log grow. */
static void a_bounded_log_stays_bounded(void **state)
{
    (void)state;
    EACH_BOUND(b)
    {
        limi_log_view kept, view;
        limi_log log;
        size_t most = 0, settled = 0;
        if (bounds[b] == LIMINAL_UNBOUNDED) {
            continue;
        }
        limi_log_init(&log, bounds[b], test_allocator());
        for (int64_t i = 0; i < 50000; i++) {
            append(&log, i);
            most = test_bytes() > most ? test_bytes() : most;
            settled = i < 8192 ? most : settled;
            if (i == 2000) {
                limi_log_share(&log, &kept);
            }
            if (i > 2000 && i % 3 == 0) {
                limi_log_share(&log, &view);
                limi_log_view_drop(&view);
            }
        }
        assert_true(most == settled);
        assert_true(settled <= 64 * 3 * bounds[b] + 8192);
        shows(&kept, window_begin(2001, bounds[b]), 2001);
        limi_log_view_drop(&kept);
        limi_log_clear(&log);
        assert_int_equal(test_bytes(), 0);
    }
}

static void count_release(void *context, void *data, size_t size)
{
    (void)data, (void)size;
    ++*(int *)context;
}

static void append_adopted(limi_log *log, int *released)
{
    static char nothing[] = "";
    void *data = nothing;
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    liminal_log_entry entry = {.kind = LIMINAL_LOG_SENT};
    liminal_envelope *envelope = NULL;
    assert_int_equal(liminal_envelope_adopt(&data, 0, count_release, released, &options, &envelope), LIMINAL_OK);
    entry.envelope = envelope;
    assert_int_equal(limi_log_append(log, &entry), LIMINAL_OK);
    liminal_envelope_drop(&envelope);
}

/* An envelope that nobody can read any more is let go with its entry, not with the rest of its chunk. */
static void envelopes_go_with_their_entries(void **state)
{
    (void)state;
    EACH_BOUND(b)
    {
        limi_log_view view;
        limi_log log;
        int released = 0;
        limi_log_init(&log, bounds[b], test_allocator());
        for (int i = 0; i < 300; i++) {
            append_adopted(&log, &released);
            assert_int_equal(released, window_begin(i + 1, bounds[b]));
        }
        limi_log_share(&log, &view);
        for (int i = 300; i < 3000; i++) {
            int seen_and_gone = released - (int)window_begin(300, bounds[b]);
            append_adopted(&log, &released);
            /* What the view shows stays; what came after it goes as before, but for one chunk or so. */
            if (bounds[b] < 300 && i - 300 >= (int)bounds[b] * 3 + 64) {
                assert_true(released >= i - 300 - 3 * (int)bounds[b] / 2 - 32);
            }
            assert_true(seen_and_gone <= i - 300);
        }
        for (size_t i = 0; i < limi_log_view_count(&view); i++) {
            assert_string_equal(liminal_envelope_text(limi_log_view_at(&view, i)->envelope), "");
        }
        limi_log_clear(&log);
        assert_true(released <= 3000 - (int)limi_log_view_count(&view));
        limi_log_view_drop(&view);
        assert_int_equal(released, 3000);
        assert_int_equal(test_blocks(), 0);
    }
}

/* Who looks after each message costs an eighth of the bound and two chunks, not as much again. */
static void envelopes_go_under_many_views(void **state)
{
    (void)state;
    EACH_BOUND(b)
    {
        size_t chunk = bounds[b] >= 128 ? 32 : bounds[b] >= 16 ? bounds[b] / 4 : 4;
        limi_log log;
        int released = 0;
        if (bounds[b] == LIMINAL_UNBOUNDED) {
            continue;
        }
        limi_log_init(&log, bounds[b], test_allocator());
        for (int i = 0; i < 5000; i++) {
            limi_log_view view;
            append_adopted(&log, &released);
            limi_log_share(&log, &view);
            limi_log_view_drop(&view);
            assert_true((size_t)(i + 1 - released) <= bounds[b] + (bounds[b] + 2 * chunk) / 8 + 2 * chunk);
        }
        limi_log_clear(&log);
        assert_int_equal(released, 5000);
    }
}

/* ---- without memory --------------------------------------------------------------------------- */

static void a_failed_append_changes_nothing(void **state)
{
    (void)state;
    EACH_BOUND(b)
    {
        limi_log_view view;
        limi_log log;
        int failures = 0;
        limi_log_init(&log, bounds[b], test_allocator());
        for (int64_t end = 0; end < 600; end++) {
            liminal_log_entry entry = numbered(end);
            if (end % 50 < 10) {
                limi_log_share(&log, &view);
                limi_log_view_drop(&view);
            }
            for (size_t nth = 1;; nth++) {
                size_t blocks = test_blocks();
                liminal_status st;
                test_fail_nth(nth);
                st = limi_log_append(&log, &entry);
                test_fail_nth(0);
                if (st == LIMINAL_OK) {
                    break;
                }
                assert_int_equal(st, LIMINAL_ENOMEM);
                assert_int_equal(test_blocks(), blocks);
                limi_log_share(&log, &view);
                shows(&view, window_begin(end, bounds[b]), end);
                limi_log_view_drop(&view);
                failures++;
            }
        }
        assert_true(failures >= 20); /* at least one for each chunk, and directories */
        assert_int_equal(limi_log_dropped(&log), window_begin(600, bounds[b]));
        limi_log_clear(&log);
    }
}

static void a_note_that_is_lost_is_counted(void **state)
{
    liminal_log_entry entry = numbered(0);
    limi_log_view view;
    limi_log log;
    (void)state;
    limi_log_init(&log, 2, test_allocator());
    assert_int_equal(liminal_phase_check(LIMINAL_PHASE_CLOSED, LIMINAL_PHASE_ACTIVE), LIMINAL_EPHASE);
    for (size_t nth = 1; nth <= 2; nth++) {
        test_fail_nth(nth);
        limi_log_note(&log, &entry);
        assert_int_equal(limi_log_dropped(&log), nth);
        assert_int_equal(test_blocks(), 0);
    }
    test_fail_nth(0);
    assert_string_equal(liminal_status_detail(), "invalid conversation phase transition from closed to active");
    for (int64_t i = 0; i < 3; i++) {
        entry = numbered(i);
        limi_log_note(&log, &entry);
    }
    assert_int_equal(limi_log_dropped(&log), 3);
    limi_log_share(&log, &view);
    shows(&view, 1, 3);
    limi_log_view_drop(&view);
    limi_log_clear(&log);
}

/* ---- two threads ------------------------------------------------------------------------------ */

enum { ENTRIES = LESS(100000) };

/* The writer puts a view in the slot when it finds it empty; the reader empties it. */
typedef struct handover {
    _Atomic(limi_log_view *) slot;
    atomic_bool finished;
    size_t read, wrong;
    size_t bound;
} handover;

static void read_view(handover *over, limi_log_view *view)
{
    int64_t begin = window_begin((int64_t)view->end, over->bound);
    size_t count = limi_log_view_count(view);
    size_t step = count > 200 ? count / 100 : 1;
    for (size_t i = 0; i < count; i += step) {
        const liminal_log_entry *entry = limi_log_view_at(view, i);
        over->wrong += entry->time.unix_ns != begin + (int64_t)i;
        over->wrong += strcmp(liminal_envelope_text(entry->envelope), "shared") != 0;
    }
    over->wrong += count != (size_t)((int64_t)view->end - begin);
    over->read++;
    limi_log_view_drop(view);
    free(view);
}

static void reader(void *argument)
{
    handover *over = argument;
    for (;;) {
        bool last = atomic_load(&over->finished);
        limi_log_view *view = atomic_exchange(&over->slot, NULL);
        if (view != NULL) {
            read_view(over, view);
        } else if (last) {
            return;
        } else {
            (void)sched_yield();
        }
    }
}

static void write_and_share(limi_log *log, handover *over, size_t *dropped_here)
{
    liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    for (int64_t i = 0; i < ENTRIES; i++) {
        liminal_envelope *envelope = NULL;
        liminal_log_entry entry = numbered(i);
        assert_int_equal(liminal_envelope_create("shared", 6, &options, &envelope), LIMINAL_OK);
        entry.envelope = envelope;
        assert_int_equal(limi_log_append(log, &entry), LIMINAL_OK);
        liminal_envelope_drop(&envelope);
        if (i % 10 == 0) {
            limi_log_view *view = malloc(sizeof *view), *none = NULL;
            limi_log_share(log, view);
            if (!atomic_compare_exchange_strong(&over->slot, &none, view)) {
                limi_log_view_drop(view); /* the reader is busy */
                free(view);
                ++*dropped_here;
            }
        }
    }
}

static void views_on_another_thread(void **state)
{
    static const size_t some[] = {1, 5, 100, 1024, LIMINAL_UNBOUNDED};
    (void)state;
    for (size_t b = 0; b < sizeof some / sizeof *some; b++) {
        handover over = {.bound = some[b]};
        size_t dropped_here = 0;
        test_thread thread;
        limi_log log;
        limi_log_init(&log, some[b], test_allocator());
        test_thread_start(&thread, reader, &over);
        write_and_share(&log, &over, &dropped_here);
        limi_log_clear(&log); /* while the reader may hold a view */
        atomic_store(&over.finished, true);
        test_thread_join(&thread);
        assert_int_equal(over.wrong, 0);
        assert_int_equal(over.read + dropped_here, ENTRIES / 10);
        assert_true(over.read > 0);
        assert_int_equal(test_blocks(), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(exactly_the_newest),
        TEST(views_never_change),
        TEST(at_most_64_bytes_an_entry),
        TEST(a_bounded_log_stays_bounded),
        TEST(envelopes_go_with_their_entries),
        TEST(envelopes_go_under_many_views),
        TEST(a_failed_append_changes_nothing),
        TEST(a_note_that_is_lost_is_counted),
        TEST(views_on_another_thread),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}

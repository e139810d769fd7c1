/* SPDX-License-Identifier: MIT */
/* sort.h -- sorting an index in place. qsort() may allocate behind the allocator's back; this does not. */
#ifndef LIMI_SORT_H
#define LIMI_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Whether the thing numbered `a` comes before the one numbered `b`. */
typedef bool limi_before(const void *things, uint16_t a, uint16_t b);

/* Let index[root] sink to its place in the heap of `count`, whose root comes last in the order. */
static inline void limi_sift(uint16_t *index, size_t root, size_t count, limi_before *before, const void *things)
{
    for (size_t child = 2 * root + 1; child < count; child = 2 * root + 1) {
        uint16_t up = index[root];
        if (child + 1 < count && before(things, index[child], index[child + 1])) {
            child++;
        }
        if (!before(things, up, index[child])) {
            return;
        }
        index[root] = index[child];
        index[child] = up;
        root = child;
    }
}

/* Sort: O(n log n) at worst, no memory of its own. */
static inline void limi_sort(uint16_t *index, size_t count, limi_before *before, const void *things)
{
    for (size_t root = count / 2; root-- > 0;) {
        limi_sift(index, root, count, before, things);
    }
    for (size_t end = count; end-- > 1;) {
        uint16_t last = index[0];
        index[0] = index[end];
        index[end] = last;
        limi_sift(index, 0, end, before, things);
    }
}

#endif

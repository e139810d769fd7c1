/* SPDX-License-Identifier: MIT */
/* place.c -- the memory model: each atomic keeps all its stores, newest first.
 *
 * A store says who made it, what it tells those who acquire it (`released`, the clocks), and when each fiber first
 * saw it. A fiber may load the newest store, or an older one as long as no newer one is in its past: one that somebody
 * made or saw at a moment that the fiber knows of. That one rule is coherence in all its four forms. Acquiring joins
 * the clocks that the store has released; releasing attaches one's own; a read-modify-write takes the newest and hands
 * on what that had released. A sequentially consistent load looks behind no sequentially consistent store: they were
 * executed in the one order that all of them agree on.
 *
 * What lies in memory is a mark: the execution's number and the place's. So a mark of an earlier execution, a copied
 * atomic, memory filled with something or a released block is noticed; zero is a place that holds zero. */
#include "inner.h"

typedef struct store {
    struct store *older;
    uint64_t value;
    uint32_t order; /* of this place, from 0 */
    bool sequential;
    sched_clocks released;
    sched_clocks seen; /* by each fiber first; 0: never */
} store;

struct place {
    store *newest;
    const uint32_t *cell;
    uint32_t name;
    uint32_t woken; /* a park sees no store older than this */
    uint16_t fibers;
    bool shared;
};

enum { PLACES = 1 << 16, STORES = 1 << 17 };

static place places[PLACES];
static store stores[STORES];
static unsigned place_count, store_count;

void places_clear(void)
{
    place_count = 1; /* 0 is none */
    store_count = 0;
}

void touch(uint16_t *fibers, bool shared, uint32_t name)
{
    uint16_t before = *fibers;
    *fibers |= (uint16_t)(1u << world.now->id);
    if (!shared && *fibers != before && before != 0) {
        now_shared(name);
    }
}

static store *push(place *p, uint64_t value)
{
    store *s = &stores[store_count];
    if (++store_count == STORES) {
        sched_fail(SCHED_LIVELOCK, "too many stores");
    }
    s->older = p->newest;
    s->value = value;
    s->order = p->newest != NULL ? p->newest->order + 1 : 0;
    s->sequential = false;
    s->released = (sched_clocks){{0}};
    s->seen = (sched_clocks){{0}};
    p->newest = s;
    return s;
}

static place *open_place(uint32_t *cell, uint64_t value)
{
    place *p = &places[place_count];
    if (place_count == PLACES - 1) {
        sched_fail(SCHED_LIVELOCK, "too many atomics");
    }
    *cell = world.run << 16 | place_count++;
    p->newest = NULL;
    p->cell = cell;
    p->name = heap_name(cell);
    p->woken = 0;
    p->fibers = 0;
    p->shared = is_shared(p->name);
    (void)push(p, value);
    return p;
}

place *place_at(uint32_t *cell)
{
    uint32_t mark = *cell;
    place *p = &places[mark & 0xffff];
    if (mark == 0) {
        return open_place(cell, 0);
    }
    if (mark >> 16 != world.run || (mark & 0xffff) >= place_count || p->cell != cell) {
        sched_fail(SCHED_FREED, "no atomic is here: %s", heap_says(cell));
    }
    return p;
}

uint64_t place_newest(const place *p)
{
    return p->newest->value;
}

/* ---- what a fiber knows ---- */

static bool in_past(const store *s)
{
    const sched_clocks *mine = &world.now->clocks;
    unsigned known = 0;
    for (int i = 0; i < SCHED_FIBERS; i++) { /* no early end, so that it becomes vectors */
        known |= (unsigned)(s->seen.of[i] != 0) & (unsigned)(s->seen.of[i] <= mine->of[i]);
    }
    return known != 0;
}

static void see(store *s, sched_order order)
{
    fiber *me = world.now;
    if (s->seen.of[me->id] == 0) {
        s->seen.of[me->id] = me->clocks.of[me->id];
    }
    if (order & SCHED_ACQUIRE) {
        sched_join_clocks(&me->clocks, &s->released);
    }
}

/* The stores that a load may give, newest first; none before the one numbered `least`. */
static unsigned list_stores(const place *p, sched_order order, uint32_t least, store **out)
{
    unsigned count = 0;
    for (store *s = p->newest; s != NULL && count < SCHED_OLD && s->order >= least; s = s->older) {
        out[count++] = s;
        if (in_past(s) || (order == SCHED_SEQ && s->sequential)) {
            break;
        }
    }
    return count;
}

static store *pick(const place *p, sched_order order, uint32_t least)
{
    store *old[SCHED_OLD];
    unsigned count = may_choose(world.left.old) ? list_stores(p, order, least, old) : 1;
    return count > 1 ? old[choose_old(count)] : p->newest;
}

/* ---- the operations ---- */

void place_touch(place *p, bool also)
{
    touch(&p->fibers, p->shared, p->name);
    turn_point(p->shared || also);
}

/* The place again after the point, for others may have had their turn there. */
static place *come_to(uint32_t *cell, size_t width, unsigned kind)
{
    place *p = place_at(cell);
    place_touch(p, false);
    shadow_access(cell, width, kind);
    footprint_note(cell, kind == ATOMIC_READ);
    return place_at(cell);
}

void sched_init(uint32_t *cell, size_t width, uint64_t value)
{
    if (world.now == NULL) {
        return; /* outside of every execution: a static initialiser in code */
    }
    shadow_access(cell, width, PLAIN_WRITE);
    (void)open_place(cell, value);
}

uint64_t sched_load(const uint32_t *cell, size_t width, sched_order order)
{
    place *p = come_to((uint32_t *)(uintptr_t)cell, width, ATOMIC_READ);
    store *s = pick(p, order, 0);
    see(s, order);
    tick();
    return s->value;
}

static void make(place *p, uint64_t value, const store *continued, sched_order order)
{
    fiber *me = world.now;
    store *s = push(p, value);
    if (continued != NULL) {
        s->released = continued->released;
    }
    if (order & SCHED_RELEASE) {
        sched_join_clocks(&s->released, &me->clocks);
    }
    s->sequential = order == SCHED_SEQ;
    s->seen.of[me->id] = me->clocks.of[me->id];
    tick();
}

void sched_store(uint32_t *cell, size_t width, uint64_t value, sched_order order)
{
    make(come_to(cell, width, ATOMIC_WRITE), value, NULL, order);
}

uint64_t sched_modify(uint32_t *cell, size_t width, sched_change change, uint64_t value, sched_order order)
{
    place *p = come_to(cell, width, ATOMIC_WRITE);
    store *s = p->newest;
    uint64_t after = value;
    switch (change) {
    case SCHED_ADD:
        after = s->value + value;
        break;
    case SCHED_SUB:
        after = s->value - value;
        break;
    case SCHED_OR:
        after = s->value | value;
        break;
    case SCHED_AND:
        after = s->value & value;
        break;
    case SCHED_EXCHANGE:
    default:
        break;
    }
    see(s, order);
    make(p, width == 4 ? after & UINT32_MAX : after, s, order);
    return s->value;
}

/* A failed one is a load, which may see an older value, but not the expected one. */
static store *pick_other(const place *p, uint64_t expected, sched_order order)
{
    store *old[SCHED_OLD];
    unsigned count = may_choose(world.left.old) ? list_stores(p, order, 0, old) : 1;
    unsigned kept = 1;
    for (unsigned i = 1; i < count; i++) {
        if (old[i]->value != expected) {
            old[kept++] = old[i];
        }
    }
    return kept > 1 ? old[choose_old(kept)] : p->newest;
}

bool sched_cas(uint32_t *cell, size_t width, uint64_t *expected, uint64_t value, sched_order order)
{
    place *p = come_to(cell, width, ATOMIC_WRITE);
    store *s = pick_other(p, *expected, order);
    see(s, order);
    if (s->value != *expected) {
        *expected = s->value;
        tick();
        return false;
    }
    make(p, value, s, order);
    return true;
}

void sched_relax(void)
{
    turn_yield();
}

/* ---- parks ---- */

bool place_check(place *p, uint32_t expected)
{
    store *s = pick(p, SCHED_RELAXED, p->woken);
    see(s, SCHED_RELAXED);
    tick();
    return s->value == expected;
}

const void *place_cell(const place *p)
{
    return p->cell;
}

void place_unparked(place *p)
{
    for (const store *s = p->newest; s != NULL; s = s->older) {
        if (in_past(s)) {
            p->woken = s->order > p->woken ? s->order : p->woken;
            break;
        }
    }
    tick();
}


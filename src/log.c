/* SPDX-License-Identifier: MIT */
/* log.c -- the context log: append-only chunks that snapshots share. */
#include "log.h"

#include "detail.h"
#include "envelope.h"
#include "memory.h"
#include "seldom.h"

#include <string.h>

#define CHUNK_SHIFT_MOST 5 /* 32 entries: the cost of a chunk's own spread thin */
#define CHUNK_SHIFT_LEAST 2
#define DIRECTORY_LEAST 4

typedef struct limi_log_chunk {
    limi_refcount owners; /* directories */
    liminal_log_entry entries[];
} chunk;

_Static_assert(sizeof(liminal_log_entry) <= 48, "an entry with its share of everything stays within 64 bytes");

struct limi_log_directory {
    limi_refcount owners; /* views, and the log */
    bool shared;          /* the writer's: there has been a view of it, so slots that are set stay set */
    unsigned shift;
    liminal_allocator allocator;
    size_t capacity;
    uint64_t first; /* number of the chunk that slots[0] is for */
    uint64_t seen;  /* the writer's: no view reads entries from this number on */
    chunk *slots[];
};

static size_t chunk_bytes(unsigned shift)
{
    return sizeof(chunk) + ((size_t)1 << shift) * sizeof(liminal_log_entry);
}

static size_t directory_bytes(size_t capacity)
{
    return sizeof(limi_log_directory) + capacity * sizeof(chunk *);
}

static size_t slot_of(const limi_log_directory *directory, uint64_t number)
{
    return (size_t)((number >> directory->shift) - directory->first);
}

static liminal_log_entry *entry_at(const limi_log_directory *directory, uint64_t number)
{
    size_t place = (size_t)number & (((size_t)1 << directory->shift) - 1);
    return &directory->slots[slot_of(directory, number)]->entries[place];
}

static bool begins_chunk(const limi_log *log, uint64_t number)
{
    return ((unsigned)number & log->within) == 0;
}

static void empty_chunk(chunk *dead, unsigned shift)
{
    for (size_t i = 0; i < (size_t)1 << shift; i++) {
        const liminal_envelope *envelope = dead->entries[i].envelope;
        dead->entries[i].envelope = NULL;
        limi_envelope_unref(envelope);
    }
}

static void drop_chunk(chunk *dead, unsigned shift, const liminal_allocator *allocator)
{
    if (dead != NULL && limi_refcount_down_private(&dead->owners)) {
        empty_chunk(dead, shift);
        limi_release(allocator, dead, chunk_bytes(shift));
    }
}

static void drop_directory(limi_log_directory *dead)
{
    liminal_allocator allocator;
    if (dead == NULL || !limi_refcount_down_private(&dead->owners)) {
        return;
    }
    allocator = dead->allocator;
    for (size_t i = 0; i < dead->capacity; i++) {
        drop_chunk(dead->slots[i], dead->shift, &allocator);
    }
    limi_release(&allocator, dead, directory_bytes(dead->capacity));
}

void limi_log_init(limi_log *log, size_t bound, const liminal_allocator *allocator)
{
    *log = (limi_log){.allocator = allocator, .bound = bound, .shift = CHUNK_SHIFT_MOST};
    /* Chunks go as a whole, so a log of few entries takes small ones: it may be of large envelopes. */
    while (log->shift > CHUNK_SHIFT_LEAST && bound >> log->shift < 4) {
        log->shift--;
    }
    log->within = (1u << log->shift) - 1;
}

void limi_log_clear(limi_log *log)
{
    limi_log_directory *directory = log->directory;
    limi_release(log->allocator, log->spare, chunk_bytes(log->shift));
    limi_log_init(log, log->bound, log->allocator);
    drop_directory(directory);
}

/* Of a directory that nobody else has ever seen, what was pushed out makes room at the other end. */
static void slide(limi_log *log)
{
    limi_log_directory *directory = log->directory;
    size_t stale, used;
    if (directory == NULL || directory->shared) {
        return;
    }
    stale = slot_of(directory, log->begin);
    used = slot_of(directory, log->end);
    if (used == directory->capacity && stale >= directory->capacity / 4) {
        memmove(directory->slots, directory->slots + stale, (used - stale) * sizeof *directory->slots);
        memset(directory->slots + used - stale, 0, stale * sizeof *directory->slots);
        directory->first += stale;
    }
}

/* Whether the next chunk needs a new directory. Of a shared one, which can't let go of single chunks, an
 * eighth of what can be read may have been pushed out before it is worth making another. */
static bool must_renew(const limi_log *log)
{
    const limi_log_directory *directory = log->directory;
    size_t stale, used;
    if (directory == NULL) {
        return true;
    }
    stale = slot_of(directory, log->begin);
    used = slot_of(directory, log->end);
    return used == directory->capacity || (directory->shared && stale > (used - stale) / 8);
}

/* Make a directory of the chunks that can still be read, with room for as many again. NULL without memory. */
static limi_log_directory *renew(const limi_log *log)
{
    const limi_log_directory *old = log->directory;
    size_t stale = old != NULL ? slot_of(old, log->begin) : 0;
    size_t live = old != NULL ? slot_of(old, log->end) - stale : 0;
    size_t capacity = 2 * live > DIRECTORY_LEAST ? 2 * live : DIRECTORY_LEAST;
    limi_log_directory *directory = limi_allocate(log->allocator, directory_bytes(capacity));

    if (directory == NULL) {
        return NULL;
    }
    limi_refcount_init(&directory->owners);
    directory->shift = log->shift;
    directory->allocator = *log->allocator;
    directory->capacity = capacity;
    directory->first = log->begin >> log->shift;
    directory->seen = old != NULL ? old->seen : 0;
    for (size_t i = 0; i < live; i++) {
        directory->slots[i] = old->slots[stale + i];
        limi_refcount_up_private(&directory->slots[i]->owners);
    }
    return directory;
}

/* Have a chunk for the next entry, which is the first of it. */
static liminal_status open_chunk(limi_log *log)
{
    limi_log_directory *old = NULL;
    chunk *spare = log->spare;
    chunk *fresh = spare != NULL ? spare : limi_allocate(log->allocator, chunk_bytes(log->shift));
    if (fresh == NULL) {
        return LIMINAL_ENOMEM;
    }
    slide(log);
    if (must_renew(log)) {
        limi_log_directory *directory = renew(log);
        if (directory == NULL) {
            limi_release(log->allocator, spare == NULL ? fresh : NULL, chunk_bytes(log->shift));
            return LIMINAL_ENOMEM;
        }
        old = log->directory;
        log->directory = directory;
    }
    log->spare = NULL;
    limi_refcount_init(&fresh->owners);
    log->directory->slots[slot_of(log->directory, log->end)] = fresh;
    log->next = fresh->entries;
    drop_directory(old);
    return LIMINAL_OK;
}

/* Entry `begin` was the last of its chunk that could be read. */
LIMI_SELDOM static void leave_chunk(limi_log *log)
{
    limi_log_directory *directory = log->directory;
    size_t slot = slot_of(directory, log->begin - 1);
    chunk *dead = directory->slots[slot];
    log->oldest = NULL;
    if (directory->shared) {
        return;
    }
    directory->slots[slot] = NULL;
    if (limi_refcount_down_private(&dead->owners)) {
        if (log->begin - log->within <= directory->seen) { /* else each entry was emptied when it was pushed out */
            empty_chunk(dead, log->shift);
        }
        limi_release(log->allocator, log->spare, chunk_bytes(log->shift));
        log->spare = dead;
    }
}

LIMI_SELDOM static liminal_log_entry *first_entry(const limi_log *log)
{
    return entry_at(log->directory, log->begin);
}

/* A message that was kept and then received stands here twice, and a request before its reply, which has a share of
 * it. If there are no other shares of that reply, nor then of the request, nobody but the log can count: no locked
 * operation is needed. In this order, for who has the reply may come by a share of the request through it. */
static inline bool stays_with(const liminal_envelope *next, const liminal_envelope *envelope)
{
    return next != NULL &&
           (next == envelope || (next->facts.cause == envelope && limi_refcount_is(&next->owners, 1))) &&
           limi_refcount_is(&envelope->owners, 2);
}

static inline void push_out(limi_log *log)
{
    const limi_log_directory *directory = log->directory;
    liminal_log_entry *oldest = log->oldest != NULL ? log->oldest : first_entry(log);
    const liminal_envelope *envelope = NULL;

    if (log->begin >= directory->seen) {
        envelope = oldest->envelope; /* no view reads it: it need not wait for the rest of its chunk */
        oldest->envelope = NULL;
    }
    log->oldest = oldest + 1;
    log->begin++;
    if (begins_chunk(log, log->begin)) {
        leave_chunk(log);
    } else if (envelope != NULL && stays_with(oldest[1].envelope, envelope)) {
        limi_refcount_set(&((liminal_envelope *)(uintptr_t)envelope)->owners, 1);
        return;
    }
    /* Last, when all is in order, because this may run a callback. */
    limi_envelope_unref(envelope);
}

/* It has been written, where the next one goes. */
static inline void count_in(limi_log *log, liminal_log_entry *entry)
{
    uint64_t end = log->end + 1;
    limi_envelope_count(entry->envelope);
    log->next = begins_chunk(log, end) ? NULL : entry + 1;
    log->end = end;
    if (end - log->begin > log->bound) {
        push_out(log);
    }
}

liminal_status limi_log_append(limi_log *log, const liminal_log_entry *entry)
{
    if (log->next == NULL) {
        liminal_status st = open_chunk(log);
        if (st != LIMINAL_OK) {
            return st;
        }
    }
    *log->next = *entry;
    count_in(log, log->next);
    return LIMINAL_OK;
}

/* Room for one more, in a chunk that is not there yet; false: it is lost. */
LIMI_SELDOM static bool make_room(limi_log *log)
{
    limi_detail_room before = *limi_detail_here();
    if (open_chunk(log) != LIMINAL_OK) {
        log->lost++;
        *limi_detail_here() = before;
    }
    return log->next != NULL;
}

void limi_log_note(limi_log *log, const liminal_log_entry *entry)
{
    if (log->next != NULL || make_room(log)) {
        *log->next = *entry;
        count_in(log, log->next);
    }
}

void limi_log_note_message(limi_log *log, liminal_log_kind kind, const liminal_envelope *envelope, liminal_time now)
{
    if (log->next != NULL || make_room(log)) {
        liminal_log_entry *entry = log->next;
        *entry = (liminal_log_entry){.kind = kind, .time = now, .envelope = envelope};
        log->latest = now;
        count_in(log, entry);
    }
}

uint64_t limi_log_dropped(const limi_log *log)
{
    return log->begin + log->lost;
}

void limi_log_share(const limi_log *log, limi_log_view *out)
{
    limi_log_directory *directory = log->directory;
    if (directory != NULL) {
        limi_refcount_up_private(&directory->owners);
        directory->shared = true;
        directory->seen = log->end;
    }
    *out = (limi_log_view){.directory = directory, .begin = log->begin, .end = log->end};
}

size_t limi_log_view_count(const limi_log_view *view)
{
    return (size_t)(view->end - view->begin);
}

const liminal_log_entry *limi_log_view_at(const limi_log_view *view, size_t index)
{
    return entry_at(view->directory, view->begin + index);
}

void limi_log_view_drop(limi_log_view *view)
{
    limi_log_directory *directory = view->directory;
    *view = (limi_log_view){0};
    drop_directory(directory);
}

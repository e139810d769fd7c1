/* SPDX-License-Identifier: MIT */
/* log.h -- the context log: append-only chunks that snapshots share. Pure.
 *
 * Entries are numbered from 0. They lie in chunks; a directory points to the chunks. A view holds one
 * reference to the directory and two numbers, so taking one costs the same however long the log is. The one
 * writer goes on appending to a directory that views share, because it only writes slots that no view reads;
 * it makes itself a new directory when the old one is full or keeps too much that the bound has pushed out. */
#ifndef LIMI_LOG_H
#define LIMI_LOG_H

#include <liminal/state.h>

typedef struct limi_log_directory limi_log_directory;

/* One thread at a time; views may be read and dropped on other threads meanwhile. */
typedef struct limi_log {
    const liminal_allocator *allocator; /* borrowed */
    size_t bound;                       /* entries that can be read, at most */
    unsigned shift;                     /* a chunk has 1 << shift entries ... */
    unsigned within;                    /* ... and of an entry's number these bits say which of them it is */
    limi_log_directory *directory;      /* NULL before the first entry */
    uint64_t begin, end;                /* numbers of the oldest entry that can be read, and of the next one */
    liminal_log_entry *next;            /* where entry `end` goes; NULL: into a chunk that is not there yet */
    liminal_log_entry *oldest;          /* entry `begin`; NULL: in a chunk that has not been looked for yet */
    liminal_time latest;                /* of the last message that was noted */
    uint64_t lost;                      /* entries that there was no memory for */
    struct limi_log_chunk *spare;       /* one that was pushed out, for the next that is wanted */
} limi_log;

/* An immutable window on a log, for any thread, which outlives the log. */
typedef struct limi_log_view {
    limi_log_directory *directory;
    uint64_t begin, end;
} limi_log_view;

void limi_log_init(limi_log *log, size_t bound, const liminal_allocator *allocator);

/* Release what the log holds; views stay good. */
void limi_log_clear(limi_log *log);

/* Append a copy of the entry and a reference to its envelope. ENOMEM, with nothing changed. What falls out at
 * the other end may run the release function of an adopted buffer. */
liminal_status limi_log_append(limi_log *log, const liminal_log_entry *entry);

/* The same for an entry that must not fail: without memory it counts as lost, and the detail stays as it was. */
void limi_log_note(limi_log *log, const liminal_log_entry *entry);

/* That for a message. */
void limi_log_note_message(limi_log *log, liminal_log_kind kind, const liminal_envelope *envelope, liminal_time now);

/* How many entries can no longer be read: pushed out or lost. */
uint64_t limi_log_dropped(const limi_log *log);

/* Take a view: no allocation. */
void limi_log_share(const limi_log *log, limi_log_view *out);

size_t limi_log_view_count(const limi_log_view *view);

/* Entry `index` of the view, oldest first; the index is inside. */
const liminal_log_entry *limi_log_view_at(const limi_log_view *view, size_t index);

void limi_log_view_drop(limi_log_view *view);

#endif

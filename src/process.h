/* SPDX-License-Identifier: MIT */
/* process.h -- what a pid stands for: alive, or dead for a reason; who is linked to it, and who wants
 * to be told. */
#ifndef LIMI_PROCESS_H
#define LIMI_PROCESS_H

#include <liminal/link.h>
#include <liminal/process.h>

#include "list.h"
#include "mailbox.h"
#include "platform.h"
#include "table.h"

struct limi_talk;
typedef struct limi_process limi_process;

/* An exit message, from the exit that causes it until it was handled. It lies in the block of the link, or of
 * the signal, that it came through. */
typedef struct limi_message {
    limi_node node;  /* in the mailbox of a conversation */
    limi_list place; /* at a participant, or in an inbox */
    limi_process *to;
    uint64_t behind; /* at a participant: it comes behind the requests that were seated before this one */
    liminal_exit exit;
} limi_message;

/* What the holder of a record does. Called with no lock held, except where it says so. */
typedef struct limi_process_kind {
    /* Keep the record's memory, and let go again. ref: with the supervisor's lock held. */
    void (*ref)(limi_process *process);
    void (*unref)(limi_process *process);

    /* It is dead: tell its conversation, stop what runs it. Once, on the thread that caused the death, right
     * after the mark; it must not run turns or wait, or call the embedder. NULL: there is nothing to do. */
    void (*died)(limi_process *process);

    /* After that, when all deaths that follow from it were made known: call limi_process_announce(), and what else of
     * the embedder's has waited for this. Once, on the same thread. NULL: its notices are all. */
    void (*announce)(limi_process *process);

    /* It traps: here is an exit message for it, which this takes. May be called after its death. NULL: see told. */
    void (*deliver)(limi_process *process, limi_message *message);

    /* It traps, and has no deliver(): exit messages are put here, and then it is told; the oldest first. May be called
     * after its death. NULL as well: it can't be told, and never traps. */
    limi_list *(*inbox)(limi_process *process);
    void (*told)(limi_process *process);

    /* Killed. Takes a share of the record. NULL: it exits with LIMINAL_EXIT_KILLED. */
    liminal_status (*kill)(limi_process *process);

    bool immune;      /* signals and kills do nothing to it */
    bool always_traps;
} limi_process_kind;

/* Embedded in what it stands for, so that no death is lost to a failed allocation. All of it is guarded by
 * the lock of its supervisor, and so are notices and links; but next_dead is its cascade's. */
struct limi_process {
    liminal_exit exit; /* exit.pid always; the rest once it is dead, and then it never changes */
    bool dead;
    bool traps;
    bool listed;         /* in the registry ... */
    bool latent;         /* ... but nobody's yet: not to be found */
    uint32_t link_count; /* how many ... */
    limi_list links;     /* ... ends of links */
    limi_list notices;   /* armed ones; those of conversations, which hear of it first, in front */
    limi_process *next_dead; /* in the cascade that mourns it */
    const limi_process_kind *kind;
    struct limi_talk *talk; /* the conversation it belongs to; NULL for what was adopted */
    UT_hash_handle hh;      /* in the registry, by exit.pid */
};

void limi_process_init(limi_process *process, liminal_pid pid, const limi_process_kind *kind, struct limi_talk *talk);

/* ---- death: process.c ---- */

/* The process has ended: from here on it is dead for everyone, and a new notice fires at once. Only the
 * first call counts; false for the others. After true, limi_process_mourn() has to follow. */
bool limi_process_mark(liminal_supervisor *supervisor, limi_process *process, liminal_exit_reason reason,
                       limi_instant seen);

/* After that, with no lock held: its died(), its links and all deaths that follow from them, its notices.
 * Inside another cascade of this thread it is left to that. */
void limi_process_mourn(liminal_supervisor *supervisor, limi_process *process);

/* The same with a share of it, which this takes, also if a notice ends the thread. */
void limi_process_mourn_held(liminal_supervisor *supervisor, limi_process *process);

/* Both, as of now. */
bool limi_process_end(liminal_supervisor *supervisor, limi_process *process, liminal_exit_reason reason);

/* ---- links: link.c; what needs the lock is in supervisor.h ---- */

typedef struct limi_link limi_link;

/* It was handled, or there is nobody to handle it. */
void limi_message_drop(liminal_supervisor *supervisor, limi_message *message);

/* Take the oldest exit message: false if there is none. */
bool limi_inbox_take(liminal_supervisor *supervisor, limi_list *inbox, liminal_exit *out);

/* Throw away what it holds. The record is about to go, or it is dead. */
void limi_inbox_clear(liminal_supervisor *supervisor, limi_list *inbox);

/* ---- notices: notice.c ---- */

/* Fire its notices on this thread, with no lock held: the watches, or the others. Dead. */
void limi_process_tell_watchers(liminal_supervisor *supervisor, limi_process *process);
void limi_process_announce(liminal_supervisor *supervisor, limi_process *process);

/* Inside announce(): of all deaths that this thread makes known now it is the last. */
bool limi_process_is_announced_last(void);

/* Arm a notice on a process that may be dead already: it fires then, before this returns. *out may be
 * wanted by nobody (NULL). With `watch` it is one of a conversation's: the process must live, and `notify` does
 * no more than a died() may. */
liminal_status limi_notice_arm(liminal_supervisor *supervisor, liminal_pid pid,
                               void (*notify)(void *self, const liminal_exit *exit), void *self, bool watch,
                               liminal_notice **out);

/* Take a notice back without waiting: true if it will never fire, false if it fires or has fired.
 * The caller's reference is gone either way. */
bool limi_notice_take_back(liminal_notice **notice);

#endif

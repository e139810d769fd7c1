/* SPDX-License-Identifier: MIT */
/* process.h -- what a pid stands for: alive, or dead for a reason; and who wants to be told. */
#ifndef LIMI_PROCESS_H
#define LIMI_PROCESS_H

#include <liminal/process.h>

#include "list.h"
#include "platform.h"
#include "table.h"

struct limi_talk;

/* Embedded in what it stands for, so that no death is lost to a failed allocation. Guarded by the
 * lock of its supervisor; so are the notices. */
typedef struct limi_process {
    liminal_exit exit; /* exit.pid always; the rest once it is dead */
    bool dead;
    limi_list notices;      /* armed ones */
    struct limi_talk *talk; /* the conversation it belongs to */
    UT_hash_handle hh;      /* in the registry, by exit.pid */
} limi_process;

void limi_process_init(limi_process *process, liminal_pid pid, struct limi_talk *talk);

/* The process has ended: from here on it is dead for everyone, and a new notice fires at once. Only
 * the first call counts; false for the others. */
bool limi_process_mark(liminal_supervisor *supervisor, limi_process *process, liminal_exit_reason reason,
                       liminal_time seen, int64_t seen_ns);

/* After that: fire its notices on this thread, with no lock held. */
void limi_process_announce(liminal_supervisor *supervisor, limi_process *process);

/* Arm a notice on a process that may be dead already: it fires then, before this returns. *out may be
 * wanted by nobody (NULL). */
liminal_status limi_notice_arm(liminal_supervisor *supervisor, liminal_pid pid,
                               void (*notify)(void *self, const liminal_exit *exit), void *self, bool must_live,
                               liminal_notice **out);

/* Take a notice back without waiting: true if it will never fire, false if it fires or has fired.
 * The caller's reference is gone either way. */
bool limi_notice_take_back(liminal_notice **notice);

#endif

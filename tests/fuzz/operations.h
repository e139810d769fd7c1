/* SPDX-License-Identifier: MIT */
/* operations.h -- what a sequence of operations works on, and the books it keeps. One thread performs the operations;
 * behaviours, notices and undoing may run on others, so what they touch is atomic or does not change.
 *
 * fuzz_operations.c reads the sequence, operations_talk.c sends, receives and asks, operations_fellow.c is what
 * participants do, operations_process.c links, kills and is told, operations_end.c ends it all and looks at the
 * books. */
#ifndef TEST_FUZZ_OPERATIONS_H
#define TEST_FUZZ_OPERATIONS_H

#include "fuzz.h"

#include "support/harness.h"

#include <liminal.h>

#include <stdatomic.h>

enum { SLOTS = 6, HANDLES = 3, SEATS = 3, SAYINGS = 1024, WISHES = 16, STEPS = 16, EXTRAS = 8 };

/* What a request asks of who answers it. The later ones call the library, on another conversation or its own. */
typedef enum deed {
    DEED_ECHO,
    DEED_SILENCE,
    DEED_FRESH, /* a reply of its own */
    DEED_FAIL,
    DEED_EXIT,
    DEED_ANSWER_AND_EXIT,
    DEED_ASK,
    DEED_SEND,
    DEED_RECEIVE,
    DEED_CLOSE,
    DEED_KILL,
    DEED_LINK,
    DEED_COUNT
} deed;

typedef struct words {
    uint32_t serial; /* in all that was said */
    uint8_t deed, argument;
} words;

/* One message, by its serial. */
typedef struct saying {
    uint8_t slot; /* SLOTS: of no conversation that is kept */
    bool is_ask, by_main;
    atomic_int begun, heard;
    atomic_bool came_back; /* refused or withdrawn: nobody ever began it */
} saying;

/* What stands behind a participant. */
typedef struct fellow {
    atomic_int running, releases;
    bool taken;                 /* a spawn succeeded with it */
    liminal_status start_gives;
} fellow;

/* A conversation; each spawn takes the next one, so that no number means two. */
typedef struct slot {
    liminal_conversation *handles[HANDLES];
    fellow fellows[SEATS];
    liminal_pid seats[SEATS];
    size_t seat_count, log_entries;
    bool watched_only, routes, waits, compensates, has_deadline;
    _Atomic(uint64_t) pid;         /* of its actor, as last seen */
    atomic_size_t taken, back, heard; /* messages accepted; asks that came back; replies that we got */
    uint32_t last_heard;           /* of what the main thread sent */
    atomic_int undone;             /* calls of compensate() */
} slot;

typedef struct wish {
    liminal_notice *notice;
    liminal_pid pid;
    bool registered, cancelled;
    int fired_before; /* when it was cancelled */
    atomic_int fired;
} wish;

typedef struct step {
    size_t slot;
    bool registered;
    atomic_int undone;
} step;

typedef struct world {
    liminal_supervisor *supervisor; /* the main thread's, for the shutdown */
    liminal_supervisor *boss;       /* the same, and never cleared */
    slot slots[SLOTS];
    size_t slot_count;
    saying sayings[SAYINGS];
    _Atomic(uint32_t) said;
    wish wishes[WISHES];
    size_t wish_count;
    step steps[STEPS];
    size_t step_count;
    fellow extras[EXTRAS];
    size_t extra_count;
    liminal_pid me; /* the main thread, as long as it is attached */
    atomic_bool memory_fails, threads_fail;
    bool limited;
} world;

extern world here;

/* One of the statuses that a call may give. ENOMEM only if memory was made to fail. */
#define MAY(status) (1u << (status))
void expect(liminal_status status, unsigned allowed, const char *call);

/* ---- operations_talk.c: on any thread ---- */

/* An envelope for that conversation, with its serial; NULL if there is no memory or no number left. */
liminal_envelope *say(size_t slot, deed what, uint8_t argument, bool is_ask, bool by_main, liminal_deadline deadline,
                      uint32_t *out_serial);
words read_words(const liminal_envelope *envelope);

void talk_send(liminal_conversation *conversation, size_t slot, liminal_envelope *message, bool waits,
               liminal_deadline deadline);
liminal_status talk_receive(liminal_conversation *conversation, size_t slot, bool is_main, liminal_deadline deadline);
void talk_ask(liminal_conversation *conversation, size_t slot, liminal_envelope *request, unsigned also,
              liminal_deadline deadline);

/* ---- operations_fellow.c ---- */

extern const liminal_behaviour fellow_plain, fellow_trapping;
void fellow_is_told(void *self, const liminal_exit *exit); /* self: a wish */
liminal_status fellow_undoes(void *self, const liminal_envelope *what); /* self: a step */
liminal_status fellow_compensates(void *self, const liminal_snapshot *snapshot); /* self: a slot */

/* ---- reading the sequence ---- */

typedef struct reader {
    const uint8_t *at, *end;
} reader;

uint8_t number(reader *in);           /* the next argument; 0 behind the last */
liminal_deadline soon(uint8_t which); /* even: passed */
liminal_conversation *handle_of(const slot *s); /* any handle on it; NULL if there is none */

/* ---- operations_process.c ---- */

liminal_pid pick_pid(reader *in);

void op_link(reader *in);
void op_unlink(reader *in);
void op_kill(reader *in);
void op_signal(reader *in);
void op_trap(reader *in);
void op_notify(reader *in);
void op_cancel(reader *in);
void op_forget(reader *in);
void op_wait(reader *in);
void op_attach(reader *in);
void op_detach(reader *in);
void op_next_exit(reader *in);
void op_look(reader *in);
void op_fail(reader *in);
void op_refuse(reader *in);

/* ---- operations_end.c ---- */

void check_snapshot(const slot *s, const liminal_snapshot *snapshot);
void end_world(void);

#endif

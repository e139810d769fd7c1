/* SPDX-License-Identifier: MIT */
/* step.h -- the rules of a conversation: dialogue, event -> new dialogue, effects. Pure: no thread,
 * lock or clock. Every policy is decided here; the shell brings the events, one at a time, and
 * performs the effects. */
#ifndef LIMI_STEP_H
#define LIMI_STEP_H

#include <liminal/record.h>

#include "cause.h"
#include "list.h"

typedef enum limi_ticket_kind {
    LIMI_TICKET_SEND,
    LIMI_TICKET_ASK,
    LIMI_TICKET_RECEIVE,
    LIMI_TICKET_CLOSE
} limi_ticket_kind;

/* Where a SEND or ASK is. */
typedef enum limi_where {
    LIMI_WHERE_AWAY,   /* on its way here, or settled: the rules do not have it */
    LIMI_WHERE_QUEUED, /* at a seat, not begun; of a lot also where it may be, until somebody looks: see lot.c */
    LIMI_WHERE_BEGUN,  /* at a seat, begun there */
    LIMI_WHERE_REPLIED /* a SEND whose reply waits to be received */
} limi_where;

/* One wish of a caller, from the event that brings it until it is settled. */
typedef struct limi_ticket {
    limi_ticket_kind kind;
    liminal_status outcome;     /* once decided */
    liminal_envelope *envelope; /* SEND, ASK: what is said; never changes, but in a buffer becomes the reply */
    liminal_deadline deadline;  /* SEND, ASK: after this it need not be begun */
    liminal_envelope *reply;    /* decided ASK and RECEIVE: the caller's; SEND: waiting to be received */
    limi_list link; /* on a list of the dialogue */
    limi_list hop;  /* on effects->settled or ->closed */
    limi_where where;
    uint32_t seat;    /* while it is at one */
    uint64_t number;  /* the same: how many had been seated when it was, with it */
    bool begun;       /* by anyone, ever: it was delivered */
    bool decided;     /* ASK, RECEIVE, CLOSE: the caller has its outcome; never changes again */
    bool abandoned;   /* the caller has gone */
    bool withdrawn;   /* SEND, ASK: was never begun, nor will be */
    bool unasked;     /* SEND: no request at all; a participant spoke without being asked */
} limi_ticket;

static inline void limi_ticket_init(limi_ticket *ticket, limi_ticket_kind kind, liminal_envelope *envelope)
{
    limi_list_init(&ticket->link);
    limi_list_init(&ticket->hop);
    ticket->kind = kind;
    ticket->envelope = envelope;
    ticket->reply = NULL;
    ticket->deadline = (liminal_deadline){INT64_MAX};
    ticket->outcome = LIMINAL_OK;
    ticket->where = LIMI_WHERE_AWAY;
    ticket->seat = 0;
    ticket->number = 0;
    ticket->begun = ticket->decided = ticket->abandoned = ticket->withdrawn = ticket->unasked = false;
}

/* One participant, as the rules see it. Its work: what it has begun, then what is queued, in order. */
typedef struct limi_seat {
    limi_list begun, queue;
    bool answers;     /* messages may go to it */
    bool inlined;     /* a turn runs it, one request at a time */
    bool alive;
    uint32_t singles; /* of those queued: so many that may not be begun along with others */
} limi_seat;

/* One thing to be undone if the conversation fails, with the policy compensate. */
typedef struct limi_undo {
    limi_list link; /* on dialogue->undos, the newest last */
    liminal_envelope *what; /* NULL: the config's own compensation, the last of all */
    liminal_status (*undo)(void *self, const liminal_envelope *what);
    void *self;
} limi_undo;

/* What the policy "compensate" needs: when it fails, that waits, with everyone told why already, until what was done
 * has been undone. */
typedef struct limi_compensation {
    limi_cause doom; /* what it will have failed for */
    liminal_deadline deadline;
    int64_t within_ns; /* how long it may take */
    limi_list undos;   /* the newest last */
    limi_undo *undoing; /* the one that the shell is making; borrowed */
} limi_compensation;

/* When the actor was killed, the last so many times: the window of its restarts. Pure, as all here. */
typedef struct limi_intensity {
    int64_t *times; /* room for `most` */
    uint32_t most, used, oldest;
    int64_t window_ns;
} limi_intensity;

/* One more at `now_ns`: false if that makes more than `most` within the window. */
bool limi_intensity_allows(limi_intensity *intensity, int64_t now_ns);

typedef struct limi_dialogue {
    liminal_state *state;
    limi_seat *seats;
    liminal_crash_policy policy;
    uint32_t seat_count;
    uint32_t target;    /* the seat that messages go to; seat_count: none */
    uint32_t living;    /* seats that are alive */
    size_t at_seats;    /* tickets queued or begun, over all seats */
    uint64_t seated;    /* how many ever were */
    limi_list replies;  /* SEND tickets whose reply nobody has yet */
    limi_list receivers, closers;
    liminal_deadline deadline;       /* of the whole conversation; never changes */
    liminal_deadline close_deadline; /* meaningful while completing */

    /* What participants say without being asked waits with the replies, within these bounds. */
    size_t unasked, unasked_bytes;
    size_t most_unasked, most_unasked_bytes;
    bool hushed; /* the bound was reached: who speaks should wait for effects->resume */

    bool all_here; /* completing, and nothing that was accepted is still on its way here */

    bool doomed; /* completing, until the compensation has been made */
    bool had_answerers;
    limi_compensation *compensation; /* borrowed; NULL with another policy */
    limi_intensity intensity;
} limi_dialogue;

/* Borrows `state` and `seats`, whose answers and inlined are set; the participants of the state are theirs, in the same
 * order. The bounds, the compensation (which the policy "compensate" must have) and the intensity may be set after
 * this; without them nothing is bounded, and no restart allowed. */
void limi_dialogue_init(limi_dialogue *dialogue, liminal_state *state, liminal_crash_policy policy, limi_seat *seats,
                        uint32_t seat_count, liminal_deadline deadline);

/* The next point at which a DEADLINE event is due; the one that never comes if none is. */
liminal_deadline limi_dialogue_due(const limi_dialogue *dialogue);

/* Whether it has closed or failed. */
bool limi_dialogue_is_over(const limi_dialogue *dialogue);

/* LIMINAL_OK while sends are accepted, else what a send is told; `words`, which may be NULL, get the detail. */
liminal_status limi_dialogue_refusal(const limi_dialogue *dialogue, limi_words *words);

typedef enum limi_event_kind {
    LIMI_EVENT_SENT,     /* ticket: a SEND or ASK was accepted */
    LIMI_EVENT_ANSWERED, /* seat has answered ticket, with `reply` or NULL for silence */
    LIMI_EVENT_UNASKED,  /* seat says something: a SEND ticket with nothing but a reply */
    LIMI_EVENT_RECEIVE,  /* ticket: a receiver has come; it stays only if `may_wait` */
    LIMI_EVENT_PULL,     /* seat: it can begin a request; the ticket is an output, NULL if there is none, or if
                          * `wants_clock`, out: come again with the exact time, for a deadline is near */
    LIMI_EVENT_GAVE_UP,  /* ticket: its caller has gone */
    LIMI_EVENT_EXITED,   /* seat, reason, and when that was seen */
    LIMI_EVENT_KILLED,   /* the actor was: restart it, or no more */
    LIMI_EVENT_UNDO,     /* the one that was given last has been made, with `status`; `undo`, out: the next, or NULL */
    LIMI_EVENT_CLOSING,  /* no more sends; `deadline` for what was accepted */
    LIMI_EVENT_CLOSE,    /* after that, behind all that was accepted: ticket or NULL */
    LIMI_EVENT_DEADLINE  /* the monotonic clock says `now_ns` */
} limi_event_kind;

typedef struct limi_event {
    limi_event_kind kind;
    limi_ticket *ticket;
    liminal_envelope *reply; /* ANSWERED: given away, unless the step leaves it (see limi_step) */
    limi_undo *undo;         /* UNDO: out */
    uint32_t seat;
    uint64_t until; /* PULL: only what was seated before this number; 0: whatever is there */
    liminal_exit_reason reason;
    liminal_time now;  /* wall clock, for the log */
    liminal_time seen; /* EXITED */
    int64_t now_ns;    /* of the monotonic clock: SENT, PULL, EXITED, KILLED, DEADLINE */
    int64_t slack_ns;  /* PULL: `now_ns` may be so much too early */
    liminal_deadline deadline;
    liminal_status status;
    bool may_wait;
    bool awaited; /* CLOSING: who brings it waits, and sees to the deadline; for the shell */
    bool wants_clock;
    bool decided; /* out, of RECEIVE and GAVE_UP: the ticket has been decided */
    bool hushed;  /* out, of UNASKED: say no more until effects->resume */
} limi_event;

typedef struct limi_effects {
    limi_ticket *run;  /* begun at an inline seat by SENT: have its participant answer it, in this turn */
    uint32_t run_at;   /* that seat; by then the ticket may be at another one */
    uint32_t work;     /* this seat has something to pull, and had not; UINT32_MAX: none */
    bool resume;       /* who was hushed may speak again */
    bool restart;      /* the actor gets a new pid */
    bool compensate;   /* begin to undo */
    limi_list settled; /* by hop: wake who waits, if it is decided, and let go of it */
    limi_list closed;  /* the same, but only after all the rest: those who wait for the close */
    bool closing;      /* accepts no more sends */
    bool final;        /* has closed or failed with this step: stop everyone */
} limi_effects;

void limi_effects_init(limi_effects *effects);

/* One step. Effects are added to what `effects` holds. A reply that nobody will get is left in
 * event->reply for the shell to drop; one that was given away is set to NULL there. */
void limi_step(limi_dialogue *dialogue, limi_event *event, limi_effects *effects);

#endif

/* SPDX-License-Identifier: MIT */
/* step.h -- the rules of a conversation: dialogue, event -> new dialogue, effects. Pure: no thread,
 * lock or clock. Every policy is decided here; the shell brings the events, one at a time, and
 * performs the effects. */
#ifndef LIMI_STEP_H
#define LIMI_STEP_H

#include <liminal/record.h>

#include "list.h"

typedef enum limi_ticket_kind {
    LIMI_TICKET_SEND,
    LIMI_TICKET_ASK,
    LIMI_TICKET_RECEIVE,
    LIMI_TICKET_CLOSE
} limi_ticket_kind;

/* One wish of a caller, from the event that brings it until it is retired. */
typedef struct limi_ticket {
    limi_list link; /* on a list of the dialogue */
    limi_list hop;  /* on effects->settled or ->closed */
    limi_list way;  /* on effects->forward: it is in flight by then, and may be settled before it is forwarded */
    limi_ticket_kind kind;
    liminal_envelope *envelope; /* SEND, ASK: what is said; never changes */
    liminal_envelope *reply;    /* decided ASK and RECEIVE: the caller's; SEND: waiting to be received */
    liminal_status outcome;     /* once decided */
    uint32_t seat;              /* in flight to this participant */
    bool in_flight;
    bool decided;   /* ASK, RECEIVE, CLOSE: the caller has its outcome; never changes again */
    bool abandoned; /* the caller has gone */
    bool withdrawn; /* SEND, ASK: must not be begun any more */
} limi_ticket;

void limi_ticket_init(limi_ticket *ticket, limi_ticket_kind kind, liminal_envelope *envelope);

/* One participant, as the rules see it. */
typedef struct limi_seat {
    limi_list in_flight; /* tickets it has been given and not given back, in order */
    liminal_pid pid;
    const char *name; /* borrowed, for details */
    bool answers; /* it has a behaviour: messages may go to it */
    bool alive;
} limi_seat;

typedef struct limi_dialogue {
    liminal_state *state;
    limi_seat *seats;
    uint32_t seat_count;
    uint32_t target;    /* the seat that messages go to; seat_count: none */
    size_t in_flight;   /* tickets in flight, over all seats */
    limi_list replies;  /* SEND tickets whose reply nobody has yet */
    limi_list receivers, closers;
    liminal_deadline deadline;       /* of the whole conversation */
    liminal_deadline close_deadline; /* meaningful while completing */
    bool all_here; /* completing, and nothing that was accepted is still on its way here */
    /* Ask the shell to take back a ticket in flight: true if nobody had begun it, nor will. NULL: never. */
    bool (*take_back)(limi_ticket *ticket);
} limi_dialogue;

/* Borrows `state` and `seats`, whose pid, name and answers are set. `take_back` may be set after this. */
void limi_dialogue_init(limi_dialogue *dialogue, liminal_state *state, limi_seat *seats, uint32_t seat_count,
                        liminal_deadline deadline);

/* The next point at which a DEADLINE event is due; the one that never comes if none is. */
liminal_deadline limi_dialogue_due(const limi_dialogue *dialogue);

/* Whether it has closed or failed. */
bool limi_dialogue_is_over(const limi_dialogue *dialogue);

/* LIMINAL_OK while sends are accepted, else what a send is told; `text` gets the detail. */
liminal_status limi_dialogue_refusal(const limi_dialogue *dialogue, const char **text);

typedef enum limi_event_kind {
    LIMI_EVENT_SENT,      /* ticket: a SEND or ASK was accepted */
    LIMI_EVENT_ANSWERED,  /* ticket comes back from its participant, with `reply` or NULL for silence */
    LIMI_EVENT_UNBEGUN,   /* ticket comes back: it was withdrawn, or its deadline had passed */
    LIMI_EVENT_RECEIVE,   /* ticket: a receiver has come; it stays only if `may_wait` */
    LIMI_EVENT_GAVE_UP,   /* ticket: its caller has gone; `withdrawn`: it can no longer be begun */
    LIMI_EVENT_EXITED,    /* seat, reason, and when that was seen */
    LIMI_EVENT_CLOSING,   /* no more sends; `deadline` for what was accepted */
    LIMI_EVENT_CLOSE,     /* after that, behind all that was accepted: ticket or NULL */
    LIMI_EVENT_DEADLINE   /* the monotonic clock says `now_ns` */
} limi_event_kind;

typedef struct limi_event {
    limi_event_kind kind;
    limi_ticket *ticket;
    liminal_envelope *reply; /* ANSWERED: given away, unless the step leaves it (see limi_step) */
    uint32_t seat;
    liminal_exit_reason reason;
    liminal_time now;  /* wall clock, for the log */
    liminal_time seen; /* EXITED */
    int64_t now_ns;
    liminal_deadline deadline;
    bool may_wait;
    bool withdrawn;
    bool decided; /* out, of RECEIVE and GAVE_UP: the ticket has been decided */
} limi_event;

typedef struct limi_effects {
    limi_list forward; /* by way: hand each to the participant in its seat, in this order */
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

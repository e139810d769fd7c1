/* SPDX-License-Identifier: MIT */
/* process.c -- what a pid stands for, and how a death spreads.
 *
 *   living --mark--> dead --mourn: died(), links broken, watchers told, announce()--> mourned
 *
 * The mark is made under the supervisor's lock, once, by whoever comes first: the process's own thread, a
 * signal, a kill, a linked one that died. The same thread then mourns it. A cascade is a work list on the
 * stack of the outermost mourner of this thread, which scope->cascade points to: a death that follows from
 * another one, in a link, a died() or a notice, is appended and not recursed into; only its died() comes at
 * once, so that nobody is dead for long whose conversation does not know. (A participant's died() may end its
 * conversation, whose actor's life is taken in then; that one's has no consequences, so no more nests.) Each
 * holds a share of its record meanwhile. First come all deaths that follow, then the notices, one dead one at
 * a time, so that the embedder's code does not hold up the spreading. If a notice ends its thread, against the rules
 * or because a host's thread is cancelled in it, the rest is done while the stack unwinds.
 *
 * A death that nobody is linked to, and that nobody is to be told of, is soon spread. If its died() has ended the
 * conversation, what is left to be done there is done by this thread afterwards, and the actor's is not woken for it:
 * it would get in the way of whoever was woken by that end. Who posts to that actor meanwhile relies on this thread.
 *
 * A link is broken under the lock, one at a time: who links to a dead one afterwards sees that it is dead;
 * who did so before is on its list. Nobody can be linked to it any more, so the list only shrinks. */
#include "process.h"

#include "actor.h"
#include "scope.h"
#include "supervisor.h"

void limi_process_init(limi_process *process, liminal_pid pid, const limi_process_kind *kind, struct limi_talk *talk)
{
    process->exit.pid = pid;
    process->kind = kind;
    process->traps = kind->always_traps;
    process->talk = talk;
    limi_list_init(&process->notices);
    limi_list_init(&process->links);
}

bool limi_process_mark_locked(liminal_supervisor *supervisor, limi_process *process, liminal_exit_reason reason,
                              limi_instant seen)
{
    (void)supervisor;
    if (process->dead) {
        return false;
    }
    process->dead = true;
    process->exit.reason = reason;
    process->exit.seen = (liminal_time){seen.wall};
    process->exit.seen_ns = (liminal_deadline){seen.monotonic};
    return true;
}

bool limi_process_mark(liminal_supervisor *supervisor, limi_process *process, liminal_exit_reason reason,
                       limi_instant seen)
{
    bool first;
    limi_mutex_lock(&supervisor->lock);
    first = limi_process_mark_locked(supervisor, process, reason, seen);
    limi_mutex_unlock(&supervisor->lock);
    return first;
}

/* ---- the cascade ---- */

/* A queue through next_dead. */
typedef struct queue {
    limi_process *first, *last;
} queue;

static void append(queue *to, limi_process *process)
{
    process->next_dead = NULL;
    *(to->first != NULL ? &to->last->next_dead : &to->first) = process;
    to->last = process;
}

static limi_process *take_first(queue *from)
{
    limi_process *first = from->first;
    if (first != NULL) {
        from->first = first->next_dead;
    }
    return first;
}

typedef struct limi_cascade {
    liminal_supervisor *supervisor;
    queue dead;  /* to be mourned */
    queue ready; /* whose notices are to be fired */
    limi_process *announced; /* whose notices are being fired */
    struct limi_actor *owed; /* whose turn this thread has to run when all is spread */
    struct limi_cascade *outer;
} limi_cascade;

/* Inside a notice of one supervisor a process of another may die: their cascades nest, each once. */
static limi_cascade *under_way(const liminal_supervisor *supervisor)
{
    limi_cascade *cascade = limi_scope_here()->cascade;
    while (cascade != NULL && cascade->supervisor != supervisor) {
        cascade = cascade->outer;
    }
    return cascade;
}

/* With a share of it. */
static void take_in(limi_cascade *cascade, limi_process *process)
{
    append(&cascade->dead, process);
    if (process->kind->died != NULL) {
        process->kind->died(process);
    }
}

static void break_links(limi_cascade *cascade, limi_process *process)
{
    liminal_supervisor *supervisor = cascade->supervisor;
    limi_reached reached;
    bool more = true;
    while (more) {
        limi_mutex_lock(&supervisor->lock);
        more = limi_link_break_next(supervisor, process, &reached);
        limi_mutex_unlock(&supervisor->lock);
        if (reached.dead != NULL) {
            take_in(cascade, reached.dead);
        }
        limi_reached_tell(supervisor, &reached);
    }
}

static void announce(limi_cascade *cascade)
{
    limi_process *process = cascade->announced;
    if (process->kind->announce != NULL) {
        process->kind->announce(process);
    } else {
        limi_process_announce(cascade->supervisor, process);
    }
    cascade->announced = NULL;
    process->kind->unref(process);
}

bool limi_process_is_announced_last(void)
{
    const limi_cascade *cascade = limi_scope_here()->cascade;
    return cascade->dead.first == NULL && cascade->ready.first == NULL;
}

static void run(void *argument)
{
    limi_cascade *cascade = argument;
    liminal_supervisor *supervisor = cascade->supervisor;
    limi_process *process;
    for (;;) {
        while ((process = take_first(&cascade->dead)) != NULL) {
            break_links(cascade, process);
            limi_process_tell_watchers(supervisor, process);
            append(&cascade->ready, process);
        }
        cascade->announced = take_first(&cascade->ready);
        if (cascade->announced == NULL) {
            return;
        }
        announce(cascade);
    }
}

/* Its thread is being ended in a notice: the notices that are left, and whatever is left of the cascade. */
static void run_on(void *argument)
{
    limi_cascade *cascade = argument;
    limi_scope_unwound();
    limi_scope_here()->cascade = cascade;
    limi_scope_here()->owed = NULL;
    if (cascade->announced != NULL) {
        announce(cascade);
    }
    run(cascade);
    limi_scope_here()->cascade = cascade->outer;
    if (cascade->owed != NULL) {
        limi_actor_pass_on(cascade->owed);
    }
}

void limi_process_mourn(liminal_supervisor *supervisor, limi_process *process)
{
    limi_mutex_lock(&supervisor->lock);
    process->kind->ref(process);
    limi_mutex_unlock(&supervisor->lock);
    limi_process_mourn_held(supervisor, process);
}

/* Nobody is linked to those who were taken in, and nothing of the embedder's is called for them. They are dead, so
 * that this does not change. */
static bool is_soon_spread(const limi_cascade *cascade)
{
    liminal_supervisor *supervisor = cascade->supervisor;
    const limi_process *process;
    bool soon = supervisor->collector.size == 0;
    limi_mutex_lock(&supervisor->lock);
    for (process = cascade->dead.first; soon && process != NULL; process = process->next_dead) {
        soon = limi_list_empty(&process->links) && limi_list_empty(&process->notices);
    }
    limi_mutex_unlock(&supervisor->lock);
    return soon;
}

/* The first one. A turn that is left to this thread from here on is run afterwards, if that is soon. */
static void take_in_first(limi_cascade *cascade, limi_process *process)
{
    limi_scope *scope = limi_scope_here();
    scope->owed = &cascade->owed;
    take_in(cascade, process);
    if (!is_soon_spread(cascade)) {
        scope->owed = NULL;
        if (cascade->owed != NULL) {
            limi_actor_pass_on(cascade->owed);
            cascade->owed = NULL;
        }
    }
}

void limi_process_mourn_held(liminal_supervisor *supervisor, limi_process *process)
{
    limi_cascade *outer = under_way(supervisor);
    limi_cascade mine = {.supervisor = supervisor};
    if (outer != NULL) {
        take_in(outer, process);
        return;
    }
    mine.outer = limi_scope_here()->cascade;
    limi_scope_here()->cascade = &mine;
    take_in_first(&mine, process);
    limi_thread_guard(run, run_on, &mine);
    limi_scope_here()->owed = NULL;
    limi_scope_here()->cascade = mine.outer;
    if (mine.owed != NULL) {
        limi_actor_take_up(mine.owed);
    }
}

bool limi_process_end(liminal_supervisor *supervisor, limi_process *process, liminal_exit_reason reason)
{
    bool first = limi_process_mark(supervisor, process, reason, limi_clock_both());
    if (first) {
        limi_process_mourn(supervisor, process);
    }
    return first;
}

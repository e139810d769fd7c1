/* SPDX-License-Identifier: MIT */
/* program.c -- a child program as a participant: its start, its thread, its end.
 *
 * Two things end, and each may be the first: the participant, as everybody sees it, and the OS process.
 *
 *   participant   living --the OS process has ended, a frame was broken, no memory--> dead   by its thread
 *                 living --killed, signalled, a linked one died--> dead                      by any thread
 *   OS process    LIVING --close--> CLOSING --close_patience--> TERMED --term_patience--> KILLED
 *                 any --killed--> KILLED                     any --it ends--> reaped        by its thread
 *
 * A close begins when the conversation is over, when the participant has died otherwise, and when the program
 * has shut one of its two pipes. Its input is closed then; what it prints is still read, so that it can end in
 * its own way, and is delivered while the participant lives. The last thing is always the reaping: by pid
 * descriptor, so of this one child and no other. What the program had printed is delivered before its end is made
 * known, whatever the bound for what is unasked: it is no more than is in the pipe when it has ended. Without
 * memory for what it prints the participant ends with LIMINAL_EXIT_ERROR and ENOMEM.
 *
 * The thread waits in one poll for the two or three pipes, the pid descriptor and the chime. Whoever rings the
 * participant's bell while the thread is in there, or about to be, rings the chime as well. No wake is lost:
 * what is rung for is stored before the bell is rung, and looked for after it was emptied; dozing off fails
 * while a bit is set, and then the poll only looks; who sets one after it sees that the thread dozes, and the
 * chime stays readable until it is cleared, after the poll.
 *
 * Nothing of the embedder's is called, and nothing read, before LIMI_RING_GO says that the spawn has
 * succeeded: were it to fail, `self` would be the caller's again. */
#include "program.h"

#include "config.h"
#include "detail.h"
#include "later.h"
#include "program_talk.h"
#include "talk.h"

/* What the thread waits for. */
enum { IN, OUT, ERR, WATCH, CHIME, POLLEES };

static void close_pipes(limi_program *pr)
{
    limi_descriptor_close(&pr->child.in);
    limi_descriptor_close(&pr->child.out);
    limi_descriptor_close(&pr->child.err);
}

/* ---- the start ---- */

static liminal_status start_child(limi_program *pr, const liminal_program *spec)
{
    liminal_traceparent trace = liminal_trace_format(&pr->trace);
    const limi_child_plan plan = {
        .argv = spec->argv,
        .environment = spec->environment,
        .traceparent = trace.text,
        .directory = spec->directory,
        .own_stderr = spec->errors == LIMINAL_STDERR_CALLBACK,
        .stderr_away = spec->errors == LIMINAL_STDERR_AWAY,
        .allocator = pr->allocator,
    };
    liminal_status st = limi_child_start(&plan, &pr->child);
    if (st != LIMINAL_OK) {
        return st;
    }
    st = limi_watch_open(&pr->watch, pr->child.os_pid);
    pr->watched = st == LIMINAL_OK;
    if (st != LIMINAL_OK && st != LIMINAL_ENOPROC) {
        limi_watch_abandon(pr->child.os_pid);
        close_pipes(pr);
        return st;
    }
    return LIMINAL_OK; /* ENOPROC: ended already, and the host has its status */
}

static void discard(limi_program *pr)
{
    limi_begun_clear(&pr->begun);
    limi_chime_close(&pr->chime);
    limi_release(pr->allocator, pr, sizeof *pr);
}

liminal_status limi_program_start(limi_participant *p, const liminal_program *spec)
{
    const liminal_allocator *allocator = limi_talk_allocator(p->talk);
    limi_program *pr = limi_allocate(allocator, sizeof *pr);
    liminal_status st;
    if (pr == NULL) {
        return LIMINAL_ENOMEM;
    }
    pr->participant = p;
    pr->allocator = allocator;
    pr->trace = p->talk->span.context;
    pr->may_pull = true;
    pr->chime.fd = pr->chime.other_fd = -1;
    limi_begun_init(&pr->begun, allocator);
    limi_ignore(limi_program_take(&pr->spec, spec, "program")); /* checked already */
    pr->spec.argv = pr->spec.environment = NULL;
    pr->spec.directory = NULL;
    limi_framer_init(&pr->framer, pr->spec.framing, pr->spec.frame_bytes, allocator);
    if ((st = limi_begun_reserve(&pr->begun)) || (st = limi_chime_open(&pr->chime)) || (st = start_child(pr, spec))) {
        discard(pr);
        return st;
    }
    p->engine->program = pr;
    return LIMINAL_OK;
}

void limi_program_free(limi_participant *p)
{
    if (p->engine->program != NULL) {
        discard(p->engine->program);
        p->engine->program = NULL;
    }
}

void limi_program_ring(limi_participant *p, uint32_t bits)
{
    if (limi_bell_set(&p->engine->bell, bits)) { /* so its thread is there, and so is the program */
        limi_chime_ring(&p->engine->program->chime);
    }
}

/* ---- the OS process ---- */

/* A shutdown has until hurry_ns. A quarter of that is for the reaping, on a machine that may be busy; the rest is
 * shared as the two patiences would share it. */
static void hurry(limi_program *pr)
{
    int64_t until = (int64_t)limi_u64_load(&pr->participant->talk->hurry_ns);
    int64_t now = limi_clock_monotonic(), left;
    double close_ns = (double)pr->spec.close_patience_ns, term_ns = (double)pr->spec.term_patience_ns;
    if (until == INT64_MAX) {
        return;
    }
    left = until > now ? (until - now) / 4 * 3 : 0;
    if (pr->kill_at_ns > now + left) {
        pr->kill_at_ns = now + left;
        pr->term_at_ns = now + (int64_t)((double)left * (close_ns / (close_ns + term_ns)));
    }
}

void limi_program_close(limi_program *pr)
{
    if (pr->stage == LIMI_STAGE_LIVING) {
        pr->stage = LIMI_STAGE_CLOSING;
        pr->term_at_ns = limi_later(limi_clock_monotonic(), pr->spec.close_patience_ns);
        pr->kill_at_ns = limi_later(pr->term_at_ns, pr->spec.term_patience_ns);
        limi_descriptor_close(&pr->child.in);
        hurry(pr);
    }
}

static void signal_it(limi_program *pr, limi_signal signal)
{
    if (pr->watched && !pr->reaped) {
        limi_watch_signal(&pr->watch, signal);
    }
}

static void kill_it(limi_program *pr)
{
    limi_descriptor_close(&pr->child.in);
    if (pr->stage != LIMI_STAGE_KILLED) {
        pr->stage = LIMI_STAGE_KILLED;
        signal_it(pr, LIMI_SIGNAL_KILL);
    }
}

/* The next step of its close, if that is due; when the one after that will be. */
static int64_t press_on(limi_program *pr)
{
    int64_t now = limi_clock_monotonic();
    if (pr->stage == LIMI_STAGE_CLOSING && now >= pr->term_at_ns) {
        pr->stage = LIMI_STAGE_TERMED;
        signal_it(pr, LIMI_SIGNAL_TERM);
    }
    if (pr->stage == LIMI_STAGE_TERMED && now >= pr->kill_at_ns) {
        kill_it(pr);
    }
    return pr->stage == LIMI_STAGE_CLOSING ? pr->term_at_ns
           : pr->stage == LIMI_STAGE_TERMED ? pr->kill_at_ns
                                            : INT64_MAX;
}

/* It was reaped, or will never be seen to end. */
static void let_go(limi_program *pr)
{
    limi_program_forget(pr);
    close_pipes(pr);
    if (pr->watched) {
        pr->watched = false;
        limi_watch_close(&pr->watch);
    }
}

static void kill_and_reap(limi_program *pr)
{
    kill_it(pr);
    if (pr->watched && !pr->reaped) {
        pr->reaped = true;
        limi_watch_reap(&pr->watch);
    }
    let_go(pr);
}

void limi_program_abort(limi_participant *p)
{
    kill_and_reap(p->engine->program);
}

/* ---- the participant ---- */

void limi_program_end(limi_program *pr, liminal_exit_reason reason)
{
    limi_participant *p = pr->participant;
    if (limi_u32_load(&p->disowned) == 0) { /* else what becomes of its pid is said by the spawn */
        (void)limi_process_end(p->talk->supervisor, &p->process, reason);
    }
    limi_program_close(pr);
}

static bool was_killed(limi_participant *p)
{
    liminal_supervisor *supervisor = p->talk->supervisor;
    bool killed;
    limi_mutex_lock(&supervisor->lock);
    killed = p->process.dead && p->process.exit.reason.kind == LIMINAL_EXIT_KILLED;
    limi_mutex_unlock(&supervisor->lock);
    return killed;
}

/* What it was rung for. */
static void look(limi_program *pr)
{
    limi_participant *p = pr->participant;
    pr->rung |= limi_bell_take(&p->engine->bell);
    pr->may_pull |= (pr->rung & LIMI_RING_WORK) != 0;
    if (pr->rung & LIMI_RING_RESUME) {
        pr->hushed = false;
        limi_program_deliver(pr);
    }
    if (limi_u32_load(&p->disowned) != 0) {
        pr->silent = true;
        kill_it(pr);
    } else if ((pr->rung & LIMI_RING_STOP) && was_killed(p)) {
        kill_it(pr);
    } else if (pr->rung & LIMI_RING_STOP) {
        limi_program_close(pr);
    }
    if (pr->rung & LIMI_RING_HURRY) {
        hurry(pr);
    }
    if (limi_program_is_mute(pr)) {
        limi_program_forget(pr); /* the rules have taken it all */
    }
    pr->rung = 0;
}

/* ---- the thread ---- */

static void doze(limi_program *pr, limi_pollee *pollees, int64_t until_ns)
{
    limi_bell *bell = &pr->participant->engine->bell;
    bool dozes = limi_bell_doze(bell);
    limi_poll(pollees, POLLEES, dozes ? until_ns : 0);
    if (dozes) {
        limi_bell_rouse(bell);
    }
    if (pollees[CHIME].can_read) {
        limi_chime_clear(&pr->chime);
    }
}

static void await_spawn(limi_program *pr)
{
    limi_pollee pollees[POLLEES] = {[IN] = {.fd = -1}, [OUT] = {.fd = -1}, [ERR] = {.fd = -1}, [WATCH] = {.fd = -1}};
    pollees[CHIME] = (limi_pollee){.fd = pr->chime.fd, .want_read = true};
    for (;;) {
        pr->rung |= limi_bell_take(&pr->participant->engine->bell);
        if ((pr->rung & LIMI_RING_GO) || limi_u32_load(&pr->participant->disowned) != 0) {
            return;
        }
        doze(pr, pollees, INT64_MAX);
    }
}

static void want(const limi_program *pr, limi_pollee *pollees)
{
    pollees[IN] = (limi_pollee){.fd = pr->child.in, .want_write = pr->outgoing.envelope != NULL};
    pollees[OUT] = (limi_pollee){.fd = pr->child.out, .want_read = limi_program_wants_more(pr)};
    pollees[ERR] = (limi_pollee){.fd = pr->child.err, .want_read = true};
    pollees[WATCH] = (limi_pollee){.fd = pr->watched ? pr->watch.fd : -1, .want_read = true};
    pollees[CHIME] = (limi_pollee){.fd = pr->chime.fd, .want_read = true};
}

static bool is_over(limi_program *pr, const limi_pollee *pollees, liminal_exit_reason *out)
{
    if (!pr->watched) {
        *out = (liminal_exit_reason){LIMINAL_EXIT_UNKNOWN, 0};
        pr->reaped = true;
    } else if (pollees[WATCH].can_read) {
        pr->reaped = limi_watch_over(&pr->watch, true, out);
    }
    return pr->reaped;
}

/* Until the OS process was reaped. */
static liminal_exit_reason live(limi_program *pr)
{
    liminal_exit_reason reason = {LIMINAL_EXIT_UNKNOWN, 0};
    limi_pollee pollees[POLLEES] = {{.fd = -1}};
    while (!is_over(pr, pollees, &reason)) {
        int64_t due;
        bool more = false;
        look(pr);
        if (pr->outgoing.envelope == NULL || pollees[IN].can_write) {
            more = limi_program_feed(pr);
        }
        limi_program_deliver(pr); /* first: now that it owes more answers, frames that had to wait may be one */
        if (pollees[OUT].can_read && pr->child.out >= 0 && limi_program_wants_more(pr)) {
            (void)limi_program_read_out(pr);
        }
        if (pollees[ERR].can_read && pr->child.err >= 0) {
            (void)limi_program_read_err(pr);
        }
        due = press_on(pr); /* last, for any of these may have begun a close */
        want(pr, pollees);
        doze(pr, pollees, more ? 0 : due);
    }
    return reason;
}

void limi_program_serve(limi_participant *p)
{
    limi_program *pr = p->engine->program;
    liminal_supervisor *supervisor = p->talk->supervisor;
    liminal_exit_reason reason;
    limi_instant seen;
    await_spawn(pr);
    reason = live(pr);
    seen = limi_clock_both();
    limi_program_read_last(pr);
    let_go(pr);
    if (limi_u32_load(&p->disowned) == 0 && limi_process_mark(supervisor, &p->process, reason, seen)) {
        limi_process_mourn(supervisor, &p->process);
    }
}

void limi_program_unwound(limi_participant *p)
{
    limi_program *pr = p->engine->program;
    pr->silent = true;
    kill_and_reap(pr);
    limi_program_end(pr, (liminal_exit_reason){LIMINAL_EXIT_KILLED, 0});
}

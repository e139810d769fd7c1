/* SPDX-License-Identifier: MIT */
/* operations_process.c -- the operations on pids: links, signals, kills, notices, the main thread as a process; and
 * the faults. */
#include "operations.h"

/* 0: the actor of the first conversation, 1 to 3: its participants, 4: this thread, or nobody; and so on with the
 * second one. */
liminal_pid pick_pid(reader *in)
{
    uint8_t which = number(in);
    const slot *s = &here.slots[which / 5 % SLOTS];
    switch (which % 5) {
    case 0:
        return handle_of(s) != NULL ? liminal_conversation_pid(handle_of(s)) : (liminal_pid){atomic_load(&s->pid)};
    case 4:
        return which / 5 % 8 == 7 ? (liminal_pid){12345} : here.me;
    default:
        return s->seats[which % 5 - 1];
    }
}

/* ---- links and signals ---- */

void op_link(reader *in)
{
    liminal_pid a = pick_pid(in), b = pick_pid(in);
    liminal_status status = liminal_process_link(here.supervisor, a, b);
    expect(status, MAY(LIMINAL_ENOPROC), "link");
    FUZZ_CHECK(status != LIMINAL_ENOPROC || !liminal_process_linked(here.supervisor, a, b));
}

void op_unlink(reader *in)
{
    liminal_pid a = pick_pid(in), b = pick_pid(in);
    expect(liminal_process_unlink(here.supervisor, a, b), 0, "unlink");
    FUZZ_CHECK(!liminal_process_linked(here.supervisor, a, b) || a.value == b.value);
}

void op_kill(reader *in)
{
    liminal_pid pid = pick_pid(in);
    liminal_status status = liminal_process_kill(here.supervisor, pid);
    expect(status, 0, "kill");
    FUZZ_CHECK(status != LIMINAL_OK || !liminal_process_alive(here.supervisor, pid));
}

void op_signal(reader *in)
{
    liminal_pid from = pick_pid(in), to = pick_pid(in);
    uint8_t kind = number(in);
    const liminal_exit_reason reason = {(liminal_exit_kind)(kind % 8), kind % 3};
    expect(liminal_process_signal(here.supervisor, from, to, reason), kind % 8 == 7 ? MAY(LIMINAL_EINVAL) : 0,
           "signal");
}

void op_trap(reader *in)
{
    liminal_pid pid = pick_pid(in);
    expect(liminal_process_trap(here.supervisor, pid, number(in) % 2 == 0),
           MAY(LIMINAL_ENOPROC) | MAY(LIMINAL_EINVAL), "trap");
}

void op_look(reader *in)
{
    liminal_pid pid = pick_pid(in), pids[4];
    size_t count = 0;
    liminal_status status = liminal_process_links(here.supervisor, pid, pids, 4, &count);
    liminal_census census = liminal_supervisor_census(here.supervisor);
    expect(status, MAY(LIMINAL_ENOPROC), "links");
    for (size_t i = 0; status == LIMINAL_OK && i < count && i < 4; i++) {
        FUZZ_CHECK(pids[i].value != 0 && pids[i].value != pid.value);
    }
    expect(liminal_process_list(here.supervisor, pids, 4, &count), 0, "list");
    FUZZ_CHECK(census.conversations <= SLOTS + EXTRAS);
}

/* ---- notices ---- */

void op_notify(reader *in)
{
    wish *w = &here.wishes[here.wish_count % WISHES];
    liminal_status status;
    if (here.wish_count == WISHES) {
        return;
    }
    w->pid = pick_pid(in);
    status = liminal_process_notify(here.supervisor, w->pid, fellow_is_told, w, &w->notice);
    expect(status, MAY(LIMINAL_ENOPROC), "notify");
    FUZZ_CHECK((status == LIMINAL_OK) == (w->notice != NULL));
    w->registered = status == LIMINAL_OK;
    FUZZ_CHECK(w->registered || atomic_load(&w->fired) == 0);
    here.wish_count++;
}

void op_cancel(reader *in)
{
    wish *w = &here.wishes[number(in) % WISHES];
    if (w->notice != NULL) {
        liminal_status status = liminal_notice_cancel(&w->notice, soon(number(in)));
        expect(status, MAY(LIMINAL_ETIMEDOUT), "cancel");
        FUZZ_CHECK((status == LIMINAL_OK) == (w->notice == NULL));
        w->cancelled = status == LIMINAL_OK;
        w->fired_before = atomic_load(&w->fired);
    }
}

void op_forget(reader *in)
{
    liminal_notice_drop(&here.wishes[number(in) % WISHES].notice);
}

void op_wait(reader *in)
{
    liminal_pid pid = pick_pid(in);
    liminal_exit end = {.pid = {0}};
    liminal_status status = liminal_process_wait(here.supervisor, pid, &end, soon(number(in)));
    expect(status, MAY(LIMINAL_ENOPROC) | MAY(LIMINAL_ETIMEDOUT) |
                       (pid.value == here.me.value ? MAY(LIMINAL_EDEADLK) : 0), "wait");
    FUZZ_CHECK(status != LIMINAL_OK || (end.pid.value == pid.value && !liminal_process_alive(here.supervisor, pid)));
}

/* ---- this thread ---- */

void op_attach(reader *in)
{
    (void)in;
    expect(liminal_thread_attach(here.supervisor, &here.me), MAY(LIMINAL_EPHASE), "attach");
}

void op_detach(reader *in)
{
    (void)in;
    expect(liminal_thread_detach(here.supervisor), MAY(LIMINAL_EPHASE) | MAY(LIMINAL_EEXIT), "detach");
    FUZZ_CHECK(!liminal_process_alive(here.supervisor, here.me));
}

void op_next_exit(reader *in)
{
    liminal_exit end = {.pid = {0}};
    expect(liminal_thread_next_exit(here.supervisor, &end, soon(number(in))),
           MAY(LIMINAL_ETIMEDOUT) | MAY(LIMINAL_EEXIT) | MAY(LIMINAL_EPHASE), "next_exit");
}

/* ---- faults ---- */

void op_fail(reader *in)
{
    uint8_t which = number(in);
    atomic_store(&here.memory_fails, true);
    test_fail_nth(which % 16); /* 0: no more */
}

void op_refuse(reader *in)
{
    atomic_store(&here.threads_fail, true);
    test_refuse_threads(number(in) % 4);
}

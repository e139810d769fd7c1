/* SPDX-License-Identifier: MIT */
/* operations_fellow.c -- what participants do, and the other functions that the library calls: on any thread. */
#include "operations.h"

/* ---- deeds that call the library ---- */

static liminal_deadline moment(void)
{
    return liminal_deadline_in_ns(100000);
}

/* A handle on a conversation that may be gone. Whoever is asked here asks nobody in turn. */
static liminal_conversation *find(size_t number)
{
    liminal_conversation *conversation = NULL;
    liminal_pid pid = {atomic_load(&here.slots[number].pid)};
    expect(liminal_supervisor_find(here.boss, pid, &conversation), MAY(LIMINAL_ENOPROC), "find");
    return conversation;
}

static void call_library(deed what, uint8_t argument)
{
    size_t number = argument % SLOTS;
    liminal_conversation *other = find(number);
    uint32_t serial;
    if (other == NULL) {
        return;
    }
    switch (what) {
    case DEED_ASK:
        talk_ask(other, number, say(number, DEED_ECHO, 0, true, false, (liminal_deadline){0}, &serial),
                 MAY(LIMINAL_ETIMEDOUT) | MAY(LIMINAL_EDEADLK), moment());
        break;
    case DEED_SEND:
        talk_send(other, number, say(number, DEED_ECHO, 0, false, false, (liminal_deadline){0}, &serial),
                  argument >= SLOTS, moment());
        break;
    case DEED_RECEIVE:
        (void)talk_receive(other, number, false, argument < SLOTS ? liminal_deadline_passed() : moment());
        break;
    case DEED_CLOSE:
        expect(liminal_conversation_close(other, argument < SLOTS ? liminal_deadline_passed() : moment()),
               MAY(LIMINAL_EDEADLK), "close");
        break;
    case DEED_KILL:
        expect(liminal_process_kill(here.boss, liminal_conversation_pid(other)), 0, "kill");
        break;
    case DEED_LINK:
        expect(liminal_process_link(here.boss, liminal_conversation_pid(other),
                                    (liminal_pid){atomic_load(&here.slots[(number + 1) % SLOTS].pid)}),
               MAY(LIMINAL_ENOPROC), "link");
        break;
    default:
        break;
    }
    liminal_conversation_drop(&other);
}

/* ---- behaviours ---- */

static liminal_status perform(const liminal_envelope *request, words said, liminal_envelope **out)
{
    const liminal_exit_reason reason = {(liminal_exit_kind)(said.argument % 5), said.argument};
    const liminal_envelope_options options = {LIMINAL_OPS(liminal_envelope_options), .allocator = test_allocator()};
    switch ((deed)said.deed) {
    case DEED_SILENCE:
        return LIMINAL_OK;
    case DEED_FRESH:
        return liminal_envelope_create(&said, sizeof said, &options, out);
    case DEED_FAIL:
        return LIMINAL_ECANCELED;
    case DEED_EXIT:
        return liminal_process_exit(reason);
    case DEED_ANSWER_AND_EXIT:
        *out = liminal_envelope_ref(request);
        return liminal_process_exit(reason);
    case DEED_ECHO:
        break;
    default:
        call_library((deed)said.deed, said.argument);
        break;
    }
    *out = liminal_envelope_ref(request);
    return LIMINAL_OK;
}

static void enter(fellow *f)
{
    FUZZ_CHECK(atomic_fetch_add(&f->running, 1) == 0); /* one at a time */
    FUZZ_CHECK(atomic_load(&f->releases) == 0);
}

static liminal_status answer(void *self, const liminal_envelope *request, liminal_envelope **out)
{
    fellow *f = self;
    words said = read_words(request);
    liminal_status status;
    enter(f);
    atomic_fetch_add(&here.sayings[said.serial].begun, 1);
    status = perform(request, said, out);
    atomic_fetch_sub(&f->running, 1);
    return status;
}

static liminal_status start(void *self)
{
    fellow *f = self;
    enter(f);
    atomic_fetch_sub(&f->running, 1);
    return f->start_gives;
}

static void release(void *self)
{
    fellow *f = self;
    enter(f);
    atomic_fetch_add(&f->releases, 1);
}

static liminal_status exited(void *self, const liminal_exit *exit)
{
    fellow *f = self;
    enter(f);
    FUZZ_CHECK(exit->reason.kind <= LIMINAL_EXIT_UNKNOWN);
    atomic_fetch_sub(&f->running, 1);
    return LIMINAL_OK;
}

const liminal_behaviour fellow_plain = {LIMINAL_OPS(liminal_behaviour), .answer = answer, .start = start,
                                        .release = release};
const liminal_behaviour fellow_trapping = {LIMINAL_OPS(liminal_behaviour), .answer = answer, .start = start,
                                           .release = release, .exited = exited};

/* ---- notices and undoing ---- */

void fellow_is_told(void *self, const liminal_exit *exit)
{
    wish *w = self;
    FUZZ_CHECK(exit->pid.value == w->pid.value);
    FUZZ_CHECK(atomic_fetch_add(&w->fired, 1) == 0);
}

liminal_status fellow_undoes(void *self, const liminal_envelope *what)
{
    step *s = self;
    FUZZ_CHECK(read_words(what).argument == (uint8_t)(s - here.steps));
    FUZZ_CHECK(atomic_fetch_add(&s->undone, 1) == 0);
    return LIMINAL_OK;
}

liminal_status fellow_compensates(void *self, const liminal_snapshot *snapshot)
{
    slot *s = self;
    FUZZ_CHECK(snapshot != NULL || atomic_load(&here.memory_fails));
    if (snapshot != NULL) {
        check_snapshot(s, snapshot);
    }
    FUZZ_CHECK(atomic_fetch_add(&s->undone, 1) == 0);
    return LIMINAL_OK;
}

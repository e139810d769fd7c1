/* SPDX-License-Identifier: MIT */
/* fuzz_operations.c -- sequences of operations on the public API: every status must be one that the contract names,
 * and at the end every message, notice, participant, block and thread is accounted for; see operations_end.c.
 *
 * The input is text, so that seeds can be written: a letter is an operation, see the table at the end, and what follows
 * are its arguments, one character each, counted from '0'. Blanks and line ends mean nothing. Other bytes mean the
 * operation or the number that they leave when divided. The first character says what limits there are. */
#include "operations.h"

#include <string.h>

enum { OPERATIONS_MOST = 64 };

world here;

/* ---- reading ---- */

static bool more(reader *in)
{
    while (in->at < in->end && (*in->at == ' ' || *in->at == '\n')) {
        in->at++;
    }
    return in->at < in->end;
}

uint8_t number(reader *in)
{
    return more(in) ? (uint8_t)(*in->at++ - '0') : 0;
}

liminal_deadline soon(uint8_t which)
{
    return which % 2 == 0 ? liminal_deadline_passed() : liminal_deadline_in_ns(100000);
}

/* 0: passed, 1: soon, 2: so late that it means a hang. */
static liminal_deadline deadline(uint8_t which)
{
    return which % 3 == 2 ? liminal_deadline_in_ms(20000) : soon(which % 3);
}

static slot *pick_slot(reader *in)
{
    return &here.slots[number(in) % SLOTS];
}

static size_t number_of(const slot *s)
{
    return (size_t)(s - here.slots);
}

liminal_conversation *handle_of(const slot *s)
{
    return s->handles[0] != NULL ? s->handles[0] : s->handles[1] != NULL ? s->handles[1] : s->handles[2];
}

/* ---- conversations ---- */

static bool read_seats(reader *in, slot *s, liminal_participant *seats)
{
    bool watches = true;
    for (size_t i = 0; i < s->seat_count; i++) {
        uint8_t which = number(in);
        fellow *f = &s->fellows[i];
        f->start_gives = which / 6 % 8 == 7 ? LIMINAL_ECANCELED : LIMINAL_OK;
        seats[i] = (liminal_participant){.kind = (liminal_participant_kind)(which % 3)};
        if (seats[i].kind == LIMINAL_PARTICIPANT_WATCHED) {
            seats[i].pid = pick_pid(in);
        } else {
            seats[i].behaviour = which / 3 % 2 == 0 ? &fellow_plain : &fellow_trapping;
            seats[i].self = f;
            watches = false;
        }
    }
    return watches && s->seat_count > 0;
}

static void read_config(reader *in, slot *s, liminal_participant *seats, liminal_config *config)
{
    static const size_t bounds[] = {0, 1, 2, LIMINAL_UNBOUNDED}, entries[] = {0, 1, 3, LIMINAL_UNBOUNDED};
    static const uint32_t restarts[] = {0, 1, LIMINAL_NO_RESTARTS};
    static const int64_t times[] = {0, 200000, 1};
    static const char *const names[] = {NULL, "a", "b"};
    uint8_t a = number(in), b = number(in), c = number(in);
    s->seat_count = number(in) % (SEATS + 1);
    s->watched_only = read_seats(in, s, seats);
    *config = (liminal_config){LIMINAL_OPS(liminal_config), .participants = seats};
    config->participant_count = s->seat_count;
    config->on_crash = (liminal_crash_policy)(1 + a % 3);
    config->dispatch = (liminal_dispatch)(a / 3 % 2);
    config->overflow = (liminal_overflow)(a / 6 % 2);
    config->mailbox_messages = bounds[b % 4];
    config->log_entries = entries[b / 4 % 4];
    config->restarts = restarts[b / 16 % 3];
    config->timeout_ns = times[c % 3];
    config->name = names[c / 3 % 3];
    s->compensates = config->on_crash == LIMINAL_CRASH_COMPENSATE && c / 9 % 2 == 1;
    config->compensate = s->compensates ? fellow_compensates : NULL;
    config->compensate_self = s;
    s->routes = config->on_crash == LIMINAL_CRASH_ROUTE_NEXT;
    s->waits = config->overflow == LIMINAL_OVERFLOW_WAIT;
    s->has_deadline = config->timeout_ns != 0;
    s->log_entries = config->log_entries != 0 ? config->log_entries : LIMINAL_DEFAULT_LOG_ENTRIES;
}

static void look_at_seats(slot *s)
{
    liminal_snapshot *snapshot = NULL;
    liminal_participant_status status;
    expect(liminal_conversation_query(handle_of(s), &snapshot, liminal_deadline_passed()), 0, "query");
    for (size_t i = 0; i < s->seat_count && snapshot != NULL; i++) {
        FUZZ_CHECK(liminal_snapshot_participant(snapshot, i, &status) == LIMINAL_OK);
        s->seats[i] = status.pid;
    }
    liminal_snapshot_drop(&snapshot);
}

static void op_spawn(reader *in)
{
    slot *s = &here.slots[here.slot_count % SLOTS];
    liminal_participant seats[SEATS];
    liminal_config config;
    liminal_status status;
    if (here.slot_count == SLOTS) {
        return;
    }
    read_config(in, s, seats, &config);
    status = liminal_supervisor_spawn(here.supervisor, &config, &s->handles[0]);
    expect(status, MAY(LIMINAL_EINVAL) | MAY(LIMINAL_ENOPROC) | MAY(LIMINAL_ECANCELED) |
                       (here.limited || atomic_load(&here.threads_fail) ? MAY(LIMINAL_ELIMIT) : 0), "spawn");
    FUZZ_CHECK((status == LIMINAL_OK) == (s->handles[0] != NULL));
    if (status != LIMINAL_OK) {
        for (size_t i = 0; i < SEATS; i++) { /* they are ours still */
            FUZZ_CHECK(atomic_load(&s->fellows[i].releases) == 0);
            FUZZ_CHECK(atomic_load(&s->fellows[i].running) == 0);
        }
        return;
    }
    here.slot_count++;
    for (size_t i = 0; i < s->seat_count; i++) {
        s->fellows[i].taken = seats[i].kind != LIMINAL_PARTICIPANT_WATCHED;
    }
    atomic_store(&s->pid, liminal_conversation_pid(s->handles[0]).value);
    look_at_seats(s);
}

static void op_send(reader *in)
{
    slot *s = pick_slot(in);
    deed what = (deed)(number(in) % DEED_COUNT);
    uint8_t argument = number(in), how = number(in);
    liminal_deadline until = how / 3 % 2 == 0 ? (liminal_deadline){0} : liminal_deadline_passed();
    uint32_t serial;
    if (handle_of(s) != NULL) {
        talk_send(handle_of(s), number_of(s), say(number_of(s), what, argument, false, true, until, &serial),
                  how % 3 != 2, soon(how % 3));
    }
}

static void op_receive(reader *in)
{
    slot *s = pick_slot(in);
    liminal_deadline until = soon(number(in));
    if (handle_of(s) != NULL) {
        (void)talk_receive(handle_of(s), number_of(s), true, until);
    }
}

static void op_ask(reader *in)
{
    slot *s = pick_slot(in);
    deed what = (deed)(number(in) % DEED_COUNT);
    uint8_t argument = number(in), how = number(in);
    bool is_long = how % 3 == 2 && !s->waits; /* there, waiting for room might be for ever */
    liminal_deadline own = how / 3 % 2 == 0 ? (liminal_deadline){0} : liminal_deadline_passed();
    uint32_t serial;
    if (handle_of(s) != NULL) {
        talk_ask(handle_of(s), number_of(s), say(number_of(s), what, argument, true, true, own, &serial),
                 is_long && own.ns == 0 && !s->has_deadline ? 0 : MAY(LIMINAL_ETIMEDOUT),
                 is_long ? deadline(2) : soon(how));
    }
}

static void op_close(reader *in)
{
    slot *s = pick_slot(in);
    liminal_deadline until = deadline(number(in));
    if (handle_of(s) != NULL) {
        expect(liminal_conversation_close(handle_of(s), until), 0, "close");
    }
}

static void op_clone(reader *in)
{
    slot *s = pick_slot(in);
    for (size_t i = 0; i < HANDLES && handle_of(s) != NULL; i++) {
        if (s->handles[i] == NULL) {
            s->handles[i] = liminal_conversation_ref(handle_of(s));
            return;
        }
    }
}

static void op_drop(reader *in)
{
    slot *s = pick_slot(in);
    liminal_conversation_drop(&s->handles[number(in) % HANDLES]);
}

static void op_query(reader *in)
{
    slot *s = pick_slot(in);
    liminal_deadline until = deadline(number(in));
    liminal_snapshot *snapshot = NULL;
    if (handle_of(s) != NULL) {
        liminal_status status = liminal_conversation_query(handle_of(s), &snapshot, until);
        expect(status, 0, "query");
        if (status == LIMINAL_OK) {
            check_snapshot(s, snapshot);
        }
        liminal_snapshot_drop(&snapshot);
    }
}

static void op_undo(reader *in)
{
    slot *s = pick_slot(in);
    step *next = &here.steps[here.step_count % STEPS];
    liminal_envelope *what;
    uint32_t serial;
    liminal_status status;
    if (here.step_count == STEPS || handle_of(s) == NULL) {
        return;
    }
    what = say(number_of(s), DEED_ECHO, (uint8_t)here.step_count, false, true, (liminal_deadline){0}, &serial);
    if (what == NULL) {
        return;
    }
    next->slot = number_of(s);
    status = liminal_conversation_undo_with(handle_of(s), &what, fellow_undoes, next);
    expect(status, MAY(LIMINAL_EINVAL) | MAY(LIMINAL_ECLOSED) | MAY(LIMINAL_EEXIT) | MAY(LIMINAL_ETIMEDOUT) |
                       MAY(LIMINAL_EFAILED), "undo_with");
    FUZZ_CHECK((status == LIMINAL_OK) == (what == NULL));
    next->registered = status == LIMINAL_OK;
    here.step_count++;
    liminal_envelope_drop(&what);
}

static void op_find(reader *in)
{
    slot *s = pick_slot(in);
    uint8_t how = number(in);
    liminal_conversation *found = NULL;
    liminal_status status = how % 3 == 0 ? liminal_supervisor_find(here.supervisor, (liminal_pid){atomic_load(&s->pid)},
                                                                   &found)
                                         : liminal_supervisor_find_name(here.supervisor, how % 3 == 1 ? "a" : "b",
                                                                        &found);
    expect(status, MAY(LIMINAL_ENOPROC), "find");
    FUZZ_CHECK((status == LIMINAL_OK) == (found != NULL));
    liminal_conversation_drop(&found);
}

/* The ask pattern in one call: whatever comes of it, `self` is released. */
static void op_pattern(reader *in)
{
    deed what = (deed)(number(in) % DEED_COUNT);
    uint8_t argument = number(in), how = number(in);
    fellow *f = &here.extras[here.extra_count % EXTRAS];
    liminal_envelope *request, *reply = NULL;
    uint32_t serial;
    liminal_status status;
    if (here.extra_count == EXTRAS) {
        return;
    }
    request = say(SLOTS, what, argument, true, true, (liminal_deadline){0}, &serial);
    if (request == NULL) {
        return;
    }
    here.extra_count++;
    f->taken = true;
    status = liminal_supervisor_ask_until(here.supervisor, &fellow_plain, f, &request, &reply, deadline(how));
    expect(status, MAY(LIMINAL_ETIMEDOUT) | MAY(LIMINAL_EEXIT) | MAY(LIMINAL_ECANCELED) |
                       (here.limited || atomic_load(&here.threads_fail) ? MAY(LIMINAL_ELIMIT) : 0), "ask_until");
    FUZZ_CHECK((status == LIMINAL_OK) == (reply != NULL));
    FUZZ_CHECK(reply == NULL || (request == NULL && read_words(reply).serial == serial));
    atomic_store(&here.sayings[serial].came_back, request != NULL);
    liminal_envelope_drop(&request);
    liminal_envelope_drop(&reply);
}

/* ---- the table ---- */

static const struct {
    char letter;
    void (*perform)(reader *in);
} operations[] = {
    {'S', op_spawn},   {'s', op_send},   {'r', op_receive}, {'a', op_ask},     {'c', op_close}, {'h', op_clone},
    {'d', op_drop},    {'q', op_query},  {'U', op_undo},    {'f', op_find},    {'p', op_pattern},
    {'l', op_link},    {'u', op_unlink}, {'k', op_kill},    {'x', op_signal},  {'t', op_trap},  {'n', op_notify},
    {'N', op_cancel},  {'D', op_forget}, {'w', op_wait},    {'A', op_attach},  {'T', op_detach}, {'e', op_next_exit},
    {'L', op_look},    {'m', op_fail},   {'R', op_refuse},
};
enum { OPERATIONS = sizeof operations / sizeof operations[0] };

static void perform(reader *in)
{
    uint8_t letter = *in->at++;
    size_t i = 0;
    while (i < OPERATIONS && (uint8_t)operations[i].letter != letter) {
        i++;
    }
    operations[i < OPERATIONS ? i : letter % OPERATIONS].perform(in);
}

static void begin_world(reader *in)
{
    static const size_t threads[] = {0, 2, 5, 9}, conversations[] = {0, 2};
    uint8_t limits = number(in);
    const liminal_supervisor_options options = {
        LIMINAL_OPS(liminal_supervisor_options), .allocator = test_allocator(), .max_threads = threads[limits % 4],
        .max_conversations = conversations[limits / 4 % 2]};
    memset(&here, 0, sizeof here);
    FUZZ_CHECK(liminal_supervisor_open(&options, &here.supervisor) == LIMINAL_OK);
    here.boss = here.supervisor;
    here.limited = limits % 8 != 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    reader in = {data, data + size};
    FUZZ_CHECK(test_setup(NULL) == 0);
    begin_world(&in);
    for (int i = 0; i < OPERATIONS_MOST && more(&in); i++) {
        perform(&in);
    }
    end_world();
    FUZZ_CHECK(test_teardown(NULL) == 0);
    return 0;
}

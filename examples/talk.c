/* SPDX-License-Identifier: MIT */
/* talk [--deadline MS] [--trace] [--next "PROGRAM ARGS"]... -- PROGRAM ARGS...
 *
 * Hold a conversation with any program that answers a line with a line: each line of standard input is asked,
 * each answer printed. If the program dies, the next one goes on with what it had not answered. At the end,
 * on standard error: how many asks, how long they took, who died and what was done about it; with --trace
 * all that was said, as the conversation logged it. */
#define _POSIX_C_SOURCE 200809L
#include <liminal.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROGRAMS 8
#define WORDS 64

typedef struct talk {
    liminal_conversation *conversation;
    uint32_t deadline_ms;
    int64_t *times; /* of each ask that was answered, in nanoseconds */
    size_t asks, answers, room;
} talk;

static int complain(const char *what, liminal_status st)
{
    fprintf(stderr, "talk: %s: %s (%s)\n", what, liminal_status_detail(), liminal_status_text(st));
    return 1;
}

/* ---- the end ---- */

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static void print_entry(const liminal_log_entry *e)
{
    fprintf(stderr, "%" PRId64 ".%06" PRId64 " %-9s", e->time.unix_ns / 1000000000,
            e->time.unix_ns % 1000000000 / 1000, liminal_log_kind_text(e->kind));
    if (e->envelope != NULL)
        fprintf(stderr, " %.*s", (int)liminal_envelope_size(e->envelope), liminal_envelope_text(e->envelope));
    if (e->kind == LIMINAL_LOG_EXITED)
        fprintf(stderr, " process %" PRIu64 ": %s", e->pid.value, liminal_exit_describe(e->reason).text);
    if (e->kind == LIMINAL_LOG_FAILED)
        fprintf(stderr, " %s", liminal_status_text(e->status));
    fputc('\n', stderr);
}

/* What became of the participants: those who died before the conversation was over. */
static void print_deaths(const liminal_snapshot *s)
{
    liminal_summary sum = liminal_snapshot_read(s);
    size_t i;
    for (i = 0; i < sum.participant_count; i++) {
        liminal_participant_status p;
        if (liminal_snapshot_participant(s, i, &p) || p.alive)
            continue;
        fprintf(stderr, "died: %s (%s); %s\n", p.name, liminal_exit_describe(p.reason).text,
                i + 1 < sum.participant_count ? "the next one went on" : "nobody was left: the conversation failed");
    }
}

static void report(const talk *t, bool trace)
{
    liminal_snapshot *s = NULL;
    if (liminal_conversation_query(t->conversation, &s, liminal_deadline_in_ms(1000)))
        return;
    if (trace) {
        liminal_log_entry e;
        size_t i;
        for (i = 0; !liminal_snapshot_entry(s, i, &e); i++)
            print_entry(&e);
    }
    if (t->answers > 0)
        qsort(t->times, t->answers, sizeof *t->times, by_size);
    fprintf(stderr, "asks: %zu, answered: %zu", t->asks, t->answers);
    if (t->answers > 0)
        fprintf(stderr, "; an ask took %.1f us (median), %.1f us (longest)", (double)t->times[t->answers / 2] / 1e3,
                (double)t->times[t->answers - 1] / 1e3);
    fputc('\n', stderr);
    print_deaths(s);
    liminal_snapshot_drop(&s);
}

/* ---- the conversation ---- */

/* What was printed without having been asked; not without end, for some never stop. */
static void print_unasked(talk *t)
{
    liminal_envelope *said = NULL;
    int left;
    for (left = 100; left > 0 && !liminal_conversation_try_receive(t->conversation, &said); left--) {
        fprintf(stderr, "unasked: %.*s\n", (int)liminal_envelope_size(said), liminal_envelope_text(said));
        liminal_envelope_drop(&said);
    }
}

static liminal_status ask(talk *t, const char *line, size_t size)
{
    liminal_deadline until = liminal_deadline_in_ms(t->deadline_ms);
    liminal_envelope *question = NULL, *answer = NULL;
    liminal_status st = liminal_envelope_create(line, size, NULL, &question);
    t->asks++;
    if (!st)
        st = liminal_conversation_ask(t->conversation, &question, &answer, until);
    if (!st) {
        t->times[t->answers++] = t->deadline_ms * INT64_C(1000000) - liminal_deadline_remaining_ns(until);
        fwrite(liminal_envelope_data(answer), 1, liminal_envelope_size(answer), stdout);
        putchar('\n');
        fflush(stdout);
    }
    liminal_envelope_drop(&answer);
    liminal_envelope_drop(&question);
    return st;
}

static int ask_everything(talk *t)
{
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    liminal_status st = LIMINAL_OK;
    while (!st && (size = getline(&line, &room, stdin)) >= 0) {
        if (t->answers == t->room) {
            size_t more = t->room > 0 ? t->room * 2 : 1024;
            int64_t *times = realloc(t->times, more * sizeof *times);
            if (times == NULL)
                break;
            t->times = times;
            t->room = more;
        }
        st = ask(t, line, (size_t)size - (line[size - 1] == '\n')); /* the library ends it again */
        print_unasked(t);
    }
    free(line);
    return st ? complain("no answer", st) : ferror(stdin) != 0 || ferror(stdout) != 0;
}

static int hold(talk *t, const liminal_participant *participants, size_t count, bool trace)
{
    liminal_config config = {
        LIMINAL_OPS(liminal_config),
        .participants = participants,
        .participant_count = count,
        .on_crash = LIMINAL_CRASH_ROUTE_NEXT,
        .log_entries = trace ? LIMINAL_UNBOUNDED : 0,
    };
    liminal_supervisor *house = NULL;
    int failed;
    liminal_status st = liminal_supervisor_open(NULL, &house);
    if (!st)
        st = liminal_supervisor_spawn(house, &config, &t->conversation);
    failed = st ? complain("can't start", st) : ask_everything(t);
    if (!st) {
        report(t, trace);
        liminal_conversation_drop(&t->conversation);
    }
    free(t->times);
    /* A program that ignores the end of its input is ended by then: see program.h. */
    st = liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(3000));
    return st ? complain("at the end", st) : failed;
}

/* ---- the command line ---- */

/* Cut a text at its blanks; the words point into it. */
static const char *const *words_of(char *text, const char **words)
{
    size_t count = 0;
    char *word, *rest = NULL;
    for (word = strtok_r(text, " ", &rest); word != NULL && count < WORDS - 1; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    words[count] = NULL;
    return words;
}

int main(int argc, char **argv)
{
    static liminal_program programs[PROGRAMS];
    static liminal_participant participants[PROGRAMS];
    static const char *words[PROGRAMS][WORDS];
    talk t = {.deadline_ms = 5000};
    size_t count = 1, i;
    bool trace = false;
    int at = 1;
    for (; at < argc && strcmp(argv[at], "--") != 0; at++) {
        if (strcmp(argv[at], "--trace") == 0)
            trace = true;
        else if (strcmp(argv[at], "--deadline") == 0 && at + 1 < argc)
            t.deadline_ms = (uint32_t)strtoul(argv[++at], NULL, 10);
        else if (strcmp(argv[at], "--next") == 0 && at + 1 < argc && count < PROGRAMS) {
            programs[count].argv = words_of(argv[++at], words[count]);
            count++;
        } else
            break;
    }
    if (at + 1 >= argc || strcmp(argv[at], "--") != 0) {
        fprintf(stderr, "talk [--deadline MS] [--trace] [--next \"PROGRAM ARGS\"]... -- PROGRAM ARGS...\n");
        return 2;
    }
    programs[0].argv = (const char *const *)(argv + at + 1);
    for (i = 0; i < count; i++) {
        programs[i].size = sizeof programs[i];
        participants[i] = (liminal_participant){.kind = LIMINAL_PARTICIPANT_PROGRAM, .program = &programs[i],
                                                .name = programs[i].argv[0]};
    }
    return hold(&t, participants, count, trace);
}

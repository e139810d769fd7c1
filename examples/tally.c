/* SPDX-License-Identifier: MIT */
/* tally FILE...: ask a participant about each line, and add up what it answers. The counts are those
 * of `LC_ALL=C wc -lwcL`. Without a file it reads a licence text that Debian ships. */
#define _POSIX_C_SOURCE 200809L
#include <liminal.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct tally {
    uint64_t lines, words, bytes, longest;
} tally;

/* The participant: one line in, one tally out. */
static liminal_status count_line(void *self, const liminal_envelope *line, liminal_envelope **out)
{
    const unsigned char *text = liminal_envelope_data(line);
    size_t size = liminal_envelope_size(line), i;
    tally t = {0, 0, size, 0};
    uint64_t width = 0;
    bool in_word = false;
    (void)self;
    for (i = 0; i < size; i++) {
        unsigned char c = text[i];
        bool blank = c == ' ' || (c >= '\t' && c <= '\r');
        bool printable = c >= ' ' && c <= '~';
        t.lines += c == '\n';
        t.words += !blank && printable && !in_word;
        in_word = !blank && (printable || in_word);
        if (c == '\n' || c == '\r' || c == '\f')
            width = 0;
        else
            width += c == '\t' ? 8 - width % 8 : printable;
        t.longest = width > t.longest ? width : t.longest;
    }
    return liminal_envelope_create(&t, sizeof t, NULL, out);
}
static const liminal_behaviour counter = {LIMINAL_OPS(liminal_behaviour), .answer = count_line};

static liminal_status ask_about(liminal_conversation *talk, const char *line, size_t size, tally *total)
{
    liminal_envelope *question = NULL, *answer = NULL;
    liminal_status st = liminal_envelope_create(line, size, NULL, &question);
    if (!st)
        st = liminal_conversation_ask(talk, &question, &answer, liminal_deadline_in_ms(5000));
    if (!st) {
        const tally *t = liminal_envelope_data(answer);
        total->lines += t->lines;
        total->words += t->words;
        total->bytes += t->bytes;
        total->longest = t->longest > total->longest ? t->longest : total->longest;
    }
    liminal_envelope_drop(&answer);
    liminal_envelope_drop(&question);
    return st;
}

/* Ask about each line of one file; 0 or an exit status. */
static int tally_file(liminal_conversation *talk, const char *path, tally *total, uint64_t *asks)
{
    FILE *file = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    ssize_t size;
    liminal_status st = LIMINAL_OK;
    if (file == NULL) {
        perror(path);
        return 2;
    }
    while (!st && (size = getline(&line, &room, file)) >= 0) {
        st = ask_about(talk, line, (size_t)size, total);
        *asks += !st;
    }
    if (st)
        fprintf(stderr, "tally: %s: %s\n", liminal_status_text(st), liminal_status_detail());
    st |= (liminal_status)(ferror(file) != 0);
    free(line);
    fclose(file);
    return st ? 1 : 0;
}

static double now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

int main(int argc, char **argv)
{
    const char *licence[] = {"tally", "/usr/share/common-licenses/GPL-3", NULL};
    const char *const *files = argc > 1 ? (const char *const *)argv + 1 : licence + 1;
    liminal_supervisor *house = NULL;
    liminal_conversation *talk = NULL;
    tally total = {0, 0, 0, 0};
    uint64_t asks = 0;
    double began;
    int failed = 0;

    if (liminal_supervisor_open(NULL, &house) ||
        liminal_supervisor_spawn_behaviour(house, &counter, NULL, LIMINAL_CRASH_FAIL, &talk)) {
        fprintf(stderr, "tally: %s\n", liminal_status_detail());
        failed = 1;
    }
    began = now_us();
    for (; *files != NULL && !failed; files++)
        failed = tally_file(talk, *files, &total, &asks);
    if (!failed) {
        liminal_trace_context trace = liminal_conversation_trace(talk);
        printf("lines   %" PRIu64 "\nwords   %" PRIu64 "\nbytes   %" PRIu64 "\nlongest %" PRIu64 "\n", total.lines,
               total.words, total.bytes, total.longest);
        printf("asks    %" PRIu64 ", %.2f us each\n", asks, asks > 0 ? (now_us() - began) / (double)asks : 0.0);
        printf("trace   %s\n", liminal_trace_format(&trace).text);
    }
    liminal_conversation_drop(&talk);
    if (liminal_supervisor_shutdown(&house, NULL, liminal_deadline_in_ms(5000)))
        failed = 1;
    return failed;
}

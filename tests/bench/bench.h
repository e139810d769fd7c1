/* SPDX-License-Identifier: MIT */
/* bench.h -- what the files of liminal-bench share.
 *
 * A workload is a function that measures and says lines `workload metric value unit`. Most are a duel: one call of
 * ours against one of the bare limit, in turn, round by round, so that a machine whose speed drifts favours neither.
 * Ratios compare medians of the same run; bounds are those that the library wants to reach. */
#ifndef LIMI_BENCH_H
#define LIMI_BENCH_H

#include <liminal.h>

#define BENCH_BYTES 64 /* of a request and of a reply */

/* ---- main.c ---- */

typedef struct bench_settings {
    bool quick;         /* every code path, few times: the figures mean nothing */
    long rounds;        /* 0: as many as the workload thinks right */
    long count;         /* not 0: so many calls of ours and nothing else, for callgrind */
    bool one_processor; /* pinned to one */
    int missed;         /* bounds so far */
    int unjudged;       /* bounds that this machine was too busy for */
    int stopped;        /* workloads that could not be measured */
} bench_settings;

extern bench_settings bench;

/* One number for the full measurement, another one for --quick. */
long bench_scale(long full, long quick);

/* Print why and exit with 1. */
_Noreturn void bench_stop(const char *format, ...) LIMINAL_PRINTF(1, 2);

/* Stop unless a call of the library went well. */
void bench_must(liminal_status st);

/* ---- clock.c ---- */

double bench_now_ns(void);
double bench_processor_ns(void); /* of all threads together */
void bench_sleep_until_ns(double ns);
void bench_settle(void); /* so that whoever waits is asleep by then */
int bench_processors(void);
void bench_pin(void); /* this thread, and those it starts from now on, to the first processor */

/* Where the calling thread, and those it starts from now on, may run: on the first processor, on the second one, on all
 * that the program may use. With one processor it stays there. First called by a thread that may run on all. */
typedef enum bench_place { BENCH_FIRST, BENCH_SECOND, BENCH_ANYWHERE } bench_place;
void bench_stay(bench_place place);

/* How often to look, with a pause after each look, to spin for some 20 us; 0 with one processor. */
long bench_spins(void);
void bench_relax(void);

void bench_word_wait(_Atomic(unsigned) *word, unsigned expected);
void bench_word_wake(_Atomic(unsigned) *word);

/* ---- figures.c ---- */

typedef struct bench_samples {
    double *values;
    size_t count, room;
} bench_samples;

void bench_add(bench_samples *samples, double value);
void bench_clear(bench_samples *samples);
double bench_quantile(bench_samples *samples, double q);
double bench_median(bench_samples *samples);

/* Say one line; the remark, which may be NULL, is put in parentheses. */
void bench_say(const char *workload, const char *metric, double value, const char *unit, const char *remark);

typedef enum bench_relation { BENCH_AT_MOST, BENCH_AT_LEAST } bench_relation;

/* Say one line with its bound, and whether it is met; without, if the bound is negative. */
void bench_say_bound(const char *workload, const char *metric, double value, const char *unit, bench_relation relation,
                     double bound);

/* Say one line without a verdict on its bound, and why. */
void bench_say_unjudged(const char *workload, const char *metric, double value, const char *unit, const char *why);

/* ---- duel.c ---- */

typedef struct bench_side {
    void (*call)(void *self);
    void *self;
    long operations;             /* in a call; 0: 1 */
    double (*timed)(void *self); /* instead of `call`: one that takes its own time, and gives it in ns */
} bench_side;

typedef enum bench_measure {
    BENCH_BATCH, /* the median of the rounds' means: for calls that a clock read would distort; quantiles beside it */
    BENCH_EACH,  /* the median of all calls, each with its own two clock reads */
    BENCH_RATE   /* as BENCH_BATCH, said as a rate; no quantiles */
} bench_measure;

typedef struct bench_duel {
    const char *workload;
    const char *limit_name;
    bench_side ours, limit;
    bench_measure measure;
    long rounds;
    long calls;     /* in a round */
    double pace_ns; /* between the begin of one call and the next; 0: back to back */
    double bound;   /* of our median by the limit's, at most; with BENCH_RATE of our rate by the limit's, at least;
                     * 0: none */
    const char *unjudged; /* not NULL: why there is no verdict on the bound */
    double limit_most;    /* not 0: when the limit's median is over it, ns, there is no verdict: for a limit that
                           * needs a processor for itself and did not get it */
} bench_duel;

/* Measure both and say it; with bench.count, make so many calls of ours and say nothing. Gives the ratio. */
double bench_fight(const bench_duel *duel);

/* ---- child.c ---- */

/* This program again, started afresh, so that its memory and threads are its own. */
typedef struct bench_child {
    double values[8]; /* the numbers it printed, one a line */
    int count;
    char text[512];   /* the last line that was no number; "" if there was none */
} bench_child;

/* Have it do one of the jobs below, and read what it printed. */
bench_child bench_child_run(const char *job, long number);

/* Have it run a workload with the options of this run, and pass on the lines it says. False if it failed. */
bool bench_child_pass_on(const char *workload, bool pinned);

/* In the child: do the job and end the program. */
_Noreturn void bench_child_work(const char *job, long number);

/* What the system allows where threads are started, for a reader to see which one it was; -1: no limit. */
const char *bench_limits(void);

/* Resident memory of this process in bytes. */
double bench_resident(void);

/* Jobs. Each prints what its own file says. */
void bench_idle_conversations(long number);
void bench_idle_threads(long number);
void bench_memory_flat_here(long messages);
void bench_memory_back_here(long conversations);
void bench_memory_back_threads(long threads);

/* ---- meter.c ---- */

/* malloc and free, counted. */
typedef struct bench_meter {
    liminal_allocator table; /* hand this on */
    _Atomic(size_t) live, peak, total; /* bytes: now, at most, ever */
} bench_meter;

void bench_meter_init(bench_meter *meter);

/* ---- the bare limits: plain.c, pingpong.c, list.c, threads.c ---- */

/* As many bytes as a request has, written and read by the limits and by ours alike. */
void bench_fill(unsigned char *bytes, unsigned value);
void bench_check(const unsigned char *bytes, unsigned value);

void bench_plain_call(void *unsigned_counter);

typedef struct bench_pingpong bench_pingpong;
bench_pingpong *bench_pingpong_open(bool spin);
void bench_pingpong_call(void *pingpong); /* there and back */
void bench_pingpong_close(bench_pingpong *pingpong);

/* Who sends how much one way, bare or through the library. */
typedef struct bench_traffic {
    long messages;
    int producers;
    liminal_conversation *talk; /* ours only */
    size_t node_bytes;          /* the limit's only: so large is a node; less than it needs: as large as it needs */
} bench_traffic;

void bench_list_call(void *traffic);
void bench_threads_call(void *int_threads); /* so many started, and joined */
void bench_crowd_call(void *int_threads);   /* the same, but they live at once, until they are told */
void bench_thread_start(void *pthread, void *(*run)(void *), void *argument);

/* ---- talk.c ---- */

liminal_supervisor *bench_open(const liminal_supervisor_options *options);
void bench_shut(liminal_supervisor *house);

/* A conversation with one participant that gives back a copy of what it was asked. */
liminal_conversation *bench_spawn(liminal_supervisor *house, liminal_participant_kind kind);
liminal_conversation *bench_spawn_with(liminal_supervisor *house, const liminal_config *differences,
                                       liminal_participant_kind kind, const liminal_behaviour *behaviour, void *self);

/* Ask with bench_fill()ed bytes and bench_check() the reply. */
void bench_ask(void *conversation);

extern const liminal_behaviour bench_answering; /* a copy of the request */
extern const liminal_behaviour bench_silent;    /* nothing; counts in its long `self`, unless that is NULL */

/* ---- the workloads ---- */

void bench_ask_inline(void);
void bench_ask_busy(void);
void bench_ask_rare(void);
void bench_oneway_1(void);
void bench_oneway_4(void);
void bench_buffer(void);
void bench_send_and_receive(void *conversation); /* what it times */
void bench_spawn_inline(void);
void bench_spawn_threaded(void);
void bench_idle_10000(void);
void bench_idle_30000(void);
void bench_death_thread(void);
void bench_death_guest(void);
void bench_death_program(void);
void bench_many_inline(void);
void bench_many_threaded(void);
void bench_neighbour(void);
void bench_query_1000(void);
void bench_query_1000000(void);
void bench_log(void);
void bench_span(void);
void bench_span_collector(void);
void bench_memory_flat(void);
void bench_memory_back(void);
void bench_quiet(void);
void bench_one_processor(void);

#endif

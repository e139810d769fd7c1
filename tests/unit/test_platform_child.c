/* SPDX-License-Identifier: MIT */
/* test_platform_child.c -- programs are started as asked, or it is said why not. */
#define _GNU_SOURCE

#include "child_kit.h"

#include <sys/stat.h>

enum { ROOM = 4096 };

/* ---- talking ---- */

static void what_cat_is_told_it_says(void **state)
{
    limi_child child = start_program(ARGV("cat"));
    char said[ROOM];
    (void)state;
    assert_true(child.os_pid > 0 && child.in >= 0 && child.out >= 0 && child.err == -1);
    assert_int_equal(limi_descriptor_read(child.out, said, sizeof said), -1); /* nothing yet */
    assert_int_equal(limi_descriptor_write(child.in, "one\ntwo", 7), 7);
    limi_descriptor_close(&child.in);
    assert_int_equal(child.in, -1);
    limi_descriptor_close(&child.in); /* welcome */
    read_text(child.out, said, sizeof said);
    assert_string_equal(said, "one\ntwo");
    assert_int_equal(limi_descriptor_read(child.out, said, sizeof said), 0); /* the end stays */
    assert_int_equal(take_status(child.os_pid), 0);
    close_child(&child);
}

static void arguments_arrive_as_they_are(void **state)
{
    char said[ROOM];
    (void)state;
    assert_int_equal(run_program(ARGV("sh", "-c", "printf '<%s>' \"$@\"; exit 7", "x", "", "a b", "$c", "\n"), said,
                                 sizeof said), 7);
    assert_string_equal(said, "<><a b><$c><\n>");
}

static void standard_error_goes_where_the_plan_says(void **state)
{
    limi_child_plan plan = plan_of(SHELL("echo out; echo err >&2"));
    limi_child child;
    char said[ROOM];
    (void)state;
    plan.own_stderr = true;
    child = start_plan(&plan);
    read_text(child.out, said, sizeof said);
    assert_string_equal(said, "out\n");
    read_text(child.err, said, sizeof said);
    assert_string_equal(said, "err\n");
    assert_int_equal(take_status(child.os_pid), 0);
    close_child(&child);

    plan = plan_of(SHELL("readlink /proc/$$/fd/2"));
    plan.stderr_away = true;
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "/dev/null\n");
}

static void standard_error_may_be_the_hosts(void **state)
{
    limi_child_plan plan = plan_of(SHELL("echo err >&2"));
    char said[ROOM];
    int ends[2], kept, code;
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    kept = fcntl(2, F_DUPFD_CLOEXEC, 10);
    (void)dup2(ends[1], 2);
    code = run_plan(&plan, said, sizeof said);
    (void)dup2(kept, 2);
    (void)close(kept);
    (void)close(ends[1]);
    assert_int_equal(code, 0);
    assert_string_equal(said, "");
    read_text(ends[0], said, sizeof said);
    (void)close(ends[0]);
    assert_string_equal(said, "err\n");
}

static void a_full_pipe_says_so(void **state)
{
    limi_child child = start_program(ARGV("sleep", "60"));
    char block[ROOM];
    size_t put = 0;
    ptrdiff_t last;
    limi_pollee pollee = {.fd = child.in, .want_write = true};
    (void)state;
    memset(block, 'x', sizeof block);
    while ((last = limi_descriptor_write(child.in, block, sizeof block)) > 0) {
        put += (size_t)last;
    }
    assert_int_equal(last, -1);
    assert_true(put > 0);
    limi_poll(&pollee, 1, limi_clock_monotonic());
    assert_false(pollee.can_write);
    end_child(&child);
}

/* ---- environment ---- */

/* How many of the lines of `env` are exactly this one. */
static int lines(const char *said, const char *line)
{
    int count = 0;
    size_t length = strlen(line);
    for (const char *at = said; *at != '\0';) {
        const char *end = strchrnul(at, '\n');
        count += (size_t)(end - at) == length && strncmp(at, line, length) == 0;
        at = *end != '\0' ? end + 1 : end;
    }
    return count;
}

static void the_hosts_environment_is_handed_on(void **state)
{
    limi_child_plan plan = plan_of(ARGV("env"));
    char said[64 * ROOM];
    (void)state;
    assert_int_equal(setenv("OF_THE_HOST", "here", 1), 0);
    assert_int_equal(setenv("TRACEPARENT", "the host's", 1), 0);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_int_equal(lines(said, "OF_THE_HOST=here"), 1);
    assert_int_equal(lines(said, "TRACEPARENT=the host's"), 1);

    plan.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_int_equal(lines(said, "OF_THE_HOST=here"), 1);
    assert_int_equal(lines(said, "TRACEPARENT=the host's"), 0);
    assert_int_equal(lines(said, "TRACEPARENT=00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"), 1);
    assert_string_equal(getenv("TRACEPARENT"), "the host's");
    assert_int_equal(unsetenv("TRACEPARENT") | unsetenv("OF_THE_HOST"), 0);
}

static void an_environment_of_its_own_is_all_there_is(void **state)
{
    limi_child_plan plan = plan_of(ARGV("env")); /* found through the host's PATH */
    char said[ROOM];
    (void)state;
    plan.environment = ARGV("A=1", "TRACEPARENT=x", "TRACEPARENTS=2", "TRACEPARENT=y");
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "A=1\nTRACEPARENT=x\nTRACEPARENTS=2\nTRACEPARENT=y\n");
    plan.traceparent = "z";
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "A=1\nTRACEPARENTS=2\nTRACEPARENT=z\n");
    plan.environment = (const char *const[]){NULL};
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, "TRACEPARENT=z\n");
}

static void the_host_may_have_no_environment(void **state)
{
    limi_child_plan plan = plan_of(ARGV("/usr/bin/env"));
    char **kept = environ;
    char said[ROOM], less[ROOM];
    int codes[2];
    (void)state;
    environ = NULL;
    codes[0] = run_plan(&plan, less, sizeof less);
    plan.traceparent = "z";
    codes[1] = run_plan(&plan, said, sizeof said);
    environ = kept;
    assert_int_equal(codes[0], 0);
    assert_int_equal(codes[1], 0);
    assert_string_equal(less, "");
    assert_string_equal(said, "TRACEPARENT=z\n");
}

static void memory_may_fail(void **state)
{
    limi_child_plan plan = plan_of(ARGV("true"));
    limi_child child = {.os_pid = -7};
    size_t descriptors = open_descriptors();
    (void)state;
    plan.traceparent = "z";
    plan.own_stderr = true;
    test_fail_nth(1);
    assert_int_equal(limi_child_start(&plan, &child), LIMINAL_ENOMEM);
    assert_int_equal(child.os_pid, -7);
    assert_int_equal(open_descriptors(), descriptors);
    child = start_plan(&plan);
    assert_int_equal(take_status(child.os_pid), 0);
    close_child(&child);
}

/* ---- files ---- */

/* A folder with a script that runs, files that don't, and nothing else. */
typedef struct folder {
    char path[64];
} folder;

static void lay_file(const folder *f, const char *name, const char *text, mode_t mode)
{
    char path[128];
    int fd;
    (void)snprintf(path, sizeof path, "%s/%s", f->path, name);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(close(fd), 0);
}

static folder make_folder(void)
{
    folder f = {"/tmp/liminal-child-XXXXXX"};
    assert_non_null(mkdtemp(f.path));
    lay_file(&f, "runs", "#!/bin/sh\npwd\n", 0700);
    lay_file(&f, "plain", "#!/bin/sh\npwd\n", 0600);
    lay_file(&f, "nonsense", "neither a script nor a program\n", 0700);
    lay_file(&f, "orphan", "#!/nowhere/sh\n", 0700);
    return f;
}

static void drop_folder(const folder *f)
{
    static const char *const names[] = {"runs", "plain", "nonsense", "orphan"};
    char path[128];
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s/%s", f->path, names[i]);
        assert_int_equal(unlink(path), 0);
    }
    assert_int_equal(rmdir(f->path), 0);
}

static void it_starts_in_the_directory_of_the_plan(void **state)
{
    folder f = make_folder();
    limi_child_plan plan = plan_of(ARGV("./runs"));
    char said[ROOM], expected[ROOM], here[ROOM];
    (void)state;
    assert_non_null(getcwd(here, sizeof here));
    plan.directory = f.path;
    (void)snprintf(expected, sizeof expected, "%s\n", f.path);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, expected);

    plan = plan_of(ARGV("pwd"));
    (void)test_check(snprintf(expected, sizeof expected, "%s\n", here) < (int)sizeof expected);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_string_equal(said, expected);
    drop_folder(&f);
}

static void a_name_without_a_slash_is_looked_up_in_path(void **state)
{
    folder f = make_folder();
    char said[ROOM], path[2 * ROOM];
    char *kept = strdup(getenv("PATH"));
    limi_child_plan plan = plan_of(ARGV("runs"));
    limi_child child;
    (void)state;
    assert_int_equal(limi_child_start(&plan, &child), LIMINAL_ENOPROC);
    (void)snprintf(path, sizeof path, "/nowhere:%s:%s", f.path, kept);
    assert_int_equal(setenv("PATH", path, 1), 0);
    assert_int_equal(run_plan(&plan, said, sizeof said), 0);
    assert_int_equal(setenv("PATH", kept, 1), 0);
    free(kept);
    drop_folder(&f);
}

static void refusal(const limi_child_plan *plan, liminal_status status, const char *says)
{
    limi_child child = {.os_pid = -7, .in = -8, .out = -9, .err = -10};
    size_t descriptors = open_descriptors();
    errno = 4711;
    assert_int_equal(limi_child_start(plan, &child), status);
    assert_int_equal(errno, 4711);
    if (strstr(liminal_status_detail(), says) == NULL) {
        fail_msg("\"%s\" does not say \"%s\"", liminal_status_detail(), says);
    }
    assert_non_null(strstr(liminal_status_detail(), plan->argv[0]));
    assert_true(child.os_pid == -7 && child.in == -8 && child.out == -9 && child.err == -10);
    assert_int_equal(open_descriptors(), descriptors);
    assert_int_equal(test_blocks(), 0);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
}

static void what_cannot_be_executed_is_named(void **state)
{
    static const struct {
        const char *program, *directory, *says;
    } rows[] = {
        {"no-such-program-anywhere", NULL, "no such file"}, {"./no-such-program", NULL, "no such file"},
        {"", NULL, "no such file"},                         {"./orphan", "", "no such file"},
        {"./plain", "", "permission"},                      {"/tmp", NULL, "permission"},
        {"./nonsense", "", "not a program"},                {"./runs/further", "", "not a directory"},
        {"true", "/nowhere/at/all", "no such file"},        {"true", "/dev/null", "not a directory"},
    };
    folder f = make_folder();
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        limi_child_plan plan = plan_of(ARGV(rows[i].program));
        plan.directory = rows[i].directory != NULL && rows[i].directory[0] == '\0' ? f.path : rows[i].directory;
        plan.own_stderr = i % 2 == 0;
        plan.traceparent = "z";
        refusal(&plan, LIMINAL_ENOPROC, rows[i].says);
        if (rows[i].directory != NULL) {
            assert_non_null(strstr(liminal_status_detail(), plan.directory));
        }
    }
    drop_folder(&f);
}

static void arguments_beyond_all_bounds_are_a_limit(void **state)
{
    size_t size = (size_t)8 * 1024 * 1024; /* more than one argument may have */
    char *huge = malloc(size);
    limi_child_plan plan = plan_of(ARGV("true", huge));
    (void)state;
    assert_non_null(huge);
    memset(huge, 'x', size - 1);
    huge[size - 1] = '\0';
    refusal(&plan, LIMINAL_ELIMIT, "too long");
    free(huge);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_cat_is_told_it_says),
        TEST(arguments_arrive_as_they_are),
        TEST(standard_error_goes_where_the_plan_says),
        TEST(standard_error_may_be_the_hosts),
        TEST(a_full_pipe_says_so),
        TEST(the_hosts_environment_is_handed_on),
        TEST(an_environment_of_its_own_is_all_there_is),
        TEST(the_host_may_have_no_environment),
        TEST(memory_may_fail),
        TEST(it_starts_in_the_directory_of_the_plan),
        TEST(a_name_without_a_slash_is_looked_up_in_path),
        TEST(what_cannot_be_executed_is_named),
        TEST(arguments_beyond_all_bounds_are_a_limit),
    };
    return cmocka_run_group_tests_name("platform_child", tests, NULL, NULL);
}

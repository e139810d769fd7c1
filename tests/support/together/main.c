/* SPDX-License-Identifier: MIT */
/* main.c -- many tests in one program (LIMINAL_TEST_TOGETHER): the name by which it is called, a symbolic link's, says
 * which of them runs. Each has its own main(), under another name; together.h, which CMake writes, lists them:
 * TEST(unit_ask) TEST(unit_close) ... */
#include <stdio.h>
#include <string.h>

#define TEST(name) int main_of_##name(void);
#include "together.h"
#undef TEST

#define TEST(name) {#name, main_of_##name},
static const struct {
    const char *name;
    int (*run)(void);
} tests[] = {
#include "together.h"
};
#undef TEST

int main(int count, char **arguments)
{
    const char *slash = count > 0 ? strrchr(arguments[0], '/') : NULL;
    const char *name = slash != NULL ? slash + 1 : count > 0 ? arguments[0] : "";
    for (size_t i = 0; i < sizeof tests / sizeof tests[0]; i++) {
        if (strcmp(tests[i].name, name) == 0) {
            return tests[i].run();
        }
    }
    fprintf(stderr, "there is no test %s in this program\n", name);
    return 2;
}

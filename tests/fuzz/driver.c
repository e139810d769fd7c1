/* SPDX-License-Identifier: MIT */
/* driver.c FOLDER -- stands in for libFuzzer where there is none: runs a target over each file of a folder, in the
 * order of their names. A folder without files is a failure, for then nothing was tested. */
#define _GNU_SOURCE

#include "fuzz.h"

#include <dirent.h>
#include <string.h>

static int is_file(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

/* The target gets a block of just that size, so that a sanitizer sees one byte too many. */
static bool run(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    long size = -1;
    bool read = false;
    if (file != NULL && fseek(file, 0, SEEK_END) == 0 && (size = ftell(file)) >= 0 && fseek(file, 0, SEEK_SET) == 0) {
        bytes = malloc(size > 0 ? (size_t)size : 1);
        read = bytes != NULL && fread(bytes, 1, (size_t)size, file) == (size_t)size;
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    (void)fprintf(stderr, "%s: %ld bytes\n", path, size);
    if (read) {
        (void)LLVMFuzzerTestOneInput(bytes, (size_t)size);
    }
    free(bytes);
    return read;
}

int main(int argc, char **argv)
{
    struct dirent **entries = NULL;
    int count = argc == 2 ? scandir(argv[1], &entries, is_file, alphasort) : -1;
    int failed = count <= 0;
    for (int i = 0; i < count; i++) {
        char path[4096];
        int length = snprintf(path, sizeof path, "%s/%s", argv[1], entries[i]->d_name);
        failed |= length < 0 || (size_t)length >= sizeof path || !run(path);
        free(entries[i]);
    }
    free(entries);
    (void)fprintf(stderr, "%d seeds\n", count);
    return failed;
}

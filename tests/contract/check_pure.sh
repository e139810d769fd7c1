#!/bin/sh
# SPDX-License-Identifier: MIT
# check_pure.sh ROOT COMPILER NAME... -- the walls between the groups of sources stand.
# The names are those of the pure sources, without folder and ending.
set -u
cd "$1" || exit 1
compiler=$2
shift 2
failed=0
system='<(pthread|sched|semaphore|signal|threads|time|unistd|fcntl|poll|spawn|dirent|sys/[a-z/_]*|linux/[a-z/_]*|asm/[a-z/_]*)\.h>'

complain() {
    echo "$*"
    failed=$((failed + 1))
}

# What a pure source includes, directly or through headers of ours.
for name in "$@"; do
    files=$("$compiler" -std=c11 -MM -Iinclude -Isrc "src/$name.c" | sed 's/^[^:]*://; s/\\$//') || failed=$((failed + 1))
    [ -n "$files" ] || complain "src/$name.c: the compiler can't read it"
    for file in $files; do
        case $file in
        */platform.h | */platform_inline.h | */platform_process.h | */platform_call.h) complain "src/$name.c: is pure, but includes $file" ;;
        esac
    done
    # shellcheck disable=SC2086 # words
    found=$(grep -HnE "^ *# *include +$system" $files) && complain "src/$name.c: is pure, but through $found"
done

# Only the platform's own sources speak with the system.
found=$(grep -HnE "^ *# *include +$system" src/*.[ch] include/*.h include/liminal/*.h |
    grep -vE '^src/platform_(posix\.c|poll\.c|watch\.c|child\.c|call\.h):') && complain "$found"

# Every atomic operation goes through the treaty.
atomic='(^|[^[:alnum:]_])(_Atomic|atomic_[a-z]|__atomic_|__sync_|<stdatomic\.h>|volatile )'
found=$(grep -HnE "$atomic" src/*.[ch] include/*.h include/liminal/*.h | grep -v '^src/platform_') && complain "$found"

echo "$# pure sources, $failed complaints"
[ "$failed" -eq 0 ] && [ "$#" -gt 0 ]

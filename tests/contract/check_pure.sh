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
        found=$(grep -nE "^ *# *include +$system" "$file") &&
            complain "src/$name.c: is pure, but through $file: $found"
    done
done

# Only the platform's own sources speak with the system.
for file in src/*.[ch] include/*.h include/liminal/*.h; do
    case $file in
    src/platform_posix.c | src/platform_poll.c | src/platform_watch.c | src/platform_child.c | src/platform_call.h) continue ;;
    esac
    found=$(grep -nE "^ *# *include +$system" "$file") && complain "$file: $found"
done

# Every atomic operation goes through the treaty.
for file in src/*.[ch] include/*.h include/liminal/*.h; do
    case $file in src/platform_*) continue ;; esac
    found=$(grep -nE '(^|[^[:alnum:]_])(_Atomic|atomic_[a-z]|__atomic_|__sync_|<stdatomic\.h>|volatile )' "$file") &&
        complain "$file: $found"
done

echo "$# pure sources, $failed complaints"
[ "$failed" -eq 0 ] && [ "$#" -gt 0 ]

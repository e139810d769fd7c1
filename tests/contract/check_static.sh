#!/bin/sh
# SPDX-License-Identifier: MIT
# check_static.sh [--long] ROOT UTHASH-FOLDER -- what tools find that only read: clang-tidy with the checks of .clang-tidy,
# cppcheck with those of cppcheck.txt left out, and gcc's analyzer. Ends with 77 where a tool is missing. --long: clang's
# analyzer as well, which takes some minutes. (That locks are held where they must be, clang says in every build.)
set -u
checks=
if [ "$1" = --long ]; then
    checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.DeprecatedOrUnsafeBufferHandling,-clang-analyzer-valist.Uninitialized,-clang-analyzer-optin.performance.Padding'
    shift
fi
cd "$1" || exit 1
uthash=$2
for tool in clang-tidy cppcheck gcc; do
    command -v $tool >/dev/null 2>&1 || { echo "$tool is missing" && exit 77; }
done
jobs=$(nproc 2>/dev/null || echo 2)
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
flags="-std=c11 -Iinclude -Isrc -isystem $uthash -DLIMI_ANALYSED"
failed=0

check() { # check NAME COMMAND...
    name=$1
    shift
    began=$(date +%s)
    if "$@" >"$scratch/out" 2>&1; then
        said=fine
    else
        said=COMPLAINS
        failed=$((failed + 1))
        # One line for each, for what is in a header is found once for each source; the rest: the tool did not run.
        grep -E '^[^ ]+:[0-9]+:.*: ' "$scratch/out" | grep -v ' note: ' | sort -u | head -n 100
        tail -n 3 "$scratch/out"
    fi
    printf '%-18s %-10s %3d s\n' "$name" "$said" "$(($(date +%s) - began))"
}

each() { # each COMMAND...: for a few sources at a time, on every processor
    ls src/*.c | xargs -P "$jobs" -n 4 "$@"
}

# shellcheck disable=SC2086 # the flags are words
tidy() {
    each sh -c 'flags=$1; options=$2; shift 2; exec clang-tidy --quiet $options "$@" -- $flags' tidy "$flags" "$1"
}

# shellcheck disable=SC2086
analyse() {
    each sh -c 'flags=$1; shift; for file in "$@"; do
        gcc $flags -O2 -Wall -Wextra -fanalyzer -Werror -S "$file" -o /dev/null || failed=1; done; exit ${failed:-0}' gcc "$flags"
}

check cppcheck cppcheck -j "$jobs" --std=c11 -Iinclude -Isrc --enable=warning,style,performance,portability \
    --inconclusive --suppressions-list=tests/contract/cppcheck.txt --inline-suppr --error-exitcode=1 --quiet \
    --template='{file}:{line}: {id}: {message}' src
check "gcc -fanalyzer" analyse
check clang-tidy tidy ""
[ -z "$checks" ] || check "clang's analyzer" tidy "--checks=$checks"
[ "$failed" -eq 0 ]

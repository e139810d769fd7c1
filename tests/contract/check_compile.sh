#!/bin/sh
# SPDX-License-Identifier: MIT
# check_compile.sh ROOT COMPILER... -- each public header compiles alone, twice in a row, as C11 and as C++17.
# The compilers are pairs: one for C, one for C++; those that are not there are skipped, but not all.
set -u
root=$1
shift
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
warnings="-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -fsyntax-only"
failed=0
done=0

compile() { # compile HEADER COMMAND...
    header=$1
    shift
    done=$((done + 1))
    if ! "$@" $warnings -I"$root/include"; then
        echo "$header: $*"
        failed=$((failed + 1))
    fi
}

for header in $(cd "$root/include" && find . -name '*.h' | sed 's,^\./,,' | sort); do
    printf '#include <%s>\n#include <%s>\nint only(void);\nint only(void) { return 0; }\n' "$header" "$header" \
        >"$scratch/one.c"
    cp "$scratch/one.c" "$scratch/one.cpp"
    for compiler in "$@"; do
        command -v "$compiler" >/dev/null 2>&1 || continue
        case $compiler in
        *++*) compile "$header" "$compiler" -std=c++17 "$scratch/one.cpp" ;;
        *) compile "$header" "$compiler" -std=c11 -Wstrict-prototypes -Wmissing-prototypes -Wvla "$scratch/one.c" ;;
        esac
    done
done
echo "$done compilations, $failed failed"
[ "$failed" -eq 0 ] && [ "$done" -gt 0 ]

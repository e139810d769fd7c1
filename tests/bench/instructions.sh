#!/bin/sh
# SPDX-License-Identifier: MIT
# instructions.sh BENCH [WORKLOAD...] -- how many instructions one operation takes, all threads together, by valgrind's
# callgrind: the difference of two run lengths. Lines as those of liminal-bench.
set -u
bench=$1
shift
[ $# -gt 0 ] || set -- ask-inline ask-busy oneway-1 buffer spawn-inline spawn-threaded query-1000 span span-collector
few=2000
many=6000

count() { # count WORKLOAD N
    valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" --count "$2" "$1" 2>&1 |
        sed -n 's/.*Collected *: *\([0-9]*\).*/\1/p'
}

command -v valgrind >/dev/null || { echo "instructions.sh: valgrind is missing" >&2; exit 1; }
for workload in "$@"; do
    less=$(count "$workload" $few)
    more=$(count "$workload" $many)
    [ -n "$less" ] && [ -n "$more" ] || { echo "instructions.sh: $workload can't be counted" >&2; exit 1; }
    each=$(((more - less) / (many - few)))
    verdict=
    if [ "$workload" = ask-inline ]; then
        [ "$each" -le 1200 ] && verdict=' (at most 1200) met' || verdict=' (at most 1200) missed'
    fi
    echo "$workload instructions $each instructions$verdict"
done

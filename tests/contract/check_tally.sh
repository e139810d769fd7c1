#!/bin/sh
# SPDX-License-Identifier: MIT
# check_tally.sh TALLY FILE... -- examples/tally counts what wc counts: in these files, in some odd ones, and
# in all of them at once. It must print lines such as "lines 21", "words 169", "bytes 1078" and "longest 78".
set -u
tally=$1
shift
LC_ALL=C
export LC_ALL
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
failed=0

: >"$scratch/empty"
printf 'one two\nthree, and no line end' >"$scratch/open_end"
printf 'a\000b c\000d\n\000e f\000\n' >"$scratch/zeros"
printf '\n\n  \n\t x\n' >"$scratch/blanks"
awk 'BEGIN {for (i = 0; i < 20000; i++) printf "word "; print ""}' >"$scratch/long_line"

number() { # number LABEL <output
    sed -n "s/^[[:blank:]]*$1:\{0,1\}[[:blank:]]\{1,\}\([0-9]\{1,\}\)\([^0-9].*\)\{0,1\}\$/\1/p" | head -n 1
}

compare() { # compare FILE...
    if ! said=$("$tally" "$@"); then
        echo "$*: tally failed"
        failed=$((failed + 1))
        return
    fi
    for pair in lines:-l words:-w bytes:-c longest:-L; do
        mine=$(printf '%s\n' "$said" | number "${pair%:*}")
        theirs=$(cat "$@" | wc "${pair#*:}" | tr -d ' ')
        if [ "$mine" != "$theirs" ]; then
            echo "$*: ${pair%:*}: tally says '$mine', wc says '$theirs'"
            printf '%s\n' "$said"
            failed=$((failed + 1))
        fi
    done
}

for file in "$@" "$scratch"/*; do
    compare "$file"
done
compare "$@"
compare "$1" "$scratch/empty" "$scratch/zeros" "$scratch/blanks"
echo "$failed complaints"
[ "$failed" -eq 0 ]

#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh [FILE...] -- install what is missing, build with optimisation, and run the main examples: sums asked of a
# bc that is killed in the middle, and a conversation about each line of the files (by default a licence text that
# Debian ships).
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
. tests/support/need.sh

need_command cc gcc
need_command make make
need_command cmake cmake
need_command bc bc
need_that "the C library's headers" libc6-dev need_compiles "#include <pthread.h>\nint main(void) { return 0; }" cc
need_install
need_header uthash.h uthash-dev # asked only now, when there is a compiler to ask
need_install

cmake -S "$root" -B "$root/build/examples-run" -DCMAKE_BUILD_TYPE=Release -DLIMINAL_BUILD_TESTS=OFF \
    -DLIMINAL_BUILD_EXAMPLES=ON >/dev/null
cmake --build "$root/build/examples-run" --parallel "$(nproc 2>/dev/null || echo 2)" >/dev/null
cd "$OLDPWD" 2>/dev/null || true
here=$root/build/examples-run/examples

echo "---- talk: 2000 sums asked of bc, which is killed in the middle; the next bc goes on"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
awk 'BEGIN { for (i = 1; i <= 2000; i++) printf "%d * %d + %d\n", i, i + 7, i % 13 }' >"$scratch/sums"
bc -q <"$scratch/sums" >"$scratch/alone"
: >"$scratch/together"
{
    head -n 1000 "$scratch/sums"
    looks=0
    until [ "$(wc -l <"$scratch/together")" -ge 500 ]; do
        looks=$((looks + 1))
        [ "$looks" -lt 3000 ] || exit 1 # half a minute: it has died, and says why
        sleep 0.01
    done
    kill -KILL "$(cat "$scratch/pid")"
    tail -n +1001 "$scratch/sums"
} | "$here/talk" --next "bc -q" -- sh -c 'echo $$ >"$0/pid"; exec bc -q' "$scratch" \
    >"$scratch/together" 2>"$scratch/said" || { cat "$scratch/said" && exit 1; }
cat "$scratch/said" >&2
cmp "$scratch/alone" "$scratch/together"
grep -q 'signal 9.*the next one went on' "$scratch/said"
echo "$(wc -l <"$scratch/together") answers, the same as those of bc run alone"

echo "---- tally: a conversation about each line of a file"
"$here/tally" "$@"

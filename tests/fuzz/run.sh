#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh PROGRAM SEEDS CORPUS SECONDS -- fuzz for a while, from the seeds and from nothing else, and say how much was
# tried. What breaks is left in CORPUS.found, named after its contents: put it among the seeds with the mend.
set -u
program=$1
seeds=$2
corpus=$3
seconds=$4

[ -n "$(ls "$seeds")" ] || { echo "$seeds: no seeds" && exit 1; }
rm -rf "$corpus" "$corpus.found"
mkdir -p "$corpus" "$corpus.found" || exit 1

# Only the first folder is written to. An input of more than 10 s hangs.
"$program" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=1024 -max_len=1024 -print_final_stats=1 \
    -verbosity=0 -artifact_prefix="$corpus.found/" "$corpus" "$seeds" >"$corpus.log" 2>&1
status=$?
if [ "$status" -ne 0 ]; then
    cat "$corpus.log"
    for found in "$corpus.found"/*; do
        [ -f "$found" ] && echo "$found:" && od -An -c "$found" | head -n 40
    done
fi
grep -E '^stat::(number_of_executed_units|average_exec_per_sec|new_units_added)' "$corpus.log"
exit "$status"

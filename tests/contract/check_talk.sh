#!/bin/sh
# SPDX-License-Identifier: MIT
# check_talk.sh TALK -- examples/talk holds a conversation with real programs, goes on with the next one when one is
# killed, and hangs on none that misbehaves.
set -u
talk=$1
scratch=$(mktemp -d) || exit 1
trap 'rm -rf "$scratch"' EXIT
: >"$scratch/complaints"

# Behind a pipe this is another process, so a variable could not count them.
complain() {
    echo "$*" | tee -a "$scratch/complaints"
    echo "  it printed: $(head -c 2000 "$scratch/out")"
    echo "  and said:   $(head -c 2000 "$scratch/err")"
}

# Ends with STATUS (or, "some", with a failure) well before a minute, and says SAYS on standard error.
expect() { # expect WHAT STATUS SAYS ARGUMENTS... <input
    what=$1
    status=$2
    says=$3
    shift 3
    timeout -k 5 60 "$talk" "$@" >"$scratch/out" 2>"$scratch/err"
    ended=$?
    case $status:$ended in
    *:124 | *:137) complain "$what: it hangs" ;;
    some:0) complain "$what: it ends with 0" ;;
    some:*) ;;
    *) [ "$ended" -eq "$status" ] || complain "$what: it ends with $ended" ;;
    esac
    grep -q "$says" "$scratch/err" || complain "$what: nothing like '$says'"
}

prints() { # prints WHAT TEXT
    [ "$(cat "$scratch/out")" = "$2" ] || complain "$1: another answer than '$2'"
}

# ---- programs that behave ----

printf '1+1\n2^70\n7/2\n' | expect bc 0 'asks: 3, answered: 3' -- bc -q
prints bc "$(printf '2\n1180591620717411303424\n3')"
printf 'a\n\nb c' | expect cat 0 'asks: 3, answered: 3' -- cat
prints cat "$(printf 'a\n\nb c')"
printf "select 40 + 2;\nselect 'x';\n" | expect sqlite3 0 'answered: 2' -- sqlite3 -batch :memory:
prints sqlite3 "$(printf '42\nx')"
printf 'one\ntwo\n' | expect trace 0 'received  *two' --trace -- cat
expect 'no input at all' 0 'asks: 0, answered: 0' -- cat </dev/null

printf 'x\n' | expect 'time per ask' 0 'an ask took [0-9.]* us (median)' -- cat

# ---- the next one goes on ----

# It answers three lines, and kills itself with the fourth one in hand.
cat >"$scratch/mortal" <<'END'
i=0
while read -r line; do
    i=$((i + 1))
    [ "$i" -lt 4 ] || kill -KILL $$
    echo "$line"
done
END
seq 1 9 | expect 'route to next' 0 'died: sh (signal 9); the next one went on' --next cat -- sh "$scratch/mortal"
prints 'route to next' "$(seq 1 9)"
seq 1 9 | expect 'two deaths' 0 'answered: 9' --next "sh $scratch/mortal" --next cat -- sh "$scratch/mortal"
prints 'two deaths' "$(seq 1 9)"
seq 1 9 | expect 'nobody left' some 'nobody was left' -- sh "$scratch/mortal"
prints 'nobody left' "$(seq 1 3)"

# A real bc, killed by somebody else in the middle: no sum is lost, and they are those of a bc alone.
seq 1 400 | sed 's/$/ * 37 + 5/' >"$scratch/sums"
bc -q <"$scratch/sums" >"$scratch/alone"
: >"$scratch/out"
{
    head -n 200 "$scratch/sums"
    looks=0
    until [ "$(wc -l <"$scratch/out")" -ge 100 ] || [ "$looks" -gt 3000 ]; do
        looks=$((looks + 1))
        sleep 0.01
    done
    kill -KILL "$(cat "$scratch/pid")"
    tail -n +201 "$scratch/sums"
} | expect 'bc is killed' 0 'died: sh (signal 9); the next one went on' --trace --next 'bc -q' -- \
    sh -c 'echo $$ >"$0/pid"; exec bc -q' "$scratch"
cmp -s "$scratch/alone" "$scratch/out" || complain 'bc is killed: not the answers of a bc alone'
grep -q 'exited.*signal 9' "$scratch/err" || complain 'bc is killed: the trace does not show it'

# ---- programs that misbehave ----

seq 1 9 | expect 'dies at once' some 'exited' -- false
seq 1 9 | expect 'does not exist' some "can't start" -- ./no-such-program
seq 1 9 | expect 'is a directory' some "can't start" -- /
seq 1 9 | expect 'buffers its output' some 'no answer' --deadline 300 -- tr 0-9 a-j
(
    ulimit -v 600000 # kilobytes: what it prints is not kept
    seq 1 9 | expect 'a gigabyte without a line end' some 'no answer' -- sh -c 'exec tr "\0" x </dev/zero'
)
seq 1 9 | expect 'closes its output' some 'no answer' -- sh -c 'exec sleep 1000 >&-'
seq 1 9 | expect 'closes its input' some 'no answer' -- sh -c 'exec sleep 1000 <&-'
seq 1 9 | expect 'stops itself' some 'no answer' --deadline 300 -- sh -c 'kill -STOP $$'
expect 'ignores the end of its input' 0 'asks: 0' -- sh -c 'exec sleep 1000' </dev/null
expect 'ignores SIGTERM as well' 0 'asks: 0' -- sh -c 'trap "" TERM; exec sleep 1000' </dev/null
seq 1 9 | expect 'never stops talking' 0 'answered: 9' -- yes
prints 'never stops talking' "$(yes | head -n 9)"
seq 1 3 | expect 'no arguments' 2 'PROGRAM' --next cat

echo "$(wc -l <"$scratch/complaints") complaints"
[ ! -s "$scratch/complaints" ]

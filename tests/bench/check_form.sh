#!/bin/sh
# SPDX-License-Identifier: MIT
# check_form.sh BENCH -- every workload runs, and says lines of one form: `workload metric value unit`, perhaps a remark,
# and met or missed behind a bound.
set -u
bench=$1
failed=0

complain() {
    echo "$*"
    failed=$((failed + 1))
}

said=$("$bench" --quick all) || complain "liminal-bench --quick all ended with $?"
plain='[a-z0-9-]+ [a-z0-9.-]+ -?[0-9]+(\.[0-9]+)? [A-Za-z%/]+'
bound=' \(at (most|least) [0-9]+(\.[0-9]+)?\) (met|missed)'
odd=$(printf '%s\n' "$said" | grep -Ev "^$plain( \\([^()]*\\)|$bound)?\$")
[ -z "$odd" ] || complain "lines of another form:
$odd"

names=$("$bench" | sed -n 's/^  \([a-z][a-z0-9-]*\)  *[^ ].*/\1/p')
for name in $names; do
    printf '%s\n' "$said" | grep -q "^$name[a-z-]* [^ ]* [^ ]* [^ ]* (\(at\|no verdict:\) \|^$name skipped \|^death-guest ratio \|^many-threaded ratio " ||
        complain "$name says no bound"
done
[ "$(printf '%s\n' "$names" | wc -l)" -ge 20 ] || complain "the list of workloads is short"

missed=$(printf '%s\n' "$said" | grep -c ') missed$')
printf '%s\n' "$said" | tail -n 1 | grep -q "^all missed $missed bounds\$" || complain "not $missed bounds missed at the end"

[ -z "$("$bench" --count 10 ask-inline ask-busy oneway-1 spawn-threaded span)" ] || complain "--count says something"
"$bench" nonsense >/dev/null 2>&1 && complain "there is a workload called nonsense"

echo "$(printf '%s\n' "$said" | wc -l) lines, $failed complaints"
[ "$failed" -eq 0 ]

#!/bin/sh
# SPDX-License-Identifier: MIT
# check_tree.sh ROOT -- a licence line in every file, and files that one can still read.
set -u
cd "$1" || exit 1
failed=0
count=0

complain() {
    echo "$*"
    failed=$((failed + 1))
}

list=$(find CMakeLists.txt include src tests examples .ci -type f \
    \( -name '*.[ch]' -o -name '*.cpp' -o -name '*.sh' -o -name '*.py' -o -name CMakeLists.txt -o -path '.ci/*' \) | sort)
for file in $list; do
    count=$((count + 1))
    case $file in
    *.sh | *.py | .ci/*) lines=3 ;; # behind the line that names the interpreter
    *) lines=1 ;;
    esac
    head -n "$lines" "$file" | grep -q 'SPDX-License-Identifier: MIT' || complain "$file: no SPDX line at its beginning"
    case $file in
    include/*.h | src/*.h) most=300 ;;
    *) most=600 ;;
    esac
    lines=$(wc -l <"$file")
    [ "$lines" -le "$most" ] || complain "$file: $lines lines, and $most are the most"
    if grep -n '	' "$file" >/dev/null && [ "${file##*/}" != check_tree.sh ]; then
        complain "$file: a tab"
    fi
    [ -z "$(tail -c 1 "$file")" ] || complain "$file: no line end at its end"
    case $file in
    *.[ch])
        found=$(awk 'length($0) > 120 {print FILENAME ":" NR ": longer than 120 columns"}' "$file")
        [ -z "$found" ] || complain "$found"
        ;;
    esac
done
echo "$count files, $failed complaints"
[ "$failed" -eq 0 ] && [ "$count" -gt 0 ]

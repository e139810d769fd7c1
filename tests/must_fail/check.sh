#!/bin/sh
# SPDX-License-Identifier: MIT
# check.sh TEXT COMMAND... -- succeed if the command fails and says TEXT (a basic regular expression).
text=$1
shift
said=$("$@" 2>&1)
status=$?
printf '%s\n' "$said"
if [ "$status" -eq 0 ]; then
    echo "must_fail: it succeeded"
    exit 1
fi
if ! printf '%s\n' "$said" | grep -q -e "$text"; then
    echo "must_fail: it failed with $status, but did not say: $text"
    exit 1
fi
echo "must_fail: it failed with $status, as it must"

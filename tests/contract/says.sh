#!/bin/sh
# SPDX-License-Identifier: MIT
# says.sh TEXT COMMAND... -- succeed if the command does and says TEXT (a basic regular expression; may be empty).
text=$1
shift
said=$("$@" 2>&1 </dev/null)
status=$?
printf '%s\n' "$said"
if [ "$status" -ne 0 ]; then
    echo "says.sh: it ended with $status"
    exit 1
fi
if ! printf '%s\n' "$said" | grep -q -e "$text"; then
    echo "says.sh: it did not say: $text"
    exit 1
fi

#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh [FILE...] -- install what is missing, build with optimisation, and run the main example: a conversation
# about each line of the files (by default a licence text that Debian ships).
set -eu
cd "$(dirname "$0")/.."
root=$(pwd)
. tests/support/need.sh

need_command cc gcc
need_command make make
need_command cmake cmake
need_that "the C library's headers" libc6-dev need_compiles "#include <pthread.h>\nint main(void) { return 0; }" cc
need_install
need_header uthash.h uthash-dev # asked only now, when there is a compiler to ask
need_install

cmake -S "$root" -B "$root/build/examples-run" -DCMAKE_BUILD_TYPE=Release -DLIMINAL_BUILD_TESTS=OFF \
    -DLIMINAL_BUILD_EXAMPLES=ON >/dev/null
cmake --build "$root/build/examples-run" --parallel "$(nproc 2>/dev/null || echo 2)" >/dev/null
cd "$OLDPWD" 2>/dev/null || true
exec "$root/build/examples-run/examples/tally" "$@"

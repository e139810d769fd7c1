#!/bin/sh
# SPDX-License-Identifier: MIT
# check_consumers.sh ROOT BUILD CMAKE CC CXX -- other people's programs, in C and in C++, build with the library
# and run: by find_package and by pkg-config from an installed copy that was moved, and by add_subdirectory.
set -eu
root=$1 build=$2 cmake=$3 cc=$4 cxx=$5
consumer=$root/tests/contract/consumer
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
unset DESTDIR CFLAGS CXXFLAGS LDFLAGS || true
! command -v ninja >/dev/null || export CMAKE_GENERATOR=Ninja # in half of the time

step() {
    echo "== $*"
}

stranger() { # stranger NAME LANGUAGES ARGUMENTS...
    name=$1
    languages=$2
    shift 2
    step "$name ($languages)"
    "$cmake" --no-warn-unused-cli -Werror=dev -S "$consumer" -B "$scratch/$name" -DSTRANGER_LANGUAGES="$languages" \
        -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" "$@" >"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        exit 1
    }
    "$cmake" --build "$scratch/$name" --parallel 2 >"$scratch/log" 2>&1 || {
        cat "$scratch/log"
        exit 1
    }
    for program in "$scratch/$name"/use_*; do
        "$program"
    done
}

step "install, then move"
"$cmake" --install "$build" --prefix "$scratch/first" >/dev/null
mkdir "$scratch/elsewhere"
mv "$scratch/first" "$scratch/elsewhere/second"
prefix=$scratch/elsewhere/second
if grep -rlE "$scratch/first|$build|$root" "$prefix" --include='*.cmake' --include='*.pc'; then
    echo "these name a place on this machine"
    exit 1
fi
[ "$(find "$prefix" -name '*.h' | wc -l)" -eq "$(find "$root/include" -name '*.h' | wc -l)" ] || {
    echo "not every header was installed, or more than those"
    exit 1
}

stranger found_c C -DCMAKE_PREFIX_PATH="$prefix"
stranger found_cxx CXX -DCMAKE_PREFIX_PATH="$prefix"
stranger subdirectory "C;CXX" -DLIMINAL_TREE="$root"

step "pkg-config"
PKG_CONFIG_PATH=$(dirname "$(find "$prefix" -name liminal.pc)")
export PKG_CONFIG_PATH
flags=$(pkg-config --cflags --libs liminal)
echo "$flags"
case $flags in *-pthread*) ;; *) echo "no -pthread" && exit 1 ;; esac
# shellcheck disable=SC2086
"$cc" -std=c11 -Wall -Wextra -Werror "$consumer/use.c" $flags -o "$scratch/pc_c"
"$scratch/pc_c"
# shellcheck disable=SC2086
"$cxx" -std=c++17 -Wall -Wextra -Werror "$consumer/use.cpp" $flags -o "$scratch/pc_cxx"
"$scratch/pc_cxx"

step "the version is the same everywhere"
version=$(sed -n 's/^#define LIMINAL_VERSION_\(MAJOR\|MINOR\|PATCH\) //p' "$root/include/liminal/base.h" | paste -sd .)
[ "$(pkg-config --modversion liminal)" = "$version" ]
grep -q "PACKAGE_VERSION \"$version\"" "$(find "$prefix" -name liminalConfigVersion.cmake)"
echo "$version"

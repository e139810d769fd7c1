#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh [--quick] [--only NAME] [--coverage] [--long] -- install what is missing, build and run the tests: plain and under
# TSan with gcc and with clang, under ASan with UBSan with clang, once without futexes and pidfds. One summary line each.
#   --quick      only the first of them (gcc)
#   --only NAME  only that one: gcc clang clang-asan gcc-tsan clang-tsan gcc-tsan-nofutex gcc-asan
#   --coverage   none of them, but what the tests run of src/: lines and branches, and whether that is enough
#   --long       all of these and every test in each, with ten minutes for each that can go on; then coverage, clang's
#                analyzer, mutants
set -u
cd "$(dirname "$0")/.." || exit 1
. tests/support/need.sh

builds="gcc clang clang-asan gcc-tsan clang-tsan gcc-tsan-nofutex"
all="$builds gcc-asan"
long=no
fuzz=20
while [ $# -gt 0 ]; do
    case $1 in
    --quick) builds=gcc ;;
    --coverage) builds=coverage ;;
    --long)
        long=yes
        builds=$all
        fuzz=600
        export LIMINAL_TEST_SECONDS=600
        ;;
    --only)
        builds=${2:-}
        case " $all " in *" $builds "*) ;; *) builds= ;; esac
        [ -n "$builds" ] || { echo "--only takes one of: $all" && exit 2; }
        shift
        ;;
    *) sed -n '3,9s/^# //p' "$0" && exit 2 ;;
    esac
    shift
done

# ---- what is missing ----

empty='int main(void) { return 0; }'
need_command gcc gcc
need_command cc gcc
need_command g++ g++
need_command clang clang
need_command clang++ clang
need_command clang-tidy clang-tidy
need_command cppcheck cppcheck
need_command gcov gcc
need_command make make
need_command ninja ninja-build
need_command cmake cmake
need_command ctest cmake
need_command pkg-config pkg-config
need_command python3 python3
need_command nm binutils
need_command readelf binutils
need_command setarch util-linux
need_command bc bc
need_command sqlite3 sqlite3
need_that "the C library's headers" libc6-dev need_compiles "#include <pthread.h>\n$empty" cc
need_install
need_header uthash.h uthash-dev
need_header cmocka.h libcmocka-dev
need_that "the sanitizers of clang" libclang-rt-dev need_compiles "$empty" clang -fsanitize=address,undefined
need_that "the sanitizers of gcc" gcc need_compiles "$empty" gcc -fsanitize=thread
need_install

# ---- one build ----

jobs=$(nproc 2>/dev/null || echo 2)
summary=
failed=0

# Where the kernel scatters addresses over more bits than a sanitizer expects, its programs end at once; then the
# tests run without scattering. Sets `launcher`.
find_launcher() { # find_launcher COMPILER FLAG
    launcher=
    scratch=$(mktemp -d)
    echo "$empty" >"$scratch/probe.c"
    "$1" "$2" "$scratch/probe.c" -o "$scratch/probe" && {
        # Chance is at work, so one success proves nothing.
        tries=0
        while [ "$tries" -lt 20 ] && "$scratch/probe" >/dev/null 2>&1; do
            tries=$((tries + 1))
        done
        if [ "$tries" -lt 20 ]; then
            launcher="setarch $(uname -m) -R"
            if ! $launcher "$scratch/probe"; then
                echo "$1 $2: its programs do not run here, with or without scattered addresses"
                echo "(sysctl vm.mmap_rnd_bits=28 may help)"
            fi
        fi
    }
    rm -rf "$scratch"
}

# What is left out where others run it: a regular expression for folder.name. Clang's plain build is there to compile; what
# it would run clang-asan and clang-tsan do. One thread alone can't race. Only what waits can miss a futex. With pauses at
# each lock child programs take long, and clang-tsan has them too.
one_thread='unit.(backend|begun|config.*|frame|list|message|phase|platform_clock|snapshot|state|step_.*|text|trace.*)$'
left_out_of() { # left_out_of NAME
    case $long:$1 in
    no:clang) echo '^(unit|race|fault|model|soak|fuzz|sched)[.]|^contract.(consumers|talk)$' ;;
    no:*-nofutex) echo "^(must_fail|model|soak|fuzz)[.]|^$one_thread" ;;
    no:gcc-tsan) echo "^fuzz[.]|^unit.program_|^$one_thread" ;;
    no:*-tsan) echo "^$one_thread" ;;
    *) echo '^$' ;;
    esac
}

# What cmake is told of each.
flags_of() { # flags_of NAME
    echo "-DLIMINAL_TEST_TOGETHER=ON -DLIMINAL_TEST_EXCEPT=$(left_out_of "$1")"
    case $1 in
    gcc | gcc-asan) ;;
    *) echo -DLIMINAL_BUILD_BENCH=OFF ;; # the program that measures: it is here to be compiled, and read by one
    esac
    case $1 in
    clang-asan) echo "-DLIMINAL_SANITIZE=address -DLIMINAL_FUZZ_SECONDS=$fuzz" ;;
    *-asan) echo -DLIMINAL_SANITIZE=address ;;
    gcc-tsan) echo "-DLIMINAL_SANITIZE=thread -DLIMINAL_TEST_PAUSES=ON" ;;
    *-tsan) echo -DLIMINAL_SANITIZE=thread ;;
    *-tsan-nofutex) echo "-DLIMINAL_SANITIZE=thread -DLIMINAL_FUTEX=OFF -DLIMINAL_PIDFD=OFF -DLIMINAL_BUILD_EXAMPLES=OFF" ;;
    esac
}

make_one() { # make_one NAME: how that went is said in build/tests/NAME.made
    folder=build/tests/$1
    # One that another generator has made can't be gone on with.
    grep -qs '^CMAKE_GENERATOR:INTERNAL=Ninja$' "$folder/CMakeCache.txt" || rm -rf "$folder"
    # shellcheck disable=SC2046 # words
    if ! cmake -G Ninja -S . -B "$folder" -DCMAKE_C_COMPILER="${1%%-*}" -DCMAKE_BUILD_TYPE=RelWithDebInfo \
        -DLIMINAL_WERROR=ON -DLIMINAL_BUILD_TESTS=ON $(flags_of "$1") >"$folder.log" 2>&1; then
        made="FAILED to configure"
    elif ! cmake --build "$folder" --parallel "$jobs" >"$folder.log" 2>&1; then
        made="FAILED to build"
    else
        made=passed
    fi
    echo "$made" >"$folder.new"
    mv "$folder.new" "$folder.made"
}

# Many of the tests wait, so meanwhile the next ones are built, with what is left of the processors.
make_all() {
    for name in $builds; do
        make_one "$name"
    done
}

run() { # run NAME
    name=$1
    began=$(date +%s)
    folder=build/tests/$name
    echo "==== $name ===="
    launcher=
    case $name in
    *asan*) find_launcher "${name%%-*}" -fsanitize=address ;;
    *tsan*) find_launcher "${name%%-*}" -fsanitize=thread ;;
    esac
    while [ ! -e "$folder.made" ] && kill -0 "$maker" 2>/dev/null; do
        sleep 0.2
    done
    result=$(cat "$folder.made" || echo "FAILED to begin")
    if [ "$result" != passed ]; then
        cat "$folder.log"
    elif ! $launcher ctest --test-dir "$folder" -j3 --output-on-failure; then
        result=FAILED
    fi
    [ "$result" = passed ] || failed=$((failed + 1))
    summary="$summary
$(printf '%-18s %-20s %4d s' "$name" "$result" "$(($(date +%s) - began))")"
}

# The scheduler has a copy of the library of its own, so it is not counted; nor are the tests of the tests.
coverage() {
    folder=build/tests/coverage
    began=$(date +%s)
    result=passed
    rm -rf "$folder" # counts of sources that have changed would be in the way
    # Without optimising the compiler guesses worse, and warns of what is not so.
    if ! cmake -G Ninja -S . -B "$folder" -DCMAKE_C_COMPILER=gcc -DCMAKE_BUILD_TYPE=Debug -DLIMINAL_COVERAGE=ON \
        -DLIMINAL_TEST_TOGETHER=ON '-DLIMINAL_TEST_EXCEPT=^sched[.]' -DLIMINAL_BUILD_EXAMPLES=OFF \
        -DLIMINAL_BUILD_BENCH=OFF >"$folder.log" 2>&1 ||
        ! cmake --build "$folder" --parallel "$jobs" >>"$folder.log" 2>&1; then
        cat "$folder.log"
        result="FAILED to build"
    elif ! ctest --test-dir "$folder" -j2 --output-on-failure -L '^(unit|race|fault|conformance|fuzz)$'; then
        result=FAILED
    else
        pure=$(sed -n 's/^set(LIMI_PURE \(.*\))$/\1/p' CMakeLists.txt)
        # shellcheck disable=SC2086 # names
        python3 tests/contract/coverage.py . "$folder" $pure || result=FAILED
    fi
    [ "$result" = passed ] || failed=$((failed + 1))
    summary="$summary
$(printf '%-18s %-20s %4d s' coverage "$result" "$(($(date +%s) - began))")"
}

beside() { # beside NAME COMMAND...
    name=$1
    shift
    began=$(date +%s)
    result=passed
    echo "==== $name ===="
    "$@" || { result=FAILED && failed=$((failed + 1)); }
    summary="$summary
$(printf '%-18s %-20s %4d s' "$name" "$result" "$(($(date +%s) - began))")"
}

mkdir -p build/tests
if [ "$builds" = coverage ]; then
    coverage
else
    for name in $builds; do
        rm -f "build/tests/$name.made"
    done
    make_all &
    maker=$!
    trap 'kill "$maker" 2>/dev/null' EXIT
    trap 'exit 130' INT TERM
    renice -n 10 -p "$maker" >/dev/null 2>&1
    for name in $builds; do
        run "$name"
    done
fi

if [ "$long" = yes ]; then
    uthash=$(sed -n 's/^LIMINAL_UTHASH_DIR:PATH=//p' build/tests/gcc/CMakeCache.txt)
    coverage
    beside analyzer sh tests/contract/check_static.sh --long . "$uthash"
    beside mutants python3 tests/mutants/run.py
fi

echo "$summary"
[ "$failed" -eq 0 ]

# SPDX-License-Identifier: MIT
# need.sh -- for the scripts that a stranger runs: install what is missing, or say it. To be sourced.
#
#   need_command NAME PACKAGE           a program
#   need_header NAME.h PACKAGE          a header that the compiler finds
#   need_that "WHAT" PACKAGE COMMAND... anything else: the command succeeds if it is there
#   need_install                        install what was found missing; end the script if that can't be done
need_packages=
need_texts=

need_that() {
    need_what=$1 need_package=$2
    shift 2
    if ! "$@" >/dev/null 2>&1; then
        case " $need_packages " in
        *" $need_package "*) ;;
        *) need_packages="$need_packages $need_package" ;;
        esac
        need_texts="$need_texts
  $need_what (package $need_package)"
    fi
}

need_command() {
    need_that "the command $1" "$2" command -v "$1"
}

# The C library's own headers must be there too, so this compiles.
need_compiles() { # need_compiles TEXT COMPILER-AND-FLAGS...
    need_text=$1
    shift
    need_scratch=$(mktemp -d) || return 1
    printf '%b\n' "$need_text" >"$need_scratch/probe.c"
    "$@" "$need_scratch/probe.c" -o "$need_scratch/probe"
    need_status=$?
    rm -rf "$need_scratch"
    return "$need_status"
}

need_header() {
    need_that "the header $1" "$2" need_compiles \
        "#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n#include <setjmp.h>\n#include <$1>\nint main(void) { return 0; }" cc
}

need_install() {
    [ -n "$need_packages" ] || return 0
    echo "missing:$need_texts"
    if ! command -v apt-get >/dev/null 2>&1; then
        echo "There is no apt-get here, so please install these yourself."
        exit 1
    fi
    if [ "$(id -u)" -eq 0 ]; then
        need_root=
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        need_root="sudo -n"
    else
        echo "Only root can install them:  apt-get install$need_packages"
        exit 1
    fi
    echo "installing:$need_packages"
    $need_root env DEBIAN_FRONTEND=noninteractive apt-get -qq update &&
        # shellcheck disable=SC2086
        $need_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y --no-install-recommends install $need_packages \
            >/dev/null || {
        echo "apt-get could not install:$need_packages"
        exit 1
    }
    need_packages=
    need_texts=
}

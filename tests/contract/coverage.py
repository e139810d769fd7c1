#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""coverage.py ROOT BUILD NAME... -- what the tests ran of src/, by gcov alone: a line for each file, then the sum.

NAMEs are the pure sources, without folder and ending; of them every branch must be taken. Of all of src/ at least
LINES % of the lines and BRANCHES % of the branches. What is left out of the account, and why:

  LIMI_ASSERT(...)             a line with it: the branch that ends the program is taken where a promise is broken
  /* no coverage: reason */    on the line itself: its branches are not counted, nor is it as a line
  HASH_...(                    the branches are uthash's, who have their own tests

--show NAME lists what was not run of one file.
"""
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

LINES, BRANCHES = 95.0, 85.0
BRANCHES_LEFT_OUT = re.compile(r"\bLIMI_ASSERT\(|\bHASH_[A-Z_]+\(|/\* no coverage: \S")
LINES_LEFT_OUT = re.compile(r"/\* no coverage: \S")


def read_counts(root, build):
    """{file: {line: [count, [count of each branch]]}}, over all objects of the library."""
    counts = {}
    data = sorted(glob.glob(os.path.join(build, "CMakeFiles/liminal.dir/src/*.gcda")))
    if not data:
        sys.exit("no counts in " + build + ": run the tests first")
    with tempfile.TemporaryDirectory() as folder:
        for path in data:
            text = subprocess.run(["gcov", "--json-format", "--branch-probabilities", "--stdout", os.path.abspath(path)],
                                  check=True, capture_output=True, text=True, cwd=folder).stdout
            for document in text.splitlines():
                for file in json.loads(document)["files"]:
                    add(counts, root, file)
    return counts


def add(counts, root, file):
    name = os.path.relpath(os.path.join(root, file["file"]), root)
    if not name.startswith("src" + os.sep):
        return
    lines = counts.setdefault(name, {})
    for line in file["lines"]:
        entry = lines.setdefault(line["line_number"], [0, []])
        entry[0] += line["count"]
        # A header is compiled into many objects: what one of them took was taken.
        for i, branch in enumerate(line["branches"]):
            if i == len(entry[1]):
                entry[1].append(0)
            entry[1][i] += branch["count"]


def judge(root, name, lines):
    """(lines run, lines, branches taken, branches, [(line, text) of what was not])"""
    with open(os.path.join(root, name), encoding="utf-8") as file:
        source = file.read().splitlines()
    run = total = taken = branches = 0
    missing = []
    for number, (count, ways) in sorted(lines.items()):
        text = source[number - 1]
        if not LINES_LEFT_OUT.search(text):
            total += 1
            run += count > 0
            if count == 0:
                missing.append((number, "never      " + text))
        if not BRANCHES_LEFT_OUT.search(text):
            branches += len(ways)
            taken += sum(way > 0 for way in ways)
            if count > 0 and 0 in ways:
                missing.append((number, "%d of %d way%s " % (ways.count(0), len(ways), "s" if len(ways) > 1 else " ") + text))
    return run, total, taken, branches, missing


def percent(part, whole):
    return 100.0 * part / whole if whole else 100.0


def main(arguments):
    shown = None
    if arguments[:1] == ["--show"]:
        shown, arguments = arguments[1], arguments[2:]
    root, build, pure = os.path.abspath(arguments[0]), arguments[1], arguments[2:]
    sums, failed = [0, 0, 0, 0], []
    for name, lines in sorted(read_counts(root, build).items()):
        *figures, missing = judge(root, name, lines)
        sums = [a + b for a, b in zip(sums, figures)]
        is_pure = os.path.splitext(os.path.basename(name))[0] in pure and name.endswith(".c")
        if shown is None:
            print("%-28s lines %4d of %4d %6.1f %%   branches %4d of %4d %6.1f %%%s" % (
                name, figures[0], figures[1], percent(*figures[:2]), figures[2], figures[3], percent(*figures[2:]),
                "   pure" if is_pure else ""))
        if is_pure and figures[2] < figures[3]:
            failed.append("%s is pure: %d branches were never taken" % (name, figures[3] - figures[2]))
        if shown in (name, "all") or (shown is None and is_pure):
            for number, text in missing:
                print("  %s:%d: %s" % (name, number, text))
    print("%-28s lines %4d of %4d %6.1f %%   branches %4d of %4d %6.1f %%" % (
        "src", sums[0], sums[1], percent(*sums[:2]), sums[2], sums[3], percent(*sums[2:])))
    if percent(*sums[:2]) < LINES:
        failed.append("lines: less than %.0f %%" % LINES)
    if percent(*sums[2:]) < BRANCHES:
        failed.append("branches: less than %.0f %%" % BRANCHES)
    print("\n".join(failed) if failed else "covered")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

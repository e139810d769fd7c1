#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_tree.py ROOT -- a licence line in every file, and files that one can still read."""
import pathlib
import sys

KINDS = {".c", ".h", ".cpp", ".sh", ".py"}
complaints = []


def most_lines(name):
    return 300 if name.endswith(".h") and name.split("/")[0] in ("include", "src") else 600


def look_at(path, name):
    text = path.read_text(encoding="utf-8")
    lines = text.splitlines()
    behind_interpreter = path.suffix in (".sh", ".py") or name.startswith(".ci/")
    if not any("SPDX-License-Identifier: MIT" in line for line in lines[: 3 if behind_interpreter else 1]):
        complaints.append(f"{name}: no SPDX line at its beginning")
    if len(lines) > most_lines(name):
        complaints.append(f"{name}: {len(lines)} lines, and {most_lines(name)} are the most")
    if not text.endswith("\n"):
        complaints.append(f"{name}: no line end at its end")
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            complaints.append(f"{name}:{number}: a tab")
        if path.suffix in (".c", ".h") and len(line) > 120:
            complaints.append(f"{name}:{number}: longer than 120 columns")


root = pathlib.Path(sys.argv[1])
files = [root / "CMakeLists.txt"]
for folder in ("include", "src", "tests", "examples", ".ci"):
    files += sorted(p for p in (root / folder).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
count = 0
for path in files:
    name = path.relative_to(root).as_posix()
    if path.suffix in KINDS or path.name == "CMakeLists.txt" or name.startswith(".ci/"):
        count += 1
        look_at(path, name)
print("\n".join(complaints))
print(f"{count} files, {len(complaints)} complaints")
sys.exit(bool(complaints) or count == 0)

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_headers.py ROOT -- each public function carries its contract, in the agreed form."""
import re
import sys

import headers

root = sys.argv[1]
codes = headers.statuses(root)
complaints = []
count = 0


def sections(contract):
    """The label and the text of each labelled part, in the order they stand in."""
    found = []
    for line in contract.splitlines():
        m = re.match(r" \* ([A-Z]\w+):\s+(.*)$", line)
        if m:
            found.append([m.group(1), m.group(2)])
        elif found:
            found[-1][1] += " " + line.lstrip(" */")
    return found


def check(function):
    contract = function.contract
    if contract is None:
        yield "there is no contract (/** ... */) right above it"
        return
    lines = contract.splitlines()
    first = lines[1] if len(lines) > 2 else ""
    if not re.match(r" \* [A-Z].*[^.]\.$", first) or len(first) > 100:
        yield "the contract does not begin with one sentence on one line"
    if lines[2:3] != [" *"]:
        yield "no empty line after the first sentence"

    found = sections(contract)
    names = [name for name, _ in found]
    texts = dict(found)
    unknown = [name for name in names if name not in headers.LABELS]
    if unknown:
        yield f"unknown label {unknown[0]}:"
    elif names != [name for name in headers.LABELS if name in names]:
        yield f"labels doubled or out of order: {', '.join(names)}"
    for name in headers.REQUIRED:
        if name not in names:
            yield f"{name}: is missing"
    for name in names:
        if not texts[name].strip():
            yield f"{name}: is empty"

    for mark, label in (("LIMINAL_TAKE", "Takes"), ("LIMINAL_GIVE", "Gives")):
        if mark in function.text and label not in names:
            yield f"{mark} without {label}:"
        if mark not in function.text and label in names:
            yield f"{label}: without {mark}"
    checked = "LIMINAL_CHECKED" in function.text
    if function.returns_status and not checked:
        yield "returns a status without LIMINAL_CHECKED"
    if checked != ("Errors" in names):
        yield "LIMINAL_CHECKED and Errors: go together"
    for code in re.findall(r"\bE[A-Z]{2,}\b", texts.get("Errors", "")):
        if code not in codes:
            yield f"Errors: names {code}, which is no status"
    if "Since" in texts and not re.match(r"\d+\.\d+\s*$", texts["Since"]):
        yield "Since: is not a version"
    if not function.name.startswith("liminal_"):
        yield "its name does not begin with liminal_"
    if re.search(r"\(\s*\)", function.text):
        yield "an empty parameter list; say (void)"
    waits = "Blocks" in texts and not texts["Blocks"].startswith("never")
    if waits and re.search(r"liminal_deadline \w+[,)]", function.text):
        if not re.search(r"liminal_deadline \w+\);$", function.text):
            yield "a deadline that is waited for comes last"


def macros(header, text):
    """Whatever a header defines becomes the includer's: it bears our prefix."""
    for name in re.findall(r"^\s*#\s*define\s+(\w+)", text, re.M):
        if not name.startswith("LIMINAL_"):
            yield f"include/{header}: the macro {name} has no prefix"
    for name in re.findall(r"^\}\s*(\w+);|^typedef [^;{]*?\b(\w+);", headers.COMMENT.sub("", text), re.M):
        name = name[0] or name[1]
        if not name.startswith("liminal_") or name.endswith("_t"):
            yield f"include/{header}: the type {name} is not named as ours"


for function in headers.functions(root):
    count += 1
    complaints += [f"{function.where()}: {text}" for text in check(function)]
for header in headers.public(root):
    with open(f"{root}/include/{header}", encoding="utf-8") as file:
        complaints += macros(header, file.read())
if count == 0:
    complaints.append("no public function found at all")

print("\n".join(complaints + [f"{count} public functions, {len(complaints)} complaints"]))
sys.exit(bool(complaints))

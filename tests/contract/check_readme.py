#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_readme.py ROOT -- the first C code in the README is examples/hello.c, byte for byte."""
import pathlib
import re
import sys

root = pathlib.Path(sys.argv[1])
if not (root / "README.md").is_file():
    sys.exit("there is no README.md")
readme = (root / "README.md").read_bytes()
blocks = re.findall(rb"^```c\n(.*?)^```$", readme, re.S | re.M)
if not blocks:
    sys.exit("README.md: no block of C code (```c)")
if blocks[0] != (root / "examples/hello.c").read_bytes():
    sys.exit("README.md: its first block of C code is not examples/hello.c, byte for byte")
if readme.count(b"\n") > 150:
    sys.exit(f"README.md: {len(readme.splitlines())} lines, and 150 are the most")
print("README.md shows examples/hello.c")

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""check_archive.py ROOT ARCHIVE PURE... -- what the archive defines is what the headers promise, and what it
asks for is nothing that a library in a stranger's program may use. PURE are the names of the pure sources."""
import re
import subprocess
import sys

import headers

root, archive, pure = sys.argv[1], sys.argv[2], set(sys.argv[3:])

# It never ends the program, never prints, never touches signal handlers or the host's children.
FORBIDDEN = re.compile(
    r"^(abort|_?exit|_Exit|quick_exit|__assert_fail|v?f?printf|__v?f?printf_chk|puts|putchar|fputs|fputc|putc|fwrite|"
    r"perror|stdout|stderr|stdin|fopen|signal|sigaction|sigprocmask|raise|kill|wait|waitpid|waitid|fork|system|popen|"
    r"exec\w+|setenv|setlocale|srand|s?rand|random|rand_r|sleep|usleep|atexit|strerror|strtok|localtime|gmtime|gets|"
    r"sprintf|strcpy|strcat|setjmp|longjmp)$")

# But one file waits for the one child it is told of, and may send it a signal.
ALLOWED = {("platform_watch", "waitid"), ("platform_watch", "kill")}

# The pure core knows no time, no chance, no thread.
IMPURE = re.compile(
    r"^(pthread_\w+|thrd_\w+|mtx_\w+|cnd_\w+|clock\w*|time|nanosleep|getrandom|getentropy|syscall|sem_\w+|malloc|calloc|"
    r"realloc|free|limi_(mutex|park|unpark|thread|clock|random|epoch|spin|word|waiter|mailbox|actor|mint|scope)\w*|"
    r"liminal_time_now|liminal_deadline_(in|remaining|current|passed)\w*|liminal_span_\w+|liminal_supervisor_\w+)$")

complaints = []
defined, wanted = {}, {}
for line in subprocess.run(["nm", "-A", "-P", "-g", archive], check=True, capture_output=True, text=True).stdout.splitlines():
    m = re.match(r".*\[(.+)\.o\]: (\S+) (\w)", line)
    if not m:
        sys.exit(f"can't read this line of nm: {line}")
    member, name, kind = m.group(1).removesuffix(".c"), m.group(2), m.group(3)
    (wanted if kind in "Uwv" else defined).setdefault(name, set()).add(member)

hidden = set()
for line in subprocess.run(["readelf", "-sW", archive], check=True, capture_output=True, text=True).stdout.splitlines():
    fields = line.split()
    if len(fields) == 8 and fields[4] == "GLOBAL" and fields[5] == "HIDDEN":
        hidden.add(fields[7])

promised = {function.name: function for function in headers.functions(root)}
for name, members in sorted(defined.items()):
    where = ", ".join(sorted(members))
    if not re.match(r"(liminal|limi)_", name):
        complaints.append(f"{where}: defines {name}, which has no prefix of ours")
    elif name.startswith("liminal_") and name not in promised:
        complaints.append(f"{where}: defines {name}, which no header declares")
    elif name.startswith("limi_") and name not in hidden:
        complaints.append(f"{where}: {name} is not hidden")
    elif name.startswith("liminal_") and name in hidden:
        complaints.append(f"{where}: {name} is public and hidden")
    if len(members) > 1:
        complaints.append(f"{name} is defined in {where}")
for name, function in promised.items():
    if name not in defined:
        complaints.append(f"{function.where()}: declared, but the archive has none")
for name, members in sorted(wanted.items()):
    for member in sorted(members):
        if FORBIDDEN.match(name) and (member, name) not in ALLOWED:
            complaints.append(f"{member}: uses {name}")
        if member in pure and IMPURE.match(name):
            complaints.append(f"{member}: is pure, but uses {name}")
for name in pure - {member for members in (*defined.values(), *wanted.values()) for member in members}:
    complaints.append(f"{name}: is said to be pure, but is not in the archive")

print("\n".join(complaints + [f"{len(defined)} symbols, {len(promised)} promised, {len(complaints)} complaints"]))
sys.exit(bool(complaints))

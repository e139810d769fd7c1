#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""run.py [--only ID-PREFIX]... [--again] [--minutes N] [--table] -- do the tests notice when the library is wrong?

list.txt holds small wrong edits of src/. Each in turn is applied to a copy of the tree, what it touches is built
again, and tests are run until one fails, by its exit code, a trap or the time: then the mutant is killed. Those of
`orders` weaken a memory order, which only the scheduler of tests/support/sched can see: only its programs are built.
The tests come in this order: those that have the file's name in theirs, those that killed another mutant of the
file, then all the rest, the quick ones first. One of them is no program: clang finds every lock held where it has to
be. A mutant that survives them all has to stand in survivors.txt with the reason why it changes nothing.

Mutants whose name begins with `control` change nothing. They come first and are counted nowhere: if one is killed the
tests fail for some other reason, and nothing is said of the rest.

What is known is kept in build/mutants/results.json, by the text of the mutant, so that a run may be broken off and
taken up again. --again forgets it, of those chosen; --table only prints it. It runs one job, at the lowest priority.
Exit code: 0 if at least 90 of 100 were killed and every survivor is explained.
"""
import argparse
import hashlib
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
WORK = ROOT / "build" / "mutants"
TREE = WORK / "tree"
OUT = WORK / "out"
RESULTS = WORK / "results.json"
TIMES = WORK / "times.json"
COPIED = ["CMakeLists.txt", "README.md", "LICENSE", "include", "src", "tests", "examples"]
FOLDERS = ["unit", "race", "fault", "conformance", "model", "sched"]
LOCKS = "clang_thread_safety"  # no program: the file is read by clang, as in tests/run.sh
MEMORY = 8 << 30
SPIN_SECONDS = 5.0  # so much more of the processor than usual
IDLE_SECONDS = 4.0  # so long with nobody running
MOST_SECONDS = 900.0
LONG_SECONDS = 60.0  # what is said to take so long was given up before
FACTOR = 4.0
# Every mutant meets the tests of its file, then those that are so quick, before any meets the rest.
PASSES = (0, 0.25, 1.5, 1e9)

# In these nothing happens between threads, so there is nothing for races and the scheduler to find.
ALONE = ("trace", "tracestate", "frame", "text", "config", "envelope", "envelope_make", "snapshot", "exit",
         "phase", "mint", "program", "program_talk", "platform_posix", "platform_poll", "watcher")

# What a file is tested by, where the names alone do not say it.
RELATED = {
    "actor": ["unit_mailbox", "sched_actor", "sched_dormant", "sched_mailbox", "sched_faults", "unit_link_inside",
              "unit_link_spread"],
    "backend": ["unit_backend", "unit_kinds"],
    "begun": ["unit_begun", "unit_program_pairing"],
    "adopted": ["unit_adopt", "unit_adopt_ends", "unit_link_across"],
    "bell": ["sched_sleep", "sched_dormant", "sched_actor", "unit_actor"],
    "call": ["unit_ask", "unit_close", "unit_query", "sched_replies", "unit_send_receive"],
    "receive": ["unit_send_receive", "unit_send_receive_deadline", "unit_send_receive_room", "sched_replies"],
    "config": ["unit_options", "unit_program_talk", "unit_spawn"],
    "deadline": ["unit_send_receive_deadline", "unit_ask_deadline"],
    "dialogue": ["unit_step_rules", "unit_step_route", "unit_step_conservation", "unit_step_unasked",
                 "unit_step_direct"],
    "direct": ["unit_step_direct", "unit_ask", "unit_ask_lent", "unit_ask_cycle", "unit_ask_pattern",
               "conformance_pthread_inline", "sched_replies"],
    "envelope_make": ["unit_envelope", "unit_ask_lent"],
    "exit": ["unit_exit_reasons", "unit_text"],
    "log": ["unit_log", "sched_owners", "unit_ask_lent"],
    "link": ["unit_link_calls", "unit_link_cases", "unit_link_words", "sched_exits"],
    "list": ["unit_list", "unit_step_rules"],
    "memory": ["unit_config", "unit_spawn", "fault_allocations"],
    "mint": ["unit_envelope", "unit_span"],
    "notice": ["unit_notice_fires", "unit_notice_ends", "sched_exits", "race_notice_against_death"],
    "participant": ["sched_visits", "unit_ask", "unit_actor_calls", "unit_spawn", "sched_replies", "unit_link_inside",
                    "unit_exit_early", "unit_begun", "race_thread_leaves", "unit_program_talk"],
    "participant_exit": ["unit_exit_known", "unit_exit_early", "race_thread_leaves", "unit_link_inside",
                         "unit_link_notices", "unit_exit_reasons"],
    "participant_work": ["sched_visits", "unit_ask_pattern", "unit_send_receive", "sched_replies",
                         "unit_exit_reasons", "unit_link_inside", "unit_exit_early"],
    "process": ["unit_link_calls", "unit_notice_fires", "sched_exits", "race_thread_leaves", "unit_exit_reasons",
                "unit_link_inside", "unit_link_spread", "unit_notice_ends", "race_drop_inside_behaviour"],
    "program": ["unit_program_talk", "unit_program_exit", "unit_program_close"],
    "program_talk": ["unit_program_talk", "unit_program_pairing", "unit_frame", "unit_program_misbehaves",
                     "unit_program_stderr", "unit_program_surroundings"],
    "platform_counter": ["unit_platform_clock"],
    "platform_posix": ["unit_platform_clock", "unit_platform_watch_waiter", "unit_ask_deadline", "unit_fork",
                       "unit_waiter"],
    "quota": ["unit_quota", "unit_send_receive_room", "sched_sleep"],
    "refcount": ["unit_refcount", "sched_owners", "sched_litmus"],
    "registry": ["unit_registry", "unit_link_calls", "unit_link_mass"],
    "request": ["unit_ask", "sched_owners", "fault_allocations"],
    "restart": ["unit_restart", "unit_restart_limits", "unit_restart_early", "sched_policy",
                "race_kill_against_restart", "sched_visits", "unit_compensate_faults"],
    "scope": ["unit_ask_deadline", "unit_compensate_order", "unit_ask_pattern"],
    "send": ["unit_send_receive", "unit_send_receive_room", "unit_close"],
    "shutdown": ["unit_shutdown", "sched_ends"],
    "signal": ["unit_link_signals", "unit_link_mass", "unit_link_spread"],
    "sort": ["unit_options", "unit_config", "unit_link_calls"],
    "span": ["unit_span", "unit_message"],
    "spawn": ["unit_spawn", "unit_actor_calls", "fault_threads"],
    "state": ["unit_state", "unit_snapshot", "unit_step_rules", "unit_status"],
    "step": ["unit_step_rules", "unit_step_route", "unit_step_restart", "unit_step_compensate", "unit_step_unasked",
             "unit_step_conservation", "unit_step_direct"],
    "supervisor": ["unit_shutdown", "unit_spawn", "unit_options", "sched_ends"],
    "talk": ["unit_spawn", "unit_close", "sched_ends", "sched_close", "unit_ask_deadline", "unit_close_failure",
             "unit_send_receive_deadline", "unit_query", "unit_compensate_faults"],
    "turn": ["unit_send_receive", "unit_close", "unit_close_failure", "sched_close", "unit_ask_deadline"],
    "undo": ["unit_compensate_order", "unit_compensate_ends", "sched_policy", "unit_compensate_faults"],
    "wait": ["sched_cycles", "unit_ask_cycle", "unit_notice_ends", "unit_actor_calls", "unit_os_process",
             "unit_os_process_rules", "unit_adopt"],
    "waiter": ["unit_waiter", "sched_sleep", "sched_faults"],
    "watcher": ["unit_os_process", "unit_os_process_rules"],
}


# ---- the list ----

class Mutant:
    """`id file [orders]`, then lines with - that stand in the file once, and lines with + that replace them."""

    def __init__(self, header):
        words = header.split()
        self.id, self.file, self.orders = words[0], words[1], "orders" in words[2:]
        self.old, self.new = [], []

    def key(self):
        return hashlib.sha1(repr((self.id, self.file, self.orders, self.old, self.new)).encode()).hexdigest()[:12]

    def apply(self, text):
        old, new = ("".join(line + "\n" for line in lines) for lines in (self.old, self.new))
        if old == new or ("\n" + text).count("\n" + old) != 1:
            return None
        return ("\n" + text).replace("\n" + old, "\n" + new, 1)[1:]


def read_list(path):
    mutants = []
    for line in path.read_text().splitlines():
        if line.startswith("@ "):
            mutants.append(Mutant(line[2:]))
        elif line.startswith("-"):
            mutants[-1].old.append(line[1:])
        elif line.startswith("+"):
            mutants[-1].new.append(line[1:])
    ids = [m.id for m in mutants]
    assert len(ids) == len(set(ids)), "an id is used twice"
    return mutants


def read_survivors(path):
    """`id: reason`, the reason going on in lines that begin with a blank."""
    reasons, last = {}, None
    for line in path.read_text().splitlines() if path.exists() else []:
        if line.startswith("#") or not line.strip():
            continue
        if line[0].isspace():
            reasons[last] += " " + line.strip()
        else:
            last, _, reason = line.partition(":")
            reasons[last] = reason.strip()
    return reasons


# ---- the tree ----

def copy_tree():
    """Only what differs, so that little is built again. A digest of it all."""
    digest = hashlib.sha1()
    for name in COPIED:
        files = [ROOT / name] if (ROOT / name).is_file() else sorted(p for p in (ROOT / name).rglob("*") if p.is_file())
        for source in [p for p in files if "mutants" not in p.parts[-2:]]:
            to, text = TREE / source.relative_to(ROOT), source.read_bytes()
            digest.update(str(to).encode() + text)
            if not to.exists() or to.read_bytes() != text:
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(text)
                shutil.copymode(source, to)
        if (ROOT / name).is_dir():
            for to in [p for p in (TREE / name).rglob("*") if p.is_file()]:
                if not (ROOT / to.relative_to(TREE)).exists():
                    to.unlink()
    return digest.hexdigest()


def run(command, where):
    done = subprocess.run(command, cwd=where, shell=isinstance(command, str), stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    return done.returncode == 0, done.stdout


class Build:
    """Everything is built once, by make. From then on what a mutant changes is compiled by the same commands, without
    make, which would take longer than all the rest; the objects that were there before are put back behind it."""

    def __init__(self, digest):
        self.stamp, self.kept = WORK / "built", WORK / "kept"
        if not self.stamp.exists() or self.stamp.read_text() != digest:
            self.stamp.unlink(missing_ok=True)
            shutil.rmtree(self.kept, ignore_errors=True)
            flags = ["-DCMAKE_C_COMPILER=gcc", "-DCMAKE_BUILD_TYPE=None", "-DCMAKE_C_FLAGS=-O1",
                     "-DLIMINAL_BUILD_EXAMPLES=OFF", "-DLIMINAL_BUILD_BENCH=OFF", "-DLIMINAL_INSTALL=OFF",
                     "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", "-G", "Unix Makefiles"]
            for command in (["cmake", "-S", str(TREE), "-B", str(OUT), *flags], ["make", "-s", "-j2", "-C", str(OUT)]):
                done, said = run(command, WORK)
                if not done:
                    sys.exit(said + "\nthe tree does not build")
            self.stamp.write_text(digest)
        self.kept.mkdir(exist_ok=True)
        self.commands, self.users = {}, {}
        for entry in json.loads((OUT / "compile_commands.json").read_text()):
            where = Path(entry["directory"])
            made = where / re.search(r" -o (\S+\.o)\b", entry["command"]).group(1)
            self.commands[made] = (entry["command"], where)
            deps = Path(str(made) + ".d")
            for used in set(deps.read_text().replace("\\\n", " ").split()[1:]) if deps.exists() else ():
                self.users.setdefault(Path(os.path.normpath(where / used)), []).append(made)
        self.put_back()

    @staticmethod
    def target_of(made):
        return next(part for part in made.parts if part.endswith(".dir"))[:-len(".dir")]

    def archive(self, target, objects):
        where = next(OUT.rglob("lib" + target + ".a"))
        return run(["ar", "r", str(where), *map(str, objects)], where.parent)

    def compile(self, objects):
        for made in objects:
            aside = self.kept / str(made.relative_to(OUT)).replace("/", "%")
            if not aside.exists():
                shutil.copyfile(made, aside)
            done, said = run(*self.commands[made])
            if not done:
                return False, said
        return True, ""

    def change(self, path, targets):
        """The libraries, with the file at `path` as it is now. Programs follow when they are linked."""
        users = self.users.get(path, [])
        for target in targets:
            objects = [made for made in users if self.target_of(made) == target]
            done, said = self.compile(objects)
            if not done:
                return False, said
            if objects:
                self.archive(target, objects)
        self.changed = {made for made in users if self.target_of(made) not in ("liminal", "limi_subject")}
        return True, ""

    def check_locks(self, path):
        """As the builds with clang do: who holds which lock, by the annotations."""
        for made in self.users.get(path, []):
            if self.target_of(made) == "liminal":
                command, where = self.commands[made]
                flags = " -fsyntax-only -Wthread-safety -Werror=thread-safety"
                done, said = run(re.sub(r"^\S+", "clang", command) + flags, where)
                if not done:
                    return "does not compile" if "thread-safety" in said else None
        return None

    def link(self, target):
        own = [made for made in self.changed if self.target_of(made) == target]
        done, said = self.compile(own)
        script = OUT / "tests" / ("sched" if target.startswith("sched_") else "") / "CMakeFiles" / (target + ".dir")
        return run(["sh", "CMakeFiles/%s.dir/link.txt" % target], script.parent.parent) if done else (False, said)

    def put_back(self):
        objects = {}
        for aside in self.kept.iterdir():
            made = OUT / aside.name.replace("%", "/")
            os.replace(aside, made)
            objects.setdefault(self.target_of(made), []).append(made)
        for target in ("liminal", "limi_subject"):
            if target in objects:
                self.archive(target, objects[target])
        self.changed = set()


# ---- the tests ----

def programs():
    found = []
    for folder in FOLDERS:
        for source in sorted((TREE / "tests" / folder).glob("test_*.c")):
            target = folder + "_" + source.stem[len("test_"):]
            where = OUT / "tests" / ("sched" if folder == "sched" else "") / target
            if where.exists():
                found.append(target)
    return found


# A mutant may send a signal to anybody: its tests have a world of processes of their own.
FENCE = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
DANGEROUS = ("src/platform_", "src/program", "src/watcher")


def have_fence():
    if shutil.which("unshare") is None:
        return False
    return subprocess.run([*FENCE, "true"], stderr=subprocess.DEVNULL).returncode == 0


def in_child():
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))


def look_at(session):
    """The processor time of a session's processes so far, in seconds; and whether one of them runs."""
    ticks, running = 0, False
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[3]) == session:
            ticks += sum(int(field) for field in fields[11:15])
            running |= fields[0] in "RDT" # T: somebody has stopped it, to let it go on
    return ticks / os.sysconf("SC_CLK_TCK"), running


def await_child(child, cpu, wall):
    """Its exit code, or what it did too long: it spun, or nothing at all. That the machine is busy is no failure."""
    began = changed = last = time.monotonic()
    used = 0.0
    while True:
        try:
            return child.wait(timeout=0.25), None
        except subprocess.TimeoutExpired:
            now = time.monotonic()
            so_far, running = look_at(child.pid)
            if now - last > 2.0: # this one was stopped, and the test with it
                changed, began = changed + now - last, began + now - last
            last = now
            if running or so_far > used:
                used, changed = max(used, so_far), now
            if used > SPIN_SECONDS + FACTOR * cpu:
                return None, "spins"
            if now - changed > IDLE_SECONDS + FACTOR * max(0.0, wall - cpu):
                return None, "waits"
            if now - began > MOST_SECONDS:
                return None, "%d s" % MOST_SECONDS


def run_test(target, cpu, wall):
    """How it failed, or None; and what it took, of the processor and by the clock."""
    where = OUT / "tests" / ("sched" if target.startswith("sched_") else "") / target
    environment = dict(os.environ, LIMINAL_TEST_SECONDS="0.4")
    if target.startswith("sched_"): # with it they go to the end, which the short run does not
        del environment["LIMINAL_TEST_SECONDS"]
    began, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [*FENCE, "sh", "-c", '"$0"; exit $?', str(where)] if FENCE else [str(where)]
    child = subprocess.Popen(command, cwd=where.parent, env=environment, stdin=subprocess.DEVNULL,
                             stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
                             preexec_fn=in_child)
    code, how = await_child(child, cpu, wall)
    if code:
        number = code - 128 if code > 128 else -code
        how = signal.Signals(number).name if number in signal.valid_signals() else "exit %d" % code
    try: # the session is the test's own
        os.killpg(child.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    child.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return how, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, time.monotonic() - began


def measure(times):
    """Each must pass as things are; and takes so long. The scheduler's may take a minute and more, which is not waited
    for: that they pass, tests/run.sh says."""
    digest = hashlib.sha1(b"".join(p.read_bytes() for p in sorted((TREE / "src").glob("*.[ch]")))).hexdigest()[:12]
    for target in programs():
        known = times.get(target)
        if known and known["of"] == digest:
            continue
        long = target.startswith("sched_")
        for attempt in range(2):
            how, cpu, wall = run_test(target, 2 if long else 300, 300)
            if how is None or (long and how == "spins"):
                break
        if long and how == "spins":
            how, cpu, wall = None, LONG_SECONDS, LONG_SECONDS
        if how is not None:
            print("left out, for it fails as things are: %s (%s)" % (target, how), flush=True)
        times[target] = {"of": digest, "took": cpu, "wall": wall, "passes": how is None}
        TIMES.write_text(json.dumps(times, indent=1))


def ladder(mutant, times, results, seconds):
    """The tests to be run, in order; of those that take longer than this only the ones about this file."""
    stem = Path(mutant.file).stem
    usable = [t for t in programs() if times[t]["passes"] and (not mutant.orders or t.startswith("sched_"))]
    usable += [LOCKS] if not mutant.orders and shutil.which("clang") else []
    if stem in ALONE:
        usable = [t for t in usable if not t.startswith("sched_")]
    killers = {}
    for known in results.values():
        if known["file"] == mutant.file and known["by"]:
            killers[known["by"]] = killers.get(known["by"], 0) + 1
    related = RELATED.get(stem, [])

    def rank(target):
        name = target.partition("_")[2]
        if target == LOCKS:
            return (2, 0, 0)
        took = times[target]["took"]
        if target == "unit_" + stem or target == "sched_" + stem:
            return (0, took)
        if target in killers:
            return (1 if took < 3 else 2, -killers[target], took)
        if target in related or name.startswith(stem + "_"):
            return (1 if took < 3 else 2, 0, took)
        return (3, took)
    related_to = 2 if seconds < 1 else 3
    return [t for t in sorted(usable, key=rank)
            if rank(t)[0] < related_to or t == LOCKS or times[t]["wall"] <= seconds]


def try_mutant(mutant, tests, times, build):
    path = TREE / mutant.file
    text = (ROOT / mutant.file).read_text()
    changed = mutant.apply(text)
    if changed is None:
        return {"outcome": "stale", "by": None, "how": "its lines do not stand in the file once"}
    path.write_text(changed)
    try:
        done, said = build.change(path, ["limi_subject"] if mutant.orders else ["liminal", "limi_subject"])
        for target in tests if done else []:
            if target == LOCKS:
                how = build.check_locks(path)
                if how is not None:
                    return {"outcome": "killed", "by": target, "how": how}
                continue
            done, said = build.link(target)
            if not done:
                break
            how, _, _ = run_test(target, times[target]["took"], times[target]["wall"])
            if how is not None:
                return {"outcome": "killed", "by": target, "how": how}
        return {"outcome": "survived" if done else "broken", "by": None, "how": None if done else said[-400:]}
    finally:
        path.write_text(text)
        build.put_back()


# ---- the table ----

def table(mutants, results, reasons):
    rows, killed, alive, unexplained, open_ = {}, 0, [], [], 0
    known = [m for m in mutants if m.key() in results]
    for m in known:
        result = results[m.key()]
        row = rows.setdefault(m.file, [0, 0, {}])
        if result["outcome"] in ("stale", "broken"):
            print("%s: %s: %s" % (m.id, result["outcome"], result["how"]))
            continue
        row[0] += 1
        if result["outcome"] == "killed":
            killed += 1
            row[1] += 1
            row[2][result["by"]] = row[2].get(result["by"], 0) + 1
        else:
            alive.append(m.id)
            open_ += result["outcome"] == "alive"
            if m.id not in reasons:
                unexplained.append(m.id)
    for file, (count, dead, by) in sorted(rows.items()):
        most = ", ".join("%s %d" % pair for pair in sorted(by.items(), key=lambda pair: -pair[1])[:3])
        print("%-24s %3d of %3d   %s" % (file, dead, count, most))
    tried = killed + len(alive)
    print("%d mutants, %d tried, %d killed (%.1f %%), %d survived: %s" %
          (len(mutants), tried, killed, 100.0 * killed / max(1, tried), len(alive), " ".join(alive)))
    for m in mutants:
        if m.id in reasons and m.id not in alive and m.key() in results:
            print("explained in survivors.txt, but killed: %s" % m.id)
    if open_:
        print("%d of them have not met the long tests yet" % open_)
    if unexplained:
        print("without a reason in survivors.txt: %s" % " ".join(unexplained))
    return tried == len(mutants) and open_ == 0 and killed * 10 >= tried * 9 and not unexplained


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--again", action="store_true")
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    listed = read_list(HERE / "list.txt")
    controls = [m for m in listed if m.id.startswith("control")]
    mutants = [m for m in listed if m not in controls and (not options.only or m.id.startswith(tuple(options.only)))]
    reasons = read_survivors(HERE / "survivors.txt")
    WORK.mkdir(parents=True, exist_ok=True)
    results = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for m in mutants if options.again else ():
        results.pop(m.key(), None)
    if not options.table:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1)) # so that the tree is put back
        os.nice(19)
        if not have_fence():
            FENCE.clear()
            print("without a pid namespace, the mutants of %s are left out" % ", ".join(DANGEROUS))
            mutants = [m for m in mutants if not m.file.startswith(DANGEROUS)]
        times = json.loads(TIMES.read_text()) if TIMES.exists() else {}
        build = Build(copy_tree())
        measure(times)
        end = time.monotonic() + 60 * options.minutes
        for m in controls:
            result = try_mutant(m, ladder(m, times, {}, PASSES[0]), times, build)
            if result["outcome"] != "survived":
                sys.exit("%s, which changes nothing: %s" % (m.id, result))
        for seconds in PASSES:
            for m in mutants:
                known = results.get(m.key())
                passed = known["passed"] if known and known["outcome"] == "alive" else []
                tests = [t for t in ladder(m, times, results, seconds) if t not in passed]
                if time.monotonic() > end or (known and known["outcome"] != "alive") or not tests:
                    continue
                began = time.monotonic()
                result = try_mutant(m, tests, times, build)
                if result["outcome"] == "survived":
                    result["passed"] = passed + tests
                    whole = set(ladder(m, times, results, PASSES[-1])) <= set(result["passed"])
                    result["outcome"] = "survived" if whole else "alive"
                result.update(id=m.id, file=m.file, seconds=round(time.monotonic() - began, 1))
                results[m.key()] = result
                RESULTS.write_text(json.dumps(results, indent=1))
                print("%-28s %-8s %s %s (%.0f s)" % (m.id, result["outcome"], result["by"] or "", result["how"] or "",
                                                     result["seconds"]), flush=True)
    return 0 if table(mutants, results, reasons) else 1


if __name__ == "__main__":
    sys.exit(main())

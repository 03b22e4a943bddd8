#!/usr/bin/env python3
"""Kills axle, or lets a system call fail, at the Nth change of the file system: only old or new may remain.

    crash_sweep.py AXLE [--all] [--only REGEX] [--seconds S] [--jobs N]

Each scenario has a start state, a command, and what the command leaves when nothing goes wrong. Then, from the same start
state and for the Nth call that counts (crash_shim.c, preloaded, does the counting):

* kill: the process dies at the call, a write half done. The next command on the environment, whichever it is, must
  leave exactly the old or exactly the new tree; the same command again must then give the new one.
* again: the process dies at the call, then the next command dies at a call of its recovery, twice, and the one after it
  meets an EIO; what comes after that must leave exactly the old or exactly the new tree.
* an error (no space, from there on or once; EIO, EACCES, no descriptor): the command must say so and leave the old tree,
  or succeed with the new one. A failure after the commit is a warning; then the next command finishes the work.
* EROFS: from the call on nothing can be changed, so nothing can be undone either; the next command does that.

Trees are compared by names, types, modes, link targets and bytes, without `.axle/`; what lies beside the environment
counts too. Without --all, a spread sample of every scenario runs for S seconds (default 60). The program must be linked
dynamically: a static one does not load the shim.
"""

import argparse
import concurrent.futures
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tree import snapshot
from wheel_text import Wheel

HERE = Path(__file__).resolve().parent
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


def wheels() -> list[Wheel]:
    def entry_points(name):
        return f"[console_scripts]\n{name} = {name}:main\n"

    return [
        Wheel("alpha-1.0-py3-none-any.whl")
        .file("alpha/__init__.py", "version = 1\n")
        .file("alpha/old/deep/x.py", "x = 1\n")
        .file("alpha/kept.py", "kept\n")
        .file("ns/alpha/m.py", "one\n")
        .file("shared/same.py", "the same\n")
        .file("@data/scripts/alpha-tool", "#!python\nprint(1)\n")
        .file("@data/data/share/alpha/one.txt", "one\n")
        .file("@data/headers/alpha.h", "#define ALPHA 1\n")
        .file("@info/entry_points.txt", entry_points("alpha")),
        Wheel("alpha-2.0-py3-none-any.whl")
        .file("alpha/__init__.py", "version = 2\n")
        .file("alpha/new/y.py", "y = 2\n")
        .file("alpha/kept.py", "kept\n")
        .file("ns/alpha/m.py", "two\n")
        .file("shared/same.py", "the same\n")
        .file("@data/scripts/alpha-tool", "#!python\nprint(2)\n")
        .file("@data/data/share/alpha/two.txt", "two\n")
        .file("@info/entry_points.txt", entry_points("alpha2")),
        Wheel("beta-1.0-py3-none-any.whl")
        .file("beta.py", "beta\n")
        .file("ns/beta/m.py", "beta\n")
        .file("shared/same.py", "the same\n"),
        Wheel("gamma-1.0-py3-none-any.whl").file("gamma/__init__.py", "gamma\n").file("ns/gamma.py", "gamma\n"),
    ]


LOCKS = {
    "old.txt": ["alpha==1.0", "beta==1.0"],
    "new.txt": ["alpha==2.0", "beta==1.0", "gamma==1.0"],
}


@dataclass(frozen=True)
class Scenario:
    name: str
    start: tuple[str, ...]  # commands that make the start state
    command: str
    warm: bool = True  # whether the store knows the wheels
    place: str = "--venv env"
    plain: bool = False  # on a file system without links
    strangers_in: str = ""  # a directory of site-packages that gets somebody's own file, and byte-code


def scenarios() -> list[Scenario]:
    found = []
    sync = "sync {lock} -f wheels --no-index --venv env --link-mode {mode}".format
    for mode in ("copy", "hardlink", "symlink"):
        old, new = sync(lock="old.txt", mode=mode), sync(lock="new.txt", mode=mode)
        others = [other for other in ("copy", "hardlink", "symlink") if other != mode]
        install = f"install beta==1.0 -f wheels --no-index --venv env --link-mode {mode}"
        found += [
            Scenario(f"first-{mode}", (), old),
            Scenario(f"existing-{mode}", ("venv env",), old),
            Scenario(f"upgrade-{mode}", (old,), new, strangers_in="" if mode == "symlink" else "alpha"),
            Scenario(f"removal-{mode}", (old,), "uninstall alpha --allow-missing --venv env", strangers_in="alpha" if mode == "copy" else ""),
            # The second owner of directories comes, and goes again: in symlink mode they are split and joined.
            Scenario(f"addition-{mode}", (old, "uninstall beta --venv env"), install),
            Scenario(f"removal-of-second-{mode}", (old,), "uninstall beta --allow-missing --venv env"),
            *(Scenario(f"{mode}-to-{other}", (old,), sync(lock="old.txt", mode=other)) for other in others),
        ]
    found += [
        Scenario("removal-strangers-symlink", (sync(lock="old.txt", mode="symlink"),), "uninstall beta --allow-missing --venv env", strangers_in="ns"),
        Scenario("to-symlink-strangers", (sync(lock="old.txt", mode="copy"),), sync(lock="old.txt", mode="symlink"), strangers_in="ns"),
    ]
    copy = sync(lock="old.txt", mode="copy")
    other = "sync old.txt -f wheels --no-index --venv other --link-mode symlink"
    found += [
        Scenario("first-cold", (), copy, warm=False),
        Scenario("upgrade-cold", (copy,), sync(lock="new.txt", mode="copy"), warm=False),
        Scenario("first-durable", (), copy + " --durable"),
        Scenario("upgrade-durable", (copy,), sync(lock="new.txt", mode="copy") + " --durable"),
        Scenario("clear", (copy,), "venv env --clear"),
        # Names cannot be exchanged there, so two renames replace the old one.
        Scenario("clear-plain", (copy,), "venv env --clear", plain=True),
        # The store remembers the plan of another environment of that lock.
        Scenario("first-remembered", (other,), sync(lock="old.txt", mode="symlink")),
        Scenario("existing-remembered", (other, "venv env"), sync(lock="old.txt", mode="symlink")),
        Scenario("first-plain", (), sync(lock="old.txt", mode="symlink"), plain=True),
        Scenario("upgrade-plain", (sync(lock="old.txt", mode="symlink"),), sync(lock="new.txt", mode="symlink"), plain=True),
        Scenario("target", ("install beta==1.0 -f wheels --no-index --target env --link-mode copy",),
                 "install alpha==1.0 -f wheels --no-index --target env --link-mode copy", place="--target env"),
        Scenario("no-store", ("install beta==1.0 -f wheels --no-index --venv env --no-store",),
                 "install alpha==1.0 -f wheels --no-index --venv env --no-store"),
    ]
    return found


@dataclass(frozen=True)
class Fault:
    name: str
    scope: str
    errno: int = 0
    stays: bool = False
    undone: str = "at once"  # or by the next command
    again: bool = False


FAULTS = [
    Fault("kill", "mutations"),
    Fault("again", "mutations", again=True),
    Fault("EROFS", "mutations", 30, stays=True, undone="next"),
    Fault("full", "space", 28, stays=True),
    Fault("ENOSPC", "space", 28),
    Fault("EIO", "mutations", 5),
    Fault("EACCES", "mutations", 13),
    Fault("EMFILE", "opens", 24),
]


class Wrong(Exception):
    pass


class Sweep:
    """One scenario in its own directory."""

    def __init__(self, scenario: Scenario, axle: str, shim: str, commands: set[str], base: Path):
        self.scenario, self.axle, self.shim, self.commands = scenario, axle, shim, commands
        self.pristine = base / scenario.name / "pristine"
        self.live = base / scenario.name / "live"
        self.count_file = base / scenario.name / "count"
        self.base_environment = {
            "PATH": f"{os.path.dirname(sys.executable)}:/usr/bin:/bin",
            "HOME": str(self.live),
            "AXLE_STORE": str(self.live / "store"),
            "LC_ALL": "C.UTF-8",
        }
        for name, value in os.environ.items():
            if name.startswith(("UBSAN_", "LSAN_")):
                self.base_environment[name] = value
        if scenario.plain:
            self.base_environment |= {"LD_PRELOAD": shim, "CRASH_PLAIN": "1"}
        self.base_environment["ASAN_OPTIONS"] = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        self.prepare()

    def prepare(self) -> None:
        (self.live / "wheels").mkdir(parents=True)
        hashes = {}
        for wheel in wheels():
            content = wheel.build()
            (self.live / "wheels" / wheel.file_name).write_bytes(content)
            hashes["==".join(wheel.file_name.split("-")[:2])] = hashlib.sha256(content).hexdigest()
        for name, pins in LOCKS.items():
            lines = [f"{pin} --hash=sha256:{hashes[pin]}\n" for pin in pins]
            (self.live / name).write_text("".join(lines))
        for command in self.scenario.start:
            self.expect(command)
        if self.scenario.warm:
            self.expect("sync old.txt -f wheels --no-index --venv warm")
            self.expect("sync new.txt -f wheels --no-index --venv warm")
            shutil.rmtree(self.live / "warm")
        if self.scenario.strangers_in:
            package = self.live / "env" / SITE / self.scenario.strangers_in
            (package / "mine.py").write_text("mine\n")
            (package / "__pycache__").mkdir()
            (package / "__pycache__" / "kept.cpython-311.pyc").write_text("byte-code\n")
        subprocess.run(["cp", "-a", str(self.live), str(self.pristine)], check=True)
        self.old = self.tree()
        # The tree of the pristine run, and how many calls there are to fail at.
        self.new = None
        self.counts = {}
        for scope in ("mutations", "space", "opens"):
            done = self.faulty(Fault("count", scope), 0)
            if done.returncode != 0:
                raise Wrong(f"the command itself fails:\n{done.stderr}")
            tree = self.tree()
            if self.new is not None and tree != self.new:
                raise Wrong(f"two runs differ:\n{difference(self.new, tree)}")
            self.new = tree
            self.counts[scope] = int(self.count_file.read_text()) if self.count_file.exists() else 0
        if self.counts["mutations"] == 0:
            raise Wrong("the shim counted nothing; the program must be linked dynamically")
        if self.new == self.old:
            raise Wrong("the command changes nothing")

    def tree(self) -> dict[str, tuple]:
        return {path: what for path, what in snapshot(str(self.live)).items()
                if path.split("/")[0] not in ("store", "wheels", "old.txt", "new.txt")}

    def run(self, command: str, extra: dict[str, str] | None = None) -> subprocess.CompletedProcess:
        return subprocess.run([self.axle, *command.split(), "-j1"], cwd=self.live, stdin=subprocess.DEVNULL,
                              env=self.base_environment | (extra or {}), capture_output=True, text=True,
                              errors="replace", timeout=300)

    def expect(self, command: str, *statuses: int) -> None:
        done = self.run(command)
        if done.returncode not in (statuses or (0,)):
            raise Wrong(f"axle {command}: exit status {done.returncode}\n{done.stdout}{done.stderr}")

    def faulty(self, fault: Fault, at: int) -> subprocess.CompletedProcess:
        shutil.rmtree(self.live)
        subprocess.run(["cp", "-a", str(self.pristine), str(self.live)], check=True)
        self.count_file.unlink(missing_ok=True)
        return self.run(self.scenario.command, self.shim_settings(fault, at))

    def shim_settings(self, fault: Fault, at: int) -> dict[str, str]:
        return {
            "LD_PRELOAD": self.shim, "CRASH_SCOPE": fault.scope, "CRASH_AT": str(at), "CRASH_ERRNO": str(fault.errno),
            "CRASH_STAYS": str(int(fault.stays)), "CRASH_COUNT": str(self.count_file)}

    def next_command(self, at: int) -> None:
        """Any command on the environment must do; which one goes round with `at`."""
        command, statuses = self.any_command(at)
        self.expect(command, *statuses)

    def interrupted_recovery(self, at: int) -> None:
        """The next command is killed, the one after it too, and then one meets an error; where goes round with `at`."""
        for fault, where in ((Fault("kill", "mutations"), 1 + at * 7 % 23), (Fault("kill", "mutations"), 1 + at * 3 % 11),
                             (Fault("EIO", "mutations", 5), 1 + at * 5 % 13)):
            command, _ = self.any_command(at)
            done = self.run(command, self.shim_settings(fault, where))
            if done.returncode == 70 or (done.returncode < 0 and done.returncode != -9):
                raise Wrong(f"axle {command}, in recovery: exit status {done.returncode}\n{done.stderr}")

    def any_command(self, at: int) -> tuple[str, tuple[int, ...]]:
        place = self.scenario.place
        preview = f"sync old.txt -f wheels --no-index {place} --dry-run"
        ways = [(preview, (0,)), ("uninstall nobody --allow-missing " + place, (0, 7))]
        if "plan" in self.commands:
            ways.append((f"plan old.txt -f wheels --no-index {place}", (0,)))
        if "check" in self.commands and place.startswith("--venv"):
            # 1: byte-code and files that nobody recorded are its findings; 7: there is no environment.
            ways.append((f"check {place}", (0, 1, 7)))
        return ways[at % len(ways)]

    def check(self, fault: Fault, at: int) -> None:
        done = self.faulty(fault, at)
        if fault.errno == 0:
            if done.returncode != -9:
                if done.returncode != 0:
                    raise Wrong(f"exit status {done.returncode}, and not killed\n{done.stderr}")
                return  # fewer calls than in the counting run
            if fault.again:
                self.interrupted_recovery(at)
            self.next_command(at)
            self.require_one_of("after the next command", self.tree(), self.old, self.new)
            self.expect(self.scenario.command)
            self.require_one_of("after the same command again", self.tree(), self.new)
            return
        if done.returncode < 0 or done.returncode == 70:
            raise Wrong(f"exit status {done.returncode}\n{done.stderr}")
        tree = self.tree()
        if done.returncode != 0:
            if not re.search("^error: ", done.stderr, re.MULTILINE):
                raise Wrong(f"exit status {done.returncode} without a word\n{done.stderr}")
            if fault.undone == "next":
                self.next_command(at)
                self.require_one_of("after an error that stayed, and the next command", self.tree(), self.old, self.new)
                return
            self.require_one_of(f"after an error ({done.stderr.strip()})", tree, self.old)
            if at % 4 == 0:
                self.expect(self.scenario.command)
                self.require_one_of("after the same command again", self.tree(), self.new)
        elif tree != self.new:
            if "files are copied" in done.stderr and not self.scenario.plain:  # the try of a link failed, and the warning says what was done instead
                copied = {path: (*what[:1], *what[2:]) for path, what in tree.items()}
                self.require_one_of("after copying", copied, {path: (*what[:1], *what[2:]) for path, what in self.new.items()})
                return
            if "warning: " not in done.stderr:
                self.require_one_of("after success", tree, self.new)
            self.next_command(at)
            self.require_one_of("after success with a warning, and the next command", self.tree(), self.new)

    @staticmethod
    def require_one_of(when: str, tree: dict, *wanted: dict) -> None:
        if tree not in wanted:
            texts = [difference(one, tree) for one in wanted]
            raise Wrong(f"{when}, the tree is none of those that may be:\n" + "\n or\n".join(texts))


def difference(wanted: dict, found: dict, most: int = 12) -> str:
    lines = [f"  - {path} {what}" for path, what in wanted.items() if found.get(path) != what]
    lines += [f"  + {path} {what}" for path, what in found.items() if wanted.get(path) != what]
    return "\n".join(lines[:most] + ([f"  and {len(lines) - most} more"] if len(lines) > most else []))


def spread(k: int) -> float:
    """0, 1/2, 1/4, 3/4, 1/8, ...: every prefix covers [0, 1) evenly."""
    value, step = 0.0, 0.5
    while k:
        value += step * (k & 1)
        k, step = k >> 1, step / 2
    return value


def run_scenario(make, arguments, deadline: float) -> tuple[int, list[str]]:
    done, failures = 0, []
    name = make.name
    try:
        sweep = make.sweep()
    except Wrong as wrong:
        return 0, [f"{name}: {wrong}"]
    jobs = [fault for fault in FAULTS if re.search(arguments.only, f"{name}/{fault.name}")]
    tried = set()
    for k in range(1 << 20):
        open_jobs = [fault for fault in jobs if k < sweep.counts[fault.scope]]
        if not open_jobs:
            break
        for fault in open_jobs:
            if time.monotonic() > deadline and k > 0:
                return done, failures
            count = sweep.counts[fault.scope]
            at = k + 1 if arguments.all else 1 + int((spread(k) + make.offset) % 1 * count)
            if (fault, at) in tried:
                continue
            tried.add((fault, at))
            try:
                sweep.check(fault, at)
            except Wrong as wrong:
                failures.append(f"{name}/{fault.name} at {at} of {count}: {wrong}")
            done += 1
    shutil.rmtree(sweep.live.parent, ignore_errors=True)
    return done, failures


@dataclass
class Make:
    name: str
    offset: float
    sweep: object


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("axle")
    parser.add_argument("--all", action="store_true", help="every N")
    parser.add_argument("--only", default="", help="scenarios and faults: a regex for SCENARIO/FAULT")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--jobs", type=int, default=min(4, os.cpu_count() or 1))
    arguments = parser.parse_args()
    axle = os.path.abspath(arguments.axle)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="axle-crash-") as folder:
        base = Path(folder).resolve()
        shim = str(base / "crash_shim.so")
        compiler = os.environ.get("CC", "cc")
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", shim, str(HERE / "crash_shim.c"), "-ldl"], check=True)
        overview = subprocess.run([axle, "--help"], capture_output=True, text=True, check=True).stdout
        commands = set(re.findall(r"^  (\w+)", overview, re.MULTILINE))
        chosen = [one for one in scenarios()
                  if any(re.search(arguments.only, f"{one.name}/{fault.name}") for fault in FAULTS)]
        total, failures = 0, []
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            # A sample gives every scenario its share of the time.
            share = arguments.seconds * arguments.jobs / max(1, len(chosen))
            def one(index):
                scenario = chosen[index]
                make = Make(scenario.name, index / len(chosen), lambda: Sweep(scenario, axle, shim, commands, base))
                deadline = float("inf") if arguments.all else time.monotonic() + share
                return scenario.name, *run_scenario(make, arguments, deadline)
            for name, done, wrong in pool.map(one, range(len(chosen))):
                total += done
                failures += wrong
                print(f"{name}: {done} faults, {len(wrong)} wrong", flush=True)
                for text in wrong[:20]:
                    print(text, flush=True)
    print(f"{total} faults in {len(chosen)} scenarios, {len(failures)} wrong, {time.monotonic() - begun:.0f} s")
    return 1 if failures or total == 0 else 0


if __name__ == "__main__":
    sys.exit(main())

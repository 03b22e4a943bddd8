#!/usr/bin/env python3
"""With --durable, whatever of what was not flushed is on the disk when the power fails: the environment is the old one or the new one, whole.

    power_loss_test.py AXLE      AXLE_TEST_FULL=1: after every call, and more dice

A command is traced by strace. For moments between its calls a disk is made (disk_model.py) that has what was flushed by then, and of the
rest nothing, everything, only names, or what the dice say; then the next command looks at the environment. When the command had
returned, it must be the new one in every case. Where the environment links to the store, that must be whole too, also when
another command unpacked the wheels before and flushed nothing.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from disk_model import CALLS, Change, Node, read_log, read_tree, state_after, write_tree
from room import AXLE, FAULTS, SKIPPED, Room, expect, run_all
from tree import snapshot
from wheel_text import Wheel

FULL = bool(os.environ.get("AXLE_TEST_FULL"))
MODES = ("symlink", "hardlink", "copy")


def wheels(version: str) -> list[Wheel]:
    alpha = Wheel(f"alpha-{version}-py3-none-any.whl").file("alpha/__init__.py", f"v = {version}\n").file(f"alpha/of_{version[0]}/m.py", version)
    alpha.file("ns/alpha/m.py", version).file("@data/data/share/alpha.txt", version).file("@info/entry_points.txt", "[console_scripts]\nalpha = alpha:main\n")
    return [alpha, Wheel("beta-1.0-py3-none-any.whl").file("beta.py", "b = 1\n").file("ns/beta/m.py", "b\n")]


@dataclass(frozen=True)
class Scenario:
    name: str
    start: tuple[str, ...]  # on the disk for sure
    fast: tuple[str, ...]  # of which nothing is flushed
    durable: str


def scenarios() -> Iterator[Scenario]:
    for mode in MODES:
        sync = f"sync {{}} -f wheels --no-index --venv env --link-mode {mode}".format
        old = sync("one.txt")
        yield Scenario(f"first-{mode}", (), (), old)
        yield Scenario(f"upgrade-{mode}", (old,), (), sync("two.txt"))
        yield Scenario(f"removal-{mode}", (old,), (), "uninstall alpha --allow-missing --venv env")
        yield Scenario(f"after-fetch-{mode}", ("venv env",), ("fetch one.txt -f wheels --no-index",), old)
        yield Scenario(f"again-{mode}", (), (old,), old)
    yield Scenario("clear", ("sync one.txt -f wheels --no-index --venv env --link-mode copy",), (), "venv env --clear")
    yield Scenario("no-store", ("venv env",), (), "sync one.txt -f wheels --no-index --venv env --no-store")


class Trial:
    def __init__(self, base: Path, scenario: Scenario):
        self.room = Room(base, scenario.name)
        self.room.fill(wheels("1.0"), "one.txt")
        self.room.fill(wheels("2.0"), "two.txt")
        self.scenario = scenario
        self.env = str(self.room.dir / "env")
        for command in scenario.start:
            self.axle(command)
        before = read_tree(str(self.room.dir))
        self.sure = snapshot(self.env)
        text = "".join(self.trace(command) for command in scenario.fast)
        self.begin = len(read_log(text, str(self.room.dir), before))
        self.old = snapshot(self.env)
        text += self.trace(scenario.durable + " --durable")
        self.new = snapshot(self.env)
        self.before = before
        self.changes = read_log(text, str(self.room.dir), before)
        everything = state_after(before, self.changes, lambda _: True)
        expect(names_of(everything) == names_of(read_tree(str(self.room.dir))), f"{scenario.name}: the log tells all that happened")
        self.seen: set[str] = set()

    def words(self, command: str) -> list[str]:
        return [*command.split(), "-j1", *(() if command.startswith("uninstall") else ("--python", sys.executable))]

    def axle(self, command: str) -> str:
        return self.room.axle(*self.words(command))

    def trace(self, command: str) -> str:
        log = self.room.dir.parent / "strace.log"
        done = subprocess.run(["strace", "-f", "-y", "-xx", "-s", "1000000", "-e", f"trace={CALLS}", "-o", str(log), AXLE, *self.words(command)],
                              cwd=self.room.dir, env=self.room.environment, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"{self.scenario.name}: {command}: {done.stdout}{done.stderr}")
        return log.read_text()

    def lose_power(self, at: int, what: str, survives: Callable[[Change], bool], again: bool) -> bool:
        """After the first `at` changes. False when that disk was looked at already."""
        disk = state_after(self.before, self.changes[:at], survives)
        looks = names_of(disk) + str(at == len(self.changes))
        if looks in self.seen:
            return False
        self.seen.add(looks)
        write_tree(disk, str(self.room.dir))
        call = self.changes[at - 1].call if at else "nothing"
        where = f"{self.scenario.name}: after {call!r} ({at} of {len(self.changes)}), of what was not flushed {what}"
        done = self.room.start("check", "--venv", "env")
        said = done.communicate()[0]
        found = snapshot(self.env)
        right = (self.new,) if at == len(self.changes) else (self.old, self.new)
        differs = sorted(path for path in found.keys() | self.new.keys() if found.get(path) != self.new.get(path))
        expect(found in right, f"{where}: it is neither: {said}{differs[:8]}")
        expect(done.returncode == (0 if found else 7), f"{where}: check: {said}")
        expect(not (self.room.dir / ".env.axle-new").exists(), f"{where}: a staging directory is left")
        if again:
            self.axle(self.scenario.durable)
            expect(snapshot(self.env) == self.new, f"{where}: the same command again")
        return True


def names_of(tree: Node) -> str:
    """A digest of a tree, without times."""
    digest = hashlib.sha256()
    seen: dict[Node, int] = {}

    def visit(node: Node) -> None:
        if node in seen:
            digest.update(b"again %d" % seen[node])
            return
        seen[node] = len(seen)
        digest.update(f"{node.kind} {node.mode if node.kind != 'link' else 0} {len(node.data)} ".encode() + node.data)
        for name in sorted(node.names):
            digest.update(os.fsencode(name) + b"{")
            visit(node.names[name])
            digest.update(b"}")

    visit(tree)
    return digest.hexdigest()


def try_all(base: Path) -> None:
    if shutil.which("strace") is None:
        SKIPPED.append("there is no strace")
        return
    # Flushing a real disk takes as long as whatever else is written to it, and what comes of it is the model's business.
    memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="axle-power-loss-", dir=memory) as folder:
        try_scenarios(Path(folder).resolve())


def try_scenarios(base: Path) -> None:
    dice = random.Random(1)
    for scenario in scenarios():
        trial = Trial(base, scenario)
        if FAULTS:
            return
        last = len(trial.changes)
        # What a fast command changed in the environment may be lost until a durable one has returned.
        moments = list(range(trial.begin, last + 1)) if trial.old == trial.sure else [last]
        if not FULL:
            # Before and after each flush and rename is where something is decided.
            near = [at + step for at in moments if at < last and trial.changes[at].kind in ("flush", "exchange") for step in (0, 1)]
            moments = sorted({*dice.sample(moments, min(2, len(moments))), *dice.sample(near, min(4, len(near))), last})
        tried = 0
        for at in moments:
            ways = [("nothing is there", lambda _: False), ("everything is there", lambda _: True),
                    ("only names are there", lambda change: change.place is not None)]
            for chance in (0.3, 0.7, 0.95) * (2 if FULL else 1):
                ways.append((f"{chance} is there", lambda _, chance=chance: dice.random() < chance))
            for what, survives in ways if FULL else [*ways[:3], dice.choice(ways[3:])]:
                tried += trial.lose_power(at, what, survives, again=dice.randrange(4) == 0)
                if len(FAULTS) > 3:
                    return
        print(f"{scenario.name}: {tried} disks")
        shutil.rmtree(trial.room.dir)


if __name__ == "__main__":
    sys.exit(run_all("power-loss", try_all))

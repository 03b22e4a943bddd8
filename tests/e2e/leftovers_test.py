#!/usr/bin/env python3
"""Kills commands at random times: the next one leaves nothing behind, in the environment, beside it and in the store.

    leftovers_test.py AXLE      AXLE_TEST_FULL=1: 200 kills
"""

import os
import random
import sys
import time
from pathlib import Path

from room import Room, expect, run_all
from tree import record_faults
from wheel_text import Wheel

KILLS = 200 if os.environ.get("AXLE_TEST_FULL") else 24
OWN = {"lock", "receipt", "facts"}


def wheels(version: str) -> list[Wheel]:
    found = []
    for name in ("alpha", "beta", "gamma"):
        wheel = Wheel(f"{name}-{version}-py3-none-any.whl").file(f"ns/{name}.py", f"{name} = {version!r}\n")
        for part in range(60):
            wheel.file(f"{name}/d{part % 7}/m{part}.py", f"# {name} {version} {part}\n" * 50)
        found.append(wheel.file("@data/scripts/tool-" + name, "#!python\nprint(1)\n"))
    return found


def what_is_left(room: Room) -> list[str]:
    left = [name for name in os.listdir(room.dir) if ".axle" in name]
    for venv in ("env", "other"):
        own = room.dir / venv / ".axle"
        if own.exists():
            left += [f"{venv}/.axle/{name}" for name in os.listdir(own) if name not in OWN]
            left += [f"{venv}/.axle/facts/{path.name}" for path in own.glob("facts/*") if len(path.name) != 64]
    store = room.dir / "store"
    left += [str(path.relative_to(room.dir)) for path in store.rglob(".axle-new-*")]
    left += [str(path.relative_to(room.dir)) for path in store.rglob("*.axle-new*")]
    return left


def killed_at_random(base: Path) -> None:
    room = Room(base, "killed")
    room.fill(wheels("1.0"), "one.txt")
    room.fill(wheels("2.0"), "two.txt")
    dice = random.Random(int(sys.argv[2]) if len(sys.argv) > 2 else 1)
    common = ("-f", "wheels", "--no-index", "--python", sys.executable)
    store = room.dir / "store" / "v1"
    took = 0.05
    # What an interpreter is, is written down once for a store, and what a kill leaves of that stays for a minute: until then
    # it may be another command's that has not locked it yet.
    room.axle("venv", "first", "--python", sys.executable)
    for round_ in range(KILLS):
        mode = dice.choice(("copy", "hardlink", "symlink"))
        venv = dice.choice(("env", "other"))
        lock = dice.choice(("one.txt", "two.txt"))
        command = dice.choice((
            ("sync", lock, "--venv", venv, "--link-mode", mode, *common),
            ("sync", lock, "--venv", venv, "--no-store", *common),
            ("sync", lock, "--venv", venv, "--store", str(room.dir / "store"), "--durable", *common),
            ("venv", venv, "--clear", "--python", sys.executable),
            ("fetch", lock, *common),
            ("uninstall", "alpha", "--venv", venv, "--allow-missing"),
        ))
        if dice.randrange(4) == 0:  # cold
            room.axle("store", "gc", "--older-than", "0s")
        running = room.start(*command)
        time.sleep(dice.random() * took)
        running.kill()
        running.communicate()
        was_killed = running.returncode == -9
        took = took * (1.1 if was_killed else 0.9)
        for place in ("env", "other"):  # whatever comes next
            if not (room.dir / place / "pyvenv.cfg").exists():
                room.axle("venv", place, "--python", sys.executable)
            elif dice.randrange(2):
                room.axle("uninstall", "nobody", "--allow-missing", "--venv", place)
            else:
                room.axle("check", "--quick", "--venv", place)
        expect(what_is_left(room) == [], f"{round_}: after {' '.join(command)}: {what_is_left(room)}")
        # The store is cleaned by whoever unpacks next.
        room.fill([Wheel(f"extra{round_}-1.0-py3-none-any.whl").file(f"extra{round_}.py", "x\n")], "extra.txt")
        room.axle("fetch", "extra.txt", *common)
        left = [name for name in os.listdir(store / "tmp") if name != "probe"]
        expect(left == [], f"{round_}: after {' '.join(command)}: in the store {left}")
        if round_ % 8 == 7:
            room.axle("store", "verify")
            for place in ("env", "other"):
                room.sync(place, "--python", sys.executable, lock=lock)
                expect(record_faults(str(room.dir / place)) == [], f"{round_}: {record_faults(str(room.dir / place))[:3]}")
                room.axle("check", "--venv", place)


if __name__ == "__main__":
    sys.exit(run_all("leftovers", killed_at_random))

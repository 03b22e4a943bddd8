#!/usr/bin/env python3
"""Whatever an environment was before, a sync makes it what a fresh one is: random wheels that share directories, in all modes.

    back_again_test.py AXLE      AXLE_TEST_FULL=1: many more of them
"""

import os
import random
import shutil
import sys
import tempfile
from pathlib import Path

from reproducible_test import differences, everything
from room import FAULTS, Room, expect
from wheel_text import Wheel

MODES = ("symlink", "hardlink", "copy")
NAMES = ("one", "two", "three", "four")
DIRS = ("a", "b", "ns", "deep")
FILES = ("x.py", "y.txt", "z.py")


def random_wheel(dice: random.Random, name: str, version: str) -> Wheel:
    """Files are named by directories that other wheels have too; equal paths have equal bytes, so nothing conflicts."""
    wheel = Wheel(f"{name}-{version}-py3-none-any.whl").file(f"{name}/own.py", f"{name} {version}\n")
    paths = set()
    for _ in range(dice.randrange(1, 9)):
        path = "/".join([*(dice.choice(DIRS) for _ in range(dice.randrange(4))), dice.choice(FILES)])
        if dice.randrange(3) == 0:
            path = f"{os.path.dirname(path)}/{name}.py".lstrip("/")
        place = dice.choice(("", "", "", "@data/data/share/", "@data/data/include/", "@data/headers/"))
        paths.add((place, path))
    for place, path in sorted(paths):
        own = path.endswith(f"{name}.py")
        wheel.file(place + path, f"{path} of {name} {version}\n" if own else path)
    if dice.randrange(3) == 0:
        wheel.file(f"@data/scripts/{name}-tool", "#!python\nprint(1)\n", mode=0o755)
    return wheel


def random_lock(dice: random.Random) -> list[str]:
    return sorted(f"{name}=={dice.choice('12')}.0" for name in NAMES if dice.randrange(4))


def one_life(base: Path, seed: int, steps: int) -> None:
    """One environment through many locks and modes; after each step it is what a fresh one of that lock and mode is."""
    dice = random.Random(seed)
    room = Room(base, f"life-{seed}")
    room.fill([random_wheel(dice, name, version + ".0") for name in NAMES for version in "12"])
    options = ("--python", sys.executable, "-j1", "--allow-empty")  # a lock may come out empty
    if dice.randrange(2):
        room.axle("venv", "env", *options)  # made before the first sync knows of any wheel
    mode = dice.choice(MODES)
    story = []
    known: dict[tuple, dict] = {}
    for _ in range(steps):
        if dice.randrange(3) == 0:
            mode = dice.choice(MODES)
        pins = random_lock(dice)
        story.append((mode, pins))
        (room.dir / "lock.txt").write_text("".join(pin + "\n" for pin in pins))
        if dice.randrange(4) == 0 and pins:
            # Python was there: its byte-code is in nobody's way, and goes with the modules.
            for module in list(room.site("env").rglob("*.py")) if (room.dir / "env").exists() else []:
                cache = module.parent / "__pycache__"
                if not os.path.realpath(module.parent).startswith(str(room.dir / "store")):
                    cache.mkdir(exist_ok=True)
                    (cache / f"{module.stem}.cpython-311.pyc").write_text("byte-code\n")
            room.sync("env", "--link-mode", mode, "--reinstall", *options, lock="lock.txt")
        else:
            room.sync("env", "--link-mode", mode, *options, lock="lock.txt")
        key = (mode, *pins)
        if key not in known:
            # At the same path: scripts name it.
            os.rename(room.dir / "env", room.dir / "kept")
            room.sync("env", "--link-mode", mode, *options, lock="lock.txt")
            known[key] = everything(str(room.dir / "env"))
            shutil.rmtree(room.dir / "env")
            os.rename(room.dir / "kept", room.dir / "env")
        wrong = [path for path in differences(known[key], everything(str(room.dir / "env"))) if path != "."]
        expect(not wrong, f"seed {seed}, after {story}: {wrong[:6]}")
        said = room.axle("plan", "lock.txt", "-f", "wheels", "--no-index", "--venv", "env", "--link-mode", mode, "--check", *options)
        if wrong or FAULTS:
            print(said)
            return


def strangers_stay(base: Path) -> None:
    """A directory that was split stays real while somebody keeps files in it, and is a link again after."""
    room = Room(base, "strangers")
    room.fill([Wheel("a-1.0-py3-none-any.whl").file("ns/deep/a/m.py", "a\n").file("ns/other/m.py", "o\n")], "one.txt")
    room.fill([Wheel("b-1.0-py3-none-any.whl").file("ns/deep/b/m.py", "b\n").file("ns/other/b.py", "b\n")], "b.txt")
    (room.dir / "two.txt").write_text((room.dir / "one.txt").read_text() + (room.dir / "b.txt").read_text())
    options = ("--link-mode", "symlink", "--python", sys.executable)
    room.sync("env", *options, lock="one.txt")
    ns = room.site("env") / "ns"
    expect(ns.is_symlink(), "one owner: one link")
    fresh = everything(str(room.dir / "env"))
    room.sync("env", *options, lock="two.txt")
    expect(not ns.is_symlink() and not (ns / "deep").is_symlink(), "two owners: real directories")
    mine = ns / "deep" / "mine.py"
    mine.write_text("mine\n")
    room.axle("uninstall", "b", "--venv", "env")
    expect(mine.read_text() == "mine\n" and not ns.is_symlink(), "somebody's file is left alone")
    expect((ns / "other").is_symlink() and (ns / "deep" / "a").is_symlink(), "what holds none is joined")
    said = room.axle("plan", "one.txt", "-f", "wheels", "--no-index", "--venv", "env", "--check", *options)
    before = everything(str(room.dir / "env"))
    room.sync("env", *options, "-f", ".", lock="one.txt")
    expect(not differences(before, everything(str(room.dir / "env"))), f"nothing is to be done: {said}")
    mine.unlink()
    room.sync("env", *options, lock="two.txt")
    room.sync("env", *options, lock="one.txt")
    expect(not differences(fresh, everything(str(room.dir / "env"))), f"joined again: {differences(fresh, everything(str(room.dir / 'env')))}")
    room.axle("store", "verify")


def main() -> int:
    full = bool(os.environ.get("AXLE_TEST_FULL"))
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    with tempfile.TemporaryDirectory(prefix="axle-back-") as folder:
        base = Path(folder).resolve()
        strangers_stay(base)
        for seed in range(first, first + (150 if full else 8)):
            one_life(base, seed, 12)
            if FAULTS:
                break
    print(f"{len(FAULTS)} wrong")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())

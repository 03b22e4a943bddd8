#!/usr/bin/env python3
"""pip and uv at work in axle's environments, and axle after them: what is there in the end is what a fresh environment has.

    other_tools_test.py AXLE      uv takes part where the machine has it (PATH, or AXLE_TEST_UV)
"""

import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from peer import pip_command
from reproducible_test import differences, everything
from room import FAULTS, SKIPPED, Room, expect, run_all
from wheel_text import Wheel

FULL = bool(os.environ.get("AXLE_TEST_FULL"))


def wheels(version: str) -> list[Wheel]:
    found = []
    for name in ("alpha", "beta"):
        wheel = Wheel(f"{name}-{version}-py3-none-any.whl").file(f"{name}/__init__.py", f"v = {version!r}\n").file(f"ns/{name}/m.py", f"{version}\n")
        wheel.file("ns/both.txt", "the same\n").file("@info/entry_points.txt", f"[console_scripts]\n{name} = {name}:main\n")
        found.append(wheel.file("@data/data/share/" + name, version).file("@data/scripts/tool-" + name, "#!python\nprint(1)\n"))
    return found


def tools(base: Path) -> dict[str, list[str]]:
    found = {"pip": [*pip_command(base), "--disable-pip-version-check", "--no-cache-dir"]}
    uv = os.environ.get("AXLE_TEST_UV") or shutil.which("uv")
    if uv and subprocess.run([uv, "--version"], capture_output=True, check=False).returncode == 0:
        found["uv"] = [uv, "--offline", "--cache-dir", str(base / "uv-cache")]
    else:
        SKIPPED.append("uv: there is none here")
    return found


def one_life(base: Path, seed: int, mode: str, known: dict[str, list[str]]) -> None:
    dice = random.Random(seed)
    room = Room(base, f"{mode}-{seed}")
    room.fill(wheels("1.0"), "one.txt")
    room.fill(wheels("2.0"), "two.txt")
    python = ("--python", sys.executable)
    fresh = {}
    for lock in ("one.txt", "two.txt"):
        room.sync("env", "--link-mode", mode, *python, lock=lock)
        fresh[lock] = everything(str(room.dir / "env"))
        shutil.rmtree(room.dir / "env")
    room.sync("env", "--link-mode", mode, *python, lock="one.txt")
    story = [mode]
    for _ in range(dice.randrange(1, 4)):
        name, version = dice.choice(("alpha", "beta")), dice.choice(("1.0", "2.0"))
        tool = dice.choice(sorted(known))
        interpreter = str(room.dir / "env" / "bin" / "python")
        place = ["--python", interpreter] if tool == "pip" else []
        act = dice.choice(("install", "upgrade", "uninstall", "axle", "again"))
        command = [*known[tool], *place] if tool == "pip" else [*known[tool], "pip"]
        where = ["--python", interpreter] if tool == "uv" else []
        wheel = str(room.dir / "wheels" / f"{name}-{version}-py3-none-any.whl")
        if act == "axle":
            room.axle("install", f"{name}=={version}", "-f", "wheels", "--no-index", "--venv", "env", *python)
            story.append(f"axle install {name} {version}")
            continue
        if act == "uninstall":
            command += ["uninstall", *where, *(["-y"] if tool == "pip" else []), name]
        else:
            again = ["--force-reinstall"] if tool == "pip" else ["--reinstall"]
            command += ["install", *where, "--no-deps", "--no-index", *(again if act == "again" else []), wheel]
            if tool == "uv":
                command += ["--link-mode", dice.choice(("copy", "hardlink", "symlink"))]
        done = subprocess.run(command, cwd=room.dir, env=room.environment, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"{seed}: {command}: {done.stderr}")
        story.append(f"{tool} {act} {name} {version}")
    if dice.randrange(3) == 0:
        room.axle("uninstall", "alpha", "--allow-missing", "--venv", "env")
        expect(not list(room.site("env").glob("alpha*")), f"{seed}: {story}: something of alpha is left")
        story.append("axle uninstall alpha")
    lock = dice.choice(("one.txt", "two.txt"))
    room.sync("env", *python, "--link-mode", mode, lock=lock)
    # uv leaves a lock of its own.
    wrong = [path for path in differences(fresh[lock], everything(str(room.dir / "env"))) if path not in (".", ".lock")]
    expect(not wrong, f"seed {seed}, {story}, then {lock}: {wrong[:6]}")
    room.axle("check", "--venv", "env")
    room.axle("store", "verify")
    room.axle("uninstall", "alpha", "beta", "--venv", "env")


def lives(base: Path) -> None:
    known = tools(base)
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    for seed in range(first, first + (30 if FULL else 3)):
        for mode in ("copy", "hardlink"):  # an environment of links is axle's alone: docs/differences-from-pip.md
            one_life(base, seed, mode, known)
            if FAULTS:
                return


if __name__ == "__main__":
    sys.exit(run_all("other-tools", lives))

#!/usr/bin/env python3
"""Syncs of links from a remembered plan: what they leave is what the full way leaves, and what decides is compared."""

import hashlib
import shutil
import sys
from pathlib import Path

from room import Room, expect, run_all
from tree import snapshot
from wheel_text import Wheel

SYMLINK = ("--link-mode", "symlink")


def add(room: Room, folder: str, wheel: Wheel) -> str:
    """The line of a lock that takes it."""
    (room.dir / folder).mkdir(exist_ok=True)
    content = wheel.build()
    (room.dir / folder / wheel.file_name).write_bytes(content)
    name, version = wheel.file_name.split("-")[:2]
    return f"{name}=={version} --hash=sha256:{hashlib.sha256(content).hexdigest()}"


def alpha(build: str = "") -> Wheel:
    return (Wheel(f"alpha-1.0{build}-py3-none-any.whl").file("alpha/__init__.py", f"build = '{build}'\n")
            .file("alpha/deep/x.py", "x = 1\n").file("@data/scripts/tool", "#!python\nprint(1)\n")
            .file("@info/entry_points.txt", "[console_scripts]\nalpha = alpha:main\n"))


def plain() -> Wheel:
    return Wheel("plain-1.0-py3-none-any.whl").file("plain/__init__.py", "x = 1\n")


def plans(room: Room) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in (room.dir / "store" / "v1" / "plans").iterdir()}


def tree(room: Room, venv: str) -> dict[str, tuple]:
    return {path: what for path, what in snapshot(str(room.dir / venv)).items() if not path.startswith(".axle")}


def both_ways(room: Room, what: str, *words: str) -> None:
    """`env` is made as remembered, then the full way; nothing may differ."""
    known = plans(room)
    room.sync("env", *SYMLINK, *words)
    expect(plans(room) == known and known != {}, f"{what}: the plan is not used")
    checked = room.axle("check", "--venv", "env")
    remembered = tree(room, "env")
    shutil.rmtree(room.dir / "env")
    shutil.rmtree(room.dir / "store" / "v1" / "plans")
    room.sync("env", *SYMLINK, *words)
    expect(tree(room, "env") == remembered, f"{what}: the ways differ")
    expect(room.axle("check", "--venv", "env") == checked, f"{what}: axle check says another thing")
    room.axle("uninstall", "alpha", "--venv", "env")
    expect(not any("alpha" in path for path in tree(room, "env")), f"{what}: something stays of alpha")
    shutil.rmtree(room.dir / "env")


def same(base: Path) -> None:
    room = Room(base, "same")
    lines = [add(room, "wheels", alpha()), add(room, "wheels", plain())]
    (room.dir / "requirements.txt").write_text("\n".join(lines))
    for words in ((), ("--compile",), ("--prune", "tests"), ("--verify", "strict")):
        room.sync("other", *SYMLINK, *words)
        both_ways(room, " ".join(words) or "plain", *words)
        shutil.rmtree(room.dir / "other")


def what_decides(base: Path) -> None:
    """Directories of wheels, and variables that locks name: with others, others are taken."""
    room = Room(base, "decides")
    first = add(room, "one", alpha("-1"))
    second = add(room, "two", alpha("-2"))
    (room.dir / "requirements.txt").write_text(f"{first} {second.split()[1]}\n")

    def build(venv: str, *words: str, status: int = 0, lock: str = "requirements.txt") -> str:
        room.axle("sync", lock, "--no-index", "--venv", venv, *SYMLINK, *words, status=status)
        return (room.site(venv) / "alpha" / "__init__.py").read_text() if status == 0 else ""

    expect(build("a", "-f", "one") == "build = '-1'\n", "the only one is taken")
    expect(build("b", "-f", "two") == "build = '-2'\n", "another directory has another one")
    shutil.copy(room.dir / "two" / alpha("-2").file_name, room.dir / "one")
    expect(build("c", "-f", "one") == "build = '-2'\n", "a better one came into the directory")
    build("d", "-f", "nowhere", status=7)

    for name, line in (("one", first), ("two", second)):
        (room.dir / name / "in.txt").write_text(line + "\n")
    (room.dir / "in.txt").write_text("-r ${WHICH}/in.txt\n")
    for which, builds in (("one", "-1"), ("two", "-2")):
        room.environment["WHICH"] = which
        for venv in (f"fresh-{which}", "kept"):
            expect(build(venv, "-f", "one", lock="in.txt") == f"build = '{builds}'\n", f"{venv}: what the variable says")


def modes(base: Path) -> None:
    """What was done to one environment's files is not handed on to the next one."""
    room = Room(base, "modes")
    (room.dir / "requirements.txt").write_text(add(room, "wheels", plain()))
    room.sync("a", *SYMLINK)
    room.sync("b", *SYMLINK)
    right = tree(room, "a")
    installer = room.site("b") / "plain-1.0.dist-info" / "INSTALLER"
    if installer.stat().st_nlink > 1:
        installer.chmod(0o600)
        room.sync("c", *SYMLINK)
        own = {path: what for path, what in tree(room, "c").items() if "dist-info" in path}
        expect(own == {path: what for path, what in right.items() if "dist-info" in path}, "a mode was handed on")


if __name__ == "__main__":
    sys.exit(run_all("remembered", same, what_decides, modes))

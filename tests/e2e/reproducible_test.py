#!/usr/bin/env python3
"""The same lock and path give the same bytes, modes and times, whatever the conditions; and syncs lead back.

    reproducible_test.py AXLE
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

from room import FAULTS, Room, expect
from tree import walk
from wheel_text import Wheel


def wheels() -> list[Wheel]:
    found = [
        Wheel("alpha-1.0-py3-none-any.whl")
        .file("alpha/__init__.py", "def main(): print('alpha')\n")
        .file("alpha/data/one.txt", "one\n")
        .file("ns/alpha.py", "A = 1\n")
        .file("shared/same.py", "same\n")
        .file("@data/scripts/alpha-tool", "#!python -s\nprint(1)\n", mode=0o755)
        .file("@data/data/share/alpha/x.txt", "x\n")
        .file("@data/headers/alpha.h", "#define A\n")
        .file("@info/entry_points.txt", "[console_scripts]\nalpha = alpha:main\n"),
        Wheel("beta-1.0-py3-none-any.whl").file("ns/beta.py", "B = 1\n").file("shared/same.py", "same\n").file("beta.pth", "beta_path\n"),
    ]
    for index in range(6):
        wheel = Wheel(f"many{index}-1.0-py3-none-any.whl").file(f"ns/deep/many{index}/m.py", f"M = {index}\n")
        for part in range(20):
            wheel.file(f"many{index}/part{part % 7}/m{part}.py", f"P = {part}\n" * part)
        found.append(wheel)
    return found


def everything(top: str) -> dict:
    """Path to mode, time and content; a directory's time is when it was last changed, so it is left out."""
    found = {".": oct(os.lstat(top).st_mode)}
    for path, status in walk(top):
        full = os.path.join(top, path)
        if os.path.islink(full):
            found[path] = ("link", os.readlink(full))
        elif os.path.isdir(full):
            found[path] = ("dir", oct(status.st_mode))
        else:
            with open(full, "rb") as file:
                found[path] = (oct(status.st_mode), status.st_mtime_ns, file.read())
    return found


def differences(one: dict, other: dict) -> list[str]:
    return [path for path in one.keys() | other.keys() if one.get(path) != other.get(path)]


def under_other_conditions(base: Path) -> None:
    """One path, made again and again."""
    python = ("--python", sys.executable)
    for name, words in (("copy", ("--link-mode", "copy")), ("hardlink", ("--link-mode", "hardlink")),
                        ("symlink", ("--link-mode", "symlink")), ("compile", ("--link-mode", "copy", "--compile")),
                        ("no-store", ("--no-store",))):
        room = Room(base, name)
        room.fill(wheels()[:3] if name == "compile" else wheels())
        room.sync("env", *words, *python, "-j1", umask=0o022)
        first = everything(str(room.dir / "env"))
        lines = (room.dir / "requirements.txt").read_text().splitlines(keepends=True)
        conditions = [
            ("order and one file a line", {}, 0o022, "-j3", lines[::-1]),
            ("umask", {}, 0o077, "-j2", lines),
            ("zone and language", {"TZ": "Pacific/Auckland", "LC_ALL": "C", "LANG": "de_DE.UTF-8"}, 0o002, "-j4", lines),
        ]
        for what, variables, mask, jobs, order in conditions:
            shutil.rmtree(room.dir / "env")
            if what != "umask":  # a store filled under these conditions, too
                shutil.rmtree(room.dir / "store", ignore_errors=True)
            (room.dir / "requirements.txt").write_text("".join(order))
            room.environment.update(variables)
            time.sleep(0.02)
            room.sync("env", *words, *python, jobs, umask=mask)
            again = everything(str(room.dir / "env"))
            # The root's own mode follows the umask.
            again["."] = first["."]
            expect(not differences(first, again), f"{name}: {what}: {differences(first, again)[:5]}")


def there_and_back(base: Path) -> None:
    """B and back to A is A; what is installed and uninstalled leaves what was there."""
    for mode in ("copy", "hardlink", "symlink"):
        room = Room(base, "back-" + mode)
        all_wheels = wheels()
        room.fill(all_wheels[:4], "a.txt")
        newer = Wheel("alpha-2.0-py3-none-any.whl").file("alpha/__init__.py", "two\n").file("alpha/data/two/t.txt", "t\n").file("ns/alpha/x.py", "")
        room.fill([newer, *all_wheels[1:3], all_wheels[6]], "b.txt")
        options = ("--link-mode", mode, "--python", sys.executable)
        room.sync("env", *options, lock="a.txt")
        a = everything(str(room.dir / "env"))
        room.sync("env", *options, lock="b.txt")
        b = everything(str(room.dir / "env"))
        room.sync("fresh", *options, lock="b.txt")
        expect(len(differences(a, b)) > 10, f"{mode}: B is another environment")
        room.sync("env", *options, lock="a.txt")
        expect(not differences(a, everything(str(room.dir / "env"))), f"{mode}: A, B, A: {differences(a, everything(str(room.dir / 'env')))[:5]}")
        room.axle("plan", "a.txt", "-f", "wheels", "--no-index", "--venv", "env", "--check", *options)

        for wheel in ("many4-1.0", "many5-1.0"):
            (room.dir / "wheels" / f"{wheel}-py3-none-any.whl").write_bytes(all_wheels[6 if wheel.startswith("many4") else 7].build())
        own = room.site("env") / "ns" / "mine.py"
        own.write_text("mine\n")
        before = everything(str(room.dir / "env"))
        room.axle("install", "many4==1.0", "many5==1.0", "-f", "wheels", "--no-index", "--venv", "env")
        expect(len(differences(before, everything(str(room.dir / "env")))) > 10, f"{mode}: something was installed")
        room.axle("uninstall", "many4", "many5", "--venv", "env")
        expect(not differences(before, everything(str(room.dir / "env"))), f"{mode}: uninstall restores: {differences(before, everything(str(room.dir / 'env')))[:5]}")


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="axle-reproducible-") as folder:
        base = Path(folder).resolve()
        under_other_conditions(base)
        there_and_back(base)
    print(f"{len(FAULTS)} wrong")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())

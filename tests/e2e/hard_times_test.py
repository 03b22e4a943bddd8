#!/usr/bin/env python3
"""Many commands at once, full disks, stores on other file systems, files with all the links they can have.

    hard_times_test.py AXLE     Parts that mount file systems run where that is allowed (root).
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from room import SKIPPED, Room, expect, run_all
from tree import record_faults, snapshot
from wheel_text import Wheel


def wheels(version: str = "1.0", size: int = 0) -> list[Wheel]:
    found = []
    for name in ("alpha", "beta", "gamma"):
        wheel = Wheel(f"{name}-{version}-py3-none-any.whl").file(f"ns/{name}.py", f"{name} = {version!r}\n")
        for part in range(20):
            wheel.file(f"{name}/m{part}.py", f"# {name} {version} {part}\n")
        if size:
            wheel.file(f"{name}/big.bin", os.urandom(size))
        found.append(wheel)
    return found


def at_once(base: Path) -> None:
    """Ten syncs of two locks on one environment and one store, cold: each ends well, and the last one's lock is there."""
    for mode in ("hardlink", "symlink"):
        room = Room(base, "at-once-" + mode)
        room.fill(wheels("1.0"), "one.txt")
        room.fill(wheels("2.0"), "two.txt")
        options = ("-f", "wheels", "--no-index", "--venv", "env", "--link-mode", mode, "--python", sys.executable)
        running = [room.start("sync", ("one.txt", "two.txt")[index % 2], *options) for index in range(10)]
        for process in running:
            said = process.communicate()[0]
            expect(process.returncode == 0, f"{mode}: one of ten: {process.returncode}\n{said}")
        versions = {re.sub(r".*-(\d\.\d)\.dist-info$", r"\1", str(path)) for path in room.site("env").glob("*.dist-info")}
        expect(len(versions) == 1, f"{mode}: the locks are mixed: {versions}")
        expect(record_faults(str(room.dir / "env")) == [], f"{mode}: {record_faults(str(room.dir / 'env'))}")
        room.axle("check", "--venv", "env")
        room.axle("store", "verify")
        left = [path.name for path in (room.dir / "env" / ".axle").iterdir()]
        expect(set(left) <= {"lock", "receipt"}, f"{mode}: left in .axle: {left}")
        expect(os.listdir(room.dir / "store" / "v1" / "tmp") in ([], ["probe"]), f"{mode}: left in the store")


def no_wait(base: Path) -> None:
    """A lock that is held: --no-wait ends with 7, a command without it waits."""
    room = Room(base, "no-wait")
    room.fill(wheels())
    room.sync("env", "--python", sys.executable)
    with open(room.dir / "env" / ".axle" / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = room.axle("uninstall", "alpha", "--venv", "env", "--no-wait", status=7)
        expect("another axle" in said and "hint: " in said, said)
        waiting = room.start("uninstall", "alpha", "--venv", "env")
        time.sleep(0.3)
        expect(waiting.poll() is None, "a command waits for the lock")
        fcntl.flock(lock, fcntl.LOCK_UN)
        said = waiting.communicate(timeout=60)[0]
    expect(waiting.returncode == 0, said)

    # An environment that is being made is another command's as well, also for one that does not wait or is interrupted.
    stage = room.dir / ".fresh.axle-new"
    (stage / ".axle").mkdir(parents=True)
    (stage / "theirs").touch()
    with open(stage / ".axle" / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = room.sync("fresh", "--no-wait", status=7)
        expect("another axle" in said, said)
        waiting = room.start("venv", "fresh")
        time.sleep(0.3)
        waiting.send_signal(signal.SIGINT)
        said = waiting.communicate(timeout=60)[0]
        expect(waiting.returncode == 130, f"{waiting.returncode}: {said}")
        expect((stage / "theirs").exists() and (stage / ".axle" / "lock").exists(), "what another command makes stays")


@contextlib.contextmanager
def mounted(place: Path, size: str):
    """A small tmpfs; None where nothing can be mounted."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)], capture_output=True)
    if done.returncode != 0:
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def full_disks(base: Path) -> None:
    room = Room(base, "full")
    room.fill(wheels("1.0", 100_000), "one.txt")
    room.fill(wheels("2.0", 300_000), "two.txt")
    python = ("--python", sys.executable, "--link-mode", "copy")
    with mounted(base / "small-environment", "1200k") as place:
        if place is None:
            SKIPPED.append("full disks: nothing can be mounted here")
            return
        venv = str(place / "env")
        room.sync(venv, *python, lock="one.txt")
        before = snapshot(venv)
        for words in ((), ("--durable",)):
            said = room.sync(venv, *python, *words, lock="two.txt", status=7)
            expect("No space left" in said and "hint: " in said, said)
            expect(snapshot(venv) == before, "a full disk: the old environment is there")
        said = room.sync(str(place / "other"), *python, lock="two.txt", status=7)
        expect(sorted(os.listdir(place)) == ["env"], f"nothing half made is left: {os.listdir(place)}")
        room.axle("check", "--venv", venv)
    with mounted(base / "small-store", "1000k") as place:
        room.environment["AXLE_STORE"] = str(place / "store")
        room.sync("env", *python, lock="one.txt")
        before = snapshot(str(room.dir / "env"))
        said = room.sync("env", *python, lock="two.txt", status=7)
        expect("No space left" in said, said)
        expect(snapshot(str(room.dir / "env")) == before, "a full store: the old environment is there")
        shutil.rmtree(room.dir / "env")
        room.sync("env", *python, lock="one.txt")
        room.axle("store", "verify")


def across_devices(base: Path) -> None:
    """A store on another file system: explicit modes fall back with one warning, auto says why with -v."""
    room = Room(base, "devices")
    room.fill(wheels())
    with mounted(base / "other-device", "20m") as place:
        if place is None:
            SKIPPED.append("across devices: nothing can be mounted here")
            return
        room.environment["AXLE_STORE"] = str(place / "store")
        for mode in ("hardlink", "clone"):
            said = room.sync("env-" + mode, "--link-mode", mode, "--python", sys.executable)
            expect(said.count("warning: ") == 1 and "files are copied" in said, f"{mode}: {said}")
            room.axle("check", "--venv", "env-" + mode)
        said = room.sync("auto", "--python", sys.executable, "-v")
        expect("warning: " not in said and re.search("note: .*copies", said) is not None, said)
        quiet = room.sync("quiet", "--python", sys.executable)
        expect("note: " not in quiet and "warning: " not in quiet, quiet)
        room.sync("links", "--link-mode", "symlink", "--python", sys.executable)
        room.axle("check", "--venv", "links")
    room.environment["AXLE_STORE"] = str(room.dir / "store")
    said = room.sync("same", "--python", sys.executable, "-v")
    expect(re.search("note: .*hard links", said) is not None, said)


def too_many_links(base: Path) -> None:
    """ext4 gives a file 65,000 links: then it is copied, and that is said once."""
    image = base / "ext4.img"
    place = base / "ext4"
    place.mkdir()
    with open(image, "wb") as file:
        file.truncate(64 << 20)
    made = subprocess.run(["mkfs.ext4", "-q", "-N", "4000", str(image)], capture_output=True) if shutil.which("mkfs.ext4") else None
    if made is None or made.returncode != 0 or subprocess.run(["mount", "-o", "loop", str(image), str(place)], capture_output=True).returncode != 0:
        SKIPPED.append("too many links: no ext4 can be made and mounted here")
        return
    try:
        room = Room(place, "room")
        room.fill(wheels())
        room.sync("first", "--python", sys.executable, "--link-mode", "hardlink")
        stored = next((room.dir / "store").rglob("alpha/m3.py"))
        many = room.dir / "many"
        many.mkdir()
        with contextlib.suppress(OSError):
            for index in range(70_000):
                os.link(stored, many / str(index))
        said = room.sync("second", "--python", sys.executable, "--link-mode", "hardlink")
        expect(said.count("warning: ") == 1 and "links" in said, said)
        copied = room.site("second") / "alpha" / "m3.py"
        expect(os.stat(copied).st_nlink == 1, "the file without room for links is a copy")
        expect(os.stat(room.site("second") / "alpha" / "m4.py").st_nlink > 1, "the others are links")
        room.axle("check", "--venv", "second")
    finally:
        subprocess.run(["umount", str(place)], check=True)


def immutable_files(base: Path) -> None:
    """A file that nobody can remove stops neither the command that meets it nor later ones; when it can be removed it goes."""
    room = Room(base, "immutable")
    room.fill(wheels("1.0"), "one.txt")
    room.fill(wheels("2.0"), "two.txt")
    options = ("--link-mode", "copy", "--python", sys.executable)
    room.sync("env", *options, lock="one.txt")
    one = snapshot(str(room.dir / "env"))
    file = room.site("env") / "alpha" / "m0.py"
    if subprocess.run(["chattr", "+i", str(file)], capture_output=True, check=False).returncode != 0:
        SKIPPED.append("immutable files: chattr +i is not possible here")
        return
    own = room.dir / "env" / ".axle"
    try:
        said = room.sync("env", *options, lock="two.txt")
        expect("warning: .axle/trash/" in said and "m0.py: the change is done" in said, said)
        room.axle("check", "--venv", "env")
        expect("3 kept in" in room.sync("env", *options, lock="two.txt"), "a repeated sync")
        room.sync("env", *options, lock="one.txt")
        expect(snapshot(str(room.dir / "env")) == one, "the way back")
        expect([path.name for path in own.iterdir() if path.name.startswith("trash")] == ["trash-0"], "it is put by")
    finally:
        subprocess.run(["chattr", "-R", "-i", str(room.dir / "env")], capture_output=True, check=False)  # of links it says that it cannot
    room.axle("check", "--venv", "env")
    expect(not [path for path in own.iterdir() if path.name.startswith("trash")], "it goes when it can")


if __name__ == "__main__":
    sys.exit(run_all("hard-times", at_once, no_wait, full_disks, across_devices, too_many_links, immutable_files))

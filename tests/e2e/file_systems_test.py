#!/usr/bin/env python3
"""Other file systems, and environments in which somebody put links or mounts.

    file_systems_test.py AXLE     Parts that mount something run where that is allowed (root); each that does not run says why.
"""

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from room import SKIPPED, Room, expect, run_all
from tree import snapshot
from wheel_text import Wheel

PYTHON = ("--python", sys.executable)


def wheels() -> list[Wheel]:
    return [
        Wheel("alpha-1.0-py3-none-any.whl").file("alpha/__init__.py", "v = 1\n").file("alpha/sub/m.py", "m = 1\n")
        .file("alpha/big.txt", "one line of a file that takes blocks\n" * 5000).file("ns/alpha/m.py", "a\n"),
        Wheel("alpha-2.0-py3-none-any.whl").file("alpha/__init__.py", "v = 2\n").file("alpha/sub/m.py", "m = 2\n").file("ns/alpha/m.py", "a\n"),
        Wheel("beta-1.0-py3-none-any.whl").file("beta.py", "b\n").file("ns/beta.py", "b\n").file("@data/data/include/beta.h", "b\n"),
    ]


def new_room(base: Path, name: str) -> Room:
    room = Room(base, name)
    room.fill([wheels()[0], wheels()[2]])
    room.fill(wheels()[1:], "newer.txt")
    return room


@contextlib.contextmanager
def mounted(what: str, place: Path, *words: str):
    """None, and a word why, where it cannot be."""
    place.mkdir(parents=True, exist_ok=True)
    done = subprocess.run(["mount", *words, str(place)], capture_output=True, text=True)
    if done.returncode != 0:
        SKIPPED.append(f"{what}: {(done.stderr.strip().splitlines() or ['mount fails'])[0]}")
        yield None
        return
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


@contextlib.contextmanager
def file_system(base: Path, name: str, *make: str, mib: int = 400, mount: tuple[str, ...] = ()):
    """A new file system in a file, mounted."""
    if shutil.which(make[0]) is None:
        SKIPPED.append(f"{name}: there is no {make[0]}")
        yield None
        return
    image = base / f"{name}.img"
    with open(image, "wb") as file:
        file.truncate(mib << 20)
    made = subprocess.run([*make, str(image)], capture_output=True, text=True)
    if made.returncode != 0:
        SKIPPED.append(f"{name}: {made.stderr.strip()}")
        yield None
        return
    with mounted(name, base / f"on-{name}", *mount, "-o", "loop", str(image)) as place:
        yield place
    image.unlink()


def shares_blocks(path: Path) -> bool:
    os.sync()
    return "shared" in subprocess.run(["filefrag", "-v", str(path)], capture_output=True, text=True).stdout


def clones(base: Path) -> None:
    for name, *make in (("xfs", "mkfs.xfs", "-q", "-m", "reflink=1"), ("btrfs", "mkfs.btrfs", "-q")):
        with file_system(base, name, *make) as place:
            if place is None:
                continue
            room = new_room(place, "room")
            said = room.sync("clone", "--link-mode", "clone", *PYTHON)
            expect("warning: " not in said and "clone" in said, f"{name}: {said}")
            big = room.site("clone") / "alpha" / "big.txt"
            expect(os.stat(big).st_nlink == 1, f"{name}: a clone is a file of its own")
            expect(shares_blocks(big), f"{name}: a clone shares the blocks of the store's file")
            room.sync("copy", "--link-mode", "copy", *PYTHON)
            expect(snapshot(str(room.dir / "clone" / "lib")).keys() == snapshot(str(room.dir / "copy" / "lib")).keys(), f"{name}: the same tree")
            said = room.sync("auto", "-v", *PYTHON)
            expect(re.search("note: .*hard links", said) is not None, f"{name}: {said}")
            room.sync("clone", "--link-mode", "clone", *PYTHON, lock="newer.txt")
            room.sync("clone", "--link-mode", "clone", *PYTHON)
            room.axle("check", "--venv", "clone")
            if name == "btrfs":
                # Links do not go from one subvolume to another; clones do.
                subprocess.run(["btrfs", "-q", "subvolume", "create", str(place / "other")], check=True)
                said = room.sync(str(place / "other" / "env"), "-v", *PYTHON)
                expect(re.search("note: .*clones: hard links are not possible", said) is not None, said)
                big = next((place / "other" / "env").rglob("big.txt"))
                expect(shares_blocks(big), "btrfs: auto clones between subvolumes")
                said = room.sync(str(place / "other" / "links"), "--link-mode", "hardlink", *PYTHON)
                expect(said.count("warning: ") == 1 and "files are copied" in said, said)


def overlay(base: Path) -> None:
    """An image that is built in steps: directories of a lower layer cannot be renamed."""
    with mounted("overlay", base / "overlay", "-t", "tmpfs", "tmpfs") as place:
        if place is None:
            return
        for name in ("lower", "upper", "work"):
            (place / name).mkdir()
        for mode in ("copy", "symlink"):
            room = new_room(base, f"overlay-{mode}")
            room.sync(str(place / "lower" / mode), "--link-mode", mode, *PYTHON)
        layers = ",".join(f"{name}dir={place / name}" for name in ("lower", "upper", "work"))
        with mounted("overlay", place / "merged", "-t", "overlay", "overlay", "-o", layers) as merged:
            if merged is None:
                return
            for mode in ("copy", "symlink"):
                room = new_room(base, f"overlay-again-{mode}")
                room.environment["AXLE_STORE"] = str(base / f"overlay-{mode}" / "store")
                venv = str(merged / mode)
                room.sync(venv, "--link-mode", mode, *PYTHON, lock="newer.txt")
                room.axle("check", "--venv", venv)
                room.axle("uninstall", "alpha", "--venv", venv)
                room.axle("check", "--venv", venv)
                site = room.site(venv)
                expect(not (site / "alpha").exists() and (site / "ns" / "beta.py").exists(), f"overlay, {mode}: {os.listdir(site)}")
                room.sync(venv, "--link-mode", mode, *PYTHON)
                room.axle("check", "--venv", venv)


def no_links(base: Path) -> None:
    """A file system without links and modes, and names that are compared without case."""
    with file_system(base, "exfat", "mkfs.exfat", mib=64, mount=("-t", "exfat-fuse")) as place:
        if place is None:
            return
        room = new_room(base, "exfat")
        words = ("alpha==1.0", "-f", "wheels", "--no-index", *PYTHON)
        for mode in ("hardlink", "clone", "symlink"):
            said = room.axle("install", *words, "--target", str(place / f"target-{mode}"), "--link-mode", mode)
            expect(said.count("warning: ") == 1 and "files are copied" in said, said)
        for mode in ("symlink", "auto", "copy"):
            without_links(room, str(place / mode), mode)
        # The store there, and links into it.
        room.environment["AXLE_STORE"] = str(place / "store")
        room.sync("linked", "--link-mode", "symlink", *PYTHON)
        room.axle("check", "--venv", "linked")
        expect((room.site("linked") / "alpha").is_symlink(), "links lead to such a store")
        room.axle("store", "verify")
        case_only(room, place)


def without_links(room: Room, venv: str, mode: str) -> None:
    """An environment where no link can be: the interpreter is copied, and all else too."""
    options = ("--link-mode", mode, *PYTHON)
    warnings = 1 if mode == "symlink" else 0
    said = room.sync(venv, *options)
    expect(said.count("warning: ") == warnings and ("files are copied" in said) == bool(warnings), f"{mode}: {said}")
    expect(json.loads(room.sync(venv, *options, "--reinstall", "--json"))["link_mode"] == "copy", f"{mode}: what was done is said")
    expect(not any(path.is_symlink() for path in Path(venv).rglob("*")), "there is no link")
    ran = room.run(venv, "import alpha, sys; print(alpha.v, sys.prefix)")
    expect(ran.stdout == f"1 {venv}\n", f"{mode}: {ran}")
    said = room.sync(venv, *options, lock="newer.txt")
    expect(said.count("warning: ") == warnings and "1 installed, 1 removed, 1 " in said, f"{mode}: only alpha changes: {said}")
    expect("nothing to do" in room.sync(venv, *options, lock="newer.txt"), "a repeated sync has nothing to do")
    plan = ("plan", "newer.txt", "-f", "wheels", "--no-index", "--venv", venv, *options, "--check")
    expect(room.axle(*plan).count("warning: ") == warnings, "a plan foresees copies, and finds nothing to do")
    room.axle("uninstall", "alpha", "--venv", venv)
    room.axle(*plan, status=1)
    room.axle("check", "--venv", venv)
    room.axle("venv", "--clear", venv, *PYTHON)
    expect(os.listdir(os.path.dirname(venv)).count(f".{mode}.axle-old") == 0, "the old one is gone")
    room.sync(venv, *options)


def case_only(room: Room, place: Path) -> None:
    room.fill([Wheel("upper-1.0-py3-none-any.whl").file("Shared/one.py", "1\n"), Wheel("lower-1.0-py3-none-any.whl").file("shared/two.py", "2\n")], "case.txt")
    words = ("sync", "case.txt", "-f", "wheels", "--no-index", *PYTHON)
    said = room.axle(*words, "--target", str(place / "case"), status=5)
    expect("differs only in case" in said, said)
    mine = place / "mine" / "SHARED"
    mine.mkdir(parents=True)
    (mine / "ONE.PY").write_text("mine\n")
    said = room.axle("install", "upper==1.0", "-f", "wheels", "--no-index", *PYTHON, "--target", str(place / "mine"), status=5)
    expect((mine / "ONE.PY").read_text() == "mine\n", "somebody's file is left alone")


def folded_names(base: Path) -> None:
    with file_system(base, "ext4-casefold", "mkfs.ext4", "-q", "-O", "casefold", "-E", "encoding=utf8", mib=64) as place:
        if place is None:
            return
        folded = place / "folded"
        folded.mkdir()
        subprocess.run(["chattr", "+F", str(folded)], check=True)
        room = new_room(place, "room")
        case_only(room, folded)
        room.axle("sync", "case.txt", "-f", "wheels", "--no-index", *PYTHON, "--target", str(place / "exact"))


def links_that_lead_out(base: Path) -> None:
    """Nothing is written or removed behind a link that somebody put into an environment."""
    for mode in ("copy", "symlink"):
        room = new_room(base, f"planted-{mode}")
        options = ("--link-mode", mode, *PYTHON)
        victim = room.dir / "victim"
        for name in ("alpha", "sub", "deep"):
            (victim / name).mkdir(parents=True)
        (victim / "precious").write_text("precious\n")
        (victim / "beta.py").write_text("b\n")
        (victim / "alpha" / "m.py").write_text("a\n")
        before = snapshot(str(victim))

        def unharmed(what):
            expect(snapshot(str(victim)) == before, f"{mode}: {what}: {snapshot(str(victim))}")

        # Where a directory shall go, in place of one that is shared, and for the removal of what was in it.
        room.axle("venv", "one", *PYTHON)
        (room.site("one") / "alpha").symlink_to(victim)
        room.sync("one", *options, status=5)
        unharmed("a link instead of a package")
        (room.site("one") / "alpha").unlink()
        (room.site("one") / "ns").symlink_to(victim)
        room.sync("one", *options, status=5)
        unharmed("a link instead of a namespace")
        (room.site("one") / "ns").unlink()
        room.sync("one", *options)
        shutil.rmtree(room.site("one") / "ns")
        (room.site("one") / "ns").symlink_to(victim)
        for words in ((), ("--force",)):
            room.axle("uninstall", "alpha", "beta", "--venv", "one", *words, status=5)
            unharmed("removal behind a link")
        room.sync("one", *options, lock="newer.txt", status=0 if mode == "copy" else 5)  # copies of equal bytes stay
        unharmed("an upgrade behind a link")
        (room.site("one") / "ns").unlink()
        room.sync("one", *options, "--repair")

        # axle's own names.
        own = room.dir / "one" / ".axle"
        (own / "trash").symlink_to(victim)
        room.sync("one", *options, lock="newer.txt")
        unharmed("a link instead of the trash")
        shutil.copytree(own, room.dir / "kept-axle")
        shutil.rmtree(own)
        own.symlink_to(victim)
        room.sync("one", *options, status=7)
        unharmed("a link instead of .axle")
        own.unlink()
        os.rename(room.dir / "kept-axle", own)
        (own / "lock").unlink(missing_ok=True)
        (own / "lock").symlink_to(victim / "new")
        room.sync("one", *options, status=7)
        unharmed("a link instead of the lock")
        stage = room.dir / ".two.axle-new"
        stage.symlink_to(victim)
        room.sync("two", *options, status=7)
        unharmed("a link instead of the staging directory")
        stage.unlink()

        # Links that stay inside are somebody's right: "lib64", for one.
        room.axle("venv", "three", *PYTHON)
        os.rename(room.dir / "three" / "lib", room.dir / "three" / "real-lib")
        (room.dir / "three" / "lib").symlink_to("real-lib")
        room.sync("three", *options)
        room.axle("uninstall", "alpha", "beta", "--venv", "three")


def empty_places(base: Path) -> None:
    """An empty directory that cannot be replaced becomes an environment in place; and what was there before stays there."""
    room = new_room(base, "empty")
    (room.dir / "real").mkdir()
    (room.dir / "link").symlink_to("real")
    room.sync("link", *PYTHON)
    room.axle("check", "--venv", "link")
    expect((room.dir / "link").is_symlink(), "the link stays a link")
    with mounted("an empty mount point", room.dir / "mount", "-t", "tmpfs", "tmpfs") as place:
        if place is not None:
            room.sync("mount", *PYTHON)
            room.axle("check", "--venv", "mount")
    for mode in ("copy", "symlink"):
        venv = f"before-{mode}"
        room.axle("venv", venv, *PYTHON)
        mine = room.site(venv) / "ns" / "mine.py"
        mine.parent.mkdir()
        mine.write_text("mine\n")
        before = snapshot(str(room.dir / venv))
        room.sync(venv, "--link-mode", mode, *PYTHON)
        room.axle("check", "--venv", venv)
        room.axle("uninstall", "alpha", "beta", "--venv", venv)
        expect(snapshot(str(room.dir / venv)) == before, f"{mode}: what was there before is there: {snapshot(str(room.dir / venv)).keys() ^ before.keys()}")


if __name__ == "__main__":
    sys.exit(run_all("file-systems", links_that_lead_out, empty_places, overlay, clones, no_links, folded_names))

#!/usr/bin/env python3
"""Layers from what the store keeps of earlier ones: the same bytes, nothing read that did not change, no trust in damage.

    layer_again_test.py AXLE
"""

import hashlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from hard_times_test import mounted
from room import AXLE, SKIPPED, Room, expect, run_all
from wheel_text import Wheel

TARGET = ["--platform", "manylinux_2_28_x86_64", "--startup-hooks", "allow", "--offline"]
KINDS = ["l.tar.gz", "l.tar.zst"]


def wheels(version_of_second: str = "1.0") -> list[Wheel]:
    """Some of a size for chunks of their own, one with a file in pieces, one with a script, one that has another's file."""
    made = []
    for number in range(6):
        noise = random.Random(number).randbytes(150_000).hex()
        version = version_of_second if number == 1 else "1.0"
        wheel = (Wheel(f"part{number}-{version}-py3-none-any.whl")
                 .file(f"part{number}/__init__.py", f"version = {version!r}\n")
                 .file(f"part{number}/text.txt", noise + version).file(f"part{number}/empty.py")
                 .file(f"part{number}/shared.txt", "the same everywhere\n" * 300))
        if number == 3:
            wheel.file("part3/large.bin", random.Random(33).randbytes(3_000_000) + bytes(7_000_000))
        if number == 4:
            wheel.file("@data/scripts/part4-script", "#!python\nprint(4)\n", mode=0o755)
            wheel.file("@info/entry_points.txt", "[console_scripts]\npart4 = part4:main\n")
        made.append(wheel)
    return made


class Layers(Room):
    def __init__(self, base: Path, name: str):
        super().__init__(base, name)
        self.lock(wheels())

    def lock(self, made: list[Wheel], name: str = "requirements.txt") -> None:
        self.fill(made, name)
        lines = (self.dir / name).read_text().split("\n")
        pinned = [f"{line} --hash=sha256:{hashlib.sha256((self.dir / 'wheels' / wheel.file_name).read_bytes()).hexdigest()}"
                  for line, wheel in zip(lines, made)]
        (self.dir / name).write_text("\n".join(pinned) + "\n")

    def words(self, output: str, *more: str, lock: str = "requirements.txt", python: str = "3.12") -> list[str]:
        return ["layer", lock, "-f", "wheels", "--python-version", python, *TARGET, "-o", output, *more]

    def layer(self, output: str, *more: str, lock: str = "requirements.txt", **how) -> bytes:
        self.axle(*self.words(output, *more, lock=lock), **how)
        return (self.dir / output).read_bytes()

    def facts(self, output: str, *more: str, **how: str) -> dict:
        said = json.loads(self.axle(*self.words(output, "--json", *more, **how)))
        return {key: said[key] for key in ("digest", "diff_id", "size", "tar_size")}

    def chunks(self) -> set[str]:
        folder = self.dir / "store/v1/layers/chunks"
        return set(os.listdir(folder)) if folder.exists() else set()

    def hide_archives(self) -> None:
        """What reads one of them from now on fails."""
        for path in (self.dir / "wheels").glob("*.whl"):
            path.write_bytes(b"no wheel")


def same_bytes(base: Path) -> None:
    """Made anew or from chunks, by any number of threads, with and without digests, the layer is the same."""
    room = Layers(base, "same")
    for name in KINDS:
        fresh = room.layer(name, "--no-store")
        known = room.facts(name, "--no-store")
        shutil.rmtree(room.dir / "store", ignore_errors=True)
        for words in (["-q"], ["-j", "1"], ["-j", "7"], ["-q"]):
            expect(room.layer(name, *words) == fresh, f"{name} {words}: other bytes")
        for _ in range(2):  # the first decompresses chunks for the diff-id, the second remembers it
            expect(room.facts(name) == known, f"{name}: other digests")
        for path in (room.dir / "store/v1/layers/records").iterdir():
            path.unlink()
        expect(room.facts(name) == known, f"{name}: other digests without the record")
        shutil.rmtree(room.dir / "store")
        expect(room.facts(name) == known and room.facts(name) == known, f"{name}: other digests at first")
    expect(not (room.dir / "store/v1/tmp").exists() or os.listdir(room.dir / "store/v1/tmp") == [], "something is left in tmp")


def nothing_is_read_again(base: Path) -> None:
    """The second layer opens no archive, except for a script whose first line is written anew."""
    room = Layers(base, "unread")
    room.lock([wheel for wheel in wheels() if not wheel.file_name.startswith("part4")])
    first = room.layer("l.tar.zst")
    room.hide_archives()
    expect(room.layer("l.tar.zst") == first, "other bytes from chunks alone")
    said = room.axle(*room.words("l.tar.gz"), status=4)
    expect("is not the file" in said or "sha256" in said, said)


def one_package_changes(base: Path) -> None:
    """Only its chunks are made; of the others no archive is read."""
    room = Layers(base, "changed")
    changed = wheels("2.0")
    room.lock(changed, "changed.txt")
    for name in KINDS:
        shutil.rmtree(room.dir / "store", ignore_errors=True)
        fresh, known = room.layer(name, lock="changed.txt", *["--no-store"]), room.facts(name, "--no-store", lock="changed.txt")
        room.layer(name, "-q")
        before = room.chunks()
        kept = {path.name: path.read_bytes() for path in (room.dir / "wheels").iterdir()}
        for path in (room.dir / "wheels").iterdir():
            # part0, 1 and 2 may share a chunk with it, part4 has a script.
            if path.name[:5] in ("part3", "part5") and name.endswith(".zst"):
                path.write_bytes(b"no wheel")
        expect(room.layer(name, lock="changed.txt") == fresh, f"{name}: a change gives other bytes than a new store")
        new = room.chunks() - before
        expect(0 < len(new) <= 3, f"{name}: {len(new)} new chunks beside {len(before)}")
        for path, data in kept.items():
            (room.dir / "wheels" / path).write_bytes(data)
        shutil.rmtree(room.dir / "store/v1/layers/records")
        expect(room.facts(name, lock="changed.txt") == known, f"{name}: other digests after a change")


def not_pinned(base: Path) -> None:
    """Without hashes each archive is hashed every time, so that one that was built anew is seen."""
    room = Layers(base, "unpinned")
    lock = room.dir / "unpinned.txt"
    lock.write_text("".join("==".join(wheel.file_name.split("-")[:2]) + "\n" for wheel in wheels()))
    for name in KINDS:
        for content in ("first", "second", "first"):
            made = wheels()[2]
            made.members[0].content = content.encode()
            (room.dir / "wheels" / made.file_name).write_bytes(made.build())
            fresh = room.layer(name, "--no-store", lock="unpinned.txt")
            for _ in range(2):
                expect(room.layer(name, lock="unpinned.txt") == fresh, f"{name}: not what {content} has")


def known_wheels(base: Path) -> None:
    """Wheels that the store has unpacked: their archives are opened for a first layer, and hashed."""
    room = Layers(base, "known")
    for name in KINDS:
        shutil.rmtree(room.dir / "store", ignore_errors=True)
        fresh = room.layer(name, "--no-store")
        room.axle("fetch", "requirements.txt", "-f", "wheels", "--python-version", "3.12", *TARGET)
        path = room.dir / "wheels/part5-1.0-py3-none-any.whl"
        data = path.read_bytes()
        place = data.index(b"part5/text.txt") + 5000
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
        said = room.axle(*room.words(name), status=4)
        expect("part5" in said, said)
        path.write_bytes(data)
        for _ in range(2):
            expect(room.layer(name) == fresh, f"{name}: other bytes where the store knows the wheels")


def other_options(base: Path) -> None:
    """What the bytes depend on is in the keys."""
    room = Layers(base, "options")
    ways = [([], {}, "3.12"), (["--owner", "1:2"], {}, "3.12"), ([], {"SOURCE_DATE_EPOCH": "1700000000"}, "3.12"),
            (["--venv", "/srv/app"], {}, "3.12"), (["--recompress"], {}, "3.12"), ([], {}, "3.13"),
            (["--target-python", "/usr/bin/python3.12"], {}, "3.12")]
    for name in KINDS:
        def facts(way, *more, name=name) -> dict:
            words, variables, python = way
            room.environment.update(variables)
            got = room.facts(name, *words, *more, python=python)
            for variable in variables:
                del room.environment[variable]
            return got

        wanted = [facts(way, "--no-store") for way in ways]
        expect(len({one["digest"] for one in wanted}) == len(ways), f"{name}: two options, one layer")
        for _ in range(2):
            for way, one in zip(ways, wanted):
                expect(facts(way) == one, f"{name} {way}: other bytes from chunks")


def damage(base: Path) -> None:
    """A chunk, a record or facts that are not what they were are never used, and made anew."""
    room = Layers(base, "damage")
    for name in KINDS:
        shutil.rmtree(room.dir / "store", ignore_errors=True)
        good, known = room.layer(name), room.facts(name)
        files = sorted(path for path in (room.dir / "store/v1/layers").rglob("*") if path.is_file())
        originals = {path: path.read_bytes() for path in files}
        expect({path.parent.name for path in files} == {"chunks", "facts", "records"}, f"files: {files}")

        def flipped(data: bytes) -> bytes:
            place = len(data) // 3
            return data[:place] + bytes([data[place] ^ 1]) + data[place + 1:]

        def check(what: str) -> None:
            expect(room.layer(name, "-q") == good, f"{name}, {what}: other bytes")
            expect(room.facts(name) == known, f"{name}, {what}: other digests")
            now = {path: path.read_bytes() for path in originals if path.exists()}
            expect(now == originals, f"{name}, {what}: what was damaged was not made anew")

        for what, change in [("a bit", flipped), ("the end is gone", lambda data: data[:-7]), ("empty", lambda data: b""),
                             ("longer", lambda data: data + b"x"), ("the front is gone", lambda data: data[1:])]:
            chosen = files[::2] if what == "a bit" else files[:: max(1, len(files) // 4)]
            for path in chosen:
                path.write_bytes(change(originals[path]))
                check(f"{path.parent.name}: {what}")
            for path in files:  # all at once
                path.write_bytes(change(originals[path]))
            check(f"all: {what}")
        chunks = [path for path in files if path.parent.name == "chunks"]
        chunks[0].write_bytes(originals[chunks[1]])  # a whole one under another name
        check("another's bytes")
        chunks[0].unlink()
        chunks[0].symlink_to(chunks[1])
        expect(room.layer(name) == good, "a link instead of a chunk")
        expect(not chunks[0].is_symlink(), "the link is still there")
        for path in chunks[::2]:
            path.unlink()
        check("half of the chunks are gone")


def wrong_records(base: Path) -> None:
    """What RECORD gets wrong is found each time, also where chunks are there or a file is only a hard link."""
    room = Layers(base, "wrong")
    honest = Wheel("honest-1.0-py3-none-any.whl").file("honest.txt", "shared\n" * 9)
    lying = Wheel("lying-1.0-py3-none-any.whl").file("lying.py", "x = 1\n").file("lying.txt", "shared\n" * 9, wrong_digest=True)
    # Promises another file's digest, so that it becomes a hard link to that, which reads it no more.
    linked = Wheel("linked-1.0-py3-none-any.whl").file("a.txt", "a" * 60).file("b.txt", "b" * 60)
    record = (b"".join(linked._row(member).encode() for member in linked.members)
              .replace(linked._row(linked.members[1]).encode(), linked._row(linked.members[0]).replace("a.txt", "b.txt").encode()))
    linked.without.add("RECORD")
    for name in ("METADATA", "WHEEL"):
        linked.without.add(name)
        text = "Metadata-Version: 2.1\nName: linked\nVersion: 1.0\n" if name == "METADATA" else (
            "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        linked.file(f"@info/{name}", text)
        record += linked._row(linked.members[-1]).encode()
    linked.file("@info/RECORD", record + b"linked-1.0.dist-info/RECORD,,\n")
    for made in (honest, lying, linked):
        name = made.file_name.split("-")[0]
        (room.dir / "wheels" / made.file_name).write_bytes(made.build())
        (room.dir / f"{name}.txt").write_text(f"{name}==1.0\n")
    for name in KINDS:
        for liar in (lying, linked):
            who = liar.file_name.split("-")[0]
            shutil.rmtree(room.dir / "store", ignore_errors=True)
            room.layer(name, lock="honest.txt")
            for _ in range(2):
                room.axle(*room.words(name, lock=f"{who}.txt"), status=4)
            room.lock([liar], "pinned.txt")
            fresh = room.layer(name, "--no-store", lock="pinned.txt")
            for _ in range(2):
                expect("RECORD is wrong" in room.axle(*room.words(name, lock="pinned.txt")), f"{who}: no warning about RECORD")
                expect((room.dir / name).read_bytes() == fresh, f"{who}: a wrong RECORD gives other bytes the second time")
                room.axle(*room.words(name, "--verify", "strict", lock="pinned.txt"), status=4)


def kills(base: Path) -> None:
    """At any time: the next layer is right, and nothing is left in the store's tmp."""
    room = Layers(base, "kills")
    good = room.layer("l.tar.zst", "--no-store")
    began = time.monotonic()
    room.layer("l.tar.zst")
    took = time.monotonic() - began
    for part in range(12):
        shutil.rmtree(room.dir / "store")
        running = room.start(*room.words("l.tar.zst", "-q"))
        time.sleep(took * (part + 0.5) / 12)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        if part % 2:
            room.axle("store", "verify")
        expect(room.layer("l.tar.zst") == good, f"after a kill ({part})")
        left = os.listdir(room.dir / "store/v1/tmp")
        expect(left == [], f"after a kill ({part}): {left}")
        expect(room.layer("l.tar.zst") == good, f"after a kill, again ({part})")


def at_once(base: Path) -> None:
    room = Layers(base, "at-once")
    good = {name: room.layer(name, "--no-store") for name in KINDS}
    for _ in range(3):
        shutil.rmtree(room.dir / "store", ignore_errors=True)
        running = [room.start(*room.words(f"{number}-{name}")) for number in range(3) for name in KINDS]
        for one in running:
            said = one.communicate()[0]
            expect(one.returncode == 0, said)
        for number in range(3):
            for name in KINDS:
                expect((room.dir / f"{number}-{name}").read_bytes() == good[name], f"{number}-{name} at once")
    room.axle("store", "verify")


def no_room(base: Path) -> None:
    """A full or a read-only store costs a warning at most."""
    room = Layers(base, "no-room")
    good = room.layer("l.tar.zst", "--no-store")
    for size, read_only in (("700k", False), ("40m", True)):
        with mounted(base / f"store-{size}", size) as place:
            if place is None:
                SKIPPED.append("full and read-only stores: nothing can be mounted here")
                return
            room.environment["AXLE_STORE"] = str(place / "store")
            if read_only:
                room.layer("l.tar.gz")
                subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
            said = room.axle(*room.words("l.tar.zst"))
            expect(("No space left" in said and "warning" in said) != read_only, f"{size}: {said}")
            expect((room.dir / "l.tar.zst").read_bytes() == good, f"{size}: other bytes")
            expect(room.layer("l.tar.zst") == good, f"{size}: other bytes again")
            if read_only:
                expect("warning" not in said, said)
                continue
            expect(os.listdir(place / "store/v1/tmp") == [], "something is left in tmp")
            room.axle("store", "verify")


def looking_after(base: Path) -> None:
    """store size, verify and gc know what layers keep."""
    room = Layers(base, "store")
    room.layer("l.tar.zst")
    size = json.loads(room.axle("store", "size", "--json"))
    folder = room.dir / "store/v1/layers"
    total = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    expect(size["layers"] == {"chunks": len(room.chunks()), "bytes": total} and size["bytes"] == total, f"size: {size}")
    expect(f"{total} are" in room.axle("store", "size"), "size as text")
    expect("0 problems" in room.axle("store", "verify"), "verify")
    for kind in ("chunks", "facts", "records"):
        path = sorted((folder / kind).iterdir())[0]
        path.write_bytes(path.read_bytes()[:-1])
    expect("3 problems" in room.axle("store", "verify", status=1), "verify finds three")
    room.axle("store", "verify", "--repair")
    expect("0 problems" in room.axle("store", "verify"), "verify after repair")
    room.layer("l.tar.zst")
    everything = len([path for path in folder.rglob("*") if path.is_file()])

    def files() -> int:
        return len([path for path in folder.rglob("*") if path.is_file()])

    room.axle("store", "gc", "--older-than", "1d")
    expect(files() == everything, "gc of what was just used")
    room.axle("store", "gc", "--keep-used-by", "requirements.txt")
    expect(files() == everything, "gc of what a lock uses")
    room.lock(wheels("2.0"), "changed.txt")
    room.layer("l.tar.zst", lock="changed.txt")
    with_changed = files()
    room.axle("store", "gc", "--keep-used-by", "requirements.txt", "--dry-run")
    expect(files() == with_changed, "a dry run")
    room.axle("store", "gc", "--keep-used-by", "requirements.txt")
    expect(files() == everything, f"gc leaves {files()} of {with_changed}, not {everything}")
    for path in folder.rglob("*"):
        os.utime(path, (0, 0))
    room.layer("l.tar.zst")  # uses them
    expect(json.loads(room.axle("store", "gc", "--older-than", "1d", "--json"))["removed_chunks"] == 0, "used just now")
    removed = json.loads(room.axle("store", "gc", "--json"))
    expect(removed["removed_chunks"] > 0 and files() == 0, f"gc of everything: {removed}")


if __name__ == "__main__":
    assert os.path.exists(AXLE)
    sys.exit(run_all("layer-again", same_bytes, nothing_is_read_again, one_package_changes, not_pinned, known_wheels,
                     other_options, damage, wrong_records, kills, at_once, no_room, looking_after))

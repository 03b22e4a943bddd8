#!/usr/bin/env python3
"""Environments of links that come from a plan that the store remembers: they are what the full way makes.

    remembered_test.py AXLE

What is promised of damage: a plan in which any byte has changed by accident is found by its check sums, and the full way
is taken. Who makes a change that keeps the CRC-32 of the texts of RECORDs is found by `axle store verify` alone.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

from remembered_room import FULL, LINKED, PYTHON, Remembering, made, runs, timeless, wheels
from reproducible_test import differences, everything
from room import expect, run_all
from wheel_text import Wheel


def same_tree(base: Path) -> None:
    room = made(base, "same")
    room.again("first")
    runs(room, "first")
    # In an environment that is there, which is another request.
    room.axle("venv", "there", *PYTHON)
    room.link("there")
    expect(len(room.plans()) == 2, "one plan for those that are made, one for those that are there")
    there = lambda: room.axle("venv", "there", *PYTHON)
    room.again("there", there)
    room.again("there-too", lambda: room.axle("venv", "there-too", "--prompt", "other", *PYTHON))
    runs(room, "there-too")


def other_places(base: Path) -> None:
    room = made(base, "places")
    for venv in ("x", "a much longer name".replace(" ", "-") * 2, "deep/below/env"):
        room.again(venv)
        runs(room, venv)
    # Where first lines of scripts cannot name the interpreter they are of another form: the full way is taken.
    for venv in ("with blanks", "long" * 45, "\xe4"):
        full_said = room.link(venv)
        full = room.outcome(venv)
        shutil.rmtree(room.dir / venv)
        room.link(venv)
        expect(not differences(full, room.outcome(venv)) and full_said, f"{venv}: comes out the same")
        room.axle("check", "--venv", venv)
        runs(room, venv)
    # Nor does what is remembered now, if anything, lead another one astray.
    room.again("x")
    room.again("first", umask=0o077)
    room.again("first", umask=0o002)
    # A plan that was made under a place that is part of another's.
    room.forget()
    room.link("e")
    room.again("e2")
    room.again("nested/e")


def other_requests(base: Path) -> None:
    """Options that have a say, in one room: each has its own plan."""
    room = made(base, "options")
    requests = [("--compile",), ("--prune", "share/**"), ("--exclude", "beta"), ("--only", "alpha", "--only", "gamma"), ("--allow-hook", "gamma"),
                ("--durable",), ("--verify", "strict"), ("-j1", "--require-hashes"), ("--python-version", "3.9", "--platform", "manylinux_2_28_x86_64", "--link-mode", "symlink")]
    for words in requests:
        room.link("other", *words)
        shutil.rmtree(room.dir / "other")
        room.again("new", words=words)
        room.link("new", *words)
        shutil.rmtree(room.dir / "new")
    room.environment["SOURCE_DATE_EPOCH"] = "1700000000"
    room.link("other")
    shutil.rmtree(room.dir / "other")
    room.again("new")
    expect({path.lstat().st_mtime for path in room.site("new").glob("*.dist-info/INSTALLER")} == {1700000000}, "SOURCE_DATE_EPOCH")
    del room.environment["SOURCE_DATE_EPOCH"]
    shutil.rmtree(room.dir / "new")
    room.again("new", lambda: (room.dir / "new").mkdir())
    # What a lock includes, and wheels that it names by their place.
    beta = wheels()[1]
    digest = hashlib.sha256(beta.build()).hexdigest()
    (room.dir / "more.txt").write_text(f"beta @ file://{room.dir}/wheels/{beta.file_name} --hash=sha256:{digest}\n")
    lines = (room.dir / "lock.txt").read_text().splitlines(keepends=True)
    (room.dir / "with.txt").write_text("-r more.txt\n" + lines[0])
    room.link("other", lock="with.txt")
    shutil.rmtree(room.dir / "other")
    shutil.rmtree(room.dir / "new")
    room.again("new", lock="with.txt")
    expect((room.site("new") / "beta-1.0.dist-info" / "direct_url.json").exists(), "direct_url.json")
    shutil.rmtree(room.dir / "new")
    (room.dir / "more.txt").write_text(lines[3])
    room.is_full("new", "what the lock includes has changed", lock="with.txt")
    expect((room.site("new") / "delta.py").exists() and not (room.site("new") / "ns" / "beta.py").exists(), "what the lock includes now")


def not_used(base: Path) -> None:
    room = made(base, "not")
    one = sorted(path.name for path in room.plans())

    def is_full(what: str, *words: str, **how) -> None:
        room.is_full("other", what, *words, **how)
        shutil.rmtree(room.dir / "other", ignore_errors=True)

    room.remembered("other")
    shutil.rmtree(room.dir / "other")
    is_full("--exclude", "--exclude", "delta")
    is_full("--on-conflict", "--on-conflict", "first")
    is_full("--startup-hooks", "--startup-hooks", "allow")
    is_full("--prune", "--prune", "tests")
    is_full("--link-mode hardlink", "--link-mode", "hardlink", *PYTHON)
    is_full("--link-mode copy", "--link-mode", "copy", *PYTHON)
    is_full("--dry-run", "--dry-run")
    is_full("--relocatable", "--relocatable")
    is_full("another Python", "--python-version", "3.12", "--platform", "manylinux_2_28_x86_64", "--link-mode", "symlink")
    kept = {path.name for path in room.plans()}
    expect(kept >= set(one), "what was remembered stays")
    # A script that gives its interpreter options is not among what is remembered.
    args = Wheel("args-1.0-py3-none-any.whl").file("@data/scripts/with-args", "#!python -s\nimport sys\nprint(sys.flags.no_user_site)\n", mode=0o755)
    room.fill([args], "args.txt")
    for _ in range(2):
        room.link("other", lock="args.txt")
        done = subprocess.run([room.dir / "other" / "bin" / "with-args"], capture_output=True, text=True, check=False)
        expect(done.stdout == "1\n", f"with-args: {done.stdout}{done.stderr}")
        shutil.rmtree(room.dir / "other")
    # An environment that has something.
    room.axle("install", "delta==1.0", "-f", "wheels", "--no-index", "--venv", "other", *LINKED)
    is_full("a wheel is there")
    # Without hashes the wheels may be others.
    (room.dir / "plain.txt").write_text("alpha==1.0\nbeta==1.0\n")
    for _ in range(2):
        is_full("a lock without hashes", lock="plain.txt")
    # The lock says something else, or the same again.
    text = (room.dir / "lock.txt").read_text()
    (room.dir / "lock.txt").write_text(text + "# more\n")
    is_full("the lock has changed")
    room.remembered("other")
    shutil.rmtree(room.dir / "other")
    (room.dir / "lock.txt").write_text("".join(text.splitlines(keepends=True)[:2]))
    is_full("the lock has less")
    room.link("other")
    expect(not (room.site("other") / "delta.py").exists(), "and nothing of what it had")
    shutil.rmtree(room.dir / "other")
    (room.dir / "lock.txt").unlink()
    room.link("other", status=7)
    expect(not (room.dir / "other").exists(), "no lock, no environment")
    (room.dir / "lock.txt").write_text(text)
    # --no-store makes its own of everything.
    said = room.link("other", "--no-store", "--link-mode", "copy", *PYTHON)
    expect(said and not [path for path in room.site("other").iterdir() if path.is_symlink()], "--no-store")


def changed_store(base: Path) -> None:
    """A file of the store that is linked directly, or is one of those that are looked at in a directory."""
    room = made(base, "changed")
    for pattern, kind in (("alpha/__init__.py", "grown"), ("alpha/__init__.py", "gone"), ("alpha_single.py", "grown"), ("delta.py", "gone"),
                          ("gamma/sub/a.txt", "gone"), ("gamma/__init__.py", "touched"), ("beta-program", "grown"), ("alpha-1.0.dist-info/METADATA", "gone")):
        (victim,) = [path for path in room.v1.glob("wheels/*/tree/**/*") if str(path).endswith("/" + pattern)]
        whole, times = victim.read_bytes(), victim.stat()

        def harm() -> None:
            if kind == "gone":
                victim.unlink(missing_ok=True)
            elif kind == "grown":
                os.chmod(victim, 0o755)
                with open(victim, "ab") as file:
                    file.write(b"# more\n")
                os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
            else:
                os.utime(victim)

        plan = room.plans()[0]
        saved = plan.read_bytes()
        outcomes = []
        for way in ("full", "remembered"):
            shutil.rmtree(room.dir / "first")
            harm()
            if way == "full":
                plan.unlink()
            else:
                plan.write_bytes(saved)
            said = room.link("first")
            outcomes.append((timeless(said), room.outcome("first"), victim.exists() and victim.read_bytes() == whole))
        expect(outcomes[0] == outcomes[1], f"{pattern} {kind}: as the full way\n{outcomes[0][0]}\n{outcomes[1][0]}\n{differences(outcomes[0][1], outcomes[1][1])}")
        plan.write_bytes(saved)
        if not victim.exists():  # too deep below what is linked to be looked at
            victim.write_bytes(whole)
            os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns))
        room.axle("check", "--venv", "first")
    # Without the archive there is no way.
    archive = room.dir / "wheels" / wheels()[0].file_name
    archive.unlink()
    (victim,) = room.v1.glob("wheels/*/tree/purelib/alpha/__init__.py")
    victim.unlink()
    room.link("new", status=6)
    expect(not (room.dir / "new").exists(), "nothing is left")


def changed_plan(base: Path) -> None:
    room = made(base, "plan")
    (plan,) = room.plans()
    whole = plan.read_bytes()
    right = room.outcome("first")
    sizes = [int.from_bytes(whole[at : at + 8], "little") for at in (8, 16, 24)]
    expect(len(whole) == 32 + sum(sizes), "the parts fill the file")
    tail = len(whole) - sizes[2]
    dice = random.Random(7)
    mutants = [b"", whole[:5], whole[:31], whole[:32], whole[:tail], whole[:-1], whole + b"more", dice.randbytes(3000), b"AXLEPLAN" + b"\xff" * 24,
               b"AXLEPLAN" + b"\0" * 24]
    for at in range(3):
        for size in (0, sizes[at] - 1, sizes[at] + 1, dice.choice((len(whole), 2**63, 2**64 - 1))):
            mutants.append(whole[: 8 + 8 * at] + size.to_bytes(8, "little") + whole[16 + 8 * at :])
    for _ in range(500 if FULL else 16):
        at = dice.choice((dice.randrange(32), dice.randrange(32, tail)))
        mutants.append(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :])
    for _ in range(40 if FULL else 4):
        mutants.append(whole[: dice.randrange(len(whole))])
    for number, mutant in enumerate(mutants):
        shutil.rmtree(room.dir / "first")
        plan.write_bytes(mutant)
        room.link("first")
        wrong = differences(right, room.outcome("first"))
        expect(not wrong, f"changed plan {number} of {len(whole)} bytes, now {len(mutant)}: {sorted(wrong)[:4]}")
    # The texts at the end: RECORDs.
    for _ in range(100 if FULL else 5):
        at = dice.randrange(tail, len(whole))
        plan.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << dice.randrange(8)]) + whole[at + 1 :])
        expect("has changed" in room.axle("store", "verify", status=1), f"byte {at}: verify finds it")
        shutil.rmtree(room.dir / "first")
        room.link("first")
        wrong = differences(right, room.outcome("first"))
        expect(not wrong, f"byte {at}: {sorted(wrong)[:4]}")
        expect(plan.read_bytes() == whole, "the plan is remembered anew")
    plan.write_bytes(whole)
    plan.unlink()
    plan.mkdir()
    shutil.rmtree(room.dir / "first")
    room.link("first")
    expect(not differences(right, room.outcome("first")), "a directory in a plan's place")
    plan.rmdir()
    plan.symlink_to("/nowhere")
    shutil.rmtree(room.dir / "first")
    room.link("first")
    expect(not differences(right, room.outcome("first")), "a link to nowhere in a plan's place")


OBSTACLES = {
    "a directory of a package": lambda site, bin: ((site / "alpha").mkdir(), (site / "alpha" / "mine.py").write_text("M = 1\n")),
    "an empty directory": lambda site, bin: (site / "gamma" / "sub").mkdir(parents=True),
    "a file where a directory comes": lambda site, bin: (site / "alpha").write_text("mine"),
    "a file where a file comes": lambda site, bin: (site / "delta.py").write_text("mine"),
    "the same file": lambda site, bin: (site / "delta.py").write_text("D = 1\n"),
    "a directory where a file comes": lambda site, bin: (site / "alpha_single.py").mkdir(),
    "a link": lambda site, bin: (site / "gamma").symlink_to("/nowhere"),
    "a script": lambda site, bin: (bin / "alpha").write_text("#!/bin/sh\n"),
    "a dist-info": lambda site, bin: ((site / "delta-1.0.dist-info").mkdir(), (site / "delta-1.0.dist-info" / "METADATA").write_text("Name: delta\n")),
    "another namespace part": lambda site, bin: ((site / "ns" / "mine").mkdir(parents=True), (site / "ns" / "mine" / "m.py").write_text("")),
    "something else": lambda site, bin: (site / "mine.py").write_text("M = 1\n"),
}


def in_the_way(base: Path) -> None:
    """Nothing that axle did not lay gets lost, and nothing of it gets into what is remembered."""
    room = Remembering(base, "obstacles")
    room.fill(wheels())

    def tried() -> tuple:
        running = room.start("sync", "lock.txt", "-f", "wheels", "--no-index", "--venv", "env", *LINKED)
        said = running.communicate()[0]
        tree = everything(str(room.dir / "env"))
        return running.returncode, timeless(said), tree

    def prepare(obstacle) -> None:
        shutil.rmtree(room.dir / "env", ignore_errors=True)
        room.axle("venv", "env", *PYTHON)
        before = set((room.dir / "env").rglob("*"))
        obstacle(room.site("env"), room.dir / "env" / "bin")
        for path in set((room.dir / "env").rglob("*")) - before | {room.dir / "env" / "bin" / "alpha"}:
            if path.is_file():
                os.utime(path, (1, 1))

    prepare(lambda site, bin: None)
    room.link("env")
    clean = room.outcome("env")
    statuses = set()
    for what, obstacle in OBSTACLES.items():
        room.forget()
        prepare(obstacle)
        full = tried()
        statuses.add(full[0])
        # What this has remembered serves one without obstacles.
        prepare(lambda site, bin: None)
        room.link("env")
        wrong = differences(clean, room.outcome("env"))
        expect(not wrong, f"after {what}: {sorted(wrong)[:5]}")
        prepare(obstacle)
        again = tried()
        expect(full[:2] == again[:2], f"{what}: {full[:2]}, then {again[:2]}")
        expect(not differences(full[2], again[2]), f"{what}: {differences(full[2], again[2])[:5]}")
        if again[0] == 0:
            room.axle("check", "--venv", "env")
    expect(0 in statuses and len(statuses) > 1, f"some are in the way, some are not: {statuses}")


def says_the_same(base: Path) -> None:
    room = made(base, "says")
    for words in ((), ("-v",), ("--json",), ("-q",)):
        full, remembered = room.again("first", words=words)
        expect(timeless(full) == timeless(remembered), f"{words}: says the same:\n{full}{remembered}")
        expect(("gamma.pth" in remembered) == (words != ("-q",)) or "-q" in words, f"{words}: the hook is told\n{remembered}")
    expect("nothing to do" in room.link("first"), "what came from a plan is what was asked for")
    room.link("allowed", "--allow-hook", "gamma")
    full, remembered = room.again("first", words=("--allow-hook", "gamma"))
    expect("gamma.pth" not in full + remembered, "an allowed hook is not told")
    room.link("denied", "--startup-hooks", "deny", status=5)
    room.link("denied", "--startup-hooks", "deny", status=5)
    expect(not (room.dir / "denied").exists(), "a denied hook leaves nothing")


def main() -> int:
    return run_all("remembered", same_tree, other_places, other_requests, not_used, changed_store, changed_plan, in_the_way, says_the_same)


if __name__ == "__main__":
    sys.exit(main())

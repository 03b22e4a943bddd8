#!/usr/bin/env python3
"""Environments of links that come from a plan that the store remembers: they are what the full way makes.

    remembered_test.py AXLE

What is promised of damage: a plan in which any byte has changed by accident is found by its check sums, and the full way
is taken. Who makes a change that keeps the CRC-32 of the texts of RECORDs is found by `axle store verify` alone.
"""

import fcntl
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from peer import pip_command
from remembered_room import LINKED, PYTHON, SCRIPTS, Remembering, timeless, wheels
from reproducible_test import differences, everything
from room import AXLE, SKIPPED, expect, run_all
from tree import record_faults
from wheel_text import Wheel

FULL = os.environ.get("AXLE_TEST_FULL") == "1"


def made(base: Path, name: str, **variables: str) -> Remembering:
    room = Remembering(base, name, **variables)
    room.fill(wheels())
    room.link("first")
    expect(len(room.plans()) == 1, f"{name}: a plan is remembered")
    return room


def runs(room: Remembering, venv: str) -> None:
    """Its scripts start, and in their own environment."""
    path = room.dir / venv
    for script, word in SCRIPTS.items():
        done = subprocess.run([path / "bin" / script], capture_output=True, text=True, cwd="/", env={"PATH": "/usr/bin:/bin"}, check=False)
        expect(done.stdout == f"{word} {path}\n", f"{venv}: {script}: {done.stdout}{done.stderr}")
    done = subprocess.run([path / "bin" / "beta-program"], capture_output=True, text=True, check=False)
    expect(done.stdout == "program\n", f"{venv}: beta-program: {done.stderr}")
    done = room.run(venv, "import alpha, alpha_single, ns.alpha.m, ns.beta, gamma, gamma_native, delta; print(1)")
    expect(done.stdout == "1\n", f"{venv}: imports: {done.stderr}")
    expect(record_faults(str(path)) == [], f"{venv}: RECORDs: {record_faults(str(path))[:5]}")


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


def looked_after(base: Path) -> None:
    room = made(base, "after")
    room.fill(wheels()[3:], "delta.txt")
    room.link("delta", lock="delta.txt")
    expect(len(room.plans()) == 2, "two plans")
    own = sorted((room.v1 / "own").iterdir())
    said = room.axle("store", "size", "--json")
    expect(f'"count": {2 + len(own)}' in said or f'"count":{2 + len(own)}' in said, f"size counts {2 + len(own)}:\n{said}")
    room.axle("store", "gc")
    expect(len(room.plans()) == 2 and sorted((room.v1 / "own").iterdir()) == own, "gc leaves what has a use")
    room.remembered("second")

    # Somebody writes into a file that environments share.
    installer = room.site("second") / "delta-1.0.dist-info" / "INSTALLER"
    expect(installer.stat().st_nlink > 2, "INSTALLER is one file in all")
    text, times = installer.read_bytes(), installer.stat()
    installer.write_bytes(b"pip\n!")
    room.axle("check", "--venv", "second", status=1)
    expect("own/" in room.axle("store", "verify", status=1), "verify finds the changed file")
    # The next environment has the right one nevertheless: its size or time is not what it was.
    room.link("third")
    expect((room.site("third") / "delta-1.0.dist-info" / "INSTALLER").read_bytes() == text, "a changed file does not get into others")
    room.axle("check", "--venv", "third")
    room.axle("store", "verify", "--repair")
    room.axle("store", "verify")
    # Of the same size, at the same time.
    room.link("third")
    shutil.rmtree(room.dir / "third")
    room.remembered("third")
    installer = room.site("third") / "delta-1.0.dist-info" / "INSTALLER"
    times = installer.stat()
    installer.write_bytes(text.upper())
    os.utime(installer, ns=(times.st_atime_ns, times.st_mtime_ns))
    expect("own/" in room.axle("store", "verify", status=1), "verify finds the file that looks the same")
    room.axle("store", "verify", "--repair")
    room.axle("store", "verify")
    room.link("fourth")
    expect((room.site("fourth") / "delta-1.0.dist-info" / "INSTALLER").read_bytes() == text, "after --repair it is written anew")
    room.axle("check", "--venv", "fourth")
    for venv in ("second", "third"):
        room.axle("check", "--venv", venv, status=1)

    # A changed plan.
    for plan in room.plans():
        data = plan.read_bytes()
        plan.write_bytes(data[:-10] + bytes([data[-10] ^ 1]) + data[-9:])
    expect(room.axle("store", "verify", status=1).count("plans/") == 2, "verify finds the changed plans")
    room.axle("store", "verify", "--repair")
    expect(room.plans() == [], "--repair removes them")
    room.axle("store", "verify")
    room.link("fifth")
    room.axle("check", "--venv", "fifth")

    # Their wheels go.
    for venv in ("first", "second", "third", "fourth", "fifth", "delta", "allowed"):
        shutil.rmtree(room.dir / venv, ignore_errors=True)
    room.axle("store", "gc", "--dry-run")
    expect(len(room.plans()) == 1, "gc --dry-run removes nothing")
    room.axle("store", "gc")
    expect(room.plans() == [] and list((room.v1 / "own").iterdir()) == [], f"gc removes what has lost its wheels: {room.plans()}")
    expect(not list((room.v1 / "wheels").iterdir()), "and the wheels")
    room.link("first")
    room.axle("check", "--venv", "first")
    # Of some of its wheels: what another environment holds stays.
    room.link("delta", lock="delta.txt")
    shutil.rmtree(room.dir / "first")
    room.axle("store", "gc")
    expect(len(room.plans()) == 1, "the plan whose wheels are there stays")
    room.remembered("delta-two", lock="delta.txt")
    # Many requests: the oldest are forgotten.
    for number in range(80, 0, -1):
        (room.v1 / "plans" / f"{number:064x}").write_bytes(b"AXLEPLAN")
        os.utime(room.v1 / "plans" / f"{number:064x}", (number, number))
    room.link("first")
    expect(len(room.plans()) == 64, f"of many plans the latest stay: {len(room.plans())}")
    shutil.rmtree(room.dir / "first")
    room.remembered("first")


def use_times(base: Path) -> None:
    """A use is noted once a day; that it cannot be is no fault of an environment that is there."""
    room = made(base, "times")

    def age() -> list[Path]:
        paths = [*room.plans(), *room.v1.glob("wheels/*/facts")]
        for path in paths:
            os.utime(path, (1, 1))
        return paths

    paths = age()
    room.link("second")
    expect(all(path.stat().st_mtime > 1e9 for path in paths), "plan and wheels are used")
    victim = age()[-1]
    victim.unlink()
    victim.mkdir()
    expect("4 installed" in room.link("third"), "facts that cannot be read are of no concern")
    room.run("third", "import alpha")


def nothing_but_files(base: Path) -> None:
    """What is no file in the directories of what is remembered."""
    room = made(base, "files")
    for number, folder in enumerate(("plans", "own")):
        (room.v1 / folder / (f"{number}a" * 32)).mkdir()
        (room.v1 / folder / (f"{number}b" * 32)).symlink_to("/nowhere")
        (room.v1 / folder / (f"{number}c" * 32)).symlink_to(room.dir / "lock.txt")
        (room.v1 / folder / "note.txt").write_text("mine")
        os.mkfifo(room.v1 / folder / (f"{number}d" * 32))
    for words in (("size",), ("verify",), ("gc",), ("verify", "--repair"), ("gc", "--dry-run")):
        room.axle("store", *words)
    room.remembered("second")
    expect((room.v1 / "own" / "note.txt").exists() and (room.dir / "lock.txt").exists(), "what is of somebody else stays")


def later_life(base: Path) -> None:
    room = made(base, "life")
    room.fill(wheels("2.0")[:2] + wheels()[2:3], "newer.txt")
    # The directory has more wheels than when the plan was remembered.
    room.is_full("other", "another wheel is there")
    shutil.rmtree(room.dir / "other")
    room.link("other", lock="newer.txt")
    newer = everything(str(room.dir / "other"))
    shutil.rmtree(room.dir / "first")
    room.link("other")
    shutil.rmtree(room.dir / "other")
    room.remembered("first")
    first = room.outcome("first")
    room.link("first", lock="newer.txt")
    room.axle("check", "--venv", "first")
    room.remembered("other", lock="newer.txt")
    expect(not differences(newer, everything(str(room.dir / "other"))), "the other lock's environment")
    expect(set(differences(newer, everything(str(room.dir / "first")))) <= set(scripts_and_records(newer)), "an upgraded one is the other but for its place")
    room.link("first")
    expect(not differences(first, room.outcome("first")), f"there and back: {differences(first, room.outcome('first'))[:5]}")
    room.axle("uninstall", "alpha", "--venv", "first")
    expect(not list(room.site("first").glob("alpha*")) and not (room.dir / "first" / "bin" / "alpha").exists(), "alpha is gone")
    room.axle("check", "--venv", "first")
    room.axle("install", "alpha==2.0", "-f", "wheels", "--no-index", "--venv", "first", *LINKED)
    room.axle("check", "--venv", "first")
    room.link("first")
    expect(not differences(first, room.outcome("first")), f"after uninstall and install: {differences(first, room.outcome('first'))[:5]}")
    (room.site("first") / "delta.py").unlink()
    (room.dir / "first" / "bin" / "alpha").write_text("changed")
    room.axle("check", "--venv", "first", status=1)
    room.link("first", "--repair")
    expect(not differences(first, room.outcome("first")), f"--repair: {differences(first, room.outcome('first'))[:5]}")
    room.axle("uninstall", "alpha", "beta", "gamma", "delta", "--venv", "first")
    expect(list(room.site("first").iterdir()) == [], f"all uninstalled: {list(room.site('first').iterdir())}")
    room.axle("store", "verify")


def scripts_and_records(tree: dict) -> list[str]:
    return [path for path in tree if path.endswith("/RECORD") or path.startswith("bin/") or path == "pyvenv.cfg"]


def pip_at_work(base: Path) -> None:
    room = made(base, "pip")
    room.remembered("second")
    pip = [*pip_command(base), "--disable-pip-version-check", "--no-cache-dir", "--python", str(room.dir / "second" / "bin" / "python")]
    before = everything(str(room.dir / "first")), everything(str(room.v1))
    for words in (["uninstall", "-y", "delta"], ["install", "--no-deps", "--no-index", "--force-reinstall", str(room.dir / "wheels" / wheels()[3].file_name)]):
        done = subprocess.run([*pip, *words], cwd=room.dir, env=room.environment, capture_output=True, text=True, check=False)
        expect(done.returncode == 0, f"pip {words}: {done.stderr}")
        after = everything(str(room.dir / "first")), everything(str(room.v1))
        expect(before == after, f"pip {words}: nothing else changes: {differences(before[0], after[0])[:4]} {differences(before[1], after[1])[:4]}")
    room.axle("store", "verify")
    room.axle("check", "--venv", "first")
    room.link("second")
    room.axle("check", "--venv", "second")


def odd_stores(base: Path) -> None:
    """A store that is elsewhere, is called otherwise, or cannot be written."""
    elsewhere = Path("/dev/shm")
    if elsewhere.is_dir() and elsewhere.stat().st_dev != base.stat().st_dev:
        store = Path(tempfile.mkdtemp(prefix="axle-remembered-", dir=elsewhere))
        try:
            room = Remembering(base, "elsewhere", AXLE_STORE=str(store))
            room.v1 = store / "v1"
            room.fill(wheels())
            room.link("first")
            full, remembered = room.again("first")
            expect(timeless(full) == timeless(remembered), f"another file system: says the same:\n{full}{remembered}")
            expect((room.site("first") / "delta-1.0.dist-info" / "INSTALLER").stat().st_nlink == 1, "another file system: files are written")
            runs(room, "first")
        finally:
            shutil.rmtree(store)
    else:
        SKIPPED.append("a store on another file system: /dev/shm is none")

    # The store's name leads to another store, which is a copy.
    room = made(base, "names")
    os.rename(room.dir / "store", room.dir / "store-1")
    shutil.copytree(room.dir / "store-1", room.dir / "store-2", symlinks=True)
    (room.dir / "store").symlink_to("store-1")
    room.link("second")
    (room.dir / "store").unlink()
    (room.dir / "store").symlink_to("store-2")
    room.again("second")
    runs(room, "second")

    if os.geteuid() != 0 or not shutil.which("setpriv"):
        SKIPPED.append("a store that cannot be written: only root can give it to another user")
        return
    by = ("setpriv", "--reuid=65534", "--regid=65534", "--clear-groups")
    os.chmod(base, 0o755)
    python = next((path for path in (sys.executable, shutil.which("python3", path="/usr/bin") or "/usr/bin/python3")
                   if subprocess.run([*by, "sh", "-c", 'test -x "$0" && exec "$0" -c ""', path], cwd=base, check=False).returncode == 0), None)
    if not python or subprocess.run([*by, AXLE, "--version"], cwd=base, capture_output=True, check=False).returncode != 0:
        SKIPPED.append("a store that cannot be written: another user cannot run Python and axle here")
        return
    room = Remembering(base, "unwritable")
    room.fill(wheels())
    words = ("--link-mode", "symlink", "--python", python)
    room.link("first", *words)
    home = room.dir / "theirs"
    home.mkdir()
    os.chown(home, 65534, 65534)
    def as_another(venv: str) -> tuple:
        command = [*by, AXLE, "sync", "lock.txt", "-f", "wheels", "--no-index", "--venv", f"theirs/{venv}", *words]
        done = subprocess.run(command, cwd=room.dir, env=room.environment, capture_output=True, text=True, check=False)
        path = home / venv
        result = done.returncode, timeless(done.stdout + done.stderr), everything(str(path)) if path.exists() else None
        shutil.rmtree(path, ignore_errors=True)
        return result

    # A store of somebody else: what is linked into it has to be noted there, so that both ways refuse.
    plans = shutil.copytree(room.v1 / "plans", room.dir / "kept")
    with_plan = as_another("env")
    shutil.rmtree(room.v1 / "plans")
    expect(with_plan == as_another("env"), f"a store of somebody else: {with_plan[:2]}")
    # One in which only plans and their files cannot be written: nothing can be remembered, and nothing is missed.
    for path in (room.dir / "store", *(room.dir / "store").rglob("*")):
        os.chown(path, 65534, 65534, follow_symlinks=False)
    shutil.copytree(plans, room.v1 / "plans")
    for path in (room.v1 / "plans", room.v1 / "own"):
        os.chown(path, 0, 0)
    with_plan = as_another("env")
    shutil.rmtree(room.v1 / "plans")
    (room.v1 / "plans").mkdir()
    without = as_another("env")
    expect(with_plan[0] == 0, f"nobody's store: {with_plan[:2]}")
    expect(with_plan == without, f"nobody's store: {with_plan[:2]} {without[:2]}")
    expect(room.plans() == [], "nothing could be remembered")
    # Files of somebody else, which the kernel does not let others link.
    shutil.rmtree(room.v1 / "plans")
    shutil.copytree(plans, room.v1 / "plans")
    for path in (room.v1 / "own").iterdir():
        os.chown(path, 0, 0)
    again = as_another("env")
    expect(again == without, f"files of somebody else: {again[:2]} {differences(again[2] or {}, without[2] or {})[:4]}")


def while_gc_waits(base: Path) -> None:
    """gc waits for who uses the store; what they make meanwhile is made of wheels that are used."""
    room = made(base, "gc")
    room.fill(wheels("2.0")[:1], "plain-alpha.txt")
    (room.dir / "plain.txt").write_text("alpha==2.0\n")
    for venv, lock in (("second", "lock.txt"), ("third", "plain.txt")):
        room.link("before", lock=lock)
        shutil.rmtree(room.dir / "before")
        shutil.rmtree(room.dir / "first", ignore_errors=True)
        with open(room.v1 / "lock", "rb") as using:
            fcntl.flock(using, fcntl.LOCK_SH)
            collecting = room.start("store", "gc")
            time.sleep(0.3)
            expect(collecting.poll() is None, "gc waits")
            room.link(venv, lock=lock)
        collecting.communicate()
        room.axle("check", "--venv", venv)
        expect(room.run(venv, "import alpha").returncode == 0, f"{venv} has its wheels")


def at_once(base: Path) -> None:
    """Syncs at the same time, from a plan, while it is written, and killed at any moment."""
    room = made(base, "at-once")
    names = [f"env{number}" for number in range(6)]
    for round in range(2):
        if round == 1:
            room.forget()  # all of them write it
        running = [room.start("sync", "lock.txt", "-f", "wheels", "--no-index", "--venv", name, *LINKED) for name in (*names, names[0])]
        said = [one.communicate()[0] for one in running]
        expect(all(one.returncode == 0 for one in running), f"round {round}: {said}")
        for name in names:
            room.axle("check", "--venv", name)
            expect(record_faults(str(room.dir / name)) == [], f"round {round}: {name}")
            shutil.rmtree(room.dir / name)
        room.axle("store", "verify")
    room.again("first")
    right = room.outcome("first")
    dice = random.Random(3)
    killed = 0
    for number in range(200 if FULL else 20):
        shutil.rmtree(room.dir / "first")
        running = room.start("sync", "lock.txt", "-f", "wheels", "--no-index", "--venv", "first", *LINKED)
        time.sleep(dice.random() * 0.03)
        running.send_signal(signal.SIGKILL)
        running.communicate()
        killed += running.returncode == -signal.SIGKILL
        if (room.dir / "first").exists():
            expect(not differences(right, room.outcome("first")), f"kill {number}: a whole environment or none")
        room.link("first")
        expect(not differences(right, room.outcome("first")), f"kill {number}: the next sync is whole")
    expect(killed > 3, f"{killed} were killed")
    left = [path.name for path in room.dir.iterdir() if path.name.startswith(".")]
    expect(not left, f"nothing is left beside the environment: {left}")
    room.axle("check", "--venv", "first")
    room.axle("store", "verify")


def main() -> int:
    return run_all("remembered", same_tree, other_places, other_requests, not_used, changed_store, changed_plan, in_the_way, says_the_same,
                   looked_after, use_times, nothing_but_files, later_life, pip_at_work, odd_stores, while_gc_waits, at_once)


if __name__ == "__main__":
    sys.exit(main())

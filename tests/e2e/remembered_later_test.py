#!/usr/bin/env python3
"""What becomes of remembered plans and of environments made from them: gc, verify, upgrades, pip, odd stores, kills.

    remembered_later_test.py AXLE
"""

import fcntl
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
from remembered_room import FULL, LINKED, Remembering, made, runs, timeless, wheels
from reproducible_test import differences, everything
from room import AXLE, SKIPPED, expect, run_all
from tree import record_faults


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
    return run_all("remembered_later", looked_after, use_times, nothing_but_files, later_life, pip_at_work, odd_stores, while_gc_waits, at_once)


if __name__ == "__main__":
    sys.exit(main())

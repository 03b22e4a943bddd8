#!/usr/bin/env python3
"""--compile: byte-code is made once, comes out the same everywhere, and is part of the environment like any file.

    byte_code_test.py AXLE [--all]      --all: with every Python that pyenv has, and many modules
"""

import glob
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from room import FAULTS, Room, expect
from tree import record_faults, snapshot
from wheel_text import Wheel

ALL = "--all" in sys.argv[2:] or os.environ.get("AXLE_TEST_FULL") == "1"
def sample() -> list[Wheel]:
    return [
        Wheel("alpha-1.0-py3-none-any.whl")
        .file("alpha/__init__.py", "NAMES = ('x', 'y')\ndef f(y):\n    return y in {None, 'p', 'q', ..., 3, b'r'}\n")
        .file("alpha/bad.py", "print 'of another Python'\n")
        .file("alpha/odd.py", "# -*- coding: latin-1 -*-\nname = '\xe4'\nclass C:\n    def g(self): return self.h - 7\n".encode("latin-1"))
        .file("alpha/only/bad.py", "def (\n")
        .file("ns/a.py", "A = 1\n")
        .file("single.py", "S = 1\n"),
        Wheel("beta-1.0-py3-none-any.whl")
        .file("ns/b.py", "B = 1\n")
        .file("ns/own/__init__.py", "O = lambda a, *b, c=1, **d: [i for i in b]\n"),
        Wheel("gamma-1.0-py3-none-any.whl").file("gamma.txt", "no modules\n"),
    ]


MODULES = ["alpha", "alpha.odd", "ns.a", "ns.b", "ns.own", "single"]
IMPORTS = "import sys, importlib\nfor name in %r: print(importlib.import_module(name).__spec__.cached)" % (MODULES,)


def store_files(room: Room) -> list[str]:
    found = []
    for folder, dirs, files in os.walk(room.dir / "store"):
        found += [os.path.join(folder, name) for name in dirs + files]
    return sorted(found)


def life(base: Path, mode: str) -> None:
    """From the first sync to the last uninstall, in one link mode."""
    room = Room(base, mode)
    room.fill(sample())
    options = ("--link-mode", mode, "--python", sys.executable)
    first = room.sync("one", *options, "--compile", "-v")
    expect("alpha/bad.py" in first and "alpha/only/bad.py" in first, f"{mode}: modules that do not compile are noted")
    expect(record_faults(str(room.dir / "one")) == [], f"{mode}: RECORDs {record_faults(str(room.dir / 'one'))}")
    rows = (room.site("one") / "alpha-1.0.dist-info" / "RECORD").read_text()
    expect(rows.count("__pycache__/") == 4, f"{mode}: RECORD has the byte-code\n{rows}")

    before = store_files(room)
    done = room.run("one", IMPORTS, "-v")
    expect(done.returncode == 0, done.stderr)
    for path in done.stdout.split():
        expect(f"code object from '{path}'" in done.stderr, f"{mode}: {path} is used")
    room.run("one", "import alpha.bad")
    room.run("one", "import alpha.only.bad")
    # As root nothing but the absence of a directory keeps Python from writing; another module of ours too.
    (room.site("one") / "mine.py").write_text("M = 1\n")
    room.run("one", "import mine, ns.a")
    expect(store_files(room) == before, f"{mode}: imports leave the store alone")
    room.axle("store", "verify")
    room.axle("check", "--venv", "one")

    second = room.sync("two", *options, "--compile", "-v")
    expect("has no byte-code" not in second, f"{mode}: the second environment compiles nothing")
    (room.site("one") / "mine.py").unlink()
    for cache in (room.site("one") / "__pycache__").glob("mine.*"):
        cache.unlink()
    expect(snapshot(str(room.dir / "one" / "lib")) == snapshot(str(room.dir / "two" / "lib")), f"{mode}: both are equal")
    expect("nothing to do" in room.sync("two", *options, "--compile"), f"{mode}: a no-op")

    pyc = next((room.site("two") / "ns").rglob("b.*.pyc"))
    pyc.unlink()
    room.sync("two", *options, "--compile", "--repair")
    expect(snapshot(str(room.dir / "one" / "lib")) == snapshot(str(room.dir / "two" / "lib")), f"{mode}: --repair")

    # Python's own byte-code gives way, and the one of removed modules goes.
    room.sync("two", *options)
    expect(list(room.site("two").rglob("*.pyc")) == [], f"{mode}: without --compile there is none")
    room.run("two", IMPORTS)
    room.sync("two", *options, "--compile")
    expect(snapshot(str(room.dir / "one" / "lib")) == snapshot(str(room.dir / "two" / "lib")), f"{mode}: again compiled")

    room.axle("store", "gc")
    room.axle("check", "--venv", "two")
    expect(room.run("two", IMPORTS).returncode == 0, f"{mode}: after gc")
    room.axle("uninstall", "alpha", "beta", "gamma", "--venv", "two")
    expect(list(room.site("two").iterdir()) == [], f"{mode}: uninstall leaves {list(room.site('two').iterdir())}")


def without_byte_code(base: Path) -> None:
    """Imports through links do not write into the store, not even as root."""
    room = Room(base, "plain")
    room.fill(sample())
    room.sync("one", "--link-mode", "symlink", "--python", sys.executable)
    expect(any(path.is_symlink() for path in room.site("one").iterdir()), "directories are links")
    before = store_files(room)
    expect(room.run("one", IMPORTS).returncode == 0, "imports work")
    expect(store_files(room) == before, "imports leave the store alone")
    room.axle("store", "verify")
    room.axle("check", "--venv", "one")
    # gc knows of trees that have no receipt, too.
    room.axle("install", "alpha==1.0", "-f", "wheels", "--no-index", "--target", "tree", "--link-mode", "symlink",
              "--python", sys.executable)
    room.axle("uninstall", "alpha", "--venv", "one")
    room.axle("store", "gc")
    expect((room.dir / "tree" / "alpha" / "__init__.py").exists(), "gc keeps what a --target links to")


def refusals(base: Path) -> None:
    room = Room(base, "refusals")
    room.fill(sample())
    said = room.sync("one", "--compile", "--python-version", "3.12", "--platform", "manylinux_2_28_x86_64", status=8)
    expect("hint: " in said, said)
    expect(not (room.dir / "one").exists(), "nothing is left")


def library_wheel(python: str, most: int) -> Wheel:
    """Modules of the interpreter's own library."""
    code = "import sysconfig; print(sysconfig.get_paths()['stdlib'])"
    library = subprocess.run([python, "-I", "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    wheel = Wheel("library-1.0-py3-none-any.whl")
    paths = sorted(glob.glob(library + "/*.py") + glob.glob(library + "/[e-j]*/*.py"))
    for path in paths[:: max(1, len(paths) // most)][:most]:
        wheel.file("library/" + os.path.relpath(path, library), Path(path).read_bytes())
    return wheel


SAME_CODE = """
import glob, marshal, sys
count = 0
for pyc in glob.glob(sys.argv[1] + '/**/*.pyc', recursive=True):
    folder, _, name = pyc.partition('__pycache__/')
    source = folder + name.rsplit('.', 2)[0] + '.py'
    name = source[source.index('site-packages/') + 14:]
    raw = open(pyc, 'rb').read()
    assert raw[4:8] == bytes([1, 0, 0, 0]), raw[:16]
    code = compile(open(source, 'rb').read(), name, 'exec', 0, True, 0)
    assert marshal.loads(raw[16:]) == code, pyc
    count += 1
assert count > 5, count
"""


def same_everywhere(base: Path, python: str, most: int) -> None:
    """Two stores, filled under different conditions, hold the same byte-code, and it is the code that Python compiles."""
    wheels = [library_wheel(python, most), *sample()]
    name = Path(python).resolve().name + "-" + Path(python).parents[1].name
    one = Room(base, name + "-1", PYTHONHASHSEED="1", AXLE_JOBS="1")
    two = Room(base, name + "-2", PYTHONHASHSEED="2", AXLE_JOBS="3", TZ="Asia/Tokyo", PYTHONOPTIMIZE="2")
    one.fill(wheels)
    two.fill(wheels[::-1])
    # The order in which one process compiles is another one too: first only some of the wheels.
    for word in ("beta==1.0", "alpha==1.0"):
        two.axle("install", word, "-f", "wheels", "--no-index", "--venv", "part", "--python", python, "--compile")
    for room in (one, two):
        room.sync("env", "--python", python, "--compile", "--link-mode", "copy")
    trees = [snapshot(str(room.site("env"))) for room in (one, two)]
    different = [path for path in trees[0] if trees[0][path] != trees[1].get(path) and not path.endswith("INSTALLER")]
    expect(trees[0].keys() == trees[1].keys() and not different, f"{name}: these differ: {different[:5]}")
    done = subprocess.run([python, "-I", "-S", "-W", "ignore", "-c", SAME_CODE, str(one.site("env"))], capture_output=True, text=True)
    expect(done.returncode == 0, f"{name}: {done.stderr}")


def main() -> int:
    pythons = [sys.executable]
    if ALL:
        pythons += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.[789].*/bin/python3")))
        pythons += sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/3.1?.*/bin/python3")))
    with tempfile.TemporaryDirectory(prefix="axle-byte-code-") as folder:
        base = Path(folder).resolve()
        for mode in ("hardlink", "symlink", "copy"):
            life(base, mode)
        without_byte_code(base)
        refusals(base)
        for python in pythons:
            same_everywhere(base, python, 400 if ALL else 12)
    print(f"{len(FAULTS)} wrong; {len(pythons)} interpreters")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""--relocatable: an environment works at another place, in each link mode; a linked one together with its store.

    relocatable_test.py AXLE
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from room import FAULTS, Room, expect
from wheel_text import Wheel


def wheels() -> list[Wheel]:
    return [
        Wheel("demo-1.0-py3-none-any.whl")
        .file("demo/__init__.py", "import sys\ndef main(): print('demo in', sys.prefix)\n")
        .file("ns/one.py", "ONE = 1\n")
        .file("@data/scripts/demo-tool", "#!python\nimport sys\nprint('tool in', sys.prefix)\n", mode=0o755)
        .file("@info/entry_points.txt", "[console_scripts]\ndemo = demo:main\n"),
        Wheel("other-1.0-py3-none-any.whl").file("ns/two.py", "TWO = 2\n").file("other/__init__.py", "O = 3\n"),
    ]


def output(*words, **variables: str) -> str:
    done = subprocess.run(words, cwd="/", capture_output=True, text=True, env={"PATH": "/usr/bin:/bin", **variables})
    expect(done.returncode == 0, f"{words}: {done.stderr}")
    return done.stdout.strip()


def move(base: Path, mode: str, is_linked: bool) -> None:
    room = Room(base, "there-" + mode)
    room.fill(wheels())
    room.sync("deep/env", "--relocatable", "--link-mode", mode, "--python", sys.executable, "--compile")
    links = [path for path in room.site("deep/env").rglob("*") if path.is_symlink()]
    expect(bool(links) == is_linked, f"{mode}: links: {links}")
    for link in links:
        expect(not os.readlink(link).startswith("/"), f"{mode}: {link} -> {os.readlink(link)}")

    moved = base / ("a place with blanks " + mode) / "further"
    moved.mkdir(parents=True)
    if is_linked:
        os.rename(room.dir, moved / "all")
        room.dir = moved / "all"
        venv = room.dir / "deep" / "env"
    else:
        os.rename(room.dir / "deep" / "env", moved / "env")
        shutil.rmtree(room.dir / "store")
        venv = moved / "env"
    room.environment |= {"HOME": str(room.dir), "AXLE_STORE": str(room.dir / "store")}

    prefix = str(venv)
    code = "import demo, ns.one, ns.two, other, sys; print(sys.prefix)"
    expect(output(venv / "bin" / "python", "-c", code) == prefix, f"{mode}: python")
    expect(output(venv / "bin" / "demo") == f"demo in {prefix}", f"{mode}: entry point")
    expect(output(venv / "bin" / "demo-tool") == f"tool in {prefix}", f"{mode}: script")
    # Through a link beside PATH, and through activation (a plain sh does not tell a script where it is).
    (moved / "bin").mkdir()
    (moved / "bin" / "demo").symlink_to(venv / "bin" / "demo")
    expect(output(moved / "bin" / "demo") == f"demo in {prefix}", f"{mode}: entry point through a link")
    shell = f'. "{venv}/bin/activate" && echo "$VIRTUAL_ENV" && demo'
    expect(output("bash", "-c", shell) == f"{prefix}\ndemo in {prefix}", f"{mode}: activate (bash)")

    # axle goes on with it where it is now.
    room.axle("check", "--venv", str(venv))
    if is_linked:
        # gc finds it by its way from the store.
        room.axle("store", "gc")
        expect(output(venv / "bin" / "demo") == f"demo in {prefix}", f"{mode}: after gc")
    said = room.axle("uninstall", "other", "--venv", str(venv))
    expect("1 removed" in said, said)
    expect(output(venv / "bin" / "python", "-c", "import demo, ns.one; print(1)") == "1", f"{mode}: after uninstall")
    room.axle("check", "--venv", str(venv))
    room.axle("install", "other==1.0", "-f", str(room.dir / "wheels"), "--no-index", "--venv", str(venv))
    expect(output(venv / "bin" / "python", "-c", code) == prefix, f"{mode}: after install")
    for path in room_links(venv):
        expect(not os.readlink(path).startswith("/"), f"{mode}: later link {path} -> {os.readlink(path)}")


def room_links(venv: Path) -> list[Path]:
    return [path for path in (venv / "lib").rglob("site-packages/*") if path.is_symlink()]


def main() -> int:
    with tempfile.TemporaryDirectory(prefix="axle-relocatable-") as folder:
        base = Path(folder).resolve()
        for mode in ("copy", "hardlink", "symlink"):
            move(base, mode, mode == "symlink")
    print(f"{len(FAULTS)} wrong")
    return 1 if FAULTS else 0


if __name__ == "__main__":
    sys.exit(main())

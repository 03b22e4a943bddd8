#!/usr/bin/env python3
"""Native launchers in a moved environment, on a path with spaces, and in a root without a shell.

    native_launcher.py AXLE

The root holds an interpreter, its libraries, a part of its standard library, and the environment: no /bin/sh, no /proc. It is
entered by chroot, or, without the right to, in a user namespace; where neither is allowed, one line says so.
"""

import os
import platform
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from wheel_text import Wheel

PROGRAM = """\
import json, os, sys
class App:
    @staticmethod
    def main():
        print(json.dumps({"argv": sys.argv, "prefix": sys.prefix, "executable": sys.executable, "path": sys.path,
                          "flags": [sys.flags.isolated, sys.flags.utf8_mode, sys.flags.optimize],
                          "environment": [os.environ.get(name) for name in ("SET", "LEFT", "GONE")]}))
        return 3
"""
FLAGS = ["--launcher", "native", "--launcher-flags=-I -X utf8 -O", "--launcher-env", "SET=$ORIGIN/x",
         "--launcher-env", "LEFT?=default", "--launcher-env", "GONE"]
BASE = Path(os.path.realpath(sys._base_executable))


class Checks:
    def __init__(self):
        self.passed = self.failed = 0

    def equal(self, what: str, got, expected) -> None:
        if got == expected:
            self.passed += 1
        else:
            self.failed += 1
            print(f"WRONG {what}: {got!r} instead of {expected!r}")

    def ran(self, what: str, done: subprocess.CompletedProcess, bin_dir: str, argv: list[str]) -> None:
        import json
        try:
            told = json.loads(done.stdout)
        except ValueError:
            self.equal(what, (done.stdout, done.stderr), "what the program prints")
            return
        self.equal(f"{what}: exit status", done.returncode, 3)
        self.equal(f"{what}: argv", told["argv"], argv)
        self.equal(f"{what}: prefix", told["prefix"], str(Path(bin_dir).parent))
        self.equal(f"{what}: executable", told["executable"], f"{bin_dir}/python")
        self.equal(f"{what}: flags", told["flags"], [1, 1, 1])
        self.equal(f"{what}: variables", told["environment"], [f"{bin_dir}/x", "outer", None])
        self.equal(f"{what}: nothing of the working directory", "" in told["path"] or os.getcwd() in told["path"], False)


def make_environment(axle: str, scratch: Path) -> Path:
    wheel = (Wheel("demo-1.0-py3-none-any.whl").file("demo.py", PROGRAM)
             .file("@info/entry_points.txt", "[console_scripts]\ndemo = demo:App.main\n"))
    (scratch / wheel.file_name).write_bytes(wheel.build())
    subprocess.run([axle, "install", "-q", wheel.file_name, "--venv", "env", "--python", BASE, *FLAGS], cwd=scratch,
                   check=True, env={**os.environ, "AXLE_STORE": str(scratch / "store")})
    return scratch / "env"


def copy_interpreter(root: Path) -> None:
    """The interpreter with its libraries, and as much of the standard library as a small program needs."""
    files = [BASE]
    for line in subprocess.run(["ldd", BASE], capture_output=True, text=True, check=True).stdout.splitlines():
        files += [Path(path) for path in re.findall(r"(/\S+)", line)]
    for file in files:
        to = root / str(file).lstrip("/")
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(os.path.realpath(file), to)
    stdlib = Path(sysconfig.get_path("stdlib"))
    to = root / str(stdlib).lstrip("/")
    to.mkdir(parents=True, exist_ok=True)
    for file in stdlib.glob("*.py"):
        shutil.copy(file, to)
    for package in ("encodings", "collections", "importlib", "json", "re"):
        if (stdlib / package).is_dir():
            shutil.copytree(stdlib / package, to / package, ignore=shutil.ignore_patterns("__pycache__"))
    (to / "lib-dynload").mkdir()


def run_in_root(root: Path, program: list[str]) -> subprocess.CompletedProcess | None:
    """None where this user may not change the root."""
    environment = {"LEFT": "outer", "GONE": "x"}
    if os.geteuid() == 0:
        return subprocess.run(program, capture_output=True, text=True, check=False, env=environment, cwd="/",
                              preexec_fn=lambda: (os.chroot(root), os.chdir("/")))
    unshare = shutil.which("unshare")
    if not unshare or subprocess.run([unshare, "-r", "true"], capture_output=True, check=False).returncode:
        return None
    return subprocess.run([unshare, "-r", "-R", root, *program], capture_output=True, text=True, check=False,
                          env=environment)


def main() -> int:
    axle = str(Path(sys.argv[1]).resolve())
    if platform.machine() not in ("x86_64", "aarch64"):
        print(f"NOT RUN: there is no native launcher for {platform.machine()}")
        return 0
    checks = Checks()
    with tempfile.TemporaryDirectory(prefix="axle-launcher-") as scratch_name:
        scratch = Path(os.path.realpath(scratch_name))
        moved = scratch / "moved here" / "an env"
        moved.parent.mkdir()
        make_environment(axle, scratch).rename(moved)
        tool, outside = str(moved / "bin/demo"), {**os.environ, "LEFT": "outer", "GONE": "x"}
        done = subprocess.run([tool, "a b", ""], capture_output=True, text=True, check=False, env=outside)
        checks.ran("moved", done, str(moved / "bin"), [tool, "a b", ""])
        link = scratch / "link"
        link.symlink_to(tool)
        done = subprocess.run([link], capture_output=True, text=True, check=False, env=outside)
        checks.ran("through a link", done, str(moved / "bin"), [str(link)])
        done = subprocess.run([moved / "bin/python", "-IOXutf8", tool], capture_output=True, text=True, check=False,
                              env={**outside, "SET": f"{moved}/bin/x", "GONE": ""})
        checks.equal("given to the interpreter as a script", '"argv": ["' + tool in done.stdout, True)
        problems = subprocess.run([axle, "check", "--venv", moved], capture_output=True, text=True, check=False)
        checks.equal("check", problems.returncode, 0)
        (moved / "bin/python").unlink()
        problems = subprocess.run([axle, "check", "--venv", moved, "--json", "--python", BASE], capture_output=True,
                                  text=True, check=False)
        checks.equal("check without the interpreter", problems.stdout.count("script-interpreter-gone"), 2)
        (moved / "bin/python").symlink_to(BASE)

        root = scratch / "root"
        copy_interpreter(root)
        shutil.copytree(moved, root / "srv/an env", symlinks=True)
        checks.equal("no shell there", (root / "bin/sh").exists(), False)
        done = run_in_root(root, ["/srv/an env/bin/demo", "x"])
        if done is None:
            print("NOT RUN: this user may not change the root directory")
        else:
            checks.ran("in a root without a shell", done, "/srv/an env/bin", ["/srv/an env/bin/demo", "x"])
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


if __name__ == "__main__":
    sys.exit(main())

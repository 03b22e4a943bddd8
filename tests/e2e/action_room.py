"""A directory with three wheels, in which actions are run without environment variables."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from wheel_text import Wheel

AXLE = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "axle"
SITE = "lib/python3.11/site-packages"
FOR = ["--python-version", "3.11"]


def write_wheels(folder: Path) -> None:
    demo = Wheel("demo-1.0-py3-none-any.whl")
    demo.file("demo/__init__.py", "VALUE = 1\n").file("demo/cli.py", "def main():\n    print('hello')\n")
    demo.file("demo/tool", "#!/bin/sh\n", mode=0o755).file("ns/a/__init__.py")
    demo.file("@info/entry_points.txt", "[console_scripts]\nDemo.run = demo.cli:main\n")
    demo.file("@data/scripts/run", "#!python\nprint('run')\n").file("@data/data/share/demo/x.txt", "x")
    demo.file("@data/headers/demo.h", "h").file("@data/data/lib64/extra.txt", "64")
    other = Wheel("other-2.0-py3-none-any.whl")
    other.file("other.py", "VALUE = 2\n").file("ns/b/__init__.py").file("demo/tool2", "")
    clash = Wheel("clash-1.0-py3-none-any.whl").file("other.py", "VALUE = 3\n")
    for wheel in (demo, other, clash):
        (folder / wheel.file_name).write_bytes(wheel.build())


class ActionRoom(unittest.TestCase):
    def setUp(self):
        self.work = Path(tempfile.mkdtemp(prefix="axle-action-")).resolve()
        self.addCleanup(shutil.rmtree, self.work, True)
        write_wheels(self.work)

    def axle(self, *words: str, status: int = 0, cwd: str = "", environment: dict | None = None) -> subprocess.CompletedProcess:
        done = subprocess.run([AXLE, "action", *words], cwd=self.work / cwd, text=True, capture_output=True,
                              env={} if environment is None else environment, stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, status, f"{words}\n{done.stdout}{done.stderr}")
        return done

    def unpack(self, wheel: str = "demo-1.0-py3-none-any.whl", into: str = "t1", *more: str, **how):
        return self.axle("unpack", "--wheel", wheel, "--into", into, *FOR, *more, **how)

    def names(self) -> set[str]:
        return {str(path.relative_to(self.work)) for path in self.work.iterdir()}

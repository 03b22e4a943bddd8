"""A directory with wheels, a store and environments, for the tests that drive the program at length."""

import glob
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from wheel_text import Wheel

AXLE = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else ""
FAULTS: list[str] = []
SKIPPED: list[str] = []  # what could not be tried here, and why


def expect(right: bool, what: str) -> None:
    if not right:
        FAULTS.append(what)
        print("WRONG:", what, flush=True)


def run_all(name: str, *tests: Callable[[Path], None]) -> int:
    """Calls each with a directory for all of them; the exit status."""
    with tempfile.TemporaryDirectory(prefix=f"axle-{name}-") as folder:
        for test in tests:
            test(Path(folder).resolve())
    for what in SKIPPED:
        print("skipped:", what)
    print(f"{len(FAULTS)} wrong")
    return 1 if FAULTS else 0


class Room:
    def __init__(self, base: Path, name: str, **variables: str):
        self.dir = base / name
        (self.dir / "wheels").mkdir(parents=True)
        self.environment = {"PATH": os.environ["PATH"], "HOME": str(self.dir), "AXLE_STORE": str(self.dir / "store"),
                            "LC_ALL": "C.UTF-8", **variables}

    def start(self, *words: str, **how) -> subprocess.Popen:
        return subprocess.Popen([AXLE, *words], cwd=self.dir, env=self.environment, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, **how)

    def axle(self, *words: str, status: int = 0, **how) -> str:
        running = self.start(*words, **how)
        said = running.communicate()[0]
        expect(running.returncode == status,
               f"{self.dir.name}: axle {' '.join(words)}: status {running.returncode}, not {status}\n{said}")
        return said

    def sync(self, venv: str, *words: str, lock: str = "requirements.txt", **how) -> str:
        return self.axle("sync", lock, "-f", "wheels", "--no-index", "--venv", venv, *words, **how)

    def run(self, venv: str, code: str, *options: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.dir / venv / "bin" / "python", *options, "-c", code], cwd="/", text=True,
                              env={"PATH": "/usr/bin:/bin"}, capture_output=True)

    def site(self, venv: str) -> Path:
        return Path(glob.glob(str(self.dir / venv / "lib" / "python*" / "site-packages"))[0])

    def fill(self, wheels: list[Wheel], lock: str = "requirements.txt") -> None:
        for wheel in wheels:
            (self.dir / "wheels" / wheel.file_name).write_bytes(wheel.build())
        lines = ["==".join(wheel.file_name.split("-")[:2]) + "\n" for wheel in wheels]
        (self.dir / lock).write_text("".join(lines))

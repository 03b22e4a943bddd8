"""pip, for the tests and benchmarks that compare with it or fetch real wheels with it."""

import re
import subprocess
import sys
from pathlib import Path


def run(command: list, **options) -> subprocess.CompletedProcess:
    """Runs a command quietly; raises with all its output where it fails."""
    done = subprocess.run([str(word) for word in command], text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}")
    return done


def pip_command(scratch: Path) -> list[str]:
    """The running interpreter's pip, or that of an environment made in scratch (Debian keeps pip in a package apart)."""
    own = [sys.executable, "-m", "pip"]
    if subprocess.run([*own, "--version"], capture_output=True, check=False).returncode == 0:
        return own
    python = scratch / "pip-env" / "bin" / "python"
    if not python.exists():
        run([sys.executable, "-m", "venv", scratch / "pip-env"])
    return [str(python), "-m", "pip"]


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def wheel_of(name: str, folder: Path) -> Path | None:
    """The wheel of a distribution in a folder."""
    for path in sorted(folder.glob("*.whl")):
        if normalized(path.name.split("-")[0]) == normalized(name):
            return path
    return None


def download(pip: list[str], names: list[str], folder: Path, *options: str) -> str | None:
    """Puts wheels of the names that folder lacks into it. What pip said, where it could not."""
    missing = [name for name in names if not wheel_of(name, folder)]
    if not missing:
        return None
    folder.mkdir(parents=True, exist_ok=True)
    command = [*pip, "--disable-pip-version-check", "download", "-q", "--retries", "1", "--only-binary", ":all:",
               "-d", str(folder), *options, *missing]
    done = subprocess.run(command, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          stdin=subprocess.DEVNULL, check=False)
    return done.stdout if done.returncode else None

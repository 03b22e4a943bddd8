"""One project's lock files, written by the real tools, make equal environments where the locks are equal.

usage: six_locks.py AXLE [--all]

For this machine and four other targets, every lock of fixtures/locks/small is installed with `axle sync --target` from wheels that
pip fetched. Trees of locks that pin the same versions must be the same; for this machine the versions must be those
of pip's own report as well. By default this machine and one other target; --all (or AXLE_TEST_FULL) takes all, and
asks uv's dry run for each of them, too.
"""

import hashlib
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from peer import normalized, pip_command, run

LOCKS = ["uv.lock", "poetry.lock", "pdm.lock", "Pipfile.lock", "pylock.toml", "requirements-uv.txt",
         "requirements-poetry.txt", "requirements-piptools.txt", "pylock.pdm.toml", "pylock.pip.toml"]
TARGETS = [("3.12", "win_amd64"), ("3.13", "macosx_14_0_arm64"), ("3.12", "musllinux_1_2_x86_64"),
           ("3.10", "manylinux_2_28_aarch64")]
# What uv calls these targets.
UV_PLATFORMS = {"win_amd64": "x86_64-pc-windows-msvc", "macosx_14_0_arm64": "aarch64-apple-darwin",
                "musllinux_1_2_x86_64": "x86_64-unknown-linux-musl", "manylinux_2_28_aarch64": "aarch64-manylinux_2_28"}
FIXTURES = Path(__file__).resolve().parents[2] / "fixtures" / "locks" / "small"


def tree(root: Path) -> dict[str, str]:
    """Every file below root by its content; what names the request and not the wheel is left out."""
    found = {}
    for path in sorted(root.rglob("*")):
        if path.is_file() and path.name not in ("REQUESTED", "direct_url.json", "RECORD"):
            found[str(path.relative_to(root))] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


class Comparison:
    def __init__(self, axle: str, scratch: Path, everything: bool):
        self.everything = everything
        self.axle, self.scratch, self.pip = axle, scratch, pip_command(scratch)
        self.environment = {**os.environ, "AXLE_STORE": str(scratch / "store")}
        self.uv: Path | None = None
        self.failures = 0
        self.checks = 0

    def run_axle(self, *words: str) -> subprocess.CompletedProcess:
        return subprocess.run([self.axle, *words], text=True, capture_output=True, env=self.environment,
                              stdin=subprocess.DEVNULL, check=False)

    def check(self, ok: bool, what: str) -> None:
        self.checks += 1
        if not ok:
            self.failures += 1
            print("WRONG", what)

    def select(self, lock: str, target: list[str]) -> dict[str, str] | None:
        done = self.run_axle("plan", str(FIXTURES / lock), "--pins", "--json", *target)
        # A lock that was made for one machine has no wheels for another: that is its answer.
        return json.loads(done.stdout)["packages"] if done.returncode == 0 else None

    def fetch(self, packages: dict[str, str], python: str, platform: str, wheels: Path) -> None:
        options = []
        if platform:
            options = ["--platform", platform, "--platform", "any", "--python-version", python, "--implementation", "cp"]
        run([*self.pip, "download", "-q", "--no-deps", "--only-binary", ":all:", "-d", wheels, *options,
             *(f"{name}=={version}" for name, version in packages.items())])

    def compare(self, python: str, platform: str) -> None:
        name = f"{python}-{platform}" if platform else "host"
        target = ["--python-version", python, "--platform", platform] if platform else []
        wheels = self.scratch / f"wheels-{name}"
        selected = {lock: self.select(lock, target) for lock in LOCKS}
        selected = {lock: packages for lock, packages in selected.items() if packages}
        self.check(len(selected) >= 6, f"{name}: at least six locks select for it, not {len(selected)}")
        trees: dict[str, tuple[str, dict[str, str]]] = {}
        for lock, packages in selected.items():
            self.fetch(packages, python, platform, wheels)
            place = self.scratch / name / lock
            done = self.run_axle("sync", str(FIXTURES / lock), "--offline", "-f", str(wheels), "--target", str(place), *target)
            if done.returncode == 8 and "holds no launcher" in done.stderr:
                print(f"NOT RUN: {name}: axle was built without mingw-w64")
                return
            self.check(done.returncode == 0, f"{name}: {lock}: exit {done.returncode}: {done.stderr}")
            if done.returncode:
                continue
            made = tree(place)
            key = json.dumps(packages, sort_keys=True)
            first, expected = trees.setdefault(key, (lock, made))
            self.check(made == expected, f"{name}: {lock} and {first} pin the same and make other trees")
        print(f"{name}: {len(selected)} locks, {len(trees)} different sets of versions")
        if self.everything:
            self.compare_with_uv(python, platform, selected["requirements-uv.txt"], wheels)
        if not platform:
            self.compare_with_pip("requirements-uv.txt", selected["requirements-uv.txt"], wheels)

    def compare_with_uv(self, python: str, platform: str, packages: dict[str, str], wheels: Path) -> None:
        if self.uv is None:
            self.uv = self.scratch / "uv" / "bin" / "uv"
            run([*self.pip, "install", "-q", "--target", self.scratch / "uv", "uv==0.13.8"])
        target = ["--python-version", python, "--python-platform", UV_PLATFORMS[platform]] if platform else []
        done = run([self.uv, "pip", "sync", "--dry-run", "--no-build", "--offline", "--no-index", "-f", wheels, "--no-config",
                    "--python", sys.executable, "--target", self.scratch / "nowhere", *target,
                    FIXTURES / "requirements-uv.txt"], env={**os.environ, "UV_CACHE_DIR": str(self.scratch / "uv-cache")})
        chosen = {normalized(name): version for name, version in re.findall(r"^ \+ ([^=\s]+)==(\S+)", done.stdout, re.M)}
        self.check(chosen == packages, f"uv takes {chosen} for {python} {platform}, axle {packages}")

    def compare_with_pip(self, lock: str, packages: dict[str, str], wheels: Path) -> None:
        report = self.scratch / "report.json"
        run([*self.pip, "install", "--dry-run", "--ignore-installed", "--no-deps", "--no-index", "-f", wheels, "-q",
             "--target", self.scratch / "nowhere", "--report", report, "-r", FIXTURES / lock])
        chosen = {item["metadata"]["name"].lower().replace("_", "-").replace(".", "-"): item["metadata"]["version"]
                  for item in json.loads(report.read_text())["install"]}
        self.check(chosen == packages, f"pip takes {chosen} from {lock}, axle {packages}")


def main() -> int:
    axle = str(Path(sys.argv[1]).resolve())
    everything = "--all" in sys.argv or bool(os.environ.get("AXLE_TEST_FULL"))
    with tempfile.TemporaryDirectory(prefix="axle-six-") as scratch:
        comparison = Comparison(axle, Path(scratch), everything)
        try:
            comparison.compare("", "")
            for python, platform in TARGETS if everything else TARGETS[:1]:
                comparison.compare(python, platform)
        except RuntimeError as error:
            if "No matching distribution" not in str(error) and "Temporary failure" not in str(error):
                raise
            print(f"NOT RUN: pip cannot fetch the wheels: {error}")
            return 0
        print(f"{comparison.checks - comparison.failures} passed, {comparison.failures} failed")
        return 1 if comparison.failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""Ninja, Make and CMake with the snippets of scripts/integrations, as docs/build-systems.md has them.

usage: build_systems_test.py AXLE

Each example is built with the real tool; then again with nothing changed, with one wheel changed, and with one wheel
touched. The steps that ran are counted by what axle was started for. Where strace is, what each step opens is compared
with its depfile, in both directions.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from tree import record_faults
from wheel_text import Wheel

AXLE = os.path.abspath(sys.argv[1]) if len(sys.argv) > 1 else "axle"
ROOT = Path(__file__).resolve().parents[2]
INTEGRATIONS = ROOT / "scripts" / "integrations"
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"


def write_wheels(folder: Path, word: str = "world", only: tuple = ("greet", "words")) -> None:
    folder.mkdir(exist_ok=True)
    greet = Wheel("greet-1.0-py3-none-any.whl").file("greet/__init__.py").file(
        "greet/cli.py", "import words\ndef main():\n    print('hello', words.WORD)\n")
    greet.file("@info/entry_points.txt", "[console_scripts]\nhello = greet.cli:main\n")
    words = Wheel("words-1.0-py3-none-any.whl").file("words/__init__.py", f"WORD = {word!r}\n").file("words/list.txt", f"a\n{word}\n")
    for wheel in (greet, words):
        if wheel.stem.split("-")[0] in only:
            (folder / wheel.file_name).write_bytes(wheel.build())


class BuildSystemTest(unittest.TestCase):
    def setUp(self):
        self.work = Path(tempfile.mkdtemp(prefix="axle-build-")).resolve()
        self.addCleanup(shutil.rmtree, self.work, True)
        # Every start of axle leaves a line: what it was started for, and the output.
        (self.work / "bin").mkdir()
        self.log = self.work / "log"
        axle = self.work / "bin" / "axle"
        axle.write_text(f'#!/bin/sh\necho "$*" >>{self.log}\nexec {AXLE} "$@"\n')
        axle.chmod(0o755)
        self.environment = {"PATH": f"{self.work}/bin:{os.path.dirname(sys.executable)}:/usr/bin:/bin", "HOME": str(self.work),
                            "PYTHONDONTWRITEBYTECODE": "1"}
        self.project = self.work / "pro ject"

    def start(self, example: str) -> None:
        shutil.copytree(INTEGRATIONS / example, self.project)
        write_wheels(self.project / "wheels")

    def run_tool(self, *words: str) -> list[str]:
        """Runs the tool; the operations that axle was started for."""
        self.log.write_text("")
        done = subprocess.run(words, cwd=self.project, text=True, capture_output=True, env=self.environment, check=False)
        self.assertEqual(done.returncode, 0, f"{words}\n{done.stdout}{done.stderr}")
        return sorted(line.split()[1] + (" (scan)" if "--dry-run" in line else "") for line in self.log.read_text().splitlines())

    def hello(self, env: str) -> str:
        self.assertEqual(record_faults(str(self.project / env)), [])
        return subprocess.run([self.project / env / "bin/hello"], capture_output=True, text=True, check=True, env=self.environment).stdout

    def check(self, build: list[str], env: str, first: list[str], scans: list[str] = (), keeps_unchanged: bool = True) -> None:
        self.assertEqual(self.run_tool(*build), sorted(first))
        self.assertEqual(self.hello(env), "hello world\n")
        self.assertEqual(self.run_tool(*build), [])
        time.sleep(1.1)  # Make looks at whole seconds on some file systems
        write_wheels(self.project / "wheels", "moon", ("words",))
        self.assertEqual(self.run_tool(*build), sorted(["unpack", "venv", *scans]))
        self.assertEqual(self.hello(env), "hello moon\n")
        self.assertEqual(self.run_tool(*build), [])
        time.sleep(1.1)
        os.utime(self.project / "wheels/greet-1.0-py3-none-any.whl")
        ran = self.run_tool(*build)
        # With Ninja nothing follows from a wheel that is the same as before.
        self.assertEqual(ran, sorted(["unpack", *scans, *([] if keeps_unchanged else ["venv"])]))
        self.assertEqual(self.run_tool(*build), [])

    @unittest.skipUnless(shutil.which("ninja"), "needs ninja")
    def test_ninja(self):
        self.start("ninja")
        build = self.project / "build.ninja"
        build.write_text(build.read_text().replace("target_python = /usr/bin/python3.11", f"target_python = {os.path.realpath(sys.executable)}")
                         .replace("python = 3.11", f"python = {PYTHON}").replace("python3.11", f"python{PYTHON}"))
        self.check(["ninja"], "build/env", ["unpack (scan)", "unpack (scan)", "unpack", "unpack", "venv"], ["unpack (scan)"])
        self.assertEqual((self.project / "build/words.txt").read_text(), "a\nmoon\n")
        # The rule that made a file is known to Ninja.
        known = subprocess.run(["ninja", "-t", "missingdeps"], cwd=self.project, text=True, capture_output=True, check=False)
        self.assertEqual(known.returncode, 0, known.stdout + known.stderr)
        # A file of the tree that is gone comes back.
        (self.project / f"build/words/lib/python{PYTHON}/site-packages/words/list.txt").unlink()
        self.assertIn("unpack", self.run_tool("ninja"))
        self.assertTrue((self.project / f"build/words/lib/python{PYTHON}/site-packages/words/list.txt").is_file())

    def trace(self) -> Path:
        """Puts strace before each axle from now on; the directory of what it saw and of the depfiles."""
        seen = self.work / "seen"
        seen.mkdir()
        (self.work / "bin/axle").write_text(f"""#!/bin/sh
strace -f -y -e trace=%file,openat,open -o {seen}/$$.trace {AXLE} "$@" || exit
before=
for word; do
  [ "$before" = --depfile ] && cp "$word" {seen}/$$.d
  before=$word
done
exit 0
""")
        return seen

    def reads(self, trace: Path) -> set[str]:
        """Files of the project that were opened, but not to be written; of the rest only what every program opens."""
        found = set()
        for line in trace.read_text().splitlines():
            opened = re.search(r'open(?:at)?\(.*", (O_[A-Z_|]+).*\) = \d+<(.+)>$', line)
            if not opened or "O_DIRECTORY" in opened[1] or not opened[1].startswith("O_RDONLY"):
                continue
            path = opened[2]
            if path.startswith(str(self.project)):
                found.add(os.path.relpath(path, self.project))
            else:
                self.assertRegex(path, r"^/(etc/ld\.so\.|(usr/)?lib|proc/|sys/|dev/|etc/ssl/openssl)|^" + re.escape(os.path.dirname(AXLE)))
        return found

    @unittest.skipUnless(shutil.which("ninja") and shutil.which("strace"), "needs ninja and strace")
    def test_depfiles_are_exact(self):
        self.start("ninja")
        build = self.project / "build.ninja"
        build.write_text(build.read_text().replace("/usr/bin/python3.11", os.path.realpath(sys.executable)))
        if subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False).returncode != 0:
            self.skipTest("strace does not run here")
        seen = self.trace()
        done = subprocess.run(["ninja"], cwd=self.project, text=True, capture_output=True, env=self.environment, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        depfiles = list(seen.glob("*.d"))
        self.assertEqual(len(depfiles), 3)
        for depfile in depfiles:
            told = set(depfile.read_text().split(":", 1)[1].replace("\\\n", " ").split())
            read = {path for path in self.reads(depfile.with_suffix(".trace")) if not path.endswith(".args")}
            # Old outputs are looked at too, and staging directories.
            read = {path for path in read if not re.match(r"build/(\.|env\b)|build/\w+\.(stamp|facts|d)$", path)} | (read & told)
            with self.subTest(depfile=depfile.read_text()):
                self.assertEqual(read, told)

    @unittest.skipUnless(shutil.which("make"), "needs make")
    def test_make(self):
        self.start("make")
        build = ["make", f"PYTHON={PYTHON}", f"TARGET_PYTHON={os.path.realpath(sys.executable)}"]
        self.check(build, "env", ["unpack", "unpack", "venv"], keeps_unchanged=False)

    def check_cmake(self, generator: str, keeps_unchanged: bool) -> None:
        self.start("cmake/example")
        prefix = self.work / "prefix"
        package = prefix / "lib/cmake/axle"
        package.mkdir(parents=True)
        for name in ("axleConfig.cmake", "axle_add_venv.cmake"):
            shutil.copy(ROOT / "cmake" / name, package)
        # A script that starts the interpreter, as pyenv has it.
        shim = self.work / "bin" / f"python{PYTHON}"
        shim.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        shim.chmod(0o755)
        subprocess.run(["cmake", "-S", ".", "-B", "build", "-G", generator, f"-DCMAKE_PREFIX_PATH={prefix}",
                        f"-DPython3_EXECUTABLE={shim}"], cwd=self.project, env=self.environment, check=True,
                       capture_output=True)
        self.check(["cmake", "--build", "build"], "build/env", ["unpack", "unpack", "venv"], keeps_unchanged=keeps_unchanged)

    @unittest.skipUnless(shutil.which("cmake") and shutil.which("ninja"), "needs cmake and ninja")
    def test_cmake_ninja(self):
        self.check_cmake("Ninja", True)

    @unittest.skipUnless(shutil.which("cmake") and shutil.which("make"), "needs cmake and make")
    def test_cmake_make(self):
        self.check_cmake("Unix Makefiles", False)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])

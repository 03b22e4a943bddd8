#!/usr/bin/env python3
"""Environments for Windows and macOS, laid out from here.

    windows.py AXLE [--all]

Their structure is read: directories, launchers (a program, "#!" and a path, a zip), RECORD. With --all or AXLE_TEST_FULL=1 the
launchers also run under Wine, where that and mingw-w64 are installed: an interpreter made of a few lines of C tells how it
was started.
"""

import csv
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from wheel_text import Wheel

MACHINES = {"win_amd64": (0x8664, "x86_64"), "win32": (0x14C, "i686")}
INTERPRETER = r"""
#include <stdio.h>
#include <stdlib.h>
int main(int argc, char** argv) {
  const char* launcher = getenv("__PYVENV_LAUNCHER__");
  for (int i = 0; i < argc; ++i) printf("<%s>", argv[i]);
  printf(" %s\n", launcher ? launcher : "");
  return 42;
}
"""


class Windows:
    def __init__(self, axle: str, scratch: Path):
        self.axle, self.scratch = axle, scratch
        self.passed = self.failed = 0
        wheel = (Wheel("Demo-1.0-py3-none-any.whl").file("demo.py", "def main():\n    return 3\n")
                 .file("@data/scripts/tool.py", "#!pythonw -E\nprint(1)\n").file("@data/headers/demo.h", "")
                 .file("@info/entry_points.txt", "[console_scripts]\ndemo = demo:main\n[gui_scripts]\nwindow = demo:main\n"))
        (scratch / wheel.file_name).write_bytes(wheel.build())
        clash = (Wheel("clash-1.0-py3-none-any.whl").file("clash.py", "")
                 .file("@info/entry_points.txt", "[console_scripts]\nDEMO = clash:main\n"))
        (scratch / clash.file_name).write_bytes(clash.build())

    def equal(self, what: str, got, expected) -> None:
        if got == expected:
            self.passed += 1
        else:
            self.failed += 1
            print(f"WRONG {what}: {got!r} instead of {expected!r}")

    def run(self, *words, status: int = 0) -> str:
        done = subprocess.run([self.axle, *map(str, words)], capture_output=True, text=True, check=False, cwd=self.scratch,
                              env={**os.environ, "AXLE_STORE": str(self.scratch / "store")}, stdin=subprocess.DEVNULL)
        self.equal(f"exit status of {' '.join(map(str, words))}: {done.stderr}", done.returncode, status)
        return done.stderr

    def make(self, name: str, python: str, platform: str, *more: str) -> Path:
        self.run("install", "Demo-1.0-py3-none-any.whl", "--venv", name, "--platform", platform, "--python-version", python, *more)
        return self.scratch / name

    def launcher(self, file: Path, machine: int, subsystem: int, line: bytes) -> None:
        content = file.read_bytes()
        header = int.from_bytes(content[0x3C:0x40], "little")
        self.equal(f"{file}: program", (content[:2], content[header:header + 4]), (b"MZ", b"PE\0\0"))
        self.equal(f"{file}: machine", int.from_bytes(content[header + 4:header + 6], "little"), machine)
        self.equal(f"{file}: subsystem", int.from_bytes(content[header + 92:header + 94], "little"), subsystem)
        if not line:
            return
        with zipfile.ZipFile(file) as archive:
            self.equal(f"{file}: zip", (archive.testzip(), archive.namelist()), (None, ["__main__.py"]))
            self.equal(f"{file}: call", b"from demo import main" in archive.read("__main__.py"), True)
            start = archive.infolist()[0].header_offset
        self.equal(f"{file}: line", content[content.rindex(b"#!", 0, start):start], line)

    def environment(self, python: str, platform: str) -> None:
        machine = MACHINES[platform][0]
        name = f"{python} {platform}"
        place = self.make(name, python, platform)
        digits = python.replace(".", "").rstrip("t")
        programs = ["python", "pythonw"] + ([f"python{python}", f"pythonw{python}"] if python.endswith("t") else [])
        scripts = {path.name for path in (place / "Scripts").iterdir()}
        self.equal(f"{name}: Scripts", scripts, {"Activate.ps1", "activate", "activate.bat", "activate.fish", "activate.nu",
                                                "deactivate.bat", "demo.exe", "window.exe", "tool.py",
                                                *(f"{program}.exe" for program in programs)})
        for program in programs:
            self.launcher(place / f"Scripts/{program}.exe", machine, 2 if program.startswith("pythonw") else 3, b"")
        self.launcher(place / "Scripts/demo.exe", machine, 3, b"#!<launcher_dir>\\python.exe\n")
        self.launcher(place / "Scripts/window.exe", machine, 2, b"#!<launcher_dir>\\pythonw.exe\n")
        self.equal(f"{name}: script", (place / "Scripts/tool.py").read_text().splitlines()[0], "#!pythonw -E")
        config = dict(line.split(" = ", 1) for line in (place / "pyvenv.cfg").read_text().splitlines())
        executable = f"python{python}.exe" if python.endswith("t") else "python.exe"
        self.equal(f"{name}: home", (config["home"], config["executable"]),
                   (f"C:\\Python{digits}", f"C:\\Python{digits}\\{executable}"))
        self.equal(f"{name}: headers", (place / f"include/site/python{python.rstrip('t')}/Demo/demo.h").is_file(), True)
        self.equal(f"{name}: links", [path for path in place.rglob("*") if path.is_symlink()], [])
        with next((place / "Lib/site-packages").glob("*.dist-info/RECORD")).open() as record:
            rows = {row[0] for row in csv.reader(record)}
        self.equal(f"{name}: RECORD", {"../../Scripts/demo.exe", "../../Scripts/window.exe"} <= rows, True)
        self.run("check", "--venv", name, "--platform", platform, "--python-version", python)
        # What only looks finds out by itself.
        self.run("check", name)
        self.run("tree", "Demo", "--venv", name)
        (place / "Lib/site-packages/demo.py").rename(place / "Lib/site-packages/gone.py")
        self.run("check", name, status=1)
        (place / "Lib/site-packages/gone.py").rename(place / "Lib/site-packages/demo.py")
        again = self.make(f"again {name}", python, platform, "--link-mode", "copy")
        for script in ("demo.exe", "window.exe", "python.exe", "activate.bat", "activate", "Activate.ps1"):
            self.equal(f"{name}: {script} in another place", (again / "Scripts" / script).read_bytes().replace(b"again ", b""),
                       (place / "Scripts" / script).read_bytes())

    def others(self) -> None:
        place = self.make("target", "3.12", "win_amd64", "--launcher-flags=-I -X utf8")
        self.launcher(place / "Scripts/demo.exe", 0x8664, 3, b"#!<launcher_dir>\\python.exe -I -X utf8\n")
        links = self.run("install", "Demo-1.0-py3-none-any.whl", "--venv", "links", "--platform", "win_amd64", "--python-version",
                         "3.12", "--link-mode", "symlink")
        self.equal("links for Windows are not made", links.count("warning"), 1)
        self.equal("links", [path for path in (self.scratch / "links").rglob("*") if path.is_symlink()], [])
        self.run("install", "Demo-1.0-py3-none-any.whl", "--target", "plain", "--platform", "win32", "--python-version", "3.12")
        programs = list((self.scratch / "plain").rglob("demo.exe"))
        self.equal("a plain directory has a launcher", len(programs), 1)
        self.launcher(programs[0], 0x14C, 3, b"#!C:\\Python312\\python.exe\n")
        for words in (["venv", "arm"], ["install", "Demo-1.0-py3-none-any.whl", "--target", "arm"]):
            error = self.run(*words, "--platform", "win_arm64", "--python-version", "3.12", status=8)
            self.equal("hint", "hint: " in error, True)
            self.equal("nothing is left", (self.scratch / "arm").exists(), False)
        self.run("install", "Demo-1.0-py3-none-any.whl", "clash-1.0-py3-none-any.whl", "--venv", "clash", "--platform",
                 "win_amd64", "--python-version", "3.12", status=5)
        mac = self.make("mac", "3.13", "macosx_14_0_arm64")
        self.equal("macOS: interpreter", os.readlink(mac / "bin/python"), "/usr/local/bin/python3.13")
        self.equal("macOS: packages", (mac / "lib/python3.13/site-packages/demo.py").is_file(), True)
        self.equal("macOS: lib64", (mac / "lib64").is_symlink(), False)
        self.equal("macOS: script", (mac / "bin/demo").read_text().startswith(f"#!{mac}/bin/python\n"), True)

    def wine(self, platform: str) -> None:
        # Debian's wine64 alone puts nothing on PATH.
        wine = shutil.which("wine64", path=os.environ.get("PATH", "") + ":/usr/lib/wine") or shutil.which("wine")
        compiler = f"{MACHINES[platform][1]}-w64-mingw32-gcc"
        if not wine or not shutil.which(compiler):
            print("NOT RUN under Wine: wine64 or mingw-w64 is not installed")
            return
        place = self.scratch / f"3.12 {platform}"
        base = self.scratch / "a base"
        base.mkdir(exist_ok=True)
        (base / "python.c").write_text(INTERPRETER)
        subprocess.run([compiler, "-o", base / "python.exe", base / "python.c"], check=True)

        def windows_path(path: Path) -> str:
            return "Z:" + str(path).replace("/", "\\")

        config = (place / "pyvenv.cfg").read_text().replace("C:\\Python312", windows_path(base))
        (place / "pyvenv.cfg").write_text(config)
        environment = {**os.environ, "WINEPREFIX": str(self.scratch / "wine"), "WINEDEBUG": "-all", "DISPLAY": "",
                       "WINEDLLOVERRIDES": "mscoree,mshtml="}
        program, python = windows_path(place / "Scripts/demo.exe"), windows_path(place / "Scripts/python.exe")
        for words, told in ((["demo.exe", "a b", 'q"q', ""], f"<{windows_path(base)}\\python.exe><{program}><a b><q\"q><> {python}"),
                            (["python.exe", "-c", "x y"], f"<{windows_path(base)}\\python.exe><-c><x y> {python}")):
            done = subprocess.run([wine, place / "Scripts" / words[0], *words[1:]], capture_output=True, text=True, check=False,
                                  env=environment, cwd=self.scratch, timeout=300)
            self.equal(f"wine {words}: status", done.returncode, 42)
            self.equal(f"wine {words}", done.stdout.strip(), told)
        (base / "python.exe").unlink()
        done = subprocess.run([wine, place / "Scripts/demo.exe"], capture_output=True, text=True, check=False, env=environment,
                              cwd=self.scratch, timeout=300)
        self.equal("wine without an interpreter", (done.returncode, "is not there" in done.stderr), (127, True))


def main() -> int:
    axle = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix="axle-windows-") as scratch:
        windows = Windows(axle, Path(os.path.realpath(scratch)))
        error = subprocess.run([axle, "venv", "probe", "--platform", "win_amd64", "--python-version", "3.12"], cwd=scratch,
                               capture_output=True, text=True, check=False).stderr
        if "holds no launcher" in error:
            print("NOT RUN: axle was built without mingw-w64")
            return 0
        for python, platform in (("3.12", "win_amd64"), ("3.12", "win32"), ("3.13t", "win_amd64")):
            windows.environment(python, platform)
        windows.others()
        if "--all" in sys.argv or os.environ.get("AXLE_TEST_FULL"):
            windows.wine("win_amd64")
        print(f"{windows.passed} passed, {windows.failed} failed")
        return 1 if windows.failed else 0


if __name__ == "__main__":
    sys.exit(main())

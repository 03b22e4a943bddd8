#!/usr/bin/env python3
"""Bundles run where nothing is installed: in an empty root, moved, read-only, as one file that is killed or damaged.

    bundle_test.py AXLE

By itself a small program with a data file and a module that needs the interpreter's native parts. With AXLE_TEST_FULL=1
also a real one (fastapi and uvicorn, by pip download). What needs another root (chroot) runs as root or in a user
namespace, and is left out with a note where there is neither.
"""

import filecmp
import hashlib
import os
import shutil
import signal
import stat
import subprocess
import sys
import sysconfig
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tree import record_faults
from wheel_text import Member, Wheel

APP = b"""
import ctypes, json, pathlib, subprocess, sys, zlib

def main():
    if sys.argv[1:] == ["--child"]:
        print("child of", sys.executable)
        return 0
    data = pathlib.Path(__file__).with_name("data.txt").read_text()
    try:
        import ssl
        has_ssl = bool(ssl.OPENSSL_VERSION)
    except ImportError:
        has_ssl = False
    child = subprocess.run([sys.executable, "-I", "-c", "import hello; print(hello.__name__)"],
                           capture_output=True, text=True)
    print(json.dumps({"data": data, "argv": sys.argv[1:], "prefix": sys.prefix, "isolated": sys.flags.isolated,
                      "crc": zlib.crc32(b"x"), "ssl": has_ssl, "child": child.stdout.strip() or child.stderr}))
    return 7 if "--fail" in sys.argv else 0
"""


def fail(message: str) -> None:
    raise SystemExit(f"bundle: {message}")


def run(*command: object, status: int = 0, **options: object) -> subprocess.CompletedProcess:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode != status:
        fail(f"{command}: status {done.returncode}, not {status}\n{done.stdout}{done.stderr}")
    return done


def standalone_python(work: Path) -> Path:
    """The prefix of this Python, or a copy of it when it is the system's own."""
    prefix = Path(sys.base_prefix)
    if prefix != Path("/usr"):
        return prefix
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    copy = work / "standalone"
    (copy / "bin").mkdir(parents=True)
    shutil.copy2(os.path.realpath(sys.executable), copy / "bin" / name)
    shutil.copytree(sysconfig.get_path("stdlib"), copy / "lib" / name, symlinks=False, ignore_dangling_symlinks=True,
                    ignore=shutil.ignore_patterns("test", "EXTERNALLY-MANAGED", "dist-packages", "site-packages"))
    return copy


def relocatable_python(axle: str, prefix: Path, work: Path) -> Path:
    """A copy of an interpreter as standalone builds are: bin/pythonX.Y finds its library relative to itself, if it has one."""
    name = next((prefix / "bin").glob("python3.*[0-9]")).name
    copy = work / "stand alone" / "python"
    (copy / "bin").mkdir(parents=True)
    shutil.copy2(prefix / "bin" / name, copy / "bin" / name)
    (copy / "bin/python3").symlink_to(name)
    shutil.copytree(prefix / "lib" / name, copy / "lib" / name, symlinks=True,
                    ignore=shutil.ignore_patterns("site-packages", "test", "__pycache__", "config-*"))
    for library in (prefix / "lib").glob("libpython3*.so*"):
        shutil.copy2(library, copy / "lib" / library.name, follow_symlinks=False)
    if list((copy / "lib").glob("libpython3*.so*")):
        run(axle, "rpath", copy / "bin" / name, "--set", "$ORIGIN/../lib")
    told = run(copy / "bin" / name, "-c", "import sys; print(sys.prefix)", env={}).stdout.strip()
    if told != str(copy):
        fail(f"the standalone interpreter is in {told}, not in {copy}")
    return copy


def libc_only(root: Path, names: list[str]) -> None:
    """Makes a root that holds the C library and its loader."""
    for name in names:
        for directory in ("/lib64", "/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib", "/usr/lib64"):
            found = Path(directory, name)
            if found.exists():
                for place in (directory, "/lib64"):
                    (root / place[1:]).mkdir(parents=True, exist_ok=True)
                    shutil.copy(found, root / place[1:] / name)
                break
    loader = "/lib64/ld-linux-x86-64.so.2"
    if Path(loader).exists():
        shutil.copy(loader, root / loader[1:])


def enter(root: Path) -> list[str] | None:
    """A command that runs another in `root`."""
    places = os.environ["PATH"] + ":/usr/sbin:/sbin"
    chroot, unshare = shutil.which("chroot", path=places), shutil.which("unshare", path=places)
    if chroot and os.geteuid() == 0:
        return [chroot, str(root)]
    if chroot and unshare and subprocess.run([unshare, "-r", "true"], capture_output=True).returncode == 0:
        return [unshare, "-r", chroot, str(root)]
    return None


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def listing(root: Path) -> list[tuple]:
    rows = []
    for path in sorted(root.rglob("*")):
        status = path.lstat()
        kind = stat.S_IFMT(status.st_mode)
        content = os.readlink(path) if path.is_symlink() else digest(path) if path.is_file() else ""
        mode = 0 if path.is_symlink() else stat.S_IMODE(status.st_mode)
        rows.append((str(path.relative_to(root)), kind, mode, int(status.st_mtime), content))
    return rows


class Bundles:
    def __init__(self, axle: str, work: Path):
        self.axle, self.work = axle, work
        self.python = standalone_python(work)
        self.env = {"PATH": os.environ["PATH"], "HOME": str(work / "home"), "AXLE_STORE": str(work / "store")}
        wheel = Wheel("hello-1.0-py3-none-any.whl")
        wheel.members += [
            Member("hello/__init__.py", APP),
            Member("hello/__main__.py", b"import sys\nfrom hello import main\nsys.exit(main())\n"),
            Member("hello/data.txt", b"some data"),
            Member("hello/tests/__init__.py", b""),
            Member("hello-1.0.dist-info/entry_points.txt", b"[console_scripts]\nhello = hello:main\n"),
        ]
        (work / "wheels").mkdir()
        (work / "wheels" / wheel.file_name).write_bytes(wheel.build())
        (work / "lock.txt").write_text("hello==1.0\n")

    def bundle(self, *options: object, status: int = 0, **more: object) -> subprocess.CompletedProcess:
        return run(self.axle, "bundle", "lock.txt", "-f", "wheels", "--with-python", self.python, *options,
                   status=status, cwd=self.work, env=self.env, **more)

    def directory(self) -> None:
        self.bundle("--entry", "hello", "-o", "one", "--with-libs", "-j", "1", "--prune", "tests")
        self.bundle("--entry", "hello", "-o", "elsewhere/two", "--with-libs", "-j", "4", "--prune", "tests",
                    umask=0o077)
        if listing(self.work / "one") != listing(self.work / "elsewhere/two"):
            fail("two bundles of the same are not the same")
        if (self.work / "one" / "bin" / "pip").exists() or list((self.work / "one").rglob("hello/tests")):
            fail("the bundle holds what it should not")
        if faults := record_faults(self.work / "one"):
            fail(f"RECORD: {faults}")
        moved = self.work / "a place" / "with spaces"
        moved.parent.mkdir()
        (self.work / "elsewhere/two").rename(moved)
        answer = self.started(run(moved / "bin" / "hello", "a b", env={}).stdout, moved, ["a b"])
        if not answer["ssl"] and self.has("ssl"):
            fail("ssl was left behind")
        run(moved / "bin" / "hello", "--fail", status=7, env={})
        # What the user's environment says does not reach an isolated program.
        self.started(run(moved / "bin" / "hello", env={"PYTHONHOME": "/nowhere", "PYTHONPATH": "/nowhere"}).stdout, moved, [])
        self.read_only(moved)
        root = self.work / "empty"
        root.mkdir()
        shutil.copytree(moved, root / "app", symlinks=True)
        if command := enter(root):
            self.started(run(*command, "/app/bin/hello", env={}).stdout, Path("/app"), [])
        else:
            print("bundle: no other root can be entered here; left out")
        self.bundle("--entry", "hello", "-o", "one", status=7)
        self.bundle("--module", "hello", "-o", "one", "--with-libs", "--clear")
        self.started(run(self.work / "one/bin/hello", env={}).stdout, self.work / "one", [])

    def read_only(self, place: Path) -> None:
        """root writes everywhere but to what is mounted so; others not to what lacks the bits."""
        if os.geteuid() == 0:
            script = 'mount --bind "$0" "$0" && mount -o remount,ro,bind "$0" && ! touch "$0/x" 2>/dev/null && "$0/bin/hello"'
            done = subprocess.run(["unshare", "-m", "sh", "-c", script, str(place)], capture_output=True, text=True)
            if "mount:" in done.stderr or "unshare:" in done.stderr:
                print("bundle: nothing can be mounted here; left out")
                return
            self.started(done.stdout, place, [])
            return
        before = {path: path.stat().st_mode for path in [place, *place.rglob("*")] if path.is_dir()}
        for path in before:
            path.chmod(0o555)
        self.started(run(place / "bin/hello", env={}).stdout, place, [])
        for path, mode in before.items():
            path.chmod(mode)

    def has(self, module: str) -> bool:
        program = next((self.python / "bin").glob("python3.*[0-9]"))
        return subprocess.run([program, "-I", "-c", f"import {module}"], capture_output=True).returncode == 0

    @staticmethod
    def started(output: str, prefix: Path, argv: list[str]) -> dict:
        import json

        answer = json.loads(output)
        if answer["data"] != "some data" or answer["argv"] != argv or answer["child"] != "hello" or not answer["isolated"]:
            fail(f"the program says {answer}")
        if answer["prefix"] != str(prefix):
            fail(f"the program is in {answer['prefix']}, not in {prefix}")
        return answer

    def with_the_systems_libc(self) -> None:
        """Where there is the C library and nothing else."""
        import json

        # From a tree like those of python-build-standalone, at a place with a space.
        whole, self.python = self.python, relocatable_python(self.axle, self.python, self.work)
        done = self.bundle("--entry", "hello", "-o", "libc", "--with-libs", "--system-libc", "--json")
        self.python = whole
        needs = json.loads(done.stdout)["requires"]
        if needs["libraries"] or not needs["glibc"]:
            fail(f"the target must provide {needs}")
        root = self.work / "only-libc"
        libc_only(root, needs["libc"])
        shutil.move(self.work / "libc", root / "app")
        if command := enter(root):
            self.started(run(*command, "/app/bin/hello", env={}).stdout, Path("/app"), [])

    def tar(self) -> None:
        self.bundle("-o", "app.tar")
        self.bundle("-o", "app.tar.zst", "-j", "2")
        self.bundle("-o", "again/app.tar.zst", "-j", "1")
        self.bundle("-o", "app.tar.gz", "--prune", "tests", "-j", "2")
        if digest(self.work / "app.tar.zst") != digest(self.work / "again/app.tar.zst"):
            fail("two tars of the same are not the same")
        place = self.work / "unpacked"
        place.mkdir()
        run("tar", "-xzf", self.work / "app.tar.gz", "-C", place)
        shutil.rmtree(place / "app")
        run("tar", "-xf", self.work / "app.tar", "-C", place)
        self.started(run(place / "app/bin/hello", env={}).stdout, place / "app", [])

    def one_file(self) -> None:
        self.bundle("--entry", "hello", "--one-file", "app", "--with-libs", "-j", "2")
        self.bundle("--entry", "hello", "--one-file", "again/app", "--with-libs", "-j", "1")
        if not filecmp.cmp(self.work / "app", self.work / "again/app", shallow=False):
            fail("two programs of the same are not the same")
        program = self.work / "a place" / "app"
        program.parent.mkdir(exist_ok=True)
        (self.work / "app").rename(program)
        cache = self.work / "cache"
        env = {"XDG_CACHE_HOME": str(cache)}

        # Killed while it unpacks, at many moments: what is there is nothing or all of it, and the next start cleans up.
        for delay in (0.01, 0.05, 0.2):
            child = subprocess.Popen([program], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(delay)
            child.send_signal(signal.SIGKILL)
            child.wait()
        with ThreadPoolExecutor(6) as pool:
            outputs = list(pool.map(lambda _: run(program, "x", env=env).stdout, range(6)))
        trees = [path for path in (cache / "axle-bundles").iterdir() if path.is_dir()]
        if len(trees) != 1:
            fail(f"the cache holds {trees}")
        for output in outputs:
            self.started(output, trees[0], ["x"])

        # A damaged cache is noticed, whatever is wrong with it.
        package = next(trees[0].rglob("hello/data.txt"))
        program_in_cache = trees[0] / "bin" / "hello"
        for damage in (package.unlink, lambda: os.truncate(program_in_cache, 10),
                       lambda: program_in_cache.chmod(0o644), lambda: shutil.rmtree(trees[0] / "lib"),
                       lambda: (shutil.rmtree(trees[0]), trees[0].symlink_to("/nowhere"))):
            damage()
            self.started(run(program, env=env).stdout, trees[0], [])

        # A cache that others could write to is not used; the next one is.
        unsafe = self.work / "unsafe"
        (unsafe / "axle-bundles").mkdir(parents=True)
        (unsafe / "axle-bundles").chmod(0o777)
        home = self.work / "other home"
        home.mkdir()
        answer = run(program, env={"XDG_CACHE_HOME": str(unsafe), "HOME": str(home)}).stdout
        if list((unsafe / "axle-bundles").iterdir()) or str(home / ".cache/axle-bundles/") not in answer:
            fail("a cache that everybody can write to was used")
        run(program, env={"AXLE_BUNDLE_CACHE": str(unsafe / "axle-bundles")}, status=127)

        # A file that is not whole says so, and unpacks nothing.
        short = self.work / "short"
        content = program.read_bytes()
        for cut in (content[:-1], content[: len(content) // 2], content[: len(content) // 2] + b"?" + content[len(content) // 2 + 1 :]):
            short.write_bytes(cut)
            short.chmod(0o755)
            done = run(short, env={"AXLE_BUNDLE_CACHE": str(self.work / "short cache")}, status=127)
            if "damaged" not in done.stderr:
                fail(done.stderr)
        left = [path for path in (self.work / "short cache").rglob("*") if path.is_dir()]
        if left:
            fail(f"a damaged program left {left}")

        root = self.work / "nothing"
        root.mkdir()
        shutil.copy(program, root / "app")
        if command := enter(root):
            for _ in range(2):
                answer = run(*command, "/app", env={}).stdout
                if '"child": "hello"' not in answer:
                    fail(answer)
            if [path.name for path in root.iterdir() if path.name not in ("app", "tmp")]:
                fail("the program wrote where it should not")

    def refusals(self) -> None:
        self.bundle("-o", "x", "--entry", "nobody", status=6)
        self.bundle("--one-file", "x", status=2)
        self.bundle("-o", "x", "--one-file", "y", "--entry", "hello", status=2)
        self.bundle("-o", "x", "--system-libc", status=2)
        (self.work / "wrong.toml").write_text("optimise = 1\n")
        done = self.bundle("-o", "x", "--settings", "wrong.toml", status=3)
        if "wrong.toml:1:" not in done.stderr:
            fail(done.stderr)
        (self.work / "full").mkdir()
        (self.work / "full/mine").touch()
        self.bundle("-o", "full", status=7)
        self.bundle("-o", "full", "--clear", status=7)
        run(self.axle, "bundle", "lock.txt", "-f", "wheels", "--with-python", self.work / "wheels", "-o", "x", status=6,
            cwd=self.work, env=self.env)
        # Pythons for other systems.
        for name, content in (("windows/python.exe", b"MZ"), ("mac/bin/python3", b"\xcf\xfa\xed\xfe\x0c\0\0\1" + bytes(100))):
            (self.work / name).parent.mkdir(parents=True)
            (self.work / name).write_bytes(content)
            done = run(self.axle, "bundle", "lock.txt", "-f", "wheels", "--with-python", name.split("/")[0], "-o", "x", status=8,
                       cwd=self.work, env=self.env)
            if "for Linux only" not in done.stderr:
                fail(done.stderr)
        self.bundle("-o", "x", "--platform", "win_amd64", status=8)
        if (self.work / "x").exists() or [path for path in self.work.iterdir() if ".axle-bundle." in path.name]:
            fail("a refused bundle left something")

    def settings(self) -> None:
        (self.work / "app.toml").write_text('utf8 = true\narguments = ["from", "settings"]\n[set]\nHELLO = "$ORIGIN"\n')
        # Compiling takes in the standard library, which is long.
        full = bool(os.environ.get("AXLE_TEST_FULL"))
        self.bundle("--module", "hello", "-o", "set", "--settings", "app.toml", *(["--compile"] if full else []))
        self.started(run(self.work / "set/bin/hello", "own", env={}).stdout, self.work / "set", ["from", "settings", "own"])
        if full and not list((self.work / "set").rglob("hello/__pycache__/__init__.*.pyc")):
            fail("--compile compiled nothing")
        told = run(self.work / "set/bin/hello", env={"HELLO": "no"})
        if not told.stdout:
            fail("no answer")


def real_program(axle: str, work: Path) -> None:
    """fastapi behind uvicorn, as a directory and as one file, in an empty root, asked over HTTP."""
    import json

    bundles = Bundles(axle, work)
    wheels = work / "real"
    run(sys.executable, "-m", "pip", "download", "-q", "--only-binary", ":all:", "fastapi", "uvicorn", "-d", wheels)
    site = Wheel("site_app-1.0-py3-none-any.whl")
    site.members.append(Member("site_app.py", b"from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\n"
                                              b"def read():\n    return {'hello': 'world'}\n"))
    (wheels / site.file_name).write_bytes(site.build())
    pins = sorted({"==".join(path.name.split("-")[:2]) for path in wheels.glob("*.whl")})
    (work / "lock.txt").write_text("\n".join(pins) + "\n")
    (work / "wheels").rename(work / "small wheels")
    wheels.rename(work / "wheels")
    (work / "app.toml").write_text('arguments = ["site_app:app", "--port", "18765"]\n')
    bundles.python = relocatable_python(axle, bundles.python, work)
    for kind in ("nothing else", "the C library"):
        root = work / kind
        root.mkdir()
        options = ["--entry", "uvicorn", "--settings", "app.toml", "--with-libs", "--compile"]
        if kind == "the C library":
            options.append("--system-libc")
        told = bundles.bundle(*options, "-o", root / "my app", "--json").stdout
        bundles.bundle(*options, "--one-file", root / "one file")
        if kind == "the C library":
            libc_only(root, json.loads(told)["requires"]["libc"])
        command = enter(root) or []
        for program in ("/my app/bin/uvicorn", "/one file", "/one file"):
            answers([*command, program if command else str(root) + program])


def answers(command: list[str]) -> None:
    """The service comes up and says what it should."""
    import json
    import urllib.request

    child = subprocess.Popen(command, env={"TMPDIR": "/tmp"})
    try:
        for _ in range(300):
            time.sleep(0.2)
            if child.poll() is not None:
                fail(f"{command} ended with {child.returncode}")
            try:
                with urllib.request.urlopen("http://127.0.0.1:18765/") as answer:
                    if json.load(answer) != {"hello": "world"}:
                        fail("the service says something else")
                return
            except OSError:
                continue
        fail(f"{command} does not answer")
    finally:
        child.terminate()
        child.wait()


def main() -> None:
    axle = str(Path(sys.argv[1]).resolve())
    with tempfile.TemporaryDirectory(prefix="axle-bundle-") as directory:
        bundles = Bundles(axle, Path(directory).resolve())
        for step in (bundles.directory, bundles.with_the_systems_libc, bundles.tar, bundles.one_file, bundles.settings,
                     bundles.refusals):
            start = time.monotonic()
            step()
            print(f"{step.__name__}: {time.monotonic() - start:.1f} s", flush=True)
    if os.environ.get("AXLE_TEST_FULL"):
        with tempfile.TemporaryDirectory(prefix="axle-bundle-") as directory:
            real_program(axle, Path(directory).resolve())


if __name__ == "__main__":
    main()

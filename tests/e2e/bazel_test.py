"""The Bazel rules of scripts/integrations/bazel with the real Bazel, offline.

usage: bazel_test.py AXLE [--all]

Runs when `bazel` is installed. With --all (or AXLE_TEST_FULL) and as root, Debian's bazel-bootstrap and nginx are installed
first: they bring a Java runtime of several hundred megabytes, which is why nothing else does. Builds the example as a
user does, with workers in both forms, one request at a time and several, and in a sandbox; then looks at what is built
again when nothing, or one wheel, changed; then lets a second checkout take everything from a remote cache.
"""

import os
import re
import shutil
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from tree import record_faults, snapshot
from wheel_text import Wheel

INTEGRATION = Path(__file__).resolve().parents[2] / "scripts" / "integrations" / "bazel"


def write_wheels(folder: Path, word: str = "world") -> None:
    folder.mkdir(parents=True, exist_ok=True)
    greet = Wheel("greet-1.0-py3-none-any.whl").file("greet/__init__.py").file(
        "greet/cli.py", "import words\ndef main():\n    print('hello', words.WORD)\n")
    greet.file("@info/entry_points.txt", "[console_scripts]\nhello = greet.cli:main\n").file("greet/run", "#!/bin/sh\n", mode=0o755)
    words = Wheel("words-1.0-py3-none-any.whl").file("words/__init__.py", f"WORD = {word!r}\n").file("words/list.txt", "a\nb\n")
    for wheel in (greet, words):
        (folder / wheel.file_name).write_bytes(wheel.build())


class Workspace:
    def __init__(self, scratch: Path, name: str, axle: str, server: str = ""):
        self.root = scratch / name
        shutil.copytree(INTEGRATION, self.root)
        self.path = self.root / "example"
        shutil.copy(axle, self.path / "tools/axle/axle.bin")
        build = self.path / "tools/axle/BUILD.bazel"
        self.python = f"{sys.version_info.major}.{sys.version_info.minor}"
        build.write_text(build.read_text().replace("3.11", self.python))
        write_wheels(self.path / "wheels")
        self.startup = [f"--output_user_root={scratch / (server or name)}.bazel"]

    def bazel(self, *words: str, status: int = 0) -> str:
        done = subprocess.run(["bazel", *self.startup, *words], cwd=self.path, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, timeout=600, check=False)
        assert done.returncode == status, f"bazel {' '.join(words)}: {done.returncode}\n{done.stdout}"
        return done.stdout

    def build(self, *words: str) -> dict[str, int]:
        """Builds everything; how many processes ran, by where."""
        out = self.bazel("build", "//...", *words)
        line = re.search(r"\d+ process(?:es)?: (.*)\.", out)
        assert line, out
        ran = {}
        for part in line[1].split(", "):
            count, _, where = part.partition(" ")
            ran[where] = int(count)
        ran.pop("internal", None)
        return ran

    def edit_toolchain(self, old: str, new: str) -> None:
        build = self.path / "tools/axle/BUILD.bazel"
        text = build.read_text()
        assert old in text
        build.write_text(text.replace(old, new))

    def hello(self) -> str:
        return subprocess.run([self.path / "bazel-bin/hello"], capture_output=True, text=True, check=True,
                              env={"AXLE_PYTHON": sys.executable, "PATH": "/usr/bin:/bin"}).stdout

    def environment(self) -> dict:
        return snapshot(str(self.path / "bazel-bin/env"))

    def stop(self) -> None:
        self.bazel("shutdown")


class RemoteCache:
    """nginx with WebDAV: GET and PUT of files is all that Bazel asks of a cache."""

    def __init__(self, scratch: Path):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        folder = scratch / "nginx"
        (folder / "cache").mkdir(parents=True)
        user = "user root;" if os.geteuid() == 0 else ""
        (folder / "nginx.conf").write_text(f"""
{user} daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
  access_log {folder}/access.log; client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  client_max_body_size 0;
  server {{
    listen 127.0.0.1:{self.port};
    location / {{ root {folder}/cache; dav_methods PUT; create_full_put_path on; autoindex on; }}
  }}
}}
""")
        self.process = subprocess.Popen(["nginx", "-p", folder, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)
        for _ in range(100):
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                break
            except OSError:
                time.sleep(0.05)
        self.flag = f"--remote_cache=http://127.0.0.1:{self.port}"
        self.folder = folder / "cache"

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()


def check(what: str, got, wanted) -> None:
    if isinstance(wanted, dict) and got != wanted:
        got, wanted = ({key: one[key] for key in one if got.get(key) != wanted.get(key)} for one in (got, wanted))
    assert got == wanted, f"{what}: {got}, not {wanted}"
    print(f"ok {what}", flush=True)


def run(axle: str, scratch: Path) -> None:
    work = Workspace(scratch, "one", axle)
    try:
        check("workers (protobuf, several requests at a time)", work.build(), {"worker": 4})
        check("the program runs", work.hello(), "hello world\n")
        expected = work.environment()
        check("RECORDs are true", record_faults(str(work.path / "bazel-bin/env")), [])
        check("the environment holds no links", [p for p, what in expected.items() if what[0] == "link"], [])
        layer = (work.path / "bazel-bin/layer.tar.gz").read_bytes()
        with tarfile.open(work.path / "bazel-bin/layer.tar.gz") as tar:
            modes = {member.name: member.mode for member in tar}
        check("the layer has true modes", [modes[f"opt/venv/lib/python{work.python}/site-packages/greet/{name}"] for name in ("run", "cli.py")],
              [0o755, 0o644])
        check("nothing changed: nothing runs", work.build(), {})

        work.bazel("clean")
        check("workers (protobuf, one at a time)", work.build("--noexperimental_worker_multiplex"), {"worker": 4})
        check("... make the same", work.environment(), expected)
        work.edit_toolchain('python_version = ', 'worker_protocol = "json",\n    python_version = ')
        for name, words in {"several at a time": [], "one at a time": ["--noexperimental_worker_multiplex"],
                            "in a sandbox": ["--noexperimental_worker_multiplex", "--worker_sandboxing"]}.items():
            work.bazel("clean")
            check(f"workers (JSON, {name})", work.build("--experimental_worker_allow_json_protocol", *words), {"worker": 4})
            check("... make the same", work.environment(), expected)
        work.edit_toolchain('worker_protocol = "json",\n    ', "")
        work.bazel("clean")
        sandboxed = ["--strategy=AxleUnpack=sandboxed", "--strategy=AxleVenv=sandboxed", "--strategy=AxleLayer=sandboxed"]
        ran = work.build(*sandboxed)
        check("one process an action, in a sandbox", sum(ran.values()), 4)
        assert set(ran) & {"linux-sandbox", "processwrapper-sandbox"}, ran
        check("... make the same", work.environment(), expected)
        check("... and the same layer", (work.path / "bazel-bin/layer.tar.gz").read_bytes() == layer, True)

        write_wheels(work.path / "wheels", "moon")
        check("one wheel changed: its step, the environment's and the layer's", sum(work.build().values()), 3)
        check("... and it is the new one", work.hello(), "hello moon\n")
        (work.path / "wheels/words-1.0-py3-none-any.whl").write_bytes(b"no wheel")
        out = work.bazel("build", "//...", status=1)
        assert "words-1.0-py3-none-any.whl" in out and "error: " in out, out
        print("ok a wheel that is none: the error names it", flush=True)
        write_wheels(work.path / "wheels", "moon")
        work.build()
    finally:
        work.stop()

    if not shutil.which("nginx"):
        print("NOT RUN remote cache (nginx is not installed)")
        return
    cache = RemoteCache(scratch)
    checkouts = []
    try:
        first = Workspace(scratch, "first", axle)
        checkouts.append(first)
        check("first checkout fills the cache", first.build(cache.flag), {"worker": 4})
        second = Workspace(scratch, "another/place", axle, "second")
        checkouts.append(second)
        ran = second.build(cache.flag)
        check("second checkout runs no action", ran, {"remote cache hit": 4})
        check("... and has the same", second.environment(), first.environment())
        check("... which runs", second.hello(), "hello world\n")
    finally:
        for checkout in checkouts:
            checkout.stop()
        cache.stop()


def main() -> int:
    full = "--all" in sys.argv or os.environ.get("AXLE_TEST_FULL")
    if not shutil.which("bazel") and full and os.geteuid() == 0:
        subprocess.run(["apt-get", "install", "-y", "-q", "--no-install-recommends", "bazel-bootstrap", "nginx-light"],
                       env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"}, stdout=subprocess.DEVNULL, check=False)
    if not shutil.which("bazel"):
        print("NOT RUN: bazel is not installed (as root, --all or AXLE_TEST_FULL=1 installs bazel-bootstrap, a large package)")
        return 0
    scratch = Path(tempfile.mkdtemp(prefix="axle-bazel-"))
    try:
        run(os.path.abspath(sys.argv[1]), scratch)
    finally:
        # What Bazel made is read-only.
        subprocess.run(["chmod", "-R", "u+w", scratch], check=False)
        shutil.rmtree(scratch, ignore_errors=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""`axle action` from outside: what it makes, what it reads, what a failure leaves.

usage: action_test.py AXLE [--all]

Where strace is, every file that an action opens must be one that it was told of. The wheels are written here.
"""

import fcntl
import gzip
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import unittest
from pathlib import Path

from tree import record_faults, snapshot
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


class ActionTest(unittest.TestCase):
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

    def test_unpack(self):
        before = self.names()
        self.unpack()
        self.assertEqual(self.names(), before | {"t1"})
        self.assertEqual(record_faults(str(self.work / "t1")), [])
        tree = snapshot(str(self.work / "t1"))
        self.assertEqual(tree[f"{SITE}/demo/tool"][1], "0o755")
        self.assertEqual(tree[f"{SITE}/demo/cli.py"][1], "0o644")
        for path in ("bin/Demo.run", "bin/run", "share/demo/x.txt", "include/site/python3.11/demo/demo.h", "lib/extra.txt"):
            self.assertIn(path, tree)
        self.assertNotIn(str(self.work).encode(), b"".join(p.read_bytes() for p in (self.work / "t1").rglob("*") if p.is_file()))

    def test_one_output_belongs_to_one_action_at_a_time(self):
        command = [AXLE, "action", "unpack", "--wheel", "demo-1.0-py3-none-any.whl", "--into", "same", *FOR]
        for _ in range(5):
            running = [subprocess.Popen(command, cwd=self.work, env={}, stderr=subprocess.PIPE, text=True) for _ in range(8)]
            for process in running:
                said = process.communicate()[1]
                self.assertIn(process.returncode, (0, 7), said)
                self.assertEqual("is being made by another action" in said, process.returncode == 7, said)
            self.assertIn(0, [process.returncode for process in running])
            self.assertEqual(record_faults(str(self.work / "same")), [])
            self.assertNotIn(".same.axle-new", self.names())

    def test_files_made_by_several_actions_are_whole(self):
        """The last one stays: nobody's half, nobody's failure, and no names of them in the end."""
        kinds = {"inspect": [["inspect", "--wheel", wheel, "-o", "same"] for wheel in ("demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl")],
                 "layer": [["layer", "--wheel", wheel, "-o", "same.tar", *FOR] for wheel in ("demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl")]}
        before = self.names()
        for kind, commands in kinds.items():
            output = self.work / commands[0][-1 if kind == "inspect" else 4]
            whole = []
            for words in commands:
                self.axle(*words)
                whole.append(output.read_bytes())
            for _ in range(5):
                running = [subprocess.Popen([AXLE, "action", *words], cwd=self.work, env={}, stderr=subprocess.PIPE, text=True)
                           for words in commands * 4]
                for process in running:
                    said = process.communicate()[1]
                    self.assertEqual(process.returncode, 0, said)
                self.assertIn(output.read_bytes(), whole)
            output.unlink()
        self.assertEqual(self.names(), before)

    def test_read_only_outputs_are_replaced(self):
        """As Bazel makes its outputs; root may do everything, so that somebody else tries it."""
        self.unpack("demo-1.0-py3-none-any.whl", "tree")
        for folder, _, files in os.walk(self.work / "tree"):
            for name in files:
                os.chmod(os.path.join(folder, name), 0o444)
            os.chmod(folder, 0o555)
        words = {}
        if os.geteuid() == 0:
            os.chmod(self.work, 0o755)
            for path in [self.work, *self.work.rglob("*")]:
                os.lchown(path, 65534, 65534)
            words = {"user": 65534, "group": 65534, "extra_groups": []}
            try:
                subprocess.run([AXLE, "--version"], cwd=self.work, check=True, capture_output=True, **words)
            except (OSError, subprocess.CalledProcessError):
                self.skipTest("nobody cannot start axle where it lies")
        for wheel in ("demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"):
            subprocess.run([AXLE, "action", "unpack", "--wheel", wheel, "--into", "tree", *FOR], cwd=self.work, env={}, check=True, **words)
        self.assertEqual(record_faults(str(self.work / "tree")), [])
        self.assertTrue((self.work / "tree" / SITE / "other.py").exists())
        self.assertNotIn(".tree.axle-new", self.names())

    def test_only_files_are_replaced(self):
        os.mkfifo(self.work / "pipe")
        (self.work / "dir").mkdir()
        wheel = "demo-1.0-py3-none-any.whl"
        for there in ("pipe", "dir", "/dev/null"):
            for words in (["inspect", wheel, "--output", there], ["unpack", wheel, "--into", "t", *FOR, "--depfile", there],
                          ["unpack", wheel, "--into", "t", *FOR, "--stamp", there], ["layer", wheel, "-o", there, *FOR],
                          ["launcher", "--entry", "a:b", "-o", there]):
                if there == "/dev/null" and os.geteuid() == 0:
                    continue  # what would be lost is the machine's
                with self.subTest(words=words):
                    self.axle(*words, status=7 if words[0] != "layer" else 2)
        self.assertEqual(self.names() & {"t", ".t.axle-new"}, set())
        self.assertTrue((self.work / "pipe").is_fifo())

    def test_every_layout_umask_place_and_order_gives_the_same(self):
        self.unpack()
        os.makedirs(self.work / "deep er/dir")
        old = os.umask(0o077)
        try:
            self.unpack(str(self.work / "demo-1.0-py3-none-any.whl"), "../t2", cwd="deep er/dir".split("/")[0])
        finally:
            os.umask(old)
        self.assertEqual(snapshot(str(self.work / "t1")), snapshot(str(self.work / "t2")))
        self.axle("unpack", "demo-1.0-py3-none-any.whl", "--into", "flat", "--layout", "target", *FOR)
        self.assertTrue((self.work / "flat/demo/__init__.py").is_file())

    def test_merge_of_trees_is_merge_of_wheels(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--facts-out", "t1.facts")
        self.unpack("other-2.0-py3-none-any.whl", "t2", "--facts-out", "t2.facts")
        self.axle("merge", "--wheel", "demo-1.0-py3-none-any.whl", "--wheel", "other-2.0-py3-none-any.whl", "--into", "wheels", *FOR)
        expected = snapshot(str(self.work / "wheels"))
        self.assertEqual(record_faults(str(self.work / "wheels")), [])
        for mode in ("copy", "hardlink", "clone", "auto"):
            for name, sources in {"read": ["--tree", "t1", "--tree", "t2/"],
                                  "facts": ["--tree", "t1", "--facts", "t1.facts", "--src", "t2", "--facts", "t2.facts"],
                                  "mixed": ["demo-1.0-py3-none-any.whl", "t2"], "twice": ["t1", "t2", "t1"]}.items():
                out = f"{mode}-{name}"
                self.axle("merge", *sources, "--into", out, "--link-mode", mode, *FOR)
                self.assertEqual(snapshot(str(self.work / out)), expected, out)
        self.axle("merge", "--tree", "wheels", "--into", "again", *FOR)
        self.assertEqual(snapshot(str(self.work / "again")), expected)
        self.axle("merge", "t1", "t2", "--into", "links", "--link-mode", "symlink", *FOR)
        links = [p for p in (self.work / "links").rglob("*") if p.is_symlink()]
        self.assertTrue(links)
        for link in links:
            self.assertTrue(os.readlink(link).startswith("../"), link)
            self.assertTrue(link.exists(), link)
        moved = self.work / "moved"
        moved.mkdir()
        for name in ("t1", "t2", "links"):
            (self.work / name).rename(moved / name)
        self.assertEqual(record_faults(str(moved / "links")), [])
        self.assertTrue((moved / f"links/{SITE}/ns/a/__init__.py").is_file())

    def test_collisions(self):
        sources = ["other-2.0-py3-none-any.whl", "clash-1.0-py3-none-any.whl"]
        done = self.axle("merge", *sources, "--into", "out", *FOR, status=5)
        self.assertIn("other.py", done.stderr)
        self.assertNotIn("out", self.names())
        for policy, value, warned in (("first", 2, True), ("last", 3, True), ("warning", 3, True), ("ignore", 3, False)):
            done = self.axle("merge", *sources, "--into", policy, "--collision-policy", policy, *FOR)
            self.assertEqual((self.work / policy / SITE / "other.py").read_text(), f"VALUE = {value}\n")
            self.assertEqual("other.py" in done.stderr, warned, done.stderr)
            self.assertEqual(record_faults(str(self.work / policy)), [])
        twice = Wheel("demo-1.1-py3-none-any.whl").file("demo/__init__.py", "VALUE = 9\n")
        (self.work / twice.file_name).write_bytes(twice.build())
        self.axle("merge", "demo-1.0-py3-none-any.whl", twice.file_name, "--into", "out", *FOR, status=5)

    def test_prune(self):
        wheel = Wheel("pruned-1.0-py3-none-any.whl").file("pruned/__init__.py", "x = 1\n").file("pruned/tests/test_x.py").file("pruned/x.pyi")
        (self.work / wheel.file_name).write_bytes(wheel.build())
        self.unpack(wheel.file_name, "t", "--prune", "tests", "--prune=*.pyi", "--prune", "**/x.pyi")
        self.unpack(wheel.file_name, "whole", "--facts-out", "facts")
        self.axle("merge", "--tree", "whole", "--facts", "facts", "--into", "m", "--prune", "tests", "--prune", "stubs", *FOR)
        for tree in ("t", "m"):
            found = set(snapshot(str(self.work / tree / SITE / "pruned")))
            self.assertEqual(found, {"__init__.py"})
            self.assertEqual(record_faults(str(self.work / tree)), [])
        # As rules_py says it, its way to give the version included.
        self.axle("unpack", "--wheel", wheel.file_name, "--into", "r", "--python-version-major", "3", "--python-version-minor=11",
                  "--exclude-glob", "pruned/te*s", "--exclude-glob", "**/*.pyi")
        self.assertEqual(set(snapshot(str(self.work / "r" / SITE / "pruned"))), {"__init__.py"})
        self.assertEqual(record_faults(str(self.work / "r")), [])
        for glob in ("", "a//b", "../x", "a/[bc]", "a**/b", "x?"):
            self.unpack(wheel.file_name, "x", "--exclude-glob", glob, status=2)
        self.unpack(wheel.file_name, "x", "--prune", "!", status=2)
        self.unpack(wheel.file_name, "x", "--prune", "test", status=2)

    def test_venv(self):
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.axle("venv", "demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl", "--into", "env", "--python-version", python,
                  "--target-python", os.path.realpath(sys.executable))
        for where in ("env", "moved"):
            if where == "moved":
                (self.work / "env").rename(self.work / "moved")
            run = subprocess.run([self.work / where / "bin/Demo.run"], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
            self.assertEqual(run.stdout, "hello\n")
            run = subprocess.run([self.work / where / "bin/python", "-c", "import ns.a, ns.b, other, sys; print(sys.prefix)"],
                                 capture_output=True, text=True, check=True)
            self.assertEqual(run.stdout.strip(), str(self.work / where))
        self.axle("venv", "demo-1.0-py3-none-any.whl", "--into", "bare", *FOR)
        for path in (self.work / "bare").rglob("*"):
            if path.is_symlink():
                target = os.path.normpath(path.parent / os.readlink(path))
                self.assertTrue(target.startswith(str(self.work / "bare")) and path.exists(), path)
        self.assertFalse((self.work / "bare/bin/python").is_symlink())
        self.axle("venv", "--into", "x", *FOR, "--interpreter", "link", status=2)

    def test_layer(self):
        wheels = ["demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"]
        for name in ("a.tar", "a.tar.gz", "a.tar.zst", "again.tar.gz"):
            self.axle("layer", *wheels, "--output", f"out/{name}", "--descriptor", f"{name}.json", "--mtree", f"{name}.mtree", *FOR,
                      "--depfile", f"{name}.d")
        self.assertEqual((self.work / "out/a.tar.gz").read_bytes(), (self.work / "out/again.tar.gz").read_bytes())
        raw = (self.work / "out/a.tar").read_bytes()
        self.assertEqual(gzip.decompress((self.work / "out/a.tar.gz").read_bytes()), raw)
        descriptor = json.loads((self.work / "a.tar.gz.json").read_text())
        packed = (self.work / "out/a.tar.gz").read_bytes()
        self.assertEqual(descriptor["digest"], "sha256:" + hashlib.sha256(packed).hexdigest())
        self.assertEqual(descriptor["diffId"], "sha256:" + hashlib.sha256(raw).hexdigest())
        self.assertEqual((descriptor["size"], descriptor["tarSize"]), (len(packed), len(raw)))
        with tarfile.open(self.work / "out/a.tar") as tar:
            self.assertEqual(tar.getmember(f"opt/venv/{SITE}/demo/tool").mode, 0o755)
            self.assertEqual(tar.getmember("opt/venv/bin/python").linkname, "/usr/local/bin/python3.11")
        self.assertEqual((self.work / "a.tar.d").read_text(), "out/a.tar: \\\n demo-1.0-py3-none-any.whl \\\n other-2.0-py3-none-any.whl\n")
        before = (self.work / "out/a.tar.gz").stat()
        self.axle("layer", *wheels, "--output", "out/a.tar.gz", *FOR)
        after = (self.work / "out/a.tar.gz").stat()
        self.assertEqual((after.st_ino, after.st_mtime_ns), (before.st_ino, before.st_mtime_ns))
        names = self.names()
        self.axle("layer", *wheels, "clash-1.0-py3-none-any.whl", "--output", "out/b.tar", *FOR, status=5)
        self.axle("layer", *wheels, "--output", "out/b.zip", *FOR, status=2)
        self.axle("layer", "out", "--output", "out/b.tar", *FOR, status=2)
        self.axle("layer", *wheels, "--output", "out/b.tar", "--platform", "win_amd64", *FOR, status=8)
        self.assertEqual(self.names(), names)
        self.assertEqual({path.name for path in (self.work / "out").iterdir()}, {"a.tar", "a.tar.gz", "a.tar.zst", "again.tar.gz"})

    def test_image(self):
        """The image of an action is that of `axle layer`, and untouched when nothing changed."""
        wheels = ["demo-1.0-py3-none-any.whl", "other-2.0-py3-none-any.whl"]
        for words in ([], ["--split", "package", "--compression", "zstd"]):
            shutil.rmtree(self.work / "image", ignore_errors=True)
            self.axle("layer", *wheels, "--oci", "image", "--descriptor", "image.json", "--depfile", "image.d", *words, *FOR)
            lock = 'lock-version = "1.0"\ncreated-by = "test"\n'
            for name in wheels:
                digest = hashlib.sha256((self.work / name).read_bytes()).hexdigest()
                lock += (f'[[packages]]\nname = "{name.split("-")[0]}"\nversion = "{name.split("-")[1]}"\n'
                         f'wheels = [{{ name = "{name}", path = "{name}", hashes = {{ sha256 = "{digest}" }} }}]\n')
            (self.work / "pylock.toml").write_text(lock)
            subprocess.run([AXLE, "layer", "pylock.toml", "--oci", "wanted", "--no-store", "--offline", "--startup-hooks", "allow", "-q",
                            *words, *FOR], cwd=self.work, check=True)
            wanted = {path.relative_to(self.work / "wanted"): path.read_bytes()
                      for path in (self.work / "wanted").rglob("*") if path.is_file()}
            found = {path.relative_to(self.work / "image"): path.read_bytes()
                     for path in (self.work / "image").rglob("*") if path.is_file()}
            self.assertEqual(set(found), set(wanted))
            self.assertEqual(found, wanted)
            manifest = json.loads((self.work / "image/index.json").read_text())["manifests"][0]
            self.assertEqual(json.loads((self.work / "image.json").read_text())["digest"], manifest["digest"])
            self.assertTrue((self.work / "image.d").read_text().startswith("image: "))
            before = {path: path.stat().st_mtime_ns for path in (self.work / "image").rglob("*")}
            self.axle("layer", *wheels, "--oci", "image", *words, *FOR)
            self.assertEqual({path: path.stat().st_mtime_ns for path in (self.work / "image").rglob("*")}, before)
            shutil.rmtree(self.work / "wanted")
        names = self.names()
        self.axle("layer", *wheels, "--oci", "x", "--output", "x.tar", *FOR, status=2)
        self.axle("layer", *wheels, "--output", "x.tar", "--split", "package", *FOR, status=2)
        self.axle("layer", *wheels, "--oci", "x", "--compression", "rar", *FOR, status=2)
        self.axle("layer", *wheels, "clash-1.0-py3-none-any.whl", "--oci", "x", *FOR, status=5)
        self.assertEqual(self.names(), names)

    def test_launcher(self):
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        self.axle("venv", "demo-1.0-py3-none-any.whl", "--into", "env", "--python-version", python,
                  "--target-python", os.path.realpath(sys.executable))
        self.axle("launcher", "--entry", "demo.cli:main", "--output", "env/bin/beside")
        self.axle("launcher", "--entry", "demo.cli:main", "--output", "fixed", "--shebang", str(self.work / "env/bin/python"),
                  "--depfile", "fixed.d")
        for program in ("env/bin/beside", "fixed"):
            run = subprocess.run([self.work / program], capture_output=True, text=True, check=True, env={"PATH": "/usr/bin:/bin"})
            self.assertEqual(run.stdout, "hello\n")
        self.assertEqual((self.work / "fixed.d").read_text(), "fixed:\n")
        if os.uname().machine == "x86_64":
            self.axle("launcher", "--entry", "demo.cli:main", "--output", "native", "--launcher", "native", "--shebang", "env/bin/python")
            self.axle("venv", "demo-1.0-py3-none-any.whl", "--into", "env2", "--python-version", python, "--launcher", "native",
                      "--target-python", os.path.realpath(sys.executable))
            for program in ("native", "env2/bin/Demo.run"):
                self.assertEqual((self.work / program).read_bytes()[:4], b"\x7fELF")
                self.assertEqual(subprocess.run([self.work / program], capture_output=True, text=True, check=True, env={}).stdout, "hello\n")
        flags = ("--launcher-flags=-I -X utf8=0", "--launcher-env", "DEMO=$ORIGIN")
        probe = Wheel("probe-1.0-py3-none-any.whl").file("probe.py", "import os, sys\n\n\ndef main():\n"
                      "    print(sys.flags.isolated, sys.flags.utf8_mode, os.environ.get('DEMO'))\n")
        probe.file("@info/entry_points.txt", "[console_scripts]\nprobe = probe:main\n")
        (self.work / probe.file_name).write_bytes(probe.build())
        for kind, more in (("script", flags[:1]), ("sh", flags[:1]), ("native", flags)):
            if kind == "native" and os.uname().machine != "x86_64":
                continue
            with self.subTest(launcher=kind):
                self.axle("venv", probe.file_name, "--into", "p-" + kind, "--python-version", python, "--launcher", kind,
                          "--target-python", os.path.realpath(sys.executable), *more)
                self.axle("launcher", "--entry", "probe:main", "--output", f"p-{kind}/bin/made", "--launcher", kind, *more,
                          *(("--shebang", str(self.work / f"p-{kind}/bin/python")) if kind == "script" else ()))
                here = str(self.work / "p-native/bin") if kind == "native" else None
                for program in ("probe", "made"):
                    run = subprocess.run([self.work / f"p-{kind}/bin" / program], capture_output=True, text=True, check=True,
                                         env={"PATH": "/usr/bin:/bin"})
                    self.assertEqual(run.stdout, f"1 0 {here}\n")
        self.axle("launcher", "--entry", "a:b", "--output", "x", *flags, status=2)
        self.axle("launcher", "--entry", "a:b", "--output", "x", "--launcher-flags=-c", status=2)
        before = (self.work / "fixed").stat()
        self.axle("launcher", "--entry", "demo.cli:main", "--output", "fixed", "--shebang", str(self.work / "env/bin/python"))
        self.assertEqual((self.work / "fixed").stat().st_mtime_ns, before.st_mtime_ns)
        self.axle("launcher", "--entry", "demo.cli", "--output", "x", status=2)
        self.axle("launcher", "--entry", "not a name:x", "--output", "x", status=3)
        self.axle("launcher", "--entry", "a:b", "--output", "x", "--launcher", "script", status=2)
        self.axle("launcher", "--entry", "a:b", "--output", "x", "--launcher", "round", status=2)

    def test_inspect(self):
        facts = json.loads(self.axle("inspect", "demo-1.0-py3-none-any.whl").stdout)
        layout = facts["layout"]
        self.assertEqual(layout["top_levels"], ["demo", "demo-1.0.dist-info", "ns"])
        self.assertEqual(layout["namespace_top_levels"], ["ns"])
        self.assertEqual(layout["namespace_entries"], ["ns/a"])
        self.assertEqual(layout["regular_roots"], ["ns/a"])
        self.assertEqual(layout["console_scripts"], ["Demo.run=demo.cli:main"])
        self.assertEqual(layout["data_files"], ["lib64/extra.txt", "share/demo/x.txt"])
        self.assertEqual(layout["scripts"], ["run"])
        self.assertEqual(facts["dist_info"], "demo-1.0.dist-info")
        self.assertNotIn("objects", facts)
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--facts-out", "t1.facts")
        known = json.loads(self.axle("inspect", "demo-1.0-py3-none-any.whl", "--facts", "t1.facts").stdout)
        self.assertEqual(known["namespaces"], [{"path": "ns", "kind": "pep420"}])
        self.assertEqual(known["objects"], [])
        self.assertEqual(known["sha256"], hashlib.sha256((self.work / "demo-1.0-py3-none-any.whl").read_bytes()).hexdigest())
        self.assertEqual(known["layout"], layout)
        self.axle("inspect", "other-2.0-py3-none-any.whl", "--facts", "t1.facts", status=3)
        self.axle("inspect", "demo-1.0-py3-none-any.whl", "--output", "o.json", "--depfile", "o.d")
        self.assertEqual((self.work / "o.d").read_text(), "o.json: \\\n demo-1.0-py3-none-any.whl\n")

    def test_inspect_inflates_only_the_dist_info(self):
        raw = Wheel("big-1.0-py3-none-any.whl").file("big/__init__.py", "x = 1\n" * 50).build()
        # Damage the member's data; its CRC no longer fits, and nobody may notice.
        at = raw.find(b"big/__init__.py") + len(b"big/__init__.py")
        (self.work / "big-1.0-py3-none-any.whl").write_bytes(raw[:at] + bytes([raw[at] ^ 0xFF]) + raw[at + 1:])
        self.axle("inspect", "big-1.0-py3-none-any.whl")
        self.unpack("big-1.0-py3-none-any.whl", "out", status=3)

    def test_reports(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--stamp", "t1.stamp", "--depfile", "t1.d", "--dyndep", "t1.dd",
                    "--manifest", "t1.json", "--origin", "//demo")
        self.assertEqual((self.work / "t1.d").read_text(), "t1.stamp: \\\n demo-1.0-py3-none-any.whl\n")
        rows = json.loads((self.work / "t1.json").read_text())
        self.assertEqual(rows, sorted(rows))
        self.assertIn(["demo/cli.py", f"t1/{SITE}/demo/cli.py", "//demo"], rows)
        for _, source, _ in rows:
            self.assertTrue((self.work / source).is_file())
        dyndep = (self.work / "t1.dd").read_text()
        made = {f"t1/{path}" for path, what in snapshot(str(self.work / "t1")).items() if what[0] != "dir"}
        self.assertEqual(set(re.findall(r"^ (\S+?)(?: \$|: dyndep)$", dyndep, re.M)), made)
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--stamp", "t1.stamp", "--dyndep", "scan.dd", "--dry-run")
        self.assertEqual((self.work / "scan.dd").read_text(), dyndep)
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--depfile", "lines.d", "--depfile-style", "lines")
        self.assertEqual((self.work / "lines.d").read_text(), "demo-1.0-py3-none-any.whl\n")

    def test_unchanged_outputs_stay_as_they_are(self):
        options = ("--stamp", "s", "--depfile", "d", "--facts-out", "f", "--times", "now")
        self.unpack("demo-1.0-py3-none-any.whl", "t1", *options)

        def look():
            return {str(p): (p.lstat().st_ino, p.lstat().st_mtime_ns) for p in [*self.work.rglob("*")] if "whl" not in p.name}

        before = look()
        self.unpack("demo-1.0-py3-none-any.whl", "t1", *options)
        self.assertEqual(look(), before)
        changed = Wheel("demo-1.0-py3-none-any.whl").file("demo/__init__.py", "VALUE = 7\n").file("demo/cli.py", "def main():\n    print('hello')\n")
        (self.work / changed.file_name).write_bytes(changed.build())
        self.unpack("demo-1.0-py3-none-any.whl", "t1", *options)
        after = look()
        site = str(self.work / "t1" / SITE)
        self.assertEqual(after[f"{site}/demo/cli.py"], before[f"{site}/demo/cli.py"])
        self.assertNotEqual(after[f"{site}/demo/__init__.py"], before[f"{site}/demo/__init__.py"])
        self.assertNotEqual(after[str(self.work / "s")], before[str(self.work / "s")])
        self.assertNotIn(f"{site}/ns", after)
        self.assertEqual(record_faults(str(self.work / "t1")), [])

    def test_parameter_files(self):
        shutil.copy(self.work / "demo-1.0-py3-none-any.whl", self.work / "a b")  # never a wheel's name
        os.makedirs(self.work / "wh eels")
        shutil.copy(self.work / "demo-1.0-py3-none-any.whl", self.work / "wh eels")
        wheel = "wh eels/demo-1.0-py3-none-any.whl"
        texts = {"shell": f"unpack\n--wheel\n'{wheel}'\n--into\n{{}}\n--python-version\n3.11\n",
                 "multiline": f"unpack\n--wheel\n{wheel}\n--into\n{{}}\n--python-version\n3.11\n",
                 "flags": f"--wheel={wheel}\n--into={{}}\n--python-version=3.11\n"}
        for name, text in texts.items():
            (self.work / f"{name}.params").write_text(text.format(f"out-{name}"))
        self.axle("@shell.params")
        self.axle("@multiline.params")
        self.axle("unpack", "--flagfile=flags.params")
        expected = snapshot(str(self.work / "out-shell"))
        self.assertTrue(expected)
        for name in ("multiline", "flags"):
            self.assertEqual(snapshot(str(self.work / f"out-{name}")), expected)
        self.axle("@missing.params", status=7)
        done = self.axle("--json", "@missing.params", status=7)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "io")

    def test_failures_leave_nothing(self):
        (self.work / "cut-1.0-py3-none-any.whl").write_bytes((self.work / "demo-1.0-py3-none-any.whl").read_bytes()[:-30])
        bad = Wheel("bad-1.0-py3-none-any.whl").file("bad.py", "x", wrong_digest=True)
        (self.work / bad.file_name).write_bytes(bad.build())
        evil = Wheel("evil-1.0-py3-none-any.whl").file("../evil.py", "x")
        (self.work / evil.file_name).write_bytes(evil.build())
        (self.work / "file").write_text("x")
        self.unpack(into="old")
        old = snapshot(str(self.work / "old"))
        names = self.names()
        cases = [(3, "cut-1.0-py3-none-any.whl", "new", ()), (4, "bad-1.0-py3-none-any.whl", "new", ()),
                 (3, "evil-1.0-py3-none-any.whl", "new", ()), (7, "none-1.0-py3-none-any.whl", "new", ()),
                 (7, "demo-1.0-py3-none-any.whl", "file", ()), (7, "demo-1.0-py3-none-any.whl", "file/below", ()),
                 (4, "demo-1.0-py3-none-any.whl", "new", ("--sha256", "0" * 64)),
                 (6, "demo-1.0-py3-none-any.whl", "new", ("--platform", "win_amd64", "--python-version", "2.7")),
                 (3, "demo-1.0.zip", "new", ()), (7, "demo-1.0-py3-none-any.whl", "new", ("--stamp", "file/s")),
                 (8, "demo-1.0-py3-none-any.whl", "new", ("--compile",)),
                 (7, "demo-1.0-py3-none-any.whl", "new", ("--compile-pyc", "no-python")),
                 (7, "demo-1.0-py3-none-any.whl", "new", ("--patch", "no-patch")),
                 (2, "demo-1.0-py3-none-any.whl", "new", ("--unknown",)),
                 (4, "bad-1.0-py3-none-any.whl", "old", ()), (7, "demo-1.0-py3-none-any.whl", "old", ("--depfile", "file/d"))]
        for status, wheel, into, more in cases:
            with self.subTest(wheel=wheel, into=into, more=more):
                if wheel == "demo-1.0.zip":
                    shutil.copy(self.work / "demo-1.0-py3-none-any.whl", self.work / wheel)
                    names.add(wheel)
                if more[:1] == ("--platform",) and status == 6:
                    status = 6
                    wheel = "win-1.0-cp39-cp39-macosx_10_9_x86_64.whl"
                    (self.work / wheel).write_bytes(Wheel(wheel).file("w.py", "").build())
                    names.add(wheel)
                    more = ("--platform", "win_amd64")
                done = self.unpack(wheel, into, *more, status=status)
                self.assertTrue(done.stderr.startswith("error: "), done.stderr)
                self.assertEqual(self.names(), names)
                self.assertEqual(snapshot(str(self.work / "old")), old)
        self.axle("unpack", "--wheel", "demo-1.0-py3-none-any.whl", "--into", "new", status=2)
        self.axle("merge", "--tree", "missing", "--into", "new", *FOR, status=7)
        os.mkdir(self.work / "empty")
        self.axle("merge", "--tree", "empty", "--into", "new", *FOR, status=3)
        (self.work / "old" / SITE / "demo/cli.py").write_text("changed")
        self.axle("merge", "--tree", "old", "--into", "new", *FOR, status=4)
        self.assertEqual(self.names(), names | {"empty"})

    def test_a_killed_action_is_cleaned_up_by_the_next(self):
        os.makedirs(self.work / ".t1.axle-new/tree/half")
        os.chmod(self.work / ".t1.axle-new/tree/half", 0o500)
        self.unpack()
        self.assertNotIn(".t1.axle-new", self.names())

        # Files, and the room of a layer; what another action holds at that moment stays.
        (self.work / ".facts.axle-new").write_text("half")
        self.axle("inspect", "--wheel", "demo-1.0-py3-none-any.whl", "--output", "facts")
        (self.work / ".l.tar.axle-new").mkdir()
        (self.work / ".l.tar.axle-new/.axle-new-1-1").write_text("half")
        self.axle("layer", "--wheel", "demo-1.0-py3-none-any.whl", "--output", "l.tar", *FOR)
        self.assertEqual([name for name in self.names() if "axle-new" in name], [])
        (self.work / "facts").unlink()
        with open(self.work / ".facts.axle-new", "w", encoding="utf-8") as held:
            held.write("being made")
            fcntl.flock(held, fcntl.LOCK_EX)
            self.axle("inspect", "--wheel", "demo-1.0-py3-none-any.whl", "--output", "facts")
        self.assertTrue((self.work / "facts").is_file())
        self.assertEqual([name for name in self.names() if "axle-new" in name], [".facts.axle-new"])

    def test_links_bring_no_output_into_an_input(self):
        """Paths are compared as written, and by where their directories are."""
        wheel = "demo-1.0-py3-none-any.whl"
        self.unpack(wheel, "t1")
        (self.work / "apart").mkdir()
        shutil.copy(self.work / wheel, self.work / "apart" / wheel)
        (self.work / "here").symlink_to(".")
        (self.work / "link").symlink_to("apart")
        (self.work / "into").symlink_to("t1")
        (self.work / "wheel.whl").symlink_to("apart/" + wheel)
        before = snapshot(str(self.work))
        for words in (["merge", "--tree", "t1", "--into", "new", *FOR, "--stamp", "into/stamp"],
                      ["merge", "--tree", "t1", "--into", f"into/{SITE}/new", *FOR],
                      ["merge", "--tree", "into", "--into", "here/t1", *FOR],
                      ["unpack", "--wheel", f"link/{wheel}", "--into", "apart", *FOR],
                      ["unpack", "--wheel", f"apart/{wheel}", "--into", "link/", *FOR],
                      ["unpack", "--wheel", "wheel.whl", "--into", "apart", *FOR],
                      ["unpack", "--wheel", wheel, "--into", "apart", "--facts-out", "link/more/facts", *FOR],
                      ["inspect", "--wheel", f"apart/{wheel}", "-o", f"link/{wheel}"],
                      ["layer", "--wheel", f"link/{wheel}", "--oci", "here/apart", *FOR]):
            with self.subTest(words=words):
                said = self.axle(*words, status=2).stderr
                self.assertIn(", through a link\n", said)
                self.assertEqual(snapshot(str(self.work)), before)
        # Hard links are files of their own, and a linked directory beside is as good as any.
        os.link(self.work / wheel, self.work / "hard.json")
        self.axle("inspect", "--wheel", wheel, "-o", "hard.json")
        self.axle("unpack", "--wheel", f"link/{wheel}", "--into", "here/t2", "--stamp", "link/stamp", *FOR)
        self.assertEqual(record_faults(str(self.work / "t2")), [])

    def test_sandbox_of_links(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1")
        self.unpack("other-2.0-py3-none-any.whl", "t2")
        self.axle("merge", "t1", "t2", "--into", "expected", *FOR)
        sandbox = self.work / "sandbox"
        for path in [*self.work.glob("*.whl"), *(self.work / "t1").rglob("*"), *(self.work / "t2").rglob("*")]:
            if path.is_file():
                there = sandbox / path.relative_to(self.work)
                there.parent.mkdir(parents=True, exist_ok=True)
                there.symlink_to(path)
        for mode in ("copy", "hardlink", "symlink"):
            self.axle("merge", "t1", "t2", "--into", f"out-{mode}", "--link-mode", mode, *FOR, cwd="sandbox")
        for mode in ("copy", "hardlink"):
            self.assertEqual(snapshot(str(sandbox / f"out-{mode}")), snapshot(str(self.work / "expected")))
        # Links say what the paths say, not where the sandbox's links lead.
        link = sandbox / "out-symlink" / SITE / "other.py"
        self.assertEqual(os.readlink(link), f"../../../../t2/{SITE}/other.py")
        self.unpack("demo-1.0-py3-none-any.whl", "t3", cwd="sandbox")
        self.assertEqual(snapshot(str(sandbox / "t3")), snapshot(str(self.work / "t1")))

    def test_lost_modes_of_bazel_trees(self):
        self.unpack()
        expected = snapshot(str(self.work / "t1"))
        self.unpack(into="t2")
        for path in (self.work / "t2").rglob("*"):
            os.chmod(path, 0o555)
        self.axle("merge", "--tree", "t2", "--into", "out", *FOR)
        merged = snapshot(str(self.work / "out"))
        expected[f"{SITE}/demo/tool"] = merged[f"{SITE}/demo/tool"]  # no longer known
        self.assertEqual(merged, expected)
        shutil.rmtree(self.work / "t2", onerror=lambda f, p, e: (os.chmod(os.path.dirname(p), 0o755), os.chmod(p, 0o755), f(p)))

    @unittest.skipUnless(shutil.which("strace"), "needs strace")
    def test_reads_only_what_it_was_told(self):
        self.unpack("demo-1.0-py3-none-any.whl", "t1", "--facts-out", "t1.facts")
        self.unpack("other-2.0-py3-none-any.whl", "t2")
        (self.work / "args").write_text("merge\n--tree\nt1\n--facts\nt1.facts\n--tree\nt2\ndemo-1.0-py3-none-any.whl\n--into\nout\n"
                                        "--python-version\n3.11\n--depfile\nout.d\n--stamp\nout.stamp\n")
        before = self.names()
        traced = subprocess.run(["strace", "-f", "-e", "trace=file,desc,network", "-o", self.work / "trace", AXLE, "action", "@args"], cwd=self.work,
                                env={"HOME": "/nonexistent-home", "AXLE_STORE": "/nonexistent-store"}, check=False)
        if traced.returncode != 0:
            self.skipTest("strace does not run here")
        log = (self.work / "trace").read_text()
        self.assertNotIn("nonexistent", log.split("\n", 1)[1])
        self.assertNotRegex(log, r"\b(socket|connect)\(")
        inputs = {"args", *re.findall(r"^ (\S+?)(?: \\)?$", (self.work / "out.d").read_text(), re.M)}
        system = re.compile(r"/(etc/ld|lib|usr/lib|proc|sys|dev|etc/localtime|usr/share/zoneinfo)|.*\.so")
        opened = set()
        for name, flags in re.findall(r'openat?\((?:\S+, )?"([^"]+)", (\S+?)(?:, \d+)?\) = \d', log):
            if "O_DIRECTORY" in flags or "O_CREAT" in flags or name.startswith("/") and system.match(name):
                continue
            opened.add(name)
        # Files of trees are opened by paths below the tree's descriptor.
        relative = inputs | {path.split("/", 1)[1] for path in inputs if "/" in path}
        last = {path.rsplit("/", 1)[-1] for path in inputs}
        own = re.compile(r"(out|\.out)\b|\.\w+\.axle-new|openssl|/usr/lib/ssl")
        self.assertEqual({name for name in opened if name not in relative and name not in last and not own.search(name)}, set())
        self.assertEqual(self.names(), before | {"out", "out.d", "out.stamp", "trace"})


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0]])
